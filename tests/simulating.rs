//! A month of all platforms with everything that goes wrong, on a clock that is moved by hand: no owner is asked without
//! cause, no slot is unaccounted for, no limit is exceeded, nothing stays stale, and each lost consent is noticed.
//!
//! Faults come by chance, from a seed that is printed: limits with and without headers, some disguised as bad requests,
//! errors, hangs, broken bodies, lost rotations, ended tokens, consents taken back, scopes removed, single accounts that
//! are nonsense, platforms that are down for nine hours, restarts every other day, clocks that jump by a day, and
//! both ends of summer time.

use std::collections::BTreeMap;
use std::time::Instant;

use roster_protocol::connection::{Connection, ConnectionStatus};
use roster_protocol::ids::ConnectionId;
use roster_protocol::service::{ConnectionsQuery, RunsQuery};
use roster_protocol::sync::{Cause, Run};
use roster_protocol::time::Timestamp;
use roster_protocol::transport::within;
use roster_sandbox::{Fault, FaultKind, Platform, Stage};

use crate::support::consent::APPS;
use crate::support::{LIMIT, World, figure, times};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
/// How often accounts are synced, and how much later than that a slot of theirs may be.
const INTERVAL: i64 = 6 * HOUR;
const OFFSET: i64 = 15 * 60;
const STEP: i64 = 10 * 60;
/// Summer time ends in Europe five days later, and in America twelve.
const BEGIN: &str = "2026-10-20T12:00:00Z";
const MOST: u32 = 1_000_000;

/// Of twenty accounts so many are on each platform.
const SHARES: [(Platform, usize); 6] = [
    (Platform::Bluesky, 5),
    (Platform::Mastodon, 4),
    (Platform::Youtube, 5),
    (Platform::Instagram, 2),
    (Platform::Facebook, 2),
    (Platform::Tiktok, 2),
];

fn handle_of(platform: Platform, number: usize) -> String {
    match platform {
        Platform::Bluesky => format!("star{number}.sky.test"),
        Platform::Mastodon => format!("star{number}@host{}.example", number % 4),
        Platform::Youtube => format!("@star{number}"),
        Platform::Instagram => format!("star{number}.gram"),
        Platform::Facebook => format!("star{number}.page"),
        Platform::Tiktok => format!("star{number}"),
    }
}

/// A month that is under way.
struct Month {
    world: World,
    random: fastrand::Rng,
    /// Handles whose owners took their consent back, with when.
    revoked: BTreeMap<String, Timestamp>,
    /// Handles of which a response said that a scope is missing, with when.
    denied: BTreeMap<String, Timestamp>,
    /// When each platform last had a fault.
    troubled: BTreeMap<Platform, Timestamp>,
    /// Until when a platform is down.
    down: Option<(Platform, Timestamp)>,
    injected: u64,
    /// How many hangs are still to come.
    hangs: u8,
    /// While the clock is a day ahead of YouTube's, or was, its days are not ours: until when, and how much it refused
    /// before.
    leapt: Option<(Timestamp, u64)>,
    refused_in_leaps: u64,
}

fn now(world: &World) -> Timestamp {
    rosterd::process::clock::Clock::now(&*world.clock)
}

async fn connections(world: &World) -> Vec<Connection> {
    let mut all = Vec::new();
    loop {
        let query = ConnectionsQuery { offset: all.len() as u64, limit: 256 };
        let page = world.client.connections(within(LIMIT), query).await.expect("a response").expect("connections");
        if page.rows.is_empty() {
            return all;
        }
        all.extend(page.rows.into_iter().map(|row| row.connection));
    }
}

async fn runs(world: &World) -> Vec<Run> {
    let (mut runs, mut mark) = (Vec::new(), None);
    loop {
        let query = RunsQuery { mark, limit: 256, ..RunsQuery::default() };
        let page = world.client.runs(within(LIMIT), query).await.expect("a response").expect("runs");
        runs.extend(page.rows);
        mark = page.next;
        if mark.is_none() {
            return runs;
        }
    }
}

