//! Weeks of one connection's snapshots: what is left of days that are long past.
//!
//! A week begins on a Monday. Its days are kept apart by where their numbers are from: what has to be deleted one day,
//! because a consent ended for example, must be possible to delete alone. Days may be added to a week in any order, and
//! more than once.

use roster_protocol::connection::{ReadWith, Snapshot, Source};
use roster_protocol::metric::{AgeRange, Metric, MetricSet, Numbers, Unit};
use roster_protocol::time::Date;

use super::chunk::{AGES, METRICS, at_code, code};
use super::column::{self, ChunkError, Days, set_bits};

/// How many weeks share a block: half a year.
const WEEKS: i32 = 26;
/// What a week has beside its metrics: days, definition, step of followers, age range.
const OWN: usize = 4;
/// What it has of a metric: days, first, and by how much the last, least and most differ from that.
const OF_METRIC: usize = 5;
/// How many columns a block has in each version, from 1 on. Metrics have the order of `chunk::METRICS`.
const COUNTS: [usize; 2] = [OWN + OF_METRIC * 9, OWN + OF_METRIC * 11];
/// The version of the layout, also in the envelope that the store puts around it.
pub const VERSION: u8 = COUNTS.len() as u8;

const _: () = assert!(COUNTS[COUNTS.len() - 1] == OWN + OF_METRIC * METRICS.len(), "each metric has its columns");

/// Where numbers are from. Its code is a part of keys on the disk: append, never reorder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    pub source: Source,
    /// How they were measured; `None` where they were not, or where that was not recorded.
    pub read_with: Option<ReadWith>,
}

impl Origin {
    pub const ALL: [Origin; 5] = [
        Origin { source: Source::Api, read_with: None },
        Origin { source: Source::Api, read_with: Some(ReadWith::Public) },
        Origin { source: Source::Api, read_with: Some(ReadWith::Consent) },
        Origin { source: Source::Manual, read_with: None },
        Origin { source: Source::Import, read_with: None },
    ];

    fn measured(read_with: Option<ReadWith>) -> Self {
        Self { source: Source::Api, read_with }
    }

    fn given(source: Source) -> Self {
        Self { source, read_with: None }
    }

    /// Its number on the disk.
    pub fn code(self) -> u8 {
        // All that can be made are in the list.
        Self::ALL.iter().position(|origin| *origin == self).unwrap_or(0) as u8
    }

    /// The origin of a number on the disk; `None` when there is none.
    pub fn of_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }
}

/// The parts of a snapshot by where their numbers are from: one, or two where a person recorded some of a day's numbers
/// and others were measured. A day of which nothing is known is a part, too.
pub fn parts(snapshot: &Snapshot) -> Vec<(Origin, Numbers)> {
    let whole = |origin| vec![(origin, snapshot.numbers.clone())];
    if snapshot.source == Source::Api {
        return whole(Origin::measured(snapshot.read_with));
    }
    if snapshot.by_hand.is_empty() {
        return whole(Origin::given(snapshot.source));
    }
    let (given, mut measured) = divided(&snapshot.numbers, snapshot.by_hand);
    let mut parts = vec![(Origin::given(snapshot.source), given)];
    if measured == Numbers::default() {
        return parts;
    }
    if snapshot.read_with.is_none() {
        parts[0].1.top_age_range = measured.top_age_range.take();
    }
    if measured != Numbers::default() {
        parts.push((Origin::measured(snapshot.read_with), measured));
    }
    parts
}

/// The numbers of these metrics, and all others.
fn divided(numbers: &Numbers, metrics: MetricSet) -> (Numbers, Numbers) {
    let (mut these, mut others) = (Numbers::default(), numbers.clone());
    for metric in metrics.iter() {
        these.set(metric, numbers.get(metric));
        others.set(metric, None);
    }
    (these, others)
}

/// The snapshot with some of its [`parts`] only; `None` when there are none.
pub fn reassembled(snapshot: &Snapshot, left: &[(Origin, Numbers)]) -> Option<Snapshot> {
    let is_given = |part: &&(Origin, Numbers)| part.0.source != Source::Api;
    let mut numbers = left.first()?.1.clone();
    left[1..].iter().for_each(|(_, more)| numbers.fill(more));
    let given = left.iter().find(is_given);
    let measured = left.iter().find(|part| !is_given(part));
    let step = measured.filter(|(_, numbers)| numbers.followers.is_some()).and(snapshot.followers_step);
    Some(Snapshot {
        source: given.map_or(Source::Api, |(origin, _)| origin.source),
        read_with: measured.and_then(|(origin, _)| origin.read_with),
        by_hand: if given.is_some() { snapshot.by_hand } else { MetricSet::default() },
        followers_step: step,
        numbers,
        ..snapshot.clone()
    })
}

