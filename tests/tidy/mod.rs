//! The rules of the house that the compiler does not check, as absences: who may name what, and where.
//!
//! An exception is listed here with its reason. Checks of a file's text strip comments and tests first.

mod advice;
mod arrows;
mod imports;
mod security;

use std::path::{Path, PathBuf};
use std::process::Command;

/// The daemon's files that only compute: values in, values out. A name with a slash at its end is a folder.
const PURE: &[&str] = &[
    "daemon/src/alerts/",
    "daemon/src/schedule/",
    "daemon/src/browse/filter.rs",
    "daemon/src/browse/orders.rs",
    "daemon/src/decision/",
    "daemon/src/delivery/channels/email/template.rs",
    "daemon/src/delivery/channels/email/template/",
    "daemon/src/history/",
    "daemon/src/model/",
    "daemon/src/oauth/callback.rs",
    "daemon/src/oauth/error.rs",
    "daemon/src/oauth/read.rs",
    "daemon/src/oauth/terms.rs",
    "daemon/src/oauth/tokens.rs",
    "daemon/src/platforms/bluesky/read.rs",
    "daemon/src/platforms/facebook/countries.rs",
    "daemon/src/platforms/facebook/read.rs",
    "daemon/src/platforms/facebook/webhook.rs",
    "daemon/src/platforms/graph/countries.rs",
    "daemon/src/platforms/graph/days.rs",
    "daemon/src/platforms/graph/problem.rs",
    "daemon/src/platforms/graph/round.rs",
    "daemon/src/platforms/graph/token_info.rs",
    "daemon/src/platforms/graph/tokens.rs",
    "daemon/src/platforms/graph/usage.rs",
    "daemon/src/platforms/graph/version.rs",
    "daemon/src/platforms/graph/webhook.rs",
    "daemon/src/platforms/instagram/audience.rs",
    "daemon/src/platforms/instagram/follows.rs",
    "daemon/src/platforms/instagram/read.rs",
    "daemon/src/platforms/instagram/webhook.rs",
    "daemon/src/platforms/mastodon/read.rs",
    "daemon/src/platforms/reading.rs",
    "daemon/src/platforms/tiktok/read.rs",
    "daemon/src/platforms/tiktok/tokens.rs",
    "daemon/src/platforms/tiktok/webhook.rs",
    "daemon/src/platforms/webhook.rs",
    "daemon/src/platforms/youtube/audience.rs",
    "daemon/src/platforms/youtube/countries.rs",
    "daemon/src/platforms/youtube/days.rs",
    "daemon/src/platforms/youtube/read.rs",
    "daemon/src/platforms/youtube/refusal.rs",
    "daemon/src/platforms/youtube/report.rs",
    "daemon/src/platforms/youtube/tokens.rs",
    "daemon/src/roster/",
    "protocol/src/query.rs",
    "protocol/src/text.rs",
    "protocol/src/time.rs",
    "tui/src/agent/board.rs",
    "tui/src/format.rs",
    "tui/src/keys.rs",
    "tui/src/keys/",
    "tui/src/message.rs",
    "tui/src/modal.rs",
    "tui/src/modal/",
    "tui/src/model.rs",
    "tui/src/screens.rs",
    "tui/src/screens/",
    "tui/src/shared.rs",
    "tui/src/shared/",
    "tui/src/terminal/notices/detect.rs",
    "tui/src/terminal/notices/form.rs",
    "tui/src/terminal/notices/gather.rs",
    "tui/src/update.rs",
    "tui/src/view.rs",
    "tui/src/widgets/",
];

/// A file of ours.
struct Source {
    /// From the root of the repository.
    name: String,
    text: String,
}

impl Source {
    fn is_in(&self, paths: &[&str]) -> bool {
        paths.iter().any(|path| match path.ends_with('/') {
            true => self.name.starts_with(path),
            false => self.name == *path,
        })
    }

