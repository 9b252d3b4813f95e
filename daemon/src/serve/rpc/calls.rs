//! Every call of the service: translated, and handed to whoever does it.
//!
//! What changes something runs in a task of the daemon's own, so that an asker who leaves, or whose deadline
//! passes, cannot stop it half-way.

use std::sync::Arc;

use roster_protocol::alert::{Alert, Change};
use roster_protocol::audit::{AuditEntry, PauseTarget, Who};
use roster_protocol::connection::{Account, AccountPreview, Connection, Snapshot};
use roster_protocol::consent::{ConnectionPage, ConsentBegun, ConsentState, ConsentWay, Grant, PlatformCheck};
use roster_protocol::error::RosterError;
use roster_protocol::event::{Cursor, EventBatch};
use roster_protocol::ids::{AlertId, ConnectionId, ConsentId, InfluencerId};
use roster_protocol::influencer::{Influencer, InfluencerEdit, InfluencerPage, InfluencerQuery, NewInfluencer};
use roster_protocol::metric::Numbers;
use roster_protocol::service::{
    AlertsQuery, AuditQuery, ChangesQuery, ConnectionsQuery, History, Notice, PAGE_ROWS, Page, Roster, RunsQuery,
};
use roster_protocol::status::{PlatformStatus, Status};
use roster_protocol::sync::{Run, SyncProgress, SyncTarget, SyncTicket};
use roster_protocol::time::{Date, Seconds};
use tarpc::context::Context;

use crate::app::{App, WAIT};
use crate::browse::{connections, lists, orders, overview, resolve, rows};
use crate::consent;
use crate::delivery::desktop;
use crate::edits;

/// One client's side of the service.
#[derive(Clone)]
pub struct Caller {
    pub app: Arc<App>,
    pub who: Who,
}

/// The most alerts one call acknowledges.
const MOST_AT_ONCE: usize = 1000;

impl Caller {
    fn influencer_shown(&self, id: InfluencerId) -> Result<Influencer, RosterError> {
        let seen = self.app.seen();
        self.app.look(|roster| {
            let found = roster.influencers.get(&id).map(|influencer| rows::influencer(roster, influencer, seen));
            found.ok_or_else(|| RosterError::not_found("it was removed meanwhile"))
        })
    }

    fn connection_shown(&self, id: ConnectionId) -> Result<Connection, RosterError> {
        let seen = self.app.seen();
        self.app.look(|roster| {
            let found = roster.connections.get(&id).map(|connection| rows::connection(roster, connection, seen));
            found.ok_or_else(|| RosterError::not_found("it was removed meanwhile"))
        })
    }
}

impl Roster for Caller {
    async fn ping(self, _: Context) {}

    async fn status(self, _: Context) -> Result<Status, RosterError> {
        Ok(overview::status(&self.app).await)
    }

    async fn log_level(self, _: Context, level: Option<String>) -> Result<String, RosterError> {
        let (app, who) = (self.app.clone(), self.who);
        self.app.own(async move { edits::logging::log_level(&app, who, level).await }).await
    }

    async fn platforms(self, _: Context) -> Result<Vec<PlatformStatus>, RosterError> {
        Ok(overview::platforms(&self.app))
    }

    async fn test_platform(self, _: Context, platform: String) -> Result<Vec<PlatformCheck>, RosterError> {
        consent::setup::test(&self.app, &platform).await
    }

    async fn influencers(self, _: Context, query: InfluencerQuery) -> Result<InfluencerPage, RosterError> {
        let seen = self.app.seen();
        let page = self.app.look(|roster| orders::page(roster, &query, seen));
        page.map_err(|error| {
            RosterError::usage(error.to_string()).hint("`?` in the terminal UI shows the filter words")
        })
    }

    async fn influencer(self, _: Context, influencer: String) -> Result<Influencer, RosterError> {
        let id = self.app.look(|roster| resolve::influencer(roster, &influencer).map(|found| found.id))?;
        self.influencer_shown(id)
    }

    async fn look_up(self, _: Context, account: Account) -> Result<AccountPreview, RosterError> {
        edits::connections::look_up(&self.app, &account).await
    }

