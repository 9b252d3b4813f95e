//! A month of one connection's snapshots in as few bytes as is cheap: column by column (`column`).
//!
//! Its slots are the days of the month, from the 1st.
//!
//! The store adds keys and checksums.

use roster_protocol::connection::{ReadWith, Snapshot, Source};
use roster_protocol::metric::{AgeRange, Metric, MetricSet, Numbers};
use roster_protocol::time::{Date, Timestamp};

use super::column::{self, Head, decode_column, head, nibble, set_bits, skip_column};

pub use super::column::{ChunkError, Days};

/// How many columns a chunk has in each version, from 1 on. A longer list of columns is another version; older chunks
/// can still be read.
const COUNTS: [usize; 3] = [14, 16, 18];
/// The version of the layout, also in the envelope that the store puts around it.
pub const VERSION: u8 = COUNTS.len() as u8;
/// No month has more days.
const DAYS: usize = column::SLOTS;
const MS_PER_DAY: i64 = 86_400_000;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Metric(Metric),
    ObservedAt,
    TopAgeRange,
    Source,
    FollowersStep,
    Definition,
    ReadWith,
    ByHand,
}

/// The columns in their order on disk, which is not that of the table of metrics: append, never reorder. The column
/// that is most often read alone is first.
const COLUMNS: [Column; COUNTS[COUNTS.len() - 1]] = [
    Column::Metric(Metric::Followers),
    Column::ObservedAt,
    Column::Metric(Metric::Following),
    Column::Metric(Metric::Posts),
    Column::Metric(Metric::EngagementRate),
    Column::Metric(Metric::AvgLikes),
    Column::Metric(Metric::AvgComments),
    Column::Metric(Metric::AvgViews),
    Column::Metric(Metric::AudienceMale),
    Column::Metric(Metric::AudienceFemale),
    Column::TopAgeRange,
    Column::Source,
    Column::FollowersStep,
    Column::Definition,
    Column::ReadWith,
    Column::ByHand,
    Column::Metric(Metric::AvgReach),
    Column::Metric(Metric::AvgReposts),
];

/// The metrics in the order of their columns: everything that is stored of them has this order. It does not compile when
/// a metric has no column, or two.
pub const METRICS: [Metric; Metric::ALL.len()] = {
    let mut metrics = [Metric::Followers; Metric::ALL.len()];
    let (mut count, mut seen, mut at) = (0, 0u64, 0);
    while at < COLUMNS.len() {
        if let Column::Metric(metric) = COLUMNS[at] {
            metrics[count] = metric;
            seen |= 1 << metric as u64;
            count += 1;
        }
        at += 1;
    }
    assert!(count == Metric::ALL.len() && seen.count_ones() as usize == count, "each metric has one column");
    metrics
};

impl Column {
    /// The value of a snapshot in this column.
    fn get(self, snapshot: &Snapshot) -> Option<u64> {
        match self {
            Column::Metric(metric) => snapshot.numbers.get(metric),
            Column::ObservedAt => Some(snapshot.observed_at.0.wrapping_sub(midnight(snapshot.date)) as u64),
            Column::TopAgeRange => snapshot.numbers.top_age_range.and_then(|range| code(&AGES, range)),
            Column::Source => code(&SOURCES, snapshot.source),
            Column::FollowersStep => snapshot.followers_step,
            Column::Definition => Some(u64::from(snapshot.definition)),
            Column::ReadWith => snapshot.read_with.and_then(|with| code(&READ_WITH, with)),
            Column::ByHand => Some(bits_of(snapshot.by_hand)).filter(|bits| *bits != 0),
        }
    }

