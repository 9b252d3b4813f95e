//! The filter language of lists: words that must all fit.
//!
//! ```text
//! mara                  the name, a handle or a tag contains it, whatever the case
//! "mara lind"           the same, blanks included
//! platform:youtube      has a connection there
//! tag:beauty            carries exactly this tag
//! status:error          a connection has this status (fresh stale never error reauthorize paused)
//! is:paused is:alerting paused as a whole; has an open alert
//! followers:>10k        also >= < <= =, numbers with k, m, b
//! growth7:<-2%  growth30:>5%  engagement:>3%
//! -tag:beauty           a minus turns any word round
//! "tag:beauty"          the text, for a colon or a minus inside quotes means nothing
//! ```
//!
//! What precedes a colon is a key; an unknown one is an error, never a text that no influencer has.

mod word;

use crate::connection::ConnectionStatus;
use crate::error::RosterError;
use crate::folding::{bare, folded, nearest};
use crate::metric::Ratio;
use crate::text;
use word::Word;

/// A filter: every term must fit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    pub terms: Vec<Term>,
}

/// One word of a filter.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// Whether the word was turned round by a minus.
    pub not: bool,
    pub test: Test,
}

/// What a word tests.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// Name, handles or tags contain this text, whatever the case and accents.
    Contains(String),
    /// Has a connection on the platform with this slug.
    Platform(String),
    /// Carries this tag, folded.
    Tag(String),
    /// A connection has this status.
    Status(ConnectionStatus),
    /// Is paused as a whole.
    Paused,
    /// Has an open alert.
    Alerting,
    Followers(Compare, u64),
    Growth7(Compare, Ratio),
    Growth30(Compare, Ratio),
    Engagement(Compare, Ratio),
}

/// How a number is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    Less,
    AtMost,
    Equal,
    AtLeast,
    More,
}

impl Compare {
    /// Whether `value` compares to `bound` this way.
    pub fn holds<T: PartialOrd>(self, value: T, bound: T) -> bool {
        match self {
            Compare::Less => value < bound,
            Compare::AtMost => value <= bound,
            Compare::Equal => value == bound,
            Compare::AtLeast => value >= bound,
            Compare::More => value > bound,
        }
    }
}

/// A word that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}", text::clean(.word, WORD_CHARACTERS), .wrong.reason)]
pub struct QueryError {
    /// The word as it was typed, without its quotes.
    pub word: String,
    pub wrong: Wrong,
}

/// What is wrong with a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// With the nearest that would be right.
    pub reason: String,
    /// All that would be right, where they can be listed.
    pub known: Vec<String>,
}

impl Wrong {
    /// A word that is none of the known ones.
    pub fn unknown(what: &str, nearest: &str, known: impl IntoIterator<Item = String>) -> Self {
        Self { reason: format!("{what}; did you mean {nearest}?"), known: known.into_iter().collect() }
    }
}

impl From<String> for Wrong {
    fn from(reason: String) -> Self {
        Self { reason, known: Vec::new() }
    }
}

impl From<QueryError> for RosterError {
    fn from(error: QueryError) -> Self {
        let word = text::clean(error.word.trim_start_matches('-'), WORD_CHARACTERS);
        let known = match error.wrong.known.join(", ") {
            known if known.is_empty() => known,
            known => format!("known are {known}; "),
        };
        RosterError::usage(error.to_string()).hint(format!("{known}in quotes it is text: \"{word}\""))
    }
}

/// As much of a word as an error shows.
const WORD_CHARACTERS: usize = 40;

/// Understands a filter. The empty one fits everything.
///
/// ```
/// use roster_protocol::query::{Compare, Term, Test, parse};
///
/// let query = parse("mara followers:>10k -tag:beauty")?;
/// let expected = [
///     Term { not: false, test: Test::Contains("mara".to_owned()) },
///     Term { not: false, test: Test::Followers(Compare::More, 10_000) },
///     Term { not: true, test: Test::Tag("beauty".to_owned()) },
/// ];
/// assert_eq!(query.terms, expected);
/// assert_eq!(parse("mara followers:many").map_err(|error| error.word), Err("followers:many".to_owned()));
/// # Ok::<(), roster_protocol::query::QueryError>(())
/// ```
///
/// # Errors
/// The first word with an unknown key, or whose value makes no sense for its key.
pub fn parse(text: &str) -> Result<Query, QueryError> {
    let terms = word::words(text).iter().map(term).collect::<Result<_, _>>()?;
    Ok(Query { terms })
}

/// Every key, in the order of the help.
const KEYS: [&str; 8] = ["platform", "tag", "status", "is", "followers", "growth7", "growth30", "engagement"];

