//! `roster doctor`: what a newcomer gets wrong, on the daemon's side and on this one, and what to do about it.
//!
//! Everything is looked at at once, each within its time; nothing is changed.

mod desktop;
mod program;
mod reaching;
mod service;
mod terminal;

use std::fmt::Write as _;

use roster_protocol::text::clean;
use roster_protocol::{Finding, Verdict};
use serde::Serialize;
use unicode_width::UnicodeWidthStr as _;

use crate::output::table::Tone;
use crate::output::{Ending, Failure, Look, while_read};
use crate::session::Session;

/// The longest sentence.
const CHARACTERS: usize = 600;

/// `roster doctor`
#[derive(Debug, clap::Args)]
pub struct Doctor {}

impl Doctor {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        let socket = session.socket.clone();
        let all = async {
            let (daemon, terminal, desktop) =
                tokio::join!(reaching::look(socket.as_deref()), terminal::look(), desktop::look());
            Ok((daemon, [terminal, desktop].concat()))
        };
        let (daemon, own) = while_read(all).await?;
        let findings = [daemon.findings, own].concat();
        session.output.print(|| Report::of(&findings), |look| text(&findings, look))?;
        Ok(if daemon.is_reached { ending(worst(&findings)) } else { Ending::NoDaemon })
    }
}

fn worst(findings: &[Finding]) -> Verdict {
    findings.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Well)
}

fn ending(worst: Verdict) -> Ending {
    match worst {
        Verdict::Well | Verdict::Note => Ending::Done,
        Verdict::Warning => Ending::InPart,
        Verdict::Fault => Ending::NotWell,
    }
}

/// As scripts read it.
#[derive(Debug, Serialize)]
struct Report<'a> {
    verdict: Verdict,
    findings: &'a [Finding],
}

impl<'a> Report<'a> {
    fn of(findings: &'a [Finding]) -> Self {
        Self { verdict: worst(findings), findings }
    }
}

/// A line for each finding, one below it for what to do, and how many of them need something.
fn text(findings: &[Finding], look: &Look) -> String {
    let names: Vec<String> = findings.iter().map(|finding| clean(&finding.what, CHARACTERS)).collect();
    let width = names.iter().map(|name| name.width()).max().unwrap_or_default();
    let mut text = String::new();
    for (finding, name) in findings.iter().zip(&names) {
        let (sign, tone) = sign(finding.verdict);
        let gap = " ".repeat(width - name.width());
        let found = clean(&finding.found, CHARACTERS);
        let _ = writeln!(text, "{} {name}{gap}  {found}", look.paint.tone(sign, tone));
        if let Some(fix) = finding.fix.as_ref().filter(|fix| !fix.is_empty()) {
            let arrow = look.paint.tone("→", Tone::Strong);
            let _ = writeln!(text, "  {}  {arrow} {}", " ".repeat(width), clean(fix, CHARACTERS));
        }
    }
    text + &sum(findings)
}

fn sign(verdict: Verdict) -> (&'static str, Tone) {
    match verdict {
        Verdict::Well => ("✓", Tone::Good),
        Verdict::Note => ("·", Tone::Quiet),
        Verdict::Warning => ("!", Tone::Warn),
        Verdict::Fault => ("✗", Tone::Bad),
    }
}

fn sum(findings: &[Finding]) -> String {
    let of = |verdict: Verdict| findings.iter().filter(|finding| finding.verdict == verdict).count();
    let count = |count: usize, word: &str| match count {
        0 => None,
        1 => Some(format!("1 {word}")),
        count => Some(format!("{count} {word}s")),
    };
    let parts: Vec<String> =
        [count(of(Verdict::Fault), "fault"), count(of(Verdict::Warning), "warning")].into_iter().flatten().collect();
    if parts.is_empty() { "\nall is well\n".to_owned() } else { format!("\n{}\n", parts.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn found() -> Vec<Finding> {
        vec![
            Finding::well("config", "/etc/roster/rosterd.toml is fine, and in use"),
            Finding::note("redirect URI", "only this machine's browsers reach it"),
            Finding::warning("backup", "none was ever made\u{1b}[2J", "`roster backup FILE` makes one"),
            Finding::fault("listener", "another program listens on 127.0.0.1:8787", "end that program"),
        ]
    }

    #[test]
    fn text_has_a_line_for_each_and_what_to_do() {
        insta::assert_snapshot!(text(&found(), &samples::look()), @r"
        ✓ config        /etc/roster/rosterd.toml is fine, and in use
        · redirect URI  only this machine's browsers reach it
        ! backup        none was ever made[2J
                        → `roster backup FILE` makes one
        ✗ listener      another program listens on 127.0.0.1:8787
                        → end that program

        1 fault, 1 warning
        ");
        assert_eq!(text(&found()[..2], &samples::look()).lines().last(), Some("all is well"));
    }

    #[test]
    fn json_has_the_names_scripts_rely_on() {
        insta::assert_snapshot!(samples::lines(Report::of(&found()[2..])), @r#"
        {"verdict":"fault","findings":[{"what":"backup","verdict":"warning",
        "found":"none was ever made\u001b[2J","fix":"`roster backup FILE` makes one"},{"what":"listener",
        "verdict":"fault","found":"another program listens on 127.0.0.1:8787","fix":"end that program"}]}
        "#);
    }

    #[test]
    fn the_worst_decides_the_exit_code() {
        let check = |count: usize, code: u8| assert_eq!(ending(worst(&found()[..count])).code(), code, "{count}");
        check(0, 0);
        check(2, 0);
        check(3, 6);
        check(4, 1);
    }
}
