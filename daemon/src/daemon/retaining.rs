//! Deletes what is not kept any more, as far as someone chose it: days become weeks, and what the terms of platforms limit
//! is deleted. Watches the store's size.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use roster_protocol::ids::ConnectionId;
use roster_protocol::time::{Date, Timestamp};

use crate::app::App;
use crate::app::setup::Setup;
use crate::decision::keep;
use crate::history::retention::{Rules, Tally};
use crate::schedule::Grid;

/// Does so once. `false`: something could not be done, and is tried again tomorrow.
pub async fn retain(app: &App) -> bool {
    let deleted = match app.look(keep::is_chosen) {
        true => delete(app).await,
        false => true,
    };
    let watched = watch_size(app).await;
    deleted && watched
}

async fn delete(app: &App) -> bool {
    let (setup, now) = (app.setup(), app.clock.now());
    let grid = &setup.config.sync.grid;
    let rules = Arc::new(app.look(|roster| keep::rules(roster, &setup.policy, grid, now)));
    let tallies = match app.store.retain(Arc::clone(&rules)).await {
        Ok(tallies) => tallies,
        Err(error) => {
            tracing::warn!(%error, "what is not kept any more could not be deleted; the daemon tries again tomorrow");
            return false;
        }
    };
    let mut sum = Tally::default();
    tallies.values().for_each(|tally| sum.add(tally));
    if !sum.is_empty() {
        let Tally { rolled, deleted, weeks, .. } = sum;
        tracing::info!(rolled, deleted, weeks, "days became weeks, and what may not be kept was deleted");
    }
    let noted = app.decide(|decision| {
        keep::deleted(decision, &rules, &tallies, &reasons(&setup));
        Ok(())
    });
    if let Err(error) = noted.await {
        tracing::warn!(%error, "what was deleted could not be logged");
        return false;
    }
    if let Err(error) = app.store.forget_measured(measured_before(&rules, grid)).await {
        tracing::warn!(%error, "old measured changes could not be deleted; the daemon tries again tomorrow");
        return false;
    }
    true
}

/// Why numbers of each platform are deleted: its terms, or the config's reason.
fn reasons(setup: &Setup) -> BTreeMap<String, String> {
    let keeping = &setup.keeping;
    let reason = |(slug, source): (&String, &&str)| {
        let own = setup.config.retention.platforms.get(slug);
        (slug.clone(), own.map_or_else(|| format!("terms: {source}"), |own| format!("config: {}", own.reason)))
    };
    keeping.iter().map(reason).collect()
}

/// Before which time measured changes of each connection go.
fn measured_before(rules: &Rules, grid: &Grid) -> HashMap<ConnectionId, Timestamp> {
    let before = rules.iter().filter_map(|(connection, rule)| {
        let from = rule.deletes_before()?;
        Some((*connection, midnight(from, grid)))
    });
    before.collect()
}

/// The beginning of a day in the daemon's zone; of a day beyond all calendars, the end of time.
fn midnight(day: Date, grid: &Grid) -> Timestamp {
    if day == Date(i32::MAX) {
        return Timestamp(i64::MAX);
    }
    let zoned = day.to_jiff().to_zoned(grid.zone.clone());
    zoned.map_or(Timestamp(i64::from(day.0).saturating_mul(86_400_000)), |zoned| zoned.timestamp().into())
}

async fn watch_size(app: &App) -> bool {
    let budget = app.setup().config.retention.size_bytes;
    let Some(bytes) = app.store.file_bytes() else { return true };
    if let Some(budget) = budget.filter(|budget| bytes > *budget) {
        tracing::warn!(bytes, budget, "the store is larger than [retention] size");
    }
    let watched = app.decide(|decision| {
        keep::watch_size(decision, bytes, budget);
        Ok(())
    });
    watched.await.inspect_err(|error| tracing::warn!(%error, "the store's size could not be reported")).is_ok()
}
