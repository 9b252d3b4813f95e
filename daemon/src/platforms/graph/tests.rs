//! The Graph API's own oddities, over HTTP.

mod pages;

use std::sync::Arc;

use serde_json::{Value, json};

use super::insights::Insights;
use super::*;
use crate::http_client::Api;
use crate::http_client::test_server::{Received, Reply, Server};
use crate::oauth::{
    self, Authorize, Callback, Exchange, Held, OAuthApp, Provider, Purpose, Refusal, Scope, Terms, TokenError,
    TokenRequest, Tokens, redirect_problem,
};
use crate::platforms::batch::Stop;
use crate::platforms::tests::world::{api, api_of, kept_back, through};
use crate::platforms::{Limit, PlatformError};
use crate::schedule::gate::Priority;

const NAMES: &[(&str, &str)] = &[("views", "views"), ("shares", "shares"), ("saved", "saves")];

const A: Scope = Scope { name: "a", purpose: Purpose::Measuring, reads: "", needed: true };
const B: Scope = Scope { name: "b", ..A };

/// A platform of Meta's.
pub(super) struct Meta {
    app: Option<OAuthApp>,
    terms: &'static Terms,
}

pub(super) const FACEBOOK: Meta = Meta { app: None, terms: &Terms { grantor: "Facebook", scopes: &[A, B], ..TERMS } };
pub(super) const INSTAGRAM: Meta = Meta { app: None, terms: &Terms { grantor: "Instagram", ..TERMS } };

impl Provider for Meta {
    fn terms(&self) -> &'static Terms {
        self.terms
    }

    fn app(&self) -> Option<&OAuthApp> {
        self.app.as_ref()
    }

    fn page(&self, api: &Api) -> Option<url::Url> {
        sign_in(self.app.as_ref()?).page(api)
    }

    fn read_tokens(&self, reply: &oauth::Reply, request: TokenRequest) -> Result<Tokens, TokenError> {
        tokens(self, reply, request)
    }

    fn refusal(&self, reply: &oauth::Reply, request: TokenRequest) -> Option<Refusal> {
        super::refusal(self.terms.grantor, reply, request)
    }
}

fn app() -> OAuthApp {
    OAuthApp {
        id: "123".to_owned(),
        secret: Secret::new("app-secret"),
        redirect_uri: None,
        scopes: None,
        config_id: None,
    }
}

fn sign_in(app: &OAuthApp) -> SignIn<'_> {
    SignIn { name: "Facebook", app, version: "v26.0" }
}

fn held(token: &str) -> Held {
    Held { access: Arc::new(Secret::new(token)), refresh: None }
}

fn refusal(status: u16, code: u32) -> Reply {
    let error = json!({"error": {"message": "canary", "type": "OAuthException", "code": code, "fbtrace_id": "A1"}});
    Reply::Json(status, error.to_string())
}

fn reported(requested: &Received) -> Value {
    let metric = |name: &str| json!({"name": name, "period": "lifetime", "values": [{"value": name.len()}]});
    json!({"data": requested.param("metric").split(',').map(metric).collect::<Vec<_>>()})
}

/// The insights of some posts of an account, and how many requests they took.
async fn insights(
    server: &Server,
    api: &Api,
    (account, token): (&str, &str),
    posts: &[&str],
    names: &[(&'static str, &'static str)],
    refusals: &Refusals,
) -> (Insights, usize) {
    let (app, stop, token) = (app(), Stop::new(api), Secret::new(token));
    let graph = sign_in(&app).requests(api, &stop).with(&token);
    let owner = Owner::of(account, &token);
    let insights = graph.insights(posts, Metrics { names, scope: "s", role: "look", owner, refusals }).await;
    (insights, server.forget())
}

const A4: (&str, &str) = ("a", "token-a");
const FOUR: &[&str] = &["p1", "p2", "p3", "p4"];

