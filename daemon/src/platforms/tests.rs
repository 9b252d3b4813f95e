//! One journey for all platforms: well, poisoned, limited, refused, down, nonsense and silence.

pub(super) mod world;

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::strategy::{BoxedStrategy, Just, Strategy};
use roster_protocol::metric::Metric;
use world::{CANARY, Case, cases, healthy, is_about_posts, observe, observe_within};

use super::*;
use crate::http_client::Route;
use crate::http_client::test_server::{Reply, Server};
use crate::process::environment::Environment;

/// JSON texts of the shapes and names that platforms use, with everything wrong that can be.
pub(super) fn json() -> BoxedStrategy<String> {
    const NAMES: &[&str] = &[
        "did",
        "handle",
        "displayName",
        "followersCount",
        "post",
        "uri",
        "author",
        "record",
        "createdAt",
        "likeCount",
        "reason",
        "$type",
        "id",
        "username",
        "acct",
        "followers_count",
        "moved",
        "suspended",
        "statuses_count",
        "created_at",
        "reblog",
        "favourites_count",
        "links",
        "rel",
        "href",
        "items",
        "snippet",
        "title",
        "customUrl",
        "statistics",
        "subscriberCount",
        "hiddenSubscriberCount",
        "contentDetails",
        "relatedPlaylists",
        "uploads",
        "videoId",
        "videoPublishedAt",
        "viewCount",
        "status",
        "error",
        "code",
        "data",
        "user",
        "open_id",
        "follower_count",
        "create_time",
        "like_count",
        "access_token",
        "refresh_token",
        "token_type",
        "expires_in",
        "scope",
        "device_code",
        "verification_url",
        "paging",
        "cursors",
        "after",
        "next",
        "media_count",
        "reactions",
        "summary",
        "total_count",
        "total_value",
        "breakdowns",
        "dimension_keys",
        "results",
        "permissions",
        "error_subcode",
        "user_id",
    ];
    let leaf = proptest::prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        proptest::num::i64::ANY.prop_map(|number| number.to_string()),
        proptest::num::u64::ANY.prop_map(|number| format!("\"{number}\"")),
        proptest::num::f64::ANY.prop_map(|number| serde_json::json!(number).to_string()),
        "\\PC{0,12}".prop_map(|text| serde_json::json!(text).to_string()),
        "[UCdidplc:@2-9]{0,26}".prop_map(|text| serde_json::json!(text).to_string()),
        Just("\"2026-11-21T00:00:00Z\"".to_owned()),
        Just("1e999".to_owned()),
    ];
    let name = proptest::sample::select(NAMES);
    leaf.prop_recursive(4, 64, 8, move |inner| {
        proptest::prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(|items| format!("[{}]", items.join(","))),
            proptest::collection::vec((name.clone(), inner), 0..8).prop_map(|fields| {
                let fields: Vec<_> = fields.into_iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
                format!("{{{}}}", fields.join(","))
            }),
        ]
    })
    .boxed()
}

/// Sends this reply to every request; returns how many requests there were.
async fn all_fail(case: &Case, reply: Reply, expected: impl Fn(&PlatformError) -> bool) -> usize {
    let server = Server::start(move |_| reply.clone()).await;
    let (observed, _) = observe_within(Duration::from_secs(2), case, &server.base, &case.accounts(true)).await;
    for (_, result) in observed {
        let error = result.expect_err(case.slug);
        assert!(expected(&error), "{}: {error:?}", case.slug);
    }
    server.forget()
}

