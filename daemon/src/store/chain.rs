//! The audit log as a chain: each line has a hash over the line before it and what is stored of itself, which is ciphertext
//! where it is personal, so that an erasure breaks nothing.
//!
//! Where the chain ends is written with each line, in the same transaction. What retention deletes, it deletes from the left,
//! and keeps the hash of the last line that is gone.

use redb::{ReadableTable, WriteTransaction};
use roster_protocol::time::Timestamp;
use sha2::{Digest, Sha256};

use super::Store;
use super::commit::AuditPut;
use super::envelope::Unreadable;
use super::error::StoreError;
use super::queries::Query;
use super::reader::Reader;
use super::records::audit::{Stored, read, row};
use super::records::{self, Record, number_of};
use super::tables::Records;
use crate::model::{AuditFault, AuditLine, ChainEnd, DataKey};

type Hash = [u8; 32];

/// The keys of the last line, and of the last line that was deleted, in [`Records::Meta`].
pub(super) const END: &[u8] = b"audit.end";
const BASE: &[u8] = b"audit.base";
/// How many lines one transaction reads or deletes.
const LINES: usize = 5_000;
/// The most faults that are named.
const MOST_NAMED: usize = 100;

/// A line that was written: what the log says of it.
pub(super) struct Written {
    number: u64,
    hash: Hash,
    action: String,
    what: String,
    influencer: Option<String>,
}

impl Written {
    /// Copies it to the daemon's log, where it is out of reach of one who can change the store.
    pub(super) fn log(&self) {
        let (number, hash) = (self.number, data_encoding::HEXLOWER.encode(&self.hash));
        let influencer = self.influencer.as_deref().unwrap_or_default();
        tracing::info!(number, action = self.action, on = self.what, influencer, hash, "audit");
    }
}

fn hash_of(before: &Hash, number: u64, payload: &[u8]) -> Hash {
    let bytes = Sha256::new().chain_update(before).chain_update(number.to_be_bytes()).chain_update(payload);
    bytes.finalize().into()
}

/// Writes lines under the next numbers, and where the chain ends then.
pub(super) fn append<'a>(
    txn: &WriteTransaction,
    lines: impl Iterator<Item = &'a AuditPut>,
) -> Result<Vec<Written>, StoreError> {
    let mut lines = lines.peekable();
    match lines.peek() {
        None => Ok(Vec::new()),
        Some(_) => append_to(txn, end_of(txn)?, lines),
    }
}

fn append_to<'a>(
    txn: &WriteTransaction,
    mut end: ChainEnd,
    lines: impl Iterator<Item = &'a AuditPut>,
) -> Result<Vec<Written>, StoreError> {
    let mut written = Vec::new();
    let mut table = txn.open_table(Records::Audit.definition())?;
    for line in lines {
        let number = end.number.saturating_add(1);
        end = ChainEnd { number, hash: hash_of(&end.hash, number, &line.payload) };
        table.insert(&number.to_be_bytes()[..], row(number, &line.payload, &end.hash).as_slice())?;
        let (action, what) = (line.action.clone(), line.what.clone());
        written.push(Written { number, hash: end.hash, action, what, influencer: line.influencer.clone() });
    }
    put(txn, END, end)?;
    Ok(written)
}

/// Where the chain ends. Without a record of it, at the last line that is there.
fn end_of(txn: &WriteTransaction) -> Result<ChainEnd, StoreError> {
    let recorded = {
        let meta = txn.open_table(Records::Meta.definition())?;
        let value = meta.get(END)?;
        value.and_then(|value| decode(END, value.value()).ok())
    };
    let table = txn.open_table(Records::Audit.definition())?;
    let last = table.last()?.map(|(key, value)| {
        let hash = read(key.value(), value.value()).ok().and_then(|stored| stored.chained);
        let number = number_of(key.value()).unwrap_or_default();
        ChainEnd { number, hash: hash.map_or([0; 32], |(_, hash)| hash) }
    });
    Ok(match (recorded, last) {
        (Some(recorded), Some(last)) => ChainEnd { number: recorded.number.max(last.number), ..recorded },
        (recorded, last) => recorded.or(last).unwrap_or_default(),
    })
}

fn put(txn: &WriteTransaction, key: &[u8], end: ChainEnd) -> Result<(), StoreError> {
    let payload = [&end.number.to_be_bytes()[..], &end.hash].concat();
    txn.open_table(Records::Meta.definition())?.insert(key, records::plain(Records::Meta, key, &payload).as_slice())?;
    Ok(())
}