    fn is_test(&self) -> bool {
        let file = self.name.rsplit('/').next().unwrap_or_default();
        let named_so = ["tests.rs", "testing.rs", "samples.rs", "test_server.rs"].contains(&file);
        named_so
            || ["/tests/", "/testing/"].iter().any(|folder| self.name.contains(folder))
            || self.name.starts_with("tests/")
    }

    /// The lines of code with their numbers, up to the tests at the end, without comments.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let tests = self.text.find("\n#[cfg(test)]\nmod tests {").unwrap_or(self.text.len());
        (1..).zip(self.text[..tests].lines()).map(|(number, line)| (number, without_comment(line)))
    }

    /// Where a line of code has one of the words.
    fn uses<'a>(&'a self, words: &'a [&str]) -> impl Iterator<Item = String> + 'a {
        let found = |line: &str| words.iter().find(|word| line.contains(**word)).copied();
        self.code().filter_map(move |(number, line)| Some(format!("{}:{number}: {}", self.name, found(line)?)))
    }
}

/// Slashes in a text are no comment: `https://`.
fn without_comment(line: &str) -> &str {
    match line.trim_start().starts_with("//") {
        true => "",
        false => line.split(" // ").next().unwrap_or_default(),
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is in the repository").to_owned()
}

/// Everything that is in the repository, or is about to be.
fn files() -> Vec<String> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
        .current_dir(root())
        .output()
        .expect("git is there where tests are run");
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let names = String::from_utf8(listed.stdout).expect("names are text");
    names.split_terminator('\0').filter(|name| root().join(name).is_file()).map(str::to_owned).collect()
}

fn sources() -> Vec<Source> {
    let read = |name: String| Source { text: std::fs::read_to_string(root().join(&name)).expect("Rust is text"), name };
    let sources: Vec<Source> = files().into_iter().filter(|name| name.ends_with(".rs")).map(read).collect();
    assert!(sources.len() > 100, "{} files are not all of them", sources.len());
    sources
}

/// The sources of the crates that are shipped, without tests.
fn shipped() -> Vec<Source> {
    let is_shipped = |source: &Source| {
        source.is_in(&["protocol/src/", "protocol/backup/src/", "daemon/src/", "tui/src/"]) && !source.is_test()
    };
    sources().into_iter().filter(is_shipped).collect()
}

/// `words` are used by shipped code in `allowed` only, and there they are.
fn only_in(words: &[&str], allowed: &[&str]) {
    let (inside, outside): (Vec<Source>, Vec<Source>) = shipped().into_iter().partition(|source| source.is_in(allowed));
    let found: Vec<String> = outside.iter().flat_map(|source| source.uses(words)).collect();
    assert!(found.is_empty(), "{words:?} belong into {allowed:?} only:\n{}", found.join("\n"));
    for path in allowed {
        let is_used =
            inside.iter().filter(|source| source.is_in(&[path])).any(|source| source.uses(words).next().is_some());
        assert!(is_used, "{path} needs none of {words:?} any more: take it off the list");
    }
}

#[test]
fn only_the_store_names_its_engine() {
    only_in(&["redb::"], &["daemon/src/store/"]);
}

#[test]
fn only_the_http_client_names_its_library() {
    only_in(&["reqwest"], &["daemon/src/http_client/"]);
}

#[test]
fn only_the_mail_channel_names_the_mail_library() {
    only_in(&["lettre::"], &["daemon/src/delivery/channels/email/"]);
}

#[test]
fn only_what_counts_and_what_shows_it_name_the_numbers_library() {
    only_in(&["prometheus::"], &["daemon/src/meters.rs", "daemon/src/serve/http/"]);
}

#[test]
fn only_the_vault_names_the_cipher() {
    only_in(&["chacha20poly1305", "aead::"], &["daemon/src/secret/vault.rs", "daemon/src/secret/personal.rs"]);
}

#[test]
fn only_the_backups_format_names_what_encrypts_and_compresses_it() {
    only_in(&["use age::", "zstd::"], &["protocol/backup/src/"]);
}

