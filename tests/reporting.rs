//! What platforms report to owners: figures of days that are over, and who the audience is.

use roster_protocol::reported::{DayMetric, Reported};
use roster_protocol::service::History;
use roster_protocol::time::Date;
use roster_protocol::transport::within;
use roster_sandbox::Platform;

use crate::support::programs::{CommandOutput, ROSTER, alone, until};
use crate::support::{LIMIT, World, mara_on};

const HOUR_S: i64 = 3600;
/// 2026-11-21, as it is everywhere at noon in Greenwich.
const TODAY: Date = Date(20_778);

fn named(platform: Platform) -> String {
    format!("{}:{}", platform.slug(), mara_on(platform))
}

async fn history(world: &World, platform: Platform) -> History {
    let app = &world.daemon().app;
    // A connection that ended is found by its id.
    let id = app.look(|roster| roster.connections.values().find(|it| it.platform == platform.slug()).map(|it| it.id));
    let named = id.expect("a connection").to_string();
    world.client.history(within(LIMIT), named, None, None).await.expect("a response").expect("a history")
}

async fn consented(platforms: &[Platform]) -> World {
    let world = World::with_apps().await;
    for platform in platforms {
        world.quiet(*platform, mara_on(*platform), 12_000);
        world.influencer(platform.slug()).await;
        world.consent(platform.slug(), platform.slug(), mara_on(*platform)).await;
    }
    world.settle().await;
    world
}

async fn reported(world: &World, platforms: &[Platform]) -> Vec<Reported> {
    let each = platforms.iter().map(|platform| async { history(world, *platform).await.reported });
    futures::future::join_all(each).await
}

fn dates(reported: &Reported) -> Vec<Date> {
    reported.days.iter().map(|day| day.date).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn days_are_read_once_a_day_and_each_is_kept_once() {
    let platforms = [Platform::Youtube, Platform::Facebook, Platform::Instagram];
    let mut world = consented(&platforms).await;
    for platform in platforms {
        let first = history(&world, platform).await.reported;
        let terms = first.terms.as_ref().expect("what the figures mean");
        let days = dates(&first);
        assert!(days.len() >= 2 && days.is_sorted_by(|a, b| a < b), "{platform}: {days:?}");
        assert!(days.last().is_some_and(|last| (1..=4).contains(&(TODAY.0 - last.0))), "{platform}: days come late");
        let reports: Vec<DayMetric> = terms.figures.iter().map(|figure| figure.metric).collect();
        for day in &first.days {
            let known: Vec<DayMetric> =
                DayMetric::ALL.into_iter().filter(|it| day.numbers.get(*it).is_some()).collect();
            assert!(!known.is_empty() && known.iter().all(|metric| reports.contains(metric)), "{platform}: {known:?}");
        }
        let (date, audience) = first.audience.as_ref().expect("an audience");
        assert_eq!(*date, TODAY);
        let sum: i64 = audience.countries.iter().map(|(_, share)| share.0).sum();
        assert!(!audience.countries.is_empty() && sum <= 1_010_000, "{platform}: {:?}", audience.countries);
    }
    let first = reported(&world, &platforms).await;
    // The next sync of the day reads no days; that of the next day the newest, and those that may be corrected.
    let requests = async |hours: i64| {
        world.sandbox.world().clear_requests();
        world.both_pass(hours * HOUR_S).await;
        world.requests_to("")
    };
    let within_a_day = requests(6).await;
    assert_eq!(reported(&world, &platforms).await, first);
    assert!(requests(18).await >= within_a_day + 6, "days and countries of three platforms");
    let later = reported(&world, &platforms).await;
    for ((platform, first), later) in platforms.into_iter().zip(&first).zip(&later) {
        let (days, more) = (dates(first), dates(later));
        let not_lost = days.iter().all(|day| more.contains(day));
        assert!(not_lost && more.len() == days.len() + 1, "{platform}: one is new: {more:?}");
    }
    world.restart().await;
    assert_eq!(reported(&world, &platforms).await, later);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_show_what_owners_see() {
    let world = consented(&[Platform::Youtube]).await;
    let home = tempfile::tempdir().expect("a throw-away directory");
    let roster = async |arguments: &[&str]| {
        let mut command = alone(ROSTER, home.path());
        command.args(arguments).arg("--socket").arg(&world.daemon().socket);
        CommandOutput::of(command).await
    };
    let named = named(Platform::Youtube);
    let shown = roster(&["history", &named, "--days"]).await;
    assert!(shown.code == Some(0) && shown.out.starts_with("DATE        GAINED  LOST"), "{shown:?}");
    assert!(shown.out.contains("views from 2026-08-24: "), "{shown:?}");
    let json = roster(&["history", &named, "--days", "--json"]).await.json();
    let days = json["days"].as_array().expect("days");
    assert_eq!(shown.out.lines().filter(|line| line.starts_with("202")).count(), days.len());
    assert!(days.iter().all(|day| day["gained"].is_u64() && day["reach"].is_null()), "{days:?}");
    assert_eq!(json["day_terms"]["zone"], "America/Los_Angeles");
    let audience = roster(&["audience", &named, "--json"]).await.json();
    assert_eq!((&audience["audience"]["of"], &audience["audience"]["date"]), (&"viewers".into(), &"2026-11-21".into()));
    let text = roster(&["audience", &named]).await;
    assert!(text.code == Some(0) && text.out.starts_with("VIEWERS  ") && text.out.contains("25-34"), "{text:?}");
    // Where an account is public nothing is reported, and that is no failure.
    world.followers(Platform::Bluesky, mara_on(Platform::Bluesky), 500);
    world.add("Mara", "bluesky", mara_on(Platform::Bluesky)).await;
    let none = roster(&["audience", &format!("bluesky:{}", mara_on(Platform::Bluesky))]).await;
    assert!(none.code == Some(0) && none.out.is_empty() && none.err.contains("no audience was reported"), "{none:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_reported_goes_with_the_consent() {
    let world = consented(&[Platform::Youtube]).await;
    let days = history(&world, Platform::Youtube).await.reported.days.len() as u64;
    let ended = world.client.disconnect(within(LIMIT), named(Platform::Youtube), false).await;
    ended.expect("a response").expect("disconnected");
    assert_eq!(history(&world, Platform::Youtube).await.reported.days.len() as u64, days, "within seven days");
    world.both_pass(8 * 24 * HOUR_S).await;
    until("it is deleted", async || {
        let Reported { days, audience, .. } = history(&world, Platform::Youtube).await.reported;
        (days.is_empty() && audience.is_none()).then_some(())
    })
    .await;
    let logged = until("it is logged", async || {
        let query = roster_protocol::service::AuditQuery { limit: 256, ..Default::default() };
        let rows = world.client.audit(within(LIMIT), query).await.expect("a response").expect("the log").rows;
        rows.into_iter().find(|row| row.action == "retention.delete").and_then(|row| row.old)
    });
    let logged = logged.await;
    assert!(logged.starts_with(&format!("1 days and {days} reported days of 1 account")), "{logged}");
}
