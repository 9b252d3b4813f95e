//! What a history is: the counts that syncs of one account measured, and the labels of the moves in them.

/// Seconds of an hour, a day and a week.
pub const HOUR: i64 = 3600;
pub const DAY: i64 = 24 * HOUR;
pub const WEEK: i64 = 7 * DAY;

/// Where an account is, which decides how its count is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    Youtube,
    Instagram,
    Tiktok,
    Facebook,
    Mastodon,
    Bluesky,
}

impl Platform {
    pub const ALL: [Platform; 6] = [
        Platform::Youtube,
        Platform::Instagram,
        Platform::Tiktok,
        Platform::Facebook,
        Platform::Mastodon,
        Platform::Bluesky,
    ];

    /// The smallest difference that a count of this size can show.
    ///
    /// YouTube rounds down to three significant digits from 1,000; all others report exact counts.
    pub fn step(self, followers: u64) -> u64 {
        match (self, followers.checked_ilog10()) {
            (Platform::Youtube, Some(digits @ 3..)) => 10u64.pow(digits - 2),
            _ => 1,
        }
    }

    /// A count as the platform reports it.
    pub fn rounded(self, followers: u64) -> u64 {
        followers - followers % self.step(followers)
    }
}

/// One sync that measured a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// Seconds since the history's start.
    pub at: i64,
    pub followers: u64,
    /// The platform's rounding at this size.
    pub step: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Up,
    Down,
}

/// What happens to an account, or only seems to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A post goes viral: up within 3 to 36 hours, and it stays.
    Jump,
    /// A scandal: down within 6 to 48 hours, and it stays.
    Fall,
    /// Weeks of leaving: evenly down over 21 to 45 days.
    Drain,
    /// Bought followers: up within hours.
    Bought,
    /// What follows a purchase: 30 to 70 % of those bought are lost over 30 to 60 days.
    BoughtDecay,
    /// The platform removes accounts, and many of its accounts fall within hours.
    Purge,
    /// Up within hours and all of it down again within a day of the start.
    Spike,
    /// Down between two syncs; 30 to 70 % of it returns within a day.
    NightFall,
    /// One sync gets a wrong, lower count, and the next one the right count.
    Fault,
    /// A rounded count changes between two neighbours for days.
    Flap,
    /// Steady growth that crosses round numbers and tenths.
    Growth,
    /// A weekly rhythm of the count itself.
    Rhythm,
}

impl Kind {
    pub const ALL: [Kind; 12] = [
        Kind::Jump,
        Kind::Fall,
        Kind::Drain,
        Kind::Bought,
        Kind::BoughtDecay,
        Kind::Purge,
        Kind::Spike,
        Kind::NightFall,
        Kind::Fault,
        Kind::Flap,
        Kind::Growth,
        Kind::Rhythm,
    ];

    /// Whether it takes weeks, so that a month is its measure, and not a day.
    pub fn is_slow(self) -> bool {
        matches!(self, Kind::Drain | Kind::BoughtDecay | Kind::Growth)
    }
}

/// Whether a person wants to know; `wanted` has the definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Wanted,
    /// Sensible people differ: neither a detection nor a miss counts.
    Debatable,
    Unwanted,
}

/// A labelled move.
#[derive(Clone, Debug, PartialEq)]
pub struct Move {
    pub kind: Kind,
    /// Seconds since the history's start.
    pub starts_at: i64,
    /// When the last of it happens; of a move that returns, when it has returned.
    pub ends_at: i64,
    pub direction: Direction,
    /// The reported count before it, and the farthest one in its direction during it.
    pub from: u64,
    pub to: u64,
    pub verdict: Verdict,
}

impl Move {
    pub fn is_wanted(&self) -> bool {
        self.verdict == Verdict::Wanted
    }
}

/// What a detector reads, and the labels by which it is judged.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    pub platform: Platform,
    /// Seconds between two syncs, as planned.
    pub interval: i64,
    /// Oldest first.
    pub points: Vec<Point>,
    /// In the order of their starts. A label: not for detectors.
    pub moves: Vec<Move>,
    /// What 19 of 20 days stay below, in either direction, as a share of the count, while nothing happens. A label.
    pub normal_day: f64,
    /// The same for falls within 30 days. A label.
    pub normal_month_fall: f64,
}

impl History {
    /// Whether no move in it is wanted or debatable.
    pub fn is_quiet(&self) -> bool {
        self.moves.iter().all(|it| it.verdict == Verdict::Unwanted)
    }

    pub fn years(&self) -> f64 {
        let span = self.points.last().map_or(0, |last| last.at) - self.points.first().map_or(0, |first| first.at);
        span as f64 / (365.25 * DAY as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_youtube_rounds_and_only_from_a_thousand() {
        let check = |platform: Platform, followers, reported, step| {
            assert_eq!((platform.rounded(followers), platform.step(followers)), (reported, step), "{followers}");
        };
        check(Platform::Youtube, 0, 0, 1);
        check(Platform::Youtube, 999, 999, 1);
        check(Platform::Youtube, 1_009, 1_000, 10);
        check(Platform::Youtube, 12_345, 12_300, 100);
        check(Platform::Youtube, 999_999, 999_000, 1_000);
        check(Platform::Youtube, 51_999_999, 51_900_000, 100_000);
        check(Platform::Instagram, 51_999_999, 51_999_999, 1);
        check(Platform::Mastodon, 1_009, 1_009, 1);
    }
}
