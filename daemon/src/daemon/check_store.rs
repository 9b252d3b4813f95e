//! `rosterd check`: reads the whole store, changing nothing, and prints what is whole and what is damaged. The store of a daemon
//! that runs is read by that daemon.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use data_encoding::HEXLOWER;
use roster_protocol::stored::CheckedTable;
use roster_protocol::text::clean;
use roster_protocol::transport::{self, within};
use serde_json::{Value, json};

use super::StartError;
use crate::store::{Inspection, StoreError, inspect};

const WHOLE: u8 = 0;
const DAMAGED: u8 = 1;
/// As a start: another rosterd is needed.
const NEWER: u8 = 78;
/// How long a daemon may take to read all of its store: as long as a call may.
const LONGEST: Duration = transport::MAX_DEADLINE;
/// The longest error's text.
pub(super) const CHARACTERS: usize = 500;
const BACKUP: &str = "keep the file as it is; put a backup in its place, or what `rosterd repair` saves of it";

/// Checks the store in a directory, prints what was found, and returns the exit code.
pub fn check(state_dir: &Path, socket: &Path, as_json: bool) -> u8 {
    // The engine panics on some damaged pages, which is caught and is one of the findings.
    std::panic::set_hook(Box::new(|_| {}));
    let found = inspect(state_dir);
    drop(std::panic::take_hook());
    let found = match found {
        Err(error @ StoreError::InUse { .. }) => through_daemon(socket).ok_or(error),
        found => found,
    };
    let (code, out, err) = match &found {
        Ok(found) if as_json => (code_of(found), json_of(found).to_string(), String::new()),
        Ok(found) => (code_of(found), text_of(found), verdict(found)),
        Err(error) => failure(error, as_json),
    };
    if !out.is_empty() {
        println!("{}", out.trim_end());
    }
    eprint!("{err}");
    code
}

/// What the daemon that runs finds; `None` where none responds, or it does not let this user.
fn through_daemon(socket: &Path) -> Option<Inspection> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    let found = runtime.block_on(async {
        let client = transport::connect(socket).await.ok()?;
        client.check_store(within(LONGEST)).await.ok()?.ok()
    })?;
    eprintln!("note: read by the rosterd that runs; the checksums of pages are verified too when none does");
    Some(found.into())
}

fn code_of(found: &Inspection) -> u8 {
    if found.is_whole() {
        WHOLE
    } else if found.is_newer() {
        NEWER
    } else {
        DAMAGED
    }
}

/// What a store ends with that cannot even be opened.
fn failure(error: &StoreError, as_json: bool) -> (u8, String, String) {
    let message = clean(&error.to_string(), CHARACTERS);
    let start = StartError::from(error.clone());
    let (code, hint) = match error {
        StoreError::Damaged { .. } => (DAMAGED, Some(BACKUP)),
        StoreError::InUse { .. } => (
            start.exit_code(),
            Some(
                "it does not respond at the socket, or this user may not request that: give --socket, or end it first",
            ),
        ),
        _ => (start.exit_code(), start.hint()),
    };
    if as_json {
        let value = json!({"error": {"kind": "failed", "message": message, "hint": hint}});
        return (code, value.to_string(), String::new());
    }
    let hint = hint.map(|hint| format!("hint: {hint}\n")).unwrap_or_default();
    (code, String::new(), format!("error: {message}\n{hint}"))
}

/// A line for each table that is not empty, and one for each damaged row.
pub(super) fn text_of(found: &Inspection) -> String {
    let mut text = format!("{}, {} bytes", clean(&found.file.display().to_string(), CHARACTERS), found.bytes);
    let _ = match found.format {
        Some(format) => writeln!(text, ", format {format}"),
        None => writeln!(text),
    };
    let width = found.tables.iter().map(|table| table.name.len()).max().unwrap_or_default();
    for table in found.tables.iter().filter(|table| table.whole > 0 || !table.is_whole()) {
        let _ = writeln!(text, "  {:width$}  {}", table.name, words_of(table));
    }
    for row in &found.rows {
        let _ = writeln!(text, "damaged: {} {}", row.table, HEXLOWER.encode(&row.key));
    }
    for fault in &found.chain {
        let _ = writeln!(text, "audit log: {fault}");
    }
    if found.is_whole() {
        let rows: u64 = found.tables.iter().map(|table| table.whole).sum();
        let _ = writeln!(text, "everything is whole: {rows} records");
    }
    text
}

