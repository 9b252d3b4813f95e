//! JSON of what happened: `sync`, `runs`, `changes`, `alerts`, `audit`.

use roster_protocol as protocol;
pub use roster_protocol::json::Alert;
use roster_protocol::json::metric_value;
use roster_protocol::status::Coverage;
use serde::Serialize;
use serde_json::Number;

use super::{FailedBody, Influencer, time};

/// What `sync --no-wait` gives.
#[derive(Debug, Serialize)]
pub struct Queued {
    pub queued: u64,
    /// Not run, and why is in the answer of a `sync` that waits.
    pub skipped: u64,
    /// Ran a moment ago.
    pub earlier: u64,
}

/// What `sync` gives, also when runs failed.
#[derive(Debug, Serialize)]
pub struct Synced {
    expected: u64,
    ok: u64,
    partial: u64,
    failed: u64,
    skipped: u64,
    runs: Vec<SyncedRun>,
}

#[derive(Debug, Serialize)]
struct SyncedRun {
    connection: String,
    platform: String,
    outcome: &'static str,
    followers: Option<u64>,
    error: Option<String>,
    retry_at: Option<String>,
    duration_ms: u64,
    /// Whether it is the run before, of a moment ago.
    earlier: bool,
}

impl Synced {
    /// The result of a ticket after these runs.
    pub fn new(ticket: protocol::SyncTicket, runs: &[protocol::Run]) -> Self {
        let earlier = ticket.skipped..ticket.skipped + ticket.earlier;
        let each = (0..).zip(runs).map(|(at, run)| SyncedRun { earlier: earlier.contains(&at), ..run.into() });
        let Coverage { ok, partial, failed, skipped, .. } = Coverage::of(runs);
        Self { expected: ticket.expected, ok, partial, failed, skipped, runs: each.collect() }
    }
}

impl From<&protocol::Run> for SyncedRun {
    fn from(run: &protocol::Run) -> Self {
        Self {
            connection: run.connection.to_string(),
            platform: run.platform.clone(),
            outcome: run.outcome.as_str(),
            followers: run.followers,
            error: run.error.clone(),
            retry_at: time(run.retry_at),
            duration_ms: run.duration_ms,
            earlier: false,
        }
    }
}

/// What `runs` gives, with how the listed slots ended.
#[derive(Debug, Serialize)]
pub struct RunList {
    expected: u64,
    ok: u64,
    partial: u64,
    failed: u64,
    skipped: u64,
    runs: Vec<Run>,
}

impl RunList {
    /// These runs.
    pub fn new(runs: &[protocol::Run]) -> Self {
        let Coverage { expected, ok, partial, failed, skipped } = Coverage::of(runs);
        Self { expected, ok, partial, failed, skipped, runs: runs.iter().map(Run::from).collect() }
    }
}

/// One due slot and its end, or slots that were missed.
#[derive(Debug, Serialize)]
pub struct Run {
    connection: String,
    influencer: String,
    influencer_name: String,
    platform: String,
    due_at: String,
    slot_at: String,
    missed: u64,
    started_at: String,
    late_s: i64,
    duration_ms: u64,
    outcome: &'static str,
    followers: Option<u64>,
    error: Option<String>,
    retry_at: Option<String>,
    cause: &'static str,
}

impl From<&protocol::Run> for Run {
    fn from(run: &protocol::Run) -> Self {
        Self {
            connection: run.connection.to_string(),
            influencer: run.influencer.to_string(),
            influencer_name: run.influencer_name.clone(),
            platform: run.platform.clone(),
            due_at: run.due_at.to_string(),
            slot_at: run.slot_at.to_string(),
            missed: run.missed,
            started_at: run.started_at.to_string(),
            late_s: run.late_ms() / 1000,
            duration_ms: run.duration_ms,
            outcome: run.outcome.as_str(),
            followers: run.followers,
            error: run.error.clone(),
            retry_at: time(run.retry_at),
            cause: run.cause.as_str(),
        }
    }
}

/// What `requests` gives.
#[derive(Debug, Serialize)]
pub struct RequestList {
    requests: Vec<ProviderRequest>,
}

impl RequestList {
    /// These requests.
    pub fn new(requests: &[protocol::ProviderRequest]) -> Self {
        Self { requests: requests.iter().map(ProviderRequest::from).collect() }
    }
}

/// One request to a platform.
#[derive(Debug, Serialize)]
pub struct ProviderRequest {
    at: String,
    platform: String,
    connection: Option<String>,
    accounts: u32,
    endpoint: String,
    outcome: &'static str,
    status: Option<u16>,
    error: Option<&'static str>,
    duration_ms: u32,
    bytes: u64,
}

impl From<&protocol::ProviderRequest> for ProviderRequest {
    fn from(request: &protocol::ProviderRequest) -> Self {
        Self {
            at: request.at.to_string(),
            platform: request.platform.clone(),
            connection: request.connection.map(|id| id.to_string()),
            accounts: request.accounts,
            endpoint: request.endpoint.clone(),
            outcome: request.outcome().as_str(),
            status: request.status,
            error: request.error.map(protocol::RequestError::as_str),
            duration_ms: request.duration_ms,
            bytes: request.bytes,
        }
    }
}

