//! `roster status`: the daemon, its schedule, coverage, platforms and store.

use std::fmt::Write;

use jiff::SignedDuration;
use roster_protocol::RosterError;
use roster_protocol::notice::grouped;
use roster_protocol::rule::Happening;
use roster_protocol::service::MOST_DAYS;
use roster_protocol::status::{self as protocol, Coverage, DayFigures};
use roster_protocol::text::{SENTENCE_CHARACTERS, clean};

use super::check::{self, Judged, Verdict};
use super::platforms::platform_table;
use crate::client::{response, short_call};
use crate::output::json;
use crate::output::table::{Cell, Table, Tone};
use crate::output::text::{ago, ahead, bytes, time};
use crate::output::{Ending, Failure, Look};
use crate::session::Session;
use crate::widgets::figures::{of_platforms, of_roster};
use crate::widgets::sparkline;

/// No terminal has room for more signs: of more days each sign is several.
const MOST_SIGNS: usize = 60;

/// `roster status`
#[derive(Debug, clap::Args)]
pub struct Status {
    /// Judge it as a monitoring plugin does: one line, exit 0 well, 1 warning, 2 critical, 3 not known
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    limits: check::Limits,
    /// The figures of so many days, up to 731
    #[arg(long, value_name = "N", default_value_t = 30, conflicts_with = "check")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=MOST_DAYS))]
    days: u64,
}

impl Status {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        let status = match self.status(session).await {
            Ok(status) => status,
            Err(error) if self.check => {
                let judged = Judged { verdict: Verdict::Unknown, why: vec![error.message] };
                return print(session, &judged, None);
            }
            Err(error) => return Err(error.into()),
        };
        if self.check {
            return print(session, &check::judge(&status, self.limits), Some(&status));
        }
        let client = session.connect().await?;
        let days = response(client.figures(short_call(), self.days).await)?;
        let count = usize::try_from(self.days).unwrap_or(MOST_SIGNS);
        let json = || json::status::Status::new(&status, &days);
        session.output.print(json, |look| format!("{}{}", text(&status, look), charts(&status, &days, count, look)))?;
        Ok(Ending::Done)
    }

    async fn status(&self, session: &Session) -> Result<protocol::Status, RosterError> {
        let client = session.connect().await?;
        response(client.status(short_call()).await)
    }
}

fn print(session: &mut Session, judged: &Judged, status: Option<&protocol::Status>) -> Result<Ending, Failure> {
    session.output.print(|| judged, |_| check::line(judged, status))?;
    Ok(judged.verdict.ending())
}

fn text(status: &protocol::Status, look: &Look) -> String {
    let connections = status.connections;
    let mut lines = vec![
        ("rosterd", format!("{} (protocol {}), up {}", status.version, status.protocol, uptime(status.uptime_s))),
        ("you", status.role.map(|role| format!("{} here", role.with_article())).unwrap_or_default()),
        ("influencers", grouped(status.influencers)),
        ("connections", connection_counts(&connections)),
        ("last 24 h", coverage(&status.coverage_24h)),
        ("adoption", adoption(status)),
        ("numbers", numbers(status, look)),
        ("next sync", next(status, look)),
        ("open alerts", grouped(status.open_alerts)),
        ("store", format!("{}, {} snapshots", bytes(status.store.bytes), grouped(status.store.snapshots))),
    ];
    if let Some(backup) = backup(&status.backup, look) {
        lines.push(("backup", backup));
    }
    if status.to_reseal > 0 {
        let left = grouped(status.to_reseal);
        lines.push(("master key", format!("a rotation is under way: {left} values are still to be sealed anew")));
    }
    if let Some(budget) = status.store.budget.filter(|budget| status.store.bytes > *budget) {
        lines.push(("store size", format!("more than [retention] size, {}", bytes(budget))));
    }
    if !status.retention_chosen {
        let choice = "a choice waits: `roster retention --dry-run` counts what would be deleted";
        lines.push(("retention", choice.to_owned()));
    }
    if let Some(reason) = &status.not_ready {
        lines.push(("NOT READY", clean(reason, SENTENCE_CHARACTERS)));
    }
    if let Some(lost) = &status.listener_lost {
        lines.push(("HTTP", format!("off: {}", clean(lost, SENTENCE_CHARACTERS))));
    }
    // The line above has the listener's.
    for trouble in status.troubles.iter().filter(|trouble| trouble.event != Happening::Listener) {
        lines.push((trouble.event.as_str(), clean(&trouble.why, SENTENCE_CHARACTERS)));
    }
    if let Some(refused) = &status.config_refused {
        lines.push(("config", format!("the one in use is older: {}", clean(refused, SENTENCE_CHARACTERS))));
    }
    if status.store.damaged > 0 {
        lines.push(("damaged", format!("{} records fail their checksum", grouped(status.store.damaged))));
    }
    let mut text = String::new();
    for (name, value) in lines.into_iter().filter(|(_, value)| !value.is_empty()) {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "{}{value}", look.paint.tone(&format!("{name:<13}"), Tone::Quiet));
    }
    let platforms = platform_table(&status.platforms, look);
    if !platforms.is_empty() {
        text.push('\n');
        text.push_str(&platforms);
    }
    text
}

