//! The accounts whose followers moved most, the largest move first. Pure.

use std::iter::from_fn;

use roster_protocol::error::RosterError;
use roster_protocol::ids::ConnectionId;
use roster_protocol::metric::Ratio;
use roster_protocol::mover::{Mover, MoversQuery};
use roster_protocol::rule::Direction;
use roster_protocol::service::PAGE_ROWS;
use roster_protocol::time::Date;

use super::filter;
use crate::roster::Roster;
use crate::roster::rows::{self, Seen};

type Move = (i64, ConnectionId);

/// The largest moves of influencers that fit. An account that was not measured of late does not count: its last days are
/// over.
///
/// # Errors
/// When the filter makes no sense.
pub fn page(roster: &Roster, query: &MoversQuery, today: Date, seen: Seen) -> Result<Vec<Mover>, RosterError> {
    let filter = filter::understood(roster, &query.filter)?;
    let found = |id: ConnectionId| {
        let connection = roster.connections.get(&id)?;
        let recent = roster.recent.get(&id).filter(|recent| recent.is_current(today))?;
        let influencer = roster.influencers.get(&connection.influencer)?;
        let fits = filter::fits(roster, influencer, &filter, seen);
        let (from, to) = recent.ends(query.over.days() as usize).filter(|_| fits)?;
        Some(Mover {
            influencer: influencer.id,
            influencer_name: rows::name_of(roster, influencer.id),
            connection: id,
            platform: connection.platform.clone(),
            handle: connection.handle.clone(),
            from,
            to,
            change: (from > 0).then(|| Ratio::from_f64(to as f64 / from as f64 - 1.0)).flatten(),
        })
    };
    let limit = query.limit.min(PAGE_ROWS) as usize;
    Ok(roster.moves(query.over, query.by, |moves| {
        largest(moves, query.direction).filter_map(|(_, id)| found(id)).take(limit).collect()
    }))
}

/// Moves in one direction or both, the largest first; `moves` has the largest fall first and the largest rise last.
fn largest(moves: &[Move], direction: Direction) -> impl Iterator<Item = Move> + '_ {
    let mut falls = moves.iter().copied().take_while(move |(moved, _)| *moved < 0 && direction.is_down()).peekable();
    let mut rises =
        moves.iter().rev().copied().take_while(move |(moved, _)| *moved > 0 && direction.is_up()).peekable();
    from_fn(move || {
        let size = |next: Option<&Move>| next.map(|(moved, _)| moved.unsigned_abs());
        if size(falls.peek()) >= size(rises.peek()) { falls.next() } else { rises.next() }
    })
}

#[cfg(test)]
mod tests {
    use roster_protocol::mover::MovedBy;
    use roster_protocol::rule::Window;
    use roster_protocol::time::Seconds;

    use super::*;
    use crate::roster::recent::Recent;
    use crate::roster::samples::*;

    /// Sky fell from 1,000 to 800 within a week, Hers rose from 10 to 15, and Tube is not measured any more.
    fn scene() -> Roster {
        let mut roster = roster();
        let days =
            |age: i32, from, to| Recent::of(vec![(TODAY.plus_days(-age - 7), from), (TODAY.plus_days(-age), to)]);
        let recent = [(SKY, days(0, 1000, 800)), (HERS, days(3, 10, 15)), (TUBE, days(4, 10, 9000))];
        roster.load_recent(recent.into(), Default::default());
        roster
    }

    fn names(roster: &Roster, query: MoversQuery) -> Vec<(String, u64, u64, Option<Ratio>)> {
        let query = MoversQuery { limit: query.limit.max(1) * 10, ..query };
        let page = page(roster, &query, TODAY, Seen { now: NOON, interval: Seconds(3600) }).expect("a filter");
        page.into_iter().map(|mover| (mover.handle, mover.from, mover.to, mover.change)).collect()
    }

    #[test]
    fn the_largest_move_is_first_by_share_or_number_in_the_direction() {
        let roster = scene();
        let fell = ("mara.example".to_owned(), 1000, 800, Some(Ratio(-200_000)));
        let rose = ("lea.example".to_owned(), 10, 15, Some(Ratio(500_000)));
        let check = |direction, by, filter: &str, expected: &[&(String, u64, u64, Option<Ratio>)]| {
            let query = MoversQuery { direction, by, filter: filter.into(), ..MoversQuery::default() };
            let found = names(&roster, query);
            assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{direction} {by} {filter}");
        };
        check(Direction::Both, MovedBy::Percent, "", &[&rose, &fell]);
        check(Direction::Both, MovedBy::Absolute, "", &[&fell, &rose]);
        check(Direction::Down, MovedBy::Percent, "", &[&fell]);
        check(Direction::Up, MovedBy::Absolute, "", &[&rose]);
        check(Direction::Both, MovedBy::Percent, "mara", &[&fell]);
        let day = MoversQuery { over: Window::Day, ..MoversQuery::default() };
        assert_eq!(names(&roster, day), [], "a week ago is no yesterday");
    }

    #[test]
    fn a_page_ends_at_its_limit_and_a_wrong_word_is_refused() {
        let seen = Seen { now: NOON, interval: Seconds(3600) };
        let query = MoversQuery { limit: 1, ..MoversQuery::default() };
        assert_eq!(page(&scene(), &query, TODAY, seen).map(|page| page.len()), Ok(1));
        let wrong = MoversQuery { filter: "bogus:x".into(), ..query };
        assert!(page(&scene(), &wrong, TODAY, seen).is_err());
    }
}
