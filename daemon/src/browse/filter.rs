//! Whether an influencer fits a filter. Pure.

use memchr::memmem;
use roster_protocol::folding::folded;
use roster_protocol::query::{Query, QueryError, Term, Test, Wrong, parse};
use roster_protocol::text::{NAME_CHARACTERS, clean};
use roster_protocol::time::Seconds;

use crate::model::{Connection, Influencer};
use crate::roster::rows::Seen;
use crate::roster::standing;
use crate::roster::{Roster, resolve};

/// A filter as typed.
///
/// # Errors
/// A word that makes no sense, or a platform that this daemon does not know.
pub fn understood(roster: &Roster, text: &str) -> Result<Query, QueryError> {
    let query = parse(text).map_err(|error| account_for_key(roster, error))?;
    for Term { not, test } in &query.terms {
        if let Test::Platform(slug) = test
            && !roster.platforms.contains_key(slug)
        {
            let near = format!("platform:{}", resolve::nearest_platform(roster, slug));
            let known = roster.platforms.keys().map(|slug| format!("platform:{slug}"));
            let word = format!("{}platform:{slug}", if *not { "-" } else { "" });
            return Err(QueryError { word, wrong: Wrong::unknown("no such platform", &near, known) });
        }
    }
    Ok(query)
}

/// Where an account was typed, such as `youtube:@mara`, the words that find it.
fn account_for_key(roster: &Roster, error: QueryError) -> QueryError {
    let account = error.word.trim_start_matches('-').split_once(':');
    let platform = account.and_then(|(key, handle)| Some((resolve::platform_called(roster, key)?, handle)));
    match platform {
        Some((slug, handle)) => {
            let near = format!("platform:{slug} {}", clean(handle, NAME_CHARACTERS));
            QueryError { wrong: Wrong::unknown("no such key", &near, []), ..error }
        }
        None => error,
    }
}

/// Whether every term fits. Unknown numbers fit no comparison.
pub fn fits(roster: &Roster, influencer: &Influencer, query: &Query, seen: Seen) -> bool {
    query.terms.iter().all(|Term { not, test }| holds(roster, influencer, test, seen) != *not)
}

fn holds(roster: &Roster, influencer: &Influencer, test: &Test, seen: Seen) -> bool {
    let main = || roster.main_of(influencer);
    let numbers = || main().and_then(|main| main.latest.as_ref()).map(|latest| &latest.numbers);
    let compared = || roster.compared_of(influencer);
    let recent = || compared().and_then(|main| roster.recent.get(&main.id));
    match test {
        Test::Contains(text) => roster
            .texts
            .get(&influencer.id)
            .is_some_and(|texts| memmem::find(texts.searched.as_bytes(), text.as_bytes()).is_some()),
        Test::Platform(slug) => roster.connections_of(influencer.id).any(|connection| connection.platform == *slug),
        Test::Tag(tag) => influencer.tags.iter().any(|own| folded(own) == *tag),
        Test::Status(status) => {
            let has_status = |c: &Connection| {
                let interval: Seconds = roster.pace_of(c).interval(seen.interval);
                standing::standing(c, roster.is_paused(c), interval, roster.outage_of(c), seen.now).status == *status
            };
            roster.connections_of(influencer.id).any(has_status)
        }
        Test::Paused => influencer.paused,
        Test::Alerting => roster.open_alerts.contains_key(&influencer.id),
        Test::Followers(compare, bound) => {
            numbers().and_then(|n| n.followers).is_some_and(|value| compare.holds(value, *bound))
        }
        Test::Engagement(compare, bound) => compared()
            .and_then(|main| main.latest.as_ref()?.numbers.engagement_rate)
            .is_some_and(|value| compare.holds(value, *bound)),
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
    use roster_protocol::alert::AlertState;
    use roster_protocol::time::Date;

    use super::*;
    use crate::roster::recent::Recent;
    use crate::roster::samples::*;
    use crate::schedule::coverage::Coverage;

    #[test]
    fn an_unknown_platform_is_an_error_that_names_the_nearest() {
        let roster = roster();
        let check = |text: &str, near: &str| {
            let error = understood(&roster, text).expect_err(text);
            assert!(error.wrong.reason.ends_with(&format!("did you mean {near}?")), "{text}: {error}");
        };
        check("platform:ig", "platform:instagram");
        check("-platform:yuotube", "platform:youtube");
        check("mara platform:Fb", "platform:facebook");
        check("YouTube:@mara", "platform:youtube @mara");
        check("-yt:@mara", "platform:youtube @mara");
        check("folowers:>10k", "followers:");
        assert!(understood(&roster, "platform:YouTube -platform:tiktok \"platform:ig\" @mara").is_ok());
    }

    #[test]
    fn every_term_must_fit() {
        let influencer = Influencer { tags: vec!["Beauty".into()], paused: true, ..influencer(MARA, "Mara") };
        let seen = Seen { now: NOON, interval: Seconds(3600) };
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

    #[test]
    fn each_word_sees_the_connections_and_the_main_ones_numbers() {
        let mut rows = loaded();
        rows.influencers[0].tags = vec!["Beauty".into()];
        rows.connections[0].latest = Some(measured(Some(10_000), Some(25_000)));
        rows.connections[0].last_synced_at = Some(NOON);
        rows.connections[1].latest = Some(measured(Some(100), None));
        rows.alerts = vec![alert(1, AlertState::Open, about(HERS, LEA))];
        let mut roster = Roster::new(rows, known_platforms());
        let days = vec![(Date(TODAY.0 - 30), 8_000), (Date(TODAY.0 - 7), 12_500), (TODAY, 10_000)];
        roster.load_recent([(SKY, Recent::of(days))].into(), Coverage::default());
        let seen = Seen { now: NOON, interval: Seconds(3600) };
        let check = |filter: &str, expected: &[&str]| {
            let query = parse(filter).expect("a filter");
            let mut fitting: Vec<_> =
                roster.influencers.values().filter(|one| fits(&roster, one, &query, seen)).map(|it| &it.name).collect();
            fitting.sort();
            assert_eq!(fitting, expected, "{filter:?}");
        };
        check("mara", &["Mara"]);
        check("EXAMPLE", &["Léa", "Mara"]);
        check("platform:youtube", &["Mara"]);
        check("platform:bluesky", &["Léa", "Mara"]);
        check("tag:beauty", &["Mara"]);
        check("status:fresh", &["Mara"]);
        check("status:never", &["Léa", "Mara"]);
        check("is:alerting", &["Léa"]);
        check("is:paused", &[]);
        check("followers:10k", &["Mara"]);
        check("followers:>10k", &[]);
        check("followers:<10k", &[]);
        check("engagement:>=2.5%", &["Mara"]);
        check("engagement:<2.5%", &[]);
        check("growth7:=-20%", &["Mara"]);
        check("growth30:=25%", &["Mara"]);
        check("growth30:>25%", &[]);
    }
}
