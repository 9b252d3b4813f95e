//! How long what was measured is kept, and what would become of the rest now.

use std::collections::BTreeMap;
use std::sync::Arc;

use roster_protocol::connection::ReadWith;
use roster_protocol::error::RosterError;
use roster_protocol::ids::ConnectionId;
use roster_protocol::retention::{Counted, HistoryLimit, PlatformRetention, Retention};
use roster_protocol::time::Timestamp;

use crate::app::setup::Setup;
use crate::app::{App, read_error};
use crate::decision::keep;
use crate::history::retention::NEVER;

/// What applies. `counts`: also what would become of it now, which reads all that is stored.
///
/// # Errors
/// When the store cannot be read.
pub async fn show(app: &App, counts: bool) -> Result<Retention, RosterError> {
    let (setup, now) = (app.setup(), app.clock.now());
    let mut counted: BTreeMap<String, Counted> = BTreeMap::new();
    if counts {
        let rules = Arc::new(app.look(|roster| keep::rules(roster, &setup.policy, &setup.config.sync.grid, now)));
        let tallies = app.store.would_retain(rules).await.map_err(|error| read_error(&error))?;
        app.look(|roster| {
            for (connection, tally) in tallies {
                let Some(connection) = roster.connections.get(&connection) else { continue };
                let sum = counted.entry(connection.platform.clone()).or_default();
                sum.accounts += 1;
                sum.days_to_weeks += tally.rolled;
                sum.days_deleted += tally.deleted;
                sum.weeks_deleted += tally.weeks;
                sum.reported_days_deleted += tally.reported;
                sum.until = sum.until.max(tally.newest_deleted);
            }
        });
    }
    let platforms = setup.policy.limits.iter().map(|(slug, limits)| PlatformRetention {
        platform: slug.clone(),
        public_days: limits.public,
        consent_days: limits.consent,
        after_consent_days: limits.after_consent,
        terms: setup.keeping.get(slug).map(|source| (*source).to_owned()),
        reason: setup.config.retention.platforms.get(slug).map(|own| own.reason.clone()),
        counted: counts.then(|| counted.get(slug).copied().unwrap_or_default()),
    });
    Ok(Retention {
        chosen_at: app.look(|roster| roster.retention.filter(|_| keep::is_chosen(roster)).map(|choice| choice.at)),
        snapshots_days: setup.config.retention.snapshots_days,
        runs_days: setup.config.retention.runs_days,
        audit_days: setup.config.retention.audit_days,
        next_at: setup.config.sync.grid.next_night(now),
        platforms: platforms.collect(),
    })
}

/// Where a connection's history ends, because measured numbers are not kept longer; `None` where they are, or where nothing
/// was chosen yet.
pub fn limit(app: &App, id: ConnectionId, now: Timestamp) -> Option<HistoryLimit> {
    let setup = app.setup();
    app.look(|roster| {
        let connection = roster.connections.get(&id).filter(|_| keep::is_chosen(roster))?;
        let rule = keep::rule(roster, &setup.policy, &setup.config.sync.grid, now, connection);
        let with = keep::read_with(roster, connection);
        let from = match with {
            ReadWith::Public => rule.public_from,
            ReadWith::Consent => rule.consent_from,
        };
        let limits = setup.policy.of(&connection.platform);
        let (from, days) = (from?, if with == ReadWith::Public { limits.public } else { limits.consent });
        let how = if with == ReadWith::Public { "without a consent" } else { "with a consent" };
        let what = match days.filter(|_| from != NEVER) {
            Some(days) => format!("read {how} are kept {days} days"),
            None => "read with a consent go when it has ended".to_owned(),
        };
        Some(HistoryLimit { from, why: format!("numbers {what}: {}", why(&setup, &connection.platform)) })
    })
}

/// Why a platform's numbers are kept no longer.
fn why(setup: &Setup, platform: &str) -> String {
    match setup.config.retention.platforms.get(platform) {
        Some(own) => own.reason.clone(),
        None => format!("its terms ({})", setup.keeping.get(platform).unwrap_or(&"")),
    }
}
