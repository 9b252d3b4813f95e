//! Alerts about the daemon itself: of each event one, which lasts as long as what is wrong. Pure.

use roster_protocol::alert::About;
use roster_protocol::rule::{Happening, Rule};

use super::{Decision, alerting, deliveries};
use crate::alerts::evaluate::{Opening, Steps, is_on, resolved};
use crate::model::{Alert, Delivery};
use crate::roster::Roster;

/// Whether an alert is to be opened or resolved.
pub fn is_outdated(roster: &Roster, event: Happening, is_wrong: bool) -> bool {
    let is_due = is_wrong && rule(roster, event).is_some();
    is_due != standing(roster, event).is_some()
}

/// Opens an alert that says what is wrong, unless there is one, or resolves it when nothing is.
pub fn follow(decision: &mut Decision<'_>, event: Happening, wrong: Option<String>) {
    let roster = decision.roster;
    let mut steps = Steps::default();
    match (wrong.zip(rule(roster, event)), standing(roster, event)) {
        (Some((why, rule)), None) => steps.open.push(Opening::of(rule, why)),
        (None, Some(alert)) => steps.resolve.push(resolved(alert, decision.now)),
        _ => return,
    }
    alerting::take_about(decision, &About::Daemon, steps);
}

/// Records that the store could not be written until now, with the alert that said so from memory. It is delivered as one
/// that opened and one that ended; `shown` is the delivery on a desktop that has shown it.
pub fn was_unwritable(decision: &mut Decision<'_>, alert: &Alert, reason: &str, shown: Option<&Delivery>) {
    let roster = decision.roster;
    let known = roster.alerts.values().find(|known| known.id == alert.id);
    let number = known.map_or(roster.last_alert + 1, |known| known.number);
    let [from, to] = [alert.opened_at, decision.now].map(|at| at.to_jiff().to_zoned(decision.grid.zone.clone()));
    let format = if from.date() == to.date() { "%H:%M" } else { "%Y-%m-%d %H:%M" };
    let (from, to, zone) = (from.strftime(format), to.strftime(format), to.strftime("%Z"));
    let why = format!("the store could not be written from {from} to {to} {zone}: {reason}");
    let past = Alert { number, why, ..resolved(known.unwrap_or(alert), decision.now) };
    if !past.silenced {
        deliveries::queue_past(decision, &past, shown);
    }
    decision.commit.alerting.alerts.push(past);
}

/// The alert about an event at the daemon that is not resolved.
pub fn standing(roster: &Roster, event: Happening) -> Option<&Alert> {
    let mut own = roster.alerts.values().filter(|alert| alert.about == About::Daemon);
    own.find(|alert| is_on(&roster.rules, alert, event))
}

fn rule(roster: &Roster, event: Happening) -> Option<&Rule> {
    alerting::rule_on_platform(roster, event, None)
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use roster_protocol::alert::AlertState;
    use roster_protocol::metric::Ratio;
    use roster_protocol::time::Seconds;

    use super::*;
    use crate::decision::Dice;
    use crate::model::{AlertingCommit, Commit};
    use crate::roster::samples::{self, NOON};
    use crate::schedule::Grid;

    /// What is opened and resolved when this is wrong and an alert is as it is; afterwards nothing is outdated.
    fn followed(wrong: Option<&str>, state: Option<AlertState>, is_enabled: bool) -> Vec<(AlertState, String)> {
        let mut roster = samples::roster();
        if !is_enabled {
            let rule = roster.rules.get("listener").expect("it is built in").rule.clone();
            roster.know_rules(vec![Rule { enabled: false, ..rule }]);
        }
        let before = state.map(|state| Alert {
            rule: "listener".to_owned(),
            why: "before".to_owned(),
            ..samples::alert(1, state, About::Daemon)
        });
        let alerts = Vec::from_iter(before);
        let alerting = AlertingCommit { alerts, ..AlertingCommit::default() };
        roster.apply(&Commit { alerting, ..Commit::default() });
        let grid = Grid { zone: TimeZone::UTC, daily: None, interval: Seconds(3600) };
        let mut dice = Dice(fastrand::Rng::with_seed(7));
        let mut decision = Decision::new(&roster, &grid, Ratio(100_000), NOON, &mut dice);
        follow(&mut decision, Happening::Listener, wrong.map(str::to_owned));
        let commit = decision.commit;
        assert_eq!(is_outdated(&roster, Happening::Listener, wrong.is_some()), !commit.alerting.alerts.is_empty());
        roster.apply(&commit);
        assert!(!is_outdated(&roster, Happening::Listener, wrong.is_some()));
        commit.alerting.alerts.into_iter().map(|alert| (alert.state, alert.why)).collect()
    }

    #[test]
    fn an_outage_of_the_store_is_recorded_from_its_begin_to_its_end() {
        let check = |hours: i64, expected: &str| {
            let mut roster = samples::roster();
            roster.last_alert = 7;
            let alert = Alert {
                rule: "store".to_owned(),
                opened_at: NOON.plus_seconds(-hours * 3600),
                ..samples::alert(5, AlertState::Open, About::Daemon)
            };
            let grid = Grid { zone: TimeZone::UTC, daily: None, interval: Seconds(3600) };
            let mut dice = Dice(fastrand::Rng::with_seed(7));
            let mut decision = Decision::new(&roster, &grid, Ratio(100_000), NOON, &mut dice);
            was_unwritable(&mut decision, &alert, "no space", None);
            let [past] = &decision.commit.alerting.alerts[..] else { panic!("one alert") };
            assert_eq!(
                (past.number, past.id, past.state, past.ended_at),
                (8, alert.id, AlertState::Resolved, Some(NOON))
            );
            assert_eq!((past.opened_at, past.why.as_str()), (alert.opened_at, expected));
        };
        check(1, "the store could not be written from 11:00 to 12:00 UTC: no space");
        check(24, "the store could not be written from 2026-11-20 12:00 to 2026-11-21 12:00 UTC: no space");
    }

    #[test]
    fn what_is_wrong_with_the_daemon_is_said_once_and_taken_back() {
        use AlertState::{Acknowledged, Open, Resolved};
        let one = |state, why: &str| vec![(state, why.to_owned())];
        assert_eq!(followed(None, None, true), []);
        assert_eq!(followed(Some("now"), None, true), one(Open, "now"));
        assert_eq!(followed(Some("now"), Some(Open), true), []);
        assert_eq!(followed(Some("now"), Some(Acknowledged), true), []);
        assert_eq!(followed(Some("now"), Some(Resolved), true), one(Open, "now"));
        assert_eq!(followed(None, Some(Acknowledged), true), one(Resolved, "before"));
        // A rule that is off opens none, and takes its own back.
        assert_eq!(followed(Some("now"), None, false), []);
        assert_eq!(followed(Some("now"), Some(Open), false), one(Resolved, "before"));
    }
}
