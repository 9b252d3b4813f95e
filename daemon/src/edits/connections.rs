//! Connecting accounts whose numbers are public, and disconnecting them.

use std::sync::Arc;

use roster_protocol::audit::Who;
use roster_protocol::connection::{Account, AccountPreview};
use roster_protocol::error::{ErrorKind, RosterError};
use roster_protocol::ids::ConnectionId;
use roster_protocol::time::Seconds;

use crate::app::App;
use crate::consent::{access, revoke};
use crate::decision::Decision;
use crate::decision::audit::{audit, audit_change, connection_named};
use crate::http_client::Api;
use crate::model::{Connection, Influencer};
use crate::platforms::consenting::Access;
use crate::platforms::{self, Observation, PlatformError, Registered};
use crate::roster::resolve;

/// An account that was looked up; `observation` is missing when the platform could not be asked just now.
#[derive(Clone, Debug)]
pub struct Found {
    pub platform: String,
    /// Canonical, as the platform tells it.
    pub handle: String,
    pub observation: Option<Observation>,
}

impl Found {
    /// Whether both are one account.
    pub fn is_same(&self, other: &Found) -> bool {
        let id = |found: &Found| found.observation.as_ref().map(|seen| seen.platform_user_id.clone());
        let same_handle = self.handle.eq_ignore_ascii_case(&other.handle);
        self.platform == other.platform && (same_handle || (id(self).is_some() && id(self) == id(other)))
    }
}

/// Who an account is, before it is saved.
///
/// # Errors
/// No such account, no handle, a platform that is off, not set up, or does not answer.
pub async fn look_up(app: &Arc<App>, account: &Account) -> Result<AccountPreview, RosterError> {
    let (platform, handle) = understood(app, account)?;
    let observation = match ask(app, &platform, &handle).await {
        Ok(observation) => observation,
        Err(PlatformError::Unauthorized { .. }) => return Ok(unseen(app, platform, handle)),
        Err(error) => return Err(as_people_get_it(&platform, &handle, &error)),
    };
    let user_id = Some(observation.platform_user_id.as_str());
    let taken_by = app.look(|roster| {
        let connection = roster.account(&platform, &observation.handle, user_id);
        connection.filter(|connection| connection.disconnected_at.is_none()).map(|connection| connection.influencer)
    });
    Ok(AccountPreview {
        platform,
        handle: observation.handle,
        platform_user_id: observation.platform_user_id,
        needs_consent: false,
        display_name: observation.display_name,
        followers: observation.numbers.followers,
        taken_by,
    })
}

/// An account of which nothing is told before its owner consents.
fn unseen(app: &App, platform: String, handle: String) -> AccountPreview {
    let taken_by = app.look(|roster| {
        let connection = roster.account(&platform, &handle, None);
        connection.filter(|connection| connection.disconnected_at.is_none()).map(|connection| connection.influencer)
    });
    AccountPreview {
        platform,
        handle,
        platform_user_id: String::new(),
        needs_consent: true,
        display_name: None,
        followers: None,
        taken_by,
    }
}

/// The account to connect. A platform that does not answer just now is no reason to refuse: the first sync will tell.
///
/// # Errors
/// No such account, no handle, a platform that is off or not set up.
pub async fn find(app: &Arc<App>, account: &Account) -> Result<Found, RosterError> {
    let (platform, handle) = understood(app, account)?;
    match ask(app, &platform, &handle).await {
        Ok(observation) => Ok(Found { platform, handle: observation.handle.clone(), observation: Some(observation) }),
        Err(PlatformError::Unavailable { .. } | PlatformError::Network { .. } | PlatformError::RateLimited { .. }) => {
            Ok(Found { platform, handle, observation: None })
        }
        // It waits for its owner's consent, and its first run says so.
        Err(PlatformError::Unauthorized { .. }) => Ok(Found { platform, handle, observation: None }),
        Err(error) => Err(as_people_get_it(&platform, &handle, &error)),
    }
}

