//! The store against SQLite, on the same numbers, in alternating runs: size, durable appends, a year, a sum, a kill.
//!
//! `ROSTER_BENCH_CONNECTIONS` makes it smaller than its 10,000. SQLite runs with WAL, `synchronous=FULL` and the same
//! cache; its rows have integer keys, which is the best it can be given.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use roster_bench::snapshot_bytes;
use roster_protocol::alert::ChangeCause;
use roster_protocol::connection::{Snapshot, Source};
use roster_protocol::ids::{ConnectionId, InfluencerId, RunId};
use roster_protocol::metric::{AgeRange, Mean, Metric, MetricSet, Numbers, Ratio};
use roster_protocol::sync::{Cause, Outcome};
use roster_protocol::time::{Date, Timestamp};
use rosterd::model::{Change, Commit, Connection, RosterCommit, Run, SyncCommit};
use rosterd::store::{Encoded, FollowerSum, HistoryQuery, OpenOptions, Pending, SnapshotCount, Store, TableBytes};
use rusqlite::params;

/// 2025-01-01.
const FIRST: Date = Date(20_089);
const YEAR: i32 = 365;
/// Days that are written one by one, through log and fold.
const MORE: i32 = 32;
/// Commits that are in flight at a time.
const GROUP: usize = 1_000;
const CACHE_BYTES: usize = 32 << 20;
const CHILD: &str = "ROSTER_BENCH_CHILD";

fn main() -> Result<()> {
    if let Some(dir) = std::env::var_os(CHILD) {
        return write_until_killed(Path::new(&dir));
    }
    let connections = std::env::var("ROSTER_BENCH_CONNECTIONS").ok().map_or(Ok(10_000), |text| text.parse())?;
    let dir = tempfile::tempdir_in(option_env!("CARGO_TARGET_TMPDIR").unwrap_or("."))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    println!("{connections} connections, {YEAR} days at once, {MORE} more one by one");
    println!(
        "fdatasync of 64 KiB: {:.1} ms; the store needs two for a transaction, SQLite one",
        fdatasync_ms(dir.path())?
    );
    let mut world = World::of(connections);
    let mut bench = Bench::load(dir.path(), &mut world, &runtime)?;
    bench.sizes()?;
    bench.appends(&mut world, &runtime)?;
    bench.finished_runs(&mut world)?;
    bench.years(&world)?;
    bench.sums()?;
    bench.reopening()
}

/// Prints a line of the table.
fn print(what: &str, ours: String, yardstick: String, ratio: f64, goal: &str, is_met: bool) {
    let mark = if is_met { "ok" } else { "MISSED" };
    println!("{what:<56} {ours:>18} {yardstick:>18} {ratio:>8.2}   {goal:<12} {mark}");
}

fn median<T: Copy + PartialOrd>(mut values: Vec<T>) -> T {
    values.sort_by(|a, b| a.partial_cmp(b).expect("figures are numbers"));
    values[values.len() / 2]
}

/// Believable accounts, the same in every run.
struct World {
    random: fastrand::Rng,
    accounts: Vec<Account>,
    /// The order of the day's slots: by id, as the schedule's offsets are.
    order: Vec<usize>,
    day: i32,
}

struct Account {
    connection: Connection,
    slot_seconds: i64,
    /// Fractional, so that small accounts grow too.
    followers: f64,
    growth_per_day: f64,
    following: u64,
    posts: u64,
    posts_per_day: f64,
    rate: f64,
    likes_per_comment: f64,
    views_per_like: Option<f64>,
    /// How many digits of the followers the platform reports.
    digits: Option<u32>,
    audience: Option<(i64, AgeRange)>,
}

impl World {
    fn of(count: usize) -> Self {
        let mut random = fastrand::Rng::with_seed(4);
        let accounts: Vec<_> = (0..count).map(|at| Account::new(at, &mut random)).collect();
        let mut order: Vec<_> = (0..count).collect();
        order.sort_by_key(|at| accounts[*at].connection.id);
        Self { random, accounts, order, day: 0 }
    }

