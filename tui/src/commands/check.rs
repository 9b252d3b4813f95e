//! `roster status --check`: one line and an exit code, as monitoring wants them from a plugin.
//!
//! 0 well, 1 warning, 2 critical, 3 not known: the codes of Nagios, Icinga and their kin.

use roster_protocol::rule::Happening;
use roster_protocol::status::{ConnectionCounts, PlatformState, Status};
use roster_protocol::text::{SENTENCE_CHARACTERS, clean};
use serde::Serialize;

use crate::output::Ending;

/// How many of the wanted connections may be other than fresh, in percent.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Limits {
    /// With --check: warn when so many percent of the connections are not fresh
    #[arg(long, value_name = "PERCENT", default_value_t = 10.0, requires = "check", value_parser = percent)]
    warning: f64,
    /// With --check: critical when so many percent of the connections are not fresh
    #[arg(long, value_name = "PERCENT", default_value_t = 50.0, requires = "check", value_parser = percent)]
    critical: f64,
}

fn percent(text: &str) -> Result<f64, String> {
    let number = text.trim_end_matches('%').parse::<f64>().ok();
    number
        .filter(|percent| (0.0..=100.0).contains(percent))
        .ok_or_else(|| "write a percentage from 0 to 100".to_owned())
}

/// How well it is, from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Ok,
    Warning,
    Critical,
    Unknown,
}

impl Verdict {
    /// How the command ends.
    pub fn ending(self) -> Ending {
        match self {
            Verdict::Ok => Ending::Done,
            Verdict::Warning => Ending::Warning,
            Verdict::Critical => Ending::Critical,
            Verdict::Unknown => Ending::Unknown,
        }
    }
}

/// The verdict, and each reason for it, the gravest first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judged {
    pub verdict: Verdict,
    pub why: Vec<String>,
}

/// Judges a daemon that responded.
pub fn judge(status: &Status, limits: Limits) -> Judged {
    let counts = status.connections;
    let mut found: Vec<(Verdict, String)> = Vec::new();
    if let Some(reason) = &status.not_ready {
        found.push((Verdict::Critical, reason.clone()));
    }
    let coverage = status.coverage_24h;
    if coverage.expected > 0 && coverage.ok + coverage.partial == 0 {
        found.push((Verdict::Critical, format!("none of {} syncs of the last 24 h succeeded", coverage.expected)));
    }
    let (wanted, behind) = behind(counts);
    let share = if wanted == 0 { 0.0 } else { 100.0 * behind as f64 / wanted as f64 };
    for (limit, verdict) in [(limits.critical, Verdict::Critical), (limits.warning, Verdict::Warning)] {
        if behind > 0 && share >= limit {
            found.push((verdict, format!("{behind} of {wanted} connections are not fresh")));
            break;
        }
    }
    if let Some(refused) = &status.config_refused {
        found.push((Verdict::Warning, format!("the config was not loaded again: {refused}")));
    }
    if let Some(lost) = &status.listener_lost {
        found.push((Verdict::Warning, lost.clone()));
    }
    let other = status.troubles.iter().filter(|trouble| trouble.event != Happening::Listener);
    found.extend(other.map(|trouble| (Verdict::Warning, trouble.why.clone())));
    if status.store.damaged > 0 {
        found.push((Verdict::Warning, format!("{} records of the store are damaged", status.store.damaged)));
    }
    if let Some(failed) = &status.backup.failed {
        found.push((Verdict::Warning, format!("no backup was made: {failed}")));
    }
    let down = |state: PlatformState| state == PlatformState::Down;
    for platform in status.platforms.iter().filter(|it| it.enabled && it.connections > 0 && down(it.state)) {
        let reason = platform.reason.as_deref().unwrap_or("no response");
        found.push((Verdict::Warning, format!("{} is down: {reason}", platform.platform)));
    }
    if status.paused {
        found.push((Verdict::Warning, "all syncing is paused".to_owned()));
    }
    found.sort_by_key(|(verdict, _)| std::cmp::Reverse(*verdict));
    let verdict = found.first().map_or(Verdict::Ok, |(verdict, _)| *verdict);
    Judged { verdict, why: found.into_iter().map(|(_, why)| clean(&why, SENTENCE_CHARACTERS)).collect() }
}

