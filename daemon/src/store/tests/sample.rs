//! Things to store.

use roster_protocol::alert::{AlertState, ChangeCause, Severity};
use roster_protocol::connection::{Profile, Snapshot, Source};
use roster_protocol::ids::{AlertId, ConnectionId, DeliveryId, InfluencerId, RunId};
use roster_protocol::metric::{AgeRange, Mean, Metric, Numbers, Ratio};
use roster_protocol::sync::{Cause, Outcome};
use roster_protocol::time::{Date, Seconds, Timestamp};

use crate::model::{
    Alert, AuditLine, Change, Connection, Delivery, DeliveryState, Hold, Influencer, Run, Trouble, TroubleKind,
};

pub(super) const FIRST_DAY: i32 = 20_700;

pub(super) fn connection_id(which: u8) -> ConnectionId {
    ConnectionId::from_bytes([which.wrapping_mul(83), which, 7, 7, 7])
}

pub(super) fn influencer_id(which: u8) -> InfluencerId {
    InfluencerId::from_bytes([which, 1, 1, 1, 1])
}

pub(super) fn at(seed: u32) -> Timestamp {
    Timestamp(1_790_000_000_000 + i64::from(seed) * 1000)
}

pub(super) fn influencer(which: u8, seed: u32) -> Influencer {
    Influencer {
        id: influencer_id(which),
        name: format!("Ada {seed}"),
        tags: (0..seed % 3).map(|tag| format!("tag{tag}")).collect(),
        note: (seed % 2 == 0).then(|| "ñ".repeat(seed as usize % 50)),
        paused: seed % 5 == 0,
        main: (seed % 3 == 0).then(|| connection_id(which)),
        added_at: at(seed),
    }
}

pub(super) fn connection(which: u8, seed: u32) -> Connection {
    Connection {
        id: connection_id(which),
        influencer: influencer_id(which % 3),
        platform: "youtube".to_owned(),
        handle: format!("@ada{seed}"),
        platform_user_id: (seed % 2 == 0).then(|| format!("UC{seed}")),
        connected_at: at(0),
        disconnected_at: (seed % 11 == 0).then(|| at(seed)),
        paused: seed % 7 == 0,
        interval: (seed % 3 == 0).then_some(Seconds(86_400)),
        next_due_at: at(seed + 100),
        slot_at: at(seed + 90),
        last_synced_at: Some(at(seed)),
        failures: seed % 4,
        trouble: (seed % 3 == 1).then(|| Trouble {
            kind: TroubleKind::RateLimited,
            message: "come back later".to_owned(),
            since: at(seed),
            retry_at: Some(at(seed + 60)),
        }),
        profile: (seed % 2 == 1).then(|| Profile {
            followers: Some(u64::from(seed)),
            engagement_rate: Some(Ratio(52_500)),
            avg_likes: None,
            as_of: at(seed),
            source: Source::Manual,
        }),
        latest: (seed % 4 > 0).then(|| snapshot(Date(FIRST_DAY + 3), seed)),
        // Reading begins here, whatever was stored: the tests store nothing earlier.
        first_day: Some(Date(FIRST_DAY)),
    }
}

pub(super) fn snapshot(date: Date, seed: u32) -> Snapshot {
    let number = u64::from(seed);
    Snapshot {
        date,
        observed_at: Timestamp(i64::from(date.0) * 86_400_000 + i64::from(seed % 80_000) * 1000),
        source: [Source::Api, Source::Manual, Source::Import][seed as usize % 3],
        followers_step: (seed % 9 == 0).then_some(1000),
        definition: (seed % 2) as u16,
        numbers: Numbers {
            followers: (seed % 8 > 0).then_some(10_000 + number),
            following: Some(number % 900),
            posts: (seed % 5 > 0).then_some(number % 77),
            engagement_rate: Some(Ratio(52_500 - i64::from(seed % 9_999))),
            avg_likes: Some(Mean(61_040 + number * 13)),
            avg_comments: (seed % 3 > 0).then_some(Mean(400 + number)),
            avg_views: None,
            audience_male: (seed % 7 == 0).then_some(Ratio(480_000)),
            audience_female: (seed % 7 == 0).then_some(Ratio(520_000)),
            top_age_range: (seed % 7 == 0).then_some(AgeRange::From25To34),
        },
    }
}

