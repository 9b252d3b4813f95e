//! Instagram's own oddities, over HTTP.

mod days;
mod listed;

use std::sync::Arc;

use roster_protocol::metric::Mean;
use roster_protocol::time::Seconds;
use serde_json::{Value, json};

use super::read::MEANS;
use super::*;
use crate::http_client::test_server::{Received, Reply, Server};
use crate::oauth::{Authorize, Callback, Exchange, Held, Provider, Purpose, TokenError, TokenRequest};
use crate::platforms::consenting::{Access, Checked};
use crate::platforms::tests::world::{account, api, in_order, through};
use crate::platforms::{Observation, PlatformError, Registered, register};
use crate::process::environment::Environment;
use crate::secret::Secret;

const ALL: [&str; 4] = ["instagram_basic", "instagram_manage_insights", "pages_show_list", "pages_read_engagement"];
const LOGIN_ALL: [&str; 2] = ["instagram_business_basic", "instagram_business_manage_insights"];

fn instagram(login: Login) -> Instagram {
    let app = OAuthApp {
        id: "id-1".to_owned(),
        secret: Secret::new("canary-secret"),
        redirect_uri: None,
        scopes: None,
        config_id: None,
    };
    Instagram { app: Some(app), login, version: "v26.0".to_owned(), refusals: Refusals::default(), verify_token: None }
}

fn access(token: &str, scopes: &[&str]) -> Access {
    let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    Access { token: Arc::new(Secret::new(token)), derived: None, scopes, through: None }
}

fn consented(number: u8, id: &str, scopes: &[&str]) -> Account {
    Account { access: Some(access(id, scopes)), ..account(number, "mara", Some(id)) }
}

fn token_of(requested: &Received) -> String {
    let header = requested.headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    header.strip_prefix("Bearer ").unwrap_or_default().to_owned()
}

fn refusal(status: u16, code: u32, subcode: u32) -> Reply {
    let error = json!({"error": {"message": "canary", "code": code, "error_subcode": subcode}});
    Reply::Json(status, error.to_string())
}

fn profile(id: &str, followers: u64) -> Value {
    json!({"id": id, "username": "Mara", "name": "Mara", "followers_count": followers, "follows_count": 3, "media_count": 9})
}

fn media(id: &str, likes: u64) -> Value {
    json!({"id": id, "timestamp": "2026-11-20T08:25:28+0000", "media_product_type": "FEED", "like_count": likes,
        "comments_count": 10})
}

async fn observe(
    instagram: &Instagram,
    server: &Server,
    accounts: &[Account],
) -> Vec<Result<Observation, PlatformError>> {
    in_order(instagram.observe(&api(through(&server.base)), accounts).await)
}

#[test]
fn handles_and_profile_urls_become_canonical() {
    let check = |text: &str, expected: &str| assert_eq!(canonical(text).as_deref(), Ok(expected), "{text}");
    check("@Mara.Makes_2", "mara.makes_2");
    check(" mara ", "mara");
    check("https://www.instagram.com/Mara.Makes/", "mara.makes");
    check("instagram.com/mara?igsh=x", "mara");
    check("instagram.com/mara/reels/", "mara");
    for bad in [
        "",
        "@",
        "two words",
        ".mara",
        "mara.",
        "mära",
        "mara){id}",
        "https://www.instagram.com/p/ABC/",
        "https://www.instagram.com/reel/ABC/",
        "https://elsewhere.example/mara",
        &"x".repeat(31),
    ] {
        assert!(canonical(bad).is_err(), "{bad}");
    }
}

