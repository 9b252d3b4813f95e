//! kill -9 at any moment: what was acknowledged is there, nothing is doubled, and the next start needs no operator.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use roster_protocol::connection::{Account, Connection};
use roster_protocol::ids::{ConnectionId, RunId};
use roster_protocol::influencer::{InfluencerEdit, InfluencerQuery, NewInfluencer};
use roster_protocol::service::RunsQuery;
use roster_protocol::sync::{Outcome, Run, SyncTarget};
use roster_protocol::time::{Date, Timestamp};
use roster_protocol::transport::within;
use roster_protocol::{Influencer, RosterClient};
use roster_sandbox::{AccountEdit, Fault, FaultKind, Platform, Sandbox};

use crate::support::programs::{CommandOutput, Home, Mount, Rosterd, until};
use crate::support::{LIMIT, figure, idle, limit, nightly, times};

const ROUNDS: u64 = 100;
const ACCOUNTS: u64 = 40;

/// The followers of every account in a round. Three digits that count, so that YouTube's rounding keeps them.
fn followers_in(round: u64) -> u64 {
    (100 + round) * 1000
}

fn account(number: u64) -> (Platform, String) {
    match number % 3 {
        0 => (Platform::Bluesky, format!("star{number}.sky.test")),
        1 => (Platform::Mastodon, format!("star{number}@social{}.example", number % 2)),
        _ => (Platform::Youtube, format!("@star{number}")),
    }
}

fn offer(sandbox: &Sandbox, round: u64) {
    for number in 0..ACCOUNTS {
        let (platform, handle) = account(number);
        let followers = Some(followers_in(round));
        let edit = AccountEdit { followers, growth_per_day: Some(0.0), likes: Some(5), ..AccountEdit::default() };
        sandbox.world().put(platform, &handle, &edit).expect("a possible account");
    }
}

fn refuse(sandbox: &Sandbox) {
    for platform in Platform::ALL {
        sandbox.world().fault(Fault { count: 1_000_000, ..Fault::new(platform, FaultKind::ServerError) });
    }
}

/// What the daemon has promised so far.
#[derive(Default)]
struct Promised {
    /// The newest followers a run was reported with, and when it was made.
    followers: HashMap<ConnectionId, (u64, Timestamp)>,
    /// The round of the newest note that was stored, by influencer.
    notes: HashMap<String, u64>,
    /// Runs reported since the last start.
    runs: Vec<Run>,
    acknowledged: u64,
}

impl Promised {
    fn note(&mut self, runs: Vec<Run>) {
        for run in runs.into_iter().filter(|run| run.outcome == Outcome::Ok) {
            let followers = run.followers.expect("no account hides them");
            self.followers.insert(run.connection, (followers, run.started_at));
            self.runs.push(run);
            self.acknowledged += 1;
        }
    }

    /// Compares everything promised with what is there now.
    async fn check(&mut self, client: &RosterClient, round: u64) {
        let influencers = influencers(client).await;
        assert_eq!(influencers.len() as u64, ACCOUNTS, "round {round}: every influencer added is there");
        for influencer in influencers {
            let [connection] = influencer.connections.as_slice() else { panic!("round {round}: {influencer:?}") };
            self.check_history(client, connection, round).await;
            let note: u64 = influencer.note.as_deref().unwrap_or("0").parse().expect("a round");
            let promised = self.notes.get(&influencer.row.name).copied().unwrap_or(0);
            assert!(note >= promised && note <= round, "round {round}: note {note}, promised {promised}");
        }
        let kept: Vec<RunId> = runs_since(client, &self.runs).await;
        for run in self.runs.drain(..) {
            assert!(kept.contains(&run.id), "round {round}: the log of runs lacks {run:?}");
        }
    }

