//! Invented influencers, their accounts, and what happened to them.

use roster_protocol::connection::{ConnectionStatus, Profile};
use roster_protocol::influencer::PlatformBadge;
use roster_protocol::status::{Adoption, ConnectionCounts, Coverage, DataQuality, StoreStatus};
use roster_protocol::sync::RunningBatch;
use roster_protocol::{
    ApiAccess, AuditEntry, Badge, Cause, Change, ChangeCause, Connection, ConnectionId, ConnectionRow, ConsentBegun,
    ConsentChoice, ConsentId, ConsentMethod, ConsentedConnection, Date, EndedBatch, Grant, GrantId, Influencer,
    InfluencerId, InfluencerRow, Mean, Metric, MetricSet, MissingScope, Numbers, Outcome, PlatformState,
    PlatformStatus, Ratio, Renews, Role, Run, RunId, Snapshot, Source, Status, Timestamp, TokenModel, Who,
};

/// Noon of 21 November 2026.
pub const NOW: Timestamp = Timestamp(1_795_262_400_000);
/// That day.
pub const TODAY: Date = Date(20_778);

pub fn minutes_ago(minutes: i64) -> Timestamp {
    NOW.plus_seconds(-60 * minutes)
}

pub fn influencer_id(number: u64) -> InfluencerId {
    let bytes = number.to_be_bytes();
    InfluencerId::from_bytes([bytes[3], bytes[4], bytes[5], bytes[6], bytes[7]])
}

pub fn connection_id(number: u64) -> ConnectionId {
    ConnectionId::from_bytes(influencer_id(number).0)
}

fn platform(slug: &str, name: &str, short: &str, example: &str) -> PlatformStatus {
    PlatformStatus {
        platform: slug.to_owned(),
        name: name.to_owned(),
        short: short.to_owned(),
        handle_example: example.to_owned(),
        enabled: true,
        configured: true,
        paused: false,
        api: ApiAccess::Public,
        after_consent_days: None,
        scopes: Vec::new(),
        redirect_uri: None,
        consents: false,
        state: PlatformState::Ok,
        reason: None,
        held_until: None,
        last_ok_at: Some(minutes_ago(4)),
        connections: 112,
        budget: None,
        coverage_24h: Coverage { expected: 448, ok: 440, partial: 4, failed: 4, skipped: 0 },
        next_due_at: Some(NOW.plus_seconds(240)),
        withdrawn: Vec::new(),
    }
}

pub fn platforms() -> Vec<PlatformStatus> {
    vec![
        PlatformStatus {
            api: ApiAccess::Key,
            after_consent_days: Some(7),
            consents: true,
            budget: Some(crate::samples::budgets()[1].clone()),
            ..platform("youtube", "YouTube", "yt", "@mara")
        },
        PlatformStatus {
            withdrawn: vec![(Metric::Posts, minutes_ago(3 * 1440))],
            ..platform("bluesky", "Bluesky", "bs", "mara.example")
        },
        PlatformStatus {
            state: PlatformState::Down,
            reason: Some("it responds with errors since 11:20".to_owned()),
            coverage_24h: Coverage { expected: 100, ok: 71, partial: 0, failed: 29, skipped: 0 },
            ..platform("mastodon", "Mastodon", "ms", "mara@social.example")
        },
        PlatformStatus {
            enabled: false,
            configured: false,
            api: ApiAccess::Consent,
            state: PlatformState::Unconfigured,
            connections: 0,
            coverage_24h: Coverage::default(),
            next_due_at: None,
            ..platform("instagram", "Instagram", "ig", "mara.lindqvist")
        },
    ]
}

