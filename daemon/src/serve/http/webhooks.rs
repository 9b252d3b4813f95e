//! `/webhooks/{platform}…`: what platforms send to us, and the page about what an owner wanted deleted.
//!
//! A response says no more than its status, and no body or header of a request is in the log. A request counts when its
//! signature is right; the host is checked all the same, so that no page in a browser of this machine reaches it.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use roster_protocol::time::Seconds;
use url::form_urlencoded;

use super::host::{is_for_us, requested_host};
use super::page::page;
use crate::app::App;
use crate::app::refusals::{Refusal, Requester};
use crate::platforms::webhook::{Hook, Received, Refused};
use crate::webhooks::receive::{self, Answer};

/// A notification has at most a thousand entries; what is larger is none.
pub const MOST_BODY_BYTES: usize = 256 * 1024;
/// A longer query is no challenge.
const MOST_QUERY_BYTES: usize = 2048;
/// When to send again what could not be stored.
const AGAIN_S: &str = "30";

/// `POST /webhooks/{platform}`: a notification.
pub async fn notification(
    State(app): State<Arc<App>>,
    Path(platform): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    taken(&app, &platform, Hook::Events, &headers, &body).await
}

/// `POST /webhooks/{platform}/deauthorize`: an owner removed the app.
pub async fn deauthorize(
    State(app): State<Arc<App>>,
    Path(platform): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    taken(&app, &platform, Hook::Deauthorize, &headers, &body).await
}

/// `POST /webhooks/{platform}/deletion`: an owner wants everything deleted.
pub async fn delete(
    State(app): State<Arc<App>>,
    Path(platform): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    taken(&app, &platform, Hook::Deletion, &headers, &body).await
}

async fn taken(app: &Arc<App>, platform: &str, hook: Hook, headers: &HeaderMap, body: &[u8]) -> Response {
    if let Some(refused) = elsewhere(app, platform, headers).await {
        return refused;
    }
    let received = Received { hook, headers, body, now: app.clock.now() };
    answered(app, platform, receive::receive(app, platform, received).await).await
}

async fn answered(app: &Arc<App>, platform: &str, answer: Answer) -> Response {
    let refused = match &answer {
        Answer::Unknown | Answer::Gone => Some(Refused::NotHere),
        Answer::Refused(refused) => Some(*refused),
        Answer::Taken | Answer::Deleted { .. } | Answer::Later => None,
    };
    if let Some(refused) = refused {
        receive::refused(app, platform, refused).await;
    }
    match answer {
        Answer::Taken => plain(StatusCode::OK, "ok"),
        Answer::Deleted { address, code } => {
            let json = serde_json::json!({"url": address, "confirmation_code": code});
            ([(CACHE_CONTROL, HeaderValue::from_static("no-store"))], axum::Json(json)).into_response()
        }
        Answer::Unknown => plain(StatusCode::NOT_FOUND, "no such address"),
        Answer::Gone => plain(StatusCode::GONE, "no such subscription"),
        Answer::Refused(refused) => refusal(refused),
        Answer::Later => {
            let again = [(RETRY_AFTER, HeaderValue::from_static(AGAIN_S))];
            (again, plain(StatusCode::SERVICE_UNAVAILABLE, "later")).into_response()
        }
    }
}

/// `GET /webhooks/{platform}`: a platform asks whether the address is ours.
pub async fn challenge(
    State(app): State<Arc<App>>,
    Path(platform): Path<String>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    if let Some(refused) = elsewhere(&app, &platform, &headers).await {
        return refused;
    }
    let query = query.filter(|query| query.len() <= MOST_QUERY_BYTES).unwrap_or_default();
    let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let answer = receive::challenge(&app, &platform, &pairs);
    if let None | Some(Err(_)) = &answer {
        let refused = answer.as_ref().and_then(|answer| answer.as_ref().err().copied());
        receive::refused(&app, &platform, refused.unwrap_or(Refused::NotHere)).await;
    }
    match answer {
        None => plain(StatusCode::NOT_FOUND, "no such address"),
        Some(Ok(challenge)) => plain(StatusCode::OK, &challenge),
        // The word of this handshake.
        Some(Err(Refused::Forged | Refused::NotHere)) => plain(StatusCode::FORBIDDEN, "refused"),
        Some(Err(refused)) => refusal(refused),
    }
}

