//! The command line: words for what has no key, and a list of all that can be done to choose from.

mod palette;

pub use palette::view;

use roster_protocol::audit::PauseTarget;
use roster_protocol::folding::nearest;
use roster_protocol::{InfluencerId, InfluencerPage, Role, RosterError, SyncTarget};
use tui_input::Input;

use crate::keys::{Action, Context, Keymap};
use crate::message::{Effect, Mutation, Request};
use crate::modal::{Focus, ListCommand, Next, confirm, form};
use crate::shared::Shared;
use palette::{Entry, What};

/// What is typed, and why it made no sense.
#[derive(Clone, Debug)]
pub struct CommandLine {
    pub input: Input,
    pub error: Option<String>,
    /// Where it was opened: its actions are in the list.
    here: Context,
    /// The row of the list that the user moved to.
    cursor: Option<usize>,
    /// Influencers whose name has what is typed.
    people: Vec<(InfluencerId, String)>,
}

/// A command that was understood.
#[derive(Clone, Debug, PartialEq)]
enum Command {
    Sync(SyncTarget, &'static str),
    Pause(PauseTarget, bool),
    List(ListCommand),
    Screen(u8),
    Add,
    Undo,
    Erase,
    Exact,
    Help,
    Quit,
}

impl Command {
    /// The least role that it needs.
    fn needs(&self) -> Role {
        match self {
            Command::Erase => Role::Admin,
            Command::Sync(..) | Command::Pause(..) | Command::Add | Command::Undo => Role::Analyst,
            Command::List(_) | Command::Screen(_) | Command::Exact | Command::Help | Command::Quit => Role::Viewer,
        }
    }
}

/// Every command as it is typed but the screens, for completion and for what is nearest.
const COMMANDS: [&str; 23] = [
    "sync",
    "sync all",
    "pause all",
    "pause platform:",
    "resume all",
    "resume platform:",
    "filter",
    "sort followers",
    "sort total",
    "sort growth1",
    "sort growth7",
    "sort growth30",
    "sort engagement",
    "sort name",
    "sort synced",
    "reverse",
    "go",
    "add",
    "undo",
    "erase",
    "exact",
    "help",
    "quit",
];

/// `screens`: the word of each numbered screen.
fn parse(screens: &[(String, u8)], text: &str) -> Result<Command, String> {
    let text = text.trim();
    let (verb, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let rest = rest.trim();
    let target = || match rest.parse::<PauseTarget>() {
        Ok(target @ (PauseTarget::All | PauseTarget::Platform(_))) => Ok(target),
        _ => Err(format!("{verb} what? write {verb} all or {verb} platform:NAME")),
    };
    match (verb, rest) {
        ("sync", "") => Ok(Command::Sync(SyncTarget::Due, "all that is due")),
        ("sync", "all") => Ok(Command::Sync(SyncTarget::All, "everything")),
        ("sync", _) => Err("write sync for what is due, or sync all".to_owned()),
        ("pause", _) => Ok(Command::Pause(target()?, true)),
        ("resume", _) => Ok(Command::Pause(target()?, false)),
        ("filter", _) => Ok(Command::List(ListCommand::Filter(rest.to_owned()))),
        ("sort", _) => rest
            .parse()
            .map(ListCommand::Sort)
            .map(Command::List)
            .map_err(|error: roster_protocol::metric::UnknownName| error.to_string()),
        ("reverse", "") => Ok(Command::List(ListCommand::Reverse)),
        ("go", _) => rest
            .parse()
            .map(ListCommand::Go)
            .map(Command::List)
            .map_err(|_| "go where? write a row's number: go 120".to_owned()),
        ("add", "") => Ok(Command::Add),
        ("undo", "") => Ok(Command::Undo),
        ("erase", "") => Ok(Command::Erase),
        ("exact", "") => Ok(Command::Exact),
        ("help", "") => Ok(Command::Help),
        ("quit" | "q", "") => Ok(Command::Quit),
        _ if text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() => {
            Ok(Command::List(ListCommand::Go(text.parse().unwrap_or(usize::MAX))))
        }
        _ => match screens.iter().find(|(word, _)| word == text) {
            Some((_, number)) => Ok(Command::Screen(*number)),
            None => Err(format!("no command {text:?}; the nearest is {}", nearest(text, words(screens)))),
        },
    }
}

/// All that can be typed: the commands, and the screens by their names.
fn words(screens: &[(String, u8)]) -> impl Iterator<Item = &str> {
    COMMANDS.into_iter().chain(screens.iter().map(|(word, _)| word.as_str()))
}

/// The typed text made longer as far as all commands that begin so agree.
fn completed<'a>(screens: &'a [(String, u8)], text: &str) -> Option<&'a str> {
    let mut fitting = words(screens).filter(|command| command.starts_with(text));
    let first = fitting.next()?;
    let common = fitting.fold(first.len(), |length, command| {
        first.bytes().zip(command.bytes()).take(length).take_while(|(a, b)| a == b).count()
    });
    Some(&first[..common]).filter(|longer| longer.len() > text.len())
}

