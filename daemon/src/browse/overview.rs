//! The daemon at a glance, and its platforms.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use roster_protocol::alert::AlertState;
use roster_protocol::connection::ConnectionStatus;
use roster_protocol::status::{ConnectionCounts, Coverage, PlatformState, PlatformStatus, Status, StoreStatus};
use roster_protocol::time::Timestamp;
use roster_protocol::transport::PROTOCOL_VERSION;

use super::quality;
use crate::app::{App, Listener};
use crate::model::{Connection, Trouble, TroubleKind};
use crate::platforms::Registered;
use crate::roster::Roster;
use crate::roster::rows::Seen;
use crate::roster::standing;
use crate::schedule::EARLIEST_PLAUSIBLE;
use crate::schedule::lane;
use crate::store::SnapshotCount;

/// Everything that `status` reports.
pub async fn status(app: &App) -> Status {
    app.wait_until_loaded().await;
    let seen = app.seen();
    let platforms = platforms(app);
    // A store that cannot be read right now has no count; that it cannot be read is reported elsewhere.
    let snapshots = app.store.read(SnapshotCount).await.unwrap_or_default();
    let store = StoreStatus {
        bytes: app.store.file_bytes().unwrap_or_default(),
        snapshots,
        damaged: app.store.damaged().rows,
        writable: app.degraded().is_none(),
    };
    let load = app.last_load();
    let setup = app.setup();
    let running = app.batches.lock().values().cloned().collect();
    app.look(|roster| Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        protocol: PROTOCOL_VERSION,
        uptime_s: (seen.now.since(app.started_at).max(0) / 1000) as u64,
        influencers: roster.influencers.len() as u64,
        open_alerts: roster.alerts.values().filter(|alert| alert.state == AlertState::Open).count() as u64,
        next_due_at: roster.queue.next_due(),
        connections: counts(roster, seen),
        coverage_24h: roster.coverage.count(seen.now),
        adoption: quality::adoption(roster),
        data: quality::data(roster),
        platforms,
        store,
        running,
        waiting: roster.queue.waiting(seen.now) as u64,
        paused: roster.settings.paused,
        timezone: setup.config.sync.grid.zone.iana_name().unwrap_or("UTC").to_owned(),
        not_ready: not_ready(app),
        listener_lost: listener_lost(app),
        config_loaded_at: load.at,
        config_refused: load.refused,
    })
}

/// Why nothing is synced or stored at present; `None` when store and schedule work.
pub fn not_ready(app: &App) -> Option<String> {
    if let Some(reason) = app.degraded() {
        return Some(format!("the store cannot be written: {reason}"));
    }
    if app.clock.now() < EARLIEST_PLAUSIBLE {
        return Some("the clock is wrong: nothing is requested until it is set".to_owned());
    }
    app.ending.is_cancelled().then(|| "it is ending".to_owned())
}

/// Why HTTP is not served where the config says.
fn listener_lost(app: &App) -> Option<String> {
    let Listener::Lost { address, is_taken, why } = app.consents.listener() else { return None };
    Some(match is_taken {
        true => format!("another program listens on {address}, where rosterd should; owners' consents would reach it"),
        false => format!("rosterd cannot listen on {address}: {why}"),
    })
}

/// Connections by status.
pub fn counts(roster: &Roster, seen: Seen) -> ConnectionCounts {
    let mut counts = ConnectionCounts::default();
    roster.connected().for_each(|connection| count(&mut counts, roster, seen, connection));
    counts
}

/// The same for each platform that has any, by slug.
pub fn counts_by_platform(roster: &Roster, seen: Seen) -> BTreeMap<&str, ConnectionCounts> {
    let mut counts = BTreeMap::new();
    for connection in roster.connected() {
        count(counts.entry(connection.platform.as_str()).or_default(), roster, seen, connection);
    }
    counts
}

fn count(counts: &mut ConnectionCounts, roster: &Roster, seen: Seen, connection: &Connection) {
    let interval = connection.interval.unwrap_or(seen.interval);
    counts.total += 1;
    match standing::standing(connection, roster.is_paused(connection), interval, seen.now).status {
        ConnectionStatus::Fresh => counts.fresh += 1,
        ConnectionStatus::Stale => counts.stale += 1,
        ConnectionStatus::Never => counts.never += 1,
        ConnectionStatus::Error => counts.error += 1,
        ConnectionStatus::Reauthorize => counts.reauthorize += 1,
        ConnectionStatus::Paused => counts.paused += 1,
    }
}

