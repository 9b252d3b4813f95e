//! How long what was measured is kept, and what becomes of the rest.

use serde::{Deserialize, Serialize};

use crate::time::{Date, Timestamp};

/// What applies to everything that is measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// When what is deleted was chosen; `None`: it was not, and nothing is deleted from this store before.
    pub chosen_at: Option<Timestamp>,
    /// How many days stay days, before they become weeks.
    pub snapshots_days: u32,
    /// How many days runs stay, before they become sums of their days.
    pub runs_days: u32,
    /// How many days lines of the audit log stay.
    pub audit_days: u32,
    /// When it is done next, once it was chosen.
    pub next_at: Timestamp,
    /// Every platform, by slug.
    pub platforms: Vec<PlatformRetention>,
}

/// What applies to one platform. Days that are `None`: without limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformRetention {
    pub platform: String,
    /// How many days numbers are kept that were read without a consent.
    pub public_days: Option<u32>,
    /// The same of those that were read with one.
    pub consent_days: Option<u32>,
    /// The same from the end of the consent on.
    pub after_consent_days: Option<u32>,
    /// Where its terms say so; `None` where they give no number of days.
    pub terms: Option<String>,
    /// Why the config says otherwise; `None` where it does not.
    pub reason: Option<String>,
    /// What would become of its numbers now; `None` when that was not requested.
    pub counted: Option<Counted>,
}

/// What becomes of days and weeks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// Accounts that it concerns.
    pub accounts: u64,
    /// Days that become parts of weeks.
    pub days_to_weeks: u64,
    /// Days of which measured numbers are deleted.
    pub days_deleted: u64,
    /// Weeks that are deleted.
    pub weeks_deleted: u64,
    /// Days of which what the platform reported to the owner is deleted.
    pub reported_days_deleted: u64,
    /// The last day that is deleted.
    pub until: Option<Date>,
}

/// Where a history ends because no more is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryLimit {
    /// Measured numbers of the days before this one are deleted.
    pub from: Date,
    /// Why, in a sentence.
    pub why: String,
}
