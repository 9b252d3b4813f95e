//! Short links to the addresses of consents that wait, each good once. They are in memory only: an address holds a state,
//! of which the store has nothing but the hash.

use std::collections::HashMap;

use parking_lot::Mutex;
use roster_protocol::ids::ConsentId;
use roster_protocol::time::Timestamp;

use crate::secret::Secret;
use crate::secret::vault::fingerprint;

/// The links by the hash of their code.
#[derive(Default)]
pub struct ShortLinks(Mutex<HashMap<[u8; 32], ShortLink>>);

/// Where a link leads.
pub struct ShortLink {
    pub consent: ConsentId,
    /// The address of the consent page, with the state in it.
    pub address: Secret,
    pub expires_at: Timestamp,
}

impl ShortLinks {
    /// Keeps a link until it is spent or expires.
    pub fn keep(&self, code: &Secret, link: ShortLink, now: Timestamp) {
        let mut links = self.0.lock();
        links.retain(|_, link| link.expires_at > now);
        links.insert(fingerprint(code), link);
    }

    /// Spends the link of a code; `None` when there is none any more.
    pub fn spend(&self, code: &Secret, now: Timestamp) -> Option<ShortLink> {
        let spent = self.0.lock().remove(&fingerprint(code));
        spent.filter(|link| link.expires_at > now)
    }

    /// Ends the links of a consent that is over.
    pub fn forget(&self, consent: ConsentId) {
        self.0.lock().retain(|_, link| link.consent != consent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDS: Timestamp = Timestamp(600_000);

    fn link(consent: u8) -> ShortLink {
        let address = Secret::new(format!("https://x.example/{consent}"));
        ShortLink { consent: ConsentId::from_bytes([consent; 5]), address, expires_at: ENDS }
    }

    fn spend(links: &ShortLinks, code: &str, now: i64) -> Option<String> {
        links.spend(&Secret::new(code), Timestamp(now)).map(|link| link.address.expose().to_owned())
    }

    #[test]
    fn a_link_is_good_once_until_it_expires_or_its_consent_is_over() {
        let links = ShortLinks::default();
        for (code, consent) in [("a", 1), ("b", 2), ("c", 3)] {
            links.keep(&Secret::new(code), link(consent), Timestamp(0));
        }
        assert_eq!(spend(&links, "x", 1), None);
        assert_eq!(spend(&links, "", 1), None);
        assert_eq!(spend(&links, "a", ENDS.0 - 1).as_deref(), Some("https://x.example/1"));
        assert_eq!(spend(&links, "a", 1), None, "spent");
        assert_eq!(spend(&links, "b", ENDS.0), None, "expired");
        links.forget(ConsentId::from_bytes([3; 5]));
        assert_eq!(spend(&links, "c", 1), None, "over");
    }

    #[test]
    fn what_expired_is_not_kept() {
        let links = ShortLinks::default();
        links.keep(&Secret::new("old"), link(1), Timestamp(0));
        links.keep(&Secret::new("new"), ShortLink { expires_at: Timestamp(i64::MAX), ..link(2) }, ENDS);
        assert_eq!(links.0.lock().len(), 1);
    }
}
