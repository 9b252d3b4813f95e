//! Numbers, times and lengths as text, the same for screens and commands.
//!
//! Short numbers are rounded: what is printed is never further from the number than half of its last digit.

use jiff::tz::TimeZone;
use roster_protocol::{Date, Mean, Ratio, Timestamp, Unit};

/// All digits, in groups of three: `1,240,000`.
pub use roster_protocol::notice::grouped as exact;

/// The sign for an unknown number.
pub const UNKNOWN: &str = "–";

/// Three digits and a letter: 1 240 000 is `1.24M`, 98 312 is `98.3K`, 871 is `871`.
pub fn count(number: u64) -> String {
    let Some(over) = number.checked_ilog10().and_then(|power| power.checked_sub(2)).filter(|_| number >= 1_000) else {
        return number.to_string();
    };
    // The letter follows from the rounded number: 999 999 is a million.
    let step = 10_u128.pow(over.min(9));
    let rounded = (u128::from(number) + step / 2) / step * step;
    let (unit, letter) = match rounded {
        0..1_000_000 => (1_000, 'K'),
        1_000_000..1_000_000_000 => (1_000_000, 'M'),
        _ => (1_000_000_000, 'B'),
    };
    let digits = format!("{}.{:02}", rounded / unit, rounded % unit * 100 / unit);
    format!("{}{letter}", digits.trim_end_matches('0').trim_end_matches('.'))
}

/// A share with one decimal: `4.2%`.
pub fn percent(ratio: Ratio) -> String {
    let text = percent_digits(ratio);
    if ratio.0 < 0 && text != "0.0%" { format!("-{text}") } else { text }
}

/// How many of all, in percent: cut, not rounded, so that 100 % means all of them.
pub fn share(count: u64, all: u64) -> String {
    if all == 0 {
        return UNKNOWN.to_owned();
    }
    let tenths = u128::from(count) * 1_000 / u128::from(all);
    if tenths >= 1_000 { "100%".to_owned() } else { format!("{}.{}%", tenths / 10, tenths % 10) }
}

/// A change with its sign: `+0.8%`, `-12.4%`, `0.0%`; what would need four digits is `>+999%`.
pub fn signed_percent(ratio: Ratio) -> String {
    if ratio.0 >= 9_995_000 {
        return ">+999%".to_owned();
    }
    match (percent_digits(ratio).as_str(), ratio.0) {
        ("0.0%", _) => "0.0%".to_owned(),
        (digits, ..0) => format!("-{digits}"),
        (digits, _) => format!("+{digits}"),
    }
}

/// A change with its sign, and behind it how large it is: `+0.8% ` is small, `-2.4%↓` is not, `-12.4%▼` is large.
pub fn trend(ratio: Ratio) -> String {
    format!("{}{}", signed_percent(ratio), Trend::of(ratio).sign())
}

/// Which way something went, and how far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trend {
    /// Less than half of what is shown: nothing moved.
    Even,
    Rise(Size),
    Fall(Size),
}

/// How large a change is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Below 1 %.
    Small,
    /// Below 10 %.
    Middle,
    Large,
}

impl Trend {
    /// What a change is.
    pub fn of(ratio: Ratio) -> Self {
        let size = match ratio.0.unsigned_abs() {
            0..500 => return Trend::Even,
            500..9_500 => Size::Small,
            9_500..99_500 => Size::Middle,
            _ => Size::Large,
        };
        if ratio.0 > 0 { Trend::Rise(size) } else { Trend::Fall(size) }
    }

    /// Its shape, one column wide; a small one has its sign only.
    pub fn sign(self) -> char {
        match self {
            Trend::Even | Trend::Rise(Size::Small) | Trend::Fall(Size::Small) => ' ',
            Trend::Rise(Size::Middle) => '↑',
            Trend::Fall(Size::Middle) => '↓',
            Trend::Rise(Size::Large) => '▲',
            Trend::Fall(Size::Large) => '▼',
        }
    }
}

