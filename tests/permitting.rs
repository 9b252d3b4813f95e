//! What Meta lists, refuses and ends, by what was permitted.

use std::collections::BTreeSet;

use reqwest::header::LOCATION;
use roster_protocol::alert::Severity;
use roster_protocol::connection::{Account, ConnectionStatus};
use roster_protocol::consent::{ConsentState, ConsentedConnection, Renews};
use roster_protocol::transport::within;
use roster_sandbox::{AccountEdit, Platform};
use rosterd::process::clock::Clock;

use crate::support::consent::{APPS, approve, browser, open};
use crate::support::programs::until;
use crate::support::{LIMIT, NOON, World};

const ACCOUNTS: [(Platform, &str); 2] = [(Platform::Facebook, "mara.page"), (Platform::Instagram, "mara.gram")];

/// The apps, with more in one platform's section.
fn apps_with(platform: Platform, more: &str) -> String {
    let section = format!("[platforms.{}]\n", platform.slug());
    APPS.replace(&section, &format!("{section}{more}\n"))
}

/// What one platform's app requests, without some of it.
fn scopes_without(platform: Platform, left_out: &str) -> String {
    let all = match platform {
        Platform::Instagram => {
            ["instagram_basic", "pages_show_list", "pages_read_engagement", "instagram_manage_insights"].as_slice()
        }
        _ => ["pages_show_list", "pages_read_engagement", "pages_read_user_content", "read_insights"].as_slice(),
    };
    let kept: Vec<&str> = all.iter().copied().chain(["business_management"]).filter(|it| *it != left_out).collect();
    format!("scopes = {kept:?}")
}

/// The whole flow for the account of this handle, with more in the consent page's address.
async fn consented(world: &World, platform: Platform, handle: &str, more: &[(&str, &str)]) -> ConsentState {
    let begun = world.begin("Mara", platform.slug(), None).await.expect("begun");
    open(&approve(&begun, handle, more).await).await;
    match world.settled(begun.id).await {
        ConsentState::Choose(_) => {
            let chosen = world.client.consent_choose(within(LIMIT), begun.id, vec![handle.to_owned()]).await;
            chosen.expect("a response").expect("chosen")
        }
        state => state,
    }
}

