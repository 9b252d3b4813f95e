//! `roster backup`: keeps a backup of the store in a file, while rosterd runs; `roster backup verify` reads one.
//!
//! This program opens the files, with its user's rights; rosterd gets no path, and sends what it copied in pieces.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use roster_backup::{
    Head, Key, Manifest, NewFile, Passphrase, Unusable, add_erased, erased_file, erased_lines, identities, open, verify,
};
use roster_protocol::backup::{BackupBegun, BackupEnd, BackupSeal};
use roster_protocol::notice::grouped;
use roster_protocol::text::{SENTENCE_CHARACTERS, clean};
use roster_protocol::transport::{MAX_DEADLINE, within};
use roster_protocol::{RosterClient, RosterError, Timestamp};
use serde::Serialize;

use crate::client::{long_call, response};
use crate::output::text::bytes;
use crate::output::{Ending, Failure};
use crate::session::Session;

/// `roster backup`
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Backup {
    #[command(subcommand)]
    action: Option<Action>,
    /// The file to be made; there must be none of that name
    #[arg(required = true)]
    file: Option<PathBuf>,
    /// Encrypt it to this recipient of age: age1…
    #[arg(long, value_name = "RECIPIENT", conflicts_with = "passphrase_file")]
    to: Option<String>,
    /// Encrypt it with the passphrase in this file
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Put the master key inside as well, so that it opens everything alone; it must be encrypted then
    #[arg(long)]
    with_master_key: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Reads all of a backup and says what it holds, or why it is unusable; needs no rosterd
    Verify(Verify),
}

/// `roster backup verify`
#[derive(Debug, clap::Args)]
struct Verify {
    /// The backup
    file: PathBuf,
    /// The file with the identity of age to whose recipient it is encrypted
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase_file")]
    identity: Option<PathBuf>,
    /// The file with its passphrase
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

#[derive(Serialize)]
struct Made {
    file: String,
    bytes: u64,
    records: u64,
    damaged: u64,
    /// What it is encrypted to: `none`, `recipient`, `passphrase`.
    encrypted: String,
    of: String,
}

impl Backup {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        if let Some(Action::Verify(verify)) = self.action {
            return verify.run(session);
        }
        let Some(path) = &self.file else { return Err(RosterError::usage("say which file").into()) };
        let seal = self.seal()?;
        let mut file = NewFile::create(path).map_err(|error| cannot_be_made(path, &error))?;
        let client = session.connect().await?;
        let begun = response(client.backup(within(MAX_DEADLINE), seal, self.with_master_key).await)?;
        let (length, end) = receive(&client, &mut file).await.map_err(|failure| failure.of(path))?;
        file.finish().map_err(|error| cannot_be_made(path, &error))?;
        let recorded = response(client.backup_kept(long_call()).await);
        let listed = list_erased(&client, path, &begun.store).await;
        let ending = report(session, path, &begun, length, &end)?;
        if self.with_master_key {
            session.output.warn("the master key is in it: what opens it opens every token");
        }
        if let Err(why) = &listed {
            session.output.warn(&format!("the list of erased ones beside it is not up to date: {why}"));
        }
        let Err(error) = recorded else { return Ok(if listed.is_ok() { ending } else { Ending::InPart }) };
        // It is whole all the same, perhaps the last one of a disk that is failing.
        session.output.warn(&format!("rosterd could not record that it was made: {}", error.message));
        Ok(Ending::InPart)
    }

    fn seal(&self) -> Result<BackupSeal, RosterError> {
        match (&self.to, &self.passphrase_file) {
            (Some(recipient), _) => {
                roster_backup::Seal::to(recipient).map_err(RosterError::usage)?;
                Ok(BackupSeal::Recipient(recipient.clone()))
            }
            (None, Some(path)) => Ok(BackupSeal::Passphrase(passphrase(path)?.expose().to_owned())),
            (None, None) => Ok(BackupSeal::AsConfigured),
        }
    }
}

/// Prints what was made.
fn report(
    session: &mut Session,
    path: &Path,
    begun: &BackupBegun,
    length: u64,
    end: &BackupEnd,
) -> Result<Ending, Failure> {
    let made = Made {
        file: shown(path),
        bytes: length,
        records: end.rows,
        damaged: end.damaged,
        encrypted: begun.encrypted.clone(),
        of: begun.at.to_string(),
    };
    let text = format!("{}: {} records of {}, {}\n", made.file, grouped(end.rows), begun.at, bytes(length));
    session.output.print(|| made, |_| text)?;
    if begun.encrypted == "none" {
        session.output.warn("it is not encrypted: names and notes are readable in it; tokens are not");
    }
    if end.damaged > 0 {
        let damaged = grouped(end.damaged);
        session.output.warn(&format!("{damaged} records were damaged in the store, and are not in it"));
        return Ok(Ending::InPart);
    }
    Ok(Ending::Done)
}

/// Why not all of a backup is in its file.
enum Incomplete {
    Call(RosterError),
    File(io::Error),
}

impl Incomplete {
    fn of(self, path: &Path) -> RosterError {
        match self {
            Incomplete::Call(error) => error,
            Incomplete::File(error) => cannot_be_made(path, &error),
        }
    }
}

