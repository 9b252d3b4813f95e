//! Posts: an author's feed with its reposts, and single posts.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{ApiResponse, find, invalid, params, profile, server_error};
use crate::platforms::ApiRequest;
use crate::world::World;
use crate::world::account::{Account, State};
use crate::world::ids::{cid, tid, tid_ms};
use crate::world::posts::Post;
use crate::world::timeline::{Entry, EntryKind, key_ms, number_of, timeline};

const POST: &str = "app.bsky.feed.post";

pub fn get_author_feed(world: &World, request: &ApiRequest) -> Result<ApiResponse, ApiResponse> {
    let nsid = "app.bsky.feed.getAuthorFeed";
    let actor = params::actor(request, nsid, "actor")?;
    let limit = params::limit(request, nsid)?;
    let account = find(world, actor).ok_or_else(|| invalid("Profile not found"))?;
    match account.state {
        State::Active => {}
        State::Failing => return Ok(server_error().about(&account)),
        _ => return Ok(invalid("Profile not found").about(&account)),
    }
    let below = request.one("cursor").map(|cursor| read_cursor(cursor).ok_or_else(server_error)).transpose()?;
    let mut entries = timeline(world, &account, world.now());
    entries.retain(|entry| {
        below.is_none_or(|below| entry.key_ms < below) && wanted(&account, entry, request.one("filter"))
    });
    let page: Vec<Value> = entries.iter().take(limit).map(|entry| feed_view(world, &account, entry)).collect();
    let mut response = json!({"feed": page});
    if entries.len() > limit {
        response["cursor"] = json!(cursor(&account, &entries[limit - 1]));
    }
    Ok(ApiResponse::ok(response).about(&account))
}

/// Unknown ones are left out without a word.
pub fn get_posts(world: &World, request: &ApiRequest) -> Result<ApiResponse, ApiResponse> {
    let uris = params::several(request, "app.bsky.feed.getPosts", "uris")?;
    let found: Vec<_> = uris.into_iter().filter_map(|uri| read_uri(world, uri)).collect();
    let posts: Vec<Value> = found.iter().map(|(author, post)| post_view(author, post)).collect();
    let response = ApiResponse::ok(json!({"posts": posts}));
    Ok(found.iter().fold(response, |response, (author, _)| response.about(author)))
}

/// Unknown filters count as the default, since the lexicon lists its values as known ones only.
fn wanted(account: &Account, entry: &Entry, filter: Option<&str>) -> bool {
    let reply = matches!(entry.kind, EntryKind::Own(number) if account.posting.is_reply(number));
    match filter.unwrap_or_default() {
        "posts_no_replies" | "posts_and_author_threads" => !reply,
        "posts_with_media" | "posts_with_video" => false,
        _ => true,
    }
}

fn feed_view(world: &World, account: &Arc<Account>, entry: &Entry) -> Value {
    let post = |author: &Account, number| author.post(number, world.now()).map(|post| (post_view(author, &post), post));
    match &entry.kind {
        EntryKind::Own(number) => {
            let Some((view, post)) = post(account, *number) else { return Value::Null };
            if post.reply {
                json!({"post": view, "reply": unseen_thread(account, &post)})
            } else {
                json!({"post": view})
            }
        }
        EntryKind::Shared { author, number, at } => {
            let view = post(author, *number).map(|(view, _)| view);
            let reason = json!({
                "$type": "app.bsky.feed.defs#reasonRepost",
                "by": profile::basic(account),
                "uri": format!("at://{}/app.bsky.feed.repost/{}", account.id, tid(entry.key_ms)),
                "cid": cid(&format!("repost {}", entry.key_ms)),
                "indexedAt": format!("{at:.3}"),
            });
            json!({"post": view, "reason": reason})
        }
    }
}

/// `postView`.
fn post_view(author: &Account, post: &Post) -> Value {
    let uri = uri(author, post.number);
    let mut record = json!({
        "$type": POST,
        "createdAt": format!("{:.6}", post.published),
        "langs": ["en"],
        "text": format!("{} ({})", author.description, post.number),
    });
    if post.reply {
        let stranger = stranger(author, post);
        let reference = json!({"uri": stranger, "cid": cid(&stranger)});
        record["reply"] = json!({"root": reference, "parent": reference});
    }
    let numbers = post.numbers;
    json!({
        "uri": uri,
        "cid": cid(&uri),
        "author": profile::basic(author),
        "record": record,
        "bookmarkCount": 0,
        "replyCount": numbers.comments,
        "repostCount": numbers.reposts,
        "likeCount": numbers.likes,
        "quoteCount": numbers.quotes,
        "indexedAt": format!("{:.3}", later(post.published)),
        "labels": [],
    })
}

/// The post that was replied to has since been deleted.
fn unseen_thread(account: &Account, post: &Post) -> Value {
    let gone = json!({"$type": "app.bsky.feed.defs#notFoundPost", "uri": stranger(account, post), "notFound": true});
    json!({"root": gone, "parent": gone})
}

fn stranger(account: &Account, post: &Post) -> String {
    format!("at://did:plc:{}/{POST}/{}", "z".repeat(24), tid(key_ms(account, post.number) - 1))
}

fn later(published: Timestamp) -> Timestamp {
    published + jiff::SignedDuration::from_millis(180)
}

fn uri(author: &Account, number: u64) -> String {
    format!("at://{}/{POST}/{}", author.id, tid(key_ms(author, number)))
}

fn read_uri(world: &World, uri: &str) -> Option<(Arc<Account>, Post)> {
    let mut parts = uri.strip_prefix("at://")?.split('/');
    let author = find(world, parts.next()?).filter(|author| author.state == State::Active)?;
    let key = parts.next().filter(|&collection| collection == POST).and(parts.next())?;
    let post = author.post(number_of(&author, tid_ms(key)?)?, world.now())?;
    Some((author, post))
}

fn cursor(account: &Account, last: &Entry) -> String {
    format!("{}__{}", last.key_ms, cid(&format!("{} {}", account.id, last.key_ms)))
}

/// The key below which a page continues. The real one responds with an error of its own to anything else.
fn read_cursor(cursor: &str) -> Option<i64> {
    let (key, cid) = cursor.split_once("__")?;
    cid.starts_with("bafy").then(|| key.parse().ok()).flatten()
}
