//! An account's newest posts and what each reports of itself: the requests.

use roster_protocol::metric::Metric;

use super::Login;
use super::ask::{Batch, ROLE, insights_scope};
use super::read::{MEDIA_FIELDS, METRICS, add_reported, media};
use super::scopes::{BASIC, LOGIN_BASIC};
use crate::history::engagement::{NEWEST_POSTS, Post};
use crate::platforms::PlatformError;
use crate::platforms::consenting::Access;
use crate::platforms::graph::{Graph, List, Metrics, Owner};
use crate::platforms::reading::Posts;

/// Pages may be short: at most so many are requested for twelve posts.
const MOST_PAGES: usize = 4;

/// A post that is counted, with its id.
type Counted = Vec<(String, Post)>;

impl Batch<'_> {
    /// The newest posts that count, and how many could not be read.
    pub(super) async fn posts(&self, graph: &Graph<'_>, id: &str) -> Result<(Counted, usize), PlatformError> {
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
    pub(super) async fn with_insights(
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
}
