//! Mastodon: any host is an instance, and an account is known by other ids on each.
//!
//! Shapes as of Mastodon 4.5, without log-in. A host on which nobody lives answers `Record not found` to everything.
//! Windows of requests are told as the real thing tells them but never run out by themselves.

mod accounts;
mod counts;
mod instance;
mod statuses;

use std::sync::Arc;

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::json;

use super::{Answer, Ask};
use crate::world::World;
use crate::world::account::{Account, State};
use crate::{Fault, Platform};
pub use counts::counts;

/// An account as one instance sees it.
pub struct Seen {
    pub account: Arc<Account>,
    /// The instance asked.
    pub host: String,
    pub origin: String,
}

impl Seen {
    fn new(ask: &Ask, account: Arc<Account>) -> Seen {
        Seen { account, host: ask.host.clone(), origin: ask.origin.clone() }
    }

    /// Whether the instance asked is the account's home. Elsewhere counts are partial.
    pub fn at_home(&self) -> bool {
        self.account.host() == self.host
    }
}

/// Answers one request.
pub fn answer(world: &World, ask: &Ask) -> Answer {
    let answer = if world.has_host(&ask.host) { route(world, ask) } else { Err(not_found()) };
    with_window(world, ask, answer.unwrap_or_else(|error| error))
}

fn route(world: &World, ask: &Ask) -> Result<Answer, Answer> {
    let path = ask.path();
    // Rails does not mind a slash at the end, and some clients send one.
    let path = path.strip_suffix(&[""]).unwrap_or(&path);
    if ask.method != Method::GET {
        return Err(not_found());
    }
    match path {
        ["api", "v1", "accounts", "lookup"] => accounts::lookup(world, ask),
        ["api", "v1", "accounts"] => accounts::several(world, ask),
        ["api", "v1", "accounts", id] => accounts::show(world, ask, id),
        ["api", "v1", "accounts", id, "statuses"] => statuses::of_account(world, ask, id),
        ["api", "v1", "statuses", id] => statuses::show(world, ask, id),
        ["api", "v2", "instance"] => Ok(instance::v2(world, ask)),
        ["api", "v1", "instance"] => Ok(instance::v1(world, ask)),
        [".well-known", "webfinger"] => instance::webfinger(world, ask),
        _ => Err(not_found()),
    }
}

/// Every answer says how much of its window is left: reading on has a window of its own.
fn with_window(world: &World, ask: &Ask, answer: Answer) -> Answer {
    let paging = ["max_id", "min_id", "since_id", "page"].iter().any(|name| ask.one(name).is_some());
    let window = if paging { 900 } else { 300 };
    window_headers(answer, 299, end_of_window(world.clock.shown(), window))
}

fn window_headers(answer: Answer, remaining: u32, reset: Timestamp) -> Answer {
    answer
        .header("x-ratelimit-limit", 300)
        .header("x-ratelimit-remaining", remaining)
        .header("x-ratelimit-reset", format!("{reset:.6}"))
}

/// Windows are aligned to the clock, not to the first request.
fn end_of_window(now: Timestamp, seconds: i64) -> Timestamp {
    let end = (now.as_second().div_euclid(seconds) + 1) * seconds;
    Timestamp::from_second(end).unwrap_or(Timestamp::MAX)
}

pub fn rate_limited(world: &World, fault: &Fault) -> Answer {
    let answer = error(StatusCode::TOO_MANY_REQUESTS, "Too many requests");
    if !fault.headers {
        return answer;
    }
    let now = world.clock.shown();
    let reset = match fault.retry_after {
        Some(seconds) => {
            Timestamp::from_second(now.as_second().saturating_add_unsigned(seconds)).unwrap_or(Timestamp::MAX)
        }
        None => end_of_window(now, 300),
    };
    window_headers(answer, 0, reset)
}

pub fn server_error() -> Answer {
    let text = "There was a temporary problem serving your request, please try again";
    error(StatusCode::SERVICE_UNAVAILABLE, text)
}

/// What stands before a server that is down says so in its own way.
fn down() -> Answer {
    const PAGE: &str = "<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n\
        <body>\r\n<center><h1>503 Service Temporarily Unavailable</h1></center>\r\n</body>\r\n</html>\r\n";
    Answer::text(StatusCode::SERVICE_UNAVAILABLE, "text/html", PAGE)
}

fn not_found() -> Answer {
    error(StatusCode::NOT_FOUND, "Record not found")
}

fn error(status: StatusCode, text: &str) -> Answer {
    Answer::json(status, json!({"error": text}))
}

/// The account under an instance's own id for it.
fn by_id(world: &World, ask: &Ask, id: &str) -> Result<Seen, Answer> {
    let local = world.account_by_id(Platform::Mastodon, id).filter(|account| account.host() == ask.host);
    let copy = || {
        let all = world.on_platform(Platform::Mastodon);
        all.iter().find(|account| account.host() != ask.host && accounts::copy_id(account, &ask.host) == id).cloned()
    };
    there(ask, local.or_else(copy))
}

/// Deleted accounts are not there; those of a server that is down cannot be asked for.
fn there(ask: &Ask, account: Option<Arc<Account>>) -> Result<Seen, Answer> {
    let account = account.ok_or_else(not_found)?;
    match account.state {
        State::Gone | State::Deactivated => Err(not_found().about(&account)),
        State::Failing => Err(down().about(&account)),
        State::Active | State::Suspended => Ok(Seen::new(ask, account)),
    }
}
