//! Accounts on all platforms, and platforms that serve them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use roster_protocol::ids::ConnectionId;
use roster_protocol::metric::Metric;
use roster_protocol::time::Timestamp;
use serde_json::{Value, json};

use crate::http_client::test_server::{Received, Reply};
use crate::http_client::{Admission, Api, HttpClient, HttpLimits, HttpSettings, Route, SharedGate};
use crate::platforms::consenting::Access;
use crate::platforms::{Account, Observation, Observed, PlatformError, Registered, register};
use crate::process::environment::Environment;
use crate::schedule::gate::Priority;
use crate::secret::Secret;

pub(super) const CANARY: &str = "canary-5f3a";

/// 2026-11-21T12:00:00Z
pub(in crate::platforms) const NOW: Timestamp = Timestamp(1_795_262_400_000);

/// One platform, one kind of request to it, and how its accounts are named.
pub(super) struct Case {
    pub(super) slug: &'static str,
    /// Handle and id.
    name: fn(usize) -> (String, String),
    /// What owners allowed, where they are asked for consent. The token says whose consent it is.
    scopes: Option<&'static [&'static str]>,
    /// What this kind of request does not report, though another one does.
    pub(super) not_reported: &'static [Metric],
    /// The shortest wait after a limit.
    pub(super) shortest_wait: Option<Duration>,
    /// How long the daemon waits after a limit that says nothing.
    default_wait: Option<Duration>,
    /// What its section holds besides its app.
    section: &'static [(&'static str, &'static str)],
}

impl Case {
    const PUBLIC: Self = Self {
        slug: "",
        name: |_| Default::default(),
        scopes: None,
        not_reported: &[],
        shortest_wait: None,
        default_wait: None,
        section: &[],
    };
}

pub(super) fn cases() -> [Case; 9] {
    let youtube: fn(usize) -> (String, String) = |index| (format!("@acct{index}"), format!("UC{index:0>22}"));
    let instagram: fn(usize) -> (String, String) = |index| (format!("acct{index}"), instagram_id(index));
    let hour = Some(Duration::from_secs(3600));
    [
        Case {
            slug: "bluesky",
            name: |index| (format!("a{index}.example.com"), format!("did:plc:a{index}")),
            ..Case::PUBLIC
        },
        Case {
            slug: "facebook",
            name: |index| (format!("acct{index}"), page_id(index)),
            scopes: Some(&["pages_show_list", "pages_read_engagement", "pages_read_user_content", "read_insights"]),
            default_wait: hour,
            ..Case::PUBLIC
        },
        Case {
            slug: "instagram",
            name: instagram,
            scopes: Some(&["instagram_basic", "instagram_manage_insights", "pages_show_list"]),
            default_wait: hour,
            ..Case::PUBLIC
        },
        Case {
            slug: "instagram",
            name: instagram,
            scopes: Some(&["instagram_business_basic", "instagram_business_manage_insights"]),
            default_wait: hour,
            section: &[("login", "instagram")],
            ..Case::PUBLIC
        },
        Case {
            slug: "mastodon",
            name: |index| (format!("a{index}@social.example.com"), format!("100{index}@social.example.com")),
            ..Case::PUBLIC
        },
        Case {
            slug: "tiktok",
            name: |index| (format!("acct{index}"), format!("open-{index}")),
            scopes: Some(&["user.info.basic", "user.info.profile", "user.info.stats", "video.list"]),
            shortest_wait: Some(Duration::from_secs(60)),
            ..Case::PUBLIC
        },
        Case {
            slug: "tiktok",
            name: |index| (format!("acct{index}"), format!("open-{index}")),
            scopes: Some(&[
                "user.info.basic",
                "user.info.username",
                "user.info.stats",
                "video.list",
                "user.insights",
                "video.insights",
            ]),
            // These come with the figures of days.
            not_reported: &[Metric::AudienceMale, Metric::AudienceFemale],
            shortest_wait: Some(Duration::from_secs(60)),
            section: &[("api", "accounts")],
            ..Case::PUBLIC
        },
        Case {
            slug: "youtube",
            name: youtube,
            not_reported: &[Metric::AudienceMale, Metric::AudienceFemale],
            ..Case::PUBLIC
        },
        Case {
            slug: "youtube",
            name: youtube,
            scopes: Some(&["https://www.googleapis.com/auth/youtube.readonly"]),
            ..Case::PUBLIC
        },
    ]
}

