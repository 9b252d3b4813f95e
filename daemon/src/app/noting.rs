//! Notes in the audit log what a user did that changes nothing here: what they had requested, sent or read through, and what
//! was refused.

use std::sync::Arc;

use roster_protocol::audit::Who;
use roster_protocol::error::RosterError;

use super::App;
use crate::decision::audit::audit;
use crate::model::{AuditLine, On};

impl App {
    /// Adds a line about something that is done, and goes on without it where it cannot be stored: the log says so then.
    /// `result`: what came of it.
    pub async fn note(self: &Arc<Self>, who: &Who, action: &'static str, on: impl Into<On>, result: impl Into<String>) {
        if let Err(error) = self.try_note(who, action, on, result).await {
            tracing::warn!(%error, action, uid = who.uid, "what a user did is not in the audit log");
        }
    }

    /// The same for callers who say themselves what follows.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub async fn try_note(
        self: &Arc<Self>,
        who: &Who,
        action: &'static str,
        on: impl Into<On>,
        result: impl Into<String>,
    ) -> Result<(), RosterError> {
        let (app, who, on, new) = (self.clone(), who.clone(), on.into(), Some(result.into()));
        let noted = async move {
            let decided = app.decide(|decision| {
                decision.log(AuditLine { new, ..audit(decision, &who, action, on) });
                Ok(())
            });
            decided.await
        };
        self.own(noted).await
    }
}
