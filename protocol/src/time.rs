//! Points in time, dates and lengths, small enough for the wire and the store.
//!
//! Zone arithmetic is the daemon's; here is only what both sides print and parse.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A point in time: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timestamp(pub i64);

/// A length of time in whole seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Seconds(pub u64);

/// A calendar day: days since 1970-01-01. Whose midnight it means is the daemon's configured zone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Date(pub i32);

/// A day as users name it: which one it is, the daemon's zone decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Day {
    /// This one.
    On(Date),
    /// So many days before today: 0 is today.
    Ago(u32),
    /// The day of this moment.
    Of(Timestamp),
}

impl Day {
    pub const TODAY: Self = Self::Ago(0);
}

impl From<Date> for Day {
    fn from(date: Date) -> Self {
        Self::On(date)
    }
}

impl FromStr for Day {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        match text {
            "today" => Ok(Self::TODAY),
            "yesterday" => Ok(Self::Ago(1)),
            _ => text.parse().map(Self::On),
        }
    }
}

/// The beginning of a span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Since {
    At(Timestamp),
    /// The first moment of a day.
    Day(Day),
}

impl From<Timestamp> for Since {
    fn from(at: Timestamp) -> Self {
        Self::At(at)
    }
}

/// A text that is no time or no date.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not {1}")]
pub struct TimeError(String, &'static str);

impl Timestamp {
    /// Moves the point by `seconds`, backwards when negative; stops at the ends of the range.
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1000)))
    }

    /// The same without its milliseconds: what a snapshot keeps.
    pub fn whole_seconds(self) -> Self {
        Self(self.0.div_euclid(1000).saturating_mul(1000))
    }

    /// Milliseconds from `earlier` to here, negative when `earlier` is later.
    pub fn since(self, earlier: Timestamp) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The same point as jiff's type; out of its range it is cut to the nearest end.
    pub fn to_jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.0).unwrap_or(if self.0 < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        })
    }
}

impl From<jiff::Timestamp> for Timestamp {
    fn from(at: jiff::Timestamp) -> Self {
        Self(at.as_millisecond())
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC, whole seconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0}", jiff::Timestamp::from_second(self.0.div_euclid(1000)).unwrap_or_default())
    }
}

impl FromStr for Timestamp {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let at: jiff::Timestamp =
            text.parse().map_err(|_| TimeError(text.to_owned(), "a time such as 2026-11-21T02:00:00Z"))?;
        Ok(at.into())
    }
}

const EPOCH: jiff::civil::Date = jiff::civil::date(1970, 1, 1);

impl Date {
    /// The same day as jiff's type; out of its range it is 1970-01-01.
    pub fn to_jiff(self) -> jiff::civil::Date {
        EPOCH.checked_add(jiff::Span::new().days(self.0.clamp(-700_000, 2_900_000))).unwrap_or(EPOCH)
    }

    /// The day `days` later, earlier when negative.
    pub fn plus_days(self, days: i32) -> Self {
        Self(self.0.saturating_add(days))
    }
}

impl From<jiff::civil::Date> for Date {
    fn from(day: jiff::civil::Date) -> Self {
        Self(EPOCH.until(day).map(|span| span.get_days()).unwrap_or_default())
    }
}

impl fmt::Display for Date {
    /// ISO 8601.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.to_jiff())
    }
}

impl FromStr for Date {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let day: jiff::civil::Date =
            text.parse().map_err(|_| TimeError(text.to_owned(), "a date such as 2026-11-21"))?;
        Ok(day.into())
    }
}

impl Seconds {
    /// The length as milliseconds, for arithmetic with [`Timestamp`].
    pub fn millis(self) -> i64 {
        i64::try_from(self.0.saturating_mul(1000)).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_dates_print_as_they_parse() {
        let check = |text: &str| assert_eq!(text.parse::<Timestamp>().expect(text).to_string(), text);
        for text in ["1970-01-01T00:00:00Z", "2026-11-21T02:17:59Z", "1969-12-31T23:59:59Z"] {
            check(text);
        }
        let check = |text: &str, days: i32| {
            assert_eq!(text.parse::<Date>().expect(text), Date(days));
            assert_eq!(Date(days).to_string(), text);
        };
        check("1970-01-01", 0);
        check("2026-11-21", 20778);
        check("1969-12-31", -1);
        assert_eq!("yesterday".parse(), Ok(Day::Ago(1)));
        assert_eq!("1969-12-31".parse(), Ok(Day::On(Date(-1))));
        assert!("someday".parse::<Day>().is_err());
        assert!("2026-02-30".parse::<Date>().is_err());
        assert!("yesterday".parse::<Timestamp>().is_err());
    }

    #[test]
    fn days_and_seconds_are_added_up_to_the_ends() {
        assert_eq!(
            [Date(5).plus_days(3), Date(5).plus_days(-7), Date(i32::MAX).plus_days(1)],
            [Date(8), Date(-2), Date(i32::MAX)]
        );
        assert_eq!([Timestamp(5).plus_seconds(2), Timestamp(5).plus_seconds(-1)], [Timestamp(2_005), Timestamp(-995)]);
        assert_eq!((Timestamp(7).since(Timestamp(9)), Timestamp(i64::MAX).plus_seconds(1)), (-2, Timestamp(i64::MAX)));
    }

    #[test]
    fn a_day_may_be_named_and_lengths_are_milliseconds() {
        let day = |text: &str| text.parse::<Day>().map_err(|error| error.to_string());
        assert_eq!([day("today"), day("yesterday")], [Ok(Day::TODAY), Ok(Day::Ago(1))]);
        assert_eq!(day("2026-11-21"), Ok(Day::On(Date(20778))));
        assert!(day("tomorrow").is_err());
        assert_eq!((Seconds(3).millis(), Seconds(u64::MAX).millis()), (3000, i64::MAX));
        assert_eq!(
            [Timestamp(5_999), Timestamp(-1)].map(Timestamp::whole_seconds),
            [Timestamp(5_000), Timestamp(-1_000)]
        );
    }

    #[test]
    fn times_that_no_calendar_has_are_cut_to_its_ends() {
        assert_eq!(Timestamp(i64::MIN).to_jiff(), jiff::Timestamp::MIN);
        assert_eq!(Timestamp(i64::MAX).to_jiff(), jiff::Timestamp::MAX);
        assert_eq!(Timestamp(-1).to_jiff().as_millisecond(), -1);
    }

    #[test]
    fn extremes_do_not_panic() {
        for at in [i64::MIN, i64::MAX] {
            let _ = Timestamp(at).to_string();
            let _ = Timestamp(at).plus_seconds(at);
        }
        for day in [i32::MIN, i32::MAX] {
            let _ = Date(day).to_string();
        }
    }
}
