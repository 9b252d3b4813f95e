//! What of a screen can be copied: the row under the cursor, parts of it, and the command that gives the same.

use crate::keys::Action;
use crate::message::Effect;
use crate::modal::{Next, boxed};
use crate::shared::{Shared, ToastLevel};
use crate::widgets::pen::Pen;

/// One thing to copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// What it is, in a word or two.
    pub what: String,
    pub text: String,
}

impl Copied {
    pub fn new(what: impl Into<String>, text: impl Into<String>) -> Self {
        Self { what: what.into(), text: text.into() }
    }

    /// A row, its cells separated by tabs as spreadsheets take them.
    pub fn row(cells: &[&str]) -> Self {
        let cells: Vec<String> = cells.iter().map(|cell| clean(cell)).collect();
        Self { what: "the row".to_owned(), text: cells.join("\t") }
    }
}

/// A command as a shell takes it.
pub fn command(words: &[&str]) -> Copied {
    let words: Vec<String> = words.iter().map(|word| quoted(&clean(word))).collect();
    Copied { what: "the command".to_owned(), text: format!("roster {}", words.join(" ")) }
}

/// A word that a shell leaves as it is.
fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@+,=".contains(&byte);
    match word.bytes().all(is_plain) && !word.is_empty() {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// Text without what a shell or a terminal could take for more when it is pasted.
fn clean(text: &str) -> String {
    roster_protocol::text::clean(text, usize::MAX)
}

/// The choice.
#[derive(Clone, Debug)]
pub struct Copy {
    entries: Vec<Copied>,
    cursor: usize,
}

impl Copy {
    pub fn new(entries: Vec<Copied>) -> Self {
        Self { entries, cursor: 0 }
    }

    /// What a key does.
    pub fn act(&mut self, shared: &mut Shared, action: Action) -> Vec<Next> {
        let last = self.entries.len().saturating_sub(1);
        match action {
            Action::Up => self.cursor = self.cursor.saturating_sub(1),
            Action::Down => self.cursor = (self.cursor + 1).min(last),
            Action::Top => self.cursor = 0,
            Action::Bottom => self.cursor = last,
            Action::Back => return vec![Next::Close],
            Action::Submit => {
                let Some(Copied { what, text }) = self.entries.get(self.cursor) else { return vec![Next::Close] };
                shared.say(ToastLevel::Done, format!("copied {what}"), None);
                let text = text.split('\t').map(clean).collect::<Vec<_>>().join("\t");
                return vec![Next::Close, Next::Effect(Effect::Copy(text))];
            }
            _ => {}
        }
        Vec::new()
    }
}

/// Draws what can be copied, each with its text.
pub fn view(shared: &Shared, copy: &Copy, pen: &mut Pen<'_>) {
    let inside = boxed(pen, shared.size, 70, copy.entries.len() as u16, "Copy");
    let first = copy.cursor.saturating_sub(usize::from(inside.height.saturating_sub(1)));
    for ((index, entry), y) in copy.entries.iter().enumerate().skip(first).zip(inside.y..inside.bottom()) {
        let here = index == copy.cursor;
        if here {
            pen.sign(inside.x, y, '▌', pen.theme.accent);
        }
        let style = if here { pen.theme.strong } else { pen.theme.plain };
        pen.put(inside.x + 2, y, 16, &entry.what, style);
        let text = entry.text.replace('\t', "  ");
        pen.put(inside.x + 19, y, inside.width.saturating_sub(19), &text, pen.theme.faint);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_one_for_a_shell_whatever_is_in_it() {
        let check = |words: &[&str], expected: &str| assert_eq!(command(words).text, expected);
        check(&["list"], "roster list");
        check(&["list", "--", "tag:x followers:>10k"], "roster list -- 'tag:x followers:>10k'");
        check(&["show", "it's"], r"roster show 'it'\''s'");
        check(&["show", "$(reboot)\n`x`"], "roster show '$(reboot) `x`'");
        check(&["show", ""], "roster show ''");
        check(&["show", "\u{1b}]52;c;aGk=\u{7}"], "roster show ']52;c;aGk='");
    }

    #[test]
    fn a_row_keeps_its_cells_apart() {
        assert_eq!(Copied::row(&["a\tb", "c\nd", ""]).text, "a b\tc d\t");
    }
}
