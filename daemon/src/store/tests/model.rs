//! The store against plain maps.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;
use roster_protocol::alert::AlertState;
use roster_protocol::connection::{ReadWith, Snapshot};
use roster_protocol::ids::ConnectionId;
use roster_protocol::metric::Metric;
use roster_protocol::reported::ReportedDay;
use roster_protocol::status::DayFigures;
use roster_protocol::time::Date;

use super::disk::{Disk, submit};
use super::sample::*;
use crate::history::reported;
use crate::history::retention::{Rule, Rules, Tallies, Tally, sort};
use crate::history::rollup::{Origin, Week};
use crate::model::{
    Alert, AudienceOn, AuditLine, BudgetKey, BudgetUse, Change, Commit, Connection, Delivery, DeliveryState, Hold,
    Influencer, Loaded, Run, Settings,
};
use crate::store::reader::Reader;
use crate::store::tables::{month_of, month_start};
use crate::store::{
    AlertsQuery, AuditQuery, DeliveriesOf, FiguresSince, HistoryQuery, Load, Query, RecentValues, ReportedQuery,
    SnapshotCount, SnapshotOn, Store, StoreError, WeeksQuery,
};

/// How many connections and days there are.
const WHO: u8 = 4;
const DAYS: i32 = 70;

/// What should be stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Model {
    pub(super) influencers: BTreeMap<[u8; 5], Influencer>,
    pub(super) connections: BTreeMap<[u8; 5], Connection>,
    pub(super) snapshots: BTreeMap<(ConnectionId, Date), Snapshot>,
    pub(super) weeks: BTreeMap<(ConnectionId, Date, Origin), Week>,
    pub(super) runs: BTreeMap<Vec<u8>, Run>,
    /// In the order of their keys, and those of one key as they were written.
    pub(super) changes: Vec<Change>,
    pub(super) alerts: BTreeMap<u64, Alert>,
    /// In the order of their keys.
    pub(super) deliveries: BTreeMap<Vec<u8>, Delivery>,
    pub(super) audit: Vec<AuditLine>,
    pub(super) holds: BTreeMap<String, Hold>,
    pub(super) budgets: BTreeMap<BudgetKey, BudgetUse>,
    pub(super) settings: Settings,
    pub(super) shown: BTreeMap<u32, u64>,
    pub(super) figures: BTreeMap<Date, DayFigures>,
    pub(super) reported: BTreeMap<ConnectionId, Vec<ReportedDay>>,
    /// By the month of their day.
    pub(super) audiences: BTreeMap<(ConnectionId, Date), AudienceOn>,
}

impl Model {
    pub(super) fn apply(&mut self, commit: &Commit) {
        use crate::store::records::Record;
        for influencer in &commit.roster.influencers {
            self.influencers.insert(influencer.id.0, influencer.clone());
        }
        for id in &commit.roster.removed_influencers {
            self.influencers.remove(&id.0);
        }
        for connection in &commit.roster.connections {
            self.connections.insert(connection.id.0, connection.clone());
        }
        for connection in &commit.roster.removed_connections {
            self.connections.remove(&connection.id.0);
            self.forget(connection.id);
        }
        commit.sync.forgotten_histories.iter().for_each(|connection| self.forget(connection.id));
        for (id, days) in &commit.sync.reported {
            let known = self.reported.remove(id).unwrap_or_default();
            self.reported.insert(*id, reported::merged(known, days));
        }
        for audience in &commit.sync.audiences {
            let month = month_start(month_of(audience.date).0);
            self.audiences.insert((audience.connection, month), audience.clone());
        }
        for (id, snapshot) in &commit.sync.snapshots {
            self.snapshots.insert((*id, snapshot.date), snapshot.clone());
        }
        self.runs.extend(commit.sync.runs.iter().map(|run| (run.key(), run.clone())));
        self.changes.extend(commit.sync.changes.iter().cloned());
        self.changes.sort_by_key(Record::key);
        self.alerts.extend(commit.alerting.alerts.iter().map(|alert| (alert.number, alert.clone())));
        for delivery in &commit.alerting.deliveries {
            self.deliveries.insert(delivery.key(), delivery.clone());
        }
        self.audit.extend(commit.audit.lines.iter().cloned());
        self.figures.extend(commit.sync.figures.iter().map(|day| (day.date, day.clone())));
        self.holds.extend(commit.sync.holds.iter().map(|hold| (hold.lane.clone(), hold.clone())));
        commit.sync.released_holds.iter().for_each(|lane| drop(self.holds.remove(lane)));
        self.budgets.extend(commit.sync.budgets.iter().map(|budget| (budget.key.clone(), budget.clone())));
        commit.sync.removed_budgets.iter().for_each(|key| drop(self.budgets.remove(key)));
        self.settings = commit.roster.settings.clone().unwrap_or_else(|| self.settings.clone());
        self.shown.extend(commit.alerting.desktop_shown);
    }

