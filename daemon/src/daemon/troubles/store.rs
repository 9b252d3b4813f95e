//! The store: while it cannot be written an alert says so from memory, and afterwards the record has from when to when.

use std::time::Duration;

use crate::app::{App, mending};
use crate::store::StoreError;

/// How long after it could not be recorded that is tried again.
const AGAIN: Duration = Duration::from_secs(5);

/// Reports whether it can be written, whenever that changes.
pub async fn watch(app: &App) {
    let mut state = app.store.watch_state();
    loop {
        let refusal = state.borrow_and_update().refusal();
        let is_recorded = match refusal {
            Some((error, _)) => {
                app.publish_unwritable(&reason(&error), format!("{error}; {}", mending(&error)));
                true
            }
            None => {
                let recorded = app.record_unwritable().await;
                recorded
                    .inspect_err(|error| tracing::warn!(%error, "an outage of the store could not be recorded"))
                    .is_ok()
            }
        };
        tokio::select! {
            changed = state.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(AGAIN), if !is_recorded => {}
        }
    }
}

/// Why it cannot be written, without that it cannot.
fn reason(error: &StoreError) -> String {
    match error {
        StoreError::Degraded { reason } => reason.clone(),
        other => other.to_string(),
    }
}
