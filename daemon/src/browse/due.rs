//! What is synced next, the earliest first. Pure.

use roster_protocol::service::{DueQuery, PAGE_ROWS};
use roster_protocol::sync::{DuePage, DueRow};
use roster_protocol::time::{Seconds, Timestamp};

use crate::model::Connection;
use crate::roster::Roster;
use crate::roster::rows::{self, Seen};

/// A page of the connections that wait for their next sync; one that is running now is not among them.
pub fn page(roster: &Roster, query: DueQuery, seen: Seen) -> DuePage {
    let latest = query.within.map_or(Timestamp(i64::MAX), |Seconds(seconds)| {
        seen.now.plus_seconds(i64::try_from(seconds).unwrap_or(i64::MAX))
    });
    let waits = |connection: &&Connection| roster.is_scheduled(connection) && !roster.running.contains(&connection.id);
    let due = roster.each_connected().filter(waits).map(|it| (rows::due_at(roster, it, seen.now), it.id));
    let mut due: Vec<_> = due.filter(|(at, _)| *at <= latest).collect();
    due.sort_unstable();
    let offset = usize::try_from(query.offset).unwrap_or(usize::MAX);
    let wanted = due.iter().skip(offset).take(query.limit.min(PAGE_ROWS) as usize);
    let rows = wanted.filter_map(|(due_at, id)| {
        let connection = roster.connections.get(id)?;
        Some(DueRow {
            connection: *id,
            influencer: connection.influencer,
            influencer_name: rows::name_of(roster, connection.influencer),
            platform: connection.platform.clone(),
            handle: connection.handle.clone(),
            due_at: *due_at,
            was_due_at: connection.next_due_at,
            blocked_by: rows::connection(roster, connection, seen).blocked_by,
        })
    });
    let rows = rows.collect();
    let late = due.iter().filter_map(|(_, id)| roster.connections.get(id)).filter(|it| it.next_due_at <= seen.now);
    let late = late.count() as u64;
    DuePage { rows, total: due.len() as u64, late }
}

#[cfg(test)]
mod tests {
    use roster_protocol::ids::ConnectionId;

    use super::*;
    use crate::model::{Commit, Hold, RosterCommit, SyncCommit};
    use crate::roster::samples::*;

    fn page(roster: &Roster, within: Option<u64>, offset: u64, limit: u64) -> (Vec<DueRow>, u64) {
        let query = DueQuery { within: within.map(Seconds), offset, limit };
        let page = super::page(roster, query, Seen { now: NOON, interval: Seconds(3600) });
        (page.rows, page.total)
    }

    fn ids((rows, total): (Vec<DueRow>, u64)) -> (Vec<ConnectionId>, u64) {
        (rows.iter().map(|row| row.connection).collect(), total)
    }

    /// Hers is due in a minute, Sky in an hour, Tube in two and without a key.
    fn scene() -> Roster {
        let mut roster = roster();
        let connections = vec![
            Connection { next_due_at: NOON.plus_seconds(60), ..connection(HERS, LEA, "bluesky", "lea.example") },
            Connection { next_due_at: NOON.plus_seconds(7200), ..connection(TUBE, MARA, "youtube", "@mara") },
        ];
        roster.apply(&Commit::from(RosterCommit { connections, ..RosterCommit::default() }));
        roster
    }

    #[test]
    fn the_earliest_is_first_in_pages_and_within_a_time() {
        let roster = scene();
        assert_eq!(ids(page(&roster, None, 0, 256)), (vec![HERS, SKY, TUBE], 3));
        assert_eq!(ids(page(&roster, None, 1, 1)), (vec![SKY], 3));
        assert_eq!(ids(page(&roster, None, u64::MAX, 256)), (vec![], 3));
        assert_eq!(ids(page(&roster, Some(3600), 0, 256)), (vec![HERS, SKY], 2));
        assert_eq!(ids(page(&roster, Some(3599), 0, 256)), (vec![HERS], 1));
        assert_eq!(ids(page(&roster, Some(u64::MAX), 0, 256)).1, 3);
        let (rows, _) = page(&roster, None, 0, 256);
        let shown =
            |at: usize| (rows[at].influencer_name.as_str(), rows[at].handle.as_str(), rows[at].blocked_by.as_deref());
        assert_eq!((shown(0), shown(2)), (("Léa", "lea.example", None), ("Mara", "@mara", Some("setup"))));
    }

    #[test]
    fn what_runs_is_paused_or_gone_does_not_wait_and_a_hold_moves_what_does() {
        let mut roster = scene();
        roster.running.insert(HERS);
        let paused = Connection { paused: true, ..connection(TUBE, MARA, "youtube", "@mara") };
        roster.apply(&Commit::from(RosterCommit { connections: vec![paused], ..RosterCommit::default() }));
        let until = NOON.plus_seconds(9000);
        let holds = vec![Hold { lane: "bluesky".into(), until, reason: "a limit".into() }];
        roster.apply(&Commit::from(SyncCommit { holds, ..SyncCommit::default() }));
        let (rows, total) = page(&roster, None, 0, 256);
        assert_eq!((rows[0].connection, rows[0].due_at, total), (SKY, until, 1));
        assert_eq!((rows[0].was_due_at, rows[0].late_ms(NOON), rows[0].late_ms(until)), (DUE, 0, 5_400_000));
        assert_eq!(rows[0].blocked_by.as_deref(), Some("limit"));
    }
}
