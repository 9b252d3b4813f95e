//! Accounts on all platforms, and platforms that answer about them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use roster_protocol::ids::ConnectionId;
use roster_protocol::time::Timestamp;
use serde_json::{Value, json};

use crate::http_client::test_server::{Asked, Reply};
use crate::http_client::{Api, HttpClient, HttpLimits, HttpSettings, Route};
use crate::platforms::{Account, Observation, Observed, PlatformError, Registered, register};

pub(super) const CANARY: &str = "canary-5f3a";

/// 2026-11-21T12:00:00Z
pub(in crate::platforms) const NOW: Timestamp = Timestamp(1_795_262_400_000);

/// One platform, and how its accounts are named.
pub(super) struct Case {
    pub(super) slug: &'static str,
    name: fn(usize) -> (String, String),
}

pub(super) fn cases() -> [Case; 3] {
    [
        Case { slug: "bluesky", name: |place| (format!("a{place}.example.com"), format!("did:plc:a{place}")) },
        Case {
            slug: "mastodon",
            name: |place| (format!("a{place}@social.example.com"), format!("100{place}@social.example.com")),
        },
        Case { slug: "youtube", name: |place| (format!("@acct{place}"), format!("UC{place:0>22}")) },
    ]
}

impl Case {
    /// Three accounts.
    pub(super) fn accounts(&self, known: bool) -> Vec<Account> {
        let mut accounts = self.many(3);
        if !known {
            accounts.iter_mut().for_each(|account| account.platform_user_id = None);
        }
        accounts
    }

    pub(super) fn many(&self, number: u8) -> Vec<Account> {
        let named = |place: u8| {
            let (handle, id) = (self.name)(place.into());
            account(place, &handle, Some(&id))
        };
        (0..number).map(named).collect()
    }

    pub(super) fn platform(&self, gateway: &str) -> Registered {
        let mut tables = BTreeMap::new();
        let key = toml::Table::from_iter([("api_key".to_owned(), toml::Value::from(CANARY))]);
        tables.insert("youtube".to_owned(), key);
        let all = register(&tables, Some(gateway)).expect("a good config");
        all.into_iter().find(|registered| registered.platform.info().slug == self.slug).expect("registered")
    }
}

/// As [`observe_within`] a time that nobody waits for.
pub(super) async fn observe(case: &Case, gateway: &str, accounts: &[Account]) -> (Observed, Api) {
    observe_within(Duration::from_secs(60), case, gateway, accounts).await
}

/// Asks, and checks what holds always: one result an account, in their order here, and nothing that must not be seen.
pub(super) async fn observe_within(
    total: Duration,
    case: &Case,
    gateway: &str,
    accounts: &[Account],
) -> (Observed, Api) {
    let limits = HttpLimits { total, body_bytes: 256 * 1024, ..HttpLimits::default() };
    let client = HttpClient::new(HttpSettings { limits, ..HttpSettings::default() }).expect("good settings");
    let registered = case.platform(gateway);
    let api = Api::new(client, registered.route, NOW);
    let mut observed = registered.platform.observe(&api, accounts).await;
    observed.sort_by_key(|(connection, _)| *connection);
    let ids: BTreeSet<_> = accounts.iter().map(|account| account.connection).collect();
    assert_eq!(observed.iter().map(|(connection, _)| *connection).collect::<Vec<_>>(), Vec::from_iter(ids));
    for (_, result) in &observed {
        let text = match result {
            Ok(observation) => format!("{observation:?}"),
            Err(error) => format!("{error} {error:?}"),
        };
        assert!(!text.contains("canary") && !text.contains("http://"), "{text}");
        assert!(!text.contains(|c: char| c.is_control() || c == '\u{202e}'), "{text}");
    }
    (observed, api)
}

pub(super) fn is_about_posts(asked: &Asked) -> bool {
    ["getAuthorFeed", "statuses", "playlistItems", "videos"].iter().any(|end| asked.path.ends_with(end))
}

/// One platform alone, asked directly for tests of its own oddities.
pub(in crate::platforms) fn api(route: Route) -> Api {
    let client = HttpClient::new(HttpSettings::default()).expect("defaults work");
    Api::new(client, route, NOW)
}

/// The gateway form.
pub(in crate::platforms) fn through(gateway: &str) -> Route {
    Route { gateway: Some(gateway.to_owned()), ..Route::default() }
}

/// An account with the connection's number.
pub(in crate::platforms) fn account(number: u8, handle: &str, id: Option<&str>) -> Account {
    let connection = ConnectionId::from_bytes([0, 0, 0, 0, number]);
    Account { connection, handle: handle.to_owned(), platform_user_id: id.map(str::to_owned) }
}

/// The results in the order of the accounts' numbers.
pub(in crate::platforms) fn in_order(mut observed: Observed) -> Vec<Result<Observation, PlatformError>> {
    observed.sort_by_key(|(connection, _)| *connection);
    observed.into_iter().map(|(_, result)| result).collect()
}

