//! `roster tokens`: every consent that was given, what renews itself, and what needs a hand first.

use roster_protocol::{Grant, Renews};

use crate::client::{response, short_call};
use crate::consent::not_given;
use crate::output::json;
use crate::output::rows::Form;
use crate::output::table::{Cell, Table, Tone};
use crate::output::text::{UNKNOWN, ahead};
use crate::output::{Ending, Failure, Look};
use crate::session::Session;

/// `roster tokens`
#[derive(Debug, clap::Args)]
pub struct Tokens {
    #[command(flatten)]
    form: Form,
}

impl Tokens {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        session.output.shape(&self.form, false)?;
        let client = session.connect().await?;
        let mut grants = response(client.grants(short_call()).await)?;
        grants.sort_by_cached_key(order);
        let json = || json::consent::GrantList { grants: grants.iter().map(json::consent::Grant::from).collect() };
        session.output.print(json, |look| grant_table(&grants, look))?;
        if grants.is_empty() {
            session.output.remark("no owner has given consent yet; `roster connect` asks for it");
        }
        Ok(Ending::Done)
    }
}

/// Expired consents first, then those that end soonest unless a person acts, then those that lack a scope, then the
/// rest by name. Those that are being revoked need no person and are last.
fn order(grant: &Grant) -> impl Ord + use<> {
    let rank = match (grant.renews, grant.act_before) {
        _ if has_ended(grant) => (0, 0),
        (Renews::ByHand, day) => (1, day.map_or(i64::MAX, |day| day.0)),
        (Renews::Itself, Some(day)) => (1, day.0),
        (Renews::Itself, _) if !grant.missing.is_empty() => (2, 0),
        (Renews::Itself, _) => (3, 0),
        (Renews::Never, _) => (4, 0),
    };
    (rank, grant.platform.clone(), grant.account.clone(), grant.id)
}

/// A consent without an end that has something to say has ended already.
fn has_ended(grant: &Grant) -> bool {
    grant.renews == Renews::ByHand && grant.act_before.is_none() && grant.note.is_some()
}

/// One line for each consent.
fn grant_table(grants: &[Grant], look: &Look) -> String {
    let mut table = Table::new(&["ID", "PLATFORM", "ACCOUNT", "RENEWS", "TOKEN", "ACT BEFORE", ">FEEDS", "NOTE"]);
    for grant in grants {
        table.row([
            grant.id.to_string().into(),
            grant.platform.as_str().into(),
            grant.account.as_str().into(),
            renews(grant),
            ahead(grant.expires_at, &look.now).into(),
            act_before(grant, look),
            grant.connections.len().to_string().into(),
            note(grant).into(),
        ]);
    }
    table.render(look.paint)
}

fn renews(grant: &Grant) -> Cell {
    match grant.renews {
        _ if has_ended(grant) => Cell::new("✗ ended", Tone::Bad),
        Renews::Itself => Cell::new("● itself", Tone::Good),
        Renews::ByHand => Cell::new("◐ by hand", Tone::Warn),
        Renews::Never => Cell::new("never", Tone::Quiet),
    }
}

fn act_before(grant: &Grant, look: &Look) -> Cell {
    match grant.act_before {
        Some(at) => {
            let day = at.to_jiff().to_zoned(look.now.time_zone().clone()).strftime("%Y-%m-%d").to_string();
            Cell::new(day, Tone::Warn)
        }
        None => Cell::new(UNKNOWN, Tone::Quiet),
    }
}

