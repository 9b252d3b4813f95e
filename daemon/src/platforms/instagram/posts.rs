//! An account's newest posts and what each reports of itself: the requests.

use serde_json::value::RawValue;

use super::ask::{Batch, ROLE, insights_scope};
use super::read::{MEANS, MEDIA_FIELDS, METRICS, add_reported, media};
use super::scopes::{BASIC, LOGIN_BASIC};
use super::{Login, NAME};
use crate::history::engagement::{NEWEST_POSTS, Post};
use crate::platforms::PlatformError;
use crate::platforms::consenting::Access;
use crate::platforms::graph::{Graph, List, Metrics, Owner, Refused, Reported, listed};
use crate::platforms::reading::Posts;

/// Pages may be short: at most so many are requested for twelve posts.
const MOST_PAGES: usize = 4;

/// How many are requested at once, and how many with their insights: hardly more than are counted.
const MANY: &str = "25";
const FEW: &str = "15";

/// The newest posts that count, and how many could not be read.
#[derive(Default)]
pub(super) struct Listed {
    posts: Vec<Item>,
    unread: usize,
}

struct Item {
    id: String,
    post: Post,
    /// Its insights, where the list reported them.
    insights: Option<Reported>,
}

impl Batch<'_> {
    /// Whether insights were allowed, and the account's allowance has room for them.
    fn reads_insights(&self, graph: &Graph<'_>, access: &Access) -> bool {
        access.has(insights_scope(self.login)) && !graph.is_tight()
    }

    fn metrics<'a>(&'a self, owner: Owner<'a>) -> Metrics<'a> {
        let scope = insights_scope(self.login);
        Metrics { names: METRICS, scope, role: ROLE, owner, refusals: self.refusals }
    }

    /// With their insights where the list reports them: one refused post spoils it.
    pub(super) async fn posts(
        &self,
        graph: &Graph<'_>,
        access: &Access,
        owner: Owner<'_>,
    ) -> Result<Listed, PlatformError> {
        let (now, metrics) = (graph.of.api.now(), self.metrics(owner));
        if let Some(field) = metrics.field(now).filter(|_| self.reads_insights(graph, access)) {
            match self.listed(graph, owner.account, &format!("{MEDIA_FIELDS},{field}"), FEW).await {
                Err(refused) if refused.problem.is_some() => metrics.note_unlisted(now),
                listed => return Ok(listed?),
            }
        }
        Ok(self.listed(graph, owner.account, MEDIA_FIELDS, MANY).await?)
    }

    async fn listed(&self, graph: &Graph<'_>, id: &str, fields: &str, limit: &str) -> Result<Listed, Refused> {
        let scope = match self.login {
            Login::Facebook => BASIC,
            Login::Instagram => LOGIN_BASIC,
        };
        let (mut listed, mut after) = (Listed::default(), None::<String>);
        for _ in 0..MOST_PAGES {
            let request = graph.get("/{version}/{id}/media").part("id", id);
            let request = request.query(&[("fields", fields), ("limit", limit)]);
            let request = match &after {
                Some(cursor) => request.query(&[("after", cursor)]),
                None => request,
            };
            let list: List = graph.request(request, scope).await?;
            list.data.iter().for_each(|text| listed.add(text));
            let next = list.next();
            if listed.posts.len() >= NEWEST_POSTS || next.is_none() || next == after {
                break;
            }
            after = next;
        }
        Ok(listed)
    }

    /// Adds what each of the newest posts reports of itself.
    pub(super) async fn with_insights(
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
        if self.reads_insights(graph, access) {
            let asked: Vec<_> = posts.iter().map(|item| (item.id.as_str(), item.insights.as_ref())).collect();
            let mut insights = graph.insights_of(&asked, self.metrics(owner)).await;
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

impl Listed {
    fn add(&mut self, text: &RawValue) {
        match media(text) {
            Ok(Some((id, _))) if self.posts.iter().any(|known| known.id == id) => {}
            Ok(Some((id, post))) => self.posts.push(Item { id, post, insights: listed(NAME, text) }),
            Ok(None) => {}
            Err(_) => self.unread += 1,
        }
    }
}
