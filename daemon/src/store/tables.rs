//! The schema: every table, the order of its keys and why, and how it grows.
//!
//! All numbers in keys are big-endian, signed ones with the sign bit flipped, so that bytes have the order of the
//! numbers. All values are encoded by `envelope`.

use redb::TableDefinition;
use roster_protocol::ids::ConnectionId;
use roster_protocol::time::{Date, Timestamp};

use crate::history::rollup::Origin;

/// The format of the whole store. A store with a higher one is refused.
pub(super) const FORMAT: u32 = 5;

/// A table of records. Keys and values are bytes, so that no change of a Rust type can make a table unreadable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Records {
    /// Name of a fact → the fact: `format`, `store`, `key`, `settings`, `fold`, `retention`,
    /// `copies`, `audit.end`. Does not grow.
    Meta,
    /// Influencer id → influencer. One row each; read whole at start.
    Influencers,
    /// Connection id → connection. One row each, rewritten by every run; read whole at start.
    Connections,
    /// Start, connection, run id → run. In order of time, so that new runs are appended at the right edge, lists read
    /// the newest first and pruning cuts the left edge. The connection is in the key, so that a filter reads no values.
    /// Grows by one row a run until pruned.
    Runs,
    /// Time, connection, metric → change; a further one of that millisecond has a number behind it. As runs; grows by
    /// what changed until pruned.
    Changes,
    /// Alert number → alert. In order of opening. Grows by one row an alert, for good.
    Alerts,
    /// Alert id → its number. One row an alert.
    AlertIds,
    /// Number of an open or acknowledged alert → nothing. Read at start, instead of all alerts.
    AlertsLive,
    /// Alert number, channel → delivery that is delivered or given up. Grows by alerts × channels.
    Deliveries,
    /// Alert number, channel → pending delivery. Read whole at start; short.
    DeliveriesPending,
    /// Delivery id, key of a delivery → nothing. One row a delivery; those of deliveries that were dropped stay.
    DeliveryIds,
    /// Number of the line → line of the audit log, with the hash that chains it to the one before. Grows by one row an
    /// action until retention deletes it, from the left.
    Audit,
    /// Influencer id → the key to what the audit log says of them. One row each, those who were removed too; read whole at
    /// start.
    DataKeys,
    /// Lane → hold. At most one a lane.
    Holds,
    /// Lane, unit, account → what is spent of that limit. A few rows a lane, and one for each account that is near its own
    /// limit. Read whole at start.
    Budgets,
    /// uid → number of the newest alert its desktop has shown. One row a user.
    DesktopShown,
    /// Removed connection → since when it had runs and changes that are still to be deleted. Empty most of the time.
    Sweeps,
    /// Consent id → consent that is being requested. Read whole at start; a handful.
    Consents,
    /// Grant id → grant, without tokens. One row each; read whole at start.
    Grants,
    /// Grant id → its sealed tokens and the state of their renewal. One row each, which only renewals write.
    Tokens,
    /// Connection id → the grant that it is read with. One row for each connection with consent.
    GrantUses,
    /// Time, SHA-256 of a notification of a platform → what it marked due. In order of time, so that pruning cuts the left
    /// edge. Grows by one row a notification, and keeps those of four days. Read whole at start.
    Receipts,
    /// Code → what became of an owner's request to delete. One row a request, kept for a year.
    Deletions,
    /// Connection id → the subscription to its account's notifications. One row for each account whose platform has a hub,
    /// rewritten every few days; read whole at start.
    Leases,
    /// Day → its figures. Grows by one row a day, for good.
    Figures,
    /// Half a year, connection, origin → the weeks of that connection's snapshots from there, encoded by `history::rollup`.
    /// By time first, as the chunks of months. Grows by about 0.3 kB a connection and half a year, for good.
    Weeks,
    /// Day, platform → how the slots of that day ended, once their runs are deleted. Grows by a row a platform and day,
    /// for good.
    RunDays,
    /// Connection, month → what the platform reported of that month's days, encoded by `history::reported`. By connection
    /// first: few connections have any, and each is read and deleted alone. Grows by about 0.2 kB a connection and month,
    /// for good.
    ReportedDays,
    /// Connection, month → the last audience that was reported in that month. Grows by about 0.2 kB a connection and month,
    /// for good.
    Audiences,
    /// Name → a rule that a user made. One row each, read whole at start.
    Rules,
    /// Silence id → silence. One row each, deleted some time after it is over; read whole at start.
    Silences,
    /// uid → what that user has read of the alerts. One row a user, as long as there are alerts that are read and not over;
    /// read whole at start.
    ReadMarks,
    /// Time → requests to providers that ended until then, after those of the row before: a second's, or fewer. About 15 bytes a
    /// request; a week of it, and no more than 64 MiB, is kept.
    Requests,
    /// uid → what that user changed lately, as it can be taken back. One row a user, of 20 changes at most; read whole at
    /// start.
    Undo,
    /// What was removed → what it takes to bring it back. One row each, for a day; read whole at start.
    Removals,
    /// Id of an influencer who was erased → what stays of them, without anything personal. One row each, for good; read whole at
    /// start.
    Erased,
    /// Grant id → when it was ended here. One row for each consent that was, for good; read whole at start.
    Revoked,
    /// Table name, 0, key → the raw bytes of a damaged value that a write had to replace, encoded again. Empty, we
    /// hope.
    Quarantine,
}

