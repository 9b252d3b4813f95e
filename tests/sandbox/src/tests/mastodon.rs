use super::*;

#[tokio::test]
async fn accounts_are_found_by_handle_and_id() {
    let visit = Visit::start().await;
    let made = visit.put("mastodon", "ada@art.example", json!({"followers": 321, "following": 4, "posts": 5})).await;
    let id = made["id"].as_str().unwrap();
    for path in ["lookup?acct=ada", "lookup?acct=ada@art.example", id] {
        let (status, account) = visit.get(&format!("/art.example/api/v1/accounts/{path}")).await;
        assert_eq!(status, 200, "{path}");
        assert_eq!((account["id"].as_str(), account["acct"].as_str()), (Some(id), Some("ada")));
        let counts = ["followers_count", "following_count", "statuses_count"].map(|name| account[name].clone());
        assert_eq!(counts, [321, 4, 5].map(Value::from));
    }
    let (_, several) = visit.get(&format!("/art.example/api/v1/accounts?id[]={id}&id[]=1")).await;
    assert_eq!(several.as_array().unwrap().len(), 1);
    assert_eq!(visit.get("/art.example/api/v1/instance/").await.1["uri"], "art.example");
    let (_, finger) = visit.get("/art.example/.well-known/webfinger?resource=acct:ada@art.example").await;
    assert_eq!(finger["subject"], "acct:ada@art.example");
}

#[tokio::test]
async fn another_instance_knows_only_part() {
    let visit = Visit::start().await;
    let made = visit.put("mastodon", "ada@art.example", json!({"followers": 1000})).await;
    visit.put("mastodon", "bob@else.example", json!({})).await;
    let (_, copy) = visit.get("/else.example/api/v1/accounts/lookup?acct=ada@art.example").await;
    assert_eq!((copy["acct"].as_str(), copy["followers_count"].as_u64()), (Some("ada@art.example"), Some(600)));
    assert_ne!(copy["id"], made["id"]);
    let (status, again) = visit.get(&format!("/else.example/api/v1/accounts/{}", copy["id"].as_str().unwrap())).await;
    assert_eq!((status, &again["uri"]), (200, &json!("https://art.example/users/ada")));
    let (status, unknown) = visit.get("/empty.example/api/v2/instance").await;
    assert_eq!((status, unknown), (404, json!({"error": "Record not found"})));
}

#[tokio::test]
async fn statuses_are_paged_by_their_ids() {
    let visit = Visit::start().await;
    let made = json!({"posts": 45, "likes": 10, "comments": 2, "reposts": 3});
    let id = visit.put("mastodon", "ada@art.example", made).await["id"].as_str().unwrap().to_owned();
    let base = format!("/art.example/api/v1/accounts/{id}/statuses?exclude_reblogs=true&limit=99");
    let response = visit.send(Method::GET, &base, Value::Null).await.unwrap();
    let link = response.headers()["link"].to_str().unwrap().to_owned();
    assert!(link.contains("max_id=") && link.contains("rel=\"next\"") && link.contains("https://art.example/api/v1/"));
    assert_eq!(response.headers()["x-ratelimit-reset"], "2026-11-21T12:05:00.000000Z");
    let (_, first) = read(response).await;
    let first = first.as_array().unwrap();
    assert_eq!(first.len(), 40);
    assert!(first.iter().all(|status| status["favourites_count"] == 10 && status["reblog"].is_null()));
    let last = first[39]["id"].as_str().unwrap();
    let (_, rest) = visit.get(&format!("{base}&max_id={last}")).await;
    assert_eq!(rest.as_array().unwrap().len(), 5);
    let (_, above) = visit.get(&format!("{base}&limit=2&min_id={last}")).await;
    assert_eq!(above[1]["id"], first[38]["id"]);
    let (status, one) = visit.get(&format!("/art.example/api/v1/statuses/{last}")).await;
    assert_eq!((status, &one["id"]), (200, &first[39]["id"]));
}

#[tokio::test]
async fn those_who_left_are_reported_differently() {
    let visit = Visit::start().await;
    let lookup = async |user: &str| visit.get(&format!("/art.example/api/v1/accounts/lookup?acct={user}")).await;
    visit.put("mastodon", "new@home.example", json!({"followers": 9})).await;
    visit.put("mastodon", "moved@art.example", json!({"moved_to": "new@home.example"})).await;
    visit.put("mastodon", "bad@art.example", json!({"suspended": true, "followers": 77})).await;
    visit.put("mastodon", "gone@art.example", json!({"gone": true})).await;
    visit.put("mastodon", "shy@art.example", json!({"hidden": true, "followers": 77})).await;
    visit.put("mastodon", "ill@art.example", json!({"failing": true})).await;
    assert_eq!(lookup("moved").await.1["moved"]["acct"], "new@home.example");
    let (_, suspended) = lookup("bad").await;
    assert_eq!((&suspended["suspended"], &suspended["followers_count"]), (&json!(true), &json!(0)));
    assert_eq!(lookup("gone").await, (404, json!({"error": "Record not found"})));
    assert_eq!(lookup("shy").await.1["followers_count"], 0);
    assert_eq!(lookup("ill").await.0, 503);
}
