//! Asks an account's owner for consent from a shell: begins, waits, offers a choice, and reports the result.
//!
//! Nothing here is lost when it is stopped: the consent stays open in the daemon until it expires.

use std::future::pending;
use std::io::{self, IsTerminal};
use std::time::Duration;

use roster_protocol::service::LONGEST_WAIT;
use roster_protocol::transport::within;
use roster_protocol::{
    ConsentBegun, ConsentChoice, ConsentId, ConsentMethod, ConsentState, ConsentedConnection, ErrorKind, InfluencerId,
    RosterClient, RosterError,
};
use tokio::io::{AsyncBufReadExt, BufReader, Lines, Stdin};

use super::super::follow::reconnect;
use super::{choice, connected, guide};
use crate::client::{long_call, response};
use crate::consent::{PlainUrl, joined, scanned};
use crate::output::json;
use crate::output::table::Paint;
use crate::output::{Ending, Failure, Look, failure_text, while_read};
use crate::session::Session;

/// A consent that waits for the account's owner.
pub(super) struct PendingConsent<'a> {
    client: RosterClient,
    session: &'a mut Session,
    handle: Option<String>,
    no_wait: bool,
    begun: Option<ConsentBegun>,
    /// What a person types, where one sits before a terminal.
    lines: Option<Lines<BufReader<Stdin>>>,
}

/// How the waiting ended.
enum Settled {
    Done(Vec<ConsentedConnection>),
    /// No user was there to choose.
    Open(Vec<ConsentChoice>),
}

impl<'a> PendingConsent<'a> {
    pub(super) fn new(client: RosterClient, session: &'a mut Session, handle: Option<String>, no_wait: bool) -> Self {
        Self { client, session, handle, no_wait, begun: None, lines: None }
    }

    /// Begins a consent and, if the user waits, follows it to its end.
    pub(super) async fn begin(
        &mut self,
        influencer: String,
        platform: String,
        device: bool,
    ) -> Result<Ending, Failure> {
        let method = if device { ConsentMethod::Device } else { ConsentMethod::Redirect };
        let begun = self.client.consent_begin(long_call(), influencer, platform, method, self.handle.clone()).await;
        let begun = response(begun)?;
        if self.no_wait {
            let text = |look: &Look| {
                let code = code(&begun, &io::stdout(), look.paint);
                format!("{}\n{}\n", guide::guide(&begun, code.as_deref(), look), guide::next_steps(&begun))
            };
            self.session.output.print(|| json::consent::Begun::from(&begun), text)?;
            return Ok(Ending::Done);
        }
        let look = Look { paint: self.session.output.errors, now: self.session.output.look.now.clone() };
        let code = code(&begun, &io::stderr(), look.paint);
        self.listen();
        // Scripts that wait need the URL as well; stderr does not disturb them.
        self.session.output.aside(&guide::guide(&begun, code.as_deref(), &look));
        self.session.output.aside(&guide::waiting(&begun, self.lines.is_some(), &look));
        let id = begun.id;
        self.begun = Some(begun);
        self.follow(id).await
    }

    /// Finishes a consent with a pasted address.
    pub(super) async fn paste(&mut self, address: String) -> Result<Ending, Failure> {
        let id = response(self.client.consent_paste(long_call(), address).await)?;
        self.listen();
        self.follow(id).await
    }

    /// Finishes a consent that waits for a choice.
    pub(super) async fn finish(&mut self, id: ConsentId) -> Result<Ending, Failure> {
        self.follow(id).await
    }

    /// Assumes a person when both stdin and stderr are terminals.
    fn listen(&mut self) {
        if !self.session.output.is_json() && io::stdin().is_terminal() && io::stderr().is_terminal() {
            self.lines = Some(BufReader::new(tokio::io::stdin()).lines());
        }
    }

    async fn follow(&mut self, id: ConsentId) -> Result<Ending, Failure> {
        let stopped = self.stopped();
        let settled = tokio::select! {
            settled = while_read(async { Ok(self.settled(id).await?) }) => settled?,
            _ = tokio::signal::ctrl_c() => return Err(stopped.into()),
        };
        match settled {
            Settled::Open(choices) => {
                let influencer = self.influencer();
                let json = || json::consent::Choices::from(choices.as_slice());
                self.session.output.print(json, |look| choice::table(&choices, influencer, look.paint))?;
                self.session.output.remark(&choice::next_steps(&choices));
                Ok(Ending::Undecided)
            }
            Settled::Done(consented) => {
                for one in &consented {
                    self.session.output.aside_without_json(&guide::consented(one));
                }
                let connections = consented.into_iter().map(|one| one.connection).collect();
                let done = connected(&self.client, connections, !self.no_wait, self.session);
                tokio::select! {
                    ended = done => ended,
                    _ = tokio::signal::ctrl_c() => {
                        Err(RosterError::failed("stopped waiting for the first sync; the account is connected").into())
                    }
                }
            }
        }
    }

    /// What a user reads who stops the waiting.
    fn stopped(&self) -> RosterError {
        match &self.begun {
            Some(begun) => {
                let until = guide::until(begun, &self.session.output.look);
                RosterError::failed(format!("stopped waiting; the consent stays open until {until}"))
                    .hint(guide::next_steps(begun))
            }
            None => RosterError::failed("stopped waiting; the consent stays open until it expires")
                .hint("run the same again to go on"),
        }
    }

