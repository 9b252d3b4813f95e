//! Lists that grow with time: read from the store a page at a time, with names from the roster.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use roster_protocol::alert::{Alert, Change};
use roster_protocol::audit::{AuditCheck, AuditEntry, Who};
use roster_protocol::connection::Week;
use roster_protocol::error::{ErrorKind, RosterError};
use roster_protocol::ids::ConnectionId;
use roster_protocol::metric::{Metric, Numbers};
use roster_protocol::reported::Reported;
use roster_protocol::request::ProviderRequest;
use roster_protocol::service::{
    AlertsQuery, AuditQuery, ChangesQuery, History, PAGE_ROWS, Page, PageMark, RequestsQuery, RunsQuery,
};
use roster_protocol::sync::Run;
use roster_protocol::time::{Date, Since, Timestamp};

use super::retention;
use crate::app::{App, read_error};
use crate::history::rollup::{self, Origin, Spread};
use crate::model;
use crate::roster::resolve::{self, Named};
use crate::roster::rows;
use crate::store::{self, Mark};

/// The most snapshots that one response holds: under 200 KB.
const SNAPSHOTS_PER_RESPONSE: usize = 1000;

fn limit(requested: u64) -> usize {
    requested.clamp(1, PAGE_ROWS) as usize
}

/// The moment that a user named, by the daemon's days.
fn since(app: &App, since: Option<Since>) -> Option<Timestamp> {
    since.map(|since| app.setup().config.sync.grid.since(since, app.clock.now()))
}

fn page<Row, Shown>(read: store::Page<Row>, show: impl Fn(&Row) -> Shown) -> Page<Shown> {
    Page { rows: read.rows.iter().map(show).collect(), next: read.next.map(|mark| PageMark(mark.0)) }
}

fn stored_mark(mark: Option<PageMark>) -> Option<Mark> {
    mark.map(|mark| Mark(mark.0))
}

/// Runs, newest first.
///
/// # Errors
/// Nothing of that name, or the store cannot be read.
pub async fn runs(app: &App, query: RunsQuery) -> Result<Page<Run>, RosterError> {
    let of = query.connection.as_deref().map(|named| connections_named(app, named)).transpose()?;
    let read = app.store.read(store::RunsQuery {
        since: since(app, query.since).unwrap_or(Timestamp(i64::MIN)),
        of,
        outcome: query.outcome,
        before: stored_mark(query.mark),
        limit: limit(query.limit),
    });
    let read = read.await.map_err(|error| read_error(&error))?;
    Ok(app.look(|roster| page(read, |run| rows::run(roster, run))))
}

/// Requests to providers, newest first, those of the last second too.
///
/// # Errors
/// Nothing of that name, no such platform, or the store cannot be read.
pub async fn requests(app: &App, query: RequestsQuery) -> Result<Page<ProviderRequest>, RosterError> {
    let of = query.connection.as_deref().map(|named| connections_named(app, named)).transpose()?;
    let platform = query.platform.as_deref().map(str::to_lowercase);
    if let Some(slug) = &platform {
        app.look(|roster| match roster.platforms.contains_key(slug) {
            true => Ok(()),
            false => Err(resolve::unknown_platform(roster, slug)),
        })?;
    }
    app.store_requests().await;
    let read = app.store.read(store::RequestsQuery {
        since: since(app, query.since).unwrap_or(Timestamp(i64::MIN)),
        platform,
        of,
        outcome: query.outcome,
        before: stored_mark(query.mark),
        limit: limit(query.limit),
    });
    let read = read.await.map_err(|error| read_error(&error))?;
    Ok(page(read, ProviderRequest::clone))
}

/// Changes, newest first.
///
/// # Errors
/// Nothing of that name, or the store cannot be read.
pub async fn changes(app: &App, query: ChangesQuery) -> Result<Page<Change>, RosterError> {
    let of = query.of.as_deref().map(|named| connections_named(app, named)).transpose()?;
    let read = app.store.read(store::ChangesQuery {
        since: since(app, query.since).unwrap_or(Timestamp(i64::MIN)),
        of,
        before: stored_mark(query.mark),
        limit: limit(query.limit),
    });
    let read = read.await.map_err(|error| read_error(&error))?;
    Ok(app.look(|roster| page(read, |change| rows::change(roster, change))))
}

fn connections_named(app: &App, named: &str) -> Result<HashSet<ConnectionId>, RosterError> {
    app.look(|roster| {
        Ok(match resolve::either(roster, named)? {
            Named::Connection(connection) => HashSet::from([connection.id]),
            Named::Influencer(influencer) => {
                roster.all_connections_of(influencer.id).map(|connection| connection.id).collect()
            }
        })
    })
}

/// Alerts as they are to a user, newest first.
///
/// # Errors
/// No influencer of that name, or the store cannot be read.
pub async fn alerts(app: &App, who: &Who, query: AlertsQuery) -> Result<Page<Alert>, RosterError> {
    let named = query.influencer.as_deref();
    let of =
        named.map(|named| app.look(|roster| resolve::influencer(roster, named).map(|found| found.id))).transpose()?;
    let now = app.clock.now();
    let of_all = query.mark.is_none() && of.is_none() && query.group.is_none() && !query.mine;
    let unstored = app.unwritable().filter(|alert| of_all && query.state.is_none_or(|state| state == alert.state));
    let read = app.store.read(store::AlertsQuery {
        state: query.state,
        influencer: of,
        group: query.group,
        assigned_to: query.mine.then(|| who.user()),
        among: query.unread.then(|| app.look(|roster| roster.unread(who, now).collect())),
        before: stored_mark(query.mark),
        limit: limit(query.limit),
    });
    let read = read.await.map_err(|error| read_error(&error))?;
    Ok(app.look(|roster| {
        let shown = |alert: &model::Alert| rows::alert_of(roster, who, rows::alert(roster, alert, now), now);
        let mut page = page(read, shown);
        page.rows.splice(0..0, unstored.as_ref().map(shown));
        page
    }))
}

