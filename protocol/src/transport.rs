//! How requests and responses travel: a preamble that never changes shape, then frames.
//!
//! ```text
//! client → "ROSTER" version:u16          both big-endian
//! daemon → "ROSTER" version:u16 verdict:u8
//!          length:u16 text               after a verdict that does not permit the user: whom to turn to
//! either → length:u32 postcard…          length of what follows; ≤ 64 KiB in, ≤ 1 MiB out
//! ```
//! tarpc's own serde transport is not used: it takes any deadline (one over 2.2 years panics the
//! connection's task), has one limit for both directions, ends the connection when a response is too long,
//! and waits for ever for the second half of a frame.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures::{Sink, Stream, ready};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tarpc::{ClientMessage, Request, Response, ServerError};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::Sleep;
use tokio_util::bytes::{Buf, BytesMut};
use tokio_util::codec::{Decoder, Encoder, Framed};

use crate::paths::SOCKET_BYTES;
use crate::service::{RosterClient, RosterRequest, RosterResponse};

/// The version of everything after the preamble. Both sides have the same one, or do not talk.
pub const PROTOCOL_VERSION: u16 = 8;

const MAGIC: &[u8; 6] = b"ROSTER";

/// Frames from client to daemon.
pub const MAX_REQUEST_BYTES: usize = 64 * 1024;
/// Frames from daemon to client.
pub const MAX_RESPONSE_BYTES: usize = 1024 * 1024;
/// The longest deadline a client can request; longer ones are cut to it.
pub const MAX_DEADLINE: Duration = Duration::from_secs(120);

/// How long a side waits for the other, as values so that tests need no real seconds.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// For the preamble, from connecting on.
    pub preamble: Duration,
    /// For the rest of a frame, from its first byte on.
    pub half_frame: Duration,
    /// For the other side to read what is written.
    pub unread: Duration,
    /// For the next call of a client that has none under way: an idle connection is one less for others.
    pub idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            preamble: Duration::from_secs(5),
            half_frame: Duration::from_secs(5),
            unread: Duration::from_secs(30),
            // Longer than a user thinks about a choice: a consent waits as long.
            idle: Duration::from_secs(600),
        }
    }
}

/// The daemon's verdict on a preamble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Welcome,
    WrongVersion,
    /// This user, or all users together, have too many connections open.
    Busy,
    NotPermitted,
    /// The host's user database does not respond, so that it is not known what the user may do.
    Unclear,
}

impl Verdict {
    /// Every one, in the order of their bytes.
    pub const ALL: [Verdict; 5] =
        [Verdict::Welcome, Verdict::WrongVersion, Verdict::Busy, Verdict::NotPermitted, Verdict::Unclear];

    fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.get(usize::from(byte)).copied()
    }
}

/// Why a client could not connect.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// No process listens there.
    #[error("no rosterd listens on {path}")]
    NotThere { path: String, source: io::Error },
    /// `turn_to`: whom to turn to, as the daemon says it; `None` when the socket's mode kept the user out.
    #[error("rosterd on {path} does not let this user in")]
    NotPermitted { path: String, turn_to: Option<String> },
    #[error("rosterd on {path} cannot find out what this user may do: the host's user database does not respond")]
    Unclear { path: String },
    #[error("rosterd on {path} has too many connections open")]
    Busy { path: String },
    /// Names the side to restart: the older one.
    #[error("roster speaks version {ours} and rosterd version {theirs}: restart {}", if ours < theirs { "roster" } else { "rosterd" })]
    WrongVersion { ours: u16, theirs: u16 },
    /// No socket can have it.
    #[error("{path} cannot be a socket: the path is too long, {length} bytes, and at most {SOCKET_BYTES} fit")]
    TooLong { path: String, length: usize },
    /// Something else listens there, or it hung up in the middle.
    #[error("what listens on {path} does not respond as rosterd does")]
    NotRoster { path: String },
}

