//! Calls about alert rules.

use roster_protocol::error::RosterError;
use roster_protocol::rule::{Backtest, ListedRule, RuleParts};
use roster_protocol::time::Since;

use super::Caller;
use crate::browse;
use crate::edits::ruling;

pub async fn rules(caller: &Caller) -> Result<Vec<ListedRule>, RosterError> {
    browse::rules::all(&caller.app).await
}

pub async fn add(caller: &Caller, name: String, parts: RuleParts) -> Result<ListedRule, RosterError> {
    let named = name.clone();
    caller.own(|app, who| async move { ruling::add(&app, who, named, parts).await }).await?;
    browse::rules::one(&caller.app, &name).await
}

pub async fn edit(caller: &Caller, name: String, parts: RuleParts) -> Result<ListedRule, RosterError> {
    let named = name.clone();
    caller.own(|app, who| async move { ruling::edit(&app, who, named, parts).await }).await?;
    browse::rules::one(&caller.app, &name).await
}

pub async fn remove(caller: &Caller, name: String) -> Result<(), RosterError> {
    caller.own(|app, who| async move { ruling::remove(&app, who, name).await }).await
}

pub async fn test(
    caller: &Caller,
    name: String,
    parts: RuleParts,
    since: Option<Since>,
) -> Result<Backtest, RosterError> {
    browse::rules::test(&caller.app, &name, &parts, since).await
}
