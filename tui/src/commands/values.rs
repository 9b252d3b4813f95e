//! Values as users type them: accounts, counts, averages, rates, intervals.

use std::str::FromStr;

use jiff::{Span, SpanRelativeTo};
use roster_protocol::{Account, Mean, Ratio, Seconds, query};

/// `platform:handle`, or a profile's URL: the daemon finds out whose it is, so its platform stays empty here.
///
/// # Errors
/// What to write instead.
pub fn account(text: &str) -> Result<Account, String> {
    let text = text.trim();
    let is_url = |text: &str| text.starts_with("https://") || text.starts_with("http://");
    if is_url(text) {
        return Ok(Account { platform: String::new(), handle: text.to_owned() });
    }
    match text.split_once(':') {
        Some((platform, handle)) if !platform.is_empty() && !handle.is_empty() => {
            Ok(Account { platform: platform.to_lowercase(), handle: handle.to_owned() })
        }
        None if text.contains('/') && text.contains('.') => {
            Ok(Account { platform: String::new(), handle: format!("https://{text}") })
        }
        _ => Err("write platform:handle such as bluesky:name.example, or the profile's URL".to_owned()),
    }
}

/// `12345`, `12_345`, `12,345`, `10k`, `1.5m`.
///
/// # Errors
/// What to write instead.
pub fn count(text: &str) -> Result<u64, String> {
    let exact = text.replace(['_', ','], "").parse().ok();
    exact.or_else(|| query::count(text)).ok_or_else(|| "write a number such as 12345 or 12.3k".to_owned())
}

/// `610.4`, kept to two decimals.
///
/// # Errors
/// What to write instead.
pub fn mean(text: &str) -> Result<Mean, String> {
    let number = text.replace(['_', ','], "").parse().ok();
    number.and_then(Mean::from_f64).ok_or_else(|| "write a number such as 610.4".to_owned())
}

/// `0.05` or `5%`. Over 1 only with the sign: a bare 5 may mean either.
///
/// # Errors
/// What to write instead.
pub fn ratio(text: &str) -> Result<Ratio, String> {
    let ratio = match text.strip_suffix('%') {
        Some(percent) => percent.trim_end().parse().ok().map(|percent: f64| percent / 100.0),
        None => text.parse().ok().filter(|ratio: &f64| *ratio <= 1.0),
    };
    ratio.filter(|value| *value >= 0.0).and_then(Ratio::from_f64).ok_or_else(|| "write 5% or 0.05".to_owned())
}

/// How long a rule stays quiet: `24h`, or `0s`.
///
/// # Errors
/// What to write instead.
pub fn cooldown(text: &str) -> Result<Seconds, String> {
    let span = text.parse::<Span>().ok().filter(|span| !span.is_negative());
    let seconds = span.and_then(|span| span.total((jiff::Unit::Second, SpanRelativeTo::days_are_24_hours())).ok());
    seconds.map(|seconds| Seconds(seconds as u64)).ok_or_else(|| "write a length of time such as 24h, or 0s".to_owned())
}

/// The longest note, in bytes, so that a request with one fits into one frame.
const NOTE_BYTES: usize = 16 * 1024;

/// A note of a person.
///
/// # Errors
/// When it is too long.
pub fn note(text: &str) -> Result<String, String> {
    match text.len() {
        ..=NOTE_BYTES => Ok(text.to_owned()),
        _ => Err(format!("a note may have {NOTE_BYTES} bytes at most")),
    }
}

/// A length of time: `30m`, `1h`, `2d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length(pub Seconds);

impl FromStr for Length {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let span: Option<Span> = text.parse().ok();
        let length = span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
        let seconds = length.and_then(|length| u64::try_from(length.as_secs()).ok()).filter(|seconds| *seconds > 0);
        seconds.map(|seconds| Self(Seconds(seconds))).ok_or_else(|| "write a length such as 30m, 1h or 2d".to_owned())
    }
}

/// A connection's own interval, or the configured one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interval {
    Default,
    Every(Seconds),
}

impl Interval {
    /// Its length; `None`: the configured one.
    pub fn length(self) -> Option<Seconds> {
        match self {
            Interval::Default => None,
            Interval::Every(length) => Some(length),
        }
    }
}

impl FromStr for Interval {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "default" {
            return Ok(Interval::Default);
        }
        let length = text.parse().map(|Length(length)| Interval::Every(length));
        length.map_err(|error: String| format!("{error}, or `default`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_platform_and_handle_or_a_url() {
        let check = |text: &str, platform: &str, handle: &str| {
            let expected = Account { platform: platform.into(), handle: handle.into() };
            assert_eq!(account(text), Ok(expected), "{text}");
        };
        check("youtube:@x", "youtube", "@x");
        check("YouTube:@x", "youtube", "@x");
        check("mastodon:user@host.example", "mastodon", "user@host.example");
        check("https://bsky.app/profile/x.example", "", "https://bsky.app/profile/x.example");
        check("bsky.app/profile/x.example", "", "https://bsky.app/profile/x.example");
        check("bluesky:https://bsky.app/profile/x.example", "bluesky", "https://bsky.app/profile/x.example");
        for bad in ["", "x", "@x", ":x", "youtube:", "x.example"] {
            assert!(account(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn numbers_are_exact_where_they_can_be() {
        assert_eq!(count("9007199254740993"), Ok(9_007_199_254_740_993));
        assert_eq!(count("12,345"), Ok(12_345));
        assert_eq!(count("10k"), Ok(10_000));
        assert_eq!(mean("610.4"), Ok(Mean(61_040)));
        assert_eq!(mean("1,610"), Ok(Mean(161_000)));
        for bad in ["", "-1", "many", "nan", "inf", "1e400"] {
            assert!(count(bad).is_err(), "{bad}");
            assert!(mean(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn rates_say_whether_they_are_percent() {
        assert_eq!(ratio("0.05"), Ok(Ratio(50_000)));
        assert_eq!(ratio("5%"), Ok(Ratio(50_000)));
        assert_eq!(ratio("5.25 %"), Ok(Ratio(52_500)));
        assert_eq!(ratio("140%"), Ok(Ratio(1_400_000)));
        for bad in ["5", "-1%", "x%", "nan", "inf%", ""] {
            assert!(ratio(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn intervals_have_units() {
        let every = |seconds| Ok(Interval::Every(Seconds(seconds)));
        assert_eq!("1h".parse::<Interval>(), every(3600));
        assert_eq!("90m".parse::<Interval>(), every(5400));
        assert_eq!("2d".parse::<Interval>(), every(172_800));
        assert_eq!("1w".parse::<Interval>(), every(604_800));
        assert_eq!("default".parse::<Interval>(), Ok(Interval::Default));
        for bad in ["", "0s", "-1h", "1mo", "3600", "1ms"] {
            assert!(bad.parse::<Interval>().is_err(), "{bad}");
        }
    }
}
