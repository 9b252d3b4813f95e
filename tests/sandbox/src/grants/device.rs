//! Codes for devices without a browser: a person types one on another device.

use jiff::Timestamp;

/// One device's request and its state.
#[derive(Clone, Debug)]
pub struct Device {
    /// The device's own secret.
    pub code: String,
    /// What the person types: `ABCD-EFGH`.
    pub user_code: String,
    pub scopes: Vec<String>,
    pub expires_at: Timestamp,
    pub state: DeviceState,
    pub requested_at: Option<Timestamp>,
    /// Seconds between two polls.
    pub interval: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceState {
    Pending,
    Denied,
    /// The grant of that number.
    Granted(usize),
    /// Its tokens were fetched.
    Used,
}
