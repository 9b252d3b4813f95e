//! Writes text on the screen; nothing else does.
//!
//! What users and platforms write can hold escapes, bidi overrides, invisible characters and 100 kB of nothing;
//! here it becomes harmless and as short as its column. Nothing drawn outside the area does harm.

use std::borrow::Cow;

use ratatui::buffer::{Buffer, CellWidth};
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use roster_protocol::text;
use unicode_segmentation::UnicodeSegmentation;

use crate::theme::Theme;

/// Writes on a buffer.
pub struct Pen<'a> {
    buffer: &'a mut Buffer,
    pub theme: &'a Theme,
    /// Where the terminal's cursor blinks; `None` hides it.
    pub cursor: Option<Position>,
}

impl<'a> Pen<'a> {
    pub fn new(buffer: &'a mut Buffer, theme: &'a Theme) -> Self {
        Self { buffer, theme, cursor: None }
    }

    /// Writes at most `width` columns of text, cut with `…`; gives the columns used.
    pub fn put(&mut self, x: u16, y: u16, width: u16, text: &str, style: Style) -> u16 {
        let width = self.room(x, y, width);
        if width == 0 {
            return 0;
        }
        let text = fit(text, width.into());
        let (end, _) = self.buffer.set_stringn(x, y, &*text, width.into(), style);
        end - x
    }

    /// Writes text so that it ends at the right edge of `width` columns.
    pub fn put_right(&mut self, x: u16, y: u16, width: u16, text: &str, style: Style) {
        let text = fit(text, width.into());
        let used = columns(&text).min(width.into()) as u16;
        self.put(x.saturating_add(width - used), y, used, &text, style);
    }

    /// Writes texts one after the other, `width` columns in all; gives the columns used.
    pub fn pieces<T: AsRef<str>>(&mut self, x: u16, y: u16, width: u16, pieces: &[(T, Style)]) -> u16 {
        let mut used = 0;
        for (text, style) in pieces {
            used += self.put(x.saturating_add(used), y, width - used, text.as_ref(), *style);
        }
        used
    }

    /// Writes texts one after the other so that the last ends at the right edge of `width` columns.
    pub fn pieces_right<T: AsRef<str>>(&mut self, x: u16, y: u16, width: u16, pieces: &[(T, Style)]) {
        let used = width_of(pieces).min(width.into()) as u16;
        self.pieces(x.saturating_add(width - used), y, used, pieces);
    }

    /// Writes text over the lines of an area, broken between words; what is too long ends with `…`.
    /// Gives the lines used.
    pub fn wrapped(&mut self, area: Rect, text: &str, style: Style) -> u16 {
        let lines = lines(text, area.width, area.height.into());
        for (line, y) in lines.iter().zip(area.y..) {
            self.put(area.x, y, area.width, line, style);
        }
        lines.len() as u16
    }

    /// Puts one of our own signs, one column wide.
    pub fn sign(&mut self, x: u16, y: u16, sign: char, style: Style) {
        if let Some(cell) = self.buffer.cell_mut((x, y)) {
            cell.set_char(sign).set_style(style);
        }
    }

    /// Draws a line from `x` on.
    pub fn rule(&mut self, x: u16, y: u16, width: u16) {
        for column in x..x.saturating_add(width) {
            self.sign(column, y, '─', self.theme.faint);
        }
    }

    /// Empties an area, for what is drawn on top. A wide glyph that is cut in half is gone as a whole.
    pub fn clear(&mut self, area: Rect) {
        let area = area.intersection(*self.buffer.area());
        let before = area.x.checked_sub(1).into_iter().flat_map(|x| area.rows().map(move |row| (x, row.y)));
        for position in before {
            if let Some(cell) = self.buffer.cell_mut(position).filter(|cell| cell.cell_width() > 1) {
                cell.set_char(' ');
            }
        }
        for position in area.positions() {
            self.buffer[position].reset();
        }
    }

