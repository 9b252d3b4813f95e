//! An account's owner and the app that is granted something, for the stories of other files.

use std::collections::HashMap;

use super::*;

pub const BACK: &str = "http://127.0.0.1:8787/oauth/callback";

/// What an app was given, as its parameters say.
pub type Pairs = HashMap<String, String>;

impl Visit {
    /// Opens a consent page that decides at once; returns where the browser is sent.
    pub async fn redirected(&self, page: &str, pairs: &[(&str, &str)]) -> String {
        let url = format!("{}{page}", self.sandbox.url());
        let response = self.client.get(url).query(pairs).send().await.unwrap();
        let status = response.status();
        let location = response.headers().get("location").map(|value| value.to_str().unwrap().to_owned());
        location.unwrap_or_else(|| panic!("{page} responds {status}"))
    }

    /// The parameters with which the browser returns to the app, each decoded once.
    pub async fn consented(&self, page: &str, pairs: &[(&str, &str)]) -> Pairs {
        read_back(&self.redirected(page, pairs).await)
    }

    pub async fn form(&self, path: &str, pairs: &[(&str, &str)]) -> (u16, Value) {
        read(self.client.post(format!("{}{path}", self.sandbox.url())).form(pairs).send().await.unwrap()).await
    }

    /// Sends a request with a token in the header.
    pub async fn request(&self, token: &str, path: &str) -> (u16, Value) {
        let request = self.client.get(format!("{}{path}", self.sandbox.url())).bearer_auth(token);
        read(request.send().await.unwrap()).await
    }

    pub fn pass(&self, seconds: u64) {
        self.sandbox.world().advance(std::time::Duration::from_secs(seconds));
    }
}

pub fn read_back(location: &str) -> Pairs {
    let url = url::Url::parse(location).unwrap();
    url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

/// The text under a key.
pub fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_else(|| panic!("no {key} in {value}")).to_owned()
}

pub const DAY: u64 = 86_400;
