//! TikTok's own oddities, over HTTP.

use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::http_client::test_server::{Received, Reply, Server};
use crate::oauth::{Authorize, Callback, Exchange, Held, Provider, Purpose, TokenError, TokenRequest};
use crate::platforms::consenting::Access;
use crate::platforms::tests::world::{account, api, in_order, through};
use crate::platforms::{Observation, PlatformError, Registered, register};
use crate::process::environment::Environment;
use crate::secret::Secret;

const ALL: [&str; 4] = ["user.info.basic", "user.info.profile", "user.info.stats", "video.list"];

fn tiktok() -> TikTok {
    let app = OAuthApp {
        id: "key-1".to_owned(),
        secret: Secret::new("canary-secret"),
        redirect_uri: None,
        scopes: None,
        config_id: None,
    };
    TikTok { app: Some(app) }
}

fn access(token: &str, scopes: &[&str]) -> Access {
    let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    Access { token: Arc::new(Secret::new(token)), derived: None, scopes, through: None }
}

fn consented(number: u8, token: &str, scopes: &[&str]) -> Account {
    let id = format!("open-{token}");
    Account { access: Some(access(token, scopes)), ..account(number, token, Some(&id)) }
}

fn token_of(requested: &Received) -> String {
    let header = requested.headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    header.strip_prefix("Bearer ").unwrap_or_default().to_owned()
}

fn form(requested: &Received) -> Vec<(String, String)> {
    url::form_urlencoded::parse(&requested.body).into_owned().collect()
}

fn refusal(status: u16, code: &str) -> Reply {
    let error = json!({"data": {}, "error": {"code": code, "message": "canary", "log_id": "2022"}});
    Reply::Json(status, error.to_string())
}

fn user(requested: &Received) -> Reply {
    let token = token_of(requested);
    let mut user = json!({"open_id": format!("open-{token}"), "display_name": "Mara", "username": token});
    if requested.param("fields").contains("follower_count") {
        user["follower_count"] = json!(100);
        user["video_count"] = json!(3);
    }
    Reply::ok(json!({"data": {"user": user}, "error": {"code": "ok", "message": "", "log_id": "1"}}))
}

async fn observe(server: &Server, accounts: &[Account]) -> Vec<Result<Observation, PlatformError>> {
    in_order(ask::observe(&tiktok(), &api(through(&server.base)), accounts).await)
}

#[test]
fn handles_and_profile_urls_become_canonical() {
    let check = |text: &str, expected: &str| assert_eq!(canonical(text).as_deref(), Ok(expected), "{text}");
    check("@Mara.Makes_2", "mara.makes_2");
    check(" mara ", "mara");
    check("https://www.tiktok.com/@%E7%8C%AB", "猫");
    check("\u{202a}@mara\u{202c}", "mara");
    check("https://www.tiktok.com/@Mara.Makes", "mara.makes");
    check("tiktok.com/@mara/video/7123456789012345678?lang=en", "mara");
    check("723f24d7-e717-40f8-a2b6-cb8464cd23B4", "723f24d7-e717-40f8-a2b6-cb8464cd23B4");
    for bad in [
        "",
        "@",
        "a",
        "two words",
        "mara.",
        "mära.",
        "mä-ra",
        "a@b",
        "https://www.tiktok.com/foryou",
        "https://vm.tiktok.com/ZM123/",
        "https://elsewhere.example/@mara",
    ] {
        assert!(canonical(bad).is_err(), "{bad}");
    }
}

/// TikTok as these sections configure it.
pub(super) fn read_config(text: &str, variables: &[(&str, &str)]) -> Result<Registered, ConfigProblem> {
    let tables = toml::from_str(text).expect(text);
    let all = register(&tables, None, &Environment::new(variables, None))?;
    Ok(all.into_iter().find(|registered| registered.platform.info().slug == SLUG).expect("registered"))
}

#[test]
fn the_app_comes_from_the_section_or_from_variables() {
    let read = read_config;
    let realm = |registered: &Registered| registered.provider.as_ref().expect("it asks owners").realm();
    for (text, variables) in [
        ("[tiktok]\nclient_id = 'k'\nclient_secret = 's'", [].as_slice()),
        ("[tiktok]\nclient_key = 'k'\nclient_secret = 's'", &[]),
        ("[tiktok]\nclient_id = 'x'", &[("TIKTOK_CLIENT_KEY", "k"), ("TIKTOK_CLIENT_SECRET", "s")]),
    ] {
        let tiktok = read(text, variables).expect(text);
        assert_eq!((realm(&tiktok).as_str(), tiktok.platform.lacks()), ("tiktok:k", None), "{text}");
    }
    let own = [("TIKTOK_REDIRECT_URI", "https://roster.example/cb")];
    let reported = read("[tiktok]\nclient_key = 'k'\nclient_secret = 's'", &own).expect("a good config");
    assert_eq!(
        reported.provider.as_ref().and_then(|it| it.app()?.redirect_uri.as_deref()),
        Some("https://roster.example/cb")
    );

    let lacking = read("", &[]).expect("an empty config").platform;
    assert!(lacking.lacks().is_some_and(|lacks| lacks.contains("client_secret_file")));
    let problem = |text: &str| read(text, &[]).err().expect(text).key;
    assert_eq!(problem("[tiktok]\nclient_id = 'k'"), "platforms.tiktok.client_id");
    assert_eq!(problem("[tiktok]\nclient_id = 'k'\nclient_key = 'k'"), "platforms.tiktok.client_key");
}

