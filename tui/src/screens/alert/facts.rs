//! What an alert's page says, line by line.

use ratatui::style::Style;
use roster_protocol::delivery::{Delivery, DeliveryKind, DeliveryState};
use roster_protocol::{Alert, AlertState, Metric, Timestamp};

use super::State;
use crate::format;
use crate::screens::states;
use crate::shared::Shared;
use crate::widgets::pen;

/// Texts one after the other.
pub(super) type Line = Vec<(String, Style)>;

/// Screens from this width on have two columns.
const WIDE: u16 = 140;
/// The widest that a text is easy to read at.
const WIDEST: u16 = 100;
/// Columns of a label.
const LABEL: usize = 14;
/// The channel that agents fetch from: nothing is sent there.
const DESKTOP: &str = "desktop";
/// The most lines of one text.
const MOST_LINES: usize = 8;

/// The columns of the page: where each begins, how wide it is, and its lines.
pub(super) fn columns_of(state: &State, shared: &Shared) -> Vec<(u16, u16, Vec<Line>)> {
    let width = shared.size.width.saturating_sub(2);
    if width < WIDE {
        let mut lines = left(state, shared, width);
        lines.push(Line::new());
        lines.extend(right(state, shared, width));
        return vec![(1, width, lines)];
    }
    let half = (width / 2 - 2).min(WIDEST + LABEL as u16);
    vec![(1, half, left(state, shared, half)), (half + 4, width - half - 3, right(state, shared, width - half - 3))]
}

/// How many lines the page has.
pub(super) fn lines_in_all(state: &State, shared: &Shared) -> usize {
    columns_of(state, shared).iter().map(|(_, _, lines)| lines.len()).max().unwrap_or_default()
}

/// What happened and why it matters.
fn left(state: &State, shared: &Shared, width: u16) -> Vec<Line> {
    let theme = &shared.theme;
    let (alert, room) = (&state.alert, (width.saturating_sub(2)).min(WIDEST));
    let (shape, style) = states::alert_shape(shared, alert);
    let (whose, platform) = states::alert_subject(shared, alert);
    let between = ("   ".to_owned(), theme.plain);
    let mut head = vec![(format!("{shape} "), style), (whose, theme.strong), (platform, theme.faint), between];
    head.extend(states::alert_pieces(shared, alert));
    let mut lines = vec![head];
    lines.extend(indented(pen::lines(&alert.why, room, MOST_LINES), theme.plain));
    if let Some(error) = &state.error {
        lines.extend(indented(pen::lines(&error.message, room, 2), theme.bad));
    }
    lines.push(Line::new());
    for (label, text) in facts(state, shared) {
        lines.extend(labelled(shared, label, &text, room));
    }
    lines
}

fn indented(texts: Vec<String>, style: Style) -> impl Iterator<Item = Line> {
    texts.into_iter().map(move |text| vec![(format!("  {text}"), style)])
}

/// A label, and a text beside it over as many lines as it needs.
fn labelled(shared: &Shared, label: &str, text: &str, room: u16) -> Vec<Line> {
    let texts = pen::lines(text, room.saturating_sub(LABEL as u16), MOST_LINES);
    let labels = std::iter::once(label).chain(std::iter::repeat(""));
    let (faint, plain) = (shared.theme.faint, shared.theme.plain);
    let line = |(label, text): (&str, String)| vec![(format!("  {label:<LABEL$}"), faint), (text, plain)];
    labels.zip(texts).map(line).collect()
}