/// `POST /webhooks/{platform}/hub/{token}`: a notification about one account.
pub async fn from_hub(
    State(app): State<Arc<App>>,
    Path((platform, token)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Some(refused) = elsewhere(&app, &platform, &headers).await {
        return refused;
    }
    let received = Received { hook: Hook::Events, headers: &headers, body: &body, now: app.clock.now() };
    answered(&app, &platform, receive::from_hub(&app, &platform, &token, received).await).await
}

/// `GET /webhooks/{platform}/hub/{token}`: a hub asks whether a subscription was asked for.
pub async fn hub_challenge(
    State(app): State<Arc<App>>,
    Path((platform, token)): Path<(String, String)>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    if let Some(refused) = elsewhere(&app, &platform, &headers).await {
        return refused;
    }
    let query = query.filter(|query| query.len() <= MOST_QUERY_BYTES).unwrap_or_default();
    let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let given = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let (Some("subscribe"), Some(topic), Some(challenge)) =
        (given("hub.mode"), given("hub.topic"), given("hub.challenge"))
    else {
        return plain(StatusCode::NOT_FOUND, "no such subscription");
    };
    let lasts = given("hub.lease_seconds").and_then(|text| text.parse().ok()).map(Seconds);
    let is_plain = challenge.bytes().all(|byte| byte.is_ascii_graphic());
    if is_plain && receive::confirmed_by_hub(&app, &platform, &token, topic, lasts).await {
        return plain(StatusCode::OK, challenge);
    }
    receive::refused(&app, &platform, Refused::NotHere).await;
    plain(StatusCode::NOT_FOUND, "no such subscription")
}

/// `GET /webhooks/{platform}/deletion/{code}`: what became of a request to delete.
pub async fn deletion(
    State(app): State<Arc<App>>,
    Path((platform, code)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    if let Some(refused) = elsewhere(&app, &platform, &headers).await {
        return refused;
    }
    let Some(deletion) = receive::deletion(&app, &platform, &code) else {
        let next = "Look at the code: it has 16 letters and digits. A page ends a year after its request.";
        return page(StatusCode::NOT_FOUND, "No request has this code", &[next]);
    };
    let zone = app.setup().config.sync.grid.zone.clone();
    let day = deletion.at.to_jiff().to_zoned(zone).date();
    let what = match deletion.accounts {
        0 => "Roster has no consent of yours: nothing was found to delete.".to_owned(),
        1 => format!("On {day} your consent, your account and the history of its numbers were deleted."),
        more => format!("On {day} your consent, your {more} accounts and the history of their numbers were deleted."),
    };
    let left = "What is left are lines of Roster's log of actions and alerts from before that day.";
    let left = (deletion.accounts > 0).then_some(left);
    let code = format!("The code of this request is {code}.");
    let lines: Vec<&str> = [Some(what.as_str()), left, Some(&code)].into_iter().flatten().collect();
    page(StatusCode::OK, "Your request is carried out", &lines)
}

/// The refusal of a request that is meant for another host.
async fn elsewhere(app: &Arc<App>, platform: &str, headers: &HeaderMap) -> Option<Response> {
    let (refusal, response) = match requested_host(headers) {
        None => (Refusal::Malformed, plain(StatusCode::BAD_REQUEST, "no host")),
        Some(host) if !is_for_us(app, &host) => {
            (Refusal::OtherHost, plain(StatusCode::MISDIRECTED_REQUEST, "another host"))
        }
        Some(_) => return None,
    };
    let sender = Requester::Sender(app.look(|roster| roster.slug(platform)));
    app.refused_request(sender, refusal).await;
    Some(response)
}

fn refusal(refused: Refused) -> Response {
    match refused {
        Refused::NotHere => plain(StatusCode::NOT_FOUND, "no such address"),
        Refused::Forged | Refused::Old => plain(StatusCode::UNAUTHORIZED, "refused"),
        Refused::Malformed => plain(StatusCode::BAD_REQUEST, "not understood"),
    }
}

fn plain(status: StatusCode, text: &str) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (status, headers, text.to_owned()).into_response()
}
