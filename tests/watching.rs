//! The daemon's own troubles are alerts: its disk, before it is full, and its store, at once and in the record.

use std::path::PathBuf;

use nix::sys::signal::Signal;
use roster_protocol::influencer::NewInfluencer;
use roster_protocol::service::{AlertsQuery, DeliveriesQuery, Notice};
use roster_protocol::transport::{self, within};
use roster_protocol::{Alert, AlertState, Cursor, Event, RosterClient, RosterError};
use roster_sandbox::Platform;
use rustix::process::{Resource, Rlimit};

use crate::delivering::webhook;
use crate::filling::{limit, start};
use crate::listening::{http, http_of};
use crate::support::programs::{Home, Rosterd, until};
use crate::support::receiver::Receiver;
use crate::support::{LIMIT, NOON, World};

async fn alerts(client: &RosterClient, rule: &str, state: AlertState) -> Vec<Alert> {
    let query = AlertsQuery { state: Some(state), limit: 256, ..AlertsQuery::default() };
    let page = client.alerts(within(LIMIT), query).await.expect("a response").expect("alerts");
    page.rows.into_iter().filter(|alert| alert.rule == rule).collect()
}

async fn until_one(client: &RosterClient, rule: &str, state: AlertState) -> Alert {
    until(&format!("{rule} is {}", state.as_str()), async || alerts(client, rule, state).await.pop()).await
}

async fn add(client: &RosterClient, name: &str) -> Result<(), RosterError> {
    let new = NewInfluencer { name: name.to_owned(), ..NewInfluencer::default() };
    client.add(within(LIMIT), new).await.expect("a response").map(drop)
}

/// The events after a cursor up to one about an alert of this rule.
async fn published(client: &RosterClient, mut after: Cursor, rule: &str) -> (Alert, Cursor) {
    loop {
        let batch = client.events_since(within(LIMIT), after).await.expect("a response").expect("events");
        after = batch.next;
        let about = batch.events.into_iter().find_map(|event| match event {
            Event::AlertChanged(alert) if alert.rule == rule => Some(*alert),
            _ => None,
        });
        if let Some(alert) = about {
            return (alert, after);
        }
    }
}