fn words_of(table: &CheckedTable) -> String {
    let mut words = format!("{} whole", table.whole);
    if table.damaged > 0 {
        let _ = write!(words, ", {} damaged", table.damaged);
    }
    if table.newer > 0 {
        let _ = write!(words, ", {} only for a newer rosterd", table.newer);
    }
    if let Some(why) = &table.unreachable {
        let _ = write!(words, ", others unreachable: {}", clean(why, CHARACTERS));
    }
    words
}

/// Why the store is not whole, and what to do.
fn verdict(found: &Inspection) -> String {
    if found.is_whole() {
        return String::new();
    }
    let file = clean(&found.file.display().to_string(), CHARACTERS);
    if found.is_newer() {
        return format!(
            "error: {file} holds records that only a newer rosterd can read\nhint: install that one again\n"
        );
    }
    let rows: u64 = found.tables.iter().map(|table| table.damaged).sum();
    let unreachable = found.tables.iter().filter(|table| table.unreachable.is_some()).count();
    let mut parts = Vec::new();
    if rows > 0 {
        parts.push(format!("{rows} damaged {}", if rows == 1 { "record" } else { "records" }));
    }
    if unreachable > 0 {
        parts.push(format!("{unreachable} {} in part unreachable", if unreachable == 1 { "table" } else { "tables" }));
    }
    if !found.chain.is_empty() {
        parts.push("the audit log is not what was written".to_owned());
    }
    parts.extend(found.file_damage.as_ref().map(|what| clean(what, CHARACTERS)));
    format!("error: the store is damaged: {file}: {}\nhint: {BACKUP}\n", parts.join(", "))
}

pub(super) fn json_of(found: &Inspection) -> Value {
    let tables = found.tables.iter().map(|table| {
        json!({
            "table": table.name, "whole": table.whole, "damaged": table.damaged, "newer": table.newer,
            "unreachable": table.unreachable.as_deref().map(|why| clean(why, CHARACTERS)),
        })
    });
    let rows = found.rows.iter().map(|row| json!({"table": row.table, "key": HEXLOWER.encode(&row.key)}));
    json!({
        "whole": found.is_whole(),
        "file": clean(&found.file.display().to_string(), CHARACTERS),
        "bytes": found.bytes,
        "format": found.format,
        "damage": found.file_damage.as_deref().map(|what| clean(what, CHARACTERS)),
        "tables": tables.collect::<Vec<_>>(),
        "damaged": rows.collect::<Vec<_>>(),
        "audit": found.chain,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_damaged_is_named_with_the_file_and_the_way_on() {
        let table = |name: &str, damaged, unreachable: Option<&str>| CheckedTable {
            name: name.to_owned(),
            whole: 7,
            damaged,
            newer: 0,
            unreachable: unreachable.map(str::to_owned),
        };
        let mut found = Inspection {
            file: "/state/roster.redb".into(),
            bytes: 4096,
            format: Some(3),
            tables: vec![table("runs", 0, None), CheckedTable { name: "empty".to_owned(), ..CheckedTable::default() }],
            rows: Vec::new(),
            chain: Vec::new(),
            file_damage: None,
        };
        assert_eq!((code_of(&found), verdict(&found).as_str()), (0, ""));
        let expected = "/state/roster.redb, 4096 bytes, format 3\n  runs   7 whole\neverything is whole: 7 records\n";
        assert_eq!(text_of(&found), expected);
        found.tables.push(table("audit", 1, Some("it makes no sense")));
        assert_eq!(code_of(&found), 1);
        assert!(text_of(&found).ends_with("  audit  7 whole, 1 damaged, others unreachable: it makes no sense\n"));
        let expected = "error: the store is damaged: /state/roster.redb: 1 damaged record, 1 table in part unreachable\n\
                        hint: keep the file as it is; put a backup in its place, or what `rosterd repair` saves of it\n";
        assert_eq!(verdict(&found), expected);
        assert_eq!(json_of(&found)["tables"][2]["damaged"], 1);
        found.tables.truncate(1);
        found.tables[0].newer = 1;
        assert_eq!(code_of(&found), 78);
    }
}
