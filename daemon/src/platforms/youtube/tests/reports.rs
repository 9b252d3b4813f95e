//! What is requested once a day: figures of days, and countries.

use roster_protocol::reported::DayMetric;
use roster_protocol::time::Date;

use super::consented::{AUDIENCE, READ, channel_id, consented, some_channel, token_of};
use super::*;

fn date(text: &str) -> Date {
    text.parse().expect(text)
}

/// An owner's channel whose days are wanted.
fn wanting(number: u8, token: &str, from: &str) -> Account {
    Account { days_from: Some(date(from)), ..consented(number, token, &[READ, AUDIENCE]) }
}

/// Channels are in good health; `report` returns the reports.
async fn serve(report: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Server {
    Server::start(move |requested| match requested.path.ends_with("/v2/reports") {
        true => report(requested),
        // A channel that is looked up has an id, too.
        false if requested.param("id").is_empty() => Reply::ok(some_channel(ID)),
        false => Reply::ok(some_channel(requested.param("id"))),
    })
    .await
}

fn in_full(requested: &Received) -> Reply {
    Reply::ok(match requested.param("dimensions") {
        "day" => include_str!("../fixtures/days.json"),
        "country" => include_str!("../fixtures/countries.json"),
        _ => include_str!("../fixtures/demographics.json"),
    })
}

async fn observed(server: &Server, accounts: &[Account]) -> Vec<Observation> {
    let youtube = YouTube::new(Some(Secret::new("k")), None);
    let observed = in_order(youtube.observe(&api(through(&server.base)), accounts).await);
    observed.into_iter().map(|result| result.expect("a channel")).collect()
}

#[tokio::test]
async fn figures_of_days_are_requested_once_and_only_where_they_are_wanted() {
    let server = serve(in_full).await;
    let unwanted = consented(1, "unwanted", &[READ, AUDIENCE]);
    let by_key = Account { days_from: Some(date("2026-11-12")), ..account(2, "@public", Some(&channel_id(2))) };
    let elsewhere = Account { platform_user_id: None, ..wanting(3, "elsewhere", "2026-11-12") };
    let accounts = [wanting(0, "wanted", "2026-11-17"), unwanted, by_key, elsewhere];
    let observed = observed(&server, &accounts).await;
    let days = observed[0].days.as_ref().expect("days");
    let figures: Vec<_> = days.iter().map(|day| (day.date, day.numbers.get(DayMetric::Gained))).collect();
    assert_eq!(figures, [(date("2026-11-17"), Some(73)), (date("2026-11-18"), Some(41))]);
    for (index, reported) in observed.iter().enumerate() {
        assert_eq!((reported.days.is_some(), reported.missing.as_slice()), (index == 0, [].as_slice()), "{index}");
    }

    let requested = server.requested();
    let of_days: Vec<_> = requested.iter().filter(|it| it.param("dimensions") == "day").collect();
    let [request] = of_days.as_slice() else { panic!("{} requests of days", of_days.len()) };
    assert_eq!((token_of(request).as_str(), request.param("ids")), ("wanted", "channel==MINE"));
    // All of the audience's days, to the newest that is over in Los Angeles; the reports of the newest ones are late.
    assert_eq!((request.param("startDate"), request.param("endDate")), ("2026-08-21", "2026-11-20"));
    let all = "subscribersGained,subscribersLost,views,engagedViews,estimatedMinutesWatched,likes,comments,shares";
    assert_eq!(request.param("metrics"), all);
}

const LIMITED: &str = "the platform limits how often requests may be sent";

#[tokio::test]
async fn a_refusal_of_days_costs_nothing_else() {
    let server = serve(|requested| match (requested.param("dimensions"), token_of(requested).as_str()) {
        ("day", "unsupported") => refusal(400, "badRequest"),
        ("day", "limited") => refusal(403, "quotaExceeded"),
        ("day", "odd") => Reply::ok(json!({"columnHeaders": [], "rows": [[1]]})),
        ("day", "new") => Reply::ok(json!({"columnHeaders": [{"name": "day"}, {"name": "views"}]})),
        _ => in_full(requested),
    })
    .await;
    for (token, days, missing) in [
        ("unsupported", None, "figures of days: youtube refused (400): badRequest"),
        ("limited", None, &*["figures of days", "countries"].map(|what| format!("{what}: {LIMITED}")).join("; ")),
        ("odd", None, "figures of days: youtube: the report lacks a column"),
        ("new", Some(vec![]), ""),
    ] {
        let observed = observed(&server, &[wanting(0, token, "2026-11-12")]).await;
        assert_eq!((&observed[0].days, observed[0].missing.join("; ").as_str()), (&days, missing));
        assert_eq!((observed[0].numbers.followers, observed[0].audience.is_some()), (Some(2000), true), "{token}");
    }
}

#[tokio::test]
async fn more_days_than_those_of_the_audience_are_requested_where_they_are_wanted() {
    let server = serve(in_full).await;
    observed(&server, &[wanting(0, "wanted", "2024-11-21")]).await;
    let first = |dimensions: &str| {
        let requested = server.requested();
        let of = requested.iter().find(|it| it.param("dimensions") == dimensions).expect(dimensions);
        of.param("startDate").to_owned()
    };
    assert_eq!((first("day").as_str(), first("country").as_str()), ("2024-11-21", "2026-08-21"));
}

#[tokio::test]
async fn countries_are_shares_of_all_views_of_the_audiences_days() {
    let server = serve(|requested| match (requested.param("dimensions"), token_of(requested).as_str()) {
        ("day", "whole") => Reply::ok(json!({"columnHeaders": [{"name": "day"}, {"name": "views"}],
            "rows": [["2026-08-21", 830_000], ["2026-11-18", 200_000], ["2026-11-19", 5_000_000]]})),
        ("day", "without-days") => refusal(400, "badRequest"),
        ("country", "without-countries") => refusal(400, "badRequest"),
        ("ageGroup,gender", "without-audience") => refusal(500, "backendError"),
        _ => in_full(requested),
    })
    .await;
    let reported = async |token: &str| observed(&server, &[wanting(0, token, "2026-11-12")]).await.remove(0);
    let first = |reported: &Observation| {
        let audience = reported.audience.as_ref().expect("an audience");
        audience.countries.first().map(|(country, share)| format!("{country} {}", share.0))
    };
    let whole = reported("whole").await;
    assert_eq!(first(&whole).as_deref(), Some("DE 412000"), "412 000 of 1 000 000 whose country is known");
    let days: Vec<Date> = whole.days.iter().flatten().map(|day| day.date).collect();
    assert_eq!(days, [date("2026-11-18"), date("2026-11-19")]);
    let requested = server.requested();
    let request = requested.iter().find(|it| it.param("dimensions") == "country").expect("a request");
    let parameters = ["ids", "startDate", "endDate", "metrics", "sort", "maxResults"].map(|name| request.param(name));
    assert_eq!(parameters, ["channel==MINE", "2026-08-21", "2026-11-18", "views", "-views", "25"]);

    assert_eq!(first(&reported("without-days").await).as_deref(), Some("DE 725991"), "of what is reported");
    let without = reported("without-countries").await;
    assert_eq!(
        (first(&without), without.missing.as_slice()),
        (None, ["countries: youtube refused (400): badRequest".to_owned()].as_slice())
    );
    let sent = server.requested().len();
    let without = reported("without-audience").await;
    assert_eq!((without.audience, without.days.is_some(), without.missing.len()), (None, true, 1));
    assert_eq!(server.requested().len() - sent, 3, "no countries for an audience that was not read");
}
