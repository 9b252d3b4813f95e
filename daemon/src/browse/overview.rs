//! The daemon at a glance, and its platforms.

use std::collections::BTreeMap;
use std::sync::Arc;

use roster_protocol::alert::AlertState;
use roster_protocol::audit::Who;
use roster_protocol::notice::grouped;
use roster_protocol::status::{
    BackupStatus, Budget, ConnectionCounts, Coverage, DaemonTrouble, PlatformState, PlatformStatus, Status, StoreStatus,
};
use roster_protocol::time::Timestamp;
use roster_protocol::transport::PROTOCOL_VERSION;

use super::survey::{OfPlatform, Survey};
use super::{budgets, quality};
use crate::app::{App, Listener};
use crate::decision::keep;
use crate::platforms::Registered;
use crate::roster::Roster;
use crate::roster::outages;
use crate::roster::rows::Seen;
use crate::schedule::EARLIEST_PLAUSIBLE;
use crate::schedule::breaker::Outage;
use crate::schedule::gate::Priority;
use crate::schedule::lane;
use crate::store::SnapshotCount;

/// Everything that `status` reports, to a user or to none.
pub async fn status(app: &App, who: Option<&Who>) -> Status {
    with_counts(app, who).await.0
}

/// The same, and the connections of each platform that has any, by slug.
pub async fn with_counts(app: &App, who: Option<&Who>) -> (Status, BTreeMap<String, ConnectionCounts>) {
    app.wait_until_loaded().await;
    let seen = app.seen();
    // A store that cannot be read right now has no count; that it cannot be read is reported elsewhere.
    let snapshots = app.store.read(SnapshotCount).await.unwrap_or_default();
    let store = StoreStatus {
        bytes: app.store.file_bytes().unwrap_or_default(),
        snapshots,
        damaged: app.store.damaged().rows,
        writable: app.degraded().is_none(),
        budget: app.setup().config.retention.size_bytes,
    };
    let load = app.last_load();
    let setup = app.setup();
    let running = app.batches.lock().values().cloned().collect();
    let batches = app.ended_batches.lock().iter().cloned().collect();
    let zone = &setup.config.sync.grid.zone;
    let next = app.look(|roster| {
        let (at, waits) = roster.next_requests(seen.now).into_values().min()?;
        let waits = waits.and_then(|lane| roster.blocked_in_words(lane, zone, seen.now));
        Some((at, waits))
    });
    let (next_due_at, waits_for) = next.map_or((None, None), |(at, waits)| (Some(at), waits));
    app.look(|roster| {
        let survey = Survey::of(roster, seen);
        let status = Status {
            // What serves the call has it.
            role: None,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            protocol: PROTOCOL_VERSION,
            uptime_s: (seen.now.since(app.started_at).max(0) / 1000) as u64,
            influencers: roster.influencers.len() as u64,
            open_alerts: roster.alerts.values().filter(|alert| alert.state == AlertState::Open).count() as u64,
            unread_alerts: who.map_or(0, |who| roster.unread(who, seen.now).count()) as u64,
            next_due_at,
            waits_for,
            connections: survey.counts(),
            coverage_24h: roster.coverage.count(seen.now),
            adoption: quality::adoption(roster),
            data: quality::data(roster),
            platforms: surveyed_platforms(app, roster, &survey, seen),
            store,
            backup: backup(app, roster),
            running,
            batches,
            waiting: roster.queue.waiting(seen.now) as u64,
            paused: roster.settings.paused,
            timezone: zone.iana_name().unwrap_or("UTC").to_owned(),
            to_reseal: roster.to_reseal(),
            retention_chosen: keep::is_chosen(roster),
            not_ready: not_ready(app),
            listener_lost: listener_lost(app),
            troubles: troubles(app),
            config_loaded_at: load.at,
            config_refused: load.refused,
        };
        (status, survey.counts_by_platform())
    })
}

