//! What explains an alert, as lines of a label and a value.

use jiff::tz::TimeZone;
use roster_protocol::alert::{Alert, AlertState};
use roster_protocol::notice::{grouped, signed_percent, value};
use roster_protocol::text::SENTENCE_CHARACTERS;
use roster_protocol::time::Timestamp;

use super::foreign;

/// One line.
pub(super) struct Fact {
    pub label: &'static str,
    pub value: String,
}

/// All that is known of an alert, what happened first.
pub(super) fn facts(alert: &Alert, zone: &TimeZone) -> Vec<Fact> {
    let moved = numbers(alert, zone).into_iter().chain(explanation(alert));
    let facts = moved.chain(life(alert, zone));
    facts.filter_map(|(label, value)| Some(Fact { label, value: value? })).collect()
}

type Line = (&'static str, Option<String>);

fn numbers(alert: &Alert, zone: &TimeZone) -> [Line; 3] {
    let number = |number: Option<f64>| Some(value(alert.metric?, number?));
    let before = number(alert.from).map(|from| match alert.explained.from_at {
        Some(at) => format!("{from} ({})", local(at, zone)),
        None => from,
    });
    [("before", before), ("now", number(alert.to)), ("change", alert.change.map(signed_percent))]
}

fn explanation(alert: &Alert) -> [Line; 6] {
    let explained = &alert.explained;
    let days = |days: u32| if days == 1 { "1 day".to_owned() } else { format!("{days} days") };
    let percent = |ratio: roster_protocol::metric::Ratio| signed_percent(ratio.as_f64());
    [
        ("within", explained.window.map(|window| days(window.days()))),
        ("usual day", explained.usual.map(|usual| format!("±{}", percent(usual).trim_start_matches(['+', '−'])))),
        ("others that day", explained.peers.map(percent)),
        ("reported in steps of", explained.step.filter(|step| *step > 1).map(grouped)),
        ("times its usual spread", explained.score.map(|score| format!("{:.1}", score.abs()))),
        ("accounts", (alert.members > 0).then(|| grouped(alert.members))),
    ]
}

fn life(alert: &Alert, zone: &TimeZone) -> [Line; 7] {
    let at = |at: Option<Timestamp>| at.map(|at| local(at, zone));
    let text = |text: &Option<String>| text.as_deref().map(|text| foreign(text, SENTENCE_CHARACTERS));
    let acknowledged = alert.acknowledged_by.as_deref().map(|by| {
        let when = at(alert.acknowledged_at).map(|at| format!(", {at}")).unwrap_or_default();
        format!("by {}{when}", foreign(by, SENTENCE_CHARACTERS))
    });
    [
        ("rule", Some(format!("{} ({})", foreign(&alert.rule, 40), alert.severity.as_str()))),
        ("opened", at(Some(alert.opened_at))),
        ("over since", at(alert.ended_at.filter(|_| alert.state == AlertState::Resolved))),
        ("acknowledged", acknowledged),
        ("note", text(&alert.note)),
        ("assigned to", text(&alert.assigned_to)),
        ("alert", Some(alert.id.to_string())),
    ]
}

/// A time of the local clock: `2026-11-21 14:00 EET`.
pub(super) fn local(at: Timestamp, zone: &TimeZone) -> String {
    at.to_jiff().to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string()
}
