//! The figures of the last days: those that are stored, and today's as they are now.

use roster_protocol::error::RosterError;
use roster_protocol::service::MOST_DAYS;
use roster_protocol::status::DayFigures;
use roster_protocol::time::{Date, Timestamp};

use super::quality;
use crate::app::{App, read_error};
use crate::roster::Roster;
use crate::schedule::Grid;
use crate::store::FiguresSince;

/// The figures of so many days, oldest first. Days of which none were kept are absent.
///
/// # Errors
/// The store cannot be read.
pub async fn of_last(app: &App, days: u64) -> Result<Vec<DayFigures>, RosterError> {
    app.wait_until_loaded().await;
    let now = app.clock.now();
    let today = app.setup().config.sync.grid.date_of(now);
    let before = days.clamp(1, MOST_DAYS) as i32 - 1;
    let stored = app.store.read(FiguresSince(today.plus_days(-before))).await;
    let mut figures = stored.map_err(|error| read_error(&error))?;
    figures.retain(|day| day.date < today);
    figures.push(app.look(|roster| of(roster, today, now)));
    Ok(figures)
}

/// The figures as they are now, under a date.
pub fn of(roster: &Roster, date: Date, now: Timestamp) -> DayFigures {
    let data = quality::data(roster);
    let coverage = roster.coverage.by_platform(now).into_iter();
    DayFigures {
        date,
        influencers: roster.influencers.len() as u64,
        adoption: quality::adoption(roster),
        data,
        oldest_s: data.oldest_at.map(|oldest| (now.since(oldest) / 1000).max(0) as u64),
        platforms: coverage
            .filter(|(_, coverage)| coverage.expected > 0)
            .map(|(platform, coverage)| (platform.to_owned(), coverage))
            .collect(),
    }
}

/// Whether any of today's influencers was in the roster on a day.
pub fn had_influencers(roster: &Roster, grid: &Grid, date: Date) -> bool {
    roster.influencers.values().any(|influencer| grid.date_of(influencer.added_at) <= date)
}

#[cfg(test)]
mod tests {
    use roster_protocol::status::{Adoption, Coverage};
    use roster_protocol::sync::Outcome;
    use roster_protocol::time::Seconds;

    use super::*;
    use crate::model::SyncCommit;
    use crate::roster::samples::*;

    #[test]
    fn a_days_figures_leave_out_what_was_not_due() {
        let mut roster = roster();
        let unknown = of(&roster, TODAY, NOON);
        assert_eq!((unknown.coverage(), unknown.oldest_s, unknown.influencers), (None, None, 2));
        let runs = vec![run(SKY, MARA, "bluesky", Outcome::Ok), run(HERS, LEA, "bluesky", Outcome::Failed)];
        roster.apply(&SyncCommit { runs, ..SyncCommit::default() }.into());
        let figures = of(&roster, TODAY, NOON.plus_seconds(60));
        let expected = Coverage { expected: 2, ok: 1, failed: 1, ..Coverage::default() };
        assert_eq!(figures.platforms, [("bluesky".to_owned(), expected)]);
        assert_eq!(figures.coverage(), Some(expected));
        assert_eq!(figures.adoption, Adoption { connected: 2, on_all_platforms: 0 });
    }
    #[test]
    fn a_day_before_the_first_influencer_has_no_figures() {
        let grid = Grid { zone: jiff::tz::TimeZone::UTC, daily: None, interval: Seconds(6 * 3600) };
        let mut roster = roster();
        roster.influencers.values_mut().for_each(|influencer| influencer.added_at = NOON);
        let days = [TODAY.plus_days(-1), TODAY, TODAY.plus_days(1)];
        assert_eq!(days.map(|day| had_influencers(&roster, &grid, day)), [false, true, true]);
    }
}
