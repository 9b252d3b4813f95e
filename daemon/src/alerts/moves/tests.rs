use roster_protocol::metric::Metric;
use roster_protocol::rule::{Direction, RuleParts};
use roster_protocol::time::Seconds;

use super::*;
use crate::alerts::rules::{Rules, made_of};
use crate::alerts::samples::{HOUR_MS, found, mark, path, point, rule, some};

#[test]
fn a_move_is_measured_from_the_windows_highest_or_lowest_value() {
    let rules = [rule(10.0, 1.0, Direction::Both)];
    let check = |values: &[(i64, f64)], expected| assert_eq!(found(&rules, values, &[], 1.0), expected, "{values:?}");
    // Up by 9 % and down by 16.5 % in a night: what a person works with is not what it is measured from.
    check(&[(0, 10_000.0), (6, 10_900.0), (12, 9_100.0)], some(6, 10_900.0));
    check(&[(0, 10_000.0), (6, 9_500.0), (12, 10_600.0)], some(6, 9_500.0));
    check(&[(0, 10_000.0), (6, 10_900.0)], None);
    // What was higher before the window is not seen, and the value before it counts where there is no other.
    check(&[(0, 10_000.0), (23, 9_000.0), (46, 8_900.0)], None);
    check(&[(0, 10_000.0), (25, 8_000.0)], some(0, 10_000.0));
    check(&[(0, 10_000.0), (48, 8_100.0)], None);
    check(&[(0, 10_000.0), (48, 7_900.0)], some(0, 10_000.0));
    check(&[(0, 10_000.0), (24 * 5, 5_000.0)], None);
    check(&[(0, 10_000.0)], None);
}

#[test]
fn a_move_begins_with_the_last_value_before_rules_began_or_later() {
    let month = [(0, 10_000.0), (24, 9_900.0), (48, 9_000.0), (72, 8_950.0)];
    let path = path(&month);
    let check = |since: i64, now: f64, expected: Option<(i64, f64)>| {
        let parts = RuleParts { over: Some(Window::Week), percent: Some(5.0), ..RuleParts::default() };
        let rules = [made_of("r", None, &parts).expect("a rule")];
        let since = Timestamp(since * HOUR_MS);
        let (metric, points, marks) = (Metric::Followers, path.points(), [].as_slice());
        let measured = Measured { metric, now: point((75, now)), step: None, points, since, marks };
        let found = measured.found(rules.iter()).pop();
        assert_eq!(found.map(|found| (found.from.at.0 / HOUR_MS, found.from.value)), expected, "{since:?} {now}");
    };
    check(0, 8_940.0, Some((0, 10_000.0)));
    check(30, 8_940.0, Some((24, 9_900.0)));
    check(60, 8_940.0, None);
    check(60, 8_500.0, Some((48, 9_000.0)));
    check(74, 8_500.0, Some((72, 8_950.0)));
    check(74, 8_940.0, None);
}

#[test]
fn both_bounds_must_be_passed_and_two_steps() {
    let check = |absolute, step, to, expected| {
        let rules = [rule(2.0, absolute, Direction::Down)];
        assert_eq!(found(&rules, &[(0, 10_000.0), (6, to)], &[], step), expected, "{absolute} {step} {to}");
    };
    check(500.0, 1.0, 9_700.0, None);
    check(500.0, 1.0, 9_500.0, some(0, 10_000.0));
    check(100.0, 1.0, 9_801.0, None);
    check(100.0, 1.0, 9_800.0, some(0, 10_000.0));
    check(100.0, 300.0, 9_500.0, None);
    check(100.0, 100.0, 9_800.0, some(0, 10_000.0));
    check(100.0, 1.0, 10_900.0, None);
}

#[test]
fn what_was_said_is_not_said_again_unless_it_is_clearly_larger() {
    let rules = [rule(10.0, 1.0, Direction::Down)];
    let said = [mark("r", (6, 8_900.0), (0, 10_000.0))];
    let check = |rules: &[Rule], hours: i64, value, expected| {
        let values = [(0, 10_000.0), (6, 8_900.0), (hours, value)];
        assert_eq!(found(rules, &values, &said, 1.0), expected, "{value}");
    };
    check(&rules, 12, 8_900.0, None);
    check(&rules, 12, 5_610.0, None);
    check(&rules, 12, 5_600.0, some(0, 10_000.0));
    // Another rule does not say the same, and says what moves on from there.
    let other = [Rule { name: "other".to_owned(), ..rules[0].clone() }];
    check(&other, 28, 8_000.0, None);
    check(&other, 30, 8_000.0, Some(("other".to_owned(), 6, 8_900.0)));
    // After the cooldown it is measured from what was said.
    check(&rules, 30, 8_000.0, some(6, 8_900.0));
    check(&rules, 30, 8_300.0, None);
}

#[test]
fn what_takes_an_alert_back_is_no_news() {
    let rules = [rule(10.0, 1.0, Direction::Both)];
    let fell = [mark("other", (6, 8_000.0), (0, 10_000.0))];
    let check = |value, expected| {
        assert_eq!(found(&rules, &[(0, 10_000.0), (6, 8_000.0), (12, value)], &fell, 1.0), expected, "{value}");
    };
    check(9_900.0, None);
    check(10_900.0, None);
    check(11_000.0, some(0, 10_000.0));
    let back = |value| fell[0].is_taken_back_by(value);
    assert_eq!([8_000.0, 8_900.0, 9_000.0, 12_000.0].map(back), [false, false, true, true]);
    let rose = mark("r", (6, 12_000.0), (0, 10_000.0));
    assert_eq!([12_000.0, 11_100.0, 11_000.0, 9_000.0].map(|v| rose.is_taken_back_by(v)), [false, false, true, true]);
}

