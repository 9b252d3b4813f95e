//! A Page's figures of days that are over, and where those who follow it live. Requested once a day.

use roster_protocol::metric::Ratio;
use roster_protocol::reported::{Audience, Country, DayMetric, ReportedDay};
use roster_protocol::time::Date;

use super::NAME;
use super::ask::{Batch, ROLE};
use super::countries::{METRIC as COUNTRIES, countries};
use super::scopes::INSIGHTS;
use crate::platforms::graph::{ByDay, Days, Graph, List, Owner, Refused, ZONE, newest_over, windows};
use crate::platforms::{Figure, Observation, PlatformError, Reports};

/// 90 are allowed from `since` to `until`. One less, because 90 days have an hour more when summer time ends in them.
const MOST_DAYS: i32 = 89;
/// As far back as Meta keeps them: two years.
const MOST_REQUESTS: usize = 8;

pub(super) const REPORTS: Reports = Reports { zone: ZONE, figures: FIGURES, breaks: &[] };

/// What is requested together.
const FIGURES: &[Figure] = &[
    figure(DayMetric::Followers, "page_follows", "those who follow the Page at the end of the day"),
    figure(DayMetric::Gained, "page_daily_follows_unique", "people who began to follow the Page"),
    figure(DayMetric::Lost, "page_daily_unfollows_unique", "people who stopped following the Page"),
    figure(
        DayMetric::Reach,
        "page_total_media_view_unique",
        "people who saw or played something of the Page, paid for or not",
    ),
    figure(
        DayMetric::Views,
        "page_media_view",
        "times that something of the Page was played or shown, paid for or not",
    ),
    figure(DayMetric::Engagements, "page_post_engagements", "reactions, comments, shares and clicks on posts"),
    figure(DayMetric::ProfileViews, "page_views_total", "times that the Page itself was visited"),
];

const fn figure(metric: DayMetric, source: &'static str, definition: &'static str) -> Figure {
    Figure { metric, source, definition, step: 1 }
}