fn percent_digits(ratio: Ratio) -> String {
    let millionths = ratio.0.unsigned_abs();
    match (millionths + 500) / 1_000 {
        tenths @ 0..1_000 => format!("{}.{}%", tenths / 10, tenths % 10),
        _ => format!("{}%", (millionths + 5_000) / 10_000),
    }
}

/// The change from one value to another with its sign; `None` where it makes no sense.
pub fn change(from: f64, to: f64) -> Option<String> {
    ratio(from, to).map(signed_percent)
}

/// The change from one value to another as a share of the first; `None` where it makes no sense.
pub fn ratio(from: f64, to: f64) -> Option<Ratio> {
    (from != 0.0).then(|| Ratio::from_f64(to / from - 1.0)).flatten()
}

/// An average: as a count from 1 000 on, with up to two decimals below.
pub fn mean(mean: Mean) -> String {
    match (mean.0 / 100, mean.0 % 100) {
        (1_000.., _) => count(mean.0 / 100),
        (whole, 0) => whole.to_string(),
        (whole, part) => format!("{whole}.{part:02}").trim_end_matches('0').to_owned(),
    }
}

/// A value of a metric or another thing of this unit, in short form.
pub fn value(unit: impl Into<Unit>, value: f64) -> String {
    match unit.into() {
        Unit::Ratio => Ratio::from_f64(value).map(percent),
        Unit::Count => whole(value).map(count),
        Unit::Mean => Mean::from_f64(value).map(mean),
    }
    .unwrap_or_else(|| UNKNOWN.to_owned())
}

/// The same with all digits that were measured.
pub fn exact_value(unit: impl Into<Unit>, value: f64) -> String {
    match unit.into() {
        Unit::Ratio => Ratio::from_f64(value).map(|ratio| format!("{:.2}%", ratio.as_f64() * 100.0)),
        Unit::Count => whole(value).map(exact),
        Unit::Mean => Mean::from_f64(value).map(|mean| match mean.0 % 100 {
            0 => exact(mean.0 / 100),
            part => format!("{}.{part:02}", exact(mean.0 / 100)),
        }),
    }
    .unwrap_or_else(|| UNKNOWN.to_owned())
}

fn whole(value: f64) -> Option<u64> {
    (value.is_finite() && (0.0..1.8e19).contains(&value)).then(|| value.round() as u64)
}

/// How values are written beside a chart: short, or with all digits where short ones would look the same.
pub fn axis(unit: impl Into<Unit>, values: impl Iterator<Item = f64>, exact: bool) -> impl Fn(f64) -> String {
    let unit = unit.into();
    let bounds = (f64::INFINITY, f64::NEG_INFINITY);
    let (low, high) = values.fold(bounds, |(low, high), value| (low.min(value), high.max(value)));
    let all_digits = exact || (low < high && value(unit, low) == value(unit, high));
    move |number| if all_digits { exact_value(unit, number) } else { value(unit, number) }
}

/// Tags as users write them: `#beauty #nordic`.
pub fn tags(tags: &[String]) -> String {
    tags.iter().map(|tag| format!("#{tag}")).collect::<Vec<_>>().join(" ")
}

/// How long ago: `now`, `12m`, `3h`, `9d`, `2y`.
pub fn age(now: Timestamp, then: Timestamp) -> String {
    span(now.since(then)).unwrap_or_else(|| "now".to_owned())
}

/// How long until then: `4m`, `5h`; `now` when it has passed.
pub fn until(now: Timestamp, then: Timestamp) -> String {
    span(then.since(now)).unwrap_or_else(|| "now".to_owned())
}

/// The largest whole unit of a length in milliseconds; `None` under a minute.
fn span(millis: i64) -> Option<String> {
    let minutes = millis / 60_000;
    match minutes {
        ..1 => None,
        1..60 => Some(format!("{minutes}m")),
        60..1_440 => Some(format!("{}h", minutes / 60)),
        1_440..525_600 => Some(format!("{}d", minutes / 1_440)),
        _ => Some(format!("{}y", minutes / 525_600)),
    }
}

