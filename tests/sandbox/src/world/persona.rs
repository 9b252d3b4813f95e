//! Inventing influencers: their names, their platforms and their sizes.

use std::collections::HashSet;

use jiff::Timestamp;

use super::account::{Account, Software, State};
use super::growth::{EPOCH_MS, Growth};
use super::ids;
use super::names::{self, EXTRA_TAGS, FAILING_HOST, HOSTS, Name, TOPICS, Topic};
use super::noise::{bell, draw, pick, unit};
use super::posts::Posting;
use crate::Platform::{self, Bluesky, Facebook, Instagram, Mastodon, Tiktok, Youtube};

/// On how many platforms one influencer after the other is: 7 accounts for every 3 of them.
const SPREAD: [usize; 6] = [3, 2, 2, 3, 1, 3];

/// The platforms of influencers with three, two or one of them. An Instagram account brings the Page it is
/// linked to.
const ON_THREE: &[&[Platform]] = &[
    &[Youtube, Instagram, Facebook],
    &[Youtube, Tiktok, Bluesky],
    &[Tiktok, Instagram, Facebook],
    &[Youtube, Bluesky, Mastodon],
    &[Bluesky, Mastodon, Tiktok],
    &[Youtube, Tiktok, Mastodon],
];
const ON_TWO: &[&[Platform]] = &[
    &[Instagram, Facebook],
    &[Youtube, Tiktok],
    &[Bluesky, Mastodon],
    &[Instagram, Facebook],
    &[Tiktok, Bluesky],
    &[Youtube, Mastodon],
];
const ON_ONE: &[&[Platform]] = &[&[Youtube], &[Facebook], &[Tiktok], &[Bluesky], &[Mastodon], &[Facebook]];

/// One invented influencer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Persona {
    /// Unique within a world.
    pub name: String,
    pub tags: Vec<String>,
    /// One to three, each on another platform. Platforms with consent may know another owner.
    pub accounts: Vec<AccountKey>,
}

/// Names one account.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AccountKey {
    pub platform: Platform,
    pub handle: String,
}

/// What an influencer's accounts have in common.
struct Cast {
    seed: u64,
    index: usize,
    name: Name,
    topic: Topic,
    stem: String,
    platforms: &'static [Platform],
    owner: String,
}

/// Invents influencers until they have `wanted` accounts together.
pub fn invent(seed: u64, wanted: usize) -> (Vec<Account>, Vec<Persona>) {
    let (mut accounts, mut personas, mut taken) = (Vec::with_capacity(wanted), Vec::new(), HashSet::new());
    while accounts.len() < wanted {
        let mut cast = cast(seed, personas.len(), &mut taken);
        cast.platforms = platforms(personas.len(), wanted - accounts.len(), cast.seed);
        if let Some(manager) = manager(&personas) {
            cast.owner = manager;
        }
        let first = accounts.len();
        for nth in 0..cast.platforms.len() {
            accounts.push(account(&cast, nth, first + nth));
        }
        link(&mut accounts[first..]);
        personas.push(persona(&cast, &accounts[first..]));
    }
    (accounts, personas)
}

fn cast(seed: u64, index: usize, taken: &mut HashSet<String>) -> Cast {
    let seed = draw(seed, index as u64);
    let topic = pick(TOPICS, draw(seed, 6));
    let mut name = names::name(seed);
    if !taken.insert(format!("{} {}", name.given, name.family)) {
        name.family = another_family(&name, seed, index, taken);
    }
    let mut stem = names::stem(&name, topic, seed);
    if !taken.insert(stem.clone()) {
        stem = format!("{stem}{index}");
    }
    let owner = format!("{} {}", name.given, name.family);
    Cast { seed, index, name, topic, stem, platforms: &[], owner }
}

/// As many platforms as the next influencer is on, and as there is room for.
fn platforms(index: usize, room: usize, seed: u64) -> &'static [Platform] {
    let sets = match SPREAD[index % SPREAD.len()].min(room) {
        3.. => ON_THREE,
        2 => ON_TWO,
        _ => ON_ONE,
    };
    pick(sets, draw(seed, 11))
}

/// The second and third influencer of every eight have the first one's owner sign in for them.
fn manager(before: &[Persona]) -> Option<String> {
    let index = before.len();
    matches!(index % 8, 1 | 2).then(|| before[index - index % 8].name.clone())
}

/// Joins an influencer's Instagram account and Page.
fn link(accounts: &mut [Account]) {
    let id_on = |platform| accounts.iter().find(|account| account.platform == platform).map(|one| one.id.clone());
    let (page, instagram) = (id_on(Facebook), id_on(Instagram));
    if let (Some(page), Some(instagram)) = (page, instagram) {
        for account in accounts {
            match account.platform {
                Facebook => account.linked = Some(instagram.clone()),
                Instagram => account.linked = Some(page.clone()),
                _ => {}
            }
        }
    }
}

/// Distinguishes namesakes: a double name, and in the largest worlds a number.
fn another_family(name: &Name, seed: u64, index: usize, taken: &mut HashSet<String>) -> String {
    let family = format!("{}-{}", name.family, names::name(draw(seed, 14)).family);
    if taken.insert(format!("{} {family}", name.given)) { family } else { format!("{family} {index}") }
}

