//! Which channels an alert is delivered on, and when.

use std::collections::BTreeMap;

use roster_protocol::alert::Severity;
use roster_protocol::folding::folded;
use roster_protocol::time::Timestamp;

use crate::model::{Alert, DESKTOP, Route, Routing};
use crate::roster::Roster;
use crate::schedule::lane;

/// What an alert is delivered by.
pub struct Matched<'a> {
    routing: &'a Routing,
    /// `None`: there are no routes, and it is delivered everywhere.
    routes: Option<Vec<&'a Route>>,
    is_critical: bool,
}

/// The routes of an alert. `others` are alerts that are decided together with it: a group is matched by its members, too.
pub fn of<'a>(roster: &'a Roster, alert: &Alert, others: &[Alert]) -> Matched<'a> {
    let routing = &roster.routing;
    let routes = (!routing.routes.is_empty())
        .then(|| routing.routes.iter().filter(|route| matches(route, roster, alert, others)).collect());
    Matched { routing, routes, is_critical: alert.severity == Severity::Critical }
}

impl Matched<'_> {
    /// The channels that a notice is delivered on, each with when it is to be held back until; `None`: it is not.
    pub fn channels(&self, now: Timestamp) -> BTreeMap<String, Option<Timestamp>> {
        let mut channels = BTreeMap::new();
        let Some(routes) = &self.routes else {
            let all = self.routing.channels.iter().map(|channel| channel.key.clone());
            return all.map(|channel| (channel.clone(), self.gathered(&channel, None, now))).collect();
        };
        for route in routes {
            let hold = self.quiet(route, now);
            for channel in &route.to {
                let held = channels.entry(channel.clone()).or_insert(hold);
                // `None` is the least: what one route delivers at once is not held back by another.
                *held = (*held).min(hold);
            }
        }
        if self.desktop_has_all() {
            channels.insert(DESKTOP.to_owned(), None);
        }
        channels.into_iter().map(|(channel, hold)| (channel.clone(), self.gathered(&channel, hold, now))).collect()
    }

    /// The channels that it is delivered on when it is not acknowledged, and when that is.
    pub fn escalations(&self, now: Timestamp) -> BTreeMap<String, Timestamp> {
        let mut channels = BTreeMap::new();
        for route in self.routes.iter().flatten() {
            let Some(escalation) = &route.escalate else { continue };
            // What is held back cannot be acknowledged.
            let from = self.quiet(route, now).unwrap_or(now);
            let at = Timestamp(from.0.saturating_add(escalation.after.millis()));
            for channel in &escalation.to {
                let first = channels.entry(channel.clone()).or_insert(at);
                *first = at.min(*first);
            }
        }
        channels
    }

    /// Whether a notice is delivered on a channel.
    pub fn include(&self, channel: &str) -> bool {
        match &self.routes {
            None => self.routing.channel(channel).is_some(),
            Some(_) if channel == DESKTOP && self.desktop_has_all() => true,
            Some(routes) => routes.iter().any(|route| route.to.iter().any(|to| to == channel)),
        }
    }

    /// Whether the desktop is delivered everything, because nothing in the config names it.
    fn desktop_has_all(&self) -> bool {
        let named = |route: &Route| route.to.iter().any(|to| to == DESKTOP);
        self.routing.desktop_is_implicit && !self.routing.routes.iter().any(named)
    }

    /// When the quiet hours of a time are over on a channel; `None` where one of its routes has none.
    pub fn quiet_on(&self, channel: &str, at: Timestamp) -> Option<Timestamp> {
        let routes = self.routes.iter().flatten().filter(|route| route.to.iter().any(|to| to == channel));
        routes.map(|route| self.quiet(route, at)).min().flatten()
    }

    fn quiet(&self, route: &Route, now: Timestamp) -> Option<Timestamp> {
        route.quiet.as_ref().filter(|_| !self.is_critical)?.ends_after(now)
    }

    /// When a channel sends what it gathers, where it does. A desktop holds nothing back: it has a switch of its own.
    fn gathered(&self, channel: &str, hold: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
        if channel == DESKTOP {
            return None;
        }
        let digest = self.routing.channel(channel).map(|channel| channel.digest).filter(|_| !self.is_critical);
        // One that is due when the quiet hours end is not missed.
        let from = hold.map_or(now, |hold| Timestamp(hold.0.saturating_sub(1)));
        digest.and_then(|digest| digest.next(from, &self.routing.zone)).or(hold)
    }
}

fn matches(route: &Route, roster: &Roster, alert: &Alert, others: &[Alert]) -> bool {
    let is_platform = |slug: &str| route.platforms.iter().any(|platform| platform == slug);
    (route.rules.is_empty() || route.rules.contains(&alert.rule))
        && (route.severities.is_empty() || route.severities.contains(&alert.severity))
        && (route.platforms.is_empty() || alert.about.platform().map(lane::platform_of).is_some_and(is_platform))
        && (route.tags.is_empty() || has_tag(route, roster, alert) || has_member(route, roster, alert, others))
}

fn has_tag(route: &Route, roster: &Roster, alert: &Alert) -> bool {
    let influencer = alert.about.influencer().and_then(|id| roster.influencers.get(&id));
    let is_wanted = |tag: &String| route.tags.iter().any(|wanted| folded(wanted) == folded(tag));
    influencer.is_some_and(|influencer| influencer.tags.iter().any(is_wanted))
}

fn has_member(route: &Route, roster: &Roster, alert: &Alert, others: &[Alert]) -> bool {
    let members = || others.iter().chain(roster.alerts.values()).filter(|other| other.group == Some(alert.id));
    alert.members > 0 && members().any(|member| has_tag(route, roster, member))
}
