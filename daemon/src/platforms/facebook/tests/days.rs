//! A Page's figures of days, over HTTP.

use roster_protocol::reported::DayMetric;
use roster_protocol::time::{Date, Timestamp};

use super::*;

/// What is requested of days, in their order.
const NAMES: [&str; 7] = [
    "page_follows",
    "page_daily_follows_unique",
    "page_daily_unfollows_unique",
    "page_total_media_view_unique",
    "page_media_view",
    "page_post_engagements",
    "page_views_total",
];

/// The newest day that is over at noon of 2026-11-21 in UTC.
const NEWEST: &str = "2026-11-20";

fn date(text: &str) -> Date {
    text.parse().expect(text)
}

fn since(days_from: Date) -> Account {
    Account { days_from: Some(days_from), ..page(Some("page-token"), &ALL) }
}

fn is_of_days(requested: &Received) -> bool {
    !requested.param("since").is_empty()
}

/// When a request's days begin and end.
fn bounds(requested: &Received) -> [String; 2] {
    let at = |name| Timestamp(requested.param(name).parse::<i64>().expect(name) * 1000).to_string();
    [at("since"), at("until")]
}

/// Each requested name with its own place in the list as the value of the newest day.
fn newest(requested: &Received) -> Reply {
    let place = |name: &str| NAMES.iter().position(|known| *known == name).expect("a known name");
    let values = |name| json!([{"value": place(name) * 10, "end_time": "2026-11-21T08:00:00+0000"}]);
    let series = requested.param("metric").split(',').map(|name| json!({"name": name, "values": values(name)}));
    Reply::ok(json!({"data": series.collect::<Vec<_>>()}))
}

fn world(requested: &Received) -> Reply {
    match requested.param("metric") {
        "page_follows_country" => Reply::ok(include_str!("../fixtures/countries.json")),
        _ if is_of_days(requested) => newest(requested),
        _ => healthy(requested),
    }
}

#[tokio::test]
async fn figures_of_days_cost_two_requests() {
    let server = Server::start(world).await;
    let reported = observe(&server, &since(date("2026-11-14"))).await.expect("reported");
    assert!(reported.missing.is_empty(), "{reported:?}");
    let [day] = reported.days.as_deref().expect("days") else { panic!("{reported:?}") };
    assert_eq!(day.date, date(NEWEST));
    let known: Vec<_> = DayMetric::ALL.iter().filter_map(|metric| Some((*metric, day.numbers.get(*metric)?))).collect();
    let expected = [
        (DayMetric::Followers, 0),
        (DayMetric::Gained, 10),
        (DayMetric::Lost, 20),
        (DayMetric::Reach, 30),
        (DayMetric::Views, 40),
        (DayMetric::Engagements, 50),
        (DayMetric::ProfileViews, 60),
    ];
    assert_eq!(known, expected);
    let audience = reported.audience.expect("an audience");
    assert_eq!((audience.countries.len(), audience.ages.len(), audience.genders.len()), (3, 0, 0));
    let requested = server.requested();
    let of_days: Vec<_> = requested.iter().filter(|requested| is_of_days(requested)).collect();
    let [only] = of_days.as_slice() else { panic!("{}", of_days.len()) };
    assert_eq!(
        (only.param("metric"), only.param("period"), token_of(only).as_str()),
        (&*NAMES.join(","), "day", "page-token")
    );
    assert_eq!(bounds(only), ["2026-11-14T08:00:00Z", "2026-11-21T08:00:00Z"]);
    assert_eq!(server.forget(), 5);
    // Where they are not wanted neither is requested.
    let reported = observe(&server, &page(Some("page-token"), &ALL)).await.expect("reported");
    assert_eq!((reported.days, reported.audience, server.forget()), (None, None, 3));
    let less = Account { days_from: Some(date(NEWEST)), ..page(Some("page-token"), &ALL[..3]) };
    let reported = observe(&server, &less).await.expect("reported");
    assert_eq!((reported.days, server.forget()), (None, 2));
    assert_eq!(reported.missing, ["views, reach and figures of days: the owner did not allow read_insights"]);
}

#[tokio::test]
async fn days_are_requested_back_to_the_first_that_are_not_reported() {
    let two_years = date(NEWEST).plus_days(-730);
    let server = Server::start(world).await;
    observe(&server, &since(two_years)).await.expect("reported");
    let of_days = server.requested().iter().filter(|requested| is_of_days(requested)).map(bounds).collect::<Vec<_>>();
    let expected = [
        // Each of 89 days, of which the first has an hour more: summer time ended on 2026-11-01.
        ["2026-08-24T07:00:00Z", "2026-11-21T08:00:00Z"],
        ["2026-05-27T07:00:00Z", "2026-08-24T07:00:00Z"],
    ];
    assert_eq!(of_days, expected, "the second has no day of its own");

    // Whatever is reported, requests are bounded.
    let endless = |requested: &Received| match is_of_days(requested) {
        true => {
            let end: i64 = requested.param("until").parse().expect("until");
            let values = json!([{"value": 1, "end_time": Timestamp(end * 1000).to_string()}]);
            Reply::ok(json!({"data": [{"name": "page_follows", "values": values}]}))
        }
        false => world(requested),
    };
    let server = Server::start(endless).await;
    let reported = observe(&server, &since(two_years)).await.expect("reported");
    assert_eq!(reported.days.map(|days| days.len()), Some(8));
    let requested = server.requested();
    let of_days: Vec<_> = requested.iter().filter(|requested| is_of_days(requested)).collect();
    let length = |requested: &&Received| {
        let at = |name| requested.param(name).parse::<i64>().expect(name);
        at("until") - at("since")
    };
    assert!(of_days.len() == 8 && of_days.iter().map(length).all(|seconds| seconds <= 90 * 86_400));
}

