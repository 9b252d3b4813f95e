//! A disk that fills up at any byte, under the real daemon: what was acknowledged stays, reading works, users and
//! monitoring are notified, no request is sent to platforms, and writing resumes once there is room again.

use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use reqwest::StatusCode;
use roster_protocol::influencer::{InfluencerEdit, InfluencerQuery, NewInfluencer};
use roster_protocol::sync::{Outcome, Run, SyncTarget};
use roster_protocol::transport::within;
use roster_protocol::{ErrorKind, RosterClient};
use roster_sandbox::{AccountEdit, Fault, FaultKind, Platform, Sandbox};
use rustix::process::{Resource, Rlimit};

use crate::support::consent::{APPS, consented, open};
use crate::support::programs::{Home, Mount, Rosterd, until};
use crate::support::{LIMIT, figure, idle, nightly, synced_at_will, times};

const INFLUENCERS: u64 = 30;

/// How a disk is made full.
enum Disk {
    /// Nothing can be written behind some byte of any file.
    Limited,
    /// A small disk of its own is filled up with this file.
    Small { _mount: Mount, filler: PathBuf },
}

impl Disk {
    /// Fills it; returns the byte or the room left at which it is full.
    fn fill(&self, home: &Home, rosterd: &Rosterd, dice: &mut fastrand::Rng) -> u64 {
        match self {
            Disk::Limited => {
                let length = std::fs::metadata(home.state().join("roster.redb")).expect("a store").len();
                let at = dice.u64(0..length);
                limit(rosterd, Some(at));
                at
            }
            Disk::Small { filler, .. } => {
                let room = dice.u64(0..40) * 4096;
                let disk = nix::sys::statvfs::statvfs(&home.state()).expect("a disk");
                let free = disk.blocks_available() * disk.fragment_size();
                std::fs::write(filler, vec![7; free.saturating_sub(room) as usize]).expect("there was room for it");
                room
            }
        }
    }

    /// Takes what room there is left.
    fn fill_up(&self, rosterd: &Rosterd) {
        match self {
            Disk::Limited => limit(rosterd, Some(0)),
            Disk::Small { filler, .. } => {
                let mut file = File::options().append(true).open(filler).expect("the filler");
                while file.write_all(&[7; 4096]).is_ok() {}
            }
        }
    }

    fn free(&self, rosterd: &Rosterd) {
        match self {
            Disk::Limited => limit(rosterd, None),
            Disk::Small { filler, .. } => std::fs::remove_file(filler).expect("it was there"),
        }
    }
}

pub fn limit(rosterd: &Rosterd, bytes: Option<u64>) {
    let pid = rustix::process::Pid::from_raw(rosterd.pid().as_raw());
    let limit = Rlimit { current: bytes, maximum: None };
    rustix::process::prlimit(pid, Resource::Fsize, limit).expect("a process of ours");
}

/// A daemon that takes too long a file for an error, as it takes a full disk, and not for its end.
pub async fn start(home: &Home) -> Rosterd {
    home.start_as(home.rosterd_after("trap '' XFSZ")).await
}

async fn mara(client: &RosterClient) {
    let new = NewInfluencer { name: "Mara".to_owned(), ..NewInfluencer::default() };
    client.add(within(LIMIT), new).await.expect("a response").expect("added");
    consented(client, "Mara", Platform::Tiktok, "mara").await;
}

async fn sync_mara(client: &RosterClient) -> Run {
    until("Mara is read", async || {
        let ticket = client.sync(within(LIMIT), SyncTarget::One("Mara".into())).await.expect("a response").ok()?;
        let progress = client.sync_progress(within(LIMIT), ticket, 0).await.expect("a response").ok()?;
        progress.runs.into_iter().next().filter(|run| run.outcome == Outcome::Ok)
    })
    .await
}

/// What was acknowledged, by name, and how many notes were written.
#[derive(Default)]
struct Notes {
    reported: HashMap<String, String>,
    next: u64,
}

/// Writes notes on influencers, one after the other, up to `most` or until one is refused; returns when that was.
async fn note(client: &RosterClient, notes: &mut Notes, round: u64, most: u64) -> Option<Instant> {
    for _ in 0..most {
        notes.next += 1;
        let name = format!("Star {}", notes.next % INFLUENCERS);
        // None is as the one before it: that would be no change, and nothing to write.
        let note = format!("{round}-{}-{}", notes.next, "x".repeat(900));
        let edit = InfluencerEdit { note: Some(note.clone()), ..InfluencerEdit::default() };
        match client.edit(within(LIMIT), name.clone(), edit).await.expect("a response") {
            Ok(_) => {
                notes.reported.insert(name, note);
            }
            Err(error) => {
                assert_eq!(error.kind, ErrorKind::Failed, "{error:?}");
                assert!(error.hint.as_deref().is_some_and(|hint| hint.contains("disk space")), "{error:?}");
                return Some(Instant::now());
            }
        }
    }
    None
}

/// Everything acknowledged is reported, and nothing else; the refused note is unknown.
async fn is_all_there(client: &RosterClient, notes: &HashMap<String, String>, round: u64, what: &str) {
    let query = InfluencerQuery { limit: 256, ..InfluencerQuery::default() };
    let page = client.influencers(within(LIMIT), query).await.expect("a response").expect("a page");
    assert_eq!(page.total, INFLUENCERS + 1, "round {round}, {what}");
    for (name, note) in notes {
        let shown = client.influencer(within(LIMIT), name.clone()).await.expect("a response").expect("an influencer");
        // The one note that was refused may have been stored, or not.
        let is_last = shown.note.as_ref().is_some_and(|reported| reported.starts_with(&format!("{round}-")));
        assert!(shown.note.as_ref() == Some(note) || is_last, "round {round}, {what}: {name}");
    }
    let history = client.history(within(LIMIT), "tiktok:mara".into(), None, None).await.expect("a response");
    assert_eq!(history.expect("a history").snapshots.len(), 1, "round {round}, {what}");
}

