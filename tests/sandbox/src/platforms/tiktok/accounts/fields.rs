//! The parameter `fields`: a list in JSON.

use super::{error, no_permission};
use crate::grants::Held;
use crate::platforms::{ApiRequest, ApiResponse};

/// The fields requested, or these where none are; one beyond the granted scopes fails all.
pub fn requested(
    request: &ApiRequest,
    held: &Held,
    known: &[(&str, &str)],
    usual: &[&str],
) -> Result<Vec<String>, ApiResponse> {
    let Some(text) = request.one("fields") else { return Ok(usual.iter().map(|name| (*name).to_owned()).collect()) };
    let fields: Vec<String> =
        serde_json::from_str(text).map_err(|_| error(40_002, "fields: Not a valid list of strings."))?;
    for field in &fields {
        match known.iter().find(|(name, _)| name == field) {
            None => return Err(error(40_002, &format!("fields: Unknown field {field}."))),
            Some((_, scope)) if !held.grant.has(scope) => return Err(no_permission()),
            Some(_) => {}
        }
    }
    Ok(fields)
}
