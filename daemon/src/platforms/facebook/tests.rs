//! Facebook's own oddities, over HTTP.

mod days;
mod listed;

use std::sync::Arc;

use roster_protocol::metric::Mean;
use serde_json::{Value, json};

use super::*;
use crate::http_client::test_server::{Received, Reply, Server};
use crate::platforms::consenting::Access;
use crate::platforms::tests::world::{account, api, in_order, through};
use crate::platforms::{Observation, PlatformError, Registered, register};
use crate::process::environment::Environment;
use crate::secret::Secret;

const ALL: [&str; 4] = ["pages_show_list", "pages_read_engagement", "pages_read_user_content", "read_insights"];

fn facebook() -> Facebook {
    let app = OAuthApp {
        id: "id-1".to_owned(),
        secret: Secret::new("canary-secret"),
        redirect_uri: None,
        scopes: None,
        config_id: None,
    };
    Facebook { app: Some(app), version: "v26.0".to_owned(), refusals: Refusals::default(), verify_token: None }
}

fn access(derived: Option<&str>, scopes: &[&str]) -> Access {
    let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    let derived = derived.map(|token| Arc::new(Secret::new(token)));
    Access { token: Arc::new(Secret::new("user-token")), derived, scopes, through: None }
}

fn page(derived: Option<&str>, scopes: &[&str]) -> Account {
    Account { access: Some(access(derived, scopes)), ..account(0, "mara.makes", Some("102030405060701")) }
}

fn token_of(requested: &Received) -> String {
    let header = requested.headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    header.strip_prefix("Bearer ").unwrap_or_default().to_owned()
}

fn refusal(status: u16, code: u32) -> Reply {
    Reply::Json(status, json!({"error": {"message": "canary", "code": code}}).to_string())
}

fn posts(summaries: bool) -> Value {
    let mut post = json!({"id": "1_1", "created_time": "2026-11-20T19:50:58+0000", "shares": {"count": 50}});
    if summaries {
        post["reactions"] = json!({"data": [], "summary": {"total_count": 150}});
        post["comments"] = json!({"data": [], "summary": {"total_count": 50}});
    }
    json!({"data": [post]})
}

fn insights(views: u64, viewers: u64) -> Value {
    let metric = |name: &str, value: u64| json!({"name": name, "period": "lifetime", "values": [{"value": value}]});
    json!({"data": [metric("post_media_view", views), metric("post_total_media_view_unique", viewers)]})
}

/// A Page in good health.
fn healthy(requested: &Received) -> Reply {
    match requested.path.rsplit('/').next() {
        Some("published_posts") => Reply::ok(posts(true)),
        Some("insights") => Reply::ok(insights(900, 600)),
        _ if requested.param("fields") == "access_token" => {
            Reply::ok(json!({"access_token": "fetched-token", "id": "102030405060701"}))
        }
        _ => Reply::ok(include_str!("fixtures/page.json")),
    }
}

async fn observe(server: &Server, account: &Account) -> Result<Observation, PlatformError> {
    let observed = facebook().observe(&api(through(&server.base)), std::slice::from_ref(account)).await;
    in_order(observed).remove(0)
}

#[test]
fn names_ids_and_profile_urls_become_canonical() {
    let check = |text: &str, expected: &str| assert_eq!(canonical(text).as_deref(), Ok(expected), "{text}");
    check("Mara.Makes", "mara.makes");
    check("@maramakes", "maramakes");
    check("102030405060701", "102030405060701");
    check("https://www.facebook.com/Mara.Makes/posts/123", "mara.makes");
    check("facebook.com/maramakes", "maramakes");
    check("https://m.facebook.com/profile.php?id=102030405060701&sk=about", "102030405060701");
    check("https://www.facebook.com/pages/Mara-Makes/102030405060701", "102030405060701");
    check("https://www.facebook.com/people/Mara-Makes/102030405060701/", "102030405060701");
    check("https://www.facebook.com/p/Mara-Makes-102030405060701/", "102030405060701");
    check("https://www.facebook.com/pg/mara.makes/about", "mara.makes");
    for bad in [
        "",
        "@",
        "ab",
        "two words",
        "mara/..",
        "märamakes",
        "https://www.facebook.com/profile.php",
        "https://www.facebook.com/groups/123456",
        "https://www.facebook.com/pages/Mara",
        "https://elsewhere.example/mara",
    ] {
        assert!(canonical(bad).is_err(), "{bad}");
    }
}

