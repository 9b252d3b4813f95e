//! Values for the tests of this crate's commands. Names and numbers are invented.

use jiff::Zoned;
use roster_protocol::influencer::PlatformBadge;
use roster_protocol::reported::{
    Audience, AudienceOf, Break, DayMetric, DayTerms, FigureTerms, Gender, Reported, ReportedDay,
};
use roster_protocol::retention::{Counted, PlatformRetention, Retention};
use roster_protocol::status::{Adoption, ConnectionCounts, Coverage, DataQuality, DayFigures, StoreStatus, Stretched};
use roster_protocol::{
    AgeRange, ApiAccess, AuditEntry, Badge, Budget, Cause, Change, ChangeCause, Connection, ConnectionId,
    ConnectionStatus, ConsentBegun, ConsentChoice, ConsentId, ConsentedConnection, Date, DueRow, Grant, GrantId,
    Influencer, InfluencerId, InfluencerRow, Mean, Metric, MetricSet, MissingScope, Mover, Numbers, Outcome,
    PlatformState, PlatformStatus, Profile, Ratio, ReadWith, Renews, Role, Run, RunId, Seconds, Snapshot, Source,
    Status, Timestamp, TokenModel, Week, Who,
};

use crate::output::Look;
use crate::output::table::Paint;

/// Without colours, at half past two on 2026-11-21.
pub fn look() -> Look {
    let now: Zoned = "2026-11-21T14:30:00+00:00[UTC]".parse().expect("a time");
    Look { paint: Paint::default(), now }
}

/// This time on the day of [`look`].
pub fn at(time: &str) -> Timestamp {
    format!("2026-11-21T{time}Z").parse().expect("a time of day")
}

pub fn retention() -> Retention {
    let unlimited = |platform: &str| PlatformRetention {
        platform: platform.to_owned(),
        public_days: None,
        consent_days: None,
        after_consent_days: None,
        terms: None,
        reason: None,
        counted: Some(Counted { accounts: 9, days_to_weeks: 12_000, ..Counted::default() }),
    };
    let counted = Counted {
        accounts: 2,
        days_to_weeks: 0,
        days_deleted: 300,
        weeks_deleted: 4,
        reported_days_deleted: 9,
        until: Some("2026-10-22".parse().expect("a date")),
    };
    let youtube = PlatformRetention {
        public_days: Some(30),
        after_consent_days: Some(7),
        terms: Some("developers.example/terms, III.E.4".to_owned()),
        counted: Some(counted),
        ..unlimited("youtube")
    };
    Retention {
        chosen_at: None,
        snapshots_days: 730,
        runs_days: 90,
        audit_days: 730,
        next_at: at("23:30:00"),
        platforms: vec![unlimited("bluesky"), youtube],
    }
}

pub fn week() -> Week {
    let numbers = |followers| Numbers { followers: Some(followers), ..Numbers::default() };
    Week {
        date: "2024-11-18".parse().expect("a date"),
        days: 6,
        source: Source::Api,
        read_with: Some(ReadWith::Public),
        followers_step: Some(100),
        definition: 1,
        first: numbers(11_900),
        last: numbers(12_000),
        least: numbers(11_800),
        most: numbers(12_300),
    }
}

pub fn reported() -> Reported {
    let day = |date: &str, figures: &[(DayMetric, u64)]| ReportedDay {
        date: date.parse().expect("a date"),
        numbers: figures.iter().copied().collect(),
    };
    let days = vec![
        day("2026-11-17", &[(DayMetric::Gained, 120), (DayMetric::Lost, 31), (DayMetric::Views, 1_240_000)]),
        day("2026-11-18", &[(DayMetric::Gained, 98), (DayMetric::Lost, 0)]),
    ];
    let figure = |metric: DayMetric, source: &str, definition: &str| FigureTerms {
        metric,
        source: source.into(),
        definition: definition.into(),
        step: 1,
    };
    let terms = DayTerms {
        zone: "America/Los_Angeles".into(),
        figures: vec![
            figure(DayMetric::Gained, "subscribersGained", "those who subscribed on the day"),
            figure(DayMetric::Lost, "subscribersLost", "those who left on the day"),
            figure(DayMetric::Views, "views", "plays from their start on"),
        ],
        breaks: vec![Break {
            metric: DayMetric::Views,
            from: "2026-08-24".parse().expect("a date"),
            what: "each start counts".into(),
        }],
    };
    Reported { days, audience: Some(audience()), terms: Some(terms) }
}

