//! Sample values to store.

use roster_protocol::alert::{About, AlertState, ChangeCause, Explained, Severity};
use roster_protocol::connection::{ByHand, Profile, ReadWith, Snapshot, Source};
use roster_protocol::ids::{AlertId, ConnectionId, DeliveryId, InfluencerId, RunId};
use roster_protocol::metric::{AgeRange, Mean, Metric, Numbers, Ratio};
use roster_protocol::reported::{Audience, AudienceOf, DayMetric, Gender, ReportedDay};
use roster_protocol::rule::Window;
use roster_protocol::status::{Adoption, Coverage, DataQuality, DayFigures};
use roster_protocol::sync::{Cause, Outcome};
use roster_protocol::time::{Date, Seconds, Timestamp};

use crate::model::{
    Absence, Alert, AudienceOn, AuditLine, BudgetKey, BudgetUse, Change, Connection, Delivery, DeliveryKey,
    DeliveryKind, DeliveryState, HandDay, Hold, Influencer, On, ReadUntil, ReportedLimit, Run, Trouble, TroubleKind,
};
use crate::store::{ChangesQuery, RunsQuery};

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
        note: seed.is_multiple_of(2).then(|| "ñ".repeat(seed as usize % 50)),
        paused: seed.is_multiple_of(5),
        main: seed.is_multiple_of(3).then(|| connection_id(which)),
        added_at: at(seed),
    }
}

pub(super) fn connection(which: u8, seed: u32) -> Connection {
    Connection {
        id: connection_id(which),
        influencer: influencer_id(which % 3),
        platform: "youtube".to_owned(),
        handle: format!("@ada{seed}"),
        platform_user_id: seed.is_multiple_of(2).then(|| format!("UC{seed}")),
        connected_at: at(0),
        disconnected_at: seed.is_multiple_of(11).then(|| at(seed)),
        paused: seed.is_multiple_of(7),
        interval: seed.is_multiple_of(3).then_some(Seconds(86_400)),
        next_due_at: at(seed + 100),
        slot_at: at(seed + 90),
        last_synced_at: Some(at(seed)),
        failures: seed % 4,
        trouble: (seed % 3 == 1).then(|| Trouble {
            kind: TroubleKind::RateLimited,
            message: "come back later".to_owned(),
            since: at(seed),
            retry_at: Some(at(seed + 60)),
            moved_to: seed.is_multiple_of(2).then(|| "mara@new.example".to_owned()),
        }),
        profile: (seed % 2 == 1).then(|| Profile {
            followers: Some(u64::from(seed)),
            engagement_rate: Some(Ratio(52_500)),
            avg_likes: None,
            as_of: at(seed),
            source: Source::Manual,
        }),
        latest: (!seed.is_multiple_of(4)).then(|| snapshot(Date(FIRST_DAY + 3), seed)),
        // Reading begins here, whatever was stored: the tests store nothing earlier.
        first_day: Some(Date(FIRST_DAY)),
        by_hand: seed.is_multiple_of(5).then(|| HandDay {
            date: Date(FIRST_DAY + 3),
            numbers: vec![ByHand { metric: Metric::Followers, kept: seed.is_multiple_of(2) }],
        }),
        read_until: seed.is_multiple_of(2).then(|| ReadUntil { at: at(seed), day: Some(Date(FIRST_DAY)) }),
        absent: (0..seed % 3).map(|it| Absence { metric: Metric::ALL[it as usize], since: at(seed) }).collect(),
    }
}

