//! Alerts leave by channels: at least once, by their own retries, signed, and nothing waits for a channel that is dead.

use std::collections::BTreeMap;

use http::HeaderMap;
use roster_protocol::alert::AlertState;
use roster_protocol::delivery::{Delivery, DeliveryKind, DeliveryState};
use roster_protocol::service::DeliveriesQuery;
use roster_protocol::transport::within;
use roster_sandbox::Platform;
use serde_json::Value;
use standardwebhooks::Webhook;

use crate::support::programs::until;
use crate::support::receiver::{Mode, Received, Receiver, seconds};
use crate::support::{LIMIT, NOON, World};

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const MARA: &str = "mara.sky.test";

pub fn webhook(name: &str, to: &Receiver) -> String {
    format!(
        "[channels.{name}]\nkind = \"webhook\"\nurl = \"{}\"\nsecret = \"{SECRET}\"\nallow_private = true\n\
         wait = \"0s\"\n",
        to.url
    )
}

fn slack(name: &str, to: &Receiver) -> String {
    format!("[channels.{name}]\nkind = \"slack\"\nurl = \"{}\"\nallow_private = true\nwait = \"0s\"\n", to.url)
}

impl World {
    /// A world in which Mara has an account.
    async fn with_mara(config: &str) -> Self {
        let world = Self::with_config(config).await;
        world.followers(Platform::Bluesky, MARA, 100_000);
        world.add("Mara", "bluesky", MARA).await;
        world
    }

    /// Mara's followers fall by half.
    async fn fall(&self) {
        self.fall_to(50_000).await;
    }

    /// Mara's followers fall to so many. One that is four times as large as the one before opens an alert and ends that
    /// one's.
    async fn fall_to(&self, followers: u64) {
        self.followers(Platform::Bluesky, MARA, followers);
        self.sync("Mara").await;
    }

    async fn deliveries(&self, state: Option<DeliveryState>) -> Vec<Delivery> {
        let query = DeliveriesQuery { state, limit: 256, ..DeliveriesQuery::default() };
        let page = self.client.deliveries(within(LIMIT), query).await.expect("a response").expect("deliveries");
        page.rows.into_iter().filter(|delivery| delivery.channel != "desktop").collect()
    }

    /// Waits until the delivery of the first alert that opened has been tried so often.
    async fn tried(&self, attempts: u32) -> Delivery {
        until(&format!("{attempts} attempts"), async || {
            let opened = |it: &Delivery| it.kind == DeliveryKind::Opened;
            let found = self.deliveries(None).await.into_iter().rev().find(opened)?;
            (found.attempts >= attempts).then_some(found)
        })
        .await
    }
}

