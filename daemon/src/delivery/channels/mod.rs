//! Channels: the ways on which alerts leave. Each sends one message at a time and says what became of it; when, and how
//! often, the outbox decides.
//!
//! A kind of channel is one file and one line in [`KINDS`].

mod discord;
pub mod email;
pub mod endpoint;
mod push;
pub mod section;
mod slack;
mod webhook;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use roster_protocol::alert::Alert;
use roster_protocol::delivery::ChannelKind;
use roster_protocol::text::clean;
use roster_protocol::time::Timestamp;

use self::section::{Problem, Section};
use crate::http_client::HttpClient;
use crate::process::config::Config;
use crate::process::environment::Environment;

/// What is sent on a channel at once.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// The same on every attempt, and unique for each message, so that a receiver can drop a repetition. No `.` in it.
    pub id: String,
    pub kind: MessageKind,
    /// The time of this attempt.
    pub at: Timestamp,
    /// As clients see them. One unless it is a digest; none for a test.
    pub alerts: Vec<Alert>,
    /// What the move's account measured lately, oldest first: the time, and the followers. Empty when not known.
    pub points: Vec<(Timestamp, u64)>,
}

/// Why a message is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    /// An alert opened, or was not acknowledged in time.
    Opened,
    /// An alert ended without a user.
    Resolved,
    /// Many accounts moved together.
    Group,
    /// They are far more by now.
    Grown,
    /// A summary of several alerts that were held back.
    Digest,
    /// A user tries the channel.
    Test,
}

/// Why a message was not delivered, by what is done next. No text holds a URL, a password or a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The receiver refused for now, or could not be reached before anything was sent: certainly not delivered.
    #[error("{why}")]
    Later { why: String, after: Option<Duration> },
    /// No response after it was sent: it may have arrived. Sent again with the same id.
    #[error("{why}")]
    Unsure { why: String },
    /// It will never be taken. `disables`: the address is gone.
    #[error("{why}")]
    Refused { why: String, disables: bool },
}

/// A way on which alerts leave.
pub trait Channel: Send + Sync {
    /// Sends one message. What is returned is what the receiver said, clean and short, for the receipt.
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<String, SendError>>;
}

