//! What a platform sent to us, once it is proved: connections become due, consents end, what an owner wants deleted is
//! deleted. Nothing else follows from it, and each of it once.

use roster_protocol::ids::ConnectionId;
use roster_protocol::time::Timestamp;

use super::audit::own;
use super::{Decision, grants, removal};
use crate::alerts::evaluate;
use crate::model::{AuditLine, Connection, Deletion, Grant, On, Receipt};
use crate::platforms::webhook::{Pushed, REMEMBERED_S};
use crate::roster::{Roster, standing};

/// However often a platform notifies us of an account, it is synced no more often than this because of that.
pub const DISTANCE_S: i64 = 15 * 60;
/// More notifications are not remembered.
const MOST_RECEIPTS: usize = 10_000;
/// How long a page says what became of a request to delete.
const DELETIONS_KEPT_S: i64 = 365 * 24 * 3600;

/// A genuine notification.
pub struct Notification<'a> {
    /// The platform's slug.
    pub platform: &'a str,
    /// SHA-256 of all that makes it what it is.
    pub key: [u8; 32],
    /// The code under which the page about a deletion is found; always the same for one request.
    pub code: &'a str,
    pub pushed: &'a [Pushed],
}

/// What became of a notification.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// It was taken before.
    pub is_repeat: bool,
    /// How many connections became due.
    pub marked: usize,
    /// How many consents ended.
    pub ended: usize,
    /// How many accounts were deleted with all that was read of them.
    pub deleted: usize,
}

/// Takes a notification.
pub fn take(decision: &mut Decision<'_>, notification: &Notification<'_>) -> Taken {
    let mut taken = Taken::default();
    if decision.roster.webhooks.knows(&notification.key) {
        return Taken { is_repeat: true, ..taken };
    }
    let (mut marked, mut is_ours) = (Vec::new(), false);
    for pushed in notification.pushed {
        match pushed {
            Pushed::Changed { ids } => {
                let named = named(decision.roster, notification.platform, ids);
                is_ours |= !named.is_empty();
                marked.extend(named.into_iter().filter_map(|connection| mark(decision, connection)));
            }
            Pushed::Removed { owner_id, at, why } => {
                for grant in grants_of(decision.roster, notification.platform, owner_id, *at) {
                    is_ours = true;
                    let before = decision.commit.roster.connections.len();
                    taken.ended += usize::from(grants::end(decision, grant.id, why));
                    let due = decision.commit.roster.connections[before..].iter();
                    marked.extend(due.map(|connection| (connection.id, connection.next_due_at)));
                }
            }
            Pushed::Deletion { owner_id, at } => {
                is_ours = true;
                taken.deleted += delete(decision, notification, owner_id, *at);
            }
        }
    }
    taken.marked = marked.len();
    // What is about nothing of ours has no effect the next time either.
    if is_ours {
        remember(decision, Receipt { at: decision.now, key: notification.key, marked });
    }
    taken
}

fn remember(decision: &mut Decision<'_>, receipt: Receipt) {
    let until = decision.now.plus_seconds(-REMEMBERED_S);
    decision.commit.webhooks.forgotten_receipts = decision.roster.webhooks.forgettable(until, MOST_RECEIPTS);
    decision.commit.webhooks.receipts.push(receipt);
}

/// The platforms whose consents are those of the same app at the same provider.
fn realm_of(roster: &Roster, platform: &str) -> Option<String> {
    roster.providers.get(platform).map(|known| known.provider.realm())
}

/// The connections that a notification names by their accounts, or by the owner whose consent they are read with.
fn named<'a>(roster: &'a Roster, platform: &str, ids: &[String]) -> Vec<&'a Connection> {
    let realm = realm_of(roster, platform);
    let slugs = roster.providers.slugs().filter(|slug| *slug == platform || realm_of(roster, slug) == realm);
    let slugs: Vec<&str> = slugs.collect();
    let mut named: Vec<&Connection> = Vec::new();
    for id in ids {
        named.extend(slugs.iter().filter_map(|slug| roster.account(slug, "", Some(id))));
        let grant = realm.as_deref().and_then(|realm| roster.consents.of_owner(realm, id));
        let users = grant.map(|grant| roster.consents.users_of(grant.id)).unwrap_or_default();
        named.extend(users.iter().filter_map(|user| roster.connections.get(user)));
    }
    named.sort_by_key(|connection| connection.id);
    named.dedup_by_key(|connection| connection.id);
    named
}

