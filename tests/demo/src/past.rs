//! The last 90 days of an invented world, laid into a fresh store as if Roster had watched them.

use std::path::Path;

use roster_protocol::alert::{AlertState, ChangeCause};
use roster_protocol::connection::{Profile, Snapshot, Source};
use roster_protocol::metric::Numbers;
use roster_protocol::sync::{Cause, Outcome};
use roster_protocol::time::{Date, Timestamp};
use roster_sandbox::{Account, Platform, Sandbox, State};
use rosterd::alerts::{change, evaluate, profile};
use rosterd::decision::Dice;
use rosterd::history::engagement::{PostNumbers, engagement};
use rosterd::model::{Alert, Change, Commit, Connection, Influencer, Run, Trouble, TroubleKind};
use rosterd::process::config::Config;
use rosterd::store::{OpenOptions, Store};

const DAYS: i32 = 90;
const HOUR: i64 = 3600;
/// Accounts that are gone, off, or failing have been so for this many days.
const TROUBLED_DAYS: i32 = 3;
/// The share of owners who took their consent back.
const TAKEN_BACK: f64 = 0.04;
/// A user has seen the alerts that are older than this.
const SEEN_AFTER_DAYS: i64 = 3;

/// Alerts get their numbers in the end, in the order in which they opened.
const UNNUMBERED: u64 = 0;

/// Lays influencers, connections, histories, runs, changes and alerts into a store in `dir`.
pub async fn lay(sandbox: &Sandbox, config: &Config, dir: &Path, seed: u64) -> anyhow::Result<()> {
    let now: Timestamp = jiff::Timestamp::now().into();
    let (store, _) = Store::open(OpenOptions::in_dir(dir, now))?;
    let mut past = Past { config, now, dice: Dice(fastrand::Rng::with_seed(seed)), commit: Commit::default() };
    let mut histories = Vec::new();
    for persona in sandbox.world().personas() {
        let influencer = Influencer {
            id: past.dice.id(),
            name: persona.name,
            tags: persona.tags,
            note: None,
            paused: false,
            main: None,
            added_at: now.plus_seconds(-i64::from(DAYS) * 24 * HOUR),
        };
        for key in persona.accounts {
            if let Some(account) = sandbox.world().account(key.platform, &key.handle) {
                histories.push(past.connection(&influencer, &account));
            }
        }
        past.commit.roster.influencers.push(influencer);
    }
    past.commit.sync.runs.sort_by_key(|run| run.started_at);
    past.commit.alerting.alerts.sort_by_key(|alert| alert.opened_at);
    (1..).zip(&mut past.commit.alerting.alerts).for_each(|(number, alert)| alert.number = number);
    store.bulk_snapshots(config.sync.grid.date_of(now), histories).await?;
    store.commit(past.commit).await?;
    Ok(())
}

struct Past<'a> {
    config: &'a Config,
    now: Timestamp,
    dice: Dice,
    commit: Commit,
}