#[test]
fn the_consent_page_has_tiktoks_own_form() {
    let (state, verifier) = (Secret::new("st"), Secret::new("gaeCq5mVvbhA8Ce6w5O9XBVIKMkySgv-_9A-rnhm9Ns"));
    let redirect_uri = "http://127.0.0.1:8787/oauth/tiktok/callback";
    let purpose = Purpose::Measuring;
    let request = Authorize { redirect_uri, state: &state, verifier: Some(&verifier), login_hint: None, purpose };
    let url = tiktok().authorize_url(&api(Default::default()), request).expect("an app");
    assert!(url.starts_with("https://www.tiktok.com/v2/auth/authorize/?client_key=key-1&"), "{url}");
    let url = url::Url::parse(&url).expect("a URL");
    let reported: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let value = |name: &str| reported.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    assert_eq!(value("scope"), Some("user.info.basic,user.info.stats,video.list,user.info.profile"));
    assert_eq!((value("redirect_uri"), value("state")), (Some(redirect_uri), Some("st")));
    let challenge = "e6a178b120743d08509508f269652b0bdf91e29332921bc9e9744fd3dd41bfef";
    assert_eq!((value("code_challenge"), value("code_challenge_method")), (Some(challenge), Some("S256")));

    let gateway = tiktok().authorize_url(&api(through("http://127.0.0.1:9900")), request).expect("an app");
    assert!(gateway.starts_with("http://127.0.0.1:9900/www.tiktok.com/v2/auth/authorize/?"), "{gateway}");
    assert!(TikTok { app: None }.authorize_url(&api(Default::default()), request).is_err());
}

#[test]
fn the_code_is_taken_as_the_query_gave_it() {
    let query = "code=a%2Ab%21c%2525&scopes=user.info.basic%2Cvideo.list&state=st";
    let pairs: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    match tiktok().read_callback(&pairs) {
        Callback::Code(code) => assert_eq!(code.expose(), "a*b!c%25"),
        _ => panic!("a code"),
    }
    let ended = [("errCode".to_owned(), "-2".to_owned())];
    assert!(matches!(tiktok().read_callback(&ended), Callback::Refused(what) if what.contains("begin again")));
}

#[tokio::test]
async fn tokens_are_requested_as_a_form_and_refused_with_200() {
    let server = Server::start(|requested| {
        let refused = json!({"error": "invalid_grant", "error_description": "canary", "log_id": "1"});
        match form(requested).iter().find(|(name, _)| name == "grant_type").map(|(_, value)| value.as_str()) {
            Some("authorization_code") => Reply::ok(include_str!("fixtures/token.json")),
            Some("client_credentials") => Reply::ok(json!({"error": "invalid_client", "error_description": "canary"})),
            Some("refresh_token") => Reply::ok(refused),
            _ => Reply::ok(""),
        }
    })
    .await;
    let (api, tiktok) = (api(through(&server.base)), tiktok());
    let (code, verifier) = (Secret::new("a*b!c%25"), Secret::new("v"));
    let with = Exchange { code: &code, redirect_uri: "http://127.0.0.1:8787/cb", verifier: Some(&verifier) };
    let tokens = tiktok.exchange(&api, with).await.expect("tokens");
    let held = Held { access: Arc::new(tokens.access), refresh: tokens.refresh.map(Arc::new) };

    let reply = tiktok.renew(&api, &held).await.expect("a response");
    assert!(matches!(tiktok.read_tokens(&reply, TokenRequest::Renewal), Err(TokenError::Gone { .. })));
    let unrenewable = Held { refresh: None, ..held.clone() };
    assert!(matches!(tiktok.renew(&api, &unrenewable).await, Err(TokenError::Gone { .. })));
    tiktok.revoke(&api, &held).await.expect("ended");
    let checks = tiktok.test(&api, "http://roster.example/cb").await;
    let found: Vec<_> = checks.iter().map(|check| (check.what.as_str(), check.ok)).collect();
    assert_eq!(found, [("id and secret", Some(false)), ("redirect URI", Some(false)), ("scopes", None)]);
    assert!(!format!("{checks:?}").contains("canary"));

    let requested = server.requested();
    assert!(requested.iter().all(|requested| requested.method == "POST" && requested.query.is_empty()));
    let app = [("client_key", "key-1"), ("client_secret", "canary-secret")];
    let check = |index: usize, path: &str, rest: &[(&str, &str)]| {
        assert_eq!(requested[index].path, format!("/open.tiktokapis.com{path}"));
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        assert_eq!(form(&requested[index]), app.iter().chain(rest).map(own).collect::<Vec<_>>());
    };
    let code = [
        ("grant_type", "authorization_code"),
        ("code", "a*b!c%25"),
        ("redirect_uri", "http://127.0.0.1:8787/cb"),
        ("code_verifier", "v"),
    ];
    check(0, "/v2/oauth/token/", &code);
    let refresh = "rft.example12345Example12345Example";
    check(1, "/v2/oauth/token/", &[("grant_type", "refresh_token"), ("refresh_token", refresh)]);
    check(2, "/v2/oauth/revoke/", &[("token", "act.example12345Example12345Example")]);
}

