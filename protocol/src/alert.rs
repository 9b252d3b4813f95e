//! Changes that were noticed, and the alerts they opened.

use serde::{Deserialize, Serialize};

use crate::ids::{AlertId, ConnectionId, InfluencerId};
use crate::metric::{Metric, Ratio, UnknownName};
use crate::rule::Window;

pub use crate::rule::Severity;
use crate::time::Timestamp;

/// A measured step: the difference between two snapshots of a connection. Of one connection and metric, each begins where
/// the one before ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    pub at: Timestamp,
    pub influencer: InfluencerId,
    /// The influencer's name when the change was read, for display.
    pub influencer_name: String,
    pub connection: ConnectionId,
    pub platform: String,
    pub metric: Metric,
    /// In the metric's own unit: a count, an average, or a ratio. `None`: it was not known before.
    pub from: Option<f64>,
    /// `None`: the platform no longer reports it.
    pub to: Option<f64>,
    pub cause: ChangeCause,
    /// Whether the profile number followed.
    pub significant: bool,
}

/// The source of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ChangeCause {
    Sync,
    Manual,
    Import,
}

impl ChangeCause {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        ["sync", "manual", "import"][self as usize]
    }
}

/// The state of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum AlertState {
    Open,
    /// A person has seen it.
    Acknowledged,
    /// It ended without a user: a newer change replaced it, or its cause is gone.
    Resolved,
}

impl AlertState {
    /// Every state, in the order of an alert's life.
    pub const ALL: [AlertState; 3] = [AlertState::Open, AlertState::Acknowledged, AlertState::Resolved];

    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        ["open", "acknowledged", "resolved"][self as usize]
    }
}

impl std::str::FromStr for AlertState {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| UnknownName::new("state", text, "open, acknowledged, resolved"))
    }
}

/// What an alert is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum About {
    /// A connection, with its influencer and its platform's slug.
    Connection {
        connection: ConnectionId,
        influencer: InfluencerId,
        platform: String,
    },
    Influencer(InfluencerId),
    /// A platform, by its slug, or one host of it: `mastodon/social.example`.
    Platform(String),
    /// The daemon itself.
    Daemon,
}

impl About {
    /// The word in JSON.
    pub fn as_str(&self) -> &'static str {
        match self {
            About::Connection { .. } => "connection",
            About::Influencer(_) => "influencer",
            About::Platform(_) => "platform",
            About::Daemon => "daemon",
        }
    }

    /// The connection, when it is about one.
    pub fn connection(&self) -> Option<ConnectionId> {
        match self {
            About::Connection { connection, .. } => Some(*connection),
            _ => None,
        }
    }

    /// The influencer, when it is about one or about a connection.
    pub fn influencer(&self) -> Option<InfluencerId> {
        match self {
            About::Connection { influencer, .. } | About::Influencer(influencer) => Some(*influencer),
            About::Platform(_) | About::Daemon => None,
        }
    }

    /// The platform's slug, when it is about one or about a connection; `mastodon/social.example` when it is about one
    /// host.
    pub fn platform(&self) -> Option<&str> {
        match self {
            About::Connection { platform, .. } | About::Platform(platform) => Some(platform),
            About::Influencer(_) | About::Daemon => None,
        }
    }
}

