//! Ending connections, removing influencers with all they have, and erasing them, so that nothing brings them back.

use roster_protocol::audit::Who;
use roster_protocol::error::RosterError;
use roster_protocol::ids::{ConnectionId, GrantId, InfluencerId};

use super::audit::{audit, connection_named, influencer_named, own};
use super::slots::{self, PAUSED, Why};
use super::{Decision, grants, removal, silences, undo};
use crate::alerts::evaluate;
use crate::model::{AuditLine, Connection, Consent, DeliveryKey, Grant, GrantState, Removal, Tombstone, hashed};
use crate::roster::rows::{self, Seen};
use crate::roster::{Roster, resolve};

/// Ends a connection, and returns it as it is then. Its history stays, and its consent is revoked at once; with its history it
/// is removed, which can be taken back for a day.
///
/// # Errors
/// No such connection.
pub fn disconnect(
    decision: &mut Decision<'_>,
    who: &Who,
    named: &str,
    delete_history: bool,
    seen: Seen,
) -> Result<roster_protocol::Connection, RosterError> {
    let connection = resolve::connection(decision.roster, named)?;
    if connection.disconnected_at.is_some() && !delete_history {
        return Ok(rows::connection(decision.roster, connection, seen));
    }
    let action = if delete_history { "connection.delete" } else { "connection.disconnect" };
    decision.log(audit(decision, who, action, connection_named(connection)));
    if connection.disconnected_at.is_none() && !delete_history {
        let why = if decision.roster.is_paused(connection) { PAUSED } else { Why::Found };
        slots::given_up(decision, connection, why);
    }
    let ended = Connection { disconnected_at: Some(decision.now), trouble: None, ..connection.clone() };
    let shown = rows::connection(decision.roster, &ended, seen);
    if delete_history {
        removal::connection(decision, who, connection);
        return Ok(shown);
    }
    decision.commit.roster.connections.push(ended);
    let standing = decision.roster.alerts_of(connection.id).into_iter();
    let resolved = standing.map(|alert| evaluate::resolved(alert, decision.now));
    decision.commit.alerting.alerts.extend(resolved);
    grants::let_go(decision, &[connection.id]);
    Ok(shown)
}

/// Removes an influencer with all connections and their history, and returns what was removed. For a day it can be taken back.
///
/// # Errors
/// No influencer of that name.
pub fn remove(
    decision: &mut Decision<'_>,
    who: &Who,
    named: &str,
    seen: Seen,
) -> Result<roster_protocol::Influencer, RosterError> {
    let influencer = resolve::influencer(decision.roster, named)?;
    let removed = rows::influencer(decision.roster, influencer, seen);
    decision.log(audit(decision, who, "influencer.remove", influencer_named(influencer)));
    removal::influencer(decision, who, influencer);
    Ok(removed)
}

/// Takes an influencer out of the roster, with their connections, consents, silences and alerts.
fn take_out(decision: &mut Decision<'_>, id: InfluencerId) {
    let all: Vec<Connection> = decision.roster.all_connections_of(id).cloned().collect();
    let ended: Vec<ConnectionId> = all.iter().map(|connection| connection.id).collect();
    decision.commit.roster.removed_connections.extend(all);
    grants::let_go(decision, &ended);
    decision.commit.roster.removed_influencers.push(id);
    silences::moved(decision, id, None);
    undo::forget(decision, id, &ended);
    let standing = decision.roster.alerts.values().filter(|alert| alert.about.influencer() == Some(id));
    let resolved = standing.map(|alert| evaluate::resolved(alert, decision.now));
    decision.commit.alerting.alerts.extend(resolved);
}

/// Erases an influencer: removes them, destroys the key to what the audit log says of them, ends their consents, and leaves a
/// tombstone, which is returned. Rows that are in no memory are deleted after it, as the tombstone says. `salt`: random.
///
/// # Errors
/// No influencer of that name.
pub fn erase(decision: &mut Decision<'_>, who: &Who, named: &str, salt: [u8; 16]) -> Result<Tombstone, RosterError> {
    let id = subject(decision.roster, named)?;
    // The line names them by their id alone: there is no key any more that could seal more.
    decision.log(audit(decision, who, "influencer.erase", id.to_string()));
    Ok(bury(decision, id, salt))
}

