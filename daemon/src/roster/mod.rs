//! The roster in memory: everything lists, names and the schedule need without touching the disk.
//!
//! Decisions read it and make a [`Commit`]; the same commit is applied here and given to the store, in one order.
//! The disk is the truth: when a commit cannot be stored, the roster is loaded anew.

mod consents;
pub mod ids;
pub mod recent;
pub mod resolve;
pub mod rows;
pub mod search_text;
pub mod standing;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use parking_lot::Mutex;
use roster_protocol::alert::AlertState;
use roster_protocol::ids::{AlertId, ConnectionId, InfluencerId};
use roster_protocol::influencer::SortBy;
use roster_protocol::time::Timestamp;

use self::recent::Recent;
use crate::model::{
    Alert, Commit, Connection, Delivery, DeliveryState, Hold, Influencer, Loaded, Settings, TroubleKind,
};
use crate::oauth::Registry;
use crate::platforms::{Platforms, providers};
use crate::schedule::coverage::Coverage;
use crate::schedule::lane;
use crate::schedule::{Grid, Queue};

pub use consents::Consents;

/// Everything that is in memory.
#[derive(Default)]
pub struct Roster {
    pub influencers: HashMap<InfluencerId, Influencer>,
    /// Disconnected ones too: their history can be asked for.
    pub connections: HashMap<ConnectionId, Connection>,
    /// Connections of each influencer that are connected.
    pub of_influencer: HashMap<InfluencerId, Vec<ConnectionId>>,
    /// By platform and canonical handle in lower case.
    by_handle: HashMap<(String, String), ConnectionId>,
    /// By platform and the platform's own id.
    by_user_id: HashMap<(String, String), ConnectionId>,
    /// Lower-case text that filters look into.
    pub texts: HashMap<InfluencerId, String>,
    /// Followers of the last days.
    pub recent: HashMap<ConnectionId, Recent>,
    /// Open and acknowledged alerts by number.
    pub alerts: BTreeMap<u64, Alert>,
    pub last_alert: u64,
    /// The ids of all alerts ever.
    pub alert_ids: HashSet<AlertId>,
    /// How many alerts of each influencer are open.
    pub open_alerts: HashMap<InfluencerId, u32>,
    /// Pending deliveries by alert number and channel.
    pub deliveries: BTreeMap<(u64, String), Delivery>,
    pub holds: HashMap<String, Hold>,
    pub settings: Settings,
    /// The newest alert each user's desktop has shown.
    pub desktop_shown: HashMap<u32, u64>,
    pub consents: Consents,
    pub queue: Queue,
    /// Connections that are being asked now: they are not in the queue.
    pub running: HashSet<ConnectionId>,
    pub coverage: Coverage,
    /// What the roster must know of the platforms to schedule: by slug.
    pub platforms: Platforms,
    /// Whom owners are asked through, by slug.
    pub providers: Registry,
    /// Orders that were asked for since something changed, by their place in [`SortBy::ALL`].
    orders: Mutex<[Option<Arc<[InfluencerId]>>; SortBy::ALL.len()]>,
}

impl Roster {
    /// The roster as it was stored; [`Roster::load_recent`] makes it whole.
    pub fn new(mut loaded: Loaded, platforms: Platforms) -> Self {
        let mut roster = Roster {
            consents: Consents::of(&mut loaded),
            alerts: loaded.alerts.into_iter().map(|alert| (alert.number, alert)).collect(),
            last_alert: loaded.last_alert,
            deliveries: loaded
                .deliveries
                .into_iter()
                .map(|delivery| (delivery.alert_and_channel(), delivery))
                .collect(),
            holds: loaded.holds.into_iter().map(|hold| (hold.scope.clone(), hold)).collect(),
            settings: loaded.settings,
            desktop_shown: loaded.desktop_shown.into_iter().collect(),
            providers: providers(platforms.values().map(AsRef::as_ref)),
            platforms,
            ..Roster::default()
        };
        roster.expect(loaded.influencers.len(), loaded.connections.len());
        for influencer in loaded.influencers {
            roster.influencers.insert(influencer.id, influencer);
        }
        for connection in loaded.connections {
            roster.put_connection(connection);
        }
        roster.count_open_alerts();
        roster
    }

