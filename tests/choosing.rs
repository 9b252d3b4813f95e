//! Where a platform has two APIs, the config chooses one.

use roster_protocol::connection::ConnectionStatus;
use roster_protocol::transport::within;
use roster_sandbox::Platform;

use crate::support::consent::APPS;
use crate::support::programs::until;
use crate::support::{LIMIT, World};

const DAY_S: i64 = 24 * 3600;

/// Host and path of every request so far.
fn requests(world: &World) -> impl Iterator<Item = (String, String)> + use<> {
    world.sandbox.world().requests().into_iter().map(|request| (request.host, request.path))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tiktoks_other_api_has_an_app_of_its_own() {
    let apps = APPS
        .replace("[platforms.tiktok]\n", "[platforms.tiktok]\napi = \"accounts\"\n")
        .replace("tiktok-client", "tiktok-accounts-client");
    let world = World::with_config(&apps).await;
    world.quiet(Platform::Tiktok, "mara", 4000);
    world.influencer("Mara").await;
    let connected = world.consent("Mara", "tiktok", "mara").await;
    let id = connected.connection.id.to_string();
    world.settle().await;
    let shown = world.connection(&id).await;
    assert_eq!(shown.status, ConnectionStatus::Fresh, "{shown:?}");
    let numbers = shown.latest.expect("numbers").numbers;
    assert_eq!((numbers.followers, numbers.avg_likes.map(|mean| mean.as_f64())), (Some(4000), Some(40.0)));
    assert!(requests(&world).all(|(host, _)| host == "www.tiktok.com" || host == "business-api.tiktok.com"));
    let renewals = || requests(&world).filter(|(_, path)| path.ends_with("/refresh_token/")).count();
    assert_eq!(renewals(), 0);
    for _ in 0..3 {
        world.both_pass(DAY_S).await;
    }
    assert!(renewals() > 0, "it was renewed");
    assert_eq!(world.connection(&id).await.status, ConnectionStatus::Fresh);
    world.client.disconnect(within(LIMIT), id, false).await.expect("a response").expect("disconnected");
    until("the grant is revoked", async || world.grants().await.is_empty().then_some(())).await;
}
