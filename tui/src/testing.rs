//! Invented people and a small daemon that answers at once, for tests of the terminal UI.

use std::collections::VecDeque;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use roster_protocol::connection::{ConnectionStatus, Profile};
use roster_protocol::influencer::PlatformBadge;
use roster_protocol::service::Page;
use roster_protocol::status::{ConnectionCounts, Coverage, StoreStatus};
use roster_protocol::sync::RunningBatch;
use roster_protocol::{
    AccountPreview, Alert, AlertId, AlertState, ApiAccess, AuditEntry, Badge, Cause, Change, ChangeCause, Connection,
    ConnectionId, Date, Influencer, InfluencerId, InfluencerPage, InfluencerRow, Mean, Metric, Numbers, Outcome,
    PlatformState, PlatformStatus, Ratio, RosterError, Run, RunId, Severity, Snapshot, Source, Status, SyncProgress,
    SyncTicket, Timestamp, Who,
};

use crate::message::{Answer, Deed, Effect, Message, Question, Told};
use crate::model::Model;
use crate::update::update;
use crate::view;

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
        state: PlatformState::Ok,
        reason: None,
        held_until: None,
        last_ok_at: Some(minutes_ago(4)),
        connections: 112,
        coverage_24h: Coverage { expected: 448, ok: 440, partial: 4, failed: 4, skipped: 0 },
        next_due_at: Some(NOW.plus_seconds(240)),
    }
}

