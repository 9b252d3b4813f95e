//! ```text
//!  Roster  312 influencers · 704 connections          ◐ 97.8% synced   2 alerts
//!  / platform:youtube growth30:>5%                       41 of 312 · by followers
//!    NAME                 PLATFORMS       MAIN FLW    7 D    30 D    ENG SYNCED
//!  ▌ Mara Lindqvist       ●yt ●ig ●tt        1.24M  +0.8%   +5.1%↑  4.2%    12m
//!    Oskar & Ines         ●yt ✗ig ●bs         402K -12.4%▼ -11.9%▼  5.0%    25m !
//!  ─────────────────────────────────────────────────────────────────────────────
//!  Mara Lindqvist   followers of the main account, 90 days  1.24M of 2M in all  +5.1%↑ 30 d
//!   1.24M                                                  ⣀⣀⣠⠤⠔⠒⠉⠉
//!   1.18M ⣀⣀⣀⣀⣀⣀⡠⠤⠤⠤⠤⠒⠒⠒⠊⠉⠉⠉⠉
//!         Aug 24              Sep 23               Oct 23            Nov 21
//! ```

use ratatui::layout::Rect;
use ratatui::style::Style;
use roster_protocol::{Badge, InfluencerRow, Metric, Ratio, SortBy, Status};

use super::{PANE_DAYS, State, areas};
use crate::format::{self, Trend};
use crate::shared::columns::{self, Field, LINE, WIDE};
use crate::shared::histories::{Known, missing_days, points};
use crate::shared::{Link, Shared};
use crate::widgets::chart::Chart;
use crate::widgets::input;
use crate::widgets::pen::{Pen, width_of};
use crate::widgets::sparkline;
use crate::widgets::table::{Content, Table, cell, left, right};

/// `312 influencers · 704 connections`, for the first line.
pub fn totals(status: &Status) -> String {
    let plural = |number: u64, word: &str| match number {
        1 => format!("1 {word}"),
        _ => format!("{} {word}s", format::exact(number)),
    };
    format!("{} · {}", plural(status.influencers, "influencer"), plural(status.connections.total, "connection"))
}

/// Draws the roster.
pub fn view(shared: &Shared, state: &State, pen: &mut Pen<'_>) {
    let areas = areas(shared.size);
    draw_filter(state, pen, areas.filter);
    let unanswered = draw_unanswered(shared, state, pen, areas.titles);
    if state.matching == 0 || !state.loaded {
        draw_nothing(shared, state, pen, areas.rows);
    } else {
        let titles = (!unanswered).then_some(areas.titles);
        draw_rows(shared, state, pen, titles, areas.rows);
    }
    if let Some(pane) = areas.pane {
        draw_pane(shared, state, pen, pane);
    }
}

fn draw_filter(state: &State, pen: &mut Pen<'_>, area: Rect) {
    let faint = pen.theme.faint;
    let order = format!("by {}{}", state.sort.as_str(), if state.reverse { ", reversed" } else { "" });
    let how_many = match (state.loaded, state.filter.value().trim().is_empty()) {
        (false, _) => String::new(),
        // These would be of another filter or order.
        (true, _) if !state.is_answered() => String::new(),
        (true, true) => order,
        (true, false) => {
            let (matching, total) = (format::exact(state.matching as u64), format::exact(state.total as u64));
            format!("{matching} of {total} · {order}")
        }
    };
    let room = area.width.saturating_sub(how_many.chars().count() as u16 + 4);
    pen.put_right(area.x, area.y, area.width.saturating_sub(1), &how_many, faint);
    let filter = state.filter.value();
    if state.filtering {
        pen.sign(1, area.y, '/', pen.theme.accent);
        input::draw(pen, &state.filter, 3, area.y, room.saturating_sub(3));
    } else if !filter.is_empty() {
        pen.pieces(1, area.y, room, &[("/ ", faint), (filter, pen.theme.plain)]);
    }
}

/// Says under the filter why the rows below are not its rows; returns whether they are not.
fn draw_unanswered(shared: &Shared, state: &State, pen: &mut Pen<'_>, area: Rect) -> bool {
    let (faint, bad) = (pen.theme.faint, pen.theme.bad);
    let width = area.width.saturating_sub(2);
    match (&state.error, &shared.link) {
        _ if !state.loaded => return false,
        (Some(error), _) => {
            let message = format!("✗ {}  ", error.message);
            pen.pieces(1, area.y, width, &[(&*message, bad), (error.hint.as_deref().unwrap_or_default(), faint)]);
        }
        _ if state.is_answered() => return false,
        (None, Link::Offline { .. }) => {
            pen.put(1, area.y, width, "✗ offline: the rows below are not filtered or sorted anew", bad);
        }
        (None, _) if state.is_waiting() => return false,
        (None, _) => {
            pen.put(1, area.y, width, "✗ no response: the rows below are not filtered or sorted anew", bad);
        }
    }
    true
}

