//! The service: every verb a client can call.
//!
//! `INFLUENCER` is an id, a unique prefix of one, an exact name, or `platform:handle`;
//! `CONNECTION` an id, a unique prefix, or `platform:handle`. Both are texts here, so that names are
//! resolved by the daemon alone. Methods that change something run to their end even when the caller disconnects.
//!
//! Request types derive no `Debug`: later verbs carry secrets.

use crate::access::Access;
use crate::alert::{Alert, AlertState, Change};
use crate::audit::{AuditCheck, AuditEntry, PauseTarget};
use crate::backup::{BackupBegun, BackupPiece, BackupSeal};
use crate::connection::{Account, AccountPreview, Connection, Record, Recorded, Snapshot, Week};
use crate::consent::{ConnectionPage, ConsentBegun, ConsentMethod, ConsentState, Grant, PlatformCheck, RevokedAll};
use crate::delivery::{Channel, ChannelTest, Delivery, DeliveryState};
use crate::doctor::Examination;
use crate::erasure::{ErasedPage, Erasure};
use crate::error::RosterError;
use crate::event::{Cursor, EventBatch};
use crate::held::HeldPage;
use crate::ids::{AlertId, ConnectionId, ConsentId};
use crate::influencer::{Influencer, InfluencerEdit, InfluencerPage, InfluencerQuery, InfluencerRow, NewInfluencer};
use crate::keys::{Keys, Retired};
use crate::mover::{Mover, MoversQuery};
use crate::reported::Reported;
use crate::request::{ProviderRequest, RequestOutcome};
use crate::retention::{HistoryLimit, Retention};
use crate::rule::{Backtest, ListedRule, RuleParts};
use crate::silence::{ListedSilence, NewSilence};
use crate::status::{Budget, DayFigures, PlatformStatus, Status};
use crate::stored::StoreCheck;
use crate::sync::{DuePage, Outcome, Run, SyncProgress, SyncTarget, SyncTicket};
use crate::time::{Date, Day, Seconds, Since};
use crate::undo::Undone;

/// The most rows one response holds.
pub const PAGE_ROWS: u64 = 256;

/// The most days whose figures one response holds: two years.
pub const MOST_DAYS: u64 = 731;

/// The longest time the daemon holds a waiting call before it returns an empty response.
pub const LONGEST_WAIT: std::time::Duration = std::time::Duration::from_secs(25);

/// A page of a list that grows with time, newest first.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Page<Row> {
    pub rows: Vec<Row>,
    /// Where the next page begins; `None` when this was the last.
    pub next: Option<PageMark>,
}

/// A position in a paged list; opaque to clients.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PageMark(pub Vec<u8>);

/// Which runs.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct RunsQuery {
    /// Started at this time or later.
    pub since: Option<Since>,
    pub connection: Option<String>,
    /// That ended so only.
    pub outcome: Option<Outcome>,
    pub mark: Option<PageMark>,
    /// At most [`PAGE_ROWS`] are given.
    pub limit: u64,
}

/// Which requests to providers.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct RequestsQuery {
    /// Ended at this time or later.
    pub since: Option<Since>,
    /// To this platform only.
    pub platform: Option<String>,
    /// About this connection, or one of this influencer, only; those about several at once are about none of them.
    pub connection: Option<String>,
    /// That ended so only.
    pub outcome: Option<RequestOutcome>,
    pub mark: Option<PageMark>,
    /// At most [`PAGE_ROWS`] are given.
    pub limit: u64,
}

/// Which connections are due next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct DueQuery {
    /// Due within this time; `None`: whenever they are due.
    pub within: Option<Seconds>,
    pub offset: u64,
    /// At most [`PAGE_ROWS`] are given.
    pub limit: u64,
}

/// Which changes.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ChangesQuery {
    /// Noticed at this time or later.
    pub since: Option<Since>,
    /// Of this influencer or connection only.
    pub of: Option<String>,
    pub mark: Option<PageMark>,
    /// At most [`PAGE_ROWS`] are given.
    pub limit: u64,
}

/// Which alerts.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct AlertsQuery {
    /// In this state; `None`: open and acknowledged ones.
    pub state: Option<AlertState>,
    /// Of this influencer only.
    pub influencer: Option<String>,
    /// Those that this alert about many accounts includes only, whatever their state unless one is given.
    pub group: Option<AlertId>,
    /// Assigned to the caller only.
    pub mine: bool,
    /// Not read by the caller only.
    pub unread: bool,
    pub mark: Option<PageMark>,
    /// At most [`PAGE_ROWS`] are given.
    pub limit: u64,
}