#[test]
fn the_app_comes_from_the_section_or_from_variables() {
    let read = |text: &str, variables: &[(&str, &str)]| -> Result<Registered, ConfigProblem> {
        let tables = toml::from_str(text).expect(text);
        let all = register(&tables, None, &Environment::new(variables, None))?;
        Ok(all.into_iter().find(|registered| registered.platform.info().slug == SLUG).expect("registered"))
    };
    let realm = |registered: &Registered| registered.provider.as_ref().expect("it asks owners").realm();
    let section = "[instagram]\nclient_id = 'i'\nclient_secret = 's'";
    let variables =
        [("INSTAGRAM_APP_ID", "i"), ("INSTAGRAM_APP_SECRET", "s"), ("INSTAGRAM_REDIRECT_URI", "https://r.example/")];
    for (text, variables) in [(section, [].as_slice()), ("", &variables)] {
        let reported = read(text, variables).expect(text);
        assert_eq!((realm(&reported).as_str(), reported.platform.lacks()), ("meta:i", None));
        assert!(reported.platform.consenting().is_some_and(|it| it.looks_up().is_some()));
    }
    let own = read(&format!("{section}\nlogin = 'instagram'"), &variables[2..]).expect("a good config");
    assert_eq!(realm(&own), "instagram:i");
    let consenting = own.platform.consenting().expect("it asks owners");
    let provider = own.provider.as_ref().expect("it asks owners");
    let redirect_uri = provider.app().and_then(|app| app.redirect_uri.as_deref());
    assert_eq!((redirect_uri, consenting.looks_up()), (Some("https://r.example/"), None));
    let terms = provider.terms();
    assert_eq!((terms.renewable_after, terms.renews_at_once), (Seconds(86_400), true));
    let lacking = read("", &[]).expect("an empty config").platform;
    assert!(lacking.lacks().is_some_and(|lacks| lacks.contains("client_secret_file")));
    let problem = |text: &str| read(text, &[]).err().expect(text).key;
    for bad in [
        "scopes = []",
        "scopes = ['instagram_basic', 'pages_show_list']",
        "scopes = ['instagram_basic', 'pages_show_list', 'pages_read_engagement', 'canary']",
        "login = 'instagram'\nscopes = ['instagram_basic']",
    ] {
        let error = read(&format!("{section}\n{bad}"), &[]).err().expect(bad);
        assert!(error.key == "platforms.instagram.scopes" && !error.message.contains("canary"), "{error}");
    }
    let chosen = "scopes = ['instagram_basic', 'pages_show_list', 'pages_read_engagement']";
    let few = read(&format!("{section}\n{chosen}"), &[]).expect("a good config");
    let requested = few.provider.as_ref().expect("it asks owners").scopes_for(Purpose::Measuring);
    assert_eq!(requested.len(), 3);
    let usual = read(section, &[]).expect("a good config");
    let more = read(&format!("{section}\n{}", chosen.replace(']', ", 'ads_read']")), &[]).expect("a good config");
    let asks = |known: &Registered| known.provider.as_ref().is_some_and(|provider| provider.asks_for("ads_read"));
    assert_eq!([asks(&usual), asks(&few), asks(&more)], [false, false, true]);
    assert_eq!(problem(&format!("{section}\nlogin = 'instagram'\nconfig_id = '1'")), "platforms.instagram.config_id");
    assert_eq!(problem("[instagram]\nlogin = 'meta'"), "platforms.instagram.login");
    assert_eq!(problem("[instagram]\nversion = '26'"), "platforms.instagram.version");
}

