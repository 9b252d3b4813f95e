//! The person who signed in: Pages, business portfolios and permissions.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::access::Call;
use super::edges::{self, Edge};
use super::errors::error;
use super::fields::Field;
use super::nodes::Node;
use crate::Platform;
use crate::grants::Grant;
use crate::platforms::ApiResponse;
use crate::world::account::Account;
use crate::world::ids::digits_id;

/// The person's id, another one for each app.
pub fn person_id(grant: &Grant) -> String {
    digits_id("1", &format!("{} {}", grant.platform, grant.owner), 0)
}

pub fn accounts_edge(call: &Call<'_>) -> Result<ApiResponse, ApiResponse> {
    let fields = call.fields()?;
    listed(call, edges::edge(call)?, &fields, true).map(ApiResponse::ok)
}

pub fn accounts(call: &Call<'_>, field: &Field) -> Result<Value, ApiResponse> {
    listed(call, Edge::of(field)?, &field.below, false)
}

/// What lists the Pages of business portfolios.
const PORTFOLIOS: &str = "business_management";

/// The Pages that the person opened, without those of business portfolios where these were not allowed; none without
/// the permission to show them.
fn listed(call: &Call<'_>, edge: Edge, fields: &[Field], has_next: bool) -> Result<Value, ApiResponse> {
    if call.page_id().is_some() {
        return Err(error(100, None, "(#100) Tried accessing nonexisting field (accounts) on node type (Page)"));
    }
    let is_listed = |page: &Arc<Account>| {
        call.has("pages_show_list") && !page.unlisted && (page.portfolio.is_none() || call.has(PORTFOLIOS))
    };
    let pages = call.opened(Platform::Facebook).into_iter().filter(is_listed).collect();
    rendered(call, edge, pages, fields, has_next)
}

fn rendered(
    call: &Call<'_>,
    edge: Edge,
    pages: Vec<Arc<Account>>,
    fields: &[Field],
    has_next: bool,
) -> Result<Value, ApiResponse> {
    let usual: Vec<Field>;
    let fields = match fields {
        [] => {
            usual = ["access_token", "category", "category_list", "name", "id", "tasks"].map(Field::plain).to_vec();
            &usual
        }
        fields => fields,
    };
    edges::list(call, edge, pages.len(), |index| Node::Page(pages[index].clone()).render(call, fields), has_next)
}

/// The business portfolios that hold Pages of the person's.
pub fn businesses(call: &Call<'_>) -> Result<ApiResponse, ApiResponse> {
    let names: Vec<String> = portfolios(call)?.into_iter().collect();
    let one = |index: usize| Ok(json!({"id": business_id(&names[index]), "name": names[index]}));
    edges::list(call, edges::edge(call)?, names.len(), one, true).map(ApiResponse::ok)
}

fn portfolios(call: &Call<'_>) -> Result<BTreeSet<String>, ApiResponse> {
    match call.has(PORTFOLIOS) && call.page_id().is_none() {
        true => Ok(call.opened(Platform::Facebook).iter().filter_map(|page| page.portfolio.clone()).collect()),
        false => Err(error(200, None, "(#200) Requires business_management permission to manage the object")),
    }
}

/// A portfolio's id.
pub fn business_id(name: &str) -> String {
    digits_id("6", name, 0)
}

/// The portfolio with this id, where the person belongs to it.
pub fn business(call: &Call<'_>, id: &str) -> Option<String> {
    portfolios(call).ok()?.into_iter().find(|name| business_id(name) == id)
}

/// The Pages that a portfolio owns, as far as the person opened them. It has none of its clients.
pub fn business_pages(call: &Call<'_>, name: &str, is_owned: bool) -> Result<ApiResponse, ApiResponse> {
    let is_there = |page: &Arc<Account>| is_owned && page.portfolio.as_deref() == Some(name);
    let pages = call.opened(Platform::Facebook).into_iter().filter(is_there).collect();
    rendered(call, edges::edge(call)?, pages, &call.fields()?, true).map(ApiResponse::ok)
}

pub fn permissions(call: &Call<'_>) -> ApiResponse {
    let grant = &call.held.grant;
    let line = |scope: &String, status: &str| json!({"permission": scope, "status": status});
    let granted = grant.scopes.iter().map(|scope| line(scope, "granted"));
    let declined = grant.declined.iter().map(|scope| line(scope, "declined"));
    ApiResponse::ok(json!({"data": granted.chain(declined).collect::<Vec<_>>()}))
}

/// Takes back one permission, or all: then every token of the grant is dead, those of Pages too.
pub fn revoke(call: &Call<'_>, permission: Option<&str>) -> ApiResponse {
    if call.page_id().is_some() {
        return error(210, None, "(#210) This call requires a user access token.");
    }
    let grant = call.held.grant.number;
    match permission {
        None => call.world.grants.revoke(grant),
        Some(permission) => call.world.grants.remove_scope(grant, permission),
    }
    ApiResponse::ok(json!({"success": true}))
}

/// The ids that a scope was allowed for, as `debug_token` reports them.
pub fn granular(grant: &Grant) -> Vec<Value> {
    let ids = |platform: Platform| {
        let of = grant.accounts.iter().filter(move |(on, _)| *on == platform);
        of.map(|(_, id)| json!(id)).collect::<Vec<_>>()
    };
    let line = |scope: &String| {
        let platform = match scope.as_str() {
            scope if scope.starts_with("instagram_") => Platform::Instagram,
            scope if scope.starts_with("pages_") || scope == "read_insights" => Platform::Facebook,
            _ => return None,
        };
        let mut line = Map::from_iter([("scope".to_owned(), json!(scope))]);
        line.insert("target_ids".to_owned(), json!(ids(platform)));
        Some(Value::Object(line))
    };
    grant.scopes.iter().filter_map(line).collect()
}
