//! The scopes that channels' owners are asked to allow.

use crate::oauth::{Purpose, Scope};

pub(super) const READ: &str = "https://www.googleapis.com/auth/youtube.readonly";
pub(super) const AUDIENCE: &str = "https://www.googleapis.com/auth/yt-analytics.readonly";

pub(super) const SCOPES: &[Scope] = &[
    Scope { name: READ, purpose: Purpose::Measuring, reads: "followers, videos, likes, comments, views", needed: true },
    Scope { name: AUDIENCE, purpose: Purpose::Measuring, reads: "audience, figures of days", needed: false },
];
