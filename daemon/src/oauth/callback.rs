//! What asking for consent by OAuth has in common: verifiers, redirect URIs, what comes back to them.

use data_encoding::BASE64URL_NOPAD;
use roster_protocol::consent::PlatformCheck;
use url::Url;
use zeroize::Zeroizing;

use super::asking::sentence;
use super::consenting::Callback;
use crate::secret::Secret;

/// A fresh PKCE verifier: 32 random bytes as 43 characters, after RFC 7636 section 4.1.
///
/// # Errors
/// When the system has no randomness to give.
pub(super) fn verifier() -> Result<Secret, getrandom::Error> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(bytes.as_mut_slice())?;
    Ok(Secret::new(BASE64URL_NOPAD.encode(bytes.as_slice())))
}

/// A token as it was told; `None` where it is empty or no header can carry it.
pub(super) fn token(told: Secret) -> Option<Secret> {
    let plain = told.expose().bytes().all(|byte| byte.is_ascii_graphic());
    (plain && !told.expose().is_empty()).then_some(told)
}

/// A page's address in its parts, and whether it leads to the very machine on which the browser runs.
/// `None` where it is no http or https URL.
pub(super) fn redirect(text: &str) -> Option<(Url, bool)> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "https" | "http"))?;
    let loopback = matches!(url.host_str()?, "localhost" | "127.0.0.1" | "[::1]");
    Some((url, loopback))
}

/// What came back to the redirect URI, in the words of RFC 6749 section 4.1.2; `platform` is its name for people.
pub(super) fn callback(platform: &str, pairs: &[(String, String)]) -> Callback {
    let told = |name: &str| {
        let pair = pairs.iter().find(|(key, value)| key == name && !value.is_empty());
        pair.map(|(_, value)| value.as_str())
    };
    match (told("error"), told("code")) {
        (Some("access_denied"), _) => Callback::Denied,
        (Some(error), _) => Callback::Refused(sentence(told("error_description").unwrap_or(error))),
        (None, Some(code)) => Callback::Code(Secret::new(code)),
        (None, None) => Callback::Refused(format!("{platform} sent no code back")),
    }
}

/// One look at the set-up, and what it found.
pub(super) fn found(what: &str, ok: Option<bool>, message: impl Into<String>) -> PlatformCheck {
    PlatformCheck { what: what.to_owned(), ok, message: message.into() }
}

/// What can be said of a redirect URI from here, given what makes it impossible.
pub(super) fn redirect_found(redirect_uri: &str, problem: Option<String>) -> PlatformCheck {
    let form = "its form is right; whether the app's settings list exactly this cannot be seen from here:";
    match problem {
        Some(problem) => found("redirect URI", Some(false), problem),
        None => found("redirect URI", None, format!("{form} {redirect_uri}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verifiers_are_long_enough_and_never_the_same() {
        let one = verifier().expect("randomness");
        assert_eq!(one.expose().len(), 43);
        assert!(one.expose().bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        assert_ne!(one.expose(), verifier().expect("randomness").expose());
    }

    #[test]
    fn callbacks_are_codes_or_say_why_not() {
        let check = |pairs: &[(&str, &str)], expected: &str| {
            let pairs: Vec<_> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let told = match callback("X", &pairs) {
                Callback::Code(code) => format!("code {}", code.expose()),
                Callback::Denied => "denied".to_owned(),
                Callback::Refused(what) => what,
            };
            assert_eq!(told, expected, "{pairs:?}");
        };
        check(&[("state", "s"), ("code", "a*b!c%25")], "code a*b!c%25");
        check(&[("error", "access_denied"), ("error_description", "x")], "denied");
        check(&[("error", "invalid_scope"), ("error_description", "no\u{1b}]52; such\nscope")], "no]52; such scope");
        check(&[("error", "server_error"), ("error_description", "")], "server_error");
        check(&[("error", "server_error"), ("code", "c")], "server_error");
        check(&[("code", "")], "X sent no code back");
        check(&[], "X sent no code back");
    }

    #[test]
    fn tokens_fit_into_a_header() {
        for (text, good) in [("act.x*!y", true), ("", false), ("a b", false), ("a\n", false), ("é", false)] {
            assert_eq!(token(Secret::new(text)).is_some(), good, "{text:?}");
        }
    }
}
