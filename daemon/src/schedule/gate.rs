//! Whether a request may be sent, by what its platform's limits leave. Pure.
//!
//! All requests to providers pass the gate: those of the scheduler, of look-ups, of consents and of checks. What it
//! lets pass it counts at once; headers correct the count when the response is there.

use std::collections::{BTreeMap, BTreeSet};

use roster_protocol::time::Timestamp;

use super::budget::{Budget, Daily, Window};
use super::lane;
use crate::model::{BudgetKey, BudgetUse, ReportedLimit};

/// Who waits for a request, most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// A user: may spend the reserve.
    Person,
    /// A slot that is due now.
    Due,
    /// Slots that were missed: they leave a second reserve for what is due.
    CatchUp,
}

/// Why a request may not be sent: a limit would be exceeded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{used} of {limit} {unit} are used")]
pub struct Spent {
    pub unit: String,
    pub used: u64,
    pub limit: u64,
    /// When it may be sent.
    pub until: Timestamp,
}

/// One row for users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub key: BudgetKey,
    pub used: u64,
    /// `None` where nothing has been reported yet.
    pub limit: Option<u64>,
    /// When all that is used now is forgotten; `None` when nothing is.
    pub ends_at: Option<Timestamp>,
    /// How much of it is kept for users' own requests.
    pub reserve: u64,
    /// Whether it begins anew each day.
    pub is_daily: bool,
}

/// Everything that is spent, and of what.
#[derive(Debug, Default)]
pub struct Gate {
    /// By platform.
    budgets: BTreeMap<String, Vec<Terms>>,
    uses: BTreeMap<BudgetKey, Kept>,
    /// Limits of lanes that may be near their end: of thousands of hosts, few are. Some are not any more.
    near_end: BTreeSet<BudgetKey>,
    /// Whether a limit near its end has more room than before: a response reported it, or time has passed.
    has_freed: bool,
    /// Limits of which more is spent than the store knows.
    unstored: BTreeSet<BudgetKey>,
    /// Rows that the store is to delete.
    removed: Vec<BudgetKey>,
}

/// A budget with the operator's own limit.
#[derive(Clone, Copy, Debug)]
struct Terms {
    budget: Budget,
    /// Instead of the documented one.
    chosen: Option<u64>,
}

/// What is spent of a budget, and what of that is stored.
#[derive(Debug)]
struct Kept {
    spent: BudgetUse,
    terms: Terms,
    /// How many accounts running batches request.
    running: u64,
    /// What was spent on requests whose responses are not there yet: no report contains them.
    in_flight: u64,
    stored: Option<Stored>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stored {
    used: u64,
    ends_at: Option<Timestamp>,
}

/// A unit in the thousandths in which averages are kept.
const MILLI: u64 = 1000;
/// How much of an average the newest batch is.
const WEIGHT: u64 = 8;
/// What is stored is ahead of what is spent by this part of a limit, so that not each request is a write.
const AHEAD: u64 = 100;

impl Terms {
    fn limit(&self, spent: &BudgetUse) -> Option<u64> {
        let reported = spent.reported.map(|reported| reported.limit);
        let documented = self.chosen.or(self.budget.limit);
        documented.into_iter().chain(reported).min()
    }

    fn reserve(&self, limit: u64) -> u64 {
        limit.saturating_mul(self.budget.reserve) / 100
    }

    /// How much may be spent in a window for those who have this priority.
    fn most(&self, limit: u64, priority: Priority) -> u64 {
        let reserve = self.reserve(limit);
        match priority {
            Priority::Person => limit,
            Priority::Due => limit.saturating_sub(reserve),
            Priority::CatchUp => limit.saturating_sub(reserve.saturating_mul(2)),
        }
    }
}

impl Kept {
    fn new(key: BudgetKey, terms: Terms) -> Self {
        Self { spent: BudgetUse { key, ..BudgetUse::default() }, terms, running: 0, in_flight: 0, stored: None }
    }

    fn window(&self) -> Window {
        self.terms.budget.window
    }

    /// Forgets what the window does not hold any more; returns whether that brings room.
    fn forget(&mut self, now: Timestamp) -> bool {
        let window = self.window();
        self.frees(|spent| spent.forget(window, now))
    }

