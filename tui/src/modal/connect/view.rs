//! ```text
//!  Connect Oskar & Ines to Instagram
//!  Instagram will ask to share: profile, insights.
//!  Roster never posts. It will read: followers, posts, likes.
//!
//!  1  The app's settings must have this redirect URI:
//!     http://127.0.0.1:8787/oauth/instagram/callback
//!  2  Open this on any device:
//! https://consent.example/authorize?client_id=roster-client-id&redirect_uri=http%3A%2F%2F12
//! 7.0.0.1%3A8787%2Foauth%2Finstagram%2Fcallback&response_type=code&scope=profile%20insights
//!
//!     Browser elsewhere? First run there: ssh -L 8787:127.0.0.1:8787 this-host
//!  3  Waiting for the answer … 9:41 left, or p pastes the address you land on
//! ```
//! The URL begins at the left edge with nothing beside it, so that it can be marked with a mouse.

mod code;

use ratatui::layout::{Rect, Size};
use ratatui::style::Style;
use roster_protocol::{ConsentChoice, ConsentedConnection, RosterError};

use super::{Choosing, Connect, Notice, Phase, WaitView, Waiting};
use crate::consent::{asks, if_refused, missing, must_paste, reads, result_of, scanned, shown_url, ssh_line, taken};
use crate::format;
use crate::shared::Shared;
use crate::widgets::input;
use crate::widgets::pen::{Pen, broken, lines};
use crate::widgets::qr::Qr;

/// Draws the modal over the whole screen.
pub fn view(shared: &Shared, connect: &Connect, pen: &mut Pen<'_>) {
    let size = shared.size;
    let area = Rect { x: 0, y: 1, width: size.width, height: size.height.saturating_sub(2) };
    pen.clear(area);
    if let Phase::Waiting(waiting) = &connect.phase
        && waiting.view == WaitView::Code
    {
        return code::draw_alone(waiting, pen, area);
    }
    let title = format!("Connect {} to {}", connect.target.name, shared.platform_name(&connect.target.platform));
    pen.put(1, area.y, area.width.saturating_sub(2), &title, pen.theme.strong);
    let body = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    match &connect.phase {
        Phase::Beginning => _ = pen.put(1, body.y + 1, body.width, "Requesting the address …", pen.theme.plain),
        Phase::Waiting(waiting) => draw_waiting(shared, connect, waiting, pen, body),
        Phase::Choosing(choosing) => draw_choosing(shared, connect, choosing, pen, body),
        Phase::Connected(consented) => draw_connected(shared, connect, consented, pen, body),
        Phase::Failed(error) => draw_failed(error, pen, body),
    }
}

/// One line of the wait. The least wanted are left out where there is too little room.
struct Line {
    wanted: u8,
    /// Whether its sentence begins on the line before.
    continues: bool,
    what: What,
}

enum What {
    Blank,
    Text(String, Style),
    /// From the left edge on.
    Url(String),
    /// Where the address is pasted.
    Address,
}

/// Never left out.
const ALWAYS: u8 = 9;

fn text(wanted: u8, text: impl Into<String>, style: Style) -> Line {
    Line { wanted, continues: false, what: What::Text(text.into(), style) }
}

/// The lines of one sentence: the first is wanted more than the others.
fn sentence(wanted: (u8, u8), lines: impl IntoIterator<Item = String>, style: Style) -> Vec<Line> {
    let lines = lines.into_iter().enumerate();
    lines
        .map(|(at, line)| match at {
            0 => text(wanted.0, line, style),
            _ => Line { continues: true, ..text(wanted.1, line, style) },
        })
        .collect()
}

/// A part of a URL.
fn url(wanted: u8, part: String) -> Line {
    Line { wanted, continues: false, what: What::Url(part) }
}

fn blank() -> Line {
    Line { wanted: 0, continues: false, what: What::Blank }
}

/// A numbered step, broken over lines.
fn numbered(number: u8, step: &str, width: u16) -> Vec<String> {
    let lines = lines(step, width.saturating_sub(3), 4).into_iter().enumerate();
    lines.map(|(at, line)| if at == 0 { format!("{number}  {line}") } else { format!("   {line}") }).collect()
}

