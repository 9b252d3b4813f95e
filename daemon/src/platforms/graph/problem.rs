//! What Meta's errors mean, by code and subcode. Pure.
//!
//! After "Error Handling" and its table of subcodes, read on 2026-11-21. Nothing here reads a text of Meta's.

use std::time::Duration;

use serde::Deserialize;

use super::usage::HOUR;
use crate::platforms::batch::sentence;
use crate::platforms::reading::plain_id;
use crate::platforms::{Limit, PlatformError};

/// A day: what is blocked for policy's sake is not free an hour later.
const LONG: Duration = Duration::from_secs(24 * 3600);

/// An object that does not exist, or that the caller may not see.
const NO_OBJECT: u32 = 33;
/// A post from before the account became a professional one.
const FROM_BEFORE: u32 = 2_108_006;
/// A name that looking others up does not find.
const NO_SUCH_NAME: u32 = 2_207_013;

/// The part of a response that says why the request was refused.
#[derive(Deserialize)]
pub(in crate::platforms) struct Refusal {
    pub(in crate::platforms) error: Problem,
}

/// An error as Meta returns it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(in crate::platforms) struct Problem {
    pub(in crate::platforms) code: u32,
    #[serde(rename = "error_subcode", alias = "subcode")]
    pub(in crate::platforms) subcode: Option<u32>,
    is_transient: Option<bool>,
    /// The id that Meta's support needs.
    fbtrace_id: Option<String>,
}

/// What a refusal was about.
#[derive(Clone, Copy)]
pub(in crate::platforms) struct About<'a> {
    /// The platform's name for users.
    pub(in crate::platforms) name: &'static str,
    /// What the owner must allow for this request.
    pub(in crate::platforms) scope: &'a str,
    /// How long to wait, where Meta reported it.
    pub(in crate::platforms) wait: Option<Duration>,
}

impl Problem {
    /// Whether the person's consent, or the Page's token, is over.
    pub(in crate::platforms) fn is_the_end(&self) -> bool {
        matches!(self.code, 102 | 190)
    }

    /// Whether it is the limit of the app, the person, the Page or the account.
    pub(in crate::platforms) fn is_a_limit(&self) -> bool {
        matches!(self.code, 4 | 17 | 32 | 341 | 613 | 80_000..=80_014)
    }

    /// Whether a limit is the app's, and not that of the person, the Page or the account.
    fn is_of_the_app(&self) -> bool {
        matches!(self.code, 4 | 341 | 613)
    }

    /// Whether it is transient. Code 1 may be a bad parameter too.
    pub(in crate::platforms) fn passes(&self) -> bool {
        matches!(self.code, 1 | 2) || self.is_transient == Some(true)
    }

    /// Whether the app itself is refused: its id, its secret, or what it may do.
    pub(in crate::platforms) fn is_about_the_app(&self) -> bool {
        matches!(self.code, 3 | 101 | 368)
    }

    /// Whether a parameter, a metric for example, is what is refused.
    pub(super) fn is_a_parameter(&self) -> bool {
        matches!(self.code, 1 | 3) || (self.code == 100 && self.subcode != Some(NO_OBJECT))
    }

    /// Whether a metric is refused: its name, or for this post or account.
    pub(super) fn is_a_metric(&self) -> bool {
        self.code == 3 || (self.code == 100 && self.subcode != Some(NO_OBJECT) && !self.is_from_before())
    }

    /// Whether a post is older than the professional account: it has no metrics, and never will.
    pub(super) fn is_from_before(&self) -> bool {
        (self.code, self.subcode) == (100, Some(FROM_BEFORE))
    }

    /// Whether a permission is missing. Of stories code 10 has another meaning, but no story is requested.
    pub(super) fn is_denied(&self) -> bool {
        matches!(self.code, 10 | 200..=299)
    }

    /// Whether another request may still succeed.
    pub(super) fn is_about_the_request(&self) -> bool {
        self.is_a_parameter() || self.is_denied() || matches!(self.code, 100 | 110)
    }

    /// What to do about it; `None` where the HTTP status says it all.
    pub(in crate::platforms) fn meaning(&self, about: About<'_>) -> Option<PlatformError> {
        let name = about.name;
        Some(match (self.code, self.subcode) {
            _ if self.is_the_end() => PlatformError::Unauthorized { what: self.end(name) },
            (341, _) => PlatformError::RateLimited { retry_after: Some(LONG), of: Limit::Lane },
            _ if self.is_a_limit() => {
                let of = if self.is_of_the_app() { Limit::Lane } else { Limit::Account };
                PlatformError::RateLimited { retry_after: about.wait.or(Some(HOUR)), of }
            }
            _ if self.passes() => PlatformError::Unavailable {
                what: format!("{name} reports that it cannot respond now ({})", self.code),
            },
            (3, _) => unconfigured(name, "the app may not do this: look at its use cases and permissions at Meta"),
            (101, _) => unconfigured(name, "Meta does not know the app: check client_id and client_secret"),
            (368, _) => unconfigured(name, "Meta has blocked the app or the person for its policies' sake"),
            _ if self.is_denied() => PlatformError::MissingScope { scope: about.scope.to_owned() },
            (100, Some(NO_OBJECT)) => gone(name, "deleted, hidden, or no longer open to the person who consented"),
            (110, _) | (100, Some(NO_SUCH_NAME)) => {
                gone(name, "no account of this name that it reports on: misspelt, deleted, or no professional account")
            }
            (0, None) => return None,
            _ => PlatformError::Unexpected { what: sentence(&format!("{name} refused: {}", self.named())) },
        })
    }

