//! The rules in use: those built in, the config's and the store's, of each name one. Pure.

mod built_in;
mod making;

use std::collections::BTreeMap;

use roster_protocol::metric::Metric;
use roster_protocol::rule::{Happening, Origin, Rule, Test, Window};

pub use built_in::built_in;
pub use making::made_of;

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

#[cfg(test)]
mod tests {
    use roster_protocol::metric::Ratio;
    use roster_protocol::rule::{Direction, RuleParts};

    use super::*;
    use crate::alerts::samples::rule;

    fn big_drop(percent: f64) -> Rule {
        Rule { name: "big-drop".to_owned(), ..rule(percent, 1.0, Direction::Down) }
    }

    #[test]
    fn of_the_same_name_the_config_is_used_then_the_store_then_what_is_built_in() {
        let stored = BTreeMap::from([("big-drop".to_owned(), big_drop(3.0))]);
        let check = |rules: &Rules, origin, overrides: &[Origin], share: i64| {
            let used = rules.get("big-drop").expect("a rule");
            let Test::Moved(moved) = used.rule.test else { panic!("{:?}", used.rule) };
            assert_eq!((used.origin, used.overrides.as_slice(), moved.share), (origin, overrides, Some(Ratio(share))));
        };
        check(&Rules::default(), Origin::BuiltIn, &[], 50_000);
        check(&Rules::of(&[], &stored), Origin::Store, &[Origin::BuiltIn], 30_000);
        let config = [big_drop(2.0)];
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
}
