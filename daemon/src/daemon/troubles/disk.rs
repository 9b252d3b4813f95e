//! The disk of the store: said before it is full, while there is still room to store that.

use roster_protocol::notice::grouped;
use roster_protocol::rule::Happening;

use super::{report, writable};
use crate::app::App;
use crate::decision::troubles;
use crate::store::{Disk, Store};

/// How often it is looked at. No event of the kernel says that a disk fills up.
const EVERY_S: i64 = 300;

/// Reports whether it has little room, again and again and whenever the config changes.
pub async fn watch(app: &App) {
    let mut setup = app.watch_setup();
    loop {
        let configured = setup.borrow_and_update().config.store.free_bytes;
        let is_stored = match room(app.store.clone()).await {
            Some(room) => {
                let was_low = app.look(|roster| troubles::standing(roster, Happening::Disk).is_some());
                report(app, Happening::Disk, wrong(room, room.disk.least_free(room.file_bytes, configured), was_low))
                    .await
            }
            // It has no file, or the disk does not respond: the store says so.
            None => true,
        };
        let next = app.clock.now().plus_seconds(EVERY_S);
        tokio::select! {
            changed = setup.changed() => if changed.is_err() { return },
            () = app.clock.sleep_until(next) => {}
            () = writable(app), if !is_stored => {}
        }
    }
}

/// The disk, and what the store takes of it.
#[derive(Clone, Copy, Debug)]
struct Room {
    disk: Disk,
    file_bytes: u64,
}

/// Looks at the disk on a thread that may block: one that is on a network may not respond.
async fn room(store: Store) -> Option<Room> {
    let look = move || Some(Room { disk: store.disk()?, file_bytes: store.file_bytes()? });
    tokio::task::spawn_blocking(look).await.ok()?
}

/// What is wrong when less than `least` is free. What was reported ends with a quarter more, so that it does not end and
/// begin again and again.
fn wrong(room: Room, least: u64, was_low: bool) -> Option<String> {
    let bound = if was_low { least.saturating_add(least / 4) } else { least };
    let Disk { free_bytes, total_bytes } = room.disk;
    (free_bytes < bound).then(|| {
        let [free, total, least] = [free_bytes, total_bytes, least].map(megabytes);
        format!(
            "the disk of the store has {free} free of {total}, less than {least}: free some before it is full, when nothing \
             is stored or synced any more; [store] free says how much is too little"
        )
    })
}

fn megabytes(bytes: u64) -> String {
    format!("{} MB", grouped(bytes / 1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GB: u64 = 1_000_000_000;

    fn room(free_bytes: u64, total_bytes: u64, file_bytes: u64) -> Room {
        Room { disk: Disk { free_bytes, total_bytes }, file_bytes }
    }

    #[test]
    fn enough_is_a_gibibyte_a_twentieth_of_a_small_disk_or_twice_the_store() {
        let check = |total: u64, file: u64, configured: Option<u64>, expected: u64| {
            assert_eq!(room(0, total, file).disk.least_free(file, configured), expected, "{total} {file}");
        };
        check(4_000 * GB, GB / 100, None, 1_073_741_824);
        check(10 * GB, GB / 100, None, GB / 2);
        check(4_000 * GB, 3 * GB, None, 6 * GB);
        check(4_000 * GB, 3 * GB, Some(GB), GB);
    }

    #[test]
    fn little_room_is_said_and_taken_back_only_when_there_is_clearly_more() {
        let check = |free: u64, was_low: bool, expected: bool| {
            let wrong = wrong(room(free, 20 * GB, GB / 100), 800_000_000, was_low);
            assert_eq!(wrong.is_some(), expected, "{free} {was_low}");
        };
        check(800_000_000, false, false);
        check(799_999_999, false, true);
        check(0, false, true);
        check(800_000_000, true, true);
        check(999_999_999, true, true);
        check(1_000_000_000, true, false);
        let said = wrong(room(512_345_678, 20 * GB, 0), 800_000_000, false).expect("it is little");
        assert!(said.starts_with("the disk of the store has 512 MB free of 20,000 MB, less than 800 MB: "), "{said}");
    }
}
