//! Forms: a few lines of text, looked up before they are saved.
//!
//! `Enter` moves one step on: an account is looked up and shown, then saved. A form stays open until the daemon
//! has responded, and says there what was wrong.

mod begin;
mod caring;
mod parse;
mod ruling;
mod step;
mod view;

pub use begin::{add, connect, edit, handle, interval, note, record};
pub use caring::{acknowledge, assign, silence};
pub use ruling::{add_rule, edit_rule};
pub use view::view;

use crossterm::event::{KeyCode, KeyEvent};
use roster_protocol::rule::Rule;
use roster_protocol::{
    AccountPreview, AlertId, ConnectionId, ErrorKind, InfluencerId, InfluencerRow, PlatformStatus, RosterError,
    Seconds, text,
};
use tui_input::Input;

use self::step::Step;
use crate::keys::Action;
use crate::message::{Mutation, Request};
use crate::modal::{Focus, Next, connect};
use crate::shared::Shared;

/// A form.
#[derive(Clone, Debug)]
pub struct Form {
    /// So that a late response finds its own form.
    pub id: u64,
    pub kind: Kind,
    pub fields: Vec<Field>,
    pub focus: usize,
    pub phase: Phase,
    /// What was looked up, and what it turned out to be.
    pub seen: Option<Seen>,
    /// Others who have the name that is written, once that was looked up.
    pub namesakes: Option<Namesakes>,
    /// Another user's change was shown, and Enter saves over it.
    pub overwrites: bool,
}

/// Who has a name already.
#[derive(Clone, Debug, PartialEq)]
pub struct Namesakes {
    pub name: String,
    pub others: Vec<InfluencerRow>,
}

/// What a form is for.
#[derive(Clone, Debug)]
pub enum Kind {
    Add,
    Connect {
        influencer: InfluencerId,
        name: String,
    },
    Edit {
        influencer: InfluencerId,
        name: String,
        tags: Vec<String>,
    },
    Note {
        influencer: InfluencerId,
        name: String,
        /// The note that it began with.
        before: String,
    },
    /// `replace`: the day was measured by the API, and Enter was pressed once more.
    Record {
        connection: ConnectionId,
        name: String,
        replace: bool,
    },
    Interval {
        connection: ConnectionId,
        name: String,
        before: Option<Seconds>,
    },
    Acknowledge {
        alert: AlertId,
        name: String,
    },
    Assign {
        alert: AlertId,
        name: String,
    },
    /// Of whose alert it began, with the name.
    Silence {
        influencer: Option<InfluencerId>,
        name: String,
    },
    /// `None`: a new one.
    Rule {
        before: Option<Box<Rule>>,
    },
    /// `another`: it is another account, and Enter was pressed once more.
    Handle {
        connection: ConnectionId,
        name: String,
        another: bool,
    },
}

/// One line of a form.
#[derive(Clone, Debug)]
pub struct Field {
    pub label: &'static str,
    /// What can be written there, shown while it is empty.
    pub example: String,
    pub content: Content,
}

/// What a field holds.
#[derive(Clone, Debug)]
pub enum Content {
    Text(Input),
    Platform { platforms: Vec<PlatformStatus>, chosen: usize },
    Choice { words: Vec<&'static str>, chosen: usize },
}

/// The state of a form.
#[derive(Clone, Debug, PartialEq)]
pub enum Phase {
    Typing,
    /// Waits for a response, for what this says.
    Waiting(&'static str),
    /// Looks up who has the name, before this is saved.
    Checking(Box<Mutation>),
    Failed(RosterError),
    /// What a rule would have said.
    Tested(String),
}

/// What was found for what was typed.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    pub typed: String,
    /// `None`: a name without an account.
    pub account: Option<AccountPreview>,
}

impl Form {
    /// The text field under the cursor.
    pub fn input(&mut self) -> Option<&mut Input> {
        if self.waits() {
            return None;
        }
        match &mut self.fields.get_mut(self.focus)?.content {
            Content::Text(input) => Some(input),
            Content::Platform { .. } | Content::Choice { .. } => None,
        }
    }

    /// Left and right go through the platforms; true when the key was for that.
    pub fn choose(&mut self, key: KeyEvent) -> bool {
        let waiting = self.waits();
        if let Some(Field { content: Content::Choice { words, chosen }, .. }) = self.fields.get_mut(self.focus) {
            if !waiting {
                *chosen = turned(*chosen, words, key);
                self.follow_kind();
                self.changed();
            }
            return true;
        }
        let Some(Field { content: Content::Platform { platforms, chosen }, .. }) = self.fields.get_mut(self.focus)
        else {
            return false;
        };
        let (count, letter) = (platforms.len().max(1), key.code.as_char());
        match key.code {
            _ if waiting => return true,
            KeyCode::Left => *chosen = (*chosen + count - 1) % count,
            KeyCode::Right | KeyCode::Char(' ') => *chosen = (*chosen + 1) % count,
            _ => {
                // A letter selects the next platform that begins with it.
                let begins = |at: &usize| {
                    let name = platforms.get(*at).and_then(|platform| platform.name.chars().next());
                    name.zip(letter).is_some_and(|(name, letter)| name.eq_ignore_ascii_case(&letter))
                };
                let found = (1..=count).map(|step| (*chosen + step) % count).find(begins);
                *chosen = found.unwrap_or(*chosen);
            }
        }
        self.changed();
        true
    }