#[test]
fn one_app_is_one_realm_for_pages_and_for_instagram() {
    let section = "client_id = 'i'\nclient_secret = 's'";
    let tables = toml::from_str(&format!("[facebook]\n{section}\n[instagram]\n{section}")).expect("TOML");
    let all = register(&tables, None, &Environment::default()).expect("a good config");
    let realm = |known: &Registered| known.provider.as_ref().map(|provider| provider.realm());
    let realms: Vec<String> = all.iter().filter_map(realm).filter(|realm| realm == "meta:i").collect();
    assert_eq!(realms.len(), 2);
    let own = ("FACEBOOK_REDIRECT_URI", "https://roster.example/fb");
    let variables = [("FACEBOOK_APP_ID", "v"), ("FACEBOOK_APP_SECRET", "s"), own];
    let all = register(&Default::default(), None, &Environment::new(&variables, None)).expect("a good config");
    let known = all.iter().find(|known| realm(known).is_some_and(|realm| realm == "meta:v")).expect("it is set up");
    let app = known.provider.as_ref().and_then(|provider| provider.app()).expect("an app");
    assert_eq!(app.redirect_uri.as_deref(), Some("https://roster.example/fb"));
    let lacking = Facebook { app: None, ..facebook() };
    assert!(Platform::lacks(&lacking).is_some_and(|lacks| lacks.contains("client_secret_file")));
}

#[tokio::test]
async fn a_page_is_requested_with_its_own_token_which_is_fetched_where_it_is_not_there() {
    let server = Server::start(healthy).await;
    for (derived, expected, requests) in [(Some("page-token"), "page-token", 3), (None, "fetched-token", 4)] {
        let reported = observe(&server, &page(derived, &ALL)).await.expect("reported");
        assert!(reported.missing.is_empty(), "{reported:?}");
        let numbers = &reported.numbers;
        assert_eq!((numbers.followers, numbers.following, numbers.posts), (Some(2500), None, None));
        assert_eq!(numbers.engagement_rate.map(|rate| rate.as_f64()), Some(0.1));
        assert_eq!((numbers.avg_likes, numbers.avg_views), (Some(Mean(15_000)), Some(Mean(90_000))));
        assert_eq!((numbers.avg_reach, numbers.avg_reposts), (Some(Mean(60_000)), None));
        let last = server.requested().last().map(token_of);
        assert_eq!((last.as_deref(), server.forget()), (Some(expected), requests));
    }
    let roleless = Server::start(|_| Reply::ok(json!({"id": "102030405060701"}))).await;
    let reported = observe(&roleless, &page(None, &ALL)).await;
    assert!(matches!(&reported, Err(PlatformError::AccountGone { what }) if what.contains("no role")), "{reported:?}");
}

#[tokio::test]
async fn what_was_not_allowed_is_reported_as_missing_and_not_counted() {
    let server = Server::start(|requested| match requested.path.ends_with("/published_posts") {
        true => Reply::ok(posts(false)),
        false => healthy(requested),
    })
    .await;
    let reported = observe(&server, &page(Some("page-token"), &ALL[..2])).await.expect("reported");
    assert_eq!((reported.numbers.followers, reported.numbers.engagement_rate), (Some(2500), None));
    assert_eq!(
        reported.missing,
        [
            "reactions and comments: the owner did not allow pages_read_user_content",
            "views, reach and figures of days: the owner did not allow read_insights"
        ]
    );
}

#[tokio::test]
async fn refused_sums_cost_themselves_only() {
    for code in [10, 200] {
        let server = Server::start(move |requested| {
            match (requested.path.ends_with("/published_posts"), requested.param("fields").contains("summary")) {
                (true, true) => refusal(403, code),
                (true, false) => Reply::ok(posts(false)),
                _ => healthy(requested),
            }
        })
        .await;
        let reported = observe(&server, &page(Some("page-token"), &ALL)).await.expect("reported");
        assert_eq!((reported.numbers.avg_likes, reported.numbers.avg_views), (None, Some(Mean(90_000))));
        let expected = "reactions and comments: Facebook refused them, as if pages_read_user_content is missing";
        assert_eq!(reported.missing, [expected], "{code}");
        // Where the owner did not allow them they are not requested.
        server.forget();
        let reported = observe(&server, &page(Some("page-token"), &["pages_read_engagement", "read_insights"])).await;
        assert_eq!(reported.expect("reported").numbers.avg_views, Some(Mean(90_000)));
        assert!(server.requested().iter().all(|requested| !requested.param("fields").contains("summary")));
    }
}

#[tokio::test]
async fn too_much_data_is_requested_again_by_half() {
    let server =
        Server::start(|requested| match (requested.path.ends_with("/published_posts"), requested.param("limit")) {
            (true, "25") => refusal(500, 1),
            _ => healthy(requested),
        })
        .await;
    let reported = observe(&server, &page(Some("page-token"), &ALL)).await.expect("reported");
    assert!(reported.numbers.avg_likes.is_some() && reported.missing.is_empty(), "{reported:?}");
    let limits: Vec<String> = server.requested().iter().map(|requested| requested.param("limit").to_owned()).collect();
    assert_eq!(limits, ["", "25", "12", ""]);
}

