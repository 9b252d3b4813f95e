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
//! ```

use crate::connection::ConnectionStatus;
use crate::metric::Ratio;

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
    /// Name, handles or tags contain this lower-case text.
    Contains(String),
    /// Has a connection on the platform with this slug.
    Platform(String),
    /// Carries this tag, lower-case.
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
#[error("{word:?}: {reason}")]
pub struct QueryError {
    pub word: String,
    pub reason: &'static str,
}

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
/// The first word whose value makes no sense for its key. A word with an unknown key is looked for as text.
pub fn parse(text: &str) -> Result<Query, QueryError> {
    let terms = words(text).iter().map(|word| term(word)).collect::<Result<_, _>>()?;
    Ok(Query { terms })
}

/// Splits at blanks outside double quotes and removes the quotes.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            c if c.is_whitespace() && !quoted => words.push(std::mem::take(&mut word)),
            c => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty() && word != "-");
    words
}

fn term(word: &str) -> Result<Term, QueryError> {
    let (not, rest) = match word.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, word),
    };
    let wrong = |reason| QueryError { word: word.to_owned(), reason };
    let ratio = |value: &str| compared(value).and_then(|(compare, number)| Some((compare, percent(number)?)));
    let needs_percent = "write a percentage such as >5% or <-2%";
    let test = match rest.split_once(':') {
        Some(("platform", slug)) => Test::Platform(slug.to_lowercase()),
        Some(("tag", tag)) => Test::Tag(tag.trim_start_matches('#').to_lowercase()),
        Some(("status", status)) => Test::Status(
            status_named(status).ok_or_else(|| wrong("write fresh, stale, never, error, reauthorize or paused"))?,
        ),
        Some(("is", "paused")) => Test::Paused,
        Some(("is", "alerting")) => Test::Alerting,
        Some(("is", _)) => return Err(wrong("write is:paused or is:alerting")),
        Some(("followers", value)) => {
            let (compare, number) = compared(value).ok_or_else(|| wrong("write a number such as >10k"))?;
            Test::Followers(compare, count(number).ok_or_else(|| wrong("write a number such as >10k"))?)
        }
        Some(("growth7", value)) => {
            ratio(value).map(|(c, r)| Test::Growth7(c, r)).ok_or_else(|| wrong(needs_percent))?
        }
        Some(("growth30", value)) => {
            ratio(value).map(|(c, r)| Test::Growth30(c, r)).ok_or_else(|| wrong(needs_percent))?
        }
        Some(("engagement", value)) => {
            ratio(value).map(|(c, r)| Test::Engagement(c, r)).ok_or_else(|| wrong(needs_percent))?
        }
        _ => Test::Contains(rest.to_lowercase()),
    };
    Ok(Term { not, test })
}

fn status_named(name: &str) -> Option<ConnectionStatus> {
    use ConnectionStatus::{Error, Fresh, Never, Paused, Reauthorize, Stale};
    [Fresh, Stale, Never, Error, Reauthorize, Paused].into_iter().find(|status| status.as_str() == name)
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
        check("followers:>10k", Test::Followers(Compare::More, 10_000));
        check("followers:1.5M", Test::Followers(Compare::AtLeast, 1_500_000));
        check("growth30:>5%", Test::Growth30(Compare::More, Ratio(50_000)));
        check("growth7:<=-2", Test::Growth7(Compare::AtMost, Ratio(-20_000)));
        check("unknown:key", Test::Contains("unknown:key".into()));
        assert!(parse("-tag:x").expect("minus").terms[0].not);
        assert!(parse("  ").expect("empty").terms.is_empty());
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["followers:many", "growth7:>x", "status:odd", "is:odd", "followers:>nan", "engagement:>inf"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_understood_or_refused(text in ".{0,80}") {
            let _ = parse(&text);
        }
    }
}
