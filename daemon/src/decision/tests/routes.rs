//! Which channels an alert is delivered on, and until when it is held back.

use roster_protocol::alert::Severity;
use roster_protocol::delivery::ChannelKind;

use super::*;
use crate::decision::routes;
use crate::model::{ChannelInfo, DESKTOP, Digest, Escalation, Quiet, Route, Routing};

/// When the quiet hours of noon are over, and when the digest is sent.
const QUIET: i64 = 3600;
const DIGEST: i64 = 6 * 3600;

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn to(channels: &[&str]) -> Route {
    Route { to: texts(channels), ..Route::default() }
}

fn quiet(route: Route) -> Route {
    let time = |hour| jiff::civil::time(hour, 0, 0, 0);
    Route { quiet: Some(Quiet { from: time(11), until: time(13), zone: TimeZone::UTC }), ..route }
}

fn roster_with(routes: Vec<Route>) -> Roster {
    let channel = |name: &str, digest| ChannelInfo {
        name: name.to_owned(),
        key: name.to_owned(),
        kind: ChannelKind::Email,
        digest,
        ..ChannelInfo::desktop()
    };
    let digest = Digest::Daily(jiff::civil::time(18, 0, 0, 0));
    let channels = vec![ChannelInfo::desktop(), channel("mail", digest), channel("team", Digest::Off)];
    let mara = Influencer { tags: texts(&["Beauty"]), ..influencer(MARA, "Mara") };
    let mut scene = Scene::new().after(RosterCommit { influencers: vec![mara], ..RosterCommit::default() });
    scene.roster.routing = Routing { channels, routes, ..Routing::default() };
    scene.roster
}

/// Mara's alert on Bluesky.
fn of_mara(severity: Severity) -> Alert {
    Alert { rule: "big-drop".to_owned(), severity, ..alert(1, AlertState::Open, about(SKY, MARA)) }
}

/// The channels of an alert at noon, each with how many seconds it is held back; the desktop apart.
fn channels(routes: Vec<Route>, alert: &Alert) -> Vec<(String, i64)> {
    let roster = roster_with(routes);
    let found = routes::of(&roster, alert, &[]).channels(NOON);
    assert_eq!(found.get(DESKTOP), Some(&None), "the desktop is not in the routes");
    let seconds = |held: Option<Timestamp>| held.map_or(0, |held| held.since(NOON) / 1000);
    found
        .into_iter()
        .filter(|(channel, _)| channel != DESKTOP)
        .map(|(channel, held)| (channel, seconds(held)))
        .collect()
}

#[test]
fn what_is_critical_passes_quiet_hours_and_digests() {
    let all = || vec![quiet(to(&["mail", "team"]))];
    let check = |routes: Vec<Route>, severity, expected: [(&str, i64); 2]| {
        let expected = expected.map(|(channel, held)| (channel.to_owned(), held));
        assert_eq!(channels(routes, &of_mara(severity)), expected, "{severity:?}");
    };
    for severity in [Severity::Info, Severity::Warning] {
        check(Vec::new(), severity, [("mail", DIGEST), ("team", 0)]);
        check(all(), severity, [("mail", DIGEST), ("team", QUIET)]);
    }
    check(Vec::new(), Severity::Critical, [("mail", 0), ("team", 0)]);
    check(all(), Severity::Critical, [("mail", 0), ("team", 0)]);
}

#[test]
fn a_route_matches_by_each_of_its_parts() {
    let down = Alert {
        rule: "platform-down".to_owned(),
        severity: Severity::Critical,
        ..alert(2, AlertState::Open, About::Platform("bluesky/host.example".to_owned()))
    };
    let check = |route: Route, expected: [bool; 2]| {
        let found = [&of_mara(Severity::Warning), &down].map(|alert| !channels(vec![route.clone()], alert).is_empty());
        assert_eq!(found, expected, "{route:?}");
    };
    let team = || to(&["team"]);
    check(team(), [true, true]);
    check(Route { rules: texts(&["big-drop", "stale"]), ..team() }, [true, false]);
    check(Route { rules: texts(&["platform-down"]), ..team() }, [false, true]);
    check(Route { severities: vec![Severity::Warning, Severity::Info], ..team() }, [true, false]);
    check(Route { severities: vec![Severity::Critical], ..team() }, [false, true]);
    check(Route { tags: texts(&["beauty"]), ..team() }, [true, false]);
    check(Route { tags: texts(&["travel"]), ..team() }, [false, false]);
    check(Route { platforms: texts(&["bluesky"]), ..team() }, [true, true]);
    check(Route { platforms: texts(&["youtube"]), ..team() }, [false, false]);
    check(Route { rules: texts(&["big-drop"]), severities: vec![Severity::Critical], ..team() }, [false, false]);
    check(Route { rules: texts(&["big-drop"]), tags: texts(&["beauty", "travel"]), ..team() }, [true, false]);
}

#[test]
fn of_several_routes_all_count_and_the_earliest_wins() {
    let alert = of_mara(Severity::Warning);
    let check = |routes: Vec<Route>, expected: &[(&str, i64)]| {
        let found = channels(routes, &alert);
        let found: Vec<(&str, i64)> = found.iter().map(|(channel, held)| (channel.as_str(), *held)).collect();
        assert_eq!(found, expected);
    };
    check(vec![to(&["team"]), to(&["mail"])], &[("mail", DIGEST), ("team", 0)]);
    check(vec![quiet(to(&["team"])), to(&["mail"])], &[("mail", DIGEST), ("team", QUIET)]);
    check(vec![quiet(to(&["team"])), to(&["team"])], &[("team", 0)]);
    check(vec![to(&["team"]), quiet(to(&["team"]))], &[("team", 0)]);
    let other = Route { rules: texts(&["stale"]), ..to(&["team"]) };
    check(vec![other, quiet(to(&["team"]))], &[("team", QUIET)]);
    let named = roster_with(vec![Route { rules: texts(&["stale"]), ..to(&[DESKTOP]) }]);
    assert!(routes::of(&named, &alert, &[]).channels(NOON).is_empty(), "a route names the desktop");
}

#[test]
fn the_first_escalation_counts_and_begins_when_the_alert_can_be_seen() {
    let escalating = |route: Route, after| {
        let escalate = Some(Escalation { after: Seconds(after), to: texts(&["team"]) });
        Route { escalate, ..route }
    };
    let check = |routes: Vec<Route>, severity, expected: &[i64]| {
        let roster = roster_with(routes);
        let found = routes::of(&roster, &of_mara(severity), &[]).escalations(NOON);
        assert_eq!(found.into_values().map(|at| at.since(NOON) / 1000).collect::<Vec<_>>(), expected);
    };
    check(vec![to(&["mail"])], Severity::Warning, &[]);
    check(vec![escalating(to(&["mail"]), 600)], Severity::Warning, &[600]);
    check(vec![escalating(to(&["mail"]), 600), escalating(to(&["mail"]), 300)], Severity::Warning, &[300]);
    check(vec![escalating(quiet(to(&["mail"])), 600)], Severity::Warning, &[QUIET + 600]);
    check(vec![escalating(quiet(to(&["mail"])), 600)], Severity::Critical, &[600]);
    check(vec![Route { rules: texts(&["stale"]), ..escalating(to(&["mail"]), 600) }], Severity::Warning, &[]);
}
