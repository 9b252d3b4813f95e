//! States in words for the user: what is wrong, and which key fixes it.

use ratatui::style::Style;
use roster_protocol::connection::ConnectionStatus;
use roster_protocol::status::Budget;
use roster_protocol::{
    Alert, AlertState, Change, Connection, Mean, Metric, PlatformState, PlatformStatus, Profile, Ratio, Severity,
    Source,
};

use crate::format::{self, Trend};
use crate::shared::Shared;

/// A connection's state in words.
pub fn connection(shared: &Shared, connection: &Connection, influencer_paused: bool) -> (String, Style) {
    let theme = &shared.theme;
    let ago = connection.last_synced_at.map(|at| format::age(shared.now, at)).map(|age| match age.as_str() {
        "now" => "just now".to_owned(),
        age => format!("{age} ago"),
    });
    let error = connection.last_error.as_deref();
    if connection.paused {
        return (paused(shared, connection, influencer_paused), theme.faint);
    }
    let off = shared.platform(&connection.platform).is_some_and(|platform| !platform.enabled);
    if let Some(words) = connection.blocked_by.as_deref().and_then(|by| blocked(shared, by, connection, off)) {
        return (words, theme.warn);
    }
    let ago = ago.unwrap_or_else(|| "never".to_owned());
    match connection.status {
        ConnectionStatus::Reauthorize => {
            (format!("needs a person: {} · c connects again", error.unwrap_or("consent ended")), theme.bad)
        }
        ConnectionStatus::Error if connection.moved_to.is_some() => {
            let to = connection.moved_to.as_deref().unwrap_or_default();
            (format!("moved to {to} · H follows it"), theme.bad)
        }
        ConnectionStatus::Error => {
            let style = if connection.badge == roster_protocol::Badge::Red { theme.bad } else { theme.warn };
            (format!("{} · s tries again", error.unwrap_or("the last sync failed")), style)
        }
        ConnectionStatus::Never => ("not measured yet · s syncs now".to_owned(), theme.faint),
        ConnectionStatus::Stale => (format!("{ago}, that is old · s syncs now"), theme.warn),
        ConnectionStatus::Fresh | ConnectionStatus::Paused => (fresh(&ago, connection, error), theme.plain),
    }
}

fn fresh(ago: &str, connection: &Connection, error: Option<&str>) -> String {
    let latest = connection.latest.as_ref();
    let step = latest.and_then(|latest| latest.followers_step).filter(|step| *step > 1);
    let kept = connection.by_hand.iter().any(|number| number.kept);
    let by_hand = latest.filter(|latest| latest.source != Source::Api).map(|latest| match latest.source {
        Source::Manual if kept => " · typed by hand, kept",
        Source::Manual => " · typed by hand",
        _ => " · from a file",
    });
    let rounding = step.map(|step| format!(" · ±{}", format::exact(step / 2))).unwrap_or_default();
    let missing = match error {
        Some(error) => format!(" · {error}"),
        None if connection.not_given.is_empty() => String::new(),
        None => format!(" · not given: {} · c asks again", connection.not_given.join(", ")),
    };
    format!("{ago}{rounding}{}{missing}", by_hand.unwrap_or_default())
}

fn paused(shared: &Shared, connection: &Connection, influencer_paused: bool) -> String {
    if shared.status.as_ref().is_some_and(|status| status.paused) {
        return "paused with everything · :resume all".to_owned();
    }
    if let Some(platform) = shared.platform(&connection.platform).filter(|platform| platform.paused) {
        return format!("paused with {} · :resume platform:{}", platform.name, platform.platform);
    }
    let key = if influencer_paused { "P" } else { "p" };
    format!("paused · {key} resumes")
}

fn blocked(shared: &Shared, by: &str, connection: &Connection, off: bool) -> Option<String> {
    let platform = shared.platform_name(&connection.platform);
    let outage = connection
        .outage
        .as_ref()
        .map(|outage| (shared.platform_name(&outage.what), format::moment(outage.since, shared.now, &shared.zone)));
    Some(match (by, outage) {
        ("platform", Some((what, since))) => format!("waits: {what} is down since {since}"),
        ("network", Some((_, since))) => format!("waits: no network here since {since}"),
        (by, _) => return blocked_by(by, platform, off),
    })
}