impl Past<'_> {
    /// One connection with everything that happened to it; returns its history.
    fn connection(
        &mut self,
        influencer: &Influencer,
        account: &Account,
    ) -> (roster_protocol::ids::ConnectionId, Vec<Snapshot>) {
        let interval = self.config.sync.grid.interval.millis();
        let synced_at = Timestamp(self.now.0 - (self.dice.share() * interval as f64) as i64);
        let needs_consent = matches!(account.platform, Platform::Instagram | Platform::Facebook | Platform::Tiktok);
        let taken_back = needs_consent && self.dice.share() < TAKEN_BACK;
        let troubled = taken_back || account.state != State::Active || account.moved_to.is_some();
        let last = if troubled { synced_at.plus_seconds(-i64::from(TROUBLED_DAYS) * 24 * HOUR) } else { synced_at };
        let history = self.history(account, last);
        let next = Timestamp(synced_at.0 + interval);
        let mut connection = Connection {
            id: self.dice.id(),
            influencer: influencer.id,
            platform: account.platform.slug().to_owned(),
            handle: account.handle.clone(),
            platform_user_id: Some(account.id.clone()),
            connected_at: influencer.added_at,
            disconnected_at: None,
            paused: false,
            interval: None,
            next_due_at: next,
            slot_at: next,
            last_synced_at: history.last().map(|snapshot| snapshot.observed_at),
            failures: if troubled { 12 } else { 0 },
            trouble: troubled.then(|| if taken_back { without_consent(last) } else { trouble(account, last) }),
            profile: None,
            latest: history.last().cloned(),
            first_day: history.first().map(|snapshot| snapshot.date),
        };
        connection.profile = self.follow(&connection, &history);
        if troubled {
            self.wait_for_a_person(&connection, last);
        }
        self.runs(&connection, synced_at);
        let id = connection.id;
        self.commit.roster.connections.push(connection);
        (id, history)
    }

    /// One snapshot a day up to `last`; some days are missing, and some accounts lack three in a row.
    fn history(&mut self, account: &Account, last: Timestamp) -> Vec<Snapshot> {
        let newest = self.config.sync.grid.date_of(last);
        let gap = (self.dice.share() < 0.1).then(|| newest.plus_days(-(10 + (self.dice.share() * 60.0) as i32)));
        let is_gap = |date: Date| gap.is_some_and(|gap| date >= gap && date < gap.plus_days(3));
        (0..DAYS)
            .rev()
            .map(|age| (newest.plus_days(-age), last.plus_seconds(-i64::from(age) * 24 * HOUR)))
            .filter(|(date, _)| *date == newest || !(is_gap(*date) || self.dice.share() < 0.01))
            .map(|(date, at)| snapshot(account, date, at))
            .collect()
    }

    /// The values that the profile numbers took over time, with the changes and alerts that follow.
    fn follow(&mut self, connection: &Connection, history: &[Snapshot]) -> Option<Profile> {
        let mut followed: Option<Profile> = None;
        let mut open: Vec<Alert> = Vec::new();
        for (index, snapshot) in history.iter().enumerate() {
            let at = snapshot.observed_at;
            let previous = index.checked_sub(1).and_then(|before| history.get(before));
            let (profile, moves) = profile::follow(followed.as_ref(), snapshot, self.config.change.significant);
            followed = profile;
            let steps = evaluate::after_numbers(&moves, &open.iter().collect::<Vec<_>>(), at);
            self.commit.alerting.alerts.extend(steps.resolve);
            let moved = moves.iter().filter(|moved| moved.from.is_some()).map(|moved| (*moved, true));
            let recent = self.now.since(at) < 14 * 24 * HOUR * 1000;
            let small = change::between(previous, snapshot)
                .into_iter()
                .filter(|small| recent && !moves.iter().any(|moved| moved.metric == small.metric));
            for (difference, significant) in moved.chain(small.map(|small| (small, false))) {
                self.commit.sync.changes.push(Change {
                    at,
                    influencer: connection.influencer,
                    connection: connection.id,
                    platform: connection.platform.clone(),
                    metric: difference.metric,
                    from: difference.from,
                    to: difference.to,
                    cause: ChangeCause::Sync,
                    significant,
                });
            }
            if let Some(opening) = steps.open.into_iter().next() {
                open = vec![evaluate::opened(opening, UNNUMBERED, self.dice.id(), connection, at)];
            }
        }
        let seen_by_now = |alert: Alert| {
            if self.now.since(alert.opened_at) > SEEN_AFTER_DAYS * 24 * HOUR * 1000 {
                let ended_at = Some(alert.opened_at.plus_seconds(5 * HOUR));
                Alert { state: AlertState::Acknowledged, ended_at, acknowledged_by: Some("demo".to_owned()), ..alert }
            } else {
                alert
            }
        };
        self.commit.alerting.alerts.extend(open.into_iter().map(seen_by_now));
        followed
    }

    fn wait_for_a_person(&mut self, connection: &Connection, since: Timestamp) {
        let why = connection.trouble.as_ref().map(|trouble| format!("needs a person: {}", trouble.message));
        for opening in evaluate::after_failure(why.as_deref(), &[]).open {
            self.commit.alerting.alerts.push(evaluate::opened(opening, UNNUMBERED, self.dice.id(), connection, since));
        }
    }

    /// The runs of the last day.
    fn runs(&mut self, connection: &Connection, synced_at: Timestamp) {
        let trouble = connection.trouble.as_ref();
        for slot in 0..4 {
            let at = synced_at.plus_seconds(-slot * 6 * HOUR);
            self.commit.sync.runs.push(Run {
                id: self.dice.id(),
                connection: connection.id,
                influencer: connection.influencer,
                platform: connection.platform.clone(),
                due_at: at,
                started_at: at,
                duration_ms: 120 + (self.dice.share() * 700.0) as u64,
                outcome: if trouble.is_some() { Outcome::Failed } else { Outcome::Ok },
                cause: Cause::Schedule,
                is_retry: false,
                followers: connection.latest.as_ref().and_then(|l| l.numbers.followers).filter(|_| trouble.is_none()),
                error: trouble.map(|trouble| trouble.message.clone()),
                retry_at: None,
            });
        }
    }
}

fn without_consent(since: Timestamp) -> Trouble {
    let message = "the owner took the consent back".to_owned();
    Trouble { kind: TroubleKind::Unauthorized, message, since, retry_at: None }
}

fn trouble(account: &Account, since: Timestamp) -> Trouble {
    let kind = if account.state == State::Failing { TroubleKind::Unavailable } else { TroubleKind::AccountGone };
    let message = match (account.state, &account.moved_to) {
        (_, Some(moved_to)) => format!("moved to {moved_to}: edit the handle"),
        (State::Failing, _) => "the server returns nothing but errors".to_owned(),
        (State::Deactivated, _) => "the owner switched the account off".to_owned(),
        (State::Suspended, _) => "the platform suspended the account".to_owned(),
        _ => "no such account any more".to_owned(),
    };
    Trouble { kind, message, since, retry_at: None }
}

/// What the platform would have reported at that moment.
fn snapshot(account: &Account, date: Date, at: Timestamp) -> Snapshot {
    let numbers = account.numbers_at(at.to_jiff());
    let is_rounded = account.platform == Platform::Youtube;
    let step = 10u64.pow(numbers.followers.checked_ilog10().unwrap_or_default().saturating_sub(2));
    let followers =
        (!numbers.hidden).then_some(if is_rounded { numbers.followers / step * step } else { numbers.followers });
    let shares = |reposts: Option<u64>, quotes: Option<u64>| match (reposts, quotes) {
        (None, None) => None,
        (reposts, quotes) => Some(reposts.unwrap_or_default() + quotes.unwrap_or_default()),
    };
    let posts: Vec<PostNumbers> = numbers
        .recent
        .iter()
        .map(|post| PostNumbers {
            likes: post.likes,
            comments: post.comments,
            shares: shares(post.reposts, post.quotes),
            views: post.views,
        })
        .collect();
    let engagement = engagement(&posts, followers);
    Snapshot {
        date,
        observed_at: at,
        source: Source::Api,
        followers_step: (is_rounded && followers.is_some()).then_some(step),
        definition: u16::from(is_rounded),
        numbers: Numbers {
            followers,
            following: numbers.following,
            posts: Some(numbers.posts),
            engagement_rate: engagement.rate,
            avg_likes: engagement.avg_likes,
            avg_comments: engagement.avg_comments,
            avg_views: engagement.avg_views,
            ..Numbers::default()
        },
    }
}
