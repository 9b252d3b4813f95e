//! Which metrics platforms report no more, as far as the accounts of several owners show it. Pure.
//!
//! That one owner hides a number, or lost a permission, is that owner's matter. A metric counts as withdrawn when it is gone
//! for several owners within a week, lastingly, and no account of the platform reports it since.

use std::collections::{BTreeMap, BTreeSet};

use roster_protocol::connection::Source;
use roster_protocol::ids::{GrantId, InfluencerId};
use roster_protocol::metric::Metric;
use roster_protocol::rule::Happening;
use roster_protocol::time::Timestamp;

use super::Roster;
use crate::alerts::evaluate::is_on;
use crate::model::{Alert, Connection};

/// So many owners must have lost it.
const OWNERS: usize = 3;
/// Within this time.
const TOGETHER_S: i64 = 7 * 24 * 3600;
/// For so long: a platform leaves something out for an hour now and then.
const LASTING_S: i64 = 12 * 3600;

/// A metric that a platform does not report any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdrawn {
    /// The platform's slug.
    pub platform: String,
    pub metric: Metric,
    /// The first run without it.
    pub since: Timestamp,
}

/// Whose account one is: who consented, or whom it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Owner {
    Consent(GrantId),
    Influencer(InfluencerId),
}

impl Roster {
    /// The metrics that platforms report no more, by platform and metric.
    pub fn withdrawn(&self, now: Timestamp) -> Vec<Withdrawn> {
        let mut absent: BTreeMap<(&str, Metric), Vec<(Timestamp, Owner)>> = BTreeMap::new();
        for connection in self.each_connected() {
            for absence in &connection.absent {
                let lost = absent.entry((&connection.platform, absence.metric)).or_default();
                lost.push((absence.since, self.owner_of(connection)));
            }
        }
        let withdrawn = absent.into_iter().filter_map(|((platform, metric), lost)| {
            let newest = lost.iter().map(|(since, _)| *since).max()?;
            let together = lost.iter().filter(|(since, _)| newest.since(*since) <= TOGETHER_S * 1000);
            let since = together.clone().map(|(since, _)| *since).min()?;
            let owners: BTreeSet<Owner> = together.map(|(_, owner)| *owner).collect();
            let is_lasting = now.since(since) >= LASTING_S * 1000;
            let is_it = owners.len() >= OWNERS && is_lasting && !self.is_reported(platform, metric, since);
            is_it.then(|| Withdrawn { platform: platform.to_owned(), metric, since })
        });
        withdrawn.collect()
    }

    /// Whether an account of a platform reported a metric at this time or later.
    fn is_reported(&self, platform: &str, metric: Metric, since: Timestamp) -> bool {
        let of_platform = self.each_connected().filter(|connection| connection.platform == platform);
        let mut latest = of_platform.filter_map(|connection| Some((connection, connection.latest.as_ref()?)));
        latest.any(|(connection, latest)| {
            let by_hand = connection.by_hand_on(latest.date).iter().any(|number| number.metric == metric);
            let is_since = latest.observed_at >= since.whole_seconds() && latest.source != Source::Import;
            is_since && !by_hand && latest.numbers.get(metric).is_some() && !is_absent(connection, metric)
        })
    }

    fn owner_of(&self, connection: &Connection) -> Owner {
        let grant = self.consents.grant_of(connection.id);
        grant.map_or(Owner::Influencer(connection.influencer), |grant| Owner::Consent(grant.id))
    }

    /// The alerts about metrics that are withdrawn, acknowledged ones too.
    pub fn withdrawal_alerts(&self) -> impl Iterator<Item = &Alert> {
        self.alerts.values().filter(|alert| is_on(&self.rules, alert, Happening::MetricWithdrawn))
    }
}

/// A partial run of the same day keeps what was reported before.
fn is_absent(connection: &Connection, metric: Metric) -> bool {
    connection.absent.iter().any(|absence| absence.metric == metric)
}

#[cfg(test)]
mod tests {
    use roster_protocol::connection::Snapshot;
    use roster_protocol::ids::ConnectionId;
    use roster_protocol::metric::Numbers;

