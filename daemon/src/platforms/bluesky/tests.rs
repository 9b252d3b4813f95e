//! Bluesky's own oddities, over HTTP.

use serde_json::json;

use super::*;
use crate::http_client::test_server::{Received, Reply, Server};
use crate::platforms::PlatformError;
use crate::platforms::tests::world::{account, api, api_of, in_order, kept_back, through};

#[test]
fn handles_and_profile_urls_become_canonical() {
    let check = |text: &str, expected: &str| assert_eq!(canonical(text).as_deref(), Ok(expected), "{text}");
    check("mara.example.com", "mara.example.com");
    check(" @Mara.Example.COM ", "mara.example.com");
    check("\u{202a}@mara.example.com\u{202c}", "mara.example.com");
    check("https://bsky.app/profile/mara.example.com", "mara.example.com");
    check("bsky.app/profile/mara.example.com/post/3k", "mara.example.com");
    check("https://bsky.app/profile/did:plc:abc234", "did:plc:abc234");
    check("did:plc:abc234", "did:plc:abc234");
    check("did:web:example.com", "did:web:example.com");
    check("at://did:plc:abc234/app.bsky.feed.post/3k", "did:plc:abc234");
    check("at://mara.example.com", "mara.example.com");
    check("mära.example.com", "xn--mra-qla.example.com");
    check("https://bsky.app/profile/ma%CC%88ra.example.com", "xn--mra-qla.example.com");
    for bad in [
        "",
        "@",
        "mara",
        "mara..com",
        "-a.com",
        "a_b.com",
        "mara.1com",
        "did:plc:",
        "did:key:z",
        "a b.com",
        "https://bsky.app/",
        "https://elsewhere.example/profile/x.example.com",
        "ü@mara.example.com",
        "mära.example.com:80",
        "mära",
        "x@y.com",
    ] {
        assert!(canonical(bad).is_err(), "{bad}");
    }
    assert!(canonical(&format!("{}.com", "a".repeat(64))).is_err());
}

fn end_of(requested: &Received) -> &str {
    requested.path.rsplit('.').next().unwrap_or_default()
}

#[tokio::test]
async fn accounts_left_out_of_the_response_are_requested_for_the_reason() {
    let server = Server::start(|requested| match (end_of(requested), requested.param("actor")) {
        ("getProfiles", _) => Reply::ok(json!({"profiles": []})),
        (_, "did:plc:off") => Reply::Json(400, json!({"error": "AccountDeactivated", "message": "x"}).to_string()),
        (_, "did:plc:down") => Reply::Json(400, json!({"error": "AccountTakedown", "message": "x"}).to_string()),
        (_, "new.example.com") => {
            Reply::Json(400, json!({"error": "InvalidRequest", "message": "Profile not found"}).to_string())
        }
        (_, did) => Reply::ok(json!({"did": did, "handle": "late.example.com", "postsCount": 0})),
    })
    .await;
    let accounts = [
        account(0, "off.example.com", Some("did:plc:off")),
        account(1, "down.example.com", Some("did:plc:down")),
        account(2, "new.example.com", None),
        account(3, "old.example.com", Some("did:plc:late")),
    ];
    let observed = in_order(ask::observe(&api(through(&server.base)), &accounts).await);
    let gone = |index: usize, word: &str| match &observed[index] {
        Err(PlatformError::AccountGone { what }) => assert!(what.contains(word), "{what}"),
        other => panic!("{other:?}"),
    };
    gone(0, "deactivated");
    gone(1, "suspended");
    gone(2, "no such account");
    assert_eq!(observed[3].as_ref().map(|reported| reported.handle.as_str()), Ok("late.example.com"));
    assert_eq!(server.requested().len(), 5, "no posts are requested of accounts without posts");
}

#[tokio::test]
async fn one_odd_actor_does_not_spoil_the_others() {
    let server = Server::start(|requested| match (end_of(requested), requested.param("actor")) {
        ("getProfiles", _) | (_, "odd.example.com") => {
            Reply::Json(400, json!({"error": "InvalidRequest", "message": "Invalid params"}).to_string())
        }
        (_, handle) => Reply::ok(json!({"did": "did:plc:mara", "handle": handle, "postsCount": 0})),
    })
    .await;
    let accounts = [account(0, "odd.example.com", None), account(1, "mara.example.com", None)];
    let observed = in_order(ask::observe(&api(through(&server.base)), &accounts).await);
    assert!(matches!(&observed[0], Err(PlatformError::Unexpected { .. })), "{observed:?}");
    assert!(observed[1].is_ok());
}

