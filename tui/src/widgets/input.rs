//! One line of text being typed.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Position;
use roster_protocol::text;
use tui_input::{Input, InputRequest};
use unicode_segmentation::UnicodeSegmentation;

use super::pen::{Pen, columns};

/// The longest text a field takes, in characters: an address with a platform's code in it has over a thousand.
const LONGEST: usize = 4_096;

/// Lets a key edit the text; true when the text changed.
pub fn edit(input: &mut Input, key: KeyEvent) -> bool {
    let Some(request) = request(key) else { return false };
    if matches!(request, InputRequest::InsertChar(_)) && input.value().chars().count() >= LONGEST {
        return false;
    }
    input.handle(request).is_some_and(|changed| changed.value)
}

/// Puts pasted text in, made one harmless line; true when the text changed.
pub fn paste(input: &mut Input, pasted: &str) -> bool {
    let room = LONGEST.saturating_sub(input.value().chars().count());
    let line = text::clean(pasted, room);
    for letter in line.chars().take(room) {
        input.handle(InputRequest::InsertChar(letter));
    }
    !line.is_empty()
}

fn request(key: KeyEvent) -> Option<InputRequest> {
    let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
    let alt = key.modifiers.contains(KeyModifiers::ALT);
    Some(match key.code {
        KeyCode::Char('a') if ctrl => InputRequest::GoToStart,
        KeyCode::Char('e') if ctrl => InputRequest::GoToEnd,
        KeyCode::Char('u') if ctrl => InputRequest::DeleteFromStart,
        KeyCode::Char('k') if ctrl => InputRequest::DeleteTillEnd,
        KeyCode::Char('w') if ctrl => InputRequest::DeletePrevWord,
        KeyCode::Char('y') if ctrl => InputRequest::Yank,
        KeyCode::Char('h') if ctrl => InputRequest::DeletePrevChar,
        KeyCode::Char('b') if alt => InputRequest::GoToPrevWord,
        KeyCode::Char('f') if alt => InputRequest::GoToNextWord,
        KeyCode::Char('d') if alt => InputRequest::DeleteNextWord,
        KeyCode::Char(_) if ctrl || alt => return None,
        KeyCode::Char(letter) if letter.is_control() => return None,
        KeyCode::Char(letter) => InputRequest::InsertChar(letter),
        KeyCode::Left if ctrl || alt => InputRequest::GoToPrevWord,
        KeyCode::Right if ctrl || alt => InputRequest::GoToNextWord,
        KeyCode::Left => InputRequest::GoToPrevChar,
        KeyCode::Right => InputRequest::GoToNextChar,
        KeyCode::Home => InputRequest::GoToStart,
        KeyCode::End => InputRequest::GoToEnd,
        KeyCode::Backspace if alt => InputRequest::DeletePrevWord,
        KeyCode::Backspace => InputRequest::DeletePrevChar,
        KeyCode::Delete => InputRequest::DeleteNextChar,
        _ => return None,
    })
}

/// Draws the part around the cursor, and has the terminal's cursor blink there.
pub fn draw(pen: &mut Pen<'_>, input: &Input, x: u16, y: u16, width: u16) {
    if width == 0 {
        return;
    }
    let text = input.value();
    let at = text.char_indices().nth(input.cursor()).map_or(text.len(), |(at, _)| at);
    let before = tail(&text[..at], usize::from(width) - 1);
    let used = pen.put(x, y, width - 1, before, pen.theme.plain);
    pen.put(x + used, y, width - used, &text[at..], pen.theme.plain);
    pen.cursor = Some(Position { x: x + used, y });
}

/// The end of a text, as much as fits.
fn tail(text: &str, width: usize) -> &str {
    let mut used = 0;
    let mut start = text.len();
    for (at, grapheme) in text.grapheme_indices(true).rev() {
        used += columns(grapheme);
        if used > width {
            break;
        }
        start = at;
    }
    &text[start..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &[(KeyCode, KeyModifiers)]) -> String {
        let mut input = Input::default();
        for (code, modifiers) in keys {
            edit(&mut input, KeyEvent::new(*code, *modifiers));
        }
        input.value().to_owned()
    }

    #[test]
    fn keys_edit_the_line() {
        let plain = KeyModifiers::NONE;
        let (ada, control) = ([KeyCode::Char('a'), KeyCode::Char('d'), KeyCode::Char('a')], KeyModifiers::CONTROL);
        let with = |more: &[(KeyCode, KeyModifiers)]| typed(&[ada.map(|code| (code, plain)).as_slice(), more].concat());
        assert_eq!(with(&[]), "ada");
        assert_eq!(with(&[(KeyCode::Backspace, plain)]), "ad");
        assert_eq!(with(&[(KeyCode::Char('u'), control)]), "");
        assert_eq!(with(&[(KeyCode::Home, plain), (KeyCode::Char('x'), plain)]), "xada");
        assert_eq!(with(&[(KeyCode::Char('\u{7}'), plain), (KeyCode::F(3), plain)]), "ada");
    }

    #[test]
    fn pasted_text_is_one_harmless_line_of_bounded_length() {
        let mut input = Input::from("@");
        assert!(paste(&mut input, "\u{1b}[31mmara\nlindqvist\u{202e}"));
        assert_eq!(input.value(), "@[31mmara lindqvist");
        paste(&mut input, &"z".repeat(100_000));
        assert_eq!(input.value().chars().count(), LONGEST);
    }
}
