//! What an account gathers in one day, for the platforms that report it by day.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::account::Account;
use super::noise::{draw, unit};

/// One day of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    pub views: u64,
    /// Distinct accounts that saw something.
    pub reach: u64,
    pub likes: u64,
    pub comments: u64,
    pub shares: u64,
    pub saves: u64,
    pub gained: u64,
    pub lost: u64,
    pub profile_views: u64,
}

impl Day {
    pub fn engagements(self) -> u64 {
        self.likes + self.comments + self.shares + self.saves
    }
}

/// The day in California that contains a moment: Meta's and Google's day.
pub fn pacific_date(when: Timestamp) -> Date {
    when.to_zoned(pacific()).date()
}

/// When a day in California ends.
pub fn pacific_end(date: Date) -> Timestamp {
    end_in(date, pacific())
}

/// The days from `first` to `last`, both included; none when they are in the wrong order.
pub fn days(first: Date, last: Date) -> impl Iterator<Item = Date> {
    first.series(1.day()).take_while(move |date| *date <= last)
}

/// When a day in UTC ends.
pub fn utc_end(date: Date) -> Timestamp {
    end_in(date, TimeZone::UTC)
}

fn end_in(date: Date, zone: TimeZone) -> Timestamp {
    let next = date.tomorrow().unwrap_or(date);
    next.to_zoned(zone).map_or(Timestamp::UNIX_EPOCH, |end| end.timestamp())
}

fn pacific() -> TimeZone {
    // The zone database is built in.
    TimeZone::get("America/Los_Angeles").unwrap_or(TimeZone::UTC)
}

impl Account {
    /// What it gathers on a Californian day. Pure; the counts follow its followers.
    pub fn day(&self, date: Date) -> Day {
        self.gathered(date, pacific())
    }

    /// The same on a day in UTC: TikTok's.
    pub fn utc_day(&self, date: Date) -> Day {
        self.gathered(date, TimeZone::UTC)
    }

    fn gathered(&self, date: Date, zone: TimeZone) -> Day {
        let start = end_in(date.yesterday().unwrap_or(date), zone.clone());
        let end = end_in(date, zone);
        let (before, after) = (self.followers.at(start), self.followers.at(end));
        let drawn = draw(self.seed, date.to_zoned(TimeZone::UTC).map_or(0, |day| day.timestamp().as_second() as u64));
        let reach = after as f64 * (0.1 + 0.25 * unit(drawn));
        let part = |share: f64| (reach * share) as u64;
        // Some leave every day; what is left over is the growth.
        let lost = after / 2000 + before.saturating_sub(after);
        Day {
            views: part(1.8),
            reach: part(1.0),
            likes: part(0.05),
            comments: part(0.004),
            shares: part(0.003),
            saves: part(0.002),
            gained: (after + lost).saturating_sub(before),
            lost,
            profile_views: part(0.03),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_end_at_midnight_in_california() {
        let check = |date: &str, expected: &str| {
            assert_eq!(pacific_end(date.parse().unwrap()), expected.parse().unwrap(), "{date}");
        };
        check("2026-11-20", "2026-11-21T08:00:00Z");
        check("2026-07-01", "2026-07-02T07:00:00Z");
        // The day on which the clocks go back has 25 hours.
        check("2026-10-31", "2026-11-01T07:00:00Z");
        check("2026-11-01", "2026-11-02T08:00:00Z");
    }
}