fn draw_nothing(shared: &Shared, state: &State, pen: &mut Pen<'_>, area: Rect) {
    let example = shared
        .example_account()
        .map_or("or just a name.".to_owned(), |account| format!("such as {account}, or just a name."));
    let lines: [&str; 3] = match (&state.error, state.loaded, state.total) {
        (Some(error), false, _) => [&error.message, error.hint.as_deref().unwrap_or(""), ""],
        (None, false, _) => ["loading…", "", ""],
        (_, true, 0) => {
            ["The roster is empty.", "Press a to add the first: a profile's URL, a handle with its platform", &example]
        }
        (Some(_), true, _) => [
            "A filter is words that must all fit:",
            "mara  \"mara lind\"  platform:NAME  tag:beauty  status:error  is:alerting",
            "followers:>10k  growth7:<-2%  growth30:>5%  engagement:>3%  -tag:beauty",
        ],
        _ if !state.is_answered() => ["", "", ""],
        _ => ["No influencer fits this filter.", "Esc clears it.", ""],
    };
    let middle = area.y + area.height / 3;
    for (line, y) in lines.iter().zip(middle..area.y + area.height) {
        pen.put(3, y, area.width.saturating_sub(4), line, if y == middle { pen.theme.plain } else { pen.theme.faint });
    }
}

fn draw_rows(shared: &Shared, state: &State, pen: &mut Pen<'_>, titles: Option<Rect>, area: Rect) {
    let fields = columns::shown(&shared.remembered, shared.size.width, shared.exact, state.sort);
    let column = |(field, width): &(Field, u16)| match field.is_right() {
        true => right(field.title(), *width, 0),
        false => left(field.title(), *width, 0),
    };
    let table = Table::new(&fields.iter().map(column).collect::<Vec<_>>(), shared.size.width);
    let sorted = fields.iter().position(|(field, _)| field.sort() == Some(state.sort));
    // Names begin with the first letter, numbers with the largest.
    let falls = (state.sort == SortBy::Name) == state.reverse;
    titles.iter().for_each(|titles| table.titles_sorted(pen, titles.y, sorted.map(|at| (at, falls))));
    let seen = (state.window.top..state.matching).take(usize::from(area.height));
    for (index, y) in seen.zip(area.y..) {
        let under_cursor = index == state.window.cursor;
        match state.row(index) {
            Some(row) => {
                let cells = fields.iter().map(|(field, _)| content(shared, row, *field, under_cursor));
                table.row(pen, y, &cells.collect::<Vec<_>>(), under_cursor);
            }
            None => table.row(pen, y, &[cell("…", pen.theme.faint)], under_cursor),
        }
    }
}

fn content(shared: &Shared, row: &InfluencerRow, field: Field, under_cursor: bool) -> Content {
    let theme = &shared.theme;
    let old = row.synced_at.is_none_or(|at| shared.now.since(at) > 24 * 3_600_000);
    let numbers = if old { theme.faint } else { theme.plain };
    let known = |text: String| {
        let unknown = text == format::UNKNOWN;
        cell(text, if unknown { theme.faint } else { numbers })
    };
    match field {
        Field::Name => cell(&row.name, if under_cursor { theme.strong } else { theme.plain }),
        Field::Platforms => badges(shared, row),
        Field::Followers => known(shared.count(row.followers)),
        Field::Total => known(shared.count(row.followers_total)),
        Field::Day => growth(shared, row.growth_1d, old),
        Field::Week => growth(shared, row.growth_7d, old),
        Field::Month => growth(shared, row.growth_30d, old),
        Field::Line => {
            let way = sparkline::change(&row.recent).map_or(Trend::Even, Trend::of);
            cell(sparkline::line(&row.recent, LINE.into()), theme.line(way))
        }
        Field::Engagement => known(row.engagement_rate.map_or(format::UNKNOWN.to_owned(), format::percent)),
        Field::Synced => synced(shared, row, old),
        Field::Alerts => cell(if row.open_alerts > 0 { "!" } else { "" }, theme.warn),
        Field::Tags => cell(format::tags(&row.tags), theme.faint),
        Field::Note => cell(row.note.as_deref().unwrap_or_default(), theme.faint),
    }
}

fn growth(shared: &Shared, ratio: Option<Ratio>, old: bool) -> Content {
    let theme = &shared.theme;
    let Some(ratio) = ratio else { return cell(format!("{} ", format::UNKNOWN), theme.faint) };
    let trend = Trend::of(ratio);
    cell(format::trend(ratio), if old { theme.line(trend) } else { theme.trend(trend) })
}

fn synced(shared: &Shared, row: &InfluencerRow, old: bool) -> Content {
    match row.synced_at {
        _ if !row.sync_enabled => cell("paused", shared.theme.faint),
        Some(at) => cell(format::age(shared.now, at), if old { shared.theme.faint } else { shared.theme.plain }),
        None if row.platforms.is_empty() => cell(format::UNKNOWN, shared.theme.faint),
        None => cell("never", shared.theme.faint),
    }
}

