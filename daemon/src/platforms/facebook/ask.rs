//! The requests: each Page's profile, its newest posts, and their views and reach.

use roster_protocol::time::Timestamp;

use super::read::{
    FIELDS, MEANS, METRICS, METRICS_OF_SMALL, PARTS, POST_FIELDS, POST_FIELDS_WITH_SUMS, PageToken, Profile,
    add_reported, post,
};
use super::scopes::{ENGAGEMENT, INSIGHTS, USER_CONTENT};
use super::{Facebook, NAME, NO_APP};
use crate::history::engagement::{NEWEST_POSTS, Post};
use crate::http_client::Api;
use crate::oauth::Provider;
use crate::platforms::batch::{RequestsEach, Stop, each};
use crate::platforms::consenting::Access;
use crate::platforms::graph::{self, Graph, List, Metrics, Owner, Refused, Reported, Requests, SignIn};
use crate::platforms::reading::{Posts, add_whole_engagement};
use crate::platforms::{Account, Observation, Observed, PlatformError};
use crate::secret::Secret;

/// Some more than are counted; the second number is requested where the first was too much.
const POSTS: [&str; 2] = ["25", "12"];

/// The code with which small Pages refuse the reach of posts, as if a permission is missing.
const SMALL: u32 = 200;
/// What is kept of a Page that refused so.
const REACH_OF_SMALL: &str = "reach of a small Page";

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
        let id = observation.platform_user_id.clone();
        let owner = Owner::of(&id, &access.token);
        let posts = match self.posts(graph, access, owner, &mut more).await {
            Ok(listed) => Ok(self.with_insights(graph, listed, access, owner, &mut more).await),
            Err(refused) => Err(refused.error),
        };
        add_whole_engagement(&mut observation, posts, PARTS);
        if let Some(from) = account.days_from.filter(|_| access.has(INSIGHTS)) {
            self.add_days(graph, owner, from, &mut observation, &mut more).await;
        }
        observation.missing.append(&mut more);
        Ok(observation)
    }

    fn metrics<'a>(&'a self, owner: Owner<'a>, now: Timestamp) -> Metrics<'a> {
        let names = if self.is_small(owner, now) { METRICS_OF_SMALL } else { METRICS };
        Metrics { names, scope: INSIGHTS, role: ROLE, owner, refusals: &self.facebook.refusals }
    }

    /// Whether the Page lately refused what small ones refuse.
    fn is_small(&self, owner: Owner<'_>, now: Timestamp) -> bool {
        self.facebook.refusals.holds_account(owner, REACH_OF_SMALL, now)
    }

    /// Leaves reach out for a day; `false` when it was left out already.
    fn leave_reach_out(&self, owner: Owner<'_>, now: Timestamp) -> bool {
        let is_new = !self.is_small(owner, now);
        if is_new {
            self.facebook.refusals.note_account(owner, REACH_OF_SMALL, now);
        }
        is_new
    }

    /// The newest posts, with their insights where the list reports them: one refused post spoils it.
    async fn posts(
        &self,
        graph: &Graph<'_>,
        access: &Access,
        owner: Owner<'_>,
        missing: &mut Vec<String>,
    ) -> Result<Listed, Refused> {
        let now = graph.of.api.now();
        let reads_insights = access.has(INSIGHTS) && !graph.is_tight();
        // Again without reach where the Page is a small one.
        for _ in 0..2 {
            let metrics = self.metrics(owner, now);
            let Some(field) = metrics.field(now).filter(|_| reads_insights) else { break };
            let mut more = Vec::new();
            match self.posts_with(graph, access, owner, &format!(",{field}"), &mut more).await {
                Err(refused) if refused.has_code(SMALL) && self.leave_reach_out(owner, now) => {}
                Err(refused) if refused.problem.is_some() => {
                    metrics.note_unlisted(now);
                    break;
                }
                listed => {
                    missing.append(&mut more);
                    return listed;
                }
            }
        }
        self.posts_with(graph, access, owner, "", missing).await
    }

    /// The newest posts with these fields more; without sums where these are refused.
    async fn posts_with(
        &self,
        graph: &Graph<'_>,
        access: &Access,
        owner: Owner<'_>,
        more: &str,
        missing: &mut Vec<String>,
    ) -> Result<Listed, Refused> {
        let (page, without_sums) = (owner.account, format!("{POST_FIELDS}{more}"));
        if !access.has(USER_CONTENT) {
            if self.facebook.asks_for(USER_CONTENT) {
                missing.push(format!("reactions and comments: the owner did not allow {USER_CONTENT}"));
            }
            return posts(graph, page, &without_sums).await;
        }
        match posts(graph, page, &format!("{POST_FIELDS_WITH_SUMS}{more}")).await {
            Err(refused) if refused.is_denied() => {
                let listed = posts(graph, page, &without_sums).await?;
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

    /// Adds the views and reach of the newest posts.
    async fn with_insights(
        &self,
        graph: &Graph<'_>,
        listed: Listed,
        access: &Access,
        owner: Owner<'_>,
        missing: &mut Vec<String>,
    ) -> Posts {
        let Listed { mut posts, unread } = listed;
        let mut refused = Vec::new();
        posts.sort_by_key(|item| std::cmp::Reverse(item.post.at));
        posts.truncate(NEWEST_POSTS);
        if !access.has(INSIGHTS) {
            if self.facebook.asks_for(INSIGHTS) {
                missing.push(format!("views, reach and figures of days: the owner did not allow {INSIGHTS}"));
            }
        } else if graph.is_tight() {
            missing.push("views, reach: the Page's allowance at Meta is nearly used up".to_owned());
        } else {
            let asked: Vec<_> = posts.iter().map(|item| (item.id.as_str(), item.insights.as_ref())).collect();
            let now = graph.of.api.now();
            let mut insights = graph.insights_of(&asked, self.metrics(owner, now)).await;
            if insights.is_denied && self.leave_reach_out(owner, now) {
                insights = graph.insights_of(&asked, self.metrics(owner, now)).await;
            }
            for (item, reported) in posts.iter_mut().zip(&insights.posts) {
                add_reported(&mut item.post, reported);
            }
            missing.append(&mut insights.missing);
            let named = MEANS.iter().filter(|(name, _)| insights.refused.contains(name));
            refused.extend(named.map(|(_, metric)| *metric));
        }
        Posts { posts: posts.into_iter().map(|item| item.post).collect(), unread, refused }
    }
}

/// The newest posts, and how many could not be read.
#[derive(Default)]
struct Listed {
    posts: Vec<Item>,
    unread: usize,
}

struct Item {
    id: String,
    post: Post,
    /// Its insights, where the list reported them.
    insights: Option<Reported>,
}

async fn posts(graph: &Graph<'_>, page: &str, fields: &str) -> Result<Listed, Refused> {
    let [many, fewer] = POSTS;
    let list = match newest(graph, page, fields, many).await {
        Err(refused) if refused.has_code(1) => newest(graph, page, fields, fewer).await?,
        list => list?,
    };
    let mut listed = Listed::default();
    for text in &list.data {
        match post(text) {
            Ok((id, post)) => listed.posts.push(Item { id, post, insights: graph::listed(NAME, text) }),
            Err(_) => listed.unread += 1,
        }
    }
    Ok(listed)
}

async fn newest(graph: &Graph<'_>, page: &str, fields: &str, most: &str) -> Result<List, Refused> {
    let request = graph.get("/{version}/{page}/published_posts").part("page", page);
    graph.request(request.query(&[("fields", fields), ("limit", most)]), ENGAGEMENT).await
}