/// Makes channels of a section.
type Make = fn(&Section<'_>) -> Result<Vec<Box<dyn Channel>>, Problem>;

/// A kind of channel.
pub struct Kind {
    pub kind: ChannelKind,
    /// How long after a message the next one may be sent.
    pub gap: Duration,
    /// Whether several alerts can be one message.
    pub gathers: bool,
    /// Makes the channel of its section, whose keys are known ones; one for each receiver, of which most have one.
    pub make: Make,
}

/// Every kind but the desktop, which is no receiver that messages are sent to.
pub const KINDS: &[Kind] = &[
    Kind { kind: ChannelKind::Slack, gap: Duration::from_secs(1), gathers: true, make: slack::make },
    Kind { kind: ChannelKind::Discord, gap: Duration::from_secs(2), gathers: true, make: discord::make },
    Kind { kind: ChannelKind::Webhook, gap: Duration::ZERO, gathers: false, make: webhook::make },
    Kind { kind: ChannelKind::Email, gap: Duration::ZERO, gathers: true, make: email::make },
    Kind { kind: ChannelKind::Push, gap: Duration::ZERO, gathers: true, make: push::make },
];

/// A channel that messages can be sent on.
#[derive(Clone)]
pub struct Made {
    pub kind: &'static Kind,
    pub channel: Arc<dyn Channel>,
}

/// Makes the channels of the config, by their keys; the desktop is not among them.
///
/// # Errors
/// The first thing that is wrong with one.
pub fn make(config: &Config, environment: &Environment, http: &HttpClient) -> Result<BTreeMap<String, Made>, Problem> {
    let (zone, ca_file) = (&config.sync.grid.zone, config.network.ca_file.as_deref());
    let mut made = BTreeMap::new();
    for (name, of) in &config.channels.sections {
        let section = Section { name, table: &of.table, environment, http, zone, ca_file };
        let Some(kind) = KINDS.iter().find(|kind| kind.kind == of.kind) else { continue };
        let keys = config.channels.routing.named(name).map(|channel| channel.key.clone());
        let channels = (kind.make)(&section)?.into_iter().map(|channel| Made { kind, channel: Arc::from(channel) });
        made.extend(keys.zip(channels));
    }
    Ok(made)
}

/// What a receiver said, clean and short.
pub fn said(text: &str) -> String {
    clean(text, 100)
}

#[cfg(test)]
pub(crate) mod testing {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::http_client::test_server::{Received, Reply, Server};
    use crate::http_client::{HttpLimits, HttpSettings};

    /// What becomes of a message when a receiver gives this response, and the request.
    pub async fn sent(
        make: Make,
        section: &str,
        message: &Message,
        reply: Reply,
    ) -> (Result<String, SendError>, Received) {
        let server = Server::start(move |_| reply.clone()).await;
        let limits = HttpLimits { read_gap: Duration::from_millis(500), ..HttpLimits::default() };
        let http = HttpClient::new(HttpSettings { limits, ..HttpSettings::default() }).expect("a client");
        let text = format!("url = \"{}/hidden\"\nallow_private = true\n{section}", server.base);
        let table: toml::Table = toml::from_str(&text).expect("TOML");
        let environment = Environment::default();
        let section = Section {
            name: "team",
            table: &table,
            environment: &environment,
            http: &http,
            zone: &TimeZone::UTC,
            ca_file: None,
        };
        let channel = make(&section).expect("a channel").remove(0);
        let result = channel.send(message).await;
        let shown = format!("{result:?}");
        assert!(!shown.contains("hidden") && !shown.contains("127.0.0.1"), "{shown}");
        (result, server.requested().pop().expect("a request"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http_client::HttpSettings;
    use crate::process::config::Config;

    fn made(text: &str) -> Result<BTreeMap<String, Made>, Problem> {
        let config = Config::parse(text, "f").expect("a good config");
        let http = HttpClient::new(HttpSettings::default()).expect("a client");
        make(&config, &Environment::default(), &http)
    }

    #[test]
    fn channels_are_made_of_their_sections() {
        let text =
            "[channels.desk]\nkind = \"desktop\"\n[channels.team]\nkind = \"slack\"\nurl = \"https://x.example/\"\n";
        let names: Vec<String> = made(text).expect("channels").into_keys().collect();
        assert_eq!(names, ["team"]);
    }

    #[test]
    fn a_wrong_section_is_refused_without_its_values() {
        let check = |section: &str, expected: &str| {
            let error = made(&format!("[channels.x]\n{section}")).err().unwrap_or_else(|| panic!("{section}"));
            assert_eq!(error.to_string(), expected, "{section}");
        };
        let missing = "channels.x.url_file: is missing: a file with the address, or url with the address itself";
        check("kind = \"slack\"", missing);
        check("kind = \"slack\"\nurl = \"hidden\"", "channels.x.url: is no URL");
        let insecure = "channels.x.url: is not https: within your own network add allow_private = true";
        check("kind = \"push\"\nurl = \"http://hidden/\"", insecure);
        check("kind = \"push\"\nurl = \"ftp://hidden/\"", "channels.x.url: is no https URL");
        let user = "channels.x.url: has a user or password, which are not sent";
        check("kind = \"push\"\nurl = \"https://me:hidden@x.example/\"", user);
        let secret = "channels.x.secret: is no signing secret: whsec_ and 24 to 64 random bytes in base64";
        check("kind = \"webhook\"\nurl = \"https://x.example\"\nsecret = \"whsec_aGlkZGVu\"", secret);
        check("kind = \"slack\"\nurl = 5", "channels.x.url: is no text");
        check(
            "kind = \"slack\"\nurl = \"https://a/\"\nurl_file = \"/b\"",
            "channels.x.url_file: set either this or url",
        );
        check(
            "kind = \"slack\"\nurl = \"https://a/\"\nallow_private = 1",
            "channels.x.allow_private: is true or false",
        );
    }
}
