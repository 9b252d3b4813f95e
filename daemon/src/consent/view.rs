//! Consents and grants as clients see them.

use std::collections::BTreeMap;
use std::time::Duration;

use roster_protocol::audit::Who;
use roster_protocol::consent::{ConsentState, Grant, Renews, TokenModel};
use roster_protocol::error::RosterError;
use roster_protocol::ids::ConsentId;
use roster_protocol::time::Timestamp;

use super::choose;
use super::no_such_consent;
use crate::app::App;
use crate::model::{self, ConsentStep, GrantState, GrantTokens};
use crate::roster::Roster;
use crate::roster::resolve;

/// The state of a user's consent, as soon as it waits for the user or the timeout is over.
///
/// # Errors
/// No such consent of theirs, or none that is remembered.
pub async fn state(app: &App, who: &Who, id: ConsentId, patience: Duration) -> Result<ConsentState, RosterError> {
    let mut moved = app.consents.watch();
    let settled = async {
        loop {
            moved.mark_unchanged();
            match now(app, who, id) {
                Ok(state) if !state.is_settled() => {}
                other => return other,
            }
            // The sender lives as long as the app.
            if moved.changed().await.is_err() {
                return now(app, who, id);
            }
        }
    };
    match tokio::time::timeout(patience, settled).await {
        Ok(state) => state,
        Err(_) => now(app, who, id),
    }
}

fn now(app: &App, who: &Who, id: ConsentId) -> Result<ConsentState, RosterError> {
    let requested = app.look(|roster| {
        let consent = roster.consents.pending.get(&id).filter(|consent| consent.who.uid == who.uid)?;
        Some(match &consent.step {
            ConsentStep::Waiting => ConsentState::Waiting,
            ConsentStep::Exchanging | ConsentStep::Listing { .. } => ConsentState::Finishing,
            ConsentStep::Choosing { choices, .. } => {
                ConsentState::Choose(choose::choices(roster, &consent.platform, choices))
            }
        })
    });
    // Checked before its end is read: a consent that is not open any more has one.
    let ending = app.consents.is_open(id, who.uid).then_some(ConsentState::Finishing);
    requested.or_else(|| app.consents.ended(id, who.uid)).or(ending).ok_or_else(no_such_consent)
}

/// The consent of this user for an influencer and platform that waits for a choice.
///
/// # Errors
/// No such influencer.
pub fn open(app: &App, who: &Who, influencer: &str, platform: &str) -> Result<Option<ConsentId>, RosterError> {
    app.look(|roster| {
        let influencer = resolve::influencer(roster, influencer)?.id;
        let mut requested = roster.consents.pending.values();
        let waits = |consent: &&model::Consent| {
            consent.who.uid == who.uid
                && consent.influencer == influencer
                && consent.platform == platform
                && matches!(consent.step, ConsentStep::Choosing { .. })
        };
        Ok(requested.find(waits).map(|consent| consent.id))
    })
}

/// Every grant, those that need a hand first.
pub fn grants(app: &App) -> Vec<Grant> {
    let mut shown: Vec<Grant> = app.look(|roster| {
        // One that is being made has no owner yet.
        let grants = roster.consents.grants.values().filter(|grant| !grant.owner_id.is_empty());
        grants.map(|known| grant(roster, known)).collect()
    });
    shown.sort_by_key(|grant| {
        let place = match grant.renews {
            Renews::ByHand => 0,
            Renews::Itself => 1,
            Renews::Never => 2,
        };
        (place, grant.act_before.unwrap_or(Timestamp(i64::MAX)), grant.platform.clone(), grant.id)
    });
    shown
}

/// A platform's consents, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub live: u64,
    pub ended: u64,
    pub revoking: u64,
    /// Requested and not settled.
    pub requested: u64,
    /// When the first of the live ones ends unless its owner consents again.
    pub act_before: Option<Timestamp>,
}

/// The consents of each platform that has any to request, by slug.
pub fn tally(roster: &Roster) -> BTreeMap<String, Tally> {
    let slugs = roster.providers.slugs();
    let mut tallies: BTreeMap<String, Tally> = slugs.map(|slug| (slug.to_owned(), Tally::default())).collect();
    for consent in roster.consents.pending.values() {
        tallies.entry(consent.platform.clone()).or_default().requested += 1;
    }
    for grant in roster.consents.grants.values().filter(|grant| !grant.owner_id.is_empty()) {
        let tally = tallies.entry(grant.platform.clone()).or_default();
        match grant.state {
            GrantState::Live => {
                tally.live += 1;
                tally.act_before = [tally.act_before, roster.consents.act_before(grant)].into_iter().flatten().min();
            }
            GrantState::Ended { .. } => tally.ended += 1,
            GrantState::Revoking { .. } => tally.revoking += 1,
        }
    }
    tallies
}

/// A grant for clients.
pub fn grant(roster: &Roster, grant: &model::Grant) -> Grant {
    let known = roster.providers.get(&grant.platform);
    let tokens = roster.consents.tokens.get(&grant.id);
    let renews = renews(grant, tokens);
    Grant {
        id: grant.id,
        platform: grant.platform.clone(),
        account: grant.owner_name.clone(),
        model: known.map_or(TokenModel::Fixed, |known| known.provider.terms().model),
        scopes: grant.scopes.clone(),
        reads: reads(roster, grant),
        missing: choose::missing(roster, grant),
        granted_at: grant.granted_at,
        expires_at: tokens.and_then(|tokens| tokens.access_ends_at),
        renews,
        renews_at: tokens.and_then(|tokens| tokens.renew_at).filter(|_| renews == Renews::Itself),
        act_before: roster.consents.act_before(grant),
        note: note(grant, tokens),
        connections: roster.consents.users_of(grant.id),
    }
}

/// What can be read with what was granted.
fn reads(roster: &Roster, grant: &model::Grant) -> Vec<String> {
    let known = roster.providers.get(&grant.platform);
    let scopes = known.map(|known| known.provider.terms().scopes).unwrap_or_default().iter();
    let granted = scopes.filter(|scope| !scope.reads.is_empty() && grant.scopes.iter().any(|name| name == scope.name));
    granted.map(|scope| scope.reads.to_owned()).collect()
}

fn renews(grant: &model::Grant, tokens: Option<&GrantTokens>) -> Renews {
    match (&grant.state, tokens) {
        (GrantState::Revoking { .. }, _) => Renews::Never,
        (GrantState::Live, Some(tokens)) if tokens.refresh.is_some() || tokens.renew_at.is_some() => Renews::Itself,
        _ => Renews::ByHand,
    }
}

fn note(grant: &model::Grant, tokens: Option<&GrantTokens>) -> Option<String> {
    match &grant.state {
        GrantState::Ended { why, .. } => Some(why.clone()),
        GrantState::Revoking { attempts: 0, since, next_at, .. } if next_at > since => {
            Some(format!("its accounts were removed; it is revoked at {next_at} unless that is taken back"))
        }
        GrantState::Revoking { attempts: 0, .. } => Some("being revoked".to_owned()),
        GrantState::Revoking { attempts, last_error, .. } => {
            Some(format!("being revoked, {attempts} attempts failed: {}", last_error.as_deref().unwrap_or("no answer")))
        }
        GrantState::Live => tokens.and_then(|tokens| tokens.last_error.clone()),
    }
}
