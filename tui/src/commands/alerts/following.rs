//! `roster alerts --follow`: prints what is there, then each alert that opens, is acknowledged or resolves.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::pending;
use std::pin::pin;

use roster_protocol::{Alert, AlertId, AlertState, Event, EventBatch, RosterClient};

use super::{Alerts, Feed, line};
use crate::output::json;
use crate::output::{Failure, Output};
use crate::session::Session;
use crate::terminal::notices::ForCommand;

/// What was printed, or was there before and is not to be.
#[derive(Default)]
struct Printed {
    states: HashMap<AlertId, AlertState>,
}

/// Follows until the daemon refuses or the output ends.
pub(super) async fn follow<T>(
    alerts: &Alerts,
    mut feed: Feed,
    session: &mut Session,
    notices: &mut Option<ForCommand>,
) -> Result<T, Failure> {
    let mut printed = Printed::default();
    let mut before = Printed::default();
    for alert in listed(alerts, &feed.client).await? {
        match alerts.new {
            // An event of it may still follow, and is news then.
            true => _ = before.states.insert(alert.id, alert.state),
            false => _ = print(alerts, &alert, &mut printed, &mut session.output)?,
        }
    }
    loop {
        let batch = next(&mut feed, session, notices).await?;
        let mut changed = Vec::new();
        if batch.reload {
            changed = listed(alerts, &feed.client).await?;
            changed.retain(|alert| before.states.get(&alert.id) != Some(&alert.state));
        }
        for event in batch.events {
            if let Event::AlertChanged(alert) = event {
                changed.push(*alert);
            }
        }
        for alert in changed {
            let is_printed = print(alerts, &alert, &mut printed, &mut session.output)?;
            // One that is over takes its notice back.
            if let Some(notices) = notices.as_mut().filter(|_| is_printed || alert.state != AlertState::Open) {
                notices.changed(&alert);
            }
        }
    }
}

/// Waits for events, and writes notices meanwhile.
async fn next(feed: &mut Feed, session: &Session, notices: &mut Option<ForCommand>) -> Result<EventBatch, Failure> {
    let mut next = pin!(feed.next(session));
    tokio::select! {
        batch = &mut next => Ok(batch?),
        never = notify(notices) => match never {},
    }
}

async fn notify(notices: &mut Option<ForCommand>) -> Infallible {
    match notices {
        Some(notices) => notices.run().await,
        None => pending().await,
    }
}

/// What there is, oldest first.
async fn listed(alerts: &Alerts, client: &RosterClient) -> Result<Vec<Alert>, Failure> {
    let mut rows = alerts.read(client).await?.rows;
    rows.reverse();
    Ok(rows)
}

/// Prints an alert that is new or in a new state; returns whether it did.
fn print(alerts: &Alerts, alert: &Alert, printed: &mut Printed, output: &mut Output) -> Result<bool, Failure> {
    let is_news = printed.states.insert(alert.id, alert.state) != Some(alert.state);
    let is_wanted = is_news && alerts.wants(alert);
    if is_wanted {
        output.print(|| json::events::Alert::from(alert), |look| line(alert, look))?;
    }
    Ok(is_wanted)
}
