//! Influencers, their connections, and what users set.

use roster_protocol::folding::{bare, folded_handle};
use roster_protocol::ids::InfluencerId;

use super::Touched;
use crate::model::{Connection, Influencer, RosterCommit};
use crate::roster::Roster;
use crate::roster::search_text::Texts;

impl Roster {
    pub(super) fn apply_members(&mut self, commit: &RosterCommit, touched: &mut Touched) {
        if let Some(settings) = &commit.settings {
            self.settings = settings.clone();
            self.requeue_everything();
        }
        for log in &commit.undo {
            match log.changes.is_empty() {
                true => drop(self.undo.remove(&log.uid)),
                false => drop(self.undo.insert(log.uid, log.clone())),
            }
        }
        self.retention = commit.retention.or(self.retention);
        if let Some(backup) = commit.backup {
            self.backups.retain(|before| before.scheduled != backup.scheduled);
            self.backups.push(backup);
        }
        self.data_keys.extend(commit.data_keys.iter().map(|key| (key.of, key.clone())));
        commit.removed_data_keys.iter().for_each(|of| drop(self.data_keys.remove(of)));
        self.tombstones.extend(commit.tombstones.iter().map(|it| (it.id(), it.clone())));
        // Those whose names changed.
        let mut renamed = Touched::new();
        for influencer in &commit.influencers {
            let before = self.put_influencer(influencer.clone());
            renamed.insert(influencer.id);
            if before.is_none_or(|before| before.paused != influencer.paused) {
                self.requeue_influencer(influencer.id);
            }
        }
        for connection in &commit.connections {
            let before = self.connections.get(&connection.id).map(|before| before.influencer);
            touched.insert(connection.influencer);
            touched.extend(before);
            if self.put_connection(connection.clone()) {
                renamed.insert(connection.influencer);
                renamed.extend(before);
            }
        }
        for connection in &commit.removed_connections {
            self.remove_connection(connection);
            renamed.insert(connection.influencer);
        }
        for removal in &commit.removals {
            for connection in &removal.connections {
                self.remove_connection(connection);
                renamed.insert(connection.influencer);
            }
            self.removals.insert(removal.of, removal.clone());
        }
        commit.ended_removals.iter().for_each(|of| _ = self.removals.remove(of));
        touched.extend(&renamed);
        for influencer in &commit.removed_influencers {
            self.remove_influencer(*influencer);
            touched.insert(*influencer);
        }
        renamed.into_iter().for_each(|influencer| self.refresh_text(influencer));
    }

    /// Stores an influencer in all indexes, and returns what it was before.
    pub(in crate::roster) fn put_influencer(&mut self, influencer: Influencer) -> Option<Influencer> {
        let (id, name) = (influencer.id, bare(&influencer.name));
        let before = self.influencers.insert(id, influencer);
        if let Some(before) = &before {
            self.index.by_name.remove(&bare(&before.name), id);
        }
        self.index.by_name.put(name, id);
        self.index.influencers.insert(id);
        before
    }

    fn remove_influencer(&mut self, id: InfluencerId) {
        if let Some(before) = self.influencers.remove(&id) {
            self.index.by_name.remove(&bare(&before.name), id);
        }
        self.index.influencers.remove(&id);
        self.of_influencer.remove(&id);
        self.texts.remove(&id);
    }

