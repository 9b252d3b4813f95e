//! Which faults are ordered, and which requests they hit.

use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use serde::{Deserialize, Serialize};

use crate::Platform;
use crate::platforms::{self, ApiResponse};
use crate::spoil;
use crate::world::account::Account;

/// One order: the next `count` responses of `platform` that match go wrong in this way.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    pub platform: Platform,
    pub kind: FaultKind,
    #[serde(default = "once")]
    pub count: u32,
    /// Seconds, for `rate_limited`.
    #[serde(default)]
    pub retry_after: Option<u64>,
    /// `false`: a `rate_limited` without any header that says when to retry.
    #[serde(default = "with_headers")]
    pub headers: bool,
    /// Another status than the kind's usual one, for `rate_limited`, `server_error` and `html`.
    #[serde(default)]
    pub status: Option<u16>,
    /// Only requests that go there; otherwise where the kind belongs, which is the API for most.
    #[serde(default)]
    pub at: Option<Stage>,
    /// Only requests about this account (handle or id). In a response about several, the kinds that spoil counts
    /// spoil only this account's.
    #[serde(default)]
    pub handle: Option<String>,
    /// Which wrong type, for `wrong_types`; otherwise one after the other.
    #[serde(default)]
    pub variant: Option<Variant>,
    /// For `slow`.
    #[serde(default)]
    pub delay_ms: Option<u64>,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    RateLimited,
    /// The day's quota is spent; YouTube only.
    QuotaExceeded,
    /// The day's quota is spent, and the refusal is called a rate limit that names the day; YouTube only.
    DayLimited,
    ServerError,
    /// Accepts and never responds, for two minutes or until the client disconnects.
    Timeout,
    /// Responds properly, after `delay_ms`.
    Slow,
    /// Half of the body, then the connection ends.
    Truncated,
    /// Bytes that are no text, called JSON.
    Garbage,
    /// A web page instead of JSON.
    Html,
    /// A body without end.
    Huge,
    /// A small body that unpacks to gigabytes.
    GzipBomb,
    /// Followers as anything but a proper count.
    WrongTypes,
    /// The owner hides the counts.
    HiddenCounts,
    /// Every count of a profile is 0.
    ZeroCounts,
    /// The platform no longer reports likes and the number of posts.
    WithdrawnMetric,
    /// The connection ends without a response, before anything is done.
    Disconnect,
    /// The owner takes the consent back just before: from then on it is gone.
    Revoked,
    /// The token in the request expired just before.
    Expired,
    /// The owner did not allow what is requested.
    MissingScope,
    /// Everything is done, a rotation too, and the connection ends without a response. A spent refresh token is
    /// accepted once more within a minute and gives the same pair.
    LostAnswer,
    /// As `lost_answer`, but the spent refresh token is dead at once.
    RotationLost,
    /// Another program used the refresh token just before; the access token beside it still lives.
    RotatedElsewhere,
}

/// Which part of a platform's service a request addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Where tokens are given, renewed and revoked.
    Token,
    Api,
}

/// What is reported in place of a follower count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Variant {
    String,
    Float,
    Negative,
    Null,
    /// 2^63.
    TooBig,
    Missing,
}

impl Variant {
    const ALL: [Variant; 6] =
        [Variant::String, Variant::Float, Variant::Negative, Variant::Null, Variant::TooBig, Variant::Missing];
}

impl Fault {
    /// The plainest order of a kind: once, for the next request.
    pub fn new(platform: Platform, kind: FaultKind) -> Fault {
        let (count, headers) = (once(), with_headers());
        Fault {
            platform,
            kind,
            count,
            retry_after: None,
            headers,
            status: None,
            at: None,
            handle: None,
            variant: None,
            delay_ms: None,
        }
    }

