//! What a user can take back: the newest change, and never over what another user did since.

use roster_protocol::audit::PauseTarget;
use roster_protocol::influencer::InfluencerEdit;
use roster_protocol::undo::Undone;

use super::*;
use crate::decision::{acknowledge, edit, erase, pause, removal, undo};
use crate::model::Removable;
use crate::roster::rows::Seen;

fn leo() -> Who {
    Who { uid: 1001, name: "leo".into() }
}

/// Commits what a decision decides, and what it returned.
fn done<T>(scene: &mut Scene, decide: impl FnOnce(&mut Decision<'_>) -> Result<T, RosterError>) -> T {
    let (result, commit) = scene.commit(decide);
    scene.roster.apply(&commit);
    result
}

fn undone(scene: &mut Scene, who: &Who) -> Option<Result<String, String>> {
    let undone = done(scene, |decision| Ok(undo::undo(decision, who)));
    undone.map(|undone| undone.map(|it: Undone| it.to_string()).map_err(|error| error.message))
}

fn edits(name: Option<&str>, note: Option<&str>, tag: &[&str], untag: &[&str]) -> InfluencerEdit {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    InfluencerEdit {
        name: name.map(str::to_owned),
        note: note.map(str::to_owned),
        tag: texts(tag),
        untag: texts(untag),
        ..InfluencerEdit::default()
    }
}

/// Name, note and tags of Mara.
fn mara(scene: &Scene) -> (String, String, String) {
    let mara = &scene.roster.influencers[&MARA];
    (mara.name.clone(), mara.note.clone().unwrap_or_default(), mara.tags.join(" "))
}

#[test]
fn edits_are_taken_back_the_newest_first() {
    let mut scene = Scene::new();
    let before = mara(&scene);
    let named = MARA.to_string();
    done(&mut scene, |it| edit::edit(it, &ana(), &named, &edits(None, Some("likes tea"), &["new"], &[])));
    done(&mut scene, |it| edit::edit(it, &ana(), &named, &edits(Some("Mia"), None, &[], &["new"])));
    assert_eq!(mara(&scene), ("Mia".into(), "likes tea".into(), String::new()));
    assert_eq!(undone(&mut scene, &leo()), None, "of another user");
    assert_eq!(undone(&mut scene, &ana()), Some(Ok("taken back: the name, tags of Mia".into())));
    assert_eq!(mara(&scene), (before.0.clone(), "likes tea".into(), "new".into()));
    let (result, commit) = scene.decide(|decision| undo::undo(decision, &ana()));
    assert!(matches!(result, Some(Ok(_))));
    assert!(commit.audit.lines.iter().all(|line| line.cause == "undo" && line.who == Some(ana())), "{commit:?}");
    assert_eq!(lines(&commit).len(), 2, "the note and the tags");
    scene.roster.apply(&commit);
    assert_eq!(mara(&scene), before);
    assert_eq!(undone(&mut scene, &ana()), None);
    assert!(scene.roster.undo.is_empty());
}

#[test]
fn what_another_user_changed_since_stays_and_is_passed_over() {
    let mut scene = Scene::new();
    let named = MARA.to_string();
    done(&mut scene, |it| edit::edit(it, &ana(), &named, &edits(None, None, &["spring"], &[])));
    done(&mut scene, |it| edit::edit(it, &ana(), &named, &edits(None, Some("mine"), &[], &[])));
    done(&mut scene, |it| edit::edit(it, &leo(), &named, &edits(None, Some("theirs"), &["q4"], &[])));
    let refused = r#"the note was changed meanwhile: it is "theirs" now, and was "mine""#;
    assert_eq!(undone(&mut scene, &ana()), Some(Err(refused.into())));
    assert_eq!(mara(&scene).1, "theirs");
    // Tags of two users do not get into each other's way.
    assert_eq!(undone(&mut scene, &ana()), Some(Ok("taken back: tags of Mara".into())));
    assert_eq!(mara(&scene).2, "q4");
}

#[test]
fn intervals_and_pauses_are_taken_back() {
    let mut scene = Scene::new();
    let sky = SKY.to_string();
    done(&mut scene, |it| edit::set_interval(it, &ana(), &sky, Some(Seconds(3600)), None));
    done(&mut scene, |it| pause::pause(it, &ana(), &PauseTarget::One(MARA.to_string()), true));
    // Paused already: no change.
    done(&mut scene, |it| pause::pause(it, &ana(), &PauseTarget::One(MARA.to_string()), true));
    done(&mut scene, |it| pause::pause(it, &ana(), &PauseTarget::Platform("bluesky".into()), true));
    done(&mut scene, |it| pause::pause(it, &ana(), &PauseTarget::All, true));
    let said = ["everything", "platform bluesky", "Mara"].map(|on| Some(Ok(format!("taken back: the pause of {on}"))));
    assert_eq!([0; 3].map(|_| undone(&mut scene, &ana())), said);
    assert!(!scene.roster.settings.paused && scene.roster.settings.paused_platforms.is_empty());
    assert!(!scene.roster.influencers[&MARA].paused);
    assert_eq!(scene.roster.connections[&SKY].interval, Some(Seconds(3600)));
    assert_eq!(undone(&mut scene, &ana()), Some(Ok("taken back: the interval of bluesky:mara.example".into())));
    assert_eq!(scene.roster.connections[&SKY].interval, None);
    done(&mut scene, |it| pause::pause(it, &ana(), &PauseTarget::All, true));
    done(&mut scene, |it| pause::pause(it, &leo(), &PauseTarget::All, false));
    assert_eq!(undone(&mut scene, &ana()), Some(Err("it was resumed meanwhile".into())));
}

#[test]
fn acknowledged_alerts_are_open_again_but_for_those_of_another_user() {
    let mut scene = Scene::new()
        .with_alerts(vec![alert(1, AlertState::Open, about(SKY, MARA)), alert(2, AlertState::Open, about(TUBE, MARA))]);
    let ids: Vec<AlertId> = scene.roster.alerts.values().map(|alert| alert.id).collect();
    done(&mut scene, |it| acknowledge::acknowledge(it, &leo(), &ids[..1], Some("mine")));
    done(&mut scene, |it| acknowledge::acknowledge(it, &ana(), &ids, None));
    assert_eq!(undone(&mut scene, &ana()), Some(Ok("taken back: the acknowledgement of an alert".into())));
    let state = |scene: &Scene, number: u64| {
        let alert = &scene.roster.alerts[&number];
        (alert.state, alert.acknowledged_by.clone(), alert.ended_at)
    };
    assert_eq!(state(&scene, 1), (AlertState::Acknowledged, Some("leo".into()), Some(NOON)));
    assert_eq!(state(&scene, 2), (AlertState::Open, None, None));
}

#[test]
fn only_the_last_day_and_twenty_changes_are_kept_and_nothing_of_who_is_removed() {
    let mut scene = Scene::new();
    for number in 0..25 {
        let named = if number % 2 == 0 { MARA } else { LEA }.to_string();
        done(&mut scene, |it| edit::edit(it, &ana(), &named, &edits(None, Some(&format!("n{number}")), &[], &[])));
    }
    assert_eq!(scene.roster.undo[&1000].changes.len(), 20);
    let seen = Seen { now: NOON, interval: Seconds(6 * 3600) };
    done(&mut scene, |it| erase::remove(it, &leo(), &LEA.to_string(), seen));
    assert_eq!(scene.roster.undo[&1000].changes.len(), 20, "it can be taken back");
    scene.now = NOON.plus_seconds(24 * 3600);
    done(&mut scene, |it| {
        removal::complete(it);
        Ok(())
    });
    scene.now = NOON;
    assert_eq!(scene.roster.undo[&1000].changes.len(), 10);
    let old = &mut scene.roster.undo.get_mut(&1000).expect("ana's").changes;
    old.iter_mut().for_each(|change| change.at = NOON.plus_seconds(-24 * 3600));
    assert_eq!(undone(&mut scene, &ana()), None);
}

/// Léa's and Mara's accounts, each read with a consent.
fn with_grants() -> Scene {
    let grants = vec![grant(1, GrantState::Live), grant(2, GrantState::Live)];
    Scene::new().with_grants(grants, vec![used(SKY, 1), used(HERS, 2)])
}

fn remove_mara(scene: &mut Scene) {
    let seen = Seen { now: scene.now, interval: Seconds(6 * 3600) };
    done(scene, |it| erase::remove(it, &ana(), &MARA.to_string(), seen));
}

#[test]
fn a_removal_is_taken_back_with_the_consents_within_a_day() {
    let mut scene = with_grants();
    let before = scene.roster.influencers[&MARA].clone();
    remove_mara(&mut scene);
    assert!(!scene.roster.influencers.contains_key(&MARA) && !scene.roster.connections.contains_key(&SKY));
    let state = |scene: &Scene| scene.roster.consents.grants[&used(SKY, 1).grant].state.clone();
    let day = NOON.plus_seconds(24 * 3600);
    let put_off = GrantState::Revoking { since: NOON, attempts: 0, next_at: day, last_error: None };
    assert_eq!(state(&scene), put_off, "revoked when the day is over");
    assert_eq!(undone(&mut scene, &leo()), None, "of another user");
    scene.now = NOON.plus_seconds(23 * 3600);
    assert_eq!(undone(&mut scene, &ana()), Some(Ok("taken back: the removal of Mara".into())));
    assert_eq!(scene.roster.influencers[&MARA], before);
    assert_eq!(scene.roster.connections[&SKY].next_due_at, scene.now);
    assert_eq!(
        (state(&scene), scene.roster.consents.grant_of(SKY).map(|it| it.id)),
        (GrantState::Live, Some(used(SKY, 1).grant))
    );
    assert!(scene.roster.removals.is_empty());
    assert_eq!(undone(&mut scene, &ana()), None, "once");
}

#[test]
fn a_wrong_account_that_was_just_connected_is_revoked_at_once() {
    let given = |seconds: i64, connected: i64| {
        let mut scene = with_grants();
        let granted_at = NOON.plus_seconds(-seconds);
        let grants = scene.roster.consents.grants.values().cloned();
        let grants = grants.map(|grant| Grant { granted_at, ..grant }).collect();
        scene = scene.after(ConsentsCommit { grants, ..ConsentsCommit::default() });
        let (_, commit) = scene.commit(|it| {
            let connected_at = NOON.plus_seconds(-connected);
            let connection = Connection { connected_at, ..it.roster.connections[&SKY].clone() };
            removal::connection(it, &ana(), &connection);
            Ok(())
        });
        scene.roster.apply(&commit);
        let states: Vec<_> = commit.consents.grants.iter().map(|grant| grant.state.clone()).collect();
        assert!(matches!(undone(&mut scene, &ana()), Some(Ok(_))), "the account itself comes back");
        let consent = scene.roster.consents.grant_of(SKY).map(|grant| grant.id);
        (states, commit.consents.revoked.len(), consent)
    };
    let revoking = |next_at| vec![GrantState::Revoking { since: NOON, attempts: 0, next_at, last_error: None }];
    assert_eq!(given(600, 600), (revoking(NOON), 1, None));
    let day = NOON.plus_seconds(24 * 3600);
    assert_eq!(given(601, 600), (revoking(day), 0, Some(used(SKY, 1).grant)));
    // Connected long ago, and its owner consented again.
    assert_eq!(given(5, 601), (revoking(day), 0, Some(used(SKY, 1).grant)));
}

#[test]
fn after_the_day_what_was_removed_is_deleted() {
    let mut scene = with_grants();
    remove_mara(&mut scene);
    scene.now = NOON.plus_seconds(24 * 3600);
    let (_, commit) = scene.commit(|it| {
        removal::complete(it);
        Ok(())
    });
    let mut forgotten: Vec<_> = commit.roster.forgotten_connections.iter().map(|it| it.id).collect();
    forgotten.sort();
    assert_eq!((forgotten, commit.roster.ended_removals.clone()), (vec![SKY, TUBE], vec![Removable::Influencer(MARA)]));
    scene.roster.apply(&commit);
    assert_eq!(undone(&mut scene, &ana()), None);
    // One moment before, nothing is.
    let mut scene = with_grants();
    remove_mara(&mut scene);
    scene.now = NOON.plus_seconds(24 * 3600 - 1);
    let (_, commit) = scene.commit(|it| {
        removal::complete(it);
        Ok(())
    });
    assert!(commit.roster.ended_removals.is_empty() && commit.roster.forgotten_connections.is_empty());
}

#[test]
fn an_account_that_is_connected_again_is_not_brought_back_and_all_consents_end_at_once() {
    let mut scene = with_grants();
    remove_mara(&mut scene);
    let (_, commit) = scene.commit(|it| Ok(crate::decision::grants::revoke_all(it, &ana())));
    let due: Vec<_> = commit.consents.grants.iter().map(|it| (it.id, it.state.clone())).collect();
    let now = GrantState::Revoking { since: NOON, attempts: 0, next_at: NOON, last_error: None };
    assert!(due.contains(&(used(SKY, 1).grant, now.clone())) && due.contains(&(used(HERS, 2).grant, now)), "{due:?}");
    let again = Connection {
        id: roster_protocol::ids::ConnectionId::from_bytes([0x77; 5]),
        ..connection(SKY, LEA, "bluesky", "mara.example")
    };
    let mut commit = Commit::default();
    commit.roster.connections.push(again);
    scene.roster.apply(&commit);
    let refused = undone(&mut scene, &ana()).expect("there is one").expect_err("it is taken");
    assert!(refused.contains("was connected to"), "{refused}");
    assert!(!scene.roster.influencers.contains_key(&MARA));
}