#[tokio::test]
async fn one_lost_consent_spoils_its_own_account_alone() {
    let server =
        Server::start(|requested| match (token_of(requested).as_str(), requested.path.ends_with("/video/list/")) {
            ("lost", _) => refusal(401, "access_token_invalid"),
            ("short", true) => refusal(401, "scope_not_authorized"),
            ("odd", false) => refusal(200, "scope_permission_missed"),
            (_, false) => user(requested),
            (_, true) => Reply::ok(json!({"data": {"videos": [], "cursor": 0, "has_more": false}})),
        })
        .await;
    let accounts = [
        consented(0, "lost", &ALL),
        consented(1, "short", &ALL),
        consented(2, "odd", &ALL),
        consented(3, "good", &ALL),
        consented(4, "bare", &ALL[..1]),
        account(5, "unconsented", None),
    ];
    let observed = observe(&server, &accounts).await;
    assert!(matches!(&observed[0], Err(PlatformError::Unauthorized { .. })), "{observed:?}");
    let short = observed[1].as_ref().expect("the counts were reported");
    assert_eq!(short.missing, ["posts: the scope video.list is missing"]);
    assert_eq!(observed[2], Err(PlatformError::MissingScope { scope: "user.info.stats".to_owned() }));
    assert_eq!(observed[3].as_ref().map(|reported| reported.numbers.followers), Ok(Some(100)));
    let bare = observed[4].as_ref().expect("the profile was reported");
    let missing = [
        "followers, following, posts: the owner did not allow user.info.stats",
        "posts: the owner did not allow video.list",
    ];
    assert_eq!((bare.numbers.followers, bare.missing.as_slice()), (None, missing.map(str::to_owned).as_slice()));
    // Who was not asked did not refuse.
    let mut few = tiktok();
    few.app.as_mut().expect("an app").scopes = Some(vec!["user.info.basic".to_owned()]);
    let unasked = in_order(ask::observe(&few, &api(through(&server.base)), &accounts[4..5]).await);
    assert_eq!(unasked[0].as_ref().map(|reported| reported.missing.len()), Ok(0), "{unasked:?}");
    assert!(matches!(&observed[5], Err(PlatformError::Unauthorized { .. })), "{observed:?}");
    let requested = server.requested();
    let of = |token: &str| requested.iter().filter(|requested| token_of(requested) == token).count();
    assert_eq!((of("bare"), of("lost")), (2, 1));
}

#[tokio::test]
async fn pages_are_turned_until_twelve_videos_or_the_last_page() {
    let video = |id: u64| json!({"id": id.to_string(), "create_time": 1_672_531_200 - id, "like_count": 7});
    let server = Server::start(move |requested| {
        if requested.path.ends_with("/user/info/") {
            return user(requested);
        }
        let body: serde_json::Value = serde_json::from_slice(&requested.body).expect("JSON");
        assert_eq!(body["max_count"], 20);
        let (videos, cursor, more) = match body["cursor"].as_i64() {
            None => (vec![video(1), json!({"like_count": 1})], 5_000, true),
            Some(5_000) => (vec![], 4_000, true),
            Some(4_000) => (vec![video(1), video(2)], 3_000, true),
            _ => (vec![video(3)], 2_000, false),
        };
        Reply::ok(json!({"data": {"videos": videos, "cursor": cursor, "has_more": more}, "error": {"code": "ok"}}))
    })
    .await;
    let observed = observe(&server, &[consented(0, "mara", &ALL)]).await;
    let reported = observed[0].as_ref().expect("reported");
    assert_eq!(reported.numbers.avg_likes.map(|mean| mean.as_f64()), Some(7.0));
    assert_eq!(reported.missing, ["posts: 1 of them could not be read"]);
    assert_eq!(server.requested().len(), 5);
}

#[tokio::test]
async fn a_consent_opens_the_account_of_its_owner() {
    let server = Server::start(user).await;
    let opened = tiktok().opened(&api(through(&server.base)), &access("mara", &ALL)).await.expect("opened");
    assert_eq!((opened.owner_id.as_str(), opened.accounts[0].handle.as_str()), ("open-mara", "mara"));
    assert_eq!(opened.accounts[0].followers, Some(100));
}
