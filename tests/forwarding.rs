//! Integration events at an endpoint of a customer's own: only what its route lets through, and any of it again.

use roster_protocol::delivery::{Delivery, DeliveryState};
use roster_protocol::service::DeliveriesQuery;
use roster_protocol::transport::within;
use roster_sandbox::{AccountEdit, Fault, FaultKind, Platform};

use crate::support::programs::until;
use crate::support::receiver::{Received, Receiver};
use crate::support::{LIMIT, World};

const MARA: &str = "mara.sky.test";
/// The only endpoint here that is sent everything but what is of the other's.
const FILTERS: &str = "[[routes]]\nto = [\"events\"]\nrules = [\"needs-person\", \"platform-down\"]\n\
                       [[routes]]\nto = [\"moves\"]\nrules = [\"big-drop\"]\n";

fn webhook(name: &str, to: &Receiver) -> String {
    format!(
        "[channels.{name}]\nkind = \"webhook\"\nurl = \"{}\"\nsecret = \"whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD\"\n\
         allow_private = true\nwait = \"0s\"\n",
        to.url
    )
}

/// What each request is and about which rule.
fn events(received: &[Received]) -> Vec<(String, String)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    received.iter().map(|it| (text(&it.json()["type"]), text(&it.json()["data"]["rule"]))).collect()
}

fn event(kind: &str, rule: &str) -> (String, String) {
    (kind.to_owned(), rule.to_owned())
}

impl World {
    async fn delivered_on(&self, channel: &str) -> Vec<Delivery> {
        let query = DeliveriesQuery { limit: 256, ..DeliveriesQuery::default() };
        let page = self.client.deliveries(within(LIMIT), query).await.expect("a response").expect("deliveries");
        let is_there = |it: &Delivery| it.channel == channel && it.state == DeliveryState::Delivered;
        page.rows.into_iter().filter(is_there).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_gets_the_events_of_its_route_and_any_of_them_again() {
    let (lost, moves) = (Receiver::new().await, Receiver::new().await);
    let config = format!("interval = \"1h\"\n{}{}{FILTERS}", webhook("events", &lost), webhook("moves", &moves));
    let mut world = World::with_config(&config).await;
    world.followers(Platform::Bluesky, MARA, 100_000);
    world.add("Mara", "bluesky", MARA).await;
    world.followers(Platform::Bluesky, MARA, 50_000);
    world.sync("Mara").await;
    assert_eq!(events(&moves.wait_for(1).await), [event("alert.opened", "big-drop")]);

    // The account is gone, and is back.
    let gone = |gone| AccountEdit { gone: Some(gone), ..AccountEdit::default() };
    world.account(Platform::Bluesky, MARA, gone(true));
    world.sync("Mara").await;
    world.sync("Mara").await;
    assert_eq!(events(&lost.wait_for(1).await), [event("alert.opened", "needs-person")]);
    world.account(Platform::Bluesky, MARA, gone(false));
    world.sync("Mara").await;
    lost.wait_for(2).await;

    // The platform is down.
    world.sandbox.world().fault(Fault { count: 100_000, ..Fault::new(Platform::Bluesky, FaultKind::ServerError) });
    for _ in 0..90 {
        world.pass(60).await;
    }
    let expected = [
        event("alert.opened", "needs-person"),
        event("alert.resolved", "needs-person"),
        event("alert.opened", "platform-down"),
    ];
    let received = lost.wait_for(3).await;
    assert_eq!(events(&received), expected);
    assert_eq!(events(&moves.received().await), [event("alert.opened", "big-drop")]);

    // Each is sent again under its id, by whatever program runs then.
    let delivered = until("all are delivered", async || {
        let delivered = world.delivered_on("events").await;
        (delivered.len() == 3).then_some(delivered)
    })
    .await;
    world.restart().await;
    world.clock.advance(1);
    let first = &received[0];
    let opened =
        delivered.iter().find(|it| first.header("webhook-id").ends_with(&it.id.to_string())).expect("the first");
    let again = world.client.retry_delivery(within(LIMIT), opened.id.to_string()).await.expect("a response");
    assert_eq!(again.expect("again").state, DeliveryState::Pending);
    let repeated = lost.wait_for(4).await.remove(3);
    assert_eq!(repeated.header("webhook-id"), first.header("webhook-id"));
    assert!(repeated.header("webhook-timestamp") > first.header("webhook-timestamp"));
    let (body, before) = (repeated.json(), first.json());
    assert_eq!((&body["type"], &body["data"]["id"]), (&before["type"], &before["data"]["id"]));
    assert_eq!(body["data"]["state"], "resolved", "as it is by now");
}
