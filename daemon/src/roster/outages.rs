//! Lanes that are down: what may be requested, what is blocked, and the words for it.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use roster_protocol::alert::About;
use roster_protocol::rule::Happening;
use roster_protocol::time::Timestamp;

use super::Roster;
use super::standing;
use crate::alerts::evaluate::is_on;
use crate::model::{Alert, Connection};
use crate::schedule::breaker::Outage;
use crate::schedule::gate::Priority;
use crate::schedule::lane;

/// How the reason of an alert about an outage begins.
const DOWN: &str = "down: ";

impl Roster {
    /// Takes up the outages about which an alert was open when the roster was stored.
    pub(super) fn reopen_outages(&mut self) {
        let known = self.down_alerts().map(|(lane, alert)| (lane.to_owned(), alert.opened_at, alert.why.clone()));
        for (lane, since, why) in known.collect::<Vec<_>>() {
            let why = why.strip_prefix(DOWN).map(str::to_owned).unwrap_or(why);
            self.breaker.reopen(&lane, since, why);
        }
    }

    /// The alerts about lanes that are down, with their lanes.
    pub fn down_alerts(&self) -> impl Iterator<Item = (&str, &Alert)> {
        self.alerts.values().filter(|alert| is_on(&self.rules, alert, Happening::PlatformDown)).filter_map(|alert| {
            match &alert.about {
                About::Platform(lane) => Some((lane.as_str(), alert)),
                _ => None,
            }
        })
    }

    /// Whether a lane may be requested: it is not held, and not down, or it is time for a probe.
    pub fn may_request(&self, lane: &str, now: Timestamp) -> bool {
        let is_probe_due = |outage: &Outage| outage.probe_at <= now && self.running_in(lane) == 0;
        self.hold_on(lane, now).is_none() && self.breaker.outage(lane).is_none_or(is_probe_due)
    }

    /// Whether something of this priority may be requested in a lane: within its platform's limits too.
    pub fn may_take(&self, lane: &str, priority: Priority, now: Timestamp) -> bool {
        self.may_request(lane, now) && self.gate.with(|gate| gate.room(lane, priority, now)).is_ok()
    }

    /// Until when a limit keeps what is scheduled in a lane from being requested: one that the platform refused us with,
    /// or one that the gate counts.
    pub fn limited_until(&self, lane: &str, now: Timestamp) -> Option<Timestamp> {
        let hold = self.hold_on(lane, now).map(|hold| hold.until);
        let spent = self.gate.with(|gate| gate.room(lane, Priority::Due, now)).err().map(|spent| spent.until);
        hold.max(spent)
    }

    /// When a lane is requested again that is not to be requested now, if it is not.
    pub fn blocked_until(&self, lane: &str, now: Timestamp) -> Option<Timestamp> {
        self.limited_until(lane, now).max(self.breaker.outage(lane).map(|outage| outage.probe_at))
    }

    /// When the next request is sent to each platform, by slug; and the lane that was due before and has to wait until
    /// then.
    pub fn next_requests(&self, now: Timestamp) -> BTreeMap<&str, (Timestamp, Option<&str>)> {
        let mut next: BTreeMap<&str, (Timestamp, Option<&str>)> = BTreeMap::new();
        for (lane, due) in self.queue.lanes() {
            let platform = lane::platform_of(lane);
            // One that is due later cannot be the next, whatever blocks it.
            if next.get(platform).is_some_and(|(at, _)| *at <= due) {
                continue;
            }
            let of_lane = match self.blocked_until(lane, now) {
                Some(until) if until > due => (until, (due <= now && until > now).then_some(lane)),
                _ => (due, None),
            };
            let first = next.get(platform).map_or(of_lane, |known| of_lane.min(*known));
            next.insert(platform, first);
        }
        next
    }

    /// Whether a lane has a connection that is scheduled.
    pub fn is_used(&self, lane: &str) -> bool {
        self.queue.in_lane(lane) > 0 || self.running_in(lane) > 0
    }

    /// How many connections a lane has that are scheduled.
    pub fn in_lane(&self, lane: &str) -> usize {
        self.queue.in_lane(lane) + self.running_in(lane)
    }

