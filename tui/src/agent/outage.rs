//! A time in which one side does not respond, and what the session's log says about it.

use std::io::Write;
use std::time::Duration;

use roster_protocol::text::{SENTENCE_CHARACTERS, clean};

use super::Pace;

/// It is logged once when it begins and once when it ends.
pub(super) struct Outage {
    of: &'static str,
    pace: Pace,
    /// The wait before the next try; `None` while all is well.
    wait: Option<Duration>,
}

impl Outage {
    pub fn new(of: &'static str, pace: Pace) -> Self {
        Self { of, pace, wait: None }
    }

    /// Notes one more failure; gives how long to wait before the next try.
    pub fn failed_again(&mut self, why: &str) -> Duration {
        let wait = match self.wait {
            Some(wait) => (wait * 2).min(self.pace.longest_wait),
            None => {
                log(&format!("{} cannot be reached, alerts wait: {why}", self.of));
                self.pace.first_wait
            }
        };
        self.wait = Some(wait);
        wait
    }

    pub fn ends(&mut self) {
        if self.wait.take().is_some() {
            log(&format!("{} is back", self.of));
        }
    }
}

/// One line for the session's log.
pub(super) fn log(sentence: &str) {
    // A log that cannot be written is no reason to end.
    let _ = writeln!(std::io::stderr(), "roster notify: {}", clean(sentence, SENTENCE_CHARACTERS));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_limit_and_begin_anew_after_success() {
        let mut outage = Outage::new("nobody", Pace::default());
        let mut waits = || outage.failed_again("no bus").as_secs();
        assert_eq!([waits(), waits(), waits(), waits(), waits(), waits()], [5, 10, 20, 40, 60, 60]);
        outage.ends();
        assert_eq!(outage.failed_again("no bus").as_secs(), 5);
    }
}
