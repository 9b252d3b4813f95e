//! Keys as data: footer, help and dispatch read one table, so they cannot disagree.

mod roles;
mod table;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use roster_protocol::RosterError;
use roster_protocol::folding::nearest;

pub use roles::needs;
use table::BINDINGS;

use crate::client_config::MovedKeys;

/// What a key can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    Quit,
    Redraw,
    Stop,
    Help,
    Command,
    Back,
    Open,
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    Top,
    Bottom,
    Screen(u8),
    Exact,
    Filter,
    Sort,
    Reverse,
    Columns,
    Add,
    Connect,
    Sync,
    Pause,
    PauseAll,
    Edit,
    Note,
    Record,
    Interval,
    Handle,
    Main,
    Disconnect,
    Remove,
    Merge,
    MetricBefore,
    MetricAfter,
    Range,
    Shorter,
    Longer,
    Acknowledge,
    Assign,
    Silence,
    ReadAll,
    Switch,
    NewRule,
    Test,
    CopyUrl,
    Copy,
    PasteAddress,
    ShowCode,
    SwitchMethod,
    Mark,
    Undo,
    Again,
    StartDaemon,
    Yes,
    No,
    Submit,
    NextField,
    PreviousField,
    Complete,
}

/// Where a key is pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Context {
    /// Everywhere, text fields included.
    Always,
    /// Wherever no text is typed.
    Plain,
    /// On every screen with nothing on top.
    Screens,
    /// Where something can be moved through.
    Lists,
    /// A screen, by its title.
    Screen(&'static str),
    /// No daemon was found.
    NoDaemon,
    Help,
    /// A question with yes and no.
    Confirm,
    /// A question to which the user types a word.
    Typing,
    Form,
    Picker,
    /// The columns of the roster.
    Columns,
    /// What can be copied.
    Copy,
    /// A consent that waits for the owner.
    Consent,
    /// The address that the browser landed on.
    Pasting,
    /// Several accounts to choose from.
    Choosing,
    /// What a consent has connected.
    Connected,
    /// A consent that failed.
    Refused,
    /// The filter line of the roster.
    Filtering,
    CommandLine,
}

impl Context {
    /// The contexts whose keys work here, the nearest first.
    pub fn chain(self) -> impl Iterator<Item = Context> {
        use Context::{Always, Lists, Plain, Screens};
        let common: &[Context] = match self {
            Context::Screen(_) => &[Lists, Screens, Plain, Always],
            Context::Help | Context::Choosing | Context::Columns | Context::Copy => &[Lists, Plain, Always],
            Context::NoDaemon | Context::Confirm | Context::Consent | Context::Connected | Context::Refused => {
                &[Plain, Always]
            }
            Always => &[],
            _ => &[Always],
        };
        [self].into_iter().chain(common.iter().copied())
    }

    /// Whether keys that mean nothing here are letters of a text.
    pub fn takes_text(self) -> bool {
        use Context::{CommandLine, Filtering, Form, Pasting, Picker, Typing};
        matches!(self, Typing | Form | Picker | Pasting | Filtering | CommandLine)
    }

    /// The heading over this context's keys in the help.
    pub fn title(self) -> &'static str {
        match self {
            Context::Always => "Always",
            Context::Plain | Context::Screens => "Everywhere",
            Context::Lists => "Moving",
            Context::Screen(title) => title,
            Context::NoDaemon => "No daemon",
            Context::Help => "Help",
            Context::Confirm | Context::Typing => "Request",
            Context::Form => "Form",
            Context::Picker => "Choice",
            Context::Columns => "Columns",
            Context::Copy => "Copy",
            Context::Consent => "Consent",
            Context::Pasting => "Consent: the pasted address",
            Context::Choosing => "Consent: several accounts",
            Context::Connected => "Consent: connected",
            Context::Refused => "Consent: failed",
            Context::Filtering => "Filter",
            Context::CommandLine => "Command line",
        }
    }
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    pub context: Context,
    pub action: Action,
    /// The name in the client's config; empty for what cannot have further keys.
    pub name: &'static str,
    /// The keys, the one to show first.
    pub keys: &'static [&'static str],
    /// The word in the footer; empty for what only the help shows.
    pub hint: &'static str,
    /// What it does, in the help.
    pub help: &'static str,
}

/// A binding of a screen's own table.
pub const fn bind(
    context: Context,
    action: Action,
    name: &'static str,
    keys: &'static [&'static str],
    hint: &'static str,
    help: &'static str,
) -> Binding {
    Binding { context, action, name, keys, hint, help }
}

