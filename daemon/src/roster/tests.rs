//! What the roster answers from memory: names, lanes, pauses, due times, alerts, and rows for clients.

use roster_protocol::alert::{About, AlertState, ChangeCause};
use roster_protocol::connection::Snapshot;
use roster_protocol::error::ErrorKind;
use roster_protocol::ids::{AlertId, ConsentId, DeliveryId, GrantId, InfluencerId, RunId};
use roster_protocol::metric::{Metric, Ratio};
use roster_protocol::sync::{Cause, Outcome};
use roster_protocol::time::{Date, Seconds};

use super::ids::InUse;
use super::resolve::{self, Named};
use super::rows::{self, Seen};
use super::samples::*;
use super::*;
use crate::model::{
    AlertingCommit, Change, Commit, ConsentStep, ConsentsCommit, DESKTOP, DeliveryState, RosterCommit, Run, SyncCommit,
    Trouble,
};

const DAY_S: i64 = 86_400;

fn grid() -> Grid {
    Grid { zone: jiff::tz::TimeZone::UTC, daily: None, interval: Seconds(6 * 3600) }
}

fn seen() -> Seen {
    Seen { now: NOON, interval: Seconds(6 * 3600) }
}

fn ids(connections: impl IntoIterator<Item = impl std::borrow::Borrow<Connection>>) -> Vec<ConnectionId> {
    connections.into_iter().map(|connection| connection.borrow().id).collect()
}

fn with(rows: RosterCommit) -> Roster {
    let mut roster = roster();
    roster.apply(&Commit::from(rows));
    roster
}

fn with_connections(connections: Vec<Connection>) -> Roster {
    with(RosterCommit { connections, ..RosterCommit::default() })
}

/// Sky with 100 followers, Tube with 300.
fn counted() -> Vec<Connection> {
    vec![
        Connection { latest: Some(measured(Some(100), Some(10))), ..connection(SKY, MARA, "bluesky", "mara.example") },
        Connection { latest: Some(measured(Some(300), Some(30))), ..connection(TUBE, MARA, "youtube", "@mara") },
    ]
}

fn hold(lane: &str, seconds: i64) -> Hold {
    Hold { lane: lane.into(), until: NOON.plus_seconds(seconds), reason: "it asked for a pause".into() }
}

fn held(holds: Vec<Hold>) -> Roster {
    let mut roster = roster();
    roster.apply(&Commit::from(SyncCommit { holds, ..SyncCommit::default() }));
    roster
}

#[test]
fn the_main_connection_is_the_chosen_one_or_has_most_followers() {
    let mut roster = with_connections(counted());
    let main = |roster: &Roster, main| {
        roster.main_of(&Influencer { main, ..influencer(MARA, "Mara") }).map(|connection| connection.id)
    };
    assert_eq!(ids(roster.connections_of(MARA)), [TUBE, SKY]);
    assert_eq!(
        [main(&roster, None), main(&roster, Some(SKY)), main(&roster, Some(HERS))],
        [Some(TUBE), Some(SKY), Some(TUBE)]
    );
    assert_eq!((roster.followers_of_all(MARA), roster.followers_of_all(LEA)), (Some(400), None));
    let gone = Connection { disconnected_at: Some(NOON), ..counted().remove(1) };
    roster.apply(&Commit::from(RosterCommit { connections: vec![gone], ..RosterCommit::default() }));
    assert_eq!((main(&roster, None), roster.followers_of_all(MARA)), (Some(SKY), Some(100)));
    assert_eq!(ids(roster.all_connections_of(MARA)), [SKY, TUBE]);
    assert_eq!(ids(roster.connected()), [SKY, HERS]);
}

