//! Lists in order, a page at a time. Pure.

use std::sync::Arc;

use roster_protocol::error::RosterError;
use roster_protocol::ids::InfluencerId;
use roster_protocol::influencer::{InfluencerPage, InfluencerQuery};
use roster_protocol::service::PAGE_ROWS;

use super::filter;
use crate::roster::Roster;
use crate::roster::orders::Sorted;
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
    // What fits keeps the order; without a filter nothing is copied.
    let filtered: Option<Sorted> = (!filter.terms.is_empty()).then(|| {
        let ids: Arc<[InfluencerId]> = order.iter(query.reverse).filter(fits).copied().collect();
        Sorted { known: ids.len(), ids }
    });
    let (fitting, reverse) = filtered.as_ref().map_or((&order, query.reverse), |filtered| (filtered, false));
    let near = query.near.and_then(|near| fitting.iter(reverse).position(|id| *id == near));
    let offset = near.map_or(offset, |index| index.saturating_sub(limit / 2));
    let shown = fitting.iter(reverse).skip(offset).take(limit).filter_map(|id| roster.influencers.get(id));
    Ok(InfluencerPage {
        matching: fitting.ids.len() as u64,
        total: roster.influencers.len() as u64,
        offset: offset as u64,
        rows: shown.map(|influencer| rows::row(roster, influencer, seen)).collect(),
    })
}

#[cfg(test)]
mod tests {
    use roster_protocol::time::Seconds;

    use super::*;
    use crate::model::{Commit, RosterCommit};
    use crate::roster::samples::{self, NOON};

    /// Ten influencers, and a page of four of them.
    fn page(offset: u64, near: Option<u8>) -> (u64, Vec<u8>) {
        page_of("", false, offset, near)
    }

    fn page_of(filter: &str, reverse: bool, offset: u64, near: Option<u8>) -> (u64, Vec<u8>) {
        let mut roster = Roster::default();
        let id = |number: u8| InfluencerId::from_bytes([number; 5]);
        let influencers = (0..10).map(|number| samples::influencer(id(number), &format!("Name {number}"))).collect();
        roster.apply(&Commit::from(RosterCommit { influencers, ..RosterCommit::default() }));
        let query = InfluencerQuery { offset, limit: 4, near: near.map(id), ..InfluencerQuery::default() };
        let sort = roster_protocol::influencer::SortBy::Name;
        let query = InfluencerQuery { filter: filter.to_owned(), sort, reverse, ..query };
        let page = super::page(&roster, &query, Seen { now: NOON, interval: Seconds(3600) }).expect("a page");
        assert_eq!((page.matching, page.total), (if filter.is_empty() { 10 } else { 9 }, 10));
        (page.offset, page.rows.iter().map(|row| row.id.0[0]).collect())
    }

    #[test]
    fn a_page_begins_where_it_is_requested_or_half_a_page_before_one() {
        assert_eq!(page(0, None), (0, vec![0, 1, 2, 3]));
        assert_eq!(page(8, None), (8, vec![8, 9]));
        assert!(page(u64::MAX, None).1.is_empty());
        assert_eq!(page(0, Some(7)), (5, vec![5, 6, 7, 8]));
        assert_eq!(page(0, Some(1)), (0, vec![0, 1, 2, 3]));
        assert_eq!(page(2, Some(99)), (2, vec![2, 3, 4, 5]), "it is not there");
    }

    #[test]
    fn a_page_from_the_other_end() {
        assert_eq!(page_of("", true, 0, None), (0, vec![9, 8, 7, 6]));
        assert_eq!(page_of("", true, 8, None), (8, vec![1, 0]));
        assert_eq!(page_of("", true, 0, Some(2)), (5, vec![4, 3, 2, 1]));
        assert_eq!(page_of("-8", true, 0, None), (0, vec![9, 7, 6, 5]));
    }
}