/// What the consent is, and what must be in order for it.
fn intro(waiting: &Waiting, pen: &Pen<'_>, width: u16) -> Vec<Line> {
    let plain = pen.theme.plain;
    let begun = &waiting.begun;
    let room = width.saturating_sub(2);
    let mut all: Vec<Line> = Vec::new();
    let twice = if width < 60 { 2 } else { 1 };
    for (words, most) in [(asks(begun), 3 * twice), (reads(begun), 2 * twice)] {
        all.extend(sentence((4, 2), lines(&words, room, most), plain));
    }
    all.push(blank());
    if let Some(redirect_uri) = &begun.redirect_uri {
        let redirect_uri = shown_url(redirect_uri);
        let words = "The app's settings must have this redirect URI:";
        match 3 + words.len() + redirect_uri.len() < usize::from(room) {
            true => all.push(text(6, format!("1  {words} {redirect_uri}"), plain)),
            false => {
                all.extend(sentence((3, 3), numbered(1, words, room), plain));
                let uri = broken(&redirect_uri, room.saturating_sub(3));
                all.extend(uri.into_iter().map(|line| text(6, format!("   {line}"), plain)));
            }
        }
    }
    all
}

/// What is above the URL, and the URL.
fn before(connect: &Connect, waiting: &Waiting, pen: &Pen<'_>, width: u16) -> Vec<Line> {
    let (plain, faint) = (pen.theme.plain, pen.theme.faint);
    let begun = &waiting.begun;
    let mut all = intro(waiting, pen, width);
    let number = if begun.redirect_uri.is_some() { 2 } else { 1 };
    all.push(match &begun.user_code {
        Some(code) => {
            text(8, format!("{number}  Open this on any device, and type the code  {code}"), pen.theme.strong)
        }
        None => text(7, format!("{number}  Open this on any device:"), plain),
    });
    all.extend(broken(&shown_url(&begun.url), width).into_iter().map(|part| url(ALWAYS, part)));
    if let Some(short_url) = &begun.short_url {
        all.push(text(6, "   or this, which leads there once:", plain));
        all.extend(broken(&shown_url(short_url), width).into_iter().map(|part| url(7, part)));
    }
    all.push(blank());
    if connect.method == roster_protocol::ConsentMethod::Redirect
        && let Some(ssh_line) = ssh_line(begun)
    {
        all.push(text(5, format!("   Browser elsewhere? First run there: {ssh_line}"), faint));
    }
    all
}

/// What is below: the wait itself, and the notice.
fn after(shared: &Shared, connect: &Connect, waiting: &Waiting, pen: &Pen<'_>, width: u16) -> Vec<Line> {
    let mut all = vec![state_line(shared, waiting, pen)];
    if waiting.view == WaitView::Pasting {
        all.push(Line { wanted: ALWAYS, continues: false, what: What::Address });
    }
    all.extend(notices(connect, pen, width));
    all
}

fn state_line(shared: &Shared, waiting: &Waiting, pen: &Pen<'_>) -> Line {
    let number = if waiting.begun.redirect_uri.is_some() { 3 } else { 2 };
    text(8, format!("{number}  {}", state(shared, waiting)), pen.theme.plain)
}

/// What to do about a refusal that is foreseen; it gives way to all else.
fn advice(waiting: &Waiting, pen: &Pen<'_>, width: u16) -> Vec<Line> {
    let advice = lines(&if_refused(&waiting.begun), width.saturating_sub(5), 4);
    sentence((1, 1), advice.into_iter().map(|line| format!("   {line}")), pen.theme.faint)
}

