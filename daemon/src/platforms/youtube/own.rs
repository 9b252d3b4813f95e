//! Requests with channel owners' consent: each channel alone, and its reports too.

use futures::{FutureExt, StreamExt, stream};
use roster_protocol::metric::Ratio;
use roster_protocol::reported::{Audience, Country, ReportedDay};
use roster_protocol::time::Date;

use super::SLUG;
use super::ask::{Batch, With};
use super::audience::{add_numbers, audience};
use super::countries::{MOST, countries, views};
use super::days::{days, metrics, wanted};
use super::lists::Lists;
use super::read::channel;
use super::refusal::{Credential, Refusal};
use super::report::{Report, period};
use super::scopes::{AUDIENCE, READ};
use crate::http_client::{Api, Response};
use crate::platforms::batch::{AT_ONCE, Stop};
use crate::platforms::consenting::{Access, Opened, OpenedAccount};
use crate::platforms::{Account, Limit, Observation, Observed, PlatformError};

const REPORTS: &str = "youtubeanalytics.googleapis.com";

/// Accounts without access are left out.
pub(super) async fn observe(api: &Api, lists: &Lists, accounts: &[&Account]) -> Observed {
    // What the Analytics API limits says nothing about the Data API, and the other way round.
    let owners = &Owners { api, lists, stop: Stop::new(api), reports: Stop::new(api) };
    let requested =
        accounts.iter().filter_map(|account| Some(owners.observe(account, account.access.as_ref()?).boxed()));
    let requested: Vec<_> = requested.collect();
    stream::iter(requested).buffer_unordered(AT_ONCE).concat().await
}

/// What a consent opens: the one channel that its owner chose.
pub(super) async fn opened(api: &Api, access: &Access) -> Result<Opened, PlatformError> {
    let list = Batch { api, with: With::Consent(access), stop: &Stop::new(api), lists: None }.own_channel().await?;
    let text = list.items.first().ok_or_else(|| PlatformError::AccountGone {
        what: "the Google account has no YouTube channel: begin again and choose the channel's own account".to_owned(),
    })?;
    let (reported, _) = channel(None, text)?;
    let account = OpenedAccount {
        platform_user_id: reported.platform_user_id.clone(),
        handle: reported.handle.clone(),
        name: reported.display_name.clone(),
        followers: reported.numbers.followers,
        derived: None,
    };
    let owner_name = reported.display_name.unwrap_or(reported.handle);
    Ok(Opened {
        owner_id: reported.platform_user_id,
        owner_name,
        scopes: None,
        data_ends_at: None,
        accounts: vec![account],
    })
}

struct Owners<'a> {
    api: &'a Api,
    lists: &'a Lists,
    stop: Stop<'a>,
    reports: Stop<'a>,
}

impl Owners<'_> {
    async fn observe(&self, account: &Account, access: &Access) -> Observed {
        let batch = Batch { api: self.api, with: With::Consent(access), stop: &self.stop, lists: Some(self.lists) };
        let mut observed = batch.observe(&[account]).await;
        // Without an id it is another owner's channel, looked up by handle.
        let own = account.platform_user_id.is_some() && (access.has(AUDIENCE) || access.has(READ));
        for observation in observed.iter_mut().filter(|_| own).filter_map(|(_, result)| result.as_mut().ok()) {
            self.add_reports(account.days_from, access, observation).await;
        }
        observed
    }

    /// A report that fails costs nothing else.
    async fn add_reports(&self, days_from: Option<Date>, access: &Access, observation: &mut Observation) {
        let mut missing = |what: &str, error: PlatformError| observation.missing.push(format!("{what}: {error}"));
        let mut audience = self.audience(access).await.map_err(|error| missing("audience", error)).ok();
        if let Some(from) = days_from {
            let (first, last) = wanted(from, self.api.now());
            let period = period(self.api.now());
            // From the first day of the audience at least: without all views there are no shares of them.
            let days = self.days(access, (first.min(period.0), last)).await;
            let days = days.map_err(|error| missing("figures of days", error)).ok();
            if let Some(audience) = &mut audience {
                let all = days.as_deref().and_then(|days| views(days, period));
                let countries = self.countries(access, all).await;
                audience.countries = countries.map_err(|error| missing("countries", error)).unwrap_or_default();
            }
            observation.days = days.map(|days| days.into_iter().filter(|day| day.date >= first).collect());
        }
        if let Some(audience) = audience.filter(|audience| !audience.is_empty()) {
            add_numbers(&audience, observation);
            observation.audience = Some(audience);
        }
    }

    async fn days(&self, access: &Access, of: (Date, Date)) -> Result<Vec<ReportedDay>, PlatformError> {
        let query = [("metrics", &*metrics()), ("dimensions", "day")];
        days(&self.report(access, of, &query).await?, of)
    }

    async fn countries(&self, access: &Access, all: Option<u64>) -> Result<Vec<(Country, Ratio)>, PlatformError> {
        let query = [("metrics", "views"), ("dimensions", "country"), ("sort", "-views"), ("maxResults", MOST)];
        countries(&self.report(access, period(self.api.now()), &query).await?, all)
    }

    async fn audience(&self, access: &Access) -> Result<Audience, PlatformError> {
        let query = [("metrics", "viewerPercentage"), ("dimensions", "ageGroup,gender"), ("sort", "-viewerPercentage")];
        audience(&self.report(access, period(self.api.now()), &query).await?)
    }

    /// The report of these days, the first and the last of them included.
    async fn report(
        &self,
        access: &Access,
        (first, last): (Date, Date),
        query: &[(&str, &str)],
    ) -> Result<Report, PlatformError> {
        let days = [("startDate", &*first.to_string()), ("endDate", &*last.to_string())];
        let request = self.api.get(REPORTS, "/v2/reports").query(&[("ids", "channel==MINE")]).query(&days).query(query);
        let sent = async {
            let response = request.bearer(&access.token).send().await?;
            if response.is_success() { Ok(response.json::<Report>()?) } else { Err(self.refusal(&response)) }
        };
        self.reports.unless_stopped_for_one(sent).await
    }

    fn refusal(&self, response: &Response) -> PlatformError {
        let refusal: Refusal = response.json().unwrap_or_default();
        if ["accessNotConfigured", "SERVICE_DISABLED"].iter().any(|reason| refusal.says(reason)) {
            let what = "switch on the YouTube Analytics API in the Google Cloud project of the app";
            return PlatformError::Unconfigured { what: what.to_owned() };
        }
        let meaning = refusal.meaning(Credential::Owner, response.status, self.api.now());
        match (meaning, response.status) {
            // No wait: that would hold back what the Data API still reports.
            (Some(PlatformError::RateLimited { .. }), _) | (None, 429) => {
                PlatformError::RateLimited { retry_after: None, of: Limit::Lane }
            }
            (Some(PlatformError::MissingScope { .. }), _) => PlatformError::MissingScope { scope: AUDIENCE.to_owned() },
            (_, 403) if refusal.says("forbidden") => {
                PlatformError::Unauthorized { what: "YouTube does not show it with this consent".to_owned() }
            }
            (Some(error), _) => error,
            (None, status) => PlatformError::Unavailable { what: format!("{SLUG} responded with {status}") },
        }
    }
}
