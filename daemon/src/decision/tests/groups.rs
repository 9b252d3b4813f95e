//! What channels are notified of when many accounts move together.

use roster_protocol::alert::{Explained, Severity};
use roster_protocol::delivery::{ChannelKind, DeliveryKind, DeliveryState};
use roster_protocol::metric::Metric;

use super::*;
use crate::alerts::change::Difference;
use crate::alerts::evaluate::{Opening, Steps, resolved};
use crate::decision::deliveries::{self, Taken};
use crate::decision::{alerting, routes};
use crate::model::{ChannelInfo, DESKTOP, Delivery, Escalation, Route, Routing};

const WAIT_S: i64 = 30;

/// Accounts of one platform that fall, on a clock of its own.
struct Purge {
    scene: Scene,
    now: Timestamp,
    severity: Severity,
    fallen: u8,
}

impl Purge {
    fn new(routes: Vec<Route>) -> Self {
        let channel = |name: &str, wait: i64| ChannelInfo {
            name: name.to_owned(),
            key: name.to_owned(),
            kind: ChannelKind::Slack,
            wait: Seconds(wait as u64),
            ..ChannelInfo::desktop()
        };
        let channels = vec![ChannelInfo::desktop(), channel("ops", 0), channel("team", WAIT_S)];
        let mut scene = Scene::new();
        scene.roster.routing = Routing { channels, routes, ..Routing::default() };
        Self { scene, now: NOON, severity: Severity::Warning, fallen: 0 }
    }

