//! All keys, from the table that dispatches them: those of the current context first.

use roster_protocol::Role;

use crate::keys::{Action, Binding, Context, needs, shown};
use crate::modal::command::CommandLine;
use crate::modal::{Modal, Next};
use crate::shared::Shared;
use crate::widgets::pen::Pen;

/// The help, scrolled to a line.
#[derive(Clone, Debug)]
pub struct Help {
    /// Where it was opened.
    pub context: Context,
    pub top: usize,
}

/// A line of the help.
enum Line {
    Title(&'static str),
    /// With the role that the user lacks for it.
    Keys(String, &'static str, Option<Role>),
    Blank,
}

/// The contexts listed below the screens.
const ORDER: [Context; 14] = [
    Context::Filtering,
    Context::Form,
    Context::Picker,
    Context::Columns,
    Context::Copy,
    Context::Consent,
    Context::Pasting,
    Context::Choosing,
    Context::Connected,
    Context::Refused,
    Context::CommandLine,
    Context::Confirm,
    Context::Typing,
    Context::NoDaemon,
];

fn lines(shared: &Shared, here: Context) -> Vec<Line> {
    let keys = &shared.keys;
    let common = [Context::Lists, Context::Screens, Context::Plain, Context::Always];
    let screens = keys.screens.iter().map(|screen| screen.context);
    let others = screens.chain(ORDER).filter(|context| *context != here);
    let mut lines: Vec<Line> = Vec::new();
    for context in [here].into_iter().chain(common).chain(others) {
        // Plain keys and those of all screens are one thing to users.
        if context != Context::Plain && context != Context::Always {
            lines.extend([Line::Blank, Line::Title(context.title())]);
        }
        let lacks = |binding: &Binding| shared.lacks(needs(context, binding.action));
        let of_context = keys.bindings(context);
        lines.extend(of_context.map(|binding| Line::Keys(names(shared, binding), binding.help, lacks(binding))));
        let filter =
            keys.screens.iter().find(|screen| screen.context == context).map_or(&[][..], |screen| screen.filter);
        if !filter.is_empty() {
            lines.extend([Line::Blank, Line::Title("Words of the filter")]);
            lines.extend(filter.iter().map(|(words, help)| Line::Keys((*words).to_owned(), help, None)));
        }
    }
    lines.split_off(1)
}

fn names(shared: &Shared, binding: &Binding) -> String {
    shared.keys.keys_of(binding).into_iter().map(shown).collect::<Vec<_>>().join(" ")
}

impl Help {
    /// What a key does.
    pub fn act(&mut self, shared: &Shared, action: Action) -> Vec<Next> {
        let page = usize::from(shared.size.height.saturating_sub(4));
        let most = lines(shared, self.context).len().saturating_sub(page);
        self.top = match action {
            Action::Back => return vec![Next::Close],
            Action::Filter => return vec![Next::Modal(Modal::Command(CommandLine::new(self.context)))],
            Action::Up => self.top.saturating_sub(1),
            Action::Down => self.top + 1,
            Action::PageUp => self.top.saturating_sub(page),
            Action::PageDown => self.top + page,
            Action::Top => 0,
            Action::Bottom => most,
            _ => self.top,
        }
        .min(most);
        Vec::new()
    }
}

/// Draws the help over the whole screen.
pub fn view(shared: &Shared, help: &Help, pen: &mut Pen<'_>) {
    let size = shared.size;
    pen.clear(ratatui::layout::Rect { x: 0, y: 1, width: size.width, height: size.height.saturating_sub(2) });
    let lines = lines(shared, help.context);
    let page = usize::from(size.height.saturating_sub(4));
    for (line, y) in lines.iter().skip(help.top).take(page).zip(2..) {
        match line {
            Line::Blank => {}
            Line::Title(title) => _ = pen.put(1, y, size.width, title, pen.theme.strong),
            Line::Keys(keys, help, lacks) => {
                let style = if lacks.is_some() { pen.theme.faint } else { pen.theme.plain };
                let needs = lacks.map(|role| format!("needs {}: ", role.with_article())).unwrap_or_default();
                pen.put(3, y, 22, keys, style);
                pen.put(26, y, size.width.saturating_sub(27), &format!("{needs}{help}"), style);
            }
        }
    }
    let (above, below) = (help.top, lines.len().saturating_sub(help.top + page));
    let counted = [("↑", above), ("↓", below)].into_iter().filter(|(_, lines)| *lines > 0);
    let hidden: Vec<String> = counted.map(|(way, lines)| format!("{way} {lines} more")).collect();
    pen.put(1, size.height.saturating_sub(2), size.width, &hidden.join("   "), pen.theme.faint);
}
