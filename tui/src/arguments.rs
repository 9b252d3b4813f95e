//! What can be typed after `roster`. The arguments of a verb are beside it, in `commands/`.

mod command;
mod completions;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, Parser};
use roster_protocol::RosterError;
use roster_protocol::transport::PROTOCOL_VERSION;

use crate::client_config::NoticeChoice;
use crate::output::Color;

pub use command::Command;

/// Follows the numbers of influencers across platforms.
///
/// Without a command the terminal UI opens. INFLUENCER is an id, the beginning of one, an exact name, or
/// platform:handle; CONNECTION is an id, the beginning of one, or platform:handle. A profile's URL does too.
#[derive(Debug, Parser)]
#[command(name = "roster", version = version(), after_help = EXIT_CODES, max_term_width = 100)]
pub struct Arguments {
    #[command(flatten)]
    pub globals: Globals,
    /// How the terminal UI has the terminal notify you of alerts that open: auto, 9, 777, 99, bell or off [default: `notify`
    /// in roster.toml, or else auto over SSH and off elsewhere]
    #[arg(long, value_name = "HOW", value_enum, hide_possible_values = true)]
    pub osc: Option<NoticeChoice>,
    #[command(subcommand)]
    pub command: Option<Command>,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 usage, 3 rosterd not reachable or of another version, \
                          4 not found, 5 not permitted, 6 done in part.";

/// What every command takes.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Globals {
    /// Print JSON: one document, or one object a line with --follow
    #[arg(long, global = true)]
    pub json: bool,
    /// Where rosterd listens [default: the user's socket, then the system's]
    #[arg(long, global = true, value_name = "PATH", env = "ROSTER_SOCKET", hide_env_values = true,
          value_parser = OsStringValueParser::new().map(PathBuf::from))]
    socket: Option<PathBuf>,
    /// When to colour what is printed; NO_COLOR is honoured
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    pub color: Color,
}

impl Globals {
    /// The socket that was given; an empty `ROSTER_SOCKET` gives none.
    pub fn socket(&self) -> Option<&Path> {
        self.socket.as_deref().filter(|socket| !socket.as_os_str().is_empty())
    }
}

fn version() -> &'static str {
    static VERSION: LazyLock<String> =
        LazyLock::new(|| format!("{} (protocol {PROTOCOL_VERSION})", env!("CARGO_PKG_VERSION")));
    VERSION.as_str()
}

/// The most that all arguments together may have, so that every request fits into one frame.
const MOST_BYTES: usize = 48 * 1024;

/// Understands what was typed, the program's name first.
///
/// # Errors
/// clap's own, which `--help` and `--version` return too.
pub fn parse(typed: &[OsString]) -> Result<Arguments, clap::Error> {
    if typed.iter().map(|word| word.len()).sum::<usize>() > MOST_BYTES {
        return Err(clap::Error::raw(clap::error::ErrorKind::TooManyValues, "that is too much text for one command\n"));
    }
    Arguments::try_parse_from(typed)
}

/// Whether JSON is wanted although the arguments were not understood.
pub fn wants_json(typed: &[OsString]) -> bool {
    typed.iter().take_while(|word| *word != "--").any(|word| word == "--json")
}

