//! The figures by which a team judges its roster: how far it is connected, and what its numbers are. Pure.

use std::collections::HashMap;

use roster_protocol::ids::InfluencerId;
use roster_protocol::metric::Metric;
use roster_protocol::status::{Adoption, DataQuality};

use crate::roster::Roster;

/// How far the roster is connected.
pub fn adoption(roster: &Roster) -> Adoption {
    let usable = roster.platforms.values().filter(|known| known.enabled && known.platform.lacks().is_none());
    let wanted: Vec<&str> = usable.map(|known| known.platform.info().slug).collect();
    // A bit for each platform that is wanted, by influencer.
    let mut found: HashMap<InfluencerId, u64> = HashMap::new();
    for connection in roster.each_connected() {
        let bit = wanted.iter().position(|slug| *slug == connection.platform).map_or(0, |at| 1 << at);
        *found.entry(connection.influencer).or_default() |= bit;
    }
    let all = (1 << wanted.len()) - 1;
    Adoption {
        connected: found.len() as u64,
        on_all_platforms: found.values().filter(|on| all > 0 && **on == all).count() as u64,
    }
}

/// What the newest numbers of the connected accounts are.
pub fn data(roster: &Roster) -> DataQuality {
    let mut data = DataQuality::default();
    for connection in roster.each_connected() {
        let Some(latest) = &connection.latest else { continue };
        let known = Metric::ALL.into_iter().filter(|metric| latest.numbers.get(*metric).is_some()).count();
        data.numbers += known as u64;
        data.by_hand += connection.by_hand_on(latest.date).len() as u64;
        data.oldest_at = Some(data.oldest_at.map_or(latest.observed_at, |oldest| oldest.min(latest.observed_at)));
    }
    data
}

#[cfg(test)]
mod tests {
    use roster_protocol::connection::{ByHand, Snapshot};

    use super::*;
    use crate::model::{Commit, Connection, HandDay, RosterCommit};
    use crate::roster::samples::*;

    fn with(connections: Vec<Connection>) -> Roster {
        let mut roster = roster();
        roster.apply(&Commit::from(RosterCommit { connections, ..RosterCommit::default() }));
        roster
    }

    #[test]
    fn an_influencer_counts_with_one_account_and_again_with_one_on_every_platform() {
        // Of the usual platforms only Bluesky and Mastodon need no set-up.
        assert_eq!(adoption(&roster()), Adoption { connected: 2, on_all_platforms: 0 });
        let toot = connection(TUBE, MARA, "mastodon", "mara@social.example");
        assert_eq!(adoption(&with(vec![toot])), Adoption { connected: 2, on_all_platforms: 1 });
        let left = Connection { disconnected_at: Some(NOON), ..connection(HERS, LEA, "bluesky", "lea.example") };
        assert_eq!(adoption(&with(vec![left])), Adoption { connected: 1, on_all_platforms: 0 });
        let mut unconfigured = roster();
        unconfigured.know(Default::default());
        assert_eq!(adoption(&unconfigured).on_all_platforms, 0, "no platform is not every platform");
    }

    #[test]
    fn numbers_are_counted_with_their_source_and_age() {
        assert_eq!(data(&roster()), DataQuality::default());
        let older = Snapshot { observed_at: NOON.plus_seconds(-90), ..measured(Some(7), None) };
        let by_hand = |date| Some(HandDay { date, numbers: vec![ByHand { metric: Metric::Followers, kept: true }] });
        let roster = with(vec![
            Connection {
                latest: Some(measured(Some(5), Some(10))),
                by_hand: by_hand(TODAY),
                ..connection(SKY, MARA, "bluesky", "mara.example")
            },
            // What was recorded on an earlier day is not shown.
            Connection {
                latest: Some(older),
                by_hand: by_hand(roster_protocol::time::Date(TODAY.0 - 1)),
                ..connection(TUBE, MARA, "youtube", "@mara")
            },
        ]);
        let oldest_at = Some(NOON.plus_seconds(-90));
        assert_eq!(data(&roster), DataQuality { numbers: 3, by_hand: 1, oldest_at });
    }
}
