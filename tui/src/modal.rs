//! What is on top of a screen: one thing at a time, and keys go to it alone.

pub mod columns;
pub mod command;
pub mod confirm;
pub mod connect;
pub mod copy;
pub mod form;
pub mod help;
pub mod picker;

mod next;

pub use next::{Focus, ListCommand, Next};

use crossterm::event::KeyEvent;
use ratatui::layout::{Rect, Size};
use roster_protocol::ConnectionId;
use tui_input::Input;

use crate::keys::{Action, Context};
use crate::message::{ConsentReply, Response};
use crate::shared::Shared;
use crate::widgets::input;
use crate::widgets::pen::Pen;

/// What is on top.
#[derive(Clone, Debug)]
pub enum Modal {
    Help(help::Help),
    Command(command::CommandLine),
    Form(Box<form::Form>),
    Connect(Box<connect::Connect>),
    Confirm(confirm::Confirm),
    Picker(picker::Picker),
    Columns(columns::Columns),
    Copy(copy::Copy),
}

impl Modal {
    /// Whose keys work while it is there.
    pub fn context(&self) -> Context {
        match self {
            Modal::Help(_) => Context::Help,
            Modal::Command(_) => Context::CommandLine,
            Modal::Form(_) => Context::Form,
            Modal::Connect(connect) => connect.context(),
            Modal::Confirm(confirm) if confirm.typed.is_some() => Context::Typing,
            Modal::Confirm(_) => Context::Confirm,
            Modal::Picker(_) => Context::Picker,
            Modal::Columns(_) => Context::Columns,
            Modal::Copy(_) => Context::Copy,
        }
    }

    /// The line that is being typed in, if any.
    fn input(&mut self) -> Option<&mut Input> {
        match self {
            Modal::Help(_) | Modal::Columns(_) | Modal::Copy(_) => None,
            Modal::Command(line) => Some(&mut line.input),
            Modal::Form(form) => form.input(),
            Modal::Connect(connect) => connect.input(),
            Modal::Confirm(confirm) => confirm.typed.as_mut(),
            Modal::Picker(picker) => Some(&mut picker.filter),
        }
    }
}

impl Modal {
    /// What a key does.
    pub fn act(&mut self, shared: &mut Shared, action: Action) -> Vec<Next> {
        match self {
            Modal::Help(help) => help.act(shared, action),
            Modal::Command(line) => line.act(shared, action),
            Modal::Form(form) => form.act(shared, action),
            Modal::Connect(connect) => connect.act(shared, action),
            Modal::Confirm(confirm) => confirm.act(action),
            Modal::Picker(picker) => picker.act(action),
            Modal::Columns(columns) => columns.act(shared, action),
            Modal::Copy(copy) => copy.act(shared, action),
        }
    }

    /// A key that is part of a text.
    pub fn typed(&mut self, key: KeyEvent) -> Vec<Next> {
        if let Modal::Form(form) = self
            && form.choose(key)
        {
            return Vec::new();
        }
        let changed = self.input().is_some_and(|input| input::edit(input, key));
        if changed { self.text_changed() } else { Vec::new() }
    }

    /// Text that was pasted.
    pub fn pasted(&mut self, text: &str) -> Vec<Next> {
        if let Modal::Connect(connect) = self {
            connect.paste(text);
            return Vec::new();
        }
        let changed = self.input().is_some_and(|input| input::paste(input, text));
        if changed { self.text_changed() } else { Vec::new() }
    }

    fn text_changed(&mut self) -> Vec<Next> {
        match self {
            Modal::Picker(picker) => return picker.changed(),
            Modal::Form(form) => form.changed(),
            Modal::Connect(connect) => connect.notice = None,
            Modal::Command(line) => return line.changed(),
            Modal::Help(_) | Modal::Confirm(_) | Modal::Columns(_) | Modal::Copy(_) => {}
        }
        Vec::new()
    }

    /// Time passed.
    pub fn tick(&mut self, shared: &Shared) -> Vec<Next> {
        if let Modal::Connect(connect) = self { connect.tick(shared) } else { Vec::new() }
    }

    /// The screen's size changed.
    pub fn resized(&mut self, shared: &Shared) {
        if let Modal::Connect(connect) = self {
            connect.resized(shared);
        }
    }

    /// A sync run of a connection ended.
    pub fn ran(&self, connection: ConnectionId) -> Vec<Next> {
        if let Modal::Connect(connect) = self { connect.ran(connection) } else { Vec::new() }
    }

    /// Whether a footer entry makes sense now.
    pub fn offers(&self, action: Action) -> bool {
        match self {
            Modal::Connect(connect) => connect.offers(action),
            Modal::Confirm(confirm) => confirm.offers(action),
            Modal::Form(form) => form.offers(action),
            Modal::Picker(picker) => picker.offers(action),
            Modal::Help(_) | Modal::Command(_) | Modal::Columns(_) | Modal::Copy(_) => true,
        }
    }

    /// Draws it over the screen.
    pub fn view(&self, shared: &Shared, pen: &mut Pen<'_>) {
        match self {
            Modal::Help(help) => help::view(shared, help, pen),
            Modal::Command(line) => command::view(shared, line, pen),
            Modal::Form(form) => form::view(shared, form, pen),
            Modal::Connect(connect) => connect::view(shared, connect, pen),
            Modal::Confirm(confirm) => confirm::view(shared, confirm, pen),
            Modal::Picker(picker) => picker::view(shared, picker, pen),
            Modal::Columns(columns) => columns::view(shared, columns, pen),
            Modal::Copy(copy) => copy::view(shared, copy, pen),
        }
    }
}

/// Takes a response. One for a modal that is gone leaves nothing open behind it.
pub fn responded(modal: &mut Option<Modal>, response: &Response) -> Vec<Next> {
    match (modal, response) {
        (Some(Modal::Picker(picker)), Response::Choices(filter, result)) => picker.responded(filter, result.clone()),
        (Some(Modal::Command(line)), Response::Choices(filter, result)) => line.responded(filter, result.clone()),
        (Some(Modal::Form(form)), Response::LookUp { form: id, result }) => form.looked_up(*id, result.clone()),
        (Some(Modal::Form(form)), Response::Tested { form: Some(id), result, .. }) => form.tested(*id, result.clone()),
        (Some(Modal::Form(form)), Response::Namesakes { form: id, result }) => {
            return form.namesakes(*id, result.clone());
        }
        (Some(Modal::Connect(connect)), Response::Connection(id, Ok(now))) => connect.take_connection(*id, now),
        (Some(Modal::Connect(connect)), Response::Consent { form, reply }) if connect.id == *form => {
            return connect.replied(reply.clone());
        }
        (_, Response::Consent { reply: ConsentReply::Begun(_, Ok(begun)), .. }) => {
            return vec![connect::give_up(begun.id)];
        }
        _ => {}
    }
    Vec::new()
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
