//! Discord's webhooks, by their own form.
//!
//! Read 2026-11-30: the execute-webhook reference and guides to it. `content` has at most 2,000 characters, an embed's title 256
//! and its description 4,096, all embeds together 6,000. About 30 messages a minute; a 429 says in its JSON how many seconds
//! to wait (`retry_after`, with decimals). Unknown and deleted webhooks are 404 with code 10015, wrong tokens 401 with 50027.
//! Without `allowed_mentions` a text could mention everyone.

use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use roster_protocol::alert::Severity;
use serde::Deserialize;
use serde_json::{Value, json};

use super::endpoint::{Endpoint, LONGEST_WAIT, Reply};
use super::section::{Problem, Section};
use super::{Channel, Message, SendError};
use crate::delivery::text;

const TITLE_CHARACTERS: usize = 256;
/// A description may have 4,096; what is escaped grows.
const DESCRIPTION_CHARACTERS: usize = 3_900;

/// What an error says.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Refusal {
    code: Option<u64>,
    retry_after: Option<f64>,
}

const UNKNOWN_WEBHOOK: u64 = 10_015;
const INVALID_TOKEN: u64 = 50_027;

struct Discord(Endpoint);

/// The channel of a section.
///
/// # Errors
/// When its address is missing or wrong.
pub fn make(section: &Section<'_>) -> Result<Vec<Box<dyn Channel>>, Problem> {
    Ok(vec![Box::new(Discord(Endpoint::of(section)?))])
}

impl Channel for Discord {
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<String, SendError>> {
        Box::pin(async move {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
            let reply = self.0.post(headers, Bytes::from(body(message).to_string()), message.at).await?;
            if reply.is_taken() { Ok(reply.receipt()) } else { Err(refused(&reply)) }
        })
    }
}

fn body(message: &Message) -> Value {
    let lines: Vec<String> = text::lines(message).iter().map(|line| escape(line)).collect();
    let (fitting, left_out) = text::fitting(&lines, DESCRIPTION_CHARACTERS, |line| line.chars().count());
    let mut description = fitting.join("\n");
    if left_out > 0 {
        description.push_str(&format!("\nand {left_out} more"));
    }
    let title: String = escape(&text::title(message)).chars().take(TITLE_CHARACTERS).collect();
    let colour = match text::severity(message) {
        Severity::Info => 0x5b_8d_ef,
        Severity::Warning => 0xe0_a0_30,
        Severity::Critical => 0xd0_40_40,
    };
    let mut embed = json!({"title": title, "description": description, "color": colour});
    if let (Some(context), Some(embed)) = (text::context(message), embed.as_object_mut()) {
        embed.insert("footer".to_owned(), json!({"text": context}));
    }
    json!({"embeds": [embed], "allowed_mentions": {"parse": []}})
}

/// A text in which nothing is markup, a link or a mention.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if "\\*_~`|>#-[]()<:@".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

fn refused(reply: &Reply) -> SendError {
    let said: Refusal = serde_json::from_slice(&reply.body).unwrap_or_default();
    let refused = |why: String, disables: bool| SendError::Refused { why, disables };
    match (reply.status, said.code) {
        (_, Some(code @ (UNKNOWN_WEBHOOK | INVALID_TOKEN))) => {
            refused(format!("Discord says {code}: the webhook is gone, make a new one"), true)
        }
        (429, _) => {
            let wait = said.retry_after.and_then(|wait| Duration::try_from_secs_f64(wait).ok());
            let after = wait.map(|wait| wait.min(LONGEST_WAIT)).or(reply.retry_after);
            SendError::Later { why: "Discord limits this webhook".to_owned(), after }
        }
        (400, code) => refused(format!("Discord does not understand the message (code {})", code.unwrap_or(0)), false),
        _ => reply.refused(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::MessageKind;
    use super::super::testing::sent;
    use super::*;
    use crate::delivery::samples::{alert, message};
    use crate::http_client::test_server::Reply as Response;

    #[tokio::test]
    async fn a_message_is_an_embed_and_mentions_nobody() {
        let opened = message(MessageKind::Opened, vec![alert(1, Severity::Critical)]);
        let (result, request) = sent(make, "", &opened, Response::Headers(204, vec![], String::new())).await;
        assert_eq!(result, Ok("204".to_owned()));
        let body: Value = serde_json::from_slice(&request.body).expect("JSON");
        let embed = json!({
            "title": "Mara \\<b\\>&Co · youtube",
            "description": "followers fell 15.8 % \\<!channel\\> \\@everyone 1",
            "color": 13_647_936,
            "footer": {"text": "big-drop · critical · alert aeaqcaib"},
        });
        assert_eq!(body, json!({"embeds": [embed], "allowed_mentions": {"parse": []}}));
    }

    #[test]
    fn a_digest_of_many_stays_within_the_limits() {
        let many = (0..200).map(|number| alert(number, Severity::Info)).collect();
        let body = body(&message(MessageKind::Digest, many));
        let description = body["embeds"][0]["description"].as_str().expect("a text");
        assert!(description.chars().count() <= 4_096 && description.contains("\nand 1"), "{description}");
    }

    #[tokio::test]
    async fn errors_are_read() {
        let check = async |status: u16, text: &str, expected: SendError| {
            let response = Response::Json(status, text.to_owned());
            let (result, _) = sent(make, "", &message(MessageKind::Test, vec![]), response).await;
            assert_eq!(result, Err(expected), "{status} {text}");
        };
        let limited = |after| SendError::Later { why: "Discord limits this webhook".to_owned(), after };
        let wait = Some(Duration::from_millis(1_250));
        check(429, r#"{"message":"slow","retry_after":1.25,"global":false}"#, limited(wait)).await;
        check(429, r#"{"retry_after":1e99}"#, limited(None)).await;
        check(429, r#"{"retry_after":-1}"#, limited(None)).await;
        let gone = |code: u64| SendError::Refused {
            why: format!("Discord says {code}: the webhook is gone, make a new one"),
            disables: true,
        };
        check(404, r#"{"message":"Unknown Webhook","code":10015}"#, gone(10_015)).await;
        check(401, r#"{"code":50027}"#, gone(50_027)).await;
        let wrong = "Discord does not understand the message (code 50035)".to_owned();
        check(400, r#"{"code":50035}"#, SendError::Refused { why: wrong, disables: false }).await;
        let later = SendError::Later { why: "the receiver responded with status 502".to_owned(), after: None };
        check(502, "<html>", later).await;
    }
}
