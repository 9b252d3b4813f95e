//! Nothing that is to be delivered is lost: not by channels that are down for a day, and not by kill -9.

use std::collections::BTreeMap;

use nix::sys::signal::Signal;
use roster_protocol::RosterClient;
use roster_protocol::connection::Account;
use roster_protocol::delivery::{Delivery, DeliveryKind, DeliveryState};
use roster_protocol::influencer::NewInfluencer;
use roster_protocol::service::DeliveriesQuery;
use roster_protocol::sync::SyncTarget;
use roster_protocol::time::Timestamp;
use roster_protocol::transport::within;
use roster_sandbox::{AccountEdit, Platform, Sandbox};
use rosterd::process::clock::Clock;

use crate::support::programs::{Home, Rosterd, until};
use crate::support::receiver::{Mode, Received, Receiver};
use crate::support::{LIMIT, World, figure, synced_at_will, times};

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const STEP_S: i64 = 1800;

fn channel(name: &str, kind: &str, to: &Receiver) -> String {
    let secret = if kind == "webhook" { format!("secret = \"{SECRET}\"\n") } else { String::new() };
    format!("[channels.{name}]\nkind = \"{kind}\"\nurl = \"{}\"\nallow_private = true\nwait = \"0s\"\n{secret}", to.url)
}

async fn deliveries(client: &RosterClient) -> Vec<Delivery> {
    let query = DeliveriesQuery { limit: 256, ..DeliveriesQuery::default() };
    let page = client.deliveries(within(LIMIT), query).await.expect("a response").expect("deliveries");
    assert_eq!(page.next, None);
    page.rows.into_iter().filter(|delivery| delivery.channel != "desktop").collect()
}

/// The attempts on each channel on which something is due.
fn attempts_where_due(all: &[Delivery], now: Timestamp) -> BTreeMap<String, u32> {
    // That one is over is not sent before that it opened.
    let is_due = |it: &Delivery| {
        it.state == DeliveryState::Pending && it.next_at <= Some(now) && it.kind != DeliveryKind::Resolved
    };
    let mut attempts = BTreeMap::new();
    for channel in all.iter().filter(|it| is_due(it)).map(|it| &it.channel) {
        let of = all.iter().filter(|it| it.channel == *channel).map(|it| it.attempts).sum();
        attempts.insert(channel.clone(), of);
    }
    attempts
}

