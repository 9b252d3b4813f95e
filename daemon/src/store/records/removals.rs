//! What was removed within the last day. The rows in it are encoded as their own tables have them, each with its version.

use postcard::{from_bytes, to_extend};
use roster_protocol::ids::{ConnectionId, GrantId, InfluencerId};
use roster_protocol::silence::Silence;
use roster_protocol::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Payload, Record, read};
use crate::model::{Connection, GrantUse, Influencer, Removable, Removal};
use crate::store::tables::Records;

/// A row's key and value.
type Row = (Vec<u8>, Vec<u8>);

#[derive(Serialize, Deserialize)]
struct RemovalRecord {
    ends_at: i64,
    influencer: Option<Row>,
    connections: Vec<Row>,
    uses: Vec<([u8; 5], [u8; 5])>,
    silences: Vec<Row>,
}

impl Removable {
    /// An influencer's or a connection's id behind what it is.
    pub(in crate::store) fn key(self) -> Vec<u8> {
        match self {
            Removable::Influencer(id) => [&[0][..], &id.0].concat(),
            Removable::Connection(id) => [&[1][..], &id.0].concat(),
        }
    }

    fn of_key(key: &[u8]) -> Option<Self> {
        match key.split_first()? {
            (0, id) => Some(Removable::Influencer(InfluencerId::from_bytes(id.try_into().ok()?))),
            (1, id) => Some(Removable::Connection(ConnectionId::from_bytes(id.try_into().ok()?))),
            _ => None,
        }
    }
}

impl Record for Removal {
    const TABLE: Records = Records::Removals;

    fn key(&self) -> Vec<u8> {
        self.of.key()
    }

    fn encode(&self, out: Vec<u8>) -> Payload {
        let record = RemovalRecord {
            ends_at: self.ends_at.0,
            influencer: self.influencer.as_ref().map(row).transpose()?,
            connections: self.connections.iter().map(row).collect::<Result<_, _>>()?,
            uses: self.uses.iter().map(|used| (used.connection.0, used.grant.0)).collect(),
            silences: self.silences.iter().map(row).collect::<Result<_, _>>()?,
        };
        to_extend(&record, out)
    }

    fn decode(key: &[u8], payload: &[u8]) -> Option<Self> {
        let record: RemovalRecord = from_bytes(payload).ok()?;
        let used = |(connection, grant)| GrantUse {
            connection: ConnectionId::from_bytes(connection),
            grant: GrantId::from_bytes(grant),
        };
        Some(Removal {
            of: Removable::of_key(key)?,
            ends_at: Timestamp(record.ends_at),
            influencer: match &record.influencer {
                Some(row) => Some(of_row::<Influencer>(row)?),
                None => None,
            },
            connections: record.connections.iter().map(of_row::<Connection>).collect::<Option<_>>()?,
            uses: record.uses.into_iter().map(used).collect(),
            silences: record.silences.iter().map(of_row::<Silence>).collect::<Option<_>>()?,
        })
    }
}

fn row<R: Record>(record: &R) -> Result<Row, postcard::Error> {
    let key = record.key();
    let value = record.value(&key).map_err(|_| postcard::Error::SerdeSerCustom)?;
    Ok((key, value))
}

fn of_row<R: Record>((key, value): &Row) -> Option<R> {
    read(R::TABLE, key, value).ok()
}
