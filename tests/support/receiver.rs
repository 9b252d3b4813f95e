//! A receiver of messages: real HTTP on loopback that responds as a story has it, and remembers everything.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use roster_protocol::time::Timestamp;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;

use super::programs::until;

/// One request.
#[derive(Clone, Debug)]
pub struct Received {
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Whether a response was written.
    pub responded: bool,
}

impl Received {
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

/// How it responds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// With a status, more headers, and a body.
    Status(u16, &'static str, &'static str),
    /// It reads the request, and ends the connection without a response.
    Cut,
    /// It reads the request, and says nothing.
    Silence,
}

/// A receiver; gone when dropped.
pub struct Receiver {
    pub url: String,
    mode: watch::Sender<Mode>,
    received: Arc<Mutex<Vec<Received>>>,
    is_up: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Receiver {
    /// One that takes everything.
    pub async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let received = Arc::new(Mutex::new(Vec::new()));
        let (mode, is_up) = (watch::Sender::new(Mode::Status(200, "", "ok")), Arc::new(AtomicBool::new(true)));
        let (noted, modes, up) = (received.clone(), mode.subscribe(), is_up.clone());
        let task = tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                // What is down ends connections before it reads anything.
                if up.load(Ordering::SeqCst) {
                    tokio::spawn(converse(stream, modes.clone(), noted.clone()));
                }
            }
        });
        Self { url, mode, received, is_up, task }
    }

    pub fn respond(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    /// Down: connections end before anything is read.
    pub fn up(&self, is_up: bool) {
        self.is_up.store(is_up, Ordering::SeqCst);
    }

    pub async fn received(&self) -> Vec<Received> {
        self.received.lock().await.clone()
    }

    /// Waits until it received so many requests.
    pub async fn wait_for(&self, count: usize) -> Vec<Received> {
        until(&format!("{count} requests"), async || {
            let received = self.received().await;
            (received.len() >= count).then_some(received)
        })
        .await
    }
}

async fn converse(mut stream: TcpStream, modes: watch::Receiver<Mode>, noted: Arc<Mutex<Vec<Received>>>) {
    while let Some(request) = read(&mut stream).await {
        let mode = modes.borrow().clone();
        let index = {
            let mut received = noted.lock().await;
            received.push(request);
            received.len() - 1
        };
        match mode {
            Mode::Cut => return,
            Mode::Silence => return std::future::pending().await,
            Mode::Status(status, headers, body) => {
                let response = format!("HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\n\r\n{body}", body.len());
                if stream.write_all(response.as_bytes()).await.is_err() {
                    return;
                }
                noted.lock().await[index].responded = true;
            }
        }
    }
}

/// One request; `None` when the connection ended.
async fn read(stream: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let headers: Vec<(String, String)> = text
        .lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length = headers
        .iter()
        .find(|(name, _)| name == "content-length")
        .map_or(0, |(_, value)| value.parse().expect("a length"));
    let mut body = bytes[head + 4..].to_vec();
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some(Received { headers, body, responded: false })
}

/// The moment of a timestamp header.
pub fn seconds(text: &str) -> Timestamp {
    Timestamp(text.parse::<i64>().expect("seconds") * 1000)
}
