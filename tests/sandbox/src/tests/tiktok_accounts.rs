use super::owner::*;
use super::*;

const API: &str = "/business-api.tiktok.com/open_api/v1.3";
const ALL: &str =
    "user.info.basic,user.info.username,user.info.stats,user.insights,video.list,user.account.type,video.insights";
const APP: [(&str, &str); 2] =
    [("client_id", "tiktok-accounts-client-id"), ("client_secret", "tiktok-accounts-client-secret")];

async fn code(visit: &Visit, handle: &str, scopes: &str) -> String {
    let query = [
        ("client_key", "tiktok-accounts-client-id"),
        ("scope", ALL),
        ("response_type", "code"),
        ("redirect_uri", BACK),
        ("state", "s1"),
        ("sandbox_account", handle),
        ("sandbox_scopes", scopes),
    ];
    visit.consented("/www.tiktok.com/v2/auth/authorize/", &query).await["code"].clone()
}

/// Sends JSON as the app; HTTP has nothing to say, the code has.
async fn post(visit: &Visit, path: &str, fields: &[(&str, &str)]) -> (u64, Value) {
    let body: Value = APP.iter().chain(fields).map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    coded(read(visit.send(Method::POST, &format!("{API}{path}"), body).await.unwrap()).await)
}

fn coded((status, body): (u16, Value)) -> (u64, Value) {
    assert_eq!(status, 200, "{body}");
    (body["code"].as_u64().unwrap(), body["data"].clone())
}

async fn exchange(visit: &Visit, code: &str) -> (u64, Value) {
    let fields = [("grant_type", "authorization_code"), ("auth_code", code), ("redirect_uri", BACK)];
    post(visit, "/tt_user/oauth2/token/", &fields).await
}

async fn refresh(visit: &Visit, old: &str) -> (u64, Value) {
    post(visit, "/tt_user/oauth2/refresh_token/", &[("grant_type", "refresh_token"), ("refresh_token", old)]).await
}

/// An owner's tokens, with the owner's id.
struct Owner {
    access: String,
    id: String,
}

async fn owner(visit: &Visit, handle: &str, scopes: &str) -> Owner {
    let (_, given) = exchange(visit, &code(visit, handle, scopes).await).await;
    Owner { access: text(&given, "access_token"), id: text(&given, "open_id") }
}

impl Owner {
    async fn get(&self, visit: &Visit, path: &str, fields: &[&str], more: &[(&str, &str)]) -> (u64, Value) {
        let request = visit.client.get(format!("{}{API}{path}", visit.sandbox.url())).query(more);
        let request = request.query(&[("business_id", self.id.as_str()), ("fields", &json!(fields).to_string())]);
        coded(read(request.header("Access-Token", &self.access).send().await.unwrap()).await)
    }
}

#[tokio::test]
async fn tokens_come_in_json_for_an_app_of_its_own() {
    let visit = Visit::start().await;
    let made = visit.put("tiktok", "ada", json!({"followers": 4321})).await;
    let first = code(&visit, "ada", ALL).await;
    let (good, given) = exchange(&visit, &first).await;
    assert_eq!(
        (good, &given["expires_in"], &given["refresh_token_expires_in"]),
        (0, &json!(86_400), &json!(31_536_000))
    );
    assert_ne!(given["open_id"], made["id"], "another app sees another one");
    assert_eq!(exchange(&visit, &first).await.0, 40_131, "a code is good once");
    assert_eq!(exchange(&visit, "guess").await.0, 40_110);
    let access = text(&given, "access_token");
    let info = [("app_id", "tiktok-accounts-client-id"), ("access_token", access.as_str())];
    let (_, named) = post(&visit, "/tt_user/token_info/get/", &info).await;
    assert_eq!((&named["creator_id"], named["scope"].as_str().unwrap().split(',').count()), (&given["open_id"], 7));
    // One API's token is worth nothing at the other.
    assert_eq!(visit.request(&access, "/open.tiktokapis.com/v2/user/info/?fields=open_id").await.0, 401);

    visit.pass(DAY);
    let (_, second) = refresh(&visit, &text(&given, "refresh_token")).await;
    assert_eq!(second["refresh_token_expires_in"], 31_536_000 - 86_400, "the end stays where it was");
    assert_eq!(refresh(&visit, &text(&given, "refresh_token")).await.0, 40_107, "rotated");
    assert_eq!(post(&visit, "/tt_user/oauth2/revoke/", &[("access_token", &access)]).await.0, 40_102, "expired");
    let access = text(&second, "access_token");
    assert_eq!(post(&visit, "/tt_user/oauth2/revoke/", &[("access_token", &access)]).await.0, 0);
    assert_eq!(refresh(&visit, &text(&second, "refresh_token")).await.0, 40_107);

    let wrong = json!({"client_id": "tiktok-client-id", "client_secret": "x", "grant_type": "authorization_code"});
    let path = format!("{API}/tt_user/oauth2/token/");
    assert_eq!(coded(read(visit.send(Method::POST, &path, wrong).await.unwrap()).await).0, 40_101);
    assert_eq!(coded(visit.form(&path, &APP).await).0, 40_002, "no forms");
    let log = visit.get("/_sandbox/requests?platform=tiktok").await.1.to_string();
    let secrets = [&first, &access, "tiktok-accounts-client-secret"];
    assert!(secrets.iter().all(|secret| !log.contains(*secret)), "{log}");
    let known = visit.sandbox.world().secrets();
    assert!(secrets.iter().all(|secret| known.iter().any(|one| one == secret)));
}