#[test]
fn an_account_is_found_by_its_platforms_id_before_its_handle() {
    let roster = roster();
    let check = |platform: &str, handle: &str, id: Option<&str>, expected: Option<ConnectionId>| {
        let found = roster.account(platform, handle, id).map(|connection| connection.id);
        assert_eq!(found, expected, "{platform} {handle} {id:?}");
    };
    check("bluesky", "MARA.example", None, Some(SKY));
    check("bluesky", "mara.example", Some("id:lea.example"), Some(HERS));
    check("bluesky", "mara.example", Some("id:other"), Some(SKY));
    check("bluesky", "renamed.example", Some("id:mara.example"), Some(SKY));
    check("youtube", "mara.example", None, None);
}

#[test]
fn a_disconnected_account_does_not_take_the_handle_from_a_connected_one() {
    let gone = Connection {
        platform_user_id: Some("id:old".into()),
        disconnected_at: Some(Timestamp(1)),
        ..connection(TUBE, MARA, "bluesky", "mara.example")
    };
    let roster = with_connections(vec![gone]);
    let found = |id: Option<&str>| roster.account("bluesky", "mara.example", id).map(|connection| connection.id);
    assert_eq!([found(None), found(Some("id:old")), found(Some("id:@mara"))], [Some(SKY), Some(TUBE), Some(SKY)]);
}

#[test]
fn a_lane_is_the_platform_or_one_of_its_hosts() {
    let roster = roster();
    let lane = |platform: &str, handle: &str| roster.lane_of(&connection(SKY, MARA, platform, handle));
    assert_eq!(lane("bluesky", "mara.example"), "bluesky");
    assert_eq!(lane("mastodon", "mara@Social.example"), "mastodon/social.example");
    assert_eq!(lane("unknown", "mara@social.example"), "unknown");
}

#[test]
fn a_hold_of_the_platform_holds_its_hosts_and_the_later_one_counts() {
    let roster = held(vec![hold("mastodon", 60), hold("mastodon/a.example", 90), hold("mastodon/b.example", 30)]);
    let until = |lane: &str, after: i64| {
        roster.hold_on(lane, NOON.plus_seconds(after)).map(|hold| hold.until.since(NOON) / 1000)
    };
    assert_eq!([until("mastodon/a.example", 0), until("mastodon/b.example", 0)], [Some(90), Some(60)]);
    assert_eq!([until("mastodon", 59), until("mastodon", 60), until("bluesky", 0)], [Some(60), None, None]);
    let mut roster = roster;
    let released_holds = vec!["mastodon".to_owned()];
    roster.apply(&Commit::from(SyncCommit { released_holds, ..SyncCommit::default() }));
    assert!(roster.hold_on("mastodon", NOON).is_none() && roster.hold_on("mastodon/a.example", NOON).is_some());
}

#[test]
fn whatever_is_paused_disconnected_or_switched_off_is_not_scheduled() {
    let sky = || connection(SKY, MARA, "bluesky", "mara.example");
    let check = |rows: RosterCommit, (paused, itself, scheduled): (bool, bool, bool)| {
        let roster = with(rows.clone());
        let sky = &roster.connections[&SKY];
        let found = (roster.is_paused(sky), roster.is_paused_itself(sky), roster.is_scheduled(sky));
        assert_eq!(found, (paused, itself, scheduled), "{rows:?}");
        assert_eq!(roster.queue.due_at(SKY), scheduled.then_some(DUE), "{rows:?}");
    };
    let settings = |paused: bool, platform: &str| RosterCommit {
        settings: Some(Settings { paused, paused_platforms: vec![platform.into()] }),
        ..RosterCommit::default()
    };
    let changed = |connection: Connection| RosterCommit { connections: vec![connection], ..RosterCommit::default() };
    check(RosterCommit::default(), (false, false, true));
    check(settings(true, "youtube"), (true, true, false));
    check(settings(false, "bluesky"), (true, true, false));
    check(settings(false, "youtube"), (false, false, true));
    check(changed(Connection { paused: true, ..sky() }), (true, true, false));
    check(changed(Connection { disconnected_at: Some(NOON), ..sky() }), (false, false, false));
    check(changed(Connection { platform: "unknown".into(), ..sky() }), (false, false, false));
    let influencers = vec![Influencer { paused: true, ..influencer(MARA, "Mara") }];
    check(RosterCommit { influencers, ..RosterCommit::default() }, (true, false, false));
}

