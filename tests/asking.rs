//! What `roster` warns of and asks before it acts, at a terminal and without one.

use std::process::Stdio;
use std::time::Duration;

use roster_protocol::service::AuditQuery;
use roster_protocol::transport::within;
use roster_protocol::{InfluencerQuery, NewInfluencer};
use roster_sandbox::{AccountEdit, Platform, Sandbox};
use tokio::io::AsyncWriteExt;

use crate::support::LIMIT;
use crate::support::programs::{CommandOutput, Home, ROSTER, Rosterd, alone};
use crate::support::terminal::Terminal;

const SOON: Duration = Duration::from_secs(5);

/// `roster add -` of these lines.
async fn add_lines(home: &Home, lines: &str) -> CommandOutput {
    let mut command = alone(ROSTER, &home.path(""));
    command.args(["add", "-", "--socket"]).arg(home.socket()).stdin(Stdio::piped());
    let mut child = command.spawn().expect("it runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(lines.as_bytes()).await.expect("written");
    drop(stdin);
    let output = tokio::time::timeout(LIMIT, child.wait_with_output()).await.expect("in time").expect("it ends");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    CommandOutput { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

async fn names(daemon: &Rosterd) -> Vec<String> {
    let query = InfluencerQuery { limit: 256, ..InfluencerQuery::default() };
    let page = daemon.client.influencers(within(LIMIT), query).await.expect("a response").expect("a page");
    page.rows.into_iter().map(|row| row.name).collect()
}

/// The last thing that was done.
async fn last_action(daemon: &Rosterd) -> String {
    let query = AuditQuery { limit: 1, ..AuditQuery::default() };
    let page = daemon.client.audit(within(LIMIT), query).await.expect("a response").expect("a log");
    page.rows.first().map(|entry| entry.action.clone()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_is_refused_as_such_and_adds_nobody() {
    let home = Home::new("");
    let daemon = home.start().await;
    for table in
        ["name,platform,handle\nMara,youtube,@mara\n", "\n\u{feff}Name;Followers\r\nMara;12\r\n", "Mara,@mara\n"]
    {
        let refused = add_lines(&home, table).await;
        assert_eq!((refused.code, refused.out.as_str()), (Some(2), ""), "{refused:?}");
        assert!(refused.err.contains("a table") && refused.err.contains("NAME, a tab"), "{refused:?}");
    }
    assert_eq!(names(&daemon).await, Vec::<String>::new());
    let added = add_lines(&home, "\u{feff}Lindqvist, Mara\nOskar & Ines\n").await;
    assert_eq!(added.code, Some(0), "{added:?}");
    assert_eq!(names(&daemon).await, ["Lindqvist, Mara", "Oskar & Ines"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_is_taken_is_warned_of_and_taken_all_the_same() {
    let home = Home::new("");
    let daemon = home.start().await;
    let first = home.json(&["add", "Mara Lindqvist"]).await["id"].as_str().expect("an id").to_owned();
    let second = home.roster(&["add", "mara lindqvist", "--json"]).await;
    assert_eq!(second.code, Some(0), "{second:?}");
    let id = second.json()["id"].as_str().expect("an id").to_owned();
    let merge = format!("`roster merge {id} {first}`");
    assert!(second.err.starts_with("warning: ") && second.err.contains(&merge), "{second:?}");
    let other = home.roster(&["add", "Oskar"]).await;
    assert_eq!((other.code, other.err.as_str()), (Some(0), ""), "{other:?}");
    let renamed = home.roster(&["edit", "Oskar", "--name", "MARA LINDQVIST"]).await;
    assert!(renamed.code == Some(0) && renamed.err.contains("2 others have the name"), "{renamed:?}");
    let lines = add_lines(&home, "Ines\nInes\n").await;
    assert!(lines.code == Some(0) && lines.err.matches("warning: ").count() == 1, "{lines:?}");
    // What the warning says can be followed.
    let followed = home.roster(&["merge", &id, &first]).await;
    assert_eq!(followed.code, Some(0), "{followed:?}");
    assert_eq!(names(&daemon).await.len(), 4);
}

/// A command at a terminal, and what is typed when it asks this.
async fn at_a_terminal(home: &Home, arguments: &[&str], asked: &str, typed: &str) -> i32 {
    let mut command = std::process::Command::new(ROSTER);
    command.env_clear().env("HOME", home.path("")).args(arguments).arg("--socket").arg(home.socket());
    let mut terminal = Terminal::start(command, (120, 24));
    if !asked.is_empty() {
        let words = |screen: &str| screen.split_whitespace().collect::<Vec<_>>().join(" ");
        terminal.see(asked, |screen| words(screen).contains(asked) && screen.contains("[y/N]")).await;
        terminal.send(typed.as_bytes());
    }
    terminal.ended(SOON).await.code().expect("no signal")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_concerns_all_or_cannot_be_undone_asks_at_a_terminal_only() {
    let home = Home::new("");
    let daemon = home.start().await;
    for name in ["Mara", "Mara too", "Oskar"] {
        let new = NewInfluencer { name: name.to_owned(), ..NewInfluencer::default() };
        daemon.client.add(within(LIMIT), new).await.expect("a response").expect("added");
    }
    let questions: [(&[&str], &str, &str); 4] = [
        (&["pause", "all"], "Pause all 0 connections, for everyone?", "pause"),
        (&["sync", "--all"], "Sync all 0 connections now?", ""),
        (&["merge", "Mara too", "Mara"], "This cannot be taken back.", "influencer.merge"),
        (&["remove", "Oskar"], "with all history? `roster undo` takes that back within a day.", "influencer.remove"),
    ];
    for (arguments, asked, action) in questions {
        let before = last_action(&daemon).await;
        for no in ["n\n", "\n", "\u{4}"] {
            assert_eq!(at_a_terminal(&home, arguments, asked, no).await, 1, "{arguments:?} {no:?}");
        }
        assert_eq!(last_action(&daemon).await, before, "{arguments:?}");
        assert_eq!(at_a_terminal(&home, arguments, asked, "y\n").await, 0, "{arguments:?}");
        if !action.is_empty() {
            assert_eq!(last_action(&daemon).await, action, "{arguments:?}");
        }
    }
    // With --yes, and without a terminal, nothing is asked; what needs --yes needs it.
    for arguments in [&["pause", "all", "--yes"][..], &["resume", "all"], &["sync", "--all", "--yes"]] {
        assert_eq!(at_a_terminal(&home, arguments, "", "").await, 0, "{arguments:?}");
    }
    for (arguments, code) in [(&["pause", "all"][..], 0), (&["resume", "all"], 0), (&["sync", "--all"], 0)] {
        let output = home.roster(arguments).await;
        assert_eq!((output.code, output.err.contains("[y/N]")), (Some(code), false), "{output:?}");
    }
    assert_eq!(home.roster(&["remove", "Mara"]).await.code, Some(2));
    assert_eq!(names(&daemon).await, ["Mara"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_account_and_a_history_that_is_deleted_are_asked_about_at_a_terminal() {
    let (mara, ines) = ("mara.sky.test", "ines.sky.test");
    let sandbox = roster_sandbox::Options { accounts: 0, ..Default::default() };
    let sandbox = Sandbox::start(sandbox).await.expect("the sandbox listens");
    for handle in [mara, ines] {
        let edit = AccountEdit { followers: Some(500), growth_per_day: Some(0.0), ..AccountEdit::default() };
        sandbox.world().put(Platform::Bluesky, handle, &edit).expect("a possible account");
    }
    let home = Home::before(&sandbox);
    let _daemon = home.start().await;
    home.json(&["add", "Mara", "--handle", &format!("bluesky:{mara}")]).await;
    home.json(&["sync", "Mara"]).await;
    let id = home.json(&["show", "Mara"]).await["connections"][0]["id"].as_str().expect("an id").to_owned();
    let handles = async || {
        let shown = home.json(&["show", "Mara"]).await;
        let connections = shown["connections"].as_array().expect("a list").iter();
        connections.map(|it| it["handle"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    let set = ["set", &id, "handle", ines];
    let disconnect = ["disconnect", &id, "--delete-history"];
    let deletes = "and delete every snapshot of it? `roster undo` takes that back within a day.";
    let commands = [(&set[..], "is another account than", mara, vec![ines]), (&disconnect, deletes, ines, vec![])];
    for (arguments, asked, before, after) in commands {
        let refused = home.roster(arguments).await;
        assert!(refused.code == Some(2) && !refused.err.contains("[y/N]"), "{refused:?}");
        for no in ["n\n", "\n", "\u{4}"] {
            assert_eq!(at_a_terminal(&home, arguments, asked, no).await, 1, "{arguments:?} {no:?}");
            assert_eq!(handles().await, [before], "{arguments:?} {no:?}");
        }
        assert_eq!(at_a_terminal(&home, arguments, asked, "y\n").await, 0, "{arguments:?}");
        assert_eq!(handles().await, after, "{arguments:?}");
    }
}