impl Batch<'_> {
    /// Adds both to an observation, or why they are missing.
    pub(super) async fn add_days(
        &self,
        graph: &Graph<'_>,
        owner: Owner<'_>,
        from: Date,
        observation: &mut Observation,
        missing: &mut Vec<String>,
    ) {
        if graph.is_tight() {
            return missing.push("figures of days: the Page's allowance at Meta is nearly used up".to_owned());
        }
        let mut round = Round { graph, owner, names: self.open_names(graph, owner), refused: Vec::new() };
        match self.days(&mut round, from).await {
            Ok(days) => observation.days = days,
            Err(error) => return missing.push(format!("figures of days: {error}")),
        }
        if !round.refused.is_empty() {
            missing.push(format!("figures of days: {NAME} refused {}", round.refused.join(", ")));
        }
        match self.countries(graph, owner).await {
            Ok(countries) if countries.is_empty() => {}
            Ok(countries) => observation.audience = Some(Audience { countries, ..Audience::default() }),
            Err(error) => missing.push(format!("audience: {error}")),
        }
    }

    /// The names that the Page did not refuse lately.
    fn open_names(&self, graph: &Graph<'_>, owner: Owner<'_>) -> Vec<&'static str> {
        let now = graph.of.api.now();
        let is_held = |name: &str| self.facebook.refusals.holds_account(owner, name, now);
        FIGURES.iter().map(|figure| figure.source).filter(|name| !is_held(name)).collect()
    }

    /// The days from `from` on, as far back as they are reported; `None` where the Page refuses all names. A
    /// failure on the way back is the failure of all: what is missing then would never be requested again.
    async fn days(&self, round: &mut Round<'_>, from: Date) -> Result<Option<Vec<ReportedDay>>, PlatformError> {
        if round.names.is_empty() {
            return Ok(None);
        }
        let mut by_day = ByDay::default();
        let last = newest_over(round.graph.of.api.now());
        for (index, days) in windows(from, last, MOST_DAYS).take(MOST_REQUESTS).enumerate() {
            let reported = match index {
                0 => self.newest(round, days, &mut by_day).await?,
                _ => older(round, days, &mut by_day).await?,
            };
            if round.names.is_empty() {
                return Ok(None);
            }
            if reported == 0 {
                break;
            }
        }
        Ok(Some(by_day.into_days()))
    }

    /// Adds the newest days, and returns how many values there are. One refused name fails them all: then each is
    /// requested apart, and what is refused is left out for a day.
    async fn newest(&self, round: &mut Round<'_>, days: Days, by_day: &mut ByDay) -> Result<usize, PlatformError> {
        match round.series(&round.names, days).await {
            Ok(list) => return by_day.add(NAME, &list, days, FIGURES),
            Err(refused) if !is_of_a_name(&refused) => return Err(refused.error),
            Err(_) => {}
        }
        let (now, mut added) = (round.graph.of.api.now(), 0);
        let (mut denied, names) = (0, std::mem::take(&mut round.names));
        for name in names {
            match round.series(&[name], days).await {
                Ok(list) => {
                    added += by_day.add(NAME, &list, days, FIGURES)?;
                    round.names.push(name);
                }
                Err(refused) if is_of_a_name(&refused) => {
                    self.facebook.refusals.note_account(round.owner, name, now);
                    // So small Pages refuse some: that is no permission that is missing.
                    match refused.is_denied() {
                        true => denied += 1,
                        false => round.refused.push(name),
                    }
                }
                Err(refused) => return Err(refused.error),
            }
        }
        if round.names.is_empty() && denied > 0 {
            let what = format!("{NAME} says that a permission is missing, although {INSIGHTS} was allowed: {ROLE}");
            return Err(PlatformError::Unexpected { what });
        }
        Ok(added)
    }

    /// Shares of those who follow the Page; none where it refuses them, as many do.
    async fn countries(&self, graph: &Graph<'_>, owner: Owner<'_>) -> Result<Vec<(Country, Ratio)>, PlatformError> {
        let (now, refusals) = (graph.of.api.now(), &self.facebook.refusals);
        if refusals.holds_account(owner, COUNTRIES, now) {
            return Ok(Vec::new());
        }
        let request = graph.get("/{version}/{page}/insights").part("page", owner.account);
        let request = request.query(&[("metric", COUNTRIES), ("period", "lifetime")]);
        match graph.request::<List>(request, INSIGHTS).await {
            Ok(list) => countries(&list),
            Err(refused) if is_of_a_name(&refused) => {
                refusals.note_account(owner, COUNTRIES, now);
                Ok(Vec::new())
            }
            Err(refused) => Err(refused.error),
        }
    }
}

/// What the requests for a Page's days have in common.
struct Round<'a> {
    graph: &'a Graph<'a>,
    owner: Owner<'a>,
    /// Those that are requested.
    names: Vec<&'static str>,
    /// Those that were refused just now, as if they were unknown.
    refused: Vec<&'static str>,
}

impl Round<'_> {
    async fn series(&self, names: &[&'static str], days: Days) -> Result<List, Refused> {
        let [since, until] = days.bounds();
        let request = self.graph.get("/{version}/{page}/insights").part("page", self.owner.account);
        let names = names.join(",");
        let query = [("metric", &*names), ("period", "day"), ("since", &since), ("until", &until)];
        self.graph.request(request.query(&query), INSIGHTS).await
    }
}

/// As [`Batch::newest`] for the days before: a refusal is where the Page's history begins.
async fn older(round: &Round<'_>, days: Days, by_day: &mut ByDay) -> Result<usize, PlatformError> {
    match round.series(&round.names, days).await {
        Ok(list) => by_day.add(NAME, &list, days, FIGURES),
        Err(refused) if is_of_a_name(&refused) => Ok(0),
        Err(refused) => Err(refused.error),
    }
}

/// Whether a name or its days were refused, and not the Page or the app.
fn is_of_a_name(refused: &Refused) -> bool {
    refused.is_a_metric() || refused.is_denied()
}
