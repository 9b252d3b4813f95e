//! The requests: channels together, each one's uploads, and all their videos together; by key or with a consent.

use std::collections::{BTreeSet, HashMap};

use futures::{FutureExt, StreamExt, stream};
use serde_json::value::RawValue;

use super::lists::{Lists, Page};
use super::read::{List, by_id, channel, counted, newest_videos, video};
use super::refusal::{Credential, NO_CHANNEL, Refusal};
use super::uploads::{Uploads, Videos};
use super::{NO_KEY, SLUG, is_channel_id};
use crate::http_client::{Api, Request, Response};
use crate::platforms::batch::{AT_ONCE, Stop};
use crate::platforms::consenting::Access;
use crate::platforms::together::{Refused, RequestsTogether, is_failure, together};
use crate::platforms::{Account, Observation, Observed, PlatformError};
use crate::secret::Secret;

const HOST: &str = "youtube.googleapis.com";

pub(super) const IDS_A_CALL: usize = 50;

/// Requests public data. Without a key there is none.
pub(super) async fn observe(api: &Api, key: Option<&Secret>, lists: &Lists, accounts: &[&Account]) -> Observed {
    let Some(key) = key else {
        let error = || PlatformError::Unconfigured { what: NO_KEY.to_owned() };
        return accounts.iter().map(|account| (account.connection, Err(error()))).collect();
    };
    let batch = &Batch { api, with: With::Key(key), stop: &Stop::new(api), lists: Some(lists) };
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
    /// The lists of uploads that were read before.
    pub(super) lists: Option<&'a Lists>,
}

/// A channel that was returned, and what its videos report so far.
struct Found {
    observation: Observation,
    uploads: Uploads,
}

impl Found {
    fn whole(self) -> Observation {
        let mut observation = self.observation;
        self.uploads.add_to(&mut observation);
        observation
    }
}

/// What was returned for each id; an id that was not returned is missing.
type Listed = HashMap<String, Result<Box<RawValue>, PlatformError>>;

/// What can be requested by many ids at once.
#[derive(Clone, Copy)]
enum Resource {
    Channels,
    Videos,
}

