//! Instagram's own login: its consent page, its tokens, its own form of errors.

use roster_protocol::consent::PlatformCheck;
use roster_protocol::time::Seconds;
use serde::Deserialize;

use super::{Instagram, NAME, NO_APP};
use crate::http_client::Api;
use crate::oauth::{
    Exchange, Held, OAuthApp, Provider, Refusal, Reply, TokenError, TokenRequest, Tokens, redirect_problem, refused,
};
use crate::platforms::consenting::{found, redirect_found};
use crate::platforms::graph::{self, version_found};
use crate::secret::Secret;

pub(super) const HOST: &str = "graph.instagram.com";

/// How long the first token lives. The response does not say so.
const SHORT: Seconds = Seconds(3600);

/// A token that lives 60 days from now.
///
/// Nothing in a token says which kind it is, so the usual way is tried first: a long-lived one is refreshed. The hour's
/// token is refused at the refresh, and exchanged instead. Where the exchange is refused too, as a long-lived token's
/// always is, it says nothing new about the token: then the first refusal counts.
pub(super) async fn renew(instagram: &Instagram, app: &OAuthApp, api: &Api, held: &Held) -> Result<Reply, TokenError> {
    let renewed = |reply: &Reply| graph::tokens(instagram, reply, TokenRequest::Renewal);
    let request = api.get(HOST, "/refresh_access_token").query(&[("grant_type", "ig_refresh_token")]);
    let refreshed = Reply::of(&request.secret_query("access_token", &held.access).send().await?);
    if !matches!(renewed(&refreshed), Err(TokenError::Gone { .. } | TokenError::Unexpected { .. }))
        || !(400..500).contains(&refreshed.status)
    {
        return Ok(refreshed);
    }
    let request = api.get(HOST, "/access_token").query(&[("grant_type", "ig_exchange_token")]);
    let request = request.secret_query("client_secret", &app.secret).secret_query("access_token", &held.access);
    let exchanged = Reply::of(&request.send().await?);
    match renewed(&exchanged) {
        Err(TokenError::Gone { .. } | TokenError::Unexpected { .. }) => Ok(refreshed),
        _ => Ok(exchanged),
    }
}

/// Instagram's documentation does not say that a consent can be ended this way, but clients do it: any response but a
/// limit or an outage is taken for its end.
pub(super) async fn revoke(instagram: &Instagram, api: &Api, held: &Held) -> Result<(), TokenError> {
    let response = api.delete(HOST, "/me/permissions").bearer(&held.access).send().await?;
    match response.status {
        429 | 500..=599 => Err(refused(instagram, &Reply::of(&response), TokenRequest::Revocation)),
        _ => Ok(()),
    }
}

/// What a code is refused with: another form than everywhere else.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Refused {
    error_type: String,
    error_message: String,
}

#[derive(Deserialize)]
struct Wrapped {
    data: Vec<Box<serde_json::value::RawValue>>,
}

/// What a code is refused with; `None` where the response does not have this form.
pub(super) fn refusal(reply: &Reply) -> Option<Refusal> {
    let refused: Refused = reply.read().ok()?;
    let is_refused = (400..500).contains(&reply.status) && !refused.error_type.is_empty();
    is_refused.then(|| match names_the_app(&refused) {
        true => Refusal::App(Some(BAD_APP.to_owned())),
        false => {
            Refusal::Over(Some(format!("{NAME}'s code is used, out of time, or for another redirect URI: begin again")))
        }
    })
}

/// The first token, in either form of the response.
pub(super) fn first_token(instagram: &Instagram, reply: &Reply) -> Result<Tokens, TokenError> {
    let wrapped: Option<Wrapped> = reply.read().ok();
    let first = wrapped.as_ref().and_then(|wrapped| wrapped.data.first());
    let inner = first.map(|text| Reply { status: reply.status, body: Secret::new(text.get()) });
    let reported = graph::tokens(instagram, inner.as_ref().unwrap_or(reply), TokenRequest::Code)?;
    Ok(Tokens { access_lives: Some(reported.access_lives.unwrap_or(SHORT)), ..reported })
}

const BAD_APP: &str = "Instagram does not accept the app: client_id and client_secret in [platforms.instagram] must be \
                       those of the Instagram app, which are not the Meta app's";

/// There is no code for it, so the text of the refusal is searched.
fn names_the_app(refused: &Refused) -> bool {
    let words = refused.error_message.to_ascii_lowercase();
    ["platform app", "client_id", "client id", "client_secret", "client secret"].iter().any(|name| words.contains(name))
}

/// Checks the set-up with a code that does not exist.
pub(super) async fn checks(instagram: &Instagram, api: &Api, redirect_uri: &str) -> Vec<PlatformCheck> {
    let what = "id and secret";
    let code = Secret::new("nobody-has-this-code");
    let app = match instagram.exchange(api, Exchange { code: &code, redirect_uri, verifier: None }).await {
        Err(error @ TokenError::App { .. }) => found(what, Some(false), error.to_string()),
        Ok(_) | Err(TokenError::Gone { .. }) => {
            found(what, None, "Instagram answers; whether it accepts them shows at the first consent")
        }
        Err(error) => found(what, None, error.to_string()),
    };
    let redirect_uri = redirect_found(redirect_uri, redirect_problem(NAME, redirect_uri));
    vec![app, version_found(&instagram.version, api.now()), redirect_uri]
}

/// Without an app there is nothing to check.
pub(super) fn no_app() -> Vec<PlatformCheck> {
    vec![found("id and secret", Some(false), NO_APP)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platforms::graph::Refusals;
    use crate::platforms::instagram::Login;

    fn first_token(reply: &Reply) -> Result<Tokens, TokenError> {
        let (version, refusals) = ("v26.0".to_owned(), Refusals::default());
        Instagram { app: None, login: Login::Instagram, version, refusals, verify_token: None }
            .read_tokens(reply, TokenRequest::Code)
    }

    fn reply(status: u16, body: &str) -> Reply {
        Reply { status, body: Secret::new(body) }
    }

    #[test]
    fn the_first_token_comes_in_two_forms_and_lives_an_hour() {
        let reported = r#"{"access_token":"IGshort","user_id":17841400000000001,"permissions":["a","b"]}"#;
        let wrapped = r#"{"data":[{"access_token":"IGshort","user_id":"17841400000000001","permissions":"a,b"}]}"#;
        for text in [reported, wrapped] {
            let reported = first_token(&reply(200, text)).expect("a token");
            assert_eq!((reported.access.expose(), reported.access_lives), ("IGshort", Some(SHORT)));
            assert_eq!(reported.scopes.map(|scopes| scopes.len()), Some(2), "{text}");
        }
    }

    #[test]
    fn refusals_say_what_is_done_next() {
        let check = |status: u16, body: &str, expected: &str| {
            let reported = format!("{:?}", first_token(&reply(status, body)).err());
            assert!(reported.starts_with(&format!("Some({expected}")) && !reported.contains("canary"), "{reported}");
        };
        let refusal =
            |words: &str| format!(r#"{{"error_type":"OAuthException","code":400,"error_message":"{words}"}}"#);
        check(400, &refusal("canary: Matching code was not found or was already used"), "Gone");
        check(400, &refusal("canary: Invalid platform app"), "App");
        check(500, &refusal("canary"), "Later");
        check(503, "<html>canary", "Later");
        check(400, "<html>canary", "Unexpected");
        for nonsense in ["", "{}", "[]", r#"{"data":[]}"#, r#"{"data":[7]}"#, r#"{"access_token":"canary x"}"#] {
            check(200, nonsense, "Unexpected");
        }
    }
}
