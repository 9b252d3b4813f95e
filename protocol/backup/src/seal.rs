//! Encrypts backups with age, and opens them again.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::iter;

use age::secrecy::SecretString;
use age::stream::StreamWriter;
use age::{DecryptError, Decryptor, Encryptor, scrypt, x25519};
use zeroize::Zeroizing;

use crate::unusable::Unusable;

/// The work factor of passphrases: scrypt takes 128 MiB for a moment, a quarter of what the service's unit allows.
const WORK_FACTOR: u8 = 17;
/// The highest one that is tried: 1 GiB. The program `age` uses 18 or so.
const MOST_WORK: u8 = 20;
/// The largest window that zstd may request: 8 MiB. Ours are smaller.
const MOST_WINDOW_LOG: u32 = 23;
/// More bytes than any file of identities has, or of a passphrase.
const MOST_KEY_BYTES: u64 = 64 * 1024;
const AGE: &[u8] = b"age-encryption.org/";
const ZSTD: &[u8] = &[0x28, 0xB5, 0x2F, 0xFD];

/// A passphrase. It prints nowhere, and is wiped when dropped.
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The one line of a file; blanks around it do not count.
    ///
    /// # Errors
    /// `NoPassphrase`, which names no part of the file.
    pub fn read(file: impl Read) -> Result<Self, Unusable> {
        let mut text = Zeroizing::new(String::new());
        let read = file.take(MOST_KEY_BYTES).read_to_string(&mut text);
        let line = read.ok().map(|_| text.trim()).filter(|line| !line.is_empty() && !line.contains(char::is_control));
        line.map(Self::new).ok_or(Unusable::NoPassphrase)
    }

    /// The text itself. The caller keeps it out of errors and logs.
    pub fn expose(&self) -> &str {
        &self.0
    }

    fn secret(&self) -> SecretString {
        SecretString::from(self.0.as_str())
    }
}

/// How a backup is encrypted.
pub enum Seal {
    /// Not at all: a reader of the file can read what is in it, save tokens.
    Nothing,
    /// To a recipient of age.
    Recipient(x25519::Recipient),
    Passphrase(Passphrase),
}

impl Seal {
    /// To the recipient with this public key.
    ///
    /// # Errors
    /// That it is none, in a sentence.
    pub fn to(recipient: &str) -> Result<Self, String> {
        let parsed = recipient.trim().parse().map(Seal::Recipient);
        parsed.map_err(|_| "that is no recipient of age: it begins with age1, as `age-keygen` prints it".to_owned())
    }

    /// What it is encrypted to, in a word.
    pub fn word(&self) -> &'static str {
        match self {
            Seal::Nothing => "none",
            Seal::Recipient(_) => "recipient",
            Seal::Passphrase(_) => "passphrase",
        }
    }

    /// Begins a file that is encrypted so.
    pub(crate) fn begin<W: Write>(&self, out: W) -> io::Result<Sealed<W>> {
        let encryptor = match self {
            Seal::Nothing => return Ok(Sealed::Plain(out)),
            Seal::Recipient(recipient) => Encryptor::with_recipients(iter::once(recipient as &dyn age::Recipient)),
            Seal::Passphrase(passphrase) => {
                let mut recipient = scrypt::Recipient::new(passphrase.secret());
                recipient.set_work_factor(WORK_FACTOR);
                Encryptor::with_recipients(iter::once(&recipient as &dyn age::Recipient))
            }
        };
        let encryptor = encryptor.map_err(|_| io::Error::other("nothing can be encrypted to that recipient"))?;
        Ok(Sealed::Age(Box::new(encryptor.wrap_output(out)?)))
    }
}

/// A file that is encrypted while it is written.
pub enum Sealed<W: Write> {
    Plain(W),
    Age(Box<StreamWriter<W>>),
}

impl<W: Write> Sealed<W> {
    /// Ends it, and returns what it was written to.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(self) -> io::Result<W> {
        match self {
            Sealed::Plain(out) => Ok(out),
            Sealed::Age(out) => out.finish(),
        }
    }
}

