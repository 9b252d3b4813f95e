//! ```text
//!  Roster › Oskar & Ines  #beauty #nordic                  ◐ 97.8% synced   2 alerts
//!  followers 402K (-12.4% 7 d)   engagement 5.0%   main: YouTube   25m ago
//!  note: campaign spring, contract until June
//!    CONNECTION             STATE                            FOLLOWERS    ENG   NEXT
//!  ▌ ●yt @oskarines         25m ago · ±500                        402K   5.0%     5h
//!    ✗ig oskar.ines         needs a person: consent ended · c…       –      –      –
//!
//!  followers   30d [90d] 1y 5y · YouTube @oskarines           Nov 19: 459,000
//!   460K ⠤⠤⠤⠤⠤⠤⠤⠤⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠉⠉⠉⠉⠉⠉│
//!   400K                                                   ⠣⠤⠤ ▲
//!        Aug 24              Sep 23              Oct 23            Nov 21
//!  WHAT HAPPENED
//!    25m  yt  followers 459K → 402K (-12.4%)
//! ```

use ratatui::layout::Rect;
use roster_protocol::reported::Gender;
use roster_protocol::service::History;
use roster_protocol::{AlertState, Connection, Date, Influencer, Metric, Ratio, Timestamp};

use super::charted::Charted;
use super::{RANGES, State, seen_connections};
use crate::format::{self, Trend};
use crate::screens::states;
use crate::shared::Shared;
use crate::shared::histories::{Known, days_begin, missing_days};
use crate::widgets::chart::{Chart, WeekPoint};
use crate::widgets::pen::{Pen, columns, width_of};
use crate::widgets::table::{Content, Table, cell, left, right};

/// A chart higher than this shows no more.
const TALLEST: u16 = 20;

/// Draws the influencer.
pub fn view(shared: &Shared, state: &State, pen: &mut Pen<'_>) {
    let area = Rect { x: 0, y: 1, width: shared.size.width, height: shared.size.height.saturating_sub(2) };
    let Some(known) = &state.known else {
        let text = state.error.as_ref().map_or("loading…", |error| &error.message);
        pen.put(3, area.y + area.height / 3, area.width.saturating_sub(4), text, pen.theme.plain);
        return;
    };
    draw_summary(shared, known, pen, area.y);
    if let Some(note) = known.note.as_deref().filter(|note| !note.is_empty()) {
        pen.pieces(1, area.y + 1, area.width - 2, &[("note: ", pen.theme.faint), (note, pen.theme.plain)]);
    }
    let seen = seen_connections(shared.size, known.connections.len()) as u16;
    draw_connections(shared, state, known, pen, area.y + 2, seen);
    let mut below = area.y + 3 + seen;
    // Under the line that a long state may take.
    if let Some(words) = state.history(shared).and_then(|history| audience(history, area.width.saturating_sub(2))) {
        below += 1;
        pen.pieces(1, below, area.width - 2, &[("audience   ", pen.theme.faint), (&words, pen.theme.plain)]);
    }
    let left = (area.y + area.height).saturating_sub(below);
    // One line for the title and one for the dates; a third of the rest is for what happened.
    let happened = if left < 9 { 0 } else { (left / 3).max(left.saturating_sub(TALLEST)) };
    let chart = Rect { x: 0, y: below, width: area.width, height: left - happened };
    draw_chart(shared, state, pen, chart);
    if happened > 0 {
        draw_events(shared, state, pen, Rect { y: below + chart.height, height: happened, ..chart });
    }
}

