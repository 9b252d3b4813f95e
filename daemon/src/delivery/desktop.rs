//! Desktop notifications: the agents of users' sessions fetch them, or a daemon that runs in a session shows them.
//!
//! A delivery is pending until a desktop has shown it. The store keeps for each user up to which alert that user's
//! desktop has shown them, so that each user's agent shows each alert once. A daemon in a user's session shows alerts
//! itself only while that user has no agent.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use notify_rust::{Notification, Urgency};
use roster_protocol::alert::{AlertState, Severity};
use roster_protocol::error::RosterError;
use roster_protocol::notice::{Popup, popups};
use roster_protocol::service::Notice;
use roster_protocol::time::Timestamp;

use super::channels::SendError;
use crate::app::App;
use crate::decision::routes;
use crate::model::{Alert, DESKTOP, Delivery, DeliveryState};
use crate::roster::Roster;
use crate::roster::rows;
use crate::schedule::back_off;

/// The most notices in one response.
const PER_RESPONSE: usize = 50;
/// How long after its last call an agent still counts as present: it may be between two calls.
const AGENT_STAYS_MS: i64 = 60_000;
/// The timeout of a notification, in case the notification daemon hangs.
const SHOW_LIMIT: Duration = Duration::from_secs(3);
/// A delivery that no desktop has shown within this time is given up; users see that.
const GIVEN_UP_AFTER_MS: i64 = 24 * 3_600_000;

/// The alerts that a user's desktop has not shown yet; waits up to `timeout` for the first.
pub async fn notices(app: &App, uid: u32, timeout: Duration) -> Vec<Notice> {
    let _present = Present::announce(app, uid);
    let mut alerts = app.feed.watch_alerts();
    let found = alerts.wait_for(|_| !waiting_for(app, uid).is_empty());
    let _ = tokio::time::timeout(timeout, found).await;
    waiting_for(app, uid)
}

/// An agent's waiting call; its end is recorded even when the agent just disconnects.
struct Present<'a> {
    app: &'a App,
    uid: u32,
}

impl<'a> Present<'a> {
    fn announce(app: &'a App, uid: u32) -> Self {
        app.agents.lock().entry(uid).or_default().waiting += 1;
        Self { app, uid }
    }
}

impl Drop for Present<'_> {
    fn drop(&mut self) {
        let mut agents = self.app.agents.lock();
        if let Some(agent) = agents.get_mut(&self.uid) {
            agent.waiting = agent.waiting.saturating_sub(1);
            agent.left_at = self.app.clock.now();
        }
    }
}

fn waiting_for(app: &App, uid: u32) -> Vec<Notice> {
    let now = app.clock.now();
    app.look(|roster| {
        let shown = shown_to(roster, uid);
        let is_shown = |alert: &Alert| {
            alert.state == AlertState::Open && !alert.silenced && routes::of(roster, alert, &[]).include(DESKTOP)
        };
        let new = roster.alerts.range(shown + 1..).filter(|(_, alert)| is_shown(alert));
        new.take(PER_RESPONSE)
            .map(|(number, alert)| Notice { number: *number, alert: rows::alert(roster, alert, now) })
            .collect()
    })
}

/// The number up to which a user's desktop has shown alerts. A new user begins with the first that no desktop has
/// shown.
fn shown_to(roster: &Roster, uid: u32) -> u64 {
    let oldest = || roster.deliveries.on(DESKTOP).next();
    let begin = || oldest().map_or(roster.last_alert, |oldest| oldest.key.alert.saturating_sub(1));
    roster.desktop_shown.get(&uid).copied().unwrap_or_else(begin)
}

/// Records that a user's desktop has shown all alerts up to `number`.
///
/// # Errors
/// When it cannot be stored.
pub async fn shown(app: &App, uid: u32, number: u64) -> Result<(), RosterError> {
    // That the store cannot be written is shown all the same, once.
    if app.store.writable().is_err() {
        app.shown_unwritable(uid, number);
        return Ok(());
    }
    app.decide(move |decision| {
        let number = number.min(decision.roster.last_alert);
        if decision.roster.desktop_shown.get(&uid).is_some_and(|before| *before >= number) {
            return Ok(());
        }
        decision.commit.alerting.desktop_shown = Some((uid, number));
        decision.commit.alerting.deliveries.extend(delivered_up_to(decision.roster, number, decision.now));
        Ok(())
    })
    .await
}

/// This channel's pending deliveries of alerts up to a number, as they are once a desktop has shown them.
fn delivered_up_to(roster: &Roster, number: u64, now: Timestamp) -> impl Iterator<Item = Delivery> {
    let pending = roster.deliveries.on(DESKTOP).take_while(move |delivery| delivery.key.alert <= number);
    pending.map(move |delivery| Delivery {
        state: DeliveryState::Delivered,
        attempts: delivery.attempts + 1,
        next_at: None,
        last_error: None,
        delivered_at: Some(now),
        ..delivery.clone()
    })
}