/// Each figure over the last days, and what it is now.
fn charts(status: &protocol::Status, days: &[DayFigures], count: usize, look: &Look) -> String {
    let mut table = Table::new(&["FIGURE", "LAST DAYS", ">NOW", ""]);
    for row in of_roster(status, days, count).into_iter().chain(of_platforms(status, days, count)) {
        let tone = if row.is_short { Tone::Warn } else { Tone::Plain };
        let values = condensed(&row.values);
        // A day of which nothing is known.
        let signs: String = sparkline::signs(&values, MOST_SIGNS).into_iter().collect::<String>().replace(' ', "·");
        table.row([row.name.into(), Cell::new(signs, Tone::Quiet), Cell::new(row.now, tone), row.detail.into()]);
    }
    format!("\n{}", table.render(look.paint))
}

/// As many days in each sign as it takes, the newest complete: their mean, as far as it is known.
fn condensed(values: &[Option<u64>]) -> Vec<Option<u64>> {
    let each = values.len().div_ceil(MOST_SIGNS).max(1);
    let mean = |days: &[Option<u64>]| {
        let (sum, known) =
            days.iter().flatten().fold((0u128, 0u128), |(sum, known), day| (sum + u128::from(*day), known + 1));
        sum.checked_div(known).and_then(|mean| u64::try_from(mean).ok())
    };
    let mut signs: Vec<Option<u64>> = values.rchunks(each).map(mean).collect();
    signs.reverse();
    signs
}

/// `5h ago, 12.3 MB, every 24h`; `None` where there is none and none is scheduled.
fn backup(backup: &protocol::BackupStatus, look: &Look) -> Option<String> {
    let last = backup.last_at.map(|at| match ago(Some(at), &look.now) {
        age if age == "now" => "just now".to_owned(),
        age => format!("{age} ago"),
    });
    let size = backup.last_bytes.map(bytes);
    let every = backup.every.map(|every| format!("every {:#}", SignedDuration::from_millis(every.millis())));
    let failed = backup.failed.as_ref().map(|why| format!("the last one failed: {}", clean(why, SENTENCE_CHARACTERS)));
    if last.is_none() && every.is_none() {
        return None;
    }
    let last = last.unwrap_or_else(|| "none yet".to_owned());
    Some([Some(last), size, every, failed].into_iter().flatten().collect::<Vec<_>>().join(", "))
}

