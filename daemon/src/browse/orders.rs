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
