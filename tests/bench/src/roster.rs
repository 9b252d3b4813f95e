//! Rosters laid into a store before a daemon is started on it.

use std::path::Path;

use roster_protocol::Timestamp;
use roster_protocol::connection::{Snapshot, Source};
use roster_protocol::ids::ConnectionId;
use roster_protocol::metric::{Mean, MetricSet, Numbers, Ratio};
use roster_protocol::sync::{Cause, Outcome};
use roster_protocol::time::Date;
use rosterd::decision::Dice;
use rosterd::model::{Commit, Connection, Influencer, RosterCommit, Run, SyncCommit};
use rosterd::store::{OpenOptions, Store};

/// How many days are written at once: about a month, as a chunk holds.
const DAYS_AT_ONCE: i32 = 30;

/// What is laid.
pub struct Lay {
    /// Influencers with one connection each.
    pub count: usize,
    /// Snapshots of each, one a day, today's included; 0 for accounts that were never synced.
    pub days: i32,
    /// Runs of each within the last 24 hours.
    pub runs: i64,
    /// Now, for the store.
    pub now: Timestamp,
    /// Nothing is due before.
    pub due: Timestamp,
    pub platform: &'static str,
    pub handle: fn(usize) -> String,
    pub user_id: fn(usize) -> String,
}

/// A roster of `count` influencers with one connection and `days` days of history each, laid into a store in `dir`.
/// Nothing is due before `due`.
///
/// # Errors
/// When the store cannot be written.
pub async fn lay_roster(dir: &Path, count: usize, days: i32, due: Timestamp) -> anyhow::Result<()> {
    lay(dir, &roster_of(count, days, due)).await?;
    Ok(())
}

/// What [`lay_roster`] lays: Bluesky accounts that had no runs.
pub fn roster_of(count: usize, days: i32, due: Timestamp) -> Lay {
    Lay {
        count,
        days,
        runs: 0,
        now: jiff::Timestamp::now().into(),
        due,
        platform: "bluesky",
        handle: |index| format!("influencer{index}.example"),
        user_id: |index| format!("did:plc:bench{index}"),
    }
}

/// Writes a roster into a store in `dir`, and returns the connections in the order of their indices.
///
/// # Errors
/// When the store cannot be written.
pub async fn lay(dir: &Path, lay: &Lay) -> anyhow::Result<Vec<ConnectionId>> {
    let today = rosterd::process::config::Config::parse("", "bench")?.sync.grid.date_of(lay.now);
    let (store, _) = Store::open(OpenOptions::in_dir(dir, lay.now))?;
    let mut dice = Dice(fastrand::Rng::with_seed(7));
    // In the order of ids, as the schedule's offsets make connections due.
    let mut ids: Vec<ConnectionId> = (0..lay.count).map(|_| dice.id()).collect();
    ids.sort();
    let mut accounts: Vec<Account> =
        (0..lay.count).map(|index| Account::at(index, ids[index], lay, today, &mut dice)).collect();
    let mut first = today.plus_days(1 - lay.days);
    while first <= today {
        let last = first.plus_days(DAYS_AT_ONCE - 1).min(today);
        let days = || (first.0..=last.0).map(Date);
        let histories = accounts.iter_mut().map(|account| {
            let history: Vec<Snapshot> = days().map(|day| account.snapshot(day, today, lay.now, &mut dice)).collect();
            account.connection.latest = history.last().cloned();
            (account.connection.id, history)
        });
        let histories = histories.collect();
        store.bulk_snapshots(today, histories).await?;
        first = last.plus_days(1);
    }
    let runs = accounts.iter().flat_map(|account| (0..lay.runs).map(|run| (&account.connection, run)));
    let runs: Vec<Run> = runs.map(|(connection, run)| ended(connection, lay, run, &mut dice)).collect();
    let (influencers, connections) =
        accounts.into_iter().map(|account| (account.influencer, account.connection)).unzip();
    store.commit(Commit::from(RosterCommit { influencers, connections, ..RosterCommit::default() })).await?;
    for some in runs.chunks(10_000) {
        store.commit(Commit::from(SyncCommit { runs: some.to_vec(), ..SyncCommit::default() })).await?;
    }
    Ok(ids)
}

struct Account {
    influencer: Influencer,
    connection: Connection,
    /// Followers, roughly.
    size: f64,
}

impl Account {
    fn at(index: usize, id: ConnectionId, lay: &Lay, today: Date, dice: &mut Dice) -> Self {
        let influencer = Influencer {
            id: dice.id(),
            name: format!("Influencer {index:05}"),
            tags: vec!["beauty".to_owned(), "nordic".to_owned()],
            note: None,
            paused: false,
            main: None,
            added_at: lay.now,
        };
        let connection = Connection {
            id,
            influencer: influencer.id,
            platform: lay.platform.to_owned(),
            handle: (lay.handle)(index),
            platform_user_id: Some((lay.user_id)(index)),
            connected_at: lay.now,
            disconnected_at: None,
            paused: false,
            interval: None,
            next_due_at: lay.due,
            slot_at: lay.due,
            last_synced_at: (lay.days > 0).then_some(lay.now),
            failures: 0,
            trouble: None,
            profile: None,
            latest: None,
            first_day: (lay.days > 0).then(|| today.plus_days(1 - lay.days)),
            by_hand: None,
            absent: Vec::new(),
            read_until: None,
        };
        Self { influencer, connection, size: 10f64.powf(2.5 + dice.share() * 3.5) }
    }

    fn snapshot(&self, day: Date, today: Date, now: Timestamp, dice: &mut Dice) -> Snapshot {
        let (age, share) = (today.0 - day.0, dice.share());
        Snapshot {
            date: day,
            observed_at: now.plus_seconds(-i64::from(age) * 86_400),
            source: Source::Api,
            followers_step: None,
            definition: 0,
            read_with: None,
            by_hand: MetricSet::default(),
            numbers: Numbers {
                followers: Some((self.size * (1.0 - f64::from(age) * 0.001 + share * 0.001)) as u64),
                following: Some(250),
                posts: Some(1000 - age as u64),
                engagement_rate: Some(Ratio(30_000 + (share * 4000.0) as i64)),
                avg_likes: Some(Mean((self.size * (3.0 + share)) as u64)),
                avg_comments: Some(Mean((self.size * (0.3 + share * 0.1)) as u64)),
                ..Numbers::default()
            },
        }
    }
}

/// A run that went well, some hours ago.
fn ended(connection: &Connection, lay: &Lay, run: i64, dice: &mut Dice) -> Run {
    let at = lay.now.plus_seconds(-run * (86_000 / lay.runs.max(1)) - 60);
    Run {
        id: dice.id(),
        connection: connection.id,
        influencer: connection.influencer,
        platform: connection.platform.clone(),
        due_at: at,
        slot_at: at,
        missed: 0,
        started_at: at,
        duration_ms: 310,
        outcome: Outcome::Ok,
        cause: Cause::Schedule,
        is_retry: false,
        followers: connection.latest.as_ref().and_then(|latest| latest.numbers.followers),
        error: None,
        retry_at: None,
    }
}
