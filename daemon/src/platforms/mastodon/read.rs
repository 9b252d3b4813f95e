//! Mastodon's JSON, and what it says. Pure.

use roster_protocol::folding::folded_handle;
use roster_protocol::metric::Metric;
use roster_protocol::text::{NAME_CHARACTERS, clean};
use roster_protocol::time::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use url::Url;

use super::SLUG;
use crate::history::engagement::{Post, PostNumbers};
use crate::http_client::{is_host, is_host_like};
use crate::platforms::reading::{
    Count, Items, Posts, add_engagement, count, handle_in_any_script, id, item, plain_id, shown_name, time,
};
use crate::platforms::{Account, Observation, PlatformError};

/// An account as its home returns it. Only `id` and `username` are always there.
#[derive(Deserialize)]
pub(super) struct Profile {
    #[serde(deserialize_with = "id")]
    pub(super) id: String,
    username: String,
    display_name: Option<String>,
    #[serde(default)]
    followers_count: Count,
    #[serde(default)]
    following_count: Count,
    #[serde(default)]
    statuses_count: Count,
    suspended: Option<bool>,
    moved: Option<Moved>,
    pleroma: Option<Box<RawValue>>,
}

/// What Pleroma and Akkoma report beside the counts: which of them are hidden and shown as 0.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Pleroma {
    hide_followers_count: bool,
    hide_followers: bool,
    hide_follows_count: bool,
    hide_follows: bool,
}

/// A count whose owner hides it, or the list behind it: then 0 is no count.
fn shown(count: Count, is_hidden: bool, is_list_hidden: bool) -> Count {
    let hidden = is_hidden || (is_list_hidden && count == Count::Known(0));
    if hidden { Count::Unknown } else { count }
}

#[derive(Deserialize)]
struct Moved {
    acct: Option<String>,
}

/// Where an account is and what its home calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Home {
    pub(super) id: String,
    pub(super) host: String,
}

/// `name@host` in its two parts.
pub(super) fn parts(handle: &str) -> (&str, &str) {
    handle.rsplit_once('@').unwrap_or((handle, ""))
}

/// The home that an earlier response reported.
pub(super) fn known_home(account: &Account) -> Option<Home> {
    let (id, host) = account.platform_user_id.as_deref()?.rsplit_once('@')?;
    (plain_id(id).is_some() && is_host_like(host)).then(|| Home { id: id.to_owned(), host: host.to_owned() })
}

/// The profile, if it is the account's: it may be another account's after an instance was set up anew.
pub(super) fn profile_of(account: &Account, profile: Profile) -> Result<Option<Profile>, PlatformError> {
    if plain_id(&profile.id).is_none() {
        return Err(PlatformError::Unexpected { what: format!("{SLUG}: id is no id") });
    }
    let (name, _) = parts(&account.handle);
    let username = handle_in_any_script(&profile.username).unwrap_or_default();
    Ok((folded_handle(&username) == folded_handle(name)).then_some(profile))
}

/// What the profile reports, before its posts are known.
pub(super) fn observation(account: &Account, host: &str, profile: Profile) -> Result<Observation, PlatformError> {
    let gone = |what: String| Err(PlatformError::AccountGone { what });
    if let Some(moved) = profile.moved {
        let to = moved.acct.map(|acct| if acct.contains('@') { acct } else { format!("{acct}@{host}") });
        return Err(PlatformError::Moved { to: to.as_deref().map(|acct| clean(acct, NAME_CHARACTERS)) });
    }
    if profile.suspended == Some(true) {
        return gone("its instance has suspended this account".to_owned());
    }
    let mut observation = Observation {
        platform_user_id: format!("{}@{host}", profile.id),
        handle: clean(&account.handle, NAME_CHARACTERS * 4),
        display_name: shown_name(profile.display_name.as_deref()),
        ..Observation::default()
    };
    let hides: Pleroma = profile.pleroma.and_then(|text| item(SLUG, &text).ok()).unwrap_or_default();
    let followers = shown(profile.followers_count, hides.hide_followers_count, hides.hide_followers);
    let following = shown(profile.following_count, hides.hide_follows_count, hides.hide_follows);
    let is_new_home = known_home(account).is_some_and(|known| known.host != host);
    observation.former_user_id = account.platform_user_id.clone().filter(|_| is_new_home);
    observation.take_counts([
        (Metric::Followers, followers),
        (Metric::Following, following),
        (Metric::Posts, profile.statuses_count),
    ]);
    Ok(observation)
}