/// What keys, the help and the command line know of a screen.
#[derive(Clone, Copy, Debug)]
pub struct ScreenKeys {
    pub context: Context,
    /// The key that shows it; `None`: other screens open it.
    pub number: Option<u8>,
    /// What it shows, for the help.
    pub about: &'static str,
    pub bindings: &'static [Binding],
    /// Words of its filter, each with what it means.
    pub filter: &'static [(&'static str, &'static str)],
}

impl ScreenKeys {
    /// The binding of its number.
    fn numbered(&self) -> Option<Binding> {
        const NUMBERS: [&[&str]; 10] = [&["0"], &["1"], &["2"], &["3"], &["4"], &["5"], &["6"], &["7"], &["8"], &["9"]];
        let number = self.number?;
        let keys = NUMBERS.get(usize::from(number))?;
        let hint = if number == 1 { "screens" } else { "" };
        Some(bind(Context::Screens, Action::Screen(number), "", keys, hint, self.about))
    }
}

/// A key as it is written in the table: `enter`, `G`, `ctrl-d`, `f5`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    code: KeyCode,
    ctrl: bool,
}

impl Key {
    fn named(text: &str) -> Option<Self> {
        let (ctrl, name) = match text.strip_prefix("ctrl-") {
            Some(name) => (true, name),
            None => (false, text),
        };
        let code = match name {
            "enter" => KeyCode::Enter,
            "esc" => KeyCode::Esc,
            "tab" => KeyCode::Tab,
            "backtab" => KeyCode::BackTab,
            "up" => KeyCode::Up,
            "down" => KeyCode::Down,
            "left" => KeyCode::Left,
            "right" => KeyCode::Right,
            "pageup" => KeyCode::PageUp,
            "pagedown" => KeyCode::PageDown,
            "home" => KeyCode::Home,
            "end" => KeyCode::End,
            "delete" => KeyCode::Delete,
            "insert" => KeyCode::Insert,
            "space" => KeyCode::Char(' '),
            name => match (name.strip_prefix('f').and_then(|digits| digits.parse().ok()), one_char(name)) {
                (_, Some(letter)) => KeyCode::Char(letter),
                (Some(number), None) => KeyCode::F(number),
                (None, None) => return None,
            },
        };
        Some(Self { code, ctrl })
    }

    /// The key of an event; `None` with modifiers no binding has.
    fn pressed(event: KeyEvent) -> Option<Self> {
        let allowed = KeyModifiers::SHIFT | KeyModifiers::CONTROL;
        let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
        allowed.contains(event.modifiers).then_some(Self { code: event.code, ctrl })
    }
}

fn one_char(text: &str) -> Option<char> {
    let mut letters = text.chars();
    letters.next().filter(|_| letters.next().is_none())
}

/// How a key is shown: arrows and return as signs.
pub fn shown(key: &str) -> &str {
    match key {
        "enter" => "↵",
        "up" => "↑",
        "down" => "↓",
        "left" => "←",
        "right" => "→",
        "backtab" => "shift-tab",
        other => other,
    }
}

/// The table of all keys, with those that a user moved.
#[derive(Clone, Debug)]
pub struct Keymap {
    /// The screens, in the order of the help.
    pub screens: Vec<ScreenKeys>,
    /// In the order of footer and help.
    bindings: Vec<Binding>,
    /// Of actions by their names: the keys that a user gave them.
    moved: Vec<MovedKeys>,
    keys: Vec<(Context, Key, Action)>,
}

impl Keymap {
    /// The built-in keys.
    pub fn new(screens: Vec<ScreenKeys>) -> Self {
        let of_screens = screens.iter().flat_map(|screen| screen.bindings.iter().copied());
        let numbers = screens.iter().filter_map(ScreenKeys::numbered);
        let bindings: Vec<Binding> = of_screens.chain(numbers).chain(BINDINGS.iter().copied()).collect();
        let keys = bindings.iter().flat_map(|binding| {
            let keys = binding.keys.iter().filter_map(|key| Key::named(key));
            keys.map(|key| (binding.context, key, binding.action))
        });
        let keys = keys.collect();
        Self { screens, bindings, moved: Vec::new(), keys }
    }

