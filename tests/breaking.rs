//! Platforms that are down, one host that is, and a network that is gone: one probe at a time, one alert or none, no
//! account at fault, and everything synced soon after.

use std::collections::HashSet;

use roster_protocol::alert::{About, AlertState};
use roster_protocol::connection::{Account, Badge, Connection};
use roster_protocol::service::ConnectionsQuery;
use roster_protocol::status::PlatformState;
use roster_protocol::sync::{Outcome, SyncTarget};
use roster_protocol::time::Timestamp;
use roster_protocol::transport::within;
use roster_sandbox::{Fault, FaultKind, Platform};

use crate::support::programs::until;
use crate::support::{LIMIT, NOON, World};

const MOST: u32 = 100_000;
const HOURLY: &str = "interval = \"1h\"\n";
const MINUTE: i64 = 60;

fn now(world: &World) -> Timestamp {
    rosterd::process::clock::Clock::now(&*world.clock)
}

/// Adds accounts on a platform, each of an influencer of its own, and waits for their first numbers.
async fn with_accounts(world: &World, platform: Platform, handles: &[String]) {
    for handle in handles {
        world.followers(platform, handle, 1000);
        world.try_add(&format!("Owner of {handle}"), platform.slug(), handle).await.expect("added");
    }
    world.settle().await;
}

fn stars(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("star{number}.sky.test")).collect()
}

fn down(world: &World, platform: Platform) {
    world.sandbox.world().fault(Fault { count: MOST, ..Fault::new(platform, FaultKind::ServerError) });
}

async fn connections(world: &World) -> Vec<Connection> {
    let query = ConnectionsQuery { limit: 256, ..ConnectionsQuery::default() };
    let page = world.client.connections(within(LIMIT), query).await.expect("a response").expect("connections");
    page.rows.into_iter().map(|row| row.connection).collect()
}

async fn state_of(world: &World, platform: Platform) -> (PlatformState, Option<String>) {
    let platforms = world.client.platforms(within(LIMIT)).await.expect("a response").expect("platforms");
    let found = platforms.into_iter().find(|it| it.platform == platform.slug()).expect("it is known");
    (found.state, found.reason)
}

/// The time passes minute by minute, as the scheduler sees it.
async fn minutes(world: &World, count: i64) {
    for _ in 0..count {
        world.pass(MINUTE).await;
    }
}