    /// What was typed changed: what failed with the old text does not matter any more.
    pub fn changed(&mut self) {
        if let Phase::Failed(_) | Phase::Tested(_) = self.phase {
            self.phase = Phase::Typing;
        }
        match &mut self.kind {
            Kind::Record { replace: again, .. } | Kind::Handle { another: again, .. } => *again = false,
            _ => {}
        }
    }

    /// A field's text, without blanks around it.
    pub fn text(&self, index: usize) -> &str {
        match self.fields.get(index).map(|field| &field.content) {
            Some(Content::Text(input)) => input.value().trim(),
            _ => "",
        }
    }

    /// The chosen platform, where the form has such a field.
    pub fn platform(&self) -> Option<&PlatformStatus> {
        self.fields.iter().find_map(|field| match &field.content {
            Content::Platform { platforms, chosen } => platforms.get(*chosen),
            Content::Text(_) | Content::Choice { .. } => None,
        })
    }

    /// What decides which account is meant; another text needs another look-up.
    fn typed(&self) -> String {
        match &self.kind {
            Kind::Connect { .. } => {
                format!("{}:{}", self.platform().map_or("", |platform| &platform.platform), self.text(1))
            }
            _ => self.text(0).to_owned(),
        }
    }

    /// What was looked up, if it is still what is typed.
    pub fn seen(&self) -> Option<&Seen> {
        self.seen.as_ref().filter(|seen| seen.typed == self.typed())
    }

    /// Who else has the name that is written, if that was looked up.
    fn warned(&self) -> Option<&Namesakes> {
        let at = if let Kind::Edit { .. } = self.kind { 0 } else { 1 };
        self.namesakes.as_ref().filter(|namesakes| namesakes.name == self.text(at))
    }

    fn move_focus(&mut self, step: usize) {
        self.focus = (self.focus + step) % self.fields.len().max(1);
    }
}

impl Form {
    /// Whether a footer entry makes sense now.
    pub fn offers(&self, action: Action) -> bool {
        match action {
            Action::NextField => self.fields.len() > 1,
            Action::Test => self.tests(),
            _ => true,
        }
    }

    /// What a key does.
    pub fn act(&mut self, shared: &mut Shared, action: Action) -> Vec<Next> {
        match action {
            Action::Back => return vec![Next::Close],
            Action::NextField => self.move_focus(1),
            Action::PreviousField => self.move_focus(self.fields.len().saturating_sub(1)),
            Action::Submit => return self.submit(shared),
            Action::Test => return self.test(),
            _ => {}
        }
        Vec::new()
    }

    fn submit(&mut self, shared: &mut Shared) -> Vec<Next> {
        if self.waits() {
            return Vec::new();
        }
        // A platform is chosen before its account is written.
        let field = self.fields.get(self.focus);
        if field.is_some_and(|field| matches!(field.content, Content::Platform { .. })) {
            self.move_focus(1);
            return Vec::new();
        }
        match self.next_step(shared) {
            Err(error) => self.phase = Phase::Failed(error),
            Ok(Step::NameOnly(name)) => {
                self.seen = Some(Seen { typed: self.typed(), account: None });
                self.suggest_name(&name);
            }
            Ok(Step::LookUp(accounts)) => {
                self.phase = Phase::Waiting("looking up …");
                return Next::request(Request::LookUp { form: self.id, accounts });
            }
            Ok(Step::Open(id, name)) => return vec![Next::Close, Next::Influencer(id, name, Focus::default())],
            Ok(Step::Consent(target)) => return connect::begin(shared, target),
            Ok(Step::Mutate(mutation)) => match self.unchecked_name(&mutation) {
                Some(name) => {
                    self.phase = Phase::Checking(Box::new(mutation));
                    return Next::request(Request::Namesakes { form: self.id, name });
                }
                None => return self.save(mutation),
            },
        }
        Vec::new()
    }

    fn save(&mut self, mutation: Mutation) -> Vec<Next> {
        self.phase = Phase::Waiting("saving …");
        Next::mutate(mutation)
    }

    /// The new name that a mutation gives, unless it was looked up already.
    fn unchecked_name(&self, mutation: &Mutation) -> Option<String> {
        let name = match mutation {
            Mutation::Add(new) => &new.name,
            Mutation::Edit { edit, .. } => edit.name.as_ref()?,
            _ => return None,
        };
        let is_checked = self.namesakes.as_ref().is_some_and(|namesakes| namesakes.name == *name);
        (!is_checked).then(|| name.clone())
    }