/// Connects to the daemon at `path`.
///
/// # Errors
/// See [`ConnectError`]; none leaves anything behind.
pub async fn connect(path: &Path) -> Result<RosterClient, ConnectError> {
    let timeouts = Timeouts::default();
    let shown = || path.display().to_string();
    let length = path.as_os_str().len();
    if length > SOCKET_BYTES {
        return Err(ConnectError::TooLong { path: shown(), length });
    }
    let stream = UnixStream::connect(path).await.map_err(|source| match source.kind() {
        io::ErrorKind::PermissionDenied => ConnectError::NotPermitted { path: shown(), turn_to: None },
        _ => ConnectError::NotThere { path: shown(), source },
    })?;
    let greeting = greet(stream, PROTOCOL_VERSION);
    let not_roster = || ConnectError::NotRoster { path: shown() };
    let (mut stream, theirs, verdict) =
        tokio::time::timeout(timeouts.preamble, greeting).await.map_err(|_| not_roster())?.map_err(|_| not_roster())?;
    match verdict {
        Some(Verdict::Welcome) if theirs == PROTOCOL_VERSION => Ok(client_over(stream, timeouts)),
        Some(Verdict::Busy) => Err(ConnectError::Busy { path: shown() }),
        Some(Verdict::NotPermitted) => {
            let text = tokio::time::timeout(timeouts.preamble, read_text(&mut stream)).await;
            Err(ConnectError::NotPermitted { path: shown(), turn_to: text.ok().and_then(Result::ok) })
        }
        Some(Verdict::Unclear) => Err(ConnectError::Unclear { path: shown() }),
        _ => Err(ConnectError::WrongVersion { ours: PROTOCOL_VERSION, theirs }),
    }
}

