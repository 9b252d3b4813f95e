//! The page on which the owner's browser lands after consent: it says what happened and what to do next.
//!
//! It names the accounts that were just approved, and nothing else: errors name influencers and paths that are no visitor's
//! business. A callback that belongs to no waiting consent is refused without a reason.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use roster_protocol::consent::ConsentState;
use roster_protocol::error::ErrorKind;
use url::form_urlencoded;

use super::host::{is_for_us, requested_host};
use super::page::page;
use crate::app::App;
use crate::app::refusals::{Refusal, Requester};
use crate::consent::finish::{self, From, NotAccepted};
use crate::consent::view;

/// How long the browser waits for the platform to issue tokens before the page sends the owner back to Roster.
const TOKENS_TIMEOUT: Duration = Duration::from_secs(12);
/// A longer query is not one of ours: codes have a few hundred characters.
const MOST_QUERY_BYTES: usize = 8 * 1024;

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
    let browser = Requester::Browser(app.look(|roster| roster.slug(&platform)));
    let refused = async |refusal: Refusal| {
        app.refused_request(browser, refusal).await;
        self::refused(refusal)
    };
    let Some(host) = requested_host(&headers) else { return refused(Refusal::Malformed).await };
    if !is_for_us(&app, &host) {
        return refused(Refusal::OtherHost).await;
    }
    let query = query.unwrap_or_default();
    if query.len() > MOST_QUERY_BYTES {
        return refused(Refusal::Malformed).await;
    }
    let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    // The daemon looks whether this address leads here.
    let proof = pairs.iter().find(|(name, _)| name == "state").and_then(|(_, state)| app.probes.response(state));
    if let Some(proof) = proof {
        return proof.into_response();
    }
    let from = From::Browser { platform: &platform };
    let returned = match finish::returned(&app, pairs, from, None).await {
        Ok(returned) => returned,
        Err(NotAccepted::NotOurs) => return refused(Refusal::NoConsent).await,
        Err(NotAccepted::NotStored(_)) => return not_stored(),
    };
    match view::state(&app, &returned.who, returned.id, TOKENS_TIMEOUT).await {
        Ok(state) => outcome(&state),
        Err(_) => outcome(&ConsentState::Finishing),
    }
}

fn refused(refusal: Refusal) -> Response {
    let status = match refusal {
        Refusal::OtherHost => StatusCode::MISDIRECTED_REQUEST,
        _ => StatusCode::BAD_REQUEST,
    };
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
        ErrorKind::Unconfigured => {
            "The platform does not accept Roster's app as it is set up, or not all that it asks you to share."
        }
        ErrorKind::Usage | ErrorKind::Ambiguous | ErrorKind::Failed | ErrorKind::Unreachable => {
            "Roster could not complete it."
        }
    }
}

#[cfg(test)]
mod tests {
    use roster_protocol::consent::ConsentChoice;
    use roster_protocol::error::RosterError;

    use super::*;

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
            (
                ErrorKind::Unconfigured,
                "The platform does not accept Roster&#39;s app as it is set up, or not all that it asks you to share.",
            ),
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
}
