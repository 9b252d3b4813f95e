//! Which alerts open and which resolve. Pure.
//!
//! Five rules are built in. `significant-change`: the profile followers followed a measured number; the move that
//! updates the profile is the one that alerts, so one move cannot alert twice, and a later move resolves the
//! earlier alert. `needs-person`: a connection does not run until a user acts; it resolves when it runs again.
//! `consent-ends`: a consent ends within 14 days, then 7, then one, unless its owner consents again.
//! `platform-down`: a platform, or one host of it, does not respond; it resolves when it does.
//! `metric-withdrawn`: a platform reports a metric no more, for no owner; it resolves when it does again.
//!
//! `store-size`: the store is larger than the config says it should be; it resolves when it is not.
//! Engagement and likes follow too, and are logged, but open no alert: they vary with every post.

use roster_protocol::alert::{About, AlertState, Explained, Severity};
use roster_protocol::ids::AlertId;
use roster_protocol::metric::Metric;
use roster_protocol::time::Timestamp;

use super::change::Difference;
use crate::model::Alert;

/// The rule that follows the profile numbers.
pub const SIGNIFICANT_CHANGE: &str = "significant-change";
/// The rule for connections that wait for a user.
pub const NEEDS_PERSON: &str = "needs-person";
/// The rule for lanes that are down.
pub const PLATFORM_DOWN: &str = "platform-down";
/// The rule for metrics that a platform reports no more.
pub const METRIC_WITHDRAWN: &str = "metric-withdrawn";
/// The rule for a store that is larger than it should be.
pub const STORE_SIZE: &str = "store-size";
/// The rule for consents that end soon.
pub const CONSENT_ENDS: &str = "consent-ends";

const DAY_S: i64 = 24 * 3600;
/// How long before a consent's end it alerts, and how urgently; the longest first.
const BEFORE_THE_END: [(i64, Severity); 3] =
    [(14 * DAY_S, Severity::Info), (7 * DAY_S, Severity::Warning), (DAY_S, Severity::Critical)];

/// An alert to be opened; the caller gives it its number and id.
#[derive(Clone, Debug, PartialEq)]
pub struct Opening {
    pub rule: &'static str,
    pub severity: Severity,
    pub about: Option<Difference>,
    pub why: String,
}

/// What a run does to a connection's alerts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Steps {
    pub open: Vec<Opening>,
    /// Alerts that end, as they are afterwards.
    pub resolve: Vec<Alert>,
}

/// The steps after a run that observed something. `moves` are the differences that the profile followed, `standing` the
/// connection's alerts that are open or acknowledged.
pub fn after_numbers(moves: &[Difference], standing: &[&Alert], now: Timestamp) -> Steps {
    let alarming = moves.iter().filter(|moved| moved.metric == Metric::Followers && moved.from.is_some());
    let open: Vec<Opening> = alarming.map(opening).collect();
    let over = |alert: &&&Alert| {
        alert.rule == NEEDS_PERSON
            || open.iter().any(|new| new.rule == alert.rule && new.about.map(|about| about.metric) == alert.metric)
    };
    let resolve = standing.iter().filter(over).map(|alert| resolved(alert, now)).collect();
    Steps { open, resolve }
}

/// The steps after a run that failed. `needs_person` is why the connection cannot run before a user acts; `None` when
/// it can.
pub fn after_failure(needs_person: Option<&str>, standing: &[&Alert]) -> Steps {
    let is_open = standing.iter().any(|alert| alert.rule == NEEDS_PERSON);
    let open = needs_person.filter(|_| !is_open).map(|why| Opening {
        rule: NEEDS_PERSON,
        severity: Severity::Warning,
        about: None,
        why: why.to_owned(),
    });
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
    urgency: Option<Severity>,
    standing: &[&Alert],
    now: Timestamp,
    why: impl FnOnce() -> String,
) -> Steps {
    let of_rule = standing.iter().filter(|alert| alert.rule == CONSENT_ENDS);
    let (said, outdated): (Vec<&Alert>, Vec<&Alert>) = of_rule.partition(|alert| Some(alert.severity) == urgency);
    let open = urgency.filter(|_| said.is_empty()).map(|severity| Opening {
        rule: CONSENT_ENDS,
        severity,
        about: None,
        why: why(),
    });
    let resolve = outdated.into_iter().map(|alert| resolved(alert, now)).collect();
    Steps { open: Vec::from_iter(open), resolve }
}

/// The alert that an opening becomes.
pub fn opened(opening: Opening, number: u64, id: AlertId, about: About, now: Timestamp) -> Alert {
    Alert {
        number,
        id,
        state: AlertState::Open,
        rule: opening.rule.to_owned(),
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
        group: None,
        members: 0,
        explained: Explained::default(),
        why: opening.why,
    }
}

/// The alert once Roster has resolved it.
pub fn resolved(alert: &Alert, now: Timestamp) -> Alert {
    Alert { state: AlertState::Resolved, ended_at: Some(now), ..alert.clone() }
}