    fn forget(&mut self, connection: ConnectionId) {
        self.snapshots.retain(|(id, _), _| *id != connection);
        self.weeks.retain(|(id, _, _), _| *id != connection);
        self.reported.remove(&connection);
        self.audiences.retain(|(id, _), _| *id != connection);
    }

    /// After `Store::retain`; returns the same. Days that are still in the log become no weeks yet.
    pub(super) fn retain(&mut self, rules: &Rules, is_folded: impl Fn(ConnectionId, Date) -> bool) -> Tallies {
        let mut tallies = Tallies::new();
        for ((connection, date), snapshot) in std::mem::take(&mut self.snapshots) {
            let rule = rules
                .get(&connection)
                .copied()
                .map(|rule| if is_folded(connection, date) { rule } else { rule.without_weeks() });
            let Some(rule) = rule else {
                self.snapshots.insert((connection, date), snapshot);
                continue;
            };
            let sorted = sort(&rule, vec![snapshot]);
            tallies.entry(connection).or_default().add(&sorted.tally);
            self.snapshots.extend(sorted.left.into_iter().map(|left| ((connection, date), left)));
            for (origin, week) in
                sorted.weeks.into_iter().flat_map(|(origin, weeks)| weeks.into_iter().map(move |it| (origin, it)))
            {
                match self.weeks.entry((connection, week.monday, origin)) {
                    Entry::Vacant(free) => drop(free.insert(week)),
                    Entry::Occupied(mut known) => known.get_mut().add(&week),
                }
            }
        }
        self.weeks.retain(|(connection, monday, origin), _| {
            let is_deleted = rules.get(connection).is_some_and(|rule| rule.deletes_week(*origin, *monday));
            if is_deleted {
                let newest_deleted = Some(monday.plus_days(6));
                tallies.entry(*connection).or_default().add(&Tally { weeks: 1, newest_deleted, ..Tally::default() });
            }
            !is_deleted
        });
        self.retain_reported(rules, &mut tallies);
        tallies.retain(|_, tally| !tally.is_empty());
        tallies
    }

    fn retain_reported(&mut self, rules: &Rules, tallies: &mut Tallies) {
        let is_deleted = |who: &ConnectionId, day: Date| {
            rules.get(who).and_then(|rule| rule.consent_from).is_some_and(|from| day < from)
        };
        for (who, days) in &mut self.reported {
            for day in days.extract_if(.., |day| is_deleted(who, day.date)) {
                let tally = Tally { reported: 1, newest_deleted: Some(day.date), ..Tally::default() };
                tallies.entry(*who).or_default().add(&tally);
            }
        }
        self.reported.retain(|_, days| !days.is_empty());
        self.audiences.retain(|(who, _), audience| {
            let is_deleted = is_deleted(who, audience.date);
            if is_deleted {
                let tally = Tally { newest_deleted: Some(audience.date), ..Tally::default() };
                tallies.entry(*who).or_default().add(&tally);
            }
            !is_deleted
        });
    }

    /// After `Store::sweep`.
    fn sweep(&mut self, removed: &[ConnectionId]) {
        self.runs.retain(|_, run| !removed.contains(&run.connection));
        self.changes.retain(|change| !removed.contains(&change.connection));
    }
}