/// All that is known of it, each with its label.
fn facts(state: &State, shared: &Shared) -> Vec<(&'static str, String)> {
    let alert = &state.alert;
    let mut facts: Vec<(&str, String)> = Vec::new();
    if let (Some(metric), Some(from), Some(to)) = (alert.metric, alert.from, alert.to) {
        facts.push(("Moved", moved(metric, from, to)));
    }
    if alert.explained.from_at.is_some() {
        facts.extend(explained(shared, alert));
    }
    facts.push(("Rule", state.rule.clone().unwrap_or_else(|| alert.rule.clone())));
    facts.push(("Severity", alert.severity.to_string()));
    facts.push(("Opened", format!("{}, {}", when(shared, alert.opened_at), ago(shared, alert.opened_at))));
    let seen = alert.acknowledged_by.as_ref();
    facts.extend(seen.map(|by| ("Acknowledged", by_whom("by", by, alert.acknowledged_at, shared))));
    facts.extend(alert.note.clone().map(|note| ("Note", note)));
    let user = alert.assigned_to.as_ref();
    let to = if alert.is_mine() { "to you," } else { "to" };
    facts.extend(user.map(|user| ("Assigned", by_whom(to, user, alert.assigned_at, shared))));
    if let (AlertState::Resolved, Some(at)) = (alert.state, alert.ended_at) {
        facts.push(("Over", format!("since {}", when(shared, at))));
    }
    facts.extend(silenced(shared, alert).map(|silenced| ("Silenced", silenced)));
    facts.extend(state.group.as_ref().map(|group| ("Part of", group.why.clone())));
    facts.push(("Id", alert.id.to_string()));
    facts
}

/// `459,000 → 402,000, -57,000`.
fn moved(metric: Metric, from: f64, to: f64) -> String {
    let values = format!("{} → {}", format::exact_value(metric, from), format::exact_value(metric, to));
    let sign = if to < from { "-" } else { "+" };
    match metric.unit() {
        roster_protocol::metric::Unit::Ratio => values,
        _ => format!("{values}, {sign}{}", format::exact_value(metric, (to - from).abs())),
    }
}

/// What the move is compared with.
fn explained(shared: &Shared, alert: &Alert) -> Vec<(&'static str, String)> {
    let explained = &alert.explained;
    let of = explained.window.map(|window| format!(" of {window}")).unwrap_or_default();
    let extreme = if alert.change.is_some_and(|change| change < 0.0) { "highest" } else { "lowest" };
    let from = explained.from_at.map(|at| {
        let before = match format::length(alert.opened_at.since(at).max(0).unsigned_abs() / 1_000) {
            moment if moment == "now" => String::new(),
            length => format!(", {length} before"),
        };
        format!("from the {extreme} value{of}, {}{before}", when(shared, at))
    });
    let usual = match explained.usual {
        Some(usual) => format!("within ±{} on nine of ten days", format::percent(usual)),
        None => "not known yet: too few days were measured".to_owned(),
    };
    let peers = match explained.peers {
        Some(peers) => format!("{} that day, in the middle of accounts of its size", format::signed_percent(peers)),
        None => "not known: too few accounts of its size on this platform".to_owned(),
    };
    let step = match explained.step {
        Some(step) if step > 1 => format!("in steps of {}", format::exact(step)),
        _ => "exactly, as far as is known".to_owned(),
    };
    let score =
        explained.score.map(|score| format!("{:.1} times as far from its usual change as its days are", score.abs()));
    let facts = [
        ("Measured", from),
        ("Usual day", Some(usual)),
        ("Others", Some(peers)),
        ("Reported", Some(step)),
        ("Score", score),
    ];
    facts.into_iter().filter_map(|(label, text)| Some((label, text?))).collect()
}

fn by_whom(word: &str, who: &str, at: Option<Timestamp>, shared: &Shared) -> String {
    let at = at.map(|at| format!(", {}", when(shared, at))).unwrap_or_default();
    format!("{word} {who}{at}")
}

fn silenced(shared: &Shared, alert: &Alert) -> Option<String> {
    let opened_so = alert.silenced.at_opening.then(|| "it opened in a silence that is over".to_owned());
    alert.silenced.until.map(|until| format!("until {}", when(shared, until))).or(opened_so)
}

/// Where it was delivered, and which alerts it includes.
fn right(state: &State, shared: &Shared, width: u16) -> Vec<Line> {
    let theme = &shared.theme;
    let mut lines = vec![vec![(" DELIVERED".to_owned(), theme.faint)]];
    match &state.deliveries {
        None => lines.push(vec![("  loading…".to_owned(), theme.faint)]),
        Some(page) if page.rows.is_empty() => lines.push(vec![(format!("  {}", nowhere(&state.alert)), theme.faint)]),
        Some(page) => lines.extend(page.rows.iter().flat_map(|delivery| receipt(shared, delivery, width))),
    }
    if let Some(page) = state.members.as_ref().filter(|_| state.alert.members > 0) {
        let title = format!(" ACCOUNTS  {}", format::exact(state.alert.members));
        lines.extend([Line::new(), vec![(title, theme.faint)]]);
        lines.extend(page.rows.iter().map(|member| member_line(shared, member)));
        let more = state.alert.members.saturating_sub(page.rows.len() as u64);
        if more > 0 {
            lines.push(vec![(format!("  and {} more", format::exact(more)), theme.faint)]);
        }
    }
    lines
}

