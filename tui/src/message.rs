//! What can happen, and what is requested of the world in turn.

use std::path::PathBuf;

use crossterm::event::KeyEvent;
use ratatui::layout::Size;
use roster_protocol::audit::PauseTarget;
use roster_protocol::delivery::Delivery;
use roster_protocol::rule::{Backtest, ListedRule, RuleParts};
use roster_protocol::service::{ConnectionsQuery, DueQuery, History, Page, PageMark};
use roster_protocol::silence::NewSilence;
use roster_protocol::status::DayFigures;
use roster_protocol::undo::{NOTHING, Undone};
use roster_protocol::{
    Account, AccountPreview, Alert, AlertId, AlertState, AuditEntry, Change, Connection, ConnectionId, ConnectionPage,
    ConsentBegun, ConsentId, ConsentMethod, ConsentState, Date, DuePage, EventBatch, Influencer, InfluencerEdit,
    InfluencerId, InfluencerPage, InfluencerQuery, InfluencerRow, NewInfluencer, Record, RosterError, Run, Seconds,
    Since, Status, SyncProgress, SyncTarget, SyncTicket,
};

use crate::remembered::Remembered;

/// Something happened.
#[derive(Clone, Debug)]
pub enum Message {
    Key(KeyEvent),
    Paste(String),
    Resized(Size),
    /// Time passed.
    Tick,
    /// The daemon is connected, for the first time or again.
    Online,
    /// The connection ended.
    Lost(RosterError),
    /// There was no daemon to connect to.
    NoDaemon(NoDaemon),
    /// The result of starting a daemon.
    Started(Result<(), RosterError>),
    /// What the daemon committed.
    Happened(EventBatch),
    Response(Box<Response>),
    /// Something that was to be done here failed.
    Complaint(RosterError),
}

/// Why there is no daemon to show anything of.
#[derive(Clone, Debug, PartialEq)]
pub struct NoDaemon {
    /// The sockets that were tried, in order.
    pub tried: Vec<PathBuf>,
    pub error: RosterError,
    /// Whether starting one would help, and we may.
    pub can_start: bool,
    /// Whether one is being started.
    pub starting: bool,
}

impl NoDaemon {
    /// Whether a key starts one.
    pub fn offers_start(&self) -> bool {
        self.can_start && !self.starting
    }
}

/// What the UI requests of the world.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Sends a request to the daemon; its result is a [`Message::Response`].
    Request(Request),
    /// Starts a daemon; its result is a [`Message::Started`].
    StartDaemon,
    /// Draws the whole screen anew.
    Redraw,
    /// Gives the terminal back to the shell until the job is continued.
    Stop,
    /// Writes what lasts until the next time.
    Remember(Box<Remembered>),
    /// Hands a text to the terminal's clipboard.
    Copy(String),
}

/// What the daemon is sent.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    Status,
    /// The figures of so many days.
    Figures(u64),
    Due(DueQuery),
    Page(InfluencerQuery),
    /// Influencers to choose from, by filter.
    Choices(String),
    History {
        connection: ConnectionId,
        since: Date,
    },
    Influencer(InfluencerId),
    AlertsOf(InfluencerId),
    ChangesOf(InfluencerId),
    Runs(Option<PageMark>),
    Alerts(Which, Option<PageMark>),
    Alert(AlertId),
    /// Where an alert was delivered.
    DeliveriesOf(AlertId),
    /// The alerts that one includes.
    Members(AlertId),
    Rules,
    /// What a rule, changed so, would have said; for the form with this number, or the rule's page.
    TestRule {
        form: Option<u64>,
        name: String,
        draft: Box<RuleDraft>,
        since: Option<Since>,
    },
    Changes(Option<PageMark>),
    Audit(Option<PageMark>),
    Connections(ConnectionsQuery),
    /// One connection as it is now.
    Connection(ConnectionId),
    /// A step of a consent, for the modal with this number.
    Consent {
        form: u64,
        step: ConsentStep,
    },
    /// Gives a consent up.
    CancelConsent(ConsentId),
    /// Who one of these accounts is; the first that makes sense counts.
    LookUp {
        form: u64,
        accounts: Vec<Account>,
    },
    /// Who has a name, for the form with this number.
    Namesakes {
        form: u64,
        name: String,
    },
    Progress {
        ticket: SyncTicket,
        seen: u64,
    },
    Mutate(Mutation),
}

/// What is given of a rule, with influencers as they are written.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleDraft {
    pub parts: RuleParts,
    /// Ids or names; `None`: those that the rule has.
    pub influencers: Option<Vec<String>>,
}

impl RuleDraft {
    /// One that names no influencers.
    pub fn of(parts: RuleParts) -> Self {
        Self { parts, influencers: None }
    }
}

