//! `rosterd check-config` means what a start means: configs that are missing, secrets that are open, pasted or pipes.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;

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

fn secret(path: &Path, mode: u32) {
    std::fs::write(path, "canary-secret\n").expect("a secret");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("a mode");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_config_that_was_named_must_be_there() {
    let home = Home::new("[sync]\ninterval = \"1h\"\n");
    let mut rosterd = home.start().await;
    let away = home.path("away.toml");
    std::fs::rename(home.config(), &away).expect("moved");
    rosterd.signal(Signal::SIGHUP);
    let refused_config = async || home.json(&["status"]).await["config"]["refused"].as_str().map(str::to_owned);
    let problem = until("it is refused", refused_config).await;
    assert!(problem.contains("rosterd.toml: there is no such file"), "{problem}");
    assert!(home.log().contains("the config was not loaded again"), "{}", home.log());
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
