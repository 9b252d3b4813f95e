//! The clock: everything that is stored has a time, so one that is wrong spoils what it is about.

use jiff::tz::TimeZone;
use roster_protocol::rule::Happening;
use roster_protocol::time::Timestamp;

use super::{report, writable};
use crate::app::App;
use crate::schedule::EARLIEST_PLAUSIBLE;

/// How often it is looked at when nothing sets it.
const EVERY_S: i64 = 300;
/// So much behind the newest number it may be: clocks are corrected by moments all the time.
const BEHIND_MS: i64 = 120_000;

/// Reports whether it is wrong, again and again and whenever it is set.
pub async fn watch(app: &App) {
    loop {
        let now = app.clock.now();
        let newest = app.look(|roster| roster.newest_sync);
        let wrong = wrong(now, newest, &app.setup().config.sync.grid.zone);
        let is_stored = report(app, Happening::Clock, wrong).await;
        tokio::select! {
            () = app.clock.sleep_until(now.plus_seconds(EVERY_S)) => {}
            () = writable(app), if !is_stored => {}
        }
    }
}

/// What is wrong with it, `newest` being when the newest number was measured.
fn wrong(now: Timestamp, newest: Option<Timestamp>, zone: &TimeZone) -> Option<String> {
    let mend = "look at `timedatectl`";
    let in_words = |at: Timestamp| at.to_jiff().to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string();
    if now < EARLIEST_PLAUSIBLE {
        return Some(format!("the clock shows {}: nothing is requested until it is set; {mend}", in_words(now)));
    }
    let newest = newest.filter(|newest| newest.since(now) > BEHIND_MS)?;
    Some(format!(
        "the clock shows {}, before the newest number, of {}: it is wrong now or was then, and days may have numbers that \
         are not theirs; {mend}",
        in_words(now),
        in_words(newest)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_wrong_before_anyone_ran_this_and_behind_what_is_stored() {
        let noon = Timestamp(1_795_262_400_000);
        let check = |now: Timestamp, newest: Option<Timestamp>, expected: Option<&str>| {
            let wrong = wrong(now, newest, &TimeZone::UTC);
            assert_eq!(
                wrong.as_deref().map(|it| it.split_once(": ").map_or(it, |(begin, _)| begin)),
                expected,
                "{now:?}"
            );
        };
        check(noon, None, None);
        check(noon, Some(noon), None);
        check(noon, Some(noon.plus_seconds(120)), None);
        let behind = "the clock shows 2026-11-21 12:00 UTC, before the newest number, of 2026-11-21 12:03 UTC";
        check(noon, Some(noon.plus_seconds(180)), Some(behind));
        check(Timestamp(0), Some(noon), Some("the clock shows 1970-01-01 00:00 UTC"));
        check(Timestamp(0), None, Some("the clock shows 1970-01-01 00:00 UTC"));
    }
}