/// Everything that can be read from a store, as a model.
pub(super) fn everything_in(store: &Store) -> Result<Model, StoreError> {
    store.handle.shared.read(|reader| {
        let loaded = Load.read(reader)?;
        let mut model = Model {
            influencers: loaded.influencers.into_iter().map(|one| (one.id.0, one)).collect(),
            connections: loaded.connections.into_iter().map(|one| (one.id.0, one)).collect(),
            holds: loaded.holds.into_iter().map(|hold| (hold.lane.clone(), hold)).collect(),
            budgets: loaded.budgets.into_iter().map(|budget| (budget.key.clone(), budget)).collect(),
            settings: loaded.settings,
            shown: loaded.desktop_shown.into_iter().collect(),
            figures: FiguresSince(Date(i32::MIN)).read(reader)?.into_iter().map(|day| (day.date, day)).collect(),
            ..Model::default()
        };
        read_lists(reader, &mut model)?;
        for which in 0..WHO {
            let of = connection(which, 1);
            for snapshot in HistoryQuery::of(&of).read(reader)? {
                model.snapshots.insert((of.id, snapshot.date), snapshot);
            }
            let (days, newest) =
                ReportedQuery { connection: of.id, days: Date(i32::MIN)..=Date(i32::MAX) }.read(reader)?;
            if !days.is_empty() {
                model.reported.insert(of.id, days);
            }
            for audience in reader.audiences(of.id)? {
                model.audiences.insert((of.id, month_start(month_of(audience.date).0)), audience);
            }
            assert_eq!(
                newest,
                model
                    .audiences
                    .range((of.id, Date(i32::MIN))..=(of.id, Date(i32::MAX)))
                    .next_back()
                    .map(|(_, newest)| (newest.date, newest.audience.clone())),
                "the newest one"
            );
            for (origin, week) in WeeksQuery(HistoryQuery::of(&of)).read(reader)? {
                model.weeks.insert((of.id, week.monday, origin), week);
            }
        }
        Ok(model)
    })
}

/// Whether what is read at start is a part of the whole.
fn start_agrees(loaded: &Loaded, model: &Model) -> bool {
    let live: Vec<_> = model.alerts.values().filter(|alert| alert.state != AlertState::Resolved).cloned().collect();
    let pending = model.deliveries.values().filter(|delivery| delivery.state == DeliveryState::Pending);
    // Users may have been shown one whose row is gone.
    let newest = model.alerts.keys().chain(model.shown.values()).copied().max().unwrap_or(0);
    loaded.alerts == live && loaded.last_alert == newest && loaded.deliveries == pending.cloned().collect::<Vec<_>>()
}

fn read_lists(reader: &Reader<'_>, model: &mut Model) -> Result<(), StoreError> {
    use crate::store::records::Record;
    let runs = all_runs().read(reader)?;
    model.runs.extend(runs.rows.into_iter().map(|run| (run.key(), run)));
    let changes = all_changes().read(reader)?;
    model.changes.extend(changes.rows.into_iter().rev());
    for state in AlertState::ALL {
        let query = AlertsQuery { state: Some(state), limit: usize::MAX, ..AlertsQuery::default() };
        for alert in query.read(reader)?.rows {
            for delivery in DeliveriesOf(alert.number).read(reader)? {
                model.deliveries.insert(delivery.key(), delivery);
            }
            model.alerts.insert(alert.number, alert);
        }
    }
    let mut audit = AuditQuery { since: None, before: None, limit: usize::MAX }.read(reader)?.rows;
    audit.reverse();
    model.audit.extend(audit.into_iter().map(|(_, line)| line));
    Ok(())
}