    /// Columns left on the buffer from here on, `width` at most.
    fn room(&self, x: u16, y: u16, width: u16) -> u16 {
        let area = self.buffer.area();
        let inside = area.contains(Position { x, y });
        if inside { width.min(area.right() - x) } else { 0 }
    }
}

/// The text made harmless and broken at any column, for what is copied by hand: nothing is left out.
pub fn broken(text: &str, width: u16) -> Vec<String> {
    let text = text::clean(text, usize::MAX);
    let mut lines = vec![String::new()];
    let mut used = 0;
    for grapheme in text.graphemes(true) {
        let next = self::width(grapheme);
        if used + next > width.max(1) {
            lines.push(String::new());
            used = 0;
        }
        used += next;
        if let Some(line) = lines.last_mut() {
            line.push_str(grapheme);
        }
    }
    lines
}

/// The text made harmless and broken between words, at most so many lines.
pub fn lines(text: &str, width: u16, most: usize) -> Vec<String> {
    let width = usize::from(width);
    let text = harmless(text, width * most);
    let mut rest = &*text;
    let mut lines = Vec::new();
    while !rest.is_empty() && lines.len() < most {
        let last = lines.len() + 1 == most;
        let line = if last { rest } else { first_line(rest, width) };
        lines.push(fit(line, width).into_owned());
        rest = rest[line.len()..].trim_start_matches(' ');
    }
    lines
}

/// As many words as fit, at least one.
fn first_line(text: &str, width: usize) -> &str {
    // A number keeps its sign: `10 %`.
    let breaks = text.match_indices(' ').map(|(at, _)| at).filter(|at| !text[at + 1..].starts_with('%'));
    let ends = breaks.chain([text.len()]);
    let fitting = ends.take_while(|end| columns(&text[..*end]) <= width).last();
    fitting.map_or_else(|| text.split(' ').next().unwrap_or(text), |end| &text[..end])
}

/// How many columns a text takes.
pub fn columns(text: &str) -> usize {
    text.graphemes(true).map(|grapheme| usize::from(width(grapheme))).sum()
}

/// How many columns texts take one after the other.
pub fn width_of<T: AsRef<str>>(pieces: &[(T, Style)]) -> usize {
    pieces.iter().map(|(text, _)| columns(text.as_ref())).sum()
}

fn width(grapheme: &str) -> u16 {
    if grapheme.contains(char::is_control) { 0 } else { grapheme.cell_width() }
}

/// The text made harmless and cut to `width` columns.
pub fn fit(text: &str, width: usize) -> Cow<'_, str> {
    let text = harmless(text, width);
    let mut used = 0;
    let mut last_room = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        let next = used + usize::from(self::width(grapheme));
        if next > width {
            return format!("{}{}", &text[..last_room], if width == 0 { "" } else { "…" }).into();
        }
        used = next;
        if used < width {
            last_room = at + grapheme.len();
        }
    }
    text
}

