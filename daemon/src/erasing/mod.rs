//! Erasing influencers: the commit that takes them out, what is deleted after it, and the list that keeps older copies of the
//! store from bringing them back.
//!
//! One commit removes the influencer, destroys the key to what the audit log says of them, queues the revocations, and leaves
//! a tombstone that is not done. From then on nothing about them is shown, and a crash loses no step: whatever the tombstone
//! still lacks is done at the next start.

mod keeping;
pub mod list;
mod report;

use std::sync::Arc;

use roster_protocol::audit::Who;
use roster_protocol::erasure::Erasure;
use roster_protocol::error::RosterError;

pub use self::keeping::{replay, run, take_up};
pub use self::report::preview;
use crate::app::App;
use crate::decision::erase;

/// Erases an influencer, and says what was deleted and what that does not reach.
///
/// # Errors
/// No influencer of that name, or nothing can be stored: then nothing was changed.
pub async fn erase(app: &Arc<App>, who: Who, named: String) -> Result<Erasure, RosterError> {
    let before = preview(app, &named).await?;
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(|error| RosterError::failed(format!("no randomness: {error}")))?;
    let id = before.influencer.to_string();
    let tombstone = app.decide(move |decision| erase::erase(decision, &who, &id, salt)).await?;
    fail::fail_point!("erase.begun");
    tracing::info!(influencer = %tombstone.id(), "an influencer is erased");
    let pending = keeping::finish(app).await.err();
    let is_complete = app.look(|roster| roster.tombstones.get(&tombstone.id()).is_none_or(|it| it.is_done));
    Ok(Erasure { erased_at: Some(tombstone.at), is_complete, pending, ..before })
}