#[tokio::test]
async fn every_account_is_reported_whole_and_requested_by_id_once_known() {
    for case in cases() {
        let server = Server::start(healthy).await;
        let new = case.accounts(false);
        let (observed, _) = observe(&case, &server.base, &new).await;
        let mut known = new.clone();
        for (account, (connection, result)) in known.iter_mut().zip(&observed) {
            let observation = result.as_ref().expect(case.slug);
            assert_eq!((account.connection, &account.handle), (*connection, &observation.handle));
            let metrics = case.platform(&server.base).platform.info().metrics;
            for metric in Metric::ALL {
                let reported = metric.of(&observation.numbers).is_some();
                let expected = metrics.contains(&metric) && !case.not_reported.contains(&metric);
                assert_eq!(reported, expected, "{} {metric}", case.slug);
            }
            assert!(observation.missing.is_empty(), "{:?}", observation.missing);
            account.platform_user_id = Some(observation.platform_user_id.clone());
        }
        for (known, expected) in known.iter().zip(case.accounts(true)) {
            let reported = (&known.handle, &known.platform_user_id);
            assert_eq!(reported, (&expected.handle, &expected.platform_user_id), "{}", case.slug);
        }
        let (again, api) = observe(&case, &server.base, &known).await;
        assert_eq!(again, observed, "{}", case.slug);
        assert_eq!(api.requested_wait(), None);
    }
}

#[tokio::test]
async fn more_accounts_than_a_call_takes_need_several() {
    for case in cases() {
        let server = Server::start(healthy).await;
        let many = case.many(60);
        let (observed, _) = observe(&case, &server.base, &many).await;
        assert!(observed.iter().all(|(_, result)| result.is_ok()), "{}: {observed:?}", case.slug);
    }
}

#[tokio::test]
async fn a_poisoned_count_spoils_itself_alone() {
    for case in cases() {
        let server = Server::start(|requested| match healthy(requested) {
            Reply::Json(status, text) => Reply::Json(status, text.replace("1001", "-1e999")),
            other => other,
        })
        .await;
        let (observed, _) = observe(&case, &server.base, &case.accounts(true)).await;
        for (index, (_, result)) in observed.iter().enumerate() {
            let observation = result.as_ref().expect(case.slug);
            assert_eq!(observation.numbers.followers.is_none(), index == 1, "{}", case.slug);
            assert_eq!(
                (observation.numbers.avg_likes.is_some(), &observation.missing),
                (true, &Vec::new()),
                "{}",
                case.slug
            );
        }
    }
}

#[tokio::test]
async fn a_limit_ends_the_batch_and_says_when_to_come_back() {
    for case in cases() {
        let limited = |reported: Option<u64>| {
            let expected = PlatformError::RateLimited { retry_after: case.wait(reported), of: Limit::Lane };
            move |error: &PlatformError| *error == expected
        };
        let reply = Reply::Headers(429, vec![("retry-after", "30".to_owned())], "{}".to_owned());
        let requested = all_fail(&case, reply, limited(Some(30))).await;
        assert!(requested <= batch::AT_ONCE, "{}: {requested}", case.slug);
        all_fail(&case, Reply::Json(429, String::new()), limited(None)).await;
    }
}

#[tokio::test]
async fn posts_that_are_not_reported_leave_the_counts_and_a_sentence() {
    let limit = vec![("retry-after", "30".to_owned())];
    for (reply, wait) in [
        (Reply::Headers(429, limit, String::new()), Some(30)),
        (Reply::Json(500, "{}".to_owned()), None),
        (Reply::Json(200, "<html>".to_owned()), None),
        (Reply::CutOff("[".to_owned()), None),
    ] {
        for case in cases() {
            let reply = reply.clone();
            let faulty =
                move |requested: &_| if is_about_posts(requested) { reply.clone() } else { healthy(requested) };
            let server = Server::start(faulty).await;
            let accounts = &case.accounts(true)[..1];
            let (observed, api) = observe(&case, &server.base, accounts).await;
            let observation = observed[0].1.as_ref().expect(case.slug);
            assert!(observation.numbers.followers.is_some());
            assert_eq!(observation.numbers.engagement_rate, None);
            assert!(observation.missing[0].starts_with("posts: "), "{:?}", observation.missing);
            assert_eq!(api.requested_wait(), wait.and_then(|reported| case.wait(Some(reported))), "{}", case.slug);
        }
    }
}

