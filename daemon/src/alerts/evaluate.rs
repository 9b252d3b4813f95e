//! Which alerts about something that happens open and which resolve. Pure.
//!
//! A connection that needs a person, and one that is stale, resolve when it runs again. A consent that ends is said 14 days
//! before, then 7, then one, unless its owner consents again. A platform that is down, or one host of it, resolves when it
//! responds; a metric that a platform reports no more, when it does again; the store's size, when it is small enough.
//! Moves of numbers are in `moves`.

use roster_protocol::alert::{About, AlertState, Explained};
use roster_protocol::ids::AlertId;
use roster_protocol::rule::{Happening, Rule, Severity};
use roster_protocol::time::Timestamp;

use super::change::Difference;
use super::rules::Rules;
use crate::model::Alert;

const DAY_S: i64 = 24 * 3600;
/// How long before a consent's end it alerts, and how urgently; the longest first.
const BEFORE_THE_END: [(i64, Severity); 3] =
    [(14 * DAY_S, Severity::Info), (7 * DAY_S, Severity::Warning), (DAY_S, Severity::Critical)];

/// An alert to be opened; the caller gives it its number and id.
#[derive(Clone, Debug, PartialEq)]
pub struct Opening {
    pub rule: String,
    pub severity: Severity,
    /// The move, or the metric, that it is about.
    pub about: Option<Difference>,
    pub explained: Explained,
    pub why: String,
}

impl Opening {
    /// One that is about no number.
    pub fn of(rule: &Rule, why: String) -> Self {
        let explained = Explained::default();
        Self { rule: rule.name.clone(), severity: rule.severity, about: None, explained, why }
    }
}

/// What happens to alerts at once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Steps {
    pub open: Vec<Opening>,
    /// Alerts that end, as they are afterwards.
    pub resolve: Vec<Alert>,
}

/// Whether an alert is about something that happened.
pub fn is_on(rules: &Rules, alert: &Alert, event: Happening) -> bool {
    rules.is_on(&alert.rule, event)
}

/// The steps of a connection once it ran: it needs no person, and is not stale.
pub fn after_run(rules: &Rules, standing: &[&Alert], now: Timestamp) -> Steps {
    let is_over = |alert: &&&Alert| {
        [Happening::NeedsPerson, Happening::Stale].into_iter().any(|event| is_on(rules, alert, event))
    };
    let resolve = standing.iter().filter(is_over).map(|alert| resolved(alert, now)).collect();
    Steps { open: Vec::new(), resolve }
}

/// Opens an alert about something that happened to a connection, unless there is one. `rule` and why, where both are.
pub fn once(rules: &Rules, event: Happening, happened: Option<(&Rule, String)>, standing: &[&Alert]) -> Steps {
    let is_open = standing.iter().any(|alert| is_on(rules, alert, event));
    let open = happened.filter(|_| !is_open).map(|(rule, why)| Opening::of(rule, why));
    Steps { open: Vec::from_iter(open), resolve: Vec::new() }
}

/// How urgent the end of a consent is by now; `None` where it is far. What had to be said before it was even given is
/// not said: a consent may be for a few days only.
pub fn urgency(given_at: Timestamp, ends_at: Timestamp, now: Timestamp) -> Option<Severity> {
    let said_at = |before: i64| ends_at.plus_seconds(-before);
    let is_due = |(before, _): &&(i64, Severity)| given_at < said_at(*before) && said_at(*before) <= now;
    BEFORE_THE_END.iter().rfind(is_due).map(|(_, severity)| *severity)
}

/// When [`urgency`] rises next.
pub fn next_warning(ends_at: Timestamp, now: Timestamp) -> Option<Timestamp> {
    BEFORE_THE_END.iter().map(|(before, _)| ends_at.plus_seconds(-before)).find(|said_at| *said_at > now)
}

/// The steps of a connection whose consent ends as urgently as this, or not soon; `why` says when.
pub fn before_the_end(
    rules: &Rules,
    rule: Option<&Rule>,
    urgency: Option<Severity>,
    standing: &[&Alert],
    now: Timestamp,
    why: impl FnOnce() -> String,
) -> Steps {
    let of_rule = standing.iter().filter(|alert| is_on(rules, alert, Happening::Token));
    let (said, outdated): (Vec<&Alert>, Vec<&Alert>) = of_rule.partition(|alert| Some(alert.severity) == urgency);
    let opening = |(severity, rule)| Opening { severity, ..Opening::of(rule, why()) };
    let open = urgency.filter(|_| said.is_empty()).zip(rule).map(opening);
    let resolve = outdated.into_iter().map(|alert| resolved(alert, now)).collect();
    Steps { open: Vec::from_iter(open), resolve }
}

