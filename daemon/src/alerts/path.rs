//! Where a number of one account was lately, thinned so that no fall or rise within a rule's window is lost. Pure.
//!
//! Of the last day every turn is kept; of each day before, its lowest, highest and last value. A value that stays is two
//! points: when it was measured first and last.

use roster_protocol::time::Timestamp;

const DAY_MS: i64 = 24 * 3_600_000;
/// The last points are not thinned.
const FULL_MS: i64 = 26 * 3_600_000;
/// Days kept: more than the longest window, so that the usual day rests on enough of them.
pub const DAYS: i64 = 36;
/// The most points of the last day that are kept: those of an account that is synced every few seconds are thinned.
const MOST_FULL: usize = 160;

/// A value, and when it was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub at: Timestamp,
    pub value: f64,
}

/// The points of one metric of one account, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Path(Vec<Point>);

impl Path {
    /// The points in their order.
    pub fn points(&self) -> &[Point] {
        &self.0
    }

    /// The newest point.
    pub fn last(&self) -> Option<Point> {
        self.0.last().copied()
    }

    /// Adds a point. What is later than it was measured with a clock that was wrong, and is forgotten.
    pub fn put(&mut self, point: Point) {
        let is_new_day = self.push(point);
        if is_new_day || self.0.len() > MOST_FULL + 3 * DAYS as usize {
            self.thin(point.at);
        }
    }

    /// Adds many points, as [`Path::put`] does one after the other, and thins only once.
    pub fn extend(&mut self, points: impl IntoIterator<Item = Point>) {
        for point in points {
            self.push(point);
        }
        if let Some(last) = self.last() {
            self.thin(last.at);
        }
    }

    /// Returns whether it is the first of its day.
    fn push(&mut self, point: Point) -> bool {
        while self.0.pop_if(|last| last.at >= point.at).is_some() {}
        let Some(last) = self.last() else {
            self.0.push(point);
            return false;
        };
        let is_new_day = day_of(last.at) != day_of(point.at);
        let stays = last.value == point.value && self.0.len() >= 2 && self.0[self.0.len() - 2].value == point.value;
        if stays && !is_new_day {
            self.0.pop();
        }
        self.0.push(point);
        is_new_day
    }

    /// Forgets what was measured before.
    pub fn forget_before(&mut self, from: Timestamp) {
        self.0.retain(|point| point.at >= from);
    }

    fn thin(&mut self, now: Timestamp) {
        let (oldest, full_from) = (day_of(now) - DAYS, now.0 - FULL_MS);
        let all = std::mem::take(&mut self.0);
        let points = &all[all.partition_point(|point| day_of(point.at) < oldest)..];
        let excess = points.len() - points.partition_point(|point| point.at.0 < full_from) > MOST_FULL;
        self.0.reserve_exact(points.len());
        for day in points.chunk_by(|a, b| day_of(a.at) == day_of(b.at)) {
            match day {
                [first, ..] if first.at.0 >= full_from && !excess => self.0.extend_from_slice(day),
                _ => self.0.extend(extremes(day)),
            }
        }
    }
}

/// The last value of each day before `now`'s, oldest first.
pub fn closes(points: &[Point], now: Timestamp) -> impl Iterator<Item = (i64, f64)> {
    let today = day_of(now);
    let is_last = move |at: usize| points.get(at + 1).is_none_or(|next| day_of(next.at) != day_of(points[at].at));
    let before = points.iter().enumerate().filter(move |(at, point)| day_of(point.at) < today && is_last(*at));
    before.map(|(_, point)| (day_of(point.at), point.value))
}

/// The lowest, highest and last of a day's points in their order; of equal ones the last.
fn extremes(day: &[Point]) -> impl Iterator<Item = Point> {
    let position = |is_better: fn(f64, f64) -> bool| {
        let better = |best: usize, at: usize| if is_better(day[at].value, day[best].value) { at } else { best };
        (0..day.len()).fold(0, better)
    };
    let (lowest, highest) = (position(|one, best| one <= best), position(|one, best| one >= best));
    let is_kept = move |at: usize| at == lowest || at == highest || at + 1 == day.len();
    day.iter().enumerate().filter(move |(at, _)| is_kept(*at)).map(|(_, point)| *point)
}

