//! Ends grants that nobody uses: at once here, and at the provider as soon as it answers.

use std::sync::Arc;

use roster_protocol::audit::Who;
use roster_protocol::ids::{ConnectionId, GrantId};
use roster_protocol::time::Timestamp;

use super::Way;
use super::renew::{self, RenewError};
use crate::app::App;
use crate::decision::Decision;
use crate::model::{AuditLine, Connection, Grant, GrantState};
use crate::oauth::TokenError;
use crate::schedule::back_off;

/// A provider that does not take a revocation for this long is not told any more; a person is.
const GIVEN_UP_AFTER_S: i64 = 7 * 24 * 3600;
/// The longest wait between two attempts.
const LONGEST_WAIT_S: i64 = 6 * 3600;

/// Connections are not read with their grants any more; a grant that loses its last one is revoked.
pub fn let_go(decision: &mut Decision<'_>, connections: &[ConnectionId]) {
    let consents = &decision.roster.consents;
    let mut touched: Vec<GrantId> = Vec::new();
    for connection in connections {
        if let Some(grant) = consents.grant_of(*connection) {
            decision.commit.consents.ended_uses.push(*connection);
            touched.push(grant.id);
        }
    }
    touched.sort();
    touched.dedup();
    for grant in touched {
        let users = consents.users_of(grant);
        if users.iter().all(|user| decision.commit.consents.ended_uses.contains(user)) {
            queue(decision, grant);
        }
    }
}

/// Queues a grant's revocation, unless somebody uses it. One that is over leaves at once.
pub fn queue(decision: &mut Decision<'_>, id: GrantId) {
    let Some(grant) = decision.roster.consents.grants.get(&id) else { return };
    match grant.state {
        GrantState::Live => decision.commit.consents.grants.push(Grant {
            state: GrantState::Revoking { since: decision.now, attempts: 0, next_at: decision.now, last_error: None },
            ..grant.clone()
        }),
        GrantState::Ended { .. } => decision.commit.consents.removed_grants.push(id),
        GrantState::Revoking { .. } => {}
    }
}

/// Removes a grant whose revocation is done with, and says so in the audit log.
pub(super) fn over(decision: &mut Decision<'_>, grant: &Grant, how: &str) {
    decision.log(line(decision, grant, "grant.revoke", how));
    decision.commit.consents.removed_grants.push(grant.id);
}

/// A line of the audit log about a grant, by the daemon itself.
pub(super) fn line(decision: &Decision<'_>, grant: &Grant, action: &str, how: &str) -> AuditLine {
    AuditLine {
        at: decision.now,
        who: None::<Who>,
        action: action.to_owned(),
        on: format!("{} {} {}", grant.id, grant.platform, grant.owner_name),
        old: None,
        new: Some(how.to_owned()),
        cause: "consent".to_owned(),
    }
}

/// Marks the users of a grant due: each run tells what the grant's change means for it.
pub(super) fn wake_users(decision: &mut Decision<'_>, grant: GrantId) {
    let users = decision.roster.consents.users_of(grant);
    let users = users.iter().filter_map(|id| decision.roster.connections.get(id));
    let later = users.filter(|user| user.next_due_at > decision.now && user.disconnected_at.is_none());
    let due = later.map(|user| Connection { next_due_at: decision.now, ..user.clone() });
    decision.commit.roster.connections.extend(due);
}

/// Tells the provider once.
pub(super) async fn tell(app: Arc<App>, id: GrantId) {
    let told = told(&app, id).await;
    let now = app.clock.now();
    let stored = app
        .decide(|decision| {
            let Some(grant) = decision.roster.consents.grants.get(&id) else { return Ok(()) };
            let GrantState::Revoking { since, attempts, .. } = grant.state else { return Ok(()) };
            match &told {
                Ok(()) => over(decision, grant, "revoked at the provider"),
                Err(error) if now.since(since) > GIVEN_UP_AFTER_S * 1000 => {
                    tracing::error!(grant = %id, platform = grant.platform, error, "a consent could not be revoked: its owner should remove the app at the provider");
                    over(decision, grant, &format!("given up, its owner should remove the app: {error}"));
                }
                Err(error) => decision.commit.consents.grants.push(again(grant, since, attempts, error, now)),
            }
            Ok(())
        })
        .await;
    match (&told, &stored) {
        (_, Err(error)) => tracing::error!(grant = %id, %error, "what became of a revocation could not be stored"),
        (Ok(()), _) => tracing::info!(grant = %id, "a consent was revoked"),
        (Err(error), _) => tracing::warn!(grant = %id, error, "a consent could not be revoked yet"),
    }
}

fn again(grant: &Grant, since: Timestamp, attempts: u32, error: &str, now: Timestamp) -> Grant {
    let attempts = attempts.saturating_add(1);
    let wait = back_off(attempts, f64::from(grant.id.0[2]) / 256.0).0.min(LONGEST_WAIT_S as u64) as i64;
    let state =
        GrantState::Revoking { since, attempts, next_at: now.plus_seconds(wait), last_error: Some(error.to_owned()) };
    Grant { state, ..grant.clone() }
}

/// The provider knows, or knew already. The error is for people.
async fn told(app: &Arc<App>, id: GrantId) -> Result<(), String> {
    let held = app.look(|roster| {
        let consents = &roster.consents;
        Some((consents.grants.get(&id)?.clone(), consents.tokens.get(&id)?.clone()))
    });
    // Without tokens there is nothing to revoke with.
    let Some((grant, mut tokens)) = held else { return Ok(()) };
    let Some(way) = Way::to(app, &grant.platform) else { return Err(format!("{} is not there", grant.platform)) };
    let is_over = |tokens: &crate::model::GrantTokens| {
        tokens.access_ends_at.is_some_and(|ends| ends.since(app.clock.now()) <= renew::margin(tokens))
    };
    if is_over(&tokens) && tokens.refresh.is_some() {
        match renew::renew(app, id, tokens.generation).await {
            Ok(()) => {}
            Err(RenewError::Gone { .. }) => return Ok(()),
            Err(error) => return Err(error.to_string()),
        }
        match app.look(|roster| roster.consents.tokens.get(&id).cloned()) {
            Some(renewed) => tokens = renewed,
            None => return Ok(()),
        }
    }
    let held = renew::open(&app.consents.vault, &tokens).map_err(|(_, error)| error.to_string())?;
    match way.provider().revoke(&way.api(app), &held).await {
        Ok(()) | Err(TokenError::Gone { .. }) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}
