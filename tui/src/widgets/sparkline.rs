//! Thirty days in a few columns: as signs of one column for commands, and as a thin line of dots for screens.

use roster_protocol::Ratio;

use crate::format;

const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The newest `width` values as signs of one column; a blank where nothing was measured.
///
/// The lowest value of all is the lowest sign; with no difference all are in the middle.
pub fn signs(values: &[Option<u64>], width: usize) -> Vec<char> {
    let values = &values[values.len().saturating_sub(width)..];
    let known = || values.iter().flatten().copied();
    let (Some(low), Some(high)) = (known().min(), known().max()) else { return vec![' '; values.len()] };
    values.iter().map(|value| value.map_or(' ', |value| level(value, low, high))).collect()
}

fn level(value: u64, low: u64, high: u64) -> char {
    let range = u128::from(high - low);
    if range == 0 {
        return LEVELS[3];
    }
    LEVELS[(u128::from(value - low) * (LEVELS.len() as u128 - 1) / range) as usize]
}

/// The height of a line is at least this share of its highest value: what moved less looks as even as it is.
const LEAST_HEIGHT: f64 = 0.08;

/// The newest values as a line of braille dots, two values a column, the newest at the right edge; a blank where
/// nothing was measured.
pub fn line(values: &[Option<u64>], width: usize) -> String {
    let values = &values[values.len().saturating_sub(2 * width)..];
    let known = || values.iter().flatten().map(|value| *value as f64);
    let (low, high) = (known().fold(f64::INFINITY, f64::min), known().fold(0.0, f64::max));
    let height = (high - low).max(high * LEAST_HEIGHT).max(1.0);
    let floor = (low + high - height) / 2.0;
    // From the top: 0 to 3.
    let dot = |value: u64| 3 - (((value as f64 - floor) / height * 4.0).ceil() as usize).clamp(1, 4).saturating_sub(1);
    let mut columns = vec![[0_u8; 2]; width];
    let missing = 2 * width - values.len();
    let mut before: Option<usize> = None;
    for (at, value) in values.iter().enumerate() {
        let dot = value.map(dot);
        if let Some(dot) = dot {
            let at = missing + at;
            // A step is upright, so that the line does not break.
            let (from, to) = before.map_or((dot, dot), |before| step(before, dot));
            columns[at / 2][at % 2] = (from..=to).map(|row| 1 << row).sum();
        }
        before = dot;
    }
    columns.into_iter().map(braille).collect()
}

/// The dots of a value whose neighbour is at `before`.
fn step(before: usize, dot: usize) -> (usize, usize) {
    match before.cmp(&dot) {
        std::cmp::Ordering::Less => (before + 1, dot),
        std::cmp::Ordering::Equal => (dot, dot),
        std::cmp::Ordering::Greater => (dot, before - 1),
    }
}

/// A cell of two columns of four dots, the topmost in the lowest bit.
fn braille([left, right]: [u8; 2]) -> char {
    const BITS: [[u32; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];
    let of = |dots: u8, bits: [u32; 4]| (0..4).filter(|row| dots >> row & 1 == 1).map(|row| bits[row]).sum::<u32>();
    match of(left, BITS[0]) + of(right, BITS[1]) {
        0 => ' ',
        bits => char::from_u32(0x2800 + bits).unwrap_or(' '),
    }
}

/// How the newest of these values differs from the oldest; `None` when fewer than two are known.
pub fn change(values: &[Option<u64>]) -> Option<Ratio> {
    let mut known = values.iter().flatten().map(|value| *value as f64);
    format::ratio(known.next()?, known.next_back()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_signs() {
        let check = |values: &[Option<u64>], width: usize, expected: &str| {
            assert_eq!(signs(values, width).into_iter().collect::<String>(), expected);
        };
        check(&[], 5, "");
        check(&[None, None], 5, "  ");
        check(&[Some(5), Some(5)], 5, "▄▄");
        check(&[Some(0), None, Some(7), Some(3)], 5, "▁ █▄");
        check(&[Some(0), Some(u64::MAX)], 5, "▁█");
        check(&[Some(9), Some(1), Some(2)], 2, "▁█");
    }

    #[test]
    fn a_line_is_as_high_as_what_happened() {
        let check = |values: &[u64], width: usize, expected: &str| {
            let values: Vec<Option<u64>> = values.iter().copied().map(Some).collect();
            assert_eq!(line(&values, width), expected, "{values:?}");
        };
        check(&[], 2, "  ");
        check(&[5, 5, 5, 5], 2, "⠤⠤");
        // A tenth of a percent stays in the middle; a fifth uses the whole height.
        check(&[10_000, 10_000, 10_010, 10_010], 2, "⠤⠒");
        check(&[10_000, 10_000, 8_000, 8_000], 2, "⠉⣆");
        check(&[8_000, 8_000, 10_000, 10_000], 2, "⣀⠏");
        check(&[0, u64::MAX], 1, "⡸");
        check(&[1, 2, 3, 4], 1, "⡸");
        check(&[7], 2, " ⠠");
    }

    #[test]
    fn a_line_has_gaps_and_the_newest_at_its_right() {
        assert_eq!(line(&[Some(5), None, None, None, Some(5)], 4), " ⠠ ⠠");
        assert_eq!(line(&[None; 4], 2), "  ");
        assert_eq!(line(&[Some(1)], 0), "");
    }

    #[test]
    fn a_change_is_from_the_oldest_to_the_newest_that_is_known() {
        let of = |values: &[Option<u64>]| change(values).map(|ratio| ratio.0);
        assert_eq!(of(&[None, Some(100), Some(3), Some(88), None]), Some(-120_000));
        assert_eq!(of(&[Some(100)]), None);
        assert_eq!(of(&[Some(0), Some(5)]), None);
        assert_eq!(of(&[]), None);
    }
}
