use proptest::prelude::*;

use std::collections::BTreeSet;

use jiff::civil;
use jiff::tz::TimeZone;
use roster_protocol::ids::ConnectionId;
use roster_protocol::time::{Date, Day, Seconds, Since, Timestamp};

use super::gate::Priority;
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
fn a_slot_is_one_of_its_connections_own() {
    let grid = grid("UTC", Some("02:00"), 6);
    let check = |own: Option<u64>, slot, expected| {
        assert_eq!(grid.has(punctual(), own.map(|hours| Seconds(hours * 3600)), at(slot)), expected, "{own:?} {slot}");
    };
    check(None, "2026-11-20T08:00:00Z", true);
    check(None, "2026-11-20T08:00:01Z", false);
    check(None, "2026-11-20T07:59:59Z", false);
    check(Some(3), "2026-11-20T05:00:00Z", true);
    check(Some(12), "2026-11-20T08:00:00Z", false);
    check(Some(0), "2026-11-20T08:00:01Z", true);
}

#[test]
fn a_day_begins_at_local_midnight() {
    let grid = grid("Europe/Berlin", None, 6);
    assert_eq!(grid.date_of(at("2026-11-20T22:59:59Z")).to_string(), "2026-11-20");
    assert_eq!(grid.date_of(at("2026-11-20T23:00:00Z")).to_string(), "2026-11-21");
}

#[test]
fn the_last_slot_of_a_day_is_half_an_interval_from_the_next_days_first() {
    let check = |hours, expected: &[&str]| {
        let all = slots(&grid("UTC", Some("02:00"), hours), "2026-11-20T02:00:00Z", "2026-11-21T02:00:00Z");
        assert_eq!(all, expected, "{hours} h");
    };
    check(16, &["2026-11-20T18:00:00Z", "2026-11-21T02:00:00Z"]);
    check(20, &["2026-11-21T02:00:00Z"]);
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
    // Two intervals and two days.
    assert!(!grid.is_beyond_reach(None, due, at("2026-11-18T20:00:00Z")));
    assert!(grid.is_beyond_reach(None, due, at("2026-11-18T19:59:59Z")));
    assert!(!grid.is_beyond_reach(Some(Seconds(24 * 3600)), due, at("2026-11-17T08:00:00Z")));
    assert!(grid.is_beyond_reach(Some(Seconds(24 * 3600)), due, at("2026-11-17T07:59:59Z")));
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
    for (n, lane, due) in [(1, "b/x", 30), (2, "a", 20), (3, "a", 10), (4, "a", 99), (5, "b/y", 7)] {
        queue.put(lane, id(n), Timestamp(due));
    }
    queue.put("b/x", id(1), Timestamp(5));
    let now = Timestamp(50);
    assert_eq!(queue.longest_waiting(Moment::at(now), |_| true, |_, _| true), Some("b/x"));
    assert_eq!(queue.longest_waiting(Moment::at(now), |_| true, |lane, _| lane != "b/x"), Some("b/y"));
    assert_eq!(queue.longest_waiting(Moment::at(now), |platform| platform != "b", |_, _| true), Some("a"));
    assert_eq!(queue.longest_waiting(Moment::at(Timestamp(4)), |_| true, |_, _| true), None);
    assert_eq!(queue.waiting(now), 4);
    assert_eq!(queue.take_due("a", Moment::at(now), Room::of(10)), [id(3), id(2)]);
    assert_eq!(queue.take_due("a", Moment::at(now), Room::of(10)), []);
    assert_eq!(queue.next_due_of("a"), Some(Timestamp(99)));
    assert_eq!(queue.next_due(), Some(Timestamp(5)));
    assert_eq!(queue.next_after(now), Some(Timestamp(99)));
    queue.put("b/y", id(6), Timestamp(60));
    queue.put("b/y", id(7), Timestamp(55));
    assert_eq!((queue.next_in("b/y", now), queue.next_in("b/y", Timestamp(60))), (Some(Timestamp(55)), None));
    assert_eq!(queue.next_in("c", now), None);
    queue.remove(id(6));
    queue.remove(id(7));
    assert!(queue.is_due("b", now) && queue.is_due("b/y", now) && !queue.is_due("a", now));
    queue.remove(id(1));
    queue.remove(id(5));
    assert_eq!(queue.longest_waiting(Moment::at(now), |_| true, |_, _| true), None);
    assert!(!queue.is_due("b", now));
}

