//! Which tables hold something about persons on the roster: what the export of one person must have; and what only an export
//! reads.
//!
//! A new table does not compile until it is classed here, and a part of the export not until it is read (`browse::held`).

use std::collections::HashSet;

use roster_protocol::held::Part;
use roster_protocol::ids::ConnectionId;

use super::error::StoreError;
use super::queries::Query;
use super::reader::Reader;
use super::records;
use super::tables::{CHUNKS, Records};
use crate::model::{AudienceOn, Receipt};

/// Every table by its name, with the part of an export that it belongs to; `None`: nothing in it is about one person.
/// Snapshots that are not folded yet are in tables of their own, named by their days, with what `snapshots.chunks` has.
pub fn tables_about_people() -> Vec<(&'static str, Option<Part>)> {
    let records = Records::ALL.into_iter().map(|table| (table.name(), part_of(table)));
    records.chain([(redb::TableHandle::name(&CHUNKS), Some(Part::History))]).collect()
}

fn part_of(table: Records) -> Option<Part> {
    match table {
        Records::Influencers => Some(Part::Influencer),
        Records::Connections => Some(Part::Connections),
        Records::Weeks | Records::ReportedDays => Some(Part::History),
        Records::Audiences => Some(Part::Audiences),
        Records::Changes => Some(Part::Changes),
        Records::Runs => Some(Part::Runs),
        // Of those that are not over there is another row, which has only their number.
        Records::Alerts => Some(Part::Alerts),
        Records::Deliveries | Records::DeliveriesPending => Some(Part::Deliveries),
        Records::Grants | Records::GrantUses => Some(Part::Grants),
        Records::Tokens => Some(Part::Tokens),
        Records::Consents => Some(Part::Consents),
        Records::Requests => Some(Part::Requests),
        Records::Budgets => Some(Part::Limits),
        Records::Leases => Some(Part::Subscriptions),
        Records::Receipts => Some(Part::Notifications),
        Records::Rules => Some(Part::Rules),
        Records::Silences => Some(Part::Silences),
        Records::Undo => Some(Part::Undo),
        Records::Audit => Some(Part::Audit),
        Records::DataKeys => Some(Part::Keys),
        // Numbers and ids that lead to rows of other tables.
        Records::AlertIds | Records::AlertsLive | Records::DeliveryIds => None,
        // What users have seen; it names alerts by number.
        Records::DesktopShown | Records::ReadMarks => None,
        // Those who are on the roster no more: brought back within the day, they are in all other parts again.
        Records::Removals | Records::Sweeps => None,
        // The code of a request to delete, whose owner is nowhere.
        Records::Deletions => None,
        // About the daemon, platforms, and all accounts together.
        Records::Meta | Records::Holds | Records::Figures | Records::RunDays => None,
        // What cannot be read cannot be exported either.
        Records::Erased | Records::Revoked | Records::Quarantine => None,
    }
}

/// Every audience that is stored of a connection, the newest first: the last of each month.
#[derive(Clone, Copy, Debug)]
pub struct AudiencesOf(pub ConnectionId);

impl Query for AudiencesOf {
    type Output = Vec<AudienceOn>;

    fn read(self, reader: &Reader<'_>) -> Result<Vec<AudienceOn>, StoreError> {
        reader.audiences(self.0)
    }
}

/// The notifications that marked one of these connections due, oldest first.
#[derive(Clone, Debug)]
pub struct ReceiptsOf(pub HashSet<ConnectionId>);

impl Query for ReceiptsOf {
    type Output = Vec<Receipt>;

    fn read(self, reader: &Reader<'_>) -> Result<Vec<Receipt>, StoreError> {
        let mut all: Vec<Receipt> = reader.all(Records::Receipts, records::read)?;
        all.retain(|receipt| receipt.marked.iter().any(|(connection, _)| self.0.contains(connection)));
        Ok(all)
    }
}
