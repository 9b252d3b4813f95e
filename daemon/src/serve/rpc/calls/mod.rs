//! Every call of the service, by subject: each is translated and passed to the code that does the work.
//!
//! A call that changes something runs in a task of the daemon's own ([`Caller::own`]), so that a caller who disconnects, or
//! whose deadline expires, cannot stop it half-way.

mod alerts;
mod backups;
mod connections;
mod consents;
mod daemon;
mod deliveries;
mod feed;
mod influencers;
mod keys;
mod rules;
mod silences;
mod sync;

use std::sync::Arc;

use roster_protocol::audit::Who;
use roster_protocol::connection::Connection;
use roster_protocol::error::{ErrorKind, RosterError};
use roster_protocol::ids::{ConnectionId, InfluencerId};
use roster_protocol::influencer::Influencer;
use roster_protocol::text::clean;
use roster_protocol::{Role, RosterRequest, RosterResponse};
use tarpc::ServerError;
use tarpc::context::Context;
use tarpc::server::Serve;
use tokio::sync::{Mutex, watch};

use super::access::{Judge, Peer};
use super::class;
use crate::app::App;
use crate::app::refusals::{Refusal, Requester};
use crate::backups::Stream;
use crate::delivery::outbox::Outbox;
use crate::roster::rows;

/// The longest path that a hint has.
const PATH_CHARACTERS: usize = 200;

/// One client's side of the service.
#[derive(Clone)]
pub struct Caller {
    pub app: Arc<App>,
    pub outbox: Arc<Outbox>,
    pub who: Who,
    pub peer: Peer,
    /// What it may do now.
    pub standing: watch::Receiver<Role>,
    pub judge: Arc<Judge>,
    /// The backup that is read on this connection; it ends with it.
    pub backup: Arc<Mutex<Option<Stream>>>,
}

/// Gives each request the response of the same name, so that no call can return the result of another. With a refusal no work
/// is begun.
macro_rules! respond {
    ($request:ident unless $refusal:ident: $($call:ident($($argument:ident),*) => $work:expr;)*) => {
        match $request {
            $(RosterRequest::$call { $($argument),* } => RosterResponse::$call(match $refusal {
                Some(refusal) => Refused::refused(refusal),
                None => $work.await,
            }),)*
        }
    };
}

/// What a call returns when the caller may not make it.
trait Refused {
    fn refused(error: RosterError) -> Self;
}

impl<T> Refused for Result<T, RosterError> {
    fn refused(error: RosterError) -> Self {
        Err(error)
    }
}

impl Refused for () {
    fn refused(_: RosterError) -> Self {}
}

impl Serve for Caller {
    type Req = RosterRequest;
    type Resp = RosterResponse;

