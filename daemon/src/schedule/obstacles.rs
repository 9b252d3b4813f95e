//! What kept due slots from being run, and when: the reasons of those that were missed. Pure.
//!
//! It knows what happened since the start. What the start finds, a hold or an outage, counts as if it had been there
//! before; the rest of that time the daemon did not run.

use std::collections::BTreeMap;
use std::fmt;

use roster_protocol::time::Timestamp;

use super::lane::platform_of;

/// Something that keeps slots from being run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// The platform asked to be left alone; why.
    Held(String),
    /// A limit of the platform's was used up; how much of what.
    Spent(String),
    /// The platform, or one host of it, does not respond.
    Down,
    /// Nothing can be reached from here.
    Network,
    /// The store cannot be written.
    Store,
    /// The clock is plainly wrong.
    Clock,
    /// Time passed while nothing ran: the machine slept, or its clock was set forward.
    Asleep,
    /// The daemon did not run.
    Off,
    /// The platform is switched off in the config.
    SwitchedOff,
}

impl Obstacle {
    /// Whether a person chose it: what is not run then is no shortfall.
    pub fn is_chosen(&self) -> bool {
        *self == Obstacle::SwitchedOff
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Obstacle::Held(reason) => write!(f, "held: {reason}"),
            Obstacle::Spent(what) => write!(f, "a limit was used up: {what}"),
            Obstacle::Down => f.write_str("the platform was down"),
            Obstacle::Network => f.write_str("nothing could be reached from this host"),
            Obstacle::Store => f.write_str("the store could not be written"),
            Obstacle::Clock => f.write_str("the clock was wrong"),
            Obstacle::Asleep => f.write_str("this machine slept, or its clock was set forward"),
            Obstacle::Off => f.write_str("rosterd did not run"),
            Obstacle::SwitchedOff => f.write_str("the platform was switched off in the config"),
        }
    }
}

/// An obstacle that is there now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Present {
    /// The lane or platform that it concerns; empty: all.
    pub lane: String,
    pub what: Obstacle,
    /// When it ends, as far as that is known.
    pub until: Option<Timestamp>,
}

#[derive(Clone, Debug)]
struct Period {
    what: Obstacle,
    from: Timestamp,
    /// The last moment of it.
    until: Timestamp,
}

/// The obstacles of the last weeks.
#[derive(Clone, Debug, Default)]
pub struct Obstacles {
    /// By lane or platform; under the empty name those that concern all. In the order in which they began.
    periods: BTreeMap<String, Vec<Period>>,
}

/// The concern of an obstacle that is everyone's.
pub const ALL: &str = "";
/// Since ever.
pub const ALWAYS: Timestamp = Timestamp(i64::MIN);
const ENDLESS: Timestamp = Timestamp(i64::MAX);
/// What ended longer ago is forgotten.
const KEPT_S: i64 = 40 * 24 * 3600;
/// The most that is remembered of one lane.
const MOST: usize = 64;

impl Obstacles {
    /// Adds one that is over, or whose end is known.
    pub fn note(&mut self, lane: &str, what: Obstacle, from: Timestamp, until: Timestamp) {
        let periods = self.periods.entry(lane.to_owned()).or_default();
        if periods.len() >= MOST {
            periods.remove(0);
        }
        periods.push(Period { what, from, until });
    }

    /// Takes up what is there now: what is new begins, and what is gone ended by now.
    pub fn follow(&mut self, now: Timestamp, present: Vec<Present>) {
        let horizon = now.plus_seconds(-KEPT_S);
        self.periods.retain(|lane, periods| {
            periods.retain(|period| period.until > horizon);
            for period in periods.iter_mut().filter(|period| period.until > now) {
                if !present.iter().any(|it| it.lane == *lane && it.what == period.what) {
                    period.until = now;
                }
            }
            !periods.is_empty()
        });
        for Present { lane, what, until } in present {
            let until = until.unwrap_or(ENDLESS);
            let known = self.periods.get_mut(&lane).and_then(|periods| periods.last_mut());
            match known.filter(|known| known.what == what && known.until >= now) {
                Some(known) => known.until = until,
                None => self.note(&lane, what, now, until),
            }
        }
    }

    /// What kept a lane from being requested at a time, and up to when; the lane's own before its platform's, and these
    /// before what concerns all.
    pub fn at(&self, lane: &str, at: Timestamp) -> Option<(&Obstacle, Timestamp)> {
        let covers = |period: &&Period| period.from <= at && at <= period.until;
        let found = self.of(lane).find_map(|periods| periods.iter().rev().find(covers))?;
        Some((&found.what, found.until))
    }

