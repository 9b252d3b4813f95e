//! Aligned columns without frames, and the few colours a command uses.

use roster_protocol::text::{SENTENCE_CHARACTERS, clean};
use unicode_width::UnicodeWidthStr;

/// The longest a cell gets, in characters.
const CELL_CHARACTERS: usize = SENTENCE_CHARACTERS;

/// What a colour says; shapes and words say it too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    #[default]
    Plain,
    Good,
    Warn,
    Bad,
    /// Old or secondary.
    Quiet,
    Strong,
}

/// Whether to colour.
#[derive(Clone, Copy, Debug)]
pub struct Paint {
    pub colored: bool,
}

impl Paint {
    /// `text` in a tone.
    pub fn tone(self, text: &str, tone: Tone) -> String {
        let code = match tone {
            _ if !self.colored || text.is_empty() => return text.to_owned(),
            Tone::Plain => return text.to_owned(),
            Tone::Good => 32,
            Tone::Warn => 33,
            Tone::Bad => 31,
            Tone::Quiet => 90,
            Tone::Strong => 1,
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// One cell: clean text and its tone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    /// A cell of any text; what is not harmless is taken out.
    pub fn new(text: impl AsRef<str>, tone: Tone) -> Self {
        Self { text: clean(text.as_ref(), CELL_CHARACTERS), tone }
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(text, Tone::Plain)
    }
}

/// The alignment of a column's cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

/// Rows under headings.
pub struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table with these headings; those that begin with `>` align right, as numbers do.
    pub fn new(headings: &[&str]) -> Self {
        let column = |heading: &&str| match heading.strip_prefix('>') {
            Some(rest) => (rest.to_owned(), Align::Right),
            None => ((*heading).to_owned(), Align::Left),
        };
        Self { columns: headings.iter().map(column).collect(), rows: Vec::new() }
    }

    /// Appends a row: a cell for each heading.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The table as lines; an empty column is left out, and an empty table is no line at all.
    pub fn render(&self, paint: Paint) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let headings: Vec<Cell> = self.columns.iter().map(|(text, _)| Cell::new(text, Tone::Quiet)).collect();
        let widths: Vec<usize> = (0..self.columns.len()).map(|column| self.width(column)).collect();
        let lines = std::iter::once(&headings).chain(&self.rows);
        lines.map(|cells| self.line(cells, &widths, paint)).collect()
    }

    /// The width of a column in terminal cells; 0 when it is empty.
    fn width(&self, column: usize) -> usize {
        let widest = self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.text.width()).max();
        match widest {
            None | Some(0) => 0,
            Some(widest) => widest.max(self.columns[column].0.width()),
        }
    }

    fn line(&self, cells: &[Cell], widths: &[usize], paint: Paint) -> String {
        let mut line = String::new();
        let mut owed = 0;
        for ((cell, width), (_, align)) in cells.iter().zip(widths).zip(&self.columns).filter(|((_, w), _)| **w > 0) {
            let blank = width.saturating_sub(cell.text.width());
            let (before, after) = if *align == Align::Right { (blank, 0) } else { (0, blank) };
            // Blanks are owed until something follows, so that no line ends with them.
            if !cell.text.is_empty() {
                line.push_str(&" ".repeat(owed + before));
                line.push_str(&paint.tone(&cell.text, cell.tone));
                owed = after + 2;
            } else {
                owed += before + after + 2;
            }
        }
        line.push('\n');
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Paint = Paint { colored: false };

    #[test]
    fn columns_line_up_whatever_the_script() {
        let mut table = Table::new(&["NAME", ">FOLLOWERS", "NOTE", "SYNCED"]);
        table.row(["Mara Lindqvist".into(), "1,240,000".into(), "".into(), "12m".into()]);
        table.row(["ใหม่".into(), "9".into(), "".into(), "".into()]);
        table.row(["日本".into(), "".into(), "".into(), "3h".into()]);
        let expected = "\
NAME            FOLLOWERS  SYNCED
Mara Lindqvist  1,240,000  12m
ใหม่                     9
日本                       3h
";
        assert_eq!(table.render(PLAIN), expected);
    }

    #[test]
    fn hostile_names_cannot_break_a_line_or_colour_it() {
        let mut table = Table::new(&["NAME", "ID"]);
        table.row(["\u{1b}]52;c;aGk=\u{7}\u{202e}x\ny".into(), "aebagbaf".into()]);
        assert_eq!(table.render(PLAIN), "NAME            ID\n]52;c;aGk=x y  aebagbaf\n".replace("NAME  ", "NAME "));
    }

    #[test]
    fn colours_do_not_move_columns() {
        let mut table = Table::new(&["STATE", "ID"]);
        table.row([Cell::new("error", Tone::Bad), "x".into()]);
        let colored = table.render(Paint { colored: true });
        assert!(colored.contains("\u{1b}[31merror\u{1b}[0m  x\n"), "{colored:?}");
        assert_eq!(Table::new(&["A"]).render(PLAIN), "");
    }
}
