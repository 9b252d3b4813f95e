//! A quiet account: how a count moves while nothing happens, and when it is measured.
//!
//! Fitted to 227 YouTube channels over 30 days (4,401 pairs of days) and, for how weeks differ, to 115 channels over three
//! years; both sets are public, and neither is in this repository. The tests below hold the fitted figures:
//!
//! - **Growth.** The median channel of 500 gains 0.2 % a day, of 4,000 0.1 %, of 40,000 0.04 %, of 300,000 0.015 %; one in
//!   ten gains three times as much. Every twelfth channel shrinks, slowly.
//! - **Moods.** A good week is followed by a good one (autocorrelation 0.4); one week in twenty gains three times the usual.
//! - **Rhythm.** Tuesdays gain a quarter less, Wednesdays and Thursdays a sixth more; nights less than afternoons.
//! - **Turnover.** Who comes and who goes makes noise like a count's, and a little more; large accounts barely notice.
//! - **Measuring.** Every interval with a jitter; one sync in 70 is missed, and every 80 days some are missed for 1 to 4 days.

use fastrand::Rng;

use crate::dice::{between, chance, lognormal, normal};
use crate::history::{DAY, WEEK};
use crate::wanted::day_line;

/// Monday first, as shares of a mean day.
const WEEKDAYS: [f64; 7] = [0.99, 0.73, 1.15, 1.19, 0.98, 1.02, 0.94];
/// How a day's mood depends on that of the day before, and how far moods are apart.
const MOOD_STAYS: f64 = 0.88;
const MOOD_SPREAD: f64 = 0.65;
/// The share of followers that come or go on a day and make noise.
const TURNOVER: f64 = 0.0002;

/// What is special about one account.
pub struct Account {
    pub size: f64,
    /// Its growth, as a multiple of what its size usually has; shrinking accounts have less than 0.
    pub drive: f64,
    pub mood_spread: f64,
    /// Noise beyond turnover, as a share of the count and day.
    pub wobble: f64,
    /// Half the height of a weekly rhythm of the count itself, as its share; mostly 0.
    pub rhythm: f64,
}

impl Account {
    pub fn drawn(dice: &mut Rng, size: f64) -> Self {
        let drive = lognormal(dice, 1.0, 0.9);
        let drive = if chance(dice, 1.0 / 12.0) { -0.15 * drive } else { drive };
        Self { size, drive, mood_spread: MOOD_SPREAD, wobble: lognormal(dice, 0.000_03, 0.7), rhythm: 0.0 }
    }

    /// It grows steadily, by 0.1 to 0.35 % a day at first, whatever its size.
    pub fn grow_steadily(&mut self, dice: &mut Rng) {
        self.drive = between(dice, 0.001, 0.003_5) / usual_growth(self.size);
        self.mood_spread = 0.2;
    }

    /// It gains and loses up to a fifth of what would be news, each week.
    pub fn have_a_rhythm(&mut self, dice: &mut Rng) {
        self.rhythm = between(dice, 0.05, 0.2) * day_line(self.size);
    }
}

/// What the median account of a size gains a day, as a share.
fn usual_growth(size: f64) -> f64 {
    (0.000_95 * (4_000.0 / size.max(50.0)).powf(0.42)).max(0.000_08)
}

/// When syncs measured something, in seconds since the start.
pub fn sync_times(dice: &mut Rng, days: i64, interval: i64) -> Vec<i64> {
    let jitter = interval / 48;
    let (mut times, mut gap_until) = (Vec::with_capacity((days * DAY / interval) as usize + 1), 0);
    let mut due = dice.i64(0..interval.max(1));
    while due < days * DAY {
        if chance(dice, interval as f64 / (80 * DAY) as f64) {
            gap_until = due + dice.i64(DAY..4 * DAY);
        }
        if due >= gap_until && !chance(dice, 1.0 / 70.0) {
            times.push((due + dice.i64(-jitter..=jitter)).max(0));
        }
        due += interval;
    }
    times
}