/// A commit of a few things, drawn from random numbers.
pub(super) fn commit_of(random: &mut fastrand::Rng) -> Commit {
    let mut commit = Commit::default();
    let seed = random.u32(0..1 << 20);
    let which = random.u8(0..WHO);
    if random.u8(0..4) == 0 {
        commit.roster.influencers.push(influencer(which, seed));
    } else if random.u8(0..9) == 0 {
        commit.roster.removed_influencers.push(influencer_id(which));
    }
    if random.u8(0..3) == 0 {
        commit.roster.connections.push(connection(which, seed));
    } else if random.u8(0..12) == 0 {
        commit.roster.removed_connections.push(connection(which, seed));
    } else if random.u8(0..12) == 0 {
        commit.sync.forgotten_histories.push(connection(which, seed));
    }
    for _ in 0..random.u8(0..6) {
        let day = Date(FIRST_DAY + random.i32(0..DAYS));
        commit.sync.snapshots.push((connection_id(random.u8(0..WHO)), snapshot(day, random.u32(0..1 << 20))));
    }
    commit.sync.runs.extend((0..random.u8(0..3)).map(|extra| run(which, seed + u32::from(extra))));
    commit.sync.changes.extend((0..random.u8(0..3)).map(|extra| change(which, seed + u32::from(extra))));
    if random.u8(0..3) == 0 {
        let number = random.u64(1..9);
        commit.alerting.alerts.push(alert(number, seed));
        commit.alerting.deliveries.push(delivery(number, seed));
    }
    commit.audit.lines.extend((0..random.u8(0..2)).map(|extra| line(seed + u32::from(extra))));
    if random.u8(0..4) == 0 {
        commit.sync.holds.push(hold(seed));
    } else if random.u8(0..4) == 0 {
        commit.sync.released_holds.push(hold(seed).lane);
    }
    if random.u8(0..4) == 0 {
        commit.sync.figures.push(figures(Date(FIRST_DAY + random.i32(0..DAYS)), seed));
    }
    if random.u8(0..3) == 0 {
        let first = FIRST_DAY + random.i32(0..DAYS);
        let days = (0..random.i32(1..9)).map(|day| reported(Date(first + day), random.u32(0..1 << 14))).collect();
        commit.sync.reported.push((connection_id(random.u8(0..WHO)), days));
        commit.sync.audiences.push(audience(random.u8(0..WHO), Date(first), seed));
    }
    if random.u8(0..4) == 0 {
        commit.sync.budgets.push(budget(seed));
    } else if random.u8(0..4) == 0 {
        commit.sync.removed_budgets.push(budget(seed).key);
    }
    if random.u8(0..6) == 0 {
        commit.roster.settings = Some(Settings { paused: random.bool(), paused_platforms: vec![format!("p{seed}")] });
        commit.alerting.desktop_shown = Some((seed % 3, u64::from(seed)));
    }
    commit
}

/// The days of the model that are in chunks.
pub(super) fn folded_days(store: &Store, model: &Model) -> BTreeSet<(ConnectionId, Date)> {
    let days = model.snapshots.keys().copied();
    let read = store.handle.shared.read(|reader| {
        let folded = days.map(|(who, day)| Ok((reader.snapshot_is_folded(who, day)?, (who, day))));
        let folded = folded.collect::<Result<Vec<_>, StoreError>>()?;
        Ok(folded.into_iter().filter(|(is_folded, _)| *is_folded).map(|(_, day)| day).collect())
    });
    read.expect("the chunks")
}

/// Rules for some of the connections.
pub(super) fn any_rules(random: &mut fastrand::Rng) -> Rules {
    let mut rules = Rules::new();
    for which in 0..WHO {
        let mut day = |share: u8| (random.u8(0..4) < share).then(|| Date(FIRST_DAY + random.i32(0..DAYS)));
        let rule = Rule {
            daily_from: month_start(month_of(day(3).unwrap_or(Date(FIRST_DAY))).0),
            public_from: day(2),
            consent_from: day(1),
            unknown: ReadWith::Public,
        };
        if random.u8(0..4) > 0 {
            rules.insert(connection_id(which), rule);
        }
    }
    rules
}