    /// Takes in what is not needed to listen and to schedule: the last days, and what filters look into.
    pub fn load_recent(&mut self, recent: HashMap<ConnectionId, Recent>, coverage: Coverage) {
        (self.recent, self.coverage) = (recent, coverage);
        let influencers: Vec<InfluencerId> = self.influencers.keys().copied().collect();
        influencers.into_iter().for_each(|influencer| self.refresh_text(influencer));
    }

    /// Makes room at once for as many as will come.
    fn expect(&mut self, influencers: usize, connections: usize) {
        self.influencers.reserve(influencers);
        self.of_influencer.reserve(influencers);
        self.texts.reserve(influencers);
        self.connections.reserve(connections);
        self.by_handle.reserve(connections);
        self.by_user_id.reserve(connections);
        self.queue.expect(connections);
    }

    /// Schedules by these platforms from now on.
    pub fn know(&mut self, platforms: Platforms) {
        self.providers = providers(platforms.values().map(AsRef::as_ref));
        self.platforms = platforms;
        self.requeue_everything();
    }

    /// Takes a commit in. Runs, changes and the audit log are the store's alone.
    pub fn apply(&mut self, commit: &Commit) {
        self.orders = Mutex::default();
        self.consents.apply(commit);
        if let Some(settings) = &commit.roster.settings {
            self.settings = settings.clone();
            self.requeue_everything();
        }
        let mut touched: HashSet<InfluencerId> = HashSet::new();
        for influencer in &commit.roster.influencers {
            let before = self.influencers.insert(influencer.id, influencer.clone());
            touched.insert(influencer.id);
            if before.is_none_or(|before| before.paused != influencer.paused) {
                self.requeue_influencer(influencer.id);
            }
        }
        for connection in &commit.roster.connections {
            let before = self.connections.get(&connection.id).map(|before| before.influencer);
            if self.put_connection(connection.clone()) {
                touched.insert(connection.influencer);
                touched.extend(before);
            }
        }
        for (connection, snapshot) in &commit.sync.snapshots {
            self.recent.entry(*connection).or_default().put(snapshot.date, snapshot.numbers.followers);
        }
        for connection in &commit.sync.forgotten_histories {
            self.recent.remove(&connection.id);
        }
        for connection in &commit.roster.removed_connections {
            self.remove_connection(connection);
            touched.insert(connection.influencer);
        }
        for influencer in &commit.roster.removed_influencers {
            self.influencers.remove(influencer);
            self.of_influencer.remove(influencer);
            self.texts.remove(influencer);
            touched.remove(influencer);
        }
        touched.into_iter().for_each(|influencer| self.refresh_text(influencer));
        self.apply_telling(commit);
        commit.sync.runs.iter().for_each(|run| self.coverage.put(run));
    }

    fn apply_telling(&mut self, commit: &Commit) {
        for alert in &commit.alerting.alerts {
            self.last_alert = self.last_alert.max(alert.number);
            self.alert_ids.insert(alert.id);
            match alert.state {
                AlertState::Resolved => self.alerts.remove(&alert.number),
                _ => self.alerts.insert(alert.number, alert.clone()),
            };
        }
        if !commit.alerting.alerts.is_empty() {
            self.count_open_alerts();
        }
        for delivery in &commit.alerting.deliveries {
            match delivery.state {
                DeliveryState::Pending => self.deliveries.insert(delivery.alert_and_channel(), delivery.clone()),
                _ => self.deliveries.remove(&delivery.alert_and_channel()),
            };
        }
        for hold in &commit.sync.holds {
            self.holds.insert(hold.scope.clone(), hold.clone());
        }
        for scope in &commit.sync.released_holds {
            self.holds.remove(scope);
        }
        if let Some((uid, number)) = commit.alerting.desktop_shown {
            self.desktop_shown.insert(uid, number);
        }
    }

