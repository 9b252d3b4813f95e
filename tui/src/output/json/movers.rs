//! JSON of `movers`.

use roster_protocol::rule::Window;
use serde::Serialize;
use serde_json::Number;

use super::ratio;

/// What `movers` gives.
#[derive(Debug, Serialize)]
pub struct MoverList {
    movers: Vec<Mover>,
}

/// One account that moved.
#[derive(Debug, Serialize)]
struct Mover {
    /// The influencer's.
    id: String,
    name: String,
    connection: String,
    platform: String,
    handle: String,
    from: u64,
    to: u64,
    change: Option<Number>,
    over: &'static str,
}

impl MoverList {
    /// These movers of a window.
    pub fn new(movers: &[roster_protocol::Mover], over: Window) -> Self {
        let mover = |mover: &roster_protocol::Mover| Mover {
            id: mover.influencer.to_string(),
            name: mover.influencer_name.clone(),
            connection: mover.connection.to_string(),
            platform: mover.platform.clone(),
            handle: mover.handle.clone(),
            from: mover.from,
            to: mover.to,
            change: mover.change.map(ratio),
            over: over.as_str(),
        };
        Self { movers: movers.iter().map(mover).collect() }
    }
}
