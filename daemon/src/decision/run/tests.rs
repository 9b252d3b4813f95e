use std::time::Duration;

use jiff::tz::TimeZone;
use roster_protocol::alert::AlertState;
use roster_protocol::connection::ByHand;
use roster_protocol::ids::ConnectionId;
use roster_protocol::metric::{Mean, Metric, Numbers, Ratio};
use roster_protocol::time::{Date, Seconds};

use super::*;
use crate::alerts::path::Point;
use crate::decision::Dice;
use crate::model::{AlertsSince, Commit, ConsentsCommit, GrantState, GrantUse, Loaded, RosterCommit};
use crate::roster::Roster;
use crate::roster::samples::{self, MARA, NOON, SKY};
use crate::schedule::Grid;

fn grid() -> Grid {
    Grid { zone: TimeZone::UTC, daily: Some(jiff::civil::time(2, 0, 0, 0)), interval: Seconds(6 * 3600) }
}

/// An account whose id has it requested on the grid itself, due at noon.
fn connection() -> Connection {
    Connection {
        platform_user_id: Some("did:plc:mara".into()),
        next_due_at: NOON,
        slot_at: NOON,
        ..samples::connection(ConnectionId::from_bytes([1; 5]), MARA, "bluesky", "mara.example")
    }
}

fn observed(followers: Option<u64>) -> Observation {
    Observation {
        platform_user_id: "did:plc:mara".into(),
        handle: "mara.example".into(),
        numbers: Numbers { followers, ..Numbers::default() },
        ..Observation::default()
    }
}

/// Runs results one after another, an hour apart, each committed to the roster.
struct Story {
    roster: Roster,
    now: Timestamp,
    dice: Dice,
}

impl Story {
    fn begin() -> Self {
        let loaded = Loaded { connections: vec![connection()], ..Loaded::default() };
        Self { roster: Roster::new(loaded, Default::default()), now: NOON, dice: Dice(fastrand::Rng::with_seed(7)) }
    }

    fn run(&mut self, result: Result<Observation, PlatformError>) -> Commit {
        let grid = grid();
        let ended = Ended { cause: Cause::Schedule, started_at: self.now, result };
        let mut decision = Decision::new(&self.roster, &grid, Ratio(100_000), self.now, &mut self.dice);
        run_ended(&mut decision, &self.roster.connections[&connection().id], ended);
        let commit = decision.commit;
        self.roster.apply(&commit);
        self.now = self.now.plus_seconds(3600);
        commit
    }

    fn connection(&self) -> &Connection {
        &self.roster.connections[&connection().id]
    }
}

/// When a setup with this interval brings the story's connection, if it moves it.
fn moved_to(story: &Story, interval_s: u64) -> Option<Timestamp> {
    let grid = Grid { interval: Seconds(interval_s), ..grid() };
    let moved = story.roster.moved_by_setup(&grid, story.now);
    moved.first().map(|connection| connection.next_due_at)
}

#[test]
fn another_interval_brings_the_next_slot_also_where_the_old_one_is_on_both_grids() {
    let mut story = Story::begin();
    story.run(Ok(observed(Some(1000))));
    let after_noon = |minutes: i64| NOON.plus_seconds(minutes * 60);
    assert_eq!((story.now, story.connection().next_due_at), (after_noon(60), after_noon(120)));
    assert_eq!(moved_to(&story, 30 * 60), Some(after_noon(90)));
    assert_eq!(moved_to(&story, 5 * 3600), Some(after_noon(300)));
    assert_eq!(moved_to(&story, 12 * 3600), None);
    // A connection that waits for its owner is not requested more often.
    story.run(Err(PlatformError::Unauthorized { what: "token is over".to_owned() }));
    assert_eq!(story.connection().next_due_at, after_noon(26 * 60));
    assert_eq!(moved_to(&story, 30 * 60), None);
}