#[test]
fn proofs_are_those_of_the_vectors() {
    let check = |message: &str, expected: &str| {
        assert_eq!(proof(&Secret::new("app-secret"), &Secret::new(message)).expose(), expected, "{message}");
    };
    check("user-token", "b5a94d985eb7b68467d28ca5375162d12b9ca8fe238615acc927c8a9c08d2e95");
    check("user-token|1700000000", "ab6e4f6b9e5200790fa5e4341ddc9884c455f77926e0d332e51044cf65d02fe1");
}

#[tokio::test]
async fn a_metric_that_every_post_refuses_costs_itself_and_is_not_requested_again_that_day() {
    let server = Server::start(|requested| match requested.param("metric").contains("saved") {
        true => refusal(400, 100),
        false => Reply::ok(reported(requested)),
    })
    .await;
    let (api, refusals) = (api(through(&server.base)), Refusals::default());
    let (found, requested) = insights(&server, &api, A4, FOUR, NAMES, &refusals).await;
    assert_eq!(found.posts.len(), 4);
    for post in &found.posts {
        assert_eq!((post.get("views"), post.get("shares"), post.get("saved")), (Some(&5), Some(&6), None));
    }
    assert_eq!(
        found.missing,
        ["saves: X refused saved for each post, as if a permission is missing: look".replace('X', "Facebook")]
    );
    // All together, one by one; then the others, and apart from them what was refused.
    assert_eq!(requested, 1 + 3 + 3 * 2);
    let (again, requested) = insights(&server, &api, A4, FOUR, NAMES, &refusals).await;
    assert_eq!((requested, again.missing), (4, found.missing));
    // Another owner's account is requested for everything.
    let other = insights(&server, &api, ("b", "token-b"), &["q1"], NAMES, &refusals).await;
    assert_eq!(other.1, 4);
}

#[tokio::test]
async fn one_posts_refusal_is_of_this_post() {
    for metric in ["views", "shares"] {
        let server = Server::start(move |requested| {
            match requested.path.contains("/p1/") && requested.param("metric").contains(metric) {
                true => refusal(400, 100),
                false => Reply::ok(reported(requested)),
            }
        })
        .await;
        let (api, refusals) = (api(through(&server.base)), Refusals::default());
        for expected in [1 + 3 + 3 + 1, 4 + 1] {
            let (found, requested) = insights(&server, &api, A4, FOUR, NAMES, &refusals).await;
            assert_eq!((requested, found.missing.len()), (expected, 0), "{metric}: {:?}", found.missing);
            let has = |post: &super::insights::Reported| post.len() == 3;
            assert_eq!(found.posts.iter().map(has).collect::<Vec<_>>(), [false, true, true, true], "{metric}");
            assert_eq!((found.posts[0].len(), found.posts[0].contains_key(metric)), (2, false));
        }
    }
}

#[tokio::test]
async fn the_newest_posts_refusals_do_not_cost_the_older_ones() {
    let server = Server::start(|requested| match requested.path.contains("/p4/") {
        true => Reply::ok(reported(requested)),
        false => refusal(400, 100),
    })
    .await;
    let (api, refusals) = (api(through(&server.base)), Refusals::default());
    let (found, _) = insights(&server, &api, A4, FOUR, NAMES, &refusals).await;
    assert_eq!((found.posts[3].len(), found.missing.len()), (3, 0), "{found:?}");
}

#[tokio::test]
async fn a_missing_permission_is_reported_and_not_taken_for_a_hidden_number() {
    for code in [10, 200] {
        let server = Server::start(move |_| refusal(403, code)).await;
        let (api, refusals) = (api(through(&server.base)), Refusals::default());
        let (found, requested) = insights(&server, &api, A4, FOUR, NAMES, &refusals).await;
        assert!(found.posts.iter().all(|post| post.is_empty()));
        let expected = "views, shares, saves: Facebook says that a permission is missing, although s was allowed: look";
        assert_eq!((found.missing, requested), (vec![expected.to_owned()], 3), "{code}");
        assert_eq!(insights(&server, &api, A4, FOUR, NAMES, &refusals).await.1, 3, "it may be allowed by now");
    }
}