/// Which alerts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Which {
    /// Open and acknowledged ones.
    #[default]
    Live,
    /// Of those the ones that the user has not read.
    Unread,
    /// Of those the ones that are assigned to the user.
    Mine,
    State(AlertState),
}

impl Request {
    /// Whether the daemon responds only once something happens.
    pub fn waits(&self) -> bool {
        matches!(self, Request::Progress { .. } | Request::Consent { step: ConsentStep::State(_), .. })
    }
}

/// A step of a consent.
#[derive(Clone, Debug, PartialEq)]
pub enum ConsentStep {
    Begin {
        influencer: InfluencerId,
        platform: String,
        method: ConsentMethod,
        handle: Option<String>,
    },
    /// Waits until it is settled, or the wait ends.
    State(ConsentId),
    /// The address that the browser landed on.
    Paste(String),
    /// Accounts by the platform's ids.
    Choose(ConsentId, Vec<String>),
}

/// The reply to a step of a consent.
#[derive(Clone, Debug)]
pub enum ConsentReply {
    Begun(ConsentMethod, Result<Box<ConsentBegun>, RosterError>),
    State(ConsentId, Result<ConsentState, RosterError>),
    Pasted(Result<ConsentId, RosterError>),
    Chosen(Result<ConsentState, RosterError>),
}

/// A response: what identifies the request, and its result.
#[derive(Clone, Debug)]
pub enum Response {
    Status(Box<Result<Status, RosterError>>),
    Figures(Result<Vec<DayFigures>, RosterError>),
    Due(DueQuery, Result<DuePage, RosterError>),
    Page(InfluencerQuery, Result<InfluencerPage, RosterError>),
    Choices(String, Result<InfluencerPage, RosterError>),
    History { connection: ConnectionId, since: Date, result: Result<History, RosterError> },
    Influencer(InfluencerId, Result<Influencer, RosterError>),
    AlertsOf(InfluencerId, Result<Page<Alert>, RosterError>),
    ChangesOf(InfluencerId, Result<Page<Change>, RosterError>),
    Runs(Option<PageMark>, Result<Page<Run>, RosterError>),
    Alerts(Which, Option<PageMark>, Result<Page<Alert>, RosterError>),
    Alert(AlertId, Result<Box<Alert>, RosterError>),
    DeliveriesOf(AlertId, Result<Page<Delivery>, RosterError>),
    Members(AlertId, Result<Page<Alert>, RosterError>),
    Rules(Result<Vec<ListedRule>, RosterError>),
    Tested { form: Option<u64>, name: String, since: Option<Since>, result: Result<Box<Backtest>, RosterError> },
    Changes(Option<PageMark>, Result<Page<Change>, RosterError>),
    Audit(Option<PageMark>, Result<Page<AuditEntry>, RosterError>),
    Connections(ConnectionsQuery, Result<ConnectionPage, RosterError>),
    Connection(ConnectionId, Result<Box<Connection>, RosterError>),
    Consent { form: u64, reply: ConsentReply },
    Cancelled(Result<(), RosterError>),
    LookUp { form: u64, result: Result<AccountPreview, RosterError> },
    Namesakes { form: u64, result: Result<Vec<InfluencerRow>, RosterError> },
    Progress { ticket: SyncTicket, seen: u64, result: Result<SyncProgress, RosterError> },
    Done(Mutation, Result<Outcome, RosterError>),
}

/// A change of the roster that a user makes.
#[derive(Clone, Debug, PartialEq)]
pub enum Mutation {
    Add(NewInfluencer),
    Edit {
        influencer: InfluencerId,
        name: String,
        edit: InfluencerEdit,
    },
    Remove {
        influencer: InfluencerId,
        name: String,
    },
    Erase {
        influencer: InfluencerId,
        name: String,
    },
    Merge {
        influencer: InfluencerId,
        name: String,
        into: InfluencerId,
        into_name: String,
    },
    Connect {
        influencer: InfluencerId,
        name: String,
        account: Account,
    },
    Disconnect {
        connection: ConnectionId,
        name: String,
        delete_history: bool,
    },
    Pause {
        target: PauseTarget,
        name: String,
        paused: bool,
    },
    Interval {
        connection: ConnectionId,
        name: String,
        interval: Option<Seconds>,
        /// The one that the user saw; `None`: whatever it is.
        based_on: Option<Option<Seconds>>,
    },
    /// `another`: also another account than the one so far.
    Handle {
        connection: ConnectionId,
        name: String,
        handle: String,
        another: bool,
    },
    Record {
        connection: ConnectionId,
        name: String,
        record: Box<Record>,
    },
    Sync {
        target: SyncTarget,
        name: String,
    },
    /// The user's last change is taken back.
    Undo,
    /// With a note, or without one.
    Acknowledge(Vec<AlertId>, Option<String>),
    /// `None`: no user takes care of it any more.
    Assign {
        alert: AlertId,
        user: Option<String>,
    },
    Silence(Box<NewSilence>),
    /// The user has read these alerts; `None`: all.
    Read(Option<Vec<AlertId>>),
    AddRule {
        name: String,
        draft: Box<RuleDraft>,
    },
    EditRule {
        name: String,
        draft: Box<RuleDraft>,
    },
    SwitchRule {
        name: String,
        on: bool,
    },
    RemoveRule {
        name: String,
    },
}