impl Month {
    /// So many accounts, each synced once; then the limits are what the platforms' documents say, and YouTube's day is too
    /// small for the usual interval.
    async fn begun(accounts: usize, seed: u64) -> Self {
        let begin: Timestamp = BEGIN.parse().expect("a time");
        let mut world = World::at(begin, &format!("timezone = \"Europe/Berlin\"\n{APPS}")).await;
        for number in 0..accounts {
            let mut place = number % 20;
            let (platform, _) = SHARES
                .into_iter()
                .find(|(_, share)| {
                    if place < *share {
                        true
                    } else {
                        place -= share;
                        false
                    }
                })
                .expect("twenty");
            let (handle, name) = (handle_of(platform, number), format!("Star {number}"));
            world.quiet(platform, &handle, 1000 + number as u64);
            match platform {
                Platform::Instagram | Platform::Facebook | Platform::Tiktok => {
                    world.influencer(&name).await;
                    world.consent(&name, platform.slug(), &handle).await;
                }
                _ => drop(world.try_add(&name, platform.slug(), &handle).await.expect("added")),
            }
        }
        world.settle().await;
        let units = accounts as u64 / 4 * 3;
        let config = |text: &str| {
            text.replace("[platforms.youtube]\n", &format!("[platforms.youtube]\nbudget = {{ units = {units} }}\n"))
        };
        world.reload(config).await.expect("a good config");
        let limits = &world.sandbox.world().limits;
        limits.set(Platform::Youtube, units, DAY);
        limits.set(Platform::Tiktok, 600, 60);
        limits.set(Platform::Bluesky, 3000, 300);
        let random = fastrand::Rng::with_seed(seed);
        let (revoked, denied, troubled) = Default::default();
        Self {
            world,
            random,
            revoked,
            denied,
            troubled,
            down: None,
            injected: 0,
            hangs: 3,
            leapt: None,
            refused_in_leaps: 0,
        }
    }

    fn inject(&mut self, fault: Fault) {
        self.troubled.insert(fault.platform, now(&self.world));
        self.injected += u64::from(fault.count.min(9));
        self.world.sandbox.world().fault(fault);
    }

    /// One of everything that goes wrong with requests, most of the time nothing.
    async fn something_goes_wrong(&mut self) {
        if self.random.u8(0..24) != 0 {
            return;
        }
        let platform = Platform::ALL[self.random.usize(0..Platform::ALL.len())];
        let count = self.random.u32(1..5);
        let consented = platform.slug() != "bluesky" && platform.slug() != "mastodon" && platform.slug() != "youtube";
        let meta = matches!(platform, Platform::Instagram | Platform::Facebook);
        let of = |kind| Fault { count, ..Fault::new(platform, kind) };
        let fault = match self.random.u8(0..14) {
            0 => Fault { retry_after: Some(self.random.u64(30..900)), ..of(FaultKind::RateLimited) },
            1 => Fault { headers: false, ..of(FaultKind::RateLimited) },
            2 if meta => Fault { status: Some(400), ..of(FaultKind::RateLimited) },
            2 | 3 => of(FaultKind::ServerError),
            // A hang costs the client's timeout, which is a value: some seconds here.
            4 if self.hangs > 0 => {
                self.hangs -= 1;
                Fault { count: 1, ..of(FaultKind::Timeout) }
            }
            4 | 5 => of(FaultKind::Truncated),
            6 => of(FaultKind::Disconnect),
            7 => of(FaultKind::Html),
            8 if platform == Platform::Tiktok => return self.one_rotation_is_lost().await,
            // Where tokens cannot be renewed this is a consent that ended.
            9 if platform == Platform::Tiktok => Fault { count: 1, ..of(FaultKind::Expired) },
            10 => Fault { at: consented.then_some(Stage::Token), ..of(FaultKind::ServerError) },
            11 if consented => return self.one_owner_changes_mind(platform).await,
            _ => return self.one_account_is_nonsense(platform).await,
        };
        self.inject(fault);
    }

    /// New tokens never arrive, and the old ones are spent.
    async fn one_rotation_is_lost(&mut self) {
        if let Some(handle) = self.one_of(Platform::Tiktok).await {
            self.denied.insert(handle.clone(), now(&self.world));
            let fault = Fault::new(Platform::Tiktok, FaultKind::RotationLost);
            self.inject(Fault { handle: Some(handle), ..fault });
        }
    }