#[test]
fn the_first_number_is_the_profile_and_opens_nothing() {
    let mut story = Story::begin();
    let commit = story.run(Ok(observed(Some(1000))));
    assert_eq!((commit.sync.snapshots.len(), commit.sync.changes.len(), commit.alerting.alerts.len()), (1, 0, 0));
    assert_eq!(commit.audit.lines.len(), 1, "the profile number followed at once");
    assert_eq!(story.connection().profile.as_ref().and_then(|profile| profile.followers), Some(1000));
    assert_eq!(story.connection().first_day, Some(Date(20778)));
    assert!(story.connection().next_due_at > NOON);
}

#[test]
fn what_moved_before_there_were_rules_is_no_news() {
    // Down by 30 % within the month before, and a little since.
    let story = |since: Option<Timestamp>| {
        let mut story = Story::begin();
        story.roster.alerts_since = since.map(AlertsSince);
        let baseline = story.roster.baselines.entry(connection().id).or_default();
        for day in 0..=30 {
            let at = NOON.plus_seconds((day - 30) * 86_400 - 3600);
            baseline.put(Metric::Followers, Point { at, value: 10_000.0 - 100.0 * day as f64 });
        }
        let commit = story.run(Ok(observed(Some(6_990))));
        (story, commit.alerting)
    };
    let (_, always) = story(Some(Timestamp(0)));
    assert_eq!((always.alerts.len(), always.since), (1, None), "the month before counts where rules were there");
    let (mut upgraded, first) = story(None);
    assert_eq!((first.alerts.len(), first.since), (0, Some(AlertsSince(NOON))));
    let next = upgraded.run(Ok(observed(Some(6_200)))).alerting;
    assert_eq!((next.alerts[0].from, next.alerts[0].to, next.since), (Some(6_990.0), Some(6_200.0), None));
    // A clock that was far ahead then hides no move now.
    let (_, ahead) = story(Some(NOON.plus_seconds(86_400)));
    assert_eq!(ahead.since, Some(AlertsSince(NOON)));
}

#[test]
fn a_consent_that_ended_during_the_run_is_found_by_another_one() {
    let mut story = Story::begin();
    let uses = ConsentsCommit {
        grants: vec![samples::grant(1, GrantState::Live)],
        grant_uses: vec![GrantUse { connection: connection().id, ..samples::used(SKY, 1) }],
        ..ConsentsCommit::default()
    };
    story.roster.apply(&uses.clone().into());
    story.run(Ok(observed(Some(1000))));
    assert!(story.connection().next_due_at > story.now);
    story.roster.apply(&ConsentsCommit { grants: vec![samples::grant(1, samples::ended())], ..uses }.into());
    let now = story.now;
    story.run(Ok(observed(Some(1000))));
    assert_eq!(story.connection().next_due_at, now);
    // It is no slot of its own.
    assert!(grid().has(connection().id, None, story.connection().slot_at));
}

#[test]
fn a_fall_alerts_once_and_the_next_fall_resolves_it() {
    let mut story = Story::begin();
    story.run(Ok(observed(Some(12_345))));
    let commit = story.run(Ok(observed(Some(12_000))));
    assert_eq!(
        (commit.sync.changes.len(), commit.sync.changes[0].significant, commit.alerting.alerts.len()),
        (1, false, 0)
    );
    let commit = story.run(Ok(observed(Some(10_400))));
    let steps: Vec<_> = commit.sync.changes.iter().map(|step| (step.from, step.to, step.significant)).collect();
    assert_eq!(steps, [(Some(12_000.0), Some(10_400.0), true)], "the measured step");
    assert_eq!(commit.alerting.alerts[0].from, Some(12_345.0), "the alert is about the window's highest number");
    assert_eq!((commit.alerting.alerts.len(), commit.alerting.deliveries.len(), commit.audit.lines.len()), (1, 1, 1));
    let commit = story.run(Ok(observed(Some(10_300))));
    assert_eq!(commit.alerting.alerts, [], "one move alerts once");
    let commit = story.run(Ok(observed(Some(4_500))));
    let states: Vec<AlertState> = commit.alerting.alerts.iter().map(|alert| alert.state).collect();
    assert_eq!(states, [AlertState::Resolved, AlertState::Open]);
    assert_eq!((story.roster.alerts.len(), story.roster.last_alert), (1, 2));
}

