//! Since when each API key and app secret of the config is in use. Only a hash of each is stored.

use std::sync::Arc;

use crate::app::App;
use crate::decision::keys;
use crate::secret::vault::recognised;

/// When what could not be stored is tried again.
const AGAIN_S: i64 = 60;

/// Records the configured secrets at the start and whenever the config is loaded, until the end.
pub async fn run(app: Arc<App>) {
    let mut setups = app.watch_setup();
    loop {
        setups.mark_unchanged();
        let noted = note(&app).await;
        tokio::select! {
            () = app.ending.cancelled() => return,
            changed = setups.changed() => if changed.is_err() { return },
            () = app.clock.sleep_until(app.clock.now().plus_seconds(AGAIN_S)), if !noted => {}
        }
    }
}

/// Records them where they changed, and says whether that is stored.
async fn note(app: &App) -> bool {
    let now = app.clock.now();
    let (before, after) = app.look(|roster| {
        let of_all = roster.platforms.iter().flat_map(|(slug, known)| known.secrets.iter().map(move |it| (slug, it)));
        let hashes =
            of_all.map(|(slug, (key, print))| (slug.clone(), key.clone(), recognised(roster.store, slug, key, *print)));
        (roster.secrets.clone(), keys::seen(&roster.secrets, hashes.collect(), now))
    });
    if before == after {
        return true;
    }
    let stored = app.decide(|decision| {
        decision.commit.roster.secrets = Some(after);
        Ok(())
    });
    stored.await.inspect_err(|error| tracing::warn!(%error, "since when secrets are in use is stored later")).is_ok()
}
