//! A Page: its fields and lists.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{insights, posts};
use crate::Platform;
use crate::platforms::ApiResponse;
use crate::platforms::meta::{Call, Field, Node, missing_permission, page_token, unknown_field};
use crate::world::account::Account;

const TASKS: [&str; 6] = ["ADVERTISE", "ANALYZE", "CREATE_CONTENT", "MESSAGING", "MODERATE", "MANAGE"];

/// Reported to any token that opens the Page.
const BASIC: &[&str] = &[
    "id",
    "name",
    "access_token",
    "category",
    "category_list",
    "tasks",
    "instagram_business_account",
    "connected_instagram_account",
];

/// Known fields that no Page here has filled in.
const EMPTY: &[&str] = &[
    "cover",
    "description_html",
    "display_subtext",
    "emails",
    "engagement",
    "global_brand_page_name",
    "global_brand_root_id",
    "phone",
];

/// A field; `None` = it has no value.
pub fn field(call: &Call<'_>, page: &Arc<Account>, field: &Field) -> Result<Option<Value>, ApiResponse> {
    let name = field.name.as_str();
    let can_read = call.has("pages_read_engagement");
    if !BASIC.contains(&name) && !can_read {
        return Err(missing_permission(
            "This endpoint requires the 'pages_read_engagement' permission or the 'Page Public Content Access' \
             feature or the 'Page Public Metadata Access' feature.",
        ));
    }
    let followers = || page.followers.at(call.now);
    Ok(Some(match name {
        "id" => json!(page.id),
        "name" => json!(page.display_name),
        "access_token" => json!(page_token(call, &page.id)),
        "category" => json!("Digital creator"),
        "category_list" => json!([{"id": "2347428775505624", "name": "Digital creator"}]),
        "tasks" => json!(TASKS),
        "instagram_business_account" | "connected_instagram_account" => {
            let Some(account) = instagram(call, page) else { return Ok(None) };
            Node::Instagram(account).render(call, &field.below)?
        }
        "username" => json!(page.handle),
        "link" => json!(format!("https://www.facebook.com/{}", page.handle)),
        "about" | "description" => json!(page.description),
        "website" => json!(format!("https://{}.example/", page.handle)),
        "followers_count" => json!(followers()),
        // Likes of a Page that is as old as following is are a little fewer.
        "fan_count" => json!(followers() - followers() / 50),
        "new_like_count" => json!(followers() / 500),
        "talking_about_count" => json!(followers() / 40),
        "were_here_count" | "rating_count" => json!(0),
        "overall_star_rating" => json!(0.0),
        "verification_status" => json!("not_verified"),
        "picture" => json!({"data": {"height": 50, "width": 50, "is_silhouette": false,
            "url": format!("https://scontent.xx.fbcdn.test/{}.jpg", page.id)}}),
        "insights" => insights::nested_of_page(call, page, field)?,
        "published_posts" | "posts" | "feed" => posts::nested(call, page, field)?,
        name if EMPTY.contains(&name) => return Ok(None),
        _ => return Err(unknown_field(name, "Page")),
    }))
}

pub fn edge(call: &Call<'_>, page: &Arc<Account>, name: &str) -> Option<Result<ApiResponse, ApiResponse>> {
    Some(match name {
        "published_posts" | "posts" | "feed" => posts::edge(call, page),
        "insights" => insights::of_page(call, page),
        _ => return None,
    })
}

/// The Instagram account that is linked to the Page, where the person opened it.
fn instagram(call: &Call<'_>, page: &Account) -> Option<Arc<Account>> {
    let account = call.world.account_by_id(Platform::Instagram, page.linked.as_deref()?)?;
    (call.has("instagram_basic") && call.opens(&account)).then_some(account)
}
