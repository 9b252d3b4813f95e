//! YouTube's JSON, and what it says. Pure.

use std::collections::HashMap;

use roster_protocol::metric::Metric;
use roster_protocol::text::{NAME_CHARACTERS, clean};
use roster_protocol::time::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{SLUG, is_channel_id};
use crate::history::engagement::{Post, PostNumbers};
use crate::platforms::reading::{Count, Items, count, handle_in_any_script, item, plain_id, shown_name, time};
use crate::platforms::{Observation, PlatformError};

/// Views since 2026-08-24; see the module's head.
const DEFINITION: u16 = 1;

/// The response to any list request.
#[derive(Default, Deserialize)]
pub(super) struct List {
    /// Such as `youtube#channelListResponse`: where nothing is found this is all that makes it a list.
    pub(super) kind: Option<String>,
    #[serde(default)]
    pub(super) items: Items,
    /// None on the last page.
    #[serde(rename = "nextPageToken")]
    pub(super) next_page_token: Option<String>,
    /// The name of this response.
    pub(super) etag: Option<String>,
}

#[derive(Deserialize)]
struct Identified {
    id: String,
}

/// Items by their id; those without one are left out, as if they had not been returned.
pub(super) fn by_id(list: List) -> HashMap<String, Box<RawValue>> {
    let named = |text: &RawValue| item::<Identified>(SLUG, text).ok().map(|item| item.id);
    list.items.into_iter().filter_map(|text| Some((named(&text)?, text))).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Channel {
    id: String,
    snippet: Option<Snippet>,
    statistics: Option<Statistics>,
    content_details: Option<ContentDetails>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Snippet {
    title: Option<String>,
    custom_url: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statistics {
    #[serde(default)]
    subscriber_count: Count,
    hidden_subscriber_count: Option<bool>,
    #[serde(default)]
    video_count: Count,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContentDetails {
    related_playlists: Option<RelatedPlaylists>,
}

#[derive(Deserialize)]
struct RelatedPlaylists {
    uploads: Option<String>,
}

/// A channel: what it reports, and the playlist of its videos. A channel that reports no handle keeps the `known` one,
/// or else has its id.
pub(super) fn channel(known: Option<&str>, text: &RawValue) -> Result<(Observation, Option<String>), PlatformError> {
    let channel: Channel = item(SLUG, text)?;
    if !is_channel_id(&channel.id) {
        return Err(PlatformError::Unexpected { what: format!("{SLUG}: id is no channel's id") });
    }
    let snippet = channel.snippet.unwrap_or_default();
    let statistics = channel.statistics.unwrap_or_default();
    let hidden = statistics.hidden_subscriber_count == Some(true);
    let followers = if hidden { Count::Unknown } else { statistics.subscriber_count };
    // Channels from before handles have a customUrl without @, which is no handle.
    let reported = snippet.custom_url.as_deref().and_then(|url| handle_in_any_script(url.strip_prefix('@')?));
    let reported = reported.map(|name| format!("@{}", name.to_ascii_lowercase()));
    let mut observation = Observation {
        handle: clean(reported.as_deref().or(known).unwrap_or(&channel.id), NAME_CHARACTERS),
        platform_user_id: channel.id,
        display_name: shown_name(snippet.title.as_deref()),
        followers_step: followers.known().and_then(step),
        definition: DEFINITION,
        ..Observation::default()
    };
    observation.take_counts([(Metric::Followers, followers), (Metric::Posts, statistics.video_count)]);
    let uploads = channel.content_details.and_then(|details| details.related_playlists?.uploads);
    Ok((observation, uploads.filter(|id| plain_id(id).is_some())))
}

/// The step of a count that is rounded down to three significant digits; `None` where three digits are all.
fn step(count: u64) -> Option<u64> {
    let digits = count.checked_ilog10()? + 1;
    digits.checked_sub(3).filter(|power| *power > 0).map(|power| 10_u64.pow(power))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PlaylistItem {
    content_details: Upload,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Upload {
    video_id: String,
    #[serde(default, deserialize_with = "time")]
    video_published_at: Option<Timestamp>,
}

/// The ids of the videos of a page of an uploads playlist, newest first. Private and deleted ones have no date.
pub(super) fn newest_videos(list: &List) -> Vec<String> {
    let mut uploads: Vec<_> = list
        .items
        .iter()
        .filter_map(|text| item::<PlaylistItem>(SLUG, text).ok())
        .map(|item| item.content_details)
        .filter(|upload| plain_id(&upload.video_id).is_some())
        .map(|upload| (upload.video_published_at, upload.video_id))
        .collect();
    uploads.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    uploads.into_iter().map(|(_, id)| id).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Video {
    #[serde(default)]
    snippet: VideoSnippet,
    #[serde(default)]
    statistics: VideoStatistics,
    status: Option<VideoStatus>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct VideoSnippet {
    #[serde(default, deserialize_with = "time")]
    published_at: Option<Timestamp>,
    live_broadcast_content: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct VideoStatistics {
    #[serde(default, deserialize_with = "count")]
    view_count: Option<u64>,
    #[serde(default, deserialize_with = "count")]
    like_count: Option<u64>,
    #[serde(default, deserialize_with = "count")]
    comment_count: Option<u64>,
}

impl VideoStatistics {
    fn numbers(self) -> PostNumbers {
        let Self { view_count, like_count, comment_count } = self;
        PostNumbers { likes: like_count, comments: comment_count, views: view_count, ..PostNumbers::default() }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct VideoStatus {
    privacy_status: Option<String>,
}

#[derive(Deserialize)]
struct Counted {
    #[serde(default)]
    snippet: CountedSnippet,
    #[serde(default)]
    statistics: VideoStatistics,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CountedSnippet {
    #[serde(default, deserialize_with = "time")]
    publish_time: Option<Timestamp>,
}

/// The counts of a video that is over, as a post.
pub(super) fn counted(text: &RawValue) -> Result<Post, PlatformError> {
    let Counted { snippet, statistics } = item(SLUG, text)?;
    Ok(Post { at: snippet.publish_time, numbers: statistics.numbers() })
}

/// A video as a post; `None` for what has not happened yet, still happens, or is not public.
pub(super) fn video(text: &RawValue) -> Result<Option<Post>, PlatformError> {
    let video: Video = item(SLUG, text)?;
    let on_air = matches!(video.snippet.live_broadcast_content.as_deref(), Some("upcoming" | "live"));
    let private = video.status.and_then(|status| status.privacy_status).is_some_and(|status| status != "public");
    if on_air || private {
        return Ok(None);
    }
    Ok(Some(Post { at: video.snippet.published_at, numbers: video.statistics.numbers() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> List {
        serde_json::from_str(text).expect("a fixture")
    }

    #[test]
    fn channels_report_their_counts_and_playlists() {
        let list = list(include_str!("fixtures/channels.json"));
        let channels = by_id(list);
        assert_eq!(channels.len(), 3);
        let read = |id: &str| channel(Some("@old"), &channels[id]);

        let (mara, uploads) = read("UCmara-_0123456789abcdef").expect("readable");
        assert_eq!(uploads.as_deref(), Some("UUmara-_0123456789abcdef"));
        assert_eq!((mara.handle.as_str(), mara.display_name.as_deref()), ("@maramakes", Some("Mara Makes")));
        assert_eq!((mara.numbers.followers, mara.followers_step), (Some(12_300), Some(100)));
        assert_eq!((mara.numbers.posts, mara.numbers.following, mara.definition), (Some(26), None, 1));

        let (hidden, uploads) = read("UChidden0123456789abcdef").expect("readable");
        assert_eq!((hidden.numbers.followers, hidden.followers_step, uploads), (None, None, None));
        assert_eq!((hidden.handle.as_str(), hidden.numbers.posts), ("@old", Some(3)));

        let (nameless, _) = channel(None, &channels["UChidden0123456789abcdef"]).expect("readable");
        assert_eq!(nameless.handle, "UChidden0123456789abcdef");

        let (odd, _) = read("UCpoison0123456789abcdef").expect("readable");
        assert_eq!((odd.numbers.followers, odd.followers_step, odd.numbers.posts), (None, None, Some(3)));
    }

    #[test]
    fn the_step_follows_three_significant_digits() {
        let check = |count: u64, expected: Option<u64>| assert_eq!(step(count), expected, "{count}");
        check(0, None);
        check(7, None);
        check(999, None);
        check(1_000, Some(10));
        check(12_300, Some(100));
        check(1_230_000, Some(10_000));
        check(1_000_000_000_000_000, Some(10_000_000_000_000));
        check(u64::MAX, Some(100_000_000_000_000_000));
    }

    #[test]
    fn the_newest_videos_come_first_and_odd_ones_are_left_out() {
        let list = list(include_str!("fixtures/playlist_items.json"));
        assert_eq!(newest_videos(&list), ["newest-one", "older-one", "no-date"]);
        assert!(newest_videos(&List::default()).is_empty());
    }

    #[test]
    fn videos_are_posts_once_they_are_public_and_over() {
        let list = list(include_str!("fixtures/videos.json"));
        let read: Vec<_> = list.items.iter().map(|text| video(text)).collect();
        let [Ok(Some(plain)), Ok(Some(quiet)), Ok(None), Ok(None), Ok(None), Ok(Some(odd))] = read.as_slice() else {
            panic!("{read:?}");
        };
        let numbers = PostNumbers { likes: Some(190), comments: Some(32), views: Some(8087), ..PostNumbers::default() };
        assert_eq!(*plain, Post { at: "2026-11-19T20:37:49Z".parse().ok(), numbers });
        assert_eq!(quiet.numbers, PostNumbers { views: Some(500), ..PostNumbers::default() });
        assert_eq!(odd.numbers, PostNumbers::default());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in crate::platforms::tests::json()) {
            let raw = RawValue::from_string(text.clone()).expect("made of JSON");
            let _ = channel(None, &raw);
            let _ = video(&raw);
            if let Ok(list) = serde_json::from_str::<List>(&text) {
                let _ = (newest_videos(&list), by_id(list).len());
            }
        }
    }
}
