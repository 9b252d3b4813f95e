//! Platforms notify the daemon: connections become due, owners take their consents back, and nothing counts twice.

use reqwest::StatusCode;
use roster_protocol::audit::AuditEntry;
use roster_protocol::connection::ConnectionStatus;
use roster_protocol::consent::Renews;
use roster_protocol::error::ErrorKind;
use roster_protocol::sync::Cause;
use roster_protocol::transport::within;
use roster_protocol::{ConnectionId, service};
use roster_sandbox::{Fault, FaultKind, Hook, HookKind, HookOrder, Platform};

use crate::support::consent::{APPS, browser, consented, open};
use crate::support::programs::until;
use crate::support::{LIMIT, World};

const DAY_S: i64 = 24 * 3600;
/// How long after a sync the next one that a notification asks for may be.
const DISTANCE_S: i64 = 15 * 60;

impl World {
    /// Where platforms reach the daemon.
    fn address(&self) -> String {
        format!("http://{}", self.daemon().http.expect("it listens"))
    }

    fn order(&self, platform: Platform, handle: &str, kind: HookKind) -> HookOrder {
        HookOrder::new(platform, handle, kind, &self.address())
    }

    /// What a platform sends, signed now.
    fn hook(&self, platform: Platform, handle: &str, kind: HookKind) -> Hook {
        let mut hooks = self.sandbox.world().hooks(&self.order(platform, handle, kind)).expect("an order");
        assert_eq!(hooks.len(), 1);
        hooks.remove(0)
    }

    /// The status with which a request is answered.
    async fn sent(&self, hook: &Hook) -> u16 {
        hook.send(&self.address()).await.expect("a response").0
    }

    async fn audit_of(&self, action: &str) -> Vec<AuditEntry> {
        let query = service::AuditQuery { limit: 256, ..Default::default() };
        let page = self.client.audit(within(LIMIT), query).await.expect("a response").expect("the log");
        page.rows.into_iter().filter(|entry| entry.action == action).collect()
    }

    async fn caused_by_push(&self, connection: ConnectionId) -> usize {
        let runs = self.runs().await;
        runs.iter().filter(|run| run.connection == connection && run.cause == Cause::Push).count()
    }

    async fn metric(&self, line: &str) -> u64 {
        let (_, text) = open(&format!("{}/metrics", self.address())).await;
        let value = text.lines().find_map(|reported| reported.strip_prefix(line)).unwrap_or_else(|| panic!("{line}"));
        value.trim().parse().expect("a count")
    }