    async fn check_history(&self, client: &RosterClient, connection: &Connection, round: u64) {
        // Due runs are running already; between two requests a day may get its newest value.
        let history = until("the history agrees with the list", async || {
            let named = connection.id.to_string();
            let history = client.history(within(LIMIT), named.clone(), None, None).await;
            let shown = client.connection(within(LIMIT), named).await.expect("a response").expect("a connection");
            let history = history.expect("a response").expect("a history").snapshots;
            (history.last() == shown.latest.as_ref()).then_some(history)
        });
        let history = history.await;
        let days: Vec<Date> = history.iter().map(|snapshot| snapshot.date).collect();
        assert!(days.is_sorted_by(|earlier, later| earlier < later), "round {round}: {days:?}");
        for snapshot in &history {
            let followers = snapshot.numbers.followers.expect("reported");
            assert!((0..=round).any(|past| followers_in(past) == followers), "round {round}: {followers} from nowhere");
        }
        let Some((followers, at)) = self.followers.get(&connection.id) else { return };
        let day = Date::from(at.to_jiff().to_zoned(jiff::tz::TimeZone::UTC).date());
        let kept = history.iter().any(|s| s.date >= day && s.numbers.followers >= Some(*followers));
        assert!(kept, "round {round}: {} lost {followers} followers of {day}: {history:?}", connection.handle);
    }
}

async fn influencers(client: &RosterClient) -> Vec<Influencer> {
    let query = InfluencerQuery { limit: 256, ..InfluencerQuery::default() };
    let page = client.influencers(within(LIMIT), query).await.expect("a response").expect("a page");
    let mut all = Vec::new();
    for row in page.rows {
        let shown = client.influencer(within(LIMIT), row.id.to_string()).await;
        all.push(shown.expect("a response").expect("an influencer"));
    }
    all
}

/// The runs kept since the first of `noted`.
async fn runs_since(client: &RosterClient, noted: &[Run]) -> Vec<RunId> {
    let Some(since) = noted.iter().map(|run| run.started_at).min() else { return Vec::new() };
    let mut kept = Vec::new();
    let mut query = RunsQuery { since: Some(since.into()), limit: 256, ..RunsQuery::default() };
    loop {
        let page = client.runs(within(LIMIT), query.clone()).await.expect("a response").expect("runs");
        kept.extend(page.rows.iter().map(|run| run.id));
        query.mark = page.next;
        if query.mark.is_none() {
            return kept;
        }
    }
}

/// Syncs everything again and again until the daemon stops responding. With `end`, the daemon gets that signal that
/// long after the first acknowledgement. Returns how many runs were requested and not yet reported.
async fn sync_until(rosterd: &mut Rosterd, promised: &mut Promised, mut end: Option<(Duration, Signal)>) -> u64 {
    let (client, begun) = (rosterd.client.clone(), Instant::now());
    let mut open = 0;
    'alive: while let Ok(Ok(ticket)) = client.sync(within(LIMIT), SyncTarget::All).await {
        assert!(begun.elapsed() < limit(LIMIT), "{ticket:?}: no kill, because no run was reported");
        let mut seen = 0;
        loop {
            open = ticket.expected - seen;
            let Ok(Ok(progress)) = client.sync_progress(within(LIMIT), ticket, seen).await else { break 'alive };
            seen += progress.runs.len() as u64;
            promised.note(progress.runs);
            if let Some((delay, signal)) = end.take_if(|_| seen > 0) {
                rosterd.signal_after(delay, signal);
            }
            if progress.done {
                break;
            }
        }
    }
    open
}

