//! What is kept of a connection's snapshots, and what becomes of the others: they become weeks, or are deleted.
//!
//! Whole months become weeks. Measured numbers that may be kept for a limited time never do: they stay days until they
//! are deleted. What a person recorded or imported is not the platform's, and no limit of the platform concerns it.

use std::collections::BTreeMap;

use roster_protocol::connection::{ReadWith, Snapshot, Source};
use roster_protocol::ids::ConnectionId;
use roster_protocol::metric::Numbers;
use roster_protocol::time::Date;

use super::rollup::{Origin, Week, merged, parts, reassembled};

/// What may be kept of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Days before this one become weeks. The first day of a month.
    pub daily_from: Date,
    /// Days before this one, measured without consent, are deleted; `None`: they are kept.
    pub public_from: Option<Date>,
    /// The same of those measured with consent.
    pub consent_from: Option<Date>,
    /// How days were measured that do not say so.
    pub unknown: ReadWith,
}

/// Rules by connection. What has no rule is kept as it is.
pub type Rules = BTreeMap<ConnectionId, Rule>;

/// The rules' version: a later rosterd that deletes more by default has a higher one, and a store's choice is of one.
pub const DEFAULTS: u16 = 1;

/// How many days a platform's numbers may be kept; `None`: without limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Those measured without a consent.
    pub public: Option<u32>,
    /// Those measured with one.
    pub consent: Option<u32>,
    /// Those measured with a consent, from its end on.
    pub after_consent: Option<u32>,
}

/// What is kept, of everyone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// How many days stay days.
    pub daily: u32,
    /// By platform; one that is not there has no limits.
    pub limits: BTreeMap<String, Limits>,
}

impl Policy {
    /// Days before this one become weeks: whole months only.
    pub fn daily_from(&self, today: Date) -> Date {
        before(today, self.daily).to_jiff().first_of_month().into()
    }

    /// The limits of a platform.
    pub fn of(&self, platform: &str) -> Limits {
        self.limits.get(platform).copied().unwrap_or_default()
    }
}

impl Limits {
    /// The rule for a connection: `unknown` is how it was read where its days do not say so, `consent_ended` when its
    /// consent ended, if it did.
    pub fn rule(&self, daily_from: Date, today: Date, unknown: ReadWith, consent_ended: Option<Date>) -> Rule {
        // So many days are kept, today's among them.
        let from = |days: Option<u32>| days.map(|days| before(today, days.saturating_sub(1)));
        // The last of the days within which it has to be done: the next chance is tomorrow.
        let is_over = |days: u32, ended: Date| before(today, days.saturating_sub(1)) >= ended;
        let ended = self.after_consent.zip(consent_ended).is_some_and(|(days, ended)| is_over(days, ended));
        let consent_from = if ended { Some(NEVER) } else { from(self.consent) };
        Rule { daily_from, public_from: from(self.public), consent_from, unknown }
    }
}

/// The day so many days before.
fn before(today: Date, days: u32) -> Date {
    Date(today.0.saturating_sub_unsigned(days))
}

/// A day that is after all others: everything is before it.
pub const NEVER: Date = Date(i32::MAX);

/// What becomes of a part of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Kept,
    Rolled,
    Deleted,
}

impl Rule {
    /// Before which day numbers of this origin are deleted; `None`: never.
    pub fn limit(&self, origin: Origin) -> Option<Date> {
        match (origin.source, origin.read_with.unwrap_or(self.unknown)) {
            (Source::Manual | Source::Import, _) => None,
            (Source::Api, ReadWith::Public) => self.public_from,
            (Source::Api, ReadWith::Consent) => self.consent_from,
        }
    }

    /// Whether what a platform reported to the owner of a day is deleted.
    pub fn deletes_reported(&self, day: Date) -> bool {
        self.consent_from.is_some_and(|from| day < from)
    }

    /// Before which day anything is deleted; `None`: never.
    pub fn deletes_before(&self) -> Option<Date> {
        self.public_from.max(self.consent_from)
    }

    /// The first day that nothing becomes of.
    pub fn touches_before(&self) -> Date {
        self.deletes_before().map_or(self.daily_from, |limit| limit.max(self.daily_from))
    }

    /// The same rule where days do not become weeks yet.
    pub fn without_weeks(self) -> Self {
        Self { daily_from: Date(i32::MIN), ..self }
    }

