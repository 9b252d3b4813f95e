//! What an operator does while it runs: another config, more in the log, a look from monitoring, a watchdog.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use nix::sys::signal::Signal;
use roster_protocol::time::Seconds;
use roster_protocol::transport::within;
use roster_sandbox::{Platform, Sandbox};

use crate::support::programs::{CommandOutput, Home, until};
use crate::support::{LIMIT, NOON, World, synced_at_will};

async fn sandbox() -> Sandbox {
    let options = roster_sandbox::Options { accounts: 5, ..Default::default() };
    Sandbox::start(options).await.expect("the sandbox listens")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_config_is_taken_into_use_as_a_whole() {
    let mut world = World::with_config("interval = \"6h\"\n").await;
    world.followers(Platform::Bluesky, "mara.example", 1_000);
    let mara = world.add("Mara", "bluesky", "mara.example").await;
    let before = world.connection("bluesky:mara.example").await.next_due_at.expect("scheduled");
    assert!(before.since(NOON) > 3_600_000, "the next of four slots a day");
    let http = reqwest::Client::new();
    let url =
        |world: &World, path: &str| format!("http://{}{path}", world.daemon().app.consents.listens_at().expect("on"));
    let first = url(&world, "/metrics");
    assert_eq!(http.get(&first).send().await.expect("a response").status(), 200);

    let changed = |config: &str| {
        let config = config.replace("interval = \"6h\"", "interval = \"30m\"");
        let http = "listen = \"127.0.0.1:0\"\nmetrics = false\npublic_url = \"https://roster.example\"\n";
        config.replace("listen = \"127.0.0.1:0\"\n", http) + "[change]\nsignificant = \"50%\"\n"
    };
    world.reload(changed).await.expect("a good config");
    let soon = until("the new slot", async || {
        let next = world.connection("bluesky:mara.example").await.next_due_at.expect("scheduled");
        (next != before).then_some(next)
    });
    assert!(soon.await.since(NOON) <= 33 * 60_000, "half-hourly slots, and an offset of at most a tenth");
    until("no metrics", async || {
        let response = http.get(url(&world, "/metrics")).send().await.ok()?;
        (response.status() == 404).then_some(())
    })
    .await;
    // What follows from it is followed everywhere: the profile numbers' rule, and where owners are sent back to.
    world.followers(Platform::Bluesky, "mara.example", 800);
    world.sync(&mara.row.id.to_string()).await;
    let profile = world.connection("bluesky:mara.example").await.profile.expect("a profile");
    assert_eq!(profile.followers, Some(1000), "a fifth less is not significant any more");
    let platforms = world.client.platforms(within(LIMIT)).await.expect("a response").expect("platforms");
    let redirects: Vec<String> = platforms.into_iter().filter_map(|platform| platform.redirect_uri).collect();
    assert!(redirects.iter().all(|uri| uri.starts_with("https://roster.example/oauth/")), "{redirects:?}");
    // An interval of its own concerns no other connection.
    let own = Some(Seconds(7_200));
    world
        .client
        .set_interval(within(LIMIT), "bluesky:mara.example".into(), own, None)
        .await
        .expect("a response")
        .expect("set");
    world.sync(&mara.row.id.to_string()).await;
    let own = world.connection("bluesky:mara.example").await.next_due_at;
    world.reload(|config| config.replace("interval = \"30m\"", "interval = \"1h\"")).await.expect("a good config");
    world.settle().await;
    assert_eq!(world.connection("bluesky:mara.example").await.next_due_at, own);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_was_missing_is_used_as_soon_as_it_is_there() {
    let mut world = World::with_config("[platforms.youtube]\nenabled = true\n").await;
    world.followers(Platform::Youtube, "mara", 1_000);
    let added = world.try_add("Mara", "youtube", "@mara").await;
    let error = added.expect_err("no request is possible without a key");
    assert!(error.hint.is_some_and(|hint| hint.contains("reload")), "{}", error.message);
    let with_key = |config: &str| config.replace("enabled = true", "api_key = \"youtube-api-key\"");
    world.reload(with_key).await.expect("a good config");
    let mara = world.add("Mara", "youtube", "@mara").await;
    // And when it goes missing while there are connections, they report it, and recover.
    world.reload(|config| config.replace("api_key = \"youtube-api-key\"", "enabled = true")).await.expect("good");
    world.sync(&mara.row.id.to_string()).await;
    assert!(world.connection("youtube:@mara").await.last_error.is_some());
    world.reload(with_key).await.expect("a good config");
    until("it is synced at once", async || world.connection("youtube:@mara").await.last_error.is_none().then_some(()))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_config_that_is_wrong_leaves_the_one_in_use_and_says_why() {
    let sandbox = sandbox().await;
    let good = synced_at_will(&sandbox);
    let home = Home::new(&good);
    let mut rosterd = home.start().await;
    let config = async || home.json(&["status"]).await["config"].clone();
    assert!(config().await["refused"].is_null());

    home.configure(&format!("{good}intervall = \"1h\"\n"));
    rosterd.signal(Signal::SIGHUP);
    let refused = until("it is refused", async || config().await["refused"].as_str().map(str::to_owned)).await;
    assert!(refused.contains("rosterd.toml:6: unknown key sync.intervall; did you mean interval?"), "{refused}");
    assert!(home.log().contains("the config was not loaded again"), "{}", home.log());
    // It continues to work, and monitoring is notified.
    let output = home.roster(&["status", "--check"]).await;
    assert_eq!(
        (output.code, output.out.starts_with("ROSTER WARNING - the config was not loaded")),
        (Some(1), true),
        "{output:?}"
    );
    let text = home.roster(&["status"]).await;
    assert!(text.out.contains("the one in use is older"), "{text:?}");

    home.configure(&good);
    rosterd.signal(Signal::SIGHUP);
    until("it is taken", async || config().await["refused"].is_null().then_some(())).await;
    let output = home.roster(&["status", "--check"]).await;
    assert_eq!((output.code, output.out.starts_with("ROSTER OK - ")), (Some(0), true), "{output:?}");
    let (status, _) = rosterd.end(Signal::SIGTERM).await;
    assert!(status.success());
    let output = home.roster(&["status", "--check"]).await;
    assert_eq!((output.code, output.out.starts_with("ROSTER UNKNOWN - ")), (Some(3), true), "{output:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_setting_in_effect_names_its_origin() {
    let home = Home::new("[sync]\ninterval = \"1h\"\n[platforms.youtube]\napi_key = \"canary-key\"\n");
    let mut command = home.rosterd(&["check-config", "--effective"]);
    command.env("LOG_LEVEL", "debug").env("TIKTOK_CLIENT_KEY", "a-key").env("TIKTOK_CLIENT_SECRET", "canary-secret");
    let output = CommandOutput::of(command).await;
    assert_eq!((output.code, output.err.as_str()), (Some(0), ""));
    let file = home.config().display().to_string();
    let has = |line: &str| {
        let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(output.out.lines().any(|shown| squeezed(shown) == line), "{line} in\n{}", output.out);
    };
    has(&format!("# config = {file} # --config"));
    has(&format!("# socket = {} # --socket", home.socket().display()));
    has(&format!("interval = \"1h\" # {file}:4"));
    has("timezone = \"UTC\" # default");
    has("level = \"debug\" # the variable LOG_LEVEL");
    has("client_secret = \"***\" # the variable TIKTOK_CLIENT_SECRET");
    has("# master key # none yet: master.key is made together with the store");
    assert!(!output.out.contains("canary"), "{}", output.out);
    assert!(!home.state().exists(), "nothing is touched");
    // What it prints is a config again.
    home.configure(&output.out.replace("\"***\"", "\"secret\""));
    let again = CommandOutput::of(home.rosterd(&["check-config"])).await;
    assert_eq!(again.code, Some(0), "{again:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_says_more_while_a_user_wants_it() {
    let home = Home::new("[log]\nlevel = \"warn\"\nformat = \"json\"\n");
    let rosterd = home.start().await;
    assert_eq!(home.json(&["log-level"]).await["level"], "warn");
    let output = home.roster(&["log-level", "loud"]).await;
    assert_eq!((output.code, output.err.contains("no log level")), (Some(2), true), "{output:?}");
    assert_eq!(home.json(&["log-level", "info"]).await["level"], "info");
    let logged = until("the change is logged", async || {
        let log = home.log();
        let mut lines = log.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
        lines.find(|line| line["message"] == "the log level was changed")
    });
    assert_eq!(logged.await["level"], "INFO");
    let audit = home.json(&["audit"]).await;
    let entry = &audit["entries"][0];
    assert_eq!((&entry["action"], &entry["old"], &entry["new"]), (&"log.level".into(), &"warn".into(), &"info".into()));
    // The config has the last word when it is loaded again.
    rosterd.signal(Signal::SIGHUP);
    until("the config's level", async || (home.json(&["log-level"]).await["level"] == "warn").then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_journal_gets_priorities_instead_of_times() {
    let home = Home::new("");
    std::fs::write(home.path("rosterd.log"), "").expect("a log");
    let log = std::fs::metadata(home.path("rosterd.log")).expect("its number");
    let mut command = home.rosterd(&[]);
    command.env("JOURNAL_STREAM", format!("{}:{}", log.dev(), log.ino()));
    let mut rosterd = home.start_as(command).await;
    rosterd.end(Signal::SIGTERM).await;
    let lines: Vec<String> = home.log().lines().map(str::to_owned).collect();
    assert!(lines[0].starts_with("<4>a master key was made: "), "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with("<6>ready socket=")), "{lines:?}");
    assert!(lines.iter().all(|line| line.starts_with("<4>") || line.starts_with("<6>")), "{lines:?}");
}

/// What systemd hears, without waiting for ever.
fn manager(home: &Home) -> (UnixDatagram, std::path::PathBuf) {
    let path = home.path("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    (socket, path)
}

/// The next message to the service manager; `None` when none arrives within `timeout`.
async fn heard(socket: &UnixDatagram, timeout: Duration) -> Option<String> {
    let socket = socket.try_clone().expect("a descriptor");
    let hear = move || {
        socket.set_read_timeout(Some(timeout)).expect("a timeout");
        let mut message = [0; 512];
        let length = socket.recv(&mut message).ok()?;
        Some(String::from_utf8_lossy(&message[..length]).into_owned())
    };
    tokio::task::spawn_blocking(hear).await.expect("heard")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_manager_hears_of_readiness_reloads_and_the_end() {
    let home = Home::new("");
    let (socket, path) = manager(&home);
    let mut command = home.rosterd(&[]);
    command.env("NOTIFY_SOCKET", &path);
    let mut rosterd = home.start_as(command).await;
    assert_eq!(heard(&socket, LIMIT).await.as_deref(), Some("READY=1\n"));
    rosterd.signal(Signal::SIGHUP);
    let reloading = heard(&socket, LIMIT).await.expect("a message");
    assert!(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{reloading}");
    assert_eq!(heard(&socket, LIMIT).await.as_deref(), Some("READY=1\n"));
    let (status, _) = rosterd.end(Signal::SIGTERM).await;
    assert!(status.success());
    assert_eq!(heard(&socket, LIMIT).await.as_deref(), Some("STOPPING=1\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_that_hangs_stops_the_watchdogs_food() {
    let home = Home::new("");
    let (socket, path) = manager(&home);
    let limit = Duration::from_millis(1500);
    let mut command = home.rosterd(&[]);
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", limit.as_micros().to_string());
    command.env("ROSTER_HANG_AT", "writer.job:30");
    let rosterd = home.start_as(command).await;
    assert_eq!(heard(&socket, LIMIT).await.as_deref(), Some("READY=1\n"));
    let mut fed = 0;
    // Silence for as long as this is when systemd ends it and starts another.
    while let Some(message) = heard(&socket, limit).await {
        assert_eq!(message, "WATCHDOG=1\n");
        fed += 1;
        // Each of these is a job for the writer, which hangs before long.
        let add = ["add", &format!("Somebody {fed}"), "--json"].map(str::to_owned);
        let home = &home;
        let _ = tokio::time::timeout(limit / 10, home.roster(&add.each_ref().map(String::as_str))).await;
    }
    assert!(fed > 0, "it was fed while all was well");
    assert!(nix::sys::signal::kill(rosterd.pid(), None).is_ok(), "it lives, and only the writer hangs");
    // Calls that write nothing still get a response.
    assert_eq!(home.roster(&["list"]).await.code, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_config_that_is_shipped_means_what_it_says() {
    let shipped = include_str!("../systemd/rosterd.toml");
    let home = Home::new("");
    let checked = async |config: &str| {
        std::fs::write(home.config(), config).expect("a config");
        let output = CommandOutput::of(home.rosterd(&["check-config", "--effective"])).await;
        assert_eq!(output.code, Some(0), "{output:?}\n{config}");
        output.out
    };
    let values = |shown: &str| -> Vec<String> {
        shown
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| line.split("  #").next().unwrap_or(line).into())
            .collect()
    };
    // The config as shipped changes nothing.
    let usual = checked("").await;
    assert_eq!(values(&checked(shipped).await), values(&usual));
    // And each line works when the comment's sign is taken away.
    let file = |name: &str, text: &str| {
        std::fs::write(home.path(name), text).expect("a file");
        std::fs::set_permissions(home.path(name), std::fs::Permissions::from_mode(0o600)).expect("its mode");
        home.path(name).display().to_string()
    };
    let secret = file("secret", "a-secret");
    let url = file("url", "https://hooks.example/team");
    const RECIPIENT: &str = "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa";
    let ca = file("ca.pem", include_str!("../daemon/src/http_client/fixtures/ca.pem"));
    let key = file("key", &"5".repeat(64));
    let is_key = |line: &str| {
        line.split_once(" = ").is_some_and(|(key, _)| key.chars().all(|c| c == '_' || c.is_ascii_lowercase()))
    };
    let all: Vec<String> = shipped
        .lines()
        .map(|line| line.strip_prefix("# ").filter(|line| is_key(line) || line.starts_with('[')).unwrap_or(line))
        .map(|line| match line.split_once(" = ") {
            Some((key @ ("api_key_file" | "client_secret_file" | "verify_token_file"), _)) => {
                format!("{key} = \"{secret}\"")
            }
            Some((key @ "url_file", _)) => format!("{key} = \"{url}\""),
            Some((name @ "master_key_file", _)) => format!("{name} = \"{key}\""),
            Some((key @ "recipient", _)) => format!("{key} = \"{RECIPIENT}\""),
            Some((key @ "ca_file", _)) => format!("{key} = \"{ca}\""),
            // Groups and a user that every host has.
            Some((key @ "viewer", _)) => format!("{key} = [\"group:root\"]"),
            Some((key @ "analyst", _)) => format!("{key} = [\"group:daemon\"]"),
            Some((key @ "admin", _)) => format!("{key} = [\"user:root\"]"),
            _ => line.to_owned(),
        })
        .collect();
    let shown = checked(&all.join("\n")).await;
    // Nothing of the general sections is missing from it.
    let general = shown.split("[platforms.").next().expect("sections");
    let missing: Vec<&str> =
        general.lines().filter(|line| line.ends_with("# not set") || line.ends_with("# default")).collect();
    // There is one or the other.
    let is_other =
        |line: &&str| ["# passphrase_file ", "# master_key_passphrase_file "].iter().any(|it| line.starts_with(it));
    let missing: Vec<&str> = missing.into_iter().filter(|line| !is_other(line)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_without_a_name_is_of_all_that_is_configured() {
    let sandbox = sandbox().await;
    let apps = |secret: &str| {
        let app = "[platforms.facebook]\nclient_id = \"facebook-client-id\"\nclient_secret = ";
        let others = "[platforms.youtube]\napi_key = \"youtube-api-key\"\n[platforms.mastodon]\nenabled = false\n";
        format!("{}{app}\"{secret}\"\n{others}", synced_at_will(&sandbox))
    };
    let home = Home::new(&apps("facebook-client-secret"));
    let mut rosterd = home.start().await;
    let well = home.roster(&["platforms", "test", "--json"]).await;
    let tested: Vec<_> =
        well.json()["platforms"].as_array().expect("a list").iter().map(|it| it["platform"].clone()).collect();
    assert_eq!((well.code, tested), (Some(0), ["bluesky", "facebook", "youtube"].map(Into::into).to_vec()), "{well:?}");
    let table = home.roster(&["platforms", "test"]).await;
    assert!(table.out.starts_with("PLATFORM") && table.out.contains("facebook") && table.code == Some(0), "{table:?}");
    assert!(table.err.contains("not configured, and not tested: instagram, mastodon, tiktok"), "{table:?}");
    rosterd.end(Signal::SIGTERM).await;

    home.configure(&apps("wrong"));
    let mut rosterd = home.start().await;
    let part = home.roster(&["platforms", "test", "--json"]).await;
    let checks = part.json()["platforms"][1]["checks"].clone();
    let is_bad = |check: &serde_json::Value| check["what"] == "id and secret" && check["ok"] == false;
    assert!(checks.as_array().expect("a list").iter().any(is_bad), "{part:?}");
    assert_eq!(part.code, Some(6), "{part:?}");
    assert_eq!(home.roster(&["platforms", "test", "facebook"]).await.code, Some(1));
    assert_eq!(home.roster(&["platforms", "test", "youtube"]).await.code, Some(0));
    rosterd.end(Signal::SIGTERM).await;
}

#[test]
fn units_wait_longer_than_an_end_takes() {
    for unit in [include_str!("../systemd/rosterd.service"), include_str!("../systemd/user/rosterd.service")] {
        let stop = unit.lines().find_map(|line| line.strip_prefix("TimeoutStopSec=")).expect("it is set");
        let stop: u64 = stop.parse().expect("seconds");
        assert!(
            stop > rosterd::app::ending::LONGEST_S,
            "{stop} s, and an end takes {}",
            rosterd::app::ending::LONGEST_S
        );
    }
}
