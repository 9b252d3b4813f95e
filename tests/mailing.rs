//! Alerts by e-mail, over a mail server in the test's own process; `tests/mail/run` has a real one.

use roster_protocol::connection::Account;
use roster_protocol::influencer::NewInfluencer;
use roster_protocol::service::DeliveriesQuery;
use roster_protocol::sync::SyncTarget;
use roster_protocol::transport::within;
use roster_sandbox::{AccountEdit, Platform, Sandbox};

use crate::support::mail::{Mail, MailServer, Treatment};
use crate::support::programs::{Home, Rosterd, until};
use crate::support::{LIMIT, World, synced_at_will};

const ANA: &str = "ana@example.com";
const OSKAR: &str = "oskar@example.com";

/// A world with these accounts, each with 10,000 followers.
async fn world(config: &str, handles: &[&str]) -> World {
    let world = World::with_config(config).await;
    for handle in handles {
        world.followers(Platform::Bluesky, handle, 10_000);
        world.add(handle.split('.').next().unwrap_or_default(), "bluesky", handle).await;
    }
    world
}

async fn falls(world: &World, handle: &str) {
    world.followers(Platform::Bluesky, handle, 5_000);
    world.sync(&format!("bluesky:{handle}")).await;
}

/// Waits until what is pending for a recipient was tried so often.
async fn tried(world: &World, recipient: &str, attempts: u32) {
    let key = format!("mail/{recipient}");
    let is_tried = || world.daemon().app.look(|roster| roster.deliveries.on(&key).any(|it| it.attempts == attempts));
    until("it is tried", async || is_tried().then_some(())).await;
}

