//! Short links, which lead a browser to a consent that waits: once, in time, and no other browser.

use reqwest::header::{CACHE_CONTROL, HOST, LOCATION, REFERRER_POLICY, USER_AGENT};
use reqwest::{Client, Method, Response, StatusCode};
use roster_protocol::consent::{ConsentBegun, ConsentMethod, ConsentState};
use roster_protocol::transport::within;
use roster_sandbox::{Platform, Sandbox};

use crate::support::consent::{APPS, approve, browser, open};
use crate::support::programs::Home;
use crate::support::{LIMIT, World, synced_at_will};

/// What follows `/c/` in a link.
fn code(begun: &ConsentBegun) -> &str {
    begun.short_url.as_deref().and_then(|link| link.rsplit_once("/c/")).expect("a short link").1
}

/// A request of a path at the listener, as a proxy passes it on.
async fn send(client: &Client, world: &World, method: Method, path: &str, agent: &str) -> Response {
    let address = world.daemon().http.expect("it listens");
    let request = client.request(method, format!("http://{address}{path}"));
    request.header(HOST, "roster.example").header(USER_AGENT, agent).send().await.expect("a response")
}

const PHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15";

async fn visit(world: &World, begun: &ConsentBegun) -> Response {
    send(&browser(), world, Method::GET, &format!("/c/{}", code(begun)), PHONE).await
}

/// No cache keeps a response, and no page learns of the address that led to it.
fn keeps_to_itself(response: &Response) {
    let headers = response.headers();
    assert!(headers[REFERRER_POLICY] == "no-referrer" && headers[CACHE_CONTROL] == "no-store", "{headers:?}");
}