    /// Sets the value of a snapshot in this column; the snapshot's date must be set already.
    fn set(self, snapshot: &mut Snapshot, stored: Option<u64>) -> Result<(), ChunkError> {
        match self {
            Column::Metric(metric) => snapshot.numbers.set(metric, stored),
            Column::ObservedAt => {
                let since_midnight = stored.ok_or(ChunkError("a day without its time"))?;
                snapshot.observed_at = Timestamp((since_midnight as i64).wrapping_add(midnight(snapshot.date)));
            }
            Column::TopAgeRange => {
                let range = |code| at_code(&AGES, code).ok_or(ChunkError("an unknown age range"));
                snapshot.numbers.top_age_range = stored.map(range).transpose()?;
            }
            Column::Source => {
                let source = stored.and_then(|code| at_code(&SOURCES, code));
                snapshot.source = source.ok_or(ChunkError("an unknown source"))?;
            }
            Column::FollowersStep => snapshot.followers_step = stored,
            Column::Definition => {
                let definition = stored.ok_or(ChunkError("a day without its definition"))?;
                snapshot.definition = u16::try_from(definition).map_err(|_| ChunkError("an impossible definition"))?;
            }
            Column::ReadWith => {
                let with = |code| at_code(&READ_WITH, code).ok_or(ChunkError("an unknown way of reading"));
                snapshot.read_with = stored.map(with).transpose()?;
            }
            Column::ByHand => snapshot.by_hand = metrics_of(stored.unwrap_or(0)),
        }
        Ok(())
    }
}

/// A month of one connection's snapshots, decoded, for reading and writing.
#[derive(Clone, Debug)]
pub struct MonthChunk {
    days: u32,
    columns: [Days; COLUMNS.len()],
}

impl Default for MonthChunk {
    fn default() -> Self {
        Self { days: 0, columns: [Days::NONE; COLUMNS.len()] }
    }
}

impl MonthChunk {
    /// How many snapshots are in it.
    pub fn len(&self) -> u32 {
        self.days.count_ones()
    }

    /// Whether it has no snapshots.
    pub fn is_empty(&self) -> bool {
        self.days == 0
    }

    /// The days that have a snapshot: bit 0 is the 1st of the month.
    pub fn days(&self) -> u32 {
        self.days
    }

    /// Sets the snapshot of a day, and replaces the one that the day had.
    ///
    /// `day` counts from 0 for the 1st and is cut at 30. The snapshot's date must be that day's.
    pub fn set(&mut self, day: u8, snapshot: &Snapshot) {
        let day = day.min(DAYS as u8 - 1);
        self.days |= 1 << day;
        for (column, days) in COLUMNS.iter().zip(&mut self.columns) {
            days.set(day, column.get(snapshot));
        }
    }

    /// The snapshots from the first to the last, of the month that begins on `first`.
    ///
    /// # Errors
    /// When a column lacks a value that every snapshot has, or has one that means nothing.
    pub fn snapshots(&self, first: Date) -> impl Iterator<Item = Result<Snapshot, ChunkError>> + '_ {
        set_bits(self.days).map(move |day| self.snapshot(day, first.plus_days(i32::from(day))))
    }

    fn snapshot(&self, day: u8, date: Date) -> Result<Snapshot, ChunkError> {
        let mut snapshot = Snapshot {
            date,
            observed_at: Timestamp::default(),
            source: Source::Api,
            followers_step: None,
            definition: 0,
            read_with: None,
            by_hand: MetricSet::default(),
            numbers: Numbers::default(),
        };
        for (column, days) in COLUMNS.iter().zip(&self.columns) {
            column.set(&mut snapshot, days.get(day))?;
        }
        Ok(snapshot)
    }

    /// The chunk in bytes.
    pub fn encode(&self) -> Vec<u8> {
        column::encode_all(VERSION, self.days, &self.columns)
    }

    /// Reads a chunk.
    ///
    /// # Errors
    /// When the bytes are not exactly one chunk.
    pub fn decode(bytes: &[u8]) -> Result<Self, ChunkError> {
        let mut chunk = Self::default();
        chunk.days = column::decode_all(bytes, &COUNTS, &mut chunk.columns)?;
        Ok(chunk)
    }
}

/// The days of a chunk, bit 0 for the 1st of the month, without decoding anything else.
///
/// # Errors
/// When the bytes do not begin like a chunk.
pub fn days_of(bytes: &[u8]) -> Result<u32, ChunkError> {
    head(bytes, &COUNTS).map(|head| head.slots)
}

