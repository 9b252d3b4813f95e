//! Invented days, and what is due.

use roster_protocol::status::{Adoption, Coverage, DataQuality, DayFigures};
use roster_protocol::{Date, DueRow};

use super::samples::{connection_id, influencer_id, minutes_ago, platforms};

/// One of the invented daemon's platforms.
fn slug(index: usize) -> String {
    platforms().remove(index).platform
}

/// Some days of a roster that grows, with a gap.
pub fn figures() -> Vec<DayFigures> {
    let today = 20_778;
    let day = |age: u64| {
        let coverage = Coverage { expected: 448, ok: 448 - age, failed: age, ..Coverage::default() };
        DayFigures {
            date: Date(today - age as i32),
            influencers: 312,
            adoption: Adoption { connected: 300 - 5 * age, on_all_platforms: 12 },
            data: DataQuality { numbers: 4_100, by_hand: 9 + age, oldest_at: None },
            oldest_s: Some(21_600 + 3_600 * age),
            platforms: vec![(slug(0), coverage)],
        }
    };
    (0..20).rev().filter(|age| *age != 7).map(day).collect()
}

pub fn due_rows() -> Vec<DueRow> {
    let row = |number: u64, platform: usize, was_due: i64, wait: i64, blocked_by: Option<&str>| DueRow {
        connection: connection_id(number),
        influencer: influencer_id(number),
        influencer_name: ["Mara Lindqvist", "Oskar & Ines", "夜の庭 👩‍💻 Garden", "nightgarden"][number as usize - 1]
            .to_owned(),
        platform: slug(platform),
        handle: "@mara".to_owned(),
        was_due_at: minutes_ago(-was_due),
        due_at: minutes_ago(-wait),
        blocked_by: blocked_by.map(str::to_owned),
    };
    vec![
        row(1, 0, -12, -12, None),
        row(2, 0, 4, 4, None),
        row(3, 2, -130, 9, Some("platform")),
        row(4, 3, 300, 300, Some("setup")),
    ]
}
