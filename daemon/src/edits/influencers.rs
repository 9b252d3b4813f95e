//! Adding, editing and removing influencers.

use std::sync::Arc;

use roster_protocol::audit::Who;
use roster_protocol::error::RosterError;
use roster_protocol::ids::InfluencerId;
use roster_protocol::influencer::{InfluencerEdit, NewInfluencer};

use crate::app::App;
use crate::decision::connect::Found;
use crate::decision::edit::{self, Entry};
use crate::decision::erase;
use crate::sync::lookup;

/// Adds an influencer with accounts; each is looked up first, so that a typing error adds no influencer.
///
/// # Errors
/// A name that cannot be stored, an account that does not exist or that another influencer has.
pub async fn add(app: &Arc<App>, who: Who, new: NewInfluencer) -> Result<InfluencerId, RosterError> {
    let entry = Entry::checked(&new)?;
    let mut found: Vec<Found> = Vec::new();
    for account in &new.accounts {
        let account = lookup::find(app, &who, account).await?;
        match found.iter().any(|other| other.is_same(&account)) {
            true => return Err(RosterError::usage(format!("{}:{} is named twice", account.platform, account.handle))),
            false => found.push(account),
        }
    }
    app.decide(move |decision| edit::add(decision, &who, entry, found)).await
}

/// Changes name, tags, note or the choice of the main connection.
///
/// # Errors
/// No influencer of that name, or a value that cannot be stored.
pub async fn edit(app: &App, who: Who, named: String, edit: InfluencerEdit) -> Result<InfluencerId, RosterError> {
    app.decide(move |decision| edit::edit(decision, &who, &named, &edit)).await
}

/// Removes an influencer with all connections and their history, and returns what was removed.
///
/// # Errors
/// No influencer of that name.
pub async fn remove(app: &App, who: Who, named: String) -> Result<roster_protocol::Influencer, RosterError> {
    let seen = app.seen();
    let removed = app.decide(move |decision| erase::remove(decision, &who, &named, seen)).await?;
    app.consents.wake.notify_one();
    Ok(removed)
}
