//! Stops requests to a lane that is down, except for one probe at a time, until it responds. Pure.
//!
//! It knows the failures since the start, and the outages about which an alert is open. That a restart forgets the rest
//! sends no storm: the due times of connections are stored, and have backed off already.

use std::collections::BTreeMap;

use roster_protocol::ids::ConnectionId;
use roster_protocol::time::Timestamp;

use super::back_off;

/// So many batches in a row must fail before a lane is down.
const BATCHES: u32 = 3;
/// So many connections of the lane must have failed in them, or all that it has: one account that makes its platform
/// fail is no outage of the others.
const CONNECTIONS: usize = 3;

/// What a batch met in its lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contact {
    /// A response about one account at least, whatever it says.
    Response,
    /// No response about any. `is_network`: nothing could be reached from here.
    Nothing { is_network: bool, why: String },
}

/// A batch that met no response.
#[derive(Clone, Debug)]
pub struct FailedBatch<'a> {
    pub connections: &'a [ConnectionId],
    /// How many connections its lane has.
    pub in_lane: usize,
    pub is_network: bool,
    pub why: String,
    pub started_at: Timestamp,
    pub ended_at: Timestamp,
}

/// A lane that is down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outage {
    pub since: Timestamp,
    pub probe_at: Timestamp,
    /// Whether nothing could be reached from here, and no other lane proved that something can.
    pub is_ours: bool,
    /// Why the last probe failed.
    pub why: String,
    failures: u32,
}

/// A lane whose last batches failed.
#[derive(Debug, Default)]
struct Failing {
    batches: u32,
    /// When the last of them ended.
    failed_at: Option<Timestamp>,
    /// Those that failed, up to as many as count.
    connections: Vec<ConnectionId>,
    /// How many responses all lanes had got when it failed last.
    responses: u64,
    outage: Option<Outage>,
}

/// The lanes that fail, and those that are down.
#[derive(Debug, Default)]
pub struct Breaker {
    failing: BTreeMap<String, Failing>,
    /// Batches that met a response, of all lanes.
    responses: u64,
}

impl Breaker {
    /// A lane responded: it is up. What could not be reached from here is worth a probe at once.
    pub fn responded(&mut self, lane: &str, now: Timestamp) {
        self.responses += 1;
        self.failing.remove(lane);
        let outages = self.failing.values_mut().filter_map(|failing| failing.outage.as_mut());
        outages.filter(|outage| outage.is_ours).for_each(|outage| outage.probe_at = outage.probe_at.min(now));
    }

    /// A batch met no response. Those that were under way together count once: it may have been a moment's failure.
    /// `dice` is from 0 to 1.
    pub fn failed(&mut self, lane: &str, batch: FailedBatch<'_>, dice: f64) {
        let FailedBatch { connections, in_lane, is_network, why, started_at, ended_at: now } = batch;
        let responses = self.responses;
        let failing = self.failing.entry(lane.to_owned()).or_default();
        let is_ours = is_network && failing.responses == responses;
        failing.responses = responses;
        let is_after_the_last = failing.failed_at.is_none_or(|failed_at| started_at >= failed_at);
        failing.batches = failing.batches.saturating_add(u32::from(is_after_the_last));
        failing.failed_at = Some(now);
        for connection in connections {
            if failing.connections.len() < CONNECTIONS && !failing.connections.contains(connection) {
                failing.connections.push(*connection);
            }
        }
        let probe_after = |failures| now.plus_seconds(back_off(failures, dice).0 as i64);
        if let Some(outage) = &mut failing.outage {
            outage.failures = outage.failures.saturating_add(1);
            outage.probe_at = probe_after(outage.failures);
            outage.is_ours &= is_ours;
            outage.why = why;
        } else if failing.batches >= BATCHES && failing.connections.len() >= in_lane.min(CONNECTIONS) {
            let probe_at = probe_after(BATCHES);
            failing.outage = Some(Outage { since: now, probe_at, is_ours, why, failures: BATCHES });
        }
    }

