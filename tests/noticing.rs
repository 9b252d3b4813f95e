//! Alerts as notices of the terminal: in the form that it understands, once for many, and never in the output.

use std::process::Command;

use roster_sandbox::{AccountEdit, Platform, Sandbox};

use crate::support::programs::{Home, ROSTER, Rosterd, until};
use crate::support::terminal::Terminal;

const QUERY: &[u8] = b"\x1b]99;i=roster:p=?;\x1b\\\x1b[>0q\x1b[c";
const ATTRIBUTES: &str = "\x1b[?62;22c";
const NAMES: [&str; 3] = ["mara", "ines", "oskar"];

/// A daemon that follows three accounts.
struct Following {
    home: Home,
    _rosterd: Rosterd,
    sandbox: Sandbox,
}

impl Following {
    async fn start() -> Self {
        let sandbox = roster_sandbox::Options { accounts: 0, ..Default::default() };
        let sandbox = Sandbox::start(sandbox).await.expect("the sandbox listens");
        let home = Home::before(&sandbox);
        let _rosterd = home.start().await;
        let following = Self { home, _rosterd, sandbox };
        for name in NAMES {
            following.put(name, 50_000);
            following.home.json(&["add", name, "--handle", &format!("bluesky:{name}.sky.test")]).await;
            following.home.json(&["sync", name]).await;
        }
        following
    }

    fn put(&self, name: &str, followers: u64) {
        let edit = AccountEdit { followers: Some(followers), growth_per_day: Some(0.0), ..AccountEdit::default() };
        let handle = format!("{name}.sky.test");
        self.sandbox.world().put(Platform::Bluesky, &handle, &edit).expect("a possible account");
    }

    /// An account has that many followers now, and the daemon knows.
    async fn falls(&self, name: &str, followers: u64) {
        self.put(name, followers);
        self.home.json(&["sync", name]).await;
    }

    /// A command of this shell script, in which `$0` is the client.
    fn script(&self, script: &str, variables: &[(&str, &str)]) -> Command {
        let mut command = Command::new("/bin/sh");
        command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", self.home.path("")).args(["-c", script, ROSTER]);
        command.env("ROSTER_SOCKET", self.home.socket()).env("OUT", self.home.path("out"));
        command.envs(variables.iter().copied());
        command
    }

    /// Follows alerts on a terminal that sends this when it is queried.
    async fn followed(&self, reply: &str) -> Terminal {
        let script = self.script("exec \"$0\" alerts --follow --osc auto", &[]);
        let mut terminal = Terminal::start(script, (160, 24));
        until("it is queried", async || terminal.has_printed(QUERY).then_some(())).await;
        terminal.send(reply.as_bytes());
        terminal
    }
}

