//! What an erasure deletes, and what it does not reach.

use std::path::Path;

use roster_protocol::erasure::{Erasure, ErasureCounts, Unreached};
use roster_protocol::error::RosterError;
use roster_protocol::folding::{folded, folded_handle};
use roster_protocol::ids::InfluencerId;
use roster_protocol::text::clean;

use crate::app::{App, read_error};
use crate::decision::erase::{merged_into, subject};
use crate::model::DESKTOP;
use crate::roster::Roster;
use crate::store::Held;

/// The longest path in a sentence.
const CHARACTERS: usize = 300;

/// What erasing an influencer would delete. Nothing is changed.
///
/// # Errors
/// No influencer of that name; when the store cannot be read.
pub async fn preview(app: &App, named: &str) -> Result<Erasure, RosterError> {
    app.wait_until_loaded().await;
    let (influencer, held, consents, mut unreached) = app.look(|roster| {
        let id = subject(roster, named)?;
        let held = Held {
            influencers: merged_into(roster, id).into_iter().collect(),
            connections: roster.all_connections_of(id).map(|connection| connection.id).collect(),
        };
        let mut grants: Vec<_> = held.connections.iter().filter_map(|it| roster.consents.grant_of(*it)).collect();
        grants.retain(|grant| roster.consents.users_of(grant.id).iter().all(|user| held.connections.contains(user)));
        grants.sort_by_key(|grant| grant.id);
        grants.dedup_by_key(|grant| grant.id);
        let unreached = of_texts(roster, id).into_iter().chain(of_roster(roster)).collect::<Vec<_>>();
        Ok::<_, RosterError>((id, held, grants.len() as u64, unreached))
    })?;
    let connections = held.connections.len() as u64;
    let counted = app.store.read(held).await.map_err(|error| read_error(&error))?;
    unreached.extend(of_disk(app).await);
    let deleted = ErasureCounts {
        connections,
        snapshots: counted.snapshots,
        reported_days: counted.reported,
        runs: counted.runs,
        changes: counted.changes,
        alerts: counted.alerts,
        deliveries: counted.deliveries,
        requests: counted.requests,
        audit_entries: counted.audit,
    };
    Ok(Erasure { influencer, erased_at: None, deleted, consents, is_complete: false, pending: None, unreached })
}

fn unreached(what: &str, why: String) -> Unreached {
    Unreached { what: what.to_owned(), why }
}

/// What users wrote about others, and about rules and silences, that has their name or a handle in it.
fn of_texts(roster: &Roster, id: InfluencerId) -> Option<Unreached> {
    let name = roster.influencers.get(&id).map(|influencer| folded(&influencer.name));
    let handles = roster.all_connections_of(id).map(|connection| folded_handle(&connection.handle));
    let words: Vec<String> = name.into_iter().chain(handles).filter(|word| word.chars().count() > 2).collect();
    let has = |text: &str| words.iter().any(|word| folded(text).contains(word.as_str()));
    let others = roster.influencers.values().filter(|other| other.id != id);
    let notes = others.filter(|other| other.note.as_deref().is_some_and(has) || other.tags.iter().any(|tag| has(tag)));
    let silences = roster.silences.values().filter(|it| it.influencer != Some(id) && has(&it.reason));
    let rules = roster.stored_rules.keys().filter(|name| has(name));
    let mut found: Vec<String> = notes.map(|other| format!("note or tags of {}", other.id)).collect();
    found.extend(silences.map(|silence| format!("reason of the silence {}", silence.id)));
    found.extend(rules.map(|name| format!("name of the rule {name}")));
    found.sort();
    let listed = clean(&found.join(", "), CHARACTERS);
    (!found.is_empty())
        .then(|| unreached("texts", format!("what users wrote elsewhere names them: {listed}; edit that")))
}

/// What left this host, as far as is known.
fn of_roster(roster: &Roster) -> Vec<Unreached> {
    let mut found = vec![unreached(
        "exports",
        "files that were exported, or that scripts wrote of what `roster` printed: delete them where they are".into(),
    )];
    let channels = roster.routing.channels.iter().map(|channel| channel.name.as_str());
    let channels: Vec<&str> = channels.filter(|name| *name != DESKTOP).collect();
    if !channels.is_empty() {
        let names = channels.join(", ");
        found.push(unreached(
            "messages",
            format!("mails and messages that were delivered on {names}, and desktop notifications: delete them there"),
        ));
    }
    let last = roster.backups.iter().map(|backup| backup.at).max();
    if let Some(at) = last {
        found.push(unreached(
            "backups",
            format!(
                "backups up to {at} have them until they are deleted; a restore with the list beside them (`*.erased`, or \
                 `--erased FILE`) leaves out who was erased"
            ),
        ));
    }
    found.push(unreached(
        "providers",
        "what platforms know of the account is theirs; the journal and the platforms' own logs have ids".into(),
    ));
    found
}

/// Copies beside the store, and what the disk keeps.
async fn of_disk(app: &App) -> Vec<Unreached> {
    let dir = app.started_with.state_dir.clone();
    let copies = tokio::task::spawn_blocking(move || copies(&dir)).await.unwrap_or_default();
    let mut found = Vec::new();
    if !copies.is_empty() {
        found.push(unreached(
            "copies",
            format!(
                "older copies of the store beside it: {}; those of migrations are deleted after seven days, others are \
                 yours to delete",
                clean(&copies.join(", "), CHARACTERS)
            ),
        ));
    }
    found.push(unreached(
        "disk",
        "blocks of the old file that the disk has not overwritten yet, and snapshots of the file system".into(),
    ));
    found
}

/// The names of older copies of a store, which migrations and restores leave beside it.
fn copies(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names
        .filter(|name| name.starts_with("roster.redb.format-") || name.starts_with("roster.redb.before-"))
        .collect();
    names.sort();
    names
}
