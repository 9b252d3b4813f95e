//! Which moves a person wants to know. The definition, in words:
//!
//! *Someone who works with an account wants to know of a real change of its followers that is large for an account of its
//! size, that is far outside what its own days bring, and that the platform's count can show.*
//!
//! 1. **Real.** Faults of an API, counts that change with the rounding, steady growth and a weekly rhythm are no changes:
//!    never wanted, however large. What follows a purchase is known from the purchase: at most debatable.
//! 2. **Large for its size.** For an account of a million or more, 1 % within a day is news; each tenth of the size doubles
//!    what is needed: 2 % of 100,000, 4 % of 10,000, 8 % of 1,000, so that ±3 % of a tiny account is none. For what takes
//!    weeks the measure is 30 days, and three times as much.
//! 3. **Outside its own days.** Three times what 19 of 20 of its days stay below, or for what takes weeks, three times what
//!    19 of 20 of its months stay below in falls, while nothing happens.
//! 4. **Visible.** Three of the platform's steps, so that two are seen for certain.
//!
//! The *line* is the largest of 2 to 4. A move's *size* is the largest change that was measured within a day (30 days) in
//! the move's direction, from the sync before it until its end: what was never measured is no news. People differ about
//! what is close to the line, so a size within a quarter of the line is debatable; above, it is wanted; below, unwanted.
//! A move back within a day that only one sync saw is debatable at most: nothing distinguishes it from a fault.

use crate::history::{DAY, Direction, HOUR, History, Kind, Move, Point, Verdict};

/// A share within a day that is large for an account of this size.
pub fn day_line(followers: f64) -> f64 {
    let tenths = (6.0 - followers.max(1.0).log10()).max(0.0);
    0.01 * 2f64.powf(tenths)
}

/// How much more is needed within 30 days.
const MONTH: f64 = 3.0;
const OWN: f64 = 3.0;
const STEPS: f64 = 3.0;
/// What lies closer to the line than this share of it is debatable.
const CLOSE: f64 = 0.25;

/// The share of the count at which a move becomes news.
pub fn line(history: &History, is_slow: bool, from: u64) -> f64 {
    let from_float = from.max(1) as f64;
    let visible = STEPS * history.platform.step(from) as f64 / from_float;
    let (large, own) = match is_slow {
        true => (MONTH * day_line(from_float), OWN * history.normal_month_fall),
        false => (day_line(from_float), OWN * history.normal_day),
    };
    large.max(own).max(visible)
}

/// Judges a move by the points of its history.
pub fn verdict(history: &History, it: &Move) -> Verdict {
    if matches!(it.kind, Kind::Fault | Kind::Flap | Kind::Growth | Kind::Rhythm) {
        return Verdict::Unwanted;
    }
    let span = during(&history.points, it);
    let window = if it.kind.is_slow() { 30 * DAY } else { DAY };
    let share = size(span, window, it.direction) / line(history, it.kind.is_slow(), it.from);
    let most = match it.kind {
        Kind::BoughtDecay => Verdict::Debatable,
        Kind::Spike | Kind::NightFall if seen(span, it) < 2 => Verdict::Debatable,
        _ => Verdict::Wanted,
    };
    match share {
        share if share < 1.0 - CLOSE => Verdict::Unwanted,
        share if share > 1.0 + CLOSE => most,
        _ => Verdict::Debatable,
    }
}

/// The points from the last one before a move until the first one at or after its end.
pub fn during<'a>(points: &'a [Point], it: &Move) -> &'a [Point] {
    let first = points.partition_point(|point| point.at <= it.starts_at).saturating_sub(1);
    let last = points.partition_point(|point| point.at < it.ends_at);
    &points[first.min(points.len())..(last + 1).min(points.len())]
}

/// The largest change within a window, as a share of what it started from; syncs may be an hour late, and a gap is a
/// window of its own.
fn size(span: &[Point], window: i64, direction: Direction) -> f64 {
    let mut largest = 0f64;
    for (index, from) in span.iter().enumerate() {
        let later = span.iter().enumerate().skip(index + 1);
        for (_, to) in later.take_while(|(place, to)| *place == index + 1 || to.at - from.at <= window + HOUR) {
            largest = largest.max(share(from.followers, to.followers, direction));
        }
    }
    largest
}

/// How many syncs saw at least half of a move.
fn seen(span: &[Point], it: &Move) -> usize {
    let half = share(it.from, it.to, it.direction) / 2.0;
    span.iter().filter(|point| half > 0.0 && share(it.from, point.followers, it.direction) >= half).count()
}

