//! What changed, whether it matters, and which alerts it opens. Pure: values in, values out.

pub mod change;
pub mod profile;
pub mod rules;
pub mod path;
pub mod usual;
pub mod measured;
pub mod moves;
pub mod levels;
pub mod explain;
pub mod backtest;
pub mod evaluate;
#[cfg(test)]
pub mod samples;
