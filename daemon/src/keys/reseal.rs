//! Seals anew, in small steps and beside all other work, what is sealed with an older key than the one that seals.
//!
//! Each step is one decision over the roster: it takes a row as it is at that moment, so that a token that was renewed
//! meanwhile stays renewed. Nothing needs to be remembered: what is left is seen from the values themselves.

use std::sync::Arc;

use roster_protocol::error::RosterError;
use roster_protocol::time::Timestamp;

use crate::app::{App, HeldVault};
use crate::decision::{Decision, keys};
use crate::model::{Consent, DataKey, Device, GrantTokens, Lease, Sealed};
use crate::secret::vault::{Field, KeyId, SealingContext, VaultError};
use crate::store::StoreState;

/// How many rows one decision seals anew.
const TOGETHER: usize = 64;
/// When what could not be done is tried again.
const AGAIN_S: i64 = 60;

/// Keeps what is sealed under the newest key, until the end.
pub async fn run(app: Arc<App>) {
    let mut store = app.store.watch_state();
    loop {
        let writable = *store.borrow_and_update() == StoreState::Working;
        let resealing = async { if writable { reseal(&app).await } else { Timestamp(i64::MAX) } };
        let wake_at = tokio::select! {
            () = app.ending.cancelled() => return,
            wake_at = resealing => wake_at,
        };
        tokio::select! {
            () = app.ending.cancelled() => return,
            changed = store.changed() => if changed.is_err() { return },
            () = app.keys.notified() => {}
            () = app.clock.sleep_until(wake_at) => {}
        }
    }
}

/// Does what there is to do, and says when to look again.
async fn reseal(app: &App) -> Timestamp {
    if !app.look(|roster| roster.consents.keys.iter().skip(1).any(|key| key.is_needed)) {
        return Timestamp(i64::MAX);
    }
    // What is under way may still bring values sealed with a key before.
    app.consents.vaults.settled().await;
    let done = async {
        while step(app).await? > 0 {
            fail::fail_point!("reseal.step");
        }
        let sealing = KeyId(app.consents.vault().sealing().0).to_string();
        app.decide(|decision| Ok(keys::reseal(decision, sealing.clone()))).await.map(|done| (done, sealing))
    };
    match done.await {
        Ok((true, key)) => {
            tracing::info!(key, "everything is sealed with this key; those before it can be retired");
            Timestamp(i64::MAX)
        }
        Ok((false, _)) => {
            tracing::warn!("some sealed values do not open, and stay under an older key until they are replaced");
            app.clock.now().plus_seconds(AGAIN_S)
        }
        Err(error) => {
            tracing::warn!(%error, "sealing anew goes on later");
            app.clock.now().plus_seconds(AGAIN_S)
        }
    }
}

/// Seals some rows anew, and says how many.
async fn step(app: &App) -> Result<usize, RosterError> {
    let vault = app.consents.vault();
    app.decide(|decision| Ok(take(decision, &vault))).await
}

/// What of the roster is sealed anew in one decision; what does not open is left as it is.
fn take(decision: &mut Decision<'_>, vault: &HeldVault) -> usize {
    let roster = decision.roster;
    let tokens = roster.consents.tokens.values().filter_map(|it| tokens(vault, it).ok().flatten());
    let tokens: Vec<GrantTokens> = tokens.take(TOGETHER).collect();
    let pending = roster.consents.pending.values().filter_map(|it| consent(vault, it).ok().flatten());
    let pending: Vec<Consent> = pending.take(TOGETHER - tokens.len()).collect();
    let leases = roster.webhooks.leases().filter_map(|it| lease(vault, it).ok().flatten());
    let leases: Vec<Lease> = leases.take(TOGETHER - tokens.len() - pending.len()).collect();
    let data_keys = roster.data_keys.values().filter_map(|it| data_key(vault, it).ok().flatten());
    let data_keys: Vec<DataKey> = data_keys.take(TOGETHER - tokens.len() - pending.len() - leases.len()).collect();
    let taken = tokens.len() + pending.len() + leases.len() + data_keys.len();
    decision.commit.consents.tokens = tokens;
    decision.commit.consents.consents = pending;
    decision.commit.webhooks.leases = leases;
    decision.commit.roster.data_keys = data_keys;
    taken
}

/// Replaces a value that is sealed with an older key, and says whether it was.
fn anew(vault: &HeldVault, context: SealingContext<'_>, sealed: &mut Sealed) -> Result<bool, VaultError> {
    let resealed = vault.reseal(context, sealed)?;
    let is_new = resealed.is_some();
    if let Some(resealed) = resealed {
        *sealed = resealed;
    }
    Ok(is_new)
}

/// A grant's tokens sealed anew; `None` when they are sealed with the newest key already.
fn tokens(vault: &HeldVault, before: &GrantTokens) -> Result<Option<GrantTokens>, VaultError> {
    if before.sealed().all(|sealed| sealed.key() == Some(vault.sealing().0)) {
        return Ok(None);
    }
    let mut tokens = before.clone();
    let of = |field| SealingContext::of_grant(before.grant, field);
    anew(vault, of(Field::Access), &mut tokens.access)?;
    if let Some(refresh) = &mut tokens.refresh {
        anew(vault, of(Field::Refresh), refresh)?;
    }
    for (account, token) in &mut tokens.derived {
        anew(vault, SealingContext::of_account(before.grant, account), token)?;
    }
    if let Some((_, reply)) = tokens.attempt.as_mut().and_then(|attempt| attempt.reply.as_mut()) {
        anew(vault, of(Field::Reply), reply)?;
    }
    Ok(Some(tokens))
}

fn consent(vault: &HeldVault, before: &Consent) -> Result<Option<Consent>, VaultError> {
    let mut consent = before.clone();
    let of = |field| SealingContext::of_consent(before.id, field);
    let mut is_new = false;
    if let Some(verifier) = &mut consent.verifier {
        is_new |= anew(vault, of(Field::Verifier), verifier)?;
    }
    if let Some(Device { code, .. }) = &mut consent.device {
        is_new |= anew(vault, of(Field::DeviceCode), code)?;
    }
    Ok(is_new.then_some(consent))
}

fn lease(vault: &HeldVault, before: &Lease) -> Result<Option<Lease>, VaultError> {
    let mut lease = before.clone();
    let is_new = anew(vault, SealingContext::of_lease(before.connection), &mut lease.secret)?;
    Ok(is_new.then_some(lease))
}

fn data_key(vault: &HeldVault, before: &DataKey) -> Result<Option<DataKey>, VaultError> {
    let mut key = before.clone();
    let is_new = anew(vault, SealingContext::of_data_key(before.of), &mut key.sealed)?;
    Ok(is_new.then_some(key))
}
