//! The books themselves, kept under one lock.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;

use super::device::Device;
use super::{Door, Grant, Held, Lifetimes, Secret, SecretKind, SecretProblem};
use crate::Platform;

/// A consent about to be noted.
pub struct NewGrant {
    pub platform: Platform,
    pub door: Door,
    pub owner: String,
    pub accounts: Vec<(Platform, String)>,
    pub scopes: BTreeSet<String>,
    pub declined: BTreeSet<String>,
    /// Whether scopes that were allowed before stay so.
    pub keeps_scopes: bool,
    pub now: Timestamp,
}

/// The pair that a rotation gave.
pub struct Refreshed {
    pub grant: Grant,
    pub access: String,
    pub access_seconds: i64,
    pub refresh: String,
    pub refresh_seconds: i64,
}

/// What a spent refresh token leads to.
struct Successors {
    access: String,
    refresh: String,
    grace_until: Option<Timestamp>,
}

#[derive(Default)]
pub struct Book {
    pub grants: Vec<Grant>,
    secrets: HashMap<String, Secret>,
    successors: HashMap<String, Successors>,
    /// Texts of all secrets, in the order in which they were given.
    pub given: Vec<String>,
    pub strays: Vec<String>,
    pub devices: Vec<Device>,
    pub lifetimes: HashMap<Platform, Lifetimes>,
    /// Scopes that an app may not request, although there are such.
    pub lacking: HashMap<Platform, BTreeSet<String>>,
}

impl Book {
    pub fn give(&mut self, new: NewGrant) -> Grant {
        let index = self.living_grant(&new);
        let index = index.unwrap_or_else(|| {
            self.grants.push(Grant {
                number: self.grants.len(),
                platform: new.platform,
                door: new.door,
                owner: new.owner.clone(),
                accounts: Vec::new(),
                scopes: BTreeSet::new(),
                declined: BTreeSet::new(),
                given_at: new.now,
                is_alive: true,
                refreshes: 0,
                spent_presented: 0,
            });
            self.grants.len() - 1
        });
        let grant = &mut self.grants[index];
        if !new.keeps_scopes {
            grant.scopes.clear();
        }
        grant.scopes.extend(new.scopes);
        grant.declined = new.declined.difference(&grant.scopes).cloned().collect();
        grant.accounts = new.accounts;
        grant.given_at = new.now;
        grant.clone()
    }

    /// At Facebook's door a person has one grant for an app, elsewhere an account has.
    fn living_grant(&self, new: &NewGrant) -> Option<usize> {
        let is_same = |grant: &Grant| match new.door {
            Door::Facebook => grant.owner == new.owner,
            _ => grant.accounts == new.accounts,
        };
        let mut all = self.grants.iter().rev();
        let found =
            all.find(|one| one.platform == new.platform && one.door == new.door && one.is_alive && is_same(one));
        found.map(|grant| grant.number)
    }

    pub fn add_secret(&mut self, text: String, secret: Secret) {
        self.given.push(text.clone());
        self.secrets.insert(text, secret);
    }

    pub fn held(&self, text: &str) -> Option<Held> {
        let secret = self.secrets.get(text)?.clone();
        Some(Held { text: text.to_owned(), grant: self.grants[secret.grant].clone(), secret })
    }

    pub fn spend(&mut self, text: &str) -> bool {
        self.secrets.get_mut(text).is_some_and(|secret| !std::mem::replace(&mut secret.is_spent, true))
    }

    pub fn living(&self, grant: usize, kind: &SecretKind, now: Timestamp) -> Option<String> {
        let is_it = |secret: &Secret| secret.grant == grant && secret.kind == *kind && !secret.is_expired(now);
        self.secrets.iter().find(|(_, secret)| is_it(secret)).map(|(text, _)| text.clone())
    }

    pub fn rotate(
        &mut self,
        old: &str,
        now: Timestamp,
        pair: [(String, Secret); 2],
    ) -> Result<Refreshed, SecretProblem> {
        let held = self.held(old).ok_or(SecretProblem::Unknown)?;
        match held.check(now) {
            Ok(()) => {}
            Err(SecretProblem::Spent) => return self.rotate_again(old, now),
            Err(problem) => return Err(problem),
        }
        let [(access, access_secret), (refresh, refresh_secret)] = pair;
        let successors = Successors { access: access.clone(), refresh: refresh.clone(), grace_until: None };
        self.spend(old);
        self.successors.insert(old.to_owned(), successors);
        self.add_secret(access, access_secret);
        self.add_secret(refresh, refresh_secret);
        self.grants[held.secret.grant].refreshes += 1;
        self.pair(old, now)
    }