/// One metric of a chunk, without decoding the others.
///
/// The values are raw numbers of the metric's unit. There are none when the chunk is older than the column.
///
/// # Errors
/// When the bytes up to that column are not those of a chunk.
pub fn decode_metric(bytes: &[u8], metric: Metric) -> Result<Days, ChunkError> {
    let Head { slots, count, nibbles, mut input } = head(bytes, &COUNTS)?;
    let mut values = Days::NONE;
    for (at, column) in COLUMNS.iter().take(count).enumerate() {
        if *column == Column::Metric(metric) {
            decode_column(slots, nibble(nibbles, at), &mut input, &mut values)?;
            break;
        }
        skip_column(slots, nibble(nibbles, at), &mut input)?;
    }
    Ok(values)
}

/// Sources, ways of reading and age ranges by their number on disk: append, never reorder. The matches stop compiling
/// when one is missing.
const SOURCES: [Source; 3] = [Source::Api, Source::Manual, Source::Import];
const _: fn(Source) = |one| match one {
    Source::Api | Source::Manual | Source::Import => (),
};
const READ_WITH: [ReadWith; 2] = [ReadWith::Public, ReadWith::Consent];
const _: fn(ReadWith) = |one| match one {
    ReadWith::Public | ReadWith::Consent => (),
};
pub(super) const AGES: [AgeRange; 7] = [
    AgeRange::From13To17,
    AgeRange::From18To24,
    AgeRange::From25To34,
    AgeRange::From35To44,
    AgeRange::From45To54,
    AgeRange::From55To64,
    AgeRange::From65,
];
const _: fn(AgeRange) = |one| match one {
    AgeRange::From13To17
    | AgeRange::From18To24
    | AgeRange::From25To34
    | AgeRange::From35To44
    | AgeRange::From45To54
    | AgeRange::From55To64
    | AgeRange::From65 => (),
};

pub(super) fn code<T: PartialEq>(all: &[T], one: T) -> Option<u64> {
    all.iter().position(|each| *each == one).map(|code| code as u64)
}

pub(super) fn at_code<T: Copy>(all: &[T], code: u64) -> Option<T> {
    all.get(usize::try_from(code).ok()?).copied()
}

/// A set of metrics as bits, in the order of their columns.
pub fn bits_of(set: MetricSet) -> u64 {
    METRICS.iter().enumerate().fold(0, |bits, (at, metric)| bits | u64::from(set.contains(*metric)) << at)
}

/// The metrics that [`bits_of`] has bits of; other bits mean nothing.
pub fn metrics_of(bits: u64) -> MetricSet {
    METRICS.into_iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1).map(|(_, metric)| metric).collect()
}

