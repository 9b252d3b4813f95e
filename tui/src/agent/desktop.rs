//! The session's notification service, over D-Bus: the Desktop Notifications Specification 1.2.
//!
//! This is zbus and not notify-rust, which the daemon uses: waiting for an action there loses one that arrives right after
//! another signal (its token, as the specification has it), panics when the bus ends, and takes a connection for each
//! popup. Here one connection shows all popups and hears all their signals.

use std::collections::HashMap;
use std::future::pending;
use std::time::Duration;

use futures::StreamExt;
use futures::future::LocalBoxFuture;
use futures::stream::{LocalBoxStream, once, select};
use roster_protocol::notice::Popup;
use zbus::Variant;

/// The action's key, and the button's label.
const ACKNOWLEDGE: [&str; 2] = ["ack", "Acknowledge"];

#[zbus::proxy(
    interface = "org.freedesktop.Notifications",
    default_service = "org.freedesktop.Notifications",
    default_path = "/org/freedesktop/Notifications"
)]
trait Notifications {
    #[expect(clippy::too_many_arguments, reason = "the specification's")]
    fn notify(
        &self,
        app_name: &str,
        replaces_id: u32,
        app_icon: &str,
        summary: &str,
        body: &str,
        actions: &[&str],
        hints: HashMap<&str, Variant<'_>>,
        expire_timeout: i32,
    ) -> zbus::Result<u32>;
    fn close_notification(&self, id: u32) -> zbus::Result<()>;
    fn get_capabilities(&self) -> zbus::Result<Vec<String>>;
    #[zbus(signal)]
    fn action_invoked(&self, id: u32, action_key: String) -> zbus::Result<()>;
    #[zbus(signal)]
    fn notification_closed(&self, id: u32, reason: u32) -> zbus::Result<()>;
}

/// What the desktop reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    /// A user acknowledges what the popup shows.
    Acknowledged(u32),
    /// The popup is no longer there.
    Closed(u32),
    /// The service ended or is another one now; its popups are gone.
    Gone,
}

/// A service that responds.
#[derive(Clone)]
struct Service {
    notifications: NotificationsProxy<'static>,
    has_actions: bool,
}

type Signals = LocalBoxStream<'static, Signal>;
/// The popup's id, and the connection when a new one was made.
type Shown = Result<(u32, Option<(Service, Signals)>), String>;

/// Where popups are shown. One that was handed over and not confirmed is waited for, not handed over again:
/// a desktop that wakes up would show it as often as it was tried.
pub(super) struct Desktop {
    /// For the desktop to take one popup; one that hangs is never waited for.
    limit: Duration,
    bus: Option<(Service, Signals)>,
    handed: Option<(Popup, LocalBoxFuture<'static, Shown>)>,
}

impl Desktop {
    pub fn new(limit: Duration) -> Self {
        Self { limit, bus: None, handed: None }
    }

    /// Hands a popup over, in place of an earlier one unless that is 0; gives it with its id when it was taken in time.
    pub async fn show(&mut self, popup: Popup, replaces: u32) -> Result<Option<(u32, Popup)>, String> {
        let service = self.bus.as_ref().map(|(service, _)| service.clone());
        let shown = show(service, popup.clone(), replaces);
        self.hand(popup, Box::pin(shown)).await
    }

    async fn hand(
        &mut self,
        popup: Popup,
        shown: LocalBoxFuture<'static, Shown>,
    ) -> Result<Option<(u32, Popup)>, String> {
        self.handed = Some((popup, shown));
        self.settle().await
    }

    /// Waits, not for long, for what was handed over; `None` when nothing was.
    pub async fn settle(&mut self) -> Result<Option<(u32, Popup)>, String> {
        let Some((_, confirmation)) = &mut self.handed else { return Ok(None) };
        let Ok(result) = tokio::time::timeout(self.limit, confirmation).await else {
            return Err(self.silence());
        };
        let popup = self.handed.take().map(|(popup, _)| popup);
        match result {
            Ok((id, bus)) => {
                self.bus = bus.or_else(|| self.bus.take());
                Ok(popup.map(|popup| (id, popup)))
            }
            Err(error) => {
                self.leave();
                Err(error)
            }
        }
    }

