//! The Accounts API's own oddities, over HTTP.

use std::sync::Arc;

use roster_protocol::metric::{Mean, Ratio};
use roster_protocol::reported::{AudienceOf, DayMetric};
use serde_json::{Value, json};

use super::super::tests::read_config;
use super::*;
use crate::http_client::test_server::{Received, Reply, Server};
use crate::oauth::{Authorize, Exchange, Held, Provider, Purpose, TokenError, TokenRequest};
use crate::platforms::consenting::Access;
use crate::platforms::tests::world::{account, api, in_order, through};
use crate::platforms::{Observation, PlatformError};
use crate::secret::Secret;

const ALL: [&str; 6] =
    ["user.info.basic", "user.info.username", "user.info.stats", "video.list", "user.insights", "video.insights"];

fn accounts() -> Accounts {
    let (id, secret) = ("app-1".to_owned(), Secret::new("canary-secret"));
    Accounts { app: Some(OAuthApp { id, secret, redirect_uri: None, scopes: None, config_id: None }) }
}

fn access(token: &str, scopes: &[&str]) -> Access {
    let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    Access { token: Arc::new(Secret::new(token)), derived: None, scopes, through: None }
}

/// An account whose days are wanted.
fn consented(number: u8, token: &str, scopes: &[&str]) -> Account {
    let id = format!("open-{token}");
    let days_from = "2026-11-14".parse().ok();
    Account { access: Some(access(token, scopes)), days_from, ..account(number, token, Some(&id)) }
}

