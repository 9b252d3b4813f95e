//! Runs: what is published of them.

use roster_protocol::event::Event;

use crate::model::SyncCommit;
use crate::roster::{Roster, rows};

pub fn events(commit: &SyncCommit, roster: &Roster, events: &mut Vec<Event>) {
    events.extend(
        commit
            .runs
            .iter()
            .map(|run| Event::RunFinished { run: Box::new(rows::run(roster, run)), connection: run.connection }),
    );
}
