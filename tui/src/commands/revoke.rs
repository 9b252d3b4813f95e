//! `roster revoke all`: for the day of a breach. Ends every consent here at once, and revokes all tokens at the providers.

use std::time::Duration;

use roster_protocol::notice::grouped;
use roster_protocol::text::{SENTENCE_CHARACTERS, clean};
use roster_protocol::{Grant, Renews, RevokedAll, RosterClient, RosterError};
use serde::Serialize;

use super::asking;
use crate::client::{long_call, response, short_call};
use crate::output::json::consent::Grant as GrantJson;
use crate::output::table::Table;
use crate::output::{Ending, Failure, Look};
use crate::session::Session;

/// How long it waits for the providers.
const WAIT: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(250);

/// `roster revoke`
#[derive(Debug, clap::Args)]
pub struct Revoke {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Ends all consents at once, and revokes all tokens at the providers, which is repeated until it is done
    All {
        /// Says that it is meant; needed where no terminal can ask
        #[arg(long)]
        yes: bool,
        /// Does not wait for the providers
        #[arg(long)]
        no_wait: bool,
    },
}

#[derive(Serialize)]
struct Json {
    ended: u64,
    requested: u64,
    left: Vec<GrantJson>,
}

impl Revoke {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        let What::All { yes, no_wait } = self.what;
        if !yes && !asking::is_attended() {
            return Err(RosterError::usage("this ends the consent of every owner")
                .hint("add --yes if that is meant: each of them has to consent again")
                .into());
        }
        let client = session.connect().await?;
        if !yes {
            let count = response(client.grants(short_call()).await)?.len() as u64;
            let question = format!("End all {} consents? Each owner has to consent again.", grouped(count));
            asking::ask(&question, &session.output).await?;
        }
        let revoked = response(client.revoke_all(long_call()).await)?;
        let left = left(&client, if no_wait { Duration::ZERO } else { WAIT }).await?;
        let json = || Json {
            ended: revoked.ended,
            requested: revoked.requested,
            left: left.iter().map(GrantJson::from).collect(),
        };
        session.output.print(json, |look| text(&revoked, &left, look))?;
        if left.is_empty() {
            return Ok(Ending::Done);
        }
        session.output.remark("rosterd goes on until each is revoked; `roster tokens` shows what is left");
        Ok(Ending::InPart)
    }
}

/// The consents that are not revoked at their providers yet, once there is none or the time is over.
async fn left(client: &RosterClient, wait: Duration) -> Result<Vec<Grant>, Failure> {
    let none_left = async {
        while revoking(client).await.is_ok_and(|left| !left.is_empty()) {
            tokio::time::sleep(LOOK).await;
        }
    };
    // What is left then is looked at below.
    let _ = tokio::time::timeout(wait, none_left).await;
    revoking(client).await
}

async fn revoking(client: &RosterClient) -> Result<Vec<Grant>, Failure> {
    let mut grants = response(client.grants(short_call()).await)?;
    grants.retain(|grant| grant.renews == Renews::Never);
    Ok(grants)
}

fn text(revoked: &RevokedAll, left: &[Grant], look: &Look) -> String {
    let consents =
        |count: u64| if count == 1 { "one consent".to_owned() } else { format!("{} consents", grouped(count)) };
    let requested = match revoked.requested {
        0 => String::new(),
        count => format!(", and {} that waited", consents(count)),
    };
    let mut text = format!("ended {}{requested}\n", consents(revoked.ended));
    if left.is_empty() {
        return text + "nothing is left to be revoked at the platforms\n";
    }
    text.push_str(&format!("not revoked at the platform yet: {}\n\n", consents(left.len() as u64)));
    let mut table = Table::new(&["ID", "PLATFORM", "ACCOUNT", "NOTE"]);
    for grant in left {
        let note = clean(grant.note.as_deref().unwrap_or_default(), SENTENCE_CHARACTERS);
        table.row([
            grant.id.to_string().into(),
            grant.platform.as_str().into(),
            grant.account.as_str().into(),
            note.into(),
        ]);
    }
    text + &table.render(look.paint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn text_says_what_is_left() {
        let done = text(&RevokedAll { ended: 1200, requested: 0 }, &[], &samples::look());
        assert_eq!(done, "ended 1,200 consents\nnothing is left to be revoked at the platforms\n");
        let left = Grant { note: Some("being revoked".to_owned()), ..samples::grants().remove(0) };
        let part = text(&RevokedAll { ended: 1, requested: 1 }, &[left], &samples::look());
        let expected = "ended one consent, and one consent that waited\nnot revoked at the platform yet: one consent\n";
        assert!(part.starts_with(expected) && part.ends_with("being revoked\n"), "{part}");
    }
}
