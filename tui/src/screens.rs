//! The screens: each its state, what keys do there, and its picture. A new one is named here twice: its module,
//! and its line in the table.

pub mod alert;
pub mod alerts;
pub mod audit;
pub mod changes;
pub mod connections;
pub mod due;
pub mod influencer;
pub mod listing;
pub mod no_daemon;
pub mod overview;
pub mod paged;
pub mod roster;
pub mod rule;
pub mod rules;
pub mod states;
pub mod sync;

#[cfg(test)]
mod tests;

use std::any::Any;

use crossterm::event::KeyEvent;
use roster_protocol::{InfluencerId, Timestamp};

use crate::keys::{Action, Context, ScreenKeys};
use crate::message::Response;
use crate::modal::copy::Copied;
use crate::modal::{ListCommand, Next};
use crate::shared::Shared;
use crate::widgets::pen::Pen;

/// Every screen, in the order of the help. The first is below all others.
pub const TABLE: &[Entry] = &[
    roster::ENTRY,
    influencer::ENTRY,
    overview::ENTRY,
    sync::ENTRY,
    alerts::ENTRY,
    alert::ENTRY,
    changes::ENTRY,
    audit::ENTRY,
    connections::ENTRY,
    due::ENTRY,
    rules::ENTRY,
    rule::ENTRY,
];

/// A line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its number, title and keys.
    pub keys: ScreenKeys,
    /// Makes one; `None`: another screen opens it with what it is about.
    pub new: Option<fn() -> Box<dyn Screen>>,
}

/// What a screen does. It changes itself and what is shared, and returns the rest.
pub trait Screen: Any {
    /// As in its line of the table.
    fn keys(&self) -> &'static ScreenKeys;

    /// Its name in the first line.
    fn title(&self) -> &str {
        self.keys().context.title()
    }

    /// What the first line says of it.
    fn summary(&self, _: &Shared) -> String {
        String::new()
    }

    /// Where keys are pressed.
    fn context(&self) -> Context {
        self.keys().context
    }

    /// Whether a footer entry makes sense now.
    fn offers(&self, _: Action) -> bool {
        true
    }

    /// Requests what is in sight, after something happened or it is shown again.
    fn reload(&mut self, shared: &mut Shared) -> Vec<Next>;

    /// What a key does.
    fn act(&mut self, shared: &mut Shared, action: Action) -> Vec<Next>;

    /// Takes a response; what is not for it is left alone.
    fn responded(&mut self, shared: &mut Shared, response: &Response) -> Vec<Next>;

    /// Draws it between the first line and the footer.
    fn view(&self, shared: &Shared, pen: &mut Pen<'_>);

    /// A key that is part of a text.
    fn typed(&mut self, _: &mut Shared, _: KeyEvent) -> Vec<Next> {
        Vec::new()
    }

    /// Text that was pasted where text is typed.
    fn pasted(&mut self, _: &mut Shared, _: &str) -> Vec<Next> {
        Vec::new()
    }

    /// What of it can be copied: of the row under the cursor, and the command that gives the same as the screen.
    fn copies(&self, shared: &Shared) -> Vec<Copied>;

    /// The influencer that is under the cursor, or that the screen is about, with the name; `None`: there is none.
    fn subject(&self) -> Option<(InfluencerId, String)> {
        None
    }

    /// A command that was typed for the first screen.
    fn command(&mut self, _: &mut Shared, _: ListCommand) -> Vec<Next> {
        Vec::new()
    }

    /// The terminal's size changed.
    fn resized(&mut self, _: &mut Shared) -> Vec<Next> {
        Vec::new()
    }

    /// Time passed.
    fn tick(&mut self, _: &mut Shared) -> Vec<Next> {
        Vec::new()
    }

    /// When it changes without a message.
    fn wakes_at(&self, _: &Shared) -> Option<Timestamp> {
        None
    }

    /// Whether there is something to show, be it an error.
    fn is_ready(&self) -> bool {
        true
    }

    /// Whether it is about this influencer.
    fn is_about(&self, _: InfluencerId) -> bool {
        false
    }
}

/// What keys, the help and the command line know of the screens.
pub fn keys() -> Vec<ScreenKeys> {
    TABLE.iter().map(|entry| entry.keys).collect()
}

/// A new screen by its number.
pub fn numbered(number: u8) -> Option<Box<dyn Screen>> {
    let entry = TABLE.iter().find(|entry| entry.keys.number == Some(number))?;
    entry.new.map(|new| new())
}