/// Marks a connection due, and says when. One that waits for its turn, runs now, is paused, or fails and waits for its
/// next try is left as it is.
fn mark(decision: &mut Decision<'_>, connection: &Connection) -> Option<(ConnectionId, Timestamp)> {
    let roster = decision.roster;
    let waits = connection.failures > 0 || standing::needs_person(connection);
    if waits || !roster.is_scheduled(connection) || roster.running.contains(&connection.id) {
        return None;
    }
    let distance = connection.last_synced_at.map_or(decision.now, |at| at.plus_seconds(DISTANCE_S));
    let due = distance.max(decision.now);
    if connection.next_due_at <= due {
        return None;
    }
    decision.commit.roster.connections.push(Connection { next_due_at: due, ..connection.clone() });
    Some((connection.id, due))
}

/// An owner's consents that were given until then: a notification that arrives late ends no newer one.
fn grants_of<'a>(roster: &'a Roster, platform: &str, owner_id: &str, until: Timestamp) -> Vec<&'a Grant> {
    let Some(realm) = realm_of(roster, platform) else { return Vec::new() };
    let is_theirs = |grant: &&Grant| {
        // The platform counts whole seconds.
        let is_older = grant.granted_at.0.div_euclid(1000) <= until.0.div_euclid(1000);
        grant.realm == realm && grant.owner_id == owner_id && is_older
    };
    roster.consents.grants.values().filter(is_theirs).collect()
}

/// Deletes an owner's consents, the accounts that are read with them, and all that was read; returns how many accounts.
fn delete(decision: &mut Decision<'_>, notification: &Notification<'_>, owner_id: &str, until: Timestamp) -> usize {
    let roster = decision.roster;
    let mut accounts = 0;
    for grant in grants_of(roster, notification.platform, owner_id, until) {
        let users = roster.consents.users_of(grant.id);
        for connection in users.iter().filter_map(|user| roster.connections.get(user)) {
            accounts += 1;
            let on = On::of(connection.influencer, connection.id, connection.platform.clone());
            let line = line(decision, "connection.delete", on);
            decision.log(line);
            let standing = roster.alerts_of(connection.id).into_iter();
            let resolved = standing.map(|alert| evaluate::resolved(alert, decision.now));
            decision.commit.alerting.alerts.extend(resolved);
            let ended = Connection { disconnected_at: Some(decision.now), trouble: None, ..connection.clone() };
            decision.commit.roster.removed_connections.push(ended);
        }
        accounts += removal::delete_read_with(decision, grant.id);
        decision.commit.consents.ended_uses.extend(users);
        decision.commit.consents.removed_grants.push(grant.id);
        let open = roster.consents.pending.values().filter(|consent| consent.step.grant() == Some(grant.id));
        decision.commit.consents.removed_consents.extend(open.map(|consent| consent.id));
        let line = line(decision, "grant.delete", format!("{} {}", grant.id, grant.platform));
        decision.log(line);
    }
    let before = decision.now.plus_seconds(-DELETIONS_KEPT_S);
    let old = roster.webhooks.deletions.values().filter(|deletion| deletion.at < before);
    decision.commit.webhooks.forgotten_deletions.extend(old.map(|deletion| deletion.code.clone()));
    decision.commit.webhooks.deletions.push(Deletion {
        code: notification.code.to_owned(),
        platform: notification.platform.to_owned(),
        at: decision.now,
        accounts: accounts as u32,
    });
    accounts
}

/// A line of the audit log about what an owner wants deleted. It names neither the owner nor the account.
fn line(decision: &Decision<'_>, action: &str, on: impl Into<On>) -> AuditLine {
    let requested = "its owner requested deletion at the platform".to_owned();
    AuditLine { new: Some(requested), ..own(decision, action, on, "push") }
}
