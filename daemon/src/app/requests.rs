//! Stores what was requested of providers: beside commits that are made anyway, or else after a second.

use std::sync::Arc;
use std::time::Duration;

use super::App;
use crate::store::Encoded;

/// How long requests wait for a commit that they can be stored with. What a kill loses is no more than that.
const LONGEST: Duration = Duration::from_secs(1);
/// After so many rows, those that are too many are deleted; the nightly upkeep does so, too.
const BLOCKS: u64 = 4_096;

impl App {
    /// Stores requests until the daemon ends.
    pub async fn keep_requests(self: Arc<Self>) {
        let mut pruned = 0;
        loop {
            let http = self.setup().http.clone();
            tokio::select! {
                () = self.ending.cancelled() => return,
                () = http.recording().has_some() => {}
            }
            tokio::select! {
                () = self.ending.cancelled() => return,
                () = tokio::time::sleep(LONGEST) => {}
            }
            self.store_requests().await;
            let blocks = http.recording().blocks();
            if blocks - pruned >= BLOCKS {
                pruned = blocks;
                if let Err(error) = self.store.prune_requests(self.clock.now()).await {
                    tracing::warn!(%error, "old requests to platforms could not be deleted; the daemon tries again later");
                }
            }
        }
    }

    /// Stores those that wait now.
    pub async fn store_requests(&self) {
        if self.store.writable().is_err() {
            return;
        }
        let Some(block) = self.setup().http.recording().take(self.clock.now()) else { return };
        let mut encoded = Encoded::default();
        let count = block.requests.len();
        let stored = match encoded.add_requests(block) {
            Ok(()) => self.store.submit(encoded).await,
            Err(error) => Err(error),
        };
        if let Err(error) = stored {
            tracing::warn!(%error, count, "what was requested of platforms could not be recorded");
        }
    }
}