/// Shows alerts on this daemon's own desktop, and gives up what no desktop showed, until the daemon ends.
/// `session` is whether the daemon runs in a user's session.
pub async fn run(app: Arc<App>, session: bool) {
    let uid = nix::unistd::Uid::effective().as_raw();
    let mut alerts = app.feed.watch_alerts();
    let mut handed = None;
    let mut failures = 0u32;
    let mut not_before = Timestamp(0);
    loop {
        let now = app.clock.now();
        give_up_old(&app, now).await;
        if session && now >= not_before && agent_gone_at(&app, uid).is_some_and(|gone_at| gone_at <= now) {
            match show_new(&app, uid, &mut handed).await {
                Ok(()) => {
                    failures = 0;
                    app.desktop_lost.send_if_modified(|lost| lost.take().is_some());
                }
                Err(error) => {
                    lose(&app, uid, &error);
                    if failures == 0 {
                        tracing::warn!(%error, "alerts cannot be shown on the desktop at present; they stay pending");
                    }
                    failures += 1;
                    not_before = now.plus_seconds(60 * back_off(failures, 1.0).0 as i64 / 30);
                }
            }
        }
        let wake_at = next_look(&app, session, uid, not_before);
        tokio::select! {
            () = app.ending.cancelled() => return,
            changed = alerts.changed() => if changed.is_err() { return },
            () = app.clock.sleep_until(wake_at) => {}
        }
    }
}

/// Says that the desktop is lost. One that has never shown an alert is none: a server has no desktop.
fn lose(app: &App, uid: u32, error: &str) {
    if !app.look(|roster| roster.desktop_shown.contains_key(&uid)) {
        return;
    }
    let why = format!(
        "this desktop shows no alerts at present: {error}; they wait for a day, and `roster alerts` lists them"
    );
    app.desktop_lost.send_if_modified(|lost| lost.replace(why).is_none());
}

/// When to look again without an event: never while nothing is pending.
fn next_look(app: &App, session: bool, uid: u32, not_before: Timestamp) -> Timestamp {
    let oldest = app.look(|roster| {
        let oldest = roster.deliveries.on(DESKTOP).next()?;
        roster.alerts.get(&oldest.key.alert).map(|alert| alert.opened_at)
    });
    let Some(oldest) = oldest else { return Timestamp(i64::MAX) };
    let given_up = Timestamp(oldest.0.saturating_add(GIVEN_UP_AFTER_MS + 1));
    let gone_at = agent_gone_at(app, uid).filter(|_| session);
    gone_at.map_or(given_up, |gone_at| gone_at.max(not_before).max(Timestamp(app.clock.now().0 + 1000)).min(given_up))
}

/// Since when a user has no agent, or from when the agent counts as gone; `None` while one waits.
fn agent_gone_at(app: &App, uid: u32) -> Option<Timestamp> {
    let agents = app.agents.lock();
    match agents.get(&uid) {
        None => Some(Timestamp(0)),
        Some(agent) if agent.waiting > 0 => None,
        Some(agent) => Some(Timestamp(agent.left_at.0.saturating_add(AGENT_STAYS_MS))),
    }
}

/// A popup under way: its last notice, and its confirmation. A popup that was not confirmed is awaited, not sent again:
/// a desktop that wakes up would show it once for each attempt.
type Handed = Option<(u64, BoxFuture<'static, Result<(), String>>)>;

async fn show_new(app: &App, uid: u32, handed: &mut Handed) -> Result<(), String> {
    settle(app, uid, handed).await?;
    let new = waiting_for(app, uid);
    let Some(up_to) = new.iter().map(|notice| notice.number).max() else { return Ok(()) };
    for popup in popups(new) {
        *handed = Some((popup.up_to, show(&popup)));
        settle(app, uid, handed).await?;
    }
    // Those that a group includes are done with as well.
    shown(app, uid, up_to).await.map_err(|error| error.to_string())
}

/// Waits up to the timeout for the popup that was sent, and records that it was shown.
async fn settle(app: &App, uid: u32, handed: &mut Handed) -> Result<(), String> {
    let Some((up_to, confirmation)) = handed else { return Ok(()) };
    let up_to = *up_to;
    let Ok(result) = tokio::time::timeout(SHOW_LIMIT, confirmation).await else {
        return Err("the notification daemon does not respond".to_owned());
    };
    *handed = None;
    result?;
    shown(app, uid, up_to).await.map_err(|error| error.to_string())
}

fn show(popup: &Popup) -> BoxFuture<'static, Result<(), String>> {
    let mut notification = Notification::new();
    let urgency = Urgency::from(popup.urgency());
    notification.appname("Roster").icon(popup.icon()).summary(&popup.title).body(&popup.body).urgency(urgency);
    Box::pin(async move {
        let shown = notification.show_async().await.map(drop);
        shown.map_err(|error| roster_protocol::text::clean(&error.to_string(), 200))
    })
}

