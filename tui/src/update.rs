//! A message changes the model and returns the effects to run. Pure: it can neither wait nor fail.

mod watch;

use crossterm::event::{KeyEvent, KeyEventKind};
use jiff::tz::TimeZone;
use roster_protocol::{Alert, ErrorKind, Event, EventBatch, RosterError};

use crate::keys::{Action, Context, needs};
use crate::message::{Effect, Message, Mutation, Outcome, Request, Response};
use crate::modal::{self, ListCommand, Modal, Next};
use crate::model::Model;
use crate::screens::{Screen, alert, rule, states};
use crate::shared::{Link, Shared, ToastLevel};

/// Takes one message.
pub fn update(model: &mut Model, message: Message) -> Vec<Effect> {
    match message {
        Message::Key(key) if key.kind == KeyEventKind::Release => Vec::new(),
        Message::Key(key) => pressed(model, key),
        Message::Paste(text) => paste(model, &text),
        Message::Resized(size) => {
            model.shared.size = size;
            if let Some(modal) = &mut model.modal {
                modal.resized(&model.shared);
            }
            each_screen(model, |screen, shared| screen.resized(shared))
        }
        Message::Tick => {
            let now = model.shared.now;
            model.shared.toasts.retain(|toast| toast.until > now);
            let next = model.modal.as_mut().map(|modal| modal.tick(&model.shared)).unwrap_or_default();
            let mut effects = follow(model, next);
            effects.extend(each_screen(model, |screen, shared| screen.tick(shared)));
            effects
        }
        Message::Online => {
            model.shared.link = Link::Online;
            model.shared.watched.clear();
            model.shared.histories.all_outdated();
            reload(model)
        }
        Message::Lost(error) => {
            model.shared.link = Link::Offline { since: model.shared.now, error };
            model.shared.watched.clear();
            Vec::new()
        }
        Message::NoDaemon(no_daemon) => {
            match &mut model.shared.link {
                Link::Offline { error, .. } => *error = no_daemon.error,
                Link::NoDaemon(before) if before.starting => before.error = no_daemon.error,
                link => *link = Link::NoDaemon(no_daemon),
            }
            Vec::new()
        }
        Message::Started(result) => {
            if let (Link::NoDaemon(no_daemon), Err(error)) = (&mut model.shared.link, result) {
                no_daemon.starting = false;
                model.shared.complain(error);
            }
            Vec::new()
        }
        Message::Happened(batch) => happened(model, batch),
        Message::Response(response) => responded(model, *response),
        Message::Complaint(error) => {
            model.shared.complain(error);
            Vec::new()
        }
    }
}

/// Does what a screen or a modal returned, in order.
fn follow(model: &mut Model, next: Vec<Next>) -> Vec<Effect> {
    next.into_iter().flat_map(|next| follow_one(model, next)).collect()
}

fn follow_one(model: &mut Model, next: Next) -> Vec<Effect> {
    match next {
        Next::Effect(effect) => return vec![effect],
        Next::Modal(modal) => model.modal = Some(modal),
        Next::Close => model.modal = None,
        Next::Help => model.modal = Some(Modal::Help(modal::help::Help { context: model.context(), top: 0 })),
        Next::Quit => model.quit = true,
        Next::Act(action) => return act(model, action),
        Next::Influencer(id, name, focus) => {
            model.open(id, name, focus);
            return reload_screen(model);
        }
        Next::Alert(alert) => {
            model.above.push(Box::new(alert::State::new(*alert)));
            return reload_screen(model);
        }
        Next::Rule(listed) => {
            model.above.push(Box::new(rule::State::new(*listed)));
            return reload_screen(model);
        }
        Next::Screen(number) => {
            model.show(number);
            return reload_screen(model);
        }
        Next::List(command) => {
            model.above.clear();
            let mut effects = reload_screen(model);
            let next = model.first.command(&mut model.shared, command);
            effects.extend(follow(model, next));
            return effects;
        }
        Next::Erase => match model.shown().subject() {
            Some((id, name)) => model.modal = Some(modal::confirm::erase(id, name)),
            None => {
                let what = "there is no influencer under the cursor: open one, or go to the roster";
                model.shared.say(ToastLevel::Failed, what.to_owned(), None);
            }
        },
        Next::Back => {
            model.above.pop();
            return reload_screen(model);
        }
    }
    Vec::new()
}

