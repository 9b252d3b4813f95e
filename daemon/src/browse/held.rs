//! Everything that is held about one person, part by part, from the roster in memory and the store: the right of access.
//!
//! `store::tables_about_people` says which tables have a part in it; each part is read here, and a part that is not does not
//! compile.

mod kept;
mod memory;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::Arc;

use roster_protocol::audit::Who;
use roster_protocol::error::RosterError;
use roster_protocol::folding::folded;
use roster_protocol::held::{Held, HeldPage, Part};
use roster_protocol::ids::{ConnectionId, InfluencerId};
use roster_protocol::service::{ChangesQuery, PAGE_ROWS, Page, PageMark, RequestsQuery, RunsQuery};
use roster_protocol::text::clean;
use roster_protocol::time::Date;

use super::{deliveries, lists};
use crate::app::{App, read_error};
use crate::model::{On, Removal};
use crate::roster::{Roster, resolve, rows};
use crate::store::{self, Mark};

/// The longest sentence of an error.
const CHARACTERS: usize = 300;
/// How many pages of a list that is about everything are searched for one response.
const SEARCHED: usize = 20;

/// Whom it is about.
pub struct Person {
    pub id: InfluencerId,
    pub name: String,
    /// Also those that are disconnected, in the order of their ids.
    pub connections: Vec<ConnectionId>,
    /// The influencers who were merged with this one, who are the same person: the log of actions names them, too.
    pub before: HashSet<InfluencerId>,
}

/// Where a page begins: a part, and where in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Position {
    part: usize,
    within: Vec<u8>,
}

/// What was read of a part, and where it continues.
struct Read {
    rows: Vec<Held>,
    next: Option<Vec<u8>>,
}

impl Position {
    fn of(mark: Option<Vec<u8>>) -> Result<Self, RosterError> {
        let Some(mark) = mark else { return Ok(Self::default()) };
        let (part, within) = mark.split_first().ok_or_else(unknown_mark)?;
        Ok(Self { part: usize::from(*part), within: within.to_vec() })
    }

    fn mark(&self) -> Vec<u8> {
        [&[self.part as u8][..], &self.within].concat()
    }
}

/// That an influencer was removed within the day, and all of it is still held.
fn removed(roster: &Roster, named: &str) -> Option<RosterError> {
    let named = named.trim();
    let is_it = |it: &&Removal| {
        let influencer = it.influencer.as_ref();
        influencer.is_some_and(|it| folded(&it.name) == folded(named) || it.id.to_string() == named)
    };
    let removal = roster.removals.values().find(is_it)?;
    let found = format!("{named} was removed, and what is held of them is deleted at {}", removal.ends_at);
    let fix = "`roster undo`, by who removed them, brings it back: export it then, and remove or erase them again";
    Some(RosterError::conflict(clean(&found, CHARACTERS)).hint(fix))
}

fn unknown_mark() -> RosterError {
    RosterError::usage("no page of an export begins there")
}

/// A page of everything that is held about an influencer. The audit log says who began to read it.
///
/// # Errors
/// No influencer of that name, or the store cannot be read.
pub async fn page(app: &Arc<App>, who: &Who, named: &str, mark: Option<Vec<u8>>) -> Result<HeldPage, RosterError> {
    let person = app.look(|roster| {
        let influencer = resolve::influencer(roster, named).map_err(|error| removed(roster, named).unwrap_or(error))?;
        let mut connections: Vec<ConnectionId> = roster.all_connections_of(influencer.id).map(|it| it.id).collect();
        connections.sort();
        let keys = roster.data_keys.values().filter(|key| key.now == influencer.id);
        let before = keys.map(|key| key.of).chain([influencer.id]).collect();
        Ok::<_, RosterError>(Person { id: influencer.id, name: influencer.name.clone(), connections, before })
    })?;
    let is_first = mark.is_none();
    if is_first {
        let on = On::of(person.id, person.id, person.name.clone());
        app.note(who, "influencer.export", on, "all that is held").await;
    }
    let mut at = Position::of(mark)?;
    let mut rows = Vec::new();
    while let Some(part) = Part::ALL.get(at.part).filter(|_| rows.is_empty()) {
        let read = read(app, who, &person, *part, std::mem::take(&mut at.within)).await?;
        rows = read.rows.into_iter().map(|held| (*part, held)).collect();
        match read.next {
            Some(within) => {
                at.within = within;
                // Nothing was found there yet, and the caller may be let know that it goes on.
                if rows.is_empty() {
                    break;
                }
            }
            None => at.part += 1,
        }
    }
    let kept = if is_first { kept::all(app) } else { Vec::new() };
    let next = (at.part < Part::ALL.len()).then(|| at.mark());
    Ok(HeldPage { influencer: person.id, name: person.name, at: app.clock.now(), rows, kept, next })
}

