//! `/_sandbox/…`: looking at the world and changing it, for tests and the curious.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::faults::Fault;
use crate::grants::Lifetimes;
use crate::hooks::HookOrder;
use crate::http_io::{Body, JSON, full, http_response};
use crate::platforms::Platform;
use crate::world::World;
use crate::world::account::Account;
use crate::world::edit::AccountEdit;

mod view;

const LONGEST_BODY: usize = 1024 * 1024;

const KNOWN: &str = "known: GET accounts[?platform=P], GET|PUT accounts/{platform}/{handle}, GET|POST|DELETE faults, \
    GET|DELETE requests[?platform=P], GET|POST clock, GET grants[?platform=P], GET|PUT lifetimes/{platform}, \
    GET|PUT apps/{platform}, POST hooks, POST hooks/verify {\"to\"}";

/// A status and what to say with it.
type Reply = (StatusCode, Value);

/// Responds to one control request.
pub async fn respond(world: &World, request: Request<Incoming>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let path = head.uri.path().strip_prefix("/_sandbox").unwrap_or_default().trim_matches('/');
    let parts: Vec<String> = path.split('/').map(crate::platforms::decode).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let query = crate::platforms::read_query(head.uri.query().unwrap_or_default());
    let reply = match Limited::new(body, LONGEST_BODY).collect().await {
        Ok(body) if (&head.method, parts.as_slice()) == (&Method::POST, &["hooks"]) => {
            send_hooks(world, &body.to_bytes()).await
        }
        Ok(body) if (&head.method, parts.as_slice()) == (&Method::POST, &["hooks", "verify"]) => {
            verify(world, &body.to_bytes()).await
        }
        Ok(body) => route(world, &head.method, &parts, &query, &body.to_bytes()),
        Err(_) => Err(bad("the body could not be read, or is larger than a mebibyte")),
    };
    let (status, value) = reply.unwrap_or_else(|error| error);
    http_response(status, JSON, full(format!("{value}\n")))
}

fn route(
    world: &World,
    method: &Method,
    parts: &[&str],
    query: &[(String, String)],
    body: &Bytes,
) -> Result<Reply, Reply> {
    match (method.as_str(), parts) {
        ("GET", ["accounts"]) => Ok(ok(accounts(world, requested_platform(query)?))),
        ("GET", ["accounts", platform, handle]) => account(world, platform_of(platform)?, handle),
        ("PUT", ["accounts", platform, handle]) => put(world, platform_of(platform)?, handle, read(body)?),
        ("GET", ["faults"]) => Ok(ok(faults(world))),
        ("POST", ["faults"]) => order(world, read(body)?),
        ("DELETE", ["faults"]) => {
            world.clear_faults();
            Ok(ok(faults(world)))
        }
        ("GET", ["requests"]) => Ok(ok(requests(world, requested_platform(query)?))),
        ("DELETE", ["requests"]) => {
            world.clear_requests();
            Ok(ok(json!([])))
        }
        ("GET", ["grants"]) => Ok(ok(grants(world, requested_platform(query)?))),
        ("GET", ["lifetimes", platform]) => Ok(ok(lifetimes(world, platform_of(platform)?))),
        ("PUT", ["lifetimes", platform]) => set_lifetimes(world, platform_of(platform)?, read(body)?),
        ("GET", ["apps", platform]) => Ok(ok(app(world, platform_of(platform)?))),
        ("PUT", ["apps", platform]) => {
            let (platform, AppEdit { lacks }) = (platform_of(platform)?, read(body)?);
            world.set_lacking(platform, lacks);
            Ok(ok(app(world, platform)))
        }
        ("GET", ["clock"]) => Ok(ok(clock(world))),
        ("POST", ["clock"]) => {
            let Advance { advance_seconds } = read(body)?;
            world.advance(Duration::from_secs(advance_seconds));
            Ok(ok(clock(world)))
        }
        _ => Err((StatusCode::NOT_FOUND, json!({"error": format!("no such control; {KNOWN}")}))),
    }
}

/// Sends to an app what a platform would, and says how each was answered.
async fn send_hooks(world: &World, body: &Bytes) -> Result<Reply, Reply> {
    let order: HookOrder = read(body)?;
    let responses = world.send_hooks(&order).await.map_err(bad)?;
    Ok(ok(responses.iter().map(|(status, body)| json!({"status": status, "body": body})).collect()))
}

/// Where an app is reached.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct To {
    to: String,
}