/// Which deliveries.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct DeliveriesQuery {
    /// Of this alert only: an id, or a unique prefix.
    pub alert: Option<String>,
    pub state: Option<DeliveryState>,
    pub mark: Option<PageMark>,
    /// At most [`PAGE_ROWS`] are given.
    pub limit: u64,
}

/// Which audit entries.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct AuditQuery {
    pub since: Option<Since>,
    pub mark: Option<PageMark>,
    /// At most [`PAGE_ROWS`] are given.
    pub limit: u64,
}

/// Which connections to list; those that need a person are first.
///
/// The order: consent gone, failing, something to do soon (a scope is missing, or the consent ends within 14 days unless
/// a person acts), never synced, stale, fresh, paused; inside each by the influencer's name, then platform, then id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ConnectionsQuery {
    pub offset: u64,
    /// At most [`PAGE_ROWS`] are given.
    pub limit: u64,
}

/// A part of a connection's history.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct History {
    pub connection: ConnectionId,
    /// What is left of days that are long past, oldest first. At most 1 000.
    pub weeks: Vec<Week>,
    /// Oldest first; days that were not measured are absent. At most 1 000.
    pub snapshots: Vec<Snapshot>,
    /// What the platform reported to the owner, of days before `next`.
    pub reported: Reported,
    /// Where it ends because no more is kept; `None` where it does not.
    pub limit: Option<HistoryLimit>,
    /// The day to continue from; `None` when this was the last part. All weeks and days here are before it.
    pub next: Option<Date>,
}

/// An alert that waits to be shown on this user's desktop.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Notice {
    /// Its position in the order of opening; `notices_shown` acknowledges all notices up to one.
    pub number: u64,
    pub alert: Alert,
}

/// What clients can call.
#[tarpc::service(derive = [serde::Serialize, serde::Deserialize])]
pub trait Roster {
    /// Returns at once: shows that the daemon runs.
    async fn ping();
    /// The daemon at a glance.
    async fn status() -> Result<Status, RosterError>;
    /// The figures of the last days, oldest first; of so many days at most, and at most [`MOST_DAYS`]. Today is the last one.
    async fn figures(days: u64) -> Result<Vec<DayFigures>, RosterError>;
    /// Returns how much the daemon logs, after setting it when `level` is given: a level, or a filter by module.
    async fn log_level(level: Option<String>) -> Result<String, RosterError>;
    /// How long what was measured is kept; `counts`: also what would be deleted now, which reads all that is stored.
    async fn retention(counts: bool) -> Result<Retention, RosterError>;
    /// Chooses that what is not kept is deleted, now and from now on.
    async fn choose_retention() -> Result<Retention, RosterError>;
    /// Every platform this daemon knows.
    async fn platforms() -> Result<Vec<PlatformStatus>, RosterError>;

    /// What is spent of each platform's limits: by lane and unit, the app's before those of accounts; 10 000 at most.
    async fn budgets() -> Result<Vec<Budget>, RosterError>;

    /// Checks whether a platform is set up right, by real calls where they can show it.
    async fn test_platform(platform: String) -> Result<Vec<PlatformCheck>, RosterError>;

    /// Reads the whole store, row by row, while it is in use, and verifies the checksum of each.
    async fn check_store() -> Result<StoreCheck, RosterError>;
    /// Looks at all that a newcomer gets wrong, by real requests where they show it; takes half a minute at most.
    async fn examine() -> Result<Examination, RosterError>;

    /// A page of the roster.
    async fn influencers(query: InfluencerQuery) -> Result<InfluencerPage, RosterError>;
    /// One influencer, connections included.
    async fn influencer(influencer: String) -> Result<Influencer, RosterError>;
    /// Who has this name, in whatever case, and no other; [`PAGE_ROWS`] at most.
    async fn namesakes(name: String) -> Result<Vec<InfluencerRow>, RosterError>;
    /// The accounts whose followers moved most, the largest move first; only those measured in the last three days.
    async fn movers(query: MoversQuery) -> Result<Vec<Mover>, RosterError>;
    /// Who an account is, before it is saved.
    async fn look_up(account: Account) -> Result<AccountPreview, RosterError>;
    /// Adds an influencer, with accounts that are connected at once. An account that an influencer has already is a conflict.
    async fn add(new: NewInfluencer) -> Result<Influencer, RosterError>;
    /// Changes an influencer; a whole value that is no longer what the caller saw is a conflict, and nothing changes.
    async fn edit(influencer: String, edit: InfluencerEdit) -> Result<Influencer, RosterError>;
    /// Removes an influencer with all connections and history; returns what was removed.
    async fn remove(influencer: String) -> Result<Influencer, RosterError>;
    /// What erasing an influencer would delete, and what it would not reach. Nothing is changed.
    async fn erase_preview(influencer: String) -> Result<Erasure, RosterError>;
    /// Erases an influencer: deletes every row about them, destroys the key to what the audit log says of them, revokes their
    /// consents, and leaves a tombstone, so that no backup brings them back.
    async fn erase(influencer: String) -> Result<Erasure, RosterError>;
    /// The list of erased ones from a line on, for the file beside a backup.
    async fn erased(from: u64) -> Result<ErasedPage, RosterError>;
    /// Takes the caller's newest change of the last day back; `None`: there is none. One that was changed again meanwhile is a
    /// conflict, and is passed over from then on.
    async fn undo() -> Result<Option<Undone>, RosterError>;
    /// Moves connections, tags and alerts of the first to the second, then removes the first.
    async fn merge(influencer: String, into: String) -> Result<Influencer, RosterError>;

