//! The requests: channels together, each one's uploads, and all their videos together; by key or with a consent.

use std::collections::HashMap;

use futures::{FutureExt, StreamExt, stream};
use serde_json::value::RawValue;

use super::read::{List, by_id, channel, newest_videos, video};
use super::refusal::{Credential, NO_CHANNEL, Refusal};
use super::{NO_KEY, SLUG, is_channel_id};
use crate::history::engagement::{NEWEST_POSTS, Post};
use crate::http_client::{Api, Request, Response};
use crate::platforms::batch::{AT_ONCE, Stop};
use crate::platforms::consenting::Access;
use crate::platforms::reading::{Posts, add_engagement};
use crate::platforms::{Account, Observation, Observed, PlatformError};
use crate::secret::Secret;

const HOST: &str = "youtube.googleapis.com";

pub(super) const IDS_A_CALL: usize = 50;

/// Some more than are counted, because announced and running broadcasts are left out.
const VIDEOS_A_CHANNEL: usize = NEWEST_POSTS + 3;

/// Requests public data. Without a key there is none.
pub(super) async fn observe(api: &Api, key: Option<&Secret>, accounts: &[&Account]) -> Observed {
    let Some(key) = key else {
        let error = || PlatformError::Unconfigured { what: NO_KEY.to_owned() };
        return accounts.iter().map(|account| (account.connection, Err(error()))).collect();
    };
    let batch = &Batch { api, with: With::Key(key), stop: &Stop::new(api) };
    let mut observed = Observed::with_capacity(accounts.len());
    for group in accounts.chunks(IDS_A_CALL) {
        observed.extend(batch.observe(group).await);
    }
    observed
}

/// The credential that a request carries.
#[derive(Clone, Copy)]
pub(super) enum With<'a> {
    Key(&'a Secret),
    Consent(&'a Access),
}

pub(super) struct Batch<'a> {
    pub(super) api: &'a Api,
    pub(super) with: With<'a>,
    pub(super) stop: &'a Stop<'a>,
}

/// A channel that was returned, and what its videos report.
struct Found {
    observation: Observation,
    uploads: Option<String>,
}

type Videos = HashMap<String, Result<Option<Post>, PlatformError>>;

