//! A Page's posts, with their counts as summaries of lists that stay empty.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{POST_PREFIX, insights};
use crate::platforms::ApiResponse;
use crate::platforms::meta::{
    Call, Edge, Field, edge as edge_of, list, missing_permission, refused, unknown_field, when,
};
use crate::world::account::Account;
use crate::world::ids::digits_id;
use crate::world::posts::Post;

/// Needed for comments and reactions, though the error names another.
const USER_CONTENT: &str = "pages_read_user_content";

/// Kinds of reactions and their shares of all, in hundredths.
const REACTIONS: [(&str, u64); 6] = [("LIKE", 70), ("LOVE", 20), ("WOW", 4), ("HAHA", 4), ("SAD", 1), ("ANGRY", 1)];

pub fn id(page: &Account, post: &Post) -> String {
    format!("{}_{}", page.id, digits_id(POST_PREFIX, &page.id, post.number))
}

/// `/feed` would have visitors' posts too.
pub fn edge(call: &Call<'_>, page: &Arc<Account>) -> Result<ApiResponse, ApiResponse> {
    listed(call, page, edge_of(call)?, &call.fields()?, true).map(ApiResponse::ok)
}

/// A Page's posts among its fields.
pub fn nested(call: &Call<'_>, page: &Arc<Account>, field: &Field) -> Result<Value, ApiResponse> {
    listed(call, page, Edge::of(field)?, &field.below, false)
}

fn listed(
    call: &Call<'_>,
    page: &Arc<Account>,
    edge: Edge,
    fields: &[Field],
    is_direct: bool,
) -> Result<Value, ApiResponse> {
    if !call.has("pages_read_engagement") {
        return Err(not_readable());
    }
    let usual: Vec<Field>;
    let fields = match fields {
        [] => {
            usual = ["created_time", "message", "id"].map(Field::plain).to_vec();
            &usual
        }
        fields => fields,
    };
    let seconds = |name| call.request.param(name).filter(|_| is_direct).and_then(|text| text.parse::<i64>().ok());
    let (since, until) = (seconds("since").unwrap_or(i64::MIN), seconds("until").unwrap_or(i64::MAX));
    let posts = page.numbers_served(call.now).filter_map(|number| page.post(number, call.now));
    let posts: Vec<Post> = posts.filter(|post| (since..=until).contains(&post.published.as_second())).collect();
    let one = |index: usize| {
        let mut object = Map::new();
        for wanted in fields {
            if let Some(value) = field(call, page, &posts[index], wanted)? {
                object.insert(wanted.shown().to_owned(), value);
            }
        }
        object.entry("id").or_insert(json!(id(page, &posts[index])));
        Ok(Value::Object(object))
    };
    list(call, edge, posts.len(), one, is_direct)
}

/// A field; `None` = it has no value.
pub fn field(call: &Call<'_>, page: &Arc<Account>, post: &Post, field: &Field) -> Result<Option<Value>, ApiResponse> {
    let (id, numbers) = (id(page, post), post.numbers);
    let shares = numbers.reposts.unwrap_or(0);
    let reactions = numbers.likes.unwrap_or(0);
    Ok(Some(match field.name.as_str() {
        "id" => json!(id),
        "created_time" | "updated_time" => json!(when(post.published)),
        "permalink_url" => json!(format!("https://www.facebook.com/{}", id.replace('_', "/posts/"))),
        "message" => json!(format!("{} #{}", page.description, post.number)),
        "status_type" => json!(if post.number.is_multiple_of(3) { "added_video" } else { "added_photos" }),
        "from" => json!({"name": page.display_name, "id": page.id}),
        "full_picture" => json!(format!("https://scontent.xx.fbcdn.test/{id}.jpg")),
        "shares" => return Ok((shares > 0).then(|| json!({"count": shares}))),
        "reactions" => {
            let wanted = field.argument("type").and_then(|kind| REACTIONS.iter().find(|(name, _)| *name == kind));
            let count = wanted.map_or(reactions, |(_, share)| reactions * share / 100);
            summary(call, page, post, field, json!({"total_count": count, "viewer_reaction": "NONE"}))?
        }
        "likes" => {
            let count = reactions * 70 / 100;
            summary(call, page, post, field, json!({"total_count": count, "can_like": true, "has_liked": false}))?
        }
        "comments" => {
            let count = numbers.comments.unwrap_or(0);
            summary(call, page, post, field, json!({"order": "ranked", "total_count": count, "can_comment": true}))?
        }
        "insights" => insights::nested_of_post(call, page, post, field)?,
        "attachments" | "icon" | "message_tags" | "picture" => return Ok(None),
        name => return Err(unknown_field(name, "Post")),
    }))
}

/// A list without entries; with the summary when it is requested. Where it is not permitted, all is refused that was
/// requested with it.
fn summary(call: &Call<'_>, page: &Account, post: &Post, field: &Field, summary: Value) -> Result<Value, ApiResponse> {
    if field.argument("summary").is_none_or(|wanted| matches!(wanted, "false" | "0")) {
        return Ok(json!({"data": []}));
    }
    match page.refused("sums", post.number) {
        Some(code) => Err(refused(code)),
        None if !call.has(USER_CONTENT) => Err(not_readable()),
        None => Ok(json!({"data": [], "summary": summary})),
    }
}

/// The reactions of a post by kind, as insights name them.
pub fn by_kind(total: u64) -> Value {
    const NAMES: [&str; 6] = ["like", "love", "wow", "haha", "sorry", "anger"];
    let all = NAMES.iter().zip(REACTIONS).map(|(name, (_, share))| ((*name).to_owned(), json!(total * share / 100)));
    Value::Object(all.collect())
}

fn not_readable() -> ApiResponse {
    missing_permission(
        "This endpoint requires the 'pages_read_engagement' permission or the 'Page Public Content Access' feature.",
    )
}
