//! What the daemon runs in: the service manager, the system's limits, and the ways on which alerts leave.

use roster_protocol::audit::Who;
use roster_protocol::delivery::Channel;
use roster_protocol::doctor::{Finding, ServiceUnit};
use rustix::process::{Resource, getrlimit};

use crate::app::App;
use crate::delivery::outbox::Outbox;

/// Fewer would be used up by clients and platforms.
const FEWEST_FILES: u64 = 1024;

/// Service manager, limits and channels.
pub async fn look(app: &App, outbox: &Outbox, who: &Who) -> Vec<Finding> {
    let mut found = Vec::from_iter(watchdog(app));
    found.extend(files(getrlimit(Resource::Nofile).current));
    found.extend(outbox.list(app).iter().filter_map(of_channel));
    found.push(agent(app, who));
    found
}

/// The unit that started this process; `None` where no service manager did.
pub fn unit(app: &App) -> Option<ServiceUnit> {
    let environment = &app.started_with.source.environment;
    let own = std::process::id().to_string();
    environment.variable("SYSTEMD_EXEC_PID").filter(|pid| *pid == own)?;
    unit_of(&std::fs::read_to_string("/proc/self/cgroup").ok()?)
}

/// The unit in what `/proc/self/cgroup` says.
fn unit_of(cgroup: &str) -> Option<ServiceUnit> {
    let path = cgroup.lines().find_map(|line| line.split(':').nth(2).filter(|path| path.ends_with(".service")))?;
    let name = path.rsplit('/').next()?.to_owned();
    Some(ServiceUnit { name, of_user: path.contains("/user@") })
}

fn watchdog(app: &App) -> Option<Finding> {
    let unit = unit(app)?;
    let environment = &app.started_with.source.environment;
    Some(match environment.variable("WATCHDOG_USEC").is_some() && environment.variable("NOTIFY_SOCKET").is_some() {
        true => Finding::well("service", format!("{} started it, and watches it", unit.name)),
        false => Finding::warning(
            "service",
            format!("{} started it, and does not watch it", unit.name),
            "take the unit that comes with Roster, or set Type=notify and WatchdogSec=30 in it",
        ),
    })
}

fn files(most: Option<u64>) -> Option<Finding> {
    let most = most.filter(|most| *most < FEWEST_FILES)?;
    let found = format!("only {most} files and connections may be open at once");
    Some(Finding::warning(
        "limits",
        found,
        "set LimitNOFILE=4096 in the unit, or `ulimit -n 4096` before it is started",
    ))
}

fn of_channel(channel: &Channel) -> Option<Finding> {
    let what = format!("channel {}", channel.name);
    match (&channel.disabled, &channel.last_error) {
        (Some(why), _) => {
            Some(Finding::fault(&what, format!("nothing is sent on it: {why}"), "correct it, then reload rosterd"))
        }
        (None, Some(why)) => {
            let fix = format!("correct that; `roster channels test {}` shows whether it works", channel.name);
            Some(Finding::warning(&what, format!("the last attempt failed: {why}"), fix))
        }
        (None, None) => None,
    }
}

/// Whether a desktop of this user shows alerts.
fn agent(app: &App, who: &Who) -> Finding {
    let waits = app.agents.lock().get(&who.uid).is_some_and(|agent| agent.waiting > 0);
    match waits {
        true => Finding::well("desktop alerts", "`roster notify` runs for this user, and waits for alerts"),
        false => Finding {
            fix: Some("`systemctl --user enable --now roster-notify` in a desktop session".to_owned()),
            ..Finding::note(
                "desktop alerts",
                "no `roster notify` runs for this user: alerts are not shown on a desktop by it",
            )
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_is_in_the_cgroup() {
        let check = |cgroup: &str, expected: Option<(&str, bool)>| {
            let found = unit_of(cgroup);
            assert_eq!(found.as_ref().map(|unit| (unit.name.as_str(), unit.of_user)), expected, "{cgroup}");
        };
        check("0::/system.slice/rosterd.service\n", Some(("rosterd.service", false)));
        let users = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/rosterd.service\n";
        check(users, Some(("rosterd.service", true)));
        check("0::/user.slice/user-1000.slice/session-3.scope\n", None);
        check("12:pids:/x\n1:name=systemd:/system.slice/rosterd.service\n0::/\n", Some(("rosterd.service", false)));
        check("", None);
    }

    #[test]
    fn few_files_are_said() {
        assert!(files(Some(256)).is_some_and(|it| it.found.contains("only 256")));
        assert!(files(Some(1024)).is_none() && files(None).is_none());
    }
}
