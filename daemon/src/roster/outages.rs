//! Lanes that are down: what may be requested, what is blocked, and the words for it.

use jiff::tz::TimeZone;
use roster_protocol::alert::About;
use roster_protocol::time::Timestamp;

use super::Roster;
use super::standing;
use crate::alerts::evaluate::PLATFORM_DOWN;
use crate::model::{Alert, Connection};
use crate::schedule::breaker::Outage;
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
        self.alerts.values().filter(|alert| alert.rule == PLATFORM_DOWN).filter_map(|alert| match &alert.about {
            About::Platform(lane) => Some((lane.as_str(), alert)),
            _ => None,
        })
    }

    /// Whether a lane may be requested: it is not held, and not down, or it is time for a probe.
    pub fn may_request(&self, lane: &str, now: Timestamp) -> bool {
        let is_probe_due = |outage: &Outage| outage.probe_at <= now && self.running_in(lane) == 0;
        self.hold_on(lane, now).is_none() && self.breaker.outage(lane).is_none_or(is_probe_due)
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
