//! Which program listens on an address: as far as the system shows that to this user.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use nix::unistd::{Uid, User};
use procfs::net::{TcpNetEntry, TcpState};
use procfs::process::{FDTarget, Process, all_processes};
use roster_protocol::text::clean;

/// How long looking may take: there may be very many processes.
const LIMIT: Duration = Duration::from_secs(2);
/// The longest name of a program or user.
const NAME_CHARACTERS: usize = 40;

/// `nginx, process 812`, or `a program of www-data`; `None` when nothing is found.
pub async fn of(address: SocketAddr) -> Option<String> {
    let found = tokio::task::spawn_blocking(move || find(address));
    tokio::time::timeout(LIMIT, found).await.ok()?.ok()?
}

fn find(address: SocketAddr) -> Option<String> {
    let tables = [procfs::net::tcp(), procfs::net::tcp6()].into_iter().flatten().flatten();
    let held = tables.into_iter().find(|entry| is_on(entry, address))?;
    let process = all_processes().ok()?.flatten().find(|process| has(process, held.inode));
    // Of another user's process only the user is visible.
    process.and_then(|process| name(&process)).or_else(|| owner(held.uid))
}

fn is_on(entry: &TcpNetEntry, address: SocketAddr) -> bool {
    entry.state == TcpState::Listen && overlap(entry.local_address, address)
}

/// Whether who listens on one keeps others from listening on the other.
fn overlap(held: SocketAddr, wanted: SocketAddr) -> bool {
    // An IPv6 socket may listen for IPv4 as well.
    let is_any = |address: IpAddr| address.is_unspecified();
    held.port() == wanted.port()
        && (held.ip().to_canonical() == wanted.ip().to_canonical() || is_any(held.ip()) || is_any(wanted.ip()))
}

fn has(process: &Process, inode: u64) -> bool {
    let files = process.fd().into_iter().flatten().flatten();
    files.into_iter().any(|file| matches!(file.target, FDTarget::Socket(socket) if socket == inode))
}

fn name(process: &Process) -> Option<String> {
    let name = clean(&process.stat().ok()?.comm, NAME_CHARACTERS);
    Some(format!("{name}, process {}", process.pid))
}

fn owner(uid: u32) -> Option<String> {
    let user = User::from_uid(Uid::from_raw(uid)).ok().flatten().map(|user| clean(&user.name, NAME_CHARACTERS));
    Some(format!("a program of {}", user.unwrap_or_else(|| format!("user {uid}"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_by_the_same_and_by_all_of_them() {
        let check = |held: &str, wanted: &str, expected: bool| {
            let [held, wanted] = [held, wanted].map(|address| address.parse().expect("an address"));
            assert_eq!(overlap(held, wanted), expected, "{held} {wanted}");
        };
        check("127.0.0.1:80", "127.0.0.1:80", true);
        check("127.0.0.1:80", "127.0.0.1:81", false);
        check("127.0.0.1:80", "127.0.0.2:80", false);
        check("0.0.0.0:80", "127.0.0.1:80", true);
        check("[::]:80", "127.0.0.1:80", true);
        check("127.0.0.1:80", "0.0.0.0:80", true);
        check("[::ffff:127.0.0.1]:80", "127.0.0.1:80", true);
        check("[::1]:80", "127.0.0.1:80", false);
    }

    #[tokio::test]
    async fn who_listens_is_found() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let found = of(address).await.expect("it is this process");
        assert!(found.ends_with(&format!(", process {}", std::process::id())), "{found}");
        drop(listener);
        assert_eq!(of(address).await, None);
    }
}
