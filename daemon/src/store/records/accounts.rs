//! Influencers, their connections, and snapshots in the log.

use postcard::{from_bytes, take_from_bytes, to_extend};
use roster_protocol::connection::{ByHand, Profile, Snapshot};
use roster_protocol::ids::{ConnectionId, InfluencerId};
use roster_protocol::metric::{Mean, Ratio};
use roster_protocol::time::{Date, Seconds, Timestamp};
use serde::{Deserialize, Serialize};

use super::codes::{METRICS, READ_WITH, SOURCES, TROUBLES, code, optional_variant, variant};
use super::numbers::{LaterNumbers, NumbersRecord};
use super::{Payload, Record, not_encoded};
use crate::history::chunk;
use crate::model::{Absence, Connection, HandDay, Influencer, ReadUntil, Trouble};
use crate::store::error::StoreError;
use crate::store::tables::Records;

#[derive(Serialize, Deserialize)]
struct InfluencerRecord<'a> {
    name: &'a str,
    #[serde(borrow)]
    tags: Vec<&'a str>,
    #[serde(borrow)]
    note: Option<&'a str>,
    paused: bool,
    main: Option<[u8; 5]>,
    added_at: i64,
}

impl Record for Influencer {
    const TABLE: Records = Records::Influencers;

    fn key(&self) -> Vec<u8> {
        self.id.0.to_vec()
    }

    fn encode(&self, out: Vec<u8>) -> Payload {
        to_extend(
            &InfluencerRecord {
                name: &self.name,
                tags: self.tags.iter().map(String::as_str).collect(),
                note: self.note.as_deref(),
                paused: self.paused,
                main: self.main.map(|id| id.0),
                added_at: self.added_at.0,
            },
            out,
        )
    }

    fn decode(key: &[u8], payload: &[u8]) -> Option<Self> {
        let record: InfluencerRecord<'_> = from_bytes(payload).ok()?;
        Some(Influencer {
            id: InfluencerId::from_bytes(key.try_into().ok()?),
            name: record.name.to_owned(),
            tags: record.tags.into_iter().map(str::to_owned).collect(),
            note: record.note.map(str::to_owned),
            paused: record.paused,
            main: record.main.map(ConnectionId::from_bytes),
            added_at: Timestamp(record.added_at),
        })
    }
}

#[derive(Serialize, Deserialize)]
struct ConnectionRecord<'a> {
    influencer: [u8; 5],
    platform: &'a str,
    handle: &'a str,
    #[serde(borrow)]
    platform_user_id: Option<&'a str>,
    connected_at: i64,
    disconnected_at: Option<i64>,
    paused: bool,
    interval_seconds: Option<u64>,
    next_due_at: i64,
    slot_at: i64,
    last_synced_at: Option<i64>,
    failures: u32,
    #[serde(borrow)]
    trouble: Option<TroubleRecord<'a>>,
    profile: Option<ProfileRecord>,
    latest: Option<(i32, SnapshotRecord)>,
    first_day: Option<i32>,
}

/// What version 3 has behind a [`ConnectionRest`]: metrics, each with since when it is absent.
type Absences = Vec<(u8, i64)>;
/// What version 5 has behind these: when figures of days were read, and the newest of these days.
type Until = Option<(i64, Option<i32>)>;
/// What follows a [`ConnectionRecord`], from version 6 on.
type Behind<'a> = (ConnectionRest<'a>, Absences, SnapshotRest, Until, LaterNumbers);

fn absences_of(connection: &Connection) -> Absences {
    connection.absent.iter().map(|it| (code(METRICS, it.metric), it.since.0)).collect()
}

/// What follows a [`ConnectionRecord`] from version 2 on.
#[derive(Default, Serialize, Deserialize)]
struct ConnectionRest<'a> {
    /// A day, and its metrics with whether each is kept.
    by_hand: Option<(i32, Vec<(u8, bool)>)>,
    #[serde(borrow)]
    moved_to: Option<&'a str>,
}

