//! What platforms sent to us, in memory: what was taken already, and which connections are due because of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use roster_protocol::ids::ConnectionId;
use roster_protocol::time::Timestamp;

use super::Roster;
use crate::model::{Connection, Deletion, Lease, Loaded, Receipt, WebhooksCommit};

/// Everything about notifications.
#[derive(Default)]
pub struct Webhooks {
    /// Those that were taken, by their keys.
    receipts: HashMap<[u8; 32], Timestamp>,
    /// The same, the oldest first.
    by_time: BTreeSet<(Timestamp, [u8; 32])>,
    /// When connections became due because of a notification: the newest one.
    marked: HashMap<ConnectionId, Timestamp>,
    /// By their codes.
    pub deletions: BTreeMap<String, Deletion>,
    leases: BTreeMap<ConnectionId, Lease>,
    lease_of: HashMap<String, ConnectionId>,
}

impl Webhooks {
    /// Takes what was stored out of `loaded`.
    pub fn of(loaded: &mut Loaded) -> Self {
        let mut webhooks = Self::default();
        std::mem::take(&mut loaded.receipts).iter().for_each(|receipt| webhooks.put(receipt));
        let deletions = std::mem::take(&mut loaded.deletions).into_iter();
        webhooks.deletions = deletions.map(|deletion| (deletion.code.clone(), deletion)).collect();
        std::mem::take(&mut loaded.leases).into_iter().for_each(|lease| webhooks.put_lease(lease));
        webhooks
    }

    pub fn apply(&mut self, commit: &WebhooksCommit) {
        commit.receipts.iter().for_each(|receipt| self.put(receipt));
        for (at, key) in &commit.forgotten_receipts {
            self.by_time.remove(&(*at, *key));
            self.receipts.remove(key);
        }
        for deletion in &commit.deletions {
            self.deletions.insert(deletion.code.clone(), deletion.clone());
        }
        for code in &commit.forgotten_deletions {
            self.deletions.remove(code);
        }
        commit.leases.iter().for_each(|lease| self.put_lease(lease.clone()));
        commit.ended_leases.iter().for_each(|connection| self.end_lease(*connection));
    }

    fn put_lease(&mut self, lease: Lease) {
        self.lease_of.insert(lease.token.clone(), lease.connection);
        self.leases.insert(lease.connection, lease);
    }

    fn end_lease(&mut self, connection: ConnectionId) {
        if let Some(ended) = self.leases.remove(&connection) {
            self.lease_of.remove(&ended.token);
        }
    }

    /// Every subscription, in the order of their connections.
    pub fn leases(&self) -> impl Iterator<Item = &Lease> {
        self.leases.values()
    }

    /// The subscription to a connection's account.
    pub fn lease(&self, connection: ConnectionId) -> Option<&Lease> {
        self.leases.get(&connection)
    }

    /// The subscription whose hub sends to an address with this token.
    pub fn lease_by_token(&self, token: &str) -> Option<&Lease> {
        self.leases.get(self.lease_of.get(token)?)
    }

    fn put(&mut self, receipt: &Receipt) {
        self.receipts.insert(receipt.key, receipt.at);
        self.by_time.insert((receipt.at, receipt.key));
        self.marked.extend(receipt.marked.iter().copied());
    }

    /// Whether a notification was taken already.
    pub fn knows(&self, key: &[u8; 32]) -> bool {
        self.receipts.contains_key(key)
    }

    /// Those that need not be remembered any more: from before `until`, and the oldest beyond `most`.
    pub fn forgettable(&self, until: Timestamp, most: usize) -> Vec<(Timestamp, [u8; 32])> {
        let beyond = self.by_time.len().saturating_sub(most);
        let oldest = self.by_time.iter().enumerate();
        let old = oldest.take_while(|(at, (received, _))| *at < beyond || *received < until);
        old.map(|(_, receipt)| *receipt).collect()
    }

    /// Whether a connection is due at that time because of a notification.
    pub fn has_marked(&self, connection: ConnectionId, due: Timestamp) -> bool {
        self.marked.get(&connection) == Some(&due)
    }

    /// Forgets a connection that is gone.
    pub fn forget(&mut self, connection: ConnectionId) {
        self.marked.remove(&connection);
    }
}

impl Roster {
    /// Whether a connection's platform has a hub, and it is known which account it is.
    pub fn wants_lease(&self, connection: &Connection) -> bool {
        let known = self.platforms.get(&connection.platform).filter(|known| known.enabled);
        let hub = known.and_then(|known| known.platform.webhooks()?.hub());
        connection.disconnected_at.is_none() && connection.platform_user_id.is_some() && hub.is_some()
    }

    /// About how many of a platform's accounts a hub notifies us, and about how many it should.
    pub fn hub_tally(&self, platform: &str, now: Timestamp) -> (usize, usize) {
        let wanted = self.each_connected().filter(|it| it.platform == platform && self.wants_lease(it));
        wanted.fold((0, 0), |(lasting, wanted), connection| {
            let ends_at = self.webhooks.lease(connection.id).and_then(|lease| lease.ends_at);
            (lasting + usize::from(ends_at.is_some_and(|ends| ends > now)), wanted + 1)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roster::samples::{SKY, TUBE};

    fn receipt(number: u8, at: i64, marked: &[(ConnectionId, i64)]) -> Receipt {
        let marked = marked.iter().map(|(connection, due)| (*connection, Timestamp(*due))).collect();
        Receipt { at: Timestamp(at), key: [number; 32], marked }
    }

    #[test]
    fn what_was_taken_is_known_until_it_is_old_or_there_are_too_many() {
        let receipts = vec![receipt(1, 10, &[(SKY, 50)]), receipt(2, 20, &[(SKY, 60), (TUBE, 60)])];
        let mut loaded = Loaded { receipts, ..Loaded::default() };
        let mut webhooks = Webhooks::of(&mut loaded);
        assert!(loaded.receipts.is_empty() && webhooks.knows(&[1; 32]) && !webhooks.knows(&[3; 32]));
        let marked = |webhooks: &Webhooks, due| [SKY, TUBE].map(|it| webhooks.has_marked(it, Timestamp(due)));
        assert_eq!((marked(&webhooks, 50), marked(&webhooks, 60)), ([false, false], [true, true]));

        webhooks.apply(&WebhooksCommit { receipts: vec![receipt(3, 30, &[])], ..WebhooksCommit::default() });
        let old = |webhooks: &Webhooks, until, most| {
            let found = webhooks.forgettable(Timestamp(until), most);
            found.iter().map(|(_, key)| key[0]).collect::<Vec<u8>>()
        };
        assert_eq!(old(&webhooks, 10, 3), [] as [u8; 0]);
        assert_eq!(old(&webhooks, 21, 3), [1, 2]);
        assert_eq!(old(&webhooks, 0, 2), [1]);
        assert_eq!(old(&webhooks, 11, 1), [1, 2]);
        let forgotten_receipts = webhooks.forgettable(Timestamp(11), 3);
        webhooks.apply(&WebhooksCommit { forgotten_receipts, ..WebhooksCommit::default() });
        assert_eq!([1, 2, 3].map(|it| webhooks.knows(&[it; 32])), [false, true, true]);
        webhooks.forget(SKY);
        assert_eq!(marked(&webhooks, 60), [false, true]);
    }
}
