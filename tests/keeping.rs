//! Days become weeks, and what the terms of platforms limit is deleted; of an older store only when someone chose it.

use roster_protocol::connection::{Account, Source, Week};
use roster_protocol::influencer::InfluencerQuery;
use roster_protocol::retention::{Counted, Retention};
use roster_protocol::service::{AuditQuery, History};
use roster_protocol::time::{Date, Seconds};
use roster_protocol::transport::within;
use roster_sandbox::Platform;
use rosterd::store::RunDays;

use crate::support::programs::{CommandOutput, ROSTER, ROSTERD, alone, until};
use crate::support::{LIMIT, World, mara_on};

const DAY_S: i64 = 24 * 3600;
const HOUR_S: i64 = 3600;

async fn history(world: &World, platform: Platform) -> History {
    let app = &world.daemon().app;
    // Its name is free for another one once it is disconnected.
    let id = app.look(|roster| roster.connections.values().find(|it| it.platform == platform.slug()).map(|it| it.id));
    let named = id.expect("a connection").to_string();
    world.client.history(within(LIMIT), named, None, None).await.expect("a response").expect("a history")
}

async fn retention(world: &World, counts: bool) -> Retention {
    world.client.retention(within(LIMIT), counts).await.expect("a response").expect("what is kept")
}

/// What the audit log says of a platform's days.
async fn logged(world: &World, action: &str, platform: &str) -> Vec<(String, String)> {
    let query = AuditQuery { limit: 256, ..AuditQuery::default() };
    let rows = world.client.audit(within(LIMIT), query).await.expect("a response").expect("the log").rows;
    let of = rows.into_iter().filter(|row| row.action == action && row.on == platform);
    of.map(|row| (row.old.unwrap_or_default(), row.cause)).collect()
}

/// Two accounts, one public and one of a platform that limits what is kept, synced once a day.
async fn two_accounts(config: &str) -> World {
    let world = World::with_config(config).await;
    for platform in [Platform::Bluesky, Platform::Youtube] {
        world.followers(platform, mara_on(platform), 10_000);
        let added = world.add(platform.slug(), platform.slug(), mara_on(platform)).await;
        let id = added.connections[0].id.to_string();
        let daily = Some(Seconds(DAY_S as u64));
        world.client.set_interval(within(LIMIT), id, daily, None).await.expect("a response").expect("an interval");
    }
    world
}

