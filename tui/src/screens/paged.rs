//! A long list of which the part around the cursor is held, for lists that change their order.
//!
//! Every request is for the rows in sight and some around them; the response replaces what was held. One request is
//! open at a time, however fast the cursor moves: only the place where it ends needs rows.

use roster_protocol::RosterError;
use roster_protocol::service::PAGE_ROWS;

use crate::keys::Action;
use crate::widgets::window::Window;

/// What is held of such a list.
#[derive(Clone, Debug)]
pub struct Paged<Row> {
    rows: Vec<Row>,
    /// The index of the first row held.
    offset: usize,
    pub total: usize,
    pub window: Window,
    /// Whether the first response was there.
    pub loaded: bool,
    /// Why the last request failed.
    pub error: Option<RosterError>,
    requested: Option<Part>,
    /// Something happened while a request was open.
    again: bool,
}

/// A part of the list, to be requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    pub offset: u64,
    pub limit: u64,
}

impl<Row> Default for Paged<Row> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            offset: 0,
            total: 0,
            window: Window::default(),
            loaded: false,
            error: None,
            requested: None,
            again: false,
        }
    }
}

impl<Row> Paged<Row> {
    /// What to request after something happened; `None` while a request is open.
    pub fn reload(&mut self, height: usize) -> Option<Part> {
        self.again = self.requested.is_some();
        if self.again { None } else { Some(self.request(height)) }
    }

    /// Moves the cursor; gives what to request when rows in sight are missing and no request is open.
    pub fn moved(&mut self, action: Action, height: usize) -> Option<Part> {
        self.window.moved(action, self.total, height);
        self.missing(height)
    }

    /// After the screen's size changed.
    pub fn resized(&mut self, height: usize) -> Option<Part> {
        self.window.clamp(self.total, height);
        if self.loaded { self.missing(height) } else { None }
    }

    /// Takes a part, and the count of all rows; a late one is dropped. The cursor stays on its row.
    pub fn responded(
        &mut self,
        part: Part,
        result: Result<(u64, Vec<Row>), RosterError>,
        same: impl Fn(&Row, &Row) -> bool,
        height: usize,
    ) -> Option<Part> {
        if self.requested != Some(part) {
            return None;
        }
        self.requested = None;
        let again = std::mem::take(&mut self.again);
        match result {
            Err(error) => {
                self.error = Some(error);
                return None;
            }
            Ok((total, rows)) => self.take(part, total, rows, same, height),
        }
        match () {
            () if again => Some(self.request(height)),
            // A daemon that returns fewer rows than there are would be sent the same request for ever.
            () if self.part(height) == part => None,
            () => self.missing(height),
        }
    }

    fn take(&mut self, part: Part, total: u64, rows: Vec<Row>, same: impl Fn(&Row, &Row) -> bool, height: usize) {
        let offset = usize::try_from(part.offset).unwrap_or(usize::MAX);
        let followed = self.current().filter(|_| self.window.cursor > 0);
        let index = followed.and_then(|row| rows.iter().position(|other| same(row, other)));
        if let Some(index) = index {
            self.window.cursor = offset.saturating_add(index);
        }
        (self.rows, self.offset) = (rows, offset);
        self.total = usize::try_from(total).unwrap_or(usize::MAX);
        (self.loaded, self.error) = (true, None);
        self.window.clamp(self.total, height);
    }

    /// The row under the cursor.
    pub fn current(&self) -> Option<&Row> {
        self.row(self.window.cursor)
    }

    fn row(&self, index: usize) -> Option<&Row> {
        self.rows.get(index.checked_sub(self.offset)?)
    }

    /// The rows to draw, those not held as `None`, each with whether the cursor is on it.
    pub fn visible(&self, height: usize) -> impl Iterator<Item = (Option<&Row>, bool)> {
        let seen = (self.window.top..self.total).take(height);
        seen.map(|index| (self.row(index), index == self.window.cursor))
    }

