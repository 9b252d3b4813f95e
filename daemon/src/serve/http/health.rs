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

/// Responds 200 when store and schedule work, else 503 with the reason.
pub async fn ready(State(app): State<Arc<App>>) -> (StatusCode, String) {
    match overview::not_ready(&app) {
        None => (StatusCode::OK, "ready\n".to_owned()),
        Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")),
    }
}
