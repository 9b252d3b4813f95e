//! Accounts: by handle, by id, several at once.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::{Seen, by_id, there};
use crate::Platform;
use crate::platforms::{ApiRequest, ApiResponse};
use crate::world::World;
use crate::world::account::{Account, Software, State};
use crate::world::ids;

/// `acct=user` or `user@host`; of other hosts only those that are already known here.
pub fn lookup(world: &World, request: &ApiRequest) -> Result<ApiResponse, ApiResponse> {
    let acct = request.one("acct").unwrap_or_default().trim_start_matches('@');
    let named =
        |account: &&Arc<Account>| account.served_by() == request.host && account.user().eq_ignore_ascii_case(acct);
    let account = match acct.contains('@') {
        true => world.account(Platform::Mastodon, acct),
        false => world.on_platform(Platform::Mastodon).iter().find(named).cloned(),
    };
    let seen = there(request, account)?;
    Ok(ApiResponse::ok(entity(world, &seen)).about(&seen.account))
}

pub fn show(world: &World, request: &ApiRequest, id: &str) -> Result<ApiResponse, ApiResponse> {
    let seen = by_id(world, request, id)?;
    Ok(ApiResponse::ok(entity(world, &seen)).about(&seen.account))
}

/// `id[]=1&id[]=2`; unknown ones are left out without a word.
pub fn several(world: &World, request: &ApiRequest) -> Result<ApiResponse, ApiResponse> {
    let ids = [request.all("id[]"), request.all("id")].concat();
    let found: Vec<Seen> = ids.into_iter().filter_map(|id| by_id(world, request, id).ok()).collect();
    let entities: Vec<Value> = found.iter().map(|seen| entity(world, seen)).collect();
    Ok(found.iter().fold(ApiResponse::ok(json!(entities)), |response, seen| response.about(&seen.account)))
}

/// The id of a remote account's copy.
pub fn copy_id(account: &Account, host: &str) -> String {
    ids::snowflake(account.created_at.as_millisecond(), &format!("{} on {host}", account.id))
}

pub fn local_id(seen: &Seen) -> String {
    if seen.at_home() { seen.account.id.clone() } else { copy_id(&seen.account, &seen.host) }
}

/// Where the account lives, as a URL.
pub fn home(seen: &Seen) -> String {
    if seen.at_home() { seen.origin.clone() } else { format!("https://{}", seen.account.served_by()) }
}

/// The `Account` entity.
pub fn entity(world: &World, seen: &Seen) -> Value {
    let account = &seen.account;
    let (home, user) = (home(seen), account.user());
    let suspended = account.state == State::Suspended;
    let shown = |text: &str| if suspended { String::new() } else { text.to_owned() };
    let [followers, following, statuses] = counts(seen, world.now());
    let hidden = account.hidden && account.software == Software::Glitch;
    let mut entity = json!({
        "id": local_id(seen),
        "username": user,
        "acct": if seen.at_home() { user } else { &account.handle },
        "display_name": shown(&account.display_name),
        "locked": false,
        "bot": false,
        "discoverable": if suspended { Value::Null } else { json!(true) },
        "indexable": false,
        "group": false,
        "created_at": format!("{}T00:00:00.000Z", date(account.created_at)),
        "note": shown(&format!("<p>{}</p>", account.description)),
        "url": format!("{home}/@{user}"),
        "uri": format!("{home}/users/{user}"),
        "avatar": format!("{home}/avatars/original/missing.png"),
        "avatar_static": format!("{home}/avatars/original/missing.png"),
        "header": format!("{home}/headers/original/missing.png"),
        "header_static": format!("{home}/headers/original/missing.png"),
        "followers_count": if hidden { json!(-1) } else { json!(followers) },
        "following_count": following,
        "statuses_count": statuses,
        "last_status_at": last_status(account, world.now()),
        "hide_collections": account.hide_collections || account.hidden,
        "noindex": false,
        "emojis": [],
        "roles": [],
        "fields": [],
    });
    match account.software {
        Software::Pleroma => {
            let marks = ["hide_followers_count", "hide_followers", "hide_follows_count", "hide_follows"];
            entity["pleroma"] = marks.into_iter().map(|mark| (mark.to_owned(), json!(account.hidden))).collect();
        }
        Software::Ancient => entity["id"] = serde_json::from_str(&local_id(seen)).unwrap_or_default(),
        _ => {}
    }
    if suspended {
        entity["suspended"] = json!(true);
    }
    if let Some(moved_to) = &account.moved_to {
        entity["moved"] = moved(world, seen, moved_to);
    }
    entity
}

/// Followers, following and statuses as this instance reports them: nothing for suspended accounts and for those that
/// hide them, and only part of them on instances other than the home.
fn counts(seen: &Seen, now: Timestamp) -> [u64; 3] {
    let account = &seen.account;
    let all = [account.followers.at(now), account.following.at(now), account.posting.count_at(now)];
    match account.software {
        _ if account.state == State::Suspended => return [0; 3],
        Software::Pleroma | Software::Misskey if account.hidden => return [0, 0, all[2]],
        Software::Glitch => return all,
        _ if account.hidden => return [0; 3],
        _ => {}
    }
    if seen.at_home() { all } else { all.map(|count| count / 5 * 3) }
}

/// The new home's account; one that no account here represents is reported with nothing but its name.
fn moved(world: &World, seen: &Seen, moved_to: &str) -> Value {
    let known = world.account(Platform::Mastodon, moved_to).filter(|new| new.moved_to.is_none());
    if let Some(account) = known {
        return entity(world, &Seen { account, host: seen.host.clone(), origin: seen.origin.clone() });
    }
    let (user, host) = moved_to.split_once('@').unwrap_or((moved_to, &seen.host));
    let mut stub = Account { moved_to: None, handle: format!("{user}@{host}"), ..(*seen.account).clone() };
    stub.id = ids::account_id(Platform::Mastodon, &stub.handle);
    stub.followers = crate::world::growth::Growth::still(0);
    entity(world, &Seen { account: stub.into(), host: seen.host.clone(), origin: seen.origin.clone() })
}

fn last_status(account: &Account, now: Timestamp) -> Option<String> {
    let newest = account.posting.count_at(now);
    (newest > 0 && account.state == State::Active).then(|| date(account.posting.published(newest)).to_string())
}

fn date(time: Timestamp) -> jiff::civil::Date {
    time.to_zoned(TimeZone::UTC).date()
}
