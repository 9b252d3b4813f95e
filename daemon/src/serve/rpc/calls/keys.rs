//! Calls about master keys.

use roster_protocol::error::RosterError;
use roster_protocol::keys::{Keys, Retired};

use super::Caller;
use crate::keys::{changing, listing};

pub async fn keys(caller: &Caller) -> Result<Keys, RosterError> {
    listing::keys(&caller.app).await
}

pub async fn rotate(caller: &Caller) -> Result<Keys, RosterError> {
    caller.own(changing::rotate).await
}

pub async fn retire(caller: &Caller, key: String, sure: bool) -> Result<Retired, RosterError> {
    caller.own(move |app, who| changing::retire(app, who, key, sure)).await
}
