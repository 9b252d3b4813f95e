//! Removing so that it can be taken back for a day: what is removed is read no more, its history and its tokens stay until the
//! day is over, and only then are the tokens revoked.

use roster_protocol::audit::Who;
use roster_protocol::consent::is_just_given;
use roster_protocol::error::RosterError;
use roster_protocol::ids::{GrantId, InfluencerId};
use roster_protocol::time::Timestamp;
use roster_protocol::undo::Undone;

use super::audit::{audit, connection_named, influencer_named};
use super::{Decision, grants, silences, undo};
use crate::alerts::evaluate;
use crate::model::{
    Alert, Connection, Grant, GrantState, GrantUse, Influencer, Removable, Removal, RevokedGrant, UndoableChange,
};

/// For so long it can be taken back.
const KEPT_S: i64 = 24 * 3600;

/// Removes an influencer with all connections.
pub fn influencer(decision: &mut Decision<'_>, who: &Who, influencer: &Influencer) {
    let id = influencer.id;
    let about = decision.roster.silences.values().filter(|silence| silence.influencer == Some(id));
    let removal = Removal {
        of: Removable::Influencer(id),
        ends_at: decision.now.plus_seconds(KEPT_S),
        influencer: Some(influencer.clone()),
        connections: decision.roster.all_connections_of(id).cloned().collect(),
        uses: Vec::new(),
        silences: about.cloned().collect(),
    };
    keep(decision, who, removal);
    decision.commit.roster.removed_influencers.push(id);
    silences::moved(decision, id, None);
    let standing = decision.roster.alerts.values().filter(|alert| alert.about.influencer() == Some(id));
    let standing: Vec<&Alert> = standing.collect();
    resolve(decision, &standing);
}

/// Removes a connection with its history.
pub fn connection(decision: &mut Decision<'_>, who: &Who, connection: &Connection) {
    let removal = Removal {
        of: Removable::Connection(connection.id),
        ends_at: decision.now.plus_seconds(KEPT_S),
        influencer: None,
        connections: vec![connection.clone()],
        uses: Vec::new(),
        silences: Vec::new(),
    };
    let roster = decision.roster;
    // One that was connected before, and whose owner only consented again, is kept for the day.
    let given = roster.consents.grant_of(connection.id).map(|grant| grant.granted_at.min(connection.connected_at));
    keep(decision, who, removal);
    if given.is_some_and(|at| is_just_given(at, decision.now)) {
        // The wrong account was connected: its owner does not wait a day.
        revoke_now(decision);
    }
    let standing = decision.roster.alerts_of(connection.id);
    resolve(decision, &standing);
}

fn resolve(decision: &mut Decision<'_>, standing: &[&Alert]) {
    let resolved = standing.iter().map(|alert| evaluate::resolved(alert, decision.now));
    decision.commit.alerting.alerts.extend(resolved);
}

/// Ends the local use of the consents now, and their revocation waits until the day is over.
fn keep(decision: &mut Decision<'_>, who: &Who, removal: Removal) {
    let consents = &decision.roster.consents;
    let ids: Vec<_> = removal.connections.iter().map(|connection| connection.id).collect();
    let used = |id: &_| consents.grant_of(*id).map(|grant| GrantUse { connection: *id, grant: grant.id });
    let uses: Vec<GrantUse> = ids.iter().filter_map(used).collect();
    grants::let_go(decision, &ids);
    for grant in &mut decision.commit.consents.grants {
        if let GrantState::Revoking { next_at, .. } = &mut grant.state {
            *next_at = removal.ends_at;
        }
    }
    // It may still be taken back: that they are ended is recorded when they are.
    decision.commit.consents.revoked.clear();
    undo::remember(decision, who, UndoableChange::Removed(removal.of));
    decision.commit.roster.removals.push(Removal { uses, ..removal });
}

/// Revokes at once what was let go, which a day does not bring back then.
fn revoke_now(decision: &mut Decision<'_>) {
    let now = decision.now;
    for grant in &mut decision.commit.consents.grants {
        if let GrantState::Revoking { next_at, .. } = &mut grant.state {
            *next_at = now;
            decision.commit.consents.revoked.push(RevokedGrant { grant: grant.id, at: now });
        }
    }
}

