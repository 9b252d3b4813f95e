//! Push notifications in the form of ntfy: a plain POST of the text, with title and priority as headers.
//!
//! Read 2026-11-30: docs.ntfy.sh/publish. A message has at most 4,096 bytes; priorities are 1 to 5. Header values are ASCII, and
//! a title in other letters is encoded by RFC 2047, which ntfy reads since 2.4.0.

use bytes::Bytes;
use data_encoding::BASE64;
use futures::future::BoxFuture;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use roster_protocol::alert::Severity;

use super::endpoint::Endpoint;
use super::section::{Problem, Section};
use super::{Channel, Message, SendError};
use crate::delivery::text;

/// The longest text; longer ones become an attachment.
const MOST_BYTES: usize = 4_000;
/// The longest word of an encoded header: 75 characters with what is around it.
const WORD_BYTES: usize = 42;

struct Push {
    endpoint: Endpoint,
    authorization: Option<HeaderValue>,
}

/// The channel of a section.
///
/// # Errors
/// When its address is missing or wrong, or its token can be in no header.
pub fn make(section: &Section<'_>) -> Result<Vec<Box<dyn Channel>>, Problem> {
    let authorization = section.secret("token")?.map(|token| {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose()))
            .map_err(|_| section.problem("token", "has letters that no token has"))?;
        value.set_sensitive(true);
        Ok(value)
    });
    Ok(vec![Box::new(Push { endpoint: Endpoint::of(section)?, authorization: authorization.transpose()? })])
}

impl Channel for Push {
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<String, SendError>> {
        Box::pin(async move {
            let priority = match text::severity(message) {
                Severity::Info => "3",
                Severity::Warning => "4",
                Severity::Critical => "5",
            };
            let mut headers = HeaderMap::from_iter([
                (CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8")),
                (HeaderName::from_static("priority"), HeaderValue::from_static(priority)),
            ]);
            // A receiver that knows it drops a repetition by it; ntfy ignores it.
            headers.extend(HeaderValue::from_str(&message.id).map(|id| (HeaderName::from_static("x-message-id"), id)));
            let title = HeaderValue::from_str(&encoded(&text::title(message)));
            headers.extend(title.map(|title| (HeaderName::from_static("title"), title)));
            headers.extend(self.authorization.clone().map(|value| (AUTHORIZATION, value)));
            let reply = self.endpoint.post(headers, Bytes::from(body(message)), message.at).await?;
            if reply.is_taken() { Ok(reply.receipt()) } else { Err(reply.refused()) }
        })
    }
}

fn body(message: &Message) -> String {
    let lines = text::lines(message);
    let (fitting, left_out) = text::fitting(&lines, MOST_BYTES, str::len);
    let more = (left_out > 0).then(|| format!("\nand {left_out} more"));
    fitting.join("\n") + more.as_deref().unwrap_or_default()
}

/// A text as a header may have it: itself when it is printed ASCII, or else words of RFC 2047.
fn encoded(text: &str) -> String {
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~')) && !text.contains("=?");
    if is_plain {
        return text.to_owned();
    }
    let mut words = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (word, after) = rest.split_at(rest.floor_char_boundary(WORD_BYTES));
        words.push(format!("=?utf-8?B?{}?=", BASE64.encode(word.as_bytes())));
        rest = after;
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::MessageKind;
    use super::super::testing::sent;
    use super::*;
    use crate::delivery::samples::{alert, message};
    use crate::http_client::test_server::Reply as Response;

    #[tokio::test]
    async fn the_text_is_the_body_and_the_rest_is_in_headers() {
        let opened = message(MessageKind::Opened, vec![alert(1, Severity::Critical)]);
        let section = "token = \"tk_hidden\"\n";
        let (result, request) = sent(make, section, &opened, Response::Json(200, "{}".to_owned())).await;
        assert_eq!(result, Ok("200 {}".to_owned()));
        assert_eq!(request.body, "followers fell 15.8 % <!channel> @everyone 1");
        // "Mara <b>&Co · youtube" by a base64 of one's own.
        assert_eq!(request.headers["title"], "=?utf-8?B?TWFyYSA8Yj4mQ28gwrcgeW91dHViZQ==?=");
        assert_eq!(
            (&request.headers["priority"], &request.headers["authorization"]),
            (&HeaderValue::from_static("5"), &HeaderValue::from_static("Bearer tk_hidden"))
        );
    }

    #[test]
    fn a_header_is_ascii_whatever_the_title_is() {
        assert_eq!(encoded("Mara"), "Mara");
        assert_eq!(encoded("=?x"), "=?utf-8?B?PT94?=");
        let long = "Ψ".repeat(60);
        let header = encoded(&long);
        assert!(header.is_ascii() && header.split(' ').all(|word| word.len() <= 75), "{header}");
        let words = header.split(' ').map(|word| &word["=?utf-8?B?".len()..word.len() - 2]);
        let bytes: Vec<u8> = words.flat_map(|word| BASE64.decode(word.as_bytes()).expect("base64")).collect();
        assert_eq!(String::from_utf8(bytes).expect("whole characters"), long);
    }

    #[test]
    fn a_long_text_is_cut_by_lines() {
        let many = (0..200).map(|number| alert(number, Severity::Info)).collect();
        let body = body(&message(MessageKind::Digest, many));
        assert!(body.len() <= 4_096 && body.contains("\nand "), "{}", body.len());
    }
}
