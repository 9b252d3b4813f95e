//! An account's figures of days, over HTTP.

use roster_protocol::reported::{DayMetric, ReportedDay};
use roster_protocol::time::{Date, Timestamp};

use super::*;

fn date(text: &str) -> Date {
    text.parse().expect(text)
}

/// An account whose days are wanted from this one on.
fn since(first: &str, scopes: &[&str]) -> Account {
    Account { days_from: Some(date(first)), ..consented(0, "11", scopes) }
}

/// What is requested of insights besides posts: the metric and what it is broken down by.
fn asked(requested: &Received) -> Option<(&str, &str)> {
    let is_of_account = requested.path.ends_with("/11/insights");
    is_of_account.then(|| (requested.param("metric"), requested.param("breakdown")))
}

/// When a request's days begin and end.
fn bounds(requested: &Received) -> [String; 2] {
    let at = |name| Timestamp(requested.param(name).parse::<i64>().expect(name) * 1000).to_string();
    [at("since"), at("until")]
}

/// One value of reach on the last day that is requested; of follows as many as the day of the month.
fn world(followers: u64) -> impl Fn(&Received) -> Reply + Clone {
    move |requested: &Received| match (asked(requested), requested.path.rsplit('/').next()) {
        (Some(("reach", "")), _) => {
            assert_eq!((requested.param("period"), requested.param("metric_type")), ("day", "time_series"));
            let values = json!([{"value": 700, "end_time": bounds(requested)[1]}]);
            Reply::ok(json!({"data": [{"name": "reach", "period": "day", "values": values}]}))
        }
        (Some(("follows_and_unfollows", "follow_type")), _) => {
            assert_eq!((requested.param("period"), requested.param("metric_type")), ("day", "total_value"));
            let day: u64 = bounds(requested)[0][8..10].parse().expect("a day");
            Reply::ok(include_str!("../fixtures/follows.json").replace("42", &day.to_string()))
        }
        (Some(("follower_demographics", "country")), _) => Reply::ok(include_str!("../fixtures/countries.json")),
        (Some(("follower_demographics", "age,gender")), _) => Reply::ok(include_str!("../fixtures/demographics.json")),
        (Some(other), _) => panic!("{other:?}"),
        (None, Some("media")) => Reply::ok(json!({"data": []})),
        _ => {
            let mut reported = profile("11", followers);
            reported["user_id"] = json!("11");
            Reply::ok(reported)
        }
    }
}

async fn read(instagram: &Instagram, server: &Server, account: Account) -> Observation {
    observe(instagram, server, &[account]).await.remove(0).expect("reported")
}

fn numbers(days: &[ReportedDay]) -> Vec<(String, [Option<u64>; 3])> {
    let metrics = [DayMetric::Gained, DayMetric::Lost, DayMetric::Reach];
    days.iter().map(|day| (day.date.to_string(), metrics.map(|metric| day.numbers.get(metric)))).collect()
}

#[tokio::test]
async fn days_of_both_logins_cost_one_request_a_day_of_follows_and_two_more() {
    for (login, scopes) in [(Login::Facebook, &ALL[..]), (Login::Instagram, &LOGIN_ALL)] {
        let server = Server::start(world(1000)).await;
        let reported = read(&instagram(login), &server, since("2026-11-17", scopes)).await;
        assert!(reported.missing.is_empty(), "{reported:?}");
        let of_follows = |day: u64| [Some(day), Some(17), None];
        let expected = [
            ("2026-11-17", of_follows(17)),
            ("2026-11-18", of_follows(18)),
            // Who followed on the newest day is not known yet.
            ("2026-11-19", of_follows(19)),
            ("2026-11-20", [None, None, Some(700)]),
        ];
        let expected: Vec<_> = expected.iter().map(|(day, numbers)| ((*day).to_owned(), *numbers)).collect();
        assert_eq!(numbers(reported.days.as_deref().expect("days")), expected);
        let audience = reported.audience.expect("an audience");
        assert_eq!((audience.genders.len(), audience.ages.len(), audience.countries.len()), (3, 2, 2));
        let requested = server.requested();
        let of_days: Vec<_> = requested.iter().filter(|requested| !requested.param("since").is_empty()).collect();
        let asked: Vec<_> = of_days.iter().map(|requested| (requested.param("metric"), bounds(requested))).collect();
        let day = |number: u32| [format!("2026-11-{number}T08:00:00Z"), format!("2026-11-{}T08:00:00Z", number + 1)];
        let whole = ["2026-11-17T08:00:00Z", "2026-11-21T08:00:00Z"].map(str::to_owned);
        let follows = "follows_and_unfollows";
        assert_eq!(asked, [("reach", whole), (follows, day(19)), (follows, day(18)), (follows, day(17))]);
        // Profile, posts, audience, countries.
        assert_eq!(server.forget(), 4 + 4);
        let reported = read(&instagram(login), &server, consented(0, "11", scopes)).await;
        assert_eq!((reported.days, server.forget()), (None, 3), "they were not wanted");
        assert!(reported.audience.is_some_and(|audience| audience.ages.len() == 2 && audience.countries.is_empty()));
    }
}

