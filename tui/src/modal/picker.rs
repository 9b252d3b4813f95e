//! Which influencer to merge into: a filter while typing, and the first that fit.

use ratatui::layout::Rect;
use roster_protocol::{InfluencerId, InfluencerPage, InfluencerRow, RosterError};
use tui_input::Input;

use crate::keys::Action;
use crate::message::Request;
use crate::modal::{Next, boxed, confirm};
use crate::shared::Shared;
use crate::widgets::input;
use crate::widgets::pen::Pen;

/// How many are offered.
pub const CHOICES: u64 = 9;

/// The choice.
#[derive(Clone, Debug)]
pub struct Picker {
    /// Who is merged.
    pub influencer: InfluencerId,
    pub name: String,
    pub filter: Input,
    /// The first who fit, without the one who is merged; all of them are seen.
    pub rows: Vec<InfluencerRow>,
    /// The filter that these rows fit; `None` before the first response.
    pub answered: Option<String>,
    /// Whether more fit.
    pub more: bool,
    pub cursor: usize,
    pub error: Option<RosterError>,
}

impl Picker {
    pub fn new(influencer: InfluencerId, name: String) -> Self {
        let rows = Vec::new();
        Self { influencer, name, filter: Input::default(), rows, answered: None, more: false, cursor: 0, error: None }
    }

    /// Requests who fits now.
    pub fn changed(&mut self) -> Vec<Next> {
        let filter = self.filter.value().trim().to_owned();
        self.cursor = 0;
        Next::request(Request::Choices(filter))
    }

    /// Takes who fits; a late response for another filter is dropped.
    pub fn responded(&mut self, filter: &str, result: Result<InfluencerPage, RosterError>) {
        if self.filter.value().trim() != filter {
            return;
        }
        match result {
            Ok(page) => {
                let (itself, fitting) = (self.influencer, page.matching);
                let is_among = page.rows.iter().any(|row| row.id == itself);
                self.rows = page.rows.into_iter().filter(|row| row.id != itself).take(CHOICES as usize).collect();
                self.more = fitting > self.rows.len() as u64 + u64::from(is_among);
                (self.answered, self.error) = (Some(filter.to_owned()), None);
                self.cursor = self.cursor.min(self.rows.len().saturating_sub(1));
            }
            Err(error) => self.error = Some(error),
        }
    }

    /// Who is under the cursor, once the rows are those of the filter.
    fn chosen(&self) -> Option<&InfluencerRow> {
        let fits = self.error.is_none() && self.answered.as_deref() == Some(self.filter.value().trim());
        self.rows.get(self.cursor).filter(|_| fits)
    }

    /// Whether a footer entry makes sense now.
    pub fn offers(&self, action: Action) -> bool {
        match action {
            Action::Submit => self.chosen().is_some(),
            Action::Down => self.error.is_none() && self.rows.len() > 1,
            _ => true,
        }
    }

    /// What a key does.
    pub fn act(&mut self, action: Action) -> Vec<Next> {
        match action {
            Action::Up => self.cursor = self.cursor.saturating_sub(1),
            Action::Down => self.cursor = (self.cursor + 1).min(self.rows.len().saturating_sub(1)),
            Action::Submit => {
                let into = self.chosen();
                let merge =
                    into.map(|into| confirm::merge(self.influencer, self.name.clone(), into.id, into.name.clone()));
                return merge.map(Next::Modal).into_iter().collect();
            }
            Action::Back => return vec![Next::Close],
            _ => {}
        }
        Vec::new()
    }
}

/// Draws filter and choices.
pub fn view(shared: &Shared, picker: &Picker, pen: &mut Pen<'_>) {
    let inside = boxed(pen, shared.size, 60, CHOICES as u16 + 3, &format!("Merge {} into", picker.name));
    pen.sign(inside.x, inside.y, '/', pen.theme.accent);
    input::draw(pen, &picker.filter, inside.x + 2, inside.y, inside.width.saturating_sub(2));
    let bottom = (inside.y + inside.height).saturating_sub(1);
    if let Some(error) = &picker.error {
        let area = Rect { y: inside.y + 2, height: 4, ..inside };
        let used = pen.wrapped(area, &error.message, pen.theme.bad);
        let below = Rect { y: area.y + used, height: 4, ..area };
        pen.wrapped(below, error.hint.as_deref().unwrap_or_default(), pen.theme.faint);
        return;
    }
    if picker.rows.is_empty() {
        let empty = if picker.answered.is_none() { "loading…" } else { "no other influencer fits" };
        pen.put(inside.x, inside.y + 2, inside.width, empty, pen.theme.faint);
    }
    for ((index, row), y) in picker.rows.iter().enumerate().zip(inside.y + 2..bottom) {
        let style = if index == picker.cursor { pen.theme.strong } else { pen.theme.plain };
        if index == picker.cursor {
            pen.sign(inside.x, y, '▌', pen.theme.accent);
        }
        pen.put(inside.x + 2, y, inside.width.saturating_sub(12), &row.name, style);
        pen.put_right(inside.x, y, inside.width, &shared.count(row.followers), pen.theme.faint);
    }
    if picker.more {
        pen.put(inside.x + 2, bottom, inside.width, "more fit: type more of the name", pen.theme.faint);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::row;

    #[test]
    fn only_one_of_the_rows_that_fit_is_taken() {
        let mut picker = Picker::new(row(7).id, "Mara".to_owned());
        let page = || Ok(InfluencerPage { rows: vec![row(1)], matching: 1, ..InfluencerPage::default() });
        assert!(picker.act(Action::Submit).is_empty() && !picker.offers(Action::Submit), "nothing is loaded yet");
        picker.responded("", page());
        assert_eq!(picker.act(Action::Submit).len(), 1);
        picker.filter = Input::from("nokey:x");
        picker.changed();
        assert!(picker.act(Action::Submit).is_empty(), "these rows are of the filter before");
        picker.responded("nokey:x", Err(RosterError::usage("no such key")));
        assert!(picker.act(Action::Submit).is_empty() && !picker.offers(Action::Submit), "no row is seen");
        picker.filter = Input::default();
        picker.changed();
        picker.responded("", page());
        assert!(picker.offers(Action::Submit));
    }
}
