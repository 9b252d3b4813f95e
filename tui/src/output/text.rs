//! Numbers and times as text. An unknown value is `–`, never 0.

use jiff::Zoned;
use roster_protocol::notice::{grouped, value};
use roster_protocol::{Badge, Connection, ConnectionStatus, Metric, Numbers, Ratio, Timestamp};

use super::Look;
use super::table::{Cell, Tone};
use crate::format;

pub use crate::format::{bytes, date_of, duration};

/// The sign for an unknown value.
pub const UNKNOWN: &str = "–";

/// A count with its thousands apart.
pub fn count(count: Option<u64>) -> String {
    count.map_or_else(|| UNKNOWN.to_owned(), grouped)
}

/// A metric's value in its own form, without blanks, as columns have it.
pub fn metric(metric: Metric, numbers: &Numbers) -> String {
    metric_value(metric, metric.of(numbers))
}

/// A value of a metric in the metric's form.
pub fn metric_value(metric: Metric, number: Option<f64>) -> String {
    number.map_or_else(|| UNKNOWN.to_owned(), |number| value(metric, number).replace(" %", "%"))
}

/// By how much a count changed, with its sign: `+1,024`.
pub fn signed(from: u64, to: u64) -> String {
    let size = grouped(from.abs_diff(to));
    match to.cmp(&from) {
        std::cmp::Ordering::Less => format!("-{size}"),
        std::cmp::Ordering::Equal => size,
        std::cmp::Ordering::Greater => format!("+{size}"),
    }
}

/// A share: `4.2%`.
pub fn percent(ratio: Option<Ratio>) -> String {
    ratio.map_or_else(|| UNKNOWN.to_owned(), format::percent)
}

/// A growth: `+5.1%`, red when it fell by more than 1 %.
pub fn growth(ratio: Option<Ratio>) -> Cell {
    let Some(ratio) = ratio else { return Cell::new(UNKNOWN, Tone::Quiet) };
    Cell::new(format::signed_percent(ratio), if ratio < Ratio(-10_000) { Tone::Bad } else { Tone::Plain })
}

/// How long ago: `12m`, `3h`, `2d`; `now` under a minute, and for a time in the future by a wrong clock.
pub fn ago(at: Option<Timestamp>, now: &Zoned) -> String {
    at.map_or_else(|| UNKNOWN.to_owned(), |at| length(now.timestamp().as_millisecond().saturating_sub(at.0)))
}

/// How far ahead: `in 4m`; `now` for what is due.
pub fn ahead(at: Option<Timestamp>, now: &Zoned) -> String {
    let Some(at) = at else { return UNKNOWN.to_owned() };
    match length(at.0.saturating_sub(now.timestamp().as_millisecond())) {
        text if text == "now" => text,
        text => format!("in {text}"),
    }
}

/// Milliseconds in the largest whole unit.
fn length(ms: i64) -> String {
    let minutes = ms / 60_000;
    match minutes {
        ..=0 => "now".to_owned(),
        1..=59 => format!("{minutes}m"),
        60..=2879 => format!("{}h", minutes / 60),
        _ => format!("{}d", minutes / 1440),
    }
}

/// Date and time in the zone of `now`.
pub fn time(at: Timestamp, now: &Zoned) -> String {
    at.to_jiff().to_zoned(now.time_zone().clone()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// A shape and a tone for a connection's badge.
pub fn badge(badge: Badge, paused: bool) -> (&'static str, Tone) {
    let tone = match badge {
        Badge::Green => Tone::Good,
        Badge::Yellow => Tone::Warn,
        Badge::Red => Tone::Bad,
    };
    let shape = match badge {
        _ if paused => "‖",
        Badge::Green => "●",
        Badge::Yellow => "◐",
        Badge::Red => "✗",
    };
    (shape, tone)
}

/// A connection's state, with what is wrong when something is.
pub fn state(connection: &Connection, look: &Look) -> Cell {
    let (shape, tone) = badge(connection.badge, connection.paused);
    let word = match connection.status {
        ConnectionStatus::Reauthorize => "needs consent",
        status => status.as_str(),
    };
    let since = connection.last_synced_at.map(|at| format!(", {}", ago(Some(at), &look.now)));
    let down = connection.outage.as_ref().map(|it| {
        let since = format::moment(it.since, look.now.timestamp().into(), look.now.time_zone());
        format!(", which is down since {since}")
    });
    let down = down.unwrap_or_default();
    let wrong = match (&connection.blocked_by, &connection.last_error) {
        (Some(who), Some(why)) => format!(" (held by {who}{down}: {why})"),
        (Some(who), None) => format!(" (held by {who}{down})"),
        (None, Some(why)) => format!(" ({why})"),
        (None, None) => String::new(),
    };
    Cell::new(format!("{shape} {word}{}{wrong}", since.unwrap_or_default()), tone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn ages_have_one_unit() {
        let now: Zoned = "2026-11-21T14:30:00+00:00[UTC]".parse().expect("a time");
        let at = |minutes: i64| Some(Timestamp::from(now.timestamp()).plus_seconds(-60 * minutes));
        let check = |minutes: i64, past: &str, future: &str| {
            assert_eq!(ago(at(minutes), &now), past);
            assert_eq!(ahead(at(-minutes), &now), future);
        };
        check(0, "now", "now");
        check(-5, "now", "now");
        check(12, "12m", "in 12m");
        check(180, "3h", "in 3h");
        check(47 * 60, "47h", "in 47h");
        check(48 * 60, "2d", "in 2d");
        assert_eq!(ago(None, &now), UNKNOWN);
        assert_eq!(time(Timestamp(0), &now), "1970-01-01 00:00");
        assert_eq!(ago(Some(Timestamp(i64::MIN)), &now).chars().last(), Some('d'));
    }

    #[test]
    fn unknown_is_never_zero() {
        assert_eq!(count(None), "–");
        assert_eq!(count(Some(0)), "0");
        assert_eq!(percent(None), "–");
        assert_eq!(percent(Some(Ratio(41_200))), "4.1%");
        assert_eq!(growth(Some(Ratio(-400))), Cell::new("0.0%", Tone::Plain));
        assert_eq!(growth(Some(Ratio(-124_000))), Cell::new("-12.4%", Tone::Bad));
        assert_eq!(metric(Metric::AvgLikes, &Numbers::default()), "–");
        assert_eq!(bytes(1_048_576), "1.0 MB");
    }

    #[test]
    fn what_is_down_is_said_with_its_time() {
        let look = samples::look();
        let since = Timestamp::from(look.now.timestamp()).plus_seconds(-28 * 60);
        let outage = Some(roster_protocol::connection::Outage { what: "youtube".into(), since });
        let mut connection = Connection { blocked_by: Some("platform".into()), outage, ..samples::connection() };
        connection.last_error = None;
        let check = |connection: &Connection, expected: &str| {
            let shown = format!("{:?}", state(connection, &look));
            assert!(shown.contains(expected), "{shown}");
        };
        check(&connection, "(held by platform, which is down since 14:02)");
        connection.last_error = Some("no answer".into());
        check(&connection, "(held by platform, which is down since 14:02: no answer)");
    }
}
