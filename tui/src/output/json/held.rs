//! JSON of what is held about one person: each row in the form that its own command gives, under the name of its part.

use roster_protocol as protocol;
use roster_protocol::held::Held;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::events::{AuditEntry, Change, ProviderRequest, Run};
use super::{Connection, HistoryRow, Influencer, consent, deliveries, reported};

/// The begin of the document; its rows follow, then its end.
#[derive(Debug, Serialize)]
pub struct Head {
    /// Raised when something is renamed, means something else or is left out.
    pub version: u32,
    /// Whom it is about.
    pub influencer: String,
    pub name: String,
    pub at: String,
    /// What each part is, why it is held and how long.
    pub parts: Map<String, Value>,
}

impl Head {
    /// The begin of a document whose first page this is.
    pub fn of(page: &protocol::held::HeldPage) -> Self {
        let part = |(part, kept): &(protocol::held::Part, String)| {
            let (what, why) = part.in_words();
            (part.as_str().to_owned(), json!({"what": what, "why": why, "kept": kept}))
        };
        Self {
            version: protocol::held::VERSION,
            influencer: page.influencer.to_string(),
            name: page.name.clone(),
            at: page.at.to_string(),
            parts: page.kept.iter().map(part).collect(),
        }
    }
}

/// A row as its own command has it.
///
/// # Errors
/// None that a value here can have.
pub fn row(held: &Held) -> serde_json::Result<Value> {
    Ok(match held {
        Held::Influencer(influencer) => {
            let mut value = serde_json::to_value(Influencer::from(&**influencer))?;
            // They are a part of their own.
            value.as_object_mut().map(|fields| fields.remove("connections"));
            value
        }
        Held::Connection(connection) => serde_json::to_value(Connection::from(&**connection))?,
        Held::History { connection, weeks, snapshots, days } => {
            let weeks = weeks.iter().map(|week| HistoryRow::Week(Box::new(week.into())));
            let rows: Vec<HistoryRow> = weeks.chain(snapshots.iter().map(|day| HistoryRow::Day(day.into()))).collect();
            let days: Vec<reported::Day> = days.iter().map(Into::into).collect();
            json!({"connection": connection.to_string(), "snapshots": rows, "days": days})
        }
        Held::Audience { connection, date, audience } => {
            let audience = reported::Audience::from(&(*date, (**audience).clone()));
            json!({"connection": connection.to_string(), "audience": audience})
        }
        Held::Change(change) => serde_json::to_value(Change::from(&**change))?,
        Held::Run(run) => serde_json::to_value(Run::from(&**run))?,
        Held::Alert(alert) => serde_json::to_value(protocol::json::Alert::from(&**alert))?,
        Held::Delivery(delivery) => serde_json::to_value(deliveries::Delivery::from(&**delivery))?,
        Held::Grant(grant) => serde_json::to_value(consent::Grant::from(&**grant))?,
        Held::Request(request) => serde_json::to_value(ProviderRequest::from(&**request))?,
        Held::Audit(entry) => serde_json::to_value(AuditEntry::from(&**entry))?,
        Held::Fields(fields) => {
            Value::Object(fields.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect())
        }
    })
}
