//! Mastodon's own oddities, over HTTP.

use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::http_client::Route;
use crate::http_client::test_server::{Received, Reply, Server};
use crate::platforms::tests::world::{account, api, api_of, in_order, kept_back, through};
use crate::platforms::{Limit, Observation, PlatformError};

#[test]
fn handles_and_profile_urls_become_canonical() {
    let allowed = ["localhost:8901".to_owned()];
    let check = |text: &str, expected: &str| assert_eq!(canonical(text, &allowed).as_deref(), Ok(expected), "{text}");
    check("mara@social.example.com", "mara@social.example.com");
    check(" @Mara@Social.Example.com ", "mara@social.example.com");
    check("acct:mara@social.example.com", "mara@social.example.com");
    check("https://social.example.com/@mara", "mara@social.example.com");
    check("social.example.com/@mara/1170", "mara@social.example.com");
    check("https://social.example.com/@mara@other.example.com", "mara@other.example.com");
    check("https://social.example.com/users/mara", "mara@social.example.com");
    check("mara@bücher.example", "mara@xn--bcher-kva.example");
    check("mara@bu\u{308}cher.example", "mara@xn--bcher-kva.example");
    check("ma\u{301}ra@host.example", "mára@host.example");
    check("https://host.example/@%E7%8C%AB", "猫@host.example");
    check("mara@localhost:8901", "mara@localhost:8901");
    check("mara@social.example.com:8443", "mara@social.example.com:8443");
    for bad in [
        "",
        "mara",
        "@mara",
        "@",
        "mara@",
        "@@host.example",
        "a b@host.example",
        "mara@ho st",
        "mara@localhost",
        "mara@host.example/../x",
        "mara@host.example?x",
        "x@y@z.example",
        "https://host.example/about",
        ".@host.example",
        "mara@user:word@host.example",
        "mara@host.example#x",
    ] {
        assert!(canonical(bad, &allowed).is_err(), "{bad}");
    }
}

#[test]
fn one_instance_is_one_group() {
    let platform = Mastodon { private_hosts: Vec::new() };
    assert_eq!(platform.group("mara@social.example.com"), "social.example.com");
    assert_eq!(platform.group("nonsense"), "");
}

const HANDLE: &str = "mara@example.com";

fn mara(id: &str) -> Value {
    json!({"id": id, "username": "Mara", "acct": "Mara", "followers_count": 7, "following_count": 1, "statuses_count": 2})
}

fn missing() -> Reply {
    Reply::Headers(404, vec![("content-type", "text/html".to_owned())], "<h1>404 Not Found</h1>".to_owned())
}

async fn observe_one(server: &Server, id: Option<&str>) -> (Result<Observation, PlatformError>, Vec<String>) {
    let mut observed = in_order(ask::observe(&api(through(&server.base)), &[account(0, HANDLE, id)]).await);
    (observed.remove(0), server.requested().into_iter().map(|requested| requested.path).collect())
}

#[tokio::test]
async fn webfinger_leads_to_the_instance_behind_a_domain() {
    let finger = json!({"links": [{"rel": "self", "href": "https://web.example.com/users/mara"}]}).to_string();
    let direct = finger.clone();
    let redirected = move |requested: &Received| match requested.path.as_str() {
        "/example.com/.well-known/webfinger" => {
            let to = "https://web.example.com/.well-known/webfinger?resource=acct:mara@example.com";
            Reply::Headers(301, vec![("location", to.to_owned())], String::new())
        }
        "/web.example.com/.well-known/webfinger" => Reply::ok(&finger),
        path => response(path),
    };
    let direct = move |requested: &Received| match requested.path.as_str() {
        "/example.com/.well-known/webfinger" => Reply::ok(&direct),
        path => response(path),
    };
    fn response(path: &str) -> Reply {
        match path {
            "/web.example.com/api/v1/accounts/lookup" => Reply::ok(mara("117")),
            "/web.example.com/api/v1/accounts/117/statuses" => Reply::ok("[]"),
            _ => missing(),
        }
    }
    for server in [Server::start(redirected).await, Server::start(direct).await] {
        let (reported, _) = observe_one(&server, None).await;
        let reported = reported.expect("found behind the domain");
        assert_eq!((reported.platform_user_id.as_str(), reported.handle.as_str()), ("117@web.example.com", HANDLE));
    }
}