    /// A lane was down before the daemon started: a probe is due at once.
    pub fn reopen(&mut self, lane: &str, since: Timestamp, why: String) {
        let outage = Outage { since, probe_at: since, is_ours: false, why, failures: BATCHES };
        self.failing.insert(lane.to_owned(), Failing { outage: Some(outage), ..Failing::default() });
    }

    /// Forgets the lanes that are not `used`; returns whether one of them was down.
    pub fn retain(&mut self, is_used: impl Fn(&str) -> bool) -> bool {
        let before = self.outages().count();
        self.failing.retain(|lane, _| is_used(lane));
        self.outages().count() < before
    }

    /// The clock was set back: the times of probes and of failures are out of reach.
    pub fn clock_set_back(&mut self, now: Timestamp) {
        for failing in self.failing.values_mut() {
            failing.failed_at = None;
            failing.outage.iter_mut().for_each(|outage| outage.probe_at = outage.probe_at.min(now));
        }
    }

    /// The outage of a lane that is down.
    pub fn outage(&self, lane: &str) -> Option<&Outage> {
        self.failing.get(lane)?.outage.as_ref()
    }

    /// The lanes that fail, down or not yet.
    pub fn lanes(&self) -> impl Iterator<Item = &str> {
        self.failing.keys().map(String::as_str)
    }

    /// The lanes that are down.
    pub fn outages(&self) -> impl Iterator<Item = (&str, &Outage)> {
        self.failing.iter().filter_map(|(lane, failing)| Some((lane.as_str(), failing.outage.as_ref()?)))
    }
}

impl Outage {
    /// What keeps the lane's connections from being synced, in a word.
    pub fn blocked_by(&self) -> &'static str {
        if self.is_ours { "network" } else { "platform" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp(1_795_262_400_000);
    const LANE: &str = "bluesky";

    fn ids(numbers: &[u8]) -> Vec<ConnectionId> {
        numbers.iter().map(|number| ConnectionId::from_bytes([*number; 5])).collect()
    }

    fn fail(breaker: &mut Breaker, lane: &str, connections: &[u8], in_lane: usize, is_network: bool) {
        breaker.failed(lane, batch(&ids(connections), in_lane, is_network), 1.0);
    }

    fn batch(connections: &[ConnectionId], in_lane: usize, is_network: bool) -> FailedBatch<'_> {
        FailedBatch { connections, in_lane, is_network, why: "no".to_owned(), started_at: NOON, ended_at: NOON }
    }

    #[test]
    fn batches_that_fail_together_count_once() {
        let mut breaker = Breaker::default();
        let connections = ids(&[1, 2, 3]);
        let mut fail = |started_at: i64, ended_at: i64| {
            let (started_at, ended_at) = (NOON.plus_seconds(started_at), NOON.plus_seconds(ended_at));
            breaker.failed(LANE, FailedBatch { started_at, ended_at, ..batch(&connections, 40, false) }, 1.0);
            breaker.outage(LANE).is_some()
        };
        assert!(!fail(0, 10) && !fail(0, 11) && !fail(5, 12) && !fail(9, 12));
        assert!(!fail(30, 40) && !fail(31, 41));
        assert!(fail(60, 70));
    }

    #[test]
    fn three_batches_in_a_row_open_it_and_a_response_closes_it() {
        let mut breaker = Breaker::default();
        for is_down in [false, false, true] {
            fail(&mut breaker, LANE, &[1, 2, 3], 40, false);
            assert_eq!(breaker.outage(LANE).is_some(), is_down);
        }
        breaker.responded(LANE, NOON);
        assert_eq!(breaker.outages().count(), 0);
        fail(&mut breaker, LANE, &[1, 2, 3], 40, false);
        assert_eq!(breaker.outages().count(), 0, "it counts anew");
        assert!(breaker.outage("youtube").is_none());
    }