#[tokio::test]
async fn posts_from_before_the_professional_account_are_requested_once() {
    let server = Server::start(|requested| match requested.path.contains("/p1/") {
        true => {
            let error = json!({"error": {"code": 100, "error_subcode": 2_108_006}});
            Reply::Json(400, error.to_string())
        }
        false => Reply::ok(reported(requested)),
    })
    .await;
    let (api, refusals) = (api(through(&server.base)), Refusals::default());
    for expected in [4, 3] {
        let (found, requested) = insights(&server, &api, A4, FOUR, NAMES, &refusals).await;
        assert_eq!((requested, found.missing.len(), found.posts[0].len()), (expected, 0, 0));
    }
}

#[tokio::test]
async fn requests_for_refused_metrics_are_bounded() {
    let server = Server::start(|_| refusal(400, 100)).await;
    let (api, refusals) = (api(through(&server.base)), Refusals::default());
    let posts: Vec<String> = (0..12).map(|post| format!("p{post}")).collect();
    let posts: Vec<&str> = posts.iter().map(String::as_str).collect();
    let (found, requested) = insights(&server, &api, A4, &posts, NAMES, &refusals).await;
    assert_eq!((found.posts.len(), found.missing.len()), (12, 3));
    assert!(requested <= 12 + 40, "{requested}");
    assert_eq!(insights(&server, &api, A4, &posts, NAMES, &refusals).await.1, 0);
    // Three people's accounts later it is the metric, and then, too, each account is requested for it.
    for (account, token) in [("b", "token-b"), ("c", "token-c")] {
        let (found, requested) = insights(&server, &api, (account, token), &posts, NAMES, &refusals).await;
        assert!(requested > 0 && found.missing.len() == 3);
        let is_withdrawn = found.missing[0] == "views: Facebook does not report views of posts any more";
        assert_eq!(is_withdrawn, account == "c", "{:?}", found.missing);
    }
}

#[tokio::test]
async fn a_limit_ends_the_requests_and_says_for_how_long() {
    let server = Server::start(|requested| match requested.path.contains("/p1/") {
        true => {
            let usage = r#"{"1":[{"type":"pages","call_count":100,"estimated_time_to_regain_access":19}]}"#;
            let error = json!({"error": {"code": 80_001, "message": "canary"}}).to_string();
            Reply::Headers(400, vec![("x-business-use-case-usage", usage.to_owned())], error)
        }
        false => Reply::ok(reported(requested)),
    })
    .await;
    let (api, gate) = api_of("facebook", through(&server.base));
    let (found, requested) = insights(&server, &api, A4, FOUR, NAMES, &Refusals::default()).await;
    let limited = PlatformError::RateLimited { retry_after: None, of: Limit::Account };
    assert_eq!((found.missing, requested), (vec![format!("views, shares, saves: {limited}")], 1));
    // The limit is this account's: the others and the app go on.
    let own = gate.with(|gate| gate.account_refusal("facebook", "1", Priority::Person, api.now()));
    assert_eq!(own.map(|spent| spent.until), Some(api.now().plus_seconds(19 * 60)));
    assert_eq!((kept_back(&gate, "facebook"), api.requested_wait()), (None, None));
}

