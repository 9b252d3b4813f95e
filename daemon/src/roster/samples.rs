//! A small roster and its rows, for tests: Mara with two accounts and Léa with one.

use std::sync::Arc;

use roster_protocol::alert::{About, AlertState};
use roster_protocol::audit::Who;
use roster_protocol::connection::{Snapshot, Source};
use roster_protocol::ids::{ConnectionId, ConsentId, DeliveryId, GrantId, InfluencerId, RunId};
use roster_protocol::metric::{MetricSet, Numbers, Ratio};
use roster_protocol::sync::{Cause, Outcome};
use roster_protocol::time::{Date, Timestamp};

use super::Roster;
use crate::model::{
    self, Alert, AlertsSince, Connection, Consent, ConsentStep, Delivery, DeliveryKey, DeliveryKind, DeliveryState,
    Grant, GrantState, GrantTokens, GrantUse, Influencer, Loaded, Run, Sealed,
};
use crate::platforms::{self, Platforms};
use crate::process::environment::Environment;

pub const NOON: Timestamp = Timestamp(1_795_262_400_000); // 2026-11-21T12:00:00Z
pub const TODAY: Date = Date(20_778); // 2026-11-21

pub const MARA: InfluencerId = InfluencerId::from_bytes([0x10; 5]);
pub const LEA: InfluencerId = InfluencerId::from_bytes([0x20; 5]);
/// Mara's accounts, and Léa's.
pub const SKY: ConnectionId = ConnectionId::from_bytes([0x31; 5]);
pub const TUBE: ConnectionId = ConnectionId::from_bytes([0x42; 5]);
pub const HERS: ConnectionId = ConnectionId::from_bytes([0x53; 5]);

pub fn influencer(id: InfluencerId, name: &str) -> Influencer {
    Influencer { id, name: name.into(), tags: vec![], note: None, paused: false, main: None, added_at: Timestamp(0) }
}

/// When the samples are due: an hour after noon.
pub const DUE: Timestamp = Timestamp(NOON.0 + 3_600_000);

pub fn connection(id: ConnectionId, influencer: InfluencerId, platform: &str, handle: &str) -> Connection {
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
        next_due_at: DUE,
        slot_at: DUE,
        last_synced_at: None,
        failures: 0,
        trouble: None,
        profile: None,
        latest: None,
        first_day: None,
        by_hand: None,
        absent: vec![],
        read_until: None,
    }
}

/// A run at noon.
pub fn run(connection: ConnectionId, influencer: InfluencerId, platform: &str, outcome: Outcome) -> Run {
    Run {
        id: RunId::from_bytes(connection.0),
        connection,
        influencer,
        platform: platform.into(),
        due_at: NOON,
        slot_at: NOON,
        missed: 0,
        started_at: NOON,
        duration_ms: 5,
        outcome,
        cause: Cause::Schedule,
        is_retry: false,
        followers: None,
        error: None,
        retry_at: None,
    }
}

pub fn alert(number: u64, state: AlertState, about: About) -> Alert {
    Alert { state, ..model::samples::alert(number, about) }
}

pub fn about(connection: ConnectionId, influencer: InfluencerId) -> About {
    About::Connection { connection, influencer, platform: "bluesky".into() }
}

pub fn grant(number: u8, state: GrantState) -> Grant {
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
        data_ends_at: None,
        state,
    }
}

pub fn tokens(number: u8, generation: u64) -> GrantTokens {
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

pub fn ended() -> GrantState {
    GrantState::Ended { at: Timestamp(5), why: "the owner ended it".into() }
}

pub fn used(connection: ConnectionId, number: u8) -> GrantUse {
    GrantUse { connection, grant: GrantId::from_bytes([number; 5]) }
}

/// What Ana requested for Mara on YouTube; it waits ten minutes more.
pub fn consent(handle: Option<&str>, step: ConsentStep) -> Consent {
    Consent {
        id: ConsentId::from_bytes([0x70; 5]),
        who: Who { uid: 1000, name: "ana".into() },
        influencer: MARA,
        platform: "youtube".into(),
        handle: handle.map(str::to_owned),
        redirect_uri: String::new(),
        state_hash: [0; 32],
        verifier: None,
        device: None,
        begun_at: Timestamp(0),
        expires_at: NOON.plus_seconds(600),
        step,
    }
}

/// What was measured on the day of [`NOON`].
pub fn measured(followers: Option<u64>, engagement_rate: Option<i64>) -> Snapshot {
    let numbers = Numbers { followers, engagement_rate: engagement_rate.map(Ratio), ..Numbers::default() };
    let (observed_at, source) = (NOON, Source::Api);
    Snapshot {
        date: TODAY,
        observed_at,
        source,
        followers_step: None,
        definition: 1,
        read_with: None,
        by_hand: MetricSet::default(),
        numbers,
    }
}

/// The usual platforms, all switched on.
pub fn known_platforms() -> Platforms {
    let all = platforms::register(&Default::default(), None, &Environment::default()).expect("the usual platforms");
    all.into_iter().map(|known| (known.platform.info().slug.to_owned(), Arc::new(known))).collect()
}

/// Mara's and Léa's rows as they are stored.
pub fn loaded() -> Loaded {
    Loaded {
        influencers: vec![influencer(MARA, "Mara"), influencer(LEA, "Léa")],
        connections: vec![
            connection(SKY, MARA, "bluesky", "mara.example"),
            connection(TUBE, MARA, "youtube", "@mara"),
            connection(HERS, LEA, "bluesky", "lea.example"),
        ],
        alerts_since: Some(AlertsSince(Timestamp(0))),
        ..Loaded::default()
    }
}

/// Both on the roster.
pub fn roster() -> Roster {
    Roster::new(loaded(), known_platforms())
}

/// A delivery of an alert that opened.
pub fn delivery(alert: u64, channel: &str, state: DeliveryState) -> Delivery {
    Delivery {
        id: DeliveryId::from_bytes([alert as u8; 5]),
        key: DeliveryKey::of(alert, channel, DeliveryKind::Opened),
        state,
        attempts: 0,
        next_at: (state == DeliveryState::Pending).then_some(NOON),
        last_error: None,
        delivered_at: None,
        queued_at: NOON,
        tried_at: None,
        held: false,
        message: None,
        receipt: None,
        members: 0,
    }
}
