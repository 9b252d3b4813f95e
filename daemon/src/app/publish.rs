//! What is published of a commit to clients and to the daemon's own tasks once it is durable.

mod alerting;
mod consents;
mod roster;
mod sync;
mod webhooks;

use roster_protocol::event::Event;
use roster_protocol::time::Timestamp;

use super::App;
use crate::model::Commit;
use crate::roster::Roster;

/// What is published of commits.
#[derive(Default)]
pub(super) struct Publication {
    /// For clients, in order.
    events: Vec<Event>,
    /// Whether a consent or a grant becomes due sooner than before.
    wakes_consents: bool,
    /// Whether a subscription is missing, too many, or due at another time.
    wakes_hubs: bool,
    /// Whether something is to be sent, or waits no more.
    wakes_outbox: bool,
    /// Whether the list of erased ones grew.
    wakes_erasures: bool,
}

/// Adds what a commit publishes; the roster has it already.
pub(super) fn add(publication: &mut Publication, roster: &Roster, now: Timestamp, commit: &Commit) {
    let events = &mut publication.events;
    roster::events(&commit.roster, events);
    sync::events(&commit.sync, roster, events);
    alerting::events(&commit.alerting, roster, now, events);
    publication.wakes_consents |= consents::wakes(&commit.consents);
    publication.wakes_hubs |= webhooks::wakes(commit, roster);
    publication.wakes_outbox |= alerting::wakes(&commit.alerting);
    publication.wakes_erasures |= !commit.consents.revoked.is_empty() || !commit.roster.tombstones.is_empty();
}

impl App {
    /// Publishes what is durable.
    pub(super) fn publish(&self, publication: Publication) {
        self.meters.count_events(&publication.events);
        self.feed.publish(publication.events);
        if publication.wakes_consents {
            self.consents.wake.notify_one();
        }
        if publication.wakes_outbox {
            self.deliveries.send_replace(());
        }
        if publication.wakes_erasures {
            self.erasures.wake.notify_one();
        }
        // Without a public URL no hub is asked for anything.
        if publication.wakes_hubs && self.setup().config.http.public_url.is_some() {
            self.hubs.notify_one();
        }
    }
}
