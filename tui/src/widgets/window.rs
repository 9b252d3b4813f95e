//! A cursor in a long list, and the part of the list that is seen.

use crate::keys::Action;

/// The cursor's row, and the first visible row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    pub cursor: usize,
    pub top: usize,
}

impl Window {
    /// Moves the cursor for a key, in a list of `total` rows `height` of them visible. False when the key moves nothing.
    pub fn moved(&mut self, action: Action, total: usize, height: usize) -> bool {
        let page = height.saturating_sub(1).max(1);
        let cursor = match action {
            Action::Up => self.cursor.saturating_sub(1),
            Action::Down => self.cursor.saturating_add(1),
            Action::PageUp => self.cursor.saturating_sub(page),
            Action::PageDown => self.cursor.saturating_add(page),
            Action::Top => 0,
            Action::Bottom => usize::MAX,
            _ => return false,
        };
        self.cursor = cursor;
        self.clamp(total, height);
        true
    }

    /// Brings the cursor into the list, and the seen part around the cursor.
    pub fn clamp(&mut self, total: usize, height: usize) {
        let height = height.max(1);
        self.cursor = self.cursor.min(total.saturating_sub(1));
        self.top =
            self.top.clamp((self.cursor + 1).saturating_sub(height), self.cursor).min(total.saturating_sub(height));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_stays_in_the_list_and_in_sight() {
        let check = |action: Action, from: (usize, usize), total: usize, to: (usize, usize)| {
            let mut window = Window { cursor: from.0, top: from.1 };
            window.moved(action, total, 5);
            assert_eq!((window.cursor, window.top), to, "{action:?} {from:?} of {total}");
        };
        check(Action::Down, (0, 0), 10, (1, 0));
        check(Action::Down, (4, 0), 10, (5, 1));
        check(Action::Down, (9, 5), 10, (9, 5));
        check(Action::Up, (0, 0), 10, (0, 0));
        check(Action::Up, (3, 3), 10, (2, 2));
        check(Action::PageDown, (0, 0), 10, (4, 0));
        check(Action::PageUp, (9, 5), 10, (5, 5));
        check(Action::Bottom, (0, 0), 10_000, (9_999, 9_995));
        check(Action::Top, (99, 95), 100, (0, 0));
        check(Action::Down, (0, 0), 0, (0, 0));
        check(Action::Bottom, (7, 7), 3, (2, 0));
    }
}