    async fn serve(self, _: Context, request: RosterRequest) -> Result<RosterResponse, ServerError> {
        let caller = &self;
        let refusal = caller.refusal(class::of(&request).role).await;
        Ok(respond! { request unless refusal:
            Ping() => async {};
            Status() => daemon::status(caller);
            Figures(days) => daemon::figures(caller, days);
            LogLevel(level) => daemon::log_level(caller, level);
            Retention(counts) => daemon::retention(caller, counts);
            ChooseRetention() => daemon::choose_retention(caller);
            Platforms() => daemon::platforms(caller);
            Budgets() => daemon::budgets(caller);
            TestPlatform(platform) => daemon::test_platform(caller, platform);
            CheckStore() => daemon::check_store(caller);
            Examine() => daemon::examine(caller);
            Access() => daemon::access(caller);
            Audit(query) => daemon::audit(caller, query);
            VerifyAudit() => daemon::verify_audit(caller);
            Backup(seal, with_keys) => backups::begin(caller, seal, with_keys);
            BackupPiece() => backups::piece(caller);
            BackupKept() => backups::kept(caller);
            Keys() => keys::keys(caller);
            RotateKey() => keys::rotate(caller);
            RetireKey(key, sure) => keys::retire(caller, key, sure);

            Influencers(query) => influencers::influencers(caller, query);
            Influencer(influencer) => influencers::influencer(caller, influencer);
            Namesakes(name) => influencers::namesakes(caller, name);
            Movers(query) => influencers::movers(caller, query);
            Add(new) => influencers::add(caller, new);
            Edit(influencer, edit) => influencers::edit(caller, influencer, edit);
            Remove(influencer) => influencers::remove(caller, influencer);
            ErasePreview(influencer) => influencers::erase_preview(caller, influencer);
            Erase(influencer) => influencers::erase(caller, influencer);
            Erased(from) => influencers::erased(caller, from);
            Undo() => influencers::undo(caller);
            Merge(influencer, into) => influencers::merge(caller, influencer, into);

            Held(influencer, mark) => influencers::held(caller, influencer, mark);

            LookUp(account) => connections::look_up(caller, account);
            Connect(influencer, account) => connections::connect(caller, influencer, account);
            Disconnect(connection, delete_history) => connections::disconnect(caller, connection, delete_history);
            Pause(target, paused) => connections::pause(caller, target, paused);
            SetInterval(connection, interval, based_on) => connections::set_interval(caller, connection, interval, based_on);
            SetHandle(connection, handle, another) => connections::set_handle(caller, connection, handle, another);
            Connection(connection) => connections::connection(caller, connection);
            Connections(query) => connections::connections(caller, query);
            History(connection, since, until) => connections::history(caller, connection, since, until);
            Record(connection, record) => connections::record(caller, connection, record);

            ConsentBegin(influencer, platform, method, handle) => consents::begin(caller, influencer, platform, method, handle);
            ConsentState(consent) => consents::state(caller, consent);
            ConsentPaste(address) => consents::paste(caller, address);
            ConsentOpen(influencer, platform) => consents::open(caller, influencer, platform);
            ConsentChoose(consent, accounts) => consents::choose(caller, consent, accounts);
            ConsentCancel(consent) => consents::cancel(caller, consent);
            Grants() => consents::grants(caller);
            RevokeAll() => consents::revoke_all(caller);

            Sync(target) => sync::sync(caller, target);
            SyncProgress(ticket, seen) => sync::progress(caller, ticket, seen);
            Runs(query) => sync::runs(caller, query);
            Requests(query) => sync::requests(caller, query);
            Due(query) => sync::due(caller, query);

            Changes(query) => alerts::changes(caller, query);
            Alerts(query) => alerts::alerts(caller, query);
            Acknowledge(alerts, note) => alerts::acknowledge(caller, alerts, note);
            AssignAlert(alert, user) => alerts::assign(caller, alert, user);
            ReadAlerts(alerts) => alerts::read(caller, alerts);
            Alert(alert) => alerts::alert(caller, alert);

            Rules() => rules::rules(caller);
            AddRule(name, parts) => rules::add(caller, name, parts);
            EditRule(name, parts) => rules::edit(caller, name, parts);
            RemoveRule(name) => rules::remove(caller, name);
            TestRule(name, parts, since) => rules::test(caller, name, parts, since);
            Silences() => silences::silences(caller);
            AddSilence(silence) => silences::add(caller, silence);
            EndSilence(silence) => silences::end(caller, silence);
            Channels() => deliveries::channels(caller);
            TestChannel(channel) => deliveries::test_channel(caller, channel);
            Deliveries(query) => deliveries::deliveries(caller, query);
            RetryDelivery(delivery) => deliveries::retry(caller, delivery);

            EventsSince(after) => feed::events_since(caller, after);
            Notices() => feed::notices(caller);
            NoticesShown(number) => feed::notices_shown(caller, number);
        })
    }
}

impl Caller {
    /// What the caller may do now.
    fn role(&self) -> Role {
        *self.standing.borrow()
    }

    /// Why a call that needs this role is refused; `None` when it is not.
    async fn refusal(&self, needed: Role) -> Option<RosterError> {
        let own = self.role();
        if own >= needed {
            return None;
        }
        self.app.meters.record_refused_call(needed);
        let who = async || Some(self.who.clone());
        self.app.refused(Requester::User(self.peer.uid), Refusal::Role, who).await;
        let config = clean(&self.app.setup().file.display().to_string(), PATH_CHARACTERS);
        let gives = format!(
            "an admin of this host gives the role: `{needed}` under [access] in {config}; `roster access` shows who has which"
        );
        Some(RosterError::new(ErrorKind::NotPermitted, needed.is_needed(own)).hint(gives))
    }

    /// Runs work in a task of the daemon's own.
    ///
    /// # Errors
    /// The work's own, and those of [`App::own`].
    async fn own<T, Work>(&self, work: impl FnOnce(Arc<App>, Who) -> Work) -> Result<T, RosterError>
    where
        T: Send + 'static,
        Work: Future<Output = Result<T, RosterError>> + Send + 'static,
    {
        self.app.own(work(self.app.clone(), self.who.clone())).await
    }

    fn influencer(&self, id: InfluencerId) -> Result<Influencer, RosterError> {
        let seen = self.app.seen();
        self.app.look(|roster| {
            let found = roster.influencers.get(&id).map(|influencer| rows::influencer(roster, influencer, seen));
            found.ok_or_else(|| RosterError::not_found("it was removed meanwhile"))
        })
    }

    fn connection(&self, id: ConnectionId) -> Result<Connection, RosterError> {
        let seen = self.app.seen();
        self.app.look(|roster| {
            let found = roster.connections.get(&id).map(|connection| rows::connection(roster, connection, seen));
            found.ok_or_else(|| RosterError::not_found("it was removed meanwhile"))
        })
    }
}
