//! Lists in order, a page at a time. Pure.

use std::cmp::Reverse;

use roster_protocol::ids::InfluencerId;
use roster_protocol::influencer::{InfluencerPage, InfluencerQuery, SortBy};
use roster_protocol::query::{self, QueryError};
use roster_protocol::service::PAGE_ROWS;

use super::filter;
use crate::model::Influencer;
use crate::roster::Roster;
use crate::roster::rows::{self, Seen};

/// A page of the influencers that fit, in the asked order.
///
/// # Errors
/// When the filter makes no sense.
pub fn page(roster: &Roster, asked: &InfluencerQuery, seen: Seen) -> Result<InfluencerPage, QueryError> {
    let filter = query::parse(&asked.filter)?;
    let order = roster.order(asked.sort, || {
        let mut everybody: Vec<&Influencer> = roster.influencers.values().collect();
        sort(roster, &mut everybody, asked.sort);
        everybody.into_iter().map(|influencer| influencer.id).collect()
    });
    let fits = |id: &&InfluencerId| {
        let influencer = roster.influencers.get(id);
        influencer.is_some_and(|influencer| filter::fits(roster, influencer, &filter, seen))
    };
    let offset = usize::try_from(asked.offset).unwrap_or(usize::MAX);
    let limit = asked.limit.min(PAGE_ROWS) as usize;
    let (matching, shown): (usize, Vec<&InfluencerId>) = match filter.terms.is_empty() {
        true => (order.len(), order.iter().skip(offset).take(limit).collect()),
        false => {
            let fitting: Vec<&InfluencerId> = order.iter().filter(fits).collect();
            (fitting.len(), fitting.into_iter().skip(offset).take(limit).collect())
        }
    };
    let shown = shown.into_iter().filter_map(|id| roster.influencers.get(id));
    Ok(InfluencerPage {
        matching: matching as u64,
        total: roster.influencers.len() as u64,
        rows: shown.map(|influencer| rows::row(roster, influencer, seen)).collect(),
    })
}

/// Largest, or newest, first; unknown last; ties by name, then id, so that pages never overlap.
fn sort(roster: &Roster, influencers: &mut [&Influencer], by: SortBy) {
    let main = |influencer: &Influencer| roster.main_of(influencer);
    let numbers = |influencer: &Influencer| main(influencer).and_then(|main| main.latest.as_ref()).map(|l| &l.numbers);
    let name = |influencer: &Influencer| (influencer.name.to_lowercase(), influencer.id);
    match by {
        SortBy::Name => influencers.sort_by_cached_key(|influencer| name(influencer)),
        SortBy::Followers => influencers.sort_by_cached_key(|influencer| {
            (Reverse(numbers(influencer).and_then(|n| n.followers)), name(influencer))
        }),
        SortBy::Engagement => influencers.sort_by_cached_key(|influencer| {
            (Reverse(numbers(influencer).and_then(|n| n.engagement_rate)), name(influencer))
        }),
        SortBy::Growth => influencers.sort_by_cached_key(|influencer| {
            let recent = main(influencer).and_then(|main| roster.recent.get(&main.id));
            (Reverse(recent.and_then(|recent| recent.growth(30))), name(influencer))
        }),
        SortBy::Synced => influencers.sort_by_cached_key(|influencer| {
            let newest = roster.connections_of(influencer.id).filter_map(|connection| connection.last_synced_at).max();
            (Reverse(newest), name(influencer))
        }),
    }
}
