//! The roster in memory: everything lists, names and the schedule need without touching the disk.
//!
//! Decisions read it and make a [`Commit`](crate::model::Commit); the same commit is applied here and given to the store, in one order.
//! The disk is the truth: when a commit cannot be stored, the roster is loaded anew.

mod apply;
pub mod baseline;
mod consents;
pub mod deliveries;
pub mod ids;
pub mod index;
mod movers;
pub mod orders;
pub mod outages;
pub mod recent;
pub mod resolve;
pub mod rows;
#[cfg(test)]
pub mod samples;
pub mod search_text;
mod reading;
mod sealed;
mod silences;
pub mod standing;
#[cfg(test)]
mod tests;
mod webhooks;
mod withdrawn;

use std::collections::{BTreeMap, HashMap, HashSet};

use parking_lot::Mutex;
use roster_protocol::folding::folded_handle;
use roster_protocol::ids::{AlertId, ConnectionId, InfluencerId, SilenceId};
use roster_protocol::influencer::SortBy;
use roster_protocol::mover::MovedBy;
use roster_protocol::rule::{Rule, Window};
use roster_protocol::silence::Silence;
use roster_protocol::time::Timestamp;

use self::baseline::Baseline;
use self::deliveries::Deliveries;
use self::index::{Index, SHORTEST_PREFIX};
use self::movers::Movers;
use self::orders::{Orders, Sorted};
use self::recent::Recent;
use self::search_text::Texts;
use crate::alerts::rules::Rules;
use crate::http_client::SharedGate;
use crate::model::{
    Alert, AlertsSince, Backup, Connection, DataKey, Hold, Influencer, Loaded, ReadMarks, Removable, Removal,
    RetentionChoice, Routing, Settings, Tombstone, TroubleKind, UndoLog,
};
use crate::oauth::Registry;
use crate::platforms::{Platforms, providers};
use crate::schedule::breaker::Breaker;
use crate::schedule::coverage::Coverage;
use crate::schedule::lane;
use crate::schedule::obstacles::Obstacles;
use crate::schedule::{Demand, Grid, Pace, Queue, Stretch};

pub use consents::Consents;
pub use webhooks::Webhooks;
pub use withdrawn::Withdrawn;

const DAY_MS: u64 = 24 * 3_600_000;