#[tokio::test]
async fn one_field_beyond_the_scopes_fails_the_whole_call() {
    let visit = Visit::start().await;
    visit.put("tiktok", "ada", json!({})).await;
    visit.put("tiktok", "bob", json!({})).await;
    let ada = owner(&visit, "ada", "user.info.basic,user.info.stats").await;
    let check = async |path: &str, fields: &[&str], expected: u64| {
        assert_eq!(ada.get(&visit, path, fields, &[]).await.0, expected, "{path} {fields:?}");
    };
    check("/business/get/", &["display_name", "followers_count"], 0).await;
    check("/business/get/", &["username"], 40_001).await;
    check("/business/get/", &["audience_ages"], 40_001).await;
    check("/business/get/", &["follower_count"], 40_002).await;
    check("/business/video/list/", &["item_id"], 40_001).await;
    let bob = owner(&visit, "bob", ALL).await;
    let other = Owner { id: bob.id, access: ada.access };
    assert_eq!(other.get(&visit, "/business/get/", &["display_name"], &[]).await.0, 40_001);
    let guessed = Owner { id: other.id, access: "act.guess".to_owned() };
    assert_eq!(guessed.get(&visit, "/business/get/", &["display_name"], &[]).await.0, 40_105);
}

#[tokio::test]
async fn days_arrive_late_and_add_up() {
    let visit = Visit::start().await;
    let fields = ["followers_count", "daily_new_followers", "daily_lost_followers", "daily_total_followers", "likes"];
    let (mut business, mut personal) = (0, 0);
    for handle in ["ada", "bob", "cleo", "dora", "egon", "fritz", "gesa", "hugo"] {
        visit.put("tiktok", handle, json!({"followers": 20_000, "growth_per_day": 0.01})).await;
        let one = owner(&visit, handle, ALL).await;
        let range = [("start_date", "2026-11-15"), ("end_date", "2026-11-21")];
        let (_, data) = one.get(&visit, "/business/get/", &fields, &range).await;
        let days = data["metrics"].as_array().unwrap();
        // It is noon of the 21st: what ended 36 hours ago is there.
        let dates: Vec<String> = days.iter().map(|day| text(day, "date")).collect();
        assert_eq!(dates, ["2026-11-15", "2026-11-16", "2026-11-17", "2026-11-18", "2026-11-19"]);
        assert!(days.iter().all(|day| day["likes"].is_u64() && day["followers_count"].is_u64()));
        let (_, kind) = one.get(&visit, "/business/get/", &["is_business_account"], &[]).await;
        if kind["is_business_account"] == false {
            personal += 1;
            assert!(days.iter().all(|day| day.get("daily_new_followers").is_none()));
            continue;
        }
        business += 1;
        for pair in days.windows(2) {
            let count = |day: &Value, name: &str| day[name].as_i64().unwrap();
            let change = count(&pair[1], "followers_count") - count(&pair[0], "followers_count");
            let (new, lost) = (count(&pair[1], "daily_new_followers"), count(&pair[1], "daily_lost_followers"));
            assert_eq!((change, count(&pair[1], "daily_total_followers")), (new - lost, new - lost));
        }
    }
    assert!(business > 0 && personal > 0, "{business} and {personal}");
}

#[tokio::test]
async fn days_are_sixty_at_most_and_of_the_last_week_unless_it_is_said() {
    let visit = Visit::start().await;
    visit.put("tiktok", "ada", json!({"followers": 20_000})).await;
    let ada = owner(&visit, "ada", ALL).await;
    let check = async |first: &str, last: &str, expected: u64| {
        let range = [("start_date", first), ("end_date", last)];
        assert_eq!(ada.get(&visit, "/business/get/", &["likes"], &range).await.0, expected, "{first} {last}");
    };
    check("2026-09-22", "2026-11-20", 0).await;
    check("2026-09-21", "2026-11-20", 40_002).await;
    check("2026-11-20", "2026-11-19", 40_002).await;
    check("yesterday", "2026-11-20", 40_002).await;
    let (_, usual) = ada.get(&visit, "/business/get/", &["likes"], &[]).await;
    assert_eq!(usual["metrics"][0]["date"], "2026-11-14");
    let (_, totals) = ada.get(&visit, "/business/get/", &["display_name"], &[]).await;
    assert!(totals.get("metrics").is_none(), "{totals}");
}

