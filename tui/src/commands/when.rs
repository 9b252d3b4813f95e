//! Dates as users type them: `2026-11-21`, `7d`, `1y`, `yesterday`, or a time of day with its zone. Days are the daemon's:
//! it alone knows when they begin.

use std::str::FromStr;

use jiff::{Span, Zoned};
use roster_protocol::{Day, RosterError, Since, Timestamp};

/// A time as typed, not yet resolved against the clock.
#[derive(Clone, Copy, Debug)]
pub enum When {
    /// This day of the daemon's.
    Day(Day),
    /// This moment.
    At(jiff::Timestamp),
    /// This long ago.
    Ago(Span),
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_day = |day: &Day| !matches!(day, Day::On(_)) || text.len() == "2026-11-21".len();
        let day = || text.parse().ok().filter(is_day).map(When::Day);
        let at = || text.parse().map(When::At).ok();
        let ago = || text.parse::<Span>().ok().filter(|span| !span.is_negative()).map(When::Ago);
        day()
            .or_else(at)
            .or_else(ago)
            .ok_or_else(|| "write a date such as 2026-11-21, today or yesterday, or 12h, 7d, 3mo, 1y".to_owned())
    }
}

impl When {
    /// The beginning of a span of time: a day begins at the daemon's midnight, `7d` is this time of day a week ago.
    ///
    /// # Errors
    /// When that is before the calendar begins.
    pub fn since(self, now: &Zoned) -> Result<Since, RosterError> {
        Ok(match self {
            When::Day(day) => Since::Day(day),
            When::At(at) => Since::At(at.into()),
            When::Ago(span) => Since::At(ago(span, now)?),
        })
    }

    /// The day meant, which is one of the daemon's.
    ///
    /// # Errors
    /// When that is before the calendar begins.
    pub fn day(self, now: &Zoned) -> Result<Day, RosterError> {
        Ok(match self {
            When::Day(day) => day,
            When::At(at) => Day::Of(at.into()),
            When::Ago(span) => Day::Of(ago(span, now)?),
        })
    }
}

fn ago(span: Span, now: &Zoned) -> Result<Timestamp, RosterError> {
    let at = now.checked_sub(span).map_err(|_| RosterError::usage("that is too long ago"))?;
    Ok(at.timestamp().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Zoned {
        "2026-11-21T14:30:00+02:00[Europe/Athens]".parse().expect("a time")
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn lengths_are_measured_from_now_and_days_are_the_daemons() {
        let check = |text: &str, expected: Since| {
            let when: When = text.parse().expect(text);
            assert_eq!(when.since(&now()).expect(text), expected, "{text}");
        };
        let moment = |text: &str| Since::At(at(text));
        check("2026-11-20T01:02:03Z", moment("2026-11-20T01:02:03Z"));
        check("7d", moment("2026-11-14T12:30:00Z"));
        check("1y", moment("2025-11-21T12:30:00Z"));
        check("2w", moment("2026-11-07T12:30:00Z"));
        check("12h", moment("2026-11-21T00:30:00Z"));
        check("90m", moment("2026-11-21T11:00:00Z"));
        // Over the end of summer time: the same time of day, another offset.
        check("1mo", moment("2026-10-21T11:30:00Z"));
        check("2026-11-20", Since::Day(Day::On("2026-11-20".parse().expect("a date"))));
        check("yesterday", Since::Day(Day::Ago(1)));
        check("today", Since::Day(Day::TODAY));
    }

    #[test]
    fn a_day_is_named_and_not_resolved() {
        let check = |text: &str, expected: Day| {
            let when: When = text.parse().expect(text);
            assert_eq!(when.day(&now()).expect(text), expected, "{text}");
        };
        check("2026-02-28", Day::On("2026-02-28".parse().expect("a date")));
        check("today", Day::TODAY);
        check("yesterday", Day::Ago(1));
        check("7d", Day::Of(at("2026-11-14T12:30:00Z")));
        check("2026-11-20T23:30:00Z", Day::Of(at("2026-11-20T23:30:00Z")));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "7", "-7d", "someday", "2026-13-01", "2026-11", "2026-02-30", "d"] {
            assert!(text.parse::<When>().is_err(), "{text}");
        }
        assert!("9000y".parse::<When>().is_ok_and(|when| when.since(&now()).is_ok()));
        assert!("15000y".parse::<When>().map_or(true, |when| when.since(&now()).is_err()));
    }
}
