//! The newest videos, page by page: both APIs list them in the same form.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::history::engagement::{NEWEST_POSTS, Post};
use crate::platforms::PlatformError;
use crate::platforms::batch::Stop;
use crate::platforms::reading::{Items, Posts, count};

/// The most a page holds.
pub(super) const VIDEOS_A_PAGE: u8 = 20;

/// Pages may be short: at most so many are requested for twelve videos.
const MOST_PAGES: usize = 4;

#[derive(Deserialize)]
pub(super) struct VideoResponse {
    pub(super) data: VideoPage,
}

#[derive(Deserialize)]
pub(super) struct VideoPage {
    #[serde(default)]
    pub(super) videos: Items,
    /// Where the next page begins, as reported: milliseconds of creation.
    #[serde(default, deserialize_with = "count")]
    pub(super) cursor: Option<u64>,
    #[serde(default)]
    pub(super) has_more: bool,
}

/// An API that lists videos, newest first.
pub(super) trait Pages: Sync {
    fn page(&self, cursor: Option<u64>) -> impl Future<Output = Result<VideoPage, PlatformError>> + Send;
}

/// Requests pages until there are enough videos. `video` reads one: its id, and the video as a post.
pub(super) async fn newest(
    pages: &impl Pages,
    stop: &Stop<'_>,
    video: fn(&RawValue) -> Result<(String, Post), PlatformError>,
) -> Result<Posts, PlatformError> {
    let mut read = Posts::default();
    let mut seen = HashSet::new();
    let mut cursor = None;
    for _ in 0..MOST_PAGES {
        let page = pages.page(cursor).await?;
        for text in &page.videos {
            match video(text) {
                Ok((id, post)) => {
                    if seen.insert(id) {
                        read.posts.push(post);
                    }
                }
                Err(_) => read.unread += 1,
            }
        }
        let end = !page.has_more || page.cursor.is_none() || page.cursor == cursor;
        cursor = page.cursor;
        if end || read.posts.len() >= NEWEST_POSTS || stop.why().is_some() {
            break;
        }
    }
    Ok(read)
}