    /// When the next one of a lane begins after a time.
    pub fn next_after(&self, lane: &str, at: Timestamp) -> Option<Timestamp> {
        self.of(lane).flatten().map(|period| period.from).filter(|from| *from > at).min()
    }

    fn of(&self, lane: &str) -> impl Iterator<Item = &Vec<Period>> {
        [lane, platform_of(lane), ALL].into_iter().filter_map(|lane| self.periods.get(lane))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp(0).plus_seconds(second)
    }

    fn present(lane: &str, what: Obstacle, until: Option<i64>) -> Present {
        Present { lane: lane.to_owned(), what, until: until.map(at) }
    }

    fn found(obstacles: &Obstacles, lane: &str, second: i64) -> Option<Obstacle> {
        obstacles.at(lane, at(second)).map(|(what, _)| what.clone())
    }

    #[test]
    fn what_is_there_begins_when_it_is_seen_and_ends_when_it_is_gone() {
        let mut obstacles = Obstacles::default();
        obstacles.follow(at(10), vec![present("bluesky", Obstacle::Down, None)]);
        obstacles.follow(at(20), vec![present("bluesky", Obstacle::Down, None)]);
        obstacles.follow(at(30), Vec::new());
        let seen = [9, 10, 30, 31].map(|second| found(&obstacles, "bluesky", second));
        assert_eq!(seen, [None, Some(Obstacle::Down), Some(Obstacle::Down), None]);
        assert_eq!(obstacles.at("bluesky", at(15)).map(|(_, until)| until), Some(at(30)));
        assert_eq!(obstacles.next_after("bluesky", at(3)), Some(at(10)));
        assert_eq!(found(&obstacles, "youtube", 15), None);
    }

    #[test]
    fn a_hold_lasts_as_long_as_it_says_and_a_longer_one_prolongs_it() {
        let held = || Obstacle::Held("a limit".to_owned());
        let mut obstacles = Obstacles::default();
        obstacles.follow(at(0), vec![present("bluesky", held(), Some(60))]);
        obstacles.follow(at(30), vec![present("bluesky", held(), Some(90))]);
        // The clock leaps over its end: it is over since then, and not only since it was noticed.
        obstacles.follow(at(5000), Vec::new());
        assert_eq!([0, 90, 91].map(|second| found(&obstacles, "bluesky", second)), [Some(held()), Some(held()), None]);
        obstacles.follow(at(6000), vec![present("bluesky", held(), Some(6060))]);
        assert_eq!(found(&obstacles, "bluesky", 5500), None, "another one is another one");
    }

    #[test]
    fn the_lanes_own_is_before_its_platforms_and_these_before_everyones() {
        let mut obstacles = Obstacles::default();
        obstacles.note(ALL, Obstacle::Off, ALWAYS, at(100));
        obstacles.note("mastodon", Obstacle::SwitchedOff, at(50), at(200));
        obstacles.note("mastodon/a.example", Obstacle::Down, at(60), at(70));
        let seen = [40, 55, 65, 150].map(|second| found(&obstacles, "mastodon/a.example", second));
        let expected = [Obstacle::Off, Obstacle::SwitchedOff, Obstacle::Down, Obstacle::SwitchedOff].map(Some);
        assert_eq!(seen, expected);
        assert_eq!(found(&obstacles, "mastodon/b.example", 65), Some(Obstacle::SwitchedOff));
        assert_eq!(found(&obstacles, "bluesky", 150), None);
    }

    #[test]
    fn what_is_long_over_is_forgotten_and_memory_is_bounded() {
        let mut obstacles = Obstacles::default();
        (0..1000).for_each(|second| obstacles.note("bluesky", Obstacle::Down, at(second), at(second)));
        assert_eq!(obstacles.periods["bluesky"].len(), MOST);
        obstacles.follow(at(KEPT_S + 2000), Vec::new());
        assert!(obstacles.periods.is_empty());
    }

    #[test]
    fn only_what_is_switched_off_was_chosen() {
        assert!(Obstacle::SwitchedOff.is_chosen());
        let others =
            [Obstacle::Down, Obstacle::Network, Obstacle::Store, Obstacle::Clock, Obstacle::Asleep, Obstacle::Off];
        assert!(!others.iter().any(Obstacle::is_chosen));
    }
}