    /// The same pair as before, once.
    fn rotate_again(&mut self, old: &str, now: Timestamp) -> Result<Refreshed, SecretProblem> {
        if let Some(secret) = self.secrets.get(old) {
            self.grants[secret.grant].spent_presented += 1;
        }
        let successors = self.successors.get_mut(old).ok_or(SecretProblem::Spent)?;
        match successors.grace_until.take() {
            Some(until) if now <= until => self.pair(old, now),
            _ => Err(SecretProblem::Spent),
        }
    }

    fn pair(&self, old: &str, now: Timestamp) -> Result<Refreshed, SecretProblem> {
        let successors = self.successors.get(old).ok_or(SecretProblem::Unknown)?;
        let of = |text: &str| self.held(text).ok_or(SecretProblem::Unknown);
        let (access, refresh) = (of(&successors.access)?, of(&successors.refresh)?);
        let seconds = |held: &Held| held.secret.lives_seconds(now).unwrap_or(i64::MAX);
        Ok(Refreshed {
            access_seconds: seconds(&access),
            refresh_seconds: seconds(&refresh),
            grant: access.grant,
            access: access.text,
            refresh: refresh.text,
        })
    }

    pub fn expire(&mut self, text: &str, now: Timestamp) {
        if let Some(secret) = self.secrets.get_mut(text) {
            secret.expires_at = Some(secret.expires_at.map_or(now, |end| end.min(now)));
        }
    }

    pub fn grace(&mut self, text: &str, until: Timestamp) {
        if let Some(successors) = self.successors.get_mut(text) {
            successors.grace_until = Some(until);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn consent(book: &mut Book, owner: &str, now: Timestamp) -> Grant {
        book.give(NewGrant {
            platform: Platform::Tiktok,
            door: Door::Tiktok,
            owner: owner.into(),
            accounts: vec![(Platform::Tiktok, format!("id of {owner}"))],
            scopes: BTreeSet::from(["a".to_owned()]),
            declined: BTreeSet::from(["b".to_owned()]),
            keeps_scopes: false,
            now,
        })
    }

    fn pair(grant: &Grant, now: Timestamp, number: u32) -> [(String, Secret); 2] {
        let new = |kind, text: &str| (format!("{text}{number}"), Secret::new(kind, grant, now, Some(DAY)));
        [new(SecretKind::Access { long: false }, "access"), new(SecretKind::Refresh, "refresh")]
    }

    #[test]
    fn a_spent_refresh_token_is_dead_but_for_one_grace() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let mut book = Book::default();
        let grant = consent(&mut book, "ada", now);
        let [_, (first, secret)] = pair(&grant, now, 0);
        book.add_secret(first.clone(), secret);
        let given = book.rotate(&first, now, pair(&grant, now, 1)).map(|pair| pair.refresh);
        assert_eq!(given.as_deref(), Ok("refresh1"));
        let again = |book: &mut Book, now| book.rotate(&first, now, pair(&grant, now, 2)).map(|pair| pair.refresh);
        assert_eq!(again(&mut book, now), Err(SecretProblem::Spent));
        book.grace(&first, now + GRACE);
        assert_eq!(again(&mut book, now).as_deref(), Ok("refresh1"), "the same pair once more");
        assert_eq!(again(&mut book, now), Err(SecretProblem::Spent), "and only once");
        book.grace(&first, now + GRACE);
        assert_eq!(again(&mut book, now + GRACE + Duration::from_secs(1)), Err(SecretProblem::Spent));
        assert_eq!((book.grants[0].refreshes, book.grants[0].spent_presented), (1, 4));
    }

    const GRACE: Duration = super::super::GRACE;

    #[test]
    fn a_second_consent_changes_the_first_unless_that_was_revoked() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let mut book = Book::default();
        assert_eq!(consent(&mut book, "ada", now).number, 0);
        assert_eq!(consent(&mut book, "ada", now).number, 0);
        assert_eq!(consent(&mut book, "bob", now).number, 1);
        book.grants[0].is_alive = false;
        assert_eq!(consent(&mut book, "ada", now).number, 2);
    }

    #[test]
    fn secrets_end_when_their_time_is_over_or_their_grant_is() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let mut book = Book::default();
        let grant = consent(&mut book, "ada", now);
        let [(access, secret), _] = pair(&grant, now, 0);
        book.add_secret(access.clone(), secret);
        let check = |book: &Book, after: u64, expected| {
            let held = book.held(&access).unwrap();
            assert_eq!(held.check(now + Duration::from_secs(after)), expected, "after {after} s");
        };
        check(&book, 0, Ok(()));
        check(&book, 86_399, Ok(()));
        check(&book, 86_400, Err(SecretProblem::Expired));
        book.expire(&access, now);
        check(&book, 0, Err(SecretProblem::Expired));
        book.grants[0].is_alive = false;
        check(&book, 0, Err(SecretProblem::Revoked));
    }
}
