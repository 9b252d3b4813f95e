//! The terminal UI on terminals that stop it, tear keys, reply late, are not read, or are gone.

use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use roster_protocol::transport::within;
use roster_protocol::{Account, NewInfluencer};
use roster_sandbox::{AccountEdit, Fault, FaultKind, Platform, Sandbox};
use tokio::io::AsyncReadExt;
use tokio::process::ChildStderr;

use crate::support::consent::APPS;
use crate::support::programs::{CommandOutput, Home, ROSTER, Rosterd, alone, until};
use crate::support::terminal::Terminal;
use crate::support::{LIMIT, limit, synced_at_will};

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
    for arguments in [
        &["alerts", "--follow"][..],
        &["audit", "--follow"],
        &["requests", "--follow"],
        &["alerts", "--follow", "--json"],
    ] {
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

/// Runs a command that waits, takes its reader away once it has begun, and expects its end.
async fn ends_without_reader(home: &Home, arguments: &[&str], has_begun: impl AsyncFn(&mut ChildStderr)) {
    let mut command = alone(ROSTER, &home.path(""));
    let mut child = command.args(arguments).arg("--socket").arg(home.socket()).spawn().expect("it starts");
    let stdout = child.stdout.take().expect("piped");
    has_begun(child.stderr.as_mut().expect("piped")).await;
    assert!(child.try_wait().expect("it is ours").is_none(), "{arguments:?} waits");
    let begun = Instant::now();
    drop(stdout);
    let ended = tokio::time::timeout(LIMIT, child.wait()).await.expect("it ends").expect("it is ours");
    assert!(begun.elapsed() < limit(SOON), "{arguments:?}: {:?}", begun.elapsed());
    assert_eq!(ended.code(), Some(0), "{arguments:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_ends_with_its_reader() {
    let sandbox = roster_sandbox::Options { accounts: 0, ..Default::default() };
    let sandbox = Sandbox::start(sandbox).await.expect("the sandbox listens");
    let edit = AccountEdit { followers: Some(500), ..AccountEdit::default() };
    sandbox.world().put(Platform::Bluesky, "mara.sky.test", &edit).expect("a possible account");
    let home = Home::new(&format!("{}{APPS}", synced_at_will(&sandbox)));
    let daemon = home.start().await;
    let account = Account { platform: "bluesky".into(), handle: "mara.sky.test".into() };
    let mara = NewInfluencer { name: "Mara".into(), accounts: vec![account], ..NewInfluencer::default() };
    daemon.client.add(within(LIMIT), mara).await.expect("a response").expect("added");
    until("the first numbers are there", async || {
        let mara = daemon.client.influencer(within(LIMIT), "Mara".into()).await.expect("a response").expect("added");
        mara.row.followers
    })
    .await;
    // An owner who does not respond.
    let asked = async |stderr: &mut ChildStderr| {
        let (mut printed, mut part) = (Vec::new(), [0; 1024]);
        while !String::from_utf8_lossy(&printed).contains("client_key=") {
            let length = stderr.read(&mut part).await.expect("what it prints");
            assert!(length > 0, "{}", String::from_utf8_lossy(&printed));
            printed.extend(&part[..length]);
        }
    };
    ends_without_reader(&home, &["connect", "Mara", "tiktok"], asked).await;
    ends_without_reader(&home, &["connect", "Mara", "tiktok", "--json"], asked).await;
    // A platform that does not.
    sandbox.world().fault(Fault { count: 100, ..Fault::new(Platform::Bluesky, FaultKind::Timeout) });
    let runs = async |_: &mut ChildStderr| {
        until("a batch runs", async || {
            let status = daemon.client.status(within(LIMIT)).await.expect("a response").expect("a status");
            (!status.running.is_empty()).then_some(())
        })
        .await;
    };
    for arguments in [&["sync", "--all"][..], &["sync", "Mara", "--json"], &["platforms", "test", "bluesky"]] {
        ends_without_reader(&home, arguments, runs).await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_runtime_directory_of_another_user_is_passed_over() {
    let (theirs, _their_daemon) = roster_of(2).await;
    let (home, _daemon) = roster_of(1).await;
    // What `su` leaves in the environment: a directory of the other user, with the socket of the other user's daemon.
    let left_over = home.path("theirs");
    std::fs::create_dir_all(left_over.join("roster")).expect("a directory");
    std::os::unix::fs::symlink(theirs.socket(), left_over.join("roster/rosterd.sock")).expect("a link");
    let status = async |command: &str| {
        let mut client = alone("/bin/sh", &home.path(""));
        client.arg("-c").arg(command).arg(ROSTER).env("XDG_RUNTIME_DIR", &left_over).env("SOCKET", home.socket());
        let output = CommandOutput::of(client).await;
        assert_eq!(output.code, Some(0), "{command}: {output:?}");
        output.json()["influencers"].as_u64()
    };
    assert_eq!(status("exec \"$0\" status --json").await, Some(2), "it is ours");
    if !nix::unistd::geteuid().is_root() {
        return println!("only root can give a directory away");
    }
    std::os::unix::fs::chown(&left_over, Some(65_534), None).expect("root can");
    // The user's own daemon, as it listens without a runtime directory.
    let own = "mkdir -p \"$HOME/.local/share/roster\" && ln -s \"$SOCKET\" \"$HOME/.local/share/roster/rosterd.sock\"";
    // In a mount namespace of its own, where /run is empty but for the system's socket.
    let system = "mount -t tmpfs none /run && mkdir /run/roster && ln -s \"$SOCKET\" /run/roster/rosterd.sock";
    let in_namespace = format!("exec unshare --mount sh -c '{system} && exec \"$0\" status --json' \"$0\"");
    assert_eq!(status(&in_namespace).await, Some(1), "the system's");
    assert_eq!(status(&format!("{own} && exec \"$0\" status --json")).await, Some(1), "the user's own");
}
