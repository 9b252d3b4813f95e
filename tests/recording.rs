//! What was requested of platforms is on record: what, about whom, how it ended; without names, and across a kill.

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;
use roster_sandbox::{AccountEdit, Fault, FaultKind, Platform, Sandbox};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::ChildStdout;

use crate::support::programs::{CommandOutput, Home, ROSTER, alone};
use crate::support::{LIMIT, synced_at_will};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_request_has_a_line_that_survives_a_kill() {
    let options = roster_sandbox::Options { accounts: 0, ..Default::default() };
    let sandbox = Sandbox::start(options).await.expect("the sandbox listens");
    for handle in ["mara.sky.test", "ana.sky.test"] {
        let edit = AccountEdit { followers: Some(5_000), ..AccountEdit::default() };
        sandbox.world().put(Platform::Bluesky, handle, &edit).expect("a possible account");
    }
    // No account becomes due meanwhile.
    let home = Home::new(&format!("{}daily_snapshot = \"off\"\ninterval = \"360d\"\n", synced_at_will(&sandbox)));
    let mut rosterd = home.start().await;
    home.json(&["add", "Mara", "--handle", "bluesky:mara.sky.test"]).await;
    home.json(&["sync", "bluesky:mara.sky.test"]).await;
    sandbox.world().fault(Fault::new(Platform::Bluesky, FaultKind::ServerError));
    home.roster(&["sync", "bluesky:mara.sky.test"]).await;
    let requests = async |more: &[&str]| {
        let json = home.json(&[&["requests"], more].concat()).await;
        json["requests"].as_array().expect("a list").clone()
    };
    let connection = home.json(&["show", "Mara"]).await["connections"][0]["id"].clone();

    let all = requests(&[]).await;
    let sent = sandbox.world().requests().len();
    assert_eq!(all.len(), sent, "{all:#?}");
    let is_about = |request: &&Value| request["connection"] == connection && request["accounts"] == 1;
    assert!(all.iter().filter(is_about).count() >= 2, "{all:#?}");
    for request in &all {
        let endpoint = request["endpoint"].as_str().expect("an endpoint");
        assert!(
            endpoint.starts_with("GET /xrpc/") && !endpoint.contains('?') && !endpoint.contains("mara"),
            "{endpoint}"
        );
        assert!(request["at"].is_string() && request["duration_ms"].is_u64() && request["platform"] == "bluesky");
    }
    let failed = requests(&["--outcome", "failed"]).await;
    assert!(!failed.is_empty() && failed.iter().all(|request| request["status"].as_u64() >= Some(500)), "{failed:#?}");
    let connection = connection.as_str().expect("an id");
    assert!(
        requests(&["--connection", connection, "--outcome", "ok"])
            .await
            .iter()
            .all(|request| request["bytes"].as_u64() > Some(100))
    );
    assert_eq!(requests(&["--platform", "mastodon"]).await, Vec::<Value>::new());
    assert_eq!(home.roster(&["requests", "--platform", "myspace"]).await.code, Some(2));

    // What was listed is stored: a kill takes none of it.
    rosterd.end(Signal::SIGKILL).await;
    let mut rosterd = home.start().await;
    let after = requests(&[]).await;
    assert_eq!(after, all);
    rosterd.end(Signal::SIGTERM).await;
    let checked = CommandOutput::of(home.rosterd(&["check"])).await;
    assert!(checked.code == Some(0) && checked.out.contains("requests"), "{checked:?}");
}

/// The next request that is followed.
async fn followed(lines: &mut Lines<BufReader<ChildStdout>>) -> Value {
    let line = tokio::time::timeout(LIMIT, lines.next_line()).await.expect("a line in time");
    serde_json::from_str(&line.expect("text").expect("a line")).expect("an object")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_are_followed_as_they_end_until_an_interrupt() {
    let options = roster_sandbox::Options { accounts: 0, ..Default::default() };
    let sandbox = Sandbox::start(options).await.expect("the sandbox listens");
    let edit = AccountEdit { followers: Some(5_000), ..AccountEdit::default() };
    sandbox.world().put(Platform::Bluesky, "mara.sky.test", &edit).expect("a possible account");
    let home = Home::new(&format!("{}daily_snapshot = \"off\"\ninterval = \"360d\"\n", synced_at_will(&sandbox)));
    let _rosterd = home.start().await;
    home.json(&["add", "Mara", "--handle", "bluesky:mara.sky.test"]).await;
    home.json(&["sync", "bluesky:mara.sky.test"]).await;
    let before = sandbox.world().requests().len();
    // What runs in the background of a shell ignores interrupts, and so would this.
    let mut command = alone("env", &home.path(""));
    command.args(["--default-signal=INT", ROSTER, "requests", "--follow", "--json", "--since", "1d", "--socket"]);
    command.arg(home.socket());
    let mut child = command.spawn().expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    for _ in 0..before {
        assert_eq!(followed(&mut lines).await["platform"], "bluesky");
    }
    // Each of another sync is there once.
    home.json(&["sync", "bluesky:mara.sky.test"]).await;
    let more = sandbox.world().requests().len() - before;
    assert!(more > 0);
    for _ in 0..more {
        assert_eq!(followed(&mut lines).await["outcome"], "ok");
    }
    let pid = Pid::from_raw(child.id().expect("it runs") as i32);
    signal::kill(pid, Signal::SIGINT).expect("it was there");
    assert_eq!(lines.next_line().await.expect("text"), None, "nothing is printed twice");
    let ended = tokio::time::timeout(LIMIT, child.wait_with_output()).await.expect("it ends").expect("it is ours");
    assert_eq!(String::from_utf8(ended.stderr).expect("text"), "");
}
