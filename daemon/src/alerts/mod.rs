//! What changed, whether it matters, and what it opens. Pure: values in, values out.

pub mod change;
pub mod evaluate;
pub mod profile;
