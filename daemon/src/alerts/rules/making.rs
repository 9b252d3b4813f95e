//! Rules made of parts: of the config, or of what users name. Pure.

use roster_protocol::alert::Severity;
use roster_protocol::metric::{Metric, Ratio};
use roster_protocol::rule::{Direction, Happening, Moved, Rule, RuleParts, STALE_INTERVALS, Scope, Test, Window};
use roster_protocol::time::Seconds;

const DAY: u64 = 24 * 3600;

/// What a share can be, in percent: what is smaller cannot be stored.
const PERCENT: std::ops::RangeInclusive<f64> = 0.0001..=1_000_000.0;

/// The rule that `parts` make of `base`, or of nothing.
///
/// # Errors
/// In a sentence, what is wrong with it.
pub fn made_of(name: &str, base: Option<&Rule>, parts: &RuleParts) -> Result<Rule, String> {
    let base = base.filter(|_| !parts.whole);
    let before = base.cloned().unwrap_or_else(|| Rule {
        name: name.to_owned(),
        enabled: true,
        test: Test::Happened { event: Happening::Stale, intervals: STALE_INTERVALS },
        severity: Severity::Warning,
        cooldown: Seconds(DAY),
        only: Scope::default(),
    });
    let test = test_of(base.map(|rule| &rule.test), parts)?;
    let cooldown = parts.cooldown.unwrap_or(before.cooldown);
    if cooldown.0 > 366 * DAY {
        return Err("a cooldown is at most 366d".to_owned());
    }
    let only = Scope {
        tags: parts.tags.clone().unwrap_or(before.only.tags),
        platforms: parts.platforms.clone().unwrap_or(before.only.platforms),
        influencers: parts.influencers.clone().unwrap_or(before.only.influencers),
        followers_min: parts.followers_min.or(before.only.followers_min),
        followers_max: parts.followers_max.or(before.only.followers_max),
    };
    if only.followers_min.zip(only.followers_max).is_some_and(|(min, max)| min > max) {
        return Err("followers_min is above followers_max".to_owned());
    }
    Ok(Rule {
        enabled: parts.enabled.unwrap_or(before.enabled),
        severity: parts.severity.unwrap_or(before.severity),
        name: name.to_owned(),
        test,
        cooldown,
        only,
    })
}

fn test_of(base: Option<&Test>, parts: &RuleParts) -> Result<Test, String> {
    let bounds = parts.percent.is_some() || parts.absolute.is_some() || parts.unusual.is_some();
    match (parts.event, &parts.crosses, bounds) {
        (Some(_), Some(_), _) | (Some(_), _, true) => Err("a rule about an event has no bounds".to_owned()),
        (_, Some(_), true) => Err("crosses stands instead of percent, absolute and unusual".to_owned()),
        (Some(event), None, false) => happened(event, parts, None),
        (None, Some(levels), false) => crossed(levels.clone(), base, parts),
        (None, None, _) => match base {
            Some(Test::Happened { event, intervals }) if !bounds => happened(*event, parts, Some(*intervals)),
            Some(Test::Crossed { levels, .. }) if !bounds => crossed(levels.clone(), base, parts),
            _ => moved(base, parts),
        },
    }
}

fn happened(event: Happening, parts: &RuleParts, before: Option<u32>) -> Result<Test, String> {
    if parts.metric.is_some() || parts.direction.is_some() || parts.over.is_some() {
        return Err("a rule about an event has no metric, direction or window".to_owned());
    }
    let intervals = parts.intervals.or(before).unwrap_or(STALE_INTERVALS);
    if !(1..=1000).contains(&intervals) {
        return Err("intervals are from 1 to 1000".to_owned());
    }
    Ok(Test::Happened { event, intervals })
}

fn crossed(mut levels: Vec<u64>, base: Option<&Test>, parts: &RuleParts) -> Result<Test, String> {
    levels.sort_unstable();
    levels.dedup();
    if levels.is_empty() || levels.len() > 100 || levels.contains(&0) {
        return Err("crosses has 1 to 100 levels above 0, such as [10_000, 100_000]".to_owned());
    }
    let before = match base {
        Some(Test::Crossed { metric, direction, .. }) => Some((*metric, *direction)),
        _ => None,
    };
    let (metric, direction) = before.unwrap_or((Metric::Followers, Direction::Up));
    let (metric, direction) = (parts.metric.unwrap_or(metric), parts.direction.unwrap_or(direction));
    Ok(Test::Crossed { metric, direction, levels })
}

