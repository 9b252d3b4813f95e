//! The page for the person: what is held, why, and how long. It needs nothing but itself and runs nothing.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use roster_protocol::held::{HeldPage, Part};
use roster_protocol::notice::grouped;
use roster_protocol::text::clean;
use serde_json::Value;

/// So many rows of a part are shown; the others are counted.
const SHOWN: usize = 12;
/// The columns that fit beside each other.
const COLUMNS: usize = 7;
/// What a day has besides its numbers.
const BESIDES: [&str; 4] = ["period", "observed_at", "read_with", "by_hand"];
/// The longest text of a cell.
const CHARACTERS: usize = 160;

const STYLE: &str = "\
:root{color-scheme:light}\
body{font:16px/1.5 system-ui,sans-serif;color:#1c2430;background:#fff;max-width:62rem;margin:2.5rem auto;padding:0 1.25rem}\
h1{font-size:1.75rem;line-height:1.2;margin:0 0 .5rem}\
h2{font-size:1.15rem;margin:2.25rem 0 .25rem;padding-top:1rem;border-top:1px solid #dde2ea}\
p{margin:.25rem 0;max-width:46rem}\
.quiet{color:#566072}\
.wide{overflow-x:auto}\
table{border-collapse:collapse;font-size:.85rem;margin:.75rem 0;min-width:20rem}\
th,td{text-align:left;vertical-align:top;padding:.3rem .9rem .3rem 0;border-bottom:1px solid #eceff4;overflow-wrap:anywhere}\
th{color:#566072;font-weight:600}\
@media print{body{margin:0}h2{break-after:avoid}}";

/// A page as it is written, part by part.
#[derive(Default)]
pub struct Page {
    kept: BTreeMap<Part, String>,
    /// The part whose rows arrive, and what was gathered of it.
    open: Option<(Part, Gathered)>,
    /// Parts that had rows.
    held: Vec<Part>,
}

#[derive(Default)]
struct Gathered {
    rows: Vec<Vec<(String, String)>>,
    count: u64,
    /// The first and the last day.
    days: Option<(String, String)>,
}

impl Page {
    /// All before the parts.
    pub fn begin(&mut self, page: &HeldPage) -> String {
        self.kept = page.kept.iter().cloned().collect();
        let (name, at) = (escaped(&page.name), escaped(&page.at.to_string()));
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
             <title>What Roster holds about {name}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
             <h1>What Roster holds about {name}</h1>\n\
             <p>Roster follows how accounts of influencers develop, for the team that works with you. This page lists \
             everything that it held about you at {at}, why, and how long it is kept.</p>\n\
             <p class=\"quiet\">Long lists are shown in part and counted in full; the file in JSON that you can have beside \
             this page has each entry. You can have all of it corrected or deleted: turn to who gave you this page.</p>\n"
        )
    }

    /// What is written before a further row: the part before it, once it is complete.
    pub fn row(&mut self, part: Part, value: &Value) -> String {
        let text = match &self.open {
            Some((open, _)) if *open == part => String::new(),
            _ => self.close(),
        };
        let (_, gathered) = self.open.get_or_insert_with(|| (part, Gathered::default()));
        gathered.add(part, value);
        text
    }

    /// The last part, and what follows all parts.
    pub fn end(&mut self) -> String {
        let mut text = self.close();
        let nothing: Vec<&str> =
            Part::ALL.into_iter().filter(|part| !self.held.contains(part)).map(|part| part.in_words().0).collect();
        if !nothing.is_empty() {
            let list = escaped(&nothing.join(", "));
            let _ = write!(text, "<h2>What is not held</h2>\n<p>Nothing about you is held of these: {list}.</p>\n");
        }
        text + "</body>\n</html>\n"
    }

    fn close(&mut self) -> String {
        let Some((part, gathered)) = self.open.take() else { return String::new() };
        self.held.push(part);
        let (heading, why) = part.in_words();
        let mut text = format!("<h2>{}</h2>\n<p>{}</p>\n", escaped(heading), escaped(why));
        if let Some(kept) = self.kept.get(&part) {
            let _ = writeln!(text, "<p class=\"quiet\">Kept: {}.</p>", escaped_to(kept, 10 * CHARACTERS));
        }
        text + &gathered.listed(part)
    }
}

impl Gathered {
    fn add(&mut self, part: Part, value: &Value) {
        match part {
            // The days are the entries.
            Part::History => {
                let connection = value["connection"].as_str().unwrap_or_default();
                for list in ["snapshots", "days"] {
                    for day in value[list].as_array().into_iter().flatten() {
                        let mut row = flat(day, connection);
                        row.retain(|(name, _)| !BESIDES.contains(&name.as_str()));
                        self.add_row(row);
                    }
                }
            }
            _ => self.add_row(flat(value, "")),
        }
    }

    fn add_row(&mut self, row: Vec<(String, String)>) {
        self.count += 1;
        let day = row.iter().find(|(name, _)| ["date", "at", "started_at", "opened_at"].contains(&name.as_str()));
        if let Some(day) = day.and_then(|(_, value)| value.get(..10)) {
            let (first, last) = self.days.take().unwrap_or_else(|| (day.to_owned(), day.to_owned()));
            self.days = Some((first.min(day.to_owned()), last.max(day.to_owned())));
        }
        // The newest are the last ones of a history, and the first ones of every other list.
        if self.rows.len() < SHOWN {
            self.rows.push(row);
        }
    }

