//! Columns, some of which narrow screens leave out: titles, widths, and where each one begins.

use ratatui::style::Style;

use super::pen::{Pen, columns};

/// One column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    pub title: &'static str,
    /// Columns it takes; the one with 0 takes what is left.
    pub width: u16,
    pub right: bool,
    /// Screens narrower than this do without it.
    pub from: u16,
}

/// A column whose text begins at the left.
pub const fn left(title: &'static str, width: u16, from: u16) -> Column {
    Column { title, width, right: false, from }
}

/// A column whose numbers end at the right.
pub const fn right(title: &'static str, width: u16, from: u16) -> Column {
    Column { title, width, right: true, from }
}

/// The content of one cell: texts one after the other.
pub type Content = Vec<(String, Style)>;

/// A cell with one text.
pub fn cell(text: impl Into<String>, style: Style) -> Content {
    vec![(text.into(), style)]
}

/// Where the columns of a table are on this screen.
#[derive(Clone, Debug)]
pub struct Table {
    /// Where it begins on the screen.
    x: u16,
    columns: Vec<(Column, Option<(u16, u16)>)>,
}

/// Where text begins: a blank, the cursor's mark, a blank.
pub const MARGIN: u16 = 3;

impl Table {
    /// Lays the columns out over a screen of this width, one blank between them.
    pub fn new(columns: &[Column], width: u16) -> Self {
        Self::within(columns, 0, width)
    }

    /// The same over a part of the screen that begins at `x`.
    pub fn within(columns: &[Column], start: u16, width: u16) -> Self {
        let shown = |column: &Column| width >= column.from;
        let taken: u16 = columns.iter().filter(|column| shown(column)).map(|column| column.width + 1).sum();
        let left = width.saturating_sub(MARGIN + taken);
        let mut x = start + MARGIN;
        let span = |column: &Column| {
            let span = shown(column).then_some((x, if column.width == 0 { left } else { column.width }));
            if let Some((_, used)) = span {
                x += used + 1;
            }
            (*column, span)
        };
        Self { x: start, columns: columns.iter().map(span).collect() }
    }

    /// Where a column is: first column and width; `None` on screens that do without it.
    pub fn span(&self, index: usize) -> Option<(u16, u16)> {
        self.columns.get(index).and_then(|(_, span)| *span)
    }

    /// Writes the titles.
    pub fn titles(&self, pen: &mut Pen<'_>, y: u16) {
        self.titles_sorted(pen, y, None);
    }

    /// Writes the titles, with an arrow at the column that the rows are sorted by: whether its values fall.
    pub fn titles_sorted(&self, pen: &mut Pen<'_>, y: u16, sorted: Option<(usize, bool)>) {
        for (index, (column, span)) in self.columns.iter().enumerate() {
            let Some((x, width)) = *span else { continue };
            let falls = sorted.filter(|(sorted, _)| *sorted == index).map(|(_, falls)| falls);
            let style = if falls.is_some() { pen.theme.strong } else { pen.theme.faint };
            let used = columns(column.title).min(width.into()) as u16;
            match column.right {
                true => pen.put_right(x, y, width, column.title, style),
                false => _ = pen.put(x, y, width, column.title, style),
            }
            // In the blank beside the title.
            let beside = if column.right { (x + width).saturating_sub(used + 1) } else { x + used };
            if let Some(falls) = falls {
                pen.sign(beside, y, if falls { '▼' } else { '▲' }, style);
            }
        }
    }

    /// Writes one row; the one under the cursor gets its mark.
    pub fn row(&self, pen: &mut Pen<'_>, y: u16, cells: &[Content], under_cursor: bool) {
        if under_cursor {
            pen.sign(self.x + 1, y, '▌', pen.theme.accent);
        }
        for ((column, span), content) in self.columns.iter().zip(cells) {
            let Some((x, width)) = *span else { continue };
            match content.as_slice() {
                pieces if column.right => pen.pieces_right(x, y, width, pieces),
                pieces => _ = pen.pieces(x, y, width, pieces),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_dropped_on_narrow_screens() {
        let columns = [left("NAME", 0, 0), right("FOLLOWERS", 9, 0), right("30 D", 7, 60)];
        let spans = |width: u16| [0, 1, 2].map(|index| Table::new(&columns, width).span(index));
        assert_eq!(spans(80), [Some((3, 58)), Some((62, 9)), Some((72, 7))]);
        assert_eq!(spans(40), [Some((3, 26)), Some((30, 9)), None]);
        assert_eq!(spans(5), [Some((3, 0)), Some((4, 9)), None]);
    }
}
