//! The command line: words for what has no key, and for who likes to type.

use roster_protocol::audit::PauseTarget;
use roster_protocol::{SortBy, SyncTarget};
use tui_input::Input;

use crate::keys::Action;
use crate::message::{Effect, Mutation, Request};
use crate::modal::{Modal, form, help};
use crate::model::Model;
use crate::screens::roster;
use crate::shared::Shared;
use crate::update::show_screen;
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
    Filter(String),
    Sort(SortBy),
    Go(usize),
    Screen(u8),
    Add,
    Exact,
    Help,
    Quit,
}

/// Every command as it is typed, for completion and for what is nearest.
const COMMANDS: [&str; 22] = [
    "sync",
    "sync all",
    "pause all",
    "pause platform:",
    "resume all",
    "resume platform:",
    "filter",
    "sort followers",
    "sort growth",
    "sort engagement",
    "sort name",
    "sort synced",
    "go",
    "roster",
    "alerts",
    "changes",
    "audit",
    "connections",
    "add",
    "exact",
    "help",
    "quit",
];

fn parse(text: &str) -> Result<Command, String> {
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
        ("filter", _) => Ok(Command::Filter(rest.to_owned())),
        ("sort", _) => {
            rest.parse().map(Command::Sort).map_err(|error: roster_protocol::metric::UnknownName| error.to_string())
        }
        ("go", _) => rest.parse().map(Command::Go).map_err(|_| "go where? write a row's number: go 120".to_owned()),
        ("roster", "") => Ok(Command::Screen(1)),
        ("alerts", "") => Ok(Command::Screen(3)),
        ("changes", "") => Ok(Command::Screen(4)),
        ("audit", "") => Ok(Command::Screen(5)),
        ("connections", "") => Ok(Command::Screen(6)),
        ("add", "") => Ok(Command::Add),
        ("exact", "") => Ok(Command::Exact),
        ("help", "") => Ok(Command::Help),
        ("quit" | "q", "") => Ok(Command::Quit),
        _ => Err(format!("no command {text:?}; the nearest is {}", nearest(text))),
    }
}

fn nearest(text: &str) -> &'static str {
    let near = |command: &&'static str| strsim::jaro_winkler(text, command);
    COMMANDS.iter().copied().max_by(|a, b| near(a).total_cmp(&near(b))).unwrap_or("help")
}

/// The typed text made longer as far as all commands that begin so agree.
fn completed(text: &str) -> Option<&'static str> {
    let mut fitting = COMMANDS.iter().copied().filter(|command| command.starts_with(text));
    let first = fitting.next()?;
    let common = fitting.fold(first.len(), |length, command| {
        first.bytes().zip(command.bytes()).take(length).take_while(|(a, b)| a == b).count()
    });
    Some(&first[..common]).filter(|longer| longer.len() > text.len())
}

/// What a key does in the command line.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let Some(Modal::Command(line)) = &mut model.modal else { return Vec::new() };
    match action {
        Action::Back => model.modal = None,
        Action::Complete => {
            if let Some(longer) = completed(line.input.value()) {
                line.input = Input::from(longer);
            }
        }
        Action::Submit if line.input.value().trim().is_empty() => model.modal = None,
        Action::Submit => match parse(line.input.value()) {
            Ok(command) => {
                model.modal = None;
                return run(model, command);
            }
            Err(error) => line.error = Some(error),
        },
        _ => {}
    }
    Vec::new()
}

fn run(model: &mut Model, command: Command) -> Vec<Effect> {
    let mutation = |mutation: Mutation| vec![Effect::Request(Request::Mutate(mutation))];
    match command {
        Command::Sync(target, name) => return mutation(Mutation::Sync { target, name: name.to_owned() }),
        Command::Pause(target, paused) => {
            let name = match &target {
                PauseTarget::Platform(slug) => model.shared.platform_name(slug).to_owned(),
                _ => "everything".to_owned(),
            };
            return mutation(Mutation::Pause { target, name, paused });
        }
        Command::Filter(filter) => return at_roster(model, |model| roster::set_filter(model, &filter)),
        Command::Sort(sort) => return at_roster(model, |model| roster::set_sort(model, sort)),
        Command::Go(number) => return at_roster(model, |model| roster::go_to(model, number)),
        Command::Screen(number) => return show_screen(model, number),
        Command::Add => model.modal = Some(form::add(model)),
        Command::Exact => model.shared.exact = !model.shared.exact,
        Command::Help => model.modal = Some(Modal::Help(help::Help { place: model.place(), top: 0 })),
        Command::Quit => model.quit = true,
    }
    Vec::new()
}

fn at_roster(model: &mut Model, change: impl FnOnce(&mut Model) -> Vec<Effect>) -> Vec<Effect> {
    let mut effects = show_screen(model, 1);
    effects.extend(change(model));
    effects
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

    #[test]
    fn commands_are_understood() {
        let check = |text: &str, expected: Command| assert_eq!(parse(text), Ok(expected), "{text}");
        check("sync", Command::Sync(SyncTarget::Due, "all that is due"));
        check(" sync  all ", Command::Sync(SyncTarget::All, "everything"));
        check("pause all", Command::Pause(PauseTarget::All, true));
        check("resume platform:bluesky", Command::Pause(PauseTarget::Platform("bluesky".to_owned()), false));
        check("filter tag:x mara", Command::Filter("tag:x mara".to_owned()));
        check("filter", Command::Filter(String::new()));
        check("sort growth", Command::Sort(SortBy::Growth));
        check("go 120", Command::Go(120));
        check("q", Command::Quit);
    }

    #[test]
    fn what_is_not_understood_is_told_with_the_nearest() {
        let check = |text: &str, part: &str| {
            let error = parse(text).expect_err(text);
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
        for command in COMMANDS {
            let text = command.replace("platform:", "platform:x").replace("go", "go 1");
            assert!(parse(&text).is_ok(), "{text}");
        }
        assert_eq!(completed("so"), Some("sort "));
        assert_eq!(completed("al"), Some("alerts"));
        assert_eq!(completed("s"), None, "sync and sort differ");
        assert_eq!(completed("zzz"), None);
    }
}
