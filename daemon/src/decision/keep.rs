//! What may be kept of each connection, and what follows in memory and in the log when the rest was deleted. Pure.

use std::collections::BTreeMap;

use roster_protocol::audit::Who;
use roster_protocol::connection::{ReadWith, Source};
use roster_protocol::ids::ConnectionId;
use roster_protocol::rule::Happening;
use roster_protocol::status::ApiAccess;
use roster_protocol::time::{Date, Timestamp};

use super::audit::audit;
use super::{Decision, troubles};
use crate::history::retention::{DEFAULTS, Policy, Rule, Rules, Tallies, Tally, sort};
use crate::model::{AuditLine, Connection, GrantState, ReadUntil, RetentionChoice};
use crate::roster::Roster;
use crate::schedule::Grid;

/// Changes older than this are deleted; the snapshots still have their numbers.
pub const CHANGES_KEPT_DAYS: i64 = 400;

/// The rules for every connection, disconnected ones too.
pub fn rules(roster: &Roster, policy: &Policy, grid: &Grid, now: Timestamp) -> Rules {
    let today = grid.date_of(now);
    let daily_from = policy.daily_from(today);
    let rule =
        |connection: &Connection| (connection.id, rule_from(roster, policy, grid, today, daily_from, connection));
    roster.connections.values().map(rule).collect()
}

/// The rule for one connection.
pub fn rule(roster: &Roster, policy: &Policy, grid: &Grid, now: Timestamp, connection: &Connection) -> Rule {
    let today = grid.date_of(now);
    rule_from(roster, policy, grid, today, policy.daily_from(today), connection)
}

fn rule_from(
    roster: &Roster,
    policy: &Policy,
    grid: &Grid,
    today: Date,
    daily_from: Date,
    connection: &Connection,
) -> Rule {
    let ended = consent_ended(roster, connection).map(|at| grid.date_of(at));
    policy.of(&connection.platform).rule(daily_from, today, read_with(roster, connection), ended)
}

/// How a connection is read now.
pub fn read_with(roster: &Roster, connection: &Connection) -> ReadWith {
    let platform = roster.platforms.get(&connection.platform);
    let needs_consent = platform.is_some_and(|known| known.platform.info().access == ApiAccess::Consent);
    match needs_consent || roster.consents.grant_of(connection.id).is_some() {
        true => ReadWith::Consent,
        false => ReadWith::Public,
    }
}

/// When the consent that a connection was read with ended; `None` while it lasts, or where there was none.
fn consent_ended(roster: &Roster, connection: &Connection) -> Option<Timestamp> {
    let grant = roster.consents.grant_of(connection.id).and_then(|grant| match &grant.state {
        GrantState::Ended { at, .. } => Some(*at),
        GrantState::Revoking { since, .. } => Some(*since),
        GrantState::Live => None,
    });
    connection.disconnected_at.or(grant)
}

/// Records that someone saw what is deleted, and chose it.
pub fn choose(decision: &mut Decision<'_>, who: &Who) {
    decision.log(audit(decision, who, "retention.choose", "rosterd"));
    decision.commit.roster.retention = Some(RetentionChoice { at: decision.now, defaults: DEFAULTS });
}

/// Whether what this rosterd deletes was chosen.
pub fn is_chosen(roster: &Roster) -> bool {
    roster.retention.is_some_and(|choice| choice.defaults >= DEFAULTS)
}

/// Takes back from memory what was deleted, and logs how much it was, a line for each platform. `reasons` has the reason
/// why a platform's numbers are deleted.
pub fn deleted(decision: &mut Decision<'_>, rules: &Rules, tallies: &Tallies, reasons: &BTreeMap<String, String>) {
    for (id, rule) in rules {
        expire(decision, *id, rule);
    }
    let mut by_platform: BTreeMap<&str, (u64, Tally)> = BTreeMap::new();
    for (id, tally) in tallies {
        let Some(connection) = decision.roster.connections.get(id) else { continue };
        let (connections, sum) = by_platform.entry(&connection.platform).or_default();
        *connections += 1;
        sum.add(tally);
    }
    let lines: Vec<AuditLine> = by_platform
        .into_iter()
        .flat_map(|(platform, (connections, tally))| {
            let reason = reasons.get(platform).map_or("retention", String::as_str);
            lines(decision.now, platform, connections, &tally, reason)
        })
        .collect();
    lines.into_iter().for_each(|line| decision.log(line));
}

fn lines(now: Timestamp, platform: &str, connections: u64, tally: &Tally, reason: &str) -> Vec<AuditLine> {
    let line = |action: &str, old: String, cause: &str| AuditLine {
        at: now,
        who: None,
        action: action.to_owned(),
        on: platform.into(),
        old: Some(old),
        new: None,
        cause: cause.to_owned(),
        sealed: None,
    };
    let accounts = if connections == 1 { "1 account".to_owned() } else { format!("{connections} accounts") };
    let mut lines = Vec::new();
    if tally.rolled > 0 {
        lines.push(line("retention.weeks", format!("{} days of {accounts}", tally.rolled), "retention"));
    }
    if let Some(newest) = tally.newest_deleted {
        let counts = [(tally.deleted, "days"), (tally.weeks, "weeks"), (tally.reported, "reported days")];
        let counts = counts.iter().filter(|(count, what)| *count > 0 || *what == "days");
        let counts: Vec<String> = counts.map(|(count, what)| format!("{count} {what}")).collect();
        let old = format!("{} of {accounts}, to {newest}", counts.join(" and "));
        lines.push(line("retention.delete", old, reason));
    }
    lines
}

/// Takes back what memory has of a connection's days that are deleted.
fn expire(decision: &mut Decision<'_>, id: ConnectionId, rule: &Rule) {
    let Some(from) = rule.deletes_before() else { return };
    let Some(connection) = decision.roster.connections.get(&id) else { return };
    decision.commit.sync.expired.push((id, from));
    // With the newest of the reported days all of them are gone: with another consent they are read from the beginning.
    let is_gone = |until: &ReadUntil| until.day.is_some_and(|day| rule.deletes_reported(day));
    let read_until = connection.read_until.filter(|until| !is_gone(until));
    let sorted = connection
        .latest
        .as_ref()
        .filter(|latest| latest.date < from)
        .map(|latest| sort(&rule.without_weeks(), vec![latest.clone()]))
        .filter(|sorted| sorted.tally.deleted > 0);
    let connection = match sorted {
        // What the profile followed is not known any more either, unless a person gave it.
        Some(sorted) => Connection {
            latest: sorted.left.into_iter().next(),
            profile: connection.profile.clone().filter(|profile| profile.source != Source::Api),
            read_until,
            ..connection.clone()
        },
        None if read_until != connection.read_until => Connection { read_until, ..connection.clone() },
        None => return,
    };
    decision.commit.roster.connections.push(connection);
}

/// Opens an alert while the store is larger than its budget, and resolves it when it is not.
pub fn watch_size(decision: &mut Decision<'_>, bytes: u64, budget: Option<u64>) {
    let over = budget.filter(|budget| bytes > *budget);
    let wrong = over.map(|budget| {
        format!(
            "the store takes {} MB, more than [retention] size, {} MB: keep less, or raise it; end rosterd and \
             `rosterd compact` gives back what is free in the file",
            bytes / 1_000_000,
            budget / 1_000_000
        )
    });
    troubles::follow(decision, Happening::StoreSize, wrong);
}