/// The text without anything a terminal could take for more than text. Blanks of our own making stay.
fn harmless(text: &str, width: usize) -> Cow<'_, str> {
    let plain = |text: &str| text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if text.len() <= 4 * width && plain(text) {
        return text.into();
    }
    let mut line = String::new();
    let mut used = 0;
    for (index, word) in text.split(' ').enumerate() {
        // One column more than fits, so that cutting is noticed.
        if used > width {
            break;
        }
        if index > 0 {
            line.push(' ');
            used += 1;
        }
        let word = text::clean(word, width + 1);
        used += columns(&word);
        line.push_str(&word);
    }
    line.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_by_columns() {
        let check = |text: &str, width: usize, expected: &str| assert_eq!(fit(text, width), expected, "{text:?}");
        check("Mara", 4, "Mara");
        check("Mara Lindqvist", 8, "Mara Li…");
        check("日本語", 6, "日本語");
        check("日本語", 5, "日本…");
        check("日本語", 4, "日…");
        check("👩\u{200d}💻👩\u{200d}💻", 3, "👩\u{200d}💻…");
        check("  two  blanks", 20, "  two  blanks");
        check("x", 0, "");
        check("", 5, "");
    }

    #[test]
    fn hostile_text_is_harmless() {
        let check = |text: &str, expected: &str| assert_eq!(fit(text, 12), expected, "{text:?}");
        check("\u{1b}]52;c;aGk=\u{7}a", "]52;c;aGk=a");
        check("ab\u{202e}cd\u{200b}", "abcd");
        check("a\r\nb", "a b");
        check(&"y".repeat(100_000), "yyyyyyyyyyy…");
        check(&" \u{200b}".repeat(50_000), "           …");
        assert!(columns(&fit(&"\u{301}".repeat(100_000), 12)) <= 12);
    }

    #[test]
    fn long_text_is_broken_between_words() {
        let theme = Theme::new();
        let check = |text: &str, expected: [&str; 2]| {
            let mut buffer = Buffer::empty(Rect::new(0, 0, 10, 2));
            Pen::new(&mut buffer, &theme).wrapped(Rect::new(0, 0, 10, 2), text, Style::new());
            assert_eq!(buffer, Buffer::with_lines(expected), "{text:?}");
        };
        check("one two", ["one two   ", "          "]);
        check("one two three", ["one two   ", "three     "]);
        check("one two three four five", ["one two   ", "three fou…"]);
        check("onetwothreefour five", ["onetwothr…", "five      "]);
        check("", ["          ", "          "]);
    }

    #[test]
    fn what_is_copied_by_hand_is_whole() {
        let check = |text: &str, width: u16, expected: &[&str]| assert_eq!(broken(text, width), expected, "{text:?}");
        check("https://x.example/?a=b", 10, &["https://x.", "example/?a", "=b"]);
        check("0123456789", 10, &["0123456789"]);
        check("日本語", 5, &["日本", "語"]);
        check("a\u{1b}[2J\u{202e}b", 3, &["a[2", "Jb"]);
        check("ab", 0, &["a", "b"]);
        check("", 5, &[""]);
        let url = format!("https://x.example/{}", "y".repeat(900));
        assert_eq!(broken(&url, 80).concat(), url);
    }

    #[test]
    fn nothing_is_drawn_outside() {
        let theme = Theme::new();
        let mut buffer = Buffer::empty(Rect::new(0, 0, 5, 1));
        let mut pen = Pen::new(&mut buffer, &theme);
        assert_eq!(pen.put(3, 0, 10, "abc", Style::new()), 2);
        assert_eq!(pen.put(9, 0, 10, "abc", Style::new()), 0);
        assert_eq!(pen.put(0, 7, 10, "abc", Style::new()), 0);
        pen.put_right(u16::MAX, u16::MAX, u16::MAX, "abc", Style::new());
        pen.sign(9, 9, 'x', Style::new());
        pen.rule(0, 3, u16::MAX);
        pen.clear(Rect::new(2, 0, 100, 100));
        assert_eq!(buffer, Buffer::with_lines(["     "]));
    }

    #[test]
    fn what_is_drawn_on_top_cuts_no_wide_glyph_in_half() {
        let theme = Theme::new();
        for wide in ["日本日本", "🇩🇪🇫🇷🇩🇪🇫🇷"] {
            let mut buffer = Buffer::empty(Rect::new(0, 0, 8, 1));
            let mut pen = Pen::new(&mut buffer, &theme);
            pen.put(0, 0, 8, wide, Style::new());
            pen.clear(Rect::new(3, 0, 2, 1));
            pen.put(3, 0, 2, "││", Style::new());
            let symbols: Vec<&str> = buffer.content.iter().map(|cell| cell.symbol()).collect();
            assert_eq!(symbols[1..6], [" ", " ", "│", "│", " "], "{wide}");
        }
    }
}