impl<'a> From<&'a Connection> for ConnectionRest<'a> {
    fn from(connection: &'a Connection) -> Self {
        let numbers = |day: &HandDay| day.numbers.iter().map(|it| (code(METRICS, it.metric), it.kept)).collect();
        Self {
            by_hand: connection.by_hand.as_ref().map(|day| (day.date.0, numbers(day))),
            moved_to: connection.trouble.as_ref().and_then(|trouble| trouble.moved_to.as_deref()),
        }
    }
}

impl ConnectionRest<'_> {
    fn by_hand(&self) -> Option<Option<HandDay>> {
        let Some((date, numbers)) = &self.by_hand else { return Some(None) };
        let number = |(metric, kept): &(u8, bool)| Some(ByHand { metric: variant(METRICS, *metric)?, kept: *kept });
        let numbers = numbers.iter().map(number).collect::<Option<_>>()?;
        Some(Some(HandDay { date: Date(*date), numbers }))
    }
}

#[derive(Serialize, Deserialize)]
struct TroubleRecord<'a> {
    kind: u8,
    message: &'a str,
    since: i64,
    retry_at: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct ProfileRecord {
    followers: Option<u64>,
    engagement_rate: Option<i64>,
    avg_likes: Option<u64>,
    as_of: i64,
    source: u8,
}

impl Record for Connection {
    const TABLE: Records = Records::Connections;
    /// Version 1 ended with the first day; version 2 had no absent metrics, version 3 nothing that follows the newest
    /// snapshot, version 4 nothing of days that are over, version 5 neither reach nor reposts.
    const VERSION: u8 = 6;

    fn key(&self) -> Vec<u8> {
        self.id.0.to_vec()
    }

    fn encode(&self, out: Vec<u8>) -> Payload {
        let out = to_extend(
            &ConnectionRecord {
                influencer: self.influencer.0,
                platform: &self.platform,
                handle: &self.handle,
                platform_user_id: self.platform_user_id.as_deref(),
                connected_at: self.connected_at.0,
                disconnected_at: self.disconnected_at.map(|at| at.0),
                paused: self.paused,
                interval_seconds: self.interval.map(|interval| interval.0),
                next_due_at: self.next_due_at.0,
                slot_at: self.slot_at.0,
                last_synced_at: self.last_synced_at.map(|at| at.0),
                failures: self.failures,
                trouble: self.trouble.as_ref().map(|trouble| TroubleRecord {
                    kind: code(TROUBLES, trouble.kind),
                    message: &trouble.message,
                    since: trouble.since.0,
                    retry_at: trouble.retry_at.map(|at| at.0),
                }),
                profile: self.profile.as_ref().map(|profile| ProfileRecord {
                    followers: profile.followers,
                    engagement_rate: profile.engagement_rate.map(|rate| rate.0),
                    avg_likes: profile.avg_likes.map(|likes| likes.0),
                    as_of: profile.as_of.0,
                    source: code(SOURCES, profile.source),
                }),
                latest: self.latest.as_ref().map(|latest| (latest.date.0, SnapshotRecord::from(latest))),
                first_day: self.first_day.map(|day| day.0),
            },
            out,
        )?;
        let out = to_extend(&ConnectionRest::from(self), out)?;
        let latest = self.latest.as_ref().map(SnapshotRest::from).unwrap_or_default();
        let read_until = self.read_until.map(|until| (until.at.0, until.day.map(|day| day.0)));
        let later = self.latest.as_ref().map(|latest| LaterNumbers::from(&latest.numbers)).unwrap_or_default();
        to_extend(&(absences_of(self), latest, read_until, later), out)
    }

    fn decode(key: &[u8], payload: &[u8]) -> Option<Self> {
        Self::decode_version(Self::VERSION, key, payload)
    }