#[test]
fn a_connection_is_put_off_in_memory_unless_it_is_not_scheduled() {
    let mut roster = with_connections(vec![Connection { paused: true, ..connection(TUBE, MARA, "youtube", "@mara") }]);
    let later = NOON.plus_seconds(9);
    [SKY, TUBE].into_iter().for_each(|id| roster.put_off(id, later));
    assert_eq!([SKY, TUBE].map(|id| roster.queue.due_at(id)), [Some(later), None]);
    assert_eq!(roster.connections[&SKY].next_due_at, DUE);
    roster.know(Platforms::default());
    assert_eq!(roster.queue.due_at(SKY), None, "a platform that is gone has nothing in the queue");
    roster.know(known_platforms());
    assert_eq!([SKY, TUBE].map(|id| roster.queue.due_at(id)), [Some(DUE), None]);
}

#[test]
fn due_times_that_only_a_clock_far_ahead_can_have_written_are_made_anew() {
    let due = |days: i64| NOON.plus_seconds(days * DAY_S);
    // Twice the interval of 6 hours and two days is the farthest.
    let farthest = NOON.plus_seconds(2 * 6 * 3600 + 2 * DAY_S);
    let roster = with_connections(vec![
        Connection { next_due_at: due(400), slot_at: due(400), ..connection(SKY, MARA, "bluesky", "mara.example") },
        Connection { next_due_at: farthest, ..connection(TUBE, MARA, "youtube", "@mara") },
    ]);
    let moved = roster.unreachable_due_times(&grid(), NOON);
    assert_eq!(ids(&moved), [SKY]);
    let next = grid().next(SKY, None, NOON);
    assert_eq!((moved[0].next_due_at, moved[0].slot_at, next.since(NOON) <= 6 * 3_600_000), (next, next, true));
}

#[test]
fn what_lacked_a_setup_that_is_there_now_is_due_at_once() {
    let trouble = |kind| Trouble { kind, message: "no key".into(), since: NOON, retry_at: None, moved_to: None };
    let troubled = |id, platform: &str, handle: &str, kind| {
        let next = grid().next(id, None, NOON);
        let trouble = Some(trouble(kind));
        Connection { trouble, next_due_at: next, slot_at: next, ..connection(id, MARA, platform, handle) }
    };
    let roster = with_connections(vec![
        troubled(SKY, "bluesky", "mara.example", TroubleKind::Unconfigured),
        troubled(TUBE, "youtube", "@mara", TroubleKind::Unconfigured),
        troubled(HERS, "bluesky", "lea.example", TroubleKind::Unavailable),
    ]);
    let moved = roster.moved_by_setup(&grid(), NOON);
    assert_eq!(ids(&moved), [SKY], "YouTube has no key yet; the third lacked nothing");
    assert_eq!((moved[0].next_due_at, moved[0].slot_at), (NOON, grid().next(SKY, None, NOON)));
}

#[test]
fn a_slot_that_is_due_stays_and_a_later_one_moves_to_the_grid() {
    let at = |seconds: i64| NOON.plus_seconds(seconds);
    let check = |slot: Timestamp, due: Timestamp, expected: Option<(Timestamp, Timestamp)>| {
        let sky = connection(SKY, MARA, "bluesky", "mara.example");
        let roster = with_connections(vec![Connection { slot_at: slot, next_due_at: due, ..sky }]);
        let moved = roster.moved_by_setup(&grid(), NOON).into_iter().find(|moved| moved.id == SKY);
        assert_eq!(moved.map(|moved| (moved.slot_at, moved.next_due_at)), expected, "{slot:?} {due:?}");
    };
    let next = grid().next(SKY, None, NOON);
    check(next, next, None);
    // What is due now, or was, runs as it is.
    check(NOON, NOON, None);
    check(at(-1), at(-1), None);
    // A slot that is on no grid, and one that is beyond the next.
    check(at(1), at(1), Some((next, next)));
    check(next.plus_seconds(6 * 3600), next.plus_seconds(6 * 3600), Some((next, next)));
    // A retry keeps its time, unless the slot is earlier.
    check(at(1), at(2), Some((next, at(2))));
    check(at(1), next.plus_seconds(1), Some((next, next)));
}

