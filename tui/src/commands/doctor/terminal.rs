//! The terminal, by what it says of itself.

use std::io::{IsTerminal as _, stdout};
use std::time::Duration;

use roster_protocol::Finding;

use super::program;
use crate::terminal::size;

/// How long tmux may take.
const TMUX: Duration = Duration::from_secs(2);
/// What is requested of tmux; each on a line of its own.
const TMUX_FORMAT: &str = "#{allow-passthrough}\n#{set-clipboard}";
/// What screens are made for.
const LEAST: (u16, u16) = (80, 24);

/// What is known of a terminal.
#[derive(Clone, Debug, Default)]
struct Facts {
    /// `None`: the output goes elsewhere.
    size: Option<(u16, u16)>,
    term: String,
    colorterm: String,
    no_color: bool,
    /// Of the variables that decide it, the first that is set.
    locale: String,
    in_screen: bool,
    /// What tmux said, where we are in it.
    tmux: Option<String>,
}

/// The terminal of this process.
pub async fn look() -> Vec<Finding> {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let tmux = match variable("TMUX").is_empty() {
        true => None,
        false => {
            let said = program::run("tmux", &["display-message", "-p", TMUX_FORMAT], TMUX).await;
            Some(said.filter(|said| said.well).map(|said| said.out).unwrap_or_default())
        }
    };
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].map(variable).into_iter().find(|value| !value.is_empty());
    findings(&Facts {
        size: stdout().is_terminal().then(size).and_then(Result::ok).map(|size| (size.width, size.height)),
        term: variable("TERM"),
        colorterm: variable("COLORTERM"),
        no_color: !variable("NO_COLOR").is_empty(),
        locale: locale.unwrap_or_default(),
        in_screen: !variable("STY").is_empty(),
        tmux,
    })
}

fn findings(facts: &Facts) -> Vec<Finding> {
    let Some((width, height)) = facts.size else {
        return vec![Finding::note("terminal", "there is none here; the terminal UI needs one")];
    };
    let mut found = Vec::new();
    if width < LEAST.0 || height < LEAST.1 {
        let said =
            format!("it has {width}×{height} characters, and the terminal UI is made for {}×{}", LEAST.0, LEAST.1);
        found.push(Finding::warning("terminal", said, "make it larger, or its letters smaller"));
    }
    found.extend(of_term(facts));
    let locale = facts.locale.to_ascii_lowercase();
    if !locale.contains("utf-8") && !locale.contains("utf8") {
        let said =
            if locale.is_empty() { "no locale is set".to_owned() } else { format!("the locale is {}", facts.locale) };
        let fix = "set one with UTF-8, such as LANG=C.UTF-8: without it names and charts may show as nonsense";
        found.push(Finding::warning("terminal", said, fix));
    }
    found.extend(of_multiplexer(facts));
    if found.is_empty() {
        found.push(Finding::well("terminal", format!("{}, {width}×{height}, {}", facts.term, colours(facts))));
    }
    found
}

fn of_term(facts: &Facts) -> Option<Finding> {
    let fix = "set TERM as your terminal names itself, such as TERM=xterm-256color; in tmux TERM=tmux-256color";
    match facts.term.as_str() {
        "" => Some(Finding::warning("terminal", "TERM is not set", fix)),
        "dumb" => Some(Finding::warning("terminal", "TERM is dumb: nothing is coloured or placed", fix)),
        _ => None,
    }
}

fn colours(facts: &Facts) -> &'static str {
    match facts.colorterm.as_str() {
        _ if facts.no_color => "without colours, as NO_COLOR says",
        "truecolor" | "24bit" => "all colours",
        _ if facts.term.contains("256") || facts.term.contains("direct") => "256 colours",
        _ => "16 colours",
    }
}

/// What lies between us and the terminal, and keeps the clipboard and notices from it.
fn of_multiplexer(facts: &Facts) -> Vec<Finding> {
    if let Some(said) = &facts.tmux {
        let mut lines = said.lines().map(str::trim);
        let (passes_on, clipboard) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
        let is_on = |value: &str| matches!(value, "on" | "all" | "1" | "2");
        let notices = (!is_on(passes_on)).then(|| {
            let fix = "`tmux set -g allow-passthrough on`, and the same line in ~/.tmux.conf";
            Finding::warning("tmux", "it passes no notices of alerts on to the terminal: there is the bell alone", fix)
        });
        let copies = (clipboard != "on" && !is_on(passes_on)).then(|| {
            let fix = "`tmux set -g set-clipboard on`, and the same line in ~/.tmux.conf";
            Finding::warning("tmux", "it keeps what is copied from the terminal's clipboard (OSC 52)", fix)
        });
        return notices.into_iter().chain(copies).collect();
    }
    let said =
        "screen passes neither notices nor the clipboard on: there is the bell, and addresses are copied by hand";
    Vec::from_iter(facts.in_screen.then(|| Finding::note("screen", said)))
}

#[cfg(test)]
mod tests {
    use roster_protocol::Verdict;

    use super::*;

    fn good() -> Facts {
        Facts {
            size: Some((120, 40)),
            term: "xterm-256color".to_owned(),
            locale: "en_US.UTF-8".to_owned(),
            ..Facts::default()
        }
    }

    fn check(change: impl FnOnce(&mut Facts), expected: &[(Verdict, &str)]) {
        let mut facts = good();
        change(&mut facts);
        let found = findings(&facts);
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (finding, (verdict, words)) in found.iter().zip(expected) {
            assert_eq!(finding.verdict, *verdict, "{finding:?}");
            assert!(finding.found.contains(words), "{finding:?}");
        }
    }

    #[test]
    fn what_a_terminal_lacks_is_said() {
        use Verdict::{Note, Warning, Well};
        check(|_| {}, &[(Well, "xterm-256color, 120×40, 256 colours")]);
        check(|it| it.colorterm = "truecolor".to_owned(), &[(Well, "all colours")]);
        check(|it| it.size = None, &[(Note, "there is none")]);
        check(|it| it.size = Some((79, 24)), &[(Warning, "79×24")]);
        check(|it| it.term.clear(), &[(Warning, "TERM is not set")]);
        check(|it| it.locale = "C".to_owned(), &[(Warning, "the locale is C")]);
        check(|it| it.locale.clear(), &[(Warning, "no locale")]);
        check(|it| it.in_screen = true, &[(Note, "screen")]);
        check(|it| it.tmux = Some("on\nexternal\n".to_owned()), &[(Well, "256 colours")]);
        check(|it| it.tmux = Some("off\non\n".to_owned()), &[(Warning, "notices")]);
        check(|it| it.tmux = Some(String::new()), &[(Warning, "notices"), (Warning, "OSC 52")]);
    }
}