    /// Changes what is spent, or of what; returns whether that brings room, now or earlier than was known.
    fn frees(&mut self, change: impl FnOnce(&mut BudgetUse)) -> bool {
        let left = |kept: &Self| kept.terms.limit(&kept.spent).unwrap_or(u64::MAX).saturating_sub(kept.spent.used());
        let ends_at = |kept: &Self| kept.spent.ends_at(kept.window()).unwrap_or(Timestamp(i64::MAX));
        let before = (self.spent.used(), left(self), ends_at(self));
        change(&mut self.spent);
        self.spent.used() < before.0 || left(self) > before.1 || ends_at(self) < before.2
    }

    /// Whether a request of this cost fits; `None` when it does.
    fn refusal(&self, cost: u64, priority: Priority, now: Timestamp) -> Option<Spent> {
        let limit = self.terms.limit(&self.spent)?;
        // Where only headers count, one request less than all fits.
        let most = self.terms.most(limit, priority).saturating_sub(cost.max(1));
        let until = self.spent.falls_to(self.window(), most, now)?;
        Some(Spent { until, ..self.refused(limit, now) })
    }

    /// A refusal until all that is spent now is forgotten.
    fn refused(&self, limit: u64, now: Timestamp) -> Spent {
        let until = self.spent.ends_at(self.window()).unwrap_or(now.plus_seconds(1));
        Spent { unit: self.spent.key.unit.clone(), used: self.spent.used(), limit, until }
    }

    /// What a batch of one account needs. A limit that is lower than that lets a batch begin with all of it.
    fn needed(&self) -> u64 {
        match self.spent.used() {
            0 => self.terms.budget.cost,
            _ => self.per_account().div_ceil(MILLI) + self.terms.budget.per_batch,
        }
    }

    fn per_account(&self) -> u64 {
        self.spent.per_account.unwrap_or(self.terms.budget.cost * MILLI)
    }

    /// Whether a batch might be refused, now or when some of what is spent is forgotten.
    fn is_near_end(&self, priority: Priority) -> bool {
        let Budget { cost, per_batch, .. } = self.terms.budget;
        let accounts = self.running.saturating_add(1).saturating_mul(self.per_account()).div_ceil(MILLI);
        let needed = accounts.saturating_add(per_batch).max(cost).max(1);
        let limit = self.terms.limit(&self.spent);
        limit.is_some_and(|limit| self.spent.used().saturating_add(needed) > self.terms.most(limit, priority))
    }

    /// Whether more is spent than the store knows.
    fn is_ahead(&self) -> bool {
        let is = self.to_store();
        self.stored.map_or(is.used > 0, |stored| is.used > stored.used || is.ends_at > stored.ends_at)
    }

    /// What is written to the store: a bit more than what is spent.
    fn ahead(&mut self, now: Timestamp) -> BudgetUse {
        let mut ahead = self.spent.clone();
        if self.terms.budget.cost > 0 {
            ahead.spend(self.window(), self.terms.limit(&self.spent).unwrap_or_default() / AHEAD, now);
        }
        self.stored = Some(Stored { used: ahead.used(), ends_at: ahead.ends_at(self.window()) });
        ahead
    }

    /// What the store has to know.
    fn to_store(&self) -> Stored {
        Stored { used: self.spent.used(), ends_at: self.spent.ends_at(self.window()) }
    }
}

impl Gate {
    /// Knows these budgets of a platform from now on. `chosen` are the operator's own limits by unit.
    pub fn know(&mut self, platform: &str, budgets: &[Budget], chosen: &BTreeMap<String, u64>) {
        let terms = |budget: &Budget| Terms { budget: *budget, chosen: chosen.get(budget.unit).copied() };
        let terms: Vec<Terms> = budgets.iter().map(terms).collect();
        for (key, kept) in self.uses.iter_mut().filter(|(key, _)| key.platform() == platform) {
            if let Some(known) = terms.iter().find(|known| known.budget.unit == key.unit) {
                kept.terms = *known;
                self.near_end.extend(kept.is_near_end(Priority::CatchUp).then(|| key.clone()));
            }
        }
        self.budgets.insert(platform.to_owned(), terms);
    }