#[test]
fn open_alerts_are_counted_and_found_by_id_and_connection() {
    let alerts = |alerts: Vec<Alert>| Commit {
        alerting: AlertingCommit { alerts, ..AlertingCommit::default() },
        ..Commit::default()
    };
    let mut roster = roster();
    roster.apply(&alerts(vec![
        alert(1, AlertState::Open, about(SKY, MARA)),
        alert(2, AlertState::Open, about(SKY, MARA)),
        alert(3, AlertState::Acknowledged, About::Influencer(MARA)),
        alert(4, AlertState::Resolved, about(HERS, LEA)),
    ]));
    let count = |roster: &Roster| [MARA, LEA].map(|influencer| roster.open_alerts.get(&influencer).copied());
    assert_eq!((count(&roster), roster.last_alert), ([Some(2), None], 4));
    let numbers = |alerts: Vec<&Alert>| alerts.iter().map(|alert| alert.number).collect::<Vec<_>>();
    assert_eq!((numbers(roster.alerts_of(SKY)), numbers(roster.alerts_of(HERS))), (vec![1, 2], vec![]));
    let id = |number: u8| AlertId::from_bytes([number; 5]);
    assert_eq!([1, 3, 4].map(|number| roster.alert(id(number)).map(|alert| alert.number)), [Some(1), Some(3), None]);
    let prefixed = |length: usize| numbers(roster.alerts_by_prefix(&id(2).to_string()[..length]));
    assert_eq!((prefixed(8), prefixed(3), prefixed(2)), (vec![2], vec![2], vec![]));

    roster.apply(&alerts(vec![alert(1, AlertState::Acknowledged, about(SKY, MARA))]));
    assert_eq!(count(&roster), [Some(1), None]);
    roster.apply(&alerts(vec![alert(2, AlertState::Resolved, about(SKY, MARA))]));
    assert_eq!((count(&roster), numbers(roster.alerts_of(SKY))), ([None, None], vec![1]));
    assert!(roster.alert(id(2)).is_none() && roster.alert_ids.contains(&id(2)));
}

#[test]
fn deliveries_are_pending_on_their_own_channel() {
    let mut roster = roster();
    let pending = |number, channel| delivery(number, channel, DeliveryState::Pending);
    let commit = |deliveries| {
        let alerting = AlertingCommit { deliveries, desktop_shown: Some((1000, 7)), ..AlertingCommit::default() };
        Commit { alerting, ..Commit::default() }
    };
    roster.apply(&commit(vec![pending(1, DESKTOP), pending(2, "mail"), pending(2, DESKTOP)]));
    let on = |roster: &Roster, channel: &str| roster.deliveries.on(channel).map(|it| it.key.alert).collect::<Vec<_>>();
    assert_eq!((on(&roster, DESKTOP), on(&roster, "mail")), (vec![1, 2], vec![2]));
    roster.apply(&commit(vec![delivery(2, DESKTOP, DeliveryState::Delivered)]));
    assert_eq!((on(&roster, DESKTOP), on(&roster, "mail"), roster.desktop_shown[&1000]), (vec![1], vec![2], 7));
}

