//! From a fall to an alert that a user acknowledges.

use roster_protocol::alert::{About, AlertState, ChangeCause, Silenced};
use roster_protocol::audit::AuditEntry;
use roster_protocol::connection::{Record, Source};
use roster_protocol::error::ErrorKind;
use roster_protocol::event::{Cursor, Event};
use roster_protocol::metric::{Metric, Numbers};
use roster_protocol::rule::{Direction, Origin, RuleParts, Test, Window};
use roster_protocol::service::{AlertsQuery, AuditQuery, ChangesQuery, DeliveriesQuery};
use roster_protocol::silence::{NewSilence, SilenceEnd};
use roster_protocol::time::{Date, Day, Seconds};
use roster_protocol::transport::within;
use roster_sandbox::{AccountEdit, Platform};

use crate::support::{LIMIT, NOON, World};

const MARA: &str = "mara.sky.test";
const TODAY: Date = Date(20778);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fall_is_published_at_once_alerts_once_and_is_acknowledged() {
    let mut world = World::new().await;
    world.followers(Platform::Bluesky, MARA, 12_345);
    world.add("Mara", "bluesky", MARA).await;
    let start =
        world.client.events_since(within(LIMIT), Cursor::default()).await.expect("a response").expect("a cursor");
    world.followers(Platform::Bluesky, MARA, 10_400);
    world.sync("Mara").await;
    let batch = world.client.events_since(within(LIMIT), start.next).await.expect("a response").expect("events");
    let reported =
        |batch: &roster_protocol::EventBatch| batch.events.iter().any(|event| matches!(event, Event::AlertChanged(_)));
    let mut batch = batch;
    while !reported(&batch) {
        batch = world.client.events_since(within(LIMIT), batch.next).await.expect("a response").expect("events");
    }
    let alert = world.alerts().await.remove(0);
    assert_eq!((alert.metric, alert.from, alert.to), (Some(Metric::Followers), Some(12_345.0), Some(10_400.0)));
    assert_eq!((alert.change.expect("a change") * 10_000.0).round(), -1576.0);
    assert_eq!(alert.rule, "big-drop");
    assert_eq!(alert.why, "followers fell 15.8 % within 1 minute, from 12,345 to 10,400");

    world.sync("Mara").await;
    world.clock.advance(1);
    world.followers(Platform::Bluesky, MARA, 10_300);
    world.sync("Mara").await;
    assert_eq!(world.alerts().await.len(), 1, "one move alerts once");
    assert_eq!(world.show("Mara").await.row.open_alerts, 1);

    let seen = world.client.acknowledge(within(LIMIT), vec![alert.id], None).await.expect("a response").expect("seen");
    assert_eq!(seen[0].state, AlertState::Acknowledged);
    world.restart().await;
    assert_eq!(world.alerts().await[0].state, AlertState::Acknowledged);
    assert_eq!(world.show("Mara").await.row.open_alerts, 0);

    let changes = world.client.changes(within(LIMIT), ChangesQuery { limit: 50, ..Default::default() }).await;
    let changes = changes.expect("a response").expect("changes").rows;
    let followers: Vec<_> = changes.iter().filter(|change| change.metric == Metric::Followers).collect();
    assert_eq!(followers.len(), 2);
    assert_eq!((followers[1].significant, followers[0].significant), (true, false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_is_assigned_and_noted_on_and_both_outlive_a_restart() {
    let mut world = World::new().await;
    world.followers(Platform::Bluesky, MARA, 12_345);
    world.add("Mara", "bluesky", MARA).await;
    world.followers(Platform::Bluesky, MARA, 10_400);
    world.sync("Mara").await;
    let id = world.alerts().await.remove(0).id;
    let assign = async |world: &World, id: &str, user: &str| {
        let user = Some(user.to_owned());
        world.client.assign_alert(within(LIMIT), id.to_owned(), user).await.expect("a response")
    };
    let assigned = assign(&world, &id.to_string(), "oskar").await.expect("assigned");
    assert_eq!((assigned.state, assigned.assigned_to.as_deref()), (AlertState::Open, Some("oskar")));
    assert_eq!(assign(&world, &id.to_string(), "two words").await.expect_err("no user").kind, ErrorKind::Usage);
    assert_eq!(assign(&world, "nothing", "oskar").await.expect_err("no alert").kind, ErrorKind::NotFound);
    let note = |text: &str| world.client.acknowledge(within(LIMIT), vec![id], Some(text.to_owned()));
    let refused = note("a\u{1b}[2J").await.expect("a response").expect_err("a note that cannot be seen");
    assert_eq!((refused.kind, world.alerts().await[0].state), (ErrorKind::Usage, AlertState::Open));
    note("her agent knows").await.expect("a response").expect("seen");

    world.restart().await;
    let alert = world.alerts().await.remove(0);
    assert_eq!((alert.state, alert.note.as_deref()), (AlertState::Acknowledged, Some("her agent knows")));
    assert_eq!(alert.assigned_to.as_deref(), Some("oskar"));
    let audit = world.client.audit(within(LIMIT), AuditQuery { limit: 50, ..Default::default() }).await;
    let audit = audit.expect("a response").expect("the log").rows;
    let of = |action: &str| audit.iter().find(|line| line.action == action).and_then(|line| line.new.as_deref());
    let logged = (of("alert.assign"), of("alert.acknowledge"));
    assert_eq!(logged, (Some("oskar"), Some("her agent knows")));

    world.followers(Platform::Bluesky, MARA, 12_345);
    world.sync("Mara").await;
    assert_eq!(world.alerts().await, [], "taken back");
    assert_eq!(assign(&world, &id.to_string(), "ines").await.expect_err("it is over").kind, ErrorKind::Conflict);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_are_the_measured_steps_and_nothing_else() {
    let world = World::new().await;
    world.followers(Platform::Bluesky, MARA, 10_000);
    world.add("Mara", "bluesky", MARA).await;
    for followers in [10_900, 9_100, 8_990] {
        world.clock.advance(60);
        world.followers(Platform::Bluesky, MARA, followers);
        world.sync("Mara").await;
    }
    let changes = world.client.changes(within(LIMIT), ChangesQuery { limit: 50, ..Default::default() }).await;
    let mut changes = changes.expect("a response").expect("changes").rows;
    changes.reverse();
    let listed: Vec<_> = changes.iter().map(|step| (step.metric, step.from, step.to, step.significant)).collect();
    let step = |from, to, significant| (Metric::Followers, Some(from), Some(to), significant);
    let expected = [step(1e4, 10_900.0, false), step(10_900.0, 9_100.0, false), step(9_100.0, 8_990.0, true)];
    assert_eq!(listed, expected);
    let [alert] = world.alerts().await.try_into().expect("the fall within the day, and not the last step");
    assert_eq!((alert.from, alert.to), (Some(10_900.0), Some(9_100.0)), "from the day's highest");
    assert_eq!(alert.why, "followers fell 16.5 % within 1 minute, from 10,900 to 9,100");
    let audit = world.client.audit(within(LIMIT), AuditQuery { limit: 50, ..Default::default() }).await;
    let audit = audit.expect("a response").expect("the log").rows;
    let is_its_own =
        |line: &&AuditEntry| line.action == "profile.update" && line.old.as_deref() == Some("followers 10000");
    let line = audit.iter().find(is_its_own).expect("the profile number's own line");
    assert_eq!(line.new.as_deref(), Some("followers 8990"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hidden_followers_are_unknown_and_never_a_fall_to_zero() {
    let world = World::new().await;
    world.followers(Platform::Youtube, "@mara", 50_000);
    world.add("Mara", "youtube", "@mara").await;
    world.account(Platform::Youtube, "@mara", AccountEdit { hidden: Some(true), ..AccountEdit::default() });
    world.sync("Mara").await;
    let connection = world.connection("youtube:@mara").await;
    assert_eq!(connection.latest.expect("a snapshot").numbers.followers, None);
    assert_eq!(connection.profile.expect("a profile").followers, Some(50_000), "the number worked with stays");
    assert_eq!(world.alerts().await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rounded_count_does_not_flap() {
    let world = World::new().await;
    world.followers(Platform::Youtube, "@mara", 101);
    world.add("Mara", "youtube", "@mara").await;
    for followers in [111, 101, 111] {
        world.followers(Platform::Youtube, "@mara", followers);
        world.sync("Mara").await;
    }
    assert_eq!(world.alerts().await, [], "one in ten is not more than one in ten");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_that_a_person_knows_is_marked_and_the_apis_is_not_overwritten() {
    let world = World::new().await;
    world.followers(Platform::Bluesky, MARA, 1000);
    world.add("Mara", "bluesky", MARA).await;
    let named = || format!("bluesky:{MARA}");
    let numbers = |followers| Numbers { followers: Some(followers), ..Numbers::default() };
    let record = async |date: Date, followers, replace| {
        let record = Record { day: date.into(), numbers: numbers(followers), replace, keep: false };
        let recorded = world.client.record(within(LIMIT), named(), record).await.expect("a response");
        recorded.map(|recorded| recorded.snapshot)
    };
    let old = record(TODAY.plus_days(-40), 900, false).await.expect("recorded");
    assert_eq!(old.source.as_str(), "manual");
    let refused = record(TODAY, 5000, false).await.expect_err("a refusal");
    assert_eq!(refused.kind, ErrorKind::Conflict);
    assert!(refused.hint.expect("a hint").contains("--replace"));
    assert_eq!(record(TODAY.plus_days(1), 5, false).await.expect_err("in the future").kind, ErrorKind::Usage);
    record(TODAY, 5000, true).await.expect("replaced");
    let changes = world.client.changes(within(LIMIT), ChangesQuery { limit: 9, ..Default::default() }).await;
    let changes = changes.expect("a response").expect("changes").rows;
    assert_eq!((changes[0].cause, changes[0].to), (ChangeCause::Manual, Some(5000.0)));
    let history = world.client.history(within(LIMIT), named(), None, None).await;
    let history = history.expect("a response").expect("a history").snapshots;
    assert_eq!(history.iter().map(|s| s.numbers.followers).collect::<Vec<_>>(), [Some(900), Some(5000)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_by_hand_keeps_the_days_others_and_stays_only_when_it_is_kept() {
    let world = World::new().await;
    world.followers(Platform::Bluesky, MARA, 1000);
    world.add("Mara", "bluesky", MARA).await;
    let named = || format!("bluesky:{MARA}");
    let measured = world.connection(&named()).await.latest.expect("a snapshot").numbers;
    let record = async |keep| {
        let numbers = Numbers { followers: Some(2_100_000), ..Numbers::default() };
        let record = Record { day: Day::TODAY, numbers, replace: true, keep };
        world.client.record(within(LIMIT), named(), record).await.expect("a response").expect("recorded")
    };
    let check = async |followers, source, by_hand: &[(Metric, bool)]| {
        let connection = world.connection(&named()).await;
        let latest = connection.latest.expect("a snapshot");
        assert_eq!(latest.numbers, Numbers { followers: Some(followers), ..measured.clone() });
        let held: Vec<_> = connection.by_hand.iter().map(|number| (number.metric, number.kept)).collect();
        assert_eq!((latest.source, held.as_slice()), (source, by_hand));
    };
    assert!(!record(false).await.kept);
    check(2_100_000, Source::Manual, &[(Metric::Followers, false)]).await;
    world.clock.advance(60);
    world.sync("Mara").await;
    check(1000, Source::Api, &[]).await;
    let audit = world.client.audit(within(LIMIT), AuditQuery { limit: 50, ..Default::default() }).await;
    let audit = audit.expect("a response").expect("the log").rows;
    let line = audit.iter().find(|line| line.action == "snapshot.measured").expect("what gave way is logged");
    assert_eq!(line.old.as_deref(), Some("2026-11-21: followers 2100000"));
    assert!(record(true).await.kept);
    for _ in 0..2 {
        world.clock.advance(60);
        world.sync("Mara").await;
        check(2_100_000, Source::Manual, &[(Metric::Followers, true)]).await;
    }
    world.pass(24 * 3600).await;
    check(1000, Source::Api, &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn days_are_the_daemons_wherever_a_client_is() {
    let world = World::with_config("timezone = \"Asia/Tokyo\"\n").await;
    world.followers(Platform::Bluesky, MARA, 1000);
    world.add("Mara", "bluesky", MARA).await;
    // 22:20 UTC is the next day already.
    world.clock.advance(10 * 3600 + 20 * 60);
    world.settle().await;
    let named = || format!("bluesky:{MARA}");
    let record = async |day| {
        let numbers = Numbers { following: Some(7), ..Numbers::default() };
        let record = Record { day, numbers, replace: true, keep: false };
        let recorded = world.client.record(within(LIMIT), named(), record).await.expect("a response");
        recorded.expect("recorded").snapshot.date.to_string()
    };
    assert_eq!(record(Day::TODAY).await, "2026-11-22");
    assert_eq!(record(Day::Ago(1)).await, "2026-11-21");
    let history = world.client.history(within(LIMIT), named(), Some(Day::TODAY), None).await;
    let days: Vec<String> =
        history.expect("a response").expect("a history").snapshots.iter().map(|day| day.date.to_string()).collect();
    assert_eq!(days, ["2026-11-22"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_user_has_read_stays_read_and_what_is_assigned_to_them_is_theirs() {
    let mut world = World::new().await;
    let handles = ["read0.sky.test", "read1.sky.test"];
    for handle in handles {
        world.quiet(Platform::Bluesky, handle, 10_000);
        world.add(handle, "bluesky", handle).await;
    }
    let unread = async |world: &World| {
        let status = world.client.status(within(LIMIT)).await.expect("a response").expect("a status");
        let query = AlertsQuery { unread: true, limit: 9, ..AlertsQuery::default() };
        let rows = world.client.alerts(within(LIMIT), query).await.expect("a response").expect("alerts").rows;
        assert!(rows.iter().all(|alert| alert.is_unread()));
        assert_eq!(status.unread_alerts, rows.len() as u64);
        rows.into_iter().filter_map(|alert| alert.influencer_name).collect::<Vec<_>>()
    };
    let start = world.client.events_since(within(LIMIT), Cursor::default()).await.expect("a response");
    let mut next = start.expect("a cursor").next;
    for handle in handles {
        world.quiet(Platform::Bluesky, handle, 8_000);
        world.sync(handle).await;
    }
    let mut published = Vec::new();
    while published.len() < 2 {
        let batch = world.client.events_since(within(LIMIT), next).await.expect("a response").expect("events");
        next = batch.next;
        published.extend(batch.events.into_iter().filter_map(|event| match event {
            Event::AlertChanged(alert) => Some((alert.is_unread(), alert.is_mine())),
            _ => None,
        }));
    }
    assert_eq!(published, [(true, false), (true, false)]);
    assert_eq!(unread(&world).await, [handles[1], handles[0]]);
    let first = world.alerts().await.pop().expect("two alerts").id;
    let read = async |world: &World, alerts| world.client.read_alerts(within(LIMIT), alerts).await.expect("a response");
    read(&world, Some(vec![first])).await.expect("noted");
    world.restart().await;
    assert_eq!(unread(&world).await, [handles[1]], "over a restart");
    let me = nix::unistd::User::from_uid(nix::unistd::Uid::effective()).expect("users").expect("a user").name;
    let assigned = world.client.assign_alert(within(LIMIT), first.to_string(), Some(me)).await;
    let assigned = assigned.expect("a response").expect("assigned");
    assert!(assigned.is_mine() && !assigned.is_unread(), "who assigned it has seen it: {assigned:?}");
    let query = AlertsQuery { mine: true, limit: 9, ..AlertsQuery::default() };
    let mine = world.client.alerts(within(LIMIT), query).await.expect("a response").expect("alerts").rows;
    assert_eq!(mine.iter().map(|alert| alert.id).collect::<Vec<_>>(), [first]);
    read(&world, None).await.expect("noted");
    assert_eq!(unread(&world).await, [] as [String; 0]);
    assert_eq!(world.alerts().await.len(), 2, "they are open as before");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_desktop_agent_gets_each_alert_until_it_has_shown_it() {
    let mut world = World::new().await;
    world.followers(Platform::Bluesky, MARA, 1000);
    world.add("Mara", "bluesky", MARA).await;
    world.followers(Platform::Bluesky, MARA, 900);
    world.sync("Mara").await;
    let notices = world.client.notices(within(LIMIT)).await.expect("a response").expect("notices");
    assert_eq!((notices.len(), notices[0].alert.influencer_name.as_deref()), (1, Some("Mara")));
    world.restart().await;
    let again = world.client.notices(within(LIMIT)).await.expect("a response").expect("notices");
    assert_eq!(again, notices, "what was not shown is not lost");
    world.client.notices_shown(within(LIMIT), notices[0].number).await.expect("a response").expect("noted");
    // Four times as large is news again.
    world.followers(Platform::Bluesky, MARA, 600);
    world.sync("Mara").await;
    let next = world.client.notices(within(LIMIT)).await.expect("a response").expect("notices");
    assert_eq!((next.len(), next[0].number), (1, notices[0].number + 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fall_is_measured_from_the_days_highest_value_whatever_happens_between() {
    let mut world = World::new().await;
    world.quiet(Platform::Bluesky, MARA, 10_000);
    world.add("Mara", "bluesky", MARA).await;
    world.pass(6 * 3600).await;
    world.clock.advance(60);
    world.followers(Platform::Bluesky, MARA, 10_900);
    world.sync("Mara").await;
    assert_eq!(world.alerts().await, [], "a rise of nine per cent is no news of an account that is known for a day");
    // What is in memory is made again from the runs.
    world.restart().await;
    world.clock.advance(6 * 3600 - 60);
    world.followers(Platform::Bluesky, MARA, 9_100);
    world.sync("Mara").await;
    let [alert] = world.alerts().await.try_into().expect("one alert");
    assert_eq!(alert.why, "followers fell 16.5 % within 6 hours, from 10,900 to 9,100");
    assert_eq!((alert.explained.window, alert.explained.from_at.is_some()), (Some(Window::Day), true));
    let profile = world.connection(&format!("bluesky:{MARA}")).await.profile.expect("a profile");
    assert_eq!(profile.followers, Some(10_000), "the number worked with follows by its own rule");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_that_is_taken_back_resolves_its_alert_and_is_no_news() {
    let world = World::new().await;
    world.followers(Platform::Bluesky, MARA, 10_000);
    world.add("Mara", "bluesky", MARA).await;
    for followers in [8_000, 9_990] {
        world.clock.advance(3600);
        world.followers(Platform::Bluesky, MARA, followers);
        world.sync("Mara").await;
    }
    assert_eq!(world.alerts().await, []);
    let query = AlertsQuery { state: Some(AlertState::Resolved), limit: 9, ..AlertsQuery::default() };
    let resolved = world.client.alerts(within(LIMIT), query).await.expect("a response").expect("alerts").rows;
    assert_eq!(resolved.len(), 1);
    assert!(resolved[0].why.ends_with("; taken back: 9,990 now"), "{}", resolved[0].why);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rise_past_a_milestone_is_news_and_so_is_the_milestone() {
    let mut world = World::new().await;
    world.followers(Platform::Bluesky, MARA, 9_000);
    world.add("Mara", "bluesky", MARA).await;
    let after = async |world: &World, followers| {
        world.clock.advance(3600);
        world.followers(Platform::Bluesky, MARA, followers);
        world.sync("Mara").await;
        let mut alerts = world.alerts().await;
        alerts.sort_by(|a, b| a.rule.cmp(&b.rule));
        alerts.into_iter().map(|alert| (alert.rule, alert.why)).collect::<Vec<_>>()
    };
    let expected = |rule: &str, why: &str| (rule.to_owned(), why.to_owned());
    let rise = expected("big-rise", "followers rose 40.0 % within 60 minutes, from 9,000 to 12,600");
    let milestone = expected("milestone", "followers reached 10,000, from 9,000 to 12,600");
    assert_eq!(after(&world, 12_600).await, [rise, milestone.clone()]);
    world.restart().await;
    // The rise is taken back; reached is reached.
    assert_eq!(after(&world, 9_100).await, [milestone]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_is_switched_off_changed_and_tested_before_it_is_on() {
    let mut world = World::new().await;
    world.followers(Platform::Bluesky, MARA, 10_000);
    world.add("Mara", "bluesky", MARA).await;
    let off = RuleParts { enabled: Some(false), ..RuleParts::default() };
    let edit = async |world: &World, name: &str, parts: &RuleParts| {
        world.client.edit_rule(within(LIMIT), name.to_owned(), parts.clone()).await.expect("a response")
    };
    edit(&world, "slow-drain", &off).await.expect("switched off");
    let listed = edit(&world, "big-drop", &off).await.expect("switched off");
    assert_eq!((listed.origin, listed.rule.enabled), (Origin::Store, false));
    world.restart().await;
    world.clock.advance(3600);
    world.followers(Platform::Bluesky, MARA, 9_000);
    world.sync("Mara").await;
    assert_eq!(world.alerts().await, [], "it is off after a restart too");
    let mine = RuleParts { percent: Some(3.0), direction: Some(Direction::Down), ..RuleParts::default() };
    let made = world.client.add_rule(within(LIMIT), "mine".to_owned(), mine.clone()).await.expect("a response");
    assert_eq!(made.expect("made").origin, Origin::Store);
    let twice = world.client.add_rule(within(LIMIT), "mine".to_owned(), mine.clone()).await.expect("a response");
    assert_eq!(twice.expect_err("a refusal").kind, ErrorKind::Conflict);
    // Days 20 to 11 days ago, one of which lost five of a hundred.
    for (age, followers) in (11..=20).rev().zip([9_000, 9_001, 9_002, 9_003, 8_550, 8_551, 8_552, 8_553, 8_554, 8_555])
    {
        let numbers = Numbers { followers: Some(followers), ..Numbers::default() };
        let record = Record { day: TODAY.plus_days(-age).into(), numbers, replace: false, keep: false };
        let recorded = world.client.record(within(LIMIT), format!("bluesky:{MARA}"), record).await;
        recorded.expect("a response").expect("recorded");
    }
    let test = world.client.test_rule(within(LIMIT), "mine".to_owned(), RuleParts::default(), None).await;
    let tested = test.expect("a response").expect("tested");
    assert_eq!((tested.accounts, tested.alerts, tested.alerted), (1, 1, 1), "{tested:?}");
    assert_eq!((tested.examples[0].from, tested.examples[0].to), (9_003.0, 8_550.0));
    assert_eq!(tested.examples[0].date, TODAY.plus_days(-16));
    let both = RuleParts { absolute: Some(500.0), ..RuleParts::default() };
    let kept = edit(&world, "mine", &both).await.expect("changed").rule;
    let Test::Moved(moved) = kept.test else { panic!("{kept:?}") };
    assert!(moved.share.is_some() && moved.absolute == Some(500.0), "what is not given stays: {moved:?}");
    let whole = edit(&world, "mine", &RuleParts { whole: true, ..mine.clone() }).await.expect("changed").rule;
    let Test::Moved(moved) = whole.test else { panic!("{whole:?}") };
    assert!(moved.share.is_some() && moved.absolute.is_none(), "the whole rule is given: {moved:?}");
    world.client.remove_rule(within(LIMIT), "big-drop".to_owned()).await.expect("a response").expect("removed");
    let rules = world.client.rules(within(LIMIT)).await.expect("a response").expect("rules");
    let big = rules.iter().find(|listed| listed.rule.name == "big-drop").expect("built in");
    assert_eq!((big.origin, big.rule.enabled), (Origin::BuiltIn, true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_of_the_config_is_the_configs() {
    let world = World::with_config("[rules.big-drop]\npercent = 1.0\nabsolute = 50\n").await;
    let off = RuleParts { enabled: Some(false), ..RuleParts::default() };
    let refused = world.client.edit_rule(within(LIMIT), "big-drop".to_owned(), off).await.expect("a response");
    assert_eq!(refused.expect_err("a refusal").message, "the config file has the rule big-drop");
    world.followers(Platform::Bluesky, MARA, 10_000);
    world.add("Mara", "bluesky", MARA).await;
    world.clock.advance(3600);
    world.followers(Platform::Bluesky, MARA, 9_890);
    world.sync("Mara").await;
    let [alert] = world.alerts().await.try_into().expect("one alert");
    assert_eq!(alert.why, "followers fell 1.1 % within 60 minutes, from 10,000 to 9,890");
    let rules = world.client.rules(within(LIMIT)).await.expect("a response").expect("rules");
    let big = rules.iter().find(|listed| listed.rule.name == "big-drop").expect("it is in use");
    assert_eq!((big.origin, big.overrides.as_slice(), big.alerts_30d), (Origin::Config, &[Origin::BuiltIn][..], 1));
    assert!(big.file.as_ref().is_some_and(|file| file.ends_with("rosterd.toml")), "{:?}", big.file);
    assert!(
        rules.iter().all(|listed| listed.rule.name == "big-drop" || (listed.alerts_30d, &listed.file) == (0, &None))
    );
    world.clock.advance(31 * 24 * 3600);
    let rules = world.client.rules(within(LIMIT)).await.expect("a response").expect("rules");
    assert!(rules.iter().all(|listed| listed.rule.name != "big-drop" || listed.alerts_30d == 0), "they are of 30 days");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_that_fall_together_are_one_alert_after_the_first_few() {
    let world = World::new().await;
    let handles: Vec<String> = (0..8).map(|number| format!("purged{number}.sky.test")).collect();
    for handle in &handles {
        world.quiet(Platform::Bluesky, handle, 10_000);
        world.add(handle, "bluesky", handle).await;
    }
    world.clock.advance(3600);
    for handle in &handles {
        world.quiet(Platform::Bluesky, handle, 8_000);
        world.sync(handle).await;
        world.clock.advance(30);
    }
    let alerts = world.alerts().await;
    let group = alerts.iter().find(|alert| alert.members > 0).expect("a group");
    assert_eq!((group.about.clone(), group.members), (About::Platform("bluesky".to_owned()), 8));
    assert_eq!(group.why, "8 accounts moved together: followers, −20.0 % in the middle");
    let members: Vec<_> = alerts.iter().filter(|alert| alert.group == Some(group.id)).collect();
    assert_eq!((members.len(), alerts.len()), (8, 9));
    let members = async || {
        let query = AlertsQuery { group: Some(group.id), limit: 99, ..AlertsQuery::default() };
        world.client.alerts(within(LIMIT), query).await.expect("a response").expect("alerts").rows.len()
    };
    assert_eq!(members().await, 8);
    let mut delivered = 0;
    for alert in &alerts {
        let query = DeliveriesQuery { alert: Some(alert.id.to_string()), limit: 9, ..DeliveriesQuery::default() };
        delivered +=
            world.client.deliveries(within(LIMIT), query).await.expect("a response").expect("a list").rows.len();
    }
    assert_eq!(delivered, 6, "five single ones, and the group once");
    for handle in &handles {
        world.clock.advance(30);
        world.quiet(Platform::Bluesky, handle, 10_000);
        world.sync(handle).await;
    }
    assert_eq!(world.alerts().await, [], "what all members take back is over");
    assert_eq!(members().await, 8, "its members are known afterwards, too");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_silenced_opens_and_is_delivered_to_no_channel_until_the_silence_ends() {
    let mut world = World::new().await;
    let handles: Vec<String> = (0..4).map(|number| format!("star{number}.sky.test")).collect();
    for handle in &handles {
        world.quiet(Platform::Bluesky, handle, 10_000);
        world.add(handle, "bluesky", handle).await;
    }
    let new = |influencer: &str, reason: &str| NewSilence {
        rule: Some("big-drop".into()),
        platform: Some("bluesky".into()),
        influencer: Some(influencer.into()),
        tag: None,
        ends: SilenceEnd::After(Seconds(3600)),
        reason: reason.into(),
    };
    let add = async |new| world.client.add_silence(within(LIMIT), new).await.expect("a response");
    assert_eq!(add(new(&handles[0], " ")).await.expect_err("no reason").kind, ErrorKind::Usage);
    assert_eq!(add(new("nobody", "known")).await.expect_err("no influencer").kind, ErrorKind::NotFound);
    add(new(&handles[0], "known")).await.expect("a silence");
    let short = add(new(&handles[1], "known, too")).await.expect("a silence").silence.id;
    add(NewSilence { ends: SilenceEnd::After(Seconds(60)), ..new(&handles[2], "brief") }).await.expect("a silence");
    world.restart().await;
    let listed = world.client.silences(within(LIMIT)).await.expect("a response").expect("silences");
    let reasons: Vec<&str> = listed.iter().map(|listed| listed.silence.reason.as_str()).collect();
    assert_eq!((reasons.len(), reasons[0]), (3, "brief"), "over the restart, the first to end first");
    world.client.end_silence(within(LIMIT), short.to_string()).await.expect("a response").expect("ended");
    world.clock.advance(60);

    let mut delivered = Vec::new();
    let start = world.client.events_since(within(LIMIT), Cursor::default()).await.expect("a response");
    let mut next = start.expect("a cursor").next;
    let mut silenced = Vec::new();
    for handle in &handles {
        world.quiet(Platform::Bluesky, handle, 8_000);
        world.sync(handle).await;
        let alerts = world.alerts().await;
        let alert = alerts.iter().find(|alert| alert.influencer_name.as_ref() == Some(handle)).expect("it opens");
        let query = DeliveriesQuery { alert: Some(alert.id.to_string()), limit: 9, ..DeliveriesQuery::default() };
        let rows = world.client.deliveries(within(LIMIT), query).await.expect("a response").expect("a list").rows;
        delivered.push(rows.len());
        silenced.push(alert.silenced);
    }
    assert_eq!(delivered, [0, 1, 1, 1], "only what is silenced now is silent");
    let until = Some(NOON.plus_seconds(3600));
    let loud = Silenced::default();
    assert_eq!(silenced, [Silenced { at_opening: true, until }, loud, loud, loud]);
    let mut published = Vec::new();
    while published.len() < handles.len() {
        let batch = world.client.events_since(within(LIMIT), next).await.expect("a response").expect("events");
        next = batch.next;
        published.extend(batch.events.into_iter().filter_map(|event| match event {
            Event::AlertChanged(alert) => Some(alert.is_news()),
            _ => None,
        }));
    }
    assert_eq!(published, [false, true, true, true], "clients that notify users see which alert is silent");
    let popups = async |world: &World| {
        let notices = world.client.notices(within(LIMIT)).await.expect("a response").expect("notices");
        notices.into_iter().filter_map(|notice| notice.alert.influencer_name).collect::<Vec<_>>()
    };
    assert_eq!(popups(&world).await, handles[1..], "no desktop shows it");
    world.restart().await;
    world.clock.advance(3600);
    assert_eq!(popups(&world).await, handles[1..], "nor once the silence is over");
    let opened_silent =
        world.alerts().await.into_iter().find(|alert| alert.influencer_name.as_ref() == Some(&handles[0]));
    let after = opened_silent.expect("it is still listed").silenced;
    assert_eq!(after, Silenced { at_opening: true, until: None });
    let left = world.client.silences(within(LIMIT)).await.expect("a response").expect("silences");
    assert_eq!(left, [], "it is over");
    let audit = world.client.audit(within(LIMIT), AuditQuery { limit: 50, ..Default::default() }).await;
    let audit = audit.expect("a response").expect("the log").rows;
    let lines = |action: &str| audit.iter().filter(|line| line.action == action).count();
    assert_eq!((lines("silence.add"), lines("silence.end")), (3, 1));
}
