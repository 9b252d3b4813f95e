//! Lengths of time, times of day and counts, as the file has them.

use jiff::civil;
use roster_protocol::time::Seconds;

use super::raw::Problem;

/// Shorter intervals only hammer the platforms.
const SHORTEST_INTERVAL: Seconds = Seconds(10);
const LONGEST_INTERVAL: Seconds = Seconds(366 * 24 * 3600);

pub(super) fn within(key: &'static str, value: usize, most: usize) -> Result<usize, Problem> {
    match (1..=most).contains(&value) {
        true => Ok(value),
        false => Err((key, format!("{value} is not from 1 to {most}"))),
    }
}

pub(super) fn daily_slot(text: &str) -> Option<civil::Time> {
    civil::Time::strptime("%H:%M", text).ok()
}

/// Parses an interval such as `6h`, `90m`, `1h 30m`, `2d`.
///
/// # Errors
/// In a sentence: no length of time, too short or too long.
pub fn interval(text: &str) -> Result<Seconds, String> {
    let wrong = || format!("{text:?} is no length of time: write \"6h\", \"30m\" or \"2d\"");
    let span: jiff::Span = text.parse().map_err(|_| wrong())?;
    let seconds = span.total((jiff::Unit::Second, jiff::SpanRelativeTo::days_are_24_hours())).map_err(|_| wrong())?;
    let allowed = SHORTEST_INTERVAL.0 as f64..=LONGEST_INTERVAL.0 as f64;
    match allowed.contains(&seconds) {
        true => Ok(Seconds(seconds as u64)),
        false => Err(format!("{text:?} is not between 10s and 366d")),
    }
}

/// A distance between two syncs of one connection: `10s`, or `0s`.
pub(super) fn min_distance(text: &str) -> Result<Seconds, String> {
    let span: Option<jiff::Span> = text.parse().ok();
    let seconds = span.and_then(|span| span.total(jiff::Unit::Second).ok());
    seconds
        .filter(|seconds| (0.0..=3600.0).contains(seconds))
        .map(|seconds| Seconds(seconds as u64))
        .ok_or_else(|| format!("{text:?} is not between 0s and 1h: write \"10s\", or \"0s\" for none"))
}
