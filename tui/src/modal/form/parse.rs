//! What the texts of a form mean.

use roster_protocol::{Account, Day, Mean, Numbers, PlatformStatus, Ratio, Record, RosterError, Seconds, query};

/// Who is meant by a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// Only a name.
    Name(String),
    /// An account; of a URL, on each platform it may belong to, the likeliest first.
    Accounts(Vec<Account>),
}

/// Understands a name, `platform:handle`, or a profile's URL.
pub fn who(text: &str, platforms: &[PlatformStatus]) -> Result<Who, RosterError> {
    if text.is_empty() {
        return Err(RosterError::usage("write an account or a name"));
    }
    if let Some(host) = host(text) {
        return at_host(text, host, platforms);
    }
    let Some((before, handle)) = text.split_once(':') else { return Ok(Who::Name(text.to_owned())) };
    let named = |platform: &&PlatformStatus| {
        [&platform.platform, &platform.short, &platform.name]
            .iter()
            .any(|name| name.eq_ignore_ascii_case(before.trim()))
    };
    match platforms.iter().find(named) {
        Some(platform) => Ok(Who::Accounts(vec![account(platform, handle.trim())])),
        // A name may have a colon: a handle is written without blanks.
        None if text.contains(char::is_whitespace) => Ok(Who::Name(text.to_owned())),
        None => {
            let known: Vec<&str> = platforms.iter().map(|platform| platform.platform.as_str()).collect();
            Err(RosterError::usage(format!("no platform is called {before}"))
                .hint(format!("known are {}", known.join(", "))))
        }
    }
}

/// The host of a URL, with or without its scheme.
fn host(text: &str) -> Option<&str> {
    let rest = match text.split_once("://") {
        Some((_, rest)) => rest,
        None if text.contains('/') && !text.contains(char::is_whitespace) => text,
        None => return None,
    };
    let host = rest.split(['/', '?', '#']).next()?;
    (host.contains('.') && !host.contains(['@', ':']) || text.contains("://")).then_some(host)
}

fn at_host(url: &str, host: &str, platforms: &[PlatformStatus]) -> Result<Who, RosterError> {
    let host = host.to_lowercase();
    let labels: Vec<&str> = host.split('.').collect();
    let (named, others): (Vec<_>, Vec<_>) = platforms
        .iter()
        .filter(|platform| platform.enabled)
        .partition(|platform| labels.contains(&platform.platform.as_str()));
    let fitting = if named.is_empty() { others } else { named };
    if fitting.is_empty() {
        return Err(RosterError::usage("no platform is switched on that could read this"));
    }
    Ok(Who::Accounts(fitting.into_iter().map(|platform| account(platform, url)).collect()))
}

fn account(platform: &PlatformStatus, handle: &str) -> Account {
    Account { platform: platform.platform.clone(), handle: handle.to_owned() }
}

/// Words with or without `#`, each once.
pub fn tags(text: &str) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    for word in text.split(|c: char| c.is_whitespace() || c == ',') {
        let tag = word.trim_start_matches('#');
        if !tag.is_empty() && !tags.iter().any(|other| other == tag) {
            tags.push(tag.to_owned());
        }
    }
    tags
}

/// Date, followers, following, posts, engagement in percent, likes, comments, views, and whether to keep them.
pub fn record(texts: &[&str; 9]) -> Result<Record, RosterError> {
    let wrong = |_| RosterError::usage("write the date as 2026-11-21, today or yesterday");
    let day: Day = texts[0].parse().map_err(wrong)?;
    let numbers = Numbers {
        followers: optional(texts[1], "followers", query::count)?,
        following: optional(texts[2], "following", query::count)?,
        posts: optional(texts[3], "posts", query::count)?,
        engagement_rate: optional(texts[4], "engagement", percent)?,
        avg_likes: optional(texts[5], "likes", mean)?,
        avg_comments: optional(texts[6], "comments", mean)?,
        avg_views: optional(texts[7], "views", mean)?,
        ..Numbers::default()
    };
    if numbers == Numbers::default() {
        return Err(RosterError::usage("write at least one number"));
    }
    let keep = match texts[8].to_lowercase().as_str() {
        "" | "n" | "no" => false,
        "y" | "yes" => true,
        _ => return Err(RosterError::usage("keep: write yes, or nothing")),
    };
    Ok(Record { day, numbers, replace: false, keep })
}