#[tokio::test]
async fn likes_below_zero_on_two_of_four_posts_are_unknown_and_cost_nothing_else() {
    let server = Server::start(|requested| match requested.path.rsplit('/').next() {
        Some("media") => {
            let post = |(id, likes, comments): (&str, i64, u64)| {
                json!({"id": id, "timestamp": "2026-11-20T08:25:28+0000", "media_product_type": "FEED",
                    "like_count": likes, "comments_count": comments})
            };
            let posts = [("p1", 100, 10), ("p2", -1, 20), ("p3", 300, 30), ("p4", -1, 40)].map(post);
            Reply::ok(json!({"data": posts}))
        }
        Some("insights") if requested.path.contains("/11/") => Reply::ok(json!({"data": []})),
        Some("insights") => {
            let value = |name: &str| if name == "views" { 500 } else { 0 };
            let metric = |name: &str| json!({"name": name, "values": [{"value": value(name)}]});
            Reply::ok(json!({"data": requested.param("metric").split(',').map(metric).collect::<Vec<_>>()}))
        }
        _ => Reply::ok(profile("11", 1000)),
    })
    .await;
    let observed = observe(&instagram(Login::Facebook), &server, &[consented(0, "11", &ALL)]).await;
    let reported = observed[0].as_ref().expect("reported");
    let numbers = &reported.numbers;
    // The mean likes of the other two; comments and views of all four.
    assert_eq!((numbers.avg_likes, numbers.avg_comments), (Some(Mean(20_000)), Some(Mean(2500))));
    assert_eq!((numbers.avg_views, reported.missing.as_slice()), (Some(Mean(50_000)), [].as_slice()));
    let views = server.requested().iter().filter(|requested| requested.param("metric").contains("views")).count();
    assert_eq!(views, 4);
}

#[tokio::test]
async fn hidden_likes_and_what_was_not_allowed_are_not_zeros() {
    let server = Server::start(|requested| match requested.path.rsplit('/').next() {
        Some("media") => {
            let mut hidden = media("m2", 0);
            hidden.as_object_mut().expect("an object").remove("like_count");
            Reply::ok(json!({"data": [media("m1", 40), hidden]}))
        }
        Some("insights") if requested.path.contains("/m1/") => Reply::ok(include_str!("fixtures/media_insights.json")),
        Some("insights") if requested.path.contains("/m2/") => refusal(403, 10, 0),
        Some("insights") => Reply::ok(include_str!("fixtures/demographics.json")),
        Some(id) => Reply::ok(profile(id, if id == "11" { 1000 } else { 99 })),
        None => Reply::Silence,
    })
    .await;
    let instagram = instagram(Login::Facebook);
    let accounts =
        [consented(0, "11", &ALL), consented(1, "12", &ALL), consented(2, "11", &ALL[..1]), account(3, "x", None)];
    let observed = observe(&instagram, &server, &accounts).await;
    let reported = observed[0].as_ref().expect("reported");
    let denied = "views, shares, saves, reach, reposts: Instagram says that a permission is missing for 1 posts, although \
                  instagram_manage_insights was allowed: ";
    assert!(reported.missing.len() == 1 && reported.missing[0].starts_with(denied), "{reported:?}");
    let numbers = &reported.numbers;
    // 40 likes, 10 comments, 12 shares with 30 saves, of 1000.
    assert_eq!(numbers.engagement_rate.map(|rate| rate.as_f64()), Some(0.092));
    assert_eq!((numbers.avg_likes, numbers.avg_views), (Some(Mean(4000)), Some(Mean(810_000))));
    assert_eq!((numbers.avg_reach, numbers.avg_reposts), (Some(Mean(510_000)), Some(Mean(400))));
    assert!(numbers.audience_female.is_some() && numbers.top_age_range.is_some());

    let small = &observed[1].as_ref().expect("reported");
    assert_eq!((small.numbers.audience_female, small.missing.len()), (None, 1));
    let short = observed[2].as_ref().expect("reported");
    assert_eq!((short.numbers.avg_likes, short.numbers.avg_views), (Some(Mean(4000)), None));
    assert_eq!((short.numbers.avg_reach, short.numbers.avg_reposts), (None, None));
    assert_eq!(
        short.missing,
        ["views, shares, saves, reach, reposts, audience and figures of days: the owner did not allow \
          instagram_manage_insights"]
    );
    assert!(matches!(&observed[3], Err(PlatformError::Unauthorized { .. })));
    let audiences = server.requested().iter().filter(|requested| requested.param("metric") == audience::METRIC).count();
    assert_eq!(audiences, 1, "the audience of 99 followers is not requested");
}

/// Posts that are all alike: 100 likes, 10 comments; their insights 20 shares, 5 saves, 5,000 views, 3,000 accounts
/// reached, 5 reposts.
fn equal_posts(account: &str) -> Reply {
    let posts = (0..12).map(|number| media(&format!("{account}-{number}"), 100));
    Reply::ok(json!({"data": posts.collect::<Vec<_>>()}))
}

