//! What batches met, for the breaker; and the alerts and log lines about lanes that are down.

use roster_protocol::ids::ConnectionId;
use roster_protocol::time::Timestamp;

use crate::app::App;
use crate::decision::outages;
use crate::platforms::{Observation, PlatformError};
use crate::roster::Roster;
use crate::schedule::breaker::{Contact, FailedBatch};

type RunResult = Result<Observation, PlatformError>;

/// What a batch met, by the results of what was requested and of what could not be, because its token was not to be
/// had; `None` when nothing was met. Our own refusal to use a token is no response, that it could not be renewed is a
/// failure as any.
pub fn contact<'a>(
    requested: impl Iterator<Item = &'a RunResult>,
    unopened: impl Iterator<Item = &'a RunResult>,
) -> Option<Contact> {
    let is_failure =
        |result: &&RunResult| matches!(result, Err(PlatformError::Network { .. } | PlatformError::Unavailable { .. }));
    let mut met = None;
    for result in requested.chain(unopened.filter(is_failure)) {
        let (is_network, why) = match result {
            Err(error @ PlatformError::Network { .. }) => (true, error.to_string()),
            Err(error @ PlatformError::Unavailable { .. }) => (false, error.to_string()),
            // The config's, or one that is not requested.
            Err(PlatformError::Unconfigured { .. }) => continue,
            _ => return Some(Contact::Response),
        };
        let is_network = is_network && !matches!(met, Some(Contact::Nothing { is_network: false, .. }));
        met = Some(Contact::Nothing { is_network, why });
    }
    met
}

/// Lets the breaker know what a batch met. Returns whether its lane is down, or was until now.
pub fn batch_ended(app: &App, lane: &str, connections: &[ConnectionId], started_at: Timestamp, met: Contact) -> bool {
    let (now, dice) = (app.clock.now(), app.share());
    app.with_roster(|roster| {
        let was_down = roster.breaker.outage(lane).is_some();
        match met {
            Contact::Response => roster.breaker.responded(lane, now),
            Contact::Nothing { is_network, why } => {
                let in_lane = roster.in_lane(lane);
                let batch = FailedBatch { connections, in_lane, is_network, why, started_at, ended_at: now };
                roster.breaker.failed(lane, batch, dice);
            }
        }
        match roster.breaker.outage(lane) {
            Some(outage) if !was_down && outage.is_ours => {
                tracing::warn!(%lane, why = outage.why, "nothing can be reached from this host: look at its network");
            }
            Some(outage) if !was_down => tracing::warn!(%lane, why = outage.why, "a platform is down"),
            None if was_down => tracing::info!(%lane, "a platform that was down responds again"),
            _ => {}
        }
        note_network(app, roster);
        was_down || roster.breaker.outage(lane).is_some()
    })
}

/// Says that this host has no network while a lane is down for that reason, and that it has again.
fn note_network(app: &App, roster: &Roster) {
    let mut ours = roster.breaker.outages().filter(|(_, outage)| outage.is_ours);
    let why = ours.next().map(|(lane, outage)| {
        let since = roster.outage_in_words(lane, outage, &app.setup().config.sync.grid.zone, app.clock.now());
        format!("{since}: {}; look at its network, its name servers and its proxy", outage.why)
    });
    // The words of one outage do not change while it lasts.
    app.network_lost.send_if_modified(|known| {
        let is_news = known.is_some() != why.is_some();
        if is_news {
            *known = why;
        }
        is_news
    });
}

/// Opens and resolves the alerts about platforms that are down.
pub async fn report(app: &App) {
    if !app.look(outages::is_outdated) {
        return;
    }
    let reported = app
        .decide(|decision| {
            outages::follow(decision);
            Ok(())
        })
        .await;
    if let Err(error) = reported {
        tracing::warn!(%error, "the alerts about platforms that are down could not be stored");
    }
}

/// Ends the outages of lanes in which nothing is scheduled any more.
pub async fn forget_unused(app: &App) {
    let is_unused = app.look(|roster| roster.breaker.lanes().any(|lane| !roster.is_used(lane)));
    if !is_unused {
        return;
    }
    let was_down = app.with_roster(|roster| {
        let mut breaker = std::mem::take(&mut roster.breaker);
        let was_down = breaker.retain(|lane| roster.is_used(lane));
        roster.breaker = breaker;
        note_network(app, roster);
        was_down
    });
    if was_down {
        report(app).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platforms::Limit;

    #[test]
    fn any_response_is_one_and_our_outage_is_one_only_when_all_of_it_is() {
        let network = || Err(PlatformError::Network { what: "no route".to_owned() });
        let down = || Err(PlatformError::Unavailable { what: "503".to_owned() });
        let check = |results: &[Result<Observation, PlatformError>], expected: Option<Contact>| {
            assert_eq!(contact(results.iter(), [].iter()), expected, "{results:?}");
        };
        let nothing = |is_network, why: &str| Some(Contact::Nothing { is_network, why: why.to_owned() });
        check(&[], None);
        check(&[network(), network()], nothing(true, "no route"));
        check(&[network(), down()], nothing(false, "503"));
        check(&[down(), network()], nothing(false, "no route"));
        let unconfigured = || Err(PlatformError::Unconfigured { what: "no key".to_owned() });
        check(&[unconfigured()], None);
        check(&[unconfigured(), down()], nothing(false, "503"));
        assert_eq!(contact([].iter(), [down()].iter()), nothing(false, "503"));
        for response in [
            PlatformError::AccountGone { what: "gone".to_owned() },
            PlatformError::Unauthorized { what: "no".to_owned() },
            PlatformError::RateLimited { retry_after: None, of: Limit::Lane },
            PlatformError::Unexpected { what: "nonsense".to_owned() },
        ] {
            check(&[down(), Err(response.clone())], Some(Contact::Response));
            let unopened = [Err(response)];
            assert_eq!(contact([].iter(), unopened.iter()), None);
            assert_eq!(contact([down()].iter(), unopened.iter()), nothing(false, "503"));
        }
    }
}