/// Adds what the posts say: the engagement, and whether zeros were real counts or hid them.
pub(super) fn add_posts(observation: &mut Observation, posts: Result<Posts, PlatformError>) {
    let some = posts.as_ref().is_ok_and(|posts| !posts.posts.is_empty());
    let numbers = &mut observation.numbers;
    if some && numbers.posts == Some(0) {
        numbers.posts = None;
        if (numbers.followers, numbers.following) == (Some(0), Some(0)) {
            numbers.followers = None;
            numbers.following = None;
        }
    }
    add_engagement(observation, posts);
}

#[derive(Deserialize)]
pub(super) struct Status {
    #[serde(default, deserialize_with = "time")]
    created_at: Option<Timestamp>,
    in_reply_to_id: Option<IgnoredAny>,
    reblog: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "count")]
    favourites_count: Option<u64>,
    #[serde(default, deserialize_with = "count")]
    replies_count: Option<u64>,
    #[serde(default, deserialize_with = "count")]
    reblogs_count: Option<u64>,
    /// Since 4.5.
    #[serde(default, deserialize_with = "count")]
    quotes_count: Option<u64>,
}

/// The account's own posts, without boosts and replies: not every server leaves them out on request.
pub(super) fn posts(statuses: Vec<Result<Status, PlatformError>>) -> Posts {
    let mut read = Posts { posts: Vec::with_capacity(statuses.len()), unread: 0, refused: Vec::new() };
    for status in statuses {
        match status {
            Ok(status) if status.reblog.is_none() && status.in_reply_to_id.is_none() => read.posts.push(post(&status)),
            Ok(_) => {}
            Err(_) => read.unread += 1,
        }
    }
    read
}

fn post(status: &Status) -> Post {
    let shares = match (status.reblogs_count, status.quotes_count) {
        (None, None) => None,
        (boosts, quotes) => Some(boosts.unwrap_or(0) + quotes.unwrap_or(0)),
    };
    let numbers = PostNumbers {
        likes: status.favourites_count,
        comments: status.replies_count,
        shares,
        ..PostNumbers::default()
    };
    Post { at: status.created_at, numbers }
}

/// A WebFinger response.
#[derive(Deserialize)]
pub(super) struct Finger {
    links: Items,
}

#[derive(Deserialize)]
struct Link {
    rel: String,
    href: String,
}

/// The host that an account's own link leads to.
pub(super) fn home_of(finger: &Finger) -> Option<String> {
    let links = finger.links.iter().filter_map(|text| item::<Link>(SLUG, text).ok());
    links.filter(|link| link.rel == "self").find_map(|link| host_of(&link.href))
}

/// The host of a URL, with port where it is not the usual one.
pub(super) fn host_of(url: &str) -> Option<String> {
    let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "https" | "http"))?;
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{}{port}", url.host_str()?)).filter(|host| is_host(host))
}

#[derive(Default, Deserialize)]
pub(super) struct Refusal {
    /// A localised text for users.
    #[serde(default)]
    pub(super) error: String,
}

#[cfg(test)]
mod tests {
    use roster_protocol::ids::ConnectionId;
    use roster_protocol::metric::{Mean, Ratio};

    use super::*;
    use crate::http_client::read_json;
    use crate::platforms::reading::{Object, items, unreadable};

    fn account() -> Account {
        Account {
            connection: ConnectionId::from_bytes([1; 5]),
            handle: "mara@social.example.com".to_owned(),
            platform_user_id: None,
            access: None,
            days_from: None,
        }
    }