    fn missing(&mut self, height: usize) -> Option<Part> {
        let end = self.window.top.saturating_add(height).min(self.total);
        let held = self.window.top >= self.offset && end <= self.offset + self.rows.len();
        (!held && self.requested.is_none()).then(|| self.request(height))
    }

    fn request(&mut self, height: usize) -> Part {
        let part = self.part(height);
        self.requested = Some(part);
        part
    }

    fn part(&self, height: usize) -> Part {
        let limit = (height * 3).clamp(60, PAGE_ROWS as usize);
        let offset = self.window.top.saturating_sub(limit.saturating_sub(height) / 2);
        Part { offset: offset as u64, limit: limit as u64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(part: Part, total: u64) -> Result<(u64, Vec<u64>), RosterError> {
        Ok((total, (part.offset..total.min(part.offset + part.limit)).collect()))
    }

    fn responded(list: &mut Paged<u64>, part: Part, total: u64) -> Option<Part> {
        list.responded(part, rows(part, total), |a, b| a == b, 10)
    }

    #[test]
    fn the_part_in_sight_is_held() {
        let mut list = Paged::default();
        let first = list.reload(10).expect("nothing is requested yet");
        assert_eq!(list.reload(10), None, "one request at a time");
        let again = responded(&mut list, first, 1_000).expect("something happened meanwhile");
        assert_eq!(responded(&mut list, again, 1_000), None);
        assert_eq!(list.moved(Action::Down, 10), None, "a step inside requests nothing");
        let last = list.moved(Action::Bottom, 10).expect("the end is not held");
        assert_eq!(list.visible(10).filter(|(row, _)| row.is_none()).count(), 10);
        assert_eq!(responded(&mut list, first, 1_000), None, "a late part is dropped");
        assert_eq!(responded(&mut list, last, 1_000), None);
        assert_eq!(list.current(), Some(&999));
        assert_eq!(list.visible(10).last(), Some((Some(&999), true)));
    }

    #[test]
    fn the_cursor_stays_on_its_row_while_the_order_changes() {
        let mut list = Paged::default();
        let part = list.reload(10).expect("nothing is requested yet");
        responded(&mut list, part, 20);
        list.moved(Action::Down, 10);
        let part = list.reload(10).expect("nothing is open");
        list.responded(part, Ok((20, (0..20).rev().collect())), |a, b| a == b, 10);
        assert_eq!((list.current(), list.window.cursor), (Some(&1), 18));
        let part = list.reload(10).expect("nothing is open");
        list.responded(part, Ok((1, vec![7])), |a, b| a == b, 10);
        assert_eq!((list.current(), list.window.cursor), (Some(&7), 0));
    }

    #[test]
    fn a_held_key_sends_one_request_and_one_for_where_it_ends() {
        let mut list = Paged::default();
        let first = list.reload(10).expect("nothing is requested yet");
        responded(&mut list, first, 4_000);
        let sent: Vec<Part> = (0..60).filter_map(|_| list.moved(Action::PageDown, 10)).collect();
        let [part] = sent[..] else { panic!("{sent:?}") };
        let last = responded(&mut list, part, 4_000).expect("the cursor has moved on");
        assert_eq!(responded(&mut list, last, 4_000), None);
        assert_eq!((list.window.cursor, list.current()), (540, Some(&540)));
        assert!(list.visible(10).all(|(row, _)| row.is_some()));
    }

    #[test]
    fn rows_that_never_arrive_are_not_requested_forever() {
        let mut list = Paged::default();
        let part = list.reload(10).expect("nothing is requested yet");
        assert_eq!(list.responded(part, Ok((500, vec![1_u64])), |a, b| a == b, 10), None);
        let part = list.reload(10).expect("nothing is open");
        assert_eq!(list.responded(part, Err(RosterError::failed("x")), |a, b| a == b, 10), None);
        assert!(list.loaded && list.error.is_some());
    }
}
