//! Why a backup cannot be used, by what an operator does next.

use std::io::{self, ErrorKind};

/// Why a backup cannot be used. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// Another file was meant.
    #[error("it is no backup of Roster")]
    NoBackup,
    /// A newer Roster is needed.
    #[error("its format is {found}, and this version reads formats up to {known}")]
    Newer { found: u32, known: u32 },
    /// It is encrypted to a recipient, and no identity was given.
    #[error("it is encrypted to a recipient of age, and no identity was given")]
    NeedsIdentity,
    /// It is encrypted with a passphrase, and none was given.
    #[error("it is encrypted with a passphrase, and none was given")]
    NeedsPassphrase,
    #[error("the passphrase is wrong")]
    WrongPassphrase,
    #[error("it is encrypted to another recipient: this identity does not open it")]
    WrongIdentity,
    /// Its passphrase would take more memory than a backup of ours ever does.
    #[error("its passphrase has a work factor of {found}, and at most {most} is tried")]
    TooMuchWork { found: u8, most: u8 },
    #[error("the identity's file has no identity of age in it: {what}")]
    NoIdentity { what: String },
    #[error("the passphrase's file does not hold one line of text")]
    NoPassphrase,
    /// The rest is missing.
    #[error("it is cut off after frame {frame}")]
    CutOff { frame: u64 },
    /// Some bytes of it are others than were written.
    #[error("it is damaged: {what}")]
    Damaged { what: String },
    /// The manifest says otherwise.
    #[error("it is not whole: {what}")]
    NotWhole { what: String },
    #[error("it cannot be read: {0}")]
    Io(#[source] io::Error),
}

impl Unusable {
    /// A frame that is not as it was written.
    pub(crate) fn frame(number: u64, what: &str) -> Self {
        Unusable::Damaged { what: format!("frame {number} {what}") }
    }

    /// A failed read of a frame. What age and zstd refuse to pass on is damage, and has no kind of the system's.
    pub(crate) fn reading(error: io::Error, frame: u64) -> Self {
        match (error.kind(), error.raw_os_error()) {
            (_, Some(_)) => Unusable::Io(error),
            (ErrorKind::UnexpectedEof, _) => Unusable::CutOff { frame },
            _ => Unusable::frame(frame, "cannot be decrypted or decompressed: it was changed, or cut off"),
        }
    }

    /// Whether it says nothing of the backup: what was given to open it does not fit.
    pub fn is_usage(&self) -> bool {
        use Unusable::{NeedsIdentity, NeedsPassphrase, NoIdentity, NoPassphrase};
        matches!(self, NeedsIdentity | NeedsPassphrase | NoIdentity { .. } | NoPassphrase)
    }

    /// What to do now, where the error does not say it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Unusable::NeedsIdentity => Some("give the identity's file: --identity FILE"),
            Unusable::NeedsPassphrase => Some("give a file with the passphrase: --passphrase-file FILE"),
            Unusable::Newer { .. } => Some("install the version of Roster that wrote it, or a newer one"),
            Unusable::CutOff { .. } | Unusable::Damaged { .. } | Unusable::NotWhole { .. } => {
                Some("use another backup; this one may be a copy that was not finished")
            }
            _ => None,
        }
    }
}