/// Compares a request's signature with what the reference library signs, and returns its body.
fn verify(request: &Received) -> Value {
    let at = request.header("webhook-timestamp").parse().expect("seconds");
    let signer = Webhook::new(SECRET).expect("a secret");
    let signed = signer.sign(request.header("webhook-id"), at, &request.body).expect("a signature");
    assert_eq!(request.header("webhook-signature"), signed);
    request.json()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_reference_library_verifies_what_is_sent_now() {
    let receiver = Receiver::new().await;
    // It compares with the time of this machine.
    let world = World::at(jiff::Timestamp::now().into(), &webhook("ops", &receiver)).await;
    let test = world.client.test_channel(within(LIMIT), "ops".to_owned()).await.expect("a response").expect("a test");
    assert!(test.delivered, "{test:?}");
    let request = receiver.wait_for(1).await.remove(0);
    let mut headers = HeaderMap::new();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        headers.insert(name, request.header(name).parse().expect("a header"));
    }
    let verifier = Webhook::new(SECRET).expect("a secret");
    verifier.verify(&request.body, &headers).expect("the signature fits");
    verifier.verify(b"{}", &headers).expect_err("another body");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_leaves_signed_with_what_scripts_see_and_so_does_its_end() {
    let receiver = Receiver::new().await;
    let world = World::with_mara(&webhook("ops", &receiver)).await;
    world.fall().await;
    let opened = receiver.wait_for(1).await.remove(0);
    let body = verify(&opened);
    assert_eq!(seconds(opened.header("webhook-timestamp")), NOON);
    assert_eq!((&body["type"], &body["id"]), (&"alert.opened".into(), &opened.header("webhook-id").into()));
    assert!(!opened.header("webhook-id").contains('.'));
    let alert = world.alerts().await.remove(0);
    let mut listed = serde_json::to_value(roster_protocol::json::Alert::from(&alert)).expect("JSON");
    // A receiver is no user.
    ["unread", "mine"].into_iter().for_each(|of_user| listed[of_user] = Value::Null);
    assert_eq!(body["data"], listed);
    let delivered = world.tried(1).await;
    assert_eq!((delivered.state, delivered.receipt.as_deref()), (DeliveryState::Delivered, Some("200 ok")));

    world.client.disconnect(within(LIMIT), format!("bluesky:{MARA}"), false).await.expect("a response").expect("ended");
    let over = verify(&receiver.wait_for(2).await[1]);
    assert_eq!((&over["type"], &over["data"]["id"]), (&"alert.resolved".into(), &alert.id.to_string().into()));
    assert_eq!(over["data"]["state"], AlertState::Resolved.as_str());
    assert_ne!(over["id"], body["id"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_for_now_is_sent_again_under_its_id_ever_later() {
    let receiver = Receiver::new().await;
    receiver.respond(Mode::Status(503, "", "later"));
    let mut world = World::with_mara(&webhook("ops", &receiver)).await;
    world.fall().await;
    // The schedule, and up to a fifth more.
    for (attempts, wait) in (1..).zip([5, 30, 300, 1800]) {
        let tried = world.tried(attempts).await;
        let earliest = NOON.plus_seconds(0).max(tried.next_at.expect("it is pending").plus_seconds(-wait * 6 / 5 - 1));
        let now = rosterd::process::clock::Clock::now(&*world.clock);
        assert_eq!(tried.state, DeliveryState::Pending);
        assert!(tried.next_at >= Some(now.plus_seconds(wait)) && earliest <= now, "{attempts}: {tried:?}");
        assert_eq!(receiver.received().await.len(), attempts as usize);
        if attempts == 2 {
            world.restart().await;
        }
        world.clock.set(tried.next_at.expect("it is pending"));
    }
    world.tried(5).await;
    receiver.respond(Mode::Status(429, "retry-after: 7200\r\n", ""));
    let tried = world.tried(5).await;
    world.clock.set(tried.next_at.expect("it is pending"));
    let tried = world.tried(6).await;
    let now = rosterd::process::clock::Clock::now(&*world.clock);
    assert_eq!(tried.next_at, Some(now.plus_seconds(7200)), "the receiver's own wait");
    receiver.respond(Mode::Status(200, "", "ok"));
    world.clock.advance(7200);
    assert_eq!(world.tried(7).await.state, DeliveryState::Delivered);
    // Other alerts may have opened meanwhile.
    let mut received = receiver.received().await;
    let id = received[0].header("webhook-id").to_owned();
    received.retain(|request| request.header("webhook-id") == id);
    assert_eq!(received.len(), 7);
    let times: Vec<&str> = received.iter().map(|request| request.header("webhook-timestamp")).collect();
    assert!(times.is_sorted_by(|one, next| one < next), "each attempt has its own time: {times:?}");
    received.iter().for_each(|request| drop(verify(request)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_channel_delays_no_other_and_no_sync() {
    let (dead, fine) = (Receiver::new().await, Receiver::new().await);
    dead.respond(Mode::Silence);
    let world = World::with_mara(&format!("{}{}", webhook("dead", &dead), webhook("fine", &fine))).await;
    world.fall_to(90_000).await;
    dead.wait_for(1).await;
    world.fall_to(50_000).await;
    // Two that opened, and that the first is over.
    fine.wait_for(3).await;
    assert!(world.runs().await.len() >= 3, "syncs went on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_given_up_is_listed_and_sent_again_on_demand() {
    let receiver = Receiver::new().await;
    receiver.respond(Mode::Status(400, "", "invalid_blocks"));
    let world = World::with_mara(&slack("team", &receiver)).await;
    world.fall().await;
    let dead = world.tried(1).await;
    assert_eq!((dead.state, dead.last_error.as_deref()), (DeliveryState::Dead, Some("Slack says invalid_blocks")));
    assert_eq!(world.deliveries(Some(DeliveryState::Dead)).await, std::slice::from_ref(&dead));
    receiver.respond(Mode::Status(200, "", "ok"));
    world.clock.advance(1);
    let again = world.client.retry_delivery(within(LIMIT), dead.id.to_string()).await.expect("a response");
    let again = again.expect("again");
    assert_eq!((again.id, again.kind, again.attempts), (dead.id, DeliveryKind::Opened, 0));
    until("it is delivered", async || {
        (world.deliveries(Some(DeliveryState::Delivered)).await.len() == 1).then_some(())
    })
    .await;
    let received = receiver.received().await;
    let text = received[1].json()["text"].as_str().expect("a text").to_owned();
    assert!(text.starts_with("Mara · bluesky: followers fell 50"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_is_gone_is_off_until_a_test_succeeds() {
    let receiver = Receiver::new().await;
    receiver.respond(Mode::Status(410, "", ""));
    let world = World::with_mara(&webhook("ops", &receiver)).await;
    world.fall().await;
    world.tried(1).await;
    let channels = async || world.client.channels(within(LIMIT)).await.expect("a response").expect("channels");
    let off = channels().await.into_iter().find(|channel| channel.name == "ops").expect("the channel");
    assert_eq!(off.disabled.as_deref(), Some("the receiver responded with status 410"));
    receiver.respond(Mode::Status(204, "", ""));
    let test = world.client.test_channel(within(LIMIT), "ops".to_owned()).await.expect("a response").expect("a test");
    assert_eq!((test.delivered, test.said.as_str()), (true, "204"));
    assert_eq!(verify(&receiver.wait_for(2).await[1])["type"], "channel.test");
    assert!(channels().await.iter().all(|channel| channel.disabled.is_none()));
    let unknown = world.client.test_channel(within(LIMIT), "opps".to_owned()).await.expect("a response");
    assert_eq!(unknown.expect_err("no such channel").hint.as_deref(), Some("there is desktop, ops"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn routes_choose_quiet_hours_hold_back_and_what_is_not_seen_escalates() {
    let (team, phone, other) = (Receiver::new().await, Receiver::new().await, Receiver::new().await);
    // At noon UTC it is 14:00 in Athens.
    let routes = "[[routes]]\nto = [\"team\"]\nplatforms = [\"bluesky\"]\nquiet = \"13:00-16:00 Europe/Athens\"\n\
                  escalate = { after = \"30m\", to = [\"phone\"] }\n[[routes]]\nto = [\"other\"]\nrules = [\"none-such\"]\n";
    let channels = slack("team", &team) + &slack("other", &other);
    let push = format!("[channels.phone]\nkind = \"push\"\nurl = \"{}\"\nallow_private = true\n", phone.url);
    let world = World::with_mara(&format!("{channels}{push}{routes}")).await;
    world.fall_to(90_000).await;
    world.clock.advance(60);
    world.fall_to(50_000).await;
    let held: Vec<Delivery> = world.deliveries(Some(DeliveryState::Pending)).await;
    let until_two = held.iter().filter(|it| it.channel == "team").map(|it| it.next_at);
    assert!(
        until_two.clone().count() >= 2 && until_two.into_iter().all(|at| at == Some(NOON.plus_seconds(7200))),
        "{held:?}"
    );
    world.clock.set(NOON.plus_seconds(7200));
    let summary = team.wait_for(1).await.remove(0).json();
    assert_eq!(summary["blocks"][0]["text"]["text"], "2 alerts of Roster");
    // What is over does not escalate; what is open does, half an hour after it could be seen.
    world.clock.advance(1801);
    let pushed = phone.wait_for(1).await;
    assert_eq!(pushed[0].header("priority"), "4");
    until("nothing waits", async || world.deliveries(Some(DeliveryState::Pending)).await.is_empty().then_some(()))
        .await;
    assert_eq!((team.received().await.len(), phone.received().await.len(), other.received().await.len()), (1, 1, 0));
    let states: BTreeMap<&str, usize> = world.deliveries(None).await.iter().fold(BTreeMap::new(), |mut states, it| {
        *states.entry(it.state.as_str()).or_default() += 1;
        states
    });
    assert_eq!(states.get("dead"), None, "{states:?}");
}
