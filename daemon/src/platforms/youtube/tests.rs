//! YouTube's own oddities, over HTTP.

mod consented;
mod reports;

use std::time::Duration;

use roster_protocol::metric::Mean;
use serde_json::json;

use super::*;
use crate::http_client::test_server::{Received, Reply, Server};
use crate::oauth::Provider;
use crate::platforms::tests::world::{account, api, in_order, through};
use crate::platforms::{Limit, Observation, PlatformError};

#[test]
fn handles_and_channel_urls_become_canonical() {
    const ID: &str = "UCmara-_0123456789abcdef";
    let check = |text: &str, expected: &str| assert_eq!(canonical(text).as_deref(), Ok(expected), "{text}");
    check("@MaraMakes", "@MaraMakes");
    check("maramakes", "@maramakes");
    check(" @mara.makes-2_x ", "@mara.makes-2_x");
    check("https://www.youtube.com/@MaraMakes/videos", "@MaraMakes");
    check("youtube.com/@maramakes?si=abc", "@maramakes");
    check("https://www.youtube.com/@%E3%81%BE%E3%82%89%E3%81%95", "@まらさ");
    for name in ["@น้ำตกสีฟ้า", "@हिन्दीज्ञान", "@தமிழ்வழி", "@বাংলাক্লাস", "@日本", "@하루", "@猫", "@İzmirGündem", "@ab"]
    {
        check(name, name);
        check(&format!("https://www.youtube.com/{name}/videos"), name);
        let encoded = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC).to_string();
        check(&encoded, name);
        check(&format!("https://www.youtube.com/{encoded}"), name);
    }
    check("@cafe\u{301}nuit", "@cafénuit");
    check("https://www.youtube.com/@cafe%CC%81nuit", "@cafénuit");
    check(ID, ID);
    check(&format!("https://www.youtube.com/channel/{ID}"), ID);
    for bad in [
        "",
        "@",
        "two words",
        "two%20words",
        "@a%2Fb",
        "@%1b",
        "@a?b",
        "@a#b",
        "@a&b",
        "a@b",
        "https://www.youtube.com/watch?v=x",
        "https://www.youtube.com/c/mara",
        "https://elsewhere.example/@maramakes",
        "https://www.youtube.com/channel/short",
        &"x".repeat(201),
    ] {
        assert!(canonical(bad).is_err(), "{bad}");
    }
}

fn by_key() -> YouTube {
    YouTube::new(Some(Secret::new("k")), None)
}

#[test]
fn without_key_and_app_it_says_what_to_set() {
    let app = || {
        Some(OAuthApp {
            id: "id-1".to_owned(),
            secret: Secret::new("s"),
            redirect_uri: None,
            scopes: None,
            config_id: None,
        })
    };
    let lacking = YouTube::new(None, None);
    assert!(Platform::lacks(&lacking).is_some_and(|lacks| lacks.contains("api_key_file")));
    let lacks = Provider::lacks(&lacking);
    assert!(lacks.is_some_and(|lacks| lacks.contains("client_secret_file")));
    assert_eq!(Platform::lacks(&by_key()), None);
    let consenting = YouTube::new(None, app());
    assert_eq!((Platform::lacks(&consenting), Provider::lacks(&consenting)), (None, None));
}

const ID: &str = "UC0000000000000000000001";

async fn observe(server: &Server, accounts: &[Account]) -> Vec<Result<Observation, PlatformError>> {
    in_order(by_key().observe(&api(through(&server.base)), accounts).await)
}

fn refusal(status: u16, reason: &str) -> Reply {
    let body = json!({"error": {"code": status, "message": "canary", "errors": [{"reason": reason}]}});
    Reply::Json(status, body.to_string())
}

fn channels(requested: &Received) -> Reply {
    let items: Vec<_> = requested
        .param("id")
        .split(',')
        .filter(|id| *id == ID)
        .map(|id| {
            json!({"id": id, "statistics": {"subscriberCount": "2000", "videoCount": "0"},
                "contentDetails": {"relatedPlaylists": {"uploads": "UU1"}}})
        })
        .collect();
    // Where nothing is found the response holds no list at all.
    let list = json!({"kind": "youtube#channelListResponse"});
    if items.is_empty() { Reply::ok(list) } else { Reply::ok(json!({"kind": "x", "items": items})) }
}

