//! One alert for each metric that a platform reports no more.

use roster_protocol::alert::About;
use roster_protocol::rule::Happening;
use roster_protocol::time::Timestamp;

use super::{Decision, alerting};
use crate::alerts::change::Difference;
use crate::alerts::evaluate::{Opening, Steps, resolved};
use crate::model::Alert;
use crate::roster::{Roster, Withdrawn};

/// Whether the alerts are not those of the metrics that are withdrawn.
pub fn is_outdated(roster: &Roster, now: Timestamp) -> bool {
    let withdrawn = roster.withdrawn(now);
    withdrawn.iter().any(|it| !is_reported(roster, it)) || roster.withdrawal_alerts().any(|it| is_over(&withdrawn, it))
}

/// Opens and resolves alerts so that they are.
pub fn follow(decision: &mut Decision<'_>) {
    let (roster, now) = (decision.roster, decision.now);
    let withdrawn = roster.withdrawn(now);
    let over = roster.withdrawal_alerts().filter(|alert| is_over(&withdrawn, alert));
    let resolve = over.map(|alert| resolved(alert, now)).collect();
    alerting::take_about(decision, &About::Daemon, Steps { open: Vec::new(), resolve });
    for it in withdrawn.iter().filter(|it| !is_reported(roster, it)) {
        let name = roster.platforms.get(&it.platform).map_or(it.platform.as_str(), |known| known.platform.info().name);
        let why = format!("{name} no longer reports {}, since {}", it.metric.label(), decision.grid.date_of(it.since));
        let about = Some(Difference { metric: it.metric, from: None, to: None });
        let Some(rule) = alerting::rule_on_platform(roster, Happening::MetricWithdrawn, Some(&it.platform)) else {
            continue;
        };
        let open = Opening { about, ..Opening::of(rule, why) };
        let platform = About::Platform(it.platform.clone());
        alerting::take_about(decision, &platform, Steps { open: vec![open], resolve: Vec::new() });
    }
}

fn is_about(alert: &Alert, it: &Withdrawn) -> bool {
    alert.metric == Some(it.metric) && alert.about == About::Platform(it.platform.clone())
}

fn is_reported(roster: &Roster, it: &Withdrawn) -> bool {
    roster.withdrawal_alerts().any(|alert| is_about(alert, it))
}

fn is_over(withdrawn: &[Withdrawn], alert: &Alert) -> bool {
    !withdrawn.iter().any(|it| is_about(alert, it))
}
