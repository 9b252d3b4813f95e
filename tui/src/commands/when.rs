//! Dates as users type them: `2026-11-21`, `7d`, `1y`, `yesterday`, or a time of day with its zone.

use std::str::FromStr;

use jiff::{Span, ToSpan, Zoned, civil};
use roster_protocol::{Date, RosterError, Timestamp};

/// A time as typed, not yet resolved against the clock.
#[derive(Clone, Copy, Debug)]
pub enum When {
    /// This day, in the local zone where a time is wanted.
    Day(civil::Date),
    /// This moment.
    At(jiff::Timestamp),
    /// The day so many days before today.
    DaysAgo(i64),
    /// This long ago.
    Ago(Span),
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "today" => return Ok(When::DaysAgo(0)),
            "yesterday" => return Ok(When::DaysAgo(1)),
            _ => {}
        }
        let day = || text.parse().map(When::Day).ok().filter(|_| text.len() == "2026-11-21".len());
        let at = || text.parse().map(When::At).ok();
        let ago = || text.parse::<Span>().ok().filter(|span| !span.is_negative()).map(When::Ago);
        day().or_else(at).or_else(ago).ok_or_else(|| "write a date such as 2026-11-21, or 12h, 7d, 3mo, 1y".to_owned())
    }
}

impl When {
    /// The moment meant: a day begins at its midnight in `now`'s zone, `7d` is this time of day a week ago.
    ///
    /// # Errors
    /// When that is before the calendar begins.
    pub fn moment(self, now: &Zoned) -> Result<Timestamp, RosterError> {
        let too_far = |_| RosterError::usage("that is too long ago");
        let midnight = |day: civil::Date| day.to_zoned(now.time_zone().clone()).map(|start| start.timestamp());
        let at = match self {
            When::At(at) => at,
            When::Day(day) => midnight(day).map_err(too_far)?,
            When::DaysAgo(days) => now.date().checked_sub(days.days()).and_then(midnight).map_err(too_far)?,
            When::Ago(span) => now.checked_sub(span).map_err(too_far)?.timestamp(),
        };
        Ok(at.into())
    }

    /// The day meant, in `now`'s zone.
    ///
    /// # Errors
    /// When that is before the calendar begins.
    pub fn day(self, now: &Zoned) -> Result<Date, RosterError> {
        if let When::Day(day) = self {
            return Ok(day.into());
        }
        let at = self.moment(now)?.to_jiff();
        Ok(at.to_zoned(now.time_zone().clone()).date().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Zoned {
        "2026-11-21T14:30:00+02:00[Europe/Athens]".parse().expect("a time")
    }

    #[test]
    fn moments_are_measured_from_now() {
        let check = |text: &str, expected: &str| {
            let when: When = text.parse().expect(text);
            assert_eq!(when.moment(&now()).expect(text).to_string(), expected, "{text}");
        };
        check("2026-11-20", "2026-11-19T22:00:00Z");
        check("2026-11-20T01:02:03Z", "2026-11-20T01:02:03Z");
        check("7d", "2026-11-14T12:30:00Z");
        check("1y", "2025-11-21T12:30:00Z");
        check("2w", "2026-11-07T12:30:00Z");
        check("12h", "2026-11-21T00:30:00Z");
        check("90m", "2026-11-21T11:00:00Z");
        // Over the end of summer time: the same time of day, another offset.
        check("1mo", "2026-10-21T11:30:00Z");
        check("yesterday", "2026-11-19T22:00:00Z");
        check("today", "2026-11-20T22:00:00Z");
    }

    #[test]
    fn days_are_those_of_the_local_zone() {
        let check = |text: &str, expected: &str| {
            let when: When = text.parse().expect(text);
            assert_eq!(when.day(&now()).expect(text).to_string(), expected, "{text}");
        };
        check("2026-02-28", "2026-02-28");
        check("today", "2026-11-21");
        check("yesterday", "2026-11-20");
        check("7d", "2026-11-14");
        check("1y", "2025-11-21");
        check("2026-11-20T23:30:00Z", "2026-11-21");
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "7", "-7d", "someday", "2026-13-01", "2026-11", "2026-02-30", "d"] {
            assert!(text.parse::<When>().is_err(), "{text}");
        }
        assert!("9000y".parse::<When>().is_ok_and(|when| when.moment(&now()).is_ok()));
        assert!("15000y".parse::<When>().map_or(true, |when| when.moment(&now()).is_err()));
    }
}
