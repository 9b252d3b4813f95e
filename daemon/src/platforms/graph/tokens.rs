//! What Meta's token endpoints return. Pure.

use roster_protocol::time::Seconds;
use serde::Deserialize;

use super::problem::{Problem, Refusal as Refused};
use super::usage::HOUR;
use crate::http_client::count;
use crate::oauth::{Provider, Refusal, Reply, TokenError, TokenRequest, Tokens, read, refused};
use crate::platforms::reading::plain_id;
use crate::secret::Secret;

#[derive(Deserialize)]
struct Reported {
    access_token: Secret,
    /// Absent for what never ends.
    #[serde(default, deserialize_with = "count")]
    expires_in: Option<u64>,
    permissions: Option<Permissions>,
}

/// Instagram's own login returns them, as a list or as one text.
#[derive(Deserialize)]
#[serde(untagged)]
pub(in crate::platforms) enum Permissions {
    Text(String),
    List(Vec<String>),
}

impl Permissions {
    /// Their names; `None` where none was returned.
    pub(in crate::platforms) fn names(&self) -> Option<Vec<String>> {
        let names: Vec<&str> = match self {
            Self::Text(text) => text.split([',', ' ']).collect(),
            Self::List(list) => list.iter().map(String::as_str).collect(),
        };
        let names: Vec<String> = names.into_iter().filter_map(plain_id).map(str::to_owned).collect();
        (!names.is_empty()).then_some(names)
    }
}

/// The token of a response. Meta never returns a token to renew it with.
pub(in crate::platforms) fn tokens<P: Provider + ?Sized>(
    provider: &P,
    reply: &Reply,
    request: TokenRequest,
) -> Result<Tokens, TokenError> {
    if !reply.is_success() || problem(reply).is_some() {
        return Err(refused(provider, reply, request));
    }
    let name = provider.terms().grantor;
    let reported: Reported = reply.read().map_err(|kind| read::unreadable(name, kind))?;
    let access =
        read::token(reported.access_token).ok_or_else(|| read::unexpected(name, "the response holds no token"))?;
    Ok(Tokens {
        access,
        refresh: None,
        access_lives: reported.expires_in.filter(|lives| *lives > 0).map(Seconds),
        refresh_lives: None,
        scopes: reported.permissions.and_then(|permissions| permissions.names()),
    })
}

/// Succeeds where the consent is over, whether this request ended it or something did before.
pub(super) fn revoked<P: Provider + ?Sized>(provider: &P, reply: &Reply) -> Result<(), TokenError> {
    #[derive(Deserialize)]
    struct Done {
        success: bool,
    }

    let name = provider.terms().grantor;
    match (reply.is_success(), problem(reply)) {
        (_, Some(problem)) if problem.is_the_end() && reply.status < 500 => Ok(()),
        (true, None) => match reply.read::<Done>() {
            Ok(Done { success: true }) => Ok(()),
            Ok(_) => Err(read::unexpected(name, "it did not end the consent, and does not say why")),
            Err(kind) => Err(read::unreadable(name, kind)),
        },
        _ => Err(refused(provider, reply, TokenRequest::Revocation)),
    }
}

/// What a refusal means; `name` is the platform's for users.
pub(in crate::platforms) fn refusal(name: &str, reply: &Reply, request: TokenRequest) -> Option<Refusal> {
    let problem = problem(reply).filter(|problem| problem.code != 0);
    // Meta's codes, after words of ours.
    let of = problem.as_ref().map(|problem| format!(" ({})", problem.named())).unwrap_or_default();
    let not_now = || Some(format!("{name} gives no tokens now{of}"));
    let limited = || Refusal::Limited { what: not_now(), retry_after: HOUR };
    let is_of_a_code = request == TokenRequest::Code;
    Some(match &problem {
        Some(problem) if problem.is_a_limit() => limited(),
        _ if reply.status == 429 => limited(),
        None => return None,
        Some(problem) if problem.is_about_the_app() => {
            Refusal::App(Some(format!("{name} does not accept the app{of}: check client_id and client_secret")))
        }
        // At a code's exchange Meta refuses a wrong secret with this code, too.
        Some(problem) if problem.code == 1 && is_of_a_code => {
            Refusal::App(Some(format!("{name} refused{of}: is client_secret that of the app?")))
        }
        Some(problem) if problem.passes() => Refusal::Outage(not_now()),
        Some(problem) if is_of_a_code && (problem.is_the_end() || problem.code == 100) => Refusal::Over(Some(format!(
            "{name}'s code is used, out of time, or for another redirect URI{of}: begin again"
        ))),
        Some(problem) if problem.is_the_end() => Refusal::Over(Some(problem.end(name))),
        Some(problem) => Refusal::Unknown(format!("{name} tokens: it refused: {}", problem.named())),
    })
}

