//! `roster notify`: shows this user's alerts on the desktop until it is stopped.
//!
//! A system daemon may not reach a user's session bus, so this runs in the session and
//! requests them from the daemon. An alert is acknowledged only after it was shown; if anything fails before that, it
//! stays pending and is returned again.

use std::convert::Infallible;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use futures::future::LocalBoxFuture;
use notify_rust::{Notification, Urgency};
use roster_protocol::notice::{Popup, popups};
use roster_protocol::text::{SENTENCE_CHARACTERS, clean};
use roster_protocol::transport::{ConnectError, within};
use roster_protocol::{RosterClient, RosterError};
use tokio::signal::unix::{SignalKind, signal};

use crate::client::{self, response, short_call};
use crate::output::{Ending, Failure};
use crate::session::Session;

/// `roster notify`
#[derive(Debug, clap::Args)]
pub struct Notify {}

impl Notify {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        let unheard = |error| RosterError::failed(format!("signals cannot be waited for: {error}"));
        let mut term = signal(SignalKind::terminate()).map_err(unheard)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(unheard)?;
        tokio::select! {
            _ = term.recv() => Ok(Ending::Done),
            _ = interrupt.recv() => Ok(Ending::Done),
            refused = watch(session.socket.as_deref(), Pace::default(), show_on_desktop) => match refused? {},
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
}

impl Default for Pace {
    fn default() -> Self {
        let [show, response, first_wait, longest_wait] = [3, 30, 5, 60].map(Duration::from_secs);
        Self { show, response, first_wait, longest_wait }
    }
}

/// Why a round ended early.
enum Trouble {
    Daemon(RosterError),
    Desktop(String),
    /// Nothing that waiting mends.
    Refused(RosterError),
}

/// Shows notices until the daemon refuses for good.
async fn watch(given: Option<&Path>, pace: Pace, show: Show) -> Result<Infallible, RosterError> {
    let mut daemon = Outage::new("the daemon", pace);
    let mut missing = Outage::new("the desktop", pace);
    let mut desktop = Desktop { show, limit: pace.show, handed: None };
    let mut client = None;
    loop {
        let round = round(given, pace, &mut client, &mut desktop, (&mut daemon, &mut missing)).await;
        let wait = match round {
            Ok(()) => continue,
            Err(Trouble::Refused(error)) => return Err(error),
            Err(Trouble::Desktop(error)) => missing.failed_again(&error),
            Err(Trouble::Daemon(error)) => {
                client = None;
                daemon.failed_again(&error.message)
            }
        };
        tokio::time::sleep(wait).await;
    }
}

/// Waits for notices once, shows them and says so.
async fn round(
    given: Option<&Path>,
    pace: Pace,
    client: &mut Option<RosterClient>,
    desktop: &mut Desktop,
    (daemon, missing): (&mut Outage, &mut Outage),
) -> Result<(), Trouble> {
    let client = match client {
        Some(client) => client,
        None => client.insert(connect(given).await?),
    };
    let shown = async |up_to| response(client.notices_shown(short_call(), up_to).await).map_err(Trouble::Daemon);
    if let Some(up_to) = desktop.settle().await.map_err(Trouble::Desktop)? {
        missing.ends();
        shown(up_to).await?;
    }
    let notices = response(client.notices(within(pace.response)).await).map_err(Trouble::Daemon)?;
    daemon.ends();
    for popup in popups(notices) {
        if let Some(up_to) = desktop.show(popup).await.map_err(Trouble::Desktop)? {
            missing.ends();
            shown(up_to).await?;
        }
    }
    Ok(())
}

async fn connect(given: Option<&Path>) -> Result<RosterClient, Trouble> {
    client::find(given).await.map(|(client, _)| client).map_err(|error| {
        let reported = client::unreachable(&error, given);
        match error {
            // Another program version must be started; systemd does that when this one ends with a failure.
            ConnectError::WrongVersion { .. } | ConnectError::NotPermitted { .. } => Trouble::Refused(reported),
            _ => Trouble::Daemon(reported),
        }
    })
}

/// How a popup is handed over; ready when it was taken.
type Show = fn(Popup) -> LocalBoxFuture<'static, Result<(), String>>;

/// Where popups go. One that was handed over and not confirmed is waited for, not handed over again:
/// a desktop that wakes up would show it as often as it was tried.
struct Desktop {
    show: Show,
    limit: Duration,
    /// The popup's last notice, and its confirmation.
    handed: Option<(u64, LocalBoxFuture<'static, Result<(), String>>)>,
}

impl Desktop {
    /// Hands a popup over; gives its last notice when it was taken in time.
    async fn show(&mut self, popup: Popup) -> Result<Option<u64>, String> {
        self.handed = Some((popup.up_to, (self.show)(popup)));
        self.settle().await
    }

