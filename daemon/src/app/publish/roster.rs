//! Influencers and settings: what is published of their changes.

use roster_protocol::event::Event;
use roster_protocol::ids::InfluencerId;

use crate::model::RosterCommit;

pub fn events(commit: &RosterCommit, events: &mut Vec<Event>) {
    let mut changed: Vec<InfluencerId> = commit.influencers.iter().map(|influencer| influencer.id).collect();
    changed.extend(commit.connections.iter().map(|connection| connection.influencer));
    changed.extend(commit.removed_connections.iter().map(|connection| connection.influencer));
    let removed = commit.removals.iter().flat_map(|removal| &removal.connections);
    changed.extend(removed.map(|connection| connection.influencer));
    changed.sort();
    changed.dedup();
    changed.retain(|influencer| !commit.removed_influencers.contains(influencer));
    events.extend(changed.into_iter().map(Event::InfluencerChanged));
    events.extend(commit.removed_influencers.iter().map(|influencer| Event::InfluencerRemoved(*influencer)));
    events.extend(commit.settings.iter().map(|_| Event::ScheduleChanged));
}
