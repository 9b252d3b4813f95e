//! The picture: one column of panels, or two where there is room.

use ratatui::layout::Rect;
use ratatui::style::Style;
use roster_protocol::status::ConnectionCounts;
use roster_protocol::{InfluencerRow, SortBy, Status};

use super::{ALERTS, DAYS, MOVERS, State};
use crate::format::{self, Trend};
use crate::screens::states;
use crate::shared::Shared;
use crate::widgets::figures::{Series, of_platforms, of_roster};
use crate::widgets::pen::{Pen, columns, width_of};
use crate::widgets::sparkline;
use crate::widgets::table::{Content, Table, cell, left, right};

/// Columns of the line of the last days: two days each.
const LINE: u16 = DAYS.div_ceil(2) as u16;

/// From here on there are two columns of panels.
const TWO: u16 = 150;

/// Draws the overview.
pub fn view(shared: &Shared, state: &State, pen: &mut Pen<'_>) {
    let size = shared.size;
    let Some(status) = &shared.status else {
        pen.put(3, size.height / 3, size.width, "loading…", pen.theme.faint);
        return;
    };
    draw_badges(shared, status, pen, 1);
    draw_since(shared, state, status, pen, 2);
    let body = Rect { x: 0, y: 4, width: size.width, height: size.height.saturating_sub(5) };
    let all = of_roster(status, &state.days, DAYS);
    let platforms = of_platforms(status, &state.days, DAYS);
    if size.width >= TWO {
        let half = body.width / 2;
        let first = Rect { width: half, ..body };
        let below = draw_series(shared, pen, "ALL", &all, first);
        draw_series(shared, pen, "PLATFORMS", &platforms, rest(first, below));
        let second = Rect { x: half, width: body.width - half, ..body };
        let below = draw_movers(shared, state, pen, second, MOVERS);
        draw_alerts(shared, state, pen, rest(second, below), ALERTS);
    } else {
        // Of a low screen everything gets a part; the blank lines between are the first to go.
        let few = if body.height < 24 { 3 } else { MOVERS };
        let below = draw_series(shared, pen, "ALL", &all, body);
        let below = draw_movers(shared, state, pen, rest(body, below), few);
        let below = draw_alerts(shared, state, pen, rest(body, below), few.min(2.max(few - 1)));
        draw_series(shared, pen, "PLATFORMS", &platforms, rest(body, below));
    }
    if let Some(error) = &state.error {
        pen.put(3, 3, size.width.saturating_sub(4), &error.message, pen.theme.bad);
    }
}

/// What is left below a line, after a blank one.
fn rest(area: Rect, below: u16) -> Rect {
    let y = (below + 1).min(area.bottom());
    Rect { y, height: area.bottom() - y, ..area }
}

/// Connections by badge, and how many of them need a user.
fn draw_badges(shared: &Shared, status: &Status, pen: &mut Pen<'_>, y: u16) {
    let theme = &shared.theme;
    let ConnectionCounts { fresh, stale, never, error, reauthorize, paused, .. } = status.connections;
    let red = never + error + reauthorize;
    let counted = [
        ("● ", fresh, "fresh", theme.good),
        ("◐ ", stale, "stale", theme.warn),
        ("✗ ", red, "", theme.bad),
        ("‖ ", paused, "paused", theme.faint),
    ];
    let mut pieces: Content = Vec::new();
    for (shape, count, word, style) in counted.into_iter().filter(|(_, count, ..)| *count > 0) {
        pieces.push((shape.to_owned(), style));
        let words = format!("{} {word}", format::exact(count));
        pieces.push((format!("{}  ", words.trim_end()), theme.plain));
    }
    let width = shared.size.width.saturating_sub(4);
    let used = pen.pieces(3, y, width, &pieces);
    let reasons = [(reauthorize, "consent"), (error, "failing"), (never, "never")];
    let reasons: Vec<String> =
        reasons.iter().filter(|(count, _)| *count > 0).map(|(count, why)| format!("{count} {why}")).collect();
    let words = match reasons.as_slice() {
        [] => ("no account needs you".to_owned(), theme.faint),
        reasons => (format!("{} · 6", reasons.join(", ")), theme.bad),
    };
    let room = width.saturating_sub(used);
    pen.put_right(3 + used, y, room, &words.0, words.1);
}

/// What opened since the user was here, and what is next.
fn draw_since(shared: &Shared, state: &State, status: &Status, pen: &mut Pen<'_>, y: u16) {
    let theme = &shared.theme;
    let next = match status.next_due_at {
        _ if status.paused => "all is paused".to_owned(),
        None => "nothing is scheduled".to_owned(),
        Some(at) => format!("next sync {}", format::until(shared.now, at)),
    };
    let width = shared.size.width.saturating_sub(4);
    let since = shared.remembered.last_here().map(|at| {
        let opened = state.alerts.iter().filter(|alert| alert.opened_at > at).count();
        let when = format::moment(at, shared.now, &shared.zone);
        match opened {
            0 => (format!("since you were here, {when}: no new alert"), theme.faint),
            1 => (format!("since you were here, {when}: 1 new alert"), theme.warn),
            // More than are listed may have opened.
            ALERTS => (format!("since you were here, {when}: {ALERTS} new alerts or more"), theme.warn),
            more => (format!("since you were here, {when}: {more} new alerts"), theme.warn),
        }
    });
    let (words, style) = since.unwrap_or_else(|| ("your first time here".to_owned(), theme.faint));
    let used = pen.put(3, y, width, &words, style);
    pen.put_right(3 + used, y, width.saturating_sub(used), &next, theme.faint);
}

