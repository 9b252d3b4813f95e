//! Hostile texts through everything that commands print: when a daemon passes on whatever a platform or a person wrote,
//! the client must print none of it as it is.
//!
//! A proxy between client and daemon replaces every marker with a hostile text, byte for byte as long, so that frames
//! stay what they are.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::sys::signal::Signal;
use roster_protocol::transport::within;
use roster_sandbox::{AccountEdit, Fault, FaultKind, Platform, Sandbox};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};

use crate::support::programs::{CommandOutput, Home, ROSTER, alone};
use crate::support::{LIMIT, figure, times};

/// Thirty-six of these and four more characters are a marker.
const MARK: [u8; 36] = [b'q'; 36];
const LENGTH: usize = 40;
/// What of a hostile text may be seen.
const SEEN: &str = "evil";
const INFLUENCERS: usize = 20;

/// What terminals act on, what turns or hides text, and what ends a line.
const PIECES: [&str; 36] = [
    "\u{1b}[2J",
    "\u{1b}[1;1H",
    "\u{1b}[31m",
    "\u{1b}]0;t\u{7}",
    "\u{1b}]52;c;aGk=\u{7}",
    "\u{1b}]8;;http://x\u{1b}\\",
    "\u{1b}P+q\u{1b}\\",
    "\u{1b}_x\u{1b}\\",
    "\u{1b}c",
    "\u{1b}(0",
    "\u{9b}2J",
    "\u{9d}0;t\u{9c}",
    "\u{90}",
    "\u{85}",
    "\0",
    "\u{7}",
    "\u{8}\u{8}",
    "\t",
    "\n",
    "\r",
    "\r\n",
    "\u{b}",
    "\u{c}",
    "\u{7f}",
    "\u{2028}",
    "\u{2029}",
    "\u{200b}",
    "\u{200e}",
    "\u{200f}",
    "\u{202a}",
    "\u{202d}",
    "\u{202e}",
    "\u{2066}",
    "\u{feff}",
    "\u{e0041}",
    "\u{ad}",
];

/// The hostile text with this number: no two of the first thousands are alike.
fn hostile(number: usize) -> [u8; LENGTH] {
    let mut dice = fastrand::Rng::with_seed(number as u64);
    let mut text = format!("{}{SEEN}", PIECES[number % PIECES.len()]);
    loop {
        let piece = PIECES[dice.usize(..PIECES.len())];
        if text.len() + piece.len() > LENGTH {
            break;
        }
        text.push_str(piece);
    }
    let mut bytes = [b'x'; LENGTH];
    bytes[..text.len()].copy_from_slice(text.as_bytes());
    bytes
}

/// Replaces markers with hostile texts; returns how many.
fn spoil(body: &mut [u8], next: &AtomicUsize) {
    let mut at = 0;
    while at + LENGTH <= body.len() {
        if body[at..].starts_with(&MARK) {
            body[at..at + LENGTH].copy_from_slice(&hostile(next.fetch_add(1, Ordering::Relaxed)));
            at += LENGTH;
        } else {
            at += 1;
        }
    }
}

/// Passes on what the client says as it is, and what the daemon says spoiled.
async fn proxy_between(client: UnixStream, daemon: PathBuf, next: Arc<AtomicUsize>) {
    let Ok(daemon) = UnixStream::connect(daemon).await else { return };
    let (mut from_client, to_client) = client.into_split();
    let (from_daemon, mut to_daemon) = daemon.into_split();
    let back = tokio::spawn(pass_back(from_daemon, to_client, next));
    // Whichever side disconnects first: the other one notices by the end of its stream.
    let _ = tokio::io::copy(&mut from_client, &mut to_daemon).await;
    drop(to_daemon);
    let _ = back.await;
}

async fn pass_back(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, next: Arc<AtomicUsize>) -> std::io::Result<()> {
    let mut preamble = [0; 9];
    from.read_exact(&mut preamble).await?;
    to.write_all(&preamble).await?;
    loop {
        let length = from.read_u32().await?;
        let mut body = vec![0; length as usize];
        from.read_exact(&mut body).await?;
        spoil(&mut body, &next);
        to.write_all(&[length.to_be_bytes().as_slice(), &body].concat()).await?;
    }
}

/// Nothing that a terminal would act on, and nothing invisible.
fn is_harmless(text: &str, what: &str) {
    let bad = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{ad}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}')
            || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..)
    };
    let first = text.char_indices().find(|(_, c)| bad(*c));
    assert!(first.is_none(), "{what}: {first:?} in {text:?}");
}

fn marked(number: usize) -> String {
    format!("{}{number:04}", "q".repeat(MARK.len()))
}

