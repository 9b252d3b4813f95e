//! Alerts about platforms that are down, one for each platform or host. Our own outage opens none: nothing is wrong with
//! a platform, and an alert would not leave this host.

use std::collections::HashSet;

use roster_protocol::alert::About;
use roster_protocol::rule::Happening;

use super::{Decision, alerting};
use crate::alerts::evaluate::{Opening, Steps, resolved};
use crate::model::Alert;
use crate::roster::Roster;
use crate::roster::outages::alert_reason;
use crate::schedule::breaker::Outage;

/// Whether the alerts are not those of the lanes that are down.
pub fn is_outdated(roster: &Roster) -> bool {
    unreported(roster).next().is_some() || ended(roster).next().is_some()
}

/// Opens and resolves alerts so that they are.
pub fn follow(decision: &mut Decision<'_>) {
    let roster = decision.roster;
    let resolve = ended(roster).map(|alert| resolved(alert, decision.now)).collect();
    alerting::take_about(decision, &About::Daemon, Steps { open: Vec::new(), resolve });
    for (lane, outage) in unreported(roster) {
        let why = alert_reason(outage);
        let Some(rule) = alerting::rule_on_platform(roster, Happening::PlatformDown, Some(lane)) else { continue };
        let about = About::Platform(lane.to_owned());
        let open = vec![Opening::of(rule, why)];
        alerting::take_about(decision, &about, Steps { open, resolve: Vec::new() });
    }
}

/// The outages that have no alert.
fn unreported(roster: &Roster) -> impl Iterator<Item = (&str, &Outage)> {
    let reported: HashSet<&str> = roster.down_alerts().map(|(lane, _)| lane).collect();
    roster.breaker.outages().filter(move |(lane, outage)| !outage.is_ours && !reported.contains(lane))
}

/// The alerts about lanes that are up again, or that nothing uses.
fn ended(roster: &Roster) -> impl Iterator<Item = &Alert> {
    let is_over = |lane: &str| roster.breaker.outage(lane).is_none();
    roster.down_alerts().filter(move |(lane, _)| is_over(lane)).map(|(_, alert)| alert)
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

    fn alert_about(lane: &str) -> Commit {
        let alert = samples::alert(1, AlertState::Open, About::Platform(lane.to_owned()));
        let alerts = vec![Alert { rule: "platform-down".to_owned(), ..alert }];
        Commit { alerting: AlertingCommit { alerts, ..AlertingCommit::default() }, ..Commit::default() }
    }

    /// What is opened and resolved, after which nothing is outdated any more.
    fn followed(down: &[&str], alert: Option<&str>) -> Vec<(String, AlertState)> {
        let mut roster = samples::roster();
        alert.iter().for_each(|lane| roster.apply(&alert_about(lane)));
        down.iter().for_each(|lane| roster.breaker.reopen(lane, NOON, "no response".to_owned()));
        let grid = Grid { zone: TimeZone::UTC, daily: None, interval: Seconds(3600) };
        let mut dice = Dice(fastrand::Rng::with_seed(7));
        let mut decision = Decision::new(&roster, &grid, Ratio(100_000), NOON, &mut dice);
        follow(&mut decision);
        let commit = decision.commit;
        assert_eq!(is_outdated(&roster), !commit.alerting.alerts.is_empty());
        roster.apply(&commit);
        assert!(!is_outdated(&roster));
        let of = |alert: &Alert| match &alert.about {
            About::Platform(lane) => (lane.clone(), alert.state),
            other => panic!("{other:?}"),
        };
        commit.alerting.alerts.iter().map(of).collect()
    }

    #[test]
    fn each_lane_that_is_down_has_one_alert_and_no_other_lane_has() {
        let state = |lane: &str, state| vec![(lane.to_owned(), state)];
        assert_eq!(followed(&[], None), []);
        assert_eq!(followed(&["bluesky"], None), state("bluesky", AlertState::Open));
        assert_eq!(followed(&["bluesky"], Some("bluesky")), []);
        assert_eq!(followed(&[], Some("bluesky")), state("bluesky", AlertState::Resolved));
        let both = [("youtube".to_owned(), AlertState::Resolved), ("bluesky".to_owned(), AlertState::Open)];
        assert_eq!(followed(&["bluesky"], Some("youtube")), both);
    }
}