/// The numbered screens by the words that show them.
fn screens(keys: &Keymap) -> Vec<(String, u8)> {
    let numbered =
        keys.screens.iter().filter_map(|screen| Some((screen.context.title().to_lowercase(), screen.number?)));
    numbered.collect()
}

/// All that can be typed, for the list.
fn words_of(shared: &Shared) -> Vec<String> {
    words(&screens(&shared.keys)).map(str::to_owned).collect()
}

impl CommandLine {
    pub fn new(here: Context) -> Self {
        Self { input: Input::default(), error: None, here, cursor: None, people: Vec::new() }
    }

    /// The text changed: requests who has it in their name.
    pub fn changed(&mut self) -> Vec<Next> {
        (self.error, self.cursor) = (None, None);
        let text = self.input.value().trim();
        if text.chars().count() < 2 {
            self.people.clear();
            return Vec::new();
        }
        Next::request(Request::Choices(text.to_owned()))
    }

    /// Takes who has it; a late response for another text is dropped. What makes no sense as a filter finds none.
    pub fn responded(&mut self, filter: &str, result: Result<InfluencerPage, RosterError>) {
        if self.input.value().trim() == filter {
            let rows = result.map(|page| page.rows).unwrap_or_default();
            self.people = rows.into_iter().map(|row| (row.id, row.name)).collect();
        }
    }

    /// The row that Enter takes; `None` where it takes what is typed.
    fn chosen(&self, shared: &Shared, count: usize) -> Option<usize> {
        let text = self.input.value().trim();
        let is_command = text.is_empty() || parse(&screens(&shared.keys), text).is_ok();
        let row = self.cursor.or((!is_command).then_some(0))?;
        (count > 0).then(|| row.min(count - 1))
    }

    /// Moves through the list, whose nearest row is above the line.
    fn moved(&mut self, count: usize, by: isize) {
        let last = count.saturating_sub(1);
        self.cursor = Some(self.cursor.map_or(0, |row| row.saturating_add_signed(by)).min(last));
    }

    /// What a key does.
    pub fn act(&mut self, shared: &mut Shared, action: Action) -> Vec<Next> {
        let screens = screens(&shared.keys);
        match action {
            Action::Back => return vec![Next::Close],
            Action::Complete => {
                if let Some(longer) = completed(&screens, self.input.value()) {
                    self.input = Input::from(longer);
                }
            }
            Action::Up | Action::Down => {
                let count = palette::entries(shared, self, &words_of(shared)).len();
                self.moved(count, if action == Action::Up { -1 } else { 1 });
            }
            Action::Submit => {
                let entries = palette::entries(shared, self, &words_of(shared));
                match self.chosen(shared, entries.len()).and_then(|row| entries.into_iter().nth(row)) {
                    Some(entry) => return self.take(shared, entry),
                    None if self.input.value().trim().is_empty() => return vec![Next::Close],
                    None => {
                        let typed = self.input.value().to_owned();
                        return self.submit(shared, &typed);
                    }
                }
            }
            _ => {}
        }
        Vec::new()
    }

    /// Does what was chosen in the list.
    fn take(&mut self, shared: &mut Shared, entry: Entry) -> Vec<Next> {
        match entry.what {
            What::Command => self.submit(shared, &entry.text),
            What::Begin => {
                let blank = if entry.text.ends_with(':') { "" } else { " " };
                self.input = Input::from(format!("{}{blank}", entry.text));
                self.cursor = None;
                Vec::new()
            }
            What::Action(action) => closed(vec![Next::Act(action)]),
            What::Influencer(id) => closed(vec![Next::Influencer(id, entry.text, Focus::default())]),
        }
    }

