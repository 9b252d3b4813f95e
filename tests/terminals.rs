//! The terminal UI on terminals that stop it, tear keys, reply late, are not read, or are gone.

use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use roster_protocol::NewInfluencer;
use roster_protocol::transport::within;
use tokio::io::AsyncReadExt;

use crate::support::programs::{CommandOutput, Home, ROSTER, Rosterd, alone, until};
use crate::support::terminal::Terminal;
use crate::support::{LIMIT, limit};

const SMALL: (u16, u16) = (80, 24);
const SOON: Duration = Duration::from_secs(2);

/// A daemon with this many influencers.
async fn roster_of(count: usize) -> (Home, Rosterd) {
    let home = Home::new("");
    let daemon = home.start().await;
    for number in 0..count {
        let new = NewInfluencer { name: format!("Name {number:04}"), ..NewInfluencer::default() };
        daemon.client.add(within(LIMIT), new).await.expect("a response").expect("added");
    }
    (home, daemon)
}

/// The UI on a terminal, its roster drawn.
async fn shown(home: &Home) -> Terminal {
    let mut command = std::process::Command::new(ROSTER);
    command.env_clear().env("HOME", home.path("")).arg("--socket").arg(home.socket());
    let terminal = Terminal::start(command, SMALL);
    terminal.see("the roster is drawn", |screen| screen.contains("influencer") && screen.contains("q quit")).await;
    assert!(terminal.is_taken());
    terminal
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminal_that_is_gone_ends_the_ui() {
    let (home, _daemon) = roster_of(1).await;
    let mut terminal = shown(&home).await;
    terminal.vanish();
    terminal.ended(SOON).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminal_that_nobody_reads_makes_the_ui_deaf_to_nothing() {
    let (home, _daemon) = roster_of(3).await;
    for signal in [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGINT] {
        let mut terminal = shown(&home).await;
        terminal.stop_reading();
        for round in 0..300 {
            terminal.resize(if round % 2 == 0 { (200, 60) } else { SMALL });
        }
        terminal.signal(signal);
        terminal.ended(SOON).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_ui_gives_the_terminal_back_and_takes_it_again() {
    let (home, _daemon) = roster_of(1).await;
    let mut terminal = shown(&home).await;
    for stop in ["TSTP", "ctrl-z", "ctrl-z in a form", "STOP"] {
        match stop {
            "TSTP" => terminal.signal(Signal::SIGTSTP),
            "STOP" => terminal.signal(Signal::SIGSTOP),
            "ctrl-z" => terminal.send(b"\x1a"),
            _ => {
                terminal.send(b"a");
                terminal.see("the form", |screen| screen.contains("Add an influencer")).await;
                terminal.send(b"\x1a");
            }
        }
        until("it stops", async || terminal.is_stopped().then_some(())).await;
        if stop != "STOP" {
            until(stop, async || terminal.is_given_back().then_some(())).await;
        }
        terminal.resize((100, 30));
        terminal.signal(Signal::SIGCONT);
        until(stop, async || terminal.is_taken().then_some(())).await;
        let last_line = |screen: &str| {
            screen.lines().nth(29).is_some_and(|line| line.contains("q quit") || line.contains("esc cancel"))
        };
        terminal.see("it is drawn at today's size", last_line).await;
        if stop == "ctrl-z in a form" {
            terminal.send(b"\x1b");
            terminal.see("the form closes", |screen| !screen.contains("Add an influencer")).await;
        }
        terminal.resize(SMALL);
        terminal.see("it is drawn", |screen| screen.lines().nth(23).is_some_and(|line| line.contains("q quit"))).await;
    }
    terminal.send(b"q");
    assert_eq!(terminal.ended(SOON).await.code(), Some(0));
    until("it is given back", async || terminal.is_given_back().then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn torn_keys_and_late_replies_do_nothing_wrong() {
    let (home, _daemon) = roster_of(2).await;
    let mut terminal = shown(&home).await;
    terminal.send(b"a");
    terminal.see("the form", |screen| screen.contains("Add an influencer")).await;
    terminal.send(b"ac");
    terminal.see("what is typed", |screen| screen.contains("ac")).await;
    terminal.send(b"\x1b");
    tokio::time::sleep(Duration::from_millis(20)).await;
    terminal.send(b"[D");
    terminal.send(b"b");
    terminal.see("the cursor is one to the left", |screen| screen.contains("abc")).await;
    terminal.send(b"\x1b");
    terminal.see("Esc closes the form", |screen| !screen.contains("Add an influencer")).await;
    let before = terminal.contents();
    for reply in [
        &b"\x1b]11;rgb:1e1e/1e1e/2e2e\x1b\\"[..],
        b"\x1b]4;1;rgb:cdcd/0000/0000\x07",
        b"\x1b]52;c;c3luYyBhbGw=\x07",
        b"\x1b_Gi=1;OK\x1b\\",
        b"\x1bP>|term\x1b\\",
        b"\x1bOP",
    ] {
        let (head, tail) = reply.split_at(reply.len() / 2);
        terminal.send(head);
        tokio::time::sleep(Duration::from_millis(20)).await;
        terminal.send(tail);
    }
    // What follows is taken in order: once it is there, nothing came of the replies.
    terminal.send(b"?");
    terminal.see("the help", |screen| screen.contains("? close")).await;
    terminal.send(b"?");
    terminal.see("all as before", |screen| screen == before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_held_key_ends_where_it_should() {
    let (home, _daemon) = roster_of(900).await;
    let mut terminal = shown(&home).await;
    let at = |terminal: &Terminal, name: &'static str| {
        let cursor = terminal.contents();
        cursor.lines().any(|line| line.contains('▌') && line.contains(name))
    };
    // In the order of names, so that the place is known.
    terminal.send(b":sort name\r");
    until("the first", async || at(&terminal, "Name 0000").then_some(())).await;
    terminal.send(&[b'j'; 300]);
    until("300 down", async || at(&terminal, "Name 0300").then_some(())).await;
    terminal.send(b"g");
    until("the first", async || at(&terminal, "Name 0000").then_some(())).await;
    terminal.send(&b"\x1b[6~".repeat(400));
    until("the last", async || at(&terminal, "Name 0899").then_some(())).await;
    let screen = terminal.contents();
    assert!(!screen.contains('✗') && !screen.contains("too many"), "{screen}");
    // All else that can be held: each is a request.
    terminal.send(&[b's'; 60]);
    terminal.send(b"g");
    until("the first", async || at(&terminal, "Name 0000").then_some(())).await;
    let screen = terminal.contents();
    assert!(!screen.contains("too many"), "{screen}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_follows_ends_with_its_reader() {
    let (home, _daemon) = roster_of(1).await;
    for arguments in [&["alerts", "--follow"][..], &["audit", "--follow"], &["alerts", "--follow", "--json"]] {
        let mut command = alone(ROSTER, &home.path(""));
        command.args(arguments).arg("--socket").arg(home.socket()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let mut stdout = child.stdout.take().expect("piped");
        if arguments[0] == "audit" {
            // It has begun.
            stdout.read_u8().await.expect("an entry");
        }
        let begun = Instant::now();
        drop(stdout);
        let ended = tokio::time::timeout(LIMIT, child.wait()).await.expect("it ends").expect("it is ours");
        assert!(begun.elapsed() < limit(SOON), "{arguments:?}: {:?}", begun.elapsed());
        assert_eq!(ended.code(), Some(0), "{arguments:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_whose_path_is_too_long_is_reported_with_both_lengths() {
    let home = Home::new("");
    let dir = home.path("").display().to_string();
    let path = |length: usize| format!("{dir}{}/rosterd.sock", "x".repeat(length - dir.len() - 13));
    // One byte less is a socket.
    let mut command = home.rosterd(&["--socket", &path(107)]);
    let mut fits = command.spawn().expect("it starts");
    until("it listens", async || std::fs::exists(path(107)).unwrap_or_default().then_some(())).await;
    fits.kill().await.expect("it was there");
    let long = path(108);
    let daemon = CommandOutput::of(home.rosterd(&["--socket", &long])).await;
    assert_eq!(daemon.code, Some(78), "{daemon:?}");
    let mut command = alone(ROSTER, &home.path(""));
    command.args(["status", "--socket", &long]);
    let client = CommandOutput::of(command).await;
    assert_eq!(client.code, Some(3), "{client:?}");
    for text in [daemon.err, client.err] {
        assert!(text.contains("the path is too long, 108 bytes, and at most 107 fit"), "{text}");
        assert!(text.contains("--socket"), "{text}");
    }
}
