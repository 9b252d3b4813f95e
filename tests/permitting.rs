//! What Meta lists, refuses and ends, by what was permitted.

use roster_protocol::connection::ConnectionStatus;
use roster_protocol::consent::{ConsentState, ConsentedConnection};
use roster_protocol::transport::within;
use roster_sandbox::{AccountEdit, Platform};

use crate::support::consent::{APPS, approve, open};
use crate::support::{LIMIT, World};

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
