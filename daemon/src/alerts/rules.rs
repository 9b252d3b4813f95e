//! The rules in use: those built in, the config's and the store's, of each name one. Pure.

use std::collections::BTreeMap;

use roster_protocol::alert::Severity;
use roster_protocol::metric::{Metric, Ratio};
use roster_protocol::rule::{
    Direction, Happening, Moved, Origin, Rule, RuleParts, STALE_INTERVALS, Scope, Test, Window,
};
use roster_protocol::time::Seconds;

const DAY: u64 = 24 * 3600;
/// From so many followers on, less of them is news.
const LARGE: u64 = 250_000;
const MILESTONES: [u64; 5] = [10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// One rule in use.
#[derive(Clone, Debug, PartialEq)]
pub struct InUse {
    pub rule: Rule,
    pub origin: Origin,
    /// Rules of the same name that are not used.
    pub overrides: Vec<Origin>,
}

/// All rules in use, by name.
#[derive(Clone, Debug)]
pub struct Rules {
    by_name: BTreeMap<String, InUse>,
    /// Names of the enabled rules about moves, the gravest first, of equal ones the shortest window.
    moves: Vec<String>,
}

impl Default for Rules {
    fn default() -> Self {
        Self::of(&[], &BTreeMap::new())
    }
}

impl Rules {
    /// The rules in use: of the same name the config's before the store's before the built-in one.
    pub fn of(config: &[Rule], stored: &BTreeMap<String, Rule>) -> Self {
        let all = built_in().into_iter().map(|rule| (Origin::BuiltIn, rule));
        let all = all.chain(stored.values().cloned().map(|rule| (Origin::Store, rule)));
        let all = all.chain(config.iter().cloned().map(|rule| (Origin::Config, rule)));
        let mut by_name: BTreeMap<String, InUse> = BTreeMap::new();
        for (origin, rule) in all {
            let before = by_name.remove(&rule.name);
            let overrides = before.into_iter().flat_map(|before| [before.overrides, vec![before.origin]].concat());
            by_name.insert(rule.name.clone(), InUse { rule, origin, overrides: overrides.collect() });
        }
        let enabled = by_name.values().map(|used| &used.rule).filter(|rule| rule.enabled);
        let mut moves: Vec<&Rule> = enabled.filter(|rule| metric_of(rule).is_some()).collect();
        moves.sort_by_key(|rule| (std::cmp::Reverse(rule.severity), window_of(rule)));
        let moves = moves.into_iter().map(|rule| rule.name.clone()).collect();
        Self { by_name, moves }
    }

    /// All, by name.
    pub fn all(&self) -> impl Iterator<Item = &InUse> {
        self.by_name.values()
    }

    /// The rule of this name.
    pub fn get(&self, name: &str) -> Option<&InUse> {
        self.by_name.get(name)
    }

    /// The enabled rules about moves of a metric, the gravest first.
    pub fn about(&self, metric: Metric) -> impl Iterator<Item = &Rule> {
        let rules = self.moves.iter().filter_map(|name| self.by_name.get(name));
        rules.map(|used| &used.rule).filter(move |rule| metric_of(rule) == Some(metric))
    }

    /// The metrics that enabled rules are about, each once.
    pub fn metrics(&self) -> impl Iterator<Item = Metric> {
        Metric::ALL.into_iter().filter(|metric| self.about(*metric).next().is_some())
    }

    /// The enabled rules about something that happens.
    pub fn on(&self, event: Happening) -> impl Iterator<Item = &Rule> {
        let enabled = self.by_name.values().map(|used| &used.rule).filter(|rule| rule.enabled);
        enabled.filter(move |rule| event_of(rule) == Some(event))
    }

    /// Whether a rule of this name, enabled or not, is about something that happens.
    pub fn is_on(&self, name: &str, event: Happening) -> bool {
        self.by_name.get(name).and_then(|used| event_of(&used.rule)) == Some(event)
    }
}

/// The metric whose moves a rule is about.
pub fn metric_of(rule: &Rule) -> Option<Metric> {
    match &rule.test {
        Test::Moved(moved) => Some(moved.metric),
        Test::Crossed { metric, .. } => Some(*metric),
        Test::Happened { .. } => None,
    }
}

fn event_of(rule: &Rule) -> Option<Happening> {
    match rule.test {
        Test::Happened { event, .. } => Some(event),
        _ => None,
    }
}

fn window_of(rule: &Rule) -> Option<Window> {
    match rule.test {
        Test::Moved(moved) => Some(moved.over),
        _ => None,
    }
}

/// The rules that are in use unless the config or the store say otherwise.
///
/// A share alone is nearly useless: of 4,401 days of 227 channels two moved by more than a tenth, both of one tiny account.
/// So the usual rules compare with the account's own days, and the plain ones catch what is large for every account and
/// accounts that are known for a few days only.
pub fn built_in() -> Vec<Rule> {
    use Direction::{Both, Down, Up};
    use Severity::{Critical, Info, Warning};
    let followers = Metric::Followers;
    let moved = |metric, direction, over, share: f64, absolute: f64, unusual: f64| {
        let given = |value: f64| (value > 0.0).then_some(value);
        let share = given(share).and_then(|share| Ratio::from_f64(share / 100.0));
        Test::Moved(Moved { metric, direction, over, share, absolute: given(absolute), unusual: given(unusual) })
    };
    let happened = |event| Test::Happened { event, intervals: STALE_INTERVALS };
    let rule = |name: &str, severity, cooldown_days: u64, test| Rule {
        name: name.to_owned(),
        enabled: true,
        test,
        severity,
        cooldown: Seconds(cooldown_days * DAY),
        only: Scope::default(),
    };
    let large = |name: &str, severity, cooldown_days, test| {
        let only = Scope { followers_min: Some(LARGE), ..Scope::default() };
        Rule { only, ..rule(name, severity, cooldown_days, test) }
    };
    vec![
        rule("big-drop", Warning, 3, moved(followers, Down, Window::Day, 5.0, 100.0, 0.0)),
        rule("big-rise", Info, 3, moved(followers, Up, Window::Day, 15.0, 200.0, 0.0)),
        rule("unusual-drop", Warning, 3, moved(followers, Down, Window::Day, 2.5, 50.0, 6.0)),
        large("unusual-drop-large", Warning, 3, moved(followers, Down, Window::Day, 1.0, 0.0, 6.0)),
        rule("unusual-rise", Info, 3, moved(followers, Up, Window::Day, 2.5, 75.0, 6.0)),
        large("unusual-rise-large", Info, 3, moved(followers, Up, Window::Day, 1.2, 0.0, 6.0)),
        rule("slow-drain", Warning, 45, moved(followers, Down, Window::Month, 10.0, 50.0, 3.0)),
        large("slow-drain-large", Warning, 45, moved(followers, Down, Window::Month, 4.0, 0.0, 3.0)),
        rule("milestone", Info, 7, Test::Crossed { metric: followers, direction: Up, levels: MILESTONES.to_vec() }),
        rule("engagement-range", Info, 7, moved(Metric::EngagementRate, Both, Window::Week, 40.0, 0.0, 6.0)),
        rule("audience-shift", Info, 30, moved(Metric::AudienceFemale, Both, Window::Month, 0.0, 0.1, 0.0)),
        rule("stale", Warning, 1, happened(Happening::Stale)),
        rule("needs-person", Warning, 0, happened(Happening::NeedsPerson)),
        rule("consent-ends", Info, 0, happened(Happening::Token)),
        rule("platform-down", Warning, 0, happened(Happening::PlatformDown)),
        rule("metric-withdrawn", Info, 0, happened(Happening::MetricWithdrawn)),
        rule("store-size", Warning, 0, happened(Happening::Store)),
        rule("listener", Critical, 0, happened(Happening::Listener)),
    ]
}

/// The rule that `parts` make of `base`, or of nothing.
///
/// # Errors
/// In a sentence, what is wrong with it.
pub fn made_of(name: &str, base: Option<&Rule>, parts: &RuleParts) -> Result<Rule, String> {
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
        Some(percent) => match Ratio::from_f64(percent / 100.0).filter(|share| is_positive(percent) && share.0 > 0) {
            Some(share) => Some(share),
            None => return Err(format!("percent is above 0, not {percent}")),
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
    fn of_the_same_name_the_config_is_used_then_the_store_then_what_is_built_in() {
        let stored = BTreeMap::from([("big-drop".to_owned(), named("big-drop", &drop_of(3.0)))]);
        let check = |rules: &Rules, origin, overrides: &[Origin], share: i64| {
            let used = rules.get("big-drop").expect("a rule");
            let Test::Moved(moved) = used.rule.test else { panic!("{:?}", used.rule) };
            assert_eq!((used.origin, used.overrides.as_slice(), moved.share), (origin, overrides, Some(Ratio(share))));
        };
        check(&Rules::default(), Origin::BuiltIn, &[], 50_000);
        check(&Rules::of(&[], &stored), Origin::Store, &[Origin::BuiltIn], 30_000);
        let config = [named("big-drop", &drop_of(2.0))];
        check(&Rules::of(&config, &stored), Origin::Config, &[Origin::BuiltIn, Origin::Store], 20_000);
    }

    #[test]
    fn a_rule_that_is_off_is_listed_and_not_applied() {
        let off = RuleParts { enabled: Some(false), ..RuleParts::default() };
        let built_in = built_in();
        let stale = built_in.iter().find(|rule| rule.name == "stale").expect("a rule");
        let rules = Rules::of(&[made_of("stale", Some(stale), &off).expect("a rule")], &BTreeMap::new());
        assert_eq!(rules.on(Happening::Stale).count(), 0);
        assert!(rules.is_on("stale", Happening::Stale) && rules.get("stale").is_some());
    }

    #[test]
    fn the_gravest_rule_about_a_move_is_first_and_of_equal_ones_the_shortest() {
        let rules = Rules::default();
        let names: Vec<&str> = rules.about(Metric::Followers).map(|rule| rule.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "big-drop",
                "unusual-drop",
                "unusual-drop-large",
                "slow-drain",
                "slow-drain-large",
                "milestone",
                "big-rise",
                "unusual-rise",
                "unusual-rise-large"
            ]
        );
        let metrics: Vec<Metric> = rules.metrics().collect();
        assert_eq!(metrics, [Metric::Followers, Metric::EngagementRate, Metric::AudienceFemale]);
    }

    #[test]
    fn what_makes_no_rule_says_why() {
        let check = |parts: RuleParts, expected: &str| {
            assert_eq!(made_of("x", None, &parts).map(|rule| rule.test), Err(expected.to_owned()));
        };
        check(RuleParts::default(), "a rule has a percent, absolute, unusual, crosses or event");
        check(drop_of(-2.0), "percent is above 0, not -2");
        check(drop_of(f64::NAN), "percent is above 0, not NaN");
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
