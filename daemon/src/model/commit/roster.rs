//! What a commit writes of influencers, connections and settings.

use roster_protocol::ids::InfluencerId;

use crate::model::{
    Backup, Connection, DataKey, Influencer, Removable, Removal, RetentionChoice, Settings, Tombstone, UndoLog,
};

/// Who is on the roster, and what users set.
#[derive(Clone, Debug, Default)]
pub struct RosterCommit {
    pub influencers: Vec<Influencer>,
    pub removed_influencers: Vec<InfluencerId>,
    /// New ones, and those whose influencer was merged with another.
    pub data_keys: Vec<DataKey>,
    /// Keys that are destroyed: what was sealed under them cannot be read any more.
    pub removed_data_keys: Vec<InfluencerId>,
    /// What stays of those who are erased.
    pub tombstones: Vec<Tombstone>,
    pub connections: Vec<Connection>,
    /// Removed with all their snapshots, runs and changes.
    pub removed_connections: Vec<Connection>,
    /// What is removed, and can be brought back. Their connections are in no list any more; their history stays.
    pub removals: Vec<Removal>,
    /// Those that were brought back, or whose day is over.
    pub ended_removals: Vec<Removable>,
    /// Connections of removals whose snapshots, runs and changes are deleted.
    pub forgotten_connections: Vec<Connection>,
    pub settings: Option<Settings>,
    /// What users can take back from now on; the last of a user counts.
    pub undo: Vec<UndoLog>,
    pub retention: Option<RetentionChoice>,
    pub backup: Option<Backup>,
}