const STATUSES: [ConnectionStatus; 6] = {
    use ConnectionStatus::{Error, Fresh, Never, Paused, Reauthorize, Stale};
    [Fresh, Stale, Never, Error, Reauthorize, Paused]
};

fn term(word: &Word) -> Result<Term, QueryError> {
    let Some((key, value)) = word.key_and_value() else {
        return Ok(Term { not: word.not, test: Test::Contains(bare(&word.text)) });
    };
    let test = test(&folded(key), value).map_err(|wrong| QueryError { word: word.to_string(), wrong })?;
    Ok(Term { not: word.not, test })
}

fn test(key: &str, value: &str) -> Result<Test, Wrong> {
    let ratio = || {
        let compared = compared(value).and_then(|(compare, number)| Some((compare, percent(number)?)));
        compared.ok_or_else(|| format!("write a percentage such as {key}:>5% or {key}:<-2%"))
    };
    Ok(match key {
        "platform" | "tag" if value.is_empty() => return Err(format!("which? write {key}:NAME").into()),
        "platform" => Test::Platform(folded(value)),
        "tag" => Test::Tag(folded(value.trim_start_matches('#'))),
        "status" => {
            let found = STATUSES.into_iter().find(|status| status.as_str() == folded(value));
            Test::Status(found.ok_or_else(|| unknown_value(key, value, &STATUSES.map(ConnectionStatus::as_str)))?)
        }
        "is" => match folded(value).as_str() {
            "paused" => Test::Paused,
            "alerting" => Test::Alerting,
            _ => return Err(unknown_value(key, value, &["paused", "alerting"])),
        },
        "followers" => {
            let compared = compared(value).and_then(|(compare, number)| Some((compare, count(number)?)));
            let (compare, number) = compared.ok_or_else(|| "write a number such as followers:>10k".to_owned())?;
            Test::Followers(compare, number)
        }
        "growth7" => ratio().map(|(compare, ratio)| Test::Growth7(compare, ratio))?,
        "growth30" => ratio().map(|(compare, ratio)| Test::Growth30(compare, ratio))?,
        "engagement" => ratio().map(|(compare, ratio)| Test::Engagement(compare, ratio))?,
        _ => return Err(unknown_key(key, value)),
    })
}

fn unknown_key(key: &str, value: &str) -> Wrong {
    match key {
        "growth" => {
            let value = text::clean(value, WORD_CHARACTERS);
            format!("over how many days? write growth7:{value} or growth30:{value}").into()
        }
        _ if value.starts_with("//") => "an address is no filter word; write the handle in it".to_owned().into(),
        _ => Wrong::unknown("no such key", &format!("{}:", nearest(key, KEYS)), KEYS.map(|key| format!("{key}:"))),
    }
}

fn unknown_value(key: &str, value: &str, known: &[&str]) -> Wrong {
    let whole = |value: &str| format!("{key}:{value}");
    let near = whole(nearest(&folded(value), known.iter().copied()));
    Wrong::unknown(&format!("no such {key}"), &near, known.iter().map(|value| whole(value)))
}

/// Splits `>=10k` into comparison and number; a bare number means "at least".
fn compared(value: &str) -> Option<(Compare, &str)> {
    let operators = [
        (">=", Compare::AtLeast),
        ("<=", Compare::AtMost),
        (">", Compare::More),
        ("<", Compare::Less),
        ("=", Compare::Equal),
        ("", Compare::AtLeast),
    ];
    operators.into_iter().find_map(|(sign, compare)| value.strip_prefix(sign).map(|number| (compare, number)))
}

/// `10k`, `1.5m`, `2_000`: a count.
pub fn count(text: &str) -> Option<u64> {
    let text = text.replace(['_', ','], "").to_lowercase();
    let (digits, factor) = match text.strip_suffix(['k', 'm', 'b']) {
        Some(digits) if text.ends_with('k') => (digits, 1e3),
        Some(digits) if text.ends_with('m') => (digits, 1e6),
        Some(digits) => (digits, 1e9),
        None => (text.as_str(), 1.0),
    };
    let number: f64 = digits.parse().ok()?;
    let value = number * factor;
    (value.is_finite() && (0.0..1.8e19).contains(&value)).then(|| value.round() as u64)
}

