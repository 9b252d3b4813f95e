//! What owners allowed, and the secrets that prove it: codes, tokens, device codes.
//!
//! It knows no platform's terms: a platform defines what a secret looks like and how long it lives, and looks up its
//! state.

mod book;
pub mod device;
pub mod secret;

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::{Mutex, MutexGuard};
use serde::Serialize;

use crate::Platform;
use crate::platforms::ApiRequest;
use book::Book;
pub use book::{NewGrant, Refreshed};
use device::Device;
pub use secret::{Held, Secret, SecretKind};

/// The sign-in through which a grant was given: its tokens are worth nothing at the other one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Door {
    Google,
    Tiktok,
    /// The same page for an app of TikTok's API for Business.
    TiktokAccounts,
    Facebook,
    Instagram,
}

/// One person's consent for one app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Grant {
    /// In the order in which they were given, from 0.
    pub number: usize,
    /// The platform whose app it is for.
    pub platform: Platform,
    pub door: Door,
    /// The person who consented.
    pub owner: String,
    /// The accounts it opens: platform and the platform's own id.
    pub accounts: Vec<(Platform, String)>,
    pub scopes: BTreeSet<String>,
    /// Requested, and not allowed.
    pub declined: BTreeSet<String>,
    pub given_at: Timestamp,
    /// Whether it was not revoked yet. Its tokens may have expired all the same.
    pub is_alive: bool,
    /// How often tokens were renewed.
    pub refreshes: u32,
    /// How often a refresh token was presented that had been spent before.
    pub spent_presented: u32,
}

impl Grant {
    pub fn has(&self, scope: &str) -> bool {
        self.scopes.contains(scope)
    }

    /// Whether it opens this account.
    pub fn opens(&self, platform: Platform, id: &str) -> bool {
        self.accounts.iter().any(|(on, own)| *on == platform && own == id)
    }
}

/// How long a platform's tokens live from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    pub access: Duration,
    /// `None` = until revoked.
    pub refresh: Option<Duration>,
    /// How long after a consent its tokens open something, whatever their own ends; `None` = until these.
    pub data_access: Option<Duration>,
}

/// How long a spent refresh token is still accepted once more after a lost response.
pub const GRACE: Duration = Duration::from_secs(60);

/// All grants and secrets of a world.
#[derive(Default)]
pub struct Grants(Mutex<Book>);

impl Grants {
    /// Notes a consent. One that still lives, of the same person for the same app, is changed instead.
    pub fn give(&self, new: NewGrant) -> Grant {
        self.book().give(new)
    }

    pub fn add_secret(&self, text: String, secret: Secret) {
        self.book().add_secret(text, secret);
    }

    /// A secret that these books need not know again, counted among those that were given.
    pub fn add_stray(&self, text: String) {
        self.book().strays.push(text);
    }

    /// The secret under a text with its grant as it is now.
    pub fn held(&self, text: &str) -> Option<Held> {
        self.book().held(text)
    }

    /// The newest grant's secret among a request's, whatever its parameter is called.
    pub fn presented(&self, request: &ApiRequest) -> Option<Held> {
        let book = self.book();
        request.secrets().find_map(|text| book.held(text))
    }

    /// Marks a code as used. `false` when it was used before.
    pub fn spend(&self, text: &str) -> bool {
        self.book().spend(text)
    }

    /// A derived token of a grant that still lives, if there is one.
    pub fn living(&self, grant: usize, kind: &SecretKind, now: Timestamp) -> Option<String> {
        self.book().living(grant, kind, now)
    }

    /// Ends a refresh token for a new pair, all at once; within its grace a spent one gives the same pair again.
    pub fn rotate(&self, old: &str, now: Timestamp, pair: [(String, Secret); 2]) -> Result<Refreshed, SecretProblem> {
        self.book().rotate(old, now, pair)
    }

    /// Counts a renewal that ends nothing.
    pub fn count_refresh(&self, grant: usize) {
        self.book().grants[grant].refreshes += 1;
    }

    pub fn revoke(&self, grant: usize) {
        self.book().grants[grant].is_alive = false;
    }

    pub fn remove_scope(&self, grant: usize, scope: &str) {
        let mut book = self.book();
        let grant = &mut book.grants[grant];
        if grant.scopes.remove(scope) {
            grant.declined.insert(scope.to_owned());
        }
    }

    /// Lets a secret have expired just now.
    pub fn expire(&self, text: &str, now: Timestamp) {
        self.book().expire(text, now);
    }

    /// Accepts a spent refresh token once more until then.
    pub fn grace(&self, text: &str, until: Timestamp) {
        self.book().grace(text, until);
    }

    pub fn all(&self) -> Vec<Grant> {
        self.book().grants.clone()
    }

    /// Every secret ever given, oldest first.
    pub fn secrets(&self) -> Vec<String> {
        let book = self.book();
        book.given.iter().chain(&book.strays).cloned().collect()
    }

    pub fn add_device(&self, device: Device) {
        self.book().devices.push(device);
    }

    /// Looks at a device code, and changes it.
    pub fn device<T>(&self, fits: impl Fn(&Device) -> bool, change: impl FnOnce(&mut Device) -> T) -> Option<T> {
        self.book().devices.iter_mut().rev().find(|device| fits(device)).map(change)
    }

    pub fn lifetimes(&self, platform: Platform) -> Lifetimes {
        let changed = self.book().lifetimes.get(&platform).copied();
        changed.unwrap_or_else(|| platform.usual_lifetimes())
    }

    pub fn set_lifetimes(&self, platform: Platform, lifetimes: Lifetimes) {
        self.book().lifetimes.insert(platform, lifetimes);
    }

    /// Whether a platform's app may not request a scope.
    pub fn lacks(&self, platform: Platform, scope: &str) -> bool {
        self.book().lacking.get(&platform).is_some_and(|scopes| scopes.contains(scope))
    }

    /// The scopes that a platform's app may not request.
    pub fn lacking(&self, platform: Platform) -> BTreeSet<String> {
        self.book().lacking.get(&platform).cloned().unwrap_or_default()
    }

    pub fn set_lacking(&self, platform: Platform, scopes: BTreeSet<String>) {
        self.book().lacking.insert(platform, scopes);
    }

    // A panic elsewhere leaves the book whole: each change is one call under the lock.
    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock()
    }
}

/// Why a secret opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretProblem {
    Unknown,
    Revoked,
    Expired,
    /// Used before.
    Spent,
}
