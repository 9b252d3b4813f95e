//! The requests: each account's profile, its newest posts, each of them, and its audience.

use roster_protocol::metric::Metric;
use roster_protocol::time::Date;

use super::audience::{Demographics, FEWEST_FOLLOWERS, METRIC};
use super::read::{
    FIELDS, LOGIN_FIELDS, MEDIA_FIELDS, METRICS, PARTS, Profile, WITHOUT_INSIGHTS, Wrapped, add_reported, media,
    unexpected,
};
use super::scopes::{ADS, BASIC, INSIGHTS, LOGIN_BASIC, LOGIN_INSIGHTS};
use super::{Instagram, Login, NAME, NO_APP, login};
use crate::history::engagement::{NEWEST_POSTS, Post};
use crate::http_client::Api;
use crate::oauth::Provider;
use crate::platforms::batch::{RequestsEach, Stop, each};
use crate::platforms::consenting::Access;
use crate::platforms::graph::{Graph, List, Metrics, Owner, Refusals, Refused, Requests, SignIn};
use crate::platforms::reading::{Posts, add_engagement, add_whole_engagement, item};
use crate::platforms::{Account, Observation, Observed, PlatformError};

/// Pages may be short: at most so many are requested for twelve posts.
const MOST_PAGES: usize = 4;

/// What insights report, for users.
const OF_INSIGHTS: &str = "views, shares, saves, audience and figures of days";

/// What insights may need beside their permission.
const ROLE: &str = "where the person's role on the Page was given in a business portfolio, the app needs ads_read as \
                    well: name it in scopes in [platforms.instagram] beside the others, then consent again";

pub(super) async fn observe(instagram: &Instagram, api: &Api, accounts: &[Account]) -> Observed {
    let stop = Stop::new(api);
    let (Some(requests), Some(app)) = (instagram.requests(api, &stop), &instagram.app) else {
        let error = || PlatformError::Unconfigured { what: NO_APP.to_owned() };
        return accounts.iter().map(|account| (account.connection, Err(error()))).collect();
    };
    let requests_insights = instagram.asks_for(insights_scope(instagram.login));
    let (sign_in, login, refusals) = (instagram.at_facebook(app), instagram.login, &instagram.refusals);
    let batch = Batch { requests, sign_in, login, refusals, requests_insights };
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
    login: Login,
    pub(super) refusals: &'a Refusals,
    requests_insights: bool,
}

/// A post that is counted, with its id.
type Counted = Vec<(String, Post)>;

impl RequestsEach for Batch<'_> {
    async fn one(&self, account: &Account) -> Result<Observation, PlatformError> {
        match (&account.access, self.login, &account.platform_user_id) {
            (None, _, _) => {
                let what = format!("{NAME} reports only what an account's owner allows: ask for consent");
                Err(PlatformError::Unauthorized { what })
            }
            (Some(access), Login::Facebook, None) => {
                super::discovery::look_up(self.sign_in, self.requests, account, access).await
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
            let posts = self.posts(graph, &observation.platform_user_id).await;
            let posts = match posts {
                Ok((counted, unread)) => {
                    let owner = Owner::of(&observation.platform_user_id, &access.token);
                    Ok(self.with_insights(graph, counted, unread, access, owner, &mut more).await)
                }
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

    /// Adds who follows the account, and its figures of days where these are wanted.
    async fn add_people(
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

    /// The newest posts that count, and how many could not be read.
    async fn posts(&self, graph: &Graph<'_>, id: &str) -> Result<(Counted, usize), PlatformError> {
        let scope = match self.login {
            Login::Facebook => BASIC,
            Login::Instagram => LOGIN_BASIC,
        };
        let (mut counted, mut unread, mut after) = (Counted::new(), 0, None::<String>);
        for _ in 0..MOST_PAGES {
            let request = graph.get("/{version}/{id}/media").part("id", id);
            let request = request.query(&[("fields", MEDIA_FIELDS), ("limit", "25")]);
            let request = match &after {
                Some(cursor) => request.query(&[("after", cursor)]),
                None => request,
            };
            let list: List = graph.request(request, scope).await?;
            for text in &list.data {
                match media(text) {
                    Ok(Some((id, _))) if counted.iter().any(|(known, _)| *known == id) => {}
                    Ok(post) => counted.extend(post),
                    Err(_) => unread += 1,
                }
            }
            let next = list.next();
            if counted.len() >= NEWEST_POSTS || next.is_none() || next == after {
                break;
            }
            after = next;
        }
        Ok((counted, unread))
    }

    /// Adds what each of the newest posts reports of itself.
    async fn with_insights(
        &self,
        graph: &Graph<'_>,
        mut counted: Counted,
        unread: usize,
        access: &Access,
        owner: Owner<'_>,
        missing: &mut Vec<String>,
    ) -> Posts {
        let scope = insights_scope(self.login);
        let mut refused = Vec::new();
        counted.sort_by_key(|(_, post)| std::cmp::Reverse(post.at));
        counted.truncate(NEWEST_POSTS);
        if access.has(scope) && !graph.is_tight() {
            let ids: Vec<&str> = counted.iter().map(|(id, _)| id.as_str()).collect();
            let metrics = Metrics { names: METRICS, scope, role: ROLE, owner, refusals: self.refusals };
            let mut insights = graph.insights(&ids, metrics).await;
            for ((_, post), reported) in counted.iter_mut().zip(&insights.posts) {
                add_reported(post, reported);
            }
            missing.append(&mut insights.missing);
            refused.extend(insights.refused.contains(&"views").then_some(Metric::AvgViews));
        }
        Posts { posts: counted.into_iter().map(|(_, post)| post).collect(), unread, refused }
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

/// What is missing where what was requested is refused for want of a scope that was allowed.
fn lacking(error: PlatformError, access: &Access) -> PlatformError {
    match error {
        PlatformError::MissingScope { scope } if access.has(&scope) && !access.has(ADS) => {
            PlatformError::MissingScope { scope: ADS.to_owned() }
        }
        error => error,
    }
}

fn insights_scope(login: Login) -> &'static str {
    match login {
        Login::Facebook => INSIGHTS,
        Login::Instagram => LOGIN_INSIGHTS,
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
