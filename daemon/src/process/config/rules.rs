//! `[rules.NAME]`: alert rules of the config.

use std::collections::BTreeMap;
use std::str::FromStr;

use roster_protocol::alert::Severity;
use roster_protocol::ids::InfluencerId;
use roster_protocol::metric::UnknownName;
use roster_protocol::rule::{Rule, RuleParts, is_name};
use roster_protocol::time::Seconds;
use serde::Deserialize;
use toml::de::{DeTable, DeValue};

use super::unknown;
use crate::alerts::rules::{built_in, made_of};

/// The keys of a rule.
pub const KEYS: [&str; 13] = [
    "enabled",
    "metric",
    "direction",
    "percent",
    "absolute",
    "over",
    "unusual",
    "crosses",
    "event",
    "intervals",
    "severity",
    "cooldown",
    ONLY,
];
const ONLY: &str = "only";
/// The keys of `only`.
const ONLY_KEYS: [&str; 5] = ["tags", "platforms", "influencers", "followers_min", "followers_max"];

/// One rule as written; its keys are checked before.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct RawRule {
    enabled: Option<bool>,
    metric: Option<String>,
    direction: Option<String>,
    percent: Option<f64>,
    absolute: Option<f64>,
    over: Option<String>,
    unusual: Option<f64>,
    crosses: Option<Vec<u64>>,
    event: Option<String>,
    intervals: Option<u32>,
    severity: Option<String>,
    cooldown: Option<String>,
    only: RawScope,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawScope {
    tags: Option<Vec<String>>,
    platforms: Option<Vec<String>>,
    influencers: Option<Vec<String>>,
    followers_min: Option<u64>,
    followers_max: Option<u64>,
}

/// A dotted key, and what is wrong with it.
type Problem = (String, String);

/// Finds the first key that a rule does not have: its offset, and what to write instead.
pub(super) fn check_keys(rules: &DeTable<'_>) -> Result<(), (usize, String)> {
    for (name, rule) in rules {
        let DeValue::Table(rule) = rule.get_ref() else { continue };
        for (key, value) in rule {
            let path = format!("rules.{}.{}", name.get_ref(), key.get_ref());
            if !KEYS.contains(&key.get_ref().as_ref()) {
                return Err((key.span().start, unknown("key", &path, key.get_ref(), &KEYS)));
            }
            let (true, DeValue::Table(only)) = (key.get_ref() == ONLY, value.get_ref()) else { continue };
            if let Some((key, _)) = only.iter().find(|(key, _)| !ONLY_KEYS.contains(&key.get_ref().as_ref())) {
                let path = format!("{path}.{}", key.get_ref());
                return Err((key.span().start, unknown("key", &path, key.get_ref(), &ONLY_KEYS)));
            }
        }
    }
    Ok(())
}

/// The rules of the config. One that has a built-in rule's name changes what it names of that rule.
///
/// # Errors
/// The first thing that is wrong, with its key.
pub(super) fn read(raw: BTreeMap<String, RawRule>) -> Result<Vec<Rule>, Problem> {
    let built_in = built_in();
    let rule = |(name, raw): (String, RawRule)| {
        let key = format!("rules.{name}");
        if !is_name(&name) {
            return Err((key, "a rule's name has lower-case letters, digits and -, such as big-drop".to_owned()));
        }
        let parts = raw.parts().map_err(|(sub, message)| (format!("{key}.{sub}"), message))?;
        let base = built_in.iter().find(|rule| rule.name == name);
        made_of(&name, base, &parts).map_err(|message| (key, message))
    };
    raw.into_iter().map(rule).collect()
}

