//! Statuses: an account's, page by page, and single ones.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Seen, accounts, by_id, not_found};
use crate::Platform;
use crate::platforms::{ApiRequest, ApiResponse};
use crate::world::World;
use crate::world::account::{Account, State};
use crate::world::ids::{snowflake, snowflake_ms};
use crate::world::posts::{Post, PostNumbers};
use crate::world::timeline::{Entry, EntryKind, timeline};

const USUAL_LIMIT: usize = 20;
const LARGEST_LIMIT: usize = 40;

pub fn of_account(world: &World, request: &ApiRequest, id: &str) -> Result<ApiResponse, ApiResponse> {
    let seen = by_id(world, request, id)?;
    let limit = limit(request);
    let page = page(wanted(world, request, &seen.account), &seen.account, request, limit);
    let statuses: Vec<Value> = page.iter().filter_map(|entry| status(world, &seen, entry)).collect();
    let response = ApiResponse::ok(json!(statuses)).about(&seen.account);
    Ok(match link(request, &page, &seen.account, limit) {
        Some(link) => response.header("link", link),
        None => response,
    })
}

pub fn show(world: &World, request: &ApiRequest, id: &str) -> Result<ApiResponse, ApiResponse> {
    let all = world.on_platform(Platform::Mastodon);
    let authors = all.iter().filter(|account| account.host() == request.host && account.state == State::Active);
    let found =
        authors.filter_map(|account| Some((account, snowflake_ms(id, &account.id)?))).find_map(|(account, key)| {
            let entry = timeline(world, account, world.now()).into_iter().find(|entry| entry.key_ms == key)?;
            let seen = Seen::new(request, account.clone());
            Some(ApiResponse::ok(status(world, &seen, &entry)?).about(account))
        });
    found.ok_or_else(not_found)
}

/// As Rails reads a number: what is none is 0, the sign does not matter, what is too large is cut.
fn limit(request: &ApiRequest) -> usize {
    let Some(text) = request.one("limit") else { return USUAL_LIMIT };
    let digits: String = text.trim_start_matches('-').chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(if digits.is_empty() { 0 } else { LARGEST_LIMIT }).min(LARGEST_LIMIT)
}

fn flag(request: &ApiRequest, name: &str) -> bool {
    request.one(name).is_some_and(|value| !matches!(value, "" | "0" | "f" | "F" | "false" | "FALSE" | "off" | "OFF"))
}

/// What the request did not exclude, newest first.
fn wanted(world: &World, request: &ApiRequest, account: &Account) -> Vec<Entry> {
    if account.state != State::Active || flag(request, "only_media") || request.one("tagged").is_some() {
        return Vec::new();
    }
    let (no_replies, no_reblogs) = (flag(request, "exclude_replies"), flag(request, "exclude_reblogs"));
    let pinned = flag(request, "pinned").then(|| pinned(account, world.now()));
    let mut entries = timeline(world, account, world.now());
    entries.retain(|entry| match entry.kind {
        EntryKind::Own(number) => {
            pinned.is_none_or(|pinned| pinned == Some(number)) && !(no_replies && account.posting.is_reply(number))
        }
        EntryKind::Shared { .. } => pinned.is_none() && !no_reblogs,
    });
    entries
}

/// Invented accounts have a post pinned that is some time old; made ones have none.
fn pinned(account: &Account, now: Timestamp) -> Option<u64> {
    account.posting.grows.then(|| account.posting.count_at(now).saturating_sub(20))
}

/// One page: below `max_id`, above `since_id`, and with `min_id` the nearest above it.
fn page(mut entries: Vec<Entry>, account: &Account, request: &ApiRequest, limit: usize) -> Vec<Entry> {
    let bound = |name| request.one(name).map(|id| id.parse::<u64>().unwrap_or(0));
    let (max, since, min) = (bound("max_id"), bound("since_id"), bound("min_id"));
    let number = |entry: &Entry| status_id(account, entry).parse::<u64>().unwrap_or(0);
    entries.retain(|entry| {
        let id = number(entry);
        max.is_none_or(|max| id < max) && since.or(min).is_none_or(|bound| id > bound)
    });
    let skipped = if min.is_some() { entries.len().saturating_sub(limit) } else { 0 };
    entries.into_iter().skip(skipped).take(limit).collect()
}

