//! The gate as those who send requests pass it: shared, locked for one look at a time, and with the time.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use roster_protocol::time::Timestamp;
use tokio::sync::Notify;

use super::HttpErrorKind;
use crate::model::{BudgetKey, ReportedLimit};
use crate::schedule::gate::{Gate, Priority, Spent};

/// The gate that all requests of a daemon pass.
#[derive(Clone, Debug, Default)]
pub struct SharedGate(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    gate: Mutex<Gate>,
    unstored: Notify,
    freed: Notify,
}

impl SharedGate {
    /// Looks at the gate, or changes it. Must be short: all requests wait.
    pub fn with<T>(&self, work: impl FnOnce(&mut Gate) -> T) -> T {
        let mut gate = self.0.gate.lock();
        let done = work(&mut gate);
        if gate.has_unstored() {
            self.0.unstored.notify_one();
        }
        if gate.take_freed() {
            self.0.freed.notify_one();
        }
        done
    }

    /// Reserves what a batch of so many accounts will spend, for as long as what is returned lives.
    pub fn reserve(&self, lane: &str, accounts: usize) -> Reservation {
        self.with(|gate| gate.reserve(lane, accounts));
        Reservation { gate: self.clone(), lane: lane.to_owned(), accounts }
    }

    /// Waits until a limit near its end has more room than it had.
    pub async fn has_freed(&self) {
        self.0.freed.notified().await;
    }

    /// Waits until something was counted that the store does not know.
    pub async fn has_unstored(&self) {
        self.0.unstored.notified().await;
    }
}

/// What a running batch will spend, kept for it.
#[derive(Debug)]
pub struct Reservation {
    gate: SharedGate,
    lane: String,
    accounts: usize,
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.gate.with(|gate| gate.release(&self.lane, self.accounts));
    }
}

/// Reads the time.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What one batch, look-up or consent passes the gate as.
pub struct Admission {
    gate: SharedGate,
    now: Now,
    lane: String,
    priority: Priority,
    /// What was spent so far, by unit.
    spent: Mutex<BTreeMap<&'static str, u64>>,
}

impl Admission {
    /// Requests of this lane, for those who have this priority.
    pub fn new(gate: SharedGate, now: Now, lane: &str, priority: Priority) -> Self {
        Self { gate, now, lane: lane.to_owned(), priority, spent: Mutex::default() }
    }

    /// The time.
    pub(super) fn now(&self) -> Timestamp {
        (self.now)()
    }

    /// Counts a request to this path, which is over when what is returned is dropped.
    ///
    /// # Errors
    /// [`HttpErrorKind::Limit`] when a limit would be exceeded: then it is not to be sent.
    pub(super) fn may_request(&self, path: &str) -> Result<Option<Flight<'_>>, HttpErrorKind> {
        let now = (self.now)();
        let counted = self.gate.with(|gate| gate.may_request(&self.lane, path, self.priority, now));
        let Some((unit, cost)) = counted.map_err(|spent| refused(&spent, now))? else { return Ok(None) };
        *self.spent.lock().entry(unit).or_default() += cost;
        Ok(Some(Flight { admission: self, unit, cost }))
    }

    /// Takes over what a response reports of a limit of the lane, or of one of its accounts.
    pub(super) fn report(&self, unit: &str, account: Option<&str>, used: u64, limit: ReportedLimit) {
        let account = account.map(str::to_owned);
        let key = BudgetKey { lane: self.lane.clone(), unit: unit.to_owned(), account };
        self.gate.with(|gate| gate.report(key, used, limit, (self.now)()));
    }

    pub(super) fn spent(&self) -> BTreeMap<&'static str, u64> {
        self.spent.lock().clone()
    }
}

/// A request that was sent and has no response yet.
pub(super) struct Flight<'a> {
    admission: &'a Admission,
    unit: &'static str,
    cost: u64,
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        let Self { admission, unit, cost } = self;
        admission.gate.with(|gate| gate.landed(&admission.lane, unit, *cost));
    }
}

fn refused(spent: &Spent, now: Timestamp) -> HttpErrorKind {
    let wait = u64::try_from(spent.until.since(now)).unwrap_or_default().max(1);
    HttpErrorKind::Limit { wait: std::time::Duration::from_millis(wait), what: spent.to_string() }
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admission").field("lane", &self.lane).field("priority", &self.priority).finish_non_exhaustive()
    }
}
