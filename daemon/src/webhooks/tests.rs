//! A notification over a disk that fails.

use http::HeaderMap;
use roster_protocol::ids::{ConnectionId, InfluencerId};
use roster_protocol::time::Timestamp;

use super::receive::{Answer, receive};
use crate::app::testing::app_on;
use crate::model::{Connection, Grant, GrantState, GrantUse};
use crate::platforms::webhook::{Hook, Received};
use crate::roster::samples;
use crate::store::StoreState;
use crate::store::tests::disk::{Disk, Fails};

/// Nothing listens there, and the platform is switched off. The secret is that of the sample request.
const CONFIG: &str = "[sync]\ngateway = \"http://127.0.0.1:1\"\n\
                      [platforms.facebook]\nenabled = false\nclient_id = \"id\"\nclient_secret = \"app-secret\"\n";
/// Meta's sample: the owner 218471, issued at that time.
const ISSUED: Timestamp = Timestamp(1_291_836_800_000);
const REQUEST: &[u8] =
    b"signed_request=e4ceQm-XcbCvHuoHVaktFcsK2TKIC36fHF0Ymk8sF3c.eyJ1c2VyX2lkIjoiMjE4NDcxIiwiYWxnb3J\
                         pdGhtIjoiSE1BQy1TSEEyNTYiLCJpc3N1ZWRfYXQiOjEyOTE4MzY4MDAsImV4cGlyZXMiOjEyOTE4NDA0MDB9";

fn received(headers: &HeaderMap) -> Received<'_> {
    Received { hook: Hook::Deauthorize, headers, body: REQUEST, now: ISSUED }
}

#[tokio::test]
async fn what_cannot_be_stored_is_not_acknowledged_and_counts_when_it_is_sent_again() {
    let disk = Disk::default();
    let app = app_on(&disk, CONFIG, ISSUED);
    app.load_recent().await;
    let connection = ConnectionId::from_bytes([2; 5]);
    let grant = Grant {
        realm: "meta:id".into(),
        platform: "facebook".into(),
        owner_id: "218471".into(),
        ..samples::grant(1, GrantState::Live)
    };
    let id = grant.id;
    let given = app.decide(|decision| {
        let influencer = InfluencerId::from_bytes([1; 5]);
        decision.commit.roster.influencers.push(samples::influencer(influencer, "Mara"));
        let account = samples::connection(connection, influencer, "facebook", "mara.page");
        decision.commit.roster.connections.push(Connection { next_due_at: ISSUED.plus_seconds(3600), ..account });
        decision.commit.consents.grants.push(grant);
        decision.commit.consents.grant_uses.push(GrantUse { connection, grant: id });
        Ok(())
    });
    given.await.expect("stored");

    let headers = HeaderMap::new();
    let is_live = || app.look(|roster| roster.consents.grants[&id].is_live());
    // Once, so that the roster can be loaded anew.
    disk.fail(Fails::Once(disk.calls() + 1));
    assert_eq!(receive(&app, "facebook", received(&headers)).await, Answer::Later);
    let mut state = app.store.watch_state();
    state.wait_for(|state| *state == StoreState::Working).await.expect("the store lives");
    assert!(is_live(), "what was not stored has not happened");
    assert_eq!(receive(&app, "facebook", received(&headers)).await, Answer::Taken);
    assert!(!is_live());
    assert_eq!(receive(&app, "facebook", received(&headers)).await, Answer::Taken, "received before");
    assert_eq!(
        receive(&app, "instagram", received(&headers)).await,
        Answer::Refused(crate::platforms::webhook::Refused::NotHere)
    );
    assert_eq!(receive(&app, "bluesky", received(&headers)).await, Answer::Unknown);
}
