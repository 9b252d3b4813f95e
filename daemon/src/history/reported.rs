//! A month of what a platform reported of one account's days, in as few bytes as is cheap: column by column (`column`).
//!
//! Its slots are the days of the month, from the 1st. The store adds keys and checksums.

use std::collections::BTreeMap;

use roster_protocol::reported::{DayMetric, DayNumbers, ReportedDay};
use roster_protocol::time::Date;

use super::column::{self, ChunkError, Days, set_bits};

/// How many columns a month has in each version, from 1 on.
const COUNTS: [usize; 1] = [14];
/// The version of the layout, also in the envelope that the store puts around it.
pub const VERSION: u8 = COUNTS.len() as u8;

/// The figures in the order of their columns on disk, which is not that of the list: append, never reorder.
const COLUMNS: [DayMetric; COUNTS[COUNTS.len() - 1]] = [
    DayMetric::Followers,
    DayMetric::Gained,
    DayMetric::Lost,
    DayMetric::Reach,
    DayMetric::Views,
    DayMetric::EngagedViews,
    DayMetric::WatchMinutes,
    DayMetric::Likes,
    DayMetric::Comments,
    DayMetric::Shares,
    DayMetric::Saves,
    DayMetric::Reposts,
    DayMetric::Engagements,
    DayMetric::ProfileViews,
];

const _: () = {
    let (mut seen, mut at) = (0u64, 0);
    while at < COLUMNS.len() {
        seen |= 1 << COLUMNS[at] as u64;
        at += 1;
    }
    assert!(seen.count_ones() as usize == DayMetric::ALL.len(), "each figure has one column");
};

/// Days of the month that begins on `first`, in bytes; days of other months are left out. `None`: there is nothing to
/// store.
pub fn encode(first: Date, days: &[ReportedDay]) -> Option<Vec<u8>> {
    let (mut slots, mut columns) = (0, [Days::NONE; COLUMNS.len()]);
    for day in days.iter().filter(|day| !day.numbers.is_empty()) {
        let slot = day.date.0.wrapping_sub(first.0);
        let Some(slot) = u8::try_from(slot).ok().filter(|slot| usize::from(*slot) < column::SLOTS) else { continue };
        slots |= 1 << slot;
        for (metric, column) in COLUMNS.iter().zip(&mut columns) {
            column.set(slot, day.numbers.get(*metric));
        }
    }
    (slots != 0).then(|| column::encode_all(VERSION, slots, &columns))
}

/// The days of the month that begins on `first`, in order.
///
/// # Errors
/// When the bytes are not exactly a month.
pub fn decode(first: Date, bytes: &[u8]) -> Result<Vec<ReportedDay>, ChunkError> {
    let mut columns = [Days::NONE; COLUMNS.len()];
    let slots = column::decode_all(bytes, &COUNTS, &mut columns)?;
    let day = |slot: u8| {
        let known = COLUMNS.iter().zip(&columns).filter_map(|(metric, column)| Some((*metric, column.get(slot)?)));
        ReportedDay { date: first.plus_days(i32::from(slot)), numbers: known.collect::<DayNumbers>() }
    };
    Ok(set_bits(slots).map(day).collect())
}

/// What is known of days once they were reported again: a later report counts, and what it leaves out stays. In order,
/// each day once.
pub fn merged(before: Vec<ReportedDay>, reported: &[ReportedDay]) -> Vec<ReportedDay> {
    let mut days: BTreeMap<Date, DayNumbers> = before.into_iter().map(|day| (day.date, day.numbers)).collect();
    for day in reported.iter().filter(|day| !day.numbers.is_empty()) {
        let known = days.entry(day.date).or_default();
        let earlier = std::mem::replace(known, day.numbers.clone());
        known.fill(&earlier);
    }
    days.into_iter().map(|(date, numbers)| ReportedDay { date, numbers }).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FIRST: Date = Date(20_000);

    fn day(date: Date, figures: &[(DayMetric, u64)]) -> ReportedDay {
        ReportedDay { date, numbers: figures.iter().copied().collect() }
    }

    fn any_days() -> impl Strategy<Value = Vec<ReportedDay>> {
        let figures = proptest::collection::vec(proptest::option::of(any::<u64>()), DayMetric::ALL.len());
        proptest::collection::btree_map(0i32..31, figures, 0..32).prop_map(|days| {
            let day = |(day, figures): (i32, Vec<Option<u64>>)| {
                let known =
                    DayMetric::ALL.into_iter().zip(figures).filter_map(|(metric, value)| Some((metric, value?)));
                ReportedDay { date: FIRST.plus_days(day), numbers: known.collect() }
            };
            days.into_iter().map(day).filter(|day| !day.numbers.is_empty()).collect()
        })
    }

    proptest! {
        #[test]
        fn every_month_comes_back(days in any_days()) {
            match encode(FIRST, &days) {
                None => prop_assert!(days.is_empty()),
                Some(bytes) => prop_assert_eq!(decode(FIRST, &bytes), Ok(days)),
            }
        }

        #[test]
        fn any_bytes_are_a_month_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(FIRST, &bytes);
        }
    }

    #[test]
    fn days_of_other_months_are_no_part_of_it() {
        let gained = [(DayMetric::Gained, 7)];
        let days =
            [FIRST.plus_days(-1), FIRST.plus_days(31), Date(i32::MIN), Date(i32::MAX)].map(|date| day(date, &gained));
        assert_eq!(encode(FIRST, &days), None);
        assert_eq!(encode(FIRST, &[day(FIRST, &[])]), None);
    }

    #[test]
    fn a_later_report_counts_and_leaves_the_rest() {
        let before = vec![
            day(Date(2), &[(DayMetric::Gained, 5), (DayMetric::Views, 80)]),
            day(Date(4), &[(DayMetric::Lost, 1)]),
        ];
        let again =
            [day(Date(3), &[(DayMetric::Gained, 9)]), day(Date(2), &[(DayMetric::Gained, 6)]), day(Date(4), &[])];
        let expected = [
            day(Date(2), &[(DayMetric::Gained, 6), (DayMetric::Views, 80)]),
            day(Date(3), &[(DayMetric::Gained, 9)]),
            day(Date(4), &[(DayMetric::Lost, 1)]),
        ];
        assert_eq!(merged(before, &again), expected);
    }
}
