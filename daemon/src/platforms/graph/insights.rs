//! Metrics of posts: in the list of the posts, where that reports them, or of one post after the other. A refusal costs
//! what was refused: one metric of one post, or of one account. One that is refused in a list spoils the list.

use std::collections::BTreeMap;

use futures::{FutureExt, StreamExt, stream};
use parking_lot::Mutex;
use roster_protocol::time::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::ask::{Graph, List};
use super::refusals::{Owner, Refusals};
use super::round::{Asking, Round};
use crate::platforms::PlatformError;
use crate::platforms::batch::AT_ONCE;
use crate::platforms::reading::{count, item};

/// What is requested of each post.
#[derive(Clone, Copy)]
pub(in crate::platforms) struct Metrics<'a> {
    /// Each with its label for users.
    pub(in crate::platforms) names: &'a [(&'static str, &'static str)],
    /// What opens them.
    pub(in crate::platforms) scope: &'a str,
    /// What else may be needed when they are refused, in words.
    pub(in crate::platforms) role: &'a str,
    pub(in crate::platforms) owner: Owner<'a>,
    pub(in crate::platforms) refusals: &'a Refusals,
}

/// What is refused when a list does not report its posts' metrics.
const IN_LISTS: &str = "insights in lists";

impl Metrics<'_> {
    /// The field with which a list reports them of each of its posts; `None` where all of them were refused lately, or
    /// the list with them.
    pub(in crate::platforms) fn field(&self, now: Timestamp) -> Option<String> {
        let is_held = |name: &str| self.refusals.holds_account(self.owner, name, now);
        let open: Vec<&str> = self.names.iter().map(|(name, _)| *name).filter(|name| !is_held(name)).collect();
        (!open.is_empty() && !is_held(IN_LISTS)).then(|| format!("insights.metric({})", open.join(",")))
    }

    /// Notes that a list with them was refused, for whatever reason: then each post is requested.
    pub(in crate::platforms) fn note_unlisted(&self, now: Timestamp) {
        self.refusals.note_account(self.owner, IN_LISTS, now);
    }
}

/// What one post reported, by the metrics' names. A name is absent where the post has no value.
pub(in crate::platforms) type Reported = BTreeMap<String, u64>;

/// What the posts reported, and why some did not.
#[derive(Debug, Default)]
pub(in crate::platforms) struct Insights {
    /// In the order of the requested posts; those after a failure are absent.
    pub(in crate::platforms) posts: Vec<Reported>,
    /// In sentences.
    pub(in crate::platforms) missing: Vec<String>,
    /// The names that the account's posts refused.
    pub(in crate::platforms) refused: Vec<&'static str>,
    /// Whether all that was requested was refused for want of a permission.
    pub(in crate::platforms) is_denied: bool,
}

/// What came of one request.
enum Outcome {
    Reported(Reported),
    /// One of its metrics, or the only one.
    Refused,
    Denied,
    /// The post is gone.
    Nothing,
    /// The post is older than the professional account.
    Old,
    Failed(PlatformError),
}

#[derive(Deserialize)]
struct Metric {
    name: String,
    #[serde(default)]
    values: Vec<Value>,
    #[serde(default)]
    total_value: Value,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Value {
    value: Option<Box<RawValue>>,
}

impl Value {
    /// What is no count, such as a map, is unknown for this post and costs nothing else.
    fn count(&self) -> Option<u64> {
        #[derive(Deserialize)]
        struct Count(#[serde(deserialize_with = "count")] Option<u64>);

        serde_json::from_str::<Count>(self.value.as_ref()?.get()).ok()?.0
    }
}

impl Graph<'_> {
    /// The metrics of posts, each with what its list reported. Where that is nothing of any post, each is requested.
    pub(in crate::platforms) async fn insights_of(
        &self,
        posts: &[(&str, Option<&Reported>)],
        metrics: Metrics<'_>,
    ) -> Insights {
        let now = self.of.api.now();
        let listed: Vec<&Reported> = posts.iter().filter_map(|(_, listed)| *listed).collect();
        if listed.is_empty() {
            if !posts.is_empty() && metrics.field(now).is_some() {
                metrics.note_unlisted(now);
            }
            let posts: Vec<&str> = posts.iter().map(|(post, _)| *post).collect();
            return self.insights(&posts, metrics).await;
        }
        let has = |name: &str| listed.iter().any(|reported| reported.contains_key(name));
        let names = metrics.names.iter().map(|(name, _)| *name).filter(|name| has(name));
        names.for_each(|name| metrics.refusals.note_reported(name, now));
        // What was refused lately was not requested.
        let left_out = self.insights(&[], metrics).await;
        let posts = posts.iter().map(|(_, listed)| listed.cloned().unwrap_or_default()).collect();
        Insights { posts, ..left_out }
    }

