//! The API's versions: which there are, and until when. Pure.

use roster_protocol::consent::PlatformCheck;
use roster_protocol::time::Timestamp;

use crate::platforms::consenting::found;
use crate::platforms::registry::ConfigProblem;

/// The newest known version, which is requested unless the operator sets another.
pub(in crate::platforms) const NEWEST: &str = "v27.0";

/// When each version ends, by the changelog as read on 2026-11-29; the newest one's end is not decided.
const ENDS: &[(&str, &str)] = &[
    ("v19.0", "2026-05-21"),
    ("v20.0", "2026-09-24"),
    ("v21.0", "2027-01-21"),
    ("v22.0", "2027-05-20"),
    ("v23.0", "2027-10-08"),
    ("v24.0", "2028-02-18"),
    ("v25.0", "2028-07-29"),
    ("v26.0", "2028-11-04"),
];

/// The version of a section, or the newest known.
pub(in crate::platforms) fn read_version(slug: &str, version: Option<String>) -> Result<String, ConfigProblem> {
    let version = version.unwrap_or_else(|| NEWEST.to_owned());
    match number(&version) {
        Some(_) => Ok(version),
        None => Err(ConfigProblem::of(slug, "version", format!("looks like {NEWEST}"))),
    }
}

/// `v27.0` as 27 and 0.
fn number(version: &str) -> Option<(u16, u16)> {
    let (major, minor) = version.strip_prefix('v')?.split_once('.')?;
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()) && text.len() <= 3;
    (plain(major) && plain(minor)).then_some((major.parse().ok()?, minor.parse().ok()?))
}

/// Whether a version is older than another one.
pub(in crate::platforms) fn is_older(version: &str, than: &str) -> bool {
    number(version) < number(than)
}

/// Whether a version lives, by the table.
pub(in crate::platforms) fn version_found(version: &str, now: Timestamp) -> PlatformCheck {
    let what = "API version";
    let today = now.to_string();
    let end = ENDS.iter().find(|(known, _)| *known == version).map(|(_, end)| *end);
    match end {
        Some(end) if *end <= *today => {
            found(what, Some(false), format!("{version} ended on {end}: set version = \"{NEWEST}\""))
        }
        Some(end) => found(what, Some(true), format!("{version} lives until {end}")),
        None if version == NEWEST => found(what, Some(true), format!("{version} is the newest one known here")),
        None if number(version) < number(ENDS[0].0) => {
            found(what, Some(false), format!("{version} ended long ago: set version = \"{NEWEST}\""))
        }
        None => found(what, None, format!("{version} is not known here; {NEWEST} is")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platforms::tests::world::NOW;

    #[test]
    fn versions_live_until_their_day() {
        let check = |version: &str, now: Timestamp, expected: Option<bool>| {
            assert_eq!(version_found(version, now).ok, expected, "{version} {now}");
        };
        check("v26.0", NOW, Some(true));
        check("v21.0", NOW, Some(true));
        check("v20.0", NOW, Some(false));
        check("v3.1", NOW, Some(false));
        check("v27.0", NOW, Some(true));
        check("v28.0", NOW, None);
        check("v21.0", NOW.plus_seconds(61 * 86_400), Some(false));
        assert_eq!(read_version("x", None).as_deref(), Ok(NEWEST));
        assert_eq!(["v22.0", "v23.0", "v3.1", "v27.0"].map(|it| is_older(it, "v23.0")), [true, false, true, false]);
        for bad in ["", "26.0", "v26", "v26.x", "v../..", "v.", "v26.0/me", "v9999.0"] {
            assert!(read_version("x", Some(bad.to_owned())).is_err(), "{bad}");
        }
    }
}
