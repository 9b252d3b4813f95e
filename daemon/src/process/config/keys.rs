//! Which keys there are, and where in the file one is.

use toml::de::{DeArray, DeTable, DeValue};

use super::retention::OF_PLATFORM;
use super::{channels, rules};

/// Sections and keys of this version, from which an error suggests the nearest.
pub(crate) const KNOWN: [(&str, &[&str]); 13] = [
    ("http", &["listen", "metrics", "public_url"]),
    ("store", &["master_key_file", "master_key_passphrase_file", "free"]),
    (
        "sync",
        &[
            "interval",
            "daily_snapshot",
            "timezone",
            "concurrency",
            "concurrency_per_platform",
            "min_distance",
            "gateway",
        ],
    ),
    ("network", &["proxy", "ca_file"]),
    ("change", &["significant"]),
    ("retention", &["snapshots", "runs", "audit", "size"]),
    ("backup", &["to", "every", "keep", "recipient", "passphrase_file"]),
    ("access", &["viewer", "analyst", "admin"]),
    ("rules", &[]),
    ("log", &["level", "format"]),
    ("platforms", &[]),
    ("channels", &[]),
    ("routes", &[]),
];

/// The line of an offset in the text, from 1.
pub(super) fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

/// Finds the first key that this version does not have: its offset, and what to write instead.
pub(super) fn check_keys(tree: &DeTable<'_>) -> Result<(), (usize, String)> {
    let sections: Vec<&str> = KNOWN.iter().map(|(section, _)| *section).collect();
    for (section, value) in tree {
        let (name, offset) = (section.get_ref().as_ref(), section.span().start);
        let Some((_, keys)) = KNOWN.iter().find(|(known, _)| *known == name) else {
            return Err((offset, unknown("section", name, name, &sections)));
        };
        if name == "routes" {
            channels::check_route_keys(value.get_ref())?;
        }
        let DeValue::Table(table) = value.get_ref() else { continue };
        if name == "rules" {
            rules::check_keys(table)?;
        }
        if name == "channels" {
            channels::check_keys(table)?;
        }
        for (key, value) in table.iter().filter(|_| !keys.is_empty()) {
            let table_name = key.get_ref();
            if let ("retention", DeValue::Table(of_platform)) = (name, value.get_ref()) {
                if let Some((key, _)) =
                    of_platform.iter().find(|(key, _)| !OF_PLATFORM.contains(&key.get_ref().as_ref()))
                {
                    let path = format!("{name}.{}.{}", table_name, key.get_ref());
                    return Err((key.span().start, unknown("key", &path, key.get_ref(), &OF_PLATFORM)));
                }
                continue;
            }
            if !keys.contains(&key.get_ref().as_ref()) {
                let path = format!("{name}.{}", key.get_ref());
                return Err((key.span().start, unknown("key", &path, key.get_ref(), keys)));
            }
        }
    }
    Ok(())
}

/// That a name is not known, with the nearest that is.
pub(super) fn unknown(what: &str, path: &str, name: &str, known: &[&str]) -> String {
    let distance = |candidate: &&&str| strsim::osa_distance(candidate, name);
    // Of a name that was begun the rest is missing.
    let order = |candidate: &&&str| (!candidate.starts_with(name), distance(candidate));
    let is_near = |nearest: &&&str| nearest.starts_with(name) || distance(nearest) <= name.len() / 2 + 1;
    match known.iter().min_by_key(order).filter(is_near) {
        Some(nearest) => format!("unknown {what} {path}; did you mean {nearest}?"),
        None => format!("unknown {what} {path}; known are {}", known.join(", ")),
    }
}

/// The offset of a dotted key in the text.
pub(super) fn offset_of(tree: &DeTable<'_>, key: &str) -> Option<usize> {
    let (first, rest) = key.split_once('.').map_or((key, None), |(first, rest)| (first, Some(rest)));
    let (found, value) = tree.iter().find(|(name, _)| name.get_ref().as_ref() == first)?;
    match (rest, value.get_ref()) {
        (Some(rest), DeValue::Table(table)) => offset_of(table, rest).or(Some(found.span().start)),
        (Some(rest), DeValue::Array(list)) => offset_in(list, rest).or(Some(found.span().start)),
        _ => Some(found.span().start),
    }
}

/// The offset of `2.key` in a list of tables.
fn offset_in(list: &DeArray<'_>, key: &str) -> Option<usize> {
    let (index, rest) = key.split_once('.')?;
    let found = list.get(index.parse::<usize>().ok()?)?;
    let DeValue::Table(table) = found.get_ref() else { return None };
    offset_of(table, rest).or(Some(found.span().start))
}

/// What the parser says of a value of the wrong type, in words that are no code.
pub(super) fn plain(message: &str) -> String {
    let Some((found, expected)) = message.split_once(", expected ") else { return message.to_owned() };
    let expected = match expected {
        "a map" => "a section with keys",
        "a sequence" => "a list such as [\"x\"]",
        "a string" => "text in quotes",
        "a boolean" => "true or false",
        "f64" => "a number",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number from 0",
        raw if raw.starts_with("struct Raw") => "a section with keys",
        other => other,
    };
    format!("{found}: write {expected}")
}
