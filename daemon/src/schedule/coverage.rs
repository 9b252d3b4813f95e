//! How the due slots of the last 24 hours ended. Pure.

use std::collections::{BTreeMap, VecDeque};

use roster_protocol::ids::ConnectionId;
use roster_protocol::status;
use roster_protocol::sync::{Cause, Outcome};
use roster_protocol::time::Timestamp;

use crate::model::Run;

const DAY_MS: i64 = 24 * 3600 * 1000;

/// Slots that ended, oldest first. A retry's end replaces its slot's earlier one. What a person paused is not expected.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    ended: VecDeque<Ended>,
    missed: VecDeque<Missed>,
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

/// Slots that passed without a run, evenly from the first to the last.
#[derive(Clone, Copy, Debug)]
struct Missed {
    first: Timestamp,
    last: Timestamp,
    count: u64,
    platform: u16,
}

impl Missed {
    /// How many of them were in the 24 hours before `now`.
    fn in_last_day(&self, now: Timestamp) -> u64 {
        let begin = now.0.saturating_sub(DAY_MS);
        if self.last.0 < begin || self.first > now {
            return 0;
        }
        let (gaps, span) = (i128::from(self.count) - 1, i128::from(self.last.since(self.first)).max(1));
        let before = (i128::from(begin) - i128::from(self.first.0)).max(0);
        let earlier = (before * gaps + span - 1) / span;
        u64::try_from(i128::from(self.count) - earlier).unwrap_or(0)
    }
}

impl Coverage {
    /// Adds a run that ended, or slots that were missed.
    pub fn put(&mut self, run: &Run) {
        let at = run.started_at;
        while self.ended.front().is_some_and(|first| at.since(first.at) > DAY_MS) {
            self.ended.pop_front();
        }
        while self.missed.front().is_some_and(|first| at.since(first.last) > DAY_MS) {
            self.missed.pop_front();
        }
        if run.missed > 0 {
            if run.cause != Cause::Person {
                let platform = self.index_of(&run.platform);
                let (first, last, count) = (run.due_at, run.slot_at, run.missed);
                self.missed.push_back(Missed { first, last, count, platform });
            }
            return;
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
        self.last_day(now).for_each(|ended| counted.add(ended.outcome, 1));
        self.missed.iter().for_each(|missed| counted.add(Outcome::Skipped, missed.in_last_day(now)));
        counted
    }

    /// The same for each platform, by slug.
    pub fn by_platform(&self, now: Timestamp) -> BTreeMap<&str, status::Coverage> {
        let mut counted = vec![status::Coverage::default(); self.platforms.len()];
        self.last_day(now).for_each(|ended| counted[usize::from(ended.platform)].add(ended.outcome, 1));
        for missed in &self.missed {
            counted[usize::from(missed.platform)].add(Outcome::Skipped, missed.in_last_day(now));
        }
        self.platforms.iter().map(String::as_str).zip(counted).collect()
    }

    fn last_day(&self, now: Timestamp) -> impl Iterator<Item = &Ended> {
        self.ended.iter().filter(move |ended| now.since(ended.at) <= DAY_MS)
    }
}

#[cfg(test)]
mod tests {
    use roster_protocol::ids::{InfluencerId, RunId};

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
            slot_at: at,
            missed: 0,
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
    fn missed_slots_count_each_at_its_own_time_and_those_of_a_pause_not_at_all() {
        let mut coverage = Coverage::default();
        let at = |hour: i64| Timestamp(hour * 3600 * 1000);
        // Every six hours from 0 to 66, accounted for at 72.
        let missed = Run { due_at: at(0), slot_at: at(66), missed: 12, ..run(1, 72, Outcome::Skipped, false) };
        coverage.put(&missed);
        coverage.put(&run(1, 72, Outcome::Ok, false));
        coverage.put(&Run { cause: Cause::Person, ..missed.clone() });
        let check = |now: i64, skipped: u64, ok: u64| {
            let expected = status::Coverage { expected: skipped + ok, ok, skipped, ..Default::default() };
            assert_eq!(coverage.count(at(now)), expected, "{now}");
            assert_eq!(of(&coverage, at(now), "bluesky"), expected, "{now}");
        };
        check(72, 4, 1);
        check(73, 3, 1);
        check(78, 3, 1);
        check(79, 2, 1);
        check(90, 1, 1);
        check(91, 0, 1);
        let mut coverage = Coverage::default();
        coverage.put(&Run { due_at: at(70), slot_at: at(70), missed: 1, ..missed });
        assert_eq!([72, 94, 95].map(|hour| coverage.count(at(hour)).skipped), [1, 1, 0]);
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
