//! Writes a backup: its head, tables with rows, and the manifest.

use std::io::{self, Write};

use crate::format::{Head, Manifest, TableCount, TableHead};
use crate::frame::{FrameWriter, Kind};
use crate::seal::{Seal, Sealed};

/// How long a frame of rows becomes before it is written.
const ROWS_BYTES: usize = 64 * 1024;
/// zstd's level: of those that are faster than a disk the one that saves most.
const LEVEL: i32 = 3;

/// Writes rows into frames.
pub struct Writer<W: Write> {
    frames: FrameWriter<W>,
    rows: Vec<u8>,
    tables: Vec<TableCount>,
    has_keys: bool,
}

impl<W: Write> Writer<W> {
    /// Begins a backup.
    ///
    /// # Errors
    /// When it cannot be written, as for everything below.
    pub fn begin(out: W, head: &Head) -> io::Result<Self> {
        let mut frames = FrameWriter::begin(out)?;
        frames.put(Kind::Head, &serde_json::to_vec(head)?)?;
        let has_keys = head.master_keys.is_some();
        Ok(Self { frames, rows: Vec::with_capacity(ROWS_BYTES), tables: Vec::new(), has_keys })
    }

    /// Begins a table; the rows that follow are its.
    pub fn table(&mut self, name: &str) -> io::Result<()> {
        self.flush_rows()?;
        self.frames.put(Kind::Table, &serde_json::to_vec(&TableHead { name: name.to_owned() })?)?;
        self.tables.push(TableCount { name: name.to_owned(), ..TableCount::default() });
        Ok(())
    }

    /// Adds a row to the table that was begun last.
    pub fn row(&mut self, key: &[u8], value: &[u8]) -> io::Result<()> {
        let Some(table) = self.tables.last_mut() else { return Err(io::ErrorKind::InvalidInput.into()) };
        table.rows += 1;
        for part in [key, value] {
            let length = u32::try_from(part.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
            self.rows.extend_from_slice(&length.to_le_bytes());
            self.rows.extend_from_slice(part);
        }
        if self.rows.len() >= ROWS_BYTES { self.flush_rows() } else { Ok(()) }
    }

    /// Counts a row of the table that was begun last as damaged, and left out.
    pub fn left_out(&mut self) {
        if let Some(table) = self.tables.last_mut() {
            table.damaged += 1;
        }
    }

    fn flush_rows(&mut self) -> io::Result<()> {
        if !self.rows.is_empty() {
            self.frames.put(Kind::Rows, &self.rows)?;
            self.rows.clear();
        }
        Ok(())
    }

    /// Writes the manifest, and returns it with what was written to.
    pub fn finish(mut self) -> io::Result<(W, Manifest)> {
        self.flush_rows()?;
        let master_keys = self.has_keys;
        let manifest = Manifest { tables: self.tables, master_keys, checksum: format!("{:032x}", self.frames.sum()) };
        self.frames.put(Kind::Manifest, &serde_json::to_vec(&manifest)?)?;
        Ok((self.frames.into_inner(), manifest))
    }
}

/// Writes a whole backup: `fill` writes tables and rows, which are compressed and sealed on their way to `out`.
///
/// # Errors
/// `fill`'s own, or when it cannot be written.
pub fn pack<W: Write, E: From<io::Error>>(
    out: W,
    seal: &Seal,
    head: &Head,
    fill: impl FnOnce(&mut Writer<zstd::Encoder<'static, Sealed<W>>>) -> Result<(), E>,
) -> Result<(W, Manifest), E> {
    let mut compressed = zstd::Encoder::new(seal.begin(out)?, LEVEL)?;
    compressed.include_checksum(true)?;
    let mut writer = Writer::begin(compressed, head)?;
    fill(&mut writer)?;
    let (compressed, manifest) = writer.finish()?;
    Ok((compressed.finish()?.finish()?, manifest))
}
