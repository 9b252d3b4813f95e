//! ```text
//!  Roster  312 influencers · 704 connections            ◐ 97.8% synced   2 alerts
//!
//!    the screen, and the modal on top of it
//!
//!  ✓ what was done, or what failed and what to do, for some seconds
//!  ↵ open  / filter  s sync  c connect  a add  o sort  0-7 screens  ? help  q quit
//! ```
//! Only reads the model: the same model gives the same picture.

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use roster_protocol::{Role, Status};

use crate::format;
use crate::keys::{Action, needs};
use crate::model::Model;
use crate::screens::no_daemon;
use crate::shared::{Link, Shared, ToastLevel};
use crate::theme::Theme;
use crate::widgets::pen::{Pen, columns, lines as wrap, width_of};

/// Smaller than this nothing can be read.
const LEAST: (u16, u16) = (40, 12);

/// The most lines that each part of a toast takes.
const TOAST_LINES: usize = 2;

type Pieces = Vec<(String, Style)>;

/// Draws the model.
pub fn view(model: &Model, frame: &mut Frame<'_>) {
    if let Some(cursor) = draw(model, frame.buffer_mut()) {
        frame.set_cursor_position(cursor);
    }
}

/// Draws the model on a buffer of the model's size; gives where the terminal's cursor belongs.
pub fn draw(model: &Model, buffer: &mut Buffer) -> Option<Position> {
    let mut pen = Pen::new(buffer, &model.shared.theme);
    let size = model.shared.size;
    if size.width < LEAST.0 || size.height < LEAST.1 {
        let text = format!("too small: {}×{} at least", LEAST.0, LEAST.1);
        pen.put(0, size.height / 2, size.width, &text, Style::new());
        return None;
    }
    draw_header(model, &mut pen);
    draw_body(model, &mut pen);
    draw_toasts(model, &mut pen);
    if let Some(modal) = &model.modal {
        modal.view(&model.shared, &mut pen);
    }
    draw_footer(model, &mut pen);
    pen.cursor
}

fn draw_body(model: &Model, pen: &mut Pen<'_>) {
    let Shared { link, size, .. } = &model.shared;
    match link {
        Link::Connecting => _ = pen.put(3, size.height / 3, size.width, "connecting…", pen.theme.faint),
        Link::NoDaemon(no_daemon) => no_daemon::view(&model.shared, no_daemon, pen),
        Link::Online | Link::Offline { .. } => model.shown().view(&model.shared, pen),
    }
}

fn draw_header(model: &Model, pen: &mut Pen<'_>) {
    let right = health(model);
    let right_width = width_of(&right) as u16;
    let width = model.shared.size.width.saturating_sub(2);
    let room = width.saturating_sub(right_width + 2);
    pen.pieces(1, 0, room, &path(model, room.into()));
    pen.pieces_right(1, 0, width, &right);
}

/// Where one is. Of the screen's summary only whole parts are shown, the most important first.
fn path(model: &Model, room: usize) -> Pieces {
    let Theme { strong, faint, .. } = model.shared.theme;
    let mut pieces: Pieces = Vec::new();
    for screen in model.screens() {
        pieces.push((screen.title().to_owned(), faint));
        pieces.push((" › ".to_owned(), faint));
    }
    pieces.pop();
    if let Some((_, style)) = pieces.last_mut() {
        *style = strong;
    }
    let used = width_of(&pieces);
    let mut summary = format!("  {}", model.shown().summary(&model.shared));
    while let Some(end) = summary.rfind(" · ").filter(|_| used + columns(&summary) > room) {
        summary.truncate(end);
    }
    pieces.push((summary, faint));
    pieces
}

/// Whether all is well.
fn health(model: &Model) -> Pieces {
    let theme = &model.shared.theme;
    let mut pieces: Pieces = Vec::new();
    match (&model.shared.link, &model.shared.status) {
        (Link::Offline { since, .. }, _) => {
            let since = format::moment(*since, model.shared.now, &model.shared.zone);
            pieces.push((format!("✗ offline since {since}"), theme.bad));
        }
        (Link::Online, Some(status)) => {
            // What one may not do is not available: this is why.
            let role = status.role.filter(|role| *role < Role::Admin);
            pieces.extend(role.map(|role| (format!("{role}   "), theme.faint)));
            pieces.extend(syncing(model));
            pieces.push(synced(model, status));
            pieces.extend(alerts(status, theme));
        }
        _ => {}
    }
    pieces
}

/// How many alerts stand, and how many of them the user has not read.
fn alerts(status: &Status, theme: &Theme) -> Pieces {
    let standing = match status.open_alerts {
        0 => ("   no alerts".to_owned(), theme.faint),
        1 => ("   1 alert".to_owned(), theme.warn),
        open => (format!("   {} alerts", format::exact(open)), theme.warn),
    };
    let unread = match status.unread_alerts {
        0 => None,
        unread if unread == status.open_alerts => Some((" unread".to_owned(), theme.warn)),
        unread => Some((format!(", {} unread", format::exact(unread)), theme.warn)),
    };
    [standing].into_iter().chain(unread).collect()
}

/// What was requested here and is not done.
fn syncing(model: &Model) -> Option<(String, Style)> {
    let expected: u64 = model.shared.watched.iter().map(|watched| watched.ticket.expected).sum();
    let ended: u64 = model.shared.watched.iter().map(|watched| watched.ended).sum();
    (expected > 0).then(|| (format!("syncing {ended} of {expected}   "), model.shared.theme.plain))
}