fn decode(key: &[u8], encoded: &[u8]) -> Result<ChainEnd, Unreadable> {
    let payload = records::read_plain(Records::Meta, key, encoded)?;
    let (number, hash) = payload.split_first_chunk::<8>().ok_or(Unreadable::Damaged)?;
    let hash = hash.try_into().map_err(|_| Unreadable::Damaged)?;
    Ok(ChainEnd { number: u64::from_be_bytes(*number), hash })
}

impl Store {
    /// The lines that a format before 5 wrote, which are in no chain yet, in order; none when the chain is begun. One that was
    /// damaged or missing has another in its place that says so, because each keeps its number.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub async fn unchained_audit(&self) -> Result<Vec<AuditLine>, StoreError> {
        self.with_reader(|reader| reader.unchained()).await
    }

    /// Chains these lines in the place of those that [`Store::unchained_audit`] returned, and stores the keys that seal them,
    /// in one transaction.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub async fn begin_chain(&self, lines: Vec<AuditLine>, keys: Vec<DataKey>) -> Result<(), StoreError> {
        self.alone(move |txn, _| begin(txn, &lines, &keys)).await
    }

    /// Deletes the lines before a time, from the left; returns how many.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub async fn prune_audit(&self, before: Timestamp) -> Result<u64, StoreError> {
        let mut deleted = 0;
        loop {
            let lines = self.alone(move |txn, _| cut(txn, before)).await?;
            deleted += lines as u64;
            if lines == 0 {
                return Ok(deleted);
            }
        }
    }

    /// Follows the whole chain.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub async fn verify_audit(&self) -> Result<ChainCheck, StoreError> {
        let mut check = ChainCheck::default();
        while !check.is_over {
            check = self.read(CheckedChain(check)).await?;
        }
        Ok(check)
    }
}

fn begin(txn: &WriteTransaction, lines: &[AuditLine], keys: &[DataKey]) -> Result<(), StoreError> {
    for key in keys {
        let of = key.key();
        txn.open_table(Records::DataKeys.definition())?.insert(of.as_slice(), key.value(&of)?.as_slice())?;
    }
    let first = {
        let table = txn.open_table(Records::Audit.definition())?;
        let first = table.first()?.and_then(|(key, _)| number_of(key.value()));
        first.unwrap_or(1)
    };
    let base = ChainEnd { number: first.saturating_sub(1), hash: [0; 32] };
    put(txn, BASE, base)?;
    let puts = lines.iter().map(AuditPut::of).collect::<Result<Vec<_>, _>>()?;
    append_to(txn, base, puts.iter()).map(drop)
}

/// Stands for a line that could not be read when the chain began.
fn lost(at: Timestamp) -> AuditLine {
    let (action, cause) = ("audit.lost".to_owned(), "migration".to_owned());
    AuditLine { at, who: None, action, on: "audit".into(), old: None, new: None, cause, sealed: None }
}

/// Deletes the oldest lines before `end`, up to [`LINES`], and returns how many.
fn cut(txn: &WriteTransaction, end: Timestamp) -> Result<usize, StoreError> {
    let mut table = txn.open_table(Records::Audit.definition())?;
    let (mut keys, mut base) = (Vec::new(), None);
    for row in table.iter()?.take(LINES) {
        let (key, value) = row?;
        keys.push(key.value().to_vec());
        let Ok(Stored { number, line, chained: Some((_, hash)) }) = read(key.value(), value.value()) else { continue };
        if line.at >= end {
            break;
        }
        // A damaged line goes with the next one that is old enough.
        base = Some((keys.len(), ChainEnd { number, hash }));
    }
    let Some((count, base)) = base else { return Ok(0) };
    for key in &keys[..count] {
        table.remove(key.as_slice())?;
    }
    put(txn, BASE, base)?;
    Ok(count)
}

/// How far the chain has been followed, and what was found.
#[derive(Clone, Debug, Default)]
pub struct ChainCheck {
    /// The lines that were read.
    pub lines: u64,
    /// Where the chain ends; `None` when that is not known.
    pub end: Option<ChainEnd>,
    /// What is wrong, the first hundred faults.
    pub faults: Vec<AuditFault>,
    /// The line before the next one; its hash, unless that is not known.
    number: u64,
    hash: Option<Hash>,
    /// Whether some lines are chained, and the first that is not.
    is_chained: bool,
    plain: Option<u64>,
    is_over: bool,
}

impl ChainCheck {
    /// Begins, or goes on behind what was deleted meanwhile.
    fn from(&mut self, base: ChainEnd) {
        if self.lines == 0 && self.hash.is_none() || base.number > self.number {
            (self.number, self.hash) = (base.number, Some(base.hash));
        }
    }