    /// Requests the metrics of each post: one after the other until each metric was answered for or given up, then a
    /// few at once.
    pub(super) async fn insights(&self, posts: &[&str], metrics: Metrics<'_>) -> Insights {
        let now = self.of.api.now();
        let Metrics { owner, refusals, .. } = metrics;
        let round = Mutex::new(Round::new(&metrics, |name| refusals.holds_account(owner, name, now)));
        let mut reported = Vec::with_capacity(posts.len());
        for post in posts {
            let is_next = {
                let round = round.lock();
                round.is_probing() && !round.is_over()
            };
            if !is_next {
                break;
            }
            reported.push(self.of_post(post, metrics, &round).await);
        }
        let rest: Vec<_> =
            posts[reported.len()..].iter().map(|post| self.of_post(post, metrics, &round).boxed()).collect();
        reported.extend(stream::iter(rest).buffered(AT_ONCE).collect::<Vec<_>>().await);
        let round = round.into_inner();
        round.refused_by_all().for_each(|name| refusals.note_account(owner, name, now));
        let (refused, is_denied) = (round.refused_lately(&metrics).collect(), round.is_denied());
        let missing = round.missing(self.of.name, &metrics, |name| refusals.is_withdrawn(name, now));
        Insights { posts: reported, missing, refused, is_denied }
    }

    async fn of_post(&self, post: &str, metrics: Metrics<'_>, round: &Mutex<Round>) -> Reported {
        let (together, mut apart) = self.asked_of(post, metrics, &mut round.lock());
        let mut reported = Reported::new();
        if !together.is_empty() {
            match self.metrics(post, &together, metrics.scope).await {
                Outcome::Refused if together.len() > 1 => apart.splice(..0, together).for_each(drop),
                outcome => self.take(outcome, post, &together, metrics, &mut round.lock(), &mut reported),
            }
        }
        for name in apart {
            if !round.lock().may_ask_apart() {
                break;
            }
            let outcome = match self.metrics(post, &[name], metrics.scope).await {
                // Others of the post's metrics may still be allowed.
                Outcome::Denied => Outcome::Refused,
                outcome => outcome,
            };
            self.take(outcome, post, &[name], metrics, &mut round.lock(), &mut reported);
        }
        reported
    }

    /// The names that are requested of a post: together, and each apart.
    fn asked_of(&self, post: &str, metrics: Metrics<'_>, round: &mut Round) -> (Vec<&'static str>, Vec<&'static str>) {
        let (mut together, mut apart) = (Vec::new(), Vec::new());
        let now = self.of.api.now();
        if round.is_over() || metrics.refusals.is_old(metrics.owner, post, now) {
            return (together, apart);
        }
        for (name, _) in metrics.names {
            let held = metrics.refusals.holds_post(metrics.owner, post, name, now);
            match round.asks_for(name, held) {
                Some(Asking::Together) => together.push(*name),
                Some(Asking::Apart) => apart.push(*name),
                None => {}
            }
        }
        if !together.is_empty() || !apart.is_empty() {
            round.begin_post();
        }
        (together, apart)
    }

