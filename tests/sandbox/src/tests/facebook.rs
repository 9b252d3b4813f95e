use super::instagram::{Graph, code, exchange, proof};
use super::owner::*;
use super::*;

const SCOPES: &str = "pages_show_list,pages_read_engagement,pages_read_user_content,read_insights";

async fn with_page(made: Value) -> (Visit, String) {
    let visit = Visit::start().await;
    let page = visit.put("facebook", "ada", made).await;
    (visit, text(&page, "id"))
}

#[tokio::test]
async fn pages_report_their_fields_to_those_who_may_read_them() {
    let (visit, id) = with_page(json!({"followers": 4321, "owner": "Ada"})).await;
    let second = visit.put("facebook", "ada.two", json!({"owner": "Ada"})).await;
    let graph = Graph::open(&visit, "facebook", SCOPES, &[("sandbox_account", "ada")]).await;
    let (_, first) = graph.get("me/accounts?limit=1").await;
    let page = &first["data"][0];
    assert!(page["tasks"].as_array().unwrap().contains(&json!("ANALYZE")) && page["access_token"].is_string());
    let after = text(&first["paging"]["cursors"], "after");
    let (_, rest) = graph.get(&format!("me/accounts?limit=1&after={after}&fields=id,followers_count")).await;
    assert_eq!((&rest["data"][0]["id"], rest["paging"].get("next")), (&second["id"], None));
    let token = graph.as_page().await;
    let (_, reported) = token.get(&format!("{id}?fields=name,username,followers_count,fan_count")).await;
    assert_eq!((&reported["followers_count"], &reported["username"]), (&json!(4321), &json!("ada")));
    assert_eq!(token.refused(&text(&second, "id")).await, (400, 100, Some(33)), "another Page's token");
    let (_, both) = graph.get(&format!("?ids={id},{}&fields=followers_count", text(&second, "id"))).await;
    assert_eq!(both[&id]["followers_count"], 4321);
    assert_eq!(graph.refused(&format!("?ids={id},1&fields=id")).await, (400, 100, Some(33)), "one spoils all");

    let less = [("sandbox_account", "ada"), ("sandbox_scopes", "pages_show_list"), ("sandbox_accounts", "ada")];
    let less = Graph::open(&visit, "facebook", SCOPES, &less).await;
    assert_eq!(less.get("me/accounts").await.1["data"].as_array().unwrap().len(), 1);
    assert_eq!(less.refused(&format!("{id}?fields=followers_count")).await, (403, 10, None));
    let none = [("sandbox_account", "ada"), ("sandbox_scopes", "email")];
    let none = Graph::open(&visit, "facebook", &format!("{SCOPES},email"), &none).await;
    assert_eq!(none.get("me/accounts").await.1, json!({"data": []}));
}

#[tokio::test]
async fn pages_of_a_portfolio_are_listed_to_those_who_may_manage_it() {
    let (visit, id) = with_page(json!({"owner": "Ada", "portfolio": "Tidewater"})).await;
    let without = Graph::open(&visit, "facebook", SCOPES, &[("sandbox_account", "ada")]).await;
    assert_eq!(without.get("me/accounts").await.1, json!({"data": []}));
    assert_eq!(without.refused("me/businesses").await, (403, 200, None));
    assert_eq!(without.get(&format!("{id}?fields=name")).await.1["id"], id.as_str());
    let scopes = format!("{SCOPES},business_management");
    let graph = Graph::open(&visit, "facebook", &scopes, &[("sandbox_account", "ada")]).await;
    assert_eq!(graph.get("me/accounts").await.1["data"][0]["id"], id.as_str());
    let (_, businesses) = graph.get("me/businesses").await;
    assert_eq!(businesses["data"][0]["name"], "Tidewater");
    let business = text(&businesses["data"][0], "id");
    let (_, owned) = graph.get(&format!("{business}/owned_pages?fields=id,access_token")).await;
    assert!(owned["data"][0]["id"] == id.as_str() && owned["data"][0]["access_token"].is_string(), "{owned}");
    assert_eq!(graph.get(&format!("{business}/client_pages")).await.1, json!({"data": []}));
    visit.put("facebook", "ada", json!({"unlisted": true})).await;
    assert_eq!(graph.get("me/accounts").await.1, json!({"data": []}));
    assert_eq!(graph.get(&format!("{business}/owned_pages")).await.1["data"][0]["id"], id.as_str());
}

