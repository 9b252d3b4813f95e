//! Calls about backups: one is read in pieces, on the connection that began it.

use roster_backup::{KeyText, Passphrase, Seal};
use roster_protocol::backup::{BackupBegun, BackupEnd, BackupPiece, BackupSeal};
use roster_protocol::error::RosterError;
use roster_protocol::time::Timestamp;

use super::Caller;
use crate::backups::{self, Piece, Stream, scheduled};

pub async fn begin(caller: &Caller, seal: BackupSeal, with_keys: bool) -> Result<BackupBegun, RosterError> {
    let seal = match seal {
        BackupSeal::AsConfigured => scheduled::configured(&caller.app).await?,
        BackupSeal::Recipient(recipient) => Seal::to(&recipient).map_err(RosterError::usage)?,
        BackupSeal::Passphrase(passphrase) => Seal::Passphrase(Passphrase::new(passphrase)),
    };
    if with_keys && matches!(seal, Seal::Nothing) {
        return Err(RosterError::usage("a backup with the master key inside must be encrypted")
            .hint("add --to age1… or --passphrase-file FILE"));
    }
    let keys = with_keys.then(|| KeyText::new(caller.app.consents.vault().text().expose()));
    let mut held = caller.backup.lock().await;
    // Another one on this connection is given up.
    held.take();
    let encrypted = seal.word().to_owned();
    let stream = backups::begin(&caller.app, Some(&caller.who), seal, keys).await?;
    let head = stream.head();
    let begun = BackupBegun { at: Timestamp(head.created_at), store: head.store.clone(), encrypted };
    *held = Some(stream);
    Ok(begun)
}

pub async fn piece(caller: &Caller) -> Result<BackupPiece, RosterError> {
    let mut held = caller.backup.lock().await;
    match under_way(&mut held)?.next().await? {
        Piece::Bytes(bytes) => Ok(BackupPiece { bytes, end: None }),
        Piece::End(manifest) => {
            let end = BackupEnd { rows: manifest.rows(), damaged: manifest.damaged() };
            Ok(BackupPiece { bytes: Vec::new(), end: Some(end) })
        }
    }
}

pub async fn kept(caller: &Caller) -> Result<(), RosterError> {
    let mut held = caller.backup.lock().await;
    backups::keep(&caller.app, Some(&caller.who), under_way(&mut held)?).await?;
    held.take();
    Ok(())
}

fn under_way(held: &mut Option<Stream>) -> Result<&mut Stream, RosterError> {
    held.as_mut().ok_or_else(|| RosterError::conflict("no backup was begun on this connection"))
}
