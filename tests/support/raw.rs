//! An attacker's connection, byte by byte: the wire format is spelled out a second time, so that a change is noticed.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use roster_protocol::transport;
use roster_protocol::{RosterRequest, RosterResponse};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio_util::codec::Decoder;

use super::LIMIT;
use super::programs::until;

pub const VERSION: u16 = transport::PROTOCOL_VERSION;
/// What the daemon says to a preamble.
pub const WELCOME: u8 = 0;
pub const WRONG_VERSION: u8 = 1;
pub const BUSY: u8 = 2;

#[derive(Serialize)]
pub enum Call {
    Request { id: u64, deadline_ms: u64, message: Box<RosterRequest> },
    Cancel { id: u64 },
}

#[derive(Deserialize)]
pub struct RawResponse {
    pub id: u64,
    pub message: Result<RosterResponse, Failure>,
}

#[derive(Debug, PartialEq, Deserialize)]
pub enum Failure {
    Throttled,
    TooLong,
    Other,
}

pub fn preamble(version: u16) -> Vec<u8> {
    [b"ROSTER".as_slice(), &version.to_be_bytes()].concat()
}

pub fn framed(body: &[u8]) -> Vec<u8> {
    [(body.len() as u32).to_be_bytes().as_slice(), body].concat()
}

pub fn call(id: u64, deadline_ms: u64, message: RosterRequest) -> Vec<u8> {
    framed(&postcard::to_stdvec(&Call::Request { id, deadline_ms, message: message.into() }).expect("a call"))
}

/// A request whose response is short.
pub fn unknown_connection() -> RosterRequest {
    RosterRequest::Connection { connection: "unknown".to_owned() }
}

/// One attacker's connection.
pub struct Raw {
    pub stream: UnixStream,
    pub unread: BytesMut,
}

impl Raw {
    pub async fn to(socket: &Path) -> io::Result<Self> {
        Ok(Self { stream: UnixStream::connect(socket).await?, unread: BytesMut::new() })
    }

    /// Connects with this version; returns the daemon's version and verdict too.
    pub async fn knock(socket: &Path, version: u16) -> io::Result<(Self, u16, u8)> {
        let mut raw = Self::to(socket).await?;
        // A refused client may get its verdict before it has sent anything.
        let _ = raw.stream.write_all(&preamble(version)).await;
        let mut response = [0; 9];
        raw.stream.read_exact(&mut response).await?;
        assert_eq!(&response[..6], b"ROSTER");
        Ok((raw, u16::from_be_bytes([response[6], response[7]]), response[8]))
    }

    /// Connects and is let in, as soon as a permit is free.
    pub async fn connected(socket: &Path) -> Self {
        let come_in = until("the attacker is let in", async || {
            let (raw, _, verdict) = Self::knock(socket, VERSION).await.ok()?;
            (verdict == WELCOME).then_some(raw)
        });
        come_in.await
    }

    pub async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    pub async fn response(&mut self) -> Option<RawResponse> {
        let response = async {
            loop {
                if let Some(head) = self.unread.first_chunk::<4>() {
                    let length = u32::from_be_bytes(*head) as usize;
                    assert!(length <= transport::MAX_RESPONSE_BYTES);
                    if self.unread.len() >= 4 + length {
                        self.unread.advance(4);
                        let body = self.unread.split_to(length);
                        return Some(postcard::from_bytes(&body).expect("a response"));
                    }
                }
                if !matches!(self.stream.read_buf(&mut self.unread).await, Ok(1..)) {
                    return None;
                }
            }
        };
        tokio::time::timeout(LIMIT, response).await.expect("a response or an end in time")
    }

    /// Reads until the daemon hangs up; returns how long that took.
    pub async fn hung_up(&mut self) -> Duration {
        let begun = Instant::now();
        let read = async { while matches!(self.stream.read_buf(&mut self.unread).await, Ok(1..)) {} };
        tokio::time::timeout(LIMIT, read).await.expect("the daemon hangs up in time");
        begun.elapsed()
    }
}

/// A well-behaved client is let in and gets a response.
pub async fn is_well(socket: &Path) {
    let client = until("a good client is let in", async || transport::connect(socket).await.ok()).await;
    client.status(transport::within(LIMIT)).await.expect("a response").expect("a status");
}

/// Decodes responses.
pub struct ResponseCodec;

impl Decoder for ResponseCodec {
    type Item = RawResponse;
    type Error = io::Error;

    fn decode(&mut self, buffer: &mut BytesMut) -> io::Result<Option<RawResponse>> {
        let Some(head) = buffer.first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_be_bytes(*head) as usize;
        if buffer.len() < 4 + length {
            return Ok(None);
        }
        buffer.advance(4);
        let body = buffer.split_to(length);
        postcard::from_bytes(&body).map(Some).map_err(io::Error::other)
    }
}

/// A request as long as the name in it.
pub fn named(name: &str) -> RosterRequest {
    RosterRequest::Influencer { influencer: name.to_owned() }
}