fn moved(base: Option<&Test>, parts: &RuleParts) -> Result<Test, String> {
    let before = match base {
        Some(Test::Moved(moved)) => Some(*moved),
        _ => None,
    };
    let is_positive = |value: f64| value.is_finite() && value > 0.0;
    let share = match parts.percent {
        Some(percent) if !is_positive(percent) => return Err(format!("percent is above 0, not {percent}")),
        Some(percent) => match Ratio::from_f64(percent / 100.0)
            .filter(|share| PERCENT.contains(&percent) && share.0 > 0)
        {
            Some(share) => Some(share),
            None => return Err(format!("percent is from {} to {}, not {percent:e}", PERCENT.start(), PERCENT.end())),
        },
        None => before.and_then(|moved| moved.share),
    };
    for (name, value) in [("absolute", parts.absolute), ("unusual", parts.unusual)] {
        if let Some(value) = value.filter(|value| !is_positive(*value)) {
            return Err(format!("{name} is above 0, not {value}"));
        }
    }
    let made = Moved {
        metric: parts.metric.or(before.map(|moved| moved.metric)).unwrap_or(Metric::Followers),
        direction: parts.direction.or(before.map(|moved| moved.direction)).unwrap_or(Direction::Both),
        over: parts.over.or(before.map(|moved| moved.over)).unwrap_or(Window::Day),
        share,
        absolute: parts.absolute.or(before.and_then(|moved| moved.absolute)),
        unusual: parts.unusual.or(before.and_then(|moved| moved.unusual)),
    };
    match (made.share, made.absolute, made.unusual) {
        (None, None, None) => Err("a rule has a percent, absolute, unusual, crosses or event".to_owned()),
        _ => Ok(Test::Moved(made)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str, parts: &RuleParts) -> Rule {
        made_of(name, None, parts).expect("a rule")
    }

    fn drop_of(percent: f64) -> RuleParts {
        RuleParts { percent: Some(percent), direction: Some(Direction::Down), ..RuleParts::default() }
    }

    #[test]
    fn what_makes_no_rule_says_why() {
        let check = |parts: RuleParts, expected: &str| {
            assert_eq!(made_of("x", None, &parts).map(|rule| rule.test), Err(expected.to_owned()));
        };
        check(RuleParts::default(), "a rule has a percent, absolute, unusual, crosses or event");
        check(drop_of(-2.0), "percent is above 0, not -2");
        check(drop_of(f64::NAN), "percent is above 0, not NaN");
        check(drop_of(f64::INFINITY), "percent is above 0, not inf");
        check(drop_of(1e300), "percent is from 0.0001 to 1000000, not 1e300");
        check(drop_of(1e-9), "percent is from 0.0001 to 1000000, not 1e-9");
        let event = Some(Happening::Stale);
        check(RuleParts { event, ..drop_of(2.0) }, "a rule about an event has no bounds");
        let over = Some(Window::Day);
        check(
            RuleParts { event, over, ..RuleParts::default() },
            "a rule about an event has no metric, direction or window",
        );
        let crosses = Some(vec![10]);
        check(RuleParts { crosses, ..drop_of(2.0) }, "crosses stands instead of percent, absolute and unusual");
        let none = RuleParts { crosses: Some(vec![]), ..RuleParts::default() };
        check(none, "crosses has 1 to 100 levels above 0, such as [10_000, 100_000]");
        let bounds = RuleParts { followers_min: Some(5), followers_max: Some(4), ..drop_of(2.0) };
        check(bounds, "followers_min is above followers_max");
    }

    #[test]
    fn an_edit_changes_what_it_names() {
        let before = named("x", &RuleParts { absolute: Some(500.0), over: Some(Window::Week), ..drop_of(2.0) });
        let after = made_of("x", Some(&before), &RuleParts { percent: Some(4.0), ..RuleParts::default() });
        let Ok(Rule { test: Test::Moved(moved), .. }) = after else { panic!("{after:?}") };
        assert_eq!((moved.share, moved.absolute, moved.over), (Some(Ratio(40_000)), Some(500.0), Window::Week));
        let levels = RuleParts { crosses: Some(vec![30, 10, 30]), ..RuleParts::default() };
        let Ok(Rule { test, .. }) = made_of("x", Some(&before), &levels) else { panic!() };
        let expected = Test::Crossed { metric: Metric::Followers, direction: Direction::Up, levels: vec![10, 30] };
        assert_eq!(test, expected);
    }
}
