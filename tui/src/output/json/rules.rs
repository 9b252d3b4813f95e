//! JSON of alert rules: `rules list`, `rules test`.

use roster_protocol::rule::{self, ListedRule, Moved, Test};
use serde::Serialize;
use serde_json::Number;

use super::rounded;

/// What `rules list` gives, and each verb that makes or changes one.
#[derive(Debug, Serialize)]
pub struct RuleList {
    pub rules: Vec<Rule>,
}

/// One rule, with the keys of the config.
#[derive(Debug, Serialize)]
pub struct Rule {
    name: String,
    enabled: bool,
    origin: &'static str,
    overrides: Vec<&'static str>,
    open: u64,
    /// Of the last 30 days.
    alerts_30d: u64,
    /// The config file that has it.
    file: Option<String>,
    metric: Option<&'static str>,
    direction: Option<&'static str>,
    over: Option<&'static str>,
    percent: Option<Number>,
    absolute: Option<Number>,
    unusual: Option<Number>,
    crosses: Option<Vec<u64>>,
    event: Option<&'static str>,
    intervals: Option<u32>,
    severity: &'static str,
    cooldown_s: u64,
    only: Scope,
}

/// Whom a rule is about; `null` and empty permit everything.
#[derive(Debug, Serialize)]
struct Scope {
    tags: Vec<String>,
    platforms: Vec<String>,
    influencers: Vec<String>,
    followers_min: Option<u64>,
    followers_max: Option<u64>,
}

impl From<&ListedRule> for Rule {
    fn from(listed: &ListedRule) -> Self {
        let rule = &listed.rule;
        let moved = match rule.test {
            Test::Moved(moved) => Some(moved),
            _ => None,
        };
        let (metric, direction) = match &rule.test {
            Test::Moved(Moved { metric, direction, .. }) | Test::Crossed { metric, direction, .. } => {
                (Some(metric.as_str()), Some(direction.as_str()))
            }
            Test::Happened { .. } => (None, None),
        };
        let (event, intervals) = match rule.test {
            Test::Happened { event: rule::Happening::Stale, intervals } => (Some("stale"), Some(intervals)),
            Test::Happened { event, .. } => (Some(event.as_str()), None),
            _ => (None, None),
        };
        let share = moved.and_then(|moved| moved.share);
        Self {
            name: rule.name.clone(),
            enabled: rule.enabled,
            origin: listed.origin.as_str(),
            overrides: listed.overrides.iter().map(|origin| origin.as_str()).collect(),
            open: listed.open,
            alerts_30d: listed.alerts_30d,
            file: listed.file.clone(),
            metric,
            direction,
            over: moved.map(|moved| moved.over.as_str()),
            percent: share.map(|share| rounded(share.as_f64() * 100.0, 4)),
            absolute: moved.and_then(|moved| moved.absolute).map(|absolute| rounded(absolute, 6)),
            unusual: moved.and_then(|moved| moved.unusual).map(|unusual| rounded(unusual, 4)),
            crosses: match &rule.test {
                Test::Crossed { levels, .. } => Some(levels.clone()),
                _ => None,
            },
            event,
            intervals,
            severity: rule.severity.as_str(),
            cooldown_s: rule.cooldown.0,
            only: Scope {
                tags: rule.only.tags.clone(),
                platforms: rule.only.platforms.clone(),
                influencers: rule.only.influencers.iter().map(ToString::to_string).collect(),
                followers_min: rule.only.followers_min,
                followers_max: rule.only.followers_max,
            },
        }
    }
}

/// What `rules test` gives.
#[derive(Debug, Serialize)]
pub struct Backtest {
    rule: String,
    since: String,
    accounts: u64,
    days: u64,
    alerts: u64,
    alerted: u64,
    per_account_year: Option<Number>,
    examples: Vec<Example>,
}

#[derive(Debug, Serialize)]
struct Example {
    date: String,
    influencer: String,
    influencer_name: String,
    connection: String,
    platform: String,
    metric: &'static str,
    from: Number,
    to: Number,
    score: Option<Number>,
    why: String,
}

impl From<&rule::Backtest> for Backtest {
    fn from(tested: &rule::Backtest) -> Self {
        let example = |one: &rule::TestedAlert| Example {
            date: one.date.to_string(),
            influencer: one.influencer.to_string(),
            influencer_name: one.influencer_name.clone(),
            connection: one.connection.to_string(),
            platform: one.platform.clone(),
            metric: one.metric.as_str(),
            from: rounded(one.from, 6),
            to: rounded(one.to, 6),
            score: one.score.map(|score| rounded(score, 1)),
            why: one.why.clone(),
        };
        Self {
            rule: tested.rule.name.clone(),
            since: tested.since.to_string(),
            accounts: tested.accounts,
            days: tested.days,
            alerts: tested.alerts,
            alerted: tested.alerted,
            per_account_year: tested.per_account_and_year().map(|each| rounded(each, 3)),
            examples: tested.examples.iter().map(example).collect(),
        }
    }
}
