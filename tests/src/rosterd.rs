//! The daemon as stories run it: as it is, killed at a named point (`ROSTER_KILL_AT=renew.reply`), or with a thread that
//! hangs at one after it has passed it so often (`ROSTER_HANG_AT=writer.job:30`).

fn main() -> std::process::ExitCode {
    if let Ok(point) = std::env::var("ROSTER_KILL_AT") {
        let kill = || {
            let killed = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
            killed.expect("a signal to oneself");
        };
        fail::cfg_callback(point, kill).expect("a point's name");
    }
    if let Ok(point) = std::env::var("ROSTER_HANG_AT") {
        let (point, passes) = point.split_once(':').expect("a point and a number");
        fail::cfg(point, &format!("{passes}*off->pause")).expect("a point's name");
    }
    rosterd::main()
}
