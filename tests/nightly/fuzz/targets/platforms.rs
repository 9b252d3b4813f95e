#![no_main]
//! What platforms report about accounts, through real HTTP: one result for each account, harmless in every word.
//!
//! The first byte chooses the platform. The rest, cut at bytes that no text has, is one response after the other, the
//! last one again and again; the first byte of each chooses its status.

use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use roster_protocol::ids::ConnectionId;
use roster_protocol::time::{Date, Timestamp};
use rosterd::http_client::{Api, HttpClient, HttpLimits, HttpSettings};
use rosterd::platforms::consenting::Access;
use rosterd::platforms::{Account, Registered};
use rosterd::secret::Secret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

/// Slug, handle, id, and whether its owner consented.
const ACCOUNTS: [(&str, &str, &str, bool); 8] = [
    ("bluesky", "mara.example.com", "did:plc:mara", false),
    ("facebook", "mara", "1001", true),
    ("instagram", "mara", "17841400000000001", true),
    ("instagram", "mara", "17841400000000001", false),
    ("mastodon", "mara@social.example.com", "1001@social.example.com", false),
    ("tiktok", "mara", "open-1", true),
    ("youtube", "@mara", "UC0000000000000000000001", false),
    ("youtube", "@mara", "UC0000000000000000000001", true),
];
const STATUSES: [u16; 8] = [200, 200, 200, 200, 200, 400, 404, 429];
const SCOPES: [&str; 14] = [
    "pages_show_list",
    "pages_read_engagement",
    "pages_read_user_content",
    "read_insights",
    "instagram_basic",
    "instagram_manage_insights",
    "instagram_business_basic",
    "instagram_business_manage_insights",
    "user.info.basic",
    "user.info.profile",
    "user.info.stats",
    "video.list",
    "https://www.googleapis.com/auth/youtube.readonly",
    "https://www.googleapis.com/auth/yt-analytics.readonly",
];

type Responses = Arc<Mutex<Vec<Vec<u8>>>>;

struct Bench {
    runtime: Runtime,
    responses: Responses,
    client: HttpClient,
    platforms: Vec<Registered>,
}

static BENCH: LazyLock<Bench> = LazyLock::new(|| {
    let _ = rustls::crypto::ring::default_provider().install_default();
    // No thread ends: the sanitizer takes a thread that ended and was not joined yet for a leak.
    let forever = Duration::from_secs(86_400);
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.thread_keep_alive(forever).enable_all().build().expect("a runtime");
    let responses = Responses::default();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
    let gateway = format!("http://{}", listener.local_addr().expect("an address"));
    runtime.spawn(serve(listener, responses.clone()));
    let limits = HttpLimits { body_bytes: 64 * 1024, ..HttpLimits::default() };
    let client = HttpClient::new(HttpSettings { limits, ..HttpSettings::default() }).expect("good settings");
    Bench { runtime, responses, client, platforms: roster_fuzz::platforms(&gateway) }
});

async fn serve(listener: TcpListener, responses: Responses) {
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        tokio::spawn(converse(stream, responses.clone()));
    }
}

/// Responds to one request after the other; only requests without a body arrive here.
async fn converse(mut stream: TcpStream, responses: Responses) {
    let mut request = Vec::new();
    loop {
        while !request.windows(4).any(|end| end == b"\r\n\r\n") {
            if !matches!(stream.read_buf(&mut request).await, Ok(1..)) {
                return;
            }
        }
        // The body of a POST is in the same packet, and is not read.
        request.clear();
        let response = {
            let mut responses = responses.lock().expect("no thread panics");
            if responses.len() > 1 { responses.remove(0) } else { responses.first().cloned().unwrap_or_default() }
        };
        let (first, body) = response.split_first().unwrap_or((&0, &[]));
        let status = STATUSES[usize::from(*first) % STATUSES.len()];
        let head =
            format!("HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
        if stream.write_all(&[head.as_bytes(), body].concat()).await.is_err() {
            return;
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let (slug, handle, id, consented) = ACCOUNTS[usize::from(*first) % ACCOUNTS.len()];
    let bench = &*BENCH;
    *bench.responses.lock().expect("no thread panics") =
        bytes.split(|byte| *byte == 0xff).map(<[u8]>::to_vec).collect();
    let access = consented.then(|| Access {
        token: Arc::new(Secret::new("invented-token")),
        derived: None,
        scopes: SCOPES.iter().map(|scope| (*scope).to_owned()).collect(),
        through: None,
    });
    let account = |number: u8, known: bool| Account {
        connection: ConnectionId::from_bytes([0, 0, 0, 0, number]),
        handle: handle.to_owned(),
        platform_user_id: known.then(|| id.to_owned()),
        access: access.clone(),
        // What is reported of days is read as well.
        days_from: access.as_ref().map(|_| Date(20_770)),
    };
    let accounts = [account(0, true), account(1, *first > 127)];
    let registered = bench.platforms.iter().find(|one| one.platform.info().slug == slug).expect("registered");
    let api = Api::new(bench.client.clone(), registered.route.clone(), Timestamp(1_795_262_400_000));
    let observed = bench.runtime.block_on(registered.platform.observe(&api, &accounts));
    assert_eq!(observed.len(), accounts.len());
    for (_, result) in observed {
        let text = match result {
            Ok(observation) => format!("{observation:?}"),
            Err(error) => format!("{error}"),
        };
        assert!(roster_fuzz::is_harmless(&text) && !text.contains("invented-token"), "{text:?}");
    }
});
