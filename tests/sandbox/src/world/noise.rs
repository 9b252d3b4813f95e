//! Chance without dice: the same seed and key always give the same number, in any order of calls.

/// Scrambles a number so that neighbours have nothing in common (the finaliser of SplitMix64).
pub fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The number under `seed` for one key.
pub fn draw(seed: u64, key: u64) -> u64 {
    mix(seed ^ mix(key))
}

/// A stable number for a text (FNV-1a, then scrambled).
pub fn hash(text: &str) -> u64 {
    mix(text.bytes().fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)))
}

/// Even over 0.0..1.0.
pub fn unit(drawn: u64) -> f64 {
    (drawn >> 11) as f64 / (1u64 << 53) as f64
}

/// Normal with mean 0 and deviation 1 (Box–Muller), never beyond ±4.
pub fn bell(drawn: u64) -> f64 {
    let radius = (-2.0 * (1.0 - unit(drawn)).ln()).sqrt();
    (radius * (std::f64::consts::TAU * unit(mix(drawn))).cos()).clamp(-4.0, 4.0)
}

/// A smooth curve between -1.0 and 1.0 through one drawn value per whole `x`.
pub fn wave(seed: u64, x: f64) -> f64 {
    let at = |step: f64| unit(draw(seed, step as i64 as u64)) * 2.0 - 1.0;
    let (left, within) = (x.floor(), x - x.floor());
    let eased = within * within * (3.0 - 2.0 * within);
    at(left) + (at(left + 1.0) - at(left)) * eased
}

/// One of the list. The list is never empty.
pub fn pick<T: Copy>(list: &[T], drawn: u64) -> T {
    list[(drawn % list.len() as u64) as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wave_has_no_jumps_and_stays_in_bounds() {
        let steps: Vec<f64> = (-4000..4000).map(|step| wave(7, f64::from(step) / 100.0)).collect();
        assert!(steps.iter().all(|value| (-1.0..=1.0).contains(value)));
        assert!(steps.windows(2).all(|pair| (pair[0] - pair[1]).abs() < 0.04));
    }

    #[test]
    fn bells_are_centred() {
        let mean = (0..10_000).map(|n| bell(mix(n))).sum::<f64>() / 10_000.0;
        assert!(mean.abs() < 0.05, "{mean}");
    }
}
