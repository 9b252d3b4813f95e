//! What a commit writes of measurements and runs.

use roster_protocol::connection::Snapshot;
use roster_protocol::ids::ConnectionId;
use roster_protocol::reported::ReportedDay;
use roster_protocol::status::DayFigures;
use roster_protocol::time::Date;

use crate::model::{AudienceOn, BudgetKey, BudgetUse, Change, Connection, Hold, RequestBlock, Run};

/// What runs measured, and what keeps lanes from being requested.
#[derive(Clone, Debug, Default)]
pub struct SyncCommit {
    /// Each replaces what is stored for the same connection and date.
    pub snapshots: Vec<(ConnectionId, Snapshot)>,
    /// Connections that stay, but whose snapshots are deleted, and what was reported of them.
    pub forgotten_histories: Vec<Connection>,
    /// Connections whose measured numbers of the days before are not known any more. What is stored of them is deleted on
    /// its own.
    pub expired: Vec<(ConnectionId, Date)>,
    /// What platforms reported of days that are over; what a later report leaves out stays.
    pub reported: Vec<(ConnectionId, Vec<ReportedDay>)>,
    /// Each replaces what is stored of the same connection and month.
    pub audiences: Vec<AudienceOn>,
    pub runs: Vec<Run>,
    pub changes: Vec<Change>,
    /// Each replaces what is stored of its day.
    pub figures: Vec<DayFigures>,
    /// What was requested of providers meanwhile, whether or not it is of this commit.
    pub requests: Vec<RequestBlock>,
    /// New holds, or longer ones.
    pub holds: Vec<Hold>,
    /// Lanes that may be requested again.
    pub released_holds: Vec<String>,
    /// What was spent of platforms' limits.
    pub budgets: Vec<BudgetUse>,
    /// Limits of which nothing is spent any more.
    pub removed_budgets: Vec<BudgetKey>,
}
