//! Silences: for how long alerts that match are not delivered. They open as usual.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::{InfluencerId, SilenceId};
use crate::time::{Seconds, Timestamp};

/// The most silences at once.
pub const MOST_SILENCES: usize = 100;

/// What is not delivered for some time. An alert matches when it matches each part; one that is `None` permits everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    pub id: SilenceId,
    /// The rule's name.
    pub rule: Option<String>,
    /// The platform's slug.
    pub platform: Option<String>,
    pub influencer: Option<InfluencerId>,
    /// A tag of the influencer.
    pub tag: Option<String>,
    pub begun_at: Timestamp,
    /// From then on alerts are delivered again.
    pub until: Timestamp,
    pub reason: String,
    /// Who made it.
    pub by: String,
}

/// A silence as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedSilence {
    pub silence: Silence,
    /// The influencer's name now.
    pub influencer_name: Option<String>,
}

/// A silence to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewSilence {
    pub rule: Option<String>,
    pub platform: Option<String>,
    /// An id, a name, or the beginning of an id.
    pub influencer: Option<String>,
    pub tag: Option<String>,
    pub ends: SilenceEnd,
    pub reason: String,
}

/// When a silence ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SilenceEnd {
    /// So long after it began.
    After(Seconds),
    At(Timestamp),
}

/// What it silences: `big-drop, youtube, #beauty`.
impl fmt::Display for ListedSilence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Silence { rule, platform, influencer, tag, .. } = &self.silence;
        let influencer = influencer.map(|id| self.influencer_name.clone().unwrap_or_else(|| id.to_string()));
        let tag = tag.as_ref().map(|tag| format!("#{tag}"));
        let parts: Vec<String> = [rule.clone(), platform.clone(), influencer, tag].into_iter().flatten().collect();
        f.write_str(if parts.is_empty() { "everything".to_owned() } else { parts.join(", ") }.as_str())
    }
}