pub fn audience() -> (Date, Audience) {
    let country = |code: &str| code.parse().expect("a country");
    let audience = Audience {
        of: AudienceOf::Viewers,
        genders: vec![(Gender::Female, Ratio(570_000)), (Gender::Male, Ratio(410_000))],
        ages: vec![(AgeRange::From18To24, Ratio(312_500)), (AgeRange::From25To34, Ratio(440_000))],
        countries: vec![(country("DE"), Ratio(310_000)), (country("AT"), Ratio(92_000))],
    };
    ("2026-11-21".parse().expect("a date"), audience)
}

pub fn snapshot() -> Snapshot {
    Snapshot {
        date: "2026-11-21".parse().expect("a date"),
        observed_at: at("14:18:00"),
        source: Source::Api,
        followers_step: Some(100),
        definition: 1,
        read_with: None,
        by_hand: MetricSet::default(),
        numbers: Numbers {
            followers: Some(12_345),
            following: None,
            posts: Some(120),
            engagement_rate: Some(Ratio(52_500)),
            avg_likes: Some(Mean(61_040)),
            avg_comments: Some(Mean(3_825)),
            avg_views: Some(Mean(810_000)),
            audience_male: Some(Ratio(410_000)),
            audience_female: Some(Ratio(570_000)),
            avg_reach: Some(Mean(510_050)),
            avg_reposts: None,
            top_age_range: Some(AgeRange::From25To34),
        },
    }
}

pub fn connection() -> Connection {
    Connection {
        id: ConnectionId::from_bytes([3; 5]),
        influencer: InfluencerId::from_bytes([2; 5]),
        platform: "youtube".into(),
        handle: "@mara".into(),
        platform_user_id: Some("UC123".into()),
        status: ConnectionStatus::Fresh,
        badge: Badge::Green,
        paused: false,
        last_synced_at: Some(at("14:18:00")),
        last_error: None,
        blocked_by: None,
        outage: None,
        next_due_at: Some(at("20:00:00")),
        interval: Some(Seconds(21_600)),
        token_expires_at: None,
        not_given: vec![],
        connected_at: at("02:00:00"),
        profile: Some(Profile {
            followers: Some(12_300),
            engagement_rate: Some(Ratio(51_000)),
            avg_likes: Some(Mean(60_000)),
            as_of: at("02:00:00"),
            source: Source::Api,
        }),
        latest: Some(snapshot()),
        by_hand: vec![],
        moved_to: None,
    }
}

pub fn influencer() -> Influencer {
    let failing = Connection {
        id: ConnectionId::from_bytes([4; 5]),
        platform: "mastodon".into(),
        handle: "mara@host.example".into(),
        platform_user_id: None,
        status: ConnectionStatus::Error,
        badge: Badge::Red,
        last_error: Some("no such account".into()),
        last_synced_at: None,
        next_due_at: None,
        profile: None,
        latest: None,
        ..connection()
    };
    let badge = |platform: &str, badge| PlatformBadge { platform: platform.into(), badge, paused: false };
    Influencer {
        row: InfluencerRow {
            id: InfluencerId::from_bytes([2; 5]),
            name: "Mara Lindqvist".into(),
            tags: vec!["beauty".into(), "nordic".into()],
            note: None,
            followers: Some(22_345),
            followers_total: Some(40_120),
            engagement_rate: Some(Ratio(41_200)),
            growth_1d: Some(Ratio(-1_000)),
            growth_7d: Some(Ratio(8_000)),
            growth_30d: Some(Ratio(-124_000)),
            recent: vec![],
            sync_enabled: true,
            synced_at: Some(at("14:18:00")),
            last_sync_platform: Some("youtube".into()),
            main: Some(ConnectionId::from_bytes([3; 5])),
            main_chosen: false,
            open_alerts: 1,
            platforms: vec![badge("youtube", Badge::Green), badge("mastodon", Badge::Red)],
        },
        note: None,
        connections: vec![connection(), failing],
    }
}