fn token_of(requested: &Received) -> &str {
    assert!(requested.headers.get("authorization").is_none());
    requested.headers.get("access-token").and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn refusal(code: u64) -> Reply {
    Reply::ok(json!({"code": code, "message": "canary", "request_id": "2026", "data": {}}))
}

fn good(data: &Value) -> Reply {
    Reply::ok(json!({"code": 0, "message": "OK", "request_id": "2026", "data": data}))
}

fn fields(requested: &Received) -> Vec<String> {
    serde_json::from_str(requested.param("fields")).expect("a list in JSON")
}

fn is_about_days(requested: &Received) -> bool {
    !requested.param("start_date").is_empty()
}

/// Everything in good health.
fn healthy(requested: &Received) -> Reply {
    match requested.path.trim_start_matches("/business-api.tiktok.com/open_api/v1.3") {
        "/tt_user/token_info/get/" => {
            let creator_id = format!("open-{}", token_of(requested));
            good(&json!({"app_id": "app-1", "creator_id": creator_id, "scope": ALL.join(",")}))
        }
        "/business/get/" if is_about_days(requested) => Reply::ok(include_str!("fixtures/insights.json")),
        "/business/get/" => {
            let all = json!({"display_name": "Mara", "username": token_of(requested), "followers_count": 100,
                "following_count": 5, "videos_count": 3});
            let mut profile = serde_json::Map::new();
            for field in fields(requested) {
                profile.insert(field.clone(), all[&field].clone());
            }
            good(&Value::Object(profile))
        }
        "/business/video/list/" => {
            let mut video = json!({"item_id": "7123456789012345678", "create_time": 1_795_000_000, "likes": 4,
                "comments": 3, "shares": 2, "favorites": 1, "video_views": 50});
            if fields(requested).contains(&"reach".to_owned()) {
                video["reach"] = json!(40);
            }
            good(&json!({"videos": [video], "cursor": 1_795_000_000_000_u64, "has_more": false}))
        }
        other => panic!("{other}"),
    }
}

async fn observe(server: &Server, list: &[Account]) -> Vec<Result<Observation, PlatformError>> {
    in_order(ask::observe(&accounts(), &api(through(&server.base)), list).await)
}

#[test]
fn the_section_chooses_the_api() {
    let of = |text: &str| {
        let known = read_config(text, &[]).expect(text);
        let realm = known.provider.as_ref().expect("it asks owners").realm();
        (realm, known.platform.info().reports.is_some(), known.platform.webhooks().is_some())
    };
    let app = "client_key = 'k'\nclient_secret = 's'";
    for display in ["", "api = 'display'"] {
        assert_eq!(of(&format!("[tiktok]\n{display}\n{app}")), ("tiktok:k".to_owned(), false, true));
    }
    let chosen = format!("[tiktok]\napi = 'accounts'\n{app}");
    assert_eq!(of(&chosen), ("tiktok-accounts:k".to_owned(), true, false));
    let variables = [("TIKTOK_CLIENT_KEY", "k"), ("TIKTOK_CLIENT_SECRET", "s")];
    let from_variables = read_config("[tiktok]\napi = 'accounts'", &variables).expect("a good config");
    assert_eq!(from_variables.platform.lacks(), None);

    let lacking = read_config("[tiktok]\napi = 'accounts'", &[]).expect("no app").platform;
    assert!(lacking.lacks().is_some_and(|lacks| lacks.contains("business-api.tiktok.com")));
    let problem = |text: &str| read_config(text, &[]).err().expect(text).key;
    for bad in ["api = 'business'", "api = 7", "api = ''", "api = ['accounts']"] {
        assert_eq!(problem(&format!("[tiktok]\n{bad}")), "platforms.tiktok.api", "{bad}");
    }
    assert_eq!(problem("[tiktok]\napi = 'accounts'\nscopes = ['user.info.profile']"), "platforms.tiktok.scopes");
}

#[test]
fn what_is_reported_of_days_has_a_definition_each() {
    let terms = INFO.reports.expect("days").terms();
    assert_eq!((terms.zone.as_str(), terms.figures.len(), terms.breaks.len()), ("UTC", days::FIELDS.len(), 0));
    let sources: Vec<&str> = terms.figures.iter().map(|figure| figure.source.as_str()).collect();
    assert_eq!(sources, days::FIELDS);
    assert!(jiff::tz::TimeZone::get(&terms.zone).is_ok());
    assert!(terms.figures.iter().all(|figure| !figure.definition.is_empty() && figure.step == 1));
}

#[test]
fn the_consent_page_is_tiktoks_own_without_a_challenge() {
    let (state, verifier) = (Secret::new("st"), Secret::new("v"));
    let redirect_uri = "https://roster.example/oauth/tiktok/callback";
    let purpose = Purpose::Measuring;
    let request = Authorize { redirect_uri, state: &state, verifier: Some(&verifier), login_hint: None, purpose };
    let url = accounts().authorize_url(&api(Default::default()), request).expect("an app");
    assert!(url.starts_with("https://www.tiktok.com/v2/auth/authorize/?client_key=app-1&"), "{url}");
    let url = url::Url::parse(&url).expect("a URL");
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let value = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    assert_eq!(value("scope"), Some(ALL.join(",").as_str()));
    assert_eq!((value("redirect_uri"), value("state")), (Some(redirect_uri), Some("st")));
    assert_eq!(value("code_challenge"), None);
    assert!(Accounts { app: None }.authorize_url(&api(Default::default()), request).is_err());
}

#[tokio::test]
async fn tokens_are_requested_in_json() {
    let server = Server::start(|requested| match requested.path.rsplit('/').nth(1) {
        Some("token") if String::from_utf8_lossy(&requested.body).contains("no-such-code") => refusal(40_131),
        Some("token") => Reply::ok(include_str!("fixtures/token.json")),
        Some("refresh_token") => refusal(40_105),
        _ => good(&json!({})),
    })
    .await;
    let (api, accounts) = (api(through(&server.base)), accounts());
    let code = Secret::new("a*b!c%25");
    let with = Exchange { code: &code, redirect_uri: "https://roster.example/cb", verifier: None };
    let tokens = accounts.exchange(&api, with).await.expect("tokens");
    let held = Held { access: Arc::new(tokens.access), refresh: tokens.refresh.map(Arc::new) };
    let reply = accounts.renew(&api, &held).await.expect("a response");
    assert!(matches!(accounts.read_tokens(&reply, TokenRequest::Renewal), Err(TokenError::Gone { .. })));
    let unrenewable = Held { refresh: None, ..held.clone() };
    assert!(matches!(accounts.renew(&api, &unrenewable).await, Err(TokenError::Gone { .. })));
    accounts.revoke(&api, &held).await.expect("ended");

    let requested = server.requested();
    let check = |index: usize, path: &str, rest: Value| {
        let (seen, mut expected) = (&requested[index], json!({"client_id": "app-1", "client_secret": "canary-secret"}));
        for (name, value) in rest.as_object().expect("an object") {
            expected[name] = value.clone();
        }
        assert_eq!(seen.path, format!("/business-api.tiktok.com/open_api/v1.3/tt_user/oauth2{path}"));
        assert_eq!((seen.method.as_str(), seen.query.len()), ("POST", 0));
        assert_eq!(serde_json::from_slice::<Value>(&seen.body).expect("JSON"), expected);
    };
    check(
        0,
        "/token/",
        json!({"grant_type": "authorization_code", "auth_code": "a*b!c%25", "redirect_uri": "https://roster.example/cb"}),
    );
    let refresh = "rft.example12345Example12345Example";
    check(1, "/refresh_token/", json!({"grant_type": "refresh_token", "refresh_token": refresh}));
    check(2, "/revoke/", json!({"access_token": "act.example12345Example12345Example"}));

    let checks = accounts.test(&api, "http://roster.example/cb").await;
    let found: Vec<_> = checks.iter().map(|check| (check.what.as_str(), check.ok)).collect();
    assert_eq!(found, [("id and secret", None), ("redirect URI", Some(false)), ("scopes", None)]);
    assert!(!format!("{checks:?}").contains("canary"));
}

#[tokio::test]
async fn days_and_audience_are_one_request_when_they_are_wanted() {
    let server = Server::start(healthy).await;
    let wanted = consented(0, "mara", &ALL);
    let observed = observe(&server, std::slice::from_ref(&wanted)).await;
    let reported = observed[0].as_ref().expect("reported");
    assert!(reported.missing.is_empty(), "{:?}", reported.missing);
    assert_eq!((reported.definition, reported.numbers.followers), (1, Some(100)));
    // (4 + 3 + 2 + 1) / 100
    assert_eq!(reported.numbers.engagement_rate, Some(Ratio(100_000)));
    let days = reported.days.as_ref().expect("days");
    assert_eq!(
        days.iter().map(|day| day.numbers.get(DayMetric::Followers)).collect::<Vec<_>>(),
        [Some(12_460), Some(12_480)]
    );
    assert_eq!(reported.audience.as_ref().map(|audience| audience.of), Some(AudienceOf::Followers));
    assert_eq!(reported.numbers.audience_female, Some(Ratio(603_100)));

    let requested = server.requested();
    let [profile, insights, videos] = requested.as_slice() else { panic!("{} requests", requested.len()) };
    assert!(requested.iter().all(|requested| token_of(requested) == "mara" && requested.method == "GET"));
    assert!(requested.iter().all(|requested| requested.param("business_id") == "open-mara"));
    assert_eq!(fields(profile), ["display_name", "username", "followers_count", "following_count", "videos_count"]);
    assert_eq!((insights.param("start_date"), insights.param("end_date")), ("2026-11-14", "2026-11-20"));
    let audience = ["audience_genders", "audience_ages", "audience_countries"];
    assert_eq!(fields(insights), [days::FIELDS.as_slice(), &audience].concat());
    assert_eq!((videos.param("max_count"), videos.param("cursor")), ("20", ""));
    assert!(fields(videos).contains(&"item_id".to_owned()));

    server.forget();
    let observed = observe(&server, &[Account { days_from: None, ..wanted }]).await;
    let reported = observed[0].as_ref().expect("reported");
    assert_eq!((&reported.days, &reported.audience), (&None, &None));
    assert_eq!((server.forget(), reported.missing.len()), (2, 0));
}

#[tokio::test]
async fn days_that_fail_cost_nothing_else() {
    for (reply, why) in [
        (refusal(40_001), "the scope user.insights is missing"),
        (refusal(40_002), "tiktok refused (40002, request id 2026)"),
        (refusal(51_001), "tiktok reports that it cannot respond now"),
    ] {
        let faulty =
            move |requested: &Received| if is_about_days(requested) { reply.clone() } else { healthy(requested) };
        let server = Server::start(faulty).await;
        let observed = observe(&server, &[consented(0, "mara", &ALL)]).await;
        let reported = observed[0].as_ref().expect("the counts were reported");
        assert_eq!(reported.missing, [format!("audience: {why}"), format!("figures of days: {why}")]);
        assert_eq!((&reported.days, reported.numbers.followers), (&None, Some(100)));
        assert_eq!(reported.numbers.engagement_rate, Some(Ratio(100_000)));
    }
    // Lists are read apart from each other.
    let odd = |requested: &Received| {
        let female = json!([{"gender": "Female", "percentage": 1}]);
        let data = json!({"metrics": {"date": 7}, "audience_genders": female});
        if is_about_days(requested) { good(&data) } else { healthy(requested) }
    };
    let server = Server::start(odd).await;
    let observed = observe(&server, &[consented(0, "mara", &ALL)]).await;
    let reported = observed[0].as_ref().expect("the counts were reported");
    assert_eq!((&reported.days, reported.numbers.audience_female), (&None, Some(Ratio(1_000_000))));
    assert!(reported.missing.len() == 1 && reported.missing[0].starts_with("figures of days: "));
    // Small accounts have no audience, and no days before the analytics are switched on.
    let bare = |requested: &Received| if is_about_days(requested) { good(&json!({})) } else { healthy(requested) };
    let server = Server::start(bare).await;
    let observed = observe(&server, &[consented(0, "mara", &ALL)]).await;
    let reported = observed[0].as_ref().expect("reported");
    assert_eq!((&reported.days, &reported.audience, reported.missing.len()), (&Some(vec![]), &None, 0));
}

#[tokio::test]
async fn reach_is_requested_where_it_was_allowed_and_costs_nothing_else() {
    let reported = async |server: &Server, scopes: &[&str]| {
        let account = Account { days_from: None, ..consented(0, "mara", scopes) };
        let reported = observe(server, &[account]).await.remove(0).expect("reported");
        let numbers = reported.numbers;
        (numbers.avg_reach, numbers.avg_views, numbers.engagement_rate, server.forget())
    };
    let (views, rate) = (Some(Mean(5000)), Some(Ratio(100_000)));
    let server = Server::start(healthy).await;
    assert_eq!(reported(&server, &ALL).await, (Some(Mean(4000)), views, rate, 2));
    assert_eq!(reported(&server, &ALL[..5]).await, (None, views, rate, 2));
    for code in [40_001, 40_002] {
        let refusing = move |requested: &Received| match requested.path.ends_with("/video/list/") {
            true if requested.param("fields").contains("reach") => refusal(code),
            _ => healthy(requested),
        };
        let server = Server::start(refusing).await;
        assert_eq!(reported(&server, &ALL).await, (None, views, rate, 3), "{code}");
    }
}

#[tokio::test]
async fn one_lost_consent_spoils_its_own_account_alone() {
    let server = Server::start(|requested| match (token_of(requested), requested.path.ends_with("/video/list/")) {
        ("lost", _) => refusal(40_105),
        ("short", true) => refusal(40_001),
        ("odd", false) => refusal(40_001),
        _ => healthy(requested),
    })
    .await;
    let list = [
        consented(0, "lost", &ALL),
        consented(1, "short", &ALL),
        consented(2, "odd", &ALL),
        consented(3, "bare", &ALL[..1]),
        account(4, "unconsented", None),
        Account { platform_user_id: None, ..consented(5, "byname", &ALL) },
        Account { platform_user_id: None, handle: "another".to_owned(), ..consented(6, "byname", &ALL) },
    ];
    let observed = observe(&server, &list).await;
    assert!(matches!(&observed[0], Err(PlatformError::Unauthorized { .. })), "{observed:?}");
    let short = observed[1].as_ref().expect("the counts were reported");
    assert_eq!(short.missing, ["posts: the scope video.list is missing"]);
    assert_eq!(observed[2], Err(PlatformError::MissingScope { scope: "user.info.stats".to_owned() }));
    let bare = observed[3].as_ref().expect("the profile was reported");
    let missing = [
        "followers, following, posts: the owner did not allow user.info.stats",
        "posts: the owner did not allow video.list",
        "figures of days, the audience: the owner did not allow user.insights",
        "reach: the owner did not allow video.insights",
    ];
    assert_eq!((bare.numbers.followers, bare.missing.as_slice()), (None, missing.map(str::to_owned).as_slice()));
    assert!(matches!(&observed[4], Err(PlatformError::Unauthorized { .. })), "{observed:?}");
    let named = observed[5].as_ref().expect("the token says whose it is");
    assert_eq!(named.platform_user_id, "open-byname");
    assert!(matches!(&observed[6], Err(PlatformError::Unauthorized { .. })), "{observed:?}");
    let of = |token: &str| server.requested().iter().filter(|requested| token_of(requested) == token).count();
    assert_eq!((of("bare"), of("lost")), (1, 1));
}

#[tokio::test]
async fn a_limit_in_the_body_ends_the_batch() {
    let server = Server::start(|_| refusal(40_100)).await;
    let list: Vec<Account> = (0..10).map(|number| consented(number, "mara", &ALL)).collect();
    let observed = observe(&server, &list).await;
    assert!(observed.iter().all(|result| matches!(result, Err(PlatformError::RateLimited { .. }))), "{observed:?}");
    assert!(server.requested().len() <= 2, "{}", server.requested().len());
}

#[tokio::test]
async fn a_consent_opens_the_account_of_its_owner() {
    let server = Server::start(healthy).await;
    let opened = accounts().opened(&api(through(&server.base)), &access("mara", &ALL)).await.expect("opened");
    assert_eq!((opened.owner_id.as_str(), opened.accounts[0].handle.as_str()), ("open-mara", "mara"));
    assert_eq!((opened.accounts[0].followers, opened.scopes.map(|scopes| scopes.len())), (Some(100), Some(6)));
    let requested = server.requested();
    let body: Value = serde_json::from_slice(&requested[0].body).expect("JSON");
    assert_eq!(body, json!({"app_id": "app-1", "access_token": "mara"}));
}
