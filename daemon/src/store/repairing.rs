//! Writes a new store from all rows of a damaged one that are whole, which is only read.
//!
//! Rows that follow from others are made again: the indexes of the alerts, and what the store knows of itself. A connection
//! whose influencer was lost gets one in its place, since its history could not be requested without.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use redb::{Database, ReadableDatabase, WriteTransaction};
use roster_protocol::alert::AlertState;
use roster_protocol::ids::InfluencerId;
use roster_protocol::stored::CheckedTable;
use roster_protocol::time::Timestamp;

use super::damage::DamageLog;
use super::error::StoreError;
use super::inspection::{Inspection, inspect, inspect_rows};
use super::origin;
use super::reader::Reader;
use super::records::{self, Fold, Format, Record, Stamp};
use super::restoring::Group;
use super::rows::Part;
use super::snapshots::open_chunk;
use super::tables::{CHUNKS, ChunkKey, FORMAT, Records, epoch_of, month_start, split_chunk_key};
use crate::history::chunk::MonthChunk;
use crate::model::{Alert, Influencer};

const CACHE_BYTES: usize = 32 << 20;

/// What a repair took over, and what it had to make.
#[derive(Clone, Debug)]
pub struct Repaired {
    /// The new store's file.
    pub file: PathBuf,
    /// What was found in the damaged one.
    pub found: Inspection,
    /// How many rows the new store has.
    pub rows: u64,
    pub made: Vec<Made>,
}

/// A row that was lost, and is made of others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Made {
    /// The store's format: this version's.
    Format,
    /// The store's id: a new one.
    Id,
    /// How far days are folded, from the months that are there.
    Folded,
    /// An influencer of this name in the place of a lost one, with so many connections.
    Influencer { id: InfluencerId, name: String, connections: u64 },
}

impl Repaired {
    /// Whether nothing is missing.
    pub fn is_whole(&self) -> bool {
        self.made.is_empty() && !self.found.tables.iter().any(CheckedTable::is_damaged)
    }
}

/// Writes a new store into `new_dir` from what is whole in the one in `dir`, of which no byte is changed. Blocks.
///
/// # Errors
/// `InUse` while a daemon has one of them; `NotOurs` when there is a store in `new_dir`, or the damaged one is of an older
/// format; `Damaged` when nothing of it can be read; `Io`. Then there is no new store.
pub fn repair(dir: &Path, new_dir: &Path, now: Timestamp) -> Result<Repaired, StoreError> {
    if origin::is_there(new_dir)? {
        let why = "there is a store already: name a directory that has none".to_owned();
        return Err(StoreError::NotOurs { path: origin::file_in(new_dir), why });
    }
    let was_there = new_dir.exists();
    origin::own_dir(new_dir)?;
    let repaired = build(dir, new_dir, now).and_then(|(found, made)| verified(new_dir, found, made));
    if repaired.is_err() && !was_there {
        let _ = fs::remove_dir_all(new_dir);
    }
    repaired
}

fn build(dir: &Path, new_dir: &Path, now: Timestamp) -> Result<(Inspection, Vec<Made>), StoreError> {
    let _lock = origin::lock(new_dir)?;
    let path = origin::begin_beside(new_dir)?;
    let file = origin::no_follow().read(true).write(true).create_new(true).open(&path)?;
    let database = Database::builder().set_cache_size(CACHE_BYTES).create_file(file)?;
    let found = copy(dir, &database)?;
    let made = complete(&database, now)?;
    drop(database);
    fs::File::open(&path)?.sync_all()?;
    origin::take_place(new_dir, &path, now)?;
    Ok((found, made))
}

fn verified(new_dir: &Path, found: Inspection, made: Vec<Made>) -> Result<Repaired, StoreError> {
    let new = inspect(new_dir)?;
    if new.file_damage.is_some() || new.tables.iter().any(CheckedTable::is_damaged) {
        return Err(StoreError::Damaged { what: format!("what was just written to {}", new.file.display()) });
    }
    let rows = new.tables.iter().map(|table| table.whole).sum();
    Ok(Repaired { file: new.file, found, rows, made })
}

/// Copies every row that is whole, but those that are made again.
fn copy(dir: &Path, database: &Database) -> Result<Inspection, StoreError> {
    let mut group = Group::new(database);
    let mut copied = 0_u64;
    let mut written = Ok(());
    let found = inspect_rows(dir, &mut |part, key, value| {
        let is_made_again = matches!(part, Part::Records(Records::AlertIds | Records::AlertsLive));
        if written.is_ok() && !is_made_again {
            copied += 1;
            written = group.put(part, Some((key, value)));
        }
    })?;
    written?;
    group.commit()?;
    match found.format {
        Some(format) if format < FORMAT => {
            let why = format!("it is of format {format}: a start of rosterd migrates what is whole of it first");
            Err(StoreError::NotOurs { path: found.file, why })
        }
        _ if found.tables.iter().any(|table| table.newer > 0) => {
            let why = "it holds records that only a newer rosterd can read: repair it with that one".to_owned();
            Err(StoreError::NotOurs { path: found.file, why })
        }
        _ if copied == 0 => Err(StoreError::Damaged { what: "no row of it can be read".to_owned() }),
        _ => Ok(found),
    }
}

