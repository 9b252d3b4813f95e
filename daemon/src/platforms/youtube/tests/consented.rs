//! Consent at Google, and what is requested with it.

use std::sync::Arc;

use super::*;
use crate::oauth::{Authorize, DeviceResponse, Exchange, Held, Provider, Purpose, TokenError, TokenRequest};
use crate::platforms::consenting::Access;
use crate::platforms::{ConfigProblem, Registered, register};
use crate::process::environment::Environment;

pub(super) const READ: &str = "https://www.googleapis.com/auth/youtube.readonly";
pub(super) const AUDIENCE: &str = "https://www.googleapis.com/auth/yt-analytics.readonly";

fn youtube() -> YouTube {
    let app = OAuthApp {
        id: "id-1".to_owned(),
        secret: Secret::new("canary-secret"),
        redirect_uri: None,
        scopes: None,
        config_id: None,
    };
    YouTube::new(None, Some(app))
}

pub(super) fn access(token: &str, scopes: &[&str]) -> Access {
    let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    Access { token: Arc::new(Secret::new(token)), derived: None, scopes, through: None }
}

pub(super) fn consented(number: u8, token: &str, scopes: &[&str]) -> Account {
    Account { access: Some(access(token, scopes)), ..account(number, &format!("@{token}"), Some(&channel_id(number))) }
}

pub(super) fn channel_id(number: u8) -> String {
    format!("UC{number:0>22}")
}

pub(super) fn token_of(requested: &Received) -> String {
    let header = requested.headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    header.strip_prefix("Bearer ").unwrap_or_default().to_owned()
}

fn form(requested: &Received) -> Vec<(String, String)> {
    url::form_urlencoded::parse(&requested.body).into_owned().collect()
}

pub(super) fn some_channel(id: &str) -> serde_json::Value {
    json!({"kind": "youtube#channelListResponse", "items": [{"id": id, "snippet": {"title": "Mara", "customUrl": "@Mara"},
        "statistics": {"subscriberCount": "2000", "videoCount": "0"}}]})
}

#[test]
fn the_app_comes_from_the_section_or_from_variables() {
    let read = |text: &str, variables: &[(&str, &str)]| -> Result<Registered, ConfigProblem> {
        let tables = toml::from_str(text).expect(text);
        let all = register(&tables, None, &Environment::new(variables, None))?;
        Ok(all.into_iter().find(|registered| registered.platform.info().slug == SLUG).expect("registered"))
    };
    let realm = |registered: &Registered| registered.provider.as_ref().expect("owners consent through it").realm();
    let section = "[youtube]\nclient_id = 'i'\nclient_secret = 's'";
    let variables =
        [("GOOGLE_CLIENT_ID", "i"), ("GOOGLE_CLIENT_SECRET", "s"), ("YOUTUBE_REDIRECT_URI", "https://r.example/")];
    for (text, variables) in [(section, [].as_slice()), ("", &variables)] {
        assert_eq!(realm(&read(text, variables).expect(text)), "google:i");
    }
    let reported = read("", &variables).expect("a good config");
    assert_eq!(reported.provider.as_ref().and_then(|it| it.app()?.redirect_uri.as_deref()), Some("https://r.example/"));
    let problem = read("[youtube]\nclient_id = 'i'", &[]).err().expect("without secret");
    assert_eq!(problem.key, "platforms.youtube.client_id");
}

