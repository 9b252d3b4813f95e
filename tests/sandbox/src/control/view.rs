//! Accounts as the control shows them: the truth, not what a platform would report.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::world::account::Account;
use crate::world::posts::PostNumbers;

pub fn account(account: &Account, now: Timestamp) -> Value {
    let numbers = account.numbers_at(now);
    let mean = |part: fn(&PostNumbers) -> Option<u64>| mean(&numbers.recent, part);
    json!({
        "platform": account.platform,
        "handle": account.handle,
        "id": account.id,
        "display_name": account.display_name,
        "description": account.description,
        "state": account.state,
        "moved_to": account.moved_to,
        "owner": account.owner,
        "linked": account.linked,
        "followers": numbers.followers,
        "following": numbers.following,
        "posts": numbers.posts,
        "hidden": account.hidden,
        "likes": mean(|post| post.likes),
        "comments": mean(|post| post.comments),
        "reposts": mean(|post| post.reposts),
        "quotes": mean(|post| post.quotes),
        "views": mean(|post| post.views),
        "reach": mean(|post| post.reach),
        "saves": mean(|post| post.saves),
        "growth_per_day": account.followers.per_day(),
    })
}

/// Over the newest posts that report it; `None` when none does. Two decimals.
fn mean(posts: &[PostNumbers], part: fn(&PostNumbers) -> Option<u64>) -> Option<f64> {
    let reported: Vec<u64> = posts.iter().filter_map(part).collect();
    let sum: f64 = reported.iter().map(|&count| count as f64).sum();
    (!reported.is_empty()).then(|| (sum / reported.len() as f64 * 100.0).round() / 100.0)
}
