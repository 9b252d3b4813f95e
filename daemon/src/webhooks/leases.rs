//! Keeps a subscription to each account whose platform has a hub, while the hub can reach us: begun when the account is
//! known, renewed when half of it is over, asked for again at another address. Sleeps until the next of them; no polling.
//!
//! A subscription that nothing wants any more is forgotten: the hub gets 410 for what it still sends, and it ends.

use std::sync::Arc;

use futures::StreamExt;
use futures::stream;
use roster_protocol::ids::ConnectionId;
use roster_protocol::text::{SENTENCE_CHARACTERS, clean};
use roster_protocol::time::Timestamp;
use zeroize::Zeroizing;

use crate::app::App;
use crate::decision::lease::{self, Ticket};
use crate::http_client::Route;
use crate::model::Lease;
use crate::platforms::webhook::Hub;
use crate::schedule::gate::Priority;
use crate::secret::Secret;
use crate::secret::vault::{SealingContext, Vault};
use crate::store::StoreState;

/// Requests to hubs at a time.
const AT_ONCE: usize = 4;
/// How many subscriptions one decision begins.
const BEGUN_TOGETHER: usize = 256;
/// 128 bits: an address cannot be guessed. A secret has twice as many.
const TOKEN_BYTES: usize = 16;
/// When the listener is looked for again while its port is taken, and what could not be done is tried again at the
/// earliest.
const AGAIN_S: i64 = 60;

/// Keeps subscriptions until the end.
pub async fn run(app: Arc<App>) {
    let (mut store, mut setup) = (app.store.watch_state(), app.watch_setup());
    app.wait_until_loaded().await;
    loop {
        let writable = *store.borrow_and_update() == StoreState::Working;
        setup.mark_unchanged();
        let following = async {
            match (writable, reachable(&app)) {
                (false, _) | (true, Reach::Never) => Timestamp(i64::MAX),
                (true, Reach::NotNow) => app.clock.now().plus_seconds(AGAIN_S),
                (true, Reach::At(base)) => follow(&app, &base).await,
            }
        };
        let wake_at = tokio::select! {
            () = app.ending.cancelled() => return,
            wake_at = following => wake_at,
        };
        tokio::select! {
            () = app.ending.cancelled() => return,
            changed = store.changed() => if changed.is_err() { return },
            changed = setup.changed() => if changed.is_err() { return },
            () = app.hubs.notified() => {}
            () = app.clock.sleep_until(wake_at) => {}
        }
    }
}

/// Where hubs reach the listener.
enum Reach {
    At(String),
    /// The port is taken.
    NotNow,
    /// The operator set no public URL, or no listener.
    Never,
}

fn reachable(app: &App) -> Reach {
    let setup = app.setup();
    match (&setup.config.http.public_url, setup.config.http.listen, app.consents.listens_at()) {
        // A hub elsewhere cannot reach this machine's loopback; one behind the gateway may be here.
        (Some(url), ..) if url.scheme() != "https" && setup.config.sync.gateway.is_none() => Reach::Never,
        (Some(url), Some(_), Some(_)) => Reach::At(url.as_str().trim_end_matches('/').to_owned()),
        (Some(_), Some(_), None) => Reach::NotNow,
        _ => Reach::Never,
    }
}

/// Does what is due, and says when the next is.
async fn follow(app: &Arc<App>, base: &str) -> Timestamp {
    tidy(app).await;
    begin(app).await;
    let now = app.clock.now();
    let due = app.look(|roster| {
        let due = roster.webhooks.leases().filter(|lease| due_at(lease, base) <= now);
        due.filter_map(|lease| Some((lease.clone(), hub_of(roster, lease)?))).collect::<Vec<_>>()
    });
    stream::iter(due)
        .for_each_concurrent(AT_ONCE, |(lease, (slug, route, hub))| async move {
            let address = format!("{base}/webhooks/{slug}/hub/{}", lease.token);
            subscribe(app, lease, address, route, hub).await;
        })
        .await;
    let next = app.look(|roster| roster.webhooks.leases().map(|lease| due_at(lease, base)).min());
    // What could not be done now is not tried again at once.
    next.map_or(Timestamp(i64::MAX), |next| next.max(now.plus_seconds(AGAIN_S)))
}

/// One that sends to another address is asked for again.
fn due_at(lease: &Lease, base: &str) -> Timestamp {
    let moved = !lease.address.is_empty() && !lease.address.starts_with(&format!("{base}/webhooks/"));
    if moved { Timestamp(i64::MIN) } else { lease.next_at }
}