    fn decide(&mut self, decide: impl FnOnce(&mut Decision<'_>)) -> Vec<Delivery> {
        let Scene { roster, grid, dice, .. } = &mut self.scene;
        let mut decision = Decision::new(roster, grid, Ratio(100_000), self.now, dice);
        decide(&mut decision);
        deliveries::follow(&mut decision);
        let commit = decision.commit;
        roster.apply(&commit);
        commit.alerting.deliveries
    }

    /// Another account of an influencer falls.
    fn falls(&mut self, influencer: InfluencerId) -> Vec<Delivery> {
        self.fallen += 1;
        let about = About::Connection {
            connection: ConnectionId::from_bytes([100 + self.fallen; 5]),
            influencer,
            platform: "bluesky".to_owned(),
        };
        let opening = Opening {
            rule: "big-drop".to_owned(),
            severity: self.severity,
            about: Some(Difference { metric: Metric::Followers, from: Some(100.0), to: Some(80.0) }),
            explained: Explained { from_at: Some(NOON), ..Explained::default() },
            why: "fell".to_owned(),
        };
        self.decide(|decision| alerting::take_about(decision, &about, Steps { open: vec![opening], resolve: vec![] }))
    }

    fn many_fall(&mut self, count: u8) {
        (0..count).for_each(|_| drop(self.falls(MARA)));
    }

    /// What is pending on a channel: what it says, and in how many seconds from noon it is due.
    fn pending(&self, channel: &str) -> Vec<(DeliveryKind, i64)> {
        let due = |it: &Delivery| it.next_at.map_or(0, |at| at.since(NOON) / 1000);
        self.scene.roster.deliveries.on(channel).map(|it| (it.key.kind, due(it))).collect()
    }

    fn group(&self) -> Alert {
        self.scene.roster.alerts.values().find(|alert| alert.members > 0).expect("a group").clone()
    }

    /// What is pending on the channel about the group is taken, and spoke of so many accounts.
    fn taken(&mut self, channel: &str, members: u64) {
        let number = self.group().number;
        let of_group = self.scene.roster.deliveries.on(channel).filter(|it| it.key.alert == number);
        let keys: Vec<_> = of_group.map(|it| it.key.clone()).collect();
        let taken = Taken { receipt: "ok".to_owned(), members: [(number, members)].into() };
        self.decide(|decision| deliveries::delivered(decision, &keys, &taken));
    }
}

fn states(deliveries: &[Delivery]) -> Vec<(&str, DeliveryKind, DeliveryState)> {
    deliveries.iter().map(|it| (it.key.channel.as_str(), it.key.kind, it.state)).collect()
}

#[test]
fn a_group_takes_the_place_of_what_waits_and_is_due_with_the_first() {
    let mut purge = Purge::new(Vec::new());
    purge.falls(MARA);
    purge.now = NOON.plus_seconds(5);
    purge.many_fall(4);
    assert_eq!(purge.pending("team").len(), 5);
    let decided = purge.falls(MARA);
    let superseded = decided.iter().filter(|it| it.state == DeliveryState::Superseded);
    assert_eq!(superseded.map(|it| it.key.channel.as_str()).collect::<Vec<_>>(), ["team"; 5]);
    let why = format!("the notice of the group {} has it", purge.group().id);
    assert!(decided.iter().all(|it| it.last_error.as_ref().is_none_or(|error| *error == why)), "{decided:?}");
    assert_eq!(purge.pending("team"), [(DeliveryKind::Group, WAIT_S)]);
    // A channel that does not wait is sent the first, and the group.
    let ops = [0, 5, 5, 5, 5].map(|due| (DeliveryKind::Opened, due));
    assert_eq!(purge.pending("ops"), [&ops[..], &[(DeliveryKind::Group, 5)]].concat());
    purge.now = NOON.plus_seconds(20);
    purge.many_fall(9);
    assert_eq!(purge.pending("team"), [(DeliveryKind::Group, WAIT_S)], "the others are in its notice");
}

#[test]
fn what_is_due_or_was_sent_stays_and_the_group_waits_for_itself() {
    let mut purge = Purge::new(Vec::new());
    purge.many_fall(5);
    purge.now = NOON.plus_seconds(WAIT_S);
    let decided = purge.falls(MARA);
    assert!(decided.iter().all(|it| it.state == DeliveryState::Pending), "{decided:?}");
    let due = purge.pending("team");
    assert_eq!(due[5..], [(DeliveryKind::Group, 2 * WAIT_S)]);
    assert_eq!(due.len(), 6);
}

#[test]
fn what_is_critical_does_not_wait() {
    let mut purge = Purge::new(Vec::new());
    purge.severity = Severity::Critical;
    purge.many_fall(6);
    assert!(purge.pending("team").iter().all(|(_, due)| *due == 0), "{:?}", purge.pending("team"));
    assert_eq!(purge.pending("team").len(), 6);
}

#[test]
fn escalations_of_members_become_the_groups() {
    let escalate = Some(Escalation { after: Seconds(1800), to: vec!["ops".to_owned()] });
    let mut purge = Purge::new(vec![Route { to: vec!["team".to_owned()], escalate, ..Route::default() }]);
    purge.many_fall(5);
    assert_eq!(purge.pending("ops"), [(DeliveryKind::Escalated, 1800); 5]);
    purge.now = NOON.plus_seconds(60);
    purge.many_fall(1);
    assert_eq!(purge.pending("ops"), [(DeliveryKind::Escalated, 1860)]);
}

#[test]
fn a_member_that_others_routes_do_not_lead_to_has_the_group_said_there() {
    let to = |channel: &str, tags: &[&str]| Route {
        to: vec![channel.to_owned()],
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        ..Route::default()
    };
    let mut purge = Purge::new(vec![to("team", &[]), to("ops", &["beauty"])]);
    let lea = Influencer { tags: vec!["beauty".to_owned()], ..influencer(LEA, "Léa") };
    purge.scene = purge.scene.after(RosterCommit { influencers: vec![lea], ..RosterCommit::default() });
    purge.many_fall(7);
    assert_eq!(purge.pending("ops"), []);
    assert_eq!(states(&purge.falls(LEA)), [("ops", DeliveryKind::Group, DeliveryState::Pending)]);
    assert_eq!(states(&purge.falls(LEA)), []);
    purge.taken("ops", 9);
    assert_eq!(states(&purge.falls(LEA)), [], "it was said there");
    let matched = routes::of(&purge.scene.roster, &purge.group(), &[]);
    assert!(matched.include("ops") && matched.include(DESKTOP));
}

#[test]
fn a_group_is_said_again_when_twice_as_large_and_a_quarter_of_an_hour_later() {
    let mut purge = Purge::new(vec![Route { to: vec!["team".to_owned()], ..Route::default() }]);
    purge.many_fall(6);
    purge.now = NOON.plus_seconds(WAIT_S);
    purge.taken("team", 6);
    purge.many_fall(5);
    assert_eq!(purge.pending("team"), [], "11 are not twice 6");
    purge.many_fall(1);
    let at = WAIT_S + 15 * 60;
    assert_eq!(purge.pending("team"), [(DeliveryKind::Grown, at)]);
    purge.many_fall(20);
    assert_eq!(purge.pending("team"), [(DeliveryKind::Grown, at)]);
    // It grows while the update is sent, and the next one follows.
    purge.now = NOON.plus_seconds(at);
    purge.taken("team", 15);
    assert_eq!(purge.pending("team"), [(DeliveryKind::Grown, at + 15 * 60)]);
    purge.now = NOON.plus_seconds(2 * at);
    purge.taken("team", 32);
    assert_eq!(purge.pending("team"), []);
    purge.many_fall(32);
    assert_eq!(purge.pending("team"), [(DeliveryKind::Grown, 2 * at + 15 * 60)]);
    // That it is over is said, and not that it had grown.
    let group = purge.group();
    let members: Vec<Alert> = purge.scene.roster.alerts.values().filter(|it| it.members == 0).cloned().collect();
    purge.decide(|decision| {
        let resolve = [members, vec![group]].concat().iter().map(|it| resolved(it, decision.now)).collect();
        alerting::take_about(decision, &About::Daemon, Steps { open: vec![], resolve });
    });
    assert_eq!(purge.pending("team"), [(DeliveryKind::Resolved, 2 * at)]);
}
