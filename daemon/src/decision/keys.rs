//! Which master keys the store's secrets are sealed with: the first seals, those behind it did before.

use roster_protocol::audit::Who;
use roster_protocol::time::Timestamp;

use super::Decision;
use super::audit::{audit_change, own};
use crate::model::{AuditLine, Backup, KeptBackup, SealedWith, StoreKey};

/// How many backups of a key are remembered.
const MOST_BACKUPS: usize = 100;

type Id = [u8; 8];

/// The keys of a store in which `sealing` seals from now on; `counts`: what is sealed in it.
pub fn taken_up(before: &[StoreKey], sealing: Id, counts: &SealedWith, now: Timestamp) -> Vec<StoreKey> {
    let is_first_ever = before.is_empty();
    let fresh = |id: Id, since| StoreKey { id, since, is_needed: true, backups: Vec::new() };
    let known = before.iter().find(|key| key.id == sealing).cloned();
    let first = known.unwrap_or_else(|| fresh(sealing, (!is_first_ever).then_some(now)));
    let mut keys = vec![StoreKey { is_needed: true, ..first }];
    keys.extend(before.iter().filter(|key| key.id != sealing).cloned());
    for key in &mut keys[1..] {
        key.is_needed |= counts.with(key.id) > 0;
    }
    // A store that was repaired may have lost what it knew of them.
    let unknown: Vec<Id> = counts.0.keys().copied().filter(|id| !keys.iter().any(|key| key.id == *id)).collect();
    keys.extend(unknown.into_iter().map(|id| fresh(id, None)));
    keys
}

/// The keys once all is sealed with the first.
pub fn resealed(before: &[StoreKey]) -> Vec<StoreKey> {
    let only_first = |(at, key): (usize, &StoreKey)| StoreKey { is_needed: at == 0, ..key.clone() };
    before.iter().enumerate().map(only_first).collect()
}

/// The keys without one.
pub fn without(before: &[StoreKey], id: Id) -> Vec<StoreKey> {
    before.iter().filter(|key| key.id != id).cloned().collect()
}

/// The keys after a backup was kept in which values are sealed with `needed`.
pub fn backed_up(before: &[StoreKey], needed: &[Id], backup: &Backup) -> Vec<StoreKey> {
    let kept = KeptBackup { at: backup.at, scheduled: backup.scheduled };
    let mut keys = before.to_vec();
    for key in keys.iter_mut().filter(|key| needed.contains(&key.id)) {
        key.backups.push(kept);
        let superfluous = key.backups.len().saturating_sub(MOST_BACKUPS);
        key.backups.drain(..superfluous);
    }
    keys
}

/// Records that a user has another key seal.
pub fn rotate(decision: &mut Decision<'_>, who: &Who, sealing: Id, named: (String, String)) {
    let before = &decision.roster.consents.keys;
    let keys = taken_up(before, sealing, &decision.roster.sealed_with(), decision.now);
    decision.log(audit_change(decision, who, "keys.rotate", "store".to_owned(), named.0, named.1));
    decision.commit.consents.keys = Some(keys);
}

/// Records that all is sealed with the first key, when it is so, and says whether it is.
pub fn reseal(decision: &mut Decision<'_>, named: String) -> bool {
    let keys = &decision.roster.consents.keys;
    if decision.roster.to_reseal() > 0 || !keys.iter().skip(1).any(|key| key.is_needed) {
        return false;
    }
    decision.commit.consents.keys = Some(resealed(keys));
    decision.log(AuditLine { new: Some(named), ..own(decision, "keys.reseal", "store", "rotation") });
    true
}

/// Records that a user retires a key.
pub fn retire(decision: &mut Decision<'_>, who: &Who, id: Id, named: String) {
    decision.commit.consents.keys = Some(without(&decision.roster.consents.keys, id));
    let line = super::audit::audit(decision, who, "keys.retire", "store".to_owned());
    decision.log(AuditLine { old: Some(named), ..line });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u8, is_needed: bool) -> StoreKey {
        StoreKey { id: [number; 8], since: None, is_needed, backups: Vec::new() }
    }

    fn short(keys: &[StoreKey]) -> Vec<(u8, bool)> {
        keys.iter().map(|key| (key.id[0], key.is_needed)).collect()
    }

    fn counts(of: &[u8]) -> SealedWith {
        SealedWith(of.iter().map(|number| ([*number; 8], 1)).collect())
    }

    #[test]
    fn the_key_that_seals_is_first_and_those_before_stay_needed() {
        let check = |before: &[StoreKey], sealing: u8, sealed: &[u8], expected: &[(u8, bool)]| {
            let keys = taken_up(before, [sealing; 8], &counts(sealed), Timestamp(9));
            assert_eq!(short(&keys), expected, "{before:?}");
        };
        check(&[], 1, &[], &[(1, true)]);
        check(&[key(1, true)], 1, &[1], &[(1, true)]);
        check(&[key(1, true)], 2, &[1], &[(2, true), (1, true)]);
        check(&[key(2, true), key(1, false)], 1, &[2], &[(1, true), (2, true)]);
        check(&[key(2, true), key(1, false)], 2, &[2, 1], &[(2, true), (1, true)]);
        check(&[], 2, &[1], &[(2, true), (1, true)]);
        let since = |before: &[StoreKey]| taken_up(before, [2; 8], &counts(&[]), Timestamp(9))[0].since;
        assert_eq!((since(&[]), since(&[key(1, true)])), (None, Some(Timestamp(9))));
    }

    #[test]
    fn once_all_is_sealed_anew_only_the_first_is_needed() {
        let keys = resealed(&[key(3, true), key(2, true), key(1, false)]);
        assert_eq!(short(&keys), [(3, true), (2, false), (1, false)]);
        assert_eq!(short(&without(&keys, [2; 8])), [(3, true), (1, false)]);
    }

    #[test]
    fn a_key_knows_the_newest_backups_that_need_it() {
        let mut keys = vec![key(2, true), key(1, false)];
        for at in 0..=MOST_BACKUPS as i64 {
            let backup = Backup { at: Timestamp(at), bytes: 1, rows: 1, scheduled: at % 2 == 0 };
            keys = backed_up(&keys, &[[2; 8], [7; 8]], &backup);
        }
        assert!(keys[1].backups.is_empty());
        let kept = &keys[0].backups;
        assert_eq!((kept.len(), kept[0]), (MOST_BACKUPS, KeptBackup { at: Timestamp(1), scheduled: false }));
    }
}
