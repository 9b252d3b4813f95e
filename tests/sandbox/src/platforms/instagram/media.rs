//! Media: pictures, reels and albums.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::account::{View, check_scope};
use super::{MEDIA_PREFIX, media_insights};
use crate::grants::Door;
use crate::platforms::ApiResponse;
use crate::platforms::meta::{Call, Field, unknown_field, when};
use crate::world::account::Account;
use crate::world::ids::digits_id;
use crate::world::posts::Post;

/// What kind of media a post is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Image,
    Reel,
    Album,
}

/// Every third is a reel, every third an album.
pub fn kind(post: &Post) -> Kind {
    match post.number % 3 {
        1 => Kind::Reel,
        2 => Kind::Album,
        _ => Kind::Image,
    }
}

pub fn id(account: &Account, post: &Post) -> String {
    digits_id(MEDIA_PREFIX, &account.id, post.number)
}

/// One of a list.
pub fn object(
    call: &Call<'_>,
    account: &Arc<Account>,
    post: &Post,
    fields: &[Field],
    view: View,
) -> Result<Value, ApiResponse> {
    let mut object = Map::new();
    for field in fields {
        if let Some(value) = seen(call, account, post, field, view)? {
            object.insert(field.shown().to_owned(), value);
        }
    }
    object.entry("id").or_insert(json!(id(account, post)));
    Ok(Value::Object(object))
}

/// A field of the account's own media; `None` = it has none.
pub fn field(
    call: &Call<'_>,
    account: &Arc<Account>,
    post: &Post,
    field: &Field,
) -> Result<Option<Value>, ApiResponse> {
    check_scope(call)?;
    seen(call, account, post, field, View::Own)
}

fn seen(
    call: &Call<'_>,
    account: &Arc<Account>,
    post: &Post,
    field: &Field,
    view: View,
) -> Result<Option<Value>, ApiResponse> {
    let (kind, numbers) = (kind(post), post.numbers);
    let by_facebook = call.held.grant.door == Door::Facebook;
    Ok(Some(match field.name.as_str() {
        "id" => json!(id(account, post)),
        "ig_id" => json!(id(account, post)),
        "timestamp" => json!(when(post.published)),
        "caption" => json!(format!("{} #{}", account.description, post.number)),
        "media_type" => json!(match kind {
            Kind::Image => "IMAGE",
            Kind::Reel => "VIDEO",
            Kind::Album => "CAROUSEL_ALBUM",
        }),
        "media_product_type" => json!(if kind == Kind::Reel { "REELS" } else { "FEED" }),
        "permalink" => json!(permalink(account, post)),
        "shortcode" => json!(shortcode(account, post)),
        "username" => json!(account.handle),
        "owner" if view == View::Own => json!({"id": account.id}),
        "comments_count" => json!(numbers.comments),
        "is_comment_enabled" if view == View::Own => json!(true),
        "like_count" => return Ok(reported(numbers.likes.filter(|_| !account.hidden))),
        // Reels only, and only where others look.
        "view_count" if view == View::Others => return Ok(reported(numbers.views.filter(|_| kind == Kind::Reel))),
        "media_url" => json!(format!("https://scontent.cdninstagram.test/{}.jpg", id(account, post))),
        "thumbnail_url" if view == View::Own => {
            let url = format!("https://scontent.cdninstagram.test/{}_t.jpg", id(account, post));
            return Ok((kind == Kind::Reel).then(|| json!(url)));
        }
        "saved_count" if view == View::Own && by_facebook => return Ok(reported(numbers.saves)),
        "shares_count" if view == View::Own && by_facebook => return Ok(reported(numbers.reposts)),
        "insights" if view == View::Own => media_insights::nested(call, account, post, field)?,
        // Albums are served without what is in them.
        "children" => return Ok(None),
        name => return Err(unknown_field(name, "IGMedia")),
    }))
}

fn reported(count: Option<u64>) -> Option<Value> {
    count.map(|count| json!(count))
}

fn permalink(account: &Account, post: &Post) -> String {
    let part = if kind(post) == Kind::Reel { "reel" } else { "p" };
    format!("https://www.instagram.com/{part}/{}/", shortcode(account, post))
}

fn shortcode(account: &Account, post: &Post) -> String {
    crate::world::ids::video_id(crate::world::ids::channel_key(&account.id), post.number)
}