#[tokio::test]
async fn what_is_left_out_is_gone_and_the_rest_is_reported() {
    let server = Server::start(|requested| match requested.path.as_str() {
        path if path.ends_with("channels") => channels(requested),
        _ => refusal(404, "playlistNotFound"),
    })
    .await;
    let accounts = [
        account(0, "@one", Some(ID)),
        account(1, "@two", Some("UC0000000000000000000002")),
        account(2, "@new", None),
        account(3, ID, None),
    ];
    let observed = observe(&server, &accounts).await;
    for there in [&observed[0], &observed[3]] {
        let reported = there.as_ref().expect("reported");
        assert_eq!((reported.numbers.followers, reported.numbers.posts), (Some(2000), Some(0)));
        assert_eq!(
            (reported.numbers.avg_likes, reported.missing.as_slice()),
            (None, [].as_slice()),
            "a channel without videos"
        );
    }
    for gone in [&observed[1], &observed[2]] {
        assert!(matches!(gone, Err(PlatformError::AccountGone { .. })), "{gone:?}");
    }
    let requested = server.requested();
    let handles: Vec<_> =
        requested.iter().map(|requested| requested.param("forHandle")).filter(|text| !text.is_empty()).collect();
    assert_eq!(handles, ["@new"]);
}

/// A channel whose newest uploads are `announced` broadcasts; below them are `finished` videos of 100 likes.
async fn with_announced(announced: usize, finished: usize) -> (Observation, Vec<Received>) {
    let total = announced + finished;
    let server = Server::start(move |requested| {
        let list = |items: Vec<serde_json::Value>, next: Option<String>| {
            Reply::ok(json!({"kind": "x", "items": items, "nextPageToken": next}))
        };
        match requested.path.rsplit('/').next() {
            Some("channels") => Reply::ok(json!({"kind": "x", "items": [{"id": ID,
                "statistics": {"subscriberCount": "2000", "videoCount": total.to_string()},
                "contentDetails": {"relatedPlaylists": {"uploads": "UU1"}}}]})),
            Some("playlistItems") => {
                let from: usize = requested.param("pageToken").parse().unwrap_or(0);
                let to = (from + 50).min(total);
                let at = |video: usize| format!("2026-11-{:02}T{:02}:00:00Z", 20 - video / 24, 23 - video % 24);
                let item = |video: usize| json!({"contentDetails": {"videoId": format!("v{video}"), "videoPublishedAt": at(video)}});
                list((from..to).map(item).collect(), (to < total).then(|| to.to_string()))
            }
            _ => {
                assert_eq!(requested.param("maxResults"), "", "not supported beside id");
                let video = |id: &str| {
                    let is_announced = id[1..].parse::<usize>().is_ok_and(|video| video < announced);
                    let (state, likes) = if is_announced { ("upcoming", "0") } else { ("none", "100") };
                    json!({"id": id, "snippet": {"publishedAt": "2026-11-20T10:00:00Z", "liveBroadcastContent": state},
                        "statistics": {"viewCount": "900", "likeCount": likes}})
                };
                list(requested.param("id").split(',').map(video).collect(), None)
            }
        }
    })
    .await;
    let mut observed = observe(&server, &[account(0, "@one", Some(ID))]).await;
    (observed.remove(0).expect("a channel"), server.requested())
}

