//! Names as users type them, resolved here and nowhere else.
//!
//! An influencer is an id, a unique prefix of one, a name (its accents need not be typed), or `platform:handle`; a connection is an id,
//! a unique prefix, or `platform:handle`; where both match, it names the connection.

use roster_protocol::connection::Account;
use roster_protocol::error::{ErrorKind, RosterError};
use roster_protocol::folding::{alike, bare, composed, folded, nearest};

use super::{Roster, index};
use crate::model::{Connection, Influencer};
use crate::platforms::PlatformInfo;

/// So many names are compared with one that is not there: others wait meanwhile.
const MOST_COMPARED: usize = 100_000;
/// So many of them are named.
const MOST_NAMED: usize = 3;

/// A connection, or else an influencer.
#[derive(Clone, Copy, Debug)]
pub enum Named<'a> {
    Connection(&'a Connection),
    Influencer(&'a Influencer),
}

/// The influencer that a text names.
///
/// # Errors
/// Not found, or ambiguous with the candidates in the hint.
pub fn influencer<'a>(roster: &'a Roster, text: &str) -> Result<&'a Influencer, RosterError> {
    // A whole id first: no name can take its place.
    if let Some(influencer) = text.parse().ok().and_then(|id| roster.influencers.get(&id)) {
        return Ok(influencer);
    }
    let exact = composed(text);
    let is_exact = |influencer: &&Influencer| composed(&influencer.name) == exact;
    let mut found: Vec<&Influencer> = namesakes(roster, text).filter(is_exact).collect();
    if found.is_empty() {
        let ids = index::by_prefix(&roster.index.influencers, text);
        found = ids.iter().filter_map(|id| roster.influencers.get(id)).collect();
    }
    if found.is_empty() {
        found = namesakes(roster, text).collect();
    }
    if let (true, Some(connection)) = (found.is_empty(), by_account(roster, text)) {
        found = Vec::from_iter(roster.influencers.get(&connection.influencer));
    }
    if found.is_empty() {
        found = called(roster, text).collect();
    }
    let shown = |influencer: &Influencer| format!("{} {}", influencer.id, influencer.name);
    let otherwise = if found.is_empty() { did_you_mean(roster, text) } else { None };
    only(found, "influencer", text, shown, otherwise.as_deref().unwrap_or("`roster list` shows them all"))
}

/// The influencers whose names are most like what was typed, in a sentence.
fn did_you_mean(roster: &Roster, text: &str) -> Option<String> {
    let near = alike(&bare(text.trim()), roster.index.by_name.keys().take(MOST_COMPARED).map(String::as_str));
    let near = near.into_iter().flat_map(|name| roster.index.by_name.of(&name.to_owned()));
    let names: Vec<&str> =
        near.filter_map(|id| Some(roster.influencers.get(id)?.name.as_str())).take(MOST_NAMED).collect();
    (!names.is_empty()).then(|| format!("did you mean {}?", names.join(", ")))
}

/// All influencers whose name is this one, whatever its case and accents.
fn called<'a>(roster: &'a Roster, name: &str) -> impl Iterator<Item = &'a Influencer> {
    roster.index.by_name.of(&bare(name.trim())).iter().filter_map(|id| roster.influencers.get(id))
}

/// All influencers of a name, in whatever case.
pub fn namesakes<'a>(roster: &'a Roster, name: &str) -> impl Iterator<Item = &'a Influencer> {
    let exact = folded(name.trim());
    called(roster, name).filter(move |influencer| folded(&influencer.name) == exact)
}

/// The connection that a text names; a disconnected one is named only by its whole id.
///
/// # Errors
/// Not found, or ambiguous with the candidates in the hint.
pub fn connection<'a>(roster: &'a Roster, text: &str) -> Result<&'a Connection, RosterError> {
    if let Some(connection) = by_account(roster, text) {
        return Ok(connection);
    }
    if let Some(connection) = text.parse().ok().and_then(|id| roster.connections.get(&id)) {
        return Ok(connection);
    }
    let ids = index::by_prefix(&roster.index.connections, text);
    let found = ids.iter().filter_map(|id| roster.connections.get(id)).collect();
    let shown = |connection: &Connection| format!("{} {}:{}", connection.id, connection.platform, connection.handle);
    only(found, "connection", text, shown, "`roster show INFLUENCER` shows connections with their ids")
}

