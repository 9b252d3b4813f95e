//! Holds, budgets and settings, and facts about the store itself.

use postcard::{from_bytes, to_extend};
use roster_protocol::ids::ConnectionId;
use roster_protocol::time::{Date, Timestamp};

use super::{Payload, Record, read, read_plain};
use crate::model::{
    AlertsSince, Backup, BudgetKey, BudgetUse, Hold, KeptBackup, ReportedLimit, RetentionChoice, Settings, StoreKey,
};
use crate::store::envelope::Unreadable;
use crate::store::tables::Records;

impl Record for Hold {
    const TABLE: Records = Records::Holds;

    fn key(&self) -> Vec<u8> {
        self.lane.as_bytes().to_vec()
    }

    fn encode(&self, out: Vec<u8>) -> Payload {
        to_extend(&(self.until.0, self.reason.as_str()), out)
    }

    fn decode(key: &[u8], payload: &[u8]) -> Option<Self> {
        let (until, reason): (i64, &str) = from_bytes(payload).ok()?;
        let lane = std::str::from_utf8(key).ok()?.to_owned();
        Some(Hold { lane, until: Timestamp(until), reason: reason.to_owned() })
    }
}

/// A budget's key: its three parts with a zero byte between them, which none of them contains.
pub(in crate::store) fn budget_key(key: &BudgetKey) -> Vec<u8> {
    let account = key.account.as_deref().unwrap_or_default();
    [key.lane.as_bytes(), &[0], key.unit.as_bytes(), &[0], account.as_bytes()].concat()
}

/// Parts with their begins, the reported limit with its end, and the average of an account.
type BudgetPayload = (Vec<(i64, u64)>, Option<(u64, i64)>, Option<u64>);

impl Record for BudgetUse {
    const TABLE: Records = Records::Budgets;

    fn key(&self) -> Vec<u8> {
        budget_key(&self.key)
    }

    fn encode(&self, out: Vec<u8>) -> Payload {
        let parts: Vec<(i64, u64)> = self.parts.iter().map(|(begin, spent)| (begin.0, *spent)).collect();
        let reported = self.reported.map(|reported| (reported.limit, reported.ends_at.0));
        to_extend(&(parts, reported, self.per_account), out)
    }

    fn decode(key: &[u8], payload: &[u8]) -> Option<Self> {
        let mut names = key.split(|byte| *byte == 0).map(|name| std::str::from_utf8(name).ok().map(str::to_owned));
        let (lane, unit, account) = (names.next()??, names.next()??, names.next()??);
        let key = BudgetKey { lane, unit, account: Some(account).filter(|account| !account.is_empty()) };
        let (parts, reported, per_account): BudgetPayload = from_bytes(payload).ok()?;
        let parts = parts.into_iter().map(|(begin, spent)| (Timestamp(begin), spent)).collect();
        let reported = reported.map(|(limit, ends_at)| ReportedLimit { limit, ends_at: Timestamp(ends_at) });
        names.next().is_none().then_some(BudgetUse { key, parts, reported, per_account })
    }
}

/// Checks that a row of [`Records::Meta`] is what its key says.
///
/// # Errors
/// As [`read`].
pub(super) fn verify(key: &[u8], encoded: &[u8]) -> Result<(), Unreadable> {
    let table = Records::Meta;
    match key {
        SETTINGS => read::<Settings>(table, key, encoded).map(drop),
        FORMAT => read::<Format>(table, key, encoded).map(drop),
        FOLD => read::<Fold>(table, key, encoded).map(drop),
        key if key == Stamp::KEY => read::<Stamp>(table, key, encoded).map(drop),
        key if key == AlertsSince::KEY => read::<AlertsSince>(table, key, encoded).map(drop),
        key if key == RetentionChoice::KEY => read::<RetentionChoice>(table, key, encoded).map(drop),
        BACKUP_SCHEDULED | BACKUP_REQUESTED => read::<Backup>(table, key, encoded).map(drop),
        key if key == CopiesSeen::KEY => read::<CopiesSeen>(table, key, encoded).map(drop),
        key if key == StoreKeys::KEY => read::<StoreKeys>(table, key, encoded).map(drop),
        _ => read_plain(table, key, encoded).map(drop),
    }
}

/// The key of the settings in [`Records::Meta`].
const SETTINGS: &[u8] = b"settings";

impl Record for Settings {
    const TABLE: Records = Records::Meta;

    fn key(&self) -> Vec<u8> {
        SETTINGS.to_vec()
    }

    fn encode(&self, out: Vec<u8>) -> Payload {
        to_extend(&(self.paused, &self.paused_platforms), out)
    }

    fn decode(key: &[u8], payload: &[u8]) -> Option<Self> {
        let (paused, paused_platforms) = from_bytes(payload).ok()?;
        (key == SETTINGS).then_some(Settings { paused, paused_platforms })
    }
}