#[tokio::test]
async fn a_refused_name_costs_itself_only() {
    for (code, expected) in
        [(100, vec!["figures of days: Facebook refused page_total_media_view_unique"]), (200, Vec::new())]
    {
        let server = Server::start(move |requested| {
            match is_of_days(requested) && requested.param("metric").contains("page_total_media_view_unique") {
                true => refusal(400, code),
                false => world(requested),
            }
        })
        .await;
        let facebook = facebook();
        let mut requests = Vec::new();
        for round in 0..2 {
            let page = since(date("2026-11-14"));
            let observed = facebook.observe(&api(through(&server.base)), std::slice::from_ref(&page)).await;
            let reported = in_order(observed).remove(0).expect("reported");
            let days = reported.days.expect("days");
            let day = &days[0].numbers;
            assert_eq!((day.get(DayMetric::Reach), day.get(DayMetric::Views)), (None, Some(40)), "{code}");
            assert_eq!(reported.missing, if round == 0 { expected.clone() } else { Vec::new() }, "{code}");
            requests.push(server.requested().iter().filter(|requested| is_of_days(requested)).count());
            server.forget();
        }
        assert_eq!(requests, [8, 1], "together and each apart, then without it");
    }
}

#[tokio::test]
async fn what_is_not_reported_of_days_is_said_once_and_costs_nothing_else() {
    let denied = "figures of days: Facebook says that a permission is missing, although read_insights was allowed: ";
    for (reply, expected) in [
        (Reply::ok(json!({"data": []})), None),
        (refusal(403, 10), Some(denied)),
        (refusal(400, 100), Some("figures of days: Facebook refused page_follows, page_daily_follows_unique, ")),
        (refusal(500, 2), Some("figures of days: Facebook reports that it cannot respond now (2)")),
        (Reply::ok("<html>"), Some("figures of days: ")),
        (Reply::ok(json!({"data": [7]})), Some("figures of days: ")),
    ] {
        let server = Server::start(move |requested| match is_of_days(requested) {
            true => reply.clone(),
            false => world(requested),
        })
        .await;
        let reported = observe(&server, &since(date("2026-11-14"))).await.expect("reported");
        assert!(reported.numbers.avg_views.is_some(), "{reported:?}");
        match expected {
            None => assert!(reported.missing.is_empty() && reported.days == Some(Vec::new()), "{reported:?}"),
            Some(words) => {
                let [missing] = reported.missing.as_slice() else { panic!("{reported:?}") };
                assert!(missing.starts_with(words) && reported.days.is_none(), "{missing}");
            }
        }
    }
}

#[tokio::test]
async fn a_failure_on_the_way_back_keeps_nothing_and_a_refusal_ends_it() {
    let two_years = date(NEWEST).plus_days(-730);
    for (code, status, days) in [(100, 400, Some(1)), (2, 500, None)] {
        let server = Server::start(move |requested| match is_of_days(requested) {
            true if bounds(requested)[1] != "2026-11-21T08:00:00Z" => refusal(status, code),
            _ => world(requested),
        })
        .await;
        let reported = observe(&server, &since(two_years)).await.expect("reported");
        assert_eq!((reported.days.map(|days| days.len()), reported.missing.len()), (days, days.map_or(1, |_| 0)));
    }
}

#[tokio::test]
async fn countries_that_are_refused_are_not_missing() {
    for (reply, missing, requests) in [
        (refusal(400, 100), 0, 1),
        (refusal(403, 200), 0, 1),
        (Reply::ok(json!({"data": []})), 0, 2),
        (refusal(500, 2), 1, 2),
    ] {
        let server = Server::start(move |requested| match requested.param("metric") {
            "page_follows_country" => reply.clone(),
            _ => world(requested),
        })
        .await;
        let facebook = facebook();
        for _ in 0..2 {
            let page = since(date("2026-11-14"));
            let observed = facebook.observe(&api(through(&server.base)), std::slice::from_ref(&page)).await;
            let reported = in_order(observed).remove(0).expect("reported");
            assert_eq!((reported.audience, reported.days.map(|days| days.len())), (None, Some(1)));
            assert!(
                reported.missing.len() == missing && reported.missing.iter().all(|it| it.starts_with("audience: "))
            );
        }
        let is_it = |requested: &&Received| requested.param("metric") == "page_follows_country";
        assert_eq!(server.requested().iter().filter(is_it).count(), requests);
    }
}