pub fn run() -> Run {
    Run {
        id: RunId::from_bytes([5; 5]),
        connection: ConnectionId::from_bytes([3; 5]),
        influencer: InfluencerId::from_bytes([2; 5]),
        influencer_name: "Mara Lindqvist".into(),
        platform: "youtube".into(),
        due_at: at("14:17:00"),
        slot_at: at("14:17:00"),
        missed: 0,
        started_at: at("14:18:00"),
        duration_ms: 120,
        outcome: Outcome::Ok,
        cause: Cause::Person,
        followers: Some(12_345),
        error: None,
        retry_at: None,
    }
}

/// An account's own limit, one of a day, and one that no response has reported yet.
pub fn budgets() -> [Budget; 3] {
    let budget = |platform: &str, unit: &str, used, limit| Budget {
        platform: platform.into(),
        lane: platform.into(),
        unit: unit.into(),
        account: None,
        used,
        limit,
        window_ends_at: Some(at("20:00:00")),
        reserve: limit.unwrap_or_default() / 10,
        stretched: None,
    };
    let stretched = Some(Stretched { from: Seconds(6 * 3600), to: Seconds(27_000) });
    [
        Budget { account: Some("178414".into()), reserve: 20, ..budget("instagram", "percent", 92, Some(100)) },
        Budget { stretched, ..budget("youtube", "units", 6_240, Some(10_000)) },
        Budget {
            lane: "mastodon/mastodon.example".into(),
            window_ends_at: None,
            ..budget("mastodon", "requests", 0, None)
        },
    ]
}

/// One that is due soon and one that its platform keeps waiting.
pub fn due() -> [DueRow; 2] {
    let row = |platform: &str, handle: &str, was_due_at, due_at, blocked_by: Option<&str>| DueRow {
        connection: ConnectionId::from_bytes([3; 5]),
        influencer: InfluencerId::from_bytes([2; 5]),
        influencer_name: "Mara Lindqvist".into(),
        platform: platform.into(),
        handle: handle.into(),
        due_at,
        was_due_at,
        blocked_by: blocked_by.map(str::to_owned),
    };
    [
        row("youtube", "@mara", at("14:42:00"), at("14:42:00"), None),
        row("bluesky", "mara.example", at("12:15:00"), at("20:15:00"), Some("limit")),
    ]
}

/// One that fell and one that rose from nothing.
pub fn movers() -> [Mover; 2] {
    let fell = Mover {
        influencer: InfluencerId::from_bytes([2; 5]),
        influencer_name: "Mara Lindqvist".into(),
        connection: ConnectionId::from_bytes([3; 5]),
        platform: "youtube".into(),
        handle: "@mara".into(),
        from: 12_345,
        to: 10_400,
        change: Some(Ratio(-157_553)),
    };
    let rose = Mover {
        handle: "mara.example".into(),
        platform: "bluesky".into(),
        from: 0,
        to: 8,
        change: None,
        ..fell.clone()
    };
    [fell, rose]
}

/// Two days with a gap of one.
pub fn figures() -> Vec<DayFigures> {
    let day = |date: &str, connected, ok| DayFigures {
        date: date.parse().expect("a date"),
        influencers: 300,
        adoption: Adoption { connected, on_all_platforms: 12 },
        data: DataQuality { numbers: 4_100, by_hand: 9, oldest_at: Some(at("08:15:00")) },
        oldest_s: Some(22_500),
        platforms: vec![("youtube".into(), Coverage { expected: 1600, ok, failed: 1600 - ok, ..Coverage::default() })],
    };
    vec![day("2026-11-19", 250, 800), day("2026-11-21", 290, 1590)]
}

