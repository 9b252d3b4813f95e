//! What follows from tombstones: rows that are still to be deleted, the store's file, and lists that are kept elsewhere.

use std::sync::Arc;

use roster_protocol::error::RosterError;

use super::list;
use crate::app::App;
use crate::decision::erase::{self, Replayed};
use crate::model::{Commit, ConsentsCommit, Loaded, RosterCommit, Tombstone};
use crate::store::{Store, StoreError};

/// Takes up what the list beside the store knows and the store does not, because an older copy of it was put there.
///
/// # Errors
/// When the store cannot be written.
pub async fn take_up(store: &Store, loaded: &mut Loaded, dir: &std::path::Path) -> Result<(), StoreError> {
    let found = list::beside(dir, loaded.store).await;
    let (mut tombstones, mut revoked) = match found {
        Ok(found) => found,
        Err(error) => {
            tracing::error!(%error, "the list of erased ones beside the store cannot be used: put it right, or move it away");
            return Ok(());
        }
    };
    tombstones.retain(|it| !loaded.tombstones.iter().any(|known| known.id() == it.id() && known.at >= it.at));
    revoked.retain(|it| !loaded.revoked.iter().any(|known| known.grant == it.grant && known.at >= it.at));
    if tombstones.is_empty() && revoked.is_empty() {
        return Ok(());
    }
    tracing::warn!(
        erased = tombstones.len(),
        revoked = revoked.len(),
        "the store is older than the list of erased ones beside it, which is followed"
    );
    let roster = RosterCommit { tombstones: tombstones.clone(), ..RosterCommit::default() };
    let consents = ConsentsCommit { revoked: revoked.clone(), ..ConsentsCommit::default() };
    store.commit(Commit { roster, consents, ..Commit::default() }).await?;
    loaded.tombstones.retain(|known| !tombstones.iter().any(|it| it.id() == known.id()));
    loaded.tombstones.append(&mut tombstones);
    loaded.revoked.retain(|known| !revoked.iter().any(|it| it.grant == known.grant));
    loaded.revoked.append(&mut revoked);
    Ok(())
}

/// Takes out again whom an older copy of the store brought back, before anything is shown or requested.
///
/// # Errors
/// When that cannot be stored.
pub async fn replay(app: &App) -> Result<(), RosterError> {
    let is_needed = app.look(|roster| {
        let unfinished = roster.tombstones.values().any(|it| !it.is_done);
        let live = roster.consents.grants.values().filter(|grant| grant.is_live());
        unfinished
            || live.into_iter().any(|it| roster.consents.revoked.get(&it.id).is_some_and(|at| it.granted_at <= *at))
    });
    // A damaged store is open to be read only.
    if !is_needed || app.store.writable().is_err() {
        return Ok(());
    }
    let replayed = app.decide(|decision| Ok(erase::replay(decision))).await?;
    if replayed != Replayed::default() {
        let Replayed { influencers, consents } = replayed;
        tracing::warn!(
            influencers,
            consents,
            "an older copy of the store brought back what was erased or ended: it is gone again"
        );
    }
    Ok(())
}

/// Keeps up what follows from tombstones, until the end.
pub async fn run(app: Arc<App>) {
    app.wait_until_loaded().await;
    loop {
        if let Err(why) = finish(&app).await {
            tracing::warn!(why, "an erasure is not complete yet; the daemon tries again after the next midnight");
        }
        tokio::select! {
            () = app.ending.cancelled() => return,
            () = app.erasures.wake.notified() => {}
        }
    }
}

/// Does what tombstones still lack, and brings the lists up to date.
///
/// # Errors
/// Why it is not complete, for users.
pub(super) async fn finish(app: &App) -> Result<(), String> {
    let _one_at_a_time = app.erasures.finishing.lock().await;
    let lists = list::put(app).await;
    let unfinished: Vec<Tombstone> =
        app.look(|roster| roster.tombstones.values().filter(|it| !it.is_done).cloned().collect());
    if unfinished.is_empty() {
        return lists;
    }
    for tombstone in &unfinished {
        app.gate.with(|gate| gate.forget_accounts(|key| tombstone.has(key)));
        let erased = app.store.erase(tombstone).await;
        erased.map_err(|error| format!("not every row is deleted yet: {error}"))?;
        fail::fail_point!("erase.rows");
    }
    let rewritten = app.store.rewrite().await;
    rewritten.map_err(|error| format!("deleted bytes are still in the store's file: {error}"))?;
    fail::fail_point!("erase.rewritten");
    for tombstone in &unfinished {
        let done = app.decide(|decision| {
            erase::done(decision, tombstone.id());
            Ok(())
        });
        done.await.map_err(|error| error.message)?;
        tracing::info!(influencer = %tombstone.id(), "nothing of an erased influencer is left in the store");
    }
    lists
}