    async fn add(self, _: Context, new: NewInfluencer) -> Result<Influencer, RosterError> {
        let (app, who) = (self.app.clone(), self.who.clone());
        let id = self.app.own(async move { edits::influencers::add(&app, who, new).await }).await?;
        self.influencer_shown(id)
    }

    async fn edit(self, _: Context, influencer: String, edit: InfluencerEdit) -> Result<Influencer, RosterError> {
        let (app, who) = (self.app.clone(), self.who.clone());
        let id = self.app.own(async move { edits::influencers::edit(&app, who, influencer, edit).await }).await?;
        self.influencer_shown(id)
    }

    async fn remove(self, _: Context, influencer: String) -> Result<Influencer, RosterError> {
        let (app, who) = (self.app.clone(), self.who.clone());
        self.app.own(async move { edits::influencers::remove(&app, who, influencer).await }).await
    }

    async fn merge(self, _: Context, influencer: String, into: String) -> Result<Influencer, RosterError> {
        let (app, who) = (self.app.clone(), self.who.clone());
        let id = self.app.own(async move { edits::merging::merge(&app, who, influencer, into).await }).await?;
        self.influencer_shown(id)
    }

    async fn connect(self, _: Context, influencer: String, account: Account) -> Result<Connection, RosterError> {
        let (app, who) = (self.app.clone(), self.who.clone());
        let id = self.app.own(async move { edits::connections::connect(&app, who, influencer, account).await }).await?;
        self.connection_shown(id)
    }

    async fn consent_begin(
        self,
        _: Context,
        influencer: String,
        platform: String,
        way: ConsentWay,
        handle: Option<String>,
    ) -> Result<ConsentBegun, RosterError> {
        let (app, who) = (self.app.clone(), self.who.clone());
        let work = async move { consent::begin::begin(&app, who, influencer, platform, way, handle).await };
        self.app.own(work).await
    }

    async fn consent_state(self, _: Context, consent: ConsentId) -> Result<ConsentState, RosterError> {
        consent::shown::state(&self.app, &self.who, consent, WAIT).await
    }

    async fn consent_paste(self, _: Context, address: String) -> Result<ConsentId, RosterError> {
        let (app, who) = (self.app.clone(), self.who.clone());
        self.app.own(async move { consent::finish::pasted(&app, &who, &address).await }).await
    }

    async fn consent_open(
        self,
        _: Context,
        influencer: String,
        platform: String,
    ) -> Result<Option<ConsentId>, RosterError> {
        consent::shown::open(&self.app, &self.who, &influencer, &platform)
    }

    async fn consent_choose(
        self,
        _: Context,
        consent: ConsentId,
        accounts: Vec<String>,
    ) -> Result<ConsentState, RosterError> {
        let (app, who) = (self.app.clone(), self.who.clone());
        self.app.own(async move { consent::choose::choose(&app, &who, consent, accounts).await }).await
    }

    async fn consent_cancel(self, _: Context, consent: ConsentId) -> Result<(), RosterError> {
        let (app, who) = (self.app.clone(), self.who.clone());
        self.app.own(async move { consent::finish::cancel(&app, &who, consent).await }).await
    }

    async fn grants(self, _: Context) -> Result<Vec<Grant>, RosterError> {
        Ok(consent::shown::grants(&self.app))
    }

    async fn disconnect(self, _: Context, connection: String, delete_history: bool) -> Result<Connection, RosterError> {
        let (app, who) = (self.app.clone(), self.who.clone());
        let work = async move { edits::connections::disconnect(&app, who, connection, delete_history).await };
        self.app.own(work).await
    }

    async fn pause(self, _: Context, target: PauseTarget, paused: bool) -> Result<Vec<Connection>, RosterError> {
        let (app, who) = (self.app.clone(), self.who.clone());
        let touched = self.app.own(async move { edits::pausing::pause(&app, who, target, paused).await }).await?;
        let touched = touched.into_iter().take(PAGE_ROWS as usize);
        Ok(touched.filter_map(|id| self.connection_shown(id).ok()).collect())
    }

