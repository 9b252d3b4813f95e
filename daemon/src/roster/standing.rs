//! The status of a connection, in a word and a colour. Pure.

use roster_protocol::connection::{Badge, ConnectionStatus};
use roster_protocol::time::{Seconds, Timestamp};

use crate::model::{Connection, Trouble, TroubleKind};
use crate::schedule::breaker::Outage;

/// The status of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub status: ConnectionStatus,
    pub badge: Badge,
    /// What keeps it from being synced when the cause is not the connection's own.
    pub blocked_by: Option<&'static str>,
}

const DAY: Seconds = Seconds(24 * 3600);
/// An account that is gone this many times in a row needs a person; once may be the platform's hiccup.
const GONE_FOR_GOOD: u32 = 2;

/// The status of `connection` at `now`; `interval` is the one it follows, `outage` that of its lane.
pub fn standing(
    connection: &Connection,
    paused: bool,
    interval: Seconds,
    outage: Option<&Outage>,
    now: Timestamp,
) -> Standing {
    let age = connection.last_synced_at.map(|at| now.since(at));
    let is_fresh = age.is_some_and(|age| age <= interval.max(DAY).millis());
    let own = || connection.trouble.as_ref().and_then(blocked_by);
    let blocked_by = outage.map(Outage::blocked_by).or_else(own);
    let failing =
        connection.trouble.as_ref().filter(|trouble| trouble.kind != TroubleKind::Partial && blocked_by.is_none());
    let failing_long = failing.is_some_and(|trouble| now.since(trouble.since) > interval.millis());
    let badge = match age {
        None => Badge::Red,
        Some(_) if failing_long || needs_person(connection) => Badge::Red,
        Some(_) if is_fresh => Badge::Green,
        Some(_) => Badge::Yellow,
    };
    let status = match (age, failing.map(|trouble| trouble.kind)) {
        _ if paused => ConnectionStatus::Paused,
        (_, Some(TroubleKind::Unauthorized | TroubleKind::MissingScope)) => ConnectionStatus::Reauthorize,
        (_, Some(_)) => ConnectionStatus::Error,
        (None, None) => ConnectionStatus::Never,
        (Some(_), None) if is_fresh => ConnectionStatus::Fresh,
        (Some(_), None) => ConnectionStatus::Stale,
    };
    Standing { status, badge, blocked_by }
}

/// Whether a person must act before the connection can be synced again.
pub fn needs_person(connection: &Connection) -> bool {
    connection.trouble.as_ref().is_some_and(|trouble| match trouble.kind {
        TroubleKind::Unauthorized | TroubleKind::MissingScope => true,
        TroubleKind::AccountGone => connection.failures >= GONE_FOR_GOOD,
        _ => false,
    })
}

fn blocked_by(trouble: &Trouble) -> Option<&'static str> {
    match trouble.kind {
        TroubleKind::RateLimited => Some("limit"),
        TroubleKind::Unavailable => Some("platform"),
        TroubleKind::Network => Some("network"),
        TroubleKind::Unconfigured => Some("setup"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roster::samples::{self, MARA, NOON, SKY};

    const HOUR: i64 = 3600;

    fn connection(synced_hours_ago: Option<i64>, trouble: Option<(TroubleKind, i64)>, failures: u32) -> Connection {
        Connection {
            last_synced_at: synced_hours_ago.map(|hours| NOON.plus_seconds(-hours * HOUR)),
            failures,
            trouble: trouble.map(|(kind, hours)| Trouble {
                kind,
                message: String::new(),
                since: NOON.plus_seconds(-hours * HOUR),
                retry_at: None,
                moved_to: None,
            }),
            ..samples::connection(SKY, MARA, "bluesky", "mara.example")
        }
    }

    #[test]
    fn colours_and_words() {
        use Badge::{Green, Red, Yellow};
        use ConnectionStatus::{Error, Fresh, Never, Paused, Reauthorize, Stale};
        use TroubleKind::{
            AccountGone, Network, Partial, RateLimited, Unauthorized, Unavailable, Unconfigured, Unexpected,
        };
        let check = |synced, trouble, failures, expected: (ConnectionStatus, Badge, Option<&str>)| {
            let found = standing(&connection(synced, trouble, failures), false, Seconds(6 * 3600), None, NOON);
            assert_eq!((found.status, found.badge, found.blocked_by), expected, "{synced:?} {trouble:?}");
        };
        check(Some(1), None, 0, (Fresh, Green, None));
        check(Some(24), None, 0, (Fresh, Green, None));
        check(Some(25), None, 0, (Stale, Yellow, None));
        check(None, None, 0, (Never, Red, None));
        check(None, Some((Unavailable, 9)), 3, (Never, Red, Some("platform")));
        check(Some(1), Some((Partial, 9)), 0, (Fresh, Green, None));
        check(Some(1), Some((Unexpected, 1)), 1, (Error, Green, None));
        check(Some(7), Some((Unexpected, 7)), 3, (Error, Red, None));
        check(Some(30), Some((Unavailable, 30)), 9, (Stale, Yellow, Some("platform")));
        check(Some(30), Some((Network, 30)), 9, (Stale, Yellow, Some("network")));
        check(Some(1), Some((RateLimited, 1)), 1, (Fresh, Green, Some("limit")));
        check(Some(30), Some((Unconfigured, 30)), 0, (Stale, Yellow, Some("setup")));
        check(None, Some((Unconfigured, 1)), 0, (Never, Red, Some("setup")));
        check(Some(1), Some((AccountGone, 1)), 1, (Error, Green, None));
        check(Some(1), Some((AccountGone, 1)), 2, (Error, Red, None));
        check(Some(1), Some((Unauthorized, 0)), 1, (Reauthorize, Red, None));
        let paused = standing(&connection(Some(25), None, 0), true, Seconds(6 * 3600), None, NOON);
        assert_eq!((paused.status, paused.badge), (Paused, Yellow));
        let weekly = standing(&connection(Some(100), None, 0), false, Seconds(7 * 24 * 3600), None, NOON);
        assert_eq!((weekly.status, weekly.badge), (Fresh, Green));
    }
}