/// A length in seconds in its largest whole unit: `now`, `12m`, `3h`, `9d`.
pub fn length(seconds: u64) -> String {
    let millis = i64::try_from(seconds.saturating_mul(1_000)).unwrap_or(i64::MAX);
    span(millis).unwrap_or_else(|| "now".to_owned())
}

/// How long something took: `0.8s`, `12s`, `3m 20s`, `2h 5m`.
pub fn duration(millis: u64) -> String {
    let tenths = millis.saturating_add(50) / 100;
    let seconds = millis.saturating_add(500) / 1_000;
    match seconds {
        _ if tenths < 100 => format!("{}.{}s", tenths / 10, tenths % 10),
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m {}s", seconds / 60, seconds % 60),
        _ => format!("{}h {}m", seconds / 3_600, seconds % 3_600 / 60),
    }
}

/// A size: `512 B`, `1.2 MB`.
pub fn bytes(size: u64) -> String {
    let (unit, name) = match size {
        0..1_000 => return format!("{size} B"),
        // From here on what rounds to a thousand is one of the next unit.
        1_000..999_950 => (1_000, "kB"),
        999_950..999_950_000 => (1_000_000, "MB"),
        _ => (1_000_000_000, "GB"),
    };
    let tenths = (u128::from(size) * 10 + unit / 2) / unit;
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}

/// The hour and minute there: `14:02`.
pub fn clock(at: Timestamp, zone: &TimeZone) -> String {
    at.to_jiff().to_zoned(zone.clone()).strftime("%H:%M").to_string()
}

/// The day there.
pub fn date_of(at: Timestamp, zone: &TimeZone) -> Date {
    at.to_jiff().to_zoned(zone.clone()).date().into()
}

/// `14:02` when that is today, else `Nov 18`, with the year when it is another one.
pub fn moment(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let (day, today) = (date_of(at, zone), date_of(now, zone));
    if day == today { clock(at, zone) } else { day_near(day, today) }
}

/// `Nov 18`, or `Nov 18 2025` when `today` is in another year.
pub fn day_near(day: Date, today: Date) -> String {
    let same_year = day.to_jiff().year() == today.to_jiff().year();
    day.to_jiff().strftime(if same_year { "%b %-d" } else { "%b %-d %Y" }).to_string()
}

/// `Nov 18`.
pub fn day(day: Date) -> String {
    day.to_jiff().strftime("%b %-d").to_string()
}

#[cfg(test)]
mod tests {
    use roster_protocol::Metric;

    use super::*;

    #[test]
    fn counts_are_short_and_rounded() {
        let check = |number: u64, expected: &str| assert_eq!(count(number), expected, "{number}");
        check(0, "0");
        check(999, "999");
        check(1_000, "1K");
        check(8_100, "8.1K");
        check(8_126, "8.13K");
        check(22_958, "23K");
        check(23_257, "23.3K");
        check(9_994, "9.99K");
        check(9_995, "10K");
        check(99_949, "99.9K");
        check(99_950, "100K");
        check(98_312, "98.3K");
        check(402_000, "402K");
        check(999_499, "999K");
        check(999_500, "1M");
        check(999_999, "1M");
        check(1_240_000, "1.24M");
        check(1_548_551, "1.55M");
        check(2_028_601, "2.03M");
        check(20_000_000, "20M");
        check(100_500_000, "101M");
        check(999_999_999, "1B");
        check(u64::MAX, "18446744074B");
        assert_eq!(exact(1_240_000), "1,240,000");
        assert_eq!(exact(999), "999");
        assert_eq!(exact(0), "0");
    }

    #[test]
    fn an_axis_has_all_digits_where_short_ones_would_look_the_same() {
        let points = |low: f64, high: f64| [(Date(1), high), (Date(2), low)];
        let check = |points: &[(Date, f64)], exact: bool, expected: &str| {
            assert_eq!(
                axis(Metric::Followers, points.iter().map(|(_, value)| *value), exact)(1_240_000.0),
                expected,
                "{points:?}"
            );
        };
        check(&points(1_000_000.0, 2_000_000.0), false, "1.24M");
        check(&points(1_000_000.0, 2_000_000.0), true, "1,240,000");
        check(&points(1_240_000.0, 1_240_400.0), false, "1,240,000");
        check(&points(1_240_000.0, 1_240_000.0), false, "1.24M");
        check(&[], false, "1.24M");
    }