    fn influencer(&self) -> Option<InfluencerId> {
        self.begun.as_ref().map(|begun| begun.influencer)
    }

    /// Waits until the consent is settled and the user has chosen.
    async fn settled(&mut self, mut id: ConsentId) -> Result<Settled, RosterError> {
        let mut known = None;
        loop {
            let state = match known.take() {
                Some(state) => state,
                None => match self.state_or_line(id).await? {
                    Heard::State(state) => state,
                    Heard::Line(line) => {
                        id = self.pasted(&line).await.unwrap_or(id);
                        continue;
                    }
                },
            };
            match state {
                ConsentState::Waiting | ConsentState::Finishing => {}
                ConsentState::Done(consented) => return Ok(Settled::Done(consented)),
                ConsentState::Failed(error) => return Err(failed(error)),
                ConsentState::Choose(choices) => match self.choose(id, &choices).await? {
                    Some(state) => known = Some(state),
                    None => return Ok(Settled::Open(choices)),
                },
            }
        }
    }

    /// The next state, or a line that was typed meanwhile.
    async fn state_or_line(&mut self, id: ConsentId) -> Result<Heard, RosterError> {
        let limit = LONGEST_WAIT + Duration::from_secs(5);
        let heard = tokio::select! {
            state = self.client.consent_state(within(limit), id) => response(state).map(Heard::State),
            line = next_line(&mut self.lines) => return Ok(Heard::Line(line)),
        };
        match heard {
            Err(error) if error.kind == ErrorKind::Unreachable => {
                // The consent outlives the daemon that began it.
                self.client = reconnect(self.session).await?;
                Ok(Heard::State(ConsentState::Waiting))
            }
            heard => heard,
        }
    }

    /// Tries a typed line as the pasted address.
    async fn pasted(&mut self, line: &str) -> Option<ConsentId> {
        let address = joined(line);
        if address.is_empty() {
            return None;
        }
        match response(self.client.consent_paste(long_call(), address).await) {
            Ok(id) => Some(id),
            Err(error) => {
                self.complain(&error);
                None
            }
        }
    }

    /// Lets the user choose; `None` when no user is there.
    async fn choose(&mut self, id: ConsentId, choices: &[ConsentChoice]) -> Result<Option<ConsentState>, RosterError> {
        if let Some(handle) = self.handle.take() {
            return response(self.client.consent_choose(long_call(), id, vec![handle]).await).map(Some);
        }
        while self.lines.is_some() {
            let table = choice::table(choices, self.influencer(), self.session.output.errors);
            self.session.output.aside(&format!("\n{table}Which? A number, several, or all:\n"));
            let Some(line) = typed(&mut self.lines).await else { break };
            let ids = match choice::chosen(&line, choices) {
                Ok(ids) => ids,
                Err(error) => {
                    self.session.output.remark(&error);
                    continue;
                }
            };
            match response(self.client.consent_choose(long_call(), id, ids).await) {
                Ok(state) => return Ok(Some(state)),
                Err(error) if matches!(error.kind, ErrorKind::Conflict | ErrorKind::Usage) => self.complain(&error),
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    fn complain(&self, error: &RosterError) {
        self.session.output.aside(&failure_text(error, self.session.output.errors));
    }
}

/// What arrived first.
enum Heard {
    State(ConsentState),
    Line(String),
}

/// A consent that failed is a failure of this command, whatever the kind of error.
fn failed(error: RosterError) -> RosterError {
    match error.kind.exit_code() {
        1 => error,
        _ => RosterError { kind: ErrorKind::Failed, ..error },
    }
}

/// The next line that is typed; never, where no user types.
async fn next_line(lines: &mut Option<Lines<BufReader<Stdin>>>) -> String {
    match typed(lines).await {
        Some(line) => line,
        None => pending().await,
    }
}

/// The next line that is typed; `None` where no user types, or stdin has ended.
async fn typed(lines: &mut Option<Lines<BufReader<Stdin>>>) -> Option<String> {
    let line = lines.as_mut()?.next_line().await.ok().flatten();
    if line.is_none() {
        *lines = None;
    }
    line
}

/// The QR code of the URL for a stream, where that is a terminal.
fn code(begun: &ConsentBegun, stream: &impl IsTerminal, paint: Paint) -> Option<String> {
    let url = PlainUrl::checked(scanned(begun))?;
    let size = stream.is_terminal().then(crossterm::terminal::size)?.ok()?;
    guide::code(url.as_str(), size, paint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_consent_ends_with_one() {
        for kind in [ErrorKind::Failed, ErrorKind::NotPermitted, ErrorKind::NotFound, ErrorKind::Usage] {
            let error = failed(RosterError::new(kind, "denied").hint("again"));
            assert_eq!((error.kind.exit_code(), error.message.as_str()), (1, "denied"), "{kind:?}");
        }
        assert_eq!(failed(RosterError::conflict("x")).kind, ErrorKind::Conflict);
    }
}
