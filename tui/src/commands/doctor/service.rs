//! The unit that started the daemon, as the service manager has it: also what was changed in a drop-in.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::SignedDuration;
use roster_protocol::time::Seconds;
use roster_protocol::{Finding, ServiceUnit};

use super::program;

/// How long the service manager may take.
const LONGEST: Duration = Duration::from_secs(4);
const PROPERTIES: &str = "--property=TimeoutStopUSec,Restart,NeedDaemonReload,UnitFileState";

/// What is wrong with the unit, and whether it outlives a log-out.
pub async fn look(unit: &ServiceUnit, ends_within: Seconds) -> Vec<Finding> {
    let mut arguments = vec!["show", unit.name.as_str(), PROPERTIES];
    arguments.extend(unit.of_user.then_some("--user"));
    let shown = program::run("systemctl", &arguments, LONGEST).await.filter(|shown| shown.well);
    let mut found = shown.map(|shown| findings(unit, &properties(&shown.out), ends_within)).unwrap_or_default();
    if unit.of_user {
        let user = rustix::process::getuid().as_raw().to_string();
        let linger = program::run("loginctl", &["show-user", &user, "--property=Linger"], LONGEST).await;
        found.extend(linger.filter(|it| it.out.trim() == "Linger=no").map(|_| Finding {
            fix: Some("`loginctl enable-linger` keeps it running, and starts it with the machine".to_owned()),
            ..Finding::note("service", "it ends when you log out: until you are back nothing is synced")
        }));
    }
    found
}

fn properties(shown: &str) -> BTreeMap<&str, &str> {
    shown.lines().filter_map(|line| line.trim().split_once('=')).collect()
}

fn findings(unit: &ServiceUnit, properties: &BTreeMap<&str, &str>, ends_within: Seconds) -> Vec<Finding> {
    let systemctl = if unit.of_user { "systemctl --user" } else { "systemctl" };
    let name = &unit.name;
    let is = |property: &str, value: &str| properties.get(property).is_some_and(|found| *found == value);
    let stop = properties.get("TimeoutStopUSec").and_then(|text| text.parse::<SignedDuration>().ok());
    let is_short = stop.is_some_and(|stop| stop < SignedDuration::from_secs(ends_within.0 as i64));
    let short = is_short.then(|| {
        let said = format!(
            "it is killed before it has ended: that may take {} s, for tokens that are being renewed",
            ends_within.0
        );
        let fix = format!("`{systemctl} edit {name}`: [Service] TimeoutStopSec={}", ends_within.0 + 10);
        Finding::warning("service", said, fix)
    });
    let old = is("NeedDaemonReload", "yes").then(|| {
        let fix = format!("`{systemctl} daemon-reload`, then `{systemctl} restart {name}`");
        Finding::warning("service", format!("{name} was changed on disk since it was read"), fix)
    });
    let disabled = is("UnitFileState", "disabled").then(|| {
        Finding::warning(
            "service",
            format!("{name} is not started with the machine"),
            format!("`{systemctl} enable {name}`"),
        )
    });
    let once = is("Restart", "no").then(|| {
        let fix = format!("`{systemctl} edit {name}`: [Service] Restart=on-failure");
        Finding::warning("service", format!("{name} is not started again when it fails"), fix)
    });
    [short, old, disabled, once].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_unit_lacks_is_said() {
        let unit = ServiceUnit { name: "rosterd.service".to_owned(), of_user: false };
        let good = "TimeoutStopUSec=45s\nRestart=on-failure\nNeedDaemonReload=no\nUnitFileState=enabled\n";
        let check = |from: &str, to: &str, words: &[&str]| {
            let shown = good.replace(from, to);
            let found = findings(&unit, &properties(&shown), Seconds(36));
            assert_eq!(found.len(), words.len(), "{found:?}");
            found.iter().zip(words).for_each(|(it, words)| assert!(it.found.contains(words), "{it:?}"));
        };
        check("", "", &[]);
        check("45s", "1min 30s", &[]);
        check("45s", "infinity", &[]);
        check("45s", "35s", &["killed before"]);
        check("on-failure", "no", &["not started again"]);
        check("Reload=no", "Reload=yes", &["changed on disk"]);
        check("enabled", "disabled", &["not started with the machine"]);
    }
}
