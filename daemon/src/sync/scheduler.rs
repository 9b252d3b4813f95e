//! Sleeps until something is due, then starts its batch. No polling: a due time, a free permit, a request, or a clock
//! that was set wakes it.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use roster_protocol::error::RosterError;
use roster_protocol::event::Event;
use roster_protocol::ids::ConnectionId;
use roster_protocol::sync::Cause;
use roster_protocol::time::Timestamp;

use super::obstacles;
use super::outages;
use super::run::{self, Permits, Requested};
use crate::app::App;
use crate::decision::slots::{self, Why};
use crate::http_client::SharedGate;
use crate::model::Connection;
use crate::process::clock::Clock;
use crate::roster::Roster;
use crate::schedule::gate::Priority;
use crate::schedule::lane;
use crate::schedule::{EARLIEST_PLAUSIBLE, Grid, Moment, Room};
use crate::store::StoreState;

/// A clock that moved back by more than this was set.
const STEP_BACK_MS: i64 = 60_000;
/// A batch with room takes what is due within this time.
const LOOK_AHEAD_MS: i64 = 60_000;

/// How often the scheduler looks, when it is awake, whether budgets still last.
const PLAN_MS: i64 = 10 * 60_000;

/// Schedules until the end.
pub async fn run(app: Arc<App>) {
    let mut seen = Timestamp(i64::MAX);
    let mut timer = Timer::of(&*app.clock);
    let mut store = app.store.watch_state();
    let mut setup = app.watch_setup();
    // The due times in the store may follow another config.
    let mut is_new = true;
    let mut grid = app.setup().config.sync.grid.clone();
    let mut planned_at = Timestamp(i64::MIN);
    app.wait_until_loaded().await;
    obstacles::begin(&app);
    loop {
        let now = app.clock.now();
        if seen.since(now) > STEP_BACK_MS {
            planned_at = Timestamp(i64::MIN);
            bring_back(&app).await;
        }
        obstacles::notice_sleep(&app, seen, now);
        seen = now;
        // No request is sent whose result cannot be stored.
        let writable = *store.borrow_and_update() == StoreState::Working;
        obstacles::follow(&app, writable, now);
        if writable && now >= EARLIEST_PLAUSIBLE && std::mem::take(&mut is_new) {
            follow_setup(&app, &grid).await;
            grid.clone_from(&app.setup().config.sync.grid);
            planned_at = Timestamp(i64::MIN);
        }
        if writable && now >= EARLIEST_PLAUSIBLE && now.since(planned_at) >= PLAN_MS {
            planned_at = now;
            replan(&app).await;
        }
        if writable && now >= EARLIEST_PLAUSIBLE {
            outages::forget_unused(&app).await;
            start_due(&app, now);
        }
        let wake_at = next_wake(&app, now).filter(|_| writable).unwrap_or(Timestamp(i64::MAX));
        tokio::select! {
            () = app.ending.cancelled() => return,
            changed = store.changed() => match changed {
                // Whether the store can be written is part of the daemon's status.
                Ok(()) => app.feed.publish(vec![Event::ScheduleChanged]),
                Err(_) => return,
            },
            changed = setup.changed() => match changed {
                Ok(()) => is_new = true,
                Err(_) => return,
            },
            () = app.wake.notified() => {}
            // Look-ups, consents and renewals learn of limits, too.
            () = app.gate.has_freed() => {}
            () = timer.until(wake_at, now) => {}
        }
    }
}

/// Sleeps, and keeps an interrupted sleep for the next time: starting one costs five system calls.
struct Timer<'a> {
    clock: &'a dyn Clock,
    at: Timestamp,
    sleeping: BoxFuture<'a, ()>,
}

impl<'a> Timer<'a> {
    fn of(clock: &'a dyn Clock) -> Self {
        Self { clock, at: Timestamp(i64::MIN), sleeping: std::future::ready(()).boxed() }
    }

    /// Sleeps until `at` or until the clock is set. The sleep itself notices when the clock is set; this function
    /// checks whether it was set before, since the scheduler read `seen`.
    async fn until(&mut self, at: Timestamp, seen: Timestamp) {
        if self.at != at {
            (self.at, self.sleeping) = (at, self.clock.sleep_until(at));
        }
        if futures::poll!(&mut self.sleeping).is_pending() && seen.since(self.clock.now()) <= STEP_BACK_MS {
            (&mut self.sleeping).await;
        }
        // This sleep has ended.
        *self = Self::of(self.clock);
    }
}