    /// Takes up what was stored. What its platform does not count any more, and accounts of which nothing is spent any
    /// more, are to be deleted.
    pub fn restore(&mut self, stored: Vec<BudgetUse>, now: Timestamp) {
        for mut spent in stored {
            let key = spent.key.clone();
            let terms = self.terms_of(&key.lane, &key.unit);
            terms.iter().for_each(|terms| spent.forget(terms.budget.window, now));
            match terms {
                Some(terms) if key.account.is_none() || spent.used() > 0 => {
                    let mut kept = Kept { spent, ..Kept::new(key.clone(), terms) };
                    kept.stored = Some(kept.to_store());
                    self.uses.insert(key.clone(), kept);
                    self.note(key);
                }
                _ => self.removed.push(key),
            }
        }
    }

    fn terms_of(&self, lane: &str, unit: &str) -> Option<Terms> {
        let terms = self.budgets.get(lane::platform_of(lane))?;
        terms.iter().find(|terms| terms.budget.unit == unit).copied()
    }

    /// The budget that a request to this path is counted in.
    fn budget_for(&self, lane: &str, path: &str) -> Option<Budget> {
        let budgets = self.budgets.get(lane::platform_of(lane))?.iter().map(|terms| terms.budget);
        budgets.filter(|budget| path.starts_with(budget.path)).max_by_key(|budget| budget.path.len())
    }

    /// Forgets what some accounts have spent; what is stored of it is deleted elsewhere.
    pub fn forget_accounts(&mut self, is_one: impl Fn(&BudgetKey) -> bool) {
        self.uses.retain(|key, _| !is_one(key));
    }

    /// The row of a limit, without what is forgotten by now.
    fn kept(&mut self, key: BudgetKey, now: Timestamp) -> Option<&mut Kept> {
        let terms = self.terms_of(&key.lane, &key.unit)?;
        let near_end = &mut self.near_end;
        let kept = self.uses.entry(key.clone()).or_insert_with(|| {
            let kept = Kept::new(key.clone(), terms);
            near_end.extend(kept.is_near_end(Priority::CatchUp).then(|| key.clone()));
            kept
        });
        self.has_freed |= kept.forget(now) && near_end.contains(&key);
        Some(kept)
    }

    /// Counts a request of this lane to this path that is about to be sent; returns the unit and what it costs, for
    /// [`Gate::landed`].
    ///
    /// # Errors
    /// When a limit would be exceeded: then it is not to be sent, and nothing is counted.
    pub fn may_request(
        &mut self,
        lane: &str,
        path: &str,
        priority: Priority,
        now: Timestamp,
    ) -> Result<Option<(&'static str, u64)>, Spent> {
        let Some(budget) = self.budget_for(lane, path) else { return Ok(None) };
        let key = of_app(lane, budget.unit);
        let Some(kept) = self.kept(key.clone(), now) else { return Ok(None) };
        if let Some(spent) = kept.refusal(budget.cost, priority, now) {
            return Err(spent);
        }
        kept.spent.spend(budget.window, budget.cost, now);
        kept.in_flight = kept.in_flight.saturating_add(budget.cost);
        self.note(key);
        Ok(Some((budget.unit, budget.cost)))
    }

    /// The response to such a request is there, or none will come.
    pub fn landed(&mut self, lane: &str, unit: &str, cost: u64) {
        if let Some(kept) = self.uses.get_mut(&of_app(lane, unit)) {
            kept.in_flight = kept.in_flight.saturating_sub(cost);
        }
    }

    /// Takes over what a platform's response reports of a limit.
    pub fn report(&mut self, key: BudgetKey, used: u64, limit: ReportedLimit, now: Timestamp) {
        if limit.ends_at <= now {
            return;
        }
        // Thousands of accounts have plenty left, which concerns no user.
        if key.account.is_some() && used.saturating_mul(2) < limit.limit {
            if self.uses.remove(&key).is_some() {
                self.removed.push(key);
            }
            return;
        }
        let Some(kept) = self.kept(key.clone(), now) else { return };
        let used = used.saturating_add(kept.in_flight);
        let is_freed = kept.frees(|spent| spent.report(used, limit, now));
        self.has_freed |= is_freed && self.near_end.contains(&key);
        self.note(key);
    }