/// A usage error as one sentence and a hint, for JSON.
pub fn usage_error(error: &clap::Error) -> RosterError {
    let text = error.to_string();
    let paragraph: Vec<&str> = text.lines().take_while(|line| !line.trim().is_empty()).map(str::trim).collect();
    let message = paragraph.join(" ");
    let hint = text.lines().find_map(|line| line.trim().strip_prefix("tip: "));
    RosterError::usage(message.strip_prefix("error: ").unwrap_or(&message))
        .hint(hint.unwrap_or("`roster help` lists commands, `roster help COMMAND` what one takes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn typed(line: &str) -> Vec<OsString> {
        std::iter::once("roster").chain(line.split_whitespace()).map(OsString::from).collect()
    }

    #[test]
    fn the_arguments_contradict_nothing() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn what_the_manual_shows_is_understood() {
        for line in [
            "",
            "--json",
            "status",
            "status --check",
            "status --check --warning 5 --critical 20% --json",
            "log-level",
            "log-level info,rosterd::sync=debug",
            "list",
            "list platform:youtube growth30:>5% --sort growth --tag beauty --platform youtube --limit 5 --offset 2",
            "show youtube:@x --json",
            "--json --socket /tmp/x.sock --color never show x",
            "add Mara --handle youtube:@x --handle https://bsky.app/profile/x --tag a --tag b --note n",
            "add -",
            "edit x --name y --tag a --untag b --note n --main auto",
            "remove x --yes",
            "erase x --yes --json",
            "merge a b",
            "connect x bluesky --handle h --no-wait",
            "connect x youtube",
            "connect x youtube --device --json",
            "connect x youtube --paste https://roster.example/cb?code=1&state=2",
            "connect x youtube --paste - --handle @x",
            "disconnect c --delete-history --yes",
            "pause all",
            "resume platform:youtube",
            "set c interval 1h",
            "set c interval default",
            "sync",
            "sync x --no-wait",
            "movers --over 1d --down --absolute --where tag:beauty --limit 5",
            "sync --all",
            "history c --metric avg_likes --since 1y --until 2026-11-21",
            "record c --date 2026-11-21 --followers 10k --engagement-rate 5% --avg-likes 3.5 --replace",
            "changes --since 7d",
            "alerts --state acknowledged --follow",
            "alerts --follow --new --osc auto --json",
            "alerts --follow --osc 777",
            "--osc bell",
            "alerts ack aaaa bbbb --json",
            "alerts --json ack aaaa",
            "alerts ack aaaa bbbb --note seen",
            "alerts assign aaaa ines --json",
            "alerts assign aaaa --none",
            "silence",
            "silence add --rule big-drop --tag beauty --for 2h --reason known --json",
            "silence add --all --until 2026-12-01T18:00Z --reason known",
            "silence end aaaa",
            "runs --since 2d --connection c",
            "audit --since 1d --follow",
            "requests --platform youtube --follow",
            "export --influencer x",
            "export --influencer x --format html",
            "backup /backup/roster.backup --to age1xyz --json",
            "backup f --passphrase-file p",
            "backup f --to age1xyz --with-master-key",
            "backup verify f --identity i",
            "backup verify f --passphrase-file p --json",
            "revoke all --yes --no-wait --json",
            "keys",
            "keys list --json",
            "keys rotate",
            "keys retire 0a1b --yes",
            "platforms",
            "platforms test youtube --json",
            "platforms test",
            "tokens",
            "notify",
            "completions bash",
        ] {
            parse(&typed(line)).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }

    #[test]
    fn what_makes_no_sense_is_a_usage_error() {
        for line in [
            "frobnicate",
            "show",
            "add",
            "add x --handle nocolon",
            "connect x",
            "connect x youtube --paste u --device",
            "platforms test x y",
            "set c colour red",
            "sync x --all",
            "history c --since someday",
            "record c --followers 1",
            "record c --date 2026-11-21 --engagement-rate 5 --followers 1",
            "alerts --state shut",
            "alerts --new",
            "alerts --osc auto",
            "alerts --follow --osc 8",
            "alerts ack",
            "keys retire",
            "revoke",
            "alerts assign aaaa",
            "silence add --all --for 2h",
            "silence add --for 2h --reason known",
            "silence add --all --rule big-drop --for 2h --reason known",
            "silence add --all --reason known",
            "silence add --for 2h --until 2026-12-01T18:00Z --reason known",
            "silence end",
            "backup",
            "backup f --to age1xyz --passphrase-file p",
            "backup verify",
            "alerts assign aaaa ines --none",
            "list --sort age",
            "movers --over 2d",
            "movers --up --down",
            "completions tcl",
            "--color blue status",
        ] {
            let error = parse(&typed(line)).expect_err(line);
            assert_eq!(error.exit_code(), 2, "{line}");
            let usage = usage_error(&error);
            assert!(!usage.message.is_empty() && !usage.message.contains('\n'), "{line}: {usage:?}");
        }
    }

    #[test]
    fn too_much_text_is_refused_before_it_is_sent() {
        let long = vec![OsString::from("roster"), "add".into(), "x".repeat(60_000).into()];
        assert_eq!(parse(&long).expect_err("too long").exit_code(), 2);
    }

    #[test]
    fn json_is_seen_even_in_what_was_not_understood() {
        assert!(wants_json(&typed("frobnicate --json")));
        assert!(!wants_json(&typed("show -- --json")));
    }
}