/// The count at each time, without rounding and without moves.
pub fn path(dice: &mut Rng, account: &Account, times: &[i64]) -> Vec<f64> {
    let starts_on = dice.i64(0..7) * DAY;
    let wave_from = dice.i64(0..WEEK);
    let (mut count, mut last) = (account.size, times.first().copied().unwrap_or(0));
    let (mut mood, mut today, mut growth) = (account.mood_spread * normal(dice), i64::MIN, 0.0);
    let mut path = Vec::with_capacity(times.len());
    for &at in times {
        if at.div_euclid(DAY) != today {
            today = at.div_euclid(DAY);
            let stays = MOOD_STAYS;
            mood = stays * mood + (1.0 - stays * stays).sqrt() * account.mood_spread * normal(dice);
            let mean_one = (mood.min(1.8) - account.mood_spread.powi(2) / 2.0).exp();
            growth = (account.drive * usual_growth(count)).clamp(-0.01, 0.06) * mean_one;
        }
        let days = (at - last) as f64 / DAY as f64;
        let weekday = WEEKDAYS[((at + starts_on).rem_euclid(WEEK) / DAY) as usize];
        let noise = (TURNOVER * count * days).sqrt() + account.wobble * count * days.sqrt();
        count += count * growth * weekday * hour_share(at, days) * days + noise * normal(dice);
        count = count.max(1.0);
        last = at;
        let wave = ((at - wave_from) as f64 / WEEK as f64 * std::f64::consts::TAU).sin();
        path.push(count * (1.0 + account.rhythm * wave));
    }
    path
}

