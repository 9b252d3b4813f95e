//! The short link to a consent's address, which fits into a small QR code: made when the consent begins, spent when a
//! browser opens it.

use roster_protocol::error::RosterError;
use roster_protocol::ids::ConsentId;
use roster_protocol::time::Timestamp;

use super::{no_randomness, public_address};
use crate::app::{App, ShortLink};
use crate::model::ConsentStep;
use crate::secret::Secret;

/// 128 bits: they cannot be guessed within the ten minutes of a consent.
const CODE_BYTES: usize = 16;

/// Makes a link to an address; `None` without a public URL, or while nothing listens there.
///
/// # Errors
/// The system has no randomness.
pub(super) fn make(
    app: &App,
    consent: ConsentId,
    address: &str,
    expires_at: Timestamp,
) -> Result<Option<String>, RosterError> {
    if app.setup().config.http.public_url.is_none() || app.consents.listens_at().is_none() {
        return Ok(None);
    }
    let mut bytes = zeroize::Zeroizing::new([0; CODE_BYTES]);
    getrandom::fill(bytes.as_mut()).map_err(|error| no_randomness(&error))?;
    let code = Secret::new(data_encoding::BASE64URL_NOPAD.encode(bytes.as_ref()));
    let link = public_address(app, &format!("/c/{}", code.expose()));
    let short_link = ShortLink { consent, address: Secret::new(address), expires_at };
    app.consents.short_links.keep(&code, short_link, app.clock.now());
    Ok(link)
}

/// The address that a code leads to, which is spent with it; `None` when it leads to no consent that waits.
pub fn follow(app: &App, code: String) -> Option<Secret> {
    let now = app.clock.now();
    let link = app.consents.short_links.spend(&Secret::new(code), now)?;
    let waits = app.look(|roster| {
        let consent = roster.consents.pending.get(&link.consent);
        consent.is_some_and(|consent| consent.expires_at > now && matches!(consent.step, ConsentStep::Waiting))
    });
    waits.then_some(link.address)
}