#[test]
fn steps_add_up_whatever_the_profile_numbers_and_the_rounding_do() {
    let mut story = Story::begin();
    let mut steps = Vec::new();
    let measured = [Some(10_000), Some(10_900), Some(9_100), None, Some(8_990), Some(9_000)];
    for followers in measured {
        let mut seen = observed(followers);
        (seen.followers_step, seen.numbers.avg_likes) = (Some(100), followers.map(|count| Mean(count * 7)));
        let commit = story.run(Ok(seen));
        steps.extend(commit.sync.changes.into_iter().map(|step| (step.metric, step.from, step.to)));
    }
    let followers = measured.map(|count| count.map(|count| count as f64));
    let expected = followers.windows(2).map(|pair| (Metric::Followers, pair[0], pair[1]));
    assert_eq!(steps, expected.collect::<Vec<_>>());
}

#[test]
fn a_partial_response_keeps_what_the_same_day_reported() {
    let mut story = Story::begin();
    let mut whole = observed(Some(1000));
    whole.numbers.posts = Some(12);
    story.run(Ok(whole));
    let mut part = observed(Some(1001));
    part.missing = vec!["posts could not be read".into()];
    let commit = story.run(Ok(part));
    assert_eq!(commit.sync.runs[0].outcome, Outcome::Partial);
    assert_eq!(commit.sync.snapshots[0].1.numbers.posts, Some(12));
    let commit = story.run(Ok(observed(Some(1002))));
    assert_eq!(
        commit.sync.snapshots[0].1.numbers.posts, None,
        "a whole response that does not report it means it is unknown"
    );
    assert_eq!(story.connection().trouble, None);
}

#[test]
fn failures_back_off_and_success_forgets_them() {
    let mut story = Story::begin();
    let down = || Err(PlatformError::Unavailable { what: "bluesky answers 503".into() });
    for failures in 1..=3u32 {
        let requested_at = story.now;
        let commit = story.run(down());
        assert_eq!((commit.sync.runs.len(), commit.sync.runs[0].outcome), (1, Outcome::Failed));
        // The third is at 14:00, which is a slot of its own.
        assert_eq!(commit.sync.runs[0].is_retry, failures == 2);
        let wait = story.connection().next_due_at.since(requested_at) / 1000;
        let full = 30 << (failures - 1);
        assert!((full / 2..=full).contains(&wait), "{failures}: {wait}");
    }
    assert_eq!(story.connection().slot_at, NOON.plus_seconds(2 * 3600), "retries stand for the same slot");
    let since = story.connection().trouble.as_ref().map(|trouble| trouble.since);
    assert_eq!(since, Some(NOON));
    story.run(Ok(observed(Some(5))));
    assert_eq!((story.connection().failures, &story.connection().trouble), (0, &None));
}

#[test]
fn a_slot_that_is_run_early_is_done_or_tried_again_after_it() {
    let early = NOON.plus_seconds(-60);
    let mut story = Story { now: early, ..Story::begin() };
    let commit = story.run(Err(PlatformError::Unavailable { what: "no".into() }));
    assert_eq!((commit.sync.runs[0].slot_at, commit.sync.runs[0].is_retry), (NOON, false));
    assert_eq!((story.connection().slot_at, story.connection().next_due_at > NOON), (NOON, true));
    story.now = NOON.plus_seconds(60);
    let commit = story.run(Ok(observed(Some(5))));
    assert_eq!((commit.sync.runs[0].slot_at, commit.sync.runs[0].is_retry), (NOON, true));
    let mut story = Story { now: early, ..Story::begin() };
    story.run(Ok(observed(Some(5))));
    assert_eq!(story.connection().next_due_at, NOON.plus_seconds(2 * 3600), "not at noon again");
}

