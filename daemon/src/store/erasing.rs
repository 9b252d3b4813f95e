//! Finds and deletes what is stored about an influencer who is erased and is in no memory: what happened, by their ids.

use std::collections::HashSet;

use redb::ReadableTable;
use roster_protocol::ids::{ConnectionId, InfluencerId};
use roster_protocol::time::Date;

use super::Store;
use super::cleaning::delete;
use super::error::StoreError;
use super::queries::Query;
use super::reader::Reader;
use super::records::{self, Record, delivery_key};
use super::tables::{Records, split_timed_key};
use crate::model::{Alert, BudgetUse, Delivery, Receipt, RequestBlock, Tombstone};

/// How many rows one transaction deletes or changes.
const ROWS: usize = 5_000;

/// Whose rows.
#[derive(Clone, Debug, Default)]
pub struct Held {
    pub influencers: HashSet<InfluencerId>,
    pub connections: HashSet<ConnectionId>,
}

impl From<&Tombstone> for Held {
    fn from(tombstone: &Tombstone) -> Self {
        Self {
            influencers: tombstone.influencers.iter().copied().collect(),
            connections: tombstone.connections.iter().copied().collect(),
        }
    }
}

impl Held {
    fn has(&self, alert: &Alert) -> bool {
        alert.about.influencer().is_some_and(|id| self.influencers.contains(&id))
            || alert.about.connection().is_some_and(|id| self.connections.contains(&id))
    }
}

/// How many rows about an influencer there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ErasureCounts {
    /// Days of measured numbers, and weeks of days long past.
    pub snapshots: u64,
    /// Days that platforms reported to the owner.
    pub reported: u64,
    pub runs: u64,
    pub changes: u64,
    pub alerts: u64,
    pub deliveries: u64,
    pub requests: u64,
    /// Lines of the audit log that name them: they stay, and cannot be read any more.
    pub audit: u64,
}

impl Query for Held {
    type Output = ErasureCounts;

    fn read(self, reader: &Reader<'_>) -> Result<ErasureCounts, StoreError> {
        let mut counts = ErasureCounts::default();
        let ever = Date(i32::MIN)..=Date(i32::MAX);
        for connection in &self.connections {
            counts.snapshots += reader.history(*connection, ever.clone())?.len() as u64;
            counts.reported += reader.reported_days(*connection, &ever)?.len() as u64;
        }
        let of_theirs = |table| reader.count(table, |key, _| is_of(&self, key));
        counts.runs = of_theirs(Records::Runs)?;
        counts.changes = of_theirs(Records::Changes)?;
        let mut numbers = HashSet::new();
        counts.alerts = reader.count(Records::Alerts, |key, value| {
            let alert = records::read::<Alert>(Records::Alerts, key, value).ok().filter(|alert| self.has(alert));
            alert.is_some_and(|alert| numbers.insert(alert.number))
        })?;
        for table in [Records::Deliveries, Records::DeliveriesPending] {
            counts.deliveries += reader.count(table, |key, value| is_about(&numbers, table, key, value))?;
        }
        let mut requests = 0;
        reader.count(Records::Requests, |key, value| {
            let block = records::read::<RequestBlock>(Records::Requests, key, value);
            requests += block.map_or(0, |block| block.requests.iter().filter(|it| is_theirs(&self, it)).count() as u64);
            false
        })?;
        counts.requests = requests;
        counts.audit = reader.count(Records::Audit, |key, value| {
            let line = records::audit::read(key, value).ok().map(|stored| stored.line);
            line.is_some_and(|line| line.on.influencer.is_some_and(|id| self.influencers.contains(&id)))
        })?;
        Ok(counts)
    }
}

fn is_of(held: &Held, key: &[u8]) -> bool {
    split_timed_key(key).is_some_and(|(_, connection)| held.connections.contains(&connection))
}

fn is_theirs(held: &Held, request: &roster_protocol::ProviderRequest) -> bool {
    request.connection.is_some_and(|connection| held.connections.contains(&connection))
}

fn is_about(numbers: &HashSet<u64>, table: Records, key: &[u8], value: &[u8]) -> bool {
    records::read::<Delivery>(table, key, value).is_ok_and(|delivery| numbers.contains(&delivery.key.alert))
}

impl Reader<'_> {
    /// How many rows of a table `wants` wants.
    fn count(&self, table: Records, mut wants: impl FnMut(&[u8], &[u8]) -> bool) -> Result<u64, StoreError> {
        let mut count = 0;
        let Some(rows) = self.table(table)? else { return Ok(count) };
        for row in rows.iter()? {
            let (key, value) = row?;
            count += u64::from(wants(key.value(), value.value()));
        }
        Ok(count)
    }

    /// The keys of a table's rows that `wants` wants.
    fn keys(&self, table: Records, mut wants: impl FnMut(&[u8], &[u8]) -> bool) -> Result<Vec<Vec<u8>>, StoreError> {
        let mut keys = Vec::new();
        self.count(table, |key, value| {
            let is_wanted = wants(key, value);
            if is_wanted {
                keys.push(key.to_vec());
            }
            is_wanted
        })?;
        Ok(keys)
    }
}

