//! Letting go of grants: locally at once, and queued to be revoked at the provider.

use roster_protocol::audit::Who;
use roster_protocol::ids::{ConnectionId, GrantId, InfluencerId};

use super::audit::{audit, own};
use super::{Decision, removal};
use crate::model::{AuditLine, Connection, Grant, GrantState, On, RevokedGrant};
use crate::roster::Roster;

/// Why a connection is not read whose consent ended with all others.
const ALL_REVOKED: &str = "all consents were revoked here; its owner's consent is needed again";

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

/// Queues a grant's revocation, unless it is revoked already. One that is over leaves at once.
pub fn queue(decision: &mut Decision<'_>, id: GrantId) {
    let Some(grant) = decision.roster.consents.grants.get(&id) else { return };
    match grant.state {
        GrantState::Live => {
            decision.commit.consents.revoked.push(RevokedGrant { grant: id, at: decision.now });
            let (since, next_at) = (decision.now, decision.now);
            let state = GrantState::Revoking { since, attempts: 0, next_at, last_error: None };
            decision.commit.consents.grants.push(Grant { state, ..grant.clone() });
        }
        GrantState::Ended { .. } => decision.commit.consents.removed_grants.push(id),
        GrantState::Revoking { .. } => {}
    }
}

/// Takes out of a grant that is only revoked any more whose it was.
pub fn without_owner(grant: &mut Grant) {
    grant.owner_name.clear();
    grant.owner_id.clear();
}

/// Ends a grant by its provider's word, and says whether it was live until now. Its connections are due at once, so that
/// each reports what it needs.
pub fn end(decision: &mut Decision<'_>, id: GrantId, why: &str) -> bool {
    let Some(grant) = decision.roster.consents.grants.get(&id) else { return false };
    if let GrantState::Revoking { .. } = grant.state {
        over(decision, grant, "it was over already");
        return false;
    }
    if !grant.is_live() {
        return false;
    }
    decision.log(line(decision, grant, "grant.end", why));
    let state = GrantState::Ended { at: decision.now, why: why.to_owned() };
    decision.commit.consents.grants.push(Grant { state, ..grant.clone() });
    decision.commit.consents.removed_tokens.push(id);
    wake_users(decision, id);
    true
}

/// Removes a grant whose revocation is done with, and says so in the audit log. One that connections are still read with is
/// an ended one, from which they know why they are not.
pub fn over(decision: &mut Decision<'_>, grant: &Grant, how: &str) {
    decision.log(line(decision, grant, "grant.revoke", how));
    decision.commit.consents.revoked.push(RevokedGrant { grant: grant.id, at: decision.now });
    let GrantState::Revoking { since, .. } = grant.state else {
        return decision.commit.consents.removed_grants.push(grant.id);
    };
    if decision.roster.consents.users_of(grant.id).is_empty() {
        return decision.commit.consents.removed_grants.push(grant.id);
    }
    let state = GrantState::Ended { at: since, why: ALL_REVOKED.to_owned() };
    decision.commit.consents.grants.push(Grant { state, ..grant.clone() });
    decision.commit.consents.removed_tokens.push(grant.id);
}

/// Ends every live consent, and queues its revocation: nothing is read with it from now on. What a removal put off is revoked
/// now, too. Returns how many were live.
pub fn revoke_all(decision: &mut Decision<'_>, who: &Who) -> u64 {
    let live = decision.roster.consents.grants.values().filter(|grant| grant.is_live());
    let live: Vec<GrantId> = live.map(|grant| grant.id).collect();
    let put_off = decision.roster.consents.grants.values().filter(|grant| removal::is_put_off(grant, decision.now));
    let put_off: Vec<Grant> = put_off.cloned().collect();
    if live.is_empty() && put_off.is_empty() {
        return 0;
    }
    let now = decision.now;
    decision.commit.consents.grants.extend(put_off.into_iter().map(|grant| Grant {
        state: GrantState::Revoking { since: now, attempts: 0, next_at: now, last_error: None },
        ..grant
    }));
    let line = audit(decision, who, "consent.revoke_all", "all consents");
    decision.log(AuditLine { new: Some(live.len().to_string()), ..line });
    for grant in &live {
        queue(decision, *grant);
        wake_users(decision, *grant);
    }
    live.len() as u64
}

/// A line of the audit log about a grant, by the daemon itself. It names the owner only where it is known whom the grant is
/// about, because the name is sealed with what else is personal of them.
pub fn line(decision: &Decision<'_>, grant: &Grant, action: &str, how: &str) -> AuditLine {
    let on = match influencer_of(decision.roster, grant.id) {
        Some(influencer) => On::of(influencer, grant.id, format!("{} {}", grant.platform, grant.owner_name)),
        None => On { name: Some(grant.platform.clone()), ..grant.id.to_string().into() },
    };
    AuditLine { new: Some(how.to_owned()), ..own(decision, action, on, "consent") }
}

/// Whose accounts are read with a grant, or for whom its accounts are being chosen.
fn influencer_of(roster: &Roster, grant: GrantId) -> Option<InfluencerId> {
    let users = roster.consents.users_of(grant);
    let of_user = users.iter().find_map(|user| roster.connections.get(user)).map(|connection| connection.influencer);
    of_user.or_else(|| {
        let mut open = roster.consents.pending.values();
        open.find(|consent| consent.step.grant() == Some(grant)).map(|consent| consent.influencer)
    })
}

/// Marks the users of a grant due: each run reports what the grant's change means for it.
pub(super) fn wake_users(decision: &mut Decision<'_>, grant: GrantId) {
    let users = decision.roster.consents.users_of(grant);
    let users = users.iter().filter_map(|id| decision.roster.connections.get(id));
    let later = users.filter(|user| user.next_due_at > decision.now && user.disconnected_at.is_none());
    let due = later.map(|user| Connection { next_due_at: decision.now, ..user.clone() });
    decision.commit.roster.connections.extend(due);
}
