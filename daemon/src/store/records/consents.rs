//! Consents, grants, and the tokens of grants, which are sealed before they are passed in.

use postcard::{from_bytes, take_from_bytes, to_extend};
use roster_protocol::audit::Who;
use roster_protocol::ids::{ConnectionId, ConsentId, GrantId, InfluencerId};
use roster_protocol::time::{Seconds, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Payload, Record};
use crate::model::{Attempt, Choice, Consent, ConsentStep, Device, Grant, GrantState, GrantTokens, GrantUse, Sealed};
use crate::store::tables::Records;

#[derive(Serialize, Deserialize)]
struct ConsentRecord<'a> {
    uid: u32,
    user: &'a str,
    influencer: [u8; 5],
    platform: &'a str,
    #[serde(borrow)]
    handle: Option<&'a str>,
    redirect_uri: &'a str,
    state_hash: [u8; 32],
    #[serde(borrow)]
    verifier: Option<&'a [u8]>,
    /// Code and interval.
    #[serde(borrow)]
    device: Option<(&'a [u8], u64)>,
    begun_at: i64,
    expires_at: i64,
    #[serde(borrow)]
    step: StepRecord<'a>,
}

/// Append, never reorder.
#[derive(Serialize, Deserialize)]
enum StepRecord<'a> {
    Waiting,
    Exchanging,
    Listing([u8; 5]),
    Choosing([u8; 5], #[serde(borrow)] Vec<ChoiceRecord<'a>>),
}

#[derive(Serialize, Deserialize)]
struct ChoiceRecord<'a> {
    platform_user_id: &'a str,
    handle: &'a str,
    name: Option<&'a str>,
    followers: Option<u64>,
}

impl<'a> From<&'a Choice> for ChoiceRecord<'a> {
    fn from(choice: &'a Choice) -> Self {
        Self {
            platform_user_id: &choice.platform_user_id,
            handle: &choice.handle,
            name: choice.name.as_deref(),
            followers: choice.followers,
        }
    }
}

impl Record for Consent {
    const TABLE: Records = Records::Consents;

    fn key(&self) -> Vec<u8> {
        self.id.0.to_vec()
    }

    fn encode(&self, out: Vec<u8>) -> Payload {
        let step = match &self.step {
            ConsentStep::Waiting => StepRecord::Waiting,
            ConsentStep::Exchanging => StepRecord::Exchanging,
            ConsentStep::Listing { grant } => StepRecord::Listing(grant.0),
            ConsentStep::Choosing { grant, choices } => {
                StepRecord::Choosing(grant.0, choices.iter().map(ChoiceRecord::from).collect())
            }
        };
        to_extend(
            &ConsentRecord {
                uid: self.who.uid,
                user: &self.who.name,
                influencer: self.influencer.0,
                platform: &self.platform,
                handle: self.handle.as_deref(),
                redirect_uri: &self.redirect_uri,
                state_hash: self.state_hash,
                verifier: self.verifier.as_ref().map(|sealed| sealed.0.as_slice()),
                device: self.device.as_ref().map(|device| (device.code.0.as_slice(), device.interval.0)),
                begun_at: self.begun_at.0,
                expires_at: self.expires_at.0,
                step,
            },
            out,
        )
    }

