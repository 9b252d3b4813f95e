//! A provider of our own on loopback: the least a server can do, so that the client is what is measured.
//!
//! It speaks as a Mastodon instance does behind a gateway: `/{host}/api/v1/accounts/{id}` and `…/statuses`. HTTP/1.1,
//! no pipelining, one read and one write a response, no parsing beyond the path.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The handle of the account with this index, of so many on each host.
pub fn handle<const ON_A_HOST: usize>(index: usize) -> String {
    format!("{}@{}", name(index % ON_A_HOST), host(index / ON_A_HOST))
}

/// The platform's own id of the account with this index.
pub fn user_id<const ON_A_HOST: usize>(index: usize) -> String {
    format!("{}@{}", id(index % ON_A_HOST), host(index / ON_A_HOST))
}

/// The path of the account with this index.
pub fn path<const ON_A_HOST: usize>(index: usize) -> String {
    format!("/{}/api/v1/accounts/{}", host(index / ON_A_HOST), id(index % ON_A_HOST))
}

fn host(number: usize) -> String {
    format!("home{number:05}.example")
}

const NAME: &str = "bench";
const ID: &str = "1170205659662";

/// Digits by which accounts of one host differ, in name and id.
const DIGITS: usize = 5;

fn name(neighbour: usize) -> String {
    format!("{NAME}{neighbour:0DIGITS$}")
}

fn id(neighbour: usize) -> String {
    format!("{ID}{neighbour:0DIGITS$}")
}

/// The number of the host that a path names.
pub fn host_number(path: &str) -> Option<usize> {
    path.strip_prefix("/home")?.get(..5)?.parse().ok()
}

/// The digits of the account that a path requests.
fn neighbour(path: &str) -> Option<&str> {
    path.split_once(ID)?.1.get(..DIGITS)
}

/// A profile as Mastodon documents it, some 1.1 kB.
pub fn profile(followers: u64, following: u64, posts: u64) -> String {
    let note = "<p>Pictures of bridges, and of the people who cross them every morning.</p>".repeat(6);
    let (id, name) = (id(0), name(0));
    format!(
        r##"{{"id":"{id}","username":"{name}","acct":"{name}","display_name":"Somebody with bridges","locked":false,"bot":false,"discoverable":true,"group":false,"created_at":"2024-02-01T00:00:00.000Z","note":"{note}","url":"https://home.example/@{name}","uri":"https://home.example/users/{name}","avatar":"https://files.example/accounts/avatars/117/020/original/0a1b2c3d4e5f.png","header":"https://files.example/accounts/headers/117/020/original/0a1b2c3d4e5f.png","followers_count":{followers:>8},"following_count":{following:>6},"statuses_count":{posts:>6},"last_status_at":"2026-11-20","hide_collections":false,"noindex":false,"emojis":[],"roles":[],"fields":[{{"name":"Where","value":"By the river","verified_at":null}}]}}"##
    )
}

/// Twelve posts with some of the fields that Mastodon documents, some 3.6 kB.
pub fn posts(likes: u64) -> String {
    let post = |at: u64| {
        format!(
            r#"{{"id":"1170205659669999{at:02}","created_at":"2026-11-{:02}T08:00:00.123Z","in_reply_to_id":null,"sensitive":false,"visibility":"public","language":"en","url":"https://home.example/@{NAME}/{at}","replies_count":4,"reblogs_count":10,"favourites_count":{:>8},"edited_at":null,"content":"<p>A bridge</p>","reblog":null}}"#,
            20 - at,
            likes + at
        )
    };
    format!("[{}]", (0..12).map(post).collect::<Vec<_>>().join(","))
}

/// A whole response with this body.
pub fn response(body: &str) -> Vec<u8> {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json; charset=utf-8\r\nx-ratelimit-limit: 300\r\n\
                x-ratelimit-remaining: 299\r\ncontent-length: ";
    format!("{head}{}\r\n\r\n{body}", body.len()).into_bytes()
}

/// What a provider responds to each request.
pub trait Responder: Send + Sync + 'static {
    /// Writes the whole response to a request for `path`.
    fn respond(&self, path: &str, out: &mut Vec<u8>);
}

/// Responds to every client, to each request after `delay`, for good.
pub async fn serve(listener: TcpListener, delay: Duration, responder: Arc<impl Responder>) {
    while let Ok((stream, _)) = listener.accept().await {
        let responder = Arc::clone(&responder);
        // A client that disconnects in the middle needs no response.
        tokio::spawn(async move { drop(converse(stream, delay, &*responder).await) });
    }
}

async fn converse(mut stream: TcpStream, delay: Duration, responder: &impl Responder) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut request, mut out) = (Vec::with_capacity(1024), Vec::with_capacity(4096));
    loop {
        request.clear();
        while !request.ends_with(b"\r\n\r\n") {
            if stream.read_buf(&mut request).await? == 0 {
                return Ok(());
            }
        }
        let line = request.split(|byte| *byte == b'\r').next().unwrap_or_default();
        let path = std::str::from_utf8(line).ok().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
        out.clear();
        responder.respond(path, &mut out);
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        stream.write_all(&out).await?;
    }
}

/// Canned responses of one length each. Every profile reports other followers than the one before, so that there is
/// something to decide and to store.
pub struct Canned {
    profile: Vec<u8>,
    /// Where the profile holds what differs.
    id_at: usize,
    name_at: usize,
    followers_at: usize,
    posts: Vec<u8>,
    requests: AtomicU64,
    /// When the first request arrived, by the clock all processes share; 0 before.
    began_ns: AtomicU64,
}

/// Returns how many requests [`Canned`] has had and when they began, and resets both.
pub const TALLY: &str = "/tally";

impl Default for Canned {
    fn default() -> Self {
        let profile = profile(FOLLOWERS, 210, 987);
        let whole = response(&profile);
        let head = whole.len() - profile.len();
        let after = |text: &str| head + profile.find(text).expect("the profile has it") + text.len();
        Self {
            id_at: after(ID),
            name_at: after(NAME),
            followers_at: after("\"followers_count\": "),
            profile: whole,
            posts: response(&posts(400)),
            requests: AtomicU64::new(0),
            began_ns: AtomicU64::new(0),
        }
    }
}

const FOLLOWERS: u64 = 7_300_000;

impl Canned {
    /// How long the two responses are.
    pub fn lengths(&self) -> (usize, usize) {
        (self.profile.len(), self.posts.len())
    }
}

impl Responder for Canned {
    fn respond(&self, path: &str, out: &mut Vec<u8>) {
        if path == TALLY {
            let (requests, began) =
                (self.requests.swap(0, Ordering::Relaxed), self.began_ns.swap(0, Ordering::Relaxed));
            return out.extend(response(&format!("{requests} {began}")));
        }
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        if number == 0 {
            self.began_ns.store(monotonic_ns(), Ordering::Relaxed);
        }
        if path.split('?').next().is_some_and(|path| path.ends_with("/statuses")) {
            return out.extend_from_slice(&self.posts);
        }
        out.extend_from_slice(&self.profile);
        let mut write = |at: usize, text: &str| out[at..at + text.len()].copy_from_slice(text.as_bytes());
        let neighbour = neighbour(path).unwrap_or_default();
        write(self.id_at, neighbour);
        write(self.name_at, neighbour);
        write(self.followers_at, &(FOLLOWERS + number % 10_000).to_string());
    }
}

/// The clock that all processes of this machine share.
pub fn monotonic_ns() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}