    use super::*;
    use crate::model::{Absence, ConsentsCommit, GrantState, RosterCommit};
    use crate::roster::samples::*;

    const DAY: i64 = 24 * 3600;

    /// An account of someone that lost its posts so many seconds ago; or still reports them.
    fn account(number: u8, owner: u8, lost_s: Option<i64>) -> Connection {
        let absence = |ago: i64| Absence { metric: Metric::Posts, since: NOON.plus_seconds(-ago) };
        let posts = lost_s.is_none().then_some(5);
        let latest = Snapshot { numbers: Numbers { posts, ..Numbers::default() }, ..measured(Some(5), None) };
        Connection {
            latest: Some(latest),
            absent: lost_s.map(absence).into_iter().collect(),
            ..connection(
                ConnectionId::from_bytes([number; 5]),
                InfluencerId::from_bytes([owner; 5]),
                "bluesky",
                &format!("star{number}.example"),
            )
        }
    }

    fn found(accounts: &[Connection]) -> Vec<i64> {
        let mut roster = Roster::default();
        roster.apply(&RosterCommit { connections: accounts.to_vec(), ..RosterCommit::default() }.into());
        let withdrawn = roster.withdrawn(NOON);
        assert!(withdrawn.iter().all(|it| (it.platform.as_str(), it.metric) == ("bluesky", Metric::Posts)));
        withdrawn.iter().map(|it| NOON.since(it.since) / 1000).collect()
    }

    #[test]
    fn several_owners_must_have_lost_it_and_none_may_report_it() {
        let lost = |number, owner| account(number, owner, Some(DAY));
        assert_eq!(found(&[lost(1, 1), lost(2, 2), lost(3, 3)]), [DAY]);
        assert_eq!(found(&[lost(1, 1), lost(2, 2), lost(3, 2)]), [0; 0], "two owners");
        let reports = account(4, 4, None);
        assert_eq!(found(&[lost(1, 1), lost(2, 2), lost(3, 3), reports.clone()]), [0; 0], "one reports it");
        // What was reported before it was withdrawn says nothing.
        let earlier =
            reports.latest.clone().map(|latest| Snapshot { observed_at: NOON.plus_seconds(-2 * DAY), ..latest });
        let before = Connection { latest: earlier, ..reports };
        assert_eq!(found(&[lost(1, 1), lost(2, 2), lost(3, 3), before]), [DAY]);
    }

    #[test]
    fn it_must_last_and_begin_within_a_week() {
        let lost = |number, ago| account(number, number, Some(ago));
        assert_eq!(found(&[lost(1, LASTING_S - 1), lost(2, 60), lost(3, 60)]), [0; 0]);
        assert_eq!(found(&[lost(1, LASTING_S), lost(2, 60), lost(3, 60)]), [LASTING_S]);
        assert_eq!(found(&[lost(1, 60 * DAY), lost(2, 30 * DAY), lost(3, DAY)]), [0; 0], "each their own matter");
        assert_eq!(found(&[lost(1, 60 * DAY), lost(2, 7 * DAY), lost(3, 3 * DAY), lost(4, 2 * DAY)]), [7 * DAY]);
    }

    #[test]
    fn accounts_of_one_consent_have_one_owner() {
        let mut roster = Roster::default();
        let connections: Vec<Connection> = (1..=3).map(|number| account(number, number, Some(DAY))).collect();
        let uses = |grants: [u8; 3]| ConsentsCommit {
            grants: grants.map(|number| grant(number, GrantState::Live)).to_vec(),
            grant_uses: (1..=3u8)
                .map(|it| used(ConnectionId::from_bytes([it; 5]), grants[usize::from(it) - 1]))
                .collect(),
            ..ConsentsCommit::default()
        };
        roster.apply(&RosterCommit { connections, ..RosterCommit::default() }.into());
        roster.apply(&uses([1, 1, 2]).into());
        assert_eq!(roster.withdrawn(NOON), []);
        roster.apply(&uses([1, 2, 3]).into());
        assert_eq!(roster.withdrawn(NOON).len(), 1);
    }
}