#[test]
fn a_due_time_has_come_when_it_is_now() {
    let id = |n: u8| ConnectionId::from_bytes([n; 5]);
    let mut queue = Queue::default();
    for (n, lane, due) in [(1, "a", 10), (2, "a", 20), (3, "b/x", 20), (4, "b/y", 30)] {
        queue.put(lane, id(n), Timestamp(due));
    }
    let check = |now, due: &[u8], first: Option<&str>, next: Option<i64>| {
        let now = Timestamp(now);
        assert_eq!(queue.all_due(now), due.iter().copied().map(id).collect::<Vec<_>>(), "{now:?}");
        assert_eq!(queue.waiting(now), due.len(), "{now:?}");
        assert_eq!(queue.longest_waiting(Moment::at(now), |_| true, |_, _| true), first, "{now:?}");
        assert_eq!(queue.next_after(now), next.map(Timestamp), "{now:?}");
    };
    check(9, &[], None, Some(10));
    check(10, &[1], Some("a"), Some(20));
    check(20, &[1, 2, 3], Some("a"), Some(30));
    check(30, &[1, 2, 3, 4], Some("a"), None);
    assert!(queue.is_due("b/y", Timestamp(30)) && !queue.is_due("b/y", Timestamp(29)));
    assert!(queue.is_due("b", Timestamp(20)) && !queue.is_due("b", Timestamp(19)));
    assert!(!queue.is_due("c", Timestamp(30)));
    assert_eq!(queue.take_due("a", Moment::at(Timestamp(9)), Room::of(10)), []);
    assert_eq!(queue.take_due("a", Moment::at(Timestamp(10)), Room::of(10)), [id(1)]);
}

#[test]
fn what_is_due_soon_is_taken_with_what_is_due() {
    let id = |n: u8| ConnectionId::from_bytes([n; 5]);
    let mut queue = Queue::default();
    for (n, lane, due) in [(1, "a", 10), (2, "a", 20), (3, "a", 30), (4, "a", 40), (5, "b", 15)] {
        queue.put(lane, id(n), Timestamp(due));
    }
    assert_eq!(queue.lanes().collect::<Vec<_>>(), [("a", Timestamp(10)), ("b", Timestamp(15))]);
    assert_eq!(queue.take_soon("a", Timestamp(0), Timestamp(39), 2, |id, _| id.0[0] != 2), [id(1), id(3)]);
    assert_eq!(queue.take_soon("a", Timestamp(0), Timestamp(39), 1, |_, due| due.0 < 20), []);
    assert_eq!(queue.take_soon("a", Timestamp(0), Timestamp(40), 9, |_, _| true), [id(2), id(4)]);
    assert_eq!(queue.take_soon("a", Timestamp(0), Timestamp(99), 9, |_, _| true), []);
    assert_eq!((queue.due_at(id(4)), queue.next_due()), (None, Some(Timestamp(15))));
    // What is due already is not soon: it has its own room.
    queue.put("a", id(6), Timestamp(50));
    queue.put("a", id(7), Timestamp(51));
    assert_eq!(queue.take_soon("a", Timestamp(50), Timestamp(99), 9, |_, _| true), [id(7)]);
}

#[test]
fn the_queue_knows_where_each_waits() {
    let id = |n: u8| ConnectionId::from_bytes([n; 5]);
    let mut queue = Queue::default();
    for n in 1..=3 {
        queue.put("a", id(n), Timestamp(i64::from(n)));
    }
    assert_eq!((queue.due_at(id(2)), queue.due_at(id(9))), (Some(Timestamp(2)), None));
    assert_eq!((queue.first_due_in("a"), queue.first_due_in("b")), (Some(Timestamp(1)), None));
    assert_eq!(queue.take_due("a", Moment::at(Timestamp(9)), Room::of(2)), [id(1), id(2)]);
    assert_eq!((queue.due_at(id(1)), queue.due_at(id(3))), (None, Some(Timestamp(3))));
    // Moved to another lane and time, it waits there only.
    queue.put("b/x", id(3), Timestamp(7));
    assert_eq!((queue.first_due_in("a"), queue.next_due_of("a")), (None, None));
    assert_eq!((queue.first_due_in("b/x"), queue.next_due_of("b")), (Some(Timestamp(7)), Some(Timestamp(7))));
    // An empty lane takes no memory: there are as many lanes as a platform has hosts.
    assert_eq!(queue.lanes.len(), 1);
    queue.remove(id(3));
    queue.remove(id(3));
    assert_eq!((queue.next_due(), queue.due_at(id(3)), queue.lanes.len()), (None, None, 0));
}

