//! Which of the accounts that a consent opened are connected, and connecting them.

use roster_protocol::audit::Who;
use roster_protocol::consent::{ConsentChoice, ConsentState, ConsentedConnection, MissingScope};
use roster_protocol::error::{ErrorKind, RosterError};
use roster_protocol::ids::{ConnectionId, ConsentId, GrantId};

use super::ProviderContext;
use crate::app::App;
use crate::decision::consented::{self, Adoption, Offered};
use crate::decision::grants;
use crate::model::{Choice, Grant, GrantTokens};
use crate::oauth::Scope;
use crate::platforms::consenting::{Opened, OpenedAccount};
use crate::roster::Roster;
use crate::roster::rows;
use crate::secret::vault::{Field, SealingContext, Vault, VaultError};

/// Takes what a consent opened: one account is connected at once, several are offered.
///
/// # Errors
/// When it opened nothing, or could not be stored.
pub(super) async fn offer(
    app: &App,
    context: &ProviderContext,
    id: ConsentId,
    grant: GrantId,
    opened: Opened,
) -> Result<(), RosterError> {
    if opened.accounts.is_empty() {
        let message = format!("the consent opened no account that {} would let Roster read", context.name());
        return Err(RosterError::new(ErrorKind::NotFound, message)
            .hint("look at the platform whether the account is of a kind that can be read, and tick it at consent"));
    }
    let realm = context.provider().realm();
    let kept = app.look(|roster| roster.consents.of_owner(&realm, &opened.owner_id).map(|grant| grant.id));
    // A renewal of the grant that is there must not overwrite the new tokens.
    let lock = app.consents.lock_of(kept.unwrap_or(grant));
    let _alone = lock.lock().await;
    let vault = app.consents.vault();
    let offered = app
        .decide(|decision| {
            let Some(requested) = decision.roster.consents.pending.get(&id) else {
                grants::queue(decision, grant);
                return Ok(Offered::GivenUp);
            };
            let adoption = Adoption::of(decision, grant, &opened.owner_id, context.terms().slug)?;
            let target = adoption.target;
            let tokens = sealed_for(&vault, &adoption, &opened.accounts);
            let tokens = tokens.map_err(|_| RosterError::failed("the tokens that were just stored do not open"))?;
            let missing = context.missing(&adoption.scopes(&opened));
            adoption.adopt(decision, tokens, &opened, missing);
            Ok(consented::offer(decision, requested, grant, target, &opened.accounts))
        })
        .await?;
    let now = app.clock.now();
    match offered {
        Offered::Connected(requested, connected) => app.consents.settle(&requested, done(app, &connected), now),
        Offered::Refused(requested, error) => app.consents.settle(&requested, ConsentState::Failed(error), now),
        Offered::Choosing | Offered::GivenUp => {}
    }
    app.consents.has_moved();
    Ok(())
}

/// The tokens of the grant that was just given, and the accounts' own, sealed for the grant that remains.
fn sealed_for(vault: &Vault, to: &Adoption<'_>, accounts: &[OpenedAccount]) -> Result<GrantTokens, VaultError> {
    let again = |field, sealed| {
        let secret = vault.open(SealingContext::of_grant(to.tokens.grant, field), sealed)?;
        vault.seal(SealingContext::of_grant(to.target, field), &secret)
    };
    let mut derived = to.derived.clone();
    for account in accounts {
        let Some(token) = &account.derived else { continue };
        let sealed = vault.seal(SealingContext::of_account(to.target, &account.platform_user_id), token)?;
        derived.retain(|(known, _)| *known != account.platform_user_id);
        derived.push((account.platform_user_id.clone(), sealed));
    }
    Ok(GrantTokens {
        grant: to.target,
        generation: to.generation,
        access: again(Field::Access, &to.tokens.access)?,
        refresh: to.tokens.refresh.as_ref().map(|sealed| again(Field::Refresh, sealed)).transpose()?,
        derived,
        attempt: None,
        ..to.tokens.clone()
    })
}

/// Connects some of the accounts that a consent of this user opened.
///
/// # Errors
/// No such consent, or an account it did not open.
pub async fn choose(app: &App, who: &Who, id: ConsentId, accounts: Vec<String>) -> Result<ConsentState, RosterError> {
    let decided = app.decide(|decision| consented::choose(decision, who, id, &accounts));
    let (requested, connected) = decided.await?;
    let state = done(app, &connected);
    app.consents.settle(&requested, state.clone(), app.clock.now());
    Ok(state)
}

fn done(app: &App, connected: &[(ConnectionId, bool)]) -> ConsentState {
    let seen = app.seen();
    ConsentState::Done(app.look(|roster| {
        let shown = |(id, is_new): &(ConnectionId, bool)| {
            let connection = roster.connections.get(id)?;
            let grant = roster.consents.grant_of(*id);
            Some(ConsentedConnection {
                connection: rows::connection(roster, connection, seen),
                is_new: *is_new,
                missing: grant.map(|grant| missing(roster, grant)).unwrap_or_default(),
            })
        };
        connected.iter().filter_map(shown).collect()
    }))
}

/// What was requested and not granted, and what that costs.
pub(super) fn missing(roster: &Roster, grant: &Grant) -> Vec<MissingScope> {
    let known = roster.providers.get(&grant.platform);
    let scopes: &[Scope] = known.map(|known| known.provider.terms().scopes).unwrap_or_default();
    let costs = |name: &String| {
        let scope = scopes.iter().find(|scope| scope.name == name);
        let costs = scope.map_or_else(String::new, |scope| scope.reads.to_owned());
        MissingScope { scope: name.clone(), costs }
    };
    grant.missing.iter().map(costs).collect()
}

/// The choices of a consent, for clients.
pub(super) fn choices(roster: &Roster, platform: &str, choices: &[Choice]) -> Vec<ConsentChoice> {
    let shown = |choice: &Choice| {
        let known = roster.account(platform, &choice.handle, Some(&choice.platform_user_id));
        ConsentChoice {
            platform_user_id: choice.platform_user_id.clone(),
            handle: choice.handle.clone(),
            name: choice.name.clone(),
            followers: choice.followers,
            taken_by: known.filter(|known| known.disconnected_at.is_none()).map(|known| known.influencer),
        }
    };
    choices.iter().map(shown).collect()
}