/// The key of [`Stamp`] in [`Records::Meta`]: the id and time of the store's creation, which never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Stamp {
    pub(in crate::store) id: [u8; 16],
    pub(in crate::store) created_at: Timestamp,
}

impl Stamp {
    pub(in crate::store) const KEY: [u8; 5] = *b"store";
}

impl Record for Stamp {
    const TABLE: Records = Records::Meta;

    fn key(&self) -> Vec<u8> {
        Self::KEY.to_vec()
    }

    fn encode(&self, out: Vec<u8>) -> Payload {
        to_extend(&(self.id, self.created_at.0), out)
    }

    fn decode(_key: &[u8], payload: &[u8]) -> Option<Self> {
        let (id, created_at) = from_bytes(payload).ok()?;
        Some(Stamp { id, created_at: Timestamp(created_at) })
    }
}

impl AlertsSince {
    pub(in crate::store) const KEY: [u8; 6] = *b"alerts";
}

impl Record for AlertsSince {
    const TABLE: Records = Records::Meta;

    fn key(&self) -> Vec<u8> {
        Self::KEY.to_vec()
    }

    fn encode(&self, out: Vec<u8>) -> Payload {
        to_extend(&self.0.0, out)
    }

    fn decode(_key: &[u8], payload: &[u8]) -> Option<Self> {
        from_bytes(payload).ok().map(|at| AlertsSince(Timestamp(at)))
    }
}

impl RetentionChoice {
    pub(in crate::store) const KEY: [u8; 9] = *b"retention";
}

impl Record for RetentionChoice {
    const TABLE: Records = Records::Meta;

    fn key(&self) -> Vec<u8> {
        Self::KEY.to_vec()
    }

    fn encode(&self, out: Vec<u8>) -> Payload {
        to_extend(&(self.at.0, self.defaults), out)
    }

    fn decode(_key: &[u8], payload: &[u8]) -> Option<Self> {
        let (at, defaults) = from_bytes(payload).ok()?;
        Some(RetentionChoice { at: Timestamp(at), defaults })
    }
}

/// The keys of the last backups in [`Records::Meta`].
const BACKUP_SCHEDULED: &[u8] = b"backup.scheduled";
const BACKUP_REQUESTED: &[u8] = b"backup.requested";

impl Backup {
    pub(in crate::store) const KEYS: [&[u8]; 2] = [BACKUP_SCHEDULED, BACKUP_REQUESTED];
}

impl Record for Backup {
    const TABLE: Records = Records::Meta;

    fn key(&self) -> Vec<u8> {
        if self.scheduled { BACKUP_SCHEDULED } else { BACKUP_REQUESTED }.to_vec()
    }

    fn encode(&self, out: Vec<u8>) -> Payload {
        to_extend(&(self.at.0, self.bytes, self.rows), out)
    }

    fn decode(key: &[u8], payload: &[u8]) -> Option<Self> {
        let (at, bytes, rows) = from_bytes(payload).ok()?;
        Some(Backup { at: Timestamp(at), bytes, rows, scheduled: key == BACKUP_SCHEDULED })
    }
}

/// The master keys of the store's secrets, the one that seals first, in [`Records::Meta`]. Missing in a store that has never
/// been opened with one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) struct StoreKeys(pub(in crate::store) Vec<StoreKey>);

impl StoreKeys {
    pub(in crate::store) const KEY: [u8; 3] = *b"key";

    /// The ids of those without which something may not open.
    pub(in crate::store) fn needed(&self) -> Vec<[u8; 8]> {
        self.0.iter().filter(|key| key.is_needed).map(|key| key.id).collect()
    }
}

/// Id, since when, whether it is needed, and its backups: of when, and whether they were scheduled.
type KeyPayload = ([u8; 8], Option<i64>, bool, Vec<(i64, bool)>);

impl Record for StoreKeys {
    const TABLE: Records = Records::Meta;
    /// Version 1 was the id of the only key.
    const VERSION: u8 = 2;

    fn key(&self) -> Vec<u8> {
        Self::KEY.to_vec()
    }

    fn encode(&self, out: Vec<u8>) -> Payload {
        let payload = |key: &StoreKey| -> KeyPayload {
            let backups = key.backups.iter().map(|backup| (backup.at.0, backup.scheduled)).collect();
            (key.id, key.since.map(|since| since.0), key.is_needed, backups)
        };
        to_extend(&self.0.iter().map(payload).collect::<Vec<_>>(), out)
    }

    fn decode(_key: &[u8], payload: &[u8]) -> Option<Self> {
        let key = |(id, since, is_needed, backups): KeyPayload| StoreKey {
            id,
            since: since.map(Timestamp),
            is_needed,
            backups: backups.into_iter().map(|(at, scheduled)| KeptBackup { at: Timestamp(at), scheduled }).collect(),
        };
        let keys: Vec<KeyPayload> = from_bytes(payload).ok()?;
        Some(StoreKeys(keys.into_iter().map(key).collect()))
    }