    fn decode_version(version: u8, key: &[u8], payload: &[u8]) -> Option<Self> {
        let (record, rest): (ConnectionRecord<'_>, _) = take_from_bytes(payload).ok()?;
        let (rest, absent, latest_rest, until, later): Behind<'_> = match version {
            1 => Default::default(),
            2 => (from_bytes(rest).ok()?, Vec::new(), SnapshotRest::default(), None, LaterNumbers::default()),
            3 => {
                let (rest, absent) = take_from_bytes(rest).ok()?;
                (rest, from_bytes(absent).ok()?, SnapshotRest::default(), None, LaterNumbers::default())
            }
            4 => {
                let (rest, behind) = take_from_bytes(rest).ok()?;
                let (absent, latest) = from_bytes(behind).ok()?;
                (rest, absent, latest, None, LaterNumbers::default())
            }
            5 => {
                let (rest, behind) = take_from_bytes(rest).ok()?;
                let (absent, latest, until) = from_bytes(behind).ok()?;
                (rest, absent, latest, until, LaterNumbers::default())
            }
            _ => from_bytes(rest).ok()?,
        };
        let absence = |(metric, since)| Some(Absence { metric: variant(METRICS, metric)?, since: Timestamp(since) });
        let trouble = match record.trouble {
            None => None,
            Some(trouble) => Some(Trouble {
                kind: variant(TROUBLES, trouble.kind)?,
                message: trouble.message.to_owned(),
                since: Timestamp(trouble.since),
                retry_at: trouble.retry_at.map(Timestamp),
                moved_to: rest.moved_to.map(str::to_owned),
            }),
        };
        let profile = match record.profile {
            None => None,
            Some(profile) => Some(Profile {
                followers: profile.followers,
                engagement_rate: profile.engagement_rate.map(Ratio),
                avg_likes: profile.avg_likes.map(Mean),
                as_of: Timestamp(profile.as_of),
                source: variant(SOURCES, profile.source)?,
            }),
        };
        let latest = match record.latest {
            None => None,
            Some((date, snapshot)) => Some(snapshot.on(Date(date), &latest_rest, &later)?),
        };
        Some(Connection {
            id: ConnectionId::from_bytes(key.try_into().ok()?),
            influencer: InfluencerId::from_bytes(record.influencer),
            platform: record.platform.to_owned(),
            handle: record.handle.to_owned(),
            platform_user_id: record.platform_user_id.map(str::to_owned),
            connected_at: Timestamp(record.connected_at),
            disconnected_at: record.disconnected_at.map(Timestamp),
            paused: record.paused,
            interval: record.interval_seconds.map(Seconds),
            next_due_at: Timestamp(record.next_due_at),
            slot_at: Timestamp(record.slot_at),
            last_synced_at: record.last_synced_at.map(Timestamp),
            failures: record.failures,
            trouble,
            profile,
            latest,
            first_day: record.first_day.map(Date),
            by_hand: rest.by_hand()?,
            absent: absent.into_iter().map(absence).collect::<Option<_>>()?,
            read_until: until.map(|(at, day)| ReadUntil { at: Timestamp(at), day: day.map(Date) }),
        })
    }
}

/// A snapshot without its date, which is in the key.
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct SnapshotRecord {
    observed_at: i64,
    source: u8,
    followers_step: Option<u64>,
    definition: u16,
    numbers: NumbersRecord,
}

/// What follows a [`SnapshotRecord`], with [`LaterNumbers`] behind it: nothing, where it was written before that was
/// recorded.
#[derive(Default, Serialize, Deserialize)]
struct SnapshotRest {
    read_with: Option<u8>,
    /// Bits in the order of the metrics.
    by_hand: u64,
}

impl From<&Snapshot> for SnapshotRest {
    fn from(snapshot: &Snapshot) -> Self {
        Self {
            read_with: snapshot.read_with.map(|with| code(READ_WITH, with)),
            by_hand: chunk::bits_of(snapshot.by_hand),
        }
    }
}

impl From<&Snapshot> for SnapshotRecord {
    fn from(snapshot: &Snapshot) -> Self {
        Self {
            observed_at: snapshot.observed_at.0,
            source: code(SOURCES, snapshot.source),
            followers_step: snapshot.followers_step,
            definition: snapshot.definition,
            numbers: NumbersRecord(snapshot.numbers.clone()),
        }
    }
}

impl SnapshotRecord {
    /// Encodes a snapshot without its date.
    pub(in crate::store) fn encoded(snapshot: &Snapshot) -> Result<Vec<u8>, StoreError> {
        let encoded = to_extend(&SnapshotRecord::from(snapshot), Vec::with_capacity(80));
        let rest = (SnapshotRest::from(snapshot), LaterNumbers::from(&snapshot.numbers));
        let encoded = encoded.and_then(|record| to_extend(&rest, record));
        encoded.map_err(|error| not_encoded("snapshots", &error))
    }

