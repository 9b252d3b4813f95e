//! What Meta sends about Instagram. Pure.

use super::{Instagram, NAME};
use crate::platforms::graph::MetaHooks;
use crate::platforms::webhook::{Hook, Pushed, Received, Refused, Webhooks};

impl Instagram {
    fn meta_hooks(&self) -> MetaHooks<'_> {
        let secret = self.app.as_ref().map(|app| &app.secret);
        MetaHooks { name: NAME, secret, verify_token: self.verify_token.as_ref() }
    }
}

impl Webhooks for Instagram {
    fn hooks(&self) -> &'static [Hook] {
        MetaHooks::HOOKS
    }

    fn read(&self, received: Received<'_>) -> Result<Vec<Pushed>, Refused> {
        self.meta_hooks().read(received)
    }

    fn challenge(&self, query: &[(String, String)]) -> Result<String, Refused> {
        self.meta_hooks().challenge(query)
    }
}