async fn read(app: &App, who: &Who, person: &Person, part: Part, within: Vec<u8>) -> Result<Read, RosterError> {
    let named = Some(person.id.to_string());
    let mark = (!within.is_empty()).then(|| PageMark(within.clone()));
    let limit = PAGE_ROWS;
    Ok(match part {
        Part::History => history(app, person, &within).await?,
        Part::Audiences => audiences(app, person).await?,
        Part::Changes => {
            let query = ChangesQuery { since: None, of: named, mark, limit };
            of(lists::changes(app, query).await?, |change| Held::Change(Box::new(change)))
        }
        Part::Runs => {
            let query = RunsQuery { since: None, connection: named, outcome: None, mark, limit };
            of(lists::runs(app, query).await?, |run| Held::Run(Box::new(run)))
        }
        Part::Requests => {
            let query = RequestsQuery { connection: named, mark, limit, ..RequestsQuery::default() };
            of(lists::requests(app, query).await?, |request| Held::Request(Box::new(request)))
        }
        Part::Alerts => {
            let (alerts, next) = alerts(app, person, within).await?;
            let now = app.clock.now();
            let shown = |alert| app.look(|roster| rows::alert_of(roster, who, rows::alert(roster, alert, now), now));
            Read { rows: alerts.iter().map(|alert| Held::Alert(Box::new(shown(alert)))).collect(), next }
        }
        Part::Deliveries => {
            let (alerts, next) = alerts(app, person, within).await?;
            let mut rows = Vec::new();
            for alert in alerts {
                rows.extend(
                    deliveries::all_of(app, alert.id).await?.into_iter().map(|it| Held::Delivery(Box::new(it))),
                );
            }
            Read { rows, next }
        }
        Part::Audit => audit(app, person, within).await?,
        Part::Notifications => {
            let of = person.connections.iter().copied().collect();
            let read = app.store.read(store::ReceiptsOf(of)).await.map_err(|error| read_error(&error))?;
            Read { rows: read.iter().flat_map(|receipt| memory::receipt(person, receipt)).collect(), next: None }
        }
        Part::Influencer
        | Part::Connections
        | Part::Grants
        | Part::Tokens
        | Part::Consents
        | Part::Limits
        | Part::Subscriptions
        | Part::Rules
        | Part::Silences
        | Part::Undo
        | Part::Keys => Read { rows: memory::rows(app, person, part), next: None },
    })
}

fn of<Row>(page: Page<Row>, held: impl Fn(Row) -> Held) -> Read {
    Read { rows: page.rows.into_iter().map(held).collect(), next: page.next.map(|mark| mark.0) }
}

/// Days and weeks of one connection after the other. Where it continues: which connection, and the day.
async fn history(app: &App, person: &Person, within: &[u8]) -> Result<Read, RosterError> {
    let (from, since) = match within.split_first_chunk::<5>() {
        Some((id, day)) => {
            let day = day.try_into().map_err(|_| unknown_mark())?;
            (ConnectionId::from_bytes(*id), Some(Date(i32::from_be_bytes(day))))
        }
        None => (ConnectionId::from_bytes([0; 5]), None),
    };
    let mut left = person.connections.iter().filter(|connection| **connection >= from);
    let Some(connection) = left.next() else { return Ok(Read { rows: Vec::new(), next: None }) };
    let since = since.filter(|since| since.0 != i32::MIN);
    let part = lists::history(app, &connection.to_string(), since, None).await?;
    let at = |connection: &ConnectionId, day: i32| [&connection.0[..], &day.to_be_bytes()].concat();
    let next = match part.next {
        Some(day) => Some(at(connection, day.0)),
        None => left.next().map(|next| at(next, i32::MIN)),
    };
    let is_empty = part.weeks.is_empty() && part.snapshots.is_empty() && part.reported.days.is_empty();
    let (connection, days) = (*connection, part.reported.days);
    let held = Held::History { connection, weeks: part.weeks, snapshots: part.snapshots, days };
    Ok(Read { rows: (!is_empty).then_some(held).into_iter().collect(), next })
}

async fn audiences(app: &App, person: &Person) -> Result<Read, RosterError> {
    let mut rows = Vec::new();
    for connection in person.connections.iter().copied() {
        let read = app.store.read(store::AudiencesOf(connection)).await.map_err(|error| read_error(&error))?;
        rows.extend(read.into_iter().map(|read| Held::Audience {
            connection,
            date: read.date,
            audience: Box::new(read.audience),
        }));
    }
    Ok(Read { rows, next: None })
}

/// Alerts of every state about this person, newest first.
async fn alerts(
    app: &App,
    person: &Person,
    within: Vec<u8>,
) -> Result<(Vec<crate::model::Alert>, Option<Vec<u8>>), RosterError> {
    let mut before = (!within.is_empty()).then_some(Mark(within));
    for _ in 0..SEARCHED {
        let query = store::LatestAlerts { before, limit: PAGE_ROWS as usize };
        let mut read = app.store.read(query).await.map_err(|error| read_error(&error))?;
        read.rows.retain(|alert| alert.about.influencer() == Some(person.id));
        before = read.next;
        if !read.rows.is_empty() || before.is_none() {
            return Ok((read.rows, before.map(|mark| mark.0)));
        }
    }
    Ok((Vec::new(), before.map(|mark| mark.0)))
}

/// Lines of the audit log about this person, newest first.
async fn audit(app: &App, person: &Person, within: Vec<u8>) -> Result<Read, RosterError> {
    let mut before = (!within.is_empty()).then_some(Mark(within));
    for _ in 0..SEARCHED {
        let query = store::AuditQuery { since: None, before, limit: PAGE_ROWS as usize };
        let read = app.store.read(query).await.map_err(|error| read_error(&error))?;
        before = read.next;
        let own =
            read.rows.into_iter().filter(|(_, line)| line.on.influencer.is_some_and(|of| person.before.contains(&of)));
        let rows = app.look(|roster| {
            let entry = |(number, line)| lists::entry(number, app.opened(roster, line));
            own.map(|line| Held::Audit(Box::new(entry(line)))).collect::<Vec<_>>()
        });
        if !rows.is_empty() || before.is_none() {
            return Ok(Read { rows, next: before.map(|mark| mark.0) });
        }
    }
    Ok(Read { rows: Vec::new(), next: before.map(|mark| mark.0) })
}
