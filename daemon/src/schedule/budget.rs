//! A platform's limits, and how much of one is spent at a moment. Pure.

use jiff::tz::{Offset, TimeZone};
use jiff::{ToSpan, Zoned};
use roster_protocol::time::Timestamp;

use crate::model::{BudgetUse, ReportedLimit};

/// A limit as the platform's documentation states it.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// What is counted, as users read it; unique within its platform.
    pub unit: &'static str,
    /// Requests count whose path begins so. Of several budgets the one with the longest such path applies.
    pub path: &'static str,
    /// What one request costs; 0 where only the platform's headers report the use.
    pub cost: u64,
    /// What a batch costs besides what each of its accounts does.
    pub per_batch: u64,
    /// How much a window holds; `None` where only the platform's headers report it.
    pub limit: Option<u64>,
    pub window: Window,
    /// The share, in percent, that is kept for what users request themselves.
    pub reserve: u64,
    /// Whether accounts are read in another way once it is spent: then it keeps nothing back.
    pub is_optional: bool,
}

/// The time to which a limit applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// A day from midnight to midnight in a time zone: 23 to 25 hours.
    Day(Place),
    /// The last so many seconds, at every moment.
    Last(u32),
    /// Until the time that the platform's headers report.
    Reported,
}

/// Where a platform's days begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    LosAngeles,
}

/// Into how many parts a sliding window is divided. The use of a part is forgotten when the whole part is out of the
/// window.
const PARTS: i64 = 12;

impl Window {
    /// When what is spent at `at` is forgotten at the latest; `None` where the platform reports it.
    pub fn end(self, at: Timestamp) -> Option<Timestamp> {
        match self {
            Window::Day(place) => Some(place.midnight_after(at)),
            Window::Last(seconds) => {
                Some(Timestamp(part_begin(seconds, at).0 + length(seconds) + length(seconds) / PARTS))
            }
            Window::Reported => None,
        }
    }

    /// When the part of the window begins to which `at` belongs.
    fn part(self, at: Timestamp) -> Timestamp {
        match self {
            Window::Last(seconds) => part_begin(seconds, at),
            Window::Day(_) | Window::Reported => at,
        }
    }
}

fn length(seconds: u32) -> i64 {
    i64::from(seconds.max(1)) * 1000
}

fn part_begin(seconds: u32, at: Timestamp) -> Timestamp {
    let part = (length(seconds) / PARTS).max(1);
    Timestamp(at.0.div_euclid(part).saturating_mul(part))
}

impl Place {
    /// The first midnight there after `at`.
    pub fn midnight_after(self, at: Timestamp) -> Timestamp {
        let here = self.local(at);
        let midnight = here.tomorrow().and_then(|day| day.start_of_day()).or_else(|_| here.checked_add(24.hours()));
        midnight.map_or(Timestamp(at.0.saturating_add(24 * 3_600_000)), |midnight| midnight.timestamp().into())
    }

    /// The time there.
    pub fn local(self, at: Timestamp) -> Zoned {
        let (name, standard) = match self {
            Place::LosAngeles => ("America/Los_Angeles", Offset::constant(-8)),
        };
        // The time zones are compiled in; without this one the standard time is the best guess.
        let zone = TimeZone::get(name).unwrap_or_else(|_| TimeZone::fixed(standard));
        at.to_jiff().to_zoned(zone)
    }
}

impl BudgetUse {
    /// Forgets what the window does not hold any more. After the clock was set back, what was spent counts as spent now.
    pub fn forget(&mut self, window: Window, now: Timestamp) {
        let ahead = self.parts.iter().map(|(begin, _)| begin.since(now)).max().unwrap_or_default().max(0);
        self.parts.iter_mut().for_each(|(begin, _)| *begin = (*begin).min(now));
        if let Some(reported) = &mut self.reported {
            reported.ends_at.0 = reported.ends_at.0.saturating_sub(ahead);
        }
        if let Some(reported) = self.reported {
            if reported.ends_at <= now {
                self.reported = None;
                self.parts.clear();
            }
            return;
        }
        self.parts.retain(|(begin, _)| window.end(*begin).is_some_and(|end| end > now));
    }

    /// What is spent.
    pub fn used(&self) -> u64 {
        self.parts.iter().fold(0, |sum, (_, spent)| sum.saturating_add(*spent))
    }

    /// Adds what is spent now.
    pub fn spend(&mut self, window: Window, cost: u64, now: Timestamp) {
        if cost == 0 {
            return;
        }
        let begin = window.part(now);
        match self.parts.last_mut() {
            // One number is enough for a window that ends as a whole.
            Some((last, spent)) if *last == begin || !matches!(window, Window::Last(_)) => {
                *spent = spent.saturating_add(cost);
            }
            _ => self.parts.push((begin, cost)),
        }
    }

    /// Takes over what the platform reports.
    pub fn report(&mut self, used: u64, reported: ReportedLimit, now: Timestamp) {
        self.parts = vec![(now, used)];
        self.reported = Some(reported);
    }

    /// When no more than `most` is spent, if nothing is spent meanwhile; `None` when that is so now.
    pub fn falls_to(&self, window: Window, most: u64, now: Timestamp) -> Option<Timestamp> {
        let mut left = self.used();
        if left <= most {
            return None;
        }
        if let Some(reported) = self.reported {
            return Some(reported.ends_at);
        }
        for (begin, spent) in &self.parts {
            left = left.saturating_sub(*spent);
            if left <= most {
                return window.end(*begin);
            }
        }
        Some(now)
    }

