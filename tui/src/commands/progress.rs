//! A progress bar on stderr, where that is a terminal.

use std::io::{self, IsTerminal, Write};

use crate::output::table::{Paint, Tone};

const WIDTH: u64 = 30;

/// The bar; it is erased when dropped.
pub struct Progress {
    shown: bool,
    paint: Paint,
}

impl Progress {
    /// A bar that is drawn only on a terminal.
    pub fn new(paint: Paint) -> Self {
        Self { shown: io::stderr().is_terminal(), paint }
    }

    /// Draws how far it is.
    pub fn draw(&self, done: u64, of: u64, failed: u64) {
        if self.shown {
            let mut stderr = io::stderr();
            // A bar that cannot be drawn is no failure.
            let _ = write!(stderr, "\r\u{1b}[K{}", bar(done, of, failed, self.paint));
            let _ = stderr.flush();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            let _ = write!(io::stderr(), "\r\u{1b}[K");
        }
    }
}

/// `▓▓▓▓░░░░  3 of 7, 1 not ok`
fn bar(done: u64, of: u64, failed: u64, paint: Paint) -> String {
    let full = u128::from(WIDTH) * u128::from(done.min(of)) / u128::from(of.max(1));
    let full = usize::try_from(full).unwrap_or_default();
    let bar = "▓".repeat(full) + &"░".repeat(WIDTH as usize - full);
    let failed = if failed == 0 { String::new() } else { paint.tone(&format!(", {failed} not ok"), Tone::Warn) };
    format!("{bar}  {done} of {of}{failed}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_is_as_full_as_the_work() {
        let check = |done, of, failed, full: usize, label: &str| {
            let text = bar(done, of, failed, Paint::default());
            assert_eq!(text.matches('▓').count(), full, "{text}");
            assert_eq!(text.matches('░').count(), WIDTH as usize - full, "{text}");
            assert!(text.ends_with(label), "{text}");
        };
        check(0, 7, 0, 0, "  0 of 7");
        check(7, 7, 2, 30, "  7 of 7, 2 not ok");
        check(1, 2, 0, 15, "  1 of 2");
        check(0, 0, 0, 0, "  0 of 0");
        check(u64::MAX, u64::MAX, 0, 30, "18446744073709551615");
    }
}