#[derive(Clone, Debug)]
enum Step {
    /// Some commits at once.
    Commits(u8),
    Fold,
    Bulk,
    Sweep,
    Retain,
    Reopen,
    Restart,
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1u8..20).prop_map(Step::Commits),
        3 => Just(Step::Fold),
        1 => Just(Step::Bulk),
        1 => Just(Step::Sweep),
        2 => Just(Step::Retain),
        1 => Just(Step::Reopen),
        2 => Just(Step::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: times(60, 600) as u32, ..ProptestConfig::default() })]

    #[test]
    fn the_store_is_as_good_as_maps(seed: u64, steps in proptest::collection::vec(any_step(), 1..25)) {
        let mut random = fastrand::Rng::with_seed(seed);
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let disk = Disk::default();
        let (mut store, _) = disk.open().expect("a new store");
        let mut model = Model::default();
        let mut removed = Vec::new();
        for step in steps {
            match step {
                Step::Commits(count) => {
                    let commits: Vec<_> = (0..count).map(|_| commit_of(&mut random)).collect();
                    let pending: Vec<_> = commits.iter().map(|commit| submit(&store, commit)).collect();
                    pending.into_iter().for_each(|pending| pending.wait().expect("a commit"));
                    commits.iter().for_each(|commit| model.apply(commit));
                    let gone = commits.iter().flat_map(|commit| &commit.roster.removed_connections);
                    removed.extend(gone.map(|connection| connection.id));
                }
                Step::Fold => {
                    let today = Date(FIRST_DAY + random.i32(0..DAYS + 10));
                    runtime.block_on(store.fold(today)).expect("a fold");
                }
                Step::Bulk => {
                    let (who, first) = (connection_id(random.u8(0..WHO)), FIRST_DAY + random.i32(0..DAYS - 30));
                    let days: Vec<_> = (0..30).map(|day| snapshot(Date(first + day), random.u32(0..9999))).collect();
                    let today = Date(FIRST_DAY + random.i32(0..DAYS));
                    runtime.block_on(store.bulk_snapshots(today, vec![(who, days.clone())])).expect("a bulk load");
                    model.snapshots.extend(days.into_iter().map(|snapshot| ((who, snapshot.date), snapshot)));
                }
                Step::Sweep => {
                    runtime.block_on(store.sweep()).expect("a sweep");
                    model.sweep(&removed);
                    removed.clear();
                }
                Step::Retain => {
                    let rules = Arc::new(any_rules(&mut random));
                    let foreseen = runtime.block_on(store.would_retain(Arc::clone(&rules))).expect("foreseen");
                    prop_assert_eq!(&everything_in(&store).expect("all there is"), &model, "nothing is done yet");
                    let folded = folded_days(&store, &model);
                    let done = runtime.block_on(store.retain(Arc::clone(&rules))).expect("retained");
                    let expected = model.retain(&rules, |who, day| folded.contains(&(who, day)));
                    prop_assert_eq!(&done, &expected);
                    // A week that is made now may be deleted now, too, which cannot be foreseen.
                    prop_assert!(done.iter().all(|(who, tally)| foreseen.get(who).is_some_and(|it| it.rolled == tally.rolled && it.deleted == tally.deleted)));
                    let again = runtime.block_on(store.retain(rules)).expect("retained");
                    prop_assert!(again.is_empty(), "all is done at once: {:?}", again);
                }
                Step::Reopen => runtime.block_on(store.reopen()).expect("it opens again"),
                Step::Restart => {
                    drop(store);
                    let (again, loaded) = disk.open().expect("the same store");
                    prop_assert!(start_agrees(&loaded, &model));
                    store = again;
                }
            }
            let loaded = store.read_now(Load).expect("what is read at start");
            prop_assert!(start_agrees(&loaded, &model));
            prop_assert_eq!(&everything_in(&store).expect("all there is"), &model);
            let snapshots = store.read_now(SnapshotCount).expect("a number");
            prop_assert_eq!(snapshots, model.snapshots.len() as u64);
            let day = FIRST_DAY + random.i32(0..DAYS);
            let days = Date(day)..=Date(day + random.i32(0..40));
            let mut recent: BTreeMap<_, Vec<_>> = BTreeMap::new();
            for ((who, date), snapshot) in &model.snapshots {
                if let Some(followers) = snapshot.numbers.followers.filter(|_| days.contains(date)) {
                    recent.entry(*who).or_default().push((*date, followers));
                }
            }
            let found = store.read_now(RecentValues(Metric::Followers, days)).expect("followers");
            prop_assert_eq!(found.into_iter().collect::<BTreeMap<_, _>>(), recent);
            prop_assert_eq!(store.damaged().rows, 0);
            let one = (connection_id(random.u8(0..WHO)), Date(day));
            let found = store.read_now(SnapshotOn { connection: one.0, date: one.1 }).expect("a day");
            prop_assert_eq!(found.as_ref(), model.snapshots.get(&one));
        }
        let scrubbed = runtime.block_on(store.scrub()).expect("a scrub");
        prop_assert_eq!(scrubbed.damaged, 0);
    }
}
