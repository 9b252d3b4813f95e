//! Alert rules: what users want to hear about, and about whom.
//!
//! A rule is built in, written in the config file, or made in the store. Of the same name the config's is used before the
//! store's, and the store's before the built-in one.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::{ConnectionId, InfluencerId};
use crate::metric::{Metric, Ratio};
use crate::number::{grouped, value};
use crate::time::{Date, Seconds};
use crate::words::words;

/// The longest name of a rule or channel, in bytes.
pub const LONGEST_NAME: usize = 40;

/// The most rules in the store.
pub const MOST_RULES: usize = 200;

/// A rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// Its id: lower-case letters, digits and `-`.
    pub name: String,
    pub enabled: bool,
    pub test: Test,
    pub severity: Severity,
    /// How long after an alert the rule stays quiet about the same account, unless the move is clearly larger.
    pub cooldown: Seconds,
    pub only: Scope,
}

/// When a rule applies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Test {
    /// A number moved within a window.
    Moved(Moved),
    /// A number crossed one of these levels, which are ascending, in the metric's own unit.
    Crossed { metric: Metric, direction: Direction, levels: Vec<u64> },
    /// Something happened that is no number.
    Happened {
        event: Happening,
        /// After how many intervals without a sync, for `stale`; meaningless for others.
        intervals: u32,
    },
}

/// A move within a window. Every bound that is given must be passed; there is at least one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moved {
    pub metric: Metric,
    pub direction: Direction,
    pub over: Window,
    /// Share of the value it moved from.
    pub share: Option<Ratio>,
    /// Distance in the metric's own unit.
    pub absolute: Option<f64>,
    /// How many times farther than the account's daily changes usually are from their median: a robust z-score.
    pub unusual: Option<f64>,
}

/// How much an alert matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Severity {
    Info,
    Warning,
    Critical,
}

/// Which way a number moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Direction {
    Down,
    Up,
    Both,
}

/// How far back a rule looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Window {
    Day,
    Week,
    Month,
}

/// After how many intervals a connection is stale unless the rule says otherwise.
pub const STALE_INTERVALS: u32 = 3;

/// What happens to a connection, a consent, a platform or the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Happening {
    /// A connection was not synced for several intervals, and only its own fault keeps it from being synced.
    Stale,
    /// A connection does not run until a user acts.
    NeedsPerson,
    /// A consent ends soon unless its owner consents again.
    Token,
    /// A platform, or one host of it, does not respond.
    PlatformDown,
    /// A platform reports a metric no more, for no owner.
    MetricWithdrawn,
    /// The store is larger than its budget.
    StoreSize,
    /// The HTTP listener does not run: consents cannot be finished by callback.
    Listener,
    /// The disk of the store is nearly full.
    Disk,
    /// The store cannot be written.
    Store,
    /// More connections and calls than usual were refused at the socket.
    Refusals,
    /// Nothing can be reached from the daemon's host.
    Network,
    /// The clock is plainly wrong, or behind what was stored.
    Clock,
    /// The daemon can hardly open another file or connection.
    Descriptors,
    /// The desktop on which a daemon in a user's session shows alerts does not respond.
    Desktop,
}

/// Whom a rule is about; what is not given permits everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// One of these tags.
    pub tags: Vec<String>,
    /// One of these platforms, by slug.
    pub platforms: Vec<String>,
    /// One of these influencers.
    pub influencers: Vec<InfluencerId>,
    /// At least so many followers.
    pub followers_min: Option<u64>,
    /// At most so many followers.
    pub followers_max: Option<u64>,
}

/// What is given of a rule; what is not stays as it is, or is as in a new rule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RuleParts {
    /// Whether what is not given is as in a new rule, also where there is one.
    pub whole: bool,
    pub enabled: Option<bool>,
    pub metric: Option<Metric>,
    pub direction: Option<Direction>,
    pub over: Option<Window>,
    pub percent: Option<f64>,
    pub absolute: Option<f64>,
    pub unusual: Option<f64>,
    pub crosses: Option<Vec<u64>>,
    pub event: Option<Happening>,
    pub intervals: Option<u32>,
    pub severity: Option<Severity>,
    pub cooldown: Option<Seconds>,
    pub tags: Option<Vec<String>>,
    pub platforms: Option<Vec<String>>,
    pub influencers: Option<Vec<InfluencerId>>,
    pub followers_min: Option<u64>,
    pub followers_max: Option<u64>,
}

/// Where a rule is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Origin {
    BuiltIn,
    /// The config file: no client can change it.
    Config,
    Store,
}

/// A rule in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ListedRule {
    pub rule: Rule,
    pub origin: Origin,
    /// Rules of the same name that are not used because of this one.
    pub overrides: Vec<Origin>,
    /// Alerts of this rule that are open or acknowledged.
    pub open: u64,
    /// Its alerts of the last 30 days.
    pub alerts_30d: u64,
    /// The config's file, of a rule that is the config's.
    pub file: Option<String>,
}

/// What a rule would have said of the stored history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Backtest {
    pub rule: Rule,
    /// The first day that was looked at.
    pub since: Date,
    /// Accounts the rule is about that have a history.
    pub accounts: u64,
    /// Days of all of them together.
    pub days: u64,
    pub alerts: u64,
    /// Accounts with at least one.
    pub alerted: u64,
    /// The clearest ones, at most ten.
    pub examples: Vec<TestedAlert>,
}

impl Backtest {
    /// Alerts per account and year; `None` without a history.
    pub fn per_account_and_year(&self) -> Option<f64> {
        (self.days > 0).then(|| self.alerts as f64 * 365.25 / self.days as f64)
    }

