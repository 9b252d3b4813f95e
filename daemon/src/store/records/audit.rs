//! Lines of the audit log. What is personal in them is sealed before it is stored; behind each is the hash that chains it to
//! the one before.

use postcard::{from_bytes, take_from_bytes, to_extend};
use roster_protocol::audit::Who;
use roster_protocol::ids::InfluencerId;
use roster_protocol::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{not_encoded, number_of};
use crate::model::{AuditLine, On, Sealed};
use crate::store::envelope::{self, Unreadable};
use crate::store::error::StoreError;
use crate::store::tables::Records;

/// Version 1 had everything in the clear, and no hash.
pub(in crate::store) const VERSION: u8 = 2;

/// A line of version 1.
#[derive(Serialize, Deserialize)]
struct PlainRecord<'a> {
    at: i64,
    #[serde(borrow)]
    who: Option<(u32, &'a str)>,
    action: &'a str,
    on: &'a str,
    #[serde(borrow)]
    old: Option<&'a str>,
    #[serde(borrow)]
    new: Option<&'a str>,
    cause: &'a str,
}

#[derive(Serialize, Deserialize)]
struct AuditRecord<'a> {
    at: i64,
    #[serde(borrow)]
    who: Option<(u32, &'a str)>,
    action: &'a str,
    on: &'a str,
    influencer: Option<[u8; 5]>,
    cause: &'a str,
    #[serde(borrow)]
    details: Details<'a>,
}

/// A name, the value before and the value after.
#[derive(Serialize, Deserialize)]
enum Details<'a> {
    Plain(#[serde(borrow)] [Option<&'a str>; 3]),
    Sealed(&'a [u8]),
}

/// A line as it is read.
pub(in crate::store) struct Stored {
    pub(in crate::store) number: u64,
    pub(in crate::store) line: AuditLine,
    /// What its hash is over, and the hash; `None` of a line of version 1.
    pub(in crate::store) chained: Option<(Vec<u8>, [u8; 32])>,
}

/// A line's payload without its hash.
pub(in crate::store) fn encode(line: &AuditLine) -> Result<Vec<u8>, StoreError> {
    let details = match &line.sealed {
        Some(sealed) => Details::Sealed(&sealed.0),
        None => Details::Plain([line.on.name.as_deref(), line.old.as_deref(), line.new.as_deref()]),
    };
    let record = AuditRecord {
        at: line.at.0,
        who: line.who.as_ref().map(|who| (who.uid, who.name.as_str())),
        action: &line.action,
        on: &line.on.what,
        influencer: line.on.influencer.map(|influencer| influencer.0),
        cause: &line.cause,
        details,
    };
    to_extend(&record, Vec::new()).map_err(|error| not_encoded("the audit log", &error))
}

/// The row of a line: its payload, then its hash.
pub(in crate::store) fn row(number: u64, payload: &[u8], hash: &[u8; 32]) -> Vec<u8> {
    envelope::encode(Records::Audit.tag(), &number.to_be_bytes(), VERSION, &[payload, hash].concat())
}

/// Reads a line, with its number, from its row.
///
/// # Errors
/// `Damaged`, or of a newer version.
pub(in crate::store) fn read(key: &[u8], encoded: &[u8]) -> Result<Stored, Unreadable> {
    let (version, payload) = envelope::decode(Records::Audit.tag(), key, VERSION, encoded)?;
    let number = number_of(key).ok_or(Unreadable::Damaged)?;
    let stored = if version == 1 {
        decode_plain(payload).map(|line| Stored { number, line, chained: None })
    } else {
        payload.split_last_chunk::<32>().and_then(|(payload, hash)| {
            let chained = Some((payload.to_vec(), *hash));
            Some(Stored { number, line: decode(payload)?, chained })
        })
    };
    stored.ok_or(Unreadable::Damaged)
}

fn decode(payload: &[u8]) -> Option<AuditLine> {
    let (record, rest): (AuditRecord<'_>, _) = take_from_bytes(payload).ok()?;
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let ([name, old, new], sealed) = match record.details {
        Details::Plain([name, old, new]) => ([owned(name), owned(old), owned(new)], None),
        Details::Sealed(sealed) => (Default::default(), Some(Sealed(sealed.to_vec()))),
    };
    let influencer = record.influencer.map(InfluencerId::from_bytes);
    rest.is_empty().then(|| AuditLine {
        at: Timestamp(record.at),
        who: record.who.map(|(uid, name)| Who { uid, name: name.to_owned() }),
        action: record.action.to_owned(),
        on: On { what: record.on.to_owned(), name, influencer },
        old,
        new,
        cause: record.cause.to_owned(),
        sealed,
    })
}

fn decode_plain(payload: &[u8]) -> Option<AuditLine> {
    let record: PlainRecord<'_> = from_bytes(payload).ok()?;
    Some(AuditLine {
        at: Timestamp(record.at),
        who: record.who.map(|(uid, name)| Who { uid, name: name.to_owned() }),
        action: record.action.to_owned(),
        on: record.on.into(),
        old: record.old.map(str::to_owned),
        new: record.new.map(str::to_owned),
        cause: record.cause.to_owned(),
        sealed: None,
    })
}

/// The row of a line of version 1, as a store of format 4 has it.
#[cfg(test)]
pub(in crate::store) fn plain_row(number: u64, line: &AuditLine) -> Vec<u8> {
    let on = line.on.to_string();
    let record = PlainRecord {
        at: line.at.0,
        who: line.who.as_ref().map(|who| (who.uid, who.name.as_str())),
        action: &line.action,
        on: &on,
        old: line.old.as_deref(),
        new: line.new.as_deref(),
        cause: &line.cause,
    };
    let payload = postcard::to_allocvec(&record).expect("encoded");
    envelope::encode(Records::Audit.tag(), &number.to_be_bytes(), 1, &payload)
}