/// Connections that should be synced, and how many of them are behind.
fn behind(counts: ConnectionCounts) -> (u64, u64) {
    let wanted = counts.total.saturating_sub(counts.paused);
    (wanted, wanted.saturating_sub(counts.fresh))
}

/// The line a plugin prints: what a person reads, and behind the bar what a machine draws.
pub fn line(judged: &Judged, status: Option<&Status>) -> String {
    let word = format!("{:?}", judged.verdict).to_uppercase();
    let Some(status) = status else { return format!("ROSTER {word} - {}\n", readable(&judged.why)) };
    let ConnectionCounts { total, fresh, stale, never, error, reauthorize, paused } = status.connections;
    let well = format!("{fresh} of {} connections are fresh", total.saturating_sub(paused));
    let why = if judged.why.is_empty() { well } else { readable(&judged.why) };
    let (alerts, bytes) = (status.open_alerts, status.store.bytes);
    format!(
        "ROSTER {word} - {why} | fresh={fresh};;;0;{total} stale={stale} never={never} error={error} \
         reauthorize={reauthorize} paused={paused} open_alerts={alerts} store={bytes}B\n"
    )
}

/// The bar begins the numbers, so the text before it may hold none.
fn readable(why: &[String]) -> String {
    why.join("; ").replace('|', "/")
}

#[cfg(test)]
mod tests {
    use roster_protocol::status::DaemonTrouble;

    use super::*;
    use crate::samples;

    const LIMITS: Limits = Limits { warning: 10.0, critical: 50.0 };

    fn well() -> Status {
        let mut status = samples::status();
        status.platforms.iter_mut().for_each(|platform| platform.state = PlatformState::Ok);
        status
    }

    fn check(change: impl FnOnce(&mut Status), verdict: Verdict, words: &str) {
        let mut status = well();
        change(&mut status);
        let judged = judge(&status, LIMITS);
        assert_eq!(judged.verdict, verdict, "{judged:?}");
        assert!(line(&judged, Some(&status)).contains(words), "{judged:?}");
    }

    #[test]
    fn each_trouble_has_its_weight() {
        check(|_| {}, Verdict::Ok, "ROSTER OK - 680 of 698 connections are fresh | fresh=680;;;0;700 stale=5");
        check(|it| it.connections.fresh = 600, Verdict::Warning, "98 of 698 connections are not fresh");
        check(|it| it.connections.fresh = 300, Verdict::Critical, "398 of 698 connections are not fresh");
        check(|it| it.not_ready = Some("the disk is full".into()), Verdict::Critical, "CRITICAL - the disk is full |");
        check(|it| it.config_refused = Some("x:2: wrong".into()), Verdict::Warning, "not loaded again: x:2: wrong");
        check(|it| it.listener_lost = Some("taken".into()), Verdict::Warning, "ROSTER WARNING - taken |");
        let no_network = DaemonTrouble { event: Happening::Network, why: "no network".into() };
        check(|it| it.troubles = vec![no_network], Verdict::Warning, "ROSTER WARNING - no network |");
        check(|it| it.store.damaged = 3, Verdict::Warning, "3 records");
        check(|it| it.backup.failed = Some("no room".into()), Verdict::Warning, "no backup was made: no room");
        check(|it| it.paused = true, Verdict::Warning, "paused");
        check(|it| it.platforms[0].state = PlatformState::Down, Verdict::Warning, "youtube is down");
        let nothing_went = |it: &mut Status| (it.coverage_24h.ok, it.coverage_24h.partial) = (0, 0);
        check(nothing_went, Verdict::Critical, "none of 2800 syncs");
    }

    #[test]
    fn the_gravest_is_first_and_no_bar_is_forged() {
        let mut status = well();
        status.paused = true;
        status.not_ready = Some("a | b\n\u{1b}[2J".into());
        let judged = judge(&status, LIMITS);
        let line = line(&judged, Some(&status));
        assert!(line.starts_with("ROSTER CRITICAL - a / b"), "{line}");
        assert_eq!((line.matches('|').count(), line.matches('\n').count()), (1, 1), "{line:?}");
        assert!(!line.contains('\u{1b}'), "{line:?}");
    }

    #[test]
    fn a_percentage_is_one() {
        assert_eq!(percent("12.5%"), Ok(12.5));
        assert!(percent("101").is_err() && percent("NaN").is_err() && percent("few").is_err());
    }
}