/// Shows a test on this daemon's own desktop, or says who would show alerts.
///
/// # Errors
/// When nothing would.
pub async fn test(app: &App, session: bool) -> Result<String, SendError> {
    let agents = app.agents.lock().values().filter(|agent| agent.waiting > 0).count();
    if agents > 0 {
        return Ok(format!("{agents} desktops wait for alerts (`roster notify`)"));
    }
    let later = |why: String| SendError::Later { why, after: None };
    if !session {
        return Err(later("no desktop waits for alerts: run `roster notify` in a session".to_owned()));
    }
    let popup = Popup {
        title: "Roster: a test".to_owned(),
        body: "Alerts will be shown here.".to_owned(),
        severity: Severity::Info,
        up_to: 0,
        case: None,
        alerts: Vec::new(),
    };
    match tokio::time::timeout(SHOW_LIMIT, show(&popup)).await {
        Ok(Ok(())) => Ok("shown on the desktop".to_owned()),
        Ok(Err(why)) => Err(later(why)),
        Err(_) => Err(later("the notification daemon does not respond".to_owned())),
    }
}

/// Gives up deliveries after a day, so that none is pending forever; their alerts stay in the list.
async fn give_up_old(app: &App, now: Timestamp) {
    if app.look(|roster| given_up(roster, now).next().is_none()) {
        return;
    }
    let given_up = app
        .decide(|decision| {
            decision.commit.alerting.deliveries.extend(given_up(decision.roster, now));
            Ok(())
        })
        .await;
    if let Err(error) = given_up {
        tracing::warn!(%error, "old deliveries could not be given up");
    }
}

/// This channel's pending deliveries that no desktop showed in time, as they are once they are given up.
fn given_up(roster: &Roster, now: Timestamp) -> impl Iterator<Item = Delivery> {
    let is_old = move |delivery: &&Delivery| {
        let opened_at = roster.alerts.get(&delivery.key.alert).map(|alert| alert.opened_at);
        opened_at.is_none_or(|at| now.since(at) > GIVEN_UP_AFTER_MS)
    };
    roster.deliveries.on(DESKTOP).filter(is_old).map(|delivery| Delivery {
        state: DeliveryState::Dead,
        next_at: None,
        last_error: Some("no desktop took it within a day".to_owned()),
        ..delivery.clone()
    })
}

/// Whether this process runs in a user's session that could have a desktop.
pub fn has_session(bus_address: Option<&str>, runtime_dir: Option<&std::path::Path>) -> bool {
    bus_address.is_some_and(|address| !address.is_empty()) || runtime_dir.is_some_and(|dir| dir.join("bus").exists())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Commit, DeliveryKey, DeliveryKind, Loaded};
    use crate::roster::samples;

    /// Two alerts, each with deliveries on two channels.
    fn roster() -> Roster {
        let deliveries = [1, 2].into_iter().flat_map(|alert| {
            ["mail", DESKTOP].map(|channel| samples::delivery(alert, channel, DeliveryState::Pending))
        });
        Roster::new(Loaded { deliveries: deliveries.collect(), ..Loaded::default() }, Default::default())
    }

    fn commit_of(deliveries: Vec<Delivery>) -> Commit {
        let mut commit = Commit::default();
        commit.alerting.deliveries = deliveries;
        commit
    }

    fn left(roster: &Roster) -> Vec<(u64, &str)> {
        roster.deliveries.pending().map(|delivery| (delivery.key.alert, delivery.key.channel.as_str())).collect()
    }

    #[test]
    fn what_a_desktop_has_shown_is_still_on_its_way_elsewhere() {
        let mut roster = roster();
        let deliveries: Vec<Delivery> = delivered_up_to(&roster, 1, Timestamp(9)).collect();
        assert_eq!(
            deliveries.iter().map(|it| it.key.clone()).collect::<Vec<_>>(),
            [DeliveryKey::of(1, DESKTOP, DeliveryKind::Opened)]
        );
        roster.apply(&commit_of(deliveries));
        assert_eq!(left(&roster), [(2, DESKTOP), (1, "mail"), (2, "mail")]);
        assert_eq!(shown_to(&roster, 1000), 1, "the first that no desktop has shown is the second");
    }

    #[test]
    fn a_desktop_gives_up_only_its_own() {
        let mut roster = roster();
        // Their alerts are no longer open, so their deliveries are given up at once.
        let deliveries: Vec<Delivery> = given_up(&roster, Timestamp(9)).collect();
        roster.apply(&commit_of(deliveries));
        assert_eq!(left(&roster), [(1, "mail"), (2, "mail")]);
    }
}
