//! Whether stdin is a table, as spreadsheets write one, whose lines would become odd names.

use roster_protocol::RosterError;

/// Words that head the columns of such a table.
const HEADINGS: [&str; 18] = [
    "name",
    "names",
    "influencer",
    "influencers",
    "creator",
    "creators",
    "handle",
    "handles",
    "username",
    "account",
    "platform",
    "url",
    "profile",
    "followers",
    "tag",
    "tags",
    "note",
    "email",
];

/// The refusal of a table, by its first line; `None` when that is a name, or a name with its accounts.
pub(super) fn found(line: &str) -> Option<RosterError> {
    let line = line.trim_start_matches('\u{feff}').trim_end_matches(['\r', '\n']);
    let columns: Vec<String> = line.split([',', ';', '\t', '|']).map(cleaned).collect();
    let what = match () {
        () if is_heading(&columns) => "a table with a heading",
        () if is_row(line) => "a table",
        () => return None,
    };
    Some(RosterError::usage(format!("stdin is {what}: nothing was added")).hint(
        "write one a line: NAME, or NAME, a tab, and its accounts as platform:handle or URL with blanks between, \
         without a heading",
    ))
}

fn cleaned(column: &str) -> String {
    column.trim_matches(|c: char| c == '"' || c.is_whitespace()).to_lowercase()
}

/// Whether the first column is headed, and of several at least one more.
fn is_heading(columns: &[String]) -> bool {
    let headed = columns.iter().filter(|column| HEADINGS.contains(&column.as_str())).count();
    let first = columns.first().is_some_and(|column| HEADINGS.contains(&column.as_str()));
    first && (columns.len() == 1 || headed > 1)
}

/// Whether an account or a number follows a comma or a semicolon: no name has those.
fn is_row(line: &str) -> bool {
    let is_value = |column: &String| {
        let digits = column.trim_end_matches(['k', 'm', '%']);
        column.starts_with('@') || column.contains("://") || !digits.is_empty() && digits.parse::<f64>().is_ok()
    };
    let separated = |separator: char| line.split(separator).skip(1).map(cleaned).any(|column| is_value(&column));
    [',', ';', '|'].into_iter().any(separated)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_no_list_of_names() {
        let check = |line: &str, part: Option<&str>| {
            let error = found(line);
            assert_eq!(error.as_ref().map(|error| error.kind.exit_code()), part.map(|_| 2), "{line:?}");
            assert!(part.is_none_or(|part| error.is_some_and(|error| error.message.contains(part))), "{line:?}");
        };
        check("name,platform,handle\n", Some("with a heading"));
        check("\u{feff}\"Name\";\"Platform\"\r\n", Some("with a heading"));
        check("Influencer\tHandle\tFollowers\n", Some("with a heading"));
        check("name\n", Some("with a heading"));
        check("handle,campaign,followers\n", Some("with a heading"));
        check("Mara Lindqvist,youtube,@mara\n", Some("a table"));
        check("Mara Lindqvist;https://bsky.app/profile/mara.example\n", Some("a table"));
        check("\"Lindqvist, Mara\",12345\n", Some("a table"));
        check("Mara|1.2m|5 %\n", Some("a table"));
        for name in [
            "Mara Lindqvist\n",
            "Name of the Wind\n",
            "Lindqvist, Mara\n",
            "Oskar, Ines & Co\tyoutube:@oskarines\n",
            "Name\tyoutube:@name\n",
            "Mara\thttps://bsky.app/profile/mara.example\n",
            "Studio 54\n",
            "Tea, cakes; and more | daily\n",
            "\n",
        ] {
            check(name, None);
        }
    }
}
