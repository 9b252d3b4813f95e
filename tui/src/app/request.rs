//! Every request as a call of the service. Each gets a response, be it an error.

use std::time::Duration;

use roster_protocol::rule::{Backtest, RuleParts};
use roster_protocol::service::{
    AlertsQuery, AuditQuery, ChangesQuery, DeliveriesQuery, History, LONGEST_WAIT, PAGE_ROWS, RunsQuery,
};
use roster_protocol::transport::{MAX_DEADLINE, within};
use roster_protocol::{
    Account, AccountPreview, ConnectionId, Date, ErrorKind, InfluencerQuery, RosterClient, RosterError, Since, SortBy,
};
use tarpc::context::Context;

use crate::client::{long_call, response, short_call};
use crate::message::{ConsentReply, ConsentStep, Mutation, Outcome, Request, Response, RuleDraft, Which};
use crate::modal::picker::CHOICES;

/// How many alerts and changes one influencer's screen shows at most.
const EVENTS: u64 = 40;

/// Rows of a page of what grows.
const ROWS: u64 = if PAGE_ROWS < 120 { PAGE_ROWS } else { 120 };

/// Sends a request, and waits for its response.
pub(super) async fn send(client: &RosterClient, request: Request) -> Response {
    match request {
        Request::Status => Response::Status(Box::new(response(client.status(short_call()).await))),
        Request::Figures(days) => Response::Figures(response(client.figures(short_call(), days).await)),
        Request::Due(query) => Response::Due(query, response(client.due(short_call(), query).await)),
        Request::Page(query) => {
            let result = response(client.influencers(short_call(), query.clone()).await);
            Response::Page(query, result)
        }
        Request::Choices(filter) => {
            let (sort, limit) = (SortBy::Followers, CHOICES + 1);
            let query = InfluencerQuery { filter: filter.clone(), sort, limit, ..InfluencerQuery::default() };
            Response::Choices(filter, response(client.influencers(short_call(), query).await))
        }
        Request::History { connection, since } => {
            Response::History { connection, since, result: history(client, connection, since).await }
        }
        Request::Influencer(id) => {
            Response::Influencer(id, response(client.influencer(short_call(), id.to_string()).await))
        }
        Request::AlertsOf(id) => {
            let influencer = Some(id.to_string());
            let query = AlertsQuery { influencer, limit: EVENTS, ..AlertsQuery::default() };
            Response::AlertsOf(id, response(client.alerts(short_call(), query).await))
        }
        Request::ChangesOf(id) => {
            let query = ChangesQuery { of: Some(id.to_string()), limit: EVENTS, ..ChangesQuery::default() };
            Response::ChangesOf(id, response(client.changes(short_call(), query).await))
        }
        Request::Runs(mark) => {
            let query = RunsQuery { mark: mark.clone(), limit: ROWS, ..RunsQuery::default() };
            Response::Runs(mark, response(client.runs(short_call(), query).await))
        }
        Request::Alerts(which, mark) => {
            let state = if let Which::State(state) = which { Some(state) } else { None };
            let (mine, unread) = (which == Which::Mine, which == Which::Unread);
            let query = AlertsQuery { state, mine, unread, mark: mark.clone(), limit: ROWS, ..AlertsQuery::default() };
            Response::Alerts(which, mark, response(client.alerts(short_call(), query).await))
        }
        Request::Alert(id) => {
            let alert = response(client.alert(short_call(), id.to_string()).await);
            Response::Alert(id, alert.map(Box::new))
        }
        Request::DeliveriesOf(id) => {
            let query = DeliveriesQuery { alert: Some(id.to_string()), limit: ROWS, ..DeliveriesQuery::default() };
            Response::DeliveriesOf(id, response(client.deliveries(short_call(), query).await))
        }
        Request::Members(id) => {
            let query = AlertsQuery { group: Some(id), limit: ROWS, ..AlertsQuery::default() };
            Response::Members(id, response(client.alerts(short_call(), query).await))
        }
        Request::TestRule { form, name, draft, since } => {
            let result = test_rule(client, &name, *draft, since).await.map(Box::new);
            Response::Tested { form, name, since, result }
        }
        Request::Rules => Response::Rules(response(client.rules(long_call()).await)),
        Request::Changes(mark) => {
            let query = ChangesQuery { mark: mark.clone(), limit: ROWS, ..ChangesQuery::default() };
            Response::Changes(mark, response(client.changes(short_call(), query).await))
        }
        Request::Audit(mark) => {
            let query = AuditQuery { mark: mark.clone(), limit: ROWS, ..AuditQuery::default() };
            Response::Audit(mark, response(client.audit(short_call(), query).await))
        }
        Request::Connections(query) => {
            Response::Connections(query, response(client.connections(short_call(), query).await))
        }
        Request::Connection(id) => {
            let connection = response(client.connection(short_call(), id.to_string()).await);
            Response::Connection(id, connection.map(Box::new))
        }
        Request::Consent { form, step } => Response::Consent { form, reply: consent(client, step).await },
        Request::CancelConsent(consent) => {
            Response::Cancelled(response(client.consent_cancel(long_call(), consent).await))
        }
        Request::LookUp { form, accounts } => Response::LookUp { form, result: look_up(client, accounts).await },
        Request::Namesakes { form, name } => {
            Response::Namesakes { form, result: response(client.namesakes(short_call(), name).await) }
        }
        Request::Progress { ticket, seen } => {
            let result = response(client.sync_progress(waiting(), ticket, seen).await);
            Response::Progress { ticket, seen, result }
        }
        Request::Mutate(mutation) => {
            let result = perform(client, &mutation).await;
            Response::Done(mutation, result)
        }
    }
}