impl Records {
    pub(super) const ALL: [Records; 38] = [
        Records::Meta,
        Records::Influencers,
        Records::Connections,
        Records::Runs,
        Records::Changes,
        Records::Alerts,
        Records::AlertIds,
        Records::AlertsLive,
        Records::Deliveries,
        Records::DeliveriesPending,
        Records::DeliveryIds,
        Records::Audit,
        Records::DataKeys,
        Records::Holds,
        Records::Budgets,
        Records::DesktopShown,
        Records::Sweeps,
        Records::Quarantine,
        Records::Consents,
        Records::Grants,
        Records::Tokens,
        Records::GrantUses,
        Records::Receipts,
        Records::Deletions,
        Records::Leases,
        Records::Figures,
        Records::Weeks,
        Records::RunDays,
        Records::ReportedDays,
        Records::Audiences,
        Records::Rules,
        Records::Silences,
        Records::ReadMarks,
        Records::Requests,
        Records::Undo,
        Records::Removals,
        Records::Erased,
        Records::Revoked,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Records::Meta => "meta",
            Records::Influencers => "influencers",
            Records::Connections => "connections",
            Records::Runs => "runs",
            Records::Changes => "changes",
            Records::Alerts => "alerts",
            Records::AlertIds => "alerts.ids",
            Records::AlertsLive => "alerts.live",
            Records::Deliveries => "deliveries",
            Records::DeliveriesPending => "deliveries.pending",
            Records::DeliveryIds => "deliveries.ids",
            Records::Audit => "audit",
            Records::DataKeys => "influencers.keys",
            Records::Holds => "holds",
            Records::Budgets => "budgets",
            Records::DesktopShown => "desktop_shown",
            Records::Sweeps => "sweeps",
            Records::Consents => "consents",
            Records::Grants => "grants",
            Records::Tokens => "grants.tokens",
            Records::GrantUses => "grants.uses",
            Records::Receipts => "webhooks.receipts",
            Records::Deletions => "webhooks.deletions",
            Records::Leases => "webhooks.leases",
            Records::Figures => "figures",
            Records::Weeks => "snapshots.weeks",
            Records::RunDays => "runs.days",
            Records::ReportedDays => "reported.days",
            Records::Audiences => "reported.audiences",
            Records::Rules => "rules",
            Records::Silences => "silences",
            Records::ReadMarks => "alerts.read",
            Records::Requests => "requests",
            Records::Undo => "undo",
            Records::Removals => "removals",
            Records::Erased => "erased",
            Records::Revoked => "grants.revoked",
            Records::Quarantine => "quarantine",
        }
    }

    pub(super) const fn definition(self) -> TableDefinition<'static, &'static [u8], &'static [u8]> {
        TableDefinition::new(self.name())
    }

    /// What distinguishes this table in checksums. Never reuse a number.
    pub(super) const fn tag(self) -> u64 {
        match self {
            Records::Meta => 1,
            Records::Influencers => 2,
            Records::Connections => 3,
            Records::Runs => 4,
            Records::Changes => 5,
            Records::Alerts => 6,
            Records::AlertIds => 7,
            Records::AlertsLive => 8,
            Records::Deliveries => 9,
            Records::DeliveriesPending => 10,
            Records::DeliveryIds => 36,
            Records::Audit => 11,
            Records::DataKeys => 37,
            Records::Holds => 12,
            Records::DesktopShown => 13,
            Records::Sweeps => 14,
            Records::Quarantine => 15,
            // 16 to 18 are chunks and logs, see below.
            Records::Consents => 19,
            Records::Grants => 20,
            Records::Tokens => 21,
            Records::GrantUses => 22,
            Records::Budgets => 23,
            Records::Receipts => 31,
            Records::Deletions => 32,
            Records::Leases => 33,
            Records::Figures => 28,
            Records::Weeks => 24,
            Records::RunDays => 25,
            Records::ReportedDays => 26,
            Records::Audiences => 27,
            Records::Rules => 29,
            Records::Silences => 34,
            Records::ReadMarks => 35,
            Records::Requests => 40,
            Records::Undo => 45,
            Records::Removals => 48,
            Records::Erased => 50,
            Records::Revoked => 51,
        }
    }
}

