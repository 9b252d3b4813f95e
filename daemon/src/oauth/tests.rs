//! A provider that measures nothing: registered, requested, renewed and ended as any other.

use std::sync::Arc;

use roster_protocol::consent::TokenModel;
use roster_protocol::time::{Seconds, Timestamp};
use url::{Url, form_urlencoded};

use super::*;
use crate::http_client::test_server::{Received, Reply as Response, Server};
use crate::http_client::{Api, HttpClient, HttpSettings, Route};
use crate::secret::Secret;

const CONTACTS: Scope =
    Scope { name: "crm.contacts.read", purpose: Purpose::Integrating, reads: "contacts", needed: true };
const DEALS: Scope = Scope { name: "crm.deals.write", purpose: Purpose::Integrating, reads: "deals", needed: false };

const TERMS: Terms = Terms {
    slug: "crm",
    name: "CRM",
    grantor: "CRM",
    realm: "crm",
    section: "integrations.crm",
    no_app: "set client_id and client_secret_file in [integrations.crm]",
    page: Endpoint { host: "app.crm.example", path: "/oauth/authorize" },
    token: Endpoint { host: "api.crm.example", path: "/oauth/token" },
    revocation: Some(Endpoint { host: "api.crm.example", path: "/oauth/revoke" }),
    device: Some(Device { endpoint: Endpoint { host: "api.crm.example", path: "/oauth/device" }, scopes: &[CONTACTS] }),
    scopes: &[CONTACTS, DEALS],
    model: TokenModel::Rotating,
    ..Terms::STANDARD
};

/// Nothing of it is odd.
struct Crm(Option<OAuthApp>);

impl Provider for Crm {
    fn terms(&self) -> &'static Terms {
        &TERMS
    }

    fn app(&self) -> Option<&OAuthApp> {
        self.0.as_ref()
    }
}

fn registry(gateway: &str) -> Registry {
    let app = OAuthApp {
        id: "id-1".to_owned(),
        secret: Secret::new("app-secret"),
        redirect_uri: None,
        scopes: None,
        config_id: None,
    };
    let route = Route { platform: "crm".to_owned(), gateway: Some(gateway.to_owned()), ..Route::default() };
    [Registered { provider: Arc::new(Crm(Some(app))), enabled: true, route }].into_iter().collect()
}

fn form(requested: &Received) -> Vec<(String, String)> {
    form_urlencoded::parse(&requested.body).into_owned().collect()
}

fn response(requested: &Received) -> Response {
    let form = form(requested);
    let given = |name: &str| form.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str());
    let refused = |code: &str| Response::Json(400, format!(r#"{{"error":"{code}","error_description":"canary"}}"#));
    let tokens = |number: u8| {
        Response::ok(format!(
            r#"{{"access_token":"access-{number}","refresh_token":"refresh-{number}","expires_in":1800,
                 "token_type":"bearer","scope":"crm.contacts.read"}}"#
        ))
    };
    match (requested.path.as_str(), given("grant_type")) {
        ("/api.crm.example/oauth/token", "authorization_code") if given("code") == "code-1" => tokens(1),
        ("/api.crm.example/oauth/token", "refresh_token") if given("refresh_token") == "refresh-1" => tokens(2),
        ("/api.crm.example/oauth/token", "urn:ietf:params:oauth:grant-type:device_code") => {
            refused("authorization_pending")
        }
        ("/api.crm.example/oauth/token", _) => refused("invalid_grant"),
        ("/api.crm.example/oauth/revoke", _) => Response::ok(""),
        ("/api.crm.example/oauth/device", _) => Response::ok(
            r#"{"device_code":"d-1","user_code":"AB-12","verification_uri":"https://crm.example/device","expires_in":600}"#,
        ),
        _ => Response::Json(404, "{}".to_owned()),
    }
}