#[tokio::test]
async fn posts_have_summaries_for_those_who_may_read_them() {
    let (visit, id) =
        with_page(json!({"posts": 30, "likes": 200, "comments": 7, "reposts": 3, "views": 900, "reach": 600})).await;
    let graph = Graph::open(&visit, "facebook", SCOPES, &[("sandbox_account", "ada")]).await.as_page().await;
    let fields = "fields=id,created_time,shares,reactions.limit(0).summary(total_count),comments.limit(0).summary(total_count),\
                  reactions.type(LOVE).limit(0).summary(total_count).as(love)";
    let (_, first) = graph.get(&format!("{id}/published_posts?{fields}&limit=25")).await;
    let post = &first["data"][0];
    assert_eq!(post["reactions"]["summary"]["total_count"], 200);
    assert_eq!(
        (&post["comments"]["summary"]["total_count"], &post["love"]["summary"]["total_count"]),
        (&json!(7), &json!(40))
    );
    assert_eq!((&post["shares"]["count"], first["data"].as_array().unwrap().len()), (&json!(3), 25));
    let post = text(post, "id");
    assert!(post.starts_with(&format!("{id}_")));
    let metrics = "post_media_view,post_total_media_view_unique,post_reactions_by_type_total";
    let (_, insights) = graph.get(&format!("{post}/insights?metric={metrics}")).await;
    assert_eq!(insights["data"][0]["values"][0]["value"], 900);
    assert_eq!(insights["data"][1]["values"][0]["value"], 600);
    assert_eq!(insights["data"][2]["values"][0]["value"]["love"], 40);
    assert_eq!(graph.refused(&format!("{post}/insights?metric=post_media_view,post_impressions")).await.1, 100);
    visit.put("facebook", "ada", json!({"reposts": 0})).await;
    let (_, without) = graph.get(&format!("{id}/posts?fields=shares&limit=1")).await;
    assert_eq!(without["data"][0].get("shares"), None, "no shares are no field");

    let more = [("sandbox_account", "ada"), ("sandbox_scopes", "pages_show_list,pages_read_engagement")];
    let less = Graph::open(&visit, "facebook", SCOPES, &more).await.as_page().await;
    for path in [format!("{id}/published_posts"), format!("{id}/posts"), format!("{id}/feed"), post] {
        assert_eq!(less.refused(&format!("{path}?{fields}")).await, (403, 10, None), "{path}");
    }
    let (status, bare) = less.get(&format!("{id}/published_posts?fields=id,created_time,reactions")).await;
    assert_eq!((status, &bare["data"][0]["reactions"]), (200, &json!({"data": []})));
}

#[tokio::test]
async fn a_page_can_refuse_what_others_report() {
    let refuses = json!([{"what": "post_media_view", "post": 29, "code": 100}, {"what": "sums", "code": 200}]);
    let (visit, id) = with_page(json!({"posts": 30, "views": 900, "refuses": refuses})).await;
    let graph = Graph::open(&visit, "facebook", SCOPES, &[("sandbox_account", "ada")]).await.as_page().await;
    let (_, listed) = graph.get(&format!("{id}/published_posts?fields=id&limit=2")).await;
    let [newest, second] = [0, 1].map(|index| text(&listed["data"][index], "id"));
    let (_, reported) = graph.get(&format!("{newest}/insights?metric=post_media_view")).await;
    assert_eq!(reported["data"][0]["values"][0]["value"], 900);
    assert_eq!(graph.refused(&format!("{second}/insights?metric=post_media_view")).await, (400, 100, None));
    let (_, other) = graph.get(&format!("{second}/insights?metric=post_clicks")).await;
    assert_eq!(other["data"][0]["values"][0]["value"], 30);
    let sums = format!("{id}/published_posts?fields=id,reactions.limit(0).summary(total_count)");
    assert_eq!(graph.refused(&sums).await, (403, 200, None));
}

#[tokio::test]
async fn insights_live_die_and_keep_silent() {
    let (visit, id) = with_page(json!({"followers": 5000, "growth_per_day": 0.0})).await;
    let person = Graph::open(&visit, "facebook", SCOPES, &[("sandbox_account", "ada")]).await;
    let graph = person.as_page().await;
    let insights = async |query: &str| graph.get(&format!("{id}/insights?{query}")).await;
    let (_, reported) =
        insights("metric=page_follows,page_media_view&period=day&since=2026-11-17&until=2026-11-20").await;
    let values = reported["data"][0]["values"].as_array().unwrap();
    assert_eq!((values.len(), &values[2]), (3, &json!({"value": 5000, "end_time": "2026-11-20T08:00:00+0000"})));
    let (_, preset) = insights("metric=page_media_view&period=week&date_preset=yesterday").await;
    assert_eq!(preset["data"][0]["values"].as_array().unwrap().len(), 1);
    for dead in ["page_fans", "page_impressions", "page_impressions_unique", "page_fans_gender_age", "nonsense"] {
        let path = format!("{id}/insights?metric=page_follows,{dead}");
        assert_eq!(graph.refused(&path).await, (400, 100, None), "{dead}");
        assert!(graph.get(&path).await.1["error"]["message"].as_str().unwrap().contains("valid insights metric"));
    }
    assert_eq!(graph.refused(&format!("{id}/insights?period=day")).await, (400, 3001, Some(1504028)));
    let wrong = graph.get(&format!("{id}/insights?metric=page_follows&period=week")).await.1;
    assert!(wrong["error"]["message"].as_str().unwrap().contains("period"));
    assert_eq!(person.refused(&format!("{id}/insights?metric=page_follows")).await.1, 190, "a Page's own token");
    let long = format!("{id}/insights?metric=page_follows&since=2026-01-01&until=2026-11-01");
    assert_eq!(graph.refused(&long).await.1, 100);

    let more = [("sandbox_account", "ada"), ("sandbox_scopes", "pages_show_list,pages_read_engagement")];
    let less = Graph::open(&visit, "facebook", SCOPES, &more).await.as_page().await;
    let silent = less.get(&format!("{id}/insights?metric=page_follows")).await;
    assert_eq!(silent, (200, json!({"data": []})), "the missing permission is not reported");
}

