//! Verbs that act on all influencers that fit a filter: who they are is shown first, and a person or `--yes` agrees.

use std::fmt::Write as _;

use roster_protocol::service::PAGE_ROWS;
use roster_protocol::text::clean;
use roster_protocol::{Influencer, InfluencerQuery, InfluencerRow, RosterClient, RosterError, SortBy};

use super::asking;
use super::progress::Progress;
use crate::client::{response, short_call};
use crate::output::{Ending, Failure, Output, json};

/// How many are named before the question.
const NAMED: usize = 10;
const NAME_CHARACTERS: usize = 80;

/// Everyone who fits a filter, by name. Who is added meanwhile may be missed.
///
/// # Errors
/// The filter makes no sense, or nobody fits.
pub(super) async fn chosen(client: &RosterClient, filter: &str) -> Result<Vec<InfluencerRow>, RosterError> {
    // A variable that is not set in a script must not mean everyone.
    if roster_protocol::query::parse(filter).is_ok_and(|query| query.terms.is_empty()) {
        let error = RosterError::usage("an empty filter fits everyone");
        return Err(error.hint("say which ones are meant, such as --where 'tag:spring'"));
    }
    let mut rows: Vec<InfluencerRow> = Vec::new();
    loop {
        let (filter, offset) = (filter.to_owned(), rows.len() as u64);
        let query =
            InfluencerQuery { filter, sort: SortBy::Name, reverse: false, offset, limit: PAGE_ROWS, near: None };
        let page = response(client.influencers(short_call(), query).await)?;
        let is_last = page.rows.is_empty() || offset + page.rows.len() as u64 >= page.matching;
        rows.extend(page.rows);
        if is_last {
            break;
        }
    }
    rows.sort_by_key(|row| row.id);
    rows.dedup_by_key(|row| row.id);
    rows.sort_by(|one, other| one.name.cmp(&other.name));
    match rows.is_empty() {
        true => {
            Err(RosterError::not_found("no influencer matches")
                .hint("`roster list` with the same words shows who does"))
        }
        false => Ok(rows),
    }
}

/// Shows who is concerned, and goes on only when that is agreed to.
///
/// # Errors
/// It is not, or nobody is there who could and `--yes` is missing.
pub(super) async fn agreed(verb: &str, rows: &[InfluencerRow], yes: bool, output: &Output) -> Result<(), Failure> {
    if !yes && !asking::is_attended() {
        output.aside_without_json(&preview(rows));
        let error = RosterError::usage(format!("this would {verb} {}", counted(rows.len())));
        return Err(error.hint("add --yes if that is meant").into());
    }
    if !yes {
        output.aside(&preview(rows));
        asking::ask(&format!("{} {}?", capitalized(verb), counted(rows.len())), output).await?;
    }
    Ok(())
}

/// Does it to one after the other, and prints those to whom it was done. What fails for one stops no other.
///
/// # Errors
/// When the output cannot be printed.
pub(super) async fn each(
    rows: &[InfluencerRow],
    output: &mut Output,
    mut act: impl AsyncFnMut(&InfluencerRow) -> Result<Influencer, RosterError>,
) -> Result<Ending, Failure> {
    let (mut done, mut failed) = (Vec::new(), Vec::new());
    {
        let bar = Progress::new(output.errors);
        for (at, row) in rows.iter().enumerate() {
            bar.draw(at as u64, rows.len() as u64, failed.len() as u64);
            match act(row).await {
                Ok(influencer) => done.push(influencer),
                Err(error) => failed.push(format!("{}: {}", clean(&row.name, NAME_CHARACTERS), error.message)),
            }
        }
    }
    failed.iter().for_each(|sentence| output.warn(sentence));
    let list = || json::InfluencerList {
        total: done.len() as u64,
        influencers: done.iter().map(|influencer| json::Influencer::from(&influencer.row)).collect(),
    };
    output.print(list, |_| format!("done for {}\n", counted(done.len())))?;
    Ok(Ending::of(done.len() as u64, rows.len() as u64))
}

fn preview(rows: &[InfluencerRow]) -> String {
    let mut text = String::new();
    for row in rows.iter().take(NAMED) {
        let _ = writeln!(text, "  {}  {}", row.id, clean(&row.name, NAME_CHARACTERS));
    }
    if rows.len() > NAMED {
        let _ = writeln!(text, "  and {} more", rows.len() - NAMED);
    }
    text
}

fn counted(count: usize) -> String {
    if count == 1 { "1 influencer".to_owned() } else { format!("{count} influencers") }
}

fn capitalized(verb: &str) -> String {
    let mut letters = verb.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn the_first_are_named_and_the_others_counted() {
        let row = samples::influencer().row;
        assert_eq!(preview(std::slice::from_ref(&row)), "  aibaeaqc  Mara Lindqvist\n");
        let many = vec![InfluencerRow { name: "a\u{1b}[2Jb".into(), ..row }; 12];
        let shown = preview(&many);
        assert!(shown.lines().count() == 11 && shown.ends_with("  and 2 more\n"), "{shown}");
        assert!(!shown.contains('\u{1b}'), "{shown}");
        assert_eq!([counted(1), counted(2)], ["1 influencer", "2 influencers"]);
    }
}
