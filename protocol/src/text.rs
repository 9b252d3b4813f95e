//! Makes foreign text harmless: it is cleaned once when it arrives, and again at every print outside the TUI.

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};
use unicode_segmentation::UnicodeSegmentation;

/// The longest name kept, in visible characters (grapheme clusters).
pub const NAME_CHARACTERS: usize = 80;

/// The longest sentence kept, such as a platform's error text.
pub const SENTENCE_CHARACTERS: usize = 240;

/// Code points in one character; more is an attack on the line above and below.
const MOST_MARKS: usize = 10;

const JOINERS: [char; 2] = ['\u{200c}', '\u{200d}'];

/// One line of at most `most` characters without controls, escapes, bidi overrides or invisible characters.
///
/// Runs of blanks, line ends included, become one blank. Joiners stay between letters and emoji, which need them.
pub fn clean(text: &str, most: usize) -> String {
    if is_plain(text, most) {
        return text.to_owned();
    }
    // No character has more bytes than this; what is behind cannot matter, however long it is.
    let window = text.floor_char_boundary(most.saturating_mul(MOST_MARKS * 16));
    let mut line = clean_once(&text[..window], most);
    // What is taken out can join its neighbours into something new; each round only shortens, so this ends.
    loop {
        let next = clean_once(&line, most);
        if next == line {
            return line;
        }
        line = next;
    }
}

/// Printed ASCII with single blanks between words: what most texts are, and what cleaning would not change.
fn is_plain(text: &str, most: usize) -> bool {
    let printed = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    printed && text.len() <= most && text.trim() == text && !text.contains("  ")
}

fn clean_once(text: &str, most: usize) -> String {
    let visible: String = text.chars().filter_map(visible).collect();
    let words: Vec<&str> = visible.split_whitespace().collect();
    words.join(" ").graphemes(true).take(most).map(tame).collect()
}

/// What is left of a code point: the same, a blank, or nothing.
fn visible(c: char) -> Option<char> {
    if c.is_whitespace() {
        return Some(' ');
    }
    match c.general_category() {
        GeneralCategory::Control
        | GeneralCategory::Surrogate
        | GeneralCategory::PrivateUse
        | GeneralCategory::Unassigned => None,
        GeneralCategory::Format => JOINERS.contains(&c).then_some(c),
        // Hangul fillers and the Braille blank are invisible letters.
        _ if matches!(c, '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{2800}') => None,
        _ => Some(c),
    }
}

/// A character with at most [`MOST_MARKS`] code points, and without joiners that join nothing.
fn tame(grapheme: &str) -> String {
    let alone = grapheme.chars().all(|c| JOINERS.contains(&c));
    let plain = grapheme.trim_start_matches(JOINERS).trim_end_matches(JOINERS);
    if alone { String::new() } else { plain.chars().take(MOST_MARKS).collect() }
}

/// Whether a name typed by a person may be stored as it is: one line, nothing invisible, not too long, not empty.
pub fn is_clean(name: &str) -> bool {
    !name.is_empty() && clean(name, NAME_CHARACTERS) == name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_becomes_one_harmless_line() {
        let check = |text: &str, expected: &str| assert_eq!(clean(text, 20), expected, "{text:?}");
        check("Mara Lindqvist", "Mara Lindqvist");
        check("  two\r\n lines\t", "two lines");
        check("\u{1b}]52;c;aGk=\u{7}title", "]52;c;aGk=title");
        check("\u{9b}31mred", "31mred");
        check("abc\u{202e}fed\u{202c}", "abcfed");
        check("zero\u{200b}width\u{feff}", "zerowidth");
        check("👩\u{200d}💻 dev", "👩\u{200d}💻 dev");
        check("a\u{200d}", "a");
        check("a\u{3164}b\u{2800}c", "abc");
        check("ใหม่ नमस्ते", "ใหม่ नमस्ते");
        check(&"x".repeat(100_000), &"x".repeat(20));
        check("", "");
        assert!(clean(&format!("e{}", "\u{301}".repeat(500)), 20).chars().count() <= MOST_MARKS);
    }

    #[test]
    fn what_is_invisible_takes_no_room() {
        let between = "\u{200b}".repeat(30);
        assert_eq!(clean(&["m", "a", "r", "a", "!"].join(&between), 5), "mara!");
    }

    #[test]
    fn typed_names_are_refused_rather_than_changed() {
        assert!(is_clean("Oskar & Ines"));
        for bad in ["", " ", "a\nb", "a  b", "\u{1b}[31mx", &"x".repeat(81)] {
            assert!(!is_clean(bad), "{bad:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn cleaning_twice_changes_nothing(text in "\\PC{0,60}|.{0,60}") {
            let once = clean(&text, 30);
            proptest::prop_assert_eq!(&clean(&once, 30), &once);
            proptest::prop_assert!(!once.chars().any(char::is_control));
        }
    }
}
