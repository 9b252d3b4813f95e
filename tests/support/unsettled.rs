//! What keeps a world from settling, for the panic of a story that waited in vain.

use std::fmt::Write;

use roster_protocol::ids::ConnectionId;
use rosterd::app::App;
use rosterd::roster::Roster;
use rosterd::schedule::gate::Priority;

use super::World;

/// So many are listed of what is due, and of the sandbox's last requests.
const LISTED: usize = 8;

impl World {
    /// What is due, running and kept back, which permits are free, and what the sandbox did last; a line for each.
    pub(super) fn unsettled(&self) -> String {
        let app = &self.daemon().app;
        let setup = app.setup();
        let mut text = format!("\nnow {}; the store: {:?}", app.clock.now(), app.store.state());
        let permits_of: Vec<_> =
            setup.permits_of.iter().map(|(slug, permits)| (slug, permits.available_permits())).collect();
        let (permits, unstored) = (setup.permits.available_permits(), app.unstored.available_permits());
        let tasks = app.tasks.len();
        let _ = write!(text, "\n{permits} permits, of platforms {permits_of:?}, {unstored} for results; {tasks} tasks");
        for (number, batch) in &*app.batches.lock() {
            let _ = write!(text, "\nbatch {number}: {batch:?}");
        }
        text += &app.look(|roster| of_roster(app, roster));
        let sandbox = self.sandbox.world();
        let _ = write!(text, "\nthe sandbox at {}; ordered: {:?}", sandbox.now(), sandbox.faults());
        for request in sandbox.requests().iter().rev().take(LISTED) {
            let (at, status, fault) = (request.at, request.status, request.fault);
            let _ = write!(text, "\nrequested at {at}: {}{}: {status} {fault:?}", request.host, request.path);
        }
        text
    }
}

fn of_roster(app: &App, roster: &Roster) -> String {
    let (now, mut text) = (app.clock.now(), String::new());
    let shown = |id: &ConnectionId| {
        let known = roster.connections.get(id).map(|it| (&it.platform, &it.handle, it.next_due_at, it.slot_at));
        format!("{id} {known:?}")
    };
    for id in &roster.running {
        let _ = write!(text, "\nrunning: {}", shown(id));
    }
    for (lane, first) in roster.queue.lanes().filter(|(_, first)| *first <= now) {
        let room = [Priority::Person, Priority::Due, Priority::CatchUp]
            .map(|priority| app.gate.with(|gate| gate.room(lane, priority, now)));
        let (hold, outage) = (roster.hold_on(lane, now), roster.breaker.outage(lane));
        let _ = write!(text, "\n{lane} is due since {first}: room {room:?}, hold {hold:?}, outage {outage:?}");
    }
    let due = roster.queue.all_due(now);
    let _ = write!(
        text,
        "\n{} are due, among them {:?}",
        due.len(),
        due.iter().take(LISTED).map(shown).collect::<Vec<_>>()
    );
    for row in app.gate.with(|gate| gate.rows(now)).iter().filter(|row| row.used > 0) {
        let _ = write!(text, "\nspent: {row:?}");
    }
    text
}
