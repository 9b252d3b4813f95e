//! Watches what the daemon itself depends on, and opens and resolves the alerts about it.

mod clock;
mod descriptors;
mod disk;
mod holder;
mod listener;
mod lost;
mod refusals;
mod store;

use std::collections::BTreeMap;
use std::sync::Arc;

use roster_protocol::rule::Happening;

use crate::app::App;
use crate::decision::troubles;
use crate::store::StoreState;

/// Watches until the daemon ends.
pub async fn run(app: Arc<App>) {
    tokio::select! {
        () = app.ending.cancelled() => {}
        _ = watch(&app) => {}
    }
}

async fn watch(app: &App) {
    let host = async { tokio::join!(disk::watch(app), clock::watch(app), descriptors::watch(app), lost::watch(app)) };
    tokio::join!(listener::watch(app), store::watch(app), refusals::watch(app), host);
}

/// Has the status say what is wrong, and opens an alert about it; resolves that when nothing is. `false`: it could not be
/// stored.
async fn report(app: &App, event: Happening, wrong: Option<String>) -> bool {
    know(&mut app.troubles.lock(), event, wrong.as_ref());
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

fn know(troubles: &mut BTreeMap<Happening, String>, event: Happening, wrong: Option<&String>) {
    match wrong {
        Some(why) => drop(troubles.insert(event, why.clone())),
        None => drop(troubles.remove(&event)),
    }
}

/// Waits until the store accepts writes; forever when the daemon ends before.
async fn writable(app: &App) {
    let mut state = app.store.watch_state();
    if state.wait_for(|state| *state == StoreState::Working).await.is_err() {
        std::future::pending::<()>().await;
    }
}