pub(super) fn snapshot(date: Date, seed: u32) -> Snapshot {
    let number = u64::from(seed);
    Snapshot {
        date,
        observed_at: Timestamp(i64::from(date.0) * 86_400_000 + i64::from(seed % 80_000) * 1000),
        source: [Source::Api, Source::Manual, Source::Import][seed as usize % 3],
        followers_step: seed.is_multiple_of(9).then_some(1000),
        definition: (seed % 2) as u16,
        read_with: [None, Some(ReadWith::Public), Some(ReadWith::Consent)][seed as usize % 5 % 3],
        by_hand: Metric::ALL.into_iter().filter(|metric| seed % 3 == 1 && (seed >> *metric as u32) & 1 == 1).collect(),
        numbers: Numbers {
            followers: (!seed.is_multiple_of(8)).then_some(10_000 + number),
            following: Some(number % 900),
            posts: (!seed.is_multiple_of(5)).then_some(number % 77),
            engagement_rate: Some(Ratio(52_500 - i64::from(seed % 9_999))),
            avg_likes: Some(Mean(61_040 + number * 13)),
            avg_comments: (!seed.is_multiple_of(3)).then_some(Mean(400 + number)),
            avg_views: None,
            avg_reach: seed.is_multiple_of(4).then_some(Mean(90_000 + number)),
            avg_reposts: seed.is_multiple_of(6).then_some(Mean(number)),
            audience_male: seed.is_multiple_of(7).then_some(Ratio(480_000)),
            audience_female: seed.is_multiple_of(7).then_some(Ratio(520_000)),
            top_age_range: seed.is_multiple_of(7).then_some(AgeRange::From25To34),
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
        slot_at: at(seed - seed % 2),
        missed: u64::from(seed % 4 / 3 * (seed % 5)),
        started_at: at(seed + 1),
        duration_ms: u64::from(seed % 999),
        outcome: [Outcome::Ok, Outcome::Partial, Outcome::Failed, Outcome::Skipped][seed as usize % 4],
        cause: [Cause::Schedule, Cause::Person, Cause::CatchUp, Cause::Push][seed as usize % 4],
        is_retry: seed.is_multiple_of(2),
        followers: seed.is_multiple_of(4).then_some(5),
        error: (seed % 4 == 2).then(|| "no response".to_owned()),
        retry_at: (seed % 4 == 3).then(|| at(seed + 9)),
    }
}

pub(super) fn change(which: u8, seed: u32) -> Change {
    Change {
        at: at(seed),
        influencer: influencer_id(which % 3),
        connection: connection_id(which),
        platform: "youtube".to_owned(),
        metric: Metric::ALL[seed as usize % Metric::ALL.len()],
        from: seed.is_multiple_of(2).then_some(12_345.0),
        to: Some(f64::from(seed)),
        cause: [ChangeCause::Sync, ChangeCause::Manual, ChangeCause::Import][seed as usize % 3],
        significant: seed.is_multiple_of(3),
    }
}

pub(super) fn alert(number: u64, seed: u32) -> Alert {
    Alert {
        number,
        id: AlertId::from_bytes([number as u8; 5]),
        state: AlertState::ALL[seed as usize % 3],
        rule: "significant-change".to_owned(),
        severity: [Severity::Info, Severity::Warning, Severity::Critical][seed as usize % 3],
        about: match seed % 5 {
            0 => About::Influencer(influencer_id(1)),
            1 => About::Platform("youtube".to_owned()),
            2 => About::Daemon,
            _ => About::Connection {
                connection: connection_id(1),
                influencer: influencer_id(1),
                platform: "youtube".to_owned(),
            },
        },
        metric: seed.is_multiple_of(2).then_some(Metric::Followers),
        from: Some(12_345.0),
        to: None,
        opened_at: at(seed),
        ended_at: (!seed.is_multiple_of(3)).then(|| at(seed + 5)),
        acknowledged_by: (seed % 3 == 1).then(|| "ada".to_owned()),
        acknowledged_at: (seed % 3 == 1).then(|| at(seed + 4)),
        note: seed.is_multiple_of(4).then(|| "seen".to_owned()),
        assigned_to: seed.is_multiple_of(5).then(|| "ben".to_owned()),
        assigned_at: seed.is_multiple_of(10).then(|| at(seed + 3)),
        group: seed.is_multiple_of(6).then(|| AlertId::from_bytes([9; 5])),
        members: u64::from(seed % 7),
        silenced: seed.is_multiple_of(8),
        explained: Explained {
            window: seed.is_multiple_of(2).then_some(Window::Week),
            from_at: Some(at(seed)),
            usual: Some(Ratio(3_000)),
            peers: seed.is_multiple_of(3).then_some(Ratio(-1_000)),
            step: Some(100),
            score: Some(f64::from(seed)),
        },
        why: format!("followers fell by {seed}"),
    }
}

pub(super) fn delivery(alert: u64, seed: u32) -> Delivery {
    Delivery {
        id: DeliveryId::from_bytes([seed as u8; 5]),
        key: DeliveryKey::of(alert, ["desktop", "mail"][seed as usize % 2], DeliveryKind::ALL[seed as usize % 5]),
        state: DeliveryState::ALL[seed as usize % 4],
        attempts: seed % 10,
        next_at: seed.is_multiple_of(4).then(|| at(seed)),
        last_error: seed.is_multiple_of(5).then(|| "refused".to_owned()),
        delivered_at: (seed % 4 == 1).then(|| at(seed)),
        queued_at: at(seed),
        tried_at: seed.is_multiple_of(2).then(|| at(seed)),
        held: seed.is_multiple_of(7),
        message: seed.is_multiple_of(7).then(|| DeliveryId::from_bytes([3; 5])),
        receipt: (seed % 4 == 1).then(|| "ok".to_owned()),
        members: u64::from(seed / 7),
    }
}

pub(super) fn line(seed: u32) -> AuditLine {
    AuditLine {
        at: at(seed),
        who: seed.is_multiple_of(2).then(|| roster_protocol::audit::Who { uid: seed, name: "ada".to_owned() }),
        action: "profile.update".to_owned(),
        on: On::of(influencer_id(1), "abc", format!("Ada {seed}")),
        old: Some("1".to_owned()),
        new: None,
        cause: "person".to_owned(),
        sealed: None,
    }
}

pub(super) fn hold(seed: u32) -> Hold {
    Hold { lane: format!("youtube/{}", seed % 3), until: at(seed), reason: "429".to_owned() }
}

pub(super) fn figures(date: Date, seed: u32) -> DayFigures {
    let number = u64::from(seed);
    let coverage = Coverage { expected: number, ok: number / 2, failed: number - number / 2, ..Coverage::default() };
    DayFigures {
        date,
        influencers: number,
        adoption: Adoption { connected: number / 3, on_all_platforms: number / 9 },
        data: DataQuality { numbers: number, by_hand: 3, oldest_at: seed.is_multiple_of(2).then(|| at(seed)) },
        oldest_s: seed.is_multiple_of(2).then_some(number),
        platforms: (0..seed % 3).map(|platform| (format!("p{platform}"), coverage)).collect(),
    }
}

pub(super) fn reported(date: Date, seed: u32) -> ReportedDay {
    let figure = |metric: DayMetric| ((seed >> metric as u32) & 1 == 1).then(|| (metric, u64::from(seed)));
    ReportedDay { date, numbers: DayMetric::ALL.into_iter().filter_map(figure).collect() }
}

pub(super) fn audience(which: u8, date: Date, seed: u32) -> AudienceOn {
    let share = Ratio(i64::from(seed));
    let country = ["DE", "FI"][seed as usize % 2].parse().expect("a country");
    let audience = Audience {
        of: [AudienceOf::Followers, AudienceOf::Viewers][seed as usize % 2],
        genders: Gender::ALL.into_iter().take(seed as usize % 4).map(|gender| (gender, share)).collect(),
        ages: AgeRange::ALL.into_iter().skip(seed as usize % 8).map(|range| (range, share)).collect(),
        countries: (0..seed % 2).map(|_| (country, share)).collect(),
    };
    AudienceOn { connection: connection_id(which), date, audience }
}

pub(super) fn budget(seed: u32) -> BudgetUse {
    let account = (seed.is_multiple_of(2)).then(|| format!("id:{seed}"));
    let key = BudgetKey { lane: format!("youtube/{}", seed % 3), unit: "units".to_owned(), account };
    let reported = (seed.is_multiple_of(3)).then(|| ReportedLimit { limit: u64::from(seed), ends_at: at(seed) });
    BudgetUse { key, parts: vec![(at(seed), u64::from(seed))], reported, per_account: Some(2000) }
}

/// Every run, newest first.
pub(super) fn all_runs() -> RunsQuery {
    RunsQuery { since: Timestamp(i64::MIN), of: None, outcome: None, before: None, limit: usize::MAX }
}

/// Every change, newest first.
pub(super) fn all_changes() -> ChangesQuery {
    ChangesQuery { since: Timestamp(i64::MIN), of: None, before: None, limit: usize::MAX }
}

/// How often a test tries: `quick` under `cargo test`; at night, when `ROSTER_NIGHTLY` says which share of it, `long`.
pub(super) fn times(quick: u64, long: u64) -> u64 {
    let share = std::env::var("ROSTER_NIGHTLY").ok().map(|share| share.parse::<f64>().expect("a share, such as 1"));
    share.map_or(quick, |share| ((long as f64 * share) as u64).max(quick))
}
