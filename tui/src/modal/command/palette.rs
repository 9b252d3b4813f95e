//! What can be done here, to choose from while typing: what was typed before, every action, commands, screens, and
//! influencers by name.

use roster_protocol::folding::folded;
use roster_protocol::{InfluencerId, Role};

use super::CommandLine;
use crate::keys::{Action, Context, needs, shown};
use crate::shared::Shared;
use crate::widgets::input;
use crate::widgets::pen::{Pen, columns};

/// Something to choose.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub text: String,
    /// What it does, for what says little by itself.
    about: String,
    /// The key that does it, where there is one; of what was typed before, that it was.
    key: String,
    /// The role that the user lacks for it.
    lacks: Option<Role>,
    pub what: What,
}

/// What is done when it is chosen.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// A whole command.
    Command,
    /// The beginning of a command: the rest is typed.
    Begin,
    Action(Action),
    Influencer(InfluencerId),
}

/// The most rows of the list.
const MOST: usize = 12;

/// All that fits what is typed, the best first.
pub fn entries(shared: &Shared, line: &CommandLine, commands: &[String]) -> Vec<Entry> {
    let typed = folded(line.input.value().trim());
    let all = past(shared)
        .chain(actions(shared, line.here))
        .chain(commands.iter().map(|command| Entry { lacks: lacks(shared, command), ..of_command(command) }))
        .chain(line.people.iter().map(|(id, name)| person(*id, name)));
    let mut seen = std::collections::HashSet::new();
    // What has the same name and does the same is there once, with its key.
    let fresh = all.filter(|entry| match &entry.what {
        What::Command if !entry.about.is_empty() => seen.insert(format!("{}\n", entry.text)),
        What::Influencer(id) => seen.insert(id.to_string()),
        _ => seen.insert(entry.text.clone()),
    });
    let scored = fresh.filter_map(|entry| Some((score(&typed, &folded(&entry.text), &folded(&entry.about))?, entry)));
    let mut scored: Vec<(u32, Entry)> = scored.collect();
    // Stable: of equals what was typed last is first.
    scored.sort_by_key(|(score, _)| *score);
    scored.into_iter().map(|(_, entry)| entry).collect()
}

fn past(shared: &Shared) -> impl Iterator<Item = Entry> {
    let newest = shared.remembered.commands.iter().rev();
    newest.map(|text| Entry { key: "typed before".to_owned(), ..of_command(text) })
}

fn of_command(text: &str) -> Entry {
    let begins = text.ends_with(':') || ["filter", "go"].contains(&text);
    let what = if begins { What::Begin } else { What::Command };
    // The keys that are called so do it to the row under the cursor.
    let about = match text {
        "sync" => "sync all that is due",
        "sync all" => "sync everything, due or not",
        "erase" => "delete every trace of this influencer",
        _ => "",
    };
    Entry { text: text.to_owned(), about: about.to_owned(), key: String::new(), lacks: None, what }
}

/// The role that the user lacks for a command of which that is shown beforehand.
fn lacks(shared: &Shared, command: &str) -> Option<Role> {
    shared.lacks(Role::Admin).filter(|_| command == "erase")
}

fn person(id: InfluencerId, name: &str) -> Entry {
    let about = "open this influencer".to_owned();
    Entry { text: name.to_owned(), about, key: String::new(), lacks: None, what: What::Influencer(id) }
}

/// Every action of the screen that is below, by what its name and its help say.
fn actions(shared: &Shared, here: Context) -> impl Iterator<Item = Entry> {
    let contexts = here.chain().filter(|context| !matches!(context, Context::Lists | Context::Always));
    let bindings = contexts.flat_map(|context| shared.keys.bindings(context).map(move |binding| (context, binding)));
    let named = bindings.filter(|(_, binding)| !binding.name.is_empty() && binding.action != Action::Command);
    named.map(move |(context, binding)| Entry {
        text: binding.name.replace('-', " "),
        about: binding.help.to_owned(),
        key: shared.keys.keys_of(binding).first().map(|key| shown(key).to_owned()).unwrap_or_default(),
        lacks: shared.lacks(needs(context, binding.action)),
        what: What::Action(binding.action),
    })
}

/// How well a text fits, the least first; `None` where the letters are not in it in this order.
fn score(typed: &str, text: &str, about: &str) -> Option<u32> {
    if text.starts_with(typed) {
        return Some(u32::from(text != typed));
    }
    if text.split_whitespace().any(|word| word.starts_with(typed)) {
        return Some(2);
    }
    if about.split_whitespace().any(|word| word.starts_with(typed)) {
        return Some(3);
    }
    // Letters in the same order, with as little between them as possible.
    let mut letters = text.char_indices();
    let mut first = None;
    let mut last = 0;
    for wanted in typed.chars().filter(|letter| !letter.is_whitespace()) {
        let (at, _) = letters.find(|(_, letter)| *letter == wanted)?;
        first.get_or_insert(at);
        last = at;
    }
    Some(4 + (last - first.unwrap_or_default()) as u32)
}

/// Draws the line over the footer, and above it what fits, or what was wrong.
pub fn view(shared: &Shared, line: &CommandLine, pen: &mut Pen<'_>) {
    let entries = entries(shared, line, &super::words_of(shared));
    let width = shared.size.width;
    let y = shared.size.height.saturating_sub(2);
    let most = MOST.min(usize::from(shared.size.height.saturating_sub(8)));
    let chosen = line.chosen(shared, entries.len());
    let first = chosen.unwrap_or_default().saturating_sub(most.saturating_sub(1));
    let rows = entries.len().saturating_sub(first).min(most) as u16;
    let top = y.saturating_sub(rows + 1);
    pen.clear(ratatui::layout::Rect { x: 0, y: top, width, height: rows + 2 });
    pen.rule(1, top, width.saturating_sub(2));
    for ((index, entry), y) in entries.iter().enumerate().skip(first).take(most).zip(top + 1..) {
        let here = chosen == Some(index);
        if here {
            pen.sign(1, y, '▌', pen.theme.accent);
        }
        let style = match entry.lacks {
            Some(_) => pen.theme.faint,
            None if here => pen.theme.strong,
            None => pen.theme.plain,
        };
        let needs = entry.lacks.map(|role| format!("needs {}: ", role.with_article())).unwrap_or_default();
        let used = pen.put(3, y, width.saturating_sub(12), &entry.text, style);
        let about = used.max(22) + 5;
        let room = width.saturating_sub(about + columns(&entry.key) as u16 + 3);
        pen.put(about, y, room, &format!("{needs}{}", entry.about), pen.theme.faint);
        pen.put_right(about, y, width.saturating_sub(about + 2), &entry.key, pen.theme.faint);
    }
    if let Some(error) = &line.error {
        pen.clear(ratatui::layout::Rect { x: 0, y: top, width, height: 1 });
        pen.put(1, top, width.saturating_sub(2), &format!("✗ {error}"), pen.theme.bad);
    }
    pen.sign(1, y, ':', pen.theme.accent);
    input::draw(pen, &line.input, 2, y, width.saturating_sub(3));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_so_is_before_what_has_the_letters() {
        let check =
            |typed: &str, text: &str, expected: Option<u32>| assert_eq!(score(typed, text, "take back"), expected);
        check("", "sync all", Some(1));
        check("sync", "sync", Some(0));
        check("sy", "sync all", Some(1));
        check("al", "sync all", Some(2));
        check("ba", "undo", Some(3));
        check("snl", "sync all", Some(10));
        check("sa", "sync all", Some(9));
        check("as", "sync all", None);
        check("zz", "sync all", None);
    }
}
