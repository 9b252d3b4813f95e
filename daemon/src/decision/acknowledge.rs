//! Alerts that a user has seen, and who takes care of them.

use std::collections::BTreeSet;

use roster_protocol::alert::AlertState;
use roster_protocol::audit::Who;
use roster_protocol::error::{ErrorKind, RosterError};
use roster_protocol::ids::AlertId;

use super::audit::audit;
use super::checks::{checked_note, checked_user};
use super::{Decision, deliveries, reading, undo};
use crate::model::{Alert, AuditLine, On, UndoableChange};

/// Acknowledges those that are open, and notes something on them and on those that are acknowledged already; the others
/// stay as they are.
///
/// # Errors
/// A note that cannot be stored.
pub fn acknowledge(
    decision: &mut Decision<'_>,
    who: &Who,
    alerts: &[AlertId],
    note: Option<&str>,
) -> Result<(), RosterError> {
    let note = note.map(checked_note).transpose()?.flatten();
    reading::read(decision, who, Some(alerts));
    let alerts: BTreeSet<&AlertId> = alerts.iter().collect();
    let mut opened = Vec::new();
    for alert in alerts.into_iter().filter_map(|id| decision.roster.alert(*id)) {
        match alert.state {
            AlertState::Open => {
                acknowledge_one(decision, who, alert, note.as_ref());
                opened.push(alert.id);
            }
            AlertState::Acknowledged => note_on(decision, who, alert, note.as_ref()),
            AlertState::Resolved => {}
        }
    }
    if !opened.is_empty() {
        undo::remember(decision, who, UndoableChange::Acknowledged(opened));
    }
    Ok(())
}

/// Makes acknowledged alerts open again, with what would escalate them.
pub fn reopen(decision: &mut Decision<'_>, who: &Who, alerts: &[AlertId]) {
    for alert in alerts.iter().filter_map(|id| decision.roster.alert(*id)) {
        let line = audit(decision, who, "alert.reopen", named(alert));
        decision.log(AuditLine { old: alert.note.clone(), ..line });
        let open = Alert {
            state: AlertState::Open,
            ended_at: None,
            acknowledged_by: None,
            acknowledged_at: None,
            note: None,
            ..alert.clone()
        };
        deliveries::escalate(decision, &open);
        decision.commit.alerting.alerts.push(open);
    }
}

fn acknowledge_one(decision: &mut Decision<'_>, who: &Who, alert: &Alert, note: Option<&String>) {
    let line = AuditLine { new: note.cloned(), ..audit(decision, who, "alert.acknowledge", named(alert)) };
    decision.log(line);
    decision.commit.alerting.alerts.push(Alert {
        state: AlertState::Acknowledged,
        ended_at: Some(decision.now),
        acknowledged_by: Some(who.user()),
        acknowledged_at: Some(decision.now),
        note: note.cloned(),
        ..alert.clone()
    });
}

fn note_on(decision: &mut Decision<'_>, who: &Who, alert: &Alert, note: Option<&String>) {
    let Some(note) = note.filter(|note| alert.note.as_ref() != Some(note)) else { return };
    let line = audit(decision, who, "alert.note", named(alert));
    decision.log(AuditLine { old: alert.note.clone(), new: Some(note.clone()), ..line });
    decision.commit.alerting.alerts.push(Alert { note: Some(note.clone()), ..alert.clone() });
}

/// Says which user takes care of an alert; `None`: no user does.
///
/// # Errors
/// What is no user's name; an alert that is resolved.
pub fn assign(decision: &mut Decision<'_>, who: &Who, alert: AlertId, user: Option<&str>) -> Result<(), RosterError> {
    let user = user.map(checked_user).transpose()?;
    let Some(alert) = decision.roster.alert(alert) else {
        return Err(RosterError::new(ErrorKind::Conflict, format!("alert {alert} is resolved already"))
            .hint("`roster alerts` shows those that are not"));
    };
    if alert.assigned_to == user {
        return Ok(());
    }
    let line = audit(decision, who, "alert.assign", named(alert));
    decision.log(AuditLine { old: alert.assigned_to.clone(), new: user.clone(), ..line });
    reading::read(decision, who, Some(&[alert.id]));
    let assigned_at = user.as_ref().map(|_| decision.now);
    decision.commit.alerting.alerts.push(Alert { assigned_to: user, assigned_at, ..alert.clone() });
    Ok(())
}

fn named(alert: &Alert) -> On {
    On { what: alert.id.to_string(), name: Some(alert.why.clone()), influencer: alert.about.influencer() }
}