/// The result of a mutation, as far as it matters here.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Done,
    Influencer(InfluencerId),
    /// What was taken back, if there was something.
    Undone(Option<Undone>),
    /// How many connections it touched.
    Touched(usize),
    /// The rest is done later.
    Incomplete,
    Ticket(SyncTicket),
    /// The handle that a connection has now.
    Handle(String),
    /// What a silence is about.
    Silenced(String),
    /// The day that was recorded, and whether later syncs leave it.
    Recorded {
        date: Date,
        kept: bool,
    },
}

impl Mutation {
    /// What was done, in a few words.
    pub fn done(&self, outcome: &Outcome) -> String {
        match self {
            Mutation::Add(new) => format!("added {}", new.name),
            Mutation::Edit { name, .. } => format!("saved {name}"),
            Mutation::Remove { name, .. } => format!("removed {name}"),
            Mutation::Erase { name, .. } => match outcome {
                Outcome::Incomplete => {
                    format!("{name} is erased; what was deleted is still being cleared from the file")
                }
                _ => format!("{name} is erased"),
            },
            Mutation::Merge { name, into_name, .. } => format!("merged {name} into {into_name}"),
            Mutation::Connect { name, account, .. } => {
                format!("connected {} to {name}; the first sync is due now", account.handle)
            }
            Mutation::Disconnect { name, delete_history: false, .. } => {
                format!("disconnected {name}; its history stays")
            }
            Mutation::Disconnect { name, .. } => format!("disconnected {name}; its history is deleted"),
            // An influencer or an account that is paused by itself is not among them.
            Mutation::Pause { target: PauseTarget::All, paused: false, .. } => {
                "resumed all but what is paused by itself".to_owned()
            }
            Mutation::Pause { name, paused, .. } => match (outcome, paused) {
                (Outcome::Touched(0), _) => format!("{name}: nothing to change"),
                (_, true) => format!("paused {name}"),
                (_, false) => format!("resumed {name}"),
            },
            Mutation::Interval { name, interval: None, .. } => format!("{name} follows the common interval"),
            Mutation::Interval { name, .. } => format!("{name} has an interval of its own now"),
            Mutation::Handle { name, .. } => match outcome {
                Outcome::Handle(handle) => format!("{name} is {handle} now; it is synced at once"),
                _ => format!("{name} has another handle now"),
            },
            Mutation::Record { name, .. } => match outcome {
                Outcome::Recorded { date, kept: true } => format!("recorded {date} for {name}"),
                Outcome::Recorded { date, .. } => format!("recorded {date} for {name}, until its next sync that day"),
                _ => format!("recorded for {name}"),
            },
            Mutation::Sync { name, .. } => match outcome {
                Outcome::Ticket(SyncTicket { expected: 0, .. }) => format!("{name}: nothing to sync"),
                Outcome::Ticket(ticket) if ticket.queued() == 0 && ticket.earlier > 0 => {
                    format!("{name} was synced just now; nothing is requested again")
                }
                _ => format!("syncing {name}"),
            },
            Mutation::Undo => match outcome {
                Outcome::Undone(Some(undone)) => undone.to_string(),
                Outcome::Undone(None) => NOTHING.to_owned(),
                _ => "taken back".to_owned(),
            },
            Mutation::Acknowledge(alerts, _) if alerts.len() == 1 => "acknowledged".to_owned(),
            Mutation::Acknowledge(alerts, _) => format!("{} alerts acknowledged", alerts.len()),
            Mutation::Assign { user: Some(user), .. } => format!("assigned to {user}"),
            Mutation::Assign { user: None, .. } => "assigned to no user".to_owned(),
            // One that is read is shown already.
            Mutation::Read(Some(_)) => String::new(),
            Mutation::Read(None) => "all alerts are read".to_owned(),
            Mutation::AddRule { name, .. } => format!("made the rule {name}"),
            Mutation::EditRule { name, .. } => format!("changed the rule {name}"),
            Mutation::SwitchRule { name, on: true } => format!("{name} is on"),
            Mutation::SwitchRule { name, .. } => format!("{name} is off"),
            Mutation::RemoveRule { name } => format!("removed what was made of the rule {name}"),
            Mutation::Silence(_) => match outcome {
                Outcome::Silenced(what) => format!("silenced: {what}"),
                _ => "silenced".to_owned(),
            },
        }
    }
}