/// Everything that is in memory.
#[derive(Default)]
pub struct Roster {
    pub influencers: HashMap<InfluencerId, Influencer>,
    /// Also those of influencers who were removed.
    pub data_keys: HashMap<InfluencerId, DataKey>,
    /// Disconnected ones too: their history can be requested.
    pub connections: HashMap<ConnectionId, Connection>,
    /// Connections of each influencer that are connected.
    pub of_influencer: HashMap<InfluencerId, Vec<ConnectionId>>,
    /// By platform and canonical handle, folded.
    by_handle: HashMap<(String, String), ConnectionId>,
    /// By platform and the platform's own id.
    by_user_id: HashMap<(String, String), ConnectionId>,
    /// When the newest number of a connection was measured.
    pub newest_sync: Option<Timestamp>,
    /// What filters search and names are sorted by.
    pub texts: HashMap<InfluencerId, Texts>,
    /// Followers of the last days.
    pub recent: HashMap<ConnectionId, Recent>,
    /// What alerts are decided by.
    pub baselines: HashMap<ConnectionId, Baseline>,
    /// The rules in use.
    pub rules: Rules,
    /// Those of the config, and those that users made.
    config_rules: Vec<Rule>,
    pub stored_rules: BTreeMap<String, Rule>,
    /// Also those that are over, until another one is made.
    pub silences: BTreeMap<SilenceId, Silence>,
    /// `None` before the first run with rules.
    pub alerts_since: Option<AlertsSince>,
    /// Open and acknowledged alerts by number.
    pub alerts: BTreeMap<u64, Alert>,
    pub last_alert: u64,
    /// The ids of all alerts ever.
    pub alert_ids: HashSet<AlertId>,
    /// How many alerts of each influencer are open.
    pub open_alerts: HashMap<InfluencerId, u32>,
    pub deliveries: Deliveries,
    /// Where alerts are delivered.
    pub routing: Routing,
    pub holds: HashMap<String, Hold>,
    pub settings: Settings,
    /// What was chosen to be deleted; `None`: nothing yet.
    pub retention: Option<RetentionChoice>,
    /// The last backup that was scheduled, and the last that a user requested.
    pub backups: Vec<Backup>,
    /// The newest alert each user's desktop has shown.
    pub desktop_shown: HashMap<u32, u64>,
    /// What each user has read of the alerts, by uid.
    pub read_marks: HashMap<u32, ReadMarks>,
    /// What each user can take back, by uid.
    pub undo: HashMap<u32, UndoLog>,
    /// What was removed within the last day.
    pub removals: BTreeMap<Removable, Removal>,
    /// What stays of those who were erased, by their ids.
    pub tombstones: BTreeMap<InfluencerId, Tombstone>,
    pub consents: Consents,
    /// The store's id.
    pub store: [u8; 16],
    pub webhooks: Webhooks,
    pub queue: Queue,
    /// Connections in a running batch: they are not in the queue.
    pub running: HashSet<ConnectionId>,
    pub coverage: Coverage,
    /// Which lanes fail and are down; changed when a batch ends, and never stored.
    pub breaker: Breaker,
    /// What kept slots from being run; never stored.
    pub obstacles: Obstacles,
    /// By how much the intervals of platforms are stretched; those that are not are absent.
    pub stretches: BTreeMap<String, Stretch>,
    /// What all requests to platforms pass; shared with those who send them.
    pub gate: SharedGate,
    /// What the roster must know of the platforms to schedule: by slug.
    pub platforms: Platforms,
    /// The providers through which owners give consent, by slug.
    pub providers: Registry,
    pub index: Index,
    /// Orders that were requested.
    orders: Mutex<Orders>,
    /// Orders of moves that were requested.
    movers: Mutex<Movers>,
}

impl Roster {
    /// The roster as it was stored; [`Roster::load_recent`] makes it whole.
    pub fn new(mut loaded: Loaded, platforms: Platforms) -> Self {
        let mut roster = Roster {
            consents: Consents::of(&mut loaded),
            webhooks: Webhooks::of(&mut loaded),
            data_keys: loaded.data_keys.into_iter().map(|key| (key.of, key)).collect(),
            last_alert: loaded.last_alert,
            deliveries: Deliveries::of(loaded.deliveries, loaded.delivered),
            holds: loaded.holds.into_iter().map(|hold| (hold.lane.clone(), hold)).collect(),
            settings: loaded.settings,
            retention: loaded.retention,
            backups: loaded.backups,
            store: loaded.store,
            desktop_shown: loaded.desktop_shown.into_iter().collect(),
            read_marks: loaded.read_marks.into_iter().map(|marks| (marks.uid, marks)).collect(),
            undo: loaded.undo.into_iter().map(|log| (log.uid, log)).collect(),
            removals: loaded.removals.into_iter().map(|removal| (removal.of, removal)).collect(),
            tombstones: loaded.tombstones.into_iter().map(|it| (it.id(), it)).collect(),
            providers: providers(platforms.values().map(AsRef::as_ref)),
            platforms,
            alerts_since: loaded.alerts_since,
            stored_rules: loaded.rules.into_iter().map(|rule| (rule.name.clone(), rule)).collect(),
            silences: loaded.silences.into_iter().map(|silence| (silence.id, silence)).collect(),
            ..Roster::default()
        };
        roster.use_rules();
        roster.expect(loaded.influencers.len(), loaded.connections.len());
        for influencer in loaded.influencers {
            roster.put_influencer(influencer);
        }
        for connection in loaded.connections {
            roster.put_connection(connection);
        }
        for alert in loaded.alerts {
            roster.put_alert(alert);
        }
        roster.reopen_outages();
        roster
    }

    /// The same, with the gate that its requests pass.
    pub fn through(self, gate: SharedGate) -> Self {
        Self { gate, ..self }
    }

