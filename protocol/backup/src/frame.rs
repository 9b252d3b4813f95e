//! Frames: each has a kind, a length, its bytes, and a checksum that also covers its number, so that frames that are
//! damaged, missing, repeated or swapped are noticed where they are.
//!
//! ```text
//! "ROSTERBK" then frames: kind:u8 length:u32 body… checksum:u64      numbers little-endian
//! ```

use std::io::{self, ErrorKind, Read, Write};

use xxhash_rust::xxh3::{Xxh3, xxh3_64_with_seed};

use crate::Unusable;

/// How every stream of frames begins.
pub const MAGIC: &[u8; 8] = b"ROSTERBK";
/// The longest body. A row is far shorter; a length beyond it is damage, for which no memory is taken.
pub const MOST_BYTES: usize = 16 << 20;

const HEAD_BYTES: usize = 5;

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Which store it is: once, at the beginning.
    Head,
    /// The table whose rows follow.
    Table,
    Rows,
    /// What all frames before it hold: once, at the end.
    Manifest,
}

impl Kind {
    const ALL: [Kind; 4] = [Kind::Head, Kind::Table, Kind::Rows, Kind::Manifest];

    fn byte(self) -> u8 {
        self as u8 + 1
    }

    fn of_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.byte() == byte)
    }
}

/// Writes frames, and sums up what it wrote.
pub struct FrameWriter<W> {
    out: W,
    number: u64,
    sum: Xxh3,
}

impl<W: Write> FrameWriter<W> {
    /// Begins a stream of frames.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn begin(mut out: W) -> io::Result<Self> {
        out.write_all(MAGIC)?;
        Ok(Self { out, number: 0, sum: Xxh3::new() })
    }

    /// Writes a frame.
    ///
    /// # Errors
    /// When it cannot be written, or its body is too long.
    pub fn put(&mut self, kind: Kind, body: &[u8]) -> io::Result<()> {
        let too_long = || io::Error::new(ErrorKind::InvalidInput, "a row is too long for a backup");
        let length = u32::try_from(body.len()).ok().filter(|_| body.len() <= MOST_BYTES).ok_or_else(too_long)?;
        let head = head_of(kind, length);
        let check = checksum(self.number, &head, body);
        self.out.write_all(&head)?;
        self.out.write_all(body)?;
        self.out.write_all(&check)?;
        self.sum.update(&check);
        self.number += 1;
        Ok(())
    }

    /// The sum of all frames so far.
    pub fn sum(&self) -> u128 {
        self.sum.digest128()
    }

    /// What they were written to.
    pub fn into_inner(self) -> W {
        self.out
    }
}

/// Reads frames, and sums up what it read.
pub struct FrameReader<R> {
    input: R,
    number: u64,
    sum: Xxh3,
    body: Vec<u8>,
}

impl<R: Read> FrameReader<R> {
    /// Reads the beginning of a stream of frames.
    ///
    /// # Errors
    /// `NoBackup` when it does not begin so; why it cannot be read.
    pub fn begin(mut input: R) -> Result<Self, Unusable> {
        let mut magic = [0; MAGIC.len()];
        input.read_exact(&mut magic).map_err(|error| Unusable::reading(error, 0))?;
        if magic != *MAGIC {
            return Err(Unusable::NoBackup);
        }
        Ok(Self { input, number: 0, sum: Xxh3::new(), body: Vec::new() })
    }

    /// The number of the next frame.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Reads the next frame, and returns its kind.
    ///
    /// # Errors
    /// `CutOff` when there is none, or a part of one; `Damaged` when it does not match its checksum.
    pub fn read(&mut self) -> Result<Kind, Unusable> {
        let (number, failed) = (self.number, |error| Unusable::reading(error, self.number));
        let mut head = [0; HEAD_BYTES];
        self.input.read_exact(&mut head).map_err(failed)?;
        let [kind, length @ ..] = head;
        let length = u32::from_le_bytes(length);
        let kind = Kind::of_byte(kind).ok_or_else(|| Unusable::frame(number, "is of no known kind"))?;
        if length as usize > MOST_BYTES {
            return Err(Unusable::frame(number, "is longer than any can be"));
        }
        self.body.clear();
        // What is announced and is not there takes no memory.
        let read = (&mut self.input).take(length.into()).read_to_end(&mut self.body);
        let read = read.map_err(failed)?;
        let mut check = [0; 8];
        self.input.read_exact(&mut check).map_err(failed)?;
        if read != length as usize || check != checksum(number, &head, &self.body) {
            return Err(Unusable::frame(number, "does not match its checksum"));
        }
        self.sum.update(&check);
        self.number += 1;
        Ok(kind)
    }

    /// What the frame holds that was read last.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The sum of all frames so far.
    pub fn sum(&self) -> u128 {
        self.sum.digest128()
    }

    /// Makes sure that nothing follows, which also has what is below verify its own end.
    ///
    /// # Errors
    /// `Damaged` when something does; why it cannot be read.
    pub fn end(&mut self) -> Result<(), Unusable> {
        let mut more = [0; 1];
        match self.input.read(&mut more).map_err(|error| Unusable::reading(error, self.number))? {
            0 => Ok(()),
            _ => Err(Unusable::Damaged { what: "something follows its end".to_owned() }),
        }
    }
}

fn head_of(kind: Kind, length: u32) -> [u8; HEAD_BYTES] {
    let [a, b, c, d] = length.to_le_bytes();
    [kind.byte(), a, b, c, d]
}

fn checksum(number: u64, head: &[u8; HEAD_BYTES], body: &[u8]) -> [u8; 8] {
    xxh3_64_with_seed(body, xxh3_64_with_seed(head, number)).to_le_bytes()
}