    /// Mara's account there, read with her consent, a while after its first sync.
    async fn consented(&self, platform: Platform, handle: &str) -> ConnectionId {
        self.quiet(platform, handle, 4000);
        if self.client.influencer(within(LIMIT), "Mara".to_owned()).await.expect("a response").is_err() {
            self.influencer("Mara").await;
        }
        consented(&self.client, "Mara", platform, handle).await;
        let id = self.connection(&format!("{platform}:{handle}")).await.id;
        self.settle().await;
        self.both_pass(2 * DISTANCE_S).await;
        id
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_who_removes_the_app_ends_that_consent_once_and_no_later_one() {
    for (platform, handle, name) in [
        (Platform::Instagram, "mara.gram", "Instagram"),
        (Platform::Facebook, "mara.page", "Facebook"),
        (Platform::Tiktok, "mara", "TikTok"),
    ] {
        let mut world = World::with_apps().await;
        let id = world.consented(platform, handle).await;
        // What another secret signed, or Meta long ago, changes nothing.
        let forged = HookOrder { is_forged: true, ..world.order(platform, handle, HookKind::Removed) };
        let old = HookOrder { age_seconds: 5 * DAY_S as u64, ..world.order(platform, handle, HookKind::Removed) };
        // Made first: the order itself removes the app at the platform.
        let removed = world.hook(platform, handle, HookKind::Removed);
        for order in [forged, old] {
            let responses = world.sandbox.world().send_hooks(&order).await.expect("sent");
            assert_eq!(responses, [(401, "refused".to_owned())], "{name}");
        }
        assert_eq!(world.audit_of("grant.end").await.len(), 0, "{name}");
        let [grant] = world.grants().await.try_into().expect("one grant");
        assert_eq!(grant.renews, Renews::Itself, "{name}");

        let requested = world.sandbox.world().requests().len();
        for _ in 0..20 {
            assert_eq!(world.sent(&removed).await, 200, "{name}");
        }
        world.settle().await;
        let shown = world.connection(&id.to_string()).await;
        assert_eq!(shown.status, ConnectionStatus::Reauthorize, "{name}: {shown:?}");
        let said = format!("the owner removed the authorization on {name}: consent is needed again");
        assert_eq!(shown.last_error.as_deref(), Some(said.as_str()), "{name}");
        assert_eq!(world.sandbox.world().requests().len(), requested, "{name}: nothing is requested to find that out");
        let [line] = world.audit_of("grant.end").await.try_into().expect("one line, however often it is received");
        assert_eq!(line.new.as_deref(), Some(said.as_str()), "{name}");
        let [grant] = world.grants().await.try_into().expect("it is shown until the owner consents again");
        assert_eq!((grant.renews, grant.note), (Renews::ByHand, Some(said)), "{name}");
        assert!(world.alerts().await.iter().any(|alert| alert.rule == "needs-person"), "{name}");

        // It is received once more, after she has consented again, and after a restart.
        world.both_pass(60).await;
        world.consent("Mara", platform.slug(), handle).await;
        world.settle().await;
        assert_eq!(world.sent(&removed).await, 200, "{name}");
        world.restart().await;
        assert_eq!(world.sent(&removed).await, 200, "{name}");
        world.settle().await;
        assert_eq!(world.connection(&id.to_string()).await.status, ConnectionStatus::Fresh, "{name}");
        assert_eq!(world.audit_of("grant.end").await.len(), 1, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_owner_wants_deleted_is_deleted_and_a_page_says_so() {
    let mut world = World::with_proxy_and_apps("https://roster.example/team").await;
    let id = world.consented(Platform::Instagram, "mara.gram").await;
    // Another account of hers, read with no consent, is not Meta's to delete.
    world.quiet(Platform::Bluesky, "mara.sky.test", 900);
    world
        .client
        .connect(
            within(LIMIT),
            "Mara".into(),
            roster_protocol::connection::Account { platform: "bluesky".into(), handle: "mara.sky.test".into() },
        )
        .await
        .expect("a response")
        .expect("connected");
    world.settle().await;

    let deletion = world.hook(Platform::Instagram, "mara.gram", HookKind::Deletion);
    let (status, body) = deletion.send(&world.address()).await.expect("a response");
    assert_eq!(status, 200, "{body}");
    let answer: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    let (code, url) = (answer["confirmation_code"].as_str().expect("a code"), answer["url"].as_str().expect("a URL"));
    assert_eq!(url, format!("https://roster.example/team/webhooks/instagram/deletion/{code}"));
    assert_eq!(code.len(), 16);

    let missing = world.client.connection(within(LIMIT), id.to_string()).await.expect("a response");
    assert_eq!(missing.expect_err("it is gone").kind, ErrorKind::NotFound);
    let history = world.client.history(within(LIMIT), id.to_string(), None, None).await.expect("a response");
    assert_eq!(history.expect_err("it is gone").kind, ErrorKind::NotFound);
    assert!(world.grants().await.is_empty(), "no token is left");
    let mara = world.show("Mara").await;
    let left: Vec<&str> = mara.connections.iter().map(|connection| connection.platform.as_str()).collect();
    assert_eq!(left, ["bluesky"]);
    let [line] = world.audit_of("grant.delete").await.try_into().expect("one line");
    assert!(!format!("{line:?}").contains("mara"), "it names no owner: {line:?}");

    let page = |world: &World, code: &str| format!("{}/webhooks/instagram/deletion/{code}", world.address());
    world.restart().await;
    // Received again it is the same request, with the same page.
    assert_eq!(deletion.send(&world.address()).await.expect("a response"), (200, body.clone()));
    assert_eq!(world.audit_of("grant.delete").await.len(), 1);
    let (status, shown) = open(&page(&world, code)).await;
    assert!(status == StatusCode::OK && shown.contains("On 2026-11-21 your consent, your account"), "{shown}");
    assert!(!shown.contains("mara"), "{shown}");
    for unknown in ["aaaaaaaaaaaaaaaa", "%3Cb%3E"] {
        let (status, shown) = open(&page(&world, unknown)).await;
        assert!(status == StatusCode::NOT_FOUND && !shown.contains("<b>"), "{shown}");
    }
    // Of an unknown owner nothing is held, and the page says that.
    world.quiet(Platform::Instagram, "oskar.gram", 700);
    world.influencer("Oskar").await;
    consented(&world.client, "Oskar", Platform::Instagram, "oskar.gram").await;
    world
        .client
        .disconnect(within(LIMIT), "instagram:oskar.gram".to_owned(), true)
        .await
        .expect("a response")
        .expect("disconnected");
    // That could be taken back for a day, unless all consents are revoked.
    world.client.revoke_all(within(LIMIT)).await.expect("a response").expect("revoked");
    until("it is revoked", async || world.grants().await.is_empty().then_some(())).await;
    let deletion = world.hook(Platform::Instagram, "oskar.gram", HookKind::Deletion);
    let (status, body) = deletion.send(&world.address()).await.expect("a response");
    let answer: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    let (_, shown) = open(&page(&world, answer["confirmation_code"].as_str().expect("a code"))).await;
    assert!(status == 200 && shown.contains("Roster has no consent of yours"), "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_notifications_costs_each_connection_one_sync() {
    let world = World::with_apps().await;
    let mut ids = Vec::new();
    let accounts = [(Platform::Instagram, "mara.gram"), (Platform::Facebook, "mara.page"), (Platform::Tiktok, "mara")];
    for (platform, handle) in accounts {
        ids.push(world.consented(platform, handle).await);
    }
    let orders =
        accounts.map(|(platform, handle)| HookOrder { count: 350, ..world.order(platform, handle, HookKind::Changed) });
    let storm = orders.iter().map(|order| world.sandbox.world().send_hooks(order));
    for responses in futures::future::join_all(storm).await {
        let responses = responses.expect("sent");
        assert!(responses.len() == 350 && responses.iter().all(|(status, _)| *status == 200), "{responses:?}");
    }
    world.settle().await;
    for id in &ids {
        assert_eq!(world.caused_by_push(*id).await, 1);
    }
    for (platform, _) in accounts {
        let line = format!("roster_notifications_total{{platform=\"{platform}\",result=\"taken\"}}");
        assert_eq!(world.metric(&line).await, 350, "{platform}");
    }
    // What was still to be seen after that sync is seen by one more, later.
    world.both_pass(DISTANCE_S).await;
    for id in &ids {
        let caused = world.caused_by_push(*id).await;
        assert!(caused <= 2, "{caused}");
    }
    world.both_pass(DISTANCE_S).await;
    for id in &ids {
        assert!(world.caused_by_push(*id).await <= 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notification_is_remembered_over_a_restart_and_counts_once() {
    let mut world = World::with_apps().await;
    let id = world.consented(Platform::Instagram, "mara.gram").await;
    world.sync(&id.to_string()).await;
    // So soon after a sync the next one waits.
    let changed = world.hook(Platform::Instagram, "mara.gram", HookKind::Changed);
    assert_eq!(world.sent(&changed).await, 200);
    world.settle().await;
    assert_eq!(world.caused_by_push(id).await, 0);
    world.restart().await;
    world.both_pass(DISTANCE_S).await;
    assert_eq!(world.caused_by_push(id).await, 1, "the restart has lost nothing");
    world.both_pass(DISTANCE_S).await;
    assert_eq!(world.sent(&changed).await, 200, "received before");
    world.settle().await;
    assert_eq!(world.caused_by_push(id).await, 1, "and it counts once");
    let repeat = "roster_notifications_total{platform=\"instagram\",result=\"repeat\"}";
    assert_eq!(world.metric(repeat).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_a_notification_does_nothing() {
    let apps = APPS.replace("[platforms.instagram]\n", "[platforms.instagram]\nverify_token = \"verify-me\"\n");
    let world = World::with_config(&apps).await;
    let id = world.consented(Platform::Instagram, "mara.gram").await;
    let changed = world.hook(Platform::Instagram, "mara.gram", HookKind::Changed);
    let check = async |hook: Hook, expected: u16| {
        let (status, body) = hook.send(&world.address()).await.expect("a response");
        assert_eq!(status, expected, "{body} to {:?}", &hook.headers);
        assert!(body.len() < 60 && !body.contains("mara"), "no detail: {body}");
    };
    let with = |headers: Vec<(&'static str, String)>| Hook { headers, ..changed.clone() };
    check(with(vec![]), 401).await;
    check(with(vec![("x-hub-signature-256", "sha256=".to_owned())]), 401).await;
    check(with(vec![("x-hub-signature-256", format!("sha256={}", "0".repeat(64)))]), 401).await;
    check(Hook { body: format!("{} ", changed.body), ..changed.clone() }, 401).await;
    check(Hook { path: "/webhooks/facebook".to_owned(), ..changed.clone() }, 401).await;
    for unknown in ["/webhooks/bluesky", "/webhooks/nowhere", "/webhooks/tiktok/deletion", "/webhooks/instagram/x"] {
        check(Hook { path: unknown.to_owned(), ..changed.clone() }, 404).await;
    }
    check(Hook { body: "x".repeat(256 * 1024 + 1), ..changed.clone() }, 413).await;
    check(
        Hook {
            path: "/webhooks/instagram/deletion".to_owned(),
            body: "signed_request=a.b".to_owned(),
            ..changed.clone()
        },
        401,
    )
    .await;

    // A page of another host, whose name resolves to this listener.
    let request = browser().post(format!("{}/webhooks/instagram", world.address())).header("host", "evil.example");
    let response = request.body(changed.body.clone()).send().await.expect("a response");
    assert_eq!(response.status(), StatusCode::MISDIRECTED_REQUEST);

    // Meta's question whether the address is ours.
    let asked = async |query: &str| open(&format!("{}/webhooks/instagram?{query}", world.address())).await;
    let good = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=verify-me";
    assert_eq!(asked(good).await, (StatusCode::OK, "1158201444".to_owned()));
    assert_eq!(asked(&good.replace("verify-me", "other")).await.0, StatusCode::FORBIDDEN);
    assert_eq!(asked(&good.replace("1158201444", "%3Cb%3E")).await.0, StatusCode::BAD_REQUEST);
    let facebook = open(&format!("{}/webhooks/facebook?{good}", world.address())).await;
    assert_eq!(facebook.0, StatusCode::FORBIDDEN, "it has no token");
    world.settle().await;
    assert_eq!(world.caused_by_push(id).await, 0);
}

/// Waits until the hub was asked so often.
async fn asked(world: &World, times: usize) {
    until("the hub is asked", async || (world.requests_to("/subscribe") >= times).then_some(())).await;
    assert_eq!(world.requests_to("/subscribe"), times);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_is_subscribed_to_renewed_in_time_and_believed_in_nothing_else() {
    let mut world = World::with_proxy("https://roster.example/team").await;
    world.followers(Platform::Youtube, "@mara", 5000);
    let mara = world.add("Mara", "youtube", "@mara").await;
    let id = mara.connections[0].id;
    asked(&world, 1).await;
    let verified = async |world: &World| {
        // The proxy takes its path off.
        let to = world.address();
        world.sandbox.world().verify_subscriptions(&to).await.expect("sent")
    };
    assert_eq!(verified(&world).await, [200]);
    world.both_pass(2 * DISTANCE_S).await;

    let published = world.hook(Platform::Youtube, "@mara", HookKind::Changed);
    assert!(published.path.starts_with("/team/webhooks/youtube/hub/"), "{}", published.path);
    // What another secret signed is answered as the standard wants, and ignored.
    let forged = HookOrder { is_forged: true, ..world.order(Platform::Youtube, "@mara", HookKind::Changed) };
    let answers = world.sandbox.world().send_hooks(&forged).await.expect("sent");
    assert_eq!(answers, [(200, "ok".to_owned())]);
    world.settle().await;
    assert_eq!(world.caused_by_push(id).await, 0);
    for _ in 0..3 {
        assert_eq!(world.sent(&published).await, 200);
    }
    world.settle().await;
    assert_eq!(world.caused_by_push(id).await, 1);
    // An address that was never given out.
    let elsewhere = Hook { path: "/webhooks/youtube/hub/AAAAAAAAAAAAAAAAAAAAAA".to_owned(), ..published.clone() };
    assert_eq!(world.sent(&elsewhere).await, 410);
    // A question that was not asked for, and one that is no question.
    let topic = "https%3A%2F%2Fwww.youtube.com%2Fxml%2Ffeeds%2Fvideos.xml%3Fchannel_id%3DUC1";
    for query in [
        format!("hub.mode=subscribe&hub.challenge=1&hub.topic={topic}"),
        format!("hub.mode=unsubscribe&hub.challenge=1&hub.topic={topic}"),
        String::new(),
    ] {
        let (status, _) = open(&format!("{}{}?{query}", world.address(), published.path)).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{query}");
    }

    // It lasts ten days, and is renewed before the half of them, restarts or not.
    world.both_pass(4 * DAY_S).await;
    world.restart().await;
    asked(&world, 1).await;
    world.both_pass(DAY_S).await;
    asked(&world, 2).await;
    assert_eq!(verified(&world).await, [200]);
    world.both_pass(6 * DAY_S).await;
    world.both_pass(2 * DISTANCE_S).await;
    let again = world.hook(Platform::Youtube, "@mara", HookKind::Changed);
    assert_eq!(again.path, published.path, "its address stays");
    let before = world.caused_by_push(id).await;
    assert_eq!(world.sent(&again).await, 200);
    world.settle().await;
    assert_eq!(world.caused_by_push(id).await, before + 1, "eleven days after it began");

    // What is disconnected is sent no more.
    world.client.disconnect(within(LIMIT), id.to_string(), false).await.expect("a response").expect("disconnected");
    until("it is given up", async || (world.sent(&again).await == 410).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_is_asked_again_when_it_fails_and_never_where_it_could_not_reach_us() {
    let world = World::new().await;
    world.followers(Platform::Youtube, "@mara", 5000);
    world.add("Mara", "youtube", "@mara").await;
    world.both_pass(DAY_S).await;
    assert_eq!(world.requests_to("/subscribe"), 0, "there is no public URL");

    let world = World::with_proxy("https://roster.example").await;
    world.followers(Platform::Youtube, "@mara", 5000);
    let mara = world.add("Mara", "youtube", "@mara").await;
    asked(&world, 1).await;
    // It does not confirm; then it fails; then it works.
    let again = async |times: usize| {
        until("it is asked again", async || {
            world.both_pass(3600).await;
            (world.requests_to("/subscribe") >= times).then_some(())
        })
        .await;
    };
    again(2).await;
    world.sandbox.world().fault(Fault { count: 50, ..Fault::new(Platform::Youtube, FaultKind::ServerError) });
    again(3).await;
    world.sandbox.world().clear_faults();
    again(4).await;
    let to = world.address();
    // The callback is one address, however often it was asked for.
    assert_eq!(world.sandbox.world().verify_subscriptions(&to).await.expect("sent")[0], 200);
    world.sync("Mara").await;
    assert_eq!(world.connection(&mara.connections[0].id.to_string()).await.status, ConnectionStatus::Fresh);
}
