//! The daemon's own troubles are alerts: its disk, before it is full.

use std::path::PathBuf;

use nix::sys::signal::Signal;
use roster_protocol::influencer::NewInfluencer;
use roster_protocol::service::AlertsQuery;
use roster_protocol::transport::within;
use roster_protocol::{Alert, AlertState, RosterClient, RosterError};

use crate::support::LIMIT;
use crate::support::programs::{Home, Rosterd, until};

async fn alerts(client: &RosterClient, rule: &str, state: AlertState) -> Vec<Alert> {
    let query = AlertsQuery { state: Some(state), limit: 256, ..AlertsQuery::default() };
    let page = client.alerts(within(LIMIT), query).await.expect("a response").expect("alerts");
    page.rows.into_iter().filter(|alert| alert.rule == rule).collect()
}

async fn until_one(client: &RosterClient, rule: &str, state: AlertState) -> Alert {
    until(&format!("{rule} is {}", state.as_str()), async || alerts(client, rule, state).await.pop()).await
}

async fn add(client: &RosterClient, name: &str) -> Result<(), RosterError> {
    let new = NewInfluencer { name: name.to_owned(), ..NewInfluencer::default() };
    client.add(within(LIMIT), new).await.expect("a response").map(drop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_with_less_room_than_the_config_wants_is_said_until_it_has_more() {
    let with = |free: &str| format!("[store]\nfree = \"{free}\"\n");
    let home = Home::new(&with("900000TB"));
    let rosterd = home.start().await;
    let alert = until_one(&rosterd.client, "disk", AlertState::Open).await;
    assert!(alert.why.contains("less than 900,000,000,000 MB") && alert.why.contains("[store] free"), "{}", alert.why);
    home.configure(&with("1MB"));
    rosterd.signal(Signal::SIGHUP);
    assert_eq!(until_one(&rosterd.client, "disk", AlertState::Resolved).await.id, alert.id);
    assert_eq!(alerts(&rosterd.client, "disk", AlertState::Open).await, []);
}

/// A daemon whose state directory is a disk of its own of 16 MiB, in a namespace of its own, and that disk as others see
/// it; `None` where the system permits no namespace.
async fn on_small_disk(home: &Home) -> Option<(Rosterd, PathBuf)> {
    let is_permitted = std::process::Command::new("unshare").args(["-rm", "true"]).status();
    if !is_permitted.is_ok_and(|status| status.success()) {
        return None;
    }
    std::fs::create_dir_all(home.state()).expect("a directory");
    let mount = format!("mount -t tmpfs -o size=16m,mode=700 small {}", home.state().display());
    let begin = format!("exec unshare -rm sh -c '{mount} && exec \"$0\" \"$@\"' \"$0\" \"$@\"");
    let rosterd = home.start_as(home.rosterd_after(&begin)).await;
    let root = PathBuf::from(format!("/proc/{}/root", rosterd.pid()));
    Some((rosterd, root.join(home.state().strip_prefix("/").expect("it is absolute"))))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_disk_is_said_to_be_nearly_full_while_it_can_still_be_written() {
    let home = Home::new("");
    let Some((rosterd, disk)) = on_small_disk(&home).await else {
        return println!("no disk of its own: namespaces are not permitted here");
    };
    let client = rosterd.client.clone();
    add(&client, "Mara").await.expect("there is room");
    assert_eq!(alerts(&client, "disk", AlertState::Open).await, []);
    let look = || {
        let disk = nix::sys::statvfs::statvfs(&disk).expect("a disk");
        disk.blocks_available() * disk.fragment_size()
    };
    let store = std::fs::metadata(disk.join("roster.redb")).expect("a store").len();
    // A copy of the store has room, and a backup beside it has not.
    std::fs::write(disk.join("filler"), vec![7; (look() - 2 * store + 100_000) as usize]).expect("there was room");
    // Not to wait for its next look.
    rosterd.signal(Signal::SIGHUP);
    let alert = until_one(&client, "disk", AlertState::Open).await;
    assert!(alert.why.contains(" free of 16 MB"), "{}", alert.why);
    add(&client, "Nina").await.expect("it is not full yet");
    std::fs::remove_file(disk.join("filler")).expect("it was there");
    rosterd.signal(Signal::SIGHUP);
    assert_eq!(until_one(&client, "disk", AlertState::Resolved).await.id, alert.id);
}