    fn profile(text: &str) -> Result<Option<Profile>, PlatformError> {
        let read = read_json(text.as_bytes()).map_err(|kind| unreadable(SLUG, kind));
        profile_of(&account(), read.map(|Object(profile)| profile)?)
    }

    fn read(text: &str) -> Result<Observation, PlatformError> {
        let profile = profile(text)?.expect("the same name");
        observation(&account(), "social.example.com", profile)
    }

    #[test]
    fn an_account_reports_its_counts() {
        let observation = read(include_str!("fixtures/account.json")).expect("readable");
        assert_eq!(observation.platform_user_id, "117020565966271181@social.example.com");
        assert_eq!(observation.handle, "mara@social.example.com");
        assert_eq!(observation.display_name.as_deref(), Some("Mara Lindqvist"));
        let numbers = &observation.numbers;
        assert_eq!((numbers.followers, numbers.following, numbers.posts), (Some(4321), Some(210), Some(987)));
    }

    #[test]
    fn engagement_is_of_own_posts() {
        let mut observation = read(include_str!("fixtures/account.json")).expect("readable");
        let statuses = items(SLUG, include_bytes!("fixtures/statuses.json"));
        let posts = posts(statuses.expect("a fixture"));
        assert_eq!((posts.posts.len(), posts.unread), (3, 0));
        add_posts(&mut observation, Ok(posts));
        assert_eq!(observation.numbers.avg_likes, Some(Mean(3000)));
        assert_eq!(observation.numbers.avg_comments, Some(Mean(250)));
        assert_eq!(observation.numbers.engagement_rate, Ratio::from_f64((30.0 + 2.5 + 7.5) / 4321.0));
        assert_eq!(observation.missing, [""; 0], "a post without likes that can be read has its other numbers");
    }

    #[test]
    fn zeros_beside_posts_are_curtains() {
        let hidden = r#"{"id":"1","username":"mara","followers_count":0,"following_count":0,"statuses_count":0}"#;
        let one_post = || {
            Ok(Posts {
                posts: vec![Post { at: None, numbers: PostNumbers::default() }],
                unread: 0,
                refused: Vec::new(),
            })
        };
        let mut observation = read(hidden).expect("readable");
        add_posts(&mut observation, one_post());
        assert_eq!(observation.numbers, Default::default());
        let shown = r#"{"id":"1","username":"mara","followers_count":7,"following_count":0,"statuses_count":0}"#;
        let mut observation = read(shown).expect("readable");
        add_posts(&mut observation, one_post());
        let numbers = &observation.numbers;
        assert_eq!((numbers.followers, numbers.following, numbers.posts), (Some(7), Some(0), None));
        let mut empty = read(hidden).expect("readable");
        add_posts(&mut empty, Ok(Posts::default()));
        assert_eq!(empty.numbers.followers, Some(0));
    }

