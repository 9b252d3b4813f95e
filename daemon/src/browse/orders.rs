//! Lists in order, a page at a time. Pure.

use roster_protocol::error::RosterError;
use roster_protocol::ids::InfluencerId;
use roster_protocol::influencer::{InfluencerPage, InfluencerQuery};
use roster_protocol::service::PAGE_ROWS;

use super::filter;
use crate::roster::Roster;
use crate::roster::rows::{self, Seen};

/// A page of the influencers that fit, in the requested order.
///
/// # Errors
/// When the filter makes no sense.
pub fn page(roster: &Roster, query: &InfluencerQuery, seen: Seen) -> Result<InfluencerPage, RosterError> {
    let filter = filter::understood(roster, &query.filter)?;
    let order = roster.order(query.sort);
    let fits = |id: &&InfluencerId| {
        let influencer = roster.influencers.get(id);
        influencer.is_some_and(|influencer| filter::fits(roster, influencer, &filter, seen))
    };
    let offset = usize::try_from(query.offset).unwrap_or(usize::MAX);
    let limit = query.limit.min(PAGE_ROWS) as usize;
    let filtered: Option<Vec<InfluencerId>> =
        (!filter.terms.is_empty()).then(|| order.iter().filter(fits).copied().collect());
    let fitting = filtered.as_deref().unwrap_or(&order);
    let near = query.near.and_then(|near| fitting.iter().position(|id| *id == near));
    let offset = near.map_or(offset, |index| index.saturating_sub(limit / 2));
    let shown = fitting.iter().skip(offset).take(limit).filter_map(|id| roster.influencers.get(id));
    Ok(InfluencerPage {
        matching: fitting.len() as u64,
        total: roster.influencers.len() as u64,
        offset: offset as u64,
        rows: shown.map(|influencer| rows::row(roster, influencer, seen)).collect(),
    })
}
