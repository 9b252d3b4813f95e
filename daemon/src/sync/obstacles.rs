//! Follows what keeps due slots from being run, so that those that are missed can say why.

use roster_protocol::time::Timestamp;

use crate::app::App;
use crate::roster::Roster;
use crate::schedule::EARLIEST_PLAUSIBLE;
use crate::schedule::gate::Priority;
use crate::schedule::obstacles::{ALL, ALWAYS, Obstacle, Present};

/// What is woken so late was not woken because nothing ran.
const LEAP_MS: i64 = 60_000;

/// The daemon did not run until now. A hold or an outage that the start finds was there before.
pub fn begin(app: &App) {
    let now = app.clock.now();
    app.with_roster(|roster| {
        roster.obstacles.note(ALL, Obstacle::Off, ALWAYS, app.started_at);
        for Present { lane, what, until } in lanes(roster, now) {
            roster.obstacles.note(&lane, what, ALWAYS, until.unwrap_or(Timestamp(i64::MAX)));
        }
    });
}

/// Whether time passed in which nothing here ran: something became due since the scheduler was last `seen`, and it was
/// not woken for it.
pub fn notice_sleep(app: &App, seen: Timestamp, now: Timestamp) {
    app.with_roster(|roster| {
        let due = roster.queue.next_after(seen);
        if due.is_some_and(|due| now.since(due) > LEAP_MS) {
            roster.obstacles.note(ALL, Obstacle::Asleep, seen, now);
        }
    });
}

/// Takes up what is there now.
pub fn follow(app: &App, is_writable: bool, now: Timestamp) {
    let of_all = |is_there: bool, what| is_there.then(|| Present { lane: ALL.to_owned(), what, until: None });
    app.with_roster(|roster| {
        let mut present = lanes(roster, now);
        present.extend(of_all(!is_writable, Obstacle::Store));
        present.extend(of_all(now < EARLIEST_PLAUSIBLE, Obstacle::Clock));
        roster.obstacles.follow(now, present);
    });
}

/// What keeps lanes and platforms from being requested.
fn lanes(roster: &Roster, now: Timestamp) -> Vec<Present> {
    let holds = roster.holds.values().filter(|hold| hold.until > now).map(|hold| Present {
        lane: hold.lane.clone(),
        what: Obstacle::Held(hold.reason.clone()),
        until: Some(hold.until),
    });
    let spent = roster.gate.with(|gate| gate.kept_back(Priority::Due, now)).into_iter().map(|(lane, spent)| Present {
        lane,
        what: Obstacle::Spent(spent.to_string()),
        until: Some(spent.until),
    });
    let outages = roster.breaker.outages().map(|(lane, outage)| Present {
        lane: lane.to_owned(),
        what: if outage.is_ours { Obstacle::Network } else { Obstacle::Down },
        until: None,
    });
    let off = roster.platforms.values().filter(|known| !known.enabled).map(|known| Present {
        lane: known.platform.info().slug.to_owned(),
        what: Obstacle::SwitchedOff,
        until: None,
    });
    holds.chain(spent).chain(outages).chain(off).collect()
}
