//! The parts that are in memory: who it is, consents, and what else names this person.

use roster_protocol::held::{Held, Part};
use roster_protocol::time::Timestamp;

use super::Person;
use crate::app::App;
use crate::browse::budgets;
use crate::consent::view;
use crate::model::{Consent, ConsentStep, Grant, Pausable, Receipt, Undoable, UndoableChange, Was};
use crate::roster::{Roster, rows};

/// The rows of a part.
pub fn rows(app: &App, person: &Person, part: Part) -> Vec<Held> {
    let seen = app.seen();
    app.look(|roster| match part {
        Part::Influencer => {
            let influencer = roster.influencers.get(&person.id);
            influencer.map(|it| Held::Influencer(Box::new(rows::influencer(roster, it, seen)))).into_iter().collect()
        }
        Part::Connections => {
            let of = person.connections.iter().filter_map(|id| roster.connections.get(id));
            of.map(|it| Held::Connection(Box::new(rows::connection(roster, it, seen)))).collect()
        }
        Part::Grants => grants(roster, person).map(|it| Held::Grant(Box::new(view::grant(roster, it)))).collect(),
        Part::Tokens => grants(roster, person).flat_map(|grant| tokens(roster, grant)).collect(),
        Part::Consents => consents(roster, person).map(consent).collect(),
        Part::Limits => limits(roster, person, budgets::all(roster, seen)),
        Part::Subscriptions => person.connections.iter().filter_map(|id| subscription(roster, *id)).collect(),
        Part::Rules => named_rules(roster, person),
        Part::Silences => silences(roster, person),
        Part::Undo => undo(roster, person),
        Part::Keys => person.before.iter().filter(|of| roster.data_keys.contains_key(of)).map(key).collect(),
        Part::History
        | Part::Audiences
        | Part::Changes
        | Part::Runs
        | Part::Alerts
        | Part::Deliveries
        | Part::Requests
        | Part::Notifications
        | Part::Audit => Vec::new(),
    })
}

/// The fields that are known.
fn fields<const N: usize>(all: [(&str, Option<String>); N]) -> Held {
    Held::Fields(all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
}

fn some(value: impl ToString) -> Option<String> {
    Some(value.to_string())
}

fn time(at: Option<Timestamp>) -> Option<String> {
    at.map(|at| at.to_string())
}

/// The consents that accounts of this person are read with, and those with which accounts are being chosen.
fn grants<'a>(roster: &'a Roster, person: &Person) -> impl Iterator<Item = &'a Grant> {
    let used = person.connections.iter().filter_map(|id| roster.consents.grant_of(*id)).map(|grant| grant.id);
    let chosen = consents(roster, person).filter_map(|consent| consent.step.grant());
    let mut ids: Vec<_> = used.chain(chosen).collect();
    ids.sort();
    ids.dedup();
    ids.into_iter().filter_map(|id| roster.consents.grants.get(&id))
}

/// What is known of a grant's tokens, and never the tokens.
fn tokens(roster: &Roster, grant: &Grant) -> Option<Held> {
    let tokens = roster.consents.tokens.get(&grant.id)?;
    let accounts: Vec<&str> = tokens.derived.iter().map(|(account, _)| account.as_str()).collect();
    Some(fields([
        ("grant", some(grant.id)),
        ("owner_id", some(&grant.owner_id)),
        ("renewed_at", some(tokens.renewed_at)),
        ("access_ends_at", time(tokens.access_ends_at)),
        ("refresh_ends_at", time(tokens.refresh_ends_at)),
        ("renew_at", time(tokens.renew_at)),
        ("accounts", (!accounts.is_empty()).then(|| accounts.join(", "))),
        ("last_error", tokens.last_error.clone()),
    ]))
}

fn consents<'a>(roster: &'a Roster, person: &Person) -> impl Iterator<Item = &'a Consent> {
    let id = person.id;
    roster.consents.pending.values().filter(move |consent| consent.influencer == id)
}

fn consent(consent: &Consent) -> Held {
    let step = match &consent.step {
        ConsentStep::Waiting => "waits for the owner",
        ConsentStep::Exchanging | ConsentStep::Listing { .. } => "is being finished",
        ConsentStep::Choosing { .. } => "waits for a choice of accounts",
    };
    let opened = match &consent.step {
        ConsentStep::Choosing { choices, .. } => choices.iter().map(|it| it.handle.as_str()).collect::<Vec<_>>(),
        _ => Vec::new(),
    };
    fields([
        ("id", some(consent.id)),
        ("platform", some(&consent.platform)),
        ("begun_by", some(consent.who.user())),
        ("begun_at", some(consent.begun_at)),
        ("ends_at", some(consent.expires_at)),
        ("handle", consent.handle.clone()),
        ("step", some(step)),
        ("accounts", (!opened.is_empty()).then(|| opened.join(", "))),
    ])
}