/// A context for a call that waits for something to happen.
fn waiting() -> Context {
    within(LONGEST_WAIT + Duration::from_secs(5))
}

async fn consent(client: &RosterClient, step: ConsentStep) -> ConsentReply {
    match step {
        ConsentStep::Begin { influencer, platform, method, handle } => {
            let begun = client.consent_begin(long_call(), influencer.to_string(), platform, method, handle).await;
            ConsentReply::Begun(method, response(begun).map(Box::new))
        }
        ConsentStep::State(consent) => {
            ConsentReply::State(consent, response(client.consent_state(waiting(), consent).await))
        }
        ConsentStep::Paste(address) => ConsentReply::Pasted(response(client.consent_paste(long_call(), address).await)),
        ConsentStep::Choose(consent, accounts) => {
            ConsentReply::Chosen(response(client.consent_choose(long_call(), consent, accounts).await))
        }
    }
}

/// Looks the accounts up one after the other: the first that makes sense to its platform counts.
async fn look_up(client: &RosterClient, accounts: Vec<Account>) -> Result<AccountPreview, RosterError> {
    let mut first = None;
    for account in accounts {
        match response(client.look_up(long_call(), account).await) {
            Ok(preview) => return Ok(preview),
            // The next platform may know what to make of it.
            Err(error) if error.kind == ErrorKind::Usage => first = first.or(Some(error)),
            Err(error) => return Err(error),
        }
    }
    Err(first.unwrap_or_else(|| RosterError::usage("no platform makes sense of this")))
}