fn synced(model: &Model, status: &Status) -> (String, Style) {
    let theme = &model.shared.theme;
    if status.not_ready.is_some() {
        return ("✗ not syncing".to_owned(), theme.bad);
    }
    if status.paused {
        return ("‖ all paused".to_owned(), theme.warn);
    }
    let counts = status.connections;
    let wanted = counts.total.saturating_sub(counts.paused);
    if wanted == 0 {
        return ("nothing to sync".to_owned(), theme.faint);
    }
    let fresh = counts.fresh.min(wanted);
    let (shape, style) = match fresh as f64 / wanted as f64 {
        1.0.. => ('●', theme.good),
        0.8.. => ('◐', theme.warn),
        _ => ('✗', theme.bad),
    };
    let share = format::share(fresh, wanted);
    (format!("{shape} {share} synced"), style)
}

fn draw_toasts(model: &Model, pen: &mut Pen<'_>) {
    let offline = match &model.shared.link {
        Link::Offline { error, .. } => Some((ToastLevel::Failed, error.message.as_str(), error.hint.as_deref())),
        _ => None,
    };
    let toasts = model.shared.toasts.iter().map(|toast| (toast.level, toast.text.as_str(), toast.hint.as_deref()));
    let not_ready = match (&model.shared.link, &model.shared.status) {
        (Link::Online, Some(status)) => status.not_ready.as_deref(),
        _ => None,
    };
    let not_ready =
        not_ready.map(|reason| (ToastLevel::Failed, reason, Some("nothing is synced or changed until it works again")));
    // Why we are offline, or it does not work, stays as long as it is so.
    let all = offline.into_iter().chain(not_ready).chain(toasts);
    let room = model.shared.size.width.saturating_sub(4);
    let lines: Vec<Pieces> =
        all.flat_map(|(level, text, hint)| toast(pen.theme, level, text, hint.unwrap_or_default(), room)).collect();
    let footer = model.shared.size.height.saturating_sub(1);
    let first = footer.saturating_sub(lines.len() as u16);
    for (line, y) in lines.iter().rev().zip((first..footer).rev()) {
        pen.clear(Rect { x: 0, y, width: model.shared.size.width, height: 1 });
        pen.pieces(1, y, room + 2, line);
    }
}

/// The lines of a toast: one where it fits, or else what to do on lines of its own, for it must be readable.
fn toast(theme: &Theme, level: ToastLevel, text: &str, hint: &str, room: u16) -> Vec<Pieces> {
    let (shape, style) = match level {
        ToastLevel::Done => ("✓ ", theme.good),
        ToastLevel::Failed => ("✗ ", theme.bad),
        ToastLevel::Alert => ("! ", theme.warn),
    };
    let between = if hint.is_empty() { "" } else { " · " };
    let (plain, faint) = (theme.plain, theme.faint);
    if columns(text) + columns(between) + columns(hint) <= usize::from(room) {
        let pieces = [(shape, style), (text, plain), (between, faint), (hint, faint)];
        return vec![pieces.map(|(text, style)| (text.to_owned(), style)).into()];
    }
    let styled = |text: &str, style: Style| wrap(text, room, TOAST_LINES).into_iter().map(move |line| (line, style));
    let lines = styled(text, plain).chain(styled(hint, faint));
    let shapes = std::iter::once((shape.to_owned(), style)).chain(std::iter::repeat(("  ".to_owned(), style)));
    shapes.zip(lines).map(|(shape, line)| vec![shape, line]).collect()
}

/// What keys do here. Help and quit are always there; others are left out on narrow screens.
fn draw_footer(model: &Model, pen: &mut Pen<'_>) {
    let Shared { keys, size, .. } = &model.shared;
    let all: Vec<_> = keys.hints(model.context()).filter(|(action, ..)| offers(model, *action)).collect();
    let length = |(_, key, word): &(Action, String, &str)| columns(key) + columns(word) + 3;
    // Two blanks separate entries; none follows the last.
    let width = usize::from(size.width.saturating_sub(1)) + 2;
    let (last, first): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|(action, ..)| matches!(action, Action::Help | Action::Quit));
    let mut room = width.saturating_sub(last.iter().map(length).sum());
    let first = first.into_iter().take_while(|hint| {
        let fits = length(hint) <= room;
        room = room.saturating_sub(length(hint));
        fits
    });
    let first: Vec<_> = first.collect();
    let mut x = 1;
    let y = size.height.saturating_sub(1);
    for (action, key, word) in first.iter().chain(&last) {
        let lacks = model.shared.lacks(needs(model.context(), *action)).is_some();
        let style = if lacks { pen.theme.faint } else { pen.theme.plain };
        let pieces = [(key.as_str(), style), (" ", pen.theme.plain), (word, pen.theme.faint)];
        x += pen.pieces(x, y, size.width.saturating_sub(x), &pieces) + 2;
    }
}

/// Whether a footer entry makes sense now.
fn offers(model: &Model, action: Action) -> bool {
    match (&model.modal, &model.shared.link) {
        (Some(modal), _) => modal.offers(action),
        (None, Link::NoDaemon(no_daemon)) => action != Action::StartDaemon || no_daemon.offers_start(),
        (None, Link::Connecting) => action != Action::StartDaemon,
        (None, _) => model.shown().offers(action),
    }
}
