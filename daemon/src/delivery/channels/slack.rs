//! Slack's incoming webhooks.
//!
//! Read 2026-11-21: docs.slack.dev (rate limits, blocks) and the errors in the changelog of 2016-05-17. One message a second.
//! Errors are words in plain text, and the word counts more than the status. Slack returns no id of a message and knows no
//! repetition: one that may have arrived can arrive twice, so the alert's id is in the text.

use bytes::Bytes;
use futures::future::BoxFuture;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};

use super::endpoint::{Endpoint, Reply};
use super::section::{Problem, Section};
use super::{Channel, Message, SendError};
use crate::delivery::text;

/// The longest title of a header block.
const TITLE_CHARACTERS: usize = 150;
/// The longest text of a section block; they may have 3,000.
const SECTION_BYTES: usize = 2_900;
/// The longest text of all blocks: about 13,200 are refused.
const MESSAGE_BYTES: usize = 10_000;
/// The most sections; a message may have 50 blocks.
const MOST_SECTIONS: usize = 40;

/// Words that say that the address is gone, or not for us any more.
const GONE: [&str; 10] = [
    "no_service",
    "no_service_id",
    "no_active_hooks",
    "channel_not_found",
    "channel_is_archived",
    "invalid_token",
    "action_prohibited",
    "posting_to_general_channel_denied",
    "team_disabled",
    "no_team",
];
/// Words that say that Slack does not understand the message: it never will.
const WRONG: [&str; 7] = [
    "invalid_payload",
    "no_text",
    "user_not_found",
    "invalid_blocks",
    "invalid_blocks_format",
    "too_many_attachments",
    "msg_blocks_too_long",
];

struct Slack(Endpoint);

/// The channel of a section.
///
/// # Errors
/// When its address is missing or wrong.
pub fn make(section: &Section<'_>) -> Result<Vec<Box<dyn Channel>>, Problem> {
    Ok(vec![Box::new(Slack(Endpoint::of(section)?))])
}

impl Channel for Slack {
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<String, SendError>> {
        Box::pin(async move {
            let json = HeaderValue::from_static("application/json; charset=utf-8");
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, json)]);
            let reply = self.0.post(headers, Bytes::from(body(message).to_string()), message.at).await?;
            if reply.is_taken() { Ok(reply.receipt()) } else { Err(refused(&reply)) }
        })
    }
}

/// The message as Slack has it: a text for notifications, and blocks.
fn body(message: &Message) -> Value {
    let (title, lines) = (text::title(message), text::lines(message));
    let escaped: Vec<String> = lines.iter().map(|line| escape(line)).collect();
    let (fitting, left_out) = text::fitting(&escaped[..escaped.len().min(MOST_SECTIONS)], MESSAGE_BYTES, str::len);
    let left_out = left_out + escaped.len().saturating_sub(MOST_SECTIONS);
    let short: String = title.chars().take(TITLE_CHARACTERS).collect();
    let header = json!({"type": "header", "text": {"type": "plain_text", "text": short, "emoji": false}});
    let mut blocks = vec![header];
    blocks.extend(fitting.iter().map(|line| {
        let text = &line[..line.floor_char_boundary(SECTION_BYTES)];
        json!({"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": true}})
    }));
    let more = (left_out > 0).then(|| format!("and {left_out} more: `roster alerts` lists them"));
    if let Some(context) = more.or_else(|| text::context(message)) {
        blocks.push(json!({"type": "context", "elements": [{"type": "mrkdwn", "text": escape(&context)}]}));
    }
    let first = fitting.first().map(String::as_str).unwrap_or_default();
    json!({
        "text": format!("{}: {first}", escape(&title)),
        "blocks": blocks,
        "unfurl_links": false,
        "unfurl_media": false,
    })
}

/// A text in which nothing is a link, a user or a mention.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn refused(reply: &Reply) -> SendError {
    let word = reply.text();
    if GONE.contains(&word.as_str()) {
        return SendError::Refused { why: format!("Slack says {word}: make a new webhook"), disables: true };
    }
    if WRONG.contains(&word.as_str()) {
        return SendError::Refused { why: format!("Slack says {word}"), disables: false };
    }
    reply.refused()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use roster_protocol::alert::Severity;

    use super::super::MessageKind;
    use super::super::testing::sent;
    use super::*;
    use crate::delivery::samples::{alert, message};
    use crate::http_client::test_server::Reply as Response;

    #[tokio::test]
    async fn a_message_has_blocks_and_nothing_in_it_is_a_mention() {
        let opened = message(MessageKind::Opened, vec![alert(1, Severity::Warning)]);
        let (result, request) = sent(make, "", &opened, Response::Headers(200, vec![], "ok".to_owned())).await;
        assert_eq!(result, Ok("200 ok".to_owned()));
        let body: Value = serde_json::from_slice(&request.body).expect("JSON");
        assert_eq!(
            body,
            json!({
                "text": "Mara &lt;b&gt;&amp;Co · youtube: followers fell 15.8 % &lt;!channel&gt; @everyone 1",
                "blocks": [
                    {"type": "header", "text": {"type": "plain_text", "text": "Mara <b>&Co · youtube", "emoji": false}},
                    {"type": "section", "text": {
                        "type": "mrkdwn", "text": "followers fell 15.8 % &lt;!channel&gt; @everyone 1", "verbatim": true,
                    }},
                    {"type": "context", "elements": [
                        {"type": "mrkdwn", "text": "big-drop · warning · alert aeaqcaib"},
                    ]},
                ],
                "unfurl_links": false,
                "unfurl_media": false,
            })
        );
    }

    #[test]
    fn a_digest_of_many_stays_within_the_limits() {
        let many = (0..200).map(|number| alert(number, Severity::Info)).collect();
        let body = body(&message(MessageKind::Digest, many));
        let blocks = body["blocks"].as_array().expect("blocks");
        assert_eq!(blocks.len(), 42);
        assert_eq!(blocks[41]["elements"][0]["text"], "and 160 more: `roster alerts` lists them");
        assert!(body.to_string().len() < 13_000, "{}", body.to_string().len());
    }

    #[tokio::test]
    async fn the_word_decides_and_then_the_status() {
        let check = async |status: u16, text: &str, expected: SendError| {
            let headers = if status == 429 { vec![("retry-after", "30".to_owned())] } else { vec![] };
            let response = Response::Headers(status, headers, text.to_owned());
            let (result, _) = sent(make, "", &message(MessageKind::Test, vec![]), response).await;
            assert_eq!(result, Err(expected), "{status} {text}");
        };
        let gone =
            |word: &str| SendError::Refused { why: format!("Slack says {word}: make a new webhook"), disables: true };
        let later = |status: u16, after: Option<u64>| SendError::Later {
            why: format!("the receiver responded with status {status}"),
            after: after.map(Duration::from_secs),
        };
        check(404, "no_service", gone("no_service")).await;
        check(403, "invalid_token", gone("invalid_token")).await;
        check(410, "channel_is_archived", gone("channel_is_archived")).await;
        let wrong = SendError::Refused { why: "Slack says invalid_blocks".to_owned(), disables: false };
        check(400, "invalid_blocks", wrong).await;
        check(429, "rate_limited", later(429, Some(30))).await;
        check(500, "rollup_error", later(500, None)).await;
        check(503, "<html>no</html>", later(503, None)).await;
        let redirect = "the receiver responded with status 302: a redirect, which is not followed; \
                        write the address that it leads to";
        check(302, "", SendError::Later { why: redirect.to_owned(), after: None }).await;
    }
}
