//! One channel's task: what is due there is sent, one message after the other.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use roster_protocol::error::RosterError;
use roster_protocol::text::{SENTENCE_CHARACTERS, clean};
use roster_protocol::time::Timestamp;

use super::making::{self, Written};
use super::pending::{Next, next};
use super::{Outbox, State};
use crate::app::App;
use crate::decision::deliveries::{self, Failure, Taken};
use crate::delivery::channels::{Made, Message, SendError};
use crate::meters::Delivered;
use crate::model::{Delivery, DeliveryKey, LogName};

/// The longest an attempt may take, whatever the channel's own limits are.
const SEND_LIMIT: Duration = Duration::from_secs(300);
/// How long a channel waits after failures in a row, in seconds: one message after the other probes it.
const PAUSES_S: [i64; 3] = [5, 30, 300];
/// How long after a failure of the store it is tried again.
const STORE_PAUSE_S: i64 = 5;

/// Sends what is queued on a channel until it leaves the config or the daemon ends; returns its key.
pub async fn run(app: Arc<App>, outbox: Arc<Outbox>, key: String) -> String {
    let mut woken = app.deliveries.subscribe();
    let mut changed = outbox.channels.subscribe();
    loop {
        woken.mark_unchanged();
        let made = changed.borrow_and_update().get(&key).cloned();
        let Some(made) = made else { return key };
        let wake_at = step(&app, &outbox, &key, made).await;
        tokio::select! {
            () = app.ending.cancelled() => return key,
            woken = woken.changed() => if woken.is_err() { return key },
            changed = changed.changed() => if changed.is_err() { return key },
            () = app.clock.sleep_until(wake_at) => {}
        }
    }
}

/// Does what is to be done next; returns when there is more.
async fn step(app: &Arc<App>, outbox: &Arc<Outbox>, key: &str, made: Made) -> Timestamp {
    let now = app.clock.now();
    let state = outbox.states.lock().get(key).cloned().unwrap_or_default();
    let look = || app.look(|roster| next(roster, key, made.kind.gathers, now));
    let found = look();
    if let Next::Wait(until) = found {
        return until;
    }
    if let Some(why) = &state.disabled {
        return give_up_all(app, key, why).await;
    }
    if now < state.not_before {
        return state.not_before;
    }
    // Memory is ahead of the disk: nothing is sent of what may yet be lost.
    app.store.writer_responds().await;
    if app.wait_until_current().await.is_err() {
        return now.plus_seconds(STORE_PAUSE_S);
    }
    if look() != found {
        return now;
    }
    match found {
        Next::Wait(until) => until,
        Next::Drop(keys) => decided(app, |decision| deliveries::drop_seen(decision, keys.clone())).await,
        Next::Gather(keys) => decided(app, |decision| deliveries::gather(decision, &keys)).await,
        Next::Send(deliveries) => {
            let (owned, outbox, key) = (app.clone(), outbox.clone(), key.to_owned());
            let attempt = async move { Ok(attempt(&owned, &outbox, &key, &made, deliveries).await) };
            // It ends in an orderly way when the daemon does.
            app.own(attempt).await.unwrap_or(now.plus_seconds(STORE_PAUSE_S))
        }
    }
}

