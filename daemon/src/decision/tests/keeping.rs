//! What is kept of connections, and what follows when the rest was deleted.

use std::collections::BTreeMap;

use roster_protocol::connection::{Profile, ReadWith, Snapshot, Source};
use roster_protocol::metric::{MetricSet, Numbers};
use roster_protocol::time::Date;

use super::*;
use crate::decision::keep;
use crate::history::retention::{Limits, NEVER, Policy, Rule, Tally};

fn policy() -> Policy {
    let limits = Limits { public: Some(30), consent: None, after_consent: Some(7) };
    Policy { daily: 730, limits: BTreeMap::from([("youtube".to_owned(), limits)]) }
}

fn rule_of(scene: &Scene, connection: ConnectionId, now: Timestamp) -> Rule {
    keep::rules(&scene.roster, &policy(), &scene.grid, now)[&connection]
}

fn days(days: i64) -> Timestamp {
    NOON.plus_seconds(days * 24 * 3600)
}

#[test]
fn what_a_consent_gave_is_deleted_a_week_after_its_end() {
    let scene = Scene::new();
    let public = rule_of(&scene, TUBE, NOON);
    assert_eq!((public.unknown, public.public_from), (ReadWith::Public, Some(Date(TODAY.0 - 29))));
    assert_eq!(public.consent_from, None);
    let other = rule_of(&scene, SKY, NOON);
    assert_eq!((other.public_from, other.consent_from, other.unknown), (None, None, ReadWith::Public));

    // While the consent lasts, and for as long as the terms say after its end.
    let use_of_it = GrantUse { connection: TUBE, grant: grant(1, GrantState::Live).id };
    let scene = scene.with_grants(vec![grant(1, GrantState::Live)], vec![use_of_it]);
    assert_eq!(rule_of(&scene, TUBE, days(400)).consent_from, None);
    assert_eq!(rule_of(&scene, TUBE, NOON).unknown, ReadWith::Consent);
    let ended = grant(1, GrantState::Ended { at: NOON, why: "revoked".into() });
    let scene = scene.with_grants(vec![ended], vec![use_of_it]);
    assert_eq!(
        [0, 5, 6, 7].map(|day| rule_of(&scene, TUBE, days(day)).consent_from),
        [None, None, Some(NEVER), Some(NEVER)]
    );
    // A new consent before then keeps it.
    let scene = scene.with_grants(vec![grant(1, GrantState::Live)], vec![use_of_it]);
    assert_eq!(rule_of(&scene, TUBE, days(7)).consent_from, None);
    // Disconnecting ends it, too.
    let tube = scene.roster.connections[&TUBE].clone();
    let scene = scene.with_connection(Connection { disconnected_at: Some(NOON), ..tube });
    assert_eq!([5, 6].map(|day| rule_of(&scene, TUBE, days(day)).consent_from), [None, Some(NEVER)]);
}

#[test]
fn what_is_deleted_is_gone_from_memory_and_logged() {
    let measured = Snapshot {
        date: Date(TODAY.0 - 40),
        observed_at: NOON,
        source: Source::Api,
        followers_step: None,
        definition: 0,
        read_with: Some(ReadWith::Public),
        by_hand: MetricSet::default(),
        numbers: Numbers { followers: Some(900), ..Numbers::default() },
    };
    let profile =
        Profile { followers: Some(900), engagement_rate: None, avg_likes: None, as_of: NOON, source: Source::Api };
    let scene = Scene::new();
    let tube = scene.roster.connections[&TUBE].clone();
    let tube = Connection { latest: Some(measured), profile: Some(profile), ..tube };
    let mut scene = scene.with_connection(tube);
    let rules = keep::rules(&scene.roster, &policy(), &scene.grid, NOON);
    let tally = Tally { rolled: 9, deleted: 11, weeks: 2, reported: 3, newest_deleted: Some(Date(TODAY.0 - 30)) };
    let tallies = BTreeMap::from([(TUBE, tally), (SKY, Tally { rolled: 1, ..Tally::default() })]);
    let reasons = BTreeMap::from([("youtube".to_owned(), "terms: there".to_owned())]);
    let ((), commit) = scene.decide(|decision| keep::deleted(decision, &rules, &tallies, &reasons));
    assert_eq!(commit.sync.expired, [(TUBE, Date(TODAY.0 - 29))]);
    let [tube] = commit.roster.connections.as_slice() else { panic!("one connection: {commit:?}") };
    assert_eq!((tube.id, &tube.latest, &tube.profile), (TUBE, &None, &None));
    let lines: Vec<_> = commit
        .audit
        .lines
        .iter()
        .map(|line| {
            (line.action.as_str(), line.on.what.as_str(), line.old.as_deref().unwrap_or_default(), line.cause.as_str())
        })
        .collect();
    let until = Date(TODAY.0 - 30);
    let deleted = format!("11 days and 2 weeks and 3 reported days of 1 account, to {until}");
    assert_eq!(
        lines,
        [
            ("retention.weeks", "bluesky", "1 days of 1 account", "retention"),
            ("retention.weeks", "youtube", "9 days of 1 account", "retention"),
            ("retention.delete", "youtube", deleted.as_str(), "terms: there"),
        ]
    );
}

#[test]
fn a_store_over_its_budget_has_one_alert_until_it_is_not() {
    let mut scene = Scene::new();
    let ((), commit) = scene.decide(|decision| keep::watch_size(decision, 11_000_000, Some(10_000_000)));
    let [alert] = commit.alerting.alerts.as_slice() else { panic!("one alert: {commit:?}") };
    assert!(alert.rule == "store-size" && alert.about == About::Daemon, "{alert:?}");
    assert!(alert.why.starts_with("the store takes 11 MB, more than [retention] size, 10 MB"), "{}", alert.why);
    let mut scene = scene.after(commit);
    let mut alerts =
        |bytes, budget| scene.decide(|decision| keep::watch_size(decision, bytes, budget)).1.alerting.alerts;
    assert_eq!(alerts(12_000_000, Some(10_000_000)).len(), 0, "it is known");
    assert_eq!(alerts(9_000_000, Some(10_000_000)).first().map(|alert| alert.state), Some(AlertState::Resolved));
    assert_eq!(alerts(12_000_000, None).first().map(|alert| alert.state), Some(AlertState::Resolved));
}

#[test]
fn a_choice_is_stored_and_is_one_of_todays_defaults() {
    let mut scene = Scene::new();
    assert!(!keep::is_chosen(&scene.roster), "an older store has not chosen");
    let ((), commit) = scene.decide(|decision| keep::choose(decision, &ana()));
    assert_eq!(lines(&commit), ["retention.choose rosterd: – -> –"]);
    assert!(keep::is_chosen(&scene.after(commit).roster));
}
