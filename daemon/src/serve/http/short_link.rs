//! `GET /c/{code}`: leads a browser to the address of a consent that waits, once.
//!
//! An address that leads nowhere, be it unknown, spent or expired, is refused without a reason.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, HeaderName, HeaderValue, LOCATION, REFERRER_POLICY, USER_AGENT};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};

use super::host::{is_for_us, requested_host};
use super::page::page;
use crate::app::App;
use crate::app::refusals::{Refusal, Requester};
use crate::consent::short_link;

/// What programs that show a preview of a link call themselves: no owner has opened it yet.
const PREVIEWERS: [&str; 8] =
    ["bot/", "slackbot", "telegrambot", "externalhit", "whatsapp/", "preview", "crawler", "spider"];

/// Follows a short link.
pub async fn follow(
    State(app): State<Arc<App>>,
    method: Method,
    Path(code): Path<String>,
    headers: HeaderMap,
) -> Response {
    let refused = async |refusal: Refusal, status: StatusCode| {
        app.refused_request(Requester::Browser(None), refusal).await;
        self::refused(status)
    };
    let Some(host) = requested_host(&headers) else {
        return refused(Refusal::Malformed, StatusCode::BAD_REQUEST).await;
    };
    if !is_for_us(&app, &host) {
        return refused(Refusal::OtherHost, StatusCode::MISDIRECTED_REQUEST).await;
    }
    if method != Method::GET {
        return page(StatusCode::METHOD_NOT_ALLOWED, "Nothing here", &["This address is for browsers."]);
    }
    if is_preview(&headers) {
        return page(StatusCode::FORBIDDEN, "Roster", &["This link asks an account's owner for consent."]);
    }
    let address = short_link::follow(&app, code);
    match address.and_then(|address| HeaderValue::from_str(address.expose()).ok()) {
        Some(address) => redirect(address),
        None => refused(Refusal::NoAddress, StatusCode::NOT_FOUND).await,
    }
}

fn redirect(mut address: HeaderValue) -> Response {
    address.set_sensitive(true);
    let headers: [(HeaderName, HeaderValue); 3] = [
        (LOCATION, address),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (StatusCode::FOUND, headers).into_response()
}

/// Whether a program loads the link ahead, or for a preview.
fn is_preview(headers: &HeaderMap) -> bool {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_ascii_lowercase);
    let ahead = ["sec-purpose", "purpose", "x-purpose", "x-moz"].into_iter().filter_map(header);
    let is_ahead = |purpose: String| purpose.contains("prefetch") || purpose.contains("preview");
    let agent = header(USER_AGENT.as_str()).unwrap_or_default();
    ahead.into_iter().any(is_ahead) || PREVIEWERS.iter().any(|name| agent.contains(name))
}

fn refused(status: StatusCode) -> Response {
    let next = "It works once, within ten minutes. Go back to Roster: open the whole address there, or begin again.";
    page(status, "This link leads nowhere any more", &[next])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_is_no_visit() {
        let check = |name: &'static str, value: &str, expected: bool| {
            let headers =
                HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_str(value).expect("a value"))]);
            assert_eq!(is_preview(&headers), expected, "{name}: {value}");
        };
        check("user-agent", "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15", false);
        check("user-agent", "Mozilla/5.0 (Linux; Android 9; CUBOT_X19) AppleWebKit/537.36", false);
        check("user-agent", "curl/8.14.1", false);
        check("accept", "text/html", false);
        for agent in [
            "facebookexternalhit/1.1",
            "WhatsApp/2.24",
            "Slackbot-LinkExpanding 1.0",
            "TelegramBot (like TwitterBot)",
            "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discord.com)",
            "SkypeUriPreview",
        ] {
            check("user-agent", agent, true);
        }
        check("sec-purpose", "prefetch;prerender", true);
        check("x-purpose", "preview", true);
        check("x-moz", "prefetch", true);
    }

    #[test]
    fn a_redirect_is_neither_kept_nor_passed_on() {
        let response = redirect(HeaderValue::from_static("https://x.example/?state=s"));
        let headers = response.headers();
        assert_eq!((response.status(), &headers[LOCATION] == "https://x.example/?state=s"), (StatusCode::FOUND, true));
        assert!(&headers[REFERRER_POLICY] == "no-referrer" && &headers[CACHE_CONTROL] == "no-store", "{headers:?}");
        assert!(!format!("{headers:?}").contains("state=s"));
    }
}
