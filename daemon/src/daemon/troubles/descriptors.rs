//! The files and connections that the daemon may have open: said before there is none left for a client, a request or a
//! backup.

use roster_protocol::notice::grouped;
use roster_protocol::rule::Happening;
use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};

use super::{report, writable};
use crate::app::App;

/// How often they are counted. No event of the kernel says that they are used up.
const EVERY_S: i64 = 60;

/// Reports whether hardly any is left, again and again and whenever the config changes.
pub async fn watch(app: &App) {
    let mut setup = app.watch_setup();
    let mut was_short = false;
    loop {
        setup.borrow_and_update();
        let wrong = wrong(open(), getrlimit(Resource::Nofile).current, was_short);
        was_short = wrong.is_some();
        let is_stored = report(app, Happening::Descriptors, wrong).await;
        let next = app.clock.now().plus_seconds(EVERY_S);
        tokio::select! {
            changed = setup.changed() => if changed.is_err() { return },
            () = app.clock.sleep_until(next) => {}
            () = writable(app), if !is_stored => {}
        }
    }
}

/// How many are open; `Err` when even that cannot be found out because none is left, `Ok(None)` for another reason.
fn open() -> Result<Option<u64>, Errno> {
    match std::fs::read_dir("/proc/self/fd") {
        // Reading the directory has one open itself.
        Ok(entries) => Ok(Some((entries.count() as u64).saturating_sub(1))),
        Err(error) => match Errno::from_io_error(&error) {
            Some(used_up @ (Errno::MFILE | Errno::NFILE)) => Err(used_up),
            _ => Ok(None),
        },
    }
}

/// What is wrong with so many of `most`; `most` is `None` where there is no limit. What was reported ends when a fifth is
/// free, so that it does not end and begin again and again.
fn wrong(open: Result<Option<u64>, Errno>, most: Option<u64>, was_short: bool) -> Option<String> {
    let mend = "clients and requests to platforms are refused while none is left; set LimitNOFILE in the unit higher, or \
                end clients that are not used";
    let (open, most) = match (open, most) {
        (Err(Errno::NFILE), _) => return Some(format!("this host can open no more files: {mend}")),
        (Err(_), _) => return Some(format!("rosterd can open no more files and connections: {mend}")),
        (Ok(Some(open)), Some(most)) => (open, most),
        (Ok(_), _) => return None,
    };
    let share = if was_short { 8 } else { 9 };
    let is_short = open.saturating_mul(10) >= most.saturating_mul(share);
    is_short.then(|| format!("rosterd has {} of {} files and connections open: {mend}", grouped(open), grouped(most)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nine_of_ten_are_many_and_four_of_five_are_few_again() {
        let check = |open: u64, was_short: bool, expected: bool| {
            assert_eq!(wrong(Ok(Some(open)), Some(1000), was_short).is_some(), expected, "{open} {was_short}");
        };
        check(899, false, false);
        check(900, false, true);
        check(800, true, true);
        check(799, true, false);
        assert_eq!(wrong(Ok(Some(5_000)), None, true), None, "there is no limit");
        assert_eq!(wrong(Ok(None), Some(1000), true), None, "it cannot be counted here");
        let said = wrong(Ok(Some(3_900)), Some(4_096), false).expect("it is short");
        assert!(said.starts_with("rosterd has 3,900 of 4,096 files and connections open: "), "{said}");
        let used_up = wrong(Err(Errno::MFILE), Some(1000), false).expect("none is left");
        assert!(used_up.starts_with("rosterd can open no more files") && used_up.contains("LimitNOFILE"), "{used_up}");
    }
}
