//! Does what falls due with consents: renewals, revocations, daily checks, device codes, consents that expire, and the end of
//! what was removed. Sleeps until the next of them; no polling.

use std::collections::HashMap;
use std::sync::Arc;

use roster_protocol::error::{ErrorKind, RosterError};
use roster_protocol::ids::{ConsentId, GrantId};
use roster_protocol::time::Timestamp;

use super::finish::{self, Next};
use super::{PURPOSE, ProviderContext, access, begin_again, renew, revoke};
use crate::app::App;
use crate::decision::{grants, removal, warn};
use crate::model::{ConsentStep, Grant, GrantState};
use crate::oauth::{DeviceResponse, scopes};
use crate::platforms::PlatformError;
use crate::platforms::consenting::Checked;
use crate::secret::vault::{Field, SealingContext};
use crate::store::StoreState;

const DAY_S: i64 = 24 * 3600;
/// What was begun and is still due is not begun again before this.
const AGAIN_S: i64 = 60;
/// A check that found nothing out is repeated after this.
const CHECK_AGAIN_S: i64 = 3600;

/// Something that falls due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Job {
    Renew(GrantId, u64),
    Revoke(GrantId),
    Check(GrantId),
    Poll(ConsentId),
    Expire(ConsentId),
    Warn,
    /// What was removed a day ago is deleted.
    Delete,
}

/// Keeps consents until the end.
pub async fn run(app: Arc<App>) {
    resume(&app).await;
    let mut begun: HashMap<Job, Timestamp> = HashMap::new();
    let mut store = app.store.watch_state();
    loop {
        let now = app.clock.now();
        let writable = *store.borrow_and_update() == StoreState::Working;
        let jobs = jobs(&app);
        begun.retain(|job, _| jobs.iter().any(|(known, _, _)| known == job));
        let mut wake_at = Timestamp(i64::MAX);
        for (job, due, pause_s) in jobs.into_iter().filter(|_| writable) {
            let due = begun.get(&job).map_or(due, |again| due.max(*again));
            if due <= now {
                begun.insert(job, now.plus_seconds(pause_s));
                let (owned, ending) = (app.clone(), app.cut_off.clone());
                app.tasks.spawn(ending.run_until_cancelled_owned(async move { work(&owned, job).await }));
                wake_at = wake_at.min(now.plus_seconds(pause_s));
            } else {
                wake_at = wake_at.min(due);
            }
        }
        tokio::select! {
            () = app.ending.cancelled() => return,
            changed = store.changed() => if changed.is_err() { return },
            () = app.consents.wake.notified() => {}
            () = app.clock.sleep_until(wake_at) => {}
        }
    }
}

/// Takes up what an earlier life of the daemon left in the middle.
async fn resume(app: &Arc<App>) {
    let requested: Vec<_> = app.look(|roster| roster.consents.pending.values().cloned().collect());
    for consent in requested {
        app.consents.opened(&consent);
        match consent.step {
            ConsentStep::Exchanging => {
                let error = RosterError::failed("rosterd was restarted while it asked for tokens");
                finish::give_up(app, consent.id, error.hint(begin_again(&consent.platform))).await;
            }
            ConsentStep::Listing { grant } => finish::go_on(app, consent, Next::List(grant)),
            ConsentStep::Waiting | ConsentStep::Choosing { .. } => {}
        }
    }
}