/// The alert with this id or unique prefix.
///
/// # Errors
/// None, several, or the store cannot be read.
pub async fn alert(app: &App, text: &str) -> Result<Alert, RosterError> {
    let now = app.clock.now();
    let current = app.look(|roster| {
        roster.alerts_by_prefix(text).into_iter().map(|alert| rows::alert(roster, alert, now)).collect::<Vec<_>>()
    });
    match current.as_slice() {
        [one] => return Ok(one.clone()),
        [] => {}
        many => {
            let ids: Vec<String> = many.iter().take(10).map(|alert| alert.id.to_string()).collect();
            return Err(RosterError::new(ErrorKind::Ambiguous, format!("{text:?} names {} alerts", many.len()))
                .hint(format!("say which: {}", ids.join(", "))));
        }
    }
    let nothing = || RosterError::not_found(format!("no alert is named {text:?}")).hint("`roster alerts` shows them");
    let id = text.parse().map_err(|_| nothing())?;
    let stored = app.store.read(store::AlertById(id)).await.map_err(|error| read_error(&error))?;
    let stored = stored.ok_or_else(nothing)?;
    Ok(app.look(|roster| rows::alert(roster, &stored, now)))
}

/// The audit log, newest first.
///
/// # Errors
/// When the store cannot be read.
pub async fn audit(app: &App, query: AuditQuery) -> Result<Page<AuditEntry>, RosterError> {
    let read = app.store.read(store::AuditQuery {
        since: since(app, query.since),
        before: stored_mark(query.mark),
        limit: limit(query.limit),
    });
    let read = read.await.map_err(|error| read_error(&error))?;
    Ok(app.look(|roster| page(read, |(number, line)| entry(*number, app.opened(roster, line.clone())))))
}

/// What a check of the whole audit log finds.
///
/// # Errors
/// When the store cannot be read.
pub async fn verify_audit(app: &App) -> Result<AuditCheck, RosterError> {
    let check = app.store.verify_audit().await.map_err(|error| read_error(&error))?;
    let end = check.end.unwrap_or_default();
    Ok(AuditCheck {
        entries: check.lines,
        last: end.number,
        hash: data_encoding::HEXLOWER.encode(&end.hash),
        faults: check.faults.iter().map(ToString::to_string).collect(),
    })
}

/// A line of the audit log that is opened, for clients.
pub(super) fn entry(number: u64, line: model::AuditLine) -> AuditEntry {
    AuditEntry {
        number,
        at: line.at,
        who: line.who,
        action: line.action,
        on: line.on.to_string(),
        old: line.old,
        new: line.new,
        cause: line.cause,
    }
}

fn week((origin, week): (Origin, rollup::Week)) -> Week {
    let numbers = |pick: &dyn Fn(Spread) -> u64| {
        let mut numbers = Numbers::default();
        Metric::ALL.into_iter().for_each(|metric| numbers.set(metric, week.spread(metric).map(pick)));
        numbers
    };
    let mut last = numbers(&|spread| spread.last);
    last.top_age_range = week.top_age_range;
    Week {
        date: week.monday,
        days: week.count(),
        source: origin.source,
        read_with: origin.read_with,
        followers_step: week.followers_step,
        definition: week.definition,
        first: numbers(&|spread| spread.first),
        last,
        least: numbers(&|spread| spread.least),
        most: numbers(&|spread| spread.most),
    }
}

/// A connection's snapshots and weeks, oldest first.
///
/// # Errors
/// No such connection, or the store cannot be read.
pub async fn history(app: &App, named: &str, since: Option<Date>, until: Option<Date>) -> Result<History, RosterError> {
    let all = app.look(|roster| resolve::connection(roster, named).map(store::HistoryQuery::of))?;
    let query = store::HistoryQuery { since, until, ..all };
    let (weeks, snapshots) = futures::join!(app.store.read(store::WeeksQuery(query)), app.store.read(query));
    let mut weeks: Vec<Week> = weeks.map_err(|error| read_error(&error))?.into_iter().map(week).collect();
    let mut snapshots = snapshots.map_err(|error| read_error(&error))?;
    let further = [
        weeks.get(SNAPSHOTS_PER_RESPONSE).map(|week| week.date),
        snapshots.get(SNAPSHOTS_PER_RESPONSE).map(|snapshot| snapshot.date),
    ];
    let next = further.into_iter().flatten().min();
    if let Some(next) = next {
        weeks.retain(|week| week.date < next);
        snapshots.retain(|snapshot| snapshot.date < next);
    }
    let limit = retention::limit(app, all.connection, app.clock.now());
    let last = [next.map(|next| next.plus_days(-1)), until].into_iter().flatten().min();
    let days = since.unwrap_or(Date(i32::MIN))..=last.unwrap_or(Date(i32::MAX));
    let reported = reported(app, all.connection, days).await?;
    Ok(History { connection: all.connection, weeks, snapshots, reported, limit, next })
}

/// What a platform reported to the owner of a connection's account.
async fn reported(app: &App, id: ConnectionId, days: RangeInclusive<Date>) -> Result<Reported, RosterError> {
    let read = app.store.read(store::ReportedQuery { connection: id, days }).await;
    let (days, audience) = read.map_err(|error| read_error(&error))?;
    let terms = app.look(|roster| {
        let platform = &roster.platforms.get(&roster.connections.get(&id)?.platform)?.platform;
        platform.info().reports.map(|reports| reports.terms())
    });
    Ok(Reported { days, audience, terms })
}
