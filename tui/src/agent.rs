//! `roster notify`: shows this user's alerts on the desktop until it is stopped.
//!
//! A system daemon may not reach a user's session bus, so this runs in the session and
//! requests them from the daemon. A notice is confirmed only after it was shown; if anything fails before that, it
//! stays pending and is returned again. A popup is taken off when its alerts end, replaced when one grows, and its button
//! acknowledges them.

mod board;
mod desktop;
mod link;
mod outage;

use std::collections::HashSet;
use std::convert::Infallible;
use std::path::Path;
use std::time::Duration;

use roster_protocol::notice::{Popup, popups};
use roster_protocol::service::{Notice, PAGE_ROWS};
use roster_protocol::{Alert, AlertId, AlertState, Cursor, ErrorKind, Event, EventBatch, RosterClient, RosterError};
use tokio::signal::unix::{SignalKind, signal};

use crate::client::{response, short_call};
use crate::output::{Ending, Failure};
use crate::session::Session;
use board::Board;
use desktop::{Desktop, Signal};
use link::{Link, connect};
use outage::{Outage, log};

/// `roster notify`
#[derive(Debug, clap::Args)]
pub struct Notify {}

impl Notify {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        let unheard = |error| RosterError::failed(format!("signals cannot be waited for: {error}"));
        let mut term = signal(SignalKind::terminate()).map_err(unheard)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(unheard)?;
        let mut agent = Agent::new(session.socket.as_deref(), Pace::default());
        tokio::select! {
            _ = term.recv() => Ok(Ending::Done),
            _ = interrupt.recv() => Ok(Ending::Done),
            refused = agent.watch() => match refused? {},
        }
    }
}

/// How long things may take, as values so that tests need no real seconds.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// For the desktop to take one popup; one that hangs is never waited for.
    pub show: Duration,
    /// For the daemon's response: longer than it holds a call.
    pub response: Duration,
    /// Between the first failure and the next try.
    pub first_wait: Duration,
    /// Between later tries; each wait is twice the one before.
    pub longest_wait: Duration,
    /// Between two requests for events: what happens meanwhile arrives together.
    pub gather: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        let [show, response, first_wait, longest_wait, gather] = [3, 30, 5, 60, 1].map(Duration::from_secs);
        Self { show, response, first_wait, longest_wait, gather }
    }
}

/// Why a round ended early.
enum Trouble {
    Daemon(RosterError),
    Desktop(String),
    /// Nothing that waiting mends.
    Refused(RosterError),
}

struct Agent<'a> {
    given: Option<&'a Path>,
    pace: Pace,
    link: Option<Link>,
    desktop: Desktop,
    board: Board,
    /// Acknowledged on the desktop; the daemon does not know yet.
    acknowledged: Vec<AlertId>,
    daemon: Outage,
    missing: Outage,
}

impl<'a> Agent<'a> {
    fn new(given: Option<&'a Path>, pace: Pace) -> Self {
        Self {
            given,
            pace,
            link: None,
            desktop: Desktop::new(pace.show),
            board: Board::default(),
            acknowledged: Vec::new(),
            daemon: Outage::new("the daemon", pace),
            missing: Outage::new("the desktop", pace),
        }
    }

