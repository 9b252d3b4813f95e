//! `roster connect`: an account of an influencer, by its handle or by its owner's consent, and its first sync.

mod choice;
mod consent;
mod guide;

use std::io::Read;

use roster_protocol::{Account, ApiAccess, Connection, Outcome, PlatformStatus, RosterClient, RosterError, SyncTarget};

use self::consent::PendingConsent;
use super::{show, sync};
use crate::client::{long_call, response, short_call};
use crate::consent::joined;
use crate::output::json;
use crate::output::{Ending, Failure, while_read};
use crate::session::Session;

/// `roster connect`
///
/// Prints the connection as one of `show`'s; several that were chosen at once are printed as {"connections":[…]}.
#[derive(Debug, clap::Args)]
pub struct Connect {
    /// Id, beginning of an id, exact name, platform:handle, or a profile's URL
    influencer: String,
    /// The platform; `roster platforms` lists them, and whether one needs a handle or the owner's consent
    platform: String,
    /// The account: its handle there, or its profile's URL; chooses among several that a consent opens
    #[arg(long, value_name = "HANDLE")]
    handle: Option<String>,
    /// Does not wait, neither for the owner's answer nor for the first sync
    #[arg(long)]
    no_wait: bool,
    /// Finishes a consent with the address that the browser landed on; - reads it from stdin
    #[arg(long, value_name = "URL", conflicts_with = "device")]
    paste: Option<String>,
    /// Asks for consent by a code that is typed on another device, where the platform has that
    #[arg(long)]
    device: bool,
}

/// A browser makes no longer address.
const ADDRESS_BYTES: usize = 16 * 1024;

impl Connect {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        let pasted = self.paste.as_deref().map(address).transpose()?;
        let client = session.connect().await?;
        let slug = self.platform.to_lowercase();
        if let Some(address) = pasted {
            let mut pending = PendingConsent::new(client, session, self.handle, self.no_wait);
            return pending.paste(address).await;
        }
        let platforms = response(client.platforms(short_call()).await)?;
        let platform = platforms.iter().find(|platform| platform.platform == slug);
        let waiting = match &self.handle {
            Some(_) if platform.is_none_or(can_request_consent) => {
                response(client.consent_open(short_call(), self.influencer.clone(), slug.clone()).await)?
            }
            _ => None,
        };
        match (waiting, self.handle) {
            (Some(consent), handle) => PendingConsent::new(client, session, handle, self.no_wait).finish(consent).await,
            (None, Some(handle)) if !self.device && platform.is_none_or(readable_by_handle) => {
                let account = Account { platform: slug, handle };
                let connection = response(client.connect(long_call(), self.influencer, account).await)?;
                connected(&client, vec![connection], !self.no_wait, session).await
            }
            (None, handle) => {
                let mut pending = PendingConsent::new(client, session, handle, self.no_wait);
                pending.begin(self.influencer, slug, self.device).await
            }
        }
    }
}

/// Whether a platform can be read with nothing but a handle here.
fn readable_by_handle(platform: &PlatformStatus) -> bool {
    platform.api != ApiAccess::Consent
}

/// Whether a consent can be requested there.
fn can_request_consent(platform: &PlatformStatus) -> bool {
    platform.consents || platform.api == ApiAccess::Consent
}

/// The pasted address in one piece.
fn address(typed: &str) -> Result<String, RosterError> {
    let mut text = typed.to_owned();
    if typed == "-" {
        text.clear();
        let stdin = std::io::stdin().lock().take(ADDRESS_BYTES as u64 + 1);
        std::io::BufReader::new(stdin)
            .read_to_string(&mut text)
            .map_err(|error| RosterError::usage(format!("stdin holds no address: {error}")))?;
    }
    let address = joined(&text);
    match address.len() {
        1..=ADDRESS_BYTES => Ok(address),
        0 => Err(RosterError::usage("there is no address").hint(EXPECTED)),
        _ => Err(RosterError::usage("that is too long for an address").hint(EXPECTED)),
    }
}

const EXPECTED: &str =
    "give the whole address that the browser landed on after the consent, with `code` and `state` in it";

/// Prints new connections, after the first sync of each unless the user does not wait.
async fn connected(
    client: &RosterClient,
    mut connections: Vec<Connection>,
    waits: bool,
    session: &mut Session,
) -> Result<Ending, Failure> {
    let mut unsynced = None;
    if waits {
        for connection in &mut connections {
            let id = connection.id.to_string();
            let ticket = response(client.sync(short_call(), SyncTarget::One(id.clone())).await)?;
            let paint = session.output.look.paint;
            let runs = while_read(async { Ok(sync::wait(client, ticket, paint).await?) }).await?;
            *connection = response(client.connection(short_call(), id).await)?;
            let learned = runs.iter().all(|run| matches!(run.outcome, Outcome::Ok | Outcome::Partial));
            if !learned {
                let why = runs.into_iter().find_map(|run| run.error);
                unsynced = Some(why.unwrap_or_else(|| "it was put off".to_owned()));
            }
        }
    }
    match connections.as_slice() {
        [connection] => show::print_connection(connection, &mut session.output)?,
        all => {
            let json = || json::ConnectionList { connections: all.iter().map(json::Connection::from).collect() };
            session.output.print(json, |look| show::connection_table(all, look))?;
            Ending::Done
        }
    };
    // A connection exists whatever the result of its first sync.
    let Some(why) = unsynced else { return Ok(Ending::Done) };
    session.output.remark(&format!("connected, but the first sync reported nothing yet: {why}"));
    Ok(Ending::InPart)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn a_pasted_address_is_joined() {
        let check = |text: &str, expected: Option<&str>| {
            let address = address(text);
            assert_eq!(address.as_ref().ok().map(String::as_str), expected, "{text:.40?}");
            assert!(address.is_ok() || address.is_err_and(|error| error.kind.exit_code() == 2));
        };
        check("https://x.example/cb?code=1&state=2", Some("https://x.example/cb?code=1&state=2"));
        check(" https://x.example/cb?code=1\n  &state=2 \n", Some("https://x.example/cb?code=1&state=2"));
        check("garbage", Some("garbage"));
        check(" \n", None);
        check(&"x".repeat(ADDRESS_BYTES + 1), None);
    }

    #[test]
    fn handles_suffice_where_numbers_are_public() {
        let of = |api, consents| PlatformStatus { api, consents, ..samples::status().platforms.swap_remove(0) };
        let check = |api, consents, by_handle, may_consent| {
            let platform = of(api, consents);
            assert_eq!(
                (readable_by_handle(&platform), can_request_consent(&platform)),
                (by_handle, may_consent),
                "{api:?} {consents}"
            );
        };
        check(ApiAccess::Public, false, true, false);
        check(ApiAccess::Key, false, true, false);
        check(ApiAccess::Key, true, true, true);
        check(ApiAccess::Consent, true, false, true);
        // The daemon says then what is missing.
        check(ApiAccess::Consent, false, false, true);
    }
}
