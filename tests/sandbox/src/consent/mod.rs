//! The consent page, whatever it looks like at a platform: who requests what, and what the person decides.
//!
//! It keeps nothing between page and decision: the form returns to the address it was loaded from, whose query still
//! holds everything. `sandbox_account=HANDLE` in that query decides at once as the owner of that account;
//! `sandbox_scopes=a,b` grants only these, `sandbox_accounts=a,b` (Meta) opens only these, `sandbox_deny=1` refuses.

mod page;
pub mod redirect;

use std::collections::BTreeSet;
use std::sync::Arc;

use http::{Method, StatusCode};

use crate::Platform;
use crate::grants::{Door, NewGrant};
use crate::platforms::{ApiRequest, ApiResponse};
use crate::world::World;
use crate::world::account::{Account, State};
use crate::world::ids;
pub use page::{HTML, notice};

/// What an app requests, checked.
pub struct ConsentRequest {
    /// The platform whose app it is.
    pub platform: Platform,
    pub door: Door,
    /// The provider's name on the page.
    pub provider: &'static str,
    pub scopes: Vec<String>,
    /// What cannot be unticked.
    pub fixed: &'static [&'static str],
    /// Whether scopes that were allowed before stay so.
    pub keeps_scopes: bool,
    pub login_hint: Option<String>,
    /// The platforms on which a consent opens accounts, the app's own first. With several, one sign-in opens all that
    /// a person has there.
    pub opens: &'static [Platform],
}

/// A person who may sign in, and the accounts that this opens.
#[derive(Clone)]
pub struct Person {
    pub name: String,
    pub accounts: Vec<Arc<Account>>,
}

/// The result of a visit to the page.
pub enum Visit {
    Denied,
    Approved(NewGrant),
    /// The page, or why there is none.
    Page(ApiResponse),
}

/// Responds to a visit to the consent page.
pub fn visit(world: &World, request: &ApiRequest, consent: &ConsentRequest) -> Visit {
    let people = people(world, consent);
    match decision(world, request, consent, &people) {
        Ok(Some(Decision::Denied)) => Visit::Denied,
        Ok(Some(Decision::Approved { person, accounts, scopes })) => {
            Visit::Approved(new_grant(world, consent, person, accounts, scopes))
        }
        Ok(None) => Visit::Page(page::page(consent, &people)),
        Err(problem) => Visit::Page(notice(StatusCode::BAD_REQUEST, consent.provider, &problem)),
    }
}

/// Every person who could sign in, in the order in which their first accounts were made.
fn people(world: &World, consent: &ConsentRequest) -> Vec<Person> {
    let mut people: Vec<Person> = Vec::new();
    let mut indices = std::collections::HashMap::new();
    let is_shared = consent.door == Door::Facebook;
    for account in world.accounts() {
        if !consent.opens.contains(&account.platform) || account.state == State::Gone {
            continue;
        }
        if !is_shared {
            people.push(Person { name: account.owner.clone(), accounts: vec![account] });
            continue;
        }
        let index = *indices.entry(account.owner.clone()).or_insert_with(|| {
            people.push(Person { name: account.owner.clone(), accounts: Vec::new() });
            people.len() - 1
        });
        people[index].accounts.push(account);
    }
    people
}

enum Decision {
    Denied,
    Approved { person: Person, accounts: Vec<Arc<Account>>, scopes: BTreeSet<String> },
}

fn decision(
    world: &World,
    request: &ApiRequest,
    consent: &ConsentRequest,
    people: &[Person],
) -> Result<Option<Decision>, String> {
    if request.one("sandbox_deny").is_some_and(|deny| deny != "0") {
        return Ok(Some(Decision::Denied));
    }
    if let Some(handle) = request.one("sandbox_account") {
        let person = person_of(consent, people, handle).ok_or(format!("no account {handle} exists here"))?;
        return approved(request, consent, person).map(Some);
    }
    if request.method == Method::POST {
        return decided(request, consent, people).map(Some);
    }
    if world.auto_approve {
        let hinted = consent.login_hint.as_deref().and_then(|hint| person_of(consent, people, hint));
        let person = hinted.or(people.first().cloned()).ok_or("no account exists here yet")?;
        return approved(request, consent, person).map(Some);
    }
    Ok(None)
}

/// Decided by the address alone.
fn approved(request: &ApiRequest, consent: &ConsentRequest, person: Person) -> Result<Decision, String> {
    let list = |name| request.one(name).map(|text| text.split([',', ' ']).map(str::to_owned).collect::<Vec<_>>());
    let scopes = match list("sandbox_scopes") {
        Some(only) => consent.scopes.iter().filter(|scope| is_kept(consent, &only, scope)).cloned().collect(),
        None => consent.scopes.iter().cloned().collect(),
    };
    let accounts = match list("sandbox_accounts") {
        Some(only) => {
            person.accounts.iter().filter(|one| only.iter().any(|name| is_named(one, name))).cloned().collect()
        }
        None => person.accounts.clone(),
    };
    Ok(Decision::Approved { person, accounts, scopes })
}

/// Decided by the page's form.
fn decided(request: &ApiRequest, consent: &ConsentRequest, people: &[Person]) -> Result<Decision, String> {
    if request.field("decision") != Some("approve") {
        return Ok(Decision::Denied);
    }
    let index: usize = request.field("person").and_then(|text| text.parse().ok()).ok_or("choose an account first")?;
    let person = people.get(index).cloned().ok_or("this account is not there any more")?;
    let fields =
        |name: &str| request.form.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect();
    let (scopes, ids): (Vec<String>, Vec<String>) = (fields("scope"), fields("account"));
    let scopes = consent.scopes.iter().filter(|scope| is_kept(consent, &scopes, scope)).cloned().collect();
    let accounts = match person.accounts.as_slice() {
        [only] => vec![only.clone()],
        several => several.iter().filter(|account| ids.contains(&account.id)).cloned().collect(),
    };
    Ok(Decision::Approved { person, accounts, scopes })
}

fn is_kept(consent: &ConsentRequest, wanted: &[String], scope: &String) -> bool {
    wanted.contains(scope) || consent.fixed.contains(&scope.as_str())
}

fn is_named(account: &Account, text: &str) -> bool {
    account.id == text || ids::handle_of(account.platform, text).is_ok_and(|handle| account.handle == handle)
}

/// The first person with this handle on the app's own platform, else on another one that the app opens.
fn person_of(consent: &ConsentRequest, people: &[Person], handle: &str) -> Option<Person> {
    let found = consent.opens.iter().find_map(|&platform| {
        let has =
            |person: &&Person| person.accounts.iter().any(|one| one.platform == platform && is_named(one, handle));
        people.iter().find(has)
    });
    found.cloned()
}

fn new_grant(
    world: &World,
    consent: &ConsentRequest,
    person: Person,
    accounts: Vec<Arc<Account>>,
    scopes: BTreeSet<String>,
) -> NewGrant {
    let requested: BTreeSet<String> = consent.scopes.iter().cloned().collect();
    NewGrant {
        platform: consent.platform,
        door: consent.door,
        owner: person.name,
        accounts: accounts.iter().map(|account| (account.platform, account.id.clone())).collect(),
        declined: requested.difference(&scopes).cloned().collect(),
        scopes,
        keeps_scopes: consent.keeps_scopes,
        now: world.clock.shown(),
    }
}
