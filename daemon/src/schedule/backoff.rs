//! When a failed run is tried again. Pure.

use roster_protocol::time::Seconds;

/// When to try again after the `failures`-th failure in a row (from 1): 30 s, doubled each time up to an hour,
/// of which the later half depends on `dice` (0 to 1), so that connections that failed together do not retry together.
pub fn back_off(failures: u32, dice: f64) -> Seconds {
    let full = 30u64.saturating_mul(1 << failures.saturating_sub(1).min(10)).min(3600);
    Seconds(full / 2 + (full as f64 / 2.0 * dice.clamp(0.0, 1.0)) as u64)
}
