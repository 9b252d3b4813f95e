//! Alerts: what is published of them.

use roster_protocol::event::Event;
use roster_protocol::time::Timestamp;

use crate::model::AlertingCommit;
use crate::roster::{Roster, rows};

pub fn events(commit: &AlertingCommit, roster: &Roster, now: Timestamp, events: &mut Vec<Event>) {
    let changed = commit.alerts.iter().map(|alert| Box::new(rows::alert(roster, alert, now)));
    events.extend(changed.map(Event::AlertChanged));
}

/// Whether deliveries changed, or an alert that one may be about.
pub fn wakes(commit: &AlertingCommit) -> bool {
    !(commit.alerts.is_empty() && commit.deliveries.is_empty() && commit.dropped.is_empty())
}