#[test]
fn a_limit_skips_holds_the_scope_and_is_no_failure() {
    let mut story = Story::begin();
    let commit =
        story.run(Err(PlatformError::RateLimited { retry_after: Some(Duration::from_secs(600)), of: Limit::Lane }));
    assert_eq!(commit.sync.runs[0].outcome, Outcome::Skipped);
    assert_eq!(commit.sync.holds[0].until, NOON.plus_seconds(600));
    assert!(commit.sync.runs[0].retry_at >= Some(NOON.plus_seconds(600)));
    assert!(story.connection().next_due_at <= NOON.plus_seconds(660));
    assert_eq!(story.connection().failures, 0);
    let autumn = Duration::from_secs(25 * 3600);
    let day = story.run(Err(PlatformError::RateLimited { retry_after: Some(autumn), of: Limit::Lane }));
    assert_eq!(day.sync.holds[0].until, NOON.plus_seconds(26 * 3600), "a day may have 25 hours");
    let absurd = story.run(Err(PlatformError::RateLimited { retry_after: Some(Duration::MAX), of: Limit::Lane }));
    assert!(absurd.sync.holds[0].until.since(NOON) <= 27 * 3_600_000);
}

#[test]
fn what_lacks_a_setup_waits_for_its_next_slot_and_is_no_failure() {
    let mut story = Story::begin();
    let commit = story.run(Err(PlatformError::Unconfigured { what: "no API key".into() }));
    let run = &commit.sync.runs[0];
    assert_eq!((run.outcome, run.retry_at, story.connection().failures), (Outcome::Skipped, None, 0));
    let next = grid().next(story.connection().id, None, NOON);
    assert_eq!((story.connection().next_due_at, story.connection().slot_at), (next, next));
}

#[test]
fn an_account_gone_twice_needs_a_person_until_it_is_back() {
    let mut story = Story::begin();
    let gone = || Err(PlatformError::AccountGone { what: "no such account".into() });
    assert_eq!(story.run(gone()).alerting.alerts, []);
    let commit = story.run(gone());
    assert_eq!(commit.alerting.alerts[0].rule, "needs-person");
    assert!(story.connection().next_due_at.since(story.now) > 20 * 3_600_000, "asked again slowly");
    assert_eq!(story.run(gone()).alerting.alerts, []);
    assert_eq!(story.run(Ok(observed(Some(5)))).alerting.alerts[0].state, AlertState::Resolved);
}

#[test]
fn an_response_about_another_account_is_refused() {
    let mut story = Story::begin();
    let mut other = observed(Some(5));
    other.platform_user_id = "did:plc:stranger".into();
    let commit = story.run(Ok(other));
    assert_eq!((commit.sync.runs[0].outcome, commit.sync.snapshots.len()), (Outcome::Failed, 0));
}

#[test]
fn an_account_whose_server_moved_is_the_same_account() {
    let mut story = Story::begin();
    let mut moved = observed(Some(5));
    moved.platform_user_id = "1@new.example".into();
    moved.former_user_id = Some("did:plc:mara".into());
    let commit = story.run(Ok(moved));
    assert_eq!((commit.sync.runs[0].outcome, commit.sync.snapshots.len()), (Outcome::Ok, 1));
    assert_eq!(story.connection().platform_user_id.as_deref(), Some("1@new.example"));
    let line = commit.audit.lines.iter().find(|line| line.action == "connection.moved").expect("a line");
    assert_eq!((line.old.as_deref(), line.new.as_deref()), (Some("did:plc:mara"), Some("1@new.example")));
}

#[test]
fn zeros_beside_living_posts_are_unknown_and_alert_nobody() {
    let counts = |followers: u64, following: u64, posts: u64| {
        let numbers = Numbers {
            followers: Some(followers),
            following: Some(following),
            posts: Some(posts),
            ..Numbers::default()
        };
        Ok(Observation { numbers, ..observed(None) })
    };
    let mut story = Story::begin();
    story.run(counts(4321, 210, 30));
    for _ in 0..3 {
        let commit = story.run(counts(0, 0, 30));
        let numbers = &commit.sync.snapshots[0].1.numbers;
        assert_eq!((numbers.followers, numbers.following, numbers.posts), (None, None, Some(30)));
        assert_eq!((commit.sync.runs[0].outcome, commit.alerting.alerts.len()), (Outcome::Ok, 0));
    }
    assert_eq!(story.run(counts(4330, 210, 31)).alerting.alerts, [], "nor is it news that they are back");
    // A fall to 0 with another sign of life is a fall.
    assert_eq!(story.run(counts(0, 210, 31)).alerting.alerts.len(), 1);
    // Nor is there one that published nothing.
    let mut silent = Story::begin();
    silent.run(counts(4321, 210, 30));
    silent.run(counts(0, 0, 0));
    assert_eq!(silent.connection().latest.as_ref().and_then(|latest| latest.numbers.followers), Some(0));
    // What never had many may have none.
    let mut small = Story::begin();
    small.run(counts(0, 0, 5));
    assert_eq!(small.connection().latest.as_ref().and_then(|latest| latest.numbers.followers), Some(0));
}

