//! The figures of the last days, each as a row of shares or ages by day: what is known of a day, and what it is now.

use roster_protocol::status::{Coverage, DayFigures};
use roster_protocol::{Date, Status};

use crate::format;

/// One figure over the last days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    pub name: String,
    /// One value a day, the newest last; `None` where nothing is known of the day.
    pub values: Vec<Option<u64>>,
    /// What it is now.
    pub now: String,
    /// What that is made of, in words; empty where the value says it all.
    pub detail: String,
    /// The same with fewer words, where there is little room.
    pub brief: String,
    /// Whether something is missing that should be there.
    pub is_short: bool,
}

/// The figures of the roster as a whole over so many days.
pub fn of_roster(status: &Status, days: &[DayFigures], count: usize) -> Vec<Series> {
    let series = |name: &str, of: &dyn Fn(&DayFigures) -> Option<u64>, now: String, detail: String, is_short| Series {
        name: name.to_owned(),
        values: by_day(days, count, of),
        now,
        brief: detail.clone(),
        detail,
        is_short,
    };
    let (coverage, adoption, data) = (status.coverage_24h, status.adoption, status.data);
    let age = days.last().and_then(|today| today.oldest_s).map_or(format::UNKNOWN.to_owned(), format::length);
    let synced = series(
        "synced in 24 h",
        &|day| day.coverage().and_then(|all| per_mille(all.well(), all.expected)),
        format::share(coverage.well(), coverage.expected),
        ended(coverage),
        coverage.ok < coverage.expected,
    );
    vec![
        Series { brief: of_all(coverage.well(), coverage.expected), ..synced },
        series(
            "influencers connected",
            &|day| per_mille(day.adoption.connected, day.influencers),
            format::share(adoption.connected, status.influencers),
            of_all(adoption.connected, status.influencers),
            false,
        ),
        series(
            "on every platform",
            &|day| per_mille(day.adoption.on_all_platforms, day.influencers),
            format::share(adoption.on_all_platforms, status.influencers),
            of_all(adoption.on_all_platforms, status.influencers),
            false,
        ),
        series(
            "numbers by hand",
            &|day| per_mille(day.data.by_hand, day.data.numbers),
            format::share(data.by_hand, data.numbers),
            of_all(data.by_hand, data.numbers),
            false,
        ),
        series("age of the oldest", &|day| day.oldest_s, age, String::new(), false),
    ]
}

/// How far each platform was synced, of those that have accounts.
pub fn of_platforms(status: &Status, days: &[DayFigures], count: usize) -> Vec<Series> {
    let used = status.platforms.iter().filter(|platform| platform.connections > 0);
    let series = used.map(|platform| {
        let of_day = |day: &DayFigures| {
            let (_, coverage) = day.platforms.iter().find(|(slug, _)| *slug == platform.platform)?;
            per_mille(coverage.well(), coverage.expected)
        };
        let coverage = platform.coverage_24h;
        Series {
            name: platform.name.clone(),
            values: by_day(days, count, &of_day),
            now: format::share(coverage.well(), coverage.expected),
            detail: ended(coverage),
            brief: of_all(coverage.well(), coverage.expected),
            is_short: coverage.ok < coverage.expected,
        }
    });
    series.collect()
}

/// `2,780 of 2,800`.
fn of_all(number: u64, all: u64) -> String {
    format!("{} of {}", format::exact(number), format::exact(all))
}

/// `2,760 ok, 12 failed`.
pub fn ended(coverage: Coverage) -> String {
    let Coverage { ok, partial, failed, skipped, .. } = coverage;
    let counts = [(ok, "ok"), (partial, "partial"), (failed, "failed"), (skipped, "skipped")];
    let counts = counts.iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = counts.map(|(count, word)| format!("{} {word}", format::exact(*count))).collect();
    if parts.is_empty() { "nothing was due".to_owned() } else { parts.join(", ") }
}

fn per_mille(count: u64, all: u64) -> Option<u64> {
    (all > 0).then(|| (u128::from(count) * 1_000 / u128::from(all)) as u64)
}

/// One value for each of so many days up to the newest.
fn by_day(days: &[DayFigures], count: usize, of: &dyn Fn(&DayFigures) -> Option<u64>) -> Vec<Option<u64>> {
    let mut values = vec![None; count];
    let Some(Date(newest)) = days.last().map(|day| day.date) else { return values };
    for day in days {
        let age = i64::from(newest) - i64::from(day.date.0);
        let at = usize::try_from(age).ok().and_then(|age| count.checked_sub(age + 1));
        if let Some(value) = at.and_then(|at| values.get_mut(at)) {
            *value = of(day);
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use roster_protocol::status::{Adoption, DataQuality};

    use super::*;

    fn day(date: i32, ok: u64) -> DayFigures {
        let coverage = Coverage { expected: 10, ok, failed: 10 - ok, ..Coverage::default() };
        DayFigures {
            date: Date(date),
            influencers: 4,
            adoption: Adoption { connected: 3, on_all_platforms: 1 },
            data: DataQuality::default(),
            oldest_s: None,
            platforms: if ok == 0 { Vec::new() } else { vec![("bluesky".to_owned(), coverage)] },
        }
    }

    #[test]
    fn a_day_without_figures_is_a_gap_and_nothing_due_is_unknown() {
        let days = [day(100, 5), day(102, 10), day(103, 0)];
        let synced = by_day(&days, 4, &|day| day.coverage().and_then(|all| per_mille(all.well(), all.expected)));
        assert_eq!(synced, [Some(500), None, Some(1000), None]);
        assert_eq!(by_day(&days, 2, &|day| Some(day.influencers)), [Some(4), Some(4)]);
        assert_eq!(by_day(&[], 2, &|_| Some(1)), [None, None]);
        assert_eq!(by_day(&[day(i32::MIN, 1), day(i32::MAX, 1)], 1, &|_| Some(1)), [Some(1)]);
    }

    #[test]
    fn how_slots_ended_is_said_in_words() {
        let all = Coverage { expected: 2_800, ok: 2_760, partial: 20, failed: 12, skipped: 8 };
        assert_eq!(ended(all), "2,760 ok, 20 partial, 12 failed, 8 skipped");
        assert_eq!(ended(Coverage::default()), "nothing was due");
    }
}
