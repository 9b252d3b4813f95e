use super::owner::*;
use super::*;

const SCOPES: &str = "instagram_business_basic,instagram_business_manage_insights";

async fn code(visit: &Visit, handle: &str) -> String {
    let query = [
        ("client_id", "instagram-client-id"),
        ("redirect_uri", BACK),
        ("response_type", "code"),
        ("scope", SCOPES),
        ("state", "s1"),
        ("sandbox_account", handle),
    ];
    let location = visit.redirected("/www.instagram.com/oauth/authorize", &query).await;
    assert!(location.ends_with("#_"), "{location}");
    read_back(&location)["code"].clone()
}

async fn exchange(visit: &Visit, code: &str) -> (u16, Value) {
    let form = [
        ("client_id", "instagram-client-id"),
        ("client_secret", "instagram-client-secret"),
        ("grant_type", "authorization_code"),
        ("redirect_uri", BACK),
        ("code", code),
    ];
    visit.form("/api.instagram.com/oauth/access_token", &form).await
}

async fn long(visit: &Visit, handle: &str) -> String {
    let (_, short) = exchange(visit, &code(visit, handle).await).await;
    let short = short.get("data").map_or(short.clone(), |data| data[0].clone());
    let path = format!(
        "/graph.instagram.com/access_token?grant_type=ig_exchange_token&client_secret=instagram-client-secret&access_token={}",
        text(&short, "access_token")
    );
    text(&visit.get(&path).await.1, "access_token")
}

async fn renew(visit: &Visit, token: &str) -> (u16, Value) {
    visit
        .get(&format!("/graph.instagram.com/refresh_access_token?grant_type=ig_refresh_token&access_token={token}"))
        .await
}

#[tokio::test]
async fn a_long_token_renews_itself_once_it_is_a_day_old() {
    let visit = Visit::start().await;
    let made = visit.put("instagram", "ada", json!({"followers": 777})).await;
    let token = long(&visit, "ada").await;
    let me = "/graph.instagram.com/v26.0/me?fields=id,user_id,username,account_type,followers_count,media_count";
    let (status, account) = visit.request(&token, me).await;
    assert_eq!((status, &account["user_id"], &account["followers_count"]), (200, &made["id"], &json!(777)));
    assert_ne!(account["id"], account["user_id"]);
    assert_eq!(renew(&visit, &token).await.0, 400, "too young");
    visit.pass(DAY);
    let (status, renewed) = renew(&visit, &token).await;
    assert_eq!((status, &renewed["expires_in"]), (200, &json!(60 * DAY)));
    visit.pass(59 * DAY + 1);
    assert_eq!(visit.request(&token, me).await.1["error"]["error_subcode"], 463);
    assert_eq!(renew(&visit, &token).await.1["error"]["code"], 190, "past its end it is dead");
    let newer = text(&renewed, "access_token");
    let (status, media) = visit.request(&newer, "/graph.instagram.com/me/media?fields=id,like_count&limit=3").await;
    assert_eq!((status, media["data"].as_array().unwrap().len()), (200, 3));
    let media = text(&media["data"][0], "id");
    let insights = format!("/graph.instagram.com/v26.0/{media}/insights?metric=views,reach");
    assert_eq!(visit.request(&newer, &insights).await.0, 200);
    let refused = "/graph.instagram.com/me?fields=business_discovery.username(ada){id}";
    assert_eq!(visit.request(&newer, refused).await.0, 400, "only Facebook Login looks others up");
    assert_eq!(visit.request(&newer, "/graph.facebook.com/me").await.1["error"]["code"], 190, "another door");
    let url = format!("{}/graph.instagram.com/me/permissions", visit.sandbox.url());
    let revoked = visit.client.delete(url).bearer_auth(&newer).send().await.unwrap();
    assert_eq!(read(revoked).await, (200, json!({"success": true})));
    assert_eq!(visit.request(&newer, me).await.1["error"]["error_subcode"], 458);
}

#[tokio::test]
async fn tokens_come_in_either_form_and_errors_in_one_of_their_own() {
    let visit = Visit::start().await;
    let (mut flat, mut wrapped) = (0, 0);
    for number in 0..12 {
        let handle = format!("ada{number}");
        visit.put("instagram", &handle, json!({})).await;
        let code = code(&visit, &handle).await;
        let (status, given) = exchange(&visit, &code).await;
        assert_eq!(status, 200);
        match given.get("data") {
            Some(data) if data[0]["user_id"].is_string() && data[0]["permissions"] == SCOPES => wrapped += 1,
            None if given["user_id"].is_u64() && given["permissions"].is_array() => flat += 1,
            _ => panic!("{given}"),
        }
        let (status, again) = exchange(&visit, &code).await;
        assert_eq!((status, &again["error_type"], &again["code"]), (400, &json!("OAuthException"), &json!(400)));
    }
    assert!(flat > 0 && wrapped > 0, "{flat} {wrapped}");
}