    #[test]
    fn who_moved_or_was_suspended_is_gone() {
        let check = |text: &str, expected: &str| {
            let expected = PlatformError::AccountGone { what: expected.to_owned() };
            assert_eq!(read(text), Err(expected), "{text}");
        };
        let moved = |text: &str, to: Option<&str>| {
            assert_eq!(read(text), Err(PlatformError::Moved { to: to.map(str::to_owned) }), "{text}");
        };
        moved(
            r#"{"id":"1","username":"mara","followers_count":3,"moved":{"acct":"mara@new.example.com"}}"#,
            Some("mara@new.example.com"),
        );
        moved(r#"{"id":"1","username":"mara","moved":{"acct":"mara2"}}"#, Some("mara2@social.example.com"));
        moved(r#"{"id":"1","username":"mara","moved":{"acct":"m\u001b[2J\u202e2"}}"#, Some("m[2J2@social.example.com"));
        moved(r#"{"id":"1","username":"mara","moved":{}}"#, None);
        check(
            r#"{"id":"1","username":"mara","suspended":true,"followers_count":0}"#,
            "its instance has suspended this account",
        );
    }

    #[test]
    fn what_is_not_the_account_is_not_taken_for_it() {
        assert!(profile(r#"{"id":"1","username":"oskar"}"#).expect("readable").is_none());
        let numeric = profile(r#"{"id":1626,"username":"mara"}"#).expect("readable").expect("the same name");
        assert_eq!(numeric.id, "1626", "as very old relatives have it");
        for bad in [r#"{"id":"../../x","username":"mara"}"#, r#"{"id":1.5,"username":"mara"}"#, "[]", r#"{"id":"1"}"#] {
            assert!(profile(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn zeros_that_are_marked_as_hidden_are_unknown() {
        let check = |counts: &str, marks: &str, expected: [Option<u64>; 3]| {
            let text = format!(r#"{{"id":"1","username":"mara",{counts},"statuses_count":5,"pleroma":{marks}}}"#);
            let numbers = read(&text).expect("a profile").numbers;
            assert_eq!([numbers.followers, numbers.following, numbers.posts], expected, "{counts} {marks}");
        };
        let (zeros, true_ones) =
            (r#""followers_count":0,"following_count":0"#, r#""followers_count":43,"following_count":7"#);
        let both =
            r#"{"hide_followers_count":true,"hide_followers":true,"hide_follows_count":true,"hide_follows":true}"#;
        check(
            r#""followers_count":0,"following_count":7"#,
            r#"{"hide_followers_count":true,"hide_followers":true}"#,
            [None, Some(7), Some(5)],
        );
        check(zeros, both, [None, None, Some(5)]);
        check(true_ones, both, [None, None, Some(5)]);
        check(zeros, r#"{"hide_followers":true,"hide_follows":true}"#, [None, None, Some(5)]);
        check(true_ones, r#"{"hide_followers":true}"#, [Some(43), Some(7), Some(5)]);
        for nothing in ["{}", "null", "[]", "7", r#"{"hide_followers_count":"yes"}"#] {
            check(zeros, nothing, [Some(0), Some(0), Some(5)]);
        }
    }

    #[test]
    fn each_count_is_hidden_by_itself() {
        let check = |counts: &str, expected: [Option<u64>; 3]| {
            let text = format!(r#"{{"id":"1","username":"mara",{counts}}}"#);
            let Observation { numbers, missing, .. } = read(&text).expect("a profile");
            assert_eq!([numbers.followers, numbers.following, numbers.posts], expected, "{counts}");
            assert!(missing.is_empty(), "{missing:?}");
        };
        let (followers, following, posts) = (Some(105), Some(7), Some(5));
        check(r#""followers_count":-1,"following_count":7,"statuses_count":5"#, [None, following, posts]);
        check(r#""followers_count":-2,"following_count":7,"statuses_count":5"#, [None, following, posts]);
        check(r#""followers_count":105,"following_count":-1,"statuses_count":5"#, [followers, None, posts]);
        check(r#""followers_count":105,"following_count":7,"statuses_count":-1"#, [followers, following, None]);
    }

    #[test]
    fn the_home_is_what_webfinger_or_an_earlier_response_reported() {
        let finger: Finger = serde_json::from_str(include_str!("fixtures/webfinger.json")).expect("a fixture");
        assert_eq!(home_of(&finger).as_deref(), Some("web.example.com"));
        let known = |id: &str| known_home(&Account { platform_user_id: Some(id.to_owned()), ..account() });
        let home = Home { id: "1170".to_owned(), host: "web.example.com:8443".to_owned() };
        assert_eq!(known("1170@web.example.com:8443"), Some(home));
        for bad in ["1170", "@web.example.com", "../x@web.example.com", "1@we b", "1@a/b", "1@"] {
            assert_eq!(known(bad), None, "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in crate::platforms::tests::json()) {
            let _ = profile(&text).map(|profile| {
                profile.map(|profile| observation(&account(), "social.example.com", profile))
            });
            let _ = items(SLUG, format!("[{text}]").as_bytes()).map(posts);
            let _ = serde_json::from_str::<Finger>(&text).map(|finger| home_of(&finger));
        }
    }
}
