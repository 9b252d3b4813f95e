//! One round of requests for the metrics of an account's newest posts: what was reported and what was refused so far,
//! and what that means in sentences. Pure.

use std::collections::BTreeMap;

use super::insights::Metrics;
use crate::platforms::PlatformError;

/// So many posts are requested one after the other while nothing is known; and when so many refuse a metric and none
/// reports it, the account is not requested for it for a while.
const FEW_POSTS: usize = 3;

/// The most requests of a round beyond one for each post: for metrics apart, after they were refused together. That is
/// eight posts with five metrics each.
const MOST_APART: usize = 40;

/// What a round has found out so far.
#[derive(Debug)]
pub(super) struct Round {
    names: BTreeMap<&'static str, Tally>,
    /// Posts that were requested.
    posts: usize,
    /// Those that refused all metrics for want of a permission.
    denied: usize,
    /// Requests for metrics apart that are left.
    apart: usize,
    failed: Option<PlatformError>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    /// Posts that reported it, or answered without a value.
    answered: usize,
    refused: usize,
    /// Posts that refused it lately, and were not requested for it.
    held: usize,
    /// Whether all posts of the account refused it lately, and none was requested for it.
    is_left_out: bool,
}

impl Tally {
    /// Whether it was refused, and reported by no post: then it may be the post, the account or the metric.
    fn is_doubtful(self) -> bool {
        self.answered == 0 && self.refused + self.held > 0
    }
}

/// How a metric is requested of a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asking {
    Together,
    /// It may be refused, and would spoil the others.
    Apart,
}

impl Round {
    /// `left_out`: whether all posts of the account refused a name lately.
    pub(super) fn new(metrics: &Metrics<'_>, left_out: impl Fn(&str) -> bool) -> Self {
        let tally = |name: &'static str| (name, Tally { is_left_out: left_out(name), ..Tally::default() });
        let names = metrics.names.iter().map(|(name, _)| tally(name)).collect();
        Self { names, posts: 0, denied: 0, apart: MOST_APART, failed: None }
    }

    /// Whether posts are requested one after the other: until each name was answered for, by one of the first few.
    pub(super) fn is_probing(&self) -> bool {
        let is_open = self.has_no_answer() || self.names.values().any(|tally| tally.is_doubtful());
        self.posts < FEW_POSTS && is_open
    }

    /// Whether no more posts are requested.
    pub(super) fn is_over(&self) -> bool {
        let is_denied = self.denied >= FEW_POSTS && self.has_no_answer();
        self.failed.is_some() || is_denied || self.names.values().all(|tally| tally.is_left_out)
    }

    /// Whether all that was requested was refused for want of a permission.
    pub(super) fn is_denied(&self) -> bool {
        self.denied > 0 && self.has_no_answer()
    }

    fn has_no_answer(&self) -> bool {
        self.names.values().all(|tally| tally.answered == 0)
    }

    /// How a name is requested of a post; `None`: not at all. `held`: whether the post refused it lately.
    pub(super) fn asks_for(&mut self, name: &'static str, held: bool) -> Option<Asking> {
        let tally = self.names.entry(name).or_default();
        match (tally.is_left_out, held) {
            (true, _) => None,
            (false, true) => {
                tally.held += 1;
                None
            }
            (false, false) if tally.is_doubtful() => Some(Asking::Apart),
            (false, false) => Some(Asking::Together),
        }
    }

    /// Takes one of the requests for a metric apart; `false` when all were used.
    pub(super) fn may_ask_apart(&mut self) -> bool {
        let is_left = self.apart > 0 && !self.is_over();
        self.apart = self.apart.saturating_sub(1);
        is_left
    }

    pub(super) fn begin_post(&mut self) {
        self.posts += 1;
    }

    pub(super) fn answered(&mut self, names: &[&'static str]) {
        names.iter().for_each(|name| self.names.entry(name).or_default().answered += 1);
    }

    pub(super) fn refused(&mut self, name: &'static str) {
        self.names.entry(name).or_default().refused += 1;
    }

    pub(super) fn denied(&mut self) {
        self.denied += 1;
    }

    pub(super) fn failed(&mut self, error: PlatformError) {
        self.failed.get_or_insert(error);
    }

    /// The names that no post reported and enough refused just now to say so of the account.
    pub(super) fn refused_by_all(&self) -> impl Iterator<Item = &'static str> {
        let found = self.names.iter().filter(|(_, tally)| tally.answered == 0 && tally.refused >= FEW_POSTS);
        found.map(|(name, _)| *name)
    }