pub fn status() -> Status {
    Status {
        version: "0.1.0".to_owned(),
        protocol: 1,
        uptime_s: 7_200,
        influencers: 312,
        open_alerts: 2,
        unread_alerts: 0,
        next_due_at: Some(NOW.plus_seconds(60)),
        waits_for: None,
        connections: ConnectionCounts {
            total: 704,
            fresh: 680,
            stale: 5,
            never: 3,
            error: 4,
            reauthorize: 2,
            paused: 10,
        },
        coverage_24h: Coverage { expected: 673, ok: 641, partial: 10, failed: 12, skipped: 10 },
        platforms: platforms(),
        role: Some(Role::Admin),
        retention_chosen: true,
        to_reseal: 0,
        not_ready: None,
        config_loaded_at: NOW.plus_seconds(-7_200),
        listener_lost: None,
        troubles: Vec::new(),
        config_refused: None,
        adoption: Adoption { connected: 300, on_all_platforms: 12 },
        data: DataQuality { numbers: 4_100, by_hand: 9, oldest_at: Some(minutes_ago(360)) },
        store: StoreStatus { bytes: 1_048_576, snapshots: 63_000, damaged: 0, writable: true, budget: None },
        backup: Default::default(),
        batches: vec![EndedBatch {
            platform: "youtube".to_owned(),
            runs: Coverage { expected: 25, ok: 24, failed: 1, ..Coverage::default() },
            started_at: minutes_ago(2),
            duration_ms: 310,
        }],
        running: Vec::new(),
        waiting: 3,
        paused: false,
        timezone: "UTC".to_owned(),
    }
}

pub fn running() -> Vec<RunningBatch> {
    let batch = |platform: &str, connections: u64, name: Option<&str>, seconds: i64| RunningBatch {
        platform: platform.to_owned(),
        connections,
        influencer_name: name.map(ToOwned::to_owned),
        started_at: NOW.plus_seconds(-seconds),
    };
    vec![batch("bluesky", 25, None, 2), batch("youtube", 1, Some("Mara Lindqvist"), 0)]
}

/// A plain row; the number decides name and size.
pub fn row(number: u64) -> InfluencerRow {
    InfluencerRow {
        id: influencer_id(number),
        name: format!("Invented {number:05}"),
        tags: vec!["test".to_owned()],
        note: None,
        followers: Some(2_000_000_u64.saturating_sub(number * 137)),
        followers_total: Some(2_000_000),
        engagement_rate: Some(Ratio(42_000)),
        growth_1d: Some(Ratio(1_000)),
        growth_7d: Some(Ratio(8_000)),
        growth_30d: Some(Ratio(51_000)),
        recent: (0..30).map(|day| (day % 7 != 3).then_some(1_000 + day * 20)).collect(),
        sync_enabled: true,
        synced_at: Some(minutes_ago(12)),
        last_sync_platform: Some("youtube".to_owned()),
        main: Some(connection_id(number)),
        main_chosen: false,
        open_alerts: 0,
        platforms: vec![badge("youtube", Badge::Green, false)],
    }
}

fn badge(platform: &str, badge: Badge, paused: bool) -> PlatformBadge {
    PlatformBadge { platform: platform.to_owned(), badge, paused }
}

