//! How often a connection is due, and by how much a platform's intervals are stretched so that its budget lasts. Pure.

use roster_protocol::time::Seconds;

use super::budget::Daily;

/// How often a connection is due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// Its own interval.
    pub own: Option<Seconds>,
    pub stretch: Stretch,
}

impl From<Option<Seconds>> for Pace {
    fn from(own: Option<Seconds>) -> Self {
        Self { own, stretch: Stretch::NONE }
    }
}

impl Pace {
    /// The interval that it follows, where `default` is that of connections without one of their own.
    pub fn interval(self, default: Seconds) -> Seconds {
        self.stretch.of(self.own.unwrap_or(default))
    }
}

/// How a platform's intervals are stretched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The factor, in percent: 100 and more.
    percent: u32,
    /// Into how many groups connections are divided; each has its own time within the interval. They are as few as
    /// batches allow, because large batches cost less.
    pub groups: u32,
}

impl Default for Stretch {
    fn default() -> Self {
        Self::NONE
    }
}

/// Factors are multiples of this: slots move seldom.
const STEP_PERCENT: u64 = 25;
/// Intervals get shorter again once so much of what is available stays unused, in percent.
const SLACK_PERCENT: u64 = 10;
/// More is no schedule any more.
const MOST_PERCENT: u64 = 100_000;

impl Stretch {
    pub const NONE: Stretch = Stretch { percent: 100, groups: 1 };

    pub fn is_none(self) -> bool {
        self == Self::NONE
    }

    /// The stretched interval.
    pub fn of(self, interval: Seconds) -> Seconds {
        Seconds(interval.0.saturating_mul(self.percent.into()) / 100)
    }

    /// What a platform needs for this demand when it has this now. The factor grows at once, and shrinks when there is
    /// some slack.
    pub fn next(self, demand: Demand, budgets: &[Daily]) -> Self {
        let needed = |slack: u64| {
            let percents = budgets.iter().map(|budget| percent(demand.runs_a_day, *budget, slack));
            percents.max().unwrap_or(100) as u32
        };
        let percent = match needed(0) {
            now if now >= self.percent => now,
            _ => needed(SLACK_PERCENT).min(self.percent),
        };
        let groups = demand.connections.div_ceil(demand.batch_limit.max(1)).max(1).next_power_of_two();
        match percent {
            100 => Self::NONE,
            percent => Self { percent, groups: u32::try_from(groups).unwrap_or(u32::MAX) },
        }
    }
}

/// What is to be synced on a platform.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    /// In thousandths.
    pub runs_a_day: u64,
    pub connections: usize,
    pub batch_limit: usize,
}

/// How much of a budget its runs need, in whole steps upwards.
fn percent(runs_a_day: u64, budget: Daily, slack: u64) -> u64 {
    let needed = u128::from(runs_a_day).saturating_mul(budget.per_account.into()).saturating_mul((100 + slack).into());
    let available = u128::from(budget.available.max(1)) * 1_000_000;
    let steps = needed.div_ceil(available * u128::from(STEP_PERCENT));
    let percent = u64::try_from(steps).unwrap_or(u64::MAX).saturating_mul(STEP_PERCENT);
    percent.clamp(100, MOST_PERCENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(per_account: u64, available: u64) -> Daily {
        Daily { unit: "units", per_account, available }
    }

    #[test]
    fn intervals_are_stretched_as_far_as_the_budget_requires() {
        let check = |now: u32, runs: u64, budgets: &[Daily], expected: u32| {
            let demand = Demand { runs_a_day: runs * 1000, connections: 120, batch_limit: 50 };
            let next = Stretch { percent: now, groups: 1 }.next(demand, budgets);
            let groups = if expected == 100 { 1 } else { 4 };
            assert_eq!(next, Stretch { percent: expected, groups }, "{now} {runs} {budgets:?}");
        };
        check(100, 10_000, &[], 100);
        // 4,500 runs of 2 units are all that 9,000 units allow.
        check(100, 4_500, &[budget(2_000, 9_000)], 100);
        check(100, 4_501, &[budget(2_000, 9_000)], 125);
        check(100, 6_750, &[budget(2_000, 9_000)], 150);
        check(100, 6_750, &[budget(2_000, 9_000), budget(1_000, 3_000)], 225);
        // It shrinks when a tenth is left over.
        check(150, 5_600, &[budget(2_000, 9_000)], 150);
        check(150, 5_000, &[budget(2_000, 9_000)], 125);
        check(150, 4_000, &[budget(2_000, 9_000)], 100);
        check(100, u64::MAX / 1000, &[budget(u64::MAX, 0)], 100_000);
    }

    #[test]
    fn a_stretched_interval_is_longer_by_its_factor() {
        let six = Seconds(6 * 3600);
        let pace = Pace { own: None, stretch: Stretch { percent: 150, groups: 1 } };
        assert_eq!(
            (pace.interval(six), Pace { own: Some(Seconds(3600)), ..pace }.interval(six)),
            (Seconds(9 * 3600), Seconds(5400))
        );
        assert_eq!(Pace::from(None).interval(six), six);
        assert_eq!(pace.stretch.of(Seconds(u64::MAX)), Seconds(u64::MAX / 100));
    }
}