/// A daemon with markers wherever a person or a platform can write.
async fn marked_home(sandbox: &Sandbox) -> Home {
    let home = Home::before(sandbox);
    let mut rosterd = home.start().await;
    for number in 0..INFLUENCERS {
        let handle = format!("star{number}@social.example");
        let words = AccountEdit { display_name: Some(marked(number)), followers: Some(1000), ..AccountEdit::default() };
        sandbox.world().put(Platform::Mastodon, &handle, &words).expect("a possible account");
        let (name, account) = (marked(number), format!("mastodon:{handle}"));
        let tag = marked(number + 100);
        home.json(&["add", &name, "--handle", &account, "--tag", &tag, "--note", &marked(number + 200)]).await;
    }
    home.json(&["sync", "--all"]).await;
    // An alert of each, a change of each, and a platform's words in errors.
    for number in 0..INFLUENCERS {
        let fallen = AccountEdit { followers: Some(300), ..AccountEdit::default() };
        sandbox.world().put(Platform::Mastodon, &format!("star{number}@social.example"), &fallen).expect("possible");
    }
    home.json(&["sync", "--all"]).await;
    let moved = AccountEdit { moved_to: Some(format!("{}@other.example", marked(300))), ..AccountEdit::default() };
    sandbox.world().put(Platform::Mastodon, "star0@social.example", &moved).expect("possible");
    home.roster(&["sync", "--all", "--json"]).await;
    rosterd.client.status(within(LIMIT)).await.expect("a response").expect("a status");
    let (status, _) = rosterd.end(Signal::SIGTERM).await;
    assert!(status.success());
    home
}

async fn say(socket: &Path, dir: &Path, arguments: &[&str]) -> CommandOutput {
    let mut command = alone(ROSTER, dir);
    command.args(arguments).arg("--socket").arg(socket);
    CommandOutput::of(command).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_texts_reach_no_terminal_through_any_command() {
    let sandbox = roster_sandbox::Options { accounts: 0, ..Default::default() };
    let sandbox = Sandbox::start(sandbox).await.expect("the sandbox listens");
    let home = marked_home(&sandbox).await;
    let _rosterd = home.start().await;
    let between = home.path("between.sock");
    let listener = UnixListener::bind(&between).expect("a socket");
    let (next, daemon) = (Arc::new(AtomicUsize::new(0)), home.socket());
    let passing = next.clone();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(proxy_between(client, daemon.clone(), passing.clone()));
        }
    });
    let names: Vec<String> = (0..INFLUENCERS).map(marked).collect();
    let (first, second, third) = (names[1].as_str(), names[2].as_str(), names[3].as_str());
    let commands: [&[&str]; 13] = [
        &["status"],
        &["list"],
        &["list", "--sort", "followers"],
        &["show", first],
        &["history", first],
        &["runs"],
        &["changes"],
        &["alerts"],
        &["audit"],
        &["platforms"],
        &["tokens"],
        &["list", "qqqq"],
        &["show", "qqqq"],
    ];
    let dir = home.path("");
    let (mut printed, mut seen) = (0, 0);
    for _ in 0..times(1, 12) {
        for arguments in commands {
            let as_it_is = say(&home.socket(), &dir, arguments).await;
            let spoiled = say(&between, &dir, arguments).await;
            assert_eq!(as_it_is.code, spoiled.code, "roster {arguments:?}: {spoiled:?}");
            let (text, what) = (format!("{}{}", spoiled.out, spoiled.err), format!("roster {arguments:?}"));
            is_harmless(&text, &what);
            // No text makes a line of its own, but for notes, which may have several and are set in.
            let lines = |output: &CommandOutput| {
                output.out.lines().chain(output.err.lines()).filter(|it| !it.starts_with("  ")).count()
            };
            assert_eq!(lines(&as_it_is), lines(&spoiled), "{what}:\n{text}");
            let json = say(&between, &dir, &[arguments, &["--json"]].concat()).await;
            is_harmless(&format!("{}{}", json.out, json.err), &what);
            printed += 2;
            seen += text.matches(SEEN).count() + json.out.matches(SEEN).count();
        }
    }
    // What changes something, once each: what it says of it, refusals included.
    sandbox.world().fault(Fault { count: 3, ..Fault::new(Platform::Mastodon, FaultKind::ServerError) });
    let changing: [&[&str]; 17] = [
        &["sync", first],
        &["sync", "--all"],
        &["add", first, "--handle", "mastodon:star4@social.example"],
        &["connect", first, "mastodon", "--handle", "star5@social.example"],
        &["edit", first, "--note", second],
        &["record", first, "--followers", "77"],
        &["set", "mastodon:star6@social.example", "interval", "1h"],
        &["pause", first],
        &["resume", first],
        &["disconnect", "mastodon:star7@social.example"],
        &["merge", second, "--into", third],
        &["remove", third],
        &["remove", third, "--yes"],
        &["merge", second, third],
        &["alerts", "ack", "nothing"],
        &["alerts", "assign", "nothing", "ines"],
        &["tokens", "nothing"],
    ];
    for arguments in changing {
        let output = say(&between, &dir, arguments).await;
        is_harmless(&format!("{}{}", output.out, output.err), &format!("roster {arguments:?}"));
        printed += 1;
        seen += output.out.matches(SEEN).count() + output.err.matches(SEEN).count();
    }
    is_harmless(&home.log(), "the log");
    let texts = next.load(Ordering::Relaxed);
    figure(format!(
        "{texts} hostile texts in {printed} outputs, {seen} of them printed: no control, nothing turned or hidden"
    ));
    assert!(texts >= 200 && seen >= 100, "{texts} texts, {seen} seen: that proves nothing");
}
