//! The ways to a person's Pages, over HTTP.

use serde_json::{Value, json};

use super::{app, refusal, sign_in};
use crate::http_client::test_server::{Reply, Server};
use crate::platforms::PlatformError;
use crate::platforms::graph::no_page;
use crate::platforms::graph::token_info::Granted;
use crate::platforms::tests::world::{api, through};
use crate::secret::Secret;

fn debugged(scopes: &[&str], pages: &[&str]) -> Reply {
    let granular = json!([{"scope": "pages_show_list", "target_ids": pages}]);
    Reply::ok(json!({"data": {"is_valid": true, "scopes": scopes, "granular_scopes": granular}}))
}

fn page(id: &str) -> Value {
    json!({"id": id, "name": format!("Page {id}"), "access_token": format!("token-of-{id}")})
}

async fn opened(server: &Server) -> Result<Vec<String>, PlatformError> {
    let (api, app, token) = (api(through(&server.base)), app(), Secret::new("user-token"));
    let signed_in = sign_in(&app).signed_in(&api, &token, &[]).await?;
    Ok(signed_in.pages.into_iter().map(|page| page.id).collect())
}

fn paths(server: &Server) -> Vec<String> {
    let last = |path: &str| path.trim_start_matches("/graph.facebook.com/v26.0/").to_owned();
    server.requested().iter().map(|requested| last(&requested.path)).collect()
}

#[tokio::test]
async fn pages_are_turned_by_cursor_and_tokens_stay_out_of_addresses() {
    let server = Server::start(|requested| match (requested.path.rsplit('/').next(), requested.param("after")) {
        (Some("debug_token"), _) => debugged(&["instagram_basic"], &[]),
        (_, "") => {
            Reply::ok(json!({"data": [], "paging": {"cursors": {"after": "c1"}, "next": "https://x.example/?t=1"}}))
        }
        (_, "c1") => Reply::ok(include_str!("../fixtures/accounts.json")),
        _ => Reply::ok(json!({"data": [{"id": "77", "access_token": "example-page-token-77"}], "paging": {}})),
    })
    .await;
    let (api, app, token) = (api(through(&server.base)), app(), Secret::new("user-token"));
    for (id, expected) in [
        ("102030405060702", Some("example-page-token-2")),
        ("17841400000000001", Some("example-page-token-1")),
        ("77", Some("example-page-token-77")),
        ("102030405060703", None),
        ("78", None),
    ] {
        let token = sign_in(&app).page_token(&api, &token, id).await.expect("Pages");
        assert_eq!(token.as_ref().map(Secret::expose), expected, "{id}");
    }
    for requested in server.requested().iter().filter(|requested| !requested.path.ends_with("debug_token")) {
        let token = requested.headers.get("authorization").and_then(|value| value.to_str().ok());
        assert_eq!(token, Some("Bearer user-token"));
        assert_eq!(
            requested.param("appsecret_proof"),
            "b5a94d985eb7b68467d28ca5375162d12b9ca8fe238615acc927c8a9c08d2e95"
        );
        assert!(requested.query.iter().all(|(_, value)| !value.contains("user-token")));
    }
}

#[tokio::test]
async fn a_page_that_the_list_leaves_out_is_requested_by_the_id_that_the_consent_names() {
    let server = Server::start(|requested| match requested.path.rsplit('/').next() {
        Some("debug_token") => debugged(&["pages_show_list"], &["1", "2", "3", "4"]),
        Some("me") => Reply::ok(json!({"id": "10158"})),
        Some("accounts") => Reply::ok(json!({"data": [page("1")]})),
        Some("2") => Reply::ok(page("2")),
        // Without a role that opens anything.
        Some("3") => Reply::ok(json!({"id": "3", "name": "Page 3"})),
        _ => refusal(400, 100),
    })
    .await;
    assert_eq!(opened(&server).await, Ok(vec!["1".to_owned(), "2".to_owned()]));
    assert_eq!(paths(&server), ["debug_token", "me", "me/accounts", "2", "3", "4"]);
}

#[tokio::test]
async fn portfolios_are_looked_into_where_that_was_allowed() {
    let server = Server::start(|requested| match requested.path.trim_start_matches("/graph.facebook.com/v26.0/") {
        "debug_token" => debugged(&["pages_show_list", "business_management"], &["2", "5"]),
        "me" => Reply::ok(json!({"id": "10158"})),
        "me/accounts" => Reply::ok(json!({"data": [{"id": "1", "name": "Page 1"}]})),
        "me/businesses" => Reply::ok(json!({"data": [{"id": "b1"}, {"id": "../x"}, 7, {"id": "b2"}]})),
        // One that was not opened has no token; one that was listed without a token has it here.
        "b1/owned_pages" => Reply::ok(json!({"data": [page("1"), page("2"), {"id": "3"}]})),
        "b1/client_pages" => Reply::ok(json!({"data": [page("4"), page("2")]})),
        "b2/owned_pages" => refusal(403, 200),
        "b2/client_pages" => Reply::ok(json!({"data": []})),
        "5" => Reply::ok(page("5")),
        path => panic!("{path}"),
    })
    .await;
    assert_eq!(opened(&server).await, Ok(["1", "2", "4", "5"].map(str::to_owned).to_vec()));
    // An outage is no proof that there is no other Page.
    let down = Server::start(|requested| match requested.path.rsplit('/').next() {
        Some("debug_token") => debugged(&["business_management"], &[]),
        Some("me") => Reply::ok(json!({"id": "10158"})),
        Some("accounts") => Reply::ok(json!({"data": [page("1")]})),
        _ => refusal(500, 2),
    })
    .await;
    assert!(matches!(opened(&down).await, Err(PlatformError::Unavailable { .. })));
}

#[test]
fn the_advice_where_no_page_was_opened_can_be_followed() {
    let check = |scopes: Option<&[&str]>, config_id: Option<&str>, granted: &[&str], expected: &str| {
        let mut app = app();
        app.scopes = scopes.map(|scopes| scopes.iter().map(|scope| (*scope).to_owned()).collect());
        app.config_id = config_id.map(str::to_owned);
        let scopes = granted.iter().map(|scope| (*scope).to_owned()).collect();
        let error = no_page(&Granted { scopes, ..Granted::default() }, &app, "platforms.x").to_string();
        let expected = format!(
            "no Page was opened: at consent tick the Page, and the business portfolio that holds it if there is \
             one{expected}"
        );
        assert_eq!(error, expected);
    };
    check(None, None, &["business_management"], "");
    check(None, None, &[], "; where a business portfolio holds it, allow business_management as well");
    let add = "; where a business portfolio holds it, add business_management to scopes in [platforms.x] first";
    check(Some(&["pages_show_list"]), None, &[], add);
    let add = "; where a business portfolio holds it, add business_management to the configuration at Meta that \
               config_id in [platforms.x] names first";
    check(None, Some("7"), &[], add);
}