fn equal_insights(requested: &Received) -> Reply {
    let value = |name: &str| match name {
        "views" => 5000,
        "shares" => 20,
        "reach" => 3000,
        _ => 5,
    };
    let metric = |name: &str| json!({"name": name, "period": "lifetime", "values": [{"value": value(name)}]});
    Reply::ok(json!({"data": requested.param("metric").split(',').map(metric).collect::<Vec<_>>()}))
}

#[tokio::test]
async fn one_posts_refusal_says_nothing_of_other_posts_or_owners() {
    for metric in ["views", "shares", "reach", "reposts"] {
        let server = Server::start(move |requested| match requested.path.rsplit('/').next() {
            Some("media") if requested.path.contains("/11/") => equal_posts("a"),
            Some("media") => equal_posts("b"),
            Some("insights") if !requested.param("breakdown").is_empty() => Reply::ok(json!({"data": []})),
            Some("insights") if requested.path.contains("/b-3/") && requested.param("metric").contains(metric) => {
                refusal(400, 100, 0)
            }
            Some("insights") => equal_insights(requested),
            Some(id) => Reply::ok(profile(id, 10_000)),
            None => Reply::Silence,
        })
        .await;
        let instagram = instagram(Login::Facebook);
        for _ in 0..3 {
            let accounts = [consented(0, "12", &ALL), consented(1, "11", &ALL)];
            for reported in observe(&instagram, &server, &accounts).await {
                let reported = reported.expect("reported");
                assert!(reported.missing.is_empty(), "{metric}: {reported:?}");
                assert_eq!(reported.numbers.avg_views, Some(Mean(500_000)), "{metric}");
                assert_eq!(reported.numbers.avg_reach, Some(Mean(300_000)), "{metric}");
                assert_eq!(reported.numbers.avg_reposts, Some(Mean(500)), "{metric}");
                assert_eq!(reported.numbers.engagement_rate.map(|rate| rate.as_f64()), Some(0.0135), "{metric}");
                assert_eq!(reported.definition, 0);
            }
        }
    }
}

#[tokio::test]
async fn a_metric_that_is_refused_by_name_costs_only_itself() {
    for (name, metric) in [("reach", Metric::AvgReach), ("reposts", Metric::AvgReposts)] {
        let server = Server::start(move |requested| match requested.path.rsplit('/').next() {
            Some("media") if requested.param("fields").contains(name) => refusal(400, 100, 0),
            Some("media") => equal_posts("a"),
            Some("insights") if !requested.param("breakdown").is_empty() => Reply::ok(json!({"data": []})),
            Some("insights") if requested.param("metric").contains(name) => refusal(400, 100, 0),
            Some("insights") => equal_insights(requested),
            Some(id) => Reply::ok(profile(id, 10_000)),
            None => Reply::Silence,
        })
        .await;
        let observed = observe(&instagram(Login::Facebook), &server, &[consented(0, "11", &ALL)]).await;
        let reported = observed[0].as_ref().expect("reported");
        assert_eq!(reported.refused, [metric]);
        let [missing] = reported.missing.as_slice() else { panic!("{reported:?}") };
        assert!(missing.starts_with(&format!("{name}: Instagram refused {name} for each post")), "{missing}");
        let others = MEANS.iter().filter(|(_, other)| *other != metric);
        assert!(others.clone().all(|(_, other)| other.of(&reported.numbers).is_some()), "{reported:?}");
        assert_eq!(metric.of(&reported.numbers), None);
        assert_eq!(reported.numbers.engagement_rate.map(|rate| rate.as_f64()), Some(0.0135));
    }
}

