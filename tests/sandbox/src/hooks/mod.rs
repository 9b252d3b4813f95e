//! What a platform sends to an app: notifications, and requests of owners who removed the app, signed as the platform
//! signs them.

mod send;
mod subscriptions;

use std::time::Duration;

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use sha1::Sha1;
use sha2::Sha256;

use crate::Platform;
use crate::platforms::{app_scoped_id, channel_topic, person_id};
use crate::world::World;
use crate::world::account::Account;
pub use subscriptions::{Subscription, Subscriptions};

/// What happened at the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HookKind {
    /// Something about the account changed.
    Changed,
    /// Its owner removed the app; the consent is over from then on.
    Removed,
    /// Its owner removed the app and wants the data deleted; Meta only.
    Deletion,
}

/// A request that a platform sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// `/webhooks/{platform}…`
    pub path: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

/// What to send, where to, and how often.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HookOrder {
    pub platform: Platform,
    pub handle: String,
    pub kind: HookKind,
    /// `http://127.0.0.1:8787`, with the path of a proxy where there is one.
    pub to: String,
    /// How many, each about something else.
    #[serde(default = "once")]
    pub count: u64,
    /// How long ago the platform signed it.
    #[serde(default)]
    pub age_seconds: u64,
    /// Whether it is signed with another secret.
    #[serde(default)]
    pub is_forged: bool,
}

fn once() -> u64 {
    1
}

impl HookOrder {
    /// One that is genuine and fresh.
    pub fn new(platform: Platform, handle: &str, kind: HookKind, to: &str) -> Self {
        let (handle, to) = (handle.to_owned(), to.to_owned());
        Self { platform, handle, kind, to, count: 1, age_seconds: 0, is_forged: false }
    }
}

impl World {
    /// The requests that an order stands for, not yet sent.
    ///
    /// # Errors
    /// No such account, no consent of its owner, or nothing that the platform sends.
    pub fn hooks(&self, order: &HookOrder) -> Result<Vec<Hook>, String> {
        let HookOrder { platform, handle, kind, .. } = order;
        let account = self.account(*platform, handle).ok_or_else(|| format!("no {platform} account {handle}"))?;
        let secret = if order.is_forged { "another-secret".to_owned() } else { platform.client_secret() };
        let at = self.clock.shown().saturating_sub(Duration::from_secs(order.age_seconds)).unwrap_or(Timestamp::MIN);
        if (*platform, *kind) == (Platform::Youtube, HookKind::Changed) {
            let all = self.subscriptions.to(&channel_topic(&account.id), self.clock.shown());
            let hooks =
                (0..order.count).flat_map(|serial| all.iter().map(move |subscription| (serial, subscription.clone())));
            let forged = order.is_forged.then_some("another-secret");
            return Ok(hooks
                .map(|(serial, to)| published(&account, &to, forged.unwrap_or(&to.secret), at, serial))
                .collect());
        }
        let make = |serial: u64| match (platform, kind) {
            (Platform::Facebook | Platform::Instagram, HookKind::Changed) => {
                Ok(meta_notification(&account, &secret, at, serial))
            }
            (Platform::Facebook | Platform::Instagram, _) => {
                let owner = self.owner_of(&account).ok_or("its owner has given no consent")?;
                let path = if *kind == HookKind::Deletion { "/deletion" } else { "/deauthorize" };
                Ok(signed_request(*platform, path, &owner, &secret, at))
            }
            (Platform::Tiktok, HookKind::Changed) => Ok(tiktok_notification(&account, &secret, at, serial, None)),
            (Platform::Tiktok, HookKind::Removed) => Ok(tiktok_notification(&account, &secret, at, serial, Some(1))),
            _ => Err(format!("{platform} sends no such thing")),
        };
        let hooks = (0..order.count).map(make).collect();
        if *kind != HookKind::Changed {
            self.revoke(&account);
        }
        hooks
    }

    /// Sends what an order stands for, and returns each response: its status and body.
    ///
    /// # Errors
    /// As [`World::hooks`], or no client of HTTP listens there.
    pub async fn send_hooks(&self, order: &HookOrder) -> Result<Vec<(u16, String)>, String> {
        let mut responses = Vec::new();
        for hook in self.hooks(order)? {
            responses.push(hook.send(&order.to).await.map_err(|error| error.to_string())?);
        }
        Ok(responses)
    }

    /// Requests each callback that the hub was asked to send to, and returns the status of each response. `to` is where
    /// the app is reached in place of the host of its callback.
    ///
    /// # Errors
    /// No client of HTTP listens there.
    pub async fn verify_subscriptions(&self, to: &str) -> Result<Vec<u16>, String> {
        let mut statuses = Vec::new();
        for asked in self.subscriptions.take_asked() {
            let challenge = crate::grants::secret::random(20);
            let query = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("hub.mode", "subscribe")
                .append_pair("hub.topic", &asked.topic)
                .append_pair("hub.challenge", &challenge)
                .append_pair("hub.lease_seconds", &asked.lasts.as_secs().to_string())
                .finish();
            let path = format!("{}?{query}", path_of(&asked.callback));
            let (status, body) = send::request(http::Method::GET, to, &path, &[], String::new())
                .await
                .map_err(|error| error.to_string())?;
            if status == 200 && body == challenge {
                let ends_at = self.clock.shown().saturating_add(asked.lasts).unwrap_or(Timestamp::MAX);
                self.subscriptions.confirm(Subscription { ends_at: Some(ends_at), ..asked });
            }
            statuses.push(status);
        }
        Ok(statuses)
    }

