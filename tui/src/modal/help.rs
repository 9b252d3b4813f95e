//! All keys, made from the table they are dispatched by: those of this place first.

use crate::keys::{Action, BINDINGS, Binding, Place, shown};
use crate::message::Effect;
use crate::modal::Modal;
use crate::model::Model;
use crate::shared::Shared;
use crate::widgets::pen::Pen;

/// The help, scrolled to a line.
#[derive(Clone, Debug)]
pub struct Help {
    /// Where it was asked for.
    pub place: Place,
    pub top: usize,
}

/// A line of the help.
enum Line {
    Title(&'static str),
    Keys(String, &'static str),
    Blank,
}

const ORDER: [Place; 19] = [
    Place::Roster,
    Place::Influencer,
    Place::Sync,
    Place::Alerts,
    Place::Changes,
    Place::Audit,
    Place::Connections,
    Place::Filtering,
    Place::Form,
    Place::Picker,
    Place::Consent,
    Place::Pasting,
    Place::Choosing,
    Place::Connected,
    Place::Refused,
    Place::CommandLine,
    Place::Confirm,
    Place::Typing,
    Place::NoDaemon,
];

/// The filter language, as `protocol::query` understands it.
const FILTER: [(&str, &str); 7] = [
    ("mara  \"mara lind\"", "the name, a handle or a tag contains it"),
    ("platform:NAME", "has an account there"),
    ("tag:beauty", "carries this tag"),
    ("status:error", "also fresh, stale, never, reauthorize, paused"),
    ("is:paused is:alerting", "paused as a whole; has an open alert"),
    ("followers:>10k", "also growth7:<-2% growth30:>5% engagement:>3%"),
    ("-tag:beauty", "a minus turns any word round"),
];

fn lines(here: Place) -> Vec<Line> {
    let common = [Place::Lists, Place::Screens, Place::Plain, Place::Always];
    let others = ORDER.into_iter().filter(|place| *place != here);
    let mut lines: Vec<Line> = Vec::new();
    for place in [here].into_iter().chain(common).chain(others) {
        let bindings = BINDINGS.iter().filter(|binding| binding.place == place);
        // Plain keys and those of all screens are one thing to people.
        if place != Place::Plain && place != Place::Always {
            lines.extend([Line::Blank, Line::Title(place.title())]);
        }
        lines.extend(bindings.map(|binding| Line::Keys(keys(binding), binding.help)));
        if place == Place::Roster {
            lines.extend([Line::Blank, Line::Title("Words of the filter")]);
            lines.extend(FILTER.map(|(words, help)| Line::Keys(words.to_owned(), help)));
        }
    }
    lines.split_off(1)
}

fn keys(binding: &Binding) -> String {
    binding.keys.iter().map(|key| shown(key)).collect::<Vec<_>>().join(" ")
}

/// What a key does in the help.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let page = usize::from(model.shared.size.height.saturating_sub(4));
    let Some(Modal::Help(help)) = &mut model.modal else { return Vec::new() };
    let most = lines(help.place).len().saturating_sub(page);
    help.top = match action {
        Action::Back => {
            model.modal = None;
            return Vec::new();
        }
        Action::Up => help.top.saturating_sub(1),
        Action::Down => help.top + 1,
        Action::PageUp => help.top.saturating_sub(page),
        Action::PageDown => help.top + page,
        Action::Top => 0,
        Action::Bottom => most,
        _ => help.top,
    }
    .min(most);
    Vec::new()
}

/// Draws the help over the whole screen.
pub fn view(shared: &Shared, help: &Help, pen: &mut Pen<'_>) {
    let size = shared.size;
    pen.clear(ratatui::layout::Rect { x: 0, y: 1, width: size.width, height: size.height.saturating_sub(2) });
    let lines = lines(help.place);
    let page = usize::from(size.height.saturating_sub(4));
    for (line, y) in lines.iter().skip(help.top).take(page).zip(2..) {
        match line {
            Line::Blank => {}
            Line::Title(title) => _ = pen.put(1, y, size.width, title, pen.theme.strong),
            Line::Keys(keys, help) => {
                pen.put(3, y, 22, keys, pen.theme.plain);
                pen.put(26, y, size.width.saturating_sub(27), help, pen.theme.plain);
            }
        }
    }
    let left = lines.len().saturating_sub(help.top + page);
    if left > 0 {
        pen.put(1, size.height.saturating_sub(2), size.width, &format!("↓ {left} more"), pen.theme.faint);
    }
}
