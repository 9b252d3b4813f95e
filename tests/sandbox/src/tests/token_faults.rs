use super::instagram::Graph;
use super::owner::*;
use super::tiktok::{code, exchange, refresh, tokens};
use super::*;

const USER: &str = "/open.tiktokapis.com/v2/user/info/?fields=open_id,follower_count";
const ALL: &str = "user.info.basic,user.info.stats";

async fn with_account() -> Visit {
    let visit = Visit::start().await;
    visit.put("tiktok", "ada", json!({"followers": 500})).await;
    visit.put("tiktok", "bob", json!({"followers": 600})).await;
    visit
}

/// A refresh whose response may not arrive.
async fn try_refresh(visit: &Visit, old: &str) -> reqwest::Result<Response> {
    let form = [
        ("client_key", "tiktok-client-id"),
        ("client_secret", "tiktok-client-secret"),
        ("grant_type", "refresh_token"),
        ("refresh_token", old),
    ];
    visit.client.post(format!("{}/open.tiktokapis.com/v2/oauth/token/", visit.sandbox.url())).form(&form).send().await
}

#[tokio::test]
async fn a_lost_response_can_be_requested_once_more() {
    let visit = with_account().await;
    let (_, first) = tokens(&visit, "ada").await;
    visit.fault(json!({"platform": "tiktok", "kind": "lost_answer"})).await;
    assert!(try_refresh(&visit, &first).await.is_err());
    assert_eq!(visit.sandbox.world().grants()[0].refreshes, 1, "it was done all the same");
    visit.pass(59);
    let (_, second) = refresh(&visit, &first).await;
    assert_eq!(visit.request(&text(&second, "access_token"), USER).await.0, 200);
    assert_eq!(refresh(&visit, &first).await.1["error"], "invalid_grant", "once");
    let second = text(&second, "refresh_token");
    visit.fault(json!({"platform": "tiktok", "kind": "lost_answer"})).await;
    assert!(try_refresh(&visit, &second).await.is_err());
    visit.pass(61);
    assert_eq!(refresh(&visit, &second).await.1["error"], "invalid_grant", "too late");
}

#[tokio::test]
async fn a_lost_rotation_is_lost() {
    let visit = with_account().await;
    let (_, first) = tokens(&visit, "ada").await;
    visit.fault(json!({"platform": "tiktok", "kind": "rotation_lost"})).await;
    assert!(try_refresh(&visit, &first).await.is_err());
    assert_eq!(refresh(&visit, &first).await.1["error"], "invalid_grant");
    let [grant] = visit.sandbox.world().grants().try_into().unwrap();
    assert_eq!((grant.refreshes, grant.spent_presented, grant.is_alive), (1, 1, true));
}

#[tokio::test]
async fn most_faults_of_a_token_endpoint_leave_nothing_done() {
    let visit = with_account().await;
    let code = code(&visit, "ada", ALL).await["code"].clone();
    for kind in ["disconnect", "server_error", "rate_limited", "html", "garbage", "truncated"] {
        visit.fault(json!({"platform": "tiktok", "kind": kind, "at": "token"})).await;
        assert_eq!(visit.get("/_sandbox/faults").await.1.as_array().unwrap().len(), 1, "{kind} waits");
        let form = [("client_key", "tiktok-client-id"), ("grant_type", "authorization_code"), ("code", &code)];
        let url = format!("{}/open.tiktokapis.com/v2/oauth/token/", visit.sandbox.url());
        let response = visit.client.post(url).form(&form).send().await;
        let text = match response {
            Ok(response) => response.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        };
        assert!(!text.contains("act."), "{kind}: {text}");
    }
    assert_eq!(visit.get("/_sandbox/faults").await.1, json!([]));
    let (status, given) = exchange(&visit, &code).await;
    assert!(status == 200 && given["access_token"].is_string(), "the code is still good: {given}");
    let log = visit.get("/_sandbox/requests?platform=tiktok").await.1;
    let tokens: Vec<&Value> = log.as_array().unwrap().iter().filter(|one| one["stage"] == "token").collect();
    assert_eq!(tokens.len(), 7);
    assert_eq!(tokens[6]["form"][0], json!(["client_key", "tiktok-client-id"]));
    assert!(!log.to_string().contains(&code) && !log.to_string().contains("tiktok-client-secret"), "{log}");
}

#[tokio::test]
async fn revoked_and_expired_stay_so() {
    let visit = with_account().await;
    let (ada, ada_refresh) = tokens(&visit, "ada").await;
    let (bob, _) = tokens(&visit, "bob").await;
    visit.fault(json!({"platform": "tiktok", "kind": "expired", "handle": "ada"})).await;
    assert_eq!(visit.request(&bob, USER).await.0, 200, "it is about another account");
    assert_eq!(visit.request(&ada, USER).await.0, 401);
    assert_eq!(visit.request(&ada, USER).await.0, 401, "from now on");
    let (_, renewed) = refresh(&visit, &ada_refresh).await;
    let ada = text(&renewed, "access_token");
    assert_eq!(visit.request(&ada, USER).await.0, 200);
    visit.fault(json!({"platform": "tiktok", "kind": "revoked", "handle": "ada"})).await;
    assert_eq!(visit.request(&ada, USER).await.0, 401);
    assert_eq!(refresh(&visit, &text(&renewed, "refresh_token")).await.1["error"], "invalid_grant");
    let alive: Vec<bool> = visit.sandbox.world().grants().iter().map(|grant| grant.is_alive).collect();
    assert_eq!(alive, [false, true]);
    let (_, bob_refresh) = tokens(&visit, "bob").await;
    visit.fault(json!({"platform": "tiktok", "kind": "expired", "at": "token"})).await;
    assert_eq!(refresh(&visit, &bob_refresh).await.1["error"], "invalid_grant", "the refresh token this time");
}

