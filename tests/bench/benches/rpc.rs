//! Calls over the socket against bare frames: the same bytes encoded, sent, and decoded without tarpc or a daemon.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use roster_bench::{QUIET_CONFIG, compare, figure, lay_roster, timed};
use roster_protocol::influencer::{InfluencerPage, InfluencerQuery};
use roster_protocol::transport::{self, within};
use rosterd::process::config::Config;
use rosterd::{Daemon, Options};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::codec::{Framed, LengthDelimitedCodec};

const LIMIT: Duration = Duration::from_secs(10);
const CALLS: usize = 3000;
const PAGES: usize = 600;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let state = dir.path().join("state");
    let later = roster_protocol::Timestamp::from(jiff::Timestamp::now()).plus_seconds(20 * 3600);
    lay_roster(&state, 10_000, 3, later).await?;
    let config = Config::parse(QUIET_CONFIG, "bench")?;
    let daemon = Daemon::start(Options::new(config, state, dir.path().join("rosterd.sock"))).await?;
    let client = transport::connect(&daemon.socket).await?;
    let query = InfluencerQuery { limit: 200, ..InfluencerQuery::default() };
    let page = client.influencers(within(LIMIT), query.clone()).await??;
    anyhow::ensure!(page.rows.len() == 200, "a full page");
    let mut bare = bare_frames(&dir.path().join("bare.sock"), page).await?;

    let (mut ours, mut yard) = (Vec::new(), Vec::new());
    for _ in 0..CALLS {
        ours.push(timed(client.ping(within(LIMIT))).await);
        yard.push(timed(request(&mut bare, PING)).await);
    }
    compare("ping", figure(ours), figure(yard), 2.5);
    let (mut ours, mut yard) = (Vec::new(), Vec::new());
    for _ in 0..PAGES {
        ours.push(timed(client.influencers(within(LIMIT), query.clone())).await);
        yard.push(timed(request(&mut bare, PAGE)).await);
    }
    compare("page of 200 rows, roster of 10,000", figure(ours), figure(yard), 2.0);
    daemon.end().await;
    Ok(())
}

type Frames = Framed<UnixStream, LengthDelimitedCodec>;
const PING: u8 = 0;
const PAGE: u8 = 1;

/// The yardstick: a server that encodes the same page for each request, and nothing else.
async fn bare_frames(path: &Path, page: InfluencerPage) -> anyhow::Result<Frames> {
    let listener = UnixListener::bind(path)?;
    let page = Arc::new(page);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut frames = Framed::new(stream, LengthDelimitedCodec::new());
            while let Some(Ok(frame)) = frames.next().await {
                let what: u8 = postcard::from_bytes(&frame).unwrap_or(PING);
                let response = match what {
                    PAGE => postcard::to_stdvec(&*page),
                    _ => postcard::to_stdvec(&()),
                };
                if frames.send(Bytes::from(response.unwrap_or_default())).await.is_err() {
                    break;
                }
            }
        }
    });
    Ok(Framed::new(UnixStream::connect(path).await?, LengthDelimitedCodec::new()))
}

async fn request(frames: &mut Frames, what: u8) -> Option<InfluencerPage> {
    frames.send(Bytes::from(postcard::to_stdvec(&what).ok()?)).await.ok()?;
    let response = frames.next().await?.ok()?;
    if what == PAGE { postcard::from_bytes(&response).ok() } else { None }
}