/// Has the screen that is shown do something.
fn on_screen(model: &mut Model, act: impl FnOnce(&mut dyn Screen, &mut Shared) -> Vec<Next>) -> Vec<Effect> {
    let screen = model.above.last_mut().unwrap_or(&mut model.first);
    let next = act(screen.as_mut(), &mut model.shared);
    follow(model, next)
}

/// Has every screen do something. One that is not shown opens nothing.
fn each_screen(model: &mut Model, act: impl Fn(&mut dyn Screen, &mut Shared) -> Vec<Next>) -> Vec<Effect> {
    let hidden = model.above.len();
    let mut effects = Vec::new();
    let screens = [&mut model.first].into_iter().chain(&mut model.above).take(hidden);
    for screen in screens {
        let next = act(screen.as_mut(), &mut model.shared).into_iter();
        effects.extend(next.filter_map(|next| if let Next::Effect(effect) = next { Some(effect) } else { None }));
    }
    effects.extend(on_screen(model, act));
    effects
}

fn pressed(model: &mut Model, key: KeyEvent) -> Vec<Effect> {
    let context = model.context();
    match (model.shared.keys.action(context, key), &mut model.modal) {
        (Some(action), _) => act(model, action),
        (None, _) if !context.takes_text() => Vec::new(),
        (None, Some(modal)) => {
            let next = modal.typed(key);
            follow(model, next)
        }
        (None, None) => on_screen(model, |screen, shared| screen.typed(shared, key)),
    }
}

fn paste(model: &mut Model, text: &str) -> Vec<Effect> {
    let context = model.context();
    match &mut model.modal {
        _ if !context.takes_text() && context != Context::Consent => Vec::new(),
        Some(modal) => {
            let next = modal.pasted(text);
            follow(model, next)
        }
        None => on_screen(model, |screen, shared| screen.pasted(shared, text)),
    }
}

fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    if let Some(refusal) = model.shared.refusal(needs(model.context(), action)) {
        model.shared.complain(refusal);
        return Vec::new();
    }
    let next = match (action, &mut model.modal) {
        (Action::Quit, _) => Next::Quit,
        (Action::Redraw, _) => Next::Effect(Effect::Redraw),
        (Action::Stop, _) => Next::Effect(Effect::Stop),
        (action, Some(modal)) => {
            let next = modal.act(&mut model.shared, action);
            return follow(model, next);
        }
        (Action::StartDaemon, None) => return start_daemon(model),
        (Action::Screen(number), None) => Next::Screen(number),
        (Action::Exact, None) => {
            model.shared.exact = !model.shared.exact;
            return Vec::new();
        }
        (Action::Undo, None) => return follow(model, Next::mutate(Mutation::Undo)),
        (Action::Help, None) => Next::Help,
        (Action::Copy, None) => Next::Modal(Modal::Copy(modal::copy::Copy::new(model.shown().copies(&model.shared)))),
        (Action::Command, None) => {
            let here = model.context();
            Next::Modal(Modal::Command(modal::command::CommandLine::new(here)))
        }
        (Action::Add, None) => Next::Modal(modal::form::add(&mut model.shared)),
        (Action::Back, None) if !model.above.is_empty() => Next::Back,
        (action, None) => return on_screen(model, |screen, shared| screen.act(shared, action)),
    };
    follow_one(model, next)
}

fn start_daemon(model: &mut Model) -> Vec<Effect> {
    match &mut model.shared.link {
        Link::NoDaemon(no_daemon) if no_daemon.can_start && !no_daemon.starting => {
            no_daemon.starting = true;
            vec![Effect::StartDaemon]
        }
        _ => Vec::new(),
    }
}

/// Requests everything that is in sight.
fn reload(model: &mut Model) -> Vec<Effect> {
    let mut effects = vec![Effect::Request(Request::Status)];
    effects.extend(reload_screen(model));
    effects
}

fn reload_screen(model: &mut Model) -> Vec<Effect> {
    on_screen(model, |screen, shared| screen.reload(shared))
}

