//! Decide → store → publish: the one way in which anything changes.

use std::panic::{AssertUnwindSafe, catch_unwind};

use roster_protocol::error::RosterError;
use roster_protocol::time::Timestamp;

use super::load::Held;
use super::personal;
use super::publish::{self, Publication};
use super::setup::Setup;
use super::{App, FAILED_BADLY, write_error};
use crate::decision::{Decision, Dice, deliveries};
use crate::roster::Roster;
use crate::secret::vault::Vault;
use crate::store::{Encoded, Pending};

impl App {
    /// Decides, stores durably, then publishes. The decision sees the roster with no other decision in between.
    ///
    /// # Errors
    /// The decision's own, or that it could not be stored: then nothing has happened.
    pub async fn decide<T>(
        &self,
        decision: impl FnOnce(&mut Decision<'_>) -> Result<T, RosterError>,
    ) -> Result<T, RosterError> {
        let (decided, made) = self.in_one_step(|step| step.take(decision)).await?;
        let stored = self.store_and_publish(made).await.and(decided);
        self.wake.notify_one();
        stored
    }

    /// Makes decisions one after the other in one step, each on the result of those before; they are stored together.
    /// When one is refused, the others continue. The scheduler is not woken: the caller has taken connections out of
    /// the queue and puts them back first.
    ///
    /// # Errors
    /// Each decision's own, or for all the others that they could not be stored: then nothing has happened.
    pub async fn decide_each<T, D>(&self, decisions: Vec<D>) -> Vec<Result<T, RosterError>>
    where
        D: FnOnce(&mut Decision<'_>) -> Result<T, RosterError>,
    {
        let count = decisions.len();
        let step = |step: &mut Step<'_>| decisions.into_iter().map(|decision| step.take(decision)).collect::<Vec<_>>();
        let all_fail = |error: RosterError| (0..count).map(|_| Err(error.clone())).collect();
        let (decided, made) = match self.in_one_step(step).await {
            Ok(decided) => decided,
            Err(error) => return all_fail(error),
        };
        match self.store_and_publish(made).await {
            Ok(()) => decided,
            Err(error) => decided.into_iter().map(|result| result.and_then(|_| Err(error.clone()))).collect(),
        }
    }

    /// Decides on a roster that matches the store, and queues what was decided in the same order.
    ///
    /// # Errors
    /// When the roster does not match the store and cannot be loaded.
    async fn in_one_step<T>(&self, decide: impl FnOnce(&mut Step<'_>) -> T) -> Result<(T, Option<Made>), RosterError> {
        let mut decide = Some(decide);
        loop {
            self.wait_until_current().await?;
            let setup = self.setup();
            let mut held = self.held();
            if !self.is_current(&held) {
                continue;
            }
            // A decision that cannot be stored would have to be undone.
            self.store.writable().map_err(|error| write_error(&error))?;
            let Some(decide) = decide.take() else { return Err(RosterError::failed(FAILED_BADLY)) };
            return Ok(self.step(&setup, &mut held, decide));
        }
    }

    fn step<T>(&self, setup: &Setup, held: &mut Held, decide: impl FnOnce(&mut Step<'_>) -> T) -> (T, Option<Made>) {
        let (mut dice, vault) = (self.dice.lock(), self.consents.vault());
        let mut step = Step {
            roster: &mut held.roster,
            vault: &vault,
            setup,
            dice: &mut dice,
            now: self.clock.now(),
            encoded: Encoded::default(),
            publication: Publication::default(),
        };
        let decided = decide(&mut step);
        let Step { mut encoded, publication, now, .. } = step;
        beside(setup, now, &mut encoded);
        let made = (!encoded.is_empty()).then(|| Made {
            pending: self.store.submit(encoded),
            publication,
            generation: held.generation,
        });
        (decided, made)
    }

    /// Waits until what was decided is durable, and publishes it; `None` when everything was refused.
    async fn store_and_publish(&self, made: Option<Made>) -> Result<(), RosterError> {
        let Some(Made { pending, publication, generation }) = made else { return Ok(()) };
        if let Err(error) = pending.await {
            tracing::error!(%error, "a decision could not be stored; the roster is loaded again");
            self.mark_stale(generation);
            // An error while it is loaded is logged; the next decision tries again.
            let _ = self.wait_until_current().await;
            return Err(write_error(&error));
        }
        self.publish(publication);
        Ok(())
    }
}

/// Adds what was requested of providers to a commit that is made anyway.
fn beside(setup: &Setup, now: Timestamp, encoded: &mut Encoded) {
    if encoded.is_empty() {
        return;
    }
    let Some(block) = setup.http.recording().take_beside(now) else { return };
    if let Err(error) = encoded.add_requests(block) {
        tracing::warn!(%error, "what was requested of platforms could not be recorded");
    }
}

/// Decisions that are made while the roster is held.
struct Step<'a> {
    roster: &'a mut Roster,
    vault: &'a Vault,
    setup: &'a Setup,
    dice: &'a mut Dice,
    now: Timestamp,
    encoded: Encoded,
    publication: Publication,
}

/// What was decided in a step, while it is being written to the disk.
struct Made {
    pending: Pending,
    /// What is published of it once it is durable.
    publication: Publication,
    /// The generation of the roster on which it was decided.
    generation: u64,
}

impl Step<'_> {
    /// Makes one decision. One that is refused, or that no store could hold, leaves no trace.
    fn take<T>(
        &mut self,
        decision: impl FnOnce(&mut Decision<'_>) -> Result<T, RosterError>,
    ) -> Result<T, RosterError> {
        let config = &self.setup.config;
        let mut made = Decision::new(self.roster, &config.sync.grid, config.change.significant, self.now, self.dice);
        // A decision that panics must not lose those that are already in the roster and not yet queued for the disk.
        let deciding = AssertUnwindSafe(|| {
            let decided = decision(&mut made)?;
            deliveries::follow(&mut made);
            Ok(decided)
        });
        let decided = catch_unwind(deciding).unwrap_or_else(|_| Err(RosterError::failed(FAILED_BADLY)))?;
        let mut commit = made.commit;
        personal::seal(self.vault, self.roster, &mut commit)?;
        self.encoded.add(&commit).map_err(|error| write_error(&error))?;
        self.roster.apply(&commit);
        publish::add(&mut self.publication, self.roster, self.now, &commit);
        Ok(decided)
    }
}
