//! Subscriptions to single accounts' notifications: which are wanted, what a hub confirmed, and when each is renewed.

use roster_protocol::ids::ConnectionId;
use roster_protocol::time::{Seconds, Timestamp};

use super::Decision;
use crate::model::{Connection, Lease, Sealed};
use crate::roster::Roster;
use crate::schedule::back_off;

/// How long a hub may take to confirm.
const CONFIRMED_WITHIN_S: i64 = 24 * 3600;
/// When a hub that does not confirm is asked again; twice as late each time, up to 32 hours.
const UNCONFIRMED_S: i64 = 3600;
/// The shortest lease that is believed.
const SHORTEST_S: u64 = 3600;

/// What a subscription is begun with.
pub struct Ticket {
    pub connection: ConnectionId,
    /// Follows the address; cannot be guessed.
    pub token: String,
    pub secret: Sealed,
}

/// The connections whose accounts have no subscription yet.
pub fn wanted(roster: &Roster) -> impl Iterator<Item = &Connection> {
    roster
        .connected()
        .filter(|connection| roster.wants_lease(connection) && roster.webhooks.lease(connection.id).is_none())
}

/// The subscriptions whose connections want none any more.
pub fn outdated(roster: &Roster) -> Vec<ConnectionId> {
    let is_outdated = |lease: &&Lease| {
        let connection = roster.connections.get(&lease.connection);
        connection.is_none_or(|connection| {
            !roster.wants_lease(connection) || connection.platform_user_id.as_deref() != Some(&*lease.account)
        })
    };
    roster.webhooks.leases().filter(is_outdated).map(|lease| lease.connection).collect()
}

/// Begins subscriptions that a hub will be asked for.
pub fn begin(decision: &mut Decision<'_>, tickets: Vec<Ticket>) {
    for Ticket { connection, token, secret } in tickets {
        let found = decision.roster.connections.get(&connection).filter(|it| decision.roster.wants_lease(it));
        let Some(account) = found.and_then(|connection| connection.platform_user_id.clone()) else { continue };
        decision.commit.webhooks.leases.push(Lease {
            connection,
            account,
            token,
            secret,
            address: String::new(),
            requested_at: None,
            ends_at: None,
            next_at: decision.now,
            failures: 0,
            last_error: None,
        });
    }
}

/// Notes that a hub is about to be asked to send to `address`: it may confirm before it answers.
pub fn request(decision: &mut Decision<'_>, connection: ConnectionId, address: String) {
    let Some(lease) = decision.roster.webhooks.lease(connection) else { return };
    let next_at = decision.now.plus_seconds(UNCONFIRMED_S << lease.failures.min(5));
    // It is one that failed until the hub has confirmed.
    let failures = lease.failures.saturating_add(1);
    let requested = Lease { address, requested_at: Some(decision.now), next_at, failures, ..lease.clone() };
    decision.commit.webhooks.leases.push(requested);
}

/// Notes that a hub did not take a request.
pub fn failed(decision: &mut Decision<'_>, connection: ConnectionId, error: String) {
    let Some(lease) = decision.roster.webhooks.lease(connection) else { return };
    let wait = back_off(lease.failures, decision.dice.share()).0 as i64;
    let failed = Lease { last_error: Some(error), next_at: decision.now.plus_seconds(wait), ..lease.clone() };
    decision.commit.webhooks.leases.push(failed);
}

/// Takes a hub's confirmation of a subscription to `topic`, which lasts so long; `false` when it was not asked for. A hub
/// that has not got our response confirms once more. It is renewed when half of it is over.
pub fn confirm(decision: &mut Decision<'_>, platform: &str, token: &str, topic: &str, lasts: Option<Seconds>) -> bool {
    let Some(lease) = decision.roster.webhooks.lease_by_token(token) else { return false };
    let Some(connection) = decision.roster.connections.get(&lease.connection) else { return false };
    let known = decision.roster.platforms.get(&connection.platform);
    let hub = known.and_then(|known| known.platform.webhooks()?.hub());
    let Some(hub) = hub.filter(|hub| connection.platform == platform && (hub.topic)(&lease.account) == topic) else {
        return false;
    };
    let is_asked = |at: Timestamp| decision.now.since(at) <= CONFIRMED_WITHIN_S * 1000;
    if !lease.requested_at.is_some_and(is_asked) {
        return false;
    }
    let lasts = lasts.unwrap_or(hub.longest).0.clamp(SHORTEST_S, hub.longest.0);
    let ends_at = Some(decision.now.plus_seconds(lasts as i64));
    // They were asked for together, and are not renewed together.
    let spread = (lasts as f64 / 20.0 * decision.dice.share()) as i64;
    let next_at = decision.now.plus_seconds((lasts / 2) as i64 - spread);
    let confirmed = Lease { ends_at, next_at, failures: 0, last_error: None, ..lease.clone() };
    decision.commit.webhooks.leases.push(confirmed);
    true
}
