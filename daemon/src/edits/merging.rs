//! Two entries that are one person.

use roster_protocol::audit::Who;
use roster_protocol::error::RosterError;
use roster_protocol::ids::InfluencerId;

use crate::app::App;
use crate::decision::merge;

/// Moves connections, tags, note and alerts of one influencer to another, then removes the first.
///
/// # Errors
/// No influencer of one of the names, or both are the same.
pub async fn merge(app: &App, who: Who, named: String, into: String) -> Result<InfluencerId, RosterError> {
    app.decide(move |decision| merge::merge(decision, &who, &named, &into)).await
}
