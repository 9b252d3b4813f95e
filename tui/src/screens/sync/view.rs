//! ```text
//!  Roster › Sync  3 due · 651 of 673 ok · 1 running          ◐ 97.8% synced   2 alerts
//!    PLATFORM      STATE                     ACCOUNTS    24 H  LIMIT            NEXT
//!    YouTube       ● ok                           312   99.6%  ▰▰▰▰▰▱▱▱  62%     4m
//!    Instagram     ✗ down: does not respond       140   71.0%  ▰▱▱▱▱▱▱▱  12%  14:32
//!    NOW
//!    25 accounts · Bluesky                                                       2s
//!    LAST RUNS
//!  ▌ 25m  ok       Oskar & Ines · YouTube        402K                          0.8s
//!    31m  failed   nightgarden · Mastodon        no such account               0.3s
//! ```

use ratatui::style::Style;
use roster_protocol::status::Coverage;
use roster_protocol::sync::RunningBatch;
use roster_protocol::{Outcome, PlatformState, PlatformStatus, Run};

use super::{State, areas};
use crate::format;
use crate::screens::states;
use crate::shared::Shared;
use crate::widgets::pen::{Pen, columns};
use crate::widgets::table::{Column, Content, Table, cell, left, right};

/// Draws the progress of syncing.
pub fn view(shared: &Shared, state: &State, pen: &mut Pen<'_>) {
    let running: &[RunningBatch] = shared.status.as_ref().map_or(&[], |status| &status.running);
    let areas = areas(shared.size, shared.platforms.len(), running.len());
    draw_platforms(shared, pen, 1, areas.platforms);
    draw_running(shared, pen, running, 2 + areas.platforms, areas.running);
    draw_runs(shared, state, pen, 3 + areas.platforms + areas.running, areas.runs);
}

/// `18 due · 651 of 673 ok · 4 running`, the second of 24 hours, for the first line.
pub fn summary(shared: &Shared) -> String {
    let Some(status) = &shared.status else { return String::new() };
    let running: u64 = status.running.iter().map(|batch| batch.connections).sum();
    let coverage = status.coverage_24h;
    let [due, well, expected] = [status.waiting, coverage.well(), coverage.expected].map(format::exact);
    format!("{due} due · {well} of {expected} ok · {running} running")
}

fn share(coverage: Coverage) -> String {
    format::share(coverage.well(), coverage.expected)
}

/// Amber where not all went well; `None` otherwise.
fn covered(shared: &Shared, coverage: Coverage) -> Option<Style> {
    (coverage.ok < coverage.expected).then_some(shared.theme.warn)
}

fn draw_platforms(shared: &Shared, pen: &mut Pen<'_>, y: u16, lines: u16) {
    let table = [
        left("PLATFORM", 13, 0),
        left("STATE", 0, 0),
        right("ACCOUNTS", 8, 60),
        right("24 H", 7, 50),
        left("LIMIT", 13, BARS_FROM),
        right("NEXT", 6, 0),
    ];
    let table = Table::new(&table, shared.size.width);
    table.titles(pen, y);
    if shared.platforms.is_empty() {
        pen.put(3, y + 1, shared.size.width, "loading…", pen.theme.faint);
    }
    // What needs attention is above what is well, what is unused below.
    let mut platforms: Vec<&PlatformStatus> = shared.platforms.iter().collect();
    platforms.sort_by_key(|platform| (platform.connections == 0, platform.state == PlatformState::Ok));
    for (platform, y) in platforms.iter().zip(y + 1..=y + lines) {
        table.row(pen, y, &platform_cells(shared, platform), false);
    }
}

