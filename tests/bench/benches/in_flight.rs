//! The memory of requests that wait for a response over TLS: many at once, through the daemon's own client.
//!
//! A provider in a process of its own speaks HTTP over TLS on loopback, with a certificate of a CA that only the config's
//! `ca_file` makes trusted. It holds every request back until all have arrived, then for 2 s, so that all are in flight
//! together. A client, in a process of its own for each form, sends one request, then 1,000 at once, then 10,000 at once,
//! and compares what it holds while all are in flight with what it held at its start.
//!
//! The forms are what ALPN and the hosts make of them: HTTP/2 to one host, all on one connection; HTTP/2 to 100 hosts; HTTP/1.1,
//! where each request has a connection of its own. **Cold** is 10,000 at once to a host that was never requested: each
//! begins a connection, because none knows yet that one is enough. Goal: <= 25 kB for each request at 10,000 over HTTP/2.
//!
//! `cargo bench --bench in_flight -- h2` measures the forms whose names begin so.

use std::convert::Infallible;
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair, SanType};
use roster_bench::process::{Ended, descriptors, most_resident_mib, resident_mib};
use roster_bench::{provider, verdict};
use roster_protocol::time::Timestamp;
use rosterd::http_client::{Api, HttpClient, HttpLimits, HttpSettings, Route};
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// What a child process is: the provider, or the client of this form.
const PROVIDER: &str = "ROSTER_BENCH_PROVIDER";
const CLIENT: &str = "ROSTER_BENCH_CLIENT";
const DELAY: Duration = Duration::from_secs(2);
/// For 10,000 handshakes with both ends on one machine.
const LIMIT: Duration = Duration::from_secs(60);
const WARM: [usize; 3] = [1, 1_000, 10_000];
const COLD: [usize; 1] = [10_000];
const MOST_KB: f64 = 25.0;
const HOSTS: usize = 100;

/// A way for many requests to be in flight.
struct Form {
    name: &'static str,
    protocol: &'static [u8],
    hosts: usize,
    /// How many requests are sent at once, one time after the other.
    steps: &'static [usize],
    /// In kB for each request; without one, it is displayed to compare.
    goal: Option<f64>,
}

const FORMS: [Form; 4] = [
    Form { name: "h2, one host", protocol: b"h2", hosts: 1, steps: &WARM, goal: Some(MOST_KB) },
    Form { name: "h2, 100 hosts", protocol: b"h2", hosts: HOSTS, steps: &WARM, goal: Some(MOST_KB) },
    Form { name: "h2, cold", protocol: b"h2", hosts: 1, steps: &COLD, goal: Some(MOST_KB) },
    Form { name: "h1, one host", protocol: b"http/1.1", hosts: 1, steps: &WARM, goal: None },
];

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let variable = |name: &str| std::env::var(name).ok();
    if let Some(dir) = variable(PROVIDER) {
        return runtime.block_on(provide(Path::new(&dir)));
    }
    if let (Some(form), [port, ca_file]) = (variable(CLIENT), &arguments()[..]) {
        let form = FORMS.iter().find(|one| one.name == form).context("a form")?;
        return runtime.block_on(request(form, port.parse()?, Path::new(ca_file)));
    }
    measure()
}

fn arguments() -> Vec<String> {
    std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect()
}