    /// The next day's snapshot of every account, in the order of accounts.
    fn next_day(&mut self) -> Vec<Snapshot> {
        let date = FIRST.plus_days(self.day);
        self.day += 1;
        self.accounts.iter_mut().map(|account| account.next_day(date, &mut self.random)).collect()
    }

    fn today(&self) -> Date {
        FIRST.plus_days(self.day - 1)
    }
}

impl Account {
    fn new(at: usize, random: &mut fastrand::Rng) -> Self {
        let id = ConnectionId::from_bytes(std::array::from_fn(|_| random.u8(..)));
        let followers = (10.0 + 1.9 * normal(random)).exp().clamp(50.0, 4e8);
        Self {
            connection: Connection {
                id,
                influencer: InfluencerId::from_bytes(std::array::from_fn(|_| random.u8(..))),
                platform: ["bluesky", "mastodon", "youtube"][at % 3].to_owned(),
                handle: format!("someone.{at}.example"),
                platform_user_id: Some(format!("did:plc:{:016x}", random.u64(..))),
                connected_at: Timestamp(i64::from(FIRST.0) * 86_400_000),
                disconnected_at: None,
                paused: false,
                interval: None,
                next_due_at: Timestamp(0),
                slot_at: Timestamp(0),
                last_synced_at: None,
                failures: 0,
                trouble: None,
                profile: None,
                latest: None,
                first_day: Some(FIRST),
                by_hand: None,
                absent: Vec::new(),
                read_until: None,
            },
            slot_seconds: random.i64(0..86_000),
            followers,
            growth_per_day: 0.0006 + 0.001 * normal(random),
            following: random.u64(20..3_000),
            posts: random.u64(10..5_000),
            posts_per_day: random.f64() * 2.0,
            rate: (-3.2 + 0.8 * normal(random)).exp(),
            likes_per_comment: 8.0 + random.f64() * 60.0,
            views_per_like: (at % 3 == 2).then(|| 10.0 + random.f64() * 30.0),
            digits: (at % 3 == 2).then_some(3),
            audience: at.is_multiple_of(4).then(|| (random.i64(200_000..800_000), AgeRange::From25To34)),
        }
    }

    fn next_day(&mut self, date: Date, random: &mut fastrand::Rng) -> Snapshot {
        // More happens at weekends.
        let rhythm = if date.0.rem_euclid(7) >= 5 { 1.4 } else { 0.85 };
        self.followers *= 1.0 + self.growth_per_day * rhythm + 0.0004 * normal(random);
        if random.u8(0..5) == 0 {
            self.following = self.following.saturating_add_signed(random.i64(-2..4));
        }
        // Means over the newest posts move when there is a new one, and a little by late likes.
        let new_posts = (self.posts_per_day * rhythm + random.f64()) as u64;
        self.posts += new_posts;
        self.rate *= 1.0 + if new_posts > 0 { 0.03 } else { 0.002 } * normal(random);
        let followers = self.followers as u64;
        let likes = self.rate * self.followers;
        let step = self.digits.map(|digits| 10u64.pow(followers.max(1).ilog10().saturating_sub(digits - 1)));
        if let Some((male, _)) = &mut self.audience
            && random.u8(0..7) == 0
        {
            *male = (*male + random.i64(-900..900)).clamp(0, 1_000_000);
        }
        let engagements = likes * (1.0 + 1.0 / self.likes_per_comment);
        let seconds = self.slot_seconds + random.i64(0..40);
        Snapshot {
            date,
            observed_at: Timestamp(i64::from(date.0) * 86_400_000 + seconds * 1000),
            source: Source::Api,
            followers_step: step,
            definition: 1,
            read_with: None,
            by_hand: MetricSet::default(),
            numbers: Numbers {
                followers: Some(step.map_or(followers, |step| followers / step * step)),
                following: Some(self.following),
                posts: Some(self.posts),
                engagement_rate: Ratio::from_f64(engagements / self.followers.max(1.0)),
                avg_likes: Mean::from_f64(likes),
                avg_comments: Mean::from_f64(likes / self.likes_per_comment),
                avg_views: self.views_per_like.and_then(|views| Mean::from_f64(likes * views)),
                audience_male: self.audience.map(|(male, _)| Ratio(male)),
                audience_female: self.audience.map(|(male, _)| Ratio(1_000_000 - male)),
                top_age_range: self.audience.map(|(_, age)| age),
                ..Numbers::default()
            },
        }
    }
}

