//! Calls about silences.

use roster_protocol::error::RosterError;
use roster_protocol::silence::{ListedSilence, NewSilence};

use super::Caller;
use crate::edits::silencing;
use crate::roster::rows;

pub async fn silences(caller: &Caller) -> Result<Vec<ListedSilence>, RosterError> {
    let now = caller.app.clock.now();
    Ok(caller.app.look(|roster| {
        let lasting = roster.silences.values().filter(|silence| silence.until > now);
        let mut listed: Vec<ListedSilence> = lasting.map(|silence| rows::silence(roster, silence)).collect();
        listed.sort_by_key(|listed| (listed.silence.until, listed.silence.id));
        listed
    }))
}

pub async fn add(caller: &Caller, new: NewSilence) -> Result<ListedSilence, RosterError> {
    let id = caller.own(|app, who| async move { silencing::add(&app, who, new).await }).await?;
    let added = caller.app.look(|roster| roster.silences.get(&id).map(|silence| rows::silence(roster, silence)));
    added.ok_or_else(|| RosterError::not_found("the silence is over already"))
}

pub async fn end(caller: &Caller, id: String) -> Result<ListedSilence, RosterError> {
    let ended = caller.own(|app, who| async move { silencing::end(&app, who, id).await }).await?;
    Ok(caller.app.look(|roster| rows::silence(roster, &ended)))
}