/// Moves due times back that a clock far ahead wrote: they would stop a connection for years.
async fn bring_back(app: &App) {
    app.with_roster(|roster| roster.breaker.clock_set_back(app.clock.now()));
    let moved = app
        .decide(|decision| {
            decision.commit.roster.connections = decision.roster.unreachable_due_times(decision.grid, decision.now);
            Ok(decision.commit.roster.connections.len())
        })
        .await;
    match moved {
        Ok(0) | Err(_) => {}
        Ok(count) => tracing::warn!(count, "the clock was set back; due times beyond reach were brought back"),
    }
}

/// Moves due times to the new setup: another grid has other slots, and a platform may now have what it lacked. What was
/// missed until now was missed by the grid before.
async fn follow_setup(app: &App, before: &Grid) {
    if *before != app.setup().config.sync.grid
        && let Err(error) = catch_up(app, before, |_| true).await
    {
        tracing::warn!(%error, "slots that were missed before the config changed could not be accounted for");
    }
    move_to_grid(app).await;
}

/// Accounts for the slots that scheduled connections missed on a grid that they are about to leave.
async fn catch_up(app: &App, before: &Grid, leaves: impl Fn(&Connection) -> bool) -> Result<(), RosterError> {
    app.decide(|decision| {
        let roster = decision.roster;
        let late = roster.connected().filter(|it| roster.is_scheduled(it) && leaves(it));
        for connection in late.collect::<Vec<_>>() {
            let after = slots::caught_up(decision, before, connection, Why::Found);
            decision.commit.roster.connections.extend((after != *connection).then_some(after));
        }
        Ok(())
    })
    .await
}

/// Moves due times to slots as they are now.
async fn move_to_grid(app: &App) {
    let moved = app
        .decide(|decision| {
            decision.commit.roster.connections = decision.roster.moved_by_setup(decision.grid, decision.now);
            Ok(decision.commit.roster.connections.len())
        })
        .await;
    match moved {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "due times follow the config"),
        Err(error) => tracing::warn!(%error, "due times could not follow the config yet"),
    }
}

/// Stretches the intervals of platforms whose daily budgets would not last, and shortens them again.
async fn replan(app: &App) {
    let grid = app.setup().config.sync.grid.clone();
    let changed = app.look(|roster| roster.replan(&grid));
    if changed.is_empty() {
        return;
    }
    let of_changed = |it: &Connection| changed.iter().any(|(platform, _)| *platform == it.platform);
    if let Err(error) = catch_up(app, &grid, of_changed).await {
        tracing::warn!(%error, "slots that were missed before intervals changed could not be accounted for");
    }
    for (platform, stretch) in &changed {
        let (from, to) = (grid.interval, stretch.of(grid.interval));
        app.with_roster(|roster| match stretch.is_none() {
            true => roster.stretches.remove(platform),
            false => roster.stretches.insert(platform.clone(), *stretch),
        });
        match stretch.is_none() {
            true => tracing::info!(platform, "the platform's budget lasts: it is synced at the usual intervals again"),
            false => {
                let (every_s, instead_of_s) = (to.0, from.0);
                tracing::warn!(platform, every_s, instead_of_s, "intervals are stretched: the budget would not last");
            }
        }
    }
    move_to_grid(app).await;
    app.feed.publish(vec![Event::ScheduleChanged]);
}

/// Starts every batch that is due, is not held, is no more than a probe where its lane is down, and gets its permits.
fn start_due(app: &Arc<App>, now: Timestamp) {
    while let Some((lane, requested, permits)) = take_batch(app, now) {
        // Boxed, so that it is not moved while the task is created.
        let batch = Box::pin(run::batch(app.clone(), lane, requested, permits));
        app.tasks.spawn(app.cut_off.clone().run_until_cancelled_owned(batch));
    }
}