#[test]
fn an_id_is_in_use_on_the_roster_and_in_what_is_about_to_be_committed() {
    let mut roster = roster();
    let consents = vec![consent(None, ConsentStep::Waiting)];
    let rows = ConsentsCommit { consents, grants: vec![grant(1, ended())], ..ConsentsCommit::default() };
    let alerting = AlertingCommit {
        alerts: vec![alert(5, AlertState::Resolved, about(SKY, MARA))],
        deliveries: vec![delivery(6, DESKTOP, DeliveryState::Pending)],
        ..AlertingCommit::default()
    };
    let influencers = vec![influencer(InfluencerId::from_bytes([7; 5]), "Mina")];
    let connections = vec![connection(ConnectionId::from_bytes([8; 5]), MARA, "youtube", "@mina")];
    let members = RosterCommit { influencers, connections, ..RosterCommit::default() };
    let commit = Commit { roster: members, alerting, consents: rows, ..Commit::default() };
    let consent_id = consent(None, ConsentStep::Waiting).id;
    let in_commit = |commit: &Commit| {
        [
            InfluencerId::from_bytes([7; 5]).is_in_commit(commit),
            InfluencerId::from_bytes([8; 5]).is_in_commit(commit),
            ConnectionId::from_bytes([7; 5]).is_in_commit(commit),
            ConnectionId::from_bytes([8; 5]).is_in_commit(commit),
            AlertId::from_bytes([5; 5]).is_in_commit(commit),
            DeliveryId::from_bytes([6; 5]).is_in_commit(commit),
            consent_id.is_in_commit(commit),
            GrantId::from_bytes([1; 5]).is_in_commit(commit),
        ]
    };
    let on_roster = |roster: &Roster| {
        [
            InfluencerId::from_bytes([7; 5]).is_in(roster),
            InfluencerId::from_bytes([8; 5]).is_in(roster),
            ConnectionId::from_bytes([7; 5]).is_in(roster),
            ConnectionId::from_bytes([8; 5]).is_in(roster),
            AlertId::from_bytes([5; 5]).is_in(roster),
            DeliveryId::from_bytes([6; 5]).is_in(roster),
            consent_id.is_in(roster),
            GrantId::from_bytes([1; 5]).is_in(roster),
        ]
    };
    assert_eq!((in_commit(&commit), on_roster(&roster)), ([true; 8], [false; 8]));
    roster.apply(&commit);
    assert_eq!((in_commit(&Commit::default()), on_roster(&roster)), ([false; 8], [true; 8]));
    let unused = (ConsentId::from_bytes([9; 5]), GrantId::from_bytes([9; 5]), RunId::from_bytes([9; 5]));
    assert!(!unused.0.is_in(&roster) && !unused.1.is_in(&roster) && !unused.2.is_in(&roster));
}

#[test]
fn a_text_names_a_connection_before_an_influencer_and_one_of_two_is_ambiguous() {
    // Two accounts whose ids begin alike, and an influencer whose name is that beginning.
    let [one, two] = [[0x31, 0x31, 0x31, 0, 1], [0x31, 0x31, 0x31, 0, 2]].map(ConnectionId::from_bytes);
    let prefix = one.to_string()[..4].to_owned();
    let named = InfluencerId::from_bytes([0x70; 5]);
    let loaded = |influencers| Loaded {
        influencers,
        connections: vec![connection(one, MARA, "youtube", "@one"), connection(two, MARA, "youtube", "@two")],
        ..loaded()
    };
    let roster = Roster::new(loaded(vec![influencer(MARA, "Mara")]), known_platforms());
    let found = |roster: &Roster, text: &str| match resolve::either(roster, text) {
        Ok(Named::Connection(connection)) => Ok(connection.id.to_string()),
        Ok(Named::Influencer(influencer)) => Ok(influencer.id.to_string()),
        Err(error) => Err(error.kind),
    };
    assert_eq!(found(&roster, &one.to_string()), Ok(one.to_string()));
    assert_eq!(found(&roster, &prefix), Err(ErrorKind::Ambiguous));
    assert_eq!(found(&roster, "youtube:@TWO"), Ok(two.to_string()));
    assert_eq!(found(&roster, "https://www.youtube.com/@two"), Ok(two.to_string()));
    assert_eq!(found(&roster, "mara"), Ok(MARA.to_string()));
    assert_eq!(found(&roster, "nobody"), Err(ErrorKind::NotFound));
    let hint = resolve::either(&roster, &prefix).expect_err("two begin so").hint.unwrap_or_default();
    assert_eq!(hint, format!("say which: {one} youtube:@one; {two} youtube:@two"));

    let roster = Roster::new(loaded(vec![influencer(named, &prefix)]), known_platforms());
    assert_eq!(found(&roster, &prefix), Ok(named.to_string()), "the exact name of an influencer decides");
    let twins = vec![influencer(named, &prefix), influencer(LEA, &prefix)];
    assert_eq!(found(&Roster::new(loaded(twins), known_platforms()), &prefix), Err(ErrorKind::Ambiguous));
}

