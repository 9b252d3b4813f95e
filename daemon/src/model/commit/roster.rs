//! What a commit writes of influencers, connections and settings.

use roster_protocol::ids::InfluencerId;

use crate::model::{Backup, ConfiguredSecret, Connection, Influencer, RetentionChoice, Settings};

/// Who is on the roster, and what users set.
#[derive(Clone, Debug, Default)]
pub struct RosterCommit {
    pub influencers: Vec<Influencer>,
    pub removed_influencers: Vec<InfluencerId>,
    pub connections: Vec<Connection>,
    /// Removed with all their snapshots, runs and changes.
    pub removed_connections: Vec<Connection>,
    pub settings: Option<Settings>,
    pub retention: Option<RetentionChoice>,
    pub backup: Option<Backup>,
    /// All API keys and app secrets of the config, where they change.
    pub secrets: Option<Vec<ConfiguredSecret>>,
}
