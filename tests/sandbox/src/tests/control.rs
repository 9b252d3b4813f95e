use super::*;

#[tokio::test]
async fn accounts_are_listed_by_platform() {
    let visit = Visit::with(30).await;
    let (_, all) = visit.get("/_sandbox/accounts").await;
    assert_eq!(all.as_array().unwrap().len(), 30);
    let (_, some) = visit.get("/_sandbox/accounts?platform=mastodon").await;
    assert!(some.as_array().unwrap().iter().all(|one| one["platform"] == "mastodon" && one["followers"].is_u64()));
    assert!((1..30).contains(&some.as_array().unwrap().len()));
}

#[tokio::test]
async fn what_is_unknown_is_refused_with_what_is_known() {
    let visit = Visit::start().await;
    let check = async |method, path: &str, body: Value, expected: &str| {
        let (status, value) = read(visit.send(method, path, body).await.unwrap()).await;
        assert_eq!(status, 400, "{path}");
        assert!(value["error"].as_str().unwrap().contains(expected), "{value}");
    };
    check(Method::PUT, "/_sandbox/accounts/youtube/a", json!({"fans": 3}), "`followers`").await;
    check(Method::PUT, "/_sandbox/accounts/myspace/a", json!({}), "bluesky").await;
    check(Method::PUT, "/_sandbox/accounts/mastodon/a", json!({}), "user@host.example").await;
    check(Method::PUT, "/_sandbox/accounts/youtube/a", json!({"followers": -1}), "u64").await;
    check(Method::POST, "/_sandbox/faults", json!({"platform": "youtube", "kind": "sulky"}), "`gzip_bomb`").await;
    check(Method::POST, "/_sandbox/faults", json!({"platform": "bluesky", "kind": "revoked"}), "no tokens").await;
    check(Method::PUT, "/_sandbox/lifetimes/mastodon", json!({"access_seconds": 1}), "no tokens").await;
    check(Method::POST, "/_sandbox/faults", json!({"kind": "huge"}), "platform").await;
    check(Method::POST, "/_sandbox/clock", json!({"advance_seconds": -5}), "u64").await;
}

#[tokio::test]
async fn the_clock_lets_accounts_grow() {
    let visit = Visit::start().await;
    visit.put("bluesky", "a.test", json!({"followers": 1000, "growth_per_day": 0.5})).await;
    visit.send(Method::POST, "/_sandbox/clock", json!({"advance_seconds": 172_800})).await.unwrap();
    let (_, profile) = visit.get("/xrpc/app.bsky.actor.getProfile?actor=a.test").await;
    assert_eq!(profile["followersCount"], 2250);
}

#[tokio::test]
async fn requests_are_kept_without_secrets() {
    let visit = Visit::start().await;
    visit.get("/youtube.googleapis.com/youtube/v3/channels?part=id&id=UC1&key=hush").await;
    let (_, log) = visit.get("/_sandbox/requests?platform=youtube").await;
    assert_eq!(log[0]["host"], "youtube.googleapis.com");
    assert_eq!(log[0]["query"], json!([["part", "id"], ["id", "UC1"], ["key", "***"]]));
    assert_eq!(log[0]["status"], 400);
    assert!(!log.to_string().contains("hush"));
    visit.send(Method::DELETE, "/_sandbox/requests", Value::Null).await.unwrap();
    assert_eq!(visit.get("/_sandbox/requests").await.1, json!([]));
}
