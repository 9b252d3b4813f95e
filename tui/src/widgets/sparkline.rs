//! Thirty days in a few columns.

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
}