/// Near enough to a normal distribution with deviation 1.
fn normal(random: &mut fastrand::Rng) -> f64 {
    (0..12).map(|_| random.f64()).sum::<f64>() - 6.0
}

struct Bench {
    dir: PathBuf,
    store: Option<Store>,
    by_connection: rusqlite::Connection,
    by_day: rusqlite::Connection,
}

impl Bench {
    /// A year at once into all three, then the further days into the store, one by one.
    fn load(dir: &Path, world: &mut World, runtime: &tokio::runtime::Runtime) -> Result<Self> {
        let (store, _) = Store::open(options(&dir.join("store")))?;
        let connections = world.accounts.iter().map(|account| account.connection.clone()).collect();
        store.submit(Encoded::of(&Commit::from(RosterCommit { connections, ..RosterCommit::default() }))?).wait()?;
        let mut by_connection = sqlite(&dir.join("by_connection.sqlite"), "connection, day")?;
        let mut by_day = sqlite(&dir.join("by_day.sqlite"), "day, connection")?;
        let (mut ours, mut rows) = (Duration::ZERO, 0);
        let ids: Vec<_> = world.accounts.iter().map(|account| account.connection.id).collect();
        let mut months = Vec::new();
        while world.day < YEAR {
            let mut histories: Vec<_> = ids.iter().map(|id| (*id, Vec::new())).collect();
            for _ in 0..30.min(YEAR - world.day) {
                let day = world.next_day();
                histories.iter_mut().zip(day).for_each(|((_, history), snapshot)| history.push(snapshot));
            }
            insert_all(&mut by_day, &histories, |id, date| (date.0.into(), key_of(id)))?;
            rows += histories.iter().map(|(_, history)| history.len()).sum::<usize>();
            months.push(histories.clone());
            let began = Instant::now();
            runtime.block_on(store.bulk_snapshots(world.today().plus_days(9), histories))?;
            ours += began.elapsed();
        }
        // As it would be stored after a year: in key order.
        let mut by_key: Vec<_> = (0..ids.len()).collect();
        by_key.sort_by_key(|at| key_of(ids[*at]));
        for some in by_key.chunks(200) {
            let year = some.iter().flat_map(|at| months.iter().map(|month| month[*at].clone()));
            insert_all(&mut by_connection, &year.collect::<Vec<_>>(), |id, date| (key_of(id), date.0.into()))?;
        }
        println!("bulk load: {:.0} k snapshots/s", rows as f64 / ours.as_secs_f64() / 1e3);

        let (mut folded, mut fold_time, mut longest) = (0usize, Duration::ZERO, Duration::ZERO);
        for _ in 0..MORE {
            let day = world.next_day();
            append(&store, world, &day)?;
            let began = Instant::now();
            runtime.block_on(store.fold(world.today()))?;
            let took = began.elapsed();
            if took > Duration::from_millis(20) {
                folded += 4 * ids.len();
                fold_time += took;
                longest = longest.max(took / (ids.len() as u32).div_ceil(2_000));
            }
        }
        println!(
            "fold: {:.0} k snapshots/s, a transaction about {} ms at most\n",
            folded as f64 / fold_time.as_secs_f64() / 1e3,
            longest.as_millis()
        );
        println!("{:<56} {:>18} {:>18} {:>8}   {:<12}", "", "store", "SQLite", "ratio", "goal");
        Ok(Self { dir: dir.to_owned(), store: Some(store), by_connection, by_day })
    }

    fn store(&self) -> &Store {
        self.store.as_ref().expect("it is only closed at the end")
    }

