//! The yardstick: "10 % against the profile number, which then follows", and nothing else.

use crate::history::{Direction, History};
use crate::score::Detection;

/// An alert at each count that is more than a tenth, and at least two steps, away from the number that followed last.
pub fn ten_percent(history: &History) -> Vec<Detection> {
    let mut profile = None;
    let mut found = Vec::new();
    for point in &history.points {
        let known = *profile.get_or_insert(point.followers);
        let distance = point.followers.abs_diff(known);
        if distance >= 2 * point.step && u128::from(distance) * 10 > u128::from(known) {
            let direction = if point.followers > known { Direction::Up } else { Direction::Down };
            found.push(Detection { at: point.at, direction, resolved_at: None });
            profile = Some(point.followers);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{HOUR, Platform, Point};

    #[test]
    fn it_compares_with_the_number_that_followed_last() {
        let check = |counts: &[u64], expected: &[(i64, Direction)]| {
            let at = (0..).map(|number| number * 6 * HOUR);
            let platform = Platform::Youtube;
            let points = at.zip(counts).map(|(at, &count)| Point { at, followers: count, step: platform.step(count) });
            let points = points.collect();
            let (interval, moves) = (6 * HOUR, vec![]);
            let history = History { platform, interval, points, moves, normal_day: 0.0, normal_month_fall: 0.0 };
            let found: Vec<_> = ten_percent(&history).iter().map(|it| (it.at / HOUR, it.direction)).collect();
            assert_eq!(found, expected, "{counts:?}");
        };
        check(&[], &[]);
        check(&[10_000, 10_900, 9_100, 8_990], &[(18, Direction::Down)]);
        check(&[1_000, 1_100, 1_110, 1_220, 1_230], &[(12, Direction::Up), (24, Direction::Up)]);
        check(&[5, 6, 7], &[(12, Direction::Up)]);
        check(&[100, 50, 100], &[(6, Direction::Down), (12, Direction::Up)]);
    }
}
