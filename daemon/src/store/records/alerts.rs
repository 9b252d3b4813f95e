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

/// What version 3 has behind an [`AlertRecord`], and later ones too.
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

/// What version 4 has behind that.
#[derive(Default, Serialize, Deserialize)]
struct AlertCare {
    silenced: bool,
    assigned_at: Option<i64>,
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
    /// In version 1, until format 3, an alert was about a connection only. Version 2 explained nothing; version 3 did not say
    /// whether it opened in a silence.
    const VERSION: u8 = 4;

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
        let out = to_extend(&rest, out)?;
        to_extend(&AlertCare { silenced: self.silenced, assigned_at: self.assigned_at.map(|at| at.0) }, out)
    }

    fn decode(key: &[u8], payload: &[u8]) -> Option<Self> {
        Self::decode_version(Self::VERSION, key, payload)
    }

    fn decode_version(version: u8, key: &[u8], payload: &[u8]) -> Option<Self> {
        let (record, rest): (AlertRecord<'_>, _) = take_from_bytes(payload).ok()?;
        let ended_at = record.acknowledged_by.and(record.ended_at);
        let (rest, care): (AlertRest<'_>, AlertCare) = match version {
            2 => (AlertRest { acknowledged_at: ended_at, ..AlertRest::default() }, AlertCare::default()),
            3 => (from_bytes(rest).ok()?, AlertCare::default()),
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
            assigned_at: care.assigned_at.map(Timestamp),
            group: rest.group.map(AlertId::from_bytes),
            members: rest.members,
            silenced: care.silenced,
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
        let rest = to_extend(&(AlertRest::default(), AlertCare::default()), Vec::new()).expect("encoded");
        let read = decode(2, &before, rest.len());
        assert_eq!(read, Some(Alert { acknowledged_at: Some(Timestamp(7)), ..before.clone() }));
        assert_eq!(decode(Alert::VERSION, &before, 0), Some(before));
    }

    #[test]
    fn an_alert_of_version_3_opened_in_no_silence() {
        let before = Alert {
            assigned_to: Some("ines".to_owned()),
            members: 7,
            ..samples::alert(3, AlertState::Open, About::Daemon)
        };
        let care = to_extend(&AlertCare::default(), Vec::new()).expect("encoded");
        assert_eq!(decode(3, &before, care.len()), Some(before.clone()));
        let silent = Alert { silenced: true, assigned_at: Some(Timestamp(5)), ..before };
        assert_eq!(decode(Alert::VERSION, &silent, 0), Some(silent));
    }

    /// What is read of an alert that an older version wrote without its last bytes.
    fn decode(version: u8, alert: &Alert, without: usize) -> Option<Alert> {
        let payload = alert.encode(Vec::new()).expect("encoded");
        Alert::decode_version(version, &alert.key(), &payload[..payload.len() - without])
    }
}