#[test]
fn a_recorded_number_stays_where_it_is_kept_or_not_measured() {
    let check = |kept: bool, measured: Option<u64>, expected: (Option<u64>, usize, usize)| {
        let mut story = Story::begin();
        let grid = grid();
        let date = grid.date_of(story.now);
        let numbers = Numbers { followers: Some(500), following: Some(5), ..Numbers::default() };
        let latest = Snapshot { date, numbers, source: Source::Manual, ..samples::measured(None, None) };
        let by_hand = HandDay { date, numbers: vec![ByHand { metric: Metric::Following, kept }] };
        let recorded = Connection { latest: Some(latest), by_hand: Some(by_hand), ..connection() };
        let commit = RosterCommit { connections: vec![recorded], ..RosterCommit::default() };
        story.roster.apply(&Commit::from(commit));
        let numbers = Numbers { followers: Some(500), following: measured, ..Numbers::default() };
        let commit = story.run(Ok(Observation { numbers, ..observed(None) }));
        let left = story.connection().by_hand.as_ref().map_or(0, |day| day.numbers.len());
        let gave_way = commit.audit.lines.iter().filter(|line| line.action == "snapshot.measured").count();
        assert_eq!((commit.sync.snapshots[0].1.numbers.following, left, gave_way), expected, "{kept} {measured:?}");
    };
    check(false, None, (Some(5), 1, 0));
    check(true, None, (Some(5), 1, 0));
    check(true, Some(9), (Some(5), 1, 0));
    check(false, Some(9), (Some(9), 0, 1));
    check(false, Some(5), (Some(5), 0, 0));
}

#[test]
fn only_a_fall_to_nothing_from_many_is_doubtful() {
    let mut story = Story::begin();
    let check = |story: &Story, followers, expected: bool| {
        assert_eq!(is_doubtful(story.connection(), &observed(followers)), expected, "{followers:?}");
    };
    check(&story, Some(0), false);
    story.run(Ok(observed(Some(999))));
    check(&story, Some(0), false);
    story.run(Ok(observed(Some(12_000))));
    check(&story, Some(0), true);
    check(&story, Some(1), false);
    check(&story, None, false);
    story.run(Ok(observed(None)));
    check(&story, Some(0), true);
    story.run(Ok(observed(Some(0))));
    check(&story, Some(0), false);
}

#[test]
fn a_number_of_an_earlier_day_is_history_and_nothing_follows() {
    let mut story = Story::begin();
    story.run(Ok(observed(Some(1000))));
    let grid = grid();
    let numbers = Numbers { followers: Some(10), ..Numbers::default() };
    let old = Snapshot {
        date: Date(20000),
        observed_at: story.now,
        source: Source::Manual,
        followers_step: None,
        definition: 0,
        read_with: None,
        by_hand: MetricSet::default(),
        numbers,
    };
    let mut dice = Dice(fastrand::Rng::with_seed(1));
    let mut decision = Decision::new(&story.roster, &grid, Ratio(100_000), story.now, &mut dice);
    learn(&mut decision, story.connection().clone(), old, ChangeCause::Manual);
    let commit = decision.commit;
    assert_eq!((commit.sync.changes.len(), commit.alerting.alerts.len(), commit.sync.snapshots.len()), (0, 0, 1));
    assert_eq!(commit.roster.connections[0].first_day, Some(Date(20000)));
    assert_eq!(commit.roster.connections[0].latest, story.connection().latest);
}
