//! What their token endpoints say. Pure.

use roster_protocol::time::Seconds;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::problem::{Problem, Refusal};
use super::usage::HOUR;
use crate::http_client::{HttpErrorKind, read_json};
use crate::platforms::asking::sentence;
use crate::platforms::consenting::{Reply, TokenError, Tokens};
use crate::platforms::oauth::token;
use crate::platforms::reading::{count, plain_id};
use crate::secret::Secret;

/// What was asked for: the same refusal means something else each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::platforms) enum Asked {
    Code,
    Renewal,
}

#[derive(Deserialize)]
struct Told {
    access_token: Secret,
    /// Absent for what never ends.
    #[serde(default, deserialize_with = "count")]
    expires_in: Option<u64>,
    permissions: Option<Permissions>,
}

/// Told by Instagram's own login, as a list or as one text.
#[derive(Deserialize)]
#[serde(untagged)]
pub(in crate::platforms) enum Permissions {
    Text(String),
    List(Vec<String>),
}

impl Permissions {
    /// Their names; `None` where none was told.
    pub(in crate::platforms) fn names(&self) -> Option<Vec<String>> {
        let names: Vec<&str> = match self {
            Self::Text(text) => text.split([',', ' ']).collect(),
            Self::List(list) => list.iter().map(String::as_str).collect(),
        };
        let names: Vec<String> = names.into_iter().filter_map(plain_id).map(str::to_owned).collect();
        (!names.is_empty()).then_some(names)
    }
}

/// The token of an answer. None is ever told to renew it with.
pub(in crate::platforms) fn tokens(name: &str, reply: &Reply, asked: Asked) -> Result<Tokens, TokenError> {
    if !is_success(reply) || problem(reply).is_some() {
        return Err(refused(name, reply, asked));
    }
    let told: Told = read(reply).map_err(|kind| unreadable(name, kind))?;
    let access = token(told.access_token).ok_or_else(|| unexpected(name, "the answer holds no token"))?;
    Ok(Tokens {
        access,
        refresh: None,
        access_lives: told.expires_in.filter(|lives| *lives > 0).map(Seconds),
        refresh_lives: None,
        scopes: told.permissions.and_then(|permissions| permissions.names()),
    })
}

/// Whether a consent is over, as its owner or we wished.
pub(super) fn revoked(name: &str, reply: &Reply) -> Result<(), TokenError> {
    #[derive(Deserialize)]
    struct Done {
        success: bool,
    }

    match (is_success(reply), problem(reply)) {
        (_, Some(problem)) if problem.is_the_end() && reply.status < 500 => Ok(()),
        (true, None) => match read::<Done>(reply) {
            Ok(Done { success: true }) => Ok(()),
            Ok(_) => Err(unexpected(name, "it did not end the consent, and does not say why")),
            Err(kind) => Err(unreadable(name, kind)),
        },
        _ => Err(refused(name, reply, Asked::Renewal)),
    }
}

/// What a refusal means. Outages never mean that a consent is over.
pub(in crate::platforms) fn refused(name: &str, reply: &Reply, asked: Asked) -> TokenError {
    let problem = problem(reply).filter(|problem| problem.code != 0);
    let by_status = || TokenError::by_status(name, reply.status, None);
    let later = |retry_after, sent| TokenError::Later {
        what: format!("{name} gives no tokens now{}", problem.as_ref().map(of).unwrap_or_default()),
        retry_after,
        sent,
    };
    match &problem {
        Some(problem) if problem.is_a_limit() => later(Some(HOUR), false),
        _ if reply.status == 429 => later(Some(HOUR), false),
        _ if reply.status >= 500 => by_status(),
        None => by_status(),
        Some(problem) if problem.is_about_the_app() => TokenError::App {
            what: format!("{name} does not accept the app{}: check client_id and client_secret", of(problem)),
        },
        // At a code's exchange a wrong secret is refused so, too.
        Some(problem) if problem.code == 1 && asked == Asked::Code => {
            TokenError::App { what: format!("{name} refused{}: is client_secret that of the app?", of(problem)) }
        }
        Some(problem) if problem.passes() => later(None, true),
        Some(problem) if asked == Asked::Code && (problem.is_the_end() || problem.code == 100) => TokenError::Gone {
            what: format!(
                "{name}'s code is used, out of time, or for another redirect URI{}: begin again",
                of(problem)
            ),
        },
        Some(problem) if problem.is_the_end() => TokenError::Gone { what: problem.end(name) },
        Some(problem) => unexpected(name, &format!("it refused: {}", problem.named())),
    }
}

