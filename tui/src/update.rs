//! What happened changes the model, and says what to ask of the world. Pure: it cannot wait, and it cannot fail.

mod watch;

use crossterm::event::{KeyEvent, KeyEventKind};
use roster_protocol::{AlertState, ErrorKind, Event, EventBatch, InfluencerId, RosterError};

use crate::keys::{Action, Place};
use crate::message::{Effect, Message, Mutation, Outcome, Request, Response};
use crate::modal::{self, Modal};
use crate::model::{Model, Screen};
use crate::screens::{alerts, audit, changes, connections, influencer, roster, states, sync};
use crate::shared::{Link, ToastLevel};
use crate::widgets::input;

/// Takes one message.
pub fn update(model: &mut Model, message: Message) -> Vec<Effect> {
    match message {
        Message::Key(key) if key.kind == KeyEventKind::Release => Vec::new(),
        Message::Key(key) => pressed(model, key),
        Message::Paste(text) => paste(model, &text),
        Message::Resized(size) => {
            model.shared.size = size;
            influencer::resized(model);
            modal::connect::resized(model);
            let mut effects = connections::resized(model);
            effects.extend(roster::resized(model));
            effects
        }
        Message::Tick => {
            let now = model.shared.now;
            model.shared.toasts.retain(|toast| toast.until > now);
            let mut effects = modal::connect::tick(model);
            effects.extend(roster::tick(model));
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
        Message::Response(answer) => answered(model, *answer),
    }
}

fn pressed(model: &mut Model, key: KeyEvent) -> Vec<Effect> {
    let place = model.place();
    match model.shared.keys.action(place, key) {
        Some(action) => act(model, action),
        None if place == Place::Filtering => match input::edit(&mut model.roster.filter, key) {
            true => roster::filter_changed(model),
            false => Vec::new(),
        },
        None if place.takes_text() => modal::typed(model, key),
        None => Vec::new(),
    }
}

fn paste(model: &mut Model, text: &str) -> Vec<Effect> {
    match model.place() {
        Place::Filtering if input::paste(&mut model.roster.filter, text) => roster::filter_changed(model),
        place if place.takes_text() || place == Place::Consent => modal::pasted(model, text),
        _ => Vec::new(),
    }
}

fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Quit => {
            model.quit = true;
            return Vec::new();
        }
        Action::Redraw => return vec![Effect::Redraw],
        _ if model.modal.is_some() => return modal::act(model, action),
        Action::StartDaemon => return start_daemon(model),
        Action::Screen(number) => return show_screen(model, number),
        Action::Exact => model.shared.exact = !model.shared.exact,
        Action::Help => model.modal = Some(Modal::Help(modal::help::Help { place: model.place(), top: 0 })),
        Action::Command => model.modal = Some(Modal::Command(modal::command::CommandLine::default())),
        Action::Add => model.modal = Some(modal::form::add(model)),
        action => return act_on_screen(model, action),
    }
    Vec::new()
}

fn act_on_screen(model: &mut Model, action: Action) -> Vec<Effect> {
    match (&model.screen, action) {
        (Screen::Roster, action) => roster::act(model, action),
        (_, Action::Back) => back(model),
        (Screen::Influencer(_), action) => influencer::act(model, action),
        (Screen::Sync(_), action) => sync::act(model, action),
        (Screen::Alerts(_), action) => alerts::act(model, action),
        (Screen::Changes(_), action) => changes::act(model, action),
        (Screen::Audit(_), action) => audit::act(model, action),
        (Screen::Connections(_), action) => connections::act(model, action),
    }
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

/// Goes back to the screen below.
pub fn back(model: &mut Model) -> Vec<Effect> {
    model.screen = model.behind.pop().unwrap_or(Screen::Roster);
    reload_screen(model)
}

/// Goes to a numbered screen, straight above the roster.
pub fn show_screen(model: &mut Model, number: u8) -> Vec<Effect> {
    let screen = match (number, &model.screen) {
        (2, Screen::Sync(_))
        | (3, Screen::Alerts(_))
        | (4, Screen::Changes(_))
        | (5, Screen::Audit(_))
        | (6, Screen::Connections(_)) => {
            return reload_screen(model);
        }
        (2, _) => Screen::Sync(sync::State::default()),
        (3, _) => Screen::Alerts(alerts::State::default()),
        (4, _) => Screen::Changes(changes::State::default()),
        (5, _) => Screen::Audit(audit::State::default()),
        (6, _) => Screen::Connections(connections::State::default()),
        _ => Screen::Roster,
    };
    model.behind.clear();
    if !matches!(screen, Screen::Roster) {
        model.behind.push(Screen::Roster);
    }
    model.screen = screen;
    reload_screen(model)
}

/// Asks for everything that is in sight.
fn reload(model: &mut Model) -> Vec<Effect> {
    let mut effects = vec![Effect::Request(Request::Status)];
    effects.extend(reload_screen(model));
    effects
}

fn reload_screen(model: &mut Model) -> Vec<Effect> {
    match &model.screen {
        Screen::Roster => roster::reload(model),
        Screen::Influencer(_) => influencer::reload(model),
        Screen::Sync(_) => sync::reload(model),
        Screen::Alerts(_) => alerts::reload(model),
        Screen::Changes(_) => changes::reload(model),
        Screen::Audit(_) => audit::reload(model),
        Screen::Connections(_) => connections::reload(model),
    }
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
                effects.extend(modal::connect::ran(model, connection));
            }
            Event::AlertChanged(alert) if alert.state == AlertState::Open => {
                let text = format!("{}: {}", alert.influencer_name, states::alert(&alert));
                model.shared.say(ToastLevel::Alert, text, Some("3 shows the alerts".to_owned()));
            }
            _ => {}
        }
    }
    effects.extend(reload(model));
    effects
}

