//! What `Enter` does next, from what is typed and what was found.

use roster_protocol::{
    Account, AccountPreview, ApiAccess, EditBase, InfluencerEdit, InfluencerId, NewInfluencer, Record, RosterError,
    text,
};

use super::parse::Who;
use super::{Form, Kind, Seen, parse};
use crate::message::Mutation;
use crate::modal::connect::Target;
use crate::shared::{Shared, may_consent};

/// What Enter does next.
pub(super) enum Step {
    LookUp(Vec<Account>),
    NameOnly(String),
    Open(InfluencerId, String),
    Consent(Target),
    Mutate(Mutation),
}

impl Form {
    /// The next step, or why there is none.
    pub(super) fn next_step(&self, shared: &Shared) -> Result<Step, RosterError> {
        match &self.kind {
            Kind::Add => self.next_of_add(shared),
            Kind::Connect { influencer, name } => self.next_of_connect(*influencer, name),
            Kind::Edit { influencer, name, tags } => {
                let new_name = clean_name(self.text(0))?;
                let new_tags = parse::tags(self.text(1));
                let edit = InfluencerEdit {
                    name: (new_name != *name).then(|| new_name.clone()),
                    tag: new_tags.iter().filter(|tag| !tags.contains(tag)).cloned().collect(),
                    untag: tags.iter().filter(|tag| !new_tags.contains(tag)).cloned().collect(),
                    based_on: self.based_on(Some(name), None),
                    ..InfluencerEdit::default()
                };
                Ok(Step::Mutate(Mutation::Edit { influencer: *influencer, name: new_name, edit }))
            }
            Kind::Note { influencer, name, before } => {
                let (note, based_on) = (Some(self.text(0).to_owned()), self.based_on(None, Some(before)));
                let edit = InfluencerEdit { note, based_on, ..InfluencerEdit::default() };
                Ok(Step::Mutate(Mutation::Edit { influencer: *influencer, name: name.clone(), edit }))
            }
            Kind::Record { connection, name, replace } => {
                let record = parse::record(&std::array::from_fn(|index| self.text(index)))?;
                let record = Box::new(Record { replace: *replace, ..record });
                Ok(Step::Mutate(Mutation::Record { connection: *connection, name: name.clone(), record }))
            }
            Kind::Acknowledge { alert, .. } => self.next_of_acknowledge(*alert),
            Kind::Assign { alert, .. } => self.next_of_assign(*alert),
            Kind::Rule { before } => self.next_of_rule(before.as_deref()),
            Kind::Silence { influencer, name } => self.next_of_silence(shared, (*influencer, name)),
            Kind::Interval { connection, name, before } => {
                let (connection, name) = (*connection, name.clone());
                let interval = parse::interval(self.text(0))?;
                let based_on = (!self.overwrites).then_some(*before);
                Ok(Step::Mutate(Mutation::Interval { connection, name, interval, based_on }))
            }
            Kind::Handle { connection, name, another } => {
                let handle = self.text(0).to_owned();
                if handle.is_empty() {
                    return Err(RosterError::usage("write the account's handle"));
                }
                let (connection, name, another) = (*connection, name.clone(), *another);
                Ok(Step::Mutate(Mutation::Handle { connection, name, handle, another }))
            }
        }
    }

    /// What the form began with, unless it is to be overwritten.
    fn based_on(&self, name: Option<&String>, note: Option<&String>) -> EditBase {
        match self.overwrites {
            true => EditBase::default(),
            false => EditBase { name: name.cloned(), note: note.cloned() },
        }
    }

    fn next_of_add(&self, shared: &Shared) -> Result<Step, RosterError> {
        let Some(seen) = self.seen() else {
            return match parse::who(self.text(0), &shared.platforms)? {
                Who::Name(name) => Ok(Step::NameOnly(name)),
                Who::Accounts(accounts) => Ok(Step::LookUp(accounts)),
            };
        };
        if let Some(taken) = seen.account.as_ref().and_then(|account| account.taken_by) {
            return Ok(Step::Open(taken, self.text(1).to_owned()));
        }
        let note = self.text(3);
        Ok(Step::Mutate(Mutation::Add(NewInfluencer {
            name: clean_name(self.text(1))?,
            accounts: seen.account.iter().map(account).collect(),
            tags: parse::tags(self.text(2)),
            note: (!note.is_empty()).then(|| note.to_owned()),
        })))
    }

    fn next_of_connect(&self, influencer: InfluencerId, name: &str) -> Result<Step, RosterError> {
        let platform = self.platform().ok_or_else(|| RosterError::usage("the daemon knows no platform"))?;
        let typed = self.text(1);
        if platform.api == ApiAccess::Consent || (typed.is_empty() && may_consent(platform)) {
            return Ok(Step::Consent(Target {
                influencer,
                name: name.to_owned(),
                platform: platform.platform.clone(),
                handle: (!typed.is_empty()).then(|| typed.to_owned()),
            }));
        }
        match self.seen() {
            Some(Seen { account: Some(AccountPreview { taken_by: Some(taken), .. }), .. }) => {
                match *taken == influencer {
                    true => Err(RosterError::usage(format!("{name} has this account already"))),
                    false => Ok(Step::Open(*taken, String::new())),
                }
            }
            Some(Seen { account: Some(preview), .. }) => {
                Ok(Step::Mutate(Mutation::Connect { influencer, name: name.to_owned(), account: account(preview) }))
            }
            _ if typed.is_empty() => {
                Err(RosterError::usage(format!("write the account's handle, such as {}", platform.handle_example)))
            }
            _ => {
                let handle = typed.to_owned();
                Ok(Step::LookUp(vec![Account { platform: platform.platform.clone(), handle }]))
            }
        }
    }
}

fn account(preview: &AccountPreview) -> Account {
    Account { platform: preview.platform.clone(), handle: preview.handle.clone() }
}

fn clean_name(name: &str) -> Result<String, RosterError> {
    if name.is_empty() {
        return Err(RosterError::usage("a name is needed"));
    }
    if text::is_clean(name) {
        return Ok(name.to_owned());
    }
    Err(RosterError::usage("the name has invisible characters, or is longer than 80"))
}