/// The alert that an opening becomes.
pub fn opened(opening: Opening, number: u64, id: AlertId, about: About, now: Timestamp) -> Alert {
    Alert {
        number,
        id,
        state: AlertState::Open,
        rule: opening.rule,
        severity: opening.severity,
        about,
        metric: opening.about.map(|about| about.metric),
        from: opening.about.and_then(|about| about.from),
        to: opening.about.and_then(|about| about.to),
        opened_at: now,
        ended_at: None,
        acknowledged_by: None,
        acknowledged_at: None,
        note: None,
        assigned_to: None,
        assigned_at: None,
        group: None,
        members: 0,
        silenced: false,
        explained: opening.explained,
        why: opening.why,
    }
}

/// The alert once Roster has resolved it.
pub fn resolved(alert: &Alert, now: Timestamp) -> Alert {
    Alert { state: AlertState::Resolved, ended_at: Some(now), ..alert.clone() }
}

/// `to ÷ from − 1`; `None` where `from` is 0.
pub fn relative(from: f64, to: f64) -> Option<f64> {
    (from != 0.0).then(|| to / from - 1.0)
}

#[cfg(test)]
mod tests {
    use roster_protocol::ids::{ConnectionId, InfluencerId};
    use roster_protocol::metric::Metric;

    use super::*;
    use crate::model::samples;

    const NEEDS_PERSON: &str = "needs-person";
    const CONSENT_ENDS: &str = "consent-ends";

    fn standing(rule: &str, metric: Option<Metric>) -> Alert {
        let about = About::Connection {
            connection: ConnectionId::from_bytes([0; 5]),
            influencer: InfluencerId::from_bytes([0; 5]),
            platform: "bluesky".into(),
        };
        Alert { state: AlertState::Acknowledged, rule: rule.into(), metric, ..samples::alert(1, about) }
    }

    #[test]
    fn running_again_resolves_what_waited_for_it() {
        let (old, waiting) = (standing("big-drop", Some(Metric::Followers)), standing(NEEDS_PERSON, None));
        let steps = after_run(&Rules::default(), &[&old, &waiting], Timestamp(9));
        assert_eq!((steps.open.len(), steps.resolve), (0, vec![resolved(&waiting, Timestamp(9))]));
    }

    #[test]
    fn an_alert_that_roster_resolves_ends_at_that_moment() {
        let ended = resolved(&standing(NEEDS_PERSON, None), Timestamp(9));
        assert_eq!((ended.state, ended.ended_at), (AlertState::Resolved, Some(Timestamp(9))));
    }

    #[test]
    fn waiting_for_a_person_alerts_once() {
        let rules = Rules::default();
        let rule = &rules.get(NEEDS_PERSON).expect("a rule").rule;
        let steps = |happened: Option<(&Rule, String)>, standing: &[&Alert]| {
            once(&rules, Happening::NeedsPerson, happened, standing)
        };
        let gone = || Some((rule, "gone".to_owned()));
        assert_eq!(steps(gone(), &[]).open.len(), 1);
        let waiting = standing(NEEDS_PERSON, None);
        assert_eq!(steps(gone(), &[&waiting]), Steps::default());
        assert_eq!(steps(None, &[]), Steps::default());
    }

    #[test]
    fn a_consent_that_ends_is_said_14_and_7_days_and_a_day_before() {
        let (given, day) = (Timestamp(0), |days: i64| Timestamp(0).plus_seconds(days * DAY_S));
        let check = |ends: i64, now: i64, expected: Option<Severity>| {
            assert_eq!(urgency(given, day(ends), day(now)), expected, "{now} of {ends}");
        };
        check(90, 75, None);
        check(90, 76, Some(Severity::Info));
        check(90, 82, Some(Severity::Info));
        check(90, 83, Some(Severity::Warning));
        check(90, 88, Some(Severity::Warning));
        check(90, 89, Some(Severity::Critical));
        check(90, 91, Some(Severity::Critical));
        // One for a week says so on its last day, and one for an hour does not.
        check(7, 0, None);
        check(7, 5, None);
        check(7, 6, Some(Severity::Critical));
        assert_eq!(urgency(given, given.plus_seconds(3600), given), None);
        let next = |now: i64| next_warning(day(90), day(now));
        assert_eq!([0, 76, 83, 89].map(next), [Some(day(76)), Some(day(83)), Some(day(89)), None]);
        let rules = Rules::default();
        let rule = rules.get(CONSENT_ENDS).map(|used| &used.rule);
        let steps = |urgency, standing: &[&Alert]| {
            before_the_end(&rules, rule, urgency, standing, Timestamp(9), || "soon".to_owned())
        };
        let opened = steps(Some(Severity::Warning), &[]);
        assert_eq!((opened.open[0].rule.as_str(), opened.open[0].why.as_str()), (CONSENT_ENDS, "soon"));
        let said = standing(CONSENT_ENDS, None);
        assert_eq!(steps(Some(Severity::Warning), &[&said]), Steps::default());
        let worse = steps(Some(Severity::Critical), &[&said, &standing(NEEDS_PERSON, None)]);
        assert_eq!((worse.open.len(), worse.resolve), (1, vec![resolved(&said, Timestamp(9))]));
        assert_eq!(steps(None, &[&said]).resolve, [resolved(&said, Timestamp(9))]);
    }
}
