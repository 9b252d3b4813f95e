//! Which alerts each user has read.

use roster_protocol::alert::AlertState;
use roster_protocol::audit::Who;
use roster_protocol::time::Timestamp;

use super::Roster;
use crate::model::Alert;

impl Roster {
    /// The alerts that a user has not read, by number.
    pub fn unread(&self, who: &Who, now: Timestamp) -> impl Iterator<Item = u64> {
        let unread = self.alerts.values().filter(move |alert| self.is_unread(who, alert, now));
        unread.map(|alert| alert.number)
    }

    /// Whether a user has not read an alert. What is over needs no reader, and a member of a group is read with it. What a
    /// colleague acknowledged, or a silence is about, is of interest to those only to whom it is assigned.
    pub fn is_unread(&self, who: &Who, alert: &Alert, now: Timestamp) -> bool {
        if alert.state == AlertState::Resolved || alert.group.is_some() {
            return false;
        }
        let is_mine = alert.assigned_to.as_ref() == Some(&who.user());
        let is_cared_for = alert.state == AlertState::Acknowledged;
        let is_silent = || alert.silenced || self.silenced_until(alert, now).is_some();
        match self.read_marks.get(&who.uid).and_then(|marks| marks.read_at(alert.number)) {
            Some(read_at) => is_mine && alert.assigned_at.is_some_and(|at| at > read_at),
            None => is_mine || !(is_cared_for || is_silent()),
        }
    }
}