    /// Connects a public account to an influencer; the first sync is due at once.
    async fn connect(influencer: String, account: Account) -> Result<Connection, RosterError>;
    /// Begins a consent of an account's owner. `handle` chooses among several accounts beforehand.
    async fn consent_begin(
        influencer: String,
        platform: String,
        method: ConsentMethod,
        handle: Option<String>,
    ) -> Result<ConsentBegun, RosterError>;
    /// Waits until a consent of this user is settled, or the wait ends.
    async fn consent_state(consent: ConsentId) -> Result<ConsentState, RosterError>;
    /// Finishes a consent of this user with the address the browser was sent to.
    async fn consent_paste(address: String) -> Result<ConsentId, RosterError>;
    /// The consent of this user for an influencer and platform that waits for a choice; `None` when there is none.
    async fn consent_open(influencer: String, platform: String) -> Result<Option<ConsentId>, RosterError>;
    /// Connects the accounts with these handles or ids, of those that a consent opened.
    async fn consent_choose(consent: ConsentId, accounts: Vec<String>) -> Result<ConsentState, RosterError>;
    /// Gives a consent up; what was granted already is revoked.
    async fn consent_cancel(consent: ConsentId) -> Result<(), RosterError>;
    /// Every consent that was given.
    async fn grants() -> Result<Vec<Grant>, RosterError>;

    /// Ends all consents; their tokens are revoked at the providers, which is repeated until it is done.
    async fn revoke_all() -> Result<RevokedAll, RosterError>;

    /// Ends a connection; its history stays unless `delete_history`.
    async fn disconnect(connection: String, delete_history: bool) -> Result<Connection, RosterError>;
    /// Pauses (`true`) or resumes; returns the connections it changed, the first [`PAGE_ROWS`] of them.
    async fn pause(target: PauseTarget, paused: bool) -> Result<Vec<Connection>, RosterError>;
    /// Gives a connection an interval of its own; `None` follows the configured one. `based_on`: the one that the caller saw
    /// before; when it is another one by now, that is a conflict, and nothing changes.
    async fn set_interval(
        connection: String,
        interval: Option<Seconds>,
        based_on: Option<Option<Seconds>>,
    ) -> Result<Connection, RosterError>;
    /// Gives a connection another handle, with its history. Another account than the one so far is refused with a hint
    /// unless `another`.
    async fn set_handle(connection: String, handle: String, another: bool) -> Result<Connection, RosterError>;
    /// One connection.
    async fn connection(connection: String) -> Result<Connection, RosterError>;
    /// A page of all connections with the consent that feeds each, in the order of [`ConnectionsQuery`].
    async fn connections(query: ConnectionsQuery) -> Result<ConnectionPage, RosterError>;

    /// Marks connections due and returns at once.
    async fn sync(target: SyncTarget) -> Result<SyncTicket, RosterError>;
    /// Waits until a ticket has more than `seen` runs, or all, or the wait ends.
    async fn sync_progress(ticket: SyncTicket, seen: u64) -> Result<SyncProgress, RosterError>;
    /// A page of what was requested of providers, newest first. Seven days of it are kept.
    async fn requests(query: RequestsQuery) -> Result<Page<ProviderRequest>, RosterError>;
    async fn runs(query: RunsQuery) -> Result<Page<Run>, RosterError>;
    /// A page of what is synced next, the earliest first. What is paused, disconnected or running now is not in it.
    async fn due(query: DueQuery) -> Result<DuePage, RosterError>;

    /// Snapshots from `since` to `until`, both included, and the weeks that begin on these days.
    async fn history(connection: String, since: Option<Day>, until: Option<Day>) -> Result<History, RosterError>;
    /// Stores numbers that a person knows. A number that was measured on that day is a conflict unless `replace`.
    async fn record(connection: String, record: Record) -> Result<Recorded, RosterError>;

