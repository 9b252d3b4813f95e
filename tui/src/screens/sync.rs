//! The progress of syncing: each platform's state, what runs right now, and the last runs.

mod view;

use ratatui::layout::Size;
use roster_protocol::{Run, SyncTarget, Timestamp};

use super::listing::Listing;
use super::{Entry, Screen};
use crate::keys::{Action, Context, ScreenKeys, bind};
use crate::message::{Mutation, Request, Response};
use crate::modal::copy::{self, Copied};
use crate::modal::{Focus, Next};
use crate::shared::Shared;
use crate::widgets::pen::Pen;

const HERE: Context = Context::Screen("Sync");

/// This screen's line in the table.
pub const ENTRY: Entry = Entry {
    keys: ScreenKeys {
        context: HERE,
        number: Some(2),
        about: "sync: platforms, what runs now, the last runs",
        bindings: &[
            bind(HERE, Action::Back, "", &["esc"], "back", "go back"),
            bind(
                HERE,
                Action::Open,
                "open",
                &["enter"],
                "open",
                "open the account and day of the run under the cursor",
            ),
            bind(HERE, Action::Sync, "sync", &["s"], "sync what is due", "sync all that is due now"),
        ],
        filter: &[],
    },
    new: Some(new),
};

fn new() -> Box<dyn Screen> {
    Box::new(State::default())
}

/// What the screen shows beside the daemon's status.
#[derive(Clone, Debug, Default)]
pub struct State {
    pub runs: Listing<Run>,
}

/// Which lines platforms, running batches and runs take.
#[derive(Clone, Copy, Debug)]
pub struct Areas {
    pub platforms: u16,
    pub running: u16,
    pub runs: u16,
}

/// Lays the screen out: platforms and batches shrink, so that some runs are always visible.
pub fn areas(size: Size, platforms: usize, running: usize) -> Areas {
    // Header, three titles, a line for a long error and a footer are fixed.
    let body = size.height.saturating_sub(6);
    let platforms = (platforms as u16).min(body / 2).max(1);
    let running = (running as u16).clamp(1, (body / 4).max(1));
    Areas { platforms, running, runs: body.saturating_sub(platforms + running) }
}

fn height(shared: &Shared) -> usize {
    let running = shared.status.as_ref().map_or(0, |status| status.running.len());
    usize::from(areas(shared.size, shared.platforms.len(), running).runs)
}

impl Screen for State {
    fn keys(&self) -> &'static ScreenKeys {
        &ENTRY.keys
    }

    fn summary(&self, shared: &Shared) -> String {
        view::summary(shared)
    }

    fn offers(&self, action: Action) -> bool {
        self.runs.current().is_some() || action != Action::Open
    }

    fn reload(&mut self, _: &mut Shared) -> Vec<Next> {
        if self.runs.reload() { Next::request(Request::Runs(None)) } else { Vec::new() }
    }

    fn responded(&mut self, shared: &mut Shared, response: &Response) -> Vec<Next> {
        let Response::Runs(mark, result) = response else { return Vec::new() };
        let again = self.runs.responded(mark.as_ref(), result.clone(), |a, b| a.id == b.id, height(shared));
        if again { Next::request(Request::Runs(None)) } else { Vec::new() }
    }

    fn act(&mut self, shared: &mut Shared, action: Action) -> Vec<Next> {
        match action {
            Action::Open => {
                let open = |run: &Run| {
                    let focus = Focus { connection: Some(run.connection), metric: None, at: Some(run.started_at) };
                    Next::Influencer(run.influencer, run.influencer_name.clone(), focus)
                };
                self.runs.current().map(open).into_iter().collect()
            }
            Action::Sync => {
                let name = "all that is due".to_owned();
                Next::mutate(Mutation::Sync { target: SyncTarget::Due, name })
            }
            action => {
                let mark = self.runs.moved(action, height(shared));
                mark.map_or_else(Vec::new, |mark| Next::request(Request::Runs(Some(mark))))
            }
        }
    }

    fn copies(&self, _: &Shared) -> Vec<Copied> {
        vec![copy::command(&["runs"])]
    }

    fn view(&self, shared: &Shared, pen: &mut Pen<'_>) {
        view::view(shared, self, pen);
    }

    /// The seconds that a batch has run for are counted.
    fn wakes_at(&self, shared: &Shared) -> Option<Timestamp> {
        let busy = shared.status.as_ref().is_some_and(|status| !status.running.is_empty());
        busy.then(|| shared.now.plus_seconds(1))
    }
}