/// A metric over a week, in raw numbers of its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spread {
    /// The days on which it was known: bit 0 is Monday.
    pub days: u8,
    pub first: u64,
    pub last: u64,
    pub least: u64,
    pub most: u64,
}

/// What is kept of a week's days of one origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Week {
    pub monday: Date,
    /// The days that there was a snapshot of: bit 0 is Monday. Never none.
    pub days: u8,
    /// Of the last day.
    pub definition: u16,
    /// Of the last day on which it was known.
    pub followers_step: Option<u64>,
    /// Of the last day on which it was known.
    pub top_age_range: Option<AgeRange>,
    /// In the order of [`METRICS`].
    pub spreads: [Option<Spread>; METRICS.len()],
}

/// The Monday of a day's week.
pub fn monday_of(day: Date) -> Date {
    day.plus_days(-weekday(day))
}

/// Days since Monday. 1970-01-01 was a Thursday.
fn weekday(day: Date) -> i32 {
    (i64::from(day.0) + 3).rem_euclid(7) as i32
}

/// The block of a week, and the week's slot in it.
pub fn block_of(monday: Date) -> (i32, u8) {
    let week = (i64::from(monday.0) + 3).div_euclid(7) as i32;
    (week.div_euclid(WEEKS), week.rem_euclid(WEEKS) as u8)
}

/// The Monday of a slot.
fn monday_at(block: i32, slot: u8) -> Date {
    Date(block.saturating_mul(WEEKS).saturating_add(i32::from(slot)).saturating_mul(7).saturating_sub(3))
}

impl Week {
    /// A week of one day.
    pub fn of(snapshot: &Snapshot, numbers: &Numbers) -> Self {
        let day = 1 << weekday(snapshot.date);
        let spread = |raw| Spread { days: day, first: raw, last: raw, least: raw, most: raw };
        Self {
            monday: monday_of(snapshot.date),
            days: day,
            definition: snapshot.definition,
            followers_step: numbers.followers.and(snapshot.followers_step),
            top_age_range: numbers.top_age_range,
            spreads: METRICS.map(|metric| numbers.get(metric).map(spread)),
        }
    }

    /// How many days there was a snapshot of.
    pub fn count(&self) -> u8 {
        self.days.count_ones() as u8
    }

    /// A metric of the week.
    pub fn spread(&self, metric: Metric) -> Option<Spread> {
        METRICS.iter().position(|one| *one == metric).and_then(|at| self.spreads[at])
    }

    /// Adds the days of another part of the same week. Of a day that both have, the other's first and last number count.
    pub fn add(&mut self, other: &Week) {
        let is_later = ends(other.days) >= ends(self.days);
        if is_later {
            self.definition = other.definition;
        }
        self.followers_step = newer(is_later, self.followers_step, other.followers_step);
        self.top_age_range = newer(is_later, self.top_age_range, other.top_age_range);
        self.days |= other.days;
        for ((mine, other), metric) in self.spreads.iter_mut().zip(&other.spreads).zip(METRICS) {
            *mine = match (*mine, *other) {
                (Some(mine), Some(other)) => Some(mine.with(other, metric.unit())),
                (mine, other) => mine.or(other),
            };
        }
    }
}

impl Spread {
    fn with(self, other: Spread, unit: Unit) -> Spread {
        let order = |raw: u64| match unit {
            Unit::Ratio => i128::from(raw as i64),
            Unit::Count | Unit::Mean => i128::from(raw),
        };
        let begins_earlier = other.days.trailing_zeros() <= self.days.trailing_zeros();
        Spread {
            days: self.days | other.days,
            first: if begins_earlier { other.first } else { self.first },
            last: if ends(other.days) >= ends(self.days) { other.last } else { self.last },
            least: if order(other.least) < order(self.least) { other.least } else { self.least },
            most: if order(other.most) > order(self.most) { other.most } else { self.most },
        }
    }
}

