//! `roster`: the terminal UI and the scriptable commands, over the daemon's socket.
//!
//! This file is the entry point: arguments, then either the UI or one command, then the exit code.

pub mod client;

pub mod output;
pub mod session;

pub mod commands;

pub mod agent;
pub mod arguments;

pub mod app;
pub mod client_config;
pub mod consent;
pub mod format;
pub mod keys;
pub mod message;
pub mod modal;
pub mod model;
pub mod remembered;
pub mod screens;
pub mod shared;
pub mod terminal;
pub mod theme;
pub mod update;
pub mod view;
pub mod widgets;

#[cfg(test)]
mod testing;

#[cfg(test)]
mod samples;

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use jiff::Zoned;
use roster_protocol::text::clean;
use roster_protocol::{ErrorKind, RosterError, paths};

use app::RunOptions;
use arguments::{Arguments, Globals};
use client_config::NoticeChoice;
use output::{Ending, Failure, Output};
use session::Session;

/// The whole program: reads this process's arguments and runs to the end.
pub fn main() -> ExitCode {
    let typed: Vec<OsString> = std::env::args_os().collect();
    ExitCode::from(match arguments::parse(&typed) {
        Ok(arguments) => run(arguments),
        Err(error) => not_understood(&error, &typed),
    })
}

fn run(arguments: Arguments) -> u8 {
    let Arguments { globals, osc, command } = arguments;
    let output = Output::new(globals.json, globals.color, Zoned::now());
    let mut session = Session { socket: globals.socket().map(ToOwned::to_owned), output };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let error = RosterError::failed(format!("the system gives too little to run: {error}"));
            return failed(&error.into(), &globals, &mut session.output);
        }
    };
    let ended = runtime.block_on(async {
        match command {
            Some(_) if osc.is_some() => Err(RosterError::usage("--osc before a command says nothing")
                .hint("it is for the terminal UI; `roster alerts --follow --osc auto` takes it behind the command")
                .into()),
            Some(command) => command.run(&mut session).await,
            None => terminal(&globals, osc).await,
        }
    });
    // A thread that still waits for stdin must not keep the program.
    runtime.shutdown_background();
    match ended {
        Ok(ending) => ending.code(),
        Err(failure) => failed(&failure, &globals, &mut session.output),
    }
}

/// Opens the terminal UI.
async fn terminal(globals: &Globals, osc: Option<NoticeChoice>) -> Result<Ending, Failure> {
    if globals.json || !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err(RosterError::usage("the terminal UI needs a terminal")
            .hint("give a command: `roster help` lists them")
            .into());
    }
    if std::env::var_os("TERM").is_some_and(|term| term == "dumb") {
        return Err(RosterError::usage("this terminal (TERM=dumb) shows text only line by line")
            .hint("give a command: `roster list`, `roster status`; `roster help` lists them")
            .into());
    }
    let socket = globals.socket().map(ToOwned::to_owned);
    // A daemon started here listens on the user's socket, not on a given one.
    let start_daemon = socket.is_none().then_some(client::start_user_daemon as app::StartDaemon);
    let remember = paths::of_client_state();
    let ended = app::run(RunOptions { socket, start_daemon, config: None, remember, osc }).await;
    ended.map_err(|error| RosterError::failed(format!("the terminal cannot be used: {error}")))?;
    Ok(Ending::Done)
}

/// Reports a failure; returns the exit code.
fn failed(failure: &Failure, globals: &Globals, output: &mut Output) -> u8 {
    match failure {
        Failure::Output(error) => output::output_failure(error),
        Failure::Reported(error) => match output.failure(error, globals.color) {
            Ok(()) => error.kind.exit_code(),
            Err(unwritten) => output::output_failure(&unwritten).max(error.kind.exit_code()),
        },
    }
}

/// Handles arguments that were not understood, and `--help` and `--version`.
fn not_understood(error: &clap::Error, typed: &[OsString]) -> u8 {
    if error.exit_code() == 0 {
        // A reader that closes the pipe has read enough of the help.
        let _ = error.print();
        return 0;
    }
    let failure = arguments::usage_error(error);
    if arguments::wants_json(typed) {
        let line = output::document(&output::json::Failed::from(&failure));
        let _ = line.and_then(|line| io::stdout().write_all(line.as_bytes()));
    } else {
        let _ = io::stderr().write_all(clean_lines(&error.to_string()).as_bytes());
    }
    ErrorKind::Usage.exit_code()
}

/// Each line clean, its indent kept: the text repeats what was typed.
fn clean_lines(text: &str) -> String {
    let line = |line: &str| {
        let indent = line.len() - line.trim_start_matches(' ').len();
        format!("{}{}\n", &line[..indent], clean(line, 2000))
    };
    text.lines().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_is_repeated_harmlessly() {
        let error = arguments::parse(&["roster".into(), "sh\u{1b}]0;x\u{7}ow".into()]).expect_err("no such command");
        let cleaned = clean_lines(&error.to_string());
        assert!(!cleaned.chars().any(|c| c.is_control() && c != '\n'), "{cleaned:?}");
        assert!(cleaned.contains("\n\nUsage: roster"), "{cleaned}");
    }

    #[test]
    fn the_exit_code_follows_the_failure() {
        let globals = arguments::parse(&["roster".into()]).expect("nothing is enough").globals;
        let mut output = Output::new(false, globals.color, Zoned::now());
        let check = |failure: Failure, code: u8, output: &mut Output| {
            assert_eq!(failed(&failure, &globals, output), code, "{failure:?}");
        };
        check(RosterError::not_found("x").into(), 4, &mut output);
        check(RosterError::usage("x").into(), 2, &mut output);
        check(Failure::Output(io::ErrorKind::BrokenPipe.into()), 0, &mut output);
        check(Failure::Output(io::ErrorKind::StorageFull.into()), 1, &mut output);
    }
}
