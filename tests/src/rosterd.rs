//! The daemon as stories run it: as it is, killed at a named point (`ROSTER_KILL_AT=renew.reply`), or with a thread that
//! hangs at one after a while (`ROSTER_HANG_AT=writer.job`).

fn main() -> std::process::ExitCode {
    if let Ok(point) = std::env::var("ROSTER_KILL_AT") {
        let kill = || {
            let killed = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
            killed.expect("a signal to oneself");
        };
        fail::cfg_callback(point, kill).expect("a point's name");
    }
    if let Ok(point) = std::env::var("ROSTER_HANG_AT") {
        fail::cfg(point, "30*off->pause").expect("a point's name");
    }
    rosterd::main()
}