    /// Whether a week of this origin is deleted, because its last day would be.
    pub fn deletes_week(&self, origin: Origin, monday: Date) -> bool {
        self.limit(origin).is_some_and(|from| monday.plus_days(6) < from)
    }

    fn fate(&self, origin: Origin, day: Date) -> Fate {
        match self.limit(origin) {
            Some(from) if day < from => Fate::Deleted,
            Some(_) => Fate::Kept,
            None if day < self.daily_from => Fate::Rolled,
            None => Fate::Kept,
        }
    }
}

/// How much becomes of a connection's days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Days that become a part of weeks.
    pub rolled: u64,
    /// Days that are deleted, or of which the measured numbers are.
    pub deleted: u64,
    /// Weeks that are deleted.
    pub weeks: u64,
    /// Days of which what the platform reported to the owner is deleted.
    pub reported: u64,
    /// The last day, or the last day of a week, of those that are deleted.
    pub newest_deleted: Option<Date>,
}

impl Tally {
    /// Whether nothing becomes of anything.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds another one.
    pub fn add(&mut self, other: &Tally) {
        self.rolled += other.rolled;
        self.deleted += other.deleted;
        self.weeks += other.weeks;
        self.reported += other.reported;
        self.newest_deleted = self.newest_deleted.max(other.newest_deleted);
    }
}

/// Tallies by connection, without empty ones.
pub type Tallies = BTreeMap<ConnectionId, Tally>;

/// Days by what becomes of them.
#[derive(Clone, Debug, Default)]
pub struct Sorted {
    /// Those that stay days, perhaps with fewer numbers.
    pub left: Vec<Snapshot>,
    /// The weeks that the others become, in order.
    pub weeks: BTreeMap<Origin, Vec<Week>>,
    pub tally: Tally,
}

/// Decides on some days of a connection.
pub fn sort(rule: &Rule, snapshots: Vec<Snapshot>) -> Sorted {
    let mut sorted = Sorted::default();
    for snapshot in snapshots {
        let all = parts(&snapshot);
        let parts_before = all.len();
        let left: Vec<(Origin, Numbers, Fate)> = all
            .into_iter()
            .map(|(origin, numbers)| (origin, numbers, rule.fate(origin, snapshot.date)))
            .filter(|(_, _, fate)| *fate != Fate::Deleted)
            .collect();
        if left.len() < parts_before {
            sorted.tally.deleted += 1;
            sorted.tally.newest_deleted = sorted.tally.newest_deleted.max(Some(snapshot.date));
        }
        if !left.is_empty() && left.iter().all(|(_, _, fate)| *fate == Fate::Rolled) {
            sorted.tally.rolled += 1;
            for (origin, numbers, _) in left {
                let weeks = std::mem::take(sorted.weeks.entry(origin).or_default());
                sorted.weeks.insert(origin, merged(weeks, vec![Week::of(&snapshot, &numbers)]));
            }
        } else if left.len() == parts_before {
            sorted.left.push(snapshot);
        } else {
            let left: Vec<_> = left.into_iter().map(|(origin, numbers, _)| (origin, numbers)).collect();
            sorted.left.extend(reassembled(&snapshot, &left));
        }
    }
    sorted
}

#[cfg(test)]
mod tests {
    use roster_protocol::metric::{Metric, MetricSet};
    use roster_protocol::time::Timestamp;

    use super::*;

    fn day(date: i32, source: Source, read_with: Option<ReadWith>) -> Snapshot {
        Snapshot {
            date: Date(date),
            observed_at: Timestamp(0),
            source,
            followers_step: None,
            definition: 0,
            read_with,
            by_hand: MetricSet::default(),
            numbers: Numbers { followers: Some(date as u64), posts: Some(3), ..Numbers::default() },
        }
    }

    const RULE: Rule =
        Rule { daily_from: Date(100), public_from: Some(Date(150)), consent_from: None, unknown: ReadWith::Public };

