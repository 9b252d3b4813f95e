//! The consent page of Facebook Login, for Pages and the Instagram accounts linked to them.

use std::time::Duration;

use http::StatusCode;

use super::app_of;
use crate::Platform;
use crate::consent::{self, ConsentRequest, Visit, notice, redirect};
use crate::grants::{Door, Secret, SecretKind, secret};
use crate::platforms::{ApiRequest, ApiResponse};
use crate::world::World;

const SCOPES: &[&str] = &[
    "public_profile",
    "email",
    "pages_show_list",
    "pages_read_engagement",
    "pages_read_user_content",
    "pages_manage_metadata",
    "read_insights",
    "business_management",
    "instagram_basic",
    "instagram_manage_insights",
    "ads_management",
    "ads_read",
];

const CODE_LIVES: Duration = Duration::from_secs(600);

pub fn page(world: &World, request: &ApiRequest) -> ApiResponse {
    let refused = |text: &str| notice(StatusCode::BAD_REQUEST, "Facebook", text);
    let app = app_of(world, request);
    if request.one("client_id") != Some(&app.client_id()) {
        return refused("Invalid App ID: The provided app ID does not look like a valid app ID.");
    }
    let Some(redirect_uri) = request.one("redirect_uri").filter(|uri| redirect::is_allowed(uri)) else {
        return refused(
            "URL Blocked: This redirect failed because the redirect URI is not white-listed in the app's client OAuth settings.",
        );
    };
    if request.one("response_type").is_some_and(|kind| kind != "code") {
        return refused("Invalid response_type: only code is served here.");
    }
    let mut scopes: Vec<String> = vec!["public_profile".to_owned()];
    for scope in request.one("scope").unwrap_or_default().split([',', ' ']).filter(|scope| !scope.is_empty()) {
        if !SCOPES.contains(&scope) || world.grants.lacks(app, scope) {
            return refused(&format!("Invalid Scopes: {scope}. This message is only shown to developers."));
        }
        if !scopes.iter().any(|known| known == scope) {
            scopes.push(scope.to_owned());
        }
    }
    let state = request.one("state").unwrap_or_default();
    let sent_back = |pairs: &[(&str, &str)]| {
        let pairs: Vec<_> = pairs.iter().copied().chain([("state", state)]).collect();
        redirect::back(redirect_uri, &pairs, "#_=_")
    };
    match consent::visit(world, request, &consent_request(app, scopes, request)) {
        Visit::Page(page) => page,
        Visit::Denied => sent_back(&[
            ("error", "access_denied"),
            ("error_code", "200"),
            ("error_description", "Permissions error"),
            ("error_reason", "user_denied"),
        ]),
        Visit::Approved(new) => {
            let grant = world.grants.give(new);
            let challenge = request.one("code_challenge").map(str::to_owned);
            let kind = SecretKind::Code { redirect_uri: redirect_uri.to_owned(), challenge, with_refresh: false };
            let code = secret::with_prefix("AQ");
            world.grants.add_secret(code.clone(), Secret::new(kind, &grant, world.clock.shown(), Some(CODE_LIVES)));
            sent_back(&[("code", &code)])
        }
    }
}

/// A person opens Pages, and Instagram accounts where their scopes are requested.
fn consent_request(app: Platform, scopes: Vec<String>, request: &ApiRequest) -> ConsentRequest {
    let with_instagram = scopes.iter().any(|scope| scope.starts_with("instagram_"));
    ConsentRequest {
        platform: app,
        door: Door::Facebook,
        provider: "Facebook",
        fixed: &["public_profile"],
        keeps_scopes: false,
        login_hint: request.one("login_hint").map(str::to_owned),
        opens: match (app, with_instagram) {
            (Platform::Instagram, _) => &[Platform::Instagram, Platform::Facebook],
            (_, true) => &[Platform::Facebook, Platform::Instagram],
            (_, false) => &[Platform::Facebook],
        },
        scopes,
    }
}
