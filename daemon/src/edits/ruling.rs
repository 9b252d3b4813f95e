//! Alert rules that users make, change and remove.

use roster_protocol::audit::Who;
use roster_protocol::error::RosterError;
use roster_protocol::rule::RuleParts;

use crate::app::App;
use crate::decision::rules as decide;

/// Makes a rule.
///
/// # Errors
/// What makes no rule; a name that is in use; when it cannot be stored.
pub async fn add(app: &App, who: Who, name: String, parts: RuleParts) -> Result<(), RosterError> {
    app.decide(|decision| decide::add(decision, &who, &name, &parts)).await
}

/// Changes a rule where `parts` names it.
///
/// # Errors
/// As [`add`]; a rule of the config.
pub async fn edit(app: &App, who: Who, name: String, parts: RuleParts) -> Result<(), RosterError> {
    app.decide(|decision| decide::edit(decision, &who, &name, &parts)).await
}

/// Removes what users made of a rule.
///
/// # Errors
/// A rule that does not exist, of the config, or that is only built in; when it cannot be stored.
pub async fn remove(app: &App, who: Who, name: String) -> Result<(), RosterError> {
    app.decide(|decision| decide::remove(decision, &who, &name)).await
}
