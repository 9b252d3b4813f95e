//! How the slots of each day and platform ended, added up from runs in the order in which they started. A retry takes the
//! place of what it repeats, and what a person paused is not expected, as in the coverage of the last day.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use roster_protocol::ids::ConnectionId;
use roster_protocol::status::Coverage;
use roster_protocol::sync::{Cause, Outcome};
use roster_protocol::time::{Date, Timestamp};

use crate::model::Run;

/// Which day a time is on.
pub type DayOf = Arc<dyn Fn(Timestamp) -> Date + Send + Sync>;

/// Sums that are being made.
pub struct Sums {
    day_of: DayOf,
    days: BTreeMap<(Date, String), Difference>,
    /// The newest run of each connection: a retry repeats it.
    newest: HashMap<ConnectionId, (Date, Outcome)>,
}

/// What is added to a day's sum; some of it may be negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    expected: i64,
    by_outcome: [i64; 4],
}

impl Sums {
    /// Nothing so far.
    pub fn new(day_of: DayOf) -> Self {
        Self { day_of, days: BTreeMap::new(), newest: HashMap::new() }
    }

    /// Adds a run.
    pub fn put(&mut self, run: &Run) {
        let day = (self.day_of)(run.started_at);
        if run.missed > 0 {
            if run.cause != Cause::Person {
                self.of(day, run).count(Outcome::Skipped, i64::try_from(run.missed).unwrap_or(i64::MAX));
            }
            return;
        }
        let repeated = self.newest.insert(run.connection, (day, run.outcome)).filter(|_| run.is_retry);
        if let Some((day, outcome)) = repeated {
            self.of(day, run).count(outcome, -1);
        }
        self.of(day, run).count(run.outcome, 1);
    }

    fn of(&mut self, day: Date, run: &Run) -> &mut Difference {
        self.days.entry((day, run.platform.clone())).or_default()
    }

    /// What was added since the last time.
    pub fn take(&mut self) -> Vec<(Date, String, Difference)> {
        std::mem::take(&mut self.days).into_iter().map(|((day, platform), sum)| (day, platform, sum)).collect()
    }
}

impl Difference {
    fn count(&mut self, outcome: Outcome, by: i64) {
        self.expected = self.expected.saturating_add(by);
        let counted = &mut self.by_outcome[outcome as usize];
        *counted = counted.saturating_add(by);
    }

    /// Adds it to a sum.
    pub fn add_to(self, sum: &mut Coverage) {
        let more = |number: &mut u64, by: i64| *number = number.saturating_add_signed(by);
        more(&mut sum.expected, self.expected);
        let counted = [&mut sum.ok, &mut sum.partial, &mut sum.failed, &mut sum.skipped];
        counted.into_iter().zip(self.by_outcome).for_each(|(number, by)| more(number, by));
    }
}

#[cfg(test)]
mod tests {
    use roster_protocol::ids::{InfluencerId, RunId};

    use super::*;

    fn run(connection: u8, hour: i64, outcome: Outcome, is_retry: bool) -> Run {
        let at = Timestamp(hour * 3_600_000);
        Run {
            id: RunId::from_bytes([0; 5]),
            connection: ConnectionId::from_bytes([connection; 5]),
            influencer: InfluencerId::from_bytes([0; 5]),
            platform: if connection < 9 { "bluesky" } else { "youtube" }.into(),
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
    fn a_retry_takes_the_place_of_what_it_repeats() {
        let mut sums = Sums::new(Arc::new(|at| Date((at.0 / 86_400_000) as i32)));
        let mut days: BTreeMap<(Date, String), Coverage> = BTreeMap::new();
        let mut add = |sums: &mut Sums| {
            for (day, platform, more) in sums.take() {
                more.add_to(days.entry((day, platform)).or_default());
            }
        };
        sums.put(&run(1, 6, Outcome::Ok, false));
        sums.put(&run(2, 6, Outcome::Failed, false));
        sums.put(&run(9, 6, Outcome::Skipped, false));
        // What was added already is taken back where a later part has the retry.
        add(&mut sums);
        sums.put(&run(2, 7, Outcome::Partial, true));
        sums.put(&run(1, 23, Outcome::Failed, false));
        sums.put(&run(1, 25, Outcome::Ok, true));
        // What it repeats is not known: it stands for itself.
        sums.put(&run(3, 25, Outcome::Ok, true));
        // Slots that passed without a run; a person who paused them expected none.
        sums.put(&Run { missed: 4, ..run(9, 26, Outcome::Skipped, false) });
        sums.put(&Run { missed: 9, cause: Cause::Person, ..run(9, 27, Outcome::Skipped, false) });
        add(&mut sums);
        let of = |day: i32, platform: &str| days[&(Date(day), platform.to_owned())];
        assert_eq!(of(0, "bluesky"), Coverage { expected: 2, ok: 1, partial: 1, failed: 0, skipped: 0 });
        assert_eq!(of(0, "youtube"), Coverage { expected: 1, skipped: 1, ..Coverage::default() });
        assert_eq!(of(1, "bluesky"), Coverage { expected: 2, ok: 2, ..Coverage::default() });
        assert_eq!(of(1, "youtube"), Coverage { expected: 4, skipped: 4, ..Coverage::default() });
    }
}