/// A sandbox, and the home of a daemon that has added every account and was killed.
async fn populated() -> (Sandbox, Home) {
    let sandbox = roster_sandbox::Options { accounts: 0, ..Default::default() };
    let sandbox = Sandbox::start(sandbox).await.expect("the sandbox listens");
    let home = Home::before(&sandbox);
    offer(&sandbox, 0);
    let mut rosterd = home.start().await;
    for number in 0..ACCOUNTS {
        let (platform, handle) = account(number);
        let account = Account { platform: platform.slug().to_owned(), handle };
        let new = NewInfluencer { name: format!("Star {number}"), accounts: vec![account], ..Default::default() };
        rosterd.client.add(within(LIMIT), new).await.expect("a response").expect("added");
    }
    rosterd.end(Signal::SIGKILL).await;
    (sandbox, home)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_kills_lose_nothing_that_was_acknowledged() {
    // Followers count the rounds in three digits: more kills are further sittings.
    for sitting in 0..times(1, 10) {
        a_hundred_kills(sitting).await;
    }
}

async fn a_hundred_kills(sitting: u64) {
    let (sandbox, home) = populated().await;
    let mut dice = fastrand::Rng::with_seed(sitting);
    let mut promised = Promised::default();
    let (mut slowest, mut midway, mut edits) = (Duration::ZERO, 0, 0);
    for round in 1..=ROUNDS {
        // No platform reports anything in the meantime: what is there was kept, and not requested again.
        refuse(&sandbox);
        let mut rosterd = home.start().await;
        slowest = slowest.max(rosterd.ready_after);
        promised.check(&rosterd.client, round).await;
        sandbox.world().clear_faults();
        offer(&sandbox, round);
        let delay = Duration::from_micros(dice.u64(10_000..70_000));
        // One time in four in the very moment of an acknowledgement, one time soon after it, else at any moment.
        let after_first_response = match round % 4 {
            0 => Some(Duration::ZERO),
            1 => Some(delay),
            _ => None,
        };
        if after_first_response.is_none() {
            rosterd.signal_after(delay, Signal::SIGKILL);
        }
        let name = format!("Star {}", round % ACCOUNTS);
        let edit = InfluencerEdit { note: Some(round.to_string()), ..InfluencerEdit::default() };
        let (client, edited) = (rosterd.client.clone(), name.clone());
        let edit = tokio::spawn(async move { client.edit(within(LIMIT), edited, edit).await });
        let end = after_first_response.map(|delay| (delay, Signal::SIGKILL));
        midway += u64::from(sync_until(&mut rosterd, &mut promised, end).await > 0);
        rosterd.gone().await;
        if let Ok(Ok(_)) = edit.await.expect("no panic") {
            promised.notes.insert(name, round);
            edits += 1;
        }
    }
    refuse(&sandbox);
    let rosterd = home.start().await;
    promised.check(&rosterd.client, ROUNDS).await;
    let status = rosterd.client.status(within(LIMIT)).await.expect("a response").expect("a status");
    assert_eq!(status.store.damaged, 0);
    figure(format!(
        "{ROUNDS} kills, {midway} of them with runs open; {} runs and {edits} edits acknowledged; \
         ready again after {slowest:?} at most",
        promised.acknowledged
    ));
    assert!(promised.acknowledged >= ROUNDS, "{} runs were acknowledged", promised.acknowledged);
    assert!(midway >= ROUNDS / 4, "{midway} kills hit while runs were open");
    assert!(edits > 0, "no edit was acknowledged");
    assert!(slowest <= limit(Duration::from_secs(5)), "ready again only after {slowest:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_start_that_is_killed_leaves_nothing_in_the_way() {
    let usual = Home::new("").start().await.ready_after;
    let mut dice = fastrand::Rng::with_seed(2);
    let (mut unborn, mut begun) = (0, 0);
    let rounds = times(60, 500);
    for round in 0..rounds {
        let home = Home::new("");
        let mut killed = home.rosterd(&[]).spawn().expect("rosterd starts");
        // Mostly while the store is being made: the last part of the time until it is ready.
        let delay = usual.mul_f64(0.3 + 0.7 * dice.f64());
        let limit = Instant::now() + delay;
        until("the moment of the kill", async || (Instant::now() >= limit).then_some(())).await;
        killed.start_kill().expect("a kill");
        killed.wait().await.expect("it was ours");
        begun += u32::from(home.state().exists());
        unborn += u32::from(!home.state().join("roster.redb").exists());
        let rosterd = home.start().await;
        let new = NewInfluencer { name: "Mara".to_owned(), ..NewInfluencer::default() };
        let added = rosterd.client.add(within(LIMIT), new).await.expect("a response");
        added.unwrap_or_else(|error| panic!("round {round}: {error}"));
    }
    figure(format!(
        "{rounds} first starts killed: {begun} had begun with the store, {unborn} had not made it; 0 stuck"
    ));
    assert!(begun > 0 && unborn > 0, "{begun} had begun, {unborn} had no store: the kills hit at the wrong time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_has_one_daemon() {
    let home = Home::new("");
    let rosterd = home.start().await;
    let elsewhere = home.path("elsewhere.sock").display().to_string();
    let moved = home.path("moved").display().to_string();
    let state = home.state().display().to_string();
    let is_refused = async |arguments: &[&str]| {
        let begun = Instant::now();
        let output = CommandOutput::of(home.rosterd(arguments)).await;
        assert_eq!(output.code, Some(1), "{output:?}");
        assert!(
            output.err.contains("error: the store in") && output.err.contains("is in use by another rosterd"),
            "{output:?}"
        );
        assert!(begun.elapsed() < limit(idle(Duration::from_secs(1))), "{:?}", begun.elapsed());
    };
    is_refused(&[]).await;
    is_refused(&["--socket", &elsewhere]).await;
    // Nor when the files have other names in the meantime.
    std::fs::rename(home.state(), &moved).expect("moved");
    is_refused(&["--socket", &elsewhere, "--state-dir", &moved]).await;
    std::fs::rename(&moved, &state).expect("moved back");
    let file = home.state().join("roster.redb");
    std::fs::rename(&file, home.path("roster.redb")).expect("moved");
    is_refused(&["--socket", &elsewhere]).await;
    // Moved away alone it leaves the lock, which is held; and without the lock the file itself still knows its user.
    std::fs::rename(home.path("roster.redb"), &file).expect("moved back");
    until("the first one has its file again", async || {
        let status = rosterd.client.status(within(LIMIT)).await.expect("a response").expect("a status");
        status.store.writable.then_some(())
    })
    .await;
    let (lock, kept) = (home.state().join("roster.lock"), home.path("roster.lock"));
    std::fs::rename(&lock, &kept).expect("moved");
    is_refused(&["--socket", &elsewhere]).await;
    std::fs::rename(&kept, &lock).expect("moved back");
    // Under another name it is the same directory.
    let link = home.path("link");
    std::os::unix::fs::symlink(home.state(), &link).expect("a link");
    is_refused(&["--socket", &elsewhere, "--state-dir", &link.display().to_string()]).await;
    if nightly().is_some() {
        let bound = Mount::bind(&home.state(), &home.path("bound"));
        is_refused(&["--socket", &elsewhere, "--state-dir", &bound.0.display().to_string()]).await;
        figure("a second daemon is refused within 1 s, after renames, through a link and through a bind mount");
    }
    rosterd.client.status(within(LIMIT)).await.expect("a response").expect("the first one continues");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_that_start_together_one_stays() {
    let (rounds, mut slowest) = (times(10, 100), Duration::ZERO);
    for round in 0..rounds {
        let home = Home::new("");
        let begun = Instant::now();
        let other = home.path("other.sock").display().to_string();
        let mut one = home.rosterd(&[]).spawn().expect("rosterd starts");
        let mut two = home.rosterd(&["--socket", &other]).spawn().expect("rosterd starts");
        let first_to_end =
            until("one of them ends", async || match (one.try_wait().expect("ours"), two.try_wait().expect("ours")) {
                (Some(_), Some(_)) => panic!("round {round}: both ended:\n{}", home.log()),
                (Some(status), None) => Some((1, status)),
                (None, Some(status)) => Some((2, status)),
                (None, None) => None,
            });
        let (which, status) = first_to_end.await;
        slowest = slowest.max(begun.elapsed());
        assert_eq!(status.code(), Some(1), "round {round}: {}", home.log());
        let socket = if which == 1 { home.path("other.sock") } else { home.socket() };
        let client = until("the other one responds", async || roster_protocol::transport::connect(&socket).await.ok());
        client.await.status(within(LIMIT)).await.expect("a response").expect("a status");
    }
    figure(format!(
        "{rounds} races of two daemons: one stayed each time, the other had ended after {slowest:.1?} at most"
    ));
    assert!(slowest <= limit(idle(Duration::from_secs(1))), "{slowest:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_under_full_load_is_clean_and_loses_nothing() {
    let (sandbox, home) = populated().await;
    let (mut promised, mut slowest, mut midway) = (Promised::default(), Duration::ZERO, 0);
    let rounds = times(3, 30);
    for round in 1..=rounds {
        refuse(&sandbox);
        let mut rosterd = home.start().await;
        promised.check(&rosterd.client, round).await;
        sandbox.world().clear_faults();
        offer(&sandbox, round);
        // Every account is requested, and half of the platforms respond late or never; users edit and wait for events.
        let slow = Fault { count: 1_000_000, delay_ms: Some(100), ..Fault::new(Platform::Mastodon, FaultKind::Slow) };
        sandbox.world().fault(slow);
        sandbox.world().fault(Fault { count: 1_000_000, ..Fault::new(Platform::Youtube, FaultKind::Timeout) });
        let busy: Vec<_> =
            (0..8).map(|one| tokio::spawn(edit_until_gone(rosterd.client.clone(), one, round))).collect();
        let waiting: Vec<_> = (0..8).map(|_| tokio::spawn(wait_until_gone(home.socket()))).collect();
        midway += sync_until(&mut rosterd, &mut promised, Some((Duration::ZERO, Signal::SIGTERM))).await;
        let begun = Instant::now();
        assert_eq!(rosterd.gone().await.code(), Some(0), "round {round}: {}", home.log());
        slowest = slowest.max(begun.elapsed());
        assert!(home.log().trim_end().ends_with("ended"), "round {round}: {}", home.log());
        for edits in busy {
            promised.notes.extend(edits.await.expect("no panic"));
        }
        for waited in waiting {
            waited.await.expect("no panic");
        }
    }
    refuse(&sandbox);
    let rosterd = home.start().await;
    promised.check(&rosterd.client, rounds).await;
    let (runs, edits) = (promised.acknowledged, promised.notes.len());
    figure(format!(
        "{rounds} ends under full load, {midway} runs open then: over within {slowest:.1?}; {runs} runs acknowledged, 0 lost"
    ));
    assert!(runs > 0 && edits > 0 && midway > 0, "{runs} runs, {edits} influencers edited, {midway} runs open");
    assert!(slowest <= limit(Duration::from_secs(5)), "{slowest:?}");
}

/// Writes the round as a note on every eighth influencer until the daemon is gone; returns those acknowledged.
async fn edit_until_gone(client: RosterClient, one: u64, round: u64) -> Vec<(String, u64)> {
    let mut noted = Vec::new();
    for number in (one..ACCOUNTS).step_by(8).cycle() {
        let name = format!("Star {number}");
        let edit = InfluencerEdit { note: Some(round.to_string()), ..InfluencerEdit::default() };
        match client.edit(within(LIMIT), name.clone(), edit).await {
            Ok(Ok(_)) => noted.push((name, round)),
            Ok(Err(_)) | Err(_) => break,
        }
    }
    noted
}

/// Waits for events, over a connection of its own, until the daemon is gone.
async fn wait_until_gone(socket: std::path::PathBuf) {
    let Ok(client) = roster_protocol::transport::connect(&socket).await else { return };
    let mut after = roster_protocol::Cursor::default();
    while let Ok(Ok(batch)) = client.events_since(within(LIMIT), after).await {
        after = batch.next;
    }
}

/// What a daemon over this home reports of its store: readiness, `status --check`, the metric.
async fn lost_store(home: &Home, client: &RosterClient) -> Option<String> {
    client.status(within(LIMIT)).await.expect("a response").expect("a status").not_ready.map(|reason| {
        assert!(reason.contains(&home.state().join("roster.redb").display().to_string()), "{reason}");
        reason
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_lost_under_the_daemon_takes_no_more_writes() {
    let home = Home::new("[http]\nlisten = \"127.0.0.1:0\"\n");
    let mut rosterd = home.start().await;
    let add = async |client: &RosterClient, name: &str| {
        let new = NewInfluencer { name: name.to_owned(), ..NewInfluencer::default() };
        client.add(within(LIMIT), new).await.expect("a response")
    };
    add(&rosterd.client, "Ana").await.expect("added");
    // A copy of a store that is being written to may be torn.
    rosterd.end(Signal::SIGTERM).await;
    let file = home.state().join("roster.redb");
    let older = home.path("older");
    std::fs::copy(&file, &older).expect("a copy");
    let mut rosterd = home.start().await;
    add(&rosterd.client, "Ben").await.expect("added");

    // Nothing is written: it is noticed all the same.
    std::fs::rename(&file, home.path("away")).expect("moved");
    let reason = until("it is noticed", async || lost_store(&home, &rosterd.client).await).await;
    assert!(reason.contains("was removed"), "{reason}");
    let refused = add(&rosterd.client, "Cleo").await.expect_err("nothing is acknowledged");
    assert!(refused.hint.is_some_and(|hint| hint.contains("put the same file back")), "{}", refused.message);
    let output = home.roster(&["status", "--check"]).await;
    assert_eq!((output.code, output.out.starts_with("ROSTER CRITICAL - ")), (Some(2), true), "{output:?}");
    assert!(home.log().contains("ERROR") && home.log().contains("was removed or moved away"), "{}", home.log());
    let found = influencers(&rosterd.client).await;
    assert_eq!(found.len(), 2, "what is open can still be read");
    std::fs::rename(home.path("away"), &file).expect("moved back");
    until("it goes on", async || lost_store(&home, &rosterd.client).await.is_none().then_some(())).await;
    add(&rosterd.client, "Cleo").await.expect("added");
    until("the outage is recorded, and nothing else is written", async || {
        let resolved = home.json(&["alerts", "--state", "resolved"]).await;
        resolved["alerts"]
            .as_array()
            .is_some_and(|alerts| alerts.iter().any(|one| one["rule"] == "store"))
            .then_some(())
    })
    .await;

    // An older copy that is laid over it is a restored backup, which the end of the daemon leaves as it is.
    std::fs::copy(&older, &file).expect("laid over");
    let reason = until("it is noticed", async || lost_store(&home, &rosterd.client).await).await;
    assert!(reason.contains("was overwritten"), "{reason}");
    let (status, _) = rosterd.end(Signal::SIGTERM).await;
    assert!(status.success());
    assert!(std::fs::read(&older).expect("the copy") == std::fs::read(&file).expect("the store"));
    let mut rosterd = home.start().await;
    assert_eq!(influencers(&rosterd.client).await.len(), 1);

    // And where one has been, none is begun unless that is wanted.
    std::fs::remove_file(&file).expect("gone");
    until("it is noticed", async || lost_store(&home, &rosterd.client).await).await;
    rosterd.end(Signal::SIGTERM).await;
    let output = CommandOutput::of(home.rosterd(&[])).await;
    assert_eq!(output.code, Some(78), "{output:?}");
    assert!(output.err.contains("is gone") && output.err.contains("--new-store"), "{output:?}");
    assert!(!file.exists());
    let rosterd = home.start_as(home.rosterd(&["run", "--new-store"])).await;
    assert!(influencers(&rosterd.client).await.is_empty());
}