#[tokio::test]
async fn webfinger_does_not_lead_inside() {
    let server = Server::start(|requested| match requested.path.as_str() {
        "/.well-known/webfinger" => {
            Reply::ok(json!({"links": [{"rel": "self", "href": "https://localhost:9/users/mara"}]}))
        }
        _ => missing(),
    })
    .await;
    let private_hosts = vec![server.host().to_owned(), "localhost:9".to_owned()];
    let api = api(Route { private_hosts, ..Route::default() });
    let handle = format!("mara@{}", server.host());
    let observed = in_order(ask::observe(&api, &[account(0, &handle, None)]).await);
    assert!(matches!(&observed[0], Err(PlatformError::AccountGone { .. })), "{observed:?}");
    assert_eq!(server.requested().len(), 2);
}

#[tokio::test]
async fn an_id_that_no_longer_fits_is_looked_up_anew() {
    for stale in ["404", "200"] {
        let server = Server::start(move |requested| match requested.path.as_str() {
            "/example.com/api/v1/accounts/1" if stale == "404" => missing(),
            "/example.com/api/v1/accounts/1" => Reply::ok(json!({"id": "1", "username": "somebody"})),
            "/example.com/api/v1/accounts/lookup" => Reply::ok(mara("2")),
            "/example.com/api/v1/accounts/2/statuses" => Reply::ok("[]"),
            path => panic!("{path}"),
        })
        .await;
        let (reported, _) = observe_one(&server, Some("1@example.com")).await;
        assert_eq!(reported.expect("found by name").platform_user_id, "2@example.com");
    }
}

#[tokio::test]
async fn an_unknown_account_is_gone_after_one_request_everywhere() {
    let server = Server::start(|_| missing()).await;
    let (reported, requested) = observe_one(&server, None).await;
    let error = reported.expect_err("no host knows it");
    assert!(matches!(&error, PlatformError::AccountGone { what } if what.contains("example.com knows no mara")));
    assert_eq!(requested, ["/example.com/api/v1/accounts/lookup", "/example.com/.well-known/webfinger"]);
}

#[tokio::test]
async fn a_web_page_with_200_is_no_reason_to_call_anyone_gone() {
    for id in [None, Some("1@example.com")] {
        let server = Server::start(|_| Reply::ok("<html>down for maintenance</html>")).await;
        let (reported, _) = observe_one(&server, id).await;
        assert!(matches!(&reported, Err(PlatformError::Unexpected { .. })), "{reported:?}");
    }
}

#[tokio::test]
async fn snac_is_read_with_a_grain_of_salt() {
    let server = Server::start(|requested| match requested.path.as_str() {
        "/api/v1/accounts/lookup" => Reply::ok(json!({"id": "0123456789abcdef0123456789abcdef", "username": "mara",
            "followers_count": 0, "following_count": 0, "statuses_count": 0})),
        path if path.ends_with("/statuses") => {
            let status = json!({"id": "x", "created_at": "2026-11-20T10:00:00Z", "favourites_count": 4,
                "replies_count": 0, "reblogs_count": 0, "reblog": null, "in_reply_to_id": null});
            Reply::ok(Value::Array(vec![status; 90]))
        }
        _ => missing(),
    })
    .await;
    let api = api(Route { private_hosts: vec![server.host().to_owned()], ..Route::default() });
    let handle = format!("mara@{}", server.host());
    let observed = in_order(ask::observe(&api, &[account(0, &handle, None)]).await);
    let reported = observed[0].as_ref().expect("reported over plain http, because the host is at loopback");
    assert_eq!((reported.numbers.followers, reported.numbers.posts), (None, None));
    assert_eq!(reported.numbers.avg_likes.map(|mean| mean.as_f64()), Some(4.0));
}

#[tokio::test]
async fn a_used_up_window_ends_the_batch_with_its_reset() {
    let headers = || {
        let reset = "2026-11-21T12:05:00.809356Z".to_owned();
        let limit = ("X-RateLimit-Limit", "300".to_owned());
        vec![limit, ("X-RateLimit-Remaining", "0".to_owned()), ("X-RateLimit-Reset", reset)]
    };
    let wait = Some(Duration::from_millis(300_809));
    let server = Server::start(move |_| Reply::Headers(200, headers(), mara("1").to_string())).await;
    let (last, gate) = api_of(SLUG, through(&server.base));
    let observed = in_order(ask::observe(&last, &[account(0, HANDLE, Some("1@example.com"))]).await);
    assert_eq!(observed[0].as_ref().map(|reported| reported.missing.len()), Ok(1));
    assert_eq!((kept_back(&gate, SLUG), last.requested_wait(), server.requested().len()), (Some(300), None, 1));

    let server = Server::start(move |_| Reply::Headers(429, headers(), "{}".to_owned())).await;
    let (reported, _) = observe_one(&server, None).await;
    assert_eq!(reported, Err(PlatformError::RateLimited { retry_after: wait, of: Limit::Lane }));
}