    /// An account of which nothing was taken back.
    async fn one_of(&mut self, platform: Platform) -> Option<String> {
        let all = connections(&self.world).await;
        let theirs = all.into_iter().filter(|it| it.platform == platform.slug()).map(|it| it.handle);
        let whole = theirs.filter(|handle| !self.revoked.contains_key(handle) && !self.denied.contains_key(handle));
        let whole: Vec<String> = whole.collect();
        self.random.choice(&whole).cloned()
    }

    /// An owner takes back the whole consent, or a part of it.
    async fn one_owner_changes_mind(&mut self, platform: Platform) {
        let Some(handle) = self.one_of(platform).await else { return };
        let revokes = self.random.bool();
        let kind = if revokes { FaultKind::Revoked } else { FaultKind::MissingScope };
        let at = now(&self.world);
        match revokes {
            true => self.revoked.insert(handle.clone(), at),
            false => self.denied.insert(handle.clone(), at),
        };
        self.injected += 1;
        self.world.sandbox.world().fault(Fault { handle: Some(handle), ..Fault::new(platform, kind) });
    }

    async fn one_account_is_nonsense(&mut self, platform: Platform) {
        let handle = self.one_of(platform).await;
        self.inject(Fault { handle, ..Fault::new(platform, FaultKind::WrongTypes) });
    }

    /// Nine hours without a platform, twice a week.
    fn a_platform_is_down(&mut self, step: i64) {
        let at = now(&self.world);
        if self.down.is_some_and(|(_, until)| at >= until) {
            let (platform, _) = self.down.take().expect("one is down");
            self.troubled.insert(platform, at);
            self.world.sandbox.world().clear_faults();
        }
        if step % (4 * DAY / STEP) == 0 && step > 0 {
            let platform = Platform::ALL[self.random.usize(0..Platform::ALL.len())];
            self.inject(Fault { count: MOST, ..Fault::new(platform, FaultKind::ServerError) });
            self.down = Some((platform, at.plus_seconds(9 * HOUR)));
        }
        if let Some((platform, _)) = self.down {
            self.troubled.insert(platform, at);
        }
    }

    /// Sets the clock forward or back by a day. YouTube's day ends when it does.
    fn leap(&mut self, seconds: i64) {
        self.world.clock.advance(seconds);
        let refused = self.world.sandbox.world().limits.refused(Platform::Youtube);
        self.leapt = Some((now(&self.world).plus_seconds(2 * DAY), refused));
    }

    fn follow_leap(&mut self) {
        let at = now(&self.world);
        let Some((until, before)) = self.leapt else { return };
        self.troubled.insert(Platform::Youtube, at);
        if at >= until {
            self.refused_in_leaps += self.world.sandbox.world().limits.refused(Platform::Youtube) - before;
            self.leapt = None;
        }
    }

    /// What must be true at every moment.
    async fn check(&self) {
        let at = now(&self.world);
        let stretched = self.world.client.budgets(within(LIMIT)).await.expect("a response").expect("budgets");
        let stretched = stretched.into_iter().find_map(|budget| budget.stretched).map_or(INTERVAL, |it| it.to.0 as i64);
        for connection in connections(&self.world).await {
            let of = |set: &BTreeMap<String, Timestamp>| set.get(&connection.handle).copied();
            let (revoked, denied) = (of(&self.revoked), of(&self.denied));
            let asks = connection.status == ConnectionStatus::Reauthorize;
            assert!(!asks || revoked.or(denied).is_some(), "asked without cause at {at}: {connection:?}");
            let platform = Platform::from_slug(&connection.platform).expect("one of ours");
            let quiet_s = self.troubled.get(&platform).map_or(i64::MAX, |fault| at.since(*fault) / 1000);
            // What waits for its owner is not read.
            if asks {
                continue;
            }
            if let Some(revoked) = revoked {
                let is_due = at.since(revoked) / 1000 > INTERVAL + OFFSET + 2 * HOUR;
                assert!(!is_due || quiet_s < 2 * INTERVAL, "not noticed since {revoked}, now {at}: {connection:?}");
                continue;
            }
            let interval = if platform == Platform::Youtube { stretched } else { INTERVAL };
            let age = connection.last_synced_at.map_or(i64::MAX, |synced| at.since(synced) / 1000);
            let is_excused = denied.is_some_and(|denied| at.since(denied) / 1000 < 2 * DAY) || quiet_s < 2 * interval;
            assert!(is_excused || age <= 2 * interval + OFFSET, "stale for {age} s at {at}: {connection:?}");
        }
    }

