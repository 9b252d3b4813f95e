//! Who follows an account: the requests. Countries are requested once a day, with the figures of days.

use roster_protocol::time::Date;

use super::ask::{Batch, insights_scope};
use super::audience::{Demographics, FEWEST_FOLLOWERS, METRIC};
use crate::platforms::graph::{Graph, List, Owner, Refused};
use crate::platforms::{Observation, PlatformError};

impl Batch<'_> {
    /// Adds who follows the account, and its figures of days where these are wanted.
    pub(super) async fn add_people(
        &self,
        graph: &Graph<'_>,
        owner: Owner<'_>,
        days_from: Option<Date>,
        observation: &mut Observation,
        missing: &mut Vec<String>,
    ) {
        let scope = insights_scope(self.login);
        let is_large = observation.numbers.followers.is_none_or(|followers| followers >= FEWEST_FOLLOWERS);
        if is_large {
            match self.audience(graph, owner, scope).await {
                Ok(mut audience) => {
                    if days_from.is_some()
                        && let Err(error) = self.add_countries(graph, owner, scope, &mut audience).await
                    {
                        missing.push(format!("countries: {error}"));
                    }
                    audience.add_to(observation);
                }
                Err(error) => missing.push(format!("audience: {error}")),
            }
        }
        if let Some(from) = days_from {
            self.add_days(graph, owner, scope, (from, is_large), observation, missing).await;
        }
    }

    /// Age and gender in one response, or one after the other where they are not reported together.
    async fn audience(&self, graph: &Graph<'_>, owner: Owner<'_>, scope: &str) -> Result<Demographics, PlatformError> {
        const TOGETHER: &str = "age,gender";
        let (mut audience, now, id) = (Demographics::default(), graph.of.api.now(), owner.account);
        if !self.refusals.holds_account(owner, TOGETHER, now) {
            match demographics(graph, id, TOGETHER, scope).await {
                Ok(list) => return audience.add(&list).map(|()| audience),
                Err(refused) if refused.is_a_parameter() => self.refusals.note_account(owner, TOGETHER, now),
                Err(refused) => return Err(refused.error),
            }
        }
        for axis in ["age", "gender"] {
            audience.add(&demographics(graph, id, axis, scope).await?)?;
        }
        Ok(audience)
    }

    /// Where those who follow the account live. Refused countries are not requested again for a day.
    async fn add_countries(
        &self,
        graph: &Graph<'_>,
        owner: Owner<'_>,
        scope: &str,
        audience: &mut Demographics,
    ) -> Result<(), PlatformError> {
        const COUNTRY: &str = "country";
        let now = graph.of.api.now();
        if self.refusals.holds_account(owner, COUNTRY, now) {
            return Ok(());
        }
        match demographics(graph, owner.account, COUNTRY, scope).await {
            Ok(list) => audience.add(&list),
            Err(refused) => {
                if refused.is_a_parameter() {
                    self.refusals.note_account(owner, COUNTRY, now);
                }
                Err(refused.error)
            }
        }
    }
}

async fn demographics(graph: &Graph<'_>, id: &str, breakdown: &str, scope: &str) -> Result<List, Refused> {
    let request = graph.get("/{version}/{id}/insights").part("id", id).query(&[
        ("metric", METRIC),
        ("period", "lifetime"),
        ("metric_type", "total_value"),
        ("timeframe", "this_month"),
        ("breakdown", breakdown),
    ]);
    graph.request(request, scope).await
}
