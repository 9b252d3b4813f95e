//! `rosterd check-config` means what a start means: configs that are missing, secrets that are open, pasted or pipes.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::support::consent::open;
use crate::support::limit;
use crate::support::programs::{CommandOutput, Home, ROSTERD, alone, until};

/// What `check-config`, its report and a start with these variables end with; each must end with 78.
async fn refused(home: &Home, variables: &[(&str, &str)]) -> Vec<CommandOutput> {
    let mut outputs = Vec::new();
    for arguments in [&["check-config"][..], &["check-config", "--effective"], &["run"]] {
        let mut command = home.rosterd(arguments);
        command.envs(variables.iter().copied());
        let output = CommandOutput::of(command).await;
        assert_eq!(output.code, Some(78), "{arguments:?} {variables:?}: {output:?}");
        outputs.push(output);
    }
    outputs
}

/// An address that nothing listens on.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address")
}

fn secret(path: &Path, mode: u32) {
    std::fs::write(path, "canary-secret\n").expect("a secret");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("a mode");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_config_that_was_named_must_be_there() {
    let address = free_address();
    let home = Home::new(&format!("[http]\nlisten = \"{address}\"\n[sync]\ninterval = \"1h\"\n"));
    let mut rosterd = home.start().await;
    let is_refused = async |metric: &str| {
        let (_, scraped) = open(&format!("http://{address}/metrics")).await;
        scraped.lines().any(|line| line == metric)
    };
    assert!(is_refused("roster_config_refused 0").await);
    let away = home.path("away.toml");
    std::fs::rename(home.config(), &away).expect("moved");
    rosterd.signal(Signal::SIGHUP);
    let refused_config = async || home.json(&["status"]).await["config"]["refused"].as_str().map(str::to_owned);
    let problem = until("it is refused", refused_config).await;
    assert!(problem.contains("rosterd.toml: there is no such file"), "{problem}");
    assert!(home.log().contains("the config was not loaded again"), "{}", home.log());
    assert!(is_refused("roster_config_refused 1").await);
    rosterd.end(Signal::SIGTERM).await;
    for output in refused(&home, &[]).await {
        assert_eq!(output.err, format!("error: {}: there is no such file\n", home.config().display()));
    }
    symlink(home.path("nowhere"), home.config()).expect("a link");
    refused(&home, &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_start_refuses_a_check_refuses_too() {
    let home = Home::new("");
    for variable in [("LOG_LEVEL", "loud"), ("LOG_FORMAT", "xml"), ("ENCRYPTION_KEY", "zz")] {
        for output in refused(&home, &[variable]).await {
            assert!(output.err.contains(variable.0), "{output:?}");
        }
    }
    home.configure(&format!("[store]\nmaster_key_file = \"{}\"\n", home.path("missing.key").display()));
    for output in refused(&home, &[]).await {
        assert!(output.err.contains("missing.key") && output.err.contains("no such file"), "{output:?}");
    }
    home.configure(
        "[platforms.instagram]\nclient_id = \"x\"\nclient_secret = \"x\"\nredirect_uri = \"javascript:alert(1)\"\n",
    );
    for output in refused(&home, &[]).await {
        assert!(output.err.contains(":6: ") && output.err.contains("must be an https URL"), "{output:?}");
    }
    for host in ["*", "*.example", "a b", ""] {
        home.configure(&format!("[platforms.mastodon]\nprivate_hosts = [\"{host}\"]\n"));
        refused(&home, &[]).await;
    }
    assert!(!home.state().exists(), "nothing was touched");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_that_others_can_read_are_named() {
    let home = Home::new("");
    let key = home.path("youtube.key");
    home.configure(&format!("[platforms.youtube]\napi_key_file = \"{}\"\n", key.display()));
    let warned = async || {
        let output = CommandOutput::of(home.rosterd(&["check-config"])).await;
        assert_eq!(output.code, Some(0), "{output:?}");
        assert!(!format!("{output:?}").contains("canary"), "{output:?}");
        output.err
    };
    for mode in [0o600, 0o640, 0o400] {
        secret(&key, mode);
        assert_eq!(warned().await, "", "{mode:o}");
    }
    secret(&key, 0o644);
    let warning = warned().await;
    assert!(warning.starts_with("warning: ") && warning.contains(&key.display().to_string()), "{warning}");
    home.start().await.end(Signal::SIGTERM).await;
    let named = format!("chmod 640 {}", key.display());
    assert!(home.log().contains("WARN") && home.log().contains(&named), "{}", home.log());
    // The config itself, when it has one.
    home.configure("[platforms.youtube]\napi_key = \"canary-key\"\n");
    for (mode, is_open) in [(0o644, true), (0o640, false)] {
        std::fs::set_permissions(home.config(), std::fs::Permissions::from_mode(mode)).expect("a mode");
        assert_eq!(warned().await.contains("rosterd.toml holds secrets"), is_open, "{mode:o}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipe_in_place_of_a_secret_stalls_nothing() {
    let home = Home::new("");
    let pipe = home.path("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
    let keys = ["[platforms.youtube]\napi_key_file", "[network]\nca_file", "[store]\nmaster_key_file"];
    for key in keys {
        home.configure(&format!("{key} = \"{}\"\n", pipe.display()));
        for output in refused(&home, &[]).await {
            assert!(output.err.contains("it is no regular file"), "{key}: {output:?}");
        }
    }
    home.configure("");
    let mut rosterd = home.start().await;
    for key in keys {
        home.configure(&format!("{key} = \"{}\"\n", pipe.display()));
        rosterd.signal(Signal::SIGHUP);
    }
    let (status, after) = rosterd.end(Signal::SIGTERM).await;
    assert!(status.success() && after < limit(Duration::from_secs(5)), "{status} after {after:?}");
    let arguments = ["check-config", "--config", &pipe.display().to_string()];
    assert_eq!(CommandOutput::of(home.rosterd(&arguments)).await.code, Some(78));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_level_is_no_message_to_another_users_terminal() {
    let home = Home::new("");
    let _rosterd = home.start().await;
    let output = home.roster(&["log-level", "info,\u{1b}]52;c;cm0=\u{7}\u{1b}[2J=debug"]).await;
    assert!(output.code == Some(2) && !output.err.contains('\u{1b}'), "{output:?}");
    assert_eq!(home.roster(&["log-level"]).await.out, "info\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_in_the_wrong_place_is_printed_nowhere() {
    let home = Home::new("");
    for config in [
        "[network]\nproxy = \"http://team:2024/canary@proxy.example:3128\"\n",
        "[network]\nproxy = \"http://team:2024#canary@proxy.example:3128\"\n",
        "[network]\nproxy = \"http://team:2024?canary@proxy.example:3128\"\n",
        "[network]\nproxy = \"http://team:ge@canary/wort@proxy.example:3128\"\n",
        "[network]\nproxy = \"http://team:ge@canary@proxy.example:3128\"\n",
        "[network]\nca_file = \"canary\"\n",
        "[store]\nmaster_key_file = \"canary\"\n",
        "[platforms.youtube]\napi_key_file = \"canary\"\n",
        "[platforms.youtube]\napi_key_file = \"/canary/with/slashes\"\n",
        "[platforms.instagram]\nclient_id = \"x\"\nclient_secret_file = \"canary\"\n",
        "[sync]\ngateway = \"https://team:canary@gateway.example\"\n",
        "[platforms.bluesky]\napi_url = \"https://team:canary@api.example\"\n",
        "[platforms.instagram]\nclient_id = \"x\"\nclient_secret = \"x\"\nredirect_uri = \"https://a:canary@b.example\"\n",
        "[http]\npublic_url = \"https://team:canary@roster.example\"\n",
    ] {
        home.configure(config);
        let outputs = refused(&home, &[]).await;
        assert!(!format!("{outputs:?} {}", home.log()).contains("canary"), "{config}: {outputs:?}");
    }
    home.configure("[network]\nproxy = \"http://team:ge%40canary%2Fwort@proxy.example:3128\"\n");
    let report = CommandOutput::of(home.rosterd(&["check-config", "--effective"])).await;
    assert!(report.code == Some(0) && !format!("{report:?}").contains("canary"), "{report:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_of_several_state_directories_is_the_one() {
    let home = Home::new("");
    let (first, second) = (home.path("first"), home.path("second"));
    let mut command = alone(ROSTERD, &home.path(""));
    command.args(["check-config", "--effective", "--config"]).arg(home.config());
    command.env("STATE_DIRECTORY", format!("{}:{}", first.display(), second.display()));
    let report = CommandOutput::of(command).await;
    assert!(report.out.contains(&format!("# state_dir = {} ", first.display())), "{report:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_leaves_no_core_file_with_the_key() {
    let home = Home::new("");
    let mut rosterd = home.start_as(home.rosterd_after("ulimit -c unlimited")).await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", rosterd.pid())).expect("it lives");
    let cores = limits.lines().find(|line| line.starts_with("Max core file size")).expect("a limit");
    assert_eq!(cores.split_whitespace().collect::<Vec<_>>()[4..6], ["0", "0"], "{cores}");
    let (status, _) = rosterd.end(Signal::SIGABRT).await;
    assert!(status.signal() == Some(Signal::SIGABRT as i32) && !status.core_dumped(), "{status}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_that_is_taken_is_a_warning_unless_the_daemon_has_it() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address");
    let home = Home::new(&format!("[http]\nlisten = \"{address}\"\n"));
    let check = async || CommandOutput::of(home.rosterd(&["check-config"])).await;
    let warned = check().await;
    let expected = format!("warning: [http] listen: {address} cannot be listened on: ");
    assert!(warned.code == Some(0) && warned.err.starts_with(&expected), "{warned:?}");
    drop(taken);
    let fine = check().await;
    assert_eq!((fine.code, fine.err.as_str()), (Some(0), ""));
    let _rosterd = home.start().await;
    let fine = check().await;
    assert_eq!((fine.code, fine.err.as_str()), (Some(0), ""), "its own daemon has the port");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn directories_and_sockets_that_a_start_refuses_a_check_refuses_too() {
    let home = Home::new("");
    let all = |output: &CommandOutput, words: &str| assert!(output.err.contains(words), "{words}: {output:?}");
    std::fs::create_dir(home.state()).expect("a directory");
    std::fs::set_permissions(home.state(), std::fs::Permissions::from_mode(0o777)).expect("a mode");
    refused(&home, &[]).await.iter().for_each(|output| all(output, "others may write to it"));
    std::fs::remove_dir(home.state()).expect("still empty");
    std::fs::write(home.state(), "").expect("a file");
    refused(&home, &[]).await.iter().for_each(|output| all(output, "a file is in the place of a directory"));
    std::fs::remove_file(home.state()).expect("removed");
    std::fs::create_dir_all(home.socket()).expect("a directory");
    for arguments in [&["check-config"][..], &["run"]] {
        let output = CommandOutput::of(home.rosterd(arguments)).await;
        assert!(output.code == Some(1) && output.err.contains("is no socket; move it away"), "{output:?}");
    }
    let long = home.path(&"x".repeat(120)).display().to_string();
    for arguments in [&["check-config", "--socket", &long][..], &["run", "--socket", &long]] {
        let output = CommandOutput::of(home.rosterd(arguments)).await;
        assert!(output.code == Some(78) && output.err.contains("the path is too long"), "{output:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mount_that_hangs_ends_a_start_with_a_sentence() {
    let hangs = async |point: &str, arguments: &[&str]| {
        let home = Home::new("");
        let key = home.path("youtube.key");
        secret(&key, 0o600);
        home.configure(&format!("[platforms.youtube]\napi_key_file = \"{}\"\n", key.display()));
        let mut command = home.rosterd(arguments);
        command.env("ROSTER_HANG_AT", point);
        let begun = Instant::now();
        let output = CommandOutput::of(command).await;
        let log = home.log();
        assert!(output.code == Some(78) && begun.elapsed() < limit(Duration::from_secs(15)), "{point}: {output:?}");
        let expected =
            format!("error: {}: reading it and the files that it names took over 10 s", home.config().display());
        assert!(output.err.contains(&expected) || log.contains(&expected), "{point}: {output:?} {log}");
    };
    // The config, a secret that it names, and the key: at a start and at a check.
    tokio::join!(
        hangs("file.read:0", &["run"]),
        hangs("file.read:0", &["check-config"]),
        hangs("file.read:1", &["run"]),
        hangs("file.read:1", &["check-config"]),
        hangs("key.read:0", &["run"]),
        hangs("key.read:0", &["check-config"]),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipe_in_place_of_a_file_of_its_own_stalls_no_start() {
    for name in ["roster.redb", "roster.lock", "master.key"] {
        let home = Home::new("");
        home.start().await.end(Signal::SIGTERM).await;
        let file = home.state().join(name);
        std::fs::remove_file(&file).expect("removed");
        nix::unistd::mkfifo(&file, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
        for output in refused(&home, &[]).await {
            assert!(output.err.contains("it is no regular file"), "{name}: {output:?}");
        }
        let mut command = alone(ROSTERD, &home.path(""));
        command.arg("check").arg("--state-dir").arg(home.state());
        let checked = CommandOutput::of(command).await;
        assert_eq!(checked.code, Some(if name == "master.key" { 0 } else { 78 }), "{name}: {checked:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_program_of_the_same_user_reads_neither_memory_nor_variables() {
    let home = Home::new("");
    // Root may read everything; the daemon and the other program are another user's then.
    let (user, group) = if nix::unistd::Uid::effective().is_root() { (65_534, 65_534) } else { own_ids() };
    let program = home.path("rosterd");
    std::fs::copy(ROSTERD, &program).expect("a copy that this user can run");
    for path in [home.path(""), home.config(), program.clone()] {
        chown(&path, Some(user), Some(group)).expect("root, or its own");
    }
    let mut command = alone(&program.display().to_string(), &home.path(""));
    command.arg("--config").arg(home.config()).arg("--state-dir").arg(home.state()).arg("--socket").arg(home.socket());
    command.uid(user).gid(group).env("ENCRYPTION_KEY", "5".repeat(64));
    let rosterd = home.start_as(command).await;
    let cat = async |path: String| {
        let mut command = alone("/bin/cat", Path::new("/"));
        command.arg(path).uid(user).gid(group);
        CommandOutput::of(command).await
    };
    let mut other = alone("/bin/sleep", Path::new("/"));
    let other = other.arg("60").env("OPEN", "yes").uid(user).gid(group).spawn().expect("another program");
    let other = other.id().expect("it runs");
    let open = until("the other program has its variables", async || {
        let open = cat(format!("/proc/{other}/environ")).await;
        open.out.contains("OPEN=yes").then_some(open)
    });
    assert_eq!(open.await.code, Some(0), "a program that does not harden itself can be read");
    for file in ["environ", "mem"] {
        let refused = cat(format!("/proc/{}/{file}", rosterd.pid())).await;
        assert!(refused.code == Some(1) && refused.err.contains("Permission denied"), "{file}: {refused:?}");
    }
}

fn own_ids() -> (u32, u32) {
    (nix::unistd::Uid::effective().as_raw(), nix::unistd::Gid::effective().as_raw())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn root_checks_a_store_as_its_owner() {
    if !nix::unistd::Uid::effective().is_root() {
        return;
    }
    let home = Home::new("");
    home.start().await.end(Signal::SIGTERM).await;
    let files = std::fs::read_dir(home.state()).expect("a directory").map(|entry| entry.expect("an entry").path());
    for path in files.chain([home.path(""), home.state()]) {
        chown(&path, Some(65_534), Some(65_534)).expect("root");
    }
    let mut command = alone(ROSTERD, &home.path(""));
    command.arg("check").arg("--state-dir").arg(home.state());
    let checked = CommandOutput::of(command).await;
    assert!(checked.code == Some(0) && checked.err.is_empty(), "{checked:?}");
    // A start as root is refused, and so is its check.
    for output in refused(&home, &[]).await {
        assert!(output.err.contains("it belongs to another user"), "{output:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_owners_are_asked_for_is_noted_where_the_operator_chose_it() {
    let app = "client_id = \"x\"\nclient_secret = \"y\"\n";
    let check = async |more: &str, notes: &str| {
        let home = Home::new(&format!("[platforms.facebook]\n{app}{more}"));
        std::fs::set_permissions(home.config(), std::fs::Permissions::from_mode(0o600)).expect("a mode");
        let output = CommandOutput::of(home.rosterd(&["check-config"])).await;
        assert_eq!((output.code, output.err.as_str()), (Some(0), notes), "{more}: {output:?}");
    };
    check("", "").await;
    check(
        "scopes = [\"pages_show_list\", \"pages_read_engagement\"]\n",
        "note: [platforms.facebook]: owners are asked to allow pages_show_list, pages_read_engagement; left out, and not \
         read: pages_read_user_content (reactions, comments), read_insights (views, reach, figures of days, \
         countries), business_management (Pages of a business portfolio)\n",
    )
    .await;
    check(
        "config_id = \"7\"\n",
        "note: [platforms.facebook]: owners are asked for what the configuration at Facebook holds that config_id names: \
         it must hold pages_show_list, pages_read_engagement; what it does not hold of pages_read_user_content \
         (reactions, comments), read_insights (views, reach, figures of days, countries), business_management (Pages of \
         a business portfolio) is not read\n",
    )
    .await;
}