pub fn platforms() -> Vec<PlatformStatus> {
    vec![
        PlatformStatus { api: ApiAccess::Key, ..platform("youtube", "YouTube", "yt", "@mara") },
        platform("bluesky", "Bluesky", "bs", "mara.example"),
        PlatformStatus {
            state: PlatformState::Down,
            reason: Some("it answers with errors since 11:20".to_owned()),
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
        next_due_at: Some(NOW.plus_seconds(60)),
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
        store: StoreStatus { bytes: 1_048_576, snapshots: 63_000, damaged: 0 },
        running: Vec::new(),
        waiting: 3,
        paused: false,
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
        engagement_rate: Some(Ratio(42_000)),
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

/// A handful of people in many states.
pub fn people() -> Vec<InfluencerRow> {
    let mut people: Vec<InfluencerRow> = (1..=7).map(row).collect();
    let green = |slug| badge(slug, Badge::Green, false);
    people[0].name = "Mara Lindqvist".to_owned();
    people[0].followers = Some(1_240_000);
    people[0].platforms = vec![green("youtube"), green("bluesky"), green("mastodon")];
    people[1].name = "Tidewater Kitchen".to_owned();
    people[1].followers = Some(871_400);
    people[1].growth_7d = Some(Ratio(1_000));
    people[1].platforms = vec![green("youtube"), badge("facebook", Badge::Yellow, false)];
    people[1].synced_at = Some(minutes_ago(180));
    people[2].name = "Oskar & Ines".to_owned();
    people[2].tags = vec!["beauty".to_owned(), "nordic".to_owned()];
    people[2].followers = Some(402_000);
    people[2].growth_7d = Some(Ratio(-124_000));
    people[2].growth_30d = Some(Ratio(-119_000));
    people[2].open_alerts = 1;
    people[2].synced_at = Some(minutes_ago(25));
    people[2].platforms = vec![
        green("youtube"),
        badge("instagram", Badge::Red, false),
        green("bluesky"),
        badge("mastodon", Badge::Green, true),
    ];
    people[3].name = "nightgarden".to_owned();
    people[3].followers = Some(98_312);
    people[3].engagement_rate = None;
    people[4].name = "夜の庭 👩‍💻 Garden".to_owned();
    people[4].followers = Some(55_100);
    people[4].synced_at = Some(minutes_ago(3 * 1440));
    people[4].platforms = vec![badge("mastodon", Badge::Yellow, false)];
    people[5].name = "Baker Street Chess".to_owned();
    people[5].followers = None;
    people[5].growth_7d = None;
    people[5].growth_30d = None;
    people[5].engagement_rate = None;
    people[5].synced_at = None;
    people[5].main = None;
    people[5].recent = Vec::new();
    people[5].platforms = Vec::new();
    people[6].name = "Ferrow Athletics".to_owned();
    people[6].followers = Some(8_100);
    people[6].sync_enabled = false;
    people[6].platforms = vec![badge("bluesky", Badge::Green, true)];
    people
}

/// What terminals must never see.
pub fn hostile_texts() -> Vec<String> {
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
        next_due_at: Some(NOW.plus_seconds(5 * 3_600)),
        interval: None,
        token_expires_at: None,
        connected_at: minutes_ago(200 * 1440),
        profile: latest.as_ref().map(|latest| Profile {
            followers: latest.numbers.followers,
            engagement_rate: latest.numbers.engagement_rate,
            avg_likes: latest.numbers.avg_likes,
            as_of: latest.observed_at,
            source: Source::Api,
        }),
        latest,
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
        row: people().swap_remove(2),
        note: Some("campaign spring, contract until June".to_owned()),
        connections: vec![connection(3, "youtube", "@oskarines"), bad, small, paused],
    }
}

pub fn alerts() -> Vec<Alert> {
    let alert = |number: u64, state: AlertState, minutes: i64| Alert {
        id: AlertId::from_bytes(influencer_id(number).0),
        state,
        rule: "significant-change".to_owned(),
        severity: Severity::Warning,
        influencer: influencer_id(3),
        influencer_name: "Oskar & Ines".to_owned(),
        connection: connection_id(3),
        platform: "youtube".to_owned(),
        metric: Some(Metric::Followers),
        from: Some(459_000.0),
        to: Some(402_000.0),
        change: Some(-0.124),
        opened_at: minutes_ago(minutes),
        ended_at: None,
        acknowledged_by: None,
        why: "followers fell by 12.4 %, from 459,000 to 402,000, within a day; 10 % counts as significant".to_owned(),
    };
    vec![
        alert(1, AlertState::Open, 2 * 1440),
        Alert {
            rule: "needs-person".to_owned(),
            severity: Severity::Critical,
            platform: "instagram".to_owned(),
            connection: connection_id(31),
            metric: None,
            from: None,
            to: None,
            change: None,
            why: "Instagram does not accept the consent any more: connect it again".to_owned(),
            ..alert(2, AlertState::Open, 3 * 1440)
        },
        Alert {
            influencer_name: "Mara Lindqvist".to_owned(),
            ended_at: Some(minutes_ago(90)),
            acknowledged_by: Some("ada".to_owned()),
            ..alert(3, AlertState::Acknowledged, 6 * 1440)
        },
    ]
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
        run(2, 26, "Tidewater Kitchen", "bluesky", Outcome::Partial, Some("no likes: the posts were not told")),
        Run {
            retry_at: Some(NOW.plus_seconds(1_200)),
            ..run(4, 31, "nightgarden", "mastodon", Outcome::Failed, Some("Mastodon does not answer"))
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

/// A daemon in a few lines: answers every question at once.
pub struct Daemon {
    pub people: Vec<InfluencerRow>,
    pub status: Status,
    /// What deeds and look-ups are answered with instead.
    pub refuses: Option<RosterError>,
    pub preview: AccountPreview,
    pub asked: Vec<Question>,
}

impl Daemon {
    pub fn new() -> Self {
        let preview = AccountPreview {
            platform: "bluesky".to_owned(),
            handle: "mara.example".to_owned(),
            platform_user_id: "did:invented".to_owned(),
            display_name: Some("Mara Lindqvist".to_owned()),
            followers: Some(8_126),
            taken_by: None,
        };
        Self { people: people(), status: status(), refuses: None, preview, asked: Vec::new() }
    }

    pub fn crowd(count: u64) -> Self {
        Self { people: (0..count).map(row).collect(), ..Self::new() }
    }

    pub fn answer(&mut self, question: Question) -> Answer {
        self.asked.push(question.clone());
        fn page<T>(rows: Vec<T>) -> Result<Page<T>, RosterError> {
            Ok(Page { rows, next: None })
        }
        let refused = self.refuses.clone();
        match question {
            Question::Status => Answer::Status(Ok(self.status.clone())),
            Question::Page(query) => {
                let rows = self.find(&query.filter, query.offset, query.limit);
                Answer::Page(query, Ok(rows))
            }
            Question::Choices(filter) => {
                let rows = self.find(&filter, 0, 10);
                Answer::Choices(filter, Ok(rows))
            }
            Question::History { connection, since } => Answer::History { connection, since, result: Ok(snapshots()) },
            Question::Influencer(id) => Answer::Influencer(id, Ok(self.influencer(id))),
            Question::AlertsOf(id) => Answer::AlertsOf(id, page(alerts())),
            Question::ChangesOf(id) => Answer::ChangesOf(id, page(changes())),
            Question::Runs(mark) => Answer::Runs(mark, page(runs())),
            Question::Alerts(which, mark) => Answer::Alerts(which, mark, page(alerts())),
            Question::Changes(mark) => Answer::Changes(mark, page(changes())),
            Question::Audit(mark) => Answer::Audit(mark, page(audit())),
            Question::LookUp { form, .. } => {
                Answer::LookUp { form, result: refused.map_or_else(|| Ok(self.preview.clone()), Err) }
            }
            Question::Progress { ticket, seen } => {
                let result = Ok(SyncProgress { expected: 1, runs: runs().into_iter().take(1).collect(), done: true });
                Answer::Progress { ticket, seen, result }
            }
            Question::Do(deed) => {
                let told = match deed {
                    Deed::Sync { .. } => Told::Ticket(SyncTicket { id: 1, expected: 1 }),
                    _ => Told::Done,
                };
                Answer::Done(deed, refused.map_or(Ok(told), Err))
            }
        }
    }

    fn influencer(&self, id: InfluencerId) -> Influencer {
        let mut influencer = influencer();
        if let Some(row) = self.people.iter().find(|row| row.id == id) {
            influencer.row = row.clone();
        }
        influencer
    }

    fn find(&self, filter: &str, offset: u64, limit: u64) -> InfluencerPage {
        let fits = |row: &&InfluencerRow| row.name.to_lowercase().contains(&filter.to_lowercase());
        let fitting: Vec<&InfluencerRow> = self.people.iter().filter(fits).collect();
        InfluencerPage {
            matching: fitting.len() as u64,
            total: self.people.len() as u64,
            rows: fitting.into_iter().skip(offset as usize).take(limit as usize).cloned().collect(),
        }
    }
}

/// A model that has met its daemon.
pub fn online(daemon: &mut Daemon, width: u16, height: u16) -> Model {
    let mut model = Model::new(NOW, TimeZone::UTC, Size { width, height });
    send(&mut model, daemon, Message::Online);
    model
}

/// Sends a message, and answers whatever is asked until nothing is.
pub fn send(model: &mut Model, daemon: &mut Daemon, message: Message) {
    let mut messages = VecDeque::from([message]);
    let mut rounds = 0;
    while let Some(message) = messages.pop_front() {
        rounds += 1;
        assert!(rounds < 1_000, "questions without end: {:?}", daemon.asked.last());
        for effect in update(model, message) {
            if let Effect::Ask(question) = effect {
                messages.push_back(Message::Answered(Box::new(daemon.answer(question))));
            }
        }
    }
}

pub fn key(code: KeyCode) -> Message {
    Message::Key(KeyEvent::new(code, KeyModifiers::NONE))
}

/// Presses keys: letters as they are, `↵` `⎋` `⇥` `↑` `↓` `←` `→` for those without a letter.
pub fn press(model: &mut Model, daemon: &mut Daemon, keys: &str) {
    for letter in keys.chars() {
        let code = match letter {
            '↵' => KeyCode::Enter,
            '⎋' => KeyCode::Esc,
            '⇥' => KeyCode::Tab,
            '↑' => KeyCode::Up,
            '↓' => KeyCode::Down,
            '←' => KeyCode::Left,
            '→' => KeyCode::Right,
            letter => KeyCode::Char(letter),
        };
        send(model, daemon, key(code));
    }
}

/// The picture of a model.
pub fn buffer(model: &Model) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, model.size.width, model.size.height));
    view::draw(model, &mut buffer);
    buffer
}

/// The picture as text, a line each, without blanks at the ends.
pub fn picture(model: &Model) -> String {
    let buffer = buffer(model);
    let mut text = String::new();
    for row in buffer.content.chunks(usize::from(model.size.width.max(1))) {
        let mut line = String::new();
        let mut skip = 0;
        for cell in row {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            line.push_str(cell.symbol());
            skip = crate::widgets::pen::columns(cell.symbol()).saturating_sub(1);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