    /// Why a consent is over, in a sentence.
    pub(in crate::platforms) fn end(&self, name: &str) -> String {
        match self.subcode {
            Some(458) => format!("its owner removed the app at {name}: consent is needed again"),
            Some(459) => {
                format!("{name} wants to check that its owner is who they say: open it once, then consent again")
            }
            Some(464) => format!("the owner's account is not confirmed: open {name} once, then consent again"),
            Some(460) => "its owner's password was changed: consent is needed again".to_owned(),
            Some(463) => "the consent has expired: it is needed again".to_owned(),
            Some(467) => "its owner logged the app out: consent is needed again".to_owned(),
            Some(493) => format!("90 days have passed since its owner signed in at {name}: consent is needed again"),
            Some(492) => {
                "the person who consented has no role on the Page any more: ask for the role, then consent again"
                    .to_owned()
            }
            _ => format!("{name} does not accept the consent any more"),
        }
    }

    /// The codes, and the id that Meta's support needs.
    pub(in crate::platforms) fn named(&self) -> String {
        let subcode = self.subcode.map(|subcode| format!("/{subcode}")).unwrap_or_default();
        let trace = self.fbtrace_id.as_deref().and_then(plain_id).filter(|id| id.len() <= 40);
        let trace = trace.map(|id| format!(", trace {id}")).unwrap_or_default();
        format!("error {}{subcode}{trace}", self.code)
    }
}

fn unconfigured(name: &str, what: &str) -> PlatformError {
    PlatformError::Unconfigured { what: format!("{name}: {what}") }
}

fn gone(name: &str, what: &str) -> PlatformError {
    PlatformError::AccountGone { what: format!("{name}: {what}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(code: u32, subcode: Option<u32>) -> Problem {
        Problem { code, subcode, ..Problem::default() }
    }

    #[test]
    fn each_code_says_what_is_done_next() {
        let about = About { name: "Instagram", scope: "instagram_basic", wait: Some(Duration::from_secs(1140)) };
        let check = |code: u32, subcode: Option<u32>, expected: &str| {
            let reported = format!("{:?}", problem(code, subcode).meaning(about));
            assert!(reported.starts_with(&format!("Some({expected}")), "{code} {subcode:?}: {reported}");
        };
        for code in [1, 2] {
            check(code, None, "Unavailable");
        }
        for code in [4, 613] {
            check(code, None, "RateLimited { retry_after: Some(1140s), of: Lane");
        }
        for code in [17, 32, 80_001, 80_002] {
            check(code, None, "RateLimited { retry_after: Some(1140s), of: Account");
        }
        check(341, None, "RateLimited { retry_after: Some(86400s)");
        for code in [10, 200, 210, 299] {
            check(code, None, "MissingScope { scope: \"instagram_basic\"");
        }
        for (subcode, words) in [
            (None, "Instagram does not accept"),
            (Some(458), "its owner removed the app"),
            (Some(459), "Instagram wants to check"),
            (Some(460), "its owner's password"),
            (Some(463), "the consent has expired"),
            (Some(464), "the owner's account is not confirmed"),
            (Some(467), "its owner logged the app out"),
            (Some(492), "the person who consented has no role"),
            (Some(493), "90 days have passed since its owner signed in"),
        ] {
            check(190, subcode, &format!("Unauthorized {{ what: \"{words}"));
        }
        check(102, None, "Unauthorized");
        for code in [3, 101, 368] {
            check(code, None, "Unconfigured");
        }
        check(100, None, "Unexpected { what: \"Instagram refused: error 100");
        check(100, Some(33), "AccountGone");
        check(100, Some(2_207_013), "AccountGone");
        check(110, Some(2_207_013), "AccountGone");
        check(3001, Some(1_504_028), "Unexpected { what: \"Instagram refused: error 3001/1504028");
        assert_eq!(problem(0, None).meaning(about), None);
        let silent = About { wait: None, ..about };
        let hour = PlatformError::RateLimited { retry_after: Some(HOUR), of: Limit::Account };
        assert_eq!(problem(80_002, None).meaning(silent), Some(hour));
        let passing = Problem { is_transient: Some(true), ..problem(100, None) };
        assert!(matches!(passing.meaning(about), Some(PlatformError::Unavailable { .. })));
    }

    #[test]
    fn their_texts_are_never_repeated() {
        let text = r#"{"error":{"message":"canary","type":"OAuthException","code":100,"error_subcode":7,
            "error_user_msg":"canary","fbtrace_id":"AbC-1_2"}}"#;
        let refusal: Refusal = serde_json::from_str(text).expect("as they write it");
        assert_eq!(refusal.error.named(), "error 100/7, trace AbC-1_2");
        let odd: Refusal = serde_json::from_str(r#"{"error":{"code":9,"fbtrace_id":"canary <b>"}}"#).expect("a code");
        assert_eq!(odd.error.named(), "error 9");
    }
}