#[test]
fn filters_search_what_was_loaded_and_what_changed_since() {
    let mut roster = roster();
    assert!(roster.texts.is_empty(), "searching waits for the rest of the load");
    let recent = Recent::of(vec![(Date(TODAY.0 - 7), 80), (TODAY, 100)]);
    roster.load_recent(HashMap::from([(SKY, recent)]), Coverage::default());
    assert_eq!(roster.texts[&LEA].searched, "lea\nlea.example");
    let snapshots = vec![(SKY, Snapshot { date: Date(TODAY.0 + 1), ..measured(Some(120), None) })];
    let renamed = vec![Influencer { tags: vec!["Nordic".into()], ..influencer(LEA, "Lea") }];
    roster.apply(&Commit::from(RosterCommit { influencers: renamed, ..RosterCommit::default() }));
    roster.apply(&Commit::from(SyncCommit { snapshots, ..SyncCommit::default() }));
    assert_eq!(roster.texts[&LEA].searched, "lea\nlea.example\nnordic");
    assert_eq!(roster.recent[&SKY].growth(8), Some(Ratio(500_000)));
    let forgotten_histories = vec![roster.connections[&SKY].clone()];
    roster.apply(&Commit::from(SyncCommit { forgotten_histories, ..SyncCommit::default() }));
    assert!(!roster.recent.contains_key(&SKY));
    let removed_influencers = vec![LEA];
    roster.apply(&Commit::from(RosterCommit { removed_influencers, ..RosterCommit::default() }));
    assert!(!roster.texts.contains_key(&LEA) && resolve::influencer(&roster, "Lea").is_err());
}

#[test]
fn a_row_shows_the_main_connections_numbers_and_the_newest_sync() {
    let mut connections = counted();
    connections[0].last_synced_at = Some(Timestamp(9));
    connections[1].last_synced_at = Some(Timestamp(8));
    let mut roster = with_connections(connections);
    let days = vec![(Date(TODAY.0 - 30), 200), (Date(TODAY.0 - 7), 240), (TODAY, 300)];
    roster.load_recent(HashMap::from([(TUBE, Recent::of(days))]), Coverage::default());
    roster.open_alerts.insert(MARA, 2);
    let row = rows::row(&roster, &influencer(MARA, "Mara"), seen());
    assert_eq!((row.followers, row.followers_total, row.engagement_rate), (Some(300), Some(400), Some(Ratio(30))));
    assert_eq!((row.growth_7d, row.growth_30d, row.recent.len()), (Some(Ratio(250_000)), Some(Ratio(500_000)), 30));
    assert_eq!((row.synced_at, row.last_sync_platform.as_deref()), (Some(Timestamp(9)), Some("bluesky")));
    assert_eq!((row.main, row.main_chosen, row.open_alerts, row.sync_enabled), (Some(TUBE), false, 2, true));
    let badges = row.platforms.iter().map(|badge| (badge.platform.as_str(), badge.paused));
    assert_eq!(badges.collect::<Vec<_>>(), [("youtube", false), ("bluesky", false)]);
    let chosen = Influencer { main: Some(SKY), paused: true, ..influencer(MARA, "Mara") };
    let row = rows::row(&roster, &chosen, seen());
    assert_eq!((row.main, row.main_chosen, row.followers, row.sync_enabled), (Some(SKY), true, Some(100), false));
    assert!(row.platforms.iter().all(|badge| badge.paused));
    let shown = rows::influencer(&roster, &Influencer { note: Some("tea".into()), ..chosen }, seen());
    assert_eq!((shown.note.as_deref(), shown.connections.len()), (Some("tea"), 2));
}