/// Brings the list of erased ones beside a backup up to date, without which it could bring them back.
async fn list_erased(client: &RosterClient, backup: &Path, store: &str) -> Result<(), String> {
    let (mut lines, mut from) = (Vec::new(), Some(0));
    while let Some(next) = from {
        let part = response(client.erased(long_call(), next).await).map_err(|error| error.message)?;
        lines.extend(erased_lines(&part.lines.join("\n")).map_err(|error| error.to_string())?);
        from = part.next.filter(|further| *further > next);
    }
    let list = erased_file(backup.parent().unwrap_or(Path::new("")), store);
    add_erased(&list, &lines).map(drop).map_err(|error| format!("{}: {error}", shown(&list)))
}

/// Writes all pieces; returns how many bytes they were, and what they hold.
async fn receive(client: &RosterClient, file: &mut NewFile) -> Result<(u64, BackupEnd), Incomplete> {
    let mut length = 0;
    loop {
        let piece = response(client.backup_piece(long_call()).await).map_err(Incomplete::Call)?;
        if let Some(end) = piece.end {
            return Ok((length, end));
        }
        length += piece.bytes.len() as u64;
        file.write_all(&piece.bytes).map_err(Incomplete::File)?;
    }
}

fn cannot_be_made(path: &Path, error: &io::Error) -> RosterError {
    let file = shown(path);
    match error.kind() {
        io::ErrorKind::AlreadyExists => {
            RosterError::conflict(format!("{file} is there already")).hint("give another name, with the date say")
        }
        _ => RosterError::failed(format!("{file} cannot be made: {error}")),
    }
}

fn shown(path: &Path) -> String {
    clean(&path.display().to_string(), SENTENCE_CHARACTERS)
}

fn opened(path: &Path) -> Result<File, RosterError> {
    let unreadable = |why: String| RosterError::failed(format!("{} cannot be read: {why}", shown(path)));
    let file = File::open(path).map_err(|error| unreadable(error.to_string()))?;
    match file.metadata() {
        Ok(found) if found.is_dir() => Err(unreadable("it is a directory".to_owned())),
        _ => Ok(file),
    }
}

fn passphrase(path: &Path) -> Result<Passphrase, RosterError> {
    Passphrase::read(opened(path)?).map_err(|error| refused(path, &error))
}

/// Why a backup, or what should open it, is unusable.
fn refused(path: &Path, why: &Unusable) -> RosterError {
    let message = format!("{}: {why}", shown(path));
    let error = if why.is_usage() { RosterError::usage(message) } else { RosterError::failed(message) };
    match why.hint() {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

#[derive(Serialize)]
struct Verified {
    file: String,
    of: String,
    records: u64,
    damaged: u64,
    store: String,
    store_format: u32,
    format: u32,
    rosterd: String,
    /// The master key that is needed beside it.
    key: Option<String>,
    /// Whether it has that key inside.
    master_key: bool,
    checksum: String,
    tables: Vec<Counted>,
}

#[derive(Serialize)]
struct Counted {
    table: String,
    records: u64,
    damaged: u64,
}

impl Verify {
    fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        let key = match (&self.identity, &self.passphrase_file) {
            (Some(path), _) => identities(opened(path)?).map_err(|why| refused(path, &why))?,
            (None, Some(path)) => Key::Passphrase(passphrase(path)?),
            (None, None) => Key::Nothing,
        };
        let file = opened(&self.file)?;
        let found = open(file, &key).and_then(verify).map_err(|why| refused(&self.file, &why))?;
        let verified = verified(&self.file, found);
        let text = text(&verified);
        session.output.print(|| verified, |_| text)?;
        Ok(Ending::Done)
    }
}

fn verified(path: &Path, (head, manifest): (Head, Manifest)) -> Verified {
    Verified {
        file: shown(path),
        of: Timestamp(head.created_at).to_string(),
        records: manifest.rows(),
        damaged: manifest.damaged(),
        // It may be a file that another program wrote.
        store: clean(&head.store, 64),
        store_format: head.store_format,
        format: head.format,
        rosterd: clean(&head.roster, 64),
        key: head.key.map(|key| clean(&key, 64)),
        master_key: manifest.master_keys,
        checksum: clean(&manifest.checksum, 64),
        tables: manifest.tables.into_iter().map(counted).collect(),
    }
}

fn counted(table: roster_backup::TableCount) -> Counted {
    Counted { table: clean(&table.name, 64), records: table.rows, damaged: table.damaged }
}

fn text(verified: &Verified) -> String {
    let Verified { file, of, records, damaged, store, rosterd, key, master_key, .. } = verified;
    let mut text = format!("{file}: whole, {} records of {of}\n", grouped(*records));
    text.push_str(&format!("store {store}, written by rosterd {rosterd}\n"));
    if let Some(key) = key {
        let whether =
            if *master_key { "which is inside: keep the backup as you keep the key" } else { "which is not inside" };
        text.push_str(&format!("its tokens need the master key {key}, {whether}\n"));
    }
    if *damaged > 0 {
        text.push_str(&format!("{} records were damaged in the store, and are not in it\n", grouped(*damaged)));
    }
    text
}