    /// Takes a popup off; one that is gone already is no error.
    pub async fn close(&mut self, id: u32) -> Result<(), String> {
        let Some((service, _)) = &self.bus else { return Ok(()) };
        match tokio::time::timeout(self.limit, service.notifications.close_notification(id)).await {
            Ok(Ok(()) | Err(zbus::Error::MethodError(..))) => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(self.silence()),
        }
    }

    /// Waits for what the desktop reports.
    pub async fn signal(&mut self) -> Signal {
        match &mut self.bus {
            Some((_, signals)) => signals.next().await.unwrap_or(Signal::Gone),
            None => pending().await,
        }
    }

    /// Gives the connection up; the next popup makes another.
    pub fn leave(&mut self) {
        self.bus = None;
    }

    fn silence(&self) -> String {
        format!("no response within {} s", self.limit.as_secs_f32())
    }
}

/// Shows a popup. Waits as long as the desktop hangs.
async fn show(service: Option<Service>, popup: Popup, replaces: u32) -> Shown {
    let (service, bus) = match service {
        Some(service) => (service, None),
        None => {
            let (service, signals) = connect().await.map_err(|error| error.to_string())?;
            (service.clone(), Some((service, signals)))
        }
    };
    let actions = if service.has_actions { &ACKNOWLEDGE[..] } else { &[] };
    let urgency = u8::try_from(popup.urgency()).unwrap_or(1);
    let hints = HashMap::from([("urgency", Variant::U8(urgency))]);
    let Popup { title, body, .. } = &popup;
    // −1: it stays for as long as the desktop shows popups of its urgency.
    let id = service.notifications.notify("Roster", replaces, popup.icon(), title, body, actions, hints, -1).await;
    Ok((id.map_err(|error| error.to_string())?, bus))
}

/// Connects to the session's bus, and listens to the service before anything is shown.
async fn connect() -> zbus::Result<(Service, Signals)> {
    let connection = zbus::Connection::session().await?;
    let notifications = NotificationsProxy::new(&connection).await?;
    // The first request starts a service that is started on demand: what its owner does later is news.
    let capabilities = notifications.get_capabilities().await.unwrap_or_default();
    let has_actions = capabilities.iter().any(|capability| capability == "actions");
    let invoked = notifications.receive_action_invoked().await?.filter_map(async |invoked| {
        let arguments = invoked.args().ok()?;
        (arguments.action_key == ACKNOWLEDGE[0]).then_some(Signal::Acknowledged(arguments.id))
    });
    let closed = notifications.receive_notification_closed().await?;
    let closed = closed.filter_map(async |closed| Some(Signal::Closed(closed.args().ok()?.id)));
    let owners = notifications.inner().receive_owner_changed().await?.map(|_| Signal::Gone);
    let ended = once(async { Signal::Gone });
    let signals = select(select(invoked, closed), owners).chain(ended).boxed_local();
    Ok((Service { notifications, has_actions }, signals))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use roster_protocol::service::Notice;

    fn popup() -> Popup {
        Popup::of(&Notice { number: 9, alert: samples::alert() })
    }

    #[tokio::test]
    async fn what_hangs_is_waited_for_again_and_not_shown_twice() {
        let mut desktop = Desktop::new(Duration::from_millis(40));
        assert_eq!(desktop.settle().await, Ok(None));
        // Handed over twice it would take as long again.
        let slow = Box::pin(async {
            tokio::time::sleep(Duration::from_millis(60)).await;
            Ok((5, None))
        });
        let shown = desktop.hand(popup(), slow).await;
        assert!(shown.is_err_and(|error| error.contains("no response")));
        assert_eq!(desktop.settle().await, Ok(Some((5, popup()))));
        assert_eq!(desktop.settle().await, Ok(None));
    }

    #[tokio::test]
    async fn what_was_refused_is_handed_over_anew() {
        let mut desktop = Desktop::new(Duration::from_secs(9));
        let refused = Box::pin(async { Err("no bus".to_owned()) });
        assert_eq!(desktop.hand(popup(), refused).await, Err("no bus".to_owned()));
        assert_eq!(desktop.settle().await, Ok(None));
    }
}