    fn sizes(&self) -> Result<()> {
        let bytes = snapshot_bytes(&self.store().read_now(TableBytes)?);
        let snapshots = self.store().read_now(SnapshotCount)? as f64;
        let file = std::fs::metadata(self.dir.join("store/roster.redb"))?.blocks() as f64 * 512.0;
        let sqlite: f64 = self.by_connection.query_row(
            "SELECT (SELECT page_count * page_size FROM pragma_page_count, pragma_page_size) * 1.0 / count(*) FROM snapshots",
            [],
            |row| row.get(0),
        )?;
        let each = bytes as f64 / snapshots;
        print(
            "snapshot tables, bytes per snapshot",
            format!("{each:.1}"),
            format!("{sqlite:.1}"),
            each / sqlite,
            "<= 24 B",
            each <= 24.0,
        );
        let each = file / snapshots;
        print(
            "whole file on disk, bytes per snapshot",
            format!("{each:.1}"),
            format!("{sqlite:.1}"),
            each / sqlite,
            "",
            true,
        );
        Ok(())
    }

    /// Whole days, a thousand to a durable transaction. The goals are for what the log is made for: slot order, at its
    /// right edge, a group handed over as a whole, as SQLite gets it. Single commits that each wait for their result,
    /// and snapshots in no order, as when platforms respond late, are printed beside it.
    fn appends(&mut self, world: &mut World, runtime: &tokio::runtime::Runtime) -> Result<()> {
        self.append_days(world, runtime, "in order", append_groups, true)?;
        self.append_days(world, runtime, "one by one, in order", append, false)?;
        let in_order = world.order.clone();
        fastrand::Rng::with_seed(5).shuffle(&mut world.order);
        self.append_days(world, runtime, "in no order", append_groups, false)?;
        self.append_days(world, runtime, "one by one, in no order", append, false)?;
        world.order = in_order;
        Ok(())
    }

    fn append_days(
        &mut self,
        world: &mut World,
        runtime: &tokio::runtime::Runtime,
        how: &str,
        append: fn(&Store, &World, &[Snapshot]) -> Result<()>,
        has_goals: bool,
    ) -> Result<()> {
        let (mut ours, mut by_connection, mut by_day) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..7 {
            let day = world.next_day();
            let count = day.len() as f64 / 1e3;
            ours.push(count / timed(|| append(self.store(), world, &day))?);
            by_connection.push(count / timed(|| append_sqlite(&mut self.by_connection, world, &day))?);
            by_day.push(count / timed(|| append_sqlite(&mut self.by_day, world, &day))?);
            runtime.block_on(self.store().fold(world.today()))?;
        }
        let (ours, by_connection, by_day) = (median(ours), median(by_connection), median(by_day));
        let each = |figure: f64| format!("{figure:.0} k/s");
        let ratio = ours / by_connection;
        print(
            &format!("append {how}, rows by (connection, day)"),
            each(ours),
            each(by_connection),
            ratio,
            if has_goals { ">= 8" } else { "" },
            !has_goals || ratio >= 8.0,
        );
        let ratio = ours / by_day;
        print(
            &format!("append {how}, rows by (day, connection)"),
            each(ours),
            each(by_day),
            ratio,
            if has_goals { ">= 2" } else { "" },
            !has_goals || ratio >= 2.0,
        );
        Ok(())
    }

    /// What a sync leaves: snapshot, connection, run, change, each a commit of its own.
    fn finished_runs(&mut self, world: &mut World) -> Result<()> {
        let mut figures = Vec::new();
        for _ in 0..5 {
            let day = world.next_day();
            let commits = world.order.iter().map(|at| finished(&world.accounts[*at], &day[*at]));
            let count = day.len() as f64;
            figures.push(count / timed(|| submit_all(self.store(), commits))?);
        }
        let figure = median(figures);
        print(
            "whole finished runs, group commits",
            format!("{:.0} k/s", figure / 1e3),
            String::new(),
            f64::NAN,
            ">= 50 k/s",
            figure >= 50_000.0,
        );
        Ok(())
    }

