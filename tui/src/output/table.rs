//! Aligned columns without frames, and the few colours a command uses.

use std::borrow::Cow;

use roster_protocol::text::{SENTENCE_CHARACTERS, clean};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Columns between two cells.
const GAP: usize = 2;
/// No text is made narrower than this.
const LEAST: usize = 8;
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

/// How text is printed: whether in colours, and how wide a table gets.
#[derive(Clone, Copy, Debug, Default)]
pub struct Paint {
    pub colored: bool,
    /// The terminal's columns; `None`: as many as the table needs, because a program reads it.
    pub width: Option<usize>,
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
    /// The same of what is of no use when it is cut: a URL, or what to do.
    Whole,
    Right,
}

/// Rows under headings.
pub struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table with these headings; those that begin with `>` align right, as numbers do, and the cells of those that begin
    /// with `=` are whole on narrow terminals, too.
    pub fn new(headings: &[&str]) -> Self {
        let column = |heading: &&str| {
            let (right, whole) = (heading.strip_prefix('>'), heading.strip_prefix('='));
            match (right, whole) {
                (Some(rest), _) => (rest.to_owned(), Align::Right),
                (None, Some(rest)) => (rest.to_owned(), Align::Whole),
                (None, None) => ((*heading).to_owned(), Align::Left),
            }
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
        let mut widths: Vec<usize> = (0..self.columns.len()).map(|column| self.width(column)).collect();
        if let Some(most) = paint.width {
            self.narrow(&mut widths, most);
        }
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

    /// Takes from the widest texts what is more than `most` columns together; numbers stay whole.
    fn narrow(&self, widths: &mut [usize], most: usize) {
        let shown = widths.iter().filter(|width| **width > 0).count();
        let mut excess = (widths.iter().sum::<usize>() + GAP * shown.saturating_sub(1)).saturating_sub(most);
        while excess > 0 {
            let texts = self.columns.iter().zip(widths.iter_mut()).filter(|((_, align), _)| *align == Align::Left);
            let Some((_, widest)) = texts.max_by_key(|(_, width)| **width).filter(|(_, width)| **width > LEAST) else {
                return;
            };
            *widest -= 1;
            excess -= 1;
        }
    }

    fn line(&self, cells: &[Cell], widths: &[usize], paint: Paint) -> String {
        let mut line = String::new();
        let mut owed = 0;
        for ((cell, width), (_, align)) in cells.iter().zip(widths).zip(&self.columns).filter(|((_, w), _)| **w > 0) {
            let text = cut(&cell.text, *width);
            let blank = width.saturating_sub(text.width());
            let (before, after) = if *align == Align::Right { (blank, 0) } else { (0, blank) };
            // Blanks are owed until something follows, so that no line ends with them.
            if !text.is_empty() {
                line.push_str(&" ".repeat(owed + before));
                line.push_str(&paint.tone(&text, cell.tone));
                owed = after + GAP;
            } else {
                owed += before + after + GAP;
            }
        }
        line.push('\n');
        line
    }
}

/// A clean text in so many columns.
fn cut(text: &str, width: usize) -> Cow<'_, str> {
    if text.width() <= width {
        return text.into();
    }
    let mut used = 1;
    let fits = text.graphemes(true).take_while(|grapheme| {
        used += grapheme.width();
        used <= width
    });
    (fits.collect::<String>() + "…").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Paint = Paint { colored: false, width: None };

    #[test]
    fn a_terminal_gets_no_line_wider_than_it_is_and_whole_numbers() {
        let mut table = Table::new(&["NAME", ">FOLLOWERS", "NOTE"]);
        table.row(["東京フォローする人", "1,234,567", "a rather long remark about it"].map(Cell::from));
        table.row(["Bo", "9", ""].map(Cell::from));
        let at = |width| table.render(Paint { colored: false, width: Some(width) });
        assert_eq!(at(200), table.render(PLAIN));
        insta::assert_snapshot!(at(40), @r"
        NAME            FOLLOWERS  NOTE
        東京フォロー…   1,234,567  a rather lon…
        Bo                      9
        ");
        // Narrower than its numbers and the least of its texts, it is as narrow as it can be.
        assert_eq!(at(5), at(29));
        assert!(at(5).lines().all(|line| line.width() <= 29), "{}", at(5));
    }

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
        let colored = table.render(Paint { colored: true, width: None });
        assert!(colored.contains("\u{1b}[31merror\u{1b}[0m  x\n"), "{colored:?}");
        assert_eq!(Table::new(&["A"]).render(PLAIN), "");
    }
}