async fn notices(client: &RosterClient) -> Vec<Notice> {
    client.notices(within(LIMIT)).await.expect("a response").expect("notices")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_cannot_be_written_is_said_at_once_and_recorded_afterwards() {
    let receiver = Receiver::new().await;
    let home = Home::new(&webhook("ops", &receiver));
    let mut rosterd = start(&home).await;
    let client = rosterd.client.clone();
    add(&client, "Mara").await.expect("there is room");
    let begin =
        client.events_since(within(LIMIT), Cursor::default()).await.expect("a response").expect("a cursor").next;
    limit(&rosterd, Some(0));
    let refused = add(&client, "Nina").await.expect_err("nothing can be written");
    assert!(refused.to_string().contains("nothing was changed"), "{refused}");

    let (said, after) = published(&client, begin, "store").await;
    assert_eq!((said.state, said.severity.as_str()), (AlertState::Open, "critical"));
    assert!(said.why.starts_with("the store cannot write at present: ") && said.why.contains("disk space"), "{said:?}");
    // A desktop shows it, and every list has it.
    let shown = notices(&client).await;
    let [notice] = &shown[..] else { panic!("{shown:?}") };
    assert_eq!(notice.alert.id, said.id);
    client.notices_shown(within(LIMIT), notice.number).await.expect("a response").expect("it is noted");
    let again = tokio::time::timeout(std::time::Duration::from_millis(300), notices(&client)).await;
    assert!(again.is_err(), "shown once: {again:?}");
    assert_eq!(alerts(&client, "store", AlertState::Open).await[0].id, said.id);
    assert!(home.roster(&["alerts"]).await.out.contains(&said.id.to_string()));
    assert!(home.roster(&["alerts", "ack", &said.id.to_string()]).await.code == Some(1), "nothing can be stored of it");
    assert_eq!(receiver.received().await.len(), 0, "nor can what becomes of a delivery");

    limit(&rosterd, None);
    let (over, _) = published(&client, after, "store").await;
    assert_eq!((over.id, over.state, over.opened_at), (said.id, AlertState::Resolved, said.opened_at));
    assert!(over.why.starts_with("the store could not be written from ") && over.why.contains(" UTC: "), "{over:?}");
    assert_eq!(alerts(&client, "store", AlertState::Open).await, []);
    let sent: Vec<_> = receiver.wait_for(2).await.iter().map(|request| request.json()).collect();
    let types: Vec<&str> = sent.iter().filter_map(|body| body["type"].as_str()).collect();
    assert_eq!(types, ["alert.opened", "alert.resolved"]);
    assert!(sent.iter().all(|body| body["data"]["id"] == over.id.to_string() && body["data"]["why"] == over.why));
    add(&client, "Nina").await.expect("there is room again");

    // It is in the record, with what was delivered.
    rosterd.end(Signal::SIGKILL).await;
    let rosterd = start(&home).await;
    let recorded = alerts(&rosterd.client, "store", AlertState::Resolved).await;
    let recorded: Vec<_> = recorded.iter().map(|alert| (alert.id, alert.opened_at, alert.why.as_str())).collect();
    assert_eq!(recorded, [(over.id, over.opened_at, over.why.as_str())]);
    let query = DeliveriesQuery { alert: Some(over.id.to_string()), limit: 256, ..DeliveriesQuery::default() };
    let deliveries =
        rosterd.client.deliveries(within(LIMIT), query).await.expect("a response").expect("deliveries").rows;
    let mut on: Vec<&str> = deliveries.iter().map(|delivery| delivery.channel.as_str()).collect();
    on.sort_unstable();
    assert_eq!(on, ["desktop", "ops", "ops"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hardly_any_files_left_are_said_until_there_are_more() {
    let home = Home::new("[http]\nlisten = \"127.0.0.1:0\"\n");
    let rosterd = home.start().await;
    let address = http_of(&home).await;
    // So many that a few more or less make no difference.
    let mut others = Vec::new();
    for _ in 0..20 {
        others.push(transport::connect(&home.socket()).await.expect("a seat"));
    }
    let pid = rustix::process::Pid::from_raw(rosterd.pid().as_raw());
    let permit = |most: Option<u64>| {
        let before = rustix::process::getrlimit(Resource::Nofile);
        let limit = Rlimit { current: most.or(before.current), maximum: before.maximum };
        rustix::process::prlimit(pid, Resource::Nofile, limit).expect("a process of ours");
        // Not to wait for its next count.
        rosterd.signal(Signal::SIGHUP);
    };
    // How many are open changes all the time; what was said once is over only when a fifth is free.
    let open = || std::fs::read_dir(format!("/proc/{}/fd", rosterd.pid())).expect("a process of ours").count() as u64;
    let few_left = async || {
        permit(Some(open() + 2));
        alerts(&rosterd.client, "descriptors", AlertState::Open).await.pop()
    };
    let alert = until("an alert says so", few_left).await;
    // Some are left for who asks.
    permit(Some(open() + 5));
    assert!(alert.why.starts_with("rosterd ") && alert.why.contains("LimitNOFILE"), "{}", alert.why);
    let ready = async || http().get(format!("http://{address}/readyz")).send().await?.text().await;
    let said = until("it is ready", async || ready().await.ok()).await;
    assert!(said.starts_with("ready\n") && said.contains("\ndescriptors: rosterd "), "{said}");
    let status = home.json(&["status"]).await;
    let troubles = status["troubles"].as_array().expect("a list").iter();
    assert!(troubles.map(|it| &it["event"]).any(|event| event == "descriptors"), "{status}");
    let check = home.roster(&["status", "--check"]).await;
    assert!(check.code == Some(1) && check.out.contains("files and connections"), "{check:?}");

    permit(None);
    assert_eq!(until_one(&rosterd.client, "descriptors", AlertState::Resolved).await.id, alert.id);
    // The listener may need a moment to accept again.
    until("nothing is wrong", async || ready().await.ok().filter(|said| said == "ready\n")).await;
    assert_eq!(home.roster(&["status", "--check"]).await.code, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_set_back_is_said_and_stops_no_account_for_longer_than_a_day() {
    let world = World::new().await;
    world.followers(Platform::Bluesky, "mara.sky.test", 1000);
    let id = world.add("Mara", "bluesky", "mara.sky.test").await.connections[0].id.to_string();
    let synced = || async { world.connection(&id).await.last_synced_at.expect("it was synced") };
    assert_eq!(synced().await, NOON);
    // A year ahead it catches up once, and knows nothing of its error.
    world.pass(365 * 24 * 3600).await;
    assert_eq!(synced().await, NOON.plus_seconds(365 * 24 * 3600));
    assert_eq!(alerts(&world.client, "clock", AlertState::Open).await, []);
    world.clock.set(NOON.plus_seconds(3600));
    let alert = until_one(&world.client, "clock", AlertState::Open).await;
    let begin = "the clock shows 2026-11-21 13:00 UTC, before the newest number, of 2027-11-21 12:00 UTC: ";
    assert!(alert.why.starts_with(begin) && alert.why.contains("timedatectl"), "{}", alert.why);
    let status = world.client.status(within(LIMIT)).await.expect("a response").expect("a status");
    assert_eq!(status.troubles.iter().map(|it| it.event.as_str()).collect::<Vec<_>>(), ["clock"]);
    // The scheduler sees the clock on its own, perhaps after the alert was opened.
    let day = NOON.plus_seconds(26 * 3600);
    until("it is due within a day again", async || {
        let due_at = world.daemon().app.look(|roster| roster.queue.due_at(id.parse().expect("an id")));
        due_at.is_some_and(|at| at <= day).then_some(())
    })
    .await;
    for _ in 0..8 {
        world.pass(3 * 3600).await;
    }
    // By their time: those of a year before the leap are deleted meanwhile.
    let day = NOON.plus_seconds(1)..day;
    let since = world.runs().await.iter().filter(|run| day.contains(&run.started_at)).count();
    assert!((3..=5).contains(&since), "every six hours, as before the leap: {since}");
    // The cause is gone when the clock shows what it showed.
    world.clock.set(NOON.plus_seconds(365 * 24 * 3600));
    assert_eq!(until_one(&world.client, "clock", AlertState::Resolved).await.id, alert.id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_with_less_room_than_the_config_wants_is_said_until_it_has_more() {
    let with = |free: &str| format!("[store]\nfree = \"{free}\"\n");
    let home = Home::new(&with("900000TB"));
    let rosterd = home.start().await;
    let alert = until_one(&rosterd.client, "disk", AlertState::Open).await;
    assert!(alert.why.contains("less than 900,000,000,000 MB") && alert.why.contains("[store] free"), "{}", alert.why);
    home.configure(&with("1MB"));
    rosterd.signal(Signal::SIGHUP);
    assert_eq!(until_one(&rosterd.client, "disk", AlertState::Resolved).await.id, alert.id);
    assert_eq!(alerts(&rosterd.client, "disk", AlertState::Open).await, []);
}

/// A daemon whose state directory is a disk of its own of 64 MiB, in a namespace of its own, and that disk as others see
/// it; `None` where the system permits no namespace.
async fn on_small_disk(home: &Home) -> Option<(Rosterd, PathBuf)> {
    let is_permitted = std::process::Command::new("unshare").args(["-rm", "true"]).status();
    if !is_permitted.is_ok_and(|status| status.success()) {
        return None;
    }
    std::fs::create_dir_all(home.state()).expect("a directory");
    let mount = format!("mount -t tmpfs -o size=64m,mode=700 small {}", home.state().display());
    let begin = format!("exec unshare -rm sh -c '{mount} && exec \"$0\" \"$@\"' \"$0\" \"$@\"");
    let rosterd = home.start_as(home.rosterd_after(&begin)).await;
    let root = PathBuf::from(format!("/proc/{}/root", rosterd.pid()));
    Some((rosterd, root.join(home.state().strip_prefix("/").expect("it is absolute"))))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_disk_is_said_to_be_nearly_full_while_it_can_still_be_written() {
    let home = Home::new("");
    let Some((rosterd, disk)) = on_small_disk(&home).await else {
        return println!("no disk of its own: namespaces are not permitted here");
    };
    let client = rosterd.client.clone();
    add(&client, "Mara").await.expect("there is room");
    assert_eq!(alerts(&client, "disk", AlertState::Open).await, []);
    let look = || {
        let disk = nix::sys::statvfs::statvfs(&disk).expect("a disk");
        disk.blocks_available() * disk.fragment_size()
    };
    // A twentieth of it is 3.4 MB.
    std::fs::write(disk.join("filler"), vec![7; (look() - 3_000_000) as usize]).expect("there was room");
    // Not to wait for its next look.
    rosterd.signal(Signal::SIGHUP);
    let alert = until_one(&client, "disk", AlertState::Open).await;
    assert!(alert.why.contains(" free of 67 MB, less than 3 MB"), "{}", alert.why);
    add(&client, "Nina").await.expect("it is not full yet");
    std::fs::remove_file(disk.join("filler")).expect("it was there");
    rosterd.signal(Signal::SIGHUP);
    assert_eq!(until_one(&client, "disk", AlertState::Resolved).await.id, alert.id);
}
