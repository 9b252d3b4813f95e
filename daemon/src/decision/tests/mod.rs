//! Each verb's decision over a small roster: what it commits, and what it refuses.

mod consents;
mod edits;
mod erasing;
mod groups;
mod handles;
mod leases;
mod keeping;
mod reported;
mod routes;
mod rules;
mod silences;
mod undo;
mod warnings;
mod webhooks;

use jiff::tz::TimeZone;
use roster_protocol::alert::{About, AlertState};
use roster_protocol::audit::Who;
use roster_protocol::error::{ErrorKind, RosterError};
use roster_protocol::ids::{AlertId, ConnectionId, GrantId, InfluencerId};
use roster_protocol::metric::Ratio;
use roster_protocol::time::{Seconds, Timestamp};

use super::{Decision, Dice};
use crate::model::{
    Alert, Commit, Connection, ConsentsCommit, Grant, GrantState, GrantTokens, GrantUse, Influencer, RosterCommit,
    Sealed,
};
use crate::roster::Roster;
use crate::roster::samples::*;
use crate::schedule::Grid;

fn ana() -> Who {
    Who { uid: 1000, name: "ana".into() }
}

/// Mara with two accounts and Léa with one, at noon.
struct Scene {
    roster: Roster,
    grid: Grid,
    dice: Dice,
    now: Timestamp,
}

impl Scene {
    fn new() -> Self {
        Self {
            roster: roster(),
            grid: Grid { zone: TimeZone::UTC, daily: Some(jiff::civil::time(2, 0, 0, 0)), interval: Seconds(6 * 3600) },
            dice: Dice(fastrand::Rng::with_seed(7)),
            now: NOON,
        }
    }

    /// The roster after something else was committed.
    fn after(mut self, commit: impl Into<Commit>) -> Self {
        self.roster.apply(&commit.into());
        self
    }

    fn with_connection(self, connection: Connection) -> Self {
        self.after(RosterCommit { connections: vec![connection], ..RosterCommit::default() })
    }

    fn with_alerts(self, alerts: Vec<Alert>) -> Self {
        let mut commit = Commit::default();
        commit.alerting.alerts = alerts;
        self.after(commit)
    }

    /// Grants with tokens of generation 1, and what is read with them.
    fn with_grants(self, grants: Vec<Grant>, grant_uses: Vec<GrantUse>) -> Self {
        let tokens = grants.iter().map(|grant| GrantTokens { grant: grant.id, ..tokens(0, 1) }).collect();
        self.after(ConsentsCommit { grants, tokens, grant_uses, ..ConsentsCommit::default() })
    }

    /// What a decision returns and commits now, at noon unless that was changed; the roster stays as it is.
    fn decide<T>(&mut self, decide: impl FnOnce(&mut Decision<'_>) -> T) -> (T, Commit) {
        let mut decision = Decision::new(&self.roster, &self.grid, Ratio(100_000), self.now, &mut self.dice);
        let result = decide(&mut decision);
        (result, decision.commit)
    }

    /// The same of one that succeeds.
    fn commit<T>(&mut self, decide: impl FnOnce(&mut Decision<'_>) -> Result<T, RosterError>) -> (T, Commit) {
        let (result, commit) = self.decide(decide);
        (result.expect("it succeeds"), commit)
    }

    /// Why a decision is refused.
    fn refusal<T>(&mut self, decide: impl FnOnce(&mut Decision<'_>) -> Result<T, RosterError>) -> RosterError {
        self.decide(decide).0.err().expect("it is refused")
    }
}

/// Each line of the audit log: what was done, to what, what it was and what it is.
fn lines(commit: &Commit) -> Vec<String> {
    let shown = |text: &Option<String>| text.clone().unwrap_or("–".into());
    let line = |line: &crate::model::AuditLine| {
        format!("{} {}: {} -> {}", line.action, line.on, shown(&line.old), shown(&line.new))
    };
    commit.audit.lines.iter().map(line).collect()
}

fn kinds(error: &RosterError) -> (ErrorKind, String) {
    (error.kind, error.hint.clone().unwrap_or_default())
}