    /// Each slot of every account whose intervals did not change has an end: by a run, or by one that names it.
    async fn every_slot_has_an_end(&self) -> u64 {
        let grid = self.world.daemon().app.setup().config.sync.grid.clone();
        let mut by_connection: BTreeMap<ConnectionId, BTreeMap<Timestamp, u64>> = BTreeMap::new();
        // That a consent ended is found by a run between slots.
        let is_of_slots = |run: &Run| run.missed > 0 || grid.has(run.connection, None, run.slot_at);
        for run in runs(&self.world).await.into_iter().filter(|run| run.cause != Cause::Person && is_of_slots(run)) {
            // Of the tries for a slot one says how many it stands for.
            let counted = by_connection.entry(run.connection).or_default().entry(run.slot_at).or_default();
            *counted = (*counted).max(run.missed.max(1));
        }
        let at = now(&self.world);
        let mut slots = 0;
        for connection in connections(&self.world).await.iter().filter(|it| it.platform != "youtube") {
            let ended = by_connection.remove(&connection.id).unwrap_or_default();
            let ended: BTreeMap<_, _> = ended.into_iter().filter(|(slot, _)| *slot > connection.connected_at).collect();
            let last = ended.last_key_value().map_or(at, |(slot, _)| *slot);
            let expected =
                grid.between(connection.id, None, connection.connected_at, last).map_or(0, |slots| slots.count);
            let counted: u64 = ended.values().sum();
            assert_eq!(counted, expected, "{} {}: {ended:?}", connection.platform, connection.handle);
            // What waits for its owner is tried once a day.
            let most = if connection.status == ConnectionStatus::Reauthorize { 2 * DAY } else { 2 * INTERVAL + OFFSET };
            assert!(at.since(last) / 1000 <= most, "{last} {connection:?}");
            slots += counted;
        }
        slots
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_month_of_everything_that_goes_wrong() {
    let (accounts, days, seed) = (times(200, 2000) as usize, 30, 20_261_130);
    let begun = Instant::now();
    let mut month = Month::begun(accounts, seed).await;
    for step in 0..days * DAY / STEP {
        month.a_platform_is_down(step);
        // The last two days are without faults.
        if step < (days - 2) * DAY / STEP {
            month.something_goes_wrong().await;
        }
        match step * STEP / HOUR {
            hour if hour % 48 == 30 && step * STEP % HOUR == 0 => {
                month.world.stop().await;
                let off = month.random.i64(60..3 * HOUR);
                month.world.clock.advance(off);
                month.world.sandbox.world().advance(std::time::Duration::from_secs(off as u64));
                month.world.resume().await;
            }
            hour if hour == 10 * 24 && step * STEP % HOUR == 0 => month.leap(DAY),
            hour if hour == 17 * 24 && step * STEP % HOUR == 0 => month.leap(-DAY),
            _ => {}
        }
        month.world.both_pass(STEP).await;
        month.follow_leap();
        if step % (3 * HOUR / STEP) == 0 {
            month.check().await;
        }
    }
    let slots = month.every_slot_has_an_end().await;
    let limits = &month.world.sandbox.world().limits;
    assert_eq!(month.leapt, None, "the end is quiet");
    let refused = Platform::ALL.map(|platform| (platform.slug(), limits.refused(platform)));
    let total: u64 = refused.iter().map(|(_, refused)| refused).sum();
    assert_eq!(total, month.refused_in_leaps, "{refused:?}");
    let asked = month.revoked.len();
    assert!(month.injected > 20, "{} faults, {asked} consents taken back", month.injected);
    figure(format_args!(
        "{accounts} accounts, {days} days, {} faults, {asked} consents taken back: {slots} slots accounted for in {:.0} s",
        month.injected,
        begun.elapsed().as_secs_f64()
    ));
}
