//! The picture on the terminal, and the bytes that make the next one of it. Pure.

use std::io;

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::queue;
use crossterm::terminal::{Clear, ClearType};
use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::buffer::{Buffer, Cell, CellWidth};
use ratatui::layout::{Position, Rect};

use crate::model::Model;
use crate::view;

/// What was drawn last.
#[derive(Default)]
pub struct Canvas {
    drawn: Option<(Buffer, Option<Position>)>,
}

impl Canvas {
    /// The bytes for the model's picture; `None` when it is there already.
    ///
    /// # Errors
    /// Never: the bytes are written in memory.
    pub fn draw(&mut self, model: &Model) -> io::Result<Option<Vec<u8>>> {
        let mut picture = Buffer::empty(Rect::from((Position::ORIGIN, model.shared.size)));
        let cursor = view::draw(model, &mut picture);
        if self.drawn.as_ref().is_some_and(|(drawn, at)| *drawn == picture && *at == cursor) {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        queue!(bytes, Hide)?;
        let before = match self.drawn.take() {
            Some((drawn, _)) if drawn.area == picture.area => drawn,
            _ => {
                queue!(bytes, Clear(ClearType::All))?;
                Buffer::empty(picture.area)
            }
        };
        CrosstermBackend::new(&mut bytes).draw(changes(&before, &picture).into_iter())?;
        if let Some(cursor) = cursor {
            queue!(bytes, MoveTo(cursor.x, cursor.y), Show)?;
        }
        self.drawn = Some((picture, cursor));
        Ok(Some(bytes))
    }

    /// Has the next picture drawn from scratch.
    pub fn redraw(&mut self) {
        self.drawn = None;
    }
}

const BLANK: &Cell = &Cell::EMPTY;

/// What differs, in the order of drawing.
///
/// Terminals disagree on how wide some glyphs are, flags above all, and on what is left of one that is half covered.
/// So a line that has or had a wide one is drawn whole, and each of them on blanks.
fn changes<'a>(before: &Buffer, after: &'a Buffer) -> Vec<(u16, u16, &'a Cell)> {
    let mut changes = Vec::new();
    let width = usize::from(after.area.width).max(1);
    for ((old, new), y) in before.content.chunks(width).zip(after.content.chunks(width)).zip(0..) {
        if old == new {
            continue;
        }
        let is_wide = |cell: &Cell| cell.cell_width() > 1;
        let whole = old.iter().chain(new).any(is_wide);
        let mut covered = 0;
        for ((old, new), x) in old.iter().zip(new).zip(0..) {
            if x < covered {
                continue;
            }
            if whole || old != new {
                covered = x + new.cell_width().max(1);
                changes.extend((x + 1..covered.min(after.area.width)).map(|x| (x, y, BLANK)));
                changes.push((x, y, new));
            }
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use ratatui::style::Style;

    use super::*;

    /// The lines of a terminal on which these were drawn one after the other.
    ///
    /// It takes a flag for two narrow letters, as many terminals do.
    fn shown(pictures: &[&[&str]]) -> Vec<String> {
        let area = Rect::new(0, 0, 12, pictures[0].len() as u16);
        let lines = |lines: u16| std::num::NonZero::new(lines).expect("a size");
        let mut terminal = vt100::Parser::new(lines(area.height), lines(area.width), 0);
        let mut before = Buffer::empty(area);
        for lines in pictures {
            let mut picture = Buffer::empty(area);
            for (line, y) in lines.iter().zip(0..) {
                picture.set_string(0, y, line, Style::new());
            }
            let mut bytes = Vec::new();
            let drawn = CrosstermBackend::new(&mut bytes).draw(changes(&before, &picture).into_iter());
            drawn.expect("written in memory");
            terminal.process(&bytes);
            before = picture;
        }
        terminal.screen().rows(0, area.width).map(|line| line.trim_end().to_owned()).collect()
    }

    #[test]
    fn nothing_is_left_of_what_was_covered() {
        let popup = "ab│    │cd";
        for below in ["ab🇩🇪efg🇫🇷cd", "ab🇩🇪🇩🇪🇩🇪cd", "ab日本日本cd", "a🇩🇪b🇩🇪c🇩🇪d", "ab👩‍🌾ef❤️cd", "12🇩3456789"]
        {
            assert_eq!(shown(&[&[below], &[popup]]), [popup], "{below}");
            assert_eq!(shown(&[&[below], &[popup], &[below]]), shown(&[&[below]]), "{below}");
            assert_eq!(shown(&[&[below], &["x"]]), ["x"], "{below}");
        }
    }

    #[test]
    fn what_is_the_same_is_not_drawn_again() {
        let area = Rect::new(0, 0, 4, 2);
        let mut before = Buffer::empty(area);
        before.set_string(0, 0, "🇩🇪ab", Style::new());
        let mut after = before.clone();
        after.set_string(1, 1, "x", Style::new());
        let changes: Vec<_> = changes(&before, &after).iter().map(|(x, y, cell)| (*x, *y, cell.symbol())).collect();
        assert_eq!(changes, [(1, 1, "x")]);
    }
}
