//! An owner with a browser: opens consent pages of the sandbox, and follows where they redirect.

use std::time::Duration;

use reqwest::header::LOCATION;
use reqwest::{Client, StatusCode, Url};
use roster_protocol::RosterClient;
use roster_protocol::consent::{ConsentBegun, ConsentMethod, ConsentState, ConsentedConnection, Grant};
use roster_protocol::error::RosterError;
use roster_protocol::ids::ConsentId;
use roster_protocol::influencer::NewInfluencer;
use roster_protocol::transport::within;
use roster_sandbox::{AccountEdit, Platform};

use super::{LIMIT, LONG_TIMEOUTS, NOON, World};

/// The apps that the sandbox knows.
pub const APPS: &str = "\
[platforms.youtube]
api_key = \"youtube-api-key\"
client_id = \"youtube-client-id\"
client_secret = \"youtube-client-secret\"
[platforms.instagram]
client_id = \"instagram-client-id\"
client_secret = \"instagram-client-secret\"
[platforms.facebook]
client_id = \"facebook-client-id\"
client_secret = \"facebook-client-secret\"
[platforms.tiktok]
client_id = \"tiktok-client-id\"
client_secret = \"tiktok-client-secret\"
";

/// A browser that follows no redirect.
pub fn browser() -> Client {
    // Another test may have installed the same one first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let none = reqwest::redirect::Policy::none();
    Client::builder().no_proxy().redirect(none).timeout(LIMIT).build().expect("a client")
}

/// Opens a consent page as the owner of an account, approves, and returns the address the browser is sent to.
pub async fn approve(begun: &ConsentBegun, handle: &str, more: &[(&str, &str)]) -> String {
    let mut url = Url::parse(&begun.url).expect("an address");
    url.query_pairs_mut().append_pair("sandbox_account", handle).extend_pairs(more);
    let response = browser().get(url).send().await.expect("the page responds");
    assert!(response.status().is_redirection(), "{}: {}", response.status(), response.text().await.unwrap_or_default());
    response.headers()[LOCATION].to_str().expect("an address").to_owned()
}

/// Opens an address and reads what it says.
pub async fn open(address: &str) -> (StatusCode, String) {
    let response = browser().get(address).send().await.expect("a response");
    (response.status(), response.text().await.expect("a text"))
}

/// The whole flow over a real program: begun, approved in a browser, finished by the address it landed on.
pub async fn consented(client: &RosterClient, name: &str, platform: Platform, handle: &str) {
    let (name, slug) = (name.to_owned(), platform.slug().to_owned());
    let begun = client.consent_begin(within(LIMIT), name, slug, ConsentMethod::Redirect, None).await;
    let begun = begun.expect("a response").expect("begun");
    let address = approve(&begun, handle, &[]).await;
    client.consent_paste(within(LIMIT), address).await.expect("a response").expect("ours");
    loop {
        match client.consent_state(within(LIMIT), begun.id).await.expect("a response").expect("ours") {
            ConsentState::Waiting | ConsentState::Finishing => {}
            ConsentState::Done(_) => return,
            ConsentState::Choose(_) => {
                let chosen = client.consent_choose(within(LIMIT), begun.id, vec![handle.to_owned()]).await;
                chosen.expect("a response").expect("chosen");
                return;
            }
            other => panic!("{platform}: {other:?}"),
        }
    }
}

impl World {
    /// A world in which every platform's app is set up.
    pub async fn with_apps() -> Self {
        Self::with_config(APPS).await
    }

    /// The same, with a daemon that browsers reach at this address.
    pub async fn with_proxy_and_apps(public_url: &str) -> Self {
        Self::with_configs(&format!("public_url = \"{public_url}\"\n"), APPS, LONG_TIMEOUTS, NOON).await
    }

    /// An influencer without accounts.
    pub async fn influencer(&self, name: &str) {
        let new = NewInfluencer { name: name.to_owned(), ..NewInfluencer::default() };
        self.client.add(within(LIMIT), new).await.expect("a response").expect("added");
    }

    /// An account with these followers on a platform of the sandbox, growing not at all.
    pub fn quiet(&self, platform: Platform, handle: &str, followers: u64) {
        let edit = AccountEdit {
            followers: Some(followers),
            growth_per_day: Some(0.0),
            likes: Some(40),
            comments: Some(10),
            views: Some(500),
            ..AccountEdit::default()
        };
        self.account(platform, handle, edit);
    }

    pub async fn begin(&self, name: &str, platform: &str, handle: Option<&str>) -> Result<ConsentBegun, RosterError> {
        let (name, platform, handle) = (name.to_owned(), platform.to_owned(), handle.map(str::to_owned));
        let begun = self.client.consent_begin(within(LIMIT), name, platform, ConsentMethod::Redirect, handle).await;
        begun.expect("a response")
    }

    /// The state of a consent once it no longer changes without the owner.
    pub async fn settled(&self, consent: ConsentId) -> ConsentState {
        loop {
            let state = self.client.consent_state(within(LIMIT), consent).await.expect("a response");
            let state = state.expect("a consent of ours");
            if state.is_settled() {
                return state;
            }
        }
    }

    /// The whole flow: begun, approved in a browser, finished by the callback.
    pub async fn consent(&self, name: &str, platform: &str, handle: &str) -> ConsentedConnection {
        let begun = self.begin(name, platform, None).await.expect("begun");
        let (status, page) = open(&approve(&begun, handle, &[]).await).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        match self.settled(begun.id).await {
            ConsentState::Done(mut connected) if connected.len() == 1 => connected.remove(0),
            ConsentState::Choose(_) => {
                let chosen = self.client.consent_choose(within(LIMIT), begun.id, vec![handle.to_owned()]).await;
                match chosen.expect("a response").expect("chosen") {
                    ConsentState::Done(mut connected) if connected.len() == 1 => connected.remove(0),
                    other => panic!("{platform}: {other:?}"),
                }
            }
            other => panic!("{platform}: {other:?}"),
        }
    }

    pub async fn grants(&self) -> Vec<Grant> {
        self.client.grants(within(LIMIT)).await.expect("a response").expect("grants")
    }

    /// Moves the daemon's clock and the sandbox's together, and waits until nothing is due or running.
    pub async fn both_pass(&self, seconds: i64) {
        self.sandbox.world().advance(Duration::from_secs(seconds as u64));
        self.pass(seconds).await;
    }

    /// What a page of ours shows in a browser.
    pub fn callback(&self, platform: &str, query: &str) -> String {
        let address = self.daemon().http.expect("it listens");
        format!("http://{address}/oauth/{platform}/callback?{query}")
    }
}