/// Platform and canonical handle, when the platform can be asked at all.
fn understood(app: &App, account: &Account) -> Result<(String, String), RosterError> {
    app.look(|roster| {
        let account = resolve::account(roster, account)?;
        let known = roster
            .platforms
            .get(&account.platform)
            .ok_or_else(|| resolve::unknown_platform(roster, &account.platform))?;
        if !known.enabled {
            let message = format!("{} is switched off", known.platform.info().name);
            return Err(RosterError::new(ErrorKind::Unconfigured, message)
                .hint(format!("set enabled = true under [platforms.{}] and reload rosterd", account.platform)));
        }
        match known.platform.lacks() {
            Some(lacks) => Err(RosterError::new(ErrorKind::Unconfigured, lacks)
                .hint("then reload rosterd; `roster platforms` shows what is set up")),
            None => Ok((account.platform, account.handle)),
        }
    })
}

async fn ask(app: &Arc<App>, platform: &str, handle: &str) -> Result<Observation, PlatformError> {
    let nothing = || PlatformError::Unexpected { what: "the platform told nothing of it".to_owned() };
    let known = app.look(|roster| roster.platforms.get(platform).cloned()).ok_or_else(nothing)?;
    let scope = crate::schedule::lane::scope(platform, &known.platform.group(handle));
    let now = app.clock.now();
    let held = app.look(|roster| roster.hold_on(&scope, now).map(|hold| hold.until));
    if let Some(until) = held {
        let wait = std::time::Duration::from_millis(until.since(now).max(0) as u64);
        return Err(PlatformError::RateLimited { retry_after: Some(wait) });
    }
    let api = Api::new(app.setup().http.clone(), known.route.clone(), now);
    // The id is only a place in the answer: nothing is stored under it.
    let place = ConnectionId::from_bytes([0; 5]);
    let access = access_for_looking(app, &known).await;
    let account = platforms::Account { connection: place, handle: handle.to_owned(), platform_user_id: None, access };
    let observed = known.platform.observe(&api, &[account]).await;
    observed.into_iter().next().map_or_else(|| Err(nothing()), |(_, result)| result)
}

/// Where others can be looked up with somebody's consent: that of anyone who gave it.
async fn access_for_looking(app: &Arc<App>, known: &Registered) -> Option<Access> {
    known.platform.consenting().filter(|consenting| consenting.looks_up())?;
    let realm = known.provider.as_ref()?.realm();
    let grant = app.look(|roster| {
        let mut grants = roster.consents.grants.values();
        grants.find(|grant| grant.realm == realm && grant.is_live() && !grant.owner_id.is_empty()).map(|grant| grant.id)
    })?;
    access::of_grant(app, grant, None).await.ok().map(|opened| opened.access)
}

fn as_people_get_it(platform: &str, handle: &str, error: &PlatformError) -> RosterError {
    let message = format!("{platform}:{handle}: {error}");
    match error {
        PlatformError::AccountGone { .. } => {
            RosterError::not_found(message).hint("look at the spelling, or at the profile in a browser")
        }
        PlatformError::Unconfigured { .. } => RosterError::new(ErrorKind::Unconfigured, message)
            .hint("mend the platform's section in rosterd.toml and reload rosterd"),
        PlatformError::Network { .. } => RosterError::new(ErrorKind::Unavailable, message)
            .hint("nothing could be reached from this host; look at its network, or at [network] in rosterd.toml"),
        _ => RosterError::new(ErrorKind::Unavailable, message).hint("try again later"),
    }
}

/// Connects an account to an influencer; the first sync is due at once.
///
/// # Errors
/// Nobody of that name, no such account, or one that somebody has.
pub async fn connect(app: &Arc<App>, who: Who, named: String, account: Account) -> Result<ConnectionId, RosterError> {
    app.look(|roster| resolve::influencer(roster, &named).map(|_| ()))?;
    let found = find(app, &account).await?;
    app.decide(move |decision| {
        let influencer = resolve::influencer(decision.roster, &named)?;
        put(decision, &who, influencer, found)
    })
    .await
}

