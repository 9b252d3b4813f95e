use super::*;

const API: &str = "/youtube.googleapis.com/youtube/v3";
const KEY: &str = "key=youtube-api-key";

#[tokio::test]
async fn channels_round_subscribers_and_return_texts() {
    let visit = Visit::start().await;
    let id = visit.put("youtube", "star", json!({"followers": 12_399, "posts": 3})).await["id"].clone();
    visit.put("youtube", "@shy", json!({"hidden": true})).await;
    let (status, list) = visit.get(&format!("{API}/channels?part=statistics,snippet&forHandle=STAR&{KEY}")).await;
    assert_eq!(status, 200);
    let channel = &list["items"][0];
    assert_eq!((&channel["id"], &channel["snippet"]["customUrl"]), (&id, &json!("@star")));
    assert_eq!(channel["statistics"]["subscriberCount"], "12300");
    assert_eq!(channel["statistics"]["videoCount"], "3");
    let (_, hidden) = visit.get(&format!("{API}/channels?part=statistics&forHandle=@shy&{KEY}")).await;
    assert_eq!(hidden["items"][0]["statistics"]["hiddenSubscriberCount"], true);
    assert_eq!(hidden["items"][0]["statistics"]["subscriberCount"], Value::Null);
    let (status, none) = visit.get(&format!("{API}/channels?part=id&id=UCnobody&{KEY}")).await;
    assert_eq!((status, none.get("items"), &none["pageInfo"]["totalResults"]), (200, None, &json!(0)));
}

#[tokio::test]
async fn uploads_lead_to_videos() {
    let visit = Visit::start().await;
    let made = json!({"posts": 7, "likes": 50, "comments": 4, "views": 900});
    visit.put("youtube", "star", made).await;
    visit.put("youtube", "empty", json!({"posts": 0})).await;
    let uploads = async |handle: &str| {
        let (_, list) = visit.get(&format!("{API}/channels?part=contentDetails&forHandle={handle}&{KEY}")).await;
        let id = list["items"][0]["contentDetails"]["relatedPlaylists"]["uploads"].as_str().unwrap().to_owned();
        format!("{API}/playlistItems?part=contentDetails&playlistId={id}&maxResults=5&{KEY}")
    };
    let playlist = uploads("star").await;
    let (_, first) = visit.get(&playlist).await;
    let (_, second) = visit.get(&format!("{playlist}&pageToken={}", first["nextPageToken"].as_str().unwrap())).await;
    assert_eq!((first["items"].as_array().unwrap().len(), second["items"].as_array().unwrap().len()), (5, 2));
    assert_eq!(second.get("nextPageToken"), None);
    let ids: Vec<_> = second["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["contentDetails"]["videoId"].as_str().unwrap())
        .collect();
    let (_, videos) = visit.get(&format!("{API}/videos?part=statistics&id={},AAAAAAAAAAA&{KEY}", ids.join(","))).await;
    assert_eq!(videos["items"].as_array().unwrap().len(), 2);
    assert_eq!(
        videos["items"][0]["statistics"],
        json!({"viewCount": "900", "likeCount": "50", "favoriteCount": "0", "commentCount": "4"})
    );
    let (status, refused) = visit.get(&uploads("empty").await).await;
    assert_eq!((status, &refused["error"]["errors"][0]["reason"]), (404, &json!("playlistNotFound")));
}

#[tokio::test]
async fn refusals_carry_their_reasons() {
    let visit = Visit::start().await;
    let check = async |path: &str, status: u16, reason: &str| {
        let (found, body) = visit.get(&format!("{API}/{path}")).await;
        assert_eq!((found, body["error"]["errors"][0]["reason"].as_str()), (status, Some(reason)), "{path}");
        assert_eq!(body["error"]["code"], status);
    };
    check("channels?part=id&id=UC1", 403, "forbidden").await;
    check("channels?part=id&id=UC1&key=wrong", 400, "keyInvalid").await;
    check(&format!("channels?part=id&{KEY}"), 400, "missingRequiredParameter").await;
    check(&format!("channels?part=id&id=a&forHandle=b&{KEY}"), 400, "incompatibleParameters").await;
    check(&format!("channels?part=nonsense&id=a&{KEY}"), 400, "unknownPart").await;
    check(&format!("channels?id=a&{KEY}"), 400, "required").await;
    check(&format!("channels?part=id&id=a&maxResults=51&{KEY}"), 400, "invalidParameter").await;
    check(&format!("channels?part=id&id={}&{KEY}", "a,".repeat(51)), 400, "invalidFilters").await;
    check(&format!("channels?part=id&id=a&pageToken=x&{KEY}"), 400, "invalidPageToken").await;
    check(&format!("channels?part=id&mine=true&{KEY}"), 401, "authorizationRequired").await;
    check(&format!("channels?part=id&ids=a&{KEY}"), 400, "badRequest").await;
}

#[tokio::test]
async fn an_unchanged_list_is_not_sent_twice() {
    let visit = Visit::start().await;
    visit.put("youtube", "star", json!({"growth_per_day": 1.0})).await;
    let url = format!("{}{API}/channels?part=statistics&forHandle=star&{KEY}", visit.sandbox.url());
    let etag = visit.client.get(&url).send().await.unwrap().json::<Value>().await.unwrap()["etag"]
        .as_str()
        .unwrap()
        .to_owned();
    let again = async || visit.client.get(&url).header("if-none-match", &etag).send().await.unwrap();
    let unchanged = again().await;
    assert_eq!(unchanged.status(), 304);
    assert_eq!(unchanged.bytes().await.unwrap().len(), 0);
    visit.sandbox.world().advance(std::time::Duration::from_secs(86_400));
    assert_eq!(again().await.status(), 200);
}
