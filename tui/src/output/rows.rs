//! A list for other programs: the rows of its JSON under their names there, as CSV, TSV, Markdown, lines of JSON, or chosen
//! columns of a table.
//!
//! Spreadsheets run what looks like a formula, so a text that does begins with `'` there; numbers stay numbers.

use std::io;

use clap::ValueEnum;
use roster_protocol::RosterError;
use roster_protocol::folding::nearest;
use roster_protocol::text::clean;
use serde_json::{Map, Value};

use super::table::{Cell, Paint, Table, Tone};
use super::{Failure, document};

/// The longest text of a cell, in characters.
const CELL_CHARACTERS: usize = 10_000;

/// How a list is printed.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Form {
    /// How to print the list; all but the usual table have the values and names of the JSON
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: Option<Format>,
    /// Only these columns, in this order, by their names in the JSON
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    pub columns: Vec<String>,
}

/// What a list is printed as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Table,
    /// With commas; a text that a spreadsheet would run begins with '
    Csv,
    /// With tabs; as csv
    Tsv,
    /// A table for mails and wikis
    Md,
    /// One document
    Json,
    /// One object a line
    Ndjson,
}

/// The rows of a list and the names of their values.
struct Rows {
    columns: Vec<String>,
    rows: Vec<Map<String, Value>>,
}

impl Rows {
    fn of(list: Vec<Value>) -> Self {
        let rows: Vec<Map<String, Value>> = list.into_iter().map(flat).collect();
        let mut columns: Vec<String> = Vec::new();
        for name in rows.iter().flat_map(Map::keys) {
            if !columns.iter().any(|known| known == name) {
                columns.push(name.clone());
            }
        }
        Self { columns, rows }
    }

    /// Only the columns that are wanted, in their order; all when none is named.
    fn only(mut self, wanted: &[String]) -> Result<Self, Failure> {
        if wanted.is_empty() {
            return Ok(self);
        }
        let unknown = wanted.iter().find(|name| !self.columns.contains(name));
        if let Some(unknown) = unknown.filter(|_| !self.rows.is_empty()) {
            let near = nearest(unknown, self.columns.iter().map(String::as_str));
            let known = self.columns.join(", ");
            let error = RosterError::usage(format!("no column is called {unknown:?}; did you mean {near}?"));
            return Err(error.hint(format!("there are {known}")).into());
        }
        self.columns = wanted.to_vec();
        Ok(self)
    }

    /// The texts of each row, and whether each is a number.
    fn cells(&self) -> impl Iterator<Item = Vec<(String, bool)>> {
        let cell = |row: &Map<String, Value>, name: &String| row.get(name).map(text).unwrap_or_default();
        self.rows.iter().map(move |row| self.columns.iter().map(|name| cell(row, name)).collect())
    }

    fn separated(&self, by: u8) -> io::Result<String> {
        let mut writer = csv::WriterBuilder::new().delimiter(by).from_writer(Vec::new());
        if !self.columns.is_empty() {
            writer.write_record(&self.columns)?;
        }
        for cells in self.cells() {
            writer
                .write_record(cells.into_iter().map(|(text, is_number)| if is_number { text } else { inert(text) }))?;
        }
        let bytes = writer.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
        String::from_utf8(bytes).map_err(io::Error::other)
    }

    fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let escaped = |text: &str| text.replace('\\', "\\\\").replace('|', "\\|");
        let mut rows = self.cells().peekable();
        let is_number = |at: usize| self.cells().all(|cells| cells[at].1 || cells[at].0.is_empty());
        let rules = (0..self.columns.len()).map(|at| if is_number(at) { "---:" } else { "---" }.to_owned());
        let mut printed = String::new();
        if rows.peek().is_some() {
            printed = line(&self.columns) + &line(&rules.collect::<Vec<_>>());
        }
        for cells in rows {
            printed += &line(&cells.iter().map(|(text, _)| escaped(text)).collect::<Vec<_>>());
        }
        printed
    }

    fn table(&self, paint: Paint) -> String {
        let headings: Vec<String> = self.columns.iter().map(|name| name.to_uppercase()).collect();
        let is_number = |at: usize| self.cells().all(|cells| cells[at].1 || cells[at].0.is_empty());
        let headings: Vec<String> = headings
            .into_iter()
            .enumerate()
            .map(|(at, name)| if is_number(at) { format!(">{name}") } else { name })
            .collect();
        let mut table = Table::new(&headings.iter().map(String::as_str).collect::<Vec<_>>());
        for cells in self.cells() {
            table.row(cells.into_iter().map(|(text, _)| Cell::new(text, Tone::Plain)));
        }
        table.render(paint)
    }

    fn lines(&self) -> io::Result<String> {
        let of = |row: &Map<String, Value>| -> Map<String, Value> {
            let value = |name: &String| (name.clone(), row.get(name).cloned().unwrap_or_default());
            self.columns.iter().map(value).collect()
        };
        self.rows.iter().map(|row| document(&of(row))).collect()
    }
}

impl Form {
    /// Whether it is printed as without these options.
    pub(super) fn is_usual(&self) -> bool {
        self.columns.is_empty() && matches!(self.format, None | Some(Format::Table | Format::Json))
    }
}