#[tokio::test]
async fn a_day_without_insights_leaves_the_rate_out_and_does_not_change_it() {
    let server = Server::start(|requested| match requested.path.rsplit('/').next() {
        Some("media") => equal_posts("a"),
        Some("insights") if !requested.param("breakdown").is_empty() => Reply::ok(json!({"data": []})),
        Some("insights") => refusal(500, 2, 0),
        Some(id) => Reply::ok(profile(id, 10_000)),
        None => Reply::Silence,
    })
    .await;
    let instagram = instagram(Login::Facebook);
    let observed = observe(&instagram, &server, &[consented(0, "11", &ALL)]).await;
    let reported = observed[0].as_ref().expect("reported");
    assert_eq!((reported.numbers.engagement_rate, reported.numbers.avg_likes), (None, Some(Mean(10_000))));
    assert_eq!((reported.definition, reported.missing.len()), (0, 1), "{reported:?}");
    // Without the permission for them it is another number, and says so.
    let observed = observe(&instagram, &server, &[consented(0, "11", &ALL[..1])]).await;
    let reported = observed[0].as_ref().expect("reported");
    assert_eq!(reported.numbers.engagement_rate.map(|rate| rate.as_f64()), Some(0.011));
    assert_eq!(reported.definition, 1);
}

#[tokio::test]
async fn what_owners_are_not_asked_for_is_not_missing() {
    let server = Server::start(|requested| match requested.path.rsplit('/').next() {
        Some("media") => equal_posts("a"),
        Some(id) => Reply::ok(profile(id, 10_000)),
        None => Reply::Silence,
    })
    .await;
    let mut instagram = instagram(Login::Facebook);
    let needed = ["instagram_basic", "pages_show_list", "pages_read_engagement"];
    instagram.app.as_mut().expect("an app").scopes = Some(needed.map(str::to_owned).to_vec());
    let observed = observe(&instagram, &server, &[consented(0, "11", &needed)]).await;
    let reported = observed[0].as_ref().expect("reported");
    assert_eq!((reported.missing.len(), reported.definition), (0, 1), "{reported:?}");
}

#[tokio::test]
async fn a_page_requests_with_its_own_token_and_an_age_apart_from_gender() {
    let server = Server::start(|requested| match requested.path.rsplit('/').next() {
        Some("media") => Reply::ok(json!({"data": []})),
        Some("insights") if requested.param("breakdown") == "age,gender" => refusal(500, 1, 99),
        Some("insights") => Reply::ok(include_str!("fixtures/demographics.json")),
        _ => Reply::ok(profile("11", 1000)),
    })
    .await;
    let instagram = instagram(Login::Facebook);
    let derived = Some(Arc::new(Secret::new("page-token")));
    let own = Account { access: Some(Access { derived, ..access("user", &ALL) }), ..account(0, "mara", Some("11")) };
    for expected in [5, 4] {
        let observed = observe(&instagram, &server, std::slice::from_ref(&own)).await;
        let reported = observed[0].as_ref().expect("reported");
        assert!(reported.numbers.audience_male.is_some() && reported.missing.is_empty(), "{reported:?}");
        assert!(server.requested().iter().all(|requested| token_of(requested) == "page-token"));
        assert_eq!(server.forget(), expected);
    }
}

#[tokio::test]
async fn one_lost_consent_spoils_its_own_account_alone() {
    let server = Server::start(|requested| match (token_of(requested).as_str(), requested.path.ends_with("/media")) {
        ("lost", _) => refusal(401, 190, 460),
        ("gone", _) => refusal(400, 100, 33),
        ("short", _) => refusal(403, 10, 0),
        (_, true) => Reply::ok(json!({"data": []})),
        (id, false) => Reply::ok(profile(id, 50)),
    })
    .await;
    let accounts = ["lost", "gone", "short", "good"];
    let accounts: Vec<_> = (0..).zip(accounts).map(|(number, id)| consented(number, id, &ALL)).collect();
    let observed = observe(&instagram(Login::Facebook), &server, &accounts).await;
    assert!(matches!(&observed[0], Err(PlatformError::Unauthorized { what }) if what.contains("password")));
    assert!(matches!(&observed[1], Err(PlatformError::AccountGone { .. })));
    // All that was requested was allowed: what else some roles need is named.
    assert_eq!(observed[2], Err(PlatformError::MissingScope { scope: "ads_read".to_owned() }));
    assert_eq!(observed[3].as_ref().map(|reported| reported.numbers.followers), Ok(Some(50)));
}