fn draw_summary(shared: &Shared, known: &Influencer, pen: &mut Pen<'_>, y: u16) {
    let (plain, faint) = (pen.theme.plain, pen.theme.faint);
    let row = &known.row;
    let main = known.connections.iter().find(|connection| Some(connection.id) == row.main);
    let trend = row.growth_7d.map_or(Trend::Even, Trend::of);
    let growth = row.growth_7d.map(|growth| format!(" {} 7 d", format::trend(growth).trim_end())).unwrap_or_default();
    let rate = row.engagement_rate.map_or(format::UNKNOWN.to_owned(), format::percent);
    let chosen = if row.main_chosen { ", chosen" } else { "" };
    let main =
        main.map(|main| format!("   main: {}{chosen}", shared.platform_name(&main.platform))).unwrap_or_default();
    let all = format!("   {} in all", shared.count(row.followers_total));
    let age = row.synced_at.map(|at| format!("   {}", ago(shared, at))).unwrap_or_default();
    let followers = shared.count(row.followers);
    let paused = if row.sync_enabled { "" } else { "‖ paused · P resumes   " };
    let mut pieces = vec![
        (paused, pen.theme.warn),
        ("followers ", faint),
        (followers.as_str(), plain),
        (&growth, pen.theme.trend(trend)),
        ("   engagement ", faint),
        (&rate, plain),
        (&main, faint),
        (&all, faint),
        (&age, faint),
    ];
    // The last ones are shown whole or not at all.
    let room = usize::from(shared.size.width.saturating_sub(2));
    while pieces.len() > 6 && width_of(&pieces) > room {
        pieces.pop();
    }
    pen.pieces(1, y, shared.size.width - 2, &pieces);
}

fn ago(shared: &Shared, at: Timestamp) -> String {
    match format::age(shared.now, at).as_str() {
        "now" => "just now".to_owned(),
        age => format!("{age} ago"),
    }
}

fn draw_connections(shared: &Shared, state: &State, known: &Influencer, pen: &mut Pen<'_>, y: u16, seen: u16) {
    let width = shared.size.width;
    let handle = (width * 3 / 10).min(40);
    let numbers = if shared.exact { 13 } else { 9 };
    let table = [
        left("CONNECTION", handle, 0),
        left("STATE", 0, 0),
        right("FOLLOWERS", numbers, 0),
        right("POSTS", 7, 120),
        right("LIKES", 7, 120),
        right("VIEWS", 7, 120),
        right("ENG", 6, 60),
        right("NEXT", 5, 50),
    ];
    let table = Table::new(&table, width);
    if known.connections.is_empty() {
        pen.put(3, y, width.saturating_sub(4), "No account is connected yet: press c to connect one.", pen.theme.plain);
        return;
    }
    table.titles(pen, y);
    let rows = known.connections.iter().enumerate().skip(state.window.top).take(seen.into());
    for ((index, connection), y) in rows.zip(y + 1..) {
        let under_cursor = index == state.window.cursor;
        table.row(pen, y, &cells(shared, known, connection, under_cursor), under_cursor);
    }
    if let (Some(connection), Some((_, room))) = (state.connection(), table.span(1)) {
        let (words, style) = states::connection(shared, connection, !known.row.sync_enabled);
        // What the column had no room for is below in full.
        if columns(&words) > usize::from(room) {
            pen.put(3, y + 1 + seen, width.saturating_sub(4), &words, style);
        }
    }
}

fn cells(shared: &Shared, known: &Influencer, connection: &Connection, under_cursor: bool) -> Vec<Content> {
    let theme = &shared.theme;
    let (shape, style) = theme.badge(connection.badge, connection.paused);
    let (words, words_style) = states::connection(shared, connection, !known.row.sync_enabled);
    let name = if under_cursor { theme.strong } else { theme.plain };
    let number = |metric: Metric| {
        let value = connection.latest.as_ref().and_then(|latest| metric.of(&latest.numbers));
        let style = if value.is_some() { theme.plain } else { theme.faint };
        cell(states::value(shared, metric, value), style)
    };
    let next = match connection.next_due_at {
        Some(at) if !connection.paused => format::until(shared.now, at),
        _ => format::UNKNOWN.to_owned(),
    };
    vec![
        vec![
            (shape.to_string(), style),
            (format!("{} ", shared.platform_short(&connection.platform)), theme.plain),
            (connection.handle.clone(), name),
        ],
        cell(words, words_style),
        number(Metric::Followers),
        number(Metric::Posts),
        number(Metric::AvgLikes),
        number(Metric::AvgViews),
        number(Metric::EngagementRate),
        cell(next, theme.faint),
    ]
}