#[tokio::test]
async fn refusals_outages_and_nonsense_are_distinguished() {
    let unauthorized = |error: &PlatformError| matches!(error, PlatformError::Unauthorized { .. });
    let unavailable = |error: &PlatformError| matches!(error, PlatformError::Unavailable { .. });
    let unexpected = |error: &PlatformError| matches!(error, PlatformError::Unexpected { .. });
    let confused =
        |error: &PlatformError| matches!(error, PlatformError::Unexpected { .. } | PlatformError::AccountGone { .. });
    for case in cases() {
        // These platforms know no consent.
        let closed = |error: &PlatformError| matches!(error, PlatformError::Closed { .. });
        let refused = |error: &PlatformError| {
            if ["bluesky", "mastodon"].contains(&case.slug) { closed(error) } else { unauthorized(error) }
        };
        all_fail(&case, Reply::Json(401, "{}".to_owned()), refused).await;
        for status in [500, 502, 503, 504] {
            let requested = all_fail(&case, Reply::Json(status, "{}".to_owned()), unavailable).await;
            assert!(requested <= batch::AT_ONCE, "{}: {requested}", case.slug);
        }
        for text in ["", "7", "canary", "{", "{\"items\":", "[[[", "{}", "[]", "{\"profiles\":7,\"items\":7,\"id\":7}"]
        {
            all_fail(&case, Reply::ok(text), unexpected).await;
        }
        all_fail(&case, Reply::ok("[".repeat(10_000)), unexpected).await;
        all_fail(&case, Reply::ok("<!doctype html><title>canary</title>"), unexpected).await;
        for status in [204, 302, 404, 418] {
            all_fail(&case, Reply::Json(status, "<html>canary".to_owned()), confused).await;
        }
    }
}

#[tokio::test]
async fn silence_floods_and_broken_lines_end_soon() {
    let unavailable = |error: &PlatformError| matches!(error, PlatformError::Unavailable { .. });
    let unexpected = |error: &PlatformError| matches!(error, PlatformError::Unexpected { .. });
    let silences = |case: Case| async move {
        for reply in [Reply::Silence, Reply::Drip, Reply::CutOff("{\"items\":[".to_owned())] {
            all_fail(&case, reply, unavailable).await;
        }
    };
    futures::future::join_all(cases().map(silences)).await;
    // One flood at a time, so that on a busy machine each ends by its size and not by the timeout.
    for case in cases() {
        for reply in [Reply::Endless, Reply::Huge, Reply::gzip_bomb()] {
            all_fail(&case, reply, unexpected).await;
        }
    }
}

#[tokio::test]
async fn a_dead_gateway_is_our_network_and_not_theirs() {
    for case in cases() {
        let (observed, _) = observe(&case, "http://127.0.0.1:1", &case.accounts(true)).await;
        assert!(
            observed.iter().all(|(_, result)| matches!(result, Err(PlatformError::Network { .. }))),
            "{observed:?}"
        );
    }
}

#[tokio::test]
async fn names_of_theirs_are_harmless() {
    for case in cases() {
        let server = Server::start(|requested| match healthy(requested) {
            Reply::Json(status, text) => {
                Reply::Json(status, text.replace("Shown Name", "\\u001b]52;c;aGk=\\u0007\\u202eMara\\r\\nL"))
            }
            other => other,
        })
        .await;
        let (observed, _) = observe(&case, &server.base, &case.accounts(true)).await;
        for (_, result) in observed {
            assert_eq!(result.expect(case.slug).display_name.as_deref(), Some("]52;c;aGk=Mara L"));
        }
    }
}