#[tokio::test]
async fn another_account_is_looked_up_through_an_account_of_ours() {
    let debugged = json!({"data": {"is_valid": true, "scopes": ALL}});
    let server = Server::start(move |requested| match requested.path.rsplit('/').next() {
        Some("debug_token") => Reply::ok(&debugged),
        Some("me") => Reply::ok(json!({"id": "10158"})),
        Some("accounts") => Reply::ok(include_str!("../graph/fixtures/accounts.json").replace("\"next\"", "\"last\"")),
        Some("17841400000000001") if requested.param("fields").contains("username(missing.one)") => refusal(400, 110, 2_207_013),
        Some("17841400000000001") => {
            assert!(requested.param("fields").starts_with("business_discovery.username(other.one){id,username,"));
            let found = json!({"id": "1784", "username": "Other.One", "name": "Other", "followers_count": 1000,
                "media_count": 2, "follows_count": 7, "media": {"data": [media("m1", 40), {"id": "m2", "comments_count": 10,
                "view_count": 700, "media_product_type": "REELS"}]}});
            Reply::ok(json!({"business_discovery": found, "id": "17841400000000001"}))
        }
        _ => Reply::Silence,
    })
    .await;
    let look = |number, handle| Account { access: Some(access("user", &ALL)), ..account(number, handle, None) };
    let observed = observe(&instagram(Login::Facebook), &server, &[look(0, "other.one"), look(1, "missing.one")]).await;
    let reported = observed[0].as_ref().expect("found");
    assert_eq!((reported.platform_user_id.as_str(), reported.handle.as_str()), ("1784", "other.one"));
    let numbers = &reported.numbers;
    assert_eq!((numbers.followers, numbers.following, numbers.posts), (Some(1000), None, Some(2)));
    assert_eq!((numbers.avg_likes, numbers.avg_views), (Some(Mean(4000)), Some(Mean(70_000))));
    assert!(
        matches!(&observed[1], Err(PlatformError::AccountGone { what }) if what.contains("no account of this name"))
    );

    // What was granted, whose it is, their Pages: once for both. Through an account that is known it is one request.
    assert_eq!(server.forget(), 3 + 2);
    let through = Access { through: Some("17841400000000001".to_owned()), ..access("user", &ALL) };
    let known = Account { access: Some(through), ..account(0, "other.one", None) };
    let observed = observe(&instagram(Login::Facebook), &server, &[known]).await;
    assert_eq!(observed[0].as_ref().map(|reported| reported.numbers.followers), Ok(Some(1000)));
    assert_eq!(server.forget(), 1);

    let server = Server::start(move |requested| match requested.path.rsplit('/').next() {
        Some("debug_token") => Reply::ok(json!({"data": {"is_valid": true, "scopes": ALL}})),
        Some("me") => Reply::ok(json!({"id": "10158"})),
        _ => Reply::ok(json!({"data": []})),
    })
    .await;
    let observed = observe(&instagram(Login::Facebook), &server, &[look(0, "other.one")]).await;
    assert!(matches!(&observed[0], Err(PlatformError::Unauthorized { .. })));
}

