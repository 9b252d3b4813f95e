//! What accounts' owners are asked to allow.

use crate::oauth::{Purpose, Scope};

pub(super) const BASIC: &str = "user.info.basic";
pub(super) const USERNAME: &str = "user.info.username";
pub(super) const STATS: &str = "user.info.stats";
pub(super) const VIDEOS: &str = "video.list";
pub(super) const INSIGHTS: &str = "user.insights";
pub(super) const VIDEO_INSIGHTS: &str = "video.insights";

pub(in crate::platforms::tiktok) const SCOPES: &[Scope] = &[
    Scope { name: BASIC, purpose: Purpose::Measuring, reads: "who the account is", needed: true },
    Scope { name: USERNAME, purpose: Purpose::Measuring, reads: "the account's @name", needed: false },
    Scope { name: STATS, purpose: Purpose::Measuring, reads: "followers, following, posts", needed: false },
    Scope { name: VIDEOS, purpose: Purpose::Measuring, reads: "likes, comments, shares, saves, views", needed: false },
    Scope { name: INSIGHTS, purpose: Purpose::Measuring, reads: "figures of days, the audience", needed: false },
    Scope { name: VIDEO_INSIGHTS, purpose: Purpose::Measuring, reads: "reach of videos", needed: false },
];
