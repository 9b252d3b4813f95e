//! The requests: profiles together, then each account's newest posts.

use std::collections::HashSet;

use serde_json::value::RawValue;

use super::SLUG;
use super::read::{Feed, Profiles, Reported, actor, observation, own_post, refusal};
use crate::history::engagement::NEWEST_POSTS;
use crate::http_client::{Api, Response};
use crate::platforms::batch::{RequestsEach, Stop, WindowHeaders, each};
use crate::platforms::reading::{Posts, add_engagement};
use crate::platforms::together::{Refused, RequestsTogether, is_failure, together};
use crate::platforms::{Account, Observation, Observed, PlatformError};

const RATE_HEADERS: WindowHeaders =
    WindowHeaders { limit: "ratelimit-limit", remaining: "ratelimit-remaining", reset: "ratelimit-reset" };

/// The public AppView; `api_url` names another one.
const HOST: &str = "public.api.bsky.app";

pub(super) const PROFILES_A_CALL: usize = 25;

/// Fifty entries usually hold twelve own posts.
const FEED_PAGE: &str = "50";
/// How far back the feed of an owner who mostly reposts is read.
const MOST_PAGES: usize = 3;

pub(super) async fn observe(api: &Api, accounts: &[Account]) -> Observed {
    let stop = &Stop::new(api);
    let mut observed = Observed::with_capacity(accounts.len());
    for group in accounts.chunks(PROFILES_A_CALL) {
        for (some, reported) in together(&Batch { api, stop }, stop, group).await {
            observed.extend(each(&Group { api, stop, reported }, some).await);
        }
    }
    observed
}

/// Profiles that are requested in one call.
struct Batch<'a> {
    api: &'a Api,
    stop: &'a Stop<'a>,
}

impl RequestsTogether<Account> for Batch<'_> {
    type Reply = Reported;

    /// One odd actor refuses the whole call with 400, and one suspended account can fail it with 500; the call for a
    /// single one says what is wrong with it.
    async fn together(&self, accounts: &[Account]) -> Result<Reported, Refused> {
        if let [account] = accounts {
            return match profile(self.api, self.stop, account).await {
                Ok(text) => Ok(Reported::of(Profiles { profiles: vec![text] })),
                Err(error @ PlatformError::Unavailable { .. }) => Err(Refused::Together(error)),
                Err(error) => Err(Refused::Each(error)),
            };
        }
        let mut seen = HashSet::new();
        let actors: Vec<(&str, &str)> = accounts
            .iter()
            .map(|account| ("actors", actor(account)))
            .filter(|(_, actor)| seen.insert(*actor))
            .collect();
        let response = self.api.get(HOST, "/xrpc/app.bsky.actor.getProfiles").query(&actors).send().await?;
        let may_be_one = response.status == 400 || is_failure(&response);
        match accepted(self.stop, response) {
            Ok(response) => Ok(Reported::of(response.json::<Profiles>()?)),
            Err(error) if may_be_one => Err(Refused::Together(error)),
            Err(error) => Err(Refused::Each(error)),
        }
    }
}

/// Accounts whose profiles were requested in one call.
struct Group<'a> {
    api: &'a Api,
    stop: &'a Stop<'a>,
    reported: Result<Reported, PlatformError>,
}

impl RequestsEach for Group<'_> {
    async fn one(&self, account: &Account) -> Result<Observation, PlatformError> {
        whole(self.api, self.stop, account, self.reported.as_ref().map_err(Clone::clone)?).await
    }
}

async fn whole(
    api: &Api,
    stop: &Stop<'_>,
    account: &Account,
    reported: &Reported,
) -> Result<Observation, PlatformError> {
    let mut observation = match reported.of_account(account) {
        Some(text) => observation(account, text)?,
        None => observation(account, &stop.unless_stopped(profile(api, stop, account)).await?)?,
    };
    if observation.numbers.posts != Some(0) {
        let posts = stop.unless_stopped(posts(api, stop, &observation.platform_user_id)).await;
        add_engagement(&mut observation, posts);
    }
    Ok(observation)
}

async fn profile(api: &Api, stop: &Stop<'_>, account: &Account) -> Result<Box<RawValue>, PlatformError> {
    let request = api.get(HOST, "/xrpc/app.bsky.actor.getProfile").query(&[("actor", actor(account))]);
    Ok(accepted(stop, request.send().await?)?.json()?)
}

async fn posts(api: &Api, stop: &Stop<'_>, did: &str) -> Result<Posts, PlatformError> {
    let mut read = Posts::default();
    let mut seen = HashSet::new();
    let mut cursor: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let mut request = api.get(HOST, "/xrpc/app.bsky.feed.getAuthorFeed").query(&[
            ("actor", did),
            ("limit", FEED_PAGE),
            ("filter", "posts_no_replies"),
        ]);
        if let Some(cursor) = &cursor {
            request = request.query(&[("cursor", cursor)]);
        }
        let page: Feed = accepted(stop, request.send().await?)?.json()?;
        for text in &page.feed {
            match own_post(did, text) {
                Ok(Some((uri, post))) => {
                    if seen.insert(uri) {
                        read.posts.push(post);
                    }
                }
                Ok(None) => {}
                Err(_) => read.unread += 1,
            }
        }
        let end = page.cursor.is_none() || page.cursor == cursor || page.feed.is_empty();
        cursor = page.cursor;
        if end || read.posts.len() >= NEWEST_POSTS || stop.why().is_some() {
            break;
        }
    }
    Ok(read)
}

/// The response, when it can be read.
fn accepted(stop: &Stop<'_>, response: Response) -> Result<Response, PlatformError> {
    stop.heed_limit(&response, RATE_HEADERS);
    if response.is_success() {
        return Ok(response);
    }
    if response.status == 501 {
        return Err(PlatformError::Unconfigured { what: "what api_url names is no AppView (501)".to_owned() });
    }
    Err(stop.refusal(SLUG, &response).unwrap_or_else(|| refusal(response.status, &response.json().unwrap_or_default())))
}
