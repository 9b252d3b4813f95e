use std::io::Read;
use std::time::Duration;

use super::*;

const PROFILE: &str = "/api.bsky.app/xrpc/app.bsky.actor.getProfile?actor=a.test";

async fn with_account() -> Visit {
    let visit = Visit::start().await;
    visit.put("bluesky", "a.test", json!({"followers": 500})).await;
    visit.put("bluesky", "b.test", json!({"followers": 600})).await;
    visit
}

#[tokio::test]
async fn a_fault_is_over_after_its_count() {
    let visit = with_account().await;
    visit.fault(json!({"platform": "bluesky", "kind": "server_error", "count": 2})).await;
    visit.fault(json!({"platform": "youtube", "kind": "server_error"})).await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(visit.get(PROFILE).await.0);
    }
    assert_eq!(statuses, [500, 500, 200]);
    assert_eq!(visit.get("/_sandbox/faults").await.1.as_array().unwrap().len(), 1);
    visit.send(Method::DELETE, "/_sandbox/faults", Value::Null).await.unwrap();
    assert_eq!(visit.get("/_sandbox/faults").await.1, json!([]));
}

#[tokio::test]
async fn rate_limits_say_when_to_come_back_or_do_not() {
    let visit = with_account().await;
    let once = async |fault: Value| {
        visit.fault(fault).await;
        visit.send(Method::GET, PROFILE, Value::Null).await.unwrap()
    };
    let limited = once(json!({"platform": "bluesky", "kind": "rate_limited", "retry_after": 7})).await;
    assert_eq!((limited.status().as_u16(), &limited.headers()["retry-after"]), (429, &"7".parse().unwrap()));
    assert_eq!(limited.headers()["ratelimit-reset"], "1795262407");
    let bare = once(json!({"platform": "bluesky", "kind": "rate_limited", "headers": false})).await;
    assert!(bare.headers().keys().all(|name| !name.as_str().contains("limit") && name != "retry-after"));
    let disguised = once(json!({"platform": "bluesky", "kind": "rate_limited", "status": 400})).await;
    assert_eq!(disguised.status(), 400);
}

#[tokio::test]
async fn each_kind_breaks_the_response_differently() {
    let visit = with_account().await;
    let next = async |kind: &str| {
        visit.fault(json!({"platform": "bluesky", "kind": kind})).await;
        visit.send(Method::GET, PROFILE, Value::Null).await
    };
    assert!(next("truncated").await.unwrap().bytes().await.is_err());
    assert!(String::from_utf8(next("garbage").await.unwrap().bytes().await.unwrap().into()).is_err());
    assert!(next("html").await.unwrap().text().await.unwrap().starts_with("<!DOCTYPE html>"));
    assert!(next("disconnect").await.is_err());
    assert_eq!(next("slow").await.unwrap().status(), 200);
    visit.fault(json!({"platform": "bluesky", "kind": "timeout"})).await;
    let url = format!("{}{PROFILE}", visit.sandbox.url());
    let silence = visit.client.get(url).timeout(Duration::from_millis(200)).send().await;
    assert!(silence.unwrap_err().is_timeout());
}

#[tokio::test]
async fn endless_bodies_go_on_for_as_long_as_they_are_read() {
    let visit = with_account().await;
    visit.fault(json!({"platform": "bluesky", "kind": "huge"})).await;
    let mut huge = visit.send(Method::GET, PROFILE, Value::Null).await.unwrap();
    let mut size = 0;
    while size < 20_000_000 {
        size += huge.chunk().await.unwrap().expect("it never ends").len();
    }
    visit.fault(json!({"platform": "bluesky", "kind": "gzip_bomb"})).await;
    let raw = Client::builder().no_gzip().build().unwrap();
    let mut bomb = raw.get(format!("{}{PROFILE}", visit.sandbox.url())).send().await.unwrap();
    assert_eq!(bomb.headers()["content-encoding"], "gzip");
    let mut packed = Vec::new();
    while packed.len() < 20_000 {
        packed.extend(bomb.chunk().await.unwrap().unwrap());
    }
    let mut plain = vec![0; 4 * 1024 * 1024];
    flate2::read::GzDecoder::new(&packed[..]).read_exact(&mut plain).unwrap();
    assert!(plain.iter().all(|&byte| byte == b' '));
}

#[tokio::test]
async fn counts_of_one_among_many_can_be_spoiled() {
    let visit = with_account().await;
    let both = "/xrpc/app.bsky.actor.getProfiles?actors=a.test&actors=b.test";
    visit.fault(json!({"platform": "bluesky", "kind": "wrong_types", "handle": "b.test", "variant": "negative"})).await;
    assert_eq!(visit.get(PROFILE).await.1["followersCount"], 500, "it is about another account");
    let (_, body) = visit.get(both).await;
    assert_eq!(body["profiles"][0]["followersCount"], 500);
    assert_eq!(body["profiles"][1]["followersCount"], -1);
    visit.fault(json!({"platform": "bluesky", "kind": "hidden_counts"})).await;
    assert_eq!(visit.get("/xrpc/com.atproto.identity.resolveHandle?handle=a.test").await.0, 200, "no counts to hide");
    assert_eq!(visit.get(PROFILE).await.1.get("followersCount"), None);
}

#[tokio::test]
async fn wrong_types_come_one_after_the_other() {
    let visit = Visit::start().await;
    visit.put("mastodon", "ada@art.example", json!({"followers": 500})).await;
    visit.put("youtube", "star", json!({"followers": 500})).await;
    visit.fault(json!({"platform": "mastodon", "kind": "wrong_types", "count": 6})).await;
    visit.fault(json!({"platform": "youtube", "kind": "wrong_types", "count": 6})).await;
    let (mut counts, mut texts) = (Vec::new(), Vec::new());
    for _ in 0..6 {
        let (_, account) = visit.get("/art.example/api/v1/accounts/lookup?acct=ada").await;
        counts.push(account.get("followers_count").cloned());
        let channel = "/www.googleapis.com/youtube/v3/channels?part=statistics&forHandle=star&key=youtube-api-key";
        let (_, list) = visit.get(channel).await;
        texts.push(list["items"][0]["statistics"].get("subscriberCount").cloned());
    }
    let some = |value: Value| Some(value);
    let numbers =
        [some(json!("500")), some(json!(12345.5)), some(json!(-1)), some(Value::Null), some(json!(1u64 << 63)), None];
    assert_eq!(counts, numbers);
    let expected = [
        some(json!("1.23M")),
        some(json!("12345.5")),
        some(json!("-1")),
        some(Value::Null),
        some(json!("9223372036854775808")),
        None,
    ];
    assert_eq!(texts, expected);
}