fn platform_cells(shared: &Shared, platform: &PlatformStatus) -> Vec<Content> {
    let theme = &shared.theme;
    let (mut words, style) = states::platform(shared, platform);
    let used = platform.budget.as_ref().and_then(|budget| budget.share());
    let is_well =
        platform.state == PlatformState::Ok && platform.reason.is_none() && platform.enabled && !platform.paused;
    if let Some(used) = used.filter(|_| is_well && shared.size.width < BARS_FROM) {
        words.push_str(&format!(" · {:.0}% of its limit", used * 100.0));
    }
    let next = platform.next_due_at.max(platform.held_until);
    let next = next.map_or(format::UNKNOWN.to_owned(), |at| format::until(shared.now, at));
    let unused = if platform.connections == 0 { theme.faint } else { theme.plain };
    vec![
        cell(&platform.name, unused),
        cell(words, style),
        cell(format::exact(platform.connections), unused),
        cell(share(platform.coverage_24h), covered(shared, platform.coverage_24h).unwrap_or(unused)),
        budget(shared, platform),
        cell(next, theme.faint),
    ]
}

/// `▰▰▰▰▱▱▱▱  62%`: how much of its tightest limit is used; in colour once only the reserve is left.
fn budget(shared: &Shared, platform: &PlatformStatus) -> Content {
    let theme = &shared.theme;
    let Some((budget, share)) = platform.budget.as_ref().and_then(|budget| Some((budget, budget.share()?))) else {
        return cell(format::UNKNOWN, theme.faint);
    };
    vec![states::budget_bar(shared, budget, share)]
}

/// The narrowest terminal with bars: others have the figure beside the state.
const BARS_FROM: u16 = 100;

fn draw_running(shared: &Shared, pen: &mut Pen<'_>, running: &[RunningBatch], y: u16, lines: u16) {
    let width = shared.size.width.saturating_sub(4);
    pen.put(3, y, width, "NOW", pen.theme.faint);
    if shared.status.as_ref().is_some_and(|status| !status.retention_chosen) {
        pen.put_right(8, y, width.saturating_sub(5), "a choice waits: roster retention --dry-run", pen.theme.warn);
    }
    if running.is_empty() {
        let next = shared.status.as_ref().and_then(|status| status.next_due_at);
        let waits = shared.status.as_ref().and_then(|status| status.waits_for.as_deref());
        let (words, style) = match (next, waits) {
            (Some(at), Some(why)) if at > shared.now => {
                (format!("waits until {}: {why}", format::moment(at, shared.now, &shared.zone)), pen.theme.warn)
            }
            (Some(at), _) if at > shared.now => {
                (format!("nothing; the next is due {}", due(shared, at)), pen.theme.plain)
            }
            _ => ("nothing".to_owned(), pen.theme.plain),
        };
        pen.put(3, y + 1, width, &words, style);
    }
    for (batch, y) in running.iter().zip(y + 1..=y + lines) {
        let who = match &batch.influencer_name {
            Some(name) => name.clone(),
            None => format!("{} accounts", format::exact(batch.connections)),
        };
        let text = format!("{who} · {}", shared.platform_name(&batch.platform));
        let elapsed = shared.now.since(batch.started_at).max(0) / 1_000;
        pen.put(3, y, width.saturating_sub(8), &text, pen.theme.plain);
        pen.put_right(3, y, width, &format!("{elapsed}s"), pen.theme.faint);
    }
}

fn due(shared: &Shared, at: roster_protocol::Timestamp) -> String {
    match format::until(shared.now, at).as_str() {
        "now" => "in less than a minute".to_owned(),
        span => format!("in {span}"),
    }
}

/// Age, outcome, account, result, duration.
fn run_columns(width: u16) -> [Column; 5] {
    let whose = (width * 2 / 5).min(60);
    [right("", 4, 0), left("", 7, 0), left("", whose, 0), left("", 0, 0), right("", 7, 60)]
}