impl<W: Write> Write for Sealed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Sealed::Plain(out) => out.write(bytes),
            Sealed::Age(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Sealed::Plain(out) => out.flush(),
            Sealed::Age(out) => out.flush(),
        }
    }
}

/// What opens a backup.
pub enum Key {
    Nothing,
    Identities(Vec<x25519::Identity>),
    Passphrase(Passphrase),
}

/// The identities in a file, as `age-keygen` writes it.
///
/// # Errors
/// `NoIdentity`, which names no part of the file.
pub fn identities(file: impl Read) -> Result<Key, Unusable> {
    let mut text = Zeroizing::new(String::new());
    let none = |what: &str| Unusable::NoIdentity { what: what.to_owned() };
    file.take(MOST_KEY_BYTES).read_to_string(&mut text).map_err(|_| none("it is no text"))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let found: Result<Vec<x25519::Identity>, _> = lines.map(str::parse).collect();
    match found {
        Ok(found) if found.is_empty() => Err(none("it is empty")),
        Ok(found) => Ok(Key::Identities(found)),
        Err(_) => Err(none("a line is none that begins with AGE-SECRET-KEY-1")),
    }
}

/// Opens a backup: what is read from the result is decrypted and decompressed.
///
/// # Errors
/// Why it cannot be opened, before anything of it was passed on.
pub fn open<'a>(file: impl Read + 'a, key: &Key) -> Result<impl Read + 'a, Unusable> {
    let mut file = BufReader::with_capacity(1 << 16, file);
    let begin = file.fill_buf().map_err(Unusable::Io)?;
    let below: Box<dyn Read + 'a> = if begin.starts_with(AGE) {
        decrypt(file, key)?
    } else if begin.starts_with(ZSTD) {
        Box::new(file)
    } else {
        return Err(Unusable::NoBackup);
    };
    let mut frames = zstd::Decoder::new(below).map_err(Unusable::Io)?;
    frames.window_log_max(MOST_WINDOW_LOG).map_err(Unusable::Io)?;
    Ok(frames)
}

fn decrypt<'a>(file: impl BufRead + 'a, key: &Key) -> Result<Box<dyn Read + 'a>, Unusable> {
    let refused = |error| refused(error, matches!(key, Key::Passphrase(_)));
    let decryptor = Decryptor::new_buffered(file).map_err(refused)?;
    let opened = match key {
        Key::Identities(_) if decryptor.is_scrypt() => return Err(Unusable::NeedsPassphrase),
        Key::Passphrase(_) if !decryptor.is_scrypt() => return Err(Unusable::NeedsIdentity),
        Key::Nothing if decryptor.is_scrypt() => return Err(Unusable::NeedsPassphrase),
        Key::Nothing => return Err(Unusable::NeedsIdentity),
        Key::Identities(identities) => decryptor.decrypt(identities.iter().map(|it| it as &dyn age::Identity)),
        Key::Passphrase(passphrase) => {
            let mut identity = scrypt::Identity::new(passphrase.secret());
            identity.set_max_work_factor(MOST_WORK);
            decryptor.decrypt(iter::once(&identity as &dyn age::Identity))
        }
    };
    Ok(Box::new(opened.map_err(refused)?))
}

fn refused(error: DecryptError, by_passphrase: bool) -> Unusable {
    match error {
        DecryptError::ExcessiveWork { required, .. } => Unusable::TooMuchWork { found: required, most: MOST_WORK },
        DecryptError::NoMatchingKeys => Unusable::WrongIdentity,
        DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed if by_passphrase => {
            Unusable::WrongPassphrase
        }
        DecryptError::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => Unusable::CutOff { frame: 0 },
        DecryptError::Io(error) if error.raw_os_error().is_some() => Unusable::Io(error),
        _ => Unusable::Damaged { what: "its header makes no sense".to_owned() },
    }
}
