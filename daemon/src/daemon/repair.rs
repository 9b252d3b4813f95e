//! `rosterd repair`: writes a new store from what is whole in a damaged one, and prints what is missing in it.

use std::fmt::Write as _;
use std::path::Path;

use roster_protocol::text::clean;
use serde_json::json;

use super::StartError;
use super::check_store::{CHARACTERS, json_of, text_of};
use crate::process::clock::{Clock, SystemClock};
use crate::store::{Made, Repaired, StoreError, repair};

const WHOLE: u8 = 0;
const NOTHING: u8 = 1;
const IN_PART: u8 = 6;

/// Repairs the store in a directory into another one, prints what became of it, and returns the exit code.
pub fn run(state_dir: &Path, new_dir: &Path, as_json: bool) -> u8 {
    // The engine panics on some damaged pages, which is caught.
    std::panic::set_hook(Box::new(|_| {}));
    let repaired = repair(state_dir, new_dir, SystemClock.now());
    drop(std::panic::take_hook());
    match repaired {
        Ok(repaired) => {
            let whole = repaired.is_whole();
            let made = repaired.made.iter().map(words_of);
            if as_json {
                let mut value = json_of(&repaired.found);
                value["repaired"] = json!({
                    "file": clean(&repaired.file.display().to_string(), CHARACTERS),
                    "rows": repaired.rows,
                    "complete": whole,
                    "made": made.collect::<Vec<_>>(),
                });
                println!("{value}");
            } else {
                print!("{}", said_of(&repaired));
                eprint!("{}", way_on(state_dir, new_dir));
            }
            if whole { WHOLE } else { IN_PART }
        }
        Err(error) => failure(&error, as_json),
    }
}

/// What was found, what was made, and what the new store has.
fn said_of(repaired: &Repaired) -> String {
    let mut text = text_of(&repaired.found);
    for made in &repaired.made {
        let _ = writeln!(text, "made: {}", words_of(made));
    }
    let file = clean(&repaired.file.display().to_string(), CHARACTERS);
    let missing = if repaired.is_whole() { "nothing is missing" } else { "what is named above is missing" };
    let _ = writeln!(text, "{file}: {} records; {missing}", repaired.rows);
    text
}

fn words_of(made: &Made) -> String {
    match made {
        Made::Format => "the store's format, which was damaged".to_owned(),
        Made::Id => "a new id of the store, since its own was damaged".to_owned(),
        Made::Folded => "how far days are folded, from the months that are there".to_owned(),
        Made::Influencer { id, name, connections } => {
            let connections = match connections {
                1 => "a connection".to_owned(),
                many => format!("{many} connections"),
            };
            format!("influencer {id} \"{name}\" for {connections} whose own was damaged")
        }
    }
}

fn way_on(state_dir: &Path, new_dir: &Path) -> String {
    let (old, new) = (state_dir.display().to_string(), new_dir.display().to_string());
    format!(
        "hint: keep {old}/roster.redb under another name, put {new}/roster.redb in its place, and start rosterd\n",
        old = clean(&old, CHARACTERS),
        new = clean(&new, CHARACTERS)
    )
}

fn failure(error: &StoreError, as_json: bool) -> u8 {
    let message = clean(&error.to_string(), CHARACTERS);
    let start = StartError::from(error.clone());
    let hint = match error {
        StoreError::InUse { .. } => Some("end it first: `systemctl stop rosterd` for a service"),
        StoreError::Damaged { .. } => Some("nothing could be repaired: `rosterd restore` puts a backup in its place"),
        StoreError::NotOurs { .. } => None,
        _ => start.hint(),
    };
    if as_json {
        println!("{}", json!({"error": {"kind": "failed", "message": message, "hint": hint}}));
    } else {
        eprintln!("error: {message}");
        hint.iter().for_each(|hint| eprintln!("hint: {hint}"));
    }
    match error {
        StoreError::Damaged { .. } => NOTHING,
        _ => start.exit_code(),
    }
}