/// What `due` gives.
#[derive(Debug, Serialize)]
pub struct DueList {
    pub due: Vec<Due>,
    /// How many wait, also those that were not requested.
    pub total: u64,
    /// How many of them are due already, and wait longer.
    pub late: u64,
}

/// A connection that waits for its next sync.
#[derive(Debug, Serialize)]
pub struct Due {
    connection: String,
    influencer: String,
    influencer_name: String,
    platform: String,
    handle: String,
    due_at: String,
    /// When it was due before anything held it back.
    was_due_at: String,
    blocked_by: Option<String>,
}

impl From<&protocol::DueRow> for Due {
    fn from(row: &protocol::DueRow) -> Self {
        Self {
            connection: row.connection.to_string(),
            influencer: row.influencer.to_string(),
            influencer_name: row.influencer_name.clone(),
            platform: row.platform.clone(),
            handle: row.handle.clone(),
            due_at: row.due_at.to_string(),
            was_due_at: row.was_due_at.to_string(),
            blocked_by: row.blocked_by.clone(),
        }
    }
}

/// What `budgets` gives.
#[derive(Debug, Serialize)]
pub struct BudgetList {
    pub budgets: Vec<Budget>,
}

/// One of a platform's limits.
#[derive(Debug, Serialize)]
pub struct Budget {
    platform: String,
    lane: String,
    unit: String,
    account: Option<String>,
    used: u64,
    limit: Option<u64>,
    window_ends_at: Option<String>,
    reserve: u64,
    interval_s: Option<u64>,
    stretched_interval_s: Option<u64>,
}

impl From<&protocol::Budget> for Budget {
    fn from(budget: &protocol::Budget) -> Self {
        Self {
            platform: budget.platform.clone(),
            lane: budget.lane.clone(),
            unit: budget.unit.clone(),
            account: budget.account.clone(),
            used: budget.used,
            limit: budget.limit,
            window_ends_at: budget.window_ends_at.map(|at| at.to_string()),
            reserve: budget.reserve,
            interval_s: budget.stretched.map(|stretched| stretched.from.0),
            stretched_interval_s: budget.stretched.map(|stretched| stretched.to.0),
        }
    }
}

/// What `changes` gives.
#[derive(Debug, Serialize)]
pub struct ChangeList {
    pub changes: Vec<Change>,
}

/// One difference that was noticed.
#[derive(Debug, Serialize)]
pub struct Change {
    at: String,
    influencer: String,
    connection: String,
    platform: String,
    metric: &'static str,
    from: Option<Number>,
    to: Option<Number>,
    cause: &'static str,
}

impl From<&protocol::Change> for Change {
    fn from(change: &protocol::Change) -> Self {
        Self {
            at: change.at.to_string(),
            influencer: change.influencer.to_string(),
            connection: change.connection.to_string(),
            platform: change.platform.clone(),
            metric: change.metric.as_str(),
            from: change.from.map(|value| metric_value(Some(change.metric), value)),
            to: change.to.map(|value| metric_value(Some(change.metric), value)),
            cause: change.cause.as_str(),
        }
    }
}

/// What `alerts` and `alerts ack` give.
#[derive(Debug, Serialize)]
pub struct AlertList {
    pub alerts: Vec<Alert>,
}

/// What `audit` gives.
#[derive(Debug, Serialize)]
pub struct AuditList {
    pub entries: Vec<AuditEntry>,
}

/// One line of the audit log.
#[derive(Debug, Serialize)]
pub struct AuditEntry {
    number: u64,
    at: String,
    /// `null`: the daemon itself.
    who: Option<Who>,
    action: String,
    on: String,
    old: Option<String>,
    new: Option<String>,
    cause: String,
}

#[derive(Debug, Serialize)]
struct Who {
    uid: u32,
    name: String,
}

impl From<&protocol::AuditEntry> for AuditEntry {
    fn from(entry: &protocol::AuditEntry) -> Self {
        Self {
            number: entry.number,
            at: entry.at.to_string(),
            who: entry.who.as_ref().map(|who| Who { uid: who.uid, name: who.name.clone() }),
            action: entry.action.clone(),
            on: entry.on.clone(),
            old: entry.old.clone(),
            new: entry.new.clone(),
            cause: entry.cause.clone(),
        }
    }
}

/// What a check of the whole audit log found.
#[derive(Debug, Serialize)]
pub struct AuditCheck {
    whole: bool,
    entries: u64,
    last: u64,
    hash: String,
    faults: Vec<String>,
}

impl From<&protocol::AuditCheck> for AuditCheck {
    fn from(check: &protocol::AuditCheck) -> Self {
        Self {
            whole: check.faults.is_empty(),
            entries: check.entries,
            last: check.last,
            hash: check.hash.clone(),
            faults: check.faults.clone(),
        }
    }
}

/// What `add -` gives: those who were added, and the lines that were not.
#[derive(Debug, Serialize)]
pub struct AddedList {
    pub influencers: Vec<Influencer>,
    pub failed: Vec<FailedLine>,
}

/// A line of `add -` that added no influencer.
#[derive(Debug, Serialize)]
pub struct FailedLine {
    /// Counted from 1.
    pub line: u64,
    pub name: String,
    pub error: FailedBody,
}