/// A handful of influencers in many states.
pub fn influencers() -> Vec<InfluencerRow> {
    let mut influencers: Vec<InfluencerRow> = (1..=7).map(row).collect();
    let green = |slug| badge(slug, Badge::Green, false);
    influencers[0].name = "Mara Lindqvist".to_owned();
    influencers[0].followers = Some(1_240_000);
    influencers[0].platforms = vec![green("youtube"), green("bluesky"), green("mastodon")];
    influencers[1].name = "Tidewater Kitchen".to_owned();
    influencers[1].followers = Some(871_400);
    influencers[1].growth_7d = Some(Ratio(1_000));
    influencers[1].platforms = vec![green("youtube"), badge("facebook", Badge::Yellow, false)];
    influencers[1].synced_at = Some(minutes_ago(180));
    influencers[2].name = "Oskar & Ines".to_owned();
    influencers[2].tags = vec!["beauty".to_owned(), "nordic".to_owned()];
    influencers[2].followers = Some(402_000);
    influencers[2].growth_7d = Some(Ratio(-124_000));
    influencers[2].growth_30d = Some(Ratio(-119_000));
    influencers[2].open_alerts = 1;
    influencers[2].synced_at = Some(minutes_ago(25));
    influencers[2].platforms = vec![
        green("youtube"),
        badge("instagram", Badge::Red, false),
        green("bluesky"),
        badge("mastodon", Badge::Green, true),
    ];
    influencers[3].name = "nightgarden".to_owned();
    influencers[3].followers = Some(98_312);
    influencers[3].engagement_rate = None;
    influencers[4].name = "夜の庭 👩‍💻 Garden".to_owned();
    influencers[4].followers = Some(55_100);
    influencers[4].synced_at = Some(minutes_ago(3 * 1440));
    influencers[4].platforms = vec![badge("mastodon", Badge::Yellow, false)];
    influencers[5].name = "Baker Street Chess".to_owned();
    influencers[5].followers = None;
    influencers[5].followers_total = None;
    influencers[5].growth_7d = None;
    influencers[5].growth_30d = None;
    influencers[5].engagement_rate = None;
    influencers[5].synced_at = None;
    influencers[5].main = None;
    influencers[5].recent = Vec::new();
    influencers[5].platforms = Vec::new();
    influencers[6].name = "Ferrow Athletics".to_owned();
    influencers[6].followers = Some(8_100);
    influencers[6].sync_enabled = false;
    influencers[6].platforms = vec![badge("bluesky", Badge::Green, true)];
    influencers
}

/// What terminals must never see: the plainest ones, and mixtures of what they are made of, 200 at night.
pub fn hostile_texts() -> Vec<String> {
    const PIECES: [&str; 23] = [
        "\u{1b}[2J",
        "\u{1b}[1;1H",
        "\u{1b}]0;t\u{7}",
        "\u{1b}]52;c;aGk=\u{7}",
        "\u{1b}P+q\u{1b}\\",
        "\u{1b}c",
        "\u{9b}2J",
        "\u{9d}0;t\u{9c}",
        "\u{85}",
        "\0",
        "\u{8}\u{8}",
        "\t",
        "\r\n",
        "\u{7f}",
        "\u{2028}",
        "\u{200b}",
        "\u{200f}",
        "\u{202e}",
        "\u{2066}",
        "\u{feff}",
        "\u{e0041}",
        "日本",
        "👩\u{200d}💻",
    ];
    let share = std::env::var("ROSTER_NIGHTLY").ok().map(|share| share.parse::<f64>().expect("a share, such as 1"));
    let mixed = share.map_or(10, |share| (190.0 * share).max(10.0) as usize);
    let piece = |number: usize| PIECES[number % PIECES.len()];
    let mix = |number: usize| {
        let (second, third) = (piece(number * 7 + number / 23 + 3), piece(number * 13 + 5));
        format!("a{}b{second}{third}c{}", piece(number), piece(number / 3))
    };
    let plain = plain_hostile_texts();
    plain.into_iter().chain((0..mixed).map(mix)).collect()
}

fn plain_hostile_texts() -> Vec<String> {
    vec![
        "\u{1b}]52;c;aGFja2Vk\u{7}\u{1b}]0;title\u{7}\u{1b}[2J\u{1b}[1;1Hhome".to_owned(),
        "\u{9b}31m\u{9d}0;x\u{9c}c1".to_owned(),
        "abc\u{202e}gnp.exe\u{202c}\u{2066}x\u{2069}".to_owned(),
        "zero\u{200b}\u{200d}\u{feff}\u{2060}width\u{00ad}".to_owned(),
        "two\r\nlines\tand a tab\u{0}".to_owned(),
        format!("e{}", "\u{301}".repeat(2_000)),
        "x".repeat(100_000),
        "\u{e000}\u{e0041}private\u{115f}\u{3164}".to_owned(),
        "\u{200f}עברית\u{200e} العربية".to_owned(),
        String::new(),
    ]
}