fn opening(moved: &Difference) -> Opening {
    let (from, to) = (moved.from.unwrap_or_default(), moved.to.unwrap_or_default());
    let verb = if to < from { "fell" } else { "rose" };
    let share = relative(from, to).map_or(String::new(), |share| format!(" {:.1} %", share.abs() * 100.0));
    Opening {
        rule: SIGNIFICANT_CHANGE,
        severity: Severity::Warning,
        about: Some(*moved),
        why: format!("{} {verb}{share}, from {} to {}", moved.metric, grouped(from), grouped(to)),
    }
}

/// `to ÷ from − 1`; `None` where `from` is 0.
pub fn relative(from: f64, to: f64) -> Option<f64> {
    (from != 0.0).then(|| to / from - 1.0)
}

/// A count with commas between thousands.
fn grouped(count: f64) -> String {
    let digits = format!("{count:.0}");
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use roster_protocol::ids::{ConnectionId, InfluencerId};

    use super::*;

    fn moved(from: Option<f64>, to: f64) -> Difference {
        Difference { metric: Metric::Followers, from, to: Some(to) }
    }

    fn standing(rule: &str, metric: Option<Metric>) -> Alert {
        Alert {
            number: 1,
            id: AlertId::from_bytes([0; 5]),
            state: AlertState::Acknowledged,
            rule: rule.into(),
            severity: Severity::Warning,
            about: About::Connection {
                connection: ConnectionId::from_bytes([0; 5]),
                influencer: InfluencerId::from_bytes([0; 5]),
                platform: "bluesky".into(),
            },
            metric,
            from: None,
            to: None,
            opened_at: Timestamp(0),
            ended_at: None,
            acknowledged_by: None,
            acknowledged_at: None,
            note: None,
            assigned_to: None,
            group: None,
            members: 0,
            explained: Explained::default(),
            why: String::new(),
        }
    }

    #[test]
    fn a_fall_opens_one_alert_and_says_why() {
        let steps = after_numbers(&[moved(Some(12_345.0), 10_400.0)], &[], Timestamp(9));
        assert_eq!(steps.open[0].why, "followers fell 15.8 %, from 12,345 to 10,400");
        assert_eq!(steps.resolve, []);
    }

    #[test]
    fn the_first_number_and_likes_open_none() {
        let likes = Difference { metric: Metric::AvgLikes, from: Some(1.0), to: Some(9.0) };
        assert_eq!(after_numbers(&[moved(None, 5.0), likes], &[], Timestamp(9)), Steps::default());
    }

    #[test]
    fn a_newer_move_resolves_the_older_alert_and_running_again_the_waiting_one() {
        let old = standing(SIGNIFICANT_CHANGE, Some(Metric::Followers));
        let waiting = standing(NEEDS_PERSON, None);
        let steps = after_numbers(&[moved(Some(10.0), 20.0)], &[&old, &waiting], Timestamp(9));
        assert_eq!((steps.open.len(), steps.resolve.len()), (1, 2));
        let steps = after_numbers(&[], &[&old, &waiting], Timestamp(9));
        assert_eq!((steps.open.len(), steps.resolve), (0, vec![resolved(&waiting, Timestamp(9))]));
    }

    #[test]
    fn an_alert_that_roster_resolves_ends_at_that_moment() {
        let ended = resolved(&standing(NEEDS_PERSON, None), Timestamp(9));
        assert_eq!((ended.state, ended.ended_at), (AlertState::Resolved, Some(Timestamp(9))));
    }

    #[test]
    fn waiting_for_a_person_alerts_once() {
        assert_eq!(after_failure(Some("gone"), &[]).open.len(), 1);
        let waiting = standing(NEEDS_PERSON, None);
        assert_eq!(after_failure(Some("gone"), &[&waiting]), Steps::default());
        assert_eq!(after_failure(None, &[]), Steps::default());
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
        let steps =
            |urgency, standing: &[&Alert]| before_the_end(urgency, standing, Timestamp(9), || "soon".to_owned());
        let opened = steps(Some(Severity::Warning), &[]);
        assert_eq!((opened.open[0].rule, opened.open[0].why.as_str()), (CONSENT_ENDS, "soon"));
        let said = standing(CONSENT_ENDS, None);
        assert_eq!(steps(Some(Severity::Warning), &[&said]), Steps::default());
        let worse = steps(Some(Severity::Critical), &[&said, &standing(NEEDS_PERSON, None)]);
        assert_eq!((worse.open.len(), worse.resolve), (1, vec![resolved(&said, Timestamp(9))]));
        assert_eq!(steps(None, &[&said]).resolve, [resolved(&said, Timestamp(9))]);
    }

    #[test]
    fn counts_are_grouped() {
        let check = |count: f64, expected: &str| assert_eq!(grouped(count), expected);
        check(0.0, "0");
        check(999.0, "999");
        check(1000.0, "1,000");
        check(12_345_678.0, "12,345,678");
    }
}
