//! ```text
//!  Roster › Connections  2 need consent · 4 failing         ◐ 97.8% synced   2 alerts
//!    CONNECTION              INFLUENCER          STATE                       TOKEN
//!  ▌ ✗ig oskar.ines          Oskar & Ines        needs a person: consent e…   over
//!    ◐tt @tidewater          Tidewater Kitchen   not given: insights · c as… ↻ 52m
//!    ●yt @mara               Mara Lindqvist      25m ago                         –
//!  ─────────────────────────────────────────────────────────────────────────────
//!  Instagram oskar.ines   of Oskar & Ines
//!  needs a person: consent ended Nov 18 · c connects again
//!  consent of Oskar Lind: profile, insights · over: revoked by the owner
//! ```

use ratatui::layout::Rect;
use ratatui::style::Style;
use roster_protocol::{ApiAccess, ConnectionRow, ConnectionStatus, Grant, Renews, Status};

use super::{PANE, State, height};
use crate::consent::{missing, not_given};
use crate::format;
use crate::screens::states;
use crate::shared::Shared;
use crate::widgets::pen::Pen;
use crate::widgets::table::{Content, Table, cell, left, right};

/// What a person must do within so many days is shown before anything else.
const SOON_DAYS: i64 = 14;

/// `2 need consent · 4 failing`, for the first line.
pub fn summary(status: &Status) -> String {
    let counts = status.connections;
    let counts = [
        (counts.reauthorize, "need consent"),
        (counts.error, "failing"),
        (counts.never, "never synced"),
        (counts.stale, "stale"),
    ];
    let counts: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{} {what}", format::exact(*count)))
        .collect();
    if counts.is_empty() { "nothing needs a person".to_owned() } else { counts.join(" · ") }
}

/// Draws the list, and what is to say about the row under the cursor.
pub fn view(shared: &Shared, state: &State, pen: &mut Pen<'_>) {
    let width = shared.size.width;
    let empty = match (&state.list.error, state.list.loaded) {
        (Some(error), false) => Some(error.message.as_str()),
        (None, false) => Some("loading…"),
        (_, true) if state.list.total == 0 => Some("No account is connected yet: c on the roster connects one."),
        _ => None,
    };
    if let Some(empty) = empty {
        pen.put(3, shared.size.height / 3, width.saturating_sub(4), empty, pen.theme.plain);
        return;
    }
    let columns = [
        left("CONNECTION", (width * 3 / 10).min(40), 0),
        left("INFLUENCER", (width / 4).min(34), 60),
        left("STATE", 0, 0),
        left("NOT GIVEN", 30, 140),
        right("TOKEN", 7, 0),
    ];
    let table = Table::new(&columns, width);
    table.titles(pen, 1);
    for ((row, under_cursor), y) in state.list.visible(height(shared.size)).zip(2..) {
        match row {
            Some(row) => table.row(pen, y, &cells(shared, row, under_cursor), under_cursor),
            None => table.row(pen, y, &[cell("…", pen.theme.faint)], under_cursor),
        }
    }
    if let Some(row) = state.list.current().filter(|_| shared.size.height > 3 + PANE) {
        let y = shared.size.height.saturating_sub(1 + PANE);
        draw_pane(shared, row, pen, Rect { x: 1, y, width: width.saturating_sub(2), height: PANE });
    }
}

fn cells(shared: &Shared, row: &ConnectionRow, under_cursor: bool) -> Vec<Content> {
    let theme = &shared.theme;
    let connection = &row.connection;
    let (shape, style) = theme.badge(connection.badge, connection.paused);
    let (words, words_style) = state(shared, row);
    let name = if under_cursor { theme.strong } else { theme.plain };
    let missing = row.grant.as_ref().map(|grant| not_given(&grant.missing)).unwrap_or_default();
    let (token, token_style) = token(shared, row);
    vec![
        vec![
            (shape.to_string(), style),
            (format!("{} ", shared.platform_short(&connection.platform)), theme.plain),
            (connection.handle.clone(), name),
        ],
        cell(&row.influencer_name, theme.plain),
        cell(words, words_style),
        cell(missing, theme.warn),
        cell(token, token_style),
    ]
}

