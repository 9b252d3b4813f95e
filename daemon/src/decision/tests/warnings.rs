//! Consents that end soon are said to end, once at each stage.

use roster_protocol::alert::Severity;

use super::*;
use crate::decision::warn;
use crate::model::{Trouble, TroubleKind};

/// Mara's channel and Léa's account are read with a consent of which nothing is left in so many days.
fn scene(days: i64) -> Scene {
    let ends = NOON.plus_seconds(days * 24 * 3600);
    let grant = Grant { data_ends_at: Some(ends), ..grant(1, GrantState::Live) };
    Scene::new().with_grants(vec![grant], vec![used(TUBE, 1), used(HERS, 1)])
}

fn opened(commit: &Commit) -> Vec<(ConnectionId, AlertState, Severity)> {
    let of = |alert: &Alert| (alert.about.connection().expect("of a connection"), alert.state, alert.severity);
    commit.alerting.alerts.iter().map(of).collect()
}

#[test]
fn each_connection_of_a_consent_that_ends_soon_has_an_alert() {
    let mut far = scene(15);
    assert_eq!(warn::next(&far.roster, NOON), Some(NOON.plus_seconds(24 * 3600)));
    assert_eq!(far.decide(warn::warn).1.alerting.alerts, []);

    let mut scene = scene(10);
    assert_eq!(warn::next(&scene.roster, NOON), Some(NOON));
    let (_, commit) = scene.decide(warn::warn);
    let early = |id| (id, AlertState::Open, Severity::Info);
    assert_eq!(opened(&commit), [early(TUBE), early(HERS)]);
    let numbers: Vec<u64> = commit.alerting.alerts.iter().map(|alert| alert.number).collect();
    assert_eq!((numbers, commit.alerting.deliveries.len()), (vec![1, 2], 2));
    let alert = &commit.alerting.alerts[0];
    let why = "its consent ends on 2026-12-01: connect it again before, and its owner consents again";
    assert_eq!((alert.rule.as_str(), alert.why.as_str()), ("consent-ends", why));
    let mut scene = scene.after(commit);
    assert_eq!(scene.decide(warn::warn).1.alerting.alerts, [], "it was said");
    assert_eq!(warn::next(&scene.roster, NOON), Some(NOON.plus_seconds(3 * 24 * 3600)));

    // Nearer, it is said again, more urgently; and taken back where it is not so any more.
    let sooner = Grant { data_ends_at: Some(NOON.plus_seconds(24 * 3600)), ..grant(1, GrantState::Live) };
    let mut scene = scene.after(ConsentsCommit { grants: vec![sooner], ..ConsentsCommit::default() });
    let (_, commit) = scene.decide(warn::warn);
    let resolved = |id| (id, AlertState::Resolved, Severity::Info);
    let critical = |id| (id, AlertState::Open, Severity::Critical);
    assert_eq!(opened(&commit), [resolved(TUBE), critical(TUBE), resolved(HERS), critical(HERS)]);
    let mut scene = scene.after(commit);
    let trouble = Trouble {
        kind: TroubleKind::Unauthorized,
        message: String::new(),
        since: NOON,
        retry_at: None,
        moved_to: None,
    };
    let waits = Connection { trouble: Some(trouble), ..connection(HERS, LEA, "bluesky", "lea.example") };
    scene = scene.with_connection(waits);
    assert_eq!(warn::next(&scene.roster, NOON), Some(NOON));
    let (_, commit) = scene.decide(warn::warn);
    assert_eq!(opened(&commit), [(HERS, AlertState::Resolved, Severity::Critical)], "it waits for a person");
    let ended = Grant { state: ended(), ..grant(1, GrantState::Live) };
    let mut scene = scene.after(commit).after(ConsentsCommit { grants: vec![ended], ..ConsentsCommit::default() });
    let (_, commit) = scene.decide(warn::warn);
    assert_eq!(opened(&commit), [(TUBE, AlertState::Resolved, Severity::Critical)]);
    assert_eq!(warn::next(&scene.after(commit).roster, NOON), None);
}
