use proptest::prelude::*;

use std::collections::BTreeSet;

use jiff::civil;
use jiff::tz::TimeZone;
use roster_protocol::ids::ConnectionId;
use roster_protocol::time::{Seconds, Timestamp};

use super::grid::{DAY_MS, WIDEST_OFFSET_MS, offset};
use super::*;

fn grid(zone: &str, daily: Option<&str>, hours: u64) -> Grid {
    Grid {
        zone: TimeZone::get(zone).expect("a bundled zone"),
        daily: daily.map(|time| time.parse().expect("a time")),
        interval: Seconds(hours * 3600),
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

/// An id whose offset is 0 at intervals of up to a day.
fn punctual() -> ConnectionId {
    (0..=255u8).map(|n| ConnectionId::from_bytes([n; 5])).find(|id| offset(*id, DAY_MS) == 0).expect("one in sixteen")
}

fn slots(grid: &Grid, from: &str, to: &str) -> Vec<String> {
    let (mut now, mut slots) = (at(from), Vec::new());
    loop {
        now = grid.next(punctual(), None, now);
        if now > at(to) {
            return slots;
        }
        slots.push(now.to_string());
    }
}

#[test]
fn the_grid_is_anchored_at_the_daily_slot() {
    let grid = grid("UTC", Some("02:00"), 6);
    assert_eq!(
        slots(&grid, "2026-11-20T03:00:00Z", "2026-11-21T02:00:00Z"),
        ["2026-11-20T08:00:00Z", "2026-11-20T14:00:00Z", "2026-11-20T20:00:00Z", "2026-11-21T02:00:00Z"]
    );
}

#[test]
fn an_interval_longer_than_a_day_still_has_the_daily_run() {
    let slots = slots(&grid("UTC", Some("02:00"), 72), "2026-11-20T03:00:00Z", "2026-11-23T02:00:00Z");
    assert_eq!(slots, ["2026-11-21T02:00:00Z", "2026-11-22T02:00:00Z", "2026-11-23T02:00:00Z"]);
}

#[test]
fn without_a_daily_slot_the_grid_is_counted_from_the_epoch() {
    assert_eq!(slots(&grid("UTC", None, 48), "2026-11-20T03:00:00Z", "2026-11-24T00:00:00Z").len(), 2);
}

#[test]
fn days_of_23_and_25_hours_have_as_many_slots_as_any_other() {
    for (zone, spring, autumn) in [
        ("Europe/Athens", "2026-03-28", "2026-10-24"),
        ("America/New_York", "2026-03-07", "2026-10-31"),
        ("Australia/Lord_Howe", "2026-10-03", "2026-04-04"),
    ] {
        for day in [spring, autumn] {
            for daily in ["02:00", "02:30", "00:00", "12:00"] {
                let grid = grid(zone, Some(daily), 6);
                let day: civil::Date = day.parse().expect("a date");
                let begin = grid.anchor(day, daily.parse().expect("a time"));
                let (mut now, mut count) = (begin, 0);
                let end = grid.anchor(day.saturating_add(jiff::Span::new().days(3)), daily.parse().expect("a time"));
                while now < end {
                    now = grid.next(punctual(), None, now);
                    count += 1;
                }
                assert_eq!((now, count), (end, 12), "{zone} {day} {daily}");
            }
        }
    }
}

#[test]
fn offsets_spread_over_a_quarter_of_an_hour_and_grow_with_ids() {
    let offsets: Vec<i64> = (0..=255u8).map(|n| offset(ConnectionId::from_bytes([n; 5]), DAY_MS)).collect();
    assert!(offsets.is_sorted());
    assert_eq!((offsets[0], offsets[255]), (0, WIDEST_OFFSET_MS));
    let distinct: BTreeSet<i64> = offsets.into_iter().collect();
    assert_eq!(distinct.len(), 16);
    assert_eq!(offset(ConnectionId::from_bytes([255; 5]), 10_000), 0, "short intervals have no room for whole minutes");
}

#[test]
fn one_missed_slot_is_noticed_and_a_late_start_is_none() {
    let grid = grid("UTC", Some("02:00"), 6);
    let slot = at("2026-11-20T08:00:00Z");
    assert!(!grid.missed(punctual(), None, slot, at("2026-11-20T13:59:59Z")));
    assert!(grid.missed(punctual(), None, slot, at("2026-11-20T14:00:00Z")));
}

#[test]
fn a_due_time_from_a_clock_far_ahead_is_out_of_reach_and_a_day_back_is_not() {
    let grid = grid("UTC", Some("02:00"), 6);
    let due = at("2026-11-21T08:00:00Z");
    assert!(!grid.is_beyond_reach(None, due, at("2026-11-20T03:00:00Z")));
    assert!(grid.is_beyond_reach(None, due, at("2026-11-01T03:00:00Z")));
}

#[test]
fn back_off_doubles_to_an_hour_and_the_dice_spread_it() {
    let check = |failures, dice, expected| assert_eq!(back_off(failures, dice), Seconds(expected), "{failures} {dice}");
    check(0, 0.0, 15);
    check(1, 0.0, 15);
    check(1, 1.0, 30);
    check(2, 1.0, 60);
    check(8, 1.0, 3600);
    check(u32::MAX, 2.0, 3600);
    check(u32::MAX, 0.0, 1800);
}

#[test]
fn the_queue_gives_the_longest_waiting_first_and_each_once() {
    let id = |n: u8| ConnectionId::from_bytes([n; 5]);
    let mut queue = Queue::default();
    for (n, scope, due) in [(1, "b/x", 30), (2, "a", 20), (3, "a", 10), (4, "a", 99), (5, "b/y", 7)] {
        queue.put(scope, id(n), Timestamp(due));
    }
    queue.put("b/x", id(1), Timestamp(5));
    let now = Timestamp(50);
    assert_eq!(queue.longest_waiting(now, |_| true, |_| true), Some("b/x"));
    assert_eq!(queue.longest_waiting(now, |_| true, |scope| scope != "b/x"), Some("b/y"));
    assert_eq!(queue.longest_waiting(now, |platform| platform != "b", |_| true), Some("a"));
    assert_eq!(queue.longest_waiting(Timestamp(4), |_| true, |_| true), None);
    assert_eq!(queue.waiting(now), 4);
    assert_eq!(queue.take_due("a", now, 10), [id(3), id(2)]);
    assert_eq!(queue.take_due("a", now, 10), []);
    assert_eq!(queue.next_due_of("a"), Some(Timestamp(99)));
    assert_eq!(queue.next_due(), Some(Timestamp(5)));
    assert_eq!(queue.next_after(now), Some(Timestamp(99)));
    assert!(queue.is_due("b", now) && queue.is_due("b/y", now) && !queue.is_due("a", now));
    queue.remove(id(1));
    queue.remove(id(5));
    assert_eq!(queue.longest_waiting(now, |_| true, |_| true), None);
    assert!(!queue.is_due("b", now));
}

proptest! {
    #[test]
    fn the_next_slot_is_after_now_and_within_reach(
        now in -10_000_000_000_000i64..10_000_000_000_000,
        seconds in 10u64..1_000_000,
        id in any::<[u8; 5]>(),
        daily in proptest::option::of(0i8..24),
    ) {
        let grid = Grid {
            zone: TimeZone::get("Europe/Athens").expect("a bundled zone"),
            daily: daily.map(|hour| civil::time(hour, 30, 0, 0)),
            interval: Seconds(seconds),
        };
        let id = ConnectionId::from_bytes(id);
        let next = grid.next(id, None, Timestamp(now));
        prop_assert!(next.0 > now);
        prop_assert!(!grid.is_beyond_reach(None, next, Timestamp(now)));
    }
}