    /// Whether a limit near its end has had more room, or an earlier end, since this was called last. What waits for it need
    /// not wait until the end that was known before.
    pub fn take_freed(&mut self) -> bool {
        std::mem::take(&mut self.has_freed)
    }

    /// Notes what follows from a change of what is spent.
    fn note(&mut self, key: BudgetKey) {
        let Some(kept) = self.uses.get(&key) else { return };
        if kept.is_near_end(Priority::CatchUp) {
            self.near_end.insert(key.clone());
        }
        if kept.is_ahead() {
            self.unstored.insert(key);
        }
    }

    /// How many accounts of a lane can be synced now within its limits.
    ///
    /// # Errors
    /// When not even one can.
    pub fn room(&mut self, lane: &str, priority: Priority, now: Timestamp) -> Result<usize, Spent> {
        let budgets = self.budgets.get(lane::platform_of(lane)).into_iter().flatten();
        let budgets = budgets.filter(|terms| !terms.budget.is_optional);
        let units: Vec<&'static str> = budgets.map(|terms| terms.budget.unit).collect();
        let mut room = usize::MAX;
        for unit in units {
            let Some(kept) = self.kept(of_app(lane, unit), now) else { continue };
            if let Some(spent) = kept.refusal(kept.needed(), priority, now) {
                return Err(spent);
            }
            let (Some(limit), each @ 1..) = (kept.terms.limit(&kept.spent), kept.per_account()) else { continue };
            let left = kept.terms.most(limit, priority).saturating_sub(kept.spent.used());
            let left = left.saturating_sub(kept.terms.budget.per_batch).saturating_mul(MILLI);
            let fits = match kept.running {
                // An average is no limit: one fits where what it needs does.
                0 => (left / each).max(1),
                running => (left / each).saturating_sub(running),
            };
            if fits == 0 {
                // The end of a running batch may bring room earlier.
                return Err(kept.refused(limit, now));
            }
            room = room.min(usize::try_from(fits).unwrap_or(usize::MAX));
        }
        Ok(room)
    }

    /// Why an account's own limit keeps it from being requested; `None` when it may be.
    pub fn account_refusal(&mut self, lane: &str, account: &str, priority: Priority, now: Timestamp) -> Option<Spent> {
        self.of_lane(lane).filter(|(key, _)| key.account.as_deref() == Some(account)).find_map(|(_, kept)| {
            kept.forget(now);
            kept.refusal(kept.terms.budget.cost, priority, now)
        })
    }

    /// The lanes that something of this priority is kept back in now, each with why.
    pub fn kept_back(&mut self, priority: Priority, now: Timestamp) -> Vec<(String, Spent)> {
        let uses = &self.uses;
        let is_near = |key: &BudgetKey, priority| uses.get(key).is_some_and(|kept| kept.is_near_end(priority));
        self.near_end.retain(|key| key.account.is_none() && is_near(key, Priority::CatchUp));
        let near = self.near_end.iter().filter(|key| is_near(key, priority));
        let lanes: BTreeSet<String> = near.map(|key| key.lane.clone()).collect();
        let mut why = |lane: &str| self.room(lane, priority, now).err();
        lanes.into_iter().filter_map(|lane| why(&lane).map(|spent| (lane, spent))).collect()
    }

    /// Reserves what a batch of so many accounts will spend, until [`Gate::release`].
    pub fn reserve(&mut self, lane: &str, accounts: usize) {
        self.change(lane, |kept| kept.running = kept.running.saturating_add(accounts as u64));
    }

    /// Ends the reservation of a batch.
    pub fn release(&mut self, lane: &str, accounts: usize) {
        self.change(lane, |kept| kept.running = kept.running.saturating_sub(accounts as u64));
    }

    /// Learns what an account takes from a batch in which all accounts were observed: what was spent of each unit.
    pub fn learn(&mut self, lane: &str, accounts: usize, spent: &BTreeMap<&'static str, u64>) {
        let accounts = accounts as u64;
        self.change(lane, |kept| {
            let spent = spent.get(kept.terms.budget.unit).filter(|spent| **spent > 0 && accounts > 0);
            let Some(each) = spent.map(|spent| spent.saturating_mul(MILLI) / accounts) else { return };
            let average = kept.spent.per_account.map_or(each, |before| (before * (WEIGHT - 1) + each) / WEIGHT);
            kept.spent.per_account = Some(average.max(1));
        });
    }