fn problem(reply: &Reply) -> Option<Problem> {
    reply.read::<Refused>().ok().map(|refused| refused.error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platforms::graph::tests::{FACEBOOK, INSTAGRAM};

    fn reply(status: u16, body: &str) -> Reply {
        Reply { status, body: Secret::new(body) }
    }

    fn refusal(status: u16, code: u32, subcode: u32) -> Reply {
        let error =
            format!(r#"{{"message":"canary","type":"OAuthException","code":{code},"error_subcode":{subcode}}}"#);
        reply(status, &format!(r#"{{"error":{error}}}"#))
    }

    #[test]
    fn a_token_lives_as_long_as_they_say() {
        let reported =
            tokens(&FACEBOOK, &reply(200, include_str!("fixtures/token.json")), TokenRequest::Code).expect("a token");
        assert_eq!((reported.access.expose(), reported.access_lives), ("EAAexample-token", Some(Seconds(5_183_944))));
        assert!(reported.refresh.is_none() && reported.scopes.is_none());
        let endless =
            tokens(&FACEBOOK, &reply(200, r#"{"access_token":"x"}"#), TokenRequest::Renewal).expect("a token");
        assert_eq!(endless.access_lives, None);
        for permissions in [r#""a,b""#, r#"["a","b"]"#] {
            let body = format!(r#"{{"access_token":"x","permissions":{permissions}}}"#);
            let reported = tokens(&INSTAGRAM, &reply(200, &body), TokenRequest::Renewal).expect("a token");
            assert_eq!(reported.scopes, Some(vec!["a".to_owned(), "b".to_owned()]));
        }
    }

    #[test]
    fn refusals_say_what_is_done_next() {
        let check = |reply: &Reply, requested: TokenRequest, expected: &str| {
            let reported = format!("{:?}", tokens(&FACEBOOK, reply, requested).err());
            assert!(reported.starts_with(&format!("Some({expected}")) && !reported.contains("canary"), "{reported}");
        };
        check(&refusal(400, 100, 36_009), TokenRequest::Code, "Gone { what: \"Facebook's code");
        check(&refusal(400, 190, 0), TokenRequest::Code, "Gone { what: \"Facebook's code");
        check(&refusal(400, 190, 460), TokenRequest::Renewal, "Gone { what: \"its owner's password");
        check(&refusal(401, 190, 463), TokenRequest::Renewal, "Gone");
        check(&refusal(200, 190, 463), TokenRequest::Renewal, "Gone");
        check(&refusal(400, 102, 0), TokenRequest::Renewal, "Gone");
        check(&refusal(500, 190, 463), TokenRequest::Renewal, "Later");
        check(&refusal(400, 101, 0), TokenRequest::Renewal, "App");
        check(&refusal(400, 1, 0), TokenRequest::Code, "App");
        check(&refusal(400, 1, 0), TokenRequest::Renewal, "Later { what: \"Facebook gives no tokens now (error 1/0)");
        check(&refusal(400, 2, 0), TokenRequest::Code, "Later");
        check(&refusal(400, 4, 0), TokenRequest::Renewal, "Later");
        check(&refusal(503, 80_002, 0), TokenRequest::Renewal, "Later");
        for other in [10, 100, 200, 3001] {
            check(&refusal(400, other, 0), TokenRequest::Renewal, "Unexpected");
        }
        check(&reply(503, "<html>canary"), TokenRequest::Renewal, "Later");
        check(
            &reply(429, "canary"),
            TokenRequest::Renewal,
            "Later { what: \"Facebook gives no tokens now\", retry_after: Some(3600s)",
        );
        check(&reply(400, "<html>canary"), TokenRequest::Renewal, "Unexpected");
        check(&reply(307, ""), TokenRequest::Code, "Unexpected");
        for nonsense in ["", "<html>canary", "[]", "{}", r#"{"access_token":""}"#, r#"{"access_token":"canary x"}"#] {
            check(&reply(200, nonsense), TokenRequest::Renewal, "Unexpected");
        }
        let odd = r#"{"access_token":"canary","expires_in":-1}"#;
        check(
            &reply(200, odd),
            TokenRequest::Renewal,
            "Unexpected { what: \"Facebook tokens: expires_in is not a count",
        );
    }

    #[test]
    fn what_is_over_already_is_well_ended() {
        let check = |reply: &Reply, expected: &str| {
            let reported = format!("{:?}", revoked(&FACEBOOK, reply));
            assert!(reported.starts_with(expected), "{reported}");
        };
        check(&reply(200, r#"{"success":true}"#), "Ok");
        check(&reply(200, r#"{"success":false}"#), "Err(Unexpected");
        check(&refusal(400, 190, 458), "Ok");
        check(&refusal(400, 102, 0), "Ok");
        check(&refusal(500, 190, 0), "Err(Later");
        check(&refusal(400, 4, 0), "Err(Later");
        check(&reply(503, "<html>"), "Err(Later");
        check(&reply(200, "<html>"), "Err(Unexpected");
    }

    proptest::proptest! {
        #[test]
        fn any_response_is_read_without_panic(status in 100_u16..600, text in crate::platforms::tests::json()) {
            let reply = reply(status, &text);
            let _ = (tokens(&FACEBOOK, &reply, TokenRequest::Renewal).err(), revoked(&FACEBOOK, &reply));
        }
    }
}