fn draw_chart(shared: &Shared, state: &State, pen: &mut Pen<'_>, area: Rect) {
    let Some(connection) = state.connection().filter(|_| area.height >= 4) else { return };
    let from = shared.today().plus_days(-state.days());
    let plot = Rect { x: 1, y: area.y + 2, width: area.width.saturating_sub(2), height: area.height - 2 };
    let mut about = String::new();
    let mut under_cursor = String::new();
    let middle = plot.y + plot.height / 2;
    match shared.histories.get(connection.id) {
        Known::NotYet => {}
        Known::Failed(error) => _ = pen.put(3, middle, plot.width, &error.message, pen.theme.faint),
        Known::History(history) => {
            let mut points = state.charted.points(history);
            points.retain(|(day, _)| *day >= from);
            let mut weeks = state.charted.weeks(history);
            weeks.retain(|week| week.monday >= from);
            let days_begin = days_begin(history).filter(|day| !weeks.is_empty() && *day >= from);
            if points.is_empty() && weeks.is_empty() {
                let why = match (state.charted.metric(), history.reported.days.is_empty()) {
                    (Some(metric), _) => format!("No {} measured in these days.", metric.label()),
                    (None, false) => format!("No {} reported in these days.", state.charted.label()),
                    (None, true) => "Figures of days are reported with the owner's consent only.".to_owned(),
                };
                let text = format!("{why} ] shows the next metric.");
                pen.put(3, middle, plot.width, &text, pen.theme.faint);
            }
            // What platforms report of days comes days late.
            let missing = missing_days(&points, from, shared.today());
            if missing > 0 && state.charted.metric().is_some() {
                about = format!(" · {missing} {} not measured", if missing == 1 { "day" } else { "days" });
            }
            if let Some(day) = days_begin {
                about.push_str(&format!(" · weeks before {}", format::day_near(day, shared.today())));
            }
            let breaks = state.charted.breaks(history);
            for (day, what) in breaks.iter().filter(|(day, _)| *day >= from) {
                let what = what.unwrap_or("counted in another manner");
                about.push_str(&format!(" · from {}: {what}", format::day_near(*day, shared.today())));
            }
            let borders: Vec<Date> = days_begin.into_iter().chain(breaks.iter().map(|(day, _)| *day)).collect();
            if let Some(limit) = history.limit.as_ref().filter(|limit| limit.from > from) {
                let day = format::day_near(limit.from, shared.today());
                about = format!(" · ends {day}: {}{about}", limit.why);
            }
            under_cursor =
                state.day.map(|day| under(shared, state.charted, (&points, &weeks), from, day)).unwrap_or_default();
            let values = points.iter().map(|(_, value)| *value);
            let bounds = weeks.iter().flat_map(|week| [week.least, week.most]);
            let label = format::axis(state.charted.unit(), values.chain(bounds), shared.exact);
            let marks = marks(shared, state, connection);
            let cursor = state.day.filter(|day| *day >= from);
            let (weeks, to) = (weeks.as_slice(), shared.today());
            Chart { points: &points, weeks, borders: &borders, from, to, label: &label, cursor, marks: &marks }
                .draw(pen, plot);
        }
    }
    draw_chart_title(shared, state, connection, pen, area.y + 1, &about, &under_cursor);
}

fn draw_chart_title(
    shared: &Shared,
    state: &State,
    connection: &Connection,
    pen: &mut Pen<'_>,
    y: u16,
    about: &str,
    under_cursor: &str,
) {
    let (strong, faint) = (pen.theme.strong, pen.theme.faint);
    let ranges = RANGES.map(|days| {
        let text = if days < 365 { format!("{days}d") } else { format!("{}y", days / 365) };
        if days == state.days() { format!("[{text}]") } else { text }
    });
    let width = shared.size.width.saturating_sub(2);
    let room = width.saturating_sub(under_cursor.chars().count() as u16 + 2);
    let pieces = [
        (state.charted.label(), strong),
        (format!("   {} · {}", ranges.join(" "), shared.label(connection)), faint),
        (about.to_owned(), faint),
    ];
    pen.pieces(1, y, room, &pieces);
    pen.put_right(1, y, width, under_cursor, strong);
}

