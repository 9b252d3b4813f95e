//! Owners give their consent, it is kept alive, it ends, and it is given again.

use std::time::Duration;

use reqwest::StatusCode;
use roster_protocol::audit::Who;
use roster_protocol::connection::ConnectionStatus;
use roster_protocol::consent::{ConsentMethod, ConsentState, Renews};
use roster_protocol::error::ErrorKind;
use roster_protocol::sync::Outcome;
use roster_protocol::transport::within;
use roster_sandbox::{Fault, FaultKind, Platform, Stage};
use rosterd::consent::finish;

use crate::support::consent::{APPS, approve, open};
use crate::support::programs::until;
use crate::support::{LIMIT, World};

const DAY_S: i64 = 24 * 3600;

/// Each platform with consent: a handle, and how long until its tokens have been renewed for sure.
const PLATFORMS: [(Platform, &str, i64); 4] = [
    (Platform::Youtube, "@mara", DAY_S),
    (Platform::Tiktok, "mara", DAY_S),
    (Platform::Instagram, "mara.gram", 40 * DAY_S),
    (Platform::Facebook, "mara.page", 40 * DAY_S),
];

fn token_requests(world: &World, platform: Platform) -> usize {
    let is_token = |path: &str| path.contains("token") && !path.contains("debug");
    let requests = world.sandbox.world().requests();
    requests.iter().filter(|requested| requested.platform == platform && is_token(&requested.path)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_platform_is_connected_read_renewed_lost_and_connected_again() {
    for (platform, handle, renewed_after) in PLATFORMS {
        let world = World::with_apps().await;
        let slug = platform.slug();
        world.quiet(platform, handle, 12_000);
        world.influencer("Mara").await;

        let connected = world.consent("Mara", slug, handle).await;
        assert!(connected.is_new && connected.missing.is_empty(), "{slug}: {connected:?}");
        let id = connected.connection.id.to_string();
        world.settle().await;
        let shown = world.connection(&id).await;
        assert_eq!(shown.status, ConnectionStatus::Fresh, "{slug}: {shown:?}");
        let numbers = shown.latest.expect("first numbers").numbers;
        assert_eq!(numbers.followers, Some(12_000), "{slug}");
        assert_eq!(numbers.avg_likes.map(|likes| likes.as_f64()), Some(40.0), "{slug}");
        let [grant] = world.grants().await.try_into().expect("one grant");
        assert_eq!((grant.platform.as_str(), grant.renews), (slug, Renews::Itself), "{slug}: {grant:?}");
        assert!(grant.missing.is_empty() && !grant.scopes.is_empty(), "{slug}: {grant:?}");

        // Its tokens are renewed before they end, and nothing drops.
        let before = token_requests(&world, platform);
        for _ in 0..renewed_after / DAY_S {
            world.both_pass(DAY_S).await;
        }
        world.sync(&id).await;
        assert!(token_requests(&world, platform) > before, "{slug} was renewed");
        assert_eq!(world.connection(&id).await.status, ConnectionStatus::Fresh, "{slug}");

        // The owner takes it back at the platform.
        let revoked = Fault { handle: Some(handle.to_owned()), ..Fault::new(platform, FaultKind::Revoked) };
        world.sandbox.world().fault(revoked);
        world.sync(&id).await;
        let lost = world.connection(&id).await;
        assert_eq!(lost.status, ConnectionStatus::Reauthorize, "{slug}: {lost:?}");
        assert!(world.alerts().await.iter().any(|alert| alert.rule == "needs-person"), "{slug}");
        let requested = world.sandbox.world().requests().len();
        world.sync(&id).await;
        assert_eq!(world.sandbox.world().requests().len(), requested, "{slug}: no request is sent with a dead consent");

        // Given again it is the same connection, with its history.
        let again = world.consent("Mara", slug, handle).await;
        assert!(!again.is_new && again.connection.id.to_string() == id, "{slug}: {again:?}");
        world.settle().await;
        let healed = world.connection(&id).await;
        assert_eq!((healed.status, healed.last_error), (ConnectionStatus::Fresh, None), "{slug}");
        let history = world.client.history(within(LIMIT), id.clone(), None, None).await;
        // TikTok's terms let nothing be kept that a consent gave which has ended.
        let least = if platform == Platform::Tiktok { 1 } else { 2 };
        assert!(history.expect("a response").expect("a history").snapshots.len() >= least, "{slug}");
        assert!(world.alerts().await.iter().all(|alert| alert.rule != "needs-person"), "{slug}: resolved");

        // Disconnected, it is revoked at the platform.
        let ended = world.client.disconnect(within(LIMIT), id.clone(), false).await;
        ended.expect("a response").expect("disconnected");
        until("the grant is revoked", async || world.grants().await.is_empty().then_some(())).await;
        let runs = world.sync(&id).await;
        assert!(runs.iter().all(|run| run.outcome == Outcome::Skipped), "{slug}: local use has ended: {runs:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_callback_that_belongs_to_no_waiting_consent_does_nothing() {
    let world = World::with_apps().await;
    world.quiet(Platform::Tiktok, "mara", 900);
    world.influencer("Mara").await;
    let begun = world.begin("Mara", "tiktok", None).await.expect("begun");
    let address = approve(&begun, "mara", &[]).await;
    let query = address.split_once('?').expect("a query").1.to_owned();
    let refused = async |address: &str| {
        let (status, page) = open(address).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{page}");
        assert!(!page.contains("expired at") && !page.contains("mara"), "no detail: {page}");
    };
    refused(&world.callback("tiktok", "code=x")).await;
    refused(&world.callback("tiktok", "code=x&state=")).await;
    refused(&world.callback("tiktok", &format!("code=x&state={}", "A".repeat(43)))).await;
    refused(&world.callback("tiktok", &format!("{query}&state=other"))).await;
    refused(&world.callback("instagram", &query)).await;
    refused(&world.callback("nowhere", &query)).await;
    // Another user of this host pastes it.
    let stranger = Who { uid: 4242, name: "stranger".into() };
    let pasted = finish::pasted(&world.daemon().app, &stranger, &address).await.expect_err("not theirs");
    assert_eq!(pasted.kind, ErrorKind::Usage);
    // It is pasted as if it had landed elsewhere.
    let elsewhere = address.replace("/oauth/tiktok/callback", "/oauth/tiktok/elsewhere");
    let pasted = world.client.consent_paste(within(LIMIT), elsewhere).await.expect("a response");
    assert_eq!(pasted.expect_err("another address").kind, ErrorKind::Usage);
    for garbage in ["", "hello", "http://", "file:///etc/passwd", "https://x.example/?code=1"] {
        let pasted = world.client.consent_paste(within(LIMIT), garbage.to_owned()).await.expect("a response");
        let error = pasted.expect_err(garbage);
        assert!(error.kind == ErrorKind::Usage && error.hint.is_some(), "{garbage:?}: {error:?}");
    }
    assert_eq!(token_requests(&world, Platform::Tiktok), 0, "no token call");
    // Too late.
    world.pass(11 * 60).await;
    refused(&address).await;
    assert_eq!(token_requests(&world, Platform::Tiktok), 0, "no token call");
    match world.settled(begun.id).await {
        ConsentState::Failed(error) => assert!(error.message.contains("in time"), "{error:?}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_is_exchanged_once_however_often_it_comes() {
    let world = World::with_apps().await;
    world.quiet(Platform::Tiktok, "mara", 900);
    world.influencer("Mara").await;
    let begun = world.begin("Mara", "tiktok", None).await.expect("begun");
    let address = approve(&begun, "mara", &[]).await;
    let responses = futures::future::join_all((0..16).map(|_| open(&address))).await;
    let good: Vec<_> = responses.iter().filter(|(status, _)| *status == StatusCode::OK).collect();
    assert!(good.len() == 1 && good[0].1.contains("<p>Connected: mara.</p>"), "{responses:?}");
    assert!(matches!(world.settled(begun.id).await, ConsentState::Done(_)));
    assert_eq!(token_requests(&world, Platform::Tiktok), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_is_reported_as_a_refusal() {
    let world = World::with_apps().await;
    world.influencer("Mara").await;
    for (platform, handle, _) in PLATFORMS {
        world.quiet(platform, handle, 500);
        let begun = world.begin("Mara", platform.slug(), None).await.expect("begun");
        let (status, page) = open(&approve(&begun, handle, &[("sandbox_deny", "1")]).await).await;
        assert_eq!(status, StatusCode::OK);
        assert!(
            page.contains("<p>It was not allowed at the platform, or not in the part that Roster needs.</p>"),
            "{page}"
        );
        match world.settled(begun.id).await {
            ConsentState::Failed(error) => {
                assert_eq!(error.kind, ErrorKind::NotPermitted, "{platform}");
                assert!(error.hint.expect("a hint").contains("begin again"), "{platform}");
            }
            other => panic!("{platform}: {other:?}"),
        }
    }
    assert!(world.grants().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_between_request_and_callback_loses_nothing() {
    let mut world = World::with_config(&APPS_AT_A_PORT.replace("PORT", &free_port().to_string())).await;
    world.quiet(Platform::Youtube, "@mara", 900);
    world.influencer("Mara").await;
    let begun = world.begin("Mara", "youtube", None).await.expect("begun");
    let address = approve(&begun, "@mara", &[]).await;
    world.restart().await;
    let pasted = world.client.consent_paste(within(LIMIT), address).await.expect("a response").expect("ours");
    assert_eq!(pasted, begun.id);
    assert!(matches!(world.settled(begun.id).await, ConsentState::Done(_)));
    world.restart().await;
    let [grant] = world.grants().await.try_into().expect("one grant");
    assert_eq!(grant.connections.len(), 1);
}

/// The redirect URI holds the listener's port, which must not change with a restart: an address of the operator's own.
const APPS_AT_A_PORT: &str = "[platforms.youtube]
client_id = \"youtube-client-id\"
client_secret = \"youtube-client-secret\"
redirect_uri = \"http://127.0.0.1:PORT/oauth/youtube/callback\"
";

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_consent_feeds_several_connections_until_the_last_one_leaves() {
    let world = World::with_apps().await;
    for handle in ["mara.one", "mara.two"] {
        world.quiet(Platform::Instagram, handle, 2000);
        let owner = roster_sandbox::AccountEdit { owner: Some("Mara".into()), ..Default::default() };
        world.account(Platform::Instagram, handle, owner);
    }
    world.influencer("Mara").await;
    let begun = world.begin("Mara", "instagram", None).await.expect("begun");
    open(&approve(&begun, "mara.one", &[]).await).await;
    let ConsentState::Choose(choices) = world.settled(begun.id).await else { panic!("two accounts") };
    let handles: Vec<&str> = choices.iter().map(|choice| choice.handle.as_str()).collect();
    assert!(handles.contains(&"mara.one") && handles.contains(&"mara.two"), "{choices:?}");
    let open = world.client.consent_open(within(LIMIT), "Mara".into(), "instagram".into()).await;
    assert_eq!(open.expect("a response").expect("ours"), Some(begun.id));
    let unknown = world.client.consent_choose(within(LIMIT), begun.id, vec!["other".into()]).await;
    assert_eq!(unknown.expect("a response").expect_err("not opened").kind, ErrorKind::Usage);
    let both = vec!["mara.one".to_owned(), "mara.two".to_owned()];
    let chosen = world.client.consent_choose(within(LIMIT), begun.id, both).await.expect("a response");
    let ConsentState::Done(connected) = chosen.expect("chosen") else { panic!("two connections") };
    assert_eq!(connected.len(), 2);
    world.settle().await;
    let [grant] = world.grants().await.try_into().expect("one grant feeds both");
    assert_eq!(grant.connections.len(), 2);
    for (left, one) in connected.iter().enumerate() {
        let id = one.connection.id.to_string();
        assert_eq!(world.connection(&id).await.latest.expect("numbers").numbers.followers, Some(2000));
        world.client.disconnect(within(LIMIT), id, false).await.expect("a response").expect("disconnected");
        if left == 0 {
            let [grant] = world.grants().await.try_into().expect("it is still used");
            assert_eq!((grant.connections.len(), grant.renews), (1, Renews::Itself));
        }
    }
    until("the grant is revoked", async || world.grants().await.is_empty().then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_of_another_influencer_is_refused_and_harms_none() {
    let world = World::with_apps().await;
    world.quiet(Platform::Youtube, "@mara", 900);
    world.influencer("Mara").await;
    world.influencer("Oskar").await;
    let id = world.consent("Mara", "youtube", "@mara").await.connection.id.to_string();
    world.settle().await;
    let begun = world.begin("Oskar", "youtube", None).await.expect("begun");
    let (_, page) = open(&approve(&begun, "@mara", &[]).await).await;
    // Its owner knows the account, and not under which name it is here.
    let said = "<p>The account that you approved is in Roster already, under another entry.</p>";
    assert!(page.contains(said) && !page.contains("Mara") && !page.contains("Oskar"), "{page}");
    let ConsentState::Failed(error) = world.settled(begun.id).await else { panic!("it is Mara's") };
    assert!(error.kind == ErrorKind::Conflict && error.hint.is_some(), "{error:?}");
    // Her consent lasts, past the end of the tokens it had.
    let [grant] = world.grants().await.try_into().expect("one grant");
    assert_eq!((grant.renews, grant.connections.len()), (Renews::Itself, 1));
    world.both_pass(DAY_S).await;
    world.sync(&id).await;
    assert_eq!(world.connection(&id).await.status, ConnectionStatus::Fresh);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consent_reads_no_other_account() {
    let world = World::with_apps().await;
    world.quiet(Platform::Youtube, "@mara", 900);
    world.quiet(Platform::Youtube, "@oskar", 700);
    world.influencer("Mara").await;
    let id = world.consent("Mara", "youtube", "@mara").await.connection.id.to_string();
    world.settle().await;
    let before = world.connection(&id).await;
    for another in [false, true] {
        let set = world.client.set_handle(within(LIMIT), id.clone(), "@oskar".to_owned(), another).await;
        let refused = set.expect("a response").expect_err("the consent is of another owner");
        assert_eq!(refused.kind, ErrorKind::Conflict, "{refused:?}");
        let hint = refused.hint.expect("a way on");
        assert!(hint.contains("`roster connect ") && hint.contains(&format!("`roster disconnect {id}`")), "{hint}");
    }
    let after = world.connection(&id).await;
    assert_eq!((&after.handle, &after.platform_user_id), (&before.handle, &before.platform_user_id));
    world.both_pass(DAY_S).await;
    world.sync(&id).await;
    let now = world.connection(&id).await;
    assert_eq!((now.status, now.latest.and_then(|it| it.numbers.followers)), (ConnectionStatus::Fresh, Some(900)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_unticked_is_named_and_the_rest_is_read() {
    let world = World::with_apps().await;
    world.quiet(Platform::Tiktok, "mara", 900);
    world.influencer("Mara").await;
    let begun = world.begin("Mara", "tiktok", None).await.expect("begun");
    let some = [("sandbox_scopes", "user.info.basic,user.info.profile,user.info.stats")];
    let (_, page) = open(&approve(&begun, "mara", &some).await).await;
    assert!(page.contains("Not allowed"), "{page}");
    let ConsentState::Done(connected) = world.settled(begun.id).await else { panic!("connected") };
    let [missing] = connected[0].missing.as_slice() else { panic!("{:?}", connected[0].missing) };
    assert!(missing.scope == "video.list" && missing.costs.contains("likes"), "{missing:?}");
    world.settle().await;
    let shown = world.connection(&connected[0].connection.id.to_string()).await;
    assert_eq!(shown.not_given, ["likes, comments, shares, views"]);
    let numbers = shown.latest.expect("numbers").numbers;
    assert_eq!((numbers.followers, numbers.avg_likes), (Some(900), None), "what was not allowed is not known");
    let [grant] = world.grants().await.try_into().expect("one grant");
    assert_eq!(grant.reads, ["who the account is", "followers, following, posts", "the account's @name"]);
    // Allowed after all, nothing is missing any more.
    let again = world.consent("Mara", "tiktok", "mara").await;
    assert!(!again.is_new && again.connection.not_given.is_empty(), "{again:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_who_need_a_token_make_one_renewal() {
    let world = World::with_apps().await;
    world.quiet(Platform::Tiktok, "mara", 900);
    world.influencer("Mara").await;
    let id = world.consent("Mara", "tiktok", "mara").await.connection.id;
    world.settle().await;
    let before = token_requests(&world, Platform::Tiktok);
    let app = world.daemon().app.clone();
    let (grant, generation) = app.look(|roster| {
        let tokens = roster.consents.tokens_of(id).expect("tokens");
        (tokens.grant, tokens.generation)
    });
    let renewals = (0..64).map(|_| rosterd::consent::renew::renew(&app, grant, generation));
    assert!(futures::future::join_all(renewals).await.iter().all(Result::is_ok));
    assert_eq!(token_requests(&world, Platform::Tiktok), before + 1);
    // Each caller gave up waiting at another moment: the renewal continues nevertheless.
    for round in 0..200u64 {
        let generation = app.look(|roster| roster.consents.tokens_of(id).expect("tokens").generation);
        let renewal = rosterd::consent::renew::renew(&app, grant, generation);
        let _ = tokio::time::timeout(Duration::from_micros(round * 20), renewal).await;
        until("the pair is stored", async || {
            let now = app.look(|roster| roster.consents.tokens_of(id).expect("tokens").clone());
            (now.generation == generation + 1 && now.attempt.is_none()).then_some(())
        })
        .await;
    }
    world.sync(&id.to_string()).await;
    assert_eq!(world.connection(&id.to_string()).await.status, ConnectionStatus::Fresh);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_of_the_token_endpoint_ends_no_consent() {
    for kind in [
        FaultKind::ServerError,
        FaultKind::Timeout,
        FaultKind::Html,
        FaultKind::Garbage,
        FaultKind::Truncated,
        FaultKind::Disconnect,
        FaultKind::RateLimited,
        FaultKind::LostAnswer,
    ] {
        let world = World::with_apps().await;
        world.quiet(Platform::Tiktok, "mara", 900);
        world.influencer("Mara").await;
        let id = world.consent("Mara", "tiktok", "mara").await.connection.id.to_string();
        world.settle().await;
        // A response is lost once; the other faults last for a while.
        let count = if kind == FaultKind::LostAnswer { 1 } else { 1000 };
        let fault = Fault { count, at: Some(Stage::Token), ..Fault::new(Platform::Tiktok, kind) };
        world.sandbox.world().fault(fault);
        // Past the token's end: nothing can be read, and nothing is lost.
        world.sandbox.world().advance(Duration::from_secs(25 * 3600));
        world.clock.advance(25 * 3600);
        world.settle().await;
        let shown = world.connection(&id).await;
        assert_ne!(shown.status, ConnectionStatus::Reauthorize, "{kind:?}: {shown:?}");
        world.sandbox.world().clear_faults();
        world.pass(20 * 60).await;
        until("it is read again", async || {
            world.pass(600).await;
            world.sync(&id).await;
            (world.connection(&id).await.status == ConnectionStatus::Fresh).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_rotation_is_reported_as_such() {
    let world = World::with_apps().await;
    world.quiet(Platform::Tiktok, "mara", 900);
    world.influencer("Mara").await;
    let id = world.consent("Mara", "tiktok", "mara").await.connection.id.to_string();
    world.settle().await;
    world.sandbox.world().fault(Fault::new(Platform::Tiktok, FaultKind::RotationLost));
    let before = token_requests(&world, Platform::Tiktok);
    world.both_pass(DAY_S).await;
    until("it says so", async || {
        world.both_pass(3600).await;
        (world.connection(&id).await.status == ConnectionStatus::Reauthorize).then_some(())
    })
    .await;
    assert_eq!(token_requests(&world, Platform::Tiktok), before + 2, "the spent token was presented a second time");
    let shown = world.connection(&id).await;
    assert!(shown.last_error.as_deref().is_some_and(|error| error.contains("rotation")), "{shown:?}");
    let [grant] = world.grants().await.try_into().expect("one grant");
    assert_eq!(grant.renews, Renews::ByHand);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_by_another_program_is_told_from_a_consent_that_its_owner_ended() {
    // Each: what befalls the consent, when it is renewed, and what is said of it.
    let foreign = "another program seems to have renewed this consent at TikTok";
    let ended = "TikTok has ended the consent";
    for (kind, after_s, said) in [
        (FaultKind::RotatedElsewhere, 20 * 3600, foreign),
        (FaultKind::Revoked, 20 * 3600, ended),
        // The access token is over, too: nothing shows which of both it was.
        (FaultKind::RotatedElsewhere, 25 * 3600, ended),
    ] {
        let mut world = World::with_apps().await;
        world.quiet(Platform::Tiktok, "mara", 900);
        world.influencer("Mara").await;
        let id = world.consent("Mara", "tiktok", "mara").await.connection.id.to_string();
        world.settle().await;
        // Nothing is renewed before that.
        world.stop().await;
        world.sandbox.world().advance(Duration::from_secs(after_s));
        world.clock.advance(after_s as i64);
        world.sandbox.world().fault(Fault { at: Some(Stage::Token), ..Fault::new(Platform::Tiktok, kind) });
        world.resume().await;
        until("it says so", async || {
            (world.connection(&id).await.status == ConnectionStatus::Reauthorize).then_some(())
        })
        .await;
        let shown = world.connection(&id).await.last_error.expect("a reason");
        assert!(shown.starts_with(said), "{kind:?} after {after_s} s: {shown}");
        assert_eq!(shown.contains("another program"), kind == FaultKind::RotatedElsewhere, "{shown}");
        let [grant] = world.grants().await.try_into().expect("one grant");
        assert_eq!((grant.renews, grant.note), (Renews::ByHand, Some(shown)), "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_that_does_not_get_through_is_repeated_and_reported() {
    let world = World::with_apps().await;
    world.quiet(Platform::Tiktok, "mara", 900);
    world.influencer("Mara").await;
    let id = world.consent("Mara", "tiktok", "mara").await.connection.id.to_string();
    world.settle().await;
    let fault = Fault { count: 2, at: Some(Stage::Token), ..Fault::new(Platform::Tiktok, FaultKind::ServerError) };
    world.sandbox.world().fault(fault);
    world.client.disconnect(within(LIMIT), id, false).await.expect("a response").expect("disconnected");
    until("it is reported", async || {
        let [grant] = world.grants().await.try_into().ok()?;
        grant.note.filter(|note| note.contains("attempt")).map(|_| ())
    })
    .await;
    until("it is revoked", async || {
        world.pass(1800).await;
        world.grants().await.is_empty().then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_typed_on_another_device_is_enough() {
    let world = World::with_apps().await;
    world.quiet(Platform::Youtube, "@mara", 900);
    world.influencer("Mara").await;
    let (name, platform) = ("Mara".to_owned(), "youtube".to_owned());
    let begun = world.client.consent_begin(within(LIMIT), name, platform, ConsentMethod::Device, None).await;
    let begun = begun.expect("a response").expect("begun");
    let code = begun.user_code.clone().expect("a code");
    world.pass(6).await;
    let page = format!("{}?user_code={code}&sandbox_account=%40mara", begun.url);
    let (status, text) = open(&page).await;
    assert!(status.is_success() || status.is_redirection(), "{status} {text}");
    until("it is connected", async || {
        world.clock.advance(6);
        let state = world.client.consent_state(within(Duration::from_millis(2300)), begun.id).await;
        state.is_ok_and(|state| matches!(state, Ok(ConsentState::Done(_)))).then_some(())
    })
    .await;
    let (name, platform) = ("Mara".to_owned(), "tiktok".to_owned());
    let none = world.client.consent_begin(within(LIMIT), name, platform, ConsentMethod::Device, None).await;
    assert_eq!(none.expect("a response").expect_err("TikTok has none").kind, ErrorKind::Usage);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instagram_needs_no_page_with_its_own_login() {
    let apps = APPS.replace("[platforms.instagram]\n", "[platforms.instagram]\nlogin = \"instagram\"\n");
    let world = World::with_config(&apps).await;
    world.quiet(Platform::Instagram, "mara.gram", 4000);
    world.influencer("Mara").await;
    let connected = world.consent("Mara", "instagram", "mara.gram").await;
    let id = connected.connection.id.to_string();
    world.settle().await;
    let shown = world.connection(&id).await;
    assert_eq!(shown.status, ConnectionStatus::Fresh, "{shown:?}");
    assert_eq!(shown.latest.expect("numbers").numbers.followers, Some(4000));
    let before = token_requests(&world, Platform::Instagram);
    for _ in 0..40 {
        world.both_pass(DAY_S).await;
    }
    assert!(token_requests(&world, Platform::Instagram) > before, "it was renewed");
    assert_eq!(world.connection(&id).await.status, ConnectionStatus::Fresh);
    world.client.disconnect(within(LIMIT), id, false).await.expect("a response").expect("disconnected");
    until("the grant is revoked", async || world.grants().await.is_empty().then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sealed_value_in_another_row_is_refused_and_named() {
    let world = World::with_apps().await;
    let mut ids = Vec::new();
    for handle in ["mara", "oskar"] {
        world.quiet(Platform::Tiktok, handle, 900);
        world.influencer(handle).await;
        ids.push(world.consent(handle, "tiktok", handle).await.connection.id);
    }
    world.settle().await;
    // A writer of the store's file exchanges the tokens of two grants, and cuts a third value.
    let app = world.daemon().app.clone();
    let swapped = app
        .decide(|decision| {
            let tokens = |at: usize| decision.roster.consents.tokens_of(ids[at]).expect("tokens").clone();
            let (mut one, mut other) = (tokens(0), tokens(1));
            std::mem::swap(&mut one.access, &mut other.access);
            other.access.0.truncate(20);
            decision.commit.consents.tokens.extend([one, other]);
            Ok(())
        })
        .await;
    swapped.expect("stored");
    let requested = world.sandbox.world().requests().len();
    for id in &ids {
        let grant = app.look(|roster| roster.consents.grant_of(*id).expect("a grant").id);
        world.sync(&id.to_string()).await;
        let shown = world.connection(&id.to_string()).await;
        assert_eq!(shown.status, ConnectionStatus::Reauthorize, "{shown:?}");
        let error = shown.last_error.expect("words");
        assert!(error.contains(&grant.to_string()) && error.contains("does not open"), "{error}");
    }
    assert_eq!(world.sandbox.world().requests().len(), requested, "no request was sent with them");
    let healed = world.consent("mara", "tiktok", "mara").await;
    assert_eq!(healed.connection.id, ids[0]);
    world.settle().await;
    assert_eq!(world.connection(&ids[0].to_string()).await.status, ConnectionStatus::Fresh);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_user_has_more_than_thirty_two_consents_waiting() {
    let world = World::with_apps().await;
    world.influencer("Mara").await;
    for round in 0..32 {
        world.begin("Mara", "tiktok", None).await.unwrap_or_else(|error| panic!("{round}: {error}"));
    }
    let error = world.begin("Mara", "tiktok", None).await.expect_err("one too many");
    assert_eq!(error.kind, ErrorKind::Conflict);
    world.pass(11 * 60).await;
    until("they have expired", async || world.begin("Mara", "tiktok", None).await.ok()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_can_be_printed_holds_a_secret() {
    let world = World::with_apps().await;
    let mut printed = String::new();
    for (platform, handle, _) in PLATFORMS {
        world.quiet(platform, handle, 900);
        world.influencer(handle).await;
        let waiting = world.begin(handle, platform.slug(), None).await.expect("begun");
        let id = world.consent(handle, platform.slug(), handle).await.connection.id;
        let app = world.daemon().app.clone();
        let opened = rosterd::consent::access::of_connection(&app, id).await;
        printed += &app.look(|roster| {
            let consents = &roster.consents;
            format!("{opened:?} {:?} {:?} {:?}", consents.grants, consents.tokens, consents.pending)
        });
        world.client.consent_cancel(within(LIMIT), waiting.id).await.expect("a response").expect("given up");
    }
    printed += &format!("{:?}", world.daemon().app.setup().config);
    let secrets = world.sandbox.world().secrets();
    assert!(secrets.len() >= 20 && printed.contains("mara.gram"), "{} secrets", secrets.len());
    for secret in secrets {
        assert!(!printed.contains(&secret), "{secret} is printed");
    }
}