fn share(from: u64, to: u64, direction: Direction) -> f64 {
    let moved = match direction {
        Direction::Up => to.saturating_sub(from),
        Direction::Down => from.saturating_sub(to),
    };
    moved as f64 / from.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Platform;

    #[test]
    fn a_tenth_of_the_size_needs_twice_as_much() {
        let check = |followers: f64, percent: f64| {
            assert!((day_line(followers) * 100.0 - percent).abs() < 1e-9, "{followers}: {}", day_line(followers));
        };
        check(50_000_000.0, 1.0);
        check(1_000_000.0, 1.0);
        check(100_000.0, 2.0);
        check(10_000.0, 4.0);
        check(1_000.0, 8.0);
    }

    /// A history with a sync every six hours from the start; the move is from 12 h to `ends` hours.
    fn judged(platform: Platform, normal_day: f64, kind: Kind, ends: i64, counts: &[u64]) -> Verdict {
        let at = (0..).map(|number| number * 6 * HOUR);
        let points = at.zip(counts).map(|(at, &count)| Point { at, followers: count, step: platform.step(count) });
        let direction = if counts[3] < counts[2] { Direction::Down } else { Direction::Up };
        let span = counts[2..].iter();
        let to = if direction == Direction::Down { span.min() } else { span.max() };
        let it = Move {
            kind,
            starts_at: 12 * HOUR,
            ends_at: ends * HOUR,
            direction,
            from: counts[2],
            to: to.copied().unwrap_or(0),
            verdict: Verdict::Unwanted,
        };
        let points = points.collect();
        let history =
            History { platform, interval: 6 * HOUR, points, moves: vec![], normal_day, normal_month_fall: 0.0 };
        verdict(&history, &it)
    }

    #[test]
    fn what_is_news_depends_on_the_size_its_days_and_the_rounding() {
        use Kind::*;
        use Platform::*;
        use Verdict::*;
        let check = |platform, day, kind, counts: &[u64], expected| {
            assert_eq!(judged(platform, day, kind, 24, counts), expected, "{platform:?} {day} {kind:?} {counts:?}");
        };
        let million = 1_000_000;
        check(Instagram, 0.0, Fall, &[million, million, million, 987_000, 985_000], Wanted);
        check(Instagram, 0.0, Fall, &[million, million, million, 991_000, 990_000], Debatable);
        check(Instagram, 0.0, Fall, &[million, million, million, 995_000, 993_000], Unwanted);
        // Its own days bring 1 %: 1.5 % is none of its news.
        check(Instagram, 0.01, Fall, &[million, million, million, 987_000, 985_000], Unwanted);
        check(Instagram, 0.01, Fall, &[million, million, million, 987_000, 960_000], Wanted);
        // A rounded million shows 1 % as one step.
        check(Youtube, 0.0, Fall, &[1_020_000, 1_020_000, 1_020_000, 1_010_000, 1_000_000], Unwanted);
        check(Youtube, 0.0, Fall, &[1_080_000, 1_080_000, 1_080_000, 1_040_000, 1_030_000], Wanted);
        check(Mastodon, 0.0, Jump, &[1_000, 1_000, 1_000, 1_030, 1_030], Unwanted);
        check(Mastodon, 0.0, Jump, &[1_000, 1_000, 1_000, 1_110, 1_130], Wanted);
        check(Mastodon, 0.0, Fault, &[1_000, 1_000, 1_000, 10, 1_000], Unwanted);
        check(Mastodon, 0.0, BoughtDecay, &[1_000, 1_000, 1_000, 800, 700], Debatable);
    }

    #[test]
    fn a_spike_that_one_sync_saw_is_debatable() {
        let check = |counts: &[u64], expected| {
            assert_eq!(judged(Platform::Tiktok, 0.0, Kind::Spike, 36, counts), expected, "{counts:?}");
        };
        check(&[1_000, 1_000, 1_000, 1_300, 1_000, 1_000, 1_000], Verdict::Debatable);
        check(&[1_000, 1_000, 1_000, 1_300, 1_300, 1_000, 1_000], Verdict::Wanted);
        check(&[1_000, 1_000, 1_000, 1_001, 1_000, 1_000, 1_000], Verdict::Unwanted);
    }

    #[test]
    fn a_change_over_two_days_is_measured_by_its_largest_day() {
        let check = |ends, counts: &[u64], expected| {
            assert_eq!(judged(Platform::Tiktok, 0.0, Kind::Fall, ends, counts), expected, "{counts:?}");
        };
        let slow: Vec<u64> = [1_000_000; 3].into_iter().chain((1..=8).map(|step| 1_000_000 - step * 2_000)).collect();
        // 1.6 % in two days, 0.8 % a day.
        check(60, &slow, Verdict::Debatable);
        let slower: Vec<u64> = [1_000_000; 3].into_iter().chain((1..=8).map(|step| 1_000_000 - step * 1_700)).collect();
        check(60, &slower, Verdict::Unwanted);
    }
}