/// The limits that platforms have for these accounts, by the platform's own id of an account or of its owner.
fn limits(roster: &Roster, person: &Person, all: Vec<roster_protocol::Budget>) -> Vec<Held> {
    let of_accounts = person.connections.iter().filter_map(|id| roster.connections.get(id)?.platform_user_id.clone());
    let ids: Vec<String> = of_accounts.chain(grants(roster, person).map(|grant| grant.owner_id.clone())).collect();
    let own = all.into_iter().filter(|budget| budget.account.as_ref().is_some_and(|account| ids.contains(account)));
    own.map(|budget| {
        fields([
            ("lane", some(&budget.lane)),
            ("unit", some(&budget.unit)),
            ("account", budget.account.clone()),
            ("used", some(budget.used)),
            ("limit", budget.limit.and_then(some)),
            ("window_ends_at", time(budget.window_ends_at)),
        ])
    })
    .collect()
}

fn subscription(roster: &Roster, id: roster_protocol::ids::ConnectionId) -> Option<Held> {
    let lease = roster.webhooks.lease(id)?;
    Some(fields([
        ("connection", some(lease.connection)),
        ("account", some(&lease.account)),
        ("requested_at", time(lease.requested_at)),
        ("ends_at", time(lease.ends_at)),
        ("next_at", some(lease.next_at)),
        ("last_error", lease.last_error.clone()),
    ]))
}

/// What a notification marked due of this person's.
pub fn receipt(person: &Person, receipt: &Receipt) -> Vec<Held> {
    let own = receipt.marked.iter().filter(|(connection, _)| person.connections.contains(connection));
    own.map(|(connection, due_at)| {
        fields([("at", some(receipt.at)), ("connection", some(connection)), ("due_at", some(due_at))])
    })
    .collect()
}

fn named_rules(roster: &Roster, person: &Person) -> Vec<Held> {
    let naming = roster.stored_rules.values().filter(|rule| rule.only.influencers.contains(&person.id));
    naming.map(|rule| fields([("name", some(&rule.name)), ("rule", some(rule))])).collect()
}

fn silences(roster: &Roster, person: &Person) -> Vec<Held> {
    let about = roster.silences.values().filter(|silence| silence.influencer == Some(person.id));
    about
        .map(|silence| {
            fields([
                ("id", some(silence.id)),
                ("begun_at", some(silence.begun_at)),
                ("until", some(silence.until)),
                ("reason", some(&silence.reason)),
                ("by", some(&silence.by)),
            ])
        })
        .collect()
}

fn undo(roster: &Roster, person: &Person) -> Vec<Held> {
    let logs = roster.undo.values();
    logs.flat_map(|log| log.changes.iter().filter_map(|change| undoable(person, log.uid, change))).collect()
}

fn undoable(person: &Person, uid: u32, undoable: &Undoable) -> Option<Held> {
    let (what, old, new) = match &undoable.change {
        UndoableChange::Edited(edited) if edited.influencer == person.id => {
            let text = |note: &Option<String>| note.clone().unwrap_or_default();
            let name = edited.name.clone();
            let note = edited.note.as_ref().map(|note| Was { before: text(&note.before), after: text(&note.after) });
            let tags = Was { before: edited.untagged.join(" "), after: edited.tagged.join(" ") };
            let all: Vec<Was<String>> = name.into_iter().chain(note).chain([tags]).collect();
            let joined = |of: &dyn Fn(&Was<String>) -> String| all.iter().map(of).collect::<Vec<_>>().join("; ");
            ("name; note; tags", some(joined(&|it| it.before.clone())), some(joined(&|it| it.after.clone())))
        }
        UndoableChange::Interval { connection, interval } if person.connections.contains(connection) => {
            let seconds = |of: Option<roster_protocol::time::Seconds>| of.map(|own| own.0.to_string());
            ("interval", seconds(interval.before), seconds(interval.after))
        }
        UndoableChange::Paused { target, paused } if is_of(person, target) => ("paused", some(!paused), some(paused)),
        _ => return None,
    };
    Some(fields([("at", some(undoable.at)), ("uid", some(uid)), ("what", some(what)), ("old", old), ("new", new)]))
}

fn is_of(person: &Person, target: &Pausable) -> bool {
    match target {
        Pausable::Influencer(id) => *id == person.id,
        Pausable::Connection(id) => person.connections.contains(id),
        Pausable::All | Pausable::Platform(_) => false,
    }
}

fn key(of: &roster_protocol::ids::InfluencerId) -> Held {
    fields([("of", some(of)), ("opens", some("what the log of actions says of this person"))])
}