async fn is_survived(on_small_disk: Option<u64>, rounds: u64) {
    let small = on_small_disk.is_some();
    let sandbox = roster_sandbox::Options { accounts: 0, ..Default::default() };
    let sandbox = Sandbox::start(sandbox).await.expect("the sandbox listens");
    let edit = AccountEdit { followers: Some(5000), growth_per_day: Some(0.0), ..AccountEdit::default() };
    sandbox.world().put(Platform::Tiktok, "mara", &edit).expect("a possible account");
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let http = format!("[http]\nlisten = \"127.0.0.1:{port}\"\n");
    let home = Home::new(&format!("{http}{}{APPS}", synced_at_will(&sandbox)));
    let disk = match small {
        false => Disk::Limited,
        true => Disk::Small { _mount: Mount::small_disk(&home.state(), "16m"), filler: home.state().join("filler") },
    };
    let ready = format!("http://127.0.0.1:{port}/readyz");
    let mut rosterd = start(&home).await;
    for number in 0..INFLUENCERS {
        let new = NewInfluencer { name: format!("Star {number}"), ..NewInfluencer::default() };
        rosterd.client.add(within(LIMIT), new).await.expect("a response").expect("added");
    }
    mara(&rosterd.client).await;
    sync_mara(&rosterd.client).await;

    let mut dice = fastrand::Rng::with_seed(on_small_disk.map_or(5, |sitting| 6 + sitting));
    let (mut notes, mut reported, mut mended, mut kills) = (Notes::default(), Duration::ZERO, Duration::ZERO, 0);
    let mut flaps = 0;
    for round in 0..rounds {
        note(&rosterd.client, &mut notes, round, 3).await;
        assert!(notes.reported.len() >= 3, "nothing is acknowledged while there is room");
        let at = disk.fill(&home, &rosterd, &mut dice);
        let mut refused = note(&rosterd.client, &mut notes, round, 100).await;
        flaps += u32::from(open(&ready).await.0 == StatusCode::OK);
        // There may be room before that byte for all of it, or for what follows the refusal: then writing resumes.
        disk.fill_up(&rosterd);
        until("the full disk is reported", async || {
            let (status, reason) = open(&ready).await;
            if status == StatusCode::OK {
                refused = note(&rosterd.client, &mut notes, round, 100).await;
                return None;
            }
            assert!(reason.contains("cannot be written"), "{reason}");
            reported = reported.max(refused?.elapsed());
            rosterd.client.status(within(LIMIT)).await.expect("a response").expect("a status");
            is_all_there(&rosterd.client, &notes.reported, round, "while the disk is full").await;
            // Its token has expired: a sync would renew it, and the response could not be stored.
            sandbox.world().clear_faults();
            sandbox.world().fault(Fault::new(Platform::Tiktok, FaultKind::Expired));
            sandbox.world().clear_requests();
            let mara = SyncTarget::One("Mara".into());
            if let Ok(ticket) = rosterd.client.sync(within(LIMIT), mara).await.expect("a response") {
                // It may wait for better days, or say that it is refused.
                let _ = rosterd.client.sync_progress(within(Duration::from_millis(300)), ticket, 0).await;
            }
            let requested = sandbox.world().requests();
            // Space may have become free in the meantime, and then a request is allowed.
            let still = open(&ready).await.0 == StatusCode::SERVICE_UNAVAILABLE;
            assert!(requested.is_empty() || !still, "round {round}, full at {at}: {requested:?}");
            still.then_some(())
        })
        .await;

        if round % 4 == 3 {
            rosterd.end(Signal::SIGKILL).await;
            if small {
                disk.free(&rosterd);
            }
            rosterd = start(&home).await;
            kills += 1;
        } else {
            disk.free(&rosterd);
            let freed = Instant::now();
            let limit = Duration::from_secs(30);
            let again = tokio::time::timeout(
                limit,
                until("it is ready again", async || (open(&ready).await.0 == StatusCode::OK).then_some(())),
            );
            again.await.unwrap_or_else(|_| panic!("round {round}: not ready: {}", home.log()));
            mended = mended.max(freed.elapsed());
        }
        is_all_there(&rosterd.client, &notes.reported, round, "with room again").await;
        // The token is renewed now, and its new pair is stored.
        sync_mara(&rosterd.client).await;
        sandbox.world().clear_faults();
    }
    assert!(!home.log().contains("panicked"), "{}", home.log());
    let what = if small { "a disk of 16 MiB" } else { "files too long at any byte" };
    figure(format!(
        "{what}, {rounds} times full: {} influencers' notes acknowledged, 0 lost; reported within {reported:.1?}, writable again within \
         {mended:.1?}, {kills} kills meanwhile, {flaps} times some room was left; no request to a platform",
        notes.reported.len()
    ));
    assert!(reported <= crate::support::limit(idle(Duration::from_secs(1))), "{reported:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_loses_nothing_and_is_reported_until_there_is_room() {
    is_survived(None, times(8, 200)).await;
    if nightly().is_some() {
        // On a small disk a store has room to grow for so many notes only.
        for sitting in 0..times(1, 10) {
            is_survived(Some(sitting), 20).await;
        }
    }
}