#[tokio::test]
async fn a_list_of_uploads_that_has_not_changed_is_not_sent_again() {
    let uploads = std::sync::Arc::new(parking_lot::Mutex::new(("e1", vec!["v1", "v2"])));
    let now = uploads.clone();
    let server = Server::start(move |requested| match requested.path.rsplit('/').next() {
        Some("channels") => Reply::ok(json!({"kind": "x", "etag": "c", "items": [{"id": ID,
            "statistics": {"subscriberCount": "2000", "videoCount": "2"},
            "contentDetails": {"relatedPlaylists": {"uploads": "UU1"}}}]})),
        Some("playlistItems") => {
            let (etag, ids) = now.lock().clone();
            let known = requested.headers.get("if-none-match").map(|known| known.to_str().expect("a text").to_owned());
            let item =
                |id: &&str| json!({"contentDetails": {"videoId": id, "videoPublishedAt": "2026-11-20T10:00:00Z"}});
            match known == Some(format!("\"{etag}\"")) {
                true => Reply::Json(304, String::new()),
                false => {
                    Reply::ok(json!({"kind": "x", "etag": etag, "items": ids.iter().map(item).collect::<Vec<_>>()}))
                }
            }
        }
        _ => {
            let video = |id: &str| {
                json!({"id": id, "snippet": {"publishedAt": "2026-11-20T10:00:00Z", "liveBroadcastContent": "none"},
                    "statistics": {"viewCount": "900", "likeCount": if id == "v3" { "400" } else { "100" }}})
            };
            Reply::ok(json!({"kind": "x", "items": requested.param("id").split(',').map(video).collect::<Vec<_>>()}))
        }
    })
    .await;
    let youtube = by_key();
    let api = api(through(&server.base));
    let mean = async || {
        let one = [account(0, "@one", Some(ID))];
        let mut observed = in_order(Platform::observe(&youtube, &api, &one).await);
        observed.remove(0).expect("a channel").numbers.avg_likes
    };
    let sent = || {
        let lists = server.requested().into_iter().filter(|requested| requested.path.ends_with("playlistItems"));
        lists.map(|list| list.headers.contains_key("if-none-match")).collect::<Vec<_>>()
    };
    assert_eq!((mean().await, mean().await), (Some(Mean(10_000)), Some(Mean(10_000))));
    assert_eq!(sent(), [false, true]);
    // The counts of the videos are read each time, and a new upload changes the list.
    *uploads.lock() = ("e2", vec!["v3", "v1", "v2"]);
    assert_eq!(mean().await, Some(Mean(20_000)));
}

#[tokio::test]
async fn of_videos_that_are_over_only_the_counts_are_read_again() {
    let is_refused = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let refused = is_refused.clone();
    let server = Server::start(move |requested| match requested.path.rsplit('/').next() {
        Some("channels") => Reply::ok(json!({"kind": "x", "items": [{"id": ID,
            "statistics": {"subscriberCount": "2000", "videoCount": "2"},
            "contentDetails": {"relatedPlaylists": {"uploads": "UU1"}}}]})),
        Some("playlistItems") => {
            let item =
                |id: &str| json!({"contentDetails": {"videoId": id, "videoPublishedAt": "2026-11-20T10:00:00Z"}});
            let items = ["v1", "v2", "v3"].map(item);
            Reply::ok(json!({"kind": "x", "items": items}))
        }
        Some("videos") => {
            let video = |id: &str| {
                let state = if id == "v3" { "upcoming" } else { "none" };
                json!({"id": id, "snippet": {"publishedAt": "2026-11-20T10:00:00Z", "liveBroadcastContent": state},
                    "statistics": {"viewCount": "900", "likeCount": "100"}})
            };
            Reply::ok(json!({"kind": "x", "items": requested.param("id").split(',').map(video).collect::<Vec<_>>()}))
        }
        _ if refused.load(std::sync::atomic::Ordering::Relaxed) => refusal(404, "notFound"),
        // One of the two is left out.
        _ => Reply::ok(json!({"kind": "youtube#batchGetStatsResponse", "items": [{"id": "v1",
            "snippet": {"publishTime": "2026-11-20T10:00:00Z"}, "statistics": {"likeCount": "300", "viewCount": "901"}}]})),
    })
    .await;
    let (youtube, api) = (by_key(), api(through(&server.base)));
    let sync = async || {
        let before = server.requested().len();
        let one = [account(0, "@one", Some(ID))];
        let observed = in_order(Platform::observe(&youtube, &api, &one).await).remove(0).expect("a channel");
        let of_videos = server.requested().into_iter().skip(before).filter(|it| it.path.contains("/videos"));
        let ids = of_videos.map(|it| format!("{}={}", it.path.rsplit('/').next().unwrap_or_default(), it.param("id")));
        (observed.numbers.avg_likes, ids.collect::<Vec<_>>())
    };
    assert_eq!(sync().await, (Some(Mean(10_000)), vec!["videos=v1,v2,v3".to_owned()]));
    // What is announced changes its state, and what is missing may be gone.
    let both = vec!["videos:batchGetStats=v1,v2".to_owned(), "videos=v2,v3".to_owned()];
    assert_eq!(sync().await, (Some(Mean(20_000)), both));
    is_refused.store(true, std::sync::atomic::Ordering::Relaxed);
    let (likes, asked) = sync().await;
    assert_eq!((likes, asked.len()), (Some(Mean(10_000)), 2), "{asked:?}");
    assert_eq!(sync().await.1, ["videos=v1,v2,v3"], "for a while");
}

