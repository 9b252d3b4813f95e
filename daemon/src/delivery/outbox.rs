//! The outbox: sends what is queued, at least once.
//!
//! Each receiver has a task of its own, so that one that does not respond delays no other. A message is sent only when what
//! queued it is durable, one at a time on a channel, and what became of it is stored before the next attempt. The time of
//! the next attempt is stored with each delivery; how a whole channel fares is in memory.

mod lane;
mod making;
mod pending;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::Mutex;
use roster_protocol::delivery::{Channel, ChannelKind, ChannelTest};
use roster_protocol::error::RosterError;
use roster_protocol::time::Timestamp;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::channels::{Made, Message, MessageKind, SendError};
use super::desktop;
use crate::app::App;
use crate::decision::deliveries;
use crate::model::{ChannelInfo, Routing};

/// The channels in use, by their keys.
pub type Channels = BTreeMap<String, Made>;

/// Channels, and how they fare.
pub struct Outbox {
    channels: watch::Sender<Arc<Channels>>,
    states: Mutex<BTreeMap<String, State>>,
    /// Whether this process can show something on a desktop.
    session: bool,
}

/// How a channel fares since the start.
#[derive(Clone, Debug, Default)]
struct State {
    delivered_at: Option<Timestamp>,
    last_error: Option<String>,
    /// Why nothing is sent on it any more.
    disabled: Option<String>,
    /// Attempts in a row that failed.
    failures: u32,
    /// When the next attempt may be made.
    not_before: Timestamp,
}

impl Outbox {
    /// These channels, on none of which anything was sent yet.
    pub fn new(channels: Channels, session: bool) -> Arc<Self> {
        Arc::new(Self { channels: watch::Sender::new(Arc::new(channels)), states: Mutex::default(), session })
    }

    /// Takes other channels into use. What failed is tried again by them.
    pub fn install(&self, channels: Channels) {
        for state in self.states.lock().values_mut() {
            *state = State { delivered_at: state.delivered_at, ..State::default() };
        }
        self.channels.send_replace(Arc::new(channels));
    }

    /// Every channel of the config.
    pub fn list(&self, app: &App) -> Vec<Channel> {
        let states = self.states.lock().clone();
        app.look(|roster| {
            let mut channels: BTreeMap<&str, Channel> = BTreeMap::new();
            for info in &roster.routing.channels {
                let state = states.get(&info.key).cloned().unwrap_or_default();
                let channel = channels.entry(&info.name).or_insert_with(|| nothing_yet(info));
                channel.pending += roster.deliveries.on(&info.key).count() as u64;
                let next = roster.deliveries.due_on(&info.key).next().and_then(|delivery| delivery.next_at);
                channel.next_at = channel.next_at.into_iter().chain(next).min();
                channel.delivered_at = channel.delivered_at.max(state.delivered_at);
                channel.last_error = channel.last_error.take().or(state.last_error);
                channel.disabled = channel.disabled.take().or(state.disabled);
            }
            channels.into_values().collect()
        })
    }

    /// Sends a test message on a channel, to all of its receivers.
    ///
    /// # Errors
    /// When there is no such channel.
    pub async fn test(&self, app: &App, name: &str) -> Result<ChannelTest, RosterError> {
        let keys: Vec<(String, ChannelKind)> =
            app.look(|roster| roster.routing.named(name).map(|channel| (channel.key.clone(), channel.kind)).collect());
        if keys.is_empty() {
            return Err(no_channel(name, &app.look(|roster| roster.routing.clone())));
        }
        let mut said = Vec::new();
        let mut delivered = true;
        for (key, kind) in keys {
            let result = self.test_one(app, &key, kind).await;
            delivered &= result.is_ok();
            said.push(result.unwrap_or_else(|error| error.to_string()));
        }
        Ok(ChannelTest { channel: name.to_owned(), delivered, said: said.join("; ") })
    }