impl Store {
    /// Deletes every row about an influencer that the commit of their erasure left. It can be begun again after a crash.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub async fn erase(&self, tombstone: &Tombstone) -> Result<(), StoreError> {
        let held = Held::from(tombstone);
        // Runs and changes, as of any connection that was removed.
        self.sweep().await?;
        self.erase_alerts(held.clone()).await?;
        let of = held.clone();
        self.take_out(move |block: &mut RequestBlock| {
            let before = block.requests.len();
            block.requests.retain(|request| !is_theirs(&of, request));
            taken(block.requests.len() < before, block.requests.is_empty())
        })
        .await?;
        let of = held.clone();
        // That a notification was received stays: the platform may repeat it.
        self.take_out(move |receipt: &mut Receipt| {
            let before = receipt.marked.len();
            receipt.marked.retain(|(connection, _)| !of.connections.contains(connection));
            taken(receipt.marked.len() < before, false)
        })
        .await?;
        let of = tombstone.clone();
        self.erase_rows(Records::Budgets, move |key, value| {
            let spent = records::read::<BudgetUse>(Records::Budgets, key, value);
            spent.is_ok_and(|spent| of.has(&spent.key))
        })
        .await?;
        self.erase_rows(Records::Quarantine, move |key, _| may_name(&held, key)).await
    }

    async fn erase_alerts(&self, held: Held) -> Result<(), StoreError> {
        let of = held.clone();
        let alerts = self.with_reader(move |reader| {
            let mut alerts = Vec::new();
            reader.count(Records::Alerts, |key, value| {
                let alert = records::read::<Alert>(Records::Alerts, key, value).ok().filter(|alert| of.has(alert));
                alerts.extend(alert.map(|alert| (alert.number, alert.id)));
                false
            })?;
            Ok(alerts)
        });
        let alerts = alerts.await?;
        let numbers: HashSet<u64> = alerts.iter().map(|(number, _)| *number).collect();
        for table in [Records::Deliveries, Records::DeliveriesPending] {
            let (of, deliveries) = (numbers.clone(), self.deliveries_in(table, numbers.clone()).await?);
            let ids = deliveries.iter().map(|it| [&it.id.0[..], &delivery_key(&it.key)].concat()).collect();
            self.delete_in(Records::DeliveryIds, ids).await?;
            self.erase_rows(table, move |key, value| is_about(&of, table, key, value)).await?;
        }
        // The alerts last: after a crash in between they still say which deliveries are theirs.
        let keys = |table| match table {
            Records::AlertIds => alerts.iter().map(|(_, id)| id.0.to_vec()).collect::<Vec<_>>(),
            _ => alerts.iter().map(|(number, _)| number.to_be_bytes().to_vec()).collect(),
        };
        for table in [Records::AlertIds, Records::AlertsLive, Records::Alerts] {
            self.delete_in(table, keys(table)).await?;
        }
        Ok(())
    }

    async fn deliveries_in(&self, table: Records, numbers: HashSet<u64>) -> Result<Vec<Delivery>, StoreError> {
        self.with_reader(move |reader| {
            let mut found = Vec::new();
            reader.count(table, |key, value| {
                let delivery = records::read::<Delivery>(table, key, value).ok();
                found.extend(delivery.filter(|delivery| numbers.contains(&delivery.key.alert)));
                false
            })?;
            Ok(found)
        })
        .await
    }

    /// Takes out of the rows of a table what is theirs.
    async fn take_out<R: Record>(
        &self,
        change: impl FnMut(&mut R) -> Taken + Clone + Send + 'static,
    ) -> Result<(), StoreError> {
        let mut look = change.clone();
        let has_theirs = move |key: &[u8], value: &[u8]| {
            records::read::<R>(R::TABLE, key, value).is_ok_and(|mut row| look(&mut row) != Taken::Nothing)
        };
        let keys = self.with_reader(move |reader| reader.keys(R::TABLE, has_theirs)).await?;
        for some in keys.chunks(ROWS).map(<[_]>::to_vec) {
            let mut change = change.clone();
            self.alone(move |txn, _| {
                let mut rows = txn.open_table(R::TABLE.definition())?;
                for key in &some {
                    let read = rows.get(key.as_slice())?.map(|value| records::read::<R>(R::TABLE, key, value.value()));
                    let Some(Ok(mut row)) = read else { continue };
                    match change(&mut row) {
                        Taken::Nothing => {}
                        Taken::Some => drop(rows.insert(key.as_slice(), row.value(key)?.as_slice())?),
                        Taken::All => drop(rows.remove(key.as_slice())?),
                    }
                }
                Ok(())
            })
            .await?;
        }
        Ok(())
    }

    async fn erase_rows(
        &self,
        table: Records,
        wants: impl FnMut(&[u8], &[u8]) -> bool + Send + 'static,
    ) -> Result<(), StoreError> {
        let keys = self.with_reader(move |reader| reader.keys(table, wants)).await?;
        self.delete_in(table, keys).await
    }

    async fn delete_in(&self, table: Records, keys: Vec<Vec<u8>>) -> Result<(), StoreError> {
        for some in keys.chunks(ROWS).map(<[_]>::to_vec) {
            self.alone(move |txn, _| delete(txn, table, &some)).await?;
        }
        Ok(())
    }
}

/// What was taken out of a row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Taken {
    Nothing,
    Some,
    /// Nothing is left in it.
    All,
}

fn taken(some: bool, is_empty: bool) -> Taken {
    match (some, is_empty) {
        (false, _) => Taken::Nothing,
        (true, false) => Taken::Some,
        (true, true) => Taken::All,
    }
}

/// Whether a damaged row that was put aside may be about them: its key has one of their ids, or it is an alert, a delivery or
/// a block of requests, of which that cannot be known any more.
fn may_name(held: &Held, key: &[u8]) -> bool {
    let (table, key) = key.split_at(key.iter().position(|byte| *byte == 0).unwrap_or_default());
    let of_unknown = [Records::Alerts, Records::Deliveries, Records::DeliveriesPending, Records::Requests];
    let has = |id: &[u8; 5]| key.windows(id.len()).any(|part| part == id);
    of_unknown.iter().any(|it| it.name().as_bytes() == table)
        || held.influencers.iter().any(|id| has(&id.0))
        || held.connections.iter().any(|id| has(&id.0))
}
