//! What is personal in the audit log is sealed before it is stored, under a key for each influencer, and opened when it is
//! read. Without the key a line says nothing but ids.

use std::collections::HashMap;

use roster_protocol::error::RosterError;
use roster_protocol::ids::InfluencerId;

use super::App;
use crate::model::{AuditLine, Commit, DataKey, Loaded, On};
use crate::roster::Roster;
use crate::secret::personal::PersonalKey;
use crate::secret::vault::{Vault, VaultError};
use crate::store::{LatestAlerts, Store, StoreError};

/// Stands in a line for the name of an influencer whose key is gone.
pub const ERASED: &str = "(erased)";
/// How many alerts are read at once.
const ALERTS_AT_ONCE: usize = 5_000;
/// The same where there is a key, and it does not open the line.
pub const UNREADABLE: &str = "(unreadable)";

/// The keys of a commit's influencers: those the roster has, and those that are made.
struct Keys<'a> {
    vault: &'a Vault,
    known: &'a HashMap<InfluencerId, DataKey>,
    made: Vec<DataKey>,
}

impl Keys<'_> {
    /// Makes a key for an influencer who has none.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    fn make(&mut self, of: InfluencerId) -> Result<(), VaultError> {
        if self.of(of).is_none() {
            let sealed = PersonalKey::random()?.sealed(self.vault, of)?;
            self.made.push(DataKey { of, now: of, sealed });
        }
        Ok(())
    }

    fn of(&self, influencer: InfluencerId) -> Option<&DataKey> {
        self.known.get(&influencer).or_else(|| self.made.iter().find(|key| key.of == influencer))
    }

    /// Seals what is personal in a line. Without a key it is left out.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    fn seal(&self, line: &mut AuditLine) -> Result<(), VaultError> {
        let Some(influencer) = line.on.influencer else { return Ok(()) };
        let texts = vec![line.on.name.take(), line.old.take(), line.new.take()];
        let Some(key) = self.of(influencer) else { return Ok(()) };
        match PersonalKey::opened(self.vault, influencer, &key.sealed) {
            Ok(key) => line.sealed = Some(key.seal(&texts, &beside(line))?),
            Err(error) => tracing::error!(%influencer, %error, "the data key of an influencer does not open"),
        }
        Ok(())
    }
}

/// What a sealed part is bound to.
fn beside(line: &AuditLine) -> Vec<u8> {
    format!("{}\0{}\0{}\0{}", line.at.0, line.action, line.on.what, line.cause).into_bytes()
}

/// Makes the keys of new influencers, and seals what is personal in a commit's lines.
///
/// # Errors
/// As [`Keys::seal`].
pub(super) fn seal(vault: &Vault, roster: &Roster, commit: &mut Commit) -> Result<(), RosterError> {
    let mut keys = Keys { vault, known: &roster.data_keys, made: Vec::new() };
    let sealed = (|| {
        for influencer in &commit.roster.influencers {
            keys.make(influencer.id)?;
        }
        let about = commit.audit.lines.iter().filter_map(|line| line.on.influencer);
        // One who was made before there were keys.
        for influencer in about.filter(|about| roster.influencers.contains_key(about)) {
            keys.make(influencer)?;
        }
        commit.audit.lines.iter_mut().try_for_each(|line| keys.seal(line))
    })();
    sealed.map_err(|error| RosterError::failed(format!("the audit log cannot be written: {error}")))?;
    commit.roster.data_keys.append(&mut keys.made);
    Ok(())
}