    /// Waits, not for long, for what was handed over; `None` when nothing was.
    async fn settle(&mut self) -> Result<Option<u64>, String> {
        let Some((up_to, confirmation)) = &mut self.handed else { return Ok(None) };
        let up_to = *up_to;
        match tokio::time::timeout(self.limit, confirmation).await {
            Err(_) => Err(format!("no response within {} s", self.limit.as_secs_f32())),
            Ok(result) => {
                self.handed = None;
                result.map(|()| Some(up_to))
            }
        }
    }
}

/// Hands a popup to the session's notification service. Waits as long as that hangs.
fn show_on_desktop(popup: Popup) -> LocalBoxFuture<'static, Result<(), String>> {
    let mut notification = Notification::new();
    notification.appname("Roster").summary(&popup.title).body(&popup.body).urgency(Urgency::from(popup.urgency()));
    Box::pin(async move { notification.show_async().await.map(drop).map_err(|error| error.to_string()) })
}

/// A time in which one side does not respond. It is logged once when it begins and once when it ends.
struct Outage {
    of: &'static str,
    pace: Pace,
    /// The wait before the next try; `None` while all is well.
    wait: Option<Duration>,
}

impl Outage {
    fn new(of: &'static str, pace: Pace) -> Self {
        Self { of, pace, wait: None }
    }

    /// Notes one more failure; gives how long to wait before the next try.
    fn failed_again(&mut self, why: &str) -> Duration {
        let wait = match self.wait {
            Some(wait) => (wait * 2).min(self.pace.longest_wait),
            None => {
                log(&format!("{} cannot be reached, alerts wait: {why}", self.of));
                self.pace.first_wait
            }
        };
        self.wait = Some(wait);
        wait
    }

    fn ends(&mut self) {
        if self.wait.take().is_some() {
            log(&format!("{} is back", self.of));
        }
    }
}

/// One line for the session's log.
fn log(sentence: &str) {
    // A log that cannot be written is no reason to end.
    let _ = writeln!(std::io::stderr(), "roster notify: {}", clean(sentence, SENTENCE_CHARACTERS));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use roster_protocol::service::Notice;

    fn popup() -> Popup {
        popups(vec![Notice { number: 9, alert: samples::alert() }]).remove(0)
    }

    #[tokio::test]
    async fn what_hangs_is_waited_for_again_and_not_shown_twice() {
        // Takes a while each time; handed over twice it would take as long again.
        let slow: Show = |_| {
            Box::pin(async {
                tokio::time::sleep(Duration::from_millis(60)).await;
                Ok(())
            })
        };
        let mut desktop = Desktop { show: slow, limit: Duration::from_millis(40), handed: None };
        assert_eq!(desktop.settle().await, Ok(None));
        assert!(desktop.show(popup()).await.is_err_and(|error| error.contains("no response")));
        assert_eq!(desktop.settle().await, Ok(Some(9)));
        assert_eq!(desktop.settle().await, Ok(None));
    }

    #[tokio::test]
    async fn what_was_refused_is_handed_over_anew() {
        let refusing: Show = |_| Box::pin(async { Err("no bus".to_owned()) });
        let mut desktop = Desktop { show: refusing, limit: Duration::from_secs(9), handed: None };
        assert_eq!(desktop.show(popup()).await, Err("no bus".to_owned()));
        assert_eq!(desktop.settle().await, Ok(None));
    }

    #[test]
    fn waits_grow_to_a_limit_and_begin_anew_after_success() {
        let mut outage = Outage::new("nobody", Pace::default());
        let mut waits = || outage.failed_again("no bus").as_secs();
        assert_eq!([waits(), waits(), waits(), waits(), waits(), waits()], [5, 10, 20, 40, 60, 60]);
        outage.ends();
        assert_eq!(outage.failed_again("no bus").as_secs(), 5);
    }

    #[tokio::test]
    async fn without_a_daemon_it_keeps_trying_and_shows_nothing() {
        let nowhere = std::env::temp_dir().join("roster-no-such-directory/rosterd.sock");
        let moment = Duration::from_millis(1);
        let pace = Pace { first_wait: moment, longest_wait: moment, ..Pace::default() };
        let shown = watch(Some(&nowhere), pace, |_| panic!("there is nothing to show"));
        let ended = tokio::time::timeout(Duration::from_millis(100), shown).await;
        assert!(ended.is_err(), "it goes on");
    }
}
