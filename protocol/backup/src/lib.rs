//! The format of backups, for the program that writes them and the one that verifies them.
//!
//! ```text
//! the store's rows ─ one read transaction ─► frames in an unnamed file          (rosterd: the spool)
//! spool ─► each row verified ─► frames ─► zstd ─► age ─► bounded pieces          (rosterd, after the transaction)
//! pieces ─► a file that has no name until it is whole                            (roster, or rosterd in `[backup] to`)
//! file ─► age ─► zstd ─► frames ─► rows and manifest                             (`backup verify`, `rosterd restore`)
//! ```
//! A backup is an age file, or none where nothing was to encrypt it with; below it zstd; below that frames ([`frame`]):
//! a [`Head`] that says which store it is, tables with their rows as the store encodes them, and at the end a [`Manifest`] that
//! counts and sums up all before it. What the rows hold is the store's concern: tokens in them stay sealed under the
//! master key, which is in a backup only where that was requested by name.
//!
//! Everything is streamed: memory is bounded by a frame and by zstd's window, however large the store is.

mod erased;
pub mod frame;
mod format;
mod new_file;
mod read;
mod seal;
#[cfg(test)]
mod tests;
mod unusable;
mod write;

pub use erased::{ErasedLine, ErasedWhat, NoList, add_erased, erased_file, erased_lines, erased_text, read_erased};
pub use format::{FORMAT, Head, KeyText, Manifest, TableCount, TableHead};
pub use new_file::{NewFile, unnamed_in};
pub use read::{Item, Reader, Rows, verify};
pub use seal::{Key, Passphrase, Seal, Sealed, identities, open};
pub use unusable::Unusable;
pub use write::{Writer, pack};
