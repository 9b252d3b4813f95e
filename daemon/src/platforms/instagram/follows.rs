//! Who followed an account on a day and who left it, from its insights. Pure.

use serde::Deserialize;

use super::NAME;
use crate::platforms::PlatformError;
use crate::platforms::graph::List;
use crate::platforms::reading::{Items, count, item};

pub(super) const METRIC: &str = "follows_and_unfollows";
/// What it is broken down by: what an account is to the other one since then.
pub(super) const BREAKDOWN: &str = "follow_type";

/// What one response reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Follows {
    pub(super) gained: Option<u64>,
    pub(super) lost: Option<u64>,
}

#[derive(Deserialize)]
struct Metric {
    name: String,
    #[serde(default)]
    total_value: Total,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Total {
    breakdowns: Items,
}

/// Rows under keys, which are in any order.
#[derive(Deserialize)]
struct Breakdown {
    dimension_keys: Vec<String>,
    #[serde(default)]
    results: Items,
}

#[derive(Deserialize)]
struct Row {
    dimension_values: Vec<String>,
    #[serde(default, deserialize_with = "count")]
    value: Option<u64>,
}

impl Follows {
    /// What cannot be read costs itself; nothing was reported where there are no rows.
    ///
    /// # Errors
    /// When the metric cannot be read.
    pub(super) fn read(list: &List) -> Result<Self, PlatformError> {
        let mut follows = Self::default();
        for text in &list.data {
            let metric: Metric = item(NAME, text)?;
            let breakdowns = metric.total_value.breakdowns.iter().filter(|_| metric.name == METRIC);
            for breakdown in breakdowns.filter_map(|text| item::<Breakdown>(NAME, text).ok()) {
                follows.take(&breakdown);
            }
        }
        Ok(follows)
    }

    fn take(&mut self, breakdown: &Breakdown) {
        let Some(column) = breakdown.dimension_keys.iter().position(|key| key == BREAKDOWN) else { return };
        for row in breakdown.results.iter().filter_map(|text| item::<Row>(NAME, text).ok()) {
            // Whole words: one contains the other.
            match row.dimension_values.get(column).map(String::as_str) {
                Some("FOLLOWER") => self.gained = row.value.or(self.gained),
                Some("NON_FOLLOWER") => self.lost = row.value.or(self.lost),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_follow_now_are_gained_and_those_who_do_not_are_lost() {
        let check = |text: &str, gained: Option<u64>, lost: Option<u64>| {
            let read = Follows::read(&serde_json::from_str(text).expect(text));
            assert_eq!(read, Ok(Follows { gained, lost }), "{text}");
        };
        check(include_str!("fixtures/follows.json"), Some(42), Some(17));
        let by = |keys: &str, rows: &str| {
            let breakdown = format!(r#"{{"dimension_keys":[{keys}],"results":[{rows}]}}"#);
            format!(r#"{{"data":[{{"name":"follows_and_unfollows","total_value":{{"breakdowns":[7,{breakdown}]}}}}]}}"#)
        };
        let (gained, lost) = (
            r#"{"dimension_values":["X","FOLLOWER"],"value":5}"#,
            r#"{"dimension_values":["X","NON_FOLLOWER"],"value":-5}"#,
        );
        check(&by(r#""timeframe","follow_type""#, &format!("{gained},7,{lost}")), Some(5), None);
        check(&by(r#""timeframe","follow_type""#, lost), None, None);
        check(&by(r#""timeframe""#, gained), None, None);
        check(&by(r#""follow_type""#, r#"{"dimension_values":["FOLLOWERS"],"value":5},{"value":3}"#), None, None);
        for nothing in [
            r#"{"data":[]}"#,
            r#"{"data":[{"name":"follows_and_unfollows"}]}"#,
            r#"{"data":[{"name":"follows_and_unfollows","total_value":{}}]}"#,
            r#"{"data":[{"name":"follows_and_unfollows","total_value":{"value":3}}]}"#,
            &by(r#""follow_type""#, r#"{"dimension_values":["FOLLOWER"],"value":1}"#).replace("unfollows", "x"),
        ] {
            check(nothing, None, None);
        }
        let nonsense = serde_json::from_str(r#"{"data":[7]}"#).expect("a list");
        assert!(matches!(Follows::read(&nonsense), Err(PlatformError::Unexpected { .. })));
    }

    proptest::proptest! {
        #[test]
        fn any_response_is_read_without_panic(text in crate::platforms::tests::json()) {
            let metric = format!(r#"{{"name":"follows_and_unfollows","total_value":{{"breakdowns":[{text}]}}}}"#);
            for text in [text, metric] {
                if let Ok(list) = serde_json::from_str::<List>(&format!(r#"{{"data":[{text}]}}"#)) {
                    let _ = Follows::read(&list);
                }
            }
        }
    }
}