fn badges(shared: &Shared, row: &InfluencerRow) -> Content {
    let most = if shared.size.width >= WIDE { 6 } else { 3 };
    let mut pieces: Content = Vec::new();
    let (shown, hidden) = row.platforms.split_at(row.platforms.len().min(most));
    for badge in shown {
        let (shape, style) = shared.theme.badge(badge.badge, badge.paused);
        pieces.push((shape.to_string(), style));
        pieces.push((format!("{} ", shared.platform_short(&badge.platform)), shared.theme.plain));
    }
    if let Some(worst) = hidden.iter().map(|badge| badge.badge).max() {
        // What there is no room for must not hide that something is wrong.
        let style = if worst == Badge::Green { shared.theme.faint } else { shared.theme.badge(worst, false).1 };
        pieces.push((format!("+{}", hidden.len()), style));
    }
    if row.platforms.is_empty() {
        pieces.push(("no account yet".to_owned(), shared.theme.faint));
    }
    pieces
}

fn draw_pane(shared: &Shared, state: &State, pen: &mut Pen<'_>, area: Rect) {
    let Some(row) = &state.explained else { return };
    pen.rule(1, area.y, area.width.saturating_sub(2));
    let below = Rect { x: 1, y: area.y + 2, width: area.width.saturating_sub(2), height: area.height - 2 };
    let chart = Rect { width: below.width.min(CHART), ..below };
    let x = chart.right() + 3;
    draw_words(row, pen, Rect { x, width: below.right().saturating_sub(x), ..below });
    let faint = pen.theme.faint;
    let mut about = String::from("   followers of the main account, 90 days");
    match row.main.map(|main| shared.histories.get(main)) {
        None => message(pen, chart, "No account is connected: press c to connect one.", faint),
        Some(Known::NotYet) => {}
        Some(Known::Failed(error)) => message(pen, chart, &error.message, faint),
        Some(Known::History(history)) => {
            let points = points(&history.snapshots, Metric::Followers);
            let from = shared.today().plus_days(-PANE_DAYS);
            match missing_days(&points, from, shared.today()) {
                0 => {}
                1 => about.push_str(" · 1 day not measured"),
                days => about.push_str(&format!(" · {days} days not measured")),
            }
            draw_chart(shared, pen, chart, &points);
        }
    }
    let right = of_all(shared, row);
    let room = area.width.saturating_sub(width_of(&right) as u16 + 3);
    pen.pieces(1, area.y + 1, room, &[(row.name.as_str(), pen.theme.strong), (about.as_str(), faint)]);
    pen.pieces_right(1, area.y + 1, area.width.saturating_sub(2), &right);
}

/// The chart's most columns: a dot for each day, and what is written beside them. Every step of the cursor draws it.
const CHART: u16 = PANE_DAYS as u16 / 2 + 10;

/// What was written about an influencer, beside the chart.
fn draw_words(row: &InfluencerRow, pen: &mut Pen<'_>, area: Rect) {
    // Narrower than this it would be a column of single words.
    if area.width < 16 {
        return;
    }
    let used = pen.wrapped(Rect { height: area.height.min(2), ..area }, &format::tags(&row.tags), pen.theme.faint);
    let y = area.y + used + u16::from(used > 0);
    let note = Rect { y, height: area.bottom().saturating_sub(y), ..area };
    pen.wrapped(note, row.note.as_deref().unwrap_or_default(), pen.theme.plain);
}

/// `1.24M of 2M in all  +5.1%↑ 30 d`.
fn of_all(shared: &Shared, row: &InfluencerRow) -> Content {
    let theme = &shared.theme;
    let Some(total) = row.followers_total else { return Vec::new() };
    let (main, all) = (shared.count(row.followers), shared.count(Some(total)));
    let growth = match row.growth_30d {
        None => (format::UNKNOWN.to_owned(), theme.faint),
        Some(ratio) => (format::trend(ratio).trim_end().to_owned(), theme.trend(Trend::of(ratio))),
    };
    vec![(format!("{main} of {all} in all  "), theme.plain), growth, (" 30 d".to_owned(), theme.faint)]
}

fn message(pen: &mut Pen<'_>, area: Rect, text: &str, style: Style) {
    pen.put(3, area.y + area.height / 2, area.width.saturating_sub(4), text, style);
}

fn draw_chart(shared: &Shared, pen: &mut Pen<'_>, area: Rect, points: &[(roster_protocol::Date, f64)]) {
    let from = shared.today().plus_days(-PANE_DAYS);
    let seen: Vec<_> = points.iter().copied().filter(|(day, _)| *day >= from).collect();
    if seen.is_empty() {
        return message(pen, area, "No followers measured in these days.", pen.theme.faint);
    }
    let label = format::axis(Metric::Followers, seen.iter().map(|(_, value)| *value), shared.exact);
    let chart = Chart {
        points: &seen,
        weeks: &[],
        borders: &[],
        from,
        to: shared.today(),
        label: &label,
        cursor: None,
        marks: &[],
    };
    chart.draw(pen, area);
}
