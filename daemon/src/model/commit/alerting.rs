//! What a commit writes of alerts.

use crate::model::{Alert, Delivery};

/// Alerts and their deliveries.
#[derive(Clone, Debug, Default)]
pub struct AlertingCommit {
    pub alerts: Vec<Alert>,
    pub deliveries: Vec<Delivery>,
    /// A uid, and the number up to which that user's desktop has shown all alerts.
    pub desktop_shown: Option<(u32, u64)>,
}
