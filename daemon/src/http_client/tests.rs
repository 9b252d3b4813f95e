//! The way out, against a server that misbehaves.

use std::time::{Duration, Instant};

use roster_protocol::time::Timestamp;
use serde::Deserialize;

use super::test_server::{Reply, Server};
use super::*;
use crate::secret::Secret;

const CANARY: &str = "canary-5f3a";

fn client() -> HttpClient {
    let limits = HttpLimits {
        connect: Duration::from_secs(1),
        total: Duration::from_millis(1500),
        read_gap: Duration::from_secs(1),
        body_bytes: 64 * 1024,
    };
    HttpClient::new(HttpSettings { limits, ..HttpSettings::default() }).expect("defaults work")
}

fn api(route: Route) -> Api {
    Api::new(client(), route, Timestamp(0))
}

fn through(gateway: &str) -> Route {
    Route { gateway: Some(gateway.to_owned()), ..Route::default() }
}

async fn kind(api: &Api) -> HttpErrorKind {
    let request = api.get("api.example.com", "/v1/{id}").part("id", CANARY);
    let response = request.secret_query("key", &Secret::new(CANARY)).bearer(&Secret::new(CANARY)).send().await;
    let error = response.map(|response| response.status).expect_err("a failure");
    assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
    error.kind
}

#[tokio::test]
async fn a_request_goes_where_its_route_says() {
    let server = Server::start(|_| Reply::ok("{}")).await;
    let inside = Route { private_hosts: vec![server.host().to_owned()], ..Route::default() };
    let own = Route { api_url: Some(format!("{}/view", server.base)), ..Route::default() };
    for (route, host, expected) in [
        (through(&server.base), "api.example.com", "/api.example.com/v1/a%2Fb%20c"),
        (through(&format!("{}/deep", server.base)), "localhost:1", "/deep/localhost:1/v1/a%2Fb%20c"),
        (own, "api.example.com", "/view/v1/a%2Fb%20c"),
        (inside, server.host(), "/v1/a%2Fb%20c"),
    ] {
        let api = api(route);
        let request = api.get(host, "/v1/{id}").part("id", "a/b c").query(&[("q", "ä&b"), ("q", "2")]);
        let response = request.secret_query("key", &Secret::new(CANARY)).send().await.expect("an answer");
        assert_eq!((response.status, response.body()), (200, b"{}".as_slice()));
        let requested = server.requested().pop().expect("one request");
        assert_eq!(requested.path, expected);
        let query: Vec<_> = requested.query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(query, [("q", "ä&b"), ("q", "2"), ("key", CANARY)]);
        assert!(requested.headers["user-agent"].to_str().expect("text").starts_with("roster/"));
        assert!(!requested.headers.contains_key("referer"));
    }
}

