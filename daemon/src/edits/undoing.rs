//! Taking back what a user changed.

use roster_protocol::audit::Who;
use roster_protocol::error::RosterError;
use roster_protocol::undo::Undone;

use crate::app::App;
use crate::decision::undo;

/// Takes a user's newest change of the last day back; `None`: there is none.
///
/// # Errors
/// One that was changed again meanwhile, or whose subject is gone: it is passed over from then on.
pub async fn undo(app: &App, who: Who) -> Result<Option<Undone>, RosterError> {
    // That it is passed over is a decision of its own, which is committed with the refusal.
    let decided = app.decide(move |decision| {
        let undone = undo::undo(decision, &who);
        Ok((undone, !decision.commit.roster.ended_removals.is_empty()))
    });
    let (undone, is_back) = decided.await?;
    if is_back {
        // Their last days are read from the store again.
        app.load_again().await?;
    }
    undone.transpose()
}