fn measure() -> Result<()> {
    let chosen = arguments();
    let dir = tempfile::tempdir()?;
    let mut provider = Command::new(std::env::current_exe()?);
    provider.env(PROVIDER, dir.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut provider = Ended(provider.spawn()?);
    let mut ports = BufReader::new(provider.0.stdout.take().context("a pipe")?).lines();
    println!("resident for each request in flight to a TLS provider that takes {} s", DELAY.as_secs());
    for form in &FORMS {
        let port = ports.next().context("the provider listens")??;
        if !chosen.is_empty() && !chosen.iter().any(|name| form.name.starts_with(name.as_str())) {
            continue;
        }
        let mut client = Command::new(std::env::current_exe()?);
        client.env(CLIENT, form.name).arg(port).arg(dir.path().join(CA));
        let status = Ended(client.spawn()?).0.wait()?;
        ensure!(status.success(), "the client of {} ended with {status}", form.name);
    }
    Ok(())
}

/// The client's process: sends the requests of one form and prints what they cost.
async fn request(form: &Form, port: u16, ca_file: &Path) -> Result<()> {
    let limits = HttpLimits { connect: LIMIT, total: LIMIT, read_gap: LIMIT, ..HttpLimits::default() };
    let ca_file = Some(ca_file.to_owned());
    let client = HttpClient::new(HttpSettings { limits, ca_file, ..HttpSettings::default() })?;
    let own = std::process::id();
    let idle = resident_mib(own)?;
    let (mut sent, mut each) = (0, 0.0);
    let mut steps = String::new();
    for count in form.steps.iter().copied() {
        sent += count;
        let (resident, descriptors) = together(&client, form, port, count, sent).await?;
        if count == 1 {
            continue;
        }
        each = (resident - idle) * 1024.0 / count as f64;
        steps += &format!("   {count:>6}: {each:>5.1} kB each ({resident:.0} MiB, {descriptors} descriptors)");
    }
    let goal = form.goal.map(|goal| format!("   goal <= {goal} kB {}", verdict(each <= goal))).unwrap_or_default();
    println!("{:<14} idle {idle:.1} MiB{steps}, at most {:.0} MiB{goal}", form.name, most_resident_mib(own)?);
    Ok(())
}

/// Sends `count` requests at once, `sent` with all before them, and waits for all responses. What the process held, in
/// MiB, and how many descriptors it had while all were in flight.
async fn together(client: &HttpClient, form: &Form, port: u16, count: usize, sent: usize) -> Result<(f64, usize)> {
    let mut requests = JoinSet::new();
    for number in 0..count {
        let (client, host) = (client.clone(), Ipv4Addr::from_bits(FIRST_HOST + (number % form.hosts) as u32));
        requests.spawn(async move {
            let gateway = Some(format!("https://{host}:{port}"));
            let route = Route { platform: "bench".to_owned(), gateway, ..Route::default() };
            let api = Api::new(client, route, Timestamp(0));
            let response = api.get("home.example", "/{sent}").part("sent", &sent.to_string()).send().await?;
            ensure!(response.is_success() && response.body().len() > 1000, "a response of {}", response.status);
            Ok(())
        });
    }
    let begun = Instant::now();
    let mut held = (0.0, 0);
    // The first response: all requests have arrived at the provider.
    let first = loop {
        match tokio::time::timeout(Duration::from_millis(100), requests.join_next()).await {
            Ok(first) => break first,
            Err(_) => held = (resident_mib(std::process::id())?, descriptors(std::process::id())?),
        }
        ensure!(begun.elapsed() < LIMIT, "not all of {count} requests arrived");
    };
    first.context("a request")???;
    while let Some(response) = requests.join_next().await {
        response??;
    }
    Ok(held)
}

const CA: &str = "ca.pem";
/// The first of the hosts, which are addresses of loopback.
const FIRST_HOST: u32 = Ipv4Addr::new(127, 0, 0, 1).to_bits();

/// The provider's process: a listener for each form, until the other end of stdin is closed.
async fn provide(dir: &Path) -> Result<()> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let ca = authority()?;
    std::fs::write(dir.join(CA), ca.pem())?;
    let (certificate, key) = certificate(&ca)?;
    for form in &FORMS {
        let listener = TcpListener::bind(SocketAddr::from(([0, 0, 0, 0], 0))).await?;
        let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
        let mut config =
            rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate.clone()], key)?;
        config.alpn_protocols = vec![form.protocol.to_vec()];
        println!("{}", listener.local_addr()?.port());
        tokio::spawn(serve(listener, TlsAcceptor::from(Arc::new(config))));
    }
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    Ok(())
}

fn authority() -> Result<CertifiedIssuer<'static, KeyPair>> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    Ok(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?)
}

/// A certificate for all hosts.
fn certificate(
    ca: &CertifiedIssuer<'static, KeyPair>,
) -> Result<(rustls::pki_types::CertificateDer<'static>, KeyPair)> {
    let mut params = CertificateParams::default();
    let hosts = (0..HOSTS as u32).map(|number| Ipv4Addr::from_bits(FIRST_HOST + number));
    params.subject_alt_names = hosts.map(|host| SanType::IpAddress(host.into())).collect();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate()?;
    Ok((params.signed_by(&key, ca)?.into(), key))
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor) -> Result<()> {
    let arrived: watch::Sender<usize> = watch::Sender::default();
    let body = Bytes::from(provider::profile(7_300_000, 210, 987));
    loop {
        let (stream, _) = listener.accept().await?;
        let (acceptor, arrived, body) = (acceptor.clone(), arrived.clone(), body.clone());
        tokio::spawn(async move {
            let stream = TokioIo::new(acceptor.accept(stream).await?);
            let service = service_fn(|request| respond(request, arrived.clone(), body.clone()));
            let mut builder = Builder::new(TokioExecutor::new());
            // All on one connection, where the client wants it so.
            builder.http2().max_concurrent_streams(None);
            // A client that disconnects in the middle needs no response.
            drop(builder.serve_connection(stream, service).await);
            std::io::Result::Ok(())
        });
    }
}

/// Responds 2 s after as many requests as the path says have arrived.
async fn respond(
    request: Request<Incoming>,
    arrived: watch::Sender<usize>,
    body: Bytes,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let expected = request.uri().path().rsplit('/').next().and_then(|count| count.parse().ok()).unwrap_or(1);
    arrived.send_modify(|arrived| *arrived += 1);
    // It ends when all have arrived: the sender is here.
    let _ = arrived.subscribe().wait_for(|arrived| *arrived >= expected).await;
    tokio::time::sleep(DELAY).await;
    Ok(Response::new(Full::new(body)))
}