    fn years(&self, world: &World) -> Result<()> {
        let (since, mut random) = (world.today().plus_days(-YEAR), fastrand::Rng::with_seed(9));
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        let sql = "SELECT * FROM snapshots WHERE connection = ? AND day >= ? ORDER BY day";
        let mut statement = self.by_connection.prepare(sql)?;
        for _ in 0..2_000 {
            let of = &world.accounts[random.usize(0..world.accounts.len())].connection;
            let began = Instant::now();
            let read = self.store().read_now(HistoryQuery { since: Some(since), ..HistoryQuery::of(of) })?;
            ours.push(began.elapsed());
            ensure!(read.len() == YEAR as usize + 1, "{} days", read.len());
            let began = Instant::now();
            let rows = statement.query_map(params![key_of(of.id), since.0], snapshot_of)?;
            let read: Vec<Snapshot> = rows.collect::<Result<_, _>>()?;
            theirs.push(began.elapsed());
            ensure!(read.len() > 300, "{} days", read.len());
        }
        let (ours, theirs) = (median(ours).as_secs_f64() * 1e6, median(theirs).as_secs_f64() * 1e6);
        let each = |figure: f64| format!("{figure:.0} µs");
        let ratio = ours / theirs;
        print("a connection's year, open days too, p50", each(ours), each(theirs), ratio, "<= 0.7", ratio <= 0.7);
        Ok(())
    }

    fn sums(&self) -> Result<()> {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..5 {
            let began = Instant::now();
            let (_, count) = self.store().read_now(FollowerSum)?;
            ours.push(count as f64 / began.elapsed().as_secs_f64() / 1e6);
            let began = Instant::now();
            let sql = "SELECT sum(followers), count(followers) FROM snapshots";
            let count: i64 = self.by_connection.query_row(sql, [], |row| row.get(1))?;
            theirs.push(count as f64 / began.elapsed().as_secs_f64() / 1e6);
        }
        let (ours, theirs) = (median(ours), median(theirs));
        let each = |figure: f64| format!("{figure:.1} M/s");
        let ratio = ours / theirs;
        print("sum over all history", each(ours), each(theirs), ratio, ">= 1.5", ratio >= 1.5);
        Ok(())
    }

    /// A child writes into the large store until it is killed; then it is opened.
    fn reopening(&mut self) -> Result<()> {
        let dir = self.dir.join("store");
        self.store = None;
        let mut whole = Vec::new();
        for _ in 0..5 {
            let mut child = Command::new(std::env::current_exe()?).env(CHILD, &dir).stdout(Stdio::piped()).spawn()?;
            let mut words = BufReader::new(child.stdout.take().context("a pipe")?).lines();
            for _ in 0..20 {
                words.next().context("the child died")??;
            }
            child.kill()?;
            child.wait()?;
            let began = Instant::now();
            let (store, loaded) = Store::open(options(&dir))?;
            whole.push(began.elapsed().as_secs_f64() * 1e3);
            ensure!(!loaded.connections.is_empty());
            drop(store);
        }
        let (whole, size) = (median(whole), std::fs::metadata(dir.join("roster.redb"))?.len() >> 20);
        print(
            &format!("reopening {size} MB after kill -9"),
            format!("{whole:.0} ms"),
            String::new(),
            f64::NAN,
            "<= 50 ms",
            whole <= 50.0,
        );
        Ok(())
    }
}

fn options(dir: &Path) -> OpenOptions {
    OpenOptions { cache_bytes: CACHE_BYTES, ..OpenOptions::in_dir(dir, Timestamp(0)) }
}

fn fdatasync_ms(dir: &Path) -> Result<f64> {
    let mut file = std::fs::File::create(dir.join("sync"))?;
    let mut figures = Vec::new();
    for _ in 0..100 {
        file.write_all(&[7; 1 << 16])?;
        figures.push(timed(|| Ok(file.sync_data()?))? * 1e3);
    }
    Ok(median(figures))
}

fn timed(work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let began = Instant::now();
    work()?;
    Ok(began.elapsed().as_secs_f64())
}

/// A day as groups, each handed over as a whole, as SQLite gets them; the next is made while one is written.
fn append_groups(store: &Store, world: &World, day: &[Snapshot]) -> Result<()> {
    let mut before: Option<Pending> = None;
    for group in world.order.chunks(GROUP) {
        let snapshots = group.iter().map(|at| (world.accounts[*at].connection.id, day[*at].clone())).collect();
        let pending = store.submit(Encoded::of(&Commit::from(SyncCommit { snapshots, ..SyncCommit::default() }))?);
        if let Some(before) = before.replace(pending) {
            before.wait()?;
        }
    }
    before.map_or(Ok(()), |last| Ok(last.wait()?))
}

