//! API keys and app secrets of the config: since when each is in use, and that old ones are named.

use roster_protocol::time::Timestamp;
use roster_protocol::transport::within;

use crate::support::programs::until;
use crate::support::{LIMIT, NOON, World};

const DAY_S: i64 = 86_400;

/// YouTube's secrets: the config's key, since when, and whether that is long ago; sorted by key.
async fn secrets(world: &World) -> Vec<(String, Timestamp, bool)> {
    let platforms = world.client.platforms(within(LIMIT)).await.expect("a response").expect("platforms");
    let youtube = platforms.into_iter().find(|it| it.platform == "youtube").expect("known");
    let mut secrets: Vec<_> = youtube.secrets.into_iter().map(|it| (it.key, it.since, it.is_old)).collect();
    secrets.sort();
    secrets
}

async fn until_they_are(world: &World, expected: [(&str, Timestamp, bool); 2]) {
    let expected: Vec<_> = expected.iter().map(|(key, since, is_old)| ((*key).to_owned(), *since, *is_old)).collect();
    until("the secrets are as they should be", async || (secrets(world).await == expected).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_that_is_in_use_for_more_than_90_days_is_named_until_it_is_replaced() {
    let mut world = World::with_apps().await;
    until_they_are(&world, [("api_key", NOON, false), ("client_secret", NOON, false)]).await;
    world.clock.advance(90 * DAY_S);
    until_they_are(&world, [("api_key", NOON, false), ("client_secret", NOON, false)]).await;
    world.clock.advance(DAY_S);
    until_they_are(&world, [("api_key", NOON, true), ("client_secret", NOON, true)]).await;
    world.restart().await;
    until_they_are(&world, [("api_key", NOON, true), ("client_secret", NOON, true)]).await;
    world.reload(|config| config.replace("\"youtube-api-key\"", "\"another\"")).await.expect("a good config");
    let now = NOON.plus_seconds(91 * DAY_S);
    until_they_are(&world, [("api_key", now, false), ("client_secret", NOON, true)]).await;
}
