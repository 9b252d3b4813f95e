use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest, Sha256};

use super::owner::*;
use super::*;

const PAGE: &str = "/accounts.google.com/o/oauth2/v2/auth";
const TOKEN: &str = "/oauth2.googleapis.com/token";
const CHANNELS: &str = "/www.googleapis.com/youtube/v3/channels?part=snippet,statistics&mine=true";
const READ: &str = "https://www.googleapis.com/auth/youtube.readonly";
const BOTH: &str =
    "https://www.googleapis.com/auth/youtube.readonly https://www.googleapis.com/auth/yt-analytics.readonly";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

async fn code(visit: &Visit, handle: &str, more: &[(&str, &str)]) -> String {
    let challenge = BASE64URL_NOPAD.encode(&Sha256::digest(VERIFIER));
    let mut query = vec![
        ("client_id", "youtube-client-id"),
        ("redirect_uri", BACK),
        ("response_type", "code"),
        ("scope", BOTH),
        ("state", "s1"),
        ("access_type", "offline"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
        ("sandbox_account", handle),
    ];
    query.extend(more);
    let back = visit.consented(PAGE, &query).await;
    assert_eq!(back["state"], "s1");
    back["code"].clone()
}

async fn exchange(visit: &Visit, code: &str, more: &[(&str, &str)]) -> (u16, Value) {
    let mut form = vec![
        ("client_id", "youtube-client-id"),
        ("client_secret", "youtube-client-secret"),
        ("grant_type", "authorization_code"),
        ("code", code),
    ];
    form.extend(more);
    visit.form(TOKEN, &form).await
}

const RIGHT: [(&str, &str); 2] = [("redirect_uri", BACK), ("code_verifier", VERIFIER)];

async fn refresh(visit: &Visit, token: &str) -> (u16, Value) {
    let app = [("client_id", "youtube-client-id"), ("client_secret", "youtube-client-secret")];
    let form = [app[0], app[1], ("grant_type", "refresh_token"), ("refresh_token", token)];
    visit.form(TOKEN, &form).await
}

#[tokio::test]
async fn a_channels_owner_allows_renews_and_revokes() {
    let visit = Visit::start().await;
    let made = visit.put("youtube", "star", json!({"followers": 12_399})).await;
    visit.put("youtube", "other", json!({})).await;
    let code = code(&visit, "@star", &[]).await;
    let (status, tokens) = exchange(&visit, &code, &RIGHT).await;
    assert_eq!((status, &tokens["expires_in"], &tokens["scope"]), (200, &json!(3599), &json!(BOTH)));
    let (access, refresh_token) = (text(&tokens, "access_token"), text(&tokens, "refresh_token"));

    let (status, own) = visit.request(&access, CHANNELS).await;
    assert_eq!((status, &own["items"][0]["id"], own["items"].as_array().unwrap().len()), (200, &made["id"], 1));
    assert_eq!(own["items"][0]["statistics"]["subscriberCount"], "12300");

    visit.pass(3600);
    let (status, refused) = visit.request(&access, CHANNELS).await;
    assert_eq!((status, &refused["error"]["errors"][0]["reason"]), (401, &json!("authError")));
    let (status, renewed) = refresh(&visit, &refresh_token).await;
    assert_eq!((status, renewed.get("refresh_token")), (200, None), "it stays as it is");
    let access = text(&renewed, "access_token");
    assert_eq!(visit.request(&access, CHANNELS).await.0, 200);
    assert_eq!(visit.sandbox.world().grants()[0].refreshes, 1);

    let revoke = async || visit.form("/oauth2.googleapis.com/revoke", &[("token", &access)]).await;
    assert_eq!(revoke().await.0, 200);
    let (status, again) = revoke().await;
    assert_eq!((status, text(&again, "error")), (400, "invalid_token".to_owned()));
    assert_eq!(visit.request(&access, CHANNELS).await.0, 401);
    let (status, dead) = refresh(&visit, &refresh_token).await;
    assert_eq!((status, text(&dead, "error")), (400, "invalid_grant".to_owned()));
    assert!(!visit.sandbox.world().grants()[0].is_alive);
}

#[tokio::test]
async fn a_code_is_good_once_for_its_requester() {
    let visit = Visit::start().await;
    visit.put("youtube", "star", json!({})).await;
    let check = async |code: &str, more: &[(&str, &str)], expected: &str| {
        let (status, refused) = exchange(&visit, code, more).await;
        assert_eq!((status, text(&refused, "error").as_str()), (400, expected), "{more:?}");
    };
    let code = code(&visit, "star", &[]).await;
    assert!(code.contains('/'), "it must be decoded");
    check(&code, &[("redirect_uri", BACK)], "invalid_grant").await;
    check(&code, &[("redirect_uri", BACK), ("code_verifier", &"x".repeat(43))], "invalid_grant").await;
    check(&code, &[("redirect_uri", "http://127.0.0.1:1/"), ("code_verifier", VERIFIER)], "redirect_uri_mismatch")
        .await;
    check("4/0Amade-up", &RIGHT, "invalid_grant").await;
    assert_eq!(exchange(&visit, &code, &RIGHT).await.0, 200);
    check(&code, &RIGHT, "invalid_grant").await;
    let late = self::code(&visit, "star", &[]).await;
    visit.pass(601);
    check(&late, &RIGHT, "invalid_grant").await;
    let (status, refused) = visit.form(TOKEN, &[("client_id", "youtube-client-id"), ("client_secret", "guess")]).await;
    assert_eq!((status, text(&refused, "error")), (401, "invalid_client".to_owned()));
}

#[tokio::test]
async fn a_refresh_token_comes_with_the_first_consent_or_a_forced_one() {
    let visit = Visit::start().await;
    visit.put("youtube", "star", json!({})).await;
    let has_refresh = async |more: &[(&str, &str)]| {
        let code = code(&visit, "star", more).await;
        exchange(&visit, &code, &RIGHT).await.1.get("refresh_token").is_some()
    };
    assert!(has_refresh(&[]).await);
    assert!(!has_refresh(&[]).await);
    assert!(has_refresh(&[("prompt", "consent")]).await);
    assert_eq!(visit.sandbox.world().grants().len(), 1, "it is the same consent");
}

#[tokio::test]
async fn scopes_that_were_not_allowed_are_missed() {
    let visit = Visit::start().await;
    visit.put("youtube", "star", json!({})).await;
    let only = "https://www.googleapis.com/auth/yt-analytics.readonly";
    let code = code(&visit, "star", &[("sandbox_scopes", only)]).await;
    let (_, tokens) = exchange(&visit, &code, &RIGHT).await;
    assert_eq!(tokens["scope"], only);
    let (status, refused) = visit.request(&text(&tokens, "access_token"), CHANNELS).await;
    assert_eq!((status, &refused["error"]["errors"][0]["reason"]), (403, &json!("insufficientPermissions")));
    assert_eq!(refused["error"]["details"][0]["reason"], "ACCESS_TOKEN_SCOPE_INSUFFICIENT");
}

#[tokio::test]
async fn reports_show_who_watches() {
    let visit = Visit::start().await;
    visit.put("youtube", "star", json!({"followers": 50_000})).await;
    visit.put("youtube", "small", json!({"followers": 99})).await;
    let token = async |handle: &str| {
        let code = code(&visit, handle, &[]).await;
        text(&exchange(&visit, &code, &RIGHT).await.1, "access_token")
    };
    let (star, small) = (token("star").await, token("small").await);
    let report = async |token: &str, query: &str| {
        let path =
            format!("/youtubeanalytics.googleapis.com/v2/reports?startDate=2026-11-01&endDate=2026-11-21&{query}");
        visit.request(token, &path).await
    };
    let viewers = "ids=channel%3D%3DMINE&metrics=viewerPercentage&dimensions=ageGroup,gender&sort=-viewerPercentage";
    let (status, table) = report(&star, viewers).await;
    assert_eq!((status, &table["columnHeaders"][1]["name"]), (200, &json!("gender")));
    let rows = table["rows"].as_array().unwrap();
    let percents: Vec<f64> = rows.iter().map(|row| row[2].as_f64().unwrap()).collect();
    assert!((percents.iter().sum::<f64>() - 100.0).abs() < 1.5, "{percents:?}");
    assert!(percents.is_sorted_by(|a, b| a >= b));
    let women: f64 = rows.iter().filter(|row| row[1] == "female").map(|row| row[2].as_f64().unwrap()).sum();
    let audience = visit.sandbox.world().account(crate::Platform::Youtube, "star").unwrap().audience();
    assert!((women - 100.0 * audience.gender(0)).abs() < 1.0);
    assert_eq!(report(&small, viewers).await.1.get("rows"), None, "too few to be reported apart");

    let refused = async |query: &str, status: u16| {
        let (found, body) = report(&star, query).await;
        assert_eq!(found, status, "{query}: {body}");
    };
    refused("ids=channel%3D%3DMINE&metrics=views,viewerPercentage&dimensions=day", 400).await;
    refused("ids=channel%3D%3DMINE&metrics=views&dimensions=video", 400).await;
    refused("ids=channel%3D%3DMINE&metrics=views&dimensions=country,day", 400).await;
    refused("ids=channel%3D%3DMINE&metrics=videoThumbnailImpressions&dimensions=day", 400).await;
    refused("metrics=views", 400).await;
    refused("ids=channel%3D%3DUCsomebody&metrics=views", 403).await;
}

#[tokio::test]
async fn reports_show_what_days_and_countries_gather() {
    let visit = Visit::start().await;
    visit.put("youtube", "star", json!({"followers": 50_000})).await;
    visit.put("youtube", "small", json!({"followers": 0})).await;
    let token = async |handle: &str| {
        let code = code(&visit, handle, &[]).await;
        text(&exchange(&visit, &code, &RIGHT).await.1, "access_token")
    };
    let (star, small) = (token("star").await, token("small").await);
    let report = async |token: &str, query: &str| {
        let path = format!("/youtubeanalytics.googleapis.com/v2/reports?ids=channel%3D%3DMINE&{query}");
        let (status, table) = visit.request(token, &path).await;
        assert_eq!(status, 200, "{table}");
        table["rows"].as_array().cloned().unwrap_or_default()
    };
    let days = "metrics=subscribersGained,views,engagedViews&dimensions=day&startDate=2026-08-20&endDate=2026-11-30";
    let rows = report(&star, days).await;
    assert_eq!(rows[0][0], "2026-08-20");
    let row = |date: &str| rows.iter().find(|row| row[0] == date).expect(date);
    let day = |date: &str| {
        let star = visit.sandbox.world().account(crate::Platform::Youtube, "star").unwrap();
        star.day(date.parse().unwrap())
    };
    assert_eq!(row("2026-11-01")[1].as_u64(), Some(day("2026-11-01").gained));
    let engaged = |date: &str| day(date).views * 4 / 5;
    for (date, views) in [("2026-08-23", engaged("2026-08-23")), ("2026-08-24", day("2026-08-24").views)] {
        assert_eq!((&row(date)[2], &row(date)[3]), (&json!(views), &json!(engaged(date))), "{date}");
    }
    assert_eq!(report(&small, days).await[0][2].to_string(), "0.0", "as Google writes it at times");

    let countries = "metrics=views&dimensions=country&sort=-views&startDate=2026-10-01&endDate=2026-10-31";
    let (all, most) = (report(&star, countries).await, report(&star, &format!("{countries}&maxResults=25")).await);
    assert_eq!((all.len(), &all[..25]), (30, most.as_slice()));
    let views =
        |rows: &[Value]| rows.iter().map(|row| row.as_array().unwrap().last().unwrap().as_u64().unwrap()).sum::<u64>();
    let total = views(&report(&star, "metrics=views&startDate=2026-10-01&endDate=2026-10-31").await);
    assert!((total - 30..=total).contains(&views(&all)), "{} of {total}", views(&all));
    assert_eq!(report(&small, countries).await, Vec::<Value>::new(), "no rows where nothing was watched");
}

#[tokio::test]
async fn days_of_reports_arrive_two_to_three_days_late() {
    let visit = Visit::start().await;
    let handles: Vec<String> = (0..9).map(|number| format!("late-{number}")).collect();
    let newest = async |visit: &Visit| {
        let mut newest = Vec::new();
        for handle in &handles {
            let code = code(visit, handle, &[]).await;
            let token = text(&exchange(visit, &code, &RIGHT).await.1, "access_token");
            let query = "ids=channel%3D%3DMINE&metrics=views&dimensions=day&startDate=2026-11-01&endDate=2026-12-24";
            let path = format!("/youtubeanalytics.googleapis.com/v2/reports?{query}");
            let (_, table) = visit.request(&token, &path).await;
            newest.push(table["rows"].as_array().unwrap().last().unwrap()[0].as_str().unwrap().to_owned());
        }
        newest
    };
    for handle in &handles {
        visit.put("youtube", handle, json!({"followers": 50_000})).await;
    }
    // 20 November ends in California at 8:00 of the next day, in UTC: now it is 12:00.
    visit.pass(44 * 3600 - 1);
    assert!(newest(&visit).await.iter().all(|day| day != "2026-11-20"));
    visit.pass(12 * 3600);
    let between = newest(&visit).await;
    assert!(
        between.iter().any(|day| day == "2026-11-20") && between.iter().any(|day| day == "2026-11-19"),
        "{between:?}"
    );
    visit.pass(12 * 3600 + 1);
    assert!(newest(&visit).await.iter().all(|day| day.as_str() >= "2026-11-20"));
}

#[tokio::test]
async fn a_device_waits_until_its_code_was_typed() {
    let visit = Visit::start().await;
    visit.put("youtube", "star", json!({})).await;
    let begin = async |scope: &str| {
        visit.form("/oauth2.googleapis.com/device/code", &[("client_id", "youtube-client-id"), ("scope", scope)]).await
    };
    assert_eq!(begin("https://www.googleapis.com/auth/yt-analytics.readonly").await.0, 400, "no reports for devices");
    let (_, device) = begin(READ).await;
    assert_eq!(device["verification_url"], "https://www.google.com/device");
    let (device_code, user_code) = (text(&device, "device_code"), text(&device, "user_code"));
    let poll = async || {
        let app = [("client_id", "youtube-client-id"), ("client_secret", "youtube-client-secret")];
        let kind = ("grant_type", "urn:ietf:params:oauth:grant-type:device_code");
        visit.form(TOKEN, &[app[0], app[1], kind, ("device_code", &device_code)]).await
    };
    let check = |(status, body): (u16, Value), expected: (u16, &str)| {
        assert_eq!((status, text(&body, "error").as_str()), expected);
    };
    check(poll().await, (428, "authorization_pending"));
    check(poll().await, (403, "slow_down"));
    visit.pass(6);
    check(poll().await, (428, "authorization_pending"));
    let (status, typed) = visit.form("/www.google.com/device", &[("user_code", &user_code.to_lowercase())]).await;
    assert_eq!(status, 303, "{typed}");
    let (status, page) = visit.get(&format!("/www.google.com/device?user_code={user_code}")).await;
    assert!(status == 200 && page.as_str().unwrap().contains("Approve"));
    let page = format!("/www.google.com/device?user_code={user_code}&sandbox_account=%40star");
    assert_eq!(visit.get(&page).await.0, 200);
    visit.pass(6);
    let (status, tokens) = poll().await;
    assert_eq!((status, &tokens["scope"]), (200, &json!(READ)));
    assert_eq!(visit.request(&text(&tokens, "access_token"), CHANNELS).await.0, 200);
    assert!(tokens["refresh_token"].is_string());
    visit.pass(6);
    check(poll().await, (400, "invalid_grant"));
    assert_eq!(visit.get("/www.google.com/device?user_code=XXXX-XXXX").await.0, 400);
}
