//! The daily upkeep: it keeps yesterday's figures, says which metrics platforms report no more, folds the log of past
//! days, deletes what is not kept, sweeps up what removed connections left, and looks for damage.

use std::sync::Arc;

use roster_protocol::error::RosterError;

use super::retaining;
use crate::app::{App, read_error};
use crate::browse::figures;
use crate::decision::keep::CHANGES_KEPT_DAYS;
use crate::decision::{self, withdrawn};
use crate::store::{FiguresSince, StoreError};

const DAY_S: i64 = 24 * 3600;

/// Does the upkeep at the start and after each local midnight, until the end.
pub async fn run(app: Arc<App>) {
    // Clients that wait for their first response take precedence.
    app.wait_until_loaded().await;
    loop {
        // A midnight that passes meanwhile has its own upkeep, or its day would have no figures.
        let tomorrow = app.setup().config.sync.grid.next_night(app.clock.now());
        keep(&app).await;
        while app.clock.now() < tomorrow {
            tokio::select! {
                () = app.ending.cancelled() => return,
                () = app.clock.sleep_until(tomorrow) => {}
                // Something was chosen that need not wait for the night.
                () = app.upkeep.notified() => drop(retaining::retain(&app).await),
            }
        }
    }
}

async fn keep(app: &App) {
    let mut well = true;
    if let Err(error) = keep_figures(app).await {
        well = false;
        tracing::warn!(%error, "the figures of yesterday could not be kept; the daemon tries again tomorrow");
    }
    if let Err(error) = report_withdrawn(app).await {
        well = false;
        tracing::warn!(%error, "the alerts about withdrawn metrics could not be stored; the daemon tries again tomorrow");
    }
    let now = app.clock.now();
    let today = app.setup().config.sync.grid.date_of(now);
    if let Err(error) = app.store.fold(today).await {
        well = false;
        tracing::warn!(%error, "past days could not be folded; the daemon tries again tomorrow");
    }
    // Runs become sums of their days; alerts are never deleted.
    let runs_days = i64::from(app.setup().config.retention.runs_days);
    let (runs, changes) = (now.plus_seconds(-runs_days * DAY_S), now.plus_seconds(-CHANGES_KEPT_DAYS * DAY_S));
    let grid = app.setup().config.sync.grid.clone();
    if let Err(error) = app.store.prune(runs, changes, Arc::new(move |at| grid.date_of(at))).await {
        well = false;
        tracing::warn!(%error, "old runs could not be deleted; the daemon tries again tomorrow");
    }
    if let Err(error) = prune_audit(app).await {
        well = false;
        tracing::warn!(%error, "old lines of the audit log could not be deleted; the daemon tries again tomorrow");
    }
    if let Err(error) = app.store.prune_requests(now).await {
        well = false;
        tracing::warn!(%error, "old requests to platforms could not be deleted; the daemon tries again tomorrow");
    }
    well &= retaining::retain(app).await;
    if let Err(error) = app.store.sweep().await {
        well = false;
        tracing::warn!(%error, "what removed connections left could not be swept; the daemon tries again tomorrow");
    }
    if let Err(error) = delete_old_copies(app).await {
        well = false;
        tracing::warn!(%error, "the copies that migrations left could not be deleted; the daemon tries again tomorrow");
    }
    // What an erasure lacks is tried again.
    app.erasures.wake.notify_one();
    match app.store.scrub().await {
        Ok(found) => {
            if found.damaged > 0 {
                tracing::error!(
                    found = found.damaged,
                    "records in the store are damaged: they are treated as missing; `rosterd check` names them while \
                     rosterd does not run, and a backup has them"
                );
            }
            if found.newer > 0 {
                tracing::error!(
                    found = found.newer,
                    "records in the store were written by a newer rosterd: install that one again"
                );
            }
        }
        // It was logged where it was found, with the way on.
        Err(StoreError::Damaged { .. }) => well = false,
        Err(error) => {
            well = false;
            tracing::warn!(%error, "the store could not be checked for damage; the daemon tries again tomorrow");
        }
    }
    if well {
        app.meters.record_upkeep(app.clock.now());
    }
}

/// Deletes lines of the audit log that are older than the config keeps them; in an older store not before it was chosen.
async fn prune_audit(app: &App) -> Result<(), StoreError> {
    if app.look(|roster| roster.retention.is_none()) {
        return Ok(());
    }
    let days = i64::from(app.setup().config.retention.audit_days);
    let deleted = app.store.prune_audit(app.clock.now().plus_seconds(-days * DAY_S)).await?;
    if deleted > 0 {
        tracing::info!(deleted, "the oldest lines of the audit log were deleted; its chain begins after them");
    }
    Ok(())
}

/// Deletes the copies of the store that migrations left, once they have been there for seven nights.
async fn delete_old_copies(app: &App) -> Result<(), RosterError> {
    let today = app.setup().config.sync.grid.date_of(app.clock.now());
    let deleted = app.store.delete_old_copies(today).await.map_err(|error| read_error(&error))?;
    if deleted.is_empty() {
        return Ok(());
    }
    tracing::info!(copies = deleted.join(", "), "copies of the store of an older format were deleted");
    app.decide(|decision| {
        decision::backups::copies_deleted(decision, &deleted);
        Ok(())
    })
    .await
}

/// Keeps the figures of the day before, unless it has some already or the roster was empty then. They are taken
/// soon after its end, or at the next start.
async fn keep_figures(app: &App) -> Result<(), RosterError> {
    let now = app.clock.now();
    let grid = app.setup().config.sync.grid.clone();
    let yesterday = grid.date_of(now).plus_days(-1);
    let kept = app.store.read(FiguresSince(yesterday)).await.map_err(|error| read_error(&error))?;
    let was_empty = app.look(|roster| !figures::had_influencers(roster, &grid, yesterday));
    if was_empty || kept.iter().any(|day| day.date == yesterday) {
        return Ok(());
    }
    app.decide(|decision| {
        decision.commit.sync.figures.push(figures::of(decision.roster, yesterday, decision.now));
        Ok(())
    })
    .await
}

/// Opens and resolves the alerts about metrics that platforms report no more.
async fn report_withdrawn(app: &App) -> Result<(), RosterError> {
    let now = app.clock.now();
    if !app.look(|roster| withdrawn::is_outdated(roster, now)) {
        return Ok(());
    }
    app.decide(|decision| {
        withdrawn::follow(decision);
        Ok(())
    })
    .await
}
