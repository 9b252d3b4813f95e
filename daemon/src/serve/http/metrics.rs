//! Prometheus text. Labels are platforms, outcomes and states only: no handle, no name.
//!
//! What is counted since the start is read from the module that counts it; all else is looked up for each request. What
//! has no value now, such as a next due time when nothing is scheduled, is left out.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use roster_protocol::connection::ConnectionStatus;
use roster_protocol::delivery::ChannelKind;
use roster_protocol::status::{BackupStatus, Budget, ConnectionCounts, PlatformState, PlatformStatus, Status};
use roster_protocol::time::Timestamp;

use super::exposition::Exposition;
use super::process;
use crate::app::App;
use crate::browse::{budgets, overview};
use crate::consent::view;
use crate::schedule::{EARLIEST_PLAUSIBLE, Moment, lane};
use crate::store::{Store, StoreState};

/// All metrics, as they are at the moment of the request.
pub async fn scrape(State(app): State<Arc<App>>) -> Response {
    let (status, counts) = overview::with_counts(&app, None).await;
    let mut exposition = Exposition::default();
    whole(&mut exposition, &app, &status);
    platforms(&mut exposition, &status.platforms);
    limits(&mut exposition, &app);
    outages(&mut exposition, &app);
    connections(&mut exposition, &status.platforms, &counts);
    grants(&mut exposition, &app);
    hubs(&mut exposition, &app);
    store(&mut exposition, &app.store, &status);
    backup(&mut exposition, &status);
    for counted in [app.meters.families(), app.setup().http.meters().families(), app.store.meters().families()] {
        exposition.put(counted);
    }
    process::add(&mut exposition, &app);
    match exposition.text() {
        Some(text) => ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response(),
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn whole(exposition: &mut Exposition, app: &App, status: &Status) {
    let now = app.clock.now();
    let is = |so: bool| if so { 1.0 } else { 0.0 };
    exposition.rows("roster_build_info", "1, by the daemon's version", ["version"], [([status.version.as_str()], 1.0)]);
    exposition.one("roster_uptime_seconds", "Time since the start", status.uptime_s as f64);
    exposition.one("roster_time_seconds", "The daemon's clock", seconds(now));
    exposition.one(
        "roster_clock_plausible",
        "0 while the clock is plainly wrong: no platform is requested",
        is(now >= EARLIEST_PLAUSIBLE),
    );
    exposition.one("roster_ready", "1 when /readyz says so", is(status.not_ready.is_none()));
    let troubles: Vec<_> = status.troubles.iter().map(|trouble| ([trouble.event.as_str()], 1.0)).collect();
    exposition.rows("roster_trouble", "1 for each trouble of the daemon that /readyz names", ["event"], troubles);
    exposition.one("roster_paused", "1 while a person has paused everything", is(status.paused));
    let loaded = "When the config was last read, whether it was accepted or not";
    exposition.one("roster_config_loaded_timestamp_seconds", loaded, seconds(status.config_loaded_at));
    let refused = "1 while the config in the file is wrong and the one before it is in use";
    exposition.one("roster_config_refused", refused, is(status.config_refused.is_some()));
    exposition.one("roster_influencers", "Influencers in the roster", status.influencers as f64);
    exposition.one("roster_alerts_open", "Alerts that are open", status.open_alerts as f64);
    exposition.one("roster_due_connections", "Connections that are due and wait for their turn", status.waiting as f64);
    exposition.one(
        "roster_batches_running",
        "Batches of connections that are being requested now",
        status.running.len() as f64,
    );
    let (overdue_ms, pending) = app.look(|roster| {
        let longest = roster.queue.longest_waiting(
            Moment::at(now),
            |_| true,
            |lane, priority| roster.may_take(lane, priority, now),
        );
        let first = longest.and_then(|lane| roster.queue.first_due_in(lane));
        (first.map_or(0, |at| now.since(at).max(0)), roster.deliveries.len())
    });
    let help = "How long the longest waiting connection has been due, of those that may be requested; 0: none waits";
    exposition.one("roster_overdue_seconds", help, overdue_ms as f64 / 1000.0);
    exposition.one("roster_deliveries_pending", "Alerts that are still to be delivered", pending as f64);
    let on = |kind: ChannelKind| {
        app.look(|roster| {
            let channels = roster.routing.channels.iter().filter(|channel| channel.kind == kind);
            channels.map(|channel| roster.deliveries.on(&channel.key).count()).sum::<usize>()
        })
    };
    let rows: Vec<_> = ChannelKind::ALL.into_iter().map(|kind| ([kind.as_str()], on(kind) as f64)).collect();
    let help = "Alerts that are still to be delivered, by kind of channel";
    exposition.rows("roster_channel_deliveries_pending", help, ["kind"], rows);
    if let Some(at) = status.next_due_at {
        exposition.one("roster_next_due_timestamp_seconds", "The earliest due time of all", seconds(at));
    }
}

fn platforms(exposition: &mut Exposition, platforms: &[PlatformStatus]) {
    let runs = platforms.iter().flat_map(|it| {
        let (slug, ended) = (it.platform.as_str(), it.coverage_24h);
        let by_outcome =
            [("ok", ended.ok), ("partial", ended.partial), ("failed", ended.failed), ("skipped", ended.skipped)];
        by_outcome.map(|(outcome, count)| ([slug, outcome], count as f64))
    });
    exposition.rows("roster_runs_24h", "Slots of the last 24 hours by how they ended", ["platform", "outcome"], runs);
    let states = platforms.iter().flat_map(|it| {
        let all = [PlatformState::Ok, PlatformState::Limited, PlatformState::Down, PlatformState::Unconfigured];
        all.map(|state| ([it.platform.as_str(), state.as_str()], if state == it.state { 1.0 } else { 0.0 }))
    });
    exposition.rows("roster_platform_state", "1 for the state a platform is in", ["platform", "state"], states);
    let of = |at: fn(&PlatformStatus) -> Option<Timestamp>| {
        platforms.iter().filter_map(move |it| Some(([it.platform.as_str()], seconds(at(it)?))))
    };
    let help = "When a platform last returned numbers";
    exposition.rows("roster_platform_last_ok_timestamp_seconds", help, ["platform"], of(|it| it.last_ok_at));
    let help = "When a platform that limits us may be requested again";
    exposition.rows("roster_platform_held_until_timestamp_seconds", help, ["platform"], of(|it| it.held_until));
}

/// The app's limits; those of hosts and accounts are many, and `roster budgets` lists them.
fn limits(exposition: &mut Exposition, app: &App) {
    let seen = app.seen();
    let all = app.look(|roster| budgets::all(roster, seen));
    let own: Vec<&Budget> = all.iter().filter(|it| it.account.is_none() && it.lane == it.platform).collect();
    let rows = |value: fn(&Budget) -> Option<u64>| {
        own.iter().filter_map(move |it| Some(([it.platform.as_str(), it.unit.as_str()], value(it)? as f64)))
    };
    let labels = ["platform", "unit"];
    exposition.rows("roster_budget_used", "What is spent of a platform's limit", labels, rows(|it| Some(it.used)));
    exposition.rows("roster_budget_limit", "How much a window of that limit holds", labels, rows(|it| it.limit));
}

/// The hosts of a platform are counted together: there may be thousands.
fn outages(exposition: &mut Exposition, app: &App) {
    app.look(|roster| {
        let mut down: BTreeMap<&str, f64> = roster.platforms.keys().map(|slug| (slug.as_str(), 0.0)).collect();
        for (lane, _) in roster.breaker.outages() {
            *down.entry(lane::platform_of(lane)).or_default() += 1.0;
        }
        let rows = down.into_iter().map(|(slug, count)| ([slug], count));
        let help = "Lanes that are down, which are a platform, or each of its hosts: they get a probe at a time";
        exposition.rows("roster_lanes_down", help, ["platform"], rows);
    });
}

/// Those of a platform that rosterd no longer knows are counted too.
fn connections(exposition: &mut Exposition, platforms: &[PlatformStatus], found: &BTreeMap<String, ConnectionCounts>) {
    let mut counts: BTreeMap<&str, ConnectionCounts> =
        platforms.iter().map(|it| (it.platform.as_str(), ConnectionCounts::default())).collect();
    counts.extend(found.iter().map(|(slug, counts)| (slug.as_str(), *counts)));
    let rows = counts.iter().flat_map(|(slug, counts)| {
        let by_status = [
            (ConnectionStatus::Fresh, counts.fresh),
            (ConnectionStatus::Stale, counts.stale),
            (ConnectionStatus::Never, counts.never),
            (ConnectionStatus::Error, counts.error),
            (ConnectionStatus::Reauthorize, counts.reauthorize),
            (ConnectionStatus::Paused, counts.paused),
        ];
        by_status.map(|(status, count)| ([*slug, status.as_str()], count as f64))
    });
    exposition.rows("roster_connections", "Connections by status", ["platform", "status"], rows);
}

fn grants(exposition: &mut Exposition, app: &App) {
    let tallies = app.look(view::tally);
    let rows = tallies.iter().flat_map(|(slug, tally)| {
        let by_state = [("live", tally.live), ("ended", tally.ended), ("revoking", tally.revoking)];
        by_state.map(|(state, count)| ([slug.as_str(), state], count as f64))
    });
    exposition.rows("roster_grants", "Owners' consents by state", ["platform", "state"], rows);
    let ends = tallies.iter().filter_map(|(slug, tally)| Some(([slug.as_str()], seconds(tally.act_before?))));
    let help = "The first time at which a live consent ends unless its owner consents again";
    exposition.rows("roster_grants_act_before_timestamp_seconds", help, ["platform"], ends);
    let waiting = tallies.iter().map(|(slug, tally)| ([slug.as_str()], tally.requested as f64));
    exposition.rows(
        "roster_consents_waiting",
        "Consents that were requested and are not settled",
        ["platform"],
        waiting,
    );
}

/// Platforms without a hub have no row.
fn hubs(exposition: &mut Exposition, app: &App) {
    let now = app.clock.now();
    let rows: Vec<(String, usize, usize)> = app.look(|roster| {
        let has_hub =
            roster.platforms.values().filter(|it| it.platform.webhooks().is_some_and(|it| it.hub().is_some()));
        let tally = |slug: &str| {
            let (lasting, wanted) = roster.hub_tally(slug, now);
            (slug.to_owned(), lasting, wanted - lasting)
        };
        has_hub.map(|known| tally(known.platform.info().slug)).collect()
    });
    let rows = rows.iter().flat_map(|(slug, lasting, missing)| {
        [([slug.as_str(), "lasts"], *lasting as f64), ([slug.as_str(), "missing"], *missing as f64)]
    });
    let help = "Accounts about which a hub notifies us, or does not: none does without a public URL";
    exposition.rows("roster_hub_subscriptions", help, ["platform", "state"], rows);
}

fn store(exposition: &mut Exposition, store: &Store, status: &Status) {
    exposition.one("roster_store_bytes", "What the store's file takes on the disk", status.store.bytes as f64);
    if let Some(free) = store.free_bytes() {
        exposition.one("roster_store_free_bytes", "What is free on the store's disk", free as f64);
    }
    exposition.one("roster_store_snapshots", "Snapshots stored", status.store.snapshots as f64);
    exposition.one(
        "roster_store_damaged_records",
        "Records found damaged since the start",
        status.store.damaged as f64,
    );
    let state = store.state();
    let (writable, degraded_s) = state.refusal().map_or((1.0, 0.0), |(_, since)| (0.0, since.elapsed().as_secs_f64()));
    exposition.one("roster_store_writable", "1 when the store can be written", writable);
    let replaced = f64::from(u8::from(matches!(state, StoreState::Replaced { .. })));
    let help = "1 while the store's file is removed, replaced or overwritten by another program";
    exposition.one("roster_store_replaced", help, replaced);
    exposition.one("roster_store_degraded_seconds", "How long the store has not been writable; 0: it is", degraded_s);
}

fn backup(exposition: &mut Exposition, status: &Status) {
    let BackupStatus { last_at, last_bytes, every, failed, .. } = &status.backup;
    let help = "What the last backup that was kept holds is of this time; 0: there was none";
    exposition.one("roster_backup_last_success_timestamp_seconds", help, last_at.map_or(0.0, seconds));
    exposition.one("roster_backup_last_bytes", "How long that backup is", last_bytes.unwrap_or_default() as f64);
    let help = "How often the config has a backup made; 0: it does not";
    exposition.one("roster_backup_interval_seconds", help, every.map_or(0.0, |every| every.0 as f64));
    let help = "1 while the last scheduled backup could not be made";
    exposition.one("roster_backup_failing", help, f64::from(u8::from(failed.is_some())));
}

fn seconds(at: Timestamp) -> f64 {
    at.0 as f64 / 1000.0
}