fn newer<T>(is_later: bool, mine: Option<T>, others: Option<T>) -> Option<T> {
    if is_later { others.or(mine) } else { mine.or(others) }
}

/// The last of some days.
fn ends(days: u8) -> u32 {
    u8::BITS - days.leading_zeros()
}

/// Weeks with more of them, in order; those of the same Monday become one.
pub fn merged(mut weeks: Vec<Week>, more: Vec<Week>) -> Vec<Week> {
    for week in more {
        match weeks.binary_search_by_key(&week.monday, |known| known.monday) {
            Ok(at) => weeks[at].add(&week),
            Err(at) => weeks.insert(at, week),
        }
    }
    weeks
}

/// Weeks of one block and origin in bytes; those of other blocks are left out.
pub fn encode(block: i32, weeks: &[Week]) -> Vec<u8> {
    let mut columns = vec![Days::NONE; COUNTS[COUNTS.len() - 1]];
    let mut slots = 0;
    for week in weeks {
        let (of, slot) = block_of(week.monday);
        if of != block {
            continue;
        }
        slots |= 1 << slot;
        let age = week.top_age_range.and_then(|range| code(&AGES, range));
        let own = [Some(week.days.into()), Some(week.definition.into()), week.followers_step, age];
        let metrics = week.spreads.iter().flat_map(|spread| match spread {
            None => [None; OF_METRIC],
            Some(Spread { days, first, last, least, most }) => [
                Some(u64::from(*days)),
                Some(*first),
                Some(last.wrapping_sub(*first)),
                Some(first.wrapping_sub(*least)),
                Some(most.wrapping_sub(*first)),
            ],
        });
        columns.iter_mut().zip(own.into_iter().chain(metrics)).for_each(|(column, value)| column.set(slot, value));
    }
    column::encode_all(VERSION, slots, &columns)
}

/// The weeks of a block, in order.
///
/// # Errors
/// When the bytes are not exactly those of a block.
pub fn decode(block: i32, bytes: &[u8]) -> Result<Vec<Week>, ChunkError> {
    let mut columns = vec![Days::NONE; COUNTS[COUNTS.len() - 1]];
    let slots = column::decode_all(bytes, &COUNTS, &mut columns)?;
    if slots >> WEEKS != 0 {
        return Err(ChunkError("impossible weeks"));
    }
    set_bits(slots).map(|slot| week_at(block, slot, &columns)).collect()
}

