//! The sandbox over loopback, as a client meets it.

mod bluesky;
mod consent;
mod control;
mod facebook;
mod faults;
mod google;
mod instagram;
mod instagram_login;
mod mastodon;
mod owner;
mod tiktok;
mod tiktok_accounts;
mod token_faults;
mod youtube;

use reqwest::{Client, Method, Response};
use serde_json::{Value, json};

use crate::{Options, Sandbox};

/// A sandbox without accounts, at a fixed time.
struct Visit {
    sandbox: Sandbox,
    client: Client,
}

impl Visit {
    async fn start() -> Visit {
        Visit::with(0).await
    }

    async fn with(accounts: usize) -> Visit {
        let now = Some("2026-11-21T12:00:00Z".parse().unwrap());
        Visit::at(Options { accounts, now, ..Options::default() }).await
    }

    async fn at(options: Options) -> Visit {
        // Another test may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let sandbox = Sandbox::start(options).await.unwrap();
        // Redirects lead to apps that do not run here.
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Visit { sandbox, client }
    }

    async fn send(&self, method: Method, path: &str, body: Value) -> reqwest::Result<Response> {
        let request = self.client.request(method, format!("{}{path}", self.sandbox.url()));
        if body.is_null() { request.send().await } else { request.json(&body).send().await }
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        read(self.send(Method::GET, path, Value::Null).await.unwrap()).await
    }

    async fn put(&self, platform: &str, handle: &str, body: Value) -> Value {
        let path = format!("/_sandbox/accounts/{platform}/{handle}");
        let (status, value) = read(self.send(Method::PUT, &path, body).await.unwrap()).await;
        assert!(matches!(status, 200 | 201), "{status} {value}");
        value
    }

    async fn fault(&self, fault: Value) {
        let (status, value) = read(self.send(Method::POST, "/_sandbox/faults", fault).await.unwrap()).await;
        assert_eq!(status, 200, "{value}");
    }
}

async fn read(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(json!(text)))
}

#[tokio::test]
async fn a_sandbox_that_was_shut_down_leaves_its_port() {
    let visit = Visit::start().await;
    visit.fault(json!({"platform": "bluesky", "kind": "timeout"})).await;
    let url = format!("{}/xrpc/app.bsky.actor.getProfile?actor=a.test", visit.sandbox.url());
    let waiting = tokio::spawn(visit.client.get(url).send());
    while visit.sandbox.world().requests().is_empty() {
        tokio::task::yield_now().await;
    }
    let address = visit.sandbox.url().trim_start_matches("http://").to_owned();
    visit.sandbox.shutdown().await;
    assert!(waiting.await.unwrap().is_err());
    assert!(tokio::net::TcpListener::bind(address).await.is_ok());
}

#[tokio::test]
async fn http2_without_tls_is_served_too() {
    let visit = Visit::start().await;
    let client = Client::builder().http2_prior_knowledge().build().unwrap();
    let response = client.get(format!("{}/_sandbox/clock", visit.sandbox.url())).send().await.unwrap();
    assert_eq!(response.version(), reqwest::Version::HTTP_2);
    assert_eq!(response.json::<Value>().await.unwrap(), json!({"now": "2026-11-21T12:00:00Z"}));
    visit.sandbox.shutdown().await;
}
