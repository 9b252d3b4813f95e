//! What all screens and modals share. Nothing here can wait or fail.

pub mod columns;
pub mod histories;

use jiff::tz::TimeZone;
use ratatui::layout::Size;
use roster_protocol::{
    ApiAccess, Connection, Date, ErrorKind, PlatformStatus, Role, RosterError, Status, SyncTicket, Timestamp,
};

use crate::format;
use crate::keys::Keymap;
use crate::message::NoDaemon;
use crate::remembered::Remembered;
use crate::theme::Theme;
use histories::Histories;

/// What is known and chosen whichever screen is shown.
pub struct Shared {
    /// The time of the last message.
    pub now: Timestamp,
    /// The zone here, in which moments are shown.
    pub zone: TimeZone,
    /// The zone whose days the daemon measures in, once it is known.
    pub days: Option<TimeZone>,
    pub size: Size,
    pub theme: Theme,
    pub keys: Keymap,
    pub link: Link,
    /// `None` before the first response.
    pub status: Option<Status>,
    pub platforms: Vec<PlatformStatus>,
    pub histories: Histories,
    /// Short messages, oldest first.
    pub toasts: Vec<Toast>,
    /// Syncs requested here, until they are done.
    pub watched: Vec<Watched>,
    /// Whether numbers are shown with all digits.
    pub exact: bool,
    /// What lasts until the next time.
    pub remembered: Remembered,
    /// Counts forms, so that a late response finds its own.
    pub forms: u64,
}

/// The state of the connection to the daemon.
#[derive(Clone, Debug, PartialEq)]
pub enum Link {
    /// The first attempt is not over.
    Connecting,
    Online,
    /// It was there and is gone; what is shown stays.
    Offline {
        since: Timestamp,
        error: RosterError,
    },
    /// It was never there.
    NoDaemon(NoDaemon),
}

/// A short message that expires.
#[derive(Clone, Debug, PartialEq)]
pub struct Toast {
    pub text: String,
    pub hint: Option<String>,
    pub level: ToastLevel,
    /// When it expires.
    pub until: Timestamp,
}

/// What kind of news a toast is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToastLevel {
    Done,
    Failed,
    Alert,
}

/// A sync that was requested here.
#[derive(Clone, Debug, PartialEq)]
pub struct Watched {
    pub ticket: SyncTicket,
    /// What is synced, for display.
    pub label: String,
    pub ended: u64,
    pub not_ok: u64,
    /// Why the first of what is paused or held was not requested.
    pub why_skipped: Option<String>,
}

/// Whether a consent can be requested on a platform.
pub fn may_consent(platform: &PlatformStatus) -> bool {
    platform.consents || platform.api == ApiAccess::Consent
}

/// How many toasts are kept.
const MOST_TOASTS: usize = 3;

impl Shared {
    /// What is known before anything is.
    pub fn new(now: Timestamp, zone: TimeZone, size: Size, keys: Keymap) -> Self {
        Self {
            now,
            zone,
            days: None,
            size,
            theme: Theme::new(),
            keys,
            link: Link::Connecting,
            status: None,
            platforms: Vec::new(),
            histories: Histories::default(),
            toasts: Vec::new(),
            watched: Vec::new(),
            exact: false,
            remembered: Remembered::default(),
            forms: 0,
        }
    }

    /// The daemon's today: days are measured in its zone.
    pub fn today(&self) -> Date {
        self.day_of(self.now)
    }

    /// The daemon's day of a moment; before it has reported its zone, the day here.
    pub fn day_of(&self, at: Timestamp) -> Date {
        format::date_of(at, self.days.as_ref().unwrap_or(&self.zone))
    }

    /// This role, when the user lacks it; `None` also while the user's role is not known.
    pub fn lacks(&self, needed: Role) -> Option<Role> {
        let own = self.status.as_ref()?.role?;
        (own < needed).then_some(needed)
    }

    /// Why something that needs this role cannot be done; `None` when it can.
    pub fn refusal(&self, needed: Role) -> Option<RosterError> {
        let own = self.status.as_ref()?.role?;
        let message = self.lacks(needed)?.is_needed(own);
        let hint = "`roster access` shows who has which role, and what gives it";
        Some(RosterError::new(ErrorKind::NotPermitted, message).hint(hint))
    }

    /// A platform as the daemon describes it.
    pub fn platform(&self, slug: &str) -> Option<&PlatformStatus> {
        self.platforms.iter().find(|platform| platform.platform == slug)
    }

    /// Whether an account there may be fed by a consent.
    pub fn may_consent(&self, slug: &str) -> bool {
        self.platform(slug).is_some_and(may_consent)
    }

    /// A platform's display name; its slug before the daemon has reported it.
    pub fn platform_name<'a>(&'a self, slug: &'a str) -> &'a str {
        self.platform(slug).map_or(slug, |platform| &platform.name)
    }

    /// A platform's two letters.
    pub fn platform_short<'a>(&'a self, slug: &'a str) -> &'a str {
        let first_two = || slug.char_indices().nth(2).map_or(slug, |(at, _)| &slug[..at]);
        self.platform(slug).map_or_else(first_two, |platform| &platform.short)
    }

    /// An account as it is typed, on a platform that can be read here.
    pub fn example_account(&self) -> Option<String> {
        let platform = self.platforms.iter().find(|platform| platform.enabled && platform.configured)?;
        Some(format!("{}:{}", platform.platform, platform.handle_example))
    }

    /// A count in the form the user chose.
    pub fn count(&self, number: Option<u64>) -> String {
        match number {
            None => format::UNKNOWN.to_owned(),
            Some(number) if self.exact => format::exact(number),
            Some(number) => format::count(number),
        }
    }

    /// Shows a message that expires.
    pub fn say(&mut self, level: ToastLevel, text: impl Into<String>, hint: Option<String>) {
        let text = text.into();
        let seconds = if level == ToastLevel::Done { 4 } else { 8 };
        self.toasts.retain(|toast| toast.text != text);
        self.toasts.push(Toast { text, hint, level, until: self.now.plus_seconds(seconds) });
        let over = self.toasts.len().saturating_sub(MOST_TOASTS);
        self.toasts.drain(..over);
    }

    /// Says what failed and what to do.
    pub fn complain(&mut self, error: RosterError) {
        self.say(ToastLevel::Failed, error.message, error.hint);
    }

    /// A connection as users name it: `YouTube @mara`.
    pub fn label(&self, connection: &Connection) -> String {
        format!("{} {}", self.platform_name(&connection.platform), connection.handle)
    }
}
