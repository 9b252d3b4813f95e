//! Calls about consents. All but the list of grants concern the caller's own consents.

use roster_protocol::consent::{ConsentBegun, ConsentMethod, ConsentState, Grant, RevokedAll};
use roster_protocol::error::RosterError;
use roster_protocol::ids::ConsentId;

use super::Caller;
use crate::app::WAIT;
use crate::consent;

pub async fn begin(
    caller: &Caller,
    influencer: String,
    platform: String,
    method: ConsentMethod,
    handle: Option<String>,
) -> Result<ConsentBegun, RosterError> {
    let work = caller
        .own(|app, who| async move { consent::begin::begin(&app, who, influencer, platform, method, handle).await });
    work.await
}

pub async fn state(caller: &Caller, consent: ConsentId) -> Result<ConsentState, RosterError> {
    consent::view::state(&caller.app, &caller.who, consent, WAIT).await
}

pub async fn paste(caller: &Caller, address: String) -> Result<ConsentId, RosterError> {
    caller.own(|app, who| async move { consent::finish::pasted(&app, &who, &address).await }).await
}

pub async fn open(caller: &Caller, influencer: String, platform: String) -> Result<Option<ConsentId>, RosterError> {
    consent::view::open(&caller.app, &caller.who, &influencer, &platform)
}

pub async fn choose(caller: &Caller, consent: ConsentId, accounts: Vec<String>) -> Result<ConsentState, RosterError> {
    caller.own(|app, who| async move { consent::choose::choose(&app, &who, consent, accounts).await }).await
}

pub async fn cancel(caller: &Caller, consent: ConsentId) -> Result<(), RosterError> {
    caller.own(|app, who| async move { consent::finish::cancel(&app, &who, consent).await }).await
}

pub async fn revoke_all(caller: &Caller) -> Result<RevokedAll, RosterError> {
    caller.own(|app, who| async move { consent::revoke::all(&app, &who).await }).await
}

pub async fn grants(caller: &Caller) -> Result<Vec<Grant>, RosterError> {
    Ok(consent::view::grants(&caller.app))
}
