//! `[backup]`: backups that the daemon makes by itself, and how they are encrypted.

use std::path::PathBuf;

use roster_backup::Seal;
use roster_protocol::time::Seconds;
use serde::Deserialize;

use super::{Problem, interval};

/// `[backup]`: where backups go, how often, and how they are encrypted.
#[derive(Clone, Debug)]
pub struct Backup {
    /// The directory that gets them; `None`: none is made but on request.
    pub to: Option<PathBuf>,
    pub every: Seconds,
    /// How many stay; older ones are deleted.
    pub keep: usize,
    pub encrypted: Encrypted,
}

/// How backups are encrypted, those that users request too, where they do not say otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Encrypted {
    Not,
    /// To this recipient of age.
    To(String),
    /// With the passphrase in this file.
    With(PathBuf),
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawBackup {
    to: Option<PathBuf>,
    every: Option<String>,
    keep: Option<usize>,
    recipient: Option<String>,
    passphrase_file: Option<PathBuf>,
}

/// Shorter ones only wear the disk.
const SHORTEST: Seconds = Seconds(60);
/// More in one directory are no rotation any more.
const MOST_KEPT: usize = 10_000;

impl RawBackup {
    pub(super) fn check(self) -> Result<Backup, Problem> {
        // Losing a day is what most can do without.
        let every = interval(self.every.as_deref().unwrap_or("24h")).map_err(|message| ("backup.every", message))?;
        if every < SHORTEST {
            return Err(("backup.every", format!("{} s are too short: at least 1m", every.0)));
        }
        let keep = self.keep.unwrap_or(14);
        if !(1..=MOST_KEPT).contains(&keep) {
            return Err(("backup.keep", format!("{keep} is not from 1 to {MOST_KEPT}")));
        }
        let encrypted = match (self.recipient, self.passphrase_file) {
            (Some(_), Some(_)) => {
                return Err(("backup.passphrase_file", "give this or recipient, not both".to_owned()));
            }
            (Some(recipient), None) => {
                Seal::to(&recipient).map_err(|message| ("backup.recipient", message))?;
                Encrypted::To(recipient)
            }
            (None, Some(path)) => Encrypted::With(path),
            (None, None) => Encrypted::Not,
        };
        if self.to.is_some() && encrypted == Encrypted::Not {
            let message = "needs recipient = \"age1…\" or passphrase_file: these backups are encrypted";
            return Err(("backup.to", message.to_owned()));
        }
        if self.to.as_ref().is_some_and(|to| !to.is_absolute()) {
            return Err(("backup.to", "must begin with /".to_owned()));
        }
        Ok(Backup { to: self.to, every, keep, encrypted })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    const RECIPIENT: &str = "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa";

    fn check(keys: &str, expected: &str) {
        let error = Config::parse(&format!("[backup]\n{keys}\n"), "rosterd.toml").expect_err(keys);
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        let none = Config::parse("", "rosterd.toml").expect("defaults").backup;
        assert_eq!((none.to, none.every, none.keep, none.encrypted), (None, Seconds(86_400), 14, Encrypted::Not));
        let text = format!("[backup]\nto = \"/b\"\nevery = \"1m\"\nrecipient = \"{RECIPIENT}\"\n");
        let some = Config::parse(&text, "rosterd.toml").expect("a good config").backup;
        let expected = (Some("/b".into()), Seconds(60), Encrypted::To(RECIPIENT.to_owned()));
        assert_eq!((some.to, some.every, some.encrypted), expected);
    }

    #[test]
    fn what_makes_no_backup_is_refused_with_its_line() {
        check(
            "to = \"/b\"",
            "rosterd.toml:2: needs recipient = \"age1…\" or passphrase_file: these backups are encrypted",
        );
        check("every = \"59s\"", "rosterd.toml:2: 59 s are too short: at least 1m");
        check("keep = 0", "rosterd.toml:2: 0 is not from 1 to 10000");
        check("kept = 1", "rosterd.toml:2: unknown key backup.kept; did you mean keep?");
        check("to = \"b\"\npassphrase_file = \"/p\"", "rosterd.toml:2: must begin with /");
        let both = format!("recipient = \"{RECIPIENT}\"\npassphrase_file = \"/p\"");
        check(&both, "rosterd.toml:3: give this or recipient, not both");
        let none = "rosterd.toml:2: that is no recipient of age: it begins with age1, as `age-keygen` prints it";
        check("recipient = \"age1x\"", none);
    }
}