#[tokio::test]
async fn a_server_that_is_closed_to_strangers_says_so_and_a_dead_one_too() {
    let expected =
        || Err(PlatformError::Closed { what: "example.com shows accounts to signed-in people only".to_owned() });
    let to = |location: &str| Reply::Headers(302, vec![("location", location.to_owned())], "<html>".to_owned());
    for closed in [
        Reply::Json(401, json!({"error": "This API requires an authenticated user"}).to_string()),
        Reply::Json(401, json!({"error": "token not supplied"}).to_string()),
        to("https://example.com/login"),
        to("/login?next=x"),
        to("https://example.com/auth/sign_in"),
    ] {
        for id in [None, Some("1@example.com")] {
            let reply = closed.clone();
            let server = Server::start(move |_| reply.clone()).await;
            assert_eq!(observe_one(&server, id).await.0, expected());
            // It is closed for all its accounts.
            let accounts: Vec<_> = (0..20).map(|n| account(n, &format!("a{n}@example.com"), id)).collect();
            let observed = ask::observe(&api(through(&server.base)), &accounts).await;
            assert!(observed.iter().all(|(_, result)| *result == expected()), "{observed:?}");
            assert!(server.requested().len() <= 3 + 3 * 4, "{}", server.requested().len());
        }
    }

    let api = api(Route::default());
    let observed = in_order(ask::observe(&api, &[account(0, "mara@localhost:8901", None)]).await);
    assert!(matches!(&observed[0], Err(PlatformError::AccountGone { what }) if what.contains("private_hosts")));
}

#[tokio::test]
async fn closed_posts_cost_only_themselves() {
    let server = Server::start(|requested| match requested.path.ends_with("/statuses") {
        true => Reply::Json(401, json!({"error": "This method requires an authenticated user"}).to_string()),
        false => Reply::ok(mara("7")),
    })
    .await;
    let accounts: Vec<_> = (0..3).map(|n| account(n, HANDLE, Some("7@example.com"))).collect();
    for result in in_order(ask::observe(&api(through(&server.base)), &accounts).await) {
        let reported = result.expect("the profile is open");
        assert_eq!(reported.numbers.followers, Some(7));
        assert_eq!(reported.missing, ["posts: example.com shows them to signed-in people only"]);
    }
}

#[tokio::test]
async fn a_server_at_a_new_address_is_followed() {
    let gone = |how: &'static str| {
        move |requested: &Received| match requested.path.as_str() {
            "/example.com/.well-known/webfinger" => {
                Reply::ok(json!({"links": [{"rel": "self", "href": "https://new.example.com/users/mara"}]}))
            }
            "/new.example.com/api/v1/accounts/lookup" => Reply::ok(mara("117")),
            "/new.example.com/api/v1/accounts/117/statuses" => Reply::ok("[]"),
            path if path.starts_with("/old.example.com/") && how == "redirects" => Reply::Headers(
                301,
                vec![("location", format!("https://new.example.com{}", &path[16..]))],
                String::new(),
            ),
            path if path.starts_with("/old.example.com/") && how == "fails" => Reply::Json(502, String::new()),
            _ => missing(),
        }
    };
    for how in ["redirects", "fails", "is absent"] {
        let server = Server::start(gone(how)).await;
        let (reported, _) = observe_one(&server, Some("117@old.example.com")).await;
        let reported = reported.expect("found at the new address");
        assert_eq!(reported.platform_user_id, "117@new.example.com");
        assert_eq!(reported.former_user_id.as_deref(), Some("117@old.example.com"), "{how}");
        assert_eq!(reported.handle, HANDLE);
    }
    // At the same address another id is another account.
    let server = Server::start(|requested| match requested.path.as_str() {
        "/example.com/api/v1/accounts/lookup" => Reply::ok(mara("2")),
        "/example.com/api/v1/accounts/2/statuses" => Reply::ok("[]"),
        _ => missing(),
    })
    .await;
    let (reported, _) = observe_one(&server, Some("1@example.com")).await;
    assert_eq!(reported.expect("found by name").former_user_id, None);
}