/// A day as single commits that each wait for their result, as finished syncs hand them over.
fn append(store: &Store, world: &World, day: &[Snapshot]) -> Result<()> {
    let commit = |at: &usize| {
        Commit::from(SyncCommit {
            snapshots: vec![(world.accounts[*at].connection.id, day[*at].clone())],
            ..SyncCommit::default()
        })
    };
    submit_all(store, world.order.iter().map(commit))
}

/// Keeps four groups in flight, as many syncs at once do: the writer never waits for this thread.
fn submit_all(store: &Store, commits: impl Iterator<Item = Commit>) -> Result<()> {
    let mut commits = commits.peekable();
    let mut groups = VecDeque::new();
    while commits.peek().is_some() {
        let group = commits.by_ref().take(GROUP).map(|commit| Ok(store.submit(Encoded::of(&commit)?)));
        groups.push_back(group.collect::<Result<_>>()?);
        if groups.len() == 4 {
            groups.pop_front().map_or(Ok(()), wait_all)?;
        }
    }
    groups.into_iter().try_for_each(wait_all)
}

/// The newest first: then the others are there.
fn wait_all(pending: Vec<Pending>) -> Result<()> {
    pending.into_iter().rev().try_for_each(Pending::wait)?;
    Ok(())
}

fn finished(account: &Account, snapshot: &Snapshot) -> Commit {
    let connection = Connection {
        last_synced_at: Some(snapshot.observed_at),
        next_due_at: snapshot.observed_at.plus_seconds(86_400),
        latest: Some(snapshot.clone()),
        ..account.connection.clone()
    };
    let run = Run {
        id: RunId::from_bytes(std::array::from_fn(|at| connection.id.0[at] ^ snapshot.date.0 as u8)),
        connection: connection.id,
        influencer: connection.influencer,
        platform: connection.platform.clone(),
        due_at: snapshot.observed_at.plus_seconds(-2),
        slot_at: snapshot.observed_at.plus_seconds(-2),
        missed: 0,
        started_at: snapshot.observed_at.plus_seconds(-1),
        duration_ms: 310,
        outcome: Outcome::Ok,
        cause: Cause::Schedule,
        is_retry: false,
        followers: snapshot.numbers.followers,
        error: None,
        retry_at: None,
    };
    let change = Change {
        at: snapshot.observed_at,
        influencer: connection.influencer,
        connection: connection.id,
        platform: connection.platform.clone(),
        metric: Metric::Followers,
        from: Some(1.0),
        to: Metric::Followers.of(&snapshot.numbers),
        cause: ChangeCause::Sync,
        significant: false,
    };
    let snapshots = vec![(connection.id, snapshot.clone())];
    let sync = SyncCommit { snapshots, runs: vec![run], changes: vec![change], ..SyncCommit::default() };
    Commit {
        roster: RosterCommit { connections: vec![connection], ..RosterCommit::default() },
        sync,
        ..Commit::default()
    }
}

fn write_until_killed(dir: &Path) -> Result<()> {
    let (store, loaded) = Store::open(options(dir))?;
    for round in 0u32.. {
        let runs = loaded.connections.iter().take(50).map(|connection| Run {
            id: RunId::from_bytes([7; 5]),
            connection: connection.id,
            influencer: connection.influencer,
            platform: connection.platform.clone(),
            due_at: Timestamp(0),
            slot_at: Timestamp(0),
            missed: 0,
            started_at: Timestamp(i64::from(round)),
            duration_ms: 1,
            outcome: Outcome::Ok,
            cause: Cause::Schedule,
            is_retry: false,
            followers: None,
            error: None,
            retry_at: None,
        });
        store
            .submit(Encoded::of(&Commit::from(SyncCommit { runs: runs.collect(), ..SyncCommit::default() }))?)
            .wait()?;
        println!("{round}");
    }
    Ok(())
}

