//! Watches what the daemon itself depends on, and opens and resolves the alerts about it.

mod disk;
mod holder;
mod listener;
mod refusals;
mod store;

use std::sync::Arc;

use roster_protocol::rule::Happening;

use crate::app::App;
use crate::decision::troubles;
use crate::store::StoreState;

/// Watches until the daemon ends.
pub async fn run(app: Arc<App>) {
    tokio::select! {
        () = app.ending.cancelled() => {}
        _ = async { tokio::join!(listener::watch(&app), disk::watch(&app), store::watch(&app), refusals::watch(&app)) } => {}
    }
}

/// Opens an alert that says what is wrong, or resolves it when nothing is. `false`: that could not be stored.
async fn report(app: &App, event: Happening, wrong: Option<String>) -> bool {
    if !app.look(|roster| troubles::is_outdated(roster, event, wrong.is_some())) {
        return true;
    }
    let reported = app.decide(|decision| {
        troubles::follow(decision, event, wrong);
        Ok(())
    });
    let reported = reported.await;
    // That the store refuses writes is known without this.
    if let Err(error) = &reported
        && app.store.writable().is_ok()
    {
        tracing::warn!(%error, %event, "an alert about the daemon could not be stored");
    }
    reported.is_ok()
}

/// Waits until the store accepts writes; forever when the daemon ends before.
async fn writable(app: &App) {
    let mut state = app.store.watch_state();
    if state.wait_for(|state| *state == StoreState::Working).await.is_err() {
        std::future::pending::<()>().await;
    }
}
