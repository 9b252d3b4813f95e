//! What a commit writes of alerts.

use roster_protocol::ids::SilenceId;
use roster_protocol::rule::Rule;
use roster_protocol::silence::Silence;

use crate::model::{Alert, AlertsSince, Delivery, DeliveryKey, ReadMarks};

/// Alerts, their deliveries, the rules that open them, and what is not delivered.
#[derive(Clone, Debug, Default)]
pub struct AlertingCommit {
    pub alerts: Vec<Alert>,
    pub deliveries: Vec<Delivery>,
    /// Pending ones that are not to be sent any more.
    pub dropped: Vec<DeliveryKey>,
    /// A uid, and the number up to which that user's desktop has shown all alerts.
    pub desktop_shown: Option<(u32, u64)>,
    /// What a user has read from now on.
    pub read_marks: Option<ReadMarks>,
    /// Since when there are alerts about moves, once that is decided.
    pub since: Option<AlertsSince>,
    /// Rules that users made or changed; each replaces that of its name.
    pub rules: Vec<Rule>,
    /// By name.
    pub removed_rules: Vec<String>,
    /// Silences that begin or change.
    pub silences: Vec<Silence>,
    /// Those that are over.
    pub removed_silences: Vec<SilenceId>,
}
