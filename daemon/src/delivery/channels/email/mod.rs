//! E-mail: one message for each recipient by SMTP, in plain text and HTML.
//!
//! Recipients have messages of their own, because a server refuses a message of which it refuses one recipient. SMTP
//! knows no repetition; the Message-ID is the same on every attempt, so that mail clients and servers can drop it.

mod config;
mod connection;
mod failure;
mod letter;
pub mod template;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use futures::future::BoxFuture;
use jiff::tz::TimeZone;
use lettre::message::Mailbox;

pub use self::config::Email;
use self::connection::Connector;
use self::failure::what_follows;
use crate::delivery::channels::section::{Problem, Section};
use crate::delivery::channels::{Channel, Message, SendError};

/// A mail server, and whom messages are from and to.
pub struct EmailChannel {
    connector: Connector,
    from: Mailbox,
    to: Vec<Mailbox>,
    /// The zone of the times in messages.
    zone: TimeZone,
}

impl EmailChannel {
    /// A channel that connects when it sends. `ca_file` has certificate authorities that are trusted besides the system's.
    pub fn new(email: Email, ca_file: Option<&Path>, zone: TimeZone) -> Self {
        let Email { server, login, from, to } = email;
        Self { connector: Connector::new(server, login, ca_file), from, to, zone }
    }

    /// Whom each message is sent to, apart from the others.
    pub fn recipients(&self) -> &[Mailbox] {
        &self.to
    }

    /// Sends a message to one recipient.
    pub async fn send_to(&self, message: &Message, to: &Mailbox) -> Result<String, SendError> {
        let text = template::write(message, &self.zone);
        let letter = letter::letter(message, text, &self.from, to).map_err(|error| SendError::Refused {
            why: format!("no letter can be made of it: {error}"),
            disables: false,
        })?;
        let sent = self.connector.send(&letter).await;
        sent.map_err(|(step, cause)| what_follows(step, &cause))
    }
}

/// One recipient of a channel.
struct Recipient {
    of: Arc<EmailChannel>,
    to: Mailbox,
}

impl Channel for Recipient {
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<String, SendError>> {
        Box::pin(async move {
            // Users know the channel by its name alone, and see here whom it was sent to.
            let named = |what: String| format!("{}: {what}", self.to.email);
            match self.of.send_to(message, &self.to).await {
                Ok(receipt) => Ok(named(receipt)),
                Err(SendError::Later { why, after }) => Err(SendError::Later { why: named(why), after }),
                Err(SendError::Unsure { why }) => Err(SendError::Unsure { why: named(why) }),
                Err(SendError::Refused { why, disables }) => Err(SendError::Refused { why: named(why), disables }),
            }
        })
    }
}

/// The channel of a section: one for each recipient, in the order of `to`.
///
/// # Errors
/// When a key is missing or wrong.
pub fn make(section: &Section<'_>) -> Result<Vec<Box<dyn Channel>>, Problem> {
    let channel = Arc::new(EmailChannel::new(Email::read(section)?, section.ca_file, section.zone.clone()));
    let recipient = |to: &Mailbox| -> Box<dyn Channel> { Box::new(Recipient { of: channel.clone(), to: to.clone() }) };
    Ok(channel.recipients().iter().map(recipient).collect())
}