/// Every platform in good health. Account `n` has 1000 + `n` followers.
pub(super) fn healthy(asked: &Asked) -> Reply {
    let path = asked.path.as_str();
    let (host, path) = path[1..].split_once('/').expect("the gateway form");
    match (host, path) {
        ("public.api.bsky.app", "xrpc/app.bsky.actor.getProfiles") => {
            let actors = asked.query.iter().filter(|(name, _)| name == "actors");
            Reply::ok(json!({"profiles": actors.map(|(_, actor)| bluesky(actor)).collect::<Vec<_>>()}))
        }
        ("public.api.bsky.app", "xrpc/app.bsky.actor.getProfile") => Reply::ok(bluesky(asked.param("actor"))),
        ("public.api.bsky.app", "xrpc/app.bsky.feed.getAuthorFeed") => Reply::ok(feed(asked)),
        ("social.example.com", "api/v1/accounts/lookup") => Reply::ok(mastodon(number(asked.param("acct")))),
        ("social.example.com", path) if path.ends_with("/statuses") => Reply::ok(statuses()),
        ("social.example.com", path) => {
            let id = path.strip_prefix("api/v1/accounts/100").expect("only accounts are asked about");
            Reply::ok(mastodon(number(id)))
        }
        ("youtube.googleapis.com", path) => {
            assert_eq!(asked.param("key"), CANARY);
            Reply::ok(youtube(asked, path))
        }
        _ => panic!("{host} {path}"),
    }
}

/// The number in a name or id, whatever is around it.
fn number(text: &str) -> usize {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits.parse().expect("a name with a number")
}

fn bluesky(actor: &str) -> Value {
    let place = number(actor);
    json!({
        "did": format!("did:plc:a{place}"), "handle": format!("a{place}.example.com"), "displayName": "Shown Name",
        "followersCount": 1000 + place, "followsCount": 5, "postsCount": 40,
    })
}

/// Pages of five.
fn feed(asked: &Asked) -> Value {
    let did = asked.param("actor");
    let page: usize = asked.param("cursor").parse().unwrap_or(0);
    let posts: Vec<_> = (page * 5..page * 5 + 5)
        .map(|place| {
            json!({"post": {
                "uri": format!("at://{did}/app.bsky.feed.post/{place}"), "author": {"did": did},
                "record": {"createdAt": "2026-11-20T10:00:00Z"}, "indexedAt": "2026-11-20T10:00:00Z",
                "likeCount": place, "replyCount": 1, "repostCount": 2, "quoteCount": 0,
            }})
        })
        .collect();
    json!({"feed": posts, "cursor": (page + 1).to_string()})
}

fn mastodon(place: usize) -> Value {
    json!({
        "id": format!("100{place}"), "username": format!("a{place}"), "acct": format!("a{place}"),
        "display_name": "Shown Name", "followers_count": 1000 + place, "following_count": 5, "statuses_count": 40,
    })
}

fn statuses() -> Value {
    let status = json!({"id": "1", "created_at": "2026-11-20T10:00:00.000Z", "favourites_count": 20,
        "replies_count": 1, "reblogs_count": 2, "reblog": null, "in_reply_to_id": null});
    Value::Array(vec![status; 15])
}

fn youtube(asked: &Asked, path: &str) -> Value {
    let list = |kind: &str, items: Vec<Value>| json!({"kind": format!("youtube#{kind}ListResponse"), "items": items});
    let ids = || asked.param("id").split(',').filter(|id| !id.is_empty());
    assert!(ids().count() <= 50);
    match path {
        "youtube/v3/channels" => {
            let handle = Some(asked.param("forHandle")).filter(|handle| !handle.is_empty());
            list("channel", handle.into_iter().chain(ids()).map(channel).collect())
        }
        "youtube/v3/playlistItems" => {
            let place = number(asked.param("playlistId"));
            let item = |video: usize| json!({"contentDetails": {"videoId": format!("v{place}-{video}"), "videoPublishedAt": "2026-11-20T10:00:00Z"}});
            list("playlistItem", (0..20).map(item).collect())
        }
        "youtube/v3/videos" => {
            let video = |id| {
                json!({"id": id, "snippet": {"publishedAt": "2026-11-20T10:00:00Z", "liveBroadcastContent": "none"},
                    "statistics": {"viewCount": "900", "likeCount": "20", "commentCount": "1"}})
            };
            list("video", ids().map(video).collect())
        }
        _ => panic!("{path}"),
    }
}

fn channel(name: &str) -> Value {
    let place = number(name);
    json!({
        "id": format!("UC{place:0>22}"), "snippet": {"title": "Shown Name", "customUrl": format!("@Acct{place}")},
        "statistics": {"subscriberCount": (1000 + place).to_string(), "hiddenSubscriberCount": false, "videoCount": "40"},
        "contentDetails": {"relatedPlaylists": {"uploads": format!("UU{place:0>22}")}},
    })
}