/// What was done or went wrong meanwhile.
fn notices(connect: &Connect, pen: &Pen<'_>, width: u16) -> Vec<Line> {
    let faint = pen.theme.faint;
    let room = width.saturating_sub(5);
    let mut all: Vec<Line> = Vec::new();
    match &connect.notice {
        None => {}
        Some(Notice::Done(sentence)) => {
            let signs = std::iter::once('✓').chain(std::iter::repeat(' '));
            let sentence = signs.zip(lines(sentence, room, 3));
            all.extend(sentence.map(|(sign, line)| text(8, format!("{sign}  {line}"), pen.theme.good)));
        }
        Some(Notice::Failed(error)) => {
            let sentence = lines(&error.message, room, 3);
            let signs = std::iter::once('✗').chain(std::iter::repeat(' '));
            all.extend(signs.zip(sentence).map(|(sign, line)| text(8, format!("{sign}  {line}"), pen.theme.bad)));
            let hint = lines(error.hint.as_deref().unwrap_or_default(), room, 2);
            all.extend(hint.into_iter().map(|line| text(7, format!("   {line}"), faint)));
        }
    }
    all
}

/// The state of the wait in words.
fn state(shared: &Shared, waiting: &Waiting) -> String {
    let begun = &waiting.begun;
    let left = left(begun.expires_at.since(shared.now));
    match (waiting.finishing, waiting.view) {
        (true, _) => format!("Answered. Requesting from {} what may be read …", begun.platform_name),
        (_, WaitView::Pasting) => format!("The address you landed on, then Enter … {left} left"),
        _ if must_paste(begun) => {
            format!("The listener is off: p, then paste the address you land on … {left} left")
        }
        _ if begun.user_code.is_some() => format!("Waiting for the answer … {left} left. d goes back to a URL"),
        _ => format!("Waiting for the answer … {left} left, or p pastes the address you land on"),
    }
}