fn connected(state: ConsentState) -> ConsentedConnection {
    match state {
        ConsentState::Done(mut connected) if connected.len() == 1 => connected.remove(0),
        state => panic!("{state:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_is_found_whichever_list_leaves_it_out() {
    for (platform, handle) in ACCOUNTS {
        let without = apps_with(platform, &scopes_without(platform, "business_management"));
        // By the person's own list, by the portfolio's, and by its id.
        for (apps, portfolio, unlisted, lists) in [
            (APPS, "Tidewater", false, 1),
            (APPS, "Tidewater", true, 1),
            (APPS, "", true, 0),
            (without.as_str(), "Tidewater", false, 0),
        ] {
            let world = World::with_config(apps).await;
            world.quiet(platform, handle, 12_000);
            let page = AccountEdit {
                portfolio: Some(portfolio.to_owned()),
                unlisted: Some(unlisted),
                ..AccountEdit::default()
            };
            world.account(Platform::Facebook, handle, page);
            world.influencer("Mara").await;
            let connected = connected(consented(&world, platform, handle, &[]).await);
            world.settle().await;
            let shown = world.connection(&connected.connection.id.to_string()).await;
            let followers = shown.latest.and_then(|latest| latest.numbers.followers);
            assert_eq!((shown.status, followers), (ConnectionStatus::Fresh, Some(12_000)), "{platform}: {portfolio}");
            assert_eq!(world.requests_to("owned_pages"), lists, "{platform}: {portfolio}, unlisted {unlisted}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consent_that_opened_no_page_says_what_to_tick() {
    for (platform, handle) in ACCOUNTS {
        let world = World::with_apps().await;
        world.quiet(platform, handle, 12_000);
        world.influencer("Mara").await;
        let state = consented(&world, platform, handle, &[("sandbox_accounts", "none")]).await;
        let ConsentState::Failed(error) = state else { panic!("{platform}: {state:?}") };
        let expected = "no Page was opened: at consent tick the Page, and the business portfolio that holds it";
        assert!(error.message.contains(expected) && error.hint.is_some(), "{platform}: {error:?}");
    }
}

const DAY: i64 = 24 * 3600;

/// The rules and severities of the alerts that are open.
async fn alerts(world: &World) -> Vec<(String, Severity)> {
    let alerts = world.alerts().await;
    alerts.into_iter().map(|alert| (alert.rule, alert.severity)).collect()
}

/// Waits until these are the alerts that are open: what falls due with consents is done beside what is synced.
async fn until_alerts(world: &World, expected: &[(&str, Severity)]) {
    let expected: Vec<_> = expected.iter().map(|(rule, severity)| ((*rule).to_owned(), *severity)).collect();
    until("the alerts are these", async || (alerts(world).await == expected).then_some(())).await;
}

/// Time passes, and what is to be renewed meanwhile is: no more time passes before.
async fn pass_renewed(world: &World, seconds: i64) {
    world.both_pass(seconds).await;
    let now = world.clock.now();
    until("the tokens are renewed", async || {
        let grants = world.grants().await;
        grants.iter().all(|grant| grant.renews_at.is_none_or(|at| at > now)).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_data_access_is_said_before_and_a_new_consent_moves_it() {
    for (platform, handle) in ACCOUNTS {
        let world = World::with_apps().await;
        world.quiet(platform, handle, 12_000);
        world.influencer("Mara").await;
        let id = world.consent("Mara", platform.slug(), handle).await.connection.id.to_string();
        world.settle().await;
        let ends = NOON.plus_seconds(90 * DAY);
        let [grant] = world.grants().await.try_into().expect("one grant");
        assert_eq!((grant.renews, grant.act_before), (Renews::Itself, Some(ends)), "{platform}: {grant:?}");
        for _ in 0..3 {
            pass_renewed(&world, 25 * DAY).await;
        }
        assert_eq!(alerts(&world).await, [], "{platform}: 15 days are left");
        world.both_pass(DAY).await;
        until_alerts(&world, &[("consent-ends", Severity::Info)]).await;
        let why = "its consent ends on 2027-02-19: connect it again before, and its owner consents again";
        assert_eq!(world.alerts().await[0].why, why, "{platform}");
        assert_eq!(world.connection(&id).await.token_expires_at, Some(ends), "{platform}");
        world.both_pass(7 * DAY).await;
        until_alerts(&world, &[("consent-ends", Severity::Warning)]).await;
        world.both_pass(6 * DAY).await;
        until_alerts(&world, &[("consent-ends", Severity::Critical)]).await;
        // A restart says nothing twice.
        let mut world = world;
        world.restart().await;
        world.settle().await;
        until_alerts(&world, &[("consent-ends", Severity::Critical)]).await;
        // Given again it lasts for 90 days more.
        world.consent("Mara", platform.slug(), handle).await;
        until_alerts(&world, &[]).await;
        let [grant] = world.grants().await.try_into().expect("one grant");
        assert_eq!(grant.act_before, Some(NOON.plus_seconds((89 + 90) * DAY)), "{platform}");
        // Not given again it ends, and says so.
        for _ in 0..4 {
            world.both_pass(25 * DAY).await;
        }
        until("the consent has ended", async || {
            world.both_pass(3600).await;
            (world.connection(&id).await.status == ConnectionStatus::Reauthorize).then_some(())
        })
        .await;
        until_alerts(&world, &[("needs-person", Severity::Warning)]).await;
        let error = world.connection(&id).await.last_error.unwrap_or_default();
        assert!(error.contains("90 days have passed since its owner signed in"), "{platform}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_that_lacks_a_permission_is_foreseen_explained_and_can_be_used() {
    for (platform, handle, scope) in [
        (Platform::Facebook, "mara.page", "read_insights"),
        (Platform::Instagram, "mara.gram", "business_management"),
        (Platform::Youtube, "@mara", "https://www.googleapis.com/auth/yt-analytics.readonly"),
        (Platform::Tiktok, "mara", "video.list"),
    ] {
        let slug = platform.slug();
        let mut world = World::with_apps().await;
        world.sandbox.world().set_lacking(platform, BTreeSet::from([scope.to_owned()]));
        world.quiet(platform, handle, 12_000);
        world.influencer("Mara").await;
        // Before: what is requested, and what is done where the app lacks some of it.
        let checks = world.client.test_platform(within(LIMIT), slug.to_owned()).await.expect("a response");
        let said: Vec<String> = checks.expect("checked").into_iter().map(|check| check.message).collect();
        assert!(said.iter().any(|message| message.contains("owners are asked to allow") && message.contains(scope)));
        let begun = world.begin("Mara", slug, None).await.expect("begun");
        assert!(begun.scopes.iter().any(|requested| requested == scope), "{slug}: {begun:?}");
        assert!(begun.if_refused.contains(&format!("[platforms.{slug}]")), "{slug}: {}", begun.if_refused);
        // Afterwards: where the browser is sent back, and where it is not.
        let page = format!("{}&sandbox_account={}", begun.url, handle.replace('@', "%40"));
        let response = browser().get(page).send().await.expect("the page responds");
        match response.headers().get(LOCATION) {
            Some(address) => {
                let (_, page) = open(address.to_str().expect("an address")).await;
                assert!(page.contains("or not all that it asks you to share"), "{slug}: {page}");
            }
            None => {
                let page = response.text().await.expect("a page");
                assert!(page.to_lowercase().contains("invalid") && page.contains(scope), "{slug}: {page}");
                world.pass(11 * 60).await;
            }
        }
        let ConsentState::Failed(error) = world.settled(begun.id).await else { panic!("{slug}: it cannot succeed") };
        let hint = error.hint.clone().unwrap_or_default();
        assert!(hint.contains(&begun.if_refused) && hint.contains("begin again"), "{slug}: {error:?}");
        // The advice can be followed to the letter.
        let advised = begun.if_refused.split_once("scopes = [").and_then(|(_, rest)| rest.split_once(']'));
        let advised = format!("scopes = [{}]", advised.expect("a list").0);
        let section = format!("[platforms.{slug}]\n");
        let reloaded = world.reload(|config| config.replace(&section, &format!("{section}{advised}\n"))).await;
        reloaded.unwrap_or_else(|error| panic!("{slug}: {error}"));
        let connected = world.consent("Mara", slug, handle).await;
        assert!(connected.missing.is_empty(), "{slug}: {connected:?}");
        world.settle().await;
        let shown = world.connection(&connected.connection.id.to_string()).await;
        assert_eq!((shown.status, shown.last_error), (ConnectionStatus::Fresh, None), "{slug}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_are_looked_up_with_a_consent_that_allows_it() {
    let world = World::with_apps().await;
    for handle in ["mara.gram", "nina.gram", "other.gram"] {
        world.quiet(Platform::Instagram, handle, 12_000);
    }
    let look_up = async || {
        let other = Account { platform: "instagram".to_owned(), handle: "other.gram".to_owned() };
        world.client.look_up(within(LIMIT), other).await.expect("a response")
    };
    world.influencer("Mara").await;
    let few = [("sandbox_scopes", "instagram_basic,pages_show_list,pages_read_engagement")];
    connected(consented(&world, Platform::Instagram, "mara.gram", &few).await);
    world.settle().await;
    let error = look_up().await.expect_err("no consent allows it");
    assert!(error.message.contains("instagram_manage_insights is missing"), "{error:?}");
    assert!(error.hint.is_some_and(|hint| hint.contains("to allow instagram_manage_insights")));
    // It can be added all the same, and waits for its own owner's consent.
    let added = world.try_add("Other", "instagram", "other.gram").await.expect("added");
    assert_eq!(added.connections.len(), 1);

    world.influencer("Nina").await;
    world.consent("Nina", "instagram", "nina.gram").await;
    world.settle().await;
    world.sandbox.world().clear_requests();
    let found = look_up().await.expect("Nina's consent allows it");
    assert_eq!((found.followers, found.needs_consent), (Some(12_000), false));
    assert_eq!(world.sandbox.world().requests().len(), 1, "through an account that is known");
}
