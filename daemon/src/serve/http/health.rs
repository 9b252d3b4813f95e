//! Alive and ready.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;

use crate::app::App;
use crate::sync::schedule::EARLIEST_PLAUSIBLE;

/// 200 while the process lives.
pub async fn alive() -> &'static str {
    "alive\n"
}

/// 200 when store and schedule work, else 503 with the reason.
pub async fn ready(State(app): State<Arc<App>>) -> (StatusCode, String) {
    match unready(&app) {
        None => (StatusCode::OK, "ready\n".to_owned()),
        Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")),
    }
}

/// Why it is not ready; `None` when it is.
pub(super) fn unready(app: &App) -> Option<String> {
    if let Some(reason) = app.degraded() {
        return Some(format!("the store cannot be written: {reason}"));
    }
    if app.clock.now() < EARLIEST_PLAUSIBLE {
        return Some("the clock is wrong: nothing is asked until it is set".to_owned());
    }
    app.ending.is_cancelled().then(|| "it is ending".to_owned())
}