impl RawRule {
    fn parts(self) -> Result<RuleParts, (&'static str, String)> {
        let cooldown = self.cooldown.map(|text| cooldown(&text).map_err(|message| ("cooldown", message)));
        let influencers = self.only.influencers.map(|ids| {
            let read = |id: String| id.parse::<InfluencerId>().map_err(|error| ("only.influencers", error.to_string()));
            ids.into_iter().map(read).collect::<Result<Vec<_>, _>>()
        });
        Ok(RuleParts {
            whole: false,
            enabled: self.enabled,
            metric: word("metric", self.metric)?,
            direction: word("direction", self.direction)?,
            over: word("over", self.over)?,
            percent: self.percent,
            absolute: self.absolute,
            unusual: self.unusual,
            crosses: self.crosses,
            event: word("event", self.event)?,
            intervals: self.intervals,
            severity: word::<Severity>("severity", self.severity)?,
            cooldown: cooldown.transpose()?,
            tags: self.only.tags,
            platforms: self.only.platforms,
            influencers: influencers.transpose()?,
            followers_min: self.only.followers_min,
            followers_max: self.only.followers_max,
        })
    }
}

fn word<T: FromStr<Err = UnknownName>>(
    key: &'static str,
    text: Option<String>,
) -> Result<Option<T>, (&'static str, String)> {
    text.map(|text| text.parse()).transpose().map_err(|error: UnknownName| (key, error.to_string()))
}

/// How long a rule stays quiet: `24h`, or `0s`.
///
/// # Errors
/// In a sentence.
pub fn cooldown(text: &str) -> Result<Seconds, String> {
    let span: Option<jiff::Span> = text.parse().ok();
    let relative = jiff::SpanRelativeTo::days_are_24_hours();
    let seconds = span.and_then(|span| span.total((jiff::Unit::Second, relative)).ok());
    let seconds = seconds.filter(|seconds| (0.0..=366.0 * 86_400.0).contains(seconds));
    seconds
        .map(|seconds| Seconds(seconds as u64))
        .ok_or_else(|| format!("{text:?} is not between 0s and 366d: write \"24h\", or \"0s\" for none"))
}

#[cfg(test)]
mod tests {
    use roster_protocol::metric::Ratio;
    use roster_protocol::rule::{Direction, Test, Window};

    use crate::process::config::Config;

    #[test]
    fn a_rule_is_read_as_written_and_a_built_in_one_is_changed_where_it_is_named() {
        let text = "[rules.big-drop]\npercent = 2.0\nabsolute = 500\n[rules.beauty]\nevent = \"stale\"\nintervals = 5\n\
            only = { tags = [\"beauty\"], platforms = [\"youtube\"], followers_min = 1000 }\n[rules.stale]\nenabled = false\n";
        let config = Config::parse(text, "f").expect("rules");
        let [beauty, big, stale] = config.rules.as_slice() else { panic!("{:?}", config.rules) };
        let Test::Moved(moved) = big.test else { panic!("{big:?}") };
        assert_eq!((moved.share, moved.absolute), (Some(Ratio(20_000)), Some(500.0)));
        assert_eq!((moved.direction, moved.over), (Direction::Down, Window::Day), "as built in");
        assert!(matches!(beauty.test, Test::Happened { intervals: 5, .. }) && beauty.only.tags == ["beauty"]);
        assert!(!stale.enabled);
    }

    #[test]
    fn an_error_names_the_line_and_what_to_write_instead() {
        let check = |text: &str, expected: &str| {
            let error = Config::parse(text, "f").expect_err(text);
            assert_eq!(error.to_string(), expected, "{text}");
        };
        check("[rules.x]\nperc = 2", "f:2: unknown key rules.x.perc; did you mean percent?");
        check("[rules.x]\npercnt = 2", "f:2: unknown key rules.x.percnt; did you mean percent?");
        check("[rules.x]\nonly = { tag = [] }", "f:2: unknown key rules.x.only.tag; did you mean tags?");
        check("[rules.x]\npercent = -2", "f:1: percent is above 0, not -2");
        check("[rules.x]\nover = \"2d\"", "f:2: unknown window \"2d\": 1d, 7d, 30d");
        check(
            "[rules.x]\ncooldown = \"x\"",
            "f:2: \"x\" is not between 0s and 366d: write \"24h\", or \"0s\" for none",
        );
        check("[rules.x]", "f:1: a rule has a percent, absolute, unusual, crosses or event");
        check(
            "[rules.\"A b\"]\npercent = 2",
            "f:1: a rule's name has lower-case letters, digits and -, such as big-drop",
        );
    }
}