/// Who is to be erased: also one who was removed before, by the id, because the audit log still says who that was.
///
/// # Errors
/// No influencer of that name.
pub fn subject(roster: &Roster, named: &str) -> Result<InfluencerId, RosterError> {
    let found = resolve::influencer(roster, named).map(|influencer| influencer.id);
    let removed = || named.trim().parse().ok().filter(|id| roster.data_keys.get(id).is_some_and(|key| key.now == *id));
    found.or_else(|error| removed().ok_or(error))
}

/// Whose an influencer's id was before others were merged into them, their own first.
pub fn merged_into(roster: &Roster, id: InfluencerId) -> Vec<InfluencerId> {
    let mut merged: Vec<InfluencerId> =
        roster.data_keys.values().filter(|key| key.now == id && key.of != id).map(|key| key.of).collect();
    merged.sort();
    [id].into_iter().chain(merged).collect()
}

fn bury(decision: &mut Decision<'_>, id: InfluencerId, salt: [u8; 16]) -> Tombstone {
    let influencers = merged_into(decision.roster, id);
    let mut connections: Vec<Connection> = decision.roster.all_connections_of(id).cloned().collect();
    // What was removed lately is erased with it.
    connections.extend(removal::forget(decision, |removal| is_of(removal, &influencers)));
    let tombstone = Tombstone {
        connections: connections.iter().map(|connection| connection.id).collect(),
        accounts: connections.iter().map(|connection| hashed(&salt, connection)).collect(),
        influencers,
        salt,
        at: decision.now,
        is_done: false,
    };
    take_out(decision, id);
    destroy(decision, &tombstone.influencers, &tombstone.connections);
    decision.commit.roster.tombstones.push(tombstone.clone());
    tombstone
}

/// Whether what was removed lately was one of theirs.
fn is_of(removal: &Removal, influencers: &[InfluencerId]) -> bool {
    removal.influencer.as_ref().is_some_and(|it| influencers.contains(&it.id))
        || removal.connections.iter().any(|it| influencers.contains(&it.influencer))
}

/// Destroys the keys, and what else has to do with an influencer who is erased and is taken out.
fn destroy(decision: &mut Decision<'_>, influencers: &[InfluencerId], connections: &[ConnectionId]) {
    decision.commit.roster.removed_data_keys.extend(influencers);
    decision.commit.webhooks.ended_leases.extend(connections);
    let requested: Vec<Consent> = decision
        .roster
        .consents
        .pending
        .values()
        .filter(|consent| influencers.contains(&consent.influencer))
        .cloned()
        .collect();
    for consent in requested {
        decision.commit.consents.removed_consents.push(consent.id);
        // One that feeds another influencer's account stays.
        let grant = consent.step.grant().filter(|grant| decision.roster.consents.users_of(*grant).is_empty());
        grant.iter().for_each(|grant| grants::queue(decision, *grant));
    }
    // What is revoked needs its tokens, and not whose they are.
    let is_revoked = |grant: &&mut Grant| matches!(grant.state, GrantState::Revoking { .. });
    for grant in decision.commit.consents.grants.iter_mut().filter(is_revoked) {
        grants::without_owner(grant);
    }
    unname_revoked(decision);
    let pending = decision.roster.deliveries.pending().map(|delivery| delivery.key.clone());
    let theirs = |key: &DeliveryKey| {
        let alert = decision.roster.alerts.get(&key.alert).and_then(|alert| alert.about.influencer());
        alert.is_some_and(|influencer| influencers.contains(&influencer))
    };
    let dropped: Vec<DeliveryKey> = pending.filter(theirs).collect();
    decision.commit.alerting.dropped.extend(dropped);
}

/// Takes the owners' names out of all that was to be revoked before. Nothing says any more whose accounts it fed, and a
/// revocation needs the tokens alone. What a removal may still bring back keeps its owner's name.
fn unname_revoked(decision: &mut Decision<'_>) {
    let roster = decision.roster;
    let ended = &decision.commit.roster.ended_removals;
    let removals = roster.removals.values().filter(|removal| !ended.contains(&removal.of));
    let put_off: Vec<GrantId> = removals.flat_map(|removal| removal.uses.iter().map(|used| used.grant)).collect();
    let queued: Vec<GrantId> = decision.commit.consents.grants.iter().map(|grant| grant.id).collect();
    let revoking = roster.consents.grants.values().filter(|grant| matches!(grant.state, GrantState::Revoking { .. }));
    let named = revoking.filter(|grant| !grant.owner_name.is_empty() || !grant.owner_id.is_empty());
    for grant in named.filter(|grant| !put_off.contains(&grant.id) && !queued.contains(&grant.id)) {
        let mut grant = grant.clone();
        grants::without_owner(&mut grant);
        decision.commit.consents.grants.push(grant);
    }
}

