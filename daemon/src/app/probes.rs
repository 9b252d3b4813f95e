//! Requests that the daemon sends to itself, to see whether an address leads here.

use std::collections::HashMap;

use data_encoding::HEXLOWER;
use parking_lot::Mutex;

/// What is expected to arrive, and what is returned then.
#[derive(Debug, Default)]
pub struct Probes(Mutex<HashMap<String, String>>);

/// One that is under way; it is over when this is dropped.
#[derive(Debug)]
pub struct Probe<'a> {
    probes: &'a Probes,
    /// What is sent as the state of a callback.
    pub sent: String,
    /// What only this daemon returns for it.
    pub expected: String,
}

impl Probes {
    /// Begins one; `None` where the system has no randomness.
    pub fn begin(&self) -> Option<Probe<'_>> {
        let [sent, expected] = [word()?, word()?];
        self.0.lock().insert(sent.clone(), expected.clone());
        Some(Probe { probes: self, sent, expected })
    }

    /// What to return where this arrives; `None` where it belongs to none that is under way.
    pub fn response(&self, arrived: &str) -> Option<String> {
        self.0.lock().get(arrived).cloned()
    }
}

impl Drop for Probe<'_> {
    fn drop(&mut self) {
        self.probes.0.lock().remove(&self.sent);
    }
}

fn word() -> Option<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).ok()?;
    Some(HEXLOWER.encode(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_is_known_while_it_is_under_way() {
        let probes = Probes::default();
        let probe = probes.begin().expect("randomness");
        let sent = probe.sent.clone();
        assert_eq!(probes.response(&sent).as_ref(), Some(&probe.expected));
        assert_eq!(probes.response("x"), None);
        drop(probe);
        assert_eq!(probes.response(&sent), None);
    }
}
