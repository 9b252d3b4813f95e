//! What one walk over all connections finds, by platform: their states, what was read last, what is down. Pure.

use std::collections::{BTreeMap, HashMap};

use roster_protocol::connection::ConnectionStatus;
use roster_protocol::status::ConnectionCounts;
use roster_protocol::time::Timestamp;

use crate::model::Connection;
use crate::roster::rows::{self, Seen};
use crate::roster::{Roster, standing};
use crate::schedule::breaker::Outage;

/// All connections that are not disconnected.
pub struct Survey<'a>(HashMap<&'a str, OfPlatform<'a>>);

/// Those of one platform.
#[derive(Clone, Copy, Default)]
pub struct OfPlatform<'a> {
    pub counts: ConnectionCounts,
    pub last_ok_at: Option<Timestamp>,
    /// Those that can be synced as far as a user is concerned.
    pub scheduled: u64,
    /// Those of them whose lane is down.
    pub down: u64,
    pub newest_outage: Option<&'a Outage>,
}

impl<'a> Survey<'a> {
    /// Reads each connection once.
    pub fn of(roster: &'a Roster, seen: Seen) -> Self {
        let mut by_platform: HashMap<&str, OfPlatform<'a>> = HashMap::new();
        for connection in roster.each_connected() {
            by_platform.entry(connection.platform.as_str()).or_default().add(roster, connection, seen);
        }
        Self(by_platform)
    }

    /// What it found of a platform.
    pub fn on(&self, slug: &str) -> OfPlatform<'a> {
        self.0.get(slug).copied().unwrap_or_default()
    }

    /// Connections by status.
    pub fn counts(&self) -> ConnectionCounts {
        self.0.values().map(|found| found.counts).sum()
    }

    /// The same for each platform that has any, by slug.
    pub fn counts_by_platform(&self) -> BTreeMap<String, ConnectionCounts> {
        self.0.iter().map(|(slug, found)| ((*slug).to_owned(), found.counts)).collect()
    }
}

impl<'a> OfPlatform<'a> {
    fn add(&mut self, roster: &'a Roster, connection: &'a Connection, seen: Seen) {
        self.counts.total += 1;
        *match rows::standing(roster, connection, seen).status {
            ConnectionStatus::Fresh => &mut self.counts.fresh,
            ConnectionStatus::Stale => &mut self.counts.stale,
            ConnectionStatus::Never => &mut self.counts.never,
            ConnectionStatus::Error => &mut self.counts.error,
            ConnectionStatus::Reauthorize => &mut self.counts.reauthorize,
            ConnectionStatus::Paused => &mut self.counts.paused,
        } += 1;
        self.last_ok_at = self.last_ok_at.max(connection.last_synced_at);
        if roster.is_scheduled(connection) && !standing::needs_person(connection) {
            self.scheduled += 1;
            let outage = roster.outage_of(connection);
            self.down += u64::from(outage.is_some());
            self.newest_outage = outage.into_iter().chain(self.newest_outage).max_by_key(|outage| outage.since);
        }
    }

    /// The outage of a platform that is down: each of its connections is in a lane that is.
    pub fn outage(&self) -> Option<&'a Outage> {
        self.newest_outage.filter(|_| self.down == self.scheduled)
    }
}

#[cfg(test)]
mod tests {
    use roster_protocol::time::Seconds;

    use super::*;
    use crate::model::{Commit, RosterCommit};
    use crate::roster::samples::*;

    #[test]
    fn each_connection_counts_once_and_on_its_platform() {
        let mut roster = roster();
        let read = Connection { last_synced_at: Some(NOON), ..connection(SKY, MARA, "bluesky", "mara.example") };
        let paused = Connection { paused: true, ..connection(HERS, LEA, "bluesky", "lea.example") };
        let left = Connection { disconnected_at: Some(NOON), ..connection(TUBE, MARA, "youtube", "@mara") };
        let connections = vec![read, paused, left];
        roster.apply(&Commit::from(RosterCommit { connections, ..RosterCommit::default() }));
        let survey = Survey::of(&roster, Seen { now: NOON, interval: Seconds(6 * 3600) });
        let expected = ConnectionCounts { total: 2, fresh: 1, paused: 1, ..ConnectionCounts::default() };
        assert_eq!((survey.counts(), survey.on("bluesky").counts), (expected, expected));
        assert_eq!(survey.counts_by_platform(), [("bluesky".to_owned(), expected)].into());
        let found = survey.on("bluesky");
        assert_eq!((found.last_ok_at, found.scheduled, found.down), (Some(NOON), 1, 0));
        assert_eq!(survey.on("youtube").counts, ConnectionCounts::default());
    }
}
