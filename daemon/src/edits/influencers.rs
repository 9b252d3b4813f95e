//! Adding, editing and removing influencers.

use std::sync::Arc;

use roster_protocol::audit::Who;
use roster_protocol::error::RosterError;
use roster_protocol::ids::{ConnectionId, InfluencerId};
use roster_protocol::influencer::{InfluencerEdit, NewInfluencer};

use crate::app::App;
use crate::decision::Decision;
use crate::decision::audit::{audit, audit_change, influencer_named};
use crate::decision::checks::{checked_name, checked_note, checked_tag, sorted_tags};
use crate::decision::connect::{self, Found};
use crate::decision::grants;
use crate::model::Influencer;
use crate::roster::resolve;
use crate::sync::lookup;

/// Adds an influencer with accounts; each is looked up first, so that nobody is added with a typing error.
///
/// # Errors
/// A name that cannot be stored, an account that does not exist or that somebody has.
pub async fn add(app: &Arc<App>, who: Who, new: NewInfluencer) -> Result<InfluencerId, RosterError> {
    let name = checked_name(&new.name)?;
    let tags = sorted_tags(new.tags.iter().map(|tag| checked_tag(tag)).collect::<Result<_, _>>()?)?;
    let note = checked_note(new.note.as_deref().unwrap_or_default())?;
    let mut found: Vec<Found> = Vec::new();
    for account in &new.accounts {
        let account = lookup::find(app, account).await?;
        match found.iter().any(|other| other.is_same(&account)) {
            true => return Err(RosterError::usage(format!("{}:{} is named twice", account.platform, account.handle))),
            false => found.push(account),
        }
    }
    app.decide(move |decision| {
        let influencer =
            Influencer { id: decision.fresh_id(), name, tags, note, paused: false, main: None, added_at: decision.now };
        decision.log(audit(decision, &who, "influencer.add", influencer_named(&influencer)));
        let id = influencer.id;
        for account in found {
            connect::put(decision, &who, &influencer, account)?;
        }
        decision.commit.roster.influencers.push(influencer);
        Ok(id)
    })
    .await
}

/// Changes name, tags, note or the choice of the main connection.
///
/// # Errors
/// Nobody of that name, or a value that cannot be stored.
pub async fn edit(app: &App, who: Who, named: String, edit: InfluencerEdit) -> Result<InfluencerId, RosterError> {
    app.decide(move |decision| {
        let before = resolve::influencer(decision.roster, &named)?;
        let mut after = before.clone();
        if let Some(name) = &edit.name {
            after.name = checked_name(name)?;
        }
        if let Some(note) = &edit.note {
            after.note = checked_note(note)?;
        }
        let added = edit.tag.iter().map(|tag| checked_tag(tag)).collect::<Result<Vec<_>, _>>()?;
        let removed = edit.untag.iter().map(|tag| checked_tag(tag)).collect::<Result<Vec<_>, _>>()?;
        after.tags =
            sorted_tags(before.tags.iter().cloned().chain(added).filter(|tag| !removed.contains(tag)).collect())?;
        if let Some(main) = &edit.main {
            after.main = main_connection(decision, before, main)?;
        }
        if after != *before {
            log_edit(decision, &who, before, &after);
            decision.commit.roster.influencers.push(after);
        }
        Ok(before.id)
    })
    .await
}

fn main_connection(
    decision: &Decision<'_>,
    influencer: &Influencer,
    named: &str,
) -> Result<Option<ConnectionId>, RosterError> {
    if named == "auto" {
        return Ok(None);
    }
    let connection = resolve::connection(decision.roster, named)?;
    match connection.influencer == influencer.id {
        true => Ok(Some(connection.id)),
        false => Err(RosterError::usage(format!("{named:?} is no connection of {}", influencer.name))
            .hint("`roster show INFLUENCER` shows the connections")),
    }
}

fn log_edit(decision: &mut Decision<'_>, who: &Who, before: &Influencer, after: &Influencer) {
    let fields = [
        ("influencer.rename", before.name.clone(), after.name.clone()),
        ("influencer.tags", before.tags.join(" "), after.tags.join(" ")),
        ("influencer.note", before.note.clone().unwrap_or_default(), after.note.clone().unwrap_or_default()),
        ("influencer.main", shown(before.main), shown(after.main)),
    ];
    for (action, old, new) in fields.into_iter().filter(|(_, old, new)| old != new) {
        decision.log(audit_change(decision, who, action, influencer_named(after), old, new));
    }
}

fn shown(main: Option<ConnectionId>) -> String {
    main.map_or("auto".to_owned(), |id| id.to_string())
}

/// Removes an influencer with all connections and their history; answers with what was removed.
///
/// # Errors
/// Nobody of that name.
pub async fn remove(app: &App, who: Who, named: String) -> Result<roster_protocol::Influencer, RosterError> {
    let seen = app.seen();
    app.decide(move |decision| {
        let influencer = resolve::influencer(decision.roster, &named)?;
        let removed = crate::roster::rows::influencer(decision.roster, influencer, seen);
        decision.log(audit(decision, &who, "influencer.remove", influencer_named(influencer)));
        let all = decision.roster.connections.values().filter(|connection| connection.influencer == influencer.id);
        decision.commit.roster.removed_connections.extend(all.cloned());
        let ended: Vec<ConnectionId> =
            decision.commit.roster.removed_connections.iter().map(|connection| connection.id).collect();
        grants::let_go(decision, &ended);
        decision.commit.roster.removed_influencers.push(influencer.id);
        let standing = decision.roster.alerts.values().filter(|alert| alert.about.influencer() == Some(influencer.id));
        let resolved = standing.map(|alert| crate::alerts::evaluate::resolved(alert, decision.now));
        decision.commit.alerting.alerts.extend(resolved);
        Ok(removed)
    })
    .await
}