/// Nights gain less than afternoons; over a day or more it is even.
fn hour_share(at: i64, days: f64) -> f64 {
    let swing = 0.4 * (1.0 - days).max(0.0);
    1.0 + swing * (at.rem_euclid(DAY) as f64 / DAY as f64 * std::f64::consts::TAU).sin()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::{Options, history};
    use crate::history::{History, Platform};

    /// Smallest, then each tenth, then the largest of the measured channels.
    const MEASURED_SIZES: [f64; 11] =
        [6.0, 1_220.0, 5_320.0, 13_900.0, 22_400.0, 33_700.0, 71_800.0, 115_000.0, 191_000.0, 405_000.0, 2_690_000.0];

    /// A quiet YouTube channel over 30 days, with a size between two neighbours of the measured ones.
    fn channel(dice: &mut Rng, tenth: usize) -> History {
        let sizes = (MEASURED_SIZES[tenth], MEASURED_SIZES[tenth + 1]);
        let platform = Some(Platform::Youtube);
        history(dice, &Options { days: 31, platform, sizes, eventful: 0, nuisances: false, ..Options::default() })
    }

    /// Counts of about the same hour on two days that follow each other.
    fn day_pairs(history: &History) -> Vec<(u64, u64)> {
        let daily = (1..=30).filter_map(|day| {
            let near = |at: i64| (at - day * DAY).abs() <= DAY / 6;
            history.points.iter().find(|point| near(point.at)).map(|point| (day, point.followers))
        });
        let daily: Vec<(i64, u64)> = daily.collect();
        let pairs = daily.windows(2).filter(|pair| pair[1].0 == pair[0].0 + 1 && pair[0].1 > 0);
        pairs.map(|pair| (pair[0].1, pair[1].1)).collect()
    }

    fn at_share(sorted: &[f64], share: f64) -> f64 {
        sorted[(sorted.len() as f64 * share) as usize]
    }

    /// Ten times the measured channels, so that the draw matters little; the bounds are what a draw of 227 may differ.
    #[test]
    fn quiet_channels_have_the_measured_figures() {
        let mut dice = Rng::with_seed(1);
        let pairs: Vec<(u64, u64)> =
            (0..2_270).flat_map(|number| day_pairs(&channel(&mut dice, number % 10))).collect();
        let steps = |least: u64, most: u64| {
            let in_tier = pairs.iter().filter(move |(from, _)| (least..most).contains(from));
            let mut steps: Vec<f64> = in_tier.map(|(from, to)| (*to as f64 / *from as f64 - 1.0).abs()).collect();
            steps.sort_by(f64::total_cmp);
            steps
        };
        let unchanged = |steps: &[f64]| steps.partition_point(|step| *step == 0.0) as f64 / steps.len() as f64;
        let mut found = Vec::new();
        let mut check = |what: &str, figure: f64, measured: f64, least: f64, most: f64| {
            found.push(format!("{what}: {figure:.4}, measured {measured}, {}", (least..=most).contains(&figure)));
        };
        let all = steps(0, u64::MAX);
        let changed = &all[all.partition_point(|step| *step == 0.0)..];
        check("pairs without a visible change", unchanged(&all), 0.80, 0.77, 0.83);
        check("median visible step", at_share(changed, 0.5), 0.0032, 0.0028, 0.0037);
        check("95th percentile of visible steps", at_share(changed, 0.95), 0.018, 0.014, 0.023);
        let beyond =
            |share: f64| (all.len() - all.partition_point(|step| *step <= share)) as f64 * 1e4 / all.len() as f64;
        check("pairs in 10,000 beyond 10 %", beyond(0.10), 4.5, 0.5, 18.0);
        check("pairs in 10,000 beyond 2 %", beyond(0.02), 95.0, 65.0, 135.0);
        let fell = pairs.iter().filter(|(from, to)| to < from).count() as f64 * 1e4 / pairs.len() as f64;
        check("pairs in 10,000 that fell", fell, 39.0, 20.0, 90.0);
        check("unchanged from 1,000", unchanged(&steps(1_000, 10_000)), 0.63, 0.56, 0.69);
        check("unchanged from 10,000", unchanged(&steps(10_000, 100_000)), 0.81, 0.77, 0.85);
        check("unchanged from 100,000", unchanged(&steps(100_000, 1_000_000)), 0.92, 0.88, 0.95);
        check("unchanged from a million", unchanged(&steps(1_000_000, u64::MAX)), 0.97, 0.93, 0.99);
        println!("{}", found.join("\n"));
        assert!(found.iter().all(|line| line.ends_with("true")), "a figure is out of its bounds");
    }

    /// Weekly gains of 115 channels against the median of the 26 weeks before: half of them 43 % off, one in ten doubled.
    #[test]
    fn weeks_differ_as_measured() {
        let mut dice = Rng::with_seed(2);
        let mut ratios = Vec::new();
        for _ in 0..60 {
            let times: Vec<i64> = (0..400).map(|day| day * DAY).collect();
            let account = Account { drive: 1.0, ..Account::drawn(&mut dice, 500_000.0) };
            let path = path(&mut dice, &account, &times);
            let weeks: Vec<f64> = path.iter().step_by(7).copied().collect();
            let gains: Vec<f64> = weeks.windows(2).map(|pair| pair[1] - pair[0]).collect();
            for (place, gain) in gains.iter().enumerate().skip(26) {
                let mut before = gains[place - 26..place].to_vec();
                before.sort_by(f64::total_cmp);
                ratios.push(gain / before[13]);
            }
        }
        ratios.sort_by(f64::total_cmp);
        let (doubled, tripled) = (at_share(&ratios, 0.9), at_share(&ratios, 0.95));
        assert!((1.6..2.6).contains(&doubled) && (2.0..3.6).contains(&tripled), "{doubled} {tripled}");
    }

    #[test]
    fn syncs_are_missed_at_times() {
        let mut dice = Rng::with_seed(3);
        let times: Vec<Vec<i64>> = (0..50).map(|_| sync_times(&mut dice, 400, DAY / 4)).collect();
        let count: usize = times.iter().map(Vec::len).sum();
        assert!((50 * 1_600 * 90 / 100..50 * 1_600 * 98 / 100).contains(&count), "{count}");
        let gaps = times.iter().flat_map(|times| times.windows(2)).filter(|pair| pair[1] - pair[0] > DAY).count();
        assert!((150..350).contains(&gaps), "{gaps}");
    }
}