/// Takes out whom tombstones name and an older copy of the store brought back, and ends consents that were ended since that
/// copy was made. Returns how many influencers, and how many consents.
pub fn replay(decision: &mut Decision<'_>) -> Replayed {
    let roster = decision.roster;
    let unfinished = roster.tombstones.values().filter(|tombstone| !tombstone.is_done);
    let influencers = unfinished.map(|tombstone| again(decision, tombstone)).sum();
    let live = roster.consents.grants.values().filter(|grant| grant.is_live());
    let ended = live.filter(|grant| roster.consents.revoked.get(&grant.id).is_some_and(|at| grant.granted_at <= *at));
    let is_queued = |grant: &Grant| decision.commit.consents.grants.iter().any(|it| it.id == grant.id);
    let ended: Vec<GrantId> = ended.filter(|grant| !is_queued(grant)).map(|grant| grant.id).collect();
    for grant in &ended {
        grants::queue(decision, *grant);
        grants::wake_users(decision, *grant);
    }
    let replayed = Replayed { influencers, consents: ended.len() };
    if replayed != Replayed::default() {
        let line = own(decision, "erased.replay", "store", "restore");
        let new = format!("{influencers} influencers, {} consents", ended.len());
        decision.log(AuditLine { new: Some(new), ..line });
    }
    replayed
}

/// Takes out again whom a tombstone names; returns how many influencers that were.
fn again(decision: &mut Decision<'_>, tombstone: &Tombstone) -> usize {
    let roster = decision.roster;
    let connections: Vec<&Connection> = roster.connections.values().filter(|it| tombstone.names(it)).collect();
    // An account of an influencer who has others goes alone.
    let has_others = |id: InfluencerId| roster.all_connections_of(id).any(|it| !tombstone.names(it));
    let owners = connections.iter().map(|connection| connection.influencer).filter(|owner| !has_others(*owner));
    let named: Vec<InfluencerId> = tombstone.influencers.iter().copied().chain(owners).collect();
    let mut gone: Vec<InfluencerId> = named.iter().flat_map(|id| merged_into(roster, *id)).collect();
    gone.sort();
    gone.dedup();
    let there: Vec<InfluencerId> = gone.iter().filter(|id| roster.influencers.contains_key(id)).copied().collect();
    there.iter().for_each(|id| take_out(decision, *id));
    let alone = connections.iter().filter(|connection| !there.contains(&connection.influencer));
    let alone: Vec<Connection> = alone.map(|connection| (*connection).clone()).collect();
    grants::let_go(decision, &alone.iter().map(|connection| connection.id).collect::<Vec<_>>());
    for connection in &alone {
        let standing = roster.alerts_of(connection.id).into_iter();
        let resolved = standing.map(|alert| evaluate::resolved(alert, decision.now));
        decision.commit.alerting.alerts.extend(resolved);
    }
    decision.commit.roster.removed_connections.extend(alone);
    let is_theirs =
        |it: &Removal| is_of(it, &gone) || it.connections.iter().any(|connection| tombstone.names(connection));
    let removed = removal::forget(decision, is_theirs);
    let mut ids: Vec<ConnectionId> = connections.iter().map(|it| it.id).chain(removed.iter().map(|it| it.id)).collect();
    ids.sort();
    destroy(decision, &gone, &ids);
    // From now on by their ids alone: what is left of them is found without a look at all accounts.
    let more = there.iter().filter(|id| !tombstone.influencers.contains(id)).copied();
    let influencers = tombstone.influencers.iter().copied().chain(more).collect();
    let more = ids.iter().filter(|id| !tombstone.connections.contains(id)).copied();
    let connections = tombstone.connections.iter().copied().chain(more).collect();
    decision.commit.roster.tombstones.push(Tombstone { influencers, connections, ..tombstone.clone() });
    there.len()
}

/// What an older copy of the store brought back, and was taken out again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    pub influencers: usize,
    pub consents: usize,
}

/// Records that nothing is left of an influencer who was erased.
pub fn done(decision: &mut Decision<'_>, id: InfluencerId) {
    let tombstone = decision.roster.tombstones.get(&id).filter(|tombstone| !tombstone.is_done);
    decision.commit.roster.tombstones.extend(tombstone.map(|it| Tombstone { is_done: true, ..it.clone() }));
}