/// The connection or else the influencer that a text names.
///
/// # Errors
/// Not found as either, or ambiguous.
pub fn either<'a>(roster: &'a Roster, text: &str) -> Result<Named<'a>, RosterError> {
    match connection(roster, text) {
        Ok(connection) => Ok(Named::Connection(connection)),
        Err(error) if error.kind == ErrorKind::Ambiguous => match influencer(roster, text) {
            Ok(influencer) => Ok(Named::Influencer(influencer)),
            Err(_) => Err(error),
        },
        Err(_) => influencer(roster, text).map(Named::Influencer).map_err(|error| match error.kind {
            ErrorKind::NotFound => {
                let shown = "`roster list` shows influencers, `roster show INFLUENCER` their connections".to_owned();
                RosterError::not_found(format!("no influencer or connection is named {text:?}"))
                    .hint(did_you_mean(roster, text).unwrap_or(shown))
            }
            _ => error,
        }),
    }
}

/// `platform:handle`, or a profile's URL, in its canonical form with the platform that understands it.
///
/// # Errors
/// An unknown platform, or no handle of it; the hint shows how one looks.
pub fn account(roster: &Roster, account: &Account) -> Result<Account, RosterError> {
    let is_url = account.handle.starts_with("//") && matches!(account.platform.as_str(), "https" | "http");
    let handle = if is_url { format!("{}:{}", account.platform, account.handle) } else { account.handle.clone() };
    if is_url || account.platform.is_empty() {
        return account_of_url(roster, &handle);
    }
    let slug = folded(&account.platform);
    let Some(known) = roster.platforms.get(&slug) else {
        return Err(unknown_platform(roster, &account.platform));
    };
    let canonical = known.platform.canonical(&handle).map_err(|error| {
        let example = known.platform.info().handle_example;
        RosterError::usage(error.to_string()).hint(format!("write {slug}:{example}, or the profile's address"))
    })?;
    Ok(Account { platform: slug, handle: canonical })
}

fn account_of_url(roster: &Roster, url: &str) -> Result<Account, RosterError> {
    // The more specific platforms first: some have one host, others any.
    let mut known: Vec<_> = roster.platforms.values().filter(|known| known.enabled).collect();
    known.sort_by_key(|known| !known.platform.group(url).is_empty());
    let understood = known.iter().find_map(|known| {
        let handle = known.platform.canonical(url).ok()?;
        Some(Account { platform: known.platform.info().slug.to_owned(), handle })
    });
    understood.filter(|_| url.contains("://")).ok_or_else(|| {
        RosterError::usage(format!("{url:?} is no profile address that a platform here understands"))
            .hint("write platform:handle, such as bluesky:name.example")
    })
}

/// An error for an unknown platform, with the nearest of the known ones and all of them in its hint.
pub fn unknown_platform(roster: &Roster, typed: &str) -> RosterError {
    let known: Vec<&str> = slugs(roster).collect();
    let near = nearest_platform(roster, typed);
    RosterError::usage(format!("unknown platform {typed:?}"))
        .hint(format!("did you mean {near}? Known are {}", known.join(", ")))
}

/// The slug of the platform with this slug, short or whole name, whatever the case.
pub fn platform_called<'a>(roster: &'a Roster, typed: &str) -> Option<&'a str> {
    let typed = folded(typed);
    let infos = roster.platforms.values().map(|known| known.platform.info());
    let called = |info: &&PlatformInfo| [info.slug, info.short, info.name].iter().any(|name| folded(name) == typed);
    infos.into_iter().find(called).map(|info| info.slug)
}

/// The slug of the platform that a typed word names, or else is most like.
pub fn nearest_platform<'a>(roster: &'a Roster, typed: &str) -> &'a str {
    platform_called(roster, typed).unwrap_or_else(|| nearest(&folded(typed), slugs(roster)))
}

fn slugs(roster: &Roster) -> impl Iterator<Item = &str> {
    roster.platforms.keys().map(String::as_str)
}

