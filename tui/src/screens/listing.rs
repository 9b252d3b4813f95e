//! A list that grows with time, newest first, loaded page by page as the cursor moves back.

use roster_protocol::RosterError;
use roster_protocol::service::{Page, PageMark};

use crate::keys::Action;
use crate::widgets::window::Window;

/// Rows kept at most; older ones are for a command with a date.
const MOST_ROWS: usize = 20_000;

/// Rows that are left below the cursor when the next page is requested.
const AHEAD: usize = 40;

/// What is loaded of such a list.
#[derive(Clone, Debug)]
pub struct Listing<Row> {
    pub rows: Vec<Row>,
    pub next: Option<PageMark>,
    pub window: Window,
    /// Whether the first response was there.
    pub loaded: bool,
    /// Why the last request failed.
    pub error: Option<RosterError>,
    requested: bool,
    /// Something happened while a request was open.
    again: bool,
}

impl<Row> Default for Listing<Row> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            next: None,
            window: Window::default(),
            loaded: false,
            error: None,
            requested: false,
            again: false,
        }
    }
}

impl<Row> Listing<Row> {
    /// Whether to request the first page now.
    pub fn reload(&mut self) -> bool {
        self.again = self.requested;
        !std::mem::replace(&mut self.requested, true)
    }

    /// Moves the cursor; returns the mark of the next page when the cursor is near the end.
    pub fn moved(&mut self, action: Action, height: usize) -> Option<PageMark> {
        self.window.moved(action, self.rows.len(), height);
        self.more()
    }

    fn more(&mut self) -> Option<PageMark> {
        let near = self.window.cursor + AHEAD >= self.rows.len();
        if self.requested || !near || self.rows.len() >= MOST_ROWS {
            return None;
        }
        let mark = self.next.clone()?;
        self.requested = true;
        Some(mark)
    }

    /// The row under the cursor.
    pub fn current(&self) -> Option<&Row> {
        self.rows.get(self.window.cursor)
    }

    /// The rows to draw, each with whether the cursor is on it.
    pub fn visible(&self, height: usize) -> impl Iterator<Item = (&Row, bool)> {
        let rows = self.rows.iter().enumerate().skip(self.window.top).take(height);
        rows.map(|(index, row)| (row, index == self.window.cursor))
    }

    /// Takes a page. A first one replaces all, unless the reader is further back; the cursor stays on its row.
    ///
    /// True when the first page should be requested once more.
    pub fn responded(
        &mut self,
        mark: Option<&PageMark>,
        result: Result<Page<Row>, RosterError>,
        same: impl Fn(&Row, &Row) -> bool,
        height: usize,
    ) -> bool {
        self.requested = false;
        match result {
            Err(error) => self.error = Some(error),
            Ok(page) => {
                (self.loaded, self.error) = (true, None);
                match mark {
                    None => self.replace(page, same),
                    Some(mark) if self.next.as_ref() == Some(mark) => {
                        self.rows.extend(page.rows);
                        self.next = page.next;
                    }
                    // The rows before it have been replaced meanwhile.
                    Some(_) => {}
                }
            }
        }
        self.window.clamp(self.rows.len(), height);
        std::mem::take(&mut self.again) && self.reload()
    }

    fn replace(&mut self, page: Page<Row>, same: impl Fn(&Row, &Row) -> bool) {
        let at = |rows: &[Row], row: &Row| rows.iter().position(|other| same(other, row));
        let cursor = self.current().and_then(|row| at(&page.rows, row));
        if self.window.cursor > 0 {
            match cursor {
                Some(cursor) => {
                    self.window.top = (self.window.top + cursor).saturating_sub(self.window.cursor);
                    self.window.cursor = cursor;
                }
                None => {
                    // Further back than the first page: join what is new to what is there.
                    let joint = page.rows.last().and_then(|last| at(&self.rows, last));
                    if let Some(joint) = joint {
                        let added = page.rows.len().saturating_sub(joint + 1);
                        let old = self.rows.split_off(joint + 1);
                        self.rows = page.rows.into_iter().chain(old).collect();
                        self.window.cursor += added;
                        self.window.top += added;
                        return;
                    }
                }
            }
        }
        self.rows = page.rows;
        self.next = page.next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(rows: std::ops::Range<u32>, next: Option<u8>) -> Result<Page<u32>, RosterError> {
        Ok(Page { rows: rows.rev().collect(), next: next.map(|byte| PageMark(vec![byte])) })
    }

    #[test]
    fn pages_are_requested_as_the_cursor_moves_back() {
        let mut list = Listing::default();
        assert!(list.reload());
        assert!(!list.reload(), "requested already");
        assert!(list.responded(None, page(100..200, Some(1)), u32::eq, 10), "an event arrived meanwhile");
        list.responded(None, page(100..200, Some(1)), u32::eq, 10);
        assert_eq!(list.moved(Action::Down, 10), None);
        let mark = list.moved(Action::Bottom, 10).expect("the end is near");
        assert_eq!(list.moved(Action::Down, 10), None, "one request at a time");
        list.responded(Some(&mark), page(0..100, None), u32::eq, 10);
        assert_eq!((list.rows.len(), list.window.cursor), (200, 99));
        assert_eq!(list.moved(Action::Bottom, 10), None, "that was all");
    }

    #[test]
    fn the_cursor_stays_on_its_row_when_new_ones_come() {
        let mut list = Listing::default();
        list.responded(None, page(0..50, None), u32::eq, 10);
        list.responded(None, page(5..55, None), u32::eq, 10);
        assert_eq!(list.current(), Some(&54), "at the top one stays at the top");
        list.moved(Action::Down, 10);
        list.responded(None, page(10..60, None), u32::eq, 10);
        assert_eq!((list.current(), list.window.cursor), (Some(&53), 6));
    }

    #[test]
    fn who_is_far_back_keeps_what_is_there() {
        let mut list = Listing::default();
        list.responded(None, page(100..200, Some(1)), u32::eq, 10);
        let mark = list.moved(Action::Bottom, 10).expect("more");
        list.responded(Some(&mark), page(0..100, None), u32::eq, 10);
        list.moved(Action::Bottom, 10);
        list.responded(None, page(103..203, Some(2)), u32::eq, 10);
        assert_eq!((list.current(), list.rows.len(), list.next.clone()), (Some(&0), 203, None));
        assert!(list.rows.windows(2).all(|pair| pair[0] == pair[1] + 1), "no row is missing or doubled");
    }

    #[test]
    fn a_failure_keeps_what_is_there() {
        let mut list = Listing::default();
        list.responded(None, page(0..5, None), u32::eq, 10);
        list.responded(None, Err(RosterError::failed("no")), u32::eq, 10);
        assert_eq!(list.rows.len(), 5);
        assert!(list.error.is_some());
    }
}
