//! A backup as a stream of pieces.

use std::io::{self, ErrorKind, Write};
use std::sync::Arc;

use roster_backup::{Head, KeyText, Manifest, Seal};
use roster_protocol::audit::Who;
use roster_protocol::error::RosterError;
use roster_protocol::time::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use crate::app::{App, read_error};
use crate::decision;
use crate::model::Backup;
use crate::store::{Store, StoreError};

/// How long a piece is: a quarter of the longest frame to a client.
const PIECE_BYTES: usize = 256 * 1024;
/// How many pieces are ready beforehand.
const PIECES: usize = 2;

/// A backup that is being read.
pub struct Stream {
    head: Head,
    pieces: mpsc::Receiver<Vec<u8>>,
    ended: Option<oneshot::Receiver<io::Result<Manifest>>>,
    bytes: u64,
    manifest: Option<Manifest>,
    /// Others wait until this is over.
    _permit: OwnedSemaphorePermit,
}

/// What is next of a backup.
pub enum Piece {
    Bytes(Vec<u8>),
    /// It is complete, and this is what it holds.
    End(Manifest),
}

/// Copies the store, and begins a backup of the copy. `keys`: the master keys, where they are to be in it. `who`: the user that requests it, which the audit log has before
/// anything is read.
///
/// # Errors
/// `Conflict` while another backup is under way; when the store cannot be copied.
pub async fn begin(
    app: &Arc<App>,
    who: Option<&Who>,
    seal: Seal,
    keys: Option<KeyText>,
) -> Result<Stream, RosterError> {
    let permit = app.backups.clone().try_acquire_owned().map_err(|_| {
        RosterError::conflict("another backup is under way").hint("one at a time: try again when it is over")
    })?;
    if let Some(who) = who {
        note(app, who, &seal, keys.is_some()).await;
    }
    let (spooled, head) = oneshot::channel();
    let (sender, pieces) = mpsc::channel(PIECES);
    let (end, ended) = oneshot::channel();
    let (store, now) = (app.store.clone(), app.clock.now());
    let thread = std::thread::Builder::new().name("backup".to_owned());
    let sealing = (seal, keys);
    let work = move || drop(end.send(make(store, now, sealing, spooled, Pieces { sender, piece: Vec::new() })));
    let failed = |error: io::Error| RosterError::failed(format!("no backup can be made now: {error}"));
    thread.spawn(work).map_err(failed)?;
    let head = head.await.map_err(|_| RosterError::failed("the backup failed badly; the log has more"))?;
    let head = head.map_err(|error| failed_to_copy(&error))?;
    Ok(Stream { head, pieces, ended: Some(ended), bytes: 0, manifest: None, _permit: permit })
}

async fn note(app: &App, who: &Who, seal: &Seal, with_keys: bool) {
    tracing::info!(who = who.name, uid = who.uid, encrypted = seal.word(), with_keys, "a backup is read");
    let noted = app.decide(|decision| {
        decision::backups::begun(decision, who, seal.word(), with_keys);
        Ok(())
    });
    if let Err(error) = noted.await {
        // Above all when the disk is in trouble one wants a backup: the line above has who it was.
        tracing::warn!(%error, "a backup is not in the audit log");
    }
}

fn failed_to_copy(error: &StoreError) -> RosterError {
    match error {
        StoreError::Io(_) => RosterError::failed(format!("the store cannot be copied: {error}"))
            .hint("beside the store there must be room for as much again, and 64 MiB more"),
        other => read_error(other),
    }
}

type Spooled = oneshot::Sender<Result<Head, StoreError>>;

/// Copies the store, says what was copied, and makes the backup.
fn make(
    store: Store,
    now: Timestamp,
    (seal, keys): (Seal, Option<KeyText>),
    spooled: Spooled,
    pieces: Pieces,
) -> io::Result<Manifest> {
    let spool = store.spool(now);
    // The file may be closed while the rest is written.
    drop(store);
    let gone = || io::Error::from(ErrorKind::BrokenPipe);
    let spool = match spool {
        Ok(spool) => spool,
        Err(error) => {
            let _ = spooled.send(Err(error));
            return Err(gone());
        }
    };
    spooled.send(Ok(spool.head().clone())).map_err(|_| gone())?;
    let (mut pieces, manifest) = spool.write_to(pieces, &seal, keys)?;
    pieces.send()?;
    Ok(manifest)
}

/// Gathers what is written into pieces, and waits until each is taken.
struct Pieces {
    sender: mpsc::Sender<Vec<u8>>,
    piece: Vec<u8>,
}

impl Pieces {
    fn send(&mut self) -> io::Result<()> {
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE_BYTES));
        self.sender.blocking_send(piece).map_err(|_| ErrorKind::BrokenPipe.into())
    }
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(PIECE_BYTES - self.piece.len());
        self.piece.extend_from_slice(&bytes[..taken]);
        if self.piece.len() == PIECE_BYTES {
            self.send()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream {
    /// Which store it is, and of when.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The next piece; after the end, the end again.
    ///
    /// # Errors
    /// Why there is none; the backup is then unusable.
    pub async fn next(&mut self) -> Result<Piece, RosterError> {
        if let Some(manifest) = &self.manifest {
            return Ok(Piece::End(manifest.clone()));
        }
        if let Some(bytes) = self.pieces.recv().await {
            self.bytes += bytes.len() as u64;
            return Ok(Piece::Bytes(bytes));
        }
        let failed = |why: String| RosterError::failed(format!("the backup could not be completed: {why}"));
        let ended = self.ended.take().ok_or_else(|| failed("it failed before".to_owned()))?.await;
        let ended = ended.map_err(|_| failed("it failed badly; the log has more".to_owned()))?;
        let manifest = ended.map_err(|error| failed(error.to_string()))?;
        self.manifest = Some(manifest.clone());
        Ok(Piece::End(manifest))
    }

    /// The master keys that values in it are sealed with.
    fn keys(&self) -> Vec<[u8; 8]> {
        let id = |key: &String| data_encoding::HEXLOWER.decode(key.as_bytes()).ok()?.try_into().ok();
        self.head.key.iter().chain(&self.head.older_keys).filter_map(id).collect()
    }

    /// What was kept, once all pieces were taken; `None` before.
    fn kept(&self, scheduled: bool) -> Option<Backup> {
        let rows = self.manifest.as_ref()?.rows();
        Some(Backup { at: Timestamp(self.head.created_at), bytes: self.bytes, rows, scheduled })
    }
}

/// Records that all of a backup is kept where it belongs.
///
/// # Errors
/// When not all of it was read, or that cannot be stored.
pub async fn keep(app: &App, who: Option<&Who>, stream: &Stream) -> Result<(), RosterError> {
    let kept = stream.kept(who.is_none());
    let kept = kept.ok_or_else(|| RosterError::conflict("the backup is not complete yet"))?;
    let keys = stream.keys();
    app.decide(|decision| {
        decision::backups::kept(decision, who, kept, &keys);
        Ok(())
    })
    .await
}
