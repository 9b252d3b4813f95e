//! Runs: what is published of them.

use roster_protocol::event::Event;

use crate::model::SyncCommit;
use crate::roster::{Roster, rows};

pub fn events(commit: &SyncCommit, roster: &Roster, events: &mut Vec<Event>) {
    // Missed slots are no run that a client could wait for.
    let runs = commit.runs.iter().filter(|run| run.missed == 0);
    events.extend(
        runs.map(|run| Event::RunFinished { run: Box::new(rows::run(roster, run)), connection: run.connection }),
    );
}
