//! The page on which the owner's browser lands after consent: it says what happened and what to do next.
//!
//! The page is self-contained: no script, no link elsewhere, nothing that the platform sent. It names the accounts that were
//! just approved, and nothing else: errors name influencers and paths that are no visitor's business. A callback that
//! belongs to no waiting consent is refused without a reason.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::extract::{Path, RawQuery, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, Method, StatusCode, header::HOST};
use axum::response::{IntoResponse, Response};
use roster_protocol::consent::ConsentState;
use roster_protocol::error::ErrorKind;
use sha2::{Digest, Sha256};
use url::{Host, Url, form_urlencoded};

use crate::app::App;
use crate::consent::finish::{self, From, NotAccepted};
use crate::consent::view;

/// How long the browser waits for the platform to issue tokens before the page sends the owner back to Roster.
const TOKENS_TIMEOUT: Duration = Duration::from_secs(12);
/// A longer query is not one of ours: codes have a few hundred characters.
const MOST_QUERY_BYTES: usize = 8 * 1024;

const STYLE: &str = "body{font:18px/1.5 system-ui,sans-serif;max-width:36em;margin:12vh auto;padding:0 1em;\
                     color:#1b1f24;background:#fff}h1{font-size:1.3em}p{margin:.6em 0}\
                     @media(prefers-color-scheme:dark){body{color:#e6e8eb;background:#16181b}}";

/// Permits only our own style, by its hash; nothing else is loaded, run, sent or framed.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let hash = data_encoding::BASE64.encode(&Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    );
    HeaderValue::from_str(&policy).expect("a policy is plain ASCII")
});

/// `GET /oauth/{platform}/callback`.
pub async fn callback(
    State(app): State<Arc<App>>,
    method: Method,
    Path(platform): Path<String>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    // A HEAD request must spend no state.
    if method != Method::GET {
        return page(StatusCode::METHOD_NOT_ALLOWED, "Nothing here", &["This address is for browsers."]);
    }
    let Some(host) = requested_host(&headers) else { return refused(StatusCode::BAD_REQUEST) };
    if !is_for_us(&app, &host) {
        return refused(StatusCode::MISDIRECTED_REQUEST);
    }
    let query = query.unwrap_or_default();
    if query.len() > MOST_QUERY_BYTES {
        return refused(StatusCode::BAD_REQUEST);
    }
    let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let from = From::Browser { platform: &platform };
    let (id, who) = match finish::returned(&app, pairs, from, None).await {
        Ok(consent) => consent,
        Err(NotAccepted::NotOurs) => return refused(StatusCode::BAD_REQUEST),
        Err(NotAccepted::NotStored(_)) => return not_stored(),
    };
    match view::state(&app, &who, id, TOKENS_TIMEOUT).await {
        Ok(state) => outcome(&state),
        Err(_) => outcome(&ConsentState::Finishing),
    }
}

/// Whether the request is meant for this listener: for its configured name, its address or loopback. A foreign page whose
/// own host name resolves to this listener is refused.
fn is_for_us(app: &App, requested: &Host) -> bool {
    let listener = app.consents.listens_at().map(|address| address.ip());
    let setup = app.setup();
    let public = setup.config.http.public_url.as_ref().and_then(Url::host);
    match requested {
        Host::Ipv4(address) if address.is_loopback() || listener == Some((*address).into()) => true,
        Host::Ipv6(address) if address.is_loopback() || listener == Some((*address).into()) => true,
        Host::Domain(name) if name == "localhost" => true,
        host => public.is_some_and(|public| public.to_owned() == *host),
    }
}

/// The host of a request's only `Host`, which has a host and perhaps a port, and nothing else: RFC 9112 section 3.2.
fn requested_host(headers: &HeaderMap) -> Option<Host> {
    let mut all = headers.get_all(HOST).iter();
    let text = all.next().filter(|_| all.next().is_none())?.to_str().ok()?;
    let is_port = |port: &str| port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit());
    let host = match text.rsplit_once(':') {
        Some((host, port)) if is_port(port) => host,
        _ => text,
    };
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    host.bytes().all(is_host).then(|| Host::parse(host).ok()).flatten()
}

fn refused(status: StatusCode) -> Response {
    let next = "Nothing was done. Begin again in Roster, and open the new address once, within ten minutes.";
    page(status, "This answer belongs to no waiting consent", &[next])
}

fn not_stored() -> Response {
    let next = "Nothing was done, and nothing is lost: reload this page in a minute. It works for ten minutes after you \
                began.";
    page(StatusCode::SERVICE_UNAVAILABLE, "Roster cannot store your answer now", &[next])
}

fn outcome(state: &ConsentState) -> Response {
    match state {
        ConsentState::Done(connected) => {
            let names: Vec<String> = connected.iter().map(|it| it.connection.handle.clone()).collect();
            let what = format!("Connected: {}.", names.join(", "));
            let missing: Vec<&str> =
                connected.iter().flat_map(|it| &it.missing).map(|missing| missing.costs.as_str()).collect();
            let missing = match missing.is_empty() {
                true => "Everything that Roster requested was allowed.".to_owned(),
                false => format!("Not allowed, and therefore not read: {}.", missing.join("; ")),
            };
            let next = "You can close this page; the first numbers arrive in Roster within seconds.";
            page(StatusCode::OK, "Thank you", &[&what, &missing, next])
        }
        ConsentState::Choose(_) => {
            let next = "It opened several accounts. Go back to Roster and choose which of them to connect.";
            page(StatusCode::OK, "Thank you", &[next])
        }
        ConsentState::Waiting | ConsentState::Finishing => {
            let next = "The platform takes its time. Roster continues without you and shows how it ends; you can close \
                        this page.";
            page(StatusCode::OK, "Thank you", &[next])
        }
        ConsentState::Failed(error) => {
            let next = "Nothing was connected. Roster shows more to the person who sent you here, and a new address can be \
                        had there.";
            page(StatusCode::OK, "It came to nothing", &[why(error.kind), next])
        }
    }
}