    /// Takes who has the name. It is saved at once when no other influencer has; a warning comes first when one does.
    pub fn namesakes(&mut self, id: u64, result: Result<Vec<InfluencerRow>, RosterError>) -> Vec<Next> {
        let Phase::Checking(mutation) = &self.phase else { return Vec::new() };
        if self.id != id {
            return Vec::new();
        }
        let mutation = Mutation::clone(mutation);
        let name = self.unchecked_name(&mutation).unwrap_or_default();
        match result {
            Err(error) => self.phase = Phase::Failed(error),
            Ok(rows) => {
                let is_other = |row: &InfluencerRow| match self.kind {
                    Kind::Edit { influencer, .. } => row.id != influencer,
                    _ => true,
                };
                let others: Vec<InfluencerRow> = rows.into_iter().filter(is_other).collect();
                if others.is_empty() {
                    return self.save(mutation);
                }
                (self.phase, self.namesakes) = (Phase::Typing, Some(Namesakes { name, others }));
            }
        }
        Vec::new()
    }

    /// Whether the form waits for a response.
    fn waits(&self) -> bool {
        matches!(self.phase, Phase::Waiting(_) | Phase::Checking(_))
    }

    /// Writes a name where none was typed, and moves the cursor there.
    fn suggest_name(&mut self, name: &str) {
        if let Kind::Add = self.kind {
            self.focus = 1;
            if let Some(Field { content: Content::Text(input), .. }) = self.fields.get_mut(1)
                && input.value().trim().is_empty()
            {
                *input = Input::from(text::clean(name, text::NAME_CHARACTERS));
            }
        }
    }

    /// Takes what a look-up found.
    pub fn looked_up(&mut self, id: u64, result: Result<AccountPreview, RosterError>) {
        if self.id != id || !matches!(self.phase, Phase::Waiting(_)) {
            return;
        }
        match result {
            Err(error) => self.phase = Phase::Failed(error),
            Ok(account) => {
                self.phase = Phase::Typing;
                let name = account.display_name.clone().unwrap_or_else(|| account.handle.clone());
                self.seen = Some(Seen { typed: self.typed(), account: Some(account) });
                self.suggest_name(&name);
            }
        }
    }

    /// Whether it waits for how a mutation ends.
    pub fn waits_for(&self, mutation: &Mutation) -> bool {
        self.phase == Phase::Waiting("saving …") && self.made(mutation)
    }

    /// Saving failed: it stays open and says why.
    pub fn refused(&mut self, mut error: RosterError) {
        if let (Kind::Record { replace, .. }, ErrorKind::Conflict) = (&mut self.kind, error.kind) {
            *replace = true;
            error.hint = Some("Enter once more replaces it; the day keeps its other numbers".to_owned());
        }
        if let (Kind::Edit { .. } | Kind::Note { .. } | Kind::Interval { .. }, ErrorKind::Conflict) =
            (&self.kind, error.kind)
        {
            self.overwrites = true;
            error.hint =
                Some("Enter once more saves what is written here over it; Esc leaves it as it is now".to_owned());
        }
        let asks = error.hint.as_deref().is_some_and(|hint| hint.contains("--yes"));
        if let (Kind::Handle { another, .. }, ErrorKind::Usage, true) = (&mut self.kind, error.kind, asks) {
            *another = true;
            error.hint = Some("Enter once more goes on with it in the same history".to_owned());
        }
        self.phase = Phase::Failed(error);
    }

    /// Whether a mutation is this form's.
    fn made(&self, mutation: &Mutation) -> bool {
        matches!(
            (&self.kind, mutation),
            (Kind::Add, Mutation::Add(_))
                | (Kind::Connect { .. }, Mutation::Connect { .. })
                | (Kind::Edit { .. } | Kind::Note { .. }, Mutation::Edit { .. })
                | (Kind::Record { .. }, Mutation::Record { .. })
                | (Kind::Interval { .. }, Mutation::Interval { .. })
                | (Kind::Handle { .. }, Mutation::Handle { .. })
                | (Kind::Acknowledge { .. }, Mutation::Acknowledge(..))
                | (Kind::Assign { .. }, Mutation::Assign { .. })
                | (Kind::Silence { .. }, Mutation::Silence(_))
                | (Kind::Rule { before: None }, Mutation::AddRule { .. })
                | (Kind::Rule { before: Some(_) }, Mutation::EditRule { .. })
        )
    }
}

/// Which of the words is chosen after a key: the one beside it, or the next that begins with a letter.
fn turned(chosen: usize, words: &[&str], key: KeyEvent) -> usize {
    let count = words.len().max(1);
    match key.code {
        KeyCode::Left => (chosen + count - 1) % count,
        KeyCode::Right | KeyCode::Char(' ') => (chosen + 1) % count,
        _ => {
            let begins = |at: &usize| {
                let first = words.get(*at).and_then(|word| word.chars().next());
                first.zip(key.code.as_char()).is_some_and(|(first, letter)| first.eq_ignore_ascii_case(&letter))
            };
            (1..=count).map(|step| (chosen + step) % count).find(begins).unwrap_or(chosen)
        }
    }
}
