//! Which accounts exist, what time it is, and which requests were received: everything the simulated platforms share.

pub mod account;
pub mod audience;
pub mod daily;
pub mod edit;
pub mod persona;

pub mod clock;
pub mod growth;
pub mod ids;
pub mod names;
pub mod noise;
mod population;
pub mod posts;
pub mod timeline;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::faults::{Fault, Faults};
use crate::grants::{Grant, Grants, Lifetimes};
use crate::hooks::Subscriptions;
use crate::limits::Limits;
use crate::requests::{LoggedRequest, Requests};
use crate::{Options, Platform};
use account::Account;
use clock::Clock;
use edit::{AccountEdit, EditError};
use persona::Persona;
use population::Population;

/// The simulated world behind a sandbox.
pub struct World {
    pub(crate) clock: Clock,
    pub(crate) faults: Faults,
    /// What platforms allow within a window.
    pub limits: Limits,
    pub(crate) requests: Requests,
    pub(crate) grants: Grants,
    pub(crate) subscriptions: Subscriptions,
    pub(crate) auto_approve: bool,
    personas: Vec<Persona>,
    population: RwLock<Population>,
}

impl World {
    pub(crate) fn new(options: &Options) -> World {
        let (accounts, personas) = persona::invent(options.seed, options.accounts);
        let mut population = Population::default();
        accounts.into_iter().for_each(|account| population.add(account));
        Platform::ALL.into_iter().for_each(|platform| population.list(platform));
        World {
            clock: Clock::new(options.now, options.live),
            faults: Faults::default(),
            limits: Limits::default(),
            requests: Requests::default(),
            grants: Grants::default(),
            subscriptions: Subscriptions::default(),
            auto_approve: options.auto_approve,
            personas,
            population: RwLock::new(population),
        }
    }

    /// Sandbox time: what the numbers go by.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Moves sandbox time forward.
    pub fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// All accounts, in the order in which they were made.
    pub fn accounts(&self) -> Vec<Arc<Account>> {
        self.read().accounts.clone()
    }

    /// The invented influencers with their accounts, in the order in which they were invented. Accounts made through
    /// [`World::put`] belong to no influencer.
    pub fn personas(&self) -> Vec<Persona> {
        self.personas.clone()
    }

    /// The account under a handle, in any spelling (`@x` or `x`, any case).
    pub fn account(&self, platform: Platform, handle: &str) -> Option<Arc<Account>> {
        let handle = ids::handle_of(platform, handle).ok()?;
        self.read().found(|p| p.by_handle.get(&(platform, handle)))
    }

    /// The account under the platform's own id.
    pub fn account_by_id(&self, platform: Platform, id: &str) -> Option<Arc<Account>> {
        self.read().found(|p| p.by_id.get(&(platform, id.to_owned())))
    }

    /// Makes or changes an account and returns it as it is now.
    ///
    /// # Errors
    /// When the handle is impossible or taken, or a number makes no sense; then nothing has changed.
    pub fn put(&self, platform: Platform, handle: &str, edit: &AccountEdit) -> Result<Arc<Account>, EditError> {
        edit.check()?;
        let handle = ids::handle_of(platform, handle)?;
        let renamed = edit.handle.as_deref().map(|new| ids::handle_of(platform, new)).transpose()?;
        let now = self.now();
        self.write().put(platform, handle, renamed, edit, now)
    }

    /// Orders something to go wrong.
    pub fn fault(&self, fault: Fault) {
        self.faults.add(fault);
    }

    /// What was ordered and has not happened yet, oldest first.
    pub fn faults(&self) -> Vec<Fault> {
        self.faults.all()
    }

    pub fn clear_faults(&self) {
        self.faults.clear();
    }

