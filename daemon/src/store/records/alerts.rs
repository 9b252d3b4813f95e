//! Alerts.

use postcard::{from_bytes, take_from_bytes, to_extend};
use roster_protocol::alert::{About, Explained};
use roster_protocol::ids::{AlertId, ConnectionId, InfluencerId};
use roster_protocol::metric::Ratio;
use roster_protocol::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::codes::{ALERT_STATES, METRICS, SEVERITIES, WINDOWS, code, optional_variant, variant};
use super::{Payload, Record, number_of};
use crate::model::Alert;
use crate::store::tables::Records;

#[derive(Serialize, Deserialize)]
struct AlertRecord<'a> {
    id: [u8; 5],
    state: u8,
    rule: &'a str,
    severity: u8,
    #[serde(borrow)]
    about: AboutRecord<'a>,
    metric: Option<u8>,
    from: Option<f64>,
    to: Option<f64>,
    opened_at: i64,
    ended_at: Option<i64>,
    #[serde(borrow)]
    acknowledged_by: Option<&'a str>,
    why: &'a str,
}

/// What version 3 has behind an [`AlertRecord`].
#[derive(Default, Serialize, Deserialize)]
struct AlertRest<'a> {
    acknowledged_at: Option<i64>,
    #[serde(borrow)]
    note: Option<&'a str>,
    #[serde(borrow)]
    assigned_to: Option<&'a str>,
    group: Option<[u8; 5]>,
    members: u64,
    window: Option<u8>,
    from_at: Option<i64>,
    usual: Option<i64>,
    peers: Option<i64>,
    step: Option<u64>,
    score: Option<f64>,
}

/// Append, never reorder.
#[derive(Serialize, Deserialize)]
enum AboutRecord<'a> {
    /// Connection, influencer, platform.
    Connection([u8; 5], [u8; 5], &'a str),
    Influencer([u8; 5]),
    Platform(&'a str),
    Daemon,
}

impl<'a> From<&'a About> for AboutRecord<'a> {
    fn from(about: &'a About) -> Self {
        match about {
            About::Connection { connection, influencer, platform } => {
                AboutRecord::Connection(connection.0, influencer.0, platform)
            }
            About::Influencer(influencer) => AboutRecord::Influencer(influencer.0),
            About::Platform(platform) => AboutRecord::Platform(platform),
            About::Daemon => AboutRecord::Daemon,
        }
    }
}

impl From<AboutRecord<'_>> for About {
    fn from(record: AboutRecord<'_>) -> Self {
        match record {
            AboutRecord::Connection(connection, influencer, platform) => About::Connection {
                connection: ConnectionId::from_bytes(connection),
                influencer: InfluencerId::from_bytes(influencer),
                platform: platform.to_owned(),
            },
            AboutRecord::Influencer(influencer) => About::Influencer(InfluencerId::from_bytes(influencer)),
            AboutRecord::Platform(platform) => About::Platform(platform.to_owned()),
            AboutRecord::Daemon => About::Daemon,
        }
    }
}

impl Record for Alert {
    const TABLE: Records = Records::Alerts;
    /// In version 1, until format 3, an alert was about a connection only. Version 2 explained nothing.
    const VERSION: u8 = 3;

    fn key(&self) -> Vec<u8> {
        self.number.to_be_bytes().to_vec()
    }

    fn encode(&self, out: Vec<u8>) -> Payload {
        let explained = &self.explained;
        let out = to_extend(
            &AlertRecord {
                id: self.id.0,
                state: code(ALERT_STATES, self.state),
                rule: &self.rule,
                severity: code(SEVERITIES, self.severity),
                about: AboutRecord::from(&self.about),
                metric: self.metric.map(|metric| code(METRICS, metric)),
                from: self.from,
                to: self.to,
                opened_at: self.opened_at.0,
                ended_at: self.ended_at.map(|at| at.0),
                acknowledged_by: self.acknowledged_by.as_deref(),
                why: &self.why,
            },
            out,
        )?;
        let rest = AlertRest {
            acknowledged_at: self.acknowledged_at.map(|at| at.0),
            note: self.note.as_deref(),
            assigned_to: self.assigned_to.as_deref(),
            group: self.group.map(|id| id.0),
            members: self.members,
            window: explained.window.map(|window| code(WINDOWS, window)),
            from_at: explained.from_at.map(|at| at.0),
            usual: explained.usual.map(|ratio| ratio.0),
            peers: explained.peers.map(|ratio| ratio.0),
            step: explained.step,
            score: explained.score,
        };
        to_extend(&rest, out)
    }

    fn decode(key: &[u8], payload: &[u8]) -> Option<Self> {
        Self::decode_version(Self::VERSION, key, payload)
    }

    fn decode_version(version: u8, key: &[u8], payload: &[u8]) -> Option<Self> {
        let (record, rest): (AlertRecord<'_>, _) = take_from_bytes(payload).ok()?;
        let rest: AlertRest<'_> = match version {
            2 => AlertRest { acknowledged_at: record.acknowledged_by.and(record.ended_at), ..AlertRest::default() },
            _ => from_bytes(rest).ok()?,
        };
        Some(Alert {
            number: number_of(key)?,
            id: AlertId::from_bytes(record.id),
            state: variant(ALERT_STATES, record.state)?,
            rule: record.rule.to_owned(),
            severity: variant(SEVERITIES, record.severity)?,
            about: About::from(record.about),
            metric: optional_variant(METRICS, record.metric)?,
            from: record.from,
            to: record.to,
            opened_at: Timestamp(record.opened_at),
            ended_at: record.ended_at.map(Timestamp),
            acknowledged_by: record.acknowledged_by.map(str::to_owned),
            acknowledged_at: rest.acknowledged_at.map(Timestamp),
            note: rest.note.map(str::to_owned),
            assigned_to: rest.assigned_to.map(str::to_owned),
            group: rest.group.map(AlertId::from_bytes),
            members: rest.members,
            explained: Explained {
                window: optional_variant(WINDOWS, rest.window)?,
                from_at: rest.from_at.map(Timestamp),
                usual: rest.usual.map(Ratio),
                peers: rest.peers.map(Ratio),
                step: rest.step,
                score: rest.score,
            },
            why: record.why.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use roster_protocol::alert::AlertState;

    use super::*;
    use crate::roster::samples;

    #[test]
    fn an_alert_of_version_2_was_acknowledged_when_it_ended_and_explains_nothing() {
        let before = Alert {
            ended_at: Some(Timestamp(7)),
            acknowledged_by: Some("ada".to_owned()),
            ..samples::alert(3, AlertState::Acknowledged, About::Daemon)
        };
        let payload = before.encode(Vec::new()).expect("encoded");
        let rest = to_extend(&AlertRest::default(), Vec::new()).expect("encoded");
        let read = Alert::decode_version(2, &before.key(), &payload[..payload.len() - rest.len()]);
        assert_eq!(read, Some(Alert { acknowledged_at: Some(Timestamp(7)), ..before.clone() }));
        assert_eq!(Alert::decode(&before.key(), &payload), Some(before));
    }
}