    /// Notes what came of a request for these names.
    fn take(
        &self,
        outcome: Outcome,
        post: &str,
        names: &[&'static str],
        metrics: Metrics<'_>,
        round: &mut Round,
        reported: &mut Reported,
    ) {
        let (now, Metrics { owner, refusals, .. }) = (self.of.api.now(), metrics);
        match outcome {
            Outcome::Reported(values) => {
                round.answered(names);
                let has = |name: &&&'static str| values.contains_key(**name);
                names.iter().filter(has).for_each(|name| refusals.note_reported(name, now));
                reported.extend(values);
            }
            Outcome::Refused => {
                for name in names {
                    round.refused(name);
                    refusals.note_post(owner, post, name, now);
                }
            }
            Outcome::Denied => round.denied(),
            Outcome::Old => refusals.note_old(owner, post, now),
            Outcome::Nothing => {}
            Outcome::Failed(error) => round.failed(error),
        }
    }

    async fn metrics(&self, post: &str, names: &[&'static str], scope: &str) -> Outcome {
        let request = self.get("/{version}/{post}/insights").part("post", post);
        let request = request.query(&[("metric", &names.join(",")), ("period", "lifetime")]);
        match self.request::<List>(request, scope).await {
            Ok(list) => match list.data.iter().map(|text| metric(self.of.name, text)).collect::<Result<Vec<_>, _>>() {
                Ok(reported) => Outcome::Reported(reported.into_iter().flatten().collect()),
                Err(error) => Outcome::Failed(error),
            },
            Err(refused) if refused.is_denied() => Outcome::Denied,
            Err(refused) if refused.is_from_before() => Outcome::Old,
            Err(refused) if refused.is_a_metric() => Outcome::Refused,
            Err(refused) if refused.has_code(100) => Outcome::Nothing,
            Err(refused) => Outcome::Failed(refused.error),
        }
    }
}

/// What a post in a list reports of its metrics; `None` where it reports nothing that can be read.
pub(in crate::platforms) fn listed(platform: &str, text: &RawValue) -> Option<Reported> {
    #[derive(Deserialize)]
    struct Post {
        insights: Option<List>,
    }

    let list = item::<Post>(platform, text).ok()?.insights?;
    let metrics = list.data.iter().map(|text| metric(platform, text).ok());
    Some(metrics.collect::<Option<Vec<_>>>()?.into_iter().flatten().collect())
}

/// A metric's name and its newest value; `None` where it has none.
fn metric(name: &str, text: &RawValue) -> Result<Option<(String, u64)>, PlatformError> {
    let metric: Metric = item(name, text)?;
    let value = metric.values.last().unwrap_or(&metric.total_value).count();
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
        check(r#"{"name":"views","total_value":{"value":7}}"#, Some(Some(7)));
        check(r#"{"name":"views","values":[{}]}"#, Some(None));
        check(r#"{"name":"views","values":[]}"#, Some(None));
        check(r#"{"name":"views","total_value":{}}"#, Some(None));
        check(r#"{"name":"views","values":[{"value":-1}]}"#, Some(None));
        check(r#"{"name":"views","values":[{"value":{"a":1}}]}"#, Some(None));
        check("{}", None);
    }

    #[test]
    fn a_post_in_a_list_reports_its_metrics_or_none() {
        let check = |text: &str, expected: Option<&[(&str, u64)]>| {
            let raw = RawValue::from_string(text.to_owned()).expect("JSON");
            let expected: Option<Reported> =
                expected.map(|metrics| metrics.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect());
            assert_eq!(listed("Instagram", &raw), expected, "{text}");
        };
        check(
            r#"{"id":"1","insights":{"data":[{"name":"views","values":[{"value":9}]},{"name":"saved","values":[{}]}]}}"#,
            Some(&[("views", 9)]),
        );
        check(r#"{"id":"1","insights":{"data":[]}}"#, Some(&[]));
        for nothing in ["{}", "7", r#"{"insights":null}"#, r#"{"insights":7}"#, r#"{"insights":{"data":[7]}}"#] {
            check(nothing, None);
        }
    }
}
