//! `[change]`: what counts as significant.

use roster_protocol::metric::Ratio;
use serde::Deserialize;

use super::Problem;

/// `[change]`: what counts as significant.
#[derive(Clone, Debug)]
pub struct Change {
    pub significant: Ratio,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawChange {
    significant: Option<String>,
}

impl RawChange {
    pub(super) fn check(self) -> Result<Change, Problem> {
        // One in ten: far beyond a normal week, and beyond the platforms' rounding.
        let text = self.significant.as_deref().unwrap_or("10%");
        let percent = text.strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
        let ratio = percent.filter(|percent| *percent > 0.0).and_then(|percent| Ratio::from_f64(percent / 100.0));
        ratio
            .map(|significant| Change { significant })
            .ok_or_else(|| ("change.significant", format!("{text:?} is no percentage above 0: write \"10%\"")))
    }
}
