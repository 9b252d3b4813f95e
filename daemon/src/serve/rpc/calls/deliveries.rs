//! Calls about channels and deliveries.

use roster_protocol::delivery::{Channel, ChannelTest, Delivery};
use roster_protocol::error::RosterError;
use roster_protocol::service::{DeliveriesQuery, Page};

use super::Caller;
use crate::browse;
use crate::edits;

pub async fn channels(caller: &Caller) -> Result<Vec<Channel>, RosterError> {
    Ok(caller.outbox.list(&caller.app))
}

pub async fn test_channel(caller: &Caller, channel: String) -> Result<ChannelTest, RosterError> {
    let outbox = caller.outbox.clone();
    let work = caller.own(|app, who| async move {
        let test = outbox.test(&app, &channel).await?;
        let result = if test.delivered { "delivered" } else { "failed" };
        app.note(&who, "channel.test", format!("channel {channel}"), result).await;
        Ok(test)
    });
    work.await
}

pub async fn deliveries(caller: &Caller, query: DeliveriesQuery) -> Result<Page<Delivery>, RosterError> {
    browse::deliveries::deliveries(&caller.app, query).await
}

pub async fn retry(caller: &Caller, delivery: String) -> Result<Delivery, RosterError> {
    let outbox = caller.outbox.clone();
    let retried = caller.own(|app, who| async move {
        let delivery = edits::delivering::retry(&app, who, &delivery).await?;
        outbox.hurry(&app, &delivery.key.channel);
        Ok(delivery)
    });
    let retried = retried.await?;
    browse::deliveries::shown(&caller.app, &retried).await
}