fn persona(cast: &Cast, accounts: &[Account]) -> Persona {
    let mut tags = vec![cast.topic.tag.to_owned()];
    let other = pick(TOPICS, draw(cast.seed, 7)).tag;
    if draw(cast.seed, 8).is_multiple_of(3) && other != cast.topic.tag {
        tags.push(other.to_owned());
    }
    if draw(cast.seed, 9).is_multiple_of(4) {
        tags.push(pick(EXTRA_TAGS, draw(cast.seed, 10)).to_owned());
    }
    let key = |account: &Account| AccountKey { platform: account.platform, handle: account.handle.clone() };
    Persona {
        name: format!("{} {}", cast.name.given, cast.name.family),
        tags,
        accounts: accounts.iter().map(key).collect(),
    }
}

/// The `nth` account of an influencer, the `index`th of all.
fn account(cast: &Cast, nth: usize, index: usize) -> Account {
    let platform = cast.platforms[nth];
    let seed = draw(cast.seed, 100 + nth as u64);
    let trouble = trouble(platform, index);
    let handle = handle(cast, platform, trouble == Some(State::Failing));
    let followers = followers(cast, platform, nth, seed);
    Account {
        platform,
        id: ids::account_id(platform, &handle),
        display_name: names::display_name(&cast.name, cast.topic, draw(seed, 2)),
        description: format!("{} {}", cast.topic.about, cast.topic.emoji),
        created_at: ids::created_at(&handle),
        state: trouble.unwrap_or(State::Active),
        moved_to: (platform == Platform::Mastodon && index % 61 == 9)
            .then(|| format!("{}@harbour.example", cast.stem.replace('-', "_"))),
        hidden: matches!(platform, Youtube | Instagram) && index % 19 == 4,
        hide_collections: platform == Platform::Mastodon && index % 7 == 2,
        software: Software::default(),
        web_host: None,
        announced: 0,
        fails_batches: false,
        comments_off: platform == Platform::Youtube && index % 17 == 3,
        owner: cast.owner.clone(),
        portfolio: None,
        unlisted: false,
        refuses: Vec::new(),
        linked: None,
        following: following(&followers, seed),
        posting: posting(platform, &handle, index, seed),
        followers,
        handle,
        seed,
    }
}

/// About one account in forty has something wrong for good.
fn trouble(platform: Platform, index: usize) -> Option<State> {
    if index % 41 != 17 {
        return None;
    }
    Some(match (platform, index / 41 % 3) {
        (Platform::Bluesky, 0) => State::Deactivated,
        (Platform::Mastodon, 0 | 1) => State::Failing,
        (Platform::Bluesky | Platform::Mastodon, 1 | 2) => State::Suspended,
        _ => State::Gone,
    })
}

fn handle(cast: &Cast, platform: Platform, failing: bool) -> String {
    let host = if failing { FAILING_HOST } else { pick(HOSTS, draw(cast.seed, 12)) };
    let text = match platform {
        Platform::Bluesky => format!("{}.sky.test", cast.stem),
        Platform::Mastodon => format!("{}@{host}", cast.stem.replace('-', "_")),
        Platform::Youtube => format!("@{}", cast.stem),
        Platform::Instagram | Platform::Tiktok => cast.stem.replace('-', "_"),
        Platform::Facebook => cast.stem.replace('-', "."),
    };
    text.to_lowercase()
}

/// Sizes are log-normal around some ten thousand; the newer platforms are smaller.
fn followers(cast: &Cast, platform: Platform, nth: usize, seed: u64) -> Growth {
    let (share, purge) = match platform {
        Platform::Youtube => (1.0, 0.0),
        Platform::Instagram => (1.1, 0.015),
        Platform::Tiktok => (1.6, 0.0),
        Platform::Facebook => (0.5, 0.0),
        Platform::Bluesky => (0.4, 0.02),
        Platform::Mastodon => (0.15, 0.0),
    };
    let size = (13_000f64.ln() + 2.1 * bell(draw(cast.seed, 13))).exp().clamp(900.0, 8_000_000.0);
    let base = (size * share * (0.4 * bell(draw(seed, 3))).exp()).max(160.0);
    let luck = unit(draw(seed, 4));
    let per_day = if luck < 0.12 { -0.0004 * (1.0 + luck) } else { 0.0002 + 0.0016 * luck * luck };
    let viral = if nth == 0 && cast.index % 23 == 7 { 0.35 } else { 0.0 };
    Growth::Invented { seed, base, per_day, viral, purge }
}

/// The larger an account, the fewer it follows, for its size.
fn following(followers: &Growth, seed: u64) -> Growth {
    let base = match followers {
        Growth::Invented { base, .. } => base.sqrt() * (1.0 + 5.0 * unit(draw(seed, 5))),
        Growth::Given { .. } => 100.0,
    };
    Growth::Invented { seed: draw(seed, 6), base, per_day: 0.0001, viral: 0.0, purge: 0.0 }
}

/// From twice a day to once a fortnight, since the account was made.
fn posting(platform: Platform, handle: &str, index: usize, seed: u64) -> Posting {
    let origin = Timestamp::from_millisecond(EPOCH_MS).unwrap_or(Timestamp::UNIX_EPOCH);
    if platform == Platform::Youtube && index % 53 == 30 {
        return Posting::fixed(0, origin);
    }
    let every = (43_200.0 * (3.3 * unit(draw(seed, 7))).exp()).round();
    let age_seconds = (EPOCH_MS - ids::created_at(handle).as_millisecond()) as f64 / 1000.0;
    let replies = matches!(platform, Bluesky | Mastodon);
    Posting { origin, count: (age_seconds / every) as u64, every, grows: true, replies, given: None }
}
