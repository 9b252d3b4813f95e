//! The requests: each account's profile, and then its posts and who follows it.

use super::discovery::{OwnAccounts, look_up};
use super::read::{FIELDS, LOGIN_FIELDS, PARTS, Profile, WITHOUT_INSIGHTS, Wrapped, unexpected};
use super::scopes::{ADS, BASIC, INSIGHTS, LOGIN_BASIC, LOGIN_INSIGHTS};
use super::{Instagram, Login, NAME, NO_APP, login};
use crate::http_client::Api;
use crate::oauth::Provider;
use crate::platforms::batch::{RequestsEach, Stop, each};
use crate::platforms::consenting::Access;
use crate::platforms::graph::{Graph, Owner, Refusals, Requests, SignIn};
use crate::platforms::reading::{add_engagement, add_whole_engagement, item};
use crate::platforms::{Account, Observation, Observed, PlatformError};

/// What insights report, for users.
const OF_INSIGHTS: &str = "views, shares, saves, reach, reposts, audience and figures of days";

/// What insights may need beside their permission.
pub(super) const ROLE: &str = "where the person's role on the Page was given in a business portfolio, the app needs \
                               ads_read as well: name it in scopes in [platforms.instagram] beside the others, then \
                               consent again";

pub(super) async fn observe(instagram: &Instagram, api: &Api, accounts: &[Account]) -> Observed {
    let stop = Stop::new(api);
    let (Some(requests), Some(app)) = (instagram.requests(api, &stop), &instagram.app) else {
        let error = || PlatformError::Unconfigured { what: NO_APP.to_owned() };
        return accounts.iter().map(|account| (account.connection, Err(error()))).collect();
    };
    let requests_insights = instagram.asks_for(insights_scope(instagram.login));
    let (sign_in, login, refusals) = (instagram.at_facebook(app), instagram.login, &instagram.refusals);
    let own = OwnAccounts::default();
    let batch = Batch { requests, sign_in, login, refusals, requests_insights, own };
    each(&batch, accounts).await
}

impl Instagram {
    /// `None` without an app, whose secret proves each token at Facebook's login.
    pub(super) fn requests<'a>(&'a self, api: &'a Api, stop: &'a Stop<'a>) -> Option<Requests<'a>> {
        let app = self.app.as_ref()?;
        let requests = SignIn { name: NAME, app, version: &self.version }.requests(api, stop);
        Some(match self.login {
            Login::Facebook => requests,
            Login::Instagram => Requests { host: login::HOST, app_secret: None, ..requests },
        })
    }
}

pub(super) struct Batch<'a> {
    requests: Requests<'a>,
    /// At Facebook's login.
    sign_in: SignIn<'a>,
    pub(super) login: Login,
    pub(super) refusals: &'a Refusals,
    requests_insights: bool,
    own: OwnAccounts,
}

impl RequestsEach for Batch<'_> {
    async fn one(&self, account: &Account) -> Result<Observation, PlatformError> {
        match (&account.access, self.login, &account.platform_user_id) {
            (None, _, _) => {
                let what = format!("{NAME} reports only what an account's owner allows: ask for consent");
                Err(PlatformError::Unauthorized { what })
            }
            (Some(access), Login::Facebook, None) => {
                look_up(self.sign_in, self.requests, &self.own, account, access).await
            }
            (Some(access), _, _) => self.own(account, access).await,
        }
    }
}

impl Batch<'_> {
    /// An account whose owner consented.
    async fn own(&self, account: &Account, access: &Access) -> Result<Observation, PlatformError> {
        // The Page's token outlives the person's, and ends only with the role on the Page.
        let graph = &self.requests.with(access.derived.as_ref().unwrap_or(&access.token));
        let mut observation = match self.login {
            Login::Facebook => by_facebook(graph, account).await.map_err(|error| lacking(error, access))?,
            Login::Instagram => by_instagram(graph, account).await?,
        };
        let insights = insights_scope(self.login);
        let mut more = Vec::new();
        if observation.numbers.posts != Some(0) {
            let owner = Owner::of(&observation.platform_user_id, &access.token);
            let posts = match self.posts(graph, access, owner).await {
                Ok(listed) => Ok(self.with_insights(graph, listed, access, owner, &mut more).await),
                Err(error) => Err(error),
            };
            match access.has(insights) {
                true => add_whole_engagement(&mut observation, posts, PARTS),
                false => add_engagement(&mut observation, posts),
            }
        }
        if !access.has(insights) {
            observation.definition = WITHOUT_INSIGHTS;
        }
        if !access.has(insights) && !self.requests_insights {
            // Not asked of the owner: nothing is missing.
        } else if !access.has(insights) {
            more.push(format!("{OF_INSIGHTS}: the owner did not allow {insights}"));
        } else if graph.is_tight() {
            more.push(format!("{OF_INSIGHTS}: the account's allowance at Meta is nearly used up"));
        } else {
            let id = observation.platform_user_id.clone();
            let owner = Owner::of(&id, &access.token);
            self.add_people(graph, owner, account.days_from, &mut observation, &mut more).await;
        }
        observation.missing.append(&mut more);
        Ok(observation)
    }
}

/// What is missing where what was requested is refused for want of a scope that was allowed.
fn lacking(error: PlatformError, access: &Access) -> PlatformError {
    match error {
        PlatformError::MissingScope { scope } if access.has(&scope) && !access.has(ADS) => {
            PlatformError::MissingScope { scope: ADS.to_owned() }
        }
        error => error,
    }
}

pub(super) fn insights_scope(login: Login) -> &'static str {
    match login {
        Login::Facebook => INSIGHTS,
        Login::Instagram => LOGIN_INSIGHTS,
    }
}

/// The account of this id.
async fn by_facebook(graph: &Graph<'_>, account: &Account) -> Result<Observation, PlatformError> {
    let id = account.platform_user_id.as_deref().unwrap_or_default();
    let request = graph.get("/{version}/{id}").part("id", id).query(&[("fields", FIELDS)]);
    let profile: Profile = graph.request(request, BASIC).await?;
    let id = profile.account_id()?;
    Ok(profile.observation(account, id))
}

/// The account whose owner's token it is.
async fn by_instagram(graph: &Graph<'_>, account: &Account) -> Result<Observation, PlatformError> {
    let profile = me(graph).await?;
    let id = profile.login_id()?;
    if account.platform_user_id.as_ref().is_some_and(|known| *known != id) {
        // That is no reason to end the consent: it is another account's.
        return Err(unexpected("the consent is of another account: ask this one's owner"));
    }
    Ok(profile.observation(account, id))
}

/// Whose token it is, at Instagram's login.
pub(super) async fn me(graph: &Graph<'_>) -> Result<Profile, PlatformError> {
    let request = graph.get("/{version}/me").query(&[("fields", LOGIN_FIELDS)]);
    let response = graph.response(request, LOGIN_BASIC).await?;
    match response.json::<Wrapped>().unwrap_or_default().data.first() {
        Some(text) => item(NAME, text),
        None => Ok(response.json()?),
    }
}
