//! ```text
//! ┌─ Add an influencer ────────────────────────────────────┐
//! │ Account   bluesky:mara.example                         │
//! │ Name      Mara Lindqvist▏                              │
//! │ Tags      words such as beauty nordic                  │
//! │ Note                                                   │
//! │                                                        │
//! │ ● Bluesky mara.example · Mara Lindqvist · 8.1K         │
//! │ Enter saves.                                           │
//! └────────────────────────────────────────────────────────┘
//! ```

use std::borrow::Cow;

use ratatui::layout::Rect;
use roster_protocol::{AccountPreview, ApiAccess, PlatformStatus};

use super::{Content, Field, Form, Kind, Namesakes, Phase};
use crate::modal::boxed;
use crate::shared::{Shared, may_consent};
use crate::widgets::input;
use crate::widgets::pen::Pen;

/// Draws a form.
pub fn view(shared: &Shared, form: &Form, pen: &mut Pen<'_>) {
    let inside = boxed(pen, shared.size, 74, form.fields.len() as u16 + 5, &title(form));
    let labels = form.fields.iter().map(|field| field.label.len() as u16).max().unwrap_or(0);
    let label = labels + 2;
    for ((index, field), y) in form.fields.iter().enumerate().zip(inside.y..inside.y + inside.height) {
        let focused = index == form.focus;
        let style = if focused { pen.theme.strong } else { pen.theme.faint };
        pen.put(inside.x, y, label, field.label, style);
        let line = Rect { x: inside.x + label, y, width: inside.width.saturating_sub(label), height: 1 };
        draw_field(form, field, focused, pen, line);
    }
    let below = inside.y + form.fields.len() as u16 + 1;
    let left = (inside.y + inside.height).saturating_sub(below);
    if left >= 2 {
        draw_state(shared, form, pen, Rect { y: below, height: left.min(3), ..inside });
    }
}

fn title(form: &Form) -> String {
    match &form.kind {
        Kind::Add => "Add an influencer".to_owned(),
        Kind::Connect { name, .. } => format!("Connect an account to {name}"),
        Kind::Edit { name, .. } => format!("Edit {name}"),
        Kind::Note { name, .. } => format!("Note about {name}"),
        Kind::Record { name, .. } => format!("Numbers of {name}, typed by hand"),
        Kind::Acknowledge { name, .. } => format!("Acknowledge the alert about {name}"),
        Kind::Assign { name, .. } => format!("Who takes care of the alert about {name}"),
        Kind::Rule { before: None } => "Make a rule".to_owned(),
        Kind::Rule { before: Some(rule) } => format!("Change the rule {}", rule.name),
        Kind::Silence { .. } => "Silence alerts like this one".to_owned(),
        Kind::Interval { name, .. } => format!("How often to sync {name}"),
        Kind::Handle { name, .. } => format!("Another handle for {name}; its history stays"),
    }
}

fn draw_field(form: &Form, field: &Field, focused: bool, pen: &mut Pen<'_>, line: Rect) {
    match &field.content {
        Content::Platform { platforms, chosen } => {
            let name = platforms.get(*chosen).map_or("none", |platform| &platform.name);
            let text = format!("‹ {name} ›   {} of {}", chosen + 1, platforms.len());
            pen.put(line.x, line.y, line.width, &text, if focused { pen.theme.strong } else { pen.theme.plain });
        }
        Content::Choice { words, chosen } => {
            let text = format!("‹ {} ›", words.get(*chosen).unwrap_or(&""));
            pen.put(line.x, line.y, line.width, &text, if focused { pen.theme.strong } else { pen.theme.plain });
        }
        Content::Text(text) => {
            if text.value().is_empty() {
                let example = match form.platform() {
                    Some(platform) if may_consent(platform) => &format!("{}, or nothing", platform.handle_example),
                    Some(platform) => &platform.handle_example,
                    None => &field.example,
                };
                pen.put(line.x, line.y, line.width, example, pen.theme.faint);
            }
            if focused {
                input::draw(pen, text, line.x, line.y, line.width);
            } else {
                pen.put(line.x, line.y, line.width, text.value(), pen.theme.plain);
            }
        }
    }
}

/// Two or three lines: who the account is, and what Enter does.
fn draw_state(shared: &Shared, form: &Form, pen: &mut Pen<'_>, area: Rect) {
    let (plain, faint) = (pen.theme.plain, pen.theme.faint);
    match &form.phase {
        Phase::Waiting(what) => _ = pen.put(area.x, area.y, area.width, what, plain),
        Phase::Checking(_) => _ = pen.put(area.x, area.y, area.width, "looking up who has this name …", plain),
        Phase::Failed(error) => {
            let lines = Rect { height: area.height - 1, ..area };
            let used = pen.wrapped(lines, &format!("✗ {}", error.message), pen.theme.bad);
            pen.put(area.x, area.y + used, area.width, error.hint.as_deref().unwrap_or_default(), faint);
        }
        Phase::Tested(said) => {
            let used = pen.wrapped(Rect { height: area.height - 1, ..area }, &format!("last year: {said}"), plain);
            pen.put(area.x, area.y + used, area.width, "Enter saves.", faint);
        }
        Phase::Typing if let Some(namesakes) = form.warned() => {
            pen.sign(area.x, area.y, '!', pen.theme.warn);
            let lines = Rect { x: area.x + 2, width: area.width.saturating_sub(2), height: area.height - 1, ..area };
            let used = pen.wrapped(lines, &same_name(shared, namesakes), pen.theme.warn);
            pen.put(area.x, area.y + used, area.width, "Enter saves it all the same; esc leaves all as it is.", faint);
        }
        Phase::Typing => {
            if let Some(account) = form.seen().and_then(|seen| seen.account.as_ref()) {
                let style = if account.taken_by.is_some() { pen.theme.warn } else { pen.theme.good };
                let sign = if account.taken_by.is_some() { '!' } else { '●' };
                pen.sign(area.x, area.y, sign, style);
                pen.put(area.x + 2, area.y, area.width.saturating_sub(2), &preview(shared, account), plain);
            } else if let Some(platform) = form.platform() {
                pen.put(area.x, area.y, area.width, &access(platform), faint);
            }
            pen.wrapped(Rect { y: area.y + 1, height: area.height - 1, ..area }, &next(form), faint);
        }
    }
}

