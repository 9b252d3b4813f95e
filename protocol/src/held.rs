//! Everything that is held about one person: the right of access.

use serde::{Deserialize, Serialize};

use crate::alert::{Alert, Change};
use crate::audit::AuditEntry;
use crate::connection::{Connection, Snapshot, Week};
use crate::consent::Grant;
use crate::delivery::Delivery;
use crate::ids::{ConnectionId, InfluencerId};
use crate::influencer::Influencer;
use crate::reported::{Audience, ReportedDay};
use crate::request::ProviderRequest;
use crate::sync::Run;
use crate::time::{Date, Timestamp};

/// The version of the exported document. It is raised when something in it is renamed, means something else or is left out.
pub const VERSION: u32 = 1;

/// A part of what is held, in the order of the export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Part {
    Influencer,
    Connections,
    History,
    Audiences,
    Changes,
    Runs,
    Alerts,
    Deliveries,
    Grants,
    Tokens,
    Consents,
    Requests,
    Limits,
    Subscriptions,
    Notifications,
    Rules,
    Silences,
    Undo,
    Audit,
    Keys,
}

impl Part {
    /// Every part, in their order.
    pub const ALL: [Part; 20] = [
        Part::Influencer,
        Part::Connections,
        Part::History,
        Part::Audiences,
        Part::Changes,
        Part::Runs,
        Part::Alerts,
        Part::Deliveries,
        Part::Grants,
        Part::Tokens,
        Part::Consents,
        Part::Requests,
        Part::Limits,
        Part::Subscriptions,
        Part::Notifications,
        Part::Rules,
        Part::Silences,
        Part::Undo,
        Part::Audit,
        Part::Keys,
    ];

    /// The name in the exported document.
    pub fn as_str(self) -> &'static str {
        match self {
            Part::Influencer => "influencer",
            Part::Connections => "connections",
            Part::History => "history",
            Part::Audiences => "audiences",
            Part::Changes => "changes",
            Part::Runs => "runs",
            Part::Alerts => "alerts",
            Part::Deliveries => "deliveries",
            Part::Grants => "grants",
            Part::Tokens => "tokens",
            Part::Consents => "consents",
            Part::Requests => "requests",
            Part::Limits => "limits",
            Part::Subscriptions => "subscriptions",
            Part::Notifications => "notifications",
            Part::Rules => "rules",
            Part::Silences => "silences",
            Part::Undo => "undo",
            Part::Audit => "audit",
            Part::Keys => "keys",
        }
    }

    /// What it is, as the person that it is about reads it: a heading, and why it is held.
    pub fn in_words(self) -> (&'static str, &'static str) {
        match self {
            Part::Influencer => ("You", "Your name, tags and notes, by which the team that uses Roster finds you."),
            Part::Connections => ("Your accounts", "The accounts that are followed, and their newest numbers."),
            Part::History => (
                "The history of your numbers",
                "What platforms reported of your accounts day by day, to see how they develop.",
            ),
            Part::Audiences => (
                "Your audience",
                "Who your audience is, in shares without names, as platforms reported it with your consent.",
            ),
            Part::Changes => ("Changes", "When a number of yours changed, and by how much."),
            Part::Runs => ("Syncs", "When your accounts were read, and how that ended, to find failures."),
            Part::Alerts => ("Alerts", "What was noticed about your numbers, so that the team looks at it."),
            Part::Deliveries => ("Messages about alerts", "Where such an alert was sent, and whether it arrived."),
            Part::Grants => ("Your consents", "What you allowed Roster to read at a platform, and until when."),
            Part::Tokens => (
                "Tokens",
                "What the platform issued with your consent. The tokens themselves are encrypted and are not shown.",
            ),
            Part::Consents => ("Consents that wait", "A consent that you were asked for and that is not settled yet."),
            Part::Requests => ("Requests to platforms", "When a platform was asked about your accounts alone."),
            Part::Limits => ("Limits", "How much of a platform's limit for your account is spent."),
            Part::Subscriptions => (
                "Subscriptions",
                "That a platform tells Roster when something new is at your account, so that it is read sooner.",
            ),
            Part::Notifications => ("Notifications", "That a platform said that something was new at your account."),
            Part::Rules => ("Rules", "Rules for alerts in which you are named."),
            Part::Silences => ("Silences", "For how long alerts about you are not sent."),
            Part::Undo => ("Changes that can be taken back", "What a user changed about you within the last day."),
            Part::Audit => (
                "The log of actions",
                "Who did what with your entry, so that it can be examined later. What it says of you is encrypted.",
            ),
            Part::Keys => {
                ("The key of your log", "A key with which what the log says of you is encrypted. It is not shown.")
            }
        }
    }
}

/// One thing that is held.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Held {
    Influencer(Box<Influencer>),
    /// Also one that is disconnected.
    Connection(Box<Connection>),
    /// A part of a connection's history, oldest first: what was measured, what is left of days that are long past, and what
    /// the platform reported to the owner.
    History {
        connection: ConnectionId,
        weeks: Vec<Week>,
        snapshots: Vec<Snapshot>,
        days: Vec<ReportedDay>,
    },
    /// The last that was reported in a month.
    Audience {
        connection: ConnectionId,
        date: Date,
        audience: Box<Audience>,
    },
    Change(Box<Change>),
    Run(Box<Run>),
    Alert(Box<Alert>),
    Delivery(Box<Delivery>),
    Grant(Box<Grant>),
    Request(Box<ProviderRequest>),
    Audit(Box<AuditEntry>),
    /// What no list of clients has, by the names of its fields; those that are unknown are absent.
    Fields(Vec<(String, String)>),
}

/// A page of what is held, part by part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeldPage {
    /// Whom it is about.
    pub influencer: InfluencerId,
    pub name: String,
    /// When it was read.
    pub at: Timestamp,
    /// A page may be empty although there are more.
    pub rows: Vec<(Part, Held)>,
    /// How long each part is kept, in a sentence for the person; on the first page only.
    pub kept: Vec<(Part, String)>,
    /// Where the next page begins, opaque to clients; `None` when this was the last.
    pub next: Option<Vec<u8>>,
}
