//! The person who signed in: Pages and permissions.

use serde_json::{Map, Value, json};

use super::access::Call;
use super::edges::{self, Edge};
use super::errors::error;
use super::fields::Field;
use super::nodes::Node;
use crate::Platform;
use crate::grants::Grant;
use crate::platforms::ApiResponse;
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

/// The Pages that the person opened; none without the permission to show them.
fn listed(call: &Call<'_>, edge: Edge, fields: &[Field], has_next: bool) -> Result<Value, ApiResponse> {
    if call.page_id().is_some() {
        return Err(error(100, None, "(#100) Tried accessing nonexisting field (accounts) on node type (Page)"));
    }
    let pages = if call.has("pages_show_list") { call.opened(Platform::Facebook) } else { Vec::new() };
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