fn by_account<'a>(roster: &'a Roster, text: &str) -> Option<&'a Connection> {
    let (platform, handle) = text.split_once(':')?;
    let typed = Account { platform: platform.to_owned(), handle: handle.to_owned() };
    // A handle on the roster still names its connection when the platform no longer accepts it, such as one at a host
    // that was allowed earlier.
    let canonical = account(roster, &typed).unwrap_or(typed);
    roster
        .account(&canonical.platform, &canonical.handle, None)
        .filter(|connection| connection.disconnected_at.is_none())
}

fn only<'a, T>(
    found: Vec<&'a T>,
    what: &str,
    text: &str,
    shown: impl Fn(&T) -> String,
    otherwise: &str,
) -> Result<&'a T, RosterError> {
    match found.as_slice() {
        [one] => Ok(one),
        [] => Err(RosterError::not_found(format!("no {what} is named {text:?}")).hint(otherwise)),
        many => {
            let mut names: Vec<String> = many.iter().take(10).map(|thing| shown(thing)).collect();
            names.sort();
            Err(RosterError::new(ErrorKind::Ambiguous, format!("{text:?} names {} {what}s", many.len()))
                .hint(format!("say which: {}", names.join("; "))))
        }
    }
}

#[cfg(test)]
mod tests {
    use roster_protocol::ids::InfluencerId;

    use super::*;
    use crate::model::Loaded;
    use crate::roster::samples;

    fn influencer(id: &str, name: &str) -> Influencer {
        samples::influencer(id.parse().expect("an id"), name)
    }

    #[test]
    fn ids_come_before_names_and_whole_ones_before_everything() {
        let influencers = vec![
            influencer("abcdefgh", "Mara"),
            influencer("abczzzzz", "abcdefgh"),
            influencer("zzzzzzzz", "ZOÉ"),
            influencer("yyyyyyyy", "zoé"),
            influencer("222aaaaa", "ΟΔΥΣΣΕΑΣ"),
            influencer("333aaaaa", "Νίκος"),
            influencer("444aaaaa", "Eva Straße"),
            influencer("555aaaaa", "İnci Şahin"),
            influencer("666aaaaa", "Zoe\u{301} Du\u{308}ben"),
            influencer("777aaaaa", "Zoë Müller"),
        ];
        let roster = Roster::new(Loaded { influencers, ..Loaded::default() }, Default::default());
        let check = |text: &str, expected: Result<&str, ErrorKind>| {
            let found = super::influencer(&roster, text).map(|influencer| influencer.id).map_err(|error| error.kind);
            assert_eq!(found, expected.map(|id| id.parse::<InfluencerId>().expect("an id")), "{text}");
        };
        // Another influencer is called like this one's id.
        check("abcdefgh", Ok("abcdefgh"));
        check("ABCDEFGH", Ok("abcdefgh"));
        check("Mara", Ok("abcdefgh"));
        check("mara", Ok("abcdefgh"));
        check("abcz", Ok("abczzzzz"));
        check("abc", Err(ErrorKind::Ambiguous));
        check("ab", Err(ErrorKind::NotFound));
        check("ZOÉ", Ok("zzzzzzzz"));
        check("zoé", Ok("yyyyyyyy"));
        check("Zoé", Err(ErrorKind::Ambiguous));
        check("nobody", Err(ErrorKind::NotFound));
        check("οδυσσεασ", Ok("222aaaaa"));
        check("οδυσσεας", Ok("222aaaaa"));
        check("νίκοσ", Ok("333aaaaa"));
        check("EVA STRASSE", Ok("444aaaaa"));
        check("inci şahin", Ok("555aaaaa"));
        check("Zoé Düben", Ok("666aaaaa"));
        check("Zoe\u{308} Mu\u{308}ller", Ok("777aaaaa"));
        // Accents need not be typed.
        check("zoe muller", Ok("777aaaaa"));
        check("Inci Sahin", Ok("555aaaaa"));
        check("zoe", Err(ErrorKind::Ambiguous));
        let hint = |text: &str| super::influencer(&roster, text).expect_err("it is not there").hint;
        assert_eq!(hint("zoe dubne").as_deref(), Some("did you mean Zoe\u{301} Du\u{308}ben?"));
        assert_eq!(hint("nobody").as_deref(), Some("`roster list` shows them all"));
        assert_eq!(either(&roster, "Eva Strase").expect_err("no").hint.as_deref(), Some("did you mean Eva Straße?"));
    }
}