/// Followers of a hundred days with a gap of three, and a fall two days ago.
pub fn snapshots() -> Vec<Snapshot> {
    let days = (0..=100).filter(|day| !(30..33).contains(day));
    days.map(|day: u64| {
        let fallen = if day >= 98 { 57_000 } else { 0 };
        Snapshot {
            date: TODAY.plus_days(day as i32 - 100),
            observed_at: minutes_ago((100 - day as i64) * 1440),
            source: Source::Api,
            followers_step: Some(1_000),
            definition: 1,
            read_with: None,
            by_hand: MetricSet::default(),
            numbers: Numbers {
                followers: Some(440_000 + day * 190 - fallen),
                posts: Some(512),
                engagement_rate: Some(Ratio(50_000 + day as i64 * 30)),
                avg_likes: Some(Mean(2_061_040)),
                avg_views: Some(Mean(8_812_300)),
                ..Numbers::default()
            },
        }
    })
    .collect()
}

pub fn connection(number: u64, platform: &str, handle: &str) -> Connection {
    let latest = snapshots().pop();
    Connection {
        id: connection_id(number),
        influencer: influencer_id(3),
        platform: platform.to_owned(),
        handle: handle.to_owned(),
        platform_user_id: Some("UC-invented".to_owned()),
        status: ConnectionStatus::Fresh,
        badge: Badge::Green,
        paused: false,
        last_synced_at: Some(minutes_ago(25)),
        last_error: None,
        blocked_by: None,
        outage: None,
        next_due_at: Some(NOW.plus_seconds(5 * 3_600)),
        interval: None,
        token_expires_at: None,
        not_given: vec![],
        connected_at: minutes_ago(200 * 1440),
        profile: latest.as_ref().map(|latest| Profile {
            followers: latest.numbers.followers,
            engagement_rate: latest.numbers.engagement_rate,
            avg_likes: latest.numbers.avg_likes,
            as_of: latest.observed_at,
            source: Source::Api,
        }),
        latest,
        by_hand: vec![],
        moved_to: None,
    }
}

pub fn influencer() -> Influencer {
    let bad = Connection {
        status: ConnectionStatus::Reauthorize,
        badge: Badge::Red,
        last_error: Some("consent ended Nov 18".to_owned()),
        next_due_at: None,
        latest: None,
        ..connection(31, "instagram", "oskar.ines")
    };
    let paused = Connection {
        status: ConnectionStatus::Paused,
        paused: true,
        next_due_at: None,
        ..connection(33, "mastodon", "oskar@social.example")
    };
    let mut small = connection(32, "bluesky", "oskarines.example");
    small.latest.as_mut().expect("it has one").followers_step = None;
    Influencer {
        row: influencers().swap_remove(2),
        note: Some("campaign spring, contract until June".to_owned()),
        connections: vec![connection(3, "youtube", "@oskarines"), bad, small, paused],
    }
}

pub fn changes() -> Vec<Change> {
    let change = |minutes: i64, metric: Metric, from: Option<f64>, to: Option<f64>| Change {
        at: minutes_ago(minutes),
        influencer: influencer_id(3),
        influencer_name: "Oskar & Ines".to_owned(),
        connection: connection_id(3),
        platform: "youtube".to_owned(),
        metric,
        from,
        to,
        cause: ChangeCause::Sync,
        significant: true,
    };
    vec![
        change(25, Metric::Followers, Some(459_000.0), Some(402_000.0)),
        change(25, Metric::EngagementRate, Some(0.0525), Some(0.05)),
        Change { significant: false, ..change(600, Metric::Posts, Some(511.0), Some(512.0)) },
        Change { cause: ChangeCause::Manual, ..change(1500, Metric::AvgLikes, None, Some(20_610.4)) },
        change(9000, Metric::AvgViews, Some(88_123.0), None),
    ]
}

