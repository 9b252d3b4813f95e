//! What is spent of platforms' limits, for users.

use roster_protocol::status::{Budget, Stretched};

use crate::roster::Roster;
use crate::roster::rows::Seen;
use crate::schedule::gate::Row;
use crate::schedule::lane;

/// The most rows that one response holds.
const MOST: usize = 10_000;

/// Every limit, by lane and unit.
pub fn all(roster: &Roster, seen: Seen) -> Vec<Budget> {
    let rows = roster.gate.with(|gate| gate.rows(seen.now));
    rows.into_iter().take(MOST).map(|row| budget(roster, seen, row)).collect()
}

/// Of a platform's own limits the one that is nearest to its end.
pub fn tightest(budgets: &[Budget], platform: &str) -> Option<Budget> {
    let known = budgets.iter().filter(|budget| budget.platform == platform && budget.account.is_none());
    let shares = known.filter_map(|budget| Some((budget.share()?, budget)));
    shares.max_by(|(one, _), (other, _)| one.total_cmp(other)).map(|(_, budget)| budget.clone())
}

fn budget(roster: &Roster, seen: Seen, row: Row) -> Budget {
    let stretch = roster.stretches.get(&row.key.lane).filter(|_| row.is_daily && row.key.account.is_none());
    Budget {
        stretched: stretch.map(|stretch| Stretched { from: seen.interval, to: stretch.of(seen.interval) }),
        platform: lane::platform_of(&row.key.lane).to_owned(),
        lane: row.key.lane,
        unit: row.key.unit,
        account: row.key.account,
        used: row.used,
        limit: row.limit,
        window_ends_at: row.ends_at,
        reserve: row.reserve,
    }
}
