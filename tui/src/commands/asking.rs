//! The question before what concerns everything, or cannot be taken back.
//!
//! It is asked only where a person can respond: scripts and cron go on without it.

use std::io::{self, IsTerminal};

use roster_protocol::text::{SENTENCE_CHARACTERS, clean};
use roster_protocol::{Influencer, RosterClient, RosterError};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::client::{response, short_call};
use crate::output::{Failure, Output};

/// Whether a person is at the terminal: both the question and its response need one.
pub(super) fn is_attended() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Goes on only when the person at the terminal says yes.
///
/// # Errors
/// They did not.
pub(super) async fn ask(question: &str, output: &Output) -> Result<(), Failure> {
    output.aside(&format!("{} [y/N] ", clean(question, 2 * SENTENCE_CHARACTERS)));
    let mut line = String::new();
    let read = BufReader::new(tokio::io::stdin()).read_line(&mut line).await;
    match read.is_ok() && is_yes(&line) {
        true => Ok(()),
        false => Err(RosterError::failed("nothing was done").into()),
    }
}

fn is_yes(line: &str) -> bool {
    matches!(line.trim().to_lowercase().as_str(), "y" | "yes")
}

/// How many connections there are, in words: `all 704 connections`.
///
/// # Errors
/// As of every call.
pub(super) async fn all_connections(client: &RosterClient) -> Result<String, RosterError> {
    let total = response(client.status(short_call()).await)?.connections.total;
    Ok(format!("all {total} connections"))
}

/// An influencer in a question: `Mara Lindqvist (aibaeaqc, 3 connections)`.
pub(super) fn named(influencer: &Influencer) -> String {
    let count = influencer.connections.len();
    let connections = if count == 1 { "connection" } else { "connections" };
    format!("{} ({}, {count} {connections})", influencer.row.name, influencer.row.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn only_a_yes_is_one() {
        for yes in ["y\n", "Y\r\n", " yes \n", "YES"] {
            assert!(is_yes(yes), "{yes:?}");
        }
        for no in ["", "\n", "n\n", "no\n", "yy\n", "yes please\n", "\u{1b}[A\n"] {
            assert!(!is_yes(no), "{no:?}");
        }
    }

    #[test]
    fn a_question_says_whom_it_is_about() {
        assert_eq!(named(&samples::influencer()), "Mara Lindqvist (aibaeaqc, 2 connections)");
    }
}