#[test]
fn sections_are_checked_to_the_key() {
    let read = |text: &str| {
        let tables: BTreeMap<String, toml::Table> = toml::from_str(text).expect(text);
        register(&tables, Some("http://127.0.0.1:9900/"), &Environment::default())
    };
    let check = |text: &str, key: &str, message: &str| {
        let problem = read(text).err().expect(text);
        assert!(!problem.to_string().contains(CANARY), "{problem}");
        assert_eq!((problem.key.as_str(), problem.message.contains(message)), (key, true), "{problem}");
    };
    check("[youtub]", "platforms.youtub", "did you mean youtube?");
    check("[youtube]\napi_keyfile = 'x'", "platforms.youtube.api_keyfile", "did you mean api_key_file?");
    check("[youtube]\nzzz = 'x'", "platforms.youtube.zzz", "known are enabled, ");
    check("[youtube]\napi_key = ['canary-5f3a']", "platforms.youtube.api_key", "wrong type");
    check("[youtube]\nenabled = 'canary-5f3a'", "platforms.youtube.enabled", "wrong type");
    check("[youtube]\napi_key = ' '", "platforms.youtube.api_key", "empty");
    check("[youtube]\napi_key = 'canary-5f3a'\napi_key_file = 'x'", "platforms.youtube.api_key_file", "either");
    check("[youtube]\napi_key_file = '/etc/no-such-key'", "platforms.youtube.api_key_file", "/etc/no-such-key");
    // Where nothing looks like a path, it may be the secret itself.
    check("[youtube]\napi_key_file = '/canary-5f3a/key'", "platforms.youtube.api_key_file", "no such file");
    check("[bluesky]\napi_url = 'http://canary-5f3a.example.com'", "platforms.bluesky.api_url", "https");
    check(
        "[bluesky]\ngateway = 'https://a.example'\napi_url = 'https://b.example'",
        "platforms.bluesky.api_url",
        "either",
    );
    check("[mastodon]\nprivate_hosts = ['a/b']", "platforms.mastodon.private_hosts", "hosts");
    check("[instagram]\nlogin = 'canary-5f3a'", "platforms.instagram.login", "facebook or instagram");
    check("[tiktok]\napi = 'canary-5f3a'", "platforms.tiktok.api", "display or accounts");
    check("[facebook]\nversion = 'canary-5f3a'", "platforms.facebook.version", "v27.0");
    check("[mastodon]\nprivate_hosts = 7", "platforms.mastodon.private_hosts", "wrong type");
    let problem = register(&BTreeMap::new(), Some("http://gateway.example.com"), &Environment::default())
        .err()
        .expect("no loopback");
    assert_eq!(problem.key, "sync.gateway");

    let all = read(
        "[bluesky]\napi_url = 'http://localhost:2584'\n[mastodon]\nenabled = false\nprivate_hosts = ['LOCALHOST:8901']",
    )
    .expect("a good config");
    let [bluesky, _, _, mastodon, _, youtube] = all.as_slice() else { panic!("six platforms") };
    let of = |platform: &str| Route { platform: platform.to_owned(), ..Route::default() };
    assert_eq!(bluesky.route, Route { api_url: Some("http://localhost:2584".to_owned()), ..of("bluesky") });
    let gateway = Some("http://127.0.0.1:9900".to_owned());
    let private_hosts = vec!["localhost:8901".to_owned()];
    assert_eq!(mastodon.route, Route { gateway: gateway.clone(), private_hosts, ..of("mastodon") });
    assert_eq!(youtube.route, Route { gateway, ..of("youtube") });
    assert_eq!((bluesky.enabled, mastodon.enabled, youtube.enabled), (true, false, true));
    assert!(youtube.platform.lacks().is_some());
    assert_eq!(slugs(), ["bluesky", "facebook", "instagram", "mastodon", "tiktok", "youtube"]);
    assert_eq!(known_keys("mastodon"), Some(["enabled", "gateway", "budget", "derived", "private_hosts"].to_vec()));
}