fn midnight(date: Date) -> i64 {
    i64::from(date.0) * MS_PER_DAY
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use roster_protocol::metric::{Mean, Ratio};

    use super::*;

    fn any_numbers() -> impl Strategy<Value = Numbers> {
        let raw = proptest::option::of(prop_oneof![any::<u64>(), 0u64..9_000_000]);
        let age = proptest::option::of((0usize..7).prop_map(|at| AgeRange::ALL[at]));
        (proptest::collection::vec(raw, METRICS.len()), age).prop_map(|(raws, top_age_range)| {
            let mut numbers = Numbers { top_age_range, ..Numbers::default() };
            METRICS.into_iter().zip(raws).for_each(|(metric, raw)| numbers.set(metric, raw));
            numbers
        })
    }

    fn any_month() -> impl Strategy<Value = Vec<(u8, Snapshot)>> {
        let read = (0usize..3, any::<u64>());
        let snapshot = (any::<i64>(), 0usize..3, proptest::option::of(any::<u64>()), any::<u16>(), read, any_numbers());
        proptest::collection::btree_map(0u8..31, snapshot, 1..32).prop_map(|days| {
            let snapshot = |(day, (at, source, step, definition, (read_with, by_hand), numbers))| {
                let snapshot = Snapshot {
                    date: Date(20_000 + i32::from(day)),
                    observed_at: Timestamp(at),
                    source: SOURCES[source],
                    followers_step: step,
                    definition,
                    read_with: READ_WITH.get(read_with).copied(),
                    by_hand: metrics_of(by_hand),
                    numbers,
                };
                (day, snapshot)
            };
            days.into_iter().map(snapshot).collect()
        })
    }

    fn chunk_of(month: &[(u8, Snapshot)]) -> MonthChunk {
        let mut chunk = MonthChunk::default();
        month.iter().for_each(|(day, snapshot)| chunk.set(*day, snapshot));
        chunk
    }

    proptest! {
        #[test]
        fn every_month_comes_back(month in any_month()) {
            let bytes = chunk_of(&month).encode();
            let back = MonthChunk::decode(&bytes).expect("just encoded");
            prop_assert_eq!(days_of(&bytes).expect("just encoded"), back.days);
            let snapshots: Vec<_> = back.snapshots(Date(20_000)).collect::<Result<_, _>>().expect("just encoded");
            let expected: Vec<_> = month.iter().map(|(_, snapshot)| snapshot.clone()).collect();
            prop_assert_eq!(&snapshots, &expected);
            for metric in Metric::ALL {
                let column = decode_metric(&bytes, metric).expect("just encoded");
                let decoded: Vec<_> = column.iter().map(|(day, value)| (day, metric.unit().value(value))).collect();
                let expected: Vec<_> =
                    month.iter().filter_map(|(day, s)| Some((*day, metric.of(&s.numbers)?))).collect();
                prop_assert_eq!(decoded, expected);
            }
        }

        #[test]
        fn any_bytes_are_a_chunk_or_none(mut bytes: Vec<u8>, month in any_month(), at: usize, bit in 0u8..8) {
            let look = |bytes: &[u8]| {
                if let Ok(chunk) = MonthChunk::decode(bytes) {
                    let _ = chunk.snapshots(Date(i32::MAX)).count();
                    let _ = chunk.encode();
                }
                for metric in Metric::ALL {
                    let _ = decode_metric(bytes, metric);
                }
            };
            look(&bytes);
            bytes.insert(0, VERSION);
            look(&bytes);
            let mut flipped = chunk_of(&month).encode();
            let at = at % flipped.len();
            flipped[at] ^= 1 << bit;
            look(&flipped);
            look(&flipped[..at]);
        }
    }

    #[test]
    fn a_day_set_again_replaces_what_was_there() {
        let numbers = Numbers { followers: Some(5), ..Numbers::default() };
        let one = Snapshot {
            date: Date(20_000),
            observed_at: Timestamp(1),
            source: Source::Api,
            followers_step: None,
            definition: 0,
            read_with: None,
            by_hand: MetricSet::default(),
            numbers,
        };
        let other = Snapshot { numbers: Numbers { posts: Some(1), ..Numbers::default() }, ..one.clone() };
        let mut chunk = chunk_of(&[(3, one)]);
        chunk.set(3, &other);
        assert_eq!(chunk.snapshots(Date(19_997)).collect::<Vec<_>>(), [Ok(other)]);
        assert_eq!((chunk.len(), chunk.days()), (1, 8));
    }

    #[test]
    fn a_steady_account_takes_little() {
        let day = |day: u8| Snapshot {
            date: Date(20_000 + i32::from(day)),
            observed_at: Timestamp((20_000 + i64::from(day)) * MS_PER_DAY + 9_000_000),
            source: Source::Api,
            followers_step: None,
            definition: 1,
            read_with: None,
            by_hand: MetricSet::default(),
            numbers: Numbers { followers: Some(100_000 + 37 * u64::from(day)), posts: Some(812), ..Numbers::default() },
        };
        let month: Vec<_> = (0..30).map(|at| (at, day(at))).collect();
        let bytes = chunk_of(&month).encode();
        assert!(bytes.len() < 32, "{} bytes for 30 snapshots", bytes.len());
    }

    fn followers_of(days: impl Iterator<Item = (u8, u64)>) -> Vec<(u8, Snapshot)> {
        let snapshot = |(day, followers): (u8, u64)| {
            let numbers = Numbers { followers: Some(followers), ..Numbers::default() };
            let date = Date(20_000 + i32::from(day));
            let (observed_at, source) = (Timestamp(0), Source::Api);
            (
                day,
                Snapshot {
                    date,
                    observed_at,
                    source,
                    followers_step: None,
                    definition: 0,
                    read_with: None,
                    by_hand: MetricSet::default(),
                    numbers,
                },
            )
        };
        days.map(snapshot).collect()
    }

    #[test]
    fn whole_thousands_and_whole_months_come_back() {
        let check = |followers: &dyn Fn(u64) -> u64, days: u8| {
            let month = followers_of((0..days).map(|day| (day, followers(u64::from(day)))));
            let chunk = MonthChunk::decode(&chunk_of(&month).encode()).expect("just encoded");
            let back: Vec<_> =
                chunk.snapshots(Date(20_000)).map(|day| day.expect("just encoded").numbers.followers).collect();
            let expected: Vec<_> = month.iter().map(|(_, snapshot)| snapshot.numbers.followers).collect();
            assert_eq!((back, chunk.len(), chunk.is_empty()), (expected, u32::from(days), false));
        };
        check(&|day| 5_000 + 1_000 * day, 3);
        check(&|day| 5_000 + 1_000 * day, 31);
        check(&|day| 12_345 + 7 * day * day, 31);
        check(&|day| if day % 2 == 0 { 0 } else { u64::MAX }, 31);
        assert!(MonthChunk::default().is_empty());
    }

    #[test]
    fn rounded_and_steady_numbers_take_fewer_bytes() {
        let len = |followers: &dyn Fn(u64) -> u64| {
            chunk_of(&followers_of((0..30).map(|day| (day, followers(u64::from(day)))))).encode().len()
        };
        let steady = len(&|_| 1_000_000);
        let (rising, swinging) = (len(&|day| 1_000_000 + 100_001 * day), len(&|day| 1_000_000 + 100_001 * (day % 3)));
        let (rounded, exact) =
            (len(&|day| 1_000_000 + 1_000 * (day * 7 % 5)), len(&|day| 1_000_001 + 1_001 * (day * 7 % 5)));
        assert!(steady < rising && rising < swinging, "{steady} {rising} {swinging}");
        assert!(rounded + 30 < exact, "{rounded} {exact}");
    }

    #[test]
    fn the_bytes_of_a_month_are_those_on_every_disk() {
        let whole = Snapshot {
            date: Date(20_000),
            observed_at: Timestamp(20_000 * MS_PER_DAY + 9_000_000),
            source: Source::Manual,
            followers_step: Some(100),
            definition: 1,
            read_with: Some(ReadWith::Consent),
            by_hand: [Metric::Followers, Metric::AvgViews].into_iter().collect(),
            numbers: Numbers {
                followers: Some(1),
                following: Some(2),
                posts: Some(3),
                engagement_rate: Some(Ratio(-4)),
                avg_likes: Some(Mean(5)),
                avg_comments: Some(Mean(6)),
                avg_views: Some(Mean(7)),
                audience_male: Some(Ratio(8)),
                audience_female: Some(Ratio(9)),
                avg_reach: Some(Mean(10)),
                avg_reposts: Some(Mean(11)),
                top_age_range: Some(AgeRange::From65),
            },
        };
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let bytes = chunk_of(&[(0, whole.clone())]).encode();
        assert_eq!(hex(&bytes), "03010000001111111111111111110280d1ca080406070a0c0e10120c02c801020282011416");
        let earlier = |version: u8, snapshot: &Snapshot, absent: usize, expected: &str| {
            let mut bytes = chunk_of(&[(0, snapshot.clone())]).encode();
            bytes[0] = version;
            assert!(bytes.drain(14 - absent..14).all(|nibbles| nibbles == 0), "columns that it did not have");
            assert_eq!(hex(&bytes), expected);
            let back = MonthChunk::decode(&bytes).expect("a chunk");
            assert_eq!(back.snapshots(Date(20_000)).collect::<Vec<_>>(), [Ok(snapshot.clone())]);
            let reach = decode_metric(&bytes, Metric::AvgReach).expect("a chunk");
            assert_eq!(reach.iter().count(), 0);
        };
        // Version 2 had neither reach nor reposts, version 1 did not say how days are read.
        let numbers = Numbers { avg_reach: None, avg_reposts: None, ..whole.numbers };
        let version_2 = Snapshot { numbers, ..whole };
        earlier(2, &version_2, 1, "020100000011111111111111110280d1ca080406070a0c0e10120c02c80102028201");
        let version_1 = Snapshot { read_with: None, by_hand: MetricSet::default(), ..version_2 };
        earlier(1, &version_1, 2, "0101000000111111111111110280d1ca080406070a0c0e10120c02c80102");
    }
}