pub(super) const CHUNKS_TAG: u64 = 16;
// 17 was for rows of the log of format 1, see `migrations::to_2`.
pub(super) const BLOCK_TAG: u64 = 18;

/// Month, connection → all snapshots of that month, encoded by `history::chunk`. By month first, so that the fold
/// rewrites neighbours and old months stay dense and untouched. Grows by 0.6 kB a connection and month.
pub(super) type ChunkKey = [u8; 7];
pub(super) const CHUNKS: TableDefinition<'static, &'static ChunkKey, &'static [u8]> =
    TableDefinition::new("snapshots.chunks");

/// Day, connection → block of about eighty snapshots from that connection on (`log`), in one table per epoch: new
/// snapshots are appended at the right edge, and a folded epoch is dropped whole. There are at most two or three tables
/// of 4 days at a time.
pub(super) type LogKey = [u8; 9];
const LOG_PREFIX: &str = "snapshots.open.";

/// How many days share a log table.
pub(super) const EPOCH_DAYS: i32 = 4;

/// The epoch of a day.
pub(super) fn epoch_of(day: Date) -> i32 {
    day.0.div_euclid(EPOCH_DAYS)
}

/// The first day of an epoch.
pub(super) fn epoch_start(epoch: i32) -> Date {
    Date(epoch.saturating_mul(EPOCH_DAYS))
}

/// The newest epoch that is over for good on `today`: its last day is at least two days back.
pub(super) fn newest_finished_epoch(today: Date) -> i32 {
    today.0.saturating_sub(EPOCH_DAYS + 1).div_euclid(EPOCH_DAYS)
}

pub(super) fn log_name(epoch: i32) -> String {
    format!("{LOG_PREFIX}{epoch}")
}

pub(super) fn log_epoch(name: &str) -> Option<i32> {
    name.strip_prefix(LOG_PREFIX)?.parse().ok()
}

pub(super) fn log_definition(name: &str) -> TableDefinition<'_, &'static LogKey, &'static [u8]> {
    TableDefinition::new(name)
}

pub(super) fn log_key(day: Date, connection: ConnectionId) -> LogKey {
    let mut key = [0; 9];
    key[..4].copy_from_slice(&ordered32(day.0));
    key[4..].copy_from_slice(&connection.0);
    key
}

pub(super) fn split_log_key(key: &LogKey) -> (Date, ConnectionId) {
    let [a, b, c, d, id @ ..] = *key;
    (Date((u32::from_be_bytes([a, b, c, d]) ^ (1 << 31)) as i32), ConnectionId::from_bytes(id))
}

/// Months since the year 0, of years 0 to 5460.
pub(super) type Month = u16;

/// The first and last storable days: 1900-01-01 and 4999-12-31.
const DAYS: std::ops::RangeInclusive<i32> = -25_567..=1_106_684;

/// Whether snapshots of this day can be stored.
pub(super) fn is_storable(day: Date) -> bool {
    DAYS.contains(&day.0)
}

/// The month of a day and the day's index in it, from 0; days out of range count as the nearest storable one.
pub(super) fn month_of(day: Date) -> (Month, u8) {
    let day = Date(day.0.clamp(*DAYS.start(), *DAYS.end())).to_jiff();
    (day.year() as Month * 12 + (day.month() as Month - 1), day.day() as u8 - 1)
}

/// The first day of a month; of a month that no day has, 1900-01-01.
pub(super) fn month_start(month: Month) -> Date {
    let first = jiff::civil::Date::new((month / 12) as i16, (month % 12) as i8 + 1, 1);
    first.map_or(Date(*DAYS.start()), Date::from)
}

pub(super) fn chunk_key(month: Month, connection: ConnectionId) -> ChunkKey {
    let mut key = [0; 7];
    key[..2].copy_from_slice(&month.to_be_bytes());
    key[2..].copy_from_slice(&connection.0);
    key
}

pub(super) fn split_chunk_key(key: &ChunkKey) -> (Month, ConnectionId) {
    let [a, b, id @ ..] = *key;
    (u16::from_be_bytes([a, b]), ConnectionId::from_bytes(id))
}

