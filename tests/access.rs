//! Who may do what: real processes of different users at one daemon, which reads users and groups as the host has them.

mod crowding;
mod methods;
mod users;

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use roster_protocol::access::Role;
use roster_protocol::transport::{self, ConnectError};

use self::users::{ANA, BO, NO, Other, ROLES, VI, home, is_root, set_groups, socket_of_another, start};
use crate::support::programs::{ROSTER, until};
use crate::support::raw::{self, Raw};
use crate::support::terminal::Terminal;
use crate::support::{LIMIT, limit, times};

/// How long a call may take that waits for something: it is permitted all the same.
const LONGEST_CALL: Duration = Duration::from_secs(3);

/// Calls every method, and says of each what became of it.
#[tokio::test]
#[ignore = "another story runs it as another user"]
async fn calls_every_method() {
    let socket = socket_of_another();
    let (_, _, verdict) = Raw::knock(&socket, raw::VERSION).await.expect("a reply");
    if verdict != raw::WELCOME {
        return println!("\nsaid: not let in: {verdict}");
    }
    for (_, request) in methods::all() {
        let name = methods::name(&request);
        // Each on a connection of its own, because what waits holds others up.
        let mut raw = Raw::connected(&socket).await;
        raw.send(&raw::call(1, LONGEST_CALL.as_millis() as u64, request)).await.expect("sent");
        // What has no response in time waits for something, and so was permitted.
        let response = tokio::time::timeout(LONGEST_CALL, raw.response()).await.ok().flatten();
        let is_refused = response.and_then(|response| response.message.ok()).is_some_and(methods::is_refused);
        let result = if is_refused { "refused" } else { "permitted" };
        println!("\nsaid: {name} {result}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_user_may_call_what_its_role_permits_and_nothing_else() {
    if !is_root() {
        return;
    }
    let home = home(ROLES);
    let _daemon = start(&home).await;
    let roles = [(VI, Some(Role::Viewer)), (BO, Some(Role::Analyst)), (ANA, Some(Role::Admin)), (NO, None)];
    for (uid, role) in roles {
        let mut other = Other::run("calls_every_method", uid, &home.socket());
        let Some(role) = role else {
            assert_eq!(other.said().await.as_deref(), Some("not let in: 3"));
            assert_eq!(other.said().await, None);
            continue;
        };
        for (needed, request) in methods::all() {
            let result = if role >= needed { "permitted" } else { "refused" };
            let expected = format!("{} {result}", methods::name(&request));
            assert_eq!(other.said().await, Some(expected), "{role}");
        }
    }
    // What was refused is counted, and some of it is in the audit log.
    let audit = home.json(&["audit"]).await;
    let refused = |it: &serde_json::Value| it["action"] == "access.refuse";
    let lines = audit["entries"].as_array().expect("entries").iter().filter(|it| refused(it)).count();
    assert!((3..=12).contains(&lines), "{lines} lines: {audit}");
}

/// Connects, works, and says when it is let out and what it gets when it connects again.
#[tokio::test]
#[ignore = "another story runs it as another user"]
async fn stays_until_it_is_let_out() {
    let socket = socket_of_another();
    let client = transport::connect(&socket).await.expect("it is let in");
    let role = async || client.status(transport::within(LIMIT)).await.expect("a response").expect("a status").role;
    let first = role().await;
    println!("\nsaid: in as {}", first.expect("it has one"));
    // Status is what the terminal UI requests, too.
    let ended =
        until("it is let out, or has another role", async || match client.status(transport::within(LIMIT)).await {
            Ok(Ok(status)) if status.role == first => None,
            Ok(status) => Some(format!("now {}", status.expect("a status").role.expect("a role"))),
            Err(_) => Some("out".to_owned()),
        });
    println!("\nsaid: {}", ended.await);
    match transport::connect(&socket).await {
        Ok(_) => println!("\nsaid: in again"),
        Err(ConnectError::NotPermitted { turn_to, .. }) => {
            println!("\nsaid: {}", turn_to.as_deref().unwrap_or("kept out by a mode"));
        }
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_leaves_a_group_is_let_out_and_who_changes_it_has_another_role() {
    if !is_root() {
        return;
    }
    let home = home(ROLES);
    let daemon = start(&home).await;
    let mode = |path: &Path| std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!((mode(&home.socket()), mode(&home.path("run"))), (0o666, 0o755));
    let mut bo = Other::run("stays_until_it_is_let_out", BO, &home.socket());
    let mut vi = Other::run("stays_until_it_is_let_out", VI, &home.socket());
    assert_eq!(bo.said().await.as_deref(), Some("in as analyst"));
    assert_eq!(vi.said().await.as_deref(), Some("in as viewer"));
    set_groups(&home, &[("t-work", "vi"), ("t-view", "")]);
    // Without a reload it takes up to a minute, which the long form waits for.
    let begun = Instant::now();
    if times(0, 1) == 0 {
        daemon.signal(Signal::SIGHUP);
    }
    assert_eq!(bo.said().await.as_deref(), Some("out"));
    assert_eq!(vi.said().await.as_deref(), Some("now analyst"));
    assert!(begun.elapsed() < limit(Duration::from_secs(60)), "{:?}", begun.elapsed());
    let whom =
        "ask to be added to the group `t-view` (viewer) or the group `t-work` (analyst); that counts within a minute";
    assert_eq!(bo.said().await.as_deref(), Some(whom));
    assert_eq!(vi.said().await.as_deref(), Some("in again"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_gives_and_takes_roles_and_the_modes_follow() {
    if !is_root() {
        return;
    }
    let home = home("");
    let daemon = start(&home).await;
    let mode = |path: &Path| std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    let modes = || (mode(&home.socket()), mode(&home.path("run")));
    assert_eq!(modes(), (0o600, 0o700), "as it always was");
    let access = home.json(&["access"]).await;
    assert_eq!((&access["you"]["role"], &access["configured"]), (&"admin".into(), &false.into()));
    home.configure(ROLES);
    daemon.signal(Signal::SIGHUP);
    until("the socket is open to all", async || (modes() == (0o666, 0o755)).then_some(())).await;
    let mut vi = Other::run("stays_until_it_is_let_out", VI, &home.socket());
    assert_eq!(vi.said().await.as_deref(), Some("in as viewer"));
    let access = home.json(&["access"]).await;
    let given = access["roles"].as_array().expect("a list").iter().find(|it| it["to"] == "group:t-view");
    let given = given.expect("it is listed");
    assert_eq!((&given["role"], &given["members"]), (&"viewer".into(), &serde_json::json!(["vi"])));
    assert!(given["from"].as_str().is_some_and(|from| from.ends_with("rosterd.toml:4")), "{given}");
    home.configure("");
    daemon.signal(Signal::SIGHUP);
    assert_eq!(vi.said().await.as_deref(), Some("out"));
    until("the socket is closed again", async || (modes() == (0o600, 0o700)).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminal_that_is_open_shows_what_its_user_may_do_and_ends_with_the_role() {
    if !is_root() {
        return;
    }
    let home = home(ROLES);
    let daemon = start(&home).await;
    // No other user may reach the directory of the build.
    let program = home.path("roster");
    std::fs::copy(ROSTER, &program).expect("a copy");
    let mut command = std::process::Command::new(&program);
    command.uid(VI).gid(VI).current_dir("/").env_clear().env("HOME", "/nowhere").env("ROSTER_SOCKET", home.socket());
    let mut terminal = Terminal::start(command, (100, 24));
    terminal.see("the role", |screen| screen.lines().next().is_some_and(|header| header.contains("viewer"))).await;
    terminal.send(b"a");
    terminal.see("why not", |screen| screen.contains("this needs an analyst, and you are a viewer here")).await;
    set_groups(&home, &[("t-work", "vi"), ("t-view", "")]);
    daemon.signal(Signal::SIGHUP);
    terminal.see("another role", |screen| screen.lines().next().is_some_and(|it| it.contains("analyst"))).await;
    terminal.send(b"a");
    terminal.see("a form", |screen| screen.contains("Add an influencer")).await;
    terminal.send(b"\x1b");
    set_groups(&home, &[("t-work", ""), ("t-view", "")]);
    daemon.signal(Signal::SIGHUP);
    terminal.see("whom to turn to", |screen| screen.contains("ask to be added to the group `t-view`")).await;
}
