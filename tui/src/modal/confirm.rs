//! A question before something that cannot be taken back, or concerns everything.

use roster_protocol::audit::PauseTarget;
use roster_protocol::rule::{ListedRule, Origin};
use roster_protocol::{ConnectionId, InfluencerId, SyncTarget};
use tui_input::Input;

use crate::keys::Action;
use crate::message::{Effect, Mutation, Request};
use crate::modal::{Modal, Next, boxed};
use crate::shared::Shared;
use crate::widgets::input;
use crate::widgets::pen::{Pen, columns, lines};

/// The question, and what is done on yes.
#[derive(Clone, Debug)]
pub struct Confirm {
    pub question: String,
    /// What will happen, a sentence a line.
    pub lines: Vec<String>,
    pub mutation: Mutation,
    /// Where the word `yes` must be typed; `None`: the key `y` suffices.
    pub typed: Option<Input>,
}

/// The question before an influencer is removed.
pub fn remove(influencer: InfluencerId, name: String) -> Modal {
    Modal::Confirm(Confirm {
        question: format!("Remove {name}?"),
        lines: vec![
            "All connections and the whole history go too.".to_owned(),
            "For a day U takes that back. Type yes:".to_owned(),
        ],
        mutation: Mutation::Remove { influencer, name },
        typed: Some(Input::default()),
    })
}

/// The question before an influencer is erased.
pub fn erase(influencer: InfluencerId, name: String) -> Modal {
    Modal::Confirm(Confirm {
        question: format!("Erase {name}?"),
        lines: vec![
            "Every record goes, the consents are revoked, and the audit log".to_owned(),
            "cannot say any more who it was. No backup brings them back.".to_owned(),
            format!("What it does not reach, and how much it is: roster erase {influencer}"),
            "This cannot be taken back. Type yes:".to_owned(),
        ],
        mutation: Mutation::Erase { influencer, name },
        typed: Some(Input::default()),
    })
}

/// The question before a connection ends.
///
/// `consented`: a consent may feed it. `after_consent`: within how many days what a consent gave is deleted after its end.
pub fn disconnect(connection: ConnectionId, name: String, consented: bool, after_consent: Option<u32>) -> Modal {
    let mut lines = vec![
        "It is not synced any more. Its history stays;".to_owned(),
        format!("to delete that too: roster disconnect {connection} --delete-history --yes"),
    ];
    if consented {
        lines.push("A consent that feeds nothing else is revoked at the provider as well.".to_owned());
        lines.extend(after_consent.map(|days| match days {
            0 => "What was read with it is deleted at once: the platform's terms say so.".to_owned(),
            days => format!("What was read with it is deleted within {days} days: the platform's terms say so."),
        }));
    }
    Modal::Confirm(Confirm {
        question: format!("Disconnect {name}?"),
        lines,
        mutation: Mutation::Disconnect { connection, name, delete_history: false },
        typed: None,
    })
}

/// The question before what users made of a rule is removed.
pub fn remove_rule(listed: &ListedRule) -> Confirm {
    let name = listed.rule.name.clone();
    let is_built_in = listed.overrides.contains(&Origin::BuiltIn);
    let after = if is_built_in { "It is as it is built in again." } else { "There is no rule of this name any more." };
    let lines = vec![after.to_owned(), "Its alerts stay as they are.".to_owned()];
    Confirm {
        question: format!("Remove the rule {name}?"),
        lines,
        mutation: Mutation::RemoveRule { name },
        typed: None,
    }
}

/// The question before one influencer becomes part of another.
pub fn merge(influencer: InfluencerId, name: String, into: InfluencerId, into_name: String) -> Modal {
    Modal::Confirm(Confirm {
        question: format!("Merge {name} into {into_name}?"),
        lines: vec![
            format!("Connections, tags and alerts of {name} move to {into_name};"),
            format!("then {name} is removed. This cannot be taken back."),
        ],
        mutation: Mutation::Merge { influencer, name, into, into_name },
        typed: None,
    })
}

/// The question before everything is paused.
pub fn pause_all(shared: &Shared) -> Modal {
    Modal::Confirm(Confirm {
        question: format!("Pause {}?", all_connections(shared)),
        lines: vec![
            "Nothing is synced any more, for everyone who works with this roster.".to_owned(),
            "What is not measured meanwhile stays unknown. :resume all ends it.".to_owned(),
        ],
        mutation: Mutation::Pause { target: PauseTarget::All, name: "everything".to_owned(), paused: true },
        typed: None,
    })
}

/// The question before everything is synced.
pub fn sync_all(shared: &Shared, name: &str) -> Modal {
    Modal::Confirm(Confirm {
        question: format!("Sync {} now?", all_connections(shared)),
        lines: vec!["It takes from what each platform allows in a day.".to_owned()],
        mutation: Mutation::Sync { target: SyncTarget::All, name: name.to_owned() },
        typed: None,
    })
}

fn all_connections(shared: &Shared) -> String {
    match &shared.status {
        Some(status) => format!("all {} connections", status.connections.total),
        None => "all connections".to_owned(),
    }
}

impl Confirm {
    /// Whether the word was typed; `None`: none is needed.
    fn is_typed(&self) -> Option<bool> {
        self.typed.as_ref().map(|typed| typed.value().trim().eq_ignore_ascii_case("yes"))
    }

    /// Whether a footer entry makes sense now.
    pub fn offers(&self, action: Action) -> bool {
        action != Action::Submit || self.is_typed() == Some(true)
    }

    /// What a key does.
    pub fn act(&self, action: Action) -> Vec<Next> {
        match (action, self.is_typed()) {
            (Action::Yes, None) | (Action::Submit, Some(true)) => {
                vec![Next::Close, Next::Effect(Effect::Request(Request::Mutate(self.mutation.clone())))]
            }
            (Action::No | Action::Back, _) => vec![Next::Close],
            _ => Vec::new(),
        }
    }
}

/// Columns inside of the box.
const WIDTH: u16 = 72;

/// The lines below the title, broken where names are long; a question that is too long for the title is repeated whole.
fn sentences(confirm: &Confirm, width: u16) -> Vec<String> {
    let is_cut = columns(&confirm.question) + 2 > usize::from(width);
    let question = is_cut.then_some(&confirm.question);
    question.into_iter().chain(&confirm.lines).flat_map(|line| lines(line, width, 4)).collect()
}

/// Draws the question.
pub fn view(shared: &Shared, confirm: &Confirm, pen: &mut Pen<'_>) {
    let width = WIDTH.min(shared.size.width.saturating_sub(6));
    let all = sentences(confirm, width);
    let last = u16::from(confirm.typed.is_some());
    let inside = boxed(pen, shared.size, WIDTH, all.len() as u16 + 2 + last, &confirm.question);
    for (line, y) in all.iter().zip(inside.y + 1..) {
        pen.put(inside.x, y, inside.width, line, pen.theme.plain);
    }
    if let Some(typed) = &confirm.typed {
        let y = inside.y + 1 + all.len() as u16;
        input::draw(pen, typed, inside.x, y, inside.width);
    }
}
