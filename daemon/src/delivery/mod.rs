//! Alerts on their way out. At least once; a way that is blocked delays nothing else.

pub mod desktop;