#[test]
fn only_the_clocks_read_the_time() {
    let readers = ["Timestamp::now", "Zoned::now", "SystemTime::now", "Instant::now"];
    let clocks = [
        "daemon/src/process/clock.rs",
        // How long an exchange may take: a length, not a time of day.
        "daemon/src/http_client/mod.rs",
        // How long commits are gathered, and between tries to reopen: lengths again.
        "daemon/src/store/writer.rs",
        // How old what the user database said is: a length.
        "daemon/src/serve/rpc/access/known.rs",
        // A call's deadline: a length again.
        "protocol/src/transport.rs",
        "tui/src/app.rs",
        // When alerts that are followed arrive, and how long a terminal may take to reply: lengths.
        "tui/src/terminal/notices.rs",
        "tui/src/terminal/notices/tty.rs",
        // The commands' "now", passed on from there.
        "tui/src/lib.rs",
    ];
    only_in(&readers, &clocks);
}

#[test]
fn only_a_platforms_folder_knows_that_it_exists() {
    for slug in ["bluesky", "facebook", "instagram", "mastodon", "tiktok", "youtube"] {
        let folder = format!("daemon/src/platforms/{slug}/");
        // The config calls one of the sign-ins at Instagram so.
        let login = if slug == "facebook" { "daemon/src/platforms/instagram/mod.rs" } else { &folder };
        let of_it = |source: &Source| source.is_in(&[&folder, login]);
        let quoted = format!("\"{slug}\"");
        let found: Vec<String> = shipped()
            .iter()
            .filter(|source| !of_it(source) && source.is_in(&["daemon/src/", "tui/src/"]))
            .flat_map(|source| source.uses(&[&quoted]).collect::<Vec<_>>())
            .collect();
        assert!(found.is_empty(), "{slug} is named outside its folder:\n{}", found.join("\n"));
        assert!(shipped().iter().filter(|source| of_it(source)).any(|source| source.uses(&[&quoted]).next().is_some()));
    }
}

#[test]
fn outside_platforms_the_daemon_names_none() {
    let slugs = ["bluesky", "facebook", "instagram", "mastodon", "tiktok", "youtube"];
    let of_daemon = |source: &&Source| source.is_in(&["daemon/src/"]) && !source.is_in(&["daemon/src/platforms/"]);
    let found: Vec<String> = shipped()
        .iter()
        .filter(of_daemon)
        .flat_map(|source| {
            // A hint may name one as an example.
            let names =
                |line: &str| slugs.iter().any(|slug| line.to_lowercase().contains(slug)) && !line.contains("such as");
            let lines = source.code().filter(|(_, line)| names(line));
            lines.map(|(number, line)| format!("{}:{number}: {line}", source.name)).collect::<Vec<_>>()
        })
        .collect();
    assert!(
        found.is_empty(),
        "environment names, config keys and oddities are the platform's own:\n{}",
        found.join("\n")
    );
}