async fn perform(client: &RosterClient, mutation: &Mutation) -> Result<Outcome, RosterError> {
    match mutation.clone() {
        Mutation::Add(new) => {
            response(client.add(long_call(), new).await).map(|added| Outcome::Influencer(added.row.id))
        }
        Mutation::Edit { influencer, edit, .. } => {
            response(client.edit(short_call(), influencer.to_string(), edit).await).map(|_| Outcome::Done)
        }
        Mutation::Remove { influencer, .. } => {
            response(client.remove(long_call(), influencer.to_string()).await).map(|_| Outcome::Done)
        }
        Mutation::Erase { influencer, .. } => {
            let erased = client.erase(within(MAX_DEADLINE), influencer.to_string()).await;
            response(erased).map(|it| if it.is_complete { Outcome::Done } else { Outcome::Incomplete })
        }
        Mutation::Merge { influencer, into, .. } => {
            let merged = client.merge(long_call(), influencer.to_string(), into.to_string()).await;
            response(merged).map(|into| Outcome::Influencer(into.row.id))
        }
        Mutation::Connect { influencer, account, .. } => {
            response(client.connect(long_call(), influencer.to_string(), account).await).map(|_| Outcome::Done)
        }
        Mutation::Disconnect { connection, delete_history, .. } => {
            response(client.disconnect(long_call(), connection.to_string(), delete_history).await)
                .map(|_| Outcome::Done)
        }
        Mutation::Pause { target, paused, .. } => {
            response(client.pause(short_call(), target, paused).await).map(|touched| Outcome::Touched(touched.len()))
        }
        Mutation::Interval { connection, interval, based_on, .. } => {
            let set = client.set_interval(short_call(), connection.to_string(), interval, based_on).await;
            response(set).map(|_| Outcome::Done)
        }
        Mutation::Handle { connection, handle, another, .. } => {
            response(client.set_handle(long_call(), connection.to_string(), handle, another).await)
                .map(|now| Outcome::Handle(now.handle))
        }
        Mutation::Record { connection, record, .. } => {
            let recorded = client.record(short_call(), connection.to_string(), *record).await;
            response(recorded).map(|recorded| Outcome::Recorded { date: recorded.snapshot.date, kept: recorded.kept })
        }
        Mutation::Sync { target, .. } => response(client.sync(short_call(), target).await).map(Outcome::Ticket),
        Mutation::Acknowledge(alerts, note) => {
            response(client.acknowledge(short_call(), alerts, note).await).map(|_| Outcome::Done)
        }
        Mutation::Assign { alert, user } => {
            response(client.assign_alert(short_call(), alert.to_string(), user).await).map(|_| Outcome::Done)
        }
        Mutation::Read(alerts) => response(client.read_alerts(short_call(), alerts).await).map(|()| Outcome::Done),
        Mutation::AddRule { name, draft } => {
            let parts = parts(client, *draft).await?;
            response(client.add_rule(short_call(), name, parts).await).map(|_| Outcome::Done)
        }
        Mutation::EditRule { name, draft } => {
            let parts = parts(client, *draft).await?;
            response(client.edit_rule(short_call(), name, parts).await).map(|_| Outcome::Done)
        }
        Mutation::SwitchRule { name, on } => {
            let parts = RuleParts { enabled: Some(on), ..RuleParts::default() };
            response(client.edit_rule(short_call(), name, parts).await).map(|_| Outcome::Done)
        }
        Mutation::Undo => response(client.undo(short_call()).await).map(Outcome::Undone),
        Mutation::RemoveRule { name } => response(client.remove_rule(short_call(), name).await).map(|()| Outcome::Done),
        Mutation::Silence(silence) => response(client.add_silence(short_call(), *silence).await)
            .map(|silenced| Outcome::Silenced(silenced.to_string())),
    }
}

/// The most influencers that are looked up for a rule.
const MOST_NAMED: usize = 100;

/// What is given of a rule, with the ids of the influencers that it names.
async fn parts(client: &RosterClient, draft: RuleDraft) -> Result<RuleParts, RosterError> {
    let Some(names) = draft.influencers else { return Ok(draft.parts) };
    if names.len() > MOST_NAMED {
        return Err(RosterError::usage(format!("a rule names at most {MOST_NAMED} influencers")));
    }
    let mut ids = Vec::new();
    for name in names {
        ids.push(response(client.influencer(short_call(), name).await)?.row.id);
    }
    Ok(RuleParts { influencers: Some(ids), ..draft.parts })
}

async fn test_rule(
    client: &RosterClient,
    name: &str,
    draft: RuleDraft,
    since: Option<Since>,
) -> Result<Backtest, RosterError> {
    let parts = parts(client, draft).await?;
    response(client.test_rule(long_call(), name.to_owned(), parts, since).await)
}

/// All days and weeks of a connection from a day on.
async fn history(client: &RosterClient, connection: ConnectionId, since: Date) -> Result<History, RosterError> {
    let part = async |since: Date| {
        response(client.history(short_call(), connection.to_string(), Some(since.into()), None).await)
    };
    let mut whole = part(since).await?;
    // Each part must begin later than the one before, or this would never end.
    let mut begun = since;
    while let Some(next) = whole.next.filter(|next| *next > begun) {
        let more = part(next).await?;
        begun = next;
        whole.weeks.extend(more.weeks);
        whole.snapshots.extend(more.snapshots);
        whole.next = more.next;
    }
    Ok(whole)
}
