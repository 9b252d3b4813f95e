//! The wording of consents, the same for commands and screens. Pure.

use roster_protocol::text::{NAME_CHARACTERS, SENTENCE_CHARACTERS, clean};
use roster_protocol::{ConsentBegun, ConsentChoice, ConsentedConnection, InfluencerId, MissingScope};

/// The longest URL that is shown or copied.
const LONGEST_URL: usize = 8 * 1024;

/// The longest advice that is shown: it may name every scope.
const LONGEST_ADVICE: usize = 800;

/// A URL that may be handed to another program: `http` or `https`, and nothing but visible ASCII.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainUrl(String);

impl PlainUrl {
    /// The URL, if it is such a one.
    pub fn checked(url: &str) -> Option<Self> {
        let is_web = url.starts_with("https://") || url.starts_with("http://");
        let is_plain = url.len() <= LONGEST_URL && url.bytes().all(|byte| byte.is_ascii_graphic());
        (is_web && is_plain).then(|| Self(url.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A URL as it is shown: unchanged when plain, or else clean, so that it cannot draw on the terminal.
pub fn shown_url(url: &str) -> String {
    PlainUrl::checked(url).map_or_else(|| clean(url, LONGEST_URL), |plain| plain.0)
}

/// What a QR code holds: the short link where there is one, for the whole address makes a code that fits few terminals.
pub fn scanned(begun: &ConsentBegun) -> &str {
    begun.short_url.as_deref().unwrap_or(&begun.url)
}

/// A pasted address in one piece, whatever a terminal or a mail broke it into.
pub fn joined(pasted: &str) -> String {
    pasted.split_whitespace().collect()
}

/// What the platform will ask the account's owner.
pub fn asks(begun: &ConsentBegun) -> String {
    let platform = clean(&begun.platform_name, NAME_CHARACTERS);
    match begun.scopes.is_empty() {
        true => format!("{platform} will ask the account's owner to allow it."),
        false => format!("{platform} will ask to share: {}.", listed(&begun.scopes)),
    }
}

/// What Roster does with it.
pub fn reads(begun: &ConsentBegun) -> String {
    match begun.reads.is_empty() {
        true => "Roster only reads. It never posts.".to_owned(),
        false => format!("Roster never posts. It will read: {}.", listed(&begun.reads)),
    }
}

/// What is done when the page ends in an error about scopes; empty where the daemon does not say.
pub fn if_refused(begun: &ConsentBegun) -> String {
    match clean(&begun.if_refused, LONGEST_ADVICE).as_str() {
        "" => String::new(),
        advice => format!("If the page ends in an error about scopes: {advice}."),
    }
}

fn listed(words: &[String]) -> String {
    words.iter().map(|word| clean(word, SENTENCE_CHARACTERS)).collect::<Vec<_>>().join(", ")
}

/// The command that leads a browser on another machine to a loopback redirect URI here.
///
/// `None` when the URI leads here from anywhere, or when nothing listens.
pub fn ssh_line(begun: &ConsentBegun) -> Option<String> {
    let (host, port) = host_and_port(begun.redirect_uri.as_deref()?)?;
    if !is_loopback(&host) {
        return None;
    }
    let (at, listens) = split_port(begun.listener.as_deref()?)?;
    // What listens everywhere listens on loopback too.
    let at = match at {
        "0.0.0.0" => "127.0.0.1",
        "[::]" => "[::1]",
        at => at,
    };
    Some(format!("ssh -L {port}:{}:{listens} this-host", clean(at, NAME_CHARACTERS)))
}

/// Whether the answer can only be pasted: the browser is sent to this machine, and nothing listens here.
pub fn must_paste(begun: &ConsentBegun) -> bool {
    begun.redirect_uri.is_some() && begun.listener.is_none()
}

fn host_and_port(url: &str) -> Option<(String, u16)> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let (host, port) = match split_port(authority) {
        Some((host, port)) => (host, port),
        None => (authority, if scheme.eq_ignore_ascii_case("https") { 443 } else { 80 }),
    };
    Some((host.to_ascii_lowercase(), port))
}

/// `127.0.0.1:8787` and `[::1]:8787`, apart at the last colon.
fn split_port(address: &str) -> Option<(&str, u16)> {
    let (host, port) = address.rsplit_once(':')?;
    Some((host, port.parse().ok()?))
}

fn is_loopback(host: &str) -> bool {
    let is_loopback = |address: std::net::IpAddr| address.is_loopback();
    host == "localhost" || host.trim_matches(['[', ']']).parse().is_ok_and(is_loopback)
}

/// Why an account cannot simply be taken, or what taking it means; empty for a new one.
pub fn taken(choice: &ConsentChoice, influencer: Option<InfluencerId>) -> &'static str {
    match choice.taken_by {
        None => "",
        Some(taken) if Some(taken) == influencer => "connected already",
        Some(_) => "another has it",
    }
}

/// The result for one account: `new`, or that it was there.
pub fn result_of(consented: &ConsentedConnection) -> &'static str {
    if consented.is_new { "new" } else { "renewed, history kept" }
}

/// A scope that was not given, and what that costs.
pub fn missing(missing: &MissingScope) -> String {
    let scope = clean(&missing.scope, SENTENCE_CHARACTERS);
    match clean(&missing.costs, SENTENCE_CHARACTERS).as_str() {
        "" => format!("{scope} was not given"),
        costs => format!("{scope} was not given; it would show {costs}"),
    }
}

/// What cannot be read because its owner did not allow it, in words; the scope itself where it has none.
pub fn not_given(missing: &[MissingScope]) -> String {
    let words = |missing: &MissingScope| match missing.costs.as_str() {
        "" => clean(&missing.scope, SENTENCE_CHARACTERS),
        costs => clean(costs, SENTENCE_CHARACTERS),
    };
    missing.iter().map(words).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn only_plain_urls_leave_the_program() {
        let check = |url: &str, plain: bool| assert_eq!(PlainUrl::checked(url).is_some(), plain, "{url:?}");
        check("https://accounts.example/auth?a=b&c=%20d#e", true);
        check("http://127.0.0.1:9900/accounts.example/auth", true);
        check("javascript:alert(1)", false);
        check("https://x.example/\u{1b}]52;c;aGk=\u{7}", false);
        check("https://x.example/\nrm -rf ~", false);
        check("https://x.example/a b", false);
        check("https://ex\u{e4}mple/", false);
        check("https://x.example/\u{202e}", false);
        check("", false);
        check(&format!("https://x.example/{}", "y".repeat(LONGEST_URL)), false);
        assert_eq!(shown_url("https://x.example/\u{1b}[2J\u{202e}y"), "https://x.example/[2Jy");
        assert_eq!(joined(" https://x.example/cb?\r\n code=1 \n"), "https://x.example/cb?code=1");
    }

    #[test]
    fn ssh_leads_from_the_redirect_to_the_listener() {
        let check = |redirect: Option<&str>, listener: Option<&str>, expected: Option<&str>| {
            let begun = ConsentBegun {
                redirect_uri: redirect.map(str::to_owned),
                listener: listener.map(str::to_owned),
                ..samples::begun()
            };
            assert_eq!(ssh_line(&begun).as_deref(), expected, "{redirect:?} {listener:?}");
        };
        let here = "http://127.0.0.1:8787/oauth/x/callback";
        check(Some(here), Some("127.0.0.1:8787"), Some("ssh -L 8787:127.0.0.1:8787 this-host"));
        check(Some(here), Some("0.0.0.0:9000"), Some("ssh -L 8787:127.0.0.1:9000 this-host"));
        check(Some(here), Some("[::]:9000"), Some("ssh -L 8787:[::1]:9000 this-host"));
        check(Some("http://localhost/cb"), Some("10.0.0.7:80"), Some("ssh -L 80:10.0.0.7:80 this-host"));
        check(Some("http://[::1]:8787/cb"), Some("[::1]:8787"), Some("ssh -L 8787:[::1]:8787 this-host"));
        check(Some("https://LOCALHOST/cb"), Some("127.0.0.1:1"), Some("ssh -L 443:127.0.0.1:1 this-host"));
        check(Some("https://roster.example/oauth/x/callback"), Some("127.0.0.1:8787"), None);
        check(Some("http://127.0.0.1.example/cb"), Some("127.0.0.1:8787"), None);
        check(Some(here), None, None);
        check(Some("nonsense"), Some("127.0.0.1:8787"), None);
        check(None, Some("127.0.0.1:8787"), None);
    }

    #[test]
    fn the_guide_says_what_is_requested_and_read() {
        let begun = samples::begun();
        assert_eq!(asks(&begun), "Instagram will ask to share: profile, insights.");
        assert_eq!(reads(&begun), "Roster never posts. It will read: followers, posts, likes.");
        let bare = ConsentBegun { scopes: vec![], reads: vec![], ..begun };
        assert_eq!(asks(&bare), "Instagram will ask the account's owner to allow it.");
        assert_eq!(reads(&bare), "Roster only reads. It never posts.");
        assert_eq!(if_refused(&bare), "");
        let refused = ConsentBegun { if_refused: "add\u{1b}[2J insights".into(), ..bare };
        assert_eq!(if_refused(&refused), "If the page ends in an error about scopes: add[2J insights.");
        let without = |costs: &str| missing(&MissingScope { scope: "insights".into(), costs: costs.into() });
        assert_eq!(without("views, audience"), "insights was not given; it would show views, audience");
        assert_eq!(without(""), "insights was not given");
        let scope = |costs: &str| MissingScope { scope: "insights".into(), costs: costs.into() };
        assert_eq!(not_given(&[scope("views, aud\u{1b}ience"), scope("")]), "views, audience, insights");
    }
}
