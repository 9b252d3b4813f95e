//! Calls about influencers.

use roster_protocol::erasure::{ErasedPage, Erasure};
use roster_protocol::error::RosterError;
use roster_protocol::held::HeldPage;
use roster_protocol::influencer::{
    Influencer, InfluencerEdit, InfluencerPage, InfluencerQuery, InfluencerRow, NewInfluencer,
};
use roster_protocol::mover::{Mover, MoversQuery};
use roster_protocol::service::PAGE_ROWS;
use roster_protocol::undo::Undone;

use super::Caller;
use crate::browse::{held, movers, orders};
use crate::roster::{resolve, rows};
use crate::{edits, erasing};

pub async fn influencers(caller: &Caller, query: InfluencerQuery) -> Result<InfluencerPage, RosterError> {
    let seen = caller.app.seen();
    caller.app.look(|roster| orders::page(roster, &query, seen))
}

pub async fn influencer(caller: &Caller, named: String) -> Result<Influencer, RosterError> {
    let id = caller.app.look(|roster| resolve::influencer(roster, &named).map(|found| found.id))?;
    caller.influencer(id)
}

pub async fn namesakes(caller: &Caller, name: String) -> Result<Vec<InfluencerRow>, RosterError> {
    let seen = caller.app.seen();
    Ok(caller.app.look(|roster| {
        let found = resolve::namesakes(roster, &name).take(PAGE_ROWS as usize);
        found.map(|influencer| rows::row(roster, influencer, seen)).collect()
    }))
}

pub async fn movers(caller: &Caller, query: MoversQuery) -> Result<Vec<Mover>, RosterError> {
    let seen = caller.app.seen();
    let today = caller.app.setup().config.sync.grid.date_of(seen.now);
    caller.app.look(|roster| movers::page(roster, &query, today, seen))
}

pub async fn add(caller: &Caller, new: NewInfluencer) -> Result<Influencer, RosterError> {
    let id = caller.own(|app, who| async move { edits::influencers::add(&app, who, new).await }).await?;
    caller.influencer(id)
}

pub async fn edit(caller: &Caller, named: String, edit: InfluencerEdit) -> Result<Influencer, RosterError> {
    let id = caller.own(|app, who| async move { edits::influencers::edit(&app, who, named, edit).await }).await?;
    caller.influencer(id)
}

pub async fn remove(caller: &Caller, named: String) -> Result<Influencer, RosterError> {
    caller.own(|app, who| async move { edits::influencers::remove(&app, who, named).await }).await
}

pub async fn merge(caller: &Caller, named: String, into: String) -> Result<Influencer, RosterError> {
    let id = caller.own(|app, who| async move { edits::merging::merge(&app, who, named, into).await }).await?;
    caller.influencer(id)
}

pub async fn erase_preview(caller: &Caller, named: String) -> Result<Erasure, RosterError> {
    erasing::preview(&caller.app, &named).await
}

pub async fn erase(caller: &Caller, named: String) -> Result<Erasure, RosterError> {
    caller.own(|app, who| async move { erasing::erase(&app, who, named).await }).await
}

pub async fn erased(caller: &Caller, from: u64) -> Result<ErasedPage, RosterError> {
    Ok(caller.app.look(|roster| erasing::list::part(roster, from)))
}

pub async fn undo(caller: &Caller) -> Result<Option<Undone>, RosterError> {
    caller.own(|app, who| async move { edits::undoing::undo(&app, who).await }).await
}

pub async fn held(caller: &Caller, named: String, mark: Option<Vec<u8>>) -> Result<HeldPage, RosterError> {
    held::page(&caller.app, &caller.who, &named, mark).await
}