/// Every platform this daemon knows, by slug. Reads each connection and each slot of the last day once.
pub fn platforms(app: &App) -> Vec<PlatformStatus> {
    let now = app.clock.now();
    app.look(|roster| {
        let mut tallies: HashMap<&str, Tally<'_>> = HashMap::new();
        for connection in roster.connected() {
            tallies.entry(connection.platform.as_str()).or_default().add(connection);
        }
        let coverage = roster.coverage.by_platform(now);
        let status = |known: &Arc<Registered>| {
            let slug = known.platform.info().slug;
            let tally = tallies.remove(slug).unwrap_or_default();
            platform(app, roster, known, now, &tally, coverage.get(slug).copied().unwrap_or_default())
        };
        roster.platforms.values().map(status).collect()
    })
}

/// A summary of a platform's connections.
#[derive(Default)]
struct Tally<'a> {
    connections: u64,
    last_ok_at: Option<Timestamp>,
    /// The newest run of a connection that has no trouble.
    newest_good: Option<Timestamp>,
    newest_outage: Option<&'a Trouble>,
}

impl<'a> Tally<'a> {
    fn add(&mut self, connection: &'a Connection) {
        self.connections += 1;
        self.last_ok_at = self.last_ok_at.max(connection.last_synced_at);
        match &connection.trouble {
            None => self.newest_good = self.newest_good.max(connection.last_synced_at),
            Some(trouble) if matches!(trouble.kind, TroubleKind::Unavailable | TroubleKind::Network) => {
                let is_newer = self.newest_outage.is_none_or(|newest| newest.since <= trouble.since);
                self.newest_outage = if is_newer { Some(trouble) } else { self.newest_outage };
            }
            Some(_) => {}
        }
    }

    /// What the platform reports when it is down: none of the connections that were tried lately succeeded.
    fn outage(&self) -> Option<String> {
        let bad = self.newest_outage?;
        self.newest_good.is_none_or(|good| good < bad.since).then(|| bad.message.clone())
    }
}

fn platform(
    app: &App,
    roster: &Roster,
    known: &Registered,
    now: Timestamp,
    tally: &Tally<'_>,
    coverage_24h: Coverage,
) -> PlatformStatus {
    let (info, provider) = (known.platform.info(), known.provider.as_deref());
    let scopes = provider.map(crate::consent::requested_scopes).unwrap_or_default();
    let lacks = known.platform.lacks();
    let of_platform = |lane: &str| lane::platform_of(lane) == info.slug;
    let hold = roster.holds.values().filter(|hold| of_platform(&hold.lane) && hold.until > now);
    let hold = hold.max_by_key(|hold| hold.until);
    let (state, reason) = match (&lacks, hold, tally.outage()) {
        (Some(lacks), _, _) => (PlatformState::Unconfigured, Some(lacks.clone())),
        (None, Some(hold), _) => (PlatformState::Limited, Some(hold.reason.clone())),
        (None, None, Some(message)) => (PlatformState::Down, Some(message)),
        (None, None, None) => (PlatformState::Ok, None),
    };
    PlatformStatus {
        platform: info.slug.to_owned(),
        name: info.name.to_owned(),
        short: info.short.to_owned(),
        handle_example: info.handle_example.to_owned(),
        enabled: known.enabled,
        configured: lacks.is_none(),
        paused: roster.settings.paused || roster.settings.paused_platforms.iter().any(|slug| slug == info.slug),
        api: info.access,
        scopes,
        redirect_uri: provider.map(|provider| crate::consent::redirect_uri(app, provider)),
        consents: provider.is_some_and(|provider| provider.lacks().is_none()),
        state,
        reason,
        held_until: hold.map(|hold| hold.until),
        last_ok_at: tally.last_ok_at,
        connections: tally.connections,
        coverage_24h,
        next_due_at: roster.queue.next_due_of(info.slug),
    }
}
