//! Every platform that is set up, tested as `roster platforms test` does, and the clock by what they respond.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use roster_protocol::consent::PlatformCheck;
use roster_protocol::doctor::Finding;
use roster_protocol::status::{PlatformState, PlatformStatus};
use roster_protocol::time::Timestamp;

use super::in_time;
use crate::app::App;
use crate::browse::overview;
use crate::consent::setup;
use crate::http_client::SeenDate;

/// How long each test may take: the clock is looked at afterwards.
const LONGEST: Duration = Duration::from_secs(20);
/// From here on a clock is wrong; less is the way of a response.
const SLOW_S: i64 = 30;
/// From here on platforms refuse what is signed with the time, and tokens are renewed too late.
const WRONG_S: i64 = 300;

/// The platforms, then the clock.
pub async fn look(app: &Arc<App>) -> Vec<Finding> {
    let (tested, others): (Vec<_>, Vec<_>) =
        overview::platforms(app).into_iter().partition(|platform| platform.enabled && platform.configured);
    let tests = tested.iter().map(|platform| in_time(&platform.platform, LONGEST, test(app, platform)));
    let mut found: Vec<Finding> = join_all(tests).await.into_iter().flatten().collect();
    let lacking: Vec<&str> = others.iter().filter(|it| it.enabled).map(|it| it.platform.as_str()).collect();
    if !lacking.is_empty() {
        let said = format!("not set up: {}", lacking.join(", "));
        let fix = Some("where you want one of them: `roster platforms test PLATFORM` says what it needs".to_owned());
        found.push(Finding { fix, ..Finding::note("platforms", said) });
    }
    found.push(clock(app.setup().http.seen_date().as_ref()));
    found
}

async fn test(app: &Arc<App>, status: &PlatformStatus) -> Vec<Finding> {
    let slug = &status.platform;
    let checks = match setup::test(app, slug).await {
        Ok(checks) => checks,
        Err(error) => return vec![Finding::fault(slug, error.message, error.hint.unwrap_or_default())],
    };
    let fix = format!("`roster platforms test {slug}` shows all that was found");
    let failed = checks.iter().filter(|check| check.ok == Some(false));
    let mut found: Vec<Finding> =
        failed.map(|check| Finding::fault(slug, format!("{}: {}", check.what, check.message), &fix)).collect();
    if found.is_empty() {
        found.push(of_good(status, &checks));
    }
    found
}

fn of_good(status: &PlatformStatus, checks: &[PlatformCheck]) -> Finding {
    let slug = &status.platform;
    if let (PlatformState::Down | PlatformState::Limited, Some(reason)) = (status.state, &status.reason) {
        let fix = "it is tried again by itself; `roster platforms` says when";
        return Finding::warning(slug, reason.clone(), fix);
    }
    let proven: Vec<&str> = checks.iter().filter(|it| it.ok == Some(true)).map(|it| it.message.as_str()).collect();
    Finding::well(slug, proven.last().copied().unwrap_or("nothing is known against it"))
}

/// The clock, by the newest response that had the time.
fn clock(seen: Option<&SeenDate>) -> Finding {
    let Some(SeenDate { host, theirs, ours }) = seen else {
        return Finding::note("clock", "no platform has responded with the time yet");
    };
    let ahead = ours.since(*theirs) / 1000;
    let found = format!("it is {} by the time of {host}", off(ahead, *ours));
    let fix = "set it, and keep it: `timedatectl set-ntp true`";
    match ahead.abs() {
        ahead if ahead > WRONG_S => Finding::fault("clock", found, fix),
        ahead if ahead > SLOW_S => Finding::warning("clock", found, fix),
        _ => Finding::well("clock", format!("it agrees with the time of {host}")),
    }
}

fn off(ahead_s: i64, ours: Timestamp) -> String {
    let direction = if ahead_s > 0 { "ahead" } else { "behind" };
    format!("{} s {direction} ({ours} here)", ahead_s.abs())
}

#[cfg(test)]
mod tests {
    use roster_protocol::Verdict;

    use super::*;

    #[test]
    fn a_clock_that_is_off_is_said_with_its_direction() {
        let check = |ahead_s: i64, verdict: Verdict, words: &str| {
            let theirs = Timestamp(1_795_262_400_000);
            let seen = SeenDate { host: "a.example".to_owned(), theirs, ours: theirs.plus_seconds(ahead_s) };
            let found = clock(Some(&seen));
            assert_eq!(found.verdict, verdict, "{found:?}");
            assert!(found.found.contains(words), "{found:?}");
        };
        check(0, Verdict::Well, "agrees with the time of a.example");
        check(30, Verdict::Well, "agrees");
        check(-31, Verdict::Warning, "31 s behind");
        check(301, Verdict::Fault, "301 s ahead");
        assert_eq!(clock(None).verdict, Verdict::Note);
    }
}
