//! Choosing what is deleted of a store that is older than the rules.

use roster_protocol::audit::Who;
use roster_protocol::error::RosterError;

use crate::app::App;
use crate::decision::keep;

/// Records the choice; what is not kept any more is deleted from now on.
///
/// # Errors
/// When it cannot be stored.
pub async fn choose(app: &App, who: Who) -> Result<(), RosterError> {
    let chosen = app.decide(|decision| {
        keep::choose(decision, &who);
        Ok(())
    });
    chosen.await?;
    app.upkeep.notify_one();
    Ok(())
}