    fn listed(&self, part: Part) -> String {
        let days = self.days.as_ref().map(|(first, last)| match first == last {
            true => format!(", of {first}"),
            false => format!(", from {first} to {last}"),
        });
        let entries = if self.count == 1 { "One entry".to_owned() } else { format!("{} entries", grouped(self.count)) };
        let more = self.count - self.rows.len() as u64;
        let more = if more == 0 { String::new() } else { format!("; {} are shown", self.rows.len()) };
        let mut text = format!("<p class=\"quiet\">{entries}{}{more}.</p>\n", days.unwrap_or_default());
        // What there is little of is shown whole.
        if self.count == 1 || matches!(part, Part::Connections | Part::Grants) {
            self.rows.iter().for_each(|row| text += &upright(row));
            return text;
        }
        let mut columns: Vec<&str> = Vec::new();
        for (name, _) in self.rows.iter().flatten() {
            if !columns.contains(&name.as_str()) && columns.len() < COLUMNS {
                columns.push(name);
            }
        }
        text += "<div class=\"wide\"><table>\n<tr>";
        columns.iter().for_each(|name| _ = write!(text, "<th>{}</th>", label(name)));
        text += "</tr>\n";
        for row in &self.rows {
            text += "<tr>";
            for column in &columns {
                let value = row.iter().find(|(name, _)| name == column).map_or("", |(_, value)| value);
                let _ = write!(text, "<td>{}</td>", escaped(value));
            }
            text += "</tr>\n";
        }
        text + "</table></div>\n"
    }
}

/// One entry with its fields below each other.
fn upright(row: &[(String, String)]) -> String {
    let mut text = "<div class=\"wide\"><table>\n".to_owned();
    for (name, value) in row {
        let _ = writeln!(text, "<tr><th>{}</th><td>{}</td></tr>", label(name), escaped(value));
    }
    text + "</table></div>\n"
}

/// What is known of a value by the names of its fields; what is nested is named after both.
fn flat(value: &Value, connection: &str) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    if !connection.is_empty() {
        fields.push(("account".to_owned(), connection.to_owned()));
    }
    flatten("", value, &mut fields);
    fields
}

fn flatten(prefix: &str, value: &Value, fields: &mut Vec<(String, String)>) {
    match value {
        Value::Null => {}
        Value::Object(object) => {
            for (name, value) in object {
                let name = if prefix.is_empty() { name.clone() } else { format!("{prefix} {name}") };
                flatten(&name, value, fields);
            }
        }
        Value::Array(array) => {
            let texts: Vec<String> = array.iter().map(plain).collect();
            if !texts.is_empty() {
                fields.push((prefix.to_owned(), texts.join(", ")));
            }
        }
        value => fields.push((prefix.to_owned(), plain(value))),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(object) => object.values().map(plain).collect::<Vec<_>>().join(" "),
        value => value.to_string(),
    }
}

fn label(name: &str) -> String {
    escaped(&name.replace('_', " "))
}

/// Clean text in which no character means anything to a browser.
fn escaped(text: &str) -> String {
    escaped_to(text, CHARACTERS)
}

fn escaped_to(text: &str, characters: usize) -> String {
    let mut safe = String::new();
    for character in clean(text, characters).chars() {
        match character {
            '&' => safe += "&amp;",
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '"' => safe += "&quot;",
            '\'' => safe += "&#39;",
            character => safe.push(character),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use roster_protocol::{InfluencerId, Timestamp};
    use serde_json::json;

    use super::*;

    fn page(name: &str, rows: &[(Part, Value)]) -> String {
        let head = HeldPage {
            influencer: InfluencerId::from_bytes([1; 5]),
            name: name.to_owned(),
            at: Timestamp(1_795_262_400_000),
            rows: Vec::new(),
            kept: vec![(Part::Influencer, "as long as you are in Roster".to_owned())],
            next: None,
        };
        let mut html = Page::default();
        let begin = html.begin(&head);
        let parts: String = rows.iter().map(|(part, value)| html.row(*part, value)).collect();
        begin + &parts + &html.end()
    }

    #[test]
    fn a_page_says_what_is_held_why_and_how_long_and_what_is_not() {
        let day = |date: &str| json!({"date": date, "followers": 5});
        let history = json!({"connection": "abc", "snapshots": [day("2026-11-01"), day("2026-11-02")], "days": []});
        let text = page("Mara", &[(Part::Influencer, json!({"name": "Mara", "note": null})), (Part::History, history)]);
        for expected in [
            "<h2>You</h2>",
            "Kept: as long as you are in Roster.",
            "<tr><th>name</th><td>Mara</td></tr>",
            "2 entries, from 2026-11-01 to 2026-11-02.",
            "<tr><td>abc</td><td>2026-11-02</td><td>5</td></tr>",
            "<h2>What is not held</h2>",
        ] {
            assert!(text.contains(expected), "{expected}\n{text}");
        }
        assert!(!text.contains("<th>note</th>"), "what is unknown is absent: {text}");
        assert!(!text.contains("You, Your accounts"), "{text}");
    }

    #[test]
    fn nothing_of_a_name_or_a_value_is_markup() {
        let hostile = "<script>alert(1)</script>\"'&";
        let fields = json!({hostile: hostile, "list": [hostile]});
        let text = page(hostile, &[(Part::Influencer, fields)]);
        assert!(!text.contains("<script"), "{text}");
        assert!(text.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;"), "{text}");
    }

    #[test]
    fn long_lists_are_counted_in_full_and_shown_in_part() {
        let rows: Vec<(Part, Value)> =
            (0..40).map(|at| (Part::Runs, json!({"at": "2026-11-01T00", "n": at}))).collect();
        let text = page("Mara", &rows);
        assert!(text.contains("40 entries, of 2026-11-01; 12 are shown."), "{text}");
        assert_eq!(text.matches("<tr><td>").count(), SHOWN);
    }
}