#[tokio::test]
async fn each_platform_words_its_own_limits_and_losses() {
    let visit = with_account().await;
    let (ada, _) = tokens(&visit, "ada").await;
    let account = visit.put("instagram", "ada", json!({"followers": 800})).await;
    let scopes = "instagram_basic,instagram_manage_insights,pages_show_list,pages_read_engagement,read_insights";
    let graph = Graph::open(&visit, "instagram", scopes, &[("sandbox_account", "ada")]).await;
    let own = format!("{}?fields=followers_count,media_count", text(&account, "id"));
    let media = format!("{}/media?fields=like_count", text(&account, "id"));
    let check = async |fault: Value, expected: (u16, u64, Option<u64>)| {
        visit.fault(fault.clone()).await;
        assert_eq!(graph.refused(&own).await, expected, "{fault}");
    };
    check(json!({"platform": "instagram", "kind": "rate_limited", "status": 400}), (400, 80002, None)).await;
    check(json!({"platform": "instagram", "kind": "server_error"}), (500, 2, None)).await;
    check(json!({"platform": "instagram", "kind": "missing_scope"}), (403, 10, None)).await;
    check(json!({"platform": "instagram", "kind": "expired"}), (401, 190, Some(463))).await;
    let graph = Graph::open(&visit, "instagram", scopes, &[("sandbox_account", "ada")]).await;
    visit.fault(json!({"platform": "instagram", "kind": "rate_limited", "retry_after": 1200})).await;
    let url = format!("{}/graph.facebook.com/{own}", visit.sandbox.url());
    let proof = super::instagram::proof("instagram", &graph.token);
    let limited =
        visit.client.get(url).query(&[("appsecret_proof", proof)]).bearer_auth(&graph.token).send().await.unwrap();
    let usage: Value = serde_json::from_str(limited.headers()["x-business-use-case-usage"].to_str().unwrap()).unwrap();
    assert_eq!(usage[text(&account, "id")][0]["estimated_time_to_regain_access"], 20);
    visit.fault(json!({"platform": "instagram", "kind": "hidden_counts"})).await;
    assert_eq!(graph.get(&own).await.1["followers_count"], 800, "likes are what owners hide");
    assert_eq!(graph.get(&media).await.1["data"][0].get("like_count"), None);
    visit.fault(json!({"platform": "instagram", "kind": "wrong_types", "variant": "negative"})).await;
    assert_eq!(graph.get(&own).await.1["followers_count"], -1);
    let insights = format!("{}/insights?metric=reach&period=day", text(&account, "id"));
    visit.fault(json!({"platform": "instagram", "kind": "withdrawn_metric"})).await;
    assert_eq!(graph.refused(&insights).await, (400, 100, None));
    visit.fault(json!({"platform": "instagram", "kind": "revoked"})).await;
    assert_eq!(graph.refused(&own).await, (401, 190, Some(458)));

    visit.fault(json!({"platform": "tiktok", "kind": "rate_limited"})).await;
    let (status, limited) = visit.request(&ada, USER).await;
    assert_eq!((status, &limited["error"]["code"]), (429, &json!("rate_limit_exceeded")));
    visit.fault(json!({"platform": "tiktok", "kind": "missing_scope"})).await;
    assert_eq!(visit.request(&ada, USER).await.1["error"]["code"], "scope_not_authorized");
    visit.fault(json!({"platform": "tiktok", "kind": "hidden_counts"})).await;
    assert_eq!(visit.request(&ada, USER).await.1["data"]["user"].get("follower_count"), None);
}

#[tokio::test]
async fn every_secret_is_listed_and_none_is_shown() {
    let visit = with_account().await;
    let (access, old) = tokens(&visit, "ada").await;
    let (_, pair) = refresh(&visit, &old).await;
    visit.request(&access, USER).await;
    let secrets = visit.sandbox.world().secrets();
    for secret in [&access, &old, &text(&pair, "access_token"), &text(&pair, "refresh_token")] {
        assert!(secrets.contains(secret));
    }
    assert!(secrets.iter().any(|secret| secret == "tiktok-client-secret"));
    let log = visit.get("/_sandbox/requests").await.1.to_string();
    let grants = visit.get("/_sandbox/grants?platform=tiktok").await.1.to_string();
    assert!(secrets.iter().all(|secret| !log.contains(secret.as_str()) && !grants.contains(secret.as_str())));
}