    fn decode(key: &[u8], payload: &[u8]) -> Option<Self> {
        let record: ConsentRecord<'_> = from_bytes(payload).ok()?;
        let choice = |choice: ChoiceRecord<'_>| Choice {
            platform_user_id: choice.platform_user_id.to_owned(),
            handle: choice.handle.to_owned(),
            name: choice.name.map(str::to_owned),
            followers: choice.followers,
        };
        let step = match record.step {
            StepRecord::Waiting => ConsentStep::Waiting,
            StepRecord::Exchanging => ConsentStep::Exchanging,
            StepRecord::Listing(grant) => ConsentStep::Listing { grant: GrantId::from_bytes(grant) },
            StepRecord::Choosing(grant, choices) => ConsentStep::Choosing {
                grant: GrantId::from_bytes(grant),
                choices: choices.into_iter().map(choice).collect(),
            },
        };
        Some(Consent {
            id: ConsentId::from_bytes(key.try_into().ok()?),
            who: Who { uid: record.uid, name: record.user.to_owned() },
            influencer: InfluencerId::from_bytes(record.influencer),
            platform: record.platform.to_owned(),
            handle: record.handle.map(str::to_owned),
            redirect_uri: record.redirect_uri.to_owned(),
            state_hash: record.state_hash,
            verifier: record.verifier.map(sealed),
            device: record.device.map(|(code, interval)| Device { code: sealed(code), interval: Seconds(interval) }),
            begun_at: Timestamp(record.begun_at),
            expires_at: Timestamp(record.expires_at),
            step,
        })
    }
}

fn sealed(bytes: &[u8]) -> Sealed {
    Sealed(bytes.to_vec())
}

#[derive(Serialize, Deserialize)]
struct GrantRecord<'a> {
    realm: &'a str,
    platform: &'a str,
    owner_id: &'a str,
    owner_name: &'a str,
    #[serde(borrow)]
    scopes: Vec<&'a str>,
    #[serde(borrow)]
    missing: Vec<&'a str>,
    granted_at: i64,
    checked_at: i64,
    #[serde(borrow)]
    state: StateRecord<'a>,
}

/// What version 2 has after what version 1 had.
#[derive(Default, Serialize, Deserialize)]
struct GrantRest {
    data_ends_at: Option<i64>,
}