fn sqlite(path: &Path, key: &str) -> Result<rusqlite::Connection> {
    let database = rusqlite::Connection::open(path)?;
    let kib = CACHE_BYTES >> 10;
    database.execute_batch(&format!(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -{kib};
         CREATE TABLE snapshots (
             connection INTEGER NOT NULL, day INTEGER NOT NULL, observed_at INTEGER NOT NULL, source INTEGER NOT NULL,
             step INTEGER, definition INTEGER NOT NULL, followers INTEGER, following INTEGER, posts INTEGER,
             rate INTEGER, likes INTEGER, comments INTEGER, views INTEGER, male INTEGER, female INTEGER, age INTEGER,
             PRIMARY KEY ({key})) WITHOUT ROWID"
    ))?;
    Ok(database)
}

const INSERT: &str = "INSERT INTO snapshots VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

fn insert(statement: &mut rusqlite::Statement<'_>, id: ConnectionId, snapshot: &Snapshot) -> Result<()> {
    let numbers = &snapshot.numbers;
    let count = |value: Option<u64>| value.map(|value| value as i64);
    let mean = |value: Option<Mean>| value.map(|value| value.0 as i64);
    let ratio = |value: Option<Ratio>| value.map(|value| value.0);
    statement.execute(params![
        key_of(id),
        snapshot.date.0,
        snapshot.observed_at.0 / 1000,
        snapshot.source as i64,
        count(snapshot.followers_step),
        snapshot.definition,
        count(numbers.followers),
        count(numbers.following),
        count(numbers.posts),
        ratio(numbers.engagement_rate),
        mean(numbers.avg_likes),
        mean(numbers.avg_comments),
        mean(numbers.avg_views),
        ratio(numbers.audience_male),
        ratio(numbers.audience_female),
        numbers.top_age_range.map(|age| age as i64),
    ])?;
    Ok(())
}

/// In the order of the table's key.
fn insert_all(
    database: &mut rusqlite::Connection,
    histories: &[(ConnectionId, Vec<Snapshot>)],
    key: impl Fn(ConnectionId, Date) -> (i64, i64),
) -> Result<()> {
    let transaction = database.transaction()?;
    {
        let mut statement = transaction.prepare_cached(INSERT)?;
        let mut rows: Vec<_> = histories.iter().flat_map(|(id, all)| all.iter().map(move |one| (*id, one))).collect();
        rows.sort_by_key(|(id, one)| key(*id, one.date));
        rows.into_iter().try_for_each(|(id, one)| insert(&mut statement, id, one))?;
    }
    Ok(transaction.commit()?)
}

fn append_sqlite(database: &mut rusqlite::Connection, world: &World, day: &[Snapshot]) -> Result<()> {
    for group in world.order.chunks(GROUP) {
        let transaction = database.transaction()?;
        {
            let mut statement = transaction.prepare_cached(INSERT)?;
            for at in group {
                insert(&mut statement, world.accounts[*at].connection.id, &day[*at])?;
            }
        }
        transaction.commit()?;
    }
    Ok(())
}

fn key_of(id: ConnectionId) -> i64 {
    id.0.iter().fold(0, |key, byte| key << 8 | i64::from(*byte))
}

fn snapshot_of(row: &rusqlite::Row<'_>) -> rusqlite::Result<Snapshot> {
    let count = |at: usize| row.get::<_, Option<i64>>(at).map(|value| value.map(|value| value as u64));
    let mean = |at: usize| count(at).map(|value| value.map(Mean));
    let ratio = |at: usize| row.get::<_, Option<i64>>(at).map(|value| value.map(Ratio));
    Ok(Snapshot {
        date: Date(row.get(1)?),
        observed_at: Timestamp(row.get::<_, i64>(2)? * 1000),
        source: Source::Api,
        followers_step: count(4)?,
        definition: row.get(5)?,
        read_with: None,
        by_hand: MetricSet::default(),
        numbers: Numbers {
            followers: count(6)?,
            following: count(7)?,
            posts: count(8)?,
            engagement_rate: ratio(9)?,
            avg_likes: mean(10)?,
            avg_comments: mean(11)?,
            avg_views: mean(12)?,
            audience_male: ratio(13)?,
            audience_female: ratio(14)?,
            top_age_range: row.get::<_, Option<u8>>(15)?.and_then(|at| AgeRange::ALL.get(usize::from(at)).copied()),
            ..Numbers::default()
        },
    })
}