/// Brings back what was removed.
///
/// # Errors
/// The day is over; an account of it is connected again; a connection's influencer is gone.
pub fn take_back(decision: &mut Decision<'_>, who: &Who, of: Removable) -> Result<Undone, RosterError> {
    let roster = decision.roster;
    let removal =
        roster.removals.get(&of).ok_or_else(|| RosterError::conflict("what was removed is deleted by now"))?;
    for connection in &removal.connections {
        let user_id = connection.platform_user_id.as_deref();
        if let Some(other) = roster.account(&connection.platform, &connection.handle, user_id) {
            let owner = roster.influencers.get(&other.influencer).map_or("another entry", |owner| owner.name.as_str());
            let message = format!("{}:{} was connected to {owner} meanwhile", connection.platform, connection.handle);
            return Err(RosterError::conflict(message));
        }
        let has_owner = removal.influencer.is_some() || roster.influencers.contains_key(&connection.influencer);
        if !has_owner {
            return Err(RosterError::conflict("the influencer whose connection it was is gone"));
        }
    }
    let undone = match (&removal.influencer, removal.connections.as_slice()) {
        (Some(influencer), _) => {
            decision.log(audit(decision, who, "influencer.restore", influencer_named(influencer)));
            undone(Some(influencer.name.clone()), Some(influencer.id), None)
        }
        (None, [one, ..]) => {
            decision.log(audit(decision, who, "connection.restore", connection_named(one)));
            undone(Some(format!("{}:{}", one.platform, one.handle)), None, Some(one))
        }
        (None, []) => undone(None, None, None),
    };
    let now = decision.now;
    let commit = &mut decision.commit;
    commit.roster.influencers.extend(removal.influencer.clone());
    let due = removal.connections.iter().cloned().map(|it| Connection { next_due_at: now, slot_at: now, ..it });
    commit.roster.connections.extend(due);
    commit.roster.ended_removals.push(of);
    commit.alerting.silences.extend(removal.silences.iter().filter(|silence| silence.until > now).cloned());
    for used in &removal.uses {
        let Some(grant) = roster.consents.grants.get(&used.grant) else { continue };
        if grant.is_live() {
            decision.commit.consents.grant_uses.push(*used);
        } else if is_put_off(grant, now) {
            decision.commit.consents.grant_uses.push(*used);
            if !decision.commit.consents.grants.iter().any(|it| it.id == grant.id) {
                decision.commit.consents.grants.push(Grant { state: GrantState::Live, ..grant.clone() });
            }
        }
    }
    Ok(undone)
}

fn undone(on: Option<String>, influencer: Option<InfluencerId>, connection: Option<&Connection>) -> Undone {
    let connection = connection.map(|connection| connection.id);
    Undone { what: "the removal".to_owned(), on, influencer, connection }
}

/// Whether a grant is to be revoked when a day is over, and was not requested to be yet.
pub fn is_put_off(grant: &Grant, now: Timestamp) -> bool {
    matches!(grant.state, GrantState::Revoking { attempts: 0, next_at, .. } if next_at > now)
}

/// Deletes what was removed a day ago.
pub fn complete(decision: &mut Decision<'_>) {
    let over = decision.roster.removals.values().filter(|removal| removal.ends_at <= decision.now);
    let over: Vec<Removal> = over.cloned().collect();
    for removal in over {
        decision.commit.roster.ended_removals.push(removal.of);
        let connections = removal.connections.clone();
        decision.commit.roster.forgotten_connections.extend(removal.connections);
        if let Removable::Influencer(id) = removal.of {
            let ids: Vec<_> = connections.iter().map(|connection| connection.id).collect();
            undo::forget(decision, id, &ids);
        }
    }
}

/// Deletes what was removed lately and is to be erased, and has its consents revoked now. Returns the connections.
pub fn forget(decision: &mut Decision<'_>, is_theirs: impl Fn(&Removal) -> bool) -> Vec<Connection> {
    let roster = decision.roster;
    let mut connections = Vec::new();
    for removal in roster.removals.values().filter(|removal| is_theirs(removal)) {
        decision.commit.roster.ended_removals.push(removal.of);
        decision.commit.roster.forgotten_connections.extend(removal.connections.iter().cloned());
        connections.extend(removal.connections.iter().cloned());
        let grants = removal.uses.iter().filter_map(|used| roster.consents.grants.get(&used.grant));
        for grant in grants.filter(|grant| is_put_off(grant, decision.now)) {
            let (since, next_at) = (decision.now, decision.now);
            let state = GrantState::Revoking { since, attempts: 0, next_at, last_error: None };
            decision.commit.consents.revoked.push(RevokedGrant { grant: grant.id, at: decision.now });
            decision.commit.consents.grants.push(Grant { state, ..grant.clone() });
        }
    }
    connections
}

/// Deletes what was removed lately and was read with this consent, because its owner wants that deleted now. Returns how many
/// accounts.
pub fn delete_read_with(decision: &mut Decision<'_>, grant: GrantId) -> usize {
    let mut accounts = 0;
    let concerned = decision.roster.removals.values().filter(|it| it.uses.iter().any(|used| used.grant == grant));
    for removal in concerned.cloned().collect::<Vec<_>>() {
        let is_theirs = |id| removal.uses.iter().any(|used| used.grant == grant && used.connection == id);
        let (theirs, others): (Vec<Connection>, Vec<Connection>) =
            removal.connections.iter().cloned().partition(|connection| is_theirs(connection.id));
        accounts += theirs.len();
        decision.commit.roster.forgotten_connections.extend(theirs);
        let uses = removal.uses.iter().filter(|used| used.grant != grant).copied().collect();
        match removal.of {
            Removable::Connection(_) => decision.commit.roster.ended_removals.push(removal.of),
            Removable::Influencer(_) => {
                decision.commit.roster.removals.push(Removal { connections: others, uses, ..removal });
            }
        }
    }
    accounts
}