/// Puts an account into a commit: a new connection, or one that was disconnected, in its place with its history.
pub fn put(
    decision: &mut Decision<'_>,
    who: &Who,
    influencer: &Influencer,
    found: Found,
) -> Result<ConnectionId, RosterError> {
    let user_id = found.observation.map(|observation| observation.platform_user_id);
    let before = decision.roster.account(&found.platform, &found.handle, user_id.as_deref());
    if let Some(taken) = before.filter(|connection| connection.disconnected_at.is_none()) {
        return Err(taken_error(decision, taken, influencer));
    }
    let connection = Connection {
        id: before.map_or_else(|| decision.fresh_id(), |before| before.id),
        influencer: influencer.id,
        platform: found.platform,
        handle: found.handle,
        platform_user_id: user_id,
        connected_at: decision.now,
        disconnected_at: None,
        paused: false,
        interval: before.and_then(|before| before.interval),
        next_due_at: decision.now,
        slot_at: decision.now,
        last_synced_at: before.and_then(|before| before.last_synced_at),
        failures: 0,
        trouble: None,
        profile: before.and_then(|before| before.profile.clone()),
        latest: before.and_then(|before| before.latest.clone()),
        first_day: before.and_then(|before| before.first_day),
    };
    let id = connection.id;
    decision.log(audit(decision, who, "connection.connect", connection_named(&connection)));
    decision.commit.roster.connections.push(connection);
    Ok(id)
}

fn taken_error(decision: &Decision<'_>, taken: &Connection, wanted: &Influencer) -> RosterError {
    let owner = decision.roster.influencers.get(&taken.influencer);
    let name = owner.map_or("another influencer", |owner| owner.name.as_str());
    let error = RosterError::conflict(format!("{}:{} is connected to {name} already", taken.platform, taken.handle));
    let is_new = !decision.roster.influencers.contains_key(&wanted.id);
    match owner {
        Some(owner) if is_new => error.hint(format!("`roster show {}` shows that entry", owner.id)),
        Some(owner) if owner.id != wanted.id => error.hint(format!(
            "are they one? `roster merge {} {}`; or `roster disconnect {}` first",
            wanted.id, owner.id, taken.id
        )),
        _ => error,
    }
}

/// Ends a connection. Its history stays unless told otherwise; connecting the account again brings it back.
///
/// # Errors
/// No such connection.
pub async fn disconnect(
    app: &App,
    who: Who,
    named: String,
    delete_history: bool,
) -> Result<roster_protocol::Connection, RosterError> {
    let seen = app.seen();
    app.decide(move |decision| {
        let connection = resolve::connection(decision.roster, &named)?;
        if connection.disconnected_at.is_some() && !delete_history {
            return Ok(crate::roster::rows::connection(decision.roster, connection, seen));
        }
        let action = if delete_history { "connection.delete" } else { "connection.disconnect" };
        decision.log(audit(decision, &who, action, connection_named(connection)));
        let ended = Connection { disconnected_at: Some(decision.now), trouble: None, ..connection.clone() };
        let shown = crate::roster::rows::connection(decision.roster, &ended, seen);
        match delete_history {
            true => decision.commit.roster.removed_connections.push(ended),
            false => decision.commit.roster.connections.push(ended),
        }
        let standing = decision.roster.alerts_of(connection.id).into_iter();
        let resolved = standing.map(|alert| crate::alerts::evaluate::resolved(alert, decision.now));
        decision.commit.alerting.alerts.extend(resolved);
        revoke::let_go(decision, &[connection.id]);
        Ok(shown)
    })
    .await
}

/// Gives a connection an interval of its own, or none; its next slot moves accordingly.
///
/// # Errors
/// No such connection.
pub async fn set_interval(
    app: &App,
    who: Who,
    named: String,
    interval: Option<Seconds>,
) -> Result<ConnectionId, RosterError> {
    if interval.is_some_and(|interval| !(10..=366 * 24 * 3600).contains(&interval.0)) {
        return Err(RosterError::usage("an interval is between 10s and 366d"));
    }
    app.decide(move |decision| {
        let before = resolve::connection(decision.roster, &named)?;
        let next = decision.grid.next(before.id, interval, decision.now);
        // A retry or a request that is due sooner stays.
        let due = before.next_due_at.min(next);
        let after = Connection { interval, next_due_at: due, slot_at: before.slot_at.min(next), ..before.clone() };
        let shown = |interval: Option<Seconds>| interval.map_or("default".to_owned(), |own| format!("{} s", own.0));
        let line = audit_change(
            decision,
            &who,
            "connection.interval",
            connection_named(before),
            shown(before.interval),
            shown(interval),
        );
        decision.log(line);
        decision.commit.roster.connections.push(after);
        Ok(before.id)
    })
    .await
}