    fn decode_version(version: u8, key: &[u8], payload: &[u8]) -> Option<Self> {
        if version > 1 {
            return Self::decode(key, payload);
        }
        let id: [u8; 8] = from_bytes(payload).ok()?;
        Some(StoreKeys(vec![StoreKey { id, since: None, is_needed: true, backups: Vec::new() }]))
    }
}

/// The key of the format in [`Records::Meta`].
const FORMAT: &[u8] = b"format";

/// The format of the store, in [`Records::Meta`]. Its layout never changes: every version looks here first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Format(pub(in crate::store) u32);

impl Record for Format {
    const TABLE: Records = Records::Meta;

    fn key(&self) -> Vec<u8> {
        FORMAT.to_vec()
    }

    fn encode(&self, out: Vec<u8>) -> Payload {
        to_extend(&self.0, out)
    }

    fn decode(_key: &[u8], payload: &[u8]) -> Option<Self> {
        from_bytes(payload).ok().map(Format)
    }
}

/// The key of the fold's mark, in [`Records::Meta`].
const FOLD: &[u8] = b"fold";

/// The fold's mark and count, in [`Records::Meta`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::store) struct Fold {
    /// The mark: snapshots of this epoch and earlier ones are written into chunks. Log tables of these epochs that
    /// still exist are being folded, and nothing is added to them. `None`: there are no chunks.
    pub(in crate::store) newest: Option<i32>,
    /// How many snapshots are in chunks.
    pub(in crate::store) snapshots: u64,
}

impl Record for Fold {
    const TABLE: Records = Records::Meta;

    fn key(&self) -> Vec<u8> {
        FOLD.to_vec()
    }

    fn encode(&self, out: Vec<u8>) -> Payload {
        to_extend(&(self.newest, self.snapshots), out)
    }

    fn decode(_key: &[u8], payload: &[u8]) -> Option<Self> {
        let (newest, snapshots) = from_bytes(payload).ok()?;
        Some(Fold { newest, snapshots })
    }
}

/// The copies of migrations that are beside the store, and for how many nights, in [`Records::Meta`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::store) struct CopiesSeen {
    pub(in crate::store) names: Vec<String>,
    pub(in crate::store) nights: u32,
    /// The last day that was counted.
    pub(in crate::store) last: Date,
}

impl CopiesSeen {
    pub(in crate::store) const KEY: [u8; 6] = *b"copies";
}

impl Record for CopiesSeen {
    const TABLE: Records = Records::Meta;

    fn key(&self) -> Vec<u8> {
        Self::KEY.to_vec()
    }

    fn encode(&self, out: Vec<u8>) -> Payload {
        to_extend(&(&self.names, self.nights, self.last.0), out)
    }

    fn decode(_key: &[u8], payload: &[u8]) -> Option<Self> {
        let (names, nights, last) = from_bytes(payload).ok()?;
        Some(CopiesSeen { names, nights, last: Date(last) })
    }
}

/// A removed connection whose runs and changes are still to be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Sweep {
    pub(in crate::store) connection: ConnectionId,
}

impl Record for Sweep {
    const TABLE: Records = Records::Sweeps;

    fn key(&self) -> Vec<u8> {
        self.connection.0.to_vec()
    }

    fn encode(&self, out: Vec<u8>) -> Payload {
        Ok(out)
    }

    fn decode(key: &[u8], payload: &[u8]) -> Option<Self> {
        payload.is_empty().then_some(Sweep { connection: ConnectionId::from_bytes(key.try_into().ok()?) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_only_key_of_an_older_store_is_needed() {
        let keys = StoreKeys(vec![
            StoreKey { id: [2; 8], since: Some(Timestamp(5)), is_needed: true, backups: Vec::new() },
            StoreKey {
                id: [1; 8],
                since: None,
                is_needed: false,
                backups: vec![KeptBackup { at: Timestamp(3), scheduled: true }],
            },
        ]);
        let payload = keys.encode(Vec::new()).expect("encodes");
        assert_eq!(StoreKeys::decode(&StoreKeys::KEY, &payload), Some(keys.clone()));
        assert_eq!(keys.needed(), [[2; 8]]);
        let before = postcard::to_allocvec(&[7_u8; 8]).expect("encodes");
        let read = StoreKeys::decode_version(1, &StoreKeys::KEY, &before).expect("an id");
        assert_eq!((read.0.len(), read.needed()), (1, vec![[7; 8]]));
        for cut in 0..payload.len() {
            assert_eq!(StoreKeys::decode(&StoreKeys::KEY, &payload[..cut]), None, "{cut}");
        }
    }
}
