//! `[retention]`: how long what was measured is kept, and how large the store may become.

use std::collections::BTreeMap;

use jiff::civil;
use roster_protocol::text::clean;
use serde::Deserialize;

use super::Problem;

/// `[retention]`: how long what was measured is kept.
#[derive(Clone, Debug)]
pub struct Retention {
    /// How many days snapshots stay days, before they become weeks.
    pub snapshots_days: u32,
    /// How many days runs stay, before they become sums of their days.
    pub runs_days: u32,
    /// How many days lines of the audit log stay.
    pub audit_days: u32,
    /// The size of the store's file from which on there are warnings.
    pub size_bytes: Option<u64>,
    /// What differs from the terms of platforms, by slug. Whether there are such platforms is for the caller to check.
    pub platforms: BTreeMap<String, KeptOtherwise>,
}

/// `[retention.SLUG]`: what is kept otherwise than a platform's terms say, and why that is in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptOtherwise {
    /// What was measured without a consent.
    pub public: Option<Kept>,
    /// What was measured with one.
    pub consent: Option<Kept>,
    /// The same from the end of the consent on.
    pub after_consent: Option<Kept>,
    pub reason: String,
}

/// How long something is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    Days(u32),
    Forever,
}

/// Its keys are checked before, because tables of platforms are among them.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct RawRetention {
    snapshots: Option<String>,
    runs: Option<String>,
    audit: Option<String>,
    size: Option<String>,
    #[serde(flatten)]
    platforms: BTreeMap<String, RawKeptOtherwise>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RawKeptOtherwise {
    public: Option<String>,
    consent: Option<String>,
    after_consent: Option<String>,
    reason: Option<String>,
}

/// The keys of `[retention.SLUG]`.
pub const OF_PLATFORM: [&str; 4] = ["public", "consent", "after_consent", "reason"];

impl RawRetention {
    pub(super) fn check(self) -> Result<Retention, Problem> {
        let days = |key, text: Option<String>, usual: &str, least: u32| {
            let days = kept_days(text.as_deref().unwrap_or(usual)).map_err(|message| (key, message))?;
            match days >= least {
                true => Ok(days),
                false => Err((key, format!("{days} days are too few: what is shown of them needs {least}"))),
            }
        };
        let size = self.size.map(|text| size(&text)).transpose().map_err(|message| ("retention.size", message))?;
        let platforms = self.platforms.into_iter().map(|(slug, kept)| Ok((slug, kept.check()?)));
        Ok(Retention {
            // As long as a year is compared with the year before.
            snapshots_days: days("retention.snapshots", self.snapshots, "2y", 62)?,
            runs_days: days("retention.runs", self.runs, "90d", 2)?,
            audit_days: days("retention.audit", self.audit, "2y", 30)?,
            size_bytes: size,
            platforms: platforms.collect::<Result<_, Problem>>()?,
        })
    }
}

impl RawKeptOtherwise {
    fn check(self) -> Result<KeptOtherwise, Problem> {
        let kept = |text: Option<String>| match text.as_deref() {
            None => Ok(None),
            Some("forever") => Ok(Some(Kept::Forever)),
            Some(text) => kept_days(text).map(|days| Some(Kept::Days(days))),
        };
        let kept = |text| kept(text).map_err(|message| ("retention", format!("{message}; or \"forever\"")));
        let reason = self.reason.map(|reason| clean(reason.trim(), 300)).filter(|reason| !reason.is_empty());
        let reason = reason.ok_or_else(|| {
            (
                "retention",
                "what is kept otherwise than a platform's terms say needs a reason: add reason = \"…\"".to_owned(),
            )
        })?;
        Ok(KeptOtherwise {
            public: kept(self.public)?,
            consent: kept(self.consent)?,
            after_consent: kept(self.after_consent)?,
            reason,
        })
    }
}

/// Parses a length such as `2y`, `18mo`, `90d`, in days.
fn kept_days(text: &str) -> Result<u32, String> {
    let wrong = || format!("{text:?} is no length of time: write \"2y\", \"18mo\" or \"90d\"");
    let span: jiff::Span = text.parse().map_err(|_| wrong())?;
    // Years and months have the days of most years and months.
    let from = civil::date(2001, 1, 1);
    let to = from.checked_add(span).map_err(|_| wrong())?;
    let days = from.until(to).map_err(|_| wrong())?.get_days();
    u32::try_from(days).map_err(|_| wrong())
}

/// Parses a size such as `500MB`, `10GB`, in bytes.
pub(super) fn size(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is no size: write \"500MB\" or \"10GB\"");
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits].parse().map_err(|_| wrong())?;
    let unit = match text[digits..].trim() {
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        _ => return Err(wrong()),
    };
    number.checked_mul(unit).filter(|bytes| *bytes > 0).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    fn parse(text: &str) -> Result<Retention, String> {
        Config::parse(text, "x.toml").map(|config| config.retention).map_err(|error| error.to_string())
    }

    #[test]
    fn lengths_and_sizes_have_the_usual_forms() {
        let usual = parse("").expect("the defaults");
        assert_eq!((usual.snapshots_days, usual.runs_days, usual.audit_days, usual.size_bytes), (730, 90, 730, None));
        let own = parse("[retention]\nsnapshots = \"18mo\"\nruns = \"30d\"\nsize = \"10GB\"").expect("a config");
        assert_eq!((own.snapshots_days, own.runs_days, own.size_bytes), (546, 30, Some(10_000_000_000)));
        let check = |line: &str, expected: &str| {
            let error = parse(&format!("[retention]\n{line}")).expect_err(line);
            assert!(error.starts_with("x.toml:2: ") && error.contains(expected), "{error}");
        };
        check("snapshots = \"30d\"", "30 days are too few: what is shown of them needs 62");
        check("audit = \"7d\"", "7 days are too few");
        check("snapshots = \"-2y\"", "no length of time");
        check("snapshots = \"soon\"", "write \"2y\", \"18mo\" or \"90d\"");
        check("size = \"10\"", "write \"500MB\" or \"10GB\"");
        check("size = \"0GB\"", "no size");
        check("size = \"99999999999999999999GB\"", "no size");
        check("snapshot = \"2y\"", "did you mean snapshots?");
        check("youtube = 5", "unknown key retention.youtube");
    }

    #[test]
    fn what_differs_from_a_platforms_terms_needs_a_reason() {
        let text = |lines: &str| format!("[retention.youtube]\n{lines}\n");
        let kept =
            parse(&text("public = \"90d\"\nafter_consent = \"forever\"\nreason = \"audited 2026-06\"")).expect("kept");
        let expected = KeptOtherwise {
            public: Some(Kept::Days(90)),
            consent: None,
            after_consent: Some(Kept::Forever),
            reason: "audited 2026-06".to_owned(),
        };
        assert_eq!(kept.platforms["youtube"], expected);
        let refused = |lines: &str| parse(&text(lines)).expect_err(lines);
        assert!(refused("public = \"90d\"").contains("needs a reason"));
        assert!(refused("public = \"90d\"\nreason = \"  \"").contains("needs a reason"));
        assert!(refused("public = \"soon\"\nreason = \"x\"").contains("or \"forever\""));
        assert!(refused("publik = \"90d\"\nreason = \"x\"").contains("did you mean public?"));
    }
}