    /// Puts a connection in its places, and tells whether it is called otherwise than before or belongs to somebody else.
    fn put_connection(&mut self, connection: Connection) -> bool {
        let (id, influencer) = (connection.id, connection.influencer);
        let before = self.connections.insert(id, connection);
        let connection = &self.connections[&id];
        let renamed = before.as_ref().is_none_or(|before| !is_named_alike(before, connection));
        if renamed {
            let handle = (connection.platform.clone(), search_text::lowered(&connection.handle));
            let user_id = connection.platform_user_id.clone().map(|user_id| (connection.platform.clone(), user_id));
            let is_connected = connection.disconnected_at.is_none();
            before.iter().for_each(|before| self.forget_names(before));
            // A handle may have gone from an account that is disconnected to another one.
            let namesake = self.by_handle.get(&handle).and_then(|id| self.connections.get(id));
            if is_connected || namesake.is_none_or(|namesake| namesake.disconnected_at.is_some()) {
                self.by_handle.insert(handle, id);
            }
            self.by_user_id.extend(user_id.map(|user_id| (user_id, id)));
            if is_connected {
                self.of_influencer.entry(influencer).or_default().push(id);
            }
        }
        let connections = &self.connections;
        if let Some(siblings) = self.of_influencer.get_mut(&influencer).filter(|siblings| siblings.len() > 1) {
            siblings.sort_by_key(|id| {
                let latest = connections.get(id).and_then(|connection| connection.latest.as_ref());
                (std::cmp::Reverse(latest.and_then(|latest| latest.numbers.followers)), *id)
            });
        }
        // What is being asked comes back when that has ended.
        if !self.running.contains(&id) {
            self.requeue(id);
        }
        renamed
    }

    fn remove_connection(&mut self, connection: &Connection) {
        self.forget_names(connection);
        self.connections.remove(&connection.id);
        self.queue.remove(connection.id);
        self.recent.remove(&connection.id);
    }

    fn forget_names(&mut self, connection: &Connection) {
        if let Some(siblings) = self.of_influencer.get_mut(&connection.influencer) {
            siblings.retain(|sibling| *sibling != connection.id);
        }
        let handle = (connection.platform.clone(), search_text::lowered(&connection.handle));
        if self.by_handle.get(&handle) == Some(&connection.id) {
            self.by_handle.remove(&handle);
        }
        if let Some(user_id) = &connection.platform_user_id {
            self.by_user_id.remove(&(connection.platform.clone(), user_id.clone()));
        }
    }