#[tokio::test]
async fn a_consent_opens_the_accounts_linked_to_the_pages() {
    let debug = |scopes: &[&str]| json!({"data": {"is_valid": true, "scopes": scopes}});
    let all = debug(&ALL);
    let server = Server::start(move |requested| match requested.path.rsplit('/').next() {
        Some("debug_token") if requested.param("input_token") == "unticked" => Reply::ok(debug(&ALL[..1])),
        Some("debug_token") => Reply::ok(&all),
        Some("accounts") if token_of(requested) == "pageless" => Reply::ok(json!({"data": []})),
        Some("accounts") if token_of(requested) == "unlinked" => {
            Reply::ok(json!({"data": [{"id": "1", "name": "Mara's Page"}]}))
        }
        Some("accounts") => Reply::ok(include_str!("../graph/fixtures/accounts.json").replace("\"next\"", "\"last\"")),
        _ => Reply::ok(json!({"id": "10158", "name": "Mara \u{1b}Lindqvist"})),
    })
    .await;
    let (api, instagram) = (api(through(&server.base)), instagram(Login::Facebook));
    let consenting: &dyn Consenting = &instagram;
    let opened = consenting.opened(&api, &access("user", &[])).await.expect("opened");
    assert_eq!((opened.owner_id.as_str(), opened.owner_name.as_str()), ("10158", "Mara Lindqvist"));
    assert_eq!(opened.scopes.as_ref().map(Vec::len), Some(4));
    let [one] = opened.accounts.as_slice() else { panic!("one account is linked") };
    assert_eq!((one.platform_user_id.as_str(), one.handle.as_str()), ("17841400000000001", "mara.makes"));
    assert_eq!((one.followers, one.derived.as_ref().map(Secret::expose)), (Some(12_345), Some("example-page-token-1")));
    for (token, words) in [
        ("unticked", "the scope pages_show_list is missing"),
        ("pageless", "no Page was opened: at consent tick the Page"),
        ("unlinked", "no professional Instagram account is linked to the Pages that were opened (Mara's Page)"),
    ] {
        let error = consenting.opened(&api, &access(token, &[])).await.err().expect(token);
        assert!(error.to_string().starts_with(words), "{error}");
    }
    let derived = consenting.derive(&api, &access("user", &[]), "17841400000000001").await.expect("Pages");
    assert_eq!(derived.as_ref().map(Secret::expose), Some("example-page-token-1"));
    let scopes = consenting.check(&api, &access("user", &[])).await.expect("good");
    assert_eq!(scopes.scopes.map(|scopes| scopes.len()), Some(4));
}