/// `5%` is 0.05; without the sign it is taken as percent too.
fn percent(text: &str) -> Option<Ratio> {
    let number: f64 = text.strip_suffix('%').unwrap_or(text).parse().ok()?;
    Ratio::from_f64(number / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_understood() {
        let check = |text: &str, expected: Test| {
            let query = parse(text).expect(text);
            assert_eq!(query.terms, [Term { not: false, test: expected }], "{text}");
        };
        check("Mara", Test::Contains("mara".into()));
        check("\"mara lind\"", Test::Contains("mara lind".into()));
        check("platform:YouTube", Test::Platform("youtube".into()));
        check("tag:#Beauty", Test::Tag("beauty".into()));
        check("status:error", Test::Status(ConnectionStatus::Error));
        check("is:paused", Test::Paused);
        check("is:alerting", Test::Alerting);
        check("followers:>10k", Test::Followers(Compare::More, 10_000));
        check("followers:1.5M", Test::Followers(Compare::AtLeast, 1_500_000));
        check("growth30:>5%", Test::Growth30(Compare::More, Ratio(50_000)));
        check("growth7:<=-2", Test::Growth7(Compare::AtMost, Ratio(-20_000)));
        check("STATUS:Error", Test::Status(ConnectionStatus::Error));
        check("\"bogus:foo\"", Test::Contains("bogus:foo".into()));
        check("re\":\"zero", Test::Contains("re:zero".into()));
        check("tag:\"a:b\"", Test::Tag("a:b".into()));
        check("\"-x\"", Test::Contains("-x".into()));
        check(":)", Test::Contains(":)".into()));
        check("ΟΔΥΣΣΕΑΣ", Test::Contains(bare("οδυσσεας")));
        for text in ["-tag:x", "-\"bogus:foo\"", "-x"] {
            assert!(parse(text).expect(text).terms[0].not, "{text}");
        }
        for empty in ["  ", "-", "\"\"", "-\"\""] {
            assert!(parse(empty).expect(empty).terms.is_empty(), "{empty}");
        }
    }

    #[test]
    fn each_comparison_holds_below_at_or_above_its_bound() {
        let check = |compare: Compare, expected: [bool; 3]| {
            assert_eq!([1, 2, 3].map(|value| compare.holds(value, 2)), expected, "{compare:?}");
        };
        check(Compare::Less, [true, false, false]);
        check(Compare::AtMost, [true, true, false]);
        check(Compare::Equal, [false, true, false]);
        check(Compare::AtLeast, [false, true, true]);
        check(Compare::More, [false, false, true]);
    }

    #[test]
    fn counts_have_suffixes_and_are_never_negative() {
        let check = |text: &str, expected: Option<u64>| assert_eq!(count(text), expected, "{text}");
        check("0", Some(0));
        check("2_000", Some(2_000));
        check("12,345", Some(12_345));
        check("1.5k", Some(1_500));
        check("2.1M", Some(2_100_000));
        check("3b", Some(3_000_000_000));
        check("0.4", Some(0));
        check("-5", None);
        check("-0.1k", None);
        check("18b", Some(18_000_000_000));
        check("18000000001b", None);
        check("inf", None);
        check("nan", None);
        check("k", None);
        check("", None);
    }

    #[test]
    fn what_is_not_understood_is_refused_with_the_nearest() {
        let check = |text: &str, part: &str| {
            for text in [text.to_owned(), format!("-{text}"), format!("mara {text} -tag:x")] {
                let error = parse(&text).expect_err(&text);
                assert!(error.wrong.reason.contains(part), "{text}: {error}");
                let hint = RosterError::from(error).hint.expect("what to do");
                let quoted = hint.split_once("it is text: ").expect("an example").1;
                assert!(
                    matches!(parse(quoted).expect(quoted).terms[..], [Term { test: Test::Contains(_), .. }]),
                    "{hint}"
                );
            }
        };
        check("bogus:foo", "did you mean");
        check("folowers:>10k", "did you mean followers:?");
        check("plattform:youtube", "did you mean platform:?");
        check("growth:<0", "growth7:<0 or growth30:<0");
        check("status:eror", "status:error");
        check("is:pausd", "is:paused");
        check("https://bsky.app/profile/x", "write the handle");
        for number in ["followers:many", "followers:", "followers:>nan", "followers:>-1", "followers:1k..2k"] {
            check(number, "followers:>10k");
        }
        check("growth7:>x", "growth7:>5%");
        check("engagement:>inf", "engagement:>5%");
        check("tag:", "tag:NAME");
        check("platform:", "platform:NAME");
    }

    #[test]
    fn an_error_lists_what_is_known_where_it_is_a_list() {
        let hint = |text: &str| RosterError::from(parse(text).expect_err(text)).hint.expect("what to do");
        let known = "known are status:fresh, status:stale, status:never, status:error, status:reauthorize, status:paused; \
                     in quotes it is text: \"status:eror\"";
        assert_eq!(hint("status:eror"), known);
        assert_eq!(hint("-followers:many"), "in quotes it is text: \"followers:many\"");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_understood_or_refused(text in ".{0,80}") {
            let _ = parse(&text);
        }
    }
}
