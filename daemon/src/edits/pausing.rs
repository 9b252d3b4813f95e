//! Pausing and resuming a connection, an influencer, a platform, or everything.

use roster_protocol::audit::{PauseTarget, Who};
use roster_protocol::error::RosterError;
use roster_protocol::ids::ConnectionId;

use crate::app::App;
use crate::decision::pause;

/// Pauses or resumes, and returns the connections that it touches. A slot that passed meanwhile is caught up once.
///
/// # Errors
/// Nothing of that name.
pub async fn pause(app: &App, who: Who, target: PauseTarget, paused: bool) -> Result<Vec<ConnectionId>, RosterError> {
    app.decide(move |decision| pause::pause(decision, &who, &target, paused)).await
}
