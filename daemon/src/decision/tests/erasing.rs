//! Erasing an influencer, and taking out again whom an older copy of the store brought back.

use super::*;
use crate::decision::erase::{self, Replayed};
use crate::decision::removal;
use crate::model::{RevokedGrant, Tombstone};

const SALT: [u8; 16] = [9; 16];

/// Mara is read with one grant, and Léa with another one.
fn scene() -> Scene {
    let grants = vec![grant(1, GrantState::Live), grant(2, GrantState::Live)];
    Scene::new().with_grants(grants, vec![used(SKY, 1), used(HERS, 2)])
}

/// Mara's tombstone, as the list beside a backup has it.
fn tombstone() -> Tombstone {
    let mut scene = scene();
    scene.commit(|decision| erase::erase(decision, &ana(), "Mara", SALT)).0
}

/// A scene that knows it.
fn after(scene: Scene, tombstone: Tombstone) -> Scene {
    scene.after(RosterCommit { tombstones: vec![tombstone], ..RosterCommit::default() })
}

#[test]
fn an_erased_influencer_leaves_ids_and_hashes() {
    let mut scene = scene();
    let (tombstone, commit) = scene.commit(|decision| erase::erase(decision, &ana(), "Mara", SALT));
    let mut connections = tombstone.connections.clone();
    connections.sort();
    assert_eq!((tombstone.id(), connections, tombstone.at), (MARA, vec![SKY, TUBE], NOON));
    assert!(tombstone.accounts.len() == 2 && !tombstone.is_done);
    assert_eq!(lines(&commit), [format!("influencer.erase {MARA}: – -> –")]);
    assert_eq!((&commit.roster.removed_influencers, &commit.roster.removed_data_keys), (&vec![MARA], &vec![MARA]));
    let [revoked] = commit.consents.grants.as_slice() else { panic!("one grant") };
    assert_eq!((revoked.id, revoked.owner_name.as_str(), revoked.owner_id.as_str()), (used(SKY, 1).grant, "", ""));
    assert_eq!(commit.consents.revoked, [RevokedGrant { grant: revoked.id, at: NOON }]);
    let refused = scene.refusal(|decision| erase::erase(decision, &ana(), "No such", SALT));
    assert_eq!(refused.kind, ErrorKind::NotFound);
}

#[test]
fn an_older_copy_brings_them_back_under_no_id() {
    // The same ids.
    let (replayed, commit) = after(scene(), tombstone()).decide(erase::replay);
    assert_eq!(replayed, Replayed { influencers: 1, consents: 0 });
    assert_eq!(commit.roster.removed_influencers, [MARA]);
    // Other ids, and the same accounts.
    let mut elsewhere = tombstone();
    elsewhere.influencers = vec![InfluencerId::from_bytes([1; 5])];
    elsewhere.connections.clear();
    let (replayed, commit) = after(scene(), elsewhere.clone()).decide(erase::replay);
    assert_eq!((replayed.influencers, commit.roster.removed_influencers.as_slice()), (1, [MARA].as_slice()));
    let known = &commit.roster.tombstones[0];
    assert!(known.influencers.contains(&MARA) && known.connections.contains(&SKY), "from now on by ids");
    // One of the accounts belongs to an influencer who has others: it goes alone.
    elsewhere.accounts.truncate(1);
    let (replayed, commit) = after(scene(), elsewhere.clone()).decide(erase::replay);
    assert_eq!((replayed.influencers, commit.roster.removed_connections.len()), (0, 1));
    // Connected anew since then, it stays.
    elsewhere.at = Timestamp(-1);
    let (replayed, commit) = after(scene(), elsewhere).decide(erase::replay);
    assert!(replayed == Replayed::default() && commit.roster.removed_connections.is_empty());
}

#[test]
fn an_older_copy_uses_no_consent_that_was_ended() {
    let ended = |at: Timestamp| {
        let revoked = vec![RevokedGrant { grant: used(HERS, 2).grant, at }];
        let mut scene = scene().after(ConsentsCommit { revoked, ..ConsentsCommit::default() });
        scene.decide(erase::replay)
    };
    let granted = grant(2, GrantState::Live).granted_at;
    let (replayed, commit) = ended(granted);
    assert_eq!(replayed, Replayed { influencers: 0, consents: 1 });
    assert!(matches!(commit.consents.grants[0].state, GrantState::Revoking { .. }));
    let (replayed, commit) = ended(Timestamp(granted.0 - 1));
    assert!(replayed == Replayed::default() && commit.consents.grants.is_empty(), "the owner consented again");
}

#[test]
fn what_is_still_being_revoked_names_no_owner_but_where_a_removal_may_bring_it_back() {
    let revoking = GrantState::Revoking { since: NOON, attempts: 3, next_at: NOON, last_error: None };
    let grants = vec![grant(1, GrantState::Live), grant(2, GrantState::Live), grant(3, revoking)];
    let mut scene = Scene::new().with_grants(grants, vec![used(SKY, 1), used(HERS, 2)]);
    let ((), commit) = scene.commit(|decision| {
        let connection = decision.roster.connections[&HERS].clone();
        removal::connection(decision, &ana(), &connection);
        Ok(())
    });
    let mut scene = scene.after(commit);
    let (_, commit) = scene.commit(|decision| erase::erase(decision, &ana(), "Mara", SALT));
    let scene = scene.after(commit);
    let owner = |number: u8| {
        let grant = &scene.roster.consents.grants[&used(SKY, number).grant];
        (grant.owner_id.clone(), grant.owner_name.clone())
    };
    let none = (String::new(), String::new());
    assert_eq!((owner(1), owner(3)), (none.clone(), none), "theirs, and one of which that is not known");
    assert_eq!(owner(2), ("owner2".to_owned(), "Mara".to_owned()), "it can be taken back for a day");
}
