//! Each verb's decision over a small roster: what it commits, and what it refuses.

mod consents;
mod edits;

use std::sync::Arc;

use jiff::tz::TimeZone;
use roster_protocol::alert::{About, AlertState, Severity};
use roster_protocol::audit::Who;
use roster_protocol::error::{ErrorKind, RosterError};
use roster_protocol::ids::{AlertId, ConnectionId, GrantId, InfluencerId};
use roster_protocol::metric::{Metric, Ratio};
use roster_protocol::time::{Seconds, Timestamp};

use super::{Decision, Dice};
use crate::model::{
    Alert, Commit, Connection, ConsentsCommit, Grant, GrantState, GrantTokens, GrantUse, Influencer, Loaded,
    RosterCommit, Sealed,
};
use crate::platforms;
use crate::process::environment::Environment;
use crate::roster::Roster;
use crate::schedule::Grid;

const NOON: Timestamp = Timestamp(1_795_262_400_000); // 2026-11-21T12:00:00Z

const MARA: InfluencerId = InfluencerId::from_bytes([0x10; 5]);
const LEA: InfluencerId = InfluencerId::from_bytes([0x20; 5]);
/// Mara's accounts, and Léa's.
const SKY: ConnectionId = ConnectionId::from_bytes([0x31; 5]);
const TUBE: ConnectionId = ConnectionId::from_bytes([0x42; 5]);
const HERS: ConnectionId = ConnectionId::from_bytes([0x53; 5]);

fn influencer(id: InfluencerId, name: &str) -> Influencer {
    Influencer { id, name: name.into(), tags: vec![], note: None, paused: false, main: None, added_at: Timestamp(0) }
}

/// Due an hour after noon.
fn connection(id: ConnectionId, influencer: InfluencerId, platform: &str, handle: &str) -> Connection {
    let later = NOON.plus_seconds(3600);
    Connection {
        id,
        influencer,
        platform: platform.into(),
        handle: handle.into(),
        platform_user_id: Some(format!("id:{handle}")),
        connected_at: Timestamp(0),
        disconnected_at: None,
        paused: false,
        interval: None,
        next_due_at: later,
        slot_at: later,
        last_synced_at: None,
        failures: 0,
        trouble: None,
        profile: None,
        latest: None,
        first_day: None,
        by_hand: None,
    }
}

fn alert(number: u64, state: AlertState, about: About) -> Alert {
    Alert {
        number,
        id: AlertId::from_bytes([number as u8; 5]),
        state,
        rule: "significant_change".into(),
        severity: Severity::Warning,
        about,
        metric: Some(Metric::Followers),
        from: Some(10.0),
        to: Some(5.0),
        opened_at: Timestamp(0),
        ended_at: None,
        acknowledged_by: None,
        why: "followers fell".into(),
    }
}

fn about(connection: ConnectionId, influencer: InfluencerId) -> About {
    About::Connection { connection, influencer, platform: "bluesky".into() }
}

fn grant(number: u8, state: GrantState) -> Grant {
    Grant {
        id: GrantId::from_bytes([number; 5]),
        realm: "google".into(),
        platform: "youtube".into(),
        owner_id: format!("owner{number}"),
        owner_name: "Mara".into(),
        scopes: vec!["read".into()],
        missing: vec![],
        granted_at: Timestamp(0),
        checked_at: Timestamp(0),
        state,
    }
}

fn tokens(number: u8, generation: u64) -> GrantTokens {
    GrantTokens {
        grant: GrantId::from_bytes([number; 5]),
        generation,
        access: Sealed(vec![number]),
        refresh: None,
        derived: vec![],
        renewed_at: Timestamp(0),
        access_ends_at: None,
        refresh_ends_at: None,
        renew_at: None,
        failures: 0,
        last_error: None,
        attempt: None,
    }
}

fn ended() -> GrantState {
    GrantState::Ended { at: Timestamp(5), why: "the owner ended it".into() }
}

fn used(connection: ConnectionId, number: u8) -> GrantUse {
    GrantUse { connection, grant: GrantId::from_bytes([number; 5]) }
}

fn ana() -> Who {
    Who { uid: 1000, name: "ana".into() }
}

/// Mara with two accounts and Léa with one, at noon.
struct Scene {
    roster: Roster,
    grid: Grid,
    dice: Dice,
}

impl Scene {
    fn new() -> Self {
        let all = platforms::register(&Default::default(), None, &Environment::default()).expect("the usual platforms");
        let known = all.into_iter().map(|known| (known.platform.info().slug.to_owned(), Arc::new(known)));
        let loaded = Loaded {
            influencers: vec![influencer(MARA, "Mara"), influencer(LEA, "Léa")],
            connections: vec![
                connection(SKY, MARA, "bluesky", "mara.example"),
                connection(TUBE, MARA, "youtube", "@mara"),
                connection(HERS, LEA, "bluesky", "lea.example"),
            ],
            ..Loaded::default()
        };
        Self {
            roster: Roster::new(loaded, known.collect()),
            grid: Grid { zone: TimeZone::UTC, daily: Some(jiff::civil::time(2, 0, 0, 0)), interval: Seconds(6 * 3600) },
            dice: Dice(fastrand::Rng::with_seed(7)),
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

    /// What a decision at noon returns and commits; the roster stays as it is.
    fn decide<T>(&mut self, decide: impl FnOnce(&mut Decision<'_>) -> T) -> (T, Commit) {
        let mut decision = Decision::new(&self.roster, &self.grid, Ratio(100_000), NOON, &mut self.dice);
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
