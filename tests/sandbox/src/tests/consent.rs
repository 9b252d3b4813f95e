use super::owner::*;
use super::*;

const PAGE: &str = "/www.tiktok.com/v2/auth/authorize/";

fn request<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let usual = [
        ("client_key", "tiktok-client-id"),
        ("scope", "user.info.basic,user.info.stats"),
        ("response_type", "code"),
        ("redirect_uri", "https://roster.example/callback"),
        ("state", "s&1 +"),
    ];
    usual.into_iter().chain(more.iter().copied()).collect()
}

#[tokio::test]
async fn the_page_shows_who_and_what_and_takes_either_decision() {
    let visit = Visit::start().await;
    visit.put("tiktok", "first", json!({"display_name": "<b>\"First\"</b>"})).await;
    visit.put("tiktok", "second", json!({})).await;
    let url = format!("{}{PAGE}", visit.sandbox.url());
    let shown = visit.client.get(&url).query(&request(&[])).send().await.unwrap();
    assert_eq!(shown.status(), 200);
    assert!(shown.headers()["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));
    let page = shown.text().await.unwrap();
    for part in ["&lt;b&gt;&quot;First&quot;&lt;/b&gt;", "second", "user.info.stats", "Approve", "Deny"] {
        assert!(page.contains(part), "{part} in {page}");
    }
    assert!(!page.contains("<b>") && !page.contains("http:") && !page.contains("https:"), "{page}");

    let decide = async |form: &[(&str, &str)]| {
        let response = visit.client.post(&url).query(&request(&[])).form(form).send().await.unwrap();
        assert_eq!(response.status(), 302);
        read_back(response.headers()["location"].to_str().unwrap())
    };
    let denied = decide(&[("decision", "deny")]).await;
    assert_eq!((denied["error"].as_str(), denied["state"].as_str()), ("access_denied", "s&1 +"));
    // What cannot be unticked is granted although the browser does not send it.
    let approved = decide(&[("decision", "approve"), ("person", "1")]).await;
    assert_eq!(approved["scopes"], "user.info.basic");
    let [grant] = visit.sandbox.world().grants().try_into().unwrap();
    let second = visit.sandbox.world().account(crate::Platform::Tiktok, "second").unwrap();
    assert_eq!(grant.accounts, [(crate::Platform::Tiktok, second.id.clone())]);
    assert!(grant.declined.contains("user.info.stats"));
}

#[tokio::test]
async fn the_address_alone_can_decide() {
    let visit = Visit::start().await;
    visit.put("tiktok", "first", json!({})).await;
    let decided = async |more: &[(&str, &str)]| visit.consented(PAGE, &request(more)).await;
    let all = decided(&[("sandbox_account", "@First")]).await;
    assert_eq!(all["scopes"], "user.info.basic,user.info.stats");
    let some = decided(&[("sandbox_account", "first"), ("sandbox_scopes", "user.info.basic")]).await;
    assert_eq!(some["scopes"], "user.info.basic");
    let denied = decided(&[("sandbox_account", "first"), ("sandbox_deny", "1")]).await;
    assert!(!denied.contains_key("code") && denied["error"] == "access_denied");
    let url = format!("{}{PAGE}", visit.sandbox.url());
    let unknown = request(&[("sandbox_account", "nobody")]);
    assert_eq!(visit.client.get(url).query(&unknown).send().await.unwrap().status(), 400);
}

#[tokio::test]
async fn auto_approve_takes_the_first_or_the_one_hinted_at() {
    let visit = Visit::at(Options { accounts: 0, auto_approve: true, ..Options::default() }).await;
    visit.put("tiktok", "first", json!({})).await;
    let second = visit.put("tiktok", "second", json!({})).await;
    visit.consented(PAGE, &request(&[])).await;
    visit.consented(PAGE, &request(&[("login_hint", "second")])).await;
    let grants = visit.sandbox.world().grants();
    assert_eq!((grants.len(), grants[1].accounts[0].1.as_str()), (2, second["id"].as_str().unwrap()));
    let first = visit.sandbox.world().account(crate::Platform::Tiktok, "first").unwrap();
    assert_eq!(grants[0].accounts[0].1, first.id);
}

#[tokio::test]
async fn wrong_apps_redirects_and_scopes_get_no_code() {
    let visit = Visit::start().await;
    for platform in ["tiktok", "youtube", "instagram", "facebook"] {
        visit.put(platform, "ada", json!({})).await;
    }
    let pages = [
        (PAGE, "client_key", "tiktok-client-id", "user.info.basic"),
        ("/accounts.google.com/o/oauth2/v2/auth", "client_id", "youtube-client-id", "openid"),
        ("/www.facebook.com/v26.0/dialog/oauth", "client_id", "facebook-client-id", "pages_show_list"),
        ("/www.facebook.com/dialog/oauth", "client_id", "instagram-client-id", "instagram_basic"),
        ("/www.instagram.com/oauth/authorize", "client_id", "instagram-client-id", "instagram_business_basic"),
    ];
    for (page, key, id, scope) in pages {
        let check = async |id: &str, redirect: &str, scope: &str| {
            let query = [
                (key, id),
                ("redirect_uri", redirect),
                ("scope", scope),
                ("response_type", "code"),
                ("sandbox_account", "ada"),
            ];
            let challenge = [("code_challenge", "x".repeat(43)), ("code_challenge_method", "S256".to_owned())];
            let request = visit.client.get(format!("{}{page}", visit.sandbox.url())).query(&query).query(&challenge);
            let response = request.send().await.unwrap();
            response.headers().get("location").is_some_and(|back| back.to_str().unwrap().contains("code="))
        };
        assert!(check(id, BACK, scope).await, "{page}");
        assert!(check(id, "https://roster.example/x", scope).await, "{page}");
        assert!(!check("other", BACK, scope).await, "{page}");
        assert!(!check(id, "http://roster.example/x", scope).await, "{page}");
        assert!(!check(id, BACK, "everything").await, "{page}");
    }
}

#[tokio::test]
async fn some_owners_have_several_accounts() {
    let visit = Visit::with(700).await;
    let mut owned = std::collections::HashMap::<String, usize>::new();
    for account in visit.sandbox.world().accounts() {
        if account.platform == crate::Platform::Instagram {
            let page = account.linked.as_deref().expect("a Page");
            let page = visit.sandbox.world().account_by_id(crate::Platform::Facebook, page).unwrap();
            assert_eq!(
                (page.owner.as_str(), page.linked.as_deref()),
                (account.owner.as_str(), Some(account.id.as_str()))
            );
        }
        if account.platform == crate::Platform::Facebook {
            *owned.entry(account.owner.clone()).or_default() += 1;
        }
    }
    let several = owned.values().filter(|&&count| count > 1).count();
    assert!(several * 20 > owned.len() && several * 2 < owned.len(), "{several} of {}", owned.len());
    assert!(owned.values().all(|&count| count <= 3));
}