fn draw_runs(shared: &Shared, state: &State, pen: &mut Pen<'_>, y: u16, lines: u16) {
    let width = shared.size.width;
    pen.put(3, y, width, "LAST RUNS", pen.theme.faint);
    if let Some((words, style)) = last_batch(shared) {
        pen.put_right(16, y, width.saturating_sub(17), &words, style);
    }
    let table = Table::new(&run_columns(width), width);
    let empty = match (&state.runs.error, state.runs.loaded) {
        (Some(error), false) => Some(error.message.as_str()),
        (None, false) => Some("loading…"),
        (_, true) if state.runs.rows.is_empty() => {
            Some("None yet. s syncs what is due; on the roster, the one under the cursor.")
        }
        _ => None,
    };
    if let Some(empty) = empty {
        pen.put(3, y + 1, width.saturating_sub(4), empty, pen.theme.faint);
    }
    for ((run, under_cursor), y) in state.runs.visible(lines.into()).zip(y + 1..) {
        table.row(pen, y, &run_cells(shared, run, under_cursor), under_cursor);
    }
    if let Some(run) = state.runs.current() {
        // What the column had no room for is on the last line in full.
        let (words, room) = (result_of(shared, run), table.span(3).map_or(0, |(_, room)| room));
        if columns(&words) > usize::from(room) {
            pen.put(3, y + lines + 1, width.saturating_sub(4), &words, pen.theme.faint);
        }
    }
}

/// `last batch: 25 Bluesky, 24 ok, 1 failed`, in amber unless all went well.
fn last_batch(shared: &Shared) -> Option<(String, Style)> {
    let batch = shared.status.as_ref()?.batches.first()?;
    let Coverage { expected, ok, partial, failed, skipped } = batch.runs;
    let counts = [(ok, "ok"), (partial, "partial"), (failed, "failed"), (skipped, "skipped")];
    let counts = counts.iter().filter(|(count, _)| *count > 0);
    let ended: Vec<String> = counts.map(|(count, word)| format!("{} {word}", format::exact(*count))).collect();
    let platform = shared.platform_name(&batch.platform);
    let words = format!("last batch: {} {platform}, {}", format::exact(expected), ended.join(", "));
    Some((words, if ok == expected { shared.theme.faint } else { shared.theme.warn }))
}

fn run_cells(shared: &Shared, run: &Run, under_cursor: bool) -> Vec<Content> {
    let theme = &shared.theme;
    let style = match run.outcome {
        Outcome::Ok => theme.good,
        Outcome::Partial => theme.warn,
        Outcome::Failed => theme.bad,
        Outcome::Skipped => theme.faint,
    };
    vec![
        cell(format::age(shared.now, run.started_at), theme.faint),
        cell(run.outcome.as_str(), style),
        vec![
            (run.influencer_name.clone(), if under_cursor { theme.strong } else { theme.plain }),
            (format!(" · {}", shared.platform_name(&run.platform)), theme.faint),
        ],
        cell(result_of(shared, run), theme.plain),
        cell(format::duration(run.duration_ms), theme.faint),
    ]
}

/// `402K`, or what went wrong and when it is tried again, and how late its slot was; or which slots were missed.
fn result_of(shared: &Shared, run: &Run) -> String {
    let late = Some(run.late_ms()).filter(|late| *late >= 60_000);
    let late = late.map(|late| format!("{} late", format::duration(late as u64)));
    let followers = (run.followers.is_some() || run.outcome == Outcome::Ok).then(|| shared.count(run.followers));
    if run.missed > 0 {
        let (first, last) = [run.due_at, run.slot_at].map(|at| format::moment(at, shared.now, &shared.zone)).into();
        let why = run.error.as_deref().unwrap_or_default();
        return match run.missed {
            1 => format!("missed {first}: {why}"),
            count => format!("missed {} slots, {first} to {last}: {why}", format::exact(count)),
        };
    }
    let retry = run.retry_at.map(|at| format!("again {}", format::moment(at, shared.now, &shared.zone)));
    [followers, run.error.clone(), late, retry].into_iter().flatten().collect::<Vec<_>>().join(" · ")
}
