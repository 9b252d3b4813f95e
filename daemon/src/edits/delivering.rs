//! Deliveries that are sent again.

use roster_protocol::audit::Who;
use roster_protocol::error::{ErrorKind, RosterError};
use roster_protocol::ids::DeliveryId;

use crate::app::{App, read_error};
use crate::decision::deliveries;
use crate::model::{DESKTOP, Delivery};
use crate::store::DeliveriesNamed;

/// Has the delivery with this id or unique prefix sent again now.
///
/// # Errors
/// None or several of that name, its channel is gone or the desktop, or it cannot be stored.
pub async fn retry(app: &App, who: Who, named: &str) -> Result<Delivery, RosterError> {
    let delivery = find(app, named).await?;
    let channel = delivery.key.channel.clone();
    if channel == DESKTOP {
        return Err(RosterError::usage("a desktop shows open alerts by itself; nothing is sent to it"));
    }
    app.decide(move |decision| match decision.roster.routing.channel(&channel) {
        Some(_) => Ok(deliveries::retry(decision, &who, delivery)),
        None => {
            Err(RosterError::new(ErrorKind::Conflict, format!("the channel {channel} is not in the config any more")))
        }
    })
    .await
}

async fn find(app: &App, named: &str) -> Result<Delivery, RosterError> {
    let nothing =
        || RosterError::not_found(format!("no delivery is named {named:?}")).hint("`roster deliveries` lists them");
    let ids = DeliveryId::starting_with(named).filter(|_| named.len() >= 3).ok_or_else(nothing)?;
    let mut found = app.store.read(DeliveriesNamed(ids)).await.map_err(|error| read_error(&error))?;
    match found.len() {
        0 => Err(nothing()),
        1 => Ok(found.remove(0)),
        many => {
            let ids: Vec<String> = found.iter().take(10).map(|delivery| delivery.id.to_string()).collect();
            Err(RosterError::new(ErrorKind::Ambiguous, format!("{named:?} names {many} deliveries"))
                .hint(format!("say which: {}", ids.join(", "))))
        }
    }
}