    /// Decodes the snapshot of `date`.
    pub(in crate::store) fn decode(date: Date, payload: &[u8]) -> Option<Snapshot> {
        let (record, rest): (SnapshotRecord, _) = take_from_bytes(payload).ok()?;
        let (rest, later) =
            if rest.is_empty() { (SnapshotRest::default(), rest) } else { take_from_bytes(rest).ok()? };
        let later = if later.is_empty() { LaterNumbers::default() } else { from_bytes(later).ok()? };
        record.on(date, &rest, &later)
    }

    fn on(self, date: Date, rest: &SnapshotRest, later: &LaterNumbers) -> Option<Snapshot> {
        let mut numbers = self.numbers.0;
        later.add_to(&mut numbers)?;
        Some(Snapshot {
            date,
            observed_at: Timestamp(self.observed_at),
            source: variant(SOURCES, self.source)?,
            followers_step: self.followers_step,
            definition: self.definition,
            read_with: optional_variant(READ_WITH, rest.read_with)?,
            by_hand: chunk::metrics_of(rest.by_hand),
            numbers,
        })
    }
}

#[cfg(test)]
mod tests {
    use roster_protocol::connection::{ReadWith, Source};
    use roster_protocol::metric::{AgeRange, Metric, MetricSet, Numbers};

    use super::*;
    use crate::model::TroubleKind;

    fn connection() -> Connection {
        Connection {
            id: ConnectionId::from_bytes([1; 5]),
            influencer: InfluencerId::from_bytes([2; 5]),
            platform: "mastodon".to_owned(),
            handle: "mara@social.example".to_owned(),
            platform_user_id: None,
            connected_at: Timestamp(1),
            disconnected_at: None,
            paused: false,
            interval: None,
            next_due_at: Timestamp(2),
            slot_at: Timestamp(2),
            last_synced_at: None,
            failures: 2,
            trouble: Some(Trouble {
                kind: TroubleKind::AccountGone,
                message: "moved".to_owned(),
                since: Timestamp(1),
                retry_at: None,
                moved_to: Some("mara@new.example".to_owned()),
            }),
            profile: None,
            latest: None,
            first_day: Some(Date(3)),
            by_hand: Some(HandDay { date: Date(3), numbers: vec![ByHand { metric: Metric::Followers, kept: true }] }),
            absent: vec![Absence { metric: Metric::Posts, since: Timestamp(7) }],
            read_until: Some(ReadUntil { at: Timestamp(8), day: Some(Date(4)) }),
        }
    }

    #[test]
    fn connections_of_earlier_versions_lack_what_came_later() {
        let connection = connection();
        let (key, payload) = (connection.key(), connection.encode(Vec::new()).expect("encoded"));
        assert_eq!(Connection::decode(&key, &payload), Some(connection.clone()));
        let rest = postcard::to_allocvec(&ConnectionRest::from(&connection)).expect("encoded");
        // Nothing was measured: that takes a byte.
        let payload = &payload[..payload.len() - 1];
        assert_eq!(Connection::decode_version(5, &key, payload), Some(connection.clone()));
        // How far days were read takes four bytes.
        let payload = &payload[..payload.len() - 4];
        let connection = Connection { read_until: None, ..connection };
        assert_eq!(Connection::decode_version(4, &key, payload), Some(connection.clone()));
        // How nothing was read takes two.
        let payload = &payload[..payload.len() - 2];
        assert_eq!(Connection::decode_version(3, &key, payload), Some(connection.clone()));
        let absent = postcard::to_allocvec(&absences_of(&connection)).expect("encoded");
        let payload = &payload[..payload.len() - absent.len()];
        let before = Connection::decode_version(2, &key, payload).expect("version 2");
        assert_eq!(before, Connection { absent: vec![], ..connection.clone() });
        let before = Connection::decode_version(1, &key, &payload[..payload.len() - rest.len()]).expect("version 1");
        assert_eq!((before.by_hand, before.trouble.and_then(|trouble| trouble.moved_to)), (None, None));
        assert_eq!((before.handle, before.first_day), (connection.handle, Some(Date(3))));
    }

