//! Which alerts silences are about.

use roster_protocol::folding::folded;
use roster_protocol::silence::Silence;
use roster_protocol::time::Timestamp;

use super::Roster;
use crate::model::Alert;
use crate::schedule::lane;

impl Roster {
    /// Until when silences are about an alert; `None`: none is now.
    pub fn silenced_until(&self, alert: &Alert, now: Timestamp) -> Option<Timestamp> {
        let lasting = self.silences.values().filter(|silence| silence.until > now);
        lasting.filter(|silence| self.is_about(silence, alert)).map(|silence| silence.until).max()
    }

    /// Whether an alert matches every part of a silence.
    pub fn is_about(&self, silence: &Silence, alert: &Alert) -> bool {
        let has_tag = |tag: &String| {
            let influencer = alert.about.influencer().and_then(|id| self.influencers.get(&id));
            influencer.is_some_and(|one| one.tags.iter().any(|it| folded(it) == folded(tag)))
        };
        let is_on = |slug: &String| alert.about.platform().map(lane::platform_of) == Some(slug.as_str());
        silence.rule.as_ref().is_none_or(|rule| *rule == alert.rule)
            && silence.platform.as_ref().is_none_or(is_on)
            && silence.influencer.is_none_or(|id| alert.about.influencer() == Some(id))
            && silence.tag.as_ref().is_none_or(has_tag)
    }
}
