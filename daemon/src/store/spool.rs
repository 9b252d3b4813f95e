//! Backups of the store while it is used: all rows are copied in one read transaction, as fast as the disk takes them, into a
//! file without a name. Only after it do the rows get verified, compressed and encrypted, at the pace of the reader.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, ErrorKind, Seek, Write};

use data_encoding::HEXLOWER;
use roster_backup::{FORMAT, Head, Item, KeyText, Manifest, Reader as BackupReader, Seal, Writer, pack, unnamed_in};
use roster_protocol::time::Timestamp;

use super::Store;
use super::envelope::Unreadable;
use super::error::StoreError;
use super::origin::Origin;
use super::reader::Reader;
use super::records::{Stamp, StoreKeys};
use super::rows::Part;

/// What the store's disk keeps free whatever is copied: the store itself goes on writing.
const LEAST_ROOM_BYTES: u64 = 64 << 20;
/// After how many copied bytes the room is looked at again.
const LOOK_BYTES: u64 = 8 << 20;
const BUFFER_BYTES: usize = 1 << 20;

/// All rows of one moment, in a file that is gone when this is dropped.
pub struct Spool {
    file: File,
    head: Head,
}

impl Store {
    /// Copies all rows as they are now; every commit that was acknowledged before is among them. Blocks, for about as long as
    /// it takes to copy the file.
    ///
    /// # Errors
    /// When there is too little room beside the store, or it cannot be read.
    pub fn spool(&self, now: Timestamp) -> Result<Spool, StoreError> {
        let shared = &self.handle.shared;
        let dir = shared.origin.path().and_then(|path| path.parent()).map_or_else(std::env::temp_dir, Into::into);
        let file = unnamed_in(&dir)?;
        let head = shared.read(|reader| {
            let head = reader.backup_head(now)?;
            let out = BufWriter::with_capacity(BUFFER_BYTES, &file);
            reader.copy_all(Writer::begin(out, &head)?, &shared.origin)?;
            Ok(head)
        });
        head.map(|head| Spool { file, head })
    }
}

impl Reader<'_> {
    fn backup_head(&self, now: Timestamp) -> Result<Head, StoreError> {
        let stamp: Option<Stamp> = self.get(&Stamp::KEY)?;
        let keys: Option<StoreKeys> = self.get(&StoreKeys::KEY)?;
        let needed = keys.map(|keys| keys.needed()).unwrap_or_default();
        let mut needed = needed.iter().map(|id| HEXLOWER.encode(id));
        Ok(Head {
            format: FORMAT,
            roster: env!("CARGO_PKG_VERSION").to_owned(),
            store_format: super::tables::FORMAT,
            store: HEXLOWER.encode(&stamp.map(|stamp| stamp.id).unwrap_or_default()),
            key: needed.next(),
            older_keys: needed.collect(),
            master_keys: None,
            created_at: now.0,
        })
    }

    fn copy_all(&self, mut out: Writer<impl Write>, origin: &Origin) -> Result<(), StoreError> {
        let mut copied = LOOK_BYTES;
        let epochs = self.logs()?.iter().map(|(epoch, _)| *epoch).collect();
        for part in Part::all(epochs) {
            let Some(rows) = self.rows(part, &[])? else { continue };
            out.table(&part.name())?;
            for row in rows {
                let (key, value) = row?;
                out.row(&key, value.value())?;
                copied += (key.len() + value.value().len()) as u64;
                if copied >= LOOK_BYTES {
                    copied = 0;
                    leave_room(origin)?;
                }
            }
        }
        let (mut out, _) = out.finish()?;
        Ok(out.flush()?)
    }
}

fn leave_room(origin: &Origin) -> Result<(), StoreError> {
    match origin.room_bytes()? {
        Some(room) if room < LEAST_ROOM_BYTES => Err(io::Error::from(ErrorKind::StorageFull).into()),
        _ => Ok(()),
    }
}

impl Spool {
    /// Which store it is, and of when.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Writes a backup of it, with these master keys inside where there are any. A row that was damaged in the store is left out and counted.
    ///
    /// # Errors
    /// When it cannot be written, or the spool cannot be read again.
    pub fn write_to<W: Write>(mut self, out: W, seal: &Seal, keys: Option<KeyText>) -> io::Result<(W, Manifest)> {
        self.file.rewind()?;
        let unreadable =
            |error: roster_backup::Unusable| io::Error::other(format!("the spool cannot be read: {error}"));
        let spooled = BufReader::with_capacity(BUFFER_BYTES, &self.file);
        let (mut spooled, head) = BackupReader::begin(spooled).map_err(unreadable)?;
        let head = Head { master_keys: keys, ..head };
        pack(out, seal, &head, |writer| {
            let mut part = None;
            while let Some(item) = spooled.read().map_err(unreadable)? {
                match item {
                    Item::Table(table) => {
                        part = Part::named(&table.name);
                        writer.table(&table.name)?;
                    }
                    Item::Rows(rows) => {
                        for (key, value) in rows {
                            match part.map(|part| part.verify(key, value)) {
                                Some(Err(Unreadable::Damaged)) => writer.left_out(),
                                _ => writer.row(key, value)?,
                            }
                        }
                    }
                }
            }
            Ok(())
        })
    }
}
