//! What others find out: that this host has no network, and that the desktop of the daemon's session does not respond.

use roster_protocol::rule::Happening;
use tokio::sync::watch;

use super::{report, writable};
use crate::app::App;

/// Reports both, whenever one changes.
pub async fn watch(app: &App) {
    tokio::join!(
        follow(app, Happening::Network, app.network_lost.subscribe()),
        follow(app, Happening::Desktop, app.desktop_lost.subscribe())
    );
}

async fn follow(app: &App, event: Happening, mut lost: watch::Receiver<Option<String>>) {
    loop {
        let wrong = lost.borrow_and_update().clone();
        let is_stored = report(app, event, wrong).await;
        tokio::select! {
            changed = lost.changed() => if changed.is_err() { return },
            () = writable(app), if !is_stored => {}
        }
    }
}
