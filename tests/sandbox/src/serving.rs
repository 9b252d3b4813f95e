//! From a request to a platform's response and the fault that hits it: which platform is addressed, what is ordered to
//! go wrong, and in which order the two happen.
//!
//! A request to an API changes nothing, so the response is made first and the fault can depend on it. At a token
//! endpoint a response has consequences: a fault is drawn first there, and most faults leave nothing done.

use std::sync::Arc;

use crate::faults::{Fault, FaultKind, Stage, Target};
use crate::grants::{GRACE, Held};
use crate::platforms::{ApiRequest, ApiResponse, Platform};
use crate::requests::LoggedRequest;
use crate::world::World;
use crate::world::account::Account;

/// How a request went, before it becomes bytes.
pub struct Served {
    /// What the platform responds; `None` when a fault hit before it did anything.
    pub response: Option<ApiResponse>,
    pub fault: Option<Fault>,
}

/// Responds to a request and logs it.
pub fn serve(world: &World, request: &ApiRequest) -> (Platform, Served) {
    let platform = request.platform(world);
    let held = world.grants.presented(request);
    let (served, about) = match platform.stage(request) {
        None => (Served { response: Some(platform.respond(world, request)), fault: None }, Vec::new()),
        Some(Stage::Api) => serve_api(world, platform, request, held.as_ref()),
        Some(Stage::Token) => serve_token(world, platform, request, held.as_ref()),
    };
    let kind = served.fault.as_ref().map(|fault| fault.kind);
    let logged = LoggedRequest::new(world.clock.shown(), platform, request, served.response.as_ref(), &about, kind);
    world.requests.add(logged);
    (platform, served)
}

fn serve_api(
    world: &World,
    platform: Platform,
    request: &ApiRequest,
    held: Option<&Held>,
) -> (Served, Vec<Arc<Account>>) {
    let mut response = platform.respond(world, request);
    let about = match (response.about.is_empty(), held) {
        (true, Some(held)) => world.opened(&held.grant),
        _ => response.about.clone(),
    };
    let has_token = held.is_some();
    let target = Target { platform, stage: Stage::Api, about: &about, has_token, response: Some(&response) };
    // This has a bucket of its own, larger than any test needs.
    let is_counted = !request.path().last().is_some_and(|last| last.ends_with(":batchGetStats"));
    let refused = is_counted.then(|| world.limits.count(platform, world.clock.shown())).flatten();
    let fault = refused.or_else(|| world.faults.take(&target));
    if let (Some(fault), Some(held)) = (&fault, held)
        && fault.kind.comes_before()
    {
        befall(world, fault.kind, held);
        response = platform.respond(world, request);
    }
    (Served { response: Some(response), fault }, about)
}

fn serve_token(
    world: &World,
    platform: Platform,
    request: &ApiRequest,
    held: Option<&Held>,
) -> (Served, Vec<Arc<Account>>) {
    let about = held.map(|held| world.opened(&held.grant)).unwrap_or_default();
    let target = Target { platform, stage: Stage::Token, about: &about, has_token: held.is_some(), response: None };
    let fault = world.faults.take(&target);
    let Some(kind) = fault.as_ref().map(|fault| fault.kind) else {
        return (Served { response: Some(platform.respond(world, request)), fault }, about);
    };
    if let Some(held) = held.filter(|_| kind.comes_before()) {
        befall(world, kind, held);
    }
    let response = (kind.comes_before() || kind.comes_after()).then(|| platform.respond(world, request));
    if let Some(held) = held.filter(|_| kind == FaultKind::LostAnswer) {
        let until = world.clock.shown().saturating_add(GRACE).unwrap_or(jiff::Timestamp::MAX);
        world.grants.grace(&held.text, until);
    }
    (Served { response, fault }, about)
}

fn befall(world: &World, kind: FaultKind, held: &Held) {
    match kind {
        FaultKind::Revoked => world.grants.revoke(held.secret.grant),
        FaultKind::RotatedElsewhere => _ = world.grants.spend(&held.text),
        _ => world.grants.expire(&held.text, world.clock.shown()),
    }
}
