//! YouTube's Data API v3, as far as an API key reaches: channels, their uploads, videos.
//!
//! The key is `youtube-api-key`. There is no OAuth here, so that `mine=true` is always refused. The day's quota is
//! not counted; it is spent when a fault says so.

mod channels;
mod errors;
mod fields;
mod list;
mod params;
mod playlist_items;
mod videos;

use http::Method;

use super::{Answer, Ask, Content};
use crate::world::World;
pub use errors::{quota_exceeded, rate_limited, server_error};

const KEY: &str = "youtube-api-key";

/// Answers one request.
pub fn answer(world: &World, ask: &Ask) -> Answer {
    let path = ask.path();
    let ["youtube", "v3", resource] = path.as_slice() else { return errors::no_such_page() };
    let list = match *resource {
        "channels" => channels::list,
        "playlistItems" => playlist_items::list,
        "videos" => videos::list,
        _ => return errors::no_such_page(),
    };
    if ask.method != Method::GET {
        return errors::no_such_page();
    }
    let answer = check_key(ask).and_then(|()| list(world, ask)).and_then(|answer| only_fields(ask, answer));
    answer.unwrap_or_else(|error| error)
}

/// The key as parameter or header. A token is of no use here, whatever it says.
fn check_key(ask: &Ask) -> Result<(), Answer> {
    if ask.header("authorization").is_some() || ask.one("access_token").is_some() {
        return Err(errors::bad_credentials());
    }
    match ask.one("key").or_else(|| ask.header("x-goog-api-key")) {
        Some(KEY) => Ok(()),
        Some(_) => Err(errors::bad_key()),
        None => Err(errors::no_key()),
    }
}

fn only_fields(ask: &Ask, mut answer: Answer) -> Result<Answer, Answer> {
    if let (Some(text), Content::Json(value)) = (ask.one("fields"), &mut answer.content) {
        let fields = fields::read(text).ok_or_else(|| errors::bad_fields(text))?;
        fields::keep(value, &fields);
    }
    Ok(answer)
}