/// Append, never reorder.
#[derive(Serialize, Deserialize)]
enum StateRecord<'a> {
    Live,
    Ended { at: i64, why: &'a str },
    Revoking { since: i64, attempts: u32, next_at: i64, last_error: Option<&'a str> },
}

impl Record for Grant {
    const TABLE: Records = Records::Grants;
    const VERSION: u8 = 2;

    fn key(&self) -> Vec<u8> {
        self.id.0.to_vec()
    }

    fn encode(&self, out: Vec<u8>) -> Payload {
        let state = match &self.state {
            GrantState::Live => StateRecord::Live,
            GrantState::Ended { at, why } => StateRecord::Ended { at: at.0, why },
            GrantState::Revoking { since, attempts, next_at, last_error } => StateRecord::Revoking {
                since: since.0,
                attempts: *attempts,
                next_at: next_at.0,
                last_error: last_error.as_deref(),
            },
        };
        let out = to_extend(
            &GrantRecord {
                realm: &self.realm,
                platform: &self.platform,
                owner_id: &self.owner_id,
                owner_name: &self.owner_name,
                scopes: self.scopes.iter().map(String::as_str).collect(),
                missing: self.missing.iter().map(String::as_str).collect(),
                granted_at: self.granted_at.0,
                checked_at: self.checked_at.0,
                state,
            },
            out,
        )?;
        to_extend(&GrantRest { data_ends_at: self.data_ends_at.map(|ends| ends.0) }, out)
    }

    fn decode(key: &[u8], payload: &[u8]) -> Option<Self> {
        Self::decode_version(Self::VERSION, key, payload)
    }

    fn decode_version(version: u8, key: &[u8], payload: &[u8]) -> Option<Self> {
        let (record, rest): (GrantRecord<'_>, _) = take_from_bytes(payload).ok()?;
        let rest = match version {
            1 => GrantRest::default(),
            _ => from_bytes(rest).ok()?,
        };
        let owned = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect();
        let state = match record.state {
            StateRecord::Live => GrantState::Live,
            StateRecord::Ended { at, why } => GrantState::Ended { at: Timestamp(at), why: why.to_owned() },
            StateRecord::Revoking { since, attempts, next_at, last_error } => GrantState::Revoking {
                since: Timestamp(since),
                attempts,
                next_at: Timestamp(next_at),
                last_error: last_error.map(str::to_owned),
            },
        };
        Some(Grant {
            id: GrantId::from_bytes(key.try_into().ok()?),
            realm: record.realm.to_owned(),
            platform: record.platform.to_owned(),
            owner_id: record.owner_id.to_owned(),
            owner_name: record.owner_name.to_owned(),
            scopes: owned(record.scopes),
            missing: owned(record.missing),
            granted_at: Timestamp(record.granted_at),
            checked_at: Timestamp(record.checked_at),
            data_ends_at: rest.data_ends_at.map(Timestamp),
            state,
        })
    }
}

#[derive(Serialize, Deserialize)]
struct TokensRecord<'a> {
    generation: u64,
    access: &'a [u8],
    #[serde(borrow)]
    refresh: Option<&'a [u8]>,
    #[serde(borrow)]
    derived: Vec<(&'a str, &'a [u8])>,
    renewed_at: i64,
    access_ends_at: Option<i64>,
    refresh_ends_at: Option<i64>,
    renew_at: Option<i64>,
    failures: u32,
    #[serde(borrow)]
    last_error: Option<&'a str>,
    #[serde(borrow)]
    attempt: Option<AttemptRecord<'a>>,
}

#[derive(Serialize, Deserialize)]
struct AttemptRecord<'a> {
    begun_at: i64,
    presented: [u8; 32],
    is_repeat: bool,
    /// Status and body.
    #[serde(borrow)]
    reply: Option<(u16, &'a [u8])>,
}

impl Record for GrantTokens {
    const TABLE: Records = Records::Tokens;

    fn key(&self) -> Vec<u8> {
        self.grant.0.to_vec()
    }

    fn encode(&self, out: Vec<u8>) -> Payload {
        to_extend(
            &TokensRecord {
                generation: self.generation,
                access: &self.access.0,
                refresh: self.refresh.as_ref().map(|sealed| sealed.0.as_slice()),
                derived: self.derived.iter().map(|(of, sealed)| (of.as_str(), sealed.0.as_slice())).collect(),
                renewed_at: self.renewed_at.0,
                access_ends_at: self.access_ends_at.map(|at| at.0),
                refresh_ends_at: self.refresh_ends_at.map(|at| at.0),
                renew_at: self.renew_at.map(|at| at.0),
                failures: self.failures,
                last_error: self.last_error.as_deref(),
                attempt: self.attempt.as_ref().map(|attempt| AttemptRecord {
                    begun_at: attempt.begun_at.0,
                    presented: attempt.presented,
                    is_repeat: attempt.is_repeat,
                    reply: attempt.reply.as_ref().map(|(status, sealed)| (*status, sealed.0.as_slice())),
                }),
            },
            out,
        )
    }

    fn decode(key: &[u8], payload: &[u8]) -> Option<Self> {
        let record: TokensRecord<'_> = from_bytes(payload).ok()?;
        Some(GrantTokens {
            grant: GrantId::from_bytes(key.try_into().ok()?),
            generation: record.generation,
            access: sealed(record.access),
            refresh: record.refresh.map(sealed),
            derived: record.derived.into_iter().map(|(of, bytes)| (of.to_owned(), sealed(bytes))).collect(),
            renewed_at: Timestamp(record.renewed_at),
            access_ends_at: record.access_ends_at.map(Timestamp),
            refresh_ends_at: record.refresh_ends_at.map(Timestamp),
            renew_at: record.renew_at.map(Timestamp),
            failures: record.failures,
            last_error: record.last_error.map(str::to_owned),
            attempt: record.attempt.map(|attempt| Attempt {
                begun_at: Timestamp(attempt.begun_at),
                presented: attempt.presented,
                is_repeat: attempt.is_repeat,
                reply: attempt.reply.map(|(status, bytes)| (status, sealed(bytes))),
            }),
        })
    }
}

impl Record for GrantUse {
    const TABLE: Records = Records::GrantUses;

    fn key(&self) -> Vec<u8> {
        self.connection.0.to_vec()
    }

    fn encode(&self, out: Vec<u8>) -> Payload {
        to_extend(&self.grant.0, out)
    }

    fn decode(key: &[u8], payload: &[u8]) -> Option<Self> {
        Some(GrantUse {
            connection: ConnectionId::from_bytes(key.try_into().ok()?),
            grant: GrantId::from_bytes(from_bytes(payload).ok()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<R: Record + PartialEq + std::fmt::Debug>(record: &R) {
        let payload = record.encode(Vec::new()).expect("encodes");
        assert_eq!(R::decode(&record.key(), &payload).as_ref(), Some(record));
        for cut in 0..payload.len() {
            // The shortened payload may be another record; it must not panic.
            let _ = R::decode(&record.key(), &payload[..cut]);
        }
    }

    #[test]
    fn records_are_read_as_they_were_written() {
        let grant = GrantId::from_bytes([2; 5]);
        let choice = Choice {
            platform_user_id: "17841400000000001".into(),
            handle: "mara.example".into(),
            name: Some("Mara".into()),
            followers: Some(12_345),
        };
        let consent = Consent {
            id: ConsentId::from_bytes([1; 5]),
            who: Who { uid: 1000, name: "ana".into() },
            influencer: InfluencerId::from_bytes([3; 5]),
            platform: "instagram".into(),
            handle: Some("mara.example".into()),
            redirect_uri: "https://roster.example/oauth/instagram/callback".into(),
            state_hash: [7; 32],
            verifier: Some(Sealed(vec![1, 2, 3])),
            device: None,
            begun_at: Timestamp(1),
            expires_at: Timestamp(2),
            step: ConsentStep::Waiting,
        };
        check(&consent);
        let device = Some(Device { code: Sealed(vec![4]), interval: Seconds(5) });
        check(&Consent { device, verifier: None, step: ConsentStep::Exchanging, ..consent.clone() });
        check(&Consent { step: ConsentStep::Listing { grant }, ..consent.clone() });
        check(&Consent { step: ConsentStep::Choosing { grant, choices: vec![choice.clone(), choice] }, ..consent });
        let live = Grant {
            id: grant,
            realm: "meta:1234".into(),
            platform: "instagram".into(),
            owner_id: "99".into(),
            owner_name: "Mara".into(),
            scopes: vec!["a".into(), "b".into()],
            missing: vec![],
            granted_at: Timestamp(5),
            checked_at: Timestamp(6),
            data_ends_at: Some(Timestamp(7)),
            state: GrantState::Live,
        };
        check(&live);
        let before = live.encode(Vec::new()).expect("encoded");
        let rest = postcard::to_allocvec(&GrantRest { data_ends_at: live.data_ends_at.map(|ends| ends.0) });
        let before = &before[..before.len() - rest.expect("encoded").len()];
        let before = Grant::decode_version(1, &live.key(), before);
        assert_eq!(before, Some(Grant { data_ends_at: None, ..live.clone() }));
        check(&Grant { state: GrantState::Ended { at: Timestamp(9), why: "gone".into() }, ..live.clone() });
        let revoking =
            GrantState::Revoking { since: Timestamp(1), attempts: 2, next_at: Timestamp(3), last_error: None };
        check(&Grant { state: revoking, ..live });
        let tokens = GrantTokens {
            grant,
            generation: 3,
            access: Sealed(vec![1; 60]),
            refresh: Some(Sealed(vec![2; 60])),
            derived: vec![("page".into(), Sealed(vec![3; 60]))],
            renewed_at: Timestamp(1),
            access_ends_at: Some(Timestamp(2)),
            refresh_ends_at: None,
            renew_at: Some(Timestamp(3)),
            failures: 1,
            last_error: Some("no response".into()),
            attempt: Some(Attempt {
                begun_at: Timestamp(4),
                presented: [5; 32],
                is_repeat: true,
                reply: Some((200, Sealed(vec![6; 90]))),
            }),
        };
        check(&tokens);
        check(&GrantTokens { attempt: None, refresh: None, ..tokens });
        check(&GrantUse { connection: ConnectionId::from_bytes([1; 5]), grant });
    }
}