    #[test]
    fn a_connection_of_version_5_keeps_its_newest_snapshot() {
        let numbers = Numbers { followers: Some(7), audience_female: Some(Ratio(9)), ..Numbers::default() };
        let latest = Snapshot {
            date: Date(20_000),
            observed_at: Timestamp(1),
            source: Source::Api,
            followers_step: None,
            definition: 1,
            read_with: Some(ReadWith::Consent),
            by_hand: MetricSet::default(),
            numbers,
        };
        let earlier = Connection { latest: Some(latest.clone()), ..connection() };
        let (key, payload) = (earlier.key(), earlier.encode(Vec::new()).expect("encoded"));
        let Some((0, before)) = payload.split_last() else { panic!("neither is known, which takes a byte") };
        assert_eq!(Connection::decode_version(5, &key, before), Some(earlier.clone()));
        assert_eq!(Connection::decode(&key, before), None, "a record of today is whole");
        let numbers = Numbers { avg_reach: Some(Mean(10)), avg_reposts: Some(Mean(11)), ..latest.numbers.clone() };
        let today = Connection { latest: Some(Snapshot { numbers, ..latest }), ..earlier };
        let payload = today.encode(Vec::new()).expect("encoded");
        assert_eq!(payload, [before, &[2, 1, 10, 1, 11]].concat());
        assert_eq!(Connection::decode(&key, &payload), Some(today));
    }

    #[test]
    fn later_numbers_are_no_more_than_there_are_metrics() {
        let check = |raws: &[Option<u64>], expected: Option<(Option<Mean>, Option<Mean>)>| {
            let bytes = postcard::to_allocvec(raws).expect("encoded");
            let (later, mut numbers) = (from_bytes::<LaterNumbers>(&bytes).expect("decoded"), Numbers::default());
            let added = later.add_to(&mut numbers);
            assert_eq!(added.map(|()| (numbers.avg_reach, numbers.avg_reposts)), expected, "{raws:?}");
        };
        check(&[], Some((None, None)));
        check(&[Some(7)], Some((Some(Mean(7)), None)));
        check(&[None, Some(8)], Some((None, Some(Mean(8)))));
        check(&[Some(7), Some(8), None], None);
    }

    #[test]
    fn the_bytes_of_a_snapshot_are_those_on_every_disk() {
        let snapshot = Snapshot {
            date: Date(20_000),
            observed_at: Timestamp(1),
            source: Source::Manual,
            followers_step: Some(100),
            definition: 1,
            read_with: Some(ReadWith::Consent),
            by_hand: [Metric::Followers, Metric::AvgViews].into_iter().collect(),
            numbers: Numbers {
                followers: Some(1),
                following: Some(2),
                posts: None,
                engagement_rate: Some(Ratio(-4)),
                avg_likes: Some(Mean(5)),
                avg_comments: Some(Mean(6)),
                avg_views: Some(Mean(7)),
                audience_male: Some(Ratio(8)),
                audience_female: Some(Ratio(9)),
                avg_reach: Some(Mean(10)),
                avg_reposts: Some(Mean(11)),
                top_age_range: Some(AgeRange::From65),
            },
        };
        let bytes = SnapshotRecord::encoded(&snapshot).expect("encoded");
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "02010164010101010200010701050106010701100112010601014102010a010b");
        assert_eq!(SnapshotRecord::decode(snapshot.date, &bytes).as_ref(), Some(&snapshot));
        // As they were before there were reach and reposts; where neither is known a byte says so.
        let numbers = Numbers { avg_reach: None, avg_reposts: None, ..snapshot.numbers };
        let snapshot = Snapshot { numbers, ..snapshot };
        let bytes = &bytes[..bytes.len() - 5];
        assert_eq!(SnapshotRecord::decode(snapshot.date, bytes).as_ref(), Some(&snapshot));
        let today = SnapshotRecord::encoded(&snapshot).expect("encoded");
        assert_eq!(today, [bytes, &[0]].concat());
        // As they were before it was recorded how they are read.
        let earlier = Snapshot { read_with: None, by_hand: MetricSet::default(), ..snapshot };
        assert_eq!(SnapshotRecord::decode(earlier.date, &bytes[..bytes.len() - 3]), Some(earlier));
    }
}
