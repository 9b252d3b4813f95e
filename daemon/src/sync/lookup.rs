//! Looks an account up on its platform before it is connected.

use std::sync::Arc;

use roster_protocol::audit::Who;
use roster_protocol::connection::{Account, AccountPreview};
use roster_protocol::error::{ErrorKind, RosterError};
use roster_protocol::ids::{ConnectionId, GrantId};
use roster_protocol::time::Timestamp;

use crate::app::App;
use crate::app::lookups::WINDOW_MINUTES;
use crate::consent::access;
use crate::decision::audit::connection_named;
use crate::decision::connect::Found;
use crate::model::Grant;
use crate::platforms::consenting::Access;
use crate::platforms::{self, Limit, Observation, PlatformError, Registered};
use crate::roster::{Roster, resolve};
use crate::schedule::gate::Priority;

/// Looks an account up before it is saved.
///
/// # Errors
/// No such account, no handle, a platform that is off, not set up, or does not respond.
pub async fn look_up(app: &Arc<App>, who: &Who, account: &Account) -> Result<AccountPreview, RosterError> {
    let (platform, handle) = understood(app, account)?;
    let observation = match request(app, who, &platform, &handle, note).await {
        Ok(observation) => observation,
        Err(PlatformError::Unauthorized { .. }) => return Ok(unseen(app, platform, handle)),
        Err(error) => return Err(user_error(&platform, &handle, &error)),
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

/// An account about which the platform reports nothing before its owner consents.
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

/// The account to connect. A platform that does not respond right now is no reason to refuse: the first sync shows
/// whether the account exists.
///
/// # Errors
/// No such account, no handle, a platform that is off or not set up.
pub async fn find(app: &Arc<App>, who: &Who, account: &Account) -> Result<Found, RosterError> {
    let (platform, handle) = understood(app, account)?;
    match request(app, who, &platform, &handle, async |_, _, _, _| {}).await {
        Ok(observation) => Ok(Found { platform, handle: observation.handle.clone(), observation: Some(observation) }),
        Err(PlatformError::Unavailable { .. } | PlatformError::Network { .. } | PlatformError::RateLimited { .. }) => {
            Ok(Found { platform, handle, observation: None })
        }
        // It waits for its owner's consent, and its first run says so.
        Err(PlatformError::Unauthorized { .. } | PlatformError::MissingScope { .. }) => {
            Ok(Found { platform, handle, observation: None })
        }
        Err(error) => Err(user_error(&platform, &handle, &error)),
    }
}

/// Platform and canonical handle, when requests to the platform are possible at all.
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

/// Counts a look-up that is about to be requested; the audit log has how many accounts a user looks up who looks up many.
async fn record(app: &Arc<App>, who: &Who, now: Timestamp) {
    if let Some(count) = app.look_ups.count(who.uid, now) {
        let on = format!("{count} accounts within {WINDOW_MINUTES} minutes");
        app.note(who, "lookup", on, "requested").await;
    }
}

/// Notes a look-up that a user requested for itself, unless there are so many that only their number is noted. It names an
/// account only where its influencer is on the roster, because nothing could erase the name of another one.
async fn note(app: &Arc<App>, who: &Who, platform: &str, found: Option<&Observation>) {
    if app.look_ups.are_many(who.uid, app.clock.now()) {
        return;
    }
    let known = found.and_then(|found| {
        app.look(|roster| {
            let connection = roster.account(platform, &found.handle, Some(&found.platform_user_id));
            connection.map(connection_named)
        })
    });
    let on = known.unwrap_or_else(|| format!("an account on {platform}").into());
    app.note(who, "lookup", on, if found.is_some() { "found" } else { "not found" }).await;
}

/// Requests an account. `noted` gets the result of what was really requested, once it is there.
async fn request(
    app: &Arc<App>,
    who: &Who,
    platform: &str,
    handle: &str,
    noted: impl AsyncFnOnce(&Arc<App>, &Who, &str, Option<&Observation>),
) -> Result<Observation, PlatformError> {
    let nothing = || PlatformError::Unexpected { what: "the platform reported nothing about it".to_owned() };
    let known = app.look(|roster| roster.platforms.get(platform).cloned()).ok_or_else(nothing)?;
    let lane = crate::schedule::lane::name(platform, &known.platform.group(handle));
    let now = app.clock.now();
    let held = app.look(|roster| roster.hold_on(&lane, now).map(|hold| hold.until));
    if let Some(until) = held {
        let wait = std::time::Duration::from_millis(until.since(now).max(0) as u64);
        return Err(PlatformError::RateLimited { retry_after: Some(wait), of: Limit::Lane });
    }
    let down = app.look(|roster| {
        let outage = roster.breaker.outage(&lane)?;
        let what = roster.outage_in_words(&lane, outage, &app.setup().config.sync.grid.zone, now);
        Some(if outage.is_ours { PlatformError::Network { what } } else { PlatformError::Unavailable { what } })
    });
    if let Some(down) = down {
        return Err(down);
    }
    record(app, who, now).await;
    let api = app.api(&known.route, &lane, Priority::Person);
    // The id only identifies the result: nothing is stored under it.
    let connection = ConnectionId::from_bytes([0; 5]);
    let access = access_for_lookup(app, &known).await?;
    let account =
        platforms::Account { connection, handle: handle.to_owned(), platform_user_id: None, access, days_from: None };
    let observed = known.platform.observe(&api, &[account]).await;
    let result = observed.into_iter().next().map_or_else(|| Err(nothing()), |(_, result)| result);
    noted(app, who, platform, result.as_ref().ok()).await;
    result
}

/// The access of a live grant, for a platform on which one owner's consent allows looking other accounts up; `None`
/// where there is none.
///
/// # Errors
/// `MissingScope` where each lacks something that looking up needs.
async fn access_for_lookup(app: &Arc<App>, known: &Registered) -> Result<Option<Access>, PlatformError> {
    let needs = known.platform.consenting().and_then(|consenting| consenting.looks_up());
    let (Some(needs), Some(provider)) = (needs, &known.provider) else { return Ok(None) };
    let realm = provider.realm();
    let found = app.look(|roster| grants_for_lookup(roster, &realm, needs, known.platform.info().slug))?;
    for (grant, through) in found {
        if let Ok(opened) = access::of_grant(app, grant, None).await {
            return Ok(Some(Access { through, ..opened.access }));
        }
    }
    Ok(None)
}

/// The live grants with all of these scopes, each with an account that it opened: those that have an account on the
/// platform first.
fn grants_for_lookup(
    roster: &Roster,
    realm: &str,
    needs: &[&'static str],
    slug: &str,
) -> Result<Vec<(GrantId, Option<String>)>, PlatformError> {
    let lacks = |grant: &Grant| needs.iter().find(|need| !grant.scopes.iter().any(|scope| scope == *need)).copied();
    // Without the first of them it is a consent to another of the realm's platforms.
    let is_candidate = |grant: &&Grant| {
        grant.realm == realm && grant.is_live() && !grant.owner_id.is_empty() && lacks(grant) != needs.first().copied()
    };
    let live: Vec<&Grant> = roster.consents.grants.values().filter(is_candidate).collect();
    let through = |grant: &Grant| {
        let users = roster.consents.users_of(grant.id).into_iter().filter_map(|id| roster.connections.get(&id));
        users.filter(|user| user.platform == slug).find_map(|user| user.platform_user_id.clone())
    };
    let good = live.iter().filter(|grant| lacks(grant).is_none()).map(|grant| (grant.id, through(grant)));
    let mut good: Vec<(GrantId, Option<String>)> = good.collect();
    good.sort_by_key(|(id, through)| (through.is_none(), *id));
    match live.iter().find_map(|grant| lacks(grant)) {
        Some(scope) if good.is_empty() => Err(PlatformError::MissingScope { scope: scope.to_owned() }),
        _ => Ok(good),
    }
}

fn user_error(platform: &str, handle: &str, error: &PlatformError) -> RosterError {
    let message = format!("{platform}:{handle}: {error}");
    match error {
        PlatformError::Moved { to: Some(to) } => RosterError::not_found(message).hint(format!("use {platform}:{to}")),
        PlatformError::AccountGone { .. } | PlatformError::Moved { to: None } => {
            RosterError::not_found(message).hint("look at the spelling, or at the profile in a browser")
        }
        PlatformError::Closed { .. } => RosterError::new(ErrorKind::Conflict, message)
            .hint("there is no way in for Roster: connect an account of theirs on another server or platform"),
        PlatformError::Unconfigured { .. } => RosterError::new(ErrorKind::Unconfigured, message)
            .hint("mend the platform's section in rosterd.toml and reload rosterd"),
        PlatformError::MissingScope { scope } => {
            let message =
                format!("{platform}:{handle}: no consent that was given lets others be looked up: {scope} is missing");
            RosterError::new(ErrorKind::NotPermitted, message).hint(format!(
                "ask an owner on {platform} to consent again and to allow {scope}, which scopes in \
                 [platforms.{platform}] must not leave out; or ask this account's owner for consent"
            ))
        }
        PlatformError::Network { .. } => RosterError::new(ErrorKind::Unavailable, message)
            .hint("nothing could be reached from this host; look at its network, or at [network] in rosterd.toml"),
        _ => RosterError::new(ErrorKind::Unavailable, message).hint("try again later"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ConsentsCommit, GrantState};
    use crate::roster::samples::*;

    const NEEDS: &[&str] = &["basic", "insights"];

    fn with(number: u8, scopes: &[&str], state: GrantState) -> Grant {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        Grant { scopes, ..grant(number, state) }
    }

    #[test]
    fn only_a_consent_with_the_scopes_is_looked_up_with() {
        let check = |grants: &[Grant], expected: Result<&[(u8, bool)], &str>| {
            let mut roster = roster();
            let grants = grants.to_vec();
            let grant_uses = vec![used(TUBE, 2), used(SKY, 3)];
            roster.apply(&ConsentsCommit { grants, grant_uses, ..ConsentsCommit::default() }.into());
            let found = grants_for_lookup(&roster, "google", NEEDS, "youtube");
            let shown =
                found.map(|all| all.iter().map(|(id, through)| (id.0[0], through.is_some())).collect::<Vec<_>>());
            let missing = |scope: &str| PlatformError::MissingScope { scope: scope.to_owned() };
            assert_eq!(shown, expected.map(<[_]>::to_vec).map_err(missing));
        };
        let live = |number, scopes: &[&str]| with(number, scopes, GrantState::Live);
        check(&[], Ok(&[]));
        check(&[live(1, NEEDS), live(2, NEEDS), live(3, NEEDS)], Ok(&[(2, true), (1, false), (3, false)]));
        check(&[live(1, &["basic"]), live(2, NEEDS)], Ok(&[(2, true)]));
        check(&[live(1, &["basic"])], Err("insights"));
        // Another platform's consent of the same app says nothing about this one.
        check(&[live(1, &["insights"])], Ok(&[]));
        check(&[with(2, NEEDS, ended())], Ok(&[]));
    }
}