fn backup(app: &App, roster: &Roster) -> BackupStatus {
    let last = roster.backups.iter().max_by_key(|backup| backup.at);
    let setup = app.setup();
    let config = &setup.config.backup;
    BackupStatus {
        last_at: last.map(|backup| backup.at),
        last_bytes: last.map(|backup| backup.bytes),
        every: config.to.is_some().then_some(config.every),
        next_at: app.next_backup.lock().filter(|_| config.to.is_some()),
        failed: app.backup_failure.lock().as_ref().map(|(_, why)| why.clone()),
    }
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

/// What the daemon lacks at present.
pub fn troubles(app: &App) -> Vec<DaemonTrouble> {
    let troubles = app.troubles.lock();
    troubles.iter().map(|(event, why)| DaemonTrouble { event: *event, why: why.clone() }).collect()
}

/// Why HTTP is not served where the config says.
fn listener_lost(app: &App) -> Option<String> {
    lost_in_words(&app.consents.listener())
}

/// The same of a listener.
pub fn lost_in_words(listener: &Listener) -> Option<String> {
    let Listener::Lost { address, is_taken, why } = listener else { return None };
    Some(match is_taken {
        true => format!("another program listens on {address}, where rosterd should; owners' consents would reach it"),
        false => format!("rosterd cannot listen on {address}: {why}"),
    })
}

/// Every platform this daemon knows, by slug.
pub fn platforms(app: &App) -> Vec<PlatformStatus> {
    let seen = app.seen();
    app.look(|roster| surveyed_platforms(app, roster, &Survey::of(roster, seen), seen))
}

/// Reads each slot of the last day once.
fn surveyed_platforms(app: &App, roster: &Roster, survey: &Survey<'_>, seen: Seen) -> Vec<PlatformStatus> {
    let now = seen.now;
    let coverage = roster.coverage.by_platform(now);
    let (withdrawn, next) = (roster.withdrawn(now), roster.next_requests(now));
    let budgets = budgets::all(roster, seen);
    let status = |known: &Arc<Registered>| {
        let slug = known.platform.info().slug;
        let withdrawn = withdrawn.iter().filter(|it| it.platform == slug).map(|it| (it.metric, it.since)).collect();
        let coverage_24h = coverage.get(slug).copied().unwrap_or_default();
        let spending = Spending { budgets: &budgets, coverage_24h };
        let next_due_at = next.get(slug).map(|(at, _)| *at);
        PlatformStatus { withdrawn, next_due_at, ..platform(app, roster, known, now, &survey.on(slug), spending) }
    };
    roster.platforms.values().map(status).collect()
}

/// That some of a platform's lanes are down, such as hosts of Mastodon, while others respond.
fn partly_down(app: &App, found: &OfPlatform<'_>, now: Timestamp) -> Option<String> {
    let outage = down_since(app, found.newest_outage?, now);
    Some(format!("down for {} of {} accounts {outage}", grouped(found.down), grouped(found.scheduled)))
}

/// `since 14:02 UTC: `, and why.
fn down_since(app: &App, outage: &Outage, now: Timestamp) -> String {
    let since = outages::since(outage, &app.setup().config.sync.grid.zone, now);
    let ours = if outage.is_ours { "nothing can be reached from this host " } else { "" };
    format!("{ours}{since}: {}", outage.why)
}

/// That a platform is synced less often than the config says, in a sentence.
fn stretched(budgets: &[Budget], platform: &str) -> Option<String> {
    let stretched = budgets.iter().filter(|budget| budget.platform == platform).find_map(|budget| budget.stretched);
    stretched.map(|stretched| stretched.to_string())
}

/// What a platform's requests led to, and what they took.
struct Spending<'a> {
    budgets: &'a [Budget],
    coverage_24h: Coverage,
}

fn platform(
    app: &App,
    roster: &Roster,
    known: &Registered,
    now: Timestamp,
    found: &OfPlatform<'_>,
    Spending { budgets, coverage_24h }: Spending<'_>,
) -> PlatformStatus {
    let (info, provider) = (known.platform.info(), known.provider.as_deref());
    let scopes = provider.map(crate::consent::requested_scopes).unwrap_or_default();
    let lacks = known.platform.lacks();
    let of_platform = |lane: &str| lane::platform_of(lane) == info.slug;
    let hold = roster.holds.values().filter(|hold| of_platform(&hold.lane) && hold.until > now);
    let hold = hold.max_by_key(|hold| hold.until).map(|hold| (hold.until, hold.reason.clone()));
    let spent = || app.gate.with(|gate| gate.room(info.slug, Priority::Due, now)).err();
    let hold = hold.or_else(|| spent().map(|spent| (spent.until, spent.to_string())));
    let held_until = hold.as_ref().map(|(until, _)| *until);
    let (state, reason) = match (&lacks, hold, found.outage()) {
        (Some(lacks), _, _) => (PlatformState::Unconfigured, Some(lacks.clone())),
        (None, Some((_, reason)), _) => (PlatformState::Limited, Some(reason)),
        (None, None, Some(outage)) => (PlatformState::Down, Some(down_since(app, outage, now))),
        (None, None, None) => {
            (PlatformState::Ok, partly_down(app, found, now).or_else(|| stretched(budgets, info.slug)))
        }
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
        after_consent_days: app.setup().policy.of(info.slug).after_consent.filter(|_| keep::is_chosen(roster)),
        scopes,
        redirect_uri: provider.map(|provider| crate::consent::redirect_uri(app, provider)),
        consents: provider.is_some_and(|provider| provider.lacks().is_none()),
        state,
        reason,
        held_until,
        last_ok_at: found.last_ok_at,
        connections: found.counts.total,
        budget: budgets::tightest(budgets, info.slug),
        coverage_24h,
        next_due_at: None,
        withdrawn: Vec::new(),
    }
}
