//! The consent page.

use http::StatusCode;
use url::Url;

use super::{App, BASIC};
use crate::Platform;
use crate::consent::{self, ConsentRequest, Visit, notice, redirect};
use crate::grants::{NewGrant, Secret, SecretKind, secret};
use crate::platforms::{ApiRequest, ApiResponse};
use crate::world::World;

pub fn page(world: &World, request: &ApiRequest) -> ApiResponse {
    let refused = |what: &str| notice(StatusCode::BAD_REQUEST, "TikTok", &format!("Something went wrong: {what}"));
    let Some(app) = request.one("client_key").and_then(App::of) else { return refused("client_key") };
    let Some(redirect_uri) = request.one("redirect_uri").filter(|uri| is_allowed(uri)) else {
        return refused("redirect_uri");
    };
    let state = request.one("state").unwrap_or_default();
    let sent_back = |error: &str, description: &str| {
        let pairs = [("error", error), ("error_description", description), ("state", state)];
        redirect::back(redirect_uri, &pairs, "")
    };
    if request.one("response_type") != Some("code") {
        return sent_back("unsupported_response_type", "The response_type is not supported");
    }
    let scopes: Vec<String> = request.one("scope").unwrap_or_default().split(',').map(str::to_owned).collect();
    let is_refused =
        |scope: &String| !app.scopes.contains(&scope.as_str()) || world.grants.lacks(Platform::Tiktok, scope);
    if scopes.iter().any(is_refused) {
        return sent_back("invalid_scope", "The scope is invalid or not approved for this app");
    }
    if let Err(problem) = check_challenge(app, request, redirect_uri) {
        return sent_back("invalid_request", problem);
    }
    let consent = ConsentRequest {
        platform: Platform::Tiktok,
        door: app.door,
        provider: "TikTok",
        scopes,
        fixed: &[BASIC],
        keeps_scopes: false,
        login_hint: request.one("login_hint").map(str::to_owned),
        opens: &[Platform::Tiktok],
    };
    match consent::visit(world, request, &consent) {
        Visit::Page(page) => page,
        Visit::Denied => sent_back("access_denied", "The user denied the request"),
        Visit::Approved(grant) => approved(world, app, request, redirect_uri, grant),
    }
}

fn approved(world: &World, app: &App, request: &ApiRequest, redirect_uri: &str, grant: NewGrant) -> ApiResponse {
    let state = request.one("state").unwrap_or_default();
    let grant = world.grants.give(grant);
    // What is decoded twice is another code.
    let code = format!("{}*2!%41{}.e1", secret::random(24), secret::random(24));
    let kind = SecretKind::Code {
        redirect_uri: redirect_uri.to_owned(),
        challenge: request.one("code_challenge").map(str::to_owned),
        with_refresh: true,
    };
    world.grants.add_secret(code.clone(), Secret::new(kind, &grant, world.clock.shown(), Some(app.code_lives)));
    let scopes: Vec<&str> = grant.scopes.iter().map(String::as_str).collect();
    redirect::back(redirect_uri, &[("code", &code), ("scopes", &scopes.join(",")), ("state", state)], "")
}

/// By https without a query, or to the same machine with a port, as desktop apps do.
fn is_allowed(uri: &str) -> bool {
    let Ok(url) = Url::parse(uri) else { return false };
    let is_desktop = redirect::is_loopback(&url);
    let has_port =
        uri.split('/').nth(2).is_some_and(|host| host.rsplit_once(':').is_some_and(|(_, port)| !port.is_empty()));
    redirect::is_allowed(uri) && url.query().is_none() && uri.len() < 512 && (!is_desktop || has_port)
}

/// Desktop apps must send one.
fn check_challenge(app: &App, request: &ApiRequest, redirect_uri: &str) -> Result<(), &'static str> {
    let is_desktop = app.has_desktop && Url::parse(redirect_uri).is_ok_and(|url| redirect::is_loopback(&url));
    match (request.one("code_challenge"), request.one("code_challenge_method")) {
        (Some(challenge), Some("S256")) if !challenge.is_empty() => Ok(()),
        (Some(_), _) => Err("code_challenge_method is invalid"),
        (None, _) if is_desktop => Err("code_challenge is required"),
        (None, _) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_are_registered_in_two_forms() {
        let check = |uri: &str, expected| assert_eq!(is_allowed(uri), expected, "{uri}");
        check("https://roster.example/oauth/tiktok/callback", true);
        check("https://roster.example/callback?x=1", false);
        check("http://127.0.0.1:8787/oauth/tiktok/callback", true);
        check("http://localhost:3000/", true);
        check("http://localhost/", false);
        check("http://roster.example/", false);
        check(&format!("https://roster.example/{}", "x".repeat(500)), false);
    }
}