/// `Mara Lindqvist is on the roster already, with 1.24M followers.`
fn same_name(shared: &Shared, namesakes: &Namesakes) -> String {
    let Namesakes { name, others } = namesakes;
    match &others[..] {
        [one] if one.followers.is_some() => {
            format!("{name} is on the roster already, with {} followers.", shared.count(one.followers))
        }
        [_] => format!("{name} is on the roster already."),
        many => format!("{name} is on the roster {} times already.", many.len()),
    }
}

fn preview(shared: &Shared, account: &AccountPreview) -> String {
    let followers = match account.followers {
        _ if account.needs_consent => "waits for its owner: press c once it is saved".to_owned(),
        Some(_) => format!("{} followers", shared.count(account.followers)),
        None => "followers hidden".to_owned(),
    };
    let name = account.display_name.as_ref().map(|name| format!(" · {name}")).unwrap_or_default();
    format!("{} {}{name} · {followers}", shared.platform_name(&account.platform), account.handle)
}

/// What it takes to read a platform, and whether that is there.
fn access(platform: &PlatformStatus) -> String {
    let name = &platform.name;
    match (platform.enabled, platform.configured, platform.api) {
        (false, ..) => format!("{name} is switched off in rosterd.toml"),
        (_, false, ApiAccess::Key) => format!("{name} needs an API key in rosterd.toml"),
        (_, false, _) => format!("{name} is not set up in rosterd.toml"),
        (_, _, ApiAccess::Consent) => format!("{name} needs the account owner's consent"),
        (_, _, ApiAccess::Key) if platform.consents => {
            format!("{name} shows public numbers; with the owner's consent it shows all it has")
        }
        (_, _, ApiAccess::Public | ApiAccess::Key) => format!("{name} shows its public numbers; no consent is needed"),
    }
}

/// What Enter does next.
fn next(form: &Form) -> Cow<'static, str> {
    let chooses = form.fields.get(form.focus).is_some_and(|field| matches!(field.content, Content::Platform { .. }));
    match form.platform() {
        Some(off) if !off.enabled => {
            format!("Set enabled = true under [platforms.{}] there, and reload rosterd.", off.platform).into()
        }
        Some(lacking) if !lacking.configured => {
            format!("`roster platforms test {}` says what is missing.", lacking.platform).into()
        }
        Some(_) if chooses => "← → choose the platform. Enter goes on to the account.".into(),
        _ => next_of_field(form).into(),
    }
}

fn is_choice(field: &Field) -> bool {
    matches!(field.content, Content::Choice { .. })
}

fn next_of_field(form: &Form) -> &'static str {
    let taken = form.seen().and_then(|seen| seen.account.as_ref()).is_some_and(|account| account.taken_by.is_some());
    match (&form.kind, form.seen()) {
        (Kind::Add | Kind::Connect { .. }, Some(_)) if taken => "Already on the roster. Enter opens who has it.",
        (Kind::Add, None) => "Enter looks the account up; nothing is saved yet.",
        (Kind::Add, Some(seen)) if seen.account.is_none() => "No account yet; c connects some later. Enter saves.",
        (Kind::Connect { .. }, None) => match form.platform() {
            Some(platform) if platform.api == ApiAccess::Consent => {
                "Enter asks for consent; a handle chooses among several."
            }
            Some(platform) if platform.consents && form.text(1).is_empty() => {
                "Enter asks for consent; a handle is looked up."
            }
            _ => "Enter looks the account up.",
        },
        (Kind::Edit { .. }, _) => "Another handle? H on the account changes it. Enter saves.",
        (Kind::Handle { .. }, _) => "Enter looks the account up, and asks before it takes another one.",
        (Kind::Record { .. }, _) => "The next sync of that day measures anew what is not kept. Enter saves.",
        (Kind::Rule { .. }, _) if form.fields.get(form.focus).is_some_and(is_choice) => "← → choose. Enter saves.",
        (Kind::Rule { .. }, _) => "Enter saves; it concerns all who work with this roster.",
        (Kind::Silence { .. }, _) if (0..4).all(|index| form.text(index).is_empty()) => {
            "Nothing is named: every alert is silenced. Enter saves."
        }
        (Kind::Silence { .. }, _) => "They open and are listed, and are delivered nowhere. Enter saves.",
        _ => "Enter saves.",
    }
}