    /// `6 alerts, 0.50 per account and year, about 1 of 12 accounts`.
    pub fn in_words(&self) -> String {
        let each = self.per_account_and_year().map(|each| format!(", {each:.2} per account and year"));
        let alerts = if self.alerts == 1 { "alert" } else { "alerts" };
        let accounts = format!("about {} of {} accounts", grouped(self.alerted), grouped(self.accounts));
        format!("{} {alerts}{}, {accounts}", grouped(self.alerts), each.unwrap_or_default())
    }
}

/// One alert that a rule would have opened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TestedAlert {
    pub influencer: InfluencerId,
    pub influencer_name: String,
    pub connection: ConnectionId,
    pub platform: String,
    pub date: Date,
    pub metric: Metric,
    pub from: f64,
    pub to: f64,
    /// How unusual, where the rule depends on it.
    pub score: Option<f64>,
    pub why: String,
}

impl fmt::Display for Rule {
    /// `followers down by 2 % and 500 within 1d; warning; cooldown 24h; only #beauty, youtube`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}; cooldown {}", self.test, self.severity, in_hours(self.cooldown))?;
        let Scope { tags, platforms, influencers, followers_min, followers_max } = &self.only;
        let only = tags.iter().map(|tag| format!("#{tag}")).chain(platforms.iter().cloned());
        let only = only.chain(influencers.iter().map(InfluencerId::to_string));
        let only = only.chain(followers_min.map(|least| format!("from {} followers", grouped(least))));
        let only: Vec<String> =
            only.chain(followers_max.map(|most| format!("up to {} followers", grouped(most)))).collect();
        if !only.is_empty() {
            write!(f, "; only {}", only.join(", "))?;
        }
        if self.enabled { Ok(()) } else { f.write_str("; off") }
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Test::Moved(Moved { metric, direction, over, share, absolute, unusual }) => {
                let share = share.map(|share| format!("{} %", share.as_f64() * 100.0));
                let absolute = absolute.map(|absolute| value(*metric, absolute));
                let unusual = unusual.map(|unusual| format!("{unusual} times the usual"));
                let bounds: Vec<String> = share.into_iter().chain(absolute).chain(unusual).collect();
                write!(f, "{metric} {} by {} within {over}", direction.in_words(), bounds.join(" and "))
            }
            Test::Crossed { metric, direction, levels } => {
                let levels: Vec<String> = levels.iter().map(|level| value(*metric, *level as f64)).collect();
                write!(f, "{metric} {} across {}", direction.in_words(), levels.join(", "))
            }
            Test::Happened { event: Happening::Stale, intervals } => {
                write!(f, "{} after {intervals} intervals", Happening::Stale)
            }
            Test::Happened { event, .. } => write!(f, "{event}"),
        }
    }
}

/// Whole hours as `24h`, others in seconds.
fn in_hours(length: Seconds) -> String {
    if length.0.is_multiple_of(3600) { format!("{}h", length.0 / 3600) } else { format!("{}s", length.0) }
}

words!(Severity, "severity": Info = "info", Warning = "warning", Critical = "critical");
words!(Direction, "direction": Down = "down", Up = "up", Both = "both");
words!(Window, "window": Day = "1d", Week = "7d", Month = "30d");
words!(Happening, "event":
    Stale = "stale", NeedsPerson = "needs_person", Token = "token", PlatformDown = "platform_down",
    MetricWithdrawn = "metric_withdrawn", StoreSize = "store_size", Listener = "listener", Disk = "disk", Store = "store",
    Refusals = "refusals", Network = "network", Clock = "clock", Descriptors = "descriptors", Desktop = "desktop");
words!(Origin, "origin": BuiltIn = "built-in", Config = "config", Store = "store");

impl Window {
    /// Its length in days.
    pub fn days(self) -> u32 {
        [1, 7, 30][self as usize]
    }

    /// Its length.
    pub fn seconds(self) -> i64 {
        i64::from(self.days()) * 24 * 3600
    }
}

impl Direction {
    fn in_words(self) -> &'static str {
        ["down", "up", "up or down"][self as usize]
    }

    /// Whether it includes falls.
    pub fn is_down(self) -> bool {
        self != Direction::Up
    }

    /// Whether it includes rises.
    pub fn is_up(self) -> bool {
        self != Direction::Down
    }
}

/// Whether a text can name a rule or a channel: lower-case letters, digits and `-`, beginning with a letter or digit.
pub fn is_name(text: &str) -> bool {
    let is_plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    !text.is_empty() && text.len() <= LONGEST_NAME && text.bytes().all(is_plain) && !text.starts_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_as_what_it_says() {
        let round = |word: &str| word.parse::<Happening>().map(Happening::as_str);
        assert!(Happening::ALL.into_iter().all(|one| round(one.as_str()) == Ok(one.as_str())));
        assert_eq!(["1d", "7d", "30d"].map(|word| word.parse::<Window>().map(Window::days)), [Ok(1), Ok(7), Ok(30)]);
        assert_eq!("up".parse(), Ok(Direction::Up));
        let unknown = "2d".parse::<Window>().expect_err("no window");
        assert_eq!(unknown.to_string(), "unknown window \"2d\": 1d, 7d, 30d");
    }

    #[test]
    fn a_name_is_typed_without_quoting() {
        let check = |text: &str, expected: bool| assert_eq!(is_name(text), expected, "{text}");
        check("big-drop", true);
        check("2x", true);
        check("", false);
        check("-x", false);
        check("Big", false);
        check("a b", false);
        check("../x", false);
        check(&"a".repeat(41), false);
    }
}
