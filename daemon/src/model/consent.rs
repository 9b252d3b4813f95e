//! Consents: those that are being requested, and those that were given.

use roster_protocol::audit::Who;
use roster_protocol::ids::{ConnectionId, ConsentId, GrantId, InfluencerId};
use roster_protocol::time::{Seconds, Timestamp};

/// A secret as the vault sealed it: safe to store, of no use without the master key and the context it is bound to.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(pub Vec<u8>);

impl Sealed {
    /// The id of the master key that it names, which is behind the byte of its layout; `None` for what is too short.
    pub fn key(&self) -> Option<[u8; 8]> {
        self.0.get(1..9)?.try_into().ok()
    }
}

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "sealed, {} bytes", self.0.len())
    }
}

/// A consent that is being requested. It survives a restart, and is deleted once it is settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    pub id: ConsentId,
    /// Who began it: only they can finish it.
    pub who: Who,
    pub influencer: InfluencerId,
    /// The platform's slug.
    pub platform: String,
    /// The account that it was begun for, canonical.
    pub handle: Option<String>,
    /// Where the provider sends the browser back to; empty for a device code.
    pub redirect_uri: String,
    /// SHA-256 of the state in the URL. The state itself is not stored.
    pub state_hash: [u8; 32],
    pub verifier: Option<Sealed>,
    pub device: Option<Device>,
    pub begun_at: Timestamp,
    pub expires_at: Timestamp,
    pub step: ConsentStep,
}

/// A device code that the daemon polls the provider about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    pub code: Sealed,
    pub interval: Seconds,
}

/// The step that a consent has reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConsentStep {
    /// The owner has not responded yet.
    Waiting,
    /// The callback's code is being exchanged. After a crash the code may be spent, so a user begins again.
    Exchanging,
    /// There is a grant, and its accounts are being listed.
    Listing { grant: GrantId },
    /// There is a grant, and a user must choose which of its accounts to connect.
    Choosing { grant: GrantId, choices: Vec<Choice> },
}

impl ConsentStep {
    /// The grant that it has led to.
    pub fn grant(&self) -> Option<GrantId> {
        match self {
            ConsentStep::Listing { grant } | ConsentStep::Choosing { grant, .. } => Some(*grant),
            ConsentStep::Waiting | ConsentStep::Exchanging => None,
        }
    }
}

/// An account that a consent gives access to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    pub platform_user_id: String,
    /// Canonical and clean.
    pub handle: String,
    /// Clean.
    pub name: Option<String>,
    pub followers: Option<u64>,
}

/// One consent that was given; it feeds one or more connections. Its tokens are stored in a row of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub id: GrantId,
    /// The app at its provider that holds the consent. Unique together with `owner_id` among live grants.
    pub realm: String,
    /// The platform it was requested for, and through which it is renewed and revoked.
    pub platform: String,
    /// The provider's own id of the account owner who consented.
    pub owner_id: String,
    /// The owner's display name, clean.
    pub owner_name: String,
    /// The scopes that were granted, as the provider reported them.
    pub scopes: Vec<String>,
    /// The scopes that were requested and not granted.
    pub missing: Vec<String>,
    pub granted_at: Timestamp,
    /// When it was last seen to be valid.
    pub checked_at: Timestamp,
    /// When it opens nothing more, although its tokens live, unless the owner consents again; `None`: unknown, or never.
    pub data_ends_at: Option<Timestamp>,
    pub state: GrantState,
}

/// Whether a grant can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrantState {
    Live,
    /// The provider ended it, or it was lost: only a new consent helps.
    Ended {
        at: Timestamp,
        why: String,
    },
    /// No connection uses it any more, and it is being revoked at the provider.
    Revoking {
        since: Timestamp,
        attempts: u32,
        next_at: Timestamp,
        last_error: Option<String>,
    },
}

/// A grant's tokens, and the state of their renewal. Only `consent::renew` writes this row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantTokens {
    pub grant: GrantId,
    /// Increases with each pair of tokens: a caller that holds a lower one has old tokens.
    pub generation: u64,
    pub access: Sealed,
    pub refresh: Option<Sealed>,
    /// Tokens of single accounts, by the platform's id of the account.
    pub derived: Vec<(String, Sealed)>,
    pub renewed_at: Timestamp,
    /// `None`: not reported, or it does not expire.
    pub access_ends_at: Option<Timestamp>,
    pub refresh_ends_at: Option<Timestamp>,
    /// When the daemon renews it; `None`: only when it is about to be used.
    pub renew_at: Option<Timestamp>,
    /// Consecutive failed attempts.
    pub failures: u32,
    /// The error of the last failed attempt, clean.
    pub last_error: Option<String>,
    pub attempt: Option<Attempt>,
}

/// A renewal under way: committed before the request to the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub begun_at: Timestamp,
    /// SHA-256 of the token that the request presents.
    pub presented: [u8; 32],
    /// Whether the same token was presented before and no response arrived.
    pub is_repeat: bool,
    /// The response as it arrived, status and body: committed before it is parsed.
    pub reply: Option<(u16, Sealed)>,
}

impl Consent {
    /// Its secrets.
    pub fn sealed(&self) -> impl Iterator<Item = &Sealed> {
        self.verifier.iter().chain(self.device.iter().map(|device| &device.code))
    }
}

impl GrantTokens {
    /// Its secrets.
    pub fn sealed(&self) -> impl Iterator<Item = &Sealed> {
        let reply = self.attempt.iter().filter_map(|attempt| attempt.reply.as_ref()).map(|(_, reply)| reply);
        [&self.access].into_iter().chain(&self.refresh).chain(self.derived.iter().map(|(_, token)| token)).chain(reply)
    }
}

impl Grant {
    pub fn is_live(&self) -> bool {
        self.state == GrantState::Live
    }
}

/// The grant that a connection is read with. It has a row of its own, so that connections do not depend on grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrantUse {
    pub connection: ConnectionId,
    pub grant: GrantId,
}