/// Its state in words, with the key that mends it.
fn state(shared: &Shared, row: &ConnectionRow) -> (String, Style) {
    let connection = &row.connection;
    if connection.paused {
        return ("paused".to_owned(), shared.theme.faint);
    }
    let (words, style) = states::connection(shared, connection, false);
    let is_well = matches!(connection.status, ConnectionStatus::Fresh | ConnectionStatus::Stale);
    match row.grant.as_ref().filter(|_| is_well && connection.blocked_by.is_none()) {
        Some(grant) if ends_soon(shared, grant) => {
            let day = grant.act_before.map(|at| format::moment(at, shared.now, &shared.zone)).unwrap_or_default();
            (format!("consent ends {day} · c renews it"), shared.theme.warn)
        }
        Some(_) if !connection.not_given.is_empty() => (words, shared.theme.warn),
        _ => (words, style),
    }
}

fn ends_soon(shared: &Shared, grant: &Grant) -> bool {
    grant.act_before.is_some_and(|at| at.since(shared.now) < SOON_DAYS * 86_400_000)
}

/// When the token expires, and whether a person must act on that.
fn token(shared: &Shared, row: &ConnectionRow) -> (String, Style) {
    let theme = &shared.theme;
    let until = |at| format::until(shared.now, at);
    match (&row.grant, row.connection.token_expires_at) {
        (Some(Grant { renews: Renews::Never, .. }), _) => ("over".to_owned(), theme.bad),
        _ if row.connection.status == ConnectionStatus::Reauthorize => ("over".to_owned(), theme.bad),
        (Some(Grant { act_before: Some(at), .. }), _) => {
            let style =
                if row.grant.as_ref().is_some_and(|grant| ends_soon(shared, grant)) { theme.warn } else { theme.plain };
            (until(*at), style)
        }
        // It is renewed before; there is nothing to do.
        (Some(Grant { renews: Renews::Itself, .. }), Some(at)) => (format!("↻ {}", until(at)), theme.faint),
        (_, Some(at)) => (until(at), theme.plain),
        (_, None) => (format::UNKNOWN.to_owned(), theme.faint),
    }
}

fn draw_pane(shared: &Shared, row: &ConnectionRow, pen: &mut Pen<'_>, area: Rect) {
    let (faint, strong) = (pen.theme.faint, pen.theme.strong);
    pen.rule(area.x, area.y, area.width);
    let of = format!("   of {}", row.influencer_name);
    pen.pieces(area.x, area.y + 1, area.width, &[(shared.label(&row.connection), strong), (of, faint)]);
    let (words, style) = state(shared, row);
    let used = pen.wrapped(Rect { y: area.y + 2, height: 2, ..area }, &words, style);
    let Some(grant) = &row.grant else {
        let api = shared.platform(&row.connection.platform).map(|platform| platform.api);
        let text = match shared.may_consent(&row.connection.platform) {
            true if api == Some(ApiAccess::Consent) => "no consent: nothing is read · c asks for consent",
            true => "no consent: public numbers only · c asks for consent",
            false => "public numbers; no consent is needed",
        };
        pen.put(area.x, area.y + 2 + used, area.width, text, faint);
        return;
    };
    let rest = Rect { y: area.y + 2 + used, height: 3 - used.min(3), ..area };
    pen.wrapped(rest, &consent(grant), faint);
}

/// Whose consent it is, what it covers, and what it lacks.
fn consent(grant: &Grant) -> String {
    let mut text = format!("consent of {}: {}", grant.account, grant.scopes.join(", "));
    for scope in &grant.missing {
        text += &format!(" · {}", missing(scope));
    }
    if let Some(note) = &grant.note {
        text += &format!(" · {note}");
    }
    text
}
