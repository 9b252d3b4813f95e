//! Whether the daemon is alive, and whether it is ready.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;

use crate::app::App;
use crate::browse::overview;

/// Responds 200 while the process is alive.
pub async fn alive() -> &'static str {
    "alive\n"
}

/// Responds 200 when store and schedule work, else 503 with the reason; in both cases with a line for each trouble of the
/// daemon that stops neither.
pub async fn ready(State(app): State<Arc<App>>) -> (StatusCode, String) {
    let (code, first) = match overview::not_ready(&app) {
        None => (StatusCode::OK, "ready".to_owned()),
        Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, reason),
    };
    let troubles = overview::troubles(&app);
    let lines = troubles.iter().map(|trouble| format!("{}: {}\n", trouble.event, trouble.why));
    (code, std::iter::once(format!("{first}\n")).chain(lines).collect())
}
