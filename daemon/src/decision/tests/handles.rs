//! Another handle for a connection, and numbers that a user recorded.

use roster_protocol::connection::{ByHand, Recorded, Snapshot, Source};
use roster_protocol::metric::{Metric, MetricSet, Numbers};
use roster_protocol::time::Date;

use super::*;
use crate::decision::connect::{self, Found};
use crate::decision::record::{self, Given};
use crate::platforms::Observation;

fn found(handle: &str, id: Option<&str>) -> Found {
    let observation = id.map(|id| Observation { platform_user_id: id.into(), ..Observation::default() });
    Found { platform: "bluesky".into(), handle: handle.into(), observation }
}

fn snapshot(date: Date, source: Source, followers: Option<u64>, posts: Option<u64>) -> Snapshot {
    let numbers = Numbers { followers, posts, ..Numbers::default() };
    Snapshot {
        date,
        observed_at: Timestamp(0),
        source,
        followers_step: Some(100),
        definition: 3,
        read_with: None,
        by_hand: MetricSet::default(),
        numbers,
    }
}

fn set(scene: &mut Scene, found: Found, another: bool) -> Result<Option<Connection>, RosterError> {
    let (result, commit) = scene.decide(|decision| connect::set_handle(decision, &ana(), SKY, found, another));
    result.map(|_| commit.roster.connections.into_iter().next())
}

#[test]
fn a_renamed_account_goes_on_at_once_and_the_line_has_both_handles() {
    let failing = Connection { failures: 4, ..connection(SKY, MARA, "bluesky", "mara.example") };
    let mut scene = Scene::new().with_connection(failing);
    let (id, commit) = scene.commit(|decision| {
        connect::set_handle(decision, &ana(), SKY, found("new.example", Some("id:mara.example")), false)
    });
    let after = &commit.roster.connections[0];
    assert_eq!((id, after.handle.as_str(), after.failures, after.next_due_at), (SKY, "new.example", 0, NOON));
    assert_eq!((after.slot_at, after.trouble.clone()), (NOON, None));
    let names = "mara.example (id:mara.example) -> new.example (id:mara.example)";
    assert_eq!(lines(&commit), [format!("connection.handle {SKY} bluesky:mara.example: {names}")]);
    let same = set(&mut scene, found("mara.example", Some("id:mara.example")), false);
    assert_eq!(same.expect("nothing is wrong with it"), None, "nothing changes");
}

#[test]
fn another_account_needs_a_yes_and_an_unknown_one_is_refused() {
    let counted = Some(snapshot(TODAY, Source::Api, Some(5_000), None));
    let known = Connection { latest: counted, ..connection(SKY, MARA, "bluesky", "mara.example") };
    let mut scene = Scene::new().with_connection(known);
    let error = set(&mut scene, found("new.example", Some("id:new")), false).expect_err("it is another");
    let message = "new.example is another account than mara.example, which had 5000 followers";
    assert_eq!((error.kind, error.message.as_str()), (ErrorKind::Usage, message));
    let hint = format!("`roster set {SKY} handle new.example --yes` goes on with it in the same history");
    assert_eq!(error.hint, Some(hint));
    let after = set(&mut scene, found("new.example", Some("id:new")), true).expect("yes was given");
    assert_eq!(after.and_then(|after| after.platform_user_id).as_deref(), Some("id:new"));
    let error = set(&mut scene, found("new.example", None), true).expect_err("nobody knows which it is");
    assert_eq!(error.kind, ErrorKind::Unavailable);

    let nameless = Connection { platform_user_id: None, ..connection(SKY, MARA, "bluesky", "mara.example") };
    let mut scene = Scene::new().with_connection(nameless);
    let after = set(&mut scene, found("new.example", None), false).expect("neither is known");
    assert_eq!(after.map(|after| (after.handle, after.platform_user_id)), Some(("new.example".into(), None)));
}

#[test]
fn a_handle_that_another_connection_has_is_refused() {
    let mut scene = Scene::new();
    let error = set(&mut scene, found("lea.example", Some("id:lea.example")), true).expect_err("it is hers");
    assert_eq!(error.message, "bluesky:lea.example is connected to Léa already");
    let gone = Connection { disconnected_at: Some(Timestamp(1)), ..connection(HERS, LEA, "bluesky", "lea.example") };
    let mut scene = Scene::new().with_connection(gone);
    let error = set(&mut scene, found("lea.example", Some("id:lea.example")), true).expect_err("it has a history");
    assert_eq!(error.message, "bluesky:lea.example has a history of its own here");
    let delete = format!("`roster disconnect {HERS} --delete-history --yes` deletes it");
    assert!(error.hint.is_some_and(|hint| hint.ends_with(&delete)));
    let ((), commit) = scene.decide(|decision| {
        decision
            .commit
            .roster
            .connections
            .push(Connection { disconnected_at: Some(NOON), ..connection(SKY, MARA, "bluesky", "mara.example") });
    });
    let mut scene = scene.after(commit);
    let error = set(&mut scene, found("new.example", None), true).expect_err("it is disconnected");
    assert_eq!(error.kind, ErrorKind::NotFound);
}

