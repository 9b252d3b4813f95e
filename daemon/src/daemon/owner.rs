//! Root checks as the service's user: what root can read says nothing about what the service can.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::unistd::{Gid, Uid, User, initgroups, setgid, setgroups, setuid};

/// The service's user, where there is no state directory yet.
const SERVICE: &str = "roster";

/// Goes on as the owner of the state directory, with that user's groups, when this process is root's. To be called while
/// there are no other threads.
pub fn become_owner_of(state_dir: &Path) {
    if !Uid::effective().is_root() {
        return;
    }
    let owner = match std::fs::metadata(state_dir) {
        Ok(found) => User::from_uid(Uid::from_raw(found.uid())).map(|user| Owner::of(user, found.uid(), found.gid())),
        Err(_) => User::from_name(SERVICE).map(|user| user.map(Owner::User)),
    };
    let become_it = owner.and_then(|owner| owner.filter(|owner| !owner.is_root()).map_or(Ok(()), Owner::become_it));
    if let Err(error) = become_it {
        eprintln!("warning: this is checked as root, not as the user of {}: {error}", state_dir.display());
    }
}

enum Owner {
    User(User),
    /// One that the system has no name for.
    Ids(Uid, Gid),
}

impl Owner {
    fn of(user: Option<User>, uid: u32, gid: u32) -> Option<Self> {
        Some(user.map_or(Owner::Ids(Uid::from_raw(uid), Gid::from_raw(gid)), Owner::User))
    }

    fn is_root(&self) -> bool {
        matches!(self, Owner::User(User { uid, .. }) | Owner::Ids(uid, _) if uid.is_root())
    }

    fn become_it(self) -> nix::Result<()> {
        let (uid, gid) = match self {
            Owner::User(user) => {
                let name = std::ffi::CString::new(user.name).map_err(|_| nix::Error::EINVAL)?;
                initgroups(&name, user.gid)?;
                (user.uid, user.gid)
            }
            Owner::Ids(uid, gid) => {
                setgroups(&[gid])?;
                (uid, gid)
            }
        };
        setgid(gid)?;
        setuid(uid)
    }
}
