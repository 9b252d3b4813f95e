//! Channels on which alerts leave, and their deliveries.

use serde::{Deserialize, Serialize};

use crate::ids::{AlertId, DeliveryId};
use crate::time::Timestamp;
use crate::words::words;

/// What a channel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ChannelKind {
    Desktop,
    Slack,
    Discord,
    /// A signed request to an endpoint of the user's own.
    Webhook,
    Email,
    Push,
}

words!(ChannelKind, "kind":
    Desktop = "desktop", Slack = "slack", Discord = "discord", Webhook = "webhook", Email = "email", Push = "push");

/// The state of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum DeliveryState {
    Pending,
    Delivered,
    /// Given up; a user can have it sent again.
    Dead,
    /// It was still waiting when the notice of a group took its place; a user can have it sent all the same.
    Superseded,
}

words!(DeliveryState, "state":
    Pending = "pending", Delivered = "delivered", Dead = "dead", Superseded = "superseded");

/// What a delivery says of its alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum DeliveryKind {
    /// It opened.
    Opened,
    /// It ended without a user.
    Resolved,
    /// It opened, and is about many accounts.
    Group,
    /// It is still not acknowledged.
    Escalated,
    /// It is about far more accounts than when that was last said.
    Grown,
}

words!(DeliveryKind, "kind":
    Opened = "opened", Resolved = "resolved", Group = "group", Escalated = "escalated", Grown = "grown");

impl DeliveryKind {
    /// Whether it says that the alert opened.
    pub fn is_opening(self) -> bool {
        matches!(self, DeliveryKind::Opened | DeliveryKind::Group)
    }
}

/// One notice of one alert on one channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    pub id: DeliveryId,
    pub alert: AlertId,
    /// The channel's name.
    pub channel: String,
    /// Which of the channel's receivers; `None` where it has one.
    pub receiver: Option<String>,
    pub kind: DeliveryKind,
    pub state: DeliveryState,
    /// How often it was sent, or tried to be, since it was queued or a user had it sent again.
    pub attempts: u32,
    /// When it is sent next; `None` unless it is pending.
    pub next_at: Option<Timestamp>,
    /// Why the last attempt failed, or why there is none.
    pub last_error: Option<String>,
    pub delivered_at: Option<Timestamp>,
    /// What the receiver said when it took it.
    pub receipt: Option<String>,
}

/// A channel in a list. No secret is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    pub name: String,
    pub kind: ChannelKind,
    /// How many deliveries are pending on it.
    pub pending: u64,
    /// When the next of them is sent.
    pub next_at: Option<Timestamp>,
    /// When it last took something, since the start of the daemon.
    pub delivered_at: Option<Timestamp>,
    /// Why the last attempt failed; `None` after one that succeeded.
    pub last_error: Option<String>,
    /// Why nothing is sent on it any more: its address is gone.
    pub disabled: Option<String>,
}

/// What became of a test message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelTest {
    pub channel: String,
    pub delivered: bool,
    /// What the receiver said, or why it was not delivered.
    pub said: String,
}