#[test]
fn a_consent_is_for_one_account() {
    let mut scene = Scene::new().with_grants(vec![grant(1, GrantState::Live)], vec![used(SKY, 1)]);
    let error = set(&mut scene, found("new.example", Some("id:new")), true).expect_err("its owner consented");
    assert!(error.kind == ErrorKind::Conflict && error.hint.is_some_and(|hint| hint.contains("asks the owner of")));
    assert!(set(&mut scene, found("new.example", Some("id:mara.example")), false).is_ok(), "a rename is the same one");
}

fn recorded(scene: &mut Scene, date: Date, given: &Given, stored: Option<&Snapshot>) -> (Recorded, Commit) {
    scene.commit(|decision| record::record(decision, &ana(), SKY, date, given, stored))
}

fn given(followers: u64, keep: bool) -> Given {
    Given { numbers: Numbers { followers: Some(followers), ..Numbers::default() }, keep }
}

#[test]
fn a_recorded_number_keeps_the_days_others_and_is_logged_with_what_it_was() {
    let stored = snapshot(TODAY, Source::Api, Some(100), Some(7));
    let mut scene = Scene::new();
    let (recorded_today, commit) = recorded(&mut scene, TODAY, &given(250, false), Some(&stored));
    let numbers = &commit.sync.snapshots[0].1.numbers;
    assert_eq!((numbers.followers, numbers.posts), (Some(250), Some(7)));
    let after = &recorded_today.snapshot;
    assert_eq!((after.source, after.followers_step, after.definition), (Source::Manual, None, 3));
    assert_eq!(after.by_hand.iter().collect::<Vec<_>>(), [Metric::Followers]);
    assert!(!recorded_today.kept, "a sync of today may replace it");
    assert_eq!(
        lines(&commit)[0],
        format!("snapshot.record {SKY} bluesky:mara.example: followers 100 -> 2026-11-21: followers 250")
    );
    let by_hand = |commit: &Commit| commit.roster.connections[0].by_hand.clone();
    let hand = by_hand(&commit).expect("today is by hand");
    assert_eq!((hand.date, hand.numbers), (TODAY, vec![ByHand { metric: Metric::Followers, kept: false }]));

    // A second number of the day, to be kept, stands beside the first.
    let mut scene = scene.after(commit);
    let posts = Given { numbers: Numbers { posts: Some(9), ..Numbers::default() }, keep: true };
    let (kept, commit) = recorded(&mut scene, TODAY, &posts, Some(&recorded_today.snapshot));
    assert!(kept.kept && lines(&commit)[0].ends_with("posts 7 -> 2026-11-21: posts 9 (kept)"));
    let hand = by_hand(&commit).expect("today is by hand");
    let [followers, posts] = hand.numbers.as_slice() else { panic!("two: {hand:?}") };
    assert_eq!(
        (followers.metric, followers.kept, posts.metric, posts.kept),
        (Metric::Followers, false, Metric::Posts, true)
    );

    // An earlier day is history: what is by hand on the newest stays, and no sync replaces it.
    let mut scene = scene.after(commit);
    let (earlier, commit) = recorded(&mut scene, Date(TODAY.0 - 1), &given(90, false), None);
    assert!(earlier.kept);
    assert_eq!(by_hand(&commit).map(|hand| hand.date), Some(TODAY));
    let error = scene.refusal(|decision| {
        record::record(decision, &ana(), ConnectionId::from_bytes([9; 5]), TODAY, &given(1, false), None)
    });
    assert_eq!(error.kind, ErrorKind::NotFound);
}

#[test]
fn only_measured_numbers_need_a_yes_to_be_replaced() {
    let both = Numbers { followers: Some(1), posts: Some(2), ..Numbers::default() };
    let measured = |connection: &Connection, stored: Option<&Snapshot>| record::measured(connection, stored, &both);
    let sky = connection(SKY, MARA, "bluesky", "mara.example");
    let api = snapshot(TODAY, Source::Api, Some(100), None);
    assert_eq!(measured(&sky, None), []);
    assert_eq!(measured(&sky, Some(&api)), [Metric::Followers], "posts were not measured");
    assert_eq!(measured(&sky, Some(&Snapshot { source: Source::Manual, ..api.clone() })), []);
    let numbers = vec![ByHand { metric: Metric::Posts, kept: false }];
    let by_hand = Connection { by_hand: Some(crate::model::HandDay { date: TODAY, numbers }), ..sky };
    let whole = snapshot(TODAY, Source::Manual, Some(100), Some(5));
    assert_eq!(measured(&by_hand, Some(&whole)), [Metric::Followers], "posts are by hand already");
    let earlier = Snapshot { by_hand: [Metric::Posts].into_iter().collect(), date: Date(TODAY.0 - 9), ..whole };
    assert_eq!(measured(&by_hand, Some(&earlier)), [Metric::Followers], "an earlier day says so itself");
}