fn nowhere(alert: &Alert) -> &'static str {
    match alert {
        alert if alert.silenced.at_opening => "nowhere: it opened in a silence",
        alert if alert.group.is_some() => "nowhere: the alert that it is part of is delivered",
        _ => "nowhere: no route sends it anywhere",
    }
}

/// One channel: what became of the notice there.
fn receipt(shared: &Shared, delivery: &Delivery, width: u16) -> Vec<Line> {
    let theme = &shared.theme;
    let (shape, style) = match delivery.state {
        DeliveryState::Delivered => ('●', theme.good),
        DeliveryState::Pending => ('◐', theme.warn),
        DeliveryState::Dead => ('✗', theme.bad),
        DeliveryState::Superseded => ('○', theme.faint),
    };
    let receiver = delivery.receiver.as_ref().map(|receiver| format!(" {receiver}")).unwrap_or_default();
    let kind = match delivery.kind {
        DeliveryKind::Opened => String::new(),
        kind => format!(" ({kind})"),
    };
    let name = format!("{}{receiver}{kind}", delivery.channel);
    let mut lines = vec![vec![(format!("  {shape} "), style), (name, theme.plain)]];
    let room = width.saturating_sub(4);
    lines.extend(
        pen::lines(&became(shared, delivery), room, 3)
            .into_iter()
            .map(|text| vec![(format!("    {text}"), theme.faint)]),
    );
    lines
}

/// What became of a delivery, in a sentence.
fn became(shared: &Shared, delivery: &Delivery) -> String {
    let said = |text: &Option<String>| text.as_ref().map(|text| format!(": {text}")).unwrap_or_default();
    let at = |at: Option<Timestamp>| at.map(|at| format!(" {}", when(shared, at))).unwrap_or_default();
    let tries = match delivery.attempts {
        1 => "once".to_owned(),
        attempts => format!("{attempts} times"),
    };
    match delivery.state {
        DeliveryState::Delivered => format!("delivered{}{}", at(delivery.delivered_at), said(&delivery.receipt)),
        DeliveryState::Pending if delivery.attempts == 0 => match delivery.next_at {
            Some(next) if next > shared.now => format!("waits until {}", when(shared, next)),
            _ if delivery.channel == DESKTOP => "no desktop has shown it yet".to_owned(),
            _ => "is sent now".to_owned(),
        },
        DeliveryState::Pending => {
            format!("failed {tries}, again{}{}", at(delivery.next_at), said(&delivery.last_error))
        }
        DeliveryState::Dead => {
            let id = delivery.id;
            format!("given up, tried {tries}{}; roster deliveries retry {id}", said(&delivery.last_error))
        }
        DeliveryState::Superseded => "not sent: the notice of its group took its place".to_owned(),
    }
}

fn member_line(shared: &Shared, member: &Alert) -> Line {
    let theme = &shared.theme;
    let (shape, style) = states::alert_shape(shared, member);
    let (whose, _) = states::alert_subject(shared, member);
    let numbers = member.metric.map(|metric| states::from_to(shared, metric, member.from, member.to));
    let about = format!("   {}  {}", states::alert(member), numbers.unwrap_or_default());
    vec![(format!("  {shape} "), style), (whose, theme.plain), (about, theme.faint)]
}

/// `14:02` of today, else `Nov 18 14:02`.
fn when(shared: &Shared, at: Timestamp) -> String {
    let (moment, clock) = (format::moment(at, shared.now, &shared.zone), format::clock(at, &shared.zone));
    if moment == clock { clock } else { format!("{moment} {clock}") }
}

fn ago(shared: &Shared, at: Timestamp) -> String {
    match format::age(shared.now, at) {
        moment if moment == "now" => "just now".to_owned(),
        age => format!("{age} ago"),
    }
}
