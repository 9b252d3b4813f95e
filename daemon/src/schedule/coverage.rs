//! How the due slots of the last 24 hours ended. Pure.

use std::collections::{BTreeMap, VecDeque};

use roster_protocol::ids::ConnectionId;
use roster_protocol::status;
use roster_protocol::sync::Outcome;
use roster_protocol::time::Timestamp;

use crate::model::Run;

const DAY_MS: i64 = 24 * 3600 * 1000;

/// Slots that ended, oldest first. A retry's end replaces its slot's earlier one.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    ended: VecDeque<Ended>,
    /// The platforms that were met, each once.
    platforms: Vec<String>,
}

#[derive(Clone, Copy, Debug)]
struct Ended {
    at: Timestamp,
    connection: ConnectionId,
    /// Its index among the platforms.
    platform: u16,
    outcome: Outcome,
}

impl Coverage {
    /// Adds a run that ended.
    pub fn put(&mut self, run: &Run) {
        let at = run.started_at;
        while self.ended.front().is_some_and(|first| at.since(first.at) > DAY_MS) {
            self.ended.pop_front();
        }
        if run.is_retry {
            let before = self.ended.iter().rposition(|ended| ended.connection == run.connection);
            before.and_then(|index| self.ended.remove(index));
        }
        let platform = self.index_of(&run.platform);
        self.ended.push_back(Ended { at, connection: run.connection, platform, outcome: run.outcome });
    }

    fn index_of(&mut self, platform: &str) -> u16 {
        let known = self.platforms.iter().position(|known| known == platform);
        let index = known.unwrap_or_else(|| {
            self.platforms.push(platform.to_owned());
            self.platforms.len() - 1
        });
        // There are only a few platforms.
        index as u16
    }

    /// What ended in the 24 hours before `now`.
    pub fn count(&self, now: Timestamp) -> status::Coverage {
        let mut counted = status::Coverage::default();
        self.last_day(now).for_each(|ended| add(&mut counted, ended.outcome));
        counted
    }

    /// The same for each platform, by slug.
    pub fn by_platform(&self, now: Timestamp) -> BTreeMap<&str, status::Coverage> {
        let mut counted = vec![status::Coverage::default(); self.platforms.len()];
        self.last_day(now).for_each(|ended| add(&mut counted[usize::from(ended.platform)], ended.outcome));
        self.platforms.iter().map(String::as_str).zip(counted).collect()
    }

    fn last_day(&self, now: Timestamp) -> impl Iterator<Item = &Ended> {
        self.ended.iter().filter(move |ended| now.since(ended.at) <= DAY_MS)
    }
}

fn add(counted: &mut status::Coverage, outcome: Outcome) {
    counted.expected += 1;
    match outcome {
        Outcome::Ok => counted.ok += 1,
        Outcome::Partial => counted.partial += 1,
        Outcome::Failed => counted.failed += 1,
        Outcome::Skipped => counted.skipped += 1,
    }
}

#[cfg(test)]
mod tests {
    use roster_protocol::ids::{InfluencerId, RunId};
    use roster_protocol::sync::Cause;

    use super::*;

    fn of(coverage: &Coverage, now: Timestamp, platform: &str) -> status::Coverage {
        coverage.by_platform(now).get(platform).copied().unwrap_or_default()
    }

    fn run(connection: u8, hour: i64, outcome: Outcome, is_retry: bool) -> Run {
        let at = Timestamp(hour * 3600 * 1000);
        Run {
            id: RunId::from_bytes([0; 5]),
            connection: ConnectionId::from_bytes([connection; 5]),
            influencer: InfluencerId::from_bytes([0; 5]),
            platform: "bluesky".into(),
            due_at: at,
            started_at: at,
            duration_ms: 0,
            outcome,
            cause: Cause::Schedule,
            is_retry,
            followers: None,
            error: None,
            retry_at: None,
        }
    }

    #[test]
    fn a_day_is_24_hours_to_the_millisecond() {
        let mut coverage = Coverage::default();
        coverage.put(&run(1, 0, Outcome::Ok, false));
        let check = |coverage: &Coverage, now, expected| assert_eq!(coverage.count(Timestamp(now)).expected, expected);
        check(&coverage, DAY_MS, 1);
        check(&coverage, DAY_MS + 1, 0);
        // What no longer counts is dropped, and nothing earlier than that.
        coverage.put(&run(2, 24, Outcome::Ok, false));
        assert_eq!(coverage.ended.len(), 2);
        coverage.put(&run(3, 25, Outcome::Ok, false));
        assert_eq!(coverage.ended.len(), 2);
        coverage.put(&run(4, 49, Outcome::Ok, false));
        assert_eq!(coverage.ended.len(), 2);
    }

    #[test]
    fn each_outcome_and_each_platform_is_counted_apart() {
        let mut coverage = Coverage::default();
        let outcomes = [(Outcome::Ok, 1), (Outcome::Partial, 2), (Outcome::Failed, 3), (Outcome::Skipped, 4)];
        for (outcome, times) in outcomes {
            for connection in 0..times {
                coverage.put(&run(connection, 0, outcome, false));
                coverage.put(&Run { platform: "tiktok".into(), ..run(100 + connection, 0, outcome, false) });
            }
        }
        coverage.put(&Run { platform: "tiktok".into(), ..run(200, 0, Outcome::Ok, false) });
        let each = |ok| status::Coverage { expected: 9 + ok, ok, partial: 2, failed: 3, skipped: 4 };
        assert_eq!(of(&coverage, Timestamp(0), "bluesky"), each(1));
        assert_eq!(of(&coverage, Timestamp(0), "tiktok"), each(2));
        assert_eq!(coverage.count(Timestamp(0)).expected, 21);
        assert_eq!(coverage.platforms, ["bluesky", "tiktok"]);
    }

    #[test]
    fn a_retry_replaces_the_last_end_of_its_own_connection() {
        let mut coverage = Coverage::default();
        for (connection, hour, outcome) in [(1, 0, Outcome::Partial), (1, 6, Outcome::Failed), (2, 6, Outcome::Failed)]
        {
            coverage.put(&run(connection, hour, outcome, false));
        }
        coverage.put(&run(1, 7, Outcome::Ok, true));
        let expected = status::Coverage { expected: 3, ok: 1, partial: 1, failed: 1, ..Default::default() };
        assert_eq!(coverage.count(Timestamp(7 * 3600 * 1000)), expected);
        // One whose first try was before the daemon started replaces nothing.
        coverage.put(&run(3, 7, Outcome::Ok, true));
        assert_eq!(coverage.count(Timestamp(7 * 3600 * 1000)).expected, 4);
    }

    #[test]
    fn a_slot_counts_once_with_its_last_outcome_for_a_day() {
        let mut coverage = Coverage::default();
        coverage.put(&run(1, 0, Outcome::Failed, false));
        coverage.put(&run(2, 0, Outcome::Ok, false));
        coverage.put(&run(1, 1, Outcome::Ok, true));
        let now = Timestamp(2 * 3600 * 1000);
        let expected = status::Coverage { expected: 2, ok: 2, ..Default::default() };
        assert_eq!(coverage.count(now), expected);
        assert_eq!(of(&coverage, now, "youtube"), status::Coverage::default());
        coverage.put(&run(1, 30, Outcome::Skipped, false));
        let expected = status::Coverage { expected: 1, skipped: 1, ..Default::default() };
        assert_eq!(of(&coverage, Timestamp(30 * 3600 * 1000), "bluesky"), expected);
    }
}
