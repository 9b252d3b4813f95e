//! The lists of uploads that were read before: YouTube says of one that has not changed that it has not, and sends
//! nothing of it. Pure but for its lock.
//!
//! Of channels and videos the counts change, and with them the lists: these are always read.

use std::collections::{HashMap, HashSet};

use parking_lot::Mutex;
use roster_protocol::time::Timestamp;

/// The most lists that are remembered: some megabytes. What does not fit is read whole.
const MOST: usize = 10_000;
/// YouTube's have 27 letters.
const LONGEST_ETAG: usize = 100;

/// The first page of a channel's uploads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Page {
    /// Ids of videos, newest first.
    pub(super) ids: Vec<String>,
    /// The token of the page after it.
    pub(super) next: Option<String>,
}

/// Lives as long as the config in use.
#[derive(Default)]
pub(super) struct Lists {
    known: Mutex<HashMap<String, Known>>,
    /// Videos that were public and over when they were read: of these only the counts change.
    finished: Mutex<HashSet<Box<str>>>,
    /// Until when counts alone are not requested, because that was refused.
    refused_until: Mutex<Timestamp>,
}

/// The most videos that are remembered: some megabytes.
const MOST_VIDEOS: usize = 100_000;
/// How long counts alone are not requested after a refusal.
const REFUSED_S: i64 = 3600;

struct Known {
    etag: Box<str>,
    /// Apart by commas, which no id has.
    ids: Box<str>,
    next: Option<Box<str>>,
}

impl Lists {
    /// What YouTube called the newest list of this playlist, if it was read before.
    pub(super) fn etag(&self, playlist: &str) -> Option<String> {
        self.known.lock().get(playlist).map(|known| known.etag.to_string())
    }

    /// The page that was read before, if YouTube called it so.
    pub(super) fn page(&self, playlist: &str, etag: &str) -> Option<Page> {
        let lists = self.known.lock();
        let known = lists.get(playlist).filter(|known| &*known.etag == etag)?;
        let ids = known.ids.split(',').filter(|id| !id.is_empty()).map(str::to_owned).collect();
        Some(Page { ids, next: known.next.as_deref().map(str::to_owned) })
    }

    /// Remembers a page.
    pub(super) fn put(&self, playlist: &str, etag: &str, page: &Page) {
        let mut lists = self.known.lock();
        let fits = etag.len() <= LONGEST_ETAG && (lists.len() < MOST || lists.contains_key(playlist));
        if fits {
            let known =
                Known { etag: etag.into(), ids: page.ids.join(",").into(), next: page.next.as_deref().map(Into::into) };
            lists.insert(playlist.to_owned(), known);
        }
    }

    /// Remembers a video that is over.
    pub(super) fn put_finished(&self, video: &str) {
        let mut finished = self.finished.lock();
        if finished.len() < MOST_VIDEOS {
            finished.insert(video.into());
        }
    }

    /// Whether only a video's counts change, and may be requested alone.
    pub(super) fn has_only_counts(&self, video: &str, now: Timestamp) -> bool {
        *self.refused_until.lock() <= now && self.finished.lock().contains(video)
    }

    /// Counts alone were refused: videos are read whole for a while.
    pub(super) fn counts_refused(&self, now: Timestamp) {
        *self.refused_until.lock() = now.plus_seconds(REFUSED_S);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_known_by_its_newest_name_only() {
        let lists = Lists::default();
        assert_eq!((lists.etag("UU1"), lists.page("UU1", "a")), (None, None));
        let page = Page { ids: vec!["v1".to_owned(), "v2".to_owned()], next: Some("t".to_owned()) };
        lists.put("UU1", "a", &page);
        assert_eq!((lists.etag("UU1").as_deref(), lists.page("UU1", "a")), (Some("a"), Some(page)));
        lists.put("UU1", "b", &Page::default());
        assert_eq!((lists.page("UU1", "a"), lists.page("UU1", "b")), (None, Some(Page::default())));
    }

    #[test]
    fn memory_is_bounded() {
        let lists = Lists::default();
        (0..MOST + 5).for_each(|number| lists.put(&number.to_string(), "a", &Page::default()));
        assert_eq!(lists.known.lock().len(), MOST);
        lists.put("0", &"b".repeat(101), &Page::default());
        lists.put("0", "b", &Page::default());
        assert_eq!(lists.etag("0").as_deref(), Some("b"), "what is known is renewed");
    }

    #[test]
    fn counts_alone_are_requested_of_what_is_over_unless_that_was_refused() {
        let (lists, now) = (Lists::default(), Timestamp(5_000));
        lists.put_finished("v1");
        let has = |at| (lists.has_only_counts("v1", at), lists.has_only_counts("v2", at));
        assert_eq!(has(now), (true, false));
        lists.counts_refused(now);
        assert_eq!(has(now.plus_seconds(3599)), (false, false));
        assert_eq!(has(now.plus_seconds(3600)), (true, false));
    }
}