#[tokio::test]
async fn an_app_near_its_limit_pauses_and_an_account_near_its_own_does_not() {
    let usage = |header: &'static str, percents: &'static str| {
        move |requested: &Received| {
            Reply::Headers(200, vec![(header, percents.to_owned())], reported(requested).to_string())
        }
    };
    let server = Server::start(usage("x-app-usage", r#"{"call_count":81,"total_time":1,"total_cputime":1}"#)).await;
    let (one, gate) = api_of("facebook", through(&server.base));
    assert_eq!(insights(&server, &one, A4, FOUR, NAMES, &Refusals::default()).await.1, 1);
    assert_eq!((kept_back(&gate, "facebook"), one.requested_wait()), (Some(15 * 60), None));

    let server = Server::start(usage("x-business-use-case-usage", r#"{"1":[{"call_count":81}]}"#)).await;
    let (other, gate) = api_of("facebook", through(&server.base));
    let (app, stop, token) = (app(), Stop::new(&other), Secret::new("t"));
    let graph = sign_in(&app).requests(&other, &stop).with(&token);
    assert!(!graph.is_tight());
    graph.request::<List>(graph.get("/{version}/me/accounts"), "s").await.expect("a list");
    assert!(graph.is_tight() && other.requested_wait().is_none() && kept_back(&gate, "facebook").is_none());
}

#[tokio::test]
async fn tokens_are_exchanged_extended_looked_at_and_revoked() {
    let server = Server::start(|requested| match requested.path.rsplit('/').next() {
        Some("access_token") => Reply::ok(include_str!("fixtures/token.json")),
        Some("debug_token") => Reply::ok(include_str!("fixtures/debug_token.json")),
        _ => refusal(400, 190),
    })
    .await;
    let (api, app, code) = (api(through(&server.base)), app(), Secret::new("AQcode"));
    let with = Exchange { code: &code, redirect_uri: "https://roster.example/cb", verifier: None };
    let reported = sign_in(&app).exchange(&FACEBOOK, &api, with).await.expect("a token");
    assert_eq!(reported.access.expose(), "EAAexample-token");
    let reply = sign_in(&app).extend(&api, &held("short")).await.expect("a response");
    assert!(tokens(&FACEBOOK, &reply, TokenRequest::Renewal).is_ok());
    assert_eq!(sign_in(&app).granted(&api, &reported.access).await.map(|granted| granted.scopes.len()), Ok(3));
    sign_in(&app).revoke(&FACEBOOK, &api, &held("user-token")).await.expect("over already");

    let requested = server.requested();
    assert!(requested.iter().all(|requested| requested.path.starts_with("/graph.facebook.com/v26.0/")));
    let pairs = |index: usize| -> Vec<(String, String)> { requested[index].query.clone() };
    let own = |reported: &[(&str, &str)]| -> Vec<(String, String)> {
        reported.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let app = [("client_id", "123"), ("client_secret", "app-secret")];
    let code = [("redirect_uri", "https://roster.example/cb"), ("code", "AQcode")];
    assert_eq!(pairs(0), own(&[app, code].concat()));
    let extended = [("grant_type", "fb_exchange_token"), ("fb_exchange_token", "short")];
    assert_eq!(pairs(1), own(&[app, extended].concat()));
    assert_eq!(pairs(2), own(&[("input_token", "EAAexample-token")]));
    let token = |index: usize| requested[index].headers.get("authorization").and_then(|value| value.to_str().ok());
    assert_eq!(token(2), Some("Bearer 123|app-secret"));
    assert_eq!((requested[3].method.as_str(), token(3)), ("DELETE", Some("Bearer user-token")));
    assert!(requested[3].path.ends_with("/v26.0/me/permissions"));
}

#[tokio::test]
async fn a_refused_app_is_the_operators_and_ends_no_consent() {
    for (status, code) in [(401, 190), (400, 101), (403, 10)] {
        let server = Server::start(move |_| refusal(status, code)).await;
        let (api, app) = (api(through(&server.base)), app());
        let error = sign_in(&app).granted(&api, &Secret::new("t")).await.expect_err("a bad app");
        assert!(matches!(&error, PlatformError::Unconfigured { .. }), "{code}: {error:?}");
        let checks = sign_in(&app).checks(&api, "http://roster.example/cb").await;
        let found: Vec<_> = checks.iter().map(|check| (check.what.as_str(), check.ok)).collect();
        let expected = [
            ("id and secret", Some(false)),
            ("API version", Some(true)),
            ("redirect URI", Some(false)),
            ("permissions", None),
        ];
        assert_eq!(found, expected, "{code}");
        assert!(!format!("{checks:?}").contains("canary") && !format!("{checks:?}").contains("app-secret"));
    }
    for (reply, expected) in [
        (Reply::ok(json!({"data": {"is_valid": false, "error": {"code": 190}}})), Some(true)),
        (refusal(400, 100), Some(true)),
        (refusal(500, 2), None),
        (Reply::ok("<html>"), None),
    ] {
        let server = Server::start(move |_| reply.clone()).await;
        let checks = sign_in(&app()).checks(&api(through(&server.base)), "https://roster.example/cb").await;
        assert_eq!(checks[0].ok, expected, "{:?}", checks[0]);
    }
}

#[tokio::test]
async fn outages_end_no_consent() {
    for reply in [refusal(500, 190), Reply::Json(503, "<html>".to_owned()), refusal(400, 2)] {
        let server = Server::start(move |_| reply.clone()).await;
        let (api, app) = (api(through(&server.base)), app());
        let renewed = sign_in(&app).extend(&api, &held("t")).await;
        let renewed = renewed.and_then(|reply| tokens(&FACEBOOK, &reply, TokenRequest::Renewal));
        assert!(matches!(renewed, Err(TokenError::Later { .. })));
        let revoked = sign_in(&app).revoke(&FACEBOOK, &api, &held("t")).await;
        assert!(matches!(revoked, Err(TokenError::Later { .. })));
    }
}

#[test]
fn the_consent_page_gets_its_scopes_with_commas() {
    let (state, facebook) = (Secret::new("st"), Meta { app: Some(app()), ..FACEBOOK });
    let redirect_uri = "http://127.0.0.1:8787/oauth/x/callback";
    let purpose = Purpose::Measuring;
    let request = Authorize { redirect_uri, state: &state, verifier: None, login_hint: None, purpose };
    let url = facebook.authorize_url(&api(Default::default()), request).expect("a page");
    assert!(url.starts_with("https://www.facebook.com/v26.0/dialog/oauth?client_id=123&"), "{url}");
    assert!(url.contains("&scope=a%2Cb&") && url.contains("&state=st&"), "{url}");
    for (scopes, config_id, expected) in
        [(Some(vec!["b".to_owned()]), None, "&scope=b&"), (None, Some("77".to_owned()), "&config_id=77&")]
    {
        let facebook = Meta { app: Some(OAuthApp { scopes, config_id, ..app() }), ..FACEBOOK };
        let request = Authorize { redirect_uri, state: &state, verifier: None, login_hint: None, purpose };
        let url = facebook.authorize_url(&api(Default::default()), request).expect("a page");
        assert!(url.contains(expected) && url.contains("scope=") != url.contains("config_id="), "{url}");
    }
}

#[test]
fn what_comes_back_is_a_code_or_a_reason() {
    let check = |query: &str, expected: &str| {
        let pairs: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let reported = match without_fragment("Facebook", &pairs) {
            Callback::Code(code) => format!("code {}", code.expose()),
            Callback::Denied => "denied".to_owned(),
            Callback::Scopes(words) => format!("scopes: {words}"),
            Callback::Refused(what) => what,
        };
        assert!(reported.starts_with(expected), "{query}: {reported}");
    };
    check("code=AQb-c_1&state=st", "code AQb-c_1");
    check("code=AQb%23_", "code AQb");
    check("code=AQb%23_%3D_", "code AQb");
    check("error=access_denied&error_reason=user_denied&error_description=The+user+denied+your+request", "denied");
    check("error_code=1349045&error_message=Can%27t+load+URL%1b", "Can't load URL (error 1349045)");
    check("error_code=1349045", "Facebook ended the sign-in with an error of its own (error 1349045)");
    check("error=invalid_request&error_description=No+such+app&error_code=%1b", "No such app");
    check("error_code=100&error_message=Invalid+Scopes%3A+ads_read.", "scopes: Invalid Scopes: ads_read.");
    check("error=invalid_scope&error_description=ads_read", "scopes: ads_read");
    check("state=st", "Facebook sent no code");
}

#[test]
fn redirect_uris_are_checked_before_meta_does() {
    for good in
        ["https://roster.example/cb", "http://127.0.0.1:8787/cb", "http://localhost/cb", "https://r.example/a?b=c"]
    {
        assert_eq!(redirect_problem("Facebook", good), None, "{good}");
    }
    for bad in ["", "roster.example", "http://roster.example/cb", "https://r.example/#x", "https://a@r.example/"] {
        assert!(redirect_problem("Facebook", bad).is_some(), "{bad}");
    }
}
