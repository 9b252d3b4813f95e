//! The only module that reads the time and waits for it.

use futures::future::BoxFuture;
use parking_lot::{Mutex, MutexGuard};
use roster_protocol::time::Timestamp;
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec};
use tokio::io::unix::AsyncFd;
use tokio::sync::watch;

/// Wall-clock time.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;

    /// Waits until `at`, or until the clock is set: the caller reads the time again afterwards.
    /// A past time returns at once.
    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'_, ()>;
}

/// The system's clock. It notices when it is set and when the machine slept, without ticking.
#[derive(Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        jiff::Timestamp::now().into()
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if let Err(error) = timer(at).await {
                tracing::warn!(%error, "no timer for the wall clock; a clock that is set will be noticed late");
                let left = at.since(self.now()).clamp(0, 30_000);
                tokio::time::sleep(std::time::Duration::from_millis(left as u64)).await;
            }
        })
    }
}

/// Waits on a timerfd in wall-clock time that is cancelled when the clock is set.
async fn timer(at: Timestamp) -> std::io::Result<()> {
    let fd =
        rustix::time::timerfd_create(TimerfdClockId::Realtime, TimerfdFlags::NONBLOCK.union(TimerfdFlags::CLOEXEC))?;
    // 1 ns into 1970 at the earliest: zero would disarm the timer.
    let at_ms = at.0.clamp(0, 253_402_300_799_000);
    let value = Timespec { tv_sec: at_ms / 1000, tv_nsec: (at_ms % 1000) * 1_000_000 + 1 };
    let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: value };
    rustix::time::timerfd_settime(&fd, TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET, &once)?;
    #[expect(
        deprecated,
        reason = "its replacement is unsafe for types that may lose their descriptor; an OwnedFd cannot"
    )]
    let fd = AsyncFd::new(fd)?;
    let mut expirations = [0; 8];
    loop {
        let mut ready = fd.readable().await?;
        match rustix::io::read(fd.get_ref(), &mut expirations) {
            Ok(_) | Err(rustix::io::Errno::CANCELED) => return Ok(()),
            Err(rustix::io::Errno::AGAIN) => ready.clear_ready(),
            Err(error) => return Err(error.into()),
        }
    }
}

/// A clock that moves only when it is set, for tests, the demo's history and simulations.
#[derive(Debug)]
pub struct ManualClock {
    now: Mutex<Timestamp>,
    moved: watch::Sender<u64>,
}

impl ManualClock {
    /// A clock that shows `now`.
    pub fn at(now: Timestamp) -> Self {
        Self { now: Mutex::new(now), moved: watch::Sender::new(0) }
    }

    /// Sets the clock, backwards too.
    pub fn set(&self, now: Timestamp) {
        *self.lock() = now;
        self.moved.send_modify(|moves| *moves += 1);
    }

    /// Moves the clock by `seconds`.
    pub fn advance(&self, seconds: i64) {
        self.set(self.now().plus_seconds(seconds));
    }

    fn lock(&self) -> MutexGuard<'_, Timestamp> {
        self.now.lock()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.lock()
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let mut moved = self.moved.subscribe();
            if self.now() < at {
                // The sender is part of self, so this cannot fail.
                let _ = moved.changed().await;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_system_clock_waits_until_and_not_after_the_past() {
        let clock = SystemClock;
        clock.sleep_until(Timestamp(0)).await;
        clock.sleep_until(Timestamp(i64::MIN)).await;
        let at = Timestamp(clock.now().0 + 20);
        clock.sleep_until(at).await;
        assert!(clock.now() >= at);
    }

    #[tokio::test]
    async fn a_manual_clock_wakes_its_waiters_when_it_moves() {
        let clock = ManualClock::at(Timestamp(0));
        clock.sleep_until(Timestamp(0)).await;
        tokio::join!(clock.sleep_until(Timestamp(5_000)), async { clock.advance(5) });
        assert_eq!(clock.now(), Timestamp(5_000));
    }
}