    fn refresh_text(&mut self, id: InfluencerId) {
        let Some(influencer) = self.influencers.get(&id) else { return };
        let handles = self.connections_of(id).map(|connection| connection.handle.as_str());
        let text = search_text::searched(&influencer.name, &influencer.tags, handles);
        self.texts.insert(id, text);
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

    /// The connection of this account, disconnected ones included, by the platform's id or else by handle.
    pub fn account(&self, platform: &str, handle: &str, user_id: Option<&str>) -> Option<&Connection> {
        let by_id = user_id.and_then(|id| self.by_user_id.get(&(platform.to_owned(), id.to_owned())));
        let by_handle = || self.by_handle.get(&(platform.to_owned(), search_text::lowered(handle)));
        self.connections.get(by_id.or_else(by_handle)?)
    }

    /// What a channel has not delivered yet, the oldest alert first.
    pub fn pending_on(&self, channel: &str) -> impl Iterator<Item = &Delivery> {
        self.deliveries.values().filter(move |delivery| delivery.channel == channel)
    }

    fn count_open_alerts(&mut self) {
        self.open_alerts.clear();
        for alert in self.alerts.values().filter(|alert| alert.state == AlertState::Open) {
            if let Some(influencer) = alert.about.influencer() {
                *self.open_alerts.entry(influencer).or_default() += 1;
            }
        }
    }

    /// Everybody in an order, made once and kept until something changes.
    pub fn order(&self, by: SortBy, make: impl FnOnce() -> Vec<InfluencerId>) -> Arc<[InfluencerId]> {
        let mut orders = self.orders.lock();
        orders[by as usize].get_or_insert_with(|| make().into()).clone()
    }

    /// Alerts of a connection that are open or acknowledged.
    pub fn alerts_of(&self, connection: ConnectionId) -> Vec<&Alert> {
        self.alerts.values().filter(|alert| alert.about.connection() == Some(connection)).collect()
    }

    /// The scope a connection is asked in.
    pub fn scope_of(&self, connection: &Connection) -> String {
        let group = self.platforms.get(&connection.platform).map(|known| known.platform.group(&connection.handle));
        lane::scope(&connection.platform, &group.unwrap_or_default())
    }

    /// Whether something a person set keeps the connection from being asked.
    pub fn is_paused(&self, connection: &Connection) -> bool {
        let influencer = self.influencers.get(&connection.influencer);
        self.is_paused_itself(connection) || influencer.is_some_and(|influencer| influencer.paused)
    }

    /// Whether the connection, its platform or everything is paused, whatever its influencer is.
    pub fn is_paused_itself(&self, connection: &Connection) -> bool {
        connection.paused || self.settings.paused || self.settings.paused_platforms.contains(&connection.platform)
    }

    /// Whether the connection is asked at all: connected, not paused, on a platform that is switched on.
    pub fn is_scheduled(&self, connection: &Connection) -> bool {
        let enabled = self.platforms.get(&connection.platform).is_some_and(|known| known.enabled);
        enabled && connection.disconnected_at.is_none() && !self.is_paused(connection)
    }

    /// Puts a connection where it belongs in the queue.
    pub fn requeue(&mut self, id: ConnectionId) {
        let Some(connection) = self.connections.get(&id) else { return };
        if !self.running.contains(&id) && self.is_scheduled(connection) {
            let (scope, due) = (self.scope_of(connection), connection.next_due_at);
            self.queue.put(&scope, id, due);
        } else {
            self.queue.remove(id);
        }
    }

    /// Keeps a connection from being asked before `until`, in memory only.
    pub fn put_off(&mut self, id: ConnectionId, until: Timestamp) {
        let Some(connection) = self.connections.get(&id).filter(|connection| self.is_scheduled(connection)) else {
            return;
        };
        let scope = self.scope_of(connection);
        self.queue.put(&scope, id, until);
    }

    fn requeue_influencer(&mut self, influencer: InfluencerId) {
        let ids = self.of_influencer.get(&influencer).cloned().unwrap_or_default();
        ids.into_iter().for_each(|id| self.requeue(id));
    }

    fn requeue_everything(&mut self) {
        let ids: Vec<ConnectionId> = self.connections.keys().copied().collect();
        ids.into_iter().for_each(|id| self.requeue(id));
    }

    /// Brings due times back that only a clock far ahead can have written.
    pub fn unreachable_due_times(&self, grid: &Grid, now: Timestamp) -> Vec<Connection> {
        let lost = |connection: &&Connection| grid.is_beyond_reach(connection.interval, connection.next_due_at, now);
        let moved = |connection: &Connection| {
            let next = grid.next(connection.id, connection.interval, now);
            Connection { next_due_at: next, slot_at: next, ..connection.clone() }
        };
        self.connections.values().filter(lost).map(moved).collect()
    }

    /// Brings connections to where another setup wants them: slots to come that are not on this grid or not its next
    /// ones, and those that could not be asked because their platform lacked something that is there now.
    pub fn moved_by_setup(&self, grid: &Grid, now: Timestamp) -> Vec<Connection> {
        let lacks = |slug: &str| self.platforms.get(slug).is_none_or(|known| known.platform.lacks().is_some());
        let was_unconfigured = |connection: &Connection| {
            let trouble = connection.trouble.as_ref();
            trouble.is_some_and(|trouble| trouble.kind == TroubleKind::Unconfigured) && !lacks(&connection.platform)
        };
        let moved = |connection: &Connection| {
            let (id, own, slot) = (connection.id, connection.interval, connection.slot_at);
            let mut after = connection.clone();
            let next = grid.next(id, own, now);
            // What waits for a person waits beyond the next slot.
            let is_late = slot > next && !standing::needs_person(connection);
            if slot > now && (is_late || !grid.has(id, own, slot)) {
                after.slot_at = next;
                // A retry stays where it is, unless the slot comes first.
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

    /// The hold that keeps a scope from being asked at `now`: its own, or its platform's.
    pub fn hold_on(&self, scope: &str, now: Timestamp) -> Option<&Hold> {
        let holds = [self.holds.get(scope), self.holds.get(lane::platform_of(scope))];
        holds.into_iter().flatten().filter(|hold| hold.until > now).max_by_key(|hold| hold.until)
    }
}

/// Whether two states of a connection are found by the same names and below the same influencer.
fn is_named_alike(one: &Connection, other: &Connection) -> bool {
    one.influencer == other.influencer
        && one.disconnected_at.is_some() == other.disconnected_at.is_some()
        && one.platform == other.platform
        && one.handle == other.handle
        && one.platform_user_id == other.platform_user_id
}
