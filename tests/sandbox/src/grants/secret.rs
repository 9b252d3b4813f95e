//! One secret: what it is good for, how long, and how it is made up.

use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;

use super::{Grant, SecretProblem};

/// What a secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretKind {
    /// Good for one exchange.
    Code {
        /// The exchange must name the same.
        redirect_uri: String,
        /// PKCE's, as it was sent.
        challenge: Option<String>,
        /// Whether the exchange returns a refresh token.
        with_refresh: bool,
    },
    Access {
        /// Meta: exchanged for one that lives longer.
        long: bool,
    },
    /// Meta: derived from a person's token for one Page.
    Page {
        id: String,
        long: bool,
    },
    Refresh,
}

/// What is known of a secret besides its text.
#[derive(Clone, Debug)]
pub struct Secret {
    pub kind: SecretKind,
    pub grant: usize,
    pub given_at: Timestamp,
    /// `None` = it never expires.
    pub expires_at: Option<Timestamp>,
    pub is_spent: bool,
}

/// A secret that was presented, with its grant as it was then.
#[derive(Clone, Debug)]
pub struct Held {
    pub text: String,
    pub secret: Secret,
    pub grant: Grant,
}

impl Secret {
    pub fn new(kind: SecretKind, grant: &Grant, now: Timestamp, lives: Option<std::time::Duration>) -> Secret {
        let expires_at = lives.map(|lives| now.saturating_add(lives).unwrap_or(Timestamp::MAX));
        Secret { kind, grant: grant.number, given_at: now, expires_at, is_spent: false }
    }

    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    /// Seconds until it expires, for the response that hands it out.
    pub fn lives_seconds(&self, now: Timestamp) -> Option<i64> {
        self.expires_at.map(|end| end.as_second() - now.as_second())
    }
}

impl Held {
    /// Whether it is good for what it is.
    pub fn check(&self, now: Timestamp) -> Result<(), SecretProblem> {
        match () {
            () if !self.grant.is_alive => Err(SecretProblem::Revoked),
            () if self.secret.is_expired(now) => Err(SecretProblem::Expired),
            () if self.secret.is_spent => Err(SecretProblem::Spent),
            () => Ok(()),
        }
    }
}

/// Letters, digits, `-` and `_` that cannot be guessed.
pub fn random(length: usize) -> String {
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes).expect("the system has randomness to give");
    let mut text = BASE64URL_NOPAD.encode(&bytes);
    text.truncate(length);
    text
}

/// A text of our own with the form of a secret: its prefix, then chance.
pub fn with_prefix(prefix: &str) -> String {
    format!("{prefix}{}", random(48))
}
