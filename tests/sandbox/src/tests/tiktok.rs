use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::owner::*;
use super::*;

const TOKEN: &str = "/open.tiktokapis.com/v2/oauth/token/";
const ALL: &str = "user.info.basic,user.info.profile,user.info.stats,video.list";
const VERIFIER: &str = "gaeCq5mVvbhA8Ce6w5O9XBVIKMkySgv-_9A-rnhm9Ns";
const USER: &str = "/open.tiktokapis.com/v2/user/info/?fields=open_id,username,follower_count,video_count";

pub async fn code(visit: &Visit, handle: &str, scopes: &str) -> Pairs {
    let challenge = HEXLOWER.encode(&Sha256::digest(VERIFIER));
    let query = [
        ("client_key", "tiktok-client-id"),
        ("scope", ALL),
        ("response_type", "code"),
        ("redirect_uri", BACK),
        ("state", "s1"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
        ("sandbox_account", handle),
        ("sandbox_scopes", scopes),
    ];
    visit.consented("/www.tiktok.com/v2/auth/authorize/", &query).await
}

async fn token(visit: &Visit, more: &[(&str, &str)]) -> (u16, Value) {
    let mut form = vec![("client_key", "tiktok-client-id"), ("client_secret", "tiktok-client-secret")];
    form.extend(more);
    visit.form(TOKEN, &form).await
}

pub async fn exchange(visit: &Visit, code: &str) -> (u16, Value) {
    let kind = ("grant_type", "authorization_code");
    token(visit, &[kind, ("code", code), ("redirect_uri", BACK), ("code_verifier", VERIFIER)]).await
}

pub async fn refresh(visit: &Visit, old: &str) -> (u16, Value) {
    token(visit, &[("grant_type", "refresh_token"), ("refresh_token", old)]).await
}

pub async fn tokens(visit: &Visit, handle: &str) -> (String, String) {
    let code = code(visit, handle, ALL).await["code"].clone();
    let (_, given) = exchange(visit, &code).await;
    (text(&given, "access_token"), text(&given, "refresh_token"))
}

#[tokio::test]
async fn an_owner_allows_and_each_renewal_ends_the_one_before() {
    let visit = Visit::start().await;
    let made = visit.put("tiktok", "ada", json!({"followers": 4321, "posts": 7})).await;
    let back = code(&visit, "ada", ALL).await;
    assert_eq!((back["scopes"].as_str(), back["state"].as_str()), (ALL, "s1"));
    // A second decoding makes another code of it.
    let twice = crate::platforms::decode(&back["code"]);
    assert_ne!(twice, back["code"]);
    assert_eq!(text(&exchange(&visit, &twice).await.1, "error"), "invalid_grant");
    let (status, first) = exchange(&visit, &back["code"]).await;
    assert_eq!((status, &first["open_id"], &first["expires_in"]), (200, &made["id"], &json!(86_400)));
    assert_eq!(first["refresh_expires_in"], 31_536_000);
    let (status, user) = visit.request(&text(&first, "access_token"), USER).await;
    assert_eq!((status, &user["data"]["user"]["follower_count"]), (200, &json!(4321)));
    assert_eq!((&user["error"]["code"], &user["data"]["user"]["username"]), (&json!("ok"), &json!("ada")));

    visit.pass(DAY);
    let (status, refused) = visit.request(&text(&first, "access_token"), USER).await;
    assert_eq!((status, &refused["error"]["code"]), (401, &json!("access_token_invalid")));
    let (_, second) = refresh(&visit, &text(&first, "refresh_token")).await;
    assert_eq!(second["refresh_expires_in"], 31_536_000 - 86_400, "the end stays where it was");
    let (status, dead) = refresh(&visit, &text(&first, "refresh_token")).await;
    assert_eq!((status, text(&dead, "error")), (200, "invalid_grant".to_owned()));
    let [grant] = visit.sandbox.world().grants().try_into().unwrap();
    assert_eq!((grant.refreshes, grant.spent_presented), (1, 1));

    let lifetimes = json!({"access_seconds": 7200, "refresh_seconds": 15_552_000});
    visit.send(Method::PUT, "/_sandbox/lifetimes/tiktok", lifetimes).await.unwrap();
    let (_, third) = refresh(&visit, &text(&second, "refresh_token")).await;
    assert_eq!(third["expires_in"], 7200);
    let revoke = async |token: &str| {
        let app = [("client_key", "tiktok-client-id"), ("client_secret", "tiktok-client-secret")];
        visit.form("/open.tiktokapis.com/v2/oauth/revoke/", &[app[0], app[1], ("token", token)]).await
    };
    assert_eq!(revoke(&text(&first, "access_token")).await.1["error"], "invalid_grant", "an expired one is refused");
    assert_eq!(revoke(&text(&third, "access_token")).await, (200, json!({})));
    assert_eq!(refresh(&visit, &text(&third, "refresh_token")).await.1["error"], "invalid_grant");
}

#[tokio::test]
async fn tokens_come_for_forms_with_the_right_words() {
    let visit = Visit::start().await;
    visit.put("tiktok", "ada", json!({})).await;
    let code = code(&visit, "ada", ALL).await["code"].clone();
    let kind = ("grant_type", "authorization_code");
    let check = async |more: &[(&str, &str)], expected: &str| {
        let (status, refused) = token(&visit, more).await;
        assert_eq!((status, text(&refused, "error").as_str()), (200, expected), "{more:?}");
    };
    check(&[kind, ("code", &code), ("redirect_uri", BACK)], "invalid_request").await;
    check(
        &[kind, ("code", &code), ("redirect_uri", "http://localhost:1/"), ("code_verifier", VERIFIER)],
        "invalid_request",
    )
    .await;
    check(&[("grant_type", "password")], "unsupported_grant_type").await;
    let body = json!({"client_key": "tiktok-client-id", "grant_type": "authorization_code"});
    let (status, refused) = read(visit.send(Method::POST, TOKEN, body).await.unwrap()).await;
    assert_eq!((status, text(&refused, "error")), (200, "invalid_request".to_owned()));
    let (_, refused) = visit.form(TOKEN, &[("client_key", "tiktok-client-id"), ("client_secret", "guess")]).await;
    assert_eq!(text(&refused, "error"), "invalid_client");
    // A desktop app must send a challenge.
    let bare = [
        ("client_key", "tiktok-client-id"),
        ("scope", ALL),
        ("response_type", "code"),
        ("redirect_uri", BACK),
        ("sandbox_account", "ada"),
    ];
    assert_eq!(visit.consented("/www.tiktok.com/v2/auth/authorize", &bare).await["error"], "invalid_request");
}

#[tokio::test]
async fn one_field_beyond_the_scopes_fails_the_whole_call() {
    let visit = Visit::start().await;
    visit.put("tiktok", "ada", json!({})).await;
    let code = code(&visit, "ada", "user.info.basic,user.info.stats").await["code"].clone();
    let (_, given) = exchange(&visit, &code).await;
    assert_eq!(given["scope"], "user.info.basic,user.info.stats");
    let token = text(&given, "access_token");
    let check = async |fields: &str, expected: (u16, &str)| {
        let (status, body) =
            visit.request(&token, &format!("/open.tiktokapis.com/v2/user/info/?fields={fields}")).await;
        assert_eq!((status, body["error"]["code"].as_str().unwrap()), expected, "{fields}");
    };
    check("open_id,follower_count", (200, "ok")).await;
    check("open_id,username", (401, "scope_not_authorized")).await;
    check("open_id,followers", (400, "invalid_params")).await;
    check("", (400, "invalid_params")).await;
    let list = format!("{}/open.tiktokapis.com/v2/video/list/?fields=id", visit.sandbox.url());
    let refused = read(visit.client.post(list).bearer_auth(&token).send().await.unwrap()).await;
    assert_eq!((refused.0, &refused.1["error"]["code"]), (401, &json!("scope_not_authorized")));
}

#[tokio::test]
async fn videos_are_paged_by_time_and_requested_by_id() {
    let visit = Visit::start().await;
    let made = json!({"posts": 47, "likes": 30, "comments": 4, "reposts": 2, "views": 1000});
    visit.put("tiktok", "ada", made).await;
    let (access, _) = tokens(&visit, "ada").await;
    let post = async |path: &str, body: Value| {
        let request = visit.client.post(format!("{}/open.tiktokapis.com/v2/video/{path}", visit.sandbox.url()));
        read(request.bearer_auth(&access).json(&body).send().await.unwrap()).await
    };
    let fields = "fields=id,create_time,like_count,comment_count,share_count,view_count";
    let (mut ids, mut times, mut cursor) = (Vec::new(), Vec::new(), Value::Null);
    loop {
        let body = if cursor.is_null() { json!({"max_count": 20}) } else { json!({"max_count": 20, "cursor": cursor}) };
        let (status, page) = post(&format!("list/?{fields}"), body).await;
        assert_eq!((status, &page["error"]["code"]), (200, &json!("ok")));
        for video in page["data"]["videos"].as_array().unwrap() {
            assert_eq!(
                (&video["like_count"], &video["view_count"], &video["share_count"]),
                (&json!(30), &json!(1000), &json!(2))
            );
            ids.push(text(video, "id"));
            times.push(video["create_time"].as_i64().unwrap());
        }
        cursor = page["data"]["cursor"].clone();
        if page["data"]["has_more"] == false {
            break;
        }
    }
    assert!(ids.len() == 47 && times.is_sorted_by(|a, b| a > b) && ids[0].len() == 19);
    let (_, found) =
        post(&format!("query/?{fields}"), json!({"filters": {"video_ids": [ids[3], "7100000000000000001"]}})).await;
    assert_eq!(found["data"]["videos"].as_array().unwrap().len(), 1);
    let (status, refused) = post(&format!("list/?{fields}"), json!({"max_count": 21})).await;
    assert_eq!((status, &refused["error"]["code"]), (400, &json!("invalid_params")));
}