/// Who the audience is, as far as it fits: `women 57%, men 41% · 25-34 44%, 18-24 31% · DE 31%, AT 9% (viewers)`.
fn audience(history: &History, room: u16) -> Option<String> {
    let (_, audience) = history.reported.audience.as_ref()?;
    let listed = |shares: Vec<(String, Ratio)>, most: usize| {
        let mut shares = shares;
        shares.sort_by_key(|(_, share)| std::cmp::Reverse(*share));
        let each = shares.iter().take(most).map(|(name, share)| format!("{name} {:.0}%", share.as_f64() * 100.0));
        each.collect::<Vec<_>>().join(", ")
    };
    let words = |gender: Gender| match gender {
        Gender::Female => "women",
        Gender::Male => "men",
        Gender::Other => "others",
    };
    let genders = audience.genders.iter().map(|(gender, share)| (words(*gender).to_owned(), *share)).collect();
    let ages = audience.ages.iter().map(|(range, share)| (range.to_string(), *share)).collect();
    let countries = audience.countries.iter().map(|(country, share)| (country.to_string(), *share)).collect();
    let most = usize::from(room / 30).clamp(2, 8);
    let parts = [listed(genders, most.min(3)), listed(ages, most), listed(countries, most)];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    Some(format!("{} ({})", parts.join(" · "), audience.of.as_str()))
}

/// What the chart has under its cursor: `Nov 19: 459,000`, or a week.
fn under(
    shared: &Shared,
    charted: Charted,
    (points, weeks): (&[(Date, f64)], &[WeekPoint]),
    from: Date,
    day: Date,
) -> String {
    if let Some(week) = weeks.iter().find(|week| week.monday == day) {
        let [least, most] = [week.least, week.most].map(|value| format::exact_value(charted.unit(), value));
        return format!("week of {}: {least} to {most}", format::day_near(day, shared.today()));
    }
    let value = match points.iter().find(|(measured, _)| *measured == day) {
        Some((_, value)) => format::exact_value(charted.unit(), *value),
        None if day < from => "before this chart".to_owned(),
        None => "not measured".to_owned(),
    };
    format!("{}: {value}", format::day_near(day, shared.today()))
}

/// The days on which alerts about what is charted were opened.
fn marks(shared: &Shared, state: &State, connection: &Connection) -> Vec<Date> {
    let about = state.alerts.iter().filter(|alert| alert.about.connection() == Some(connection.id));
    about
        .filter(|alert| alert.metric.is_none_or(|metric| state.charted == Charted::Measured(metric)))
        .map(|alert| shared.day_of(alert.opened_at))
        .collect()
}

/// One line of what happened.
struct Event {
    at: Timestamp,
    platform: String,
    text: String,
    alert: bool,
}

fn events(shared: &Shared, state: &State) -> Vec<Event> {
    let mut all: Vec<Event> = Vec::new();
    for change in &state.changes {
        let text = states::change(shared, change);
        match all.last_mut() {
            // What one sync brought is on one line.
            Some(last) if last.at == change.at && last.platform == change.platform => {
                last.text.push_str(", ");
                last.text.push_str(&text);
            }
            _ => all.push(Event { at: change.at, platform: change.platform.clone(), text, alert: false }),
        }
    }
    all.extend(state.connection().and_then(|connection| {
        let profile = connection.profile.as_ref()?;
        let text = states::profile(shared, profile);
        Some(Event { at: profile.as_of, platform: connection.platform.clone(), text, alert: false })
    }));
    all.extend(state.alerts.iter().map(|alert| Event {
        at: alert.opened_at,
        platform: alert.about.platform().unwrap_or_default().to_owned(),
        text: format!("alert: {}", alert.why),
        alert: alert.state == AlertState::Open,
    }));
    all.sort_by_key(|event| std::cmp::Reverse(event.at));
    all
}

fn draw_events(shared: &Shared, state: &State, pen: &mut Pen<'_>, area: Rect) {
    pen.put(1, area.y, area.width, "WHAT HAPPENED", pen.theme.faint);
    let all = events(shared, state);
    if all.is_empty() {
        pen.put(3, area.y + 1, area.width, "Nothing has changed yet.", pen.theme.faint);
    }
    for (event, y) in all.iter().zip(area.y + 1..area.y + area.height) {
        let faint = pen.theme.faint;
        pen.put_right(2, y, 4, &format::age(shared.now, event.at), faint);
        pen.sign(7, y, if event.alert { '!' } else { ' ' }, pen.theme.warn);
        pen.put(9, y, 3, shared.platform_short(&event.platform), faint);
        pen.put(13, y, area.width.saturating_sub(14), &event.text, pen.theme.plain);
    }
}