    /// Adds what listening and scheduling do not need: the last days, and the texts that lists search and sort by.
    pub fn load_recent(&mut self, recent: HashMap<ConnectionId, Recent>, coverage: Coverage) {
        (self.recent, self.coverage) = (recent, coverage);
        *self.movers.get_mut() = Movers::default();
        let influencers: Vec<InfluencerId> = self.influencers.keys().copied().collect();
        influencers.into_iter().for_each(|influencer| self.refresh_text(influencer));
    }

    /// Decides by these rules of the config from now on, and by those that users made.
    pub fn know_rules(&mut self, config: Vec<Rule>) {
        self.config_rules = config;
        self.use_rules();
    }

    /// The config's rules.
    pub fn config_rules(&self) -> &[Rule] {
        &self.config_rules
    }

    fn use_rules(&mut self) {
        self.rules = Rules::of(&self.config_rules, &self.stored_rules);
    }

    /// Reserves memory at once for this many.
    fn expect(&mut self, influencers: usize, connections: usize) {
        self.influencers.reserve(influencers);
        self.of_influencer.reserve(influencers);
        self.texts.reserve(influencers);
        self.connections.reserve(connections);
        self.by_handle.reserve(connections);
        self.by_user_id.reserve(connections);
        self.index.expect(influencers);
        self.queue.expect(connections);
    }

    /// Schedules by these platforms from now on.
    pub fn know(&mut self, platforms: Platforms) {
        self.providers = providers(platforms.values().map(AsRef::as_ref));
        self.platforms = platforms;
        // Which of their numbers are compared may have changed.
        *self.orders.get_mut() = Orders::default();
        *self.movers.get_mut() = Movers::default();
        self.requeue_everything();
    }

