//! Insights that the list of posts reports, over HTTP.

use super::*;

const FIELD: &str = "insights.metric(views,shares,saved,reach,reposts)";

/// Two posts; the list reports the insights of the first where these are requested: 5,000 views, 20 shares, 5 saves,
/// 3,000 accounts reached, no repost.
fn list(requested: &Received) -> Reply {
    let mut first = media("p1", 100);
    if requested.param("fields").contains(FIELD) {
        let metric =
            |(name, value): (&str, u64)| json!({"name": name, "period": "lifetime", "values": [{"value": value}]});
        let metrics = [("views", 5000), ("shares", 20), ("saved", 5), ("reach", 3000), ("reposts", 0)].map(metric);
        first["insights"] = json!({"data": metrics});
    }
    Reply::ok(json!({"data": [first, media("p2", 100)]}))
}

fn world(requested: &Received) -> Reply {
    match requested.path.rsplit('/').next() {
        Some("media") => list(requested),
        Some("insights") if !requested.param("breakdown").is_empty() => Reply::ok(json!({"data": []})),
        Some("insights") => equal_insights(requested),
        _ => {
            let mut reported = profile("11", 10_000);
            reported["user_id"] = json!("11");
            Reply::ok(reported)
        }
    }
}

/// Each list that was requested, by its limit and whether with insights, and how many posts were requested apart.
fn asked(server: &Server) -> (Vec<(String, bool)>, usize) {
    let requested = server.requested();
    let lists = requested.iter().filter(|requested| requested.path.ends_with("/media"));
    let list = |requested: &Received| (requested.param("limit").to_owned(), requested.param("fields").contains(FIELD));
    let apart = requested.iter().filter(|requested| requested.param("metric").contains("views")).count();
    server.forget();
    (lists.map(list).collect(), apart)
}

fn is_with_insights(requested: &Received) -> bool {
    requested.param("fields").contains(FIELD)
}

#[tokio::test]
async fn a_list_that_reports_insights_saves_a_request_for_each_post() {
    for (login, scopes) in [(Login::Facebook, &ALL[..]), (Login::Instagram, &LOGIN_ALL)] {
        let server = Server::start(world).await;
        let instagram = instagram(login);
        for _ in 0..2 {
            let observed = observe(&instagram, &server, &[consented(0, "11", scopes)]).await;
            let reported = observed[0].as_ref().expect("reported");
            // The second post reports none: that is no 0.
            assert_eq!((reported.numbers.avg_views, reported.missing.len()), (Some(Mean(500_000)), 0), "{reported:?}");
            let numbers = &reported.numbers;
            assert_eq!((numbers.avg_reach, numbers.avg_reposts), (Some(Mean(300_000)), Some(Mean(0))));
            // 100 likes, 10 comments, 20 shares and 5 saves, of 10,000.
            assert_eq!(reported.numbers.engagement_rate.map(|rate| rate.as_f64()), Some(0.0135));
            assert_eq!(asked(&server), (vec![("15".to_owned(), true)], 0));
        }
        observe(&instagram, &server, &[consented(0, "11", &scopes[..1])]).await.remove(0).expect("reported");
        assert_eq!(asked(&server), (vec![("25".to_owned(), false)], 0), "they were not allowed");
    }
}

#[tokio::test]
async fn a_list_that_does_not_is_requested_without_them_for_a_day() {
    let bare = json!({"data": [media("p1", 100), media("p2", 100)]});
    let (with, without) = (("15".to_owned(), true), ("25".to_owned(), false));
    for (reply, lists) in [
        (refusal(400, 100, 0), vec![with.clone(), without.clone()]),
        (refusal(400, 100, 2_108_006), vec![with.clone(), without.clone()]),
        (refusal(403, 10, 0), vec![with.clone(), without.clone()]),
        (refusal(500, 1, 0), vec![with.clone(), without.clone()]),
        (Reply::ok(bare), vec![with]),
    ] {
        let server = Server::start(move |requested| match is_with_insights(requested) {
            true => reply.clone(),
            false => world(requested),
        })
        .await;
        let instagram = instagram(Login::Facebook);
        for expected in [lists, vec![without.clone()]] {
            let observed = observe(&instagram, &server, &[consented(0, "11", &ALL)]).await;
            let reported = observed[0].as_ref().expect("reported");
            assert_eq!((reported.numbers.avg_views, reported.missing.len()), (Some(Mean(500_000)), 0), "{reported:?}");
            assert_eq!(asked(&server), (expected, 2));
        }
    }
}

#[tokio::test]
async fn an_outage_of_the_list_is_no_refusal() {
    let server = Server::start(|requested| match is_with_insights(requested) {
        true => Reply::Json(503, "{}".to_owned()),
        false => world(requested),
    })
    .await;
    let instagram = instagram(Login::Facebook);
    for _ in 0..2 {
        let observed = observe(&instagram, &server, &[consented(0, "11", &ALL)]).await;
        let reported = observed[0].as_ref().expect("reported");
        assert!(reported.missing[0].starts_with("posts: "), "{reported:?}");
        assert_eq!(asked(&server), (vec![("15".to_owned(), true)], 0));
    }
}