#[tokio::test]
async fn the_audience_is_in_fractions_from_a_hundred_followers_on() {
    let visit = Visit::start().await;
    let lists = ["audience_genders", "audience_ages", "audience_countries"];
    for (handle, followers) in [("small", 99), ("large", 100)] {
        visit.put("tiktok", handle, json!({"followers": followers, "growth_per_day": 0.0})).await;
        let (_, data) = owner(&visit, handle, ALL).await.get(&visit, "/business/get/", &lists, &[]).await;
        let sum = |list: &str| -> f64 {
            data[list].as_array().unwrap().iter().map(|row| row["percentage"].as_f64().unwrap()).sum()
        };
        if followers < 100 {
            assert!(lists.iter().all(|list| data[list] == json!([])), "{data}");
            continue;
        }
        for list in ["audience_genders", "audience_ages"] {
            assert!((sum(list) - 1.0).abs() < 1e-9, "{list} {}", sum(list));
        }
        let ages: Vec<&str> =
            data["audience_ages"].as_array().unwrap().iter().map(|row| row["age"].as_str().unwrap()).collect();
        assert_eq!(ages, ["18-24", "25-34", "35-44", "45-54", "55+"]);
        assert!(sum("audience_countries") < 1.0);
    }
}

#[tokio::test]
async fn videos_are_paged_and_need_their_id() {
    let visit = Visit::start().await;
    visit.put("tiktok", "ada", json!({"posts": 25, "likes": 30, "comments": 4, "reposts": 2, "views": 1000})).await;
    let ada = owner(&visit, "ada", ALL).await;
    let fields = ["item_id", "create_time", "likes", "comments", "shares", "favorites", "video_views"];
    let list = "/business/video/list/";
    let (_, first) = ada.get(&visit, list, &fields, &[("max_count", "20")]).await;
    let cursor = first["cursor"].to_string();
    let (_, second) = ada.get(&visit, list, &fields, &[("max_count", "20"), ("cursor", &cursor)]).await;
    let videos: Vec<&Value> = [&first, &second].iter().flat_map(|page| page["videos"].as_array().unwrap()).collect();
    assert_eq!((videos.len(), &first["has_more"], &second["has_more"]), (25, &json!(true), &json!(false)));
    assert!(videos.iter().all(|video| video["likes"] == 30 && video["shares"] == 2 && video["favorites"] == 3));
    let id = text(videos[3], "item_id");
    let filters = json!({"video_ids": [id, "7100000000000000001"]}).to_string();
    let (_, found) = ada.get(&visit, list, &["item_id"], &[("filters", &filters)]).await;
    assert_eq!(found["videos"], json!([{"item_id": id}]));
    let (_, reach) = ada.get(&visit, list, &["item_id", "reach"], &[("filters", &filters)]).await;
    assert_eq!(reach["videos"], json!([{"item_id": id, "reach": 800}]));
    let without = owner(&visit, "ada", ALL.trim_end_matches(",video.insights")).await;
    assert_eq!(without.get(&visit, list, &["item_id", "reach"], &[]).await.0, 40_001);
    assert_eq!(ada.get(&visit, list, &["likes"], &[]).await.0, 40_002);
    assert_eq!(ada.get(&visit, list, &["item_id"], &[("max_count", "21")]).await.0, 40_002);
}

#[tokio::test]
async fn faults_are_worded_in_codes() {
    let visit = Visit::start().await;
    visit.put("tiktok", "ada", json!({"followers": 500})).await;
    let ada = owner(&visit, "ada", ALL).await;
    for (kind, expected) in [("rate_limited", 40_100), ("server_error", 50_000), ("missing_scope", 40_001)] {
        visit.fault(json!({"platform": "tiktok", "kind": kind})).await;
        assert_eq!(ada.get(&visit, "/business/get/", &["followers_count"], &[]).await.0, expected, "{kind}");
    }
    visit.fault(json!({"platform": "tiktok", "kind": "hidden_counts"})).await;
    let (_, hidden) = ada.get(&visit, "/business/get/", &["followers_count", "username"], &[]).await;
    assert_eq!((hidden.get("followers_count"), &hidden["username"]), (None, &json!("ada")));
    visit.fault(json!({"platform": "tiktok", "kind": "expired", "handle": "ada"})).await;
    assert_eq!(ada.get(&visit, "/business/get/", &["username"], &[]).await.0, 40_102);
}
