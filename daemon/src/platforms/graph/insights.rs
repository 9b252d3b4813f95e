//! Metrics of one post after the other. One name that is refused costs itself only.

use std::collections::BTreeMap;

use futures::{FutureExt, StreamExt, stream};
use parking_lot::Mutex;
use roster_protocol::time::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::ask::{Graph, List};
use crate::platforms::PlatformError;
use crate::platforms::batch::AT_ONCE;
use crate::platforms::reading::{count, item};

/// Metrics can return: after a day a refused name is requested again.
const REFUSED_FOR_S: i64 = 24 * 3600;

/// When a metric is requested alone, its refusal may be of the name or of the post: when at least so many posts refuse
/// it and none reports it, it is the name.
const FEW_POSTS: usize = 3;

/// The metrics whose names were refused within the last day. Lives as long as the process.
#[derive(Default)]
pub(in crate::platforms) struct Withdrawn(Mutex<BTreeMap<&'static str, Timestamp>>);

impl Withdrawn {
    pub(in crate::platforms) fn note(&self, name: &'static str, now: Timestamp) {
        self.0.lock().insert(name, now);
    }

    pub(in crate::platforms) fn holds(&self, name: &str, now: Timestamp) -> bool {
        let refused = self.0.lock().get(name).copied();
        refused.is_some_and(|at| (0..REFUSED_FOR_S * 1000).contains(&now.since(at)))
    }
}

/// What is requested of each post.
#[derive(Clone, Copy)]
pub(in crate::platforms) struct Metrics<'a> {
    pub(in crate::platforms) names: &'a [&'static str],
    /// What opens them.
    pub(in crate::platforms) scope: &'a str,
    pub(in crate::platforms) withdrawn: &'a Withdrawn,
}

/// What one post reported, by the metrics' names. A name is absent where the post has no value.
pub(in crate::platforms) type Reported = BTreeMap<String, u64>;

/// What the posts reported, and the first reason why some did not.
#[derive(Debug, Default)]
pub(in crate::platforms) struct Insights {
    /// In the order of the requested posts.
    pub(in crate::platforms) posts: Vec<Reported>,
    pub(in crate::platforms) failed: Option<PlatformError>,
}

/// One post's metrics.
#[derive(Default)]
struct OfPost {
    reported: Reported,
    refused: Vec<&'static str>,
    failed: Option<PlatformError>,
}

#[derive(Deserialize)]
struct Metric {
    name: String,
    #[serde(default)]
    values: Vec<Value>,
}

#[derive(Deserialize)]
struct Value {
    #[serde(default, deserialize_with = "count")]
    value: Option<u64>,
}

impl Graph<'_> {
    /// Requests the metrics of each post; of the first one alone, so that a refused name is refused once.
    pub(in crate::platforms) async fn insights(&self, posts: &[&str], metrics: Metrics<'_>) -> Insights {
        let Some((first, rest)) = posts.split_first() else { return Insights::default() };
        let mut reported = vec![self.of_post(first, metrics).await];
        if reported[0].failed.is_none() {
            let requested: Vec<_> = rest.iter().map(|post| self.of_post(post, metrics).boxed()).collect();
            reported.extend(stream::iter(requested).buffered(AT_ONCE).collect::<Vec<_>>().await);
        }
        if let [alone] = metrics.names
            && reported.len() >= FEW_POSTS
            && reported.iter().all(|post| post.refused == [*alone])
        {
            metrics.withdrawn.note(alone, self.of.api.now());
        }
        let mut insights = Insights::default();
        for post in reported {
            insights.failed = insights.failed.or(post.failed);
            insights.posts.push(post.reported);
        }
        insights
    }

    async fn of_post(&self, post: &str, metrics: Metrics<'_>) -> OfPost {
        let now = self.of.api.now();
        let names = metrics.names.iter().copied().filter(|name| !metrics.withdrawn.holds(name, now));
        let names: Vec<&'static str> = names.collect();
        let mut all = self.metrics(post, &names, metrics.scope).await;
        if all.refused.len() < 2 {
            return all;
        }
        all.refused.clear();
        for name in names {
            let one = self.metrics(post, &[name], metrics.scope).await;
            all.reported.extend(one.reported);
            all.refused.extend(one.refused);
            all.failed = all.failed.or(one.failed);
            if all.failed.is_some() {
                break;
            }
        }
        // Where the post reported other metrics, it is the name that was refused.
        if !all.reported.is_empty() {
            all.refused.iter().for_each(|name| metrics.withdrawn.note(name, now));
        }
        all
    }

    async fn metrics(&self, post: &str, names: &[&'static str], scope: &str) -> OfPost {
        if names.is_empty() {
            return OfPost::default();
        }
        let request = self.get("/{version}/{post}/insights").part("post", post);
        let request = request.query(&[("metric", &names.join(",")), ("period", "lifetime")]);
        match self.request::<List>(request, scope).await {
            Ok(list) => match list.data.iter().map(|text| metric(self.of.name, text)).collect::<Result<Vec<_>, _>>() {
                Ok(reported) => OfPost { reported: reported.into_iter().flatten().collect(), ..OfPost::default() },
                Err(error) => OfPost { failed: Some(error), ..OfPost::default() },
            },
            // Too few have seen it.
            Err(refused) if refused.has_code(10) => OfPost::default(),
            Err(refused) if refused.is_a_parameter() => OfPost { refused: names.to_vec(), ..OfPost::default() },
            // The post is gone, or never had insights.
            Err(refused) if refused.has_code(100) => OfPost::default(),
            Err(refused) => OfPost { failed: Some(refused.error), ..OfPost::default() },
        }
    }
}

/// A metric's name and its newest value; `None` where it has none.
fn metric(name: &str, text: &RawValue) -> Result<Option<(String, u64)>, PlatformError> {
    let metric: Metric = item(name, text)?;
    let value = metric.values.last().and_then(|value| value.value);
    Ok(value.map(|value| (metric.name, value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_value_is_not_reported() {
        let check = |text: &str, expected: Option<Option<u64>>| {
            let raw = RawValue::from_string(text.to_owned()).expect("JSON");
            let reported = metric("Instagram", &raw).ok().map(|reported| reported.map(|(_, value)| value));
            assert_eq!(reported, expected, "{text}");
        };
        check(r#"{"name":"views","period":"lifetime","values":[{"value":123}]}"#, Some(Some(123)));
        check(r#"{"name":"views","values":[{"value":1,"end_time":"x"},{"value":2}]}"#, Some(Some(2)));
        check(r#"{"name":"views","values":[{}]}"#, Some(None));
        check(r#"{"name":"views","values":[]}"#, Some(None));
        check(r#"{"name":"views","total_value":{}}"#, Some(None));
        check(r#"{"name":"views","values":[{"value":-1}]}"#, Some(None));
        check(r#"{"name":"views","values":[{"value":{"a":1}}]}"#, Some(None));
        check("{}", None);
    }

    #[test]
    fn refused_names_are_requested_again_after_a_day() {
        let (withdrawn, now) = (Withdrawn::default(), Timestamp(1_000_000));
        assert!(!withdrawn.holds("views", now));
        withdrawn.note("views", now);
        assert!(withdrawn.holds("views", now.plus_seconds(86_399)) && !withdrawn.holds("saved", now));
        assert!(!withdrawn.holds("views", now.plus_seconds(86_400)));
    }
}
