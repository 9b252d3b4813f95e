//! The choice among several accounts: a terminal asks for it, a script gets a list.

use std::fmt::Write;

use roster_protocol::folding::folded_handle;
use roster_protocol::text::{NAME_CHARACTERS, clean};
use roster_protocol::{ConsentChoice, InfluencerId};

use crate::consent::taken;
use crate::output::table::{Cell, Paint, Table, Tone};
use crate::output::text::count;

/// The accounts, numbered from 1.
pub(super) fn table(choices: &[ConsentChoice], influencer: Option<InfluencerId>, paint: Paint) -> String {
    let mut table = Table::new(&[">", "ACCOUNT", "NAME", ">FOLLOWERS", ""]);
    for (number, choice) in (1..).zip(choices) {
        table.row([
            number.to_string().into(),
            choice.handle.as_str().into(),
            choice.name.as_deref().unwrap_or_default().into(),
            count(choice.followers).into(),
            Cell::new(taken(choice, influencer), Tone::Quiet),
        ]);
    }
    table.render(paint)
}

/// The ids of what the user chose: numbers, handles, or `all`.
///
/// # Errors
/// What to write instead.
pub(super) fn chosen(line: &str, choices: &[ConsentChoice]) -> Result<Vec<String>, String> {
    let words: Vec<&str> = line.split([' ', ',', '\t', '\r', '\n']).filter(|word| !word.is_empty()).collect();
    if words.is_empty() {
        return Err(format!("write a number from 1 to {}, several, or all", choices.len()));
    }
    if words == ["all"] {
        return Ok(choices.iter().map(|choice| choice.platform_user_id.clone()).collect());
    }
    let mut ids: Vec<String> = Vec::new();
    for word in words {
        let numbered = word.parse::<usize>().ok().and_then(|number| choices.get(number.checked_sub(1)?));
        let handle = folded_handle(word);
        let is_named =
            |choice: &&ConsentChoice| folded_handle(&choice.handle) == handle || choice.platform_user_id == word;
        let named = || choices.iter().find(is_named);
        let choice = numbered.or_else(named).ok_or_else(|| {
            format!("{:?} is none of them: write a number from 1 to {}", clean(word, NAME_CHARACTERS), choices.len())
        })?;
        if !ids.contains(&choice.platform_user_id) {
            ids.push(choice.platform_user_id.clone());
        }
    }
    Ok(ids)
}

/// How a script continues.
pub(super) fn next_steps(choices: &[ConsentChoice]) -> String {
    let mut text = String::from("several accounts: the consent stays open; run the same with --handle");
    if let Some(first) = choices.first() {
        // Writing into a String cannot fail.
        let _ = write!(text, ", such as --handle {}", clean(&first.handle, NAME_CHARACTERS));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn a_choice_names_one_or_several() {
        let choices = samples::choices();
        let check = |line: &str, expected: &[&str]| {
            assert_eq!(chosen(line, &choices).as_deref().unwrap_or_default(), expected, "{line:?}");
        };
        check("1\n", &["101"]);
        check("2, 1", &["102", "101"]);
        check("1 1", &["101"]);
        check("all", &["101", "102", "103"]);
        check("oskar.ines", &["101"]);
        check("Oskar.Ines", &["101"]);
        check("103", &["103"]);
        for bad in ["", " \n", "0", "4", "-1", "1 x", "99999999999999999999999"] {
            assert!(chosen(bad, &choices).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn text_lists_each_platform() {
        let text = table(&samples::choices(), Some(InfluencerId::from_bytes([2; 5])), Paint::default());
        insta::assert_snapshot!(text, @r"
           ACCOUNT      NAME          FOLLOWERS
        1  oskar.ines   Oskar & Ines    402,000
        2  ines.bakes                    12,345  connected already
        3  nightgarden  nightgarden           –  another has it
        ");
        assert!(next_steps(&samples::choices()).ends_with("--handle oskar.ines"));
    }
}
