//! Numbers that are not believed at once: falls to 0, and zeros in place of hidden counts. Pure.

use crate::model::Connection;
use crate::platforms::Observation;

/// A fall to 0 from so many followers is not believed at once: more likely the platform hides or has lost the number.
const MANY: u64 = 1000;

/// Whether a second request must confirm what is reported: that all followers have left in one step.
pub fn is_doubtful(connection: &Connection, observation: &Observation) -> bool {
    let latest = connection.latest.as_ref().map(|latest| latest.numbers.followers);
    observation.numbers.followers == Some(0)
        && known_followers(connection) >= MANY
        && latest != Some(Some(0))
        && (latest != Some(None) || !is_masked(connection, observation))
}

/// The most that the account is known to have had of late.
fn known_followers(connection: &Connection) -> u64 {
    let latest = connection.latest.as_ref().and_then(|latest| latest.numbers.followers);
    latest.max(connection.profile.as_ref().and_then(|profile| profile.followers)).unwrap_or(0)
}

/// Whether zeros are there in place of hidden counts: some servers report hidden followers and following so, without
/// saying so. An account of many followers that goes on posting has not lost all of them and left all it followed.
fn is_masked(connection: &Connection, observation: &Observation) -> bool {
    let numbers = &observation.numbers;
    let lives = numbers.posts.is_some_and(|posts| posts > 0) || numbers.avg_likes.is_some();
    (numbers.followers, numbers.following) == (Some(0), Some(0)) && lives && known_followers(connection) >= MANY
}

/// The observation without zeros that are no counts.
pub(super) fn unmasked(connection: &Connection, mut observation: Observation) -> Observation {
    if is_masked(connection, &observation) {
        observation.numbers.followers = None;
        observation.numbers.following = None;
    }
    observation
}
