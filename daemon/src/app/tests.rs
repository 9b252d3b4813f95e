use roster_protocol::error::RosterError;
use roster_protocol::ids::Id;

use super::testing::app_on;
use super::*;
use crate::daemon::{Daemon, Options};
use crate::decision::Decision;
use crate::model::Influencer;
use crate::process::clock::ManualClock;
use crate::process::config::Config;
use crate::store::StoreState;
use crate::store::tests::disk::{Disk, Fails};

type Decide = Box<dyn FnOnce(&mut Decision<'_>) -> Result<usize, RosterError> + Send>;

async fn daemon(dir: &std::path::Path) -> Daemon {
    let config = Config::parse("[http]\nlisten = \"off\"\n", "test").expect("a config");
    let options = Options::new(config, dir.join("state"), dir.join("rosterd.sock"));
    let clock = Arc::new(ManualClock::at(Timestamp(1_800_000_000_000)));
    Daemon::start(Options { clock, ..options }).await.expect("it starts")
}

/// Adds an influencer, and returns how many there were before.
fn adds(name: &'static str) -> Decide {
    Box::new(move |decision| {
        let influencer = Influencer {
            id: Id::from_bytes([name.len() as u8; 5]),
            name: name.to_owned(),
            tags: Vec::new(),
            note: None,
            main: None,
            paused: false,
            added_at: decision.now,
        };
        decision.commit.roster.influencers.push(influencer);
        Ok(decision.roster.influencers.len())
    })
}

fn names(roster: &Roster) -> Vec<&str> {
    let mut names: Vec<&str> = roster.influencers.values().map(|influencer| influencer.name.as_str()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn of_several_decisions_each_sees_the_ones_before_and_a_bad_one_harms_no_other() {
    let dir = tempfile::tempdir().expect("a directory");
    let started = daemon(dir.path()).await;
    let too_large: Decide = Box::new(|decision| {
        adds("toolarge")(decision)?;
        decision.commit.roster.influencers[0].note = Some("x".repeat(2 << 20));
        Ok(0)
    });
    let decisions: Vec<Decide> = vec![
        adds("a"),
        Box::new(|_| Err(RosterError::failed("refused"))),
        Box::new(|_| panic!("a decision with a mistake in it")),
        too_large,
        adds("bb"),
    ];
    let results = started.app.decide_each(decisions).await;
    let results: Vec<Option<usize>> = results.into_iter().map(Result::ok).collect();
    assert_eq!(results, [Some(0), None, None, None, Some(1)]);
    started.app.look(|roster| assert_eq!(names(roster), ["a", "bb"]));
    started.end().await;
    daemon(dir.path()).await.app.look(|roster| assert_eq!(names(roster), ["a", "bb"]));
}

/// An app over a disk in memory, which has loaded what it needs to decide.
async fn loaded_on(disk: &Disk) -> Arc<App> {
    let app = app_on(disk, "", Timestamp(1_800_000_000_000));
    app.load_recent().await;
    app
}

/// Adds an influencer with a fresh id.
async fn add(app: &App, name: &str) -> Result<(), RosterError> {
    app.decide(|decision| {
        let id = decision.fresh_id();
        let note = None;
        let (tags, name, added_at) = (Vec::new(), name.to_owned(), decision.now);
        let added = Influencer { id, name, tags, note, main: None, paused: false, added_at };
        decision.commit.roster.influencers.push(added);
        Ok(())
    })
    .await
}

async fn until_working(app: &App) {
    let mut state = app.store.watch_state();
    state.wait_for(|state| *state == StoreState::Working).await.expect("the store lives");
}

#[tokio::test]
async fn commits_that_fail_together_cause_one_reload_and_later_ones_none() {
    let disk = Disk::default();
    let app = loaded_on(&disk).await;
    add(&app, "before").await.expect("stored");
    disk.fail(Fails::From(disk.calls()));
    let lost: Vec<String> = (0..32).map(|number| format!("lost {number}")).collect();
    let failed = futures::future::join_all(lost.iter().map(|name| add(&app, name))).await;
    assert!(failed.iter().all(Result::is_err));
    add(&app, "refused").await.expect_err("nothing is decided while nothing can be stored");
    disk.fail(Fails::Never);
    until_working(&app).await;
    add(&app, "after").await.expect("stored");
    app.look(|roster| assert_eq!(names(roster), ["after", "before"]));
    // One when they failed, if the disk could be read, and one when it worked again.
    assert!((1..=2).contains(&app.held().generation), "{}", app.held().generation);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn memory_is_what_the_disk_has_after_it_failed_under_load() {
    let disk = Disk::default();
    let app = loaded_on(&disk).await;
    let ending = CancellationToken::new();
    let adders: Vec<_> = (0..8)
        .map(|adder| {
            let (app, ending) = (app.clone(), ending.clone());
            tokio::spawn(async move {
                let mut stored = Vec::new();
                for number in 0.. {
                    let name = format!("{adder} {number}");
                    if add(&app, &name).await.is_ok() {
                        stored.push(name);
                    }
                    if ending.is_cancelled() {
                        break;
                    }
                    tokio::task::yield_now().await;
                }
                stored
            })
        })
        .collect();
    for round in 0..5 {
        add(&app, &format!("working {round}")).await.expect("stored");
        disk.fail(Fails::From(disk.calls() + 3 * round));
        app.store.watch_state().wait_for(|state| *state != StoreState::Working).await.expect("the store lives");
        disk.fail(Fails::Never);
        until_working(&app).await;
    }
    ending.cancel();
    let mut stored = Vec::new();
    for adder in adders {
        stored.extend(adder.await.expect("no panic"));
    }
    add(&app, "the last").await.expect("stored");
    let in_memory: Vec<String> = app.look(|roster| names(roster).into_iter().map(str::to_owned).collect());
    let missing: Vec<&String> = stored.iter().filter(|name| in_memory.binary_search(name).is_err()).collect();
    assert!(missing.is_empty(), "acknowledged and gone from memory: {missing:?}");
    let loaded = app.store.read(crate::store::Load).await.expect("readable");
    let mut on_disk: Vec<String> = loaded.influencers.into_iter().map(|influencer| influencer.name).collect();
    on_disk.sort();
    assert_eq!(in_memory, on_disk);
}

#[tokio::test]
async fn an_id_that_is_in_use_is_not_given_again() {
    let disk = Disk::default();
    let app = loaded_on(&disk).await;
    // The first id that the dice return is in use.
    let first: roster_protocol::InfluencerId = app.dice.lock().clone().id();
    app.decide(|decision| {
        let name = "first".to_owned();
        let (tags, note, main, paused, added_at) = (Vec::new(), None, None, false, decision.now);
        let influencer = Influencer { id: first, name, tags, note, main, paused, added_at };
        decision.commit.roster.influencers.push(influencer);
        Ok(())
    })
    .await
    .expect("stored");
    add(&app, "second").await.expect("stored");
    app.look(|roster| assert_eq!(names(roster), ["first", "second"]));
    assert_eq!(app.look(|roster| roster.influencers[&first].name.clone()), "first");
}

#[test]
fn a_damaged_store_is_reported_with_the_way_on() {
    let damaged = StoreError::Damaged { what: "/state/roster.redb: a page of it makes no sense".to_owned() };
    let on = "end rosterd; then `rosterd check` says what is whole, `rosterd repair` writes a new store of it, and a backup can take \
              the file's place";
    let (written, read) = (write_error(&damaged), read_error(&damaged));
    let message = "the store is damaged: /state/roster.redb: a page of it makes no sense";
    assert_eq!((written.message, written.hint.as_deref()), (format!("nothing was changed: {message}"), Some(on)));
    assert_eq!((read.message.as_str(), read.hint.as_deref()), (message, Some(on)));
    assert_eq!(read_error(&StoreError::Closed).hint, None);
}