#[test]
fn a_connection_says_what_blocks_it_and_when_it_is_due() {
    let trouble = Trouble {
        kind: TroubleKind::Partial,
        message: "no posts".into(),
        since: NOON,
        retry_at: None,
        moved_to: Some("new.example".into()),
    };
    let mut roster = held(vec![hold("bluesky", 7200)]);
    let shown = |roster: &Roster, connection: &Connection| {
        let shown = rows::connection(roster, connection, seen());
        (shown.blocked_by, shown.next_due_at)
    };
    let sky = connection(SKY, MARA, "bluesky", "mara.example");
    let held = (Some("limit".to_owned()), Some(NOON.plus_seconds(7200)));
    assert_eq!(shown(&roster, &sky), held);
    let partial = Connection { trouble: Some(trouble.clone()), ..sky.clone() };
    assert_eq!(shown(&roster, &partial), held);
    let row = rows::connection(&roster, &partial, seen());
    assert_eq!((row.last_error.as_deref(), row.moved_to.as_deref()), (Some("no posts"), Some("new.example")));
    let broken = Trouble { kind: TroubleKind::Unexpected, ..trouble };
    assert_eq!(shown(&roster, &Connection { trouble: Some(broken), ..sky.clone() }).0, None);
    assert_eq!(shown(&roster, &Connection { paused: true, ..sky.clone() }), (None, None));
    assert_eq!(shown(&roster, &Connection { disconnected_at: Some(NOON), ..sky.clone() }), (None, None));
    let tube = connection(TUBE, MARA, "youtube", "@mara");
    assert_eq!(shown(&roster, &tube), (Some("setup".into()), Some(DUE)), "YouTube has no key");
    roster.know(Platforms::default());
    assert_eq!(shown(&roster, &sky), (Some("setup".into()), None));
}

#[test]
fn runs_changes_and_alerts_carry_the_influencers_name() {
    let roster = roster();
    let run = Run {
        id: RunId::from_bytes([1; 5]),
        connection: SKY,
        influencer: MARA,
        platform: "bluesky".into(),
        due_at: NOON,
        slot_at: NOON,
        missed: 0,
        started_at: NOON,
        duration_ms: 5,
        outcome: Outcome::Ok,
        cause: Cause::Schedule,
        is_retry: false,
        followers: Some(1),
        error: None,
        retry_at: None,
    };
    assert_eq!(rows::run(&roster, &run).influencer_name, "Mara");
    let change = Change {
        at: NOON,
        influencer: LEA,
        connection: HERS,
        platform: "bluesky".into(),
        metric: Metric::Followers,
        from: Some(1.0),
        to: Some(2.0),
        cause: ChangeCause::Sync,
        significant: false,
    };
    assert_eq!(rows::change(&roster, &change).influencer_name, "Léa");
    let shown = rows::alert(&roster, &alert(1, AlertState::Open, about(SKY, MARA)), NOON);
    assert_eq!((shown.influencer_name.as_deref(), shown.change), (Some("Mara"), Some(-0.5)));
    let of_daemon = alert(1, AlertState::Open, About::Daemon);
    assert_eq!(rows::alert(&roster, &of_daemon, NOON).influencer_name, None);
}