/// What holds an account back, in words; `None` for a word that is not known here.
pub fn blocked_by(by: &str, platform: &str, off: bool) -> Option<String> {
    Some(match by {
        "platform" => format!("waits: {platform} does not respond"),
        "limit" => format!("waits: {platform} allows no more just now"),
        "network" => "waits: no network here".to_owned(),
        "setup" if off => format!("waits: {platform} is switched off in rosterd.toml"),
        "setup" => format!("waits: {platform} is not set up in rosterd.toml"),
        _ => return None,
    })
}

/// A platform's state in words.
pub fn platform(shared: &Shared, platform: &PlatformStatus) -> (String, Style) {
    let theme = &shared.theme;
    if platform.paused && shared.status.as_ref().is_some_and(|status| status.paused) {
        return ("‖ paused with everything · :resume all".to_owned(), theme.faint);
    }
    if platform.paused {
        return (format!("‖ paused · :resume platform:{}", platform.platform), theme.faint);
    }
    if !platform.enabled {
        return ("○ off in rosterd.toml".to_owned(), theme.faint);
    }
    let (shape, style) = theme.platform(platform.state);
    let because = |word: &str| match &platform.reason {
        Some(reason) => format!("{shape} {word}: {reason}"),
        None => format!("{shape} {word}"),
    };
    let words = match platform.state {
        PlatformState::Ok => match (&platform.reason, platform.withdrawn.as_slice()) {
            // Some of its hosts are down, or its intervals are stretched.
            (Some(reason), _) => return (format!("◐ {reason}"), theme.warn),
            (None, []) => because("ok"),
            (None, [(metric, since), more @ ..]) => {
                let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
                let since = format::day_near(shared.day_of(*since), shared.today());
                return (format!("{shape} ok, but no {}{more} since {since}", metric.label()), theme.warn);
            }
        },
        PlatformState::Limited => match platform.held_until {
            Some(until) => because(&format!("waits until {}", format::moment(until, shared.now, &shared.zone))),
            None => because("limited"),
        },
        PlatformState::Down => because("down"),
        PlatformState::Unconfigured => because("not set up"),
    };
    (words, style)
}

/// A value in the form the user chose.
pub fn value(shared: &Shared, metric: Metric, value: Option<f64>) -> String {
    match value {
        None => format::UNKNOWN.to_owned(),
        Some(value) if shared.exact => format::exact_value(metric, value),
        Some(value) => format::value(metric, value),
    }
}

/// Two values, with all digits where their short forms would look the same, or show another step than there was.
pub fn pair(shared: &Shared, metric: Metric, from: Option<f64>, to: Option<f64>) -> (String, String) {
    let (short_from, short_to) = (value(shared, metric, from), value(shared, metric, to));
    match (from, to) {
        (Some(from), Some(to)) if short_from == short_to || (to - from).abs() < from.abs() * SMALL => {
            (format::exact_value(metric, from), format::exact_value(metric, to))
        }
        _ => (short_from, short_to),
    }
}

/// A change below this share can be smaller than what rounding to a short form adds.
const SMALL: f64 = 0.01;

/// `459K → 402K`.
pub fn from_to(shared: &Shared, metric: Metric, from: Option<f64>, to: Option<f64>) -> String {
    let (from, to) = pair(shared, metric, from, to);
    format!("{from} → {to}")
}

/// `followers 459K → 402K (-12.4%)`.
pub fn change(shared: &Shared, change: &Change) -> String {
    let by = match (change.from, change.to) {
        (Some(from), Some(to)) => format::change(from, to).map(|by| format!(" ({by})")),
        _ => None,
    };
    let values = from_to(shared, change.metric, change.from, change.to);
    format!("{} {values}{}", change.metric.label(), by.unwrap_or_default())
}

/// `profile numbers: followers 402K, engagement 5.0%`: those a team works with, as they last followed.
pub fn profile(shared: &Shared, profile: &Profile) -> String {
    let numbers = [
        (Metric::Followers, profile.followers.map(|count| count as f64)),
        (Metric::EngagementRate, profile.engagement_rate.map(Ratio::as_f64)),
        (Metric::AvgLikes, profile.avg_likes.map(Mean::as_f64)),
    ];
    let known = numbers.into_iter().filter(|(_, number)| number.is_some());
    let known = known.map(|(metric, number)| format!("{} {}", metric.label(), value(shared, metric, number)));
    format!("profile numbers: {}", known.collect::<Vec<_>>().join(", "))
}