pub fn runs() -> Vec<Run> {
    let run = |number: u64, minutes: i64, name: &str, platform: &str, outcome: Outcome, error: Option<&str>| Run {
        id: RunId::from_bytes(influencer_id(number).0),
        connection: connection_id(number),
        influencer: influencer_id(number),
        influencer_name: name.to_owned(),
        platform: platform.to_owned(),
        due_at: minutes_ago(minutes),
        slot_at: minutes_ago(minutes),
        missed: 0,
        started_at: minutes_ago(minutes),
        duration_ms: 840,
        outcome,
        cause: Cause::Schedule,
        followers: matches!(outcome, Outcome::Ok | Outcome::Partial).then_some(402_000),
        error: error.map(ToOwned::to_owned),
        retry_at: None,
    };
    vec![
        run(3, 25, "Oskar & Ines", "youtube", Outcome::Ok, None),
        run(2, 26, "Tidewater Kitchen", "bluesky", Outcome::Partial, Some("no likes: the posts were not reported")),
        Run {
            retry_at: Some(NOW.plus_seconds(1_200)),
            ..run(4, 31, "nightgarden", "mastodon", Outcome::Failed, Some("Mastodon does not respond"))
        },
        run(5, 40, "夜の庭 👩‍💻 Garden", "mastodon", Outcome::Skipped, Some("Mastodon said when to come back")),
    ]
}

pub fn audit() -> Vec<AuditEntry> {
    let entry = |number: u64, minutes: i64, who: Option<(u32, &str)>, action: &str| AuditEntry {
        number,
        at: minutes_ago(minutes),
        who: who.map(|(uid, name)| Who { uid, name: name.to_owned() }),
        action: action.to_owned(),
        on: "aaaaaaab Oskar & Ines".to_owned(),
        old: Some("Oskar".to_owned()),
        new: Some("Oskar & Ines".to_owned()),
        cause: "person".to_owned(),
    };
    vec![
        entry(3, 30, Some((1001, "ada")), "influencer.edit"),
        AuditEntry { cause: "sync".to_owned(), ..entry(2, 2000, None, "profile.update") },
        AuditEntry { old: None, ..entry(1, 60_000, Some((1002, "")), "influencer.add") },
    ]
}

pub fn consent_id(number: u64) -> ConsentId {
    ConsentId::from_bytes(influencer_id(number).0)
}

/// A consent that was begun; each method has a number of its own.
pub fn begun(method: ConsentMethod) -> ConsentBegun {
    let begun = ConsentBegun {
        id: consent_id(1),
        platform: "instagram".to_owned(),
        platform_name: "Instagram".to_owned(),
        influencer: influencer_id(3),
        influencer_name: "Oskar & Ines".to_owned(),
        url:
            "https://consent.example/v26.0/dialog/oauth?client_id=roster-client-id&redirect_uri=http%3A%2F%2F127.0.0.1\
              %3A8787%2Foauth%2Finstagram%2Fcallback&response_type=code&scope=profile%2Cinsights%2Cpages_show_list%2C\
              pages_read_engagement&state=c3RhdGUtb2YtdGVuLW1pbnV0ZXMtYW5kLW5vdC1hLXNlY3JldA&code_challenge=Y2hhbGxl\
              bmdlLW9mLWZvcnR5LXRocmVlLXNpZ25zLWV4YWN0bHk&code_challenge_method=S256"
                .to_owned(),
        short_url: None,
        user_code: None,
        redirect_uri: Some("http://127.0.0.1:8787/oauth/instagram/callback".to_owned()),
        scopes: ["profile", "insights", "pages_show_list", "pages_read_engagement"].map(str::to_owned).into(),
        if_refused: String::new(),
        reads: ["followers", "posts", "likes", "comments", "views", "audience"].map(str::to_owned).into(),
        listener: Some("127.0.0.1:8787".to_owned()),
        expires_at: NOW.plus_seconds(581),
    };
    match method {
        ConsentMethod::Redirect => begun,
        ConsentMethod::Device => ConsentBegun {
            id: consent_id(2),
            url: "https://consent.example/device".to_owned(),
            user_code: Some("WDJB-MJHT".to_owned()),
            redirect_uri: None,
            ..begun
        },
    }
}