pub fn change() -> Change {
    Change {
        at: at("14:18:00"),
        influencer: InfluencerId::from_bytes([2; 5]),
        influencer_name: "Mara Lindqvist".into(),
        connection: ConnectionId::from_bytes([3; 5]),
        platform: "youtube".into(),
        metric: Metric::Followers,
        from: Some(12_345.0),
        to: Some(10_400.0),
        cause: ChangeCause::Sync,
        significant: true,
    }
}

pub use roster_protocol::samples::alert;

pub fn audit_entry() -> AuditEntry {
    AuditEntry {
        number: 7,
        at: at("14:18:00"),
        who: Some(Who { uid: 1001, name: "ines".into() }),
        action: "influencer.edit".into(),
        on: "aibaeaqc Mara Lindqvist".into(),
        old: None,
        new: Some("#beauty".into()),
        cause: "person".into(),
    }
}

pub fn status() -> Status {
    let platform = PlatformStatus {
        platform: "youtube".into(),
        name: "YouTube".into(),
        short: "yt".into(),
        handle_example: "@name".into(),
        enabled: true,
        configured: true,
        paused: false,
        api: ApiAccess::Key,
        after_consent_days: Some(7),
        scopes: vec![],
        redirect_uri: None,
        consents: false,
        state: PlatformState::Ok,
        reason: None,
        held_until: None,
        last_ok_at: Some(at("14:18:00")),
        connections: 400,
        budget: Some(budgets()[1].clone()),
        coverage_24h: Coverage { expected: 1600, ok: 1590, failed: 10, ..Coverage::default() },
        next_due_at: Some(at("14:34:00")),
        withdrawn: vec![(Metric::AvgViews, at("08:00:00"))],
    };
    let limited = PlatformStatus {
        platform: "bluesky".into(),
        api: ApiAccess::Public,
        after_consent_days: None,
        state: PlatformState::Limited,
        reason: Some("it asked to come back at 15:00".into()),
        last_ok_at: None,
        connections: 300,
        budget: None,
        coverage_24h: Coverage::default(),
        ..platform.clone()
    };
    Status {
        version: "0.1.0".into(),
        protocol: 1,
        uptime_s: 11_520,
        influencers: 300,
        open_alerts: 2,
        unread_alerts: 1,
        next_due_at: Some(at("14:34:00")),
        waits_for: None,
        connections: ConnectionCounts {
            total: 700,
            fresh: 680,
            stale: 5,
            never: 3,
            error: 4,
            reauthorize: 6,
            paused: 2,
        },
        coverage_24h: Coverage { expected: 2800, ok: 2760, partial: 20, failed: 12, skipped: 8 },
        adoption: Adoption { connected: 290, on_all_platforms: 12 },
        data: DataQuality { numbers: 4100, by_hand: 9, oldest_at: Some(at("08:15:00")) },
        platforms: vec![platform, limited],
        role: Some(Role::Admin),
        retention_chosen: true,
        to_reseal: 0,
        not_ready: None,
        config_loaded_at: at("11:18:00"),
        listener_lost: None,
        troubles: Vec::new(),
        config_refused: None,
        store: StoreStatus { bytes: 1_048_576, snapshots: 63_000, damaged: 0, writable: true, budget: None },
        backup: Default::default(),
        batches: Vec::new(),
        running: vec![],
        waiting: 3,
        paused: false,
        timezone: "UTC".into(),
    }
}

pub fn begun() -> ConsentBegun {
    ConsentBegun {
        id: ConsentId::from_bytes([6; 5]),
        platform: "instagram".into(),
        platform_name: "Instagram".into(),
        influencer: InfluencerId::from_bytes([2; 5]),
        influencer_name: "Oskar & Ines".into(),
        url: "https://consent.example/authorize?client_id=roster-client-id&redirect_uri=http%3A%2F%2F127.0.0.1%3A8787%2F\
              oauth%2Finstagram%2Fcallback&response_type=code&scope=profile%20insights&state=c3RhdGUtb2YtdGVuLW1pbnV0ZXM"
            .into(),
        short_url: None,
        user_code: None,
        redirect_uri: Some("http://127.0.0.1:8787/oauth/instagram/callback".into()),
        scopes: vec!["profile".into(), "insights".into()],
        if_refused: String::new(),
        reads: vec!["followers".into(), "posts".into(), "likes".into()],
        listener: Some("127.0.0.1:8787".into()),
        expires_at: at("14:40:00"),
    }
}

