//! What accounts' owners are asked to allow, at either login.

use crate::oauth::{Purpose, Scope};
use crate::platforms::graph::{LINKED, PORTFOLIO, SHOW_PAGES};

pub(super) const BASIC: &str = LINKED;
pub(super) const ENGAGEMENT: &str = "pages_read_engagement";
pub(super) const INSIGHTS: &str = "instagram_manage_insights";
/// All else is refused without it where the person's role on the Page was given in a business portfolio.
pub(super) const ADS: &str = "ads_read";
pub(super) const LOGIN_BASIC: &str = "instagram_business_basic";
pub(super) const LOGIN_INSIGHTS: &str = "instagram_business_manage_insights";

pub(super) const SCOPES: &[Scope] = &[
    Scope { name: BASIC, purpose: Purpose::Measuring, reads: "followers, posts, likes, comments", needed: true },
    Scope { name: SHOW_PAGES, purpose: Purpose::Measuring, reads: "the linked Pages", needed: true },
    Scope { name: ENGAGEMENT, purpose: Purpose::Measuring, reads: "the linked Pages", needed: true },
    Scope {
        name: INSIGHTS,
        purpose: Purpose::Measuring,
        reads: "views, shares, saves, reach, reposts, audience, figures of days",
        needed: false,
    },
    PORTFOLIO,
    Scope { name: ADS, purpose: Purpose::Measuring, reads: "", needed: false },
];

/// What an owner must have allowed, so that others are looked up through their account.
pub(super) const LOOKING_UP: &[&str] = &[BASIC, INSIGHTS, ENGAGEMENT];

pub(super) const LOGIN_SCOPES: &[Scope] = &[
    Scope { name: LOGIN_BASIC, purpose: Purpose::Measuring, reads: "followers, posts, likes, comments", needed: true },
    Scope {
        name: LOGIN_INSIGHTS,
        purpose: Purpose::Measuring,
        reads: "views, shares, saves, reach, reposts, audience, figures of days",
        needed: false,
    },
];
