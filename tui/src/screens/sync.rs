//! How syncing goes: each platform's state, what is asked right now, and the last runs.

mod view;

pub use view::{summary, view};

use ratatui::layout::Size;
use roster_protocol::service::{Page, PageMark};
use roster_protocol::{RosterError, Run, SyncTarget};

use super::influencer;
use super::listing::Listing;
use crate::keys::Action;
use crate::message::{Effect, Mutation, Request};
use crate::model::{Model, Screen};
use crate::shared::Shared;

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

/// Lays the screen out: platforms and batches give way, so that some runs are always seen.
pub fn areas(size: Size, platforms: usize, running: usize) -> Areas {
    // Header, three titles, a line for a long error and a footer stand fixed.
    let body = size.height.saturating_sub(6);
    let platforms = (platforms as u16).min(body / 2).max(1);
    let running = (running as u16).clamp(1, (body / 4).max(1));
    Areas { platforms, running, runs: body.saturating_sub(platforms + running) }
}

fn height(shared: &Shared) -> usize {
    let running = shared.status.as_ref().map_or(0, |status| status.running.len());
    usize::from(areas(shared.size, shared.platforms.len(), running).runs)
}

/// Asks for the newest runs.
pub fn reload(model: &mut Model) -> Vec<Effect> {
    let Screen::Sync(state) = &mut model.screen else { return Vec::new() };
    if state.runs.reload() { vec![Effect::Request(Request::Runs(None))] } else { Vec::new() }
}

/// Takes a page of runs.
pub fn answered(model: &mut Model, mark: Option<PageMark>, result: Result<Page<Run>, RosterError>) -> Vec<Effect> {
    let height = height(&model.shared);
    let Screen::Sync(state) = &mut model.screen else { return Vec::new() };
    let again = state.runs.answered(mark.as_ref(), result, |a, b| a.id == b.id, height);
    if again { vec![Effect::Request(Request::Runs(None))] } else { Vec::new() }
}

/// What a key does here.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let height = height(&model.shared);
    let Screen::Sync(state) = &mut model.screen else { return Vec::new() };
    match action {
        Action::Open => match state.runs.current() {
            Some(run) => {
                let (id, name) = (run.influencer, run.influencer_name.clone());
                influencer::open(model, id, name)
            }
            None => Vec::new(),
        },
        Action::Sync => {
            let name = "all that is due".to_owned();
            vec![Effect::Request(Request::Mutate(Mutation::Sync { target: SyncTarget::Due, name }))]
        }
        action => {
            let mark = state.runs.moved(action, height);
            mark.map(|mark| Effect::Request(Request::Runs(Some(mark)))).into_iter().collect()
        }
    }
}