/// The page of an address that leads nowhere.
async fn nowhere(response: Response) -> String {
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    keeps_to_itself(&response);
    assert!(!response.headers().contains_key(LOCATION));
    response.text().await.expect("a page")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_short_link_leads_to_its_consent_once() {
    let world = World::with_proxy_and_apps("https://roster.example").await;
    world.quiet(Platform::Tiktok, "mara", 900);
    world.influencer("Mara").await;
    let begun = world.begin("Mara", "tiktok", None).await.expect("begun");
    assert_eq!(begun.short_url, Some(format!("https://roster.example/c/{}", code(&begun))));
    assert_eq!(code(&begun).len(), 22, "128 bits");
    let path = format!("/c/{}", code(&begun));
    // Looking at it, loading it ahead, or asking under another name spends nothing.
    for (method, agent, status) in [
        (Method::HEAD, PHONE, StatusCode::METHOD_NOT_ALLOWED),
        (Method::POST, PHONE, StatusCode::METHOD_NOT_ALLOWED),
        (Method::GET, "WhatsApp/2.24", StatusCode::FORBIDDEN),
        (Method::GET, "facebookexternalhit/1.1", StatusCode::FORBIDDEN),
    ] {
        let response = send(&browser(), &world, method.clone(), &path, agent).await;
        assert_eq!(response.status(), status, "{method} {agent}");
        assert!(!response.headers().contains_key(LOCATION), "{method} {agent}");
    }
    let address = world.daemon().http.expect("it listens");
    let elsewhere = browser().get(format!("http://{address}{path}")).header(HOST, "evil.example");
    assert_eq!(elsewhere.send().await.expect("a response").status(), StatusCode::MISDIRECTED_REQUEST);

    let led = visit(&world, &begun).await;
    assert_eq!((led.status(), led.headers()[LOCATION].to_str().ok()), (StatusCode::FOUND, Some(begun.url.as_str())));
    keeps_to_itself(&led);

    // Spent, unknown and malformed are the same to who asks.
    let spent = nowhere(visit(&world, &begun).await).await;
    for unknown in ["A".repeat(22), "x".to_owned(), "%00".to_owned(), "A".repeat(9_000)] {
        let response = send(&browser(), &world, Method::GET, &format!("/c/{unknown}"), PHONE).await;
        assert_eq!(nowhere(response).await, spent, "{unknown:.30}");
    }
    // The consent goes on from there.
    let (status, _) = open(&local(&world, &approve(&begun, "mara", &[]).await)).await;
    assert_eq!(status, StatusCode::OK);
    assert!(matches!(world.settled(begun.id).await, ConsentState::Done(_)));
}

/// The listener's own address of a page that a proxy serves.
fn local(world: &World, address: &str) -> String {
    let here = format!("http://{}", world.daemon().http.expect("it listens"));
    address.replacen("https://roster.example", &here, 1)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_visitors_one_is_led() {
    let world = World::with_proxy_and_apps("https://roster.example").await;
    world.influencer("Mara").await;
    let begun = world.begin("Mara", "tiktok", None).await.expect("begun");
    let responses = futures::future::join_all((0..16).map(|_| visit(&world, &begun))).await;
    let led = responses.iter().filter(|response| response.status() == StatusCode::FOUND).count();
    assert_eq!(led, 1, "{responses:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_ends_with_its_consent() {
    let mut world = World::with_proxy_and_apps("https://roster.example").await;
    world.quiet(Platform::Tiktok, "mara", 900);
    world.influencer("Mara").await;
    let begin = async |world: &World| world.begin("Mara", "tiktok", None).await.expect("begun");

    let cancelled = begin(&world).await;
    world.client.consent_cancel(within(LIMIT), cancelled.id).await.expect("a response").expect("given up");
    nowhere(visit(&world, &cancelled).await).await;

    let finished = begin(&world).await;
    let (status, _) = open(&local(&world, &approve(&finished, "mara", &[]).await)).await;
    assert_eq!(status, StatusCode::OK);
    nowhere(visit(&world, &finished).await).await;

    let (early, late) = (begin(&world).await, begin(&world).await);
    world.pass(9 * 60).await;
    assert_eq!(visit(&world, &early).await.status(), StatusCode::FOUND);
    world.pass(61).await;
    nowhere(visit(&world, &late).await).await;

    // A restart forgets links: the whole address goes on.
    let begun = begin(&world).await;
    world.restart().await;
    nowhere(visit(&world, &begun).await).await;
    let (status, _) = open(&local(&world, &approve(&begun, "mara", &[]).await)).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_is_made_where_it_leads_somewhere() {
    let world = World::with_apps().await;
    world.influencer("Mara").await;
    assert_eq!(world.begin("Mara", "tiktok", None).await.expect("begun").short_url, None, "no public URL");

    let world = World::with_proxy_and_apps("https://roster.example/team/").await;
    world.influencer("Mara").await;
    for outer in ["", "/team"] {
        let begun = world.begin("Mara", "tiktok", None).await.expect("begun");
        assert!(begun.short_url.as_deref().is_some_and(|link| link.starts_with("https://roster.example/team/c/")));
        // A proxy passes its own path on, or not.
        let path = format!("{outer}/c/{}", code(&begun));
        let led = send(&browser(), &world, Method::GET, &path, PHONE).await;
        assert_eq!(led.status(), StatusCode::FOUND, "{path}");
    }
    let device = ConsentMethod::Device;
    let device = world.client.consent_begin(within(LIMIT), "Mara".into(), "youtube".into(), device, None).await;
    assert_eq!(device.expect("a response").expect("begun").short_url, None, "that address is short already");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connect_prints_the_link_and_no_log_has_it() {
    let sandbox =
        Sandbox::start(roster_sandbox::Options { accounts: 0, ..Default::default() }).await.expect("it listens");
    let http = "[http]\nlisten = \"127.0.0.1:0\"\npublic_url = \"https://roster.example\"\n";
    let home = Home::new(&format!("{http}{}{APPS}", synced_at_will(&sandbox)));
    let _daemon = home.start().await;
    home.json(&["add", "Mara"]).await;
    let begun = home.json(&["connect", "Mara", "tiktok", "--no-wait"]).await;
    let link = begun["short_url"].as_str().expect("a link");
    let code = link.strip_prefix("https://roster.example/c/").expect("a short link");
    let log = home.log();
    let port = log.split_once("http=Some(127.0.0.1:").and_then(|(_, rest)| rest.split_once(')'));
    let port = port.expect("the log has the listener's address").0;
    let led = browser().get(format!("http://127.0.0.1:{port}/c/{code}")).send().await.expect("a response");
    assert_eq!(led.headers()[LOCATION].to_str().ok(), begun["authorize_url"].as_str());
    let text = home.roster(&["connect", "Mara", "tiktok", "--no-wait"]).await;
    assert!(text.out.contains("https://roster.example/c/"), "{text:?}");
    assert!(!home.log().contains(code), "{}", home.log());
}