/// A list in a form that is not the usual one.
///
/// # Errors
/// It is no list, or has no column of such a name.
pub(super) fn text_of(form: &Form, document: Value, paint: Paint) -> Result<String, Failure> {
    let list = list_of(document)?;
    if form.columns.is_empty() && form.format == Some(Format::Ndjson) {
        return Ok(list.iter().map(super::document).collect::<io::Result<_>>()?);
    }
    let rows = Rows::of(list).only(&form.columns)?;
    Ok(match form.format {
        None | Some(Format::Table) => rows.table(paint),
        Some(Format::Csv) => rows.separated(b',')?,
        Some(Format::Tsv) => rows.separated(b'\t')?,
        Some(Format::Md) => rows.markdown(),
        Some(Format::Json | Format::Ndjson) => rows.lines()?,
    })
}

/// The first list of a document that has any rows.
fn list_of(document: Value) -> Result<Vec<Value>, Failure> {
    let values = match document {
        Value::Object(fields) => fields.into_iter().map(|(_, value)| value).collect(),
        list => vec![list],
    };
    let of = |value| if let Value::Array(rows) = value { Some(rows) } else { None };
    let mut lists: Vec<Vec<Value>> = values.into_iter().filter_map(of).collect();
    if lists.is_empty() {
        return Err(RosterError::usage("this is no list").hint("`--json` prints it for programs").into());
    }
    let at = lists.iter().position(|rows| !rows.is_empty()).unwrap_or_default();
    Ok(lists.swap_remove(at))
}

/// The values of an object by their names; those of one inside by both, with a dot between.
fn flat(row: Value) -> Map<String, Value> {
    let Value::Object(fields) = row else { return Map::from_iter([("value".to_owned(), row)]) };
    let mut all = Map::new();
    for (name, value) in fields {
        match value {
            Value::Object(_) => {
                all.extend(flat(value).into_iter().map(|(inner, value)| (format!("{name}.{inner}"), value)))
            }
            value => drop(all.insert(name, value)),
        }
    }
    all
}

/// A value in one cell, and whether it is a number. What is not known is empty.
fn text(value: &Value) -> (String, bool) {
    match value {
        Value::Null => (String::new(), false),
        Value::Number(number) => (number.to_string(), true),
        Value::String(text) => (clean(text, CELL_CHARACTERS), false),
        Value::Array(values) if values.iter().all(|value| !value.is_object() && !value.is_array()) => {
            (values.iter().map(|value| text(value).0).collect::<Vec<_>>().join("; "), false)
        }
        other => (clean(&other.to_string(), CELL_CHARACTERS), false),
    }
}

/// A text that no spreadsheet runs.
fn inert(text: String) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn form(format: Option<Format>, columns: &[&str]) -> Form {
        Form { format, columns: columns.iter().map(|name| (*name).to_owned()).collect() }
    }

    fn printed(format: Format, columns: &[&str], document: Value) -> Result<String, String> {
        let form = form(Some(format), columns);
        text_of(&form, document, Paint::default()).map_err(|failure| format!("{failure:?}"))
    }

    fn list() -> Value {
        json!({ "total": 2, "influencers": [
            { "name": "Mara, \"M\"", "followers": 1024, "tags": ["a", "b"], "latest": { "posts": 3 } },
            { "name": "=HYPERLINK(\"x\")", "followers": null, "tags": [], "latest": { "posts": -4 } },
        ]})
    }

    #[test]
    fn a_list_is_printed_as_other_programs_read_it() {
        let check = |format: Format, columns: &[&str], expected: &str| {
            assert_eq!(printed(format, columns, list()).as_deref(), Ok(expected), "{format:?}");
        };
        let csv =
            "name,followers,tags,latest.posts\n\"Mara, \"\"M\"\"\",1024,a; b,3\n\"'=HYPERLINK(\"\"x\"\")\",,,-4\n";
        check(Format::Csv, &[], csv);
        check(Format::Tsv, &["followers", "tags"], "followers\ttags\n1024\ta; b\n\t\n");
        check(
            Format::Md,
            &["name", "followers"],
            "| name | followers |\n| --- | ---: |\n| Mara, \"M\" | 1024 |\n| =HYPERLINK(\"x\") |  |\n",
        );
        let [first, second] = [0, 1].map(|at| list()["influencers"][at].to_string());
        check(Format::Ndjson, &[], &format!("{first}\n{second}\n"));
        check(Format::Ndjson, &["followers"], "{\"followers\":1024}\n{\"followers\":null}\n");
        check(Format::Table, &["followers", "tags"], "FOLLOWERS  TAGS\n     1024  a; b\n\n");
    }

    #[test]
    fn without_a_form_it_is_as_usual_and_what_is_no_list_is_refused() {
        for format in [None, Some(Format::Table), Some(Format::Json)] {
            assert!(form(format, &[]).is_usual());
        }
        let refused = |format, columns: &[&str], document, part: &str| {
            let error = printed(format, columns, document).expect_err(part);
            assert!(error.contains(part), "{error}");
        };
        refused(Format::Csv, &[], json!({ "name": "Mara" }), "this is no list");
        refused(Format::Csv, &["folowers"], list(), "did you mean followers?");
        assert_eq!(printed(Format::Csv, &["any"], json!({ "runs": [] })).as_deref(), Ok("any\n"));
        assert_eq!(printed(Format::Md, &[], json!({ "runs": [] })).as_deref(), Ok(""));
    }

    #[test]
    fn hostile_names_stay_in_their_cell() {
        let hostile = json!([{ "name": "a|b\u{1b}[2J\nc\u{202e}", "note": "+1\t@x" }]);
        assert_eq!(
            printed(Format::Md, &[], hostile.clone()).as_deref(),
            Ok("| name | note |\n| --- | --- |\n| a\\|b[2J c | +1 @x |\n")
        );
        assert_eq!(printed(Format::Tsv, &[], hostile).as_deref(), Ok("name\tnote\na|b[2J c\t'+1 @x\n"));
    }
}