    fn running_in(&self, lane: &str) -> usize {
        let running = self.running.iter().filter_map(|id| self.connections.get(id));
        running.filter(|connection| self.lane_of(connection) == lane).count()
    }

    /// The outage that keeps a connection from being synced, where a user need not act first.
    pub fn outage_of(&self, connection: &Connection) -> Option<&Outage> {
        self.breaker.outages().next()?;
        let is_blocked = self.is_scheduled(connection) && !standing::needs_person(connection);
        is_blocked.then(|| self.breaker.outage(&self.lane_of(connection))).flatten()
    }

    /// `bluesky is down since 14:02 UTC`.
    pub fn outage_in_words(&self, lane: &str, outage: &Outage, zone: &TimeZone, now: Timestamp) -> String {
        let since = since(outage, zone, now);
        match outage.is_ours {
            true => format!("nothing can be reached from this host {since}"),
            false => format!("{} is down {since}", lane::host_or_platform(lane)),
        }
    }

    /// `bluesky is held: the platform's limit is used up`, or that it is down: what lasts longest.
    pub fn blocked_in_words(&self, lane: &str, zone: &TimeZone, now: Timestamp) -> Option<String> {
        let what = lane::host_or_platform(lane);
        let held = self.hold_on(lane, now).map(|hold| (hold.until, format!("{what} is held: {}", hold.reason)));
        let spent = self.gate.with(|gate| gate.room(lane, Priority::Due, now)).err();
        let spent = spent.map(|spent| (spent.until, format!("{what} is held: {spent}")));
        let outage = self.breaker.outage(lane);
        let down = outage.map(|outage| (outage.probe_at, self.outage_in_words(lane, outage, zone, now)));
        held.into_iter().chain(spent).chain(down).max().map(|(_, words)| words)
    }
}

/// Why an alert about an outage opens.
pub fn alert_reason(outage: &Outage) -> String {
    format!("{DOWN}{}", outage.why)
}