/// Moves the clock, and waits until each channel with something due has tried.
async fn pass(world: &World, seconds: i64) {
    let before: BTreeMap<String, u32> = deliveries(&world.client).await.iter().fold(BTreeMap::new(), |mut sums, it| {
        *sums.entry(it.channel.clone()).or_default() += it.attempts;
        sums
    });
    world.clock.advance(seconds);
    let now = world.clock.now();
    until("every channel has tried", async || {
        let due = attempts_where_due(&deliveries(&world.client).await, now);
        due.iter().all(|(channel, attempts)| before.get(channel) < Some(attempts)).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn channels_that_are_down_for_a_day_lose_nothing_and_repeat_nothing() {
    let kinds = ["slack", "discord", "webhook", "push"];
    let receivers = futures::future::join_all(kinds.iter().map(|_| Receiver::new())).await;
    receivers.iter().for_each(|receiver| receiver.up(false));
    let config: String = kinds.iter().zip(&receivers).map(|(kind, to)| channel(kind, kind, to)).collect();
    let mut world = World::with_config(&config).await;
    for number in 0..4 {
        let handle = format!("star{number}.sky.test");
        world.followers(Platform::Bluesky, &handle, 100_000);
        world.add(&format!("Star {number}"), "bluesky", &handle).await;
    }
    for step in 0..48 {
        if step % 12 == 0 {
            let handle = format!("star{}.sky.test", step / 12);
            world.followers(Platform::Bluesky, &handle, 40_000);
            world.sync(&format!("bluesky:{handle}")).await;
        }
        if step == 24 {
            world.restart().await;
        }
        pass(&world, STEP_S).await;
    }
    let waiting = deliveries(&world.client).await;
    assert!(waiting.len() >= 16 && waiting.iter().all(|it| it.state == DeliveryState::Pending), "{waiting:?}");
    receivers.iter().for_each(|receiver| receiver.up(true));
    for _ in 0..48 {
        if deliveries(&world.client).await.iter().all(|it| it.state != DeliveryState::Pending) {
            break;
        }
        pass(&world, STEP_S).await;
    }
    let all = deliveries(&world.client).await;
    assert!(all.iter().all(|it| it.state == DeliveryState::Delivered), "{all:?}");
    for (kind, receiver) in kinds.iter().zip(&receivers) {
        let delivered = all.iter().filter(|it| it.channel == *kind).count();
        assert_eq!(receiver.received().await.len(), delivered, "{kind}: each once");
    }
}

/// A daemon with one webhook, and one delivery of an alert that was taken.
async fn delivered_once(home: &Home, sandbox: &Sandbox, receiver: &Receiver) -> (Rosterd, Delivery) {
    let rosterd = home.start().await;
    let edit = |followers| AccountEdit { followers: Some(followers), likes: Some(5), ..AccountEdit::default() };
    let put =
        |followers| sandbox.world().put(Platform::Bluesky, "mara.sky.test", &edit(followers)).expect("an account");
    put(100_000);
    let account = Account { platform: "bluesky".to_owned(), handle: "mara.sky.test".to_owned() };
    let new = NewInfluencer { name: "Mara".to_owned(), accounts: vec![account], ..NewInfluencer::default() };
    rosterd.client.add(within(LIMIT), new).await.expect("a response").expect("added");
    let sync = async || {
        let target = SyncTarget::One("Mara".to_owned());
        let ticket = rosterd.client.sync(within(LIMIT), target).await.expect("a response").expect("a ticket");
        until("it is synced", async || {
            let progress = rosterd.client.sync_progress(within(LIMIT), ticket, 0).await;
            progress.expect("a response").expect("progress").done.then_some(())
        })
        .await;
    };
    sync().await;
    put(40_000);
    sync().await;
    receiver.wait_for(1).await;
    let delivery = until("it is delivered", async || {
        let found = deliveries(&rosterd.client).await.into_iter().next()?;
        (found.state == DeliveryState::Delivered).then_some(found)
    });
    let delivery = delivery.await;
    (rosterd, delivery)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_in_the_middle_of_a_delivery_loses_nothing() {
    let rounds = times(10, 200);
    let sandbox = roster_sandbox::Options { accounts: 0, ..Default::default() };
    let sandbox = Sandbox::start(sandbox).await.expect("the sandbox listens");
    let receiver = Receiver::new().await;
    let home = Home::new(&format!("{}{}", synced_at_will(&sandbox), channel("ops", "webhook", &receiver)));
    let (mut rosterd, delivery) = delivered_once(&home, &sandbox, &receiver).await;
    let id = receiver.received().await[0].header("webhook-id").to_owned();
    let (mut repeated, mut without_response) = (0, 0);
    for round in 0..rounds {
        let before = receiver.received().await.len();
        // Killed while there is no response, after the connection ended, or just when the response was sent.
        receiver.respond([Mode::Silence, Mode::Cut, Mode::Status(200, "", "ok")][(round % 3) as usize].clone());
        let again = rosterd.client.retry_delivery(within(LIMIT), delivery.id.to_string()).await;
        assert_eq!(again.expect("a response").expect("again").state, DeliveryState::Pending, "round {round}");
        receiver.wait_for(before + 1).await;
        rosterd.end(Signal::SIGKILL).await;
        receiver.respond(Mode::Status(200, "", "ok"));
        rosterd = home.start().await;
        let settled = until("it is delivered", async || {
            let found = deliveries(&rosterd.client).await.into_iter().find(|it| it.id == delivery.id)?;
            (found.state == DeliveryState::Delivered).then_some(found)
        });
        assert_eq!(settled.await.receipt.as_deref(), Some("200 ok"), "round {round}");
        let received: Vec<Received> = receiver.received().await.split_off(before);
        assert!(received.iter().all(|it| it.header("webhook-id") == id), "round {round}: one id for all attempts");
        let (last, earlier) = received.split_last().expect("it was received");
        assert!(last.responded, "round {round}: {received:?}");
        repeated += u64::from(!earlier.is_empty());
        without_response += u64::from(!received[0].responded);
        // What was answered is repeated only where the daemon was killed before it could store that.
        let is_stored = earlier.iter().any(|it| it.responded) && round % 3 != 2;
        assert!(!is_stored, "round {round}: {received:?}");
    }
    figure(format!(
        "{rounds} kills in the middle of a delivery: 0 lost, {repeated} repeated under their id, {without_response} of them \
         without a response"
    ));
}
