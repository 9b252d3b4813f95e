//! The theme follows the terminal's background, where the terminal reports it.

use crate::terminal::notices::environment;
use crate::terminal::{Guard, Reply};
use crate::theme::Theme;
use crate::theme::look::{Look, QUERY, ground};

/// What is known of the background.
pub(super) struct Background {
    look: Look,
    /// Whether the reply that ends all others is on its way.
    waits: bool,
}

/// What a reply was.
pub(super) enum Taken {
    /// Not one to this query.
    NotOurs,
    /// It changes nothing.
    Nothing,
    Theme(Box<Theme>),
}

impl Background {
    /// Begins to find out. Nothing waits for that: a reply may be late or never arrive.
    pub fn start(look: Look, guard: &Guard) -> Self {
        let waits = look.follows_ground() && environment().takes_queries();
        if waits {
            guard.write(QUERY.to_vec());
        }
        Self { look, waits }
    }

    /// Takes what the terminal says of itself.
    pub fn replied(&mut self, reply: &Reply) -> Taken {
        match reply {
            Reply::Command(text) if self.waits => match ground(text) {
                // What the config says wrongly was shown at the start.
                Some(ground) => self.look.on(ground).map_or(Taken::Nothing, |theme| Taken::Theme(Box::new(theme))),
                None => Taken::NotOurs,
            },
            Reply::Attributes if self.waits => {
                self.waits = false;
                Taken::Nothing
            }
            _ => Taken::NotOurs,
        }
    }

    /// Whether replies are still on their way.
    pub fn waits(&self) -> bool {
        self.waits
    }
}
