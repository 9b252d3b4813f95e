//! What a commit writes of alerts.

use crate::model::{Alert, Delivery};

/// Alerts and their ways out.
#[derive(Clone, Debug, Default)]
pub struct AlertingCommit {
    pub alerts: Vec<Alert>,
    pub deliveries: Vec<Delivery>,
    /// A user's desktop has shown all alerts up to this number.
    pub desktop_shown: Option<(u32, u64)>,
}