/// `since 14:02 UTC`, with the date when that was another day.
pub fn since(outage: &Outage, zone: &TimeZone, now: Timestamp) -> String {
    let (since, now) = (outage.since.to_jiff().to_zoned(zone.clone()), now.to_jiff().to_zoned(zone.clone()));
    let format = if since.date() == now.date() { "since %H:%M %Z" } else { "since %Y-%m-%d %H:%M %Z" };
    since.strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use roster_protocol::alert::AlertState;
    use roster_protocol::connection::{Badge, Outage as Shown};
    use roster_protocol::time::Seconds;

    use super::*;
    use crate::model::{AlertingCommit, Commit, RosterCommit, Trouble, TroubleKind};
    use crate::roster::rows::{self, Seen};
    use crate::roster::samples::*;
    use crate::schedule::breaker::FailedBatch;

    const SINCE: Timestamp = Timestamp(NOON.0 - 9 * 3_600_000);

    /// Sky's lane is down since long, and a probe is due in half an hour at the latest.
    fn scene(trouble: Option<(TroubleKind, i64)>) -> Roster {
        let trouble = trouble.map(|(kind, hours)| Trouble {
            kind,
            message: "no".into(),
            since: NOON.plus_seconds(-hours * 3600),
            retry_at: None,
            moved_to: None,
        });
        let synced = Some(NOON.plus_seconds(-9 * 3600));
        let sky = Connection { trouble, last_synced_at: synced, ..connection(SKY, MARA, "bluesky", "mara.example") };
        let mut roster = roster();
        roster.apply(&Commit::from(RosterCommit { connections: vec![sky], ..RosterCommit::default() }));
        roster.breaker.reopen("bluesky", SINCE, "no answer".into());
        roster
    }

    #[test]
    fn the_next_request_is_of_what_is_not_blocked_or_when_that_ends() {
        // Sky is due since an hour and its lane is down; Tube is due in an hour.
        let mut roster = scene(None);
        let due = NOON.plus_seconds(-3600);
        let sky = Connection { next_due_at: due, slot_at: due, ..roster.connections[&SKY].clone() };
        let hers = Connection { paused: true, ..roster.connections[&HERS].clone() };
        roster.apply(&RosterCommit { connections: vec![sky, hers], ..RosterCommit::default() }.into());
        assert_eq!(roster.next_requests(NOON).get("bluesky"), Some(&(due, None)), "a probe is due at once");
        let (connections, why) = (&[SKY][..], "no".to_owned());
        let batch = FailedBatch { connections, in_lane: 1, is_network: false, why, started_at: NOON, ended_at: NOON };
        roster.breaker.failed("bluesky", batch, 1.0);
        let probe_at = roster.breaker.outage("bluesky").expect("it is down").probe_at;
        let next = roster.next_requests(NOON);
        assert_eq!(next.get("bluesky"), Some(&(probe_at, Some("bluesky"))));
        assert_eq!(next.get("youtube"), Some(&(DUE, None)));
        assert_eq!(next.get("mastodon"), None);
        let words = roster.blocked_in_words("bluesky", &TimeZone::UTC, NOON).expect("it is blocked");
        assert_eq!(words, "bluesky is down since 03:00 UTC");
    }

    #[test]
    fn an_outage_keeps_a_connection_and_does_not_make_it_red() {
        let check = |trouble, expected: (Badge, Option<&str>, bool)| {
            let roster = scene(trouble);
            let seen = Seen { now: NOON, interval: Seconds(6 * 3600) };
            let shown = rows::connection(&roster, &roster.connections[&SKY], seen);
            assert_eq!((shown.badge, shown.blocked_by.as_deref(), shown.outage.is_some()), expected, "{trouble:?}");
            let outage = Shown { what: "bluesky".into(), since: SINCE };
            assert!(shown.outage.is_none_or(|shown| shown == outage));
        };
        let down = (Badge::Green, Some("platform"), true);
        check(None, down);
        check(Some((TroubleKind::Unavailable, 9)), down);
        // What was odd before cannot be tried again meanwhile.
        check(Some((TroubleKind::Unexpected, 9)), down);
        // What only a user can mend needs one all the same.
        check(Some((TroubleKind::Unauthorized, 9)), (Badge::Red, None, false));
    }

    #[test]
    fn a_probe_is_permitted_while_nothing_of_the_lane_is_running() {
        let mut roster = scene(None);
        assert!(roster.may_request("bluesky", NOON) && roster.may_request("youtube", NOON));
        roster.queue.remove(SKY);
        roster.running.insert(SKY);
        assert!(!roster.may_request("bluesky", NOON) && roster.may_request("youtube", NOON));
        assert!(roster.is_used("bluesky"));
        roster.running.remove(&SKY);
        let (is_network, why) = (false, "no".to_owned());
        let probe = FailedBatch { connections: &[SKY], in_lane: 1, is_network, why, started_at: NOON, ended_at: NOON };
        roster.breaker.failed("bluesky", probe, 1.0);
        let probe_at = roster.breaker.outage("bluesky").expect("it is down").probe_at;
        assert!(!roster.may_request("bluesky", NOON) && roster.may_request("bluesky", probe_at));
        assert!(probe_at > NOON);
    }

    #[test]
    fn open_and_acknowledged_alerts_say_after_a_restart_what_is_down() {
        for (state, is_down) in
            [(AlertState::Open, true), (AlertState::Acknowledged, true), (AlertState::Resolved, false)]
        {
            let about = About::Platform("mastodon/social.example".into());
            let alert = Alert {
                rule: "platform-down".into(),
                opened_at: SINCE,
                why: "down: no answer".into(),
                ..alert(1, state, about)
            };
            let mut roster = roster();
            let alerting = AlertingCommit { alerts: vec![alert], ..AlertingCommit::default() };
            roster.apply(&Commit { alerting, ..Commit::default() });
            roster.reopen_outages();
            let outage = roster.breaker.outage("mastodon/social.example");
            assert_eq!(outage.is_some(), is_down, "{state:?}");
            if let Some(outage) = outage {
                assert_eq!((outage.since, outage.why.as_str(), outage.probe_at), (SINCE, "no answer", SINCE));
                let words = |now| roster.outage_in_words("mastodon/social.example", outage, &TimeZone::UTC, now);
                assert_eq!(words(NOON), "social.example is down since 03:00 UTC");
                assert_eq!(words(NOON.plus_seconds(86_400)), "social.example is down since 2026-11-21 03:00 UTC");
            }
        }
    }
}
