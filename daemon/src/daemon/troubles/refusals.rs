//! Refusals at the socket: more than usual may be a user that tries what it may not, or a script that lost its role.

use roster_protocol::rule::Happening;

use super::{report, writable};
use crate::app::App;
use crate::app::refusals::{MANY, SHORT_MINUTES};

/// After so long without as many it is over.
const CALM_S: i64 = 2 * SHORT_MINUTES * 60;

/// Reports whether there are more than usual, whenever that changes.
pub async fn watch(app: &App) {
    let mut unusual = app.refusals.watch();
    loop {
        let over_at = unusual.borrow_and_update().map(|last| last.plus_seconds(CALM_S));
        let over_at = over_at.filter(|over_at| app.clock.now() < *over_at);
        let wrong = over_at.map(|_| {
            format!(
                "{MANY} connections and calls were refused at the socket within {SHORT_MINUTES} minutes: `roster audit` says \
                 whose, and `roster access` who may do what"
            )
        });
        let is_stored = report(app, Happening::Refusals, wrong).await;
        let calm = async {
            match over_at {
                Some(over_at) => app.clock.sleep_until(over_at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = unusual.changed() => if changed.is_err() { return },
            () = calm => {}
            () = writable(app), if !is_stored => {}
        }
    }
}
