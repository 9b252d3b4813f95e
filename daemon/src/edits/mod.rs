//! What people change, each one decision with its line in the audit log.

pub mod acknowledging;
pub mod asking;
pub mod connections;
pub mod influencers;
pub mod logging;
pub mod merging;
pub mod pausing;
pub mod record;

use roster_protocol::audit::Who;
use roster_protocol::error::RosterError;
use roster_protocol::text;

use crate::decision::Decision;
use crate::model::{AuditLine, Connection, Influencer};

// A page of 256 rows with the longest of everything fits into one frame of 1 MiB.
/// The longest name; 80 characters of any script but the most ornate.
const NAME_BYTES: usize = 320;
/// The longest note.
const NOTE_BYTES: usize = 1000;
/// The longest tag.
const TAG_BYTES: usize = 60;
/// The most tags of one influencer.
const MOST_TAGS: usize = 20;

/// A line of the audit log about something a person did.
pub fn audit(decision: &Decision<'_>, who: &Who, action: &str, on: String) -> AuditLine {
    AuditLine {
        at: decision.now,
        who: Some(who.clone()),
        action: action.to_owned(),
        on,
        old: None,
        new: None,
        cause: "person".to_owned(),
    }
}

/// The same with what it was and what it is.
pub fn audit_change(
    decision: &Decision<'_>,
    who: &Who,
    action: &str,
    on: String,
    old: String,
    new: String,
) -> AuditLine {
    AuditLine { old: Some(old), new: Some(new), ..audit(decision, who, action, on) }
}

pub fn influencer_named(influencer: &Influencer) -> String {
    format!("{} {}", influencer.id, influencer.name)
}

pub fn connection_named(connection: &Connection) -> String {
    format!("{} {}:{}", connection.id, connection.platform, connection.handle)
}

/// A name as it may be stored.
fn checked_name(name: &str) -> Result<String, RosterError> {
    match text::is_clean(name) && name.len() <= NAME_BYTES {
        true => Ok(name.to_owned()),
        false => Err(RosterError::usage("the name is empty, too long, or has characters that cannot be seen")
            .hint("use one line of up to 80 visible characters")),
    }
}

/// A tag as it may be stored: without the leading `#`.
fn checked_tag(tag: &str) -> Result<String, RosterError> {
    let tag = tag.trim_start_matches('#');
    match text::is_clean(tag) && tag.len() <= TAG_BYTES && !tag.contains(char::is_whitespace) {
        true => Ok(tag.to_owned()),
        false => Err(RosterError::usage(format!("{:?} is no tag", text::clean(tag, 40)))
            .hint("a tag is one word of visible characters")),
    }
}

/// A note as it may be stored; an empty one is none.
fn checked_note(note: &str) -> Result<Option<String>, RosterError> {
    let clean = text::clean(note, NOTE_BYTES);
    match clean == note.trim() && clean.len() <= NOTE_BYTES {
        true => Ok(Some(clean).filter(|note| !note.is_empty())),
        false => Err(RosterError::usage("the note is too long, or has characters that cannot be seen")
            .hint("use one line of visible characters, up to 1,000 bytes")),
    }
}

/// Tags in order, without doubles.
fn sorted_tags(mut tags: Vec<String>) -> Result<Vec<String>, RosterError> {
    tags.sort();
    tags.dedup();
    match tags.len() <= MOST_TAGS {
        true => Ok(tags),
        false => Err(RosterError::usage(format!("more than {MOST_TAGS} tags"))),
    }
}