    /// These keys with some moved: what is named has the given keys alone, and none where none is given.
    ///
    /// # Errors
    /// An unknown name or key, or a key that does something else there; the message has the line.
    pub fn with(&self, moved: &[MovedKeys]) -> Result<Self, RosterError> {
        let mut map = self.clone();
        let mut given: Vec<(&MovedKeys, Binding, &str, Key)> = Vec::new();
        for one @ MovedKeys { name, keys, line } in moved {
            let named = |binding: &&Binding| !binding.name.is_empty() && binding.name == name;
            let bindings: Vec<Binding> = self.bindings.iter().filter(named).copied().collect();
            if bindings.is_empty() {
                let error = RosterError::usage(format!("line {line}: keys.{name}: no such action"));
                return Err(error.hint(self.nearest_name(name)));
            }
            for binding in &bindings {
                map.keys.retain(|(context, _, action)| (*context, *action) != (binding.context, binding.action));
            }
            for key in keys {
                let parsed = Key::named(key).ok_or_else(|| {
                    RosterError::usage(format!("line {line}: keys.{name}: {key:?} is no key"))
                        .hint("write x, X, ctrl-x, f5, enter or space")
                })?;
                given.extend(bindings.iter().map(|binding| (one, *binding, key.as_str(), parsed)));
            }
        }
        // All are freed before one is given: two may change places.
        for (one, binding, text, key) in given {
            if let Some(other) = map.in_the_way(binding, key) {
                let MovedKeys { name, line, .. } = one;
                let error = RosterError::usage(format!("line {line}: keys.{name}: {text} does {other} already"));
                return Err(error.hint(format!("choose another, or move that: {other} = [\"f5\"], or [] for no key")));
            }
            map.keys.push((binding.context, key, binding.action));
        }
        map.moved = moved.to_vec();
        Ok(map)
    }

    /// What a key does already where this binding is to work: there, around it, or on a screen that it is for.
    fn in_the_way(&self, binding: Binding, key: Key) -> Option<&str> {
        let meets = |context: Context| {
            context == binding.context
                || binding.context.chain().any(|around| around == context)
                || context.chain().any(|around| around == binding.context)
        };
        let taken = self
            .keys
            .iter()
            .find(|(context, pressed, action)| *pressed == key && *action != binding.action && meets(*context));
        let (context, _, action) = taken?;
        let other = self.bindings.iter().find(|other| (other.context, other.action) == (*context, *action))?;
        Some(if other.name.is_empty() { other.help } else { other.name })
    }

