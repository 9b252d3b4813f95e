//! `roster deliveries`: what was delivered, what waits, what was given up; and sending it again.

use roster_protocol::RosterError;
use roster_protocol::delivery::{Delivery, DeliveryState};
use roster_protocol::service::DeliveriesQuery;
use roster_protocol::text::{SENTENCE_CHARACTERS, clean};

use super::pages;
use crate::client::{response, short_call};
use crate::output::json::deliveries as json;
use crate::output::rows::Form;
use crate::output::table::{Cell, Table, Tone};
use crate::output::text::time;
use crate::output::{Ending, Failure, Look};
use crate::session::Session;

/// `roster deliveries`
#[derive(Debug, clap::Args)]
pub struct Deliveries {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// Of this alert only: its id, or the beginning of it
    #[arg(long, value_name = "ID")]
    alert: Option<String>,
    /// pending, delivered, dead or superseded (a group's notice took its place) [default: all]
    #[arg(long, value_name = "STATE")]
    state: Option<DeliveryState>,
    /// At most so many [default: the newest 1,000]
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Has a delivery sent again now, whatever became of it; a receiver sees the same id
    Retry {
        /// The delivery's id, or the beginning of it
        #[arg(value_name = "ID")]
        delivery: String,
    },
}

impl Deliveries {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        session.output.shape(&self.form, false)?;
        match &self.verb {
            Some(Verb::Retry { .. }) if self.alert.is_some() || self.state.is_some() || self.limit.is_some() => {
                Err(RosterError::usage("`deliveries retry` takes an id only").into())
            }
            Some(Verb::Retry { delivery }) => retry(delivery.clone(), session).await,
            None => self.list(session).await,
        }
    }

    async fn list(&self, session: &mut Session) -> Result<Ending, Failure> {
        let client = session.connect().await?;
        let found = pages::read(pages::wanted(self.limit, false), async |mark, limit| {
            let query = DeliveriesQuery { alert: self.alert.clone(), state: self.state, mark, limit };
            response(client.deliveries(short_call(), query).await)
        });
        let found = found.await?;
        let list = || json::DeliveryList { deliveries: found.rows.iter().map(json::Delivery::from).collect() };
        session.output.print(list, |look| text(&found.rows, look))?;
        found.report_cut(self.limit, &session.output);
        if found.rows.is_empty() {
            session.output.remark("no such deliveries");
        }
        Ok(Ending::Done)
    }
}

async fn retry(delivery: String, session: &mut Session) -> Result<Ending, Failure> {
    let client = session.connect().await?;
    let again = response(client.retry_delivery(short_call(), delivery).await)?;
    session.output.print(|| json::Delivery::from(&again), |look| text(std::slice::from_ref(&again), look))?;
    Ok(Ending::Done)
}

fn text(rows: &[Delivery], look: &Look) -> String {
    let mut table = Table::new(&["ID", "ALERT", "CHANNEL", "KIND", "STATE", ">TRIES", "WHEN", "WHAT WAS SAID"]);
    for row in rows {
        let channel = match &row.receiver {
            Some(receiver) => format!("{} ({})", row.channel, clean(receiver, 60)),
            None => row.channel.clone(),
        };
        let said = row.receipt.as_ref().or(row.last_error.as_ref()).map(|said| clean(said, SENTENCE_CHARACTERS));
        table.row([
            row.id.to_string().into(),
            row.alert.to_string().into(),
            channel.into(),
            row.kind.as_str().into(),
            state(row.state),
            row.attempts.to_string().into(),
            row.delivered_at.or(row.next_at).map(|at| time(at, &look.now)).unwrap_or_default().into(),
            said.unwrap_or_default().into(),
        ]);
    }
    table.render(look.paint)
}

fn state(state: DeliveryState) -> Cell {
    let tone = match state {
        DeliveryState::Pending => Tone::Warn,
        DeliveryState::Delivered => Tone::Good,
        DeliveryState::Dead => Tone::Bad,
        DeliveryState::Superseded => Tone::Quiet,
    };
    Cell::new(state.as_str(), tone)
}

#[cfg(test)]
mod tests {
    use roster_protocol::delivery::DeliveryKind;
    use roster_protocol::{AlertId, DeliveryId, Timestamp};

    use super::*;
    use crate::samples;

    fn rows() -> Vec<Delivery> {
        let dead = Delivery {
            id: DeliveryId::from_bytes([7; 5]),
            alert: AlertId::from_bytes([8; 5]),
            channel: "team".into(),
            receiver: None,
            kind: DeliveryKind::Opened,
            state: DeliveryState::Dead,
            attempts: 9,
            next_at: None,
            last_error: Some("the receiver responded with status 500".into()),
            delivered_at: None,
            receipt: None,
        };
        let delivered = Delivery {
            channel: "mail".into(),
            receiver: Some("ana@example.com".into()),
            kind: DeliveryKind::Resolved,
            state: DeliveryState::Delivered,
            attempts: 1,
            last_error: None,
            delivered_at: Some(Timestamp(1_795_270_800_000)),
            receipt: Some("250 queued as\u{1b} 1".into()),
            ..dead.clone()
        };
        vec![dead, delivered]
    }

    #[test]
    fn text_says_what_became_of_each() {
        insta::assert_snapshot!(text(&rows(), &samples::look()), @r"
        ID        ALERT     CHANNEL                 KIND      STATE      TRIES  WHEN              WHAT WAS SAID
        a4dqobyh  baeaqcai  team                    opened    dead           9                    the receiver responded with status 500
        a4dqobyh  baeaqcai  mail (ana@example.com)  resolved  delivered      1  2026-11-21 14:20  250 queued as 1
        ");
    }

    #[test]
    fn json_has_the_names_scripts_rely_on() {
        let deliveries = rows().iter().map(json::Delivery::from).collect();
        insta::assert_snapshot!(samples::lines(json::DeliveryList { deliveries }), @r#"
        {"deliveries":[{"id":"a4dqobyh","alert":"baeaqcai","channel":"team","receiver":null,"kind":"opened",
        "state":"dead","attempts":9,"next_at":null,"last_error":"the receiver responded with status 500",
        "delivered_at":null,"receipt":null},{"id":"a4dqobyh","alert":"baeaqcai","channel":"mail",
        "receiver":"ana@example.com","kind":"resolved","state":"delivered","attempts":1,"next_at":null,
        "last_error":null,"delivered_at":"2026-11-21T14:20:00Z","receipt":"250 queued as\u001b 1"}]}
        "#);
    }
}