pub(super) fn run(which: u8, seed: u32) -> Run {
    Run {
        id: RunId::from_bytes([seed as u8, 2, 2, 2, which]),
        connection: connection_id(which),
        influencer: influencer_id(which % 3),
        platform: "youtube".to_owned(),
        due_at: at(seed),
        started_at: at(seed + 1),
        duration_ms: u64::from(seed % 999),
        outcome: [Outcome::Ok, Outcome::Partial, Outcome::Failed, Outcome::Skipped][seed as usize % 4],
        cause: [Cause::Schedule, Cause::Person, Cause::CatchUp, Cause::Push][seed as usize % 4],
        is_retry: seed % 2 == 0,
        followers: (seed % 4 == 0).then_some(5),
        error: (seed % 4 == 2).then(|| "they did not answer".to_owned()),
        retry_at: (seed % 4 == 3).then(|| at(seed + 9)),
    }
}

pub(super) fn change(which: u8, seed: u32) -> Change {
    Change {
        at: at(seed),
        influencer: influencer_id(which % 3),
        connection: connection_id(which),
        platform: "youtube".to_owned(),
        metric: Metric::ALL[seed as usize % 9],
        from: (seed % 2 == 0).then_some(12_345.0),
        to: Some(f64::from(seed)),
        cause: [ChangeCause::Sync, ChangeCause::Manual, ChangeCause::Import][seed as usize % 3],
        significant: seed % 3 == 0,
    }
}

pub(super) fn alert(number: u64, seed: u32) -> Alert {
    Alert {
        number,
        id: AlertId::from_bytes([number as u8; 5]),
        state: AlertState::ALL[seed as usize % 3],
        rule: "significant-change".to_owned(),
        severity: [Severity::Info, Severity::Warning, Severity::Critical][seed as usize % 3],
        influencer: influencer_id(1),
        connection: connection_id(1),
        platform: "youtube".to_owned(),
        metric: (seed % 2 == 0).then_some(Metric::Followers),
        from: Some(12_345.0),
        to: None,
        opened_at: at(seed),
        ended_at: (seed % 3 > 0).then(|| at(seed + 5)),
        acknowledged_by: (seed % 3 == 1).then(|| "ada".to_owned()),
        why: format!("followers fell by {seed}"),
    }
}

pub(super) fn delivery(alert: u64, seed: u32) -> Delivery {
    Delivery {
        id: DeliveryId::from_bytes([seed as u8; 5]),
        alert,
        channel: ["desktop", "mail"][seed as usize % 2].to_owned(),
        state: [DeliveryState::Pending, DeliveryState::Delivered, DeliveryState::Dead][seed as usize % 3],
        attempts: seed % 10,
        next_at: (seed % 3 == 0).then(|| at(seed)),
        last_error: (seed % 5 == 0).then(|| "refused".to_owned()),
        delivered_at: (seed % 3 == 1).then(|| at(seed)),
    }
}

pub(super) fn line(seed: u32) -> AuditLine {
    AuditLine {
        at: at(seed),
        who: (seed % 2 == 0).then(|| roster_protocol::audit::Who { uid: seed, name: "ada".to_owned() }),
        action: "profile.update".to_owned(),
        on: format!("Ada {seed}"),
        old: Some("1".to_owned()),
        new: None,
        cause: "person".to_owned(),
    }
}

pub(super) fn hold(seed: u32) -> Hold {
    Hold { scope: format!("youtube/{}", seed % 3), until: at(seed), reason: "429".to_owned() }
}

/// How many times as much a test tries: 1, or what `ROSTER_THOROUGH` says at night.
pub(super) fn thorough() -> u64 {
    std::env::var("ROSTER_THOROUGH").ok().and_then(|times| times.parse().ok()).unwrap_or(1)
}
