//! `channels.list`.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::list::{self, Page};
use super::{errors, params};
use crate::Platform;
use crate::grants::Held;
use crate::platforms::{ApiRequest, ApiResponse};
use crate::world::World;
use crate::world::account::{Account, State};

const PARTS: &[&str] = &[
    "id",
    "snippet",
    "contentDetails",
    "statistics",
    "status",
    "brandingSettings",
    "topicDetails",
    "localizations",
    "contentOwnerDetails",
];
const FILTERS: &[&str] = &["id", "forHandle", "forUsername", "mine", "managedByMe", "mySubscribers", "categoryId"];

pub fn list(world: &World, request: &ApiRequest, held: Option<&Held>) -> Result<ApiResponse, ApiResponse> {
    let parts = params::parts(request, PARTS)?;
    let (per_page, offset) = (params::max_results(request)?, params::offset(request)?);
    let named = named(world, request, held)?;
    if let Some(failing) = named.iter().find(|account| account.state == State::Failing) {
        return Ok(errors::server_error().about(failing));
    }
    let found: Vec<_> = named.iter().filter(|account| account.state == State::Active).collect();
    let shown = found.iter().skip(offset).take(per_page);
    let items: Vec<Value> = shown.map(|account| channel(account, &parts, world.now())).collect();
    let next = (offset + per_page < found.len() && per_page > 0).then_some(offset + per_page);
    let prev = (offset > 0).then(|| offset.saturating_sub(per_page));
    let total = found.len() as u64;
    let page = Page { kind: "youtube#channelListResponse", items, next, prev, total, per_page };
    Ok(named.iter().fold(list::respond(page, true), ApiResponse::about))
}

/// The accounts that the filter names, in its order, each once; unknown ones are left out without a word.
fn named(world: &World, request: &ApiRequest, held: Option<&Held>) -> Result<Vec<Arc<Account>>, ApiResponse> {
    let mut found: Vec<Arc<Account>> = match params::filter(request, FILTERS)? {
        ("id", _) => {
            params::ids(request)?.into_iter().filter_map(|id| world.account_by_id(Platform::Youtube, id)).collect()
        }
        ("forHandle", handle) => world.account(Platform::Youtube, handle).into_iter().collect(),
        // Names from before handles; no channel here is that old.
        ("forUsername", _) => Vec::new(),
        ("mine", yes) if yes.eq_ignore_ascii_case("true") => {
            world.opened(&held.ok_or_else(errors::mine_needs_consent)?.grant)
        }
        _ => return Err(errors::mine_needs_consent()),
    };
    let mut seen = std::collections::HashSet::new();
    found.retain(|account| seen.insert(account.id.clone()));
    Ok(found)
}

fn channel(account: &Account, parts: &[&str], now: Timestamp) -> Value {
    list::item("youtube#channel", &account.id, parts, |part| match part {
        "snippet" => Some(snippet(account)),
        "contentDetails" => Some(json!({"relatedPlaylists": {"likes": "", "uploads": uploads(account)}})),
        "statistics" => Some(statistics(account, now)),
        "status" => Some(json!({
            "privacyStatus": "public", "isLinked": true, "longUploadsStatus": "longUploadsUnspecified", "madeForKids": false,
        })),
        "brandingSettings" => {
            Some(json!({"channel": {"title": account.display_name, "description": account.description}}))
        }
        "topicDetails" => Some(json!({"topicIds": [], "topicCategories": []})),
        _ => None,
    })
}

fn snippet(account: &Account) -> Value {
    let thumbnail = |size: u32| {
        let url = format!("https://yt3.ggpht.test/{}=s{size}-c-k-c0x00ffffff-no-rj", &account.id[2..]);
        json!({"url": url, "width": size, "height": size})
    };
    json!({
        "title": account.display_name,
        "description": account.description,
        "customUrl": account.handle,
        "publishedAt": format!("{:.0}", account.created_at),
        "thumbnails": {"default": thumbnail(88), "medium": thumbnail(240), "high": thumbnail(800)},
        "localized": {"title": account.display_name, "description": account.description},
        "country": "GR",
    })
}

/// Counts are texts. Hidden subscribers are not there at all.
fn statistics(account: &Account, now: Timestamp) -> Value {
    let (subscribers, videos) = (account.followers.at(now), account.posting.count_at(now));
    let views = subscribers.saturating_mul(90).saturating_add(videos.saturating_mul(137));
    let mut statistics = json!({"viewCount": views.to_string()});
    if !account.hidden {
        statistics["subscriberCount"] = json!(rounded(subscribers).to_string());
    }
    statistics["hiddenSubscriberCount"] = json!(account.hidden);
    statistics["videoCount"] = json!(videos.to_string());
    statistics
}

/// The playlist of all videos: the channel's id with other letters before it.
pub fn uploads(account: &Account) -> String {
    format!("UU{}", &account.id[2..])
}

/// Down to three significant digits.
fn rounded(count: u64) -> u64 {
    let step = 10u64.pow(count.checked_ilog10().unwrap_or(0).saturating_sub(2));
    count / step * step
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subscribers_are_rounded_down_to_three_digits() {
        let check = |count, expected| assert_eq!(rounded(count), expected);
        check(0, 0);
        check(999, 999);
        check(1_234, 1_230);
        check(12_399, 12_300);
        check(1_919_999, 1_910_000);
        check(u64::MAX, 18_400_000_000_000_000_000);
    }
}