#[tokio::test]
async fn announced_broadcasts_do_not_hide_finished_videos() {
    for (announced, finished, most) in
        [(0, 30, 3), (4, 30, 4), (20, 20, 4), (49, 12, 6), (60, 30, 6), (0, 3, 3), (20, 3, 4)]
    {
        let (reported, requested) = with_announced(announced, finished).await;
        let likes = reported.numbers.avg_likes.map(|mean| mean.as_f64());
        assert_eq!((likes, reported.missing.len()), (Some(100.0), 0), "{announced} above {finished}");
        assert!(requested.len() <= most, "{announced} above {finished}: {} requests", requested.len());
    }
    let (reported, requested) = with_announced(95, 60).await;
    assert_eq!(reported.missing, ["posts: of the 100 newest uploads only 5 are finished public videos"]);
    assert_eq!((reported.numbers.avg_likes.map(|mean| mean.as_f64()), requested.len() <= 7), (Some(100.0), true));
}

#[tokio::test]
async fn a_channel_that_fails_the_request_costs_itself_alone() {
    const BAD: &str = "UC0000000000000000000003";
    let server = Server::start(|requested| {
        let ids: Vec<&str> = requested.param("id").split(',').collect();
        match requested.path.ends_with("channels") {
            true if ids.contains(&BAD) => refusal(500, "backendError"),
            true => {
                let channel =
                    |id: &&str| json!({"id": id, "statistics": {"subscriberCount": "2000", "videoCount": "0"}});
                Reply::ok(json!({"kind": "x", "items": ids.iter().map(channel).collect::<Vec<_>>()}))
            }
            false => refusal(404, "playlistNotFound"),
        }
    })
    .await;
    let accounts: Vec<_> = (0..50).map(|n| account(n, "@one", Some(&format!("UC{n:022}")))).collect();
    let observed = observe(&server, &accounts).await;
    let failed: Vec<usize> = (0..50).filter(|n| observed[*n].is_err()).collect();
    assert_eq!(failed, [3]);
    assert!(server.requested().len() <= 13, "{}", server.requested().len());
}

#[tokio::test]
async fn a_used_up_quota_holds_everything_until_it_returns() {
    let server = Server::start(|requested| match requested.path.as_str() {
        path if path.ends_with("channels") => channels(requested),
        _ => refusal(403, "quotaExceeded"),
    })
    .await;
    let api = api(through(&server.base));
    let accounts = [account(0, "@one", Some(ID))];
    let observed = in_order(by_key().observe(&api, &accounts).await);
    assert_eq!(observed[0].as_ref().map(|reported| reported.missing.len()), Ok(1));
    assert_eq!(api.requested_wait(), Some(Duration::from_secs(20 * 3600)));

    let server = Server::start(|_| refusal(403, "quotaExceeded")).await;
    let observed = observe(&server, &accounts).await;
    let expected = PlatformError::RateLimited { retry_after: Some(Duration::from_secs(20 * 3600)), of: Limit::Lane };
    assert_eq!(observed, [Err(expected)]);
}

#[tokio::test]
async fn a_bad_key_names_what_to_set() {
    for (status, reason) in [(400, "keyInvalid"), (403, "accessNotConfigured"), (403, "ipRefererBlocked")] {
        let server = Server::start(move |_| refusal(status, reason)).await;
        let accounts = [account(0, "@one", Some(ID)), account(1, "@new", None)];
        for result in observe(&server, &accounts).await {
            assert!(
                matches!(&result, Err(PlatformError::Unconfigured { what }) if !what.contains("canary")),
                "{result:?}"
            );
        }
        assert_eq!(server.requested().len(), 1, "{reason}");
    }
}