/// What is wrong, and where something was not given, what can be read and what cannot.
fn note(grant: &Grant) -> String {
    let missing = (!grant.missing.is_empty()).then(|| match grant.reads.is_empty() {
        true => format!("{}: no", not_given(&grant.missing)),
        false => format!("{}: yes; {}: no", grant.reads.join(", "), not_given(&grant.missing)),
    });
    grant.note.iter().cloned().chain(missing).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn sorted() -> Vec<Grant> {
        let mut grants = samples::grants();
        grants.sort_by_cached_key(order);
        grants
    }

    #[test]
    fn what_needs_a_hand_is_first() {
        insta::assert_snapshot!(grant_table(&sorted(), &samples::look()), @r"
        ID        PLATFORM   ACCOUNT            RENEWS     TOKEN  ACT BEFORE  FEEDS  NOTE
        aydambqg  tiktok     nightgarden        ✗ ended    –      –               1  revoked by the owner
        a4dqobyh  facebook   Tidewater Kitchen  ◐ by hand  in 1h  2026-12-01      1
        aucqkbif  linkedin   Ines               ◐ by hand  in 1h  2027-01-20      1
        aqcaibae  instagram  Oskar & Ines       ● itself   in 1h  –               1  followers, posts: yes; views, audience: no
        ambqgayd  youtube    Mara Lindqvist     ● itself   in 1h  –               1
        baeaqcai  bluesky    ferrow.example     never      –      –               0  being revoked
        ");
        assert_eq!(grant_table(&[], &samples::look()), "");
    }

    #[test]
    fn json_has_the_names_scripts_rely_on() {
        let grants = json::consent::GrantList { grants: sorted().iter().map(json::consent::Grant::from).collect() };
        insta::assert_snapshot!(samples::lines(grants), @r#"
        {"grants":[{"id":"aydambqg","platform":"tiktok","account":"nightgarden","model":"rotating",
        "expires_at":null,"renews":"by_hand","act_before":null,"connections":["aydambqg"],
        "granted_at":"2026-11-21T02:00:00Z","renews_at":null,"scopes":["profile"],"reads":["followers,
         posts"],"missing":[],"note":"revoked by the owner"},{"id":"a4dqobyh","platform":"facebook",
        "account":"Tidewater Kitchen","model":"fixed","expires_at":"2026-11-21T15:30:00Z",
        "renews":"by_hand","act_before":"2026-12-01T00:00:00Z","connections":["a4dqobyh"],
        "granted_at":"2026-11-21T02:00:00Z","renews_at":"2026-11-21T15:00:00Z","scopes":["profile"],
        "reads":["followers, posts"],"missing":[],"note":null},{"id":"aucqkbif","platform":"linkedin",
        "account":"Ines","model":"extension","expires_at":"2026-11-21T15:30:00Z","renews":"by_hand",
        "act_before":"2027-01-20T00:00:00Z","connections":["aucqkbif"],"granted_at":"2026-11-21T02:00:00Z",
        "renews_at":"2026-11-21T15:00:00Z","scopes":["profile"],"reads":["followers, posts"],"missing":[],
        "note":null},{"id":"aqcaibae","platform":"instagram","account":"Oskar & Ines","model":"fixed",
        "expires_at":"2026-11-21T15:30:00Z","renews":"itself","act_before":null,"connections":["aqcaibae"],
        "granted_at":"2026-11-21T02:00:00Z","renews_at":"2026-11-21T15:00:00Z","scopes":["profile"],
        "reads":["followers, posts"],"missing":[{"scope":"insights","costs":"views, audience"}],
        "note":null},{"id":"ambqgayd","platform":"youtube","account":"Mara Lindqvist","model":"fixed",
        "expires_at":"2026-11-21T15:30:00Z","renews":"itself","act_before":null,"connections":["ambqgayd"],
        "granted_at":"2026-11-21T02:00:00Z","renews_at":"2026-11-21T15:00:00Z","scopes":["profile"],
        "reads":["followers, posts"],"missing":[],"note":null},{"id":"baeaqcai","platform":"bluesky",
        "account":"ferrow.example","model":"fixed","expires_at":null,"renews":"never","act_before":null,
        "connections":[],"granted_at":"2026-11-21T02:00:00Z","renews_at":null,"scopes":["profile"],
        "reads":["followers, posts"],"missing":[],"note":"being revoked"}]}
        "#);
    }

    #[test]
    fn hostile_names_stay_in_their_line() {
        let mut grants = samples::grants();
        grants[0].account = "\u{1b}]0;x\u{7}\u{202e}a\nb".to_owned();
        grants[0].note = Some("\u{9b}31m".to_owned());
        let printed = grant_table(&grants, &samples::look());
        assert!(!printed.chars().any(|c| c.is_control() && c != '\n') && !printed.contains('\u{202e}'), "{printed:?}");
        assert_eq!(printed.lines().count(), grants.len() + 1);
    }
}
