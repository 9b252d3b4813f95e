//! What a user has read of the alerts.

use std::collections::BTreeMap;

use roster_protocol::audit::Who;
use roster_protocol::ids::AlertId;

use super::Decision;
use crate::model::{Alert, ReadMarks};

/// Records that a user has read these alerts, and those that they include; `None`: all there are. Those that are over are
/// forgotten: they need no reader.
pub fn read(decision: &mut Decision<'_>, who: &Who, alerts: Option<&[AlertId]>) {
    let (roster, now) = (decision.roster, decision.now);
    let Some(alerts) = alerts else {
        let marks = ReadMarks { uid: who.uid, up_to: roster.last_alert, at: now, read: BTreeMap::new() };
        decision.commit.alerting.read_marks = Some(marks);
        return;
    };
    let before = roster.read_marks.get(&who.uid).cloned().unwrap_or_else(|| ReadMarks::none(who.uid));
    let mut marks = before.clone();
    for alert in alerts.iter().filter_map(|id| roster.alert(*id)) {
        marks.read.insert(alert.number, now);
        if alert.members > 0 {
            let members = roster.alerts.values().filter(|member: &&Alert| member.group == Some(alert.id));
            marks.read.extend(members.map(|member| (member.number, now)));
        }
    }
    marks.read.retain(|number, _| roster.alerts.contains_key(number));
    if marks != before {
        decision.commit.alerting.read_marks = Some(marks);
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use roster_protocol::alert::{About, AlertState};
    use roster_protocol::metric::Ratio;
    use roster_protocol::time::{Seconds, Timestamp};

    use super::*;
    use crate::decision::Dice;
    use crate::model::Commit;
    use crate::roster::Roster;
    use crate::roster::samples::{NOON, alert, roster};
    use crate::schedule::Grid;

    fn who(uid: u32, name: &str) -> Who {
        Who { uid, name: name.to_owned() }
    }

    fn with(alerts: Vec<Alert>) -> Roster {
        let mut roster = roster();
        let mut commit = Commit::default();
        commit.alerting.alerts = alerts;
        roster.apply(&commit);
        roster
    }

    fn reads(roster: &mut Roster, who: &Who, alerts: Option<&[AlertId]>, at: Timestamp) {
        let grid = Grid { zone: TimeZone::UTC, daily: None, interval: Seconds(3600) };
        let mut dice = Dice(fastrand::Rng::with_seed(7));
        let mut decision = Decision::new(roster, &grid, Ratio(100_000), at, &mut dice);
        read(&mut decision, who, alerts);
        let commit = decision.commit;
        roster.apply(&commit);
    }

    fn unread(roster: &Roster, who: &Who) -> Vec<u64> {
        roster.unread(who, NOON).collect()
    }

    #[test]
    fn each_user_has_marks_of_their_own() {
        let open = |number| alert(number, AlertState::Open, About::Daemon);
        let mut roster = with(vec![open(1), open(2), alert(3, AlertState::Acknowledged, About::Daemon)]);
        let (ana, ben) = (who(1000, "ana"), who(1001, "ben"));
        reads(&mut roster, &ana, Some(&[open(2).id]), NOON);
        assert_eq!((unread(&roster, &ana), unread(&roster, &ben)), (vec![1], vec![1, 2]));
        reads(&mut roster, &ana, None, NOON);
        assert_eq!((unread(&roster, &ana), unread(&roster, &ben)), (vec![], vec![1, 2]));
        let mut commit = Commit::default();
        commit.alerting.alerts = vec![open(4), alert(1, AlertState::Resolved, About::Daemon)];
        roster.apply(&commit);
        assert_eq!((unread(&roster, &ana), unread(&roster, &ben)), (vec![4], vec![2, 4]), "what is over is read");
    }

    #[test]
    fn what_a_colleague_assigns_is_unread_again() {
        let later = NOON.plus_seconds(60);
        let of_ben = |at| Alert {
            assigned_to: Some("ben".to_owned()),
            assigned_at: Some(at),
            silenced: true,
            ..alert(1, AlertState::Open, About::Daemon)
        };
        let (ana, ben) = (who(1000, "ana"), who(1001, "ben"));
        let mut roster = with(vec![of_ben(NOON)]);
        assert_eq!((unread(&roster, &ana), unread(&roster, &ben)), (vec![], vec![1]), "silence is broken for one only");
        reads(&mut roster, &ben, None, NOON);
        assert!(unread(&roster, &ben).is_empty());
        let mut roster = with(vec![of_ben(later)]);
        reads(&mut roster, &ben, None, NOON);
        assert_eq!(unread(&roster, &ben), [1]);
        reads(&mut roster, &ben, Some(&[of_ben(later).id]), later);
        assert!(unread(&roster, &ben).is_empty());
    }

    #[test]
    fn a_group_is_read_with_its_members() {
        let group = Alert { members: 2, ..alert(1, AlertState::Open, About::Platform("bluesky".to_owned())) };
        let member = |number| Alert { group: Some(group.id), ..alert(number, AlertState::Open, About::Daemon) };
        let ana = who(1000, "ana");
        let mut roster = with(vec![group.clone(), member(2), member(3)]);
        assert_eq!(unread(&roster, &ana), [1]);
        reads(&mut roster, &ana, Some(&[group.id]), NOON);
        assert_eq!(roster.read_marks[&1000].read.len(), 3);
        assert!(unread(&roster, &ana).is_empty());
    }
}
