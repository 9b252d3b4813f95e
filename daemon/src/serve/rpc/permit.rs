//! How many connections one user, and all users together, may have open, and how many pages and waiting calls one user may
//! have under way.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Semaphore;

/// Connections of all users together.
const MOST_CONNECTIONS: usize = 64;
/// Of these, the last ones are for root and the daemon's owner: whatever other users do, an operator gets in.
const RESERVED: usize = 8;
/// Connections of one user: several terminals, scripts and an agent.
const MOST_PER_USER: usize = 24;
/// Pages of one user under way, over all its connections: each takes time that others wait for, and memory until it is read.
const MOST_PAGES_PER_USER: usize = 8;
/// Calls of one user that wait for something new: a client has at most two.
const MOST_AWAITED_PER_USER: usize = 2 * MOST_PER_USER;

/// How many connections each user has.
#[derive(Debug, Default)]
pub struct ConnectionPermits {
    by_uid: Mutex<HashMap<u32, OfUser>>,
}

/// What one user has.
#[derive(Debug)]
struct OfUser {
    connections: usize,
    places: Places,
}

/// What all connections of a user share.
#[derive(Clone, Debug)]
pub struct Places {
    pub pages: Arc<Semaphore>,
    pub awaited: Arc<Semaphore>,
}

impl Default for Places {
    fn default() -> Self {
        let of = |most| Arc::new(Semaphore::new(most));
        Self { pages: of(MOST_PAGES_PER_USER), awaited: of(MOST_AWAITED_PER_USER) }
    }
}

/// One connection's permit; dropping it returns it.
pub struct ConnectionPermit {
    permits: Arc<ConnectionPermits>,
    uid: u32,
    pub places: Places,
}

impl ConnectionPermits {
    /// A permit for one more connection of this user; `None` when the user, or all users together, have too many.
    /// `is_operator`: it is root or the daemon's owner.
    pub fn acquire(self: &Arc<Self>, uid: u32, is_operator: bool) -> Option<ConnectionPermit> {
        let most = if is_operator { MOST_CONNECTIONS } else { MOST_CONNECTIONS - RESERVED };
        let mut by_uid = self.by_uid.lock();
        let all: usize = by_uid.values().map(|user| user.connections).sum();
        let connections = by_uid.get(&uid).map_or(0, |user| user.connections);
        if all >= most || connections >= MOST_PER_USER {
            return None;
        }
        let own = by_uid.entry(uid).or_insert_with(|| OfUser { connections, places: Places::default() });
        own.connections += 1;
        Some(ConnectionPermit { permits: self.clone(), uid, places: own.places.clone() })
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut by_uid = self.permits.by_uid.lock();
        if let Some(own) = by_uid.get_mut(&self.uid) {
            own.connections -= 1;
            if own.connections == 0 {
                by_uid.remove(&self.uid);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_user_cannot_take_all_connections_and_a_dropped_permit_is_free_again() {
        let permits = Arc::new(ConnectionPermits::default());
        let mut held: Vec<ConnectionPermit> = (0..MOST_PER_USER).filter_map(|_| permits.acquire(1, false)).collect();
        assert_eq!((held.len(), permits.acquire(1, false).is_none()), (MOST_PER_USER, true));
        held.extend((2..100).filter_map(|uid| permits.acquire(uid, false)));
        assert_eq!((held.len(), permits.acquire(100, false).is_none()), (MOST_CONNECTIONS - RESERVED, true));
        held.remove(0);
        assert!(permits.acquire(1, false).is_some());
    }

    #[test]
    fn all_connections_of_a_user_share_its_places() {
        let permits = Arc::new(ConnectionPermits::default());
        let [first, second, other] = [1, 1, 2].map(|uid| permits.acquire(uid, false).expect("there is room"));
        let check = |places: fn(&Places) -> &Semaphore, most: usize| {
            let held: Vec<_> = (0..most).map(|_| places(&first.places).try_acquire().expect("a place")).collect();
            assert!(places(&second.places).try_acquire().is_err() && places(&other.places).try_acquire().is_ok());
            drop(held);
            assert!(places(&second.places).try_acquire().is_ok());
        };
        check(|places| &places.pages, MOST_PAGES_PER_USER);
        check(|places| &places.awaited, 48);
    }

    #[test]
    fn the_last_places_are_for_root_and_the_owner() {
        let permits = Arc::new(ConnectionPermits::default());
        let owner = nix::unistd::Uid::effective().as_raw();
        let others = (1..).filter(|uid| *uid != owner).take(MOST_CONNECTIONS);
        let is_operator = |uid| uid == 0 || uid == owner;
        let mut held: Vec<ConnectionPermit> = others.filter_map(|uid| permits.acquire(uid, is_operator(uid))).collect();
        assert_eq!(held.len(), MOST_CONNECTIONS - RESERVED);
        let places = [0, owner].into_iter().cycle().take(RESERVED);
        held.extend(places.filter_map(|uid| permits.acquire(uid, is_operator(uid))));
        assert_eq!(held.len(), MOST_CONNECTIONS, "root and the owner get in");
    }

    #[test]
    fn whatever_all_users_hold_an_operator_gets_in() {
        let permits = Arc::new(ConnectionPermits::default());
        let mut held: Vec<ConnectionPermit> = (1..100).filter_map(|uid| permits.acquire(uid, false)).collect();
        held.extend((0..100).filter_map(|_| permits.acquire(0, true)));
        assert_eq!(held.len(), MOST_CONNECTIONS);
        assert!(permits.acquire(0, true).is_none());
    }
}
