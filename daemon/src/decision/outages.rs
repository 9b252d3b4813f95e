//! Alerts about platforms that are down, one for each platform or host. Our own outage opens none: nothing is wrong with
//! a platform, and an alert would not leave this host.

use std::collections::HashSet;

use roster_protocol::alert::{About, Severity};

use super::{Decision, run};
use crate::alerts::evaluate::{Opening, PLATFORM_DOWN, Steps, resolved};
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
    run::take_steps_about(decision, &About::Daemon, Steps { open: Vec::new(), resolve });
    for (lane, outage) in unreported(roster) {
        let why = alert_reason(outage);
        let open = Opening { rule: PLATFORM_DOWN, severity: Severity::Warning, about: None, why };
        let about = About::Platform(lane.to_owned());
        run::take_steps_about(decision, &about, Steps { open: vec![open], resolve: Vec::new() });
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