    #[test]
    fn ratios_have_one_decimal() {
        let check = |millionths: i64, plain: &str, signed: &str| {
            assert_eq!(percent(Ratio(millionths)), plain);
            assert_eq!(signed_percent(Ratio(millionths)), signed);
        };
        check(0, "0.0%", "0.0%");
        check(42_000, "4.2%", "+4.2%");
        check(-124_000, "-12.4%", "-12.4%");
        check(-400, "0.0%", "0.0%");
        check(999_499, "99.9%", "+99.9%");
        check(999_500, "100%", "+100%");
        check(1_500_000, "150%", "+150%");
        check(1_509_000, "151%", "+151%");
        check(9_994_999, "999%", "+999%");
        check(9_995_000, "1000%", ">+999%");
        check(90_000_000, "9000%", ">+999%");
        check(i64::MIN, "-922337203685478%", "-922337203685478%");
        let trends = [(499, "0.0% "), (500, "+0.1% "), (-9_499, "-0.9% "), (-9_500, "-1.0%↓"), (51_000, "+5.1%↑")];
        for (millionths, expected) in trends.into_iter().chain([(99_500, "+10.0%▲"), (-200_000, "-20.0%▼")]) {
            assert_eq!(trend(Ratio(millionths)), expected, "{millionths}");
        }
        assert_eq!(trend(Ratio(i64::MIN)), "-922337203685478%▼");
        assert_eq!(change(459_000.0, 402_000.0).as_deref(), Some("-12.4%"));
        assert_eq!(change(0.0, 5.0), None);
    }

    #[test]
    fn lengths_use_one_unit() {
        let now = Timestamp(1_000_000_000_000);
        let check = |seconds: i64, expected: &str| {
            assert_eq!(age(now, now.plus_seconds(-seconds)), expected);
            assert_eq!(until(now, now.plus_seconds(seconds)), expected);
        };
        check(-50, "now");
        check(59, "now");
        check(720, "12m");
        check(3 * 3_600, "3h");
        check(9 * 86_400, "9d");
        check(800 * 86_400, "2y");
        assert_eq!(duration(840), "0.8s");
        assert_eq!(duration(890), "0.9s");
        assert_eq!(duration(9_949), "9.9s");
        assert_eq!(duration(9_950), "10s");
        assert_eq!(duration(59_499), "59s");
        assert_eq!(duration(59_500), "1m 0s");
        assert_eq!(duration(200_000), "3m 20s");
        assert_eq!(bytes(1_048_576), "1.0 MB");
        assert_eq!(bytes(1_990_000), "2.0 MB");
        assert_eq!(bytes(999_949), "999.9 kB");
        assert_eq!(bytes(999_999_999), "1.0 GB");
    }

    #[test]
    fn values_have_their_unit() {
        let check = |metric: Metric, number: f64, short: &str, long: &str| {
            assert_eq!(value(metric, number), short);
            assert_eq!(exact_value(metric, number), long);
        };
        check(Metric::Followers, 459_000.0, "459K", "459,000");
        check(Metric::EngagementRate, 0.0525, "5.3%", "5.25%");
        check(Metric::AvgLikes, 610.4, "610.4", "610.40");
        check(Metric::AvgViews, 8_100.0, "8.1K", "8,100");
        check(Metric::Followers, f64::NAN, "–", "–");
        check(Metric::AvgLikes, -1.0, "–", "–");
    }

    #[test]
    fn times_are_as_exact_as_needed() {
        let at = |text: &str| text.parse::<Timestamp>().expect(text);
        let now = at("2026-11-21T12:00:00Z");
        let check = |then: &str, expected: &str| assert_eq!(moment(at(then), now, &TimeZone::UTC), expected);
        check("2026-11-21T09:05:00Z", "09:05");
        check("2026-11-18T09:05:00Z", "Nov 18");
        check("2025-11-18T09:05:00Z", "Nov 18 2025");
    }
}