impl Batch<'_> {
    pub(super) async fn observe(&self, accounts: &[&Account]) -> Observed {
        let channels = self.channels(accounts).await;
        let uploads: Vec<_> = channels.iter().map(|found| self.uploads(found.as_ref().ok()).boxed()).collect();
        let uploads: Vec<_> = stream::iter(uploads).buffered(AT_ONCE).collect().await;
        let ids: Vec<&str> = uploads.iter().flatten().flatten().map(String::as_str).collect();
        let videos = self.videos(&ids).await;
        let together = accounts.iter().zip(channels).zip(uploads);
        together
            .map(|((account, found), uploads)| {
                let observation = found.map(|found| with_posts(found.observation, uploads, &videos));
                (account.connection, observation)
            })
            .collect()
    }

    /// One result an account, in their order: those with a known id in one call, new ones by handle one by one.
    async fn channels(&self, accounts: &[&Account]) -> Vec<Result<Found, PlatformError>> {
        let ids: Vec<&str> = accounts.iter().copied().filter_map(id).collect();
        let known = if ids.is_empty() { Ok(List::default()) } else { self.channel_list(("id", &ids.join(","))).await };
        let reported = known.as_ref().map(by_id);
        let requested: Vec<_> =
            accounts.iter().map(|account| self.channel(account, reported.as_ref()).boxed()).collect();
        stream::iter(requested).buffered(AT_ONCE).collect().await
    }

    async fn channel(
        &self,
        account: &Account,
        reported: Result<&HashMap<String, &RawValue>, &&PlatformError>,
    ) -> Result<Found, PlatformError> {
        if let Some(id) = id(account) {
            let reported = reported.map_err(|error| (*error).clone())?;
            let text = reported.get(id).ok_or_else(|| gone("YouTube does not return this channel any more"))?;
            return read(account, text);
        }
        let list = self.channel_list(("forHandle", &account.handle)).await?;
        read(account, list.items.first().ok_or_else(|| gone("YouTube knows no channel of this handle"))?)
    }

    pub(super) async fn channel_list(&self, filter: (&str, &str)) -> Result<List, PlatformError> {
        self.request(self.channel_question(filter), None).await
    }

    /// The one channel that a consent is for; no items where its owner has none.
    pub(super) async fn own_channel(&self) -> Result<List, PlatformError> {
        self.request(self.channel_question(("mine", "true")), Some(NO_CHANNEL)).await
    }

    fn channel_question(&self, filter: (&str, &str)) -> Request<'_> {
        let parts = ("part", "snippet,statistics,contentDetails");
        self.api.get(HOST, "/youtube/v3/channels").query(&[parts, filter, ("maxResults", "50")])
    }

    /// The ids of a channel's newest videos; none where it never had one.
    async fn uploads(&self, found: Option<&Found>) -> Result<Vec<String>, PlatformError> {
        let Some(playlist) = found.and_then(|found| found.uploads.as_deref()) else { return Ok(Vec::new()) };
        let request = self.api.get(HOST, "/youtube/v3/playlistItems").query(&[
            ("part", "contentDetails"),
            ("playlistId", playlist),
            ("maxResults", "50"),
        ]);
        Ok(newest_videos(&self.request(request, Some("playlistNotFound")).await?, VIDEOS_A_CHANNEL))
    }

    /// The result for each id. Ids that were not returned are deleted or private, and missing here too.
    async fn videos(&self, ids: &[&str]) -> Videos {
        let requested: Vec<_> = ids.chunks(IDS_A_CALL).map(|ids| self.video_list(ids).boxed()).collect();
        stream::iter(requested).buffer_unordered(AT_ONCE).concat().await
    }

    async fn video_list(&self, ids: &[&str]) -> Videos {
        let request = self.api.get(HOST, "/youtube/v3/videos").query(&[
            ("part", "snippet,statistics,status"),
            ("id", &ids.join(",")),
            ("maxResults", "50"),
        ]);
        match self.request(request, None).await {
            Ok(list) => by_id(&list).into_iter().map(|(id, text)| (id, video(text))).collect(),
            Err(error) => ids.iter().map(|id| ((*id).to_owned(), Err(error.clone()))).collect(),
        }
    }

    /// Requests a list. A refusal for the reason `empty` is an empty list.
    async fn request(&self, request: Request<'_>, empty: Option<&str>) -> Result<List, PlatformError> {
        match self.with {
            With::Key(key) => self.stop.unless_stopped(self.response(request.secret_query("key", key), empty)).await,
            With::Consent(access) => {
                self.stop.unless_stopped_for_one(self.response(request.bearer(&access.token), empty)).await
            }
        }
    }

    async fn response(&self, request: Request<'_>, empty: Option<&str>) -> Result<List, PlatformError> {
        let response = request.send().await?;
        if response.is_success() {
            return list(&response);
        }
        let refusal: Refusal = response.json().unwrap_or_default();
        if empty.is_some_and(|reason| refusal.says(reason)) {
            return Ok(List::default());
        }
        Err(self.meaning(&response, &refusal))
    }

    fn meaning(&self, response: &Response, refusal: &Refusal) -> PlatformError {
        let by_status = || self.stop.refusal(SLUG, response);
        let credential = match self.with {
            With::Key(_) => Credential::Key,
            With::Consent(_) => Credential::Owner,
        };
        match refusal.meaning(credential, response.status, self.api.now()).or_else(by_status) {
            Some(PlatformError::RateLimited { retry_after: None }) => {
                PlatformError::RateLimited { retry_after: response.retry_after(self.api.now()) }
            }
            Some(error) => error,
            None => PlatformError::Unexpected { what: format!("{SLUG} responded with {}", response.status) },
        }
    }
}

fn list(response: &Response) -> Result<List, PlatformError> {
    let list: List = response.json()?;
    if list.items.is_empty() && list.kind.is_none() {
        return Err(PlatformError::Unexpected { what: format!("{SLUG}: the response is no list") });
    }
    Ok(list)
}

/// The channel's id, as far as it is known.
fn id(account: &Account) -> Option<&str> {
    let known = account.platform_user_id.as_deref().unwrap_or(&account.handle);
    Some(known).filter(|id| is_channel_id(id))
}

fn read(account: &Account, text: &RawValue) -> Result<Found, PlatformError> {
    let (observation, uploads) = channel(Some(&account.handle), text)?;
    Ok(Found { observation, uploads })
}

fn gone(what: &str) -> PlatformError {
    PlatformError::AccountGone { what: format!("{what}: misspelt, deleted or suspended") }
}

fn with_posts(
    mut observation: Observation,
    uploads: Result<Vec<String>, PlatformError>,
    videos: &Videos,
) -> Observation {
    let posts = uploads.and_then(|ids| {
        let mut posts = Posts::default();
        let mut outage = None;
        for id in ids {
            match videos.get(&id) {
                Some(Ok(post)) => posts.posts.extend(*post),
                Some(Err(PlatformError::Unexpected { .. })) => posts.unread += 1,
                Some(Err(error)) => outage = Some(error.clone()),
                None => {}
            }
        }
        outage.map_or(Ok(posts), Err)
    });
    add_engagement(&mut observation, posts);
    observation
}
