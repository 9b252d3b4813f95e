//! Alerts that open at about the same time become one notice. Pure: the time is an argument.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use roster_protocol::{Alert, AlertId};

/// How long after the first alert others count as the same burst.
const BURST: Duration = Duration::from_millis(500);
/// Between two notices, so that the bell does not ring every second.
const DISTANCE: Duration = Duration::from_secs(5);

/// The alerts of the next notice.
#[derive(Debug, Default)]
pub struct Gathered {
    /// In the order of opening, and when the first of them arrived.
    waiting: Vec<Alert>,
    since: Option<Instant>,
    noticed_at: Option<Instant>,
    /// Open alerts that were gathered before.
    known: HashSet<AlertId>,
}

impl Gathered {
    /// Takes an alert that changed. One that is over before its notice needs none, and so does one whose group has one, or
    /// that is silenced.
    pub fn changed(&mut self, alert: &Alert, now: Instant) {
        if !alert.is_news() {
            self.known.remove(&alert.id);
            self.waiting.retain(|waiting| waiting.id != alert.id);
        } else if self.known.insert(alert.id) {
            self.since = self.since.filter(|_| !self.waiting.is_empty()).or(Some(now));
            self.waiting.push(alert.clone());
        } else if let Some(waiting) = self.waiting.iter_mut().find(|waiting| waiting.id == alert.id) {
            waiting.clone_from(alert);
        }
    }

    /// When the next notice is due; `None` when there is nothing to say.
    pub fn due(&self) -> Option<Instant> {
        let since = self.since.filter(|_| !self.waiting.is_empty())?;
        let next = self.noticed_at.map(|at| at + DISTANCE);
        Some((since + BURST).max(next.unwrap_or(since)))
    }

    /// The alerts of the notice that is due.
    pub fn take(&mut self, now: Instant) -> Option<Vec<Alert>> {
        self.due().filter(|due| *due <= now)?;
        self.noticed_at = Some(now);
        self.since = None;
        Some(std::mem::take(&mut self.waiting))
    }
}

#[cfg(test)]
mod tests {
    use roster_protocol::AlertState;
    use roster_protocol::alert::Silenced;

    use super::*;
    use crate::samples;

    fn alert(number: u8, state: AlertState) -> Alert {
        Alert { id: AlertId::from_bytes([number; 5]), state, ..samples::alert() }
    }

    #[test]
    fn a_burst_is_one_notice_and_the_next_keeps_its_distance() {
        let begun = Instant::now();
        let at = |millis: u64| begun + Duration::from_millis(millis);
        let mut gathered = Gathered::default();
        assert_eq!((gathered.due(), gathered.take(at(0))), (None, None));
        for number in 0..40 {
            gathered.changed(&alert(number, AlertState::Open), at(u64::from(number) * 10));
        }
        assert_eq!((gathered.due(), gathered.take(at(499))), (Some(at(500)), None));
        assert_eq!(gathered.take(at(510)).map(|alerts| alerts.len()), Some(40));
        gathered.changed(&alert(50, AlertState::Open), at(600));
        assert_eq!(gathered.due(), Some(at(5_510)));
        assert_eq!(gathered.take(at(5_510)).map(|alerts| alerts.len()), Some(1));
        gathered.changed(&alert(51, AlertState::Open), at(20_000));
        assert_eq!(gathered.due(), Some(at(20_500)));
    }

    #[test]
    fn each_alert_is_noticed_once_and_one_that_is_over_never() {
        let begun = Instant::now();
        let later = begun + Duration::from_secs(60);
        let mut gathered = Gathered::default();
        gathered.changed(&alert(1, AlertState::Open), begun);
        gathered.changed(&alert(1, AlertState::Acknowledged), begun);
        assert_eq!(gathered.due(), None);
        gathered.changed(&alert(2, AlertState::Open), begun);
        gathered.changed(&Alert { why: "it grew".into(), ..alert(2, AlertState::Open) }, begun);
        let member = Alert { group: Some(AlertId::from_bytes([9; 5])), ..alert(3, AlertState::Open) };
        gathered.changed(&member, begun);
        let until = Some(samples::alert().opened_at);
        for silenced in [Silenced { at_opening: true, until: None }, Silenced { at_opening: false, until }] {
            gathered.changed(&Alert { silenced, ..alert(4, AlertState::Open) }, begun);
        }
        let taken = gathered.take(later).expect("one");
        assert_eq!(taken.iter().map(|alert| alert.why.as_str()).collect::<Vec<_>>(), ["it grew"]);
        gathered.changed(&alert(2, AlertState::Open), later);
        assert_eq!(gathered.due(), None, "it is known");
        gathered.changed(&alert(2, AlertState::Resolved), later);
        assert_eq!(gathered.due(), None);
    }
}