fn week_at(block: i32, slot: u8, columns: &[Days]) -> Result<Week, ChunkError> {
    let days = |column: &Days| match column.get(slot) {
        Some(days @ 1..0x80) => Ok(days as u8),
        _ => Err(ChunkError("impossible days of a week")),
    };
    let (own, metrics) = columns.split_at(OWN);
    let definition = own[1].get(slot).and_then(|definition| u16::try_from(definition).ok());
    let age = |code| at_code(&AGES, code).ok_or(ChunkError("an unknown age range"));
    let mut spreads = [None; METRICS.len()];
    for (spread, columns) in spreads.iter_mut().zip(metrics.chunks(OF_METRIC)) {
        let Some(first) = columns[1].get(slot) else { continue };
        let value = |column: &Days| column.get(slot).ok_or(ChunkError("a part of a metric"));
        *spread = Some(Spread {
            days: days(&columns[0])?,
            first,
            last: first.wrapping_add(value(&columns[2])?),
            least: first.wrapping_sub(value(&columns[3])?),
            most: first.wrapping_add(value(&columns[4])?),
        });
    }
    Ok(Week {
        monday: monday_at(block, slot),
        days: days(&own[0])?,
        definition: definition.ok_or(ChunkError("an impossible definition"))?,
        followers_step: own[2].get(slot),
        top_age_range: own[3].get(slot).map(age).transpose()?,
        spreads,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use roster_protocol::time::Timestamp;

    use super::*;

    fn any_day() -> impl Strategy<Value = Snapshot> {
        let raw = proptest::option::of(prop_oneof![any::<u64>(), 0u64..90_000]);
        let numbers = (proptest::collection::vec(raw, METRICS.len()), proptest::option::of(0usize..7));
        let read = (0usize..3, 0usize..3, 0u64..2048);
        (0i32..90, read, any::<u16>(), proptest::option::of(1u64..900), numbers).prop_map(
            |(day, (source, with, by_hand), definition, followers_step, (raws, age))| {
                let mut numbers = Numbers { top_age_range: age.map(|at| AGES[at]), ..Numbers::default() };
                METRICS.into_iter().zip(raws).for_each(|(metric, raw)| numbers.set(metric, raw));
                Snapshot {
                    date: Date(20_000 + day),
                    observed_at: Timestamp(0),
                    source: [Source::Api, Source::Manual, Source::Import][source],
                    followers_step,
                    definition,
                    read_with: ReadWith::ALL.get(with).copied(),
                    by_hand: super::super::chunk::metrics_of(by_hand),
                    numbers,
                }
            },
        )
    }

    /// A metric's spread over the days of a week, by looking at each of them.
    fn naive(days: &BTreeMap<Date, Numbers>, monday: Date, metric: Metric) -> Option<Spread> {
        let of_week = days.range(monday..=monday.plus_days(6));
        let known: Vec<(u8, u64)> =
            of_week.filter_map(|(day, numbers)| Some((1 << (day.0 - monday.0), numbers.get(metric)?))).collect();
        let ((_, first), (_, last)) = (*known.first()?, *known.last()?);
        let value = |raw: u64| match metric.unit() {
            Unit::Ratio => i128::from(raw as i64),
            _ => i128::from(raw),
        };
        Some(Spread {
            days: known.iter().fold(0, |days, (day, _)| days | day),
            first,
            last,
            least: known.iter().map(|(_, raw)| *raw).min_by_key(|raw| value(*raw))?,
            most: known.iter().map(|(_, raw)| *raw).max_by_key(|raw| value(*raw))?,
        })
    }

    proptest! {
        #[test]
        fn a_rollup_is_what_looking_at_each_day_gives(
            days in proptest::collection::vec(any_day(), 1..60), order in any::<u64>())
        {
            // One snapshot a day, added in any order, in any groups.
            let mut days: Vec<Snapshot> = days.into_iter().map(|day| (day.date, day)).collect::<BTreeMap<_, _>>().into_values().collect();
            let mut by_origin: BTreeMap<Origin, BTreeMap<Date, Numbers>> = BTreeMap::new();
            for day in &days {
                for (origin, numbers) in parts(day) {
                    by_origin.entry(origin).or_default().insert(day.date, numbers);
                }
            }
            fastrand::Rng::with_seed(order).shuffle(&mut days);
            let mut rolled: BTreeMap<Origin, Vec<Week>> = BTreeMap::new();
            for group in days.chunks(1 + order as usize % 9) {
                let mut more: BTreeMap<Origin, Vec<Week>> = BTreeMap::new();
                for day in group {
                    for (origin, numbers) in parts(day) {
                        let weeks = more.remove(&origin).unwrap_or_default();
                        more.insert(origin, merged(weeks, vec![Week::of(day, &numbers)]));
                    }
                }
                for (origin, weeks) in more {
                    let before = rolled.remove(&origin).unwrap_or_default();
                    rolled.insert(origin, merged(before, weeks));
                }
            }
            prop_assert_eq!(rolled.keys().collect::<Vec<_>>(), by_origin.keys().collect::<Vec<_>>());
            for (origin, days) in by_origin {
                let weeks = &rolled[&origin];
                let counted: u32 = weeks.iter().map(|week| u32::from(week.count())).sum();
                prop_assert_eq!(counted as usize, days.len());
                for week in weeks {
                    for metric in Metric::ALL {
                        prop_assert_eq!(week.spread(metric), naive(&days, week.monday, metric));
                    }
                }
                let blocks: std::collections::BTreeSet<i32> = weeks.iter().map(|week| block_of(week.monday).0).collect();
                let stored: Vec<Week> = blocks.into_iter()
                    .flat_map(|block| decode(block, &encode(block, weeks)).expect("just encoded")).collect();
                prop_assert_eq!(&stored, weeks);
            }
        }

        #[test]
        fn a_snapshot_is_the_sum_of_its_parts(day in any_day()) {
            let parts = parts(&day);
            let whole = reassembled(&day, &parts).expect("it has parts");
            prop_assert_eq!(&whole.numbers, &day.numbers);
            prop_assert_eq!((whole.source, whole.date), (day.source, day.date));
            prop_assert_eq!(super::parts(&whole), parts.clone());
            for part in &parts {
                let alone = reassembled(&day, std::slice::from_ref(part)).expect("a part");
                prop_assert_eq!(super::parts(&alone), vec![part.clone()]);
            }
            prop_assert_eq!(reassembled(&day, &[]), None);
        }

        #[test]
        fn any_bytes_are_a_block_or_none(mut bytes: Vec<u8>, days in proptest::collection::vec(any_day(), 1..9), at: usize, bit in 0u8..8) {
            let _ = decode(0, &bytes);
            bytes.insert(0, VERSION);
            let _ = decode(i32::MAX, &bytes);
            let weeks = days.iter().fold(Vec::new(), |weeks, day| merged(weeks, vec![Week::of(day, &day.numbers)]));
            let block = block_of(weeks[0].monday).0;
            let mut flipped = encode(block, &weeks);
            let at = at % flipped.len();
            flipped[at] ^= 1 << bit;
            let _ = decode(block, &flipped);
            let _ = decode(block, &flipped[..at]);
        }
    }

    #[test]
    fn weeks_begin_on_mondays_and_half_a_year_is_a_block() {
        let check = |day: &str, monday: &str| {
            let (day, monday): (Date, Date) = (day.parse().expect(day), monday.parse().expect(monday));
            assert_eq!(monday_of(day), monday);
            let (block, slot) = block_of(monday);
            assert_eq!(monday_at(block, slot), monday);
        };
        check("2026-11-30", "2026-11-30");
        check("2026-12-06", "2026-11-30");
        check("2027-01-01", "2026-12-28");
        check("1970-01-01", "1969-12-29");
        check("1900-01-01", "1900-01-01");
        let first: Date = "2026-11-30".parse().expect("a date");
        let blocks: std::collections::BTreeSet<i32> =
            (0..52).map(|week| block_of(first.plus_days(week * 7)).0).collect();
        assert!((2..=3).contains(&blocks.len()), "{blocks:?}");
    }

    #[test]
    fn a_steady_account_takes_little() {
        let day = |day: i32| Snapshot {
            date: Date(20_003 + day),
            observed_at: Timestamp(0),
            source: Source::Api,
            followers_step: None,
            definition: 1,
            read_with: Some(ReadWith::Public),
            by_hand: MetricSet::default(),
            numbers: Numbers { followers: Some(100_000 + 37 * day as u64), posts: Some(812), ..Numbers::default() },
        };
        let days: Vec<Snapshot> = (0..26 * 7).map(day).collect();
        let weeks = days.iter().fold(Vec::new(), |weeks, day| merged(weeks, vec![Week::of(day, &day.numbers)]));
        let block = block_of(weeks[0].monday).0;
        let bytes = encode(block, &weeks);
        assert!(bytes.len() < 90, "{} bytes for half a year", bytes.len());
    }

    #[test]
    fn the_bytes_of_a_block_are_those_on_every_disk() {
        let numbers = Numbers {
            followers: Some(9),
            engagement_rate: Some(roster_protocol::metric::Ratio(-4)),
            ..Numbers::default()
        };
        let day = Snapshot {
            date: Date(20_005),
            observed_at: Timestamp(0),
            source: Source::Api,
            followers_step: Some(100),
            definition: 1,
            read_with: None,
            by_hand: MetricSet::default(),
            numbers: numbers.clone(),
        };
        let later = Snapshot { date: Date(20_006), numbers: Numbers { followers: Some(7), ..numbers }, ..day.clone() };
        let weeks = merged(vec![Week::of(&day, &day.numbers)], vec![Week::of(&later, &later.numbers)]);
        let bytes = encode(block_of(weeks[0].monday).0, &weeks);
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            "02000000011101111101000000001011110000000000000000000000000000000000001802c80118120304001807000000"
        );
        // Version 1 had neither reach nor reposts.
        let version_1 = "0100000001110111110100000000101111000000000000000000000000001802c80118120304001807000000";
        let bytes: Vec<u8> = (0..version_1.len() / 2)
            .map(|at| u8::from_str_radix(&version_1[2 * at..2 * at + 2], 16).expect("two digits"))
            .collect();
        assert_eq!(decode(block_of(weeks[0].monday).0, &bytes), Ok(weeks));
    }
}
