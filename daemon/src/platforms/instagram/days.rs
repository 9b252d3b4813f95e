//! An account's figures of days that are over: reach as a series, who followed and who left day by day. Requested once
//! a day.

use roster_protocol::reported::DayMetric;
use roster_protocol::time::Date;

use super::NAME;
use super::ask::Batch;
use super::follows::{BREAKDOWN, Follows, METRIC as FOLLOWS};
use crate::platforms::graph::{ByDay, Days, Graph, List, Owner, Refused, ZONE, newest_over, windows};
use crate::platforms::{Figure, Observation, PlatformError, Reports};

/// 30 are allowed from `since` to `until`. One less, because 30 days have an hour more when summer time ends in them.
const MOST_DAYS: i32 = 29;
/// As far back as Instagram keeps them: 90 days.
const MOST_REQUESTS: usize = 3;
/// Each day of follows is a request of its own.
const MOST_DAYS_OF_FOLLOWS: usize = 7;

const REACH: Figure = figure(DayMetric::Reach, "reach", "accounts that saw something of the account");

pub(super) const REPORTS: Reports = Reports {
    zone: ZONE,
    figures: &[
        figure(DayMetric::Gained, "follows_and_unfollows, FOLLOWER", "accounts that began to follow"),
        figure(DayMetric::Lost, "follows_and_unfollows, NON_FOLLOWER", "accounts that stopped following"),
        REACH,
    ],
    breaks: &[],
};

const fn figure(metric: DayMetric, source: &'static str, definition: &'static str) -> Figure {
    Figure { metric, source, definition, step: 1 }
}

/// What the requests for an account's days have in common.
struct Round<'a> {
    graph: &'a Graph<'a>,
    owner: Owner<'a>,
    scope: &'a str,
    by_day: ByDay,
    /// Those that were refused just now.
    refused: Vec<&'static str>,
}

impl Batch<'_> {
    /// Adds the days from `from` on to an observation, or why they are missing. `with_follows`: whether there are enough
    /// followers for Instagram to report who came and who left.
    pub(super) async fn add_days(
        &self,
        graph: &Graph<'_>,
        owner: Owner<'_>,
        scope: &str,
        (from, with_follows): (Date, bool),
        observation: &mut Observation,
        missing: &mut Vec<String>,
    ) {
        if graph.is_tight() {
            return missing.push("figures of days: the account's allowance at Meta is nearly used up".to_owned());
        }
        let mut round = Round { graph, owner, scope, by_day: ByDay::default(), refused: Vec::new() };
        let mut is_known = false;
        match self.reach(&mut round, from).await {
            Ok(is_read) => is_known |= is_read,
            // What is missing of older days then would never be requested again.
            Err(error) => return missing.push(format!("figures of days: {error}")),
        }
        if with_follows {
            match self.follows(&mut round, from).await {
                Ok(is_read) => is_known |= is_read,
                Err(error) => missing.push(format!("figures of days: gained and lost: {error}")),
            }
        }
        if !round.refused.is_empty() {
            missing.push(format!("figures of days: {NAME} refused {}", round.refused.join(", ")));
        }
        observation.days = is_known.then(|| round.by_day.into_days());
    }

    /// Reach, as far back as it is reported; `false` where the account refuses it.
    async fn reach(&self, round: &mut Round<'_>, from: Date) -> Result<bool, PlatformError> {
        let (now, name) = (round.graph.of.api.now(), REACH.source);
        if self.refusals.holds_account(round.owner, name, now) {
            return Ok(false);
        }
        for (index, days) in windows(from, newest_over(now), MOST_DAYS).take(MOST_REQUESTS).enumerate() {
            let reported = match round.request(name, days, ("metric_type", "time_series"), None).await {
                Ok(list) => round.by_day.add(NAME, &list, days, &[REACH])?,
                // Where the account's history begins.
                Err(refused) if index > 0 && refused.is_a_parameter() => 0,
                Err(refused) => return self.unless_of_the_name(round, name, refused).map(|()| false),
            };
            if reported == 0 {
                break;
            }
        }
        Ok(true)
    }

    /// Who followed and who left, of the newest days: they are reported a day later than the rest.
    async fn follows(&self, round: &mut Round<'_>, from: Date) -> Result<bool, PlatformError> {
        let now = round.graph.of.api.now();
        if self.refusals.holds_account(round.owner, FOLLOWS, now) {
            return Ok(false);
        }
        let newest = newest_over(now).plus_days(-1);
        for days in windows(from, newest, 1).take(MOST_DAYS_OF_FOLLOWS) {
            let by = Some(("breakdown", BREAKDOWN));
            let follows = match round.request(FOLLOWS, days, ("metric_type", "total_value"), by).await {
                Ok(list) => Follows::read(&list)?,
                Err(refused) => return self.unless_of_the_name(round, FOLLOWS, refused).map(|()| false),
            };
            for (metric, value) in [(DayMetric::Gained, follows.gained), (DayMetric::Lost, follows.lost)] {
                if let Some(value) = value {
                    round.by_day.set(days.last, metric, value);
                }
            }
        }
        Ok(true)
    }

    /// A refused name is not requested again for a day; other failures are errors.
    fn unless_of_the_name(
        &self,
        round: &mut Round<'_>,
        name: &'static str,
        refused: Refused,
    ) -> Result<(), PlatformError> {
        if !refused.is_a_metric() {
            return Err(refused.error);
        }
        self.refusals.note_account(round.owner, name, round.graph.of.api.now());
        round.refused.push(name);
        Ok(())
    }
}

impl Round<'_> {
    async fn request(
        &self,
        metric: &'static str,
        days: Days,
        kind: (&str, &str),
        by: Option<(&str, &str)>,
    ) -> Result<List, Refused> {
        let [since, until] = days.bounds();
        let request = self.graph.get("/{version}/{id}/insights").part("id", self.owner.account);
        let query = [("metric", metric), ("period", "day"), kind, ("since", &since), ("until", &until)];
        let query: Vec<_> = query.into_iter().chain(by).collect();
        self.graph.request(request.query(&query), self.scope).await
    }
}