#[tokio::test]
async fn instagrams_own_login_has_its_own_pages_tokens_and_ids() {
    let server = Server::start(|requested| match requested.path.as_str() {
        "/api.instagram.com/oauth/access_token" => {
            Reply::ok(json!({"data": [{"access_token": "short", "user_id": "17", "permissions": LOGIN_ALL.join(",")}]}))
        }
        "/graph.instagram.com/refresh_access_token" => match requested.param("access_token") {
            "long" => Reply::ok(json!({"access_token": "longer", "token_type": "bearer", "expires_in": 5_183_944})),
            "ended" => refusal(400, 190, 463),
            _ => refusal(400, 100, 0),
        },
        "/graph.instagram.com/access_token" if requested.param("access_token") == "short" => {
            Reply::ok(json!({"access_token": "long", "token_type": "bearer", "expires_in": 5_183_944}))
        }
        "/graph.instagram.com/access_token" => refusal(400, 100, 0),
        "/graph.instagram.com/v26.0/me" => {
            let mut reported = profile("55", 1000);
            reported["user_id"] = json!(17);
            Reply::ok(json!({"data": [reported]}))
        }
        "/graph.instagram.com/me/permissions" => refusal(400, 100, 0),
        path => panic!("{path}"),
    })
    .await;
    let (api, instagram) = (api(through(&server.base)), instagram(Login::Instagram));
    let (consenting, provider): (&dyn Consenting, &dyn Provider) = (&instagram, &instagram);
    let (state, code) = (Secret::new("st"), Secret::new("AQcode"));
    let redirect_uri = "https://roster.example/cb";
    let purpose = Purpose::Measuring;
    let request = Authorize { redirect_uri, state: &state, verifier: None, login_hint: None, purpose };
    let url = provider.authorize_url(&api, request).expect("an app");
    assert!(url.starts_with(&format!("{}/www.instagram.com/oauth/authorize?client_id=id-1&", server.base)), "{url}");
    assert!(url.contains("scope=instagram_business_basic%2Cinstagram_business_manage_insights"), "{url}");
    let back = [("code".to_owned(), "AQcode#_".to_owned())];
    assert!(matches!(provider.read_callback(&back), Callback::Code(reported) if reported.expose() == "AQcode"));

    let reported =
        provider.exchange(&api, Exchange { code: &code, redirect_uri, verifier: None }).await.expect("tokens");
    assert_eq!((reported.access.expose(), reported.access_lives), ("short", Some(Seconds(3600))));
    assert_eq!(reported.scopes.as_ref().map(Vec::len), Some(2));
    for (token, expected, requests) in [("short", Ok("long"), 2), ("long", Ok("longer"), 1), ("ended", Err(()), 2)] {
        server.forget();
        let held = Held { access: Arc::new(Secret::new(token)), refresh: None };
        let reply = provider.renew(&api, &held).await.expect("a response");
        let renewed = provider.read_tokens(&reply, TokenRequest::Renewal);
        match (&renewed, expected) {
            (Ok(reported), Ok(expected)) => assert_eq!(reported.access.expose(), expected),
            (Err(TokenError::Gone { what }), Err(())) => assert!(what.contains("expired"), "{what}"),
            (other, _) => panic!("{token}: {:?}", other.as_ref().err()),
        }
        assert_eq!(server.forget(), requests, "{token}");
        provider.revoke(&api, &held).await.expect("any such response is its end");
    }
    let opened = consenting.opened(&api, &access("long", &LOGIN_ALL)).await.expect("opened");
    assert_eq!((opened.owner_id.as_str(), opened.accounts[0].platform_user_id.as_str()), ("55", "17"));
    assert!(matches!(consenting.check(&api, &access("long", &LOGIN_ALL)).await, Ok(Checked { scopes: None, .. })));
    assert!(matches!(consenting.derive(&api, &access("long", &LOGIN_ALL), "17").await, Ok(None)));
    // The consent of one account is not another one's, and is not ended for that.
    let other = Account { access: Some(access("long", &LOGIN_ALL)), ..account(0, "other", Some("18")) };
    let observed = observe(&instagram, &server, &[other]).await;
    assert!(matches!(&observed[0], Err(PlatformError::Unexpected { .. })), "{observed:?}");
}

#[tokio::test]
async fn an_outage_between_both_ways_of_renewing_ends_no_consent() {
    let server = Server::start(|requested| match requested.path.as_str() {
        "/graph.instagram.com/refresh_access_token" => refusal(400, 190, 0),
        _ => Reply::Json(503, "<html>".to_owned()),
    })
    .await;
    let (api, instagram) = (api(through(&server.base)), instagram(Login::Instagram));
    let held = Held { access: Arc::new(Secret::new("short")), refresh: None };
    let reply = instagram.renew(&api, &held).await.expect("a response");
    assert!(matches!(instagram.read_tokens(&reply, TokenRequest::Renewal), Err(TokenError::Later { .. })));
}

#[tokio::test]
async fn a_set_up_without_an_app_or_with_a_wrong_one_is_reported() {
    let refused = json!({"error_type": "OAuthException", "code": 400, "error_message": "Invalid platform app"});
    let server = Server::start(move |_| Reply::Json(400, refused.to_string())).await;
    let api = api(through(&server.base));
    let checks = instagram(Login::Instagram).test(&api, "https://roster.example/cb").await;
    let found: Vec<_> = checks.iter().map(|check| (check.what.as_str(), check.ok)).collect();
    assert_eq!(found, [("id and secret", Some(false)), ("API version", Some(true)), ("redirect URI", None)]);
    let none = Instagram { app: None, ..instagram(Login::Facebook) };
    assert_eq!(none.test(&api, "x").await[0].ok, Some(false));
    let observed = observe(&none, &server, &[account(0, "x", None)]).await;
    assert!(matches!(&observed[0], Err(PlatformError::Unconfigured { .. })));
}