#[tokio::test]
async fn a_provider_that_measures_nothing_is_one_like_any_other() {
    let server = Server::start(response).await;
    let registry = registry(&server.base);
    let Registered { provider, route, .. } = registry.get("crm").expect("registered");
    let client = HttpClient::new(HttpSettings::default()).expect("defaults work");
    let api = Api::new(client, route.clone(), Timestamp(0));
    assert_eq!((provider.lacks(), provider.realm().as_str()), (None, "crm:id-1"));
    let redirect_uri = "https://roster.example/oauth/crm/callback";
    assert_eq!(provider.redirect_problem(redirect_uri), None);

    let (state, verifier) = (Secret::new("state-1"), verifier().expect("randomness"));
    let request = Authorize {
        redirect_uri,
        state: &state,
        verifier: Some(&verifier),
        login_hint: None,
        purpose: Purpose::Integrating,
    };
    let url = Url::parse(&provider.authorize_url(&api, request).expect("an app")).expect("a URL");
    assert_eq!(url.path(), "/app.crm.example/oauth/authorize");
    let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let given = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    assert_eq!(given("scope"), Some("crm.contacts.read crm.deals.write"));
    assert_eq!((given("client_id"), given("state")), (Some("id-1"), Some("state-1")));
    assert_eq!(given("code_challenge").map(str::len), Some(43));
    let nothing = provider.authorize_url(&api, Authorize { purpose: Purpose::Measuring, ..request }).expect("an app");
    assert!(nothing.contains("scope=&"), "it measures nothing: {nothing}");

    let back = [("code", "code-1"), ("state", "state-1")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let Callback::Code(code) = provider.read_callback(&back) else { panic!("a code") };
    let with = Exchange { code: &code, redirect_uri, verifier: Some(&verifier) };
    let tokens = provider.exchange(&api, with).await.expect("tokens");
    assert_eq!((tokens.access.expose(), tokens.access_lives), ("access-1", Some(Seconds(1800))));
    assert_eq!(tokens.scopes, Some(vec!["crm.contacts.read".to_owned()]));
    let exchanged = form(&server.requested()[0]);
    assert!(exchanged.contains(&("client_secret".to_owned(), "app-secret".to_owned())));
    assert!(exchanged.contains(&("code_verifier".to_owned(), verifier.expose().to_owned())));

    let held = |tokens: Tokens| Held { access: Arc::new(tokens.access), refresh: tokens.refresh.map(Arc::new) };
    let first = held(tokens);
    let reply = provider.renew(&api, &first).await.expect("a response");
    let second = held(provider.read_tokens(&reply, TokenRequest::Renewal).expect("tokens"));
    assert_eq!(second.access.expose(), "access-2");

    provider.revoke(&api, &second).await.expect("it takes revocations");
    let revoked = server.requested().pop().expect("a request");
    assert_eq!(revoked.path, "/api.crm.example/oauth/revoke");
    assert!(form(&revoked).contains(&("token".to_owned(), "refresh-2".to_owned())));

    // The provider says that a spent token ends the consent.
    let reply = provider.renew(&api, &second).await.expect("a response");
    let gone = provider.read_tokens(&reply, TokenRequest::Renewal).err();
    assert_eq!(gone, Some(TokenError::Gone { what: "CRM has ended the consent".to_owned() }));

    let device = provider.device_code(&api).expect("there are codes").await.expect("a code");
    assert_eq!((device.user_code.as_str(), device.interval), ("AB-12", Seconds(5)));
    assert!(matches!(provider.device_response(&api, &device.code).await, Ok(DeviceResponse::Pending)));
}

#[test]
fn a_refusal_means_the_same_for_each_provider() {
    let check = |status: u16, code: &str, request: TokenRequest, expected: &str| {
        let body = Secret::new(format!(r#"{{"error":"{code}","error_description":"canary"}}"#));
        let reported = format!("{:?}", refused(&Crm(None), &Reply { status, body }, request));
        assert!(reported.starts_with(expected) && !reported.contains("canary"), "{status} {code}: {reported}");
    };
    check(400, "invalid_grant", TokenRequest::Renewal, "Gone { what: \"CRM has ended");
    check(400, "invalid_grant", TokenRequest::Code, "Gone { what: \"CRM's code is used");
    check(401, "invalid_client", TokenRequest::Code, "App { what: \"CRM does not accept the app: check client_id");
    check(400, "invalid_scope", TokenRequest::Code, "App");
    check(400, "temporarily_unavailable", TokenRequest::Renewal, "Later");
    check(400, "whatever", TokenRequest::Renewal, "Unexpected { what: \"crm tokens: it refused (400): whatever");
    check(400, "canary <b>", TokenRequest::Renewal, "Unexpected");
    for status in [429, 500, 503] {
        check(status, "invalid_grant", TokenRequest::Renewal, "Later");
    }
}
