//! What the system knows of this process, under the names that monitoring expects.
//!
//! It is read from sources that a service without a view of other processes may still use: `/proc/self` and the system
//! calls about the process itself.

use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage};
use nix::unistd::{SysconfVar, sysconf};

use super::exposition::{Exposition, Kind};
use crate::app::App;

/// Adds the process's values to the exposition; a value that cannot be read is left out.
pub fn add(exposition: &mut Exposition, app: &App) {
    let started_at = app.started_at.0 as f64 / 1000.0;
    exposition.one("process_start_time_seconds", "When the daemon started", started_at);
    if let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) {
        let seconds = [usage.user_time(), usage.system_time()].map(|it| it.tv_sec() as f64 + it.tv_usec() as f64 / 1e6);
        let total = seconds.iter().sum();
        exposition.add(Kind::Counter, "process_cpu_seconds_total", "Processor time used", [], [([], total)]);
    }
    if let Some([all, resident]) = pages() {
        exposition.one("process_virtual_memory_bytes", "Memory that is mapped", all);
        exposition.one("process_resident_memory_bytes", "Memory that is used", resident);
    }
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        // Reading the directory holds one open itself.
        exposition.one("process_open_fds", "Open files and sockets", open.count().saturating_sub(1) as f64);
    }
    if let Ok((most, _)) = getrlimit(Resource::RLIMIT_NOFILE) {
        exposition.one("process_max_fds", "The most open files and sockets", most as f64);
    }
}

/// Mapped and resident memory in bytes.
fn pages() -> Option<[f64; 2]> {
    let page = sysconf(SysconfVar::PAGE_SIZE).ok()??;
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let mut pages = statm.split(' ').map(str::parse::<u64>);
    let mut bytes = || Some(pages.next()?.ok()? as f64 * page as f64);
    Some([bytes()?, bytes()?])
}
