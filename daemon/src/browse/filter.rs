//! Whether an influencer fits a filter. Pure.

use memchr::memmem;
use roster_protocol::query::{Query, Term, Test};
use roster_protocol::time::Seconds;

use crate::model::{Connection, Influencer};
use crate::roster::Roster;
use crate::roster::rows::Seen;
use crate::roster::standing;

/// Whether every term fits. Unknown numbers fit no comparison.
pub fn fits(roster: &Roster, influencer: &Influencer, query: &Query, seen: Seen) -> bool {
    query.terms.iter().all(|Term { not, test }| holds(roster, influencer, test, seen) != *not)
}

fn holds(roster: &Roster, influencer: &Influencer, test: &Test, seen: Seen) -> bool {
    let main = || roster.main_of(influencer);
    let numbers = || main().and_then(|main| main.latest.as_ref()).map(|latest| &latest.numbers);
    let recent = || main().and_then(|main| roster.recent.get(&main.id));
    match test {
        Test::Contains(text) => roster
            .texts
            .get(&influencer.id)
            .is_some_and(|searched| memmem::find(searched.as_bytes(), text.as_bytes()).is_some()),
        Test::Platform(slug) => roster.connections_of(influencer.id).any(|connection| connection.platform == *slug),
        Test::Tag(tag) => influencer.tags.iter().any(|own| own.to_lowercase() == *tag),
        Test::Status(status) => {
            let has_status = |c: &Connection| {
                let interval: Seconds = c.interval.unwrap_or(seen.interval);
                standing::standing(c, roster.is_paused(c), interval, seen.now).status == *status
            };
            roster.connections_of(influencer.id).any(has_status)
        }
        Test::Paused => influencer.paused,
        Test::Alerting => roster.open_alerts.contains_key(&influencer.id),
        Test::Followers(compare, bound) => {
            numbers().and_then(|n| n.followers).is_some_and(|value| compare.holds(value, *bound))
        }
        Test::Engagement(compare, bound) => {
            numbers().and_then(|n| n.engagement_rate).is_some_and(|value| compare.holds(value, *bound))
        }
        Test::Growth7(compare, bound) => {
            recent().and_then(|recent| recent.growth(7)).is_some_and(|value| compare.holds(value, *bound))
        }
        Test::Growth30(compare, bound) => {
            recent().and_then(|recent| recent.growth(30)).is_some_and(|value| compare.holds(value, *bound))
        }
    }
}

#[cfg(test)]
mod tests {
    use roster_protocol::ids::InfluencerId;
    use roster_protocol::query::parse;
    use roster_protocol::time::Timestamp;

    use super::*;

    #[test]
    fn every_term_must_fit() {
        let influencer = Influencer {
            id: InfluencerId::from_bytes([1; 5]),
            name: "Mara".to_owned(),
            tags: vec!["Beauty".to_owned()],
            note: None,
            paused: true,
            main: None,
            added_at: Timestamp(0),
        };
        let seen = Seen { now: Timestamp(0), interval: Seconds(3600) };
        let check = |filter: &str, expected| {
            let query = parse(filter).expect("a filter");
            assert_eq!(fits(&Roster::default(), &influencer, &query, seen), expected, "{filter:?}");
        };
        check("", true);
        check("is:paused", true);
        check("-is:paused", false);
        check("tag:beauty", true);
        check("tag:beaut", false);
        check("is:paused tag:food", false);
        check("is:paused -tag:food", true);
        check("is:alerting", false);
        check("platform:youtube", false);
        // An unknown number fits no comparison, and fits every negated one.
        check("followers:>=0", false);
        check("-followers:>=0", true);
    }
}