type Of = (String, Route, &'static Hub);

fn hub_of(roster: &crate::roster::Roster, lease: &Lease) -> Option<Of> {
    let slug = &roster.connections.get(&lease.connection)?.platform;
    let known = roster.platforms.get(slug)?;
    Some((slug.clone(), known.route.clone(), known.platform.webhooks()?.hub()?))
}

/// Forgets the subscriptions that nothing wants.
async fn tidy(app: &App) {
    if app.look(|roster| lease::outdated(roster).is_empty()) {
        return;
    }
    let ended = app.decide(|decision| {
        decision.commit.webhooks.ended_leases = lease::outdated(decision.roster);
        Ok(())
    });
    if let Err(error) = ended.await {
        tracing::warn!(%error, "subscriptions that nothing wants could not be forgotten yet");
    }
}

/// Begins the subscriptions that are missing.
async fn begin(app: &App) {
    let wanted: Vec<ConnectionId> = app.look(|roster| lease::wanted(roster).map(|connection| connection.id).collect());
    for together in wanted.chunks(BEGUN_TOGETHER) {
        let vault = app.consents.vault();
        let tickets: Option<Vec<Ticket>> = together.iter().map(|connection| ticket(&vault, *connection)).collect();
        let Some(tickets) = tickets else { return tracing::warn!("no randomness: subscriptions are begun later") };
        let begun = app.decide(|decision| {
            lease::begin(decision, tickets);
            Ok(())
        });
        if begun.await.is_err() {
            return;
        }
    }
}

/// A fresh address and secret; `None` without randomness.
fn ticket(vault: &Vault, connection: ConnectionId) -> Option<Ticket> {
    let random = |bytes: usize| {
        let mut random = Zeroizing::new(vec![0; bytes]);
        getrandom::fill(&mut random).ok()?;
        Some(Secret::new(data_encoding::BASE64URL_NOPAD.encode(&random)))
    };
    let (token, secret) = (random(TOKEN_BYTES)?, random(2 * TOKEN_BYTES)?);
    let secret = vault.seal(SealingContext::of_lease(connection), &secret).ok()?;
    Some(Ticket { connection, token: token.expose().to_owned(), secret })
}

/// Asks a hub once. That we ask is durable first: the hub may confirm before it answers.
async fn subscribe(app: &App, lease: Lease, address: String, route: Route, hub: &'static Hub) {
    let id = lease.connection;
    let noted = app.decide(|decision| {
        lease::request(decision, id, address.clone());
        Ok(())
    });
    if noted.await.is_err() {
        return;
    }
    let Ok(secret) = app.consents.vault().open(SealingContext::of_lease(id), &lease.secret) else {
        tracing::warn!(connection = %id, "the secret of a subscription does not open: another one is begun");
        let ended = app.decide(|decision| {
            decision.commit.webhooks.ended_leases.push(id);
            Ok(())
        });
        return drop(ended.await);
    };
    let (topic, lasts) = ((hub.topic)(&lease.account), hub.longest.0.to_string());
    let form = [
        ("hub.mode", "subscribe"),
        ("hub.topic", &topic),
        ("hub.callback", &address),
        ("hub.verify", "async"),
        ("hub.lease_seconds", &lasts),
        ("hub.secret", secret.expose()),
    ];
    let api = app.api(&route, &route.platform, Priority::Due);
    let error = match api.post(hub.host, hub.path).form(&form).send().await {
        Ok(response) if (200..300).contains(&response.status) => return,
        Ok(response) => format!("the hub responded with {}", response.status),
        Err(error) => clean(&error.to_string(), SENTENCE_CHARACTERS),
    };
    tracing::info!(connection = %id, error, "a hub did not take a subscription; it is asked again");
    let noted = app.decide(|decision| {
        lease::failed(decision, id, error);
        Ok(())
    });
    if let Err(error) = noted.await {
        tracing::warn!(connection = %id, %error, "a subscription that was not taken could not be noted");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Sealed;

    #[test]
    fn another_address_is_asked_for_at_once() {
        let check = |address: &str, base: &str, expected: Timestamp| {
            let lease = Lease {
                connection: ConnectionId::from_bytes([1; 5]),
                account: String::new(),
                token: "t".to_owned(),
                secret: Sealed(vec![]),
                address: address.to_owned(),
                requested_at: None,
                ends_at: None,
                next_at: Timestamp(7),
                failures: 0,
                last_error: None,
            };
            assert_eq!(due_at(&lease, base), expected, "{address} at {base}");
        };
        let here = "https://roster.example/team/webhooks/youtube/hub/t";
        check("", "https://roster.example", Timestamp(7));
        check(here, "https://roster.example/team", Timestamp(7));
        check(here, "https://roster.example", Timestamp(i64::MIN));
        check(here, "https://roster.example/te", Timestamp(i64::MIN));
        check(here, "https://other.example/team", Timestamp(i64::MIN));
    }
}