/// Everything that will fall due: when, and how long it is left alone once it was begun.
fn jobs(app: &App) -> Vec<(Job, Timestamp, i64)> {
    let now = app.clock.now();
    app.look(|roster| {
        let consents = &roster.consents;
        let mut jobs: Vec<_> = warn::next(roster, now).map(|due| (Job::Warn, due, AGAIN_S)).into_iter().collect();
        let removed = roster.removals.values().map(|removal| removal.ends_at).min();
        jobs.extend(removed.map(|due| (Job::Delete, due, AGAIN_S)));
        for grant in consents.grants.values() {
            match &grant.state {
                GrantState::Revoking { next_at, .. } => jobs.push((Job::Revoke(grant.id), *next_at, AGAIN_S)),
                GrantState::Ended { .. } => {}
                GrantState::Live => {
                    if let Some(tokens) = consents.tokens.get(&grant.id) {
                        // A renewal that a crash interrupted is taken up at once.
                        let open = tokens.attempt.as_ref().filter(|_| tokens.failures == 0).map(|open| open.begun_at);
                        let due = open.or(tokens.renew_at);
                        jobs.extend(due.map(|due| (Job::Renew(grant.id, tokens.generation), due, AGAIN_S)));
                    }
                    let consenting = roster.platforms.get(&grant.platform).and_then(|it| it.platform.consenting());
                    if consenting.is_some_and(|consenting| consenting.checks()) && !grant.owner_id.is_empty() {
                        let spread = i64::from(grant.id.0[3]) * 60;
                        jobs.push((Job::Check(grant.id), grant.checked_at.plus_seconds(DAY_S + spread), CHECK_AGAIN_S));
                    }
                }
            }
        }
        for consent in consents.pending.values() {
            if matches!(consent.step, ConsentStep::Waiting | ConsentStep::Choosing { .. }) {
                jobs.push((Job::Expire(consent.id), consent.expires_at, AGAIN_S));
            }
            if let (Some(device), ConsentStep::Waiting) = (&consent.device, &consent.step) {
                let interval = device.interval.0.clamp(1, 60) as i64;
                jobs.push((Job::Poll(consent.id), consent.begun_at.plus_seconds(interval), interval));
            }
        }
        jobs
    })
}

async fn work(app: &Arc<App>, job: Job) {
    match job {
        // Failures are noted where they happen, and move the due time.
        Job::Renew(grant, generation) => drop(renew::renew(app, grant, generation).await),
        Job::Revoke(grant) => revoke::attempt(app.clone(), grant).await,
        Job::Check(grant) => check(app, grant).await,
        Job::Poll(consent) => poll(app, consent).await,
        Job::Expire(consent) => expire(app, consent).await,
        Job::Warn => warn_of_ends(app).await,
        Job::Delete => delete_removed(app).await,
    }
    app.consents.wake.notify_one();
}

/// Deletes what was removed a day ago; its consents are revoked beside it.
async fn delete_removed(app: &App) {
    app.wait_until_loaded().await;
    let deleted = app.decide(|decision| {
        removal::complete(decision);
        Ok(())
    });
    if let Err(error) = deleted.await {
        tracing::warn!(%error, "what was removed a day ago could not be deleted yet; it is tried again");
    }
}

/// Opens and resolves the alerts about consents that end soon.
async fn warn_of_ends(app: &App) {
    app.wait_until_loaded().await;
    let warned = app.decide(|decision| {
        warn::warn(decision);
        Ok(())
    });
    if let Err(error) = warned.await {
        tracing::warn!(%error, "consents that end soon could not be reported");
    }
}

async fn expire(app: &App, id: ConsentId) {
    let found = app.look(|roster| roster.consents.pending.get(&id).cloned());
    let Some(consent) = found.filter(|consent| consent.expires_at <= app.clock.now()) else { return };
    let message = match consent.step {
        ConsentStep::Choosing { .. } => "nobody chose an account in time",
        _ => "nobody answered in time",
    };
    let mut hint = begin_again(&consent.platform);
    // Some pages end in an error without sending the browser back.
    if let (ConsentStep::Waiting, Some(context)) = (&consent.step, ProviderContext::of(app, &consent.platform)) {
        hint += &format!(
            "; if the page ended in an error about scopes, {} first",
            scopes::advice(context.provider(), PURPOSE)
        );
    }
    finish::give_up(app, id, RosterError::new(ErrorKind::Unavailable, message).hint(hint)).await;
}