async fn greet(mut stream: UnixStream, version: u16) -> io::Result<(UnixStream, u16, Option<Verdict>)> {
    // A daemon that refuses us sends its verdict and hangs up, perhaps before this write. Its response still arrives.
    let _ = stream.write_all(&preamble(version)).await;
    let mut response = [0; 9];
    stream.read_exact(&mut response).await?;
    if &response[..6] != MAGIC {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok((stream, u16::from_be_bytes([response[6], response[7]]), Verdict::from_byte(response[8])))
}

fn preamble(version: u16) -> [u8; 8] {
    let mut bytes = [0; 8];
    bytes[..6].copy_from_slice(MAGIC);
    bytes[6..].copy_from_slice(&version.to_be_bytes());
    bytes
}

/// Reads a client's preamble: its version.
///
/// # Errors
/// When it hangs up, is too slow, or is no Roster client.
pub async fn read_preamble(stream: &mut (impl AsyncRead + Unpin), timeouts: Timeouts) -> io::Result<u16> {
    let mut bytes = [0; 8];
    tokio::time::timeout(timeouts.preamble, stream.read_exact(&mut bytes)).await??;
    if &bytes[..6] != MAGIC {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(u16::from_be_bytes([bytes[6], bytes[7]]))
}

/// Replies to a client's preamble.
///
/// # Errors
/// When it hung up.
pub async fn reply_to_preamble(stream: &mut (impl AsyncWrite + Unpin), verdict: Verdict) -> io::Result<()> {
    let mut bytes = [0; 9];
    bytes[..8].copy_from_slice(&preamble(PROTOCOL_VERSION));
    bytes[8] = verdict as u8;
    stream.write_all(&bytes).await
}

/// The longest text that follows a verdict.
const MAX_TEXT_BYTES: usize = 1024;

/// Replies that the user is not permitted, and whom to turn to.
///
/// # Errors
/// When the client hung up.
pub async fn refuse(stream: &mut (impl AsyncWrite + Unpin), turn_to: &str) -> io::Result<()> {
    let text = &turn_to.as_bytes()[..turn_to.floor_char_boundary(MAX_TEXT_BYTES)];
    let head = [preamble(PROTOCOL_VERSION).as_slice(), &[Verdict::NotPermitted as u8]].concat();
    stream.write_all(&[&head, (text.len() as u16).to_be_bytes().as_slice(), text].concat()).await
}

async fn read_text(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<String> {
    let length = usize::from(stream.read_u16().await?);
    if length > MAX_TEXT_BYTES {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut text = vec![0; length];
    stream.read_exact(&mut text).await?;
    let text = String::from_utf8(text).map_err(|_| io::ErrorKind::InvalidData)?;
    Ok(crate::text::clean(&text, MAX_TEXT_BYTES))
}

/// The client's end over a stream whose preambles are done.
fn client_over(stream: UnixStream, timeouts: Timeouts) -> RosterClient {
    let frames = Guarded::new(Framed::new(stream, ClientCodec::<RosterRequest, RosterResponse>::default()), timeouts);
    RosterClient::new(tarpc::client::Config::default(), frames).spawn()
}

/// The daemon's end over a stream whose preambles are done.
pub fn server_over<S>(stream: S, timeouts: Timeouts) -> Guarded<S, ServerCodec<RosterRequest, RosterResponse>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    Guarded::new(Framed::new(stream, ServerCodec::default()), timeouts)
}

/// A context whose call may take this long.
pub fn within(limit: Duration) -> tarpc::context::Context {
    let mut context = tarpc::context::current();
    context.deadline = Instant::now() + limit.min(MAX_DEADLINE);
    context
}

#[derive(Serialize, Deserialize)]
enum WireCall<Req> {
    Request { id: u64, deadline_ms: u32, message: Req },
    Cancel { id: u64 },
}

#[derive(Serialize, Deserialize)]
struct WireResponse<Resp> {
    id: u64,
    message: Result<Resp, WireFailure>,
}

/// Why the transport responds instead of the handler.
#[derive(Serialize, Deserialize)]
enum WireFailure {
    Throttled,
    TooLong,
    Other,
    NotPermitted,
}

impl From<WireFailure> for ServerError {
    fn from(failure: WireFailure) -> Self {
        let (kind, detail) = match failure {
            WireFailure::Throttled => (io::ErrorKind::WouldBlock, "too many calls at once"),
            WireFailure::TooLong => (io::ErrorKind::InvalidData, "the response is too long for one frame"),
            WireFailure::Other => (io::ErrorKind::Other, "rosterd gave the call up"),
            WireFailure::NotPermitted => (io::ErrorKind::PermissionDenied, "this user may not do that"),
        };
        ServerError::new(kind, detail.to_owned())
    }
}

/// The daemon's codec: calls in, responses out.
pub struct ServerCodec<Req, Resp>(std::marker::PhantomData<fn() -> (Req, Resp)>);
/// The client's codec: responses in, calls out.
pub struct ClientCodec<Req, Resp>(std::marker::PhantomData<fn() -> (Req, Resp)>);

impl<Req, Resp> Default for ServerCodec<Req, Resp> {
    fn default() -> Self {
        Self(std::marker::PhantomData)
    }
}
impl<Req, Resp> Default for ClientCodec<Req, Resp> {
    fn default() -> Self {
        Self(std::marker::PhantomData)
    }
}

/// Takes one whole frame off `buffer`. Nothing is taken, and nothing reserved, before it is all there.
fn take_frame<T: DeserializeOwned>(buffer: &mut BytesMut, most: usize) -> io::Result<Option<T>> {
    let Some(head) = buffer.first_chunk::<4>() else { return Ok(None) };
    let length = u32::from_be_bytes(*head) as usize;
    if length > most {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "frame too long"));
    }
    let Some(body) = buffer.get(4..4 + length) else { return Ok(None) };
    let item =
        postcard::from_bytes(body).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "frame makes no sense"))?;
    buffer.advance(4 + length);
    Ok(Some(item))
}