    async fn set_interval(
        self,
        _: Context,
        connection: String,
        interval: Option<Seconds>,
    ) -> Result<Connection, RosterError> {
        let (app, who) = (self.app.clone(), self.who.clone());
        let work = async move { edits::connections::set_interval(&app, who, connection, interval).await };
        let id = self.app.own(work).await?;
        self.connection_shown(id)
    }

    async fn connection(self, _: Context, connection: String) -> Result<Connection, RosterError> {
        let id = self.app.look(|roster| resolve::connection(roster, &connection).map(|found| found.id))?;
        self.connection_shown(id)
    }

    async fn connections(self, _: Context, query: ConnectionsQuery) -> Result<ConnectionPage, RosterError> {
        let seen = self.app.seen();
        Ok(self.app.look(|roster| connections::page(roster, &query, seen)))
    }

    async fn sync(self, _: Context, target: SyncTarget) -> Result<SyncTicket, RosterError> {
        let app = self.app.clone();
        self.app.own(async move { edits::asking::sync(&app, target).await }).await
    }

    async fn sync_progress(self, _: Context, ticket: SyncTicket, seen: u64) -> Result<SyncProgress, RosterError> {
        edits::asking::give_up_unreachable(&self.app);
        let progress = self.app.tickets.progress(ticket, seen, WAIT).await;
        progress
            .ok_or_else(|| RosterError::not_found("that request is over").hint("`roster runs` shows how runs ended"))
    }

    async fn runs(self, _: Context, query: RunsQuery) -> Result<Page<Run>, RosterError> {
        lists::runs(&self.app, query).await
    }

    async fn history(
        self,
        _: Context,
        connection: String,
        since: Option<Date>,
        until: Option<Date>,
    ) -> Result<History, RosterError> {
        lists::history(&self.app, &connection, since, until).await
    }

    async fn record(
        self,
        _: Context,
        connection: String,
        date: Date,
        numbers: Numbers,
        replace: bool,
    ) -> Result<Snapshot, RosterError> {
        let (app, who) = (self.app.clone(), self.who.clone());
        let work = async move { edits::record::record(&app, who, connection, date, numbers, replace).await };
        self.app.own(work).await
    }

    async fn changes(self, _: Context, query: ChangesQuery) -> Result<Page<Change>, RosterError> {
        lists::changes(&self.app, query).await
    }

    async fn alerts(self, _: Context, query: AlertsQuery) -> Result<Page<Alert>, RosterError> {
        lists::alerts(&self.app, query).await
    }

    async fn acknowledge(self, _: Context, alerts: Vec<AlertId>) -> Result<Vec<Alert>, RosterError> {
        if alerts.len() > MOST_AT_ONCE {
            return Err(RosterError::usage(format!("more than {MOST_AT_ONCE} alerts at once")));
        }
        let (app, who, asked) = (self.app.clone(), self.who.clone(), alerts.clone());
        self.app.own(async move { edits::acknowledging::acknowledge(&app, who, asked).await }).await?;
        let mut shown = Vec::new();
        for alert in alerts {
            shown.push(lists::alert(&self.app, &alert.to_string()).await?);
        }
        Ok(shown)
    }

    async fn alert(self, _: Context, alert: String) -> Result<Alert, RosterError> {
        lists::alert(&self.app, &alert).await
    }

    async fn audit(self, _: Context, query: AuditQuery) -> Result<Page<AuditEntry>, RosterError> {
        lists::audit(&self.app, query).await
    }

    async fn events_since(self, _: Context, after: Cursor) -> Result<EventBatch, RosterError> {
        Ok(self.app.feed.since(after, WAIT).await)
    }

    async fn notices(self, _: Context) -> Result<Vec<Notice>, RosterError> {
        Ok(desktop::notices(&self.app, self.who.uid, WAIT).await)
    }

    async fn notices_shown(self, _: Context, number: u64) -> Result<(), RosterError> {
        let (app, uid) = (self.app.clone(), self.who.uid);
        self.app.own(async move { desktop::shown(&app, uid, number).await }).await
    }
}
