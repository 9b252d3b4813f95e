//! Which columns the roster shows, and how wide they are. Every key takes effect at once.

use roster_protocol::SortBy;

use crate::keys::Action;
use crate::message::Effect;
use crate::modal::{Next, boxed};
use crate::shared::Shared;
use crate::shared::columns::{self, Field};
use crate::widgets::pen::Pen;

/// The choice, with the column under the cursor.
#[derive(Clone, Copy, Debug)]
pub struct Columns {
    cursor: usize,
    /// The order of the list, which has a say in what is shown.
    sort: SortBy,
}

impl Columns {
    pub fn new(sort: SortBy) -> Self {
        Self { cursor: 0, sort }
    }

    /// What a key does.
    pub fn act(&mut self, shared: &mut Shared, action: Action) -> Vec<Next> {
        let count = Field::all().count();
        let field = Field::all().nth(self.cursor).unwrap_or(Field::Name);
        let (screen, exact) = (shared.size.width, shared.exact);
        let shown = columns::shown(&shared.remembered, screen, exact, self.sort);
        match action {
            Action::Up => self.cursor = self.cursor.saturating_sub(1),
            Action::Down => self.cursor = (self.cursor + 1).min(count.saturating_sub(1)),
            Action::Top => self.cursor = 0,
            Action::Bottom => self.cursor = count.saturating_sub(1),
            Action::Mark => columns::toggle(&mut shared.remembered, field, &shown),
            Action::Longer => columns::widen(&mut shared.remembered, field, screen, exact, 1),
            Action::Shorter => columns::widen(&mut shared.remembered, field, screen, exact, -1),
            Action::Again => {
                shared.remembered.columns.clear();
                shared.remembered.widths.clear();
            }
            Action::Back => {
                let remember = Effect::Remember(Box::new(shared.remembered.clone()));
                return vec![Next::Close, Next::Effect(remember)];
            }
            _ => {}
        }
        Vec::new()
    }
}

/// Draws the columns with what they show.
pub fn view(shared: &Shared, columns: &Columns, pen: &mut Pen<'_>) {
    let count = Field::all().count() as u16;
    let inside = boxed(pen, shared.size, 54, count, "Columns of the roster");
    let shown = columns::shown(&shared.remembered, shared.size.width, shared.exact, columns.sort);
    let first = columns.cursor.saturating_sub(usize::from(inside.height.saturating_sub(1)));
    for ((index, field), y) in Field::all().enumerate().skip(first).zip(inside.y..inside.bottom()) {
        let under_cursor = index == columns.cursor;
        if under_cursor {
            pen.sign(inside.x, y, '▌', pen.theme.accent);
        }
        let width = shown.iter().find(|(column, _)| *column == field).map(|(_, width)| *width);
        let wanted = shared.remembered.columns.iter().any(|word| word == field.word());
        let (mark, style, width) = match width {
            Some(0) => ('✓', pen.theme.plain, "the rest".to_owned()),
            Some(width) => ('✓', pen.theme.plain, width.to_string()),
            None if wanted => ('…', pen.theme.faint, "no room".to_owned()),
            None => (' ', pen.theme.faint, String::new()),
        };
        pen.sign(inside.x + 2, y, mark, pen.theme.good);
        pen.put(inside.x + 4, y, 11, field.word(), if under_cursor { pen.theme.strong } else { style });
        pen.put(inside.x + 16, y, inside.width.saturating_sub(26), field.about(), pen.theme.faint);
        pen.put_right(inside.x, y, inside.width, &width, pen.theme.faint);
    }
}