/// Appends one frame to `buffer`; `Ok(false)` and nothing when it would be longer than `most`.
fn put_frame<T: Serialize>(buffer: &mut BytesMut, item: &T, most: usize) -> io::Result<bool> {
    let body =
        postcard::to_stdvec(item).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "frame cannot be written"))?;
    if body.len() > most {
        return Ok(false);
    }
    buffer.reserve(4 + body.len());
    buffer.extend_from_slice(&(body.len() as u32).to_be_bytes());
    buffer.extend_from_slice(&body);
    Ok(true)
}

impl<Req: DeserializeOwned, Resp> Decoder for ServerCodec<Req, Resp> {
    type Item = ClientMessage<Req>;
    type Error = io::Error;

    fn decode(&mut self, buffer: &mut BytesMut) -> io::Result<Option<ClientMessage<Req>>> {
        Ok(take_frame(buffer, MAX_REQUEST_BYTES)?.map(|call| match call {
            WireCall::Request { id, deadline_ms, message } => {
                let context = within(Duration::from_millis(deadline_ms.into()));
                ClientMessage::Request(Request { context, id, message })
            }
            WireCall::Cancel { id } => ClientMessage::Cancel { trace_context: Default::default(), request_id: id },
        }))
    }
}

impl<Req, Resp: Serialize> Encoder<Response<Resp>> for ServerCodec<Req, Resp> {
    type Error = io::Error;

    fn encode(&mut self, response: Response<Resp>, buffer: &mut BytesMut) -> io::Result<()> {
        let id = response.request_id;
        let message = response.message.map_err(|failure| match failure.kind {
            io::ErrorKind::WouldBlock => WireFailure::Throttled,
            io::ErrorKind::PermissionDenied => WireFailure::NotPermitted,
            _ => WireFailure::Other,
        });
        if !put_frame(buffer, &WireResponse { id, message }, MAX_RESPONSE_BYTES)? {
            put_frame(buffer, &WireResponse::<Resp> { id, message: Err(WireFailure::TooLong) }, MAX_RESPONSE_BYTES)?;
        }
        Ok(())
    }
}

impl<Req, Resp: DeserializeOwned> Decoder for ClientCodec<Req, Resp> {
    type Item = Response<Resp>;
    type Error = io::Error;

    fn decode(&mut self, buffer: &mut BytesMut) -> io::Result<Option<Response<Resp>>> {
        let response: Option<WireResponse<Resp>> = take_frame(buffer, MAX_RESPONSE_BYTES)?;
        Ok(response.map(|wire| Response { request_id: wire.id, message: wire.message.map_err(ServerError::from) }))
    }
}

impl<Req: Serialize, Resp> Encoder<ClientMessage<Req>> for ClientCodec<Req, Resp> {
    type Error = io::Error;

    fn encode(&mut self, call: ClientMessage<Req>, buffer: &mut BytesMut) -> io::Result<()> {
        let call = match call {
            ClientMessage::Request(request) => {
                let left = request.context.deadline.saturating_duration_since(Instant::now()).min(MAX_DEADLINE);
                WireCall::Request { id: request.id, deadline_ms: left.as_millis() as u32, message: request.message }
            }
            ClientMessage::Cancel { request_id, .. } => WireCall::Cancel { id: request_id },
            _ => return Ok(()),
        };
        match put_frame(buffer, &call, MAX_REQUEST_BYTES)? {
            true => Ok(()),
            false => Err(io::Error::new(io::ErrorKind::InvalidInput, "the request is too long for one frame")),
        }
    }
}

/// Frames with timeouts: half a frame, or a response that the other side does not read, ends the connection.
pub struct Guarded<S, Codec> {
    frames: Framed<S, Codec>,
    timeouts: Timeouts,
    half_frame: Option<Pin<Box<Sleep>>>,
    unread: Option<Pin<Box<Sleep>>>,
}

impl<S: AsyncRead + AsyncWrite, Codec> Guarded<S, Codec> {
    fn new(frames: Framed<S, Codec>, timeouts: Timeouts) -> Self {
        Self { frames, timeouts, half_frame: None, unread: None }
    }
}