    /// The keys of a binding as they are now, the one to show first.
    pub fn keys_of<'a>(&'a self, binding: &Binding) -> Vec<&'a str> {
        match self.moved.iter().find(|moved| moved.name == binding.name) {
            Some(moved) => moved.keys.iter().map(String::as_str).collect(),
            None => binding.keys.to_vec(),
        }
    }

    fn find(&self, context: Context, key: Key) -> Option<Action> {
        context.chain().find_map(|nearer| {
            self.keys.iter().find(|(bound, pressed, _)| *bound == nearer && *pressed == key).map(|(.., action)| *action)
        })
    }

    /// What a key does in a context.
    pub fn action(&self, context: Context, event: KeyEvent) -> Option<Action> {
        self.find(context, Key::pressed(event)?)
    }

    /// The bindings of one context alone.
    pub fn bindings(&self, context: Context) -> impl Iterator<Item = &Binding> {
        self.bindings.iter().filter(move |binding| binding.context == context)
    }

    /// The footer of a context, the nearest first: what each entry does, its key and its word.
    pub fn hints(&self, context: Context) -> impl Iterator<Item = (Action, String, &'static str)> {
        let bindings = context.chain().flat_map(|nearer| self.bindings(nearer));
        let shown = bindings.filter(|binding| !binding.hint.is_empty());
        shown.filter_map(|binding| Some((binding.action, self.label(binding)?, binding.hint)))
    }

    /// The key of a footer entry; one represents all screens. `None` where it has no key.
    fn label(&self, binding: &Binding) -> Option<String> {
        let last = self.screens.iter().filter_map(|screen| screen.number).max().unwrap_or(1);
        if binding.action == Action::Screen(1) {
            return Some(format!("0-{last}"));
        }
        self.keys_of(binding).first().map(|key| shown(key).to_owned())
    }

    fn nearest_name(&self, name: &str) -> String {
        let names = self.bindings.iter().map(|binding| binding.name).filter(|name| !name.is_empty());
        format!("did you mean {}?", nearest(name, names))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built_in() -> Keymap {
        Keymap::new(crate::screens::keys())
    }

    fn press(code: KeyCode, modifiers: KeyModifiers) -> KeyEvent {
        KeyEvent::new(code, modifiers)
    }

    #[test]
    fn every_key_of_the_table_is_known_and_has_one_meaning_in_a_context() {
        let mut seen = std::collections::BTreeMap::new();
        for binding in &built_in().bindings {
            assert!(!binding.keys.is_empty() && !binding.help.is_empty(), "{binding:?}");
            for key in binding.keys {
                assert!(Key::named(key).is_some(), "{key}");
                let before =
                    seen.insert((binding.context.title(), format!("{:?}", binding.context), *key), binding.action);
                assert!(before.is_none_or(|action| action == binding.action), "{binding:?}");
            }
        }
    }

    #[test]
    fn keys_that_never_change_are_there() {
        let map = built_in();
        let roster = Context::Screen("Roster");
        let check = |context: Context, code: KeyCode, action: Action| {
            assert_eq!(map.action(context, press(code, KeyModifiers::NONE)), Some(action), "{context:?} {code:?}");
        };
        for context in map.screens.iter().map(|screen| screen.context) {
            check(context, KeyCode::Char('j'), Action::Down);
            check(context, KeyCode::Char('k'), Action::Up);
            check(context, KeyCode::Char('g'), Action::Top);
            check(context, KeyCode::Char('?'), Action::Help);
            check(context, KeyCode::Char(':'), Action::Command);
            check(context, KeyCode::Char('a'), Action::Add);
            check(context, KeyCode::Char('q'), Action::Quit);
            check(context, KeyCode::Char('1'), Action::Screen(1));
            check(context, KeyCode::Esc, Action::Back);
        }
        check(roster, KeyCode::Char('/'), Action::Filter);
        check(roster, KeyCode::Enter, Action::Open);
        check(Context::Confirm, KeyCode::Char('q'), Action::Quit);
        assert_eq!(map.action(roster, press(KeyCode::Char('G'), KeyModifiers::SHIFT)), Some(Action::Bottom));
        for context in [
            Context::Filtering,
            Context::Form,
            Context::CommandLine,
            Context::Picker,
            Context::Typing,
            Context::Pasting,
        ] {
            assert_eq!(map.action(context, press(KeyCode::Char('q'), KeyModifiers::NONE)), None, "{context:?}");
            assert_eq!(map.action(context, press(KeyCode::Char('c'), KeyModifiers::CONTROL)), Some(Action::Quit));
        }
        assert_eq!(map.action(roster, press(KeyCode::Char('q'), KeyModifiers::ALT)), None);
    }

    fn moved(lines: &[(&str, &[&str])]) -> Vec<MovedKeys> {
        let one = |(line, (name, keys)): (usize, &(&str, &[&str]))| MovedKeys {
            name: (*name).to_owned(),
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            line: line + 1,
        };
        lines.iter().enumerate().map(one).collect()
    }

    #[test]
    fn keys_are_moved_and_freed_and_shown_as_they_are() {
        let roster = Context::Screen("Roster");
        let pressed = |map: &Keymap, code: KeyCode| map.action(roster, press(code, KeyModifiers::NONE));
        let map = built_in().with(&moved(&[("sync", &["f5"]), ("note", &[])])).expect("free");
        assert_eq!(pressed(&map, KeyCode::F(5)), Some(Action::Sync));
        assert_eq!(pressed(&map, KeyCode::Char('s')), None);
        assert_eq!(pressed(&map, KeyCode::Char('n')), None);
        let footer: Vec<(Action, String, &str)> = map.hints(roster).collect();
        assert!(footer.contains(&(Action::Sync, "f5".to_owned(), "sync")), "{footer:?}");
        // Two change places.
        let map = built_in().with(&moved(&[("sync", &["c"]), ("connect", &["s"])])).expect("both are freed");
        assert_eq!(pressed(&map, KeyCode::Char('c')), Some(Action::Sync));
        assert_eq!(pressed(&map, KeyCode::Char('s')), Some(Action::Connect));
    }

    #[test]
    fn a_key_that_does_something_else_is_refused_with_its_line() {
        let check = |name: &str, key: &str, part: &str| {
            let error = built_in().with(&moved(&[("exact", &["f9"]), (name, &[key])])).expect_err(key);
            assert!(error.message.starts_with("line 2: ") && error.message.contains(part), "{}", error.message);
        };
        check("sink", "f5", "no such action");
        check("sync", "hyper-x", "is no key");
        check("sync", "q", "does quit already");
        check("sync", "j", "does down already");
        // What is for all screens is in the way of one screen's, and the other way round.
        check("undo", "s", "does sync already");
        check("sync", "1", "already");
    }
}