fn answered(model: &mut Model, answer: Response) -> Vec<Effect> {
    match answer {
        Response::Status(result) => {
            if let Ok(status) = result {
                model.shared.platforms.clone_from(&status.platforms);
                model.shared.status = Some(status);
            }
            Vec::new()
        }
        Response::Page(query, result) => roster::answered(model, query, result),
        Response::Choices(filter, result) => {
            modal::picker::answered(model, &filter, result);
            Vec::new()
        }
        Response::History { connection, since, result } => {
            model.shared.histories.answered(connection, since, result);
            want_history(model)
        }
        Response::Influencer(id, result) => influencer::answered(model, id, result),
        Response::AlertsOf(id, result) => {
            influencer::alerts(model, id, result);
            Vec::new()
        }
        Response::ChangesOf(id, result) => {
            influencer::changes(model, id, result);
            Vec::new()
        }
        Response::Runs(mark, result) => sync::answered(model, mark, result),
        Response::Alerts(which, mark, result) => alerts::answered(model, which, mark, result),
        Response::Changes(mark, result) => changes::answered(model, mark, result),
        Response::Audit(mark, result) => audit::answered(model, mark, result),
        Response::Connections(query, result) => connections::answered(model, query, result),
        Response::Connection(id, result) => {
            modal::connect::now_stands(model, id, result);
            Vec::new()
        }
        Response::Consent { form, reply } => modal::connect::replied(model, form, reply),
        Response::Cancelled(result) => {
            // One that is gone already is given up as well.
            if let Err(error) = result
                && !matches!(error.kind, ErrorKind::NotFound | ErrorKind::Unreachable)
            {
                model.shared.complain(error);
            }
            Vec::new()
        }
        Response::LookUp { form, result } => {
            modal::form::looked_up(model, form, result);
            Vec::new()
        }
        Response::Progress { ticket, result, .. } => watch::progress(model, ticket, result),
        Response::Done(mutation, result) => done(model, mutation, result),
    }
}

/// The cursor may have moved on while a history was asked for.
fn want_history(model: &mut Model) -> Vec<Effect> {
    match &model.screen {
        Screen::Roster => roster::want_history(model),
        Screen::Influencer(_) => influencer::want_history(model),
        _ => Vec::new(),
    }
}

fn done(model: &mut Model, mutation: Mutation, result: Result<Outcome, RosterError>) -> Vec<Effect> {
    let by_form = modal::form::saved(model, &mutation, &result);
    let told = match result {
        Err(_) if by_form => return Vec::new(),
        Err(error) => {
            model.shared.complain(error);
            return Vec::new();
        }
        Ok(told) => told,
    };
    model.shared.say(ToastLevel::Done, mutation.done(&told), None);
    let mut effects = match (&mutation, told) {
        (Mutation::Sync { name, .. }, Outcome::Ticket(ticket)) if ticket.expected > 0 => {
            watch::begin(model, ticket, name.clone())
        }
        (Mutation::Remove { influencer, .. } | Mutation::Merge { influencer, .. }, _) => leave(model, *influencer),
        _ => Vec::new(),
    };
    if let Mutation::Record { connection, .. } = mutation {
        model.shared.histories.outdated(connection);
    }
    effects.extend(reload(model));
    effects
}

/// Leaves the screen of somebody who is gone.
fn leave(model: &mut Model, gone: InfluencerId) -> Vec<Effect> {
    match &model.screen {
        Screen::Influencer(state) if state.id == gone => back(model),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