/// Minutes and seconds: `9:41`.
fn left(millis: i64) -> String {
    let seconds = millis.max(0) / 1_000;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

fn draw_waiting(shared: &Shared, connect: &Connect, waiting: &Waiting, pen: &mut Pen<'_>, body: Rect) {
    let above = before(connect, waiting, pen, body.width);
    let code = Qr::new(scanned(&waiting.begun)).filter(|_| !waiting.finishing && waiting.view == WaitView::Guide);
    let rest = body.height.saturating_sub(above.len() as u16);
    // Beside what is below the URL, or under it, or nowhere.
    let beside = code.as_ref().filter(|code| {
        let (columns, lines) = code.size();
        columns + 70 <= usize::from(body.width) && lines <= usize::from(rest)
    });
    // Not at the far edge of a wide screen, but where the eye is.
    let left = |code: &Qr| body.width.saturating_sub(code.size().0 as u16 + 2).min(BESIDE);
    let narrow = beside.map_or(body.width, |code| left(code).saturating_sub(1));
    let mut below = after(shared, connect, waiting, pen, narrow);
    let at = body.y + above.len() as u16;
    let is_below = match (&code, beside) {
        (Some(code), Some(_)) => {
            code::draw(code, pen, left(code), at);
            false
        }
        (Some(code), None) if code.fits(body.width.into(), usize::from(rest).saturating_sub(below.len() + 1)) => {
            code::draw(code, pen, 3, at + below.len() as u16 + 1);
            true
        }
        (Some(code), None) if code::fits_beside(code, body) => {
            return code::draw_beside(shared, connect, waiting, code, pen, body);
        }
        _ => false,
    };
    if !waiting.finishing && !is_below {
        below.extend(advice(waiting, pen, narrow));
    }
    let mut all: Vec<Line> = above;
    all.extend(below);
    give_way(&mut all, body.height.into());
    draw_lines(waiting, pen, body, &all);
}

fn draw_lines(waiting: &Waiting, pen: &mut Pen<'_>, area: Rect, all: &[Line]) {
    for (line, y) in all.iter().zip(area.y..area.y + area.height) {
        match &line.what {
            What::Blank => {}
            What::Text(text, style) => _ = pen.put(1, y, area.width.saturating_sub(2), text, *style),
            What::Url(text) => _ = pen.put(0, y, area.width, text, pen.theme.strong),
            What::Address => {
                pen.sign(1, y, '▌', pen.theme.accent);
                input::draw(pen, &waiting.address, 3, y, area.width.saturating_sub(4));
            }
        }
    }
}

/// The column of a code beside the state of the wait, on a wide screen.
const BESIDE: u16 = 80;

/// Leaves lines out until the rest fits, the least wanted first and of those the last. A sentence that lost its end
/// is marked.
fn give_way(all: &mut Vec<Line>, height: usize) {
    while all.len() > height {
        let least = all.iter().map(|line| line.wanted).min().unwrap_or_default();
        let last = all.iter().rposition(|line| line.wanted == least).unwrap_or_default();
        let out = all.remove(last);
        let before = last.checked_sub(1).and_then(|before| all.get_mut(before));
        if let Some(Line { what: What::Text(text, _), .. }) = before.filter(|_| out.continues)
            && !text.ends_with('…')
        {
            text.push_str(" …");
        }
    }
}

/// How many choices are seen at once.
pub fn seen_choices(size: Size) -> usize {
    usize::from(size.height.saturating_sub(10)).max(1)
}

fn draw_choosing(shared: &Shared, connect: &Connect, choosing: &Choosing, pen: &mut Pen<'_>, body: Rect) {
    let plain = pen.theme.plain;
    let room = body.width.saturating_sub(2);
    let sentence =
        format!("The consent opens {} accounts. Which belong to {}?", choosing.choices.len(), connect.target.name);
    pen.put(1, body.y + 1, room, &sentence, plain);
    let seen = seen_choices(shared.size);
    let rows = choosing.choices.iter().enumerate().skip(choosing.window.top).take(seen);
    for ((index, choice), y) in rows.zip(body.y + 3..) {
        draw_choice(shared, connect, choosing, (index, choice), pen, y);
    }
    let below = body.y + 4 + choosing.choices.len().min(seen) as u16;
    match (&connect.notice, choosing.sent) {
        (_, true) => _ = pen.put(1, below, room, "Connecting …", plain),
        (Some(Notice::Failed(error)), _) => draw_error(error, pen, Rect { x: 1, y: below, width: room, height: 3 }),
        (_, false) => {
            let sentence = "Space marks several. Without a mark, the one under the cursor is taken.";
            pen.put(1, below, room, sentence, pen.theme.faint);
        }
    }
}

fn draw_choice(
    shared: &Shared,
    connect: &Connect,
    choosing: &Choosing,
    (index, choice): (usize, &ConsentChoice),
    pen: &mut Pen<'_>,
    y: u16,
) {
    let (plain, faint) = (pen.theme.plain, pen.theme.faint);
    let under_cursor = index == choosing.window.cursor;
    if under_cursor {
        pen.sign(1, y, '▌', pen.theme.accent);
    }
    let mark = if choosing.marked.contains(&index) { "[x]" } else { "[ ]" };
    pen.put(3, y, 3, mark, plain);
    let width = shared.size.width;
    let handle = (width * 3 / 10).min(40);
    pen.put(7, y, handle, &choice.handle, if under_cursor { pen.theme.strong } else { plain });
    let at = 7 + handle + 1;
    pen.put_right(at, y, 13, &shared.count(choice.followers), plain);
    let at = at + 15;
    let name = choice.name.as_deref().unwrap_or_default();
    let taken = taken(choice, Some(connect.target.influencer));
    let between = if name.is_empty() || taken.is_empty() { "" } else { " · " };
    pen.pieces(at, y, width.saturating_sub(at + 1), &[(name, plain), (between, faint), (taken, pen.theme.warn)]);
}

fn draw_connected(
    shared: &Shared,
    connect: &Connect,
    consented: &[ConsentedConnection],
    pen: &mut Pen<'_>,
    body: Rect,
) {
    let (plain, faint) = (pen.theme.plain, pen.theme.faint);
    let room = body.width.saturating_sub(2);
    let mut all: Vec<Vec<(String, Style)>> = vec![Vec::new()];
    for one in consented {
        let (shape, style) = if one.missing.is_empty() { ("● ", pen.theme.good) } else { ("◐ ", pen.theme.warn) };
        all.push(vec![
            (shape.to_owned(), style),
            (shared.label(&one.connection), pen.theme.strong),
            (format!("   {}", result_of(one)), faint),
            (format!("   {}", numbers(shared, one)), plain),
        ]);
        all.extend(one.missing.iter().map(|scope| vec![(format!("  {}", missing(scope)), pen.theme.warn)]));
    }
    if consented.iter().any(|one| !one.missing.is_empty()) {
        all.push(vec![("  Connect it once more and allow all, to have those too.".to_owned(), faint)]);
    }
    all.push(Vec::new());
    if consented.iter().any(|one| one.is_new) {
        let sentence = "Wrong account? u takes back what is new, with its history.";
        all.push(vec![(sentence.to_owned(), faint)]);
    }
    let drawn = all.len().min(body.height.into()) as u16;
    for (line, y) in all.iter().zip(body.y..body.y + body.height) {
        pen.pieces(1, y, room, line);
    }
    if let Some(Notice::Failed(error)) = &connect.notice {
        draw_error(error, pen, Rect { x: 1, y: body.y + drawn, width: room, height: 2 });
    }
}

/// The first numbers, as soon as they are there.
fn numbers(shared: &Shared, one: &ConsentedConnection) -> String {
    let connection = &one.connection;
    let latest = connection.latest.as_ref().filter(|_| connection.last_synced_at.is_some());
    match (latest, &connection.last_error) {
        (_, Some(error)) => error.clone(),
        (Some(latest), None) => {
            let posts = latest.numbers.posts.map(|posts| format!(", {} posts", format::exact(posts)));
            let followers = match latest.numbers.followers {
                Some(_) => format!("{} followers", shared.count(latest.numbers.followers)),
                None => "followers hidden".to_owned(),
            };
            format!("{followers}{}", posts.unwrap_or_default())
        }
        (None, None) => "numbers are on their way …".to_owned(),
    }
}

fn draw_failed(error: &RosterError, pen: &mut Pen<'_>, body: Rect) {
    let area = Rect { x: 1, y: body.y + 1, width: body.width.saturating_sub(2), height: 6.min(body.height) };
    draw_error(error, pen, area);
    let sentence = "r tries again; nothing was connected.";
    pen.put(1, body.y + 6, body.width.saturating_sub(2), sentence, pen.theme.faint);
}

fn draw_error(error: &RosterError, pen: &mut Pen<'_>, area: Rect) {
    let message = Rect { height: area.height.div_ceil(2), ..area };
    let used = pen.wrapped(message, &format!("✗ {}", error.message), pen.theme.bad);
    let hint = Rect { y: area.y + used, height: area.height - used, ..area };
    pen.wrapped(hint, error.hint.as_deref().unwrap_or_default(), pen.theme.faint);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_remaining_time_is_exact_to_the_second() {
        let check = |millis: i64, expected: &str| assert_eq!(left(millis), expected);
        check(581_999, "9:41");
        check(60_000, "1:00");
        check(3_599_000, "59:59");
        check(-5, "0:00");
        check(i64::MIN, "0:00");
    }

    #[test]
    fn a_sentence_that_lost_its_end_is_marked() {
        let check = |height: usize, expected: &str| {
            let lines = ["one", "two", "three"].map(str::to_owned);
            let mut all = vec![text(8, "head", Style::new())];
            all.extend(sentence((4, 2), lines, Style::new()));
            give_way(&mut all, height);
            let left = all.iter().filter_map(|line| match &line.what {
                What::Text(text, _) => Some(text.as_str()),
                _ => None,
            });
            assert_eq!(left.collect::<Vec<_>>().join("|"), expected, "{height}");
        };
        check(4, "head|one|two|three");
        check(3, "head|one|two …");
        check(2, "head|one …");
        check(1, "head");
    }

    #[test]
    fn what_is_least_wanted_is_left_out() {
        let style = Style::new();
        let check = |height: usize, expected: &str| {
            let mut all = vec![text(4, "a", style), blank(), text(6, "b", style), text(ALWAYS, "u", style), blank()];
            all.push(text(8, "w", style));
            give_way(&mut all, height);
            let left: String = all
                .iter()
                .map(|line| match &line.what {
                    What::Text(text, _) => text.as_str(),
                    _ => "_",
                })
                .collect();
            assert_eq!(left, expected, "{height}");
        };
        check(6, "a_bu_w");
        check(5, "a_buw");
        check(4, "abuw");
        check(3, "buw");
        check(2, "uw");
        check(1, "u");
        check(0, "");
    }
}
