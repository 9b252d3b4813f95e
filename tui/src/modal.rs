//! What lies on top of a screen: one thing at a time, and keys go to it alone.

pub mod command;
pub mod confirm;
pub mod connect;
pub mod form;
pub mod help;
pub mod picker;

use crossterm::event::KeyEvent;
use ratatui::layout::{Rect, Size};
use tui_input::Input;

use crate::keys::{Action, Place};
use crate::message::Effect;
use crate::model::Model;
use crate::shared::Shared;
use crate::widgets::input;
use crate::widgets::pen::Pen;

/// What lies on top.
#[derive(Clone, Debug)]
pub enum Modal {
    Help(help::Help),
    Command(command::CommandLine),
    Form(Box<form::Form>),
    Connect(Box<connect::Connect>),
    Confirm(confirm::Confirm),
    Picker(picker::Picker),
}

impl Modal {
    /// Whose keys work while it is there.
    pub fn place(&self) -> Place {
        match self {
            Modal::Help(_) => Place::Help,
            Modal::Command(_) => Place::CommandLine,
            Modal::Form(_) => Place::Form,
            Modal::Connect(connect) => connect.place(),
            Modal::Confirm(confirm) if confirm.typed.is_some() => Place::Typing,
            Modal::Confirm(_) => Place::Confirm,
            Modal::Picker(_) => Place::Picker,
        }
    }

    /// The line that is being typed in, if any.
    fn input(&mut self) -> Option<&mut Input> {
        match self {
            Modal::Help(_) => None,
            Modal::Command(line) => Some(&mut line.input),
            Modal::Form(form) => form.input(),
            Modal::Connect(connect) => connect.input(),
            Modal::Confirm(confirm) => confirm.typed.as_mut(),
            Modal::Picker(picker) => Some(&mut picker.filter),
        }
    }
}

/// What a key does with what lies on top.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match &model.modal {
        Some(Modal::Help(_)) => help::act(model, action),
        Some(Modal::Command(_)) => command::act(model, action),
        Some(Modal::Form(_)) => form::act(model, action),
        Some(Modal::Connect(_)) => connect::act(model, action),
        Some(Modal::Confirm(_)) => confirm::act(model, action),
        Some(Modal::Picker(_)) => picker::act(model, action),
        None => Vec::new(),
    }
}

/// A key that is part of a text.
pub fn typed(model: &mut Model, key: KeyEvent) -> Vec<Effect> {
    let Some(modal) = &mut model.modal else { return Vec::new() };
    if let Modal::Form(form) = modal
        && form.choose(key)
    {
        return Vec::new();
    }
    let changed = modal.input().is_some_and(|input| input::edit(input, key));
    if changed { text_changed(model) } else { Vec::new() }
}

/// Text that was pasted.
pub fn pasted(model: &mut Model, text: &str) -> Vec<Effect> {
    if let Some(Modal::Connect(_)) = &model.modal {
        connect::pasted(model, text);
        return Vec::new();
    }
    let input = model.modal.as_mut().and_then(Modal::input);
    let changed = input.is_some_and(|input| input::paste(input, text));
    if changed { text_changed(model) } else { Vec::new() }
}

fn text_changed(model: &mut Model) -> Vec<Effect> {
    match &mut model.modal {
        Some(Modal::Picker(picker)) => picker.changed(),
        Some(Modal::Form(form)) => {
            form.changed();
            Vec::new()
        }
        Some(Modal::Connect(connect)) => {
            connect.notice = None;
            Vec::new()
        }
        Some(Modal::Command(line)) => {
            line.error = None;
            Vec::new()
        }
        _ => Vec::new(),
    }
}

/// Draws what lies on top.
pub fn view(shared: &Shared, modal: &Modal, pen: &mut Pen<'_>) {
    match modal {
        Modal::Help(help) => help::view(shared, help, pen),
        Modal::Command(line) => command::view(shared, line, pen),
        Modal::Form(form) => form::view(shared, form, pen),
        Modal::Connect(connect) => connect::view(shared, connect, pen),
        Modal::Confirm(confirm) => confirm::view(shared, confirm, pen),
        Modal::Picker(picker) => picker::view(shared, picker, pen),
    }
}

/// Draws a box in the middle and gives its inside.
pub fn boxed(pen: &mut Pen<'_>, size: Size, width: u16, height: u16, title: &str) -> Rect {
    let width = (width + 4).min(size.width.saturating_sub(2));
    let height = (height + 2).min(size.height.saturating_sub(2));
    let (x, y) = ((size.width - width) / 2, (size.height - height) / 3);
    // Half a row beside a box is worse than none.
    pen.clear(Rect { x: 0, y, width: size.width, height });
    let faint = pen.theme.faint;
    let (right, bottom) = ((x + width).saturating_sub(1), (y + height).saturating_sub(1));
    for column in x..=right {
        pen.sign(column, y, '─', faint);
        pen.sign(column, bottom, '─', faint);
    }
    for row in y..=bottom {
        pen.sign(x, row, '│', faint);
        pen.sign(right, row, '│', faint);
    }
    for (column, row, corner) in [(x, y, '┌'), (right, y, '┐'), (x, bottom, '└'), (right, bottom, '┘')] {
        pen.sign(column, row, corner, faint);
    }
    pen.put(x + 2, y, width.saturating_sub(4), &format!(" {title} "), pen.theme.strong);
    Rect { x: x + 2, y: y + 1, width: width.saturating_sub(4), height: height.saturating_sub(2) }
}
