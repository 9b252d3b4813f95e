use super::*;
use crate::history::{HOUR, Platform, Point};

/// A move, in hours.
fn labelled(kind: Kind, verdict: Verdict, starts: i64, ends: i64, direction: Direction) -> Move {
    Move { kind, starts_at: starts * HOUR, ends_at: ends * HOUR, direction, from: 1_000, to: 900, verdict }
}

/// A hundred days with a sync every six hours.
fn with(moves: Vec<Move>) -> History {
    let points = (0..=400).map(|number| Point { at: number * 6 * HOUR, followers: 1_000, step: 1 }).collect();
    let (platform, interval) = (Platform::Tiktok, 6 * HOUR);
    History { platform, interval, points, moves, normal_day: 0.0, normal_month_fall: 0.0 }
}

fn at(hour: i64, direction: Direction) -> Detection {
    Detection { at: hour * HOUR, direction, resolved_at: None }
}

use Direction::{Down, Up};
use Verdict::{Debatable, Unwanted, Wanted};

fn check(moves: Vec<Move>, detections: &[Detection], expected: &[Outcome]) {
    let history = with(moves);
    let found: Vec<Outcome> = outcomes(&history, detections).into_iter().map(|(_, outcome, _)| outcome).collect();
    assert_eq!(found, expected, "{:?} {detections:?}", history.moves);
}

#[test]
fn one_detection_in_its_time_and_direction_is_a_hit_and_more_are_duplicates() {
    let fall = || vec![labelled(Kind::Fall, Wanted, 100, 124, Down)];
    check(fall(), &[at(102, Down)], &[Outcome::Hit]);
    check(fall(), &[at(172, Down)], &[Outcome::Hit]);
    check(fall(), &[at(173, Down)], &[Outcome::False(None)]);
    check(fall(), &[at(99, Down)], &[Outcome::False(None)]);
    check(fall(), &[at(102, Up)], &[Outcome::False(Some(Kind::Fall))]);
    check(fall(), &[at(108, Down), at(102, Down)], &[Outcome::Hit, Outcome::Duplicate]);
}

#[test]
fn a_slow_drain_has_a_week_more_and_one_hit() {
    let drain = || vec![labelled(Kind::Drain, Wanted, 240, 960, Down)];
    check(drain(), &[at(960 + 7 * 24, Down)], &[Outcome::Hit]);
    check(drain(), &[at(960 + 7 * 24 + 1, Down)], &[Outcome::False(None)]);
    check(drain(), &[at(300, Down), at(700, Down)], &[Outcome::Hit, Outcome::Duplicate]);
}

#[test]
fn what_is_debatable_counts_once_neither_way_and_what_is_unwanted_is_false() {
    let close = || vec![labelled(Kind::Jump, Debatable, 100, 124, Up)];
    check(close(), &[at(102, Up), at(108, Up)], &[Outcome::Debatable, Outcome::Duplicate]);
    let small = vec![labelled(Kind::Jump, Unwanted, 100, 124, Up)];
    check(small, &[at(102, Up)], &[Outcome::False(Some(Kind::Jump))]);
}

#[test]
fn an_alert_at_a_fault_is_false_unless_it_is_taken_back() {
    let fault = || vec![labelled(Kind::Fault, Unwanted, 102, 108, Down)];
    let taken_back = |hour: i64| Detection { resolved_at: Some(hour * HOUR), ..at(102, Down) };
    check(fault(), &[at(102, Down)], &[Outcome::False(Some(Kind::Fault))]);
    check(fault(), &[taken_back(108)], &[Outcome::TakenBack]);
    check(fault(), &[taken_back(114)], &[Outcome::TakenBack]);
    check(fault(), &[taken_back(120)], &[Outcome::False(Some(Kind::Fault))]);
    // The return is no news.
    check(fault(), &[at(108, Up)], &[Outcome::False(Some(Kind::Fault))]);
}

#[test]
fn after_a_gap_the_second_sync_is_in_time() {
    let mut history = with(vec![labelled(Kind::Fall, Wanted, 100, 124, Down)]);
    history.points.retain(|point| !(100 * HOUR..200 * HOUR).contains(&point.at));
    let outcome = |hour| outcomes(&history, &[at(hour, Down)])[0].1;
    assert_eq!([outcome(204), outcome(210), outcome(216)], [Outcome::Hit, Outcome::Hit, Outcome::False(None)]);
}

#[test]
fn figures_are_shares_of_what_was_counted() {
    let busy = with(vec![
        labelled(Kind::Fall, Wanted, 100, 124, Down),
        labelled(Kind::Drain, Wanted, 400, 1_000, Down),
        labelled(Kind::Jump, Wanted, 1_400, 1_424, Up),
        labelled(Kind::Spike, Debatable, 1_800, 1_812, Up),
    ]);
    let quiet = with(vec![labelled(Kind::Fault, Unwanted, 102, 108, Down)]);
    let busy_found = vec![at(106, Down), at(112, Down), at(500, Down), at(1_806, Up)];
    let quiet_found = vec![at(50, Up), Detection { resolved_at: Some(108 * HOUR), ..at(102, Down) }];
    let figures = score(&[busy, quiet], &[busy_found, quiet_found]);
    assert_eq!((figures.hits, figures.wanted, figures.duplicates, figures.false_alarms), (2, 3, 1, 1));
    assert_eq!((figures.debatable, figures.taken_back), (1, 1));
    assert_eq!((figures.recall, figures.precision), (2.0 / 3.0, 0.5));
    let hits = |hits, wanted| Hits { hits, wanted };
    assert_eq!(figures.per_kind, [(Kind::Jump, hits(0, 1)), (Kind::Fall, hits(1, 1)), (Kind::Drain, hits(1, 1))]);
    assert_eq!(figures.false_per_kind, [(None, 1)]);
    // Two alerts in a hundred days.
    assert!((figures.quiet_alerts_per_year - 7.305).abs() < 1e-9, "{}", figures.quiet_alerts_per_year);
    assert_eq!(figures.quick, Some((6 * HOUR, 6 * HOUR)));
    assert_eq!(figures.slow, Some((100 * HOUR, 100 * HOUR)));
}

#[test]
fn nothing_wanted_and_nothing_found_is_perfect() {
    let figures = score(&[with(vec![])], &[vec![]]);
    assert_eq!((figures.recall, figures.precision, figures.quiet_alerts_per_year), (1.0, 1.0, 0.0));
    assert_eq!((figures.quick, figures.slow), (None, None));
}

#[test]
fn median_and_95th_percentile() {
    assert_eq!(median_and_p95(&(1..=100).rev().collect::<Vec<_>>()), Some((51, 96)));
    assert_eq!(median_and_p95(&[7]), Some((7, 7)));
}

#[test]
fn kinds_have_their_places() {
    assert!(Kind::ALL.into_iter().enumerate().all(|(number, kind)| place(kind) == number));
}