/// Has the hub verify what it was asked for, and says how each callback responded.
async fn verify(world: &World, body: &Bytes) -> Result<Reply, Reply> {
    let To { to } = read(body)?;
    let statuses = world.verify_subscriptions(&to).await.map_err(bad)?;
    Ok(ok(json!(statuses)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_seconds: u64,
}

/// The scopes that an app may not request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AppEdit {
    lacks: BTreeSet<String>,
}

fn app(world: &World, platform: Platform) -> Value {
    json!({"platform": platform, "lacks": world.lacking(platform)})
}

/// What is left out stays.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewLifetimes {
    access_seconds: Option<u64>,
    refresh_seconds: Option<u64>,
    data_access_seconds: Option<u64>,
}

fn grants(world: &World, only: Option<Platform>) -> Value {
    let all = world.grants();
    all.iter().filter(|grant| only.is_none_or(|platform| grant.platform == platform)).map(|one| json!(one)).collect()
}

fn lifetimes(world: &World, platform: Platform) -> Value {
    let Lifetimes { access, refresh, data_access } = world.lifetimes(platform);
    let seconds = |lives: Option<Duration>| lives.map(|lives| lives.as_secs());
    json!({
        "access_seconds": access.as_secs(),
        "refresh_seconds": seconds(refresh),
        "data_access_seconds": seconds(data_access),
    })
}

fn set_lifetimes(world: &World, platform: Platform, new: NewLifetimes) -> Result<Reply, Reply> {
    if !platform.has_consent() {
        return Err(bad(format!("{platform} has no tokens here")));
    }
    let old = world.lifetimes(platform);
    let access = new.access_seconds.map_or(old.access, Duration::from_secs);
    let refresh = new.refresh_seconds.map(Duration::from_secs).or(old.refresh);
    let data_access = new.data_access_seconds.map(Duration::from_secs).or(old.data_access);
    world.set_lifetimes(platform, Lifetimes { access, refresh, data_access });
    Ok(ok(lifetimes(world, platform)))
}

fn accounts(world: &World, only: Option<Platform>) -> Value {
    let now = world.now();
    let all = world.accounts();
    let wanted = all.iter().filter(|account| only.is_none_or(|platform| account.platform == platform));
    wanted.map(|account| view::account(account, now)).collect()
}

fn account(world: &World, platform: Platform, handle: &str) -> Result<Reply, Reply> {
    let found: Option<std::sync::Arc<Account>> = world.account(platform, handle);
    match found {
        Some(account) => Ok(ok(view::account(&account, world.now()))),
        None => Err((StatusCode::NOT_FOUND, json!({"error": format!("no {platform} account {handle}")}))),
    }
}

fn put(world: &World, platform: Platform, handle: &str, edit: AccountEdit) -> Result<Reply, Reply> {
    let known = world.account(platform, handle).is_some();
    let account = world.put(platform, handle, &edit).map_err(|error| bad(error.to_string()))?;
    let status = if known { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, view::account(&account, world.now())))
}

fn order(world: &World, fault: Fault) -> Result<Reply, Reply> {
    fault.check().map_err(bad)?;
    world.fault(fault);
    Ok(ok(faults(world)))
}

fn faults(world: &World) -> Value {
    json!(world.faults.all())
}

fn requests(world: &World, only: Option<Platform>) -> Value {
    let all = world.requests();
    all.iter()
        .filter(|request| only.is_none_or(|platform| request.platform == platform))
        .map(|one| json!(one))
        .collect()
}

fn clock(world: &World) -> Value {
    json!({"now": world.now().to_string()})
}

/// Reads JSON; what is unknown in it is refused together with the list of what is known. No body is an empty object.
fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Reply> {
    let text: &[u8] = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(text).map_err(|error| bad(error.to_string()))
}

fn requested_platform(query: &[(String, String)]) -> Result<Option<Platform>, Reply> {
    let requested = query.iter().find(|(name, _)| name == "platform");
    requested.map(|(_, slug)| platform_of(slug)).transpose()
}

fn platform_of(slug: &str) -> Result<Platform, Reply> {
    let known = Platform::ALL.map(Platform::slug).join(", ");
    Platform::from_slug(slug).ok_or_else(|| bad(format!("no platform `{slug}` here, expected one of {known}")))
}

fn ok(value: Value) -> Reply {
    (StatusCode::OK, value)
}

fn bad(message: impl Into<String>) -> Reply {
    (StatusCode::BAD_REQUEST, json!({"error": message.into()}))
}
