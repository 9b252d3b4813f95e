//! What a run's failure says, and whether it is still true.

use roster_protocol::time::Timestamp;

use crate::model::{Connection, GrantState};
use crate::platforms::PlatformError;
use crate::roster::Roster;

/// A refusal for lack of a consent says nothing where the owner consented while the run was under way: it is no reason
/// to wait for the owner again, and the run is repeated soon.
pub(super) fn of_now(
    roster: &Roster,
    connection: &Connection,
    started_at: Timestamp,
    error: PlatformError,
) -> PlatformError {
    let lacks_consent = matches!(error, PlatformError::Unauthorized { .. } | PlatformError::MissingScope { .. });
    let grant = roster.consents.grant_of(connection.id).filter(|grant| grant.state == GrantState::Live);
    if lacks_consent && grant.is_some_and(|grant| grant.granted_at > started_at) {
        return PlatformError::Unexpected { what: "its owner consented while it was requested".to_owned() };
    }
    error
}

/// Why a run failed, and where the account has moved to, if it has.
pub(super) fn in_words(connection: &Connection, error: &PlatformError) -> (String, Option<String>) {
    let PlatformError::Moved { to } = error else { return (error.to_string(), None) };
    let new = to.as_deref().unwrap_or("NEW");
    let (platform, handle) = (&connection.platform, &connection.handle);
    (format!("{error}: `roster set {platform}:{handle} handle {new}` follows it"), to.clone())
}