#[tokio::test]
async fn bodies_and_tokens_are_sent() {
    let server = Server::start(|_| Reply::Json(201, String::new())).await;
    let api = api(through(&server.base));
    let form = api.post("api.example.com", "/token").form(&[("grant", "a b"), ("code", "&")]);
    assert!(form.bearer(&Secret::new("t")).send().await.expect("an answer").is_success());
    api.post("api.example.com", "/json").json(&serde_json::json!({"a": 1})).send().await.expect("an answer");
    let [form, json] = server.requested().try_into().expect("two requests");
    assert_eq!((form.method.as_str(), form.body.as_ref()), ("POST", b"grant=a+b&code=%26".as_slice()));
    assert_eq!(form.headers["authorization"], "Bearer t");
    assert_eq!(
        (json.headers["content-type"].as_bytes(), json.body.as_ref()),
        (b"application/json".as_slice(), br#"{"a":1}"#.as_slice())
    );
}

#[tokio::test]
async fn no_response_takes_longer_or_more_than_the_limits() {
    for (reply, expected) in [
        (Reply::Silence, HttpErrorKind::Timeout),
        (Reply::Drip, HttpErrorKind::Timeout),
        (Reply::Endless, HttpErrorKind::TooLarge),
        (Reply::gzip_bomb(), HttpErrorKind::TooLarge),
        (Reply::Huge, HttpErrorKind::TooLarge),
        (Reply::CutOff("{\"a\":".to_owned()), HttpErrorKind::Broken),
        (
            Reply::Headers(200, vec![("content-encoding", "gzip".to_owned())], "no gzip".to_owned()),
            HttpErrorKind::Broken,
        ),
    ] {
        let server = Server::start(move |_| reply.clone()).await;
        let begun = Instant::now();
        assert_eq!(kind(&api(through(&server.base))).await, expected);
        assert!(begun.elapsed() < Duration::from_secs(15), "{expected}");
    }
}

#[tokio::test]
async fn a_redirect_is_a_response_and_is_not_followed() {
    let other = Server::start(|_| Reply::ok("{}")).await;
    let base = other.base.clone();
    for status in [301, 302, 303, 307, 308] {
        let to = format!("{base}/there");
        let server =
            Server::start(move |_| Reply::Headers(status, vec![("location", to.clone())], String::new())).await;
        let api = api(through(&server.base));
        let sent = api.post("api.example.com", "/").bearer(&Secret::new(CANARY)).form(&[("token", CANARY)]).send();
        assert_eq!(sent.await.expect("an answer").status, status);
    }
    assert!(other.requested().is_empty());
}

#[tokio::test]
async fn a_host_where_nothing_listens_is_reported_by_whose_choice_it_was() {
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.local_addr().expect("an address").to_string()
    };
    assert_eq!(kind(&api(through(&format!("http://{closed}")))).await, HttpErrorKind::Gateway);
    let inside = api(Route { private_hosts: vec![closed.clone()], ..Route::default() });
    let error = inside.get(&closed, "/").send().await.map(|response| response.status).expect_err("closed");
    assert_eq!(error.kind, HttpErrorKind::Refused);
}

