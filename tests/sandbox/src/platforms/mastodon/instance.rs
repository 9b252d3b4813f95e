//! How an instance describes itself, and where its users are found.

use serde_json::{Value, json};

use super::not_found;
use crate::Platform;
use crate::platforms::{ApiRequest, ApiResponse};
use crate::world::World;
use crate::world::account::State;

const VERSION: &str = "4.5.0";
const ABOUT: &str = "An instance that exists only while the sandbox runs.";

pub fn v2(world: &World, request: &ApiRequest) -> ApiResponse {
    ApiResponse::ok(json!({
        "domain": request.host,
        "title": request.host,
        "version": VERSION,
        "source_url": "https://github.com/mastodon/mastodon",
        "description": ABOUT,
        "usage": {"users": {"active_month": user_count(world, request)}},
        "thumbnail": {"url": format!("{}/packs/preview.png", request.origin), "blurhash": null, "versions": {}},
        "icon": [],
        "languages": ["en"],
        "configuration": configuration(request),
        "registrations": {"enabled": false, "approval_required": false, "reason_required": null, "message": null, "min_age": null, "url": null},
        "api_versions": {"mastodon": 7},
        "contact": {"email": format!("staff@{}", request.host), "account": null},
        "rules": [],
    }))
}

pub fn v1(world: &World, request: &ApiRequest) -> ApiResponse {
    ApiResponse::ok(json!({
        "uri": request.host,
        "title": request.host,
        "short_description": ABOUT,
        "description": ABOUT,
        "email": format!("staff@{}", request.host),
        "version": VERSION,
        "urls": {"streaming_api": format!("wss://{}", request.host)},
        "stats": {"user_count": user_count(world, request), "status_count": 0, "domain_count": 1},
        "thumbnail": null,
        "languages": ["en"],
        "registrations": false,
        "approval_required": false,
        "invites_enabled": false,
        "configuration": configuration(request),
        "contact_account": null,
        "rules": [],
    }))
}

pub fn webfinger(world: &World, request: &ApiRequest) -> Result<ApiResponse, ApiResponse> {
    let resource = request.one("resource").unwrap_or_default();
    let handle = resource.strip_prefix("acct:").unwrap_or(resource);
    let account = world
        .account(Platform::Mastodon, handle)
        .filter(|account| [account.host(), account.served_by()].contains(&request.host.as_str()))
        .filter(|account| account.state == State::Active)
        .ok_or_else(not_found)?;
    let (origin, user) = (&request.origin, account.user());
    let response = json!({
        "subject": format!("acct:{}", account.handle),
        "aliases": [format!("{origin}/@{user}"), format!("{origin}/users/{user}")],
        "links": [
            {"rel": "http://webfinger.net/rel/profile-page", "type": "text/html", "href": format!("{origin}/@{user}")},
            {"rel": "self", "type": "application/activity+json", "href": format!("{origin}/users/{user}")},
        ],
    });
    Ok(ApiResponse::ok(response).about(&account))
}

fn configuration(request: &ApiRequest) -> Value {
    json!({
        "urls": {"streaming": format!("wss://{}", request.host)},
        "accounts": {"max_featured_tags": 10, "max_pinned_statuses": 5},
        "statuses": {"max_characters": 500, "max_media_attachments": 4, "characters_reserved_per_url": 23},
        "media_attachments": {"supported_mime_types": [], "image_size_limit": 16_777_216, "video_size_limit": 103_809_024},
        "polls": {"max_options": 4, "max_characters_per_option": 50, "min_expiration": 300, "max_expiration": 2_629_746},
        "translation": {"enabled": false},
    })
}

fn user_count(world: &World, request: &ApiRequest) -> usize {
    world.on_platform(Platform::Mastodon).iter().filter(|account| account.host() == request.host).count()
}