pub fn choices() -> Vec<ConsentChoice> {
    let choice = |number: u64, handle: &str, name: Option<&str>, followers, taken_by: Option<u64>| ConsentChoice {
        platform_user_id: format!("10{number}"),
        handle: handle.to_owned(),
        name: name.map(str::to_owned),
        followers,
        taken_by: taken_by.map(influencer_id),
    };
    vec![
        choice(1, "oskar.ines", Some("Oskar & Ines"), Some(402_000), None),
        choice(2, "ines.bakes", None, Some(12_345), Some(3)),
        choice(3, "nightgarden", Some("nightgarden"), None, Some(4)),
    ]
}

fn missing() -> MissingScope {
    MissingScope { scope: "insights".to_owned(), costs: "views, audience".to_owned() }
}

pub fn consented() -> Vec<ConsentedConnection> {
    let fresh = connection(31, "instagram", "oskar.ines");
    let waits = Connection { latest: None, last_synced_at: None, ..connection(34, "instagram", "ines.bakes") };
    vec![
        ConsentedConnection { connection: fresh, is_new: true, missing: vec![missing()] },
        ConsentedConnection { connection: waits, is_new: false, missing: Vec::new() },
    ]
}

fn grant(number: u64, platform: &str, account: &str, renews: Renews) -> Grant {
    Grant {
        id: GrantId::from_bytes(influencer_id(number).0),
        platform: platform.to_owned(),
        account: account.to_owned(),
        model: TokenModel::Fixed,
        scopes: vec!["profile".to_owned(), "insights".to_owned()],
        reads: vec!["followers, posts".to_owned(), "views".to_owned()],
        missing: Vec::new(),
        granted_at: minutes_ago(90_000),
        expires_at: Some(NOW.plus_seconds(3_120)),
        renews,
        renews_at: Some(NOW.plus_seconds(2_000)),
        act_before: None,
        note: None,
        connections: vec![connection_id(number)],
    }
}

/// The connections of the roster in the daemon's order.
pub fn connection_rows() -> Vec<ConnectionRow> {
    let row = |connection: Connection, name: &str, grant: Option<Grant>| {
        let token_expires_at = grant.as_ref().and_then(|grant| grant.expires_at);
        let connection = Connection { token_expires_at, ..connection };
        ConnectionRow { connection, influencer_name: name.to_owned(), grant }
    };
    let gone = Connection {
        status: ConnectionStatus::Reauthorize,
        badge: Badge::Red,
        last_error: Some("consent ended Nov 18, revoked by the owner".to_owned()),
        ..connection(31, "instagram", "oskar.ines")
    };
    let failing = Connection {
        status: ConnectionStatus::Error,
        badge: Badge::Red,
        last_error: Some("no such account".to_owned()),
        ..connection(4, "mastodon", "nightgarden@social.example")
    };
    let paused = Connection {
        status: ConnectionStatus::Paused,
        paused: true,
        ..connection(33, "mastodon", "oskar@social.example")
    };
    let over = Grant {
        expires_at: None,
        note: Some("revoked by the owner".to_owned()),
        ..grant(31, "instagram", "Oskar Lind", Renews::ByHand)
    };
    let soon = Grant {
        act_before: Some(NOW.plus_seconds(9 * 86_400)),
        ..grant(35, "facebook", "Tidewater Kitchen", Renews::ByHand)
    };
    let lacking = Grant { missing: vec![missing()], ..grant(3, "youtube", "Oskar & Ines", Renews::Itself) };
    let not_given = vec![missing().costs];
    let unticked = Connection { not_given, ..connection(3, "youtube", "@oskarines") };
    vec![
        row(gone, "Oskar & Ines", Some(over)),
        row(failing, "nightgarden", None),
        row(connection(35, "facebook", "Tidewater Kitchen"), "Tidewater Kitchen", Some(soon)),
        row(unticked, "Oskar & Ines", Some(lacking)),
        row(connection(1, "youtube", "@mara"), "Mara Lindqvist", Some(grant(1, "youtube", "Mara", Renews::Itself))),
        row(connection(32, "bluesky", "oskarines.example"), "Oskar & Ines", None),
        row(paused, "Oskar & Ines", None),
    ]
}