#[tokio::test]
async fn a_suspended_account_that_fails_the_call_costs_itself_alone() {
    let server = Server::start(|requested| match (end_of(requested), requested.param("actor")) {
        ("getProfiles", _) if requested.query.iter().any(|(_, actor)| actor == "did:plc:a3") => {
            Reply::Json(500, json!({"error": "InternalServerError", "message": "x"}).to_string())
        }
        ("getProfiles", _) => {
            let actors =
                requested.query.iter().map(|(_, did)| json!({"did": did, "handle": "a.example.com", "postsCount": 0}));
            Reply::ok(json!({"profiles": actors.collect::<Vec<_>>()}))
        }
        (_, "did:plc:a3") => Reply::Json(400, json!({"error": "AccountTakedown", "message": "x"}).to_string()),
        (_, did) => Reply::ok(json!({"did": did, "handle": "a.example.com", "postsCount": 0})),
    })
    .await;
    for (count, most) in [(6, 7), (25, 11)] {
        let accounts: Vec<_> =
            (0..count).map(|n| account(n, "a.example.com", Some(&format!("did:plc:a{n}")))).collect();
        let observed = in_order(ask::observe(&api(through(&server.base)), &accounts).await);
        for (n, result) in observed.iter().enumerate() {
            match result {
                Ok(observation) => assert_eq!(observation.platform_user_id, format!("did:plc:a{n}")),
                Err(PlatformError::AccountGone { what }) => {
                    assert!(n == 3 && what.contains("suspended"), "{n}: {what}")
                }
                Err(error) => panic!("{n}: {error:?}"),
            }
        }
        let requested = server.forget();
        assert!(requested <= most, "{requested} requests for {count}");
    }
}

#[tokio::test]
async fn pages_are_turned_until_twelve_posts_or_the_last_page() {
    let repost = json!({"post": {"uri": "at://x", "author": {"did": "did:plc:x"}},
        "reason": {"$type": "app.bsky.feed.defs#reasonRepost"}});
    let own = |uri: &str| json!({"post": {"uri": uri, "author": {"did": "did:plc:mara"}, "likeCount": 7}});
    let page = move |requested: &Received| match requested.param("cursor") {
        "" => json!({"feed": [repost, own("at://1")], "cursor": "a"}),
        "a" => json!({"feed": [own("at://1"), own("at://2")], "cursor": "b"}),
        _ => json!({"feed": [own("at://3")]}),
    };
    let server = Server::start(move |requested| match end_of(requested) {
        "getAuthorFeed" => Reply::ok(page(requested)),
        _ => Reply::ok(json!({"did": "did:plc:mara", "handle": "mara.example.com", "followersCount": 70})),
    })
    .await;
    let accounts = [account(0, "mara.example.com", Some("did:plc:mara"))];
    let observed = in_order(ask::observe(&api(through(&server.base)), &accounts).await);
    let reported = observed[0].as_ref().expect("reported");
    assert_eq!(reported.numbers.avg_likes.map(|mean| mean.as_f64()), Some(7.0));
    assert_eq!(reported.numbers.engagement_rate.map(|rate| rate.as_f64()), Some(0.1));
    let requested = server.requested();
    let cursors: Vec<_> = requested.iter().skip(1).map(|requested| requested.param("cursor")).collect();
    assert_eq!(cursors, ["", "a", "b"]);
    assert_eq!(requested[1].param("filter"), "posts_no_replies");
}

#[tokio::test]
async fn a_window_that_is_used_up_is_heeded() {
    let headers = vec![
        ("RateLimit-Limit", "3000".to_owned()),
        ("RateLimit-Remaining", "0".to_owned()),
        ("RateLimit-Reset", "1795262460".to_owned()),
    ];
    let server = Server::start(move |_| {
        let profile = json!({"did": "did:plc:mara", "handle": "mara.example.com", "followersCount": 7});
        Reply::Headers(200, headers.clone(), profile.to_string())
    })
    .await;
    let (api, gate) = api_of(SLUG, through(&server.base));
    let observed = in_order(ask::observe(&api, &[account(0, "mara.example.com", None)]).await);
    let reported = observed[0].as_ref().expect("the response itself was good");
    assert_eq!((reported.numbers.followers, reported.missing.len()), (Some(7), 1));
    assert_eq!((kept_back(&gate, SLUG), api.requested_wait()), (Some(60), None));
    assert_eq!(server.requested().len(), 1);
}

#[tokio::test]
async fn another_appview_gets_requests_directly() {
    let server = Server::start(|_| Reply::Json(501, json!({"error": "MethodNotImplemented"}).to_string())).await;
    let route = crate::http_client::Route { api_url: Some(server.base.clone()), ..Default::default() };
    let observed = in_order(ask::observe(&api(route), &[account(0, "mara.example.com", None)]).await);
    assert!(matches!(&observed[0], Err(PlatformError::Unconfigured { .. })), "{observed:?}");
    assert_eq!(server.requested()[0].path, "/xrpc/app.bsky.actor.getProfile");
}
