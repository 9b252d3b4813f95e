//! What users changed lately, as it can be taken back.

use postcard::{from_bytes, to_extend};
use roster_protocol::ids::{AlertId, ConnectionId, InfluencerId};
use roster_protocol::time::{Seconds, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Payload, Record};
use crate::model::{Edited, Pausable, Removable, UndoLog, Undoable, UndoableChange, Was};
use crate::store::tables::Records;

/// A variant's number is its place: new ones come at the end.
#[derive(Serialize, Deserialize)]
enum ChangeRecord {
    Edited {
        influencer: [u8; 5],
        name: Option<Was<String>>,
        note: Option<Was<Option<String>>>,
        main: Option<Was<Option<[u8; 5]>>>,
        tagged: Vec<String>,
        untagged: Vec<String>,
    },
    Interval {
        connection: [u8; 5],
        interval: Was<Option<u64>>,
    },
    Paused {
        target: PausableRecord,
        paused: bool,
    },
    Acknowledged(Vec<[u8; 5]>),
    /// Since version 2.
    RemovedInfluencer([u8; 5]),
    RemovedConnection([u8; 5]),
}

#[derive(Serialize, Deserialize)]
enum PausableRecord {
    All,
    Platform(String),
    Influencer([u8; 5]),
    Connection([u8; 5]),
}

impl Record for UndoLog {
    const TABLE: Records = Records::Undo;
    const VERSION: u8 = 2;

    fn key(&self) -> Vec<u8> {
        self.uid.to_be_bytes().to_vec()
    }

    fn encode(&self, out: Vec<u8>) -> Payload {
        let changes: Vec<(i64, ChangeRecord)> =
            self.changes.iter().map(|change| (change.at.0, stored(&change.change))).collect();
        to_extend(&changes, out)
    }

    fn decode(key: &[u8], payload: &[u8]) -> Option<Self> {
        let changes: Vec<(i64, ChangeRecord)> = from_bytes(payload).ok()?;
        let changes = changes.into_iter().map(|(at, change)| Undoable { at: Timestamp(at), change: loaded(change) });
        Some(UndoLog { uid: u32::from_be_bytes(key.try_into().ok()?), changes: changes.collect() })
    }

    /// Version 1 has fewer kinds of changes.
    fn decode_version(version: u8, key: &[u8], payload: &[u8]) -> Option<Self> {
        (1..=Self::VERSION).contains(&version).then(|| Self::decode(key, payload))?
    }
}

fn stored(change: &UndoableChange) -> ChangeRecord {
    match change {
        UndoableChange::Edited(edited) => ChangeRecord::Edited {
            influencer: edited.influencer.0,
            name: edited.name.clone(),
            note: edited.note.clone(),
            main: edited.main.clone().map(|main| main.map(|id| id.map(|id| id.0))),
            tagged: edited.tagged.clone(),
            untagged: edited.untagged.clone(),
        },
        UndoableChange::Interval { connection, interval } => ChangeRecord::Interval {
            connection: connection.0,
            interval: interval.clone().map(|interval| interval.map(|length| length.0)),
        },
        UndoableChange::Paused { target, paused } => {
            let target = match target {
                Pausable::All => PausableRecord::All,
                Pausable::Platform(slug) => PausableRecord::Platform(slug.clone()),
                Pausable::Influencer(id) => PausableRecord::Influencer(id.0),
                Pausable::Connection(id) => PausableRecord::Connection(id.0),
            };
            ChangeRecord::Paused { target, paused: *paused }
        }
        UndoableChange::Acknowledged(alerts) => ChangeRecord::Acknowledged(alerts.iter().map(|id| id.0).collect()),
        UndoableChange::Removed(Removable::Influencer(id)) => ChangeRecord::RemovedInfluencer(id.0),
        UndoableChange::Removed(Removable::Connection(id)) => ChangeRecord::RemovedConnection(id.0),
    }
}

fn loaded(change: ChangeRecord) -> UndoableChange {
    match change {
        ChangeRecord::Edited { influencer, name, note, main, tagged, untagged } => {
            UndoableChange::Edited(Box::new(Edited {
                influencer: InfluencerId::from_bytes(influencer),
                name,
                note,
                main: main.map(|main| main.map(|id| id.map(ConnectionId::from_bytes))),
                tagged,
                untagged,
            }))
        }
        ChangeRecord::Interval { connection, interval } => UndoableChange::Interval {
            connection: ConnectionId::from_bytes(connection),
            interval: interval.map(|interval| interval.map(Seconds)),
        },
        ChangeRecord::Paused { target, paused } => {
            let target = match target {
                PausableRecord::All => Pausable::All,
                PausableRecord::Platform(slug) => Pausable::Platform(slug),
                PausableRecord::Influencer(id) => Pausable::Influencer(InfluencerId::from_bytes(id)),
                PausableRecord::Connection(id) => Pausable::Connection(ConnectionId::from_bytes(id)),
            };
            UndoableChange::Paused { target, paused }
        }
        ChangeRecord::Acknowledged(alerts) => {
            UndoableChange::Acknowledged(alerts.into_iter().map(AlertId::from_bytes).collect())
        }
        ChangeRecord::RemovedInfluencer(id) => {
            UndoableChange::Removed(Removable::Influencer(InfluencerId::from_bytes(id)))
        }
        ChangeRecord::RemovedConnection(id) => {
            UndoableChange::Removed(Removable::Connection(ConnectionId::from_bytes(id)))
        }
    }
}
