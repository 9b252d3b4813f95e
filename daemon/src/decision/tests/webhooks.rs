//! What platforms send: what becomes due, what ends, what is deleted, and that each counts once.

use super::*;
use crate::decision::webhook::{DISTANCE_S, Notification, Taken, take};
use crate::model::{ConsentStep, Hold, SyncCommit, Trouble, TroubleKind};
use crate::platforms::webhook::{Pushed, REMEMBERED_S};

/// A consent of the app that the samples' platforms have.
fn consented(number: u8, granted_at: Timestamp) -> Grant {
    Grant { realm: "google:".into(), granted_at, ..grant(number, GrantState::Live) }
}

fn taken(scene: &mut Scene, number: u8, pushed: &[Pushed]) -> (Taken, Commit) {
    let notification = Notification { platform: "youtube", key: [number; 32], code: "code1", pushed };
    scene.decide(|decision| take(decision, &notification))
}

fn changed(id: &str) -> Pushed {
    Pushed::Changed { ids: vec![id.to_owned(), "id:unknown".to_owned()] }
}

fn due(commit: &Commit) -> Vec<(ConnectionId, Timestamp)> {
    commit.roster.connections.iter().map(|connection| (connection.id, connection.next_due_at)).collect()
}

fn tube() -> Connection {
    connection(TUBE, MARA, "youtube", "@mara")
}

#[test]
fn a_notification_marks_its_account_due_and_is_remembered() {
    let mut scene = Scene::new();
    let (first, commit) = taken(&mut scene, 1, &[changed("id:@mara")]);
    assert_eq!((first, due(&commit)), (Taken { marked: 1, ..Taken::default() }, vec![(TUBE, NOON)]));
    assert_eq!(commit.roster.connections[0].slot_at, DUE, "its slot stays");
    assert!(commit.audit.lines.is_empty(), "thousands are sent");
    assert_eq!(commit.webhooks.receipts[0].marked, [(TUBE, NOON)]);
    scene = scene.after(commit);
    assert!(scene.roster.webhooks.has_marked(TUBE, NOON));
    let (again, commit) = taken(&mut scene, 1, &[changed("id:@mara")]);
    assert!(again.is_repeat && due(&commit).is_empty() && commit.webhooks.receipts.is_empty());

    // What is about nothing here leaves no trace.
    let (none, commit) = taken(&mut scene, 2, &[changed("id:stranger")]);
    assert_eq!((none, commit.webhooks.receipts.len(), due(&commit).len()), (Taken::default(), 0, 0));
    let (none, commit) = taken(&mut scene, 3, &[changed("id:mara.example")]);
    assert_eq!((none, due(&commit).len()), (Taken::default(), 0), "it is an account of another platform");
}

#[test]
fn an_owner_stands_for_the_accounts_that_are_read_with_the_consent() {
    let mut scene = Scene::new().with_grants(vec![consented(1, Timestamp(0))], vec![used(TUBE, 1), used(SKY, 1)]);
    let (_, commit) = taken(&mut scene, 1, &[changed("owner1")]);
    assert_eq!(due(&commit), [(SKY, NOON), (TUBE, NOON)]);
    let other_app = Grant { realm: "google:other".into(), ..consented(1, Timestamp(0)) };
    scene = scene.after(ConsentsCommit { grants: vec![other_app], ..ConsentsCommit::default() });
    let (_, commit) = taken(&mut scene, 2, &[changed("owner1")]);
    assert!(due(&commit).is_empty());
}

#[test]
fn what_waits_fails_or_is_paused_is_left_as_it_is() {
    let check = |connection: Connection, expected: Option<Timestamp>| {
        let mut scene = Scene::new().with_connection(connection.clone());
        let (_, commit) = taken(&mut scene, 1, &[changed("id:@mara")]);
        let found = due(&commit).first().map(|(_, due)| *due);
        assert_eq!(found, expected, "{connection:?}");
        assert_eq!(commit.webhooks.receipts.len(), 1, "it was about an account of ours: {connection:?}");
    };
    let synced = |ago_s: i64| Connection { last_synced_at: Some(NOON.plus_seconds(-ago_s)), ..tube() };
    check(tube(), Some(NOON));
    check(synced(DISTANCE_S), Some(NOON));
    check(synced(DISTANCE_S - 60), Some(NOON.plus_seconds(60)));
    check(synced(0), Some(NOON.plus_seconds(DISTANCE_S)));
    check(synced(-60), Some(NOON.plus_seconds(DISTANCE_S + 60)));
    check(Connection { next_due_at: NOON.plus_seconds(60), ..synced(0) }, None);
    check(Connection { next_due_at: NOON, ..tube() }, None);
    check(Connection { paused: true, ..tube() }, None);
    check(Connection { disconnected_at: Some(NOON), ..tube() }, None);
    check(Connection { failures: 1, ..tube() }, None);
    let trouble = |kind| Trouble { kind, message: String::new(), since: NOON, retry_at: None, moved_to: None };
    check(Connection { trouble: Some(trouble(TroubleKind::Unauthorized)), ..tube() }, None);
    check(Connection { trouble: Some(trouble(TroubleKind::Partial)), ..tube() }, Some(NOON));

    let mut scene = Scene::new();
    scene.roster.running.insert(TUBE);
    assert!(due(&taken(&mut scene, 1, &[changed("id:@mara")]).1).is_empty(), "it runs now");
    // A hold keeps its lane from being requested, whatever is due.
    let hold = Hold { lane: "youtube".into(), until: DUE, reason: String::new() };
    let mut scene = Scene::new().after(SyncCommit { holds: vec![hold], ..SyncCommit::default() });
    assert_eq!(due(&taken(&mut scene, 1, &[changed("id:@mara")]).1), [(TUBE, NOON)]);
    assert!(scene.roster.hold_on("youtube", NOON).is_some());
}

