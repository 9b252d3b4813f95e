//! Requests to providers, many in one row: what repeats is written once, and times are how long before the row's own.

use std::collections::HashMap;

use postcard::{from_bytes, to_extend};
use roster_protocol::ids::ConnectionId;
use roster_protocol::{ProviderRequest, RequestError};
use serde::{Deserialize, Serialize};

use super::{Payload, Record};
use crate::model::RequestBlock;
use crate::store::tables::{Records, time_key, time_of_key};

#[derive(Serialize, Deserialize)]
struct BlockRecord<'a> {
    /// Platform and endpoint.
    #[serde(borrow)]
    of: Vec<(&'a str, &'a str)>,
    lines: Vec<Line>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    ms_before: u64,
    of: u16,
    about: About,
    /// 0 where there was no response.
    status: u16,
    /// 0 where there was one, and else the error's number.
    error: u8,
    duration_ms: u32,
    bytes: u64,
}

#[derive(Serialize, Deserialize)]
enum About {
    One([u8; 5]),
    Several(u32),
}

/// The errors by their numbers, from 1. Never change one's place.
const ERRORS: [RequestError; 8] = [
    RequestError::Name,
    RequestError::Connection,
    RequestError::Tls,
    RequestError::Timeout,
    RequestError::Broken,
    RequestError::TooLarge,
    RequestError::Forbidden,
    RequestError::Other,
];

impl Record for RequestBlock {
    const TABLE: Records = Records::Requests;

    fn key(&self) -> Vec<u8> {
        time_key(self.at).to_vec()
    }

    fn encode(&self, out: Vec<u8>) -> Payload {
        let mut of: Vec<(&str, &str)> = Vec::new();
        let mut places: HashMap<(&str, &str), u16> = HashMap::new();
        let mut lines = Vec::with_capacity(self.requests.len());
        for request in &self.requests {
            let named = (request.platform.as_str(), request.endpoint.as_str());
            let place = *places.entry(named).or_insert_with(|| {
                of.push(named);
                // Endpoints are constants of the platforms' modules, of which there are a few hundred.
                (of.len() - 1) as u16
            });
            lines.push(Line::of(request, place, self.at.since(request.at)));
        }
        to_extend(&BlockRecord { of, lines }, out)
    }

    fn decode(key: &[u8], payload: &[u8]) -> Option<Self> {
        let at = time_of_key(key)?;
        let record: BlockRecord<'_> = from_bytes(payload).ok()?;
        let request = |line: &Line| {
            let (platform, endpoint) = record.of.get(usize::from(line.of))?;
            let (connection, accounts) = match line.about {
                About::One(id) => (Some(ConnectionId::from_bytes(id)), 1),
                About::Several(accounts) => (None, accounts),
            };
            let error = usize::from(line.error).checked_sub(1);
            Some(ProviderRequest {
                at: roster_protocol::Timestamp(at.0.saturating_sub_unsigned(line.ms_before)),
                platform: (*platform).to_owned(),
                endpoint: (*endpoint).to_owned(),
                connection,
                accounts,
                status: Some(line.status).filter(|status| *status > 0),
                error: error.map(|place| ERRORS.get(place).copied()).map_or(Some(None), |error| error.map(Some))?,
                duration_ms: line.duration_ms,
                bytes: line.bytes,
            })
        };
        let requests = record.lines.iter().map(request).collect::<Option<Vec<_>>>()?;
        Some(RequestBlock { at, requests })
    }
}

impl Line {
    fn of(request: &ProviderRequest, place: u16, ms_before: i64) -> Self {
        let error = request.error.and_then(|error| ERRORS.iter().position(|known| *known == error));
        Self {
            ms_before: u64::try_from(ms_before).unwrap_or_default(),
            of: place,
            about: request.connection.map_or(About::Several(request.accounts), |id| About::One(id.0)),
            status: request.status.unwrap_or_default(),
            error: error.map_or(0, |place| place as u8 + 1),
            duration_ms: request.duration_ms,
            bytes: request.bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use roster_protocol::Timestamp;

    use super::*;
    use crate::store::records;

    fn request(at: i64, connection: Option<u8>, status: Option<u16>, error: Option<RequestError>) -> ProviderRequest {
        ProviderRequest {
            at: Timestamp(at),
            platform: "youtube".to_owned(),
            endpoint: "GET /youtube/v3/channels".to_owned(),
            connection: connection.map(|byte| ConnectionId::from_bytes([byte; 5])),
            accounts: if connection.is_some() { 1 } else { 50 },
            status,
            error,
            duration_ms: 120,
            bytes: 4_321,
        }
    }

    #[test]
    fn what_is_stored_is_read_again() {
        let other = ProviderRequest { platform: "tiktok".to_owned(), ..request(1_500, Some(7), Some(429), None) };
        let requests = vec![
            request(1_000, None, Some(200), None),
            other,
            request(2_000, Some(8), None, Some(RequestError::Other)),
            request(2_000, Some(8), Some(200), Some(RequestError::Name)),
        ];
        let block = RequestBlock { at: Timestamp(2_001), requests };
        let key = block.key();
        let encoded = block.value(&key).expect("encoded");
        assert_eq!(records::read::<RequestBlock>(Records::Requests, &key, &encoded), Ok(block));
    }

    #[test]
    fn each_error_has_its_number() {
        assert!(RequestError::ALL.iter().all(|error| ERRORS.contains(error)));
    }

    #[test]
    fn a_request_takes_about_fifteen_bytes() {
        let requests: Vec<_> = (0..1_000).map(|at| request(at, Some(at as u8), Some(200), None)).collect();
        let block = RequestBlock { at: Timestamp(1_000), requests };
        let bytes = block.value(&block.key()).expect("encoded").len();
        assert!((12_000..16_500).contains(&bytes), "{bytes} bytes");
    }
}
