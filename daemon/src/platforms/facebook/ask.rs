//! The requests: each Page's profile, its newest posts, and their views.

use roster_protocol::metric::Metric;

use super::read::{FIELDS, METRICS, PARTS, POST_FIELDS, POST_FIELDS_WITH_SUMS, PageToken, Profile, add_reported, post};
use super::scopes::{ENGAGEMENT, INSIGHTS, USER_CONTENT};
use super::{Facebook, NAME, NO_APP};
use crate::history::engagement::{NEWEST_POSTS, Post};
use crate::http_client::Api;
use crate::oauth::Provider;
use crate::platforms::batch::{RequestsEach, Stop, each};
use crate::platforms::consenting::Access;
use crate::platforms::graph::{Graph, List, Metrics, Owner, Refused, Requests, SignIn};
use crate::platforms::reading::{Posts, add_whole_engagement};
use crate::platforms::{Account, Observation, Observed, PlatformError};
use crate::secret::Secret;

/// Some more than are counted; the second number is requested where the first was too much.
const POSTS: [&str; 2] = ["25", "12"];

/// What insights need beside their permission.
pub(super) const ROLE: &str = "the person who consented needs the task ANALYZE on the Page, and the app Meta's approval of \
                    read_insights; then consent again";

pub(super) async fn observe(facebook: &Facebook, api: &Api, accounts: &[Account]) -> Observed {
    let stop = Stop::new(api);
    let Some(app) = &facebook.app else {
        let error = || PlatformError::Unconfigured { what: NO_APP.to_owned() };
        return accounts.iter().map(|account| (account.connection, Err(error()))).collect();
    };
    let requests = SignIn { name: NAME, app, version: &facebook.version }.requests(api, &stop);
    let batch = Batch { requests, facebook };
    each(&batch, accounts).await
}

pub(super) struct Batch<'a> {
    requests: Requests<'a>,
    pub(super) facebook: &'a Facebook,
}

impl RequestsEach for Batch<'_> {
    async fn one(&self, account: &Account) -> Result<Observation, PlatformError> {
        match &account.access {
            Some(access) => self.page(account, access).await,
            None => {
                let what = format!("{NAME} reports only what a Page's people allow: ask for consent");
                Err(PlatformError::Unauthorized { what })
            }
        }
    }
}

impl Batch<'_> {
    async fn page(&self, account: &Account, access: &Access) -> Result<Observation, PlatformError> {
        let page = account.platform_user_id.as_deref().unwrap_or(&account.handle);
        let fetched;
        let token = match &access.derived {
            Some(token) => token.as_ref(),
            None => {
                fetched = self.token_of(page, access).await?;
                &fetched
            }
        };
        let graph = &self.requests.with(token);
        let request = graph.get("/{version}/{page}").part("page", page).query(&[("fields", FIELDS)]);
        let profile: Profile = graph.request(request, ENGAGEMENT).await?;
        let mut observation = profile.observation(account)?;
        let mut more = Vec::new();
        let posts = self.posts(graph, &observation.platform_user_id, access, &mut more).await;
        let posts = match posts {
            Ok((counted, unread)) => {
                let owner = Owner::of(&observation.platform_user_id, &access.token);
                Ok(self.with_views(graph, counted, unread, access, owner, &mut more).await)
            }
            Err(refused) => Err(refused.error),
        };
        add_whole_engagement(&mut observation, posts, PARTS);
        if let Some(from) = account.days_from.filter(|_| access.has(INSIGHTS)) {
            let id = observation.platform_user_id.clone();
            let owner = Owner::of(&id, &access.token);
            self.add_days(graph, owner, from, &mut observation, &mut more).await;
        }
        observation.missing.append(&mut more);
        Ok(observation)
    }

    /// The newest posts, and how many could not be read; without sums where these are refused.
    async fn posts(
        &self,
        graph: &Graph<'_>,
        page: &str,
        access: &Access,
        missing: &mut Vec<String>,
    ) -> Result<Listed, Refused> {
        if !access.has(USER_CONTENT) {
            if self.facebook.asks_for(USER_CONTENT) {
                missing.push(format!("reactions and comments: the owner did not allow {USER_CONTENT}"));
            }
            return posts(graph, page, POST_FIELDS).await;
        }
        match posts(graph, page, POST_FIELDS_WITH_SUMS).await {
            Err(refused) if refused.is_denied() => {
                let listed = posts(graph, page, POST_FIELDS).await?;
                missing.push(format!("reactions and comments: {NAME} refused them, as if {USER_CONTENT} is missing"));
                Ok(listed)
            }
            listed => listed,
        }
    }

    /// The Page's own token, where the consent that is in use did not include it: that may have been given for
    /// Instagram.
    async fn token_of(&self, page: &str, access: &Access) -> Result<Secret, PlatformError> {
        let graph = self.requests.with(&access.token);
        let request = graph.get("/{version}/{page}").part("page", page).query(&[("fields", "access_token")]);
        let reported: PageToken = graph.request(request, ENGAGEMENT).await?;
        reported.token().ok_or_else(|| PlatformError::AccountGone {
            what: format!("{NAME}: the person who consented has no role on this Page any more"),
        })
    }

    /// Adds the views of the newest posts, each of which reports its own.
    async fn with_views(
        &self,
        graph: &Graph<'_>,
        mut counted: Vec<(String, Post)>,
        unread: usize,
        access: &Access,
        owner: Owner<'_>,
        missing: &mut Vec<String>,
    ) -> Posts {
        let mut refused = Vec::new();
        counted.sort_by_key(|(_, post)| std::cmp::Reverse(post.at));
        counted.truncate(NEWEST_POSTS);
        if !access.has(INSIGHTS) {
            if self.facebook.asks_for(INSIGHTS) {
                missing.push(format!("views and figures of days: the owner did not allow {INSIGHTS}"));
            }
        } else if graph.is_tight() {
            missing.push("views: the Page's allowance at Meta is nearly used up".to_owned());
        } else {
            let ids: Vec<&str> = counted.iter().map(|(id, _)| id.as_str()).collect();
            let refusals = &self.facebook.refusals;
            let metrics = Metrics { names: METRICS, scope: INSIGHTS, role: ROLE, owner, refusals };
            let mut insights = graph.insights(&ids, metrics).await;
            for ((_, post), reported) in counted.iter_mut().zip(&insights.posts) {
                add_reported(post, reported);
            }
            missing.append(&mut insights.missing);
            refused.extend(insights.refused.contains(&"views").then_some(Metric::AvgViews));
        }
        Posts { posts: counted.into_iter().map(|(_, post)| post).collect(), unread, refused }
    }
}

/// Posts with their ids, and how many could not be read.
type Listed = (Vec<(String, Post)>, usize);

async fn posts(graph: &Graph<'_>, page: &str, fields: &str) -> Result<Listed, Refused> {
    let [many, fewer] = POSTS;
    let list = match newest(graph, page, fields, many).await {
        Err(refused) if refused.has_code(1) => newest(graph, page, fields, fewer).await?,
        list => list?,
    };
    let (mut counted, mut unread) = (Vec::new(), 0);
    for text in &list.data {
        match post(text) {
            Ok(post) => counted.push(post),
            Err(_) => unread += 1,
        }
    }
    Ok((counted, unread))
}

async fn newest(graph: &Graph<'_>, page: &str, fields: &str, most: &str) -> Result<List, Refused> {
    let request = graph.get("/{version}/{page}/published_posts").part("page", page);
    graph.request(request.query(&[("fields", fields), ("limit", most)]), ENGAGEMENT).await
}