/// Draws a title and rows below it; returns the line after them.
fn draw_series(shared: &Shared, pen: &mut Pen<'_>, title: &'static str, rows: &[Series], area: Rect) -> u16 {
    let titles = [left(title, 22, 0), left("LAST 30 DAYS", LINE, 60), right("NOW", 6, 0), left("", 0, 0)];
    let table = Table::within(&titles, area.x, area.width);
    if area.height < 2 {
        return area.y;
    }
    table.titles(pen, area.y);
    let room = table.span(3).map_or(0, |(_, room)| room.into());
    for (row, y) in rows.iter().zip(area.y + 1..area.bottom()) {
        table.row(pen, y, &cells(shared, row, room), false);
    }
    area.bottom().min(area.y + 1 + rows.len() as u16)
}

/// A row's cells; `room` is how many columns its detail has.
fn cells(shared: &Shared, row: &Series, room: usize) -> Vec<Content> {
    let theme = &shared.theme;
    let platform = shared.platforms.iter().find(|platform| platform.name == row.name);
    let budget = platform.and_then(|platform| {
        let budget = platform.budget.as_ref()?;
        Some((platform, states::budget_bar(shared, budget, budget.share()?)))
    });
    let mut detail = cell(if columns(&row.detail) > room { &row.brief } else { &row.detail }, theme.faint);
    if let Some((platform, bar)) = budget {
        let next = platform.next_due_at.map(|at| format!("  next {}", format::until(shared.now, at)));
        let pieces = [("  ".to_owned(), theme.faint), bar];
        let pieces: Content = pieces.into_iter().chain(next.map(|next| (next, theme.faint))).collect();
        if width_of(&detail) + width_of(&pieces) <= room {
            detail.extend(pieces);
        }
    }
    vec![
        cell(&row.name, theme.plain),
        cell(sparkline::line(&row.values, LINE.into()), theme.faint),
        cell(&row.now, if row.is_short { theme.warn } else { theme.strong }),
        detail,
    ]
}

/// Draws who rose and who fell, side by side; returns the line after them.
fn draw_movers(shared: &Shared, state: &State, pen: &mut Pen<'_>, area: Rect, most: usize) -> u16 {
    if area.height < 2 {
        return area.y;
    }
    let days = match state.over {
        SortBy::Growth1 => "MOVERS, A DAY",
        SortBy::Growth7 => "MOVERS, 7 DAYS",
        _ => "MOVERS, 30 DAYS",
    };
    pen.put(area.x + 3, area.y, area.width, days, pen.theme.faint);
    let half = area.width / 2;
    let lines = area.y + 1..area.bottom().min(area.y + 1 + most as u16);
    let sides = [(&state.rose, 0, area.x, "none rose"), (&state.fell, state.rose.len(), area.x + half, "none fell")];
    for (rows, before, x, none) in sides {
        if rows.is_empty() {
            pen.put(x + 3, area.y + 1, half.saturating_sub(4), none, pen.theme.faint);
        }
        for ((index, row), y) in rows.iter().enumerate().zip(lines.clone()) {
            draw_mover(shared, state, row, before + index == state.cursor, pen, Rect { x, y, width: half, height: 1 });
        }
    }
    let longest = state.rose.len().max(state.fell.len()).clamp(1, most) as u16;
    area.bottom().min(area.y + 1 + longest)
}

fn draw_mover(shared: &Shared, state: &State, row: &InfluencerRow, here: bool, pen: &mut Pen<'_>, area: Rect) {
    let theme = &shared.theme;
    if here {
        pen.sign(area.x + 1, area.y, '▌', theme.accent);
    }
    let style: Style = if here { theme.strong } else { theme.plain };
    let (by, trend) = match state.moved(row) {
        Some(ratio) => (format::trend(ratio), theme.trend(Trend::of(ratio))),
        None => (format::UNKNOWN.to_owned(), theme.faint),
    };
    let count = shared.count(row.followers);
    let right = [(format!("{count:>6}  "), theme.faint), (format!("{by:>7}"), trend)];
    let room = area.width.saturating_sub(5);
    pen.put(area.x + 3, area.y, room.saturating_sub(width_of(&right) as u16 + 1), &row.name, style);
    pen.pieces_right(area.x + 3, area.y, room, &right);
}

/// Draws the newest open alerts; returns the line after them.
fn draw_alerts(shared: &Shared, state: &State, pen: &mut Pen<'_>, area: Rect, most: usize) -> u16 {
    if area.height < 2 {
        return area.y;
    }
    let theme = &shared.theme;
    pen.put(area.x + 3, area.y, area.width, "OPEN ALERTS", theme.faint);
    if state.alerts.is_empty() {
        pen.put(area.x + 3, area.y + 1, area.width, "none", theme.faint);
    }
    let before = state.rose.len() + state.fell.len();
    // The one under the cursor is always among those in sight.
    let first = (state.cursor + 1).saturating_sub(before + most);
    let rows = state.alerts.iter().enumerate().skip(first).take(most);
    for ((index, alert), y) in rows.zip(area.y + 1..area.bottom()) {
        let here = before + index == state.cursor;
        if here {
            pen.sign(area.x + 1, y, '▌', theme.accent);
        }
        let (shape, style) = states::alert_shape(shared, alert);
        let (whose, platform) = states::alert_subject(shared, alert);
        let age = format!(" {:>4}  ", format::age(shared.now, alert.opened_at));
        let mut pieces = vec![(shape.to_string(), style), (age, theme.faint)];
        pieces.push((whose, if here { theme.strong } else { theme.plain }));
        pieces.push((format!("{platform}   "), theme.faint));
        pieces.extend(states::alert_pieces(shared, alert));
        pen.pieces(area.x + 3, y, area.width.saturating_sub(4), &pieces);
    }
    let shown = state.alerts.len().clamp(1, most) as u16;
    area.bottom().min(area.y + 1 + shown)
}