    /// Shows notices until the daemon refuses for good.
    async fn watch(&mut self) -> Result<Infallible, RosterError> {
        loop {
            let wait = match self.round().await {
                Ok(()) => continue,
                Err(Trouble::Refused(error)) => return Err(error),
                Err(Trouble::Desktop(error)) => {
                    // What is on it is compared once it is back.
                    self.link = None;
                    self.missing.failed_again(&error)
                }
                Err(Trouble::Daemon(error)) => {
                    self.link = None;
                    self.daemon.failed_again(&error.message)
                }
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// Waits for the next thing that happens at the daemon or on the desktop, and acts on it.
    async fn round(&mut self) -> Result<(), Trouble> {
        let client = self.client().await?;
        let settled = self.desktop.settle().await;
        self.handed(&client, settled).await?;
        self.acknowledge(&client).await?;
        let Some(link) = &mut self.link else { return Ok(()) };
        tokio::select! {
            notices = &mut link.notices => {
                link.await_notices(self.pace);
                self.daemon.ends();
                self.notices(&client, notices.map_err(Trouble::Daemon)?).await
            }
            batch = &mut link.events => {
                let batch = batch.map_err(Trouble::Daemon)?;
                link.await_events(self.pace, batch.next);
                self.happened(&client, batch).await
            }
            signal = self.desktop.signal() => {
                self.signalled(signal);
                Ok(())
            }
        }
    }

    /// The connection to the daemon; a new one begins by comparing what is on the desktop.
    async fn client(&mut self) -> Result<RosterClient, Trouble> {
        if let Some(link) = &self.link {
            return Ok(link.client.clone());
        }
        let client = connect(self.given).await?;
        let newest = response(client.events_since(short_call(), Cursor::default()).await).map_err(Trouble::Daemon)?;
        self.compare(&client).await?;
        self.link = Some(Link::new(client.clone(), self.pace, newest.next));
        Ok(client)
    }

    async fn notices(&mut self, client: &RosterClient, notices: Vec<Notice>) -> Result<(), Trouble> {
        let Some(up_to) = notices.iter().map(|notice| notice.number).max() else { return Ok(()) };
        for popup in popups(self.board.open(notices)) {
            self.show(client, popup).await?;
        }
        // Those that ended before they were shown, or that a group includes, are done with as well.
        confirm(client, up_to).await
    }

    async fn show(&mut self, client: &RosterClient, popup: Popup) -> Result<(), Trouble> {
        let replaced = self.board.replaced_by(&popup);
        let result = self.desktop.show(popup, replaced).await;
        self.handed(client, result).await
    }

    /// Notes what the desktop has taken, and says so.
    async fn handed(
        &mut self,
        client: &RosterClient,
        result: Result<Option<(u32, Popup)>, String>,
    ) -> Result<(), Trouble> {
        let Some((id, popup)) = result.map_err(Trouble::Desktop)? else { return Ok(()) };
        self.missing.ends();
        let up_to = popup.up_to;
        for id in self.board.add(id, popup) {
            self.desktop.close(id).await.map_err(Trouble::Desktop)?;
        }
        confirm(client, up_to).await
    }

    async fn happened(&mut self, client: &RosterClient, batch: EventBatch) -> Result<(), Trouble> {
        if batch.reload {
            return self.compare(client).await;
        }
        for alert in newest_of_each(batch.events) {
            if !is_shown(&alert) {
                self.ended(alert.id).await?;
            } else if let Some(popup) = self.board.changed(&alert) {
                self.show(client, popup).await?;
            }
        }
        Ok(())
    }

    /// Takes off what ended while no event arrived.
    async fn compare(&mut self, client: &RosterClient) -> Result<(), Trouble> {
        for id in self.board.alerts() {
            let is_shown = match response(client.alert(short_call(), id.to_string()).await) {
                Ok(alert) => is_shown(&alert),
                Err(error) if error.kind == ErrorKind::NotFound => false,
                Err(error) => return Err(Trouble::Daemon(error)),
            };
            if !is_shown {
                self.ended(id).await?;
            }
        }
        Ok(())
    }

    async fn ended(&mut self, alert: AlertId) -> Result<(), Trouble> {
        match self.board.ended(alert) {
            Some(id) => self.desktop.close(id).await.map_err(Trouble::Desktop),
            None => Ok(()),
        }
    }

    fn signalled(&mut self, signal: Signal) {
        match signal {
            Signal::Acknowledged(id) => self.acknowledged.extend(self.board.alerts_of(id)),
            Signal::Closed(id) => self.board.closed(id),
            Signal::Gone => {
                self.board.clear();
                self.desktop.leave();
            }
        }
    }

    /// Passes on what users acknowledged; a daemon that is gone gets it later.
    async fn acknowledge(&mut self, client: &RosterClient) -> Result<(), Trouble> {
        if self.acknowledged.is_empty() {
            return Ok(());
        }
        for some in self.acknowledged.chunks(PAGE_ROWS as usize) {
            match response(client.acknowledge(short_call(), some.to_vec(), None).await) {
                Err(error) if error.kind == ErrorKind::Unreachable => return Err(Trouble::Daemon(error)),
                Err(error) => log(&format!("an alert was not acknowledged: {}", error.message)),
                Ok(_) => {}
            }
        }
        self.acknowledged.clear();
        Ok(())
    }
}

/// The alerts that changed, each as it is by now: one that grows by hundreds of accounts has its popup replaced once.
fn newest_of_each(events: Vec<Event>) -> Vec<Alert> {
    let mut seen = HashSet::new();
    let changed = events.into_iter().rev().filter_map(|event| match event {
        Event::AlertChanged(alert) if seen.insert(alert.id) => Some(*alert),
        _ => None,
    });
    let mut newest: Vec<Alert> = changed.collect();
    newest.reverse();
    newest
}

/// Whether an alert has a popup: while it is open, and unless the alert of a group has one for it.
fn is_shown(alert: &Alert) -> bool {
    alert.state == AlertState::Open && alert.group.is_none()
}

async fn confirm(client: &RosterClient, up_to: u64) -> Result<(), Trouble> {
    response(client.notices_shown(short_call(), up_to).await).map_err(Trouble::Daemon)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_alert_that_changed_often_the_newest_is_shown() {
        let changed = |id: u8, members: u64| {
            let alert = Alert { id: AlertId::from_bytes([id; 5]), members, ..crate::samples::alert() };
            Event::AlertChanged(Box::new(alert))
        };
        let newest = newest_of_each(vec![changed(1, 6), changed(2, 0), changed(1, 7), changed(3, 0), changed(1, 8)]);
        let shown: Vec<(u8, u64)> = newest.iter().map(|alert| (alert.id.0[0], alert.members)).collect();
        assert_eq!(shown, [(2, 0), (3, 0), (1, 8)]);
    }

    #[tokio::test]
    async fn without_a_daemon_it_keeps_trying() {
        let nowhere = std::env::temp_dir().join("roster-no-such-directory/rosterd.sock");
        let moment = Duration::from_millis(1);
        let pace = Pace { first_wait: moment, longest_wait: moment, ..Pace::default() };
        let mut agent = Agent::new(Some(&nowhere), pace);
        let ended = tokio::time::timeout(Duration::from_millis(100), agent.watch()).await;
        assert!(ended.is_err(), "it goes on");
    }
}