pub fn choices() -> Vec<ConsentChoice> {
    let choice = |id: &str, handle: &str, name: Option<&str>, followers, taken_by: Option<u8>| ConsentChoice {
        platform_user_id: id.into(),
        handle: handle.into(),
        name: name.map(str::to_owned),
        followers,
        taken_by: taken_by.map(|byte| InfluencerId::from_bytes([byte; 5])),
    };
    vec![
        choice("101", "oskar.ines", Some("Oskar & Ines"), Some(402_000), None),
        choice("102", "ines.bakes", None, Some(12_345), Some(2)),
        choice("103", "nightgarden", Some("nightgarden"), None, Some(9)),
    ]
}

fn missing() -> MissingScope {
    MissingScope { scope: "insights".into(), costs: "views, audience".into() }
}

pub fn consented() -> Vec<ConsentedConnection> {
    let new = Connection { platform: "instagram".into(), handle: "oskar.ines".into(), latest: None, ..connection() };
    let renewed = Connection {
        id: ConnectionId::from_bytes([4; 5]),
        platform: "instagram".into(),
        handle: "ines.bakes".into(),
        ..connection()
    };
    vec![
        ConsentedConnection { connection: new, is_new: true, missing: vec![missing()] },
        ConsentedConnection { connection: renewed, is_new: false, missing: vec![] },
    ]
}

pub fn grants() -> Vec<Grant> {
    let grant = |byte: u8, platform: &str, account: &str, renews| Grant {
        id: GrantId::from_bytes([byte; 5]),
        platform: platform.into(),
        account: account.into(),
        model: TokenModel::Fixed,
        scopes: vec!["profile".into()],
        reads: vec!["followers, posts".into()],
        missing: vec![],
        granted_at: at("02:00:00"),
        expires_at: Some(at("15:30:00")),
        renews,
        renews_at: Some(at("15:00:00")),
        act_before: None,
        note: None,
        connections: vec![ConnectionId::from_bytes([byte; 5])],
    };
    let day = |date: &str| Some(format!("{date}T00:00:00Z").parse().expect("a day"));
    vec![
        grant(3, "youtube", "Mara Lindqvist", Renews::Itself),
        Grant { missing: vec![missing()], ..grant(4, "instagram", "Oskar & Ines", Renews::Itself) },
        Grant {
            model: TokenModel::Extension,
            act_before: day("2027-01-20"),
            ..grant(5, "linkedin", "Ines", Renews::ByHand)
        },
        Grant {
            model: TokenModel::Rotating,
            expires_at: None,
            renews_at: None,
            note: Some("revoked by the owner".into()),
            ..grant(6, "tiktok", "nightgarden", Renews::ByHand)
        },
        Grant {
            expires_at: None,
            renews_at: None,
            note: Some("being revoked".into()),
            connections: vec![],
            ..grant(8, "bluesky", "ferrow.example", Renews::Never)
        },
        Grant { act_before: day("2026-12-01"), ..grant(7, "facebook", "Tidewater Kitchen", Renews::ByHand) },
    ]
}

/// A JSON document in lines of at most 100 characters, broken after commas, to be compared as it is.
pub fn lines(value: impl serde::Serialize) -> String {
    let document = crate::output::document(&value).expect("it is JSON");
    let mut lines: Vec<String> = Vec::new();
    for part in document.trim_end().split_inclusive(',') {
        match lines.last_mut() {
            Some(line) if line.len() + part.len() <= 100 => line.push_str(part),
            _ => lines.push(part.to_owned()),
        }
    }
    lines.join("\n")
}
