//! The roster's values as clients see them. Pure.

use roster_protocol::alert::{Silenced, Yours};
use roster_protocol::audit::Who;
use roster_protocol::connection::Outage;
use roster_protocol::influencer::PlatformBadge;
use roster_protocol::silence::{ListedSilence, Silence};
use roster_protocol::time::{Seconds, Timestamp};
use roster_protocol::{About, Alert, Change, Connection, ConnectionId, Influencer, InfluencerId, InfluencerRow, Run};

use super::standing;
use crate::alerts::evaluate::relative;
use crate::model;
use crate::roster::Roster;
use crate::schedule::lane;

/// What every response depends on besides the roster.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    pub now: Timestamp,
    /// The interval of connections that have none of their own.
    pub interval: Seconds,
}

/// The status of a connection.
pub fn standing(roster: &Roster, connection: &model::Connection, seen: Seen) -> standing::Standing {
    let interval = roster.pace_of(connection).interval(seen.interval);
    standing::standing(connection, roster.is_paused(connection), interval, roster.outage_of(connection), seen.now)
}

/// A connection for clients.
pub fn connection(roster: &Roster, connection: &model::Connection, seen: Seen) -> Connection {
    let standing = standing(roster, connection, seen);
    let scheduled = roster.is_scheduled(connection);
    Connection {
        id: connection.id,
        influencer: connection.influencer,
        platform: connection.platform.clone(),
        handle: connection.handle.clone(),
        platform_user_id: connection.platform_user_id.clone(),
        status: standing.status,
        badge: standing.badge,
        paused: roster.is_paused(connection),
        last_synced_at: connection.last_synced_at,
        last_error: connection.trouble.as_ref().map(|trouble| trouble.message.clone()),
        blocked_by: standing.blocked_by.or_else(|| held_by(roster, connection, seen.now)).map(str::to_owned),
        outage: roster.outage_of(connection).map(|outage| Outage {
            what: lane::host_or_platform(&roster.lane_of(connection)).to_owned(),
            since: outage.since,
        }),
        next_due_at: scheduled.then(|| due_at(roster, connection, seen.now)),
        interval: connection.interval,
        token_expires_at: roster.consents.ends_at(connection.id),
        not_given: not_given(roster, connection),
        connected_at: connection.connected_at,
        profile: connection.profile.clone(),
        latest: connection.latest.clone(),
        by_hand: connection
            .latest
            .as_ref()
            .map(|latest| connection.by_hand_on(latest.date).to_vec())
            .unwrap_or_default(),
        moved_to: connection.trouble.as_ref().and_then(|trouble| trouble.moved_to.clone()),
    }
}

/// What the owner of a connection's account was asked for and did not allow, as far as this platform's numbers need it.
fn not_given(roster: &Roster, connection: &model::Connection) -> Vec<String> {
    let grant = roster.consents.grant_of(connection.id).filter(|grant| grant.is_live());
    let known = roster.providers.get(&connection.platform);
    let (Some(grant), Some(known)) = (grant, known) else { return Vec::new() };
    let scopes = known.provider.terms().scopes.iter();
    let missing = scopes.filter(|scope| !scope.reads.is_empty() && grant.missing.iter().any(|name| name == scope.name));
    missing.map(|scope| scope.reads.to_owned()).collect()
}

/// What keeps a connection from being synced that has no trouble of its own, and may never have been tried: its platform
/// is not to be requested, or asked for a pause.
fn held_by(roster: &Roster, connection: &model::Connection, now: Timestamp) -> Option<&'static str> {
    let own = connection.trouble.as_ref().is_some_and(|trouble| trouble.kind != model::TroubleKind::Partial);
    if own || connection.disconnected_at.is_some() || roster.is_paused(connection) {
        return None;
    }
    match roster.platforms.get(&connection.platform) {
        Some(known) if known.enabled && known.platform.lacks().is_none() => {
            roster.limited_until(&roster.lane_of(connection), now).map(|_| "limit")
        }
        _ => Some("setup"),
    }
}

/// When a connection is due, or its platform permits the request or is probed, whichever is later.
pub fn due_at(roster: &Roster, connection: &model::Connection, now: Timestamp) -> Timestamp {
    let lane = roster.lane_of(connection);
    let hold = roster.limited_until(&lane, now);
    let probe = roster.breaker.outage(&lane).map(|outage| outage.probe_at);
    connection.next_due_at.max(hold.max(probe).unwrap_or(connection.next_due_at))
}

/// An influencer with connections for clients.
pub fn influencer(roster: &Roster, influencer: &model::Influencer, seen: Seen) -> Influencer {
    let connections = roster.connections_of(influencer.id).map(|c| connection(roster, c, seen)).collect();
    Influencer { row: row(roster, influencer, seen), note: influencer.note.clone(), connections }
}

