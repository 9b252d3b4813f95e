//! What users with a role on a Page are asked to allow.

use crate::oauth::{Purpose, Scope};
use crate::platforms::graph::{PORTFOLIO, SHOW_PAGES};

pub(super) const ENGAGEMENT: &str = "pages_read_engagement";
pub(super) const INSIGHTS: &str = "read_insights";
pub(super) const USER_CONTENT: &str = "pages_read_user_content";

pub(super) const SCOPES: &[Scope] = &[
    Scope { name: SHOW_PAGES, purpose: Purpose::Measuring, reads: "the list of Pages", needed: true },
    Scope { name: ENGAGEMENT, purpose: Purpose::Measuring, reads: "followers, posts", needed: true },
    Scope { name: USER_CONTENT, purpose: Purpose::Measuring, reads: "reactions, comments", needed: false },
    Scope {
        name: INSIGHTS,
        purpose: Purpose::Measuring,
        reads: "views, reach, figures of days, countries",
        needed: false,
    },
    PORTFOLIO,
];