/// Chains the lines of a store that a format before 5 wrote, with what is personal sealed; its keys are added to what was
/// loaded.
///
/// # Errors
/// When the store cannot be read or written.
pub async fn begin_chain(store: &Store, loaded: &mut Loaded, vault: &Vault) -> Result<(), StoreError> {
    let mut lines = store.unchained_audit().await?;
    if lines.is_empty() {
        return Ok(());
    }
    let subjects = subjects(store, loaded).await?;
    let known = loaded.data_keys.drain(..).map(|key| (key.of, key)).collect();
    let mut keys = Keys { vault, known: &known, made: Vec::new() };
    let sealed = (|| {
        loaded.influencers.iter().try_for_each(|influencer| keys.make(influencer.id))?;
        for line in &mut lines {
            name_subject(line, &subjects);
            if let Some(influencer) = line.on.influencer {
                keys.make(influencer)?;
            }
            keys.seal(line)?;
        }
        Ok(())
    })();
    sealed.map_err(|error: VaultError| StoreError::Invalid { what: format!("the audit log: {error}") })?;
    tracing::info!(lines = lines.len(), "the audit log is chained, and what is personal in it is sealed");
    let made = keys.made;
    store.begin_chain(lines, made.clone()).await?;
    loaded.data_keys = known.into_values().chain(made).collect();
    Ok(())
}

/// Whom an id is about: of influencers, connections, grants and alerts.
async fn subjects(store: &Store, loaded: &Loaded) -> Result<HashMap<String, InfluencerId>, StoreError> {
    let mut found: HashMap<String, InfluencerId> = HashMap::new();
    found.extend(loaded.influencers.iter().map(|influencer| (influencer.id.to_string(), influencer.id)));
    found.extend(loaded.connections.iter().map(|connection| (connection.id.to_string(), connection.influencer)));
    for used in &loaded.grant_uses {
        let user = loaded.connections.iter().find(|connection| connection.id == used.connection);
        found.extend(user.map(|user| (used.grant.to_string(), user.influencer)));
    }
    let silences = loaded.silences.iter().filter_map(|it| Some((it.id.to_string(), it.influencer?)));
    found.extend(silences);
    let mut query = LatestAlerts { before: None, limit: ALERTS_AT_ONCE };
    loop {
        let page = store.read(query.clone()).await?;
        found.extend(page.rows.iter().filter_map(|alert| Some((alert.id.to_string(), alert.about.influencer()?))));
        let Some(mark) = page.next else { return Ok(found) };
        query.before = Some(mark);
    }
}

/// What lines about influencers began with; what they were about may be gone.
const ABOUT_INFLUENCERS: [&str; 7] =
    ["influencer.", "connection.", "snapshot.", "profile.", "grant.", "alert.", "consent."];

/// Finds whom a line of an earlier format is about, which has an id and a name in one text. Where the id is not known any
/// more it gets a key of its own.
fn name_subject(line: &mut AuditLine, subjects: &HashMap<String, InfluencerId>) {
    let Some((id, name)) = line.on.what.split_once(' ') else { return };
    let Ok(parsed) = id.parse::<InfluencerId>() else { return };
    let is_about = ABOUT_INFLUENCERS.iter().any(|begin| line.action.starts_with(begin));
    if let Some(influencer) = subjects.get(id).copied().or(is_about.then_some(parsed)) {
        line.on = On::of(influencer, id.to_owned(), name);
    }
}

impl App {
    /// A line as it was before it was sealed; of an influencer who was erased it has ids only.
    pub fn opened(&self, roster: &Roster, line: AuditLine) -> AuditLine {
        let (Some(influencer), Some(sealed)) = (line.on.influencer, &line.sealed) else { return line };
        let instead = |name: &str| Some(name.to_owned());
        let Some(key) = roster.data_keys.get(&influencer) else {
            let on = On { name: instead(ERASED), ..line.on };
            return AuditLine { on, ..line };
        };
        let key = PersonalKey::opened(&self.consents.vault(), influencer, &key.sealed);
        let texts = key.and_then(|key| key.open(sealed, &beside(&line))).unwrap_or_else(|_| vec![instead(UNREADABLE)]);
        let mut texts = texts.into_iter();
        let mut next = || texts.next().flatten();
        let (name, old, new) = (next(), next(), next());
        AuditLine { on: On { name, ..line.on }, old, new, sealed: None, ..line }
    }
}