#[test]
fn a_slow_move_is_said_once_until_its_cooldown_ends() {
    let parts = RuleParts { over: Some(Window::Month), percent: Some(10.0), ..RuleParts::default() };
    let rules = [Rule { cooldown: Seconds(20 * 24 * 3600), ..made_of("r", None, &parts).expect("a rule") }];
    let said = [mark("r", (240, 8_900.0), (0, 10_000.0))];
    let check = |hours: i64, value, expected| {
        let values = [(0, 10_000.0), (240, 8_900.0), (hours, value)];
        assert_eq!(found(&rules, &values, &said, 1.0), expected, "{value}");
    };
    check(480, 4_000.0, None);
    check(720, 8_100.0, None);
    check(720, 8_000.0, some(240, 8_900.0));
}

#[test]
fn what_is_where_it_was_is_not_unusual() {
    let rules = Rules::default();
    let rules: Vec<Rule> =
        rules.about(Metric::Followers).filter(|rule| rule.name.starts_with("unusual")).cloned().collect();
    let mut values: Vec<(i64, f64)> = (0..20).map(|day| (24 * day, 2_000_000.0)).collect();
    // Up by less than what is said, and back within the day.
    values.push((24 * 20, 2_023_000.0));
    assert_eq!(found(&rules, &values, &[], 1.0), None);
    values.push((24 * 20 + 6, 2_000_500.0));
    assert_eq!(found(&rules, &values, &[], 1.0), None);
    values.push((24 * 20 + 12, 1_990_000.0));
    assert_eq!(found(&rules, &values, &[], 1.0), Some(("unusual-drop-large".to_owned(), 480, 2_023_000.0)));
}

#[test]
fn a_slow_fall_is_unusual_while_it_goes_on() {
    let rules = Rules::default();
    let rules = [rules.get("slow-drain").expect("a rule").rule.clone()];
    let still = |days: std::ops::Range<i64>| days.map(|day| (24 * day, 2_000.0)).collect::<Vec<_>>();
    let after = |days: &[(i64, f64)]| {
        let values = [still(0..20), days.iter().map(|(day, value)| (24 * day, *value)).collect()].concat();
        found(&rules, &values, &[], 1.0).map(|(_, from, _)| from / 24)
    };
    // Day by day, from when it was 2,000 last.
    assert_eq!(after(&[(20, 1_960.0), (21, 1_920.0), (22, 1_880.0), (23, 1_840.0)]), None, "8 %");
    assert_eq!(after(&[(20, 1_960.0), (21, 1_900.0), (22, 1_840.0), (23, 1_780.0)]), Some(19), "11 %");
    // Of the 240 that were lost 40 must be of the last third.
    assert_eq!(after(&[(20, 1_900.0), (22, 1_799.0), (25, 1_760.0)]), None);
    assert_eq!(after(&[(20, 1_900.0), (22, 1_800.0), (25, 1_760.0)]), Some(19));
    assert_eq!(after(&[(20, 1_900.0), (22, 1_800.0), (23, 1_800.0), (25, 1_760.0)]), Some(19));
    assert_eq!(after(&[(20, 1_900.0), (22, 1_800.0), (23, 1_790.0), (25, 1_760.0)]), None);
    // One fall is news when it is measured, even after three days without a sync, and none later.
    assert_eq!(after(&[(22, 1_700.0)]), Some(19));
    assert_eq!(after(&[(22, 1_700.0), (23, 1_700.0), (24, 1_700.0)]), None);
    // Up for a day and back.
    assert_eq!(after(&[(20, 2_400.0), (21, 2_000.0), (22, 2_000.0), (25, 2_000.0)]), None);
}

#[test]
fn the_usual_rules_know_an_accounts_own_days() {
    let rules = Rules::default();
    let about = |values: &[(i64, f64)], step| {
        let all: Vec<Rule> = rules.about(Metric::Followers).cloned().collect();
        found(&all, values, &[], step).map(|(rule, ..)| rule)
    };
    // Twenty quiet days of a large account, then one day with a per cent less.
    let mut values: Vec<(i64, f64)> = (0..20).map(|day| (24 * day, 2_000_000.0 + 300.0 * day as f64)).collect();
    values.push((24 * 20, 1_980_000.0));
    assert_eq!(about(&values, 1.0).as_deref(), Some("unusual-drop-large"));
    assert_eq!(about(&values, 10_000.0), None, "two of its steps are no more than its floor allows");
    // The same share is a normal day of an account that swings by a per cent.
    let swings = |day: i64| 2_000_000.0 + if day % 2 == 0 { 0.0 } else { 20_000.0 };
    let mut values: Vec<(i64, f64)> = (0..20).map(|day| (24 * day, swings(day))).collect();
    values.push((24 * 20, 1_990_000.0));
    assert_eq!(about(&values, 1.0), None);
}