/// Makes what is missing and follows from what is there.
fn complete(database: &Database, now: Timestamp) -> Result<Vec<Made>, StoreError> {
    let mut txn = database.begin_write()?;
    txn.set_quick_repair(true);
    for table in Records::ALL {
        txn.open_table(table.definition())?;
    }
    txn.open_table(CHUNKS)?;
    txn.commit()?;
    let damage = DamageLog::default();
    let reader = Reader::new(database.begin_read()?, &damage);
    let mut txn = database.begin_write()?;
    txn.set_quick_repair(true);
    let mut made = facts(&reader, &txn, now)?;
    made.extend(influencers(&reader, &txn)?);
    index_alerts(&reader, &txn)?;
    txn.commit()?;
    Ok(made)
}

/// What the store knows of itself.
fn facts(reader: &Reader<'_>, txn: &WriteTransaction, now: Timestamp) -> Result<Vec<Made>, StoreError> {
    let mut made = Vec::new();
    let format = Format(FORMAT);
    if reader.get::<Format>(&format.key())?.is_none() {
        put(txn, &format)?;
        made.push(Made::Format);
    }
    if reader.get::<Stamp>(&Stamp::KEY)?.is_none() {
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(std::io::Error::other)?;
        put(txn, &Stamp { id, created_at: now })?;
        made.push(Made::Id);
    }
    if reader.get::<Fold>(&Fold::default().key())?.is_none()
        && let Some(fold) = fold_of(reader)?
    {
        put(txn, &fold)?;
        made.push(Made::Folded);
    }
    Ok(made)
}

/// How far days are folded, as far as months show it: they have no later day than the mark. `None` when there are none.
fn fold_of(reader: &Reader<'_>) -> Result<Option<Fold>, StoreError> {
    let mut fold = Fold::default();
    for row in reader.rows(Part::Chunks, &[])?.into_iter().flatten() {
        let (key, value) = row?;
        let Ok(key) = ChunkKey::try_from(key) else { continue };
        let chunk =
            open_chunk(&key, value.value(), reader.damage)?.and_then(|payload| MonthChunk::decode(payload).ok());
        let Some(chunk) = chunk.filter(|chunk| !chunk.is_empty()) else { continue };
        let last = month_start(split_chunk_key(&key).0).plus_days(31 - chunk.days().leading_zeros() as i32);
        fold.newest = fold.newest.max(Some(epoch_of(last)));
        fold.snapshots += u64::from(chunk.len());
    }
    Ok(fold.newest.is_some().then_some(fold))
}

/// An influencer for each that connections name and that was lost.
fn influencers(reader: &Reader<'_>, txn: &WriteTransaction) -> Result<Vec<Made>, StoreError> {
    let loaded = reader.load()?;
    let there: BTreeSet<InfluencerId> = loaded.influencers.iter().map(|influencer| influencer.id).collect();
    let mut lost: BTreeMap<InfluencerId, Vec<Timestamp>> = BTreeMap::new();
    for connection in loaded.connections.iter().filter(|connection| !there.contains(&connection.influencer)) {
        lost.entry(connection.influencer).or_default().push(connection.connected_at);
    }
    let make = |(id, connected): (InfluencerId, Vec<Timestamp>)| {
        let name = format!("Recovered {id}");
        let note = Some("made by a repair: the influencer's own record was damaged".to_owned());
        let added_at = connected.iter().copied().min().unwrap_or(Timestamp(0));
        let influencer =
            Influencer { id, name: name.clone(), tags: Vec::new(), note, paused: false, main: None, added_at };
        put(txn, &influencer)?;
        Ok(Made::Influencer { id, name, connections: connected.len() as u64 })
    };
    lost.into_iter().map(make).collect()
}

/// The indexes of the alerts.
fn index_alerts(reader: &Reader<'_>, txn: &WriteTransaction) -> Result<(), StoreError> {
    let mut ids = txn.open_table(Records::AlertIds.definition())?;
    let mut live = txn.open_table(Records::AlertsLive.definition())?;
    for row in reader.rows(Part::Records(Records::Alerts), &[])?.into_iter().flatten() {
        let (key, value) = row?;
        let Ok(alert) = records::read::<Alert>(Records::Alerts, &key, value.value()) else { continue };
        let number = alert.number.to_be_bytes();
        ids.insert(alert.id.0.as_slice(), records::plain(Records::AlertIds, &alert.id.0, &number).as_slice())?;
        if alert.state != AlertState::Resolved {
            live.insert(number.as_slice(), records::plain(Records::AlertsLive, &number, &[]).as_slice())?;
        }
    }
    Ok(())
}

fn put<R: Record>(txn: &WriteTransaction, record: &R) -> Result<(), StoreError> {
    let key = record.key();
    txn.open_table(R::TABLE.definition())?.insert(key.as_slice(), record.value(&key)?.as_slice())?;
    Ok(())
}