/// Ready with an error once `timer`, started at the first call, has run out.
fn timed_out(timer: &mut Option<Pin<Box<Sleep>>>, limit: Duration, cx: &mut Context<'_>) -> Poll<io::Error> {
    let timer = timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
    ready!(timer.as_mut().poll(cx));
    Poll::Ready(io::ErrorKind::TimedOut.into())
}

impl<S, Codec> Stream for Guarded<S, Codec>
where
    S: AsyncRead + AsyncWrite + Unpin,
    Codec: Decoder<Error = io::Error> + Unpin,
{
    type Item = io::Result<Codec::Item>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.frames).poll_next(cx);
        if polled.is_pending() && !this.frames.read_buffer().is_empty() {
            return timed_out(&mut this.half_frame, this.timeouts.half_frame, cx).map(|error| Some(Err(error)));
        }
        this.half_frame = None;
        polled
    }
}

impl<S, Codec, Item> Sink<Item> for Guarded<S, Codec>
where
    S: AsyncRead + AsyncWrite + Unpin,
    Codec: Encoder<Item, Error = io::Error> + Unpin,
{
    type Error = io::Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_written(cx, |frames, cx| frames.poll_ready(cx))
    }

    fn start_send(self: Pin<&mut Self>, item: Item) -> io::Result<()> {
        Pin::new(&mut self.get_mut().frames).start_send(item)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_written(cx, |frames, cx| frames.poll_flush(cx))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_written(cx, |frames, cx| frames.poll_close(cx))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin, Codec> Guarded<S, Codec> {
    fn poll_written(
        &mut self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(Pin<&mut Framed<S, Codec>>, &mut Context<'_>) -> Poll<io::Result<()>>,
    ) -> Poll<io::Result<()>> {
        let polled = poll(Pin::new(&mut self.frames), cx);
        if polled.is_pending() {
            return timed_out(&mut self.unread, self.timeouts.unread, cx).map(Err);
        }
        self.unread = None;
        polled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_path_too_long_for_a_socket_is_reported_as_such() {
        let dir = std::env::temp_dir().display().to_string();
        let path = |length: usize| format!("{dir}/{}", "x".repeat(length - dir.len() - 1));
        let fits = connect(Path::new(&path(107))).await;
        assert!(matches!(fits, Err(ConnectError::NotThere { .. })));
        let error = connect(Path::new(&path(108))).await.expect_err("too long").to_string();
        assert!(error.ends_with("the path is too long, 108 bytes, and at most 107 fit"), "{error}");
    }

    #[test]
    fn a_response_too_long_becomes_an_error_and_the_next_one_arrives() {
        let mut server = ServerCodec::<(), String>::default();
        let mut client = ClientCodec::<(), String>::default();
        let mut wire = BytesMut::new();
        for (request_id, length) in [(1, MAX_RESPONSE_BYTES + 1), (2, 5)] {
            let response = Response { request_id, message: Ok("x".repeat(length)) };
            server.encode(response, &mut wire).expect("something is sent");
        }
        let refused = client.decode(&mut wire).expect("a frame").expect("a response");
        let error = refused.message.expect_err("too long");
        assert_eq!((refused.request_id, error.kind), (1, io::ErrorKind::InvalidData));
        let next = client.decode(&mut wire).expect("a frame").expect("a response");
        assert_eq!((next.request_id, next.message.expect("short enough").len()), (2, 5));
    }

    #[test]
    fn a_call_that_is_not_permitted_is_reported_as_such() {
        let mut wire = BytesMut::new();
        let refused = ServerError::new(io::ErrorKind::PermissionDenied, String::new());
        let response = Response { request_id: 1, message: Err(refused) };
        ServerCodec::<(), String>::default().encode(response, &mut wire).expect("sent");
        let received = ClientCodec::<(), String>::default().decode(&mut wire).expect("a frame").expect("a response");
        assert_eq!(received.message.expect_err("refused").kind, io::ErrorKind::PermissionDenied);
    }
}