fn uptime(seconds: u64) -> String {
    match seconds {
        ..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

fn connection_counts(connections: &protocol::ConnectionCounts) -> String {
    let counts = [
        (connections.fresh, "fresh"),
        (connections.stale, "stale"),
        (connections.never, "never synced"),
        (connections.error, "failing"),
        (connections.reauthorize, "need consent"),
        (connections.paused, "paused"),
    ];
    listed(&counts).map_or_else(|| "none yet".to_owned(), |text| format!("{}: {text}", grouped(connections.total)))
}

fn adoption(status: &protocol::Status) -> String {
    let protocol::Adoption { connected, on_all_platforms } = status.adoption;
    let all = grouped(on_all_platforms);
    format!("{} of {} influencers connected, {all} on every platform", grouped(connected), grouped(status.influencers))
}

/// `4,100 known, 12 by hand, the oldest 3h old`
fn numbers(status: &protocol::Status, look: &Look) -> String {
    let protocol::DataQuality { numbers, by_hand, oldest_at } = status.data;
    let by_hand = if by_hand > 0 { format!(", {} by hand", grouped(by_hand)) } else { String::new() };
    let oldest = oldest_at.map(|at| match ago(Some(at), &look.now) {
        age if age == "now" => ", all from just now".to_owned(),
        age => format!(", the oldest {age} old"),
    });
    format!("{} known{by_hand}{}", grouped(numbers), oldest.unwrap_or_default())
}

/// `97.8% of 2,800: 2,760 ok, 12 failed`
pub(super) fn coverage(coverage: &Coverage) -> String {
    let counts = [
        (coverage.ok, "ok"),
        (coverage.partial, "partial"),
        (coverage.failed, "failed"),
        (coverage.skipped, "skipped"),
    ];
    if coverage.expected == 0 {
        return "nothing was due".to_owned();
    }
    let share = 100.0 * (coverage.ok + coverage.partial) as f64 / coverage.expected as f64;
    let text = listed(&counts).unwrap_or_else(|| "none ended yet".to_owned());
    // Cut, not rounded: 100 % means all of them.
    format!("{:.1}% of {}: {text}", (share * 10.0).floor() / 10.0, grouped(coverage.expected))
}

/// The counts that are not 0.
fn listed(counts: &[(u64, &str)]) -> Option<String> {
    let parts: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{} {what}", grouped(*count)))
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn next(status: &protocol::Status, look: &Look) -> String {
    let running: u64 = status.running.iter().map(|batch| batch.connections).sum();
    let counts = [(running, "running"), (status.waiting, "waiting")];
    let next = match (status.paused, status.next_due_at) {
        (true, _) => "everything is paused".to_owned(),
        (false, None) => "nothing is scheduled".to_owned(),
        (false, at) => ahead(at, &look.now),
    };
    let next = listed(&counts).map_or_else(|| next.clone(), |text| format!("{next} ({text})"));
    match (&status.waits_for, status.next_due_at) {
        (Some(why), Some(at)) if !status.paused => {
            format!("{next}: waits until {}, {}", time(at, &look.now), clean(why, SENTENCE_CHARACTERS))
        }
        _ => next,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn the_age_of_the_last_backup_is_said_where_there_is_one_or_should_be() {
        let check = |backup: protocol::BackupStatus, expected: Option<&str>| {
            assert_eq!(super::backup(&backup, &samples::look()).as_deref(), expected);
        };
        let none = protocol::BackupStatus::default();
        let made = protocol::BackupStatus {
            last_at: Some(samples::at("11:30:00")),
            last_bytes: Some(1_048_576),
            ..none.clone()
        };
        let every = Some(roster_protocol::Seconds(86_400));
        check(none.clone(), None);
        check(protocol::BackupStatus { every, ..none }, Some("none yet, every 24h"));
        check(made.clone(), Some("3h ago, 1.0 MB"));
        let failed = protocol::BackupStatus { every, failed: Some("no room".to_owned()), ..made };
        check(failed, Some("3h ago, 1.0 MB, every 24h, the last one failed: no room"));
    }

    #[test]
    fn json_has_the_names_scripts_rely_on() {
        let status = json::status::Status::new(&samples::status(), &samples::figures());
        insta::assert_snapshot!(samples::lines(status), @r#"
        {"version":"0.1.0","protocol":1,"role":"admin","uptime_s":11520,"influencers":300,"open_alerts":2,
        "unread_alerts":1,"paused":false,"waiting":3,"running":0,"next_due_at":"2026-11-21T14:34:00Z",
        "waits_for":null,"connections":{"total":700,"fresh":680,"stale":5,"never":3,"error":4,
        "reauthorize":6,"paused":2},"coverage_24h":{"expected":2800,"ok":2760,"partial":20,"failed":12,
        "skipped":8},"batches":[],"adoption":{"connected":290,"on_all_platforms":12},"data":{"numbers":4100,
        "by_hand":9,"oldest_at":"2026-11-21T08:15:00Z"},"days":[{"date":"2026-11-19","influencers":300,
        "adoption":{"connected":250,"on_all_platforms":12},"data":{"numbers":4100,"by_hand":9,
        "oldest_at":"2026-11-21T08:15:00Z"},"oldest_s":22500,"coverage":{"expected":1600,"ok":800,
        "partial":0,"failed":800,"skipped":0},"platforms":{"youtube":{"expected":1600,"ok":800,"partial":0,
        "failed":800,"skipped":0}}},{"date":"2026-11-21","influencers":300,"adoption":{"connected":290,
        "on_all_platforms":12},"data":{"numbers":4100,"by_hand":9,"oldest_at":"2026-11-21T08:15:00Z"},
        "oldest_s":22500,"coverage":{"expected":1600,"ok":1590,"partial":0,"failed":10,"skipped":0},
        "platforms":{"youtube":{"expected":1600,"ok":1590,"partial":0,"failed":10,"skipped":0}}}],
        "platforms":[{"platform":"youtube","enabled":true,"configured":true,"paused":false,"state":"ok",
        "reason":null,"connections":400,"last_ok_at":"2026-11-21T14:18:00Z",
        "next_due_at":"2026-11-21T14:34:00Z","held_until":null,"coverage_24h":{"expected":1600,"ok":1590,
        "partial":0,"failed":10,"skipped":0},"budget":{"platform":"youtube","lane":"youtube","unit":"units",
        "account":null,"used":6240,"limit":10000,"window_ends_at":"2026-11-21T20:00:00Z","reserve":1000,
        "interval_s":21600,"stretched_interval_s":27000},"withdrawn":[{"metric":"avg_views",
        "since":"2026-11-21T08:00:00Z"}]},{"platform":"bluesky","enabled":true,"configured":true,
        "paused":false,"state":"limited","reason":"it asked to come back at 15:00","connections":300,
        "last_ok_at":null,"next_due_at":"2026-11-21T14:34:00Z","held_until":null,
        "coverage_24h":{"expected":0,"ok":0,"partial":0,"failed":0,"skipped":0},"budget":null,
        "withdrawn":[{"metric":"avg_views","since":"2026-11-21T08:00:00Z"}]}],"store":{"bytes":1048576,
        "snapshots":63000,"writable":true,"budget":null},"backup":{"last_at":null,"last_bytes":null,
        "every_s":null,"next_at":null,"failed":null},"to_reseal":0,"retention":"chosen","not_ready":null,
        "listener_lost":null,"troubles":[],"config":{"loaded_at":"2026-11-21T11:18:00Z","refused":null}}
        "#);
    }

    #[test]
    fn text_shows_what_matters_first() {
        insta::assert_snapshot!(text(&samples::status(), &samples::look()), @r"
        rosterd      0.1.0 (protocol 1), up 3 h
        you          an admin here
        influencers  300
        connections  700: 680 fresh, 5 stale, 3 never synced, 4 failing, 6 need consent, 2 paused
        last 24 h    99.2% of 2,800: 2,760 ok, 20 partial, 12 failed, 8 skipped
        adoption     290 of 300 influencers connected, 12 on every platform
        numbers      4,100 known, 9 by hand, the oldest 6h old
        next sync    in 4m (3 waiting)
        open alerts  2
        store        1.0 MB, 63,000 snapshots

        PLATFORM  STATE      NEEDS       CONNECTIONS  24 H   LAST OK  NEXT   WHY
        youtube   ● ok       an API key          400  99.3%  12m      in 4m  no longer reports views a post, since 2026-11-21
        bluesky   ◐ limited  a handle            300  –      –        in 4m  it asked to come back at 15:00; no longer reports views a post, since 2026-11-21
        ");
    }

    #[test]
    fn each_figure_is_drawn_over_the_days() {
        insta::assert_snapshot!(charts(&samples::status(), &samples::figures(), 3, &samples::look()), @r"
        FIGURE                 LAST DAYS    NOW
        synced in 24 h         ▁·█        99.2%  2,760 ok, 20 partial, 12 failed, 8 skipped
        influencers connected  ▁·█        96.6%  290 of 300
        on every platform      ▄·▄         4.0%  12 of 300
        numbers by hand        ▄·▄         0.2%  9 of 4,100
        age of the oldest      ▄·▄           6h
        YouTube                ▁·█        99.3%  1,590 ok, 10 failed
        YouTube                ···            –  nothing was due
        ");
    }

    #[test]
    fn a_sign_is_several_days_where_there_are_many() {
        let year: Vec<Option<u64>> = (0..365).map(|day| (day >= 14).then_some(day)).collect();
        let signs = condensed(&year);
        assert_eq!((signs.len(), signs[0], signs[51], signs[52]), (53, None, Some(357 - 3), Some(361)));
        assert_eq!(condensed(&year[..60]), year[..60]);
        assert_eq!(condensed(&[Some(u64::MAX); 61]).last(), Some(&Some(u64::MAX)));
    }

    #[test]
    fn an_empty_daemon_says_so_in_words() {
        let empty = protocol::Status { running: vec![], waiting: 0, next_due_at: None, ..samples::status() };
        assert_eq!(next(&empty, &samples::look()), "nothing is scheduled");
        let held = protocol::Status {
            waits_for: Some("bluesky is held: its limit is used up".to_owned()),
            next_due_at: Some(samples::at("15:00:00")),
            ..samples::status()
        };
        let waits = "in 30m (3 waiting): waits until 2026-11-21 15:00, bluesky is held: its limit is used up";
        assert_eq!(next(&held, &samples::look()), waits);
        assert_eq!(coverage(&Coverage::default()), "nothing was due");
        assert_eq!(connection_counts(&protocol::ConnectionCounts::default()), "none yet");
        let nearly = Coverage { expected: 10_000, ok: 9_999, failed: 1, ..Coverage::default() };
        assert_eq!(coverage(&nearly), "99.9% of 10,000: 9,999 ok, 1 failed");
    }
}