/// One case of something users want to hear about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    pub id: AlertId,
    pub state: AlertState,
    /// The rule's name.
    pub rule: String,
    pub severity: Severity,
    pub about: About,
    /// The influencer's name at the time of the request; `None` when it is about none.
    pub influencer_name: Option<String>,
    /// The metric that moved; `None` for alerts that are not about a number.
    pub metric: Option<Metric>,
    pub from: Option<f64>,
    pub to: Option<f64>,
    /// `to ÷ from − 1`; `None` where one of them is not known or `from` is 0.
    pub change: Option<f64>,
    pub opened_at: Timestamp,
    /// When it was acknowledged or resolved.
    pub ended_at: Option<Timestamp>,
    /// Who acknowledged it.
    pub acknowledged_by: Option<String>,
    /// When that was.
    pub acknowledged_at: Option<Timestamp>,
    /// What was said when it was acknowledged.
    pub note: Option<String>,
    /// The user who takes care of it.
    pub assigned_to: Option<String>,
    /// Since when.
    pub assigned_at: Option<Timestamp>,
    /// The alert about many accounts that includes this one.
    pub group: Option<AlertId>,
    /// How many accounts it includes; 0 unless it is such an alert.
    pub members: u64,
    pub silenced: Silenced,
    /// What it is to the caller; `None` where it is for no user alone, as in what is delivered.
    pub yours: Option<Yours>,
    pub explained: Explained,
    /// The reason in one sentence.
    pub why: String,
}

/// What explains a move; all of it is `None` for an alert that is about no move.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Explained {
    /// How far back the rule looks.
    pub window: Option<Window>,
    /// When the highest (for a fall) or lowest value was measured that the move is measured from.
    pub from_at: Option<Timestamp>,
    /// What nine of ten of the account's own days stay within, up or down.
    pub usual: Option<Ratio>,
    /// What other accounts of the platform did that day: the median of their changes.
    pub peers: Option<Ratio>,
    /// How finely the platform reports the number; `None`: exactly, or not known.
    pub step: Option<u64>,
    /// How many times farther than the account's daily changes usually are from their median.
    pub score: Option<f64>,
}

/// What an alert is to the user who requested it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Yours {
    /// Whether the user has not read it, and is to: it is open, in no silence, and no alert about many accounts includes
    /// it. What is assigned to the user is unread until they read it, also when it is acknowledged or they read it before.
    pub unread: bool,
    /// Whether it is assigned to the user.
    pub mine: bool,
}

/// What a silence does to an alert: it is in lists, and makes no noise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silenced {
    /// Whether it opened in a silence: it was delivered nowhere, and is not, also once the silence is over.
    pub at_opening: bool,
    /// Until when silences are about it; `None`: none is.
    pub until: Option<Timestamp>,
}

impl Silenced {
    /// Whether no user is to be notified of it.
    pub fn is_silent(&self) -> bool {
        self.at_opening || self.until.is_some()
    }
}

impl Alert {
    /// Whether users are notified of it: it is open, in no silence, and no alert about many accounts includes it.
    pub fn is_news(&self) -> bool {
        self.state == AlertState::Open && !self.silenced.is_silent() && self.group.is_none()
    }

    /// Whether the user who requested it has not read it.
    pub fn is_unread(&self) -> bool {
        self.yours.is_some_and(|yours| yours.unread)
    }

    /// Whether it is assigned to the user who requested it.
    pub fn is_mine(&self) -> bool {
        self.yours.is_some_and(|yours| yours.mine)
    }

    /// Whom or what it is about, for display: an influencer and, for a connection, its platform; or else a platform, or
    /// `rosterd`.
    pub fn subject(&self) -> (&str, Option<&str>) {
        match &self.influencer_name {
            Some(name) => (name, self.about.platform()),
            None => (self.about.platform().unwrap_or("rosterd"), None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_is_about_one_thing() {
        let (connection, influencer) = (ConnectionId::from_bytes([1; 5]), InfluencerId::from_bytes([2; 5]));
        let check = |about: About, word: &str, of: (Option<ConnectionId>, Option<InfluencerId>, Option<&str>)| {
            assert_eq!((about.as_str(), (about.connection(), about.influencer(), about.platform())), (word, of));
        };
        let account = About::Connection { connection, influencer, platform: "youtube".into() };
        check(account, "connection", (Some(connection), Some(influencer), Some("youtube")));
        check(About::Influencer(influencer), "influencer", (None, Some(influencer), None));
        check(About::Platform("tiktok".into()), "platform", (None, None, Some("tiktok")));
        check(About::Daemon, "daemon", (None, None, None));
    }
}
