//! The words of a filter: where each begins and ends, and what its quotes enclose.

use std::fmt;

/// A word without its quotes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Word {
    /// Whether a minus precedes it.
    pub not: bool,
    pub text: String,
    /// Where the first colon outside quotes is.
    colon: Option<usize>,
    quoted: bool,
}

impl Word {
    /// What precedes the first colon outside quotes, and what follows it.
    pub fn key_and_value(&self) -> Option<(&str, &str)> {
        let colon = self.colon.filter(|at| *at > 0)?;
        Some((&self.text[..colon], &self.text[colon + 1..]))
    }

    fn push(&mut self, c: char, in_quotes: bool) {
        match c {
            '-' if self.text.is_empty() && !self.quoted && !self.not => self.not = true,
            _ => {
                if c == ':' && !in_quotes && self.colon.is_none() {
                    self.colon = Some(self.text.len());
                }
                self.text.push(c);
            }
        }
    }
}

/// The word without its quotes, with its minus.
impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.not { "-" } else { "" }, self.text)
    }
}

/// Splits at blanks outside double quotes. Words without text are left out.
pub fn words(text: &str) -> Vec<Word> {
    let (mut words, mut word, mut in_quotes) = (Vec::new(), Word::default(), false);
    for c in text.chars() {
        match c {
            '"' => {
                in_quotes = !in_quotes;
                word.quoted = true;
            }
            c if c.is_whitespace() && !in_quotes => words.push(std::mem::take(&mut word)),
            c => word.push(c, in_quotes),
        }
    }
    words.push(word);
    words.retain(|word| !word.text.is_empty());
    words
}
