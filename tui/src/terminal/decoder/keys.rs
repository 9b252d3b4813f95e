//! What single bytes and whole sequences mean, as xterm and those after it send them.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// The key of one byte: a letter, or a letter with Ctrl.
pub(super) fn ascii(byte: u8) -> Option<KeyEvent> {
    let ctrl = |letter: u8| KeyEvent::new(KeyCode::Char(letter.into()), KeyModifiers::CONTROL);
    Some(match byte {
        b'\r' => KeyCode::Enter.into(),
        b'\t' => KeyCode::Tab.into(),
        0x7f => KeyCode::Backspace.into(),
        0x00 => ctrl(b' '),
        0x01..=0x1a => ctrl(byte - 1 + b'a'),
        0x1c..=0x1f => ctrl(byte - 0x1c + b'4'),
        b' '..=b'~' => letter(byte.into()),
        _ => return None,
    })
}

/// The key of a letter.
pub(super) fn letter(letter: char) -> KeyEvent {
    let shift = if letter.is_uppercase() { KeyModifiers::SHIFT } else { KeyModifiers::NONE };
    KeyEvent::new(KeyCode::Char(letter), shift)
}

/// ESC O and this.
pub(super) fn single_shift(last: u8) -> Option<KeyCode> {
    match last {
        b'P'..=b'S' => Some(KeyCode::F(1 + last - b'P')),
        last => arrow(last),
    }
}

/// ESC [ [ and this.
pub(super) fn console(last: u8) -> Option<KeyCode> {
    matches!(last, b'A'..=b'E').then(|| KeyCode::F(1 + last.wrapping_sub(b'A')))
}

/// ESC [, parameters and the last byte. Replies and reports have other parameters or other ends, and are no keys.
pub(super) fn control(parameters: &[u8], last: u8) -> Option<KeyEvent> {
    let text = std::str::from_utf8(parameters).ok()?;
    let mut parameters = text.split(';');
    let first = parameters.next().unwrap_or_default();
    let (modifiers, kind) = modifiers(parameters.next().unwrap_or_default())?;
    if kind == KeyEventKind::Release || parameters.next().is_some() && last != b'u' {
        return None;
    }
    let plain = matches!(first, "" | "1");
    let (code, modifiers) = match last {
        b'Z' if plain => (KeyCode::BackTab, modifiers | KeyModifiers::SHIFT),
        b'P' | b'Q' | b'S' if plain => (KeyCode::F(1 + last - b'P'), modifiers),
        b'~' => (numbered(first.parse().ok()?)?, modifiers),
        b'u' => encoded(first, modifiers)?,
        last if plain => (arrow(last)?, modifiers),
        _ => return None,
    };
    Some(KeyEvent::new_with_kind(code, modifiers, kind))
}

fn arrow(last: u8) -> Option<KeyCode> {
    Some(match last {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'H' => KeyCode::Home,
        b'F' => KeyCode::End,
        _ => return None,
    })
}

/// `CSI number ~`
fn numbered(number: u8) -> Option<KeyCode> {
    Some(match number {
        1 | 7 => KeyCode::Home,
        2 => KeyCode::Insert,
        3 => KeyCode::Delete,
        4 | 8 => KeyCode::End,
        5 => KeyCode::PageUp,
        6 => KeyCode::PageDown,
        11..=15 => KeyCode::F(number - 10),
        17..=21 => KeyCode::F(number - 11),
        23..=26 => KeyCode::F(number - 12),
        28 | 29 => KeyCode::F(number - 13),
        31..=34 => KeyCode::F(number - 14),
        _ => return None,
    })
}

/// `CSI code u`: a terminal that another program left in its extended mode sends every key so.
fn encoded(first: &str, modifiers: KeyModifiers) -> Option<(KeyCode, KeyModifiers)> {
    let code = first.split(':').next()?.parse().ok()?;
    let shift = modifiers.contains(KeyModifiers::SHIFT);
    let code = match char::from_u32(code)? {
        '\u{1b}' => KeyCode::Esc,
        '\r' => KeyCode::Enter,
        '\t' if shift => KeyCode::BackTab,
        '\t' => KeyCode::Tab,
        '\u{7f}' => KeyCode::Backspace,
        // Private use is for keys without a letter.
        letter if letter.is_control() || ('\u{e000}'..='\u{f8ff}').contains(&letter) => return None,
        letter if shift => KeyCode::Char(letter.to_ascii_uppercase()),
        letter => KeyCode::Char(letter),
    };
    Some((code, modifiers))
}

/// `mask:kind`; the mask is one more than the sum of its bits. `None` when it is neither.
fn modifiers(text: &str) -> Option<(KeyModifiers, KeyEventKind)> {
    let (mask, kind) = text.split_once(':').unwrap_or((text, "1"));
    let mask: u8 = if mask.is_empty() { 1 } else { mask.parse().ok()? };
    let bits = mask.checked_sub(1)?;
    let kind = match kind {
        "1" => KeyEventKind::Press,
        "2" => KeyEventKind::Repeat,
        "3" => KeyEventKind::Release,
        _ => return None,
    };
    let names = [
        KeyModifiers::SHIFT,
        KeyModifiers::ALT,
        KeyModifiers::CONTROL,
        KeyModifiers::SUPER,
        KeyModifiers::HYPER,
        KeyModifiers::META,
    ];
    let set = names.iter().enumerate().filter(|(bit, _)| bits & (1 << bit) != 0);
    Some((set.fold(KeyModifiers::NONE, |all, (_, name)| all | *name), kind))
}
