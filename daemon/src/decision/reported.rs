//! What platforms report to owners of days that are over: from which day on it is requested, and what is kept of it. Pure.

use std::collections::BTreeMap;

use roster_protocol::reported::{Audience, ReportedDay};
use roster_protocol::time::{Date, Timestamp};

use super::Decision;
use crate::model::{AudienceOn, Connection, ReadUntil};

/// Platforms make their days once: one reading a day, at whatever hour its sync is.
const EVERY_S: i64 = 20 * 3600;
/// How far back the first reading goes.
const FIRST_DAYS: i32 = 730;
/// How far back the next ones go where none has found anything.
const EMPTY_DAYS: i32 = 90;
/// Days are corrected for so long: they are read again.
const CORRECTED_DAYS: i32 = 7;
/// No platform is older.
const EARLIEST: Date = Date(12_784); // 2005-01-01

/// From which day on the figures of days are requested in a sync; `None`: not now.
pub fn days_from(connection: &Connection, today: Date, now: Timestamp) -> Option<Date> {
    let Some(read) = connection.read_until else { return Some(today.plus_days(-FIRST_DAYS)) };
    if (0..EVERY_S * 1000).contains(&now.since(read.at)) {
        return None;
    }
    let newest = read.day.map_or(today.plus_days(-EMPTY_DAYS), |day| day.min(today));
    Some(newest.plus_days(1 - CORRECTED_DAYS))
}

/// Keeps what was reported; returns how far days are read now. Days that cannot be are left out.
pub fn take(
    decision: &mut Decision<'_>,
    connection: &Connection,
    days: Option<Vec<ReportedDay>>,
    audience: Option<Audience>,
) -> Option<ReadUntil> {
    let today = decision.grid.date_of(decision.now);
    // The other syncs read a part of it only.
    let is_whole = days_from(connection, today, decision.now).is_some();
    if let Some(audience) = audience.filter(|audience| is_whole && !audience.is_empty()) {
        decision.commit.sync.audiences.push(AudienceOn { connection: connection.id, date: today, audience });
    }
    let Some(days) = days else { return connection.read_until };
    // The platform's zone may be a day ahead.
    let can_be = |day: &ReportedDay| (EARLIEST..=today.plus_days(1)).contains(&day.date) && !day.numbers.is_empty();
    let days: BTreeMap<Date, ReportedDay> = days.into_iter().filter(can_be).map(|day| (day.date, day)).collect();
    let known = connection.read_until.and_then(|read| read.day);
    let newest = days.last_key_value().map(|(day, _)| *day);
    if !days.is_empty() {
        decision.commit.sync.reported.push((connection.id, days.into_values().collect()));
    }
    Some(ReadUntil { at: decision.now, day: newest.max(known) })
}
