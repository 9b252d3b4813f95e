//! Notes in the audit log whose connections or calls were refused.

use std::sync::Arc;

use roster_protocol::audit::Who;
use roster_protocol::error::RosterError;

use crate::app::App;
use crate::app::refusals::Refusal;
use crate::decision::audit::audit;
use crate::model::AuditLine;

/// Notes how many of a user's connections or calls were refused so within an hour.
///
/// # Errors
/// When that cannot be stored.
pub async fn note(app: &Arc<App>, who: Who, refusal: Refusal, count: u64) -> Result<(), RosterError> {
    let noting = app.clone();
    app.own(async move {
        let noted = noting.decide(|decision| {
            let line = audit(decision, &who, "access.refuse", "socket".to_owned());
            let new = Some(format!("{}, {count} within an hour", refusal.in_words()));
            decision.log(AuditLine { new, ..line });
            Ok(())
        });
        noted.await
    })
    .await
}
