//! JSON of `channels` and `deliveries`.

use roster_protocol::delivery;
use serde::Serialize;

use super::time;

/// What `channels list` gives.
#[derive(Debug, Serialize)]
pub struct ChannelList {
    pub channels: Vec<Channel>,
}

/// A channel; no secret is in it.
#[derive(Debug, Serialize)]
pub struct Channel {
    name: String,
    kind: &'static str,
    pending: u64,
    next_at: Option<String>,
    delivered_at: Option<String>,
    last_error: Option<String>,
    disabled: Option<String>,
}

impl From<&delivery::Channel> for Channel {
    fn from(channel: &delivery::Channel) -> Self {
        Self {
            name: channel.name.clone(),
            kind: channel.kind.as_str(),
            pending: channel.pending,
            next_at: time(channel.next_at),
            delivered_at: time(channel.delivered_at),
            last_error: channel.last_error.clone(),
            disabled: channel.disabled.clone(),
        }
    }
}

/// What `channels test` gives.
#[derive(Debug, Serialize)]
pub struct ChannelTest {
    channel: String,
    delivered: bool,
    said: String,
}

impl From<&delivery::ChannelTest> for ChannelTest {
    fn from(test: &delivery::ChannelTest) -> Self {
        Self { channel: test.channel.clone(), delivered: test.delivered, said: test.said.clone() }
    }
}

/// What `deliveries` gives.
#[derive(Debug, Serialize)]
pub struct DeliveryList {
    pub deliveries: Vec<Delivery>,
}

/// One notice of one alert on one channel.
#[derive(Debug, Serialize)]
pub struct Delivery {
    id: String,
    alert: String,
    channel: String,
    receiver: Option<String>,
    kind: &'static str,
    state: &'static str,
    attempts: u32,
    next_at: Option<String>,
    last_error: Option<String>,
    delivered_at: Option<String>,
    receipt: Option<String>,
}

impl From<&delivery::Delivery> for Delivery {
    fn from(delivery: &delivery::Delivery) -> Self {
        Self {
            id: delivery.id.to_string(),
            alert: delivery.alert.to_string(),
            channel: delivery.channel.clone(),
            receiver: delivery.receiver.clone(),
            kind: delivery.kind.as_str(),
            state: delivery.state.as_str(),
            attempts: delivery.attempts,
            next_at: time(delivery.next_at),
            last_error: delivery.last_error.clone(),
            delivered_at: time(delivery.delivered_at),
            receipt: delivery.receipt.clone(),
        }
    }
}