/// The values of a metric by the end of their day.
fn series(reported: &Value, index: usize) -> Vec<(String, u64)> {
    let values = reported["data"][index]["values"].as_array().unwrap().iter();
    values.map(|value| (text(value, "end_time"), value["value"].as_u64().unwrap())).collect()
}

#[tokio::test]
async fn days_add_up_are_late_and_are_kept_two_years() {
    let refuses = json!([{"what": "page_total_media_view_unique", "code": 200}]);
    let made = json!({"followers": 50_000, "growth_per_day": 0.01, "refuses": refuses});
    let (visit, id) = with_page(made).await;
    let graph = Graph::open(&visit, "facebook", SCOPES, &[("sandbox_account", "ada")]).await.as_page().await;
    let names = "page_follows,page_daily_follows_unique,page_daily_unfollows_unique";
    let days = async |since: &str, until: &str| {
        graph.get(&format!("{id}/insights?metric={names}&period=day&since={since}&until={until}")).await
    };
    // Of midnights in California, 89 days and the hour by which summer time ended.
    let (_, reported) = days("1787554800", "1795248000").await;
    let [follows, gained, lost] = [0, 1, 2].map(|index| series(&reported, index));
    // The world's clock is at four in the morning there: the newest day is not counted yet.
    let ends = [follows.first(), follows.last()].map(|value| value.map(|(end, _)| end.as_str()));
    assert_eq!((follows.len(), ends), (88, [Some("2026-08-25T07:00:00+0000"), Some("2026-11-20T08:00:00+0000")]));
    let moved: i64 = gained[1..].iter().zip(&lost[1..]).map(|(gained, lost)| gained.1 as i64 - lost.1 as i64).sum();
    assert_eq!(moved, follows[87].1 as i64 - follows[0].1 as i64);
    visit.pass(4 * 3600);
    let (_, later) = days("1795161600", "1795248000").await;
    assert_eq!(series(&later, 0)[0].0, "2026-11-21T08:00:00+0000");
    assert_eq!(graph.refused(&format!("{id}/insights?metric={names}&since=1787472000&until=1795251601")).await.1, 100);
    assert_eq!(days("2024-11-19", "2024-11-21").await.1["data"][0]["values"].as_array().unwrap().len(), 1);
    assert_eq!(days("2024-08-01", "2024-08-31").await, (200, json!({"data": []})));
    let together = format!("{id}/insights?metric={names},page_total_media_view_unique");
    assert_eq!(graph.refused(&together).await, (403, 200, None));
    let (_, places) = graph.get(&format!("{id}/insights?metric=page_follows_country&period=lifetime")).await;
    assert!(places["data"][0]["values"][0]["value"]["DE"].as_u64().unwrap() > 0, "{places}");
}

#[tokio::test]
async fn a_batch_returns_each_part_as_a_text() {
    let (visit, id) = with_page(json!({"followers": 5000})).await;
    let graph = Graph::open(&visit, "facebook", SCOPES, &[("sandbox_account", "ada")]).await.as_page().await;
    let parts = json!([
        {"method": "GET", "relative_url": format!("{id}?fields=followers_count")},
        {"method": "GET", "relative_url": format!("v26.0/{id}/insights?metric=page_fans")},
    ]);
    let form = [
        ("access_token", graph.token.clone()),
        ("appsecret_proof", proof("facebook", &graph.token)),
        ("include_headers", "false".to_owned()),
        ("batch", parts.to_string()),
    ];
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let (status, responses) = visit.form("/graph.facebook.com/v26.0/", &form).await;
    assert_eq!((status, &responses[0]["code"], &responses[1]["code"]), (200, &json!(200), &json!(400)));
    let body: Value = serde_json::from_str(responses[0]["body"].as_str().unwrap()).unwrap();
    assert_eq!(body["followers_count"], 5000);
    let log = visit.get("/_sandbox/requests?platform=facebook").await.1.to_string();
    assert!(!log.contains(&graph.token) && !log.contains("client-secret"), "{log}");
}

#[tokio::test]
async fn each_app_has_its_own_consents() {
    let (visit, _) = with_page(json!({})).await;
    for app in ["facebook", "instagram"] {
        let code = code(&visit, app, "pages_show_list", &[("sandbox_account", "ada")]).await;
        assert_eq!(exchange(&visit, app, &code).await.0, 200);
    }
    let platforms: Vec<_> = visit.sandbox.world().grants().iter().map(|grant| grant.platform).collect();
    assert_eq!(platforms, [crate::Platform::Facebook, crate::Platform::Instagram]);
    let log = visit.get("/_sandbox/requests?platform=instagram").await.1;
    assert!(log.as_array().unwrap().iter().any(|one| one["stage"] == "token" && one["handles"] == json!(["ada"])));
}
