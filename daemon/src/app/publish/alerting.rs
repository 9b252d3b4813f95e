//! Alerts: what is published of them.

use roster_protocol::event::Event;

use crate::model::AlertingCommit;
use crate::roster::{Roster, rows};

pub fn events(commit: &AlertingCommit, roster: &Roster, events: &mut Vec<Event>) {
    events.extend(commit.alerts.iter().map(|alert| Event::AlertChanged(Box::new(rows::alert(roster, alert)))));
}

/// Whether deliveries changed, or an alert that one may be about.
pub fn wakes(commit: &AlertingCommit) -> bool {
    !(commit.alerts.is_empty() && commit.deliveries.is_empty() && commit.dropped.is_empty())
}
