//! What an id names, as far as the token opens it.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::access::{Call, is_there};
use super::errors::{error, no_such_object, unknown_field};
use super::fields::Field;
use super::me;
use crate::Platform;
use crate::grants::Door;
use crate::platforms::{ApiResponse, facebook, instagram};
use crate::world::account::{Account, State};
use crate::world::ids::read_digits_id;
use crate::world::posts::Post;

/// An object of the graph.
pub enum Node {
    /// The person who signed in.
    Person,
    /// A business portfolio, by its name.
    Business(String),
    Page(Arc<Account>),
    Instagram(Arc<Account>),
    Media(Arc<Account>, Post),
    Post(Arc<Account>, Post),
}

/// Finds what an id names. What the token does not open looks like what is not there.
pub fn find(call: &Call<'_>, id: &str) -> Result<Node, ApiResponse> {
    let node = named(call, id).ok_or_else(|| no_such_object(id))?;
    match node.account() {
        Some(account) if !is_there(account) => Err(no_such_object(id).about(account)),
        Some(account) if account.state == State::Failing => {
            Err(error(2, None, "An unexpected error has occurred. Please retry your request later.").about(account))
        }
        _ => Ok(node),
    }
}

fn named(call: &Call<'_>, id: &str) -> Option<Node> {
    let world = call.world;
    if call.held.grant.door == Door::Instagram {
        let own = call.opened(Platform::Instagram).into_iter().next()?;
        let is_own = id == "me" || id == own.id || id == instagram::app_scoped_id(&own);
        return if is_own { Some(Node::Instagram(own)) } else { instagram::media(call, &own, id) };
    }
    if id == "me" {
        return match call.page_id() {
            Some(page) => world.account_by_id(Platform::Facebook, page).map(Node::Page),
            None => Some(Node::Person),
        };
    }
    if id == me::person_id(&call.held.grant) {
        return Some(Node::Person);
    }
    if let Some(name) = me::business(call, id) {
        return Some(Node::Business(name));
    }
    let opened = |platform| world.account_by_id(platform, id).filter(|account| call.opens(account));
    if let Some(page) = opened(Platform::Facebook) {
        return Some(Node::Page(page));
    }
    if let Some(account) = opened(Platform::Instagram) {
        return Some(Node::Instagram(account));
    }
    if let Some((page, post)) = id.split_once('_') {
        let page = world.account_by_id(Platform::Facebook, page).filter(|page| call.opens(page))?;
        let number = read_digits_id(facebook::POST_PREFIX, &page.id, post)?;
        let post = page.post(number, call.now)?;
        return Some(Node::Post(page, post));
    }
    let accounts = call.opened(Platform::Instagram);
    accounts.iter().find_map(|account| instagram::media(call, account, id))
}

impl Node {
    pub fn account(&self) -> Option<&Arc<Account>> {
        match self {
            Node::Person | Node::Business(_) => None,
            Node::Page(account) | Node::Instagram(account) | Node::Media(account, _) | Node::Post(account, _) => {
                Some(account)
            }
        }
    }

    /// The object with the fields requested; a field without a value is left out.
    pub fn render(&self, call: &Call<'_>, fields: &[Field]) -> Result<Value, ApiResponse> {
        let usual: Vec<Field>;
        let fields = match fields {
            [] => {
                usual = self.usual().iter().map(|name| Field::plain(name)).collect();
                &usual
            }
            fields => fields,
        };
        let mut object = Map::new();
        for field in fields {
            if let Some(value) = self.field(call, field)? {
                object.insert(field.shown().to_owned(), value);
            }
        }
        // The id is included, requested or not.
        if let Some(id) = self.field(call, &Field::plain("id"))? {
            object.entry("id").or_insert(id);
        }
        Ok(Value::Object(object))
    }

    /// The fields of a request that names none.
    fn usual(&self) -> &'static [&'static str] {
        match self {
            Node::Person | Node::Business(_) | Node::Page(_) => &["name", "id"],
            Node::Instagram(_) | Node::Media(..) => &["id"],
            Node::Post(..) => &["created_time", "message", "id"],
        }
    }

    fn field(&self, call: &Call<'_>, field: &Field) -> Result<Option<Value>, ApiResponse> {
        match self {
            Node::Person => match field.name.as_str() {
                "id" => Ok(Some(json!(me::person_id(&call.held.grant)))),
                "name" => Ok(Some(json!(call.held.grant.owner))),
                "accounts" => me::accounts(call, field).map(Some),
                name => Err(unknown_field(name, "User")),
            },
            Node::Business(business) => match field.name.as_str() {
                "id" => Ok(Some(json!(me::business_id(business)))),
                "name" => Ok(Some(json!(business))),
                name => Err(unknown_field(name, "Business")),
            },
            Node::Page(page) => facebook::page_field(call, page, field),
            Node::Post(page, post) => facebook::post_field(call, page, post, field),
            Node::Instagram(account) => instagram::account_field(call, account, field),
            Node::Media(account, post) => instagram::media_field(call, account, post, field),
        }
    }

    pub fn edge(&self, call: &Call<'_>, name: &str) -> Result<ApiResponse, ApiResponse> {
        let unknown = |node| error(2500, None, &format!("Unknown path components: /{name} on {node}"));
        match self {
            Node::Person => match name {
                "accounts" => me::accounts_edge(call),
                "businesses" => me::businesses(call),
                "permissions" => Ok(me::permissions(call)),
                _ => Err(unknown("User")),
            },
            Node::Business(business) => match name {
                "owned_pages" | "client_pages" => me::business_pages(call, business, name == "owned_pages"),
                _ => Err(unknown("Business")),
            },
            Node::Page(page) => facebook::page_edge(call, page, name).unwrap_or_else(|| Err(unknown("Page"))),
            Node::Post(page, post) if name == "insights" => facebook::post_insights(call, page, post),
            Node::Instagram(account) => {
                instagram::account_edge(call, account, name).unwrap_or_else(|| Err(unknown("IGUser")))
            }
            Node::Media(account, post) if name == "insights" => instagram::media_insights(call, account, post),
            Node::Post(..) => Err(unknown("Post")),
            Node::Media(..) => Err(unknown("IGMedia")),
        }
    }
}
