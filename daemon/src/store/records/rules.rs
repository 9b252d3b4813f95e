//! Alert rules that users made.

use postcard::{from_bytes, to_extend};
use roster_protocol::ids::InfluencerId;
use roster_protocol::metric::Ratio;
use roster_protocol::rule::{Moved, Rule, Scope, Test};
use roster_protocol::time::Seconds;
use serde::{Deserialize, Serialize};

use super::codes::{DIRECTIONS, HAPPENINGS, METRICS, SEVERITIES, WINDOWS, code, variant};
use super::{Payload, Record};
use crate::store::tables::Records;

#[derive(Serialize, Deserialize)]
struct RuleRecord {
    enabled: bool,
    test: TestRecord,
    severity: u8,
    cooldown_s: u64,
    tags: Vec<String>,
    platforms: Vec<String>,
    influencers: Vec<[u8; 5]>,
    followers_min: Option<u64>,
    followers_max: Option<u64>,
}

/// Append, never reorder.
#[derive(Serialize, Deserialize)]
enum TestRecord {
    Moved { metric: u8, direction: u8, over: u8, share: Option<i64>, absolute: Option<f64>, unusual: Option<f64> },
    Crossed { metric: u8, direction: u8, levels: Vec<u64> },
    Happened { event: u8, intervals: u32 },
}

impl Record for Rule {
    const TABLE: Records = Records::Rules;

    fn key(&self) -> Vec<u8> {
        self.name.clone().into_bytes()
    }

    fn encode(&self, out: Vec<u8>) -> Payload {
        let Scope { tags, platforms, influencers, followers_min, followers_max } = &self.only;
        to_extend(
            &RuleRecord {
                enabled: self.enabled,
                test: TestRecord::from(&self.test),
                severity: code(SEVERITIES, self.severity),
                cooldown_s: self.cooldown.0,
                tags: tags.clone(),
                platforms: platforms.clone(),
                influencers: influencers.iter().map(|id| id.0).collect(),
                followers_min: *followers_min,
                followers_max: *followers_max,
            },
            out,
        )
    }

    fn decode(key: &[u8], payload: &[u8]) -> Option<Self> {
        let record: RuleRecord = from_bytes(payload).ok()?;
        Some(Rule {
            name: std::str::from_utf8(key).ok()?.to_owned(),
            enabled: record.enabled,
            test: record.test.read()?,
            severity: variant(SEVERITIES, record.severity)?,
            cooldown: Seconds(record.cooldown_s),
            only: Scope {
                tags: record.tags,
                platforms: record.platforms,
                influencers: record.influencers.into_iter().map(InfluencerId::from_bytes).collect(),
                followers_min: record.followers_min,
                followers_max: record.followers_max,
            },
        })
    }
}

impl From<&Test> for TestRecord {
    fn from(test: &Test) -> Self {
        match test {
            Test::Moved(moved) => TestRecord::Moved {
                metric: code(METRICS, moved.metric),
                direction: code(DIRECTIONS, moved.direction),
                over: code(WINDOWS, moved.over),
                share: moved.share.map(|share| share.0),
                absolute: moved.absolute,
                unusual: moved.unusual,
            },
            Test::Crossed { metric, direction, levels } => TestRecord::Crossed {
                metric: code(METRICS, *metric),
                direction: code(DIRECTIONS, *direction),
                levels: levels.clone(),
            },
            Test::Happened { event, intervals } => {
                TestRecord::Happened { event: code(HAPPENINGS, *event), intervals: *intervals }
            }
        }
    }
}

impl TestRecord {
    fn read(self) -> Option<Test> {
        Some(match self {
            TestRecord::Moved { metric, direction, over, share, absolute, unusual } => Test::Moved(Moved {
                metric: variant(METRICS, metric)?,
                direction: variant(DIRECTIONS, direction)?,
                over: variant(WINDOWS, over)?,
                share: share.map(Ratio),
                absolute,
                unusual,
            }),
            TestRecord::Crossed { metric, direction, levels } => {
                Test::Crossed { metric: variant(METRICS, metric)?, direction: variant(DIRECTIONS, direction)?, levels }
            }
            TestRecord::Happened { event, intervals } => {
                Test::Happened { event: variant(HAPPENINGS, event)?, intervals }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::rules::built_in;

    #[test]
    fn every_kind_of_rule_is_read_as_it_was_written() {
        for rule in built_in() {
            let only = Scope {
                tags: vec!["beauty".to_owned()],
                influencers: vec![InfluencerId::from_bytes([3; 5])],
                followers_min: Some(7),
                ..Scope::default()
            };
            let rule = Rule { only, enabled: false, ..rule };
            let payload = rule.encode(Vec::new()).expect("encoded");
            assert_eq!(Rule::decode(&rule.key(), &payload), Some(rule));
        }
    }
}
