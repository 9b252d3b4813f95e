//! What platforms report to owners of days that are over.

use roster_protocol::metric::Ratio;
use roster_protocol::reported::{Audience, DayMetric, Gender, ReportedDay};
use roster_protocol::time::Date;

use super::*;
use crate::decision::reported::{days_from, take};
use crate::model::ReadUntil;

fn read(hours_ago: i64, day: Option<i32>) -> Connection {
    let at = NOON.plus_seconds(-hours_ago * 3600);
    let read_until = Some(ReadUntil { at, day: day.map(|ago| TODAY.plus_days(-ago)) });
    Connection { read_until, ..connection(SKY, MARA, "youtube", "@mara") }
}

#[test]
fn days_are_read_once_a_day_and_again_while_they_are_corrected() {
    let from = |connection: &Connection| days_from(connection, TODAY, NOON).map(|day| TODAY.0 - day.0);
    assert_eq!(from(&Connection { read_until: None, ..read(0, None) }), Some(730), "all of it");
    assert_eq!(from(&read(0, Some(2))), None);
    assert_eq!(from(&read(19, Some(2))), None);
    assert_eq!(from(&read(20, Some(3))), Some(9), "seven days up to the newest one");
    assert_eq!(from(&read(31 * 24, Some(33))), Some(39), "a month without the daemon is made up for");
    assert_eq!(from(&read(24, None)), Some(96), "nothing was ever reported");
    // A clock that was ahead stops nothing.
    assert_eq!(from(&read(-3, Some(2))), Some(8));
    assert_eq!(from(&read(24, Some(-400))), Some(6));
}

#[test]
fn days_that_cannot_be_are_left_out_and_the_newest_is_remembered() {
    let day = |date: Date, gained: Option<u64>| ReportedDay {
        date,
        numbers: gained.map(|gained| (DayMetric::Gained, gained)).into_iter().collect(),
    };
    let days = vec![
        day(TODAY.plus_days(-2), Some(7)),
        day(TODAY.plus_days(2), Some(1)),
        day(Date(12_783), Some(1)),
        day(TODAY.plus_days(-1), None),
        day(TODAY.plus_days(-3), Some(5)),
    ];
    let known = read(24, Some(9));
    let (until, commit) = Scene::new().decide(|decision| take(decision, &known, Some(days), None));
    assert_eq!(until, Some(ReadUntil { at: NOON, day: Some(TODAY.plus_days(-2)) }));
    let kept: Vec<_> = commit.sync.reported.iter().flat_map(|(_, days)| days).map(|day| TODAY.0 - day.date.0).collect();
    assert_eq!((kept, commit.sync.audiences.len()), (vec![3, 2], 0));
    let (until, commit) =
        Scene::new().decide(|decision| take(decision, &known, Some(vec![]), Some(Audience::default())));
    assert_eq!(until, Some(ReadUntil { at: NOON, day: Some(TODAY.plus_days(-9)) }));
    assert!(commit.sync.reported.is_empty() && commit.sync.audiences.is_empty());
    let audience = || Some(Audience { genders: vec![(Gender::Male, Ratio(1))], ..Audience::default() });
    for (hours_ago, kept) in [(24, 1), (3, 0)] {
        let (_, commit) = Scene::new().decide(|decision| take(decision, &read(hours_ago, None), None, audience()));
        assert_eq!(commit.sync.audiences.len(), kept, "{hours_ago} hours after the days were read");
    }
    let (until, _) = Scene::new().decide(|decision| take(decision, &known, None, None));
    assert_eq!(until, known.read_until, "what could not be read is requested again at the next sync");
}