    /// When all that is spent now is forgotten; `None` when nothing is.
    pub fn ends_at(&self, window: Window) -> Option<Timestamp> {
        let last = || self.parts.last().and_then(|(begin, _)| window.end(*begin));
        self.reported.map(|reported| reported.ends_at).or_else(last)
    }
}

/// A limit that begins anew each day, as the planner needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Daily {
    pub unit: &'static str,
    /// Thousandths of a unit.
    pub per_account: u64,
    /// Units.
    pub available: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect(text)
    }

    const MINUTE: Window = Window::Last(60);
    const DAY: Window = Window::Day(Place::LosAngeles);

    #[test]
    fn a_day_in_los_angeles_has_23_to_25_hours() {
        let check = |now: &str, end: &str| assert_eq!(DAY.end(at(now)), Some(at(end)), "{now}");
        check("2026-11-30T12:00:00Z", "2026-12-01T08:00:00Z");
        check("2026-07-01T06:59:59Z", "2026-07-01T07:00:00Z");
        check("2026-07-01T07:00:00Z", "2026-07-02T07:00:00Z");
        check("2027-03-14T08:00:00Z", "2027-03-15T07:00:00Z");
        check("2026-11-01T07:00:00Z", "2026-11-02T08:00:00Z");
    }

    #[test]
    fn what_was_spent_on_a_day_is_forgotten_at_its_end() {
        let mut units = BudgetUse::default();
        units.spend(DAY, 3, at("2026-11-29T08:00:00Z"));
        units.spend(DAY, 4, at("2026-11-30T07:59:00Z"));
        assert_eq!((units.used(), units.parts.len()), (7, 1));
        units.forget(DAY, at("2026-11-30T07:59:59Z"));
        assert_eq!(units.used(), 7);
        assert_eq!(units.falls_to(DAY, 6, at("2026-11-30T07:59:59Z")), Some(at("2026-11-30T08:00:00Z")));
        assert_eq!(units.falls_to(DAY, 7, at("2026-11-30T07:59:59Z")), None);
        units.forget(DAY, at("2026-11-30T08:00:00Z"));
        assert_eq!(units.used(), 0);
    }

    #[test]
    fn a_sliding_window_never_holds_more_than_its_limit() {
        let mut requests = BudgetUse::default();
        let begin = at("2026-11-30T12:00:04Z");
        requests.spend(MINUTE, 5, begin);
        requests.spend(MINUTE, 6, begin.plus_seconds(30));
        // 12:00:00 to 12:00:05 is one part: it is out of the window when its end is a minute ago.
        requests.forget(MINUTE, begin.plus_seconds(60));
        assert_eq!(requests.used(), 11);
        assert_eq!(requests.falls_to(MINUTE, 6, begin), Some(at("2026-11-30T12:01:05Z")));
        assert_eq!(requests.falls_to(MINUTE, 5, begin), Some(at("2026-11-30T12:01:35Z")));
        assert_eq!(requests.ends_at(MINUTE), Some(at("2026-11-30T12:01:35Z")));
        requests.forget(MINUTE, at("2026-11-30T12:01:05Z"));
        assert_eq!(requests.used(), 6);
    }

    #[test]
    fn headers_correct_the_count_until_their_window_ends() {
        let mut requests = BudgetUse::default();
        let now = at("2026-11-30T12:00:00Z");
        let reported = ReportedLimit { limit: 300, ends_at: now.plus_seconds(300) };
        requests.spend(Window::Reported, 2, now);
        requests.report(40, reported, now);
        assert_eq!(requests.used(), 40);
        requests.spend(Window::Reported, 1, now);
        assert_eq!(requests.used(), 41);
        assert_eq!(requests.falls_to(Window::Reported, 40, now), Some(now.plus_seconds(300)));
        // Another window begins low.
        requests.report(1, ReportedLimit { ends_at: now.plus_seconds(600), ..reported }, now.plus_seconds(302));
        assert_eq!(requests.used(), 1);
        requests.forget(Window::Reported, now.plus_seconds(600));
        assert_eq!((requests.used(), requests.reported), (0, None));
    }

    #[test]
    fn after_the_clock_was_set_back_nothing_is_spent_in_the_future() {
        let mut requests = BudgetUse::default();
        let now = at("2026-11-30T12:00:00Z");
        requests.spend(MINUTE, 9, now.plus_seconds(86_400));
        requests.forget(MINUTE, now);
        assert_eq!(requests.falls_to(MINUTE, 0, now), Some(now.plus_seconds(65)));
        let ahead = now.plus_seconds(86_400);
        requests.report(9, ReportedLimit { limit: 9, ends_at: ahead.plus_seconds(300) }, ahead);
        requests.forget(MINUTE, now);
        assert_eq!(requests.falls_to(MINUTE, 0, now), Some(now.plus_seconds(300)));
    }

    proptest::proptest! {
        /// Whatever is sent when: no 60 seconds hold more than the limit.
        #[test]
        fn no_minute_holds_more_than_the_limit(steps in proptest::collection::vec((0_i64..20_000, 1_u64..4), 1..60)) {
            let (mut requests, mut now, mut sent) = (BudgetUse::default(), Timestamp(1_796_000_000_000), Vec::new());
            for (step, cost) in steps {
                now.0 += step;
                requests.forget(MINUTE, now);
                if requests.used() + cost <= 10 {
                    requests.spend(MINUTE, cost, now);
                    sent.push((now, cost));
                }
                let last: u64 = sent.iter().filter(|(at, _)| now.since(*at) < 60_000).map(|(_, cost)| cost).sum();
                proptest::prop_assert!(last <= 10);
                proptest::prop_assert!(requests.used() >= last);
            }
        }
    }
}
