//! Starting and ending: configs that are wrong, files that are in the way, signals, and permissions.

use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use roster_protocol::transport::{self, within};
use roster_sandbox::{AccountEdit, Fault, FaultKind, Platform, Sandbox};
use tokio::io::{AsyncBufReadExt, BufReader};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::support::programs::{CommandOutput, DEMO, Home, SANDBOX, alone, until};
use crate::support::{LIMIT, figure, limit, times};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_config_is_refused_with_file_line_and_the_way_out() {
    for (config, expected) in [
        (
            "[http]\nlisten = \"off\"\n[sync]\nintervall = \"6h\"\n",
            ":4: unknown key sync.intervall; did you mean interval?",
        ),
        ("[http]\n[snyc]\n", ":2: unknown section snyc; did you mean sync?"),
        ("[http]\nlisten = \"off\"\n[platforms.blusky]\n", "bluesky"),
        ("[http]\nlisten = \"off\"\n\n[platforms.youtube]\napi_kee = \"x\"\n", "api_key"),
        ("[http]\nlisten = \"off\"\n[rules.big-drop]\npercnt = 2.0\n", ":4: unknown key rules.big-drop.percnt"),
        ("[http]\nlisten = \"off\"\n[channels.team]\nkind = \"fax\"\n", ":4: "),
        ("[http]\nlisten = \"off\"\n[[routes]]\nto = [\"team\"]\n", ":4: "),
        ("[http]\nlisten = \"off\"\n[store]\nmaster_key = \"/x\"\n", ":4: unknown key store.master_key"),
        ("[http]\npublic_url = \"ftp://x.example\"\n", ":2: \"ftp://x.example\" is no https URL"),
        ("[http]\nlisten = 8787\n", ":2: "),
        ("[http]\nlisten = \"off\"\n[sync]\ninterval = \"1s\"\n", ":4: \"1s\" is not between 10s and 366d"),
        ("[http]\nlisten = \"off\"\n[sync\n", ":3: "),
    ] {
        let home = Home::new(config);
        for arguments in [&["run"][..], &["check-config"], &[]] {
            let output = CommandOutput::of(home.rosterd(arguments)).await;
            assert_eq!(output.code, Some(78), "{config}: {output:?}");
            let file = home.config().display().to_string();
            assert!(output.err.starts_with(&format!("error: {file}:")), "{config}: {output:?}");
            assert!(output.err.contains(expected), "{config}: {output:?}");
            assert_eq!((output.err.lines().count(), output.out.as_str()), (1, ""), "{config}: {output:?}");
        }
        assert!(!home.state().exists() && !home.socket().exists(), "{config}: nothing was touched");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_config_is_checked_and_nothing_else_happens() {
    let home =
        Home::new("[sync]\ninterval = \"1h\"\ntimezone = \"Europe/Athens\"\n[platforms.mastodon]\nenabled = false\n");
    let output = CommandOutput::of(home.rosterd(&["check-config"])).await;
    assert_eq!((output.code, output.err.as_str()), (Some(0), ""));
    assert_eq!(output.out, format!("{} is fine\n", home.config().display()));
    assert!(!home.state().exists() && !home.socket().exists());
    // `check-config` reads a key's file, refuses a missing one, and prints no key.
    let secret = home.path("api-key");
    home.configure(&format!("[platforms.youtube]\napi_key_file = \"{}\"\n", secret.display()));
    assert_eq!(CommandOutput::of(home.rosterd(&["check-config"])).await.code, Some(78));
    std::fs::write(&secret, "canary-key\n").expect("a key");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).expect("its mode");
    let output = CommandOutput::of(home.rosterd(&["check-config"])).await;
    assert_eq!(output.code, Some(0), "{output:?}");
    assert!(!format!("{output:?}").contains("canary"));

    let version = CommandOutput::of(home.rosterd(&["--version"])).await;
    assert!(version.code == Some(0) && version.out.starts_with("rosterd "), "{version:?}");
    assert_eq!(CommandOutput::of(home.rosterd(&["frobnicate"])).await.code, Some(2));
    assert_eq!(CommandOutput::of(home.rosterd(&["--frobnicate"])).await.code, Some(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_daemon_commands_say_how_to_start_one() {
    let home = Home::new("");
    let output = home.roster(&["status", "--json"]).await;
    assert_eq!((output.code, output.json()["error"]["kind"].as_str()), (Some(3), Some("unreachable")));
    assert!(output.json()["error"]["hint"].as_str().expect("a hint").contains("rosterd"), "{output:?}");
    assert_eq!(home.roster(&[]).await.code, Some(2), "the terminal UI needs a terminal");
}

/// Every file and directory below, by name: its mode.
fn modes(below: &Path) -> BTreeMap<PathBuf, u32> {
    let mut modes = BTreeMap::new();
    for entry in std::fs::read_dir(below).into_iter().flatten().flatten() {
        // A file that was renamed or removed in the meantime has no mode any more.
        let Ok(found) = std::fs::symlink_metadata(entry.path()) else { continue };
        modes.insert(entry.path(), found.mode() & 0o7777);
        if found.is_dir() {
            modes.extend(self::modes(&entry.path()));
        }
    }
    modes
}

/// A daemon as a user's, or as the system's: then its socket is for its directory's group as well.
struct Form {
    system: bool,
    umask: &'static str,
}

/// Starts a daemon and looks at the modes until it is ready, as fast as possible; returns how often.
async fn look_while_starting(form: &Form) -> u64 {
    let home = Home::new("");
    let mut command = home.rosterd_after(form.umask);
    let (dir_mode, socket_mode) = if form.system { (0o750, 0o660) } else { (0o700, 0o600) };
    if form.system {
        // What marks a system service, and what its manager makes for it.
        command.env("STATE_DIRECTORY", "/var/lib/roster");
        std::fs::create_dir(home.path("run")).expect("a directory");
        std::fs::set_permissions(home.path("run"), std::fs::Permissions::from_mode(dir_mode)).expect("a mode");
    }
    let umask = form.umask;
    let mut child = command.spawn().expect("rosterd starts");
    let mut looked = 0;
    let client = until("rosterd responds", async || {
        for _ in 0..20 {
            let (state, run) = (modes(&home.state()), modes(&home.path("run")));
            let open = state.iter().find(|(_, mode)| **mode & 0o077 != 0);
            assert!(open.is_none(), "{umask}: {open:?}");
            // Under another name, before it has its own, the socket's directory must do.
            let wider = run.iter().find(|(path, mode)| **path == home.socket() && **mode & !socket_mode != 0);
            assert!(wider.is_none(), "{umask}: {wider:?}");
            looked += 1;
        }
        transport::connect(&home.socket()).await.ok()
    });
    client.await.status(within(LIMIT)).await.expect("a response").expect("a status");
    for (path, expected) in [
        (home.state(), 0o700),
        (home.path("run"), dir_mode),
        (home.socket(), socket_mode),
        (home.state().join("roster.redb"), 0o600),
        (home.state().join("roster.lock"), 0o600),
        (home.state().join("master.key"), 0o600),
    ] {
        let mode = std::fs::symlink_metadata(&path).expect("it is there").mode() & 0o7777;
        assert_eq!(mode, expected, "{umask}: {} has {mode:o}", path.display());
    }
    let names: Vec<_> = modes(&home.path("run")).into_keys().collect();
    assert_eq!(names, [home.socket()], "nothing is left beside the socket");
    child.start_kill().expect("a kill");
    child.wait().await.expect("it was ours");
    looked
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_open_to_others_at_any_moment() {
    let (enough, mut looked, mut starts) = (times(2_000, 10_000), 0, 0);
    while looked < enough || starts < 4 {
        for system in [false, true] {
            for umask in ["umask 000", "umask 022"] {
                looked += look_while_starting(&Form { system, umask }).await;
                starts += 1;
            }
        }
    }
    figure(format!("{looked} looks at {starts} starts: nothing was ever open to others"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_in_the_way_is_refused_and_left_alone() {
    // A socket on which no process listens any more is replaced.
    let home = Home::new("");
    let mut rosterd = home.start().await;
    rosterd.end(Signal::SIGKILL).await;
    assert!(std::fs::symlink_metadata(home.socket()).expect("left behind").file_type().is_socket());
    let mut rosterd = home.start().await;
    rosterd.client.status(within(LIMIT)).await.expect("a response").expect("a status");
    rosterd.end(Signal::SIGTERM).await;

    // A file, a directory, a link: not ours to remove.
    let is_refused = async |what: &str| {
        let output = CommandOutput::of(home.rosterd(&[])).await;
        assert_eq!(output.code, Some(1), "{what}: {output:?}");
        assert!(output.err.contains("is no socket; move it away"), "{what}: {output:?}");
    };
    std::fs::write(home.socket(), "precious").expect("a file");
    is_refused("a file").await;
    assert_eq!(std::fs::read_to_string(home.socket()).expect("still there"), "precious");
    std::fs::remove_file(home.socket()).expect("removed");
    std::fs::create_dir(home.socket()).expect("a directory");
    is_refused("a directory").await;
    std::fs::remove_dir(home.socket()).expect("still there");
    symlink(home.config(), home.socket()).expect("a link");
    is_refused("a link").await;
    std::fs::remove_file(home.socket()).expect("still there");

    // A store that is a link, or that others may write to, is not trusted.
    let (file, elsewhere) = (home.state().join("roster.redb"), home.path("elsewhere.redb"));
    let is_distrusted = async |why: &str| {
        let output = CommandOutput::of(home.rosterd(&[])).await;
        assert_eq!(output.code, Some(78), "{output:?}");
        assert!(output.err.contains("is not usable as a store") && output.err.contains(why), "{output:?}");
    };
    std::fs::rename(&file, &elsewhere).expect("moved");
    symlink(&elsewhere, &file).expect("a link");
    is_distrusted("it is a symbolic link").await;
    std::fs::remove_file(&file).expect("the link");
    std::fs::rename(&elsewhere, &file).expect("moved back");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o666)).expect("a mode");
    is_distrusted("others may write to it").await;
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("a mode");
    home.start().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_ends_on_a_signal_even_in_the_middle_of_work() {
    let sandbox = roster_sandbox::Options { accounts: 0, ..Default::default() };
    let sandbox = Sandbox::start(sandbox).await.expect("the sandbox listens");
    let home = Home::before(&sandbox);
    for signal in [Signal::SIGTERM, Signal::SIGINT].repeat(4) {
        let mut rosterd = home.start().await;
        // Whatever happens beside the socket has the daemon look whether it is there.
        std::fs::write(home.path("run/beside"), "").expect("written");
        let (status, after) = rosterd.end(signal).await;
        assert_eq!(status.code(), Some(0), "{signal}: {}", home.log());
        assert!(after < limit(Duration::from_secs(5)), "{signal}: {after:?}");
        assert!(!home.socket().exists(), "{signal}: the socket is gone");
        assert!(home.log().trim_end().ends_with("ended"), "{signal}: {}", home.log());
    }
    // A platform that never responds holds nothing up.
    let mut rosterd = home.start().await;
    sandbox.world().put(Platform::Bluesky, "mara.sky.test", &AccountEdit::default()).expect("a possible account");
    home.json(&["add", "Mara", "--handle", "bluesky:mara.sky.test"]).await;
    home.json(&["sync", "Mara"]).await;
    sandbox.world().fault(Fault { count: 10, ..Fault::new(Platform::Bluesky, FaultKind::Timeout) });
    home.json(&["sync", "Mara", "--no-wait"]).await;
    until("the run is under way", async || {
        let status = rosterd.client.status(within(LIMIT)).await.expect("a response").expect("a status");
        (!status.running.is_empty()).then_some(())
    })
    .await;
    let (status, after) = rosterd.end(Signal::SIGTERM).await;
    assert_eq!(status.code(), Some(0), "{}", home.log());
    assert!(after < limit(Duration::from_secs(5)), "{after:?}");
    // What was cut off is simply due again.
    sandbox.world().clear_faults();
    sandbox
        .world()
        .put(Platform::Bluesky, "mara.sky.test", &AccountEdit { followers: Some(4321), ..Default::default() })
        .expect("changed");
    let _rosterd = home.start().await;
    until("the run is made up for", async || (home.json(&["show", "Mara"]).await["followers"] == 4321).then_some(()))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_programs_together_run_the_whole_story() {
    // Everything as a user starts it: the sandbox, the daemon and the commands, each a process of its own.
    let dir = tempfile::tempdir().expect("a throw-away directory");
    let mut sandbox = alone(SANDBOX, dir.path());
    let mut sandbox =
        sandbox.args(["--listen", "127.0.0.1:0", "--accounts", "70"]).spawn().expect("the sandbox starts");
    let mut lines = BufReader::new(sandbox.stdout.take().expect("its output")).lines();
    let line = lines.next_line().await.expect("readable").expect("a first line");
    let url = line.rsplit(' ').next().expect("a URL").to_owned();
    let home = Home::new(&format!("[sync]\ngateway = \"{url}\"\n[platforms.youtube]\napi_key = \"youtube-api-key\"\n"));
    let mut rosterd = home.start().await;
    let _ = rustls::crypto::ring::default_provider().install_default();
    let accounts =
        reqwest::get(format!("{url}/_sandbox/accounts")).await.expect("a response").text().await.expect("a text");
    let accounts: serde_json::Value = serde_json::from_str(&accounts).expect("JSON");
    let accounts = accounts.as_array().expect("a list");
    assert_eq!(accounts.len(), 70);
    let is_public =
        |account: &&serde_json::Value| ["bluesky", "mastodon", "youtube"].iter().any(|it| account["platform"] == *it);
    let mut added = 0;
    for account in accounts.iter().filter(is_public) {
        let text = |key: &str| account[key].as_str().expect(key).to_owned();
        let named = format!("{}:{}", text("platform"), text("handle"));
        let output = home.roster(&["add", &named, "--handle", &named, "--tag", "all", "--json"]).await;
        // Some have moved away or are gone, as in life.
        assert!(matches!(output.code, Some(0 | 4)), "{output:?}");
        added += u64::from(output.code == Some(0));
    }
    assert!(added >= 20, "{added} of 70");
    let synced = home.json(&["sync", "--all"]).await;
    assert_eq!((synced["ok"].as_u64(), synced["failed"].as_u64()), (Some(added), Some(0)), "{synced}");

    let reads: [&[&str]; 5] = [&["list", "--sort", "name"], &["audit"], &["runs"], &["alerts"], &["changes"]];
    let mut before = Vec::new();
    for read in reads {
        before.push(home.json(read).await);
    }
    assert_eq!(before[0]["total"], added);
    // Ended well or badly: afterwards everything is as it was.
    for signal in [Signal::SIGTERM, Signal::SIGKILL] {
        rosterd.end(signal).await;
        rosterd = home.start().await;
        for (read, before) in reads.iter().zip(&before) {
            assert_eq!(&home.json(read).await, before, "after {signal}: {read:?}");
        }
    }
    let first = before[0]["influencers"][0]["name"].as_str().expect("a name").to_owned();
    let history = home.json(&["history", &first]).await;
    assert_eq!(history["snapshots"].as_array().map(Vec::len), Some(1), "{history}");
    let unformatted = home.roster(&["show", &first]).await;
    assert!(unformatted.code == Some(0) && unformatted.out.contains(&first), "{unformatted:?}");
    let unknown = home.roster(&["show", "nobody", "--json"]).await;
    assert_eq!((unknown.code, unknown.json()["error"]["kind"].as_str()), (Some(4), Some("not_found")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_runs_without_a_terminal_and_leaves_nothing() {
    let dir = tempfile::tempdir().expect("a throw-away directory");
    let begun = Instant::now();
    let mut demo = alone(DEMO, dir.path());
    let mut demo = demo.args(["--headless", "--accounts", "70"]).spawn().expect("the demo starts");
    let mut lines = BufReader::new(demo.stdout.take().expect("its output")).lines();
    let line = tokio::time::timeout(LIMIT, lines.next_line()).await.expect("ready in time").expect("readable");
    let ready: serde_json::Value = serde_json::from_str(&line.expect("one line")).expect("JSON");
    println!("the demo is ready after {:?}", begun.elapsed());
    let home = |key: &str| ready[key].as_str().unwrap_or_else(|| panic!("{key} in {ready}")).to_owned();
    let client = transport::connect(Path::new(&home("socket"))).await.expect("it responds");
    let status = client.status(within(LIMIT)).await.expect("a response").expect("a status");
    assert!(status.influencers >= 20 && status.store.snapshots > 1000, "{status:?}");
    assert!(home("http").starts_with("http://127.0.0.1:") && home("sandbox").starts_with("http://127.0.0.1:"));
    let state = PathBuf::from(home("state_dir"));
    assert!(state.starts_with(dir.path()) && state.join("roster.redb").exists(), "{state:?}");
    let pid = nix::unistd::Pid::from_raw(demo.id().expect("it lives") as i32);
    nix::sys::signal::kill(pid, Signal::SIGTERM).expect("it lives");
    let ended = tokio::time::timeout(LIMIT, demo.wait()).await.expect("ended in time").expect("it was ours");
    assert_eq!(ended.code(), Some(0));
    let left: Vec<_> = modes(dir.path()).into_keys().collect();
    assert!(left.is_empty(), "{left:?}");
}

/// Gives a store a later format: the one value that holds it, with a checksum as every value has.
fn age(file: &Path) {
    let (key, version, table) = (b"format".as_slice(), 1u8, 1u64);
    let database = redb::Database::open(file).expect("a store");
    let write = database.begin_write().expect("a transaction");
    {
        let definition: redb::TableDefinition<'_, &[u8], &[u8]> = redb::TableDefinition::new("meta");
        let mut meta = write.open_table(definition).expect("a table");
        let body = [version, 99];
        let sum = xxh3_64_with_seed(&body, xxh3_64_with_seed(key, table)).to_le_bytes();
        let encoded = [&body[..], &sum[..4]].concat();
        let before = meta.insert(key, encoded.as_slice()).expect("written").expect("it was there").value().to_vec();
        assert_eq!((before.len(), before[0]), (encoded.len(), version), "values are encoded differently now");
    }
    write.commit().expect("a commit");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_of_a_later_version_is_refused_untouched() {
    let home = Home::new("");
    home.start().await.end(Signal::SIGTERM).await;
    let file = home.state().join("roster.redb");
    age(&file);
    let before = std::fs::read(&file).expect("the store");
    for _ in 0..2 {
        let output = CommandOutput::of(home.rosterd(&[])).await;
        assert_eq!(output.code, Some(78), "{output:?}");
        assert!(output.err.contains("the store has format 99"), "{output:?}");
        assert!(std::fs::read(&file).expect("the store") == before, "not a byte of it");
    }
    // Something that is no store at all is not replaced by an empty one either.
    let mut other = std::fs::File::create(&file).expect("a file");
    other.write_all(b"SQLite format 3\0").expect("written");
    let output = CommandOutput::of(home.rosterd(&[])).await;
    // Starting again cannot help.
    assert!(output.code == Some(78) && output.err.contains("does not begin as a store does"), "{output:?}");
    assert_eq!(std::fs::read(&file).expect("the file"), b"SQLite format 3\0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_that_is_removed_is_made_again() {
    let home = Home::new("");
    let mut rosterd = home.start().await;
    let responds = async || transport::connect(&home.socket()).await.ok();
    std::fs::remove_file(home.socket()).expect("removed");
    until("it is made again", responds).await;
    // The daemon may make the socket again between the removal of the file and of its directory.
    until("the directory is removed", async || std::fs::remove_dir_all(home.path("run")).ok()).await;
    until("it is made again with its directory", responds).await;
    assert!(home.log().matches("the socket was removed or replaced: it is there again").count() >= 2, "{}", home.log());
    let mode = |path: &Path| std::fs::symlink_metadata(path).expect("there").mode() & 0o7777;
    assert_eq!((mode(&home.path("run")), mode(&home.socket())), (0o700, 0o600));
    // What is not ours stays; once it is gone the socket is back.
    std::fs::remove_file(home.socket()).expect("removed");
    let other = home.path("other");
    std::fs::write(&other, "precious").expect("a file");
    std::fs::rename(&other, home.socket()).expect("in its place");
    until("it is logged", async || home.log().contains("no client can connect").then_some(())).await;
    assert_eq!(std::fs::read_to_string(home.socket()).expect("still there"), "precious");
    std::fs::remove_file(home.socket()).expect("removed");
    until("it is made again", responds).await;
    // A client from before is served all the while.
    rosterd.client.status(within(LIMIT)).await.expect("a response").expect("a status");
    let (status, _) = rosterd.end(Signal::SIGTERM).await;
    assert!(status.success() && !home.socket().exists());
}
