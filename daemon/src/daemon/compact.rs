//! `rosterd compact`: gives the space that is free in the store's file back to its disk, and says how much that was.

use std::path::Path;

use roster_protocol::text::clean;
use serde_json::json;

use super::StartError;
use crate::store::{Compacted, StoreError, compact};

/// The longest error's text.
const CHARACTERS: usize = 500;

/// Compacts the store in a directory, prints how large it was and is, and returns the exit code.
pub fn run(state_dir: &Path, as_json: bool) -> u8 {
    // The engine panics on some damaged pages, which is caught.
    std::panic::set_hook(Box::new(|_| {}));
    let compacted = compact(state_dir);
    drop(std::panic::take_hook());
    match compacted {
        Ok(compacted) if as_json => {
            let Compacted { file, before, after } = compacted;
            println!("{}", json!({"file": file.display().to_string(), "bytes_before": before, "bytes_after": after}));
            0
        }
        Ok(compacted) => {
            print!("{}", text_of(&compacted));
            0
        }
        Err(error) => failure(&error, as_json),
    }
}

fn text_of(compacted: &Compacted) -> String {
    let Compacted { file, before, after } = compacted;
    let file = clean(&file.display().to_string(), CHARACTERS);
    match before.saturating_sub(*after) {
        0 => format!("{file}: {before} bytes, none of which could be given back\n"),
        less => format!("{file}: {before} bytes before, {after} bytes now, {less} given back\n"),
    }
}

fn failure(error: &StoreError, as_json: bool) -> u8 {
    let message = clean(&error.to_string(), CHARACTERS);
    let start = StartError::from(error.clone());
    let hint = match error {
        StoreError::InUse { .. } => Some("end it first: `systemctl stop rosterd` for a service"),
        StoreError::Damaged { .. } => {
            Some("nothing was changed: keep a copy of the file, and put a backup in its place")
        }
        _ => start.hint(),
    };
    if as_json {
        println!("{}", json!({"error": {"kind": "failed", "message": message, "hint": hint}}));
    } else {
        eprintln!("error: {message}");
        hint.iter().for_each(|hint| eprintln!("hint: {hint}"));
    }
    start.exit_code()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_back_is_said_in_bytes() {
        let of = |after| text_of(&Compacted { file: "/state/roster.redb".into(), before: 9_000, after });
        assert_eq!(of(4_000), "/state/roster.redb: 9000 bytes before, 4000 bytes now, 5000 given back\n");
        assert_eq!(of(9_000), "/state/roster.redb: 9000 bytes, none of which could be given back\n");
    }
}