/// Something was committed. An empty batch says that time passed; states may have aged.
fn happened(model: &mut Model, batch: EventBatch) -> Vec<Effect> {
    if batch.reload {
        model.shared.histories.all_outdated();
    }
    let mut effects = Vec::new();
    for event in batch.events {
        match event {
            Event::RunFinished { connection, .. } => {
                model.shared.histories.outdated(connection);
                let next = model.modal.as_ref().map(|modal| modal.ran(connection)).unwrap_or_default();
                effects.extend(follow(model, next));
            }
            Event::AlertChanged(alert) => announce(&mut model.shared, &alert),
            _ => {}
        }
    }
    effects.extend(reload(model));
    effects
}

/// Says that an alert is new, or assigned to the user. One that is assigned to a colleague was seen already.
fn announce(shared: &mut Shared, alert: &Alert) {
    let is_new = alert.is_news() && alert.assigned_to.is_none() && alert.yours.is_none_or(|yours| yours.unread);
    let is_for_user = alert.is_mine() && alert.is_unread();
    if is_new || is_for_user {
        let yours = if is_for_user { "assigned to you: " } else { "" };
        let text = format!("{yours}{}: {}", alert.subject().0, states::alert(alert));
        shared.say(ToastLevel::Alert, text, Some("3 shows the alerts".to_owned()));
    }
}

fn responded(model: &mut Model, response: Response) -> Vec<Effect> {
    match response {
        Response::Status(result) => {
            if let Ok(status) = *result {
                model.shared.platforms.clone_from(&status.platforms);
                model.shared.days = TimeZone::get(&status.timezone).ok();
                model.shared.status = Some(status);
            }
            Vec::new()
        }
        Response::History { connection, since, ref result } => {
            model.shared.histories.responded(connection, since, result.clone());
            on_screen(model, |screen, shared| screen.responded(shared, &response))
        }
        Response::Cancelled(result) => {
            // One that is gone already is given up as well.
            if let Err(error) = result
                && !matches!(error.kind, ErrorKind::NotFound | ErrorKind::Unreachable)
            {
                model.shared.complain(error);
            }
            Vec::new()
        }
        Response::Progress { ticket, result, .. } => watch::progress(&mut model.shared, ticket, result),
        Response::Done(mutation, result) => done(model, mutation, result),
        response => {
            let next = modal::responded(&mut model.modal, &response);
            let mut effects = follow(model, next);
            effects.extend(each_screen(model, |screen, shared| screen.responded(shared, &response)));
            effects
        }
    }
}

fn done(model: &mut Model, mutation: Mutation, result: Result<Outcome, RosterError>) -> Vec<Effect> {
    let form = match &mut model.modal {
        Some(Modal::Form(form)) if form.waits_for(&mutation) => Some(form),
        _ => None,
    };
    let outcome = match (result, form) {
        (Ok(outcome), None) => outcome,
        (Ok(outcome), Some(_)) => {
            model.modal = None;
            outcome
        }
        (Err(error), Some(form)) => {
            form.refused(error);
            return Vec::new();
        }
        (Err(error), None) => {
            model.shared.complain(error);
            return Vec::new();
        }
    };
    let done = mutation.done(&outcome);
    if !done.is_empty() {
        model.shared.say(ToastLevel::Done, done, None);
    }
    let mut effects = match (&mutation, outcome) {
        (Mutation::Sync { name, .. }, Outcome::Ticket(ticket)) if ticket.expected > 0 => {
            watch::begin(&mut model.shared, ticket, name.clone())
        }
        // Leaves the screen of an influencer who is gone.
        (
            Mutation::Remove { influencer, .. }
            | Mutation::Erase { influencer, .. }
            | Mutation::Merge { influencer, .. },
            _,
        ) if model.shown().is_about(*influencer) => follow_one(model, Next::Back),
        // The next key is for the one who was added, or who has all now.
        (Mutation::Add(_) | Mutation::Merge { .. }, Outcome::Influencer(id)) => {
            follow_one(model, Next::List(ListCommand::Show(id)))
        }
        _ => Vec::new(),
    };
    if let Mutation::Record { connection, .. } = mutation {
        model.shared.histories.outdated(connection);
    }
    effects.extend(reload(model));
    effects
}

#[cfg(test)]
mod tests;