#[test]
fn the_consent_page_requests_a_refresh_token() {
    let (state, verifier) = (Secret::new("st"), Secret::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"));
    let redirect_uri = "http://127.0.0.1:8787/oauth/youtube/callback";
    let request = Authorize {
        redirect_uri,
        state: &state,
        verifier: Some(&verifier),
        login_hint: Some("mara@example.com"),
        purpose: Purpose::Measuring,
    };
    let text = youtube().authorize_url(&api(through("http://127.0.0.1:9900")), request).expect("an app");
    assert!(text.starts_with("http://127.0.0.1:9900/accounts.google.com/o/oauth2/v2/auth?"), "{text}");
    let url = url::Url::parse(&text).expect("a URL");
    let reported: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    for (name, value) in [
        ("client_id", "id-1"),
        ("redirect_uri", redirect_uri),
        ("response_type", "code"),
        ("scope", &format!("{READ} {AUDIENCE}")),
        ("state", "st"),
        ("access_type", "offline"),
        ("prompt", "consent"),
        ("include_granted_scopes", "true"),
        ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        ("code_challenge_method", "S256"),
        ("login_hint", "mara@example.com"),
    ] {
        assert!(reported.contains(&(name.to_owned(), value.to_owned())), "{name}: {text}");
    }
    let by_handle = Authorize { login_hint: Some("@mara"), ..request };
    assert!(!youtube().authorize_url(&api(Default::default()), by_handle).expect("an app").contains("login_hint"));
    assert!(by_key().authorize_url(&api(Default::default()), request).is_err());
}

#[tokio::test]
async fn tokens_are_requested_and_revoked_as_forms() {
    let server = Server::start(|requested| {
        let grant = form(requested).into_iter().find(|(name, _)| name == "grant_type").map(|(_, value)| value);
        match (requested.path.as_str(), grant.as_deref()) {
            ("/oauth2.googleapis.com/token", Some("authorization_code")) => {
                Reply::ok(include_str!("../fixtures/token.json"))
            }
            ("/oauth2.googleapis.com/token", Some("refresh_token")) => {
                Reply::Json(400, json!({"error": "invalid_grant", "error_description": "canary"}).to_string())
            }
            ("/oauth2.googleapis.com/token", _) => {
                Reply::Json(428, json!({"error": "authorization_pending"}).to_string())
            }
            ("/oauth2.googleapis.com/device/code", _) => Reply::ok(include_str!("../fixtures/device_code.json")),
            _ => Reply::Json(400, json!({"error": "invalid_token"}).to_string()),
        }
    })
    .await;
    let (api, youtube) = (api(through(&server.base)), youtube());
    let (code, verifier) = (Secret::new("4/c"), Secret::new("v"));
    let with = Exchange { code: &code, redirect_uri: "http://127.0.0.1:8787/cb", verifier: Some(&verifier) };
    let tokens = youtube.exchange(&api, with).await.expect("tokens");
    let held = Held { access: Arc::new(tokens.access), refresh: tokens.refresh.map(Arc::new) };
    let reply = youtube.renew(&api, &held).await.expect("a response");
    assert!(
        matches!(youtube.read_tokens(&reply, TokenRequest::Renewal), Err(TokenError::Gone { what }) if what.contains("seven days"))
    );
    youtube.revoke(&api, &held).await.expect("over already");
    youtube.revoke(&api, &Held { refresh: None, ..held.clone() }).await.expect("over already");
    let device = youtube.device_code(&api).expect("there is such a method").await.expect("a code");
    assert_eq!(device.url, format!("{}/www.google.com/device", server.base));
    let response = youtube.device_response(&api, &device.code).await.expect("a response");
    assert!(matches!(response, DeviceResponse::Pending));

    let requested = server.requested();
    let check = |index: usize, expected: &[(&str, &str)]| {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        assert_eq!(form(&requested[index]), expected.iter().map(own).collect::<Vec<_>>());
    };
    let app = [("client_id", "id-1"), ("client_secret", "canary-secret")];
    let with_app = |rest: &[(&'static str, &'static str)]| [app.as_slice(), rest].concat();
    let code = [("code", "4/c"), ("redirect_uri", "http://127.0.0.1:8787/cb"), ("code_verifier", "v")];
    check(0, &with_app(&[[("grant_type", "authorization_code")].as_slice(), &code].concat()));
    check(1, &with_app(&[("grant_type", "refresh_token"), ("refresh_token", "1//example-refresh-token")]));
    check(2, &[("token", "1//example-refresh-token")]);
    check(3, &[("token", "example-access-token")]);
    check(4, &[("client_id", "id-1"), ("scope", READ)]);
    let device =
        [("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("device_code", "example-device-code")];
    check(5, &with_app(&device));
}

#[tokio::test]
async fn a_consent_opens_one_channel_or_says_that_there_is_none() {
    let server = Server::start(|requested| {
        assert_eq!((requested.param("mine"), requested.param("key")), ("true", ""));
        match token_of(requested).as_str() {
            "none" => Reply::ok(json!({"kind": "youtube#channelListResponse"})),
            "signup" => refusal(401, "youtubeSignupRequired"),
            "short" => refusal(403, "insufficientPermissions"),
            _ => Reply::ok(some_channel(ID)),
        }
    })
    .await;
    let api = api(through(&server.base));
    let youtube = youtube();
    let opened = youtube.opened(&api, &access("good", &[READ])).await.expect("opened");
    assert_eq!((opened.owner_id.as_str(), opened.owner_name.as_str()), (ID, "Mara"));
    assert_eq!((opened.accounts[0].handle.as_str(), opened.accounts[0].followers), ("@mara", Some(2000)));
    for none in ["none", "signup"] {
        let error = youtube.opened(&api, &access(none, &[READ])).await.err();
        assert!(
            matches!(error, Some(PlatformError::AccountGone { what }) if what.contains("no YouTube channel")),
            "{none}"
        );
    }
    let error = youtube.opened(&api, &access("short", &[])).await.err();
    assert_eq!(error, Some(PlatformError::MissingScope { scope: READ.to_owned() }));
}

#[tokio::test]
async fn owners_are_read_with_their_own_consent_and_the_others_by_key() {
    let server = Server::start(|requested| {
        if requested.path.ends_with("/v2/reports") {
            assert_eq!((requested.param("ids"), requested.param("dimensions")), ("channel==MINE", "ageGroup,gender"));
            assert_eq!((requested.param("startDate"), requested.param("endDate")), ("2026-08-21", "2026-11-18"));
            return match token_of(requested).as_str() {
                "whole" => Reply::ok(include_str!("../fixtures/demographics.json")),
                "device" => refusal(403, "forbidden"),
                _ => refusal(403, "quotaExceeded"),
            };
        }
        match token_of(requested).as_str() {
            "lost" => refusal(401, "authError"),
            "" => {
                assert_eq!(requested.param("key"), "k");
                Reply::ok(some_channel(requested.param("id")))
            }
            _ => Reply::ok(some_channel(requested.param("id"))),
        }
    })
    .await;
    let youtube = YouTube::new(Some(Secret::new("k")), None);
    let accounts = [
        consented(0, "lost", &[READ, AUDIENCE]),
        consented(1, "whole", &[READ, AUDIENCE]),
        consented(2, "device", &[READ]),
        account(3, "@public", Some(&channel_id(3))),
        consented(4, "limited", &[READ, AUDIENCE]),
    ];
    let api = api(through(&server.base));
    let observed = in_order(youtube.observe(&api, &accounts).await);
    assert!(matches!(&observed[0], Err(PlatformError::Unauthorized { .. })), "{observed:?}");
    for reported in &observed[1..] {
        assert_eq!(reported.as_ref().map(|reported| reported.numbers.followers), Ok(Some(2000)));
    }
    let whole = observed[1].as_ref().expect("reported");
    assert!(whole.numbers.audience_male.is_some() && whole.numbers.top_age_range.is_some() && whole.missing.is_empty());
    let lists = |reported: &Observation| reported.audience.as_ref().map(|it| (it.genders.len(), it.ages.len()));
    assert_eq!((lists(whole), whole.days.as_ref()), (Some((3, 4)), None), "days were not wanted");
    let missing = |index: usize| observed[index].as_ref().map(|reported| reported.missing.clone()).expect("reported");
    assert_eq!(missing(2), ["audience: YouTube does not show it with this consent"]);
    assert!(missing(3).is_empty());
    assert!(missing(4)[0].starts_with("audience: "), "{:?}", missing(4));
    assert_eq!(api.requested_wait(), None, "the Data API does not wait");
}

#[tokio::test]
async fn without_a_key_only_owners_channels_are_reported() {
    let server = Server::start(|requested| match requested.path.ends_with("/v2/reports") {
        true => Reply::ok(
            json!({"columnHeaders": [{"name": "ageGroup"}, {"name": "gender"}, {"name": "viewerPercentage"}]}),
        ),
        false => Reply::ok(some_channel(requested.param("id"))),
    })
    .await;
    let accounts = [account(0, "@public", Some(&channel_id(0))), consented(1, "mine", &[READ])];
    let observed = in_order(youtube().observe(&api(through(&server.base)), &accounts).await);
    assert!(matches!(&observed[0], Err(PlatformError::Unconfigured { what }) if what.contains("api_key_file")));
    let reported = observed[1].as_ref().expect("reported");
    assert_eq!((&reported.audience, reported.missing.as_slice()), (&None, [].as_slice()), "too few viewers");
}

#[tokio::test]
async fn the_set_up_is_looked_at_without_anyones_consent() {
    let server = Server::start(|requested| match requested.path.as_str() {
        path if path.ends_with("/token") => {
            let wrong = form(requested).contains(&("client_id".to_owned(), "wrong".to_owned()));
            let error = if wrong { "invalid_client" } else { "invalid_grant" };
            Reply::Json(400, json!({"error": error, "error_description": "canary"}).to_string())
        }
        _ if requested.param("key") == "bad" => refusal(400, "keyInvalid"),
        _ => Reply::ok(some_channel(ID)),
    })
    .await;
    let check = |key: Option<&'static str>, id: Option<&'static str>, expected: &'static [Option<bool>]| {
        let base = server.base.clone();
        async move {
            let app = |id: &str| OAuthApp {
                id: id.to_owned(),
                secret: Secret::new("canary"),
                redirect_uri: None,
                scopes: None,
                config_id: None,
            };
            let youtube = YouTube::new(key.map(Secret::new), id.map(app));
            let checks = youtube.test(&api(through(&base)), "https://roster.example/cb").await;
            assert_eq!(checks.iter().map(|check| check.ok).collect::<Vec<_>>(), expected, "{checks:?}");
            assert!(!format!("{checks:?}").contains("canary"), "{checks:?}");
        }
    };
    check(Some("good"), Some("right"), &[Some(true), Some(true), None]).await;
    check(Some("bad"), Some("wrong"), &[Some(false), Some(false), None]).await;
    check(None, Some("right"), &[None, Some(true), None]).await;
    check(Some("good"), None, &[Some(true), None]).await;
}
