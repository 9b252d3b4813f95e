//! What is refused at the listener is counted by its reason, and noted in the audit log; many are an alert.

use reqwest::StatusCode;
use roster_protocol::audit::AuditEntry;
use roster_protocol::service::AuditQuery;
use roster_protocol::transport::within;

use crate::support::consent::{browser, open};
use crate::support::programs::until;
use crate::support::{LIMIT, World};

/// What the audit log says of refusals, oldest first: where, and why.
async fn noted(world: &World) -> Vec<(String, String)> {
    let query = AuditQuery { limit: 256, ..AuditQuery::default() };
    let rows = world.client.audit(within(LIMIT), query).await.expect("a response").expect("entries").rows;
    let refused = rows.into_iter().rev().filter(|entry: &AuditEntry| entry.action == "access.refuse");
    refused
        .map(|entry| {
            assert_eq!((entry.who, entry.cause.as_str()), (None, "request"));
            (entry.on, entry.new.expect("why"))
        })
        .collect()
}

fn line(on: &str, why: &str) -> (String, String) {
    (on.to_owned(), why.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_at_the_listener_are_counted_noted_sparingly_and_alerted_when_unusual() {
    let world = World::with_apps().await;
    let address = world.daemon().http.expect("it listens");
    let stranger = world.callback("youtube", "state=canary-state&code=canary-code");
    for _ in 0..10 {
        assert_eq!(open(&stranger).await.0, StatusCode::BAD_REQUEST);
    }
    assert_eq!(open(&world.callback("canary-platform", "state=x")).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(open(&format!("http://{address}/c/canary-code")).await.0, StatusCode::NOT_FOUND);
    let post = async |path: &str, host: &str| {
        let request = browser().post(format!("http://{address}/webhooks/{path}")).header("host", host);
        request.body("{\"canary\":1}").send().await.expect("a response").status()
    };
    assert_eq!(post("instagram", "localhost").await, StatusCode::UNAUTHORIZED);
    assert_eq!(post("instagram", "canary.example").await, StatusCode::MISDIRECTED_REQUEST);
    assert_eq!(post("canary-platform", "localhost").await, StatusCode::NOT_FOUND);
    let expected = [
        line("pages youtube", "no consent waits for it, 1 within an hour"),
        line("pages youtube", "no consent waits for it, 10 within an hour"),
        line("pages of no platform", "no consent waits for it, 1 within an hour"),
        line("pages of no platform", "no such address, 1 within an hour"),
        line("webhooks instagram", "not signed with the secret, 1 within an hour"),
        line("webhooks instagram", "for another host, 1 within an hour"),
        line("webhooks of no platform", "no such address, 1 within an hour"),
    ];
    assert_eq!(noted(&world).await, expected, "the platform is ours or none, and nothing that was sent is there");
    let (_, metrics) = open(&format!("http://{address}/metrics")).await;
    for (at, reason, count) in [("pages", "no_consent", 11), ("webhooks", "forged", 1), ("webhooks", "other_host", 1)] {
        let sample = format!("roster_http_requests_refused_total{{at=\"{at}\",reason=\"{reason}\"}} {count}");
        assert!(metrics.contains(&sample), "{sample} in {metrics}");
    }

    // Up to a hundred within ten minutes are usual; more lines than a dozen an hour are never written.
    for _ in 12..99 {
        open(&stranger).await;
    }
    assert!(world.alerts().await.is_empty());
    open(&stranger).await;
    let alert = until("so many are an alert", async || world.alerts().await.pop()).await;
    assert_eq!(alert.rule, "refusals");
    assert!(alert.why.contains("100 requests to the pages for owners were refused"), "{}", alert.why);
    assert!(noted(&world).await.len() <= 12, "{:?}", noted(&world).await);
    world.pass(30 * 60).await;
    until("it is over", async || world.alerts().await.is_empty().then_some(())).await;
}
