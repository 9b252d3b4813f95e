//! Which influencer to merge into: a filter while typing, and the first that fit.

use roster_protocol::{InfluencerId, InfluencerPage, InfluencerRow, RosterError, query};
use tui_input::Input;

use crate::keys::Action;
use crate::message::{Effect, Request};
use crate::modal::{Modal, boxed, confirm};
use crate::model::Model;
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
    /// Who fits, without the one who is merged.
    pub rows: Vec<InfluencerRow>,
    pub cursor: usize,
    pub error: Option<RosterError>,
}

impl Picker {
    pub fn new(influencer: InfluencerId, name: String) -> Self {
        Self { influencer, name, filter: Input::default(), rows: Vec::new(), cursor: 0, error: None }
    }

    /// Asks who fits now.
    pub fn changed(&mut self) -> Vec<Effect> {
        let filter = self.filter.value().trim().to_owned();
        self.cursor = 0;
        match query::parse(&filter) {
            Ok(_) => vec![Effect::Request(Request::Choices(filter))],
            Err(error) => {
                self.error = Some(RosterError::usage(error.to_string()));
                Vec::new()
            }
        }
    }
}

/// Takes who fits; a late answer for another filter is dropped.
pub fn answered(model: &mut Model, filter: &str, result: Result<InfluencerPage, RosterError>) {
    let Some(Modal::Picker(picker)) = &mut model.modal else { return };
    if picker.filter.value().trim() != filter {
        return;
    }
    match result {
        Ok(page) => {
            let itself = picker.influencer;
            picker.rows = page.rows.into_iter().filter(|row| row.id != itself).collect();
            picker.error = None;
            picker.cursor = picker.cursor.min(picker.rows.len().saturating_sub(1));
        }
        Err(error) => picker.error = Some(error),
    }
}

/// What a key does with the choice.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let Some(Modal::Picker(picker)) = &mut model.modal else { return Vec::new() };
    match action {
        Action::Up => picker.cursor = picker.cursor.saturating_sub(1),
        Action::Down => picker.cursor = (picker.cursor + 1).min(picker.rows.len().saturating_sub(1)),
        Action::Submit => {
            if let Some(into) = picker.rows.get(picker.cursor) {
                let (id, name) = (into.id, into.name.clone());
                model.modal = Some(confirm::merge(picker.influencer, picker.name.clone(), id, name));
            }
        }
        Action::Back => model.modal = None,
        _ => {}
    }
    Vec::new()
}

/// Draws filter and choices.
pub fn view(shared: &Shared, picker: &Picker, pen: &mut Pen<'_>) {
    let inside = boxed(pen, shared.size, 60, CHOICES as u16 + 2, &format!("Merge {} into", picker.name));
    pen.sign(inside.x, inside.y, '/', pen.theme.accent);
    input::draw(pen, &picker.filter, inside.x + 2, inside.y, inside.width.saturating_sub(2));
    let bottom = inside.y + inside.height;
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
}
