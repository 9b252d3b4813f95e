//! Yardsticks and figures. Machines are noisy: what counts is the ratio of medians of alternating runs in one process.

use std::time::{Duration, Instant};

/// The median, and the 99th percentile, of what `work` takes.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    pub p50: Duration,
    pub p99: Duration,
}

/// Sorts samples into a figure. Empty samples are zero.
pub fn figure(mut samples: Vec<Duration>) -> Figure {
    samples.sort();
    let at = |share: f64| samples.get(((samples.len() as f64 * share) as usize).min(samples.len().saturating_sub(1)));
    Figure { p50: at(0.5).copied().unwrap_or_default(), p99: at(0.99).copied().unwrap_or_default() }
}

/// Times one call.
pub async fn timed<T>(work: impl Future<Output = T>) -> Duration {
    let begun = Instant::now();
    work.await;
    begun.elapsed()
}

/// Prints a figure beside its yardstick, with the ratio and its goal.
pub fn compare(name: &str, ours: Figure, yardstick: Figure, goal: f64) {
    let micros = |duration: Duration| duration.as_secs_f64() * 1e6;
    let ratio = micros(ours.p50) / micros(yardstick.p50).max(0.001);
    let verdict = if ratio <= goal { "met" } else { "MISSED" };
    println!(
        "{name:<34} {:>9.1} µs (p99 {:>9.1})   yardstick {:>9.1} µs   ratio {ratio:>5.2}   goal ≤ {goal} {verdict}",
        micros(ours.p50),
        micros(ours.p99),
        micros(yardstick.p50)
    );
}

/// A sandbox-free daemon's config.
pub const QUIET_CONFIG: &str = "[http]\nlisten = \"off\"\n[sync]\ngateway = \"http://127.0.0.1:9\"\n";

/// A roster of `count` influencers with one connection and `days` days of history each, laid into a store in `dir`.
/// Nothing is due before `due`.
pub async fn lay_roster(
    dir: &std::path::Path,
    count: usize,
    days: i32,
    due: roster_protocol::Timestamp,
) -> anyhow::Result<()> {
    use roster_protocol::connection::{Snapshot, Source};
    use roster_protocol::metric::{Mean, Numbers, Ratio};
    use rosterd::model::{Commit, Connection, Influencer};
    use rosterd::store::{OpenOptions, Store};

    let now: roster_protocol::Timestamp = jiff::Timestamp::now().into();
    let today = rosterd::config::Config::parse("", "bench")?.sync.grid.date_of(now);
    let (store, _) = Store::open(OpenOptions::in_dir(dir, now))?;
    let mut dice = rosterd::sync::decide::Dice(fastrand::Rng::with_seed(7));
    let (mut commit, mut histories) = (Commit::default(), Vec::new());
    for place in 0..count {
        let size = 10f64.powf(2.5 + dice.share() * 3.5);
        let snapshot = |age: i32, share: f64| Snapshot {
            date: today.plus_days(-age),
            observed_at: now.plus_seconds(-i64::from(age) * 86_400),
            source: Source::Api,
            followers_step: None,
            definition: 0,
            numbers: Numbers {
                followers: Some((size * (1.0 - f64::from(age) * 0.001 + share * 0.001)) as u64),
                following: Some(250),
                posts: Some(1000 - age as u64),
                engagement_rate: Some(Ratio(30_000 + (share * 4000.0) as i64)),
                avg_likes: Some(Mean((size * (3.0 + share)) as u64)),
                avg_comments: Some(Mean((size * (0.3 + share * 0.1)) as u64)),
                ..Numbers::default()
            },
        };
        let history: Vec<Snapshot> = (0..days).rev().map(|age| snapshot(age, dice.share())).collect();
        let influencer = Influencer {
            id: dice.id(),
            name: format!("Influencer {place:05}"),
            tags: vec!["beauty".to_owned(), "nordic".to_owned()],
            note: None,
            paused: false,
            main: None,
            added_at: now,
        };
        let connection = Connection {
            id: dice.id(),
            influencer: influencer.id,
            platform: "bluesky".to_owned(),
            handle: format!("influencer{place}.example"),
            platform_user_id: Some(format!("did:plc:bench{place}")),
            connected_at: now,
            disconnected_at: None,
            paused: false,
            interval: None,
            next_due_at: due,
            slot_at: due,
            last_synced_at: Some(now),
            failures: 0,
            trouble: None,
            profile: None,
            latest: history.last().cloned(),
            first_day: history.first().map(|snapshot| snapshot.date),
        };
        histories.push((connection.id, history));
        commit.influencers.push(influencer);
        commit.connections.push(connection);
    }
    store.bulk_snapshots(today, histories).await?;
    store.commit(commit).await?;
    Ok(())
}