fn day_of(at: Timestamp) -> i64 {
    at.0.div_euclid(DAY_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: i64 = 3_600_000;

    fn path(values: &[(i64, f64)]) -> Path {
        let mut path = Path::default();
        values.iter().for_each(|(hours, value)| path.put(Point { at: Timestamp(hours * HOUR_MS), value: *value }));
        path
    }

    fn listed(path: &Path) -> Vec<(i64, f64)> {
        path.points().iter().map(|point| (point.at.0 / HOUR_MS, point.value)).collect()
    }

    #[test]
    fn a_day_that_is_over_keeps_its_lowest_highest_and_last_value() {
        let day: Vec<(i64, f64)> =
            [50.0, 30.0, 90.0, 60.0, 70.0].into_iter().zip([0, 5, 10, 15, 20]).map(|(v, h)| (h, v)).collect();
        let mut points = day.clone();
        assert_eq!(listed(&path(&points)), day, "the last day is whole");
        points.extend([(30, 71.0), (50, 72.0)]);
        assert_eq!(listed(&path(&points)), [(5, 30.0), (10, 90.0), (20, 70.0), (30, 71.0), (50, 72.0)]);
        points.push((24 * 40, 5.0));
        assert_eq!(listed(&path(&points)), [(960, 5.0)]);
    }

    #[test]
    fn a_value_that_stays_is_its_first_and_last_time_and_a_clock_that_was_wrong_is_forgotten() {
        assert_eq!(listed(&path(&[(0, 5.0), (1, 5.0), (2, 5.0), (3, 6.0)])), [(0, 5.0), (2, 5.0), (3, 6.0)]);
        assert_eq!(listed(&path(&[(1, 4.0), (30, 5.0), (2, 9.0), (3, 9.0)])), [(1, 4.0), (2, 9.0), (3, 9.0)]);
    }

    #[test]
    fn the_last_value_of_each_day_before_today() {
        let days = path(&[(1, 1.0), (23, 2.0), (30, 3.0), (49, 4.0)]);
        let closes = |hours: i64| closes(days.points(), Timestamp(hours * HOUR_MS)).collect::<Vec<_>>();
        assert_eq!(closes(50), [(0, 2.0), (1, 3.0)]);
        assert_eq!(closes(72), [(0, 2.0), (1, 3.0), (2, 4.0)]);
    }

    proptest::proptest! {
        #[test]
        fn no_window_loses_its_highest_or_lowest_value(
            steps in proptest::collection::vec((1_i64..40, 0_u32..9), 1..300),
        ) {
            let (mut all, mut kept, mut at) = (Vec::new(), Path::default(), 0);
            for (quarters, value) in steps {
                at += quarters * HOUR_MS / 4;
                let point = Point { at: Timestamp(at), value: f64::from(value) };
                kept.put(point);
                all.push(point);
            }
            let mut together = Path::default();
            together.extend(all.iter().copied());
            // Whole days, since of a day that is over the extremes are kept, and not when they began.
            for days in [1, 7, 30] {
                let from = (day_of(Timestamp(at)) - days) * DAY_MS;
                let bounds = |points: &[Point]| {
                    let inside = || points.iter().filter(|point| point.at.0 >= from).map(|point| point.value);
                    (inside().fold(f64::MAX, f64::min), inside().fold(f64::MIN, f64::max))
                };
                proptest::prop_assert_eq!(bounds(&all), bounds(kept.points()));
                proptest::prop_assert_eq!(bounds(&all), bounds(together.points()));
            }
            let most = MOST_FULL + 3 * DAYS as usize + 1;
            proptest::prop_assert!(kept.points().len() <= most && together.points().len() <= most);
        }
    }
}
