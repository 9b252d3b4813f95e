//! Where the browser is sent after a decision.

use http::StatusCode;
use url::{Host, Url};

use super::HTML;
use crate::platforms::ApiResponse;

/// Whether an app may be sent back there: anywhere by https, and by http to the same machine.
pub fn is_allowed(uri: &str) -> bool {
    let Ok(url) = Url::parse(uri) else { return false };
    url.fragment().is_none() && (url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url)))
}

/// Whether it leads to the same machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Sends the browser back with these parameters; `fragment` is what some providers append.
pub fn back(uri: &str, pairs: &[(&str, &str)], fragment: &str) -> ApiResponse {
    let location = location(uri, pairs, fragment);
    ApiResponse::text(StatusCode::FOUND, HTML, "").header("location", location).header("cache-control", "no-store")
}

fn location(uri: &str, pairs: &[(&str, &str)], fragment: &str) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let joint = if uri.contains('?') { '&' } else { '?' };
    format!("{uri}{joint}{query}{fragment}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_go_by_https_or_stay_on_the_machine() {
        let check = |uri: &str, expected| assert_eq!(is_allowed(uri), expected, "{uri}");
        check("https://roster.example/oauth/youtube/callback", true);
        check("http://127.0.0.1:8787/oauth/youtube/callback", true);
        check("http://localhost:1/", true);
        check("http://[::1]:8080/x", true);
        check("http://roster.example/", false);
        check("http://127.0.0.1.example/", false);
        check("https://roster.example/#x", false);
        check("urn:ietf:wg:oauth:2.0:oob", false);
        check("callback", false);
    }

    #[test]
    fn parameters_are_encoded_once() {
        let check = |uri: &str, pairs: &[(&str, &str)], fragment: &str, expected: &str| {
            assert_eq!(location(uri, pairs, fragment), expected);
        };
        check(
            "http://localhost/cb",
            &[("code", "a*1!%2B"), ("state", "x y&z")],
            "",
            "http://localhost/cb?code=a*1%21%252B&state=x+y%26z",
        );
        check("https://a.example/cb?x=1", &[("code", "4/0A")], "#_=_", "https://a.example/cb?x=1&code=4%2F0A#_=_");
    }
}
