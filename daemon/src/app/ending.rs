//! How long an end takes. The units of the service manager wait longer than all of it together.

use std::time::Duration;

/// How long runs under way may still take when the daemon ends; those that are cut off are simply due again.
pub const LAST_WORK: Duration = Duration::from_secs(3);
/// How long exchanges and renewals of tokens may still take: a little more than the timeout of a request.
pub const LAST_RENEWALS: Duration = Duration::from_secs(25);
/// How long the last write may take, which a slow disk keeps waiting.
pub const LAST_WRITE: Duration = Duration::from_secs(5);
/// How long the store may still be in use by tasks that are ending.
pub const CLOSING: Duration = Duration::from_secs(2);
/// How long reads under way may still keep the program's threads.
pub const LAST_READS: Duration = Duration::from_secs(1);
/// All of them, one after the other.
pub const LONGEST_S: u64 =
    LAST_WORK.as_secs() + LAST_RENEWALS.as_secs() + LAST_WRITE.as_secs() + CLOSING.as_secs() + LAST_READS.as_secs();
