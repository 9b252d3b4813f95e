//! Days are the daemon's, wherever the client is.

use roster_sandbox::Platform;
use serde_json::Value;

use crate::support::World;
use crate::support::programs::{CommandOutput, ROSTER, alone};

/// From noon to 22:20, when it is tomorrow in Tokyo.
const TO_THE_EVENING: i64 = 10 * 3600 + 20 * 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_in_tokyo_has_the_days_of_a_daemon_in_utc() {
    let world = World::new().await;
    world.followers(Platform::Youtube, "@mara", 2_000_000);
    let mara = world.add("Mara", "youtube", "@mara").await;
    let id = mara.connections[0].id.to_string();
    world.pass(TO_THE_EVENING).await;
    let home = tempfile::tempdir().expect("a throw-away directory");
    let tokyo = async |arguments: &[&str]| -> Value {
        let mut command = alone(ROSTER, home.path());
        command.env("TZ", "Asia/Tokyo").args(arguments).arg("--json").arg("--socket").arg(&world.daemon().socket);
        let output = CommandOutput::of(command).await;
        assert_eq!(output.code, Some(0), "{arguments:?}: {output:?}");
        output.json()
    };
    let days = async |arguments: &[&str]| -> Vec<String> {
        let history = tokyo(&[&["history", &id], arguments].concat()).await;
        let snapshots = history["snapshots"].as_array().expect("snapshots").clone();
        snapshots.iter().map(|day| format!("{} {}", day["date"], day["followers"]).replace('"', "")).collect()
    };
    let record = ["record", &id, "--followers", "2.1m", "--replace", "--date"];
    let today = tokyo(&[&record[..], &["today"]].concat()).await;
    assert_eq!((&today["date"], &today["followers"]), (&"2026-11-21".into(), &2_100_000.into()));
    let yesterday = tokyo(&["record", &id, "--followers", "1.9m", "--date", "yesterday"]).await;
    assert_eq!((&yesterday["date"], &yesterday["followers"]), (&"2026-11-20".into(), &1_900_000.into()));
    assert_eq!(days(&["--since", "today"]).await, ["2026-11-21 2100000"]);
    assert_eq!(days(&["--since", "yesterday"]).await, ["2026-11-20 1900000", "2026-11-21 2100000"]);
    assert_eq!(days(&["--until", "yesterday"]).await, ["2026-11-20 1900000"]);
    // The day began before noon in UTC, and after all of this in Tokyo.
    for (list, rows) in [("changes", "changes"), ("runs", "runs"), ("audit", "entries")] {
        let all = tokyo(&[list]).await;
        let of_today = tokyo(&[list, "--since", "today"]).await;
        assert!(all[rows].as_array().is_some_and(|rows| !rows.is_empty()), "{list}: {all}");
        assert_eq!(of_today[rows], all[rows], "{list}");
    }
}
