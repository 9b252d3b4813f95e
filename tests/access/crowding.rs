//! Users who do much, or what they may not: others work on, and an operator learns of it.

use std::time::{Duration, Instant};

use roster_protocol::NewInfluencer;
use roster_protocol::transport::{self, within};

use super::users::{BO, NO, Other, ROLES, home, is_root, socket_of_another, start};
use crate::support::programs::until;
use crate::support::raw::{self, Raw};
use crate::support::{LIMIT, figure, idle, limit, times};

/// Sends requests as fast as they are returned, on all the connections that it gets.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "another story runs it as another user"]
async fn sends_at_full_speed() {
    let socket = socket_of_another();
    let mut clients = Vec::new();
    while let Ok(client) = transport::connect(&socket).await {
        clients.push(client);
    }
    println!("\nsaid: {} connections", clients.len());
    let sending = clients.iter().flat_map(|client| (0..4).map(move |_| client)).map(async |client| {
        loop {
            let query = Default::default();
            if client.influencers(within(LIMIT), query).await.is_err() {
                return;
            }
        }
    });
    futures::future::join_all(sending).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_user_at_full_speed_does_not_hold_up_another() {
    if !is_root() {
        return;
    }
    let home = home(ROLES);
    let daemon = start(&home).await;
    for number in 0..times(100, 1000) {
        let new = NewInfluencer { name: format!("Mara {number}"), accounts: Vec::new(), tags: Vec::new(), note: None };
        daemon.client.add(within(LIMIT), new).await.expect("a response").expect("added");
    }
    let mut bo = Other::run("crowding::sends_at_full_speed", BO, &home.socket());
    assert_eq!(bo.said().await.as_deref(), Some("24 connections"));
    let mut took = Vec::new();
    for _ in 0..times(200, 3000) {
        let begun = Instant::now();
        daemon.client.status(within(LIMIT)).await.expect("a response").expect("a status");
        took.push(begun.elapsed());
    }
    took.sort_unstable();
    let p99 = took[took.len() * 99 / 100];
    figure(format!("beside 24 clients of another user at full speed a request is returned within {p99:?} (p99)"));
    assert!(p99 < limit(idle(Duration::from_millis(40))), "{p99:?}");
}

/// Connects again and again although it is refused.
#[tokio::test]
#[ignore = "another story runs it as another user"]
async fn tries_again_and_again() {
    let socket = socket_of_another();
    for _ in 0..1_500 {
        let (_, _, verdict) = Raw::knock(&socket, raw::VERSION).await.expect("a reply");
        assert_eq!(verdict, 3);
    }
    println!("\nsaid: done");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_refusals_are_few_lines_and_one_alert() {
    if !is_root() {
        return;
    }
    let home = home(ROLES);
    let _daemon = start(&home).await;
    let mut no = Other::run("crowding::tries_again_and_again", NO, &home.socket());
    assert_eq!(no.said().await.as_deref(), Some("done"));
    let alerts = until("an alert", async || {
        let alerts = home.json(&["alerts"]).await["alerts"].as_array().expect("a list").clone();
        (!alerts.is_empty()).then_some(alerts)
    });
    let alerts = alerts.await;
    assert_eq!((alerts.len(), &alerts[0]["rule"]), (1, &"refusals".into()), "{alerts:?}");
    let audit = home.json(&["audit"]).await;
    let refused = audit["entries"].as_array().expect("entries").iter().filter(|it| it["action"] == "access.refuse");
    let said: Vec<&str> = refused.map(|it| it["new"].as_str().expect("how many")).collect();
    assert_eq!(said, [1_000, 100, 10, 1].map(|count| format!("no role, {count} within an hour")));
}
