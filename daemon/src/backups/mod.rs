//! Backups while the daemon runs: one at a time, in bounded pieces.
//!
//! A thread of its own copies the store in one read transaction and then makes the backup, no faster than its pieces are
//! taken. What is not taken any more ends: dropping a [`Stream`] stops the thread and frees the copy.

pub mod scheduled;
mod stream;

pub use self::stream::{Piece, Stream, begin, keep};
