//! The master key as the next start would find it, and whether there is a backup to go with it.

use roster_protocol::doctor::Finding;
use roster_protocol::time::Timestamp;

use crate::app::App;
use crate::process::reading::in_time;
use crate::secret::master_key::{Found, KeySource};
use crate::secret::vault::KeyId;

/// Where no backup is scheduled, one this old is too old.
const OLD_DAYS: i64 = 7;
const DAY_MS: i64 = 24 * 3_600_000;

/// The key and the backups.
pub async fn look(app: &App) -> Vec<Finding> {
    vec![key(app).await, backup(app)]
}

async fn key(app: &App) -> Finding {
    let started = &app.started_with;
    let (source, dir) = (started.source.clone(), started.state_dir.clone());
    let (config, store) = (app.setup().config.store.clone(), app.look(|roster| roster.store));
    let find = move || source.environment.key_sources(&config, &dir).of_store(store).find();
    match in_time(&started.source.file, find).await {
        Ok(Ok(Some(found))) => of_found(&found, &app.consents.vault().ids()),
        Ok(Ok(None)) => Finding::fault(
            "key",
            "the master key is gone from where it was found: the next start will fail",
            "put it back from its copy before rosterd is restarted",
        ),
        Ok(Err(error)) => Finding::fault("key", error.to_string(), "correct that before rosterd is restarted"),
        Err(error) => Finding::warning("key", error.to_string(), "look whether its disk responds"),
    }
}

/// Keys as a start would find them, beside those that are in use.
fn of_found(found: &Found, in_use: &[KeyId]) -> Finding {
    let (from, id) = (&found.from, found.ring.sealing());
    if let Some(missing) = in_use.iter().find(|key| !found.ring.has(**key)) {
        return Finding::fault(
            "key",
            format!("{from} holds the master key {id}, and not {missing}, which is in use: the next start will fail"),
            "put the key back that the store's tokens are sealed with, before rosterd is restarted",
        );
    }
    if let KeySource::Own(_) = from {
        let said = format!(
            "{from} is the master key {id}: with the store in the same directory it opens all tokens, and without it they are lost"
        );
        let fix = "keep a copy of it apart from the store's backups, or give it as a systemd credential";
        return Finding { fix: Some(fix.to_owned()), ..Finding::note("key", said) };
    }
    Finding::well("key", format!("the master key {id} is in {from}"))
}

fn backup(app: &App) -> Finding {
    let now = app.clock.now();
    let setup = app.setup();
    let config = &setup.config.backup;
    let failed = app.backup_failure.lock().as_ref().map(|(_, why)| why.clone());
    let last = app.look(|roster| roster.backups.iter().map(|backup| backup.at).max());
    let every = config.to.as_ref().map(|_| i64::try_from(config.every.0.saturating_mul(1000)).unwrap_or(i64::MAX));
    match (failed, last) {
        (Some(why), _) => Finding::fault("backup", format!("none was made: {why}"), "correct that; it is tried again"),
        (None, None) if every.is_some() => Finding::note("backup", "none was made yet; the first is due"),
        (None, None) => Finding::warning(
            "backup",
            "none was ever made",
            "`roster backup FILE` makes one, [backup] to = \"/var/backups/roster\" one each day",
        ),
        (None, Some(at)) if is_old(at, every, now) => Finding::warning(
            "backup",
            format!("the last one is {} days old", now.since(at) / DAY_MS),
            "`roster backup FILE` makes one, [backup] to = \"/var/backups/roster\" one each day",
        ),
        (None, Some(at)) => Finding::well("backup", format!("the last one is of {at}")),
    }
}

/// Whether a backup is older than it may be: twice as old as they are made, where they are.
fn is_old(at: Timestamp, every_ms: Option<i64>, now: Timestamp) -> bool {
    now.since(at) > every_ms.map_or(OLD_DAYS * DAY_MS, |every| every.saturating_mul(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_is_old_after_a_week_or_when_the_next_but_one_is_missing() {
        let check = |age_hours: i64, every_hours: Option<i64>, expected: bool| {
            let now = Timestamp(1_795_262_400_000);
            let at = now.plus_seconds(-age_hours * 3600);
            assert_eq!(is_old(at, every_hours.map(|hours| hours * 3_600_000), now), expected, "{age_hours}");
        };
        check(168, None, false);
        check(169, None, true);
        check(48, Some(24), false);
        check(49, Some(24), true);
    }
}
