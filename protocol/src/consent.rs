//! Consents that an account's owner is asked for, and those that were given.
//!
//! Tokens never enter this crate: clients see who consented to what, and until when.

use serde::{Deserialize, Serialize};

use crate::connection::Connection;
use crate::error::RosterError;
use crate::ids::{ConnectionId, ConsentId, GrantId, InfluencerId};
use crate::time::Timestamp;

/// As long as a consent waits for its owner: who takes back the account that it has just connected chose the wrong one.
const JUST_GIVEN_S: i64 = 10 * 60;

/// Whether a consent was given only now: removing the connection that it feeds revokes it at once, and not in a day.
pub fn is_just_given(granted_at: Timestamp, now: Timestamp) -> bool {
    now <= granted_at.plus_seconds(JUST_GIVEN_S)
}

/// How the owner's answer returns to the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConsentMethod {
    /// The provider sends the browser to the redirect URI. The daemon serves it, or the user pastes its address.
    Redirect,
    /// The owner types a code on any device, and the daemon polls the provider until then; only some platforms.
    Device,
}

/// A consent that was begun and waits for the account's owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentBegun {
    pub id: ConsentId,
    /// The platform's slug.
    pub platform: String,
    /// Its display name.
    pub platform_name: String,
    pub influencer: InfluencerId,
    pub influencer_name: String,
    /// What to open in a browser, on any device. Holds the single-use state: shown, never logged.
    pub url: String,
    /// A short link that leads to `url` once, for a small QR code. As secret as that; `None` without a public URL.
    pub short_url: Option<String>,
    /// The code to type at `url`, for [`ConsentMethod::Device`].
    pub user_code: Option<String>,
    /// The redirect URI that the app's settings at the platform must contain; `None` for a device code.
    pub redirect_uri: Option<String>,
    /// What the platform will ask the owner to share, by the platform's names of scopes.
    pub scopes: Vec<String>,
    /// What the operator does when the page ends in an error about scopes: the app may lack a permission that is
    /// requested, and not every platform sends the browser back then.
    pub if_refused: String,
    /// What Roster will read with it, in words: `followers`, `likes` …
    pub reads: Vec<String>,
    /// Where the daemon itself listens, for an `ssh -L` line; `None` when its listener is off.
    pub listener: Option<String>,
    pub expires_at: Timestamp,
}

/// The state of a consent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ConsentState {
    /// The owner has not decided yet.
    Waiting,
    /// The owner agreed, and the daemon requests tokens and accounts from the platform.
    Finishing,
    /// It opened several accounts: [`crate::service::Roster::consent_choose`] says which.
    Choose(Vec<ConsentChoice>),
    /// The connections that now have consent, new and renewed ones.
    Done(Vec<ConsentedConnection>),
    /// It failed: denied, expired, or refused by the platform.
    Failed(RosterError),
}

impl ConsentState {
    /// Whether the consent stays in this state unless a client acts.
    pub fn is_settled(&self) -> bool {
        !matches!(self, ConsentState::Waiting | ConsentState::Finishing)
    }
}

/// An account that a consent opens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentChoice {
    /// The platform's own id of the account.
    pub platform_user_id: String,
    /// The canonical handle.
    pub handle: String,
    /// The name it shows, cleaned.
    pub name: Option<String>,
    pub followers: Option<u64>,
    /// The influencer who has this account connected already.
    pub taken_by: Option<InfluencerId>,
}

/// What a finished consent did to one connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConsentedConnection {
    pub connection: Connection,
    /// Whether it is new; one that was there keeps its history and settings.
    pub is_new: bool,
    /// Scopes that were requested and not granted, with what cannot be read without them.
    pub missing: Vec<MissingScope>,
}

/// A scope that was not granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingScope {
    pub scope: String,
    /// What cannot be read without it, in words.
    pub costs: String,
}

/// How a platform's tokens live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TokenModel {
    /// Each renewal gives a new refresh token and ends the old one.
    Rotating,
    /// A token that still lives is exchanged for one that lives longer.
    Extension,
    /// One refresh token for as long as the consent lasts.
    Fixed,
    /// It is derived from another token and expires with it.
    Derived,
}

impl TokenModel {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        ["rotating", "extension", "fixed", "derived"][self as usize]
    }
}

/// Whether a person has to act to keep a consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Renews {
    /// The daemon renews it.
    Itself,
    /// It ends unless a person consents again.
    ByHand,
    /// It is over, or being revoked.
    Never,
}

impl Renews {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        ["itself", "by_hand", "never"][self as usize]
    }
}

/// One consent, as clients see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    pub id: GrantId,
    /// The slug of the platform that granted it.
    pub platform: String,
    /// Who consented, as the platform names them; clean.
    pub account: String,
    pub model: TokenModel,
    pub scopes: Vec<String>,
    /// What can be read with them, in words: `followers, posts`, `audience` …
    pub reads: Vec<String>,
    pub missing: Vec<MissingScope>,
    pub granted_at: Timestamp,
    /// When the token in use expires; `None`: unknown, or never.
    pub expires_at: Option<Timestamp>,
    pub renews: Renews,
    /// When the daemon renews it next.
    pub renews_at: Option<Timestamp>,
    /// The day on which it ends unless a person consents again.
    pub act_before: Option<Timestamp>,
    /// What is wrong or under way, in a sentence: `revoked by the owner`, `being revoked, 3 attempts` …
    pub note: Option<String>,
    pub connections: Vec<ConnectionId>,
}

/// What ended when all consents were revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokedAll {
    /// Consents that owners had given.
    pub ended: u64,
    /// Those that were being requested.
    pub requested: u64,
}

/// What one look at a platform's set-up found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformCheck {
    /// What was checked: `id`, `secret`, `redirect URI`, `scopes`, `version`, `API key`, `answer`, `webhook`, `hub`.
    pub what: String,
    /// `None`: it cannot be found out from here.
    pub ok: Option<bool>,
    /// What was found, and what to do when it is not well, in a sentence.
    pub message: String,
}

/// One connection in the list of all, with the consent that feeds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionRow {
    pub connection: Connection,
    pub influencer_name: String,
    /// `None` where no consent is needed, or none is left.
    pub grant: Option<Grant>,
}

/// A page of the list of all connections.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionPage {
    /// How many there are at all.
    pub total: u64,
    pub rows: Vec<ConnectionRow>,
}
