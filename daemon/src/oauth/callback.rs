//! Redirect URIs, and the parameters they receive.

use roster_protocol::text::{SENTENCE_CHARACTERS, clean};
use url::Url;

use crate::secret::Secret;

/// What the redirect URI received.
pub enum Callback {
    Code(Secret),
    /// The owner said no.
    Denied,
    /// The provider refused the requested scopes: its words.
    Scopes(String),
    /// The provider refused: its words, clean.
    Refused(String),
}

/// What the redirect URI received, in the words of RFC 6749 section 4.1.2; `grantor` is the provider's name for users.
pub fn read_callback(grantor: &str, pairs: &[(String, String)]) -> Callback {
    let reported = |name: &str| {
        let pair = pairs.iter().find(|(key, value)| key == name && !value.is_empty());
        pair.map(|(_, value)| value.as_str())
    };
    match (reported("error"), reported("code")) {
        (Some("access_denied"), _) => Callback::Denied,
        (Some("invalid_scope"), _) => Callback::Scopes(reported("error_description").unwrap_or_default().to_owned()),
        (Some(error), _) => {
            Callback::Refused(clean(reported("error_description").unwrap_or(error), SENTENCE_CHARACTERS))
        }
        (None, Some(code)) => Callback::Code(Secret::new(code)),
        (None, None) => Callback::Refused(format!("{grantor} sent no code back")),
    }
}

/// Parses a page's address, and says whether it leads to the machine on which the browser runs.
/// `None` where it is no http or https URL.
pub fn redirect(text: &str) -> Option<(Url, bool)> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "https" | "http"))?;
    let loopback = matches!(url.host_str()?, "localhost" | "127.0.0.1" | "[::1]");
    Some((url, loopback))
}

/// Why a redirect URI cannot work, as far as it can be seen from here: RFC 6749 section 3.1.2, and RFC 8252 section 7.3
/// for this machine.
pub fn redirect_problem(grantor: &str, text: &str) -> Option<String> {
    let problem = match redirect(text) {
        None => "it is no URL that a browser opens",
        Some(_) if text.contains('#') => "it may have no #",
        Some((url, _)) if !url.username().is_empty() || url.password().is_some() => "it may hold no name or password",
        Some((url, false)) if url.scheme() != "https" => "it must be https, or http to this machine",
        Some(_) => return None,
    };
    Some(format!("{grantor} does not take this redirect URI: {problem}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callbacks_are_codes_or_say_why_not() {
        let check = |pairs: &[(&str, &str)], expected: &str| {
            let pairs: Vec<_> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let reported = match read_callback("X", &pairs) {
                Callback::Code(code) => format!("code {}", code.expose()),
                Callback::Denied => "denied".to_owned(),
                Callback::Scopes(words) => format!("scopes: {words}"),
                Callback::Refused(what) => what,
            };
            assert_eq!(reported, expected, "{pairs:?}");
        };
        check(&[("state", "s"), ("code", "a*b!c%25")], "code a*b!c%25");
        check(&[("error", "access_denied"), ("error_description", "x")], "denied");
        check(&[("error", "invalid_scope"), ("error_description", "no a")], "scopes: no a");
        check(&[("error", "invalid_scope")], "scopes: ");
        check(&[("error", "server_error"), ("error_description", "not\u{1b}]52; now\nor")], "not]52; now or");
        check(&[("error", "server_error"), ("error_description", "")], "server_error");
        check(&[("error", "server_error"), ("code", "c")], "server_error");
        check(&[("code", "")], "X sent no code back");
        check(&[], "X sent no code back");
    }
}