async fn open_alerts(world: &World) -> Vec<(String, About)> {
    world.alerts().await.into_iter().map(|alert| (alert.rule, alert.about)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_platform_that_is_down_for_nine_hours_gets_probes_and_one_alert() {
    const COUNT: usize = 40;
    let mut world = World::with_config(HOURLY).await;
    with_accounts(&world, Platform::Bluesky, &stars(COUNT)).await;
    let before: HashSet<_> = world.runs().await.into_iter().map(|run| run.id).collect();
    down(&world, Platform::Bluesky);
    minutes(&world, 60).await;
    let one = [("platform-down".to_owned(), About::Platform("bluesky".to_owned()))];
    assert_eq!(open_alerts(&world).await, one);
    let alert = world.alerts().await.remove(0);
    assert!(alert.why.starts_with("down: "), "{alert:?}");
    let (since, id) = (alert.opened_at, alert.id);
    assert!(NOON <= since && since <= NOON.plus_seconds(3600), "{since}");

    for hour in 1..9 {
        world.sandbox.world().clear_requests();
        minutes(&world, 60).await;
        let requests = world.requests_to("");
        assert!((1..=5).contains(&requests), "{requests} requests in hour {hour}");
        if hour == 4 {
            world.restart().await;
        }
        let shown = connections(&world).await;
        assert_eq!(shown.len(), COUNT);
        for connection in shown {
            assert_ne!(connection.badge, Badge::Red, "{connection:?}");
            assert_eq!(connection.blocked_by.as_deref(), Some("platform"), "{connection:?}");
            let outage = connection.outage.expect("an outage");
            assert_eq!((outage.what.as_str(), outage.since), ("bluesky", since));
        }
    }
    let alerts = world.alerts().await;
    assert_eq!((alerts.len(), alerts[0].id), (1, id), "the same one, over the restart");
    let (state, reason) = state_of(&world, Platform::Bluesky).await;
    assert_eq!(state, PlatformState::Down);
    assert!(reason.as_deref().is_some_and(|reason| reason.starts_with("since 1")), "{reason:?}");
    let failed = world.runs().await.into_iter().filter(|run| !before.contains(&run.id)).count();
    assert!(failed < 3 * COUNT, "{failed} runs in nine hours: those before it was noticed, and the probes");

    world.sandbox.world().clear_faults();
    let works_since = now(&world);
    minutes(&world, 60).await;
    for connection in connections(&world).await {
        assert!(connection.last_synced_at >= Some(works_since), "{connection:?}");
        assert_eq!((connection.blocked_by, connection.outage, connection.badge), (None, None, Badge::Green));
    }
    assert_eq!(open_alerts(&world).await, []);
    assert_eq!(state_of(&world, Platform::Bluesky).await, (PlatformState::Ok, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_learns_that_a_platform_is_down_and_it_gets_no_request_for_that() {
    let world = World::with_config(HOURLY).await;
    with_accounts(&world, Platform::Bluesky, &stars(5)).await;
    down(&world, Platform::Bluesky);
    minutes(&world, 65).await;
    let since = world.alerts().await.remove(0).opened_at;
    let words = format!("bluesky is down since {} UTC", since.to_jiff().strftime("%H:%M"));
    world.sandbox.world().clear_requests();
    for run in world.sync_target(SyncTarget::All).await {
        assert_eq!((run.outcome, run.error.as_deref()), (Outcome::Skipped, Some(words.as_str())));
        assert!(run.retry_at.is_some_and(|at| at > now(&world) && at <= now(&world).plus_seconds(3600)), "{run:?}");
    }
    // Accounts are looked up in vain, and added on trust.
    world.followers(Platform::Bluesky, "nina.sky.test", 50);
    let account = Account { platform: "bluesky".to_owned(), handle: "nina.sky.test".to_owned() };
    let refused = world.client.look_up(within(LIMIT), account).await.expect("a response").expect_err("it is down");
    assert!(refused.to_string().contains(&words), "{refused}");
    let nina = world.try_add("Nina", "bluesky", "nina.sky.test").await.expect("added").connections.remove(0);
    assert_eq!((nina.latest, nina.blocked_by.as_deref()), (None, Some("platform")), "though never tried");
    assert_eq!(world.requests_to(""), 0);

    // Nothing else of the lane is scheduled: no connection has the outage any more, and the alert ends with it.
    for connection in connections(&world).await {
        let ended = world.client.disconnect(within(LIMIT), connection.id.to_string(), false).await;
        ended.expect("a response").expect("disconnected");
    }
    let over =
        crate::support::programs::until("the alert ends", async || open_alerts(&world).await.is_empty().then_some(()));
    over.await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_makes_its_platform_fail_is_no_outage_of_the_others() {
    let world = World::with_config(HOURLY).await;
    with_accounts(&world, Platform::Bluesky, &stars(5)).await;
    let fault = Fault { count: MOST, ..Fault::new(Platform::Bluesky, FaultKind::ServerError) };
    world.sandbox.world().fault(Fault { handle: Some("star3.sky.test".to_owned()), ..fault });
    minutes(&world, 3 * 60).await;
    assert_eq!(open_alerts(&world).await, []);
    for connection in connections(&world).await.into_iter().filter(|it| it.handle != "star3.sky.test") {
        assert!(connection.last_synced_at > Some(now(&world).plus_seconds(-3700)), "{connection:?}");
        assert_eq!((connection.badge, connection.blocked_by), (Badge::Green, None));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_host_that_is_down_is_no_outage_of_another() {
    let world = World::with_config(HOURLY).await;
    let on = |host: &str| (0..4).map(|number| format!("star{number}@{host}")).collect::<Vec<_>>();
    let (bad, good) = (on("social.example"), on("other.example"));
    with_accounts(&world, Platform::Mastodon, &[bad.clone(), good.clone()].concat()).await;
    for handle in &bad {
        let fault = Fault { count: MOST, ..Fault::new(Platform::Mastodon, FaultKind::ServerError) };
        world.sandbox.world().fault(Fault { handle: Some(handle.clone()), ..fault });
    }
    minutes(&world, 3 * 60).await;
    let one = [("platform-down".to_owned(), About::Platform("mastodon/social.example".to_owned()))];
    assert_eq!(open_alerts(&world).await, one);
    for connection in connections(&world).await {
        assert_eq!(connection.badge, Badge::Green, "{connection:?}");
        let is_good = good.contains(&connection.handle);
        let is_recent = connection.last_synced_at > Some(now(&world).plus_seconds(-3700));
        assert_eq!((connection.blocked_by.is_none(), is_recent), (is_good, is_good), "{connection:?}");
        let what = connection.outage.map(|outage| outage.what);
        assert_eq!(what.as_deref(), (!is_good).then_some("social.example"));
    }
    let (state, reason) = state_of(&world, Platform::Mastodon).await;
    assert_eq!(state, PlatformState::Ok, "one host is not all of it");
    let part = "down for 4 of 8 accounts since ";
    assert!(reason.as_deref().is_some_and(|reason| reason.starts_with(part)), "{reason:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_own_network_is_no_platforms_outage() {
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    let mut world = World::with_config(HOURLY).await;
    with_accounts(&world, Platform::Bluesky, &stars(4)).await;
    with_accounts(&world, Platform::Mastodon, &["mara@social.example".to_owned()]).await;
    let (reached, unreached) = (world.sandbox.url(), format!("http://{closed}"));
    world.reload(|config| config.replace(&reached, &unreached)).await.expect("a config");
    minutes(&world, 5 * 60).await;
    let ours = ("network".to_owned(), About::Daemon);
    until("an alert says so", async || open_alerts(&world).await.pop()).await;
    assert_eq!(open_alerts(&world).await, [ours], "nothing is wrong with any platform");
    let status = world.client.status(within(LIMIT)).await.expect("a response").expect("a status");
    let [trouble] = &status.troubles[..] else { panic!("{:?}", status.troubles) };
    assert!(trouble.why.starts_with("nothing can be reached from this host since "), "{trouble:?}");
    assert!(trouble.why.ends_with("; look at its network, its name servers and its proxy"), "{trouble:?}");
    assert_eq!(status.not_ready, None, "what is stored can be read, and changed");
    for connection in connections(&world).await {
        assert_eq!((connection.badge, connection.blocked_by.as_deref()), (Badge::Green, Some("network")));
        assert!(connection.outage.is_some_and(|outage| outage.since < NOON.plus_seconds(5 * 3600)));
    }
    let run = world.sync_target(SyncTarget::All).await.remove(0);
    let why = run.error.as_deref().unwrap_or_default();
    assert!(run.outcome == Outcome::Skipped && why.starts_with("nothing can be reached from this host since"), "{why}");

    world.reload(|config| config.replace(&unreached, &reached)).await.expect("a config");
    let works_since = now(&world);
    minutes(&world, 60).await;
    for connection in connections(&world).await {
        assert!(connection.last_synced_at >= Some(works_since), "{connection:?}");
        assert_eq!(connection.blocked_by, None);
    }
    let query =
        roster_protocol::service::AlertsQuery { limit: 256, state: Some(AlertState::Resolved), ..Default::default() };
    until("it is over", async || open_alerts(&world).await.is_empty().then_some(())).await;
    let resolved = world.client.alerts(within(LIMIT), query).await.expect("a response").expect("alerts").rows;
    let resolved: Vec<&str> = resolved.iter().map(|alert| alert.rule.as_str()).collect();
    assert_eq!(resolved, ["network"], "no other was opened on the way");
    let status = world.client.status(within(LIMIT)).await.expect("a response").expect("a status");
    assert_eq!(status.troubles, []);
}
