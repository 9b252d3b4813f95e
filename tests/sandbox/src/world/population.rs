//! All accounts, and how each can be found.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::account::{Account, Software, State};
use super::edit::{self, AccountEdit, EditError};
use super::{ids, noise};
use crate::Platform;

/// All accounts, and the indexes that find one.
#[derive(Default)]
pub struct Population {
    pub accounts: Vec<Arc<Account>>,
    pub by_handle: HashMap<(Platform, String), usize>,
    pub by_id: HashMap<(Platform, String), usize>,
    pub by_channel_key: HashMap<u32, usize>,
    pub on_platform: HashMap<Platform, Arc<Vec<Arc<Account>>>>,
    pub hosts: HashSet<String>,
}

impl Population {
    pub fn found<'a>(&'a self, look: impl FnOnce(&'a Population) -> Option<&'a usize>) -> Option<Arc<Account>> {
        look(self).map(|&index| self.accounts[index].clone())
    }

    pub fn add(&mut self, account: Account) {
        let index = self.accounts.len();
        self.by_handle.insert((account.platform, account.handle.clone()), index);
        self.by_id.insert((account.platform, account.id.clone()), index);
        match account.platform {
            Platform::Youtube => drop(self.by_channel_key.insert(ids::channel_key(&account.id), index)),
            Platform::Mastodon => drop(self.hosts.insert(account.host().to_owned())),
            Platform::Bluesky | Platform::Facebook | Platform::Instagram | Platform::Tiktok => {}
        }
        self.accounts.push(Arc::new(account));
    }

    pub fn list(&mut self, platform: Platform) {
        let list = self.accounts.iter().filter(|account| account.platform == platform).cloned().collect();
        self.on_platform.insert(platform, Arc::new(list));
    }

    pub fn put(
        &mut self,
        platform: Platform,
        handle: String,
        renamed: Option<String>,
        edit: &AccountEdit,
        now: Timestamp,
    ) -> Result<Arc<Account>, EditError> {
        let known = self.by_handle.get(&(platform, handle.clone())).copied();
        let handle = self.free_handle(platform, handle, renamed)?;
        if known.is_none() {
            self.add(made(platform, &handle, now));
        }
        let index = known.unwrap_or(self.accounts.len() - 1);
        let mut account = (*self.accounts[index]).clone();
        self.by_handle.remove(&(platform, account.handle.clone()));
        self.by_handle.insert((platform, handle.clone()), index);
        account.handle = handle;
        edit.apply(&mut account, now);
        if platform == Platform::Mastodon {
            self.hosts.insert(account.served_by().to_owned());
        }
        self.accounts[index] = Arc::new(account);
        match platform {
            Platform::Instagram => self.put_page(index, edit.owner.is_some(), now),
            Platform::Facebook => self.follow_page(index),
            _ => {}
        }
        self.list(platform);
        Ok(self.accounts[index].clone())
    }

    /// Gives an Instagram account its linked Page: one of the same handle that is free, else a new one. Both belong
    /// to one person.
    fn put_page(&mut self, index: usize, is_owner_set: bool, now: Timestamp) {
        let mut account = (*self.accounts[index]).clone();
        let page_index = match account.linked.as_ref() {
            Some(id) => self.by_id.get(&(Platform::Facebook, id.clone())).copied(),
            None => self.free_page(&account.handle),
        };
        let page_index = page_index.unwrap_or_else(|| {
            let taken = self.by_handle.contains_key(&(Platform::Facebook, account.handle.clone()));
            let handle = if taken { format!("{}.page", account.handle) } else { account.handle.clone() };
            self.add(Account { owner: account.owner.clone(), ..made(Platform::Facebook, &handle, now) });
            self.accounts.len() - 1
        });
        let mut page = (*self.accounts[page_index]).clone();
        if !is_owner_set && account.linked.is_none() {
            account.owner = page.owner.clone();
        }
        page.owner = account.owner.clone();
        page.linked = Some(account.id.clone());
        account.linked = Some(page.id.clone());
        self.accounts[page_index] = Arc::new(page);
        self.accounts[index] = Arc::new(account);
        self.list(Platform::Facebook);
    }

    /// The Instagram account linked to a Page belongs to the Page's owner.
    fn follow_page(&mut self, index: usize) {
        let page = &self.accounts[index];
        let linked = page.linked.as_ref().and_then(|id| self.by_id.get(&(Platform::Instagram, id.clone())).copied());
        if let Some(linked) = linked {
            let account = Account { owner: page.owner.clone(), ..(*self.accounts[linked]).clone() };
            self.accounts[linked] = Arc::new(account);
            self.list(Platform::Instagram);
        }
    }

    /// A Page of this handle that no other account is linked to.
    fn free_page(&self, handle: &str) -> Option<usize> {
        let index = *self.by_handle.get(&(Platform::Facebook, handle.to_owned()))?;
        self.accounts[index].linked.is_none().then_some(index)
    }

    fn free_handle(&self, platform: Platform, old: String, new: Option<String>) -> Result<String, EditError> {
        match new {
            Some(new) if new != old && self.by_handle.contains_key(&(platform, new.clone())) => Err(EditError::Taken),
            new => Ok(new.unwrap_or(old)),
        }
    }
}

/// An account as the control makes it, before the edit.
fn made(platform: Platform, handle: &str, now: Timestamp) -> Account {
    let (followers, following, posting) = edit::usual_numbers(now);
    Account {
        platform,
        handle: handle.to_owned(),
        id: ids::account_id(platform, handle),
        display_name: handle.trim_start_matches('@').split(['@', '.']).next().unwrap_or(handle).to_owned(),
        description: String::new(),
        created_at: ids::created_at(handle),
        state: State::Active,
        moved_to: None,
        hidden: false,
        hide_collections: false,
        software: Software::default(),
        web_host: None,
        announced: 0,
        fails_batches: false,
        comments_off: false,
        owner: format!("{} {handle}", platform.slug()),
        portfolio: None,
        unlisted: false,
        refuses: Vec::new(),
        linked: None,
        followers,
        following,
        posting,
        seed: noise::hash(handle),
    }
}
