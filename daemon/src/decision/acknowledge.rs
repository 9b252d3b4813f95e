//! Alerts that a user has seen.

use std::collections::BTreeSet;

use roster_protocol::alert::AlertState;
use roster_protocol::audit::Who;
use roster_protocol::ids::AlertId;

use super::Decision;
use super::audit::audit;
use crate::model::Alert;

/// Acknowledges those that are open; the others stay as they are.
pub fn acknowledge(decision: &mut Decision<'_>, who: &Who, alerts: &[AlertId]) {
    let alerts: BTreeSet<&AlertId> = alerts.iter().collect();
    let known = alerts.into_iter().filter_map(|id| decision.roster.alert(*id));
    for alert in known.filter(|alert| alert.state == AlertState::Open) {
        decision.log(audit(decision, who, "alert.acknowledge", format!("{} {}", alert.id, alert.why)));
        decision.commit.alerting.alerts.push(Alert {
            state: AlertState::Acknowledged,
            ended_at: Some(decision.now),
            acknowledged_by: Some(named(who)),
            acknowledged_at: Some(decision.now),
            ..alert.clone()
        });
    }
}

fn named(who: &Who) -> String {
    if who.name.is_empty() { format!("uid {}", who.uid) } else { who.name.clone() }
}
