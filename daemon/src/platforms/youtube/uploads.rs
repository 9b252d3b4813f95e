//! A channel's newest uploads while its videos are read: the newest finished ones count, and announced broadcasts may
//! hide them. Pure.

use std::collections::{HashMap, VecDeque};

use super::lists::Page;
use crate::history::engagement::{NEWEST_POSTS, Post};
use crate::platforms::reading::{Posts, add_engagement};
use crate::platforms::{Observation, PlatformError};

/// Some more than are counted, because announced and running broadcasts are left out.
const VIDEOS_AT_FIRST: usize = NEWEST_POSTS + 3;
/// How far back the uploads of an owner are read who announces much.
const MOST_PAGES: usize = 2;

/// What videos reported, by their ids; those that are deleted or private are missing.
pub(super) type Videos = HashMap<String, Result<Option<Post>, PlatformError>>;

#[derive(Default)]
pub(super) struct Uploads {
    /// `None` where there are none, or none that can be read.
    playlist: Option<String>,
    /// Listed and not requested yet, newest first.
    waiting: VecDeque<String>,
    listed: usize,
    pages: usize,
    next_page: Option<String>,
    posts: Posts,
    failed: Option<PlatformError>,
}

impl Uploads {
    pub(super) fn of(playlist: Option<String>) -> Self {
        Self { playlist, ..Self::default() }
    }

    /// The page of the playlist that is needed next, by its token; the first one has none.
    pub(super) fn needed_page(&self) -> Option<(&str, Option<&str>)> {
        let playlist = self.playlist.as_deref().filter(|_| self.needs_more() && self.waiting.is_empty())?;
        match (self.pages, &self.next_page) {
            (0, _) => Some((playlist, None)),
            (1..MOST_PAGES, Some(token)) => Some((playlist, Some(token))),
            _ => None,
        }
    }

    pub(super) fn take_page(&mut self, page: Result<Page, PlatformError>) {
        self.pages += 1;
        match page {
            Ok(page) => {
                self.listed += page.ids.len();
                self.waiting.extend(page.ids);
                self.next_page = page.next;
            }
            Err(error) => self.failed = Some(error),
        }
    }

    /// The ids of the videos to be requested now: few at first, then all that are listed.
    pub(super) fn next_ids(&mut self) -> Vec<String> {
        if !self.needs_more() {
            return Vec::new();
        }
        let is_first = self.pages == 1 && self.waiting.len() == self.listed;
        let most = if is_first { VIDEOS_AT_FIRST } else { usize::MAX };
        self.waiting.drain(..self.waiting.len().min(most)).collect()
    }

    pub(super) fn take(&mut self, ids: &[String], videos: &Videos) {
        for id in ids {
            match videos.get(id) {
                Some(Ok(post)) => self.posts.posts.extend(*post),
                Some(Err(PlatformError::Unexpected { .. })) => self.posts.unread += 1,
                Some(Err(error)) => self.failed = Some(error.clone()),
                None => {}
            }
        }
    }

    fn needs_more(&self) -> bool {
        self.failed.is_none() && self.posts.posts.len() + self.posts.unread < NEWEST_POSTS
    }

    /// Adds what the newest finished videos say.
    pub(super) fn add_to(self, observation: &mut Observation) {
        let finished = self.posts.posts.len();
        if self.needs_more() && self.next_page.is_some() {
            let sentence =
                format!("posts: of the {} newest uploads only {finished} are finished public videos", self.listed);
            observation.missing.push(sentence);
        }
        add_engagement(observation, self.failed.map_or(Ok(self.posts), Err));
    }
}
