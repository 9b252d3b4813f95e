//! What is recorded of backups: who took one, and the last that was kept.

use roster_protocol::audit::Who;

use super::Decision;
use super::audit::{audit, own};
use super::keys::backed_up;
use crate::model::{AuditLine, Backup};

/// Records that a user begins to read a backup: whether it is kept anywhere is not known yet.
pub fn begun(decision: &mut Decision<'_>, who: &Who, sealed: &str, with_keys: bool) {
    let line = audit(decision, who, "backup.begin", "store");
    let keys = if with_keys { ", with the master key" } else { "" };
    decision.log(AuditLine { new: Some(format!("encrypted: {sealed}{keys}")), ..line });
}

/// Records a backup that is kept where it belongs; `who`: the user that requested it.
/// `keys`: the master keys that values in it are sealed with.
pub fn kept(decision: &mut Decision<'_>, who: Option<&Who>, backup: Backup, keys: &[[u8; 8]]) {
    let Backup { at, bytes, rows, .. } = backup;
    let cause = if who.is_some() { "person" } else { "schedule" };
    let line = own(decision, "backup", "store", cause);
    let new = Some(format!("{rows} records of {at}, {bytes} bytes"));
    decision.log(AuditLine { who: who.cloned(), new, ..line });
    decision.commit.consents.keys = Some(backed_up(&decision.roster.consents.keys, keys, &backup));
    decision.commit.roster.backup = Some(backup);
}

/// Records that copies of the store were deleted, which migrations had left.
pub fn copies_deleted(decision: &mut Decision<'_>, names: &[String]) {
    for name in names {
        let line = own(decision, "copy.delete", name.as_str(), "upkeep");
        decision.log(line);
    }
}