#[test]
fn a_user_goes_before_what_is_due_and_that_before_what_catches_up() {
    let id = |n: u8| ConnectionId::from_bytes([n; 5]);
    let mut queue = Queue::default();
    let at = Moment { now: Timestamp(100), late: Timestamp(50) };
    // 1 to 19 missed a slot, 50 to 69 are due now, and 90 is not due yet.
    for n in (1..20).chain(50..70) {
        queue.put("a", id(n), Timestamp(n.into()));
    }
    queue.put("b", id(30), Timestamp(30));
    queue.put("b", id(90), Timestamp(101));
    [15, 69, 90, 99].into_iter().for_each(|n| queue.urge(id(n)));
    let lane = |queue: &Queue, may: &dyn Fn(&str, Priority) -> bool| {
        queue.longest_waiting(at, |_| true, may).map(str::to_owned)
    };
    assert_eq!(lane(&queue, &|_, _| true).as_deref(), Some("a"));
    assert_eq!(lane(&queue, &|_, priority| priority == Priority::CatchUp).as_deref(), Some("a"), "it waited longest");
    assert_eq!(lane(&queue, &|lane, _| lane == "b").as_deref(), Some("b"));
    assert_eq!(lane(&queue, &|lane, priority| lane == "b" && priority == Priority::Person), None, "90 is not due");
    // Both that users wait for, six that are due, and two of ten that catch up.
    let taken = queue.take_due("a", at, Room::of(10));
    assert_eq!(taken, [15, 69, 50, 51, 52, 53, 54, 55, 1, 2].map(id));
    assert_eq!(queue.take_due("a", at, Room { catch_up: 0, ..Room::of(3) }), [56, 57, 58].map(id));
    assert_eq!(queue.take_due("a", at, Room { due: 1, ..Room::of(4) }), [59, 3, 4, 5].map(id));
    assert_eq!(queue.take_due("a", at, Room { due: 0, catch_up: 0, ..Room::of(4) }), []);
    // One at a time, a quarter of them catches up.
    let one_by_one: Vec<_> = (0..8).flat_map(|_| queue.take_due("a", at, Room::of(1))).collect();
    assert_eq!(one_by_one.iter().filter(|taken| **taken < id(20)).count(), 2);
    // What is in the queue again is not urgent any more.
    queue.put("a", id(69), Timestamp(69));
    assert_ne!(queue.take_due("a", at, Room::of(1)), [id(69)]);
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

proptest! {
    /// Over days with other lengths, with and without an anchor, at long and short intervals.
    #[test]
    fn slots_are_counted_as_they_would_be_run(
        begin in 1_770_000_000_000i64..1_800_000_000_000,
        span in 0i64..30 * DAY_MS,
        seconds in 1_800u64..300_000,
        id in any::<[u8; 5]>(),
        daily in proptest::option::of(0i8..24),
        zone in proptest::sample::select(vec!["UTC", "Europe/Athens", "Australia/Lord_Howe", "America/New_York"]),
    ) {
        let grid = Grid {
            zone: TimeZone::get(zone).expect("a bundled zone"),
            daily: daily.map(|hour| civil::time(hour, 30, 0, 0)),
            interval: Seconds(seconds),
        };
        let (id, until) = (ConnectionId::from_bytes(id), Timestamp(begin + span));
        let mut now = Timestamp(begin);
        let mut counted = None;
        loop {
            now = grid.next(id, None, now);
            if now > until {
                break;
            }
            counted = Some(Slots { count: counted.map_or(0, |slots: Slots| slots.count) + 1, last: now });
        }
        prop_assert_eq!(grid.between(id, None, Timestamp(begin), until), counted);
    }
}

#[test]
fn years_of_slots_are_counted_at_once() {
    let begin = at("2026-01-01T00:00:00Z");
    for (daily, expected) in [(Some("02:00"), 6 * 8640), (None, 6 * 8640)] {
        let years = Timestamp(begin.0 + 4000 * DAY_MS);
        let grid = Grid { interval: Seconds(10), ..grid("Europe/Athens", daily, 1) };
        let slots = grid.between(punctual(), None, begin, years).expect("many");
        let per_day = slots.count / 4000;
        assert!((expected / 6 - 1..=expected / 6).contains(&per_day), "{slots:?}");
        assert!(years.since(slots.last) < 10_000);
    }
}

#[test]
fn days_are_those_of_the_grid_wherever_they_are_named() {
    let grid = Grid { zone: TimeZone::get("Asia/Tokyo").expect("a zone"), daily: None, interval: Seconds(3600) };
    let now: Timestamp = "2026-11-21T22:20:00Z".parse().expect("a time");
    let check = |day: Day, date: &str, begins: &str| {
        assert_eq!(grid.day(day, now).to_string(), date, "{day:?}");
        assert_eq!(grid.since(Since::Day(day), now).to_string(), begins, "{day:?}");
    };
    check(Day::TODAY, "2026-11-22", "2026-11-21T15:00:00Z");
    check(Day::Ago(1), "2026-11-21", "2026-11-20T15:00:00Z");
    check(Day::Of(now.plus_seconds(-8 * 3600)), "2026-11-21", "2026-11-20T15:00:00Z");
    check("2026-11-01".parse().expect("a day"), "2026-11-01", "2026-10-31T15:00:00Z");
    assert_eq!(grid.since(Since::At(now), now), now);
    assert!(grid.day(Day::Ago(u32::MAX), now) < Date(0));
}

#[test]
fn slots_of_days_that_are_not_counted_one_by_one_are_as_many() {
    // At 02:00, 08:00, 14:00 and 20:00 of each day: 100 days of four, the first of them from 14:00 on.
    let grid = grid("UTC", Some("02:00"), 6);
    let slots = grid.between(punctual(), None, at("2026-01-01T10:00:00Z"), at("2026-04-10T21:00:00Z")).expect("many");
    assert_eq!((slots.count, slots.last), (2 + 99 * 4, at("2026-04-10T20:00:00Z")));
}
