//! `roster disconnect`: ends a connection.

use roster_protocol::consent::is_just_given;
use roster_protocol::{ConnectionId, Grant, RosterError};

use super::{asking, show};
use crate::client::{long_call, response, short_call};
use crate::output::{Ending, Failure};
use crate::session::Session;

/// `roster disconnect`
#[derive(Debug, clap::Args)]
pub struct Disconnect {
    /// Id, beginning of an id, platform:handle, or a profile's URL
    connection: String,
    /// Deletes its history too; needs --yes where no terminal can ask
    #[arg(long)]
    delete_history: bool,
    /// Says that it is meant, and that the history, or what a consent gave, may be deleted
    #[arg(long)]
    yes: bool,
}

impl Disconnect {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        let asks = self.delete_history && !self.yes;
        if asks && !asking::is_attended() {
            return Err(RosterError::usage("this deletes every snapshot of the connection")
                .hint("add --yes if that is meant; without --delete-history the history stays")
                .into());
        }
        let client = session.connect().await?;
        let mut connection = self.connection;
        if asks {
            let found = response(client.connection(short_call(), connection).await)?;
            let question = format!(
                "Disconnect {}:{} and delete every snapshot of it? `roster undo` takes that back within a day.",
                found.platform, found.handle
            );
            asking::ask(&question, &session.output).await?;
            connection = found.id.to_string();
        }
        let grants = if session.output.is_json() { Vec::new() } else { response(client.grants(short_call()).await)? };
        if !self.delete_history && !session.output.is_json() {
            let found = response(client.connection(short_call(), connection).await)?;
            connection = found.id.to_string();
            let platforms = response(client.platforms(short_call()).await)?;
            let terms = platforms.iter().find(|platform| platform.platform == found.platform);
            let feeds = grants.iter().any(|grant| grant.connections.contains(&found.id));
            if let Some(days) = terms.and_then(|platform| platform.after_consent_days).filter(|_| feeds) {
                let question = format!(
                    "What was read with the consent of {}:{} {}. Disconnect it?",
                    found.platform,
                    found.handle,
                    goes(days)
                );
                match asking::is_attended() && !self.yes {
                    true => asking::ask(&question, &session.output).await?,
                    false => session.output.remark(&format!("what was read with its consent {}", goes(days))),
                }
            }
        }
        let connection = response(client.disconnect(long_call(), connection, self.delete_history).await)?;
        session.output.remark(if self.delete_history {
            "disconnected, history deleted; `roster undo` takes that back within a day:"
        } else {
            "disconnected:"
        });
        let ended = show::print_connection(&connection, &mut session.output)?;
        let now = session.output.look.now.timestamp().into();
        let given = |grant: &Grant| grant.granted_at.min(connection.connected_at);
        let is_put_off = |grant: &Grant| self.delete_history && !is_just_given(given(grant), now);
        if let Some(sentence) = of_consent(connection.id, &grants, is_put_off) {
            session.output.remark(sentence);
        }
        Ok(ended)
    }
}

/// What becomes of what a consent gave, once it has ended.
fn goes(days: u32) -> String {
    match days {
        0 => "is deleted at once, as the platform's terms say".to_owned(),
        1 => "is deleted within a day, as the platform's terms say".to_owned(),
        days => format!("is deleted within {days} days, as the platform's terms say"),
    }
}

/// What becomes of the consent that fed a connection; `None` where there was none.
fn of_consent(connection: ConnectionId, grants: &[Grant], is_put_off: impl Fn(&Grant) -> bool) -> Option<&'static str> {
    let feeding: Vec<&Grant> = grants.iter().filter(|grant| grant.connections.contains(&connection)).collect();
    let last = feeding.iter().find(|grant| grant.connections.len() < 2);
    Some(match last {
        None if feeding.is_empty() => return None,
        None => "its consent stays: it feeds other connections too",
        Some(grant) if is_put_off(grant) => {
            "its consent feeds nothing else and is revoked at the provider in a day, unless that is taken back"
        }
        Some(_) => {
            "its consent feeds nothing else and is revoked at the provider as soon as that responds; \
             `roster tokens` shows it"
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn the_last_connection_takes_its_consent_along() {
        let [ours, other] = [3, 4].map(|byte| ConnectionId::from_bytes([byte; 5]));
        let check = |connections: Vec<ConnectionId>, part: Option<&str>| {
            let grants = [Grant { connections, ..samples::grants().swap_remove(0) }];
            match (of_consent(ours, &grants, |_| false), part) {
                (Some(sentence), Some(part)) => assert!(sentence.contains(part), "{sentence}"),
                (sentence, part) => assert_eq!(sentence, part),
            }
        };
        check(vec![ours], Some("revoked at the provider as soon as"));
        check(vec![ours, other], Some("stays"));
        check(vec![other], None);
        assert_eq!(of_consent(ours, &[], |_| false), None);
        let last = [Grant { connections: vec![ours], ..samples::grants().swap_remove(0) }];
        assert!(of_consent(ours, &last, |_| true).is_some_and(|sentence| sentence.contains("in a day")));
    }
}