/// The codes, behind words of ours.
fn of(problem: &Problem) -> String {
    format!(" ({})", problem.named())
}

fn problem(reply: &Reply) -> Option<Problem> {
    read::<Refusal>(reply).ok().map(|refusal| refusal.error)
}

fn read<T: DeserializeOwned>(reply: &Reply) -> Result<T, HttpErrorKind> {
    read_json(reply.body.expose().as_bytes())
}

fn unreadable(name: &str, kind: HttpErrorKind) -> TokenError {
    unexpected(name, &kind.to_string())
}

fn unexpected(name: &str, what: &str) -> TokenError {
    TokenError::Unexpected { what: sentence(&format!("{name} tokens: {what}")) }
}

fn is_success(reply: &Reply) -> bool {
    (200..300).contains(&reply.status)
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let told = tokens("Facebook", &reply(200, include_str!("fixtures/token.json")), Asked::Code).expect("a token");
        assert_eq!((told.access.expose(), told.access_lives), ("EAAexample-token", Some(Seconds(5_183_944))));
        assert!(told.refresh.is_none() && told.scopes.is_none());
        let endless = tokens("Facebook", &reply(200, r#"{"access_token":"x"}"#), Asked::Renewal).expect("a token");
        assert_eq!(endless.access_lives, None);
        for permissions in [r#""a,b""#, r#"["a","b"]"#] {
            let body = format!(r#"{{"access_token":"x","permissions":{permissions}}}"#);
            let told = tokens("Instagram", &reply(200, &body), Asked::Renewal).expect("a token");
            assert_eq!(told.scopes, Some(vec!["a".to_owned(), "b".to_owned()]));
        }
    }

    #[test]
    fn refusals_say_what_is_done_next() {
        let check = |reply: &Reply, asked: Asked, expected: &str| {
            let told = format!("{:?}", tokens("Facebook", reply, asked).err());
            assert!(told.starts_with(&format!("Some({expected}")) && !told.contains("canary"), "{told}");
        };
        check(&refusal(400, 100, 36_009), Asked::Code, "Gone { what: \"Facebook's code");
        check(&refusal(400, 190, 0), Asked::Code, "Gone { what: \"Facebook's code");
        check(&refusal(400, 190, 460), Asked::Renewal, "Gone { what: \"its owner's password");
        check(&refusal(401, 190, 463), Asked::Renewal, "Gone");
        check(&refusal(200, 190, 463), Asked::Renewal, "Gone");
        check(&refusal(400, 102, 0), Asked::Renewal, "Gone");
        check(&refusal(500, 190, 463), Asked::Renewal, "Later");
        check(&refusal(400, 101, 0), Asked::Renewal, "App");
        check(&refusal(400, 1, 0), Asked::Code, "App");
        check(&refusal(400, 1, 0), Asked::Renewal, "Later { what: \"Facebook gives no tokens now (error 1/0)");
        check(&refusal(400, 2, 0), Asked::Code, "Later");
        check(&refusal(400, 4, 0), Asked::Renewal, "Later");
        check(&refusal(503, 80_002, 0), Asked::Renewal, "Later");
        for other in [10, 100, 200, 3001] {
            check(&refusal(400, other, 0), Asked::Renewal, "Unexpected");
        }
        check(&reply(503, "<html>canary"), Asked::Renewal, "Later");
        check(
            &reply(429, "canary"),
            Asked::Renewal,
            "Later { what: \"Facebook gives no tokens now\", retry_after: Some(3600s)",
        );
        check(&reply(400, "<html>canary"), Asked::Renewal, "Unexpected");
        check(&reply(307, ""), Asked::Code, "Unexpected");
        for nonsense in ["", "<html>canary", "[]", "{}", r#"{"access_token":""}"#, r#"{"access_token":"canary x"}"#] {
            check(&reply(200, nonsense), Asked::Renewal, "Unexpected");
        }
        let odd = r#"{"access_token":"canary","expires_in":-1}"#;
        check(&reply(200, odd), Asked::Renewal, "Unexpected { what: \"Facebook tokens: expires_in is not a count");
    }

    #[test]
    fn what_is_over_already_is_well_ended() {
        let check = |reply: &Reply, expected: &str| {
            let told = format!("{:?}", revoked("Facebook", reply));
            assert!(told.starts_with(expected), "{told}");
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
        fn any_answer_is_read_without_panic(status in 100_u16..600, text in crate::platforms::tests::json()) {
            let reply = reply(status, &text);
            let _ = (tokens("Facebook", &reply, Asked::Renewal).err(), revoked("Facebook", &reply));
        }
    }
}
