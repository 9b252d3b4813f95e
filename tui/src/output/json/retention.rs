//! JSON of `retention`: how long what was measured is kept.

use roster_protocol::retention as protocol;
use serde::Serialize;

use super::time;

/// What `retention` gives. Days that are null: without limit.
#[derive(Debug, Serialize)]
pub struct Retention {
    /// Null: nothing is deleted before it is chosen.
    chosen_at: Option<String>,
    snapshots_days: u32,
    runs_days: u32,
    audit_days: u32,
    next_at: Option<String>,
    platforms: Vec<Platform>,
}

#[derive(Debug, Serialize)]
struct Platform {
    platform: String,
    public_days: Option<u32>,
    consent_days: Option<u32>,
    after_consent_days: Option<u32>,
    terms: Option<String>,
    reason: Option<String>,
    /// What would be deleted now; null without `--dry-run`.
    counted: Option<Counted>,
}

#[derive(Debug, Serialize)]
struct Counted {
    accounts: u64,
    days_to_weeks: u64,
    days_deleted: u64,
    weeks_deleted: u64,
    reported_days_deleted: u64,
    until: Option<String>,
}

impl From<&protocol::Retention> for Retention {
    fn from(shown: &protocol::Retention) -> Self {
        Self {
            chosen_at: time(shown.chosen_at),
            snapshots_days: shown.snapshots_days,
            runs_days: shown.runs_days,
            audit_days: shown.audit_days,
            next_at: time(Some(shown.next_at)),
            platforms: shown.platforms.iter().map(Platform::from).collect(),
        }
    }
}

impl From<&protocol::PlatformRetention> for Platform {
    fn from(platform: &protocol::PlatformRetention) -> Self {
        Self {
            platform: platform.platform.clone(),
            public_days: platform.public_days,
            consent_days: platform.consent_days,
            after_consent_days: platform.after_consent_days,
            terms: platform.terms.clone(),
            reason: platform.reason.clone(),
            counted: platform.counted.map(|counted| Counted {
                accounts: counted.accounts,
                days_to_weeks: counted.days_to_weeks,
                days_deleted: counted.days_deleted,
                weeks_deleted: counted.weeks_deleted,
                reported_days_deleted: counted.reported_days_deleted,
                until: counted.until.map(|day| day.to_string()),
            }),
        }
    }
}
