use super::owner::*;
use super::*;

/// The Graph API with an owner's token, and the proof that belongs to it.
pub struct Graph<'a> {
    pub visit: &'a Visit,
    pub app: &'static str,
    pub token: String,
}

const SCOPES: &str = "instagram_basic,instagram_manage_insights,pages_show_list,pages_read_engagement";

pub fn proof(app: &str, token: &str) -> String {
    use hmac::{KeyInit, Mac};
    let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(format!("{app}-client-secret").as_bytes()).unwrap();
    mac.update(token.as_bytes());
    data_encoding::HEXLOWER.encode(&mac.finalize().into_bytes())
}

impl<'a> Graph<'a> {
    /// Signs in as the owner of an account, and lengthens the token.
    pub async fn open(visit: &'a Visit, app: &'static str, scopes: &str, more: &[(&str, &str)]) -> Graph<'a> {
        let code = code(visit, app, scopes, more).await;
        let (status, short) = exchange(visit, app, &code).await;
        assert_eq!(status, 200, "{short}");
        let path = format!(
            "/graph.facebook.com/v26.0/oauth/access_token?grant_type=fb_exchange_token&client_id={app}-client-id\
             &client_secret={app}-client-secret&fb_exchange_token={}",
            text(&short, "access_token")
        );
        let (_, long) = visit.get(&path).await;
        assert_eq!((&long["token_type"], &long["expires_in"]), (&json!("bearer"), &json!(60 * DAY)));
        Graph { visit, app, token: text(&long, "access_token") }
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        self.send(Method::GET, path).await
    }

    pub async fn send(&self, method: Method, path: &str) -> (u16, Value) {
        let url = format!("{}/graph.facebook.com/v26.0/{path}", self.visit.sandbox.url());
        let proof = proof(self.app, &self.token);
        let request = self.visit.client.request(method, url).query(&[("appsecret_proof", proof)]);
        read(request.bearer_auth(&self.token).send().await.unwrap()).await
    }

    /// With the token of the first Page.
    pub async fn as_page(&self) -> Graph<'a> {
        let (_, pages) = self.get("me/accounts").await;
        Graph { visit: self.visit, app: self.app, token: text(&pages["data"][0], "access_token") }
    }

    /// The error that a failing request returns.
    pub async fn refused(&self, path: &str) -> (u16, u64, Option<u64>) {
        let (status, body) = self.get(path).await;
        let error = &body["error"];
        (status, error["code"].as_u64().unwrap_or_else(|| panic!("{path}: {body}")), error["error_subcode"].as_u64())
    }
}

pub async fn code(visit: &Visit, app: &str, scopes: &str, more: &[(&str, &str)]) -> String {
    let id = format!("{app}-client-id");
    let mut query = vec![
        ("client_id", id.as_str()),
        ("redirect_uri", BACK),
        ("state", "s1"),
        ("response_type", "code"),
        ("scope", scopes),
    ];
    query.extend(more);
    let location = visit.redirected("/www.facebook.com/v26.0/dialog/oauth", &query).await;
    assert!(location.ends_with("#_=_"), "{location}");
    read_back(&location)["code"].clone()
}

pub async fn exchange(visit: &Visit, app: &str, code: &str) -> (u16, Value) {
    let path = format!(
        "/graph.facebook.com/v26.0/oauth/access_token?client_id={app}-client-id&client_secret={app}-client-secret\
         &redirect_uri={BACK}&code={code}"
    );
    visit.get(&path).await
}

