//! How much room the disk of a store has, and how much it should have. Pure.

/// A disk, or one file system of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disk {
    /// Free for users other than root.
    pub free_bytes: u64,
    pub total_bytes: u64,
}

impl Disk {
    /// At least so much is free, or a twentieth of a disk that is smaller than twenty times this.
    const LEAST_BYTES: u64 = 1 << 30;

    /// How much must be free beside a file so large: what the config says, or else enough for a backup and a copy, and for
    /// all that grows.
    pub fn least_free(self, file_bytes: u64, configured: Option<u64>) -> u64 {
        let usual = Self::LEAST_BYTES.min(self.total_bytes / 20).max(file_bytes.saturating_mul(2));
        configured.unwrap_or(usual)
    }
}