/// Why a consent failed, in words for its owner.
fn why(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NotPermitted => "It was not allowed at the platform, or not in the part that Roster needs.",
        ErrorKind::Conflict => "The account that you approved is in Roster already, under another entry.",
        ErrorKind::NotFound => {
            "You approved no account that Roster can read: look at the platform whether it is of the right kind, and tick \
             it."
        }
        ErrorKind::Unavailable => "The platform did not complete it.",
        ErrorKind::Unconfigured => "The platform does not accept Roster's app as it is set up.",
        ErrorKind::Usage | ErrorKind::Ambiguous | ErrorKind::Failed | ErrorKind::Unreachable => {
            "Roster could not complete it."
        }
    }
}

fn page(status: StatusCode, title: &str, lines: &[&str]) -> Response {
    let lines: String = lines.iter().map(|line| format!("<p>{}</p>", escaped(line))).collect();
    let title = escaped(title);
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>Roster: {title}</title><style>{STYLE}</style></head>\
         <body><h1>{title}</h1>{lines}</body></html>\n"
    );
    let headers: [(HeaderName, HeaderValue); 6] = [
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CONTENT_SECURITY_POLICY, POLICY.clone()),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (status, headers, html).into_response()
}

/// Escapes text so that HTML shows it literally.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use roster_protocol::consent::ConsentChoice;
    use roster_protocol::error::RosterError;

    use super::*;

    #[test]
    fn a_host_is_read_strictly() {
        let check = |hosts: &[&str], expected: Option<&str>| {
            let mut headers = HeaderMap::new();
            for host in hosts {
                headers.append(HOST, HeaderValue::from_str(host).expect("a value"));
            }
            let host = requested_host(&headers).map(|host| host.to_string());
            assert_eq!(host.as_deref(), expected, "{hosts:?}");
        };
        check(&["127.0.0.1:8787"], Some("127.0.0.1"));
        check(&["[::1]:8787"], Some("[::1]"));
        check(&["Roster.example"], Some("roster.example"));
        for bad in [
            "evil.example@127.0.0.1",
            "127.0.0.1/x",
            "127.0.0.1?x",
            "127.0.0.1#x",
            "a b",
            "localhost:x",
            "",
            "127.0.0.1:8787:1",
        ] {
            check(&[bad], None);
        }
        check(&[], None);
        check(&["127.0.0.1", "127.0.0.1"], None);
    }

    /// The title and the paragraphs of the page for a state.
    async fn shown(state: ConsentState) -> Vec<String> {
        let bytes = axum::body::to_bytes(outcome(&state).into_body(), 100_000).await.expect("a page");
        let html = String::from_utf8(bytes.to_vec()).expect("text");
        let body = html.split_once("<body>").expect("a body").1;
        let parts = body.split("</h1>").flat_map(|part| part.split("</p>"));
        let texts = parts.map(|part| part.rsplit('>').next().unwrap_or_default().trim().to_owned());
        texts.filter(|text| !text.is_empty()).collect()
    }

    #[tokio::test]
    async fn a_page_names_only_what_its_visitor_knows() {
        let check = async |state: ConsentState, expected: &[&str]| assert_eq!(shown(state).await, expected);
        let on = "Nothing was connected. Roster shows more to the person who sent you here, and a new address can be had \
                  there.";
        let all = [
            (ErrorKind::NotPermitted, "It was not allowed at the platform, or not in the part that Roster needs."),
            (ErrorKind::Conflict, "The account that you approved is in Roster already, under another entry."),
            (
                ErrorKind::NotFound,
                "You approved no account that Roster can read: look at the platform whether it is of the right kind, and \
                 tick it.",
            ),
            (ErrorKind::Unavailable, "The platform did not complete it."),
            (ErrorKind::Unconfigured, "The platform does not accept Roster&#39;s app as it is set up."),
            (ErrorKind::Failed, "Roster could not complete it."),
            (ErrorKind::Usage, "Roster could not complete it."),
        ];
        for (kind, why) in all {
            let canary = "youtube:@canary is connected to Canary Star already, /var/lib/canary/roster.redb";
            let error = RosterError::new(kind, canary).hint("are they one? `roster merge canary canary`");
            check(ConsentState::Failed(error), &["It came to nothing", why, on]).await;
        }
        let choice = ConsentChoice {
            platform_user_id: "canary".to_owned(),
            handle: "canary".to_owned(),
            name: Some("canary".to_owned()),
            followers: Some(1),
            taken_by: Some(roster_protocol::ids::InfluencerId::from_bytes([1; 5])),
        };
        let several = "It opened several accounts. Go back to Roster and choose which of them to connect.";
        check(ConsentState::Choose(vec![choice]), &["Thank you", several]).await;
        let slow = "The platform takes its time. Roster continues without you and shows how it ends; you can close this \
                    page.";
        check(ConsentState::Waiting, &["Thank you", slow]).await;
        check(ConsentState::Finishing, &["Thank you", slow]).await;
    }

    #[test]
    fn nothing_foreign_becomes_markup() {
        assert_eq!(escaped("<script>'\"&</script>"), "&lt;script&gt;&#39;&quot;&amp;&lt;/script&gt;");
        let response = page(StatusCode::OK, "<b>", &["<img src=x>"]);
        assert_eq!(response.headers()[REFERRER_POLICY], "no-referrer");
        let policy = response.headers()[CONTENT_SECURITY_POLICY].to_str().expect("text");
        assert!(policy.starts_with("default-src 'none';"), "{policy}");
    }
}
