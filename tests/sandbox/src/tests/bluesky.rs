use super::*;

const XRPC: &str = "/public.api.bsky.app/xrpc";

#[tokio::test]
async fn profiles_report_exact_counts() {
    let visit = Visit::start().await;
    let made = json!({"followers": 12_345, "following": 67, "posts": 8});
    let id = visit.put("bluesky", "star.test", made).await["id"].as_str().unwrap().to_owned();
    for actor in ["star.test", &id] {
        let (status, profile) = visit.get(&format!("{XRPC}/app.bsky.actor.getProfile?actor={actor}")).await;
        assert_eq!(status, 200);
        assert_eq!(profile["did"], id.as_str());
        let counts = ["followersCount", "followsCount", "postsCount"].map(|name| profile[name].clone());
        assert_eq!(counts, [12_345, 67, 8].map(Value::from));
    }
    let (_, document) = visit.get(&format!("/plc.directory/{id}")).await;
    assert_eq!(document["alsoKnownAs"], json!(["at://star.test"]));
    assert_eq!(visit.get("/star.test/.well-known/atproto-did").await.1, json!(id));
}

#[tokio::test]
async fn refusals_are_worded_as_the_platform_words_them() {
    let visit = Visit::start().await;
    visit.put("bluesky", "off.test", json!({"deactivated": true})).await;
    visit.put("bluesky", "down.test", json!({"suspended": true})).await;
    let check = async |path: &str, expected: (u16, &str, &str)| {
        let (status, body) = visit.get(&format!("{XRPC}/{path}")).await;
        let found = (status, body["error"].as_str().unwrap(), body["message"].as_str().unwrap());
        assert_eq!((found.0, found.1), (expected.0, expected.1), "{path}");
        assert!(found.2.contains(expected.2), "{path}: {}", found.2);
    };
    check("app.bsky.actor.getProfile?actor=no.test", (400, "InvalidRequest", "Profile not found")).await;
    check("app.bsky.actor.getProfile?actor=off.test", (400, "AccountDeactivated", "Account is deactivated")).await;
    check("app.bsky.actor.getProfile?actor=down.test", (400, "AccountTakedown", "has been suspended")).await;
    check("app.bsky.feed.getAuthorFeed?actor=off.test", (400, "InvalidRequest", "Profile not found")).await;
    check("app.bsky.feed.getAuthorFeed?actor=off.test&limit=500", (400, "InvalidRequest", "(maximum 100, got 500)"))
        .await;
    check("app.bsky.actor.getProfile", (400, "InvalidRequest", "Invalid app.bsky.actor.getProfile params")).await;
    check("app.bsky.actor.getNothing", (501, "MethodNotImplemented", "")).await;
    let posted = visit.send(Method::POST, &format!("{XRPC}/app.bsky.actor.getProfile"), Value::Null).await.unwrap();
    assert_eq!(read(posted).await.1["message"], "Incorrect HTTP method (POST) expected GET");
}

#[tokio::test]
async fn many_profiles_leave_out_who_cannot_be_shown() {
    let visit = Visit::start().await;
    visit.put("bluesky", "a.test", json!({})).await;
    visit.put("bluesky", "off.test", json!({"deactivated": true})).await;
    let path = format!("{XRPC}/app.bsky.actor.getProfiles?actors=off.test&actors=a.test&actors=no.test");
    let (status, body) = visit.get(&path).await;
    assert_eq!((status, body["profiles"].as_array().unwrap().len()), (200, 1));
    let many = "actors=a.test&".repeat(26);
    assert_eq!(visit.get(&format!("{XRPC}/app.bsky.actor.getProfiles?{many}")).await.0, 400);
}

#[tokio::test]
async fn feeds_are_paged_to_the_end_with_their_reposts() {
    let visit = Visit::start().await;
    visit.put("bluesky", "a.test", json!({"posts": 30, "likes": 100, "comments": 5, "reposts": 7})).await;
    for other in ["b.test", "c.test", "d.test"] {
        visit.put("bluesky", other, json!({})).await;
    }
    let (mut own, mut reposts, mut cursor) = (Vec::new(), 0, String::new());
    loop {
        let (status, page) =
            visit.get(&format!("{XRPC}/app.bsky.feed.getAuthorFeed?actor=a.test&limit=7{cursor}")).await;
        assert_eq!(status, 200);
        for item in page["feed"].as_array().unwrap() {
            if item["reason"]["$type"] == "app.bsky.feed.defs#reasonRepost" {
                assert_ne!(item["post"]["author"]["handle"], "a.test");
                reposts += 1;
            } else {
                assert_eq!((&item["post"]["likeCount"], &item["post"]["replyCount"]), (&json!(100), &json!(5)));
                assert_eq!((&item["post"]["repostCount"], &item["post"]["quoteCount"]), (&json!(7), &json!(0)));
                own.push(item["post"]["uri"].as_str().unwrap().to_owned());
            }
        }
        let Some(next) = page["cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    own.dedup();
    assert_eq!(own.len(), 30);
    assert!(reposts > 0);
    let (_, posts) = visit.get(&format!("{XRPC}/app.bsky.feed.getPosts?uris={}&uris=at://no.test/x/y", own[3])).await;
    assert_eq!(
        (posts["posts"].as_array().unwrap().len(), posts["posts"][0]["uri"].as_str()),
        (1, Some(own[3].as_str()))
    );
    let (status, body) = visit.get(&format!("{XRPC}/app.bsky.feed.getAuthorFeed?actor=a.test&cursor=rubbish")).await;
    assert_eq!((status, body["error"].as_str()), (500, Some("InternalServerError")));
}