#[tokio::test]
async fn a_person_opens_accounts_through_the_pages_they_are_linked_to() {
    let visit = Visit::start().await;
    let one =
        visit.put("instagram", "ada", json!({"followers": 321, "following": 12, "posts": 5, "owner": "Ada"})).await;
    visit.put("instagram", "ada.two", json!({"owner": "Ada"})).await;
    let other = visit.put("instagram", "bob", json!({})).await;
    let graph = Graph::open(&visit, "instagram", SCOPES, &[("sandbox_account", "ada")]).await;
    let (_, pages) = graph.get("me/accounts?fields=id,name,access_token,instagram_business_account{id,username}").await;
    let names: Vec<&Value> =
        pages["data"].as_array().unwrap().iter().map(|page| &page["instagram_business_account"]["username"]).collect();
    assert_eq!(names, ["ada", "ada.two"]);
    let id = text(&one, "id");
    let (status, account) =
        graph.get(&format!("{id}/?fields=username,followers_count,follows_count,media_count")).await;
    assert_eq!((status, &account["id"]), (200, &one["id"]));
    assert_eq!([&account["followers_count"], &account["follows_count"], &account["media_count"]], [321, 12, 5]);
    assert_eq!(graph.refused(&format!("{}?fields=id", text(&other, "id"))).await, (400, 100, Some(33)));
    assert_eq!(graph.refused(&format!("{id}?fields=shoe_size")).await, (400, 100, None));

    // Only some of them, and without one of the permissions.
    let more = [
        ("sandbox_account", "ada"),
        ("sandbox_accounts", "ada"),
        ("sandbox_scopes", "pages_show_list,instagram_basic"),
    ];
    let graph = Graph::open(&visit, "instagram", SCOPES, &more).await;
    assert_eq!(graph.get("me/accounts").await.1["data"].as_array().unwrap().len(), 1);
    assert_eq!(graph.refused(&format!("{id}/insights?metric=reach&period=day")).await, (403, 10, None));
    let (_, permissions) = graph.get("me/permissions").await;
    let declined = json!({"permission": "instagram_manage_insights", "status": "declined"});
    assert!(permissions["data"].as_array().unwrap().contains(&declined));
}

#[tokio::test]
async fn tokens_need_their_proof_and_end_differently() {
    let visit = Visit::start().await;
    visit.put("instagram", "ada", json!({})).await;
    let graph = Graph::open(&visit, "instagram", SCOPES, &[("sandbox_account", "ada")]).await;
    let (status, bare) = visit.request(&graph.token, "/graph.facebook.com/v26.0/me").await;
    assert_eq!((status, &bare["error"]["code"]), (400, &json!(100)));
    let wrong = format!("/graph.facebook.com/me?access_token={}&appsecret_proof={}", graph.token, "0".repeat(64));
    assert_eq!(visit.get(&wrong).await.0, 400);
    assert_eq!(visit.get("/graph.facebook.com/v26.0/me").await.1["error"]["code"], 104);
    assert_eq!(graph.get("me?fields=name").await.1["name"], "instagram ada");
    let url = format!("{}/graph.facebook.com/v19.0/me", visit.sandbox.url());
    let pairs = [("access_token", graph.token.clone()), ("appsecret_proof", proof("instagram", &graph.token))];
    let response = visit.client.get(url).query(&pairs).send().await.unwrap();
    assert!(response.headers()["x-app-usage"].to_str().unwrap().contains("call_count"));

    let debugged = async |token: &str| {
        let path = format!(
            "/graph.facebook.com/v26.0/debug_token?input_token={token}&access_token=instagram-client-id|instagram-client-secret"
        );
        visit.get(&path).await.1["data"].clone()
    };
    let reported = debugged(&graph.token).await;
    assert_eq!((&reported["is_valid"], &reported["type"]), (&json!(true), &json!("USER")));
    assert!(reported["scopes"].as_array().unwrap().contains(&json!("instagram_basic")));
    let page = graph.as_page().await;
    assert_eq!(debugged(&page.token).await["expires_at"], 0, "a Page's token has no end of its own");

    visit.pass(60 * DAY + 1);
    assert_eq!(graph.refused("me").await, (401, 190, Some(463)));
    assert_eq!(page.get("me").await.0, 200);
    assert_eq!(debugged(&graph.token).await["error"]["subcode"], 463);
    let again = Graph::open(&visit, "instagram", SCOPES, &[("sandbox_account", "ada")]).await;
    let (status, done) = again.send(Method::DELETE, "me/permissions").await;
    assert_eq!((status, done), (200, json!({"success": true})));
    assert_eq!(again.refused("me").await, (401, 190, Some(458)));
    assert_eq!(page.refused("me").await, (401, 190, Some(458)), "what was derived ends too");
    let code = code(&visit, "instagram", SCOPES, &[("sandbox_account", "ada")]).await;
    assert_eq!(exchange(&visit, "facebook", &code).await.0, 400, "another app's code");
    assert_eq!(exchange(&visit, "instagram", &code).await.0, 200);
    assert_eq!(exchange(&visit, "instagram", &code).await.1["error"]["error_subcode"], 36009);
}

