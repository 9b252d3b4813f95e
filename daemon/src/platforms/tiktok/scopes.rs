//! What accounts' owners are asked to allow.

use crate::oauth::{Purpose, Scope};

pub(super) const BASIC: &str = "user.info.basic";
pub(super) const PROFILE: &str = "user.info.profile";
pub(super) const STATS: &str = "user.info.stats";
pub(super) const VIDEOS: &str = "video.list";

pub(super) const SCOPES: &[Scope] = &[
    Scope { name: BASIC, purpose: Purpose::Measuring, reads: "who the account is", needed: true },
    Scope { name: STATS, purpose: Purpose::Measuring, reads: "followers, following, posts", needed: false },
    Scope { name: VIDEOS, purpose: Purpose::Measuring, reads: "likes, comments, shares, views", needed: false },
    Scope { name: PROFILE, purpose: Purpose::Measuring, reads: "the account's @name", needed: false },
];
