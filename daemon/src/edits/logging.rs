//! Reporting how much is logged, and changing it.

use roster_protocol::audit::Who;
use roster_protocol::error::RosterError;

use crate::app::App;
use crate::decision::audit::audit_change;

/// The longest filter.
const LEVEL_BYTES: usize = 500;

/// The level in use, after it was set to `level` when that is given.
///
/// # Errors
/// No level and no filter; a daemon whose log is not its own.
pub async fn log_level(app: &App, who: Who, level: Option<String>) -> Result<String, RosterError> {
    let logs = app.logs.as_ref().ok_or_else(|| RosterError::failed("this rosterd does not own its log"))?;
    let before = logs.level();
    let Some(level) = level else { return Ok(before) };
    if level.len() > LEVEL_BYTES {
        return Err(RosterError::usage(format!("a filter has at most {LEVEL_BYTES} bytes")));
    }
    logs.set(&level).map_err(RosterError::usage)?;
    tracing::info!(now = level, who = who.name, uid = who.uid, "the log level was changed");
    let noted = app
        .decide(|decision| {
            let (on, new) = ("rosterd".to_owned(), level.clone());
            decision.log(audit_change(decision, &who, "log.level", on, before, new));
            Ok(())
        })
        .await;
    if let Err(error) = noted {
        // Above all when the disk is in trouble one wants to see more: the line above has who it was.
        tracing::warn!(%error, "a change of the log level is not in the audit log");
    }
    Ok(logs.level())
}
