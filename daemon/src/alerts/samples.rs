//! What tests of rules measure: values by the hour, of followers.

use roster_protocol::metric::Metric;
use roster_protocol::rule::{Direction, Rule, RuleParts};
use roster_protocol::time::Timestamp;

use super::measured::{Mark, Measured};
use super::path::{Path, Point};
use super::rules::made_of;

pub const HOUR_MS: i64 = 3_600_000;

pub fn point((hours, value): (i64, f64)) -> Point {
    Point { at: Timestamp(hours * HOUR_MS), value }
}

pub fn path(values: &[(i64, f64)]) -> Path {
    let mut path = Path::default();
    values.iter().for_each(|value| path.put(point(*value)));
    path
}

/// The rules that are met, and from where, when the last of the values is measured.
pub fn all_found(rules: &[Rule], values: &[(i64, f64)], marks: &[Mark], step: f64) -> Vec<(String, i64, f64)> {
    let (now, before) = values.split_last().expect("a value");
    let path = path(before);
    let measured = Measured {
        metric: Metric::Followers,
        now: point(*now),
        step: Some(step),
        points: path.points(),
        since: Timestamp(0),
        marks,
    };
    let found = measured.found(rules.iter()).into_iter();
    found.map(|found| (found.rule.name.clone(), found.from.at.0 / HOUR_MS, found.from.value)).collect()
}

/// The first of them.
pub fn found(rules: &[Rule], values: &[(i64, f64)], marks: &[Mark], step: f64) -> Option<(String, i64, f64)> {
    all_found(rules, values, marks, step).into_iter().next()
}

pub fn rule(percent: f64, absolute: f64, direction: Direction) -> Rule {
    let parts = RuleParts {
        percent: Some(percent),
        absolute: Some(absolute),
        direction: Some(direction),
        ..RuleParts::default()
    };
    made_of("r", None, &parts).expect("a rule")
}

pub fn mark(rule: &str, (opened, to): (i64, f64), (began, from): (i64, f64)) -> Mark {
    let at = |hours: i64| Timestamp(hours * HOUR_MS);
    let metric = Metric::Followers;
    Mark { rule: rule.to_owned(), metric, opened_at: at(opened), from, from_at: at(began), to, is_crossing: false }
}

pub fn some(from: i64, value: f64) -> Option<(String, i64, f64)> {
    Some(("r".to_owned(), from, value))
}