impl Case {
    /// Three accounts. Owners' accounts have their ids from the consent.
    pub(super) fn accounts(&self, known: bool) -> Vec<Account> {
        let mut accounts = self.many(3);
        if !known && self.scopes.is_none() {
            accounts.iter_mut().for_each(|account| account.platform_user_id = None);
        }
        accounts
    }

    pub(super) fn many(&self, number: u8) -> Vec<Account> {
        let named = |index: u8| {
            let (handle, id) = (self.name)(index.into());
            Account { access: self.access(index), ..account(index, &handle, Some(&id)) }
        };
        (0..number).map(named).collect()
    }

    fn access(&self, index: u8) -> Option<Access> {
        let scopes = self.scopes?.iter().map(|scope| (*scope).to_owned()).collect();
        Some(Access {
            token: Arc::new(Secret::new(format!("{CANARY}-of-{index}"))),
            derived: None,
            scopes,
            through: None,
        })
    }

    /// How long the daemon waits after a limit that reports this.
    pub(super) fn wait(&self, reported: Option<u64>) -> Option<Duration> {
        reported.map(Duration::from_secs).or(self.default_wait).max(self.shortest_wait)
    }

    pub(super) fn platform(&self, gateway: &str) -> Registered {
        let keys = |keys: &[&str]| -> toml::Table {
            keys.iter().map(|key| ((*key).to_owned(), toml::Value::from(CANARY))).collect()
        };
        let mut tables = BTreeMap::from([
            ("facebook".to_owned(), keys(&["client_id", "client_secret"])),
            ("instagram".to_owned(), keys(&["client_id", "client_secret"])),
            ("tiktok".to_owned(), keys(&["client_key", "client_secret"])),
            ("youtube".to_owned(), keys(&["api_key"])),
        ]);
        let own = self.section.iter().map(|(key, value)| ((*key).to_owned(), toml::Value::from(*value)));
        tables.entry(self.slug.to_owned()).or_default().extend(own);
        let all = register(&tables, Some(gateway), &Environment::default()).expect("a good config");
        all.into_iter().find(|registered| registered.platform.info().slug == self.slug).expect("registered")
    }
}

/// As [`observe_within`], with a timeout that no test reaches.
pub(super) async fn observe(case: &Case, gateway: &str, accounts: &[Account]) -> (Observed, Api) {
    observe_within(Duration::from_secs(60), case, gateway, accounts).await
}

