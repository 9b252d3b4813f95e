//! How a message reads in an e-mail: its subject, plain text and HTML. Pure.
//!
//! Names, notes and reasons are foreign: they are cleaned here, and HTML escapes them. There is no link, and none is made
//! of what looks like one.

mod chart;
mod facts;
mod html;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;

use jiff::tz::TimeZone;
use roster_protocol::alert::{Alert, AlertState, Severity};
use roster_protocol::notice;
use roster_protocol::text::{SENTENCE_CHARACTERS, clean};

use self::chart::Chart;
use self::facts::{Fact, facts};
use crate::delivery::channels::{Message, MessageKind};

/// More alerts than this are counted in a digest, not listed.
const MOST_LISTED: usize = 100;

/// The longest subject, in visible characters. Clients show 60 to 70 of them.
const SUBJECT_CHARACTERS: usize = 120;

/// An e-mail's texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    pub subject: String,
    pub plain: String,
    pub html: String,
    /// Whether one of its alerts that did not end is critical.
    pub is_critical: bool,
}

/// What a letter contains, before it is plain text or HTML.
struct Page {
    title: String,
    paragraphs: Vec<String>,
    /// Of a single alert; empty otherwise.
    facts: Vec<Fact>,
    chart: Option<Chart>,
    /// Of a digest; empty otherwise.
    entries: Vec<Entry>,
    /// What to do now: a sentence, and a command.
    advice: Option<(&'static str, String)>,
}

/// One alert of a digest.
struct Entry {
    title: String,
    sentence: String,
    /// Severity, state and time.
    about: String,
    severity: Severity,
}

/// Writes a message; times are of this zone's clock.
pub fn write(message: &Message, zone: &TimeZone) -> Text {
    let mut alerts: Vec<&Alert> = message.alerts.iter().collect();
    alerts.sort_by_key(|alert| (Reverse(alert.severity), alert.state == AlertState::Resolved));
    let (subject, page) = match (message.kind, &alerts[..]) {
        (MessageKind::Test, _) => test(),
        (MessageKind::Digest, alerts) => digest(alerts, zone),
        (_, [alert]) => single(alert, message, zone),
        (_, alerts) => digest(alerts, zone),
    };
    let is_critical = |alert: &&Alert| alert.severity == Severity::Critical && alert.state != AlertState::Resolved;
    Text {
        subject: clean(&subject, SUBJECT_CHARACTERS),
        plain: plain(&page),
        html: html::html(&page),
        is_critical: alerts.iter().any(is_critical),
    }
}

fn test() -> (String, Page) {
    let paragraphs = vec!["This is a test message of Roster. Alerts arrive on this channel as it did.".to_owned()];
    (
        "Roster: a test message".to_owned(),
        Page {
            title: "A test message".to_owned(),
            paragraphs,
            facts: Vec::new(),
            chart: None,
            entries: Vec::new(),
            advice: None,
        },
    )
}

fn single(alert: &Alert, message: &Message, zone: &TimeZone) -> (String, Page) {
    let (title, happened) = (whose(alert), happened(alert));
    let is_over = alert.state == AlertState::Resolved || message.kind == MessageKind::Resolved;
    let (prefix, first) = match message.kind {
        _ if is_over => ("Over: ", Some("It is over.".to_owned())),
        MessageKind::Grown => ("Grown: ", Some("There are far more by now.".to_owned())),
        _ => ("", None),
    };
    let subject = format!("{prefix}{title}: {happened}");
    let advice = (!is_over).then(|| ("To acknowledge it:", format!("roster alerts ack {}", alert.id)));
    let page = Page {
        title,
        paragraphs: first.into_iter().chain([sentence(alert)]).collect(),
        facts: facts(alert, zone),
        chart: Chart::of(&message.points, zone),
        entries: Vec::new(),
        advice,
    };
    (subject, page)
}

fn digest(alerts: &[&Alert], zone: &TimeZone) -> (String, Page) {
    let over = alerts.iter().filter(|alert| alert.state == AlertState::Resolved).count();
    let counts = match (alerts.len() - over, over) {
        (opened, 0) => counted(opened, "opened"),
        (0, over) => counted(over, "over"),
        (opened, over) => format!("{}, {over} over", counted(opened, "opened")),
    };
    let names = alerts.iter().map(|alert| whose(alert)).take(3).collect::<Vec<_>>().join(", ");
    let more = alerts.len().saturating_sub(MOST_LISTED);
    let left_out = (more > 0).then(|| format!("{more} more are not listed here; `roster alerts` lists all."));
    let page = Page {
        title: counts.clone(),
        paragraphs: left_out.into_iter().collect(),
        facts: Vec::new(),
        chart: None,
        entries: alerts.iter().take(MOST_LISTED).map(|alert| entry(alert, zone)).collect(),
        advice: None,
    };
    (format!("{counts}: {names}"), page)
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} alert{} {what}", if count == 1 { "" } else { "s" })
}

fn entry(alert: &Alert, zone: &TimeZone) -> Entry {
    let opened = facts::local(alert.opened_at, zone);
    let about = match alert.state {
        AlertState::Resolved => {
            let ended = alert.ended_at.map(|at| format!(", over since {}", facts::local(at, zone))).unwrap_or_default();
            format!("{}, opened {opened}{ended}", alert.severity.as_str())
        }
        AlertState::Acknowledged => format!("{}, opened {opened}, acknowledged", alert.severity.as_str()),
        AlertState::Open => format!("{}, opened {opened}", alert.severity.as_str()),
    };
    Entry { title: whose(alert), sentence: sentence(alert), about, severity: alert.severity }
}

/// Whom or what an alert is about: `Mara Lindqvist · youtube`.
fn whose(alert: &Alert) -> String {
    let (who, platform) = alert.subject();
    let who = foreign(who, 60);
    platform.map_or_else(|| who.clone(), |platform| format!("{who} · {}", foreign(platform, 40)))
}

/// What happened, short: the numbers where there are some, or else the reason.
fn happened(alert: &Alert) -> String {
    match (alert.metric, alert.from, alert.to) {
        (Some(metric), Some(from), Some(to)) => notice::moved(metric, from, to, alert.change),
        _ => sentence(alert),
    }
}

fn sentence(alert: &Alert) -> String {
    foreign(&alert.why, SENTENCE_CHARACTERS)
}

/// A foreign text: one clean line of which no client makes a link, because a letter of ours is trusted.
fn foreign(text: &str, most: usize) -> String {
    clean(&clean(text, most).replace("://", ": //"), most)
}

fn plain(page: &Page) -> String {
    let mut lines = vec![page.title.clone()];
    lines.extend((!page.paragraphs.is_empty()).then(String::new));
    lines.extend(page.paragraphs.iter().cloned());
    if let Some(chart) = &page.chart {
        lines.extend([String::new(), format!("  {}", chart.line()), format!("  {}", chart.caption)]);
    }
    if !page.facts.is_empty() {
        lines.push(String::new());
    }
    let width = page.facts.iter().map(|fact| fact.label.len()).max().unwrap_or_default();
    lines.extend(page.facts.iter().map(|Fact { label, value }| format!("  {label:width$}  {value}")));
    for Entry { title, sentence, about, .. } in &page.entries {
        lines.extend([String::new(), title.clone(), format!("  {sentence}"), format!("  {about}")]);
    }
    if let Some((sentence, command)) = &page.advice {
        lines.extend([String::new(), format!("{sentence} {command}")]);
    }
    lines.push(String::new());
    lines.join("\n")
}
