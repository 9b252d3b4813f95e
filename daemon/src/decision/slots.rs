//! Due slots that passed without a run: each is accounted for, with what kept it from being run. Pure.
//!
//! One run catches up however many were missed. It stands for the last of them; those before it are skipped, in one
//! entry among the runs for each reason in turn.

use roster_protocol::sync::{Cause, Outcome};
use roster_protocol::time::Timestamp;

use super::Decision;
use crate::model::{Connection, Run};
use crate::schedule::Grid;

/// What passed since a connection's slot.
#[derive(Clone, Debug)]
pub struct Passed {
    /// The last slot that passed, for which a run made now stands.
    pub last: Timestamp,
    /// Those before it that had no run.
    pub missed: Vec<Run>,
}

/// Why slots were missed.
#[derive(Clone, Copy, Debug)]
pub enum Why {
    /// As far as it is known; else no turn was free.
    Found,
    /// A person wanted it.
    Chosen(&'static str),
}

/// Why slots were missed of what was paused.
pub const PAUSED: Why = Why::Chosen("it was paused");

/// What passed of a connection's slots after the one it has, up to now; `None` when none did. `noted_at` is when that is
/// noted.
pub fn passed(
    decision: &mut Decision<'_>,
    grid: &Grid,
    connection: &Connection,
    why: Why,
    noted_at: Timestamp,
) -> Option<Passed> {
    let now = decision.now;
    let pace = decision.roster.pace_of(connection);
    let last = grid.between(connection.id, pace, connection.slot_at, now)?.last;
    let mut missed = missed(decision, grid, connection, last, why);
    missed.iter_mut().for_each(|run| run.started_at = noted_at);
    Some(Passed { last, missed })
}

/// The connection as it goes on after the slots that passed are accounted for: due since the last of them. One that
/// waits for a retry stays as it is, and so does one that is not late.
pub fn caught_up(decision: &mut Decision<'_>, grid: &Grid, connection: &Connection, why: Why) -> Connection {
    let is_due = connection.next_due_at <= decision.now;
    let now = decision.now;
    let passed = is_due.then(|| passed(decision, grid, connection, why, now)).flatten();
    let Some(Passed { last, missed }) = passed else { return connection.clone() };
    decision.commit.sync.runs.extend(missed);
    Connection { slot_at: last, next_due_at: last, ..connection.clone() }
}

/// Accounts for every slot up to now of a connection that will not be run any more.
pub fn given_up(decision: &mut Decision<'_>, connection: &Connection, why: Why) {
    let grid = decision.grid;
    let end = decision.now.plus_seconds(1);
    let missed = missed(decision, grid, connection, end, why);
    decision.commit.sync.runs.extend(missed);
}

/// The slots without a run that are before `end`, the connection's own among them unless it was tried.
fn missed(decision: &mut Decision<'_>, grid: &Grid, connection: &Connection, end: Timestamp, why: Why) -> Vec<Run> {
    let pace = decision.roster.pace_of(connection);
    let next = |after| grid.next(connection.id, pace, after);
    let is_tried = connection.slot_at < connection.next_due_at;
    let mut first = if is_tried { next(connection.slot_at) } else { connection.slot_at };
    let mut runs = Vec::new();
    while first < end {
        let Reason { words, cause, until } = reason(decision, connection, first, why);
        let until = until.min(Timestamp(end.0 - 1));
        let more = grid.between(connection.id, pace, first, until);
        let last = more.map_or(first, |more| more.last);
        runs.push(Run {
            id: decision.fresh_id(),
            connection: connection.id,
            influencer: connection.influencer,
            platform: connection.platform.clone(),
            due_at: first,
            slot_at: last,
            missed: more.map_or(1, |more| more.count.saturating_add(1)),
            started_at: decision.now,
            duration_ms: 0,
            outcome: Outcome::Skipped,
            cause,
            is_retry: false,
            followers: None,
            error: Some(words),
            retry_at: None,
        });
        first = next(last);
    }
    runs
}

/// Why a slot was missed, and up to when that was so.
struct Reason {
    words: String,
    cause: Cause,
    until: Timestamp,
}

fn reason(decision: &Decision<'_>, connection: &Connection, slot: Timestamp, why: Why) -> Reason {
    let roster = decision.roster;
    let lane = roster.lane_of(connection);
    let before_next = |at: Timestamp| Timestamp(at.0.saturating_sub(1));
    match (why, &connection.trouble) {
        (Why::Chosen(words), _) => Reason { words: words.to_owned(), cause: Cause::Person, until: Timestamp(i64::MAX) },
        (Why::Found, Some(trouble)) if slot < connection.next_due_at => {
            let words = format!("it waited to be tried again: {}", trouble.message);
            Reason { words, cause: Cause::Schedule, until: before_next(connection.next_due_at) }
        }
        (Why::Found, _) => match roster.obstacles.at(&lane, slot) {
            Some((what, until)) => {
                let cause = if what.is_chosen() { Cause::Person } else { Cause::Schedule };
                // What is narrower may begin before this one ends.
                let next = roster.obstacles.next_after(&lane, slot).map_or(until, before_next);
                Reason { words: what.to_string(), cause, until: until.min(next) }
            }
            None => {
                let next = roster.obstacles.next_after(&lane, slot);
                let until = next.map_or(Timestamp(i64::MAX), before_next);
                Reason { words: "no turn was free".to_owned(), cause: Cause::Schedule, until }
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use proptest::prelude::*;
    use roster_protocol::metric::Ratio;
    use roster_protocol::time::Seconds;

    use super::*;
    use crate::decision::Dice;
    use crate::model::{Commit, RosterCommit, Trouble, TroubleKind};
    use crate::roster::Roster;
    use crate::roster::samples::*;
    use crate::schedule::obstacles::{ALL, ALWAYS, Obstacle};

    const HOUR: i64 = 3600;

    /// Every hour on the hour: the sample's id has the offset 0.
    fn grid() -> Grid {
        Grid { zone: TimeZone::UTC, daily: None, interval: Seconds(HOUR as u64) }
    }

    fn hour(number: i64) -> Timestamp {
        NOON.plus_seconds(number * HOUR)
    }

    fn sky(slot: i64) -> Connection {
        let id = roster_protocol::ids::ConnectionId::from_bytes([0; 5]);
        let (next_due_at, slot_at) = (hour(slot), hour(slot));
        Connection { next_due_at, slot_at, ..connection(id, MARA, "bluesky", "mara.example") }
    }

    fn with<T>(roster: &Roster, now: Timestamp, decide: impl FnOnce(&mut Decision<'_>) -> T) -> (T, Commit) {
        let (grid, mut dice) = (grid(), Dice(fastrand::Rng::with_seed(7)));
        let mut decision = Decision::new(roster, &grid, Ratio(100_000), now, &mut dice);
        let decided = decide(&mut decision);
        (decided, decision.commit)
    }

    /// The first and last slot, how many, and why.
    type Entry = (i64, i64, u64, String);

    fn shown(runs: &[Run]) -> Vec<Entry> {
        let number = |at: Timestamp| at.since(NOON) / 1000 / HOUR;
        let one =
            |run: &Run| (number(run.due_at), number(run.slot_at), run.missed, run.error.clone().unwrap_or_default());
        runs.iter().map(one).collect()
    }

    fn missed_by(roster: &Roster, connection: &Connection, now: Timestamp) -> Option<(i64, Vec<Entry>)> {
        let (passed, _) = with(roster, now, |decision| passed(decision, &grid(), connection, Why::Found, now));
        passed.map(|passed| (passed.last.since(NOON) / 1000 / HOUR, shown(&passed.missed)))
    }

    #[test]
    fn one_that_is_only_late_has_missed_none() {
        assert_eq!(missed_by(&roster(), &sky(0), hour(0)), None);
        assert_eq!(missed_by(&roster(), &sky(0), hour(1).plus_seconds(-1)), None);
        assert_eq!(missed_by(&roster(), &sky(5), hour(1)), None, "it is not due yet");
    }

    #[test]
    fn each_slot_before_the_last_is_missed_for_what_was_there_at_its_time() {
        let mut roster = roster();
        roster.obstacles.note(ALL, Obstacle::Off, ALWAYS, hour(2).plus_seconds(60));
        roster.obstacles.note("bluesky", Obstacle::Held("a limit".to_owned()), hour(4), hour(5));
        let expected = vec![
            (0, 2, 3, "rosterd did not run".to_owned()),
            (3, 3, 1, "no turn was free".to_owned()),
            (4, 5, 2, "held: a limit".to_owned()),
            (6, 7, 2, "no turn was free".to_owned()),
        ];
        assert_eq!(missed_by(&roster, &sky(0), hour(8)), Some((8, expected)));
    }

    #[test]
    fn a_slot_that_was_tried_is_not_missed_and_those_during_its_wait_are_its_own() {
        let trouble = Some(Trouble {
            kind: TroubleKind::Unauthorized,
            message: "the consent ended".to_owned(),
            since: hour(0),
            retry_at: Some(hour(3)),
            moved_to: None,
        });
        let waits = Connection { next_due_at: hour(3), trouble, ..sky(0) };
        let own = "it waited to be tried again: the consent ended".to_owned();
        let expected = vec![(1, 2, 2, own), (3, 3, 1, "no turn was free".to_owned())];
        assert_eq!(missed_by(&roster(), &waits, hour(4)), Some((4, expected)));
        let retried = Connection { next_due_at: hour(0).plus_seconds(60), ..sky(0) };
        assert_eq!(missed_by(&roster(), &retried, hour(1)), Some((1, vec![])));
    }

    #[test]
    fn what_a_person_chose_is_said_so_and_it_goes_on_from_the_last_slot() {
        let chosen = PAUSED;
        let (after, commit) = with(&roster(), hour(3), |decision| caught_up(decision, &grid(), &sky(0), chosen));
        assert_eq!((after.slot_at, after.next_due_at), (hour(3), hour(3)));
        assert_eq!(shown(&commit.sync.runs), [(0, 2, 3, "it was paused".to_owned())]);
        assert_eq!(commit.sync.runs[0].cause, Cause::Person);
        let waits = Connection { next_due_at: hour(9), ..sky(0) };
        let (after, commit) = with(&roster(), hour(3), |decision| caught_up(decision, &grid(), &waits, chosen));
        assert_eq!((after, commit.sync.runs.len()), (waits, 0), "it is not due yet");
        let ((), commit) = with(&roster(), hour(3), |decision| given_up(decision, &sky(0), chosen));
        assert_eq!(shown(&commit.sync.runs), [(0, 3, 4, "it was paused".to_owned())]);
    }

    proptest! {
        /// However time passes and whatever is in the way, every slot is in one entry, or is the run's own.
        #[test]
        fn every_slot_is_accounted_for_once(
            slot in 0i64..50,
            late_s in 0i64..200_000,
            interval in proptest::option::of(600u64..20_000),
            periods in proptest::collection::vec((-90_000i64..200_000, 0i64..90_000, any::<bool>()), 0..6),
            tried_s in proptest::option::of(1i64..30_000),
        ) {
            let mut roster = roster();
            for (from, length, is_all) in periods {
                let (lane, what) = if is_all { (ALL, Obstacle::Off) } else { ("bluesky", Obstacle::Down) };
                roster.obstacles.note(lane, what, hour(slot).plus_seconds(from), hour(slot).plus_seconds(from + length));
            }
            let own = Connection { interval: interval.map(Seconds), ..sky(slot) };
            let connection = Connection { next_due_at: own.slot_at.plus_seconds(tried_s.unwrap_or(0)), ..own };
            roster.apply(&RosterCommit { connections: vec![connection.clone()], ..Default::default() }.into());
            let now = connection.next_due_at.plus_seconds(late_s);
            let (passed, _) = with(&roster, now, |decision| passed(decision, &grid(), &connection, Why::Found, now));
            let mut slots = vec![connection.slot_at];
            loop {
                let next = grid().next(connection.id, connection.interval, slots[slots.len() - 1]);
                if next > now {
                    break;
                }
                slots.push(next);
            }
            let Some(passed) = passed else {
                prop_assert_eq!(slots.len(), 1);
                return Ok(());
            };
            prop_assert_eq!(Some(passed.last), slots.pop());
            let expected = &slots[usize::from(tried_s.is_some())..];
            let mut rest = expected.iter();
            for run in &passed.missed {
                let of_run: Vec<_> = rest.by_ref().take(run.missed as usize).collect();
                prop_assert_eq!((of_run.len() as u64, of_run.first()), (run.missed, Some(&&run.due_at)));
                prop_assert_eq!(of_run.last(), Some(&&run.slot_at));
            }
            prop_assert_eq!(rest.count(), 0);
        }
    }
}