/// An influencer as a row of a list.
pub fn row(roster: &Roster, influencer: &model::Influencer, seen: Seen) -> InfluencerRow {
    let connections: Vec<&model::Connection> = roster.connections_of(influencer.id).collect();
    let chosen = connections.iter().find(|connection| Some(connection.id) == influencer.main);
    let main = chosen.or(connections.first());
    let latest = main.and_then(|main| main.latest.as_ref());
    let recent = main.and_then(|main| roster.recent.get(&main.id));
    let derives = main.is_some_and(|main| roster.derives(main));
    let growth = |days| recent.filter(|_| derives).and_then(|recent| recent.growth(days));
    let synced = connections.iter().filter(|connection| connection.last_synced_at.is_some());
    let synced = synced.max_by_key(|connection| connection.last_synced_at);
    InfluencerRow {
        id: influencer.id,
        name: influencer.name.clone(),
        tags: influencer.tags.clone(),
        note: influencer.note.clone(),
        followers: latest.and_then(|latest| latest.numbers.followers),
        followers_total: roster.followers_of_all(influencer.id),
        engagement_rate: latest.filter(|_| derives).and_then(|latest| latest.numbers.engagement_rate),
        growth_1d: growth(1),
        growth_7d: growth(7),
        growth_30d: growth(30),
        recent: recent.map(|recent| recent.last_30()).unwrap_or_default(),
        sync_enabled: !influencer.paused,
        synced_at: synced.and_then(|connection| connection.last_synced_at),
        last_sync_platform: synced.map(|connection| connection.platform.clone()),
        main: main.map(|main| main.id),
        main_chosen: chosen.is_some(),
        open_alerts: roster.open_alerts.get(&influencer.id).copied().unwrap_or_default(),
        platforms: connections.iter().map(|c| platform_badge(roster, influencer, c, seen)).collect(),
    }
}

fn platform_badge(
    roster: &Roster,
    influencer: &model::Influencer,
    connection: &model::Connection,
    seen: Seen,
) -> PlatformBadge {
    let paused = influencer.paused || roster.is_paused_itself(connection);
    let interval = roster.pace_of(connection).interval(seen.interval);
    let standing = standing::standing(connection, paused, interval, roster.outage_of(connection), seen.now);
    PlatformBadge { platform: connection.platform.clone(), badge: standing.badge, paused }
}

/// The name of an influencer; empty when it was removed.
pub fn name_of(roster: &Roster, id: InfluencerId) -> String {
    roster.influencers.get(&id).map(|influencer| influencer.name.clone()).unwrap_or_default()
}

/// A silence with the name of its influencer.
pub fn silence(roster: &Roster, silence: &Silence) -> ListedSilence {
    ListedSilence {
        influencer_name: silence.influencer.map(|influencer| name_of(roster, influencer)),
        silence: silence.clone(),
    }
}

/// Who has a connection now: after a merge not the one who had it when something was logged.
fn owner_of(roster: &Roster, connection: ConnectionId, then: InfluencerId) -> InfluencerId {
    roster.connections.get(&connection).map_or(then, |connection| connection.influencer)
}

/// A run for clients.
pub fn run(roster: &Roster, run: &model::Run) -> Run {
    let influencer = owner_of(roster, run.connection, run.influencer);
    Run {
        id: run.id,
        connection: run.connection,
        influencer,
        influencer_name: name_of(roster, influencer),
        platform: run.platform.clone(),
        due_at: run.due_at,
        slot_at: run.slot_at,
        missed: run.missed,
        started_at: run.started_at,
        duration_ms: run.duration_ms,
        outcome: run.outcome,
        cause: run.cause,
        followers: run.followers,
        error: run.error.clone(),
        retry_at: run.retry_at,
    }
}

/// A change for clients.
pub fn change(roster: &Roster, change: &model::Change) -> Change {
    let influencer = owner_of(roster, change.connection, change.influencer);
    Change {
        at: change.at,
        influencer,
        influencer_name: name_of(roster, influencer),
        connection: change.connection,
        platform: change.platform.clone(),
        metric: change.metric,
        from: change.from,
        to: change.to,
        cause: change.cause,
        significant: change.significant,
    }
}

/// An alert as it is to one user.
pub fn alert_of(roster: &Roster, who: &Who, alert: Alert, now: Timestamp) -> Alert {
    let unread = roster.alert(alert.id).is_some_and(|live| roster.is_unread(who, live, now));
    let mine = alert.assigned_to.as_ref() == Some(&who.user());
    Alert { yours: Some(Yours { unread, mine }), ..alert }
}

/// An alert for clients.
pub fn alert(roster: &Roster, alert: &model::Alert, now: Timestamp) -> Alert {
    let about = match alert.about.clone() {
        About::Connection { connection, influencer, platform } => {
            About::Connection { connection, influencer: owner_of(roster, connection, influencer), platform }
        }
        about => about,
    };
    Alert {
        id: alert.id,
        state: alert.state,
        rule: alert.rule.clone(),
        severity: alert.severity,
        influencer_name: about.influencer().map(|influencer| name_of(roster, influencer)),
        about,
        metric: alert.metric,
        from: alert.from,
        to: alert.to,
        change: alert.from.zip(alert.to).and_then(|(from, to)| relative(from, to)),
        opened_at: alert.opened_at,
        ended_at: alert.ended_at,
        acknowledged_by: alert.acknowledged_by.clone(),
        acknowledged_at: alert.acknowledged_at,
        note: alert.note.clone(),
        assigned_to: alert.assigned_to.clone(),
        assigned_at: alert.assigned_at,
        group: alert.group,
        members: alert.members,
        yours: None,
        silenced: Silenced { at_opening: alert.silenced, until: roster.silenced_until(alert, now) },
        explained: alert.explained,
        why: alert.why.clone(),
    }
}
