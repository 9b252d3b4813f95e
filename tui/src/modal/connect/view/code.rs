//! The QR code of a wait: beside the guide, or alone.
//!
//! ```text
//!  Connect Oskar & Ines to Instagram
//!  Instagram will ask to share: profile,      █▀▀▀▀▀█ ▄▀ █▀▀▀▀▀█
//!  insights.                                  █ ███ █ ▀▄ █ ███ █
//!  1  The app's settings must have this       █ ▀▀▀ █ █▀ █ ▀▀▀ █
//!     redirect URI:                           ▀▀▀▀▀▀▀ ▀▄ ▀▀▀▀▀▀▀
//!     https://roster.example/oauth/…
//!  2  Scan this on any device, or open what is below once.
//! https://roster.example/c/c2hvcnQtY29kZS0xMjgtYg
//!  3  Waiting for the answer … 9:41 left, or p pastes the address you land on
//! ```

use ratatui::layout::Rect;

use super::{Line, advice, draw_lines, give_way, intro, notices, numbered, sentence, state_line, url};
use crate::consent::{scanned, shown_url};
use crate::modal::connect::{Connect, Waiting};
use crate::shared::Shared;
use crate::widgets::pen::{Pen, broken, columns as columns_of};
use crate::widgets::qr::Qr;

/// The fewest columns in which the guide can be read.
const GUIDE: usize = 38;

/// Whether a code fits beside the guide, with its address and the state of the wait below both.
pub(super) fn fits_beside(code: &Qr, body: Rect) -> bool {
    let (columns, lines) = code.size();
    columns + GUIDE < usize::from(body.width) && lines + 2 <= usize::from(body.height)
}

/// Draws guide and code side by side.
pub(super) fn draw_beside(
    shared: &Shared,
    connect: &Connect,
    waiting: &Waiting,
    code: &Qr,
    pen: &mut Pen<'_>,
    body: Rect,
) {
    let begun = &waiting.begun;
    let (columns, _) = code.size();
    let width = body.width.saturating_sub(columns as u16 + 1);
    let number = if begun.redirect_uri.is_some() { 2 } else { 1 };
    let what = match (&begun.user_code, &begun.short_url) {
        (Some(code), _) => format!("Scan this on any device, and type the code {code}"),
        (None, Some(_)) => "Scan this on any device, or open what is below: once. y copies the whole URL.".to_owned(),
        (None, None) => "Scan this on any device, or open what is below.".to_owned(),
    };
    let style = if begun.user_code.is_some() { pen.theme.strong } else { pen.theme.plain };
    let mut guide = intro(waiting, pen, width);
    let step = numbered(number, &what, width.saturating_sub(2));
    guide.extend(sentence((8, 8), step, style));
    guide.extend(notices(connect, pen, width));
    guide.extend(advice(waiting, pen, width));
    let mut below: Vec<Line> =
        broken(&shown_url(scanned(begun)), body.width).into_iter().map(|part| url(super::ALWAYS, part)).collect();
    below.push(state_line(shared, waiting, pen));
    let at = (body.y + body.height).saturating_sub(below.len() as u16);
    give_way(&mut guide, usize::from(at - body.y));
    draw_lines(waiting, pen, Rect { width, height: at - body.y, ..body }, &guide);
    draw(code, pen, body.width.saturating_sub(columns as u16), body.y);
    draw_lines(waiting, pen, Rect { y: at, height: body.height - (at - body.y), ..body }, &below);
}

/// Draws the code alone, in the middle, and what it holds below it where there is room.
pub(super) fn draw_alone(waiting: &Waiting, pen: &mut Pen<'_>, area: Rect) {
    let held = scanned(&waiting.begun);
    let Some(code) = Qr::new(held) else {
        pen.put(1, area.y + 1, area.width, "The URL is too long for a QR code. y copies it.", pen.theme.plain);
        return;
    };
    let (columns, lines) = code.size();
    if code.fits(area.width.into(), area.height.into()) {
        let across = (usize::from(area.width) - columns) / 2;
        let down = (usize::from(area.height) - lines) / 2;
        draw(&code, pen, across as u16, area.y + down as u16);
        let below = match &waiting.begun.user_code {
            Some(code) => format!("type the code  {code}"),
            None => shown_url(held),
        };
        let bottom = area.y + (down + lines) as u16;
        if bottom < area.y + area.height && columns_of(&below) <= usize::from(area.width) {
            let across = (usize::from(area.width) - columns_of(&below)) / 2;
            pen.put(across as u16, bottom, area.width, &below, pen.theme.strong);
        }
        return;
    }
    let sentence = format!(
        "The QR code needs a terminal of {columns}×{}; this one has {}×{}.",
        lines + 2,
        area.width,
        area.height + 2
    );
    pen.put(1, area.y + 1, area.width.saturating_sub(2), &sentence, pen.theme.plain);
    let instead = match waiting.begun.short_url {
        None => "y copies the URL instead. With [http] public_url in rosterd.toml the code is small.",
        Some(_) => "y copies the URL instead.",
    };
    let rest = Rect { x: 1, y: area.y + 2, width: area.width.saturating_sub(2), height: area.height.saturating_sub(2) };
    pen.wrapped(rest, instead, pen.theme.faint);
}

/// Draws a code from a corner on.
pub(super) fn draw(code: &Qr, pen: &mut Pen<'_>, x: u16, y: u16) {
    let style = pen.theme.code;
    for (line, y) in code.lines(style.is_none()).zip(y..) {
        for (sign, x) in line.chars().zip(x..) {
            pen.sign(x, y, sign, style.unwrap_or_default());
        }
    }
}