pub fn optional<T>(text: &str, what: &str, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>, RosterError> {
    if text.is_empty() {
        return Ok(None);
    }
    read(text).map(Some).ok_or_else(|| RosterError::usage(format!("{what}: {text:?} is no such number")))
}

fn percent(text: &str) -> Option<Ratio> {
    let number: f64 = text.trim_end_matches('%').trim().parse().ok()?;
    (number >= 0.0).then(|| Ratio::from_f64(number / 100.0)).flatten()
}

/// An average: decimals as typed, or a short form such as 12.5k.
fn mean(text: &str) -> Option<Mean> {
    let number = text.parse::<f64>().ok().or_else(|| query::count(text).map(|count| count as f64))?;
    Mean::from_f64(number)
}

/// `30m`, `6h`, `1d`, `90s`; nothing follows the common interval.
pub fn interval(text: &str) -> Result<Option<Seconds>, RosterError> {
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = || RosterError::usage("write a length such as 30m, 6h or 1d");
    let units = [('s', 1), ('m', 60), ('h', 3_600), ('d', 86_400)];
    let unit = |last: char| units.into_iter().find(|(letter, _)| *letter == last).map(|(_, seconds)| seconds);
    let seconds = text.chars().last().and_then(unit).ok_or_else(wrong)?;
    let number: u64 = text[..text.len() - 1].trim().parse().map_err(|_| wrong())?;
    number.checked_mul(seconds).map(|seconds| Some(Seconds(seconds))).ok_or_else(wrong)
}

/// An interval as it is typed.
pub fn interval_text(interval: Seconds) -> String {
    let units = [(86_400, 'd'), (3_600, 'h'), (60, 'm'), (1, 's')];
    let fits = |seconds: u64| interval.0 > 0 && interval.0.is_multiple_of(seconds);
    let (seconds, letter) = units.into_iter().find(|(seconds, _)| fits(*seconds)).unwrap_or((1, 's'));
    format!("{}{letter}", interval.0 / seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::platforms;

    #[test]
    fn names_handles_and_urls_are_distinguished() {
        let check = |text: &str, expected: &str| {
            let who = match who(text, &platforms()) {
                Ok(Who::Name(name)) => format!("name {name}"),
                Ok(Who::Accounts(accounts)) => {
                    accounts.iter().map(|a| format!("{}:{}", a.platform, a.handle)).collect::<Vec<_>>().join(" ")
                }
                Err(error) => error.message,
            };
            assert_eq!(who, expected, "{text}");
        };
        check("Mara Lindqvist", "name Mara Lindqvist");
        check("bluesky:mara.example", "bluesky:mara.example");
        check("bs: mara.example", "bluesky:mara.example");
        check("Tea: a channel", "name Tea: a channel");
        check("myspace:mara", "no platform is called myspace");
        check("https://www.youtube.com/@mara", "youtube:https://www.youtube.com/@mara");
        check("youtube.com/@mara", "youtube:youtube.com/@mara");
        check(
            "https://bsky.app/profile/mara",
            "youtube:https://bsky.app/profile/mara bluesky:https://bsky.app/profile/mara mastodon:https://bsky.app/profile/mara",
        );
        check("", "write an account or a name");
    }

    #[test]
    fn small_texts_are_understood() {
        assert_eq!(tags(" #beauty, nordic beauty "), ["beauty", "nordic"]);
        assert_eq!(interval("6h"), Ok(Some(Seconds(21_600))));
        assert_eq!(interval(""), Ok(None));
        for bad in ["6", "h", "six hours", "-1h", "99999999999999999999d", "6ħ"] {
            assert!(interval(bad).is_err(), "{bad}");
        }
        assert_eq!(interval_text(Seconds(21_600)), "6h");
        assert_eq!(interval_text(Seconds(86_400)), "1d");
        assert_eq!(interval_text(Seconds(0)), "0s");
    }

    #[test]
    fn numbers_typed_by_hand_are_understood() {
        let typed = record(&["2026-11-21", "12.3k", "", "", "5.25", "610.4", "", "", ""]).expect("valid");
        let Record { day, numbers, keep, .. } = typed;
        assert_eq!((day, keep), (Day::On("2026-11-21".parse().expect("a date")), false));
        assert_eq!(numbers.followers, Some(12_300));
        assert_eq!(numbers.engagement_rate, Some(Ratio(52_500)));
        assert_eq!(numbers.avg_likes, Some(Mean(61_040)));
        assert_eq!(numbers.posts, None);
        let kept = record(&["yesterday", "1", "", "", "", "", "", "", "Yes"]).expect("valid");
        assert_eq!((kept.day, kept.keep), (Day::Ago(1), true));
        for bad in [["someday", "1", ""], ["2026-11-21", "", ""], ["2026-11-21", "many", ""], ["2026-11-21", "1", "-3"]]
        {
            assert!(record(&[bad[0], bad[1], bad[2], "", "", "", "", "", ""]).is_err(), "{bad:?}");
        }
    }
}