#[tokio::test]
async fn the_first_time_is_three_months_and_seven_days() {
    let server = Server::start(world(1000)).await;
    let reported = read(&instagram(Login::Facebook), &server, since("2024-11-21", &ALL)).await;
    let days = numbers(reported.days.as_deref().expect("days"));
    let reach: Vec<_> = days.iter().filter(|(_, of)| of[2].is_some()).map(|(day, _)| day.as_str()).collect();
    assert_eq!(reach, ["2026-09-23", "2026-10-22", "2026-11-20"]);
    let gained: Vec<_> = days.iter().filter(|(_, of)| of[0].is_some()).map(|(day, _)| day.as_str()).collect();
    assert_eq!((gained.len(), gained.first(), gained.last()), (7, Some(&"2026-11-13"), Some(&"2026-11-19")));
    let requested = server.requested();
    let length = |requested: &Received| {
        let at = |name| requested.param(name).parse::<i64>().expect(name);
        at("until") - at("since")
    };
    let reach: Vec<_> = requested.iter().filter(|requested| requested.param("metric") == "reach").map(length).collect();
    // Summer time ended within the first 29 days.
    assert_eq!(reach, [29 * 86_400 + 3600, 29 * 86_400, 29 * 86_400]);
}

#[tokio::test]
async fn below_a_hundred_followers_only_reach_is_requested() {
    let server = Server::start(world(99)).await;
    let reported = read(&instagram(Login::Facebook), &server, since("2026-11-17", &ALL)).await;
    let days = numbers(reported.days.as_deref().expect("days"));
    assert_eq!(days, [("2026-11-20".to_owned(), [None, None, Some(700)])]);
    assert_eq!((reported.audience, reported.missing.len()), (None, 0));
    let asked: Vec<_> = server
        .requested()
        .iter()
        .filter_map(|requested| asked(requested).map(|(metric, _)| metric.to_owned()))
        .collect();
    assert_eq!(asked, ["reach"]);
}

#[tokio::test]
async fn what_is_refused_or_fails_costs_itself() {
    let unavailable = "Instagram reports that it cannot respond now (2)";
    for (metric, reply, missing, days, again) in [
        ("reach", refusal(400, 100, 0), "figures of days: Instagram refused reach".to_owned(), Some(3), 0),
        ("reach", refusal(500, 2, 0), format!("figures of days: {unavailable}"), None, 1),
        (
            "follows_and_unfollows",
            refusal(400, 100, 0),
            "figures of days: Instagram refused follows_and_unfollows".to_owned(),
            Some(1),
            0,
        ),
        (
            "follows_and_unfollows",
            refusal(500, 2, 0),
            format!("figures of days: gained and lost: {unavailable}"),
            Some(1),
            1,
        ),
        ("follower_demographics", refusal(500, 2, 0), format!("countries: {unavailable}"), Some(4), 1),
        (
            "follower_demographics",
            refusal(400, 100, 0),
            "countries: Instagram refused: error 100/0".to_owned(),
            Some(4),
            0,
        ),
    ] {
        let healthy = world(1000);
        let server = Server::start(move |requested| match asked(requested) {
            Some((asked, by)) if asked == metric && by != "age,gender" => reply.clone(),
            _ => healthy(requested),
        })
        .await;
        let instagram = instagram(Login::Facebook);
        let reported = read(&instagram, &server, since("2026-11-17", &ALL)).await;
        assert_eq!(reported.missing, [missing], "{metric}");
        assert_eq!(reported.days.map(|days| days.len()), days, "{metric}");
        assert!(reported.numbers.audience_female.is_some());
        server.forget();
        read(&instagram, &server, since("2026-11-17", &ALL)).await;
        let is_it =
            |requested: &&Received| asked(requested).is_some_and(|(asked, by)| asked == metric && by != "age,gender");
        assert_eq!(server.requested().iter().filter(is_it).count(), again, "{metric}");
    }
}

#[tokio::test]
async fn an_account_without_days_reports_none() {
    let healthy = world(1000);
    let server = Server::start(move |requested| match asked(requested) {
        Some(("reach" | "follows_and_unfollows", _)) => Reply::ok(json!({"data": []})),
        _ => healthy(requested),
    })
    .await;
    let reported = read(&instagram(Login::Facebook), &server, since("2024-11-21", &ALL)).await;
    assert_eq!((reported.days, reported.missing.len()), (Some(Vec::new()), 0));
    let reach = server.requested().iter().filter(|requested| requested.param("metric") == "reach").count();
    assert_eq!(reach, 1, "before an empty window nothing is requested");
}