#[tokio::test]
async fn media_are_paged_and_have_insights_of_their_kind() {
    let visit = Visit::start().await;
    let made = json!({"posts": 30, "likes": 40, "comments": 5, "saves": 3, "reposts": 10, "views": 900, "reach": 700});
    let account = visit.put("instagram", "ada", made).await;
    let id = text(&account, "id");
    let graph = Graph::open(&visit, "instagram", SCOPES, &[("sandbox_account", "ada")]).await;
    let fields = "fields=id,timestamp,media_product_type,like_count,comments_count,insights.metric(views,reach)";
    let (_, first) = graph.get(&format!("{id}/media?{fields}&limit=25")).await;
    let media = first["data"].as_array().unwrap();
    assert_eq!((media.len(), &media[0]["like_count"], &media[0]["comments_count"]), (25, &json!(40), &json!(5)));
    assert!(text(&media[0], "timestamp").ends_with("+0000"));
    assert_eq!(media[0]["insights"]["data"][1]["values"][0]["value"], 700);
    assert!(text(&first["paging"], "next").contains("access_token="));
    let after = text(&first["paging"]["cursors"], "after");
    let (_, second) = graph.get(&format!("{id}/media?{fields}&after={after}")).await;
    assert_eq!((second["data"].as_array().unwrap().len(), second["paging"].get("next")), (5, None));

    let of_kind = |kind: &str| text(media.iter().find(|one| one["media_product_type"] == kind).unwrap(), "id");
    let (reel, picture) = (of_kind("REELS"), of_kind("FEED"));
    let all = "views,reach,likes,comments,saved,shares,total_interactions,reposts";
    let (_, insights) = graph.get(&format!("{reel}/insights?metric={all}")).await;
    let values: Vec<u64> =
        insights["data"].as_array().unwrap().iter().map(|one| one["values"][0]["value"].as_u64().unwrap()).collect();
    assert_eq!(values, [900, 700, 40, 5, 3, 10, 58, 2]);
    assert_eq!(graph.get(&format!("{picture}/insights?metric={all},follows")).await.0, 200);
    for (media, metric) in [
        (&reel, "views,follows"),
        (&picture, "views,reels_skip_rate"),
        (&reel, "views,plays"),
        (&reel, "views,impressions"),
    ] {
        assert_eq!(graph.refused(&format!("{media}/insights?metric={metric}")).await.1, 100, "{metric} fails all");
    }
    assert_eq!(graph.refused(&format!("{reel}/insights?metric=facebook_views")).await.2, Some(2207086));
    // The official SDK sends a list as JSON, and a slash.
    let (status, _) = graph.get(&format!("{reel}/insights/?metric=[\"views\"]")).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn accounts_have_insights_and_others_are_discovered() {
    let visit = Visit::start().await;
    let account = visit.put("instagram", "ada", json!({"followers": 20_000})).await;
    visit.put("instagram", "tiny", json!({"followers": 99, "owner": "instagram ada"})).await;
    visit
        .put("instagram", "star", json!({"followers": 5000, "posts": 4, "likes": 9, "views": 70, "hidden": true}))
        .await;
    let id = text(&account, "id");
    let graph = Graph::open(&visit, "instagram", SCOPES, &[("sandbox_account", "ada")]).await;
    let insights = async |query: &str| graph.get(&format!("{id}/insights?{query}")).await;
    let (_, reach) = insights("metric=reach&period=day&since=2026-11-18&until=2026-11-20").await;
    let values = reach["data"][0]["values"].as_array().unwrap();
    assert_eq!((values.len(), values[0]["end_time"].as_str()), (2, Some("2026-11-19T08:00:00+0000")));
    let (_, views) = insights("metric=views,likes&period=day&metric_type=total_value").await;
    assert!(views["data"][0]["total_value"]["value"].as_u64().unwrap() > 0);
    let (_, broken) = insights("metric=reach&period=day&metric_type=total_value&breakdown=follow_type").await;
    assert_eq!(broken["data"][0]["total_value"]["breakdowns"][0]["dimension_keys"], json!(["follow_type"]));

    let by_age = "metric=follower_demographics&period=lifetime&metric_type=total_value&timeframe=this_month";
    let (_, both) = insights(&format!("{by_age}&breakdown=age,gender")).await;
    let cells = &both["data"][0]["total_value"]["breakdowns"][0];
    assert_eq!(cells["dimension_keys"], json!(["timeframe", "age", "gender"]));
    let audience = visit.sandbox.world().account(crate::Platform::Instagram, "ada").unwrap().audience();
    let women: u64 = cells["results"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|cell| cell["dimension_values"][2] == "F")
        .map(|cell| cell["value"].as_u64().unwrap())
        .sum();
    assert!((women as f64 / 20_000.0 - audience.gender(0)).abs() < 0.01);
    let tiny = text(&visit.get("/_sandbox/accounts/instagram/tiny").await.1, "id");
    assert_eq!(
        graph.get(&format!("{tiny}/insights?{by_age}&breakdown=age")).await.1,
        json!({"data": []}),
        "not reported"
    );

    let refused = async |query: &str| graph.refused(&format!("{id}/insights?{query}")).await.1;
    assert_eq!(refused("metric=reach,impressions&period=day").await, 100);
    assert_eq!(refused("metric=views&period=day").await, 100, "a total must be requested");
    assert_eq!(refused("metric=likes&period=day&metric_type=total_value&breakdown=age").await, 1);
    assert_eq!(refused(&format!("{}&breakdown=age", by_age.replace("this_month", "last_30_days"))).await, 100);

    let look = "fields=business_discovery.username(STAR){followers_count,media_count,media.limit(3){like_count,view_count,media_product_type}}";
    let (status, found) = graph.get(&format!("{id}?{look}")).await;
    let star = &found["business_discovery"];
    assert_eq!((status, &star["followers_count"], &found["id"]), (200, &json!(5000), &json!(id)));
    let media = star["media"]["data"].as_array().unwrap();
    assert!(media.len() == 3 && media.iter().all(|one| one.get("like_count").is_none()), "the owner hides likes");
    assert_eq!(media.iter().filter(|one| one["view_count"] == 70).count(), 1, "reels only");
    assert_eq!(star["media"]["paging"].get("next"), None);
    let unknown = format!("{id}?fields=business_discovery.username(nobody){{id}}");
    assert_eq!(graph.refused(&unknown).await, (400, 110, Some(2207013)));
}

#[tokio::test]
async fn reach_is_a_series_and_follows_are_known_a_day_later() {
    let visit = Visit::start().await;
    let account = visit.put("instagram", "ada", json!({"followers": 20_000, "growth_per_day": 0.01})).await;
    let id = text(&account, "id");
    let graph = Graph::open(&visit, "instagram", SCOPES, &[("sandbox_account", "ada")]).await;
    let reach = "metric=reach&period=day&metric_type=time_series";
    // 29 days that end with 2026-11-20, as midnights in California.
    let (_, reported) = graph.get(&format!("{id}/insights?{reach}&since=1792738800&until=1795248000")).await;
    let values = reported["data"][0]["values"].as_array().unwrap();
    assert_eq!((values.len(), &values[28]["end_time"]), (29, &json!("2026-11-21T08:00:00+0000")));
    let long = format!("{id}/insights?{reach}&since=1792652400&until=1795248000");
    assert_eq!(graph.refused(&long).await.1, 100, "30 days and an hour");
    let old = graph.get(&format!("{id}/insights?{reach}&since=2026-07-01&until=2026-07-20")).await;
    assert_eq!(old, (200, json!({"data": []})), "kept for 90 days");

    let follows = async |since: u64| {
        let query = "metric=follows_and_unfollows&period=day&metric_type=total_value&breakdown=follow_type";
        let (_, reported) = graph.get(&format!("{id}/insights?{query}&since={since}&until={}", since + DAY)).await;
        reported["data"][0]["total_value"].clone()
    };
    assert_eq!(follows(1_795_161_600).await, json!({}), "not known yet");
    let known = follows(1_795_075_200).await;
    let day =
        visit.sandbox.world().account(crate::Platform::Instagram, "ada").unwrap().day("2026-11-19".parse().unwrap());
    let rows = json!([
        {"dimension_values": ["FOLLOWER"], "value": day.gained},
        {"dimension_values": ["NON_FOLLOWER"], "value": day.lost},
    ]);
    assert_eq!(known["breakdowns"], json!([{"dimension_keys": ["follow_type"], "results": rows}]));
    assert!(day.gained > day.lost && day.lost > 0);
}
