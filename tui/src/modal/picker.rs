//! Which influencer to merge into: a filter while typing, and the first that fit.

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
    /// Whether more fit.
    pub more: bool,
    pub cursor: usize,
    pub error: Option<RosterError>,
}

impl Picker {
    pub fn new(influencer: InfluencerId, name: String) -> Self {
        Self { influencer, name, filter: Input::default(), rows: Vec::new(), more: false, cursor: 0, error: None }
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
                self.error = None;
                self.cursor = self.cursor.min(self.rows.len().saturating_sub(1));
            }
            Err(error) => self.error = Some(error),
        }
    }

    /// What a key does.
    pub fn act(&mut self, action: Action) -> Vec<Next> {
        match action {
            Action::Up => self.cursor = self.cursor.saturating_sub(1),
            Action::Down => self.cursor = (self.cursor + 1).min(self.rows.len().saturating_sub(1)),
            Action::Submit => {
                let into = self.rows.get(self.cursor);
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
        pen.put(inside.x, inside.y + 2, inside.width, &error.message, pen.theme.bad);
        return;
    }
    if picker.rows.is_empty() {
        pen.put(inside.x, inside.y + 2, inside.width, "nobody else fits", pen.theme.faint);
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