/// Makes a decision; returns when to go on: at once, or when the store may work again.
async fn decided(app: &App, decide: impl Fn(&mut crate::decision::Decision<'_>)) -> Timestamp {
    let result: Result<(), RosterError> = app
        .decide(|decision| {
            decide(decision);
            Ok(())
        })
        .await;
    let now = app.clock.now();
    if result.is_ok() { now } else { now.plus_seconds(STORE_PAUSE_S) }
}

async fn give_up_all(app: &App, key: &str, why: &str) -> Timestamp {
    let channels = BTreeSet::from([key.to_owned()]);
    decided(app, |decision| deliveries::abandon(decision, &channels, why)).await
}

/// Sends a message once, and stores what became of it; returns when to go on.
async fn attempt(app: &App, outbox: &Outbox, key: &str, made: &Made, deliveries: Vec<Delivery>) -> Timestamp {
    let at = app.clock.now();
    let named = app.look(|roster| LogName::of(&roster.routing, key));
    let keys: Vec<DeliveryKey> = deliveries.iter().map(|delivery| delivery.key.clone()).collect();
    let Written { message, members } = match making::message(app, &deliveries, at).await {
        Ok(Some(written)) => written,
        Ok(None) => {
            let failure = Failure { why: "its alert is gone".to_owned(), after: None, is_final: true };
            return decided(app, |decision| deliveries::failed(decision, &keys, &failure)).await;
        }
        Err(error) => {
            tracing::warn!(%error, channel = %named, "what is to be sent cannot be read");
            return at.plus_seconds(STORE_PAUSE_S);
        }
    };
    let result = send(made, &message).await;
    app.meters.record_delivery(made.kind.kind, outcome_of(&result));
    outbox.settle(key, |state| settle(state, &named, made, app.clock.now(), &result));
    let result = result.map(|receipt| Taken { receipt, members }).map_err(|error| failure(&error));
    // Until it is stored what became of it, nothing else is sent here.
    loop {
        let wait_until = match &result {
            Ok(taken) => decided(app, |decision| deliveries::delivered(decision, &keys, taken)).await,
            Err(failure) => decided(app, |decision| deliveries::failed(decision, &keys, failure)).await,
        };
        let now = app.clock.now();
        if wait_until <= now {
            return now;
        }
        app.clock.sleep_until(wait_until).await;
    }
}

/// Sends a message within the limit; a channel that panics is one that did not respond.
pub async fn send(made: &Made, message: &Message) -> Result<String, SendError> {
    let sent = AssertUnwindSafe(made.channel.send(message)).catch_unwind();
    match tokio::time::timeout(SEND_LIMIT, sent).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(SendError::Unsure { why: "the channel failed badly; the log has more".to_owned() }),
        Err(_) => Err(SendError::Unsure { why: "no response within five minutes".to_owned() }),
    }
}

/// What an attempt is counted as.
pub fn outcome_of(result: &Result<String, SendError>) -> Delivered {
    match result {
        Ok(_) => Delivered::Taken,
        Err(SendError::Later { .. }) => Delivered::Later,
        Err(SendError::Unsure { .. }) => Delivered::Unsure,
        Err(SendError::Refused { .. }) => Delivered::Refused,
    }
}

fn failure(error: &SendError) -> Failure {
    let (why, after, is_final) = match error {
        SendError::Later { why, after } => (why, *after, false),
        SendError::Unsure { why } => (why, None, false),
        SendError::Refused { why, .. } => (why, None, true),
    };
    Failure { why: clean(why, SENTENCE_CHARACTERS), after, is_final }
}

/// Notes how the channel fares: when the next message may be sent, and whether any is.
fn settle(state: &mut State, named: &LogName, made: &Made, now: Timestamp, result: &Result<String, SendError>) {
    let gap = i64::try_from(made.kind.gap.as_millis()).unwrap_or(0);
    let after = |ms: i64| Timestamp(now.0.saturating_add(ms));
    let was_failing = state.failures > 0;
    match result {
        Ok(_) => {
            *state = State { delivered_at: Some(now), not_before: after(gap), ..State::default() };
            if was_failing {
                tracing::info!(channel = %named, "the channel takes messages again");
            }
        }
        // The message was at fault, not the channel.
        Err(SendError::Refused { why, disables: false }) => {
            state.not_before = after(gap);
            state.last_error = Some(clean(why, SENTENCE_CHARACTERS));
            let why = named.without_receiver(why);
            tracing::warn!(channel = %named, why, "a message was refused for good: `roster deliveries` lists it");
        }
        Err(SendError::Refused { why, disables: true }) => {
            state.last_error = Some(clean(why, SENTENCE_CHARACTERS));
            state.disabled = state.last_error.clone();
            let why = named.without_receiver(why);
            tracing::error!(channel = %named, why, "the channel's address is gone: nothing more is sent there");
        }
        Err(error) => {
            let pause = PAUSES_S[(state.failures as usize).min(PAUSES_S.len() - 1)] * 1000;
            let requested =
                failure(error).after.map_or(0, |after| i64::try_from(after.as_millis()).unwrap_or(i64::MAX));
            state.failures = state.failures.saturating_add(1);
            state.not_before = after(pause.max(requested));
            state.last_error = Some(failure(error).why);
            if !was_failing {
                let why = named.without_receiver(&error.to_string());
                tracing::warn!(channel = %named, why, "a message could not be delivered; it is sent again");
            }
        }
    }
}
