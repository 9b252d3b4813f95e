//! JSON of silences.

use roster_protocol::silence::ListedSilence;
use serde::Serialize;

/// What every verb of `silence` gives.
#[derive(Debug, Serialize)]
pub struct SilenceList {
    pub silences: Vec<Silence>,
}

/// One silence; what is `null` permits everything.
#[derive(Debug, Serialize)]
pub struct Silence {
    id: String,
    rule: Option<String>,
    platform: Option<String>,
    influencer: Option<String>,
    influencer_name: Option<String>,
    tag: Option<String>,
    begun_at: String,
    until: String,
    reason: String,
    by: String,
}

impl From<&ListedSilence> for Silence {
    fn from(listed: &ListedSilence) -> Self {
        let silence = listed.silence.clone();
        Self {
            id: silence.id.to_string(),
            rule: silence.rule,
            platform: silence.platform,
            influencer: silence.influencer.map(|id| id.to_string()),
            influencer_name: listed.influencer_name.clone(),
            tag: silence.tag,
            begun_at: silence.begun_at.to_string(),
            until: silence.until.to_string(),
            reason: silence.reason,
            by: silence.by,
        }
    }
}