/// What an alert is about: `followers -12.4%▼`, or its rule in words.
pub fn alert(alert: &Alert) -> String {
    let by = alert.change.and_then(Ratio::from_f64).map(format::trend);
    match (alert.metric, by) {
        (Some(metric), Some(by)) => format!("{} {}", metric.label(), by.trim_end()),
        (Some(metric), None) => metric.label().to_owned(),
        (None, _) if alert.rule == "needs-person" => "needs a person".to_owned(),
        (None, _) => alert.rule.replace('-', " "),
    }
}

/// The same in the colours of a screen.
pub fn alert_pieces(shared: &Shared, alert: &Alert) -> Vec<(String, Style)> {
    let (about, theme) = (self::alert(alert), &shared.theme);
    let by = alert.change.and_then(Ratio::from_f64).filter(|_| alert.metric.is_some());
    match (by, about.rsplit_once(' ')) {
        (Some(by), Some((metric, change))) => {
            vec![(format!("{metric} "), theme.plain), (change.to_owned(), theme.trend(Trend::of(by)))]
        }
        _ => vec![(about, theme.plain)],
    }
}

/// How many characters a full bar has.
pub const BAR: usize = 8;

/// `▰▰▰▰▱▱▱▱  62%`: how much of a limit is used; in colour once only the reserve is left.
pub fn budget_bar(shared: &Shared, budget: &Budget, share: f64) -> (String, Style) {
    let full = (share * BAR as f64).round().clamp(0.0, BAR as f64) as usize;
    let bar = "▰".repeat(full) + &"▱".repeat(BAR - full);
    let only_reserve = budget.limit.is_some_and(|limit| budget.used >= limit.saturating_sub(budget.reserve));
    let style = if only_reserve { shared.theme.warn } else { shared.theme.faint };
    (format!("{bar} {:>3.0}%", share * 100.0), style)
}

/// An alert's sign.
pub fn alert_shape(shared: &Shared, alert: &Alert) -> (char, Style) {
    let theme = &shared.theme;
    match (alert.state, alert.severity) {
        (AlertState::Open, _) if alert.silenced.is_silent() => ('‖', theme.faint),
        (AlertState::Open, Severity::Critical) => ('!', theme.bad),
        (AlertState::Open, _) => ('!', theme.warn),
        (AlertState::Acknowledged, _) => ('✓', theme.faint),
        (AlertState::Resolved, _) => ('○', theme.faint),
    }
}

/// Whom or what an alert is about, and the platform where that is an account.
pub fn alert_subject(shared: &Shared, alert: &Alert) -> (String, String) {
    match (&alert.influencer_name, alert.subject()) {
        (Some(name), (_, platform)) => {
            let platform = platform.map(|slug| format!(" · {}", shared.platform_name(slug)));
            (name.clone(), platform.unwrap_or_default())
        }
        (None, (slug, _)) => (shared.platform_name(slug).to_owned(), String::new()),
    }
}

#[cfg(test)]
mod tests {
    use roster_protocol::connection::Outage;

    use super::*;
    use crate::testing::{Daemon, online, samples};

    #[test]
    fn what_is_down_is_named_with_its_time() {
        let model = online(&mut Daemon::new(), 100, 30);
        let check = |by: &str, what: &str, expected: &str| {
            let outage = Outage { what: what.to_owned(), since: samples::minutes_ago(31) };
            let blocked = Connection {
                blocked_by: Some(by.to_owned()),
                outage: Some(outage),
                ..samples::connection(1, "mastodon", "mara@social.example")
            };
            let (words, style) = connection(&model.shared, &blocked, false);
            assert_eq!((words.as_str(), style), (expected, model.shared.theme.warn));
        };
        check("platform", "mastodon", "waits: Mastodon is down since 11:29");
        check("platform", "social.example", "waits: social.example is down since 11:29");
        check("network", "mastodon", "waits: no network here since 11:29");
    }

    #[test]
    fn what_is_well_in_part_only_is_amber() {
        let model = online(&mut Daemon::new(), 100, 30);
        let known = model.shared.platforms.iter().find(|known| known.state == PlatformState::Ok).expect("one is well");
        let part = PlatformStatus { reason: Some("down for 4 of 8 accounts".to_owned()), ..known.clone() };
        let shown = platform(&model.shared, &part);
        assert_eq!(shown, ("◐ down for 4 of 8 accounts".to_owned(), model.shared.theme.warn));
    }
}
