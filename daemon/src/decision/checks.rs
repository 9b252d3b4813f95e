//! What users type, as it may be stored.

use std::collections::HashSet;

use roster_protocol::error::RosterError;
use roster_protocol::folding::folded;
use roster_protocol::text;

use crate::roster::search_text::sort_key;

// A page of 256 rows with the longest of everything fits into one frame of 1 MiB.
/// The longest name; 80 characters of any script but the most ornate.
const NAME_BYTES: usize = 320;
/// The longest note.
pub const NOTE_BYTES: usize = 1000;
/// The longest tag.
const TAG_BYTES: usize = 60;
/// The longest name of a user; Linux has 32 characters at most, directories have more.
const USER_BYTES: usize = 64;
/// The most tags of one influencer.
const MOST_TAGS: usize = 20;

/// A name as it may be stored.
pub fn checked_name(name: &str) -> Result<String, RosterError> {
    match text::is_clean(name) && name.len() <= NAME_BYTES {
        true => Ok(name.to_owned()),
        false => Err(RosterError::usage("the name is empty, too long, or has characters that cannot be seen")
            .hint("use one line of up to 80 visible characters")),
    }
}

/// A tag as it may be stored: without the leading `#`.
pub fn checked_tag(tag: &str) -> Result<String, RosterError> {
    let tag = tag.trim_start_matches('#');
    match text::is_clean(tag) && tag.len() <= TAG_BYTES && !tag.contains(char::is_whitespace) {
        true => Ok(tag.to_owned()),
        false => Err(RosterError::usage(format!("{:?} is no tag", text::clean(tag, 40)))
            .hint("a tag is one word of visible characters")),
    }
}

/// A note as it may be stored; an empty one is none.
pub fn checked_note(note: &str) -> Result<Option<String>, RosterError> {
    let clean = text::clean(note, NOTE_BYTES);
    match clean == note.trim() && clean.len() <= NOTE_BYTES {
        true => Ok(Some(clean).filter(|note| !note.is_empty())),
        false => Err(RosterError::usage("the note is too long, or has characters that cannot be seen")
            .hint("use one line of visible characters, up to 1,000 bytes")),
    }
}

/// The name of a user of this host as it may be stored. Whether there is such a user is not checked: the service may see
/// other users than those who read the alerts.
pub fn checked_user(name: &str) -> Result<String, RosterError> {
    match text::is_clean(name) && name.len() <= USER_BYTES && !name.contains(char::is_whitespace) {
        true => Ok(name.to_owned()),
        false => Err(RosterError::usage(format!("{:?} is no user's name", text::clean(name, 40)))
            .hint("use a user's name as `id -un` prints it, up to 64 characters")),
    }
}

/// Tags in order, without doubles; of two spellings the first stays.
pub fn sorted_tags(mut tags: Vec<String>) -> Result<Vec<String>, RosterError> {
    let mut seen = HashSet::new();
    tags.retain(|tag| seen.insert(folded(tag)));
    tags.sort_by_cached_key(|tag| sort_key(tag));
    match tags.len() <= MOST_TAGS {
        true => Ok(tags),
        false => Err(RosterError::usage(format!("more than {MOST_TAGS} tags"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_in_two_spellings_is_one_and_tags_are_in_order() {
        let tags = ["zebra", "Émile", "Beauty", "beauty", "e\u{301}mile"].map(str::to_owned).to_vec();
        assert_eq!(sorted_tags(tags), Ok(["Beauty", "Émile", "zebra"].map(str::to_owned).to_vec()));
    }
}
