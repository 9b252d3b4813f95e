//! Refusals: more than usual may be a user that tries what it may not, a script that lost its role, or a stranger who tries
//! addresses of the listener.

use roster_protocol::rule::Happening;
use roster_protocol::time::Timestamp;

use super::{report, writable};
use crate::app::App;
use crate::app::refusals::{Entrance, MANY, SHORT_MINUTES};

/// After so long without as many it is over.
const CALM_S: i64 = 2 * SHORT_MINUTES * 60;

/// Reports whether there are more than usual, whenever that changes.
pub async fn watch(app: &App) {
    let mut unusual = app.refusals.watch();
    loop {
        let now = app.clock.now();
        let mut last: Vec<(Entrance, Timestamp)> = unusual.borrow_and_update().clone().into_iter().collect();
        last.retain(|(_, at)| now < at.plus_seconds(CALM_S));
        let over_at = last.iter().map(|(_, at)| at.plus_seconds(CALM_S)).min();
        let wrong = (!last.is_empty()).then(|| last.iter().map(|(at, _)| in_words(*at)).collect::<Vec<_>>().join("; "));
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

fn in_words(at: Entrance) -> String {
    let (what, advice) = match at {
        Entrance::Socket => {
            ("connections and calls were refused at the socket", ", and `roster access` who may do what")
        }
        Entrance::Pages => ("requests to the pages for owners were refused", ""),
        Entrance::Webhooks => ("requests to the addresses for platforms were refused", ""),
    };
    format!("{MANY} {what} within {SHORT_MINUTES} minutes: `roster audit` says whose and why{advice}")
}