#[test]
fn pure_files_wait_for_nothing_and_touch_nothing() {
    let impure = ["async ", ".await", "tokio", "std::fs", "std::net", "std::env", "spawn(", "println!", "fastrand::u"];
    let shipped = shipped();
    for path in PURE {
        assert!(shipped.iter().any(|source| source.is_in(&[path])), "{path} is gone: take it off the list");
    }
    let pure = shipped.iter().filter(|source| source.is_in(PURE));
    let found: Vec<String> = pure.flat_map(|source| source.uses(&impure)).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_store_the_platforms_and_the_channels_do_not_know_one_another() {
    for (folder, others) in [
        (
            "daemon/src/store/",
            ["crate::platforms", "crate::delivery", "crate::serve", "crate::http_client", "crate::consent"],
        ),
        ("daemon/src/platforms/", ["crate::store", "crate::delivery", "crate::serve", "crate::app", "crate::consent"]),
        (
            "daemon/src/http_client/",
            ["crate::store", "crate::platforms", "crate::serve", "crate::app", "crate::consent"],
        ),
    ] {
        let shipped = shipped();
        let found: Vec<String> =
            shipped.iter().filter(|source| source.is_in(&[folder])).flat_map(|source| source.uses(&others)).collect();
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
    let shipped = shipped();
    let client = shipped.iter().filter(|source| source.is_in(&["tui/src/"]));
    let found: Vec<String> = client.flat_map(|source| source.uses(&["rosterd::"])).collect();
    assert!(found.is_empty(), "the client knows the protocol, never the daemon:\n{}", found.join("\n"));
}

#[test]
fn no_code_panics() {
    let panicking =
        [".unwrap()", "panic!(", "todo!(", "unimplemented!(", "unreachable!(", "std::process::exit", "dbg!("];
    let found: Vec<String> = shipped().iter().flat_map(|source| source.uses(&panicking).collect::<Vec<_>>()).collect();
    assert!(found.is_empty(), "errors are values, and only main exits:\n{}", found.join("\n"));
}

#[test]
fn only_the_edges_know_anyhow() {
    let found: Vec<String> = shipped().iter().flat_map(|source| source.uses(&["anyhow"]).collect::<Vec<_>>()).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn files_stay_short_enough_to_be_read() {
    // One measurement after the other, all over the same two stores: a list, not a text.
    const LISTS: &[&str] = &["tests/bench/benches/store.rs"];
    let length = |source: &Source| match source.is_test() {
        true => source.text.lines().count(),
        false => source.code().count(),
    };
    let most = |source: &Source| if source.is_test() { 600 } else { 500 };
    let long: Vec<String> = sources()
        .iter()
        .filter(|source| !source.is_in(LISTS) && length(source) > most(source))
        .map(|source| format!("{}: {} lines", source.name, length(source)))
        .collect();
    assert!(long.is_empty(), "what wants to leave?\n{}", long.join("\n"));
}

#[test]
fn how_long_something_took_is_bounded_through_limit() {
    let stories =
        sources().into_iter().filter(|source| source.name.starts_with("tests/") && !source.name.contains("/tidy/"));
    let bare =
        |line: &str| line.contains("assert") && ["< Duration::", "<= Duration::"].iter().any(|it| line.contains(it));
    let found: Vec<String> = stories
        .flat_map(|source| {
            let lines =
                source.code().filter(|(_, line)| bare(line)).map(|(number, _)| format!("{}:{number}", source.name));
            lines.collect::<Vec<_>>()
        })
        .collect();
    assert!(found.is_empty(), "a slow machine has no say in\n{}", found.join("\n"));
}

#[test]
fn every_module_says_what_it_is_for() {
    let of_shipped = shipped().into_iter().filter(|source| !source.text.starts_with("//! "));
    let silent: Vec<String> = of_shipped.map(|source| source.name).collect();
    assert!(silent.is_empty(), "no sentence at the head of\n{}", silent.join("\n"));
}

#[test]
fn nothing_here_knows_the_machine_it_was_built_on() {
    let home = std::env::var("HOME").unwrap_or_default();
    let paths = [root().display().to_string(), env!("CARGO").to_owned(), home];
    let paths: Vec<&str> = paths.iter().map(String::as_str).filter(|path| path.len() > "/root".len()).collect();
    assert!(!paths.is_empty());
    for name in files() {
        let bytes = std::fs::read(root().join(&name)).expect("a file");
        let text = String::from_utf8_lossy(&bytes);
        for path in &paths {
            assert!(!text.contains(path), "{name} names {path}");
        }
    }
}

#[test]
fn no_config_in_the_repository_holds_a_secret() {
    // Keys of real platforms have shapes of their own.
    let shapes = ["AIza", "ya29.", "xoxb-", "ghp_", "-----BEGIN PRIVATE KEY", "-----BEGIN RSA PRIVATE KEY"];
    let this = "tests/tidy/mod.rs";
    for name in files().into_iter().filter(|name| name != this) {
        let bytes = std::fs::read(root().join(&name)).expect("a file");
        let text = String::from_utf8_lossy(&bytes);
        for shape in shapes {
            assert!(!text.contains(shape), "{name} holds something like {shape}…");
        }
    }
}
