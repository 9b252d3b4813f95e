//! Distributions over fastrand's uniform numbers.

use fastrand::Rng;

/// Normal, with mean 0 and deviation 1.
pub fn normal(dice: &mut Rng) -> f64 {
    let radius = (-2.0 * (1.0 - dice.f64()).ln()).sqrt();
    radius * (std::f64::consts::TAU * dice.f64()).cos()
}

pub fn between(dice: &mut Rng, least: f64, most: f64) -> f64 {
    least + (most - least) * dice.f64()
}

/// Each factor is as likely as any other: between 1 and 10 as often as between 10 and 100.
pub fn log_between(dice: &mut Rng, least: f64, most: f64) -> f64 {
    between(dice, least.ln(), most.ln()).exp()
}

pub fn lognormal(dice: &mut Rng, median: f64, deviation: f64) -> f64 {
    median * (deviation * normal(dice)).exp()
}

pub fn chance(dice: &mut Rng, share: f64) -> bool {
    dice.f64() < share
}