/// A terminal of this name.
fn named(name: &str) -> String {
    format!("\x1bP>|{name}\x1b\\{ATTRIBUTES}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_terminal_gets_the_form_it_understands() {
    let following = Following::start().await;
    following.falls("mara", 25_000).await;
    let kitty = "\x1b]99;i=roster:p=?;a=focus,report:p=title,body,?\x1b\\";
    let forms = [
        (format!("{kitty}{}", named("kitty(0.36.4)")), "\x1b]99;i=roster-"),
        (named("kitty(0.21.2)"), "\x1b]99;i=roster-"),
        (named("foot(1.16.2)"), "\x1b]777;notify;Roster: ines · bluesky;followers −50.0 %"),
        (named("WezTerm 20240203-110809-5046fc22"), "\x1b]777;notify;Roster: ines · bluesky;"),
        (named("iTerm2 3.5.0"), "\x1b]9;Roster: ines · bluesky: followers −50.0 %"),
        (named("XTerm(390)"), "\x07"),
        (ATTRIBUTES.to_owned(), "\x07"),
        // One that says nothing.
        (String::new(), "\x07"),
    ];
    let mut terminals = Vec::new();
    for (reply, form) in &forms {
        let terminal = following.followed(reply).await;
        terminal.see("what is open", |screen| screen.contains("mara · bluesky: ")).await;
        assert!(terminal.is_given_back(), "{form:?}");
        assert!(!terminal.contents().contains("62;22c"), "{}", terminal.contents());
        terminals.push(terminal);
    }
    following.falls("ines", 25_000).await;
    for ((reply, form), terminal) in forms.iter().zip(&terminals) {
        terminal.see("the new one", |screen| screen.contains("ines · bluesky: ")).await;
        until(reply, async || terminal.has_printed(form.as_bytes()).then_some(())).await;
        assert!(!terminal.has_printed("Roster: mara".as_bytes()), "it was there before");
        if *form == "\x07" {
            for other in ["\x1b]9;", "\x1b]777", "\x1b]99;i=roster-"] {
                assert!(!terminal.has_printed(other.as_bytes()), "{reply:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_output_has_no_notice_and_begins_with_what_is_new() {
    let following = Following::start().await;
    following.falls("mara", 25_000).await;
    let script = "exec \"$0\" alerts --follow --new --osc 9 --json >\"$OUT\"";
    let terminal = Terminal::start(following.script(script, &[]), (160, 24));
    let out = || std::fs::read_to_string(following.home.path("out")).unwrap_or_default();
    let mut followers = 40_000;
    // It has begun once it prints something.
    until("it follows", async || {
        followers -= 6_000;
        followers = if followers < 10_000 { 40_000 } else { followers };
        following.falls("ines", followers).await;
        out().contains("\"influencer_name\":\"ines\"").then_some(())
    })
    .await;
    let notice = "\x1b]9;Roster: ".as_bytes();
    until("it is noticed", async || terminal.has_printed(notice).then_some(())).await;
    let lines = out();
    assert!(!lines.contains("mara"), "{lines}");
    for line in lines.lines() {
        let json: serde_json::Value = serde_json::from_str(line).expect("a whole object");
        assert!(json["id"].is_string(), "{line}");
    }
    assert!(!lines.contains('\x1b') && !lines.contains('\x07'), "{lines:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_terminal_it_says_so() {
    let following = Following::start().await;
    for (arguments, words) in [
        (&["alerts", "--follow", "--osc", "auto"][..], "ssh -t"),
        (&["--osc", "auto", "status"], "roster alerts --follow --osc auto"),
    ] {
        // A test that a person runs has a terminal all the same.
        if arguments[0] == "alerts" && std::fs::File::open("/dev/tty").is_ok() {
            continue;
        }
        let output = following.home.roster(arguments).await;
        assert_eq!(output.code, Some(2), "{output:?}");
        assert!(output.err.contains(words), "{output:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ui_notifies_however_late_the_terminal_replies_and_takes_no_reply_for_a_key() {
    let following = Following::start().await;
    let mut terminal = Terminal::start(following.script("exec \"$0\" --osc auto", &[]), (80, 24));
    let is_drawn = |screen: &str| screen.contains("mara") && screen.contains("q quit");
    terminal.see("the roster is drawn", is_drawn).await;
    until("it is queried", async || terminal.has_printed(QUERY).then_some(())).await;
    // Until it has replied, the bell.
    following.falls("mara", 25_000).await;
    until("the bell", async || terminal.has_printed(b"\x07").then_some(())).await;
    for piece in ["\x1bP>|fo", "ot(1.16.2)\x1b", "\\\x1b[?62", ";22c"] {
        terminal.send(piece.as_bytes());
    }
    following.falls("ines", 25_000).await;
    let notice = "\x1b]777;notify;Roster: ines · bluesky;followers −50.0 % (50,000 → 25,000)\x07".as_bytes();
    until("the notice", async || terminal.has_printed(notice).then_some(())).await;
    terminal.see("still the roster", is_drawn).await;
    terminal.send(b"q");
    let ended = terminal.ended(std::time::Duration::from_secs(5)).await;
    assert_eq!(ended.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ui_queries_over_ssh_or_when_its_file_says_so_and_not_elsewhere() {
    let following = Following::start().await;
    let begun = async |variables: &[(&str, &str)]| {
        let terminal = Terminal::start(following.script("exec \"$0\"", variables), (80, 24));
        terminal.see("the roster is drawn", |screen| screen.contains("mara") && screen.contains("q quit")).await;
        terminal
    };
    assert!(!begun(&[]).await.has_printed(b"\x1b[>0q"));
    assert!(begun(&[("SSH_TTY", "/dev/pts/9")]).await.has_printed(QUERY));
    let config = following.home.path(".config/roster");
    std::fs::create_dir_all(&config).expect("a directory");
    std::fs::write(config.join("roster.toml"), "notify = \"off\"\n").expect("a file");
    assert!(!begun(&[("SSH_TTY", "/dev/pts/9")]).await.has_printed(b"\x1b[>0q"));
    std::fs::write(config.join("roster.toml"), "notify = \"9\"\n").expect("a file");
    let terminal = begun(&[]).await;
    following.falls("oskar", 25_000).await;
    until("the notice", async || terminal.has_printed("\x1b]9;Roster: oskar".as_bytes()).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_is_one_notice() {
    let following = Following::start().await;
    let terminal = following.followed(&named("foot(1.16.2)")).await;
    NAMES.iter().for_each(|name| following.put(name, 20_000));
    following.home.json(&["sync", "--all", "--yes"]).await;
    let one = "\x1b]777;notify;Roster: 3 alerts: ".as_bytes();
    until("one notice", async || terminal.has_printed(one).then_some(())).await;
    assert!(!terminal.has_printed("\x1b]777;notify;Roster: mara".as_bytes()));
}
