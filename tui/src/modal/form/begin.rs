//! How each form begins: its fields, and what they hold already.

use roster_protocol::{Connection, InfluencerId, InfluencerRow};
use tui_input::Input;

use super::{Content, Field, Form, Kind, Phase, parse};
use crate::modal::Modal;
use crate::shared::Shared;

pub(super) fn text_field(label: &'static str, example: impl Into<String>, value: &str) -> Field {
    Field { label, example: example.into(), content: Content::Text(Input::from(value)) }
}

pub(super) fn form(shared: &mut Shared, kind: Kind, fields: Vec<Field>) -> Modal {
    shared.forms += 1;
    let (phase, seen, namesakes) = (Phase::Typing, None, None);
    Modal::Form(Box::new(Form { id: shared.forms, kind, fields, focus: 0, phase, seen, namesakes, overwrites: false }))
}

/// A new influencer.
pub fn add(shared: &mut Shared) -> Modal {
    let example = shared
        .example_account()
        .map_or("a name".to_owned(), |example| format!("{example}, a profile's URL, or a name"));
    let fields = vec![
        text_field("Account", example, ""),
        text_field("Name", "as the team calls them", ""),
        text_field("Tags", "words such as beauty nordic", ""),
        text_field("Note", "", ""),
    ];
    form(shared, Kind::Add, fields)
}

/// A further account of an influencer.
pub fn connect(shared: &mut Shared, influencer: InfluencerId, name: String) -> Modal {
    let mut platforms = shared.platforms.clone();
    platforms.sort_by_key(|platform| !(platform.enabled && platform.configured));
    let fields = vec![
        Field { label: "Platform", example: String::new(), content: Content::Platform { platforms, chosen: 0 } },
        text_field("Account", "", ""),
    ];
    form(shared, Kind::Connect { influencer, name }, fields)
}

/// Name and tags.
pub fn edit(shared: &mut Shared, row: &InfluencerRow) -> Modal {
    let kind = Kind::Edit { influencer: row.id, name: row.name.clone(), tags: row.tags.clone() };
    let fields =
        vec![text_field("Name", "", &row.name), text_field("Tags", "words such as beauty", &row.tags.join(" "))];
    form(shared, kind, fields)
}

/// The note.
pub fn note(shared: &mut Shared, row: &InfluencerRow) -> Modal {
    let note = row.note.as_deref().unwrap_or_default();
    let fields = vec![text_field("Note", "empty removes it", note)];
    form(shared, Kind::Note { influencer: row.id, name: row.name.clone(), before: note.to_owned() }, fields)
}

/// Numbers typed by hand.
pub fn record(shared: &mut Shared, connection: &Connection) -> Modal {
    let name = shared.label(connection);
    let fields = vec![
        text_field("Date", "today, yesterday or 2026-11-21", "today"),
        text_field("Followers", "12345 or 12.3k; what stays empty is left as it is", ""),
        text_field("Following", "", ""),
        text_field("Posts", "", ""),
        text_field("Engagement %", "5.25", ""),
        text_field("Likes a post", "610.4", ""),
        text_field("Comments a post", "38.25", ""),
        text_field("Views a post", "8100", ""),
        text_field("Keep", "yes: later syncs of that day leave them", ""),
    ];
    let mut modal = form(shared, Kind::Record { connection: connection.id, name, replace: false }, fields);
    if let Modal::Form(form) = &mut modal {
        form.focus = 1;
    }
    modal
}

/// How often a connection is synced.
pub fn interval(shared: &mut Shared, connection: &Connection) -> Modal {
    let name = shared.label(connection);
    let now = connection.interval.map(parse::interval_text).unwrap_or_default();
    let fields = vec![text_field("Every", "30m, 6h or 1d; empty follows the common interval", &now)];
    form(shared, Kind::Interval { connection: connection.id, name, before: connection.interval }, fields)
}

/// Another handle; the one that the platform reports the account moved to is written already.
pub fn handle(shared: &mut Shared, connection: &Connection) -> Modal {
    let name = shared.label(connection);
    let now = connection.moved_to.as_deref().unwrap_or(&connection.handle);
    let fields = vec![text_field("Handle", "the account's handle or its profile's URL", now)];
    form(shared, Kind::Handle { connection: connection.id, name, another: false }, fields)
}