    async fn changes(query: ChangesQuery) -> Result<Page<Change>, RosterError>;
    async fn alerts(query: AlertsQuery) -> Result<Page<Alert>, RosterError>;
    /// Acknowledges alerts, [`PAGE_ROWS`] at most, and notes something on them; one that is resolved already stays so, and
    /// one that is acknowledged already only gets the note.
    async fn acknowledge(alerts: Vec<AlertId>, note: Option<String>) -> Result<Vec<Alert>, RosterError>;
    /// Says which user takes care of the alert with this id or unique prefix; `None`: no user does. One that is resolved
    /// is a conflict.
    async fn assign_alert(alert: String, user: Option<String>) -> Result<Alert, RosterError>;
    /// Says that the caller has read these alerts; `None`: all there are. One about many accounts includes those.
    async fn read_alerts(alerts: Option<Vec<AlertId>>) -> Result<(), RosterError>;
    /// The alert with this id or unique prefix.
    async fn alert(alert: String) -> Result<Alert, RosterError>;

    /// All alert rules in use, by name.
    async fn rules() -> Result<Vec<ListedRule>, RosterError>;
    /// Makes a rule.
    async fn add_rule(name: String, parts: RuleParts) -> Result<ListedRule, RosterError>;
    /// Changes a rule where `parts` names it; one of the config is a conflict.
    async fn edit_rule(name: String, parts: RuleParts) -> Result<ListedRule, RosterError>;
    /// Removes what users made of a rule; a built-in one is as it was again.
    async fn remove_rule(name: String) -> Result<(), RosterError>;
    /// What a rule, changed where `parts` names it, would have said of the stored history; `since`: of all of it.
    async fn test_rule(name: String, parts: RuleParts, since: Option<Since>) -> Result<Backtest, RosterError>;
    /// Silences that last, the first to end first; [`MOST_SILENCES`](crate::silence::MOST_SILENCES) at most.
    async fn silences() -> Result<Vec<ListedSilence>, RosterError>;
    /// Keeps alerts that match from being delivered for some time.
    async fn add_silence(silence: NewSilence) -> Result<ListedSilence, RosterError>;
    /// Ends the silence with this id or unique prefix before its time, and returns what it was.
    async fn end_silence(silence: String) -> Result<ListedSilence, RosterError>;
    /// Every channel on which alerts leave, by name.
    async fn channels() -> Result<Vec<Channel>, RosterError>;
    /// Sends a real test message on a channel and returns what became of it.
    async fn test_channel(channel: String) -> Result<ChannelTest, RosterError>;
    /// A page of deliveries, those of the newest alerts first.
    async fn deliveries(query: DeliveriesQuery) -> Result<Page<Delivery>, RosterError>;
    /// Has the delivery with this id or unique prefix sent again now, whatever became of it, under the same id.
    async fn retry_delivery(delivery: String) -> Result<Delivery, RosterError>;

    /// Copies the store as it is now, and begins a backup of the copy on this connection. One backup is under way at a time.
    /// `with_keys`: with the master keys inside; such a one must be encrypted.
    async fn backup(seal: BackupSeal, with_keys: bool) -> Result<BackupBegun, RosterError>;
    /// Waits for the next piece of the backup that was begun on this connection.
    async fn backup_piece() -> Result<BackupPiece, RosterError>;
    /// Says that all of that backup is kept where it belongs.
    async fn backup_kept() -> Result<(), RosterError>;

    /// Every master key that is at hand or needed, and what is sealed with each.
    async fn keys() -> Result<Keys, RosterError>;
    /// Makes a master key that seals from now on; all that is sealed is then sealed anew. A source of keys that the daemon does
    /// not write is a conflict, whose hint says what to do there.
    async fn rotate_key() -> Result<Keys, RosterError>;
    /// Retires the key with this id or unique prefix. One that something needs is a conflict; `sure`: although backups need it.
    async fn retire_key(key: String, sure: bool) -> Result<Retired, RosterError>;

    /// A page of everything that is held about an influencer, part by part; no token and no secret is in it.
    async fn held(influencer: String, mark: Option<Vec<u8>>) -> Result<HeldPage, RosterError>;

    /// Who may do what, the caller first.
    async fn access() -> Result<Access, RosterError>;
    async fn audit(query: AuditQuery) -> Result<Page<AuditEntry>, RosterError>;
    /// Follows the whole chain of the audit log.
    async fn verify_audit() -> Result<AuditCheck, RosterError>;

    /// Waits for events after `after`; for [`Cursor::default`] it returns the newest position at once.
    async fn events_since(after: Cursor) -> Result<EventBatch, RosterError>;

    /// Waits for alerts this user's desktop has not shown yet. While a call waits, the daemon shows no popups.
    async fn notices() -> Result<Vec<Notice>, RosterError>;
    /// Says that all notices up to `number` were shown.
    async fn notices_shown(number: u64) -> Result<(), RosterError>;
}