/// The key of a connection's month, where the connection is first.
pub(super) fn months_key(connection: ConnectionId, month: Month) -> ChunkKey {
    let mut key = [0; 7];
    key[..5].copy_from_slice(&connection.0);
    key[5..].copy_from_slice(&month.to_be_bytes());
    key
}

/// The first and the last of such keys of a connection.
pub(super) fn months_of(connection: ConnectionId) -> (ChunkKey, ChunkKey) {
    (months_key(connection, 0), months_key(connection, Month::MAX))
}

pub(super) fn split_months_key(key: &[u8]) -> Option<(ConnectionId, Month)> {
    let (id, month) = key.split_first_chunk::<5>()?;
    Some((ConnectionId::from_bytes(*id), u16::from_be_bytes(month.try_into().ok()?)))
}

/// The key of a row of weeks.
pub(super) fn weeks_key(block: i32, connection: ConnectionId, origin: Origin) -> Vec<u8> {
    [&ordered16(block)[..], &connection.0, &[origin.code()]].concat()
}

/// The first and the last key of a connection's rows of weeks of one half year.
pub(super) fn weeks_of(block: i32, connection: ConnectionId) -> (Vec<u8>, Vec<u8>) {
    let key = |last: u8| [&ordered16(block)[..], &connection.0, &[last]].concat();
    (key(0), key(u8::MAX))
}

pub(super) fn split_weeks_key(key: &[u8]) -> Option<(i32, ConnectionId, Origin)> {
    let [a, b, id @ .., origin] = <[u8; 8]>::try_from(key).ok()?;
    let block = i16::from_be_bytes([a ^ 0x80, b]);
    Some((block.into(), ConnectionId::from_bytes(id), Origin::of_code(origin)?))
}

/// Storable days have blocks that fit; others count as the nearest one.
fn ordered16(number: i32) -> [u8; 2] {
    let [a, b] = (number.clamp(i16::MIN.into(), i16::MAX.into()) as i16).to_be_bytes();
    [a ^ 0x80, b]
}

/// The key of a day and a platform.
pub(super) fn platform_day_key(day: Date, platform: &str) -> Vec<u8> {
    [&ordered32(day.0)[..], platform.as_bytes()].concat()
}

pub(super) fn split_platform_day_key(key: &[u8]) -> Option<(Date, &str)> {
    let (day, platform) = key.split_first_chunk::<4>()?;
    Some((Date((u32::from_be_bytes(*day) ^ (1 << 31)) as i32), std::str::from_utf8(platform).ok()?))
}

fn ordered32(number: i32) -> [u8; 4] {
    (number as u32 ^ (1 << 31)).to_be_bytes()
}

/// A day as a key.
pub(super) fn day_key(day: Date) -> [u8; 4] {
    ordered32(day.0)
}

/// The day of such a key.
pub(super) fn day_of_key(key: &[u8]) -> Option<Date> {
    let key: [u8; 4] = key.try_into().ok()?;
    Some(Date((u32::from_be_bytes(key) ^ (1 << 31)) as i32))
}

/// A point in time as the first 8 bytes of a key.
pub(super) fn time_key(at: Timestamp) -> [u8; 8] {
    (at.0 as u64 ^ (1 << 63)).to_be_bytes()
}

/// The point in time that a key begins with.
pub(super) fn time_of_key(key: &[u8]) -> Option<Timestamp> {
    key.first_chunk::<8>().map(|time| Timestamp((u64::from_be_bytes(*time) ^ (1 << 63)) as i64))
}

/// A key of a point in time followed by `rest`.
pub(super) fn timed_key(at: Timestamp, rest: &[&[u8]]) -> Vec<u8> {
    let mut key = Vec::with_capacity(18);
    key.extend_from_slice(&time_key(at));
    rest.iter().for_each(|part| key.extend_from_slice(part));
    key
}

/// The highest key that begins with `key`, of those that [`key_after`] makes.
pub(super) fn last_with(key: &[u8]) -> Vec<u8> {
    [key, &[0xff; 2]].concat()
}

/// The key for a further row beside those under `key` and its continuations, of which `last` is the last one. After 65 535
/// of them, which no millisecond has, the last one.
pub(super) fn key_after(key: &[u8], last: &[u8]) -> Vec<u8> {
    let number = last.get(key.len()..).and_then(|rest| rest.try_into().ok()).map_or(0, u16::from_be_bytes);
    [key, &number.saturating_add(1).to_be_bytes()].concat()
}

