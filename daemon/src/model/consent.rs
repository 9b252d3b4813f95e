//! Consents: those that are being asked for, and those that were given.

use roster_protocol::audit::Who;
use roster_protocol::ids::{ConnectionId, ConsentId, GrantId, InfluencerId};
use roster_protocol::time::{Seconds, Timestamp};

/// A secret as the vault sealed it: safe to store, of no use without the master key and the place it belongs to.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(pub Vec<u8>);

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "sealed, {} bytes", self.0.len())
    }
}

/// A consent that is being asked for. It survives a restart, and is forgotten once it is settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    pub id: ConsentId,
    /// Who asked: nobody else finishes it.
    pub who: Who,
    pub influencer: InfluencerId,
    /// The platform's slug.
    pub platform: String,
    /// The account that was meant from the start, canonical.
    pub handle: Option<String>,
    /// What the browser is sent back to; empty for a device code.
    pub redirect_uri: String,
    /// SHA-256 of the state in the URL. The state itself is nowhere.
    pub state_hash: [u8; 32],
    pub verifier: Option<Sealed>,
    pub device: Option<Device>,
    pub begun_at: Timestamp,
    pub expires_at: Timestamp,
    pub step: ConsentStep,
}

/// A device code that is being asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    pub code: Sealed,
    pub interval: Seconds,
}

/// How far a consent has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConsentStep {
    /// Nobody has answered.
    Waiting,
    /// The answer's code is being exchanged. After a crash the code may be spent: it is begun again by a person.
    Exchanging,
    /// There is a grant, and its accounts are being asked for.
    Listing { grant: GrantId },
    /// There is a grant, and somebody must say which accounts are meant.
    Choosing { grant: GrantId, choices: Vec<Choice> },
}

/// An account that a consent opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    pub platform_user_id: String,
    /// Canonical and clean.
    pub handle: String,
    /// Clean.
    pub name: Option<String>,
    pub followers: Option<u64>,
}

/// One consent that was given; it feeds one or more connections. Its tokens lie in a row of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub id: GrantId,
    /// Whose consent it is: the app at its provider. With `owner_id` unique among grants that live.
    pub realm: String,
    /// The platform it was asked for, and through which it is renewed and revoked.
    pub platform: String,
    /// The provider's own id of who consented.
    pub owner_id: String,
    /// Their name for people, clean.
    pub owner_name: String,
    /// What was granted, as told.
    pub scopes: Vec<String>,
    /// What was asked for and not granted.
    pub missing: Vec<String>,
    pub granted_at: Timestamp,
    /// When it was last seen to hold.
    pub checked_at: Timestamp,
    pub state: GrantState,
}

/// Whether a grant can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrantState {
    Live,
    /// It is over by the provider's word, or was lost: only a new consent helps.
    Ended {
        at: Timestamp,
        why: String,
    },
    /// Nobody uses it any more and the provider is being told.
    Revoking {
        since: Timestamp,
        attempts: u32,
        next_at: Timestamp,
        last_error: Option<String>,
    },
}

/// A grant's tokens, and how far a renewal has come. Nothing but `consent::renew` writes this row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantTokens {
    pub grant: GrantId,
    /// Grows with each pair: whoever saw a lower one has old tokens.
    pub generation: u64,
    pub access: Sealed,
    pub refresh: Option<Sealed>,
    /// Accounts' own tokens, by the platform's id of the account.
    pub derived: Vec<(String, Sealed)>,
    pub renewed_at: Timestamp,
    /// `None`: not told, or no end.
    pub access_ends_at: Option<Timestamp>,
    pub refresh_ends_at: Option<Timestamp>,
    /// When it is renewed by itself; `None`: only when it is about to be used.
    pub renew_at: Option<Timestamp>,
    /// Attempts in a row that brought nothing.
    pub failures: u32,
    /// What the last attempt failed with, clean.
    pub last_error: Option<String>,
    pub attempt: Option<Attempt>,
}

/// A renewal under way: committed before the provider is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub begun_at: Timestamp,
    /// SHA-256 of the token that is presented.
    pub presented: [u8; 32],
    /// Whether the same token was presented before, without an answer having come.
    pub is_repeat: bool,
    /// The answer as it came: status and body, committed before it is read.
    pub reply: Option<(u16, Sealed)>,
}

impl Grant {
    pub fn is_live(&self) -> bool {
        self.state == GrantState::Live
    }
}

/// Which grant a connection is read with. A row of its own, so that connections need not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrantUse {
    pub connection: ConnectionId,
    pub grant: GrantId,
}
