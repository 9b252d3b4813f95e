//! What screens and modals return: what to request, and what to open. They never reach into one another.

use roster_protocol::audit::PauseTarget;
use roster_protocol::rule::ListedRule;
use roster_protocol::{Alert, ConnectionId, InfluencerId, Metric, SortBy, SyncTarget, Timestamp};

use super::Modal;
use crate::keys::Action;
use crate::message::{Effect, Mutation, Request};

/// What follows from a key, a response, or time.
#[derive(Clone, Debug)]
pub enum Next {
    Effect(Effect),
    /// Opens it on top; it replaces the open modal.
    Modal(Modal),
    /// Closes what is on top.
    Close,
    /// Opens an influencer above the screen that is shown, where it says; its name is shown until more is known.
    Influencer(InfluencerId, String, Focus),
    /// Opens an alert's page above the screen that is shown.
    Alert(Box<Alert>),
    /// Opens a rule's page above the screen that is shown.
    Rule(Box<ListedRule>),
    /// Shows a numbered screen, straight above the first.
    Screen(u8),
    /// Shows the first screen, and passes a command on to it.
    List(ListCommand),
    /// Asks whether the influencer that the screen is about is to be erased.
    Erase,
    /// Shows the screen below.
    Back,
    /// Does what a key of the screen does.
    Act(Action),
    /// Opens the help for where the keys are pressed once this is done.
    Help,
    Quit,
}

/// What of an influencer the user came for; the default is the first account and its followers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Focus {
    pub connection: Option<ConnectionId>,
    pub metric: Option<Metric>,
    /// When it happened.
    pub at: Option<Timestamp>,
}

/// A command for the list of influencers.
#[derive(Clone, Debug, PartialEq)]
pub enum ListCommand {
    Filter(String),
    Sort(SortBy),
    /// Turns the order round.
    Reverse,
    /// Moves to an influencer. It ends the filter, which may hide them.
    Show(InfluencerId),
    /// Moves to a row, counted from 1.
    Go(usize),
}

impl Next {
    /// One request.
    pub fn request(request: Request) -> Vec<Next> {
        vec![Next::Effect(Effect::Request(request))]
    }

    /// One change of the roster.
    pub fn mutate(mutation: Mutation) -> Vec<Next> {
        Self::request(Request::Mutate(mutation))
    }

    /// Syncs one influencer now.
    pub fn sync(influencer: InfluencerId, name: String) -> Vec<Next> {
        Self::mutate(Mutation::Sync { target: SyncTarget::One(influencer.to_string()), name })
    }

    /// Pauses one influencer, or resumes it.
    pub fn pause(influencer: InfluencerId, name: String, paused: bool) -> Vec<Next> {
        Self::mutate(Mutation::Pause { target: PauseTarget::One(influencer.to_string()), name, paused })
    }
}
