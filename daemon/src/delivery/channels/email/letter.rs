//! The message as mail servers and clients read it: headers, plain text, HTML.

use std::time::{Duration, SystemTime};

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use sha2::{Digest, Sha256};

use super::connection::Letter;
use super::template::Text;
use crate::delivery::channels::{Message, MessageKind};

/// Makes the letter to one recipient.
///
/// # Errors
/// When an address cannot be written, which the config's check excludes.
pub fn letter(message: &Message, text: Text, from: &Mailbox, to: &Mailbox) -> Result<Letter, lettre::error::Error> {
    let domain = from.email.domain();
    let mut builder = lettre::Message::builder()
        .from(from.clone())
        .to(to.clone())
        .date(SystemTime::UNIX_EPOCH + Duration::from_millis(message.at.0.max(0) as u64))
        .message_id(Some(format!("<{}.{}@{domain}>", message.id, of_recipient(to))))
        // RFC 3834: it causes no out-of-office message.
        .raw_header(raw("Auto-Submitted", "auto-generated"))
        .subject(text.subject);
    if let ([alert], false) = (&message.alerts[..], message.kind == MessageKind::Digest) {
        // Mail clients show what has the same reference together: an alert, and its end.
        builder = builder.references(format!("<alert-{}@{domain}>", alert.id));
    }
    if text.is_critical {
        builder = builder.raw_header(raw("Importance", "high")).raw_header(raw("X-Priority", "1"));
    }
    let letter = builder.multipart(MultiPart::alternative_plain_html(text.plain, text.html))?;
    Ok(Letter { from: from.email.clone(), to: to.email.clone(), content: letter.formatted() })
}

/// What differs between the letters of a message: a mail server may hold two of one id to be the same.
fn of_recipient(to: &Mailbox) -> String {
    let hash = Sha256::digest(to.email.to_string().to_lowercase());
    data_encoding::BASE32_NOPAD.encode(&hash[..5]).to_lowercase()
}

fn raw(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}