/// Observes, and checks what always holds: one result an account, in their order here, and no secret in sight.
pub(super) async fn observe_within(
    total: Duration,
    case: &Case,
    gateway: &str,
    accounts: &[Account],
) -> (Observed, Api) {
    let limits = HttpLimits { total, body_bytes: 256 * 1024, ..HttpLimits::default() };
    let client = HttpClient::new(HttpSettings { limits, ..HttpSettings::default() }).expect("good settings");
    let registered = case.platform(gateway);
    let (api, _) = gated(case.slug, Api::new(client, registered.route, NOW));
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

pub(super) fn is_about_posts(requested: &Received) -> bool {
    let ends = ["getAuthorFeed", "statuses", "playlistItems", "videos", "video/list/", "/media", "/published_posts"];
    ends.iter().any(|end| requested.path.ends_with(end))
}

/// One platform alone, without a gateway, for tests of its own oddities.
pub(in crate::platforms) fn api(route: Route) -> Api {
    let client = HttpClient::new(HttpSettings::default()).expect("defaults work");
    Api::new(client, route, NOW)
}

/// The same, whose requests pass a gate that knows the platform's limits.
pub(in crate::platforms) fn api_of(slug: &str, route: Route) -> (Api, SharedGate) {
    gated(slug, api(route))
}

fn gated(slug: &str, api: Api) -> (Api, SharedGate) {
    let all = register(&BTreeMap::new(), None, &Environment::default()).expect("defaults work");
    let known = all.into_iter().find(|known| known.platform.info().slug == slug).expect("a platform");
    let gate = SharedGate::default();
    gate.with(|gate| gate.know(slug, known.platform.info().budgets, &BTreeMap::new()));
    (api.through(Admission::new(gate.clone(), Arc::new(|| NOW), slug, Priority::Due)), gate)
}

/// Until when the gate keeps what is due back, in seconds from now.
pub(in crate::platforms) fn kept_back(gate: &SharedGate, slug: &str) -> Option<i64> {
    gate.with(|gate| gate.room(slug, Priority::Due, NOW)).err().map(|spent| spent.until.since(NOW) / 1000)
}

/// The gateway form.
pub(in crate::platforms) fn through(gateway: &str) -> Route {
    Route { gateway: Some(gateway.to_owned()), ..Route::default() }
}

/// An account with the connection's number.
pub(in crate::platforms) fn account(number: u8, handle: &str, id: Option<&str>) -> Account {
    let connection = ConnectionId::from_bytes([0, 0, 0, 0, number]);
    Account {
        connection,
        handle: handle.to_owned(),
        platform_user_id: id.map(str::to_owned),
        access: None,
        days_from: None,
    }
}

/// The results in the order of the accounts' numbers.
pub(in crate::platforms) fn in_order(mut observed: Observed) -> Vec<Result<Observation, PlatformError>> {
    observed.sort_by_key(|(connection, _)| *connection);
    observed.into_iter().map(|(_, result)| result).collect()
}

/// Every platform in good health. Account `n` has 1000 + `n` followers.
pub(super) fn healthy(requested: &Received) -> Reply {
    let path = requested.path.as_str();
    let (host, path) = path[1..].split_once('/').expect("the gateway form");
    match (host, path) {
        ("public.api.bsky.app", "xrpc/app.bsky.actor.getProfiles") => {
            let actors = requested.query.iter().filter(|(name, _)| name == "actors");
            Reply::ok(json!({"profiles": actors.map(|(_, actor)| bluesky(actor)).collect::<Vec<_>>()}))
        }
        ("public.api.bsky.app", "xrpc/app.bsky.actor.getProfile") => Reply::ok(bluesky(requested.param("actor"))),
        ("public.api.bsky.app", "xrpc/app.bsky.feed.getAuthorFeed") => Reply::ok(feed(requested)),
        ("social.example.com", "api/v1/accounts/lookup") => Reply::ok(mastodon(number(requested.param("acct")))),
        ("social.example.com", path) if path.ends_with("/statuses") => Reply::ok(statuses()),
        ("social.example.com", path) => {
            let id = path.strip_prefix("api/v1/accounts/100").expect("only accounts are requested");
            Reply::ok(mastodon(number(id)))
        }
        ("graph.facebook.com" | "graph.instagram.com", path) => Reply::ok(meta(requested, host, path)),
        ("open.tiktokapis.com", path) => Reply::ok(tiktok(requested, path)),
        ("business-api.tiktok.com", path) => Reply::ok(tiktok_accounts(requested, path)),
        ("youtube.googleapis.com", path) => {
            assert!(requested.param("key") == CANARY || owner(requested).is_some());
            Reply::ok(youtube(requested, path))
        }
        ("youtubeanalytics.googleapis.com", "v2/reports") => {
            assert!(owner(requested).is_some());
            Reply::ok(match requested.param("dimensions") {
                "day" => include_str!("../youtube/fixtures/days.json"),
                "country" => include_str!("../youtube/fixtures/countries.json"),
                _ => include_str!("../youtube/fixtures/demographics.json"),
            })
        }
        _ => panic!("{host} {path}"),
    }
}

/// Whose consent the request carries.
fn owner(requested: &Received) -> Option<usize> {
    let header = |name| requested.headers.get(name)?.to_str().ok();
    let token = header("access-token").or_else(|| header("authorization")?.strip_prefix("Bearer "))?;
    token.strip_prefix(CANARY)?.strip_prefix("-of-")?.parse().ok()
}

/// The number in a name or id, whatever is around it.
fn number(text: &str) -> usize {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits.parse().expect("a name with a number")
}

fn bluesky(actor: &str) -> Value {
    let index = number(actor);
    json!({
        "did": format!("did:plc:a{index}"), "handle": format!("a{index}.example.com"), "displayName": "Shown Name",
        "followersCount": 1000 + index, "followsCount": 5, "postsCount": 40,
    })
}

/// Pages of five.
fn feed(requested: &Received) -> Value {
    let did = requested.param("actor");
    let page: usize = requested.param("cursor").parse().unwrap_or(0);
    let posts: Vec<_> = (page * 5..page * 5 + 5)
        .map(|index| {
            json!({"post": {
                "uri": format!("at://{did}/app.bsky.feed.post/{index}"), "author": {"did": did},
                "record": {"createdAt": "2026-11-20T10:00:00Z"}, "indexedAt": "2026-11-20T10:00:00Z",
                "likeCount": index, "replyCount": 1, "repostCount": 2, "quoteCount": 0,
            }})
        })
        .collect();
    json!({"feed": posts, "cursor": (page + 1).to_string()})
}

fn mastodon(index: usize) -> Value {
    json!({
        "id": format!("100{index}"), "username": format!("a{index}"), "acct": format!("a{index}"),
        "display_name": "Shown Name", "followers_count": 1000 + index, "following_count": 5, "statuses_count": 40,
    })
}

fn statuses() -> Value {
    let status = json!({"id": "1", "created_at": "2026-11-20T10:00:00.000Z", "favourites_count": 20,
        "replies_count": 1, "reblogs_count": 2, "reblog": null, "in_reply_to_id": null});
    Value::Array(vec![status; 15])
}

fn page_id(index: usize) -> String {
    format!("20{index:0>9}")
}

fn instagram_id(index: usize) -> String {
    format!("178414{index:0>11}")
}

/// Pages and accounts, each requested with its owner's token: a Page's own token is the same here.
fn meta(requested: &Received, host: &str, path: &str) -> Value {
    let index = owner(requested).expect("only owners send requests");
    assert_eq!(requested.param("appsecret_proof").len(), if host == "graph.facebook.com" { 64 } else { 0 });
    let (page, account) = (page_id(index), instagram_id(index));
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        ["v27.0", id] if *id == page && requested.param("fields") == "access_token" => {
            json!({"access_token": format!("{CANARY}-of-{index}"), "id": page})
        }
        ["v27.0", id] if *id == page => json!({"id": page, "name": "Shown Name", "username": format!("Acct{index}"),
            "followers_count": 1000 + index}),
        ["v27.0", _, "published_posts"] => {
            let summed = |count: u64| json!({"data": [], "summary": {"total_count": count}});
            let post = |post: usize| {
                json!({"id": format!("{page}_{post}"), "created_time": "2026-11-20T10:00:00+0000",
                "shares": {"count": 2}, "reactions": summed(20), "comments": summed(1)})
            };
            json!({"data": (0..15).map(post).collect::<Vec<_>>()})
        }
        ["v27.0", id] => {
            assert!(*id == account || *id == "me", "{id}");
            let id = if *id == "me" { "55" } else { &account };
            json!({"id": id, "user_id": account, "name": "Shown Name", "username": format!("Acct{index}"),
                "followers_count": 1000 + index, "follows_count": 5, "media_count": 40})
        }
        // Pages of five.
        ["v27.0", id, "media"] if *id == account => {
            let page: usize = requested.param("after").parse().unwrap_or(0);
            let media = |media: usize| {
                json!({"id": format!("m{index}-{media}"), "timestamp": "2026-11-20T10:00:00+0000",
                "media_product_type": "FEED", "like_count": 20, "comments_count": 1})
            };
            json!({"data": (page * 5..page * 5 + 5).map(media).collect::<Vec<_>>(),
                "paging": {"cursors": {"after": (page + 1).to_string()}, "next": "https://graph.facebook.com/?x"}})
        }
        ["v27.0", id, "insights"] if *id == account => {
            serde_json::from_str(include_str!("../instagram/fixtures/demographics.json")).expect("JSON")
        }
        ["v27.0", _, "insights"] => {
            let metric = |name: &str| json!({"name": name, "period": "lifetime", "values": [{"value": 900}]});
            json!({"data": requested.param("metric").split(',').map(metric).collect::<Vec<_>>()})
        }
        _ => panic!("{path}"),
    }
}

