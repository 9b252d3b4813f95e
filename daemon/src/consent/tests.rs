//! A callback over a disk that fails.

use roster_protocol::audit::Who;
use roster_protocol::consent::ConsentMethod;
use roster_protocol::ids::InfluencerId;
use roster_protocol::time::Timestamp;
use url::Url;

use super::*;
use crate::app::testing::app_on;
use crate::model::Influencer;
use crate::store::StoreState;
use crate::store::tests::disk::{Disk, Fails};

/// Nothing listens there.
const CONFIG: &str = "[sync]\ngateway = \"http://127.0.0.1:1\"\n\
                      [platforms.tiktok]\nclient_key = \"id\"\nclient_secret = \"secret\"\n";

fn app(disk: &Disk) -> Arc<App> {
    app_on(disk, CONFIG, Timestamp(1_800_000_000_000))
}

async fn add(app: &App, name: &str) {
    let influencer = Influencer {
        id: InfluencerId::from_bytes([1; 5]),
        name: name.to_owned(),
        tags: Vec::new(),
        note: None,
        main: None,
        paused: false,
        added_at: app.clock.now(),
    };
    let added = app.decide(|decision| {
        decision.commit.roster.influencers.push(influencer);
        Ok(())
    });
    added.await.expect("stored");
}

#[tokio::test]
async fn an_response_that_cannot_be_stored_is_not_spent_and_works_later() {
    let disk = Disk::default();
    let app = app(&disk);
    app.load_recent().await;
    add(&app, "Mara").await;
    let who = Who { uid: 1000, name: "ops".to_owned() };
    let context = ConsentMethod::Redirect;
    let begun =
        begin::begin(&app, who.clone(), "Mara".to_owned(), "tiktok".to_owned(), context, None).await.expect("begun");
    let page = Url::parse(&begun.url).expect("a URL");
    let state = page.query_pairs().find(|(name, _)| name == "state").expect("a state").1.into_owned();
    let address = format!("{}?code=c&state={state}", begun.redirect_uri.expect("by redirect"));

    // Once, so that the roster can be loaded anew.
    disk.fail(Fails::Once(disk.calls() + 1));
    let error = finish::pasted(&app, &who, &address).await.expect_err("the disk fails");
    assert!(error.message.contains("nothing was changed"), "{error:?}");

    let mut state = app.store.watch_state();
    state.wait_for(|state| *state == StoreState::Working).await.expect("the store lives");
    assert_eq!(finish::pasted(&app, &who, &address).await.expect("the state was not spent"), begun.id);
}
