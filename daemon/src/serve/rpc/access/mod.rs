//! Who may do what: the peers of the socket are judged by `[access]` and the host's user database, before they are let in and
//! again and again while they are.
//!
//! What a peer does not need to be looked up for is decided without the database: root and the owner do not wait for a
//! directory service that does not respond, and of other peers each waits only for its own look-up.

mod host;
mod known;
mod report;
mod role;

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use nix::unistd::Uid;
use roster_protocol::Role;
use tokio::net::unix::UCred;
use tokio::sync::watch;

use self::host::Members;
use self::known::Known;
pub use self::report::{report, unknown_names};
use self::role::{Given, Roles, User};
pub use self::role::{Peer, Reason};
use super::socket::{Admits, Socket};
use crate::app::App;
use crate::process::config::{Access, Principal};

/// How often the roles of those who are connected are looked at again; with the age to which look-ups count this is less
/// than a minute, whatever the database does.
const EVERY: Duration = Duration::from_secs(20);
/// Look-ups of users, of names of the config, and of groups, at once.
const MOST_LOOK_UPS: usize = 4;

/// What the threads that may block are needed for here: all look-ups may hang at once.
pub const THREADS: usize = 3 * MOST_LOOK_UPS;

/// What a peer may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judged {
    May(Role, Reason),
    MayNot,
    /// The host's user database does not respond.
    Unclear,
}

/// Decides who may do what.
pub struct Judge {
    users: Known<u32, User>,
    ids: Known<Principal, Option<u32>>,
    groups: Known<u32, Option<Members>>,
    /// Sent when roles have changed, or may have.
    roles: watch::Sender<Arc<Roles>>,
}

impl From<UCred> for Peer {
    fn from(peer: UCred) -> Self {
        Peer { uid: peer.uid(), gid: peer.gid() }
    }
}

impl Judge {
    /// One that admits root and the owner only, until [`Judge::keep`] has read the config.
    pub fn of_host() -> Self {
        let owner = Uid::effective().as_raw();
        let is_operator = move |uid| uid == 0 || uid == owner;
        Self {
            // Operators need no groups, and so no directory service.
            users: Known::new(MOST_LOOK_UPS, move |uid: &u32| host::user(*uid, !is_operator(*uid))),
            ids: Known::new(MOST_LOOK_UPS, host::id),
            groups: Known::new(MOST_LOOK_UPS, |gid: &u32| host::members(*gid)),
            roles: watch::Sender::new(Arc::new(Roles { owner, given: Given::NoOne })),
        }
    }

    /// Whether this is root or the daemon's owner.
    pub fn is_operator(&self, uid: u32) -> bool {
        self.roles.borrow().is_operator(uid)
    }

    /// What a peer may do, where nothing has to be looked up for it.
    pub fn at_once(&self, peer: Peer) -> Option<Judged> {
        let roles = self.roles.borrow().clone();
        match (roles.of(peer, None), self.users.at_hand(&peer.uid)) {
            (Some((Role::Admin, reason)), _) => Some(Judged::May(Role::Admin, reason)),
            (_, Some(user)) => Some(judged(&roles, peer, Some(&user))),
            (_, None) => None,
        }
    }

    /// What a peer may do.
    pub async fn judge(&self, peer: Peer) -> Judged {
        if let Some(judged) = self.at_once(peer) {
            return judged;
        }
        let user = self.users.get(&peer.uid).await;
        judged(&self.roles.borrow(), peer, user.as_deref())
    }

    /// The name of a user, empty when the uid has none or the database does not respond.
    pub async fn name(&self, uid: u32) -> String {
        self.users.get(&uid).await.map(|user| user.name.clone()).unwrap_or_default()
    }

    /// Follows the role of a peer that is connected; returns why it may nothing more.
    pub async fn follow(&self, peer: Peer, role: &watch::Sender<Role>) -> Judged {
        let mut roles = self.roles.subscribe();
        loop {
            tokio::select! {
                changed = roles.changed() => if changed.is_err() { return Judged::Unclear },
                () = tokio::time::sleep(EVERY) => {}
            }
            match self.judge(peer).await {
                Judged::May(now, _) => _ = role.send_if_modified(|role| std::mem::replace(role, now) != now),
                ended => return ended,
            }
        }
    }

    /// Reads who has which role; the socket is opened to others only after that, and closed to them before.
    pub async fn read(&self, app: &App, socket: &Socket) {
        let setup = app.setup();
        let Some(access) = &setup.config.access else {
            socket.admit(socket.usual());
            self.replace(socket.group().map_or(Given::NoOne, Given::Members));
            return;
        };
        self.replace(self.granted(access).await);
        socket.admit(Admits::Anyone);
    }

    /// Keeps the roles as the config and the database have them, until the daemon ends.
    pub async fn keep(&self, app: &App, socket: &Socket) {
        let (mut setup, mut looks) = (app.watch_setup(), app.look_again.subscribe());
        loop {
            let has_roles = app.setup().config.access.is_some();
            tokio::select! {
                changed = setup.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    self.users.forget();
                    self.ids.forget();
                    self.read(app, socket).await;
                    // Also when they are the same: everyone is judged again.
                    self.roles.send_modify(|_| {});
                }
                changed = looks.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    self.read(app, socket).await;
                }
                () = tokio::time::sleep(EVERY), if has_roles => self.read(app, socket).await,
                () = app.ending.cancelled() => return,
            }
        }
    }

    fn replace(&self, given: Given) {
        self.roles.send_if_modified(|roles| {
            let is_other = roles.given != given;
            if is_other {
                *roles = Arc::new(Roles { given, ..**roles });
            }
            is_other
        });
    }

    /// What the config gives, with the ids of the names. While the database does not respond, a name has the id it had.
    async fn granted(&self, access: &Access) -> Given {
        let before = self.roles.borrow().clone();
        let ids = access.grants.iter().map(async |grant| match self.ids.get(&grant.to).await {
            Some(id) => *id,
            None => id_before(&before, &grant.to),
        });
        let ids = join_all(ids).await;
        Given::Granted(access.grants.iter().cloned().zip(ids).collect())
    }
}

fn judged(roles: &Roles, peer: Peer, user: Option<&User>) -> Judged {
    match roles.of(peer, user) {
        Some((role, reason)) => Judged::May(role, reason),
        None if user.is_none() && roles.given != Given::NoOne => Judged::Unclear,
        None => Judged::MayNot,
    }
}

fn id_before(roles: &Roles, principal: &Principal) -> Option<u32> {
    let Given::Granted(grants) = &roles.given else { return None };
    grants.iter().find(|(grant, _)| grant.to == *principal)?.1
}