    /// The id under which an app knows an account's owner.
    fn owner_of(&self, account: &Account) -> Option<String> {
        let all = self.grants();
        let grant = all.iter().rev().find(|grant| grant.opens(account.platform, &account.id))?;
        Some(match grant.door {
            crate::Door::Instagram => app_scoped_id(account),
            _ => person_id(grant),
        })
    }
}

/// Meta's notifications.
fn meta_notification(account: &Account, secret: &str, at: Timestamp, serial: u64) -> Hook {
    let object = if account.platform == Platform::Facebook { "page" } else { "instagram" };
    let changes = json!([{"field": "comments", "value": {"id": serial.to_string(), "text": "f\u{fc}r dich"}}]);
    let entry = json!({"id": account.id, "time": at.as_second(), "changes": changes});
    // Meta escapes what is not ASCII, and signs that.
    let body = json!({"object": object, "entry": [entry]}).to_string().replace('\u{fc}', "\\u00fc");
    let signature = format!("sha256={}", HEXLOWER.encode(&mac(secret, &[&body])));
    let headers = vec![("content-type", "application/json".to_owned()), ("x-hub-signature-256", signature)];
    Hook { path: format!("/webhooks/{}", account.platform), headers, body }
}

/// Meta's form of an owner's request.
fn signed_request(platform: Platform, path: &str, owner: &str, secret: &str, at: Timestamp) -> Hook {
    let issued = at.as_second();
    let payload = json!({"user_id": owner, "algorithm": "HMAC-SHA256", "issued_at": issued, "expires": issued + 3600})
        .to_string();
    let payload = BASE64URL_NOPAD.encode(payload.as_bytes());
    let body = format!("signed_request={}.{payload}", BASE64URL_NOPAD.encode(&mac(secret, &[&payload])));
    let headers = vec![("content-type", "application/x-www-form-urlencoded".to_owned())];
    Hook { path: format!("/webhooks/{platform}{path}"), headers, body }
}

/// The path of an address.
fn path_of(address: &str) -> String {
    url::Url::parse(address).map_or_else(|_| "/".to_owned(), |url| url.path().to_owned())
}

/// The hub's notifications: a channel has published a video.
fn published(account: &Account, to: &Subscription, secret: &str, at: Timestamp, serial: u64) -> Hook {
    let channel = &account.id;
    let body = format!(
        "<?xml version='1.0' encoding='UTF-8'?>\n<feed xmlns:yt=\"http://www.youtube.com/xml/schemas/2015\" \
         xmlns=\"http://www.w3.org/2005/Atom\"><link rel=\"hub\" href=\"https://pubsubhubbub.appspot.com\"/>\
         <link rel=\"self\" href=\"{}\"/><entry><id>yt:video:v{serial}</id><yt:videoId>v{serial}</yt:videoId>\
         <yt:channelId>{channel}</yt:channelId><title>v{serial}</title><published>{at}</published>\
         <updated>{at}</updated></entry></feed>",
        to.topic
    );
    let mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    let signature = HEXLOWER.encode(&mac.chain_update(&body).finalize().into_bytes());
    let headers =
        vec![("content-type", "application/atom+xml".to_owned()), ("x-hub-signature", format!("sha1={signature}"))];
    Hook { path: path_of(&to.callback), headers, body }
}

/// TikTok's notifications: that a post is published, or why an authorization was removed.
fn tiktok_notification(account: &Account, secret: &str, at: Timestamp, serial: u64, removal: Option<u32>) -> Hook {
    let (event, content) = match removal {
        Some(reason) => ("authorization.removed", json!({"reason": reason}).to_string()),
        None => ("video.publish.completed", json!({"share_id": serial.to_string()}).to_string()),
    };
    let (key, at) = (account.platform.client_id(), at.as_second());
    let body =
        json!({"client_key": key, "event": event, "create_time": at, "user_openid": account.id, "content": content});
    let body = body.to_string();
    let signature = HEXLOWER.encode(&mac(secret, &[&at.to_string(), ".", &body]));
    let headers =
        vec![("content-type", "application/json".to_owned()), ("tiktok-signature", format!("t={at},s={signature}"))];
    Hook { path: format!("/webhooks/{}", account.platform), headers, body }
}

fn mac(secret: &str, parts: &[&str]) -> Vec<u8> {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    parts.iter().fold(mac, |mac, part| mac.chain_update(part)).finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_the_platforms() {
        let meta = HEXLOWER.encode(&mac("app-secret", &[r#"{"object":"page","entry":[]}"#]));
        assert_eq!(meta, "e6e9d7a842a48e17f43a34d6125d0d933e2aab92ee37f0993a4d493b50e3d438");
        let payload = "eyJ1c2VyX2lkIjoiMjE4NDcxIiwiYWxnb3JpdGhtIjoiSE1BQy1TSEEyNTYiLCJpc3N1ZWRfYXQiOjEyOTE4MzY4MDAsImV4\
                       cGlyZXMiOjEyOTE4NDA0MDB9";
        let signed = BASE64URL_NOPAD.encode(&mac("app-secret", &[payload]));
        assert_eq!(signed, "e4ceQm-XcbCvHuoHVaktFcsK2TKIC36fHF0Ymk8sF3c");
    }
}