    /// A platform's slug as the platform has it; `None` for one that is not known.
    pub fn slug(&self, slug: &str) -> Option<&'static str> {
        self.platforms.get(slug).map(|known| known.platform.info().slug)
    }

    /// The connected accounts of an influencer, most followers first.
    pub fn connections_of(&self, influencer: InfluencerId) -> impl Iterator<Item = &Connection> {
        self.of_influencer.get(&influencer).into_iter().flatten().filter_map(|id| self.connections.get(id))
    }

    /// The main connection: the one chosen, or the one with most followers.
    pub fn main_of(&self, influencer: &Influencer) -> Option<&Connection> {
        let chosen = self.connections_of(influencer.id).find(|connection| Some(connection.id) == influencer.main);
        chosen.or_else(|| self.connections_of(influencer.id).next())
    }

    /// The newest followers of all connections of an influencer together; `None` when none is known.
    pub fn followers_of_all(&self, influencer: InfluencerId) -> Option<u64> {
        let derived = self.connections_of(influencer).filter(|connection| self.derives(connection));
        let known = derived.filter_map(|connection| connection.latest.as_ref()?.numbers.followers);
        known.reduce(u64::saturating_add)
    }

    /// Whether a connection's numbers go into totals, rates and comparisons: its platform's terms may forbid it.
    pub fn derives(&self, connection: &Connection) -> bool {
        self.platforms.get(&connection.platform).is_none_or(|known| known.derives)
    }

    /// The main connection where its numbers go into rates and comparisons.
    pub fn compared_of(&self, influencer: &Influencer) -> Option<&Connection> {
        self.main_of(influencer).filter(|main| self.derives(main))
    }

    /// The connection of this account, disconnected ones included, by the platform's id or else by handle.
    pub fn account(&self, platform: &str, handle: &str, user_id: Option<&str>) -> Option<&Connection> {
        let by_id = user_id.and_then(|id| self.by_user_id.get(&(platform.to_owned(), id.to_owned())));
        let by_handle = || self.by_handle.get(&(platform.to_owned(), folded_handle(handle)));
        self.connections.get(by_id.or_else(by_handle)?)
    }

    /// All influencers in an order.
    pub fn order(&self, by: SortBy) -> Sorted {
        self.orders.lock().of(self, by)
    }

    /// Looks at every connection that moved in a window, by a share in millionths or by followers: the largest fall first.
    pub fn moves<T>(&self, over: Window, by: MovedBy, look: impl FnOnce(&[(i64, ConnectionId)]) -> T) -> T {
        look(self.movers.lock().of(self, over, by))
    }

    /// Every connection of an influencer, disconnected ones included.
    pub fn all_connections_of(&self, influencer: InfluencerId) -> impl Iterator<Item = &Connection> {
        self.index.of_influencer.of(&influencer).iter().filter_map(|id| self.connections.get(id))
    }

    /// All that are connected, in the order of their ids.
    pub fn connected(&self) -> impl Iterator<Item = &Connection> {
        self.index.connections.iter().filter_map(|id| self.connections.get(id))
    }

    /// The same in no order, which takes a tenth of the time when there are many.
    pub fn each_connected(&self) -> impl Iterator<Item = &Connection> {
        self.connections.values().filter(|connection| connection.disconnected_at.is_none())
    }

    /// Alerts of a connection that are open or acknowledged.
    pub fn alerts_of(&self, connection: ConnectionId) -> Vec<&Alert> {
        self.index.alerts_of.of(&connection).iter().filter_map(|number| self.alerts.get(number)).collect()
    }

    /// The open or acknowledged alert with this id.
    pub fn alert(&self, id: AlertId) -> Option<&Alert> {
        let (_, number) = self.index.alerts.range((id, 0)..=(id, u64::MAX)).next()?;
        self.alerts.get(number)
    }

    /// The open or acknowledged alerts whose ids begin with `prefix`.
    pub fn alerts_by_prefix(&self, prefix: &str) -> Vec<&Alert> {
        let range = Some(prefix).filter(|prefix| prefix.len() >= SHORTEST_PREFIX).and_then(AlertId::starting_with);
        let numbers = range.map(|range| self.index.alerts.range((*range.start(), 0)..=(*range.end(), u64::MAX)));
        numbers.into_iter().flatten().filter_map(|(_, number)| self.alerts.get(number)).collect()
    }

    /// The lane in which a connection is requested.
    pub fn lane_of(&self, connection: &Connection) -> String {
        let group = self.platforms.get(&connection.platform).map(|known| known.platform.group(&connection.handle));
        lane::name(&connection.platform, &group.unwrap_or_default())
    }

    /// Whether something that a user set keeps the connection from being requested.
    pub fn is_paused(&self, connection: &Connection) -> bool {
        let influencer = self.influencers.get(&connection.influencer);
        self.is_paused_itself(connection) || influencer.is_some_and(|influencer| influencer.paused)
    }

    /// Whether the connection, its platform or everything is paused, whatever its influencer is.
    pub fn is_paused_itself(&self, connection: &Connection) -> bool {
        connection.paused || self.settings.paused || self.settings.paused_platforms.contains(&connection.platform)
    }

    /// Whether the connection is requested at all: connected, not paused, on a platform that is switched on.
    pub fn is_scheduled(&self, connection: &Connection) -> bool {
        let enabled = self.platforms.get(&connection.platform).is_some_and(|known| known.enabled);
        enabled && connection.disconnected_at.is_none() && !self.is_paused(connection)
    }

    /// How often a connection is due.
    pub fn pace_of(&self, connection: &Connection) -> Pace {
        let stretch = self.stretches.get(&connection.platform).copied().unwrap_or_default();
        Pace { own: connection.interval, stretch }
    }

    /// How far each platform's intervals must be stretched now so that its daily budgets last; only those that are not
    /// as they were.
    pub fn replan(&self, grid: &Grid) -> Vec<(String, Stretch)> {
        let mut demands: BTreeMap<&str, Demand> = BTreeMap::new();
        for connection in self.each_connected().filter(|connection| self.is_scheduled(connection)) {
            let interval = connection.interval.unwrap_or(grid.interval).millis().max(1000) as u64;
            let demand = demands.entry(&connection.platform).or_default();
            demand.runs_a_day += DAY_MS * 1000 / interval;
            demand.connections += 1;
        }
        let platforms = self.platforms.iter().filter_map(|(slug, known)| {
            let batch_limit = known.platform.info().batch_limit;
            let budgets = self.gate.with(|gate| gate.daily(slug));
            let before = self.stretches.get(slug).copied().unwrap_or_default();
            let demand = Demand { batch_limit, ..demands.get(slug.as_str()).copied().unwrap_or_default() };
            let next = before.next(demand, &budgets);
            (next != before).then(|| (slug.clone(), next))
        });
        platforms.collect()
    }

    /// Puts a connection into the queue by its due time, or takes it out when it is running or not scheduled.
    pub fn requeue(&mut self, id: ConnectionId) {
        let Some(connection) = self.connections.get(&id) else { return };
        if !self.running.contains(&id) && self.is_scheduled(connection) {
            let (lane, due) = (self.lane_of(connection), connection.next_due_at);
            self.queue.put(&lane, id, due);
        } else {
            self.queue.remove(id);
        }
    }

    /// Keeps a connection from being requested before `until`, in memory only.
    pub fn put_off(&mut self, id: ConnectionId, until: Timestamp) {
        let Some(connection) = self.connections.get(&id).filter(|connection| self.is_scheduled(connection)) else {
            return;
        };
        let lane = self.lane_of(connection);
        self.queue.put(&lane, id, until);
    }

    fn requeue_influencer(&mut self, influencer: InfluencerId) {
        let ids = self.of_influencer.get(&influencer).cloned().unwrap_or_default();
        ids.into_iter().for_each(|id| self.requeue(id));
    }

    fn requeue_everything(&mut self) {
        let ids: Vec<ConnectionId> = self.connections.keys().copied().collect();
        ids.into_iter().for_each(|id| self.requeue(id));
    }

    /// The connections whose due times only a clock far ahead can have written, with new due times.
    pub fn unreachable_due_times(&self, grid: &Grid, now: Timestamp) -> Vec<Connection> {
        let lost =
            |connection: &&Connection| grid.is_beyond_reach(self.pace_of(connection), connection.next_due_at, now);
        let moved = |connection: &Connection| {
            let next = grid.next(connection.id, self.pace_of(connection), now);
            Connection { next_due_at: next, slot_at: next, ..connection.clone() }
        };
        self.connections.values().filter(lost).map(moved).collect()
    }

    /// The connections that another setup moves: those whose future slots are not on this grid or not its next ones,
    /// and those that could not be requested because their platform lacked something that it has now.
    pub fn moved_by_setup(&self, grid: &Grid, now: Timestamp) -> Vec<Connection> {
        let lacks = |slug: &str| self.platforms.get(slug).is_none_or(|known| known.platform.lacks().is_some());
        let was_unconfigured = |connection: &Connection| {
            let trouble = connection.trouble.as_ref();
            trouble.is_some_and(|trouble| trouble.kind == TroubleKind::Unconfigured) && !lacks(&connection.platform)
        };
        let moved = |connection: &Connection| {
            let (id, pace, slot) = (connection.id, self.pace_of(connection), connection.slot_at);
            let mut after = connection.clone();
            let next = grid.next(id, pace, now);
            // A connection that needs a person may wait beyond the next slot.
            let is_late = slot > next && !standing::needs_person(connection);
            if slot > now && (is_late || !grid.has(id, pace, slot)) {
                after.slot_at = next;
                // A retry keeps its time, unless the slot is earlier.
                let is_slot = connection.next_due_at == slot;
                after.next_due_at = if is_slot { after.slot_at } else { connection.next_due_at.min(after.slot_at) };
            }
            if was_unconfigured(connection) {
                after.next_due_at = now.min(after.next_due_at);
            }
            ((after.slot_at, after.next_due_at) != (slot, connection.next_due_at)).then_some(after)
        };
        self.connections.values().filter(|connection| connection.disconnected_at.is_none()).filter_map(moved).collect()
    }

    /// The hold that keeps a lane from being requested at `now`: its own, or its platform's.
    pub fn hold_on(&self, lane: &str, now: Timestamp) -> Option<&Hold> {
        let holds = [self.holds.get(lane), self.holds.get(lane::platform_of(lane))];
        holds.into_iter().flatten().filter(|hold| hold.until > now).max_by_key(|hold| hold.until)
    }
}
