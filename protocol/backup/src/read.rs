//! Reads a backup and verifies all of it on the way.

use std::io::Read;

use crate::format::{FORMAT, Head, Manifest, TableCount, TableHead};
use crate::frame::{FrameReader, Kind};
use crate::unusable::Unusable;

/// Reads frames of rows.
pub struct Reader<R> {
    frames: FrameReader<R>,
    tables: Vec<TableCount>,
    manifest: Option<Manifest>,
}

/// What is next in a backup.
#[derive(Debug)]
pub enum Item<'a> {
    Table(TableHead),
    /// Some rows of that table.
    Rows(Rows<'a>),
}

/// Keys and values of some rows.
#[derive(Debug)]
pub struct Rows<'a>(&'a [u8]);

impl<'a> Iterator for Rows<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (key, rest) = part(self.0)?;
        let (value, rest) = part(rest)?;
        self.0 = rest;
        Some((key, value))
    }
}

fn part(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_le_bytes(*length) as usize)
}

/// How many rows a frame's body holds, when it holds nothing else.
fn count(body: &[u8]) -> Option<u64> {
    let mut rows = Rows(body);
    let count = rows.by_ref().count();
    rows.0.is_empty().then_some(count as u64)
}

impl<R: Read> Reader<R> {
    /// Reads the head.
    ///
    /// # Errors
    /// Why it cannot be used, as for everything below.
    pub fn begin(input: R) -> Result<(Self, Head), Unusable> {
        let mut frames = FrameReader::begin(input)?;
        let head = match frames.read()? {
            Kind::Head => head(frames.body())?,
            _ => return Err(Unusable::frame(0, "is not the head")),
        };
        Ok((Self { frames, tables: Vec::new(), manifest: None }, head))
    }

    /// The next table or rows; `None` at the end, where all of it was found to be as the manifest says.
    pub fn read(&mut self) -> Result<Option<Item<'_>>, Unusable> {
        if self.manifest.is_some() {
            return Ok(None);
        }
        let (number, sum) = (self.frames.number(), self.frames.sum());
        let wrong = || Unusable::frame(number, "does not say what it should");
        match self.frames.read()? {
            Kind::Head => Err(Unusable::frame(number, "is a second head")),
            Kind::Table => {
                let table: TableHead = serde_json::from_slice(self.frames.body()).map_err(|_| wrong())?;
                self.tables.push(TableCount { name: table.name.clone(), ..TableCount::default() });
                Ok(Some(Item::Table(table)))
            }
            Kind::Rows => {
                let table = self.tables.last_mut().ok_or_else(wrong)?;
                let body = self.frames.body();
                table.rows += count(body).ok_or_else(wrong)?;
                Ok(Some(Item::Rows(Rows(body))))
            }
            Kind::Manifest => {
                let manifest: Manifest = serde_json::from_slice(self.frames.body()).map_err(|_| wrong())?;
                matches(&self.tables, sum, &manifest)?;
                self.frames.end()?;
                self.manifest = Some(manifest);
                Ok(None)
            }
        }
    }

    /// The manifest; `None` before the end.
    pub fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_ref()
    }
}

fn head(body: &[u8]) -> Result<Head, Unusable> {
    #[derive(serde::Deserialize)]
    struct Version {
        format: u32,
    }
    let wrong = |_| Unusable::frame(0, "does not say what it should");
    // The rest of a newer head may be another one.
    let Version { format } = serde_json::from_slice(body).map_err(wrong)?;
    if format > FORMAT {
        return Err(Unusable::Newer { found: format, known: FORMAT });
    }
    serde_json::from_slice(body).map_err(wrong)
}

/// Compares what was read with what the manifest says.
fn matches(read: &[TableCount], sum: u128, manifest: &Manifest) -> Result<(), Unusable> {
    let named = |tables: &[TableCount]| tables.iter().map(|table| table.name.clone()).collect::<Vec<_>>();
    if named(read) != named(&manifest.tables) {
        return Err(Unusable::NotWhole { what: "its tables are not those that its manifest names".to_owned() });
    }
    if let Some((found, said)) = read.iter().zip(&manifest.tables).find(|(found, said)| found.rows != said.rows) {
        let what = format!("table {} has {} rows, and its manifest says {}", said.name, found.rows, said.rows);
        return Err(Unusable::NotWhole { what });
    }
    if format!("{sum:032x}") != manifest.checksum {
        return Err(Unusable::NotWhole { what: "its frames do not match its manifest's checksum".to_owned() });
    }
    Ok(())
}

/// Reads all of a backup that is open, and returns what it says about itself.
///
/// # Errors
/// Why it cannot be used.
pub fn verify(input: impl Read) -> Result<(Head, Manifest), Unusable> {
    let (mut reader, head) = Reader::begin(input)?;
    while reader.read()?.is_some() {}
    Ok((head, reader.manifest.unwrap_or_default()))
}