/// Takes the connections that have waited longest out of the queue, with their permits: of one lane, and up to its
/// platform's batch limit; a single one where the lane is down.
fn take_batch(app: &App, now: Timestamp) -> Option<(String, Vec<Requested>, Permits)> {
    let setup = app.setup();
    let of_all = setup.permits.clone().try_acquire_owned().ok()?;
    let has_permit =
        |platform: &str| setup.permits_of.get(platform).is_some_and(|permits| permits.available_permits() > 0);
    let grid = &setup.config.sync.grid;
    let at = Moment { now, late: Timestamp(now.0.saturating_sub(grid.interval.millis())) };
    app.with_roster(|roster| {
        let may_be_taken = |lane: &str, priority: Priority| roster.may_take(lane, priority, now);
        let lane = roster.queue.longest_waiting(at, has_permit, may_be_taken)?.to_owned();
        let platform = lane::platform_of(&lane);
        let of_platform = setup.permits_of.get(platform)?.clone().try_acquire_owned().ok()?;
        let limit = roster.platforms.get(platform)?.platform.info().batch_limit;
        let most = if roster.breaker.outage(&lane).is_some() { 1 } else { limit };
        let room = room(&app.gate, &lane, most, now);
        let mut due = roster.queue.take_due(&lane, at, room);
        let left = room.due.min(most).saturating_sub(due.len());
        due.extend(take_soon(roster, grid, &lane, now, left));
        let reservation = app.gate.reserve(&lane, due.len());
        roster.running.extend(due.iter().copied());
        let requested = due
            .into_iter()
            .filter_map(|id| Some(requested(app, roster, grid, roster.connections.get(&id)?, now)))
            .collect();
        Some((lane, requested, Permits { of_all, of_platform, reservation }))
    })
}

/// Fills a batch up with what is due in a moment, where that saves requests.
fn take_soon(roster: &mut Roster, grid: &Grid, lane: &str, now: Timestamp, room: usize) -> Vec<ConnectionId> {
    let known = roster.platforms.get(lane::platform_of(lane));
    if room == 0
        || !known.is_some_and(|known| known.platform.info().is_batched)
        || roster.breaker.outage(lane).is_some()
    {
        return Vec::new();
    }
    let Roster { queue, connections, .. } = roster;
    let today = grid.date_of(now);
    let until = Timestamp(now.0.saturating_add(LOOK_AHEAD_MS));
    queue.take_soon(lane, now, until, room, |id, due| {
        let Some(connection) = connections.get(&id) else { return false };
        let interval = connection.interval.unwrap_or(grid.interval);
        // A retry keeps its distance. A slot is not much of its interval early, and not on the day before.
        connection.slot_at == due && due.since(now) <= interval.millis() / 10 && grid.date_of(due) == today
    })
}

/// How many connections of a lane its platform's limits let into a batch of `most`.
fn room(gate: &SharedGate, lane: &str, most: usize, now: Timestamp) -> Room {
    let room = |priority| gate.with(|gate| gate.room(lane, priority, now)).unwrap_or(0).min(most);
    Room { all: most, person: room(Priority::Person), due: room(Priority::Due), catch_up: room(Priority::CatchUp) }
}

fn requested(app: &App, roster: &Roster, grid: &Grid, connection: &Connection, now: Timestamp) -> Requested {
    let id: ConnectionId = connection.id;
    let is_pushed = roster.webhooks.has_marked(id, connection.next_due_at);
    let cause = if app.tickets.is_requested(id) {
        Cause::Person
    } else if is_pushed {
        Cause::Push
    } else if grid.missed(id, roster.pace_of(connection), connection.slot_at, now) {
        Cause::CatchUp
    } else {
        Cause::Schedule
    };
    Requested { connection: id, handle: connection.handle.clone(), cause }
}

/// The next time at which a batch can start that cannot start now.
fn next_wake(app: &App, now: Timestamp) -> Option<Timestamp> {
    if now < EARLIEST_PLAUSIBLE {
        return Some(EARLIEST_PLAUSIBLE);
    }
    app.look(|roster| {
        // What is already due waits for a permit, and the end of a batch wakes us, or for the end of a hold or a probe,
        // or until a limit has room again.
        let not_yet = roster.queue.next_after(now);
        let holds = roster.holds.values().filter(|hold| hold.until > now && roster.queue.is_due(&hold.lane, now));
        let outages = roster.breaker.outages();
        let probes = outages.filter(|(lane, it)| it.probe_at > now && roster.queue.is_due(lane, now));
        let probes = probes.map(|(_, outage)| outage.probe_at);
        // What catches up may wait longer than what is due.
        let scheduled = [Priority::Due, Priority::CatchUp].into_iter();
        let kept_back = scheduled.flat_map(|priority| app.gate.with(|gate| gate.kept_back(priority, now)));
        let limits = kept_back.filter(|(lane, _)| roster.queue.is_due(lane, now));
        // What is due later in such a lane need not wait with what catches up there.
        let limits = limits.flat_map(|(lane, spent)| [Some(spent.until), roster.queue.next_in(&lane, now)]).flatten();
        not_yet.into_iter().chain(holds.map(|hold| hold.until)).chain(probes).chain(limits).min()
    })
}
