//! The gate: how requests get through it, and how what it counts gets into the store.

use std::sync::Arc;

use super::App;
use crate::http_client::{Admission, Api, Route, SharedGate};
use crate::model::{BudgetKey, BudgetUse};
use crate::platforms::Platforms;
use crate::schedule::gate::Priority;

/// Knows the limits of these platforms from now on.
pub(super) fn know(gate: &SharedGate, platforms: &Platforms) {
    gate.with(|gate| {
        for (slug, known) in platforms {
            gate.know(slug, known.platform.info().budgets, &known.limits);
        }
    });
}

impl App {
    /// A way to a platform whose requests pass the gate.
    pub fn api(&self, route: &Route, lane: &str, priority: Priority) -> Api {
        let clock = self.clock.clone();
        let admission = Admission::new(self.gate.clone(), Arc::new(move || clock.now()), lane, priority);
        Api::new(self.setup().http.clone(), route.clone(), self.clock.now()).through(admission)
    }

    /// Stores what the gate counts until the daemon ends.
    pub async fn keep_budgets(self: Arc<Self>) {
        loop {
            tokio::select! {
                () = self.ending.cancelled() => return,
                () = self.gate.has_unstored() => {}
            }
            let (budgets, removed) = self.gate.with(|gate| gate.take_unstored(self.clock.now()));
            self.store_budgets(budgets, removed).await;
        }
    }

    /// Stores everything that was counted, as it is: for the daemon's end.
    pub async fn store_all_budgets(&self) {
        let budgets = self.gate.with(|gate| gate.take_all());
        self.store_budgets(budgets, Vec::new()).await;
    }

    async fn store_budgets(&self, budgets: Vec<BudgetUse>, removed: Vec<BudgetKey>) {
        if budgets.is_empty() && removed.is_empty() {
            return;
        }
        let keys: Vec<BudgetKey> = budgets.iter().map(|budget| budget.key.clone()).chain(removed.clone()).collect();
        let stored = self
            .decide(|decision| {
                (decision.commit.sync.budgets, decision.commit.sync.removed_budgets) = (budgets, removed);
                Ok(())
            })
            .await;
        if let Err(error) = stored {
            tracing::warn!(%error, "what was spent of platforms' limits could not be stored yet");
            self.gate.with(|gate| gate.not_stored(&keys));
        }
    }
}
