//! A platform that removes accounts by the hundred is one notice on each channel, not hundreds.

use roster_protocol::alert::Alert;
use roster_protocol::delivery::{Delivery, DeliveryKind, DeliveryState};
use roster_protocol::notice::popups;
use roster_protocol::service::DeliveriesQuery;
use roster_protocol::sync::SyncTarget;
use roster_protocol::transport::within;
use roster_sandbox::Platform;

use crate::support::mail::MailServer;
use crate::support::programs::until;
use crate::support::receiver::Receiver;
use crate::support::{LIMIT, World, times};

const ANA: &str = "ana@example.com";

fn channel(name: &str, kind: &str, to: &Receiver) -> String {
    let secret = if kind == "webhook" { "secret = \"whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD\"\n" } else { "" };
    format!("[channels.{name}]\nkind = \"{kind}\"\nurl = \"{}\"\nallow_private = true\n{secret}", to.url)
}

/// The keys of a mail channel that waits as it does unless configured.
fn mail(server: &MailServer) -> String {
    server.channel(&[ANA], "").replace("wait = \"0s\"\n", "")
}

fn handle(number: u64) -> String {
    format!("purged{number}.sky.test")
}

impl World {
    /// All of these accounts have so many followers, and are synced in one pass.
    async fn all_have(&self, accounts: std::ops::Range<u64>, followers: u64) {
        accounts.for_each(|number| self.quiet(Platform::Bluesky, &handle(number), followers));
        let runs = self.sync_target(SyncTarget::All).await;
        assert!(runs.iter().all(|run| run.error.is_none()), "{runs:?}");
    }

    async fn group(&self) -> Alert {
        let member = self.alerts().await.into_iter().find_map(|alert| alert.group).expect("a member of a group");
        self.client.alert(within(LIMIT), member.to_string()).await.expect("a response").expect("the group")
    }

    /// Every delivery but the desktop's.
    async fn all_deliveries(&self) -> Vec<Delivery> {
        let (mut all, mut mark) = (Vec::new(), None);
        loop {
            let query = DeliveriesQuery { mark, limit: 256, ..DeliveriesQuery::default() };
            let page = self.client.deliveries(within(LIMIT), query).await.expect("a response").expect("deliveries");
            all.extend(page.rows.into_iter().filter(|delivery| delivery.channel != "desktop"));
            mark = page.next;
            if mark.is_none() {
                return all;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purge_is_one_notice_on_each_channel_and_an_update_when_it_has_grown() {
    let accounts = times(300, 5_000);
    let (ops, team, mut server) = (Receiver::new().await, Receiver::new().await, MailServer::start().await);
    let config = format!("{}{}{}", mail(&server), channel("ops", "webhook", &ops), channel("team", "slack", &team));
    let mut world = World::with_config(&config).await;
    for number in 0..accounts {
        world.quiet(Platform::Bluesky, &handle(number), 10_000);
        world.add(&format!("Purged {number}"), "bluesky", &handle(number)).await;
    }
    world.clock.advance(3600);
    let first = accounts / 3;
    world.all_have(0..first, 8_000).await;
    assert_eq!(world.group().await.members, first);
    let notices = world.client.notices(within(LIMIT)).await.expect("a response").expect("notices");
    let shown = popups(notices);
    assert_eq!(shown.len(), 1, "{shown:?}");
    assert_eq!(shown[0].title, "bluesky");

    // Nothing is sent before the wait is over, which a restart does not begin again.
    world.clock.advance(20);
    world.restart().await;
    let waiting = world.all_deliveries().await;
    let states = |of: DeliveryState| waiting.iter().filter(|it| it.state == of).count();
    assert_eq!((states(DeliveryState::Pending), states(DeliveryState::Superseded)), (3, 15), "{waiting:?}");
    assert!(ops.received().await.is_empty() && team.received().await.is_empty() && server.mails().is_empty());
    world.clock.advance(10);
    let body = ops.wait_for(1).await[0].json();
    assert_eq!((&body["type"], &body["data"]["members"]), (&"alert.group".into(), &first.into()));
    let title = format!("{first} accounts: bluesky");
    assert_eq!(team.wait_for(1).await[0].json()["blocks"][0]["text"]["text"], title.as_str());
    assert!(server.wait_for(1).await[0].content.contains("accounts moved together"));

    // The others fall: an update, a quarter of an hour after the notice.
    world.all_have(first..accounts, 8_000).await;
    until("an update waits on each channel", async || {
        let all = world.all_deliveries().await;
        let is_update = |it: &&Delivery| it.kind == DeliveryKind::Grown && it.state == DeliveryState::Pending;
        (all.iter().filter(is_update).count() == 3).then_some(())
    })
    .await;
    world.clock.advance(15 * 60);
    let grown = ops.wait_for(2).await[1].json();
    assert_eq!((&grown["type"], &grown["data"]["members"]), (&"alert.group".into(), &accounts.into()));
    assert_eq!((&grown["data"]["id"], grown["id"] == body["id"]), (&body["data"]["id"], false));
    let title = format!("Now {accounts} accounts: bluesky");
    assert_eq!(team.wait_for(2).await[1].json()["blocks"][0]["text"]["text"], title.as_str());
    assert!(server.wait_for(2).await[1].header("Subject").is_some_and(|subject| subject.starts_with("Grown: ")));
    until("nothing waits", async || {
        let all = world.all_deliveries().await;
        all.iter().all(|it| it.state != DeliveryState::Pending).then_some(())
    })
    .await;
    world.clock.advance(3600);
    world.settle().await;
    assert_eq!((ops.received().await.len(), team.received().await.len(), server.mails().len()), (2, 2, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_group_took_the_place_of_is_listed_and_sent_all_the_same_on_demand() {
    let ops = Receiver::new().await;
    let world = World::with_config(&channel("ops", "webhook", &ops)).await;
    for number in 0..6 {
        world.quiet(Platform::Bluesky, &handle(number), 10_000);
        world.add(&format!("Purged {number}"), "bluesky", &handle(number)).await;
    }
    world.clock.advance(3600);
    world.all_have(0..6, 8_000).await;
    let group = world.group().await;
    let superseded: Vec<Delivery> =
        world.all_deliveries().await.into_iter().filter(|it| it.state == DeliveryState::Superseded).collect();
    assert_eq!(superseded.len(), 5, "{superseded:?}");
    let why = format!("the notice of the group {} has it", group.id);
    assert!(superseded.iter().all(|it| it.last_error.as_ref() == Some(&why) && it.attempts == 0), "{superseded:?}");
    let id = superseded[0].id.to_string();
    let again = world.client.retry_delivery(within(LIMIT), id).await.expect("a response").expect("again");
    assert_eq!((again.state, again.last_error), (DeliveryState::Pending, None));
    assert_eq!(ops.wait_for(1).await[0].json()["type"], "alert.opened");
}