#[test]
fn a_removal_ends_the_consents_that_were_given_before_it() {
    let removed =
        |at: Timestamp| [Pushed::Removed { owner_id: "owner1".to_owned(), at, why: "the owner removed it".to_owned() }];
    let mut scene = Scene::new().with_grants(vec![consented(1, NOON), consented(2, NOON)], vec![used(TUBE, 1)]);
    let (late, commit) = taken(&mut scene, 1, &removed(NOON.plus_seconds(-1)));
    assert_eq!((late, commit.consents.grants.len()), (Taken::default(), 0), "the owner consented again since");
    // Platforms count whole seconds.
    let mut scene = scene
        .after(ConsentsCommit { grants: vec![consented(1, Timestamp(NOON.0 + 999))], ..ConsentsCommit::default() });
    let (ended, commit) = taken(&mut scene, 1, &removed(NOON));
    assert_eq!((ended.ended, due(&commit)), (1, vec![(TUBE, NOON)]));
    assert_eq!(commit.webhooks.receipts[0].marked, [(TUBE, NOON)], "the run that says so is caused by it");
    let id = used(TUBE, 1).grant;
    assert_eq!((commit.consents.grants[0].id, commit.consents.removed_tokens.as_slice()), (id, [id].as_slice()));
    assert_eq!(lines(&commit), [format!("grant.end {id} youtube Mara: – -> the owner removed it")]);
    scene = scene.after(commit);
    let (again, commit) = taken(&mut scene, 1, &removed(NOON));
    assert!(again.is_repeat && lines(&commit).is_empty());
    let (other, commit) = taken(&mut scene, 2, &removed(NOON));
    assert_eq!((other.ended, lines(&commit).len()), (0, 0), "it is over already");
}

#[test]
fn a_deletion_takes_the_accounts_and_the_consent_and_leaves_a_code() {
    let deletion = |at: Timestamp| [Pushed::Deletion { owner_id: "owner1".to_owned(), at }];
    let uses = vec![used(TUBE, 1), used(HERS, 2)];
    let mut scene = Scene::new().with_grants(vec![consented(1, NOON), consented(2, NOON)], uses);
    let open = consent(None, ConsentStep::Listing { grant: used(TUBE, 1).grant });
    scene = scene.after(ConsentsCommit { consents: vec![open.clone()], ..ConsentsCommit::default() });
    scene = scene.with_alerts(vec![alert(1, AlertState::Open, about(TUBE, MARA))]);

    let (late, commit) = taken(&mut scene, 1, &deletion(NOON.plus_seconds(-1)));
    assert_eq!((late.deleted, commit.roster.removed_connections.len()), (0, 0));
    assert_eq!((commit.webhooks.deletions[0].accounts, lines(&commit).len()), (0, 0), "it has a page all the same");

    let (deleted, commit) = taken(&mut scene, 1, &deletion(NOON));
    assert_eq!(deleted.deleted, 1);
    let gone: Vec<_> = commit.roster.removed_connections.iter().map(|connection| connection.id).collect();
    assert_eq!((gone.as_slice(), commit.consents.ended_uses.as_slice()), ([TUBE].as_slice(), [TUBE].as_slice()));
    assert_eq!(
        (commit.consents.removed_grants.as_slice(), commit.consents.removed_consents.as_slice()),
        ([used(TUBE, 1).grant].as_slice(), [open.id].as_slice())
    );
    assert_eq!(commit.alerting.alerts[0].state, AlertState::Resolved);
    let [kept] = commit.webhooks.deletions.as_slice() else { panic!("one: {commit:?}") };
    assert_eq!((kept.code.as_str(), kept.platform.as_str(), kept.at, kept.accounts), ("code1", "youtube", NOON, 1));
    let logged = lines(&commit);
    assert!(logged.len() == 2 && !logged.join(" ").to_lowercase().contains("mara"), "no owner is named: {logged:?}");
    scene = scene.after(commit);
    assert!(!scene.roster.connections.contains_key(&TUBE) && scene.roster.webhooks.deletions.contains_key("code1"));
    assert!(taken(&mut scene, 1, &deletion(NOON)).0.is_repeat);
}

#[test]
fn what_is_remembered_has_bounds() {
    let mut scene = Scene::new();
    let mut commit = Commit::default();
    let receipt = |number: u16, at: Timestamp| crate::model::Receipt {
        at,
        key: std::array::from_fn(|byte| number.to_be_bytes().get(byte).copied().unwrap_or(9)),
        marked: vec![],
    };
    let old = NOON.plus_seconds(-REMEMBERED_S - 1);
    commit.webhooks.receipts = (0..10_005).map(|number| receipt(number, NOON)).chain([receipt(20_000, old)]).collect();
    scene = scene.after(commit);
    let (_, commit) = taken(&mut scene, 1, &[changed("id:@mara")]);
    assert_eq!(commit.webhooks.forgotten_receipts.len(), 6, "the old one, and those beyond the most");
    assert_eq!(commit.webhooks.forgotten_receipts[0].0, old);
}
