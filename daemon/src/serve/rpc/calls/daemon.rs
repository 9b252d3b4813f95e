//! Calls about the daemon itself: its state, its log, its platforms, its audit log.

use roster_protocol::access::Access;
use roster_protocol::audit::{AuditCheck, AuditEntry};
use roster_protocol::consent::PlatformCheck;
use roster_protocol::doctor::Examination;
use roster_protocol::error::RosterError;
use roster_protocol::retention::Retention;
use roster_protocol::service::{AuditQuery, Page};
use roster_protocol::status::{Budget, DayFigures, PlatformStatus, Status};
use roster_protocol::stored::StoreCheck;

use super::super::access;
use super::Caller;
use crate::app::read_error;
use crate::browse::{self, budgets, figures, lists, overview};
use crate::{consent, doctor, edits};

pub async fn status(caller: &Caller) -> Result<Status, RosterError> {
    let status = overview::status(&caller.app, Some(&caller.who)).await;
    Ok(Status { role: Some(caller.role()), ..status })
}

pub async fn figures(caller: &Caller, days: u64) -> Result<Vec<DayFigures>, RosterError> {
    figures::of_last(&caller.app, days).await
}

pub async fn log_level(caller: &Caller, level: Option<String>) -> Result<String, RosterError> {
    caller.own(|app, who| async move { edits::logging::log_level(&app, who, level).await }).await
}

pub async fn retention(caller: &Caller, counts: bool) -> Result<Retention, RosterError> {
    browse::retention::show(&caller.app, counts).await
}

pub async fn choose_retention(caller: &Caller) -> Result<Retention, RosterError> {
    caller.own(|app, who| async move { edits::retention::choose(&app, who).await }).await?;
    browse::retention::show(&caller.app, false).await
}

pub async fn platforms(caller: &Caller) -> Result<Vec<PlatformStatus>, RosterError> {
    Ok(overview::platforms(&caller.app))
}

pub async fn budgets(caller: &Caller) -> Result<Vec<Budget>, RosterError> {
    let seen = caller.app.seen();
    Ok(caller.app.look(|roster| budgets::all(roster, seen)))
}

pub async fn test_platform(caller: &Caller, platform: String) -> Result<Vec<PlatformCheck>, RosterError> {
    let work = caller.own(|app, who| async move {
        let checks = consent::setup::test(&app, &platform).await?;
        let wrong = checks.iter().filter(|check| check.ok == Some(false)).count();
        let result = if wrong == 0 { "nothing is wrong".to_owned() } else { format!("{wrong} checks failed") };
        app.note(&who, "platform.test", format!("platform {platform}"), result).await;
        Ok(checks)
    });
    work.await
}

pub async fn check_store(caller: &Caller) -> Result<StoreCheck, RosterError> {
    let found = caller.app.store.inspect_in_use().await.map_err(|error| read_error(&error))?;
    let result = if found.is_whole() { "whole" } else { "damaged" };
    caller.app.note(&caller.who, "store.check", "store", result).await;
    Ok(found.into())
}

pub async fn examine(caller: &Caller) -> Result<Examination, RosterError> {
    let examination = doctor::examine(&caller.app, &caller.outbox, &caller.who).await;
    let result = format!("{} findings", examination.findings.len());
    caller.app.note(&caller.who, "daemon.examine", "rosterd", result).await;
    Ok(examination)
}

pub async fn access(caller: &Caller) -> Result<Access, RosterError> {
    Ok(access::report(&caller.judge, &caller.app, caller.peer, &caller.who).await)
}

pub async fn audit(caller: &Caller, query: AuditQuery) -> Result<Page<AuditEntry>, RosterError> {
    lists::audit(&caller.app, query).await
}

pub async fn verify_audit(caller: &Caller) -> Result<AuditCheck, RosterError> {
    lists::verify_audit(&caller.app).await
}
