//! Notes in the audit log what a user did that changes nothing here: what they had requested, sent or read through, and what
//! was refused.

use std::sync::Arc;

use roster_protocol::audit::Who;

use super::App;
use crate::decision::audit::{audit, own};
use crate::model::{AuditLine, On};

impl App {
    /// Adds a line about something that is done, and goes on without it where it cannot be stored: the log says so then.
    /// `result`: what came of it.
    /// `who`: `None` for what has no user, such as a request to the listener.
    pub async fn note<'a>(
        self: &Arc<Self>,
        who: impl Into<Option<&'a Who>>,
        action: &'static str,
        on: impl Into<On>,
        result: impl Into<String>,
    ) {
        let (app, who, on, new) = (self.clone(), who.into().cloned(), on.into(), Some(result.into()));
        let uid = who.as_ref().map(|who| who.uid);
        let noted = async move {
            let decided = app.decide(|decision| {
                let line = match &who {
                    Some(who) => audit(decision, who, action, on),
                    None => own(decision, action, on, "request"),
                };
                decision.log(AuditLine { new, ..line });
                Ok(())
            });
            decided.await
        };
        if let Err(error) = self.own(noted).await {
            tracing::warn!(%error, action, uid, "something that was done or refused is not in the audit log");
        }
    }
}
