//! Signed requests to an endpoint of the user's own, as Standard Webhooks 1.0.0 specifies them (read 2026-11-21).
//!
//! What is signed is `{id}.{timestamp}.{body}` with HMAC-SHA256. The id is the same on every attempt, the timestamp is that of
//! the attempt. Only a status of 2xx takes a message; 410 says that the endpoint is gone.

use bytes::Bytes;
use data_encoding::BASE64;
use futures::future::BoxFuture;
use hmac::{Hmac, KeyInit, Mac};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use roster_protocol::json;
use serde::Serialize;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::endpoint::Endpoint;
use super::section::{Problem, Section};
use super::{Channel, Message, MessageKind, SendError};

/// What secrets begin with.
const PREFIX: &str = "whsec_";
/// How long a secret may be, in bytes.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

struct Webhook {
    endpoint: Endpoint,
    secret: Zeroizing<Vec<u8>>,
}

/// What is sent.
#[derive(Serialize)]
struct Body<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: String,
    /// `None` for a test.
    data: Option<json::Alert>,
}

/// The channel of a section.
///
/// # Errors
/// When its address or its secret is missing or wrong.
pub fn make(section: &Section<'_>) -> Result<Vec<Box<dyn Channel>>, Problem> {
    let Some(secret) = section.secret("secret")? else {
        let missing = "is missing: a file with the secret that signs, whsec_ and 24 to 64 random bytes in base64";
        return Err(section.problem("secret_file", missing));
    };
    let encoded = secret.expose().strip_prefix(PREFIX).and_then(|text| BASE64.decode(text.as_bytes()).ok());
    let secret = encoded.map(Zeroizing::new).filter(|bytes| SECRET_BYTES.contains(&bytes.len()));
    let secret = secret
        .ok_or_else(|| section.problem("secret", "is no signing secret: whsec_ and 24 to 64 random bytes in base64"))?;
    Ok(vec![Box::new(Webhook { endpoint: Endpoint::of(section)?, secret })])
}

impl Channel for Webhook {
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<String, SendError>> {
        Box::pin(async move {
            let body = Body {
                id: &message.id,
                kind: match message.kind {
                    MessageKind::Opened | MessageKind::Digest => "alert.opened",
                    MessageKind::Resolved => "alert.resolved",
                    MessageKind::Group | MessageKind::Grown => "alert.group",
                    MessageKind::Test => "channel.test",
                },
                timestamp: message.at.to_string(),
                data: message.alerts.first().map(json::Alert::from),
            };
            let body = serde_json::to_vec(&body).map_err(|_| unfit("it cannot be written as JSON"))?;
            let headers = self.headers(message, &body).ok_or_else(|| unfit("it cannot be signed"))?;
            let reply = self.endpoint.post(headers, Bytes::from(body), message.at).await?;
            if reply.is_taken() { Ok(reply.receipt()) } else { Err(reply.refused()) }
        })
    }
}

impl Webhook {
    fn headers(&self, message: &Message, body: &[u8]) -> Option<HeaderMap> {
        let timestamp = message.at.0.div_euclid(1000).to_string();
        let mac = Hmac::<Sha256>::new_from_slice(&self.secret).ok()?;
        let mac = [message.id.as_bytes(), b".", timestamp.as_bytes(), b".", body].iter().fold(mac, Mac::chain_update);
        let signature = format!("v1,{}", BASE64.encode(&mac.finalize().into_bytes()));
        let value = |text: &str| HeaderValue::from_str(text).ok();
        Some(HeaderMap::from_iter([
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (HeaderName::from_static("webhook-id"), value(&message.id)?),
            (HeaderName::from_static("webhook-timestamp"), value(&timestamp)?),
            (HeaderName::from_static("webhook-signature"), value(&signature)?),
        ]))
    }
}

fn unfit(what: &str) -> SendError {
    SendError::Refused { why: what.to_owned(), disables: false }
}

#[cfg(test)]
mod tests {
    use roster_protocol::alert::Severity;
    use serde_json::Value;

    use super::super::testing::sent;
    use super::*;
    use crate::delivery::samples::{alert, message};
    use crate::http_client::test_server::Reply as Response;

    /// The vector of the specification.
    const SECRET: &str = "secret = \"whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD\"\n";

    #[test]
    fn what_is_signed_is_what_the_reference_signs() {
        let bytes = BASE64.decode(b"C2FVsBQIhrscChlQIMV+b5sSYspob7oD").expect("base64");
        let http = crate::http_client::HttpClient::new(Default::default()).expect("a client");
        let environment = crate::process::environment::Environment::default();
        let table: toml::Table = toml::from_str("url = \"https://x.example/\"").expect("TOML");
        let section = Section {
            name: "ops",
            table: &table,
            environment: &environment,
            http: &http,
            zone: &jiff::tz::TimeZone::UTC,
            ca_file: None,
        };
        let endpoint = Endpoint::of(&section).expect("an address");
        let webhook = Webhook { endpoint, secret: Zeroizing::new(bytes) };
        let signed =
            Message { id: "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk".to_owned(), ..message(MessageKind::Test, Vec::new()) };
        let body = br#"{"email":"test@example.com","username":"test_user"}"#;
        let headers = webhook.headers(&signed, body).expect("headers");
        assert_eq!(headers["webhook-timestamp"], "1649367553");
        assert_eq!(headers["webhook-signature"], "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=");
    }

    #[tokio::test]
    async fn the_body_has_the_alert_as_scripts_see_it() {
        let check = async |kind: MessageKind, word: &str| {
            let alert = alert(1, Severity::Warning);
            let message = message(kind, vec![alert.clone()]);
            let (result, request) = sent(make, SECRET, &message, Response::Json(202, "taken".to_owned())).await;
            assert_eq!(result, Ok("202 taken".to_owned()));
            assert_eq!(request.headers["webhook-id"], "msg_aeaqcaib");
            let body: Value = serde_json::from_slice(&request.body).expect("JSON");
            assert_eq!((&body["id"], &body["type"]), (&"msg_aeaqcaib".into(), &word.into()));
            assert_eq!(body["timestamp"], "2022-04-07T21:39:13Z");
            assert_eq!(body["data"], serde_json::to_value(json::Alert::from(&alert)).expect("JSON"));
        };
        check(MessageKind::Opened, "alert.opened").await;
        check(MessageKind::Resolved, "alert.resolved").await;
        check(MessageKind::Group, "alert.group").await;
        check(MessageKind::Grown, "alert.group").await;
    }

    #[tokio::test]
    async fn only_an_endpoint_that_is_gone_ends_it() {
        let check = async |status: u16, disables: Option<bool>| {
            let response = Response::Json(status, String::new());
            let (result, _) = sent(make, SECRET, &message(MessageKind::Test, Vec::new()), response).await;
            let ended = match result.expect_err("a refusal") {
                SendError::Refused { disables, .. } => Some(disables),
                SendError::Later { .. } => None,
                unsure => panic!("{unsure:?}"),
            };
            assert_eq!(ended, disables, "{status}");
        };
        check(410, Some(true)).await;
        for status in [301, 400, 401, 404, 422, 429, 500, 503] {
            check(status, None).await;
        }
        let silence = sent(make, SECRET, &message(MessageKind::Test, Vec::new()), Response::Silence).await.0;
        assert!(matches!(silence, Err(SendError::Unsure { .. })), "{silence:?}");
    }
}
