//! What a mail server's refusal means for the message, by the step at which it was refused.
//!
//! Codes decide, texts never do (RFC 5321, section 4.2.1). Nothing is delivered before the server has the content, so
//! only an exchange that ends after that is unsure.

use std::error::Error;
use std::io;

use lettre::transport::smtp;
use roster_protocol::text::clean;

use crate::delivery::channels::SendError;

/// The longest part of a server's text in an error.
const TEXT_CHARACTERS: usize = 160;

/// A step of an exchange with a mail server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Name, connection, greeting.
    Connect,
    /// The handshake.
    Encrypt,
    Login,
    /// Sender, recipient, and the permission to send the content.
    Envelope,
    Content,
}

/// Why a step failed, in words that hold no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// The code of the server's response; `None` when there was none.
    pub code: Option<u16>,
    pub text: String,
}

impl Cause {
    /// The server did not respond in time.
    pub fn timeout() -> Self {
        Self { code: None, text: "it did not respond in time".to_owned() }
    }

    /// What is missing at the server.
    pub fn lacks(what: &str) -> Self {
        Self { code: None, text: what.to_owned() }
    }
}

impl From<smtp::Error> for Cause {
    fn from(error: smtp::Error) -> Self {
        let code = error.status().map(u16::from);
        let innermost = causes(&error).last().map(|cause| harmless(&cause.to_string())).unwrap_or_default();
        let text = if is_tls(&error) { format!("{NOT_TRUSTED} ({innermost})") } else { innermost };
        Self { code, text }
    }
}

const NOT_TRUSTED: &str =
    "its certificate is not trusted here, or is of another server; [network] ca_file may hold its authority";

/// Whether it is the handshake that failed, which may be a part of connecting.
pub fn is_tls(error: &smtp::Error) -> bool {
    error.is_tls() || causes(error).any(|cause| cause.is::<rustls::Error>())
}

/// What caused an error, the innermost last. The server's text is the only cause of a refusal.
fn causes<'a>(error: &'a smtp::Error) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(error.source(), |cause: &&'a (dyn Error + 'static)| {
        // The error that such a one is made of is not its source.
        let made_of = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        made_of.map_or_else(|| (*cause).source(), |inner| Some(inner as &(dyn Error + 'static)))
    })
}

/// A server's text without links and addresses, which would be a way out of an alert list into elsewhere.
pub fn harmless(text: &str) -> String {
    let words = text.split_whitespace().filter(|word| !word.contains("://") && !word.contains('@'));
    clean(&words.collect::<Vec<_>>().join(" "), TEXT_CHARACTERS)
}

/// What becomes of the message.
pub fn what_follows(step: Step, cause: &Cause) -> SendError {
    let said = match (cause.code, cause.text.as_str()) {
        (Some(code), "") => code.to_string(),
        (Some(code), text) => format!("{code} {text}"),
        (None, text) => text.to_owned(),
    };
    let later = |what: &str| SendError::Later { why: format!("{what}: {said}"), after: None };
    let refused = |why: String| SendError::Refused { why, disables: false };
    match (step, cause.code) {
        // A greeting with 5xx is about the connection, not about a message: Postfix tries again, too.
        (Step::Connect, _) => later("the mail server cannot be reached"),
        (Step::Encrypt, _) => later("no encrypted connection to the mail server"),
        (Step::Login, Some(400..500)) => later("the mail server takes no login at present"),
        // What the server says of a login may repeat it.
        (Step::Login, Some(code)) => refused(format!("the mail server refused the login ({code}): {CORRECT_LOGIN}")),
        (Step::Login, None) => later("the login at the mail server was interrupted"),
        (Step::Envelope | Step::Content, Some(530)) => {
            refused(format!("the mail server wants a login (530): {CORRECT_LOGIN}"))
        }
        (Step::Envelope | Step::Content, Some(code @ (534 | 535))) => {
            refused(format!("the mail server refused the login ({code}): {CORRECT_LOGIN}"))
        }
        (Step::Envelope | Step::Content, Some(500..)) => refused(format!("the mail server refused it: {said}")),
        (Step::Envelope | Step::Content, Some(_)) => later("the mail server does not take it at present"),
        (Step::Envelope, None) => later("the mail server took nothing"),
        (Step::Content, None) => SendError::Unsure { why: format!("the mail server did not confirm it: {said}") },
    }
}

const CORRECT_LOGIN: &str = "correct username and password_file of the channel";

#[cfg(test)]
mod tests {
    use super::*;

    fn follows(step: Step, code: Option<u16>, text: &str) -> SendError {
        what_follows(step, &Cause { code, text: text.to_owned() })
    }

    #[test]
    fn a_refusal_is_for_now_or_for_good_by_its_code() {
        let later = |step, code, why: &str| {
            let expected = SendError::Later { why: why.to_owned(), after: None };
            assert_eq!(follows(step, code, "4.7.1 greylisted"), expected);
        };
        later(Step::Envelope, Some(450), "the mail server does not take it at present: 450 4.7.1 greylisted");
        later(Step::Envelope, Some(421), "the mail server does not take it at present: 421 4.7.1 greylisted");
        later(Step::Content, Some(452), "the mail server does not take it at present: 452 4.7.1 greylisted");
        later(Step::Login, Some(454), "the mail server takes no login at present: 454 4.7.1 greylisted");
        later(Step::Connect, Some(554), "the mail server cannot be reached: 554 4.7.1 greylisted");
        later(Step::Encrypt, Some(454), "no encrypted connection to the mail server: 454 4.7.1 greylisted");
        let refused = |step, code, part: &str| match follows(step, Some(code), "5.1.1 no such user") {
            SendError::Refused { why, disables: false } => assert!(why.contains(part), "{why}"),
            other => panic!("{other:?}"),
        };
        for code in [550, 551, 552, 553, 554] {
            refused(Step::Envelope, code, &format!("refused it: {code} 5.1.1 no such user"));
            refused(Step::Content, code, &format!("refused it: {code} 5.1.1 no such user"));
        }
    }

    #[test]
    fn a_login_that_is_refused_says_so_without_the_servers_text() {
        for (step, code) in [
            (Step::Login, 535),
            (Step::Login, 534),
            (Step::Login, 530),
            (Step::Login, 550),
            (Step::Envelope, 535),
            (Step::Envelope, 530),
        ] {
            match follows(step, Some(code), "your password hunter2 is wrong") {
                SendError::Refused { why, disables: false } => {
                    assert!(
                        why.contains("login") && why.contains("password_file") && !why.contains("hunter2"),
                        "{why}"
                    );
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn only_what_ends_after_the_content_is_unsure() {
        let timeout = Cause::timeout();
        for step in [Step::Connect, Step::Encrypt, Step::Login, Step::Envelope] {
            assert!(matches!(what_follows(step, &timeout), SendError::Later { .. }), "{step:?}");
        }
        let unsure = what_follows(Step::Content, &timeout);
        let why = "the mail server did not confirm it: it did not respond in time".to_owned();
        assert_eq!(unsure, SendError::Unsure { why });
    }

    #[test]
    fn a_servers_text_leads_nowhere() {
        let text = "5.7.8 see https://evil.example/?p=1 or mail\r\n ana@evil.example \u{1b}[31mnow";
        assert_eq!(harmless(text), "5.7.8 see or mail [31mnow");
        assert!(harmless(&"x".repeat(5000)).len() <= TEXT_CHARACTERS);
    }
}