fn tiktok(requested: &Received, path: &str) -> Value {
    let index = owner(requested).expect("only owners send requests");
    let data = match path {
        "v2/user/info/" => json!({"user": {
            "open_id": format!("open-{index}"), "display_name": "Shown Name", "username": format!("Acct{index}"),
            "follower_count": 1000 + index, "following_count": 5, "video_count": 40,
        }}),
        "v2/video/list/" => {
            let video = |id: usize| {
                json!({"id": id.to_string(), "create_time": 1_795_000_000, "view_count": 900, "like_count": 20,
                    "comment_count": 1, "share_count": 2})
            };
            json!({"videos": (0..15).map(video).collect::<Vec<_>>(), "cursor": 1_795_000_000_000_u64, "has_more": true})
        }
        _ => panic!("{path}"),
    };
    json!({"data": data, "error": {"code": "ok", "message": "", "log_id": "20261121"}})
}

fn tiktok_accounts(requested: &Received, path: &str) -> Value {
    let index = owner(requested).expect("only owners send requests");
    assert_eq!(requested.param("business_id"), format!("open-{index}"));
    let data = match path {
        "open_api/v1.3/business/get/" => json!({
            "display_name": "Shown Name", "username": format!("Acct{index}"), "followers_count": 1000 + index,
            "following_count": 5, "videos_count": 40,
        }),
        "open_api/v1.3/business/video/list/" => {
            let video = |id: usize| {
                json!({"item_id": id.to_string(), "create_time": 1_795_000_000, "video_views": 900, "likes": 20,
                    "comments": 1, "shares": 2, "favorites": 3, "reach": 700})
            };
            json!({"videos": (0..15).map(video).collect::<Vec<_>>(), "cursor": 1_795_000_000_000_u64, "has_more": true})
        }
        _ => panic!("{path}"),
    };
    json!({"code": 0, "message": "OK", "request_id": "20261121", "data": data})
}

fn youtube(requested: &Received, path: &str) -> Value {
    let list = |kind: &str, items: Vec<Value>| json!({"kind": format!("youtube#{kind}ListResponse"), "items": items});
    let ids = || requested.param("id").split(',').filter(|id| !id.is_empty());
    assert!(ids().count() <= 50);
    match path {
        "youtube/v3/channels" => {
            let handle = Some(requested.param("forHandle")).filter(|handle| !handle.is_empty());
            list("channel", handle.into_iter().chain(ids()).map(channel).collect())
        }
        "youtube/v3/playlistItems" => {
            let index = number(requested.param("playlistId"));
            let item = |video: usize| json!({"contentDetails": {"videoId": format!("v{index}-{video}"), "videoPublishedAt": "2026-11-20T10:00:00Z"}});
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
    let index = number(name);
    json!({
        "id": format!("UC{index:0>22}"), "snippet": {"title": "Shown Name", "customUrl": format!("@Acct{index}")},
        "statistics": {"subscriberCount": (1000 + index).to_string(), "hiddenSubscriberCount": false, "videoCount": "40"},
        "contentDetails": {"relatedPlaylists": {"uploads": format!("UU{index:0>22}")}},
    })
}