    #[test]
    fn one_account_that_fails_is_no_outage_unless_it_is_alone() {
        let mut breaker = Breaker::default();
        (0..20).for_each(|_| fail(&mut breaker, LANE, &[1], 40, false));
        assert!(breaker.outage(LANE).is_none());
        fail(&mut breaker, LANE, &[2], 40, false);
        assert!(breaker.outage(LANE).is_none());
        fail(&mut breaker, LANE, &[3], 40, false);
        assert!(breaker.outage(LANE).is_some());
        (0..3).for_each(|_| fail(&mut breaker, "youtube", &[9], 1, false));
        assert!(breaker.outage("youtube").is_some());
    }

    #[test]
    fn probes_come_ever_later_up_to_an_hour() {
        let mut breaker = Breaker::default();
        (0..2).for_each(|_| fail(&mut breaker, LANE, &[1], 1, false));
        for seconds in [120, 240, 480, 960, 1920, 3600, 3600] {
            fail(&mut breaker, LANE, &[1], 1, false);
            let outage = breaker.outage(LANE).expect("it is down");
            assert_eq!((outage.since, outage.probe_at), (NOON, NOON.plus_seconds(seconds)));
        }
    }

    #[test]
    fn it_is_our_outage_only_while_no_lane_responds() {
        let mut breaker = Breaker::default();
        breaker.responded("youtube", NOON);
        for lane in ["bluesky", "mastodon/a.example"] {
            (0..3).for_each(|_| fail(&mut breaker, lane, &[1], 1, true));
            assert_eq!(breaker.outage(lane).map(Outage::blocked_by), Some("network"), "{lane}");
        }
        // One of them is reached again: the other is worth a probe at once, and if that fails, it is down by itself.
        breaker.responded("bluesky", NOON);
        let other = |breaker: &Breaker| breaker.outage("mastodon/a.example").cloned().expect("it is down");
        assert_eq!((other(&breaker).probe_at, other(&breaker).is_ours), (NOON, true));
        fail(&mut breaker, "mastodon/a.example", &[1], 1, true);
        assert_eq!(other(&breaker).blocked_by(), "platform");
        // That no other lane was tried since proves nothing.
        fail(&mut breaker, "mastodon/a.example", &[1], 1, true);
        assert_eq!(other(&breaker).blocked_by(), "platform");
    }

    #[test]
    fn a_clock_that_is_set_back_delays_no_probe_and_no_outage() {
        let mut breaker = Breaker::default();
        (0..3).for_each(|_| fail(&mut breaker, LANE, &[1], 1, false));
        fail(&mut breaker, "youtube", &[1], 1, false);
        let before = NOON.plus_seconds(-86_400);
        breaker.clock_set_back(before);
        assert_eq!(breaker.outage(LANE).map(|outage| outage.probe_at), Some(before));
        let connections = ids(&[1]);
        for is_down in [false, true] {
            let again = FailedBatch { started_at: before, ended_at: before, ..batch(&connections, 1, false) };
            breaker.failed("youtube", again, 1.0);
            assert_eq!(breaker.outage("youtube").is_some(), is_down);
        }
    }

    #[test]
    fn a_lane_that_is_no_longer_used_is_forgotten() {
        let mut breaker = Breaker::default();
        breaker.reopen(LANE, NOON, "no".to_owned());
        (0..2).for_each(|_| fail(&mut breaker, "youtube", &[1], 1, false));
        assert_eq!(breaker.lanes().collect::<std::collections::BTreeSet<_>>(), [LANE, "youtube"].into());
        // The other one only failed: no outage ends.
        assert!(!breaker.retain(|lane| lane == LANE));
        assert_eq!(breaker.lanes().collect::<Vec<_>>(), [LANE]);
        assert!(breaker.retain(|_| false) && breaker.outages().count() == 0);
    }
}
