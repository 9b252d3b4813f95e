//! The hub that sends notifications about channels: WebSub.

use std::time::Duration;

use http::{Method, StatusCode};

use crate::hooks::Subscription;
use crate::platforms::{ApiRequest, ApiResponse};
use crate::world::World;

/// How long a subscription lasts unless less is asked for, and at most.
const LEASES: (u64, u64) = (432_000, 864_000);

/// What is subscribed to about a channel.
pub fn topic(channel: &str) -> String {
    format!("https://www.youtube.com/xml/feeds/videos.xml?channel_id={channel}")
}

/// Notes a subscription; it is verified later, when the hub requests the callback.
pub fn subscribe(world: &World, request: &ApiRequest) -> ApiResponse {
    let given = |name: &str| request.form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let bad = |text: &str| ApiResponse::text(StatusCode::BAD_REQUEST, "text/plain", text);
    if request.method != Method::POST || given("hub.mode") != Some("subscribe") {
        return bad("hub.mode is subscribe here");
    }
    let Some(topic) = given("hub.topic").filter(|topic| topic.starts_with(&self::topic("UC"))) else {
        return bad("hub.topic is no feed of a channel");
    };
    let Some(callback) = given("hub.callback").filter(|callback| callback.starts_with("http")) else {
        return bad("hub.callback is no address");
    };
    let Some(secret) = given("hub.secret").filter(|secret| secret.len() < 200) else {
        return bad("hub.secret has less than 200 bytes");
    };
    let lasts = given("hub.lease_seconds").map_or(Some(LEASES.0), |text| text.parse().ok());
    let Some(lasts) = lasts.filter(|lasts| (1..=LEASES.1).contains(lasts)) else { return bad("hub.lease_seconds") };
    world.subscriptions.ask(Subscription {
        topic: topic.to_owned(),
        callback: callback.to_owned(),
        secret: secret.to_owned(),
        lasts: Duration::from_secs(lasts),
        ends_at: None,
    });
    ApiResponse::text(StatusCode::ACCEPTED, "text/plain", "")
}