/// Requests whether a consent is still valid, and with which scopes.
async fn check(app: &Arc<App>, id: GrantId) {
    let Some(grant) = app.look(|roster| roster.consents.grants.get(&id).cloned()) else { return };
    let Some(context) = ProviderContext::of(app, &grant.platform) else { return };
    let Some(consenting) = context.consenting() else { return };
    let checked = match access::of_grant(app, id, None).await {
        Ok(used) => consenting.check(&context.api(app), &used.access).await,
        Err(error) => Err(error),
    };
    match checked {
        Ok(checked) => note(app, &context, id, checked).await,
        Err(PlatformError::Unauthorized { what }) => renew::end(app, id, &what).await,
        Err(error) => tracing::info!(grant = %id, %error, "a consent could not be checked; tried again later"),
    }
}

async fn note(app: &App, context: &ProviderContext, id: GrantId, checked: Checked) {
    let noted = app
        .decide(|decision| {
            let Some(grant) = decision.roster.consents.grants.get(&id) else { return Ok(()) };
            let scopes = checked.scopes.unwrap_or_else(|| grant.scopes.clone());
            let missing = context.missing(&scopes);
            if scopes != grant.scopes {
                decision.log(grants::line(decision, grant, "grant.scopes", &scopes.join(" ")));
            }
            let (checked_at, data_ends_at) = (decision.now, checked.data_ends_at);
            decision.commit.consents.grants.push(Grant { scopes, missing, checked_at, data_ends_at, ..grant.clone() });
            Ok(())
        })
        .await;
    if let Err(error) = noted {
        tracing::warn!(grant = %id, %error, "a check could not be noted");
    }
}

/// Requests the state of a device code once.
async fn poll(app: &Arc<App>, id: ConsentId) {
    let found = app.look(|roster| roster.consents.pending.get(&id).cloned());
    let Some((consent, device)) = found.and_then(|consent| Some((consent.clone(), consent.device?))) else { return };
    let Some(context) = ProviderContext::of(app, &consent.platform) else { return };
    let Ok(code) = app.consents.vault().open(SealingContext::of_consent(id, Field::DeviceCode), &device.code) else {
        return finish::give_up(app, id, RosterError::failed("the stored device code does not open")).await;
    };
    let refused = |kind, words: &str| RosterError::new(kind, words.to_owned()).hint(begin_again(&consent.platform));
    match context.provider().device_response(&context.api(app), &code).await {
        Ok(DeviceResponse::Pending) => {}
        Ok(DeviceResponse::SlowDown) => slow_down(app, id).await,
        Ok(DeviceResponse::Granted(tokens)) => {
            let claimed = claim(app, id).await;
            if claimed {
                finish::go_on(app, consent, Next::Keep(tokens));
            }
        }
        Ok(DeviceResponse::Denied) => {
            let words = format!("the owner denied it at {}", context.name());
            finish::give_up(app, id, refused(ErrorKind::NotPermitted, &words)).await;
        }
        Ok(DeviceResponse::Over) => finish::give_up(app, id, refused(ErrorKind::Unavailable, "the code is over")).await,
        Err(error) => tracing::info!(consent = %id, %error, "a device code could not be asked about; tried again"),
    }
}

/// Only one of two responses continues.
async fn claim(app: &App, id: ConsentId) -> bool {
    let claimed = app.decide(|decision| {
        let waiting = decision.roster.consents.pending.get(&id).filter(|it| it.step == ConsentStep::Waiting);
        let consent = waiting.cloned().ok_or_else(|| RosterError::not_found("it was given up meanwhile"))?;
        decision.commit.consents.consents.push(crate::model::Consent { step: ConsentStep::Exchanging, ..consent });
        Ok(())
    });
    claimed.await.is_ok()
}

async fn slow_down(app: &App, id: ConsentId) {
    let slower = app.decide(|decision| {
        let Some(mut consent) = decision.roster.consents.pending.get(&id).cloned() else { return Ok(()) };
        if let Some(device) = &mut consent.device {
            device.interval.0 = (device.interval.0 + 5).min(60);
        }
        decision.commit.consents.consents.push(consent);
        Ok(())
    });
    if let Err(error) = slower.await {
        tracing::warn!(consent = %id, %error, "a slower pace could not be noted");
    }
}
