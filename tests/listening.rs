//! HTTP for monitoring: what it reports, what it never reports, and clients that try to exhaust it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures::future::join_all;
use reqwest::{Client, Method, StatusCode};
use roster_protocol::alert::AlertState;
use roster_protocol::service::AlertsQuery;
use roster_protocol::time::Timestamp;
use roster_protocol::transport::within;
use roster_sandbox::{Fault, FaultKind, Platform};
use rustix::process::{Resource, Rlimit};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::programs::{Home, until};
use crate::support::{LIMIT, NOON, World, figure, idle, limit, nightly};

pub fn http() -> Client {
    // Another test may have installed the same one first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // A kept connection may be closed at the moment in which it is reused.
    Client::builder().no_proxy().pool_max_idle_per_host(0).timeout(LIMIT).build().expect("a client")
}

async fn get(client: &Client, address: SocketAddr, path: &str) -> (StatusCode, String) {
    let response = client.get(format!("http://{address}{path}")).send().await.expect("a response");
    (response.status(), response.text().await.expect("a text"))
}

async fn world() -> (World, SocketAddr, Client) {
    let world = World::new().await;
    let address = world.daemon().http.expect("it listens");
    assert!(address.ip().is_loopback());
    (world, address, http())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn alive_and_ready_are_two_things() {
    let (world, address, client) = world().await;
    for path in ["/healthz", "/health"] {
        assert_eq!(get(&client, address, path).await, (StatusCode::OK, "alive\n".to_owned()), "{path}");
    }
    assert_eq!(get(&client, address, "/readyz").await, (StatusCode::OK, "ready\n".to_owned()));
    // With a clock that is plainly wrong nothing can be scheduled.
    world.clock.set(Timestamp(0));
    let (status, reason) = get(&client, address, "/readyz").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(reason.contains("clock"), "{reason}");
    assert_eq!(get(&client, address, "/healthz").await.0, StatusCode::OK);
    world.clock.set(NOON);
    assert_eq!(get(&client, address, "/readyz").await.0, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_count_everything_and_name_no_account() {
    let (world, address, client) = world().await;
    for (platform, handle) in [
        (Platform::Bluesky, "mara.sky.test"),
        (Platform::Mastodon, "mara@social.example"),
        (Platform::Youtube, "@mara"),
    ] {
        world.followers(platform, handle, 731_820_496);
        world.try_add(&format!("Lindqvist {platform}"), platform.slug(), handle).await.expect("added");
    }
    // One run each: a request could come after it, and would be another.
    world.settle().await;
    // An alert, and errors with words of the platforms in them.
    world.followers(Platform::Bluesky, "mara.sky.test", 246_913_579);
    world.sandbox.world().fault(Fault { count: 100, ..Fault::new(Platform::Mastodon, FaultKind::ServerError) });
    world.sync_target(roster_protocol::SyncTarget::All).await;
    assert_eq!(world.alerts().await.len(), 1);
    // A platform is down after three failures, not after one.
    for _ in 0..2 {
        assert!(get(&client, address, "/metrics").await.1.contains("roster_lanes_down{platform=\"mastodon\"} 0\n"));
        world.sync("Lindqvist mastodon").await;
    }
    assert_eq!(world.alerts().await.len(), 2);

    let response = client.get(format!("http://{address}/metrics")).send().await.expect("a response");
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.headers()["content-type"].to_str().expect("text").starts_with("text/plain; version=0.0.4"));
    let text = response.text().await.expect("a text");
    for line in [
        "roster_influencers 3",
        "roster_connections{platform=\"bluesky\",status=\"fresh\"} 1",
        "roster_connections{platform=\"tiktok\",status=\"fresh\"} 0",
        "roster_alerts_open 2",
        "roster_store_snapshots 3",
        "roster_store_writable 1",
        "roster_store_damaged_records 0",
        "roster_platform_state{platform=\"bluesky\",state=\"ok\"} 1",
        "roster_platform_state{platform=\"mastodon\",state=\"down\"} 1",
        "roster_lanes_down{platform=\"mastodon\"} 1",
        "roster_lanes_down{platform=\"bluesky\"} 0",
        "roster_runs_24h{outcome=\"failed\",platform=\"mastodon\"} 3",
        "roster_runs_24h{outcome=\"ok\",platform=\"bluesky\"} 2",
        "roster_runs_total{outcome=\"ok\",platform=\"bluesky\"} 2",
        "roster_runs_total{outcome=\"failed\",platform=\"mastodon\"} 3",
        "roster_run_duration_seconds_count{platform=\"youtube\"} 2",
        "roster_requests_total{platform=\"mastodon\",status=\"429\"} 0",
        "roster_rpc_connections_total{verdict=\"welcome\"} 1",
        "roster_commits_failed_total 0",
        "roster_store_degraded_seconds 0",
        "roster_ready 1",
        "roster_overdue_seconds 0",
        "roster_time_seconds 1795262400",
        concat!("roster_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
    ] {
        assert!(text.lines().any(|reported| reported == line), "{line} is not in\n{text}");
    }
    let value = |start: &str| -> f64 {
        let value = text.lines().find_map(|line| line.strip_prefix(start)).unwrap_or_else(|| panic!("no {start}"));
        value.trim().parse().expect("a number")
    };
    // A response with a 500 is a response, and a request is counted when it is sent.
    let of_mastodon = Some(Platform::Mastodon);
    let requested =
        world.sandbox.world().requests().iter().filter(|requested| Some(requested.platform) == of_mastodon).count();
    let responses = ["2xx", "5xx"]
        .map(|class| value(&format!("roster_requests_total{{platform=\"mastodon\",status=\"{class}\"}}")));
    assert_eq!((responses[0] + responses[1], responses[1]), (requested as f64, 3.0), "{text}");
    assert!(
        value("roster_commits_total") >= 8.0 && value("roster_store_commit_duration_seconds_count") >= 1.0,
        "{text}"
    );
    assert!(value("roster_store_free_bytes") > 0.0 && value("process_resident_memory_bytes") > 1e6, "{text}");
    assert!(value("process_open_fds") > 3.0 && value("process_cpu_seconds_total") > 0.0, "{text}");

    let mara = world.show("Lindqvist bluesky").await;
    let text = [text, get(&client, address, "/healthz").await.1, get(&client, address, "/readyz").await.1].concat();
    let text = text.to_lowercase();
    let ids = [mara.row.id.to_string(), mara.connections[0].id.to_string()];
    for secret in ["mara", "lindqvist", "sky.test", "social.example", "731820496", "246913579", &ids[0], &ids[1]] {
        assert!(!text.contains(secret), "{secret:?} must not be published:\n{text}");
    }
    assert!(text.len() < 64 * 1024);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counters_go_on_when_the_config_is_loaded_again() {
    let (mut world, address, _) = world().await;
    world.followers(Platform::Bluesky, "mara.sky.test", 1000);
    world.add("Mara", "bluesky", "mara.sky.test").await;
    let scrape = async || {
        // Another config ends the connections made under the one before it.
        let (_, text) = get(&http(), address, "/metrics").await;
        let counted = text
            .lines()
            .find_map(|line| line.strip_prefix("roster_requests_total{platform=\"bluesky\",status=\"2xx\"} "));
        let refused = text.lines().any(|line| line == "roster_config_refused 1");
        (counted.expect("it is counted").parse::<u64>().expect("a count"), refused)
    };
    let (before, _) = scrape().await;
    assert!(before >= 1);
    world.reload(|config| config.replace("[sync]\n", "[sync]\nconcurrency = 3\n")).await.expect("a good config");
    assert_eq!(scrape().await, (before, false));
    world.sync_target(roster_protocol::SyncTarget::All).await;
    assert!(scrape().await.0 > before);
    world.reload(|config| config.replace("concurrency", "concurency")).await.expect_err("a typing error");
    assert!(scrape().await.1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_else_is_served_and_nothing_is_taken() {
    let (_world, address, client) = world().await;
    for path in ["/", "/metrics/", "/oauth/youtube", "/webhooks/youtube", "/../etc/passwd", "/%2e%2e/x"] {
        assert_eq!(get(&client, address, path).await.0, StatusCode::NOT_FOUND, "{path}");
    }
    for path in ["/healthz", "/readyz", "/metrics"] {
        let url = format!("http://{address}{path}");
        for method in [Method::POST, Method::PUT, Method::DELETE] {
            let response = client.request(method.clone(), &url).send().await.expect("a response");
            assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
            let response = client.request(method.clone(), &url).body("x").send().await.expect("a response");
            assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE, "{method} {path}");
        }
    }
    // No page in a browser may read it.
    let request = client.get(format!("http://{address}/metrics")).header("origin", "https://evil.example");
    let response = request.send().await.expect("a response");
    assert!(!response.headers().contains_key("access-control-allow-origin"));
    // 16 KiB of headers are the most.
    let request = client.get(format!("http://{address}/healthz")).header("x-long", "x".repeat(20_000));
    let refused = request.send().await.map(|response| response.status());
    assert!(refused.as_ref().map_or(true, |status| status.is_client_error()), "{refused:?}");
    assert_eq!(get(&client, address, "/healthz").await.0, StatusCode::OK);
}

/// Says this much and waits; returns how long it takes until the daemon hangs up.
async fn cut_off(address: SocketAddr, start: &'static [u8]) -> Duration {
    let begun = Instant::now();
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    // What is cut off already cannot be written to, nor read from.
    let _ = stream.write_all(start).await;
    let read = async { while matches!(stream.read(&mut [0; 4096]).await, Ok(1..)) {} };
    tokio::time::timeout(LIMIT, read)
        .await
        .unwrap_or_else(|_| panic!("still open: {:?}", start.escape_ascii().to_string()));
    begun.elapsed()
}

/// Requests `/healthz` until `is_over`; returns how long each response took, sorted.
async fn healthy_meanwhile(address: SocketAddr, is_over: impl Fn() -> bool) -> Vec<Duration> {
    let (client, mut waited) = (http(), Vec::new());
    while !is_over() {
        let begun = Instant::now();
        assert_eq!(get(&client, address, "/healthz").await.0, StatusCode::OK);
        waited.push(begun.elapsed());
    }
    waited.sort();
    waited
}

/// Lets this many clients dawdle at once, in each form; all must be cut off in time, and no other client is held up.
async fn besiege(address: SocketAddr, many: u64, in_time: Duration) {
    let starts: [&[u8]; 8] = [
        b"",
        b"G",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345",
        b"PRI * HTTP/2.0\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"POST /webhooks/tiktok HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n12345",
    ];
    // Slow headers and slow bodies, also where a body is taken, are the bulk; of each other form there are a few.
    let crowd = (0..many)
        .flat_map(|each| [starts[2], if each % 2 == 0 { starts[4] } else { starts[7] }])
        .chain((0..10).flat_map(|_| starts));
    let crowd: Vec<_> = crowd.map(|start| tokio::spawn(cut_off(address, start))).collect();
    let over = || crowd.iter().all(tokio::task::JoinHandle::is_finished);
    let waited = healthy_meanwhile(address, over).await;
    let cut = join_all(crowd).await.into_iter().map(|cut| cut.expect("no panic"));
    let (count, longest) = cut.fold((0, Duration::ZERO), |(count, longest), cut| (count + 1, longest.max(cut)));
    let p99 = waited[(waited.len() * 99 / 100).min(waited.len() - 1)];
    figure(format!("{count} dawdlers cut off after {longest:.1?} at most; p99 of {} /healthz {p99:.1?}", waited.len()));
    assert!(longest <= in_time, "{longest:?}");
    assert!(p99 <= limit(idle(Duration::from_millis(100))), "{p99:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_client_is_cut_off_and_holds_no_other_up() {
    // The world's timeouts are 2 s for headers and 3 s for all of a request; the real one is for the night.
    match nightly() {
        None => {
            besiege(World::with_short_timeouts().await.daemon().http.expect("it listens"), 300, Duration::from_secs(5))
                .await
        }
        Some(_) => {
            let home = Home::new("[http]\nlisten = \"127.0.0.1:0\"\n");
            let _rosterd = home.start().await;
            besiege(http_of(&home).await, 300, Duration::from_secs(15)).await;
        }
    }
}

/// The address at which a home's daemon listens, from its log.
pub async fn http_of(home: &Home) -> SocketAddr {
    until("the log names the port", async || {
        let log = home.log();
        log.split("http=Some(").nth(1)?.split(')').next()?.parse().ok()
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_taken_port_stops_nothing_but_the_listener_which_comes_back() {
    let app = "[platforms.instagram]\nclient_id = \"instagram-client-id\"\nclient_secret = \"x\"\n";
    for reloads in [true, false] {
        let squatter = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let taken = squatter.local_addr().expect("an address");
        let home = Home::new(&format!("[http]\nlisten = \"{taken}\"\n{app}"));
        let rosterd = home.start().await;
        home.json(&["add", "Mara"]).await;
        let log = home.log();
        assert!(
            log.contains("WARN") && log.contains("the HTTP listener is off") && log.contains(&taken.to_string()),
            "{log}"
        );
        let check = home.roster(&["status", "--check"]).await;
        assert_eq!(check.code, Some(1), "{check:?}");
        assert!(check.out.starts_with(&format!("ROSTER WARNING - another program listens on {taken}")), "{check:?}");
        assert!(home.roster(&["status"]).await.out.contains("another program listens"));
        let alert = until("an alert says so", async || listener_alerts(&home, "open").await.pop()).await;
        let why = alert["why"].as_str().expect("a reason");
        let holder = format!("process {}", std::process::id());
        assert!(why.contains(&taken.to_string()) && why.contains(&holder), "{why}");
        assert!(why.contains("[http] listen") && alert["severity"] == "critical", "{alert}");
        // The owner's answer would reach the squatter: no address is shown.
        let connect = home.roster(&["connect", "Mara", "instagram", "--no-wait"]).await;
        assert!(connect.code != Some(0) && connect.err.contains("would reach another program"), "{connect:?}");
        assert!(!format!("{connect:?}").contains("client_id="), "{connect:?}");

        drop(squatter);
        if reloads {
            rosterd.signal(nix::sys::signal::Signal::SIGHUP);
        }
        let client = http();
        let alive = async || client.get(format!("http://{taken}/healthz")).send().await.ok();
        until("it listens there", alive).await;
        let over = async || listener_alerts(&home, "resolved").await.pop();
        assert_eq!(until("the alert is over", over).await["id"], alert["id"]);
        assert_eq!(listener_alerts(&home, "open").await, Vec::<Value>::new());
        assert_eq!(home.roster(&["status", "--check"]).await.code, Some(0));
        let connect = home.roster(&["connect", "Mara", "instagram", "--no-wait"]).await;
        assert!(connect.code == Some(0) && format!("{connect:?}").contains("client_id="), "{connect:?}");
    }
}

/// The alerts about the listener in a state, as `roster alerts` has them.
async fn listener_alerts(home: &Home, state: &str) -> Vec<Value> {
    let list = home.json(&["alerts", "--state", state]).await;
    let alerts = list["alerts"].as_array().expect("a list").iter();
    alerts.filter(|alert| alert["rule"] == "listener").cloned().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_that_accepts_no_connection_is_reported_until_it_does() {
    let home = Home::new("[http]\nlisten = \"127.0.0.1:0\"\n");
    let rosterd = home.start().await;
    let address = http_of(&home).await;
    let pid = rustix::process::Pid::from_raw(rosterd.pid().as_raw());
    let files = |most: Option<u64>| {
        let before = rustix::process::getrlimit(Resource::Nofile);
        let limit = Rlimit { current: most.or(before.current), maximum: before.maximum };
        rustix::process::prlimit(pid, Resource::Nofile, limit).expect("a process of ours");
    };
    let about_listener = async |state: AlertState| {
        // The connection is there already: the daemon can open no file for another one.
        let query = AlertsQuery { state: Some(state), limit: 256, ..AlertsQuery::default() };
        let page = rosterd.client.alerts(within(LIMIT), query).await.expect("a response").expect("alerts");
        page.rows.into_iter().find(|alert| alert.rule == "listener")
    };
    files(Some(3));
    // It waits to be accepted.
    let waiting = TcpStream::connect(address).await.expect("the kernel takes it");
    let alert = until("an alert says so", async || about_listener(AlertState::Open).await).await;
    let begin = format!("rosterd cannot listen on {address}: ");
    assert!(alert.why.starts_with(&begin) && alert.why.contains("Too many open files"), "{}", alert.why);
    files(None);
    let over = until("the alert is over", async || about_listener(AlertState::Resolved).await).await;
    assert_eq!(over.id, alert.id);
    assert_eq!(get(&http(), address, "/healthz").await.0, StatusCode::OK);
    drop(waiting);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_can_be_switched_off() {
    let home = Home::new("[http]\nlisten = \"127.0.0.1:0\"\nmetrics = false\n");
    let _rosterd = home.start().await;
    let (address, client) = (http_of(&home).await, http());
    assert_eq!(get(&client, address, "/metrics").await.0, StatusCode::NOT_FOUND);
    assert_eq!(get(&client, address, "/healthz").await.0, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_callback_page_is_for_redirected_owners_and_says_nothing_else() {
    let (_world, address, client) = world().await;
    let path = "/oauth/youtube/callback";
    let url = format!("http://{address}{path}?code=x&state=%3Cscript%3E");
    let response = client.get(&url).send().await.expect("a response");
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    let headers = response.headers().clone();
    let policy = headers["content-security-policy"].to_str().expect("text");
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert_eq!(headers["referrer-policy"], "no-referrer");
    assert_eq!(headers["cache-control"], "no-store");
    let page = response.text().await.expect("a page");
    assert!(!page.contains("<script") && !page.contains("src=") && !page.contains("href="), "{page}");
    // A foreign name that resolves to this address, and methods that could change something.
    let rebound = client.get(&url).header("host", "evil.example").send().await.expect("a response");
    assert_eq!(rebound.status(), StatusCode::MISDIRECTED_REQUEST);
    for disguised in ["evil.example@127.0.0.1", "127.0.0.1/evil", "evil.example?127.0.0.1"] {
        let response = client.get(&url).header("host", disguised).send().await.expect("a response");
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{disguised}");
    }
    for method in [Method::HEAD, Method::POST, Method::PUT] {
        let response = client.request(method.clone(), &url).send().await.expect("a response");
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{method}");
    }
    let long = format!("http://{address}{path}?state={}", "x".repeat(9000));
    assert_eq!(client.get(long).send().await.expect("a response").status(), StatusCode::BAD_REQUEST);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_may_hand_its_own_path_on() {
    let world = World::with_proxy("https://roster.example/team/").await;
    let address = world.daemon().http.expect("it listens");
    let client = http();
    for path in ["/oauth/youtube/callback", "/team/oauth/youtube/callback"] {
        let request = client.get(format!("http://{address}{path}?state=x")).header("host", "roster.example");
        assert_eq!(request.send().await.expect("a response").status(), StatusCode::BAD_REQUEST, "{path}");
    }
    let platforms = world.client.platforms(within(LIMIT)).await.expect("a response").expect("platforms");
    let youtube = platforms.iter().find(|it| it.platform == "youtube").expect("known");
    assert_eq!(youtube.redirect_uri.as_deref(), Some("https://roster.example/team/oauth/youtube/callback"));
}