/// A certificate that no server holds the key of: with it TLS clients can be built where the system has none.
fn with_a_certificate(proxy: Option<String>) -> HttpClient {
    let ca_file = Some(PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src/http_client/fixtures/ca.pem")));
    HttpClient::new(HttpSettings { proxy, ca_file, ..HttpSettings::default() }).expect("a good certificate")
}

#[tokio::test]
async fn a_server_that_cannot_prove_itself_is_not_talked_to() {
    let server = Server::start(|_| Reply::ok("{}")).await;
    let base = server.base.replace("http:", "https:");
    let api = Api::new(with_a_certificate(None), through(&base), Timestamp(0));
    assert_eq!(kind(&api).await, HttpErrorKind::Tls);
    assert!(server.requested().is_empty());
}

#[tokio::test]
async fn the_proxy_is_for_what_is_outside() {
    let proxy = Server::start(|_| Reply::Json(502, String::new())).await;
    let client = with_a_certificate(Some(proxy.base.clone()));
    let outside = Api::new(client.clone(), Route::default(), Timestamp(0));
    assert_eq!(kind(&outside).await, HttpErrorKind::Proxy);
    assert_eq!(
        kind(&Api::new(client.clone(), through("https://gateway.example.com"), Timestamp(0))).await,
        HttpErrorKind::Proxy
    );
    assert!(proxy.requested().iter().all(|requested| requested.method == "CONNECT"));
    assert_eq!(proxy.forget(), 2);

    let server = Server::start(|_| Reply::ok("{}")).await;
    for route in [through(&server.base), Route { private_hosts: vec![server.host().to_owned()], ..Route::default() }] {
        let response = Api::new(client.clone(), route, Timestamp(0)).get(server.host(), "/").send().await;
        assert!(response.is_ok_and(|response| response.is_success()));
    }
    assert!(proxy.requested().is_empty());
}

#[tokio::test]
async fn private_hosts_get_no_request_unless_allowed() {
    let server = Server::start(|_| Reply::ok("{}")).await;
    let port = server.host().rsplit(':').next().expect("a port").to_owned();
    for host in ["127.0.0.1", "localhost", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "2130706433"] {
        let api = api(Route::default());
        let error =
            api.get(&format!("{host}:{port}"), "/").send().await.map(|response| response.status).expect_err(host);
        assert_eq!(error.kind, HttpErrorKind::Private, "{host}");
    }
    for host in ["", "a/b", "a@b", "a?b", "a#b", "a b", "user:word@host", "..", "a\\b", "a%2fb"] {
        let api = api(Route::default());
        let error = api.get(host, "/").send().await.map(|response| response.status).expect_err(host);
        assert!(matches!(error.kind, HttpErrorKind::BadHost | HttpErrorKind::Private), "{host}: {error}");
    }
    assert!(server.requested().is_empty());
}

#[tokio::test]
async fn a_name_that_leads_inside_is_not_dialled() {
    use reqwest::dns::Resolve;
    let name = || "localhost".parse().expect("a name");
    assert!(PublicOnly { proxy_host: None }.resolve(name()).await.is_err());
    assert!(PublicOnly { proxy_host: Some("localhost".to_owned()) }.resolve(name()).await.is_ok());
    assert!(LoopbackOnly.resolve(name()).await.is_ok());
}

#[tokio::test]
async fn dots_do_not_walk_up_the_path() {
    let server = Server::start(|_| Reply::ok("{}")).await;
    for part in ["", ".", ".."] {
        let api = api(through(&server.base));
        let request = api.get("api.example.com", "/v1/{id}/x").part("id", part);
        assert_eq!(request.send().await.map(|response| response.status).expect_err(part).kind, HttpErrorKind::BadHost);
    }
    assert!(server.requested().is_empty());
}

#[derive(Debug, Deserialize)]
struct Outer {
    #[expect(dead_code, reason = "only its decoding matters")]
    inner: Inner,
}

#[derive(Debug, Deserialize)]
struct Inner {
    #[expect(dead_code, reason = "only its decoding matters")]
    number: u32,
}

#[test]
fn errors_in_json_name_the_field_and_never_its_value() {
    let shape = |at: &str, what| HttpErrorKind::Shape { at: at.to_owned(), what };
    let check = |text: &str, expected: HttpErrorKind| {
        let kind = read_json::<Outer>(text.as_bytes()).expect_err(text);
        assert!(!kind.to_string().contains("canary"), "{kind}");
        assert_eq!(kind, expected, "{text}");
    };
    check(r#"{"inner":{"number":"canary"}}"#, shape("inner.number", "is not what it should be"));
    check(r#"{"inner":"canary"}"#, shape("inner", "is not what it should be"));
    check(r#"{"inner":{"canary":1}}"#, shape("inner", "lacks a field"));
    check(r#"{"inner":{"number":1,"number":2}}"#, shape("inner", "is not what it should be"));
    check(r#""canary""#, shape("the answer", "is not what it should be"));
    check(r#"{"inner":{"number":1"#, HttpErrorKind::CutOff);
    check("", HttpErrorKind::CutOff);
    check("canary", HttpErrorKind::NotJson);
    check(r#"{"inner":{"number":1}} canary"#, HttpErrorKind::NotJson);
    check("\n <!doctype html><p>canary", HttpErrorKind::Html);
    assert!(read_json::<serde_json::Value>("[".repeat(100_000).as_bytes()).is_err());
    assert!(read_json::<Outer>(br#"{"more":[1],"inner":{"number":1}}"#).is_ok());
}

#[test]
fn retry_after_is_understood_and_kept_within_a_day() {
    let now: Timestamp = "2026-11-21T12:00:00Z".parse().expect("a time");
    let response = |name: &'static str, value: &str| {
        let headers = HeaderMap::from_iter([(
            http::HeaderName::from_static(name),
            http::HeaderValue::from_bytes(value.as_bytes()).expect("a header"),
        )]);
        Response::new(String::new(), "", 429, headers, Bytes::new())
    };
    let check = |value: &str, expected: Option<u64>| {
        let reported = response("retry-after", value).retry_after(now);
        assert_eq!(reported, expected.map(Duration::from_secs), "{value}");
    };
    check("30", Some(30));
    check(" 30 ", Some(30));
    check("0", Some(1));
    check("1000000000", Some(86_400));
    check("99999999999999999999999999", Some(86_400));
    check("Sat, 21 Nov 2026 12:05:00 GMT", Some(300));
    check("Saturday, 21-Nov-26 12:05:00 GMT", Some(300));
    check("Sat, 21 Nov 2020 12:05:00 GMT", Some(1));
    check("Fri, 31 Dec 9999 23:59:59 GMT", Some(86_400));
    for nonsense in ["", "-5", "1.5", "soon", "١٢", "2026-11-21T12:05:00Z"] {
        check(nonsense, None);
    }
    let check = |value: &str, expected: Option<u64>| {
        let reported = response("x-reset", value).reset_after("x-reset", now);
        assert_eq!(reported, expected.map(Duration::from_secs), "{value}");
    };
    check("2026-11-21T12:05:00.000000Z", Some(300));
    check("1795262700", Some(300));
    check("300", Some(300));
    check("2026-11-21T11:00:00Z", Some(1));
    check("18446744073709551615", Some(86_400));
    check("soon", None);
}

#[test]
fn bases_are_https_or_loopback() {
    let check = |text: &str, expected: Option<&str>| assert_eq!(base_url(text).ok().as_deref(), expected, "{text}");
    check("https://gateway.example.com/", Some("https://gateway.example.com"));
    check("https://gateway.example.com/a/b/", Some("https://gateway.example.com/a/b"));
    check("https://10.0.0.1:8443", Some("https://10.0.0.1:8443"));
    check("http://127.0.0.1:9900", Some("http://127.0.0.1:9900"));
    check("http://localhost:9900/", Some("http://localhost:9900"));
    check("http://[::1]:9900", Some("http://[::1]:9900"));
    for bad in [
        "",
        "gateway",
        "http://gateway.example.com",
        "http://10.0.0.1",
        "https://a:b@gateway.example.com",
        "https://gateway.example.com/?a=b",
        "https://gateway.example.com/#a",
        "ftp://127.0.0.1",
        "file:///etc/hosts",
    ] {
        check(bad, None);
    }
}

#[test]
fn settings_that_cannot_work_are_refused_at_once() {
    let refused = |proxy: Option<&str>, ca_file: Option<PathBuf>| {
        let settings = HttpSettings { proxy: proxy.map(str::to_owned), ca_file, ..HttpSettings::default() };
        HttpClient::new(settings).err().map(|error| error.to_string())
    };
    assert_eq!(refused(Some("http://name:canary@proxy.example:3128"), None), None);
    for bad in ["canary", "socks5://name:canary@proxy.example", "http://"] {
        assert!(refused(Some(bad), None).is_some_and(|text| !text.contains("canary")), "{bad}");
    }
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("ca.pem");
    assert!(refused(None, Some(path.clone())).is_some());
    std::fs::write(&path, "no certificate").expect("written");
    assert!(refused(None, Some(path)).is_some());
}

#[test]
fn is_host_takes_hosts_only() {
    for good in ["social.example.com", "127.0.0.1:8901", "localhost:8901", "[::1]:80", "Social.Example.com"] {
        assert!(is_host(good), "{good}");
    }
    for bad in ["", "a/b", "a@b", "a:b", "https://a", "a b", "127.1", "bücher.example"] {
        assert!(!is_host(bad), "{bad}");
    }
}

#[test]
fn the_longest_wait_is_kept() {
    let api = api(Route::default());
    assert_eq!(api.requested_wait(), None);
    for seconds in [5, 30, 10] {
        api.wait(Duration::from_secs(seconds), "its rate\nlimit");
    }
    assert_eq!(api.requested_wait(), Some(Duration::from_secs(30)));
    assert_eq!(api.wait_reason().as_deref(), Some("its rate limit"));
}

/// Responds to the first request of each connection, and hangs up on the second without having said so.
async fn forgetful_server() -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            if stream.read(&mut request).await.is_ok_and(|read| read > 0) {
                let responded = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
                let _ = responded.and(stream.read(&mut request).await.map(drop));
            }
        }
    });
    base
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_costs_nothing() {
    let api = api(through(&forgetful_server().await));
    for round in 0..4 {
        let response = api.get("api.example.com", "/v1").send().await;
        assert_eq!(response.map(|response| response.status).expect("an answer"), 200, "{round}");
    }
    let posted = api.post("api.example.com", "/v1").json(&serde_json::json!({})).send().await;
    let posted = posted.map(|response| response.status);
    assert_eq!(posted.expect_err("what may change something is not sent twice").kind, HttpErrorKind::Broken);
}
