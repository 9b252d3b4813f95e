//! Subscriptions to single accounts' notifications: begun, asked for, confirmed, renewed and given up.

use super::*;
use crate::decision::lease::{self, Ticket};
use crate::model::{Lease, WebhooksCommit};

const TOPIC: &str = "https://www.youtube.com/xml/feeds/videos.xml?channel_id=id:@mara";
const DAY_S: i64 = 24 * 3600;

fn ticket(connection: ConnectionId) -> Ticket {
    Ticket { connection, token: format!("token{}", connection.0[0]), secret: Sealed(vec![1]) }
}

fn lease(requested_at: Option<Timestamp>, failures: u32) -> Lease {
    Lease {
        connection: TUBE,
        account: "id:@mara".into(),
        token: "token".into(),
        secret: Sealed(vec![1]),
        address: "https://roster.example/webhooks/youtube/hub/token".into(),
        requested_at,
        ends_at: None,
        next_at: NOON,
        failures,
        last_error: None,
    }
}

fn with_lease(lease: Lease) -> Scene {
    let webhooks = WebhooksCommit { leases: vec![lease], ..WebhooksCommit::default() };
    Scene::new().after(Commit { webhooks, ..Commit::default() })
}

fn wanted(scene: &Scene) -> Vec<ConnectionId> {
    lease::wanted(&scene.roster).map(|connection| connection.id).collect()
}

#[test]
fn each_known_account_at_a_hub_gets_one_and_loses_it_with_the_account() {
    let mut scene = Scene::new();
    assert_eq!(wanted(&scene), [TUBE], "other platforms have no hub");
    let ((), commit) = scene.decide(|decision| lease::begin(decision, vec![ticket(TUBE), ticket(SKY)]));
    let [begun] = commit.webhooks.leases.as_slice() else { panic!("one: {commit:?}") };
    assert_eq!((begun.connection, begun.account.as_str(), begun.next_at), (TUBE, "id:@mara", NOON));
    scene = scene.after(commit);
    assert_eq!((wanted(&scene).len(), lease::outdated(&scene.roster).len()), (0, 0));

    let account = connection(TUBE, MARA, "youtube", "@mara");
    let check = |after: Connection, expected: &[ConnectionId]| {
        let scene = with_lease(lease(None, 0)).with_connection(after);
        assert_eq!(lease::outdated(&scene.roster), expected);
    };
    check(account.clone(), &[]);
    check(Connection { paused: true, ..account.clone() }, &[]);
    check(Connection { disconnected_at: Some(NOON), ..account.clone() }, &[TUBE]);
    check(Connection { platform_user_id: Some("UC2".into()), ..account.clone() }, &[TUBE]);
    let unknown = Connection { platform_user_id: None, ..account };
    assert!(wanted(&Scene::new().with_connection(unknown)).is_empty());
}

#[test]
fn a_hub_that_does_not_confirm_is_asked_ever_less_often() {
    let waits = [(0, 3600), (1, 7200), (4, 57_600), (5, 115_200), (90, 115_200)];
    for (failures, wait) in waits {
        let mut scene = with_lease(lease(None, failures));
        let ((), commit) = scene.decide(|decision| lease::request(decision, TUBE, "https://x.example/y".into()));
        let asked = &commit.webhooks.leases[0];
        assert_eq!((asked.next_at.since(NOON) / 1000, asked.failures), (wait, failures + 1));
        assert_eq!((asked.requested_at, asked.address.as_str()), (Some(NOON), "https://x.example/y"));
    }
    let mut scene = with_lease(lease(Some(NOON), 3));
    let ((), commit) = scene.decide(|decision| lease::failed(decision, TUBE, "no response".into()));
    let failed = &commit.webhooks.leases[0];
    assert!(failed.next_at > NOON && failed.next_at.since(NOON) <= 3_600_000, "{failed:?}");
    assert_eq!(failed.last_error.as_deref(), Some("no response"));
}

#[test]
fn only_what_was_asked_for_is_confirmed_and_renewed_half_way() {
    let confirm = |requested: Option<i64>, platform: &str, token: &str, topic: &str, lasts: Option<u64>| {
        let asked = requested.map(|ago_s| NOON.plus_seconds(-ago_s));
        let mut scene = with_lease(lease(asked, 2));
        let (confirmed, commit) =
            scene.decide(|decision| lease::confirm(decision, platform, token, topic, lasts.map(Seconds)));
        assert_eq!(confirmed, !commit.webhooks.leases.is_empty());
        commit.webhooks.leases.into_iter().next()
    };
    let check = |lasts: Option<u64>, expected_s: i64| {
        let lease = confirm(Some(5), "youtube", "token", TOPIC, lasts).expect("it was asked for");
        assert_eq!(lease.ends_at.map(|ends| ends.since(NOON) / 1000), Some(expected_s), "{lasts:?}");
        let renewed = lease.next_at.since(NOON) / 1000;
        assert!((expected_s * 9 / 20..=expected_s / 2).contains(&renewed), "{lasts:?}: {renewed}");
        assert_eq!(lease.failures, 0);
    };
    check(Some(432_000), 5 * DAY_S);
    let lasts = |ends_at: Option<i64>| {
        let ends_at = ends_at.map(|after_s| NOON.plus_seconds(after_s));
        with_lease(Lease { ends_at, ..lease(None, 0) }).roster.hub_tally("youtube", NOON)
    };
    assert_eq!([lasts(None), lasts(Some(0)), lasts(Some(1))], [(0, 1), (0, 1), (1, 1)]);
    assert_eq!(Scene::new().roster.hub_tally("bluesky", NOON), (0, 0));
    check(None, 10 * DAY_S);
    check(Some(u64::MAX), 10 * DAY_S);
    check(Some(1), 3600);
    assert!(confirm(Some(DAY_S), "youtube", "token", TOPIC, None).is_some());
    assert!(confirm(Some(DAY_S + 1), "youtube", "token", TOPIC, None).is_none(), "so long ago");
    assert!(confirm(None, "youtube", "token", TOPIC, None).is_none(), "it was not asked for");
    assert!(confirm(Some(5), "bluesky", "token", TOPIC, None).is_none());
    assert!(confirm(Some(5), "youtube", "other", TOPIC, None).is_none());
    assert!(confirm(Some(5), "youtube", "token", &TOPIC.replace("@mara", "@other"), None).is_none());
}