/// Older pages as long as this one was full; newer ones always.
fn link(request: &ApiRequest, page: &[Entry], account: &Account, limit: usize) -> Option<String> {
    let (first, last) = (page.first()?, page.last()?);
    let kept: String = request
        .query
        .iter()
        .filter(|(name, _)| matches!(name.as_str(), "limit" | "exclude_replies" | "exclude_reblogs" | "pinned"))
        .map(|(name, value)| format!("{name}={value}&"))
        .collect();
    let base = format!("{}/{}?{kept}", request.origin, request.segments.join("/"));
    let prev = format!("<{base}min_id={}>; rel=\"prev\"", status_id(account, first));
    let next = format!("<{base}max_id={}>; rel=\"next\"", status_id(account, last));
    Some(if page.len() == limit { format!("{next}, {prev}") } else { prev })
}

fn status_id(account: &Account, entry: &Entry) -> String {
    snowflake(entry.key_ms, &account.id)
}

/// The `Status` entity; a boost carries no counts of its own.
fn status(world: &World, seen: &Seen, entry: &Entry) -> Option<Value> {
    let id = status_id(&seen.account, entry);
    match &entry.kind {
        EntryKind::Own(number) => {
            let post = seen.account.post(*number, world.now())?;
            Some(own(world, seen, &id, &post))
        }
        EntryKind::Shared { author, number, at } => {
            let post = author.post(*number, world.now())?;
            let author = Seen { account: author.clone(), host: seen.host.clone(), origin: seen.origin.clone() };
            let key_ms = crate::world::timeline::key_ms(&author.account, *number);
            let inner = own(world, &author, &snowflake(key_ms, &author.account.id), &post);
            let mut boost = entity(world, seen, &id, *at, PostNumbers::default(), "");
            boost["reblog"] = inner;
            Some(boost)
        }
    }
}

fn own(world: &World, seen: &Seen, id: &str, post: &Post) -> Value {
    let content = format!("<p>{} ({})</p>", seen.account.description, post.number);
    let mut status = entity(world, seen, id, post.published, post.numbers, &content);
    if post.reply {
        status["in_reply_to_id"] = json!(snowflake(post.published.as_millisecond() - 60_000, "somebody"));
        status["in_reply_to_account_id"] = json!(snowflake(post.published.as_millisecond() / 2, "somebody"));
    }
    status
}

fn entity(world: &World, seen: &Seen, id: &str, at: Timestamp, numbers: PostNumbers, content: &str) -> Value {
    let (home, user) = (accounts::home(seen), seen.account.user());
    let count = |reported: Option<u64>| reported.unwrap_or(0) / if seen.at_home() { 1 } else { 3 };
    json!({
        "id": id,
        "created_at": format!("{at:.3}"),
        "in_reply_to_id": null,
        "in_reply_to_account_id": null,
        "sensitive": false,
        "spoiler_text": "",
        "visibility": "public",
        "language": "en",
        "uri": format!("{home}/users/{user}/statuses/{id}"),
        "url": format!("{home}/@{user}/{id}"),
        "replies_count": count(numbers.comments),
        "reblogs_count": count(numbers.reposts),
        "favourites_count": count(numbers.likes),
        "quotes_count": count(numbers.quotes),
        "edited_at": null,
        "content": content,
        "reblog": null,
        "application": null,
        "account": accounts::entity(world, seen),
        "media_attachments": [],
        "mentions": [],
        "tags": [],
        "emojis": [],
        "card": null,
        "poll": null,
    })
}