    /// Returns what makes no sense about it, in words for its sender.
    pub fn check(&self) -> Result<(), String> {
        let youtubes = matches!(self.kind, FaultKind::QuotaExceeded | FaultKind::DayLimited);
        if youtubes && self.platform != Platform::Youtube {
            return Err("a day's quota exists on youtube only".into());
        }
        let needs_consent = self.kind.needs_token() || self.stage() == Stage::Token;
        if needs_consent && !self.platform.has_consent() {
            return Err(format!("{} has no tokens here", self.platform));
        }
        if self.kind.spoils_counts() && self.stage() == Stage::Token {
            return Err("a token endpoint reports no counts".into());
        }
        if self.count == 0 {
            return Err("count is at least 1".into());
        }
        match self.status {
            Some(status) if !(200..600).contains(&status) => Err("status is an HTTP status from 200 to 599".into()),
            _ => Ok(()),
        }
    }

    /// Where it happens.
    pub fn stage(&self) -> Stage {
        let usual = match self.kind {
            FaultKind::LostAnswer | FaultKind::RotationLost | FaultKind::RotatedElsewhere => Stage::Token,
            _ => Stage::Api,
        };
        self.at.unwrap_or(usual)
    }

    fn fits(&self, target: &Target<'_>) -> bool {
        let platform = target.platform;
        self.platform == platform
            && self.stage() == target.stage
            && (!self.kind.needs_token() || target.has_token)
            && self.handle.as_deref().is_none_or(|handle| platforms::find(target.about, platform, handle).is_some())
            && (!self.kind.spoils_counts() || target.response.is_some_and(|response| spoil::can_spoil(self, response)))
    }
}

impl FaultKind {
    /// Whether it can only befall requests that show a token or code.
    fn needs_token(self) -> bool {
        matches!(
            self,
            FaultKind::Revoked
                | FaultKind::Expired
                | FaultKind::MissingScope
                | FaultKind::LostAnswer
                | FaultKind::RotationLost
                | FaultKind::RotatedElsewhere
        )
    }

    /// Whether it changes the world before the platform responds as it must then.
    pub fn comes_before(self) -> bool {
        matches!(self, FaultKind::Revoked | FaultKind::Expired | FaultKind::RotatedElsewhere)
    }

    /// Whether the platform still does what was requested.
    pub fn comes_after(self) -> bool {
        matches!(self, FaultKind::Slow | FaultKind::LostAnswer | FaultKind::RotationLost) || self.spoils_counts()
    }

    /// Whether it changes numbers in an otherwise proper response.
    pub fn spoils_counts(self) -> bool {
        matches!(
            self,
            FaultKind::WrongTypes | FaultKind::HiddenCounts | FaultKind::ZeroCounts | FaultKind::WithdrawnMetric
        )
    }
}

/// A request that something may befall.
pub struct Target<'a> {
    pub platform: Platform,
    pub stage: Stage,
    /// The accounts that the request is about.
    pub about: &'a [Arc<Account>],
    /// Whether it carries a token or code that was issued here.
    pub has_token: bool,
    /// What the platform would respond, where that is known without doing anything.
    pub response: Option<&'a ApiResponse>,
}

/// The orders not yet carried out.
#[derive(Default)]
pub struct Faults(Mutex<Vec<Pending>>);

struct Pending {
    fault: Fault,
    done: usize,
}

impl Faults {
    pub fn add(&self, fault: Fault) {
        self.pending().push(Pending { fault, done: 0 });
    }

    pub fn clear(&self) {
        self.pending().clear();
    }

    /// The faults that are still pending, oldest first, with the counts that are left.
    pub fn all(&self) -> Vec<Fault> {
        self.pending().iter().map(|pending| pending.fault.clone()).collect()
    }

    /// The oldest order that fits, counted as carried out. `variant` is filled in.
    pub fn take(&self, target: &Target<'_>) -> Option<Fault> {
        let mut all = self.pending();
        let index = all.iter().position(|pending| pending.fault.fits(target))?;
        let pending = &mut all[index];
        let mut fault = pending.fault.clone();
        fault.variant = fault.variant.or(Some(Variant::ALL[pending.done % Variant::ALL.len()]));
        pending.done += 1;
        pending.fault.count -= 1;
        if pending.fault.count == 0 {
            all.remove(index);
        }
        Some(fault)
    }

    fn pending(&self) -> MutexGuard<'_, Vec<Pending>> {
        self.0.lock()
    }
}

fn once() -> u32 {
    1
}

fn with_headers() -> bool {
    true
}