    /// Stores a connection in all indexes, and returns whether its names or its influencer changed.
    pub(in crate::roster) fn put_connection(&mut self, connection: Connection) -> bool {
        let (id, influencer) = (connection.id, connection.influencer);
        self.newest_sync = self.newest_sync.max(connection.last_synced_at);
        let before = self.connections.insert(id, connection);
        let connection = &self.connections[&id];
        let renamed = before.as_ref().is_none_or(|before| !is_named_alike(before, connection));
        if renamed {
            let handle = (connection.platform.clone(), folded_handle(&connection.handle));
            let user_id = connection.platform_user_id.clone().map(|user_id| (connection.platform.clone(), user_id));
            let is_connected = connection.disconnected_at.is_none();
            before.iter().for_each(|before| self.forget_names(before));
            // A handle may have moved from an account that is disconnected to another one.
            let namesake = self.by_handle.get(&handle).and_then(|id| self.connections.get(id));
            if is_connected || namesake.is_none_or(|namesake| namesake.disconnected_at.is_some()) {
                self.by_handle.insert(handle, id);
            }
            self.by_user_id.extend(user_id.map(|user_id| (user_id, id)));
            self.index.of_influencer.put(influencer, id);
            if is_connected {
                self.index.connections.insert(id);
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
        // A connection in a running batch is queued again when the batch has ended.
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
        self.baselines.remove(&connection.id);
        self.webhooks.forget(connection.id);
    }

    fn forget_names(&mut self, connection: &Connection) {
        self.index.of_influencer.remove(&connection.influencer, connection.id);
        self.index.connections.remove(&connection.id);
        if let Some(siblings) = self.of_influencer.get_mut(&connection.influencer) {
            siblings.retain(|sibling| *sibling != connection.id);
        }
        let handle = (connection.platform.clone(), folded_handle(&connection.handle));
        if self.by_handle.get(&handle) == Some(&connection.id) {
            self.by_handle.remove(&handle);
        }
        if let Some(user_id) = &connection.platform_user_id {
            self.by_user_id.remove(&(connection.platform.clone(), user_id.clone()));
        }
    }

    pub(in crate::roster) fn refresh_text(&mut self, id: InfluencerId) {
        let Some(influencer) = self.influencers.get(&id) else { return };
        let handles = self.connections_of(id).map(|connection| connection.handle.as_str());
        let texts = Texts::of(&influencer.name, &influencer.tags, handles);
        self.texts.insert(id, texts);
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

#[cfg(test)]
mod tests {
    use roster_protocol::time::Timestamp;

    use super::*;
    use crate::model::Commit;
    use crate::roster::samples::*;

    /// Mara, paused or not.
    fn mara(paused: bool) -> Influencer {
        Influencer { paused, ..influencer(MARA, "Mara") }
    }

    fn sky(next_due_at: Timestamp) -> Connection {
        Connection { next_due_at, ..connection(SKY, MARA, "bluesky", "mara.example") }
    }

    fn apply(roster: &mut Roster, commit: RosterCommit) {
        roster.apply(&Commit::from(commit));
    }

    #[test]
    fn a_running_connection_is_not_in_the_queue_until_its_run_has_ended() {
        let mut roster = roster();
        assert_eq!(roster.queue.due_at(SKY), Some(DUE));
        roster.queue.remove(SKY);
        roster.running.insert(SKY);
        let later = DUE.plus_seconds(60);
        apply(&mut roster, RosterCommit { connections: vec![sky(later)], ..RosterCommit::default() });
        assert_eq!(roster.queue.due_at(SKY), None);
        roster.running.remove(&SKY);
        roster.requeue(SKY);
        assert_eq!(roster.queue.due_at(SKY), Some(later));
    }

    #[test]
    fn a_paused_influencer_has_nothing_in_the_queue_and_a_resumed_one_has() {
        let mut roster = roster();
        for (paused, due) in [(true, None), (false, Some(DUE))] {
            apply(&mut roster, RosterCommit { influencers: vec![mara(paused)], ..RosterCommit::default() });
            assert_eq!(roster.queue.due_at(SKY), due, "{paused}");
        }
    }

    #[test]
    fn a_renamed_influencer_and_a_moved_connection_are_found_by_their_new_names_only() {
        let mut roster = roster();
        let renamed = Influencer { name: "Mina".into(), ..mara(false) };
        let moved = Connection { handle: "mina.example".into(), ..sky(DUE) };
        let (influencers, connections) = (vec![renamed], vec![moved]);
        apply(&mut roster, RosterCommit { influencers, connections, ..RosterCommit::default() });
        assert_eq!(
            (roster.index.by_name.of(&"mara".into()).len(), roster.index.by_name.of(&"mina".into()).len()),
            (0, 1)
        );
        assert!(roster.account("bluesky", "mara.example", None).is_none());
        assert!(roster.account("bluesky", "MINA.example", None).is_some());
        let removed_connections = vec![sky(DUE)];
        apply(&mut roster, RosterCommit { removed_connections, ..RosterCommit::default() });
        let left = |found: Vec<&Connection>| found.iter().map(|it| it.id).collect::<Vec<_>>();
        assert_eq!(left(roster.connected().collect()), [TUBE, HERS]);
        assert_eq!(left(roster.all_connections_of(MARA).collect()), [TUBE]);
    }
}
