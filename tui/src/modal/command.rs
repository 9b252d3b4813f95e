//! The command line: words for what has no key, and for who likes to type.

use roster_protocol::audit::PauseTarget;
use roster_protocol::folding::nearest;
use roster_protocol::{Role, SyncTarget};
use tui_input::Input;

use crate::keys::{Action, Keymap};
use crate::message::Mutation;
use crate::modal::{ListCommand, Next, confirm, form};
use crate::shared::Shared;
use crate::widgets::input;
use crate::widgets::pen::Pen;

/// What is typed, and why it made no sense.
#[derive(Clone, Debug, Default)]
pub struct CommandLine {
    pub input: Input,
    pub error: Option<String>,
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
    Exact,
    Help,
    Quit,
}

impl Command {
    /// The least role that it needs.
    fn needs(&self) -> Role {
        match self {
            Command::Sync(..) | Command::Pause(..) | Command::Add | Command::Undo => Role::Analyst,
            Command::List(_) | Command::Screen(_) | Command::Exact | Command::Help | Command::Quit => Role::Viewer,
        }
    }
}

/// Every command as it is typed but the screens, for completion and for what is nearest.
const COMMANDS: [&str; 21] = [
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
    "go",
    "add",
    "undo",
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
        ("go", _) => rest
            .parse()
            .map(ListCommand::Go)
            .map(Command::List)
            .map_err(|_| "go where? write a row's number: go 120".to_owned()),
        ("add", "") => Ok(Command::Add),
        ("undo", "") => Ok(Command::Undo),
        ("exact", "") => Ok(Command::Exact),
        ("help", "") => Ok(Command::Help),
        ("quit" | "q", "") => Ok(Command::Quit),
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

impl CommandLine {
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
            Action::Submit if self.input.value().trim().is_empty() => return vec![Next::Close],
            Action::Submit => match parse(&screens, self.input.value()) {
                Ok(command) => match shared.refusal(command.needs()) {
                    Some(refusal) => self.error = Some(refusal.message),
                    None => return run(shared, command),
                },
                Err(error) => self.error = Some(error),
            },
            _ => {}
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

/// Draws the line over the footer, and what was wrong above it.
pub fn view(shared: &Shared, line: &CommandLine, pen: &mut Pen<'_>) {
    let y = shared.size.height.saturating_sub(2);
    let width = shared.size.width;
    pen.clear(ratatui::layout::Rect { x: 0, y: y.saturating_sub(1), width, height: 2 });
    if let Some(error) = &line.error {
        pen.put(1, y.saturating_sub(1), width.saturating_sub(2), &format!("✗ {error}"), pen.theme.bad);
    } else {
        pen.rule(1, y.saturating_sub(1), width.saturating_sub(2));
    }
    pen.sign(1, y, ':', pen.theme.accent);
    input::draw(pen, &line.input, 2, y, width.saturating_sub(3));
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
        check("go 120", Command::List(ListCommand::Go(120)));
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
