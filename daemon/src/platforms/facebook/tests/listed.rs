//! Insights that the list of posts reports, over HTTP.

use super::*;

const FIELD: &str = "insights.metric(post_media_view";
const WITH_REACH: &str = "insights.metric(post_media_view,post_total_media_view_unique)";

/// Two posts with their sums; the list reports the views of the first where these are requested.
fn with_views(requested: &Received, views: &Value) -> Reply {
    let mut reported = posts(true);
    let mut second = reported["data"][0].clone();
    second["id"] = json!("1_2");
    if requested.param("fields").contains(FIELD) {
        reported["data"][0]["insights"] = views.clone();
    }
    reported["data"].as_array_mut().expect("a list").push(second);
    Reply::ok(reported)
}

fn is_list(requested: &Received) -> bool {
    requested.path.ends_with("/published_posts")
}

/// Whether each list was requested with views, and how many posts were requested apart.
fn asked(server: &Server) -> (Vec<bool>, usize) {
    let requested = server.requested();
    let lists = requested.iter().filter(|requested| is_list(requested));
    let lists = lists.map(|requested| requested.param("fields").contains(FIELD)).collect();
    server.forget();
    (lists, requested.iter().filter(|requested| requested.path.ends_with("/insights")).count())
}

#[tokio::test]
async fn a_list_that_reports_views_saves_a_request_for_each_post() {
    let server = Server::start(|requested| match is_list(requested) {
        true => with_views(requested, &insights(500, 300)),
        false => healthy(requested),
    })
    .await;
    let facebook = facebook();
    for _ in 0..2 {
        let page = page(Some("page-token"), &ALL);
        let observed = facebook.observe(&api(through(&server.base)), std::slice::from_ref(&page)).await;
        let reported = in_order(observed).remove(0).expect("reported");
        // The second post reports none: that is no 0.
        let numbers = &reported.numbers;
        assert_eq!((numbers.avg_views, numbers.avg_reach), (Some(Mean(50_000)), Some(Mean(30_000))));
        assert!(reported.missing.is_empty(), "{reported:?}");
        assert_eq!(asked(&server), (vec![true], 0));
    }
    // What the owner did not allow is not requested with them.
    observe(&server, &page(Some("page-token"), &ALL[..3])).await.expect("reported");
    assert_eq!(asked(&server), (vec![false], 0));
}

#[tokio::test]
async fn a_list_that_does_not_is_requested_without_them_for_a_day() {
    for (reply, lists) in [
        (refusal(400, 100), vec![true, false]),
        (refusal(403, 10), vec![true, true, false]),
        (refusal(500, 1), vec![true, true, false]),
        (Reply::ok(posts(true)), vec![true]),
        (Reply::ok(json!({"data": [{"id": "1_1", "insights": 7}]})), vec![true]),
    ] {
        let server = Server::start(move |requested| match is_list(requested) {
            true if requested.param("fields").contains(FIELD) => reply.clone(),
            true => with_views(requested, &insights(500, 300)),
            false => healthy(requested),
        })
        .await;
        let facebook = facebook();
        for expected in [(lists, None), (vec![false], Some(2))] {
            let page = page(Some("page-token"), &ALL);
            let observed = facebook.observe(&api(through(&server.base)), std::slice::from_ref(&page)).await;
            let reported = in_order(observed).remove(0).expect("reported");
            assert_eq!((reported.numbers.avg_views, reported.missing.len()), (Some(Mean(90_000)), 0), "{reported:?}");
            let (lists, apart) = asked(&server);
            assert_eq!(lists, expected.0);
            assert!(expected.1.map_or(apart > 0, |expected| apart == expected), "{apart}");
        }
    }
}

#[tokio::test]
async fn a_small_page_that_refuses_reach_keeps_its_views() {
    // Where the list does not report insights, each post refuses them.
    for lists_insights in [true, false] {
        let server = Server::start(move |requested| {
            let names = ["fields", "metric"].map(|name| requested.param(name)).concat();
            match is_list(requested) {
                _ if names.contains("post_total_media_view_unique") && (lists_insights || !is_list(requested)) => {
                    refusal(403, 200)
                }
                true if lists_insights => with_views(requested, &json!({"data": [insights(500, 0)["data"][0]]})),
                true => Reply::ok(posts(true)),
                false if requested.path.ends_with("/insights") => {
                    Reply::ok(json!({"data": [insights(500, 0)["data"][0]]}))
                }
                false => healthy(requested),
            }
        })
        .await;
        let facebook = facebook();
        for is_first in [true, false] {
            let page = page(Some("page-token"), &ALL);
            let observed = facebook.observe(&api(through(&server.base)), std::slice::from_ref(&page)).await;
            let reported = in_order(observed).remove(0).expect("reported");
            assert_eq!((reported.numbers.avg_views, reported.numbers.avg_reach), (Some(Mean(50_000)), None));
            assert_eq!(reported.numbers.engagement_rate.map(|rate| rate.as_f64()), Some(0.1));
            assert!(reported.missing.is_empty() && reported.refused.is_empty(), "{reported:?}");
            let with_reach = server.requested().iter().filter(|it| it.param("fields").contains(WITH_REACH)).count();
            assert_eq!(with_reach > 0, is_first, "reach is left out for a day");
            let expected = match (lists_insights, is_first) {
                (true, true) => (vec![true, true, true], 0),
                (true, false) => (vec![true], 0),
                (false, true) => (vec![true], 2),
                (false, false) => (vec![false], 1),
            };
            assert_eq!(asked(&server), expected, "{lists_insights}");
        }
    }
}

#[tokio::test]
async fn refused_sums_do_not_cost_the_views_of_the_list() {
    let server = Server::start(|requested| match (is_list(requested), requested.param("fields").contains("summary")) {
        (true, true) => refusal(403, 200),
        (true, false) => with_views(requested, &insights(500, 300)),
        _ => healthy(requested),
    })
    .await;
    let reported = observe(&server, &page(Some("page-token"), &ALL)).await.expect("reported");
    assert_eq!(reported.numbers.avg_views, Some(Mean(50_000)));
    assert_eq!(
        reported.missing,
        ["reactions and comments: Facebook refused them, as if pages_read_user_content is missing"]
    );
    assert_eq!(asked(&server), (vec![true, true], 0));
}
