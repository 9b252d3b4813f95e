//! What changed, whether it matters, and which alerts it opens. Pure: values in, values out.

pub mod change;
pub mod evaluate;
pub mod profile;