fn today(world: &World) -> Date {
    Date((rosterd::process::clock::Clock::now(&*world.clock).0 / 86_400_000) as i32)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_two_years_days_are_weeks_and_a_key_keeps_thirty_days() {
    let mut world = two_accounts("").await;
    let begun = today(&world);
    // Four days at a time: what passes is caught up with once.
    for step in 1..=200u64 {
        for platform in [Platform::Bluesky, Platform::Youtube] {
            world.followers(platform, mara_on(platform), 10_000 + 10 * step);
        }
        world.pass(4 * DAY_S).await;
    }
    // The upkeep of a night that passed in one step may come in the next, and takes its time.
    let nothing_is_left = async || {
        world.pass(HOUR_S).await;
        let counted = retention(&world, true).await;
        counted.platforms.iter().all(|platform| platform.counted == Some(Counted::default())).then_some(())
    };
    until("days became weeks, and old ones are deleted", nothing_is_left).await;
    let measured = history(&world, Platform::Bluesky).await;
    let first = measured.snapshots[0].date;
    assert!((begun.plus_days(40)..begun.plus_days(48)).contains(&first), "a part of a month stays days: {first}");
    let weeks: Vec<&Week> = measured.weeks.iter().collect();
    assert!(weeks.iter().all(|week| week.source == Source::Api && week.date < first && (1..=2).contains(&week.days)));
    assert!(weeks.windows(2).all(|two| two[0].date < two[1].date), "oldest first");
    let followers =
        |week: &Week| [&week.first, &week.last, &week.least, &week.most].map(|it| it.followers.unwrap_or(0));
    assert!(
        weeks.iter().all(|week| followers(week)[0] == followers(week)[2] && followers(week)[1] == followers(week)[3])
    );
    assert_eq!((weeks[0].date, followers(weeks[0])[0]), (begun.plus_days(-5), 10_000), "the first day was a Saturday");
    assert_eq!(measured.limit, None);

    // What was read with a key is kept thirty days, and nothing of it becomes a week.
    let limited = history(&world, Platform::Youtube).await;
    assert!(limited.weeks.is_empty() && limited.snapshots.len() >= 7, "{} days", limited.snapshots.len());
    let limit = limited.limit.expect("it ends there");
    assert_eq!(limit.from, today(&world).plus_days(-29));
    assert!(limit.why.starts_with("numbers read without a consent are kept 30 days: its terms ("), "{}", limit.why);
    let deleted = logged(&world, "retention.delete", "youtube").await;
    assert!(!deleted.is_empty() && deleted[0].1.starts_with("terms: "), "{:?}", deleted.first());
    assert!(logged(&world, "retention.delete", "bluesky").await.is_empty());
    assert!(!logged(&world, "retention.weeks", "bluesky").await.is_empty());

    // Runs of long past days are sums of their days.
    let app = world.daemon().app.clone();
    let sums = app.store.read(RunDays(begun..=today(&world))).await.expect("sums");
    assert!(sums.len() > 200 && sums.iter().all(|sum| sum.ended.expected >= sum.ended.ok), "{}", sums.len());
    let expected: u64 = sums.iter().map(|sum| sum.ended.expected).sum();
    assert!(expected > 500, "{expected}");

    // All of it is there after a restart, and nothing is left to do.
    drop(app);
    world.restart().await;
    let again = history(&world, Platform::Bluesky).await;
    assert_eq!((again.weeks, again.snapshots[0].date), (measured.weeks, first));
    let counted = retention(&world, true).await;
    assert!(counted.platforms.iter().all(|platform| platform.counted == Some(Counted::default())), "{counted:?}");
    let scrubbed = world.daemon().app.store.scrub().await.expect("a scrub");
    assert_eq!(scrubbed.damaged, 0);
}

/// Makes a store one that is older than what is deleted from it: it has not chosen.
fn unchosen(file: &std::path::Path) {
    let database = redb::Database::open(file).expect("a store");
    let write = database.begin_write().expect("a transaction");
    {
        let definition: redb::TableDefinition<'_, &[u8], &[u8]> = redb::TableDefinition::new("meta");
        let mut meta = write.open_table(definition).expect("a table");
        assert!(meta.remove(b"retention".as_slice()).expect("removed").is_some(), "a new store has chosen");
    }
    write.commit().expect("a commit");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_store_deletes_nothing_before_someone_chose() {
    let mut world = two_accounts("").await;
    world.stop().await;
    unchosen(&world.store_file());
    world.resume().await;
    for _ in 0..45 {
        world.pass(DAY_S).await;
    }
    let days = history(&world, Platform::Youtube).await;
    assert!(days.snapshots.len() > 40 && days.limit.is_none(), "{} days", days.snapshots.len());
    let status = world.client.status(within(LIMIT)).await.expect("a response").expect("a status");
    assert!(!status.retention_chosen);
    let home = tempfile::tempdir().expect("a throw-away directory");
    let roster = async |arguments: &[&str]| {
        let mut command = alone(ROSTER, home.path());
        command.args(arguments).arg("--socket").arg(&world.daemon().socket);
        CommandOutput::of(command).await
    };
    let said = roster(&["status"]).await;
    assert!(said.out.contains("a choice waits: `roster retention --dry-run`"), "{said:?}");

    // What would be deleted is counted exactly, and nothing is.
    let counted = roster(&["retention", "--dry-run", "--json"]).await.json();
    assert_eq!(counted["chosen_at"], serde_json::Value::Null);
    let of = |name: &str| {
        counted["platforms"]
            .as_array()
            .expect("platforms")
            .iter()
            .find(|it| it["platform"] == name)
            .cloned()
            .expect(name)
    };
    let from = today(&world).plus_days(-29);
    let old = days.snapshots.iter().filter(|day| day.date < from).count();
    assert_eq!(
        (of("youtube")["counted"]["days_deleted"].as_u64(), of("youtube")["public_days"].as_u64()),
        (Some(old as u64), Some(30))
    );
    assert_eq!(of("bluesky")["counted"]["days_deleted"], 0);
    assert_eq!(history(&world, Platform::Youtube).await.snapshots.len(), days.snapshots.len());
    let refused = roster(&["retention", "--apply"]).await;
    assert_eq!(refused.code, Some(2), "no terminal can ask: {refused:?}");

    let chosen = roster(&["retention", "--apply", "--yes"]).await;
    assert_eq!(chosen.code, Some(0), "{chosen:?}");
    until("what was chosen is deleted", async || {
        let left = history(&world, Platform::Youtube).await.snapshots;
        (left.len() == days.snapshots.len() - old && left[0].date >= from).then_some(())
    })
    .await;
    assert_eq!(logged(&world, "retention.choose", "rosterd").await.len(), 1);
    world.restart().await;
    assert!(retention(&world, false).await.chosen_at.is_some(), "it is stored");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_consent_gave_goes_after_its_end_and_what_a_person_gave_stays() {
    let world = World::with_apps().await;
    for platform in [Platform::Youtube, Platform::Tiktok] {
        world.quiet(platform, mara_on(platform), 12_000);
        world.influencer(platform.slug()).await;
        world.consent(platform.slug(), platform.slug(), mara_on(platform)).await;
    }
    world.settle().await;
    let home = tempfile::tempdir().expect("a throw-away directory");
    let roster = async |arguments: &[&str]| {
        let mut command = alone(ROSTER, home.path());
        command.args(arguments).arg("--socket").arg(&world.daemon().socket);
        CommandOutput::of(command).await
    };
    let named = |platform: Platform| format!("{}:{}", platform.slug(), mara_on(platform));
    let recorded = roster(&["record", &named(Platform::Tiktok), "--date", "2026-11-01", "--followers", "11k"]).await;
    assert_eq!(recorded.code, Some(0), "{recorded:?}");
    for (platform, within) in
        [(Platform::Youtube, "is deleted within 7 days"), (Platform::Tiktok, "is deleted at once")]
    {
        assert_eq!(
            history(&world, platform).await.snapshots.last().and_then(|day| day.read_with).map(|with| with.as_str()),
            Some("consent")
        );
        let ended = roster(&["disconnect", &named(platform)]).await;
        assert!(ended.code == Some(0) && ended.err.contains(within), "{ended:?}");
    }
    let left = until("TikTok's numbers are deleted", async || {
        let days = history(&world, Platform::Tiktok).await.snapshots;
        (days.len() == 1).then_some(days)
    });
    assert_eq!(left.await[0].source, Source::Manual, "what a person gave stays");
    assert_eq!(history(&world, Platform::Youtube).await.snapshots.len(), 1, "within seven days");
    world.both_pass(8 * DAY_S).await;
    until("YouTube's numbers are deleted", async || {
        history(&world, Platform::Youtube).await.snapshots.is_empty().then_some(())
    })
    .await;
    let deleted = until("it is logged", async || logged(&world, "retention.delete", "youtube").await.pop()).await;
    assert!(deleted.0.starts_with("1 days and ") && deleted.0.contains(" reported days of 1 account, "), "{deleted:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_compacted_store_is_smaller_and_whole() {
    let mut world = two_accounts("").await;
    let state = world.store_file().parent().expect("a directory").to_owned();
    let home = tempfile::tempdir().expect("a throw-away directory");
    let compact = async || {
        let mut command = alone(ROSTERD, home.path());
        command.args(["compact", "--json", "--state-dir"]).arg(&state);
        CommandOutput::of(command).await
    };
    let held = compact().await;
    assert!(held.code == Some(1) && held.out.contains("end it first"), "{held:?}");
    world.stop().await;
    let compacted = compact().await;
    assert_eq!(compacted.code, Some(0), "{compacted:?}");
    let said = compacted.json();
    let length = std::fs::metadata(world.store_file()).expect("the file").len();
    assert_eq!(said["bytes_after"].as_u64(), Some(length));
    assert!(said["bytes_before"].as_u64() > said["bytes_after"].as_u64(), "{said}");
    world.resume().await;
    assert_eq!(history(&world, Platform::Bluesky).await.snapshots.len(), 1);
    assert_eq!(world.daemon().app.store.scrub().await.expect("a scrub").damaged, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_that_may_not_be_mixed_are_in_no_total_rate_or_comparison() {
    let mut world = World::with_config("[platforms.youtube]\napi_key = \"youtube-api-key\"\nderived = \"off\"\n").await;
    world.followers(Platform::Youtube, "@mara", 90_000);
    world.followers(Platform::Bluesky, mara_on(Platform::Bluesky), 500);
    let mara = world.add("Mara", "youtube", "@mara").await;
    let account = Account { platform: "bluesky".to_owned(), handle: mara_on(Platform::Bluesky).to_owned() };
    world.client.connect(within(LIMIT), "Mara".to_owned(), account).await.expect("a response").expect("connected");
    world.settle().await;
    let id = mara.row.id.to_string();
    let row = world.show(&id).await.row;
    assert_eq!((row.followers, row.followers_total, row.engagement_rate), (Some(90_000), Some(500), None));
    let rated = async |world: &World| {
        let query = InfluencerQuery { filter: "engagement:>0%".to_owned(), limit: 9, ..InfluencerQuery::default() };
        world.client.influencers(within(LIMIT), query).await.expect("a response").expect("a page").matching
    };
    assert_eq!(rated(&world).await, 0);
    world.reload(|config| config.replace("derived = \"off\"\n", "")).await.expect("a good config");
    let row = world.show(&id).await.row;
    assert_eq!((row.followers, row.followers_total), (Some(90_000), Some(90_500)));
    assert!(row.engagement_rate.is_some() && rated(&world).await == 1);
    let refused = world.reload(|config| format!("{config}\n[platforms.bluesky]\nderived = \"no\"\n")).await;
    assert!(refused.expect_err("no such word").to_string().contains("is \"on\" or \"off\""));
    let refused = world.reload(|config| format!("{config}\n[retention.nosuch]\nreason = \"x\"\n")).await;
    assert!(refused.expect_err("no such platform").to_string().contains("no such platform"));
}
