//! Followers of the last days, for growth and sparklines. Pure.

use roster_protocol::metric::Ratio;
use roster_protocol::time::Date;

/// Days kept: 30 to look back over, and some more where a day is missing.
pub const DAYS: usize = 35;
/// How many days older the value used for a missing day may be.
const SLACK: usize = 3;
const UNKNOWN: u64 = u64::MAX;

/// One connection's followers, newest day first.
#[derive(Clone, Debug)]
pub struct Recent {
    newest: Date,
    followers: [u64; DAYS],
}

impl Default for Recent {
    fn default() -> Self {
        Self { newest: Date(i32::MIN), followers: [UNKNOWN; DAYS] }
    }
}

impl Recent {
    /// Days in their order.
    pub fn of(days: Vec<(Date, u64)>) -> Self {
        let mut recent = Self::default();
        // The newest first, so that nothing moves.
        days.into_iter().rev().for_each(|(date, followers)| recent.put(date, Some(followers)));
        recent
    }

    /// Records a day's followers; a day older than those kept is ignored.
    pub fn put(&mut self, date: Date, followers: Option<u64>) {
        if date > self.newest {
            let shift = (date.0 as i64 - self.newest.0 as i64).min(DAYS as i64) as usize;
            self.followers.rotate_right(shift.min(DAYS) % DAYS);
            self.followers[..shift].fill(UNKNOWN);
            self.newest = date;
        }
        let age = (self.newest.0 as i64 - date.0 as i64) as usize;
        if let Some(day) = self.followers.get_mut(age) {
            *day = followers.unwrap_or(UNKNOWN);
        }
    }

    /// Forgets the days before one.
    pub fn forget_before(&mut self, from: Date) {
        let kept = (i64::from(self.newest.0) - i64::from(from.0) + 1).clamp(0, DAYS as i64) as usize;
        self.followers[kept..].fill(UNKNOWN);
    }

    /// The days whose followers are known, oldest first.
    pub fn days(&self) -> Vec<(Date, u64)> {
        let day = |(age, followers): (i32, &u64)| Some((self.newest.plus_days(-age), known(*followers)?));
        let mut days: Vec<(Date, u64)> = (0..).zip(&self.followers).filter_map(day).collect();
        days.reverse();
        days
    }

    /// The last 30 days up to the newest, oldest first.
    pub fn last_30(&self) -> Vec<Option<u64>> {
        self.followers[..30].iter().rev().map(|followers| known(*followers)).collect()
    }

    /// Whether the newest day is today, or one so little older that it serves for today.
    pub fn is_current(&self, today: Date) -> bool {
        i64::from(today.0) - i64::from(self.newest.0) <= SLACK as i64
    }

    /// The followers `days` ago and on the newest day; for a missing day, those of a day up to three days older.
    pub fn ends(&self, days: usize) -> Option<(u64, u64)> {
        let now = known(self.followers[0])?;
        let before = self.followers.get(days..(days + SLACK + 1).min(DAYS))?.iter().find_map(|value| known(*value))?;
        Some((before, now))
    }

    /// Change between [`Recent::ends`]; `None` from nothing.
    pub fn growth(&self, days: usize) -> Option<Ratio> {
        let (before, now) = self.ends(days)?;
        if before == 0 {
            return None;
        }
        Ratio::from_f64(now as f64 / before as f64 - 1.0)
    }
}

fn known(followers: u64) -> Option<u64> {
    (followers != UNKNOWN).then_some(followers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_up_to_three_days_older_serves_for_a_missing_one() {
        let growth = |age: i32| Recent::of(vec![(Date(100 - age), 1000), (Date(100), 1500)]).growth(7);
        assert_eq!([6, 7, 10, 11].map(growth), [None, Some(Ratio(500_000)), Some(Ratio(500_000)), None]);
        let month = Recent::of(vec![(Date(67), 1000), (Date(100), 1500)]);
        assert_eq!(month.growth(30), Some(Ratio(500_000)));
    }

    #[test]
    fn what_may_not_be_kept_is_forgotten() {
        let all = || Recent::of((0..30).map(|day| (Date(100 + day), 7)).collect());
        let left = |from: i32| {
            let mut recent = all();
            recent.forget_before(Date(from));
            recent.last_30().iter().flatten().count()
        };
        assert_eq!([left(0), left(100), left(101), left(129), left(130), left(i32::MAX)], [30, 30, 29, 1, 0, 0]);
    }

    #[test]
    fn growth_looks_back_over_gaps_and_never_over_the_unknown() {
        let mut recent = Recent::default();
        assert_eq!((recent.growth(7), recent.days()), (None, vec![]));
        recent.put(Date(100), Some(1000));
        recent.put(Date(92), Some(800));
        assert_eq!(recent.days(), [(Date(92), 800), (Date(100), 1000)]);
        assert_eq!(recent.growth(7), Some(Ratio(250_000)));
        assert_eq!(recent.growth(30), None);
        recent.put(Date(101), None);
        assert_eq!(recent.growth(7), None);
        recent.put(Date(130), Some(1100));
        assert_eq!(recent.growth(30), Some(Ratio(100_000)));
        recent.put(Date(131), Some(0));
        recent.put(Date(138), Some(5));
        assert_eq!(recent.growth(7), None, "from nothing there is no share");
        recent.put(Date(10_000), Some(5));
        assert_eq!(recent.last_30().iter().flatten().count(), 1);
        recent.put(Date(0), Some(7));
        assert_eq!(recent.last_30().iter().flatten().count(), 1);
    }
}