    fn see(&mut self, number: u64, stored: Result<Stored, Unreadable>) {
        if number > self.number.saturating_add(1) {
            self.fault(AuditFault::Missing { from: self.number + 1, to: number - 1 });
            self.hash = None;
        }
        self.lines += 1;
        self.number = number;
        let before = self.hash.take();
        match stored.map(|stored| stored.chained) {
            Ok(Some((payload, hash))) => {
                self.is_chained = true;
                if before.is_some_and(|before| hash_of(&before, number, &payload) != hash) {
                    self.fault(AuditFault::Changed(number));
                }
                self.hash = Some(hash);
            }
            Ok(None) => self.plain = self.plain.or(Some(number)),
            // Only a newer rosterd can follow it.
            Err(Unreadable::Newer(_)) => {}
            Err(Unreadable::Damaged) => self.fault(AuditFault::Damaged(number)),
        }
    }

    fn end(&mut self, recorded: Option<Result<ChainEnd, Unreadable>>) {
        self.is_over = true;
        let Some(Ok(end)) = recorded else {
            // A log that no chain was begun for has no end either.
            if recorded.is_some() || self.is_chained {
                self.fault(AuditFault::NoEnd);
            }
            return;
        };
        self.end = Some(end);
        if let Some(number) = self.plain {
            self.fault(AuditFault::Changed(number));
        }
        if end.number > self.number {
            self.fault(AuditFault::Missing { from: self.number + 1, to: end.number });
        } else if end.number < self.number {
            self.fault(AuditFault::Added(end.number + 1));
        } else if self.hash.is_some_and(|hash| hash != end.hash) {
            self.fault(AuditFault::Changed(end.number));
        }
    }

    fn fault(&mut self, fault: AuditFault) {
        if self.faults.len() < MOST_NAMED {
            self.faults.push(fault);
        }
    }
}

/// Follows the chain for some more lines.
struct CheckedChain(ChainCheck);

impl Query for CheckedChain {
    type Output = ChainCheck;

    fn read(self, reader: &Reader<'_>) -> Result<ChainCheck, StoreError> {
        reader.check_chain(self.0)
    }
}

impl Reader<'_> {
    /// The whole chain in this transaction.
    pub(super) fn whole_chain(&self) -> Result<ChainCheck, StoreError> {
        let mut check = ChainCheck::default();
        while !check.is_over {
            check = self.check_chain(check)?;
        }
        Ok(check)
    }

    fn check_chain(&self, mut check: ChainCheck) -> Result<ChainCheck, StoreError> {
        match self.chain_end(BASE)? {
            Some(Err(_)) if check.lines == 0 => check.fault(AuditFault::NoEnd),
            base => check.from(base.and_then(Result::ok).unwrap_or_default()),
        }
        let first = check.number.saturating_add(1).to_be_bytes();
        let mut seen = 0;
        if let Some(table) = self.table(Records::Audit)? {
            for row in table.range::<&[u8]>(&first[..]..)?.take(LINES) {
                let (key, value) = row?;
                seen += 1;
                check.see(number_of(key.value()).unwrap_or(u64::MAX), read(key.value(), value.value()));
            }
        }
        if seen < LINES {
            check.end(self.chain_end(END)?);
        }
        Ok(check)
    }

    fn chain_end(&self, key: &[u8]) -> Result<Option<Result<ChainEnd, Unreadable>>, StoreError> {
        let meta = self.txn.open_table(Records::Meta.definition())?;
        Ok(ReadableTable::get(&meta, key)?.map(|value| decode(key, value.value())))
    }

    fn unchained(&self) -> Result<Vec<AuditLine>, StoreError> {
        let mut lines: Vec<AuditLine> = Vec::new();
        let Some(table) = self.table(Records::Audit)? else { return Ok(lines) };
        if self.chain_end(END)?.is_some() {
            return Ok(lines);
        }
        let mut first = None;
        for row in table.iter()? {
            let (key, value) = row?;
            let Some(number) = number_of(key.value()) else { continue };
            let index = usize::try_from(number - *first.get_or_insert(number)).unwrap_or_default();
            let at = lines.last().map_or(Timestamp(0), |line| line.at);
            lines.resize_with(lines.len().max(index), || lost(at));
            match read(key.value(), value.value()) {
                // One that was chained without an end: it was repaired.
                Ok(Stored { chained: Some(_), .. }) => return Ok(Vec::new()),
                read => lines.push(read.map_or_else(|_| lost(at), |stored| stored.line)),
            }
        }
        Ok(lines)
    }
}