#[tokio::test]
async fn views_that_are_not_reported_cost_themselves_only() {
    for (reply, missing) in [
        (Reply::ok(json!({"data": []})), 0),
        (refusal(403, 10), 1),
        (refusal(400, 100), 2),
        (refusal(500, 2), 1),
        (Reply::ok("<html>"), 1),
    ] {
        let server = Server::start(move |requested| match requested.path.ends_with("/insights") {
            true => reply.clone(),
            false => healthy(requested),
        })
        .await;
        let reported = observe(&server, &page(Some("page-token"), &ALL)).await.expect("reported");
        assert!(reported.numbers.avg_likes.is_some() && reported.numbers.avg_views.is_none());
        assert_eq!(reported.missing.len(), missing, "{reported:?}");
        let is_of_the_name = reported.missing.iter().any(|missing| missing.contains("refused post_media_view"));
        let expected = if is_of_the_name { vec![Metric::AvgViews, Metric::AvgReach] } else { vec![] };
        assert_eq!(reported.refused, expected, "{reported:?}");
        assert_eq!(reported.numbers.avg_reach, None);
    }
}

#[tokio::test]
async fn one_owners_missing_permission_is_no_withdrawal_of_the_metric() {
    let server = Server::start(|requested| match (requested.path.rsplit('/').next(), token_of(requested).as_str()) {
        (Some("insights"), "b") => refusal(400, 100),
        (Some("insights"), _) => Reply::ok(insights(7000, 5000)),
        (Some("published_posts"), _) => {
            let post = |number: u32| {
                let mut post = posts(true)["data"][0].clone();
                post["id"] = json!(format!("1_{number}"));
                post
            };
            Reply::ok(json!({"data": (0..12).map(post).collect::<Vec<_>>()}))
        }
        _ => Reply::ok(include_str!("fixtures/page.json")),
    })
    .await;
    let facebook = facebook();
    let page = |number: u8, token: &str| {
        let user = Arc::new(Secret::new(format!("user-{token}")));
        let access = Access { token: user, ..access(Some(token), &ALL) };
        Account { access: Some(access), ..account(number, "mara.makes", Some("102030405060701")) }
    };
    let pages = [page(0, "b"), page(1, "a")];
    for _ in 0..2 {
        let observed = in_order(facebook.observe(&api(through(&server.base)), &pages).await);
        let [b, a] = observed.as_slice() else { panic!("two Pages") };
        let (b, a) = (b.as_ref().expect("reported"), a.as_ref().expect("reported"));
        assert_eq!((a.numbers.avg_views, a.missing.len()), (Some(Mean(700_000)), 0), "{a:?}");
        assert_eq!((b.numbers.avg_likes, b.numbers.avg_comments), (Some(Mean(15_000)), Some(Mean(5000))));
        assert_eq!((a.numbers.avg_reach, b.numbers.avg_views), (Some(Mean(500_000)), None));
        let [views, reach] = b.missing.as_slice() else { panic!("{b:?}") };
        assert!(views.starts_with("views: ") && views.contains("a permission is missing"), "{views}");
        assert!(reach.starts_with("reach: ") && reach.contains("a permission is missing"), "{reach}");
    }
}

#[tokio::test]
async fn a_consent_opens_the_pages_that_were_ticked() {
    let server = Server::start(|requested| match requested.path.rsplit('/').next() {
        Some("debug_token") => Reply::ok(json!({"data": {"is_valid": true, "scopes": ALL}})),
        Some("accounts") if token_of(requested) == "user-token" => {
            assert!(!requested.param("fields").contains("instagram"));
            Reply::ok(include_str!("../graph/fixtures/accounts.json").replace("\"next\"", "\"last\""))
        }
        Some("accounts") => Reply::ok(json!({"data": []})),
        _ => Reply::ok(json!({"id": "10158", "name": "Mara"})),
    })
    .await;
    let (api, facebook) = (api(through(&server.base)), facebook());
    let opened = facebook.opened(&api, &access(None, &[])).await.expect("opened");
    assert_eq!((opened.owner_id.as_str(), opened.accounts.len()), ("10158", 3));
    let handles: Vec<&str> = opened.accounts.iter().map(|account| account.handle.as_str()).collect();
    assert_eq!(handles, ["maramakes", "102030405060702", "102030405060703"]);
    assert_eq!(opened.accounts[1].derived.as_ref().map(Secret::expose), Some("example-page-token-2"));
    let other = Access { token: Arc::new(Secret::new("other")), ..access(None, &[]) };
    let error = facebook.opened(&api, &other).await.err().expect("no Page");
    assert!(error.to_string().contains("tick the Page,"), "{error}");
    let derived = facebook.derive(&api, &access(None, &[]), "102030405060702").await.expect("Pages");
    assert_eq!(derived.as_ref().map(Secret::expose), Some("example-page-token-2"));
    assert!(matches!(facebook.derive(&api, &access(None, &[]), "7").await, Ok(None)));
}

#[tokio::test]
async fn a_version_without_views_says_so() {
    let server = Server::start(|_| refusal(400, 100)).await;
    for (version, expected) in [("v22.0", Some(Some(false))), ("v23.0", None), ("v27.0", None)] {
        let facebook = Facebook { version: version.to_owned(), ..facebook() };
        let checks = Consenting::test(&facebook, &api(through(&server.base)), "https://roster.example/cb").await;
        let views = checks.iter().find(|check| check.what == "views").map(|check| check.ok);
        assert_eq!(views, expected, "{version}: {checks:?}");
    }
}
