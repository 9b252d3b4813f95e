//! Influencers are added, corrected and removed.

use roster_protocol::audit::PauseTarget;
use roster_protocol::connection::{Account, Badge, ConnectionStatus};
use roster_protocol::error::ErrorKind;
use roster_protocol::influencer::{InfluencerEdit, InfluencerQuery, NewInfluencer, SortBy};
use roster_protocol::service::AuditQuery;
use roster_protocol::sync::SyncTarget;
use roster_protocol::transport::within;
use roster_sandbox::{AccountEdit, Platform};

use crate::support::programs::{CommandOutput, ROSTER, alone};
use crate::support::{LIMIT, World};

const MARA: &str = "mara.sky.test";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_is_seen_before_it_is_saved_and_has_numbers_after() {
    let world = World::new().await;
    let edit = AccountEdit {
        followers: Some(1000),
        likes: Some(40),
        comments: Some(6),
        reposts: Some(4),
        display_name: Some("Mara".into()),
        ..AccountEdit::default()
    };
    world.account(Platform::Bluesky, MARA, edit);
    let account = Account { platform: String::new(), handle: format!("https://bsky.app/profile/{MARA}") };
    let preview = world.client.look_up(within(LIMIT), account.clone()).await.expect("a response").expect("a preview");
    assert_eq!((preview.platform.as_str(), preview.followers, preview.taken_by), ("bluesky", Some(1000), None));
    assert_eq!(preview.display_name.as_deref(), Some("Mara"));

    let mara = world.add("Mara Lindqvist", "bluesky", &format!("@{MARA}")).await;
    let connection = &mara.connections[0];
    assert_eq!((connection.status, connection.badge), (ConnectionStatus::Fresh, Badge::Green));
    let numbers = &connection.latest.as_ref().expect("a snapshot").numbers;
    assert_eq!(numbers.followers, Some(1000));
    assert_eq!(numbers.avg_likes.expect("likes").as_f64(), 40.0);
    assert_eq!(numbers.engagement_rate.expect("a rate").as_f64(), 0.05, "(40 + 6 + 4) ÷ 1000");
    assert_eq!(numbers.avg_views, None, "unknown is not zero");
    let preview = world.client.look_up(within(LIMIT), account).await.expect("a response").expect("a preview");
    assert_eq!(preview.taken_by, Some(mara.row.id));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_platform_is_read_by_handle_and_by_address() {
    let world = World::new().await;
    world.followers(Platform::Bluesky, MARA, 500);
    world.followers(Platform::Mastodon, "mara@social.example", 600);
    world.followers(Platform::Youtube, "@mara", 12_345);
    for (platform, handle, followers) in [
        ("bluesky", MARA, 500),
        ("", "https://social.example/@mara", 600),
        ("", "https://www.youtube.com/@mara", 12_300),
    ] {
        let added = world.add(handle, platform, handle).await;
        assert_eq!(added.row.followers, Some(followers), "{handle}");
    }
    let youtube = world.connection("youtube:@mara").await;
    assert_eq!(youtube.latest.expect("a snapshot").followers_step, Some(100));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mistakes_are_refused_with_the_way_out() {
    let world = World::new().await;
    world.followers(Platform::Bluesky, MARA, 500);
    world.add("Mara", "bluesky", MARA).await;
    let refused = async |name: &str, platform: &str, handle: &str| {
        world.try_add(name, platform, handle).await.expect_err("a refusal")
    };
    let unknown = refused("Nobody", "bluesky", "nobody.sky.test").await;
    assert_eq!(unknown.kind, ErrorKind::NotFound);
    let taken = refused("Mara too", "bluesky", MARA).await;
    assert_eq!(taken.kind, ErrorKind::Conflict);
    assert!(taken.message.contains("Mara"), "{taken:?}");
    let platform = refused("X", "blusky", MARA).await;
    assert_eq!(platform.kind, ErrorKind::Usage);
    assert!(platform.hint.expect("a hint").contains("bluesky"));
    for name in ["", "two\nlines", "\u{1b}[31mred", "\u{202e}turned"] {
        assert_eq!(refused(name, "bluesky", "other.sky.test").await.kind, ErrorKind::Usage, "{name:?}");
    }
    let page = world.client.influencers(within(LIMIT), InfluencerQuery { limit: 9, ..Default::default() }).await;
    assert_eq!(page.expect("a response").expect("a page").total, 1, "nothing half-way was kept");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_platform_without_its_key_says_what_to_set() {
    let world = World::with_config("[platforms.youtube]\nenabled = true\n").await;
    let refused = world.try_add("Mara", "youtube", "@mara").await.expect_err("a refusal");
    assert_eq!(refused.kind, ErrorKind::Unconfigured);
    assert!(refused.message.contains("api_key"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_entries_of_one_person_become_one_and_keep_everything() {
    let world = World::new().await;
    world.followers(Platform::Bluesky, MARA, 500);
    world.followers(Platform::Mastodon, "mara@social.example", 900);
    world.add("Mara", "bluesky", MARA).await;
    let other = world.add("Mara L.", "mastodon", "mara@social.example").await;
    world.settle().await;
    let merged = world.client.merge(within(LIMIT), "Mara L.".into(), "Mara".into()).await;
    let merged = merged.expect("a response").expect("merged");
    assert_eq!((merged.connections.len(), merged.row.followers), (2, Some(900)));
    let gone = world.client.influencer(within(LIMIT), other.row.id.to_string()).await.expect("a response");
    assert_eq!(gone.expect_err("it is gone").kind, ErrorKind::NotFound);
    let edit = InfluencerEdit { main: Some(format!("bluesky:{MARA}")), ..Default::default() };
    let edited = world.client.edit(within(LIMIT), "Mara".into(), edit).await.expect("a response").expect("edited");
    assert_eq!((edited.row.followers, edited.row.main_chosen), (Some(500), true));
    let history = world.client.history(within(LIMIT), "mastodon:mara@social.example".into(), None, None).await;
    assert_eq!(history.expect("a response").expect("a history").snapshots.len(), 1);
    // What was logged of the account leads to the influencer who has it now.
    let runs = world.runs().await;
    let owners: Vec<_> = runs.iter().map(|run| (run.influencer, run.influencer_name.as_str())).collect();
    assert_eq!(owners, vec![(edited.row.id, "Mara"); runs.len()]);
    assert!(runs.iter().any(|run| run.platform == "mastodon"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_paused_is_not_synced_until_it_is_resumed() {
    let world = World::new().await;
    world.followers(Platform::Bluesky, MARA, 500);
    let mara = world.add("Mara", "bluesky", MARA).await;
    let platform = PauseTarget::Platform("bluesky".into());
    for target in [
        PauseTarget::All,
        platform,
        PauseTarget::One("Mara".into()),
        PauseTarget::One(mara.connections[0].id.to_string()),
    ] {
        let paused =
            world.client.pause(within(LIMIT), target.clone(), true).await.expect("a response").expect("paused");
        assert_eq!((paused.len(), paused[0].status, paused[0].badge), (1, ConnectionStatus::Paused, Badge::Green));
        world.sandbox.world().clear_requests();
        world.pass(7 * 3600).await;
        let runs = world.sync("Mara").await;
        assert_eq!(runs[0].outcome.as_str(), "skipped", "{target:?}");
        assert_eq!(world.requests_to(""), 0, "{target:?}");
        world.client.pause(within(LIMIT), target.clone(), false).await.expect("a response").expect("resumed");
        world.settle().await;
        assert!(world.requests_to("") > 0, "{target:?}: the slots that passed are caught up");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disconnected_account_comes_back_with_its_history() {
    let mut world = World::new().await;
    world.followers(Platform::Bluesky, MARA, 500);
    let mara = world.add("Mara", "bluesky", MARA).await;
    let id = mara.connections[0].id.to_string();
    world.client.disconnect(within(LIMIT), id.clone(), false).await.expect("a response").expect("disconnected");
    assert_eq!(world.show("Mara").await.connections, []);
    world.pass(24 * 3600).await;
    let history = async |world: &World| {
        let history = world.client.history(within(LIMIT), id.clone(), None, None).await;
        history.expect("a response").expect("a history").snapshots.len()
    };
    assert_eq!(history(&world).await, 1);
    let account = Account { platform: "bluesky".into(), handle: MARA.into() };
    let back =
        world.client.connect(within(LIMIT), "Mara".into(), account).await.expect("a response").expect("connected");
    assert_eq!(back.id.to_string(), id);
    world.settle().await;
    assert_eq!(history(&world).await, 2);
    world.restart().await;
    assert_eq!(history(&world).await, 2);
    world.client.disconnect(within(LIMIT), id.clone(), true).await.expect("a response").expect("deleted");
    let gone = world.client.history(within(LIMIT), id.clone(), None, None).await.expect("a response");
    assert_eq!(gone.expect_err("nothing is left").kind, ErrorKind::NotFound);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_are_filtered_sorted_and_paged() {
    let world = World::new().await;
    for (home, followers) in [30_000u64, 200, 5_000, 70].into_iter().enumerate() {
        let handle = format!("star{home}.sky.test");
        world.followers(Platform::Bluesky, &handle, followers);
        let account = Account { platform: "bluesky".into(), handle };
        let tags = vec![if home % 2 == 0 { "even".to_owned() } else { "odd".to_owned() }];
        let new = NewInfluencer { name: format!("Star {home}"), accounts: vec![account], tags, note: None };
        world.client.add(within(LIMIT), new).await.expect("a response").expect("added");
    }
    world.settle().await;
    let names = async |filter: &str, sort, offset, limit| {
        let (filter, reverse) = (filter.into(), false);
        let query = InfluencerQuery { filter, sort, reverse, offset, limit, near: None };
        let page = world.client.influencers(within(LIMIT), query).await.expect("a response").expect("a page");
        (page.matching, page.rows.into_iter().map(|row| row.name).collect::<Vec<_>>())
    };
    assert_eq!(
        names("", SortBy::Followers, 0, 9).await,
        (4, ["Star 0", "Star 2", "Star 1", "Star 3"].map(String::from).to_vec())
    );
    assert_eq!(names("", SortBy::Followers, 1, 2).await.1, ["Star 2", "Star 1"]);
    assert_eq!(names("tag:even", SortBy::Name, 0, 9).await.1, ["Star 0", "Star 2"]);
    assert_eq!(names("followers:>1k -tag:odd", SortBy::Name, 0, 9).await.0, 2);
    assert_eq!(names("STAR3", SortBy::Name, 0, 9).await.1, ["Star 3"]);
    assert_eq!(names("status:fresh", SortBy::Name, 0, 9).await.0, 4);
    // The part of a list around one of them.
    let near = async |filter: &str, handle: &str, limit| {
        let near = Some(world.show(handle).await.row.id);
        let query = InfluencerQuery { filter: filter.into(), limit, near, ..Default::default() };
        let page = world.client.influencers(within(LIMIT), query).await.expect("a response").expect("a page");
        (page.offset, page.rows.into_iter().map(|row| row.name).collect::<Vec<_>>())
    };
    assert_eq!(near("", "Star 3", 2).await, (2, ["Star 1", "Star 3"].map(String::from).to_vec()));
    assert_eq!(near("tag:odd", "Star 3", 1).await, (1, vec!["Star 3".to_owned()]));
    assert_eq!(near("", "Star 0", 3).await.0, 0);
    assert_eq!(near("tag:even", "Star 3", 1).await, (0, vec!["Star 0".to_owned()]), "one who does not fit");
    let wrong = InfluencerQuery { filter: "followers:many".into(), limit: 9, ..Default::default() };
    let wrong = world.client.influencers(within(LIMIT), wrong).await.expect("a response").expect_err("a refusal");
    assert_eq!(wrong.kind, ErrorKind::Usage);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_audit_log_says_who_did_what() {
    let world = World::new().await;
    world.followers(Platform::Bluesky, MARA, 500);
    world.add("Mara", "bluesky", MARA).await;
    let edit = InfluencerEdit { name: Some("Mara L.".into()), ..Default::default() };
    world.client.edit(within(LIMIT), "Mara".into(), edit).await.expect("a response").expect("edited");
    world.client.remove(within(LIMIT), "Mara L.".into()).await.expect("a response").expect("removed");
    let log = world.client.audit(within(LIMIT), AuditQuery { limit: 50, ..Default::default() }).await;
    let mut log = log.expect("a response").expect("a log").rows;
    // Whether the first sync was still due when the story requested one is chance.
    log.retain(|entry| entry.action != "sync");
    let actions: Vec<&str> = log.iter().map(|entry| entry.action.as_str()).collect();
    let expected = [
        "influencer.remove",
        "influencer.rename",
        "profile.update",
        "profile.update",
        "profile.update",
        "connection.connect",
        "influencer.add",
    ];
    assert_eq!(actions, expected);
    assert_eq!((log[1].old.as_deref(), log[1].new.as_deref()), (Some("Mara"), Some("Mara L.")));
    let uid = nix::unistd::Uid::effective().as_raw();
    assert_eq!(log[1].who.as_ref().map(|who| who.uid), Some(uid));
    assert_eq!(log[2].who, None, "the daemon itself");
    let numbers: Vec<u64> = log.iter().map(|entry| entry.number).collect();
    assert!(numbers.is_sorted_by(|newer, older| newer > older), "{numbers:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_audit_log_says_who_spends_what_all_may_request() {
    let mut world = World::new().await;
    for name in [MARA, "ines.sky.test"] {
        world.followers(Platform::Bluesky, name, 500);
    }
    world.add("Mara", "bluesky", MARA).await;
    world.add("Ines", "bluesky", "ines.sky.test").await;
    let uid = nix::unistd::Uid::effective().as_raw();
    let lines = async |world: &World, action: &str| {
        let log = world.client.audit(within(LIMIT), AuditQuery { limit: 250, ..Default::default() }).await;
        let mut log = log.expect("a response").expect("a log").rows;
        log.retain(|entry| entry.action == action);
        assert!(log.iter().all(|entry| entry.who.as_ref().map(|who| who.uid) == Some(uid)), "{log:?}");
        log.into_iter().rev().map(|entry| entry.on).collect::<Vec<_>>()
    };
    // Whether a first sync was still due when it was requested is chance.
    let first = lines(&world, "sync").await.len();
    world.reload(|config| config.replace("min_distance = \"0s\"", "min_distance = \"10s\"")).await.expect("a config");
    world.clock.advance(60);
    world.sync_one("Mara").await;
    // The run before counts: that is no run, and no line.
    world.sync_one("Mara").await;
    world.clock.advance(60);
    world.sync_target(SyncTarget::All).await;
    world.client.pause(within(LIMIT), PauseTarget::All, true).await.expect("a response").expect("paused");
    world.clock.advance(60);
    world.sync_one("Mara").await;
    let synced = lines(&world, "sync").await.split_off(first);
    assert!(synced.len() == 2 && synced[0].ends_with(" Mara"), "{synced:?}");
    assert_eq!(synced[1], "everything");

    // Two were looked up when they were added.
    let account = |handle: &str| Account { platform: "bluesky".into(), handle: handle.into() };
    for number in 2..100 {
        // Found or not, the platform was requested.
        let handle = if number % 2 == 0 { MARA } else { "nobody.sky.test" };
        let _ = world.client.look_up(within(LIMIT), account(handle)).await.expect("a response");
        // Each of the first has a line; of more only their number has one.
        let many = [19, 39, 79].into_iter().filter(|from| number >= *from).count();
        let expected = (number - 1).min(17) + many;
        assert_eq!(lines(&world, "lookup").await.len(), expected, "{number}");
    }
    let many = ["20 accounts within 10 minutes", "40 accounts within 10 minutes", "80 accounts within 10 minutes"];
    let lookups = lines(&world, "lookup").await;
    assert!(lookups[0].ends_with(&format!("bluesky:{MARA}")), "{lookups:?}");
    assert_eq!((lookups[1].as_str(), &lookups[17..]), ("an account on bluesky", &many.map(str::to_owned)[..]));
    // A handle that is none is not requested, and does not count.
    for _ in 0..100 {
        let refused = world.client.look_up(within(LIMIT), account("no handle")).await.expect("a response");
        assert_eq!(refused.expect_err("no handle").kind, ErrorKind::Usage);
    }
    assert_eq!(lines(&world, "lookup").await.len(), 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_fullest_page_there_can_be_fits_into_one_frame() {
    let world = World::new().await;
    let full = |number: usize| NewInfluencer {
        name: format!("{number:03}{}", "\u{10348}".repeat(77)),
        tags: (10..30).map(|tag| format!("{tag}{}", "x".repeat(58))).collect(),
        note: Some("n".repeat(1000)),
        ..NewInfluencer::default()
    };
    for some in (0..256).collect::<Vec<_>>().chunks(8) {
        futures::future::join_all(some.iter().map(|number| async {
            world.client.add(within(LIMIT), full(*number)).await.expect("a response").expect("added");
        }))
        .await;
    }
    let query = InfluencerQuery { limit: 256, ..InfluencerQuery::default() };
    let page = world.client.influencers(within(LIMIT), query).await.expect("a response that fits").expect("a page");
    assert_eq!(page.rows.len(), 256);
    for more in [
        NewInfluencer { note: Some("n".repeat(1001)), ..full(999) },
        NewInfluencer { tags: vec!["x".repeat(61)], ..full(999) },
        NewInfluencer { tags: (0..21).map(|tag| tag.to_string()).collect(), ..full(999) },
    ] {
        let refused = world.client.add(within(LIMIT), more).await.expect("a response");
        assert_eq!(refused.expect_err("too much").kind, ErrorKind::Usage);
    }
    // A request that does not fit is refused before it is sent.
    let long = world.client.influencer(within(LIMIT), "x".repeat(100_000)).await;
    assert!(long.is_err());
    world.client.ping(within(LIMIT)).await.expect("the connection survives");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_needs_consent_waits_for_it_without_alarm() {
    let world = World::with_apps().await;
    world.quiet(Platform::Tiktok, "mara", 900);
    let account = Account { platform: "tiktok".into(), handle: "@Mara".into() };
    let preview = world.client.look_up(within(LIMIT), account).await.expect("a response").expect("a preview");
    assert!(preview.needs_consent && preview.followers.is_none() && preview.handle == "mara", "{preview:?}");
    let mara = world.add("Mara", "tiktok", "mara").await;
    let [waiting] = mara.connections.as_slice() else { panic!("{mara:?}") };
    assert_eq!((waiting.status, waiting.badge), (ConnectionStatus::Reauthorize, Badge::Red));
    assert!(world.alerts().await.is_empty(), "nothing was lost");
    let connected = world.consent("Mara", "tiktok", "mara").await;
    assert!(!connected.is_new && connected.connection.id == waiting.id, "{connected:?}");
    world.settle().await;
    assert_eq!(world.connection(&waiting.id.to_string()).await.status, ConnectionStatus::Fresh);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_main_account_and_all_together_are_two_numbers() {
    let world = World::new().await;
    let accounts = [
        (Platform::Bluesky, "mara.sky.test", 2_028_601),
        (Platform::Mastodon, "mara@social.example", 6_065_724),
        (Platform::Bluesky, "mara.two.test", 1_216_294),
    ];
    let mut new = NewInfluencer { name: "Mara".into(), ..NewInfluencer::default() };
    for (platform, handle, followers) in accounts {
        world.followers(platform, handle, followers);
        new.accounts.push(Account { platform: platform.slug().into(), handle: handle.into() });
    }
    world.client.add(within(LIMIT), new).await.expect("a response").expect("added");
    world.followers(Platform::Bluesky, "oskar.sky.test", 7_000_000);
    world.add("Oskar", "bluesky", "oskar.sky.test").await;
    world.settle().await;
    let home = tempfile::tempdir().expect("a throw-away directory");
    let roster = async |arguments: &[&str]| {
        let mut command = alone(ROSTER, home.path());
        command.args(arguments).arg("--socket").arg(&world.daemon().socket);
        let output = CommandOutput::of(command).await;
        assert_eq!(output.code, Some(0), "{arguments:?}: {output:?}");
        output
    };
    let is_both = |row: &serde_json::Value| {
        assert_eq!((row["followers"].as_u64(), row["followers_total"].as_u64()), (Some(6_065_724), Some(9_310_619)));
    };
    is_both(&roster(&["show", "Mara", "--json"]).await.json());
    let shown = roster(&["show", "Mara"]).await.out;
    assert!(shown.contains("followers 6,065,724 (mastodon:mara@social.example), 9,310,619 in all"), "{shown}");
    let by_main = roster(&["list", "--json"]).await.json();
    assert_eq!(by_main["influencers"][0]["name"], "Oskar");
    is_both(&by_main["influencers"][1]);
    let by_total = roster(&["list", "--sort", "total", "--json"]).await.json();
    is_both(&by_total["influencers"][0]);
    assert_eq!(by_total["influencers"][1]["name"], "Oskar");
    let table = roster(&["list", "--sort", "total"]).await.out;
    let mut lines = table.lines();
    let heading = lines.next().expect("a heading");
    assert!(heading.contains("MAIN FOLLOWERS") && heading.contains("TOTAL"), "{table}");
    assert!(lines.next().is_some_and(|line| line.contains("6,065,724") && line.contains("9,310,619")), "{table}");
}