    async fn test_one(&self, app: &App, key: &str, kind: ChannelKind) -> Result<String, SendError> {
        if kind == ChannelKind::Desktop {
            return desktop::test(app, self.session).await;
        }
        let made = self.channels.borrow().get(key).cloned();
        let gone = || SendError::Later { why: "its config was loaded again meanwhile".to_owned(), after: None };
        let made = made.ok_or_else(gone)?;
        let now = app.clock.now();
        let id = format!("test_{}_{:012x}", now.0, (app.share() * (1u64 << 48) as f64) as u64);
        let message = Message { id, kind: MessageKind::Test, at: now, alerts: Vec::new(), points: Vec::new() };
        let result = lane::send(&made, &message).await;
        app.meters.record_delivery(made.kind.kind, lane::outcome_of(&result));
        match &result {
            Ok(_) => self.works(app, key, now),
            // When the next message is sent does not depend on a test.
            Err(error) => self.settle(key, |state| state.last_error = Some(error.to_string())),
        }
        result
    }

    /// Records that a channel took something: it need not wait, and is used again.
    fn works(&self, app: &App, key: &str, now: Timestamp) {
        let works = State { delivered_at: Some(now), ..State::default() };
        self.states.lock().insert(key.to_owned(), works);
        app.deliveries.send_replace(());
    }

    /// Notes how a channel fares.
    fn settle(&self, key: &str, note: impl FnOnce(&mut State)) {
        note(self.states.lock().entry(key.to_owned()).or_default());
    }

    /// Has what a user wants sent now not wait for the channel.
    pub fn hurry(&self, app: &App, key: &str) {
        if let Some(state) = self.states.lock().get_mut(key) {
            (state.failures, state.not_before) = (0, Timestamp(0));
            state.disabled = None;
        }
        app.deliveries.send_replace(());
    }
}

fn nothing_yet(info: &ChannelInfo) -> Channel {
    Channel {
        name: info.name.clone(),
        kind: info.kind,
        pending: 0,
        next_at: None,
        delivered_at: None,
        last_error: None,
        disabled: None,
    }
}

/// That there is no channel of this name.
pub fn no_channel(name: &str, routing: &Routing) -> RosterError {
    let mut names: Vec<&str> = routing.channels.iter().map(|channel| channel.name.as_str()).collect();
    names.dedup();
    RosterError::not_found(format!("no channel is named {name:?}")).hint(format!("there is {}", names.join(", ")))
}

/// Sends on all channels until the daemon ends.
pub async fn run(app: Arc<App>, outbox: Arc<Outbox>) {
    let mut changed = outbox.channels.subscribe();
    let mut lanes = JoinSet::new();
    let mut running = BTreeSet::new();
    loop {
        let channels = changed.borrow_and_update().clone();
        give_up_gone(&app).await;
        for key in channels.keys().filter(|key| running.insert((*key).clone())) {
            lanes.spawn(lane::run(app.clone(), outbox.clone(), key.clone()));
        }
        tokio::select! {
            () = app.ending.cancelled() => return,
            changed = changed.changed() => if changed.is_err() { return },
            Some(ended) = lanes.join_next() => match ended {
                Ok(key) => drop(running.remove(&key)),
                // A lane catches panics of channels; one of its own would end all that is sent there.
                Err(error) => tracing::error!(%error, "a channel's task ended; the next load of the config begins it again"),
            },
        }
    }
}

/// Gives up what is pending on channels that left the config.
async fn give_up_gone(app: &App) {
    let gone = |app: &App| -> BTreeSet<String> {
        app.look(|roster| {
            let channels = roster.deliveries.channels().into_iter();
            channels.filter(|channel| roster.routing.channel(channel).is_none()).collect()
        })
    };
    let channels = gone(app);
    if channels.is_empty() {
        return;
    }
    let given_up = app.decide(|decision| {
        deliveries::abandon(decision, &channels, "the channel left the config");
        Ok(())
    });
    if let Err(error) = given_up.await {
        tracing::warn!(%error, "deliveries on channels that left the config could not be given up");
    }
}
