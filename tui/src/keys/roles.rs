//! Which role each key needs. The daemon decides; this is so that what it would refuse is shown as not available.

use roster_protocol::Role;

use super::{Action, Context};

/// The least role that an action needs where its key is pressed.
pub fn needs(context: Context, action: Action) -> Role {
    use Action as A;
    match action {
        // A rule concerns all users.
        A::Edit if matches!(context, Context::Screen("Rules" | "Rule")) => Role::Admin,
        // On the screens it takes back what was the user's own.
        A::Undo if context == Context::Screens => Role::Analyst,
        A::Switch | A::NewRule | A::Disconnect | A::Remove | A::Undo => Role::Admin,
        A::Add
        | A::Connect
        | A::Sync
        | A::Pause
        | A::PauseAll
        | A::Edit
        | A::Note
        | A::Record
        | A::Interval
        | A::Handle
        | A::Main
        | A::Merge
        | A::Acknowledge
        | A::Assign
        | A::Silence => Role::Analyst,
        A::Quit
        | A::Redraw
        | A::Stop
        | A::Help
        | A::Command
        | A::Back
        | A::Open
        | A::Up
        | A::Down
        | A::Left
        | A::Right
        | A::PageUp
        | A::PageDown
        | A::Top
        | A::Bottom
        | A::Screen(_)
        | A::Exact
        | A::Filter
        | A::Sort
        | A::Reverse
        | A::Columns
        | A::MetricBefore
        | A::MetricAfter
        | A::Range
        | A::Shorter
        | A::Longer
        | A::ReadAll
        | A::Test
        | A::CopyUrl
        | A::Copy
        | A::PasteAddress
        | A::ShowCode
        | A::SwitchMethod
        | A::Mark
        | A::Again
        | A::StartDaemon
        | A::Yes
        | A::No
        | A::Submit
        | A::NextField
        | A::PreviousField
        | A::Complete => Role::Viewer,
    }
}