    /// Changes a lane's limits, those of its accounts apart.
    fn change(&mut self, lane: &str, change: impl Fn(&mut Kept)) {
        let mut near_end = Vec::new();
        for (key, kept) in self.of_lane(lane).filter(|(key, _)| key.account.is_none()) {
            change(kept);
            near_end.extend(kept.is_near_end(Priority::CatchUp).then(|| key.clone()));
        }
        self.near_end.extend(near_end);
    }

    fn of_lane(&mut self, lane: &str) -> impl Iterator<Item = (&BudgetKey, &mut Kept)> {
        let lane = lane.to_owned();
        self.uses.range_mut(of_app(&lane, "")..).take_while(move |(key, _)| key.lane == lane)
    }

    /// What is spent of each limit, by lane and unit; the app's before those of accounts. Where only headers count and
    /// none has reported a limit, what is spent is unknown: there is no row.
    pub fn rows(&mut self, now: Timestamp) -> Vec<Row> {
        let row = |(key, kept): (&BudgetKey, &mut Kept)| {
            self.has_freed |= kept.forget(now) && self.near_end.contains(key);
            let limit = kept.terms.limit(&kept.spent);
            let used = kept.spent.used();
            let is_known = limit.is_some() || used > 0;
            (is_known && (key.account.is_none() || used > 0)).then(|| Row {
                key: key.clone(),
                used,
                limit,
                ends_at: kept.spent.ends_at(kept.window()),
                reserve: limit.map_or(0, |limit| kept.terms.reserve(limit)),
                is_daily: matches!(kept.window(), Window::Day(_)),
            })
        };
        self.uses.iter_mut().filter_map(row).collect()
    }

    /// The limits of a platform that begin anew each day, as far as they are known.
    pub fn daily(&self, platform: &str) -> Vec<Daily> {
        let terms = self.budgets.get(platform).into_iter().flatten();
        let daily = |terms: &Terms| {
            let kept = self.uses.get(&of_app(platform, terms.budget.unit));
            let limit = kept.map_or(terms.chosen.or(terms.budget.limit), |kept| terms.limit(&kept.spent))?;
            let per_account = kept.map_or(terms.budget.cost * MILLI, Kept::per_account);
            Some(Daily { unit: terms.budget.unit, per_account, available: terms.most(limit, Priority::Due) })
        };
        let needed = terms.filter(|terms| !terms.budget.is_optional && matches!(terms.budget.window, Window::Day(_)));
        needed.filter_map(daily).collect()
    }

    /// Whether the store lacks something.
    pub fn has_unstored(&self) -> bool {
        !self.unstored.is_empty() || !self.removed.is_empty()
    }

    /// What the store lacks, and what it is to delete; from then on it counts as stored. What is written is a bit more
    /// than what is spent: a crash forgets nothing, and not each request is a write.
    pub fn take_unstored(&mut self, now: Timestamp) -> (Vec<BudgetUse>, Vec<BudgetKey>) {
        let keys = std::mem::take(&mut self.unstored);
        let ahead = keys.iter().filter_map(|key| Some(self.uses.get_mut(key)?.ahead(now))).collect();
        (ahead, std::mem::take(&mut self.removed))
    }

    /// Takes back what could not be stored: it is stored with what is counted next.
    pub fn not_stored(&mut self, keys: &[BudgetKey]) {
        for key in keys {
            match self.uses.get_mut(key) {
                Some(kept) => kept.stored = None,
                None => self.removed.push(key.clone()),
            }
        }
    }

    /// Everything as it is, for the daemon's end.
    pub fn take_all(&mut self) -> Vec<BudgetUse> {
        let is_other = |kept: &&mut Kept| kept.stored.map_or(kept.spent.used() > 0, |stored| stored != kept.to_store());
        let changed = self.uses.values_mut().filter(is_other);
        changed
            .map(|kept| {
                kept.stored = Some(kept.to_store());
                kept.spent.clone()
            })
            .collect()
    }
}

fn of_app(lane: &str, unit: &str) -> BudgetKey {
    BudgetKey { lane: lane.to_owned(), unit: unit.to_owned(), account: None }
}

#[cfg(test)]
mod tests;