fn to_whom(mails: &[Mail]) -> Vec<&str> {
    mails.iter().map(|mail| mail.to.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_an_alert_is_not_sent_it_again() {
    let mut server = MailServer::start().await;
    server.treat(ANA, &[Treatment::Refused("451 4.7.1 greylisted"), Treatment::Refused("451 4.7.1 greylisted")]);
    let mut world = world(&server.channel(&[ANA, OSKAR], ""), &["mara.sky.test"]).await;
    falls(&world, "mara.sky.test").await;
    tried(&world, ANA, 1).await;
    assert_eq!(to_whom(&server.wait_for(1).await), [OSKAR], "one who is refused keeps it from no other");
    // What is remembered of it is stored.
    world.restart().await;
    world.clock.advance(3600);
    tried(&world, ANA, 2).await;
    world.clock.advance(3600);
    let mails = server.wait_for(2).await;
    assert_eq!(to_whom(&mails), [OSKAR, ANA]);
    let ids: Vec<_> = mails.iter().map(|mail| mail.header("Message-ID").expect("an id")).collect();
    assert_ne!(ids[0], ids[1]);
    assert!(mails[1].header("References") == mails[0].header("References"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_not_confirmed_is_sent_again_under_the_same_id() {
    let mut server = MailServer::start().await;
    server.treat(ANA, &[Treatment::Unconfirmed]);
    let world = world(&server.channel(&[ANA], ""), &["mara.sky.test"]).await;
    falls(&world, "mara.sky.test").await;
    tried(&world, ANA, 1).await;
    world.clock.advance(3600);
    let mails = server.wait_for(2).await;
    assert_eq!(mails[0].header("Message-ID"), mails[1].header("Message-ID"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_digest_is_one_message_of_what_opened_since_the_last() {
    let mut server = MailServer::start().await;
    let world = world(&server.channel(&[ANA], "digest = \"hourly\""), &["mara.sky.test", "ines.sky.test"]).await;
    world.clock.advance(1800);
    falls(&world, "mara.sky.test").await;
    world.clock.advance(600);
    falls(&world, "ines.sky.test").await;
    assert_eq!(server.mails().len(), 0, "it is gathered");
    world.clock.advance(1200);
    let mails = server.wait_for(1).await;
    let subject = mails[0].header("Subject").expect("a subject");
    assert!(mails[0].content.contains("2 alerts opened"), "{subject}: {}", mails[0].content);
    assert!(mails[0].content.contains("mara") && mails[0].content.contains("ines"), "{}", mails[0].content);
    // With nothing to say there is no message.
    world.pass(7200).await;
    assert_eq!(server.mails().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_reports_what_each_recipients_server_said() {
    let mut server = MailServer::start().await;
    server.treat(OSKAR, &[Treatment::Refused("550 5.1.1 no such user")]);
    let world = World::with_config(&server.channel(&[ANA, OSKAR], "")).await;
    let test = async || world.client.test_channel(within(LIMIT), "mail".to_owned()).await.expect("a response");
    let tested = test().await.expect("a result");
    let said =
        "ana@example.com: 2.0.0 queued as Q1; oskar@example.com: the mail server refused it: 550 5.1.1 no such user";
    assert_eq!((tested.delivered, tested.said.as_str()), (false, said));
    let tested = test().await.expect("a result");
    assert_eq!(
        (tested.delivered, tested.said.as_str()),
        (true, "ana@example.com: 2.0.0 queued as Q1; oskar@example.com: 2.0.0 queued as Q1")
    );
    let mails = server.wait_for(3).await;
    assert_eq!(to_whom(&mails), [ANA, ANA, OSKAR]);
    assert_eq!(mails[0].header("Subject").as_deref(), Some("Roster: a test message"));
    assert_ne!(mails[0].header("Message-ID"), mails[1].header("Message-ID"), "each test is a message of its own");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_channel_is_refused_with_its_line_and_without_its_password() {
    let server = MailServer::start().await;
    let mut world = World::with_config(&server.channel(&[ANA], "")).await;
    let refused = async |world: &mut World, from: &str, to: &str| {
        let changed = world.reload(|config| config.replace(from, to)).await;
        changed.expect_err(to).to_string()
    };
    let address = format!("smtp://127.0.0.1:{}?tls=none", server.port);
    let error = refused(&mut world, &address, "smtp://ana:hunter2@127.0.0.1:25").await;
    assert!(error.contains("write username and password_file") && !error.contains("hunter2"), "{error}");
    let error = refused(&mut world, &address, "smtp://127.0.0.1:25?tls=maybe").await;
    assert!(error.contains("only tls=none of smtp:// may be"), "{error}");
    let error = refused(&mut world, ANA, "ana").await;
    assert!(error.contains("\"ana\" is no e-mail address"), "{error}");
}

/// Mara has so many followers, and the daemon knows.
async fn has(rosterd: &Rosterd, sandbox: &Sandbox, followers: u64) {
    let edit = AccountEdit { followers: Some(followers), likes: Some(5), ..AccountEdit::default() };
    sandbox.world().put(Platform::Bluesky, "mara.sky.test", &edit).expect("an account");
    let ticket = rosterd.client.sync(within(LIMIT), SyncTarget::All).await.expect("a response").expect("a ticket");
    until("it is synced", async || {
        let progress = rosterd.client.sync_progress(within(LIMIT), ticket, 0).await;
        progress.expect("a response").expect("progress").done.then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_names_no_recipient() {
    let server = MailServer::start().await;
    server.treat(ANA, &[Treatment::Refused("550 5.1.1 Ana@Example.com is no user here")]);
    server.treat(OSKAR, &[Treatment::Refused("451 4.7.1 oskar@example.com is greylisted")]);
    let sandbox =
        Sandbox::start(roster_sandbox::Options { accounts: 0, ..Default::default() }).await.expect("a sandbox");
    let home = Home::new(&format!("{}{}", synced_at_will(&sandbox), server.channel(&[ANA, OSKAR], "")));
    let rosterd = home.start().await;
    let edit = AccountEdit { followers: Some(10_000), ..AccountEdit::default() };
    sandbox.world().put(Platform::Bluesky, "mara.sky.test", &edit).expect("an account");
    let account = Account { platform: "bluesky".to_owned(), handle: "mara.sky.test".to_owned() };
    let new = NewInfluencer { name: "Mara".to_owned(), accounts: vec![account], ..NewInfluencer::default() };
    rosterd.client.add(within(LIMIT), new).await.expect("a response").expect("added");
    has(&rosterd, &sandbox, 10_000).await;
    has(&rosterd, &sandbox, 5_000).await;
    until("both were tried", async || {
        let query = DeliveriesQuery { limit: 9, ..DeliveriesQuery::default() };
        let page = rosterd.client.deliveries(within(LIMIT), query).await.expect("a response").expect("deliveries");
        (page.rows.iter().filter(|it| it.channel == "mail" && it.last_error.is_some()).count() == 2).then_some(())
    })
    .await;
    let log = home.log().to_lowercase();
    assert!(!log.contains("@example.com"), "{log}");
    for said in ["mail/1", "550 5.1.1 is no user here", "mail/2", "451 4.7.1 is greylisted"] {
        assert!(log.contains(said), "{said}: {log}");
    }
}