    /// Does what was typed, and remembers it.
    fn submit(&mut self, shared: &mut Shared, text: &str) -> Vec<Next> {
        match parse(&screens(&shared.keys), text) {
            Ok(command) => match shared.refusal(command.needs()) {
                Some(refusal) => self.error = Some(refusal.message),
                None => {
                    shared.remembered.typed(text.trim());
                    let remember = Next::Effect(Effect::Remember(Box::new(shared.remembered.clone())));
                    return run(shared, command).into_iter().chain([remember]).collect();
                }
            },
            Err(error) => self.error = Some(error),
        }
        Vec::new()
    }
}

fn run(shared: &mut Shared, command: Command) -> Vec<Next> {
    let next = match command {
        Command::Sync(SyncTarget::All, name) => return vec![Next::Modal(confirm::sync_all(shared, name))],
        Command::Sync(target, name) => return closed(Next::mutate(Mutation::Sync { target, name: name.to_owned() })),
        Command::Pause(PauseTarget::All, true) => return vec![Next::Modal(confirm::pause_all(shared))],
        Command::Pause(target, paused) => {
            let name = match &target {
                PauseTarget::Platform(slug) => shared.platform_name(slug).to_owned(),
                _ => "everything".to_owned(),
            };
            return closed(Next::mutate(Mutation::Pause { target, name, paused }));
        }
        Command::List(command) => Next::List(command),
        Command::Screen(number) => Next::Screen(number),
        Command::Add => return vec![Next::Modal(form::add(shared))],
        Command::Undo => return closed(Next::mutate(Mutation::Undo)),
        Command::Erase => Next::Erase,
        Command::Exact => {
            shared.exact = !shared.exact;
            return vec![Next::Close];
        }
        Command::Help => Next::Help,
        Command::Quit => Next::Quit,
    };
    closed(vec![next])
}

/// Closes the command line, then does what was typed.
fn closed(next: Vec<Next>) -> Vec<Next> {
    [Next::Close].into_iter().chain(next).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use roster_protocol::SortBy;

    fn known() -> Vec<(String, u8)> {
        screens(&Keymap::new(crate::screens::keys()))
    }

    #[test]
    fn commands_are_understood() {
        let check = |text: &str, expected: Command| assert_eq!(parse(&known(), text), Ok(expected), "{text}");
        check("sync", Command::Sync(SyncTarget::Due, "all that is due"));
        check(" sync  all ", Command::Sync(SyncTarget::All, "everything"));
        check("pause all", Command::Pause(PauseTarget::All, true));
        check("resume platform:bluesky", Command::Pause(PauseTarget::Platform("bluesky".to_owned()), false));
        check("filter tag:x mara", Command::List(ListCommand::Filter("tag:x mara".to_owned())));
        check("filter", Command::List(ListCommand::Filter(String::new())));
        check("sort growth", Command::List(ListCommand::Sort(SortBy::Growth)));
        check("120", Command::List(ListCommand::Go(120)));
        check("go 120", Command::List(ListCommand::Go(120)));
        check("erase", Command::Erase);
        check("q", Command::Quit);
    }

    #[test]
    fn what_is_not_understood_is_reported_with_the_nearest() {
        let check = |text: &str, part: &str| {
            let error = parse(&known(), text).expect_err(text);
            assert!(error.contains(part), "{text}: {error}");
        };
        check("snyc all", "nearest is sync all");
        check("quti", "nearest is quit");
        check("pause", "pause all");
        check("pause mara", "pause all");
        check("sort size", "followers");
        check("go west", "number");
        check("\u{1b}[31m", "nearest");
    }

    #[test]
    fn every_command_is_one() {
        for sort in SortBy::ALL {
            assert!(COMMANDS.contains(&&*format!("sort {}", sort.as_str())), "{sort:?}");
        }
        for command in words(&known()) {
            let text = command.replace("platform:", "platform:x").replace("go", "go 1");
            assert!(parse(&known(), &text).is_ok(), "{text}");
        }
        let known = known();
        assert_eq!(completed(&known, "so"), Some("sort "));
        assert_eq!(completed(&known, "al"), Some("alerts"));
        assert_eq!(completed(&known, "s"), None, "sync and sort differ");
        assert_eq!(completed(&known, "zzz"), None);
    }
}
