//! The accounts whose followers moved most.

use serde::{Deserialize, Serialize};

use crate::ids::{ConnectionId, InfluencerId};
use crate::metric::Ratio;
use crate::rule::{Direction, Window};
use crate::words::words;

/// What makes one move larger than another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MovedBy {
    /// The share of the followers that were there before.
    #[default]
    Percent,
    /// The number of followers.
    Absolute,
}

words!(MovedBy, "measure": Percent = "percent", Absolute = "absolute");

/// Which movers, the largest move first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoversQuery {
    /// From so long ago to the newest day of each account.
    pub over: Window,
    pub direction: Direction,
    pub by: MovedBy,
    /// The filter language of [`crate::query`], about the influencers; empty means every one.
    pub filter: String,
    /// At most [`PAGE_ROWS`](crate::service::PAGE_ROWS) are given.
    pub limit: u64,
}

impl Default for MoversQuery {
    fn default() -> Self {
        let (over, direction, by) = (Window::Week, Direction::Both, MovedBy::default());
        Self { over, direction, by, filter: String::new(), limit: 0 }
    }
}

/// One account that moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mover {
    pub influencer: InfluencerId,
    pub influencer_name: String,
    pub connection: ConnectionId,
    /// The platform's slug.
    pub platform: String,
    pub handle: String,
    /// Followers then; where that day was not measured, those of a day up to three days older.
    pub from: u64,
    /// Followers on the newest day.
    pub to: u64,
    /// `None` where there were none before.
    pub change: Option<Ratio>,
}