impl Batch<'_> {
    pub(super) async fn observe(&self, accounts: &[&Account]) -> Observed {
        let mut channels = self.channels(accounts).await;
        loop {
            let listing: Vec<_> =
                channels.iter_mut().flatten().map(|found| self.list_more(&mut found.uploads).boxed()).collect();
            stream::iter(listing).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
            let wanted: Vec<Vec<String>> =
                channels.iter_mut().flatten().map(|found| found.uploads.next_ids()).collect();
            let ids: Vec<&str> = wanted.iter().flatten().map(String::as_str).collect();
            if ids.is_empty() {
                break;
            }
            let videos = self.videos(&ids).await;
            channels.iter_mut().flatten().zip(&wanted).for_each(|(found, ids)| found.uploads.take(ids, &videos));
        }
        let together = accounts.iter().zip(channels);
        together.map(|(account, found)| (account.connection, found.map(Found::whole))).collect()
    }

    /// One result an account, in their order: those with a known id in one call, new ones by handle one by one.
    async fn channels(&self, accounts: &[&Account]) -> Vec<Result<Found, PlatformError>> {
        let ids: BTreeSet<&str> = accounts.iter().copied().filter_map(id).collect();
        let listed = &self.listed(Resource::Channels, &Vec::from_iter(ids)).await;
        let requested: Vec<_> = accounts.iter().map(|account| self.channel(account, listed).boxed()).collect();
        stream::iter(requested).buffered(AT_ONCE).collect().await
    }

    async fn channel(&self, account: &Account, listed: &Listed) -> Result<Found, PlatformError> {
        if let Some(id) = id(account) {
            let listed = listed.get(id).ok_or_else(|| gone("YouTube does not return this channel any more"))?;
            return read(account, listed.as_ref().map_err(Clone::clone)?);
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

    /// Adds the next page of a channel's uploads, if one is needed; a channel that never had a video has none.
    async fn list_more(&self, uploads: &mut Uploads) {
        let Some((playlist, page)) = uploads.needed_page() else { return };
        let known = self.lists.filter(|_| page.is_none()).and_then(|lists| Some((lists, lists.etag(playlist)?)));
        let mut request = self.api.get(HOST, "/youtube/v3/playlistItems").query(&[
            ("part", "contentDetails"),
            ("playlistId", playlist),
            ("maxResults", "50"),
        ]);
        if let Some(page) = page {
            request = request.query(&[("pageToken", page)]);
        }
        if let Some((_, etag)) = &known {
            request = request.if_none_match(etag);
        }
        let unchanged = || known.as_ref().and_then(|(lists, etag)| lists.page(playlist, etag));
        let read = |response: &Response| match unchanged().filter(|_| response.is_unchanged()) {
            Some(page) => Ok(page),
            None => {
                let list = self.read(response, Some("playlistNotFound"))?;
                let read = Page { ids: newest_videos(&list), next: list.next_page_token };
                if let (Some(lists), Some(etag), None) = (self.lists, &list.etag, page) {
                    lists.put(playlist, etag, &read);
                }
                Ok(read)
            }
        };
        let read = self.sent(request, read).await;
        uploads.take_page(read);
    }

    /// The result for each id. Ids that were not returned are deleted or private, and missing here too.
    async fn videos(&self, ids: &[&str]) -> Videos {
        let counts = self.counts(ids).await;
        // What is not among them may have become private, or was left out: a response may lack some.
        let rest: Vec<&str> = ids.iter().copied().filter(|id| !counts.contains_key(*id)).collect();
        let mut videos = self.whole_videos(&rest).await;
        if let Some(lists) = self.lists {
            let finished = videos.iter().filter(|(_, video)| matches!(video, Ok(Some(_))));
            finished.for_each(|(id, _)| lists.put_finished(id));
        }
        videos.extend(counts);
        videos
    }

    /// The counts of the videos of which nothing else changes. A refusal costs nothing but the way: the videos are read
    /// whole.
    async fn counts(&self, ids: &[&str]) -> Videos {
        let now = self.api.now();
        let (Some(lists), With::Key(key), None) = (self.lists, self.with, self.stop.why()) else {
            return Videos::new();
        };
        let known: Vec<&str> = ids.iter().copied().filter(|id| lists.has_only_counts(id, now)).collect();
        let read = known.chunks(IDS_A_CALL).map(|ids| {
            async move {
                let query = [("part", "snippet,statistics"), ("id", &*ids.join(","))];
                let request = self.api.get(HOST, "/youtube/v3/videos:batchGetStats").query(&query);
                let response = request.secret_query("key", key).send().await.ok()?;
                if !response.is_success() {
                    lists.counts_refused(now);
                    return None;
                }
                let counted = by_id(list(&response).ok()?).into_iter().map(|(id, text)| (id, counted(&text).map(Some)));
                Some(counted.collect::<Videos>())
            }
            .boxed()
        });
        let read: Vec<_> = read.collect();
        let read: Vec<Option<Videos>> = stream::iter(read).buffer_unordered(AT_ONCE).collect().await;
        read.into_iter().flatten().flatten().filter(|(_, video)| video.is_ok()).collect()
    }

    async fn whole_videos(&self, ids: &[&str]) -> Videos {
        let requested: Vec<_> = ids.chunks(IDS_A_CALL).map(|ids| self.listed(Resource::Videos, ids).boxed()).collect();
        let listed: Listed = stream::iter(requested).buffer_unordered(AT_ONCE).concat().await;
        listed.into_iter().map(|(id, text)| (id, text.and_then(|text| video(&text)))).collect()
    }

    /// Requests all ids together; one that fails the request costs itself alone.
    async fn listed(&self, resource: Resource, ids: &[&str]) -> Listed {
        let mut listed = Listed::new();
        if ids.is_empty() {
            return listed;
        }
        let replies = match self.with {
            With::Key(_) => together(&ById { batch: self, resource }, self.stop, ids).await,
            With::Consent(_) => vec![(ids, self.request(self.by_ids(resource, ids), None).await)],
        };
        for (ids, reply) in replies {
            match reply {
                Ok(list) => listed.extend(by_id(list).into_iter().map(|(id, text)| (id, Ok(text)))),
                Err(error) => listed.extend(ids.iter().map(|id| ((*id).to_owned(), Err(error.clone())))),
            }
        }
        listed
    }

    fn by_ids(&self, resource: Resource, ids: &[&str]) -> Request<'_> {
        let ids = ids.join(",");
        match resource {
            Resource::Channels => self.channel_question(("id", &ids)),
            // `maxResults` is documented as not supported beside `id` here.
            Resource::Videos => {
                self.api.get(HOST, "/youtube/v3/videos").query(&[("part", "snippet,statistics,status"), ("id", &ids)])
            }
        }
    }

    /// Requests a list. A refusal for the reason `empty` is an empty list.
    async fn request(&self, request: Request<'_>, empty: Option<&str>) -> Result<List, PlatformError> {
        self.sent(request, |response| self.read(response, empty)).await
    }

    /// Sends a request with the credential, and reads its response.
    async fn sent<T>(
        &self,
        request: Request<'_>,
        read: impl FnOnce(&Response) -> Result<T, PlatformError>,
    ) -> Result<T, PlatformError> {
        let response = async |request: Request<'_>| read(&request.send().await?);
        match self.with {
            With::Key(key) => self.stop.unless_stopped(response(request.secret_query("key", key))).await,
            With::Consent(access) => self.stop.unless_stopped_for_one(response(request.bearer(&access.token))).await,
        }
    }

    fn read(&self, response: &Response, empty: Option<&str>) -> Result<List, PlatformError> {
        if response.is_success() {
            return list(response);
        }
        let refusal: Refusal = response.json().unwrap_or_default();
        if empty.is_some_and(|reason| refusal.says(reason)) {
            return Ok(List::default());
        }
        Err(self.meaning(response, &refusal))
    }

    fn meaning(&self, response: &Response, refusal: &Refusal) -> PlatformError {
        let by_status = || self.stop.refusal(SLUG, response);
        let credential = match self.with {
            With::Key(_) => Credential::Key,
            With::Consent(_) => Credential::Owner,
        };
        match refusal.meaning(credential, response.status, self.api.now()).or_else(by_status) {
            Some(PlatformError::RateLimited { retry_after: None, of }) => {
                PlatformError::RateLimited { retry_after: response.retry_after(self.api.now()), of }
            }
            Some(error) => error,
            None => PlatformError::Unexpected { what: format!("{SLUG} responded with {}", response.status) },
        }
    }
}

/// A request for many ids of a resource by key.
struct ById<'a> {
    batch: &'a Batch<'a>,
    resource: Resource,
}

impl RequestsTogether<&str> for ById<'_> {
    type Reply = List;

    async fn together(&self, ids: &[&str]) -> Result<List, Refused> {
        let mut request = self.batch.by_ids(self.resource, ids);
        if let With::Key(key) = self.batch.with {
            request = request.secret_query("key", key);
        }
        let response = request.send().await?;
        let is_failure = is_failure(&response);
        self.batch.read(&response, None).map_err(|error| match error {
            PlatformError::Unavailable { .. } if is_failure => Refused::Together(error),
            _ => Refused::Each(error),
        })
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
    let (observation, playlist) = channel(Some(&account.handle), text)?;
    Ok(Found { observation, uploads: Uploads::of(playlist) })
}

fn gone(what: &str) -> PlatformError {
    PlatformError::AccountGone { what: format!("{what}: misspelt, deleted or suspended") }
}
