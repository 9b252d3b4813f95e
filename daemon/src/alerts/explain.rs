//! The sentences that say what an alert is about. Pure.

use roster_protocol::alert::Explained;
use roster_protocol::metric::{Metric, Ratio, Unit};
use roster_protocol::notice::value;

use super::evaluate::relative;
use super::measured::Found;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// `followers fell 16.5 % within 6 hours, from 10,900 to 9,100 (a normal day: ±0.3 %)`.
pub fn why(metric: Metric, found: &Found<'_>) -> String {
    let (from, to) = (found.from.value, found.to.value);
    let (values, label) = ((value(metric, from), value(metric, to)), metric.label());
    if let Some(level) = found.level {
        let verb = if to < from { "fell below" } else { "reached" };
        return format!("{label} {verb} {}, from {} to {}", value(metric, level as f64), values.0, values.1);
    }
    let verb = if to < from { "fell" } else { "rose" };
    let size = match metric.unit() {
        // Of a share people say by how many points it moved.
        Unit::Ratio => format!(" by {:.1} points", (to - from).abs() * 100.0),
        Unit::Count | Unit::Mean => {
            relative(from, to).map_or(String::new(), |share| format!(" {:.1} %", share.abs() * 100.0))
        }
    };
    let within = within(found.to.at.since(found.from.at));
    let usual = found.usual.map(|usual| format!(" (a normal day: ±{:.1} %)", usual.nine_of_ten * 100.0));
    format!("{label} {verb}{size} {within}, from {} to {}{}", values.0, values.1, usual.unwrap_or_default())
}

/// What explains it besides the sentence; `peers` is known to the caller.
pub fn explained(found: &Found<'_>, step: Option<u64>, peers: Option<Ratio>) -> Explained {
    Explained {
        window: found.window,
        from_at: Some(found.from.at),
        usual: found.usual.and_then(|usual| Ratio::from_f64(usual.nine_of_ten)),
        peers,
        step,
        score: found.score,
    }
}

/// `within 6 hours`: minutes up to two hours, hours up to two days, then days; rounded up.
fn within(ms: i64) -> String {
    let (count, unit) = match ms {
        ms if ms < 2 * HOUR_MS => (up(ms, MINUTE_MS), "minute"),
        ms if ms < 2 * DAY_MS => (up(ms, HOUR_MS), "hour"),
        ms => (up(ms, DAY_MS), "day"),
    };
    format!("within {count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// How many units that is, at least 1.
fn up(ms: i64, unit: i64) -> u64 {
    ms.unsigned_abs().div_ceil(unit.unsigned_abs()).max(1)
}

#[cfg(test)]
mod tests {
    use roster_protocol::time::Timestamp;

    use super::*;
    use crate::alerts::path::Point;
    use crate::alerts::rules::built_in;
    use crate::alerts::usual::Usual;

    fn said(metric: Metric, from: f64, to: f64, hours: i64, level: Option<u64>) -> String {
        let at = |ms: i64, value| Point { at: Timestamp(ms), value };
        let rules = built_in();
        let usual = Some(Usual::known(0.003));
        let (from, to) = (at(0, from), at(hours * HOUR_MS, to));
        why(metric, &Found { rule: &rules[0], from, to, window: None, score: None, usual, level })
    }

    #[test]
    fn a_sentence_says_how_far_how_fast_and_what_is_normal() {
        let fell = said(Metric::Followers, 10_900.0, 9_100.0, 6, None);
        assert_eq!(fell, "followers fell 16.5 % within 6 hours, from 10,900 to 9,100 (a normal day: ±0.3 %)");
        let rate = said(Metric::EngagementRate, 0.05, 0.021, 60, None);
        assert_eq!(rate, "engagement rate fell by 2.9 points within 3 days, from 5 % to 2.1 % (a normal day: ±0.3 %)");
        let reached = said(Metric::Followers, 99_812.0, 100_240.0, 6, Some(100_000));
        assert_eq!(reached, "followers reached 100,000, from 99,812 to 100,240");
    }

    #[test]
    fn lengths_of_time_are_in_the_unit_that_fits() {
        let check = |ms: i64, expected: &str| assert_eq!(within(ms), expected);
        check(0, "within 1 minute");
        check(90 * MINUTE_MS, "within 90 minutes");
        check(6 * HOUR_MS, "within 6 hours");
        check(6 * HOUR_MS + 1, "within 7 hours");
        check(24 * HOUR_MS, "within 24 hours");
        check(3 * DAY_MS, "within 3 days");
    }
}