    /// The requests so far, newest last; beyond some thousands the oldest are dropped.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.requests.all()
    }

    pub fn clear_requests(&self) {
        self.requests.clear();
    }

    /// Every consent that was given, oldest first, the revoked ones too.
    pub fn grants(&self) -> Vec<Grant> {
        self.grants.all()
    }

    /// Every code and token that was ever given, and the secrets of the apps and of subscriptions.
    pub fn secrets(&self) -> Vec<String> {
        let with_app = Platform::ALL.into_iter().filter(|platform| platform.has_consent());
        let apps = with_app.flat_map(|platform| [platform.client_secret(), format!("{platform}-api-key")]);
        let apps = apps.chain([crate::platforms::business_secret().to_owned()]);
        self.grants.secrets().into_iter().chain(self.subscriptions.secrets()).chain(apps).collect()
    }

    /// How long the tokens live that a platform gives from now on.
    pub fn lifetimes(&self, platform: Platform) -> Lifetimes {
        self.grants.lifetimes(platform)
    }

    pub fn set_lifetimes(&self, platform: Platform, lifetimes: Lifetimes) {
        self.grants.set_lifetimes(platform, lifetimes);
    }

    /// The scopes that a platform's app may not request.
    pub fn lacking(&self, platform: Platform) -> BTreeSet<String> {
        self.grants.lacking(platform)
    }

    /// Lets a platform's app lack scopes: its consent page refuses them as if there were none such.
    pub fn set_lacking(&self, platform: Platform, scopes: BTreeSet<String>) {
        self.grants.set_lacking(platform, scopes);
    }

    /// Takes back, as its owner, every consent that opens an account.
    pub fn revoke(&self, account: &Account) {
        let all = self.grants.all();
        let opening = all.iter().filter(|grant| grant.opens(account.platform, &account.id));
        opening.for_each(|grant| self.grants.revoke(grant.number));
    }

    /// The accounts a grant opens, those of its app's platform first.
    pub(crate) fn opened(&self, grant: &Grant) -> Vec<Arc<Account>> {
        let all = grant.accounts.iter().filter_map(|(platform, id)| self.account_by_id(*platform, id));
        let (mut own, others): (Vec<_>, Vec<_>) = all.partition(|account| account.platform == grant.platform);
        own.extend(others);
        own
    }

    pub(crate) fn account_by_channel_key(&self, key: u32) -> Option<Arc<Account>> {
        self.read().found(|p| p.by_channel_key.get(&key))
    }

    pub(crate) fn on_platform(&self, platform: Platform) -> Arc<Vec<Arc<Account>>> {
        self.read().on_platform.get(&platform).cloned().unwrap_or_default()
    }

    /// Whether some Mastodon account lives on this host.
    pub(crate) fn has_host(&self, host: &str) -> bool {
        self.read().hosts.contains(host)
    }

    // A panic elsewhere leaves the maps whole: they are changed by single calls only.
    fn read(&self) -> RwLockReadGuard<'_, Population> {
        self.population.read()
    }

    fn write(&self) -> RwLockWriteGuard<'_, Population> {
        self.population.write()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world(accounts: usize) -> World {
        let now = "2026-11-21T00:00:00Z".parse().expect("a constant");
        World::new(&Options { accounts, now: Some(now), ..Options::default() })
    }

    #[test]
    fn seven_hundred_accounts_are_three_hundred_influencers() {
        let world = world(700);
        assert_eq!(world.accounts().len(), 700);
        assert!(world.personas().len() >= 300, "{}", world.personas().len());
        let keys: Vec<_> = world.personas().into_iter().flat_map(|persona| persona.accounts).collect();
        assert_eq!(keys.len(), 700);
        assert!(keys.iter().all(|key| world.account(key.platform, &key.handle).is_some()));
    }

    #[test]
    fn sizes_go_from_hundreds_to_millions() {
        let world = world(700);
        let mut sizes: Vec<u64> =
            world.accounts().iter().map(|account| account.numbers_at(world.now()).followers).collect();
        sizes.sort_unstable();
        assert!(sizes[0] >= 100 && sizes[10] < 1000, "{:?}", &sizes[..11]);
        assert!(sizes[699] > 1_000_000 && sizes[699] < 30_000_000, "{:?}", &sizes[690..]);
        assert!((1_000..60_000).contains(&sizes[350]), "{}", sizes[350]);
    }

    #[test]
    fn the_same_seed_is_the_same_world_and_another_is_another() {
        let handles = |seed| {
            let world = World::new(&Options { seed, ..Options::default() });
            world.accounts().iter().map(|account| account.handle.clone()).collect::<Vec<_>>()
        };
        assert_eq!(handles(5), handles(5));
        assert_ne!(handles(5), handles(6));
    }

    #[test]
    fn put_numbers_stay_exact_until_the_clock_advances() {
        let world = world(0);
        let edit = AccountEdit {
            followers: Some(12_345),
            posts: Some(3),
            likes: Some(100),
            growth_per_day: Some(0.01),
            ..AccountEdit::default()
        };
        world.put(Platform::Youtube, "Star", &edit).unwrap();
        let numbers = |world: &World| world.account(Platform::Youtube, "@star").unwrap().numbers_at(world.now());
        assert_eq!(numbers(&world).followers, 12_345);
        assert_eq!(numbers(&world).posts, 3);
        assert_eq!(numbers(&world).recent.len(), 3);
        assert!(numbers(&world).recent.iter().all(|post| post.likes == Some(100) && post.comments == Some(0)));
        world.advance(Duration::from_secs(86_400));
        assert_eq!(numbers(&world).followers, 12_468);
    }

    #[test]
    fn an_instagram_account_and_its_page_have_one_owner() {
        let world = world(0);
        let owner = |platform, handle| world.account(platform, handle).unwrap().owner.clone();
        let put = |platform, handle, owner: Option<&str>| {
            let edit = AccountEdit { owner: owner.map(str::to_owned), ..AccountEdit::default() };
            world.put(platform, handle, &edit).unwrap()
        };
        put(Platform::Facebook, "ada", Some("Ada"));
        let account = put(Platform::Instagram, "ada", None);
        let page = world.account(Platform::Facebook, "ada").unwrap();
        assert_eq!((account.owner.as_str(), account.linked.as_ref()), ("Ada", Some(&page.id)));
        put(Platform::Facebook, "ada", Some("Bob"));
        assert_eq!(owner(Platform::Instagram, "ada"), "Bob");
        put(Platform::Instagram, "ada", Some("Cleo"));
        assert_eq!(owner(Platform::Facebook, "ada"), "Cleo");
        assert_eq!(world.accounts().len(), 2);
    }

    #[test]
    fn a_new_handle_keeps_the_id() {
        let world = world(0);
        let before = world.put(Platform::Bluesky, "old.test", &AccountEdit::default()).unwrap();
        let rename = AccountEdit { handle: Some("new.test".into()), ..AccountEdit::default() };
        let after = world.put(Platform::Bluesky, "old.test", &rename).unwrap();
        assert_eq!(before.id, after.id);
        assert!(world.account(Platform::Bluesky, "old.test").is_none());
        assert_eq!(world.account(Platform::Bluesky, "new.test").unwrap().id, before.id);
        assert_eq!(world.put(Platform::Bluesky, "@", &AccountEdit::default()), Err(EditError::Handle("name.sky.test")));
    }
}
