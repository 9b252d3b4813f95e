//! Runs and changes.

use postcard::{from_bytes, take_from_bytes, to_extend};
use roster_protocol::ids::{InfluencerId, RunId};
use roster_protocol::status::Coverage;
use roster_protocol::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::codes::{CAUSES, CHANGE_CAUSES, METRICS, OUTCOMES, code, variant};
use super::{Payload, Record};
use crate::model::{Change, Run, RunsOfDay};
use crate::store::tables::{Records, platform_day_key, split_platform_day_key, split_timed_key, timed_key};

#[derive(Serialize, Deserialize)]
struct RunRecord<'a> {
    influencer: [u8; 5],
    platform: &'a str,
    due_at: i64,
    duration_ms: u64,
    outcome: u8,
    cause: u8,
    is_retry: bool,
    followers: Option<u64>,
    #[serde(borrow)]
    error: Option<&'a str>,
    retry_at: Option<i64>,
}

/// What version 2 has behind a [`RunRecord`].
#[derive(Default, Serialize, Deserialize)]
struct RunRest {
    /// How much earlier than the due time the slot was, in milliseconds.
    after_slot_ms: i64,
    missed: u64,
}

impl Record for Run {
    const TABLE: Records = Records::Runs;
    /// Version 1 had no slots.
    const VERSION: u8 = 2;

    fn key(&self) -> Vec<u8> {
        timed_key(self.started_at, &[&self.connection.0, &self.id.0])
    }

    fn encode(&self, out: Vec<u8>) -> Payload {
        let out = to_extend(
            &RunRecord {
                influencer: self.influencer.0,
                platform: &self.platform,
                due_at: self.due_at.0,
                duration_ms: self.duration_ms,
                outcome: code(OUTCOMES, self.outcome),
                cause: code(CAUSES, self.cause),
                is_retry: self.is_retry,
                followers: self.followers,
                error: self.error.as_deref(),
                retry_at: self.retry_at.map(|at| at.0),
            },
            out,
        )?;
        to_extend(&RunRest { after_slot_ms: self.due_at.since(self.slot_at), missed: self.missed }, out)
    }

    fn decode(key: &[u8], payload: &[u8]) -> Option<Self> {
        Self::decode_version(Self::VERSION, key, payload)
    }

    fn decode_version(version: u8, key: &[u8], payload: &[u8]) -> Option<Self> {
        let (record, rest): (RunRecord<'_>, _) = take_from_bytes(payload).ok()?;
        let rest = match version {
            1 => RunRest::default(),
            _ => from_bytes(rest).ok()?,
        };
        let (started_at, connection) = split_timed_key(key)?;
        Some(Run {
            id: RunId::from_bytes(key.get(13..)?.try_into().ok()?),
            connection,
            influencer: InfluencerId::from_bytes(record.influencer),
            platform: record.platform.to_owned(),
            due_at: Timestamp(record.due_at),
            slot_at: Timestamp(record.due_at.checked_sub(rest.after_slot_ms)?),
            missed: rest.missed,
            started_at,
            duration_ms: record.duration_ms,
            outcome: variant(OUTCOMES, record.outcome)?,
            cause: variant(CAUSES, record.cause)?,
            is_retry: record.is_retry,
            followers: record.followers,
            error: record.error.map(str::to_owned),
            retry_at: record.retry_at.map(Timestamp),
        })
    }
}

impl Record for RunsOfDay {
    const TABLE: Records = Records::RunDays;

    fn key(&self) -> Vec<u8> {
        platform_day_key(self.day, &self.platform)
    }

    fn encode(&self, out: Vec<u8>) -> Payload {
        let Coverage { expected, ok, partial, failed, skipped } = self.ended;
        to_extend(&[expected, ok, partial, failed, skipped], out)
    }

    fn decode(key: &[u8], payload: &[u8]) -> Option<Self> {
        let [expected, ok, partial, failed, skipped] = from_bytes(payload).ok()?;
        let (day, platform) = split_platform_day_key(key)?;
        let ended = Coverage { expected, ok, partial, failed, skipped };
        Some(RunsOfDay { day, platform: platform.to_owned(), ended })
    }
}

#[derive(Serialize, Deserialize)]
struct ChangeRecord<'a> {
    influencer: [u8; 5],
    platform: &'a str,
    from: Option<f64>,
    to: Option<f64>,
    cause: u8,
    significant: bool,
}

impl Record for Change {
    const TABLE: Records = Records::Changes;

    fn key(&self) -> Vec<u8> {
        timed_key(self.at, &[&self.connection.0, &[code(METRICS, self.metric)]])
    }

    fn encode(&self, out: Vec<u8>) -> Payload {
        to_extend(
            &ChangeRecord {
                influencer: self.influencer.0,
                platform: &self.platform,
                from: self.from,
                to: self.to,
                cause: code(CHANGE_CAUSES, self.cause),
                significant: self.significant,
            },
            out,
        )
    }

    fn decode(key: &[u8], payload: &[u8]) -> Option<Self> {
        let record: ChangeRecord<'_> = from_bytes(payload).ok()?;
        let (when, connection) = split_timed_key(key)?;
        Some(Change {
            at: when,
            influencer: InfluencerId::from_bytes(record.influencer),
            connection,
            platform: record.platform.to_owned(),
            metric: variant(METRICS, *key.get(13)?)?,
            from: record.from,
            to: record.to,
            cause: variant(CHANGE_CAUSES, record.cause)?,
            significant: record.significant,
        })
    }
}