    /// The names that the account's posts refuse, or refused lately.
    pub(super) fn refused_lately(&self, metrics: &Metrics<'_>) -> impl Iterator<Item = &'static str> {
        let tally = |name: &str| self.names.get(name).copied().unwrap_or_default();
        let names = metrics.names.iter().map(|(name, _)| *name);
        names.filter(move |name| tally(name).is_left_out || tally(name).is_doubtful())
    }

    /// What the account does not report, in sentences. A post that refuses what others report is no news.
    pub(super) fn missing(
        self,
        platform: &str,
        metrics: &Metrics<'_>,
        is_withdrawn: impl Fn(&str) -> bool,
    ) -> Vec<String> {
        let all = metrics.names.iter().map(|(_, label)| *label).collect::<Vec<_>>().join(", ");
        let (scope, role) = (metrics.scope, metrics.role);
        let mut missing: Vec<String> = self.failed.iter().map(|error| format!("{all}: {error}")).collect();
        if self.denied > 0 {
            let posts = if self.has_no_answer() { String::new() } else { format!(" for {} posts", self.denied) };
            missing.push(format!(
                "{all}: {platform} says that a permission is missing{posts}, although {scope} was allowed: {role}"
            ));
        }
        let refused: Vec<&str> = self.refused_lately(metrics).collect();
        for (name, label) in metrics.names.iter().filter(|(name, _)| refused.contains(name)) {
            missing.push(match is_withdrawn(name) {
                true => format!("{label}: {platform} does not report {name} of posts any more"),
                false => {
                    format!("{label}: {platform} refused {name} for each post, as if a permission is missing: {role}")
                }
            });
        }
        missing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platforms::graph::{Owner, Refusals};

    fn metrics(refusals: &Refusals) -> Metrics<'_> {
        let names = &[("views", "views"), ("saved", "saves")];
        let owner = Owner { account: "a", person: 1 };
        Metrics { names, scope: "insights", role: "look at the role", owner, refusals }
    }

    #[test]
    fn a_name_that_was_refused_is_requested_apart_until_a_post_reports_it() {
        let refusals = Refusals::default();
        let mut round = Round::new(&metrics(&refusals), |_| false);
        assert_eq!(round.asks_for("views", false), Some(Asking::Together));
        round.refused("views");
        round.answered(&["saved"]);
        assert_eq!(
            (round.asks_for("views", false), round.asks_for("saved", false)),
            (Some(Asking::Apart), Some(Asking::Together))
        );
        assert_eq!(round.asks_for("views", true), None, "this post refused it before");
        round.answered(&["views"]);
        assert_eq!(round.asks_for("views", false), Some(Asking::Together));
        assert_eq!(round.refused_by_all().count(), 0);
        assert!(round.missing("X", &metrics(&refusals), |_| true).is_empty());
    }

    #[test]
    fn requests_for_metrics_apart_are_bounded() {
        let refusals = Refusals::default();
        let mut round = Round::new(&metrics(&refusals), |_| false);
        assert_eq!((0..100).filter(|_| round.may_ask_apart()).count(), MOST_APART);
    }

    #[test]
    fn sentences_say_what_is_known_of_the_reason() {
        let refusals = Refusals::default();
        let metrics = metrics(&refusals);
        let check = |fill: &dyn Fn(&mut Round), is_withdrawn: bool, expected: &[&str]| {
            let mut round = Round::new(&metrics, |_| false);
            fill(&mut round);
            assert_eq!(round.missing("X", &metrics, |_| is_withdrawn), expected);
        };
        check(&|round| round.answered(&["views", "saved"]), false, &[]);
        let refused = |round: &mut Round| {
            (0..3).for_each(|_| round.refused("views"));
            round.answered(&["saved"]);
            assert_eq!(round.refused_by_all().collect::<Vec<_>>(), ["views"]);
        };
        check(
            &refused,
            false,
            &["views: X refused views for each post, as if a permission is missing: look at the role"],
        );
        check(&refused, true, &["views: X does not report views of posts any more"]);
        let denied =
            "views, saves: X says that a permission is missing, although insights was allowed: look at the role";
        check(&|round| (0..3).for_each(|_| round.denied()), false, &[denied]);
        let some = "views, saves: X says that a permission is missing for 1 posts, although insights was allowed: look at the role";
        check(
            &|round| {
                round.denied();
                round.answered(&["views", "saved"]);
            },
            false,
            &[some],
        );
    }
}