    #[test]
    fn what_becomes_of_a_day_depends_on_how_it_was_measured() {
        let check = |rule: Rule, snapshot: Snapshot, expected: (u64, u64, usize)| {
            let sorted = sort(&rule, vec![snapshot.clone()]);
            assert_eq!((sorted.tally.rolled, sorted.tally.deleted, sorted.left.len()), expected, "{snapshot:?}");
        };
        let public = Some(ReadWith::Public);
        let consent = Some(ReadWith::Consent);
        check(RULE, day(149, Source::Api, public), (0, 1, 0));
        check(RULE, day(150, Source::Api, public), (0, 0, 1));
        check(RULE, day(149, Source::Api, None), (0, 1, 0));
        check(Rule { unknown: ReadWith::Consent, ..RULE }, day(149, Source::Api, None), (0, 0, 1));
        check(RULE, day(99, Source::Api, consent), (1, 0, 0));
        check(RULE, day(100, Source::Api, consent), (0, 0, 1));
        check(Rule { consent_from: Some(NEVER), ..RULE }, day(900, Source::Api, consent), (0, 1, 0));
        for given in [Source::Manual, Source::Import] {
            check(RULE, day(99, given, None), (1, 0, 0));
            check(RULE, day(149, given, None), (0, 0, 1));
        }
        // A limit that is longer than days are kept: they stay days until it.
        let longer = Rule { public_from: Some(Date(50)), ..RULE };
        check(longer, day(60, Source::Api, public), (0, 0, 1));
        check(longer, day(49, Source::Api, public), (0, 1, 0));
    }

    #[test]
    fn a_recorded_number_stays_when_the_measured_ones_of_its_day_go() {
        let by_hand: MetricSet = [Metric::Posts].into_iter().collect();
        let mixed = Snapshot { by_hand, ..day(149, Source::Manual, Some(ReadWith::Public)) };
        let sorted = sort(&RULE, vec![mixed.clone()]);
        let [left] = sorted.left.as_slice() else { panic!("one: {sorted:?}") };
        assert_eq!((left.numbers.followers, left.numbers.posts), (None, Some(3)));
        assert_eq!((left.source, left.read_with), (Source::Manual, None));
        assert_eq!((sorted.tally.deleted, sorted.tally.newest_deleted), (1, Some(Date(149))));
        assert!(sort(&RULE, sorted.left).tally.is_empty(), "once");
        // Long past, the recorded number becomes a week of its own origin.
        let sorted = sort(&RULE, vec![Snapshot { date: Date(99), ..mixed }]);
        assert_eq!((sorted.tally.rolled, sorted.tally.deleted, sorted.left.len()), (1, 1, 0));
        let origins: Vec<Source> = sorted.weeks.keys().map(|origin| origin.source).collect();
        assert_eq!(origins, [Source::Manual]);
    }

    #[test]
    fn limits_become_days_of_the_calendar() {
        let limits = Limits { public: Some(30), consent: None, after_consent: Some(7) };
        let rule = |ended: Option<i32>| limits.rule(Date(0), Date(1_000), ReadWith::Public, ended.map(Date));
        assert_eq!(
            rule(None),
            Rule { daily_from: Date(0), public_from: Some(Date(971)), consent_from: None, unknown: ReadWith::Public }
        );
        let check =
            |ended: i32, is_over: bool| assert_eq!(rule(Some(ended)).consent_from, is_over.then_some(NEVER), "{ended}");
        check(1_000, false);
        check(995, false);
        // Six days later, at night: the seventh would be too late.
        check(994, true);
        let at_once = Limits { after_consent: Some(0), ..limits };
        assert_eq!(at_once.rule(Date(0), Date(5), ReadWith::Public, Some(Date(5))).consent_from, Some(NEVER));
        let policy = Policy { daily: 730, limits: BTreeMap::from([("youtube".to_owned(), limits)]) };
        let today: Date = "2026-11-21".parse().expect("a date");
        assert_eq!(policy.daily_from(today).to_string(), "2024-11-01");
        assert_eq!((policy.of("youtube"), policy.of("bluesky")), (limits, Limits::default()));
    }

    #[test]
    fn a_week_goes_when_its_last_day_would() {
        let public = Origin { source: Source::Api, read_with: Some(ReadWith::Public) };
        let monday = crate::history::rollup::monday_of(Date(147));
        assert!(!RULE.deletes_week(public, Date(144)) && RULE.deletes_week(public, Date(143)));
        assert!(!RULE.deletes_week(Origin { read_with: Some(ReadWith::Consent), ..public }, monday));
        assert_eq!((RULE.touches_before(), RULE.deletes_before()), (Date(150), Some(Date(150))));
        let ended = Rule { public_from: None, ..RULE };
        assert_eq!((ended.touches_before(), ended.deletes_before()), (Date(100), None));
        assert_eq!(ended.without_weeks().touches_before(), Date(i32::MIN));
    }
}