/// A point in time, and what follows it in a key.
pub(super) fn split_time_key(key: &[u8]) -> Option<(Timestamp, &[u8])> {
    let (at, rest) = key.split_first_chunk::<8>()?;
    Some((Timestamp((u64::from_be_bytes(*at) ^ (1 << 63)) as i64), rest))
}

/// The point in time and the connection at the head of a key of runs or changes.
pub(super) fn split_timed_key(key: &[u8]) -> Option<(Timestamp, ConnectionId)> {
    let (at, rest) = split_time_key(key)?;
    let (connection, _) = rest.split_first_chunk::<5>()?;
    Some((at, ConnectionId::from_bytes(*connection)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_as_their_numbers() {
        let days = [Date(i32::MIN), Date(-1), Date(0), Date(1), Date(20_778), Date(i32::MAX)];
        let id = ConnectionId::from_bytes([9; 5]);
        assert!(days.windows(2).all(|pair| log_key(pair[0], id) < log_key(pair[1], id)));
        assert!(days.iter().all(|day| split_log_key(&log_key(*day, id)) == (*day, id)));
        assert!(days.windows(2).all(|pair| day_key(pair[0]) < day_key(pair[1])));
        assert!(days.iter().all(|day| day_of_key(&day_key(*day)) == Some(*day)) && day_of_key(&[1]).is_none());
        let times = [Timestamp(i64::MIN), Timestamp(-1), Timestamp(0), Timestamp(i64::MAX)];
        assert!(times.windows(2).all(|pair| time_key(pair[0]) < time_key(pair[1])));
        let blocks = [-140, -1, 0, 1, 113, 6_080];
        let origin = Origin::ALL[2];
        assert!(blocks.windows(2).all(|pair| weeks_key(pair[0], id, origin) < weeks_key(pair[1], id, origin)));
        assert!(blocks.iter().all(|one| split_weeks_key(&weeks_key(*one, id, origin)) == Some((*one, id, origin))));
        let months = [0, 1, 24_322, Month::MAX];
        assert!(months.windows(2).all(|pair| months_key(id, pair[0]) < months_key(id, pair[1])));
        assert!(months.iter().all(|month| split_months_key(&months_key(id, *month)) == Some((id, *month))));
        assert!(days.iter().all(|day| split_platform_day_key(&platform_day_key(*day, "x")) == Some((*day, "x"))));
        assert!(times.iter().all(|at| split_timed_key(&timed_key(*at, &[&id.0])) == Some((*at, id))));
    }

    #[test]
    fn further_rows_are_numbered_behind_their_key() {
        let key = [7, 7];
        assert_eq!(key_after(&key, &key), [7, 7, 0, 1]);
        assert_eq!(key_after(&key, &[7, 7, 0, 255]), [7, 7, 1, 0]);
        assert_eq!(key_after(&key, &last_with(&key)), last_with(&key));
        assert!(last_with(&key).as_slice() < [7, 8].as_slice());
    }

    #[test]
    fn months_know_their_days() {
        let check = |text: &str, index: u8, first: &str| {
            let (month, day) = month_of(text.parse().expect(text));
            assert_eq!((day, month_start(month).to_string().as_str()), (index, first), "{text}");
        };
        check("2026-02-28", 27, "2026-02-01");
        check("1970-01-01", 0, "1970-01-01");
        check("1900-01-01", 0, "1900-01-01");
        check("4999-12-31", 30, "4999-12-01");
        assert_eq!(month_of(Date(i32::MAX)), month_of("4999-12-31".parse().expect("a date")));
        assert_eq!(month_of(Date(i32::MIN)), month_of("1900-01-01".parse().expect("a date")));
    }

    #[test]
    fn an_epoch_is_finished_two_days_after_its_last_day() {
        // Epoch 0 is days 0 to 3.
        let check = |today: i32, finished: i32| assert_eq!(newest_finished_epoch(Date(today)), finished, "{today}");
        check(4, -1);
        check(5, 0);
        check(8, 0);
        check(9, 1);
    }

    #[test]
    fn tables_have_tags_of_their_own() {
        let tags: std::collections::BTreeSet<_> = Records::ALL.iter().map(|table| table.tag()).collect();
        let names: std::collections::BTreeSet<_> = Records::ALL.iter().map(|table| table.name()).collect();
        assert_eq!((tags.len(), names.len()), (Records::ALL.len(), Records::ALL.len()));
        assert!(![CHUNKS_TAG, 17, BLOCK_TAG].iter().any(|tag| tags.contains(tag)));
    }
}
